//! Options as numbers, one after the other: how a page passes them on. They were checked before.

use std::time::Duration;

use super::{
    proxy::ProxySource,
    tls::TlsOptions,
    values::{DialectChoice, EndpointSource, Headers, MaxAttempts, Subprotocols, TokenSource},
};
use crate::backoff::Jitter;

/// What is left of them.
pub(super) struct Numbers<'a> {
    left: &'a [f64],
}

impl<'a> Numbers<'a> {
    pub(super) fn new(numbers: &'a [f64]) -> Self {
        Self { left: numbers }
    }

    /// The next one; 0 after the last.
    fn next(&mut self) -> f64 {
        self.left.split_off_first().copied().unwrap_or_default()
    }
}

/// A value that is replaced by the next numbers. One that a page cannot have takes none.
pub(super) trait FromNumbers {
    fn take_from(&mut self, _numbers: &mut Numbers<'_>) {}
}

impl FromNumbers for Duration {
    /// In ms.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = millis(numbers.next());
    }
}

impl FromNumbers for Option<Duration> {
    /// In ms; 0 for none.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = Some(millis(numbers.next())).filter(|duration| !duration.is_zero());
    }
}

impl FromNumbers for bool {
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = numbers.next() != 0.0;
    }
}

impl FromNumbers for f64 {
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = numbers.next();
    }
}

impl FromNumbers for usize {
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = numbers.next() as usize;
    }
}

impl FromNumbers for MaxAttempts {
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        let number = numbers.next();
        *self = if number.is_infinite() { Self::Unlimited } else { Self::Limited(number as u32) };
    }
}

impl FromNumbers for Vec<u16> {
    /// How many there are, and then each.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        let count = numbers.next() as usize;
        *self = (0..count).map(|_| numbers.next() as u16).collect();
    }
}

impl FromNumbers for Jitter {
    /// Below 0 for `'full'`.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        let number = numbers.next();
        *self = if number < 0.0 { Self::Full } else { Self::Fraction(number) };
    }
}

impl FromNumbers for DialectChoice {
    /// The place among `'auto'`, `'guide'` and `'event'`.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        *self = match numbers.next() as u8 {
            1 => Self::Guide,
            2 => Self::Event,
            _ => Self::Auto,
        };
    }
}

impl FromNumbers for TokenSource {
    /// 1 for a function.
    fn take_from(&mut self, numbers: &mut Numbers<'_>) {
        if numbers.next() != 0.0 {
            *self = Self::Ask;
        }
    }
}

impl FromNumbers for EndpointSource {}
impl FromNumbers for Headers {}
impl FromNumbers for Subprotocols {}
impl FromNumbers for ProxySource {}
impl FromNumbers for TlsOptions {}

fn millis(millis: f64) -> Duration {
    Duration::from_micros((millis * 1000.0) as u64)
}
