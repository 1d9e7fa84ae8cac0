//! The answer to the upgrade, by PROTOCOL.md rule 13: what opens a WebSocket, and what is a wrong handshake.

use mcp_protocol::Route;

use crate::support::{
    client::{Client, config, route},
    server::{Raw, Server, accepting, text_frame},
};

/// Answers a client that offers the subprotocols `a` and `b`, or none, with what `change` makes of the usual answer.
async fn answer(offers: bool, change: impl FnOnce(String) -> String) -> (Client, Raw<tokio::net::TcpStream>) {
    let server = Server::start().await;
    let protocols = ["a".to_owned(), "b".to_owned()].into_iter().filter(|_| offers).collect();
    let mut client = Client::on(Route { protocols, ..route(&server.url()) }, config());
    client.connect();
    let mut raw = Raw::new(server.tcp().await);
    let request = raw.request().await;
    let answer = change(accepting(&request));
    raw.try_send(answer.as_bytes()).await;
    (client, raw)
}

async fn opens(what: &str, change: impl FnOnce(String) -> String) {
    let (client, raw) = answer(false, change).await;
    is_open(what, client, raw).await;
}

async fn is_open(what: &str, mut client: Client, mut raw: Raw<tokio::net::TcpStream>) {
    raw.authenticate().await;
    assert_eq!(client.state("ready").await.state, "ready", "{what}");
}

/// The client fails for good, and the cause says this.
async fn is_wrong(offers: bool, words: &str, change: impl FnOnce(String) -> String) {
    let (mut client, _raw) = answer(offers, change).await;
    client.state("failed").await;
    let error = client.error().await;
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false), "{words}");
    assert!(error.message.ends_with("the answer to the upgrade is not a WebSocket handshake"), "{}", error.message);
    let cause = error.system_cause.expect("the fault of the answer").message;
    assert!(cause.contains(words), "{cause:?} does not say {words:?}");
}

/// The usual answer with one line more.
fn with(line: &str) -> impl FnOnce(String) -> String {
    move |answer| answer.replacen("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"), 1)
}

fn with_connection(lines: &str) -> impl FnOnce(String) -> String {
    move |answer| answer.replace("Connection: Upgrade", lines)
}

#[tokio::test]
async fn connection_is_a_list_of_tokens_that_contains_upgrade() {
    for lines in [
        "Connection: upgrade",
        "Connection: keep-alive, Upgrade",
        "connection:UPGRADE ,keep-alive",
        "Connection: keep-alive\r\nConnection: x, upgrade\r\nConnection: close",
    ] {
        opens(lines, with_connection(lines)).await;
    }
    for lines in ["Connection: keep-alive", "Connection: upgraded", "Connection: up grade", "Connection:", "X: upgrade"]
    {
        is_wrong(false, "Connection does not contain Upgrade", with_connection(lines)).await;
    }
}

#[tokio::test]
async fn upgrade_is_websocket_in_any_case() {
    opens("capitals", |answer| answer.replace("Upgrade: websocket", "UPGRADE: WebSocket")).await;
    for line in ["Upgrade: h2c", "Upgrade: websocket, h2c", "X: websocket"] {
        is_wrong(false, "Upgrade is not websocket", |answer| answer.replace("Upgrade: websocket", line)).await;
    }
}

#[tokio::test]
async fn interim_answers_before_the_101_are_skipped() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nConnection: close\r\n\r\n";
    for before in ["HTTP/1.1 100 Continue\r\n\r\n", hints, &["HTTP/1.1 102\r\n\r\n", hints, hints].concat()] {
        opens(before, |answer| [before, &answer].concat()).await;
    }
}

#[tokio::test]
async fn interim_answers_that_come_by_themselves_are_skipped() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    let request = raw.request().await;
    for part in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early", " Hints\r\n\r\n", &accepting(&request)] {
        raw.send(part.as_bytes()).await;
        tokio::task::yield_now().await;
    }
    raw.authenticate().await;
    client.state("ready").await;
}

#[tokio::test]
async fn an_answer_may_have_any_number_of_headers_within_64_kib() {
    let headers = |count: usize| "x: y\r\n".repeat(count);
    opens("1,000 headers", |answer| answer.replace("Upgrade: web", &format!("{}Upgrade: web", headers(1_000)))).await;
    opens("10,000 headers", |answer| answer.replace("Upgrade: web", &format!("{}Upgrade: web", headers(10_000)))).await;
    opens("a long header", with(&format!("Set-Cookie: {}", "x".repeat(60_000)))).await;
    is_wrong(false, "longer than 65536 bytes", with(headers(11_000).trim_end())).await;
    is_wrong(false, "longer than 65536 bytes", with(&format!("Set-Cookie: {}", "x".repeat(70_000)))).await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_at_64_kib() {
    is_wrong(false, "longer than 65536 bytes", |_| format!("HTTP/1.1 101 Switching\r\nx: {}", "y".repeat(70_000)))
        .await;
    is_wrong(false, "longer than 65536 bytes", |_| "HTTP/1.1 100 Continue\r\n\r\n".repeat(3_000)).await;
}

#[tokio::test]
async fn bytes_behind_the_head_belong_to_the_first_frame() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    let request = raw.request().await;
    let frames = [text_frame(r#"{"n":1}"#), text_frame(&format!(r#"{{"n":"{}"}}"#, "x".repeat(9_000)))].concat();
    let (early, late) = frames.split_at(3);
    raw.send(&[accepting(&request).as_bytes(), early].concat()).await;
    raw.send(late).await;
    assert_eq!(client.message().await, r#"{"n":1}"#);
    assert_eq!(client.message().await.len(), 9_008);
}

#[tokio::test]
async fn an_extension_that_was_not_offered_is_wrong() {
    for extension in ["permessage-bzip2", "x-unheard-of; a=1", ""] {
        let line = format!("Sec-WebSocket-Extensions: {extension}");
        is_wrong(false, "an extension was chosen that was not offered", with(&line)).await;
    }
}

#[tokio::test]
async fn the_server_chooses_one_of_the_subprotocols_that_were_offered() {
    for protocol in ["a", "b"] {
        let (client, raw) = answer(true, with(&format!("Sec-WebSocket-Protocol: {protocol}"))).await;
        is_open(protocol, client, raw).await;
    }
    let not_offered = "a subprotocol was chosen that was not offered";
    is_wrong(false, not_offered, with("Sec-WebSocket-Protocol: a")).await;
    for protocol in ["c", "A", "a, b", ""] {
        is_wrong(true, not_offered, with(&format!("Sec-WebSocket-Protocol: {protocol}"))).await;
    }
    for second in ["a", "b"] {
        let lines = format!("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: {second}");
        is_wrong(true, "there are two Sec-WebSocket-Protocol", with(&lines)).await;
    }
    // As in browsers, and as RFC 6455 § 4.1 is read by most: who offers some cannot do without.
    is_wrong(true, "none of the offered subprotocols was chosen", |answer| answer).await;
}

#[tokio::test]
async fn every_sec_websocket_accept_must_fit_the_key() {
    let accept =
        |answer: &str| answer.lines().find(|line| line.starts_with("Sec-WebSocket-Accept")).unwrap().to_owned();
    opens("twice the same", |answer| with(&accept(&answer))(answer)).await;
    let wrong = "Sec-WebSocket-Accept does not fit the key";
    is_wrong(false, wrong, with("Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=")).await;
    is_wrong(false, wrong, |answer| {
        answer.replace(&accept(&answer), "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    })
    .await;
    is_wrong(false, wrong, |answer| answer.replace("Sec-WebSocket-Accept", "X")).await;
}

#[tokio::test]
async fn a_101_of_http_1_0_is_wrong_but_any_other_status_of_it_counts() {
    is_wrong(false, "it is not HTTP/1.1", |answer| answer.replace("HTTP/1.1", "HTTP/1.0")).await;
    let (mut client, _raw) = answer(false, |_| "HTTP/1.0 503 Service Unavailable\r\n\r\n".to_owned()).await;
    client.state("reconnecting").await;
    assert_eq!(client.error().await.status, Some(503));
}

#[tokio::test]
async fn what_is_no_http_is_wrong_before_it_has_a_line() {
    is_wrong(false, "it is not HTTP", |_| "SSH-2.0".to_owned()).await;
    is_wrong(false, "it is not HTTP", |answer| answer.replace("Upgrade: websocket", "no header")).await;
}
