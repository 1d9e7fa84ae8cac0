//! The event dialect, row by row of its table.

use super::*;
use mcp_protocol::{Call, DialectChoice};

fn event_only(config: &mut Config) {
    config.dialect = DialectChoice::Event;
}

fn text_of(name: &str, parameters: Option<&str>) -> String {
    let mut sim = ready_in_event_dialect(event_only);
    let call = Call { parameters, ..sim.usual_call(name) };
    let call = sim.call(call);
    let id = sim.id(call).expect("taken").to_string();
    sent(&sim).last().expect("it was sent").replace(&id, "ID")
}

/// A call in flight, and what comes, with `ID` in place of its id.
fn after(template: &str) -> (Sim, u32) {
    let mut sim = ready_in_event_dialect(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken").to_string();
    sim.forget();
    sim.server_says(&template.replace("ID", &id));
    (sim, call)
}

#[test]
fn it_has_no_authentication_on_the_socket() {
    let mut sim = authenticating(event_only);
    assert_eq!((sim.state(), sent(&sim)), ("authenticating", vec![]));
    sim.server_says(SCHEMAS);
    let authenticate = sim.authenticate(Some("token"));
    assert!(is_done(&sim, authenticate));
    assert_eq!((sim.state(), sent(&sim)), ("ready", vec![]));
}

#[test]
fn a_connection_is_ready_when_its_first_connection_or_schemas_event_has_come() {
    let greeting = r#"{"event":"connection","data":{"clientId":"c1","timestamp":1,"message":"Connected"}}"#;
    for first in [greeting, SCHEMAS] {
        let mut sim = client(event_only);
        let connect = sim.connect();
        sim.open();
        sim.forget();
        sim.server_says(first);
        assert_eq!(told(&sim), ["state ready", "authenticated", "message", "1 done"], "{first}");
        assert!(is_done(&sim, connect));
        sim.forget();
        sim.server_says(SCHEMAS);
        assert_eq!(told(&sim), ["message"], "the second greeting changes nothing");
    }
}

#[test]
fn other_events_make_nothing_ready() {
    let mut sim = authenticating(event_only);
    for text in
        [EVENT_PONG, r#"{"event":"error","data":{}}"#, r#"{"event":"news"}"#, ACCEPTED, r#"{"event":["schemas"]}"#]
    {
        sim.server_says(text);
        assert_eq!(sim.state(), "authenticating", "{text}");
    }
}

#[test]
fn the_heartbeat_is_a_bare_ping_and_its_answer_a_pong_event() {
    let mut sim = ready_in_event_dialect(defaults);
    sim.advance(15_000);
    assert_eq!(sent(&sim), [r#"{"type":"ping"}"#]);
    sim.advance(12);
    sim.server_says(PONG);
    assert_eq!(sim.session().stats().heartbeat_rtt.last, None, "that is the guide's");
    sim.server_says(EVENT_PONG);
    assert_eq!(told(&sim), ["message", "heartbeat 12", "message"]);
}

#[test]
fn a_tool_request_is_wrapped() {
    let expected = r#"{"type":"mcp_request","request":{"id":"ID","name":"web_search","parameters":{"q":"x"}}}"#;
    assert_eq!(text_of("web_search", Some(r#"{"q":"x"}"#)), expected);
}

#[test]
fn parameters_must_be_there() {
    let expected = r#"{"type":"mcp_request","request":{"id":"ID","name":"status","parameters":{}}}"#;
    assert_eq!(text_of("status", None), expected);
    assert_eq!(text_of("status", Some("null")), expected);
}

#[test]
fn a_request_that_was_queued_is_wrapped_too() {
    let mut sim = connecting(defaults);
    let call = sim.call(Call { parameters: None, ..sim.usual_call("status") });
    let id = sim.id(call).expect("taken");
    sim.open();
    sim.server_says(SCHEMAS);
    let expected = format!(r#"{{"type":"mcp_request","request":{{"id":"{id}","name":"status","parameters":{{}}}}}}"#);
    assert_eq!(sent(&sim).last(), Some(&expected));
}

#[test]
fn send_tool_request_is_wrapped_as_well() {
    let mut sim = ready_in_event_dialect(defaults);
    let id = sim.send_tool_request("echo").expect("connected");
    assert!(sent(&sim)[0].starts_with(&format!(r#"{{"type":"mcp_request","request":{{"id":"{id}""#)));
    sim.server_says(&format!(r#"{{"event":"response","data":{{"id":"{id}","results":1}}}}"#));
    assert_eq!(sim.session().stats().late_responses, 0);
}

#[test]
fn a_response_event_is_the_answer() {
    let (sim, call) = after(r#"{"event":"response","data":{"id":"ID","results":{"a":1}}}"#);
    assert_eq!(results(&sim, call).as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(told(&sim), ["message", "2 results"]);
    let (sim, call) = after(r#"{"event":"response","data":{"id":"ID"}}"#);
    assert_eq!(results(&sim, call), None);
}

#[test]
fn a_response_event_with_an_error_is_a_failure() {
    let (sim, call) =
        after(r#"{"event":"response","data":{"id":"ID","error":{"message":"no hits","code":"TOOL_ERROR"}}}"#);
    let Some(Outcome::Failed(error)) = sim.outcome(call) else { panic!("it failed") };
    let data = error.data();
    assert_eq!(
        (data.code, data.message.as_str(), data.tool_code.as_deref()),
        ("TOOL_ERROR", "no hits", Some("TOOL_ERROR"))
    );
    assert_eq!(&**data.data.expect("its value"), r#"{"message":"no hits","code":"TOOL_ERROR"}"#);
}

#[test]
fn an_error_event_with_a_request_id_fails_that_request() {
    let (sim, call) = after(r#"{"event":"error","data":{"message":"unknown tool","requestId":"ID"}}"#);
    assert_eq!((failure(&sim, call).0, message(&sim, call).as_str()), ("TOOL_ERROR", "unknown tool"));
}

#[test]
fn an_error_event_without_one_belongs_to_no_request() {
    for text in [
        r#"{"event":"error","data":{"message":"bad frame"}}"#,
        r#"{"event":"error","data":{"message":"bad frame","requestId":null}}"#,
        r#"{"event":"error","data":"bad frame"}"#,
        r#"{"event":"error"}"#,
    ] {
        let (sim, call) = after(text);
        assert_eq!((sim.outcome(call), told(&sim)), (None, vec!["message".to_owned()]), "{text}");
        assert_eq!(sim.session().stats().late_responses, 0, "{text}");
    }
}

#[test]
fn an_id_that_the_server_invented_is_nobodys() {
    let (sim, call) = after(r#"{"event":"response","data":{"id":"mcp-17","results":1}}"#);
    assert_eq!((sim.outcome(call), sim.session().stats().late_responses), (None, 1));
    let (sim, call) = after(r#"{"event":"response","data":{"id":17,"results":1}}"#);
    assert_eq!((sim.outcome(call), sim.session().stats().late_responses), (None, 1));
}

#[test]
fn the_guides_answers_are_pushes_here() {
    let (sim, call) = after(r#"{"id":"ID","results":1}"#);
    assert_eq!((sim.outcome(call), sim.session().stats().late_responses), (None, 0));
    let mut sim = ready_in_event_dialect(event_only);
    for text in [ACCEPTED, REFUSED] {
        sim.server_says(text);
    }
    assert_eq!((sim.state(), told(&sim)), ("ready", vec!["message".to_owned(); 2]));
}

#[test]
fn answers_of_different_tools_overtake_each_other() {
    let mut sim = ready_in_event_dialect(defaults);
    let [slow, fast] = ["slow", "fast"].map(|name| sim.tool(name));
    for call in [fast, slow] {
        let id = sim.id(call).expect("taken");
        sim.server_says(&format!(r#"{{"event":"response","data":{{"id":"{id}","results":{call}}}}}"#));
    }
    assert_eq!((results(&sim, slow), results(&sim, fast)), (Some(slow.to_string()), Some(fast.to_string())));
}

#[test]
fn a_wrong_path_is_refused_with_400_and_fails_at_once() {
    let mut sim = connecting(defaults);
    sim.refuse(400);
    assert_eq!(sim.state(), "failed");
}

#[test]
fn a_server_that_is_stopped_drops_the_connection_and_is_dialed_again() {
    let mut sim = ready_in_event_dialect(defaults);
    sim.drop_connection();
    assert_eq!((sim.state(), retry_delay(&sim)), ("reconnecting", 1000));
}

#[test]
fn an_honest_server_of_it_is_understood() {
    for choice in [DialectChoice::Auto, DialectChoice::Event] {
        let mut sim = client(|config| config.dialect = choice);
        sim.set_server(crate::Server::Event);
        let connect = sim.connect();
        assert!(is_done(&sim, connect));
        let call = sim.call(Call { parameters: Some(r#"{"a":1}"#), ..sim.usual_call("echo") });
        assert_eq!(results(&sim, call).as_deref(), Some(r#"{"a":1}"#));
        sim.advance(100_000);
        assert_eq!((sim.state(), sim.session().stats().heartbeat_rtt.last), ("ready", Some(0.0)));
        let close = sim.close();
        assert!(is_done(&sim, close));
        assert_eq!(sim.unsettled(), Vec::<u32>::new());
    }
}
