//! `wss:`. What is trusted is read once a process, so each of these has one of its own.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use mcp_protocol::{Config, DialPhase};
use rustls::HandshakeKind;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    client::{Client, config},
    eventually,
    server::{FIN, PING, PONG, Raw, Server, TEXT, close_frame, frame, text_frame},
    tls::{self, Authority, expired, ready_raw, ready_ws, trusting},
    within,
};

#[tokio::test]
async fn it_connects_and_asks_and_is_answered() {
    trusting!(it_connects_and_asks_and_is_answered);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    for host in ["127.0.0.1", "localhost"] {
        let mut client = Client::connecting_to(&tls::url(&server).replace("127.0.0.1", host));
        let mut ws = ready_ws(&server, &acceptor).await;
        client.state("ready").await;
        let call = client.call("echo", "{}");
        client.handle.flush();
        let (id, _) = ws.call().await;
        let results = format!(r#""{}""#, "x".repeat(3 << 20));
        ws.answer(&id, &results).await;
        assert!(client.results(call).await == results);
        // Before the server's end goes, or it would dial again.
        drop(client);
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_not_tried_again() {
    trusting!(a_certificate_that_does_not_verify_is_not_tried_again);
    let authority = Authority::trusted();
    for (what, code, acceptor) in [
        (
            "its issuer \"CN=unknown\" is not trusted",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            Authority::unknown().acceptor(),
        ),
        ("it expired on 2021-01-01T00:00:00Z", "CERT_HAS_EXPIRED", authority.acceptor_for(&["127.0.0.1"], expired)),
        (
            "it is for 127.0.0.2, example.test, not for 127.0.0.1",
            "ERR_TLS_CERT_ALTNAME_INVALID",
            authority.acceptor_for(&["127.0.0.2", "example.test"], |_| {}),
        ),
    ] {
        let server = Server::start().await;
        let mut client = Client::new(&tls::url(&server), config());
        let connected = client.connect();
        let (_, refused) = tokio::join!(client.state("failed"), acceptor.accept(server.tcp().await));
        assert!(refused.is_err(), "the server hears of it");
        let error = client.error().await;
        assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false));
        let cause = error.system_cause.expect("the words of rustls");
        assert!(error.message.contains("certificate") && cause.message.contains(what), "{} {cause:?}", error.message);
        assert_eq!((error.phase, cause.code), (Some(DialPhase::Tls), Some(code)));
        assert_eq!(client.failure(connected).await.fault.code(), "CONNECT_FAILED");
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_tried_again() {
    trusting!(a_server_that_does_not_speak_tls_is_not_tried_again);
    Authority::trusted();
    let server = Server::start().await;
    let mut client = Client::connecting_to(&tls::url(&server));
    let mut tcp = server.tcp().await;
    tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    client.state("failed").await;
    let error = client.error().await;
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false));
    assert!(error.message.contains("TLS"), "{}", error.message);
}

#[tokio::test]
async fn a_tls_handshake_that_breaks_off_or_hangs_is_tried_again() {
    trusting!(a_tls_handshake_that_breaks_off_or_hangs_is_tried_again);
    Authority::trusted();
    let server = Server::start().await;
    let mut client = Client::connecting_to(&tls::url(&server));
    drop(server.tcp().await);
    let error = client.error().await;
    assert!(error.retryable && error.message.contains("TLS"), "{}", error.message);
    server.tcp().await;
    drop(client);

    let server = Server::start().await;
    let mut client =
        Client::connecting(&tls::url(&server), Config { connect_timeout: Duration::from_millis(50), ..config() });
    let mut silent = Raw::new(server.tcp().await);
    let error = client.error().await;
    assert!(error.retryable && error.message.contains("connectTimeout"), "{}", error.message);
    while silent.read().await {}
}

#[tokio::test]
async fn all_of_a_long_upload_arrives_though_nothing_follows_it() {
    trusting!(all_of_a_long_upload_arrives_though_nothing_follows_it);
    let (server, acceptor) = (Server::start_narrow(), Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    let mut raw = ready_raw(&server, &acceptor).await;
    client.state("ready").await;
    let text = "x".repeat(1 << 20);
    for n in 0..8 {
        assert!(client.handle.send(&format!("{n}{text}")));
        client.handle.flush();
    }
    for n in 0..8 {
        let text = raw.expect_frame().await.text();
        assert!(text.len() == (1 << 20) + 1 && text.starts_with(&n.to_string()));
    }
    eventually("an empty buffer", || client.handle.buffered_amount() == 0).await;
}

/// What the TLS layer has taken and the socket has not must come to the wire though nothing follows it.
#[tokio::test]
async fn a_text_that_fills_the_line_arrives_though_nothing_follows_it() {
    trusting!(a_text_that_fills_the_line_arrives_though_nothing_follows_it);
    let (server, acceptor) = (Server::start_narrow(), Authority::trusted().acceptor());
    let mut fills = usize::MAX;
    // First as much as goes, then a little less: so that it is the TLS layer, with room for four, that holds the last
    // of it.
    for less in 0..4 {
        let mut client = Client::connecting_to(&tls::url(&server));
        let mut raw = ready_raw(&server, &acceptor).await;
        client.state("ready").await;
        let text = "x".repeat(16_000);
        let (mut sent, mut goes) = (0, true);
        while goes && sent < fills - less {
            assert!(client.handle.send(&text));
            client.handle.flush();
            sent += 1;
            let all_taken = async {
                while client.handle.buffered_amount() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            goes = timeout(Duration::from_millis(100), all_taken).await.is_ok();
        }
        fills = fills.min(sent);
        for _ in 0..sent {
            assert_eq!(raw.expect_frame().await.payload.len(), text.len());
        }
        drop(client);
    }
}

#[tokio::test]
async fn goodbyes_and_pongs_arrive() {
    trusting!(goodbyes_and_pongs_arrive);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = Client::connecting(&tls::url(&server), Config { max_message_size: 1000, ..config() });
    let mut raw = ready_raw(&server, &acceptor).await;
    raw.send(&frame(FIN | PING, b"ping")).await;
    let pong = raw.expect_frame().await;
    assert_eq!((pong.opcode, pong.payload.as_slice()), (PONG, b"ping".as_slice()));
    raw.send(&close_frame(1001, "")).await;
    assert_eq!(raw.expect_frame().await.close_code(), 1001);
    assert!(client.closed().await.was_clean);
    let mut raw = ready_raw(&server, &acceptor).await;
    raw.send(&text_frame(&"x".repeat(300_000))).await;
    assert_eq!(raw.expect_frame().await.close_code(), 1009);
    assert_eq!(client.closed().await.code, 1009);
    let mut raw = ready_raw(&server, &acceptor).await;
    client.state("ready").await;
    client.close(4000, "enough");
    assert_eq!(raw.expect_frame().await.close_code(), 4000);
}

#[tokio::test]
async fn a_connection_may_break_off_anywhere() {
    trusting!(a_connection_may_break_off_anywhere);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    for part in [0, 1, 50] {
        let mut raw = ready_raw(&server, &acceptor).await;
        client.state("ready").await;
        raw.send(&text_frame(&"x".repeat(100))[..part]).await;
        // Without TLS's own goodbye, and with it.
        if part == 50 {
            let _ = raw.stream.shutdown().await;
        }
        drop(raw);
        assert_eq!(client.closed().await.code, 1006);
    }
}

/// TLS is over in one direction; TCP stays open, and the server neither reads nor closes.
#[tokio::test]
async fn a_server_that_ends_tls_alone_is_lost_at_once_during_the_upgrade_and_after_it() {
    trusting!(a_server_that_ends_tls_alone_is_lost_at_once_during_the_upgrade_and_after_it);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    let mut upgrading = Raw::new(tls::accept(&server, &acceptor).await);
    upgrading.request().await;
    upgrading.try_send(b"HTTP/1.1 101 Switching").await;
    upgrading.stream.shutdown().await.unwrap();
    let error = client.error().await;
    assert!(error.retryable && error.message.contains("closed the connection during the upgrade"), "{}", error.message);
    let mut raw = ready_raw(&server, &acceptor).await;
    client.state("ready").await;
    raw.stream.shutdown().await.unwrap();
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (1006, "no close frame came"));
    drop((upgrading, raw));
}

#[tokio::test]
async fn a_full_sink_stops_reading_and_nothing_is_lost() {
    trusting!(a_full_sink_stops_reading_and_nothing_is_lost);
    let (server, acceptor) = (Server::start_narrow(), Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    let mut raw = ready_raw(&server, &acceptor).await;
    client.state("ready").await;
    client.stop_reading(&mut raw).await;
    let sender = tokio::spawn(async move {
        for n in 0..200 {
            raw.send(&frame(FIN | TEXT, format!(r#"{{"n":{n},"pad":"{}"}}"#, "x".repeat(20_000)).as_bytes())).await;
        }
        raw
    });
    client.full.send_replace(false);
    for n in 0..200 {
        assert!(client.message().await.starts_with(&format!(r#"{{"n":{n},"#)));
    }
    drop(within("the sender", sender).await.unwrap());
}

#[tokio::test]
async fn a_server_that_vanishes_is_a_lost_connection_without_a_close_frame() {
    trusting!(a_server_that_vanishes_is_a_lost_connection_without_a_close_frame);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    let raw = ready_raw(&server, &acceptor).await;
    client.state("ready").await;
    // The TCP connection alone: TLS is not ended.
    drop(raw.stream.into_inner().0);
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (1006, "no close frame came"));
}

#[tokio::test]
async fn a_reconnect_resumes_the_tls_session_and_saves_most_of_its_bytes() {
    trusting!(a_reconnect_resumes_the_tls_session_and_saves_most_of_its_bytes);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = Client::connecting_to(&tls::url(&server));
    let mut received = Vec::new();
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let counted = Counted { tcp: server.tcp().await, written: 0 };
        let mut raw = Raw::new(within("a TLS handshake", acceptor.accept(counted)).await.unwrap());
        raw.upgrade(b"").await;
        raw.authenticate().await;
        client.state("ready").await;
        let (counted, connection) = raw.stream.get_ref();
        assert_eq!(connection.handshake_kind(), Some(kind));
        received.push(counted.written);
        drop(raw);
    }
    assert!(received[1] * 3 < received[0] * 2, "bytes of the server: {received:?}");
}

/// Counts what the server writes.
struct Counted {
    tcp: TcpStream,
    written: usize,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &result {
            self.written += count;
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
