//! What is on its way between client and server, and what befalls it: latency, half-open links, cuts between two messages.
//!
//! Like TCP it keeps the order of one connection and loses nothing out of the middle. Connections know nothing of each
//! other: a slow old one may deliver after a quick new one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mcp_protocol::ConnectionId;

use crate::{
    chance::Chance,
    event::{Way, WorldEvent},
};

/// How the network and the server take their time; in a calm one all happens at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// ms that a message of a later dial takes one way, at most. Each connection has one latency, drawn at its dial.
    pub latency: u64,
    /// ms that the server takes over an answer, at most: answers overtake each other.
    pub thinking: u64,
    /// ms after which the peer reads one more text of the client; 0 means that it reads all at once.
    pub reading: u64,
}

/// Everything between the two sides, ordered by when it arrives.
pub(super) struct Network {
    pub(super) weather: Weather,
    pub(super) chance: Chance,
    on_its_way: BTreeMap<(Duration, u64), WorldEvent>,
    sent: u64,
    latencies: BTreeMap<ConnectionId, Duration>,
    /// From here on nothing arrives, and nobody is told.
    frozen: BTreeSet<(ConnectionId, Way)>,
    /// So many more messages arrive, then the connection that the next one belongs to is cut.
    fuse: Option<u32>,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            weather: Weather::default(),
            chance: Chance::new(seed),
            on_its_way: BTreeMap::new(),
            sent: 0,
            latencies: BTreeMap::new(),
            frozen: BTreeSet::new(),
            fuse: None,
        }
    }

    /// A new connection: how long its messages will take.
    pub(super) fn dial(&mut self, connection: ConnectionId) {
        let latency = Duration::from_millis(self.chance.draw(self.weather.latency));
        self.latencies.insert(connection, latency);
        if self.latencies.len() > REMEMBERED {
            self.latencies.pop_first();
        }
    }

    /// Happens next.
    pub(super) fn at_once(&mut self, event: WorldEvent) {
        self.at(Duration::ZERO, event);
    }

    /// Sets out at `now`, and arrives when the connection's latency is over.
    pub(super) fn send(&mut self, now: Duration, event: WorldEvent) {
        let latency = event.connection().and_then(|connection| self.latencies.get(&connection));
        self.at(now + latency.copied().unwrap_or_default(), event);
    }

    /// Sets out when the server has thought about it.
    pub(super) fn send_later(&mut self, now: Duration, event: WorldEvent) {
        let thinking = self.time_to_think();
        self.send(now + thinking, event);
    }

    /// Happens on the client's side, where code thinks as long as the server does.
    pub(super) fn think(&mut self, now: Duration, event: WorldEvent) {
        let thinking = self.time_to_think();
        self.at(now + thinking, event);
    }

    fn time_to_think(&mut self) -> Duration {
        Duration::from_millis(self.chance.draw(self.weather.thinking))
    }

    /// Happens at that moment.
    pub(super) fn at(&mut self, due: Duration, event: WorldEvent) {
        self.sent += 1;
        self.on_its_way.insert((due, self.sent), event);
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Duration> {
        self.on_its_way.keys().next().map(|(due, _)| *due)
    }

    /// What has arrived by now. What a half-open link swallows is gone; what burns the fuse down cuts its connection.
    pub(super) fn arrived(&mut self, now: Duration) -> Option<WorldEvent> {
        while self.next().is_some_and(|due| due <= now) {
            let (_, event) = self.on_its_way.pop_first()?;
            let Some((connection, way)) = event.course() else { return Some(event) };
            if self.frozen.contains(&(connection, way)) {
                continue;
            }
            if self.burns_down(&event) {
                return Some(WorldEvent::Cut(connection));
            }
            return Some(event);
        }
        None
    }

    /// From now on nothing goes this way, and nobody is told: the link is half open.
    pub(super) fn freeze(&mut self, connection: ConnectionId, way: Way) {
        self.frozen.insert((connection, way));
    }

    /// The link is half open.
    pub(super) fn is_frozen(&self, connection: ConnectionId) -> bool {
        [Way::Up, Way::Down].into_iter().any(|way| self.frozen.contains(&(connection, way)))
    }

    /// No link is half open any more.
    pub(super) fn thaw(&mut self) {
        self.frozen.clear();
    }

    /// Cuts a connection after so many more messages.
    pub(super) fn light_fuse(&mut self, messages: u32) {
        self.fuse = Some(messages);
    }

    /// What the client has sent never arrives.
    pub(super) fn lose_what_goes_up(&mut self, connection: ConnectionId) {
        self.on_its_way.retain(|_, event| event.course() != Some((connection, Way::Up)));
    }

    /// Everything on its way is lost. No trouble is left but half-open links.
    pub(super) fn calm_down(&mut self) {
        self.weather = Weather::default();
        self.on_its_way.clear();
        self.fuse = None;
    }

    fn burns_down(&mut self, event: &WorldEvent) -> bool {
        if !matches!(event, WorldEvent::Say(..) | WorldEvent::Hear(_)) {
            return false;
        }
        let Some(left) = &mut self.fuse else { return false };
        if let Some(fewer) = left.checked_sub(1) {
            *left = fewer;
            return false;
        }
        self.fuse = None;
        true
    }
}

/// Connections whose latency is known; of older ones everything has arrived.
const REMEMBERED: usize = 8;
