//! Rule 18: the words of a server in an error are cut, shared, and without the key.

use std::sync::Arc;

use super::*;
use mcp_protocol::{CallError, Fault, Secret};

const LONGEST: usize = 8 * 1024;
const KEY: &str = "hunter2-hunter2";

fn with_key(config: &mut Config) {
    config.token = TokenSource::Fixed(Secret::new(KEY));
}

fn error(sim: &Sim, payload: u32) -> &CallError {
    match sim.outcome(payload) {
        Some(Outcome::Failed(error)) => error,
        other => panic!("{payload} was to fail, but is {other:?}"),
    }
}

fn refusal(error: &str) -> String {
    format!(r#"{{"id":"auth","success":false,"error":{error}}}"#)
}

fn tool_error(error: &str) -> (Sim, u32) {
    let mut sim = ready(with_key);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("it was taken");
    sim.server_says(&format!(r#"{{"id":"{id}","error":{error}}}"#));
    (sim, call)
}

#[test]
fn a_long_refusal_is_cut_at_a_character_to_8_kib_and_ends_with_an_ellipsis() {
    for words in ["x".repeat(1_000_000), "é漢".repeat(100_000), r"\u00e9".repeat(100_000), r"\n".repeat(100_000)] {
        let mut sim = authenticating(defaults);
        sim.server_says(&refusal(&format!(r#"{{"message":"{words}"}}"#)));
        let message = sim.session().snapshot().error.expect("it was refused").message;
        assert!(message.len() <= LONGEST && message.len() > LONGEST - 8, "{}", message.len());
        assert!(message.ends_with('…') && !message.contains('\u{fffd}'));
    }
}

#[test]
fn words_of_8_kib_are_told_whole() {
    let words = "x".repeat(LONGEST);
    let mut sim = authenticating(defaults);
    sim.server_says(&refusal(&format!("{words:?}")));
    assert_eq!(sim.session().snapshot().error.expect("it was refused").message, words);
}

#[test]
fn all_the_calls_that_a_refusal_ends_share_its_words() {
    let mut sim = authenticating(defaults);
    let calls: Vec<u32> = (0..40).map(|_| sim.tool("echo")).collect();
    sim.server_says(&refusal(&format!("{:?}", "x".repeat(6_000_000))));
    for pair in calls.windows(2) {
        assert!(Arc::ptr_eq(&error(&sim, pair[0]).fault, &error(&sim, pair[1]).fault));
    }
}

#[test]
fn the_words_and_the_code_of_a_tool_error_are_cut_and_its_value_is_kept_whole() {
    let long = "x".repeat(100_000);
    let value = format!(r#"{{"message":"{long}","code":"{long}"}}"#);
    let (sim, call) = tool_error(&value);
    let Fault::Tool { message, code, data } = &*error(&sim, call).fault else { panic!("a tool error") };
    assert!(message.len() <= LONGEST && message.ends_with('…'));
    assert!(code.as_ref().is_some_and(|code| code.len() <= LONGEST && code.ends_with('…')));
    assert_eq!(**data, *value);
}

#[test]
fn the_json_of_an_error_has_the_value_as_it_came() {
    let value = r#"{ "message": "\ud800", "n": 1e999, "a": [1,  2] }"#;
    let (sim, call) = tool_error(value);
    let json = error(&sim, call).to_json();
    assert!(json.starts_with(r#"{"code":"TOOL_ERROR","#) && json.ends_with(&format!(r#","data":{value}}}"#)), "{json}");
}

#[test]
fn the_key_in_the_words_of_a_refusal_a_tool_or_a_close_frame_is_replaced() {
    let mut sim = authenticating(with_key);
    sim.server_says(&refusal(&format!(r#"{{"message":"no user has {KEY}"}}"#)));
    assert_eq!(sim.session().snapshot().error.expect("it was refused").message, "no user has [key]");
    let (sim, call) = tool_error(&format!(r#"{{"message":"{KEY} is over its quota","code":"{KEY}"}}"#));
    let data = error(&sim, call).data();
    assert_eq!((&*data.message, data.tool_code.as_deref()), ("[key] is over its quota", Some("[key]")));
    assert!(data.data.is_some_and(|value| value.contains(KEY)), "the value is the program's");
    let mut sim = ready(with_key);
    sim.server_closes(4401, &format!("{KEY} has expired"));
    let message = sim.session().snapshot().error.expect("it was closed").message;
    assert_eq!(message, "connection lost: closed with code 4401 ([key] has expired)");
}

#[test]
fn it_is_the_key_that_was_sent_last() {
    let mut sim = authenticating(asks_for_tokens);
    sim.token(Ok("from-the-function"));
    sim.server_says(ACCEPTED);
    sim.server_closes(4401, "from-the-function has expired");
    assert!(sim.session().snapshot().error.expect("it was closed").message.ends_with("([key] has expired)"));
    let mut sim = unauthorized(with_key);
    sim.authenticate(Some("another-key"));
    sim.server_says(&refusal(r#""no user has another-key""#));
    assert_eq!(sim.session().snapshot().error.expect("it was refused").message, "no user has [key]");
    sim.send(r#"{"id":"auth","token":"the users own"}"#);
    sim.server_says(&refusal(r#""no user has the users own""#));
    assert_eq!(sim.session().snapshot().error.expect("it was refused").message, "no user has [key]");
}

#[test]
fn what_a_key_function_threw_is_named_by_its_class_alone() {
    let mut sim = authenticating(asks_for_tokens);
    sim.token(Err("VaultError"));
    let error = sim.session().snapshot().error.expect("it has failed");
    assert_eq!(error.message, "the apiKey function gave no token");
}
