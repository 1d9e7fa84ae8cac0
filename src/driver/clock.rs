//! The one place that reads the clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mcp_protocol::Now;

/// Both clocks, the monotonic one counted from when this was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    epoch: Instant,
}

/// The wall clock, for what others write as a date.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// The monotonic clock, to measure how long something takes.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the place")]
impl Clock {
    pub(super) fn start() -> Self {
        Self { epoch: Instant::now() }
    }

    /// Monotonic time in whole microseconds: so it is recorded, and a replay decides by the same times.
    pub(super) fn now(self) -> Now {
        // A wall clock before 1970 counts as 1970: only differences matter.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mono = self.epoch.elapsed();
        let mono = Duration::new(mono.as_secs(), mono.subsec_micros() * 1000);
        Now { mono, wall: wall.as_millis() as u64 }
    }

    /// The moment `mono` after the start.
    pub(super) fn at(self, mono: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.epoch + mono)
    }
}
