//! From an endpoint to an open WebSocket: DNS, TCP with happy eyeballs, TLS, HTTP upgrade.

use std::{io, net::SocketAddr, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        error::ProtocolError,
        handshake::client::Request,
        http::{HeaderName, HeaderValue, Uri},
        protocol::WebSocketConfig,
    },
};

use super::{
    clock::Clock,
    tls,
    wire::{Inlet, Transport, Wire},
};
use crate::protocol::{Config, DialFailure, OptionError, OptionFault, Remedy};

/// Where to connect to, and the upgrade request to make there. Made anew for each dial: it is larger than the options that it is made of.
#[derive(Debug)]
pub(super) struct Endpoint {
    request: Request,
    host: String,
    port: u16,
    secure: bool,
    /// The URL without its query, which may hold a secret.
    shown: String,
    max_message_size: usize,
}

impl Endpoint {
    /// Errors: a URL, header or subprotocol that HTTP does not allow; each names its option.
    pub(super) fn new(config: &Config) -> Result<Self, OptionError> {
        let wrong = |option: &str, complaint: &str| OptionError::new(OptionFault::Type, option, complaint);
        let uri: Uri = config.url.parse().map_err(|_| wrong("url", "is not a valid URL"))?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("url", "must begin with ws:// or wss://")),
        };
        let host = uri.host().ok_or_else(|| wrong("url", "has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let shown = format!(
            "{}://{}{}",
            if secure { "wss" } else { "ws" },
            uri.authority().map_or("", |a| a.as_str()),
            uri.path()
        );
        let mut request = uri.into_client_request().map_err(|_| wrong("url", "is not a valid URL"))?;
        add_headers(&mut request, &config.headers)?;
        add_protocols(&mut request, &config.protocols)?;
        Ok(Self { request, host, port, secure, shown, max_message_size: config.max_message_size })
    }

    /// Opens a WebSocket. The time it may take is the caller's to bound.
    pub(super) async fn dial(self, clock: Clock) -> Result<Box<Inlet>, DialFailure> {
        let tcp = self.connect().await?;
        let transport = if self.secure { self.secure(tcp).await? } else { Transport::plain(tcp) };
        let wire = Wire::new(transport, clock);
        // It reads no frames, and needs no buffer for them.
        let limits = WebSocketConfig::default().read_buffer_size(0);
        let (socket, _response) = client_async_with_config(self.request.clone(), wire, Some(limits))
            .await
            .map_err(|error| self.upgrade_failure(error))?;
        // The layer's part is over: frames are ours to read and to write. It holds nothing back: see `Wire`.
        Ok(Box::new(socket.into_inner().upgrade(self.max_message_size)))
    }

    async fn connect(&self) -> Result<TcpStream, DialFailure> {
        let failed = |error: io::Error| self.failure(&words(&error), Some(error.to_string()), Remedy::Time);
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(|error| {
            self.failure(
                &format!("the name {} was not found (ENOTFOUND)", self.host),
                Some(error.to_string()),
                Remedy::Time,
            )
        })?;
        let tcp = race(interleave(found.collect())).await.map_err(failed)?;
        // Small requests must not wait for the acknowledgement of earlier ones.
        tcp.set_nodelay(true).map_err(failed)?;
        Ok(tcp)
    }

    async fn secure(&self, tcp: TcpStream) -> Result<Transport, DialFailure> {
        let config = tls::client_config().await.map_err(|error| {
            self.failure("the system's certificates could not be read", Some(error), Remedy::Configuration)
        })?;
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| self.failure("the host is no name that TLS can verify", None, Remedy::Configuration))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(|error| self.tls_failure(&error))?;
        Ok(Transport::Tls(Box::new(stream)))
    }

    fn tls_failure(&self, error: &io::Error) -> DialFailure {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (what, remedy) = match tls {
            Some(rustls::Error::InvalidCertificate(_)) => {
                ("the server's certificate does not verify".to_owned(), Remedy::Configuration)
            }
            Some(_) => ("the TLS handshake failed".to_owned(), Remedy::Configuration),
            None => (format!("the TLS handshake broke off: {}", words(error)), Remedy::Time),
        };
        self.failure(&what, Some(error.to_string()), remedy)
    }

    fn upgrade_failure(&self, error: tungstenite::Error) -> DialFailure {
        match error {
            tungstenite::Error::Http(response) => {
                let status = response.status();
                let remedy = match status.as_u16() {
                    401 | 403 => Remedy::Authorization,
                    408 | 425 | 429 | 500..=599 => Remedy::Time,
                    _ => Remedy::Configuration,
                };
                self.failure(&format!("the server answered the upgrade with HTTP {status}"), None, remedy)
            }
            tungstenite::Error::Io(error) => self.failure(
                &format!("the connection broke during the upgrade: {}", words(&error)),
                Some(error.to_string()),
                Remedy::Time,
            ),
            tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
                self.failure("the server closed the connection during the upgrade", None, Remedy::Time)
            }
            wrong => self.failure(
                "the answer to the upgrade is not a WebSocket handshake",
                Some(wrong.to_string()),
                Remedy::Configuration,
            ),
        }
    }

    fn failure(&self, what: &str, cause: Option<String>, remedy: Remedy) -> DialFailure {
        DialFailure { message: format!("cannot connect to {}: {what}", self.shown), cause, remedy }
    }
}

fn add_headers(request: &mut Request, headers: &[(String, String)]) -> Result<(), OptionError> {
    for (name, value) in headers {
        let wrong = |complaint: &str| {
            OptionError::new(OptionFault::Type, "headers", &format!("has a header {name:?} {complaint}"))
        };
        let header = HeaderName::try_from(name.as_str()).map_err(|_| wrong("whose name HTTP does not allow"))?;
        if OURS.contains(&header.as_str()) {
            return Err(wrong("that the WebSocket upgrade sets itself; leave it out"));
        }
        // The value is not told: it may be a secret.
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| wrong("whose value HTTP does not allow"))?;
        request.headers_mut().insert(header, value);
    }
    Ok(())
}

fn add_protocols(request: &mut Request, protocols: &[String]) -> Result<(), OptionError> {
    if protocols.is_empty() {
        return Ok(());
    }
    for protocol in protocols {
        // A subprotocol is a token of HTTP, as a header name is (RFC 6455 § 4.1).
        if HeaderName::try_from(protocol.as_str()).is_err() {
            let complaint = format!("has {protocol:?}, which is no valid subprotocol");
            return Err(OptionError::new(OptionFault::Type, "protocols", &complaint));
        }
    }
    let value = HeaderValue::try_from(protocols.join(", ")).expect("tokens are header values");
    request.headers_mut().insert("sec-websocket-protocol", value);
    Ok(())
}

/// RFC 8305 § 4: the families take turns, beginning with the one that the resolver put first.
fn interleave(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = found.into_iter().partition(|addr| addr.is_ipv6() == first_is_v6);
    one.reverse();
    other.reverse();
    let mut turns = Vec::new();
    while !one.is_empty() || !other.is_empty() {
        turns.extend(one.pop());
        turns.extend(other.pop());
    }
    turns
}

/// RFC 8305 § 5: the next address is tried when the one before fails or is silent for a while; the first to connect wins.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = waiting.next().map(|address| attempts.spawn(TcpStream::connect(address))).is_some();
        let finished = if more {
            match timeout(HEAD_START, attempts.join_next()).await {
                Ok(finished) => finished,
                Err(_silent) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match finished {
            Some(Ok(Ok(tcp))) => return Ok(tcp),
            Some(Ok(Err(error))) => last = error,
            Some(Err(join)) => last = io::Error::other(join),
            None if more => {}
            None => return Err(last),
        }
    }
}

/// The error in a few words, with the code that Node.js users know where it has one.
fn words(error: &io::Error) -> String {
    let code = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused (ECONNREFUSED)",
        io::ErrorKind::ConnectionReset => "connection reset (ECONNRESET)",
        io::ErrorKind::TimedOut => "timed out (ETIMEDOUT)",
        io::ErrorKind::HostUnreachable => "host unreachable (EHOSTUNREACH)",
        io::ErrorKind::NetworkUnreachable => "network unreachable (ENETUNREACH)",
        io::ErrorKind::AddrNotAvailable => "address not available (EADDRNOTAVAIL)",
        io::ErrorKind::UnexpectedEof => "the other side closed the connection",
        _ => return error.to_string(),
    };
    code.to_owned()
}

/// Headers that are not the user's to set.
const OURS: [&str; 6] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];
/// RFC 8305 § 5, "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);
#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, OptionError> {
        Endpoint::new(&Config { url: url.to_owned(), ..Config::default() })
    }

    #[test]
    fn ports_and_hosts_are_read_from_the_url() {
        let plain = endpoint("ws://[::1]/mcp-ws").expect("valid");
        assert_eq!((plain.host.as_str(), plain.port, plain.secure), ("::1", 80, false));
        let secure = endpoint("wss://example.test:8443/x?y=1").expect("valid");
        assert_eq!((secure.host.as_str(), secure.port, secure.secure), ("example.test", 8443, true));
        assert_eq!(secure.shown, "wss://example.test:8443/x", "a query may hold a secret");
    }

    #[test]
    fn what_http_does_not_allow_is_refused_by_the_name_of_its_option() {
        for url in ["", "http://h/", "ws:///x", "h"] {
            assert_eq!(endpoint(url).expect_err(url).option, "url");
        }
        for (name, value) in [("a b", "c"), ("Upgrade", "x"), ("Sec-WebSocket-Key", "x"), ("x", "a\r\nb")] {
            let headers = vec![(name.to_owned(), value.to_owned())];
            let config = Config { url: "ws://h/".to_owned(), headers, ..Config::default() };
            let error = Endpoint::new(&config).expect_err(name);
            assert!(error.option == "headers" && error.message.contains(name), "{error}");
        }
        let config = Config { url: "ws://h/".to_owned(), protocols: vec!["a b".to_owned()], ..Config::default() };
        assert_eq!(Endpoint::new(&config).expect_err("a blank").option, "protocols");
    }

    #[test]
    fn address_families_take_turns() {
        let [a4, b4, a6, b6] = ["1.1.1.1:1", "2.2.2.2:1", "[::1]:1", "[::2]:1"].map(|a| a.parse().expect("an address"));
        assert_eq!(interleave(vec![a6, b6, a4, b4]), [a6, a4, b6, b4]);
        assert_eq!(interleave(vec![a4, a6, b6]), [a4, a6, b6]);
    }

    /// An address on loopback where somebody listens.
    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    async fn refusing() -> SocketAddr {
        listening().await.1
    }

    /// An address that does not answer: the queue of its listener is full.
    #[cfg(target_os = "linux")]
    async fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = tokio::net::TcpSocket::new_v4().expect("IPv4");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a free port");
        let listener = socket.listen(1).expect("it listens");
        let address = listener.local_addr().expect("it is bound");
        let mut queue = Vec::new();
        while let Ok(connected) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queue.push(connected.expect("nobody refuses"));
        }
        (listener, queue, address)
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let (_listener, good) = listening().await;
        let tcp = race(vec![refusing().await, refusing().await, good]).await.expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn an_address_that_is_silent_is_overtaken_by_the_next() {
        let (_busy, _queue, mute) = silent().await;
        let (_listener, good) = listening().await;
        let tcp = race(vec![mute, refusing().await, good]).await.expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    async fn when_all_addresses_fail_the_last_failure_is_told() {
        let error = race(vec![refusing().await, refusing().await]).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = race(Vec::new()).await.expect_err("there is nobody");
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
