//! What is on its way between client and server, and what happens to it: latency, half-open connections, cuts between
//! two messages.
//!
//! As with TCP, the messages of one connection keep their order, and none is lost from the middle. Connections are
//! independent: a slow old one may deliver after a fast new one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mcp_protocol::ConnectionId;

use crate::{
    chance::Chance,
    event::{Way, WorldEvent},
};

/// How slow network, server and reader are. By default everything happens at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// ms that a message of a later dial takes one way, at most. Each connection has one latency, drawn at its dial.
    pub latency: u64,
    /// ms that the server takes for an answer, at most: answers may overtake each other.
    pub thinking: u64,
    /// ms that the peer takes to read each text of the client; 0 means that it reads all at once.
    pub reading: u64,
}

/// Everything between the two sides, ordered by when it arrives.
pub(super) struct Network {
    pub(super) conditions: Conditions,
    pub(super) chance: Chance,
    on_its_way: BTreeMap<(Duration, u64), WorldEvent>,
    sent: u64,
    latencies: BTreeMap<ConnectionId, Duration>,
    /// Directions in which nothing arrives any more, although neither side is told.
    frozen: BTreeSet<(ConnectionId, Way)>,
    /// After so many more messages, the connection that the next one belongs to is cut.
    messages_until_cut: Option<u32>,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            conditions: Conditions::default(),
            chance: Chance::new(seed),
            on_its_way: BTreeMap::new(),
            sent: 0,
            latencies: BTreeMap::new(),
            frozen: BTreeSet::new(),
            messages_until_cut: None,
        }
    }

    /// Draws the latency of a new connection.
    pub(super) fn dial(&mut self, connection: ConnectionId) {
        let latency = Duration::from_millis(self.chance.draw(self.conditions.latency));
        self.latencies.insert(connection, latency);
        if self.latencies.len() > REMEMBERED {
            self.latencies.pop_first();
        }
    }

    /// Schedules the event before all others.
    pub(super) fn at_once(&mut self, event: WorldEvent) {
        self.at(Duration::ZERO, event);
    }

    /// Sends the event at `now`: it arrives after the connection's latency.
    pub(super) fn send(&mut self, now: Duration, event: WorldEvent) {
        let latency = event.connection().and_then(|connection| self.latencies.get(&connection));
        self.at(now + latency.copied().unwrap_or_default(), event);
    }

    /// Sends the event after the time that the server takes for an answer.
    pub(super) fn send_later(&mut self, now: Duration, event: WorldEvent) {
        let thinking = self.time_to_think();
        self.send(now + thinking, event);
    }

    /// Schedules an event of the user's code, which takes as long as the server does for an answer.
    pub(super) fn think(&mut self, now: Duration, event: WorldEvent) {
        let thinking = self.time_to_think();
        self.at(now + thinking, event);
    }

    fn time_to_think(&mut self) -> Duration {
        Duration::from_millis(self.chance.draw(self.conditions.thinking))
    }

    /// Schedules the event at `due`.
    pub(super) fn at(&mut self, due: Duration, event: WorldEvent) {
        self.sent += 1;
        self.on_its_way.insert((due, self.sent), event);
    }

    /// When the next event is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.on_its_way.keys().next().map(|(due, _)| *due)
    }

    /// The next event that is due. What goes over a half-open connection is lost; the message at which a cut is due
    /// cuts its connection.
    pub(super) fn arrived(&mut self, now: Duration) -> Option<WorldEvent> {
        while self.next().is_some_and(|due| due <= now) {
            let (_, event) = self.on_its_way.pop_first()?;
            let Some((connection, way)) = event.route() else { return Some(event) };
            if self.frozen.contains(&(connection, way)) {
                continue;
            }
            if self.is_cut_at(&event) {
                return Some(WorldEvent::Cut(connection));
            }
            return Some(event);
        }
        None
    }

    /// From now on nothing arrives in this direction, and neither side is told: the connection is half open.
    pub(super) fn freeze(&mut self, connection: ConnectionId, way: Way) {
        self.frozen.insert((connection, way));
    }

    /// The connection is half open.
    pub(super) fn is_frozen(&self, connection: ConnectionId) -> bool {
        [Way::Up, Way::Down].into_iter().any(|way| self.frozen.contains(&(connection, way)))
    }

    /// No connection is half open any more.
    pub(super) fn unfreeze(&mut self) {
        self.frozen.clear();
    }

    /// Cuts a connection after so many more messages.
    pub(super) fn cut_after(&mut self, messages: u32) {
        self.messages_until_cut = Some(messages);
    }

    /// What the client has sent never arrives.
    pub(super) fn lose_what_goes_up(&mut self, connection: ConnectionId) {
        self.on_its_way.retain(|_, event| event.route() != Some((connection, Way::Up)));
    }

    /// Loses everything that is on its way, and ends all trouble but half-open connections.
    pub(super) fn end_trouble(&mut self) {
        self.conditions = Conditions::default();
        self.on_its_way.clear();
        self.messages_until_cut = None;
    }

    fn is_cut_at(&mut self, event: &WorldEvent) -> bool {
        if !matches!(event, WorldEvent::Say(..) | WorldEvent::Hear(_)) {
            return false;
        }
        let Some(left) = &mut self.messages_until_cut else { return false };
        if let Some(fewer) = left.checked_sub(1) {
            *left = fewer;
            return false;
        }
        self.messages_until_cut = None;
        true
    }
}

/// Connections whose latency is known; of older ones everything has arrived.
const REMEMBERED: usize = 8;
