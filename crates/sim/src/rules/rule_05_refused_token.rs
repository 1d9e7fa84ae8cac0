//! Rule 5: a token that the server refuses, and calls where there is nobody to take them.

use super::*;
use crate::Traced;
use mcp_protocol::Interest;

fn error_message(sim: &Sim) -> String {
    sim.session().snapshot().error.expect("an error").message
}

#[test]
fn a_refused_token_is_unauthorized_and_the_socket_stays_open() {
    let mut sim = authenticating(defaults);
    sim.forget();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), error_code(&sim)), ("unauthorized", Some("AUTH_FAILED")));
    assert_eq!(error_message(&sim), "no such key");
    let snapshot = sim.session().snapshot();
    assert!(snapshot.connected && !snapshot.authenticated);
    assert_eq!(asked(&sim), Vec::<String>::new(), "nothing happens to the socket");
}

#[test]
fn connect_and_all_queued_requests_reject() {
    let mut sim = client(defaults);
    let connect = sim.connect();
    let call = sim.tool("echo");
    sim.open();
    let later = sim.idempotent_tool("echo");
    sim.server_says(REFUSED);
    assert_eq!(failure(&sim, connect).0, "AUTH_FAILED");
    assert_eq!(failure(&sim, call), ("AUTH_FAILED", Some(false)));
    assert_eq!(failure(&sim, later), ("AUTH_FAILED", Some(false)));
}

#[test]
fn the_servers_words_are_taken_from_a_string_or_from_a_message() {
    for (error, words) in [
        (r#","error":"bad key""#, "bad key"),
        (r#","error":{"message":"bad key"}"#, "bad key"),
        (r#","error":{"code":"E1","message":"bad \"key\""}"#, "bad \"key\""),
        (r#","error":{"code":"E1"}"#, "Authentication failed"),
        (r#","error":{"message":5}"#, "Authentication failed"),
        (r#","error":{"message":""}"#, "Authentication failed"),
        (r#","error":null"#, "Authentication failed"),
        (r#","error":"""#, "Authentication failed"),
        (r#","error":17"#, "Authentication failed"),
        ("", "Authentication failed"),
    ] {
        let mut sim = authenticating(defaults);
        sim.server_says(&format!(r#"{{"id":"auth","success":false{error}}}"#));
        assert_eq!(error_message(&sim), words, "{error}");
    }
}

#[test]
fn only_success_true_is_success() {
    for success in [r#""success":false"#, r#""success":"true""#, r#""success":1"#, r#""success":null"#, r#""x":true"#] {
        let mut sim = authenticating(defaults);
        sim.server_says(&format!(r#"{{"id":"auth",{success}}}"#));
        assert_eq!(sim.state(), "unauthorized", "{success}");
    }
}

#[test]
fn no_timer_drops_an_unauthorized_connection() {
    let mut sim = unauthorized(|config| config.heartbeat_interval = None);
    assert_eq!(sim.next_wake_up(), None);
    sim.advance(10_000_000);
    assert_eq!(sim.state(), "unauthorized");
}

#[test]
fn any_later_success_moves_it_to_ready() {
    let mut sim = unauthorized(defaults);
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
    assert_eq!(error_code(&sim), None);
}

#[test]
fn authenticate_with_a_new_token_may_still_succeed() {
    let mut sim = unauthorized(defaults);
    let authenticate = sim.authenticate(Some("better"));
    assert_eq!((sim.state(), error_code(&sim)), ("authenticating", None));
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"better"}"#]);
    let call = sim.tool("echo");
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, authenticate));
    assert_eq!((sim.state(), tools_sent(&sim)), ("ready", vec!["echo".to_owned()]));
    assert_eq!(sim.outcome(call), None);
    sim.drop_connection();
    come_back(&mut sim);
    assert_eq!(sent(&sim).last().map(String::as_str), Some(r#"{"id":"auth","token":"better"}"#), "it replaces the key");
}

#[test]
fn connect_in_unauthorized_authenticates_again_with_the_same_token() {
    let mut sim = unauthorized(defaults);
    let connect = sim.connect();
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"anonymous"}"#]);
    sim.server_says(REFUSED);
    assert_eq!(failure(&sim, connect).0, "AUTH_FAILED");
    assert_eq!((sim.state(), sim.connection().0), ("unauthorized", 1));
}

#[test]
fn a_code_written_against_the_raw_socket_may_authenticate_by_itself() {
    let mut sim = unauthorized(defaults);
    assert!(sim.send(r#"{"id":"auth","token":"mine"}"#));
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn while_the_answer_to_the_users_own_auth_message_is_due_a_refusal_of_ours_is_not_the_end() {
    let mut sim = authenticating(defaults);
    sim.send(r#"{"id":"auth","token":"mine"}"#);
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "authenticating");
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn reauthentication_keeps_ready_until_the_answer_and_calls_in_flight_live_on() {
    let mut sim = ready(defaults);
    let call = sim.tool("before");
    let authenticate = sim.authenticate(Some("next"));
    assert_eq!(sim.state(), "ready");
    let during = sim.tool("during");
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, authenticate));
    for call in [call, during] {
        sim.server_answers(call, "1");
        assert!(results(&sim, call).is_some());
    }
    assert_eq!(told(&sim)[..2], ["authenticated", "message"], "the state did not change");
}

#[test]
fn a_refused_reauthentication_is_unauthorized_and_calls_in_flight_still_live_on() {
    let mut sim = ready(defaults);
    let call = sim.tool("before");
    let authenticate = sim.authenticate(Some("worse"));
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "unauthorized");
    assert_eq!(failure(&sim, authenticate).0, "AUTH_FAILED");
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn an_unasked_refusal_in_ready_is_unauthorized_too() {
    let mut sim = ready(defaults);
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), error_code(&sim)), ("unauthorized", Some("AUTH_FAILED")));
}

#[test]
fn if_the_server_then_closes_with_1008_the_slow_reconnect_applies_and_counts() {
    let mut sim = unauthorized(attempts(1));
    sim.server_closes(1008, "no such key");
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 6000));
    assert_eq!(sim.session().snapshot().attempt, 1);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(REFUSED);
    sim.server_closes(1008, "no such key");
    assert_eq!(sim.state(), "failed");
}

#[test]
fn where_nothing_is_connecting_a_new_request_is_rejected_at_once_with_not_connected() {
    let closed = {
        let mut sim = ready(defaults);
        sim.server_closes(1000, "");
        sim
    };
    let failed = {
        let mut sim = connecting(attempts(0));
        sim.refuse(503);
        sim
    };
    let at_the_door = {
        let mut sim = connecting(defaults);
        sim.refuse(401);
        sim
    };
    for mut sim in [client(defaults), unauthorized(defaults), at_the_door, closed, failed] {
        let call = sim.tool("echo");
        assert_eq!(failure(&sim, call), ("NOT_CONNECTED", Some(false)), "{}", sim.state());
        assert_eq!(message(&sim, call), "WebSocket not connected or not authenticated");
    }
}

#[test]
fn in_closing_a_new_request_is_rejected_with_closed() {
    let mut sim = ready(defaults);
    sim.close();
    let call = sim.tool("echo");
    assert_eq!(failure(&sim, call), ("CLOSED", Some(false)));

    let mut sim = ready(defaults);
    sim.tool("slow");
    sim.close_draining(5_000);
    let call = sim.tool("echo");
    assert_eq!(failure(&sim, call), ("CLOSED", Some(false)));
}

#[test]
fn on_the_way_to_ready_a_new_request_queues() {
    let reconnecting = {
        let mut sim = ready(defaults);
        sim.drop_connection();
        sim
    };
    for mut sim in [connecting(defaults), authenticating(defaults), reconnecting] {
        let call = sim.tool("echo");
        assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1), "{}", sim.state());
    }
}

/// A client whose code is told first that its socket is open, because it was written against one.
fn held(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = client(adjust);
    sim.input(|session, _| session.set_interest(Interest(Interest::MESSAGES | Interest::OPENS)));
    sim.connect();
    sim.open();
    sim
}

const OURS: &str = r#"{"id":"auth","token":"anonymous"}"#;
const THEIRS: &str = r#"{"id":"auth","token":"mine"}"#;

#[test]
fn an_auth_message_that_code_of_a_socket_sends_on_opening_takes_the_place_of_ours() {
    let mut sim = held(defaults);
    assert!(sent(&sim).is_empty());
    sim.send(THEIRS);
    sim.input(Traced::handle_open_told);
    assert_eq!(sent(&sim), [THEIRS]);
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn ours_goes_out_when_such_code_had_its_turn_and_has_sent_none() {
    let mut sim = held(defaults);
    for _ in 0..2 {
        sim.input(Traced::handle_open_told);
    }
    assert_eq!(sent(&sim), [OURS]);
}

#[test]
fn ours_goes_before_anything_else_that_such_code_sends() {
    for text in ["{}", r#"{"messageType":"ping","timestamp":1}"#] {
        let mut sim = held(defaults);
        sim.send(text);
        assert_eq!(sent(&sim), [OURS, text]);
        sim.send(THEIRS);
        assert_eq!(sent(&sim), [OURS, text, THEIRS]);
    }
}

#[test]
fn ours_goes_before_requests_of_send_tool_request_and_before_probes() {
    let mut sim = held(defaults);
    sim.send_tool_request("echo").expect("the socket is open");
    assert_eq!((sent(&sim)[0].as_str(), sent(&sim).len()), (OURS, 2));
    let mut sim = held(defaults);
    sim.change_network();
    assert_eq!((sent(&sim)[0].as_str(), sent(&sim).len()), (OURS, 2));
}

#[test]
fn a_server_that_accepts_before_it_is_asked_makes_ours_superfluous() {
    let mut sim = held(defaults);
    sim.server_says(ACCEPTED);
    sim.input(Traced::handle_open_told);
    assert_eq!((sim.state(), sent(&sim)), ("ready", vec![]));
}

#[test]
fn ours_goes_out_after_auth_timeout_though_such_code_is_not_told() {
    let mut sim = held(defaults);
    sim.advance(9_999);
    assert!(sent(&sim).is_empty());
    sim.advance(1);
    assert_eq!((sim.state(), sent(&sim)), ("authenticating", vec![OURS.to_owned()]));
    sim.advance(10_000);
    assert_eq!(error_code(&sim), Some("AUTH_TIMEOUT"));
}

#[test]
fn authenticate_does_not_wait_for_such_code() {
    let mut sim = held(defaults);
    sim.authenticate(Some("given"));
    sim.input(Traced::handle_open_told);
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"given"}"#]);
}

#[test]
fn a_greeting_of_the_event_dialect_makes_ours_superfluous() {
    let mut sim = held(defaults);
    sim.server_says(r#"{"event":"connection","data":{}}"#);
    sim.input(Traced::handle_open_told);
    assert_eq!((sim.state(), sent(&sim)), ("ready", vec![]));
}

#[test]
fn an_auth_message_of_the_users_own_makes_the_answer_of_a_token_function_superfluous() {
    let mut sim = authenticating(asks_for_tokens);
    sim.send(THEIRS);
    sim.token(Ok("from the function"));
    assert_eq!(sent(&sim), [THEIRS]);
    sim.advance(10_000);
    assert_eq!(error_code(&sim), Some("AUTH_TIMEOUT"), "its answer is awaited as ours would be");
}

#[test]
fn a_token_of_the_users_own_message_is_the_key_once_it_is_accepted() {
    let mut sim = held(defaults);
    sim.send(THEIRS);
    sim.server_says(ACCEPTED);
    sim.input(|session, _| session.set_interest(Interest::default()));
    sim.drop_connection();
    sim.forget();
    wait_for_the_dial(&mut sim);
    sim.open();
    assert_eq!(sent(&sim), [THEIRS]);
}

#[test]
fn a_token_of_the_users_own_message_that_is_refused_is_not_the_key() {
    let mut sim = authenticating(defaults);
    sim.server_says(ACCEPTED);
    sim.send(THEIRS);
    sim.server_says(REFUSED);
    sim.forget();
    sim.connect();
    assert_eq!(sent(&sim), [OURS]);
    sim.server_says(ACCEPTED);
    sim.forget();
    sim.authenticate(None);
    assert_eq!(sent(&sim), [OURS]);
}
