//! While nobody drains, reading stops: the server has to wait, and nothing is lost, reordered or taken for dead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_protocol::{Config, Notice};
use tokio::io::AsyncWriteExt;

use crate::support::{
    client::{Client, Seen, config},
    eventually,
    server::{PONG, Server, text_frame},
    within,
};

#[tokio::test]
async fn a_full_sink_makes_the_server_wait_and_a_drained_one_gets_all_in_order() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    client.stop_reading(&mut raw).await;
    let (messages, pad) = (1000, "x".repeat(20_000));
    let written = Arc::new(AtomicUsize::new(0));
    let progress = Arc::clone(&written);
    let sender = tokio::spawn(async move {
        for n in 0..messages {
            raw.stream.write_all(&text_frame(&format!(r#"{{"n":{n},"pad":"{pad}"}}"#))).await.unwrap();
            progress.store(n + 1, Ordering::Relaxed);
        }
        raw
    });
    // The kernel's buffers fill up, and then the server stands still.
    let mut before = usize::MAX;
    while before != written.load(Ordering::Relaxed) {
        before = written.load(Ordering::Relaxed);
        wait_for_a_timeout(&mut client, 100).await;
    }
    assert!(before < messages, "all of it went somewhere");
    let told: Vec<usize> = client.claim(|seen| match seen {
        Seen::Message(text) => Some(text.len()),
        _ => None,
    });
    assert!(told.iter().sum::<usize>() < 1 << 20, "reading has not stopped");
    client.full.send_replace(false);
    for n in 0..messages {
        let message = client.message().await;
        assert!(message.starts_with(&format!(r#"{{"n":{n},"#)), "{n}: {message:.40}");
    }
    drop(within("the sender", sender).await.unwrap());
}

#[tokio::test]
async fn the_heartbeat_does_not_take_a_pause_for_death() {
    let server = Server::start().await;
    let (interval, timeout) = (Some(Duration::from_millis(20)), Duration::from_millis(300));
    let times = Config { heartbeat_interval: interval, heartbeat_timeout: timeout, ..config() };
    let mut client = Client::connecting(&server.url(), times);
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    client.stop_reading(&mut raw).await;
    let pongs = tokio::spawn(async move {
        while let Some(frame) = raw.frame().await {
            if frame.json()["messageType"] == "ping" {
                raw.try_send(&text_frame(r#"{"messageType":"pong","timestamp":1}"#)).await;
            }
        }
    });
    // Twice what an open ear would bear.
    wait_for_a_timeout(&mut client, 600).await;
    client.full.send_replace(false);
    let heartbeat = |notice: &Notice| matches!(notice, Notice::Heartbeat { .. }).then_some(());
    for _ in 0..3 {
        client.notice("a heartbeat", heartbeat).await;
    }
    assert_eq!((client.handle.snapshot().state, client.handle.stats().reconnects), ("ready", 0));
    drop(client);
    within("the end", pongs).await.unwrap();
}

#[tokio::test]
async fn writing_goes_on_while_reading_is_paused() {
    let server = Server::start_narrow();
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    client.stop_reading(&mut raw).await;
    let text = "x".repeat(1 << 20);
    for _ in 0..6 {
        assert!(client.handle.send(&text));
        client.handle.flush();
    }
    for _ in 0..6 {
        let frame = raw.expect_frame().await;
        assert!(frame.opcode != PONG && frame.payload.len() == 1 << 20);
    }
    eventually("an empty buffer", || client.handle.buffered_amount() == 0).await;
}

/// Lets the client's own clock run for `millis`: a call that nobody answers.
async fn wait_for_a_timeout(client: &mut Client, millis: u64) {
    let call = client.call_within(Some(Duration::from_millis(millis)), "nobody answers", "{}");
    assert_eq!(client.failure(call).await.fault.code(), "REQUEST_TIMEOUT");
}
