//! Through proxies: CONNECT and SOCKS5, over TCP and TLS, and what becomes of those that refuse.

use mcp_protocol::{Config, DialPhase, ErrorData, MaxAttempts, ProxySource, Route, Secret};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    task::JoinHandle,
};

use crate::support::{
    client::{Client, config, route},
    server::{Raw, Server},
    tls::{Authority, accept, ready_ws, trusting},
    within,
};

fn through(url: &str, proxy: &str) -> Client {
    by(url, ProxySource::Url(Secret::new(proxy)))
}

fn by(url: &str, proxy: ProxySource) -> Client {
    let config = Config { max_reconnect_attempts: MaxAttempts::Limited(0), ..config() };
    let mut client = Client::on(Route { proxy, ..route(url) }, config);
    client.connect();
    client
}

fn url_of(scheme: &str, credentials: &str, proxy: &Server) -> String {
    format!("{scheme}://{credentials}127.0.0.1:{}", proxy.port())
}

/// Carries bytes to the server from now on.
fn relay<S>(stream: S, port: u16) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    tokio::spawn(async move {
        let mut stream = stream;
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    })
}

/// Takes a CONNECT and opens the tunnel; returns the request.
async fn tunnel<S>(stream: S, port: u16) -> String
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut raw = Raw::new(stream);
    let request = raw.request().await;
    raw.try_send(b"HTTP/1.0 200 Connection established\r\nVia: us\r\n\r\n").await;
    relay(raw.stream, port);
    request
}

/// The error of a client whose proxy gives this answer to CONNECT.
async fn refused(answer: &str) -> ErrorData {
    let proxy = Server::start().await;
    let mut client = through("ws://example.test/", &url_of("http", "user:hunter2@", &proxy));
    let mut raw = Raw::new(proxy.tcp().await);
    raw.request().await;
    raw.try_send(answer.as_bytes()).await;
    drop(raw);
    let error = client.error().await;
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    assert_eq!(error.proxy, Some(url_of("http", "", &proxy).into()));
    error
}

#[tokio::test]
async fn ws_goes_through_an_http_proxy_that_gets_name_and_password() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    // The proxy alone can know this name.
    let mut client = through("ws://platform.invalid:8080/mcp-ws", &url_of("http", "us%40er:pass@", &proxy));
    let request = tunnel(proxy.tcp().await, server.port()).await;
    assert!(request.starts_with("CONNECT platform.invalid:8080 HTTP/1.1\r\nHost: platform.invalid:8080\r\n"));
    assert!(request.contains("\r\nProxy-Authorization: Basic dXNAZXI6cGFzcw==\r\n"), "{request}");
    let _ws = server.ready_ws().await;
    client.state("ready").await;
}

#[tokio::test]
async fn wss_goes_through_proxies_with_and_without_tls_of_their_own() {
    trusting!(wss_goes_through_proxies_with_and_without_tls_of_their_own);
    let authority = Authority::trusted();
    let (acceptor, of_proxy) = (authority.acceptor(), authority.acceptor());
    for (scheme, platform) in [("http", "wss"), ("https", "wss"), ("https", "ws")] {
        let (server, proxy) = (Server::start().await, Server::start().await);
        let mut client = through(&format!("{platform}://localhost/"), &url_of(scheme, "", &proxy));
        if scheme == "https" {
            tunnel(accept(&proxy, &of_proxy).await, server.port()).await;
        } else {
            tunnel(proxy.tcp().await, server.port()).await;
        }
        let call = if platform == "wss" {
            let mut ws = ready_ws(&server, &acceptor).await;
            client.state("ready").await;
            let call = client.call("echo", "{}");
            client.handle.flush();
            let (id, _) = ws.call().await;
            ws.answer(&id, &format!(r#""{}""#, "x".repeat(1 << 20))).await;
            call
        } else {
            let mut ws = server.ready_ws().await;
            client.state("ready").await;
            let call = client.call("echo", "{}");
            client.handle.flush();
            let (id, _) = ws.call().await;
            ws.answer(&id, &format!(r#""{}""#, "x".repeat(1 << 20))).await;
            call
        };
        assert_eq!(client.results(call).await.len(), (1 << 20) + 2, "{platform} through {scheme}");
    }
}

#[tokio::test]
async fn an_https_proxy_that_is_not_trusted_is_a_failure_of_the_proxy() {
    trusting!(an_https_proxy_that_is_not_trusted_is_a_failure_of_the_proxy);
    Authority::trusted();
    let (proxy, acceptor) = (Server::start().await, Authority::unknown().acceptor());
    let mut client = through("wss://example.test/", &url_of("https", "", &proxy));
    let (_, shaken) = tokio::join!(client.state("failed"), acceptor.accept(proxy.tcp().await));
    assert!(shaken.is_err());
    let error = client.error().await;
    assert_eq!((error.phase, error.retryable), (Some(DialPhase::Proxy), false));
    assert!(error.message.contains("TLS with the proxy failed"), "{}", error.message);
}

#[tokio::test]
async fn socks5h_leaves_the_name_to_the_proxy_and_socks5_does_not() {
    for (scheme, address) in [("socks5h", &b"\x03\x09localhost"[..]), ("socks5", b"\x01\x7f\0\0\x01")] {
        let (server, proxy) = (Server::start().await, Server::start().await);
        let url = format!("ws://localhost:{}/", server.port());
        let mut client = through(&url, &url_of(scheme, "user:pass@", &proxy));
        let mut tcp = proxy.tcp().await;
        let target = [&[5, 1, 0][..], address, &server.port().to_be_bytes()].concat();
        for (expected, answer) in [
            (&[5, 2, 0, 2][..], &[5, 2][..]),
            (b"\x01\x04user\x04pass", &[1, 0]),
            (&target, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        ] {
            let mut came = vec![0; expected.len()];
            within("a message of SOCKS5", tcp.read_exact(&mut came)).await.expect("it comes");
            assert_eq!(came, expected, "{scheme}");
            tcp.write_all(answer).await.expect("the client reads");
        }
        relay(tcp, server.port());
        let _ws = server.ready_ws().await;
        client.state("ready").await;
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_a_matter_of_configuration() {
    let error = refused("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n").await;
    assert_eq!((error.code, error.retryable), ("CONNECT_FAILED", false));
    assert_eq!((error.phase, error.status), (Some(DialPhase::Proxy), Some(407)));
    assert!(error.message.contains("asks for a user and a password"), "{}", error.message);
}

#[tokio::test]
async fn a_bad_gateway_is_a_matter_of_time() {
    for status in [502, 503, 504] {
        let error = refused(&format!("HTTP/1.1 {status} x\r\nContent-Type: text/plain\r\n\r\nno route")).await;
        assert_eq!((error.phase, error.status, error.retryable), (Some(DialPhase::Proxy), Some(status), true));
        assert_eq!(error.body.as_deref(), Some("no route"));
    }
}

#[tokio::test]
async fn the_401_and_403_of_a_proxy_say_nothing_of_the_key() {
    for status in [401, 403] {
        let error = refused(&format!("HTTP/1.1 {status} x\r\n\r\n")).await;
        assert_eq!((error.code, error.phase), ("CONNECT_FAILED", Some(DialPhase::Proxy)));
    }
}

#[tokio::test]
async fn the_page_of_a_captive_portal_is_told_by_its_title_and_address() {
    let page = "<html><head><title>Guest Wi-Fi: user:hunter2</title></head>";
    let headers = "Location: https://portal.example/login?next=hunter2\r\nContent-Type: text/html";
    let error = refused(&format!("HTTP/1.1 302 Found\r\n{headers}\r\n\r\n{page}")).await;
    assert_eq!(error.location.as_deref(), Some("https://portal.example/login"));
    assert_eq!(error.body.as_deref(), Some("Guest Wi-Fi: user:[secret]"));
    assert!(error.message.contains("https://portal.example/login: Guest Wi-Fi"), "{}", error.message);
}

#[tokio::test]
async fn what_is_no_proxy_or_hangs_up_is_told_apart() {
    let error = refused("SSH-2.0-OpenSSH_9.6\r\n").await;
    assert_eq!((error.phase, error.retryable), (Some(DialPhase::Proxy), false));
    let error = refused("HTTP/1.1 200 OK\r\n\r\nand more").await;
    assert!(!error.retryable && error.system_cause.expect("a reason").message.contains("behind its answer"));
    let error = refused("").await;
    assert_eq!((error.phase, error.retryable), (Some(DialPhase::Proxy), true));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let port = Server::start().await.port();
    let error = through("wss://example.test/", &format!("http://u:hunter2@127.0.0.1:{port}")).error().await;
    let words = format!("connection refused (ECONNREFUSED) (through the proxy http://127.0.0.1:{port})");
    assert!(error.message.ends_with(&words), "{}", error.message);
    assert_eq!((error.phase, error.retryable), (Some(DialPhase::Proxy), true));
    assert_eq!(error.system_cause.expect("the system said it").code, Some("ECONNREFUSED"));
    let error = through("wss://example.test/", "http://proxy.invalid").error().await;
    assert!(error.message.contains("the name of the proxy was not found"), "{}", error.message);
}

#[tokio::test]
async fn what_fails_behind_the_proxy_names_it_too() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    let mut client = through("ws://example.test/", &url_of("http", "", &proxy));
    tunnel(proxy.tcp().await, server.port()).await;
    let mut raw = Raw::new(server.tcp().await);
    raw.request().await;
    raw.try_send(b"HTTP/1.1 404 Not Found\r\n\r\n").await;
    let error = client.error().await;
    assert_eq!((error.phase, error.status), (Some(DialPhase::Upgrade), Some(404)));
    assert_eq!(error.proxy, Some(url_of("http", "", &proxy).into()));
}

#[tokio::test]
async fn an_error_says_that_no_proxy_was_used_but_for_loopback() {
    let error = by("ws://name.invalid/", ProxySource::None).error().await;
    assert!(error.message.ends_with("(ENOTFOUND) (no proxy was used)"), "{}", error.message);
    let port = Server::start().await.port();
    let error = by(&format!("ws://127.0.0.1:{port}/"), ProxySource::None).error().await;
    assert!(error.message.ends_with("(ECONNREFUSED)") && error.proxy.is_none(), "{}", error.message);
}

#[tokio::test]
async fn the_proxy_function_is_asked_for_each_dial_and_its_list_tried_in_order() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    let deaf = Server::start().await.port();
    let mut client = Client::on(Route { proxy: ProxySource::Ask, ..route("ws://example.test:81/x?key=1") }, config());
    client.connect();
    for _ in 0..2 {
        let (dial, asked) = client.asked_for_proxy().await;
        assert_eq!(asked, "http://example.test:81");
        let list = format!("PROXY 127.0.0.1:{deaf}; PROXY 127.0.0.1:{}; DIRECT", proxy.port());
        client.handle.answer_proxy(dial, Some(Secret::new(list)));
        tunnel(proxy.tcp().await, server.port()).await;
        let ws = server.ready_ws().await;
        client.state("ready").await;
        drop(ws);
    }
}

#[tokio::test]
async fn a_proxy_of_a_list_that_is_silent_leaves_time_for_the_next() {
    let (server, silent, proxy) = (Server::start().await, Server::start().await, Server::start().await);
    let config = Config { connect_timeout: std::time::Duration::from_millis(400), ..config() };
    let mut client = Client::on(Route { proxy: ProxySource::Ask, ..route("ws://example.test/") }, config);
    client.connect();
    let (dial, _) = client.asked_for_proxy().await;
    let list = format!("PROXY 127.0.0.1:{}; PROXY 127.0.0.1:{}", silent.port(), proxy.port());
    client.handle.answer_proxy(dial, Some(Secret::new(list)));
    let _held = silent.tcp().await;
    tunnel(proxy.tcp().await, server.port()).await;
    let _ws = server.ready_ws().await;
    client.state("ready").await;
}

#[tokio::test]
async fn a_proxy_function_that_fails_or_answers_nonsense_fails_the_dial_and_is_asked_again() {
    let mut client = Client::on(Route { proxy: ProxySource::Ask, ..route("wss://example.test/") }, config());
    client.connect();
    for (answer, words) in [
        (None, "the proxy function failed"),
        (Some("ftp://hunter2@h"), "the answer of the proxy function has the scheme \"ftp\""),
        (Some(""), "the answer of the proxy function is empty"),
    ] {
        let (dial, _) = client.asked_for_proxy().await;
        client.handle.answer_proxy(dial, answer.map(Secret::new));
        let error = client.error().await;
        assert_eq!((error.phase, error.retryable), (Some(DialPhase::Proxy), true));
        assert!(error.message.contains(words) && !error.message.contains("hunter2"), "{}", error.message);
        assert_eq!(error.from_proxy_function, answer.is_none());
    }
}

#[tokio::test]
async fn an_answer_about_a_dial_that_was_given_up_is_ignored() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    let mut client = Client::on(Route { proxy: ProxySource::Ask, ..route("ws://example.test/") }, config());
    client.connect();
    let (given_up, _) = client.asked_for_proxy().await;
    client.reconnect();
    let (dial, _) = client.asked_for_proxy().await;
    client.handle.answer_proxy(given_up, Some(Secret::new("ftp://x")));
    client.handle.answer_proxy(dial, Some(Secret::new(url_of("http", "", &proxy))));
    tunnel(proxy.tcp().await, server.port()).await;
    let _ws = server.ready_ws().await;
    client.state("ready").await;
}

#[tokio::test]
async fn a_proxy_function_that_does_not_answer_meets_connect_timeout() {
    let config = Config {
        connect_timeout: std::time::Duration::from_millis(20),
        max_reconnect_attempts: MaxAttempts::Limited(0),
        ..config()
    };
    let mut client = Client::on(Route { proxy: ProxySource::Ask, ..route("ws://example.test/") }, config);
    client.connect();
    client.asked_for_proxy().await;
    let error = client.error().await;
    assert!(error.message.contains("connectTimeout (20 ms)"), "{}", error.message);
}

#[tokio::test]
async fn what_the_server_says_at_the_door_is_told_without_the_secrets_of_the_request() {
    let server = Server::start().await;
    let url = format!("{}?key=hunter2", server.url());
    let headers = [("authorization".to_owned(), "Bearer hunter3".to_owned())].into_iter().collect();
    let protocols = ["key.hunter4".to_owned()].into_iter().collect();
    let config = Config { max_reconnect_attempts: MaxAttempts::Limited(0), ..config() };
    let mut client = Client::on(Route { headers, protocols, ..route(&url) }, config);
    client.connect();
    let mut raw = Raw::new(server.tcp().await);
    raw.request().await;
    let head =
        "HTTP/1.1 410 Gone\r\nLocation: https://new.example/hunter3/?hunter2\r\nContent-Type: text/plain\r\n\r\n";
    raw.try_send(format!("{head}Moved, /mcp-ws?key=hunter2 hunter3 key.hunter4\nmore").as_bytes()).await;
    drop(raw);
    let error = client.error().await;
    assert_eq!((error.status, error.location.as_deref()), (Some(410), Some("https://new.example/[secret]/")));
    assert_eq!(error.body.as_deref(), Some("Moved, /mcp-ws?[secret] [secret] [secret]"));
    let words = "HTTP 410 Gone, Location https://new.example/[secret]/: Moved, /mcp-ws?[secret] [secret] [secret]";
    assert!(error.message.ends_with(words), "{}", error.message);
}
