//! `dialect: 'auto'`: how the client finds out, and how it admits a mistake.

use super::*;
use mcp_protocol::{Call, Interest};

const CONNECTION: &str = r#"{"event":"connection","data":{"clientId":"c1"}}"#;

fn id(sim: &Sim, call: u32) -> String {
    sim.id(call).expect("taken").to_string()
}

/// Taken for a server of the event dialect, with one call in flight.
fn mistaken() -> (Sim, u32) {
    let mut sim = ready_in_event_dialect(defaults);
    sim.input(|session, _| session.set_interest(Interest::ALL));
    let call = sim.tool("pay");
    sim.forget();
    (sim, call)
}

#[test]
fn the_guides_auth_frame_is_sent_at_once_as_always() {
    assert_eq!(sent(&authenticating(defaults)), [r#"{"id":"auth","token":"anonymous"}"#]);
}

#[test]
fn if_the_first_message_is_an_event_the_client_speaks_events_on_this_connection() {
    for first in [CONNECTION, SCHEMAS] {
        let mut sim = authenticating(defaults);
        sim.forget();
        sim.server_says(first);
        assert_eq!(sim.state(), "ready");
        sim.tool("echo");
        sim.advance(15_000);
        let sent = sent(&sim);
        assert!(sent[0].starts_with(r#"{"type":"mcp_request""#) && sent[1] == r#"{"type":"ping"}"#, "{sent:?}");
    }
}

#[test]
fn any_event_of_its_table_gives_it_away_but_only_a_greeting_makes_it_ready() {
    let events =
        [EVENT_PONG, r#"{"event":"response","data":{"id":"x"}}"#, r#"{"event":"error","data":{"message":"m"}}"#];
    for first in events {
        let mut sim = authenticating(defaults);
        sim.server_says(first);
        assert_eq!(sim.state(), "authenticating", "{first}");
        sim.server_says(SCHEMAS);
        assert_eq!(sim.state(), "ready", "{first}");
    }
}

#[test]
fn an_event_of_another_kind_does_not() {
    for first in
        [r#"{"event":"news","data":1}"#, r#"{"event":7}"#, r#"{"event":null}"#, r#"{"data":{"event":"schemas"}}"#]
    {
        let mut sim = authenticating(defaults);
        sim.server_says(first);
        sim.server_says(ACCEPTED);
        sim.tool("echo");
        assert!(sent(&sim).last().is_some_and(|text| text.starts_with(r#"{"id":"req_"#)), "{first}");
    }
}

#[test]
fn only_the_first_message_counts() {
    let mut sim = authenticating(defaults);
    sim.server_says(r#"{"hello":"there"}"#);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "authenticating");
}

#[test]
fn after_an_auth_answer_events_are_pushes() {
    let mut sim = ready(defaults);
    sim.server_says(SCHEMAS);
    sim.tool("echo");
    assert!(sent(&sim)[0].starts_with(r#"{"id":"req_"#));

    let mut sim = unauthorized(defaults);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "unauthorized");
}

#[test]
fn an_auth_answer_stays_one_though_it_names_an_event() {
    let mut sim = authenticating(defaults);
    sim.server_says(r#"{"id":"auth","success":false,"event":"schemas"}"#);
    assert_eq!(sim.state(), "unauthorized");
}

#[test]
fn the_choice_is_made_anew_on_each_connection() {
    let mut sim = ready_in_event_dialect(defaults);
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    assert_eq!(sent(&sim), [r#"{"id":"auth","token":"anonymous"}"#]);
    sim.server_says(ACCEPTED);
    sim.tool("echo");
    assert!(sent(&sim)[1].starts_with(r#"{"id":"req_"#));
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(SCHEMAS);
    sim.tool("echo");
    assert!(sent(&sim).last().is_some_and(|text| text.starts_with(r#"{"type":"mcp_request""#)));
}

#[test]
fn an_auth_answer_after_all_means_the_guides_dialect_from_then_on() {
    let (mut sim, _) = mistaken();
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
    sim.forget();
    sim.tool("echo");
    sim.advance(15_000);
    let sent = sent(&sim);
    assert!(sent[0].starts_with(r#"{"id":"req_"#) && sent[1].starts_with(r#"{"messageType":"ping""#), "{sent:?}");
    sim.advance(4);
    sim.server_says(PONG);
    assert_eq!(sim.session().stats().heartbeat_rtt.last, Some(4.0));
}

#[test]
fn requests_sent_in_the_other_form_are_sent_again_and_the_log_says_it() {
    let (mut sim, call) = mistaken();
    sim.server_says(ACCEPTED);
    let again = format!(r#"{{"id":"{}","name":"pay","parameters":{{}}}}"#, id(&sim, call));
    assert_eq!(sent(&sim), [again]);
    assert_eq!(logged(&sim)[0], "log the server speaks the guide's dialect after all");
    sim.server_answers(call, "42");
    assert_eq!(results(&sim, call).as_deref(), Some("42"));
}

#[test]
fn they_are_sent_again_once_and_in_the_order_of_the_calls() {
    let mut sim = ready_in_event_dialect(defaults);
    for name in ["a", "b", "c", "d"] {
        sim.tool(name);
    }
    sim.idempotent_tool("e");
    sim.forget();
    sim.server_says(ACCEPTED);
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["a", "b", "c", "d", "e"]);
}

#[test]
fn those_that_were_queued_before_are_among_them() {
    let mut sim = connecting(defaults);
    let call = sim.call(Call { parameters: Some("7"), ..sim.usual_call("queued") });
    sim.open();
    sim.server_says(SCHEMAS);
    sim.forget();
    sim.server_says(ACCEPTED);
    assert_eq!(sent(&sim), [format!(r#"{{"id":"{}","name":"queued","parameters":7}}"#, id(&sim, call))]);
}

#[test]
fn those_of_send_tool_request_are_among_them() {
    let mut sim = ready_in_event_dialect(defaults);
    let request = sim.send_tool_request("echo").expect("connected");
    sim.forget();
    sim.server_says(ACCEPTED);
    assert_eq!(sent(&sim), [format!(r#"{{"id":"{request}","name":"echo","parameters":{{}}}}"#)]);
}

#[test]
fn those_that_are_over_are_not() {
    let (mut sim, call) = mistaken();
    let other = sim.tool("other");
    sim.abort(other);
    sim.server_says(&format!(r#"{{"event":"response","data":{{"id":"{}","results":1}}}}"#, id(&sim, call)));
    sim.forget();
    sim.server_says(ACCEPTED);
    assert!(tools_sent(&sim).is_empty());
}

#[test]
fn it_costs_an_idempotent_request_none_of_its_resends() {
    let mut sim = ready_in_event_dialect(defaults);
    let call = sim.idempotent_tool("search");
    sim.server_says(ACCEPTED);
    for _ in 0..2 {
        sim.drop_connection();
        come_back(&mut sim);
    }
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn a_request_that_is_not_idempotent_is_lost_like_any_other_once_the_guides_form_was_written() {
    let (mut sim, call) = mistaken();
    sim.server_says(ACCEPTED);
    sim.drop_connection();
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
}

#[test]
fn one_of_which_only_the_other_form_was_written_was_not_understood_and_stays() {
    let (mut sim, call) = mistaken();
    sim.hold_writes(true);
    sim.server_says(ACCEPTED);
    sim.drop_connection();
    assert_eq!((sim.outcome(call), sim.session().stats().queued), (None, 1));
    sim.close();
    assert_eq!(failure(&sim, call), ("CLOSED", Some(true)), "but false would promise that not a byte of it left");
}

#[test]
fn a_refusal_after_all_is_unauthorized_and_calls_in_flight_live_on_in_the_guides_form() {
    let (mut sim, call) = mistaken();
    sim.server_says(REFUSED);
    assert_eq!((sim.state(), tools_sent(&sim)), ("unauthorized", vec!["pay".to_owned()]));
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn after_that_events_are_pushes() {
    let (mut sim, call) = mistaken();
    sim.server_says(ACCEPTED);
    sim.server_says(&format!(r#"{{"event":"response","data":{{"id":"{}","results":1}}}}"#, id(&sim, call)));
    assert_eq!(sim.outcome(call), None);
}

#[test]
fn while_draining_they_are_sent_again_too() {
    let (mut sim, call) = mistaken();
    sim.close_draining(60_000);
    sim.server_says(ACCEPTED);
    assert_eq!((sim.state(), tools_sent(&sim)), ("closing", vec!["pay".to_owned()]));
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}
