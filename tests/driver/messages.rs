//! What comes: whole, in pieces, with control frames between them, large, or not text at all.

use mcp_protocol::{Config, Interest};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::{
    client::{Client, Seen, config},
    server::{BINARY, CONTINUATION, FIN, PING, PONG, Server, TEXT, answer, frame, frame_head, text_frame},
};

#[tokio::test]
async fn fragments_make_one_message_even_when_cut_inside_a_character() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    let text = r#"{"text":"zwölf Boxkämpfer 漢字 😀"}"#;
    for cut in 1..text.len() - 1 {
        let (head, tail) = text.as_bytes().split_at(cut);
        let frames =
            [frame(TEXT, head), frame(CONTINUATION, b""), frame(CONTINUATION, &tail[..1]), frame(FIN, &tail[1..])];
        raw.send(&frames.concat()).await;
        assert_eq!(client.message().await, text, "cut at {cut}");
    }
}

#[tokio::test]
async fn control_frames_between_fragments_are_answered_and_disturb_nothing() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    raw.send(&frame(TEXT, br#"{"a""#)).await;
    raw.send(&frame(FIN | PING, b"one")).await;
    let pong = raw.expect_frame().await;
    assert_eq!((pong.opcode, pong.payload.as_slice()), (PONG, b"one".as_slice()));
    raw.send(&[frame(FIN | PONG, b"unasked"), frame(CONTINUATION, b":"), frame(FIN | PING, b"two")].concat()).await;
    assert_eq!(raw.expect_frame().await.payload, b"two");
    raw.send(&frame(FIN, b"1}")).await;
    assert_eq!(client.message().await, r#"{"a":1}"#);
}

#[tokio::test]
async fn bytes_that_come_one_by_one_are_put_together() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    for byte in text_frame(&format!(r#"{{"pad":"{}"}}"#, "x".repeat(200))) {
        raw.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.message().await.len(), 210);
}

#[tokio::test]
async fn a_frame_of_20_mib_is_taken() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut ws = server.ready_ws().await;
    client.state("ready").await;
    let call = client.call("big", "{}");
    client.handle.flush();
    let (id, _) = ws.call().await;
    let results = format!(r#""{}""#, "x".repeat(20 << 20));
    ws.answer(&id, &results).await;
    assert!(client.results(call).await == results);
}

#[tokio::test]
async fn a_binary_frame_of_utf_8_is_treated_as_text() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut ws = server.ready_ws().await;
    client.state("ready").await;
    let call = client.call("bytes", "{}");
    client.handle.flush();
    let (id, _) = ws.call().await;
    ws.send(Message::Binary(Bytes::from(answer(&id, r#""é""#)))).await;
    assert_eq!(client.results(call).await, r#""é""#);
}

#[tokio::test]
async fn binary_junk_is_a_bad_message_and_the_connection_lives_on() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    let junk = [frame(BINARY, b"\xff"), frame(FIN, b"\xfe"), frame(FIN | BINARY, b"\x80"), text_frame(r#"{"n":1}"#)];
    raw.send(&junk.concat()).await;
    assert_eq!(client.error().await.code, "BAD_MESSAGE");
    assert_eq!(client.error().await.code, "BAD_MESSAGE");
    assert_eq!(client.message().await, r#"{"n":1}"#);
}

#[tokio::test]
async fn a_flood_of_pings_does_not_hide_the_message_behind_it() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    // All of it is there before the client reads any: nothing more comes that would wake it.
    client.stop_reading(&mut raw).await;
    let mut flood = frame(FIN | PING, b"").repeat(20_000);
    flood.extend(text_frame(r#"{"n":1}"#));
    raw.send(&flood).await;
    client.full.send_replace(false);
    assert_eq!(client.message().await, r#"{"n":1}"#);
}

#[tokio::test]
async fn a_server_that_pings_and_never_reads_does_not_fill_the_memory() {
    let server = Server::start().await;
    let client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    let (pings, rounds) = (1_000_u32, 150_u32);
    for round in 0..rounds {
        let ping = |n: u32| frame(FIN | PING, format!("{:>125}", round * pings + n).as_bytes());
        raw.send(&(0..pings).flat_map(ping).collect::<Vec<u8>>()).await;
    }
    raw.send(&text_frame(r#"{"last":1}"#)).await;
    let last = format!("{:>125}", rounds * pings - 1).into_bytes();
    let mut pongs = 0;
    while raw.expect_frame().await.payload != last {
        pongs += 1;
    }
    // RFC 6455 § 5.5.3: it is enough to answer the latest.
    assert!(pongs < rounds * pings / 2, "{pongs} pongs were kept");
    drop(client);
}

#[tokio::test]
async fn a_ping_is_answered_while_much_waits_to_be_written() {
    let server = Server::start_narrow();
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let text = "x".repeat(1 << 20);
    for _ in 0..8 {
        assert!(client.handle.send(&text));
        client.handle.flush();
    }
    raw.send(&frame(FIN | PING, b"are you there?")).await;
    raw.send(&text_frame(r#"{"after":"the ping"}"#)).await;
    client.message().await;
    let (mut texts, mut pongs) = (0, 0);
    while texts < 8 || pongs < 1 {
        let next = raw.expect_frame().await;
        match next.opcode {
            TEXT => texts += 1,
            _ => {
                assert_eq!((next.opcode, next.payload.as_slice()), (PONG, b"are you there?".as_slice()));
                pongs += 1;
            }
        }
    }
}

#[tokio::test]
async fn many_messages_at_once_keep_their_order() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let count = 50_000;
    let server = tokio::spawn(async move {
        for block in 0..50 {
            let frames: Vec<u8> =
                (0..count / 50).flat_map(|n| text_frame(&(block * count / 50 + n).to_string())).collect();
            raw.send(&frames).await;
        }
        raw
    });
    for n in 0..count {
        assert_eq!(client.message().await, n.to_string());
    }
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_message_that_nobody_wants_is_told_to_nobody() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), Config { max_message_size: 1000, ..config() });
    client.handle.set_interest(Interest::default());
    let mut ws = server.ready_ws().await;
    client.state("ready").await;
    ws.say(r#"{"n":1}"#).await;
    let call = client.call("x", "{}");
    client.handle.flush();
    let (id, _) = ws.call().await;
    ws.answer(&id, "1").await;
    client.results(call).await;
    let told = client.drop_handle().await;
    assert!(!told.iter().any(|seen| matches!(seen, Seen::Message(_))), "{told:?}");
}

#[tokio::test]
async fn a_message_as_large_as_allowed_is_taken_in_one_frame_and_in_many() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), Config { max_message_size: 1000, ..config() });
    let mut raw = server.ready_raw().await;
    let text = format!(r#""{}""#, "x".repeat(998));
    raw.send(&text_frame(&text)).await;
    assert_eq!(client.message().await, text);
    raw.send(&[frame(TEXT, &text.as_bytes()[..600]), frame(FIN, &text.as_bytes()[600..])].concat()).await;
    assert_eq!(client.message().await, text);
    raw.send(&frame_head(FIN | TEXT, 1001)).await;
    assert_eq!(client.closed().await.code, 1009);
}
