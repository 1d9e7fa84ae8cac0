//! How long to wait before the next attempt: a pure function of the attempts made, and of chance.

use std::time::Duration;

use rand::{Rng, RngExt};

use super::config::{Config, Jitter};

/// `min(base · factorⁿ, max)`, jittered after the cap and rounded to whole ms, with n the attempts already made.
/// Source: PROTOCOL.md rule 2.
pub fn delay(config: &Config, attempts_made: u32, rng: &mut impl Rng) -> Duration {
    let base = config.base_reconnect_delay.as_secs_f64();
    let cap = config.max_reconnect_delay.as_secs_f64();
    // factorⁿ overflows to infinity for large n, and 0 · ∞ is NaN: `min` then takes the cap, which is right for both.
    let seconds = (base * config.reconnect_factor.powf(f64::from(attempts_made))).min(cap);
    let jittered = match config.reconnect_jitter {
        Jitter::Fraction(fraction) => seconds * (1.0 + fraction * rng.random_range(-1.0..=1.0)),
        Jitter::Full => seconds * rng.random_range(0.0..=1.0),
    };
    Duration::from_millis((jittered * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn exact() -> Config {
        Config { reconnect_jitter: Jitter::Fraction(0.0), ..Config::default() }
    }

    fn millis(config: &Config, attempts_made: u32) -> u64 {
        delay(config, attempts_made, &mut StdRng::seed_from_u64(1)).as_millis() as u64
    }

    #[test]
    fn it_grows_by_the_guides_factor_up_to_the_cap() {
        let delays: Vec<u64> = (0..10).map(|n| millis(&exact(), n)).collect();
        assert_eq!(delays, [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000]);
    }

    #[test]
    fn a_huge_attempt_number_stays_at_the_cap() {
        assert_eq!(millis(&exact(), u32::MAX), 30_000);
        let zero = Config { base_reconnect_delay: Duration::ZERO, ..exact() };
        assert!(millis(&zero, 3) == 0 && millis(&zero, u32::MAX) <= 30_000);
    }

    #[test]
    fn jitter_is_applied_after_the_cap_and_reaches_both_ends() {
        let config = Config::default();
        let mut rng = StdRng::seed_from_u64(7);
        let drawn: Vec<u64> = (0..10_000).map(|_| delay(&config, 50, &mut rng).as_millis() as u64).collect();
        let (low, high) = (*drawn.iter().min().unwrap(), *drawn.iter().max().unwrap());
        assert!((24_000..24_100).contains(&low), "lowest {low}");
        assert!((35_900..=36_000).contains(&high), "highest {high}");
    }

    #[test]
    fn full_jitter_spreads_from_zero_to_the_delay() {
        let config = Config { reconnect_jitter: Jitter::Full, ..Config::default() };
        let mut rng = StdRng::seed_from_u64(7);
        let drawn: Vec<u64> = (0..10_000).map(|_| delay(&config, 0, &mut rng).as_millis() as u64).collect();
        assert!(*drawn.iter().min().unwrap() < 10);
        assert!((990..=1000).contains(drawn.iter().max().unwrap()));
    }
}
