//! What no server may send, and connections that break off: each ends with its code, and the server hears why.

use mcp_protocol::{Call, Config};
use tokio::io::AsyncWriteExt;

use crate::support::{
    client::{Client, config},
    server::{
        BINARY, CLOSE, CONTINUATION, FIN, PING, Server, TEXT, answer, close_frame, frame, frame_head, text_frame,
    },
    within,
};

/// Sends these bytes: the client's close event has this code, and so has the close frame that reaches the server.
async fn is_told_off(what: &str, bytes: &[u8], code: u16) {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), Config { max_message_size: 1000, ..config() });
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    raw.send(bytes).await;
    let info = client.closed().await;
    assert_eq!((info.code, info.was_clean, info.will_reconnect), (code, false, true), "{what}");
    assert_eq!(raw.expect_frame().await.close_code(), code, "{what}");
    raw.hang_up().await;
}

#[tokio::test]
async fn broken_frames_end_with_1002() {
    let masked = [&[FIN | TEXT, 0x80 | 2, 1, 2, 3, 4][..], &[b'{' ^ 1, b'}' ^ 2]].concat();
    for (what, bytes) in [
        ("the first reserved bit", frame(FIN | 0x40 | TEXT, b"{}")),
        ("the second reserved bit", frame(FIN | 0x20 | TEXT, b"{}")),
        ("the third reserved bit", frame(FIN | 0x10 | TEXT, b"{}")),
        ("a masked frame", masked),
        ("opcode 3", frame(FIN | 3, b"{}")),
        ("opcode 11", frame(FIN | 11, b"")),
        ("a fragmented ping", frame(PING, b"x")),
        ("a ping of 126 bytes", frame(FIN | PING, &[b'x'; 126])),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"{}")),
        ("a message within a message", [frame(TEXT, b"{"), frame(FIN | TEXT, b"{}")].concat()),
        ("a close frame of one byte", frame(FIN | CLOSE, b"x")),
    ] {
        is_told_off(what, &bytes, 1002).await;
    }
}

#[tokio::test]
async fn a_close_code_that_must_not_be_sent_ends_with_1002_and_a_reason_that_names_it() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        let server = Server::start().await;
        let mut client = Client::connecting(&server.url(), config());
        let mut raw = server.ready_raw().await;
        client.state("ready").await;
        raw.send(&close_frame(code, "bye")).await;
        let info = client.closed().await;
        assert_eq!((info.code, info.was_clean), (1002, false), "{code}");
        assert!(info.reason.contains(&code.to_string()), "{}", info.reason);
        assert_eq!(raw.expect_frame().await.close_code(), 1002, "{code}");
    }
}

#[tokio::test]
async fn every_other_close_code_is_taken_and_answered_in_kind() {
    for code in [1000, 1003, 1007, 1012, 1013, 1014, 3000, 4999] {
        let server = Server::start().await;
        let mut client = Client::connecting(&server.url(), config());
        let mut raw = server.ready_raw().await;
        client.state("ready").await;
        raw.send(&close_frame(code, "bye")).await;
        let info = client.closed().await;
        assert_eq!((info.code, info.was_clean, info.reason.as_str()), (code, true, "bye"));
        assert_eq!(raw.expect_frame().await.close_code(), code);
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_ends_with_1007() {
    is_told_off("a text", &frame(FIN | TEXT, b"{\"a\":\"\xff\"}"), 1007).await;
    is_told_off("a cut character", &frame(FIN | TEXT, b"\"\xc3"), 1007).await;
    is_told_off("a fragment", &[frame(TEXT, b"\"\xc3"), frame(FIN, b"\x28\"")].concat(), 1007).await;
    is_told_off("a surrogate", &frame(FIN | TEXT, b"\"\xed\xa0\x80\""), 1007).await;
    is_told_off("a close reason", &close_frame_of(b"\x03\xe8\xff"), 1007).await;
}

fn close_frame_of(payload: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, payload)
}

#[tokio::test]
async fn a_message_too_large_ends_with_1009() {
    is_told_off("by its head", &frame_head(FIN | TEXT, 1001), 1009).await;
    is_told_off("by far", &frame_head(FIN | BINARY, usize::MAX >> 1), 1009).await;
    is_told_off("in pieces", &[frame(TEXT, &[b'x'; 600]), frame(FIN, &[b'x'; 600])].concat(), 1009).await;
}

#[tokio::test]
async fn the_1009_reaches_a_server_that_is_still_sending_its_message() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), Config { max_message_size: 1 << 20, ..config() });
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let tag = client.tag();
    let call = Call { name: "big", idempotent: true, ..Call::default() };
    client.handle.request(call, tag).unwrap();
    client.handle.flush();
    let request = raw.expect_frame().await.json();
    let text = answer(request["id"].as_str().unwrap(), &format!(r#""{}""#, "x".repeat(32 << 20)));
    // A simple server writes all of its answer before it reads again.
    raw.send(&text_frame(&text)).await;
    assert_eq!(raw.expect_frame().await.close_code(), 1009);
    let info = client.closed().await;
    assert!(info.code == 1009 && info.reason.contains("maxMessageSize"), "{info:?}");
    assert_eq!(client.failure(tag).await.fault.code(), "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn a_connection_may_break_off_anywhere() {
    let text = format!(r#"{{"pad":"{}"}}"#, "x".repeat(300));
    let (whole, ping) = (text_frame(&text), frame(FIN | PING, b"abc"));
    let fragment = frame(TEXT, &text.as_bytes()[..100]);
    for (what, bytes) in [
        ("between frames", &[][..]),
        ("in a head", &whole[..1]),
        ("in a length", &whole[..3]),
        ("in a payload", &whole[..200]),
        ("in a ping", &ping[..3]),
        ("between fragments", &fragment),
        ("in a close frame", &close_frame(1000, "bye")[..3]),
    ] {
        for reset in [false, true] {
            let server = Server::start().await;
            let mut client = Client::connecting_to(&server.url());
            let mut raw = server.ready_raw().await;
            client.state("ready").await;
            raw.send(&[text_frame(r#"{"n":1}"#), bytes.to_vec()].concat()).await;
            assert_eq!(client.message().await, r#"{"n":1}"#);
            if reset {
                raw.stream.set_zero_linger().unwrap();
            }
            drop(raw);
            let info = client.closed().await;
            assert_eq!((info.code, info.was_clean), (1006, false), "{what}, reset: {reset}");
            server.ready_ws().await;
        }
    }
}

#[tokio::test]
async fn half_a_close_of_the_server_ends_the_connection() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    within("the end", raw.stream.shutdown()).await.unwrap();
    assert_eq!(client.closed().await.code, 1006);
    assert_eq!(raw.frame().await, None);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_came_before_the_line_broke_is_still_read() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let (first, second) = (client.call("first", "{}"), client.call("second", "{}"));
    client.handle.flush();
    let ids = [raw.expect_frame().await.json(), raw.expect_frame().await.json()];
    client.stop_reading(&mut raw).await;
    for id in ids {
        raw.send(&text_frame(&answer(id["id"].as_str().unwrap(), "1"))).await;
    }
    raw.send(&close_frame(4001, "restart")).await;
    drop(raw);
    // The server is gone: the first of these is answered with a reset, the others fail.
    for _ in 0..20 {
        client.handle.send("x");
        client.handle.flush();
    }
    client.full.send_replace(false);
    assert_eq!(client.results(first).await, "1");
    assert_eq!(client.results(second).await, "1");
    assert_eq!(client.closed().await.code, 4001);
}
