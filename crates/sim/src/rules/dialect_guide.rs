//! The guide's dialect, row by row of its table.

use super::*;
use mcp_protocol::{Call, DialectChoice, Secret, TokenSource};

fn with_token(token: &str) -> impl FnOnce(&mut Config) {
    move |config| config.token = TokenSource::Fixed(Secret::new(token))
}

fn guide_only(config: &mut Config) {
    config.dialect = DialectChoice::Guide;
}

/// The text of a call with these parameters, its id shown as `ID`.
fn text_of(name: &str, parameters: Option<&str>) -> String {
    let mut sim = ready(guide_only);
    let call = Call { parameters, ..sim.usual_call(name) };
    let call = sim.call(call);
    let id = sim.id(call).expect("taken").to_string();
    sent(&sim).last().expect("it was sent").replace(&id, "ID")
}

/// A call that was answered with this rest of a message after its id.
fn answered(rest: &str) -> (Sim, u32) {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"id":"{id}"{rest}}}"#));
    (sim, call)
}

#[test]
fn the_first_frame_after_the_upgrade_authenticates() {
    assert_eq!(sent(&authenticating(defaults)), [r#"{"id":"auth","token":"anonymous"}"#]);
    assert_eq!(sent(&authenticating(guide_only)), [r#"{"id":"auth","token":"anonymous"}"#]);
    assert_eq!(sent(&authenticating(with_token("k-1"))), [r#"{"id":"auth","token":"k-1"}"#]);
}

#[test]
fn a_token_is_escaped_as_json() {
    let text = sent(&authenticating(with_token("a\"b\\c\n\u{e9}\u{1f600}"))).pop().expect("one");
    let message: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(message["token"], "a\"b\\c\n\u{e9}\u{1f600}");
}

#[test]
fn success_true_is_authenticated() {
    let mut sim = authenticating(defaults);
    sim.forget();
    sim.server_says(r#"{"id":"auth","success":true,"user":"x"}"#);
    assert_eq!((sim.state(), told(&sim)[1].as_str()), ("ready", "authenticated"));
    assert!(sim.session().snapshot().authenticated);
}

#[test]
fn success_false_is_refused() {
    let mut sim = authenticating(guide_only);
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "unauthorized");
}

#[test]
fn a_tool_request_carries_id_name_and_parameters() {
    assert_eq!(
        text_of("web_search", Some(r#"{"q":"x"}"#)),
        r#"{"id":"ID","name":"web_search","parameters":{"q":"x"}}"#
    );
    assert_eq!(text_of("echo", Some("null")), r#"{"id":"ID","name":"echo","parameters":null}"#);
    assert_eq!(text_of("echo", None), r#"{"id":"ID","name":"echo"}"#, "as JSON.stringify leaves undefined out");
}

#[test]
fn a_tools_name_is_escaped_as_json() {
    assert_eq!(text_of("a\"b", Some("1")), r#"{"id":"ID","name":"a\"b","parameters":1}"#);
}

#[test]
fn an_answer_brings_any_json_as_results() {
    for value in ["1", "null", "false", r#"{"a":[1,2]}"#, r#""text""#] {
        let (sim, call) = answered(&format!(r#","results":{value}"#));
        assert_eq!(results(&sim, call).as_deref(), Some(value));
    }
    let (sim, call) = answered(r#" , "results" :  [ 1 , 2 ]  "#);
    assert_eq!(results(&sim, call).as_deref(), Some("[ 1 , 2 ]"));
}

#[test]
fn absent_results_count_as_undefined() {
    for rest in ["", r#","result":1"#, r#","error":null"#] {
        let (sim, call) = answered(rest);
        assert_eq!(results(&sim, call), None, "{rest}");
    }
}

#[test]
fn an_error_is_a_string_or_an_object_with_message_and_perhaps_code() {
    for (error, words, code) in [
        (r#""it broke""#, "it broke", None),
        (r#"{"message":"it broke","code":"E1"}"#, "it broke", Some("E1")),
        (r#"{"message":"it broke"}"#, "it broke", None),
        (r#"{"message":"it broke","code":5}"#, "it broke", None),
        (r#"{"code":"E1"}"#, "Tool execution failed", Some("E1")),
        ("17", "Tool execution failed", None),
        ("true", "Tool execution failed", None),
        ("[]", "Tool execution failed", None),
    ] {
        let (sim, call) = answered(&format!(r#","error":{error},"results":1"#));
        let Some(Outcome::Failed(failed)) = sim.outcome(call) else { panic!("{error} is an error") };
        let data = failed.data();
        assert_eq!(
            (data.code, data.message.as_str(), data.tool_code.as_deref()),
            ("TOOL_ERROR", words, code),
            "{error}"
        );
        assert_eq!(&**data.data.expect("the error's value"), error);
        assert!(!data.retryable && data.request_id == sim.id(call).map(|id| id.to_string()));
    }
}

#[test]
fn null_false_the_empty_string_and_zero_are_no_error() {
    for error in ["null", "false", r#""""#, "0", "-0", "0.0", "0e5", "1e-999"] {
        let (sim, call) = answered(&format!(r#","error":{error},"results":7"#));
        assert_eq!(results(&sim, call).as_deref(), Some("7"), "{error}");
    }
}

#[test]
fn a_pong_is_a_message_and_no_answer() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"messageType":"pong","id":"{id}","results":1}}"#));
    assert_eq!((sim.outcome(call), told(&sim)), (None, vec!["message".to_owned()]));
}

#[test]
fn anything_else_is_a_push_and_never_an_error() {
    let mut sim = ready(defaults);
    for text in [r#"{"messageType":"news","data":1}"#, r#"{"id":"news"}"#, "[]", SCHEMAS, EVENT_PONG] {
        sim.forget();
        sim.server_says(text);
        assert_eq!((told(&sim), sim.state()), (vec!["message".to_owned()], "ready"), "{text}");
    }
    assert_eq!(sim.session().stats().late_responses, 0);
}

#[test]
fn where_only_the_guides_dialect_is_allowed_events_are_pushes() {
    let mut sim = authenticating(guide_only);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "authenticating");
    sim.server_says(ACCEPTED);
    sim.tool("echo");
    assert!(sent(&sim).last().is_some_and(|text| text.starts_with(r#"{"id":"req_"#)));
}

#[test]
fn an_honest_server_of_it_is_understood() {
    let mut sim = client(defaults);
    sim.set_server(crate::Server::Guide);
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
