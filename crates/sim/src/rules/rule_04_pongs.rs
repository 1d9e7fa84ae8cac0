//! Rule 4 and the dialect tables: pongs are matched by their order, and only our own pings make round trips.

use super::*;
use mcp_protocol::RttSummary;

const PING: &str = r#"{"messageType":"ping","timestamp":0}"#;
const EVENT_PING: &str = r#"{"type":"ping"}"#;

fn rtt(sim: &Sim) -> RttSummary {
    sim.session().stats().heartbeat_rtt
}

/// Our next ping goes out, and its pong comes `millis` later.
fn beat(sim: &mut Sim, millis: u64, pong: &str) {
    let until_ping = sim.next_wake_up().expect("a ping is due");
    sim.advance(until_ping);
    sim.advance(millis);
    sim.server_says(pong);
}

#[test]
fn the_round_trip_is_told_and_summed_up() {
    let mut sim = ready(defaults);
    assert_eq!(rtt(&sim), RttSummary::default());
    for millis in [20, 40, 30] {
        beat(&mut sim, millis, PONG);
    }
    assert_eq!(told(&sim), ["heartbeat 20", "message", "heartbeat 40", "message", "heartbeat 30", "message"]);
    let expected = RttSummary { last: Some(30.0), min: Some(20.0), mean: Some(30.0), max: Some(40.0) };
    assert_eq!(rtt(&sim), expected);
}

#[test]
fn the_timestamp_of_a_pong_means_nothing() {
    let mut sim = ready(defaults);
    for pong in
        [r#"{"messageType":"pong"}"#, r#"{"timestamp":"x","messageType":"pong"}"#, r#"{"messageType":"pong","id":5}"#]
    {
        beat(&mut sim, 7, pong);
        assert_eq!(rtt(&sim).last, Some(7.0));
    }
}

#[test]
fn pings_that_the_user_sends_do_not_touch_the_round_trip() {
    let mut sim = ready(defaults);
    sim.send(PING);
    sim.advance(1_000);
    sim.server_says(PONG);
    assert_eq!(rtt(&sim), RttSummary::default());
    sim.advance(13_900);
    sim.send(PING);
    sim.advance(100);
    sim.advance(5);
    sim.server_says(PONG);
    assert_eq!(rtt(&sim), RttSummary::default(), "that one was the answer to his");
    sim.advance(5);
    sim.server_says(PONG);
    assert_eq!(rtt(&sim).last, Some(10.0));
}

#[test]
fn however_the_user_words_his_ping() {
    for ping in [
        r#" { "timestamp" : 1, "messageType" : "ping" } "#,
        r#"{"messageType":"ping","id":5}"#,
        r#"{"messageType":"pong","messageType":"ping"}"#,
        r#"{"messageType":"\u0070ing","n":"ping"}"#,
        r#"{"messageType":"ping","type":null,"id":null,"data":{"deep":[1,2,3]}}"#,
    ] {
        let mut sim = ready(defaults);
        sim.advance(14_000);
        sim.send(ping);
        sim.advance(1_000);
        sim.server_says(PONG);
        assert_eq!(rtt(&sim), RttSummary::default(), "{ping}");
        sim.advance(3);
        sim.server_says(PONG);
        assert_eq!(rtt(&sim).last, Some(3.0), "{ping}");
    }
}

#[test]
fn what_is_no_ping_expects_no_pong() {
    for text in [
        PING.replace("ping", "pinging").as_str(),
        EVENT_PING,
        "ping",
        r#"["ping"]"#,
        r#"{"name":"ping"}"#,
        r#"{"messageType":["ping"]}"#,
    ] {
        let mut sim = ready(defaults);
        sim.advance(14_000);
        sim.send(text);
        sim.advance(1_000);
        sim.server_says(PONG);
        assert_eq!(rtt(&sim).last, Some(0.0), "{text}");
    }
}

#[test]
fn in_the_event_dialect_the_users_ping_is_the_event_dialects() {
    let mut sim = ready_in_event_dialect(defaults);
    sim.advance(14_000);
    sim.send(PING);
    sim.send(EVENT_PING);
    sim.advance(1_000);
    sim.server_says(EVENT_PONG);
    assert_eq!(rtt(&sim), RttSummary::default(), "the server passes the guide's frames over");
    sim.advance(3);
    sim.server_says(EVENT_PONG);
    assert_eq!(rtt(&sim).last, Some(3.0));
}

#[test]
fn a_pong_that_nobody_asked_for_does_no_harm() {
    let mut sim = ready(defaults);
    sim.server_says(PONG);
    sim.server_says(PONG);
    assert_eq!(rtt(&sim), RttSummary::default());
    beat(&mut sim, 5, PONG);
    assert_eq!(rtt(&sim).last, Some(5.0));
}

#[test]
fn a_late_pong_is_matched_to_its_own_ping() {
    let mut sim = ready(defaults);
    sim.advance(16_000);
    sim.bytes_come();
    sim.advance(14_500);
    sim.server_says(PONG);
    assert_eq!(rtt(&sim).last, Some(15_500.0), "the first ping's");
    sim.server_says(PONG);
    assert_eq!(rtt(&sim).last, Some(500.0), "the second ping's");
}

#[test]
fn a_ping_sent_before_the_dialect_was_known_does_not_shift_the_later_ones() {
    let mut sim = authenticating(|config| config.auth_timeout = std::time::Duration::from_secs(100));
    sim.advance(16_000);
    sim.server_says(SCHEMAS);
    sim.forget();
    for _ in 0..3 {
        beat(&mut sim, 5, EVENT_PONG);
        assert_eq!(rtt(&sim).last, Some(5.0));
    }
    assert_eq!(sent(&sim), [EVENT_PING; 3]);
}
