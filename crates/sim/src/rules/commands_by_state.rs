//! Every command in every state: what the contract says of it, and that its payload is settled once.

use super::*;

/// A client in the state of that name; the dial that brought it there, if any, is the first.
fn in_state(name: &str) -> Sim {
    let mut sim = match name {
        "idle" => client(defaults),
        "connecting" => connecting(defaults),
        "authenticating" => authenticating(defaults),
        "ready" => ready(defaults),
        "unauthorized" => unauthorized(defaults),
        "reconnecting" => {
            let mut sim = ready(defaults);
            sim.drop_connection();
            sim
        }
        "closing" => {
            let mut sim = ready(defaults);
            sim.close();
            sim
        }
        "closed" => {
            let mut sim = ready(defaults);
            sim.close();
            sim.server_closes(1000, "");
            sim
        }
        "failed" => {
            let mut sim = connecting(defaults);
            sim.refuse(404);
            sim
        }
        other => panic!("no state is called {other}"),
    };
    assert_eq!(sim.state(), name);
    sim.forget();
    sim
}

/// How a command or call stands: `waits`, `done`, or the code of its failure.
fn standing(sim: &Sim, payload: u32) -> &'static str {
    match sim.outcome(payload) {
        None => "waits",
        Some(Outcome::Done) => "done",
        Some(Outcome::Results(_)) => "results",
        Some(Outcome::Failed(error)) => error.fault.code(),
    }
}

/// Brings the client to an end: then nobody waits any more.
fn end(mut sim: Sim) {
    sim.close();
    sim.advance(10_000);
    assert!(matches!(sim.state(), "closed" | "failed"));
    assert_eq!(sim.unsettled(), Vec::<u32>::new());
}

/// Brings the client to `ready`, whatever that takes.
fn make_ready(sim: &mut Sim) {
    if sim.state() == "connecting" {
        sim.open();
    }
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

type Row = (&'static str, &'static str, &'static str, &'static [&'static str], usize);

/// Each row: the state before, the state after, how the payload stands, what the driver is asked, how many texts are
/// sent.
fn check(table: [Row; 9], act: impl Fn(&mut Sim) -> u32) {
    for (before, after, stands, asks, texts) in table {
        let mut sim = in_state(before);
        let payload = act(&mut sim);
        assert_eq!((sim.state(), standing(&sim, payload)), (after, stands), "in {before}");
        assert_eq!(
            (asked(&sim), sent(&sim).len()),
            (asks.iter().map(|ask| (*ask).to_owned()).collect(), texts),
            "in {before}"
        );
        if stands == "waits" && matches!(after, "connecting" | "authenticating" | "ready") {
            make_ready(&mut sim);
            assert_eq!(standing(&sim, payload), "done", "from {before} to ready");
        }
        end(sim);
        let mut sim = in_state(before);
        act(&mut sim);
        end(sim);
    }
}

#[test]
fn connect() {
    check(
        [
            ("idle", "connecting", "waits", &["dial 1"], 0),
            ("connecting", "connecting", "waits", &[], 0),
            ("authenticating", "authenticating", "waits", &[], 0),
            ("ready", "ready", "done", &[], 0),
            ("unauthorized", "authenticating", "waits", &[], 1),
            ("reconnecting", "connecting", "waits", &["dial 2"], 0),
            ("closing", "connecting", "waits", &["drop 1 with 1000", "dial 2"], 0),
            ("closed", "connecting", "waits", &["dial 2"], 0),
            ("failed", "connecting", "waits", &["dial 2"], 0),
        ],
        Sim::connect,
    );
}

#[test]
fn reconnect() {
    check(
        [
            ("idle", "connecting", "waits", &["dial 1"], 0),
            ("connecting", "connecting", "waits", &["drop 1", "dial 2"], 0),
            ("authenticating", "connecting", "waits", &["drop 1 with 1000", "dial 2"], 0),
            ("ready", "connecting", "waits", &["drop 1 with 1000", "dial 2"], 0),
            ("unauthorized", "connecting", "waits", &["drop 1 with 1000", "dial 2"], 0),
            ("reconnecting", "connecting", "waits", &["dial 2"], 0),
            ("closing", "connecting", "waits", &["drop 1 with 1000", "dial 2"], 0),
            ("closed", "connecting", "waits", &["dial 2"], 0),
            ("failed", "connecting", "waits", &["dial 2"], 0),
        ],
        Sim::reconnect,
    );
}

#[test]
fn authenticate() {
    check(
        [
            ("idle", "connecting", "waits", &["dial 1"], 0),
            ("connecting", "connecting", "waits", &[], 0),
            ("authenticating", "authenticating", "waits", &[], 1),
            ("ready", "ready", "waits", &[], 1),
            ("unauthorized", "authenticating", "waits", &[], 1),
            ("reconnecting", "connecting", "waits", &["dial 2"], 0),
            ("closing", "closing", "CLOSED", &[], 0),
            ("closed", "connecting", "waits", &["dial 2"], 0),
            ("failed", "connecting", "waits", &["dial 2"], 0),
        ],
        |sim| sim.authenticate(Some("new")),
    );
}

#[test]
fn a_token_given_to_authenticate_is_kept_for_later_connections_in_every_state() {
    for before in mcp_protocol::State::NAMES {
        let mut sim = in_state(before);
        sim.authenticate(Some("new"));
        sim.reconnect();
        sim.open();
        assert_eq!(sent(&sim).last().map(String::as_str), Some(r#"{"id":"auth","token":"new"}"#), "in {before}");
    }
}

#[test]
fn close() {
    check(
        [
            ("idle", "closed", "done", &[], 0),
            ("connecting", "closed", "done", &["drop 1"], 0),
            ("authenticating", "closing", "waits", &["close 1 with 1000 bye"], 0),
            ("ready", "closing", "waits", &["close 1 with 1000 bye"], 0),
            ("unauthorized", "closing", "waits", &["close 1 with 1000 bye"], 0),
            ("reconnecting", "closed", "done", &[], 0),
            ("closing", "closing", "waits", &[], 0),
            ("closed", "closed", "done", &[], 0),
            ("failed", "failed", "done", &[], 0),
        ],
        Sim::close,
    );
}

#[test]
fn request() {
    for (state, stands, texts) in [
        ("idle", "NOT_CONNECTED", 0),
        ("connecting", "waits", 0),
        ("authenticating", "waits", 0),
        ("ready", "waits", 1),
        ("unauthorized", "NOT_CONNECTED", 0),
        ("reconnecting", "waits", 0),
        ("closing", "CLOSED", 0),
        ("closed", "NOT_CONNECTED", 0),
        ("failed", "NOT_CONNECTED", 0),
    ] {
        let mut sim = in_state(state);
        let call = sim.tool("echo");
        assert_eq!((standing(&sim, call), sent(&sim).len(), sim.state()), (stands, texts, state));
        assert_eq!(sim.session().stats().requests, 1);
        if stands == "waits" {
            if state == "reconnecting" {
                wait_for_the_dial(&mut sim);
            }
            make_ready(&mut sim);
            assert_eq!(tools_sent(&sim), ["echo"]);
            sim.server_answers(call, "1");
            assert_eq!(standing(&sim, call), "results");
        }
        end(sim);
    }
}

#[test]
fn abort() {
    for state in mcp_protocol::State::NAMES {
        let mut sim = in_state(state);
        let call = sim.tool("echo");
        let waits = standing(&sim, call) == "waits";
        assert_eq!(sim.abort(call), waits, "in {state}");
        assert!(!sim.abort(call), "in {state}");
        assert_eq!((sim.session().stats().pending, sim.session().stats().queued), (0, 0));
        end(sim);
    }
}

#[test]
fn results_that_nobody_gets_count_as_a_failure() {
    let mut sim = in_state("ready");
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    assert!(!sim.abort(call));
    sim.discard_results();
    let stats = sim.session().stats();
    assert_eq!((stats.requests, stats.succeeded, stats.failed, stats.late_responses), (1, 0, 1, 0));
    end(sim);
}

#[test]
fn send_and_send_tool_request() {
    for state in mcp_protocol::State::NAMES {
        let is_open = matches!(state, "authenticating" | "ready" | "unauthorized");
        let mut sim = in_state(state);
        assert_eq!(sim.send("hello"), is_open, "in {state}");
        assert_eq!(sim.send_tool_request("echo").is_some(), is_open, "in {state}");
        assert_eq!(sent(&sim).len(), if is_open { 2 } else { 0 }, "in {state}");
        assert_eq!(sim.state(), state);
        if is_open {
            assert_eq!(sent(&sim)[0], "hello", "a string as it is");
        }
        end(sim);
    }
}

#[test]
fn one_attempt_however_often_connect_is_called() {
    let mut sim = client(defaults);
    let calls: Vec<u32> = (0..5).map(|_| sim.connect()).collect();
    assert_eq!(asked(&sim), ["dial 1"]);
    make_ready(&mut sim);
    assert!(calls.iter().all(|call| is_done(&sim, *call)));
}

#[test]
fn connect_waits_through_losses_until_ready() {
    let mut sim = client(defaults);
    let connect = sim.connect();
    sim.refuse(503);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_closes(1011, "");
    wait_for_the_dial(&mut sim);
    assert_eq!(standing(&sim, connect), "waits");
    make_ready(&mut sim);
    assert_eq!(standing(&sim, connect), "done");
}

#[test]
fn reconnect_clears_the_error_and_connects_at_once() {
    let mut sim = in_state("failed");
    assert_eq!(error_code(&sim), Some("CONNECT_FAILED"));
    sim.reconnect();
    assert_eq!(error_code(&sim), None);
}

#[test]
fn the_readings_of_a_client_that_never_connected() {
    let sim = client(defaults);
    let (snapshot, stats) = (sim.session().snapshot(), sim.session().stats());
    assert_eq!(
        (snapshot.state, snapshot.connected, snapshot.authenticated, snapshot.attempt),
        ("idle", false, false, 0)
    );
    assert_eq!((stats.requests, stats.messages_sent, stats.connected_since), (0, 0, None));
}

#[test]
fn the_counters_count() {
    let mut sim = client(defaults);
    sim.connect();
    sim.open();
    let opened = sim.now().wall;
    sim.server_says(ACCEPTED);
    let call = sim.tool("echo");
    sim.advance(250);
    sim.server_answers(call, "1");
    let stats = sim.session().stats();
    assert_eq!((stats.requests, stats.succeeded, stats.failed, stats.reconnects), (1, 1, 0, 0));
    assert_eq!((stats.messages_sent, stats.messages_received), (2, 2));
    let bytes: usize = sent(&sim).iter().map(String::len).sum();
    assert_eq!(stats.bytes_sent, bytes as u64);
    assert_eq!((stats.connected_since, stats.request_latency.count), (Some(opened), 1));
    assert!(stats.request_latency.p50.is_some_and(|millis| (245.0..255.0).contains(&millis)));
    let (connection, received) = (sim.connection(), stats.bytes_received);
    assert_eq!(
        received,
        (ACCEPTED.len() + r#"{"id":"","results":1}"#.len() + sim.id(call).expect("taken").to_string().len()) as u64
    );
    sim.input(|session, now| session.handle_binary(now, connection, 7));
    let stats = sim.session().stats();
    assert_eq!((stats.messages_received, stats.bytes_received), (3, received + 7));
    sim.drop_connection();
    assert_eq!(sim.session().stats().connected_since, None);
    come_back(&mut sim);
    assert_eq!(sim.session().stats().reconnects, 1);
}
