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

/// What is told of the dials: `+` where one begins, then its number, and the code of its error.
fn told_dials(sim: &Sim) -> Vec<String> {
    let line = |what: &What| match what {
        What::Event(Event::Notice(Notice::Dialing { connection, endpoint, .. })) => {
            Some(format!("+{connection} at {endpoint}"))
        }
        What::Event(Event::Notice(Notice::Dialed { dial })) => {
            let code = dial.error.as_ref().map_or("open", |error| error.code);
            Some(format!("{} {code} after {}", dial.connection, dial.duration))
        }
        _ => None,
    };
    sim.outputs().iter().filter_map(|record| line(&record.what)).collect()
}

fn telling_of_dials(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Sim::exact();
    adjust(&mut config);
    let urls = ["ws://a/", "ws://b/"].map(str::to_owned).to_vec();
    let mut sim = Sim::with_endpoints(config, mcp_protocol::EndpointSource::Known(urls), 1);
    sim.input(|session, _| session.set_interest(mcp_protocol::Interest(mcp_protocol::Interest::DIALS)));
    sim.connect();
    sim
}

#[test]
fn whoever_asks_is_told_where_each_dial_begins_and_what_becomes_of_it() {
    let mut sim = telling_of_dials(defaults);
    sim.refuse(503);
    sim.advance(10_000);
    sim.advance(1_000);
    sim.open();
    let expected =
        ["+1 at 0", "1 CONNECT_FAILED after 0", "+2 at 1", "2 CONNECT_FAILED after 10000", "+3 at 0", "3 open after 0"];
    assert_eq!(told_dials(&sim), expected);
    let mut quiet = connecting(defaults);
    quiet.refuse(503);
    assert_eq!(told_dials(&quiet), [""; 0]);
}

#[test]
fn a_dial_that_another_one_has_overtaken_was_given_up() {
    let mut sim = telling_of_dials(|config| config.race = true);
    sim.advance(250);
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(told_dials(&sim), ["+1 at 0", "+2 at 1", "2 open after 0", "1 CLOSED after 250"]);
}
