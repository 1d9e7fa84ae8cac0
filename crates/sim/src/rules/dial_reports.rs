//! What is told of dials: that one begins, and once what it did, before anything that follows from it.

use super::*;
use crate::History;
use mcp_protocol::{DialPhase, DialReport, DialTrace, EndpointSource, Interest, PhaseTrace, Via};

fn watched(mut sim: Sim) -> Sim {
    sim.input(|session, _| session.set_interest(Interest(Interest::DIALS)));
    sim
}

fn reports(sim: &Sim) -> Vec<DialReport> {
    let report = |what: &What| match what {
        What::Event(Event::Notice(Notice::Dialed { dial })) => Some((**dial).clone()),
        _ => None,
    };
    sim.outputs().iter().filter_map(|record| report(&record.what)).collect()
}

fn in_tls() -> DialTrace {
    let phase = |phase, start| PhaseTrace {
        phase,
        start,
        duration: 1.0,
        addresses: Vec::new(),
        tried: Vec::new(),
        tls: None,
        upgrade: None,
    };
    let phases = vec![phase(DialPhase::Tcp, 0.0), phase(DialPhase::Tls, 1.5)];
    DialTrace { duration: 2.5, address: Some("192.0.2.1:443".to_owned()), phases }
}

fn trace(sim: &mut Sim) {
    let connection = sim.connection();
    sim.input(|session, now| session.handle_dial_trace(now, connection, in_tls()));
}

#[test]
fn a_dial_is_told_before_what_follows_from_it() {
    let mut sim = watched(client(defaults));
    sim.connect();
    trace(&mut sim);
    sim.open();
    assert_eq!(told(&sim), ["state connecting", "dialing 1", "dialed 1 open", "state authenticating", "open"]);
    let [report] = &reports(&sim)[..] else { panic!("{:?}", reports(&sim)) };
    assert_eq!((report.connection, report.error.is_none(), report.duration), (1, true, 2.5));
    assert_eq!(report.address.as_deref(), Some("192.0.2.1:443"));
    assert_eq!(report.phases.len(), 2);
}

#[test]
fn one_that_fails_is_told_with_its_error_and_its_proxy() {
    let mut sim = watched(client(attempts(0)));
    sim.connect();
    sim.go(Via::Proxy("http://proxy:3128".into()));
    trace(&mut sim);
    sim.fail_dial(bad_certificate());
    assert_eq!(told(&sim)[2..4], ["dialed 1 CONNECT_FAILED", "state failed"]);
    let [report] = &reports(&sim)[..] else { panic!("{:?}", reports(&sim)) };
    assert_eq!(report.proxy.as_deref(), Some("http://proxy:3128"));
    assert_eq!(report.error.as_ref().and_then(|error| error.phase), Some(DialPhase::Tls));
}

#[test]
fn one_whose_time_is_over_is_told_with_the_phase_that_it_was_in() {
    let mut sim = watched(client(attempts(0)));
    sim.connect();
    trace(&mut sim);
    sim.advance(10_000);
    let [report] = &reports(&sim)[..] else { panic!("{:?}", reports(&sim)) };
    assert_eq!(report.error.as_ref().and_then(|error| error.phase), Some(DialPhase::Tls));
}

#[test]
fn one_that_is_given_up_is_told_as_closed_with_the_time_that_it_took() {
    let mut sim = watched(client(defaults));
    sim.connect();
    sim.advance(1_234);
    sim.close();
    let [report] = &reports(&sim)[..] else { panic!("{:?}", reports(&sim)) };
    assert_eq!(report.error.as_ref().map(|error| error.code), Some("CLOSED"));
    assert_eq!((report.duration, report.phases.len()), (1_234.0, 0));
}

#[test]
fn each_dial_of_a_race_is_told() {
    let urls = ["ws://a/", "ws://b/"].map(str::to_owned);
    let config = Config { race: true, ..Sim::exact() };
    let mut sim = watched(Sim::with_endpoints(config, EndpointSource::Known(urls.into()), 1));
    sim.connect();
    sim.advance(250);
    sim.select(2);
    sim.open();
    assert_eq!(told(&sim).last().map(String::as_str), Some("dialed 2 open"));
    sim.server_says(ACCEPTED);
    assert_eq!(reports(&sim).iter().map(|report| report.url.as_str()).collect::<Vec<_>>(), ["ws://b/", "ws://a/"]);
    assert!(told(&sim).contains(&"dialed 1 CLOSED".to_owned()), "{:?}", told(&sim));
}

#[test]
fn without_interest_nothing_is_told_and_an_end_is_told_only_with_its_begin() {
    let mut sim = client(defaults);
    sim.connect();
    let mut sim = watched(sim);
    sim.open();
    assert!(!told(&sim).iter().any(|line| line.starts_with("dial")), "{:?}", told(&sim));
}

#[test]
fn whatever_happens_the_end_of_each_dial_is_told_once() {
    for seed in 0..500 {
        let sim = History::of_seed(seed).run();
        let mut under_way = Vec::new();
        for line in told(&sim) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["dialing", connection] => under_way.push(connection.to_owned()),
                ["dialed", connection, _] => {
                    let place = under_way.iter().position(|known| known == connection);
                    under_way.swap_remove(place.unwrap_or_else(|| panic!("seed {seed}: {line}")));
                }
                _ => {}
            }
        }
        assert!(under_way.is_empty(), "seed {seed}: {under_way:?}");
    }
}
