//! A herd of clients whose server vanishes and returns: how long until they are back, and what the server has to bear.
//!
//! ```text
//! cargo run --release --example herd
//! cargo run --release --example herd -- --clients 50000 --accept-rate 500 --outage 120 --attempts Infinity
//! ```
//!
//! Without options it makes the tables and plots of docs/scaling.md, with a million clients; that takes some minutes
//! and 8 GB of memory. With options it runs one scenario with each kind of jitter, prints a table, and plots into
//! target/herd.

#![expect(clippy::print_stdout, reason = "it is there to print")]

mod figures;
mod plot;
mod report;
mod server;
mod world;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Duration,
};

use mcp_protocol::{Config, Jitter, MaxAttempts};

use self::{
    figures::Figures,
    plot::Curve,
    report::Row,
    server::Overload,
    world::{Policy, Scenario, World},
};

/// One run to make.
#[derive(Clone)]
struct Job {
    table: &'static str,
    scenario: Scenario,
    policy: Policy,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match asked_for()? {
        None => {
            let folder = root.join("docs/scaling");
            let rows = run_all(&documented(), &folder)?;
            report::store(root, &rows)?;
        }
        Some((scenario, attempts)) => {
            let table = "herd";
            let jobs = KINDS.map(|jitter| Job { table, scenario, policy: Policy { jitter, attempts, ..usual() } });
            run_all(&jobs, &root.join("target/herd"))?;
        }
    }
    Ok(())
}

/// Runs as many at once as there are processors, prints a table of each kind and plots it.
fn run_all(jobs: &[Job], folder: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    if let Some(job) = jobs.first() {
        tell_memory(job);
    }
    let next = Mutex::new(0);
    let done: Mutex<Vec<Option<Figures>>> = Mutex::new(vec![None; jobs.len()]);
    let take = || {
        let mut next = next.lock().ok()?;
        *next += 1;
        jobs.get(*next - 1).map(|job| (*next - 1, job))
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from).min(2) {
            scope.spawn(|| {
                while let Some((place, job)) = take() {
                    let figures = World::new(job.scenario, job.policy).run();
                    if let Ok(mut done) = done.lock() {
                        done[place] = Some(figures);
                    }
                }
            });
        }
    });
    let done: Vec<Figures> = done.into_inner()?.into_iter().flatten().collect();
    if done.len() != jobs.len() {
        return Err("a run did not come to its end".into());
    }
    let row = |(job, figures): (&Job, &Figures)| Row::new(job.table, &job.scenario, &job.policy, figures);
    let rows: Vec<Row> = jobs.iter().zip(&done).map(row).collect();
    println!("{}", report::table(&rows));
    for table in ["herd", "queue"] {
        let of_table = jobs.iter().zip(&done).filter(|(job, _)| job.table == table);
        plot_all(table, &of_table.collect::<Vec<_>>(), folder)?;
    }
    Ok(rows)
}

/// Measured alone: what runs at the same time would be counted too, and what was freed before would not.
fn tell_memory(job: &Job) {
    let clients = job.scenario.clients.min(100_000);
    let before = resident_bytes();
    let world = World::new(Scenario { clients, ..job.scenario }, job.policy);
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        println!("{} bytes of memory for each client", after.saturating_sub(before) / u64::from(clients));
    }
    drop(world);
}

/// Dials and recovered clients over time, of the runs that differ in nothing but jitter.
fn plot_all(table: &str, runs: &[(&Job, &Figures)], folder: &Path) -> Result<(), Box<dyn Error>> {
    let Some((first, _)) = runs.last() else { return Ok(()) };
    let Scenario { clients, accept_rate, outage, horizon, .. } = first.scenario;
    let compared = runs.iter().filter(|(job, _)| job.policy.attempts == first.policy.attempts);
    let curves = |points: &dyn Fn(&Figures) -> Vec<(f64, f64)>| -> Vec<Curve> {
        let curve = |(job, figures): &(&Job, &Figures)| {
            let mut points = points(figures);
            points.truncate((outage + horizon).as_secs() as usize);
            Curve { name: format!("jitter {}", report::jitter(job.policy.jitter)), points }
        };
        compared.clone().map(curve).collect()
    };
    let seconds = |counts: &[u32]| counts.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect();
    let dials = curves(&|figures| seconds(&figures.dials_per_second));
    let title = format!("{clients} clients, a server that takes {accept_rate}/s (the black line) after {outage:?}");
    let path = folder.join(format!("{table}-dials.svg"));
    plot::draw(&path, &title, "dials per second", &dials, Some(f64::from(accept_rate)), false)?;
    let back = curves(&|figures| {
        let mut sum = 0.0;
        let share = |(x, y): (usize, &u32)| {
            sum += f64::from(*y);
            (x as f64, 100.0 * sum / f64::from(clients))
        };
        figures.recovered_per_second.iter().enumerate().map(share).collect()
    });
    plot::draw(&folder.join(format!("{table}-back.svg")), &title, "clients that are back, %", &back, None, true)
}

/// The runs of docs/scaling.md.
fn documented() -> Vec<Job> {
    let unlimited = Policy { attempts: MaxAttempts::Unlimited, ..usual() };
    let full = Policy { jitter: Jitter::Full, ..unlimited };
    let patient = Policy { max_delay: Duration::from_secs(300), ..full };
    let mut jobs = Vec::new();
    jobs.push(Job { table: "herd", scenario: MILLION, policy: usual() });
    jobs.extend(KINDS.map(|jitter| Job { table: "herd", scenario: MILLION, policy: Policy { jitter, ..unlimited } }));
    // One of ten machines that share the herd.
    let queueing = Scenario {
        clients: MILLION.clients / 10,
        accept_rate: MILLION.accept_rate / 10,
        overload: Overload::Queue(BACKLOG),
        ..MILLION
    };
    jobs.extend(KINDS.map(|jitter| Job { table: "queue", scenario: queueing, policy: Policy { jitter, ..unlimited } }));
    // What counts is how long the server needs for all of them, so a small herd is as good as a large one.
    for accept_rate in [20_000, 2_000, 200, 20] {
        let scenario = Scenario { clients: 20_000, accept_rate, horizon: Duration::from_secs(3600), ..MILLION };
        jobs.extend([usual(), unlimited, full, patient].map(|policy| Job { table: "size", scenario, policy }));
    }
    jobs
}

/// The defaults of the client.
fn usual() -> Policy {
    let config = Config::default();
    Policy {
        jitter: config.reconnect_jitter,
        attempts: config.max_reconnect_attempts,
        max_delay: config.max_reconnect_delay,
    }
}

/// The scenario and the attempts that the command line asks for; `None` for those of the document.
fn asked_for() -> Result<Option<(Scenario, MaxAttempts)>, Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};

    let (mut scenario, mut attempts) = (MILLION, usual().attempts);
    let mut parser = lexopt::Parser::from_env();
    let mut is_asked = false;
    while let Some(option) = parser.next()? {
        is_asked = true;
        match option {
            Long("clients") => scenario.clients = parser.value()?.parse_with(at_least_one)?,
            Long("accept-rate") => scenario.accept_rate = parser.value()?.parse_with(at_least_one)?,
            Long("outage") => scenario.outage = Duration::from_secs(parser.value()?.parse::<u32>()?.into()),
            Long("horizon") => scenario.horizon = Duration::from_secs(parser.value()?.parse::<u32>()?.into()),
            Long("backlog") => scenario.overload = Overload::Queue(parser.value()?.parse_with(at_least_one)?),
            Long("seed") => scenario.seed = parser.value()?.parse()?,
            Long("attempts") => {
                attempts = match parser.value()?.string()?.as_str() {
                    "Infinity" => MaxAttempts::Unlimited,
                    number => MaxAttempts::Limited(number.parse()?),
                }
            }
            Long("help") => {
                println!("{HELP}");
                std::process::exit(0);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(is_asked.then_some((scenario, attempts)))
}

fn at_least_one(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it must be a whole number from 1 on".to_owned())
}

/// Where the system tells it.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string(PathBuf::from("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

const MILLION: Scenario = Scenario {
    clients: 1_000_000,
    outage: Duration::from_secs(60),
    accept_rate: 10_000,
    overload: Overload::Refuse,
    horizon: Duration::from_secs(300),
    seed: 1,
};
/// The guide's, the widest, none.
const KINDS: [Jitter; 3] = [Jitter::Fraction(0.2), Jitter::Full, Jitter::Fraction(0.0)];
/// What Linux allows a listening socket by default.
const BACKLOG: u32 = 4096;
const HELP: &str = "\
Without options: makes the tables and plots of docs/scaling.md. With any, runs that scenario with each kind of jitter.

--clients N        1000000
--accept-rate N    connections that the server takes in a second; 10000
--outage S         seconds until the server is back; 60
--horizon S        seconds after that until the run ends; 300
--attempts N       maxReconnectAttempts, or Infinity; 10
--backlog N        the server does not refuse, but lets so many wait and drops the rest
--seed N           1";

#[cfg(test)]
mod tests {
    use super::*;

    fn small(overload: Overload, policy: Policy) -> Figures {
        let scenario = Scenario { clients: 2_000, accept_rate: 50, overload, ..MILLION };
        World::new(scenario, policy).run()
    }

    fn unlimited(jitter: Jitter) -> Policy {
        Policy { jitter, attempts: MaxAttempts::Unlimited, ..usual() }
    }

    #[test]
    fn every_client_is_back_or_has_failed_or_waits_and_every_dial_has_one_end() {
        for policy in [usual(), unlimited(Jitter::Full), unlimited(Jitter::Fraction(0.0))] {
            let figures = small(Overload::Refuse, policy);
            let taken: u64 = figures.taken_per_second.iter().map(|count| u64::from(*count)).sum();
            assert_eq!(figures.recovered() + figures.failed() + figures.waiting(), 2_000);
            // What was under way when the time was over has none yet: at most one dial a client.
            let under_way = figures.dials() - figures.refused - taken;
            assert!(under_way <= figures.waiting(), "{under_way} of {}", figures.waiting());
            assert_eq!(figures.wasted, 0, "nobody waits long enough to give up");
            assert!(taken - figures.recovered() <= figures.waiting());
        }
    }

    #[test]
    fn the_server_never_takes_more_than_it_can() {
        for overload in [Overload::Refuse, Overload::Queue(4096)] {
            let figures = small(overload, unlimited(Jitter::Full));
            assert!(figures.taken_per_second.iter().all(|taken| *taken <= 50));
            assert!(figures.taken_per_second[..60].iter().all(|taken| *taken == 0), "it is away for a minute");
            let last = figures.recovered_after[2].expect("all are back");
            assert!(last >= 40.0, "2,000 clients at 50/s in {last} s");
        }
    }

    #[test]
    fn a_client_with_a_limit_makes_so_many_attempts_and_no_more() {
        let figures = small(Overload::Refuse, usual());
        assert!(figures.failed() > 0, "with the defaults some give up");
        assert!(figures.dials() <= 2_000 * 10, "{} dials", figures.dials());
        let without = small(Overload::Refuse, unlimited(Jitter::Full));
        assert_eq!((without.failed(), without.waiting()), (0, 0));
    }

    #[test]
    fn a_client_that_gives_up_waiting_in_a_queue_is_served_in_vain() {
        let figures = small(Overload::Queue(4096), unlimited(Jitter::Fraction(0.0)));
        assert!(figures.wasted > 0, "a queue of 80 s outlasts connectTimeout");
    }

    #[test]
    fn one_seed_gives_the_same_figures_and_another_gives_others() {
        let with = |seed| {
            let scenario = Scenario { clients: 300, accept_rate: 10, seed, ..MILLION };
            World::new(scenario, usual()).run()
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}
