//! Authentication of an open socket: our auth message or the user's own, the token function, the server's answer.
//! Source: PROTOCOL.md rules 5 and 6.

use bytestring::ByteString;

use super::{Interest, Session, State, lifecycle::Ending};
use crate::{
    Action, ConnectionId, Content, Now,
    config::{Key, Secret, TokenSource},
    dialect::{self, Dialect},
    error::{CallError, ErrorCode, Fault, NoToken, Reason},
    key_life::KeyLife,
    log::LogLine,
    plaintext::is_readable_by_others,
    record::{FrameName, KeyName, What},
    stats::whole_millis,
    timer::Timer,
    words::NO_KEY,
};

impl<T> Session<T> {
    /// The `open` listeners have run. If they sent no auth message, ours is sent now. Only needed with
    /// [`Interest::OPENS`].
    pub fn handle_open_told(&mut self, now: Now) {
        self.begin(now, || What::OpenTold {});
        self.send_held_token(now);
    }

    /// The user's token function has returned a key, or has failed with an error of this class.
    pub fn handle_token(&mut self, now: Now, connection: ConnectionId, key: Result<Key, String>) {
        let (kind, expires_at) = KeyName::of(key.as_ref().ok());
        self.begin(now, || What::Key { connection, key: kind, expires_at });
        if self.race_has_asked(connection) {
            return self.key_of_race(now, key.map_err(NoToken::Threw));
        }
        let Some(socket) = self.current(connection) else { return };
        if !socket.auth.is_asking() {
            return;
        }
        match key.map_err(NoToken::Threw).and_then(|key| Self::check_key(now, key)) {
            Ok((secret, life)) => {
                self.send_token(&secret, life);
                self.start_auth_timer(now);
            }
            Err(failure) => self.token_function_failed(now, connection, failure),
        }
    }

    /// Begins on a socket that has just opened. Code that was written against a WebSocket may send an auth message
    /// itself, so its `open` listeners run first.
    pub(super) fn begin_authentication(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        if socket.dialect == Dialect::Plain {
            return self.become_ready(None);
        }
        let is_known = matches!(self.token, TokenSource::Fixed(_));
        if socket.dialect == Dialect::Guide && is_known && self.interest.wants(Interest::OPENS) {
            socket.auth.hold();
            return self.start_auth_timer(now);
        }
        self.ask_or_send_token(now);
    }

    /// Sends our auth message if it was waiting for the `open` listeners.
    pub(super) fn send_held_token(&mut self, now: Now) {
        if self.state.socket().is_some_and(|socket| socket.auth.is_held()) {
            self.ask_or_send_token(now);
        }
    }

    /// The user sends an auth message. It replaces ours, unless ours has been sent already.
    pub(super) fn user_authenticates(&mut self, now: Now, token: Option<Secret>) {
        if let Some(token) = &token {
            self.warn_of_plaintext(self.endpoints.in_use(), token);
        }
        let Some(socket) = self.state.socket_mut() else { return };
        self.last_key.clone_from(&token);
        if socket.auth.users_message_sent(token) {
            self.start_auth_timer(now);
        }
    }

    /// Sends the token, or calls the token function.
    pub(super) fn ask_or_send_token(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        match &self.token {
            _ if socket.dialect != Dialect::Guide => {}
            TokenSource::Fixed(secret) => {
                let secret = secret.clone();
                self.send_token(&secret, None);
            }
            TokenSource::Ask if socket.auth.is_asking() => {}
            TokenSource::Ask => {
                socket.auth.ask();
                let connection = socket.id;
                self.act(Action::AskToken(connection));
            }
        }
        self.start_auth_timer(now);
    }

    pub(super) fn authenticate_again(&mut self, now: Now) {
        // In `authenticating` the count is shown, and must not change without a change of the state.
        if !matches!(self.state, State::Authenticating(_)) {
            self.credit_uptime(now);
        }
        self.leave_renewal();
        if let Some(socket) = self.state.socket_mut() {
            socket.auth.forget_refusal();
        }
        if matches!(self.state, State::Unauthorized(_)) {
            self.error = None;
            self.enter_with(State::Authenticating);
        }
        self.ask_or_send_token(now);
    }

    /// Starts `authTimeout`: for the token function, for the answer, or for the greeting of the event dialect.
    pub(super) fn start_auth_timer(&mut self, now: Now) {
        let Some(socket) = self.state.socket() else { return };
        if socket.paused {
            self.timers.suspend(Timer::Auth);
        } else {
            self.timers.set(Timer::Auth, now.mono + self.config.auth_timeout);
        }
    }

    pub(super) fn auth_timed_out(&mut self, now: Now) {
        let Some(socket) = self.state.socket() else { return };
        let (connection, timeout) = (socket.id, whole_millis(self.config.auth_timeout));
        if socket.auth.is_held() {
            return self.send_held_token(now);
        }
        if socket.auth.is_asking() {
            return self.token_function_failed(now, connection, NoToken::TimedOut(timeout));
        }
        if self.renewal_failed(now, || Fault::AuthTimeout(timeout)) {
            return;
        }
        self.drop_connection(connection);
        self.connection_lost(now, Ending::abnormal("auth timeout"), Fault::AuthTimeout(timeout));
    }

    /// The server has accepted a token, in the message `text`.
    pub(super) fn token_accepted(&mut self, text: &ByteString) {
        let users_token = self.state.socket_mut().and_then(|socket| socket.auth.answered());
        if matches!(self.state, State::Closing(..)) {
            return self.emit_message(text, true);
        }
        // As after `authenticate`: on the next connection the user's code may not authenticate first.
        if let (Some(token), TokenSource::Fixed(_)) = (users_token, &self.token) {
            self.token = TokenSource::Fixed(token);
        }
        self.become_ready(Some(text));
    }

    /// The server has refused a token, in the message `text`. `raw` is its error value.
    pub(super) fn token_refused(&mut self, now: Now, raw: Option<&str>, text: &ByteString) {
        let can_ask = matches!(self.token, TokenSource::Ask);
        let is_closing = matches!(self.state, State::Closing(..));
        let Some(socket) = self.state.socket_mut() else { return };
        socket.auth.answered();
        if socket.auth.is_answer_due() || is_closing {
            return self.emit_message(text, true);
        }
        let may_ask_again = can_ask && socket.auth.may_ask_again();
        self.end_renewal();
        if may_ask_again {
            self.emit_message(text, true);
            return self.ask_or_send_token(now);
        }
        let words = raw.and_then(|raw| dialect::error_words(raw, self.current_key()).0);
        let fault = Fault::AuthFailed(words.unwrap_or_else(|| ErrorCode::AuthFailed.sentence().to_owned()));
        self.become_unauthorized(fault, Some(text));
    }

    /// The server refused the upgrade with 401 or 403: there is no socket.
    pub(super) fn upgrade_unauthorized(&mut self, reason: Reason) {
        self.stop_connection_timers();
        self.error = Some(reason.clone());
        self.enter(State::Unauthorized(None));
        self.log(LogLine::KeyRefused, &[("cause", reason.fault().log_cause().into())]);
        self.report_error();
        self.reject_waiting(reason);
    }

    /// The server refused the token, in `message`, or the token has ended; the socket stays open.
    pub(super) fn become_unauthorized(&mut self, fault: Fault, message: Option<&ByteString>) {
        self.timers.stop(Timer::Auth);
        self.end_renewal();
        let reason = self.set_error(fault);
        self.enter_with(|socket| State::Unauthorized(Some(socket)));
        let line = if message.is_some() { LogLine::KeyRefused } else { LogLine::KeyExpired };
        self.log(line, &[("cause", reason.fault().log_cause().into())]);
        self.report_error();
        if let Some(message) = message {
            self.emit_message(message, true);
        }
        self.reject_waiting(reason);
    }

    /// A key is about to be sent to this endpoint: if others can read it on the way, the log says so, once.
    pub(super) fn warn_of_plaintext(&mut self, endpoint: usize, token: &Secret) {
        if self.plaintext_key_was_told || self.config.allow_plaintext_key || token.expose() == NO_KEY {
            return;
        }
        let url = self.endpoints.url(endpoint);
        if is_readable_by_others(url) {
            self.plaintext_key_was_told = true;
            let url = url.to_owned();
            self.log(LogLine::PlaintextKey, &[("url", url.into())]);
        }
    }

    fn send_token(&mut self, token: &Secret, life: Option<KeyLife>) {
        self.warn_of_plaintext(self.endpoints.in_use(), token);
        let Some(socket) = self.state.socket_mut() else { return };
        socket.sent_life = Some(life);
        socket.auth.own_message_sent();
        self.last_key = Some(token.clone());
        self.transmit(FrameName::AUTH, dialect::auth(token.expose()), Content::Secret);
    }

    fn token_function_failed(&mut self, now: Now, connection: ConnectionId, failure: NoToken) {
        if self.renewal_failed(now, || Fault::NoToken(failure.clone())) {
            return;
        }
        let fault = Fault::NoToken(failure);
        self.log(LogLine::NoKey, &[("cause", fault.log_cause().into())]);
        self.drop_connection(connection);
        self.connection_lost(now, Ending::abnormal("no token"), fault);
    }

    fn reject_waiting(&mut self, reason: Reason) {
        let why = CallError::from(reason);
        self.fail_queued(&why);
        self.fail_connects(&why);
    }
}
