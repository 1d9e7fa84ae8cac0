//! Rule 16: a function that gives the endpoints, asked before each round.

use super::*;
use mcp_protocol::{Config, EndpointSource};

fn asking(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Sim::exact();
    adjust(&mut config);
    let mut sim = Sim::with_endpoints(config, EndpointSource::Ask, 1);
    sim.connect();
    sim
}

fn url(sim: &Sim) -> String {
    sim.session().snapshot().url
}

#[test]
fn it_is_asked_before_the_dial_and_url_is_empty_until_it_has_answered() {
    let mut sim = asking(defaults);
    assert_eq!((sim.state(), url(&sim)), ("connecting", String::new()));
    assert_eq!(asked(&sim), ["ask for urls 1"]);
    sim.urls(Ok(&["ws://a/x"]));
    assert_eq!((sim.state(), url(&sim)), ("connecting", "ws://a/x".to_owned()));
    assert_eq!(asked(&sim), ["ask for urls 1", "dial 2"]);
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn it_is_asked_before_each_round() {
    let mut sim = asking(defaults);
    sim.urls(Ok(&["ws://a/", "ws://b/"]));
    sim.refuse(503);
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.forget();
    sim.urls(Ok(&["ws://c/"]));
    assert_eq!(url(&sim), "ws://c/");
    sim.open();
    sim.server_says(ACCEPTED);
    sim.reconnect();
    assert_eq!(asked(&sim), ["dial 5", "drop 5 with 1000", "ask for urls 6"]);
}

#[test]
fn one_that_throws_is_a_failed_round_with_its_error_as_the_cause() {
    let mut sim = asking(attempts(1));
    sim.urls(Err("VaultError"));
    assert_eq!((sim.state(), error_code(&sim), retry_delay(&sim)), ("reconnecting", Some("CONNECT_FAILED"), 1_000));
    let error = sim.session().snapshot().error.expect("an error");
    assert!(error.from_url_function && error.retryable, "{error:?}");
    wait_for_the_dial(&mut sim);
    sim.urls(Err("VaultError"));
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("RECONNECT_EXHAUSTED")));
}

#[test]
fn one_that_names_no_endpoint_is_a_failed_round() {
    let mut sim = asking(defaults);
    sim.urls(Ok(&[]));
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("CONNECT_FAILED")));
}

#[test]
fn one_that_exceeds_connect_timeout_is_a_failed_round() {
    let mut sim = asking(defaults);
    sim.advance(9_999);
    assert_eq!(sim.state(), "connecting");
    sim.advance(1);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("CONNECT_FAILED")));
    let message = sim.session().snapshot().error.expect("an error").message;
    assert!(message.contains("connectTimeout (10000 ms)"), "{message}");
    sim.urls(Ok(&["ws://late/"]));
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn with_a_cap_of_0_its_failure_is_the_end() {
    let mut sim = asking(attempts(0));
    sim.urls(Err("VaultError"));
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")));
}

#[test]
fn its_answer_after_close_is_ignored() {
    let mut sim = asking(defaults);
    sim.close();
    sim.urls(Ok(&["ws://late/"]));
    assert_eq!((sim.state(), asked(&sim).len()), ("closed", 1));
}

#[test]
fn only_the_answer_to_the_last_question_counts() {
    let mut sim = asking(defaults);
    sim.reconnect();
    sim.input(|session, now| session.handle_urls(now, mcp_protocol::ConnectionId(1), Ok(vec!["ws://old/".to_owned()])));
    assert_eq!(url(&sim), "");
    sim.urls(Ok(&["ws://new/"]));
    assert_eq!(url(&sim), "ws://new/");
}

#[test]
fn what_is_known_of_an_endpoint_stays_known_when_it_is_named_again() {
    let mut sim = asking(defaults);
    sim.urls(Ok(&["ws://a/", "ws://b/"]));
    sim.refuse(503);
    sim.open();
    sim.server_says(ACCEPTED);
    sim.advance(5_000);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.urls(Ok(&["ws://a/", "ws://c/", "ws://b/?ticket=2"]));
    assert_eq!(url(&sim), "ws://b/", "the last good one");
}

#[test]
fn a_round_that_names_only_those_that_asked_to_be_left_alone_is_followed_by_the_wait() {
    let mut sim = asking(defaults);
    sim.urls(Ok(&["ws://a/", "ws://b/"]));
    sim.refuse_for(503, 50_000);
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.urls(Ok(&["ws://a/"]));
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 49_000));
    wait_for_the_dial(&mut sim);
    sim.urls(Ok(&["ws://a/"]));
    assert_eq!((sim.state(), url(&sim)), ("connecting", "ws://a/".to_owned()));
}
