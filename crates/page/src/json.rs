//! The JSON of what is told. It is not written by `serde_json`, whose code would be a tenth of what a page loads:
//! nothing that is told needs all of it.

use std::fmt;

use mcp_protocol::write_quoted;
use serde::{
    Serialize, Serializer,
    ser::{Error, Impossible, SerializeMap, SerializeStruct},
};

/// The JSON of a value whose type is generated for TypeScript: an object of texts, numbers, flags and other objects.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    let mut writer = Writer { json: Vec::new() };
    match value.serialize(&mut writer) {
        Ok(()) => text_of(writer.json),
        Err(never) => match never {},
    }
}

/// Without a check, whose code would be a hundredth of what a page loads.
#[expect(unsafe_code, reason = "what is written is UTF-8")]
fn text_of(json: Vec<u8>) -> String {
    // SAFETY: the writer appends whole texts and characters of ASCII.
    unsafe { String::from_utf8_unchecked(json) }
}

struct Writer {
    json: Vec<u8>,
}

/// Nothing can go wrong: memory takes all.
#[derive(Debug)]
enum Never {}

impl Writer {
    #[inline(never)]
    fn write(&mut self, text: &str) {
        self.json.extend_from_slice(text.as_bytes());
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        write_quoted(&mut self.json, text);
    }

    #[inline(never)]
    fn number(&mut self, mut number: u64) {
        let mut digits = [0; MOST_DIGITS];
        let mut start = MOST_DIGITS;
        while start == MOST_DIGITS || number > 0 {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.json.extend_from_slice(&digits[start..]);
    }

    /// A number with a fraction is in ms here, and gets three digits of it. The tables that write all digits of any
    /// number would be a tenth of what a page loads, too.
    #[inline(never)]
    fn millis(&mut self, millis: f64) {
        let micros = (millis * 1000.0 + 0.5) as u64;
        self.number(micros / 1000);
        let digit = |value: u64| b'0' + (value % 10) as u8;
        self.json.extend_from_slice(&[b'.', digit(micros / 100), digit(micros / 10), digit(micros)]);
    }

    /// The comma, the key and the colon before the value of a member.
    #[inline(never)]
    fn key(&mut self, key: &str) {
        if self.json.last() != Some(&b'{') {
            self.json.push(b',');
        }
        self.text(key);
        self.json.push(b':');
    }
}

/// What is never told.
macro_rules! never_told {
    ($($name:ident($($argument:ty),*) -> $returned:ty;)*) => {
        $(fn $name(self, $(_: $argument),*) -> Result<$returned, Never> {
            unreachable!("it is never told")
        })*
    };
}

impl Serializer for &mut Writer {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Impossible<(), Never>;
    type SerializeTuple = Impossible<(), Never>;
    type SerializeTupleStruct = Impossible<(), Never>;
    type SerializeTupleVariant = Impossible<(), Never>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Never>;

    never_told! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_f32(f32) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Never> {
        self.write(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Never> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Never> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Never> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Never> {
        self.number(value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Never> {
        self.millis(value);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Never> {
        self.text(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Never> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Never> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Never> {
        self.write("null");
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Never> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Never> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Never> {
        unreachable!("it is never told")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Never> {
        self.write("{");
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Never> {
        self.serialize_map(None)
    }
}

impl SerializeStruct for &mut Writer {
    type Ok = ();
    type Error = Never;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Never> {
        self.key(key);
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Never> {
        self.write("}");
        Ok(())
    }
}

impl SerializeMap for &mut Writer {
    type Ok = ();
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        if self.json.last() != Some(&b'{') {
            self.json.push(b',');
        }
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.write(":");
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Never> {
        self.write("}");
        Ok(())
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Self {
        unreachable!("nothing can go wrong")
    }
}

/// Of a `u64`, in decimal.
const MOST_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use mcp_protocol::{
        CallError, CloseInfo, Config, EndpointSource, Fault, LogEntry, LogFields, LogLevel, MaxAttempts, Notice, Now,
        Session, Stats,
    };
    use serde_json::Value;

    use super::*;

    fn check(value: &impl Serialize) {
        let expected = serde_json::to_value(value).expect("it is JSON");
        let written: Value = serde_json::from_str(&to_json(value)).expect("it is JSON");
        assert_eq!(written, expected);
    }

    fn notices() -> Vec<Notice> {
        let info = CloseInfo { code: 1006, reason: "\"\u{7}é".into(), was_clean: false, will_reconnect: true };
        let error = CallError::from(Fault::AuthFailed("no \\ such key".into())).data();
        let mut fields = LogFields::default();
        fields.set("url", "ws://h/".into());
        fields.set("attempt", u64::MAX.into());
        vec![
            Notice::Open,
            Notice::Close { info },
            Notice::Reconnecting { attempt: 1, max_attempts: MaxAttempts::Unlimited, delay: 1_000 },
            Notice::Reconnecting { attempt: 2, max_attempts: MaxAttempts::Limited(10), delay: 0 },
            Notice::Heartbeat { rtt: 1.5 },
            Notice::Error { error },
            Notice::Log { entry: LogEntry { level: LogLevel::Warn, message: "m".into(), fields } },
            Notice::Log {
                entry: LogEntry { level: LogLevel::Debug, message: String::new(), fields: LogFields::default() },
            },
        ]
    }

    #[test]
    fn everything_that_is_told_is_written_as_by_serde_json() {
        notices().iter().for_each(check);
        let mut session: Session<()> =
            Session::new(Config::default(), EndpointSource::from("ws://h/"), [0; 32], Now::default());
        check(&session.snapshot());
        session.connect(Now::default(), ());
        while let Some(event) = session.poll_event() {
            if let mcp_protocol::Event::Notice(notice) = event {
                check(&notice);
            }
        }
        let stats: Stats = session.stats();
        check(&stats);
    }

    #[test]
    fn ms_have_three_digits_of_their_fraction() {
        for (ms, json) in [(0.0, "0.000"), (0.0004, "0.000"), (1.5, "1.500"), (2.0625, "2.063"), (3.6e6, "3600000.000")]
        {
            assert_eq!(to_json(&ms), json);
        }
    }
}
