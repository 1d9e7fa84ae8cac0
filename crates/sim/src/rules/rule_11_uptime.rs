//! Rule 11: attempts are counted from 0 again when a connection was `ready` for long enough, not as soon as it is.

use super::*;
use mcp_protocol::{Config, Ending, OptionFault, Options};
use serde_json::json;

/// ms: the default of `minUptime`.
const UPTIME: u64 = 5_000;

fn attempt(sim: &Sim) -> u32 {
    sim.session().snapshot().attempt
}

/// Comes back, and is `ready` for so many ms.
fn come_back_for(sim: &mut Sim, millis: u64) {
    come_back(sim);
    sim.advance(millis);
}

/// The connection is lost after `millis` in `ready`; returns the delay that follows.
fn lose_after(sim: &mut Sim, millis: u64) -> u64 {
    sim.advance(millis);
    sim.drop_connection();
    retry_delay(sim)
}

#[test]
fn a_server_that_accepts_the_key_and_then_drops_is_not_dialed_for_ever() {
    let endings: [fn(&mut Sim); 4] = [
        Sim::drop_connection,
        |sim| sim.server_closes(1013, "try again later"),
        |sim| sim.server_closes(4401, "session expired"),
        |sim| sim.end(Ending { code: 1009, reason: "large".into(), clean: false, too_large: true }),
    ];
    for end in endings {
        let mut sim = ready(defaults);
        for _ in 0..10 {
            end(&mut sim);
            come_back(&mut sim);
        }
        end(&mut sim);
        assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("RECONNECT_EXHAUSTED")));
        assert_eq!(sim.connection().0, 11);
    }
}

#[test]
fn a_connection_that_was_ready_for_min_uptime_is_followed_by_the_first_attempt() {
    let mut sim = ready(attempts(2));
    for _ in 0..5 {
        assert_eq!((lose_after(&mut sim, UPTIME), attempt(&sim)), (1_000, 1));
        wait_for_the_dial(&mut sim);
        sim.refuse(503);
        assert_eq!(attempt(&sim), 2);
        come_back(&mut sim);
    }
}

#[test]
fn one_ms_less_is_not_enough() {
    let mut sim = ready(defaults);
    lose_after(&mut sim, 0);
    come_back(&mut sim);
    assert_eq!((lose_after(&mut sim, UPTIME - 1), attempt(&sim)), (1_500, 2));
}

#[test]
fn it_is_so_in_the_event_dialect() {
    for (millis, next) in [(UPTIME - 1, 2), (UPTIME, 1)] {
        let mut sim = connecting(defaults);
        sim.refuse(503);
        wait_for_the_dial(&mut sim);
        sim.open();
        sim.server_says(SCHEMAS);
        lose_after(&mut sim, millis);
        assert_eq!(attempt(&sim), next, "after {millis} ms");
    }
}

#[test]
fn with_0_being_ready_is_enough() {
    let mut sim = ready(|config| config.min_uptime = std::time::Duration::ZERO);
    for _ in 0..20 {
        assert_eq!((lose_after(&mut sim, 0), attempt(&sim)), (1_000, 1));
        come_back(&mut sim);
    }
}

#[test]
fn the_time_before_ready_does_not_count() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.advance(UPTIME);
    sim.open();
    sim.advance(UPTIME);
    sim.server_says(ACCEPTED);
    lose_after(&mut sim, 10);
    assert_eq!(attempt(&sim), 2);
}

#[test]
fn uptime_is_that_of_one_socket_and_does_not_add_up() {
    let mut sim = ready(defaults);
    for lost in 1..=4 {
        lose_after(&mut sim, UPTIME / 2);
        assert_eq!(attempt(&sim), lost);
        come_back(&mut sim);
    }
}

#[test]
fn uptime_is_monotonic_so_a_jump_of_the_wall_clock_does_not_count() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    lose_after(&mut sim, 0);
    come_back(&mut sim);
    sim.suspend(3_600_000);
    lose_after(&mut sim, 10);
    assert_eq!(attempt(&sim), 2);
}

#[test]
fn it_counts_from_the_first_ready_of_a_socket_time_in_unauthorized_included() {
    for (millis, next) in [(UPTIME / 2, 1), (UPTIME / 2 - 1, 2)] {
        let mut sim = ready(defaults);
        lose_after(&mut sim, 0);
        come_back_for(&mut sim, UPTIME / 4);
        sim.server_says(REFUSED);
        assert_eq!(sim.state(), "unauthorized");
        sim.advance(UPTIME / 4);
        sim.authenticate(Some("new"));
        sim.server_says(ACCEPTED);
        assert_eq!(sim.state(), "ready");
        lose_after(&mut sim, millis);
        assert_eq!(attempt(&sim), next, "after {millis} ms more");
    }
}

#[test]
fn authenticating_again_after_a_while_does_not_change_the_count_that_is_shown() {
    let mut sim = ready(defaults);
    lose_after(&mut sim, 0);
    come_back(&mut sim);
    sim.server_says(REFUSED);
    sim.authenticate(Some("new"));
    assert_eq!((sim.state(), attempt(&sim)), ("authenticating", 1));
    sim.advance(UPTIME);
    sim.authenticate(None);
    assert_eq!((sim.state(), attempt(&sim)), ("authenticating", 1));
    sim.drop_connection();
    assert_eq!(attempt(&sim), 1, "it was ready on this socket, and that long ago");
}

#[test]
fn a_socket_that_never_was_ready_has_no_uptime_in_unauthorized() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(REFUSED);
    lose_after(&mut sim, 2 * UPTIME);
    assert_eq!(attempt(&sim), 2);
}

#[test]
fn the_snapshot_shows_no_attempt_in_ready_all_the_same() {
    let mut sim = ready(defaults);
    lose_after(&mut sim, 0);
    come_back(&mut sim);
    assert_eq!((sim.state(), attempt(&sim)), ("ready", 0));
    sim.advance(UPTIME);
    assert_eq!(attempt(&sim), 0);
}

#[test]
fn with_no_limit_the_wait_still_grows() {
    let mut sim = ready(|config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
    let mut delays = Vec::new();
    for _ in 0..10 {
        delays.push(lose_after(&mut sim, 1));
        come_back(&mut sim);
    }
    assert_eq!(delays, [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000]);
}

#[test]
fn a_refusal_after_a_short_connection_goes_on_counting_too() {
    let mut sim = ready(attempts(3));
    lose_after(&mut sim, 1);
    come_back(&mut sim);
    assert_eq!((lose_after(&mut sim, 1), attempt(&sim)), (1_500, 2));
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!((retry_delay(&sim), attempt(&sim)), (2_250, 3));
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(sim.state(), "failed");
}

#[test]
fn reconnect_resets_the_count_and_so_do_connect_and_authenticate_from_an_end() {
    let flapping = || {
        let mut sim = ready(attempts(2));
        for _ in 0..2 {
            lose_after(&mut sim, 1);
            come_back(&mut sim);
        }
        sim
    };
    let mut sim = flapping();
    sim.reconnect();
    sim.refuse(503);
    assert_eq!((retry_delay(&sim), attempt(&sim)), (1_000, 1));
    let from_an_end: [fn(&mut Sim) -> u32; 2] = [Sim::connect, |sim| sim.authenticate(None)];
    let ends: [fn(&mut Sim); 2] = [Sim::drop_connection, |sim| sim.server_closes(1000, "")];
    for start in from_an_end {
        for (end, state) in ends.iter().zip(["failed", "closed"]) {
            let mut sim = flapping();
            end(&mut sim);
            assert_eq!(sim.state(), state);
            start(&mut sim);
            sim.refuse(503);
            assert_eq!((retry_delay(&sim), attempt(&sim)), (1_000, 1), "from {state}");
        }
    }
}

#[test]
fn connect_while_waiting_only_cuts_the_wait() {
    let mut sim = ready(defaults);
    lose_after(&mut sim, 1);
    sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!((lose_after(&mut sim, 1), attempt(&sim)), (1_500, 2));
}

#[test]
fn the_one_cut_that_a_change_of_network_may_make_comes_back_with_the_count() {
    for (millis, cut) in [(UPTIME, true), (UPTIME - 1, false)] {
        let mut sim = ready(|config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
        for _ in 0..5 {
            lose_after(&mut sim, 1);
            come_back(&mut sim);
        }
        lose_after(&mut sim, 1);
        sim.change_network();
        sim.advance(1_000);
        assert_eq!(sim.state(), "connecting", "the cut of this outage");
        sim.open();
        sim.server_says(ACCEPTED);
        sim.advance(millis);
        sim.drop_connection();
        while retry_delay(&sim) < 2_000 {
            wait_for_the_dial(&mut sim);
            sim.refuse(503);
        }
        sim.change_network();
        assert_eq!(sim.next_wake_up() == Some(1_000), cut, "after {millis} ms");
    }
}

#[test]
fn a_request_is_not_sent_again_more_often_because_the_count_began_anew() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("again");
    for _ in 0..2 {
        lose_after(&mut sim, UPTIME);
        come_back(&mut sim);
    }
    assert_eq!(sim.outcome(call), None);
    lose_after(&mut sim, UPTIME);
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    assert_eq!(tools_sent(&sim), ["again"; 3]);
}

#[test]
fn a_cap_of_0_fails_with_the_first_loss_however_long_the_connection_lived() {
    let mut sim = ready(attempts(0));
    sim.advance(2 * UPTIME);
    sim.drop_connection();
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECTION_LOST")));
}

#[test]
fn an_uptime_without_end_is_refused_as_for_other_durations() {
    for value in [json!({ "$number": "Infinity" }), json!({ "$number": "NaN" }), json!(-1), json!(2_147_483_648_u32)] {
        let options = json!({ "minUptime": value });
        let error = Options::from_json(options.as_object().expect("an object")).expect_err("it is refused");
        assert_eq!(error.kind, OptionFault::Range, "{}", error.message);
        assert!(error.message.contains("minUptime"), "{}", error.message);
    }
    assert_eq!(Config::default().min_uptime.as_millis() as u64, UPTIME);
}
