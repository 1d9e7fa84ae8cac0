//! Sockets that race: each authenticates, and the first to become `ready` is the client's. The user is told of that one
//! alone. Source: PROTOCOL.md rule 16.

use super::{Session, State, lifecycle::Ending, text_to_send};
use crate::{
    Action, ConnectionId, Content, Now,
    class::Class,
    config::{DialectChoice, Key, Secret, TokenSource},
    dialect::{self, Dialect, Inbound},
    dials::{Dial, Opened, RaceKey},
    error::{Fault, NoToken},
    key_life::KeyLife,
    log::LogLine,
    received::Received,
    record::FrameName,
    request_id::RequestId,
    socket::{Socket, Unwritten},
    stats::whole_millis,
    timer::Timer,
    words,
};

impl<T> Session<T> {
    /// The place of this connection among the dials, if its socket is open and takes part in a race.
    pub(super) fn racer(&self, connection: ConnectionId) -> Option<usize> {
        let State::Connecting(dials) = &self.state else { return None };
        dials.place(connection).filter(|place| dials.dials[*place].opened.is_some())
    }

    /// The socket of a connection that is open, in a race or not.
    pub(super) fn open_socket(&mut self, connection: ConnectionId) -> Option<&mut Socket> {
        match self.racer(connection) {
            Some(place) => self.opened(place).map(|opened| &mut opened.socket),
            None => self.current(connection),
        }
    }

    /// The dial at `place` has opened this socket.
    pub(super) fn enter_race(&mut self, now: Now, place: usize, socket: Socket) {
        let State::Connecting(dials) = &mut self.state else { return };
        let connection = socket.id;
        let is_guide = socket.dialect == Dialect::Guide;
        dials.dials[place].opened = Some(Opened::new(socket));
        dials.dials[place].deadline = now.mono + self.config.auth_timeout;
        if is_guide {
            match (&self.token, &dials.key) {
                (TokenSource::Fixed(secret), _) => {
                    let secret = secret.clone();
                    self.send_key_to_racer(place, &secret, None);
                }
                (TokenSource::Ask, RaceKey::Known(secret, life)) => {
                    let (secret, life) = (secret.clone(), *life);
                    self.send_key_to_racer(place, &secret, life);
                }
                (TokenSource::Ask, RaceKey::Asked(_)) => {}
                (TokenSource::Ask, RaceKey::Unasked) => {
                    dials.key = RaceKey::Asked(connection);
                    self.act(Action::AskToken(connection));
                }
            }
        }
        self.arm_dials();
    }

    /// The race has asked the key function under this name.
    pub(super) fn race_has_asked(&self, connection: ConnectionId) -> bool {
        matches!(&self.state, State::Connecting(dials)
            if matches!(dials.key, RaceKey::Asked(asked) if asked == connection))
    }

    /// The key function has answered: all sockets that are open send the key, and those that open later.
    pub(super) fn key_of_race(&mut self, now: Now, key: Result<Key, NoToken>) {
        let (secret, life) = match key.and_then(|key| Self::check_key(now, key)) {
            Ok(key) => key,
            Err(failure) => return self.race_has_no_key(now, failure),
        };
        let deadline = now.mono + self.config.auth_timeout;
        let State::Connecting(dials) = &mut self.state else { return };
        dials.key = RaceKey::Known(secret.clone(), life);
        for place in 0..dials.dials.len() {
            let State::Connecting(dials) = &mut self.state else { return };
            let dial = &mut dials.dials[place];
            if dial.opened.is_some() {
                dial.deadline = deadline;
                self.send_key_to_racer(place, &secret, life);
            }
        }
        self.arm_dials();
    }

    /// A server has said something in a race. What decides is heard in full when its socket has won.
    pub(super) fn racer_hears(&mut self, now: Now, connection: ConnectionId, message: Box<Received>) {
        let Some(place) = self.racer(connection) else { return };
        let is_auto = self.config.dialect == DialectChoice::Auto;
        let Some(opened) = self.opened(place) else { return };
        let class = class_of(opened, is_auto, &message);
        self.record_class(class);
        let Some(opened) = self.opened(place) else { return };
        let is_decisive = decides(opened, is_auto, &message);
        // A server that chatters before it has accepted the client is not remembered word by word.
        if is_decisive || opened.heard_bytes + message.text.len() <= MOST_HEARD {
            opened.heard_bytes += message.text.len();
            opened.heard.push(*message);
        }
        opened.socket.heartbeat.bytes(now.mono);
        if is_decisive {
            self.win(now, connection);
        }
    }

    /// A socket has closed in a race.
    pub(super) fn racer_closed(&mut self, now: Now, connection: ConnectionId, ending: &Ending) {
        if self.config.no_reconnect_codes.contains(&ending.code) {
            self.win(now, connection);
            return self.closed(now, connection, ending.clone());
        }
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(dial) = dials.remove(connection) else { return };
        self.unwritten_bytes -= dial.opened.as_ref().map_or(0, |opened| opened.socket.unwritten_bytes());
        if self.config.slow_reconnect_codes.contains(&ending.code) {
            self.endpoints.slow_down();
        }
        let reason = words::shown(&ending.reason, false, self.current_key());
        let fault = Self::fault_of(&Ending { reason, ..ending.clone() });
        self.racer_failed(now, &dial, fault);
    }

    /// No answer to its auth message, or to the question for a key, has come in time; it was dropped.
    pub(super) fn racer_timed_out(&mut self, now: Now, dial: &Dial) {
        let timeout = whole_millis(self.config.auth_timeout);
        if matches!(&self.state, State::Connecting(dials) if matches!(dials.key, RaceKey::Asked(_))) {
            return self.race_has_no_key(now, NoToken::TimedOut(timeout));
        }
        self.racer_failed(now, dial, Fault::AuthTimeout(timeout));
    }

    fn racer_failed(&mut self, now: Now, dial: &Dial, fault: Fault) {
        self.log_failed_dial(dial, &fault);
        let reason = self.new_reason(fault);
        self.dial_is_over(now, dial.endpoint, reason);
    }

    /// Without a key no endpoint can be used: the round has failed.
    fn race_has_no_key(&mut self, now: Now, failure: NoToken) {
        let fault = Fault::NoToken(failure);
        self.log(LogLine::NoKey, &[("cause", fault.log_cause().into())]);
        self.drop_dials();
        self.endpoints.end_round();
        let reason = self.new_reason(fault);
        self.retry_later(now, reason);
    }

    /// The first to be accepted, or to be refused its key, which is final for all: from now on it is the client's
    /// socket, and what its server has said is heard.
    fn win(&mut self, now: Now, connection: ConnectionId) {
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(Dial { endpoint, deadline, opened: Some(opened), .. }) = dials.remove(connection) else { return };
        let Opened { socket, heard, .. } = *opened;
        self.take_over(now, endpoint, socket);
        self.timers.set(Timer::Auth, deadline);
        for message in heard {
            self.hear(now, connection, Box::new(message));
        }
    }

    fn send_key_to_racer(&mut self, place: usize, secret: &Secret, life: Option<KeyLife>) {
        let State::Connecting(dials) = &self.state else { return };
        self.warn_of_plaintext(dials.dials[place].endpoint, secret);
        self.last_key = Some(secret.clone());
        let text = dialect::auth(secret.expose());
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(Opened { socket, .. }) = dials.dials[place].opened.as_deref_mut() else { return };
        socket.sent_life = Some(life);
        socket.auth.own_message_sent();
        let size = text.len();
        let text = text_to_send(text, Content::Secret);
        let transmit = socket.hand_out(text, Content::Secret, Unwritten::Other(size));
        self.record_sent(transmit.connection, FrameName::AUTH, size, None);
        self.pass_on(transmit);
    }

    fn opened(&mut self, place: usize) -> Option<&mut Opened> {
        let State::Connecting(dials) = &mut self.state else { return None };
        dials.dials.get_mut(place)?.opened.as_deref_mut()
    }
}

/// The class of a message, before it is known which dialect the connection speaks.
fn class_of(opened: &Opened, is_auto: bool, message: &Received) -> (Class, Option<RequestId>) {
    let Received { text, split, tools } = message;
    let dialect = opened.socket.dialect;
    let envelope = match split {
        Ok(envelope) => envelope,
        Err(fault) => return (Class::not_json(dialect), dialect::id_of_fragment(dialect, text, &fault.seen)),
    };
    let is_first_event = is_auto && opened.heard.is_empty() && dialect::is_event(text, envelope);
    let dialect = if is_first_event { Dialect::Event } else { dialect };
    Class::of(&dialect::read(dialect, text, envelope), dialect, tools.is_some())
}

/// Whether the server has accepted or refused the client with this message.
fn decides(opened: &Opened, is_auto: bool, message: &Received) -> bool {
    let Ok(envelope) = &message.split else { return false };
    match opened.socket.dialect {
        Dialect::Plain => true,
        Dialect::Event => matches!(dialect::read(Dialect::Event, &message.text, envelope), Inbound::Welcome),
        Dialect::Guide => {
            let is_first = opened.heard.is_empty();
            dialect::auth_answer(&message.text, envelope).is_some()
                || (is_auto && is_first && dialect::is_event(&message.text, envelope))
        }
    }
}

/// Bytes of messages that a server may send before it answers the auth message, and that are told afterwards.
const MOST_HEARD: usize = 64 * 1024;
