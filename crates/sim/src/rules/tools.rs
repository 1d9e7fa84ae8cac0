//! What the server says of its tools: who asks waits for `ready`, then up to a second for a `schemas` event.

use super::*;
use mcp_protocol::RequestKey;

const GREETING: &str = r#"{"event":"connection","data":{"clientId":"c1"}}"#;
const DESCRIBED: &str = r#"{"event":"schemas","data":[{"name":"a"},{"_def":{}},{"name":"b"}]}"#;

/// `ready` with a server of the event dialect that has greeted, and has not described its tools.
fn greeted() -> Sim {
    let mut sim = authenticating(defaults);
    sim.server_says(GREETING);
    assert_eq!(sim.state(), "ready");
    sim.forget();
    sim
}

fn is_waiting(sim: &Sim, payload: u32) -> bool {
    sim.outcome(payload).is_none()
}

/// What was answered.
fn described(sim: &Sim, payload: u32) -> String {
    results(sim, payload).expect("an array")
}

#[test]
fn they_are_those_of_the_schemas_event_that_have_a_name() {
    let mut sim = authenticating(defaults);
    sim.server_says(DESCRIBED);
    let tools = sim.tools(None);
    assert_eq!(described(&sim, tools), r#"[{"name":"a"},{"name":"b"}]"#);
}

#[test]
fn who_asks_before_the_client_is_ready_waits_for_it() {
    let mut sim = connecting(defaults);
    let tools = sim.tools(None);
    sim.advance(5_000);
    sim.open();
    assert!(is_waiting(&sim, tools));
    sim.server_says(DESCRIBED);
    assert_eq!(described(&sim, tools), r#"[{"name":"a"},{"name":"b"}]"#);
    assert_eq!(told(&sim).last().map(String::as_str), Some("2 results"), "after everything else");
}

#[test]
fn the_guides_dialect_has_none() {
    let mut sim = authenticating(defaults);
    let before = sim.tools(None);
    sim.server_says(ACCEPTED);
    let after = sim.tools(None);
    assert_eq!((described(&sim, before), described(&sim, after)), ("[]".to_owned(), "[]".to_owned()));
    sim.server_says(DESCRIBED);
    let later = sim.tools(None);
    assert_eq!(described(&sim, later), "[]", "that is a push there");
}

#[test]
fn after_ready_a_second_is_waited_for_the_event() {
    let mut sim = greeted();
    let tools = sim.tools(None);
    sim.advance(999);
    assert!(is_waiting(&sim, tools));
    sim.server_says(DESCRIBED);
    assert_eq!(described(&sim, tools), r#"[{"name":"a"},{"name":"b"}]"#);
}

#[test]
fn after_that_second_there_are_none_until_the_event_comes() {
    let mut sim = greeted();
    let tools = sim.tools(None);
    sim.advance(1_000);
    assert_eq!(described(&sim, tools), "[]");
    let at_once = sim.tools(None);
    assert_eq!(described(&sim, at_once), "[]");
    sim.server_says(DESCRIBED);
    let tools = sim.tools(None);
    assert_eq!(described(&sim, tools), r#"[{"name":"a"},{"name":"b"}]"#);
}

#[test]
fn the_newest_event_counts() {
    let mut sim = ready_in_event_dialect(defaults);
    sim.server_says(DESCRIBED);
    sim.server_says(r#"{"event":"schemas","data":[{"name":"c"}]}"#);
    let tools = sim.tools(None);
    assert_eq!(described(&sim, tools), r#"[{"name":"c"}]"#);
}

#[test]
fn what_a_connection_has_said_is_not_taken_for_the_next_ones_words() {
    let mut sim = authenticating(defaults);
    sim.server_says(DESCRIBED);
    sim.drop_connection();
    let tools = sim.tools(None);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(GREETING);
    sim.advance(1_000);
    assert_eq!(described(&sim, tools), "[]");
}

#[test]
fn a_lost_connection_does_not_end_the_waiting() {
    let mut sim = greeted();
    let tools = sim.tools(None);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(DESCRIBED);
    assert_eq!(described(&sim, tools), r#"[{"name":"a"},{"name":"b"}]"#);
}

#[test]
fn a_server_that_speaks_the_guides_dialect_after_all_has_none() {
    let mut sim = greeted();
    let tools = sim.tools(None);
    sim.server_says(ACCEPTED);
    assert_eq!(described(&sim, tools), "[]");
}

#[test]
fn who_asks_waits_no_longer_than_the_timeout() {
    let mut sim = greeted();
    let tools = sim.tools(Some(400));
    sim.advance(400);
    assert_eq!(failure(&sim, tools), ("REQUEST_TIMEOUT", None));
    let mut sim = connecting(defaults);
    sim.fail_dial(DialFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "refused")));
    let tools = sim.tools(Some(400));
    sim.advance(400);
    assert_eq!(failure(&sim, tools), ("REQUEST_TIMEOUT", None));
    let Some(Outcome::Failed(error)) = sim.outcome(tools) else { panic!("it failed") };
    assert_eq!(error.data().cause.map(|cause| cause.code), Some("CONNECT_FAILED"), "why there is no connection");
}

#[test]
fn it_is_refused_where_a_call_is() {
    let mut sim = client(defaults);
    let idle = sim.tools(None);
    assert_eq!(failure(&sim, idle), ("NOT_CONNECTED", None));
    let mut sim = unauthorized(defaults);
    let refused = sim.tools(None);
    assert_eq!(failure(&sim, refused), ("NOT_CONNECTED", None));
    let mut sim = connecting(|config| config.offline_queue_limit = 0);
    let no_queue = sim.tools(None);
    assert_eq!(failure(&sim, no_queue), ("NOT_CONNECTED", None));
}

#[test]
fn it_fails_where_a_waiting_call_does() {
    let mut sim = authenticating(defaults);
    let tools = sim.tools(None);
    sim.server_says(REFUSED);
    assert_eq!(failure(&sim, tools), ("AUTH_FAILED", None));
    for wait in [connecting as fn(fn(&mut Config)) -> Sim, |_| greeted()] {
        let mut sim = wait(defaults);
        let tools = sim.tools(None);
        sim.close();
        assert_eq!(failure(&sim, tools), ("CLOSED", None));
    }
    let mut sim = connecting(defaults);
    let tools = sim.tools(None);
    sim.refuse(404);
    assert_eq!(failure(&sim, tools), ("CONNECT_FAILED", None));
}

#[test]
fn it_counts_for_max_pending() {
    let mut sim = connecting(|config| config.max_pending = 2);
    let [_, _, third] = [(); 3].map(|()| sim.tools(None));
    assert_eq!(failure(&sim, third), ("QUEUE_FULL", None));
    let call = sim.tool("echo");
    assert_eq!(failure(&sim, call), ("QUEUE_FULL", Some(false)));
}

#[test]
fn it_is_no_request() {
    let mut sim = greeted();
    let tools = sim.tools(Some(10));
    sim.advance(10);
    assert_eq!(failure(&sim, tools).0, "REQUEST_TIMEOUT");
    let stats = sim.session().stats();
    assert_eq!((stats.requests, stats.failed, stats.timed_out, stats.pending), (0, 0, 0, 0));
    assert_eq!(sent(&sim), Vec::<String>::new());
}

#[test]
fn it_can_be_taken_back_until_it_is_answered() {
    let mut sim = greeted();
    let tools = sim.tools(None);
    assert!(sim.abort(tools));
    assert_eq!(sim.session().stats().failed, 0);
    sim.server_says(DESCRIBED);
    assert_eq!(sim.unsettled(), Vec::<u32>::new());
    let tools = sim.tools(None);
    assert!(!sim.abort(tools), "it was answered at once");
    assert!(sim.input(|session, now| session.abort(now, RequestKey(1))).is_none());
}
