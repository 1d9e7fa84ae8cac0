//! Rule 2, its last paragraph: what is not retried, because time will not mend it.

use mcp_protocol::{Answer, ProxyFailure};

use super::*;

fn attempt(sim: &Sim) -> u32 {
    sim.session().snapshot().attempt
}

#[test]
fn a_401_or_403_on_the_upgrade_is_unauthorized() {
    for status in [401, 403] {
        let mut sim = client(defaults);
        let connect = sim.connect();
        let call = sim.tool("echo");
        sim.refuse(status);
        assert_eq!(sim.state(), "unauthorized");
        assert_eq!(error_code(&sim), Some("AUTH_FAILED"));
        assert!(!sim.session().snapshot().connected);
        assert_eq!(failure(&sim, connect).0, "AUTH_FAILED");
        assert_eq!(failure(&sim, call), ("AUTH_FAILED", Some(false)));
        sim.advance(1_000_000);
        assert_eq!(sim.connection().0, 1, "it is not retried");
    }
}

#[test]
fn a_401_or_403_is_unauthorized_after_ready_too() {
    for status in [401, 403] {
        let mut sim = ready(defaults);
        sim.drop_connection();
        wait_for_the_dial(&mut sim);
        sim.refuse(status);
        assert_eq!((sim.state(), sim.next_wake_up()), ("unauthorized", None));
    }
}

#[test]
fn refused_at_the_door_a_new_token_dials_again() {
    let mut sim = connecting(defaults);
    sim.refuse(401);
    let authenticate = sim.authenticate(Some("better"));
    assert_eq!(sim.state(), "connecting");
    sim.open();
    assert!(sim.outputs().iter().any(|record| record.what.to_string() == r#"{"id":"auth","token":"better"}"#));
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, authenticate));
}

#[test]
fn refused_at_the_door_connect_tries_again_and_starts_from_nothing() {
    let mut sim = connecting(attempts(1));
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(401);
    let connect = sim.connect();
    assert_eq!((sim.state(), attempt(&sim), error_code(&sim)), ("connecting", 0, None));
    sim.refuse(503);
    assert_eq!((sim.state(), sim.outcome(connect)), ("reconnecting", None));
}

#[test]
fn before_ready_a_certificate_that_does_not_verify_fails_at_once() {
    let mut sim = client(defaults);
    let connect = sim.connect();
    let call = sim.tool("echo");
    sim.fail_dial(bad_certificate());
    assert_eq!(sim.state(), "failed");
    let error = sim.session().snapshot().error.expect("an error");
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false));
    assert_eq!(failure(&sim, connect).0, "CONNECT_FAILED");
    assert_eq!(failure(&sim, call), ("CONNECT_FAILED", Some(false)), "queued calls get its error");
    sim.advance(1_000_000);
    assert_eq!(sim.connection().0, 1);
}

#[test]
fn before_ready_any_other_4xx_and_a_wrong_handshake_fail_at_once() {
    for status in [400, 402, 404, 405, 410, 421, 426, 451, 499, 200, 302] {
        let mut sim = connecting(defaults);
        sim.refuse(status);
        assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")), "{status}");
    }
}

#[test]
fn a_408_425_429_or_5xx_is_retried() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        let mut sim = connecting(defaults);
        sim.refuse(status);
        assert_eq!((sim.state(), attempt(&sim)), ("reconnecting", 1), "{status}");
        assert!(sim.session().snapshot().error.is_some_and(|error| error.retryable));
    }
}

#[test]
fn once_ready_a_certificate_a_4xx_and_a_wrong_handshake_are_an_outage_and_retried() {
    for status in [400, 404, 302] {
        let mut sim = ready(defaults);
        sim.drop_connection();
        wait_for_the_dial(&mut sim);
        sim.refuse(status);
        assert_eq!((sim.state(), attempt(&sim)), ("reconnecting", 2), "{status}");
    }
}

#[test]
fn an_open_socket_is_not_yet_ready() {
    let mut sim = authenticating(defaults);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.refuse(404);
    assert_eq!(sim.state(), "failed");
}

#[test]
fn ready_in_an_earlier_life_counts() {
    let mut sim = ready(defaults);
    sim.close();
    sim.server_closes(1000, "");
    sim.connect();
    sim.refuse(404);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn a_proxy_is_retried_as_a_server_is_but_says_nothing_of_the_key() {
    let status = |status| ProxyFailure::Status { answer: Answer::of(status) };
    let mended_by_configuration = [302, 401, 403, 407, 418].map(status).into_iter().chain([
        ProxyFailure::Refused(2),
        ProxyFailure::Authentication("refuses the user and the password"),
        ProxyFailure::NotAProxy("it does not speak SOCKS5".to_owned()),
    ]);
    let mended_by_time = [408, 425, 429, 500, 502, 503, 504, 511]
        .map(status)
        .into_iter()
        .chain([ProxyFailure::Refused(5), ProxyFailure::Closed]);
    let expected = mended_by_configuration.map(|failure| (failure, "failed"));
    for (failure, state) in expected.chain(mended_by_time.map(|failure| (failure, "reconnecting"))) {
        let failure = DialFailure::Proxy(failure);
        let mut sim = connecting(defaults);
        sim.fail_dial(failure.clone());
        assert_eq!((sim.state(), error_code(&sim)), (state, Some("CONNECT_FAILED")), "{failure}");
        let mut sim = ready(defaults);
        sim.drop_connection();
        wait_for_the_dial(&mut sim);
        sim.fail_dial(failure.clone());
        assert_eq!(sim.state(), "reconnecting", "{failure}, after it was ready");
    }
}
