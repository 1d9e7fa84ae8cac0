//! Compression (RFC 7692, PROTOCOL.md rule 17), with servers that do as they should and with some that do not.

use std::{sync::Arc, thread};

use flate2::{Compress, Compression, FlushCompress};
use mcp_protocol::{Call, Config, Route, Secret, TokenSource};
use tokio::net::TcpStream;

use crate::support::{
    client::{Client, config, route},
    eventually,
    server::{
        BINARY, CLOSE, COMPRESSED, CONTINUATION, FIN, FLUSH_END, PING, Raw, Server, TEXT, accepting, answer, frame,
        header, text_frame,
    },
};

/// A server's compressor, which keeps its window between messages.
struct Compressor(Compress);

impl Compressor {
    fn new(window_bits: u8) -> Self {
        Self(Compress::new_with_window_bits(Compression::new(6), false, window_bits))
    }

    fn payload(&mut self, text: &[u8]) -> Vec<u8> {
        let mut payload = Vec::with_capacity(text.len() + 1000);
        self.0.compress_vec(text, &mut payload, FlushCompress::Sync).unwrap();
        payload.truncate(payload.len() - FLUSH_END.len());
        payload
    }
}

fn payload_of(text: &[u8]) -> Vec<u8> {
    Compressor::new(15).payload(text)
}

fn compressed_frame(text: &str) -> Vec<u8> {
    frame(FIN | COMPRESSED | TEXT, &payload_of(text.as_bytes()))
}

/// A client that is ready on a connection with compression by these parameters.
async fn ready(parameters: &str, config: Config) -> (Client, Raw<TcpStream>, Server) {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), config);
    let raw = server.ready_compressing(parameters).await;
    client.state("ready").await;
    (client, raw, server)
}

fn text_of(size: usize) -> String {
    let words = ["größe", "rank", "漢字", "snippet", "0.5", "document"];
    let mut text = String::from("{\"text\":\"");
    for n in 0.. {
        if text.len() >= size {
            break;
        }
        text += words[(n * n + n / 7) % words.len()];
    }
    text + "\"}"
}

#[tokio::test]
async fn compression_is_offered_unless_the_option_says_no() {
    for (compression, offer) in
        [(true, Some("permessage-deflate; client_max_window_bits; client_no_context_takeover")), (false, None)]
    {
        let server = Server::start().await;
        let client = Client::on(Route { compression, ..route(&server.url()) }, config());
        client.handle.connect(0);
        let request = Raw::new(server.tcp().await).request().await;
        assert_eq!(header(&request, "sec-websocket-extensions"), offer);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_as_offered_is_a_wrong_handshake() {
    for (compression, value) in [
        (true, "permessage-deflate; server_max_window_bits=16"),
        (true, "permessage-deflate; server_max_window_bits=7"),
        (true, "permessage-deflate; client_max_window_bits"),
        (true, "permessage-deflate; mystery"),
        (true, "permessage-deflate, permessage-deflate"),
        (true, "permessage-bzip2"),
        (false, "permessage-deflate"),
    ] {
        let server = Server::start().await;
        let mut client = Client::on(Route { compression, ..route(&server.url()) }, config());
        client.connect();
        let mut raw = Raw::new(server.tcp().await);
        let accepted = accepting(&raw.request().await);
        let answer = accepted.replacen("\r\n\r\n", &format!("\r\nSec-WebSocket-Extensions: {value}\r\n\r\n"), 1);
        raw.try_send(answer.as_bytes()).await;
        client.state("failed").await;
        let error = client.error().await;
        assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false), "{value}");
    }
}

#[tokio::test]
async fn what_a_server_compresses_is_inflated_with_the_window_that_was_agreed_on() {
    for (parameters, window_bits, keeps_context) in [
        ("", 15, true),
        ("; server_no_context_takeover", 15, false),
        ("; server_max_window_bits=9", 9, true),
        ("; server_max_window_bits=12; server_no_context_takeover; client_no_context_takeover", 12, false),
        ("; client_max_window_bits=8", 15, true),
    ] {
        let (mut client, mut raw, _server) = ready(parameters, config()).await;
        let mut compressor = Compressor::new(window_bits);
        for size in [100, 5_000, 2_000_000, 20, 100_000, 100_000] {
            let text = text_of(size);
            let payload = compressor.payload(text.as_bytes());
            let (first, rest) = payload.split_at(payload.len() / 3);
            raw.send(&frame(COMPRESSED | TEXT, first)).await;
            raw.send(&frame(FIN | PING, b"between")).await;
            raw.send(&frame(FIN | CONTINUATION, rest)).await;
            raw.send(&text_frame(r#"{"as":"it is"}"#)).await;
            assert_eq!(client.message().await, text, "{parameters:?}, {size}");
            assert_eq!(client.message().await, r#"{"as":"it is"}"#);
            if !keeps_context {
                compressor = Compressor::new(window_bits);
            }
        }
        raw.send(&frame(FIN | COMPRESSED | BINARY, &compressor.payload(b"{\"binary\":1}"))).await;
        assert_eq!(client.message().await, "{\"binary\":1}");
    }
}

/// Sends these bytes: the connection ends with this code, and the server hears it.
async fn is_told_off(what: &str, bytes: &[u8], code: u16) {
    let (mut client, mut raw, _server) = ready("", Config { max_message_size: 1 << 20, ..config() }).await;
    raw.try_send(bytes).await;
    let info = client.closed().await;
    assert_eq!((info.code, info.was_clean, info.will_reconnect), (code, false, true), "{what}: {}", info.reason);
    assert_eq!(raw.expect_frame().await.close_code(), code, "{what}");
}

#[tokio::test]
async fn a_reserved_bit_on_any_but_the_first_frame_of_a_message_ends_with_1002() {
    let payload = payload_of(b"{}");
    for (what, bytes) in [
        ("a ping", frame(FIN | COMPRESSED | PING, b"")),
        ("a close frame", frame(FIN | COMPRESSED | CLOSE, b"")),
        ("a continuation", [frame(COMPRESSED | TEXT, b""), frame(FIN | COMPRESSED | CONTINUATION, &payload)].concat()),
        ("a continuation of no compressed message", [frame(TEXT, b"{"), frame(FIN | COMPRESSED, b"}")].concat()),
        ("the second reserved bit", frame(FIN | COMPRESSED | 0x20 | TEXT, &payload)),
        ("the third reserved bit", frame(FIN | 0x10 | TEXT, b"{}")),
    ] {
        is_told_off(what, &bytes, 1002).await;
    }
}

#[tokio::test]
async fn what_does_not_inflate_ends_with_1007() {
    is_told_off("no block", &frame(FIN | COMPRESSED | TEXT, &[0xff; 20]), 1007).await;
    is_told_off("a reference to nothing", &frame(FIN | COMPRESSED | TEXT, &[0xf2, 0, 0x11, 0, 0]), 1007).await;
    is_told_off("a text that is not UTF-8", &frame(FIN | COMPRESSED | TEXT, &payload_of(&[b'"', 0xff])), 1007).await;
}

#[tokio::test]
async fn a_bomb_meets_the_limit_of_messages_not_memory() {
    // A gigabyte in a megabyte.
    let mut compressor = Compressor::new(15);
    let zeros = vec![0; 1 << 20];
    let mut bomb: Vec<u8> = Vec::new();
    for _ in 0..64 {
        bomb.extend(compressor.payload(&zeros));
        bomb.extend(FLUSH_END);
    }
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    is_told_off("a bomb", &frame(FIN | COMPRESSED | TEXT, &bomb.repeat(10)), 1009).await;
    is_told_off("in fragments", &[frame(COMPRESSED | TEXT, &bomb[..50]), frame(0, &bomb[50..])].concat(), 1009).await;
    is_told_off("one byte too many", &compressed_frame(&"x".repeat((1 << 20) + 1)), 1009).await;
    let (mut client, mut raw, _server) = ready("", Config { max_message_size: 1 << 20, ..config() }).await;
    raw.send(&compressed_frame(&format!("\"{}\"", "x".repeat((1 << 20) - 2)))).await;
    assert_eq!(client.message().await.len(), 1 << 20, "but exactly as many as are allowed");
}

#[tokio::test]
async fn an_answer_that_inflates_to_too_much_is_not_asked_for_again() {
    let (mut client, mut raw, _server) = ready("", Config { max_message_size: 10_000, ..config() }).await;
    let tag = client.tag();
    let call = Call { name: "big", parameters: None, timeout: None, idempotent: true, expects_connection: false };
    client.handle.request(call, tag).unwrap();
    client.handle.flush();
    let id = raw.expect_frame().await.json()["id"].as_str().unwrap().to_owned();
    raw.send(&compressed_frame(&answer(&id, &text_of(20_000)))).await;
    assert_eq!(client.failure(tag).await.fault.code(), "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn texts_from_1_kib_on_are_compressed_keys_never() {
    let key = "k".repeat(5_000);
    let token = TokenSource::Fixed(Secret::new(&key));
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), Config { token, ..config() });
    let mut raw = Raw::new(server.tcp().await);
    raw.upgrade_compressing("; client_no_context_takeover").await;
    let auth = raw.expect_frame().await;
    assert!(!auth.is_compressed && auth.text().contains(&key));
    raw.send(&text_frame(r#"{"id":"auth","success":true}"#)).await;
    client.state("ready").await;
    let before = client.handle.stats().bytes_sent;
    let users = format!(r#"{{"id":"auth","token":"{key}"}}"#);
    let long = format!(r#"{{"id":"auth","token":"{}"}}"#, key.repeat(10));
    let texts = [text_of(100), text_of(1_100), users, long, text_of(16_000), text_of(200_000)];
    for text in &texts {
        assert!(client.handle.send(text));
        client.handle.flush();
    }
    for (text, is_compressed) in texts.iter().zip([false, true, false, false, true, true]) {
        let frame = raw.expect_frame().await;
        assert_eq!((frame.text(), frame.is_compressed), (text.clone(), is_compressed));
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    assert_eq!(client.handle.stats().bytes_sent - before, bytes as u64, "before they were compressed");
}

#[tokio::test]
async fn a_server_that_allows_a_window_of_256_bytes_gets_texts_as_they_are() {
    let (client, mut raw, _server) = ready("; client_max_window_bits=8", config()).await;
    client.handle.send(&text_of(10_000));
    client.handle.flush();
    assert!(!raw.expect_frame().await.is_compressed);
}

#[tokio::test]
async fn the_buffer_counts_texts_as_they_are() {
    let bound = 1 << 20;
    let config = Config { max_buffered_amount: bound, ..config() };
    let (client, mut raw, _server) = ready("", config).await;
    let text = "x".repeat(300_000);
    let mut taken = 0;
    while client.handle.send(&text) {
        taken += 1;
        assert_eq!(client.handle.buffered_amount(), taken * text.len(), "none is written without a flush");
    }
    assert_eq!(taken, 3);
    client.handle.flush();
    for _ in 0..taken {
        assert_eq!(raw.expect_frame().await.text(), text);
    }
    eventually("an empty buffer", || client.handle.buffered_amount() == 0).await;
}

#[tokio::test]
async fn threads_that_compress_at_once_never_mix_their_frames_up() {
    let server = Server::start_narrow();
    let mut client = Client::connecting(&server.url(), Config { max_buffered_amount: 1 << 20, ..config() });
    let mut raw = server.ready_compressing("").await;
    client.state("ready").await;
    let (threads, each) = (3, 150);
    let handle = Arc::new(client.handle);
    let writers: Vec<_> = (0..threads)
        .map(|thread| {
            let handle = Arc::clone(&handle);
            thread::spawn(move || {
                for n in 0..each {
                    let size = [10, 2_000, 900, 40_000][n % 4];
                    let text = format!(r#"{{"thread":{thread},"n":{n},"pad":{}}}"#, text_of(size));
                    while !handle.send(&text) {
                        handle.flush();
                        thread::yield_now();
                    }
                    handle.flush();
                }
            })
        })
        .collect();
    let mut next = vec![0; threads];
    for _ in 0..threads * each {
        let text = raw.expect_frame().await.json();
        let thread = text["thread"].as_u64().unwrap() as usize;
        assert_eq!(text["n"], next[thread], "thread {thread} is out of order");
        next[thread] += 1;
    }
    for writer in writers {
        writer.join().unwrap();
    }
}

#[tokio::test]
async fn a_call_that_was_to_be_compressed_is_sent_again_on_a_connection_without() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut first = server.ready_compressing("").await;
    client.state("ready").await;
    let parameters = text_of(50_000);
    let call = client.call("once", &parameters);
    client.reconnect();
    client.handle.flush();
    assert_eq!(first.expect_frame().await.opcode, CLOSE, "the old connection must not get it");
    let mut second = server.ready_raw().await;
    let request = second.expect_frame().await;
    assert!(!request.is_compressed);
    let request = request.json();
    assert_eq!(request["parameters"].to_string().len(), parameters.len());
    second.send(&text_frame(&answer(request["id"].as_str().unwrap(), "1"))).await;
    assert_eq!(client.results(call).await, "1");
}
