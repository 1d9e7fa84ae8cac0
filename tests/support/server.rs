//! Servers on loopback: one over tungstenite, and one that writes its bytes by hand.

use std::{
    io::{ErrorKind, Read},
    net::SocketAddr,
};

use flate2::read::DeflateDecoder;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{Message, handshake::derive_accept_key, protocol::WebSocketConfig},
};

use super::within;

/// A listener on a port of its own.
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port") }
    }

    /// With small buffers in the kernel, so that little fills them.
    pub(crate) fn start_narrow() -> Self {
        let socket = TcpSocket::new_v4().expect("IPv4");
        socket.set_recv_buffer_size(NARROW).expect("a size");
        socket.set_send_buffer_size(NARROW).expect("a size");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a free port");
        Self { listener: socket.listen(16).expect("it listens") }
    }

    pub(crate) fn on(listener: TcpListener) -> Self {
        Self { listener }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("it is bound").port()
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/mcp-ws", self.port())
    }

    /// The next connection, before a byte is exchanged.
    pub(crate) async fn tcp(&self) -> TcpStream {
        let (tcp, _) = within("a connection", self.listener.accept()).await.expect("it accepts");
        tcp.set_nodelay(true).expect("a TCP socket");
        tcp
    }

    /// The next connection, upgraded by tungstenite.
    pub(crate) async fn ws(&self) -> Ws<TcpStream> {
        Ws::accept(self.tcp().await).await
    }

    /// The next connection, upgraded and authenticated by tungstenite.
    pub(crate) async fn ready_ws(&self) -> Ws<TcpStream> {
        let mut ws = self.ws().await;
        ws.authenticate().await;
        ws
    }

    /// The next connection, upgraded by hand.
    pub(crate) async fn raw(&self) -> Raw<TcpStream> {
        let mut raw = Raw::new(self.tcp().await);
        raw.upgrade(b"").await;
        raw
    }

    /// The next connection, upgraded with compression by these parameters, and authenticated by hand.
    pub(crate) async fn ready_compressing(&self, parameters: &str) -> Raw<TcpStream> {
        let mut raw = Raw::new(self.tcp().await);
        raw.upgrade_compressing(parameters).await;
        raw.authenticate().await;
        raw
    }

    /// The next connection, upgraded and authenticated by hand.
    pub(crate) async fn ready_raw(&self) -> Raw<TcpStream> {
        let mut raw = self.raw().await;
        raw.authenticate().await;
        raw
    }
}

/// A server's end of a WebSocket, kept by tungstenite.
pub(crate) struct Ws<S> {
    pub(crate) socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ws<S> {
    pub(crate) async fn accept(stream: S) -> Self {
        let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let socket = within("an upgrade", accept_async_with_config(stream, Some(limits))).await.expect("it upgrades");
        Self { socket }
    }

    pub(crate) async fn authenticate(&mut self) {
        assert_eq!(self.json().await["id"], "auth");
        self.say(ACCEPTED).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within("room to send", self.socket.send(message)).await.expect("the client is there");
    }

    /// The next message; `None` when the connection is over.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        within("a message of the client", self.socket.next()).await?.ok()
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// Takes a call: its id, and its name.
    pub(crate) async fn call(&mut self) -> (String, String) {
        let call = self.json().await;
        let field = |name: &str| call[name].as_str().expect(name).to_owned();
        (field("id"), field("name"))
    }

    pub(crate) async fn answer(&mut self, id: &str, results: &str) {
        self.say(&answer(id, results)).await;
    }
}

/// A server's end of a WebSocket, byte by byte.
pub(crate) struct Raw<S> {
    pub(crate) stream: S,
    unread: Vec<u8>,
    /// The client may compress its messages.
    pub(crate) agreed_on_compression: bool,
}

/// A frame as it came, unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) is_compressed: bool,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn text(&self) -> String {
        assert_eq!(self.opcode, TEXT, "{self:?}");
        let payload = if self.is_compressed { self.inflated() } else { self.payload.clone() };
        String::from_utf8(payload).expect("UTF-8")
    }

    /// By itself: the client keeps no window between its messages.
    fn inflated(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let payload = [&self.payload[..], FLUSH_END].concat();
        let mut inflate = DeflateDecoder::new(&payload[..]);
        // It has no final block.
        assert!(inflate.read_to_end(&mut text).is_err_and(|error| error.kind() == ErrorKind::UnexpectedEof));
        text
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    /// The code of a close frame, 1005 for none.
    pub(crate) fn close_code(&self) -> u16 {
        assert_eq!(self.opcode, CLOSE, "{self:?}");
        match self.payload.get(..2) {
            Some(code) => u16::from_be_bytes([code[0], code[1]]),
            None => 1005,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new(), agreed_on_compression: false }
    }

    /// Reads the upgrade request.
    pub(crate) async fn request(&mut self) -> String {
        self.try_request().await.expect("an upgrade request")
    }

    /// Reads the upgrade request, unless the client goes away.
    pub(crate) async fn try_request(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8(head).expect("ASCII"));
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// Sends to a client that may be gone.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) {
        let _ = within("room to send", self.stream.write_all(bytes)).await;
    }

    /// Accepts the upgrade; `more` goes out in the same segment.
    pub(crate) async fn upgrade(&mut self, more: &[u8]) {
        let request = self.request().await;
        let mut response = accepting(&request).into_bytes();
        response.extend_from_slice(more);
        self.send(&response).await;
    }

    /// Accepts the upgrade, with compression by these parameters.
    pub(crate) async fn upgrade_compressing(&mut self, parameters: &str) {
        let request = self.request().await;
        let answer = accepting(&request);
        let head = answer.strip_suffix("\r\n").expect("it ends with an empty line");
        self.send(format!("{head}Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n\r\n").as_bytes()).await;
        self.agreed_on_compression = true;
    }

    pub(crate) async fn authenticate(&mut self) {
        assert_eq!(self.expect_frame().await.json()["id"], "auth");
        self.send(&text_frame(ACCEPTED)).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within("room to send", self.stream.write_all(bytes)).await.expect("the client is there");
        within("room to send", self.stream.flush()).await.expect("the client is there");
    }

    pub(crate) async fn expect_frame(&mut self) -> Frame {
        self.frame().await.expect("a frame, not the end")
    }

    /// The next frame; `None` when the connection is over, wherever in a frame that is. Panics at a frame that no
    /// client may send.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = parse_frame(&self.unread, self.agreed_on_compression) {
                self.unread.drain(..length);
                return Some(frame);
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// All frames up to the end of the connection.
    pub(crate) async fn frames_to_the_end(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        frames
    }

    /// Ends the stream, as is the server's part after the close frames (RFC 6455 § 7.1.1): the client must have nothing
    /// more to say.
    pub(crate) async fn hang_up(&mut self) {
        // The client may have been quicker.
        let _ = within("the end", self.stream.shutdown()).await;
        assert_eq!(self.frame().await, None, "nothing follows a close frame");
    }

    /// False at the end of the stream, however it ended.
    pub(crate) async fn read(&mut self) -> bool {
        self.unread.reserve(64 * 1024);
        let count = within("bytes of the client", self.stream.read_buf(&mut self.unread)).await;
        count.is_ok_and(|count| count > 0)
    }
}

/// The response that accepts this upgrade request.
pub(crate) fn accepting(request: &str) -> String {
    let key = header(request, "sec-websocket-key").expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// The value of a header of a request.
pub(crate) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(crate) fn answer(id: &str, results: &str) -> String {
    format!(r#"{{"id":"{id}","results":{results}}}"#)
}

pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    frame(FIN | TEXT, text.as_bytes())
}

pub(crate) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A server's frame: `first` is FIN, the reserved bits and the opcode.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame_head(first, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// The head of a server's frame of so many bytes.
pub(crate) fn frame_head(first: u8, length: usize) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..=125 => head.push(length as u8),
        126..=0xffff => {
            head.push(126);
            head.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    head
}

/// A client's frame at the start of `bytes`, and how long it is; `None` when it is not all there.
fn parse_frame(bytes: &[u8], may_be_compressed: bool) -> Option<(Frame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let is_compressed = may_be_compressed && first & (COMPRESSED | 15) == COMPRESSED | TEXT;
    let reserved = if is_compressed { 0x70 & !COMPRESSED } else { 0x70 };
    assert_eq!(first & reserved, 0, "reserved bits are set: frames have got mixed up");
    assert_eq!(first & FIN, FIN, "the client fragments nothing: frames have got mixed up");
    assert!(matches!(first & 15, TEXT | CLOSE | PONG), "opcode {}: frames have got mixed up", first & 15);
    assert_eq!(second & 0x80, 0x80, "a client's frame is masked");
    let (length, start) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().expect("two"))), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().expect("eight")) as usize, 10),
        short => (usize::from(short), 2),
    };
    let mask = bytes.get(start..start + 4)?;
    let masked = bytes.get(start + 4..start + 4 + length)?;
    let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((Frame { opcode: first & 15, is_compressed, payload }, start + 4 + length))
}

/// Bytes. With less, the kernel waits for timers of its own.
const NARROW: u32 = 64 * 1024;
pub(crate) const ACCEPTED: &str = r#"{"id":"auth","success":true}"#;
pub(crate) const FIN: u8 = 0x80;
/// The message is compressed (RFC 7692 § 6).
pub(crate) const COMPRESSED: u8 = 0x40;
/// What the sender of a compressed message cuts off (RFC 7692 § 7.2.1).
pub(crate) const FLUSH_END: &[u8] = &[0, 0, 0xff, 0xff];
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
