//! Rule 8: answers and the ids that they carry.

use std::collections::HashSet;

use super::*;
use mcp_protocol::{RequestId, RequestKey};

fn late(sim: &Sim) -> u64 {
    sim.session().stats().late_responses
}

fn answer_to(id: RequestId) -> String {
    format!(r#"{{"id":"{id}","results":1}}"#)
}

#[test]
fn an_answer_whose_id_nobody_waits_for_is_dropped_counted_and_still_a_message() {
    let mut sim = ready(defaults);
    let texts = [r#"{"id":"req_1_aaaaaaaaa","results":1}"#, r#"{"id":"x","error":"no"}"#, r#"{"id":5,"results":null}"#];
    for (count, text) in (1..).zip(texts) {
        sim.forget();
        sim.server_says(text);
        assert_eq!((late(&sim), told(&sim)), (count, vec!["message".to_owned()]), "{text}");
    }
}

#[test]
fn the_answer_to_a_call_that_timed_out_is_late() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = sim.tool("echo");
    sim.advance(30_000);
    sim.forget();
    sim.server_answers(call, "1");
    assert_eq!((late(&sim), told(&sim)), (1, vec!["message".to_owned()]));
    assert_eq!(failure(&sim, call).0, "REQUEST_TIMEOUT");
}

#[test]
fn the_answer_to_an_aborted_call_is_late() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.abort(call);
    sim.server_answers(call, "1");
    assert_eq!(late(&sim), 1);
}

#[test]
fn a_second_answer_to_one_id_is_late() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    assert_eq!(late(&sim), 0);
    sim.server_answers(call, "2");
    assert_eq!((late(&sim), results(&sim, call).as_deref()), (1, Some("1")));
}

#[test]
fn the_first_answer_to_an_id_of_send_tool_request_is_not_late_and_the_second_is() {
    let mut sim = ready(defaults);
    let id = sim.send_tool_request("echo").expect("connected");
    sim.forget();
    sim.server_says(&answer_to(id));
    assert_eq!((late(&sim), told(&sim)), (0, vec!["message".to_owned()]));
    sim.server_says(&answer_to(id));
    assert_eq!(late(&sim), 1);
}

#[test]
fn the_memory_of_those_ids_is_bounded_and_keeps_the_newest() {
    let mut sim = ready(defaults);
    let mut ids: Vec<RequestId> = (0..4_096).map(|_| sim.send_tool_request("echo").expect("connected")).collect();
    assert_eq!(remembered(&sim), (4_096, 4_096));
    ids.extend((0..904).map(|_| sim.send_tool_request("echo").expect("connected")));
    assert_eq!(remembered(&sim), (4_096, 4_096));
    sim.server_says(&answer_to(ids[903]));
    assert_eq!(late(&sim), 1, "the 4,097th from the end is forgotten");
    for id in &ids[904..] {
        sim.server_says(&answer_to(*id));
    }
    assert_eq!(late(&sim), 1, "the 4,096 newest are not");
}

#[test]
fn answered_ids_are_not_remembered_for_long_and_none_after_the_connection() {
    let mut sim = ready(defaults);
    for _ in 0..5_000 {
        let id = sim.send_tool_request("echo").expect("connected");
        sim.server_says(&answer_to(id));
        let (requests, remembered) = remembered(&sim);
        assert!(requests == 0 && remembered <= 1_025, "{remembered} ids are left of {requests} requests");
    }
    for _ in 0..10 {
        sim.send_tool_request("echo").expect("connected");
    }
    sim.drop_connection();
    assert_eq!(remembered(&sim), (0, 0));
}

/// Requests and ids that the session keeps.
fn remembered(sim: &Sim) -> (usize, usize) {
    let held = sim.session().footprint();
    (held.requests, held.remembered)
}

#[test]
fn calls_are_never_forgotten_for_it() {
    let mut sim = ready(defaults);
    let call = sim.tool("first");
    for _ in 0..5_000 {
        sim.send_tool_request("echo").expect("connected");
    }
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn the_id_auth_is_reserved() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.server_says(r#"{"id":"auth","success":true,"results":1}"#);
    assert_eq!((sim.outcome(call), late(&sim)), (None, 0));
}

#[test]
fn an_id_has_the_guides_form_with_the_time_of_the_call() {
    let mut sim = ready(defaults);
    sim.advance(1234);
    let wall = sim.now().wall;
    let id = sim.send_tool_request("echo").expect("connected").to_string();
    let suffix = id.strip_prefix(&format!("req_{wall}_")).expect("prefix and time");
    assert!(suffix.len() == 9 && suffix.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()), "{id}");
}

#[test]
fn ids_are_unique_and_not_to_be_guessed_from_one_another() {
    let mut sim = ready(defaults);
    let mut other = Sim::new(Sim::exact(), 2);
    other.connect();
    other.open();
    let keys: HashSet<RequestKey> = (0..10_000)
        .flat_map(|_| {
            [sim.send_tool_request("echo").expect("connected"), other.send_tool_request("echo").expect("connected")]
        })
        .map(|id| id.key)
        .collect();
    assert_eq!(keys.len(), 20_000);
}

#[test]
fn an_id_counts_only_whole_and_as_it_was_sent() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let RequestId { millis, key } = sim.id(call).expect("taken");
    let id = RequestId { millis, key }.to_string();
    let wrong = [
        RequestId { millis: millis + 1, key }.to_string(),
        id.to_uppercase(),
        format!("{id} "),
        format!(" {id}"),
        id[..id.len() - 1].to_owned(),
        format!("{id}0"),
    ];
    for id in &wrong {
        sim.server_says(&format!(r#"{{"id":"{id}","results":1}}"#));
        assert_eq!(sim.outcome(call), None, "{id}");
    }
    assert_eq!(late(&sim), wrong.len() as u64);
    let escaped = id.replace('_', r"\u005f");
    sim.server_says(&format!(r#"{{"id":"{escaped}","results":1}}"#));
    assert!(results(&sim, call).is_some(), "an escape spells the same id");
}

#[test]
fn answers_may_overtake_one_another() {
    let mut sim = ready(defaults);
    let calls: Vec<u32> = (0..100).map(|_| sim.tool("echo")).collect();
    for call in calls.iter().rev() {
        sim.server_answers(*call, &call.to_string());
    }
    for call in calls {
        assert_eq!(results(&sim, call), Some(call.to_string()));
    }
    let stats = sim.session().stats();
    assert_eq!((stats.pending, stats.succeeded, stats.request_latency.count), (0, 100, 100));
}

#[test]
fn where_nobody_listens_to_messages_none_are_told_but_all_else_is_the_same() {
    let mut sim = ready(defaults);
    sim.input(|session, _| session.set_interest(mcp_protocol::Interest::default()));
    let call = sim.tool("echo");
    sim.server_answers(call, "1");
    sim.server_answers(call, "1");
    sim.server_says("{}");
    assert_eq!((told(&sim), late(&sim)), (vec!["2 results".to_owned()], 1));
}
