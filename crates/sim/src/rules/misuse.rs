//! Inputs at the wrong time, or about a connection that is over, change nothing.

use super::*;
use mcp_protocol::{
    Answer, ConnectionId, DialFailure, Ending, Interest, LogLevel, Secret, Session, State, UpgradeFailure, Via,
};

type Input = fn(&mut Session<u32>, mcp_protocol::Now, ConnectionId);

const INPUTS: [(&str, Input); 13] = [
    ("open", |session, now, connection| session.handle_open(now, connection)),
    ("dial failed", |session, now, connection| session.handle_dial_failed(now, connection, answered_with(404))),
    ("refused", |session, now, connection| session.handle_dial_failed(now, connection, answered_with(401))),
    ("closed", |session, now, connection| session.handle_closed(now, connection, Ending::abnormal("late"))),
    ("bytes", |session, now, connection| session.handle_bytes(now, connection)),
    ("writing", |session, _, connection| session.handle_writing(connection, 7)),
    ("written", |session, _, connection| session.handle_written(connection, 7)),
    ("paused", |session, now, connection| session.handle_paused(now, connection, true)),
    ("read again", |session, now, connection| session.handle_paused(now, connection, false)),
    ("token", |session, now, connection| session.handle_token(now, connection, Ok(Secret::new("late").into()))),
    ("via", |session, now, connection| session.handle_via(now, connection, Via::Direct)),
    ("no token", |session, now, connection| session.handle_token(now, connection, Err("late".into()))),
    ("message", |session, now, connection| session.handle_message(now, connection, ACCEPTED.into())),
];

fn answered_with(status: u16) -> DialFailure {
    DialFailure::Upgrade(UpgradeFailure::Status { answer: Answer::of(status) })
}

/// A client in the state of that name; its newest connection is the second.
fn in_state(name: &str) -> Sim {
    let mut sim = client(defaults);
    if name != "idle" {
        sim.connect();
        sim.reconnect();
    }
    match name {
        "idle" | "connecting" => {}
        "reconnecting" => sim.refuse(503),
        "failed" => sim.refuse(404),
        _ => sim.open(),
    }
    match name {
        "ready" | "closing" | "closed" => sim.server_says(ACCEPTED),
        "unauthorized" => sim.server_says(REFUSED),
        _ => {}
    }
    if matches!(name, "closing" | "closed") {
        sim.close();
    }
    if name == "closed" {
        sim.server_closes(1000, "");
    }
    assert_eq!(sim.state(), name);
    sim.forget();
    sim
}

fn expect_no_change(sim: &mut Sim, what: &str, act: impl FnOnce(&mut Sim)) {
    let before = (sim.session().snapshot(), sim.session().stats(), sim.session().buffered_amount(), sim.next_wake_up());
    act(sim);
    let after = (sim.session().snapshot(), sim.session().stats(), sim.session().buffered_amount(), sim.next_wake_up());
    assert_eq!(before, after, "{what}");
    assert!(sim.outputs().is_empty(), "{what}: {:?}", sim.outputs());
}

#[test]
fn news_of_a_connection_that_was_given_up_is_passed_over_in_every_state() {
    for state in State::NAMES {
        let mut sim = in_state(state);
        for (name, input) in INPUTS {
            for connection in [ConnectionId(1), ConnectionId(0), ConnectionId(77)] {
                expect_no_change(&mut sim, &format!("{name} of {connection:?} in {state}"), |sim| {
                    sim.input(|session, now| input(session, now, connection));
                });
            }
        }
    }
}

#[test]
fn news_that_no_open_socket_can_have_is_passed_over_where_there_is_none() {
    for state in ["connecting", "reconnecting", "closed", "failed"] {
        let mut sim = in_state(state);
        for (name, input) in INPUTS {
            let is_due = state == "connecting" && matches!(name, "open" | "dial failed" | "refused");
            if !is_due {
                expect_no_change(&mut sim, &format!("{name} in {state}"), |sim| {
                    sim.input(|session, now| input(session, now, ConnectionId(2)));
                });
            }
        }
    }
}

#[test]
fn news_of_a_dial_that_is_over_is_passed_over_on_an_open_socket() {
    for state in ["authenticating", "ready", "unauthorized", "closing"] {
        let mut sim = in_state(state);
        for (name, input) in INPUTS {
            if matches!(name, "open" | "dial failed" | "refused" | "token" | "no token" | "read again") {
                expect_no_change(&mut sim, &format!("{name} in {state}"), |sim| {
                    sim.input(|session, now| input(session, now, ConnectionId(2)));
                });
            }
        }
    }
}

#[test]
fn waking_up_early_or_for_nothing_changes_nothing() {
    for state in State::NAMES {
        let mut sim = in_state(state);
        expect_no_change(&mut sim, state, |sim| {
            sim.wake_up();
            sim.wake_up();
        });
    }
}

#[test]
fn news_of_more_texts_written_than_were_handed_out_vouches_for_no_later_one() {
    let inputs: [fn(&mut Session<u32>, ConnectionId); 2] = [
        |session, connection| session.handle_writing(connection, 1000),
        |session, connection| session.handle_written(connection, 1000),
    ];
    for input in inputs {
        let mut sim = ready(defaults);
        let connection = sim.connection();
        sim.input(|session, _| input(session, connection));
        sim.hold_writes(true);
        let call = sim.tool("echo");
        sim.drop_connection();
        assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1), "it never left");
    }
}

#[test]
fn an_abort_of_what_never_was_gives_nothing_back() {
    let mut sim = ready(defaults);
    sim.tool("echo");
    let unknown = mcp_protocol::RequestKey(12_345);
    assert_eq!(sim.input(|session, now| session.abort(now, unknown)), None);
    let id = sim.send_tool_request("echo").expect("connected");
    assert_eq!(sim.input(|session, now| session.abort(now, id.key)), None);
    assert_eq!((sim.session().stats().pending, sim.session().stats().failed), (1, 0));
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let zero = mcp_protocol::Now::default();
    sim.input(|session, _| session.handle_timeout(zero));
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
    assert_eq!(sim.state(), "ready");
}

#[test]
fn the_fault_of_the_clients_own_code_ends_it_in_every_state() {
    for state in State::NAMES {
        let mut sim = in_state(state);
        sim.tool("echo");
        sim.connect();
        sim.break_down();
        assert_eq!((sim.state(), error_code(&sim)), ("failed", Some("INTERNAL_ERROR")), "from {state}");
        assert_eq!(sim.unsettled(), Vec::<u32>::new(), "from {state}");
    }
}

#[test]
fn a_log_line_of_somebody_elses_is_told_to_those_who_listen() {
    let mut sim = client(defaults);
    sim.input(|session, _| session.note(LogLevel::Warn, "unheard"));
    sim.input(|session, _| session.set_interest(Interest::ALL));
    sim.input(|session, _| session.note(LogLevel::Warn, "heard"));
    assert_eq!(logged(&sim), ["log heard"]);
}
