//! Rule 6: no answer to the auth message.

use super::*;
use mcp_protocol::DialectChoice;

fn drops_after_ten_seconds(mut sim: Sim) {
    sim.forget();
    sim.advance(9_999);
    assert_eq!(sim.state(), "authenticating");
    sim.advance(1);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_TIMEOUT")));
    assert_eq!(asked(&sim), ["drop 1"]);
    assert_eq!(told(&sim), ["state reconnecting", "close 1006", "error AUTH_TIMEOUT", "reconnecting 1 in 1000"]);
    assert!(sim.session().snapshot().error.is_some_and(|error| error.retryable));
}

#[test]
fn it_is_auth_timeout_drop_and_back_off() {
    drops_after_ten_seconds(authenticating(defaults));
}

#[test]
fn other_messages_are_no_answer() {
    let mut sim = authenticating(defaults);
    for text in
        [PONG, "1", r#"{"id":"author","success":true}"#, r#"{"success":true}"#, r#"{"id":["auth"],"success":true}"#]
    {
        sim.server_says(text);
    }
    drops_after_ten_seconds(sim);
}

#[test]
fn in_the_event_dialect_the_greeting_is_the_answer() {
    drops_after_ten_seconds(authenticating(|config| config.dialect = DialectChoice::Event));
    let mut sim = authenticating(defaults);
    sim.server_says(EVENT_PONG);
    drops_after_ten_seconds(sim);
}

#[test]
fn it_holds_for_reauthentication_in_ready_too() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let authenticate = sim.authenticate(None);
    sim.advance(10_000);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_TIMEOUT")));
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    come_back(&mut sim);
    assert!(is_done(&sim, authenticate), "the next connection authenticates as well");
}

#[test]
fn an_answer_in_time_stops_it() {
    for answer in [ACCEPTED, REFUSED] {
        let mut sim = authenticating(|config| config.heartbeat_interval = None);
        sim.advance(9_999);
        sim.server_says(answer);
        assert_eq!(sim.next_wake_up(), None);
    }
}

#[test]
fn it_waits_while_the_client_does_not_read_and_starts_anew_after() {
    let mut sim = authenticating(|config| config.heartbeat_interval = None);
    sim.pause_reading(true);
    sim.advance(1_000_000);
    sim.pause_reading(false);
    drops_after_ten_seconds(sim);
}

#[test]
fn reading_again_starts_no_wait_for_an_answer_that_will_never_come() {
    let mut sim = ready_in_event_dialect(|config| config.heartbeat_interval = None);
    sim.pause_reading(true);
    sim.pause_reading(false);
    assert_eq!(sim.next_wake_up(), None, "an event server never answers the auth message");

    let mut sim = ready(|config| config.heartbeat_interval = None);
    sim.send(r#"{"id":"auth","token":"mine"}"#);
    sim.pause_reading(true);
    sim.pause_reading(false);
    assert_eq!(sim.next_wake_up(), None, "the user's own auth message is his own affair");
}

#[test]
fn reading_again_while_closing_starts_no_wait_either() {
    let mut sim = ready(defaults);
    let call = sim.tool("slow");
    sim.authenticate(None);
    sim.pause_reading(true);
    sim.close_draining(60_000);
    sim.pause_reading(false);
    sim.advance(14_999);
    assert_eq!(sim.state(), "closing");
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}
