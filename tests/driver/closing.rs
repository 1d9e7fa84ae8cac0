//! Goodbyes: the server's, ours, both at once, one that nobody answers, and none at all.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use mcp_protocol::{Config, Outcome};
use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::{
    client::{Client, config},
    server::{CLOSE, FIN, Server, TEXT, close_frame, frame, text_frame},
    within,
};

#[tokio::test]
async fn a_close_of_the_server_is_clean_and_its_answer_arrives() {
    for (code, reason, state) in [
        (1000, "bye", "closed"),
        (1001, "", "reconnecting"),
        (1008, "policy", "reconnecting"),
        (4321, "own", "reconnecting"),
    ] {
        let server = Server::start().await;
        let mut client = Client::connecting_to(&server.url());
        let mut raw = server.ready_raw().await;
        client.state("ready").await;
        raw.send(&close_frame(code, reason)).await;
        client.state(state).await;
        let info = client.closed().await;
        assert_eq!((info.code, info.reason.as_str(), info.was_clean), (code, reason, true));
        let answer = raw.expect_frame().await;
        assert_eq!(answer.close_code(), code);
        raw.hang_up().await;
    }
}

#[tokio::test]
async fn a_close_without_a_code_is_1005_and_is_answered_without_one() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    raw.send(&frame(FIN | CLOSE, b"")).await;
    let info = client.closed().await;
    assert_eq!((info.code, info.was_clean), (1005, true));
    assert_eq!(raw.expect_frame().await.payload, b"");
}

#[tokio::test]
async fn tungstenite_agrees_that_it_was_closed() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut ws = server.ready_ws().await;
    client.state("ready").await;
    let goodbye = CloseFrame { code: CloseCode::Restart, reason: "restart".into() };
    ws.send(Message::Close(Some(goodbye))).await;
    assert!(matches!(ws.next().await, Some(Message::Close(Some(frame))) if frame.code == CloseCode::Restart));
    // The stream ends without an error only after a closing handshake.
    assert!(within("the end", ws.socket.next()).await.is_none());
    assert_eq!(client.closed().await.code, 1012);
}

#[tokio::test]
async fn messages_before_the_servers_close_are_told_before_it() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let call = client.call("last", "{}");
    client.handle.flush();
    let request = raw.expect_frame().await.json();
    let answer = format!(r#"{{"results":1,"id":{}}}"#, request["id"]);
    raw.send(&[text_frame(&answer), close_frame(1012, "")].concat()).await;
    assert_eq!(client.results(call).await, "1");
    assert_eq!(client.closed().await.code, 1012);
}

#[tokio::test]
async fn our_close_frame_follows_all_that_was_handed_out() {
    let server = Server::start_narrow();
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let text = "x".repeat(100_000);
    for n in 0..50 {
        assert!(client.handle.send(&format!("{n} {text}")));
    }
    client.handle.flush();
    let closed = client.close(4000, "done, thanks");
    for n in 0..50 {
        let text = raw.expect_frame().await.text();
        assert!(text.starts_with(&format!("{n} ")) && text.len() > 100_000);
    }
    let goodbye = raw.expect_frame().await;
    assert_eq!((goodbye.close_code(), &goodbye.payload[2..]), (4000, b"done, thanks".as_slice()));
    raw.send(&close_frame(4000, "")).await;
    assert_eq!(client.outcome(closed).await, Outcome::Done);
    let info = client.closed().await;
    assert_eq!((info.code, info.was_clean, info.will_reconnect), (4000, true, false));
    raw.hang_up().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_our_close_is_waited_for_two_seconds() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let begin = Instant::now();
    let closed = client.close(1000, "");
    assert_eq!(raw.expect_frame().await.opcode, CLOSE);
    assert_eq!(client.outcome(closed).await, Outcome::Done);
    assert!(begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
    let info = client.closed().await;
    assert_eq!((info.code, info.was_clean), (1006, false));
    assert_eq!(raw.frame().await, None, "the socket is dropped");
}

#[tokio::test]
async fn closes_that_cross_are_one_handshake() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    // The client reads nothing, so its close frame crosses the server's.
    client.stop_reading(&mut raw).await;
    raw.send(&close_frame(1001, "mine")).await;
    let closed = client.close(4000, "ours");
    assert_eq!(raw.expect_frame().await.close_code(), 4000);
    client.full.send_replace(false);
    assert_eq!(client.outcome(closed).await, Outcome::Done);
    assert_eq!(client.closed().await.code, 1001);
    raw.hang_up().await;
}

#[tokio::test]
async fn the_answer_to_our_close_is_heard_though_nobody_drains() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    client.stop_reading(&mut raw).await;
    let closed = client.close(1000, "");
    assert_eq!(raw.expect_frame().await.opcode, CLOSE);
    raw.send(&[text_frame("2"), close_frame(1000, "")].concat()).await;
    assert_eq!(client.outcome(closed).await, Outcome::Done);
    assert!(client.closed().await.was_clean);
}

#[tokio::test]
async fn the_answer_to_the_servers_close_arrives_though_another_thread_is_writing() {
    let server = Server::start().await;
    let client = Client::connecting_to(&server.url());
    let handle = Arc::new(client.handle);
    let writer = Arc::clone(&handle);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            writer.send(r#"{"some":"text"}"#);
            writer.flush();
        }
    });
    for round in 0..100 {
        let mut raw = server.ready_raw().await;
        raw.expect_frame().await;
        raw.send(&close_frame(4100, "")).await;
        let last = loop {
            let frame = raw.expect_frame().await;
            if frame.opcode != TEXT {
                break frame;
            }
        };
        assert_eq!(last.close_code(), 4100, "round {round}");
        raw.hang_up().await;
    }
    drop(stop);
    writer.join().unwrap();
}

#[tokio::test]
async fn reconnect_says_goodbye_to_the_old_connection() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut first = server.ready_raw().await;
    client.state("ready").await;
    let reconnected = client.reconnect();
    assert_eq!(first.expect_frame().await.close_code(), 1000);
    let _second = server.ready_ws().await;
    assert_eq!(client.outcome(reconnected).await, Outcome::Done);
}

#[tokio::test]
async fn dropping_the_handle_drops_the_socket_and_the_task() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    client.drop_handle().await;
    assert_eq!(raw.frame().await, None);
}

#[tokio::test]
async fn a_dropped_handle_tells_nothing_more() {
    let server = Server::start().await;
    let mut client =
        Client::connecting(&server.url(), Config { heartbeat_interval: Some(Duration::from_millis(1)), ..config() });
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let flood = tokio::spawn(async move {
        // Until the client is gone.
        while raw.stream.write_all(&text_frame("1").repeat(1000)).await.is_ok() {}
    });
    client.message().await;
    let Client { handle, mut seen, .. } = client;
    drop(handle);
    while seen.try_recv().is_ok() {}
    assert!(within("the end of the task", seen.recv()).await.is_none(), "it told something after the drop");
    within("the end of the flood", flood).await.unwrap();
}
