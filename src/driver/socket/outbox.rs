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

use super::deflate::{Agreement, compress};
use mcp_protocol::{ConnectionId, Content, Transmit};

/// The outbox of an open socket, behind the lock that guards it.
pub(crate) trait SharedOutbox {
    /// See [`Outbox::take`]; compressed.
    fn take_batch(&self, connection: ConnectionId) -> Option<Batch>;

    /// See [`Outbox::put_back`].
    fn put_back(&self, connection: ConnectionId, batch: Batch);

    /// See [`Outbox::push_pong`].
    fn push_pong(&self, connection: ConnectionId, ping: Bytes);
}

/// The frames of one connection, in order.
pub(crate) struct Outbox {
    connection: ConnectionId,
    /// If compression was agreed on.
    compression: Option<Agreement>,
    /// Being written. A writer may have it.
    front: Batch,
    taken: bool,
    /// The texts in `front`.
    front_texts: usize,
    /// Appended since.
    back: Batch,
    /// The newest pong, until it is put before the texts. A peer that pings but does not read gets only this one (RFC
    /// 6455 § 5.5.3).
    pong: Vec<u8>,
    /// The last frame was written in part.
    within_a_frame: bool,
    /// Our close frame is in here, or was: nothing may follow it.
    closing: bool,
    /// The session has given the connection up: what its writer puts back is discarded.
    discarded: bool,
}

/// Frames to write, and how much of them is written.
#[derive(Default)]
pub(crate) struct Batch {
    /// `bytes[head..]` is still to go.
    bytes: Vec<u8>,
    head: usize,
    /// Where each frame that is not completely written ends, and whether it is a text of the session.
    ends: VecDeque<(usize, bool)>,
    /// The texts among them.
    texts: usize,
    /// Where the last frame that was completely written ended.
    boundary: usize,
    /// Texts that become frames only when they are compressed, each with its place in `ends`, and their bytes.
    uncompressed: Vec<(usize, Bytes)>,
    uncompressed_bytes: usize,
    /// For these texts, as a power of two.
    window_bits: u8,
}

impl Batch {
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.head += count;
    }

    /// Makes frames of the texts that are to be compressed. This takes time: it must not be called under a lock.
    pub(crate) fn compressed(mut self) -> Self {
        if self.uncompressed.is_empty() {
            return self;
        }
        let mut texts = std::mem::take(&mut self.uncompressed).into_iter().peekable();
        let frames = std::mem::take(&mut self.bytes);
        let mut copied = 0;
        for (place, (end, _)) in self.ends.iter_mut().enumerate() {
            self.bytes.extend_from_slice(&frames[copied..*end]);
            copied = *end;
            if let Some((_, text)) = texts.next_if(|(text_place, _)| *text_place == place) {
                push_compressed(&mut self.bytes, &text, self.window_bits);
            }
            *end = self.bytes.len();
        }
        self.uncompressed_bytes = 0;
        self
    }

    /// Notes a frame that was appended to `bytes`.
    fn end_frame(&mut self, is_text: bool) {
        self.ends.push_back((self.bytes.len(), is_text));
        self.texts += usize::from(is_text);
    }

    /// Puts a frame before the others, none of which is written yet.
    fn put_first(&mut self, frame: &mut Vec<u8>) {
        for (end, _) in &mut self.ends {
            *end += frame.len();
        }
        self.ends.push_front((frame.len(), false));
        for (place, _) in &mut self.uncompressed {
            *place += 1;
        }
        frame.append(&mut self.bytes);
        std::mem::swap(frame, &mut self.bytes);
    }

    /// How many more texts are completely written.
    fn settle(&mut self) -> usize {
        let texts = self.texts;
        while let Some((end, is_text)) = self.ends.front().copied().filter(|(end, _)| *end <= self.head) {
            self.boundary = end;
            self.texts -= usize::from(is_text);
            self.ends.pop_front();
        }
        texts - self.texts
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Keeps memory for the next frames, but not much.
    fn clear(&mut self) {
        let (mut bytes, mut ends) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.ends));
        bytes.clear();
        ends.clear();
        if bytes.capacity() > KEPT_CAPACITY {
            bytes = Vec::new();
        }
        *self = Self { bytes, ends, ..Self::default() };
    }
}

impl Outbox {
    pub(crate) fn new(connection: ConnectionId, compression: Option<Agreement>) -> Self {
        Self {
            connection,
            compression,
            front: Batch::default(),
            taken: false,
            front_texts: 0,
            back: Batch::default(),
            pong: Vec::new(),
            within_a_frame: false,
            closing: false,
            discarded: false,
        }
    }

    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Frames and masks a text or a ping (RFC 6455 § 5), or has whoever writes compress the text first.
    pub(crate) fn push(&mut self, transmit: &Transmit) {
        if transmit.connection != self.connection || self.closing {
            return;
        }
        match self.compression {
            _ if transmit.content == Content::Ping => push_ping(&mut self.back.bytes),
            Some(agreement) if transmit.text.len() >= COMPRESSED_FROM && transmit.content == Content::Text => {
                self.back.window_bits = agreement.client_window_bits;
                self.back.uncompressed.push((self.back.ends.len(), transmit.text.clone()));
                self.back.uncompressed_bytes += transmit.text.len();
            }
            _ => push_frame(&mut self.back.bytes, Data::Text, &transmit.text, false),
        }
        self.back.end_frame(true);
    }

    /// For tests: the session sends only texts.
    #[cfg(test)]
    pub(crate) fn push_binary(&mut self, payload: &[u8]) {
        push_frame(&mut self.back.bytes, Data::Binary, payload, false);
        self.back.end_frame(true);
    }

    /// Appends a close frame, the last of all; 1005 is one without a code.
    pub(crate) fn push_close(&mut self, code: u16, reason: &str) {
        let content = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let mut frame = Frame::close((code != 1005).then_some(content));
        frame.header_mut().mask = Some(rand::random());
        frame.format(&mut self.back.bytes).expect("a vector takes all");
        self.back.end_frame(false);
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

    /// The bytes to write, once they are [compressed](Batch::compressed), unless there are none or another writer has
    /// them.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.taken || self.is_empty() {
            return None;
        }
        if self.front.is_empty() {
            self.refill_front();
        }
        self.taken = true;
        self.front_texts = self.front.texts;
        Some(std::mem::take(&mut self.front))
    }

    /// What was appended is written next, with a waiting pong before it.
    fn refill_front(&mut self) {
        self.front.clear();
        std::mem::swap(&mut self.front, &mut self.back);
        if !self.pong.is_empty() {
            self.front.put_first(&mut self.pong);
        }
    }

    /// Puts a batch back, written as far as possible. Returns how many more texts are now completely written.
    pub(crate) fn put_back(&mut self, batch: Batch) -> usize {
        self.taken = false;
        self.front = batch;
        let sent = self.front.settle();
        self.front_texts = self.front.texts;
        self.within_a_frame = self.front.head != self.front.boundary;
        if self.front.is_empty() {
            self.front.clear();
        }
        if self.discarded {
            self.clear();
        }
        sent
    }

    /// How many texts the batch that is taken holds. Until it is put back, any of them may have been sent.
    pub(crate) fn texts_in_front(&self) -> usize {
        self.front_texts
    }

    /// The next batch has so many bytes to compress that it is left to the I/O thread (PROTOCOL.md rule 17).
    pub(crate) fn is_slow_to_compress(&self) -> bool {
        self.back.uncompressed_bytes > COMPRESSED_AT_ONCE
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
        self.back.clear();
        self.front_texts = 0;
    }

    /// A writer has a batch.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Nothing waits, and no writer has a batch.
    pub(crate) fn is_empty(&self) -> bool {
        !self.taken && self.front.is_empty() && self.back.is_empty() && self.pong.is_empty()
    }

    /// Our close frame is in here, or was.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The last frame is written in part: the next byte cannot begin another.
    pub(crate) fn is_within_a_frame(&self) -> bool {
        self.within_a_frame
    }
}

/// Appends a frame that is compressed, unless that would make it larger.
fn push_compressed(frames: &mut Vec<u8>, text: &[u8], window_bits: u8) {
    match compress(text, window_bits) {
        Some(payload) => push_frame(frames, Data::Text, &payload, true),
        None => push_frame(frames, Data::Text, text, false),
    }
}

fn push_frame(frames: &mut Vec<u8>, kind: Data, payload: &[u8], is_compressed: bool) {
    let mask: [u8; 4] = rand::random();
    let opcode = OpCode::Data(kind);
    let header = FrameHeader { opcode, rsv1: is_compressed, mask: Some(mask), ..FrameHeader::default() };
    frames.reserve(payload.len() + HEADER_BYTES);
    header.format(payload.len() as u64, frames).expect("a vector takes all");
    let masked = frames.len();
    frames.extend_from_slice(payload);
    apply_mask(&mut frames[masked..], mask);
}

fn push_ping(frames: &mut Vec<u8>) {
    let mut frame = Frame::ping(Bytes::new());
    frame.header_mut().mask = Some(rand::random());
    frame.format(frames).expect("a vector takes all");
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
/// Bytes of a text (PROTOCOL.md rule 17). Less of it does not get much smaller.
const COMPRESSED_FROM: usize = 1024;
/// Bytes that the JavaScript thread compresses itself (PROTOCOL.md rule 17). To hand fewer over would take about as
/// long.
const COMPRESSED_AT_ONCE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Transmit {
        Transmit { connection: ConnectionId(1), text: Bytes::from(vec![b'x'; length]), content: Content::Text }
    }

    #[test]
    fn texts_count_as_written_only_when_their_last_byte_is() {
        let mut outbox = Outbox::new(ConnectionId(1), None);
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
        let mut outbox = Outbox::new(ConnectionId(1), None);
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
        let mut outbox = Outbox::new(ConnectionId(1), None);
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

        let mut outbox = Outbox::new(ConnectionId(1), None);
        outbox.push(&text(10));
        assert_eq!(write(&mut outbox, 15), 0);
        outbox.discard();
        assert!(outbox.is_empty() && outbox.is_within_a_frame());
    }

    #[test]
    fn what_is_discarded_while_a_writer_has_it_ends_with_what_was_written() {
        let mut outbox = Outbox::new(ConnectionId(1), None);
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
        let mut outbox = Outbox::new(ConnectionId(1), None);
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
        let mut outbox = Outbox::new(ConnectionId(1), None);
        outbox.push(&text(10));
        outbox.push_close(1000, "");
        outbox.discard();
        assert_eq!(write(&mut outbox, 24), 1);
    }

    #[test]
    fn only_the_newest_pong_waits_and_goes_before_the_texts() {
        let mut outbox = Outbox::new(ConnectionId(1), None);
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

    /// All that is written, with texts from 1 KiB on compressed.
    fn written(outbox: &mut Outbox) -> Vec<u8> {
        let mut batch = outbox.take().expect("something waits").compressed();
        let bytes = batch.unwritten().to_vec();
        batch.advance(bytes.len());
        outbox.put_back(batch);
        bytes
    }

    /// The first byte of each frame, and the length of its payload.
    fn frames_in(mut bytes: &[u8]) -> Vec<(u8, usize)> {
        let mut frames = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            let (length, head) = match second & 0x7f {
                126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), 2),
                short => (usize::from(short), 0),
            };
            frames.push((*first, length));
            bytes = &rest[head + 4 + length..];
        }
        frames
    }

    fn compressing(client_window_bits: u8) -> Outbox {
        let agreement = Agreement { server_keeps_context: true, server_window_bits: 15, client_window_bits };
        Outbox::new(ConnectionId(1), Some(agreement))
    }

    const TEXT: u8 = 0x81;
    const COMPRESSED_TEXT: u8 = 0xc1;

    #[test]
    fn texts_from_1_kib_on_are_compressed_in_their_place_but_no_key() {
        let mut outbox = compressing(15);
        for length in [10, 1024, 1023, 5000] {
            outbox.push(&text(length));
        }
        outbox.push(&Transmit { content: Content::Secret, ..text(2000) });
        outbox.push_pong(Bytes::from_static(b"x"));
        outbox.push_close(1000, "");
        assert_eq!(outbox.back.texts, 5);
        let frames = frames_in(&written(&mut outbox));
        let kinds: Vec<u8> = frames.iter().map(|(first, _)| *first).collect();
        assert_eq!(kinds, [0x8a, TEXT, COMPRESSED_TEXT, TEXT, COMPRESSED_TEXT, TEXT, 0x88]);
        let lengths = [frames[1].1, frames[3].1, frames[5].1];
        assert_eq!(lengths, [10, 1023, 2000]);
        assert!(frames[2].1 < 40 && frames[4].1 < 40, "{frames:?}");
        assert!(outbox.is_empty() && !outbox.is_within_a_frame());
    }

    #[test]
    fn a_ping_is_an_empty_frame_in_its_place() {
        let mut outbox = compressing(15);
        outbox.push(&text(10));
        outbox.push(&Transmit { content: Content::Ping, ..text(0) });
        outbox.push(&text(0));
        assert_eq!(outbox.back.texts, 3);
        assert_eq!(frames_in(&written(&mut outbox)), [(TEXT, 10), (0x89, 0), (TEXT, 0)]);
    }

    #[test]
    fn what_gets_no_smaller_is_sent_as_it_is() {
        let noise: Vec<u8> = (0..2000).map(|_| rand::random()).collect();
        let noise = Transmit { connection: ConnectionId(1), text: Bytes::from(noise), content: Content::Text };
        let mut outbox = compressing(15);
        outbox.push(&noise);
        assert_eq!(frames_in(&written(&mut outbox)), [(TEXT, 2000)]);
        let mut outbox = compressing(8);
        outbox.push(&text(2000));
        assert_eq!(frames_in(&written(&mut outbox)), [(TEXT, 2000)], "zlib makes no window of 256 bytes");
    }

    #[test]
    fn a_compressed_text_counts_as_written_when_its_last_byte_is() {
        let mut outbox = compressing(15);
        outbox.push(&text(2000));
        outbox.push(&text(10));
        let mut batch = outbox.take().expect("something waits").compressed();
        let whole = batch.unwritten().len();
        batch.advance(whole - 17);
        assert_eq!(outbox.put_back(batch), 0);
        assert!(outbox.is_within_a_frame());
        assert_eq!(write(&mut outbox, 1), 1);
        assert!(!outbox.is_within_a_frame());
        assert_eq!(write(&mut outbox, 16), 1);
    }

    #[test]
    fn more_than_16_kib_at_once_is_slow_to_compress() {
        let mut outbox = compressing(15);
        outbox.push(&text(10_000));
        assert!(!outbox.is_slow_to_compress());
        outbox.push(&text(7_000));
        assert!(outbox.is_slow_to_compress());
        written(&mut outbox);
        assert!(!outbox.is_slow_to_compress());
        outbox.push(&text(17_000));
        outbox.discard();
        assert!(!outbox.is_slow_to_compress() && outbox.is_empty());
        let mut outbox = Outbox::new(ConnectionId(1), None);
        outbox.push(&text(17_000));
        assert!(!outbox.is_slow_to_compress(), "it is not compressed");
    }

    #[test]
    fn a_text_of_another_connection_is_not_taken() {
        let mut outbox = Outbox::new(ConnectionId(2), None);
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
