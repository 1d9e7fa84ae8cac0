//! Tool requests: accepted, queued, sent, answered, timed out, lost.

use std::time::Duration;

use bytestring::ByteString;

use super::{Session, State};
use crate::{
    Now, Outcome,
    config::DialectChoice,
    dialect::{self, RequestText, Verdict},
    error::{CallError, Fault},
    pending::{Entry, Stage},
    record::{AnswerName, CallFacts, FrameName, Id, Size, What},
    request_id::{RequestId, RequestKey},
    socket::{Socket, Unwritten},
};

/// A tool request as the caller gives it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// The tool's name.
    pub name: &'a str,
    /// JSON; `None` if there are none.
    pub parameters: Option<&'a str>,
    /// The time from now until the answer; `None` for no limit.
    pub timeout: Option<Duration>,
    /// Whether it may be sent again after the connection was lost.
    pub idempotent: bool,
    /// The caller was told last that the client is connected, or on its way. If it has failed since, the call fails for
    /// the same reason, as if it had been made before.
    pub expects_connection: bool,
}

/// A call that was refused: the payload comes back with the reason, and there is no event for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused<T> {
    /// The payload of the call.
    pub payload: T,
    /// Why.
    pub error: CallError,
}

impl<T> Session<T> {
    /// Sends a tool request, or queues it until `ready`. `payload` comes back in exactly one
    /// [`Event::Settled`](crate::Event::Settled), or at once if the call is refused.
    ///
    /// Errors: `NOT_CONNECTED` if the client is not connecting, `CLOSED` while closing, `QUEUE_FULL`,
    /// `MESSAGE_TOO_LARGE`.
    pub fn request(&mut self, now: Now, call: Call<'_>, payload: T) -> Result<RequestKey, Refused<T>> {
        let facts = CallFacts::new(call.idempotent, call.expects_connection, call.parameters.is_some());
        self.begin(now, || What::Call { id: Id::NONE, size: Size::default(), timeout: call.timeout.into(), facts });
        self.counters.requests += 1;
        let id = self.chance.id(&self.pending, now.wall);
        let mut size = 0;
        let request_text = self.accepts_calls(call.expects_connection).and_then(|()| {
            let request_text = RequestText::new(self.dialect(), id, call.name, call.parameters);
            size = request_text.text().len();
            self.has_room_for(size)?;
            Ok(request_text)
        });
        let request_text = match request_text {
            Ok(request_text) => request_text,
            Err(why) => {
                self.counters.failed += 1;
                self.record_call(id, size, facts.refused(&why.fault));
                let error = CallError { request_id: Some(id), sent: Some(false), ..why };
                return Err(Refused { payload, error });
            }
        };
        let is_ready = matches!(self.state, State::Ready(_));
        self.record_call(id, size, if is_ready { facts } else { facts.queued() });
        let mut entry = self.entry(now, id, Some(payload));
        entry.deadline = call.timeout.map(|timeout| now.mono.saturating_add(timeout));
        entry.idempotent = call.idempotent;
        if is_ready {
            self.send_at_once(entry, request_text);
        } else {
            entry.stage = Stage::Queued;
            entry.request_text = Some(Box::new(request_text));
            self.pending.insert(entry);
        }
        Ok(id.key)
    }

    /// Settles a refused call with an event, for a caller that waits for one.
    pub fn settle_refused(&mut self, Refused { payload, error }: Refused<T>) {
        self.deliver(payload, Outcome::Failed(error));
    }

    /// The guide's `sendToolRequest`: sends at once and returns the id; the answer comes as a message. `None` if the
    /// socket is not open or the buffer is full.
    pub fn send_tool_request(&mut self, now: Now, name: &str, parameters: Option<&str>) -> Option<RequestId> {
        let has_parameters = parameters.is_some();
        self.begin(now, || What::ToolRequest { id: Id::NONE, size: Size::default(), has_parameters, is_sent: false });
        if self.state.socket().is_none() || matches!(self.state, State::Closing(..)) {
            return None;
        }
        self.send_held_token(now);
        let id = self.chance.id(&self.pending, now.wall);
        let request_text = RequestText::new(self.dialect(), id, name, parameters);
        let has_room = self.buffered_amount() + request_text.text().len() <= self.config.max_buffered_amount;
        self.record_tool_request(id, &request_text, has_room);
        if !has_room {
            return None;
        }
        let entry = self.entry(now, id, None);
        self.send_at_once(entry, request_text);
        Some(id)
    }

    /// Cancels a call or a question for the tools whose answer has not come yet, and returns its payload. A call counts
    /// as failed.
    pub fn abort(&mut self, now: Now, key: RequestKey) -> Option<T> {
        let id = Some(RequestId { millis: now.wall, key });
        self.begin(now, || What::Abort { id: id.into(), is_found: false });
        if let Some(payload) = self.forget_tools(key) {
            self.record_aborted(None);
            return Some(payload);
        }
        let entry = self.pending.remove(key)?;
        self.record_aborted(Some(entry.id));
        let payload = entry.payload?;
        self.counters.failed += 1;
        self.finish_draining();
        Some(payload)
    }

    /// The id of a call that is not settled yet.
    pub fn request_id(&self, key: RequestKey) -> Option<RequestId> {
        self.pending.id(key)
    }

    /// The caller aborted a request when it was answered already, but before it knew. Its results are given to nobody.
    pub fn discard_results(&mut self) {
        self.counters.succeeded = self.counters.succeeded.saturating_sub(1);
        self.counters.failed += 1;
    }

    pub(super) fn accepts_calls(&self, expects_connection: bool) -> Result<(), CallError> {
        match self.state {
            State::Ready(_) => Ok(()),
            State::Connecting(_) | State::Authenticating(_) | State::Reconnecting { .. } => {
                if self.config.offline_queue_limit > 0 { Ok(()) } else { Err(self.not_connected()) }
            }
            State::Closing(..) => Err(Fault::Closed.into()),
            State::Idle | State::Unauthorized(_) | State::Closed | State::Failed => {
                let seen = self.error.clone().filter(|_| expects_connection);
                Err(seen.map_or_else(|| self.not_connected(), CallError::from))
            }
        }
    }

    fn not_connected(&self) -> CallError {
        CallError { cause: self.error.clone(), ..Fault::NotConnected.into() }
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> Result<(), Fault> {
        let config = &self.config;
        let must_wait = !matches!(self.state, State::Ready(_));
        if bytes > config.max_buffered_amount {
            return Err(Fault::MessageTooLarge(format!(
                "a request of {bytes} bytes is larger than maxBufferedAmount ({} bytes): raise it or send less",
                config.max_buffered_amount
            )));
        }
        if must_wait && self.pending.queued() >= config.offline_queue_limit {
            return Err(full("requests wait for the connection", "offlineQueueLimit", config.offline_queue_limit));
        }
        if self.pending.len() + self.tools_waiters.len() >= config.max_pending {
            return Err(full("requests are in flight", "maxPending", config.max_pending));
        }
        if self.buffered_amount() + bytes > config.max_buffered_amount {
            return Err(full("bytes wait to be sent", "maxBufferedAmount", config.max_buffered_amount));
        }
        Ok(())
    }

    fn entry(&mut self, now: Now, id: RequestId, payload: Option<T>) -> Entry<T> {
        Entry {
            id,
            payload,
            stage: Stage::InFlight(self.next_number()),
            started: now.mono,
            deadline: None,
            idempotent: false,
            resends: 0,
            sent_before: false,
            order: self.pending.next_order(),
            request_text: None,
        }
    }

    fn send_at_once(&mut self, mut entry: Entry<T>, request_text: RequestText) {
        entry.stage = Stage::InFlight(self.next_number());
        if entry.idempotent || self.may_be_misunderstood() {
            entry.request_text = Some(Box::new(request_text.clone()));
        }
        self.pending.insert(entry);
        self.transmit_request(request_text);
    }

    /// Sends the queued requests, in the order of the calls.
    pub(super) fn flush_queue(&mut self) {
        while let Some(key) = self.pending.dequeue() {
            self.send_again(key);
        }
    }

    /// The server did not understand requests in the event dialect: they are sent again in the guide's.
    pub(super) fn resend_in_flight(&mut self) {
        for key in self.pending.keys_in_flight() {
            self.send_again(key);
        }
    }

    fn send_again(&mut self, key: RequestKey) {
        let (number, keep) = (self.next_number(), self.may_be_misunderstood());
        if let (Some((id, request_text)), Some(connection)) =
            (self.pending.start(key, number, keep), self.state.connection())
        {
            let request_text = request_text.in_dialect(self.dialect(), id);
            self.record_sent(connection, FrameName::REQUEST, request_text.text().len(), Some(id));
            self.transmit_request(request_text);
        }
    }

    /// An answer came.
    pub(super) fn answer(&mut self, now: Now, id: Option<RequestId>, verdict: Verdict, text: &ByteString) {
        let Some(entry) = id.and_then(|id| self.pending.take(id)) else {
            self.counters.late_responses += 1;
            return self.record_answer(AnswerName::LATE);
        };
        let Some(payload) = entry.payload else { return self.record_answer(AnswerName::EXPECTED) };
        self.record_answer(AnswerName::SETTLED);
        self.counters.latency.record(now.mono.saturating_sub(entry.started));
        let outcome = match verdict {
            Verdict::Results(span) => {
                self.counters.succeeded += 1;
                Outcome::Results(span.map(|span| text.slice_ref(&text[span])))
            }
            Verdict::Error(span) => {
                self.counters.failed += 1;
                let fault = dialect::tool_fault(text.slice_ref(&text[span]), self.current_key());
                Outcome::Failed(CallError { request_id: Some(entry.id), ..fault.into() })
            }
        };
        self.deliver(payload, outcome);
        self.finish_draining();
    }

    fn record_call(&mut self, made: RequestId, size_of_text: usize, became: CallFacts) {
        self.recorder.complete(|what| {
            if let What::Call { id, size, facts, .. } = what {
                (*id, *size, *facts) = (Some(made).into(), size_of_text.into(), became);
            }
        });
    }

    fn record_tool_request(&mut self, made: RequestId, text: &RequestText, has_room: bool) {
        self.recorder.complete(|what| {
            if let What::ToolRequest { id, size, is_sent, .. } = what {
                (*id, *size, *is_sent) = (Some(made).into(), text.text().len().into(), has_room);
            }
        });
    }

    fn record_aborted(&mut self, found: Option<RequestId>) {
        self.recorder.complete(|what| {
            if let What::Abort { id, is_found } = what {
                *id = found.map_or(*id, |found| Some(found).into());
                *is_found = true;
            }
        });
    }

    fn record_answer(&mut self, became: AnswerName) {
        self.recorder.complete(|what| {
            if let What::Received { outcome, .. } = what {
                *outcome = became;
            }
        });
    }

    /// The answer to request `id` is not JSON.
    pub(super) fn answer_is_malformed(&mut self, id: RequestId, why: &CallError) {
        let Some(entry) = self.pending.take(id) else { return };
        self.fail(entry, why, None);
        self.finish_draining();
    }

    /// Rejects the requests that have timed out.
    pub(super) fn expire_requests(&mut self, now: Now) {
        let why = CallError::from(Fault::RequestTimeout);
        while let Some(entry) = self.pending.take_expired(now.mono) {
            self.counters.timed_out += 1;
            let sent = entry.was_sent(ALL_HANDED_OUT);
            self.fail(entry, &why, Some(sent));
        }
        self.finish_draining();
    }

    /// The socket is gone. Requests that were not sent, and those that may run twice, go back to the queue; the others
    /// are returned.
    pub(super) fn take_lost(&mut self, socket: &mut Socket, too_large: bool) -> Vec<Entry<T>> {
        self.withdraw();
        let (written, sent, unwritten) = (socket.written, socket.maybe_sent(), &mut socket.unwritten);
        self.pending.requeue(|entry| match entry.stage {
            Stage::InFlight(number) if number >= sent => {
                let slot = unwritten.get_mut((number - written) as usize);
                if let Some(Unwritten::Request(request_text)) =
                    slot.map(|slot| std::mem::replace(slot, Unwritten::Other(0)))
                {
                    entry.request_text = Some(Box::new(request_text));
                }
                entry.request_text.is_some()
            }
            _ => {
                entry.sent_before = true;
                let again = entry.idempotent && !too_large && entry.resends < MAX_RESENDS;
                entry.resends += u8::from(again);
                again
            }
        })
    }

    /// Rejects lost requests.
    pub(super) fn fail_lost(&mut self, lost: Vec<Entry<T>>, why: &CallError, too_large: Option<&CallError>) {
        for entry in lost {
            let why = too_large.filter(|_| entry.idempotent).unwrap_or(why);
            let sent = entry.sent_before;
            self.fail(entry, why, Some(sent));
        }
    }

    /// Rejects the queued requests. They were never sent, except those that wait to be sent again.
    pub(super) fn fail_queued(&mut self, why: &CallError) {
        let queued = self.pending.take_queued();
        self.fail_each(queued, why, 0);
    }

    /// Rejects every request. The texts below number `sent` were sent, or will be.
    pub(super) fn fail_all(&mut self, why: &CallError, sent: u64) {
        let all = self.pending.take_all();
        self.fail_each(all, why, sent);
    }

    fn fail_each(&mut self, entries: Vec<Entry<T>>, why: &CallError, sent: u64) {
        for entry in entries {
            let sent = entry.was_sent(sent);
            self.fail(entry, why, Some(sent));
        }
        self.fail_tools(why);
    }

    /// A request that was still waiting for the connection is told why there is none. Source: PROTOCOL.md rule 18.
    fn fail(&mut self, entry: Entry<T>, why: &CallError, sent: Option<bool>) {
        let Some(payload) = entry.payload else { return };
        self.counters.failed += 1;
        let waited = entry.stage == Stage::Queued && matches!(*why.fault, Fault::RequestTimeout | Fault::Closed);
        let cause = if waited { why.cause.clone().or_else(|| self.error.clone()) } else { None };
        self.settle(payload, Outcome::Failed(CallError { request_id: Some(entry.id), sent, cause, ..why.clone() }));
    }

    fn next_number(&self) -> u64 {
        self.state.socket().map_or(0, |socket| socket.handed_out)
    }

    fn may_be_misunderstood(&self) -> bool {
        self.config.dialect == DialectChoice::Auto && self.state.socket().is_some_and(|socket| socket.detected)
    }
}

fn full(what: &str, option: &str, limit: usize) -> Fault {
    Fault::QueueFull(format!("too many {what}: {option} is {limit}; wait for answers, or raise it"))
}

/// As long as the socket is open, every text that was handed out is sent sooner or later.
pub(super) const ALL_HANDED_OUT: u64 = u64::MAX;
/// PROTOCOL.md rule 3.
const MAX_RESENDS: u8 = 2;
