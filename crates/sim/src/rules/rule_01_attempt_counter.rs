//! Rule 1: an open socket does not reset the counter, the user does. What `ready` does is rule 11.

use super::*;

#[test]
fn a_server_that_accepts_and_then_closes_is_not_retried_for_ever() {
    let mut sim = connecting(defaults);
    for dial in 1..=11 {
        assert_eq!(sim.connection().0, dial);
        sim.open();
        sim.server_closes(1012, "");
        if dial <= 10 {
            wait_for_the_dial(&mut sim);
        }
    }
    assert_eq!(sim.state(), "failed");
    assert_eq!(error_code(&sim), Some("RECONNECT_EXHAUSTED"));
}

#[test]
fn a_bad_key_that_is_answered_with_1008_each_time_is_not_retried_for_ever() {
    let mut sim = connecting(attempts(2));
    for _ in 0..2 {
        sim.open();
        sim.server_says(REFUSED);
        sim.server_closes(1008, "no such key");
        wait_for_the_dial(&mut sim);
    }
    sim.open();
    sim.server_says(REFUSED);
    sim.server_closes(1008, "no such key");
    assert_eq!(sim.state(), "failed");
}

#[test]
fn reconnect_called_by_the_user_resets_it() {
    let mut sim = connecting(attempts(2));
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    sim.reconnect();
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("connecting", 0));
    sim.refuse(503);
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("reconnecting", 1));
    assert_eq!(retry_delay(&sim), 1000, "the backoff begins anew as well");
}

#[test]
fn the_first_dial_is_no_attempt_so_a_cap_of_two_means_three_dials() {
    let mut sim = connecting(attempts(2));
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(sim.state(), "failed");
    assert_eq!(sim.connection().0, 3);
    sim.advance(1_000_000);
    assert_eq!(sim.connection().0, 3, "failed is terminal");
}

#[test]
fn the_snapshot_counts_attempts_from_one_and_shows_none_when_not_retrying() {
    let mut sim = connecting(attempts(3));
    assert_eq!(sim.session().snapshot().attempt, 0);
    for attempt in 1..=3 {
        sim.refuse(503);
        assert_eq!(sim.session().snapshot().attempt, attempt);
        wait_for_the_dial(&mut sim);
        assert_eq!(sim.session().snapshot().attempt, attempt);
    }
    sim.open();
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("authenticating", 3));
    sim.server_says(ACCEPTED);
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("ready", 0));
}

#[test]
fn where_it_is_not_on_its_way_the_snapshot_shows_no_attempt() {
    let at_attempt_one = || {
        let mut sim = connecting(attempts(1));
        sim.refuse(503);
        wait_for_the_dial(&mut sim);
        sim
    };
    let ends: [fn(&mut Sim); 4] = [
        |sim| {
            sim.close();
        },
        |sim| sim.refuse(503),
        |sim| sim.refuse(401),
        |sim| {
            sim.open();
            sim.close();
        },
    ];
    for (end, state) in ends.iter().zip(["closed", "failed", "unauthorized", "closing"]) {
        let mut sim = at_attempt_one();
        end(&mut sim);
        assert_eq!((sim.state(), sim.session().snapshot().attempt), (state, 0));
    }
}

#[test]
fn connect_while_waiting_dials_at_once_and_does_not_reset_the_counter() {
    let mut sim = connecting(attempts(1));
    sim.refuse(503);
    sim.connect();
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("connecting", 1));
    sim.refuse(503);
    assert_eq!(sim.state(), "failed");
}

#[test]
fn connect_after_failed_starts_from_nothing() {
    let mut sim = connecting(attempts(1));
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(sim.state(), "failed");
    sim.connect();
    sim.refuse(503);
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("reconnecting", 1));
}

#[test]
fn an_infinite_cap_never_fails() {
    let mut sim = connecting(|config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
    for attempt in 1..=200 {
        sim.refuse(503);
        assert_eq!(sim.session().snapshot().attempt, attempt);
        wait_for_the_dial(&mut sim);
    }
}
