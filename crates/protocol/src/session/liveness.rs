//! Whether the connection is alive: pings and pongs, a reader that pauses, sleep, a change of network.
//! Source: PROTOCOL.md rule 4.

use std::time::Duration;

use super::{Interest, Session, State, lifecycle::Ending};
use crate::{
    ConnectionId, Content, Notice, Now,
    log::LogLine,
    record::{FrameName, Purpose, What},
    stats::{millis, whole_millis},
    timer::Timer,
};

impl<T> Session<T> {
    /// Bytes have come, perhaps not yet a complete message: the connection is alive.
    pub fn handle_bytes(&mut self, now: Now, connection: ConnectionId) {
        let Some(socket) = self.current(connection) else { return };
        if socket.heartbeat.bytes(now.mono) {
            self.recorder.add_input(|| What::Bytes { connection, last: now.mono.into() });
        }
    }

    /// The driver has stopped reading, or reads again. While it does not read, silence proves nothing.
    pub fn handle_paused(&mut self, now: Now, connection: ConnectionId, paused: bool) {
        self.begin(now, || What::Paused { connection, is_paused: paused });
        let Some(socket) = self.current(connection) else { return };
        if std::mem::replace(&mut socket.paused, paused) == paused {
            return;
        }
        let is_pong_due = socket.heartbeat.is_waiting() && !self.close_frame_is_sent();
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

    /// The machine has changed to another network, or has one again. Source: PROTOCOL.md rule 4.
    pub fn handle_network_changed(&mut self, now: Now) {
        self.begin(now, || What::Network {});
        self.doubt(now, LogLine::NetworkChanged);
    }

    /// The earliest deadline was met so late that the client cannot have run meanwhile. Source: PROTOCOL.md rule 19.
    pub(super) fn is_late(&self, now: Now) -> bool {
        self.timers.next().is_some_and(|due| now.mono.saturating_sub(due) > LATE)
    }

    /// An open connection must prove that it still works, and a dial that failed before may succeed now. In one outage
    /// only the first doubt shortens a wait: otherwise a network that comes and goes, or a client that is always late,
    /// would use up the attempts.
    pub(super) fn doubt(&mut self, now: Now, why: LogLine) {
        self.probe(now, why);
        if !self.wait_was_shortened {
            self.wait_was_shortened = self.shorten_wait(now);
        }
    }

    /// Notes the time. If the wall clock has run ahead of the monotonic one, the machine slept. Then an open connection
    /// is probed with a new ping, because the answer to an earlier one may have been due during the sleep; a wait is
    /// shortened.
    pub(super) fn observe(&mut self, now: Now) {
        let monotonic = now.mono.saturating_sub(self.last.mono);
        let wall = Duration::from_millis(now.wall.saturating_sub(self.last.wall));
        self.last = now;
        if wall > monotonic + CLOCK_JUMP {
            self.schedule_renewal(now);
        }
        if self.config.heartbeat_interval.is_none_or(|interval| wall <= monotonic + interval) {
            return;
        }
        if self.can_probe() {
            self.log(LogLine::Slept, &[]);
            self.send_ping(now, self.probe_timeout());
        }
        self.shorten_wait(now);
        // The network comes back later than the machine, and that may be reported as a change.
        self.wait_was_shortened = false;
    }

    /// Sends a ping. The pong, or any other byte, must come within `timeout`.
    pub(super) fn send_ping(&mut self, now: Now, timeout: Duration) {
        self.send_held_token(now);
        let Some(socket) = self.state.socket_mut() else { return };
        socket.heartbeat.ping(now.mono);
        let (paused, text) = (socket.paused, socket.dialect.ping(now.wall));
        match text {
            Some(text) => self.transmit(FrameName::PING, text.into_bytes(), Content::Text),
            None => self.transmit(FrameName::PING, Vec::new(), Content::Ping),
        }
        self.timers.stop(Timer::Ping);
        if !paused {
            self.timers.set(Timer::Pong, now.mono + timeout);
        }
    }

    pub(super) fn schedule_ping(&mut self, now: Now) {
        let (Some(interval), Some(socket)) = (self.config.heartbeat_interval, self.state.socket()) else { return };
        self.timers.set(Timer::Ping, socket.heartbeat.next_ping(now.mono, interval));
    }

    /// After a change of dialect: pings sent in the other dialect are never answered, so their pongs are not expected.
    pub(super) fn restart_heartbeat(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        socket.heartbeat.forget_pings();
        self.timers.stop(Timer::Pong);
        self.schedule_ping(now);
    }

    /// True if it answers a ping of ours.
    pub(super) fn pong(&mut self, now: Now) -> bool {
        let Some(socket) = self.state.socket_mut() else { return false };
        let was_waiting = socket.heartbeat.is_waiting();
        let rtt = socket.heartbeat.pong(now.mono);
        if was_waiting && !socket.heartbeat.is_waiting() {
            self.timers.stop(Timer::Pong);
            self.schedule_ping(now);
        }
        let Some(rtt) = rtt else { return false };
        self.counters.rtt.record(rtt);
        if self.interest.wants(Interest::HEARTBEATS) {
            self.notify(Notice::Heartbeat { rtt: millis(rtt) });
        }
        true
    }

    /// No pong has come in time. The connection is dead unless other bytes have come.
    pub(super) fn pong_timed_out(&mut self, now: Now) {
        let timeout = self.config.heartbeat_timeout;
        let Some(socket) = self.state.socket_mut() else { return };
        if !socket.heartbeat.is_dead() {
            return self.schedule_ping(now);
        }
        let connection = socket.id;
        self.log(LogLine::HeartbeatLost, &[("timeout", whole_millis(timeout).into())]);
        self.drop_connection(connection);
        let ending = Ending::abnormal("heartbeat timeout");
        let fault = Self::fault_of(&ending);
        self.connection_lost(now, ending, fault);
    }

    /// Sends a ping, or shortens the timeout of the one that is unanswered. If that one is overdue, another one asks
    /// again, but only once: a client that is always late gives a dead connection up too.
    fn probe(&mut self, now: Now, why: LogLine) {
        if !self.can_probe() {
            return;
        }
        let (due, latest) = (self.timers.get(Timer::Pong), now.mono + self.probe_timeout());
        let is_overdue = due.is_some_and(|due| due <= now.mono);
        let Some(socket) = self.state.socket_mut() else { return };
        if !socket.heartbeat.is_waiting() || is_overdue && socket.heartbeat.may_ask_again() {
            self.log(why, &[]);
            self.send_ping(now, self.probe_timeout());
        } else if due.is_some_and(|due| latest < due) {
            self.timers.set(Timer::Pong, latest);
        }
    }

    fn can_probe(&self) -> bool {
        self.config.heartbeat_interval.is_some() && self.state.socket().is_some() && !self.close_frame_is_sent()
    }

    fn probe_timeout(&self) -> Duration {
        self.config.heartbeat_timeout.min(PROBE_TIMEOUT)
    }

    /// Shortens the current wait to the first delay of an outage. Not to zero: a network that has just come up needs a
    /// moment, and the clients that see it come up must not all dial at once. False if there is no wait, or a shorter
    /// one.
    fn shorten_wait(&mut self, now: Now) -> bool {
        let (Some(due), &State::Reconnecting { extra, not_before, .. }) = (self.timers.get(Timer::Retry), &self.state)
        else {
            return false;
        };
        let sooner = (now.mono + self.draw_delay(Purpose::SOONER, 0) + extra).max(not_before);
        if sooner >= due {
            return false;
        }
        self.timers.set(Timer::Retry, sooner);
        self.log(LogLine::WaitShortened, &[]);
        true
    }
}

/// A page that is hidden has its timers run once a second, and a busy one waits for its own code: neither has slept.
/// Source: PROTOCOL.md rule 19.
const LATE: Duration = Duration::from_secs(2);
/// Clocks that are set by the network's time move by less.
const CLOCK_JUMP: Duration = Duration::from_secs(1);
/// A radio that wakes up takes some seconds to rejoin its network, and TCP repeats the ping meanwhile. Source:
/// PROTOCOL.md rule 4.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
