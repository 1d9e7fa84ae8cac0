//! The rules of PROTOCOL.md, each sentence a test, in virtual time.

mod commands_by_state;
mod contract;
mod dial_failures;
mod dial_reports;
mod dialect_change;
mod dialect_event;
mod dialect_guide;
mod dialect_none;
mod event_order;
mod flight_record;
mod fuzz_inputs;
mod limits;
mod log;
mod misuse;
mod plaintext_key;
mod random_histories;
mod rule_01_attempt_counter;
mod rule_02_backoff;
mod rule_02_not_retried;
mod rule_03_lost_requests;
mod rule_03_resends;
mod rule_03_sent_is_a_guarantee;
mod rule_04_heartbeat;
mod rule_04_pongs;
mod rule_04_sleep_and_network;
mod rule_05_refused_token;
mod rule_05_token_function;
mod rule_06_auth_timeout;
mod rule_07_close;
mod rule_08_ids;
mod rule_09_malformed_input;
mod rule_10_duplicate_keys;
mod rule_11_uptime;
mod rule_12_retry_after;
mod rule_15_expiring_keys;
mod rule_16_endpoints;
mod rule_16_race;
mod rule_16_url_function;
mod rule_17_compression;
mod rule_18_causes;
mod rule_18_words;
mod rule_19_late_deadlines;
mod secrets;
mod tools;

use proptest::{prelude::ProptestConfig, test_runner::RngSeed};
use serde_json::Value;

use crate::{Sim, What};
use mcp_protocol::{Config, DialFailure, Event, MaxAttempts, Notice, Outcome, SystemError, TlsFailure, TokenSource};

const ACCEPTED: &str = r#"{"id":"auth","success":true}"#;
const REFUSED: &str = r#"{"id":"auth","success":false,"error":"no such key"}"#;
const PONG: &str = r#"{"messageType":"pong","timestamp":1}"#;
const SCHEMAS: &str = r#"{"event":"schemas","data":[]}"#;
const EVENT_PONG: &str = r#"{"event":"pong","timestamp":1}"#;

/// A client in `idle` with the defaults, but for what `adjust` changes and for jitter, of which there is none.
fn client(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Sim::exact();
    adjust(&mut config);
    Sim::new(config, 1)
}

/// The same, dialing.
fn connecting(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = client(adjust);
    sim.connect();
    sim
}

/// The same, its socket open: the auth answer (or in the event dialect the greeting) is outstanding.
fn authenticating(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = connecting(adjust);
    sim.open();
    sim
}

/// The same, `ready`, with a fresh page in the record.
fn ready(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = authenticating(adjust);
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
    sim.forget();
    sim
}

/// The same, but refused by the server.
fn unauthorized(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = authenticating(adjust);
    sim.server_says(REFUSED);
    assert_eq!(sim.state(), "unauthorized");
    sim.forget();
    sim
}

/// `ready` with a server that speaks the event dialect.
fn ready_in_event_dialect(adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut sim = authenticating(adjust);
    sim.server_says(SCHEMAS);
    assert_eq!(sim.state(), "ready");
    sim.forget();
    sim
}

/// For `adjust`: as it is.
fn defaults(_: &mut Config) {}

/// For `adjust`: so many attempts.
/// Why a dial to a server fails whose certificate does not verify.
fn bad_certificate() -> DialFailure {
    DialFailure::Tls(TlsFailure::Certificate(SystemError::new(Some("CERT_HAS_EXPIRED"), "certificate expired")))
}

fn attempts(cap: u32) -> impl FnOnce(&mut Config) {
    move |config| config.max_reconnect_attempts = MaxAttempts::Limited(cap)
}

/// For `adjust`: a token function in place of a token.
fn asks_for_tokens(config: &mut Config) {
    config.token = TokenSource::Ask;
}

/// Lets the wait for the next attempt pass.
fn wait_for_the_dial(sim: &mut Sim) {
    let delay = retry_delay(sim);
    sim.advance(delay);
    assert_eq!(sim.state(), "connecting");
}

/// Comes back after a loss: waits, dials, authenticates.
fn come_back(sim: &mut Sim) {
    wait_for_the_dial(sim);
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(sim.state(), "ready");
}

fn retry_delay(sim: &Sim) -> u64 {
    sim.session().snapshot().retry_delay.expect("it waits for the next attempt").as_millis() as u64
}

/// The events since the page began, log lines apart.
fn told(sim: &Sim) -> Vec<String> {
    lines(sim, |what| matches!(what, What::Event(event) if !matches!(event, Event::Notice(Notice::Log { .. }))))
}

/// The log lines since the page began.
fn logged(sim: &Sim) -> Vec<String> {
    lines(sim, |what| matches!(what, What::Event(Event::Notice(Notice::Log { .. }))))
}

/// What the driver was asked for since the page began.
fn asked(sim: &Sim) -> Vec<String> {
    lines(sim, |what| matches!(what, What::Action(_)))
}

/// The texts that the server could read since the page began.
fn sent(sim: &Sim) -> Vec<String> {
    lines(sim, |what| matches!(what, What::Written(_)))
}

/// The names of the tools that the server was asked for since the page began.
fn tools_sent(sim: &Sim) -> Vec<String> {
    let name = |text: &String| {
        let message: Value = serde_json::from_str(text).ok()?;
        let request = message.get("request").unwrap_or(&message);
        Some(request.get("name")?.as_str()?.to_owned())
    };
    sent(sim).iter().filter_map(name).collect()
}

fn lines(sim: &Sim, wanted: impl Fn(&What) -> bool) -> Vec<String> {
    sim.outputs().iter().filter(|record| wanted(&record.what)).map(|record| record.what.to_string()).collect()
}

/// Code and `sent` of a command or call that has failed.
fn failure(sim: &Sim, payload: u32) -> (&'static str, Option<bool>) {
    match sim.outcome(payload) {
        Some(Outcome::Failed(error)) => (error.fault.code(), error.sent),
        other => panic!("{payload} was to fail, but is {other:?}"),
    }
}

/// The error's message of a command or call that has failed.
fn message(sim: &Sim, payload: u32) -> String {
    match sim.outcome(payload) {
        Some(Outcome::Failed(error)) => error.fault.to_string(),
        other => panic!("{payload} was to fail, but is {other:?}"),
    }
}

/// The results of a call, as text; `None` for `undefined`.
fn results(sim: &Sim, call: u32) -> Option<String> {
    match sim.outcome(call) {
        Some(Outcome::Results(raw)) => raw.as_ref().map(ToString::to_string),
        other => panic!("{call} was to succeed, but is {other:?}"),
    }
}

fn is_done(sim: &Sim, command: u32) -> bool {
    matches!(sim.outcome(command), Some(Outcome::Done))
}

/// The code of the snapshot's error.
fn error_code(sim: &Sim) -> Option<&'static str> {
    sim.session().snapshot().error.map(|error| error.code)
}

/// So many random cases, always the same; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` widen the search.
fn search(cases: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { cases };
    let rng_seed = if usual.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { usual.rng_seed };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..usual }
}
