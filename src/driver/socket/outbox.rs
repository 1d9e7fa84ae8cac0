//! The frames that wait to be written.
//!
//! Whoever writes takes the bytes out, writes without holding any lock, and puts back what is left: there is one writer
//! at a time, and others only append.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::{
    CloseFrame, Frame, FrameHeader,
    coding::{CloseCode, Data, OpCode},
};

use crate::protocol::{ConnectionId, Transmit};

/// The outbox of an open socket, behind the lock that guards it.
pub(crate) trait SharedOutbox {
    /// See [`Outbox::take`].
    fn take_batch(&self) -> Option<Batch>;

    /// See [`Outbox::put_back`].
    fn put_back(&self, connection: ConnectionId, batch: Batch);

    /// See [`Outbox::push_pong`].
    fn push_pong(&self, ping: Bytes);
}

/// The frames of one connection, in order.
pub(crate) struct Outbox {
    connection: ConnectionId,
    /// Being written: `front[head..]` is still to go.
    front: Vec<u8>,
    head: usize,
    /// Appended since.
    back: Vec<u8>,
    /// A writer has `front`.
    taken: bool,
    /// The newest pong, until it is put before the texts. A peer that pings but does not read gets only this one (RFC
    /// 6455 § 5.5.3).
    pong: Vec<u8>,
    appended: u64,
    written: u64,
    /// Where each frame ends, counted in bytes ever appended, and whether it is a text of the session.
    ends: VecDeque<(u64, bool)>,
    /// The texts among them, and those of them in `front`.
    texts: usize,
    front_texts: usize,
    /// Where the last frame that was completely written ended.
    boundary: u64,
    /// Our close frame is in here, or was: nothing may follow it.
    closing: bool,
    /// The session has given the connection up: what its writer puts back is discarded.
    discarded: bool,
}

/// Bytes to write, and how many of them are written.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    head: usize,
}

impl Batch {
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.head += count;
    }
}

impl Outbox {
    pub(crate) fn new(connection: ConnectionId) -> Self {
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
            discarded: false,
        }
    }

    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Frames and masks a text (RFC 6455 § 5).
    pub(crate) fn push(&mut self, transmit: &Transmit) {
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
    pub(crate) fn push_close(&mut self, code: u16, reason: &str) {
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
    pub(crate) fn push_pong(&mut self, ping: Bytes) {
        if self.closing {
            return;
        }
        let mut frame = Frame::pong(ping);
        frame.header_mut().mask = Some(rand::random());
        self.pong.clear();
        frame.format(&mut self.pong).expect("a vector takes all");
    }

    /// The bytes to write, unless there are none or another writer has them.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.taken || self.is_empty() {
            return None;
        }
        if self.head == self.front.len() {
            self.refill_front();
        }
        self.taken = true;
        Some(Batch { bytes: std::mem::take(&mut self.front), head: self.head })
    }

    /// What was appended is written next, with a waiting pong before it.
    fn refill_front(&mut self) {
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

    /// Puts a batch back, written as far as possible. Returns how many more texts are now completely written.
    pub(crate) fn put_back(&mut self, batch: Batch) -> usize {
        self.taken = false;
        self.written += (batch.head - self.head) as u64;
        self.head = batch.head;
        self.front = batch.bytes;
        if self.head == self.front.len() && self.front.capacity() > KEPT_CAPACITY {
            self.front = Vec::new();
            self.head = 0;
        }
        let mut sent = 0;
        while let Some((end, is_text)) = self.ends.front().copied().filter(|(end, _)| *end <= self.written) {
            self.boundary = end;
            sent += usize::from(is_text);
            self.ends.pop_front();
        }
        self.texts -= sent;
        self.front_texts -= sent;
        if self.discarded {
            self.clear();
        }
        sent
    }

    /// How many texts the batch that is taken holds. Until it is put back, any of them may have been sent.
    pub(crate) fn texts_in_front(&self) -> usize {
        self.front_texts
    }

    /// Discards what was not written. The session has given the connection up and sends those texts on another one, so
    /// they must not be sent on this one too. After our own close frame nothing is discarded: the session sends nothing
    /// anew then.
    pub(crate) fn discard(&mut self) {
        if self.closing {
            return;
        }
        self.discarded = true;
        self.pong.clear();
        self.back.clear();
        if !self.taken {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.discarded = false;
        self.front.clear();
        self.head = 0;
        self.ends.clear();
        (self.texts, self.front_texts) = (0, 0);
        self.appended = self.written;
    }

    /// A writer has a batch.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Nothing waits, and no writer has a batch.
    pub(crate) fn is_empty(&self) -> bool {
        !self.taken && self.head == self.front.len() && self.back.is_empty() && self.pong.is_empty()
    }

    /// Our close frame is in here, or was.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The last frame is written in part: the next byte cannot begin another.
    pub(crate) fn is_within_a_frame(&self) -> bool {
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

/// Of a masked frame, at most (RFC 6455 § 5.2).
const HEADER_BYTES: usize = 14;
/// A buffer that has become larger than this is freed.
const KEPT_CAPACITY: usize = 64 * 1024;

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
    fn what_is_discarded_is_never_sent_and_a_close_frame_fits_only_between_frames() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 16), 1);
        outbox.push(&text(10));
        outbox.discard();
        assert!(outbox.is_empty() && !outbox.is_within_a_frame());
        outbox.push_close(1000, "");
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 8), 0);
        assert!(outbox.is_empty() && outbox.is_closing(), "nothing follows a close frame");

        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 15), 0);
        outbox.discard();
        assert!(outbox.is_empty() && outbox.is_within_a_frame());
    }

    #[test]
    fn what_is_discarded_while_a_writer_has_it_ends_with_what_was_written() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("bytes wait");
        outbox.push(&text(10));
        assert_eq!(outbox.texts_in_front(), 2, "both may have been sent");
        outbox.discard();
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
    fn after_our_close_frame_nothing_is_discarded() {
        let mut outbox = Outbox::new(ConnectionId(1));
        outbox.push(&text(10));
        outbox.push_close(1000, "");
        outbox.discard();
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
