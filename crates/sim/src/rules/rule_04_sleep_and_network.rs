//! Rule 4, and what of rule 2 goes with it: the machine has slept, or is on another network.

use std::time::Duration;

use super::*;
use mcp_protocol::Interest;

const AN_HOUR: u64 = 3_600_000;
/// The longest wait, and how many attempts it takes to get there.
const LONGEST: (u32, u64) = (10, 30_000);

/// In the longest wait of an outage.
fn in_the_longest_wait(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = connecting(adjust);
    for _ in 1..LONGEST.0 {
        sim.refuse(503);
        wait_for_the_dial(&mut sim);
    }
    sim.refuse(503);
    assert_eq!((sim.state(), sim.next_wake_up()), ("reconnecting", Some(LONGEST.1)));
    sim.forget();
    sim
}

fn unlimited(config: &mut Config) {
    config.max_reconnect_attempts = MaxAttempts::Unlimited;
}

/// The dial that is under way fails.
fn fail_again(sim: &mut Sim) {
    assert_eq!(sim.state(), "connecting");
    sim.refuse(503);
}

#[test]
fn a_change_of_the_network_pings_at_once() {
    let mut sim = ready(defaults);
    sim.advance(1_000);
    sim.change_network();
    assert_eq!(sent(&sim).len(), 1);
    sim.advance(4_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting", "the answer is due within the time of a probe");
}

#[test]
fn an_answered_probe_is_a_ping_like_any_other() {
    let mut sim = ready(defaults);
    sim.advance(1_000);
    sim.change_network();
    sim.server_says(PONG);
    sim.forget();
    sim.advance(14_999);
    assert!(sent(&sim).is_empty());
    sim.advance(1);
    assert_eq!(sent(&sim).len(), 1, "the next one follows after the interval");
    sim.advance(9_999);
    assert_eq!(sim.state(), "ready", "and has its full time");
}

#[test]
fn bytes_answer_a_probe_as_well() {
    let mut sim = ready(defaults);
    sim.change_network();
    sim.advance(4_000);
    sim.bytes_come();
    sim.advance(1_000);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn changes_in_a_row_make_one_ping_and_do_not_put_its_deadline_off() {
    let mut sim = ready(defaults);
    for _ in 0..4 {
        sim.change_network();
        sim.advance(1_000);
    }
    assert_eq!(sent(&sim).len(), 1);
    sim.advance(1_000);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn a_ping_that_is_under_way_at_the_change_gets_the_time_of_a_probe() {
    let mut sim = ready(defaults);
    sim.advance(15_000);
    sim.change_network();
    assert_eq!(sent(&sim).len(), 1);
    sim.advance(4_999);
    assert_eq!(sim.state(), "ready");
    sim.advance(1);
    assert_eq!(sim.state(), "reconnecting");

    let mut sim = ready(defaults);
    sim.advance(24_000);
    sim.change_network();
    sim.advance(1_000);
    assert_eq!(sim.state(), "reconnecting", "but never more than it had");
}

#[test]
fn a_heartbeat_timeout_below_the_time_of_a_probe_holds_for_probes_too() {
    let mut sim = ready(|config| config.heartbeat_timeout = Duration::from_secs(2));
    sim.change_network();
    sim.advance(2_000);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn while_the_client_does_not_read_a_probe_has_no_deadline() {
    let mut sim = ready(defaults);
    sim.pause_reading(true);
    sim.change_network();
    sim.change_network();
    sim.advance(60_000);
    assert_eq!((sim.state(), sent(&sim).len()), ("ready", 1));
}

#[test]
fn without_a_heartbeat_a_change_of_the_network_sends_nothing() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    sim.change_network();
    assert_eq!((sent(&sim).len(), sim.next_wake_up()), (0, None));
}

#[test]
fn where_there_is_nothing_to_probe_and_no_wait_a_change_of_the_network_does_nothing() {
    let closing = || {
        let mut sim = ready(defaults);
        sim.close();
        sim
    };
    for mut sim in [client(defaults), connecting(defaults), closing()] {
        sim.forget();
        let (state, wake_up) = (sim.state(), sim.next_wake_up());
        sim.change_network();
        assert_eq!((sim.outputs().len(), sim.state(), sim.next_wake_up()), (0, state, wake_up));
    }
}

#[test]
fn what_a_failed_probe_ends_is_retried_after_the_first_delay_and_from_the_first_attempt() {
    for disturb in [Sim::change_network, wake_up_after_an_hour] {
        let mut sim = ready(defaults);
        disturb(&mut sim);
        sim.advance(5_000);
        assert_eq!((sim.state(), retry_delay(&sim), sim.session().snapshot().attempt), ("reconnecting", 1_000, 1));
    }
}

fn wake_up_after_an_hour(sim: &mut Sim) {
    sim.suspend(AN_HOUR);
    sim.wake_up();
}

#[test]
fn a_wait_is_cut_to_the_first_delay() {
    for disturb in [Sim::change_network, wake_up_after_an_hour] {
        let mut sim = in_the_longest_wait(defaults);
        disturb(&mut sim);
        assert_eq!((sim.state(), sim.next_wake_up()), ("reconnecting", Some(1_000)));
        sim.advance(1_000);
        assert_eq!(
            (sim.state(), sim.session().snapshot().attempt),
            ("connecting", LONGEST.0),
            "it is the same attempt"
        );
    }
}

#[test]
fn a_cut_leaves_the_longer_wait_that_the_servers_close_code_asks_for() {
    for (disturb, code) in [(Sim::change_network as fn(&mut Sim), 1008), (wake_up_after_an_hour, 1011)] {
        let mut sim = connecting(unlimited);
        for _ in 0..LONGEST.0 {
            sim.refuse(503);
            wait_for_the_dial(&mut sim);
        }
        sim.open();
        sim.server_closes(code, "later");
        assert_eq!(sim.next_wake_up(), Some(LONGEST.1 + 5_000));
        disturb(&mut sim);
        assert_eq!(sim.next_wake_up(), Some(6_000));
    }
}

#[test]
fn the_cut_is_jittered_so_that_an_office_full_of_clients_does_not_dial_at_one_moment() {
    let left = |seed| {
        let mut sim = Sim::new(Config::default(), seed);
        sim.connect();
        for _ in 0..5 {
            sim.refuse(503);
            wait_for_the_dial(&mut sim);
        }
        sim.refuse(503);
        sim.change_network();
        sim.next_wake_up().expect("it waits")
    };
    let drawn: Vec<u64> = (0..300).map(left).collect();
    let (low, high) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
    assert!((800..820).contains(low) && (1180..=1200).contains(high), "from {low} to {high}");
}

#[test]
fn a_shorter_wait_than_the_first_delay_stays_as_it_is() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    sim.advance(400);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(600));
}

#[test]
fn in_one_outage_one_change_cuts_one_wait_so_that_a_flapping_network_cannot_use_the_attempts_up() {
    let mut sim = in_the_longest_wait(unlimited);
    sim.change_network();
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000));
    sim.advance(1_000);
    fail_again(&mut sim);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(LONGEST.1));
}

#[test]
fn a_change_that_helped_nothing_leaves_the_cut_to_the_next() {
    let mut sim = connecting(defaults);
    sim.refuse(503);
    sim.change_network();
    wait_for_the_dial(&mut sim);
    sim.change_network();
    sim.refuse(503);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000));
}

#[test]
fn a_sleep_gives_the_next_change_its_cut_back() {
    let mut sim = in_the_longest_wait(unlimited);
    sim.change_network();
    sim.advance(1_000);
    fail_again(&mut sim);
    wake_up_after_an_hour(&mut sim);
    assert_eq!(sim.next_wake_up(), Some(1_000), "the network is not back yet");
    sim.advance(1_000);
    fail_again(&mut sim);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000), "now it is");
}

#[test]
fn the_next_outage_and_reconnect_have_a_cut_of_their_own() {
    let mut sim = in_the_longest_wait(defaults);
    sim.change_network();
    sim.advance(1_000);
    sim.open();
    sim.server_says(ACCEPTED);
    sim.advance(5_000);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    fail_again(&mut sim);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000), "after ready");

    sim.reconnect();
    fail_again(&mut sim);
    wait_for_the_dial(&mut sim);
    fail_again(&mut sim);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(1_000), "after reconnect()");
}

#[test]
fn calls_that_wait_for_the_network_go_out_when_it_is_back() {
    let mut sim = in_the_longest_wait(defaults);
    let call = sim.tool("patient");
    sim.change_network();
    sim.advance(1_000);
    sim.open();
    sim.server_says(ACCEPTED);
    sim.server_answers(call, "1");
    assert_eq!(results(&sim, call).as_deref(), Some("1"));
}

#[test]
fn the_log_says_what_was_done_and_why() {
    let logging = |mut sim: Sim, act: fn(&mut Sim)| {
        sim.input(|session, _| session.set_interest(Interest::ALL));
        act(&mut sim);
        logged(&sim)
    };
    assert_eq!(logging(ready(defaults), Sim::change_network), ["log the network changed: probing the connection"]);
    assert_eq!(
        logging(ready(defaults), wake_up_after_an_hour),
        ["log the machine or the page slept: probing the connection"]
    );
    let waiting = in_the_longest_wait(defaults);
    assert_eq!(logging(waiting, Sim::change_network), ["log the next attempt is brought forward"]);
}
