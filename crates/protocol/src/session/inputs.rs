//! What the driver reports: sockets, messages, bytes, tokens, time.

use bytestring::ByteString;

use super::{Session, State, lifecycle::Ending};
use crate::{
    ConnectionId, LogLevel, Notice, Now,
    config::DialectChoice,
    dialect::{self, Dialect, Inbound},
    dialing::{DialFailure, Remedy},
    envelope::{self, Envelope, NotJson},
    error::Fault,
    state::Link,
    timer::Timer,
};

/// A text message of the server. Splitting it, which takes longer than all the rest, needs no session: who shares one with others does
/// it before he takes the lock.
#[derive(Debug, Clone)]
pub struct Received {
    text: ByteString,
    split: Result<Envelope, Box<NotJson>>,
}

impl Received {
    /// Splits the message.
    pub fn new(text: ByteString) -> Self {
        Self { split: envelope::split(&text), text }
    }
}

impl From<&str> for Received {
    fn from(text: &str) -> Self {
        Self::new(text.into())
    }
}

impl<T> Session<T> {
    /// The dial succeeded: the WebSocket is open.
    pub fn handle_open(&mut self, now: Now, connection: ConnectionId) {
        self.observe(now);
        if !matches!(self.state, State::Connecting(dialed) if dialed == connection) {
            return;
        }
        self.timers.stop(Timer::Connect);
        let dialect = match self.config.dialect {
            DialectChoice::Event => Dialect::Event,
            DialectChoice::Auto | DialectChoice::Guide => Dialect::Guide,
        };
        self.enter(State::Authenticating(Link::new(connection, dialect, now)));
        self.notify(Notice::Open);
        self.schedule_ping(now);
        self.begin_authentication(now);
    }

    /// The dial failed.
    pub fn handle_dial_failed(&mut self, now: Now, connection: ConnectionId, failure: DialFailure) {
        self.observe(now);
        if !matches!(self.state, State::Connecting(dialed) if dialed == connection) {
            return;
        }
        let remedy = failure.remedy();
        let fault = self.connect_failed(failure);
        match remedy {
            Remedy::Authorization => self.upgrade_unauthorized(fault),
            Remedy::Configuration if !self.was_ready => self.fail_for_good(fault),
            Remedy::Configuration | Remedy::Time => self.retry_dial(now, fault),
        }
    }

    /// The socket is gone.
    pub fn handle_closed(&mut self, now: Now, connection: ConnectionId, ending: Ending) {
        self.observe(now);
        if self.current(connection).is_none() {
            return;
        }
        let fault = Self::fault_of(&ending);
        self.lose(now, ending, fault);
    }

    /// The next `count` texts are with a writer: if the connection ends before `handle_written` says how far it came, they may have left.
    pub fn handle_writing(&mut self, connection: ConnectionId, count: usize) {
        if let Some(link) = self.current(connection) {
            link.leaving = count.min(link.unwritten.len()) as u64;
        }
    }

    /// `count` more of the texts handed out are in the hands of the operating system, whole. What is not reported before the
    /// end of the connection counts as never left, and is sent again.
    pub fn handle_written(&mut self, connection: ConnectionId, count: usize) {
        let Some(link) = self.current(connection) else { return };
        let count = count.min(link.unwritten.len());
        link.written += count as u64;
        link.leaving = 0;
        let bytes: usize = link.unwritten.drain(..count).map(|text| text.bytes()).sum();
        self.unwritten_bytes -= bytes;
    }

    /// A text message came, or a binary one that is UTF-8.
    pub fn handle_message(&mut self, now: Now, connection: ConnectionId, message: &Received) {
        self.observe(now);
        let Received { text, split } = message;
        let Some(link) = self.current(connection) else { return };
        link.heartbeat.bytes(now.mono);
        let is_first = !std::mem::replace(&mut link.spoken, true);
        self.counters.messages_received += 1;
        self.counters.bytes_received += text.len() as u64;
        // After our own close frame a socket is deaf, as a browser's is.
        if self.is_saying_goodbye() {
            return;
        }
        match split {
            Ok(envelope) => {
                let inbound = self.interpret(now, is_first, text, envelope);
                self.act_on(now, inbound, text);
            }
            Err(fault) => {
                let id = dialect::id_of_fragment(self.spoken_dialect(), text, &fault.seen);
                self.tell_message(text, false);
                self.bad_message(&format!("a message that is not JSON (at byte {} of {})", fault.offset, text.len()));
                if let Some(id) = id {
                    let words = format!("the answer is not JSON (at byte {} of {})", fault.offset, text.len());
                    self.answer_is_bad(id, Fault::BadMessage(words));
                }
            }
        }
    }

    /// A binary message came that is not UTF-8.
    pub fn handle_binary(&mut self, now: Now, connection: ConnectionId, bytes: usize) {
        self.observe(now);
        let Some(link) = self.current(connection) else { return };
        link.heartbeat.bytes(now.mono);
        self.counters.messages_received += 1;
        self.counters.bytes_received += bytes as u64;
        if self.is_saying_goodbye() {
            return;
        }
        self.bad_message(&format!("a binary message of {bytes} bytes that is not UTF-8"));
    }

    /// Time has passed. Calling it early, or for nothing, does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.observe(now);
        let request = self.pending.next_deadline();
        self.timers.set_or_stop(Timer::Request, request);
        for timer in Timer::ALL {
            if self.timers.take_due(timer, now.mono) {
                self.fire(now, timer);
            }
        }
    }

    fn fire(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Connect => self.dial_took_too_long(now),
            Timer::Auth => self.auth_took_too_long(now),
            Timer::Request => self.expire_requests(now),
            Timer::Ping => self.send_ping(now, self.config.heartbeat_timeout),
            Timer::Pong => self.check_life(now),
            Timer::Retry => self.dial(now),
            Timer::Drain => self.say_goodbye(now),
            Timer::CloseHandshake => {
                if let Some(connection) = self.state.connection() {
                    self.drop_connection(connection);
                }
                let ending = Ending::abnormal("the server did not answer the close frame");
                self.become_closed(Some(&ending), &Fault::Closed);
            }
        }
    }

    fn dial_took_too_long(&mut self, now: Now) {
        let State::Connecting(connection) = self.state else { return };
        self.drop_connection(connection);
        let fault = self.connect_failed(DialFailure::Timeout(self.config.connect_timeout));
        self.retry_dial(now, fault);
    }

    fn connect_failed(&self, failure: DialFailure) -> Fault {
        // Without its query, which may hold a secret.
        let url = self.url.split('?').next().unwrap_or_default().to_owned();
        Fault::ConnectFailed { url, failure: Box::new(failure) }
    }

    /// What the message means in the dialect of this connection; the first one may tell which that is.
    fn interpret(&mut self, now: Now, is_first: bool, text: &str, envelope: &Envelope) -> Inbound {
        let auto = self.config.dialect == DialectChoice::Auto;
        let Some(link) = self.state.link_mut() else { return Inbound::Push };
        if link.detected {
            if let Some(answer) = dialect::auth_answer(text, envelope) {
                self.revoke_event_dialect(now);
                return answer;
            }
        } else if auto && is_first && dialect::is_event(text, envelope) {
            self.take_up_event_dialect(now);
        }
        dialect::read(self.spoken_dialect(), text, envelope)
    }

    fn take_up_event_dialect(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        link.dialect = Dialect::Event;
        link.detected = true;
        link.auth.message_not_needed();
        self.restart_heartbeat(now);
        self.log(LogLevel::Info, "the server speaks the event dialect", &[]);
    }

    fn revoke_event_dialect(&mut self, now: Now) {
        let Some(link) = self.state.link_mut() else { return };
        link.dialect = Dialect::Guide;
        link.detected = false;
        self.restart_heartbeat(now);
        self.log(LogLevel::Warn, "an auth answer after events: the server speaks the guide's dialect after all", &[]);
        self.resend_in_flight();
    }

    fn act_on(&mut self, now: Now, inbound: Inbound, text: &ByteString) {
        match inbound {
            Inbound::Auth(Ok(())) => self.token_accepted(text),
            Inbound::Auth(Err(error)) => {
                let words = error.map(|span| &text[span]);
                self.token_refused(now, words, text);
            }
            Inbound::Welcome if matches!(self.state, State::Authenticating(_)) => self.become_ready(text),
            Inbound::Pong => {
                self.pong(now);
                self.tell_message(text, true);
            }
            Inbound::Answer { id, verdict } => {
                self.tell_message(text, true);
                self.answer(now, id, verdict, text);
            }
            Inbound::Welcome | Inbound::Push => self.tell_message(text, true),
        }
    }

    fn bad_message(&mut self, what: &str) {
        self.log(LogLevel::Warn, what, &[]);
        let error = Fault::BadMessage(format!("the server sent {what}")).data();
        self.notify(Notice::Error { error });
    }
}
