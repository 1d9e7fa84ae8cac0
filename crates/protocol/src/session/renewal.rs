//! Keys that expire: a new one is asked for and sent on the living connection, before the old one ends.
//! Source: PROTOCOL.md rule 15.

use std::time::Duration;

use super::{Session, State};
use crate::{
    Now,
    config::{Key, Secret},
    dialect::Dialect,
    error::{Fault, NoToken},
    key_life::{KeyLife, Renewal},
    log::LogLine,
    record::Purpose,
    timer::Timer,
};

impl<T> Session<T> {
    /// The key to send, and how long it lives.
    pub(super) fn check_key(now: Now, key: Key) -> Result<(Secret, Option<KeyLife>), NoToken> {
        let life = key.expires_at.map(|expires_at| KeyLife::new(now.wall, expires_at)).transpose()?;
        Ok((key.token, life))
    }

    /// The server has accepted the key that was sent last.
    pub(super) fn begin_renewal(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        // The event dialect has no auth; but the server may speak the guide's after all.
        if socket.dialect != Dialect::Guide {
            return;
        }
        let Some(life) = socket.sent_life.take() else { return };
        socket.renewal = life.map(Renewal::new);
        self.timers.stop(Timer::Renewal);
        self.timers.stop(Timer::KeyExpiry);
        self.schedule_renewal(now);
    }

    /// Sets the timers by the wall clock, which alone goes on while the machine sleeps.
    pub(super) fn schedule_renewal(&mut self, now: Now) {
        let Some(renewal) = self.renewal() else { return };
        let (life, is_waiting) = (renewal.life, renewal.is_waiting());
        let at = |wall: u64| now.mono + Duration::from_millis(wall.saturating_sub(now.wall));
        self.timers.set(Timer::KeyExpiry, at(life.expires_at));
        if is_waiting {
            self.timers.set(Timer::Renewal, at(life.renew_at));
        }
    }

    /// It is time for a new key.
    pub(super) fn renew_key(&mut self, now: Now) {
        // The user is authenticating anew: that brings a new key as well.
        if self.timers.get(Timer::Auth).is_some() || self.timers.is_suspended(Timer::Auth) {
            return;
        }
        let Some(renewal) = self.renewal_mut() else { return };
        renewal.is_underway = true;
        self.log(LogLine::RenewingKey, &[]);
        self.ask_or_send_token(now);
    }

    /// The function has failed, or the server has not answered: tries again later. False if no key is being renewed.
    pub(super) fn renewal_failed(&mut self, now: Now, fault: impl FnOnce() -> Fault) -> bool {
        if !self.renewal().is_some_and(|renewal| renewal.is_underway) {
            return false;
        }
        let reason = self.new_reason(fault());
        self.log(LogLine::KeyNotRenewed, &[("cause", reason.fault().log_cause().into())]);
        self.timers.stop(Timer::Auth);
        let Some(renewal) = self.renewal_mut() else { return false };
        let failures = renewal.fail(reason.clone());
        if let Some(socket) = self.state.socket_mut() {
            socket.auth.message_not_needed();
        }
        let delay = self.draw_delay(Purpose::RENEWAL, failures);
        self.timers.set(Timer::Renewal, now.mono + delay);
        self.report(&reason);
        true
    }

    /// The key has ended, and there is no other.
    pub(super) fn key_expired(&mut self) {
        let Some(socket) = self.state.socket_mut() else { return };
        let last_failure = socket.renewal.take().and_then(|renewal| renewal.last_failure);
        socket.auth.forget();
        self.become_unauthorized(Fault::KeyExpired(last_failure), None);
    }

    /// Authentication is the user's own again, or is over: what is under way counts as any other.
    pub(super) fn leave_renewal(&mut self) {
        if let Some(renewal) = self.renewal_mut() {
            renewal.is_underway = false;
        }
    }

    /// The key is not renewed any more.
    pub(super) fn end_renewal(&mut self) {
        self.timers.stop(Timer::Renewal);
        self.timers.stop(Timer::KeyExpiry);
        if let Some(socket) = self.state.socket_mut() {
            socket.renewal = None;
            socket.sent_life = None;
        }
    }

    fn renewal(&self) -> Option<&Renewal> {
        self.state.socket()?.renewal.as_deref()
    }

    fn renewal_mut(&mut self) -> Option<&mut Renewal> {
        match &mut self.state {
            State::Ready(socket) => socket.renewal.as_deref_mut(),
            _ => None,
        }
    }
}
