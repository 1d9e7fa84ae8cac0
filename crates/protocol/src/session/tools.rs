//! What the server says of its tools: kept while the connection is open, and told to those who ask.

use std::time::Duration;

use bytestring::ByteString;

use super::{Refused, Session, State};
use crate::{
    Now, Outcome,
    dialect::Dialect,
    error::{CallError, Fault},
    log::LogLine,
    record::{Id, What},
    request_id::RequestKey,
    tools::{ToolList, ToolsWaiter},
};

impl<T> Session<T> {
    /// Asks what the server says of its tools: an array of JSON, empty in the guide's dialect, which has no such
    /// message. Waits for `ready`, and then up to 1 s for a `schemas` event. `payload` comes back in exactly one
    /// [`Event::Settled`](crate::Event::Settled), or at once if the question is refused; [`abort`](Self::abort) takes
    /// it back. `timeout` and `expects_connection` are as in a [`Call`](super::Call).
    ///
    /// Errors: as of [`request`](Self::request), and later as of a call that waits for `ready`.
    pub fn tools(
        &mut self,
        now: Now,
        timeout: Option<Duration>,
        expects_connection: bool,
        payload: T,
    ) -> Result<RequestKey, Refused<T>> {
        self.begin(now, || What::Tools { id: Id::NONE, timeout: timeout.into(), expects_connection });
        let accepted = self.accepts_calls(expects_connection).and_then(|()| Ok(self.has_room_for(0)?));
        if let Err(error) = accepted {
            return Err(Refused { payload, error });
        }
        let asked = self.chance.id(&self.pending, now.wall);
        self.recorder.complete(|what| {
            if let What::Tools { id, .. } = what {
                *id = Some(asked).into();
            }
        });
        let key = asked.key;
        let deadline = timeout.map(|timeout| now.mono.saturating_add(timeout));
        self.tools_waiters.push(ToolsWaiter { key, payload, deadline });
        self.tell_tools(now);
        Ok(key)
    }

    /// A `schemas` event has come.
    pub(super) fn keep_tools(&mut self, now: Now, tools: &ToolList) {
        let Some(socket) = self.state.socket_mut() else { return };
        socket.tools = Some(tools.json.clone());
        if tools.is_cut {
            self.log(LogLine::ToolsCut, &[]);
        }
        self.tell_tools(now);
    }

    /// Answers those who wait, if there is an answer.
    pub(super) fn tell_tools(&mut self, now: Now) {
        if self.tools_waiters.is_empty() {
            return;
        }
        let Some(tools) = self.known_tools(now) else { return };
        for waiter in std::mem::take(&mut self.tools_waiters) {
            self.settle(waiter.payload, Outcome::Results(Some(tools.clone())));
        }
    }

    fn known_tools(&self, now: Now) -> Option<ByteString> {
        let State::Ready(socket) = &self.state else { return None };
        if socket.dialect == Dialect::Guide {
            return Some(ToolList::NONE);
        }
        let is_over = self.end_of_schemas().is_some_and(|end| end <= now.mono);
        socket.tools.clone().or_else(|| is_over.then_some(ToolList::NONE))
    }

    /// When nobody waits for a `schemas` event any more.
    fn end_of_schemas(&self) -> Option<Duration> {
        let State::Ready(socket) = &self.state else { return None };
        socket.ready_since.map(|since| since + SCHEMAS)
    }

    /// When [`tools_are_due`](Self::tools_are_due) has something to do.
    pub(super) fn tools_deadline(&self) -> Option<Duration> {
        let end = self.end_of_schemas().filter(|_| !self.tools_waiters.is_empty());
        self.tools_waiters.iter().filter_map(|waiter| waiter.deadline).chain(end).min()
    }

    /// The wait for a `schemas` event is over, or the time of somebody who waits.
    pub(super) fn tools_are_due(&mut self, now: Now) {
        self.tell_tools(now);
        let (late, waiting) = std::mem::take(&mut self.tools_waiters)
            .into_iter()
            .partition(|waiter| waiter.deadline.is_some_and(|deadline| deadline <= now.mono));
        self.tools_waiters = waiting;
        let why = CallError { cause: self.error.clone(), ..Fault::RequestTimeout.into() };
        self.refuse_tools(late, &why);
    }

    /// There will be no connection, or no answer on it.
    pub(super) fn fail_tools(&mut self, why: &CallError) {
        let waiters = std::mem::take(&mut self.tools_waiters);
        self.refuse_tools(waiters, why);
    }

    fn refuse_tools(&mut self, waiters: Vec<ToolsWaiter<T>>, why: &CallError) {
        for waiter in waiters {
            self.settle(waiter.payload, Outcome::Failed(why.clone()));
        }
    }

    /// Takes back a question that is not answered yet.
    pub(super) fn forget_tools(&mut self, key: RequestKey) -> Option<T> {
        let place = self.tools_waiters.iter().position(|waiter| waiter.key == key)?;
        Some(self.tools_waiters.remove(place).payload)
    }
}

impl Session<()> {
    /// Those who ask, as they were recorded.
    pub(super) fn restore_tools(&mut self, waiters: Vec<(RequestKey, Option<Duration>)>) {
        let waiter = |(key, deadline)| ToolsWaiter { key, payload: (), deadline };
        self.tools_waiters = waiters.into_iter().map(waiter).collect();
    }
}

/// How long to wait for a `schemas` event on a connection that is `ready`: it comes at once, or never.
const SCHEMAS: Duration = Duration::from_secs(1);
