//! Rule 3: a request marked `idempotent` is sent again, at most twice.

use super::*;
use mcp_protocol::{Call, Ending};

fn lose_and_come_back(sim: &mut Sim) {
    sim.drop_connection();
    come_back(sim);
}

#[test]
fn it_is_sent_again_on_the_next_connection_under_the_same_id() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    let first = sent(&sim);
    sim.drop_connection();
    assert_eq!(sim.outcome(call), None);
    assert_eq!((sim.session().stats().pending, sim.session().stats().queued), (0, 1));
    sim.forget();
    come_back(&mut sim);
    assert_eq!(sent(&sim).last(), first.last());
    sim.server_answers(call, "42");
    assert_eq!(results(&sim, call).as_deref(), Some("42"));
}

#[test]
fn it_is_sent_again_at_most_twice() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    lose_and_come_back(&mut sim);
    lose_and_come_back(&mut sim);
    assert_eq!(sim.outcome(call), None);
    lose_and_come_back(&mut sim);
    assert_eq!(failure(&sim, call), ("CONNECTION_LOST", Some(true)));
    assert_eq!(tools_sent(&sim), ["search"; 3]);
}

#[test]
fn a_loss_before_it_left_again_does_not_count() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    for _ in 0..5 {
        sim.drop_connection();
        wait_for_the_dial(&mut sim);
        sim.open();
    }
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["search"; 2]);
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
}

#[test]
fn the_order_of_the_calls_is_kept_and_what_was_queued_comes_after() {
    let mut sim = ready(defaults);
    for name in ["a", "b", "c"] {
        sim.idempotent_tool(name);
    }
    let lost = sim.tool("lost");
    sim.idempotent_tool("d");
    sim.drop_connection();
    assert_eq!(failure(&sim, lost).0, "CONNECTION_LOST");
    sim.tool("e");
    sim.forget();
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["a", "b", "c", "d", "e"]);
}

#[test]
fn its_timeout_still_runs_from_the_call() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = sim.idempotent_tool("search");
    sim.advance(29_000);
    sim.drop_connection();
    sim.advance(999);
    assert_eq!(sim.outcome(call), None);
    sim.advance(1);
    assert_eq!(failure(&sim, call).0, "REQUEST_TIMEOUT");
}

#[test]
fn reconnect_called_by_the_user_sends_it_again_too() {
    let mut sim = ready(defaults);
    sim.idempotent_tool("search");
    sim.reconnect();
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["search"; 2]);
}

#[test]
fn one_that_is_not_idempotent_is_never_sent_twice() {
    let mut sim = ready(defaults);
    sim.tool("pay");
    lose_and_come_back(&mut sim);
    lose_and_come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["pay"]);
}

#[test]
fn it_is_sent_again_in_the_dialect_of_the_new_connection() {
    let mut sim = ready(defaults);
    let parameters = Call { parameters: Some(r#"{"q":1}"#), idempotent: true, ..sim.usual_call("search") };
    let call = sim.call(parameters);
    let id = sim.id(call).expect("taken");
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(SCHEMAS);
    let event = format!(r#"{{"type":"mcp_request","request":{{"id":"{id}","name":"search","parameters":{{"q":1}}}}}}"#);
    assert_eq!(sent(&sim).last(), Some(&event));
    sim.drop_connection();
    come_back(&mut sim);
    let guide = format!(r#"{{"id":"{id}","name":"search","parameters":{{"q":1}}}}"#);
    assert_eq!(sent(&sim).last(), Some(&guide));
}

#[test]
fn after_a_message_above_max_message_size_it_is_rejected_and_not_sent_again() {
    let mut sim = ready(defaults);
    let plain = sim.tool("plain");
    let idempotent = sim.idempotent_tool("search");
    sim.end(Ending { code: 1009, reason: "too big".into(), clean: false, too_large: true });
    assert_eq!(failure(&sim, idempotent), ("MESSAGE_TOO_LARGE", Some(true)));
    assert_eq!(failure(&sim, plain), ("CONNECTION_LOST", Some(true)));
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["plain", "search"]);
}

#[test]
fn a_1009_of_the_servers_own_is_a_close_like_any_other() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    sim.server_closes(1009, "your message is too big");
    assert_eq!(sim.outcome(call), None);
    come_back(&mut sim);
    assert_eq!(tools_sent(&sim), ["search"; 2]);
}

#[test]
fn an_answer_that_comes_before_it_is_sent_again_settles_it() {
    let mut sim = ready(defaults);
    let call = sim.idempotent_tool("search");
    sim.drop_connection();
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_answers(call, "1");
    assert!(results(&sim, call).is_some());
    sim.server_says(ACCEPTED);
    assert_eq!(tools_sent(&sim), ["search"]);
}

#[test]
fn requests_in_flight_of_an_unauthorized_connection_are_lost_and_sent_again_like_any_other() {
    let mut sim = ready(defaults);
    let plain = sim.tool("plain");
    let idempotent = sim.idempotent_tool("search");
    sim.server_says(REFUSED);
    sim.server_closes(1008, "");
    assert_eq!(failure(&sim, plain), ("CONNECTION_LOST", Some(true)));
    come_back(&mut sim);
    sim.server_answers(idempotent, "1");
    assert!(results(&sim, idempotent).is_some());
}
