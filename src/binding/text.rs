//! Text across the boundary: V8 takes ASCII fastest, so text is made ASCII on the I/O thread where that is cheap.

use napi::{
    bindgen_prelude::{Result, ToNapiValue, TypeName, check_status},
    sys,
};

/// A text for JavaScript, and whether it is known to be ASCII.
pub struct Text {
    bytes: TextBytes,
    is_ascii: bool,
}

enum TextBytes {
    Owned(Vec<u8>),
    Shared(bytes::Bytes),
}

impl Text {
    /// JSON or any other text in UTF-8.
    pub(super) fn shared(bytes: bytes::Bytes) -> Self {
        Self { is_ascii: bytes.is_ascii(), bytes: TextBytes::Shared(bytes) }
    }

    /// Text known to be ASCII.
    pub(super) fn ascii(bytes: Vec<u8>) -> Self {
        Self { is_ascii: true, bytes: TextBytes::Owned(bytes) }
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            TextBytes::Owned(bytes) => bytes,
            TextBytes::Shared(bytes) => bytes,
        }
    }
}

/// Appends JSON with every character beyond ASCII as `\uXXXX`. In JSON such characters stand only in strings, where both forms mean
/// the same.
pub(super) fn append_escaped(out: &mut Vec<u8>, json: &[u8]) {
    if json.is_ascii() {
        return out.extend_from_slice(json);
    }
    for chunk in json.utf8_chunks() {
        // The WebSocket layer has checked the text; a broken piece would be a bug of ours, and U+FFFD shows it.
        let broken = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        for character in chunk.valid().chars().chain(broken.chars()) {
            if character.is_ascii() {
                out.push(character as u8);
            } else {
                escape(out, character);
            }
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
        let (bytes, mut value) = (text.as_bytes(), std::ptr::null_mut());
        let create = if text.is_ascii { sys::napi_create_string_latin1 } else { sys::napi_create_string_utf8 };
        // SAFETY: `env` is the environment of the running call; pointer and length are those of a live slice, which Node copies.
        check_status!(unsafe { create(env, bytes.as_ptr().cast(), bytes.len() as isize, &mut value) })?;
        Ok(value)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_is_ascii_and_means_the_same() {
        let json = r#"{"a":"é\n漢字 😀","b":["\ud83d","plain"]}"#;
        let mut escaped = Vec::new();
        append_escaped(&mut escaped, json.as_bytes());
        assert_eq!(str::from_utf8(&escaped), Ok(r#"{"a":"\u00e9\n\u6f22\u5b57 \ud83d\ude00","b":["\ud83d","plain"]}"#));
    }

    #[test]
    fn ascii_is_copied_as_it_is() {
        let mut escaped = b"[1,".to_vec();
        append_escaped(&mut escaped, br#"{"x":"\u0041"}"#);
        assert_eq!(escaped, br#"[1,{"x":"\u0041"}"#);
    }
}
