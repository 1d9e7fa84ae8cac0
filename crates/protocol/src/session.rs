//! The session makes every decision: which state comes next, what is sent, which calls are settled, how long to wait.
//!
//! Inputs and commands change it; outputs are drained from it (the drain rule of [`super`]). Events come in the order
//! in which users see them: the state, then the event with its own name, then the calls and commands that it settles.

mod apply;
mod authentication;
mod commands;
mod dial_reports;
mod endpoints;
mod inputs;
mod lifecycle;
mod liveness;
mod race;
mod recording;
mod renewal;
mod requests;
mod start;
mod tools;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use zeroize::Zeroizing;

pub use self::{
    lifecycle::Ending,
    requests::{Call, Refused},
};
use super::{
    Action, ConnectionId, Content, Event, LogEntry, LogLevel, Notice, Now, Outcome, Transmit,
    chance::Chance,
    config::{Config, EndpointSource, Secret, TokenSource},
    dialect::{Dialect, RequestText},
    endpoints::Endpoints,
    error::{CallError, Fault, Reason},
    log::{LogFields, LogLine, LogValue, one_line, without_controls},
    pending::Pending,
    record::{FrameName, Recorder, What},
    socket::{Socket, Unwritten},
    state::{Snapshot, State},
    stats::{Counters, LatencySummary, Stats},
    timer::{Timer, TimerTable},
    tools::ToolsWaiter,
};

/// The protocol of one client. `T` is what a caller gets back when a command or call is settled.
pub struct Session<T> {
    /// The number of the client, for people.
    pub(super) client: u32,
    pub(super) config: Config,
    pub(super) endpoints: Endpoints,
    /// The user's url function is asked before each round.
    pub(super) asks_urls: bool,
    token: TokenSource,
    state: State,
    /// Counts the changes of `state`.
    revision: u32,
    /// Attempts made since a connection was last `ready` for `min_uptime`, or since the user called `connect` or
    /// `reconnect`.
    attempt: u32,
    /// A change of network has already shortened a wait since then.
    wait_was_shortened: bool,
    /// Why the client is in this state.
    error: Option<Reason>,
    /// Counts the reasons: the number of the last one.
    reasons: u32,
    /// That of the last auth message. The server may repeat it in its words.
    last_key: Option<Secret>,
    /// The log has said that a key is sent without encryption.
    plaintext_key_was_told: bool,
    /// The client has been `ready`: what looks like a wrong configuration is an outage from then on.
    was_ready: bool,
    /// The number of the newest dial.
    next_connection: u32,
    timers: TimerTable,
    pending: Pending<T>,
    /// Commands that wait for `ready`.
    connect_waiters: Vec<T>,
    /// Commands that wait for `closed`.
    close_waiters: Vec<T>,
    tools_waiters: Vec<ToolsWaiter<T>>,
    /// Bytes of texts handed out and not yet written.
    unwritten_bytes: usize,
    /// Bytes of texts that were written to sockets which keep them.
    backlog: usize,
    counters: Counters,
    interest: Interest,
    /// The clocks at the last input, to detect that the machine slept.
    last: Now,
    chance: Chance,
    pub(super) recorder: Recorder,
    /// When it was made.
    pub(super) made: Now,
    transmits: VecDeque<Transmit>,
    actions: VecDeque<Action>,
    events: VecDeque<Event<T>>,
}

/// The optional events that have listeners. The session makes no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest(pub u8);

/// The numbers of a client that only ever increase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// That of the snapshot.
    pub revision: u32,
    /// That of the last error that the client as a whole had.
    pub reasons: u32,
}

impl Interest {
    /// Messages of the server.
    pub const MESSAGES: u8 = 1;
    /// Round-trip times of the heartbeat.
    pub const HEARTBEATS: u8 = 2;
    /// Log lines.
    pub const LOGS: u8 = 4;
    /// The opening of the socket, for code that was written against a WebSocket and may send an auth message itself:
    /// our own waits for [`Session::handle_open_told`].
    pub const OPENS: u8 = 8;
    /// Dials, with what each phase of them did.
    pub const DIALS: u8 = 16;
    /// What users may listen to. `OPENS` also changes when our auth message is sent; `DIALS` is for diagnosis.
    pub const ALL: Self = Self(7);
    /// Each bit with its name in TypeScript.
    pub const NAMES: [(&'static str, u8); 5] = [
        ("messages", Self::MESSAGES),
        ("heartbeats", Self::HEARTBEATS),
        ("logs", Self::LOGS),
        ("opens", Self::OPENS),
        ("dials", Self::DIALS),
    ];

    fn wants(self, what: u8) -> bool {
        self.0 & what != 0
    }
}

impl<T> Session<T> {
    /// A session in `idle`. Users are shown the URLs; only the driver knows how to reach an endpoint. Request ids are
    /// drawn from `seed`, which must come from a cryptographic source.
    pub fn new(config: Config, source: impl Into<EndpointSource>, seed: [u8; 32], now: Now) -> Self {
        let source = source.into();
        Self {
            client: 0,
            token: config.token.clone(),
            config,
            asks_urls: source == EndpointSource::Ask,
            endpoints: Endpoints::new(&source),
            state: State::Idle,
            revision: 0,
            attempt: 0,
            wait_was_shortened: false,
            error: None,
            reasons: 0,
            last_key: None,
            plaintext_key_was_told: false,
            was_ready: false,
            next_connection: 0,
            timers: TimerTable::default(),
            pending: Pending::default(),
            connect_waiters: Vec::new(),
            close_waiters: Vec::new(),
            tools_waiters: Vec::new(),
            unwritten_bytes: 0,
            backlog: 0,
            counters: Counters::default(),
            interest: Interest::default(),
            last: now,
            chance: Chance::of_seed(seed),
            recorder: Recorder::default(),
            made: now,
            transmits: VecDeque::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The options of this client.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The state, with its data.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Sets the number of the client that log lines show.
    pub fn set_client(&mut self, client: u32) {
        self.client = client;
    }

    /// How far the numbers that users see have come.
    pub fn numbers(&self) -> Numbers {
        Numbers { revision: self.revision, reasons: self.reasons }
    }

    /// Goes on from the numbers of a session that this one takes the place of: users see one client. To be called
    /// before anything else.
    pub fn go_on_from(&mut self, numbers: Numbers) {
        self.revision = numbers.revision;
        self.reasons = numbers.reasons;
    }

    /// Sets which of the optional events to make.
    pub fn set_interest(&mut self, interest: Interest) {
        let before = std::mem::replace(&mut self.interest, interest);
        let opens = interest.wants(Interest::OPENS);
        if before.wants(Interest::OPENS) != opens {
            self.recorder.input(self.last, || What::Opens { opens });
        }
    }

    /// Adds a line to the log that does not come from the session itself.
    pub fn note(&mut self, level: LogLevel, message: &str) {
        self.log_entry(level, message, &[]);
    }

    /// The next text to send. Call until `None` after every input and command. A driver may leave texts of the open
    /// connection here while others come, to send them together. If it is given up meanwhile, they are withdrawn.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transmits.pop_front()?;
        self.counters.messages_sent += 1;
        self.counters.bytes_sent += transmit.text.len() as u64;
        Some(transmit)
    }

    /// Whether there is a text to send.
    pub fn has_transmits(&self) -> bool {
        !self.transmits.is_empty()
    }

    /// The next action of the driver. Call until `None` after every input and command.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next event for the user. Call until `None` after every input and command.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > KEPT_EVENTS {
            // A change of state has made many events; there may be none for a long time now.
            self.events = VecDeque::new();
        }
        event
    }

    /// When to call `handle_timeout`, in the monotonic time of [`Now`]. Any input or command may change it.
    pub fn poll_timeout(&mut self) -> Option<Duration> {
        self.set_call_timers();
        self.timers.next()
    }

    /// The state of the connection at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state.name(),
            connected: self.state.socket().is_some(),
            authenticated: matches!(self.state, State::Ready(_)),
            url: self.endpoints.url_in_use().to_owned(),
            attempt: if self.is_underway() { self.attempt } else { 0 },
            retry_delay: match self.state {
                State::Reconnecting { delay, .. } => Some(delay),
                _ => None,
            },
            retry_at: match self.state {
                State::Reconnecting { ends, .. } => Some(ends),
                _ => None,
            },
            error: self.error.as_ref().map(|reason| Box::new(reason.data())),
            revision: self.revision,
        }
    }

    /// Counters and figures.
    pub fn stats(&self) -> Stats {
        let c = &self.counters;
        Stats {
            state: self.state.name(),
            pending: self.in_flight(),
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
            connected_since: self.state.socket().map(|socket| socket.opened),
            event_loop_wait: LatencySummary::default(),
        }
    }

    /// Calls that were handed out, and are not settled yet.
    pub fn in_flight(&self) -> usize {
        self.pending.in_flight()
    }

    /// Bytes that the operating system has not taken yet, those of queued requests included.
    pub fn buffered_amount(&self) -> usize {
        self.unwritten_bytes + self.pending.queued_bytes() + self.backlog
    }

    /// The bytes that the flight recorder keeps.
    #[cfg(feature = "sim")]
    pub fn footprint_of_recorder(&self) -> usize {
        self.recorder.footprint()
    }

    /// The sizes of everything that grows, for the invariants of the simulator.
    #[cfg(feature = "sim")]
    pub fn footprint(&self) -> crate::Footprint {
        let socket = self.state.socket();
        let outputs = self.transmits.len() + self.actions.len() + self.events.len();
        crate::Footprint {
            dials: match &self.state {
                State::Connecting(dials) => dials.dials.len(),
                _ => 0,
            },
            unwritten: socket.map_or(0, |socket| socket.unwritten.len()),
            pings: socket.map_or(0, |socket| socket.heartbeat.pongs_due()),
            waiters: self.connect_waiters.len() + self.close_waiters.len() + self.tools_waiters.len(),
            outputs,
            ..self.pending.footprint()
        }
    }

    /// Changes the state, with its event.
    fn enter(&mut self, state: State) -> State {
        let previous = std::mem::replace(&mut self.state, state);
        self.emit_state(previous.name());
        previous
    }

    fn emit_state(&mut self, previous: &'static str) {
        self.revision = self.revision.wrapping_add(1);
        self.record_state(previous);
        let snapshot = self.snapshot();
        self.notify(Notice::State { snapshot, previous });
    }

    fn notify(&mut self, notice: Notice) {
        self.events.push_back(Event::Notice(notice));
    }

    /// The place of the endpoint in use, or used last, in the list.
    pub fn endpoint(&self) -> usize {
        self.endpoints.in_use()
    }

    /// Sets the reason of the state that is entered next.
    fn set_error(&mut self, fault: Fault) -> Reason {
        let reason = self.new_reason(fault);
        self.error = Some(reason.clone());
        reason
    }

    fn new_reason(&mut self, fault: Fault) -> Reason {
        self.reasons = self.reasons.wrapping_add(1);
        Reason::new(self.reasons, fault)
    }

    /// Emits the reason of the state that was just entered.
    fn report_error(&mut self) {
        if let Some(reason) = self.error.clone() {
            self.report(&reason);
        }
    }

    fn report(&mut self, reason: &Reason) {
        self.notify(Notice::Error { error: reason.data() });
    }

    /// The key that the server knows of.
    fn current_key(&self) -> Option<&str> {
        match (&self.last_key, &self.token) {
            (Some(key), _) | (None, TokenSource::Fixed(key)) => Some(key.expose()),
            (None, TokenSource::Ask) => None,
        }
    }

    /// The timers of those who wait for an answer.
    fn set_call_timers(&mut self) {
        let (request, tools) = (self.pending.next_deadline(), self.tools_deadline());
        self.timers.set_or_stop(Timer::Request, request);
        self.timers.set_or_stop(Timer::Tools, tools);
    }

    fn settle(&mut self, payload: T, outcome: Outcome) {
        self.record_settled(if let Outcome::Failed(error) = &outcome { Some(error) } else { None });
        self.deliver(payload, outcome);
    }

    /// Settles what is recorded with its input.
    fn deliver(&mut self, payload: T, outcome: Outcome) {
        self.events.push_back(Event::Settled { payload, outcome });
    }

    fn settle_all(&mut self, waiters: Vec<T>, outcome: &Outcome) {
        for payload in waiters {
            self.settle(payload, outcome.clone());
        }
    }

    /// Rejects the commands that wait for `ready`.
    fn fail_connects(&mut self, why: &CallError) {
        let waiters = std::mem::take(&mut self.connect_waiters);
        self.settle_all(waiters, &Outcome::Failed(why.clone()));
    }

    /// Settles the commands that wait for `closed`.
    fn settle_closes(&mut self) {
        let waiters = std::mem::take(&mut self.close_waiters);
        self.settle_all(waiters, &Outcome::Done);
    }

    /// Sends a text on the open socket, or a ping frame, whose text is empty.
    fn transmit(&mut self, frame: FrameName, text: Vec<u8>, content: Content) {
        if let Some(connection) = self.state.connection() {
            self.record_sent(connection, frame, text.len(), None);
        }
        self.transmit_unrecorded(text, content);
    }

    /// The same for what is recorded with its input.
    fn transmit_unrecorded(&mut self, text: Vec<u8>, content: Content) {
        let (length, text) = (text.len(), text_to_send(text, content));
        self.hand_out(text, content, Unwritten::Other(length));
    }

    /// Sends a request on the open socket.
    fn transmit_request(&mut self, request_text: RequestText) {
        self.hand_out(request_text.text().clone(), Content::Text, Unwritten::Request(request_text));
    }

    fn hand_out(&mut self, text: Bytes, content: Content, unwritten: Unwritten) {
        let Some(socket) = self.state.socket_mut() else { return };
        let transmit = socket.hand_out(text, content, unwritten);
        self.pass_on(transmit);
    }

    fn pass_on(&mut self, transmit: Transmit) {
        self.unwritten_bytes += transmit.text.len();
        self.transmits.push_back(transmit);
    }

    /// The open connection is gone. What was handed out for it, and not polled yet, must not be sent: it was not.
    fn withdraw(&mut self) {
        (self.unwritten_bytes, self.backlog) = (0, 0);
        self.transmits.clear();
    }

    fn log(&mut self, line: LogLine, fields: &[(&'static str, LogValue)]) {
        self.log_entry(line.level(), line.message(), fields);
    }

    fn log_entry(&mut self, level: LogLevel, message: &str, fields: &[(&'static str, LogValue)]) {
        if !self.interest.wants(Interest::LOGS) {
            return;
        }
        let connection = self.state.connection().map_or(self.next_connection, |connection| connection.0);
        let mut all = LogFields::default();
        all.set("client", self.client.into());
        all.set("connection", connection.into());
        all.set("url", without_controls(self.endpoints.url_in_use()).into());
        all.set("attempt", self.attempt.into());
        for (name, value) in fields {
            all.set(name, one_line(value));
        }
        let message = without_controls(message);
        self.notify(Notice::Log { entry: LogEntry { level, message, fields: all } });
    }

    fn dialect(&self) -> Dialect {
        self.state.socket().map_or(Dialect::Guide, |socket| socket.dialect)
    }

    fn is_underway(&self) -> bool {
        matches!(self.state, State::Connecting(_) | State::Authenticating(_) | State::Reconnecting { .. })
    }

    fn next_connection_id(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    /// The open socket, if it is that of `connection`: the session has not given it up.
    fn current(&mut self, connection: ConnectionId) -> Option<&mut Socket> {
        self.state.socket_mut().filter(|socket| socket.id == connection)
    }
}

/// The memory of a text that holds a key is overwritten when it is dropped.
fn text_to_send(text: Vec<u8>, content: Content) -> Bytes {
    if content == Content::Secret { Bytes::from_owner(Zeroizing::new(text)) } else { text.into() }
}

/// As many events as one message makes, and the smallest capacity that a queue allocates.
const KEPT_EVENTS: usize = 4;
