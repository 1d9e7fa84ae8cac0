use std::time::Duration;

use mcp_mailbox::kind;
use serde_json::{Value, json};

use super::*;

const ACCEPTED: &str = r#"{"id":"auth","success":true}"#;
/// The connection of the first dial.
const FIRST: ConnectionId = ConnectionId(1);
const CALL: u32 = 7;
/// Of one message, in bytes.
const LIMIT: usize = 1_000;

fn now() -> Now {
    Now { mono: Duration::from_secs(1), wall: 1_700_000_000_000 }
}

fn config() -> Config {
    Config { max_message_size: LIMIT, ..Config::default() }
}

fn slot(number: u32) -> Slot {
    Slot::new(number, false)
}

/// A client that knows its only url, in `idle`.
fn idle() -> Client {
    Client::new(1, config(), Some(vec!["ws://h/?secret".to_owned()]), [0; 32], now())
}

/// The same in `ready`, with nothing to take.
fn ready() -> Client {
    let mut client = idle();
    client.connect(now(), slot(1));
    client.handle_open(now(), FIRST);
    client.handle_sent(FIRST);
    client.handle_text(now(), FIRST, ACCEPTED.into());
    outputs(&mut client);
    items(&mut client);
    assert_eq!(snapshot(&client)["state"], "ready");
    client
}

/// A client whose urls are asked for, with the name of that question.
fn asking() -> (Client, ConnectionId) {
    let mut client = Client::new(1, config(), None, [0; 32], now());
    client.connect(now(), slot(1));
    let asked = question(&mut client);
    (client, asked)
}

/// The name of the question for urls that waits among the items.
fn question(client: &mut Client) -> ConnectionId {
    let asked = items(client).into_iter().find(|item| item.kind == kind::ASK_URLS);
    ConnectionId(asked.expect("it asks").b)
}

fn urls(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("ws://{name}/")).collect()
}

fn call() -> Call<'static> {
    Call { name: "tool", parameters: Some("{}"), ..Call::default() }
}

/// A message of so many bytes that is JSON.
fn message(bytes: usize) -> ByteString {
    format!("\"{}\"", "x".repeat(bytes - 2)).into()
}

fn outputs(client: &mut Client) -> Vec<Output> {
    std::iter::from_fn(|| client.poll_output()).collect()
}

fn items(client: &mut Client) -> Vec<Item> {
    std::iter::from_fn(|| client.take_item()).collect()
}

fn snapshot(client: &Client) -> Value {
    parsed(&client.snapshot())
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("it is JSON")
}

/// The JSON in the items of this kind.
fn texts(items: &[Item], of: u8) -> Vec<Value> {
    let items = items.iter().filter(|item| item.kind == of);
    items.map(|item| parsed(item.payload.text().expect("it has a text"))).collect()
}

/// What the `close` event tells.
fn close_among(items: &[Item]) -> Value {
    let close = texts(items, kind::NOTICE).into_iter().find(|notice| notice["type"] == "close");
    close.expect("it has closed")["info"].clone()
}

fn close_info(client: &mut Client) -> Value {
    close_among(&items(client))
}

fn failures(client: &mut Client) -> Vec<Value> {
    texts(&items(client), kind::FAILED)
}

#[test]
fn four_messages_of_the_largest_size_may_wait_for_the_page_and_more_end_the_connection_with_1009() {
    let mut client = ready();
    for _ in 0..4 {
        client.handle_text(now(), FIRST, message(LIMIT));
    }
    assert_eq!((outputs(&mut client), &snapshot(&client)["state"]), (vec![], &json!("ready")));
    client.handle_text(now(), FIRST, message(2));
    assert_eq!(outputs(&mut client), [Output::Drop(FIRST, 4009)]);
    let info = close_info(&mut client);
    assert_eq!((&info["code"], &info["wasClean"]), (&json!(1009), &json!(false)));
    assert_eq!(info["reason"], "more than 4000 bytes wait for the page: 4 times maxMessageSize");
}

#[test]
fn what_a_message_leads_to_does_not_count_before_the_page_could_take_it() {
    let config = Config { max_message_size: ACCEPTED.len(), ..Config::default() };
    let mut client = Client::new(1, config, Some(urls(&["h"])), [0; 32], now());
    client.connect(now(), slot(1));
    items(&mut client);
    client.handle_open(now(), FIRST);
    items(&mut client);
    client.handle_text(now(), FIRST, ACCEPTED.into());
    assert!(client.items.bytes() > 4 * ACCEPTED.len());
    assert_eq!(snapshot(&client)["state"], "ready");
}

#[test]
fn what_the_page_has_taken_does_not_wait() {
    let mut client = ready();
    for _ in 0..9 {
        client.handle_text(now(), FIRST, message(LIMIT));
        items(&mut client);
    }
    assert_eq!(snapshot(&client)["state"], "ready");
}

#[test]
fn a_message_that_is_too_large_ends_the_connection_with_1009_and_is_not_told() {
    let with_text = |client: &mut Client| client.handle_text(now(), FIRST, message(LIMIT + 1));
    let with_bytes = |client: &mut Client| client.handle_binary(now(), FIRST, LIMIT + 1);
    for come in [with_text as fn(&mut Client), with_bytes] {
        let mut client = ready();
        come(&mut client);
        assert_eq!(outputs(&mut client), [Output::Drop(FIRST, 4009)]);
        let items = items(&mut client);
        assert!(items.iter().all(|item| item.kind != kind::MESSAGE));
        let info = close_among(&items);
        assert_eq!(info["code"], 1009);
        assert_eq!(info["reason"], "a message of 1001 bytes is larger than maxMessageSize (1000 bytes)");
    }
}

#[test]
fn an_idempotent_call_whose_answer_is_too_large_is_not_made_again() {
    let mut client = ready();
    client.request(now(), Call { idempotent: true, ..call() }, slot(CALL));
    assert!(matches!(outputs(&mut client)[..], [Output::Send(FIRST, _)]));
    client.handle_sent(FIRST);
    client.handle_text(now(), FIRST, message(LIMIT + 1));
    let failures = failures(&mut client);
    assert_eq!((failures.len(), &failures[0]["code"]), (1, &json!("MESSAGE_TOO_LARGE")));
}

#[test]
fn a_close_code_that_a_page_may_not_send_is_replaced_on_the_wire_and_told_as_it_is() {
    for (code, on_the_wire) in [(1001, 4001), (1009, 4009), (1000, 1000), (3000, 3000), (4999, 4999)] {
        let mut client = ready();
        client.close(now(), code, "bye", Duration::ZERO, slot(2));
        assert_eq!(outputs(&mut client), [Output::Close(FIRST, on_the_wire, "bye".to_owned())]);
        client.handle_closed(now(), FIRST, on_the_wire, "bye".to_owned(), true);
        let info = close_info(&mut client);
        assert_eq!((&info["code"], &info["wasClean"]), (&json!(code), &json!(true)));
    }
}

#[test]
fn the_servers_own_code_is_told_as_it_is() {
    let mut client = ready();
    client.handle_closed(now(), FIRST, 4009, "its own".to_owned(), true);
    assert_eq!(close_info(&mut client)["code"], 4009);

    let mut client = ready();
    client.close(now(), 1001, "bye", Duration::ZERO, slot(2));
    client.handle_closed(now(), FIRST, 1006, String::new(), false);
    assert_eq!(close_info(&mut client)["code"], 1006, "also if it is not the answer to ours");
}

#[test]
fn a_socket_that_is_given_up_without_a_code_is_told_that_the_page_goes_away() {
    let mut client = ready();
    let mut after = |seconds| {
        client.handle_timeout(Now { mono: now().mono + Duration::from_secs(seconds), ..now() });
        outputs(&mut client)
    };
    assert!(matches!(after(15)[..], [Output::Send(..)]), "a ping");
    assert_eq!(after(25), [Output::Drop(FIRST, 4001)]);
}

#[test]
fn urls_that_are_given_while_a_dial_is_on_its_way_are_those_of_the_next_one() {
    let (mut client, asked) = asking();
    assert!(client.answer_urls(now(), asked, urls(&["one", "two"])));
    let [Output::Dial(first, url)] = &outputs(&mut client)[..] else { panic!("it dials once") };
    assert_eq!(url, "ws://one/");
    client.reconnect(now(), slot(2));
    let asked_again = question(&mut client);
    assert_eq!(outputs(&mut client), [Output::Drop(*first, 4001)]);
    assert!(client.answer_urls(now(), asked_again, urls(&["three"])));
    assert!(matches!(&outputs(&mut client)[..], [Output::Dial(_, url)] if url == "ws://three/"));
}

#[test]
fn urls_that_nobody_asks_for_any_more_replace_nothing() {
    let (mut client, asked) = asking();
    assert!(client.answer_urls(now(), asked, urls(&["one", "two"])));
    let [Output::Dial(first, _)] = outputs(&mut client)[..] else { panic!("it dials once") };
    assert!(!client.answer_urls(now(), asked, urls(&["late"])));
    client.handle_dial_failed(now(), first, DialFailure::Page(mcp_protocol::PageFailure::Offline));
    assert!(matches!(&outputs(&mut client)[..], [Output::Dial(_, url)] if url == "ws://two/"));
}

#[test]
fn what_the_url_function_has_thrown_is_a_failed_dial() {
    let (mut client, asked) = asking();
    client.fail_urls(now(), asked, "TypeError".to_owned());
    assert_eq!(snapshot(&client)["error"]["code"], "CONNECT_FAILED");
    assert_eq!(outputs(&mut client), []);
}

#[test]
fn a_url_is_dialed_whole_and_shown_without_its_query() {
    let mut client = idle();
    client.connect(now(), slot(1));
    assert_eq!(outputs(&mut client), [Output::Dial(FIRST, "ws://h/?secret".to_owned())]);
    assert_eq!(snapshot(&client)["url"], "ws://h/");
}

#[test]
fn a_call_that_is_refused_is_settled_once() {
    let mut client = idle();
    client.request(now(), call(), slot(CALL));
    let items = items(&mut client);
    let [Item { kind: kind::FAILED, a: CALL, payload, .. }] = &items[..] else { panic!("{items:?}") };
    assert_eq!(parsed(payload.text().expect("an error"))["code"], "NOT_CONNECTED");
}

#[test]
fn a_call_that_may_be_aborted_is_refused_with_its_error_and_leaves_its_slot_free() {
    let mut client = idle();
    let error = client.request_abortable(now(), call(), slot(CALL)).expect_err("it is refused");
    assert_eq!(parsed(&error)["code"], "NOT_CONNECTED");
    let error = client.tools(now(), None, false, slot(CALL)).expect_err("it is refused");
    assert_eq!(parsed(&error)["code"], "NOT_CONNECTED");
    assert!(!client.has_items());
}

#[test]
fn a_call_that_was_aborted_is_not_settled() {
    let mut client = ready();
    let key = client.request_abortable(now(), call(), slot(CALL)).expect("it is taken");
    assert!(client.abort(now(), key));
    assert!(!client.abort(now(), key));
    client.handle_closed(now(), FIRST, 1006, String::new(), false);
    assert_eq!(failures(&mut client), Vec::<Value>::new());
}

#[test]
fn snapshot_and_statistics_tell_of_the_same_connection() {
    let mut client = ready();
    client.request(now(), call(), slot(CALL));
    outputs(&mut client);
    let stats = parsed(&client.stats());
    assert_eq!((&stats["state"], &stats["pending"], &stats["messagesSent"]), (&json!("ready"), &json!(1), &json!(2)));
    assert_eq!(snapshot(&client)["connected"], true);
}

/// The ids of the calls among these outputs, and their connections.
fn calls(outputs: &[Output]) -> Vec<(ConnectionId, String)> {
    let texts = outputs.iter().filter_map(|output| match output {
        Output::Send(connection, text) => Some((*connection, parsed(str::from_utf8(text).expect("it is UTF-8")))),
        _ => None,
    });
    texts.filter(|(_, text)| text["name"] == "tool").map(|(at, text)| (at, text["id"].to_string())).collect()
}

#[test]
fn texts_that_were_not_taken_when_their_connection_ends_are_sent_on_the_next_one_alone() {
    let mut client = ready();
    client.request(now(), call(), slot(CALL));
    client.handle_text(now(), FIRST, message(LIMIT + 1));
    assert_eq!(outputs(&mut client), [Output::Drop(FIRST, 4009)]);
    client.connect(now(), slot(1));
    let second = ConnectionId(2);
    client.handle_open(now(), second);
    client.handle_sent(second);
    client.handle_text(now(), second, ACCEPTED.into());
    assert_eq!(calls(&outputs(&mut client)).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [second]);
    assert_eq!(failures(&mut client), Vec::<Value>::new());
}

#[test]
fn texts_may_wait_while_eight_calls_are_in_flight_and_nothing_else_is_to_be_done() {
    let mut client = ready();
    let after_call = |client: &mut Client, number: u32| {
        client.request(now(), call(), slot(number));
        client.work()
    };
    assert_eq!(client.work(), Work::Nothing);
    assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|number| after_call(&mut client, number)), [Work::Now; 7]);
    assert_eq!(after_call(&mut client, 7), Work::MayGather);
    let sent = calls(&outputs(&mut client));
    assert_eq!(client.work(), Work::Nothing);
    let (_, id) = &sent[0];
    client.handle_text(now(), FIRST, format!(r#"{{"id":{id},"results":1}}"#).into());
    assert_eq!(client.work(), Work::Nothing);
    assert_eq!(after_call(&mut client, 0), Work::MayGather);
    client.handle_text(now(), FIRST, message(LIMIT + 1));
    assert_eq!(client.work(), Work::Now, "a socket is to be dropped");
}
