//! The log: what is logged of a life, how loud, and that docs/events.md says so.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use mcp_protocol::{
    DialFailure, Ending, Interest, LogEntry, LogLevel, LogLine, Secret, SystemError, TlsFailure, UpgradeFailure, Via,
};

/// A client in `idle` that logs.
fn logging(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = client(adjust);
    sim.input(|session, _| session.set_interest(Interest(Interest::LOGS)));
    sim
}

fn entries(sim: &Sim) -> Vec<LogEntry> {
    let entry = |what: &What| match what {
        What::Event(Event::Notice(Notice::Log { entry })) => Some(entry.clone()),
        _ => None,
    };
    sim.outputs().iter().filter_map(|record| entry(&record.what)).collect()
}

/// Level, message, and the fields that not every line has.
fn shown(sim: &Sim) -> Vec<String> {
    let show = |entry: &LogEntry| {
        let own = entry.fields.iter().filter(|(name, _)| !matches!(*name, "client" | "url" | "connection" | "attempt"));
        let fields: String = own.map(|(name, value)| format!(", {name} {}", value)).collect();
        format!("{:?}: {}{fields}", entry.level, entry.message).to_lowercase()
    };
    entries(sim).iter().map(show).collect()
}

fn refuse_tcp(sim: &mut Sim) {
    sim.fail_dial(DialFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "Connection refused")));
}

#[test]
fn an_undisturbed_life_is_quiet_at_info() {
    for welcome in [ACCEPTED, SCHEMAS] {
        let mut sim = logging(defaults);
        sim.connect();
        sim.open();
        sim.server_says(welcome);
        let call = sim.tool("echo");
        sim.server_answers(call, "1");
        sim.advance(1_000);
        sim.close();
        sim.server_closes(1000, "");
        assert_eq!(sim.state(), "closed");
        assert!(entries(&sim).iter().all(|entry| entry.level == LogLevel::Debug), "{:?}", shown(&sim));
    }
}

#[test]
fn every_step_of_it_is_a_line_at_debug() {
    let mut sim = logging(defaults);
    sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    sim.close();
    sim.server_closes(1000, "bye");
    let expected = [
        "debug: connecting",
        "debug: the socket is open",
        "debug: authenticated",
        "debug: the connection is closed, code 1000, reason bye",
        "debug: the client is closed",
    ];
    assert_eq!(shown(&sim), expected);
}

#[test]
fn an_outage_is_told_from_the_loss_to_the_return_with_causes_in_nodes_words() {
    let mut sim = logging(defaults);
    sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    sim.forget();
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    refuse_tcp(&mut sim);
    wait_for_the_dial(&mut sim);
    sim.refuse(503);
    come_back(&mut sim);
    let lost = "cause connection lost: closed with code 1006 (reset by peer)";
    let expected = [
        &*format!("warn: the connection was lost, {lost}, code 1006, reason reset by peer"),
        &*format!("info: waiting before the next attempt, {lost}, delay 1000"),
        "debug: connecting",
        "warn: cannot connect, cause econnrefused",
        "info: waiting before the next attempt, cause econnrefused, delay 1500",
        "debug: connecting",
        "warn: cannot connect, cause http 503",
        "info: waiting before the next attempt, cause http 503, delay 2250",
        "debug: connecting",
        "debug: the socket is open",
        "info: connected again",
    ];
    assert_eq!(shown(&sim), expected);
}

#[test]
fn every_line_says_which_client_connection_and_attempt_it_is_about() {
    let mut sim = logging(defaults);
    sim.input(|session, _| session.set_client(7));
    sim.connect();
    refuse_tcp(&mut sim);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(ACCEPTED);
    sim.input(|session, _| session.note(LogLevel::Warn, "from elsewhere"));
    let seen: Vec<(u64, u64)> = entries(&sim)
        .iter()
        .map(|entry| {
            assert_eq!((entry.fields.number("client"), entry.fields.text("url")), (Some(7), Some("ws://sim/mcp-ws")));
            let number = |name: &str| entry.fields.number(name).expect("a number");
            (number("connection"), number("attempt"))
        })
        .collect();
    assert_eq!(seen, [(1, 0), (1, 0), (1, 1), (2, 1), (2, 1), (2, 1), (2, 1)]);
}

#[test]
fn a_line_about_a_dial_names_that_dial_though_others_are_under_way() {
    let urls = ["ws://a/", "ws://b/?key=hunter2"].map(str::to_owned).to_vec();
    let config = Config { race: true, ..Sim::exact() };
    let mut sim = Sim::with_endpoints(config, mcp_protocol::EndpointSource::Known(urls), 1);
    sim.input(|session, _| session.set_interest(Interest(Interest::LOGS)));
    sim.connect();
    sim.advance(250);
    sim.select(1);
    refuse_tcp(&mut sim);
    sim.select(2);
    sim.open();
    sim.server_says(ACCEPTED);
    let seen: Vec<(String, u64)> = entries(&sim)
        .iter()
        .map(|entry| (entry.message.clone(), entry.fields.number("connection").expect("a number")))
        .collect();
    let expected =
        [("connecting", 1), ("connecting", 2), ("cannot connect", 1), ("the socket is open", 2), ("authenticated", 2)];
    assert_eq!(seen, expected.map(|(message, number)| (message.to_owned(), number)));
    assert!(!format!("{:?}", entries(&sim)).contains("hunter2"), "no query is logged");
}

#[test]
fn what_a_server_says_is_one_line_and_moves_no_cursor() {
    let mut sim = logging(defaults);
    sim.connect();
    sim.open();
    sim.server_closes(1000, "bye\r\n\u{1b}[2Jerror: faked");
    let strings = entries(&sim).into_iter().flat_map(|entry| {
        entry.fields.iter().map(|(_, value)| value.to_string()).chain([entry.message]).collect::<Vec<_>>()
    });
    assert!(strings.into_iter().all(|text| !text.contains(char::is_control)));
    let shown = r"bye\r\n\u{1b}[2Jerror: faked";
    assert!(entries(&sim).iter().any(|entry| entry.fields.text("reason") == Some(shown)));
}

#[test]
fn the_ends_are_lines() {
    let mut sim = logging(attempts(0));
    sim.connect();
    refuse_tcp(&mut sim);
    assert_eq!(
        shown(&sim).last().map(String::as_str),
        Some("error: the client has failed, cause econnrefused, code connect_failed")
    );
    let mut sim = logging(attempts(1));
    sim.connect();
    refuse_tcp(&mut sim);
    wait_for_the_dial(&mut sim);
    refuse_tcp(&mut sim);
    assert_eq!(
        shown(&sim).last().map(String::as_str),
        Some("error: the client has failed, cause econnrefused, code reconnect_exhausted")
    );
    let mut sim = logging(defaults);
    sim.connect();
    sim.open();
    sim.server_closes(1000, "that was all");
    let cause = "cause connection lost: closed with code 1000 (that was all)";
    let expected = [
        &*format!("info: the server closed the connection, {cause}, code 1000, reason that was all"),
        &*format!("info: the client stays closed, {cause}"),
    ];
    assert_eq!(shown(&sim)[2..], expected);
    let mut sim = logging(defaults);
    sim.connect();
    sim.refuse(401);
    let expected = ["warn: cannot connect, cause http 401", "warn: the server refused the key, cause http 401"];
    assert_eq!(shown(&sim)[1..], expected);
}

#[test]
fn a_key_function_that_fails_is_named_by_the_class_of_its_error() {
    let mut sim = logging(asks_for_tokens);
    sim.connect();
    sim.open();
    sim.token(Err("VaultError"));
    assert_eq!(shown(&sim)[2], "warn: the key function failed, cause vaulterror");
}

#[test]
fn a_dead_connection_is_told_by_its_heartbeat() {
    let mut sim = logging(defaults);
    sim.connect();
    sim.open();
    sim.server_says(ACCEPTED);
    sim.advance(25_000);
    assert_eq!(shown(&sim)[3], "warn: no answer to a ping, timeout 10000");
}

#[test]
fn no_line_shows_the_key() {
    let mut sim = logging(|config| config.token = TokenSource::Fixed(Secret::new("hunter2")));
    sim.connect();
    sim.open();
    sim.server_says(r#"{"id":"auth","success":false,"error":"nobody has hunter2"}"#);
    sim.server_closes(4000, "nobody has hunter2");
    assert!(!format!("{:?}", entries(&sim)).contains("hunter2"));
    assert!(shown(&sim).contains(&"warn: the server refused the key, cause nobody has [key]".to_owned()));
}

/// A `schemas` event of more than 1 MiB.
fn too_many_tools() -> String {
    format!(r#"{{"event":"schemas","data":[{{"name":"a","description":"{}"}}]}}"#, "x".repeat(1 << 20))
}

/// A life in which everything happens that is logged.
fn eventful() -> Vec<Sim> {
    let ready = || {
        let mut sim = logging(defaults);
        sim.connect();
        sim.open();
        sim.server_says(ACCEPTED);
        sim
    };
    let mut lost = ready();
    lost.server_says("not JSON");
    lost.suspend(60_000);
    lost.wake_up();
    lost.server_says(PONG);
    lost.change_network();
    lost.advance(5_000);
    for _ in 0..4 {
        wait_for_the_dial(&mut lost);
        refuse_tcp(&mut lost);
    }
    lost.change_network();
    come_back(&mut lost);
    lost.server_says(REFUSED);
    lost.close();
    lost.server_closes(1000, "");
    let mut ended = ready();
    ended.server_closes(1000, "");
    let mut failed = logging(attempts(0));
    failed.connect();
    failed.go(Via::Proxy("http://proxy.test:3128".into()));
    failed.fail_dial(DialFailure::Tls(TlsFailure::HostName));
    failed.connect();
    failed.fail_dial(DialFailure::Upgrade(UpgradeFailure::Closed));
    let mut asking = logging(asks_for_tokens);
    asking.connect();
    asking.open();
    asking.token(Err("VaultError"));
    let mut renewing = logging(asks_for_tokens);
    renewing.connect();
    renewing.open();
    renewing.key("short", 10_000.0);
    renewing.server_says(ACCEPTED);
    renewing.advance(5_000);
    renewing.token(Err("VaultError"));
    renewing.advance(5_000);
    let mut urls = Sim::with_endpoints(Sim::exact(), mcp_protocol::EndpointSource::Ask, 1);
    urls.input(|session, _| session.set_interest(Interest::ALL));
    urls.connect();
    urls.urls(Err("VaultError"));
    let mut changing = logging(defaults);
    changing.connect();
    changing.open();
    changing.server_says(SCHEMAS);
    changing.server_says(ACCEPTED);
    changing.end(Ending::abnormal("reset"));
    let mut talkative = logging(defaults);
    talkative.connect();
    talkative.open();
    talkative.server_says(&too_many_tools());
    vec![lost, ended, failed, asking, renewing, urls, changing, talkative]
}

#[test]
fn every_line_of_the_table_is_logged_with_its_level_and_fields_and_no_other_line_is() {
    let common = ["attempt", "client", "connection", "url"];
    let logged: BTreeSet<String> = eventful()
        .iter()
        .flat_map(entries)
        .map(|entry| {
            let fields = entry.fields.iter().map(|(name, _)| name).filter(|name| !common.contains(name));
            let fields: Vec<String> = fields.map(|name| format!("`{name}`")).collect();
            format!("| `{}` | {} | {} |", format!("{:?}", entry.level).to_lowercase(), entry.message, fields.join(", "))
                .replace("|  |", "| |")
        })
        .collect();
    let known: BTreeSet<&str> = LogLine::ALL.iter().map(|line| line.message()).collect();
    assert_eq!(known.len(), LogLine::ALL.len(), "each line says something else");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let document = fs::read_to_string(path).expect("the document is there");
    let table = document.split_once("## The log").expect("the section").1;
    // | level | message | fields | when |
    let cut = |line: &str| line.rsplit_once(" | ").map(|(head, _)| format!("{head} |"));
    let rows: BTreeSet<String> = table.lines().filter(|line| line.starts_with("| `")).filter_map(cut).collect();
    assert_eq!(rows, logged);
    assert_eq!(rows.len(), LogLine::ALL.len());
}
