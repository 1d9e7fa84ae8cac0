//! Rule 4: pings, and what proves life.

use std::time::Duration;

use super::*;
use mcp_protocol::{CloseInfo, Interest};

const NEVER: u64 = 10_000_000;

/// The pings that the server could read, by the ms at which they came since the page began at `start`.
fn pings(sim: &Sim, start: Duration) -> Vec<u64> {
    let is_ping = |what: &What| matches!(what, What::Written(_)) && what.to_string().contains("ping");
    let pings = sim.outputs().iter().filter(|record| is_ping(&record.what));
    pings.map(|record| (record.at - start).as_millis() as u64).collect()
}

fn close_info(sim: &Sim) -> CloseInfo {
    let info = sim.outputs().iter().find_map(|record| match &record.what {
        What::Event(Event::Notice(Notice::Close { info })) => Some(info.clone()),
        _ => None,
    });
    info.expect("a close event")
}

fn heartbeats_each(interval: u64, timeout: u64) -> impl FnOnce(&mut Config) {
    move |config| {
        config.heartbeat_interval = Some(Duration::from_millis(interval));
        config.heartbeat_timeout = Duration::from_millis(timeout);
    }
}

/// Lets `count` pings be answered in time.
fn answer_pings(sim: &mut Sim, count: usize, pong: &str) {
    for _ in 0..count {
        sim.advance(15_000);
        sim.server_says(pong);
    }
}

#[test]
fn a_ping_goes_out_every_interval_as_long_as_pongs_come() {
    let mut sim = ready(defaults);
    let start = sim.now().mono;
    answer_pings(&mut sim, 4, PONG);
    assert_eq!(pings(&sim, start), [15_000, 30_000, 45_000, 60_000]);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn a_ping_carries_the_wall_clock() {
    let mut sim = ready(defaults);
    sim.advance(15_000);
    let wall = sim.now().wall;
    assert_eq!(sent(&sim), [format!(r#"{{"messageType":"ping","timestamp":{wall}}}"#)]);
}

#[test]
fn a_slow_pong_does_not_shift_the_next_ping() {
    let mut sim = ready(defaults);
    let start = sim.now().mono;
    sim.advance(19_000);
    sim.server_says(PONG);
    sim.advance(11_000);
    assert_eq!(pings(&sim, start), [15_000, 30_000]);
}

#[test]
fn it_runs_whenever_the_socket_is_open() {
    let mut sim = authenticating(|config| config.auth_timeout = Duration::from_secs(60));
    let start = sim.now().mono;
    sim.advance(15_000);
    assert_eq!(pings(&sim, start).len(), 1, "authenticating");

    let mut sim = unauthorized(defaults);
    let start = sim.now().mono;
    sim.advance(15_000);
    assert_eq!(pings(&sim, start).len(), 1, "unauthorized");

    let mut sim = ready(defaults);
    let start = sim.now().mono;
    sim.tool("slow");
    sim.close_draining(60_000);
    sim.advance(15_000);
    assert_eq!((sim.state(), pings(&sim, start).len()), ("closing", 1), "draining");
    sim.advance(10_000);
    assert_eq!((sim.state(), close_info(&sim).reason.as_str()), ("closed", "heartbeat timeout"));
}

#[test]
fn there_is_none_without_a_socket() {
    let mut sim = connecting(|config| config.connect_timeout = Duration::from_secs(100));
    sim.advance(99_000);
    assert_eq!(sent(&sim), Vec::<String>::new());
}

#[test]
fn there_is_none_in_the_closing_handshake() {
    let mut sim = ready(heartbeats_each(1, 1));
    sim.close();
    sim.advance(NEVER);
    assert_eq!(sent(&sim), Vec::<String>::new());
}

#[test]
fn one_ping_is_outstanding_at_a_time() {
    let mut sim = ready(heartbeats_each(1_000, 10_000));
    let start = sim.now().mono;
    sim.advance(9_000);
    assert_eq!(pings(&sim, start), [1_000]);
    sim.server_says(PONG);
    assert_eq!(sim.next_wake_up(), Some(0), "the next one is overdue");
    sim.advance(500);
    assert_eq!(pings(&sim, start), [1_000, 9_000]);
}

#[test]
fn no_pong_and_no_bytes_within_the_timeout_drop_the_socket_without_a_closing_handshake() {
    let mut sim = ready(defaults);
    sim.advance(24_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!((sim.state(), asked(&sim)), ("reconnecting", vec!["drop 1".to_owned()]));
    let info = close_info(&sim);
    assert_eq!((info.code, info.reason.as_str(), info.was_clean), (1006, "heartbeat timeout", false));
    assert!(info.will_reconnect);
    assert_eq!(error_code(&sim), Some("CONNECTION_LOST"));
}

#[test]
fn any_bytes_since_the_ping_prove_life() {
    let mut sim = ready(defaults);
    let start = sim.now().mono;
    for _ in 0..20 {
        sim.advance(9_000);
        sim.bytes_come();
    }
    assert_eq!(sim.state(), "ready", "a long answer on a slow line");
    assert!(pings(&sim, start).len() >= 6, "and pings go on: {:?}", pings(&sim, start));
}

#[test]
fn a_whole_message_is_bytes_too() {
    let mut sim = ready(defaults);
    sim.advance(16_000);
    sim.input(|session, now| session.handle_message(now, mcp_protocol::ConnectionId(1), "1".into()));
    sim.advance(9_500);
    assert_eq!(sim.state(), "ready");

    let mut sim = ready(defaults);
    sim.advance(16_000);
    sim.input(|session, now| session.handle_binary(now, mcp_protocol::ConnectionId(1), 7));
    sim.advance(9_500);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn bytes_before_the_ping_prove_nothing() {
    let mut sim = ready(defaults);
    sim.advance(14_999);
    sim.bytes_come();
    sim.advance(10_001);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn after_a_ping_that_only_bytes_answered_the_next_ping_must_be_answered_again() {
    let mut sim = ready(defaults);
    let start = sim.now().mono;
    sim.advance(16_000);
    sim.bytes_come();
    sim.advance(14_000);
    assert_eq!(pings(&sim, start), [15_000, 30_000]);
    sim.advance(9_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn while_the_client_does_not_read_silence_proves_nothing() {
    let mut sim = ready(defaults);
    sim.advance(15_000);
    sim.pause_reading(true);
    sim.advance(NEVER);
    assert_eq!(sim.state(), "ready");
    sim.pause_reading(false);
    sim.advance(9_999);
    assert_eq!(sim.state(), "ready", "the timeout starts anew");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn a_ping_that_falls_due_while_the_client_does_not_read_is_judged_only_after() {
    let mut sim = ready(defaults);
    sim.pause_reading(true);
    sim.advance(NEVER);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 1), "one ping is outstanding");
    sim.pause_reading(false);
    sim.advance(5_000);
    sim.server_says(PONG);
    sim.advance(9_999);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 2), "and from then on all is as ever");
}

#[test]
fn a_pong_that_is_handled_while_reading_is_paused_does_not_end_the_heartbeat() {
    let mut sim = ready(defaults);
    let start = sim.now().mono;
    sim.advance(15_000);
    sim.pause_reading(true);
    sim.server_says(PONG);
    sim.pause_reading(false);
    sim.advance(15_000);
    assert_eq!(pings(&sim, start), [15_000, 30_000]);
}

#[test]
fn saying_again_that_reading_goes_on_does_not_put_the_timeout_off() {
    let mut sim = ready(defaults);
    for _ in 0..5 {
        sim.advance(5_000);
        sim.pause_reading(false);
    }
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn after_the_machine_slept_it_pings_at_once() {
    let mut sim = ready(defaults);
    sim.advance(1_000);
    sim.suspend(15_001);
    assert!(sent(&sim).is_empty());
    sim.wake_up();
    assert_eq!(sent(&sim).len(), 1);
    sim.advance(4_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting", "and the answer is due within the time of a probe");
}

#[test]
fn a_ping_that_was_due_at_the_wake_up_is_that_ping() {
    let mut sim = ready(defaults);
    sim.advance(14_999);
    sim.suspend(3_600_000);
    sim.advance(1);
    assert_eq!(sent(&sim).len(), 1);
}

#[test]
fn any_input_notices_that_the_machine_slept() {
    let mut sim = ready(defaults);
    sim.suspend(3_600_000);
    sim.server_says("1");
    assert_eq!(sent(&sim).len(), 1);
    sim.wake_up();
    assert_eq!(sent(&sim).len(), 1, "once");
}

#[test]
fn a_pong_after_the_sleep_keeps_the_connection_and_the_heartbeat() {
    let mut sim = ready(defaults);
    sim.suspend(3_600_000);
    sim.wake_up();
    sim.server_says(PONG);
    let start = sim.now().mono;
    answer_pings(&mut sim, 3, PONG);
    assert_eq!(pings(&sim, start)[1..], [15_000, 30_000, 45_000]);
}

#[test]
fn an_answer_that_was_due_when_the_machine_fell_asleep_has_its_time_again() {
    let mut sim = ready(defaults);
    sim.advance(24_000);
    sim.suspend(3_600_000);
    sim.wake_up();
    sim.advance(4_999);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn a_wall_clock_that_runs_ahead_by_no_more_than_an_interval_or_back_means_nothing() {
    let mut sim = ready(defaults);
    sim.suspend(15_000);
    sim.wake_up();
    let wall = sim.now().wall - 1_000_000;
    sim.input(|session, now| session.handle_timeout(mcp_protocol::Now { wall, ..now }));
    assert!(sent(&sim).is_empty());
}

#[test]
fn time_that_both_clocks_agree_on_is_no_sleep() {
    let mut sim = ready(|config| config.heartbeat_timeout = Duration::from_secs(100_000));
    sim.advance(15_000);
    sim.forget();
    sim.advance(50_000_000);
    sim.wake_up();
    assert!(sent(&sim).is_empty());
}

#[test]
fn without_a_socket_or_in_the_closing_handshake_waking_up_sends_nothing() {
    let closing = || {
        let mut sim = ready(defaults);
        sim.close();
        sim
    };
    for mut sim in [client(defaults), connecting(defaults), closing()] {
        sim.suspend(3_600_000);
        sim.wake_up();
        assert!(sent(&sim).is_empty(), "{}", sim.state());
    }
}

#[test]
fn an_interval_of_zero_turns_it_off() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    assert_eq!(sim.next_wake_up(), None);
    sim.suspend(3_600_000);
    sim.wake_up();
    sim.pause_reading(true);
    sim.pause_reading(false);
    sim.advance(NEVER);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 0));
}

#[test]
fn each_connection_has_its_own() {
    let mut sim = ready(defaults);
    sim.advance(15_000);
    sim.drop_connection();
    come_back(&mut sim);
    let start = sim.now().mono;
    sim.forget();
    sim.advance(24_999);
    assert_eq!((sim.state(), pings(&sim, start)), ("ready", vec![15_000]));
}

#[test]
fn heartbeats_are_told_only_to_those_who_listen() {
    let mut sim = ready(defaults);
    sim.input(|session, _| session.set_interest(Interest::default()));
    sim.advance(15_000);
    sim.server_says(PONG);
    assert_eq!(told(&sim), Vec::<String>::new());
}
