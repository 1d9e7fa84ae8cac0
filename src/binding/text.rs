//! Text across the boundary. Out: in the form that V8 keeps it in, made on the I/O thread.
//! In: a short text takes one call of Node-API and no allocation.

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::mem;
use napi::{
    bindgen_prelude::{FromNapiValue, Result, ToNapiValue, TypeName, ValidateNapiValue, check_status},
    sys,
};

/// A text for JavaScript, in the form that V8 takes fastest: it keeps strings as Latin-1 or UTF-16, and decodes UTF-8 slowly.
pub enum Text {
    /// ASCII as it came.
    Ascii(Bytes),
    /// Converted, or written so.
    Latin1(Vec<u8>),
    /// Converted.
    Utf16(Vec<u16>),
    /// Too long to be converted: it would take twice its memory.
    Utf8(Bytes),
}

impl Text {
    /// UTF-8, converted where that pays. Done on the I/O thread.
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
        // The function asks for one unit more than there are bytes.
        let mut units = vec![0; text.len() + 1];
        let written = mem::convert_str_to_utf16(text, &mut units);
        units.truncate(written);
        units.shrink_to_fit();
        Self::Utf16(units)
    }

    /// Bytes of memory that it keeps.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Ascii(bytes) | Self::Utf8(bytes) => bytes.len(),
            Self::Latin1(bytes) => bytes.len(),
            Self::Utf16(units) => units.len() * 2,
        }
    }
}

/// A text from JavaScript, in UTF-8.
pub struct JsText {
    short: [u8; SHORT],
    length: usize,
    long: Vec<u8>,
}

impl JsText {
    pub(super) fn as_str(&self) -> &str {
        let bytes = if self.long.is_empty() { &self.short[..self.length] } else { &self.long };
        // Node-API writes well-formed UTF-8 only.
        str::from_utf8(bytes).unwrap_or_default()
    }
}

impl FromNapiValue for JsText {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut text = Self { short: [0; SHORT], length: 0, long: Vec::new() };
        let short = text.short.as_mut_ptr().cast();
        // SAFETY: Node writes at most SHORT bytes, the closing zero included, into the array of that length.
        check_status!(unsafe { sys::napi_get_value_string_utf8(env, value, short, SHORT, &mut text.length) })?;
        if text.length + LONGEST_CHARACTER < SHORT {
            return Ok(text);
        }
        // It may have been cut: ask for its length, then for all of it.
        // SAFETY: without a buffer Node only writes the length.
        check_status!(unsafe {
            sys::napi_get_value_string_utf8(env, value, std::ptr::null_mut(), 0, &mut text.length)
        })?;
        text.long = vec![0; text.length + 1];
        let (size, long) = (text.long.len(), text.long.as_mut_ptr().cast());
        // SAFETY: the vector has the length that is given, one more than the text for the closing zero.
        check_status!(unsafe { sys::napi_get_value_string_utf8(env, value, long, size, &mut text.length) })?;
        text.long.truncate(text.length);
        Ok(text)
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

/// Appends JSON as Latin-1, with every character beyond it as `\uXXXX`. In JSON such characters stand only in strings, where both forms
/// mean the same.
pub(super) fn append_latin1(out: &mut Vec<u8>, json: &str) {
    if json.is_ascii() {
        return out.extend_from_slice(json.as_bytes());
    }
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
        // SAFETY: `env` is the environment of the running call; each pointer and length is that of a live slice, which Node copies.
        let status = unsafe {
            match &text {
                Self::Ascii(bytes) => latin1(env, bytes, &mut value),
                Self::Latin1(bytes) => latin1(env, bytes, &mut value),
                Self::Utf16(units) => {
                    sys::napi_create_string_utf16(env, units.as_ptr(), units.len() as isize, &mut value)
                }
                Self::Utf8(bytes) => {
                    sys::napi_create_string_utf8(env, bytes.as_ptr().cast(), bytes.len() as isize, &mut value)
                }
            }
        };
        check_status!(status)?;
        Ok(value)
    }
}

/// SAFETY: as for `napi_create_string_latin1`.
unsafe fn latin1(env: sys::napi_env, bytes: &[u8], value: &mut sys::napi_value) -> sys::napi_status {
    // SAFETY: the slice is live, and Node copies it.
    unsafe { sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), bytes.len() as isize, value) }
}

/// Bytes that a text may have to need no allocation.
const SHORT: usize = 512;
/// Node does not cut a character in two.
const LONGEST_CHARACTER: usize = 4;
/// Bytes; above this the memory counts more than the time.
const LARGEST_CONVERTED: usize = 4 << 20;
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
    fn a_text_is_kept_in_the_narrowest_form_that_holds_it() {
        let text = |text: &str| Text::new(text.into());
        assert!(matches!(text("plain"), Text::Ascii(bytes) if bytes == "plain"));
        assert!(matches!(text("größe"), Text::Latin1(bytes) if bytes == b"gr\xf6\xdfe"));
        assert!(matches!(text("漢 😀"), Text::Utf16(units) if units == "漢 😀".encode_utf16().collect::<Vec<_>>()));
        let long = "漢".repeat(LARGEST_CONVERTED / 3 + 1);
        assert!(matches!(text(&long), Text::Utf8(_)));
    }
}
