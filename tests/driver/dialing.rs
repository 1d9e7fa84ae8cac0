//! From a URL to an open WebSocket, and the many ways not to get there.

use std::time::Duration;

use mcp_protocol::{Config, DialPhase, Headers, Route};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, lookup_host},
};

use crate::support::{
    client::{Client, config, route},
    server::{ACCEPTED, Raw, Server, accepting, header, text_frame},
    within,
};

#[tokio::test]
async fn it_connects_authenticates_asks_and_is_answered() {
    let server = Server::start().await;
    let mut client = Client::new(&server.url(), config());
    let connected = client.connect();
    let mut ws = server.ws().await;
    assert_eq!(ws.text().await, r#"{"id":"auth","token":"key"}"#);
    ws.say(ACCEPTED).await;
    client.state("ready").await;
    assert_eq!(client.outcome(connected).await, mcp_protocol::Outcome::Done);
    let call = client.call("echo", r#"{"a":"ü"}"#);
    client.handle.flush();
    let request = ws.json().await;
    assert_eq!((&request["name"], &request["parameters"]["a"]), (&"echo".into(), &"ü".into()));
    ws.answer(request["id"].as_str().unwrap(), r#"{"b":["ü"]}"#).await;
    assert_eq!(client.results(call).await, r#"{"b":["ü"]}"#);
}

#[tokio::test]
async fn the_upgrade_request_carries_path_query_headers_and_subprotocols() {
    let server = Server::start().await;
    let url = format!("{}?tenant=7", server.url());
    let headers = Headers::from_iter([("X-Trace".to_owned(), "abc".to_owned())]);
    let protocols = ["mcp".to_owned(), "mcp2".to_owned()].into_iter().collect();
    let mut client = Client::on(Route { headers, protocols, ..route(&url) }, config());
    client.connect();
    let mut raw = Raw::new(server.tcp().await);
    let request = raw.request().await;
    assert!(request.starts_with("GET /mcp-ws?tenant=7 HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "host"), Some(format!("127.0.0.1:{}", server.port()).as_str()));
    assert_eq!(header(&request, "x-trace"), Some("abc"));
    assert_eq!(header(&request, "sec-websocket-protocol"), Some("mcp, mcp2"));
    drop(client);
}

#[tokio::test]
async fn messages_in_the_segment_of_the_upgrade_are_not_lost() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    let early = [text_frame(r#"{"event":"schemas","data":[]}"#), text_frame(r#"{"n":1}"#), text_frame(r#"{"n":2}"#)];
    raw.upgrade(&early.concat()).await;
    client.state("ready").await;
    assert_eq!(client.message().await, r#"{"event":"schemas","data":[]}"#);
    assert_eq!(client.message().await, r#"{"n":1}"#);
    assert_eq!(client.message().await, r#"{"n":2}"#);
}

#[tokio::test]
async fn an_upgrade_that_comes_in_pieces_is_understood() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    let request = raw.request().await;
    let mut response = accepting(&request).into_bytes();
    response.extend(text_frame(r#"{"n":1}"#));
    for piece in response.chunks(20) {
        raw.send(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.message().await, r#"{"n":1}"#);
}

#[tokio::test]
async fn an_upgrade_whose_lines_end_with_a_line_feed_alone_hides_no_message() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    let mut response = accepting(&raw.request().await).replace('\r', "").into_bytes();
    response.extend(text_frame(r#"{"n":1}"#));
    raw.send(&response).await;
    assert_eq!(client.message().await, r#"{"n":1}"#);
}

#[tokio::test]
async fn a_refused_connection_is_retried_and_says_so() {
    let server = Server::start().await;
    let (url, port) = (server.url(), server.port());
    drop(server);
    let mut client = Client::connecting_to(&url);
    client.state("reconnecting").await;
    let error = client.error().await;
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", true));
    assert!(error.message.contains(&url) && error.message.contains("ECONNREFUSED"), "{}", error.message);
    let cause = error.system_cause.expect("the system said it");
    assert_eq!((error.phase, cause.code), (Some(DialPhase::Tcp), Some("ECONNREFUSED")));
    assert_eq!((cause.address.as_deref(), cause.port), (Some("127.0.0.1"), Some(port)));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_retried_and_says_so() {
    // A label of 64 bytes is none: the resolver says so without asking anybody.
    let mut client = Client::connecting_to(&format!("ws://{}/", "x".repeat(64)));
    client.state("reconnecting").await;
    let error = client.error().await;
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", true));
    assert!(error.message.contains("ENOTFOUND"), "{}", error.message);
    let cause = error.system_cause.expect("the resolver said it");
    assert_eq!((error.phase, cause.code), (Some(DialPhase::Name), Some("ENOTFOUND")));
}

#[tokio::test]
async fn the_status_of_a_refused_upgrade_decides_what_follows() {
    for (status, state, code, retryable) in [
        ("401 Unauthorized", "unauthorized", "AUTH_FAILED", false),
        ("403 Forbidden", "unauthorized", "AUTH_FAILED", false),
        ("301 Moved Permanently\r\nLocation: /elsewhere", "failed", "CONNECT_FAILED", false),
        ("400 Bad Request", "failed", "CONNECT_FAILED", false),
        ("404 Not Found", "failed", "CONNECT_FAILED", false),
        ("429 Too Many Requests", "reconnecting", "CONNECT_FAILED", true),
        ("500 Internal Server Error", "reconnecting", "CONNECT_FAILED", true),
        ("503 Service Unavailable", "reconnecting", "CONNECT_FAILED", true),
    ] {
        let server = Server::start().await;
        let mut client = Client::connecting_to(&server.url());
        let mut raw = Raw::new(server.tcp().await);
        raw.request().await;
        raw.send(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno").as_bytes()).await;
        client.state(state).await;
        let error = client.error().await;
        assert_eq!((error.code, error.retryable), (code, retryable), "{status}");
        assert_eq!((error.phase, error.status), (Some(DialPhase::Upgrade), status[..3].parse().ok()));
        assert!(error.message.contains(&status[..3]), "{}", error.message);
    }
}

#[tokio::test]
async fn what_is_no_websocket_handshake_is_not_tried_again() {
    let wrong_key = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    for response in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "\0\0\0\0\r\n\r\n", "HTTP/1.1 101\r\n\r\n", wrong_key] {
        let server = Server::start().await;
        let mut client = Client::connecting_to(&server.url());
        let mut raw = Raw::new(server.tcp().await);
        raw.request().await;
        raw.send(response.as_bytes()).await;
        client.state("failed").await;
        let error = client.error().await;
        assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false), "{response}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_during_the_upgrade_is_retried() {
    for part in ["", "HTTP/1.1 101 Switching Proto"] {
        for reset in [false, true] {
            let server = Server::start().await;
            let mut client = Client::connecting_to(&server.url());
            let mut raw = Raw::new(server.tcp().await);
            raw.request().await;
            raw.send(part.as_bytes()).await;
            if reset {
                raw.stream.set_zero_linger().unwrap();
            }
            drop(raw);
            client.state("reconnecting").await;
            let error = client.error().await;
            assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", true), "{}", error.message);
        }
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_after_the_connect_timeout() {
    let server = Server::start().await;
    let mut client =
        Client::connecting(&server.url(), Config { connect_timeout: Duration::from_millis(50), ..config() });
    let mut raw = Raw::new(server.tcp().await);
    // On a busy machine the time may be over even before it is sent.
    raw.try_request().await;
    client.state("reconnecting").await;
    let error = client.error().await;
    assert!(error.retryable && error.message.contains("connectTimeout"), "{}", error.message);
    assert!(!raw.read().await, "the socket is dropped");
}

#[tokio::test]
async fn reconnect_while_dialing_aborts_the_old_dial() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut first = Raw::new(server.tcp().await);
    first.request().await;
    client.reconnect();
    let mut second = server.raw().await;
    assert!(!first.read().await, "the first socket is dropped");
    second.authenticate().await;
    client.state("ready").await;
}

#[tokio::test]
async fn close_while_dialing_aborts_the_dial_and_tells_no_close() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    raw.request().await;
    let closed = client.close(1000, "");
    assert_eq!(client.outcome(closed).await, mcp_protocol::Outcome::Done);
    assert!(!raw.read().await, "the socket is dropped");
    let told = client.drop_handle().await;
    assert!(!format!("{told:?}").contains("Close"), "{told:?}");
}

#[tokio::test]
async fn localhost_is_found_in_whatever_family_the_server_listens() {
    let known: Vec<_> = lookup_host(("localhost", 0)).await.unwrap().collect();
    for mut address in known {
        address.set_port(0);
        // A name may stand for a family that the machine does not have.
        let Ok(listener) = TcpListener::bind(address).await else { continue };
        let server = Server::on(listener);
        let mut client = Client::connecting_to(&format!("ws://localhost:{}/", server.port()));
        let _ws = server.ready_ws().await;
        client.state("ready").await;
    }
}

#[tokio::test]
async fn an_address_of_ipv6_is_dialed() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let server = Server::on(listener);
    let mut client = Client::connecting_to(&format!("ws://[::1]:{}/", server.port()));
    let _ws = server.ready_ws().await;
    client.state("ready").await;
}

#[tokio::test]
async fn the_end_of_the_stream_after_the_upgrade_is_no_failed_dial() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut raw = Raw::new(server.tcp().await);
    raw.upgrade(b"").await;
    within("the end", raw.stream.shutdown()).await.unwrap();
    assert_eq!(client.closed().await.code, 1006);
}
