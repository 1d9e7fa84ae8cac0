//! The states of a client, each with its data, and the snapshot that users see.

use std::{collections::VecDeque, time::Duration};

use serde::{Serialize, Serializer};

use super::{
    ConnectionId,
    config::Secret,
    dialect::{Dialect, RequestText},
    error::ErrorData,
    heartbeat::Heartbeat,
};

/// Lifecycle of one client.
#[derive(Debug)]
pub enum State {
    /// `connect` has not been called yet.
    Idle,
    /// A dial is under way: DNS, TCP, TLS, HTTP upgrade.
    Connecting(ConnectionId),
    /// The socket is open; the server has not answered the auth message yet.
    Authenticating(Socket),
    /// Authenticated: tools can be called.
    Ready(Socket),
    /// The server refused the token. The socket is still open, unless the upgrade itself was refused.
    Unauthorized(Option<Socket>),
    /// Waiting for the next attempt.
    Reconnecting {
        /// How long the wait is, jitter included.
        delay: Duration,
        /// The part of it that a close code of the server added: a change of network does not shorten it.
        extra: Duration,
        /// When it ends, by the wall clock, ms since the epoch.
        ends: u64,
    },
    /// `close` was called; calls in flight or the peer's close frame are still to come.
    Closing(Socket, Closing),
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
        let place = match self {
            Self::Idle => 0,
            Self::Connecting(_) => 1,
            Self::Authenticating(_) => 2,
            Self::Ready(_) => 3,
            Self::Unauthorized(_) => 4,
            Self::Reconnecting { .. } => 5,
            Self::Closing(..) => 6,
            Self::Closed => 7,
            Self::Failed => 8,
        };
        Self::NAMES[place]
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

    /// The connection being dialed, or open. Inputs of any other are ignored.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Connecting(id) => Some(*id),
            other => other.socket().map(|socket| socket.id),
        }
    }
}

/// What the protocol keeps of an open socket.
#[derive(Debug)]
pub struct Socket {
    /// The dial that opened it.
    pub id: ConnectionId,
    pub(super) dialect: Dialect,
    /// `auto` detected the event dialect in the server's first message; an auth answer would show that it was wrong.
    pub(super) detected: bool,
    /// A message has been received on this connection.
    pub(super) has_received: bool,
    pub(super) auth: Auth,
    pub(super) heartbeat: Heartbeat,
    /// Texts handed out and not yet written, oldest first.
    pub(super) unwritten: VecDeque<Unwritten>,
    /// How many texts were handed out on this connection: the number of the next one.
    pub(super) handed_out: u64,
    /// How many of them the operating system has taken completely: the server may have read these.
    pub(super) written: u64,
    /// How many after those are being written right now: the server may have read some of these.
    pub(super) being_written: u64,
    /// The driver has stopped reading, because JavaScript does not keep up.
    pub(super) paused: bool,
    /// When it opened, by the wall clock, ms since the epoch.
    pub(super) opened: u64,
    /// When it was first `ready`.
    pub(super) ready_since: Option<Duration>,
}

impl Socket {
    pub(super) fn new(id: ConnectionId, dialect: Dialect, now: super::Now) -> Self {
        Self {
            id,
            dialect,
            detected: false,
            has_received: false,
            auth: Auth::default(),
            heartbeat: Heartbeat::new(now.mono),
            unwritten: VecDeque::new(),
            handed_out: 0,
            written: 0,
            being_written: 0,
            paused: false,
            opened: now.wall,
            ready_since: None,
        }
    }

    /// Texts below this number may have been sent; the others certainly were not.
    pub(super) fn maybe_sent(&self) -> u64 {
        self.written + self.being_written
    }

    /// As far as is known yet, this connection speaks the guide's dialect.
    #[cfg(feature = "sim")]
    pub fn is_guide(&self) -> bool {
        self.dialect == Dialect::Guide
    }

    /// The event dialect was taken up from the server's first message, and may still turn out to be wrong.
    #[cfg(feature = "sim")]
    pub fn is_detected(&self) -> bool {
        self.detected
    }
}

/// A text that was handed out and may not have been written yet.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// A request. If the connection is lost before it is written, it is sent on the next one.
    Request(RequestText),
    /// Any other text, by its size in bytes.
    Other(usize),
}

impl Unwritten {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Request(request_text) => request_text.text().len(),
            Self::Other(bytes) => *bytes,
        }
    }
}

/// The authentication of one connection.
#[derive(Debug, Default)]
pub(super) struct Auth {
    own: OwnMessage,
    /// Auth messages sent, ours and the user's, whose answers have not come.
    unanswered: u32,
    /// The token of the last auth message that the user sent.
    users_token: Option<Secret>,
}

/// What our own auth message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnMessage {
    /// The user's `open` listeners: they may send an auth message of their own.
    Held,
    /// The token function.
    Asking(Asked),
    /// Nothing: it was sent, or is not needed.
    Done(Asked),
}

/// Whether the token function may be asked again when the server refuses its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Once,
    /// After a refusal: the next refusal stands.
    Twice,
}

impl Default for OwnMessage {
    fn default() -> Self {
        Self::Done(Asked::Once)
    }
}

impl Auth {
    pub(super) fn is_held(&self) -> bool {
        self.own == OwnMessage::Held
    }

    pub(super) fn is_asking(&self) -> bool {
        matches!(self.own, OwnMessage::Asking(_))
    }

    /// The server owes an answer, or will owe one when the token function has answered.
    pub(super) fn is_answer_due(&self) -> bool {
        self.unanswered > 0 || self.is_asking()
    }

    /// Our message waits for the `open` listeners.
    pub(super) fn hold(&mut self) {
        self.own = OwnMessage::Held;
    }

    /// Our message waits for the token function.
    pub(super) fn ask(&mut self) {
        self.own = OwnMessage::Asking(self.asked());
    }

    pub(super) fn own_message_sent(&mut self) {
        self.message_not_needed();
        self.unanswered += 1;
    }

    /// The user's code has sent an auth message. True if ours was still waiting; it is then no longer needed.
    pub(super) fn users_message_sent(&mut self, token: Option<Secret>) -> bool {
        self.unanswered += 1;
        self.users_token = token;
        let was_waiting = self.is_held() || self.is_asking();
        self.message_not_needed();
        was_waiting
    }

    pub(super) fn message_not_needed(&mut self) {
        self.own = OwnMessage::Done(self.asked());
    }

    /// An answer has come. If it is the last one due, returns the token that the user has sent, if any.
    pub(super) fn answered(&mut self) -> Option<Secret> {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.unanswered == 0 { self.users_token.take() } else { None }
    }

    /// The server has accepted a token, or needs none.
    pub(super) fn accepted(&mut self) {
        if self.is_held() {
            self.message_not_needed();
        }
        self.forget_refusal();
    }

    /// The token function may be asked again after the next refusal.
    pub(super) fn forget_refusal(&mut self) {
        match &mut self.own {
            OwnMessage::Held => {}
            OwnMessage::Asking(asked) | OwnMessage::Done(asked) => *asked = Asked::Once,
        }
    }

    /// Called after a refusal: true the first time, then false until [`Auth::forget_refusal`].
    pub(super) fn may_ask_again(&mut self) -> bool {
        if self.own != OwnMessage::Done(Asked::Once) {
            return false;
        }
        self.own = OwnMessage::Done(Asked::Twice);
        true
    }

    fn asked(&self) -> Asked {
        match self.own {
            OwnMessage::Held => Asked::Once,
            OwnMessage::Asking(asked) | OwnMessage::Done(asked) => asked,
        }
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
    duration.map(|d| d.as_millis() as u64).serialize(serializer)
}
