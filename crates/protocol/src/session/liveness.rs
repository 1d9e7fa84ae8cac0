//! Whether the connection is alive: pings and pongs, a reader that pauses, sleep, a change of network.
//! Source: PROTOCOL.md rule 4.

use std::time::Duration;

use super::{Interest, Session, State, lifecycle::Ending};
use crate::{ConnectionId, LogLevel, Notice, Now, backoff, stats::millis, timer::Timer};

impl<T> Session<T> {
    /// Bytes came at `now`, perhaps not yet a whole message: they prove life.
    pub fn handle_bytes(&mut self, now: Now, connection: ConnectionId) {
        if let Some(link) = self.current(connection) {
            link.heartbeat.bytes(now.mono);
        }
    }

    /// The driver has stopped reading, or reads again: while it does not, silence proves nothing.
    pub fn handle_paused(&mut self, now: Now, connection: ConnectionId, paused: bool) {
        self.observe(now);
        let Some(link) = self.current(connection) else { return };
        if std::mem::replace(&mut link.paused, paused) == paused {
            return;
        }
        let is_pong_due = link.heartbeat.is_waiting() && !self.is_saying_goodbye();
        if paused {
            self.timers.stop(Timer::Pong);
            if self.timers.get(Timer::Auth).is_some() {
                self.timers.suspend(Timer::Auth);
            }
            return;
        }
        if is_pong_due {
            self.timers.set(Timer::Pong, now.mono + self.config.heartbeat_timeout);
        }
        if self.timers.is_suspended(Timer::Auth) {
            self.start_auth_timer(now);
        }
    }

    /// The machine is on another network now, or on one again: an open connection must prove that it outlived the change, and what failed
    /// before may succeed. Of all changes in one outage only the first that helps cuts a wait short, or a network that comes and
    /// goes would use the attempts up. Source: PROTOCOL.md rule 4.
    pub fn handle_network_changed(&mut self, now: Now) {
        self.observe(now);
        self.probe(now);
        if !self.hurried {
            self.hurried = self.cut_wait_short(now);
        }
    }

    /// Notes the time. When the wall clock has run ahead of the monotonic one, the machine slept. Then a connection is probed at once, by
    /// a ping of its own: the answer to an earlier one may have been due while nobody could read it. A wait is cut short.
    pub(super) fn observe(&mut self, now: Now) {
        let monotonic = now.mono.saturating_sub(self.last.mono);
        let wall = Duration::from_millis(now.wall.saturating_sub(self.last.wall));
        self.last = now;
        if self.config.heartbeat_interval.is_none_or(|interval| wall <= monotonic + interval) {
            return;
        }
        if self.can_probe() {
            self.log(LogLevel::Info, "the machine slept: probing the connection", &[]);
            self.send_ping(now, self.probe_timeout());
        }
        self.cut_wait_short(now);
        // The network comes back after the machine does, and may say so.
        self.hurried = false;
    }

    /// A ping whose answer, or any other byte, must come within `patience`.
    pub(super) fn send_ping(&mut self, now: Now, patience: Duration) {
        self.send_held_token(now);
        let Some(link) = self.state.link_mut() else { return };
        link.heartbeat.ping(now.mono);
        let (paused, text) = (link.paused, link.dialect.ping(now.wall));
        self.transmit(text);
        self.timers.stop(Timer::Ping);
        if !paused {
            self.timers.set(Timer::Pong, now.mono + patience);
        }
    }

    pub(super) fn schedule_ping(&mut self, now: Now) {
        let (Some(interval), Some(link)) = (self.config.heartbeat_interval, self.state.link()) else { return };
        self.timers.set(Timer::Ping, link.heartbeat.next_ping(now.mono, interval));
    }

    /// Pings of the other dialect are never answered: the count of pongs due begins anew.
    pub(super) fn restart_heartbeat(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        link.heartbeat.forget_pings();
        self.timers.stop(Timer::Pong);
        self.schedule_ping(now);
    }

    pub(super) fn pong(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        let was_waiting = link.heartbeat.is_waiting();
        let rtt = link.heartbeat.pong(now.mono);
        if was_waiting && !link.heartbeat.is_waiting() {
            self.timers.stop(Timer::Pong);
            self.schedule_ping(now);
        }
        let Some(rtt) = rtt else { return };
        self.counters.rtt.record(rtt);
        if self.interest.wants(Interest::HEARTBEATS) {
            self.notify(Notice::Heartbeat { rtt: millis(rtt) });
        }
    }

    /// The time for a pong is over.
    pub(super) fn check_life(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        if !link.heartbeat.is_dead() {
            return self.schedule_ping(now);
        }
        let connection = link.id;
        self.drop_connection(connection);
        let ending = Ending::abnormal("heartbeat timeout");
        let fault = Self::fault_of(&ending);
        self.lose(now, ending, fault);
    }

    /// A ping, or less time for the one that is under way.
    fn probe(&mut self, now: Now) {
        let Some(link) = self.state.link().filter(|_| self.can_probe()) else { return };
        let (is_waiting, latest) = (link.heartbeat.is_waiting(), now.mono + self.probe_timeout());
        if !is_waiting {
            self.log(LogLevel::Info, "the network changed: probing the connection", &[]);
            self.send_ping(now, self.probe_timeout());
        } else if self.timers.get(Timer::Pong).is_some_and(|deadline| latest < deadline) {
            self.timers.set(Timer::Pong, latest);
        }
    }

    fn can_probe(&self) -> bool {
        self.config.heartbeat_interval.is_some() && self.state.link().is_some() && !self.is_saying_goodbye()
    }

    fn probe_timeout(&self) -> Duration {
        self.config.heartbeat_timeout.min(PROBE_TIMEOUT)
    }

    /// The wait that runs becomes as short as the first one of an outage is, after the same close code. Not shorter: a network that has just
    /// come up needs a moment, and all clients that see it come up must not dial at one moment. False if no wait ran, or a shorter one.
    fn cut_wait_short(&mut self, now: Now) -> bool {
        let (Some(due), &State::Reconnecting { extra, .. }) = (self.timers.get(Timer::Retry), &self.state) else {
            return false;
        };
        let sooner = now.mono + backoff::delay(&self.config, 0, &mut self.rng) + extra;
        if sooner >= due {
            return false;
        }
        self.timers.set(Timer::Retry, sooner);
        self.log(LogLevel::Info, "the next attempt is brought forward", &[]);
        true
    }
}

/// PROTOCOL.md rule 4. A radio that wakes up takes some seconds to be back on its network, and TCP repeats the ping meanwhile.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
