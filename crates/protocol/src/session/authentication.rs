//! Authentication of an open socket: our auth message or the user's own, the token function, the server's answer.
//! Source: PROTOCOL.md rules 5 and 6.

use bytestring::ByteString;

use super::{Interest, Session, State, lifecycle::Ending};
use crate::{
    Action, ConnectionId, Now,
    config::{Secret, TokenSource},
    dialect::{self, Dialect},
    error::Fault,
    timer::Timer,
};

impl<T> Session<T> {
    /// The `open` listeners have had their turn: if they sent no auth message, ours is sent. Only needed with
    /// [`Interest::OPENS`].
    pub fn handle_open_told(&mut self, now: Now) {
        self.observe(now);
        self.send_held_token(now);
    }

    /// The user's token function has answered, or failed with these words.
    pub fn handle_token(&mut self, now: Now, connection: ConnectionId, token: Result<Secret, String>) {
        self.observe(now);
        let Some(link) = self.current(connection) else { return };
        if !link.auth.is_asking() {
            return;
        }
        match token {
            Ok(secret) => {
                self.send_token(&secret);
                self.start_auth_timer(now);
            }
            Err(words) => self.give_up_on_token(now, connection, words),
        }
    }

    /// On a socket that has just opened. Code that was written against a WebSocket may authenticate by itself, so it is
    /// told first.
    pub(super) fn begin_authentication(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        let is_known = matches!(self.token, TokenSource::Fixed(_));
        if link.dialect == Dialect::Guide && is_known && self.interest.wants(Interest::OPENS) {
            link.auth.hold();
            return self.start_auth_timer(now);
        }
        self.ask_or_send_token(now);
    }

    /// Our auth message need not wait any longer.
    pub(super) fn send_held_token(&mut self, now: Now) {
        if self.state.link().is_some_and(|link| link.auth.is_held()) {
            self.ask_or_send_token(now);
        }
    }

    /// The user's code sends an auth message of its own: it replaces ours, if ours has not been sent.
    pub(super) fn user_authenticates(&mut self, now: Now, token: Option<Secret>) {
        let Some(link) = self.state.link_mut() else { return };
        if link.auth.users_message_sent(token) {
            self.start_auth_timer(now);
        }
    }

    /// Sends the token, or asks the token function for it.
    pub(super) fn ask_or_send_token(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        match &self.token {
            _ if link.dialect != Dialect::Guide => {}
            TokenSource::Fixed(secret) => {
                let secret = secret.clone();
                self.send_token(&secret);
            }
            TokenSource::Ask if link.auth.is_asking() => {}
            TokenSource::Ask => {
                link.auth.ask();
                self.actions.push_back(Action::AskToken(link.id));
            }
        }
        self.start_auth_timer(now);
    }

    pub(super) fn authenticate_again(&mut self, now: Now) {
        if let Some(link) = self.state.link_mut() {
            link.auth.forget_refusal();
        }
        if matches!(self.state, State::Unauthorized(_)) {
            self.error = None;
            self.enter_with(State::Authenticating);
        }
        self.ask_or_send_token(now);
    }

    /// `authTimeout` begins: for the token function, for the answer, or for the greeting of the event dialect.
    pub(super) fn start_auth_timer(&mut self, now: Now) {
        let Some(link) = self.state.link() else { return };
        if link.paused {
            self.timers.suspend(Timer::Auth);
        } else {
            self.timers.set(Timer::Auth, now.mono + self.config.auth_timeout);
        }
    }

    pub(super) fn auth_took_too_long(&mut self, now: Now) {
        let Some(link) = self.state.link() else { return };
        let (connection, timeout) = (link.id, self.config.auth_timeout.as_millis());
        if link.auth.is_held() {
            return self.send_held_token(now);
        }
        if link.auth.is_asking() {
            return self.give_up_on_token(now, connection, format!("did not answer within authTimeout ({timeout} ms)"));
        }
        self.drop_connection(connection);
        self.lose(now, Ending::abnormal("auth timeout"), Fault::AuthTimeout(timeout));
    }

    /// `text` is the message in which the server says so.
    pub(super) fn token_accepted(&mut self, text: &ByteString) {
        let users_token = self.state.link_mut().and_then(|link| link.auth.answered());
        if matches!(self.state, State::Closing(..)) {
            return self.tell_message(text, true);
        }
        // As after `authenticate`: on the next connection the user's code may not authenticate first.
        if let (Some(token), TokenSource::Fixed(_)) = (users_token, &self.token) {
            self.token = TokenSource::Fixed(token);
        }
        self.become_ready(text);
    }

    /// `raw` is the server's error value, `text` the message that it is part of.
    pub(super) fn token_refused(&mut self, now: Now, raw: Option<&str>, text: &ByteString) {
        let can_ask = matches!(self.token, TokenSource::Ask);
        let is_closing = matches!(self.state, State::Closing(..));
        let Some(link) = self.state.link_mut() else { return };
        link.auth.answered();
        if link.auth.is_answer_due() || is_closing {
            return self.tell_message(text, true);
        }
        if can_ask && link.auth.may_ask_again() {
            self.tell_message(text, true);
            return self.ask_or_send_token(now);
        }
        let words = raw.and_then(|raw| dialect::error_words(raw).0);
        let fault = Fault::AuthFailed(words.unwrap_or_else(|| "Authentication failed".to_owned()));
        self.become_unauthorized(fault, text);
    }

    /// The server refused the upgrade with 401 or 403: there is no socket.
    pub(super) fn upgrade_unauthorized(&mut self, fault: Fault) {
        self.stop_connection_timers();
        self.blame(fault.clone());
        self.enter(State::Unauthorized(None));
        self.report_error();
        self.reject_waiting(&fault);
    }

    /// The server refused the token; the socket stays open.
    fn become_unauthorized(&mut self, fault: Fault, message: &ByteString) {
        self.timers.stop(Timer::Auth);
        self.blame(fault.clone());
        self.enter_with(|link| State::Unauthorized(Some(link)));
        self.report_error();
        self.tell_message(message, true);
        self.reject_waiting(&fault);
    }

    fn send_token(&mut self, token: &Secret) {
        let Some(link) = self.state.link_mut() else { return };
        link.auth.own_message_sent();
        self.transmit(dialect::auth(token.expose()));
    }

    fn give_up_on_token(&mut self, now: Now, connection: ConnectionId, words: String) {
        self.drop_connection(connection);
        self.lose(now, Ending::abnormal("no token"), Fault::NoToken(words));
    }

    fn reject_waiting(&mut self, fault: &Fault) {
        self.fail_queued(fault);
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Err(fault.clone()));
    }
}
