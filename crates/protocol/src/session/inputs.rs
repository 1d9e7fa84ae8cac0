//! What the driver reports: dials, messages, writes, closed sockets, time.

use bytestring::ByteString;

use super::{Session, State, lifecycle::Ending};
use crate::{
    ConnectionId, Notice, Now,
    class::Class,
    config::DialectChoice,
    dialect::{self, Dialect, Inbound},
    envelope::Envelope,
    error::Fault,
    log::LogLine,
    received::Received,
    record::{AnswerName, Id, TimerName, What},
    request_id::RequestId,
    timer::Timer,
    words,
};

impl<T> Session<T> {
    /// The socket has ended.
    pub fn handle_closed(&mut self, now: Now, connection: ConnectionId, ending: Ending) {
        let Ending { code, clean: is_clean, too_large: is_too_large, .. } = ending;
        self.begin(now, || What::Closed { connection, code, is_clean, is_too_large });
        self.closed(now, connection, ending);
    }

    pub(super) fn closed(&mut self, now: Now, connection: ConnectionId, mut ending: Ending) {
        if self.racer(connection).is_some() {
            return self.racer_closed(now, connection, &ending);
        }
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
        if let Some(socket) = self.open_socket(connection) {
            let count = count.min(socket.unwritten.len());
            socket.being_written = count as u64;
            self.recorder.writing(connection, count);
        }
    }

    /// The operating system has taken `count` more texts completely. Texts that were neither reported here nor with
    /// `handle_writing` count as never sent: requests among them are sent on the next connection.
    pub fn handle_written(&mut self, connection: ConnectionId, count: usize) {
        let Some(socket) = self.open_socket(connection) else { return };
        let count = count.min(socket.unwritten.len());
        socket.written += count as u64;
        socket.being_written = 0;
        let mut bytes = 0;
        for _ in 0..count {
            bytes += socket.unwritten.pop_front().map_or(0, |text| text.bytes());
        }
        self.unwritten_bytes -= bytes;
        self.recorder.written(connection, count);
    }

    /// For sockets that take any text at once and keep it, as those of a page do: `bytes` of what was reported as
    /// written are still with them. They count as waiting to be sent until this is called with less.
    pub fn set_backlog(&mut self, bytes: usize) {
        self.backlog = bytes;
    }

    /// A text message has come, or a binary one that is UTF-8.
    pub fn handle_message(&mut self, now: Now, connection: ConnectionId, message: Box<Received>) {
        self.begin(now, || What::Received {
            connection,
            class: Class::Ignored,
            size: message.text.len().into(),
            id: Id::NONE,
            outcome: AnswerName::NONE,
        });
        self.hear(now, connection, message);
    }

    pub(super) fn hear(&mut self, now: Now, connection: ConnectionId, message: Box<Received>) {
        if self.racer(connection).is_some() {
            return self.racer_hears(now, connection, message);
        }
        let Received { text, split, tools } = &*message;
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
                self.record_class(Class::of(&inbound, self.dialect(), tools.is_some()));
                self.act_on(now, inbound, text);
                if let Some(tools) = tools.as_ref().filter(|_| self.dialect() == Dialect::Event) {
                    self.keep_tools(now, tools);
                }
            }
            Err(fault) => {
                let id = dialect::id_of_fragment(self.dialect(), text, &fault.seen);
                self.record_class((Class::not_json(self.dialect()), id));
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
        self.begin(now, || What::Binary { connection, size: bytes.into() });
        let Some(socket) = self.current(connection) else { return };
        socket.heartbeat.bytes(now.mono);
        self.counters.messages_received += 1;
        self.counters.bytes_received += bytes as u64;
        if self.close_frame_is_sent() {
            return;
        }
        self.bad_message(&format!("a binary message of {bytes} bytes that is not UTF-8"));
    }

    /// Time has passed. Does nothing if no timer is due. What has come by now is to be reported before: it may be in
    /// time, or prove life.
    pub fn handle_timeout(&mut self, now: Now) {
        self.set_call_timers();
        let is_late = self.is_late(now);
        match self.timers.first_due(now.mono) {
            Some(timer) => self.begin(now, || What::Timeout { timer: TimerName::of(timer) }),
            None if self.recorder.clocks_differ(now) => self.begin(now, || What::Clocks {}),
            None => self.observe(now),
        }
        if is_late {
            self.doubt(now, LogLine::Slept);
        }
        self.fire_due(now);
    }

    pub(super) fn fire_due(&mut self, now: Now) {
        self.set_call_timers();
        for timer in Timer::ALL {
            if self.timers.take_due(timer, now.mono) {
                self.fire(now, timer);
            }
        }
    }

    fn fire(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Connect => self.dials_timed_out(now),
            Timer::Race => self.race_on(now),
            Timer::Auth => self.auth_timed_out(now),
            Timer::Renewal => self.renew_key(now),
            Timer::KeyExpiry => self.key_expired(),
            Timer::Request => self.expire_requests(now),
            Timer::Tools => self.tools_are_due(now),
            Timer::Ping => self.send_ping(now, self.config.heartbeat_timeout),
            Timer::Pong => self.pong_timed_out(now),
            Timer::Retry => drop(self.begin_round(now)),
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
            Inbound::Welcome if matches!(self.state, State::Authenticating(_)) => self.become_ready(Some(text)),
            Inbound::Pong => {
                if self.pong(now) {
                    self.recorder.merge_heartbeat();
                }
                self.emit_message(text, true);
            }
            Inbound::Answer { id, verdict } => {
                self.emit_message(text, true);
                self.answer(now, id, verdict, text);
            }
            Inbound::Welcome | Inbound::Push => self.emit_message(text, true),
        }
    }

    /// What the message is that is being handled, unless it is one of before that is told only now.
    pub(super) fn record_class(&mut self, (found, answered): (Class, Option<RequestId>)) {
        self.recorder.complete(|what| {
            if let What::Received { class: class @ Class::Ignored, id, .. } = what {
                (*class, *id) = (found, answered.into());
            }
        });
    }

    fn bad_message(&mut self, what: &str) {
        self.log(LogLine::BadMessage, &[("cause", what.into())]);
        let error = Fault::BadMessage(format!("the server sent {what}")).data();
        self.notify(Notice::Error { error });
    }
}
