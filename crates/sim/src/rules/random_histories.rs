//! Random histories: every invariant of the simulator, over whatever users, servers and networks do, in whatever order.
//!
//! | variable | |
//! |---|---|
//! | `MCP_SIM_SEED` | runs the history of this one seed and shows it |
//! | `MCP_SIM_HISTORIES` | runs so many, or `unlimited`, and tells how far it is |
//! | `MCP_SIM_FIRST` | the seed to begin with, 0 |

use std::{
    any::Any,
    collections::BTreeMap,
    env, io,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
};

use super::*;
use crate::{History, ledger::may_follow};
use mcp_protocol::{Action, State};

#[test]
fn whatever_happens_every_promise_is_kept() {
    if let Some(seed) = number("MCP_SIM_SEED") {
        return show(seed);
    }
    let histories = env::var("MCP_SIM_HISTORIES").ok();
    let first = number("MCP_SIM_FIRST").unwrap_or_default();
    let count = match histories.as_deref() {
        None => USUAL,
        Some("unlimited") => u64::MAX - first,
        Some(_) => number("MCP_SIM_HISTORIES").unwrap_or(USUAL),
    };
    let mut tally = Tally::default();
    for seed in first..first + count {
        match attempt(&History::of_seed(seed)) {
            Ok(sim) => tally.count(&sim),
            Err(message) => report(seed, &message),
        }
        let done = seed - first + 1;
        if histories.is_some() && (done.is_multiple_of(PROGRESS) || done == count) {
            say(&format!("{done} histories, up to seed {seed}: {}", tally.totals()));
        }
    }
    if histories.is_some() {
        say(&tally.to_string());
    }
    if count >= USUAL {
        tally.check_reach();
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a whole number, got {text:?}")))
}

/// Lets it happen; the message of the invariant that was broken, if one was.
fn attempt(history: &History) -> Result<Sim, String> {
    catch_unwind(AssertUnwindSafe(|| history.run())).map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

/// The history of one seed, step by step, with all that came out.
fn show(seed: u64) {
    let history = History::of_seed(seed);
    say(&format!("the history of seed {seed}: {history:?}"));
    match attempt(&history) {
        Ok(sim) => sim.outputs().iter().for_each(|record| say(&format!("{:>12?}  {}", record.at, record.what))),
        Err(message) => report(seed, &message),
    }
}

/// Fails with the shortest history that still breaks an invariant, and with the command that repeats it.
fn report(seed: u64, message: &str) -> ! {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let shortest = shorten(History::of_seed(seed));
    let shown = attempt(&shortest).err();
    set_hook(hook);
    panic!(
        "an invariant is broken: {message}\n\
         the shortest history that breaks one: {shortest:?}\n{}\n\
         to repeat it:\n    MCP_SIM_SEED={seed} cargo test --package=mcp-sim whatever_happens_every_promise_is_kept -- --nocapture\n",
        shown.unwrap_or_default()
    );
}

/// Leaves out whatever is not needed for it to fail.
fn shorten(mut history: History) -> History {
    let mut step = history.len();
    while step > 0 {
        step -= 1;
        let shorter = history.without(step);
        if attempt(&shorter).is_err() {
            history = shorter;
            step = step.min(history.len());
        }
    }
    history
}

/// Past the capture of the test harness: a long run shows how far it is.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// What happened in the histories.
#[derive(Default)]
struct Tally {
    histories: u64,
    seen: BTreeMap<String, u64>,
}

impl Tally {
    fn count(&mut self, sim: &Sim) {
        self.histories += 1;
        for record in sim.outputs() {
            let what = match &record.what {
                What::Event(Event::Settled { outcome, .. }) => match outcome {
                    Outcome::Done => "a command done".to_owned(),
                    Outcome::Results(_) => "a call answered".to_owned(),
                    Outcome::Failed(error) => match error.sent {
                        None => error.fault.code().to_owned(),
                        Some(sent) => format!("{}, sent: {sent}", error.fault.code()),
                    },
                },
                What::Event(Event::Notice(Notice::State { snapshot, previous })) => {
                    format!("{previous} → {}", snapshot.state)
                }
                What::Action(Action::Dial { .. }) => "a dial".to_owned(),
                What::Written(_) => "a text written".to_owned(),
                _ => continue,
            };
            *self.seen.entry(what).or_default() += 1;
        }
    }

    /// Histories in which nothing happens prove nothing: every change of state and every kind of end is to be seen.
    fn check_reach(&self) {
        let changes =
            State::NAMES.into_iter().flat_map(|from| may_follow(from).iter().map(move |to| format!("{from} → {to}")));
        for what in changes.chain(ENDS.map(str::to_owned)) {
            assert!(self.seen.contains_key(&what), "{what:?} did not happen:\n{self}");
        }
    }

    fn totals(&self) -> String {
        let of = |what: &str| self.seen.get(what).copied().unwrap_or_default();
        format!(
            "{} dials, {} texts written, {} calls answered",
            of("a dial"),
            of("a text written"),
            of("a call answered")
        )
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:>12}  histories", self.histories)?;
        self.seen.iter().try_for_each(|(what, times)| writeln!(f, "{times:>12}  {what}"))
    }
}

/// What `cargo test` runs.
const USUAL: u64 = 6_000;
const PROGRESS: u64 = 10_000;

/// How calls and commands end.
const ENDS: [&str; 19] = [
    "a call answered",
    "a command done",
    "AUTH_FAILED",
    "AUTH_FAILED, sent: false",
    "AUTH_TIMEOUT",
    "BAD_MESSAGE",
    "CLOSED",
    "CLOSED, sent: false",
    "CLOSED, sent: true",
    "CONNECTION_LOST",
    "CONNECTION_LOST, sent: false",
    "CONNECTION_LOST, sent: true",
    "CONNECT_FAILED",
    "INTERNAL_ERROR",
    "MESSAGE_TOO_LARGE, sent: true",
    "RECONNECT_EXHAUSTED, sent: false",
    "REQUEST_TIMEOUT, sent: false",
    "REQUEST_TIMEOUT, sent: true",
    "TOOL_ERROR",
];
