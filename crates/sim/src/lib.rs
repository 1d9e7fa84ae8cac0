//! A simulated world around one [`Session`]: network, server and both clocks, in virtual time.
//!
//! [`Sim`] does what a driver does. It keeps the drain rule, fires timeouts exactly when they are due, and records all
//! that comes out with the moment it came. The server is scripted call by call, or answers by itself ([`Server`]), over
//! a network that is slow ([`Conditions`]) or breaks. A [`History`] is a whole life of such a client, drawn from a
//! seed.
//!
//! It must never read a clock, start a thread or draw from a global generator: the same seed and the same calls give
//! the same outputs. After every step it checks what always holds, so each test and random history checks it too.

#![forbid(unsafe_code)]

mod answers;
mod chance;
mod drive;
mod event;
pub mod fuzz;
mod history;
mod ledger;
mod network;
mod output;
#[cfg(test)]
mod rules;
mod server;
mod traced;
mod user;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use mcp_protocol::{
    Config, ConnectionId, EndpointSource, Interest, Jitter, Now, Outcome, RequestId, Session, Snapshot, Transmit,
};

pub use self::{
    event::Way,
    history::History,
    network::Conditions,
    output::{Output, What},
    server::Server,
    traced::{Given, Input, Traced},
};
use self::{event::WorldEvent, ledger::Ledger, network::Network};

/// One client in its world. Payloads of commands and calls are numbered from 1.
pub struct Sim {
    session: Traced,
    server: Server,
    now: Now,
    /// Texts handed out for the open socket and not yet written.
    unwritten: VecDeque<Transmit>,
    /// Bytes that the socket keeps of what was written.
    backlog: usize,
    /// How many of them a writer has taken.
    leaving: usize,
    holds_writes: bool,
    /// Texts stay with the session while it is `ready`: they are sent together, later.
    leaves_texts: bool,
    /// The peer is reading a text: the next one leaves when it has.
    is_reading: bool,
    network: Network,
    /// The newest dial, or the one that has won a race.
    connection: ConnectionId,
    /// The socket of that dial is open on both sides.
    is_open: bool,
    /// The number of the newest dial, or question for urls.
    newest: ConnectionId,
    /// Dials that are neither answered nor dropped.
    dials: BTreeSet<ConnectionId>,
    /// Sockets that are open, and race to become the client's.
    racing: BTreeSet<ConnectionId>,
    /// The last question to the token function, and to the url function.
    asked: [Option<ConnectionId>; 2],
    /// The client has stopped reading that socket.
    is_paused: bool,
    /// What the server has sent meanwhile, unless it is scripted.
    unread: VecDeque<WorldEvent>,
    /// The message that the session was just given.
    heard: Option<String>,
    /// What it was given of sockets that race, or have just won.
    heard_in_race: Vec<String>,
    /// The event dialect was taken up on the newest connection.
    is_event: bool,
    /// The user's code was written against a WebSocket: it is told of each opening, and may authenticate by itself.
    awaits_openings: bool,
    /// The connections that a text was for, or on which the server has accepted the client, or speaks of events.
    spoke_on: BTreeSet<ConnectionId>,
    outputs: Vec<Output>,
    ledger: Ledger,
    /// The last snapshot that the user was told.
    told: Snapshot,
}

/// Making one, and reading what came of it.
impl Sim {
    /// A client in `idle` that listens to everything but the log, before a scripted server. Time starts at an arbitrary
    /// moment.
    pub fn new(config: Config, seed: u64) -> Self {
        Self::with_endpoints(config, "ws://sim/mcp-ws", seed)
    }

    /// The same with these endpoints.
    pub fn with_endpoints(config: Config, source: impl Into<EndpointSource>, seed: u64) -> Self {
        let (bytes, now) = Self::beginning(seed);
        let mut session = Session::new(config, source, bytes, now);
        session.set_interest(Interest(Interest::MESSAGES | Interest::HEARTBEATS));
        Self {
            told: session.snapshot(),
            session: Traced::new(session),
            server: Server::Scripted,
            now,
            unwritten: VecDeque::new(),
            backlog: 0,
            leaving: 0,
            holds_writes: false,
            leaves_texts: false,
            is_reading: false,
            network: Network::new(seed),
            connection: ConnectionId::default(),
            is_open: false,
            newest: ConnectionId::default(),
            dials: BTreeSet::new(),
            racing: BTreeSet::new(),
            asked: [None; 2],
            is_paused: false,
            unread: VecDeque::new(),
            heard: None,
            heard_in_race: Vec::new(),
            is_event: false,
            awaits_openings: false,
            spoke_on: BTreeSet::new(),
            outputs: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    /// The defaults without jitter, so that every delay is known.
    pub fn exact() -> Config {
        Config { reconnect_jitter: Jitter::Fraction(0.0), ..Config::default() }
    }

    /// The session, to be looked at.
    pub fn session(&self) -> &Session<u32> {
        &self.session
    }

    /// From now on the client is one in a page, and what comes into its session is kept.
    pub(crate) fn trace(&mut self) {
        self.session.begin();
    }

    /// What has come into the session of a client in a page.
    pub fn inputs(&self) -> &[Input] {
        self.session.inputs()
    }

    /// How many texts were written on each connection.
    pub fn written(&self) -> &BTreeMap<ConnectionId, usize> {
        self.session.written()
    }

    /// The 32 bytes that a session of this seed is made with, and when.
    pub fn beginning(seed: u64) -> ([u8; 32], Now) {
        let now = Now { mono: Duration::from_secs(1000), wall: 1_700_000_000_000 };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        (bytes, now)
    }

    /// The state's name.
    pub fn state(&self) -> &'static str {
        self.session.state().name()
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The newest dial, or the one that has won a race.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// All that came out since the last [`forget`](Self::forget).
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Forgets them.
    pub fn forget(&mut self) {
        self.outputs.clear();
    }

    /// How the command or call was settled, if it was.
    pub fn outcome(&self, payload: u32) -> Option<&Outcome> {
        self.ledger.outcome(payload)
    }

    /// Commands and calls that are neither settled nor aborted.
    pub fn unsettled(&self) -> Vec<u32> {
        self.ledger.unsettled()
    }

    /// The id of a call, unless it was refused.
    pub fn id(&self, call: u32) -> Option<RequestId> {
        self.ledger.id(call)
    }

    /// ms until the session wants to be woken.
    pub fn next_wake_up(&mut self) -> Option<u64> {
        let due = self.session.poll_timeout()?;
        Some(due.saturating_sub(self.now.mono).as_millis() as u64)
    }
}
