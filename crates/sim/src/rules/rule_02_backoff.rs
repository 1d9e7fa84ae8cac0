//! Rule 2: how long the client waits, and when it gives up.

use super::*;
use mcp_protocol::{Ending, Jitter};
use std::time::Duration;

/// The delays that follow one another while no dial succeeds.
fn delays(sim: &mut Sim, count: usize) -> Vec<u64> {
    let mut delays = Vec::new();
    for _ in 0..count {
        sim.refuse(503);
        delays.push(retry_delay(sim));
        wait_for_the_dial(sim);
    }
    delays
}

#[test]
fn the_delay_grows_by_half_from_one_second_to_thirty() {
    let mut sim = connecting(defaults);
    assert_eq!(delays(&mut sim, 10), [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000]);
}

#[test]
fn the_snapshot_tells_the_wait_and_when_it_ends() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    let ends = sim.now().wall + 1000;
    sim.advance(400);
    let snapshot = sim.session().snapshot();
    assert_eq!((snapshot.retry_delay, snapshot.retry_at), (Some(Duration::from_secs(1)), Some(ends)));
    sim.advance(600);
    assert_eq!((sim.state(), sim.session().snapshot().retry_at), ("connecting", None));
}

#[test]
fn jitter_of_a_fifth_is_applied_after_the_cap() {
    let mut drawn = Vec::new();
    for seed in 0..300 {
        let mut sim =
            Sim::new(Config { max_reconnect_delay: Sim::exact().base_reconnect_delay, ..Config::default() }, seed);
        sim.connect();
        drawn.extend(delays(&mut sim, 5));
    }
    let (low, high) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
    assert!((800..805).contains(low) && (1195..=1200).contains(high), "from {low} to {high}");
}

#[test]
fn two_clients_do_not_wait_alike_and_one_seed_always_waits_alike() {
    let of = |seed| {
        let mut sim = Sim::new(Config::default(), seed);
        sim.connect();
        delays(&mut sim, 5)
    };
    assert_ne!(of(1), of(2));
    assert_eq!(of(1), of(1));
}

#[test]
fn full_jitter_spreads_from_nothing_to_the_delay() {
    let first_delay = |seed| {
        let mut sim = Sim::new(Config { reconnect_jitter: Jitter::Full, ..Config::default() }, seed);
        sim.connect();
        sim.refuse(503);
        retry_delay(&sim)
    };
    let drawn: Vec<u64> = (0..300).map(first_delay).collect();
    assert!(drawn.iter().any(|delay| *delay < 50) && drawn.iter().any(|delay| (950..=1000).contains(delay)));
    assert!(drawn.iter().all(|delay| *delay <= 1000));
}

#[test]
fn the_dial_comes_exactly_when_the_delay_is_over() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    sim.advance(999);
    assert_eq!(sim.state(), "reconnecting");
    sim.advance(1);
    assert_eq!(sim.state(), "connecting");
}

#[test]
fn a_close_with_1008_or_1011_waits_five_seconds_more_before_the_delay() {
    for code in [1008, 1011] {
        let mut sim = ready(defaults);
        sim.server_closes(code, "");
        assert_eq!(retry_delay(&sim), 6000);
        sim.advance(5999);
        assert_eq!(sim.state(), "reconnecting");
        sim.advance(1);
        assert_eq!(sim.state(), "connecting");
        sim.open();
        sim.server_closes(code, "");
        assert_eq!(retry_delay(&sim), 6500);
    }
}

#[test]
fn the_five_seconds_come_on_top_of_the_cap_and_are_not_jittered() {
    for seed in 0..100 {
        let config = Config { max_reconnect_delay: Sim::exact().base_reconnect_delay, ..Config::default() };
        let mut sim = Sim::new(config, seed);
        sim.connect();
        sim.open();
        sim.server_closes(1008, "");
        let delay = retry_delay(&sim);
        assert!((5800..=6200).contains(&delay), "{delay}");
    }
}

#[test]
fn every_other_close_code_goes_straight_to_the_backoff() {
    let others = [1001, 1002, 1003, 1005, 1006, 1007, 1009, 1010, 1012, 1013, 1014, 1015, 3000, 4000, 4999];
    for code in others {
        let mut sim = ready(defaults);
        sim.end(Ending { code, reason: String::new(), clean: code != 1006, too_large: false });
        assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 1000), "{code}");
    }
}

#[test]
fn a_failed_dial_goes_straight_to_the_backoff() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 1000));
    assert_eq!(error_code(&sim), Some("CONNECT_FAILED"));
}

#[test]
fn a_dial_that_takes_longer_than_connect_timeout_is_given_up() {
    let mut sim = connecting(defaults);
    sim.forget();
    sim.advance(9_999);
    assert_eq!(sim.state(), "connecting");
    sim.advance(1);
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 1000));
    assert_eq!(asked(&sim), ["drop 1"]);
    let error = sim.session().snapshot().error.expect("an error");
    assert!(error.code == "CONNECT_FAILED" && error.retryable && error.message.contains("ws://sim/mcp-ws"));
    sim.open();
    assert_eq!(sim.state(), "reconnecting", "it opens too late");
}

#[test]
fn a_heartbeat_timeout_goes_straight_to_the_backoff() {
    let mut sim = ready(defaults);
    sim.advance(25_000);
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 1000));
}

#[test]
fn a_1000_from_the_server_ends_in_closed() {
    for mut sim in [authenticating(defaults), ready(defaults), unauthorized(defaults)] {
        sim.server_closes(1000, "done");
        assert_eq!(sim.state(), "closed");
        assert_eq!(error_code(&sim), Some("CONNECTION_LOST"));
        sim.advance(1_000_000);
        assert_eq!(sim.connection().0, 1, "it does not dial again");
    }
}

#[test]
fn which_codes_are_slow_and_which_forbid_reconnecting_can_be_chosen() {
    let choose = |config: &mut Config| {
        config.slow_reconnect_codes = vec![4002];
        config.no_reconnect_codes = vec![4001];
    };
    for (code, state, delay) in
        [(4001, "closed", None), (4002, "reconnecting", Some(6000)), (1000, "reconnecting", Some(1000))]
    {
        let mut sim = ready(choose);
        sim.server_closes(code, "");
        assert_eq!(sim.state(), state);
        assert_eq!(sim.session().snapshot().retry_delay.map(|delay| delay.as_millis()), delay, "{code}");
    }
}

#[test]
fn when_the_attempts_are_used_up_it_has_failed_with_the_last_failure_as_cause() {
    let mut sim = client(attempts(1));
    let connect = sim.connect();
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.forget();
    sim.refuse(502);
    assert_eq!(sim.state(), "failed");
    let error = sim.session().snapshot().error.expect("an error");
    assert_eq!((error.code, error.message.as_str()), ("RECONNECT_EXHAUSTED", "Maximum reconnection attempts reached"));
    assert!(!error.retryable);
    let cause = error.cause.expect("a cause");
    assert_eq!(
        (cause.code, cause.message.as_str()),
        ("CONNECT_FAILED", "cannot connect to ws://sim/mcp-ws: the server answered the upgrade with HTTP 502")
    );
    assert_eq!(failure(&sim, connect).0, "RECONNECT_EXHAUSTED");
}

#[test]
fn an_attempt_counts_as_failed_whether_the_dial_or_the_open_connection_failed() {
    let mut sim = connecting(attempts(3));
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.advance(10_000);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.advance(10_000);
    assert_eq!(sim.state(), "failed");
    let error = sim.session().snapshot().error.expect("an error");
    assert_eq!(error.cause.expect("a cause").code, "AUTH_TIMEOUT");
}

#[test]
fn with_a_cap_of_zero_it_fails_with_the_failure_itself() {
    let mut sim = connecting(attempts(0));
    sim.refuse(503);
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")));
    let mut sim = ready(attempts(0));
    let call = sim.tool("echo");
    sim.drop_connection();
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECTION_LOST")));
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
}

#[test]
fn an_infinite_cap_waits_no_longer_than_the_cap_of_the_delay() {
    let mut sim = connecting(|config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
    assert_eq!(delays(&mut sim, 500).last(), Some(&30_000));
}
