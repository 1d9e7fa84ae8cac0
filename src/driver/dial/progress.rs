//! How far a dial has come.

use std::sync::atomic::{AtomicU8, Ordering};

use mcp_protocol::DialPhase;

/// Written by the dial, read by the client's task when the time is over.
#[derive(Default)]
pub(in crate::driver) struct Progress(AtomicU8);

impl Progress {
    /// The dial is in this phase from now on.
    pub(super) fn enter(&self, phase: DialPhase) {
        let place = PHASES.iter().position(|known| *known == phase).map_or(0, |place| place + 1);
        self.0.store(place as u8, Ordering::Relaxed);
    }

    /// The phase that the dial is in; `None` before the first.
    pub(in crate::driver) fn phase(&self) -> Option<DialPhase> {
        let place = usize::from(self.0.load(Ordering::Relaxed)).checked_sub(1)?;
        PHASES.get(place).copied()
    }
}

const PHASES: [DialPhase; 5] = [DialPhase::Name, DialPhase::Tcp, DialPhase::Proxy, DialPhase::Tls, DialPhase::Upgrade];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_phase_that_was_entered_last() {
        let progress = Progress::default();
        assert_eq!(progress.phase(), None);
        for phase in PHASES {
            progress.enter(phase);
            assert_eq!(progress.phase(), Some(phase));
        }
    }
}
