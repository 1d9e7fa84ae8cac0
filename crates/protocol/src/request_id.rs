//! Request ids: `req_<ms since the epoch>_<9 characters of [0-9a-z]>`, the form the guide uses.

use std::{
    fmt::{self, Write},
    hash::{BuildHasher, Hasher},
};

use rand::{CryptoRng, RngExt};

use super::fields::{Field, Fields};

/// The random part of a request id, as a number below 36⁹, which a JavaScript number can hold. Unique within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestKey(pub u64);

/// A request id: the time of the call, and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestId {
    /// The wall clock at the call, in ms since the epoch.
    pub millis: u64,
    /// The random part.
    pub key: RequestKey,
}

impl RequestKey {
    /// Draws a key. The generator must be cryptographic, so that nobody can guess the id of a call.
    pub(super) fn random(rng: &mut impl CryptoRng) -> Self {
        Self(rng.random_range(0..KEYS))
    }
}

impl RequestId {
    /// Parses an id of our form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("req_")?;
        let (millis, suffix) = text.split_at_checked(text.len().checked_sub(SUFFIX_LENGTH)?)?;
        let millis = millis.strip_suffix('_')?;
        // `parse` would also accept "+1" and "007", which we never write.
        if !millis.bytes().all(|byte| byte.is_ascii_digit()) || millis.starts_with('0') {
            return None;
        }
        let mut key = 0;
        for byte in suffix.bytes() {
            let digit = VALUES[usize::from(byte)];
            if digit == NO_DIGIT {
                return None;
            }
            key = key * 36 + u64::from(digit);
        }
        Some(Self { millis: millis.parse().ok()?, key: RequestKey(key) })
    }

    /// Appends the text of the id. Every call needs it, and this is several times as fast as `write!`.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"req_");
        let mut digits = [0; MOST_DECIMALS];
        let mut start = MOST_DECIMALS;
        let mut millis = self.millis;
        while start == MOST_DECIMALS || millis > 0 {
            start -= 1;
            digits[start] = DIGITS[(millis % 10) as usize];
            millis /= 10;
        }
        out.extend_from_slice(&digits[start..]);
        out.push(b'_');
        let mut suffix = [0; SUFFIX_LENGTH];
        let mut key = self.key.0;
        for place in suffix.iter_mut().rev() {
            *place = DIGITS[(key % 36) as usize];
            key /= 36;
        }
        out.extend_from_slice(&suffix);
    }
}

impl Field for Option<RequestId> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut text = self.map(|id| id.to_string());
        fields.text(name, &mut text);
        if !fields.is_reading() {
            return;
        }
        *self = text.as_deref().and_then(RequestId::parse);
        if self.is_none() && text.is_some() {
            fields.refuse(name);
        }
    }
}

impl Field for RequestId {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut id = Some(*self);
        fields.field(name, &mut id);
        match id {
            Some(id) => *self = id,
            None => fields.refuse(name),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_to(&mut text);
        text.into_iter().try_for_each(|byte| f.write_char(char::from(byte)))
    }
}

/// Keys are random already, so spreading their bits is enough of a hash.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHash(u64);

impl BuildHasher for KeyHash {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for KeyHash {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a key hashes as one u64");
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The most decimal digits of a `u64`.
const MOST_DECIMALS: usize = 20;
const SUFFIX_LENGTH: usize = 9;
const KEYS: u64 = 36u64.pow(SUFFIX_LENGTH as u32);
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const NO_DIGIT: u8 = 36;
/// The value of each character as a digit. A table, because the processor cannot predict branches on random characters.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < NO_DIGIT {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn an_id_is_written_and_read_back() {
        let mut rng = StdRng::seed_from_u64(3);
        for millis in [1, 1_700_000_000_000, u64::MAX] {
            let id = RequestId { millis, key: RequestKey::random(&mut rng) };
            assert_eq!(RequestId::parse(&id.to_string()), Some(id));
        }
        let id = RequestId { millis: 1_700_000_000_000, key: RequestKey(KEYS - 1) };
        assert_eq!(id.to_string(), "req_1700000000000_zzzzzzzzz");
    }

    #[test]
    fn what_is_not_of_our_form_is_refused() {
        for text in [
            "",
            "auth",
            "req_",
            "req_1_",
            "req_1_12345678",
            "req_1_1234567890",
            "req_+1_123456789",
            "req_01_123456789",
            "req_1_12345678A",
            "req_1_1234_5678",
            "REQ_1_123456789",
            "req__123456789",
            "req_99999999999999999999_123456789",
        ] {
            assert_eq!(RequestId::parse(text), None, "{text:?}");
        }
    }
}
