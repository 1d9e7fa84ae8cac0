//! The fields of what is recorded, visited one after the other. One visit serves for writing and for reading, so that
//! both always agree.

mod compact;
mod json;

use std::time::Duration;

use super::ConnectionId;

#[cfg(feature = "record")]
pub(crate) use self::json::JsonReader;
pub(crate) use self::{
    compact::{Reader, Writer},
    json::{JsonWriter, push_millis, push_number, push_string},
};

/// What a number stands for, where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Itself. At most 2⁵³.
    Number,
    /// Microseconds, shown as ms.
    Time,
    /// 0 or 1, shown as false or true.
    Flag,
    /// One of these words, by its place.
    Word(&'static [&'static str]),
}

/// Writes fields, or reads them. What is read is never trusted: a reader that meets nonsense gives zeros and notes it.
pub(crate) trait Fields {
    /// True if the values are to be replaced by what is read.
    fn is_reading(&self) -> bool;

    /// A number, or nothing.
    fn value(&mut self, name: &'static str, form: Form, value: &mut Option<u64>);

    /// A text, or nothing.
    fn text(&mut self, name: &'static str, value: &mut Option<String>);

    /// The fields up to the next `end` belong together: to this, or to this element of a list.
    fn begin(&mut self, group: &'static str, place: Option<usize>);

    /// See [`begin`](Self::begin).
    fn end(&mut self);

    /// A value that was read cannot be used.
    fn refuse(&mut self, name: &'static str);
}

/// A kind of value that a field may have.
pub(crate) trait Field {
    /// Visits it.
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields);
}

impl dyn Fields + '_ {
    /// A field of any kind.
    pub(crate) fn field(&mut self, name: &'static str, value: &mut impl Field) {
        value.visit(name, self);
    }

    /// A number that must be there, and be at most `most`.
    pub(crate) fn number(&mut self, name: &'static str, value: &mut u64, most: u64) {
        self.required(name, Form::Number, value, most);
    }

    /// One of `words`, by its place.
    pub(crate) fn word(&mut self, name: &'static str, place: &mut usize, words: &'static [&'static str]) {
        let mut number = *place as u64;
        self.required(name, Form::Word(words), &mut number, words.len() as u64 - 1);
        *place = number as usize;
    }

    /// One of `words`, by its place from 1, or 0 for none of them.
    pub(crate) fn maybe_word(&mut self, name: &'static str, place: &mut usize, words: &'static [&'static str]) {
        let mut number = place.checked_sub(1).map(|place| place as u64);
        self.value(name, Form::Word(words), &mut number);
        *place = number.map_or(0, |place| place as usize + 1);
    }

    /// A list: its length, then `visit` for each element. When it is read, the elements are made by `make`.
    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        list: &mut Vec<T>,
        make: impl Fn() -> T,
        visit: impl Fn(&mut T, &mut dyn Fields),
    ) {
        let mut length = list.len() as u64;
        self.number(name, &mut length, MOST_ELEMENTS);
        if self.is_reading() {
            *list = (0..length).map(|_| make()).collect();
        }
        for (place, element) in list.iter_mut().enumerate() {
            self.begin(name, Some(place));
            visit(element, self);
            self.end();
        }
    }

    fn required(&mut self, name: &'static str, form: Form, value: &mut u64, most: u64) {
        let mut read = Some(*value);
        self.value(name, form, &mut read);
        if !self.is_reading() {
            return;
        }
        match read {
            Some(number) if number <= most => *value = number,
            _ => {
                self.refuse(name);
                *value = 0;
            }
        }
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Field for $type {
            fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
                let mut number = *self as u64;
                fields.number(name, &mut number, <$type>::MAX as u64 & LARGEST);
                *self = number as $type;
            }
        }

        impl Field for Option<$type> {
            fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
                let mut number = self.map(|number| number as u64);
                fields.value(name, Form::Number, &mut number);
                if number.is_some_and(|number| number > <$type>::MAX as u64) {
                    fields.refuse(name);
                    number = None;
                }
                *self = number.map(|number| number as $type);
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, usize);

impl Field for bool {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut number = u64::from(*self);
        fields.required(name, Form::Flag, &mut number, 1);
        *self = number == 1;
    }
}

impl Field for Option<bool> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut number = self.map(u64::from);
        fields.value(name, Form::Flag, &mut number);
        *self = number.map(|number| number == 1);
    }
}

impl Field for ConnectionId {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        self.0.visit(name, fields);
    }
}

impl Field for Option<ConnectionId> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut number = self.map(|connection| connection.0);
        number.visit(name, fields);
        *self = number.map(ConnectionId);
    }
}

impl Field for Duration {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut micros = micros(*self);
        fields.required(name, Form::Time, &mut micros, LARGEST);
        if fields.is_reading() {
            *self = Duration::from_micros(micros);
        }
    }
}

impl Field for Option<Duration> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut time = self.map(micros);
        fields.value(name, Form::Time, &mut time);
        if fields.is_reading() {
            *self = time.map(Duration::from_micros);
        }
    }
}

impl Field for String {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut text = Some(std::mem::take(self));
        fields.text(name, &mut text);
        if text.is_none() {
            fields.refuse(name);
        }
        *self = text.unwrap_or_default();
    }
}

/// In whole microseconds: what is recorded of a time.
pub(crate) fn micros(time: Duration) -> u64 {
    // Without the 128 bits of `as_micros`: this is done for every event.
    time.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(time.subsec_micros())).min(LARGEST)
}

/// The largest number that JSON is understood alike by everybody: 2⁵³ − 1. As microseconds, 285 years.
pub(crate) const LARGEST: u64 = (1 << 53) - 1;
/// More than any list has that is recorded.
const MOST_ELEMENTS: u64 = 1024;
