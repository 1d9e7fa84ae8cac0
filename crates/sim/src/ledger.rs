//! What was promised, and what came of it: the invariants about calls, attempts and states, each checked at the moment
//! when it could be broken.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde_json::{Value, value::RawValue};

use mcp_protocol::{Config, ConnectionId, Fault, MaxAttempts, Outcome, RequestId, RequestKey, Snapshot, Transmit};

/// The book of one client.
#[derive(Default)]
pub(super) struct Ledger {
    /// By payload, from 1.
    accounts: BTreeMap<u32, Account>,
    calls: HashMap<RequestKey, u32>,
    /// Unsettled calls by their deadlines.
    deadlines: BTreeSet<(Duration, u32)>,
    /// Connections on which the event dialect turned out to be wrong: nothing said in it was understood.
    misunderstood: BTreeSet<ConnectionId>,
    /// Dials that followed a failure, since the count began anew.
    attempts: u32,
    /// The next dial follows from `reconnect()`.
    user_reconnects: bool,
    /// When the open socket was first `ready`.
    ready_since: Option<Duration>,
    /// The client was told of a fault of its own: then `failed` may follow anything.
    is_broken: bool,
}

/// One payload that the session took.
#[derive(Default)]
struct Account {
    id: Option<RequestId>,
    /// What takes it back: that of the id, if it has one.
    key: Option<RequestKey>,
    is_idempotent: bool,
    deadline: Option<Duration>,
    outcome: Option<Outcome>,
    is_aborted: bool,
    writes: Vec<Write>,
}

/// The request was written, so that a server may have it.
struct Write {
    connection: ConnectionId,
    in_event_dialect: bool,
}

impl Ledger {
    /// The next payload.
    pub(super) fn open_account(&mut self) -> u32 {
        let payload = self.accounts.len() as u32 + 1;
        self.accounts.insert(payload, Account::default());
        payload
    }

    /// The session took the call.
    pub(super) fn promise(&mut self, call: u32, id: RequestId, is_idempotent: bool, deadline: Option<Duration>) {
        self.deadlines.extend(deadline.map(|deadline| (deadline, call)));
        assert_eq!(self.calls.insert(id.key, call), None, "the key of {id} was given out before");
        let account = Account { id: Some(id), key: Some(id.key), is_idempotent, deadline, ..Account::default() };
        self.accounts.insert(call, account);
    }

    /// The session took a question for the tools.
    pub(super) fn promise_tools(&mut self, payload: u32, key: RequestKey, deadline: Option<Duration>) {
        let account = self.accounts.entry(payload).or_default();
        account.key = Some(key);
        // Otherwise it was answered at once.
        if account.outcome.is_none() {
            account.deadline = deadline;
            self.deadlines.extend(deadline.map(|deadline| (deadline, payload)));
        }
    }

    pub(super) fn outcome(&self, payload: u32) -> Option<&Outcome> {
        self.accounts.get(&payload)?.outcome.as_ref()
    }

    pub(super) fn id(&self, call: u32) -> Option<RequestId> {
        self.accounts.get(&call)?.id
    }

    pub(super) fn key(&self, payload: u32) -> Option<RequestKey> {
        self.accounts.get(&payload)?.key
    }

    /// Payloads that are neither settled nor aborted.
    pub(super) fn unsettled(&self) -> Vec<u32> {
        let is_open = |account: &Account| account.outcome.is_none() && !account.is_aborted;
        self.accounts.iter().filter(|(_, account)| is_open(account)).map(|(payload, _)| *payload).collect()
    }

    /// The payload's one outcome. `heard` are the messages that the session was just given: one or none, or what the
    /// winner of a race has said.
    pub(super) fn settle(&mut self, payload: u32, outcome: Outcome, heard: &[String]) {
        let account = self.accounts.get_mut(&payload);
        let account = account.unwrap_or_else(|| unreachable!("payload {payload} was never given"));
        assert!(!account.is_aborted, "call {payload} was aborted and then settled");
        assert_eq!(account.outcome, None, "{payload} was settled twice, the second time with {outcome:?}");
        if let Some(id) = account.id {
            let is_its_own =
                heard.iter().map(|heard| Some(&**heard)).chain([None]).any(|heard| is_its_own(id, &outcome, heard));
            assert!(is_its_own, "call {payload} ({id}) got {outcome:?} out of {heard:?}");
        }
        if let Outcome::Failed(error) = &outcome {
            let left = error.sent == Some(false) && !account.writes.is_empty();
            assert!(!left, "call {payload} had left, and was settled with sent: false");
        }
        account.outcome = Some(outcome);
        self.forget_deadline(payload);
    }

    /// The call was taken back.
    pub(super) fn abort(&mut self, call: u32) {
        let account = self.accounts.entry(call).or_default();
        assert_eq!(account.outcome, None, "call {call} was settled and then aborted");
        assert!(!std::mem::replace(&mut account.is_aborted, true), "call {call} was aborted twice");
        self.forget_deadline(call);
    }

    fn forget_deadline(&mut self, call: u32) {
        if let Some(deadline) = self.accounts.get(&call).and_then(|account| account.deadline) {
            self.deadlines.remove(&(deadline, call));
        }
    }

    /// A text left: the server may have it.
    pub(super) fn written(&mut self, text: &Transmit) {
        let Some((key, in_event_dialect)) = request_in(text) else { return };
        let Some(call) = self.calls.get(&key) else { return };
        let Some(account) = self.accounts.get_mut(call) else { return };
        if let Some(Outcome::Failed(error)) = &account.outcome {
            assert_ne!(error.sent, Some(false), "call {call} left after it was settled with sent: false");
        }
        account.writes.push(Write { connection: text.connection, in_event_dialect });
        self.check_writes(*call);
    }

    /// Sent once, an idempotent call three times, each time on another connection. What was not understood does not
    /// count.
    fn check_writes(&self, call: u32) {
        let account = &self.accounts[&call];
        let counts = |write: &&Write| !(write.in_event_dialect && self.misunderstood.contains(&write.connection));
        let connections: Vec<u32> = account.writes.iter().filter(counts).map(|write| write.connection.0).collect();
        let most = if account.is_idempotent { MOST_WRITES } else { 1 };
        assert!(connections.len() <= most, "call {call} was sent on {connections:?}, {most} allowed");
        let different: BTreeSet<&u32> = connections.iter().collect();
        assert_eq!(different.len(), connections.len(), "call {call} was sent twice on one of {connections:?}");
    }

    /// The server speaks the guide's dialect after all.
    pub(super) fn take_back_event_dialect(&mut self, connection: ConnectionId) {
        self.misunderstood.insert(connection);
    }

    /// The user calls `reconnect()`, which dials in every state.
    pub(super) fn reconnect(&mut self) {
        self.user_reconnects = true;
    }

    /// The session is told that its own code broke.
    pub(super) fn break_down(&mut self) {
        self.is_broken = true;
    }

    /// The state has changed.
    pub(super) fn enter(&mut self, now: Duration, previous: &'static str, snapshot: &Snapshot, config: &Config) {
        let next = snapshot.state;
        let is_allowed = may_follow(previous).contains(&next) || (self.is_broken && next == "failed");
        assert!(is_allowed, "{previous} was followed by {next}");
        self.count_uptime(now, snapshot, config.min_uptime);
        match (previous, next) {
            (_, "connecting") if std::mem::take(&mut self.user_reconnects) => self.attempts = 0,
            ("reconnecting", "connecting") => self.attempts += 1,
            ("idle" | "closed" | "failed" | "unauthorized", "connecting") => self.attempts = 0,
            (_, "reconnecting") => assert_eq!(snapshot.attempt, self.attempts + 1, "the attempt that is waited for"),
            _ => {}
        }
        if let MaxAttempts::Limited(cap) = config.max_reconnect_attempts {
            assert!(self.attempts <= cap, "attempt {} of {cap}", self.attempts);
        }
    }

    fn count_uptime(&mut self, now: Duration, snapshot: &Snapshot, enough: Duration) {
        if snapshot.state == "ready" {
            self.ready_since.get_or_insert(now);
        } else if !snapshot.connected && self.ready_since.take().is_some_and(|since| now - since >= enough) {
            self.attempts = 0;
        }
    }

    /// Nobody waits longer than he said he would.
    pub(super) fn check_deadlines(&self, now: Duration) {
        if let Some((deadline, call)) = self.deadlines.first() {
            assert!(*deadline >= now, "call {call} was to be settled at {deadline:?}, it is {now:?}");
        }
    }
}

/// The request that the text is, and whether it is worded in the event dialect.
fn request_in(text: &Transmit) -> Option<(RequestKey, bool)> {
    let message: Value = serde_json::from_slice(&text.text).ok()?;
    let in_event_dialect = message["type"] == "mcp_request";
    let id = if in_event_dialect { &message["request"]["id"] } else { &message["id"] };
    Some((RequestId::parse(id.as_str()?)?.key, in_event_dialect))
}

/// What a server can say to a call comes out of a message that names it, as `serde_json` reads that.
fn is_its_own(id: RequestId, outcome: &Outcome, heard: Option<&str>) -> bool {
    let (key, said) = match outcome {
        Outcome::Results(raw) => ("results", raw.as_deref()),
        Outcome::Failed(error) => match &*error.fault {
            Fault::Tool { data, .. } => ("error", Some(&**data)),
            Fault::BadMessage(_) => return heard.is_some_and(|text| text.contains(&id.to_string())),
            _ => return true,
        },
        Outcome::Done => return false,
    };
    let Some(heard) = heard else { return false };
    // It refuses the lone surrogates that `JSON.parse` takes: then it can tell nothing.
    let Some(top) = members_of(heard) else { return serde_json::from_str::<&RawValue>(heard).is_ok() };
    let names = |members: &Members<'_>, key: &str| {
        members.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok()) == Some(id.to_string())
    };
    let answers = |members: &Members<'_>| names(members, "id") && members.get(key).map(|raw| raw.get()) == said;
    let Some(whole) = top.get("data") else { return answers(&top) };
    let data = members_of(whole.get()).unwrap_or_default();
    let is_rejected = names(&data, "requestId") && Some(whole.get()) == said;
    answers(&top) || answers(&data) || is_rejected
}

type Members<'a> = HashMap<String, &'a RawValue>;

fn members_of(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// The graph of the states.
pub(super) fn may_follow(state: &str) -> &'static [&'static str] {
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
        other => unreachable!("no state is called {other}"),
    }
}

/// PROTOCOL.md rule 3: once, and twice again.
const MOST_WRITES: usize = 3;
