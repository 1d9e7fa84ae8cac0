//! Rule 15: a key that ends is renewed on the living connection.

use super::*;
use mcp_protocol::DialectChoice;

/// ms: a key of this life is renewed after [`RENEWED`].
const LIFE: u64 = 300_000;
const RENEWED: u64 = 270_000;
const ASK: &str = "ask for a token 1";

/// `ready` by a key that lives so many ms, with a fresh page in the record.
fn ready_for(life: u64, adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        adjust(config);
    });
    sim.key("first", life as f64);
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
    sim.forget();
    sim
}

/// The same, and the function was just asked for the second key. The server answers pings meanwhile.
fn renewing(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = ready_for(LIFE, |config| {
        config.heartbeat_interval = None;
        adjust(config);
    });
    sim.advance(RENEWED);
    assert_eq!((sim.state(), asked(&sim)), ("ready", vec![ASK.to_owned()]));
    sim.forget();
    sim
}

fn quiet(config: &mut Config) {
    config.heartbeat_interval = None;
}

fn auth(token: &str) -> String {
    format!(r#"{{"id":"auth","token":"{token}"}}"#)
}

#[test]
fn the_function_is_asked_again_a_tenth_of_the_life_before_the_end() {
    let mut sim = ready_for(LIFE, quiet);
    sim.advance(RENEWED - 1);
    assert!(asked(&sim).is_empty());
    sim.advance(1);
    assert_eq!(asked(&sim), [ASK]);
}

#[test]
fn that_is_at_least_5_s_and_at_most_60_s_but_never_before_half_the_life() {
    for (life, renewed) in [(20_000, 15_000), (3_600_000, 3_540_000), (8_000, 4_000), (1_000, 500)] {
        let mut sim = ready_for(life, quiet);
        sim.advance(renewed - 1);
        assert!(asked(&sim).is_empty(), "{life}");
        sim.advance(1);
        assert_eq!(asked(&sim), [ASK], "{life}");
    }
}

#[test]
fn the_new_key_is_sent_on_the_living_connection_and_calls_go_on_meanwhile() {
    let mut sim = ready_for(LIFE, quiet);
    sim.advance(RENEWED - 10);
    let in_flight = sim.tool("in flight");
    sim.advance(10);
    let new = sim.tool("new");
    assert_eq!((sim.state(), tools_sent(&sim)), ("ready", vec!["in flight".to_owned(), "new".to_owned()]));
    sim.key("second", LIFE as f64);
    assert_eq!(sent(&sim).last(), Some(&auth("second")));
    let newer = sim.tool("newer");
    sim.server_says(ACCEPTED);
    for call in [in_flight, new, newer] {
        sim.server_answers(call, "1");
        assert!(results(&sim, call).is_some());
    }
    assert!(told(&sim).iter().all(|line| !line.starts_with("state") && !line.starts_with("close")), "{:?}", told(&sim));
    assert_eq!((sim.state(), sim.connection().0), ("ready", 1));
}

#[test]
fn the_new_key_is_renewed_in_its_turn() {
    let mut sim = renewing(defaults);
    sim.advance(1_000);
    sim.key("second", 20_000.0);
    sim.server_says(ACCEPTED);
    sim.forget();
    sim.advance(14_999);
    assert!(asked(&sim).is_empty());
    sim.advance(1);
    assert_eq!(asked(&sim), [ASK]);
}

#[test]
fn a_new_key_without_an_end_ends_the_renewal() {
    let mut sim = renewing(defaults);
    sim.token(Ok("for ever"));
    sim.server_says(ACCEPTED);
    assert_eq!((sim.state(), sim.next_wake_up()), ("ready", None));
}

#[test]
fn a_key_without_an_end_is_not_renewed() {
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        quiet(config);
    });
    sim.token(Ok("key"));
    sim.server_says(ACCEPTED);
    assert_eq!(sim.next_wake_up(), None);
}

#[test]
fn an_end_that_is_past_or_no_time_in_ms_fails_the_attempt_and_the_error_names_ms() {
    let now = 1_700_000_000_000.0;
    for life in [0.0, -1.0, f64::NAN, f64::INFINITY, 1_700_003_600.0 - now] {
        let mut sim = authenticating(asks_for_tokens);
        sim.key("key", life);
        assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_FAILED")), "{life}");
        let error = sim.session().snapshot().error.expect("an error");
        assert!(error.message.contains("expiresAt") && error.message.contains("in ms"), "{}", error.message);
        assert!(sent(&sim).is_empty());
    }
}

#[test]
fn a_function_that_fails_is_asked_again_with_a_backoff_of_its_own() {
    let mut sim = renewing(defaults);
    for delay in [1_000, 1_500, 2_250, 3_375] {
        sim.token(Err("VaultError"));
        assert_eq!((sim.state(), error_code(&sim)), ("ready", None));
        sim.forget();
        sim.advance(delay - 1);
        assert!(asked(&sim).is_empty());
        sim.advance(1);
        assert_eq!(asked(&sim), [ASK]);
    }
    sim.key("second", LIFE as f64);
    sim.server_says(ACCEPTED);
    sim.advance(LIFE - 30_001);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn listeners_of_errors_hear_of_each_failure() {
    let mut sim = renewing(defaults);
    sim.token(Err("VaultError"));
    assert_eq!(told(&sim), ["error AUTH_FAILED"]);
}

#[test]
fn a_function_that_is_silent_for_auth_timeout_has_failed() {
    let mut sim = renewing(defaults);
    sim.advance(10_000);
    assert_eq!((sim.state(), told(&sim)), ("ready", vec!["error AUTH_FAILED".to_owned()]));
    sim.key("late", LIFE as f64);
    assert!(sent(&sim).is_empty());
    sim.advance(1_000);
    assert_eq!(asked(&sim), [ASK]);
}

#[test]
fn a_server_that_does_not_answer_within_auth_timeout_is_sent_another_key() {
    let mut sim = renewing(defaults);
    sim.key("second", LIFE as f64);
    sim.advance(9_999);
    assert!(told(&sim).is_empty());
    sim.advance(1);
    assert_eq!((sim.state(), told(&sim)), ("ready", vec!["error AUTH_TIMEOUT".to_owned()]));
    sim.advance(1_000);
    assert_eq!(asked(&sim), [ASK]);
    sim.key("third", LIFE as f64);
    sim.server_says(ACCEPTED);
    sim.advance(60_000);
    assert_eq!((sim.state(), sent(&sim)), ("ready", vec![auth("second"), auth("third")]));
}

#[test]
fn it_is_tried_until_the_key_has_ended_then_the_client_is_unauthorized_and_the_socket_open() {
    let mut sim = renewing(attempts(1));
    let call = sim.call(mcp_protocol::Call { timeout: None, ..sim.usual_call("in flight") });
    let mut tries = 0;
    while sim.state() == "ready" {
        sim.token(Err("VaultError"));
        tries += 1;
        let pause = sim.next_wake_up().expect("it goes on");
        sim.advance(pause);
    }
    assert!(tries > 5, "{tries}");
    assert_eq!(sim.now().mono.as_millis() as u64, 1_000_000 + LIFE);
    assert_eq!(sim.state(), "unauthorized");
    assert!(sim.session().snapshot().connected);
    let error = sim.session().snapshot().error.expect("an error");
    assert_eq!((error.code, error.message.as_str()), ("AUTH_FAILED", "the key has expired and could not be renewed"));
    assert!(error.cause.is_some_and(|cause| cause.from_token_function), "what the function threw is the cause");
    assert_eq!(sim.outcome(call), None, "calls in flight go on");
    assert!(!asked(&sim).iter().any(|action| action.starts_with("drop")));
}

#[test]
fn from_there_a_new_key_leads_back() {
    let mut sim = renewing(defaults);
    sim.advance(LIFE);
    assert_eq!(sim.state(), "unauthorized");
    let command = sim.authenticate(None);
    sim.key("late", LIFE as f64);
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, command) && sim.state() == "ready");
    sim.forget();
    sim.advance(RENEWED);
    assert_eq!(asked(&sim), [ASK]);
}

#[test]
fn a_server_that_refuses_the_new_key_is_answered_as_in_rule_5_at_once() {
    let mut sim = renewing(defaults);
    sim.key("bad", LIFE as f64);
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), asked(&sim)), ("ready", vec![ASK.to_owned()]), "the function is asked once more");
    sim.key("bad too", LIFE as f64);
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), error_code(&sim)), ("unauthorized", Some("AUTH_FAILED")));
    assert!(sim.session().snapshot().connected);
    assert_eq!(sim.next_wake_up(), None, "the old key's end does not matter any more");
}

#[test]
fn a_key_given_to_authenticate_ends_the_renewal() {
    let mut sim = ready_for(LIFE, quiet);
    sim.authenticate(Some("mine"));
    sim.server_says(ACCEPTED);
    assert_eq!((sim.state(), sim.next_wake_up()), ("ready", None));
    let mut sim = renewing(defaults);
    sim.authenticate(Some("mine"));
    sim.key("too late", LIFE as f64);
    sim.server_says(ACCEPTED);
    assert_eq!((sent(&sim), sim.next_wake_up()), (vec![auth("mine")], None));
}

#[test]
fn closing_and_draining_end_it() {
    let mut sim = ready_for(20_000, quiet);
    sim.close();
    sim.advance(60_000);
    assert_eq!((sim.state(), asked(&sim).len()), ("closed", 2), "close, and drop because nobody answers");
    let mut sim = ready_for(20_000, quiet);
    sim.call(mcp_protocol::Call { timeout: None, ..sim.usual_call("slow") });
    sim.close_draining(100_000);
    sim.advance(90_000);
    assert_eq!((sim.state(), asked(&sim)), ("closing", vec![]));
    let mut sim = renewing(defaults);
    sim.call(mcp_protocol::Call { timeout: None, ..sim.usual_call("slow") });
    sim.close_draining(100_000);
    sim.key("too late", LIFE as f64);
    sim.advance(90_000);
    assert_eq!((sim.state(), sent(&sim).len()), ("closing", 1));
}

#[test]
fn the_end_of_the_connection_ends_it_and_the_next_one_begins_anew() {
    let mut sim = ready_for(LIFE, quiet);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.token(Ok("for ever"));
    sim.server_says(ACCEPTED);
    assert_eq!(sim.next_wake_up(), None);
}

#[test]
fn the_event_dialect_has_no_auth_so_nothing_is_asked_and_nothing_sent() {
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        quiet(config);
    });
    sim.key("first", LIFE as f64);
    sim.server_says(SCHEMAS);
    sim.forget();
    assert_eq!((sim.state(), sim.next_wake_up()), ("ready", None));
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        quiet(config);
        config.dialect = DialectChoice::Event;
    });
    sim.server_says(SCHEMAS);
    assert_eq!((asked(&sim), sim.next_wake_up()), (vec!["dial 1".to_owned()], None));
}

#[test]
fn a_server_that_speaks_the_guides_dialect_after_all_gets_the_new_key_too() {
    let mut sim = authenticating(|config| {
        asks_for_tokens(config);
        quiet(config);
    });
    sim.key("first", LIFE as f64);
    sim.server_says(SCHEMAS);
    sim.server_says(ACCEPTED);
    sim.forget();
    sim.advance(RENEWED);
    assert_eq!(asked(&sim), [ASK]);
}

#[test]
fn after_a_sleep_the_wall_clock_counts() {
    let mut sim = ready_for(3_600_000, defaults);
    sim.suspend(3_550_000);
    sim.wake_up();
    sim.advance(0);
    assert_eq!(asked(&sim), [ASK]);
    let mut sim = ready_for(3_600_000, quiet);
    sim.suspend(3_600_000);
    sim.wake_up();
    sim.advance(0);
    assert_eq!(sim.state(), "unauthorized");
}

#[test]
fn a_client_that_does_not_read_does_not_blame_the_server() {
    let mut sim = renewing(defaults);
    sim.key("second", LIFE as f64);
    sim.pause_reading(true);
    sim.advance(20_000);
    assert!(told(&sim).is_empty());
    sim.pause_reading(false);
    sim.server_says(ACCEPTED);
    sim.advance(60_000);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn a_renewal_does_not_disturb_the_user_who_authenticates_meanwhile() {
    let mut sim = ready_for(LIFE, quiet);
    sim.advance(RENEWED - 1);
    let command = sim.authenticate(None);
    sim.advance(1);
    assert_eq!(asked(&sim), [ASK], "once is enough");
    sim.key("second", LIFE as f64);
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, command));
    sim.forget();
    sim.advance(RENEWED);
    assert_eq!(asked(&sim), [ASK]);
}
