//! What the protocol keeps of an open socket, its authentication among it.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    ConnectionId, Content, Now, Transmit,
    config::Secret,
    dialect::{Dialect, RequestText},
    fields::Fields,
    heartbeat::Heartbeat,
    key_life::{KeyLife, Renewal},
    request_id::{RequestId, RequestKey},
    tools::ToolList,
};

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
    /// The life of the key in our last auth message, until it is answered; `Some(None)` if it does not end.
    pub(super) sent_life: Option<Option<KeyLife>>,
    pub(super) renewal: Option<Box<Renewal>>,
    pub(super) heartbeat: Heartbeat,
    /// What the server has said last of its tools, in the event dialect.
    pub(super) tools: Option<ByteString>,
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

impl Default for Socket {
    fn default() -> Self {
        Self::new(ConnectionId::default(), Dialect::Guide, Now::default())
    }
}

impl Socket {
    pub(super) fn new(id: ConnectionId, dialect: Dialect, now: Now) -> Self {
        Self {
            id,
            dialect,
            detected: false,
            has_received: false,
            auth: Auth::default(),
            sent_life: None,
            renewal: None,
            heartbeat: Heartbeat::new(now.mono),
            tools: None,
            unwritten: VecDeque::new(),
            handed_out: 0,
            written: 0,
            being_written: 0,
            paused: false,
            opened: now.wall,
            ready_since: None,
        }
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        fields.field("connection", &mut self.id);
        self.dialect.visit(fields);
        fields.field("detected", &mut self.detected);
        fields.field("hasReceived", &mut self.has_received);
        let mut has_tools = self.tools.is_some();
        fields.field("hasTools", &mut has_tools);
        if fields.is_reading() {
            self.tools = has_tools.then_some(ToolList::NONE);
        }
        self.auth.visit(fields);
        KeyLife::visit_maybe(&mut self.sent_life, fields);
        let mut is_renewed = self.renewal.is_some();
        fields.field("keyIsRenewed", &mut is_renewed);
        if fields.is_reading() {
            self.renewal = is_renewed.then(|| Renewal::new(KeyLife::default()));
        }
        if let Some(renewal) = &mut self.renewal {
            fields.begin("renewal", None);
            renewal.visit(fields);
            fields.end();
        }
        self.heartbeat.visit(fields);
        let mut unwritten: Vec<Unwritten> = std::mem::take(&mut self.unwritten).into();
        fields.list("unwritten", &mut unwritten, || Unwritten::Other(0), Unwritten::visit);
        self.unwritten = unwritten.into();
        fields.field("handedOut", &mut self.handed_out);
        fields.field("written", &mut self.written);
        fields.field("beingWritten", &mut self.being_written);
        fields.field("paused", &mut self.paused);
        fields.field("readySince", &mut self.ready_since);
    }

    /// Hands a text out, to be written on this connection.
    pub(super) fn hand_out(&mut self, text: Bytes, content: Content, unwritten: Unwritten) -> Transmit {
        self.unwritten.push_back(unwritten);
        self.handed_out += 1;
        Transmit { connection: self.id, text, content }
    }

    /// Bytes of what was handed out and is not written yet.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.unwritten.iter().map(Unwritten::bytes).sum()
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
    fn visit(&mut self, fields: &mut dyn Fields) {
        let mut request_text = if let Self::Request(request_text) = self { Some(request_text.clone()) } else { None };
        let mut size = if let Self::Other(size) = self { Some(*size) } else { None };
        fields.field("bytes", &mut size);
        RequestText::visit(&mut request_text, ANY_ID, fields);
        if fields.is_reading() {
            *self = request_text.map_or(Self::Other(size.unwrap_or_default()), Self::Request);
        }
    }

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
    fn visit(&mut self, fields: &mut dyn Fields) {
        let states = [
            OwnMessage::Held,
            OwnMessage::Asking(Asked::Once),
            OwnMessage::Asking(Asked::Twice),
            OwnMessage::Done(Asked::Once),
            OwnMessage::Done(Asked::Twice),
        ];
        let mut place = states.iter().position(|state| *state == self.own).unwrap_or_default();
        fields.word("auth", &mut place, &["held", "asking", "askingAgain", "done", "doneAgain"]);
        self.own = states[place];
        fields.field("authsUnanswered", &mut self.unanswered);
        let mut has_users_token = self.users_token.is_some();
        fields.field("usersToken", &mut has_users_token);
        if fields.is_reading() {
            self.users_token = has_users_token.then(|| Secret::new("key"));
        }
    }

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

    /// No answer is expected any more, of the server or of the token function.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
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

/// In place of the id of a text whose id is not recorded: as long as any until the year 2286. When it is sent again in
/// another dialect, it gets its own.
const ANY_ID: RequestId = RequestId { millis: 1_700_000_000_000, key: RequestKey(0) };
