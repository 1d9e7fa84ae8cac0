//! A simulated world around one [`Session`]: network, server and both clocks, in virtual time.
//!
//! [`Sim`] does what a driver does. It keeps the drain rule, fires timeouts exactly when they are due, and records all that
//! comes out with the moment it came. The server is scripted call by call, or answers by itself ([`Server`]).
//!
//! It must never read a clock, start a thread or draw from a global generator: the same seed and the same calls give
//! the same record. After every step it checks what always holds, so each test, random walk and herd checks it too.

mod record;
#[cfg(test)]
mod rules;
mod server;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use self::server::Deed;
pub use self::{
    record::{Record, What},
    server::Server,
};
use super::{
    Action, Call, Config, ConnectionId, DialFailure, Ending, Event, Interest, Jitter, MaxAttempts, Notice, Now,
    Outcome, Remedy, RequestId, Secret, Session, Snapshot, Transmit,
};

/// One client in its world. Payloads of commands and calls are numbered from 1.
pub struct Sim {
    session: Session<u32>,
    server: Server,
    now: Now,
    /// Texts handed out for the open socket and not yet written.
    unwritten: VecDeque<Transmit>,
    /// So many of them are with a writer.
    leaving: usize,
    holds_writes: bool,
    /// What the server is about to do.
    deeds: VecDeque<Deed>,
    /// The newest dial.
    connection: ConnectionId,
    /// The socket of that dial is open on both sides.
    is_open: bool,
    record: Vec<Record>,
    payloads: u32,
    calls: BTreeMap<u32, RequestId>,
    settled: BTreeMap<u32, Outcome>,
    aborted: BTreeSet<u32>,
    /// The picture that the user was told last.
    told: Snapshot,
}

/// Making one, and reading what came of it.
impl Sim {
    /// A client in `idle` that listens to everything but the log, before a scripted server. Time starts at an arbitrary moment.
    pub fn new(config: Config, seed: u64) -> Self {
        let now = Now { mono: Duration::from_secs(1000), wall: 1_700_000_000_000 };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut session = Session::new(config, bytes, now);
        session.set_interest(Interest(Interest::MESSAGES | Interest::HEARTBEATS));
        Self {
            told: session.snapshot(),
            session,
            server: Server::Scripted,
            now,
            unwritten: VecDeque::new(),
            leaving: 0,
            holds_writes: false,
            deeds: VecDeque::new(),
            connection: ConnectionId::default(),
            is_open: false,
            record: Vec::new(),
            payloads: 0,
            calls: BTreeMap::new(),
            settled: BTreeMap::new(),
            aborted: BTreeSet::new(),
        }
    }

    /// The defaults without jitter, so that every delay is known.
    pub fn exact() -> Config {
        Config { url: "ws://sim/mcp-ws".into(), reconnect_jitter: Jitter::Fraction(0.0), ..Config::default() }
    }

    /// The session, to be looked at.
    pub fn session(&self) -> &Session<u32> {
        &self.session
    }

    /// The state's name.
    pub fn state(&self) -> &'static str {
        self.session.state().name()
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The newest dial.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// All that came out since the last [`forget`](Self::forget).
    pub fn record(&self) -> &[Record] {
        &self.record
    }

    /// Starts a fresh page of the record.
    pub fn forget(&mut self) {
        self.record.clear();
    }

    /// How the command or call was settled, if it was.
    pub fn outcome(&self, payload: u32) -> Option<&Outcome> {
        self.settled.get(&payload)
    }

    /// Commands and calls that are neither settled nor aborted.
    pub fn unsettled(&self) -> Vec<u32> {
        let is_over = |payload: &u32| self.settled.contains_key(payload) || self.aborted.contains(payload);
        (1..=self.payloads).filter(|payload| !is_over(payload)).collect()
    }

    /// The id under which the call went out, refused ones apart.
    pub fn id(&self, call: u32) -> Option<RequestId> {
        self.calls.get(&call).copied()
    }

    /// ms until the session wants to be woken.
    pub fn next_wake_up(&mut self) -> Option<u64> {
        let due = self.session.poll_timeout()?;
        Some(due.saturating_sub(self.now.mono).as_millis() as u64)
    }

    /// Does something to the session, then drains it: the one way in.
    pub fn input<R>(&mut self, act: impl FnOnce(&mut Session<u32>, Now) -> R) -> R {
        let result = act(&mut self.session, self.now);
        self.drain();
        result
    }
}

/// What the user does. Each returns its payload.
impl Sim {
    /// `connect()`.
    pub fn connect(&mut self) -> u32 {
        let payload = self.payload();
        self.input(|session, now| session.connect(now, payload));
        payload
    }

    /// `reconnect()`.
    pub fn reconnect(&mut self) -> u32 {
        let payload = self.payload();
        self.input(|session, now| session.reconnect(now, payload));
        payload
    }

    /// `authenticate(token)`.
    pub fn authenticate(&mut self, token: Option<&str>) -> u32 {
        let payload = self.payload();
        self.input(|session, now| session.authenticate(now, token.map(Secret::new), payload));
        payload
    }

    /// `close()`.
    pub fn close(&mut self) -> u32 {
        self.close_draining(0)
    }

    /// `close({ drain })`.
    pub fn close_draining(&mut self, drain: u64) -> u32 {
        let payload = self.payload();
        self.input(|session, now| session.close(now, 1000, "bye", Duration::from_millis(drain), payload));
        payload
    }

    /// `useTool(name, {})`.
    pub fn tool(&mut self, name: &str) -> u32 {
        let call = self.usual_call(name);
        self.call(call)
    }

    /// `useTool(name, {}, { idempotent: true })`.
    pub fn idempotent_tool(&mut self, name: &str) -> u32 {
        let call = Call { idempotent: true, ..self.usual_call(name) };
        self.call(call)
    }

    /// `useTool(…)` in full. A refused call counts as settled.
    pub fn call(&mut self, call: Call<'_>) -> u32 {
        let payload = self.payload();
        let millis = self.now.wall;
        match self.input(|session, now| session.request(now, call, payload).map_err(Box::new)) {
            Ok(key) => {
                self.calls.insert(payload, RequestId { millis, key });
            }
            Err(refused) => self.settle(payload, Outcome::Failed(refused.error)),
        }
        payload
    }

    /// A call with `{}` for parameters and the default timeout.
    pub fn usual_call<'a>(&self, name: &'a str) -> Call<'a> {
        let timeout = self.session.config().request_timeout;
        Call { name, parameters: Some("{}"), timeout, idempotent: false }
    }

    /// Aborts a call: true if it was still to be settled. Then the session never settles it.
    pub fn abort(&mut self, call: u32) -> bool {
        let Some(id) = self.id(call) else { return false };
        let payload = self.input(|session, now| session.abort(now, id.key));
        let Some(payload) = payload else { return false };
        assert_eq!(payload, call, "abort gave back the payload of another call");
        assert!(!self.settled.contains_key(&call), "call {call} was settled and then aborted");
        assert!(self.aborted.insert(call), "call {call} was aborted twice");
        true
    }

    /// `sendMessage(text)`.
    pub fn send(&mut self, text: &str) -> bool {
        self.input(|session, now| session.send(now, text))
    }

    /// `sendToolRequest(name, {})`.
    pub fn send_tool_request(&mut self, name: &str) -> Option<RequestId> {
        self.input(|session, now| session.send_tool_request(now, name, Some("{}")))
    }

    fn payload(&mut self) -> u32 {
        self.payloads += 1;
        self.payloads
    }
}

/// What the network and the server do on the newest connection.
impl Sim {
    /// From now on the server answers by itself, or no longer does.
    pub fn set_server(&mut self, server: Server) {
        self.server = server;
    }

    /// The dial succeeds.
    pub fn open(&mut self) {
        self.deeds.push_back(Deed::Open(self.connection));
        self.drain();
    }

    /// The upgrade is answered with this HTTP status.
    pub fn refuse(&mut self, status: u16) {
        self.fail_dial(Remedy::of_status(status), &format!("HTTP {status}"));
    }

    /// The dial fails.
    pub fn fail_dial(&mut self, remedy: Remedy, message: &str) {
        let failure = DialFailure { message: message.to_owned(), cause: None, remedy };
        let connection = self.connection;
        self.input(|session, now| session.handle_dial_failed(now, connection, failure));
    }

    /// A text comes.
    pub fn server_says(&mut self, text: &str) {
        self.deeds.push_back(Deed::Say(self.connection, text.to_owned()));
        self.drain();
    }

    /// The guide's answer to a call.
    pub fn server_answers(&mut self, call: u32, results: &str) {
        let id = self.id(call).expect("the call was taken");
        self.server_says(&format!(r#"{{"id":"{id}","results":{results}}}"#));
    }

    /// A close frame comes, or the answer to ours.
    pub fn server_closes(&mut self, code: u16, reason: &str) {
        self.end(Ending { code, reason: reason.to_owned(), clean: true, too_large: false });
    }

    /// The connection is gone without a word.
    pub fn drop_connection(&mut self) {
        self.end(Ending::abnormal("reset by peer"));
    }

    /// The socket ends like this. What was not written never will be.
    pub fn end(&mut self, ending: Ending) {
        self.deeds.push_back(Deed::End(self.connection, ending));
        self.drain();
    }

    /// The user's token function answers, or fails.
    pub fn token(&mut self, token: Result<&str, &str>) {
        let connection = self.connection;
        let token = token.map(Secret::new).map_err(str::to_owned);
        self.input(|session, now| session.handle_token(now, connection, token));
    }

    /// Bytes of a message come that is not yet whole.
    pub fn bytes_come(&mut self) {
        let connection = self.connection;
        self.input(|session, now| session.handle_bytes(now, connection));
    }

    /// The client stops reading, or reads again.
    pub fn pause_reading(&mut self, paused: bool) {
        let connection = self.connection;
        self.input(|session, now| session.handle_paused(now, connection, paused));
    }

    /// From now on texts stay with the client until [`write`](Self::write); or they leave at once again.
    pub fn hold_writes(&mut self, hold: bool) {
        self.holds_writes = hold;
        self.drain();
    }

    /// A writer takes so many texts. Should the connection end before the next [`write`](Self::write), the server has read
    /// them all the same.
    pub fn begin_writing(&mut self, count: usize) {
        self.leaving = count.min(self.unwritten.len());
        let (connection, leaving) = (self.connection, self.leaving);
        self.input(|session, _| session.handle_writing(connection, leaving));
    }

    /// The socket takes so many texts.
    pub fn write(&mut self, count: usize) {
        self.write_some(count);
        self.drain();
    }
}

/// Time.
impl Sim {
    /// Lets `millis` pass; timeouts fire exactly when they are due.
    pub fn advance(&mut self, millis: u64) {
        let end = self.now.mono + Duration::from_millis(millis);
        let mut here = 0;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            here = if due > self.now.mono { 0 } else { here + 1 };
            assert!(here < 1000, "the session does not let time go on");
            self.pass(due.saturating_sub(self.now.mono));
            self.wake_up();
        }
        self.pass(end - self.now.mono);
    }

    /// The machine sleeps: only the wall clock goes on. Nothing notices before the next input, or [`wake_up`](Self::wake_up).
    pub fn suspend(&mut self, millis: u64) {
        self.now.wall += millis;
    }

    /// The machine's network changes.
    pub fn change_network(&mut self) {
        self.input(Session::handle_network_changed);
    }

    /// The driver's loop comes round.
    pub fn wake_up(&mut self) {
        self.input(Session::handle_timeout);
    }

    fn pass(&mut self, time: Duration) {
        let whole = |mono: Duration| mono.as_millis() as u64;
        let before = whole(self.now.mono);
        self.now.mono += time;
        self.now.wall += whole(self.now.mono) - before;
    }
}

/// The drain rule, and the invariants.
impl Sim {
    fn drain(&mut self) {
        loop {
            self.collect();
            if !self.holds_writes && !self.unwritten.is_empty() {
                self.write_some(usize::MAX);
            } else if let Some(deed) = self.deeds.pop_front() {
                self.perform(deed);
            } else {
                break;
            }
        }
        self.check();
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.session.poll_transmit() {
            self.note(What::Transmit(transmit.clone()));
            if self.is_open && transmit.connection == self.connection {
                self.unwritten.push_back(transmit);
            }
        }
        while let Some(action) = self.session.poll_action() {
            self.note(What::Action(action.clone()));
            self.obey(action);
        }
        while let Some(event) = self.session.poll_event() {
            self.note(What::Event(event.clone()));
            match event {
                Event::Settled { payload, outcome } => self.settle(payload, outcome),
                Event::Notice(Notice::State { snapshot, previous }) => {
                    assert_eq!(previous, self.told.state, "a change of the state was not told");
                    self.told = snapshot;
                }
                _ => {}
            }
        }
    }

    fn obey(&mut self, action: Action) {
        match &action {
            Action::Dial(connection) => {
                assert!(connection.0 > self.connection.0, "a connection id was used twice");
                assert!(!self.is_open, "dialed while a socket is open");
                self.connection = *connection;
            }
            Action::Drop { connection, .. } if *connection == self.connection => self.hang_up(),
            _ => {}
        }
        self.deeds.extend(self.server.obey(action));
    }

    fn perform(&mut self, deed: Deed) {
        if deed.connection() != self.connection {
            return;
        }
        let now = self.now;
        match deed {
            Deed::Open(connection) => {
                self.is_open = true;
                self.session.handle_open(now, connection);
                self.is_open &= self.session.state().link().is_some_and(|link| link.id == connection);
                self.deeds.extend(self.server.greet(connection));
            }
            Deed::Say(connection, text) => {
                self.session.handle_bytes(now, connection);
                self.session.handle_message(now, connection, (&*text).into());
            }
            Deed::Token(connection) => self.session.handle_token(now, connection, Ok(Secret::new("token"))),
            Deed::End(connection, ending) => {
                self.hang_up();
                self.session.handle_closed(now, connection, ending);
            }
        }
    }

    fn hang_up(&mut self) {
        self.is_open = false;
        for text in std::mem::take(&mut self.unwritten).into_iter().take(std::mem::take(&mut self.leaving)) {
            self.note(What::Written(text));
        }
    }

    fn write_some(&mut self, count: usize) {
        let count = count.min(self.unwritten.len());
        self.leaving = 0;
        for text in self.unwritten.drain(..count).collect::<Vec<_>>() {
            self.deeds.extend(self.server.hear(&text, self.now));
            self.note(What::Written(text));
        }
        self.session.handle_written(self.connection, count);
    }

    fn note(&mut self, what: What) {
        self.record.push(Record { at: self.now.mono, what });
    }

    fn settle(&mut self, payload: u32, outcome: Outcome) {
        assert!((1..=self.payloads).contains(&payload), "payload {payload} was never given");
        assert!(!self.aborted.contains(&payload), "call {payload} was aborted and then settled");
        let before = self.settled.insert(payload, outcome);
        assert_eq!(before, None, "payload {payload} was settled twice");
    }

    /// What always holds between two inputs.
    fn check(&mut self) {
        let snapshot = self.session.snapshot();
        assert_eq!(self.told, snapshot, "a change of the picture was not told");
        if let MaxAttempts::Limited(cap) = self.session.config().max_reconnect_attempts {
            assert!(snapshot.attempt <= cap, "attempt {} of {cap}", snapshot.attempt);
        }
        assert_eq!(snapshot.retry_delay.is_some(), snapshot.state == "reconnecting");
        if !matches!(snapshot.state, "idle" | "closed" | "failed") {
            return;
        }
        let stats = self.session.stats();
        assert!(!snapshot.connected, "a socket is open in {}", snapshot.state);
        assert_eq!(self.session.poll_timeout(), None, "a timer runs in {}", snapshot.state);
        assert_eq!((stats.pending, stats.queued), (0, 0), "requests are left in {}", snapshot.state);
        assert_eq!(self.session.buffered_amount(), 0, "bytes are left in {}", snapshot.state);
    }
}
