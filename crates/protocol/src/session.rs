//! The session decides everything: which state comes next, what is sent, who is settled, how long to wait.
//!
//! Inputs and commands change it; outputs are drained from it (the drain rule of [`super`]). Events leave in the order
//! in which users are to see them: the state, then the event with its own name, then whom it settles.

mod authentication;
mod commands;
mod inputs;
mod lifecycle;
mod liveness;
mod requests;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Map, Value};

pub use self::{
    inputs::Received,
    lifecycle::Ending,
    requests::{Call, Refused},
};
use super::{
    Action, ConnectionId, Event, LogEntry, LogLevel, Notice, Now, Outcome, Transmit,
    config::{Config, TokenSource},
    dialect::{Dialect, Wording},
    error::{CallError, Fault},
    pending::Pending,
    state::{Link, Snapshot, State, Unwritten},
    stats::{Counters, Stats},
    timer::{Timer, TimerTable},
};

/// One client's side of the protocol. `T` is what a caller wants back when his command or call is settled.
pub struct Session<T> {
    config: Config,
    /// The endpoint as users are shown it.
    url: String,
    token: TokenSource,
    state: State,
    /// Counts the changes of `state`.
    revision: u32,
    /// Attempts made since the connection was last ready, or since the user's own `connect` or `reconnect`.
    attempt: u32,
    /// A change of the network has cut a wait short since then.
    hurried: bool,
    /// Why the state is what it is.
    error: Option<Fault>,
    /// The client was `ready` once: what looks like a wrong configuration is an outage from then on.
    was_ready: bool,
    next_connection: u32,
    timers: TimerTable,
    pending: Pending<T>,
    /// Those who wait for `ready`.
    connect_waiters: Vec<T>,
    /// Those who wait for `closed`.
    close_waiters: Vec<T>,
    /// Bytes of texts handed out and not yet written.
    unwritten_bytes: usize,
    counters: Counters,
    interest: Interest,
    /// The clocks at the last input, to notice that the machine slept.
    last: Now,
    rng: StdRng,
    transmits: VecDeque<Transmit>,
    actions: VecDeque<Action>,
    events: VecDeque<Event<T>>,
}

/// What somebody listens to; the session makes no other events of these kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest(pub u8);

impl Interest {
    /// Every message of the server.
    pub const MESSAGES: u8 = 1;
    /// Heartbeat round trips.
    pub const HEARTBEATS: u8 = 2;
    /// Log lines.
    pub const LOGS: u8 = 4;
    /// That the socket is open, by code that was written against a socket and may authenticate by itself: our own auth message waits
    /// for [`Session::handle_open_told`].
    pub const OPENS: u8 = 8;
    /// All but the last one, which changes more than what is told.
    pub const ALL: Self = Self(7);

    fn wants(self, what: u8) -> bool {
        self.0 & what != 0
    }
}

/// How many there are of all that a session keeps; all 0 at rest.
#[cfg(feature = "sim")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Requests queued, in flight or remembered.
    pub requests: usize,
    /// Of those, ids given out by `sendToolRequest`.
    pub remembered: usize,
    /// Deadlines, those of settled requests included.
    pub deadlines: usize,
    /// Places in the queue, those of settled requests included.
    pub queue: usize,
    /// Texts handed out and not yet written.
    pub unwritten: usize,
    /// Pings whose pongs are awaited.
    pub pings: usize,
    /// Commands that wait for `ready` or for `closed`.
    pub waiters: usize,
    /// What was not taken out yet.
    pub outputs: usize,
}

impl<T> Session<T> {
    /// A session in `idle`. `url` is how users are shown the endpoint; how it is reached is the driver's affair. `seed` must come
    /// from a cryptographic source: request ids are drawn from it.
    pub fn new(config: Config, url: impl Into<String>, seed: [u8; 32], now: Now) -> Self {
        Self {
            token: config.token.clone(),
            config,
            url: url.into(),
            state: State::Idle,
            revision: 0,
            attempt: 0,
            hurried: false,
            error: None,
            was_ready: false,
            next_connection: 0,
            timers: TimerTable::default(),
            pending: Pending::default(),
            connect_waiters: Vec::new(),
            close_waiters: Vec::new(),
            unwritten_bytes: 0,
            counters: Counters::default(),
            interest: Interest::default(),
            last: now,
            rng: StdRng::from_seed(seed),
            transmits: VecDeque::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The options it works with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The state with what it carries.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Which of the optional events to make.
    pub fn set_interest(&mut self, interest: Interest) {
        self.interest = interest;
    }

    /// A line for the log that is not of the session's own making.
    pub fn note(&mut self, level: LogLevel, message: &str) {
        self.log(level, message, &[]);
    }

    /// The next text to write. Call until `None` after every input and command.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to do with sockets. Call until `None` after every input and command.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing to tell. Call until `None` after every input and command.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > KEPT_EVENTS {
            // A change of the state made many; the client may be silent from now on.
            self.events = VecDeque::new();
        }
        event
    }

    /// When to call `handle_timeout`, in the monotonic time of [`Now`]; changes with every input and command.
    pub fn poll_timeout(&mut self) -> Option<Duration> {
        let request = self.pending.next_deadline();
        self.timers.set_or_stop(Timer::Request, request);
        self.timers.next()
    }

    /// One immutable picture of the connection.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state.name(),
            connected: self.state.link().is_some(),
            authenticated: matches!(self.state, State::Ready(_)),
            url: self.url.clone(),
            attempt: if self.is_on_its_way() { self.attempt } else { 0 },
            retry_delay: match self.state {
                State::Reconnecting { delay, .. } => Some(delay),
                _ => None,
            },
            retry_at: match self.state {
                State::Reconnecting { ends, .. } => Some(ends),
                _ => None,
            },
            error: self.error.as_ref().map(Fault::data),
            revision: self.revision,
        }
    }

    /// Counters and figures.
    pub fn stats(&self) -> Stats {
        let c = &self.counters;
        Stats {
            state: self.state.name(),
            pending: self.pending.in_flight(),
            queued: self.pending.queued(),
            requests: c.requests,
            succeeded: c.succeeded,
            failed: c.failed,
            timed_out: c.timed_out,
            late_responses: c.late_responses,
            reconnects: c.reconnects,
            messages_sent: c.messages_sent,
            messages_received: c.messages_received,
            bytes_sent: c.bytes_sent,
            bytes_received: c.bytes_received,
            heartbeat_rtt: c.rtt.summary(),
            request_latency: c.latency.summary(),
            connected_since: self.state.link().map(|link| link.opened),
        }
    }

    /// Bytes taken and not yet handed to the operating system, queued requests included.
    pub fn buffered_amount(&self) -> usize {
        self.unwritten_bytes + self.pending.queued_bytes()
    }

    /// Sizes of all that grows and shrinks, for the invariants of the simulator.
    #[cfg(feature = "sim")]
    pub fn footprint(&self) -> Footprint {
        let link = self.state.link();
        let outputs = self.transmits.len() + self.actions.len() + self.events.len();
        Footprint {
            unwritten: link.map_or(0, |link| link.unwritten.len()),
            pings: link.map_or(0, |link| link.heartbeat.pongs_due()),
            waiters: self.connect_waiters.len() + self.close_waiters.len(),
            outputs,
            ..self.pending.footprint()
        }
    }

    /// Changes the state and tells so.
    fn enter(&mut self, state: State) -> State {
        let previous = std::mem::replace(&mut self.state, state);
        self.tell_state(previous.name());
        previous
    }

    fn tell_state(&mut self, previous: &'static str) {
        self.revision = self.revision.wrapping_add(1);
        let snapshot = self.snapshot();
        self.notify(Notice::State { snapshot, previous });
    }

    fn notify(&mut self, notice: Notice) {
        self.events.push_back(Event::Notice(notice));
    }

    /// Makes `fault` the reason of the state that is entered next.
    fn blame(&mut self, fault: Fault) {
        self.error = Some(fault);
    }

    /// Tells the reason of the state that was just entered.
    fn report_error(&mut self) {
        if let Some(fault) = &self.error {
            let error = fault.data();
            self.notify(Notice::Error { error });
        }
    }

    fn settle(&mut self, payload: T, outcome: Outcome) {
        self.events.push_back(Event::Settled { payload, outcome });
    }

    fn settle_all(&mut self, waiters: Vec<T>, outcome: &Result<(), Fault>) {
        for payload in waiters {
            let outcome = match outcome {
                Ok(()) => Outcome::Done,
                Err(fault) => Outcome::Failed(CallError::from(fault.clone())),
            };
            self.settle(payload, outcome);
        }
    }

    /// Hands a text out for the open socket.
    fn transmit(&mut self, text: impl Into<Bytes>) {
        let text = text.into();
        self.hand_out(text.clone(), Unwritten::Other(text.len()));
    }

    /// Hands a request out for the open socket.
    fn transmit_request(&mut self, wording: Wording) {
        self.hand_out(wording.text().clone(), Unwritten::Request(wording));
    }

    fn hand_out(&mut self, text: Bytes, unwritten: Unwritten) {
        let Some(link) = self.state.link_mut() else { return };
        link.unwritten.push_back(unwritten);
        link.handed_out += 1;
        self.unwritten_bytes += text.len();
        self.counters.messages_sent += 1;
        self.counters.bytes_sent += text.len() as u64;
        self.transmits.push_back(Transmit { connection: link.id, text });
    }

    fn log(&mut self, level: LogLevel, message: &str, fields: &[(&str, Value)]) {
        if !self.interest.wants(Interest::LOGS) {
            return;
        }
        let fields: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.notify(Notice::Log { entry: LogEntry { level, message: message.to_owned(), fields } });
    }

    fn spoken_dialect(&self) -> Dialect {
        self.state.link().map_or(Dialect::Guide, |link| link.dialect)
    }

    fn is_on_its_way(&self) -> bool {
        matches!(self.state, State::Connecting(_) | State::Authenticating(_) | State::Reconnecting { .. })
    }

    fn fresh_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    /// The open socket that `connection` names, unless the session has given it up.
    fn current(&mut self, connection: ConnectionId) -> Option<&mut Link> {
        self.state.link_mut().filter(|link| link.id == connection)
    }
}

/// What one message makes, and the least that a queue has room for.
const KEPT_EVENTS: usize = 4;
