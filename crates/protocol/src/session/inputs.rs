//! What the driver reports: dials, messages, writes, closed sockets, time.

use bytestring::ByteString;

use super::{Session, State, lifecycle::Ending};
use crate::{
    ConnectionId, Notice, Now,
    config::DialectChoice,
    dialect::{self, Dialect, Inbound},
    dialing::{DialFailure, DialPhase, Remedy, Via},
    envelope::{self, Envelope, NotJson},
    error::Fault,
    log::LogLine,
    state::Socket,
    timer::Timer,
    words,
};

/// A text message of the server. Splitting it takes longer than everything else and needs no session: where a session
/// is shared, make this before taking the lock.
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
    /// The dial has succeeded: the WebSocket is open.
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
        self.enter(State::Authenticating(Socket::new(connection, dialect, now)));
        self.log(LogLine::Open, &[]);
        self.notify(Notice::Open);
        self.schedule_ping(now);
        self.begin_authentication(now);
    }

    /// The dial goes through a proxy, or through none; errors will say so. Each proxy that is tried is reported.
    pub fn handle_via(&mut self, connection: ConnectionId, via: Via) {
        if !matches!(self.state, State::Connecting(dialed) if dialed == connection) {
            return;
        }
        if let Some(proxy) = via.proxy() {
            self.log(LogLine::Proxy, &[("proxy", proxy.into())]);
        }
        self.via = Some((connection, via));
    }

    /// The dial has failed.
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

    /// The dial is in this phase now. A timeout names it.
    pub fn handle_dial_phase(&mut self, connection: ConnectionId, phase: DialPhase) {
        if matches!(self.state, State::Connecting(dialed) if dialed == connection) {
            self.dial_phase = Some(phase);
        }
    }

    /// The socket has ended.
    pub fn handle_closed(&mut self, now: Now, connection: ConnectionId, mut ending: Ending) {
        self.observe(now);
        if self.current(connection).is_none() {
            return;
        }
        ending.reason = words::shown(&ending.reason, false, self.current_key());
        let fault = Self::fault_of(&ending);
        self.connection_lost(now, ending, fault);
    }

    /// The next `count` texts are being written. If the connection ends before `handle_written` says how many were,
    /// they may have been sent.
    pub fn handle_writing(&mut self, connection: ConnectionId, count: usize) {
        if let Some(socket) = self.current(connection) {
            socket.being_written = count.min(socket.unwritten.len()) as u64;
        }
    }

    /// The operating system has taken `count` more texts completely. Texts that were neither reported here nor with
    /// `handle_writing` count as never sent: requests among them are sent on the next connection.
    pub fn handle_written(&mut self, connection: ConnectionId, count: usize) {
        let Some(socket) = self.current(connection) else { return };
        let count = count.min(socket.unwritten.len());
        socket.written += count as u64;
        socket.being_written = 0;
        let bytes: usize = socket.unwritten.drain(..count).map(|text| text.bytes()).sum();
        self.unwritten_bytes -= bytes;
    }

    /// A text message has come, or a binary one that is UTF-8.
    pub fn handle_message(&mut self, now: Now, connection: ConnectionId, message: &Received) {
        self.observe(now);
        let Received { text, split } = message;
        let Some(socket) = self.current(connection) else { return };
        socket.heartbeat.bytes(now.mono);
        let is_first = !std::mem::replace(&mut socket.has_received, true);
        self.counters.messages_received += 1;
        self.counters.bytes_received += text.len() as u64;
        // Messages after our own close frame are ignored, as in a browser.
        if self.close_frame_is_sent() {
            return;
        }
        match split {
            Ok(envelope) => {
                let inbound = self.interpret(now, is_first, text, envelope);
                self.act_on(now, inbound, text);
            }
            Err(fault) => {
                let id = dialect::id_of_fragment(self.dialect(), text, &fault.seen);
                self.emit_message(text, false);
                self.bad_message(&format!("a message that is not JSON (at byte {} of {})", fault.offset, text.len()));
                if let Some(id) = id {
                    let words = format!("the answer is not JSON (at byte {} of {})", fault.offset, text.len());
                    self.answer_is_malformed(id, &Fault::BadMessage(words).into());
                }
            }
        }
    }

    /// A binary message has come that is not UTF-8.
    pub fn handle_binary(&mut self, now: Now, connection: ConnectionId, bytes: usize) {
        self.observe(now);
        let Some(socket) = self.current(connection) else { return };
        socket.heartbeat.bytes(now.mono);
        self.counters.messages_received += 1;
        self.counters.bytes_received += bytes as u64;
        if self.close_frame_is_sent() {
            return;
        }
        self.bad_message(&format!("a binary message of {bytes} bytes that is not UTF-8"));
    }

    /// Time has passed. Does nothing if no timer is due.
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
            Timer::Connect => self.dial_timed_out(now),
            Timer::Auth => self.auth_timed_out(now),
            Timer::Request => self.expire_requests(now),
            Timer::Ping => self.send_ping(now, self.config.heartbeat_timeout),
            Timer::Pong => self.pong_timed_out(now),
            Timer::Retry => self.dial(now),
            Timer::Drain => self.send_close_frame(now),
            Timer::CloseHandshake => {
                if let Some(connection) = self.state.connection() {
                    self.drop_connection(connection);
                }
                let ending = Ending::abnormal("the server did not answer the close frame");
                self.become_closed(Some(&ending), &Fault::Closed.into());
            }
        }
    }

    fn dial_timed_out(&mut self, now: Now) {
        let State::Connecting(connection) = self.state else { return };
        self.drop_connection(connection);
        let (limit, phase) = (self.config.connect_timeout, self.dial_phase);
        let fault = self.connect_failed(DialFailure::Timeout { limit, phase });
        self.retry_dial(now, fault);
    }

    fn connect_failed(&mut self, failure: DialFailure) -> Fault {
        let via = self.via.as_ref().filter(|(connection, _)| self.state.connection() == Some(*connection));
        let via = via.map(|(_, via)| via.clone());
        let fault = Fault::ConnectFailed { url: self.url.clone(), via, failure: Box::new(failure) };
        self.log(LogLine::DialFailed, &[("cause", fault.log_cause().into())]);
        fault
    }

    /// What the message means in the dialect of this connection. The first message may reveal the dialect.
    fn interpret(&mut self, now: Now, is_first: bool, text: &str, envelope: &Envelope) -> Inbound {
        let auto = self.config.dialect == DialectChoice::Auto;
        let Some(socket) = self.state.socket_mut() else { return Inbound::Push };
        if socket.detected {
            if let Some(answer) = dialect::auth_answer(text, envelope) {
                self.return_to_guide_dialect(now);
                return answer;
            }
        } else if auto && is_first && dialect::is_event(text, envelope) {
            self.switch_to_event_dialect(now);
        }
        dialect::read(self.dialect(), text, envelope)
    }

    fn switch_to_event_dialect(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        socket.dialect = Dialect::Event;
        socket.detected = true;
        socket.auth.message_not_needed();
        self.restart_heartbeat(now);
        self.log(LogLine::EventDialect, &[]);
    }

    fn return_to_guide_dialect(&mut self, now: Now) {
        let Some(socket) = self.state.socket_mut() else { return };
        socket.dialect = Dialect::Guide;
        socket.detected = false;
        self.restart_heartbeat(now);
        self.log(LogLine::GuideDialect, &[]);
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
                self.emit_message(text, true);
            }
            Inbound::Answer { id, verdict } => {
                self.emit_message(text, true);
                self.answer(now, id, verdict, text);
            }
            Inbound::Welcome | Inbound::Push => self.emit_message(text, true),
        }
    }

    fn bad_message(&mut self, what: &str) {
        self.log(LogLine::BadMessage, &[("cause", what.into())]);
        let error = Fault::BadMessage(format!("the server sent {what}")).data();
        self.notify(Notice::Error { error });
    }
}
