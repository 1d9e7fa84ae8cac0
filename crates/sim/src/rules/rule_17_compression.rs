//! Rule 17, as far as the session takes part: which texts are not to be compressed, because they hold a key.

use super::*;
use mcp_protocol::Content;

/// The texts handed out so far, each with whether it is confidential.
fn handed_out(sim: &Sim) -> Vec<(String, bool)> {
    let transmits = sim.outputs().iter().filter_map(|record| match &record.what {
        What::Transmit(transmit) => Some(transmit),
        _ => None,
    });
    transmits
        .map(|transmit| (String::from_utf8_lossy(&transmit.text).into_owned(), transmit.content == Content::Secret))
        .collect()
}

#[test]
fn auth_messages_are_confidential_the_users_own_included_and_nothing_else_is() {
    let mut sim = authenticating(|config| config.heartbeat_interval = Some(std::time::Duration::from_secs(1)));
    let long_key = "k".repeat(100_000);
    sim.authenticate(Some("other"));
    sim.send(r#"{"id":"auth","token":"mine"}"#);
    sim.send(&format!(r#"{{"token":"{long_key}","id":"auth"}}"#));
    sim.server_says(ACCEPTED);
    sim.advance(1_000);
    sim.tool("auth");
    sim.send(r#"{"id":"author"}"#);
    sim.send(&"x".repeat(100_000));
    let handed_out = handed_out(&sim);
    assert!(handed_out.len() > 7, "{handed_out:.300?}");
    for (text, confidential) in handed_out {
        assert_eq!(confidential, text.contains(r#""id":"auth""#), "{text:.100}");
    }
}
