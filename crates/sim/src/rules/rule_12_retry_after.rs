//! Rule 12: a server that refuses the upgrade may say how long it wants to be left alone.

use super::*;
use mcp_protocol::{Config, Jitter, Options};
use serde_json::json;
use std::time::Duration;

fn jitter(jitter: Jitter) -> impl FnOnce(&mut Config) {
    move |config| config.reconnect_jitter = jitter
}

/// The wait after a first dial that is refused with 503 and this many ms in `Retry-After`.
fn wait_after(millis: u64, adjust: impl FnOnce(&mut Config)) -> u64 {
    let mut sim = connecting(adjust);
    sim.refuse_for(503, millis);
    retry_delay(&sim)
}

/// The same with this jitter, drawn many times: the shortest and the longest.
fn waits_after(millis: u64, jitter: Jitter) -> (u64, u64) {
    let mut waits = Vec::new();
    for seed in 0..500 {
        let mut sim = Sim::new(Config { reconnect_jitter: jitter, ..Config::default() }, seed);
        sim.connect();
        sim.refuse_for(503, millis);
        waits.push(retry_delay(&sim));
    }
    (*waits.iter().min().expect("waits"), *waits.iter().max().expect("waits"))
}

#[test]
fn the_wait_is_as_long_as_the_server_asks_if_that_is_longer_than_the_backoff() {
    assert_eq!(wait_after(20_000, defaults), 20_000);
    assert_eq!(wait_after(1_001, defaults), 1_001);
}

#[test]
fn the_backoff_stands_if_it_is_longer() {
    assert_eq!(wait_after(0, defaults), 1_000);
    assert_eq!(wait_after(999, defaults), 1_000);
}

#[test]
fn every_refusal_that_is_retried_may_say_it() {
    for status in [408, 425, 429, 500, 503] {
        let mut sim = connecting(defaults);
        sim.refuse_for(status, 7_000);
        assert_eq!(retry_delay(&sim), 7_000, "{status}");
    }
    let mut outage = ready(defaults);
    outage.drop_connection();
    wait_for_the_dial(&mut outage);
    outage.refuse_for(404, 7_000);
    assert_eq!(retry_delay(&outage), 7_000, "once the client was ready");
}

#[test]
fn what_is_not_retried_is_not_retried_later_either() {
    for (status, state) in [(401, "unauthorized"), (403, "unauthorized"), (404, "failed")] {
        let mut sim = connecting(defaults);
        sim.refuse_for(status, 7_000);
        assert_eq!((sim.state(), sim.next_wake_up()), (state, None), "{status}");
    }
}

#[test]
fn it_is_cut_at_max_retry_after() {
    assert_eq!(wait_after(3_600_000, defaults), 60_000);
    assert_eq!(wait_after(3_600_000, |config| config.max_retry_after = Duration::from_secs(2)), 2_000);
}

#[test]
fn with_0_the_header_is_ignored() {
    assert_eq!(wait_after(20_000, |config| config.max_retry_after = Duration::ZERO), 1_000);
}

#[test]
fn a_random_part_of_jitter_is_added_so_that_not_all_clients_come_back_at_once() {
    let (shortest, longest) = waits_after(10_000, Jitter::Fraction(0.2));
    assert!((10_000..10_100).contains(&shortest) && (11_900..=12_000).contains(&longest), "{shortest} to {longest}");
    let (shortest, longest) = waits_after(3_600_000, Jitter::Fraction(0.2));
    assert!((60_000..61_000).contains(&shortest) && (71_000..=72_000).contains(&longest), "after the cut");
}

#[test]
fn with_full_jitter_a_random_part_of_the_backoff_is_added() {
    let (shortest, longest) = waits_after(10_000, Jitter::Full);
    assert!((10_000..10_050).contains(&shortest) && (10_950..=11_000).contains(&longest), "{shortest} to {longest}");
    assert!(waits_after(0, Jitter::Full).0 < 100, "if nothing is asked for, the backoff alone counts");
}

#[test]
fn snapshot_and_event_show_the_result() {
    let mut sim = connecting(defaults);
    sim.forget();
    sim.refuse_for(503, 20_000);
    assert_eq!(told(&sim).last().map(String::as_str), Some("reconnecting 1 in 20000"));
    let snapshot = sim.session().snapshot();
    assert_eq!(snapshot.retry_delay, Some(Duration::from_secs(20)));
    assert_eq!(snapshot.retry_at, Some(sim.now().wall + 20_000));
    sim.advance(19_999);
    assert_eq!(sim.state(), "reconnecting");
    sim.advance(1);
    assert_eq!(sim.state(), "connecting");
}

#[test]
fn neither_a_change_of_network_nor_waking_cuts_it() {
    let disturbances: [fn(&mut Sim); 2] = [Sim::change_network, |sim| {
        sim.suspend(3_600_000);
        sim.wake_up();
    }];
    for disturb in disturbances {
        for kind in [Jitter::Fraction(0.2), Jitter::Full] {
            let mut sim = connecting(jitter(kind));
            sim.refuse_for(503, 20_000);
            let due = sim.next_wake_up();
            disturb(&mut sim);
            assert_eq!(sim.next_wake_up(), due, "{kind:?}");
        }
    }
}

#[test]
fn what_the_backoff_adds_may_be_cut_but_not_what_the_server_asked_for() {
    let mut sim = connecting(defaults);
    for _ in 0..7 {
        sim.refuse(503);
        wait_for_the_dial(&mut sim);
    }
    sim.refuse_for(503, 8_000);
    assert_eq!(retry_delay(&sim), 17_086);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(8_000));
}

#[test]
fn a_wait_that_could_not_be_cut_leaves_the_one_cut_of_the_outage_to_the_next() {
    let mut sim = connecting(defaults);
    sim.refuse_for(503, 20_000);
    sim.change_network();
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(retry_delay(&sim), 1_500);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000));
}

#[test]
fn connect_cuts_it() {
    let mut sim = connecting(defaults);
    sim.refuse_for(503, 20_000);
    sim.connect();
    assert_eq!(sim.state(), "connecting");
}

#[test]
fn it_counts_for_one_wait_only() {
    let mut sim = connecting(defaults);
    sim.refuse_for(503, 20_000);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(retry_delay(&sim), 1_500);
}

#[test]
fn its_limit_is_a_duration_like_others() {
    for value in [json!({ "$number": "Infinity" }), json!(-1)] {
        let options = json!({ "maxRetryAfter": value });
        let error = Options::from_json(options.as_object().expect("an object")).expect_err("it is refused");
        assert!(error.message.contains("maxRetryAfter"), "{}", error.message);
    }
    assert_eq!(Config::default().max_retry_after, Duration::from_secs(60));
}
