//! Options as numbers, one after the other: how a page passes them on. They were checked before.

use std::time::Duration;

use super::{
    proxy::ProxySource,
    tls::TlsOptions,
    values::{DialectChoice, EndpointSource, Headers, MaxAttempts, Secret, Subprotocols, TokenSource},
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
    #[inline(never)]
    fn next(&mut self) -> f64 {
        self.left.split_off_first().copied().unwrap_or_default()
    }
}

/// A value that the next numbers are. One that a page cannot have takes none.
pub(super) trait FromNumbers: Sized {
    fn read(numbers: &mut Numbers<'_>) -> Self;
}

impl FromNumbers for Duration {
    /// In ms.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        millis(numbers.next())
    }
}

impl FromNumbers for Option<Duration> {
    /// In ms; 0 for none.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        Some(millis(numbers.next())).filter(|duration| !duration.is_zero())
    }
}

impl FromNumbers for bool {
    fn read(numbers: &mut Numbers<'_>) -> Self {
        numbers.next() != 0.0
    }
}

impl FromNumbers for f64 {
    fn read(numbers: &mut Numbers<'_>) -> Self {
        numbers.next()
    }
}

impl FromNumbers for usize {
    fn read(numbers: &mut Numbers<'_>) -> Self {
        numbers.next() as usize
    }
}

impl FromNumbers for MaxAttempts {
    fn read(numbers: &mut Numbers<'_>) -> Self {
        let number = numbers.next();
        if number.is_infinite() { Self::Unlimited } else { Self::Limited(number as u32) }
    }
}

impl FromNumbers for Vec<u16> {
    /// How many there are, and then each.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        let count = numbers.next() as usize;
        (0..count).map(|_| numbers.next() as u16).collect()
    }
}

impl FromNumbers for Jitter {
    /// Below 0 for `'full'`.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        let number = numbers.next();
        if number < 0.0 { Self::Full } else { Self::Fraction(number) }
    }
}

impl FromNumbers for DialectChoice {
    /// The place among `'auto'`, `'guide'` and `'event'`.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        match numbers.next() as u8 {
            1 => Self::Guide,
            2 => Self::Event,
            _ => Self::Auto,
        }
    }
}

impl FromNumbers for TokenSource {
    /// 1 for a function.
    fn read(numbers: &mut Numbers<'_>) -> Self {
        if numbers.next() != 0.0 { Self::Ask } else { Self::Fixed(Secret::new("")) }
    }
}

/// What is no number.
macro_rules! no_numbers {
    ($($type:ty),*) => {
        $(impl FromNumbers for $type {
            fn read(_: &mut Numbers<'_>) -> Self {
                Self::default()
            }
        })*
    };
}

no_numbers!(EndpointSource, Headers, Subprotocols, ProxySource, TlsOptions);

#[inline(never)]
fn millis(millis: f64) -> Duration {
    Duration::from_micros((millis * 1000.0) as u64)
}
