//! Rule 3: `sent: false` is a guarantee that the request never left; `true` means that it may have run.

use super::*;
use mcp_protocol::Ending;

#[test]
fn a_request_handed_out_but_not_written_when_the_connection_drops_never_left_and_is_sent_on_the_next() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let written = sim.tool("written");
    let waiting = sim.tool("waiting");
    sim.write(1);
    sim.drop_connection();
    assert_eq!(failure(&sim, written), ("CONNECTION_LOST", Some(true)));
    assert_eq!(sim.outcome(waiting), None);
    assert_eq!(sim.session().stats().queued, 1);
    sim.hold_writes(false);
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["written", "waiting"]);
    sim.server_answers(waiting, "1");
    assert!(results(&sim, waiting).is_some());
}

#[test]
fn a_request_that_was_not_even_polled_when_the_connection_drops_is_sent_on_the_next_alone() {
    let losses: [fn(&mut Sim); 3] =
        [Sim::drop_connection, |sim| sim.server_closes(1012, ""), |sim| _ = sim.reconnect()];
    for lose in losses {
        let mut sim = ready(defaults);
        sim.leave_texts(true);
        let call = sim.tool("left");
        lose(&mut sim);
        sim.leave_texts(false);
        assert_eq!(tools_sent(&sim), [""; 0]);
        if sim.state() == "reconnecting" {
            wait_for_the_dial(&mut sim);
        }
        sim.open();
        sim.server_says(ACCEPTED);
        assert_eq!((tools_sent(&sim), sim.outcome(call)), (vec!["left".to_owned()], None));
        assert_eq!(sim.session().stats().messages_sent, 3, "two keys and a call");
    }
}

#[test]
fn a_request_that_was_not_polled_when_the_client_is_closed_leaves_before_the_close_frame() {
    let mut sim = ready(defaults);
    sim.leave_texts(true);
    let call = sim.tool("left");
    sim.close();
    assert_eq!((tools_sent(&sim), failure(&sim, call)), (vec!["left".to_owned()], ("CLOSED", Some(true))));
}

#[test]
fn the_order_of_the_calls_is_kept_for_those_too() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    for name in ["a", "b", "c"] {
        sim.tool(name);
    }
    sim.drop_connection();
    sim.tool("d");
    sim.hold_writes(false);
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["a", "b", "c", "d"]);
}

#[test]
fn if_there_is_no_next_connection_they_say_that_they_never_left() {
    let mut sim = ready(attempts(0));
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.drop_connection();
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(false)));

    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.server_closes(1000, "");
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(false)));

    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.drop_connection();
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(false)));
}

#[test]
fn a_loss_by_reconnect_or_heartbeat_is_no_different() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.reconnect();
    assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1));

    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.advance(25_000);
    assert_eq!((sim.state(), sim.outcome(call), sim.session().stats().queued), ("reconnecting", None, 1));
}

#[test]
fn an_idempotent_one_that_had_not_left_has_its_two_resends_before_it() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.idempotent_tool("search");
    sim.drop_connection();
    sim.hold_writes(false);
    for _ in 0..3 {
        come_back(&mut sim);
        sim.drop_connection();
    }
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    assert_eq!(tools_sent(&sim), ["search"; 3]);
}

#[test]
fn a_timeout_says_sent_while_the_text_may_still_be_written() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.advance(30_000);
    assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(true)));
    sim.write(1);
    assert_eq!(tools_sent(&sim), ["echo"], "for so it goes");
}

#[test]
fn close_says_sent_of_what_goes_out_before_the_close_frame() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(true)));
    sim.write(1);
    assert_eq!(tools_sent(&sim), ["echo"], "the close frame comes after all that was handed out");
}

#[test]
fn an_idempotent_request_that_left_once_says_so_wherever_it_ends() {
    let waiting_to_be_sent_again = |adjust: fn(&mut Config)| {
        let mut sim = ready(adjust);
        let call = sim.idempotent_tool("search");
        sim.drop_connection();
        (sim, call)
    };
    let (mut sim, call) = waiting_to_be_sent_again(defaults);
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(true)));

    let (mut sim, call) = waiting_to_be_sent_again(|config| config.reconnect_factor = 1000.0);
    sim.advance(500);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    sim.advance(30_000);
    assert_eq!(failure(&sim, call), ("REQUEST_TIMEOUT", Some(true)));

    let (mut sim, call) = waiting_to_be_sent_again(|config| config.max_reconnect_attempts = MaxAttempts::Limited(1));
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    assert_eq!(failure(&sim, call), ("RECONNECT_EXHAUSTED", Some(true)));

    let (mut sim, call) = waiting_to_be_sent_again(defaults);
    wait_for_the_dial(&mut sim);
    sim.refuse(401);
    assert_eq!(failure(&sim, call), ("AUTH_FAILED", Some(true)));

    let (mut sim, call) = waiting_to_be_sent_again(defaults);
    sim.hold_writes(true);
    come_back_unwritten(&mut sim);
    sim.server_closes(1000, "");
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
}

#[test]
fn an_idempotent_request_in_flight_says_so_when_a_servers_1000_ends_it() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    sim.server_closes(1000, "");
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
}

#[test]
fn what_had_not_left_when_a_message_was_too_large_is_sent_on_the_next_connection() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.idempotent_tool("search");
    sim.end(Ending { code: 1009, reason: "too big".into(), clean: false, too_large: true });
    assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1));
}

#[test]
fn an_aborted_call_that_was_not_written_is_not_sent_on_the_next_connection() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    assert!(sim.abort(call));
    sim.drop_connection();
    sim.hold_writes(false);
    come_back(&mut sim);
    assert!(tools_sent(&sim).is_empty());
}

#[test]
fn a_refused_call_never_left() {
    let mut sim = client(defaults);
    let call = sim.tool("echo");
    assert_eq!(failure(&sim, call), ("NOT_CONNECTED", Some(false)));
}

#[test]
fn a_tool_error_has_no_need_of_it() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"id":"{id}","error":"no"}}"#));
    assert_eq!(failure(&sim, call), ("TOOL_ERROR", None));
}

/// Like `come_back`, while nothing is written: the auth answer comes all the same.
fn come_back_unwritten(sim: &mut Sim) {
    come_back(sim);
    assert_eq!(sim.session().stats().pending, 1);
}

#[test]
fn a_request_that_a_writer_was_at_when_the_connection_ended_may_have_left() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let at_the_writer = sim.tool("leaving");
    let behind = sim.tool("behind");
    let connection = sim.connection();
    sim.input(|session, _| session.handle_writing(connection, 1));
    sim.drop_connection();
    assert_eq!(failure(&sim, at_the_writer), ("CONNECTION_LOST", Some(true)));
    assert_eq!(sim.outcome(behind), None);
    sim.hold_writes(false);
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["behind"]);
}

#[test]
fn what_a_writer_gave_back_unwritten_never_left() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    let call = sim.tool("echo");
    let connection = sim.connection();
    sim.input(|session, _| session.handle_writing(connection, 1));
    sim.input(|session, _| session.handle_written(connection, 0));
    sim.drop_connection();
    assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1));
}
