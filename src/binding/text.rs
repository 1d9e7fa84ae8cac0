//! Strings between Rust and JavaScript. Those for JavaScript are converted on the I/O thread into the form that V8
//! stores. Reading a short one from JavaScript takes one call of Node-API and no allocation.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::mem;
use napi::{
    bindgen_prelude::{FromNapiValue, Result, ToNapiValue, TypeName, ValidateNapiValue, check_status},
    sys,
};

/// A text for JavaScript. V8 stores strings as Latin-1 or UTF-16, and is slow at decoding UTF-8.
pub enum Text {
    /// ASCII, not converted.
    Ascii(Bytes),
    /// ASCII, not converted, to be put between these brackets when JavaScript takes it. A copy made earlier would need
    /// fresh memory, whose page faults take four times as long as the copying.
    Bracketed([u8; 2], Bytes),
    /// Converted, or joined as Latin-1.
    Latin1(Vec<u8>),
    /// Converted.
    Utf16(Vec<u16>),
    /// Too long to be converted, which would take twice its memory.
    Utf8(Bytes),
}

impl Text {
    /// Converts UTF-8 if that is worthwhile. Called on the I/O thread.
    pub(super) fn new(text: ByteString) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.into_bytes());
        }
        if text.len() > LARGEST_CONVERTED {
            return Self::Utf8(text.into_bytes());
        }
        let text = &*text;
        if mem::is_str_latin1(text) {
            return Self::Latin1(mem::encode_latin1_lossy(text).into_owned());
        }
        // The function needs room for one unit more than there are bytes.
        let mut units = vec![0; text.len() + 1];
        let written = mem::convert_str_to_utf16(text, &mut units);
        units.truncate(written);
        units.shrink_to_fit();
        Self::Utf16(units)
    }

    /// Elements of an array, or members of an object, as an array or object of their own. Called on the I/O thread.
    pub(super) fn elements(is_array: bool, elements: ByteString) -> Self {
        let [open, close] = if is_array { *b"[]" } else { *b"{}" };
        if elements.is_ascii() {
            return Self::Bracketed([open, close], elements.into_bytes());
        }
        let mut text = String::with_capacity(elements.len() + 2);
        text.push(char::from(open));
        text.push_str(&elements);
        text.push(char::from(close));
        Self::new(text.into())
    }

    /// The bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Ascii(bytes) | Self::Bracketed(_, bytes) | Self::Utf8(bytes) => bytes.len(),
            Self::Latin1(bytes) => bytes.len(),
            Self::Utf16(units) => units.len() * 2,
        }
    }
}

/// A text that grows: Latin-1, then UTF-16 if much is appended that is not Latin-1.
impl Text {
    /// The length in characters, as JavaScript counts them; in bytes if the text is not converted.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ascii(bytes) | Self::Bracketed(_, bytes) | Self::Utf8(bytes) => bytes.len(),
            Self::Latin1(bytes) => bytes.len(),
            Self::Utf16(units) => units.len(),
        }
    }

    pub(super) fn append_ascii(&mut self, ascii: &[u8]) {
        match self {
            Self::Latin1(bytes) => bytes.extend_from_slice(ascii),
            Self::Utf16(units) => units.extend(ascii.iter().map(|byte| u16::from(*byte))),
            _ => unreachable!("only Latin-1 and UTF-16 grow"),
        }
    }

    /// Appends JSON. If it is short, what is not Latin-1 is escaped. For longer JSON UTF-16 is faster, to convert and
    /// to parse.
    pub(super) fn append_json(&mut self, json: &str) {
        if let Self::Latin1(bytes) = self {
            if json.is_ascii() {
                return bytes.extend_from_slice(json.as_bytes());
            }
            if json.len() <= LARGEST_ESCAPED || mem::is_str_latin1(json) {
                return append_latin1(bytes, json);
            }
            *self = Self::Utf16(bytes.iter().map(|byte| u16::from(*byte)).collect());
        }
        if let Self::Utf16(units) = self {
            let start = units.len();
            // The function needs room for one unit more than there are bytes.
            units.resize(start + json.len() + 1, 0);
            let written = mem::convert_str_to_utf16(json, &mut units[start..]);
            units.truncate(start + written);
        }
    }
}

/// A JavaScript string that has not been read yet. As a `String` argument it would be copied, which takes longer than
/// reading it.
pub struct JsText {
    env: sys::napi_env,
    value: sys::napi_value,
}

impl FromNapiValue for JsText {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Ok(Self { env, value })
    }
}

/// Lends the texts as UTF-8, in a buffer that the thread reuses: no allocation, and one call of Node-API for a short
/// text.
///
/// Errors: one of them is not a string.
pub(super) fn read<const N: usize, R>(texts: [&JsText; N], act: impl FnOnce([&str; N]) -> R) -> Result<R> {
    with_buffer(|buffer| {
        let mut ends = [0; N];
        for (text, end) in texts.into_iter().zip(&mut ends) {
            text.append_to(buffer)?;
            *end = buffer.len();
        }
        let mut start = 0;
        let lent = ends.map(|end| {
            let text = &buffer[start..end];
            start = end;
            // Node-API writes well-formed UTF-8 only.
            str::from_utf8(text).unwrap_or_default()
        });
        Ok(act(lent))
    })
}

/// Lends an empty buffer that the thread reuses.
fn with_buffer<R>(act: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        let result = act(buffer);
        if buffer.capacity() > KEPT_CAPACITY {
            *buffer = Vec::new();
        }
        result
    })
}

impl JsText {
    fn append_to(&self, buffer: &mut Vec<u8>) -> Result<()> {
        let start = buffer.len();
        buffer.reserve(SHORT);
        let room = buffer.capacity() - start;
        if self.append_what_fits(buffer)? + LONGEST_CHARACTER < room {
            return Ok(());
        }
        // It may have been truncated: get its length, then all of it.
        buffer.truncate(start);
        let mut length = 0;
        // SAFETY: the value belongs to the running call; without a buffer Node only writes the length.
        check_status!(unsafe {
            sys::napi_get_value_string_utf8(self.env, self.value, std::ptr::null_mut(), 0, &mut length)
        })?;
        buffer.reserve(length + 1);
        self.append_what_fits(buffer)?;
        Ok(())
    }

    /// Appends as much as there is room for in the buffer, and returns how many bytes that is.
    fn append_what_fits(&self, buffer: &mut Vec<u8>) -> Result<usize> {
        let start = buffer.len();
        let room = buffer.spare_capacity_mut();
        let (out, size, mut length) = (room.as_mut_ptr().cast(), room.len(), 0);
        // SAFETY: the value belongs to the running call; Node writes at most `size` bytes, the closing zero included.
        check_status!(unsafe { sys::napi_get_value_string_utf8(self.env, self.value, out, size, &mut length) })?;
        // SAFETY: so many bytes were just written, within the capacity.
        unsafe { buffer.set_len(start + length) };
        Ok(length)
    }
}

impl TypeName for JsText {
    fn type_name() -> &'static str {
        "string"
    }
    fn value_type() -> napi::ValueType {
        napi::ValueType::String
    }
}

impl ValidateNapiValue for JsText {}

/// Appends JSON as Latin-1, with every other character as `\uXXXX`. In JSON such characters occur only in strings,
/// where both forms mean the same.
fn append_latin1(out: &mut Vec<u8>, json: &str) {
    for character in json.chars() {
        match u8::try_from(character) {
            Ok(byte) => out.push(byte),
            Err(_) => escape(out, character),
        }
    }
}

fn escape(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            out.push(HEX[usize::from(*unit >> shift) & 15]);
        }
    }
}

impl TypeName for Text {
    fn type_name() -> &'static str {
        "string"
    }
    fn value_type() -> napi::ValueType {
        napi::ValueType::String
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> Result<sys::napi_value> {
        let mut value = std::ptr::null_mut();
        // SAFETY: `env` is the environment of the running call. Each pointer and length are those of a live slice,
        // which Node copies.
        let status = unsafe {
            match &text {
                Self::Ascii(bytes) => latin1(env, bytes, &mut value),
                Self::Bracketed([open, close], bytes) => with_buffer(|buffer| {
                    buffer.push(*open);
                    buffer.extend_from_slice(bytes);
                    buffer.push(*close);
                    latin1(env, buffer, &mut value)
                }),
                Self::Latin1(bytes) => latin1(env, bytes, &mut value),
                Self::Utf16(units) => {
                    sys::napi_create_string_utf16(env, units.as_ptr(), units.len() as isize, &mut value)
                }
                Self::Utf8(bytes) => {
                    sys::napi_create_string_utf8(env, bytes.as_ptr().cast(), bytes.len() as isize, &mut value)
                }
            }
        };
        if let Self::Latin1(buffer) = text {
            keep(buffer);
        }
        check_status!(status)?;
        Ok(value)
    }
}

/// Keeps a buffer for reuse. Allocating memory on one thread and freeing it on another takes longer than the
/// conversion.
fn keep(mut buffer: Vec<u8>) {
    if buffer.capacity() <= KEPT_CAPACITY {
        buffer.clear();
        EMPTIED.set(Some(buffer));
    }
}

/// The empty buffer of the last text that JavaScript has taken on this thread.
pub(super) fn emptied() -> Option<Vec<u8>> {
    EMPTIED.take()
}

/// SAFETY: as for `napi_create_string_latin1`.
unsafe fn latin1(env: sys::napi_env, bytes: &[u8], value: &mut sys::napi_value) -> sys::napi_status {
    // SAFETY: the slice is live, and Node copies it.
    unsafe { sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), bytes.len() as isize, value) }
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static EMPTIED: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// Bytes. A shorter text is read with one call.
const SHORT: usize = 512;
/// Bytes. A larger buffer is not kept.
const KEPT_CAPACITY: usize = 64 * 1024;
/// Bytes of a character. Node does not truncate within a character.
const LONGEST_CHARACTER: usize = 4;
/// Bytes. For longer texts memory matters more than time.
const LARGEST_CONVERTED: usize = 4 << 20;
/// Bytes. Longer JSON that is not Latin-1 becomes UTF-16.
const LARGEST_ESCAPED: usize = 2048;
const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_text_is_latin1_and_means_the_same() {
        let mut out = b"[1,".to_vec();
        append_latin1(&mut out, r#"{"a":"é\n漢字 😀","b":["\ud83d","plain"]}"#);
        let text: String = out.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(text, r#"[1,{"a":"é\n\u6f22\u5b57 \ud83d\ude00","b":["\ud83d","plain"]}"#);
    }

    #[test]
    fn a_text_grows_in_the_form_that_it_needs() {
        let (few, many) = (r#""漢""#, format!(r#""{}""#, "漢 é".repeat(LARGEST_ESCAPED)));
        let mut text = Text::Latin1(Vec::new());
        text.append_ascii(b"[");
        text.append_json(few);
        text.append_json(r#""plain""#);
        assert!(matches!(&text, Text::Latin1(bytes) if bytes == br#"["\u6f22""plain""#));
        text.append_json(&many);
        text.append_ascii(b"]");
        let expected = [r#"["\u6f22""plain""#, &many, "]"].concat();
        assert_eq!(text.len(), expected.encode_utf16().count());
        assert!(matches!(text, Text::Utf16(units) if units == expected.encode_utf16().collect::<Vec<_>>()));
    }

    #[test]
    fn a_text_is_kept_in_the_narrowest_form_that_holds_it() {
        let text = |text: &str| Text::new(text.into());
        assert!(matches!(text("plain"), Text::Ascii(bytes) if bytes == "plain"));
        assert!(matches!(text("größe"), Text::Latin1(bytes) if bytes == b"gr\xf6\xdfe"));
        assert!(matches!(text("漢 😀"), Text::Utf16(units) if units == "漢 😀".encode_utf16().collect::<Vec<_>>()));
        let long = "漢".repeat(LARGEST_CONVERTED / 3 + 1);
        assert!(matches!(text(&long), Text::Utf8(_)));
    }
}
