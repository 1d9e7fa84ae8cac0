//! Rule 5: tokens that a function of the user's gives.

use super::*;

#[test]
fn it_is_asked_before_every_authentication() {
    let mut sim = authenticating(asks_for_tokens);
    assert_eq!(asked(&sim), ["dial 1", "ask for a token 1"]);
    assert!(sent(&sim).is_empty(), "nothing is sent before it has answered");
    sim.token(Ok("first"));
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"first"}"#]);
    sim.server_says(ACCEPTED);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.token(Ok("second"));
    assert_eq!(sent(&sim).last().map(String::as_str), Some(r#"{"id":"auth","token":"second"}"#));
}

#[test]
fn after_a_refusal_it_is_asked_once_more_first() {
    let mut sim = client(asks_for_tokens);
    let connect = sim.connect();
    sim.open();
    sim.token(Ok("stale"));
    sim.forget();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), asked(&sim)), ("authenticating", vec!["ask for a token 1".to_owned()]));
    assert_eq!(sim.outcome(connect), None);
    sim.token(Ok("fresh"));
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, connect));
}

#[test]
fn after_the_second_refusal_it_is_not_asked_again() {
    let mut sim = client(asks_for_tokens);
    let connect = sim.connect();
    let call = sim.tool("echo");
    sim.open();
    sim.token(Ok("stale"));
    sim.server_says(REFUSED);
    sim.token(Ok("also stale"));
    sim.forget();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), asked(&sim)), ("unauthorized", vec![]));
    assert_eq!(failure(&sim, connect).0, "AUTH_FAILED");
    assert_eq!(failure(&sim, call), ("AUTH_FAILED", Some(false)));
}

#[test]
fn on_the_next_connection_it_has_its_second_chance_again() {
    let mut sim = authenticating(asks_for_tokens);
    for _ in 0..2 {
        sim.token(Ok("stale"));
        sim.server_says(REFUSED);
    }
    sim.server_closes(1008, "");
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.token(Ok("stale"));
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "authenticating");
}

#[test]
fn once_accepted_it_has_its_second_chance_again() {
    let mut sim = authenticating(asks_for_tokens);
    sim.token(Ok("stale"));
    sim.server_says(REFUSED);
    sim.token(Ok("fresh"));
    sim.server_says(ACCEPTED);
    sim.forget();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), asked(&sim)), ("ready", vec!["ask for a token 1".to_owned()]));
    sim.token(Ok("fresher"));
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn authenticate_without_a_token_asks_again() {
    let mut sim = authenticating(asks_for_tokens);
    sim.token(Ok("stale"));
    sim.server_says(REFUSED);
    sim.token(Ok("stale"));
    sim.server_says(REFUSED);
    sim.forget();
    sim.authenticate(None);
    assert_eq!((sim.state(), asked(&sim)), ("authenticating", vec!["ask for a token 1".to_owned()]));
}

#[test]
fn a_token_given_to_authenticate_replaces_the_function() {
    let mut sim = authenticating(asks_for_tokens);
    sim.authenticate(Some("given"));
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"given"}"#]);
    sim.token(Ok("from the function"));
    assert_eq!(sent(&sim).len(), 1, "its answer comes too late");
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "unauthorized", "it is not asked any more");
}

#[test]
fn a_function_that_throws_fails_the_attempt_with_its_error_and_backs_off() {
    let mut sim = client(asks_for_tokens);
    let connect = sim.connect();
    sim.open();
    sim.forget();
    sim.token(Err("VaultError"));
    assert_eq!((sim.state(), asked(&sim)), ("reconnecting", vec!["drop 1".to_owned()]));
    assert_eq!(sim.session().snapshot().attempt, 1);
    let error = sim.session().snapshot().error.expect("an error");
    assert!(error.code == "AUTH_FAILED" && error.message.contains("apiKey function") && error.from_token_function);
    assert_eq!(sim.outcome(connect), None, "the next attempt may succeed");
    assert_eq!(retry_delay(&sim), 1000);
}

#[test]
fn a_function_that_is_silent_for_auth_timeout_fails_the_attempt_and_backs_off() {
    let mut sim = authenticating(asks_for_tokens);
    sim.advance(9_999);
    assert_eq!(sim.state(), "authenticating");
    sim.advance(1);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_FAILED")));
    sim.token(Ok("too late"));
    assert!(sent(&sim).is_empty());
}

#[test]
fn the_server_has_auth_timeout_from_the_message_on() {
    let mut sim = authenticating(asks_for_tokens);
    sim.advance(9_000);
    sim.token(Ok("slow"));
    sim.advance(9_999);
    assert_eq!(sim.state(), "authenticating");
    sim.advance(1);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_TIMEOUT")));
}

#[test]
fn a_function_that_always_throws_uses_the_attempts_up() {
    let mut sim = client(|config| {
        asks_for_tokens(config);
        config.max_reconnect_attempts = MaxAttempts::Limited(1);
    });
    let connect = sim.connect();
    sim.open();
    sim.token(Err("threw"));
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.token(Err("threw"));
    assert_eq!(sim.state(), "failed");
    assert_eq!(failure(&sim, connect).0, "RECONNECT_EXHAUSTED");
    let cause = sim.session().snapshot().error.and_then(|error| error.cause).expect("a cause");
    assert!(cause.code == "AUTH_FAILED" && cause.from_token_function);
}

#[test]
fn its_answer_is_heard_once_and_only_for_the_connection_that_asked() {
    let mut sim = authenticating(asks_for_tokens);
    let first = sim.connection();
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.input(|session, now| session.handle_token(now, first, Err("stale".into())));
    assert_eq!(sim.state(), "authenticating");
    sim.token(Ok("a"));
    sim.token(Ok("b"));
    sim.token(Err("c"));
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"a"}"#]);
}

#[test]
fn an_answer_that_comes_while_closing_is_passed_over() {
    for answer in [Ok("late"), Err("late")] {
        let mut sim = authenticating(asks_for_tokens);
        sim.close();
        sim.forget();
        sim.token(answer);
        assert_eq!((sim.state(), sent(&sim), asked(&sim)), ("closing", vec![], vec![]));

        let mut sim = authenticating(asks_for_tokens);
        sim.token(Ok("token"));
        sim.server_says(ACCEPTED);
        let call = sim.tool("slow");
        sim.authenticate(None);
        sim.close_draining(60_000);
        sim.forget();
        sim.token(answer);
        assert_eq!((sim.state(), sent(&sim), asked(&sim)), ("closing", vec![], vec![]), "draining");
        sim.advance(14_000);
        sim.server_answers(call, "1");
        assert!(results(&sim, call).is_some(), "draining goes on");
    }
}

#[test]
fn a_refusal_of_its_token_is_not_the_end_while_the_answer_to_the_users_own_auth_message_is_due() {
    let mut sim = authenticating(asks_for_tokens);
    sim.token(Ok("stale"));
    sim.send(r#"{"id":"auth","token":"mine"}"#);
    sim.forget();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), asked(&sim)), ("authenticating", vec![]));
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn in_the_event_dialect_it_is_not_asked() {
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        config.dialect = mcp_protocol::DialectChoice::Event;
    });
    assert_eq!(asked(&sim), ["dial 1"]);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn when_the_server_turns_out_to_speak_events_its_answer_is_not_needed_any_more() {
    let mut sim = authenticating(asks_for_tokens);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "ready");
    sim.token(Err("threw"));
    assert_eq!((sim.state(), sent(&sim)), ("ready", vec![]));
}

#[test]
fn a_machine_that_does_not_read_does_not_blame_the_function_or_the_server() {
    let mut sim = authenticating(asks_for_tokens);
    sim.pause_reading(true);
    sim.advance(14_000);
    assert_eq!(sim.state(), "authenticating");
    sim.pause_reading(false);
    sim.advance(9_999);
    assert_eq!(sim.state(), "authenticating");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting");
}
