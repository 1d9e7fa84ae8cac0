//! Bytes out and bytes in: the buffer of frames to write, and the stream that the WebSocket layer reads.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::frame::{
    CloseFrame, Frame, FrameHeader,
    coding::{CloseCode, Data, OpCode},
};

use super::clock::Clock;
use crate::protocol::{ConnectionId, Transmit};

/// Frames of one connection that wait to be written, in order. Whoever writes takes the bytes out, writes without
/// holding any lock, and puts back what is left: one writer at a time, others only append.
pub(super) struct Outbox {
    connection: ConnectionId,
    /// Being written: `front[head..]` is still to go.
    front: Vec<u8>,
    head: usize,
    /// Appended since.
    back: Vec<u8>,
    taken: bool,
    appended: u64,
    written: u64,
    /// Where each frame ends, counted in bytes ever appended, and whether it is a text of the session's.
    ends: VecDeque<(u64, bool)>,
    /// Where the last frame that was written whole ended.
    boundary: u64,
    masks: StdRng,
}

/// Bytes that their taker is to write.
pub(super) struct Batch {
    bytes: Vec<u8>,
    head: usize,
}

impl Batch {
    pub(super) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.head += count;
    }
}

impl Outbox {
    pub(super) fn new(connection: ConnectionId, seed: [u8; 32]) -> Self {
        Self {
            connection,
            front: Vec::new(),
            head: 0,
            back: Vec::new(),
            taken: false,
            appended: 0,
            written: 0,
            ends: VecDeque::new(),
            boundary: 0,
            masks: StdRng::from_seed(seed),
        }
    }

    pub(super) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Frames and masks a text (RFC 6455 § 5).
    pub(super) fn push(&mut self, transmit: &Transmit) {
        if transmit.connection != self.connection {
            return;
        }
        let mask: [u8; 4] = self.masks.random();
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), mask: Some(mask), ..FrameHeader::default() };
        let length = transmit.text.len();
        self.back.reserve(length + HEADER_BYTES);
        let start = self.back.len();
        header.format(length as u64, &mut self.back).expect("a vector takes all");
        let payload = self.back.len();
        self.back.extend_from_slice(&transmit.text);
        apply_mask(&mut self.back[payload..], mask);
        self.end_frame(self.back.len() - start, true);
    }

    /// Appends a close frame.
    pub(super) fn push_close(&mut self, code: u16, reason: &str) {
        let mut frame = Frame::close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() }));
        frame.header_mut().mask = Some(self.masks.random());
        let mut bytes = Vec::new();
        frame.format(&mut bytes).expect("a vector takes all");
        self.push_raw(&bytes);
    }

    /// Appends whole frames that the WebSocket layer made (pongs, the answer to a close frame).
    pub(super) fn push_raw(&mut self, frames: &[u8]) {
        self.back.extend_from_slice(frames);
        self.end_frame(frames.len(), false);
    }

    fn end_frame(&mut self, bytes: usize, is_text: bool) {
        self.appended += bytes as u64;
        self.ends.push_back((self.appended, is_text));
    }

    /// The bytes to write, unless there are none or somebody is at it.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.taken || self.is_empty() {
            return None;
        }
        if self.head == self.front.len() {
            self.front.clear();
            self.head = 0;
            std::mem::swap(&mut self.front, &mut self.back);
        }
        self.taken = true;
        Some(Batch { bytes: std::mem::take(&mut self.front), head: self.head })
    }

    /// Puts a batch back, written as far as it could be: how many texts have left whole since the last time.
    pub(super) fn put_back(&mut self, batch: Batch) -> usize {
        self.taken = false;
        self.written += (batch.head - self.head) as u64;
        self.head = batch.head;
        self.front = batch.bytes;
        if self.head == self.front.len() && self.front.capacity() > KEPT_CAPACITY {
            self.front = Vec::new();
            self.head = 0;
        }
        let mut texts = 0;
        while let Some((end, is_text)) = self.ends.front().copied().filter(|(end, _)| *end <= self.written) {
            self.boundary = end;
            texts += usize::from(is_text);
            self.ends.pop_front();
        }
        texts
    }

    /// How many texts a batch holds, the last perhaps not whole: while it is with its writer, any of them may be leaving.
    pub(super) fn texts_in(&self, batch: &Batch) -> usize {
        let end = self.written + batch.unwritten().len() as u64;
        self.ends.iter().take_while(|(frame_end, _)| *frame_end <= end).filter(|(_, is_text)| *is_text).count()
    }

    /// Forgets what has not begun to leave: the session sends it elsewhere. False when a frame is half written, or a writer is at it: then
    /// nothing more can be said on this connection.
    pub(super) fn abandon(&mut self) -> bool {
        self.front.clear();
        self.back.clear();
        self.head = 0;
        self.ends.clear();
        self.appended = self.written;
        !self.taken && self.written == self.boundary
    }

    /// Nothing waits, not even at a writer.
    pub(super) fn is_empty(&self) -> bool {
        !self.taken && self.head == self.front.len() && self.back.is_empty()
    }
}

/// RFC 6455 § 5.3, eight bytes at a time.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let bytes: [u8; 8] = (&*chunk).try_into().expect("the chunk has eight");
        chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// What carries the bytes.
pub(super) enum Transport {
    /// Both threads may write to it. The halves know when a read has emptied the socket, and save the call that would find it so.
    Plain { read: OwnedReadHalf, write: Arc<OwnedWriteHalf> },
    /// Only the I/O thread touches it: one session for both directions.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    pub(super) fn plain(tcp: TcpStream) -> Self {
        let (read, write) = tcp.into_split();
        Self::Plain { read, write: Arc::new(write) }
    }

    /// Writes as much of `batch` as goes now. `Ready` when all of it is gone.
    pub(super) fn poll_write_batch(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.unwritten().is_empty() {
            let count = match self {
                Self::Plain { write, .. } => ready!(poll_write_tcp(write, cx, batch.unwritten()))?,
                Self::Tls(tls) => ready!(Pin::new(&mut **tls).poll_write(cx, batch.unwritten()))?,
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            batch.advance(count);
        }
        match self {
            Self::Plain { .. } => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }
}

fn poll_write_tcp(tcp: &OwnedWriteHalf, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.as_ref().poll_write_ready(cx))?;
        match tcp.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

/// The stream under the WebSocket layer. It notes when bytes came; what the layer writes by itself after the upgrade (pongs, the answer
/// to a close frame) is collected for the outbox, where all frames of a connection get their order.
pub(super) struct Wire {
    pub(super) transport: Transport,
    pub(super) last_read: Duration,
    pub(super) replies: Vec<u8>,
    upgraded: bool,
    clock: Clock,
}

impl Wire {
    pub(super) fn new(transport: Transport, clock: Clock) -> Self {
        Self { transport, last_read: clock.now().mono, replies: Vec::new(), upgraded: false, clock }
    }

    /// The handshake is over: from now on writes are collected.
    pub(super) fn upgrade(&mut self) {
        self.upgraded = true;
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(match &mut self.transport {
            Transport::Plain { read, .. } => Pin::new(read).poll_read(cx, buf),
            Transport::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buf),
        })?;
        if buf.filled().len() > before {
            self.last_read = self.clock.now().mono;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.upgraded {
            self.replies.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        match &mut self.transport {
            Transport::Plain { write, .. } => poll_write_tcp(write, cx, bytes),
            Transport::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let upgraded = self.upgraded;
        match &mut self.transport {
            Transport::Tls(tls) if !upgraded => Pin::new(&mut **tls).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Of a masked frame, at most (RFC 6455 § 5.2).
const HEADER_BYTES: usize = 14;
/// A buffer that was once larger than this is given back.
const KEPT_CAPACITY: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn text(length: usize) -> Transmit {
        Transmit { connection: ConnectionId(1), text: Bytes::from(vec![b'x'; length]) }
    }

    #[test]
    fn texts_count_as_written_only_when_their_last_byte_is() {
        let mut outbox = Outbox::new(ConnectionId(1), [0; 32]);
        outbox.push(&text(10));
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("bytes wait");
        assert_eq!(batch.unwritten().len(), 32, "6 bytes of header each");
        batch.advance(31);
        assert_eq!(outbox.put_back(batch), 1);
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("bytes wait");
        assert_eq!(batch.unwritten().len(), 1, "what was begun goes first");
        batch.advance(1);
        assert_eq!(outbox.put_back(batch), 1);
        let mut batch = outbox.take().expect("bytes wait");
        batch.advance(16);
        assert_eq!(outbox.put_back(batch), 1);
        assert!(outbox.is_empty() && outbox.take().is_none());
    }

    #[test]
    fn there_is_one_writer_at_a_time_and_appending_goes_on_meanwhile() {
        let mut outbox = Outbox::new(ConnectionId(1), [0; 32]);
        outbox.push(&text(1));
        let batch = outbox.take().expect("bytes wait");
        outbox.push(&text(2));
        assert!(outbox.take().is_none());
        assert!(!outbox.is_empty());
        assert_eq!(outbox.put_back(batch), 0);
        assert_eq!(outbox.take().expect("bytes wait").unwritten().len(), 7);
    }

    #[test]
    fn an_abandoned_outbox_says_goodbye_only_between_frames() {
        let mut outbox = Outbox::new(ConnectionId(1), [0; 32]);
        outbox.push(&text(10));
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("bytes wait");
        assert_eq!(outbox.texts_in(&batch), 2);
        batch.advance(16);
        assert_eq!(outbox.put_back(batch), 1);
        assert!(outbox.abandon(), "the second text had not begun to leave");
        assert!(outbox.is_empty());
        outbox.push_close(1000, "");
        let mut batch = outbox.take().expect("the close frame");
        assert_eq!((batch.unwritten().len(), outbox.texts_in(&batch)), (8, 0));
        batch.advance(3);
        assert_eq!(outbox.put_back(batch), 0);
        assert!(!outbox.abandon(), "half a frame has left");
    }

    #[test]
    fn a_text_of_another_connection_is_not_taken() {
        let mut outbox = Outbox::new(ConnectionId(2), [0; 32]);
        outbox.push(&text(1));
        assert!(outbox.is_empty());
    }

    #[test]
    fn masking_is_the_rfcs_whatever_the_length() {
        let mask = [1, 2, 3, 4];
        for length in 0..40 {
            let mut payload: Vec<u8> = (0..length).collect();
            apply_mask(&mut payload, mask);
            let expected: Vec<u8> = (0..length).map(|i| i ^ mask[i as usize % 4]).collect();
            assert_eq!(payload, expected);
        }
    }
}
