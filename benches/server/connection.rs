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
    let (mut inbound, limit) = upgrade(&mut wire)?;
    stream.set_read_timeout(limit)?;
    let mut replies = Replies::default();
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

/// Answers the upgrade; what came after it is returned, and the limit that the URL asks for.
fn upgrade(wire: &mut Wire<'_>) -> io::Result<(Vec<u8>, Option<Duration>)> {
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
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{}\r\n",
        protocol.unwrap_or_default()
    );
    wire.write_all(answer.as_bytes())?;
    let first_line = text.lines().next().unwrap_or_default();
    Ok((rest, number_after(first_line.as_bytes(), b"limit=").map(Duration::from_millis)))
}
