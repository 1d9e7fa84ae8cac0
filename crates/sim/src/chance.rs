//! What is drawn from the seed: the same seed and the same draws give the same numbers.

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The random source of network and server.
pub(super) struct Chance(StdRng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Between 0 and `most`.
    pub(super) fn draw(&mut self, most: u64) -> u64 {
        // Where nothing is slow, nothing is drawn, so that rules can be tested without chance.
        if most == 0 { 0 } else { self.0.random_range(0..=most) }
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.random_range(0..from.len())]
    }
}
