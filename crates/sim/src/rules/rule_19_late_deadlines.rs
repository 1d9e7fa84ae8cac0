//! Rule 19: a deadline that is met late. The process, or the page, did not run meanwhile.

use std::time::Duration;

use super::*;
use crate::{Conditions, Server};
use mcp_protocol::Interest;

const A_MINUTE: u64 = 60_000;
const AN_HOUR: u64 = 3_600_000;

/// `ready`, with a ping that was just sent.
fn pinging(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = ready(adjust);
    sim.advance(15_000);
    assert_eq!(sent(&sim).len(), 1);
    sim.forget();
    sim
}

/// From now on the server answers by itself, and takes a moment.
fn answer_slowly(sim: &mut Sim) {
    sim.set_server(Server::Guide);
    sim.set_conditions(Conditions { thinking: 1_000, ..Conditions::default() });
}

/// `reconnecting`, after so many dials that the delay is the longest, with a call that times out before its end.
fn in_a_long_wait(sim: &mut Sim) -> u32 {
    for _ in 1..10 {
        sim.refuse(503);
        wait_for_the_dial(sim);
    }
    sim.refuse(503);
    assert_eq!(sim.next_wake_up(), Some(30_000));
    call_within(sim, 1_000)
}

fn call_within(sim: &mut Sim, millis: u64) -> u32 {
    let timeout = Some(Duration::from_millis(millis));
    sim.call(mcp_protocol::Call { name: "late", timeout, ..mcp_protocol::Call::default() })
}

#[test]
fn what_has_come_is_read_first() {
    let mut sim = ready(defaults);
    answer_slowly(&mut sim);
    let call = sim.tool("in time");
    assert!(sim.outcome(call).is_none(), "the answer is on its way");
    sim.stall(AN_HOUR);
    assert!(results(&sim, call).is_some());
}

#[test]
fn calls_that_are_overdue_time_out_then() {
    let mut sim = ready(defaults);
    let call = sim.tool("silent");
    sim.stall(AN_HOUR);
    assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(true)));
    assert_eq!(sim.state(), "ready");
}

#[test]
fn the_connection_is_pinged_with_a_short_deadline_before_it_is_given_up() {
    let mut sim = pinging(defaults);
    sim.stall(A_MINUTE);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 1));
    sim.advance(4_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn a_pong_to_that_ping_keeps_the_connection() {
    let mut sim = pinging(defaults);
    sim.stall(A_MINUTE);
    sim.server_says(PONG);
    sim.server_says(PONG);
    sim.advance(14_999);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 1));
    sim.advance(1);
    assert_eq!(sent(&sim).len(), 2, "the heartbeat goes on");
}

#[test]
fn a_pong_that_has_come_meanwhile_proves_life() {
    let mut sim = ready(defaults);
    answer_slowly(&mut sim);
    sim.advance(15_000);
    sim.stall(A_MINUTE);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 2), "the next ping was due");
    sim.set_server(Server::Scripted);
    sim.advance(A_MINUTE);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn whichever_deadline_was_late_an_idle_connection_is_pinged_with_a_short_deadline() {
    let late_call = |sim: &mut Sim| {
        call_within(sim, 1_000);
        sim.forget();
        sim.stall(4_000);
    };
    let late_ping = |sim: &mut Sim| sim.stall(A_MINUTE);
    for be_late in [late_call as fn(&mut Sim), late_ping] {
        let mut sim = ready(defaults);
        be_late(&mut sim);
        assert_eq!((sim.state(), sent(&sim).len(), sim.next_wake_up()), ("ready", 1, Some(5_000)));
    }
}

#[test]
fn a_ping_whose_deadline_is_still_to_come_gets_the_time_of_a_probe() {
    let mut sim = pinging(defaults);
    call_within(&mut sim, 1_000);
    sim.forget();
    sim.stall(4_000);
    assert_eq!((sent(&sim).len(), sim.next_wake_up()), (0, Some(5_000)));
}

#[test]
fn a_client_that_is_always_late_gives_a_dead_connection_up() {
    for lateness in [2_500, 3_000, A_MINUTE, AN_HOUR] {
        let mut sim = pinging(defaults);
        let mut stalls = 0;
        while sim.state() == "ready" {
            sim.stall(10_000 + lateness);
            stalls += 1;
        }
        assert_eq!((stalls, sent(&sim).len()), (2, 1), "it asks again once, late by {lateness} ms");
    }
}

#[test]
fn a_client_that_is_always_late_times_its_calls_out() {
    let mut sim = ready(|config| config.heartbeat_timeout = Duration::from_secs(100_000));
    for _ in 0..5 {
        let call = call_within(&mut sim, 1_000);
        sim.stall(4_000);
        assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(true)));
    }
}

#[test]
fn a_client_that_is_always_late_and_gets_bytes_asks_again_each_time() {
    let mut sim = pinging(defaults);
    for _ in 0..5 {
        sim.stall(A_MINUTE);
        assert_eq!(sim.state(), "ready");
        sim.advance(4_000);
        sim.bytes_come();
        sim.advance(11_000);
        assert_eq!((sim.state(), sent(&sim).len()), ("ready", 2), "the bytes prove life, and the next ping is due");
        sim.forget();
    }
}

#[test]
fn a_deadline_that_is_met_within_two_seconds_is_in_time() {
    let mut sim = pinging(defaults);
    sim.stall(12_000);
    assert_eq!((sim.state(), sent(&sim).len()), ("reconnecting", 0));
    let mut sim = pinging(defaults);
    sim.stall(12_001);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 1));
}

#[test]
fn a_page_that_is_seen_again_before_its_timer_fires_asks_again_as_well() {
    let mut sim = pinging(defaults);
    sim.stop(A_MINUTE);
    sim.change_network();
    assert_eq!((sim.state(), sent(&sim).len(), sim.next_wake_up()), ("ready", 1, Some(5_000)));
    sim.wake_up();
    assert_eq!(sent(&sim).len(), 1, "one ping for both");
}

#[test]
fn without_a_heartbeat_nothing_is_pinged() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = sim.tool("silent");
    sim.forget();
    sim.stall(AN_HOUR);
    assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(true)));
    assert_eq!((sim.state(), sent(&sim).len(), sim.next_wake_up()), ("ready", 0, None));
}

#[test]
fn a_dial_and_an_authentication_that_are_overdue_have_failed() {
    let mut sim = connecting(defaults);
    sim.stall(AN_HOUR);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("CONNECT_FAILED")));
    let mut sim = authenticating(defaults);
    sim.stall(AN_HOUR);
    assert_eq!((sim.state(), error_code(&sim)), ("reconnecting", Some("AUTH_TIMEOUT")));
}

#[test]
fn a_socket_that_has_opened_and_an_auth_answer_that_has_come_are_read_first() {
    let mut sim = connecting(defaults);
    sim.stop(AN_HOUR);
    sim.open();
    sim.wake_up();
    assert_eq!(sim.state(), "authenticating");
    sim.stop(AN_HOUR);
    sim.server_says(ACCEPTED);
    sim.wake_up();
    assert_eq!(sim.state(), "ready");
}

#[test]
fn a_dial_that_is_overdue_is_made() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    sim.forget();
    sim.stall(AN_HOUR);
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("connecting", 1));
    assert_eq!(asked(&sim).len(), 1);
}

#[test]
fn a_wait_is_cut_to_the_first_delay_once_in_an_outage() {
    let mut sim = connecting(|config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
    let call = in_a_long_wait(&mut sim);
    sim.stall(4_000);
    assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(false)));
    assert_eq!(sim.next_wake_up(), Some(1_000));
    sim.advance(1_000);
    sim.refuse(503);
    call_within(&mut sim, 1_000);
    sim.stall(4_000);
    assert_eq!(sim.next_wake_up(), Some(26_000), "a client that is always late does not use its attempts up");
}

#[test]
fn a_close_frame_that_has_come_is_read_before_the_closing_handshake_is_given_up() {
    let mut sim = ready(defaults);
    sim.close();
    sim.stop(AN_HOUR);
    sim.server_closes(1000, "bye");
    sim.wake_up();
    assert!(told(&sim).contains(&"close 1000".to_owned()), "{:?}", told(&sim));
}

#[test]
fn a_closing_handshake_that_is_overdue_is_over() {
    let mut sim = ready(defaults);
    sim.close();
    sim.stall(AN_HOUR);
    assert_eq!(sim.state(), "closed");
}

#[test]
fn the_log_says_that_it_slept() {
    let mut sim = pinging(defaults);
    sim.input(|session, _| session.set_interest(Interest::ALL));
    sim.stall(A_MINUTE);
    assert_eq!(logged(&sim), ["log the machine or the page slept: probing the connection"]);
}
