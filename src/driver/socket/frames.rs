//! Makes messages of the bytes of a stream (RFC 6455 § 5). It reads nothing itself. Each byte of a message is copied at
//! most once, into the memory in which the message is passed on.

use bytes::{BufMut, Bytes, BytesMut, buf::Limit};
use bytestring::ByteString;

use super::{
    deflate::{Agreement, InflateError, Inflater},
    utf8,
};

/// A complete message. A pong is none: it only proves life, as all bytes do.
pub(crate) enum Message {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    /// The code is 1005 when the frame has none.
    Close {
        code: u16,
        reason: ByteString,
    },
}

/// What a server must not send.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("a message of {size} bytes is larger than maxMessageSize ({limit} bytes)")]
    TooLarge { size: u64, limit: usize },
    #[error("a compressed message is larger than maxMessageSize ({limit} bytes)")]
    InflatesTooLarge { limit: usize },
    #[error("a text message was not UTF-8")]
    NotUtf8,
    #[error("a compressed message was corrupt")]
    Corrupt,
    #[error("a close frame has the code {0}, which must not be sent")]
    CloseCode(u16),
    #[error("{0}")]
    Rule(&'static str),
}

/// The frames of one connection.
pub(crate) struct Frames {
    /// Bytes that a message may have.
    limit: usize,
    /// The beginning of a frame, until its length is known: `head[..head_length]` has come.
    head: [u8; LONGEST_HEAD],
    head_length: usize,
    /// The frame whose payload comes next.
    frame: Option<Frame>,
    control: BytesMut,
    /// The kind of the message that is coming in, if any, and its bytes so far.
    kind: Option<Kind>,
    message: BytesMut,
    /// If compression was agreed on. It has the bytes of a message that is compressed.
    inflater: Option<Box<Inflater>>,
    is_compressed: bool,
    /// The last message, if it was large: once nobody holds it any more, its memory serves the next one without page
    /// faults.
    last: Bytes,
}

#[derive(Clone, Copy)]
struct Frame {
    opcode: u8,
    is_final: bool,
    missing: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Binary,
}

impl Frames {
    /// A message may have `limit` bytes, when inflated.
    pub(crate) fn new(limit: usize, compression: Option<Agreement>) -> Self {
        Self {
            limit,
            inflater: compression.map(|agreement| Box::new(Inflater::new(agreement))),
            is_compressed: false,
            head: [0; LONGEST_HEAD],
            head_length: 0,
            frame: None,
            control: BytesMut::new(),
            kind: None,
            message: BytesMut::new(),
            last: Bytes::new(),
        }
    }

    /// Passes each message that these bytes complete to `take`, up to a close frame.
    pub(crate) fn take_all(&mut self, mut bytes: &[u8], mut take: impl FnMut(Message)) -> Result<(), Violation> {
        while let Some(message) = self.take(&mut bytes)? {
            let is_last = matches!(message, Message::Close { .. });
            take(message);
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// Takes from the front of `bytes` what belongs to the next message. `None` when all are taken and the message is
    /// not complete.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            if self.frame.is_none() && !self.take_head(bytes)? {
                return Ok(None);
            }
            let Some(frame @ Frame { opcode, missing, .. }) = self.frame else { continue };
            let (payload, rest) = bytes.split_at(bytes.len().min(missing));
            *bytes = rest;
            match &mut self.inflater {
                _ if is_control(opcode) => self.control.put_slice(payload),
                Some(inflater) if self.is_compressed => {
                    inflater.add(payload, self.limit).map_err(|error| violation_of(error, self.limit))?;
                }
                _ => {
                    self.make_room(missing, payload.len());
                    self.message.put_slice(payload);
                }
            }
            self.frame = Some(Frame { missing: missing - payload.len(), ..frame });
            if let Some(message) = self.end_frame()? {
                return Ok(Some(message));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Room for what is missing of a message, if that is `large` bytes or more. Call [`Self::filled`] with the number
    /// of bytes put there.
    pub(crate) fn room(&mut self, large: usize) -> Option<Limit<&mut BytesMut>> {
        match self.frame {
            Some(Frame { opcode, missing, .. }) if missing >= large && !is_control(opcode) && !self.is_compressed => {
                self.make_room(missing, large);
                Some((&mut self.message).limit(missing))
            }
            _ => None,
        }
    }

    /// `count` bytes were put into the room. Returns the message that they complete.
    pub(crate) fn filled(&mut self, count: usize) -> Result<Option<Message>, Violation> {
        if let Some(frame) = &mut self.frame {
            frame.missing -= count;
        }
        self.end_frame()
    }

    /// False when the rest of the head has not come.
    fn take_head(&mut self, bytes: &mut &[u8]) -> Result<bool, Violation> {
        loop {
            let needed = if self.head_length < 2 { 2 } else { 2 + length_bytes(self.head[1]) };
            if self.head_length == needed {
                break;
            }
            let (head, rest) = bytes.split_at(bytes.len().min(needed - self.head_length));
            if head.is_empty() {
                return Ok(false);
            }
            self.head[self.head_length..][..head.len()].copy_from_slice(head);
            self.head_length += head.len();
            *bytes = rest;
            if self.head_length == 2 {
                self.check_head()?;
            }
        }
        let length = match &self.head[2..self.head_length] {
            [] => u64::from(self.head[1]),
            long => long.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        self.head_length = 0;
        self.begin_frame(self.head[0], length)?;
        Ok(true)
    }

    /// Checks the first two bytes of a frame.
    fn check_head(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.head;
        let (opcode, is_final) = (first & OPCODE, first & FINAL != 0);
        Err(Violation::Rule(match opcode {
            _ if first & self.reserved(opcode) != 0 => "a reserved bit of a frame is set",
            _ if second & MASKED != 0 => "a server masks no frame",
            CONTINUATION if self.kind.is_none() => "a frame continues no message",
            TEXT | BINARY if self.kind.is_some() => "a message begins within another",
            CLOSE | PING | PONG if !is_final => "a control frame is fragmented",
            CLOSE | PING | PONG if second > LONGEST_CONTROL => "a control frame has more than 125 bytes",
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG => return Ok(()),
            _ => "a frame has an unknown opcode",
        }))
    }

    /// The bits that a frame must not have: the first frame of a compressed message has `COMPRESSED` (RFC 7692 § 6).
    fn reserved(&self, opcode: u8) -> u8 {
        match opcode {
            TEXT | BINARY if self.inflater.is_some() => RESERVED & !COMPRESSED,
            _ => RESERVED,
        }
    }

    fn begin_frame(&mut self, first: u8, length: u64) -> Result<(), Violation> {
        let (opcode, is_final) = (first & OPCODE, first & FINAL != 0);
        match opcode {
            TEXT => self.kind = Some(Kind::Text),
            BINARY => self.kind = Some(Kind::Binary),
            _ => {}
        }
        if matches!(opcode, TEXT | BINARY) {
            self.is_compressed = first & COMPRESSED != 0;
        }
        // At most about the limit, or 125.
        let missing = length as usize;
        if !is_control(opcode) {
            self.check_size(length)?;
            self.reuse_last(missing, opcode != CONTINUATION);
        }
        self.frame = Some(Frame { opcode, is_final, missing });
        Ok(())
    }

    /// Checks how many bytes a frame adds to its message. Compressed ones count when they are inflated, but a message
    /// that cannot be compressed hardly gets larger by it.
    fn check_size(&self, length: u64) -> Result<(), Violation> {
        let size = length.saturating_add(self.message.len() as u64);
        let slack = if self.is_compressed { self.limit / 1024 + LONGEST_CONTROL as usize } else { 0 };
        if size > self.limit.saturating_add(slack) as u64 {
            return Err(Violation::TooLarge { size, limit: self.limit });
        }
        Ok(())
    }

    /// Takes the memory of the last message for the next one, if it is free and large enough. The first frame of a
    /// message is to have it.
    fn reuse_last(&mut self, length: usize, is_first: bool) {
        match &mut self.inflater {
            Some(inflater) if self.is_compressed => {
                if is_first {
                    let size = length.saturating_mul(LIKELY_RATIO).min(self.limit);
                    let memory = reused(&mut self.last, size).map(Vec::from);
                    inflater.begin(memory.unwrap_or_else(|| Vec::with_capacity(size.min(LARGE))));
                }
            }
            _ => {
                if let Some(memory) = reused(&mut self.last, length).filter(|_| self.message.is_empty()) {
                    self.message = memory;
                }
            }
        }
    }

    /// Reserves memory for the next `count` bytes of the message, of which the frame has `missing` more. What a server
    /// only says that it will send is not reserved: beyond the first step, at most as much as has come.
    fn make_room(&mut self, missing: usize, count: usize) {
        let length = self.message.len();
        let wanted = length + count.min(missing);
        if wanted <= self.message.capacity() {
            return;
        }
        // The whole, or half of it, or a quarter, …: so the last step ends exactly where the message does.
        let mut capacity = length + missing;
        while capacity.div_ceil(2) >= wanted.max(LARGE) {
            capacity = capacity.div_ceil(2);
        }
        self.message.reserve(capacity - length);
    }

    /// The message that this frame completes, if the frame is complete.
    fn end_frame(&mut self) -> Result<Option<Message>, Violation> {
        let Some(frame) = self.frame.take_if(|frame| frame.missing == 0) else { return Ok(None) };
        match frame.opcode {
            CLOSE => return self.end_close().map(Some),
            PING => return Ok(Some(Message::Ping(std::mem::take(&mut self.control).freeze()))),
            PONG => self.control.clear(),
            _ if frame.is_final => return self.end_message(),
            _ => {}
        }
        Ok(None)
    }

    fn end_message(&mut self) -> Result<Option<Message>, Violation> {
        let bytes = match &mut self.inflater {
            Some(inflater) if self.is_compressed => {
                inflater.finish(self.limit).map_err(|error| violation_of(error, self.limit))?
            }
            _ => std::mem::take(&mut self.message).freeze(),
        };
        if bytes.len() >= LARGE {
            self.last = bytes.clone();
        }
        Ok(match self.kind.take() {
            Some(Kind::Text) => Some(Message::Text(utf8::text_of(bytes).map_err(|_| Violation::NotUtf8)?)),
            Some(Kind::Binary) => Some(Message::Binary(bytes)),
            None => None,
        })
    }

    fn end_close(&mut self) -> Result<Message, Violation> {
        let payload = std::mem::take(&mut self.control).freeze();
        let code = match payload[..] {
            [] => return Ok(Message::Close { code: 1005, reason: ByteString::new() }),
            [_] => return Err(Violation::Rule("a close frame has half a code")),
            [high, low, ..] => u16::from_be_bytes([high, low]),
        };
        let reason = utf8::text_of(payload.slice(2..)).map_err(|_| Violation::NotUtf8)?;
        if !may_be_sent(code) {
            return Err(Violation::CloseCode(code));
        }
        Ok(Message::Close { code, reason })
    }
}

/// The memory of the last message, if it was large, is big enough for the next one, and nobody holds it any more. In
/// any case it is not kept any longer.
fn reused(last: &mut Bytes, length: usize) -> Option<BytesMut> {
    let memory = std::mem::take(last).try_into_mut().ok();
    let mut memory = memory.filter(|memory| length >= LARGE && memory.capacity() >= length)?;
    memory.clear();
    Some(memory)
}

fn violation_of(error: InflateError, limit: usize) -> Violation {
    match error {
        InflateError::Corrupt => Violation::Corrupt,
        InflateError::TooLarge => Violation::InflatesTooLarge { limit },
    }
}

/// Source: PROTOCOL.md rule 14, which is RFC 6455 § 7.4 with the codes that were registered since.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn is_control(opcode: u8) -> bool {
    opcode & CONTROL != 0
}

/// Bytes of a frame's length behind the second byte.
fn length_bytes(second: u8) -> usize {
    match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// One of the reserved bits: this message is compressed.
const COMPRESSED: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// The bit of opcodes that control frames have.
const CONTROL: u8 = 8;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Of a frame without a mask.
const LONGEST_HEAD: usize = 10;
const LONGEST_CONTROL: u8 = 125;
/// Bytes. The memory of such a message is worth keeping for the next one: fresh memory costs a page fault each 4 KiB.
const LARGE: usize = 1 << 20;
/// How many times larger than its payload a compressed message is taken to be. JSON is, about.
const LIKELY_RATIO: usize = 8;

#[cfg(test)]
mod tests;
