//! What the session tells the flight recorder: each input before it is handled, each decision as it is made.

use std::time::Duration;

use super::{Session, State};
use crate::{
    Action, ConnectionId, Now,
    error::CallError,
    fields::Writer,
    record::{Base, FrameName, Purpose, RECORDS, Size, StateName, What, id_of, small},
    request_id::RequestId,
};

impl<T> Session<T> {
    /// An input begins.
    pub(super) fn begin(&mut self, now: Now, what: impl FnOnce() -> What) {
        if RECORDS {
            self.record_base();
            self.recorder.input(now, what);
        }
        self.observe(now);
    }

    fn record_base(&mut self) {
        if self.recorder.wants_base() {
            let base = self.base();
            self.recorder.set_base(base);
        }
    }

    /// Asks something of the driver.
    pub(super) fn act(&mut self, action: Action) {
        self.recorder.output(|| match &action {
            Action::Dial { connection, endpoint } => What::Dial { connection: *connection, endpoint: small(*endpoint) },
            Action::AskUrls(connection) => What::AskUrls { connection: *connection },
            Action::AskToken(connection) => What::AskKey { connection: *connection },
            Action::Close { connection, code, .. } => What::CloseFrame { connection: *connection, code: *code },
            Action::Drop { connection, close_code } => What::Drop { connection: *connection, code: *close_code },
        });
        self.actions.push_back(action);
    }

    pub(super) fn record_state(&mut self, previous: &str) {
        let delay = if let State::Reconnecting { delay, .. } = self.state { Some(delay) } else { None };
        let attempt = if self.is_underway() { self.attempt } else { 0 };
        self.recorder.output(|| What::State {
            state: StateName::of(self.state.name()),
            previous: StateName::of(previous),
            attempt,
            error: self.error.as_ref().map(|reason| reason.fault().error_code()),
            delay: delay.into(),
        });
    }

    pub(super) fn record_sent(
        &mut self,
        connection: ConnectionId,
        frame: FrameName,
        size: usize,
        id: Option<RequestId>,
    ) {
        let size = || if frame.is_auth() { Size::default() } else { size.into() };
        self.recorder.output(|| What::Sent { connection, frame, size: size(), id: id_of(id), count: 1 });
    }

    /// A command or call is settled: with this error, if it has failed.
    pub(super) fn record_settled(&mut self, error: Option<&CallError>) {
        self.recorder.output(|| What::Settled {
            code: error.map(|error| error.fault.error_code()),
            sent: error.and_then(|error| error.sent),
            id: id_of(error.and_then(|error| error.request_id)),
            count: 1,
        });
    }

    /// The delay before an attempt, after so many others.
    pub(super) fn draw_delay(&mut self, purpose: Purpose, attempts_made: u32) -> Duration {
        let backoff = self.backoff();
        let range = backoff.delays(attempts_made);
        let delay = self.chance.delay(|rng| backoff.delay(attempts_made, rng), range);
        self.recorder.output(|| What::Drawn { purpose, delay: delay.into() });
        delay
    }

    /// How long a server is left alone that asks for so much.
    pub(super) fn draw_retry_after(&mut self, asked: Duration) -> Duration {
        let backoff = self.backoff();
        let range = backoff.spreads(asked);
        let delay = self.chance.delay(|rng| backoff.spread_retry_after(asked, rng), range);
        self.recorder.output(|| What::Drawn { purpose: Purpose::RETRY_AFTER, delay: delay.into() });
        delay
    }

    /// The session as it is, for the recorder.
    fn base(&mut self) -> Base {
        let unwritten = self.state.socket().map_or(0, |socket| socket.unwritten.len());
        if self.pending.entries() > MOST_KNOWN || unwritten > MOST_KNOWN || self.tools_waiters.len() > MOST_KNOWN {
            return Base::Unknown;
        }
        let mut writer = Writer::default();
        self.visit(&mut writer);
        Base::At(writer.bytes.into())
    }
}

/// Requests, or texts, that are recorded one by one. Recording more would take longer than is seemly for a recorder.
const MOST_KNOWN: usize = 256;
