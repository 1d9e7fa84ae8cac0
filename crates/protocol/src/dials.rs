//! The dials that are under way: one, or the several of a race. Source: PROTOCOL.md rule 16.

use std::time::Duration;

use super::{
    ConnectionId,
    class::Class,
    config::Secret,
    dialing::{DialReport, DialTrace, Via},
    error::Fault,
    fields::Fields,
    key_life::KeyLife,
    received::Received,
    socket::Socket,
};

/// What `connecting` waits for.
#[derive(Debug, Default)]
pub struct Dials {
    /// The url function was asked, under this name.
    pub(super) asking: Option<ConnectionId>,
    pub(super) dials: Vec<Dial>,
    /// The first to become `ready` wins, not the first to open.
    pub(super) is_race: bool,
    pub(super) key: RaceKey,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) id: ConnectionId,
    pub(super) endpoint: usize,
    /// When to give it up.
    pub(super) deadline: Duration,
    /// When it began.
    pub(super) begun: Duration,
    /// What it has done so far, as far as the driver has said so.
    pub(super) trace: Option<Box<DialTrace>>,
    /// How many of its phases the flight recorder has, and whether it has the address.
    pub(super) recorded: (usize, bool),
    /// The endpoint, if the user was told of the dial and has not been told of its end.
    pub(super) told: Option<Box<str>>,
    /// How it reaches the server, as far as that is known.
    pub(super) via: Option<Via>,
    /// Its socket is open, and takes part in a race.
    pub(super) opened: Option<Box<Opened>>,
}

/// An open socket whose user has not been told of it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) socket: Socket,
    /// What the server has said, to be told if this socket wins.
    pub(super) heard: Vec<Received>,
    /// Bytes of it.
    pub(super) heard_bytes: usize,
}

/// The key of a race: the key function is asked once.
#[derive(Debug, Default)]
pub(super) enum RaceKey {
    #[default]
    Unasked,
    /// For this connection, which may have been given up since.
    Asked(ConnectionId),
    Known(Secret, Option<KeyLife>),
}

impl Dials {
    pub(super) fn asking(asked: ConnectionId) -> Self {
        Self { asking: Some(asked), ..Self::default() }
    }

    pub(super) fn place(&self, connection: ConnectionId) -> Option<usize> {
        self.dials.iter().position(|dial| dial.id == connection)
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Dial> {
        Some(self.dials.swap_remove(self.place(connection)?))
    }

    /// When the first of them is to be given up.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.dials.iter().map(|dial| dial.deadline).min()
    }

    pub(super) fn due(&self, now: Duration) -> Option<ConnectionId> {
        self.dials.iter().find(|dial| dial.deadline <= now).map(|dial| dial.id)
    }

    pub(super) fn has_opened(&self) -> bool {
        self.dials.iter().any(|dial| dial.opened.is_some())
    }
}

impl Dials {
    /// Those that are open, and race.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.dials.iter().filter_map(|dial| dial.opened.as_deref()).map(|opened| &opened.socket)
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("askedForUrls", &mut self.asking);
        fields.field("race", &mut self.is_race);
        self.key.visit(fields);
        fields.list("dials", &mut self.dials, Dial::default, Dial::visit);
    }
}

impl RaceKey {
    fn visit(&mut self, fields: &mut dyn Fields) {
        let mut asked = if let Self::Asked(asked) = self { Some(*asked) } else { None };
        let mut life = if let Self::Known(_, life) = self { Some(*life) } else { None };
        fields.field("askedForKey", &mut asked);
        KeyLife::visit_maybe(&mut life, fields);
        if fields.is_reading() {
            *self = match (asked, life) {
                (_, Some(life)) => Self::Known(Secret::new("key"), life),
                (Some(asked), None) => Self::Asked(asked),
                (None, None) => Self::Unasked,
            };
        }
    }
}

impl Opened {
    fn visit(&mut self, fields: &mut dyn Fields) {
        self.socket.visit(fields);
        fields.list("heard", &mut self.heard, || Class::default().message(None, 0), Class::visit_message);
        fields.field("heardBytes", &mut self.heard_bytes);
    }
}

impl Default for Dial {
    fn default() -> Self {
        Self::new(ConnectionId::default(), 0, Duration::ZERO, Duration::ZERO)
    }
}

impl Dial {
    fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("connection", &mut self.id);
        fields.field("endpoint", &mut self.endpoint);
        fields.field("deadline", &mut self.deadline);
        let mut is_open = self.opened.is_some();
        fields.field("open", &mut is_open);
        if fields.is_reading() {
            self.opened = is_open.then(|| Opened::new(Socket::default()));
        }
        if let Some(opened) = &mut self.opened {
            opened.visit(fields);
        }
    }

    pub(super) fn new(id: ConnectionId, endpoint: usize, begun: Duration, deadline: Duration) -> Self {
        Self { id, endpoint, deadline, begun, trace: None, recorded: (0, false), told: None, via: None, opened: None }
    }
}

impl Dial {
    /// What is to be told of its end, if anything is; only once. Without a fault its socket is open.
    #[cfg(feature = "system")]
    pub(super) fn report(&mut self, now: Duration, fault: Option<&Fault>) -> Option<Box<DialReport>> {
        let url = self.told.take()?.into();
        let unknown =
            || DialTrace { duration: now.saturating_sub(self.begun).as_secs_f64() * 1000.0, ..DialTrace::default() };
        let DialTrace { duration, address, phases } = self.trace.take().map_or_else(unknown, |trace| *trace);
        let proxy = self.via.as_ref().and_then(Via::proxy).map(str::to_owned);
        let error = fault.map(Fault::data);
        Some(Box::new(DialReport { connection: self.id.0, url, proxy, address, duration, phases, error }))
    }
}

impl Opened {
    pub(super) fn new(socket: Socket) -> Box<Self> {
        Box::new(Self { socket, heard: Vec::new(), heard_bytes: 0 })
    }
}
