//! Rule 7: `close()` ends it, and nothing comes after.

use super::*;
use mcp_protocol::{CloseInfo, Ending};

const NEVER: u64 = 10_000_000;

fn close_info(sim: &Sim) -> Option<CloseInfo> {
    sim.outputs().iter().find_map(|record| match &record.what {
        What::Event(Event::Notice(Notice::Close { info })) => Some(info.clone()),
        _ => None,
    })
}

/// A client that waits for one call before it closes.
fn draining(millis: u64) -> (Sim, u32, u32) {
    let mut sim = ready(defaults);
    let call = sim.tool("slow");
    sim.forget();
    let close = sim.close_draining(millis);
    assert_eq!((sim.state(), asked(&sim)), ("closing", vec![]));
    (sim, call, close)
}

#[test]
fn close_never_triggers_a_reconnect() {
    for ending in [1000, 1001, 1006, 1008, 1011, 1012] {
        let mut sim = ready(defaults);
        let close = sim.close();
        assert_eq!((sim.state(), asked(&sim)), ("closing", vec!["close 1 with 1000 bye".to_owned()]));
        sim.server_closes(ending, "");
        assert!(is_done(&sim, close));
        sim.advance(NEVER);
        assert_eq!((sim.state(), sim.connection().0), ("closed", 1), "{ending}");
        assert!(close_info(&sim).is_some_and(|info| info.code == ending && !info.will_reconnect));
    }
}

#[test]
fn a_clean_close_leaves_no_error() {
    let mut sim = ready(defaults);
    sim.close();
    sim.server_closes(1000, "bye");
    assert_eq!(error_code(&sim), None);
    assert!(close_info(&sim).is_some_and(|info| info.was_clean && info.reason == "bye"));
}

#[test]
fn the_closing_handshake_is_given_two_seconds() {
    let mut sim = ready(defaults);
    let close = sim.close();
    sim.forget();
    sim.advance(1_999);
    assert_eq!((sim.state(), sim.outcome(close)), ("closing", None));
    sim.advance(1);
    assert_eq!((sim.state(), asked(&sim)), ("closed", vec!["drop 1".to_owned()]));
    assert!(is_done(&sim, close));
    assert!(close_info(&sim).is_some_and(|info| info.code == 1006 && !info.was_clean));
}

#[test]
fn a_server_that_goes_on_talking_does_not_put_it_off() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.close();
    sim.forget();
    for _ in 0..20 {
        sim.server_says(PONG);
        sim.server_answers(call, "1");
        sim.server_says(REFUSED);
        sim.server_says("not JSON");
        let connection = sim.connection();
        sim.input(|session, now| session.handle_binary(now, connection, 3));
        sim.advance(100);
    }
    assert_eq!(told(&sim), ["state closed", "close 1006", "3 done"], "after our close frame nothing is heard");
}

#[test]
fn without_a_socket_no_close_event_comes() {
    let reconnecting = {
        let mut sim = ready(defaults);
        sim.drop_connection();
        sim
    };
    let at_the_door = {
        let mut sim = connecting(defaults);
        sim.refuse(403);
        sim
    };
    for mut sim in [client(defaults), connecting(defaults), reconnecting, at_the_door] {
        sim.forget();
        let before = sim.state();
        let close = sim.close();
        assert!(is_done(&sim, close));
        assert_eq!((sim.state(), close_info(&sim)), ("closed", None), "{before}");
        sim.advance(NEVER);
        assert_eq!(sim.state(), "closed");
    }
}

#[test]
fn a_dial_under_way_is_abandoned() {
    let mut sim = client(defaults);
    let connect = sim.connect();
    sim.close();
    assert_eq!(asked(&sim), ["dial 1", "drop 1"]);
    assert_eq!(failure(&sim, connect).0, "CLOSED");
    sim.open();
    assert_eq!(sim.state(), "closed");
}

#[test]
fn connect_rejects_when_close_comes_first() {
    let mut sim = client(defaults);
    let connect = sim.connect();
    sim.open();
    sim.close();
    assert_eq!((sim.state(), failure(&sim, connect).0), ("closing", "CLOSED"));
}

#[test]
fn closing_twice_closes_once_and_settles_both() {
    let mut sim = ready(defaults);
    let first = sim.close();
    let second = sim.close();
    assert_eq!(asked(&sim).len(), 1);
    sim.server_closes(1000, "");
    assert!(is_done(&sim, first) && is_done(&sim, second));
    let third = sim.close();
    assert!(is_done(&sim, third));
    assert_eq!(told(&sim).iter().filter(|line| line.starts_with("state")).count(), 2);
}

#[test]
fn close_after_failed_is_done_at_once_and_stays_failed() {
    let mut sim = connecting(attempts(0));
    sim.refuse(503);
    let close = sim.close();
    assert!(is_done(&sim, close));
    assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("CONNECT_FAILED")));
}

#[test]
fn drain_awaits_the_calls_in_flight_and_then_closes_at_once() {
    let (mut sim, call, close) = draining(60_000);
    sim.advance(1_000);
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
    assert_eq!((asked(&sim), sim.outcome(close)), (vec!["close 1 with 1000 bye".to_owned()], None));
    sim.server_closes(1000, "bye");
    assert!(is_done(&sim, close));
}

#[test]
fn when_drain_is_over_calls_are_rejected_with_closed() {
    let (mut sim, call, _) = draining(5_000);
    sim.advance(4_999);
    assert_eq!(sim.outcome(call), None);
    sim.advance(1);
    assert_eq!(failure(&sim, call), ("CLOSED", Some(true)));
    assert_eq!(asked(&sim), ["close 1 with 1000 bye"]);
    sim.advance(2_000);
    assert_eq!(sim.state(), "closed");
}

#[test]
fn drain_ends_with_the_last_call_however_that_ends() {
    let (mut sim, call, _) = draining(60_000);
    assert!(sim.abort(call));
    assert_eq!(asked(&sim).len(), 1, "aborted");

    let (mut sim, call, _) = draining(60_000);
    sim.advance(15_000);
    sim.server_says(PONG);
    sim.advance(15_000);
    assert_eq!((failure(&sim, call).0, asked(&sim).len()), ("REQUEST_TIMEOUT", 1), "timed out");

    let (mut sim, call, _) = draining(60_000);
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"id":"{id}","results":nonsense}}"#));
    assert_eq!((failure(&sim, call).0, asked(&sim).len()), ("BAD_MESSAGE", 1), "not JSON");

    let (mut sim, call, _) = draining(60_000);
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"id":"{id}","error":"no"}}"#));
    assert_eq!((failure(&sim, call).0, asked(&sim).len()), ("TOOL_ERROR", 1), "failed");
}

#[test]
fn with_nothing_in_flight_there_is_nothing_to_drain() {
    let mut sim = ready(defaults);
    sim.send_tool_request("whose answer nobody awaits");
    sim.close_draining(60_000);
    assert_eq!(asked(&sim), ["close 1 with 1000 bye"]);
}

#[test]
fn what_is_queued_is_not_awaited() {
    let mut sim = authenticating(defaults);
    let call = sim.tool("echo");
    sim.forget();
    sim.close_draining(60_000);
    assert_eq!(failure(&sim, call), ("CLOSED", Some(false)));
    assert_eq!(asked(&sim), ["close 1 with 1000 bye"]);
}

#[test]
fn a_second_close_may_shorten_the_drain_but_not_lengthen_it() {
    let (mut sim, call, _) = draining(60_000);
    sim.close();
    assert_eq!((failure(&sim, call).0, asked(&sim).len()), ("CLOSED", 1));

    let (mut sim, call, _) = draining(5_000);
    sim.close_draining(60_000);
    sim.advance(5_000);
    assert_eq!(failure(&sim, call).0, "CLOSED");
}

#[test]
fn when_the_connection_drops_while_draining_its_calls_are_lost_and_nothing_reconnects() {
    let mut sim = ready(defaults);
    let plain = sim.tool("plain");
    let idempotent = sim.idempotent_tool("idempotent");
    sim.hold_writes(true);
    let unwritten = sim.tool("unwritten");
    let close = sim.close_draining(60_000);
    sim.drop_connection();
    assert_eq!(failure(&sim, plain), ("CONNECTION_LOST", Some(true)));
    assert_eq!(failure(&sim, idempotent), ("CONNECTION_LOST", Some(true)));
    assert_eq!(failure(&sim, unwritten), ("CONNECTION_LOST", Some(false)));
    assert!(is_done(&sim, close));
    sim.advance(NEVER);
    assert_eq!((sim.state(), sim.connection().0), ("closed", 1));
}

#[test]
fn an_auth_answer_while_draining_changes_nothing() {
    for answer in [ACCEPTED, REFUSED] {
        let (mut sim, call, _) = draining(60_000);
        sim.server_says(answer);
        assert_eq!((sim.state(), sim.outcome(call)), ("closing", None));
        assert_eq!(told(&sim), ["state closing", "message"]);
    }
}

#[test]
fn connect_while_closing_dials_at_once_and_settles_the_close() {
    let mut sim = ready(defaults);
    let close = sim.close();
    sim.forget();
    let connect = sim.connect();
    assert!(is_done(&sim, close));
    assert_eq!(told(&sim), ["state closed", "close 1006", "2 done", "state connecting"]);
    assert_eq!(asked(&sim), ["drop 1 with 1000", "dial 2"]);
    sim.input(|session, now| session.handle_closed(now, mcp_protocol::ConnectionId(1), Ending::abnormal("late")));
    assert_eq!(sim.state(), "connecting", "news of the old socket is passed over");
    sim.open();
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, connect));
}

#[test]
fn connect_or_reconnect_while_draining_rejects_its_calls_with_closed() {
    for act in [Sim::connect, Sim::reconnect] {
        let mut sim = ready(defaults);
        let plain = sim.tool("plain");
        let idempotent = sim.idempotent_tool("idempotent");
        sim.hold_writes(true);
        let unwritten = sim.tool("unwritten");
        sim.close_draining(60_000);
        act(&mut sim);
        assert_eq!(failure(&sim, plain), ("CLOSED", Some(true)));
        assert_eq!(failure(&sim, idempotent), ("CLOSED", Some(true)));
        assert_eq!(failure(&sim, unwritten), ("CLOSED", Some(false)));
        assert_eq!((sim.state(), sim.connection().0), ("connecting", 2));
    }
}

#[test]
fn after_close_the_client_can_connect_again() {
    let mut sim = ready(defaults);
    sim.close();
    sim.server_closes(1000, "");
    let connect = sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    assert!(is_done(&sim, connect));
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn a_drain_longer_than_time_itself_is_no_trouble() {
    let mut sim = ready(defaults);
    let call = sim.tool("slow");
    let forever = std::time::Duration::MAX;
    sim.input(|session, now| session.close(now, 1000, "", forever, 1_000));
    sim.server_answers(call, "1");
    assert_eq!(asked(&sim), ["close 1 with 1000 "]);
}
