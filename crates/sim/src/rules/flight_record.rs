//! The flight recorder: what a record shows, what it never shows, and that the rules decide the same when it is
//! replayed. The random histories replay theirs, too.

use mcp_protocol::{Ending, FlightRecord, Interest, ReplayError, ReplayReport, Secret, Via, replay};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, json};

use super::*;
use crate::History;

const VERSION: &str = "1.2.3";

fn json_of(sim: &Sim) -> String {
    FlightRecord::of(sim.session()).to_json(VERSION)
}

fn record(sim: &Sim) -> Value {
    serde_json::from_str(&json_of(sim)).expect("a record is JSON")
}

fn events(record: &Value) -> &Vec<Value> {
    record["events"].as_array().expect("the events are an array")
}

/// Kind and fields of the events, without the clocks and what is null, false or 0.
fn shown(sim: &Sim) -> Vec<String> {
    let line = |event: &Value| {
        let fields = event.as_object().expect("an object").iter();
        let fields = fields.filter(|(name, value)| {
            !matches!(name.as_str(), "at" | "mono" | "kind") && **value != Value::Null && **value != json!(false)
        });
        let fields: String =
            fields.map(|(name, value)| format!(" {name} {}", value.to_string().trim_matches('"'))).collect();
        format!("{}{fields}", event["kind"].as_str().expect("a kind"))
    };
    events(&record(sim)).iter().map(line).collect()
}

fn replayed(record: &Value) -> ReplayReport {
    replay(&record.to_string(), VERSION).expect("it can be replayed")
}

fn assert_replays(sim: &Sim) {
    let record = record(sim);
    let report = replayed(&record);
    assert!(report.difference.is_none(), "{report:?} of {record}");
    assert_eq!(report.events, events(&record).len());
}

fn refusal(text: &str) -> String {
    replay(text, VERSION).expect_err("it is refused").to_string()
}

#[test]
fn a_life_is_shown_as_it_came_in_and_was_decided() {
    let mut sim = connecting(defaults);
    sim.go(Via::Proxy("http://proxy.test:3128".into()));
    sim.refuse(503);
    sim.advance(1_000);
    sim.open();
    sim.server_says(ACCEPTED);
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    sim.pause_reading(true);
    sim.close();
    let expected = [
        "connect",
        "state attempt 0 previous idle state connecting",
        "dial connection 1 endpoint 0",
        "via connection 1 proxy http://proxy.test:3128",
        "dialFailed connection 1 phase upgrade remedy time status 503",
        "drawn delay 1000 for retry",
        "state attempt 1 delay 1000 error CONNECT_FAILED previous connecting state reconnecting",
        "timeout timer retry",
        "state attempt 1 error CONNECT_FAILED previous reconnecting state connecting",
        "dial connection 2 endpoint 0",
        "open connection 2",
        "state attempt 1 error CONNECT_FAILED previous connecting state authenticating",
        "sent connection 2 count 1 frame auth",
        "written connection 2 count 1",
        "received connection 2 frame authAccepted size 28",
        "state attempt 0 previous authenticating state ready",
        "settled count 1",
    ];
    assert_eq!(shown(&sim)[..expected.len()], expected);
    assert_replays(&sim);
}

#[test]
fn calls_are_shown_with_size_and_id_and_what_became_of_them() {
    let mut sim = connecting(defaults);
    let (queued, answered) = (sim.tool("queued"), sim.idempotent_tool("answered"));
    sim.open();
    sim.server_says(ACCEPTED);
    sim.server_answers(answered, r#"{"secret":1}"#);
    sim.server_answers(answered, "2");
    sim.drop_connection();
    let all = shown(&sim).join("\n");
    let id = |call| sim.id(call).expect("it has one").to_string();
    for line in [
        format!("call id {} outcome queued parameters true size 68 timeout 30000", id(queued)),
        format!("sent connection 1 count 2 frame request id {} size 138", id(queued)),
        format!("received connection 1 frame results id {} outcome settled size 59", id(answered)),
        format!("received connection 1 frame results id {} outcome late size 48", id(answered)),
        format!("settled code CONNECTION_LOST count 1 id {} sent true", id(queued)),
    ] {
        assert!(all.contains(&line), "{line:?} is not in\n{all}");
    }
    assert!(!all.contains("secret"), "{all}");
    assert_replays(&sim);
}

#[test]
fn it_shows_the_newest_256_events_and_the_session_before_them() {
    let mut sim = ready(defaults);
    let waiting: Vec<u32> = (0..40).map(|_| sim.tool("waits")).collect();
    for round in 0..200 {
        let call = sim.tool("echo");
        sim.server_answers(call, "1");
        sim.advance(7);
        if round % 40 == 0 {
            assert_replays(&sim);
        }
    }
    let record = record(&sim);
    assert_eq!(events(&record).len(), 256);
    let start = &record["start"];
    assert_eq!((&start["complete"], &start["state"]), (&json!(true), &json!("ready")));
    assert!(start["requests"].as_u64().is_some_and(|requests| requests >= 40), "{start}");
    // These were made before the record begins. What becomes of them is decided alike.
    sim.server_answers(waiting[3], "1");
    sim.advance(30_000);
    sim.drop_connection();
    assert_replays(&sim);
}

#[test]
fn a_record_that_begins_in_the_midst_of_a_race_or_an_outage_can_be_replayed() {
    let urls = ["ws://a/", "ws://b/", "ws://c/"].map(str::to_owned).to_vec();
    let config = Config {
        race: true,
        token: TokenSource::Ask,
        max_reconnect_attempts: MaxAttempts::Unlimited,
        ..Config::default()
    };
    let mut sim = Sim::with_endpoints(config, mcp_protocol::EndpointSource::Known(urls), 3);
    sim.connect();
    for _ in 0..60 {
        sim.advance(250);
        sim.open();
        sim.token(Ok("secret-token"));
        sim.server_says(r#"{"hello":"secret"}"#);
        assert_replays(&sim);
        sim.advance(250);
        sim.refuse(503);
        assert_replays(&sim);
        sim.drop_connection();
        sim.advance(50_000);
    }
    assert_eq!(events(&record(&sim)).len(), 256);
    assert!(!json_of(&sim).contains("secret"));
}

#[test]
fn a_record_that_begins_before_a_call_is_written_replays_what_is_sent_in_the_other_dialect() {
    let mut sim = ready(defaults);
    sim.hold_writes(true);
    sim.tool("echo");
    for _ in 0..300 {
        sim.server_says("1");
    }
    sim.drop_connection();
    sim.hold_writes(false);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(SCHEMAS);
    assert_eq!(tools_sent(&sim), ["echo"]);
    assert_replays(&sim);
}

#[test]
fn a_record_that_begins_after_a_call_with_empty_parameters_replays_what_is_sent_in_the_other_dialect() {
    let mut sim = ready(defaults);
    sim.idempotent_tool("echo");
    for _ in 0..600 {
        sim.server_says("1");
    }
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(SCHEMAS);
    assert_replays(&sim);
}

#[test]
fn heartbeats_of_an_idle_client_are_one_event() {
    for (accepted, pong) in [(ACCEPTED, PONG), (SCHEMAS, EVENT_PONG)] {
        let mut sim = authenticating(defaults);
        sim.server_says(accepted);
        let before = shown(&sim).len();
        sim.advance(15_000);
        for _ in 0..1_000 {
            sim.advance(31);
            sim.server_says(pong);
            sim.advance(14_969);
        }
        let lines = shown(&sim);
        let is_merged =
            |line: &String| line.starts_with("heartbeats connection 1 count 1000") && line.ends_with("rtt 31");
        assert!(lines.iter().any(is_merged), "{lines:?}");
        // The last ping is not answered yet.
        assert!(lines.len() <= before + 4, "{lines:?}");
        assert_replays(&sim);
        // It is not one of them that is not answered.
        sim.advance(10_000);
        assert_eq!(sim.state(), "reconnecting");
        assert_replays(&sim);
    }
}

#[test]
fn an_idle_client_keeps_less_than_a_kilobyte() {
    let mut sim = ready(defaults);
    assert!(sim.session().footprint_of_recorder() <= 1024, "{}", sim.session().footprint_of_recorder());
    for _ in 0..10_000 {
        sim.advance(15_000);
        sim.server_says(PONG);
    }
    assert!(sim.session().footprint_of_recorder() <= 1024, "{}", sim.session().footprint_of_recorder());
}

#[test]
fn many_calls_that_are_lost_at_once_do_not_push_the_reason_out() {
    let mut sim = ready(|config| config.max_buffered_amount = 1 << 30);
    for _ in 0..2_000 {
        sim.tool("waits");
    }
    sim.drop_connection();
    let lines = shown(&sim);
    assert!(lines.iter().any(|line| line.starts_with("closed code 1006")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("settled code CONNECTION_LOST count 2000")), "{lines:?}");
}

#[test]
fn a_record_that_begins_with_too_many_calls_in_flight_says_that_it_cannot_be_replayed() {
    let mut sim = ready(defaults);
    for _ in 0..1_000 {
        sim.tool("waits");
    }
    assert!(matches!(replay(&json_of(&sim), VERSION), Err(ReplayError::Incomplete)));
    assert!(refusal(&json_of(&sim)).contains("more calls were in flight"));
    // When they are fewer again, so it can.
    sim.drop_connection();
    come_back(&mut sim);
    for _ in 0..300 {
        let call = sim.tool("echo");
        sim.server_answers(call, "1");
    }
    assert_replays(&sim);
}

#[test]
fn sleep_and_clocks_that_are_set_replay_alike() {
    let mut sim = ready(|config| config.token = TokenSource::Ask);
    for millis in [400, 900, 1_500, 15_001, 40_000, 3_600_000, 86_400_000] {
        sim.suspend(millis);
        sim.wake_up();
        sim.server_says(PONG);
        sim.advance(15_000);
        sim.server_says(PONG);
        assert_replays(&sim);
    }
}

#[test]
fn sleep_before_a_heartbeat_and_during_one_replays_alike() {
    for millis in [1, 499, 501, 20_000, 40_000, 3_600_000] {
        for sleeps_before in [true, false] {
            let mut sim = ready(defaults);
            sim.advance(1);
            sim.bytes_come();
            sim.suspend(if sleeps_before { millis } else { 0 });
            sim.advance(15_000);
            sim.suspend(if sleeps_before { 0 } else { millis });
            sim.server_says(PONG);
            sim.server_says("no JSON");
            assert_replays(&sim);
        }
    }
}

#[test]
fn nothing_of_a_key_a_message_or_a_query_is_in_it() {
    let config = Config { token: TokenSource::Fixed(Secret::new("hunter2-hunter2")), ..Sim::exact() };
    let records: Vec<String> = ["hunter2", "hunter2-hunter2-hunter2"]
        .map(|key| {
            let mut sim = Sim::with_endpoints(config.clone(), "ws://sim/mcp-ws?ticket=hunter2", 1);
            sim.connect();
            sim.go(Via::Proxy("http://proxy.test".into()));
            sim.open();
            sim.server_says(r#"{"id":"auth","success":false,"error":"hunter2"}"#);
            sim.authenticate(Some(key));
            sim.send(&format!(r#"{{"id":"auth","token":"{key}"}}"#));
            sim.server_says(ACCEPTED);
            sim.server_says(ACCEPTED);
            let call = sim.tool("hunter2");
            sim.server_answers(call, r#""hunter2""#);
            sim.end(Ending::abnormal("hunter2"));
            json_of(&sim)
        })
        .into();
    assert!(!records[0].contains("hunter2"), "{}", records[0]);
    // Nor the length of a key.
    assert_eq!(records[0], records[1]);
}

#[test]
fn each_thing_that_was_decided_otherwise_is_found_where_it_was() {
    let mut sim = client(|config| config.reconnect_jitter = Sim::exact().reconnect_jitter);
    sim.connect();
    sim.refuse_for(503, 7_000);
    sim.advance(7_000);
    sim.open();
    sim.server_says(ACCEPTED);
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    sim.tool("lost");
    sim.server_closes(1008, "");
    let record = record(&sim);
    assert!(replayed(&record).difference.is_none());
    let outputs = ["state", "drawn", "dial", "sent", "settled", "closeTold"];
    let mut changed = 0;
    for (place, event) in events(&record).iter().enumerate() {
        let is_output = outputs.contains(&event["kind"].as_str().expect("a kind"));
        for (field, value) in event.as_object().expect("an object") {
            let other = match value {
                Value::Number(number) => json!(number.as_u64().unwrap_or_default() + 1),
                Value::Bool(flag) => json!(!flag),
                _ => continue,
            };
            if !is_output || matches!(field.as_str(), "at" | "mono") {
                continue;
            }
            let mut forged = record.clone();
            forged["events"][place][field] = other;
            let difference = replayed(&forged).difference.unwrap_or_else(|| panic!("{field} of {event} is not missed"));
            assert_eq!(difference.event, place, "{field} of {event}: {difference:?}");
            changed += 1;
        }
    }
    assert!(changed > 20, "{changed}");
}

#[test]
fn an_event_that_is_missing_or_too_much_is_found() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    let record = record(&sim);
    let count = events(&record).len();
    for place in 0..count {
        let kind = events(&record)[place]["kind"].as_str().expect("a kind");
        if !matches!(kind, "state" | "drawn" | "dial" | "sent" | "settled" | "closeTold") {
            continue;
        }
        let mut fewer = record.clone();
        fewer["events"].as_array_mut().expect("an array").remove(place);
        assert_eq!(replayed(&fewer).difference.map(|difference| difference.event), Some(place), "{kind}");
    }
    let mut more = record.clone();
    let last = events(&record)[count - 1].clone();
    more["events"].as_array_mut().expect("an array").push(last);
    let difference = replayed(&more).difference.expect("the last event was not decided twice");
    assert!(difference.event == count && difference.recorded.is_some() && difference.rules.is_none());
}

#[test]
fn what_is_no_record_or_cannot_be_replayed_is_refused_with_the_reason() {
    let good = record(&ready(defaults));
    let with = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut record = good.clone();
        change(record.as_object_mut().expect("an object"));
        record.to_string()
    };
    for (text, words) in [
        (String::new(), "it is not JSON"),
        ("[1".repeat(100_000), "it is not JSON"),
        ("7".to_owned(), "it is no object"),
        ("{}".to_owned(), "its \"version\" is no string"),
        (
            with(&|record| drop(record.insert("version".into(), json!("1.2.4")))),
            "made by version 1.2.4, and this is version 1.2.3",
        ),
        (with(&|record| drop(record.remove("events"))), "its \"events\" are no array"),
        (with(&|record| drop(record.insert("events".into(), json!([7])))), "event 0 is no object"),
        (
            with(&|record| drop(record.insert("events".into(), json!([{ "kind": "\u{1b}x" }])))),
            "event 0 is of the kind \"x\", which is unknown",
        ),
        (
            with(&|record| drop(record.insert("events".into(), json!([{ "kind": "open" }])))),
            "in event 0 (open), \"at\" is missing",
        ),
        (with(&|record| drop(record.insert("events".into(), json!(vec![7; 257])))), "it has 257 events"),
        (with(&|record| drop(record.remove("options"))), "its \"options\" is no object"),
        (with(&|record| record["options"]["authTimeout"] = json!(-1)), "authTimeout"),
        (with(&|record| record["start"]["state"] = json!("lost")), "in \"start\", \"state\" is missing"),
        (with(&|record| record["start"]["endpoints"] = json!(5)), "\"endpoints.1.url\" is missing"),
        (with(&|record| record["start"] = json!({ "complete": false })), "more calls were in flight"),
    ] {
        let error = refusal(&text);
        assert!(error.contains(words), "{words:?} is not in {error:?}");
        assert!(error.len() < 300 && !error.contains(char::is_control), "{error:?}");
    }
    assert!(matches!(replay(&" ".repeat((16 << 20) + 1), VERSION), Err(ReplayError::TooLarge(_))));
    let call = |size: u64| {
        json!({ "kind": "call", "at": 1, "mono": 1, "id": null, "size": size, "timeout": null, "idempotent": true,
            "expected": false, "parameters": false, "outcome": "sent" })
    };
    let huge = with(&|record| drop(record.insert("events".into(), json!([call(4_000_000_000)]))));
    assert!(refusal(&huge).contains("4000000000 bytes"), "{}", refusal(&huge));
}

/// Another value in place of one of a record, as hostile as it can be.
fn forge(value: &mut Value, choices: &[Index], with: &Value) {
    let [choice, rest @ ..] = choices else { return };
    match value {
        Value::Array(list) if !list.is_empty() && !rest.is_empty() => forge(choice.get_mut(&mut list[..]), rest, with),
        Value::Object(members) if !members.is_empty() && !rest.is_empty() => {
            let place = choice.index(members.len());
            if let Some((_, member)) = members.iter_mut().nth(place) {
                forge(member, rest, with);
            }
        }
        other => *other = with.clone(),
    }
}

fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..70_000).prop_map(Value::from),
        Just(json!((1_u64 << 53) - 1)),
        any::<f64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "ready",
            "connecting",
            "closing",
            "guide",
            "event",
            "pong",
            "CLOSED",
            "req_1_aaaaaaaaa",
            ""
        ])
        .prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(search(200))]

    #[test]
    fn whatever_a_file_says_a_replay_ends_without_a_panic(
        seed in 0_u64..200,
        forgeries in prop::collection::vec((prop::collection::vec(any::<Index>(), 2..4), hostile()), 1..6),
    ) {
        let mut record = record(&History::of_seed(seed).run());
        for (choices, with) in &forgeries {
            forge(&mut record, choices, with);
        }
        let _ = replay(&record.to_string(), VERSION);
    }
}

#[test]
fn an_error_of_a_client_that_has_failed_comes_with_the_newest_events() {
    let mut sim = client(attempts(0));
    sim.input(|session, _| session.set_interest(Interest::ALL));
    sim.connect();
    sim.refuse(503);
    let events = sim.outputs().iter().find_map(|output| match &output.what {
        What::Event(Event::Notice(Notice::Failed { events, .. })) => Some(&events.0),
        _ => None,
    });
    let events: Value = serde_json::from_str(events.expect("it has failed")).expect("JSON");
    let kinds: Vec<&str> =
        events.as_array().expect("an array").iter().map(|event| event["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["connect", "state", "dial", "dialFailed", "state"]);
}
