//! The user's commands. Each returns at once; what follows from it comes as outputs.

use std::time::Duration;

use super::{Session, State};
use crate::{
    Content, Now, Outcome,
    config::{Secret, TokenSource},
    dialect::{self, Dialect, Sent},
    error::{CallError, Fault},
    record::{FrameName, Size, What},
    state::Closing,
    timer::Timer,
};

impl<T> Session<T> {
    /// Connects. `payload` is settled on `ready`, or with the error on `failed`, `closed` or a refused token. Repeated
    /// calls share one attempt. In `reconnecting` it dials at once; in `unauthorized` it authenticates again.
    pub fn connect(&mut self, now: Now, payload: T) {
        self.begin(now, || What::Connect {});
        self.connect_or_wait(now, payload);
    }

    fn connect_or_wait(&mut self, now: Now, payload: T) {
        match &self.state {
            State::Ready(_) => return self.settle(payload, Outcome::Done),
            State::Connecting(_) | State::Authenticating(_) => {}
            State::Unauthorized(Some(_)) => self.authenticate_again(now),
            State::Reconnecting { .. } => {
                self.endpoints.forget_waits();
                self.begin_round(now);
            }
            State::Closing(..) => {
                self.abandon_closing();
                self.start_over(now);
            }
            State::Idle | State::Closed | State::Failed | State::Unauthorized(None) => self.start_over(now),
        }
        self.connect_waiters.push(payload);
    }

    /// Drops the connection, resets the attempt counter and connects at once.
    pub fn reconnect(&mut self, now: Now, payload: T) {
        self.begin(now, || What::Reconnect {});
        match &self.state {
            State::Closing(..) => self.abandon_closing(),
            State::Connecting(_) => self.drop_dials(),
            _ => {}
        }
        self.attempt = 0;
        self.wait_was_shortened = false;
        self.error = None;
        self.endpoints.forget_waits();
        if self.state.socket().is_some() {
            self.drop_and_redial(now);
        } else {
            self.begin_round(now);
        }
        self.connect_waiters.push(payload);
    }

    /// Sends the auth message again, with `token` if there is one, which is then used for later connections too.
    /// Connects if no socket is open. In `ready`, calls in flight are not affected.
    pub fn authenticate(&mut self, now: Now, token: Option<Secret>, payload: T) {
        self.begin(now, || What::Authenticate { with_key: token.is_some() });
        if let Some(token) = token {
            self.token = TokenSource::Fixed(token);
            self.end_renewal();
        }
        match &self.state {
            State::Closing(..) => return self.settle(payload, Outcome::Failed(CallError::from(Fault::Closed))),
            State::Ready(socket) if socket.dialect != Dialect::Guide => return self.settle(payload, Outcome::Done),
            State::Ready(_) | State::Authenticating(_) | State::Unauthorized(Some(_)) => self.authenticate_again(now),
            State::Connecting(dials) if dials.has_opened() => {
                // They have sent the key before.
                self.drop_dials();
                self.begin_round(now);
            }
            _ => return self.connect_or_wait(now, payload),
        }
        self.connect_waiters.push(payload);
    }

    /// Sends a text unchanged. False if the socket is not open or the buffer is full.
    pub fn send(&mut self, now: Now, text: &str) -> bool {
        self.begin(now, || What::Send { frame: FrameName::MESSAGE, size: text.len().into(), is_sent: false });
        let full = self.buffered_amount() + text.len() > self.config.max_buffered_amount;
        if full || matches!(self.state, State::Closing(..)) {
            return false;
        }
        let Some(socket) = self.state.socket_mut() else { return false };
        let sent = dialect::classify_sent(socket.dialect, text);
        let content = if sent.may_hold_key(text) { Content::Secret } else { Content::Text };
        let kind = FrameName::of(&sent);
        self.recorder.complete(|what| {
            if let What::Send { frame, size, is_sent } = what {
                (*frame, *is_sent) = (kind, true);
                *size = if kind.is_auth() { Size::default() } else { *size };
            }
        });
        match sent {
            Sent::Auth(token) => self.user_authenticates(now, token),
            Sent::Ping => {
                socket.heartbeat.users_ping();
                self.send_held_token(now);
            }
            Sent::Other => self.send_held_token(now),
        }
        self.transmit_unrecorded(text.as_bytes().to_vec(), content);
        true
    }

    /// Closes the connection. Calls in flight may finish within `drain`, then they are rejected with `CLOSED`; queued
    /// calls are rejected at once. `payload` is settled on `closed`, and never with an error.
    pub fn close(&mut self, now: Now, code: u16, reason: &str, drain: Duration, payload: T) {
        self.begin(now, || What::Close { code, drain: drain.into() });
        if matches!(self.state, State::Closed | State::Failed) {
            return self.settle(payload, Outcome::Done);
        }
        self.close_waiters.push(payload);
        if let State::Closing(_, phase) = &self.state {
            if matches!(phase, Closing::Draining { .. }) {
                let deadline = now.mono.saturating_add(drain);
                let deadline = self.timers.get(Timer::Drain).map_or(deadline, |earlier| earlier.min(deadline));
                self.timers.set(Timer::Drain, deadline);
                self.fire_due(now);
            }
            return;
        }
        self.begin_closing(now, code, reason, drain);
    }

    /// The client itself has a bug (a panic was caught). Everything is settled; the state is `failed`.
    pub fn handle_fault(&mut self, now: Now, what: &str) {
        self.begin(now, || What::Bug {});
        self.drop_dials();
        if let Some(connection) = self.state.connection() {
            self.drop_connection(connection);
        }
        let reason = self.new_reason(Fault::Internal(what.to_owned()));
        self.fail_for_good(reason);
    }
}
