//! Texts as strings of JSON.

/// Appends the text as a string of JSON.
pub fn write_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' ')) {
        out.extend_from_slice(&rest[..at]);
        write_escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        control => {
            let digit = |value: u8| DIGITS[usize::from(value)];
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> String {
        let mut json = Vec::new();
        write_quoted(&mut json, text);
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    #[test]
    fn every_character_is_written_as_by_serde_json() {
        for character in ('\0'..='\u{ff}').chain(['\u{2028}', '漢', '😀']) {
            let text = format!("a{character}b");
            assert_eq!(quoted(&text), serde_json::to_string(&text).expect("a string"));
        }
    }

    proptest! {
        #[test]
        fn every_text_is_written_as_by_serde_json(text: String) {
            prop_assert_eq!(quoted(&text), serde_json::to_string(&text).expect("a string"));
        }
    }
}
