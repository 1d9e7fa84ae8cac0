//! Rule 3: what becomes of requests when the connection drops, closes or fails.

use super::*;
use mcp_protocol::Call;

#[test]
fn a_request_in_flight_is_settled_at_once_and_says_that_it_was_sent() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.drop_connection();
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    assert_eq!(sim.session().stats().pending, 0);
}

#[test]
fn a_request_that_had_not_left_stays_queued_for_the_next_connection() {
    let mut sim = connecting(defaults);
    let call = sim.tool("echo");
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.open();
    assert!(tools_sent(&sim).is_empty(), "not before ready");
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["echo"]);
    sim.server_answers(call, "42");
    assert_eq!(results(&sim, call).as_deref(), Some("42"));
}

#[test]
fn queued_requests_leave_in_the_order_of_their_calls() {
    let mut sim = connecting(defaults);
    for name in ["a", "b", "c"] {
        sim.tool(name);
    }
    sim.open();
    sim.tool("d");
    sim.server_says(ACCEPTED);
    sim.tool("e");
    assert_eq!(tools_sent(&sim), ["a", "b", "c", "d", "e"]);
}

#[test]
fn the_timeout_of_a_queued_request_runs_from_the_call() {
    let mut sim = connecting(|config| config.max_reconnect_delay = std::time::Duration::from_secs(1));
    let never_sent = sim.tool("a");
    sim.advance(9_000);
    let sent_later = sim.tool("b");
    sim.advance(20_999);
    assert_eq!(sim.outcome(never_sent), None);
    sim.advance(1);
    assert_eq!(failure(&sim, never_sent), ("REQUEST_TIMEOUT", Some(false)));
    sim.reconnect();
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["b"], "the one that timed out is never sent");
    sim.advance(8_999);
    assert_eq!(sim.outcome(sent_later), None);
    sim.advance(1);
    assert_eq!(failure(&sim, sent_later), ("REQUEST_TIMEOUT", Some(true)));
}

#[test]
fn a_request_in_flight_times_out_after_its_own_time_with_the_guides_words() {
    let mut sim = ready(defaults);
    let usual = sim.tool("usual");
    let short = Call { timeout: Some(std::time::Duration::from_millis(5)), ..sim.usual_call("short") };
    let short = sim.call(short);
    sim.advance(5);
    assert_eq!(failure(&sim, short), ("REQUEST_TIMEOUT", Some(true)));
    assert_eq!(message(&sim, short), "Tool request timed out");
    sim.advance(14_994);
    sim.bytes_come();
    sim.server_says(PONG);
    sim.advance(1);
    sim.server_says(PONG);
    sim.advance(14_999);
    assert_eq!(sim.outcome(usual), None);
    sim.advance(1);
    assert_eq!(failure(&sim, usual), ("REQUEST_TIMEOUT", Some(true)));
    assert_eq!((sim.session().stats().timed_out, sim.session().stats().failed), (2, 2));
}

#[test]
fn without_a_timeout_a_request_waits_for_ever() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = Call { timeout: None, ..sim.usual_call("slow") };
    let call = sim.call(call);
    assert_eq!(sim.next_wake_up(), None);
    sim.advance(1_000_000_000);
    sim.server_answers(call, "1");
    assert_eq!(results(&sim, call).as_deref(), Some("1"));
}

#[test]
fn a_request_is_settled_once_though_its_answer_comes_after_the_loss() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.drop_connection();
    come_back(&mut sim);
    sim.server_answers(call, "42");
    assert_eq!(failure(&sim, call).0, "CONNECTION_LOST");
    assert_eq!(sim.session().stats().late_responses, 1);
}

#[test]
fn on_close_requests_get_closed_with_what_is_known_of_them() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(true)));

    let mut sim = connecting(defaults);
    let call = sim.tool("echo");
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(false)));
}

#[test]
fn on_a_servers_1000_requests_get_connection_lost() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.server_closes(1000, "done");
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
}

#[test]
fn on_a_servers_1000_queued_requests_get_connection_lost_and_certainly_never_left() {
    let mut sim = authenticating(defaults);
    let call = sim.tool("echo");
    sim.server_closes(1000, "done");
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(false)));
}

#[test]
fn on_failed_queued_requests_get_its_error() {
    let mut sim = connecting(attempts(1));
    let call = sim.tool("echo");
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(failure(&sim, call), ("RECONNECT_EXHAUSTED", Some(false)));
}

#[test]
fn reconnect_loses_what_is_in_flight_and_keeps_what_is_queued() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.reconnect();
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    let queued = sim.tool("queued");
    sim.reconnect();
    assert_eq!(sim.outcome(queued), None);
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["echo", "queued"]);
}

#[test]
fn an_aborted_call_is_never_settled_and_a_queued_one_never_sent() {
    let mut sim = connecting(defaults);
    let queued = sim.tool("queued");
    assert!(sim.abort(queued));
    assert!(!sim.abort(queued), "only once");
    sim.open();
    sim.server_says(ACCEPTED);
    let in_flight = sim.tool("in flight");
    assert!(sim.abort(in_flight));
    sim.server_answers(in_flight, "1");
    sim.drop_connection();
    assert_eq!((sim.outcome(queued), sim.outcome(in_flight)), (None, None));
    assert_eq!(tools_sent(&sim), ["in flight"]);
    let stats = sim.session().stats();
    assert_eq!((stats.pending, stats.queued, stats.failed, stats.late_responses), (0, 0, 2, 1));
}

#[test]
fn an_answered_call_cannot_be_aborted() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    assert!(!sim.abort(call));
}

#[test]
fn an_aborted_idempotent_call_is_not_sent_again() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("echo");
    sim.drop_connection();
    assert!(sim.abort(call));
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["echo"]);
}
