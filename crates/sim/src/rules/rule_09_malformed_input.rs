//! Rule 9: whatever the server sends, nothing panics, blocks, or settles the wrong request.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use mcp_protocol::{ConnectionId, Ending, Interest};

const NOT_JSON: [&str; 12] = [
    "",
    " ",
    "hello",
    "{",
    r#"{"id":"auth","success":true"#,
    r#"{"id":"auth","success":true}}"#,
    "{'id':'auth'}",
    "{\"a\":1,}",
    "[1,2",
    "NaN",
    "\u{feff}{}",
    "\"a\nb\"",
];

fn id(sim: &Sim, call: u32) -> String {
    sim.id(call).expect("the call was taken").to_string()
}

#[test]
fn text_that_is_not_json_is_bad_message_for_those_who_listen_and_the_connection_is_kept() {
    let mut sim = ready(defaults);
    sim.input(|session, _| session.set_interest(Interest::ALL));
    for text in NOT_JSON {
        sim.forget();
        sim.server_says(text);
        assert_eq!(told(&sim), ["message that is not JSON", "error BAD_MESSAGE"], "{text:?}");
        assert_eq!((logged(&sim).len(), sim.state(), error_code(&sim)), (1, "ready", None), "{text:?}");
    }
}

#[test]
fn a_binary_message_that_is_not_utf_8_is_bad_too() {
    let mut sim = ready(defaults);
    sim.input(|session, now| session.handle_binary(now, ConnectionId(1), 3));
    assert_eq!((told(&sim), sim.state()), (vec!["error BAD_MESSAGE".to_owned()], "ready"));
}

#[test]
fn all_other_json_is_a_push() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{}1{}", r#"{"id":"#.repeat(100_000), "}".repeat(100_000));
    let texts = [
        "null",
        "1",
        "true",
        r#""text""#,
        "[]",
        "{}",
        "[1,[2]]",
        "1e999",
        "-0",
        r#""\ud800""#,
        r#"{"\udc00":"\ud800x"}"#,
        r#"{"id":null}"#,
        r#"{"id":{}}"#,
        r#"{"id":[]}"#,
        r#"{"id":""}"#,
        r#"{"results":1}"#,
        r#"{"error":"x"}"#,
        r#"{"messageType":"pang"}"#,
        r#"{"event":"schemas"}"#,
        r#"{"success":true}"#,
        r#"{"name":"x","parameters":{}}"#,
        deep.as_str(),
        deep_object.as_str(),
    ];
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    for text in texts {
        sim.forget();
        sim.server_says(text);
        assert_eq!(told(&sim), ["message"], "{}", &text[..text.len().min(40)]);
    }
    assert_eq!((sim.state(), sim.outcome(call), sim.session().stats().late_responses), ("ready", None, 0));
}

#[test]
fn results_are_whatever_json_parse_accepts() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for value in ["null", "0", "false", r#""""#, "1e999", r#""\ud800""#, r#"{"a":1,"a":2}"#, &deep] {
        let mut sim = ready(defaults);
        let call = sim.tool("echo");
        sim.server_answers(call, value);
        assert_eq!(results(&sim, call).as_deref(), Some(value), "{}", &value[..value.len().min(40)]);
    }
}

#[test]
fn an_error_may_be_any_json_too() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for value in [r#""\ud800""#, "1e999", "[]", "{}", r#"{"message":"\ud800","code":1e999}"#, &deep] {
        let mut sim = ready(defaults);
        let call = sim.tool("echo");
        sim.server_says(&format!(r#"{{"id":"{}","error":{value}}}"#, id(&sim, call)));
        assert_eq!(failure(&sim, call).0, "TOOL_ERROR");
        let Some(Outcome::Failed(error)) = sim.outcome(call) else { panic!("it failed") };
        assert_eq!(&**error.data().data.expect("the error's value"), value);
    }
}

#[test]
fn if_the_id_can_be_read_but_the_results_are_not_json_that_request_is_rejected() {
    for rest in [
        r#""results":nonsense}"#,
        r#""results":{"a":}}"#,
        r#""results":[1,2"#,
        r#""results":1}trailing"#,
        r#""results":1,}"#,
        "",
    ] {
        let mut sim = ready(defaults);
        let call = sim.tool("echo");
        let other = sim.tool("echo");
        sim.forget();
        sim.server_says(&format!(r#"{{"id":"{}",{rest}"#, id(&sim, call)));
        assert_eq!(told(&sim), ["message that is not JSON", "error BAD_MESSAGE", "2 BAD_MESSAGE"], "{rest}");
        assert_eq!((sim.outcome(other), sim.state()), (None, "ready"));
        assert_eq!(sim.session().stats().failed, 1);
    }
}

#[test]
fn the_same_in_the_event_dialect() {
    let mut sim = ready_in_event_dialect(defaults);
    for (before, rest) in [
        (r#"{"event":"response","data":{"id":"#, r#","results":nonsense}}"#),
        (r#"{"event":"error","data":{"requestId":"#, r#","message":nonsense}}"#),
        (r#"{"data":{"id":"#, r#","results":1},"event":"response"#),
    ] {
        let call = sim.tool("echo");
        let text = format!(r#"{before}"{}"{rest}"#, id(&sim, call));
        sim.server_says(&text);
        assert_eq!(failure(&sim, call).0, "BAD_MESSAGE", "{text}");
    }
}

#[test]
fn what_is_no_answer_rejects_nobody_though_it_names_an_id() {
    let mut sim = ready_in_event_dialect(defaults);
    let call = sim.tool("echo");
    let id = id(&sim, call);
    sim.server_says(&format!(r#"{{"event":"progress","data":{{"id":"{id}","percent":NaN}}}}"#));
    sim.server_says(&format!(r#"{{"id":"{id}","event":"response","data":nonsense}}"#));
    assert_eq!(sim.outcome(call), None);

    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    let id = self::id(&sim, call);
    sim.server_says(&format!(r#"{{"data":{{"id":"{id}"}},"x":nonsense}}"#));
    sim.server_says(&format!(r#"{{"id":"{}"#, &id[..id.len() - 1]));
    sim.server_says(&format!(r#"{{"id":"{id}"#));
    assert_eq!(sim.outcome(call), None);
}

#[test]
fn an_overruled_id_rejects_nobody() {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    sim.server_says(&format!(r#"{{"id":"{}","id":"other","results":nonsense}}"#, id(&sim, call)));
    assert_eq!(sim.outcome(call), None);
}

#[test]
fn an_auth_answer_that_is_not_json_authenticates_nobody() {
    let mut sim = authenticating(defaults);
    sim.server_says(r#"{"id":"auth","success":true"#);
    sim.server_says(r#"{"id":"auth","success":true}}"#);
    assert_eq!(sim.state(), "authenticating");
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn a_message_above_max_message_size_is_closed_with_1009_and_backed_off_from() {
    let mut sim = ready(defaults);
    sim.end(Ending { code: 1009, reason: "larger than maxMessageSize".into(), clean: false, too_large: true });
    assert_eq!((sim.state(), retry_delay(&sim), error_code(&sim)), ("reconnecting", 1000, Some("MESSAGE_TOO_LARGE")));
    assert_eq!(told(&sim)[..2], ["state reconnecting", "close 1009"]);
}

proptest! {
    #![proptest_config(search(64))]

    #[test]
    fn no_text_panics_or_settles_a_request_that_it_does_not_name(
        texts in prop::collection::vec(scraps(), 1..20),
        event in any::<bool>(),
    ) {
        let mut sim = if event { ready_in_event_dialect(defaults) } else { ready(defaults) };
        let call = sim.tool("echo");
        for text in texts {
            sim.server_says(&text);
            sim.advance(1);
        }
        prop_assert_eq!(sim.outcome(call), None);
        prop_assert!(sim.now().mono > Duration::ZERO);
    }
}

/// Texts made of what messages are made of.
fn scraps() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        " ",
        "null",
        "true",
        "1e999",
        "\"id\"",
        "\"results\"",
        "\"error\"",
        "\"event\"",
        "\"data\"",
        "\"response\"",
        "\"auth\"",
        "\"success\"",
        "\"messageType\"",
        "\"pong\"",
        "\"requestId\"",
        "\\ud800",
        "é",
        "\u{0}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}
