//! One connection, from the upgrade to its end.

use std::{io, net::TcpStream, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use rustls::{ServerConfig, ServerConnection};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    frames,
    replies::{Replies, number_after},
    state::Server,
    wire::Wire,
};

/// Serves until the client goes, or says nothing for as long as its URL asked for with `limit=<ms>`.
pub(crate) fn serve(server: &Server, stream: &TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    let tls = tls.map(ServerConnection::new).transpose().map_err(io::Error::other)?;
    let mut wire = Wire::new(stream, tls.map(Into::into))?;
    let Upgraded { rest: mut inbound, limit, compresses } = upgrade(&mut wire)?;
    stream.set_read_timeout(limit)?;
    let mut replies = Replies::new(compresses);
    loop {
        let mut used = 0;
        while let Some(frame) = frames::read(&mut inbound[used..]) {
            let (start, end) = (used + frame.payload.start, used + frame.payload.end);
            replies.answer(server, &mut wire, frame.opcode, &inbound[start..end])?;
            used = end;
        }
        inbound.drain(..used);
        replies.flush(&mut wire)?;
        if let Err(error) = wire.read(&mut inbound) {
            if error.kind() == io::ErrorKind::WouldBlock {
                server.counters.silent.fetch_add(1, Relaxed);
            }
            return Err(error);
        }
    }
}

/// A connection that is a WebSocket now.
struct Upgraded {
    /// What came after the request.
    rest: Vec<u8>,
    /// From the URL.
    limit: Option<Duration>,
    /// The URL has `compress=1`, and the client offers permessage-deflate.
    compresses: bool,
}

fn upgrade(wire: &mut Wire<'_>) -> io::Result<Upgraded> {
    let mut head = Vec::new();
    let end = loop {
        wire.read(&mut head)?;
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let rest = head.split_off(end);
    let text = String::from_utf8_lossy(&head);
    let field = |wanted: &str| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    };
    let accept = derive_accept_key(field("sec-websocket-key").unwrap_or_default().as_bytes());
    let protocol = field("sec-websocket-protocol").map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
    let first_line = text.lines().next().unwrap_or_default().as_bytes();
    let is_offered = field("sec-websocket-extensions").is_some_and(|offer| offer.contains("permessage-deflate"));
    let compresses = is_offered && number_after(first_line, b"compress=") == Some(1);
    let extension = if compresses { EXTENSION } else { "" };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{}{extension}\r\n",
        protocol.unwrap_or_default()
    );
    wire.write_all(answer.as_bytes())?;
    Ok(Upgraded { rest, limit: number_after(first_line, b"limit=").map(Duration::from_millis), compresses })
}

/// With this parameter no client compresses its small requests, so that none has to be inflated here.
const EXTENSION: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";
