//! A herd of clients, each with the session of the real client, and one server, in virtual time.
//!
//! All connections are lost at one moment, the worst that can happen. From then on each session does as it is told by
//! its timers, and here is done what it asks for: dials arrive at the server after half a round trip, and so on. The
//! same seed and the same scenario give the same figures.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use mcp_protocol::{
    Action, Config, ConnectionId, DialFailure, DialectChoice, Ending, Jitter, MaxAttempts, Now, Session, State,
    SystemError,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    figures::{Figures, Tally},
    server::{Overload, Server, Verdict},
};

/// What happens to whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) clients: u32,
    /// From the loss of all connections to the return of the server.
    pub(crate) outage: Duration,
    /// Connections that the server takes in a second.
    pub(crate) accept_rate: u32,
    pub(crate) overload: Overload,
    /// After the return; who is not back by then is counted as still waiting.
    pub(crate) horizon: Duration,
    pub(crate) seed: u64,
}

/// How the clients are configured, where it is not by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Policy {
    pub(crate) jitter: Jitter,
    pub(crate) attempts: MaxAttempts,
    pub(crate) max_delay: Duration,
}

/// One client, until it is back or has failed.
struct Client {
    session: Session<()>,
    round_trip: Duration,
    /// The earliest wake-up that is on its way.
    wakes_at: Duration,
}

/// What happens next, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Happening {
    at: Duration,
    client: u32,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Wake,
    /// The first packet of a connection is at the server, sent so many times before.
    Arrival(u32, u8),
    Refusal(u32),
    Open(u32),
    /// The answer to the auth message.
    Answer(u32),
}

/// The herd and its server.
pub(crate) struct World {
    scenario: Scenario,
    clients: Vec<Option<Client>>,
    server: Server,
    happenings: BinaryHeap<Reverse<Happening>>,
    tally: Tally,
}

impl World {
    /// All clients are `ready`, and lose their connections at this moment.
    pub(crate) fn new(scenario: Scenario, policy: Policy) -> Self {
        let returns_at = START + scenario.outage;
        let mut world = Self {
            scenario,
            clients: Vec::with_capacity(scenario.clients as usize),
            server: Server::new(scenario.accept_rate, scenario.overload, returns_at),
            happenings: BinaryHeap::new(),
            tally: Tally::new(scenario.clients, scenario.outage),
        };
        let mut rng = StdRng::seed_from_u64(scenario.seed);
        let config = Config {
            reconnect_jitter: policy.jitter,
            max_reconnect_attempts: policy.attempts,
            max_reconnect_delay: policy.max_delay,
            // Nothing is gained from finding out a million times.
            dialect: DialectChoice::Guide,
            ..Config::default()
        };
        for _ in 0..scenario.clients {
            let session = ready_session(config.clone(), rng.random());
            let round_trip = Duration::from_micros(rng.random_range(ROUND_TRIPS_IN_MICROS));
            world.clients.push(Some(Client { session, round_trip, wakes_at: Duration::MAX }));
        }
        world
    }

    /// Lets it happen.
    pub(crate) fn run(mut self) -> Figures {
        for client in 0..self.scenario.clients {
            self.input(client, START, |session, now| {
                session.handle_closed(now, ConnectionId(1), Ending::abnormal("connection reset"));
            });
        }
        let end = START + self.scenario.outage + self.scenario.horizon;
        while let Some(Reverse(happening)) = self.happenings.pop() {
            if happening.at > end || self.tally.is_over() {
                break;
            }
            self.happen(happening);
        }
        self.tally.sum_up()
    }

    fn happen(&mut self, Happening { at, client, what }: Happening) {
        match what {
            What::Wake => {
                if let Some(client) = &mut self.clients[client as usize] {
                    client.wakes_at = Duration::MAX;
                }
                self.input(client, at, Session::handle_timeout);
            }
            What::Arrival(connection, times) => self.arrive(at, client, connection, times),
            What::Refusal(connection) => {
                let failure = DialFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "connection refused"));
                self.input(client, at, |session, now| {
                    session.handle_dial_failed(now, ConnectionId(connection), failure);
                });
            }
            What::Open(connection) => {
                if !self.still_dials(client, connection) {
                    return self.tally.wasted();
                }
                self.input(client, at, |session, now| session.handle_open(now, ConnectionId(connection)));
            }
            What::Answer(connection) => self.input(client, at, |session, now| {
                session.handle_message(now, ConnectionId(connection), ACCEPTED.into());
            }),
        }
    }

    fn arrive(&mut self, at: Duration, client: u32, connection: u32, times: u8) {
        if !self.still_dials(client, connection) {
            return;
        }
        let Some(Client { round_trip, .. }) = self.clients[client as usize] else { return };
        match self.server.arrive(at) {
            Verdict::Taken(done) => {
                self.tally.taken(done - START);
                // The handshakes of TCP, TLS and HTTP: what is left of three round trips.
                self.later(done + round_trip * 5 / 2, client, What::Open(connection));
            }
            Verdict::Refused => {
                self.tally.refused();
                self.later(at + round_trip / 2, client, What::Refusal(connection));
            }
            Verdict::Dropped if times < REPEATS => {
                self.later(at + Duration::from_secs(1 << times), client, What::Arrival(connection, times + 1));
            }
            Verdict::Dropped => {}
        }
    }

    fn still_dials(&self, client: u32, connection: u32) -> bool {
        let client = self.clients[client as usize].as_ref();
        client.is_some_and(|client| client.session.state().is_dialing(ConnectionId(connection)))
    }

    /// Gives a session something, and does what it wants done.
    fn input(&mut self, place: u32, at: Duration, act: impl FnOnce(&mut Session<()>, Now)) {
        let Some(client) = &mut self.clients[place as usize] else { return };
        let Client { session, round_trip, wakes_at } = client;
        act(session, now(at));
        let mut follows = VecDeque::new();
        while let Some(transmit) = session.poll_transmit() {
            session.handle_written(transmit.connection, 1);
            // The first thing that is sent is the auth message; what comes after it is not waited for.
            follows.push_back((at + *round_trip, What::Answer(transmit.connection.0)));
        }
        while let Some(action) = session.poll_action() {
            if let Action::Dial { connection, .. } = action {
                self.tally.dialed(at - START);
                follows.push_back((at + *round_trip / 2, What::Arrival(connection.0, 0)));
            }
        }
        while session.poll_event().is_some() {}
        let next = session.poll_timeout().filter(|next| next < wakes_at);
        if let Some(next) = next {
            *wakes_at = next;
            follows.push_back((next, What::Wake));
        }
        match session.state() {
            State::Ready(_) => {
                self.tally.recovered(at - START);
                self.clients[place as usize] = None;
            }
            State::Failed => {
                self.tally.failed(at - START);
                self.clients[place as usize] = None;
            }
            _ => follows.into_iter().for_each(|(at, what)| self.later(at, place, what)),
        }
    }

    fn later(&mut self, at: Duration, client: u32, what: What) {
        self.happenings.push(Reverse(Happening { at, client, what }));
    }
}

/// A session that has come as far as `ready`.
fn ready_session(config: Config, seed: [u8; 32]) -> Session<()> {
    let mut session = Session::new(config, "ws://herd/mcp-ws", seed, now(START));
    session.connect(now(START), ());
    session.handle_open(now(START), ConnectionId(1));
    session.handle_message(now(START), ConnectionId(1), ACCEPTED.into());
    while session.poll_action().is_some() || session.poll_event().is_some() {}
    while session.poll_transmit().is_some() {
        session.handle_written(ConnectionId(1), 1);
    }
    session
}

fn now(mono: Duration) -> Now {
    Now { mono, wall: 1_700_000_000_000 + mono.as_millis() as u64 }
}

/// When all connections are lost.
const START: Duration = Duration::from_secs(1);
const ACCEPTED: &str = r#"{"id":"auth","success":true}"#;
/// From one city to the next, to one overseas on a mobile network.
const ROUND_TRIPS_IN_MICROS: std::ops::Range<u64> = 5_000..250_000;
/// Of the first packet, until `connectTimeout` is over: after 1, 3 and 7 s.
const REPEATS: u8 = 3;
