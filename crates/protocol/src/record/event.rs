//! What can be recorded: what came into the session, as it was classified, and what the rules decided. Never a key, a
//! content, or the seed.

use std::time::Duration;

use super::values::{
    AnswerName, CallFacts, DialFacts, Expiry, FrameName, Id, KeyName, MaybeMicros, Micros, PhaseName, Purpose, Size,
    StateName, TimerName,
};
use crate::{
    ConnectionId,
    class::Class,
    error::ErrorCode,
    fields::{Field, Fields},
    request_id::RequestKey,
};

/// One event of the record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// When: see [`Stamp`](super::Stamp).
    pub(crate) stamp: u64,
    pub(crate) what: What,
}

/// Makes [`What`] from the table below: whether it is an input, its kind, its fields with their names where it is
/// shown.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $side:ident $variant:ident $kind:literal
        { $($(#[doc = $field_doc:literal])* $field:ident $name:literal: $type:ty),* $(,)? };)+) => {
        /// What was recorded.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum What {
            $($(#[doc = $doc])+ $variant { $($(#[doc = $field_doc])* $field: $type),* },)+
        }

        impl What {
            /// One of this kind, with zeros.
            #[cfg(feature = "record")]
            pub(crate) fn of_kind(kind: &str) -> Option<Self> {
                match kind {
                    $($kind => Some(Self::$variant { $($field: Default::default()),* }),)+
                    _ => None,
                }
            }

            /// The kind, as it is shown.
            pub(crate) fn kind(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $kind,)+ }
            }

            /// It came into the session. The other events are what the session made of that.
            pub(crate) fn is_input(&self) -> bool {
                match self { $(Self::$variant { .. } => side::$side,)+ }
            }

            /// Visits its fields.
            pub(crate) fn visit(&mut self, fields: &mut dyn Fields) {
                match self {
                    $(Self::$variant { $($field),* } => { $($field.visit($name, fields);)* })+
                }
            }
        }
    };
}

impl What {
    /// That of the id that was drawn for it.
    pub(crate) fn key(&self) -> RequestKey {
        match self {
            Self::Call { id, .. } | Self::ToolRequest { id, .. } | Self::Tools { id, .. } => id.key(),
            _ => RequestKey::default(),
        }
    }

    /// Bytes of the text that is made of it in a replay.
    #[cfg(feature = "record")]
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Call { size, .. } | Self::ToolRequest { size, .. } | Self::Send { size, .. } => size.get() as u64,
            _ => 0,
        }
    }

    /// A delay that was drawn.
    pub(crate) fn drawn(&self) -> Option<Duration> {
        if let Self::Drawn { delay, .. } = self { Some(delay.get()) } else { None }
    }
}

/// Which events are inputs.
mod side {
    pub(super) const INPUT: bool = true;
    pub(super) const OUTPUT: bool = false;
}

kinds! {
    /// The user calls `connect()`.
    INPUT Connect "connect" {};
    /// The user calls `reconnect()`.
    INPUT Reconnect "reconnect" {};
    /// The user calls `authenticate()`.
    INPUT Authenticate "authenticate" {
        /// With another key.
        with_key "withKey": bool,
    };
    /// The user calls `close()`.
    INPUT Close "close" { code "code": u16, drain "drain": Micros };
    /// The user calls a tool.
    INPUT Call "call" {
        id "id": Id,
        /// Bytes of the message.
        size "size": Size,
        timeout "timeout": MaybeMicros,
        facts "facts": CallFacts,
    };
    /// The user calls `sendToolRequest()`.
    INPUT ToolRequest "toolRequest" {
        id "id": Id,
        size "size": Size,
        has_parameters "parameters": bool,
        /// It was possible.
        is_sent "sent": bool,
    };
    /// The user asks for the tools.
    INPUT Tools "tools" { id "id": Id, timeout "timeout": MaybeMicros, expects_connection "expected": bool };
    /// The user sends a text.
    INPUT Send "send" { frame "frame": FrameName, size "size": Size, is_sent "sent": bool };
    /// The user aborts a call.
    INPUT Abort "abort" {
        id "id": Id,
        /// It was still to be settled.
        is_found "found": bool,
    };
    /// The `open` listeners have run.
    INPUT OpenTold "openTold" {};
    /// Whether the user's code may authenticate by itself.
    INPUT Opens "interest" { opens "opens": bool };
    /// The user's key function has answered.
    INPUT Key "token" { connection "connection": ConnectionId, key "key": KeyName, expires_at "expiresAt": Expiry };
    /// The user's url function has answered.
    INPUT Urls "urls" {
        connection "connection": ConnectionId,
        /// It has not failed.
        is_given "given": bool,
        /// As users are shown them, one after the other, if it is another list than before.
        urls "urls": Option<Box<str>>,
    };
    /// The dial goes this way.
    INPUT Via "via" { connection "connection": ConnectionId, proxy "proxy": Option<Box<str>> };
    /// The dial has entered this phase, so long after it began.
    INPUT Phase "phase" { connection "connection": ConnectionId, phase "phase": PhaseName, start "start": Micros };
    /// TCP has connected the dial to this address, of the server or of a proxy.
    INPUT Address "address" { connection "connection": ConnectionId, address "address": Option<Box<str>> };
    /// The socket is open.
    INPUT Open "open" { connection "connection": ConnectionId };
    /// The dial has failed.
    INPUT DialFailed "dialFailed" { connection "connection": ConnectionId, facts "facts": Box<DialFacts> };
    /// The socket has ended.
    INPUT Closed "closed" {
        connection "connection": ConnectionId,
        code "code": u16,
        is_clean "clean": bool,
        /// Because a message was larger than `maxMessageSize`.
        is_too_large "tooLarge": bool,
    };
    /// Texts are being written.
    INPUT Writing "writing" { connection "connection": ConnectionId, count "count": u32 };
    /// Texts were written.
    INPUT Written "written" { connection "connection": ConnectionId, count "count": u32 };
    /// A text has come.
    INPUT Received "received" {
        connection "connection": ConnectionId,
        class "frame": Class,
        size "size": Size,
        id "id": Id,
        outcome "outcome": AnswerName,
    };
    /// A binary message that is not UTF-8 has come.
    INPUT Binary "binary" { connection "connection": ConnectionId, size "size": Size };
    /// Bytes have come, at that time.
    INPUT Bytes "bytes" { connection "connection": ConnectionId, last "last": Micros };
    /// Reading has stopped, or goes on.
    INPUT Paused "paused" { connection "connection": ConnectionId, is_paused "paused": bool };
    /// The machine is on another network.
    INPUT Network "network" {};
    /// A timer has fired.
    INPUT Timeout "timeout" { timer "timer": TimerName };
    /// The clocks were read, and one has run ahead of the other.
    INPUT Clocks "clocks" {};
    /// The client has a bug.
    INPUT Bug "bug" {};
    /// Pings of ours that were answered, one after the other, while nothing else happened.
    INPUT Heartbeats "heartbeats" {
        connection "connection": ConnectionId,
        count "count": u32,
        /// When the last one was sent. The first was sent at the time of the event.
        last "last": Micros,
        /// Its round-trip time.
        rtt "rtt": Micros,
    };
    /// The state has changed.
    OUTPUT State "state" {
        state "state": StateName,
        previous "previous": StateName,
        attempt "attempt": u32,
        error "error": Option<ErrorCode>,
        /// Of `reconnecting`: how long it waits.
        delay "delay": MaybeMicros,
    };
    /// A delay was drawn by chance.
    OUTPUT Drawn "drawn" { purpose "for": Purpose, delay "delay": Micros };
    /// The driver is asked to dial.
    OUTPUT Dial "dial" { connection "connection": ConnectionId, endpoint "endpoint": u32 };
    /// The user's url function is asked.
    OUTPUT AskUrls "askUrls" { connection "connection": ConnectionId };
    /// The user's key function is asked.
    OUTPUT AskKey "askToken" { connection "connection": ConnectionId };
    /// A close frame is sent.
    OUTPUT CloseFrame "closeFrame" { connection "connection": ConnectionId, code "code": u16 };
    /// A dial or a socket is given up.
    OUTPUT Drop "drop" { connection "connection": ConnectionId, code "code": Option<u16> };
    /// Texts are handed out to be sent.
    OUTPUT Sent "sent" {
        connection "connection": ConnectionId,
        frame "frame": FrameName,
        size "size": Size,
        /// Of the first one, if they are requests.
        id "id": Id,
        count "count": u16,
    };
    /// Calls, or commands, are settled otherwise than by an answer.
    OUTPUT Settled "settled" {
        /// None if they have succeeded.
        code "code": Option<ErrorCode>,
        sent "sent": Option<bool>,
        /// Of the first one, if it is a call.
        id "id": Id,
        count "count": u32,
    };
    /// The user is told that the socket is closed.
    OUTPUT CloseTold "closeTold" { code "code": u16, will_reconnect "willReconnect": bool };
}

const _: () = assert!(size_of::<Event>() == 32, "the ring is this many bytes for each");
