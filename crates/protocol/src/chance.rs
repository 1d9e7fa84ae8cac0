//! Where a session takes chance from: a generator; or, when a record is replayed, what was drawn then.

use std::{collections::VecDeque, ops::RangeInclusive, time::Duration};

use rand::{SeedableRng, rngs::StdRng};

use super::{
    pending::Pending,
    request_id::{RequestId, RequestKey},
};

/// The source of chance.
#[expect(clippy::large_enum_variant, reason = "a session of a user always has the large one")]
pub(super) enum Chance {
    Random(StdRng),
    Recorded(Drawn),
}

/// What was drawn before.
#[derive(Default)]
pub(super) struct Drawn {
    /// For the id of the next request.
    pub(super) key: RequestKey,
    pub(super) delays: VecDeque<Duration>,
}

impl Chance {
    pub(super) fn of_seed(seed: [u8; 32]) -> Self {
        Self::Random(StdRng::from_seed(seed))
    }

    /// An id that no other request has.
    pub(super) fn id<T>(&mut self, pending: &Pending<T>, wall: u64) -> RequestId {
        match self {
            Self::Random(rng) => pending.new_id(wall, rng),
            Self::Recorded(drawn) => pending.id_from(wall, drawn.key),
        }
    }

    /// A delay, by `draw`. One that was drawn before must be in `range`, or the rules would not have drawn it.
    pub(super) fn delay(
        &mut self,
        draw: impl FnOnce(&mut StdRng) -> Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        match self {
            Self::Random(rng) => draw(rng),
            Self::Recorded(drawn) => {
                let (least, most) = range.into_inner();
                drawn.delays.pop_front().map_or(least, |delay| delay.min(most).max(least))
            }
        }
    }
}
