//! The contract's order: the snapshot changes, then `state`, then the event with its own name, then promises settle.

use super::*;
use mcp_protocol::Snapshot;

fn snapshots(sim: &Sim) -> Vec<Snapshot> {
    let snapshot = |what: &What| match what {
        What::Event(Event::Notice(Notice::State { snapshot, .. })) => Some(snapshot.clone()),
        _ => None,
    };
    sim.outputs().iter().filter_map(|record| snapshot(&record.what)).collect()
}

#[test]
fn nothing_is_told_before_the_first_command() {
    let mut sim = client(defaults);
    sim.advance(1_000_000);
    assert!(sim.outputs().is_empty());
}

#[test]
fn a_connection_that_succeeds() {
    let mut sim = client(defaults);
    sim.connect();
    sim.tool("echo");
    assert_eq!(told(&sim), ["state connecting"], "visible when the command returns");
    sim.open();
    sim.server_says(ACCEPTED);
    sim.server_answers(2, "1");
    let expected = [
        "state connecting",
        "state authenticating",
        "open",
        "state ready",
        "authenticated",
        "message",
        "1 done",
        "message",
        "2 results",
    ];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_refused_token() {
    let mut sim = client(defaults);
    sim.connect();
    sim.tool("echo");
    sim.open();
    sim.forget();
    sim.server_says(REFUSED);
    let expected = ["state unauthorized", "error AUTH_FAILED", "message", "2 AUTH_FAILED", "1 AUTH_FAILED"];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_refusal_at_the_door() {
    let mut sim = client(defaults);
    sim.connect();
    sim.tool("echo");
    sim.forget();
    sim.refuse(401);
    assert_eq!(told(&sim), ["state unauthorized", "error AUTH_FAILED", "2 AUTH_FAILED", "1 AUTH_FAILED"]);
}

#[test]
fn a_lost_connection() {
    let mut sim = ready(defaults);
    sim.tool("lost");
    sim.idempotent_tool("kept");
    sim.drop_connection();
    let expected =
        ["state reconnecting", "close 1006", "error CONNECTION_LOST", "reconnecting 1 in 1000", "2 CONNECTION_LOST"];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_lost_connection_that_is_the_end() {
    let mut sim = ready(attempts(0));
    sim.tool("lost");
    sim.idempotent_tool("not kept");
    sim.reconnect();
    sim.open();
    sim.server_says(ACCEPTED);
    sim.tool("lost");
    sim.forget();
    sim.server_closes(1001, "");
    let expected = [
        "state failed",
        "close 1001",
        "error CONNECTION_LOST",
        "failed CONNECTION_LOST",
        "5 CONNECTION_LOST",
        "3 CONNECTION_LOST",
    ];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_failed_dial() {
    let mut sim = connecting(attempts(1));
    sim.tool("echo");
    sim.forget();
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    let expected = [
        "state reconnecting",
        "error CONNECT_FAILED",
        "reconnecting 1 in 1000",
        "state connecting",
        "state failed",
        "error RECONNECT_EXHAUSTED",
        "failed RECONNECT_EXHAUSTED",
        "2 RECONNECT_EXHAUSTED",
        "1 RECONNECT_EXHAUSTED",
    ];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_failure_that_no_retry_mends() {
    let mut sim = connecting(defaults);
    sim.forget();
    sim.fail_dial(bad_certificate());
    assert_eq!(told(&sim), ["state failed", "error CONNECT_FAILED", "failed CONNECT_FAILED", "1 CONNECT_FAILED"]);
}

#[test]
fn a_servers_1000() {
    let mut sim = authenticating(defaults);
    sim.tool("echo");
    sim.forget();
    sim.server_closes(1000, "done");
    let expected = ["state closed", "close 1000", "error CONNECTION_LOST", "2 CONNECTION_LOST", "1 CONNECTION_LOST"];
    assert_eq!(told(&sim), expected);
}

#[test]
fn a_close() {
    let mut sim = ready(defaults);
    sim.tool("echo");
    sim.close();
    assert_eq!(told(&sim), ["state closing", "2 CLOSED"]);
    sim.forget();
    sim.server_closes(1000, "bye");
    assert_eq!(told(&sim), ["state closed", "close 1000", "3 done"]);
}

#[test]
fn a_close_on_the_way() {
    let mut sim = client(defaults);
    sim.connect();
    sim.tool("echo");
    sim.forget();
    sim.close();
    assert_eq!(told(&sim), ["state closed", "2 CLOSED", "1 CLOSED", "3 done"]);
}

#[test]
fn a_reconnect() {
    let mut sim = ready(defaults);
    sim.tool("echo");
    sim.reconnect();
    assert_eq!(told(&sim), ["state connecting", "close 1006", "2 CONNECTION_LOST"]);
    assert_eq!(asked(&sim), ["drop 1 with 1000", "dial 2"]);
}

#[test]
fn a_reauthentication() {
    let mut sim = ready(defaults);
    sim.authenticate(None);
    sim.server_says(ACCEPTED);
    assert_eq!(told(&sim), ["authenticated", "message", "2 done"]);
}

#[test]
fn a_tool_error_comes_after_its_message() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"id":"{id}","error":"no"}}"#));
    assert_eq!(told(&sim), ["message", "2 TOOL_ERROR"]);
}

#[test]
fn the_fault_of_the_clients_own_code() {
    let mut sim = ready(defaults);
    sim.tool("echo");
    sim.close_draining(1_000);
    sim.forget();
    sim.break_down();
    assert_eq!(told(&sim)[..4], ["state failed", "close 1006", "error INTERNAL_ERROR", "failed INTERNAL_ERROR"]);
    assert_eq!((sim.state(), asked(&sim), sim.unsettled()), ("failed", vec!["drop 1".to_owned()], vec![]));
}

#[test]
fn what_was_queued_is_sent_only_after_all_that() {
    let mut sim = connecting(defaults);
    sim.tool("echo");
    sim.open();
    sim.forget();
    sim.hold_writes(true);
    sim.server_says(ACCEPTED);
    assert_eq!(sim.session().stats().pending, 1);
    assert_eq!(told(&sim), ["state ready", "authenticated", "message", "1 done"]);
}

#[test]
fn each_state_event_carries_the_picture_of_its_moment() {
    let mut sim = client(defaults);
    sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    sim.drop_connection();
    sim.advance(1_000);
    let pictures = snapshots(&sim);
    let seen: Vec<String> = pictures.iter().map(in_short).collect();
    let expected = [
        "connecting",
        "authenticating connected",
        "ready connected authenticated",
        "reconnecting, attempt 1 in 1000 ms, CONNECTION_LOST",
        "connecting, attempt 1, CONNECTION_LOST",
    ];
    assert_eq!(seen, expected);
    assert!(pictures.iter().all(|snapshot| snapshot.url == "ws://sim/mcp-ws"));
}

fn in_short(snapshot: &Snapshot) -> String {
    let mut line = snapshot.state.to_owned();
    if snapshot.connected {
        line += " connected";
    }
    if snapshot.authenticated {
        line += " authenticated";
    }
    if snapshot.attempt > 0 {
        line += &format!(", attempt {}", snapshot.attempt);
    }
    if let Some(delay) = snapshot.retry_delay {
        line += &format!(" in {} ms", delay.as_millis());
    }
    if let Some(error) = &snapshot.error {
        line += &format!(", {}", error.code);
    }
    line
}
