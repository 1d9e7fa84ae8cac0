//! A token shows itself to nobody but the auth message.

use super::*;
use mcp_protocol::{Ending, Interest, Secret, TokenSource};

const TOKEN: &str = "hunter2";

/// Everything that the session gave out or shows, as anybody might print it.
fn printed(sim: &Sim) -> String {
    let session = sim.session();
    let mut all =
        format!("{:?} {:?} {:?} {:?}", session.state(), session.config(), session.snapshot(), session.stats());
    for record in sim.outputs() {
        all += &format!("\n{record:?}");
        match &record.what {
            What::Event(Event::Notice(notice)) => all += &serde_json::to_string(notice).expect("it is data"),
            What::Event(Event::Settled { outcome: Outcome::Failed(error), .. }) => {
                all += &serde_json::to_string(&error.data()).expect("it is data");
                all += &error.fault.to_string();
            }
            _ => {}
        }
    }
    all
}

fn listening(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = client(adjust);
    sim.input(|session, _| session.set_interest(Interest::ALL));
    sim.connect();
    sim
}

#[test]
fn no_event_action_error_log_line_or_debug_output_shows_it() {
    let fixed = |config: &mut Config| config.token = TokenSource::Fixed(Secret::new(TOKEN));
    for asks in [false, true] {
        let mut sim = listening(if asks { asks_for_tokens } else { fixed });
        sim.tool("queued");
        sim.hold_writes(true);
        sim.open();
        if asks {
            sim.token(Ok(TOKEN));
        }
        let mut pages = printed(&sim);
        sim.write(1);
        sim.server_says(REFUSED);
        sim.authenticate(Some(TOKEN));
        sim.send(&format!(r#"{{"id":"auth","token":"{TOKEN}"}}"#));
        pages += &printed(&sim);
        sim.hold_writes(false);
        sim.server_says(REFUSED);
        sim.server_says(ACCEPTED);
        sim.tool("in flight");
        sim.end(Ending::abnormal("reset"));
        sim.advance(100_000);
        sim.close();
        pages += &printed(&sim);
        assert!(sim.outputs().iter().any(|record| record.what.to_string().contains(TOKEN)), "but it was sent");
        assert!(!pages.contains(TOKEN), "{pages}");
    }
}

#[test]
fn nor_does_the_failure_of_a_refused_or_unanswered_token() {
    for answer in [Some(REFUSED), None] {
        let mut sim = listening(|config| {
            config.token = TokenSource::Fixed(Secret::new(TOKEN));
            config.max_reconnect_attempts = MaxAttempts::Limited(0);
        });
        sim.open();
        if let Some(answer) = answer {
            sim.server_says(answer);
        }
        sim.advance(100_000);
        assert!(!printed(&sim).contains(TOKEN));
    }
}
