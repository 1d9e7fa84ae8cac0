//! No dialect: the socket carries another protocol, of which the session knows nothing.

use std::time::Duration;

use super::*;
use mcp_protocol::{DialectChoice, EndpointSource};

fn none(config: &mut Config) {
    config.dialect = DialectChoice::Plain;
}

/// Open, with a fresh page in the record.
fn open(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = authenticating(|config| {
        none(config);
        adjust(config);
    });
    sim.forget();
    sim
}

#[test]
fn a_connection_is_ready_when_it_is_open_and_nothing_is_sent() {
    let mut sim = client(none);
    let connect = sim.connect();
    sim.forget();
    sim.open();
    assert_eq!(told(&sim), ["state authenticating", "open", "state ready", "authenticated", "1 done"]);
    assert!(is_done(&sim, connect));
    sim.advance(14_999);
    assert_eq!(sent(&sim), Vec::<String>::new());
}

#[test]
fn every_message_is_a_push_whatever_it_looks_like() {
    let mut sim = open(defaults);
    for text in [ACCEPTED, REFUSED, PONG, SCHEMAS, EVENT_PONG, r#"{"id":"req_1_aaaaaaaaa","results":1}"#] {
        sim.server_says(text);
    }
    assert_eq!(told(&sim), vec!["message"; 6]);
    assert_eq!((sim.state(), sim.session().stats().late_responses), ("ready", 0));
}

#[test]
fn what_the_user_sends_is_sent_unchanged_and_means_nothing() {
    let mut sim = open(defaults);
    let texts = [r#"{"id":"auth","token":"mine"}"#, r#"{"type":"ping"}"#, r#"{"messageType":"ping"}"#, "", "not JSON"];
    for text in texts {
        assert!(sim.send(text));
    }
    assert_eq!((sent(&sim), sim.state()), (texts.map(str::to_owned).to_vec(), "ready"));
}

#[test]
fn a_heartbeat_is_a_ping_frame_and_a_byte_proves_life() {
    let mut sim = open(defaults);
    sim.advance(15_000);
    for _ in 0..3 {
        sim.forget();
        sim.advance(1);
        sim.bytes_come();
        sim.advance(14_999);
        assert_eq!((sent(&sim), sim.state()), (vec!["ping frame".to_owned()], "ready"));
    }
    sim.advance(10_000);
    assert_eq!(sim.state(), "reconnecting", "a silent server is given up");
}

#[test]
fn of_several_endpoints_that_race_the_first_that_opens_wins() {
    let mut config = Sim::exact();
    none(&mut config);
    config.race = true;
    config.connect_timeout = Duration::from_secs(5);
    let urls = ["ws://a/mcp-ws", "ws://b/mcp-ws"].map(str::to_owned).to_vec();
    let mut sim = Sim::with_endpoints(config, EndpointSource::Known(urls), 1);
    sim.connect();
    sim.advance(300);
    sim.open();
    assert_eq!(sim.state(), "ready");
}
