//! All timers, in one table.

use std::time::Duration;

use super::fields::Fields;

/// The timers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// When to give a dial up (`connectTimeout`), or one that takes part in a race; or the url function.
    Connect,
    /// When to start the next dial of a race.
    Race,
    /// When to give up waiting for the token function or for the auth answer (`authTimeout`).
    Auth,
    /// When to ask for a new key, because the present one is about to end, or because that has failed before.
    Renewal,
    /// When the key ends.
    KeyExpiry,
    /// When to send the next ping (`heartbeatInterval`).
    Ping,
    /// When to give up waiting for a pong (`heartbeatTimeout`).
    Pong,
    /// When to dial again.
    Retry,
    /// When the earliest request times out.
    Request,
    /// When those who ask for the tools have waited long enough.
    Tools,
    /// When to stop waiting for calls in flight after `close({ drain })`.
    Drain,
    /// When to stop waiting for the peer's close frame.
    CloseHandshake,
}

impl Timer {
    /// All timers. Those that are due at the same time are handled in this order.
    pub const ALL: [Timer; 12] = [
        Timer::Connect,
        Timer::Race,
        Timer::Auth,
        Timer::Renewal,
        Timer::KeyExpiry,
        Timer::Request,
        Timer::Tools,
        Timer::Ping,
        Timer::Pong,
        Timer::Retry,
        Timer::Drain,
        Timer::CloseHandshake,
    ];
}

impl Timer {
    /// The names, in the order of the enum.
    pub(super) const NAMES: [&'static str; Timer::ALL.len()] = [
        "connect",
        "race",
        "auth",
        "renewal",
        "keyExpiry",
        "ping",
        "pong",
        "retry",
        "request",
        "tools",
        "drain",
        "closeHandshake",
    ];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// The state of each timer.
#[derive(Debug, Default)]
pub(super) struct TimerTable {
    timers: [TimerState; Timer::ALL.len()],
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum TimerState {
    #[default]
    Stopped,
    /// It does not fire until it is set again.
    Suspended,
    Until(Duration),
}

impl TimerTable {
    pub(super) fn set(&mut self, timer: Timer, deadline: Duration) {
        self.timers[timer as usize] = TimerState::Until(deadline);
    }

    pub(super) fn set_or_stop(&mut self, timer: Timer, deadline: Option<Duration>) {
        self.timers[timer as usize] = deadline.map_or(TimerState::Stopped, TimerState::Until);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.timers[timer as usize] = TimerState::Stopped;
    }

    pub(super) fn suspend(&mut self, timer: Timer) {
        self.timers[timer as usize] = TimerState::Suspended;
    }

    pub(super) fn is_suspended(&self, timer: Timer) -> bool {
        self.timers[timer as usize] == TimerState::Suspended
    }

    /// The deadline of `timer`; `None` unless it is running.
    pub(super) fn get(&self, timer: Timer) -> Option<Duration> {
        match self.timers[timer as usize] {
            TimerState::Until(deadline) => Some(deadline),
            TimerState::Stopped | TimerState::Suspended => None,
        }
    }

    /// The earliest deadline of all.
    pub(super) fn next(&self) -> Option<Duration> {
        Timer::ALL.into_iter().filter_map(|timer| self.get(timer)).min()
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        fields.begin("timers", None);
        for timer in Timer::ALL {
            let mut deadline = self.get(timer);
            let mut is_suspended = self.is_suspended(timer);
            fields.field(timer.name(), &mut deadline);
            if timer == Timer::Auth {
                fields.field("authSuspended", &mut is_suspended);
            }
            self.set_or_stop(timer, deadline);
            if is_suspended {
                self.suspend(timer);
            }
        }
        fields.end();
    }

    /// The first that is due.
    pub(super) fn first_due(&self, now: Duration) -> Option<Timer> {
        Timer::ALL.into_iter().find(|timer| self.get(*timer).is_some_and(|deadline| deadline <= now))
    }

    /// If `timer` is due: stops it, and returns true.
    pub(super) fn take_due(&mut self, timer: Timer, now: Duration) -> bool {
        let due = self.get(timer).is_some_and(|deadline| deadline <= now);
        if due {
            self.stop(timer);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_timer_has_its_own_slot() {
        let mut places: Vec<usize> = Timer::ALL.iter().map(|timer| *timer as usize).collect();
        places.sort_unstable();
        assert_eq!(places, (0..Timer::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn the_earliest_deadline_comes_first_and_only_what_is_due_is_taken() {
        let mut timers = TimerTable::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Ping, 2 * SECOND);
        timers.set(Timer::Retry, SECOND);
        assert_eq!(timers.next(), Some(SECOND));
        assert!(!timers.take_due(Timer::Ping, SECOND));
        assert!(timers.take_due(Timer::Retry, SECOND));
        assert!(!timers.take_due(Timer::Retry, SECOND), "a timer fires once");
        assert_eq!(timers.next(), Some(2 * SECOND));
    }

    #[test]
    fn a_suspended_timer_never_fires_until_it_is_set_again() {
        let mut timers = TimerTable::default();
        timers.set(Timer::Auth, SECOND);
        timers.suspend(Timer::Auth);
        assert!(timers.is_suspended(Timer::Auth));
        assert_eq!((timers.next(), timers.get(Timer::Auth)), (None, None));
        assert!(!timers.take_due(Timer::Auth, 2 * SECOND));
        timers.set(Timer::Auth, 3 * SECOND);
        assert!(!timers.is_suspended(Timer::Auth) && timers.take_due(Timer::Auth, 3 * SECOND));
        timers.suspend(Timer::Auth);
        timers.stop(Timer::Auth);
        assert!(!timers.is_suspended(Timer::Auth));
    }
}
