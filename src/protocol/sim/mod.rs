//! A simulated world around one [`Session`]: network, server and both clocks, in virtual time.
//!
//! [`Sim`] does what a driver does. It keeps the drain rule, fires timeouts exactly when they are due, and records all that
//! comes out with the moment it came. The server is scripted call by call, or answers by itself ([`Server`]), across a
//! network that takes its time ([`Weather`]) or breaks. A [`History`] is a whole life of such a client, drawn from a seed.
//!
//! It must never read a clock, start a thread or draw from a global generator: the same seed and the same calls give
//! the same record. After every step it checks what always holds, so each test, random history and herd checks it too.

pub mod fuzz;
mod history;
mod ledger;
mod network;
mod record;
#[cfg(test)]
mod rules;
mod server;

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;

pub use self::{
    history::History,
    network::{Way, Weather},
    record::{Record, What},
    server::Server,
};
use self::{ledger::Ledger, network::Network, server::Deed};
use super::{
    Action, Call, Config, ConnectionId, DialFailure, Ending, Event, Footprint, Interest, Jitter, MaxAttempts, Notice,
    Now, Outcome, Remedy, RequestId, Secret, Session, Snapshot, State, TokenSource, Transmit,
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
    /// The peer is reading a text: the next one leaves when it has.
    is_reading: bool,
    network: Network,
    /// The newest dial.
    connection: ConnectionId,
    /// The socket of that dial is open on both sides.
    is_open: bool,
    /// The client has stopped reading that socket.
    is_paused: bool,
    /// What a server that answers by itself said meanwhile.
    unread: VecDeque<Deed>,
    /// The message that the session was just given.
    heard: Option<String>,
    /// The event dialect was taken up on the newest connection.
    is_event: bool,
    /// The user's code was written against a socket: it is told of each opening, and may authenticate by itself.
    awaits_openings: bool,
    /// The connection that the last text was for, or on which the server has accepted the client, or speaks of events.
    spoke_on: ConnectionId,
    record: Vec<Record>,
    ledger: Ledger,
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
            is_reading: false,
            network: Network::new(seed),
            connection: ConnectionId::default(),
            is_open: false,
            is_paused: false,
            unread: VecDeque::new(),
            heard: None,
            is_event: false,
            awaits_openings: false,
            spoke_on: ConnectionId::default(),
            record: Vec::new(),
            ledger: Ledger::default(),
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
        self.ledger.outcome(payload)
    }

    /// Commands and calls that are neither settled nor aborted.
    pub fn unsettled(&self) -> Vec<u32> {
        self.ledger.unsettled()
    }

    /// The id under which the call went out, refused ones apart.
    pub fn id(&self, call: u32) -> Option<RequestId> {
        self.ledger.id(call)
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
    /// From now on the user's code is one that was written against a socket. When it is told that a socket is open, it takes as long as the
    /// server thinks, and then authenticates by itself or leaves that to the client.
    pub fn await_openings(&mut self) {
        self.awaits_openings = true;
        self.input(|session, _| session.set_interest(Interest(Interest::ALL.0 | Interest::OPENS)));
    }

    /// `connect()`.
    pub fn connect(&mut self) -> u32 {
        let payload = self.ledger.open_account();
        self.input(|session, now| session.connect(now, payload));
        payload
    }

    /// `reconnect()`.
    pub fn reconnect(&mut self) -> u32 {
        let payload = self.ledger.open_account();
        self.ledger.forgive_attempts();
        self.input(|session, now| session.reconnect(now, payload));
        self.ledger.forgive_attempts();
        payload
    }

    /// `authenticate(token)`.
    pub fn authenticate(&mut self, token: Option<&str>) -> u32 {
        let payload = self.ledger.open_account();
        self.input(|session, now| session.authenticate(now, token.map(Secret::new), payload));
        payload
    }

    /// `close()`.
    pub fn close(&mut self) -> u32 {
        self.close_draining(0)
    }

    /// `close({ drain })`.
    pub fn close_draining(&mut self, drain: u64) -> u32 {
        let payload = self.ledger.open_account();
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
        let payload = self.ledger.open_account();
        match self.session.request(self.now, call, payload) {
            Ok(key) => {
                let id = RequestId { millis: self.now.wall, key };
                let deadline = call.timeout.map(|timeout| self.now.mono.saturating_add(timeout));
                self.ledger.promise(payload, id, call.idempotent, deadline);
            }
            Err(refused) => self.ledger.settle(payload, Outcome::Failed(refused.error), None),
        }
        self.drain();
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
        self.ledger.abort(call);
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
}

/// What the network and the server do on the newest connection.
impl Sim {
    /// From now on the server answers by itself, or no longer does.
    pub fn set_server(&mut self, server: Server) {
        self.server = server;
    }

    /// From now on network and server take their time, or no longer do.
    pub fn set_weather(&mut self, weather: Weather) {
        self.network.weather = weather;
    }

    /// From now on nothing goes this way, and nobody is told: the link is half open.
    pub fn freeze(&mut self, way: Way) {
        self.network.freeze(self.connection, way);
    }

    /// Cuts a connection after so many more messages, in whichever direction they go.
    pub fn light_fuse(&mut self, messages: u32) {
        self.network.light_fuse(messages);
    }

    /// The server goes down, and comes back as it was after `millis`.
    pub fn restart_server(&mut self, millis: u64) {
        let due = self.now.mono + Duration::from_millis(millis);
        self.network.at(due, Deed::Change(self.server));
        self.server = Server::Down;
        self.drop_connection();
    }

    /// All trouble ends: what is on its way is lost, `server` answers by itself and at once. The connection ends, or (where
    /// the heartbeat will find out) stays half open; a dial succeeds.
    pub fn heal(&mut self, server: Server) {
        self.network.calm_down();
        self.server = server;
        self.hold_writes(false);
        self.pause_reading(false);
        let is_dead = self.network.is_frozen(self.connection);
        if self.state() == "connecting" {
            self.network.thaw();
            self.open();
        } else if !is_dead || self.session.config().heartbeat_interval.is_none() {
            self.network.thaw();
            self.drop_connection();
        }
    }

    /// The dial succeeds.
    pub fn open(&mut self) {
        self.network.at_once(Deed::Open(self.connection));
        self.drain();
    }

    /// The upgrade is answered with this HTTP status.
    pub fn refuse(&mut self, status: u16) {
        self.fail_dial(Remedy::of_status(status), &format!("HTTP {status}"));
    }

    /// The dial fails.
    pub fn fail_dial(&mut self, remedy: Remedy, message: &str) {
        let failure = DialFailure { message: message.to_owned(), cause: None, remedy };
        self.network.at_once(Deed::Refuse(self.connection, failure));
        self.drain();
    }

    /// A text comes.
    pub fn server_says(&mut self, text: &str) {
        self.network.at_once(Deed::Say(self.connection, text.to_owned()));
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
        self.network.at_once(Deed::End(self.connection, ending));
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

    /// A binary message comes that is not UTF-8.
    pub fn binary_comes(&mut self, bytes: usize) {
        let connection = self.connection;
        self.input(|session, now| session.handle_binary(now, connection, bytes));
    }

    /// The client stops reading, or reads again.
    pub fn pause_reading(&mut self, paused: bool) {
        let connection = self.connection;
        self.is_paused = paused;
        self.input(|session, now| session.handle_paused(now, connection, paused));
        if !paused {
            self.unread.drain(..).for_each(|deed| self.network.at_once(deed));
            self.drain();
        }
    }

    /// The client's own code broke: what a driver reports after a panic.
    pub fn break_down(&mut self) {
        self.ledger.break_down();
        self.input(|session, now| session.handle_fault(now, "a panic"));
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
        while let Some((due, is_packet)) = self.next().filter(|(due, _)| *due <= end) {
            here = if due > self.now.mono { 0 } else { here + 1 };
            assert!(here < 1000, "the session does not let time go on");
            self.pass(due.saturating_sub(self.now.mono));
            if is_packet {
                self.drain();
            } else {
                self.wake_up();
            }
        }
        self.pass(end - self.now.mono);
    }

    /// The next thing to happen: when, and whether it comes over the network.
    fn next(&mut self) -> Option<(Duration, bool)> {
        let timer = self.session.poll_timeout().map(|due| (due, false));
        let packet = self.network.next().map(|due| (due, true));
        timer.into_iter().chain(packet).min()
    }

    /// The process is not scheduled: time passes, and all that was due happens at its end.
    pub fn stall(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
        self.wake_up();
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
            if self.can_write() {
                self.write_next();
            } else if let Some(deed) = self.network.arrived(self.now.mono) {
                self.perform(deed);
            } else {
                break;
            }
        }
        self.check();
    }

    fn collect(&mut self) {
        self.notice_dialect();
        while let Some(transmit) = self.session.poll_transmit() {
            self.check_first_words(&transmit);
            self.note(What::Transmit(transmit.clone()));
            if self.is_open && transmit.connection == self.connection {
                self.unwritten.push_back(transmit);
            }
        }
        while let Some(action) = self.session.poll_action() {
            self.note(What::Action(action.clone()));
            self.obey(action);
        }
        let heard = self.heard.take();
        while let Some(event) = self.session.poll_event() {
            self.note(What::Event(event.clone()));
            match event {
                Event::Settled { payload, outcome } => self.ledger.settle(payload, outcome, heard.as_deref()),
                Event::Notice(Notice::State { snapshot, previous }) => {
                    assert_eq!(previous, self.told.state, "a change of the state was not told");
                    self.ledger.enter(previous, &snapshot, self.session.config().max_reconnect_attempts);
                    if snapshot.state == "ready" {
                        self.spoke_on = self.connection;
                    }
                    self.told = snapshot;
                }
                Event::Notice(Notice::Open) if self.awaits_openings => {
                    self.network.think(self.now.mono, Deed::TellOpening);
                }
                _ => {}
            }
        }
    }

    /// Whether what was said in the event dialect has just turned out not to be understood.
    fn notice_dialect(&mut self) {
        let link = self.session.state().socket().filter(|link| link.id == self.connection);
        let is_event = link.is_some_and(|link| link.detected);
        if is_event {
            self.spoke_on = self.connection;
        }
        if std::mem::replace(&mut self.is_event, is_event) && !is_event && link.is_some() {
            self.ledger.take_back_event_dialect(self.connection);
        }
    }

    fn obey(&mut self, action: Action) {
        match &action {
            Action::Dial(connection) => {
                assert!(connection.0 > self.connection.0, "a connection id was used twice");
                assert!(!self.is_open, "dialed while a socket is open");
                self.connection = *connection;
                self.is_event = false;
                self.network.dial(*connection);
            }
            Action::Drop { connection, .. } if *connection == self.connection => self.hang_up(),
            _ => {}
        }
        if let Some(deed) = self.server.obey(action, &mut self.network) {
            self.network.send(self.now.mono, deed);
        }
    }

    fn perform(&mut self, deed: Deed) {
        let now = self.now;
        match deed {
            Deed::Open(connection) if connection == self.connection && !self.is_open => {
                self.is_open = true;
                self.is_paused = false;
                self.session.handle_open(now, connection);
                self.is_open &= self.session.state().socket().is_some_and(|link| link.id == connection);
                if let Some(deed) = self.server.greet(connection, &mut self.network) {
                    self.network.send(now.mono, deed);
                }
            }
            Deed::Open(connection) => self.session.handle_open(now, connection),
            Deed::Refuse(connection, failure) => self.session.handle_dial_failed(now, connection, failure),
            Deed::Say(connection, _) if self.is_paused && connection == self.connection && self.has_a_mind() => {
                self.unread.push_back(deed);
            }
            Deed::Say(connection, text) => {
                self.session.handle_bytes(now, connection);
                self.session.handle_message(now, connection, &(&*text).into());
                self.heard = Some(text);
            }
            Deed::Hear(text) => self.network.answer(self.server, &text, now),
            Deed::Token(connection, token) => {
                self.session.handle_token(now, connection, token.map(Secret::new).map_err(str::to_owned));
            }
            Deed::End(connection, ending) => {
                if connection == self.connection {
                    self.hang_up();
                }
                self.session.handle_closed(now, connection, ending);
            }
            Deed::Cut(connection) => {
                self.network.lose_what_goes_up(connection);
                self.perform(Deed::End(connection, Ending::abnormal("cut")));
            }
            Deed::Room(connection) if connection == self.connection && self.is_open && self.is_reading => {
                self.is_reading = false;
                self.write_some(1);
            }
            Deed::Room(_) => {}
            Deed::TellOpening => {
                if self.network.pick(&[true, false]) {
                    self.session.send(now, OWN_AUTH);
                }
                self.session.handle_open_told(now);
            }
            Deed::Change(server) => self.server = server,
        }
    }

    /// The server answers by itself.
    fn has_a_mind(&self) -> bool {
        self.server != Server::Scripted
    }

    fn hang_up(&mut self) {
        self.is_open = false;
        self.is_reading = false;
        self.unread.clear();
        for text in std::mem::take(&mut self.unwritten).into_iter().take(std::mem::take(&mut self.leaving)) {
            self.leave(text);
        }
    }

    fn can_write(&self) -> bool {
        !self.holds_writes && !self.is_reading && !self.unwritten.is_empty()
    }

    /// All at once; or one text, for which there is room when the peer has read it.
    fn write_next(&mut self) {
        let reading = self.network.weather.reading;
        if reading == 0 {
            return self.write_some(usize::MAX);
        }
        self.is_reading = true;
        self.leaving = 1;
        self.session.handle_writing(self.connection, 1);
        self.network.at(self.now.mono + Duration::from_millis(reading), Deed::Room(self.connection));
    }

    fn write_some(&mut self, count: usize) {
        let count = count.min(self.unwritten.len());
        self.leaving = 0;
        for text in self.unwritten.drain(..count).collect::<Vec<_>>() {
            self.leave(text);
        }
        self.session.handle_written(self.connection, count);
    }

    /// The server may have it from now on.
    fn leave(&mut self, text: Transmit) {
        self.ledger.written(&text);
        self.network.send(self.now.mono, Deed::Hear(text.clone()));
        self.note(What::Written(text));
    }

    fn note(&mut self, what: What) {
        self.record.push(Record { at: self.now.mono, what });
    }

    /// What always holds between two inputs.
    fn check(&mut self) {
        let snapshot = self.session.snapshot();
        assert_eq!(self.told, snapshot, "a change of the picture was not told");
        if let MaxAttempts::Limited(cap) = self.session.config().max_reconnect_attempts {
            assert!(snapshot.attempt <= cap, "attempt {} of {cap}", snapshot.attempt);
        }
        assert_eq!(snapshot.retry_delay.is_some(), snapshot.state == "reconnecting");
        assert_eq!(snapshot.retry_at.is_some(), snapshot.state == "reconnecting");
        self.ledger.check_deadlines(self.now.mono);
        self.check_counts();
        self.check_memory();
        if matches!(snapshot.state, "idle" | "closed" | "failed") {
            assert!(!snapshot.connected, "a socket is open in {}", snapshot.state);
            assert_eq!(self.session.poll_timeout(), None, "a timer runs in {}", snapshot.state);
            assert_eq!(self.session.buffered_amount(), 0, "bytes are left in {}", snapshot.state);
            assert_eq!(self.session.footprint(), Footprint::default(), "something is left in {}", snapshot.state);
        }
    }

    /// Nothing goes before the auth message, where one is needed and there is no token function to wait for. A server that accepts
    /// the client before it has said anything needs none, nor does one that speaks the event dialect.
    fn check_first_words(&mut self, text: &Transmit) {
        let is_first = std::mem::replace(&mut self.spoke_on, text.connection) != text.connection;
        let is_guide = self.session.state().socket().is_some_and(|link| link.id == text.connection && link.is_guide());
        let is_accepted = matches!(self.session.state(), State::Ready(_));
        if is_first && is_guide && !is_accepted && self.session.config().token != TokenSource::Ask {
            let message: Option<Value> = serde_json::from_slice(&text.text).ok();
            assert!(
                message.is_some_and(|message| message["id"] == "auth"),
                "the first text on a connection is {text:?}"
            );
        }
    }

    /// Every request is somewhere; none waits where nothing has to be waited for.
    fn check_counts(&mut self) {
        let stats = self.session.stats();
        let ended = stats.succeeded + stats.failed;
        let open = (stats.pending + stats.queued) as u64;
        assert_eq!(stats.requests, ended + open, "{ended} requests have ended, {open} are open");
        assert!(stats.state != "ready" || stats.queued == 0, "{} requests wait in ready", stats.queued);
    }

    /// Nothing is kept that nobody needs, and what is kept is counted rightly.
    fn check_memory(&mut self) {
        self.session.poll_timeout();
        let (stats, held) = (self.session.stats(), self.session.footprint());
        let waiting = stats.pending + stats.queued;
        let most = self.session.config().max_pending;
        assert!(waiting <= most, "{waiting} requests wait, maxPending is {most}");
        assert!(held.requests <= waiting + held.remembered, "{held:?}, but only {waiting} requests wait");
        assert!(held.remembered <= 4096 && held.pings <= 64, "{held:?}");
        let leftovers = 2 * held.requests + 1025;
        assert!(held.deadlines <= leftovers && held.queue <= leftovers, "{held:?}");
        let may_wait = matches!(stats.state, "connecting" | "authenticating" | "reconnecting");
        assert!(may_wait || held.queue == 0, "{held:?}, but nothing waits in {}", stats.state);
        assert_eq!(held.outputs, 0, "outputs were left after draining");
        let texts = if self.is_open { self.unwritten.len() } else { held.unwritten };
        assert_eq!(held.unwritten, texts, "texts wait to be written");
        let bytes: usize = self.unwritten.iter().map(|text| text.text.len()).sum();
        let queued = self.session.buffered_amount().checked_sub(bytes);
        assert_eq!(queued.is_some_and(|bytes| bytes > 0), stats.queued > 0, "bufferedAmount is {queued:?} over");
    }
}

/// What code that was written against a socket may send when it is open.
const OWN_AUTH: &str = r#"{"id":"auth","token":"mine"}"#;
