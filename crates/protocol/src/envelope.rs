//! Splits one message into the members of its envelope, as slices of the text, and validates the whole text at once.
//!
//! It accepts exactly what `JSON.parse` accepts: lone surrogates, `1e999`, duplicate and escaped keys and any depth are
//! JSON (PROTOCOL.md rules 8 to 10). That exactness is the reason why it exists, not speed. A JSON library decides some
//! of these cases differently, and does not say which members were complete before an error: a visitor built on serde
//! failed 7 of the 31 tests in this folder.
//!
//! It never builds a tree, recurses or panics, whatever the peer sends. It reads a message once, and needs memory only
//! for nesting beyond 63 levels: one bit a level.

#[cfg(any(test, feature = "sim"))]
pub mod oracle;

use core::ops::Range;
use std::{borrow::Cow, iter};

use super::{config::before, words::floor_char_boundary};

/// The byte range of one value in the message, without the white space around it.
pub type Span = Range<usize>;

/// The members of one object that the protocol knows, each `None` if it is absent. Of duplicate keys the last one
/// counts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Members {
    /// The value of `id`.
    pub id: Option<Span>,
    /// The value of `results`.
    pub results: Option<Span>,
    /// The value of `error`.
    pub error: Option<Span>,
    /// The value of `success`.
    pub success: Option<Span>,
    /// The value of `messageType`.
    pub message_type: Option<Span>,
    /// The value of `event`.
    pub event: Option<Span>,
    /// The value of `data`.
    pub data: Option<Span>,
    /// The value of `requestId`.
    pub request_id: Option<Span>,
    /// The value of `message`.
    pub message: Option<Span>,
    /// The value of `code`.
    pub code: Option<Span>,
}

/// The result of [`split`]. Everything is `None` for a message that is not an object.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The members of the message itself.
    pub top: Members,
    /// The members of its `data`, where the event dialect has them; all `None` if `data` is not an object.
    pub data: Members,
}

/// A text that is not JSON, with the members that could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON from byte {offset} on")]
pub struct NotJson {
    /// The position of the first byte that is not allowed there; the length of the text if it ends too early.
    pub offset: usize,
    /// The members whose values were complete before the error. A repeated key discards the earlier value even if its
    /// own is incomplete: an `id` that would have been overridden must not count.
    pub seen: Envelope,
}

/// Finds the members of the envelope in `text`, which is one complete message.
///
/// # Errors
///
/// [`NotJson`] if `JSON.parse` would reject the text.
pub fn split(text: &str) -> Result<Envelope, Box<NotJson>> {
    let mut envelope = Envelope::default();
    match (Scanner { text }).message(&mut envelope) {
        Ok(_) => Ok(envelope),
        Err(Fault(offset)) => Err(Box::new(NotJson { offset, seen: envelope })),
    }
}

/// The characters of a JSON string, borrowed if it has no escapes; `None` if `raw` is another kind of value.
///
/// Surrogate pairs are joined; a lone surrogate, which a Rust string cannot contain, becomes U+FFFD. `raw` is a value
/// as [`split`] delimits it.
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    decode(raw.strip_prefix('"')?.strip_suffix('"')?).ok()
}

/// Like [`decode_string`], but of a long string only the beginning, of at least `enough` bytes; true if there is more.
pub fn decode_beginning(raw: &str, enough: usize) -> Option<(Cow<'_, str>, bool)> {
    let whole = raw.strip_prefix('"')?.strip_suffix('"')?;
    let beginning = &whole[..floor_char_boundary(whole, LONGEST_ESCAPE * (enough + 1))];
    let is_cut = beginning.len() < whole.len();
    match decode(beginning) {
        Ok(decoded) => Some((decoded, is_cut)),
        // The last escape is cut in two.
        Err(decoded) => is_cut.then_some((Cow::Owned(decoded), true)),
    }
}

/// Decodes the escapes; `Err` with what comes before an incomplete one.
fn decode(mut rest: &str) -> Result<Cow<'_, str>, String> {
    let mut plain = before(rest, b"\\");
    if plain.len() == rest.len() {
        return Ok(Cow::Borrowed(rest));
    }
    let mut decoded = String::with_capacity(rest.len());
    while plain.len() < rest.len() {
        decoded.push_str(plain);
        let escape = &rest[plain.len()..];
        let Some((character, length)) = decode_escape(escape) else { return Err(decoded) };
        decoded.push(character);
        rest = escape.get(length..).unwrap_or_default();
        plain = before(rest, b"\\");
    }
    decoded.push_str(rest);
    Ok(Cow::Owned(decoded))
}

/// Whether the value is truthy in JavaScript: all are but `null`, `false`, `""` and numbers that are zero as a double.
///
/// `raw` is a value as [`split`] delimits it.
pub fn is_truthy(raw: &str) -> bool {
    match raw.as_bytes() {
        b"null" | b"false" | b"\"\"" => false,
        [b'-' | b'0'..=b'9', ..] => !is_zero(raw),
        _ => true,
    }
}

/// Whether a number is zero as a double: that is also one which is nearer to zero than to the least double. Reading the
/// number would take tables of 10 KB, which a page would have to load.
fn is_zero(number: &str) -> bool {
    let digits = before(number, b"eE");
    let exponent = number.get(digits.len() + 1..).unwrap_or("0");
    let is_significant = |byte: &u8| matches!(byte, b'1'..=b'9');
    let Some(first) = digits.bytes().position(|byte| is_significant(&byte)) else { return true };
    // That of the first digit. An exponent that no integer can hold is beyond all others.
    let point = before(digits, b".").len();
    let place = if first < point { point - first - 1 } else { first - point } as i64;
    let place = if first < point { place } else { -place };
    let place = place.saturating_add(whole(exponent));
    let significant = digits[first..].bytes().filter(|byte| *byte != b'.');
    place < LEAST_PLACE || (place == LEAST_PLACE && significant.le(HALF_OF_LEAST.bytes()))
}

/// A whole number with or without its sign; one that is too large for 64 bits is cut off.
fn whole(text: &str) -> i64 {
    let digit = |byte: u8| i64::from(byte.wrapping_sub(b'0'));
    let digits = text.bytes().filter(u8::is_ascii_digit);
    let size = digits.fold(0_i64, |number, byte| number.saturating_mul(10).saturating_add(digit(byte)));
    if text.starts_with('-') { -size } else { size }
}

/// The elements of an array, each as [`split`] would delimit it. `array` is a value as `split` delimits it; there are
/// none if it is of another kind.
pub fn elements(array: &str) -> impl Iterator<Item = &str> {
    let scanner = Scanner { text: array };
    let mut next = array.starts_with('[').then(|| scanner.white_space(1));
    iter::from_fn(move || {
        let start = next.filter(|at| scanner.byte(*at) != Some(b']'))?;
        let end = scanner.value(start).ok()?;
        let after = scanner.white_space(end);
        next = (scanner.byte(after) == Some(b',')).then(|| scanner.white_space(after + 1));
        Some(&array[start..end])
    })
}

/// The value of the member with this key; of duplicate keys the last one counts. `object` is a value as [`split`]
/// delimits it; `None` if it is of another kind. The key must be short.
pub fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let scanner = Scanner { text: object };
    let mut found = None;
    let note = |name: &str, at: usize| {
        let end = scanner.value(at)?;
        if name == key {
            found = Some(&object[at..end]);
        }
        Ok(end)
    };
    let start = scanner.white_space(0);
    if scanner.byte(start) == Some(b'{') {
        scanner.object(start, note).ok()?;
    }
    found
}

impl Members {
    fn slot(&mut self, key: &str) -> Option<&mut Option<Span>> {
        Some(match key {
            "id" => &mut self.id,
            "results" => &mut self.results,
            "error" => &mut self.error,
            "success" => &mut self.success,
            "messageType" => &mut self.message_type,
            "event" => &mut self.event,
            "data" => &mut self.data,
            "requestId" => &mut self.request_id,
            "message" => &mut self.message,
            "code" => &mut self.code,
            _ => return None,
        })
    }
}

/// The position of the first byte that is not allowed there.
struct Fault(usize);

/// The position after what was read.
type Scan = Result<usize, Fault>;

/// Reads the grammar: a method named after a part of it expects that part at `at`. Positions are passed and returned
/// rather than stored, which keeps them in registers; `inline(always)` makes short strings 15 % faster.
#[derive(Clone, Copy)]
struct Scanner<'a> {
    text: &'a str,
}

impl<'a> Scanner<'a> {
    fn message(self, envelope: &mut Envelope) -> Scan {
        let start = self.white_space(0);
        let end = match self.byte(start) {
            Some(b'{') => self.envelope(start, envelope)?,
            _ => self.value(start)?,
        };
        let end = self.white_space(end);
        if end == self.text.len() { Ok(end) } else { Err(Fault(end)) }
    }

    fn envelope(self, at: usize, Envelope { top, data }: &mut Envelope) -> Scan {
        self.object(at, |key, at| {
            let slot = top.slot(key);
            if key != "data" {
                return self.member(slot, at, |at| self.value(at));
            }
            *data = Members::default();
            self.member(slot, at, |at| match self.byte(at) {
                Some(b'{') => self.object(at, |key, at| self.member(data.slot(key), at, |at| self.value(at))),
                _ => self.value(at),
            })
        })
    }

    /// Reads the value of one member, and notes its span if the protocol knows the member.
    #[inline]
    fn member(self, slot: Option<&mut Option<Span>>, at: usize, value: impl FnOnce(usize) -> Scan) -> Scan {
        let Some(slot) = slot else { return value(at) };
        *slot = None;
        let end = value(at)?;
        let bytes = self.text.as_bytes();
        // A number at the end of the text may be incomplete: an id must not match another one because of that.
        if end == bytes.len() && bytes[end - 1].is_ascii_digit() {
            return Err(Fault(end));
        }
        *slot = Some(at..end);
        Ok(end)
    }

    /// An object. `member` reads each value, given its key and position.
    #[inline]
    fn object(self, at: usize, mut member: impl FnMut(&str, usize) -> Scan) -> Scan {
        let mut at = self.white_space(at + 1);
        if self.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        loop {
            let end = self.string(at)?;
            let value = self.colon(end)?;
            let raw = &self.text[at..end];
            let key = if raw.len() <= LONGEST_KEY { decode_string(raw) } else { None };
            at = member(&key.unwrap_or_default(), value)?;
            at = self.white_space(at);
            match self.byte(at) {
                Some(b',') => at = self.white_space(at + 1),
                Some(b'}') => return Ok(at + 1),
                _ => return Err(Fault(at)),
            }
        }
    }

    /// Any value. Only its end matters.
    fn value(self, mut at: usize) -> Scan {
        let mut nesting = Nesting::default();
        loop {
            at = match self.byte(at) {
                Some(b'{') => {
                    at = self.white_space(at + 1);
                    if self.byte(at) != Some(b'}') {
                        nesting.push(true);
                        at = self.key(at)?;
                        continue;
                    }
                    at + 1
                }
                Some(b'[') => {
                    at = self.white_space(at + 1);
                    if self.byte(at) != Some(b']') {
                        nesting.push(false);
                        continue;
                    }
                    at + 1
                }
                _ => self.scalar(at)?,
            };
            loop {
                let Some(in_object) = nesting.innermost() else { return Ok(at) };
                at = self.white_space(at);
                match self.byte(at) {
                    Some(b',') => break,
                    Some(b'}') if in_object => nesting.pop(),
                    Some(b']') if !in_object => nesting.pop(),
                    _ => return Err(Fault(at)),
                }
                at += 1;
            }
            at = self.white_space(at + 1);
            if nesting.innermost() == Some(true) {
                at = self.key(at)?;
            }
        }
    }

    #[inline(always)]
    fn scalar(self, at: usize) -> Scan {
        match self.byte(at) {
            Some(b'"') => self.string(at),
            Some(b'-' | b'0'..=b'9') => self.number(at),
            Some(b't') => self.literal(at, b"true"),
            Some(b'f') => self.literal(at, b"false"),
            Some(b'n') => self.literal(at, b"null"),
            _ => Err(Fault(at)),
        }
    }

    /// A key, its colon, and the white space before the value.
    #[inline(always)]
    fn key(self, at: usize) -> Scan {
        self.colon(self.string(at)?)
    }

    #[inline]
    fn colon(self, at: usize) -> Scan {
        let at = self.white_space(at);
        if self.byte(at) == Some(b':') { Ok(self.white_space(at + 1)) } else { Err(Fault(at)) }
    }

    #[inline(always)]
    fn string(self, mut at: usize) -> Scan {
        if self.byte(at) != Some(b'"') {
            return Err(Fault(at));
        }
        at += 1;
        loop {
            at = self.plain_characters(at);
            match self.byte(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at = self.escape(at)?,
                _ => return Err(Fault(at)),
            }
        }
    }

    /// Up to the next quote, backslash or control character.
    #[inline(always)]
    fn plain_characters(self, start: usize) -> usize {
        let mut at = start;
        while let Some(word) = self.chunk(at) {
            if let Some(offset) = special_byte(u64::from_le_bytes(*word)) {
                return at + offset;
            }
            at += 8;
            if at - start == LONG_STRING {
                at = self.plain_blocks(at);
            }
        }
        while self.byte(at).is_some_and(is_plain) {
            at += 1;
        }
        at
    }

    /// The part of a long string that vector instructions can skip.
    #[inline(never)]
    fn plain_blocks(self, mut at: usize) -> usize {
        while let Some(block) = self.chunk::<32>(at) {
            // Not `all`: its early exit would prevent vector instructions.
            if !block.iter().fold(true, |plain, &byte| plain & is_plain(byte)) {
                break;
            }
            at += block.len();
        }
        at
    }

    fn escape(self, at: usize) -> Scan {
        match self.byte(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                let is_hex = |at: &usize| self.byte(*at).is_some_and(|byte| byte.is_ascii_hexdigit());
                let end = at + 6;
                (at + 2..end).find(|at| !is_hex(at)).map_or(Ok(end), |at| Err(Fault(at)))
            }
            _ => Err(Fault(at + 1)),
        }
    }

    #[inline]
    fn number(self, mut at: usize) -> Scan {
        if self.byte(at) == Some(b'-') {
            at += 1;
        }
        at = if self.byte(at) == Some(b'0') { at + 1 } else { self.digits(at)? };
        if self.byte(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            at += 1;
            if let Some(b'+' | b'-') = self.byte(at) {
                at += 1;
            }
            at = self.digits(at)?;
        }
        Ok(at)
    }

    /// One or more digits.
    #[inline]
    fn digits(self, start: usize) -> Scan {
        let mut at = start;
        while let Some(word) = self.chunk(at) {
            if let Some(offset) = non_digit(u64::from_le_bytes(*word)) {
                at += offset;
                break;
            }
            at += 8;
        }
        while self.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(Fault(at)) }
    }

    fn literal(self, at: usize, literal: &[u8]) -> Scan {
        for (at, &byte) in (at..).zip(literal) {
            if self.byte(at) != Some(byte) {
                return Err(Fault(at));
            }
        }
        Ok(at + literal.len())
    }

    #[inline]
    fn white_space(self, at: usize) -> usize {
        match self.byte(at) {
            Some(byte) if byte > b' ' => at,
            _ => self.some_white_space(at),
        }
    }

    fn some_white_space(self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
            // Indentation, eight spaces at a time.
            while let Some(word) = self.chunk(at) {
                let spaces = first_byte(u64::from_le_bytes(*word) ^ repeat(b' ')).unwrap_or(8);
                at += spaces;
                if spaces < 8 {
                    break;
                }
            }
        }
        at
    }

    #[inline]
    fn byte(self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    #[inline]
    fn chunk<const N: usize>(self, at: usize) -> Option<&'a [u8; N]> {
        self.text.as_bytes().get(at..)?.first_chunk()
    }
}

/// The containers around a position, innermost last: one bit each, 1 for an object.
struct Nesting {
    /// The innermost ones, below a 1 bit that marks where they begin.
    bits: u64,
    /// The outer ones, in full words.
    outer: Vec<u64>,
}

impl Default for Nesting {
    fn default() -> Self {
        Self { bits: 1, outer: Vec::new() }
    }
}

impl Nesting {
    #[inline]
    fn push(&mut self, is_object: bool) {
        if self.bits.leading_zeros() == 0 {
            self.outer.push(self.bits);
            self.bits = 1;
        }
        self.bits = self.bits << 1 | u64::from(is_object);
    }

    #[inline]
    fn pop(&mut self) {
        self.bits >>= 1;
        if self.bits == 1 {
            self.bits = self.outer.pop().unwrap_or(1);
        }
    }

    /// Whether the innermost container is an object; `None` if there is no container.
    #[inline]
    fn innermost(&self) -> Option<bool> {
        (self.bits > 1).then_some(self.bits & 1 == 1)
    }
}

#[inline]
fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

// Eight bytes at a time, the first in the lowest bits. A carry or borrow can mark a byte wrongly, but only after one
// that is marked rightly, so the first mark is right.

/// The first of the bytes that is not plain.
#[inline]
fn special_byte(word: u64) -> Option<usize> {
    let below = |word: u64, bound: u8| word.wrapping_sub(repeat(bound)) & !word;
    let control = below(word, 0x20);
    let quote = below(word ^ repeat(b'"'), 1);
    let backslash = below(word ^ repeat(b'\\'), 1);
    first_byte((control | quote | backslash) & repeat(0x80))
}

/// The first of the bytes that is not a digit.
#[inline]
fn non_digit(word: u64) -> Option<usize> {
    let value = word ^ repeat(b'0');
    first_byte((value.wrapping_add(repeat(0x80 - 10)) | value) & repeat(0x80))
}

#[inline]
fn first_byte(marks: u64) -> Option<usize> {
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

#[inline]
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The character of the escape at the start of `text`, and the length of the escape in bytes.
fn decode_escape(text: &str) -> Option<(char, usize)> {
    let character = match text.as_bytes().get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return decode_code_units(text),
        &itself => char::from(itself),
    };
    Some((character, 2))
}

fn decode_code_units(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let hex = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(hex, 16).ok()
    };
    let character = char::decode_utf16(iter::once(unit(0)?).chain(unit(6))).next()?;
    Some(character.map_or((char::REPLACEMENT_CHARACTER, 6), |character| (character, 6 * character.len_utf16())))
}

/// In bytes, quotes included: our longest key with every character escaped. A longer key cannot be ours, and is not
/// decoded: a hostile server could make that expensive.
const LONGEST_KEY: usize = 2 + 6 * "messageType".len();

/// In bytes: that of one byte, such as `\u0061`.
const LONGEST_ESCAPE: usize = 6;

/// The least double is 4.94e-324; what is not above the half of that is rounded to zero. This is the half, to so many
/// digits that only a number made for it could tell.
const LEAST_PLACE: i64 = -324;
const HALF_OF_LEAST: &str =
    "247032822920623272088284396434110686182529901307162382212792841250337753635104375932649918";

/// In bytes, a multiple of eight. From this length on, reading in blocks is faster; most strings are shorter.
const LONG_STRING: usize = 128;

#[cfg(test)]
mod tests;
