//! Rule 16: endpoints that race.

use super::*;
use mcp_protocol::{Config, DialectChoice, EndpointSource, Interest};

/// Three endpoints that race; the first is being dialed.
fn racing(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Config { race: true, ..Sim::exact() };
    adjust(&mut config);
    let urls = ["a", "b", "c"].map(|name| format!("ws://{name}/"));
    let mut sim = Sim::with_endpoints(config, EndpointSource::Known(urls.into()), 1);
    sim.connect();
    sim
}

/// All three are being dialed.
fn all_racing(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = racing(adjust);
    sim.advance(500);
    assert_eq!(asked(&sim), ["dial 1", "dial 2 at 1", "dial 3 at 2"]);
    sim.forget();
    sim
}

fn open(sim: &mut Sim, connection: u32) {
    sim.select(connection);
    sim.open();
}

fn say(sim: &mut Sim, connection: u32, text: &str) {
    sim.select(connection);
    sim.server_says(text);
}

fn url(sim: &Sim) -> String {
    sim.session().snapshot().url
}

#[test]
fn the_dials_of_a_round_start_250_ms_apart() {
    let mut sim = racing(defaults);
    sim.advance(249);
    assert_eq!(asked(&sim), ["dial 1"]);
    sim.advance(1);
    assert_eq!(asked(&sim), ["dial 1", "dial 2 at 1"]);
    sim.advance(249);
    assert_eq!(asked(&sim).len(), 2);
    sim.advance(1);
    assert_eq!(asked(&sim), ["dial 1", "dial 2 at 1", "dial 3 at 2"]);
}

#[test]
fn so_they_do_when_one_fails_meanwhile() {
    let mut sim = racing(defaults);
    sim.advance(10);
    sim.refuse(503);
    assert_eq!((sim.state(), asked(&sim).len()), ("connecting", 1));
    sim.advance(240);
    assert_eq!(asked(&sim).len(), 2);
}

#[test]
fn the_first_to_become_ready_wins_not_the_first_to_open() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    open(&mut sim, 3);
    say(&mut sim, 3, ACCEPTED);
    assert_eq!((sim.state(), url(&sim), sim.connection().0), ("ready", "ws://c/".to_owned(), 3));
}

#[test]
fn the_state_is_connecting_meanwhile_and_the_user_is_told_of_the_winner_alone() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    open(&mut sim, 2);
    assert_eq!((sim.state(), sim.session().snapshot().connected), ("connecting", false));
    assert!(told(&sim).is_empty(), "{:?}", told(&sim));
    say(&mut sim, 2, ACCEPTED);
    assert_eq!(told(&sim)[..5], ["state authenticating", "open", "state ready", "authenticated", "message"]);
}

#[test]
fn the_others_are_dropped_without_an_event() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    open(&mut sim, 2);
    say(&mut sim, 1, ACCEPTED);
    let mut dropped = asked(&sim);
    dropped.sort();
    assert_eq!(dropped, ["drop 2", "drop 3"]);
    assert!(told(&sim).iter().all(|line| !line.starts_with("close") && !line.starts_with("error")));
}

#[test]
fn what_the_winner_has_said_before_is_told_in_order() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    say(&mut sim, 1, r#"{"welcome":1}"#);
    say(&mut sim, 1, ACCEPTED);
    assert_eq!(told(&sim)[..6], ["state authenticating", "open", "message", "state ready", "authenticated", "message"]);
}

#[test]
fn calls_are_sent_to_the_winner_alone() {
    let mut sim = all_racing(defaults);
    let call = sim.tool("echo");
    open(&mut sim, 1);
    open(&mut sim, 2);
    assert!(tools_sent(&sim).is_empty());
    say(&mut sim, 2, ACCEPTED);
    assert_eq!(tools_sent(&sim), ["echo"]);
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn each_dialect_can_win() {
    for dialect in [DialectChoice::Auto, DialectChoice::Event] {
        let mut sim = all_racing(|config| config.dialect = dialect);
        open(&mut sim, 1);
        open(&mut sim, 2);
        say(&mut sim, 2, SCHEMAS);
        assert_eq!((sim.state(), url(&sim)), ("ready", "ws://b/".to_owned()));
    }
}

#[test]
fn the_key_function_is_asked_once_a_round() {
    let mut sim = all_racing(asks_for_tokens);
    open(&mut sim, 1);
    open(&mut sim, 2);
    assert_eq!(asked(&sim), ["ask for a token 1"]);
    sim.select(1);
    sim.token(Ok("key"));
    open(&mut sim, 3);
    assert_eq!((asked(&sim).len(), sent(&sim).len()), (1, 3), "all three send it");
    say(&mut sim, 3, ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn its_answer_counts_even_if_the_socket_for_which_it_was_asked_is_gone() {
    let mut sim = all_racing(asks_for_tokens);
    open(&mut sim, 1);
    open(&mut sim, 2);
    sim.select(1);
    sim.drop_connection();
    sim.select(1);
    sim.token(Ok("key"));
    say(&mut sim, 2, ACCEPTED);
    assert_eq!((sim.state(), url(&sim)), ("ready", "ws://b/".to_owned()));
}

#[test]
fn a_key_function_that_fails_fails_the_round() {
    for is_silent in [false, true] {
        let mut sim = all_racing(asks_for_tokens);
        open(&mut sim, 1);
        sim.select(1);
        if is_silent {
            sim.advance(10_000);
        } else {
            sim.token(Err("VaultError"));
        }
        assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_FAILED")), "{is_silent}");
        assert_eq!(asked(&sim).iter().filter(|action| action.starts_with("drop")).count(), 3);
    }
}

#[test]
fn a_key_that_ends_is_renewed_on_the_winner() {
    let mut sim = all_racing(|config| {
        asks_for_tokens(config);
        config.heartbeat_interval = None;
    });
    open(&mut sim, 2);
    sim.key("key", 20_000.0);
    say(&mut sim, 2, ACCEPTED);
    sim.forget();
    sim.advance(15_000);
    assert_eq!(asked(&sim), ["ask for a token 2"]);
}

#[test]
fn a_refused_key_is_final_for_the_list() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    open(&mut sim, 2);
    say(&mut sim, 1, REFUSED);
    assert_eq!((sim.state(), url(&sim)), ("unauthorized", "ws://a/".to_owned()));
    assert!(sim.session().snapshot().connected);
}

#[test]
fn a_socket_that_is_silent_or_closes_is_out_and_the_others_go_on() {
    let mut sim = all_racing(defaults);
    for connection in [1, 2, 3] {
        open(&mut sim, connection);
    }
    sim.select(1);
    sim.server_closes(1013, "busy");
    assert_eq!(told(&sim), ["error CONNECTION_LOST"]);
    sim.advance(9_000);
    say(&mut sim, 3, ACCEPTED);
    assert_eq!(url(&sim), "ws://c/");
}

#[test]
fn when_all_are_out_the_wait_comes_with_the_delay_of_a_slow_code() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    sim.select(1);
    sim.server_closes(1011, "overloaded");
    open(&mut sim, 2);
    sim.select(3);
    sim.refuse(503);
    assert_eq!(sim.state(), "connecting");
    sim.advance(10_000);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_TIMEOUT")));
    assert_eq!((sim.session().snapshot().attempt, retry_delay(&sim)), (1, 6_000));
}

#[test]
fn each_dial_has_connect_timeout_from_its_own_start() {
    let mut sim = all_racing(defaults);
    sim.advance(9_500);
    assert_eq!(asked(&sim), ["drop 1"]);
    sim.advance(250);
    assert_eq!(asked(&sim), ["drop 1", "drop 2"]);
    sim.advance(250);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn what_no_retry_can_mend_is_judged_over_all() {
    for (statuses, state) in [([401, 403, 401], "unauthorized"), ([401, 404, 401], "failed")] {
        let mut sim = all_racing(defaults);
        for (connection, status) in (1..).zip(statuses) {
            sim.select(connection);
            sim.refuse(status);
        }
        assert_eq!(sim.state(), state);
    }
}

#[test]
fn a_code_of_no_reconnect_codes_ends_in_closed() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 2);
    sim.select(2);
    sim.server_closes(1000, "");
    assert_eq!(sim.state(), "closed");
}

#[test]
fn a_winner_that_is_lost_early_is_followed_by_those_not_dialed_yet() {
    let mut sim = racing(defaults);
    sim.advance(250);
    open(&mut sim, 1);
    say(&mut sim, 1, ACCEPTED);
    sim.forget();
    sim.drop_connection();
    assert_eq!((sim.state(), asked(&sim)), ("connecting", vec!["dial 3 at 2".to_owned()]));
    sim.refuse(503);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn where_the_websocket_interface_has_open_listeners_the_first_to_open_wins() {
    let mut sim = all_racing(defaults);
    sim.input(|session, _| session.set_interest(Interest(Interest::ALL.0 | Interest::OPENS)));
    open(&mut sim, 2);
    assert_eq!((sim.state(), url(&sim)), ("authenticating", "ws://b/".to_owned()));
    assert_eq!(told(&sim)[..2], ["state authenticating", "open"]);
}

#[test]
fn one_endpoint_alone_does_not_race() {
    let mut sim = connecting(|config| config.race = true);
    sim.open();
    assert_eq!(sim.state(), "authenticating");
}

#[test]
fn close_and_reconnect_drop_them_all() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    sim.select(1);
    sim.close();
    assert_eq!((sim.state(), asked(&sim).len()), ("closed", 3));
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    sim.select(1);
    sim.reconnect();
    assert_eq!((sim.state(), asked(&sim).len()), ("connecting", 4));
}

#[test]
fn a_new_key_begins_the_race_again() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    sim.authenticate(Some("newer"));
    assert_eq!((sim.state(), asked(&sim).len()), ("connecting", 4), "three are dropped, one is dialed");
    open(&mut sim, 4);
    assert_eq!(sent(&sim).last().map(String::as_str), Some(r#"{"id":"auth","token":"newer"}"#));
}

#[test]
fn a_server_that_chatters_before_it_answers_is_not_remembered_without_bound() {
    let mut sim = all_racing(defaults);
    open(&mut sim, 1);
    let chatter = format!(r#"{{"noise":"{}"}}"#, "x".repeat(10_000));
    for _ in 0..20 {
        say(&mut sim, 1, &chatter);
    }
    say(&mut sim, 1, ACCEPTED);
    let messages = told(&sim).iter().filter(|line| *line == "message").count();
    assert_eq!((sim.state(), messages), ("ready", 7), "64 KiB, and the answer");
}
