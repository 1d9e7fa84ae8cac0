//! From one state to the next: dial, authenticate, ready, refused, lost, retried, given up, closed.

use std::time::Duration;

use bytestring::ByteString;

use super::{Interest, Session, State, requests::ALL_HANDED_OUT};
use crate::{
    Action, CloseInfo, ConnectionId, Event, LogLevel, Notice, Now, backoff,
    config::MaxAttempts,
    error::Fault,
    state::{Auth, Farewell, Link},
    timer::Timer,
};

/// How a socket ended, as the driver saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// RFC 6455 § 7.4 code; 1005 when the close frame had none, 1006 when there was no close frame.
    pub code: u16,
    /// The peer's words, or the system's.
    pub reason: String,
    /// A close frame came.
    pub clean: bool,
    /// We ended it because a message was larger than `maxMessageSize`.
    pub too_large: bool,
}

impl Ending {
    /// An end without a close frame.
    pub fn abnormal(reason: impl Into<String>) -> Self {
        Self { code: 1006, reason: reason.into(), clean: false, too_large: false }
    }

    fn words(&self) -> String {
        let code = self.code;
        match self.reason.as_str() {
            "" => format!("connection lost: closed with code {code}"),
            reason => format!("connection lost: closed with code {code} ({reason})"),
        }
    }
}

impl<T> Session<T> {
    /// A dial that starts a new life: nothing is held against it.
    pub(super) fn start_afresh(&mut self, now: Now) {
        self.attempt = 0;
        self.hurried = false;
        self.error = None;
        self.dial(now);
    }

    pub(super) fn dial(&mut self, now: Now) {
        self.stop_connection_timers();
        let connection = self.fresh_connection();
        self.enter(State::Connecting(connection));
        self.actions.push_back(Action::Dial(connection));
        self.timers.set(Timer::Connect, now.mono + self.config.connect_timeout);
    }

    /// Authenticated. `message` is the server's own word for it.
    pub(super) fn become_ready(&mut self, message: &ByteString) {
        self.timers.stop(Timer::Auth);
        self.error = None;
        if !matches!(self.state, State::Ready(_)) {
            self.counters.reconnects += u64::from(self.was_ready);
            self.attempt = 0;
            self.hurried = false;
            self.was_ready = true;
            self.enter_with(State::Ready);
        }
        if let Some(link) = self.state.link_mut() {
            link.auth.accepted();
        }
        self.notify(Notice::Authenticated);
        self.tell_message(message, true);
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Ok(()));
        self.flush_queue();
    }

    /// The dial failed, in a way that a later one may mend.
    pub(super) fn retry_dial(&mut self, now: Now, fault: Fault) {
        self.stop_connection_timers();
        let next = self.after(now, &fault, Duration::ZERO);
        self.enter(next);
        self.report_error();
        self.tell_what_follows();
        self.settle_at_the_end();
    }

    /// The open socket is gone, or given up: `fault` is why. Decides what follows, then settles whom it concerns.
    pub(super) fn lose(&mut self, now: Now, ending: Ending, fault: Fault) {
        if matches!(self.state, State::Closing(..)) {
            let lost = Fault::ConnectionLost(ending.words());
            return self.become_closed(Some(&ending), &lost);
        }
        self.stop_connection_timers();
        let next = if self.config.no_reconnect_codes.contains(&ending.code) {
            self.blame(fault.clone());
            State::Closed
        } else {
            let slow = self.config.slow_reconnect_codes.contains(&ending.code);
            let extra = if slow { self.config.slow_reconnect_delay } else { Duration::ZERO };
            self.after(now, &fault, extra)
        };
        let will_reconnect = matches!(next, State::Reconnecting { .. });
        let previous = self.enter(next);
        self.tell_close(&ending, will_reconnect);
        self.report_error();
        self.tell_what_follows();
        self.settle_lost(previous, &ending);
        self.settle_at_the_end();
    }

    /// Ends an open connection and dials again at once.
    pub(super) fn drop_to_redial(&mut self, now: Now) {
        self.stop_connection_timers();
        let connection = self.fresh_connection();
        let previous = self.enter(State::Connecting(connection));
        if let Some(old) = previous.connection() {
            self.actions.push_back(Action::Drop { connection: old, close_code: Some(1000) });
        }
        self.actions.push_back(Action::Dial(connection));
        self.timers.set(Timer::Connect, now.mono + self.config.connect_timeout);
        let ending = Ending::abnormal("reconnect() was called");
        self.tell_close(&ending, true);
        self.settle_lost(previous, &ending);
    }

    /// No retry will mend it: everything is settled with `fault`.
    pub(super) fn fail_for_good(&mut self, fault: Fault) {
        self.stop_connection_timers();
        self.timers.stop(Timer::Retry);
        self.blame(fault.clone());
        let previous = self.enter(State::Failed);
        if previous.link().is_some() {
            self.tell_close(&Ending::abnormal(fault.to_string()), false);
        }
        self.report_error();
        self.tell_what_follows();
        self.settle_lost(previous, &Ending::abnormal(fault.to_string()));
        self.settle_at_the_end();
    }

    /// `close()`, from any state that is not an end.
    pub(super) fn begin_closing(&mut self, now: Now, code: u16, reason: &str, drain: Duration) {
        self.timers.stop(Timer::Retry);
        self.timers.stop(Timer::Auth);
        self.error = None;
        if let State::Connecting(connection) = self.state {
            self.actions.push_back(Action::Drop { connection, close_code: None });
        }
        if self.state.link().is_none() {
            return self.become_closed(None, &Fault::Closed);
        }
        let farewell = Farewell::Draining { code, reason: reason.to_owned() };
        self.enter_with(|link| State::Closing(Link { auth: Auth::default(), ..link }, farewell));
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Err(Fault::Closed));
        self.fail_queued(&Fault::Closed);
        self.timers.set(Timer::Drain, now.mono.saturating_add(drain));
        if drain.is_zero() {
            self.say_goodbye(now);
        } else {
            self.finish_draining();
        }
    }

    /// Nobody waits for an answer any more: draining need not either.
    pub(super) fn finish_draining(&mut self) {
        if matches!(self.state, State::Closing(_, Farewell::Draining { .. })) && self.pending.len() == 0 {
            self.say_goodbye(self.last);
        }
    }

    /// Draining is over: the close frame goes out.
    pub(super) fn say_goodbye(&mut self, now: Now) {
        let State::Closing(link, farewell) = &mut self.state else { return };
        let Farewell::Draining { code, reason } = std::mem::replace(farewell, Farewell::Handshake) else { return };
        self.actions.push_back(Action::Close { connection: link.id, code, reason });
        self.stop_connection_timers();
        self.timers.set(Timer::CloseHandshake, now.mono + CLOSE_HANDSHAKE);
        self.fail_all(&Fault::Closed, ALL_HANDED_OUT);
    }

    /// The end of a closing handshake, or a close without a socket. What is still in flight is settled with `fault`.
    pub(super) fn become_closed(&mut self, ending: Option<&Ending>, fault: &Fault) {
        self.stop_connection_timers();
        let previous = self.enter(State::Closed);
        if let Some(ending) = ending {
            self.tell_close(ending, false);
        }
        self.unwritten_bytes = 0;
        self.fail_all(fault, previous.link().map_or(0, Link::may_have_left));
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Err(Fault::Closed));
        let waiters = std::mem::take(&mut self.close_waiters);
        self.settle_all(waiters, &Ok(()));
    }

    /// Somebody wants to connect while we are closing: the goodbye is not waited for.
    pub(super) fn give_up_closing(&mut self) {
        if let Some(connection) = self.state.connection() {
            self.actions.push_back(Action::Drop { connection, close_code: Some(1000) });
        }
        self.become_closed(Some(&Ending::abnormal("connect() was called while closing")), &Fault::Closed);
    }

    pub(super) fn drop_connection(&mut self, connection: ConnectionId) {
        self.actions.push_back(Action::Drop { connection, close_code: None });
    }

    pub(super) fn is_saying_goodbye(&self) -> bool {
        matches!(self.state, State::Closing(_, Farewell::Handshake))
    }

    pub(super) fn tell_message(&mut self, text: &ByteString, json: bool) {
        if self.interest.wants(Interest::MESSAGES) {
            self.events.push_back(Event::Message { text: text.clone(), json });
        }
    }

    /// Like `enter`, for the states that take the open socket over.
    pub(super) fn enter_with(&mut self, next: impl FnOnce(Link) -> State) {
        let previous = self.state.name();
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Authenticating(link)
            | State::Ready(link)
            | State::Unauthorized(Some(link))
            | State::Closing(link, _) => next(link),
            without_link => without_link,
        };
        self.tell_state(previous);
    }

    /// What follows a failure: another attempt, or the end of them.
    fn after(&mut self, now: Now, fault: &Fault, extra: Duration) -> State {
        let attempts = self.config.max_reconnect_attempts;
        if !attempts.allows(self.attempt) {
            let none_at_all = attempts == MaxAttempts::Limited(0);
            self.blame(if none_at_all { fault.clone() } else { Fault::ReconnectExhausted(Box::new(fault.clone())) });
            return State::Failed;
        }
        let delay = backoff::delay(&self.config, self.attempt, &mut self.rng) + extra;
        self.attempt += 1;
        self.blame(fault.clone());
        self.timers.set(Timer::Retry, now.mono + delay);
        State::Reconnecting { delay, extra, ends: now.wall.saturating_add(delay.as_millis() as u64) }
    }

    /// The event with its own name.
    fn tell_what_follows(&mut self) {
        match (&self.state, &self.error) {
            (State::Reconnecting { delay, .. }, _) => {
                let (attempt, max_attempts, delay) =
                    (self.attempt, self.config.max_reconnect_attempts, delay.as_millis() as u64);
                self.notify(Notice::Reconnecting { attempt, max_attempts, delay });
            }
            (State::Failed, Some(fault)) => {
                let (code, error) = (fault.code(), fault.data());
                self.log(LogLevel::Error, "the client has failed", &[("code", code.into())]);
                self.notify(Notice::Failed { error });
            }
            _ => {}
        }
    }

    /// The promises that an end settles.
    fn settle_at_the_end(&mut self) {
        if !matches!(self.state, State::Failed | State::Closed) {
            return;
        }
        let fault = self.error.clone().unwrap_or(Fault::Closed);
        self.fail_queued(&fault);
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Err(fault));
        let waiters = std::mem::take(&mut self.close_waiters);
        self.settle_all(waiters, &Ok(()));
    }

    fn tell_close(&mut self, ending: &Ending, will_reconnect: bool) {
        let fields = [("code", ending.code.into()), ("reason", ending.reason.as_str().into())];
        self.log(LogLevel::Info, "the connection is closed", &fields);
        let Ending { code, reason, clean, .. } = ending.clone();
        self.notify(Notice::Close { info: CloseInfo { code, reason, was_clean: clean, will_reconnect } });
    }

    /// The requests of a socket that is gone.
    fn settle_lost(&mut self, mut previous: State, ending: &Ending) {
        let Some(link) = previous.link_mut() else { return };
        let lost = self.take_lost(link, ending.too_large);
        let too_large = ending.too_large.then(|| Fault::MessageTooLarge(ending.reason.clone()));
        self.fail_lost(lost, &Fault::ConnectionLost(ending.words()), too_large.as_ref());
    }

    pub(super) fn stop_connection_timers(&mut self) {
        for timer in
            [Timer::Connect, Timer::Auth, Timer::Ping, Timer::Pong, Timer::Retry, Timer::Drain, Timer::CloseHandshake]
        {
            self.timers.stop(timer);
        }
    }

    /// The fault that an ending stands for.
    pub(super) fn fault_of(ending: &Ending) -> Fault {
        if ending.too_large {
            Fault::MessageTooLarge(ending.reason.clone())
        } else {
            Fault::ConnectionLost(ending.words())
        }
    }
}

/// PROTOCOL.md rule 7.
const CLOSE_HANDSHAKE: Duration = Duration::from_secs(2);
