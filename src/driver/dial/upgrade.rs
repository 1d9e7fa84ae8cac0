//! The HTTP upgrade.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{self, handshake::client::Request, protocol::WebSocketConfig},
};

use crate::driver::socket::transport::Transport;

/// Makes the request and checks the answer: the transport again, and what came after the answer.
pub(super) async fn upgrade(
    request: Request,
    transport: Transport,
) -> Result<(Transport, Vec<u8>), tungstenite::Error> {
    // It reads no frames, and needs no buffer for them.
    let limits = WebSocketConfig::default().read_buffer_size(0);
    let (socket, _response) = client_async_with_config(request, Wire::new(transport), Some(limits)).await?;
    Ok(socket.into_inner().into_parts())
}

/// The stream under the handshake. It hands the answer to the upgrade over, and keeps what comes after it.
struct Wire {
    transport: Transport,
    /// What was read; `ahead[handed_over..]` is still to be given to the handshake.
    ahead: Vec<u8>,
    handed_over: usize,
    reads: usize,
}

impl Wire {
    fn new(transport: Transport) -> Self {
        Self { transport, ahead: Vec::new(), handed_over: 0, reads: 0 }
    }

    /// The answer to the upgrade, and nothing of what comes after it. From some point on it is handed over only when it is whole: the layer
    /// takes many small reads for an attack.
    fn poll_read_answer(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.handed_over == self.ahead.len() || (self.reads > MOST_SMALL_READS && !self.has_whole_answer()) {
            let mut piece = [0; 1024];
            let mut part = ReadBuf::new(&mut piece);
            ready!(self.transport.poll_read(cx, &mut part))?;
            if part.filled().is_empty() {
                break;
            }
            self.reads += 1;
            self.ahead.extend_from_slice(part.filled());
        }
        let end = self.end_of_answer().unwrap_or(self.ahead.len());
        let count = buf.remaining().min(end - self.handed_over);
        buf.put_slice(&self.ahead[self.handed_over..][..count]);
        self.handed_over += count;
        Poll::Ready(Ok(()))
    }

    fn has_whole_answer(&self) -> bool {
        self.ahead.len() >= LONGEST_ANSWER || self.end_of_answer().is_some()
    }

    /// Behind the next empty line; its last byte is still to be handed over.
    fn end_of_answer(&self) -> Option<usize> {
        let behind = |line_ends: &[u8]| {
            let from = self.handed_over.saturating_sub(line_ends.len() - 1);
            memmem::find(&self.ahead[from..], line_ends).map(|at| from + at + line_ends.len())
        };
        [behind(b"\n\r\n"), behind(b"\n\n")].into_iter().flatten().min()
    }

    /// The handshake is over: the transport, and what came after the answer.
    fn into_parts(mut self) -> (Transport, Vec<u8>) {
        (self.transport, self.ahead.split_off(self.handed_over))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_read_answer(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.transport.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Half of what the layer bears.
const MOST_SMALL_READS: usize = 32;
/// A longer answer is the layer's to refuse.
const LONGEST_ANSWER: usize = 16 * 1024;
