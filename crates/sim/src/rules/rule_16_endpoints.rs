//! Rule 16: several endpoints, dialed in rounds.

use super::*;
use mcp_protocol::{Config, EndpointSource, UpgradeFailure};

/// As many endpoints as there are letters; dialing the first.
fn dialing(letters: &str, adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = idle(letters, adjust);
    sim.connect();
    sim
}

fn idle(letters: &str, adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Sim::exact();
    adjust(&mut config);
    let urls = letters.chars().map(|letter| format!("ws://{letter}/mcp-ws")).collect();
    Sim::with_endpoints(config, EndpointSource::Known(urls), 1)
}

fn url(sim: &Sim) -> String {
    sim.session().snapshot().url
}

fn letter(sim: &Sim) -> char {
    url(sim).chars().nth(5).unwrap_or('-')
}

fn accept(sim: &mut Sim) {
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

/// The endpoints that a round dials, if all dials fail; ends in the wait.
fn round(sim: &mut Sim) -> String {
    let mut dialed = String::new();
    while sim.state() == "connecting" {
        dialed.push(letter(sim));
        sim.refuse(503);
    }
    assert_eq!(sim.state(), "reconnecting");
    dialed
}

#[test]
fn a_round_dials_each_endpoint_once_in_the_order_given_without_a_wait() {
    let mut sim = dialing("abc", defaults);
    assert_eq!(round(&mut sim), "abc");
    assert_eq!(asked(&sim), ["dial 1", "dial 2 at 1", "dial 3 at 2"]);
}

#[test]
fn then_comes_the_wait_and_one_attempt_is_one_round() {
    let mut sim = dialing("ab", attempts(2));
    for (attempt, delay) in [(1, 1_000), (2, 1_500)] {
        assert_eq!(round(&mut sim), "ab");
        assert_eq!((sim.session().snapshot().attempt, retry_delay(&sim)), (attempt, delay));
        wait_for_the_dial(&mut sim);
    }
    sim.refuse(503);
    assert_eq!(sim.state(), "connecting");
    sim.refuse(503);
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("RECONNECT_EXHAUSTED")));
    assert_eq!(sim.connection().0, 6);
}

#[test]
fn reconnecting_is_only_told_at_waits_and_each_failure_is_an_error() {
    let mut sim = dialing("ab", defaults);
    sim.forget();
    round(&mut sim);
    assert_eq!(
        told(&sim),
        [
            "state connecting",
            "error CONNECT_FAILED",
            "state reconnecting",
            "error CONNECT_FAILED",
            "reconnecting 1 in 1000"
        ]
    );
}

#[test]
fn each_dial_has_connect_timeout_for_itself() {
    let mut sim = dialing("ab", defaults);
    sim.advance(9_999);
    assert_eq!(letter(&sim), 'a');
    sim.advance(1);
    assert_eq!((letter(&sim), asked(&sim).len()), ('b', 3), "dropped, and the next one dialed");
    sim.advance(10_000);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn the_last_good_one_is_dialed_first() {
    let mut sim = dialing("abc", defaults);
    sim.refuse(503);
    accept(&mut sim);
    assert_eq!(letter(&sim), 'b');
    sim.advance(5_000);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "bac");
}

#[test]
fn those_that_failed_three_times_in_a_row_come_last() {
    let mut sim = dialing("abc", |config| config.max_reconnect_attempts = MaxAttempts::Unlimited);
    for _ in 0..2 {
        assert_eq!(round(&mut sim), "abc");
        wait_for_the_dial(&mut sim);
    }
    sim.refuse(503);
    sim.refuse(503);
    accept(&mut sim);
    sim.advance(5_000);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "cab");
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    accept(&mut sim);
    sim.advance(5_000);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "acb", "a is good again");
}

#[test]
fn a_connection_that_was_ready_for_min_uptime_ends_the_round() {
    let mut sim = dialing("ab", defaults);
    accept(&mut sim);
    sim.advance(5_000);
    sim.drop_connection();
    assert_eq!((sim.state(), sim.session().snapshot().attempt, retry_delay(&sim)), ("reconnecting", 1, 1_000));
}

#[test]
fn one_that_was_ready_for_a_shorter_time_goes_on_within_its_round_without_a_wait() {
    let mut sim = dialing("ab", defaults);
    accept(&mut sim);
    let call = sim.tool("echo");
    sim.advance(4_999);
    sim.forget();
    sim.drop_connection();
    assert_eq!((sim.state(), letter(&sim)), ("connecting", 'b'));
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    accept(&mut sim);
    sim.drop_connection();
    assert_eq!((sim.state(), sim.session().snapshot().attempt), ("reconnecting", 1));
}

#[test]
fn its_end_shows_as_close_then_state_connecting() {
    let mut sim = dialing("ab", defaults);
    accept(&mut sim);
    sim.forget();
    sim.server_closes(4000, "flapping");
    assert_eq!(told(&sim), ["close 4000", "state connecting", "error CONNECTION_LOST"]);
}

#[test]
fn one_that_failed_to_become_ready_goes_on_too() {
    let ends: [fn(&mut Sim); 3] =
        [Sim::drop_connection, |sim| sim.server_closes(4401, "go away"), |sim| sim.advance(10_000)];
    for end in ends {
        let mut sim = dialing("ab", defaults);
        sim.open();
        end(&mut sim);
        assert_eq!((sim.state(), letter(&sim)), ("connecting", 'b'));
    }
    let mut sim = dialing("ab", asks_for_tokens);
    sim.open();
    sim.token(Err("VaultError"));
    assert_eq!((sim.state(), letter(&sim)), ("connecting", 'b'));
}

#[test]
fn calls_wait_for_the_endpoint_that_is_reached() {
    let mut sim = dialing("ab", defaults);
    let call = sim.tool("echo");
    sim.refuse(503);
    accept(&mut sim);
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn a_code_of_no_reconnect_codes_ends_in_closed_as_ever() {
    for is_ready in [true, false] {
        let mut sim = dialing("ab", defaults);
        sim.open();
        if is_ready {
            sim.server_says(ACCEPTED);
        }
        sim.server_closes(1000, "");
        assert_eq!(sim.state(), "closed");
    }
}

#[test]
fn a_slow_code_adds_its_delay_once_to_the_wait_that_ends_the_round() {
    let mut sim = dialing("abc", defaults);
    for _ in 0..2 {
        sim.open();
        sim.server_closes(1011, "overloaded");
        assert_eq!(sim.state(), "connecting");
    }
    sim.refuse(503);
    assert_eq!(retry_delay(&sim), 6_000);
    wait_for_the_dial(&mut sim);
    round(&mut sim);
    assert_eq!(retry_delay(&sim), 1_500, "the next round is another one");
}

#[test]
fn with_a_cap_of_0_the_first_round_is_all_there_is() {
    let mut sim = dialing("ab", attempts(0));
    sim.refuse(503);
    assert_eq!((sim.state(), letter(&sim)), ("connecting", 'b'));
    sim.refuse(503);
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")));
}

#[test]
fn and_a_loss_after_ready_fails() {
    let mut sim = dialing("ab", attempts(0));
    accept(&mut sim);
    sim.drop_connection();
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECTION_LOST")));
    let mut sim = dialing("ab", attempts(0));
    sim.open();
    sim.drop_connection();
    assert_eq!(sim.state(), "connecting", "but not before");
}

#[test]
fn what_is_not_retried_is_final_for_that_endpoint_alone() {
    for status in [401, 404] {
        let mut sim = dialing("ab", defaults);
        sim.refuse(status);
        assert_eq!(sim.state(), "connecting");
        accept(&mut sim);
        assert_eq!(letter(&sim), 'b');
    }
    let mut sim = dialing("ab", defaults);
    sim.refuse(404);
    sim.refuse(503);
    assert_eq!(sim.state(), "reconnecting", "b may come back");
}

#[test]
fn when_all_fail_so_by_401_or_403_the_client_is_unauthorized() {
    let mut sim = dialing("ab", defaults);
    sim.refuse(401);
    sim.refuse(403);
    assert_eq!((sim.state(), error_code(&sim)), ("unauthorized", Some("AUTH_FAILED")));
}

#[test]
fn else_it_has_failed_with_the_first_such_failure() {
    let mut sim = dialing("abc", defaults);
    sim.fail_dial(bad_certificate());
    sim.refuse(401);
    sim.refuse(404);
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")));
    let message = sim.session().snapshot().error.expect("an error").message;
    assert!(message.contains("ws://a/") && message.contains("certificate"), "{message}");
}

#[test]
fn once_the_client_was_ready_that_is_an_outage() {
    let mut sim = dialing("ab", defaults);
    accept(&mut sim);
    sim.drop_connection();
    sim.refuse(404);
    assert_eq!(sim.state(), "reconnecting");
    wait_for_the_dial(&mut sim);
    sim.refuse(404);
    sim.refuse(404);
    assert_eq!(sim.state(), "reconnecting");
}

#[test]
fn a_key_refused_on_an_open_socket_is_final_for_the_list() {
    let mut sim = dialing("ab", defaults);
    sim.open();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), letter(&sim)), ("unauthorized", 'a'));
    sim.server_closes(1008, "");
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 6_000));
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_not_dialed_before_its_time() {
    let mut sim = dialing("ab", defaults);
    sim.refuse_for(503, 3_000);
    sim.refuse(503);
    assert_eq!(retry_delay(&sim), 1_000, "b did not ask for it");
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "b");
    assert_eq!(retry_delay(&sim), 1_500);
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "b");
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "ab", "4.75 s later");
}

#[test]
fn a_round_waits_for_its_earliest() {
    let mut sim = dialing("ab", defaults);
    sim.refuse_for(503, 30_000);
    sim.refuse_for(503, 20_000);
    assert_eq!(retry_delay(&sim), 20_000);
    sim.change_network();
    assert_eq!(sim.next_wake_up(), Some(20_000));
    wait_for_the_dial(&mut sim);
    assert_eq!(round(&mut sim), "b");
    assert_eq!(retry_delay(&sim), 1_500, "b may be dialed again");
}

#[test]
fn connect_and_reconnect_dial_all_the_same() {
    for command in [Sim::connect, Sim::reconnect] {
        let mut sim = dialing("ab", defaults);
        sim.refuse_for(503, 30_000);
        sim.refuse_for(503, 20_000);
        command(&mut sim);
        assert_eq!(round(&mut sim), "ab");
    }
}

#[test]
fn reconnect_begins_a_new_round() {
    let mut sim = dialing("ab", defaults);
    sim.refuse(503);
    sim.reconnect();
    assert_eq!(letter(&sim), 'a');
    sim.refuse(503);
    accept(&mut sim);
    sim.reconnect();
    assert_eq!(letter(&sim), 'b', "the last good one");
}

#[test]
fn the_snapshot_names_the_one_in_use_without_its_query() {
    let urls = ["ws://a/x?ticket=hunter2", "ws://b/y"].map(str::to_owned);
    let mut sim = Sim::with_endpoints(Sim::exact(), EndpointSource::Known(urls.into()), 1);
    assert_eq!(url(&sim), "ws://a/x");
    sim.connect();
    sim.fail_dial(DialFailure::Upgrade(UpgradeFailure::Closed));
    assert_eq!(url(&sim), "ws://b/y");
    let error = sim.session().snapshot().error.expect("the failure of the first");
    assert!(error.message.contains("ws://a/x") && !error.message.contains("hunter2"), "{}", error.message);
    accept(&mut sim);
    assert_eq!((url(&sim), error_code(&sim)), ("ws://b/y".to_owned(), None));
}

#[test]
fn close_drops_the_dial_and_the_rest_of_the_round() {
    let mut sim = dialing("ab", defaults);
    sim.close();
    assert_eq!((sim.state(), asked(&sim)), ("closed", vec!["dial 1".to_owned(), "drop 1".to_owned()]));
    sim.advance(60_000);
    assert_eq!(sim.connection().0, 1);
}
