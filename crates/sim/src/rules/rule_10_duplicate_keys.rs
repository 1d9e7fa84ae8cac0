//! Rule 10: of duplicate keys the last wins, keys come in any order.

use super::*;

/// What becomes of one call when this comes, with `ID` in place of its id.
fn after(template: &str) -> Sim {
    let mut sim = ready(defaults);
    let call = sim.tool("echo");
    assert_eq!(call, CALL);
    let id = sim.id(call).expect("taken").to_string();
    sim.server_says(&template.replace("ID", &id));
    sim
}

const CALL: u32 = 2;

#[test]
fn results_may_come_before_id() {
    assert_eq!(results(&after(r#"{"results":{"id":"x"},"id":"ID"}"#), CALL).as_deref(), Some(r#"{"id":"x"}"#));
    assert_eq!(failure(&after(r#"{"error":"no","id":"ID"}"#), CALL).0, "TOOL_ERROR");
}

#[test]
fn of_two_results_the_last_wins() {
    assert_eq!(results(&after(r#"{"results":1,"id":"ID","results":2}"#), CALL).as_deref(), Some("2"));
}

#[test]
fn of_two_ids_the_last_wins() {
    assert!(results(&after(r#"{"id":"other","id":"ID","results":1}"#), CALL).is_some());
    let sim = after(r#"{"id":"ID","results":1,"id":"other"}"#);
    assert_eq!((sim.outcome(CALL), sim.session().stats().late_responses), (None, 1));
    let sim = after(r#"{"id":"ID","results":1,"id":null}"#);
    assert_eq!(sim.outcome(CALL), None);
}

#[test]
fn of_two_errors_the_last_wins() {
    assert_eq!(results(&after(r#"{"id":"ID","error":"no","results":1,"error":null}"#), CALL).as_deref(), Some("1"));
    assert_eq!(message(&after(r#"{"id":"ID","error":null,"results":1,"error":"no"}"#), CALL), "no");
}

#[test]
fn an_escaped_key_is_the_same_key() {
    assert_eq!(results(&after(r#"{"id":"ID","results":1,"\u0072esults":2}"#), CALL).as_deref(), Some("2"));
}

#[test]
fn keys_of_inner_objects_are_no_keys_of_the_envelope() {
    let sim = after(r#"{"x":{"id":"ID","results":1},"y":[{"id":"ID"}]}"#);
    assert_eq!((sim.outcome(CALL), told(&sim)), (None, vec!["message".to_owned()]));
}

#[test]
fn of_two_auth_answers_in_one_message_the_last_wins() {
    let mut sim = authenticating(defaults);
    sim.server_says(r#"{"success":true,"id":"auth","success":false}"#);
    assert_eq!(sim.state(), "unauthorized");
    sim.server_says(r#"{"success":false,"id":"auth","success":true}"#);
    assert_eq!(sim.state(), "ready");
}

#[test]
fn the_same_holds_in_the_event_dialect() {
    let mut sim = ready_in_event_dialect(defaults);
    let call = sim.tool("echo");
    let id = sim.id(call).expect("taken");
    sim.server_says(&format!(r#"{{"data":{{"id":"{id}","results":1}},"event":"response","data":{{"results":2}}}}"#));
    assert_eq!(sim.outcome(call), None, "the last data has no id");
    sim.server_says(&format!(
        r#"{{"data":{{"results":1,"id":"x","results":2,"id":"{id}"}},"event":"error","event":"response"}}"#
    ));
    assert_eq!(results(&sim, call).as_deref(), Some("2"));
}
