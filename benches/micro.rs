//! The native core by itself: the envelope splitter beside the parsers that could do its work, a call through the
//! session, the backoff.
//!
//! `npm run bench -- --micro` runs it and puts the figures into docs/performance.md. benches/README.md tells how to
//! count instructions.

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mcp_protocol::{
    Action, Backoff, Call, Config, ConnectionId, Event, FlightRecord, Jitter, Now, Outcome, Received, Session, envelope,
};
use rand::{SeedableRng, rngs::StdRng};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use simd_json::Tape;

/// Finding `id` and `results` in one message, and being sure that it is JSON.
fn splitter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    group.sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    for (name, text) in messages() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("ours", name), &text, |bencher, text| {
            bencher.iter(|| envelope::split(black_box(text)).expect("it is JSON"));
        });
        group.bench_with_input(BenchmarkId::new("serde_json IgnoredAny", name), &text, |bencher, text| {
            bencher.iter(|| serde_json::from_str::<IgnoredAny>(black_box(text)).expect("it is JSON"));
        });
        group.bench_with_input(BenchmarkId::new("serde_json RawValue", name), &text, |bencher, text| {
            bencher.iter(|| black_box(serde_json::from_str::<Answer<'_>>(black_box(text)).expect("it is JSON")).size());
        });
        group.bench_with_input(BenchmarkId::new("simd-json tape", name), &text, |bencher, text| {
            let (mut bytes, mut buffers, mut kept) = (Vec::new(), simd_json::Buffers::new(text.len()), Tape::null());
            bencher.iter(|| {
                // It parses in place, so each pass needs a copy; all its memory is used again.
                bytes.clear();
                bytes.extend_from_slice(black_box(text.as_bytes()));
                let mut tape = std::mem::replace(&mut kept, Tape::null()).reset();
                simd_json::fill_tape(&mut bytes, &mut buffers, &mut tape).expect("it is JSON");
                kept = black_box(tape).reset();
            });
        });
    }
    group.finish();
}

/// A request taken, its message drained, its answer handled, its outcome drained.
fn session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    for in_flight in [1, 256] {
        let (mut session, connection, now) = ready_session();
        group.throughput(Throughput::Elements(in_flight));
        group.bench_function(BenchmarkId::new("request and answer", in_flight), |bencher| {
            bencher.iter(|| call_all(&mut session, connection, now, in_flight));
        });
    }
    group.finish();
}

/// What the flight recorder costs: an input and what follows from it, with its ring full; and what it makes of them.
fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flight recorder");
    let (mut session, connection, mut now) = ready_session();
    // The cheapest inputs that there are, so that most of the time is the recorder's.
    group.bench_function("event", |bencher| {
        bencher.iter(|| {
            now.mono += Duration::from_micros(1);
            session.handle_bytes(now, connection);
        });
    });
    let mut is_paused = false;
    group.bench_function("event with the clocks", |bencher| {
        bencher.iter(|| {
            now.mono += Duration::from_micros(1);
            is_paused = !is_paused;
            session.handle_paused(now, connection, is_paused);
        });
    });
    session.handle_paused(now, connection, false);
    call_all(&mut session, connection, now, 256);
    group.bench_function("dump", |bencher| bencher.iter(|| FlightRecord::of(&session).to_json("1.0.0").len()));
    group.finish();
    criterion.bench_function("stats", |bencher| {
        bencher.iter(|| serde_json::to_string(&session.stats()).expect("it is data").len());
    });
}

fn backoff(criterion: &mut Criterion) {
    let (base, max) = (Duration::from_secs(1), Duration::from_secs(30));
    let backoff = Backoff { base, factor: 1.5, max, jitter: Jitter::Fraction(0.2) };
    let mut rng = StdRng::seed_from_u64(1);
    criterion.bench_function("backoff", |bencher| bencher.iter(|| black_box(&backoff).delay(black_box(7), &mut rng)));
}

/// What serde finds where the splitter finds slices.
#[derive(Deserialize)]
struct Answer<'a> {
    id: &'a str,
    #[serde(borrow)]
    results: &'a RawValue,
}

impl Answer<'_> {
    fn size(&self) -> usize {
        self.id.len() + self.results.get().len()
    }
}

fn messages() -> Vec<(&'static str, String)> {
    let plain = "a few words of plain ascii text ".repeat(12);
    let wide = "größe 漢字 and some words ".repeat(14);
    let escaped = r#"a \"quoted\" word\n and a tab\t "#.repeat(12);
    vec![
        ("100 B", answer(1, "a few words of plain ascii text ")),
        ("10 KB", answer(24, &plain)),
        ("1 MB", answer(2_350, &plain)),
        ("1 MB, not ASCII", answer(2_350, &wide)),
        ("1 MB, escapes", answer(2_350, &escaped)),
        ("1 MB, small values", answer(19_000, "w")),
    ]
}

fn answer(items: usize, snippet: &str) -> String {
    let items: Vec<String> =
        (0..items).map(|rank| format!(r#"{{"rank":{rank},"score":0.5,"snippet":"{snippet}"}}"#)).collect();
    format!(r#"{{"id":"req_1700000000000_abcdefghi","results":{{"n":1,"items":[{}]}}}}"#, items.join(","))
}

fn ready_session() -> (Session<u64>, ConnectionId, Now) {
    let now = Now { mono: Duration::from_secs(1), wall: 1_700_000_000_000 };
    let mut session = Session::new(Config::default(), "ws://bench/mcp-ws", [7; 32], now);
    session.connect(now, 0);
    let Some(Action::Dial { connection, .. }) = session.poll_action() else { unreachable!("a connect dials") };
    session.handle_open(now, connection);
    session.handle_message(now, connection, r#"{"id":"auth","success":true}"#.into());
    while session.poll_transmit().is_some() {}
    while session.poll_event().is_some() {}
    (session, connection, now)
}

/// Returns how many succeeded.
fn call_all(session: &mut Session<u64>, connection: ConnectionId, now: Now, count: u64) -> usize {
    let parameters = Some(r#"{"n":1,"bytes":100,"query":"some words to search for"}"#);
    let call = Call { name: "bench", parameters, timeout: Some(Duration::from_secs(30)), ..Call::default() };
    for payload in 0..count {
        session.request(now, call, payload).expect("a ready session takes calls");
    }
    let sent: Vec<Bytes> = std::iter::from_fn(|| session.poll_transmit()).map(|transmit| transmit.text).collect();
    session.handle_written(connection, sent.iter().map(Bytes::len).sum());
    black_box(session.poll_timeout());
    for request in sent {
        // The request begins with `{"id":"req_…",`, as its answer does.
        let end = request.iter().position(|byte| *byte == b',').expect("an id is not all of a request");
        let text = [&request[..end], br#","results":{"n":1,"items":[]}}"#].concat();
        let text = ByteString::try_from(text).expect("a request is UTF-8");
        session.handle_message(now, connection, Box::new(Received::new(text)));
    }
    let is_result = |event: &Event<u64>| matches!(event, Event::Settled { outcome: Outcome::Results(Some(_)), .. });
    std::iter::from_fn(|| session.poll_event()).filter(is_result).count()
}

criterion_group!(benches, splitter, session, record, backoff);
criterion_main!(benches);
