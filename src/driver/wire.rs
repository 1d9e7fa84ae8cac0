//! Bytes out and bytes in: the buffer of frames to write, and the stream that messages are read from.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use memchr::memmem;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
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

use super::{
    clock::Clock,
    frames::{Frames, Message, Violation},
};
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
    /// The newest pong, until it gets its place. A peer that pings and does not read gets no other (RFC 6455 § 5.5.3).
    pong: Vec<u8>,
    appended: u64,
    written: u64,
    /// Where each frame ends, counted in bytes ever appended, and whether it is a text of the session's.
    ends: VecDeque<(u64, bool)>,
    /// The texts among them, and those of them in `front`.
    texts: usize,
    front_texts: usize,
    /// Where the last frame that was written whole ended.
    boundary: u64,
    /// Our close frame is in here, or was: nothing may follow it.
    closing: bool,
    /// The session has given the connection up.
    cut: bool,
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
    pub(super) fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            front: Vec::new(),
            head: 0,
            back: Vec::new(),
            taken: false,
            pong: Vec::new(),
            appended: 0,
            written: 0,
            ends: VecDeque::new(),
            texts: 0,
            front_texts: 0,
            boundary: 0,
            closing: false,
            cut: false,
        }
    }

    pub(super) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Frames and masks a text (RFC 6455 § 5).
    pub(super) fn push(&mut self, transmit: &Transmit) {
        if transmit.connection != self.connection || self.closing {
            return;
        }
        let mask: [u8; 4] = rand::random();
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), mask: Some(mask), ..FrameHeader::default() };
        let length = transmit.text.len();
        self.back.reserve(length + HEADER_BYTES);
        let start = self.back.len();
        header.format(length as u64, &mut self.back).expect("a vector takes all");
        let payload = self.back.len();
        self.back.extend_from_slice(&transmit.text);
        apply_mask(&mut self.back[payload..], mask);
        self.appended += (self.back.len() - start) as u64;
        self.ends.push_back((self.appended, true));
        self.texts += 1;
    }

    /// Appends a close frame, the last of all; 1005 is one without a code.
    pub(super) fn push_close(&mut self, code: u16, reason: &str) {
        let content = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let mut frame = Frame::close((code != 1005).then_some(content));
        frame.header_mut().mask = Some(rand::random());
        let start = self.back.len();
        frame.format(&mut self.back).expect("a vector takes all");
        self.appended += (self.back.len() - start) as u64;
        self.ends.push_back((self.appended, false));
        self.closing = true;
    }

    /// Answers a ping.
    pub(super) fn push_pong(&mut self, ping: Bytes) {
        if self.closing {
            return;
        }
        let mut frame = Frame::pong(ping);
        frame.header_mut().mask = Some(rand::random());
        self.pong.clear();
        frame.format(&mut self.pong).expect("a vector takes all");
    }

    /// The bytes to write, unless there are none or somebody is at it.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.taken || self.is_empty() {
            return None;
        }
        if self.head == self.front.len() {
            self.turn_over();
        }
        self.taken = true;
        Some(Batch { bytes: std::mem::take(&mut self.front), head: self.head })
    }

    /// What was appended is written next, a pong before all of it.
    fn turn_over(&mut self) {
        self.front.clear();
        self.head = 0;
        self.front_texts = self.texts;
        if self.pong.is_empty() {
            return std::mem::swap(&mut self.front, &mut self.back);
        }
        let room = self.pong.len() as u64;
        self.front.append(&mut self.pong);
        self.front.append(&mut self.back);
        for (end, _) in &mut self.ends {
            *end += room;
        }
        self.ends.push_front((self.written + room, false));
        self.appended += room;
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
        let mut left = 0;
        while let Some((end, is_text)) = self.ends.front().copied().filter(|(end, _)| *end <= self.written) {
            self.boundary = end;
            left += usize::from(is_text);
            self.ends.pop_front();
        }
        self.texts -= left;
        self.front_texts -= left;
        if self.cut {
            self.forget();
        }
        left
    }

    /// How many texts a taken batch holds. While it is with its writer, any of them may be leaving.
    pub(super) fn texts_in_front(&self) -> usize {
        self.front_texts
    }

    /// The session has given the connection up, and sends elsewhere what has not left: here it must not leave any more. After our own
    /// close frame it sends nothing elsewhere, and all of it still goes.
    pub(super) fn cut(&mut self) {
        if self.closing {
            return;
        }
        self.cut = true;
        self.pong.clear();
        self.back.clear();
        if !self.taken {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.cut = false;
        self.front.clear();
        self.head = 0;
        self.ends.clear();
        (self.texts, self.front_texts) = (0, 0);
        self.appended = self.written;
    }

    /// A writer is at it.
    pub(super) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Nothing waits, not even at a writer.
    pub(super) fn is_empty(&self) -> bool {
        !self.taken && self.head == self.front.len() && self.back.is_empty() && self.pong.is_empty()
    }

    /// Our close frame is in here, or was.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The last frame has left in part: the next byte cannot begin another.
    pub(super) fn is_within_a_frame(&self) -> bool {
        self.written != self.boundary
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
            let count = ready!(self.poll_write(cx, batch.unwritten()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            batch.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain { write, .. } => poll_write_tcp(write, cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    /// The TLS layer takes more than the socket does, and hands it on only when it is asked.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain { .. } => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain { read, .. } => Pin::new(read).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buf),
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

/// The stream under the handshake. It hands the answer to the upgrade over, and keeps what comes after it.
pub(super) struct Wire {
    transport: Transport,
    last_read: Duration,
    /// What was read; `ahead[handed_over..]` is still to be given to the handshake.
    ahead: Vec<u8>,
    handed_over: usize,
    reads: usize,
    clock: Clock,
}

impl Wire {
    pub(super) fn new(transport: Transport, clock: Clock) -> Self {
        Self { transport, last_read: clock.now().mono, ahead: Vec::new(), handed_over: 0, reads: 0, clock }
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
            self.last_read = self.clock.now().mono;
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

    /// The handshake is over. A message may have `limit` bytes.
    pub(super) fn upgrade(mut self, limit: usize) -> Inlet {
        Inlet {
            transport: self.transport,
            last_read: self.last_read,
            early: self.ahead.split_off(self.handed_over),
            frames: Frames::new(limit),
            clock: self.clock,
        }
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

/// The stream of an open WebSocket. An idle one keeps no buffer.
pub(super) struct Inlet {
    pub(super) transport: Transport,
    /// When bytes last came.
    pub(super) last_read: Duration,
    /// What came with the answer to the upgrade.
    early: Vec<u8>,
    frames: Frames,
    clock: Clock,
}

/// Why nothing more comes in.
pub(super) enum Stop {
    /// The end of the stream.
    End,
    Io(io::Error),
    Violation(Violation),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl Inlet {
    /// Reads once, and gives the messages that are whole with that to `take`, up to a close frame.
    pub(super) fn poll_messages(&mut self, cx: &mut Context<'_>, take: impl FnMut(Message)) -> Poll<Result<(), Stop>> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            return Poll::Ready(Ok(self.frames.take_all(&early, take)?));
        }
        // Straight to its place. The TLS layer would fill the room with zeros first.
        if let Transport::Plain { read, .. } = &mut self.transport
            && let Some(mut room) = self.frames.room(READ_AT_ONCE)
        {
            let count = ready!(pin!(read.read_buf(&mut room)).poll(cx))?;
            self.note_read(count)?;
            self.frames.filled(count)?.into_iter().for_each(take);
            return Poll::Ready(Ok(()));
        }
        let mut room = [MaybeUninit::uninit(); READ_AT_ONCE];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(self.transport.poll_read(cx, &mut room))?;
        self.note_read(room.filled().len())?;
        Poll::Ready(Ok(self.frames.take_all(room.filled(), take)?))
    }

    fn note_read(&mut self, count: usize) -> Result<(), Stop> {
        if count == 0 {
            return Err(Stop::End);
        }
        self.last_read = self.clock.now().mono;
        Ok(())
    }
}

/// Of a masked frame, at most (RFC 6455 § 5.2).
const HEADER_BYTES: usize = 14;
/// A buffer that was once larger than this is given back.
const KEPT_CAPACITY: usize = 64 * 1024;
/// Bytes. So much is soon read and split, and while JavaScript works on it the next comes.
const READ_AT_ONCE: usize = 16 * 1024;
/// Half of what the layer bears.
const MOST_SMALL_READS: usize = 32;
/// A longer answer is the layer's to refuse.
const LONGEST_ANSWER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Transmit {
        Transmit { connection: ConnectionId(1), text: Bytes::from(vec![b'x'; length]) }
    }

    #[test]
    fn texts_count_as_written_only_when_their_last_byte_is() {
        let mut outbox = Outbox::new(ConnectionId(1));
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
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(1));
        let batch = outbox.take().expect("bytes wait");
        outbox.push(&text(2));
        assert!(outbox.take().is_none());
        assert!(!outbox.is_empty());
        assert_eq!(outbox.put_back(batch), 0);
        assert_eq!(outbox.take().expect("bytes wait").unwritten().len(), 7);
    }

    /// Has `count` bytes written.
    fn write(outbox: &mut Outbox, count: usize) -> usize {
        let mut batch = outbox.take().expect("bytes wait");
        batch.advance(count);
        outbox.put_back(batch)
    }

    #[test]
    fn what_is_cut_never_leaves_and_a_goodbye_fits_only_between_frames() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 16), 1);
        outbox.push(&text(10));
        outbox.cut();
        assert!(outbox.is_empty() && !outbox.is_within_a_frame());
        outbox.push_close(1000, "");
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 8), 0);
        assert!(outbox.is_empty() && outbox.is_closing(), "nothing follows a close frame");

        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 15), 0);
        outbox.cut();
        assert!(outbox.is_empty() && outbox.is_within_a_frame());
    }

    #[test]
    fn what_is_cut_while_a_writer_holds_it_ends_with_what_he_has_written() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("bytes wait");
        outbox.push(&text(10));
        assert_eq!(outbox.texts_in_front(), 2, "both may be leaving");
        outbox.cut();
        batch.advance(16);
        assert_eq!(outbox.put_back(batch), 1);
        assert!(outbox.is_empty() && !outbox.is_within_a_frame());
        assert_eq!(outbox.texts_in_front(), 0);
    }

    #[test]
    fn a_batch_knows_how_many_texts_it_still_holds() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push(&text(10));
        outbox.push_pong(Bytes::from_static(b"x"));
        assert_eq!(write(&mut outbox, 7 + 16 + 1), 1);
        outbox.push(&text(10));
        let batch = outbox.take().expect("bytes wait");
        assert_eq!(outbox.texts_in_front(), 1);
        outbox.put_back(batch);
        assert_eq!(write(&mut outbox, 15), 1);
        outbox.take().expect("bytes wait");
        assert_eq!(outbox.texts_in_front(), 1);
    }

    #[test]
    fn after_our_close_frame_nothing_is_cut() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push_close(1000, "");
        outbox.cut();
        assert_eq!(write(&mut outbox, 24), 1);
    }

    #[test]
    fn only_the_newest_pong_waits_and_goes_before_the_texts() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 1), 0);
        outbox.push(&text(10));
        outbox.push_pong(Bytes::from_static(b"old"));
        outbox.push_pong(Bytes::from_static(b"newest"));
        assert_eq!(write(&mut outbox, 15), 1, "what was begun goes first");
        let batch = outbox.take().expect("bytes wait");
        assert_eq!((&batch.unwritten()[..2], batch.unwritten().len()), ([0x8a, 0x80 | 6].as_slice(), 12 + 16));
        outbox.put_back(batch);
        assert_eq!(write(&mut outbox, 27), 0);
        assert_eq!(write(&mut outbox, 1), 1);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_text_of_another_connection_is_not_taken() {
        let mut outbox = Outbox::new(ConnectionId(2));
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
