//! Whole lives of a client, drawn from a seed or from any string of bytes: whatever users, servers and networks do, in
//! whatever order, some things always hold.
//!
//! The simulator checks after every step what it can (`Sim::check`, the ledger); [`History::run`] adds how every life
//! ends.

use std::{fmt, time::Duration};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use super::{Conditions, Server, Sim, Way, drive::OWN_AUTH};
use mcp_protocol::{
    Call, Config, ConnectionId, DialectChoice, Ending, EndpointSource, Interest, Jitter, MaxAttempts, Outcome,
};
use mcp_protocol::{Secret, Session, TokenSource};

/// One life: what the client is made with, and what happens to it.
#[derive(Clone)]
pub struct History {
    /// Request ids, jitter and the network are drawn from it.
    seed: u64,
    config: Config,
    /// How many endpoints there are; 0 for a url function.
    endpoints: usize,
    /// All trouble ends before the client is closed: then it must reconnect by itself, and a call must succeed.
    is_healed: bool,
    /// The user's code was written against a WebSocket: see [`Sim::await_openings`].
    awaits_openings: bool,
    /// See [`History::in_a_page`].
    is_in_page: bool,
    steps: Vec<Step>,
}

/// Something that happens. Numbers pick among what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    Connect,
    Reconnect,
    Authenticate(Option<&'static str>),
    Close { drain: u64 },
    Tool { idempotent: bool, timeout: Option<u64> },
    Tools { timeout: Option<u64> },
    Abort(usize),
    Send(&'static str),
    SendToolRequest,
    BreakDown,
    Urls(Result<usize, &'static str>),
    Open,
    Refuse { status: u16, retry_after: Option<u64> },
    Say(String),
    Answer { call: usize, template: String },
    ServerCloses(u16),
    Drop,
    TooLarge,
    Token(Result<&'static str, &'static str>),
    Key { life: f64 },
    Bytes,
    Binary,
    Pause(bool),
    HoldWrites(bool),
    LeaveTexts(bool),
    BeginWriting(usize),
    Write(usize),
    Advance(u64),
    Stall(u64),
    Suspend(u64),
    ChangeNetwork,
    Server(Server),
    Conditions(Conditions),
    Freeze(Way),
    CutAfter(u32),
    Restart(u64),
    Late(u32),
}

impl History {
    /// The history of a seed, always the same.
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut bytes = vec![0; chance.random_range(SHORTEST..=LONGEST)];
        chance.fill_bytes(&mut bytes);
        Self::from_bytes(&bytes)
    }

    /// The history that these bytes spell. Any bytes do; what is missing counts as 0.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut choices = Choices { bytes };
        let seed = u64::from(choices.byte()) << 8 | u64::from(choices.byte());
        let config = choices.config();
        let endpoints = choices.one_of(&[1, 1, 1, 2, 3, 0]);
        let is_healed = choices.coin();
        let awaits_openings = seed.is_multiple_of(3);
        let mut steps = vec![Step::Conditions(choices.conditions()), Step::Server(choices.server())];
        if choices.number(8) > 0 {
            steps.push(Step::Connect);
        }
        while !choices.bytes.is_empty() && steps.len() < MOST_STEPS {
            steps.push(choices.step());
        }
        Self { seed, config, endpoints, is_healed, awaits_openings, is_in_page: false, steps }
    }

    /// The same, as far as it can happen to a client in a page. What comes into its session is kept.
    pub fn in_a_page(mut self) -> Self {
        use Step::{BeginWriting, BreakDown, HoldWrites, LeaveTexts, TooLarge, Write};
        let is_another_drivers = |step: &Step| {
            matches!(step, BreakDown | TooLarge | HoldWrites(_) | LeaveTexts(_) | BeginWriting(_) | Write(_))
        };
        self.steps.retain(|step| !is_another_drivers(step));
        for step in &mut self.steps {
            if let Step::Conditions(conditions) = step {
                conditions.reading = 0;
            }
        }
        self.is_in_page = true;
        self
    }

    /// Its client's session is made of these: see [`Sim::beginning`].
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the client is made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its endpoints; none if a function gives them.
    pub fn urls(&self) -> Option<Vec<String>> {
        (self.endpoints > 0).then(|| (0..self.endpoints).map(|place| format!("ws://sim{place}/mcp-ws")).collect())
    }

    /// How many steps it takes.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Nothing happens in it.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same without one of its steps.
    pub fn without(&self, step: usize) -> Self {
        let mut fewer = self.clone();
        fewer.steps.remove(step);
        fewer
    }

    /// Lets it happen, to the end: the client is closed, and all is settled and gone. Panics where an invariant is
    /// broken.
    pub fn run(&self) -> Sim {
        let source = self.urls().map_or(EndpointSource::Ask, EndpointSource::Known);
        let mut life = Life { sim: Sim::with_endpoints(self.config.clone(), source, self.seed), calls: Vec::new() };
        if self.is_in_page {
            life.sim.trace();
        }
        life.sim.input(|session, _| session.set_interest(Interest(Interest::ALL.0 | Interest::DIALS)));
        if self.awaits_openings {
            life.sim.await_openings();
        }
        for (place, step) in self.steps.iter().enumerate() {
            life.take(step);
            if place as u64 % BETWEEN_RECORDS == self.seed % BETWEEN_RECORDS {
                life.sim.check_record();
            }
        }
        if self.is_healed {
            life.heal(self.config.dialect);
        }
        life.end();
        life.sim.check_record();
        life.sim
    }
}

impl fmt::Debug for History {
    /// A line for each step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, config, endpoints, is_healed, awaits_openings, steps, .. } = self;
        writeln!(f, "seed {seed}, {endpoints} endpoints, {config:?}")?;
        if *awaits_openings {
            writeln!(f, "  the user's code is told of each opening")?;
        }
        steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        writeln!(
            f,
            "  {}",
            if *is_healed { "all trouble ends, then the client is closed" } else { "the client is closed" }
        )
    }
}

/// A client, and the calls made so far.
struct Life {
    sim: Sim,
    calls: Vec<u32>,
}

impl Life {
    fn take(&mut self, step: &Step) {
        let sim = &mut self.sim;
        match step {
            Step::Connect => drop(sim.connect()),
            Step::Reconnect => drop(sim.reconnect()),
            Step::Authenticate(token) => drop(sim.authenticate(*token)),
            Step::Close { drain } => drop(sim.close_draining(*drain)),
            Step::Tool { idempotent, timeout } => drop(self.tool(*idempotent, *timeout)),
            Step::Tools { timeout } => self.calls.push(sim.tools(*timeout)),
            Step::Abort(pick) => drop(self.pick(*pick).map(|call| self.sim.abort(call))),
            Step::Send(text) => drop(sim.send(text)),
            Step::SendToolRequest => drop(sim.send_tool_request("remembered")),
            Step::BreakDown => sim.break_down(),
            Step::Urls(urls) => sim.answer_urls(*urls),
            Step::Open if sim.state() == "connecting" => sim.open(),
            Step::Refuse { status, retry_after } if sim.state() == "connecting" => match retry_after {
                Some(millis) => sim.refuse_for(*status, *millis),
                None => sim.refuse(*status),
            },
            Step::Open | Step::Refuse { .. } => {}
            Step::Say(text) => sim.server_says(text),
            Step::Answer { call, template } => {
                let id = self.pick(*call).and_then(|call| self.sim.id(call));
                self.sim.server_says(&template.replace("ID", &id.map_or_else(String::new, |id| id.to_string())));
            }
            Step::ServerCloses(code) => sim.server_closes(*code, "because"),
            Step::Drop => sim.drop_connection(),
            Step::TooLarge => sim.end(Ending { code: 1009, reason: "large".into(), clean: false, too_large: true }),
            Step::Token(token) => sim.token(*token),
            Step::Key { life } => sim.key("key", *life),
            Step::Bytes => sim.bytes_come(),
            Step::Binary => sim.binary_comes(3),
            Step::Pause(paused) => sim.pause_reading(*paused),
            Step::HoldWrites(hold) => sim.hold_writes(*hold),
            Step::LeaveTexts(leave) => sim.leave_texts(*leave),
            Step::BeginWriting(count) => sim.begin_writing(*count),
            Step::Write(count) => sim.write(*count),
            Step::Advance(millis) => sim.advance(*millis),
            Step::Stall(millis) => sim.stall(*millis),
            Step::Suspend(millis) => sim.suspend(*millis),
            Step::ChangeNetwork => sim.change_network(),
            Step::Server(server) => sim.set_server(*server),
            Step::Conditions(conditions) => sim.set_conditions(*conditions),
            Step::Freeze(way) => sim.freeze(*way),
            Step::CutAfter(messages) => sim.cut_after(*messages),
            Step::Restart(millis) => sim.restart_server(*millis),
            Step::Late(back) => self.news_of_the_past(*back),
        }
    }

    fn tool(&mut self, idempotent: bool, timeout: Option<u64>) -> u32 {
        let timeout = timeout.map(Duration::from_millis);
        let call = self.sim.call(Call { name: "tool", timeout, idempotent, ..Call::default() });
        self.calls.push(call);
        call
    }

    fn pick(&self, pick: usize) -> Option<u32> {
        (!self.calls.is_empty()).then(|| self.calls[pick % self.calls.len()])
    }

    /// All that could be said of a connection before the newest.
    fn news_of_the_past(&mut self, back: u32) {
        let Some(old) = self.sim.connection().0.checked_sub(back + 1).map(ConnectionId) else { return };
        let state = self.sim.session().state();
        if state.is_dialing(old) || state.connection() == Some(old) {
            return;
        }
        self.sim.input(|session, now| {
            let before = session.snapshot();
            session.handle_open(now, old);
            session.handle_token(now, old, Ok(Secret::new("old").into()));
            session.handle_message(now, old, r#"{"id":"auth","success":true}"#.into());
            Session::handle_written(session, old, 3);
            session.handle_paused(now, old, true);
            session.handle_closed(now, old, Ending::abnormal("old"));
            assert_eq!(session.snapshot(), before, "old news changed something");
        });
    }

    /// From what can be come back from, the client comes back by itself: it is `ready` again, and a call gets its
    /// answer.
    fn heal(&mut self, dialect: DialectChoice) {
        let server = if dialect == DialectChoice::Event { Server::Event } else { Server::Guide };
        let (before, dialing) = (self.sim.connection(), self.sim.state() == "connecting");
        self.sim.heal(server);
        self.sim.advance(LONGEST_ABSENCE);
        self.renew_expired_key();
        let state = self.sim.state();
        if !dialing && self.sim.connection() == before {
            // It had no attempt left, was closed, or was refused at the upgrade.
            let is_at_rest = matches!(state, "idle" | "closed" | "failed" | "unauthorized");
            return assert!(is_at_rest && !self.sim.session().snapshot().connected, "{state} for ever");
        }
        assert_eq!(state, "ready", "it did not come back");
        let call = self.tool(false, Some(10_000));
        self.sim.advance(10_000);
        let outcome = self.sim.outcome(call);
        assert!(matches!(outcome, Some(Outcome::Results(_))), "a call on a healthy connection: {outcome:?}");
        self.lose_after_uptime();
    }

    /// A key from before may have ended faster than another one could come.
    fn renew_expired_key(&mut self) {
        let error = self.sim.session().snapshot().error;
        if self.sim.state() == "unauthorized" && error.is_some_and(|error| error.message.contains("has expired")) {
            self.sim.authenticate(None);
            self.sim.advance(LONGEST_ABSENCE);
        }
    }

    /// A connection that was healthy for long enough, and is then lost, is followed by the first attempt.
    fn lose_after_uptime(&mut self) {
        let config = self.sim.session().config();
        let (uptime, cap) = (config.min_uptime, config.max_reconnect_attempts);
        self.sim.advance(uptime.as_millis() as u64);
        self.sim.drop_connection();
        let snapshot = self.sim.session().snapshot();
        match cap {
            MaxAttempts::Limited(0) => assert_eq!(snapshot.state, "failed"),
            _ => assert_eq!((snapshot.state, snapshot.attempt), ("reconnecting", 1)),
        }
    }

    /// The end of every life: the client is closed, and time goes on.
    fn end(&mut self) {
        self.sim.close();
        self.sim.advance(CLOSING);
        assert!(matches!(self.sim.state(), "closed" | "failed"), "{}", self.sim.state());
        assert_eq!(self.sim.unsettled(), Vec::<u32>::new(), "not settled");
    }
}

/// Decisions, read off a string of bytes.
struct Choices<'a> {
    bytes: &'a [u8],
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.bytes.split_off_first().copied().unwrap_or_default()
    }

    fn coin(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn number(&mut self, below: u8) -> usize {
        usize::from(self.byte() % below)
    }

    fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// Up to 63 bytes, as they are but for what is not UTF-8.
    fn text(&mut self) -> String {
        let length = self.number(64).min(self.bytes.len());
        let bytes = self.bytes.split_off(..length).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn config(&mut self) -> Config {
        let jitter = [Jitter::Fraction(0.0), Jitter::Fraction(0.2), Jitter::Full];
        let caps = [0, 1, 2, 10].map(MaxAttempts::Limited);
        Config {
            dialect: self.one_of(&[
                DialectChoice::Auto,
                DialectChoice::Auto,
                DialectChoice::Guide,
                DialectChoice::Event,
            ]),
            max_reconnect_attempts: self.one_of(&[caps[0], caps[1], caps[2], caps[3], MaxAttempts::Unlimited]),
            offline_queue_limit: self.one_of(&[0, 2, 1024]),
            token: if self.one_of(&[false, false, true]) { TokenSource::Ask } else { Sim::exact().token },
            heartbeat_interval: self.one_of(&[Some(15), Some(15), None]).map(Duration::from_secs),
            reconnect_jitter: self.one_of(&jitter),
            race: self.one_of(&[false, false, true]),
            min_uptime: Duration::from_secs(self.one_of(&[5, 5, 0, 60])),
            max_pending: 8,
            max_buffered_amount: 1_000,
            ..Sim::exact()
        }
    }

    fn conditions(&mut self) -> Conditions {
        Conditions {
            latency: self.one_of(&[0, 0, 1, 50, 700, 4_000]),
            thinking: self.one_of(&[0, 0, 10, 3_000, 40_000]),
            reading: self.one_of(&[0, 0, 0, 1, 100, 9_000]),
        }
    }

    fn server(&mut self) -> Server {
        use Server::{Down, Event, Guide, Liar, Mute, Refusing, Scripted};
        self.one_of(&[Scripted, Scripted, Guide, Guide, Guide, Event, Event, Liar, Liar, Liar, Refusing, Mute, Down])
    }

    fn step(&mut self) -> Step {
        match self.byte() {
            0..=79 => self.user_step(),
            80..=139 => self.peer_step(),
            140..=199 => Step::Advance(self.one_of(&[0, 1, 40, 999, 1_000, 5_000, 10_000, 15_000, 31_000])),
            200..=227 => self.trouble(),
            _ => self.driver(),
        }
    }

    fn user_step(&mut self) -> Step {
        match self.number(32) {
            0..=2 => Step::Connect,
            3 => Step::Reconnect,
            4..=5 => Step::Authenticate(self.one_of(&[None, Some("new")])),
            6 => Step::Close { drain: self.one_of(&[0, 1, 20_000]) },
            7..=8 => Step::Abort(self.number(64)),
            9..=10 => Step::Send(self.one_of(&SENT)),
            11..=12 => Step::SendToolRequest,
            13 => Step::Tools { timeout: self.one_of(&[None, Some(1), Some(500), Some(30_000)]) },
            _ => {
                let timeout = self.one_of(&[None, Some(1), Some(2_000), Some(30_000), Some(30_000)]);
                Step::Tool { idempotent: self.coin(), timeout }
            }
        }
    }

    fn peer_step(&mut self) -> Step {
        match self.number(32) {
            0 => Step::Urls(self.one_of(&[Ok(1), Ok(3), Err("threw")])),
            1..=5 => Step::Open,
            6..=14 => Step::Say(self.one_of(&TEXTS).to_owned()),
            15 => Step::Say(self.text()),
            16..=24 => Step::Answer { call: self.number(64), template: self.one_of(&ANSWERS).to_owned() },
            25..=26 => Step::Answer { call: self.number(64), template: self.text() },
            27 => Step::Key { life: self.one_of(&[1.0, 4_000.0, 30_000.0, 900_000.0, 0.0, f64::INFINITY]) },
            28 => Step::Token(self.one_of(&[Ok("key"), Ok("key"), Err("threw")])),
            29 => Step::Bytes,
            30 => Step::Binary,
            _ => Step::Late(self.byte().into()),
        }
    }

    fn trouble(&mut self) -> Step {
        match self.number(32) {
            0 => Step::BreakDown,
            1..=2 => Step::Refuse {
                status: self.one_of(&[400, 401, 429, 503]),
                retry_after: self.one_of(&[None, None, Some(0), Some(5_000), Some(3_600_000)]),
            },
            3..=4 => Step::ServerCloses(self.one_of(&[1000, 1001, 1005, 1008, 1011, 4000])),
            5..=6 => Step::Drop,
            7..=8 => Step::TooLarge,
            9..=12 => Step::Freeze(self.one_of(&[Way::Up, Way::Down])),
            13..=18 => Step::CutAfter(self.number(8) as u32),
            19..=22 => Step::Restart(self.one_of(&[1, 1_500, 20_000, 100_000])),
            23..=26 => Step::Conditions(self.conditions()),
            _ => Step::Server(self.server()),
        }
    }

    fn driver(&mut self) -> Step {
        match self.number(10) {
            9 => Step::LeaveTexts(self.coin()),
            8 => Step::ChangeNetwork,
            0 => Step::Pause(self.coin()),
            1 => Step::HoldWrites(self.coin()),
            2 => Step::BeginWriting(self.number(4)),
            3..=5 => Step::Write(self.number(4)),
            6 => Step::Stall(self.one_of(&[1, 3_000, 40_000])),
            _ => Step::Suspend(self.one_of(&[1, 15_001, 3_600_000])),
        }
    }
}

const TEXTS: [&str; 14] = [
    r#"{"id":"auth","success":true}"#,
    r#"{"id":"auth","success":true}"#,
    r#"{"id":"auth","success":true}"#,
    r#"{"id":"auth","success":false,"error":"no such key"}"#,
    r#"{"messageType":"pong","timestamp":1}"#,
    r#"{"event":"schemas","data":[]}"#,
    r#"{"event":"schemas","data":[{"name":"a"},{}]}"#,
    r#"{"event":"pong","timestamp":1}"#,
    "not JSON",
    "[1]",
    r#"{"id":"auth","success":true"#,
    r#"{"event":"error","data":{"message":"m"}}"#,
    r#"{"id":"req_1_aaaaaaaaa","results":1}"#,
    r#"{"event":"connection","data":{}}"#,
];

/// `ID` is that of a call of this life, open or not.
const ANSWERS: [&str; 8] = [
    r#"{"id":"ID","results":1}"#,
    r#"{"id":"ID","results":1}"#,
    r#"{"id":"ID","error":{"message":"no"}}"#,
    r#"{"id":"ID","results":nonsense}"#,
    r#"{"event":"response","data":{"id":"ID","results":1}}"#,
    r#"{"event":"error","data":{"requestId":"ID"}}"#,
    r#"{"event":"response","data":{"id":"ID","results":}}"#,
    r#"{"data":{"results":2,"id":"ID"},"event":"response"}"#,
];

const SENT: [&str; 4] = ["hello", r#"{"messageType":"ping"}"#, r#"{"type":"ping"}"#, OWN_AUTH];

/// In bytes: a step takes two or three of them.
const SHORTEST: usize = 16;
const LONGEST: usize = 320;
const MOST_STEPS: usize = 400;
/// In ms: until the heartbeat finds out (25 s), the longest wait before an attempt (36 s), and time to spare.
const LONGEST_ABSENCE: u64 = 90_000;
/// Steps. A record is replayed at some moments of some lives, and at the end of all: it takes longer than many steps.
const BETWEEN_RECORDS: u64 = 256;
/// In ms: what the closing handshake may take.
const CLOSING: u64 = 2_000;
