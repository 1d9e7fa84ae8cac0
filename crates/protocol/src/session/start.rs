//! The session as data: what the rules ask for, and nothing that is a secret, a content, or follows from the rest. The
//! recorder keeps it, a record shows it, and a replay begins with it.

use std::time::Duration;

use super::{Interest, Session};
use crate::{
    config::TokenSource,
    dialect::RequestText,
    dials::Dials,
    fields::Fields,
    pending::{Entry, Stage},
    request_id::{RequestId, RequestKey},
    socket::Socket,
    state::State,
};

/// The calls and commands that wait, without their payloads.
#[derive(Default)]
pub(super) struct Waiting {
    connects: usize,
    closes: usize,
    tools: Vec<(RequestKey, Option<Duration>)>,
    /// In the order of the calls.
    requests: Vec<RequestStart>,
}

#[derive(Default)]
struct RequestStart {
    id: RequestId,
    /// Nobody waits for its answer here: it was made by `sendToolRequest`.
    is_remembered: bool,
    /// As which text of the connection it was handed out; none if it is in the queue.
    number: Option<u64>,
    deadline: Option<Duration>,
    idempotent: bool,
    resends: u8,
    sent_before: bool,
    request_text: Option<RequestText>,
}

impl<T> Session<T> {
    /// Visits it. If it is read, what waits is returned, and has no payloads yet.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) -> Waiting {
        fields.field("wall", &mut self.last.wall);
        fields.field("mono", &mut self.last.mono);
        let mut asks_for_key = matches!(self.token, TokenSource::Ask);
        fields.field("asksForKey", &mut asks_for_key);
        if fields.is_reading() && asks_for_key != matches!(self.token, TokenSource::Ask) {
            self.token = if asks_for_key { TokenSource::Ask } else { TokenSource::recorded() };
        }
        fields.field("asksForUrls", &mut self.asks_urls);
        let mut is_told_of_openings = self.interest.wants(Interest::OPENS);
        fields.field("opens", &mut is_told_of_openings);
        if fields.is_reading() {
            self.interest = Interest(if is_told_of_openings { Interest::OPENS } else { 0 });
        }
        fields.field("attempt", &mut self.attempt);
        fields.field("waitWasShortened", &mut self.wait_was_shortened);
        fields.field("wasReady", &mut self.was_ready);
        fields.field("newestConnection", &mut self.next_connection);
        fields.field("error", &mut self.error);
        self.endpoints.visit(fields);
        self.state.visit(fields);
        self.timers.visit(fields);
        let mut waiting = self.waiting();
        waiting.visit(fields);
        waiting
    }

    fn waiting(&self) -> Waiting {
        Waiting {
            connects: self.connect_waiters.len(),
            closes: self.close_waiters.len(),
            tools: self.tools_waiters.iter().map(|waiter| (waiter.key, waiter.deadline)).collect(),
            requests: self.pending.in_order().map(RequestStart::of).collect(),
        }
    }
}

impl RequestStart {
    fn of<T>(entry: &Entry<T>) -> Self {
        Self {
            id: entry.id,
            is_remembered: entry.payload.is_none(),
            number: if let Stage::InFlight(number) = entry.stage { Some(number) } else { None },
            deadline: entry.deadline,
            idempotent: entry.idempotent,
            resends: entry.resends,
            sent_before: entry.sent_before,
            request_text: entry.request_text.as_deref().cloned(),
        }
    }

    fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("id", &mut self.id);
        fields.field("remembered", &mut self.is_remembered);
        fields.field("number", &mut self.number);
        fields.field("deadline", &mut self.deadline);
        fields.field("idempotent", &mut self.idempotent);
        fields.field("resends", &mut self.resends);
        fields.field("sentBefore", &mut self.sent_before);
        RequestText::visit(&mut self.request_text, self.id, fields);
    }
}

impl Waiting {
    fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("connects", &mut self.connects);
        fields.field("closes", &mut self.closes);
        fields.list("questions", &mut self.tools, Default::default, |(key, deadline), fields| {
            fields.field("key", &mut key.0);
            fields.field("deadline", deadline);
        });
        fields.list("requests", &mut self.requests, RequestStart::default, RequestStart::visit);
    }
}

/// Without payloads: this session only says what the rules decide.
impl Session<()> {
    /// Takes over what was recorded of another one.
    pub(super) fn restore(&mut self, fields: &mut dyn Fields) {
        let Waiting { connects, closes, tools, requests } = self.visit(fields);
        self.connect_waiters = vec![(); connects.min(MOST_WAITERS)];
        self.close_waiters = vec![(); closes.min(MOST_WAITERS)];
        self.restore_tools(tools);
        for request in requests {
            self.restore_request(request);
        }
        self.unwritten_bytes = sockets(&self.state).map(Socket::unwritten_bytes).sum();
    }

    fn restore_request(&mut self, request: RequestStart) {
        let RequestStart { id, is_remembered, number, deadline, idempotent, resends, sent_before, request_text } =
            request;
        if self.pending.knows(id.key) {
            return;
        }
        let order = self.pending.next_order();
        self.pending.insert(Entry {
            id,
            payload: (!is_remembered).then_some(()),
            stage: number.map_or(Stage::Queued, Stage::InFlight),
            started: self.last.mono,
            deadline,
            idempotent,
            resends,
            sent_before,
            order,
            request_text: request_text.map(Box::new),
        });
    }
}

/// All that are open, those of a race too.
fn sockets(state: &State) -> impl Iterator<Item = &Socket> {
    let racing = if let State::Connecting(dials) = state { Some(Dials::sockets(dials)) } else { None };
    state.socket().into_iter().chain(racing.into_iter().flatten())
}

/// No rule asks how many there are.
const MOST_WAITERS: usize = 1024;
