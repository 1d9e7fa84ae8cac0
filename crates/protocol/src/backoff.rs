//! How long to wait before the next attempt: a pure function of the attempts made, and of chance.

use std::{ops::RangeInclusive, time::Duration};

use rand::{Rng, RngExt};

/// The delays before the attempts. Source: PROTOCOL.md rule 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first delay.
    pub base: Duration,
    /// Growth from one delay to the next, at least 1.
    pub factor: f64,
    /// The largest delay, before jitter.
    pub max: Duration,
    /// How the delays are spread.
    pub jitter: Jitter,
}

/// How chance spreads the delays, so that the clients of one server do not all come back at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// `delay · (1 ± fraction)`; the guide's is 0.2.
    Fraction(f64),
    /// Anywhere in `[0, delay]`.
    Full,
}

impl Backoff {
    /// `min(base · factorⁿ, max)`, with n the attempts already made; then jitter is applied, and the delay is rounded
    /// to whole ms.
    pub fn delay(&self, attempts_made: u32, rng: &mut impl Rng) -> Duration {
        let seconds = self.before_jitter(attempts_made);
        let jittered = match self.jitter {
            Jitter::Fraction(fraction) => seconds * (1.0 + fraction * rng.random_range(-1.0..=1.0)),
            Jitter::Full => seconds * rng.random_range(0.0..=1.0),
        };
        whole_millis(jittered)
    }

    fn before_jitter(&self, attempts_made: u32) -> f64 {
        let (base, max) = (self.base.as_secs_f64(), self.max.as_secs_f64());
        // factorⁿ overflows to infinity for large n, and 0 · ∞ is NaN: `min` then takes the cap, which is right for
        // both.
        (base * self.factor.powi(attempts_made.try_into().unwrap_or(i32::MAX))).min(max)
    }

    /// The delays that [`delay`](Self::delay) may give.
    pub(crate) fn delays(&self, attempts_made: u32) -> RangeInclusive<Duration> {
        let seconds = self.before_jitter(attempts_made);
        match self.jitter {
            Jitter::Fraction(fraction) => {
                whole_millis(seconds * (1.0 - fraction))..=whole_millis(seconds * (1.0 + fraction))
            }
            Jitter::Full => Duration::ZERO..=whole_millis(seconds),
        }
    }

    /// The times that [`spread_retry_after`](Self::spread_retry_after) may give.
    pub(crate) fn spreads(&self, asked: Duration) -> RangeInclusive<Duration> {
        match self.jitter {
            Jitter::Fraction(fraction) => {
                let seconds = asked.as_secs_f64();
                whole_millis(seconds)..=whole_millis(seconds * (1.0 + fraction))
            }
            Jitter::Full => asked..=asked,
        }
    }

    /// How long a server is left alone that asks for `asked`: so long, and a random part, because it may have asked
    /// many clients at once. With full jitter that part is the delay. Source: PROTOCOL.md rule 12.
    pub fn spread_retry_after(&self, asked: Duration, rng: &mut impl Rng) -> Duration {
        match self.jitter {
            Jitter::Fraction(fraction) => {
                whole_millis(asked.as_secs_f64() * (1.0 + fraction * rng.random_range(0.0..=1.0)))
            }
            Jitter::Full => asked,
        }
    }

    /// The shortest wait if no endpoint may be dialed for `asked`, and `delay` was drawn for the attempt.
    pub fn least_wait(&self, asked: Duration, delay: Duration) -> Duration {
        match self.jitter {
            Jitter::Full if !asked.is_zero() => asked + delay,
            Jitter::Full | Jitter::Fraction(_) => asked,
        }
    }
}

fn whole_millis(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// As in the guide.
    const GUIDE: Backoff = Backoff {
        base: Duration::from_secs(1),
        factor: 1.5,
        max: Duration::from_secs(30),
        jitter: Jitter::Fraction(0.2),
    };
    const EXACT: Backoff = Backoff { jitter: Jitter::Fraction(0.0), ..GUIDE };

    fn millis(backoff: &Backoff, attempts_made: u32) -> u64 {
        backoff.delay(attempts_made, &mut StdRng::seed_from_u64(1)).as_millis() as u64
    }

    #[test]
    fn it_grows_by_the_guides_factor_up_to_the_cap() {
        let delays: Vec<u64> = (0..10).map(|n| millis(&EXACT, n)).collect();
        assert_eq!(delays, [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000]);
    }

    #[test]
    fn a_huge_attempt_number_stays_at_the_cap() {
        assert_eq!(millis(&EXACT, u32::MAX), 30_000);
        let zero = Backoff { base: Duration::ZERO, ..EXACT };
        assert!(millis(&zero, 3) == 0 && millis(&zero, u32::MAX) <= 30_000);
    }

    #[test]
    fn jitter_is_applied_after_the_cap_and_reaches_both_ends() {
        let mut rng = StdRng::seed_from_u64(7);
        let drawn: Vec<u64> = (0..10_000).map(|_| GUIDE.delay(50, &mut rng).as_millis() as u64).collect();
        let (low, high) = (*drawn.iter().min().unwrap(), *drawn.iter().max().unwrap());
        assert!((24_000..24_100).contains(&low), "lowest {low}");
        assert!((35_900..=36_000).contains(&high), "highest {high}");
    }

    #[test]
    fn full_jitter_spreads_from_zero_to_the_delay() {
        let full = Backoff { jitter: Jitter::Full, ..GUIDE };
        let mut rng = StdRng::seed_from_u64(7);
        let drawn: Vec<u64> = (0..10_000).map(|_| full.delay(0, &mut rng).as_millis() as u64).collect();
        assert!(*drawn.iter().min().unwrap() < 10);
        assert!((990..=1000).contains(drawn.iter().max().unwrap()));
    }
}
