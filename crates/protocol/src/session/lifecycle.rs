//! The transitions between the states: dialing, ready, lost, reconnecting, failed, closing, closed.

use std::time::Duration;

use bytestring::ByteString;

use super::{Interest, Session, State, requests::ALL_HANDED_OUT};
use crate::{
    Action, CloseInfo, ConnectionId, Event, Notice, Now, Outcome, RecentEvents,
    backoff::Backoff,
    config::MaxAttempts,
    error::{CallError, ErrorCode, Fault, Reason},
    log::LogLine,
    record::{Purpose, What},
    socket::{Auth, Socket},
    state::Closing,
    stats::whole_millis,
    timer::Timer,
};

/// How a socket ended, as the driver reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The close code (RFC 6455 § 7.4); 1005 if the close frame had none, 1006 if there was no close frame.
    pub code: u16,
    /// The peer's reason, or the error message of the operating system.
    pub reason: String,
    /// The peer has sent a close frame.
    pub clean: bool,
    /// We closed it because a message was larger than `maxMessageSize`.
    pub too_large: bool,
}

impl Ending {
    /// The end of a socket without a close frame.
    pub fn abnormal(reason: impl Into<String>) -> Self {
        Self { code: 1006, reason: reason.into(), clean: false, too_large: false }
    }

    fn sentence(&self) -> String {
        let (code, lost) = (self.code, ErrorCode::ConnectionLost.sentence());
        match self.reason.as_str() {
            "" => format!("{lost}: closed with code {code}"),
            reason => format!("{lost}: closed with code {code} ({reason})"),
        }
    }
}

impl<T> Session<T> {
    /// Dials as if for the first time.
    pub(super) fn start_over(&mut self, now: Now) {
        self.attempt = 0;
        self.wait_was_shortened = false;
        self.error = None;
        self.endpoints.forget_waits();
        self.begin_round(now);
    }

    /// Authenticated. `message` is the message in which the server says so, if it must.
    pub(super) fn become_ready(&mut self, message: Option<&ByteString>) {
        self.timers.stop(Timer::Auth);
        self.error = None;
        if !matches!(self.state, State::Ready(_)) {
            self.counters.reconnects += u64::from(self.was_ready);
            self.was_ready = true;
            self.endpoints.is_good();
            self.enter_with(State::Ready);
        }
        let now = self.last.mono;
        let Some(socket) = self.state.socket_mut() else { return };
        let is_first = socket.ready_since.is_none();
        socket.ready_since.get_or_insert(now);
        socket.auth.accepted();
        let line = if is_first && self.attempt > 0 { LogLine::Reconnected } else { LogLine::Authenticated };
        self.begin_renewal(self.last);
        self.log(line, &[]);
        self.notify(Notice::Authenticated);
        if let Some(message) = message {
            self.emit_message(message, true);
        }
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Outcome::Done);
        self.flush_queue();
        self.tell_tools(self.last);
    }

    /// Counts attempts from 0 again if the open socket has been `ready` for long enough. Called when the count is about
    /// to matter, so it needs no timer. Source: PROTOCOL.md rule 11.
    pub(super) fn credit_uptime(&mut self, now: Now) -> bool {
        let since = self.state.socket().and_then(|socket| socket.ready_since);
        let is_long = since.is_some_and(|since| now.mono.saturating_sub(since) >= self.config.min_uptime);
        if is_long {
            self.attempt = 0;
            self.wait_was_shortened = false;
            self.endpoints.has_proved_good();
        }
        is_long
    }

    /// The round is over without a socket, and a later one may succeed.
    pub(super) fn retry_later(&mut self, now: Now, reason: Reason) {
        self.stop_connection_timers();
        let next = self.state_after(now, reason);
        self.enter(next);
        self.report_error();
        self.emit_outcome();
        self.settle_if_ended();
    }

    /// The open socket has ended, or was given up, because of `fault`. Decides what follows, then settles the calls.
    pub(super) fn connection_lost(&mut self, now: Now, ending: Ending, fault: Fault) {
        if matches!(self.state, State::Closing(..)) {
            let lost = Fault::ConnectionLost(ending.sentence());
            return self.become_closed(Some(&ending), &lost.into());
        }
        self.judge_endpoint(now, &ending);
        self.stop_connection_timers();
        let line = if ending.clean { LogLine::ClosedByServer } else { LogLine::ConnectionLost };
        self.log_ending(line, &ending, Some(&fault));
        let reason = self.new_reason(fault);
        let next = if self.config.no_reconnect_codes.contains(&ending.code) {
            self.error = Some(reason);
            State::Closed
        } else if self.may_go_on(now) {
            return self.go_on_after(now, &ending, reason);
        } else {
            self.state_after(now, reason)
        };
        let will_reconnect = matches!(next, State::Reconnecting { .. });
        let previous = self.enter(next);
        self.emit_close(&ending, will_reconnect);
        self.report_error();
        self.emit_outcome();
        self.settle_lost(previous, &ending);
        self.settle_if_ended();
    }

    /// What the end of the open socket says of its endpoint. A key that was refused is final for all of them.
    fn judge_endpoint(&mut self, now: Now, ending: &Ending) {
        if !self.credit_uptime(now) {
            self.endpoints.fail(self.endpoints.in_use());
        }
        if self.config.slow_reconnect_codes.contains(&ending.code) {
            self.endpoints.slow_down();
        }
        if matches!(self.state, State::Unauthorized(_)) {
            self.endpoints.end_round();
        }
    }

    /// The round goes on. With a cap of 0 the first one is all there is, and a loss after `ready` is the end.
    fn may_go_on(&self, now: Now) -> bool {
        let was_ready = self.state.socket().is_some_and(|socket| socket.ready_since.is_some());
        let is_the_end = was_ready && !self.config.max_reconnect_attempts.allows(0);
        !is_the_end && self.endpoints.has_next(now.mono)
    }

    /// The socket has ended, and the next endpoint of the round is dialed without a wait.
    fn go_on_after(&mut self, now: Now, ending: &Ending, reason: Reason) {
        self.error = Some(reason);
        self.emit_close(ending, true);
        let previous = self.dial_next(now);
        self.report_error();
        self.settle_lost(previous, ending);
    }

    /// Drops the open connection and dials again at once.
    pub(super) fn drop_and_redial(&mut self, now: Now) {
        let ending = Ending::abnormal("reconnect() was called");
        self.log_ending(LogLine::ConnectionClosed, &ending, None);
        if let Some(connection) = self.state.connection() {
            self.act(Action::Drop { connection, close_code: Some(1000) });
        }
        let previous = self.begin_round(now);
        self.emit_close(&ending, true);
        self.settle_lost(previous, &ending);
    }

    /// No retry can help: everything is settled with this reason.
    pub(super) fn fail_for_good(&mut self, reason: Reason) {
        self.stop_connection_timers();
        let ending = Ending::abnormal(reason.fault().to_string());
        self.error = Some(reason);
        let previous = self.enter(State::Failed);
        if previous.socket().is_some() {
            self.emit_close(&ending, false);
        }
        self.report_error();
        self.emit_outcome();
        self.settle_lost(previous, &ending);
        self.settle_if_ended();
    }

    /// `close()`, in any state but `closed` and `failed`.
    pub(super) fn begin_closing(&mut self, now: Now, code: u16, reason: &str, drain: Duration) {
        self.timers.stop(Timer::Retry);
        self.timers.stop(Timer::Auth);
        self.end_renewal();
        // A close is no error, but calls in the queue waited because of one.
        let why = CallError { cause: self.error.take(), ..Fault::Closed.into() };
        self.drop_dials();
        if self.state.socket().is_none() {
            return self.become_closed(None, &why);
        }
        let phase = Closing::Draining { code, reason: reason.to_owned() };
        self.enter_with(|mut socket| {
            socket.auth = Auth::default();
            State::Closing(socket, phase)
        });
        self.fail_connects(&Fault::Closed.into());
        self.fail_queued(&why);
        self.timers.set(Timer::Drain, now.mono.saturating_add(drain));
        if drain.is_zero() {
            self.send_close_frame(now);
        } else {
            self.finish_draining();
        }
    }

    /// Ends the draining if no call waits for an answer any more.
    pub(super) fn finish_draining(&mut self) {
        if matches!(self.state, State::Closing(_, Closing::Draining { .. })) && self.pending.len() == 0 {
            self.send_close_frame(self.last);
        }
    }

    /// Draining is over: sends the close frame.
    pub(super) fn send_close_frame(&mut self, now: Now) {
        let State::Closing(socket, phase) = &mut self.state else { return };
        let Closing::Draining { code, reason } = std::mem::replace(phase, Closing::Handshake) else { return };
        let connection = socket.id;
        self.act(Action::Close { connection, code, reason });
        self.stop_connection_timers();
        self.timers.set(Timer::CloseHandshake, now.mono + CLOSE_HANDSHAKE);
        self.fail_all(&Fault::Closed.into(), ALL_HANDED_OUT);
    }

    /// The closing handshake is over, or there was no socket to close. Calls still in flight are rejected with `why`.
    pub(super) fn become_closed(&mut self, ending: Option<&Ending>, why: &CallError) {
        self.stop_connection_timers();
        let previous = self.enter(State::Closed);
        if let Some(ending) = ending {
            self.log_ending(LogLine::ConnectionClosed, ending, None);
            self.emit_close(ending, false);
        }
        self.log(LogLine::Closed, &[]);
        self.withdraw();
        self.fail_all(why, previous.socket().map_or(0, Socket::maybe_sent));
        self.fail_connects(&Fault::Closed.into());
        self.settle_closes();
    }

    /// The user connects while the client is closing: the closing handshake is not completed.
    pub(super) fn abandon_closing(&mut self) {
        if let Some(connection) = self.state.connection() {
            self.act(Action::Drop { connection, close_code: Some(1000) });
        }
        self.become_closed(Some(&Ending::abnormal("connect() was called while closing")), &Fault::Closed.into());
    }

    pub(super) fn drop_connection(&mut self, connection: ConnectionId) {
        self.act(Action::Drop { connection, close_code: None });
    }

    pub(super) fn close_frame_is_sent(&self) -> bool {
        matches!(self.state, State::Closing(_, Closing::Handshake))
    }

    pub(super) fn emit_message(&mut self, text: &ByteString, json: bool) {
        if self.interest.wants(Interest::MESSAGES) {
            self.events.push_back(Event::Message { text: text.clone(), json });
        }
    }

    /// Like `enter`, for states that keep the open socket.
    pub(super) fn enter_with(&mut self, next: impl FnOnce(Box<Socket>) -> State) {
        let previous = self.state.name();
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Authenticating(socket)
            | State::Ready(socket)
            | State::Unauthorized(Some(socket))
            | State::Closing(socket, _) => next(socket),
            without_socket => without_socket,
        };
        self.emit_state(previous);
    }

    /// The state after a round: `reconnecting`, or `failed` if the attempts are used up.
    fn state_after(&mut self, now: Now, reason: Reason) -> State {
        let attempts = self.config.max_reconnect_attempts;
        self.error = Some(reason.clone());
        if !attempts.allows(self.attempt) {
            if attempts != MaxAttempts::Limited(0) {
                self.set_error(Fault::ReconnectExhausted(reason));
            }
            return State::Failed;
        }
        let asked = self.endpoints.earliest().saturating_sub(now.mono);
        let extra = if self.endpoints.is_slow() { self.config.slow_reconnect_delay } else { Duration::ZERO };
        let delay = self.draw_delay(Purpose::RETRY, self.attempt);
        let least = self.backoff().least_wait(asked, delay);
        let delay = delay.max(least) + extra;
        self.attempt += 1;
        self.timers.set(Timer::Retry, now.mono + delay);
        let ends = now.wall.saturating_add(whole_millis(delay));
        State::Reconnecting { delay, extra, not_before: now.mono + least, ends }
    }

    /// How the delays grow.
    pub(super) fn backoff(&self) -> Backoff {
        let config = &self.config;
        Backoff {
            base: config.base_reconnect_delay,
            factor: config.reconnect_factor,
            max: config.max_reconnect_delay,
            jitter: config.reconnect_jitter,
        }
    }

    /// Emits the event `reconnecting` or `failed`.
    pub(super) fn emit_outcome(&mut self) {
        match (&self.state, &self.error) {
            (State::Reconnecting { delay, .. }, Some(reason)) => {
                let (attempt, max_attempts, delay) =
                    (self.attempt, self.config.max_reconnect_attempts, whole_millis(*delay));
                let cause = reason.fault().log_cause();
                self.log(LogLine::Waiting, &[("delay", delay.into()), ("cause", cause.into())]);
                self.notify(Notice::Reconnecting { attempt, max_attempts, delay });
            }
            (State::Failed, Some(reason)) => {
                let (code, cause, error) = (reason.fault().code(), reason.fault().log_cause(), reason.data());
                self.log(LogLine::Failed, &[("code", code.into()), ("cause", cause.into())]);
                let events = RecentEvents(self.recorder.newest(TAIL));
                self.notify(Notice::Failed { error, events });
            }
            (State::Closed, Some(reason)) => {
                let cause = reason.fault().log_cause();
                self.log(LogLine::StaysClosed, &[("cause", cause.into())]);
            }
            _ => {}
        }
    }

    fn log_ending(&mut self, line: LogLine, ending: &Ending, fault: Option<&Fault>) {
        let mut fields = vec![("code", ending.code.into()), ("reason", ending.reason.as_str().into())];
        fields.extend(fault.map(|fault| ("cause", fault.log_cause().into())));
        self.log(line, &fields);
    }

    /// In `closed` and `failed`, settles everything that still waits.
    fn settle_if_ended(&mut self) {
        if !matches!(self.state, State::Failed | State::Closed) {
            return;
        }
        let why = self.error.clone().map_or_else(|| Fault::Closed.into(), CallError::from);
        self.fail_queued(&why);
        self.fail_connects(&why);
        self.settle_closes();
    }

    fn emit_close(&mut self, ending: &Ending, will_reconnect: bool) {
        let Ending { code, reason, clean, .. } = ending.clone();
        self.recorder.output(|| What::CloseTold { code, will_reconnect });
        self.notify(Notice::Close { info: CloseInfo { code, reason, was_clean: clean, will_reconnect } });
    }

    /// Requeues or rejects the requests of a socket that is gone.
    fn settle_lost(&mut self, mut previous: State, ending: &Ending) {
        let Some(socket) = previous.socket_mut() else { return };
        let lost = self.take_lost(socket, ending.too_large);
        let too_large = ending.too_large.then(|| Fault::MessageTooLarge(ending.reason.clone()).into());
        self.fail_lost(lost, &Fault::ConnectionLost(ending.sentence()).into(), too_large.as_ref());
    }

    pub(super) fn stop_connection_timers(&mut self) {
        for timer in [
            Timer::Connect,
            Timer::Race,
            Timer::Auth,
            Timer::Renewal,
            Timer::KeyExpiry,
            Timer::Ping,
            Timer::Pong,
            Timer::Retry,
            Timer::Drain,
            Timer::CloseHandshake,
        ] {
            self.timers.stop(timer);
        }
    }

    /// The fault for the end of a socket.
    pub(super) fn fault_of(ending: &Ending) -> Fault {
        if ending.too_large {
            Fault::MessageTooLarge(ending.reason.clone())
        } else {
            Fault::ConnectionLost(ending.sentence())
        }
    }
}

/// Events that come with the error of a client that has failed: what led to it.
const TAIL: usize = 16;
/// How long to wait for the peer's close frame. Source: PROTOCOL.md rule 7.
const CLOSE_HANDSHAKE: Duration = Duration::from_secs(2);
