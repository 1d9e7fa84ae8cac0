//! Random walks: whatever users, servers and networks do, in whatever order, some things always hold.
//!
//! The simulator itself checks after every step what it can; see `Sim::check`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::protocol::{Call, ConnectionId, DialectChoice, Ending, Interest, Secret, Session, sim::Server};

/// One step of a walk. Numbers pick among what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    Connect,
    Reconnect,
    Authenticate(Option<&'static str>),
    Close { drain: u64 },
    Tool { idempotent: bool, timeout: Option<u64> },
    Abort(usize),
    Send(&'static str),
    SendToolRequest,
    Open,
    Refuse(u16),
    Say(&'static str),
    Answer { call: usize, template: &'static str },
    ServerCloses(u16),
    Drop,
    TooLarge,
    Token(Result<&'static str, &'static str>),
    Bytes,
    Pause(bool),
    HoldWrites(bool),
    BeginWriting(usize),
    Write(usize),
    Advance(u64),
    Suspend(u64),
    ChangeNetwork,
    Server(Server),
    Late(u32),
}

const TEXTS: [&str; 12] = [
    ACCEPTED,
    ACCEPTED,
    REFUSED,
    PONG,
    SCHEMAS,
    EVENT_PONG,
    "not JSON",
    "[1]",
    r#"{"id":"auth","success":true"#,
    r#"{"event":"error","data":{"message":"m"}}"#,
    r#"{"id":"req_1_aaaaaaaaa","results":1}"#,
    r#"{"event":"connection","data":{}}"#,
];

const ANSWERS: [&str; 6] = [
    r#"{"id":"ID","results":1}"#,
    r#"{"id":"ID","error":{"message":"no"}}"#,
    r#"{"id":"ID","results":nonsense}"#,
    r#"{"event":"response","data":{"id":"ID","results":1}}"#,
    r#"{"event":"error","data":{"requestId":"ID"}}"#,
    r#"{"event":"response","data":{"id":"ID","results":}}"#,
];

const SENT: [&str; 4] = ["hello", r#"{"messageType":"ping"}"#, r#"{"type":"ping"}"#, r#"{"id":"auth","token":"mine"}"#];

fn step() -> impl Strategy<Value = Step> {
    let life = prop_oneof![
        3 => Just(Step::Open),
        4 => prop::sample::select(&TEXTS[..]).prop_map(Step::Say),
        3 => (any::<usize>(), prop::sample::select(&ANSWERS[..])).prop_map(|(call, template)| Step::Answer { call, template }),
        3 => prop::sample::select(vec![0, 1, 999, 1_000, 5_000, 10_000, 15_000, 31_000]).prop_map(Step::Advance),
        1 => Just(Step::Token(Ok("token"))),
        1 => any::<usize>().prop_map(Step::Write),
        1 => any::<usize>().prop_map(Step::BeginWriting),
        1 => any::<bool>().prop_map(Step::HoldWrites),
        1 => any::<bool>().prop_map(Step::Pause),
    ];
    let trouble = prop_oneof![
        prop::sample::select(vec![400, 401, 429, 503]).prop_map(Step::Refuse),
        prop::sample::select(vec![1000, 1001, 1005, 1008, 1011, 4000]).prop_map(Step::ServerCloses),
        Just(Step::Drop),
        Just(Step::TooLarge),
        Just(Step::Token(Err("threw"))),
        Just(Step::Bytes),
        prop::sample::select(vec![1, 15_001, 3_600_000]).prop_map(Step::Suspend),
        Just(Step::ChangeNetwork),
        prop::sample::select(vec![Server::Guide, Server::Event, Server::Scripted]).prop_map(Step::Server),
        (0..5u32).prop_map(Step::Late),
    ];
    let user = prop_oneof![
        2 => Just(Step::Connect),
        1 => Just(Step::Reconnect),
        1 => prop::sample::select(vec![None, Some("new")]).prop_map(Step::Authenticate),
        1 => prop::sample::select(vec![0, 1, 20_000]).prop_map(|drain| Step::Close { drain }),
        6 => (any::<bool>(), prop::sample::select(vec![None, Some(1), Some(30_000)]))
            .prop_map(|(idempotent, timeout)| Step::Tool { idempotent, timeout }),
        1 => any::<usize>().prop_map(Step::Abort),
        1 => prop::sample::select(&SENT[..]).prop_map(Step::Send),
        1 => Just(Step::SendToolRequest),
    ];
    prop_oneof![5 => life, 2 => trouble, 3 => user]
}

fn config() -> impl Strategy<Value = Config> {
    let dialect = prop::sample::select(vec![DialectChoice::Auto, DialectChoice::Guide, DialectChoice::Event]);
    let cap = prop::sample::select(vec![0, 1, 10]).prop_map(MaxAttempts::Limited);
    (dialect, cap, any::<bool>(), prop::sample::select(vec![0, 2, 1024]), any::<bool>()).prop_map(
        |(dialect, max_reconnect_attempts, asks, offline_queue_limit, beats)| {
            let mut config = Config { dialect, max_reconnect_attempts, offline_queue_limit, ..Sim::exact() };
            config.max_pending = 8;
            config.max_buffered_amount = 1_000;
            config.heartbeat_interval = beats.then_some(Duration::from_secs(15));
            if asks {
                asks_for_tokens(&mut config);
            }
            config
        },
    )
}

/// A walk, and what has to be remembered to judge it.
struct Walk {
    sim: Sim,
    calls: Vec<u32>,
    idempotent: BTreeSet<u32>,
}

impl Walk {
    fn take(&mut self, step: Step) {
        let sim = &mut self.sim;
        match step {
            Step::Connect => drop(sim.connect()),
            Step::Reconnect => drop(sim.reconnect()),
            Step::Authenticate(token) => drop(sim.authenticate(token)),
            Step::Close { drain } => drop(sim.close_draining(drain)),
            Step::Tool { idempotent, timeout } => self.tool(idempotent, timeout),
            Step::Abort(pick) => drop(self.pick(pick).map(|call| self.sim.abort(call))),
            Step::Send(text) => drop(sim.send(text)),
            Step::SendToolRequest => drop(sim.send_tool_request("remembered")),
            Step::Open if sim.state() == "connecting" => sim.open(),
            Step::Refuse(status) if sim.state() == "connecting" => sim.refuse(status),
            Step::Open | Step::Refuse(_) => {}
            Step::Say(text) => sim.server_says(text),
            Step::Answer { call, template } => {
                let id = self.pick(call).and_then(|call| self.sim.id(call));
                self.sim.server_says(&template.replace("ID", &id.map_or_else(String::new, |id| id.to_string())));
            }
            Step::ServerCloses(code) => sim.server_closes(code, "because"),
            Step::Drop => sim.drop_connection(),
            Step::TooLarge => sim.end(Ending { code: 1009, reason: "large".into(), clean: false, too_large: true }),
            Step::Token(token) => sim.token(token),
            Step::Bytes => sim.bytes_come(),
            Step::Pause(paused) => sim.pause_reading(paused),
            Step::HoldWrites(hold) => sim.hold_writes(hold),
            Step::BeginWriting(count) => sim.begin_writing(count % 4),
            Step::Write(count) => sim.write(count % 4),
            Step::Advance(millis) => sim.advance(millis),
            Step::Suspend(millis) => sim.suspend(millis),
            Step::ChangeNetwork => sim.change_network(),
            Step::Server(server) => sim.set_server(server),
            Step::Late(back) => self.news_of_the_past(back),
        }
    }

    fn tool(&mut self, idempotent: bool, timeout: Option<u64>) {
        // The name tells the texts of one call from those of another.
        let name = format!("tool {}", self.calls.len());
        let timeout = timeout.map(Duration::from_millis);
        let call = self.sim.call(Call { name: &name, parameters: None, timeout, idempotent });
        self.calls.push(call);
        if idempotent {
            self.idempotent.insert(call);
        }
    }

    fn pick(&self, pick: usize) -> Option<u32> {
        (!self.calls.is_empty()).then(|| self.calls[pick % self.calls.len()])
    }

    /// All that could be said of a connection before the newest.
    fn news_of_the_past(&mut self, back: u32) {
        let Some(old) = self.sim.connection().0.checked_sub(back + 1).map(ConnectionId) else { return };
        let before = self.sim.session().snapshot();
        self.sim.input(|session: &mut Session<u32>, now| {
            session.handle_open(now, old);
            session.handle_token(now, old, Ok(Secret::new("old")));
            session.handle_message(now, old, ACCEPTED.into());
            session.handle_written(old, 3);
            session.handle_paused(now, old, true);
            session.handle_closed(now, old, Ending::abnormal("old"));
        });
        assert_eq!(self.sim.session().snapshot(), before);
    }

    /// The end of every walk: the client is closed, and time goes on.
    fn end(&mut self) {
        self.sim.close();
        self.sim.advance(2_000);
        assert!(matches!(self.sim.state(), "closed" | "failed"), "{}", self.sim.state());
        assert_eq!(self.sim.unsettled(), Vec::<u32>::new());
    }

    fn judge(&self) {
        self.judge_states();
        // The one exception: what was sent in a form that was not understood is sent again.
        let changed_over = logged(&self.sim).iter().any(|line| line.contains("guide's dialect after all"));
        for (place, call) in self.calls.iter().enumerate() {
            let connections = self.connections_of(&format!("tool {place}"));
            if !changed_over {
                let most = if self.idempotent.contains(call) { 3 } else { 1 };
                assert!(connections.len() <= most, "call {call} was sent on connections {connections:?}");
                assert!(connections.values().all(|times| *times == 1), "call {call} was sent twice on a connection");
            }
            if let Some(Outcome::Failed(error)) = self.sim.outcome(*call) {
                let never_left = error.sent == Some(false);
                assert!(!never_left || connections.is_empty(), "call {call} left, whatever was promised");
            }
        }
    }

    /// On which connections the call of this name was written, and how often.
    fn connections_of(&self, name: &str) -> BTreeMap<u32, usize> {
        let quoted = format!("\"{name}\"");
        let mut times = BTreeMap::new();
        for record in self.sim.record() {
            match &record.what {
                What::Written(text) if record.what.to_string().contains(&quoted) => {
                    *times.entry(text.connection.0).or_default() += 1;
                }
                _ => {}
            }
        }
        times
    }

    fn judge_states(&self) {
        for record in self.sim.record() {
            if let What::Event(Event::Notice(Notice::State { snapshot, previous })) = &record.what {
                let next = snapshot.state;
                assert!(may_follow(previous).contains(&next), "{previous} was followed by {next}");
            }
        }
    }
}

/// The graph of the states.
fn may_follow(state: &str) -> &'static [&'static str] {
    match state {
        "idle" => &["connecting", "closed"],
        "connecting" => &["connecting", "authenticating", "unauthorized", "reconnecting", "failed", "closed"],
        "authenticating" => &["connecting", "ready", "unauthorized", "reconnecting", "closing", "closed", "failed"],
        "ready" => &["connecting", "unauthorized", "reconnecting", "closing", "closed", "failed"],
        "unauthorized" => {
            &["connecting", "authenticating", "ready", "unauthorized", "reconnecting", "closing", "closed", "failed"]
        }
        "reconnecting" => &["connecting", "closed"],
        "closing" => &["closed"],
        "closed" | "failed" => &["connecting"],
        other => panic!("no state is called {other}"),
    }
}

proptest! {
    #![proptest_config(search(512))]

    #[test]
    fn every_payload_is_settled_once_and_nothing_is_promised_that_is_not_kept(
        config in config(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut walk = Walk { sim: Sim::new(config, 1), calls: Vec::new(), idempotent: BTreeSet::new() };
        walk.sim.input(|session, _| session.set_interest(Interest::ALL));
        for step in steps {
            walk.take(step);
        }
        walk.end();
        walk.judge();
    }
}
