//! The JSON of what is told.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

/// The JSON of a value whose type is generated for TypeScript.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    let mut json = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut json, Short)).expect("the keys are strings");
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Numbers with a fraction are ms here, and get three digits of it. The tables that write all digits of any number
/// would
/// be a large part of what a page loads.
struct Short;

impl Formatter for Short {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let thousandths = (value * 1000.0).round() as u64;
        write!(writer, "{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ms_have_three_digits_of_their_fraction() {
        for (ms, json) in [(0.0, "0.000"), (0.0004, "0.000"), (1.5, "1.500"), (2.0625, "2.063"), (3.6e6, "3600000.000")]
        {
            assert_eq!(to_json(&ms), json);
        }
    }

    #[test]
    fn everything_else_is_written_as_by_others() {
        let value = serde_json::json!({ "a": [1, -2, true, null], "b": "\"\u{7}é\u{1f600}" });
        assert_eq!(to_json(&value), value.to_string());
    }
}
