//! The states of a client, each with its data, and the snapshot that users see.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{ConnectionId, dials::Dials, error::ErrorData, fields::Fields, socket::Socket, stats::whole_millis};

/// Lifecycle of one client.
#[derive(Debug)]
pub enum State {
    /// `connect` has not been called yet.
    Idle,
    /// A dial is under way, or several of a race: DNS, TCP, TLS, HTTP upgrade. Before that, the url function.
    Connecting(Dials),
    /// The socket is open; the server has not answered the auth message yet.
    Authenticating(Box<Socket>),
    /// Authenticated: tools can be called.
    Ready(Box<Socket>),
    /// The server refused the token. The socket is still open, unless the upgrade itself was refused.
    Unauthorized(Option<Box<Socket>>),
    /// Waiting for the next attempt.
    Reconnecting {
        /// How long the wait is, jitter included.
        delay: Duration,
        /// The part of it that a close code of the server added: a change of network does not shorten it.
        extra: Duration,
        /// The monotonic time before which the server asked not to be dialed.
        not_before: Duration,
        /// When it ends, by the wall clock, ms since the epoch.
        ends: u64,
    },
    /// `close` was called; calls in flight or the peer's close frame are still to come.
    Closing(Box<Socket>, Closing),
    /// Closed by us, or by the server with a code that forbids reconnecting. Only `connect` leaves it.
    Closed,
    /// The attempts are used up, or no retry can help. Only `connect` leaves it.
    Failed,
}

/// The phases of [`State::Closing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// Waiting for the answers of calls in flight; then a close frame with this code and reason is sent.
    Draining {
        /// RFC 6455 § 7.4 code.
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
    /// The close frame was sent; waiting for the peer's.
    Handshake,
}

impl Closing {
    fn visit(&mut self, fields: &mut dyn Fields) {
        let mut code = if let Self::Draining { code, .. } = self { Some(*code) } else { None };
        fields.field("closesWith", &mut code);
        if fields.is_reading() {
            *self = code.map_or(Self::Handshake, |code| Self::Draining { code, reason: String::new() });
        }
    }
}

impl State {
    /// The names that users see, in the order of the lifecycle.
    pub const NAMES: [&'static str; 9] = [
        "idle",
        "connecting",
        "authenticating",
        "ready",
        "unauthorized",
        "reconnecting",
        "closing",
        "closed",
        "failed",
    ];

    /// The name that users see.
    pub fn name(&self) -> &'static str {
        Self::NAMES[self.place()]
    }

    fn place(&self) -> usize {
        match self {
            Self::Idle => 0,
            Self::Connecting(_) => 1,
            Self::Authenticating(_) => 2,
            Self::Ready(_) => 3,
            Self::Unauthorized(_) => 4,
            Self::Reconnecting { .. } => 5,
            Self::Closing(..) => 6,
            Self::Closed => 7,
            Self::Failed => 8,
        }
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        let mut place = self.place();
        fields.word("state", &mut place, &Self::NAMES);
        let mut has_socket = self.socket().is_some();
        fields.field("connected", &mut has_socket);
        if fields.is_reading() {
            *self = Self::blank(place, has_socket);
        }
        match self {
            Self::Connecting(dials) => dials.visit(fields),
            Self::Reconnecting { delay, extra, not_before, ends } => {
                fields.field("delay", delay);
                fields.field("extraDelay", extra);
                fields.field("notBefore", not_before);
                fields.field("retryAt", ends);
            }
            Self::Closing(_, closing) => closing.visit(fields),
            _ => {}
        }
        if let Some(socket) = self.socket_mut() {
            fields.begin("socket", None);
            socket.visit(fields);
            fields.end();
        }
    }

    /// The state at this place among the names, without its data.
    fn blank(place: usize, has_socket: bool) -> Self {
        let zero = Duration::ZERO;
        match place {
            1 => Self::Connecting(Dials::default()),
            2 => Self::Authenticating(Box::default()),
            3 => Self::Ready(Box::default()),
            4 => Self::Unauthorized(has_socket.then(Box::default)),
            5 => Self::Reconnecting { delay: zero, extra: zero, not_before: zero, ends: 0 },
            6 => Self::Closing(Box::default(), Closing::Handshake),
            7 => Self::Closed,
            8 => Self::Failed,
            _ => Self::Idle,
        }
    }

    /// The open socket, if there is one.
    pub fn socket(&self) -> Option<&Socket> {
        match self {
            Self::Authenticating(socket)
            | Self::Ready(socket)
            | Self::Unauthorized(Some(socket))
            | Self::Closing(socket, _) => Some(socket),
            _ => None,
        }
    }

    pub(super) fn socket_mut(&mut self) -> Option<&mut Socket> {
        match self {
            Self::Authenticating(socket)
            | Self::Ready(socket)
            | Self::Unauthorized(Some(socket))
            | Self::Closing(socket, _) => Some(socket),
            _ => None,
        }
    }

    /// The open connection.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.socket().map(|socket| socket.id)
    }

    /// This dial is under way, or has opened a socket that takes part in a race.
    pub fn is_dialing(&self, connection: ConnectionId) -> bool {
        matches!(self, Self::Connecting(dials) if dials.place(connection).is_some())
    }
}

/// The state of the connection at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The name of the state.
    #[cfg_attr(test, ts(type = "ConnectionState"))]
    pub state: &'static str,
    /// The socket is open.
    pub connected: bool,
    /// The server has accepted the key: tools can be called.
    pub authenticated: bool,
    /// The endpoint in use, without its query, which may contain a key.
    pub url: String,
    /// The number of the attempt; 0 when not retrying.
    pub attempt: u32,
    /// How long the current wait is in all, in ms, jitter included; `null` when not waiting.
    #[serde(serialize_with = "as_millis")]
    #[cfg_attr(test, ts(type = "number | null"))]
    pub retry_delay: Option<Duration>,
    /// When the current wait ends, in ms since the epoch; `null` when not waiting.
    pub retry_at: Option<u64>,
    /// Why the client is in this state; `null` when all is well.
    pub error: Option<Box<ErrorData>>,
    /// Increases with every change of the state.
    pub revision: u32,
}

fn as_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(whole_millis).serialize(serializer)
}
