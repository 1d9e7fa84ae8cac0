//! Fields as the members of a JSON object, those of lists as `list.0.member`.

#[cfg(feature = "record")]
use std::borrow::Cow;
use std::fmt::Write;

#[cfg(feature = "record")]
use serde_json::{Map, Value};

#[cfg(feature = "record")]
use super::LARGEST;
use super::{Fields, Form};
use crate::quoted::write_quoted;

/// Appends members to the text of an object.
pub(crate) struct JsonWriter<'a> {
    json: &'a mut String,
    prefix: Prefix,
}

impl<'a> JsonWriter<'a> {
    /// `json` is the beginning of an object.
    pub(crate) fn new(json: &'a mut String) -> Self {
        Self { json, prefix: Prefix::default() }
    }

    fn name(&mut self, name: &str) {
        if !self.json.ends_with('{') {
            self.json.push(',');
        }
        for part in ["\"", &self.prefix.text, name, "\":"] {
            self.json.push_str(part);
        }
    }
}

impl Fields for JsonWriter<'_> {
    fn is_reading(&self) -> bool {
        false
    }

    fn value(&mut self, name: &'static str, form: Form, value: &mut Option<u64>) {
        self.name(name);
        let Some(number) = *value else { return self.json.push_str("null") };
        match form {
            Form::Number => push_number(self.json, number),
            Form::Time => push_millis(self.json, number),
            Form::Flag => self.json.push_str(if number == 0 { "false" } else { "true" }),
            Form::Word(words) => push_string(self.json, words.get(number as usize).copied().unwrap_or_default()),
        }
    }

    fn text(&mut self, name: &'static str, value: &mut Option<String>) {
        self.name(name);
        match value {
            Some(text) => push_string(self.json, text),
            None => self.json.push_str("null"),
        }
    }

    fn begin(&mut self, group: &'static str, place: Option<usize>) {
        self.prefix.begin(group, place);
    }

    fn end(&mut self) {
        self.prefix.end();
    }

    fn refuse(&mut self, _: &'static str) {}
}

/// Appends a number.
pub(crate) fn push_number(json: &mut String, number: u64) {
    let _ = write!(json, "{number}");
}

/// Appends microseconds as ms.
pub(crate) fn push_millis(json: &mut String, micros: u64) {
    push_number(json, micros / 1000);
    let rest = micros % 1000;
    if rest > 0 {
        let _ = write!(json, ".{rest:03}");
        json.truncate(json.trim_end_matches('0').len());
    }
}

/// Appends a text, quoted.
pub(crate) fn push_string(json: &mut String, text: &str) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    write_quoted(&mut quoted, text);
    json.push_str(&String::from_utf8(quoted).expect("the text is UTF-8"));
}

/// The groups that a member is in, as they stand before its name.
#[derive(Default)]
struct Prefix {
    text: String,
    /// The length of `text` before each of them.
    lengths: Vec<usize>,
}

impl Prefix {
    fn begin(&mut self, group: &str, place: Option<usize>) {
        self.lengths.push(self.text.len());
        self.text.push_str(group);
        self.text.push('.');
        if let Some(place) = place {
            push_number(&mut self.text, place as u64);
            self.text.push('.');
        }
    }

    fn end(&mut self) {
        self.text.truncate(self.lengths.pop().unwrap_or_default());
    }
}

/// Reads members of an object that anybody may have written.
#[cfg(feature = "record")]
pub(crate) struct JsonReader<'a> {
    members: &'a Map<String, Value>,
    prefix: Prefix,
    /// The first member that cannot be used.
    refused: Option<String>,
}

#[cfg(feature = "record")]
impl<'a> JsonReader<'a> {
    pub(crate) fn new(members: &'a Map<String, Value>) -> Self {
        Self { members, prefix: Prefix::default(), refused: None }
    }

    /// The name of the first member that is missing, or of the wrong kind.
    pub(crate) fn refused(self) -> Option<String> {
        self.refused
    }

    fn member(&self, name: &'static str) -> Option<&'a Value> {
        self.members.get(&*self.name(name))
    }

    fn name(&self, name: &'static str) -> Cow<'static, str> {
        if self.prefix.text.is_empty() { name.into() } else { format!("{}{name}", self.prefix.text).into() }
    }
}

#[cfg(feature = "record")]
impl Fields for JsonReader<'_> {
    fn is_reading(&self) -> bool {
        true
    }

    fn value(&mut self, name: &'static str, form: Form, value: &mut Option<u64>) {
        *value = None;
        let number = match (self.member(name), form) {
            (Some(Value::Null), _) => return,
            (Some(Value::Number(number)), Form::Number) => number.as_u64(),
            (Some(Value::Number(number)), Form::Time) => number.as_f64().and_then(micros_of_millis),
            (Some(Value::Bool(flag)), Form::Flag) => Some(u64::from(*flag)),
            (Some(Value::String(word)), Form::Word(words)) => {
                words.iter().position(|known| known == word).map(|place| place as u64)
            }
            _ => None,
        };
        *value = number.filter(|number| *number <= LARGEST);
        if value.is_none() {
            self.refuse(name);
        }
    }

    fn text(&mut self, name: &'static str, value: &mut Option<String>) {
        *value = match self.member(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) => None,
            _ => {
                self.refuse(name);
                None
            }
        };
    }

    fn begin(&mut self, group: &'static str, place: Option<usize>) {
        self.prefix.begin(group, place);
    }

    fn end(&mut self) {
        self.prefix.end();
    }

    fn refuse(&mut self, name: &'static str) {
        if self.refused.is_none() {
            self.refused = Some(self.name(name).into_owned());
        }
    }
}

#[cfg(feature = "record")]
fn micros_of_millis(millis: f64) -> Option<u64> {
    let micros = (millis * 1000.0).round();
    (0.0..=LARGEST as f64).contains(&micros).then_some(micros as u64)
}
