//! What an error of a dial says of the way to the server.

use mcp_protocol::{Answer, DialPhase, ErrorData, ProxyFailure, Via};

use super::*;

const PROXY: &str = "http://proxy.test:3128";

/// The error of a client whose dial went this way, and failed.
fn error_of(via: Option<Via>, fail: impl FnOnce(&mut Sim)) -> ErrorData {
    let mut sim = connecting(attempts(0));
    if let Some(via) = via {
        sim.go(via);
    }
    fail(&mut sim);
    *sim.session().snapshot().error.expect("it has failed")
}

fn through_proxy() -> Option<Via> {
    Some(Via::Proxy(PROXY.into()))
}

fn answered_by_proxy(status: u16) -> DialFailure {
    DialFailure::Proxy(ProxyFailure::Status { answer: Answer::of(status) })
}

#[test]
fn an_error_names_the_proxy_whoever_failed_behind_it() {
    for fail in [
        (|sim: &mut Sim| sim.refuse(404)) as fn(&mut Sim),
        |sim| sim.fail_dial(answered_by_proxy(407)),
        |sim| sim.advance(11_000),
    ] {
        let error = error_of(through_proxy(), fail);
        assert_eq!(error.proxy.as_deref(), Some(PROXY));
        assert!(error.message.ends_with(" (through the proxy http://proxy.test:3128)"), "{}", error.message);
    }
}

#[test]
fn an_error_says_that_no_proxy_was_used_if_the_driver_says_so() {
    let fail = |sim: &mut Sim| sim.refuse(404);
    assert!(error_of(Some(Via::Direct), fail).message.ends_with(" (no proxy was used)"));
    let silent = error_of(None, fail);
    assert!(silent.message.ends_with("HTTP 404") && silent.proxy.is_none(), "{}", silent.message);
}

#[test]
fn the_way_of_an_earlier_dial_is_not_that_of_the_next() {
    let mut sim = connecting(attempts(1));
    sim.go(Via::Proxy(PROXY.into()));
    sim.refuse(503);
    sim.advance(2_000);
    sim.refuse(503);
    let error = sim.session().snapshot().error.expect("it has failed");
    assert_eq!(error.cause.expect("the last failure").proxy, None);
}

#[test]
fn a_status_of_the_proxy_is_no_verdict_on_the_key() {
    for status in [401, 403, 407] {
        let error = error_of(through_proxy(), |sim| sim.fail_dial(answered_by_proxy(status)));
        assert_eq!((error.code, error.phase), ("CONNECT_FAILED", Some(DialPhase::Proxy)));
        assert_eq!((error.status, error.retryable), (Some(status), false));
    }
}
