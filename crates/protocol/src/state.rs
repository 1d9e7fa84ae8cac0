//! The one enum of states, each with what it carries, and the picture of it that users get.

use std::{collections::VecDeque, time::Duration};

use serde::{Serialize, Serializer};

use super::{
    ConnectionId,
    config::Secret,
    dialect::{Dialect, Wording},
    error::ErrorData,
    heartbeat::Heartbeat,
};

/// Lifecycle of one client.
#[derive(Debug)]
pub enum State {
    /// Constructed; `connect` was not called yet.
    Idle,
    /// A dial is under way: DNS, TCP, TLS, HTTP upgrade.
    Connecting(ConnectionId),
    /// The socket is open, the auth answer outstanding.
    Authenticating(Link),
    /// Tools can be used.
    Ready(Link),
    /// The server refused the token; the socket is still open, unless the upgrade itself was refused.
    Unauthorized(Option<Link>),
    /// Waiting for the next attempt.
    Reconnecting {
        /// The whole wait, jitter included.
        delay: Duration,
        /// What of it the server has asked for by its close code: no change of the network makes that shorter.
        extra: Duration,
        /// Wall clock when it is over, ms since the epoch.
        ends: u64,
    },
    /// `close` was called: calls in flight are awaited, or the close frame's answer is.
    Closing(Link, Farewell),
    /// Terminal until `connect`: closed by us, or by the server with a code that forbids reconnecting.
    Closed,
    /// Terminal until `connect`: attempts exhausted, or an error that no retry can mend.
    Failed,
}

/// What `Closing` waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Farewell {
    /// For calls in flight; then a close frame with this code and reason goes out.
    Draining {
        /// RFC 6455 § 7.4 code.
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
    /// For the peer's close frame.
    Handshake,
}

impl State {
    /// The public names, in the order of the lifecycle.
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

    /// The public name.
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
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Authenticating(link)
            | Self::Ready(link)
            | Self::Unauthorized(Some(link))
            | Self::Closing(link, _) => Some(link),
            _ => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Authenticating(link)
            | Self::Ready(link)
            | Self::Unauthorized(Some(link))
            | Self::Closing(link, _) => Some(link),
            _ => None,
        }
    }

    /// The connection that inputs are taken from, dialing or open.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Connecting(id) => Some(*id),
            other => other.link().map(|link| link.id),
        }
    }
}

/// An open socket, as far as the protocol cares.
#[derive(Debug)]
pub struct Link {
    /// Which dial it came of.
    pub id: ConnectionId,
    pub(super) dialect: Dialect,
    /// `auto` took the event dialect from the server's first message; an auth answer may still revoke it.
    pub(super) detected: bool,
    /// A message has come on this connection.
    pub(super) spoken: bool,
    pub(super) auth: Auth,
    pub(super) heartbeat: Heartbeat,
    /// The texts handed out and not yet written, oldest first.
    pub(super) unwritten: VecDeque<Unwritten>,
    /// Texts handed out on this connection; the next one gets this number.
    pub(super) handed_out: u64,
    /// Texts that were handed to the operating system whole; those below this number may have been read by the server.
    pub(super) written: u64,
    /// Texts after those that are with a writer just now: any of them may be leaving.
    pub(super) leaving: u64,
    /// The driver has stopped reading because JavaScript does not drain.
    pub(super) paused: bool,
    /// Wall clock when it opened, ms since the epoch.
    pub(super) opened: u64,
}

impl Link {
    pub(super) fn new(id: ConnectionId, dialect: Dialect, now: super::Now) -> Self {
        Self {
            id,
            dialect,
            detected: false,
            spoken: false,
            auth: Auth::default(),
            heartbeat: Heartbeat::new(now.mono),
            unwritten: VecDeque::new(),
            handed_out: 0,
            written: 0,
            leaving: 0,
            paused: false,
            opened: now.wall,
        }
    }
}

impl Link {
    /// Texts below this number may have been read by the server; those from it on certainly were not.
    pub(super) fn may_have_left(&self) -> u64 {
        self.written + self.leaving
    }

    /// The guide's dialect is spoken, for all that is known yet.
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

/// A text that may still be in our own buffers.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// If the connection goes away now, the request certainly never left: it can be sent on the next.
    Request(Wording),
    /// Of so many bytes.
    Other(usize),
}

impl Unwritten {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Request(wording) => wording.text().len(),
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

    /// The server owes an answer, or will when the token function has answered.
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

    /// The user's code has sent an auth message. True if ours was still waiting: it is not needed any more.
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

    /// An answer has come. When it is the last one due: the token that the user sent, if he sent one.
    pub(super) fn answered(&mut self) -> Option<Secret> {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.unanswered == 0 { self.users_token.take() } else { None }
    }

    /// The server takes the connection for authenticated.
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

    /// After a refusal: true once, until [`Auth::forget_refusal`].
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

/// One immutable picture of the connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The state's name.
    #[cfg_attr(test, ts(type = "ConnectionState"))]
    pub state: &'static str,
    /// The socket is open.
    pub connected: bool,
    /// Tools can be used.
    pub authenticated: bool,
    /// Endpoint in use; never holds credentials.
    pub url: String,
    /// 0 when not retrying, else the number of the attempt.
    pub attempt: u32,
    /// ms of the wait now running, jitter included.
    #[serde(serialize_with = "as_millis")]
    #[cfg_attr(test, ts(type = "number | null"))]
    pub retry_delay: Option<Duration>,
    /// When the wait now running ends, ms since the epoch: for whoever begins to look in the middle of it.
    pub retry_at: Option<u64>,
    /// Why the state is what it is.
    pub error: Option<ErrorData>,
    /// Rises with every change of the state.
    pub revision: u32,
}

fn as_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|d| d.as_millis() as u64).serialize(serializer)
}
