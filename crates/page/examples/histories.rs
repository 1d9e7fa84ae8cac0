//! Random histories of the simulator, as a page's client lives them: what is told to it, and what comes of it. One line
//! of JSON for each call of the module; `__test__/page-histories.test.mjs` makes the same calls of the WebAssembly
//! module, and must get the same.
//!
//! `cargo run --example histories -- FIRST COUNT` writes those of `COUNT` seeds from `FIRST` on.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufWriter, Write},
    time::Duration,
};

use bytestring::ByteString;
use mcp_mailbox::{Slot, flag};
use mcp_page::{Client, Item, Output};
use mcp_protocol::{
    Call, Config, ConnectionId, DialFailure, DialectChoice, Interest, Jitter, Key, MaxAttempts, Now, PageFailure,
    RequestKey, Secret, TokenSource,
};
use mcp_sim::{Given, History, Input, Sim};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut numbers = env::args().skip(1).map(|argument| argument.parse().expect("a whole number"));
    let (first, count): (u64, u64) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(1));
    let mut out = BufWriter::new(io::stdout().lock());
    for seed in first..first + count {
        let history = History::of_seed(seed).in_a_page();
        let sim = history.run();
        write_line(&mut out, &json!({ "seed": seed }))?;
        let mut life = Life::begin(&history, sim.written().clone(), &mut out)?;
        for (place, input) in sim.inputs().iter().enumerate() {
            write_line(&mut out, &life.take(input))?;
            if place % BETWEEN_LOOKS == 0 {
                life.look(&mut out)?;
            }
        }
        life.look(&mut out)?;
        life.compare(&sim, seed);
    }
    out.flush()
}

/// A page's client, and what it was made with.
struct Life {
    client: Client,
    /// How many texts are still to be written on each connection. A page's socket takes them at once.
    to_write: BTreeMap<ConnectionId, usize>,
}

/// A call of a function of the module.
struct Called {
    name: &'static str,
    arguments: Vec<f64>,
    /// The texts that are written before.
    texts: Vec<String>,
    returns: Option<f64>,
    shows: Option<String>,
    /// An item that it gives, as a part of the message.
    part: Option<Value>,
}

impl Called {
    fn new(name: &'static str, arguments: &[f64], texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Self { name, arguments: arguments.to_vec(), texts, returns: None, shows: None, part: None }
    }

    fn returning(self, returns: impl Into<f64>) -> Self {
        Self { returns: Some(returns.into()), ..self }
    }

    fn showing(self, shows: String) -> Self {
        Self { shows: Some(shows), ..self }
    }

    /// For what may be refused.
    fn keyed(self, key: Result<RequestKey, String>) -> Self {
        match key {
            Ok(key) => self.returning(key.0 as f64),
            Err(error) => self.returning(REFUSED).showing(error),
        }
    }
}

impl Life {
    fn begin(history: &History, to_write: BTreeMap<ConnectionId, usize>, out: &mut impl Write) -> io::Result<Self> {
        let (seed, now) = Sim::beginning(history.seed());
        let (numbers, urls) = (numbers_of(history.config()), history.urls());
        let mut config = Config::from_numbers(&numbers);
        let token = match &history.config().token {
            TokenSource::Fixed(token) => token.expose().to_owned(),
            TokenSource::Ask => String::new(),
        };
        let texts = [token.clone(), urls.iter().flatten().map(|url| format!("{url}\n")).collect()];
        write_line(out, &json!({ "seed": seed, "numbers": written(&numbers), "texts": texts, "now": times(now) }))?;
        if let TokenSource::Fixed(secret) = &mut config.token {
            *secret = Secret::new(token);
        }
        assert_eq!(format!("{config:?}"), format!("{:?}", history.config()), "as the simulator has it");
        Ok(Self { client: Client::new(ID, config, urls, seed, now), to_write })
    }

    /// Tells the client something. Returns the line of that.
    fn take(&mut self, Input { now, what }: &Input) -> Value {
        let called = self.call(*now, what);
        let mut outputs = Vec::new();
        while let Some(output) = self.client.poll_output() {
            let is_sent = self.write(&output);
            outputs.push(json!([is_sent, shown_output(output)]));
        }
        let has_items = self.client.has_items();
        let mut items = Vec::new();
        while let Some(Item { kind, a, b, payload }) = self.client.take_item() {
            items.push(json!([kind, a, b, payload.text()]));
        }
        let numbers = self.client.numbers();
        json!({
            "call": called.name, "arguments": written(&called.arguments), "texts": called.texts,
            "returns": called.returns, "shows": called.shows, "part": called.part,
            "outputs": outputs, "hasItems": has_items, "items": items,
            "deadline": self.client.deadline().map(|deadline| deadline.as_secs_f64() * 1000.0),
            "numbers": [numbers.revision, numbers.reasons], "work": self.client.work() as u32,
        })
    }

    /// Whether the output is a text that its socket takes.
    fn write(&mut self, output: &Output) -> bool {
        let Output::Send(connection, _) = output else { return false };
        let Some(left) = self.to_write.get_mut(connection).filter(|left| **left > 0) else { return false };
        *left -= 1;
        self.client.handle_sent(*connection);
        true
    }

    /// What the client shows of itself.
    fn look(&self, out: &mut impl Write) -> io::Result<()> {
        let client = &self.client;
        let looks = [
            Called::new("snapshot", &[], &[]).showing(client.snapshot()),
            Called::new("stats", &[], &[]).showing(client.stats()),
            Called::new("buffered_amount", &[], &[]).returning(client.buffered_amount() as f64),
            Called::new("endpoint", &[], &[]).returning(client.endpoint() as f64),
        ];
        looks.into_iter().try_for_each(|Called { name, returns, shows, .. }| {
            write_line(out, &json!({ "look": name, "returns": returns, "shows": shows }))
        })
    }

    /// The simulator's own session, whose invariants were checked, has come to the same.
    fn compare(&self, sim: &Sim, seed: u64) {
        let shown: Value = serde_json::from_str(&self.client.snapshot()).expect("it is JSON");
        assert_eq!(shown, json!(sim.session().snapshot()), "of seed {seed}");
        let stats: Value = serde_json::from_str(&self.client.stats()).expect("it is JSON");
        let expected = json!(sim.session().stats());
        for name in COUNTED {
            assert_eq!(stats[name], expected[name], "{name} of seed {seed}");
        }
    }

    fn call(&mut self, now: Now, what: &Given) -> Called {
        let [mono, wall] = times(now);
        let client = &mut self.client;
        match what {
            Given::Connect(payload) => {
                client.connect(now, slot(*payload));
                Called::new("connect", &[f64::from(*payload), mono, wall], &[]).showing(client.snapshot())
            }
            Given::Reconnect(payload) => {
                client.reconnect(now, slot(*payload));
                Called::new("reconnect", &[f64::from(*payload), mono, wall], &[]).showing(client.snapshot())
            }
            Given::Authenticate(token, payload) => {
                client.authenticate(now, token.as_deref(), slot(*payload));
                let length = token.as_deref().map_or(-1.0, length);
                let texts: Vec<&str> = token.iter().map(String::as_str).collect();
                Called::new("authenticate", &[length, f64::from(*payload), mono, wall], &texts)
                    .showing(client.snapshot())
            }
            Given::Close(code, reason, drain, payload) => {
                client.close(now, *code, reason, *drain, slot(*payload));
                let arguments = [f64::from(*code), length(reason), millis(*drain), f64::from(*payload), mono, wall];
                Called::new("close", &arguments, &[reason]).showing(client.snapshot())
            }
            Given::Request { name, parameters, timeout, idempotent, expects_connection, payload } => {
                let (parameters, timeout) = (parameters.as_deref(), *timeout);
                let (idempotent, expects_connection) = (*idempotent, *expects_connection);
                let call = Call { name, parameters, timeout, idempotent, expects_connection };
                self.request(now, call, *payload)
            }
            Given::Tools(timeout, payload) => {
                let key = client.tools(now, *timeout, false, slot(*payload));
                let arguments = [f64::from(*payload), timeout.map_or(0.0, millis), 0.0, mono, wall];
                Called::new("tools", &arguments, &[]).keyed(key)
            }
            Given::Abort(key) => {
                let is_aborted = client.abort(now, *key);
                Called::new("abort", &[key.0 as f64, mono, wall], &[]).returning(u8::from(is_aborted))
            }
            Given::Send(text) => {
                let is_sent = client.send(now, text);
                Called::new("send", &[length(text), mono, wall], &[text]).returning(u8::from(is_sent))
            }
            Given::SendToolRequest(name, parameters) => {
                let id = client.send_tool_request(now, name, parameters.as_deref());
                let parameters = parameters.as_deref().unwrap_or_default();
                let arguments = [length(name), length(parameters), mono, wall];
                let called = Called::new("send_tool_request", &arguments, &[name, parameters]);
                let called = called.returning(u8::from(id.is_some()));
                Called { shows: id.map(|id| id.to_string()), ..called }
            }
            _ => self.report(now, what),
        }
    }

    /// Some calls want bytes, and some cannot be aborted.
    fn request(&mut self, now: Now, call: Call<'_>, payload: u32) -> Called {
        let ([mono, wall], parameters) = (times(now), call.parameters.unwrap_or_default());
        let (wants_bytes, may_be_aborted) = (payload.is_multiple_of(4), !payload.is_multiple_of(5));
        let flags = [
            (call.idempotent, flag::IDEMPOTENT),
            (call.expects_connection, flag::EXPECTS_CONNECTION),
            (wants_bytes, flag::WANTS_BYTES),
            (may_be_aborted, flag::MAY_BE_ABORTED),
        ];
        let flags: u32 = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
        let timeout = call.timeout.map_or(0.0, millis);
        let arguments =
            [f64::from(payload), length(call.name), length(parameters), timeout, f64::from(flags), mono, wall];
        let called = Called::new("request", &arguments, &[call.name, parameters]);
        let slot = Slot::new(payload, wants_bytes);
        if may_be_aborted {
            return called.keyed(self.client.request_abortable(now, call, slot));
        }
        self.client.request(now, call, slot);
        called.returning(0)
    }

    fn report(&mut self, now: Now, what: &Given) -> Called {
        let [mono, wall] = times(now);
        let client = &mut self.client;
        match what {
            Given::Token(connection, Ok((token, expires_at))) => {
                let key = Key { token: Secret::new(token), expires_at: *expires_at };
                client.answer_token(now, *connection, Ok(key));
                let ends = f64::from(u8::from(expires_at.is_some()));
                let arguments = [number(*connection), length(token), ends, expires_at.unwrap_or_default(), mono, wall];
                Called::new("answer_token", &arguments, &[token])
            }
            Given::Token(connection, Err(thrown)) => {
                client.answer_token(now, *connection, Err(thrown.clone()));
                Called::new("fail_token", &[number(*connection), length(thrown), mono, wall], &[thrown])
            }
            Given::Urls(asked, Ok(urls)) => {
                let is_accepted = client.answer_urls(now, *asked, urls.clone());
                let text: String = urls.iter().map(|url| format!("{url}\n")).collect();
                Called::new("answer_urls", &[number(*asked), length(&text), mono, wall], &[&text])
                    .returning(u8::from(is_accepted))
            }
            Given::Urls(asked, Err(thrown)) => {
                client.fail_urls(now, *asked, thrown.clone());
                Called::new("fail_urls", &[number(*asked), length(thrown), mono, wall], &[thrown])
            }
            Given::OpenTold => {
                client.open_told(now);
                Called::new("open_told", &[mono, wall], &[])
            }
            Given::Interest(interest) => {
                client.set_interest(Interest(*interest));
                Called::new("set_interest", &[f64::from(*interest)], &[])
            }
            Given::Timeout => {
                client.handle_timeout(now);
                Called::new("timeout", &[mono, wall], &[])
            }
            Given::NetworkChanged => {
                client.handle_network_changed(now);
                Called::new("network_changed", &[mono, wall], &[])
            }
            _ => self.report_of_socket(now, what),
        }
    }

    fn report_of_socket(&mut self, now: Now, what: &Given) -> Called {
        let [mono, wall] = times(now);
        let client = &mut self.client;
        match what {
            Given::Opened(connection) => {
                client.handle_open(now, *connection);
                Called::new("opened", &[number(*connection), mono, wall], &[])
            }
            Given::DialFailed(connection, failure) => {
                client.handle_dial_failed(now, *connection, DialFailure::Page(failure.clone()));
                let (kind, words) = kind_of(failure);
                Called::new("dial_failed", &[number(*connection), kind, length(words), mono, wall], &[words])
            }
            Given::Text(connection, text) => {
                let message: ByteString = text.clone().into();
                client.handle_text(now, *connection, message.clone());
                let part = client.take_part(&message).map(|(Item { kind, a, b, payload }, before, after)| {
                    json!({ "item": [kind, a, b, payload.text()], "around": [before, after] })
                });
                let called =
                    Called::new("text_message", &[number(*connection), length(text), MAY_TAKE, mono, wall], &[text]);
                Called { part: part.clone(), ..called.returning(u8::from(part.is_some())) }
            }
            Given::Binary(connection, bytes) => {
                client.handle_binary(now, *connection, *bytes);
                Called::new("binary_message", &[number(*connection), *bytes as f64, mono, wall], &[])
            }
            Given::Closed(connection, ending) => {
                let (code, reason) = (ending.code, ending.reason.clone());
                client.handle_closed(now, *connection, code, reason.clone(), ending.clean);
                let was_clean = f64::from(u8::from(ending.clean));
                let arguments = [number(*connection), f64::from(code), length(&reason), was_clean, mono, wall];
                Called::new("closed", &arguments, &[&reason])
            }
            other => unreachable!("{other:?} is no report of a socket"),
        }
    }
}

/// As js/page/options.ts passes options on.
fn numbers_of(config: &Config) -> Vec<f64> {
    let none = |duration: Option<Duration>| duration.map_or(0.0, millis);
    let codes = |codes: &[u16]| -> Vec<f64> {
        [codes.len() as f64].into_iter().chain(codes.iter().map(|code| f64::from(*code))).collect()
    };
    let jitter = match config.reconnect_jitter {
        Jitter::Full => -1.0,
        Jitter::Fraction(fraction) => fraction,
    };
    let attempts = match config.max_reconnect_attempts {
        MaxAttempts::Unlimited => f64::INFINITY,
        MaxAttempts::Limited(cap) => f64::from(cap),
    };
    let dialect = match config.dialect {
        DialectChoice::Auto => 0.0,
        DialectChoice::Guide => 1.0,
        DialectChoice::Event => 2.0,
        DialectChoice::Plain => unreachable!("no page has it"),
    };
    let is_asked = config.token == TokenSource::Ask;
    let mut numbers = vec![
        f64::from(u8::from(is_asked)),
        millis(config.connect_timeout),
        millis(config.auth_timeout),
        none(config.request_timeout),
        none(config.heartbeat_interval),
        millis(config.heartbeat_timeout),
        attempts,
        millis(config.base_reconnect_delay),
        millis(config.max_reconnect_delay),
        config.reconnect_factor,
        jitter,
        f64::from(u8::from(config.race)),
        millis(config.min_uptime),
        millis(config.max_retry_after),
        millis(config.slow_reconnect_delay),
    ];
    numbers.extend(codes(&config.slow_reconnect_codes));
    numbers.extend(codes(&config.no_reconnect_codes));
    let counts = [config.max_pending, config.offline_queue_limit, config.max_message_size, config.max_buffered_amount];
    numbers.extend(counts.map(|count| count as f64));
    numbers.extend([f64::from(u8::from(config.allow_plaintext_key)), dialect]);
    numbers
}

/// The kinds of crates/page/src/border.rs.
fn kind_of(failure: &PageFailure) -> (f64, &str) {
    match failure {
        PageFailure::Unexplained(words) => (0.0, words),
        PageFailure::Offline => (1.0, ""),
        PageFailure::MixedContent => (2.0, ""),
        PageFailure::Policy => (3.0, ""),
        PageFailure::Refused(words) => (4.0, words),
        PageFailure::NoWebSocket => (5.0, ""),
    }
}

fn shown_output(output: Output) -> Value {
    match output {
        Output::Dial(connection, url) => json!([1, connection.0, 0, url]),
        Output::Send(connection, text) => json!([2, connection.0, 0, String::from_utf8_lossy(&text)]),
        Output::Close(connection, code, reason) => json!([3, connection.0, code, reason]),
        Output::Drop(connection, code) => json!([4, connection.0, code, null]),
    }
}

fn slot(payload: u32) -> Slot {
    Slot::new(payload, false)
}

fn number(connection: ConnectionId) -> f64 {
    f64::from(connection.0)
}

fn length(text: &str) -> f64 {
    text.len() as f64
}

fn times(now: Now) -> [f64; 2] {
    [millis(now.mono), now.wall as f64]
}

/// JSON has neither infinity nor NaN: they become texts.
fn written(numbers: &[f64]) -> Vec<Value> {
    let as_text = |number: f64| if number.is_nan() { json!("NaN") } else { json!("Infinity") };
    numbers.iter().map(|number| if number.is_finite() { json!(number) } else { as_text(*number) }).collect()
}

/// Without the rounding error that a product would have.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

fn write_line(out: &mut impl Write, line: &Value) -> io::Result<()> {
    writeln!(out, "{line}")
}

const ID: u32 = 0;
const REFUSED: f64 = -1.0;
/// Inputs.
const BETWEEN_LOOKS: usize = 16;
/// Numbers of the statistics that are whole.
const COUNTED: [&str; 9] = [
    "pending",
    "queued",
    "requests",
    "succeeded",
    "failed",
    "timedOut",
    "lateResponses",
    "messagesSent",
    "messagesReceived",
];

/// Of `text_message`.
const MAY_TAKE: f64 = 1.0;
