//! The bounds of the contract: `maxPending`, `offlineQueueLimit`, `maxBufferedAmount`.

use super::*;
use mcp_protocol::{Call, Footprint};

/// So many bytes of parameters.
fn call_of(sim: &mut Sim, bytes: usize) -> u32 {
    let parameters = format!("\"{}\"", "x".repeat(bytes - 2));
    let call = Call { parameters: Some(&parameters), ..sim.usual_call("echo") };
    sim.call(call)
}

#[test]
fn one_request_more_than_max_pending_is_rejected_with_queue_full() {
    let mut sim = ready(|config| config.max_pending = 2);
    let first = sim.tool("echo");
    let second = sim.tool("echo");
    let third = sim.tool("echo");
    assert_eq!(failure(&sim, third), ("QUEUE_FULL", Some(false)));
    assert!(message(&sim, third).contains("maxPending"), "{}", message(&sim, third));
    assert_eq!((sim.outcome(first), sim.outcome(second)), (None, None));
    sim.server_answers(first, "1");
    let fourth = sim.tool("echo");
    assert_eq!(sim.outcome(fourth), None);
}

#[test]
fn max_pending_counts_queued_requests_and_not_those_of_send_tool_request() {
    let mut sim = connecting(|config| config.max_pending = 2);
    sim.tool("echo");
    sim.tool("echo");
    let third = sim.tool("echo");
    assert_eq!(failure(&sim, third).0, "QUEUE_FULL");

    let mut sim = ready(|config| config.max_pending = 1);
    assert!(sim.send_tool_request("echo").is_some() && sim.send_tool_request("echo").is_some());
    let call = sim.tool("echo");
    assert_eq!(sim.outcome(call), None);
}

#[test]
fn a_place_is_free_again_however_a_request_ends() {
    let mut sim = ready(|config| {
        config.max_pending = 1;
        config.heartbeat_interval = None;
    });
    let aborted = sim.tool("a");
    sim.abort(aborted);
    let timed_out = sim.tool("b");
    sim.advance(30_000);
    let lost = sim.tool("c");
    sim.drop_connection();
    let queued = sim.tool("d");
    assert_eq!((failure(&sim, timed_out).0, failure(&sim, lost).0), ("REQUEST_TIMEOUT", "CONNECTION_LOST"));
    assert_eq!(sim.outcome(queued), None);
}

#[test]
fn one_request_more_than_offline_queue_limit_is_rejected_with_queue_full() {
    let reconnecting = {
        let mut sim = ready(|config| config.offline_queue_limit = 2);
        sim.drop_connection();
        sim
    };
    let limit = |config: &mut Config| config.offline_queue_limit = 2;
    for mut sim in [connecting(limit), authenticating(limit), reconnecting] {
        sim.tool("echo");
        let second = sim.tool("echo");
        let third = sim.tool("echo");
        assert_eq!(failure(&sim, third), ("QUEUE_FULL", Some(false)), "{}", sim.state());
        assert!(message(&sim, third).contains("offlineQueueLimit"));
        sim.abort(second);
        let fourth = sim.tool("echo");
        assert_eq!(sim.outcome(fourth), None);
    }
}

#[test]
fn offline_queue_limit_does_not_matter_in_ready() {
    let mut sim = ready(|config| config.offline_queue_limit = 1);
    for _ in 0..10 {
        let call = sim.tool("echo");
        assert_eq!(sim.outcome(call), None);
    }
}

#[test]
fn a_limit_of_zero_rejects_at_once_as_the_guides_hook_does() {
    let none = |config: &mut Config| config.offline_queue_limit = 0;
    let reconnecting = {
        let mut sim = ready(none);
        sim.drop_connection();
        sim
    };
    for mut sim in [connecting(none), authenticating(none), reconnecting] {
        let call = sim.tool("echo");
        assert_eq!(failure(&sim, call), ("NOT_CONNECTED", Some(false)), "{}", sim.state());
        assert_eq!(message(&sim, call), "WebSocket not connected or not authenticated");
    }
    let mut sim = ready(none);
    let call = sim.tool("echo");
    assert_eq!(sim.outcome(call), None);
}

#[test]
fn a_limit_of_zero_does_not_lose_what_is_to_be_sent_again() {
    let mut sim = ready(|config| config.offline_queue_limit = 0);
    let idempotent = sim.idempotent_tool("search");
    sim.hold_writes(true);
    let unwritten = sim.tool("echo");
    sim.drop_connection();
    sim.hold_writes(false);
    come_back(&mut sim);
    for call in [idempotent, unwritten] {
        sim.server_answers(call, "1");
        assert!(results(&sim, call).is_some());
    }
}

#[test]
fn bytes_beyond_max_buffered_amount_are_rejected_with_queue_full_until_they_are_written() {
    let mut sim = ready(|config| config.max_buffered_amount = 1000);
    sim.hold_writes(true);
    let first = call_of(&mut sim, 500);
    let second = call_of(&mut sim, 500);
    assert_eq!(sim.outcome(first), None);
    assert_eq!(failure(&sim, second), ("QUEUE_FULL", Some(false)));
    assert!(message(&sim, second).contains("maxBufferedAmount"));
    assert!(sim.session().buffered_amount() > 500);
    sim.write(1);
    assert_eq!(sim.session().buffered_amount(), 0);
    let third = call_of(&mut sim, 500);
    assert_eq!(sim.outcome(third), None);
}

#[test]
fn bytes_that_a_socket_keeps_count_among_those_though_they_were_written() {
    let mut sim = ready(|config| config.max_buffered_amount = 1000);
    let first = call_of(&mut sim, 500);
    assert_eq!(sim.session().buffered_amount(), 0);
    sim.set_backlog(501);
    let second = call_of(&mut sim, 500);
    assert_eq!(failure(&sim, second), ("QUEUE_FULL", Some(false)));
    assert!(!sim.send(&"x".repeat(500)) && sim.send("x"));
    assert_eq!(sim.session().buffered_amount(), 501);
    sim.set_backlog(0);
    let third = call_of(&mut sim, 500);
    assert_eq!((sim.outcome(first), sim.outcome(third)), (None, None));
}

#[test]
fn queued_requests_count_among_those_bytes() {
    let mut sim = connecting(|config| config.max_buffered_amount = 1000);
    let first = call_of(&mut sim, 500);
    let second = call_of(&mut sim, 500);
    assert_eq!(failure(&sim, second).0, "QUEUE_FULL");
    assert!(sim.session().buffered_amount() > 500);
    sim.abort(first);
    assert_eq!(sim.session().buffered_amount(), 0);
}

#[test]
fn send_and_send_tool_request_keep_to_it_too() {
    let mut sim = ready(|config| config.max_buffered_amount = 1000);
    sim.hold_writes(true);
    assert!(sim.send(&"x".repeat(1000)), "exactly so many are allowed");
    assert!(!sim.send("x"));
    assert_eq!(sim.send_tool_request("echo"), None);
    assert_eq!(sim.session().buffered_amount(), 1000);
    sim.write(1);
    assert!(sim.send("x") && sim.send_tool_request("echo").is_some());
    assert!(!sim.send(&"x".repeat(1001)));
}

#[test]
fn one_request_larger_than_max_buffered_amount_is_message_too_large() {
    for mut sim in
        [ready(|config| config.max_buffered_amount = 1000), connecting(|config| config.max_buffered_amount = 1000)]
    {
        let call = call_of(&mut sim, 1000);
        assert_eq!(failure(&sim, call), ("MESSAGE_TOO_LARGE", Some(false)));
        assert!(message(&sim, call).contains("maxBufferedAmount"));
        let call = call_of(&mut sim, 500);
        assert_eq!(sim.outcome(call), None);
    }
}

#[test]
fn what_is_in_flight_costs_no_buffer_though_it_may_be_sent_again() {
    let mut sim = ready(|config| config.max_buffered_amount = 1000);
    for _ in 0..10 {
        let parameters = format!("\"{}\"", "x".repeat(500));
        let call = Call { parameters: Some(&parameters), idempotent: true, ..sim.usual_call("echo") };
        let call = sim.call(call);
        assert_eq!(sim.outcome(call), None);
    }
    assert_eq!(sim.session().buffered_amount(), 0);
}

#[test]
fn the_buffer_is_empty_again_after_a_loss_of_what_was_not_written() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    sim.send("hello");
    let call = sim.tool("echo");
    let text = sim.session().buffered_amount() - 5;
    sim.drop_connection();
    assert_eq!(sim.session().buffered_amount(), text, "what waits for the next connection");
    sim.abort(call);
    assert_eq!(sim.session().buffered_amount(), 0);
}

#[test]
fn a_timeout_longer_than_time_itself_is_no_trouble() {
    let mut sim = ready(defaults);
    let call = Call { timeout: Some(std::time::Duration::MAX), ..sim.usual_call("echo") };
    let call = sim.call(call);
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn a_call_outlives_the_leftovers_of_many_others() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = sim.tool("slow");
    for _ in 0..10_000 {
        let other = sim.tool("fast");
        sim.server_answers(other, "1");
    }
    sim.advance(29_999);
    assert_eq!(sim.outcome(call), None);
    sim.advance(1);
    assert_eq!(failure(&sim, call).0, "REQUEST_TIMEOUT");
}

#[test]
fn a_queued_call_outlives_the_leftovers_of_many_others() {
    let mut sim = connecting(defaults);
    sim.tool("first");
    for _ in 0..10_000 {
        let other = sim.tool("aborted");
        sim.abort(other);
    }
    sim.tool("last");
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["first", "last"]);
}

/// A client with calls, and what aborted calls have left in its queue.
fn with_leftovers(mut sim: Sim) -> Sim {
    for _ in 0..10 {
        let call = sim.tool("echo");
        sim.abort(call);
        sim.tool("echo");
        sim.send_tool_request("echo");
    }
    assert_ne!(sim.session().footprint(), Footprint::default());
    sim
}

#[test]
fn at_rest_nothing_is_left_of_calls_queue_deadlines_and_remembered_ids() {
    type End = fn(&mut Sim);
    let ends: [(&str, End); 4] = [
        ("closed", |sim| {
            sim.close();
        }),
        ("closed", |sim| {
            sim.close_draining(5_000);
            sim.advance(7_000);
        }),
        ("failed", Sim::break_down),
        ("closed", |sim| {
            if sim.session().snapshot().connected {
                sim.server_closes(1000, "enough");
            } else {
                sim.close();
            }
        }),
    ];
    let lives: [fn() -> Sim; 4] = [
        || connecting(defaults),
        || authenticating(defaults),
        || ready(defaults),
        || {
            let mut sim = ready(defaults);
            sim.drop_connection();
            sim
        },
    ];
    for life in lives {
        for (state, end) in ends {
            let mut sim = with_leftovers(life());
            let from = sim.state();
            end(&mut sim);
            sim.advance(2_000);
            assert_eq!((sim.state(), sim.session().footprint()), (state, Footprint::default()), "from {from}");
        }
    }
}

#[test]
fn where_calls_do_not_wait_the_queue_keeps_no_places() {
    let queue = |sim: &Sim| sim.session().footprint().queue;
    let mut sim = with_leftovers(authenticating(defaults));
    assert_eq!(queue(&sim), 20);
    sim.server_says(ACCEPTED);
    assert_eq!((sim.state(), queue(&sim)), ("ready", 0));
    let mut sim = with_leftovers(authenticating(defaults));
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), queue(&sim)), ("unauthorized", 0));
    let mut sim = with_leftovers(authenticating(defaults));
    sim.close_draining(5_000);
    assert_eq!((sim.state(), queue(&sim)), ("closing", 0));
}
