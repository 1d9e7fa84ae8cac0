//! Fields as few bytes: what a client keeps while it runs. Nobody else reads or writes them.

use super::{Fields, Form};

/// Appends fields.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    /// Seven bits a byte, the lowest first.
    fn push(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

impl Fields for Writer {
    fn is_reading(&self) -> bool {
        false
    }

    fn value(&mut self, _: &'static str, _: Form, value: &mut Option<u64>) {
        self.push(value.map_or(0, |number| number.saturating_add(1)));
    }

    fn text(&mut self, _: &'static str, value: &mut Option<String>) {
        self.push(value.as_ref().map_or(0, |text| text.len() as u64 + 1));
        self.bytes.extend_from_slice(value.as_deref().unwrap_or_default().as_bytes());
    }

    fn begin(&mut self, _: &'static str, _: Option<usize>) {}

    fn end(&mut self) {}

    fn refuse(&mut self, _: &'static str) {}
}

/// Reads what a [`Writer`] has written.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        while let Some((&byte, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        u64::checked_sub(number, 1)
    }
}

impl Fields for Reader<'_> {
    fn is_reading(&self) -> bool {
        true
    }

    fn value(&mut self, _: &'static str, _: Form, value: &mut Option<u64>) {
        *value = self.next();
    }

    fn text(&mut self, _: &'static str, value: &mut Option<String>) {
        *value = self.next().map(|length| {
            let (text, rest) = self.bytes.split_at((length as usize).min(self.bytes.len()));
            self.bytes = rest;
            String::from_utf8_lossy(text).into_owned()
        });
    }

    fn begin(&mut self, _: &'static str, _: Option<usize>) {}

    fn end(&mut self) {}

    fn refuse(&mut self, _: &'static str) {}
}
