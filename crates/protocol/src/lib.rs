//! The protocol, sans-IO: every rule of `PROTOCOL.md` and nothing else.
//!
//! A [`Session`] takes the time, messages, commands and what happens to sockets as inputs. Its outputs are texts to
//! send, actions on sockets, events for the user, and the time of the next timeout. It never reads a clock, opens a
//! socket, spawns a task or asks the operating system for anything.
//!
//! # The drain rule
//!
//! Mutate, then drain. After **every** `handle_*` input and every command, call [`Session::poll_transmit`],
//! [`Session::poll_action`] and [`Session::poll_event`] until each returns `None`, then set one timer for
//! [`Session::poll_timeout`]. Calling [`Session::handle_timeout`] too early is a no-op. Only texts of the open
//! connection may wait, to be sent together with those of later inputs.
//!
//! # Connections
//!
//! Each [`Action::Dial`] has a [`ConnectionId`], and so has each input about a connection. The session ignores inputs
//! about a connection that it has given up, so a late input does no harm.

#![cfg_attr(not(feature = "record"), allow(dead_code, unused_imports, reason = "the rest serves the flight recorder"))]
#![forbid(unsafe_code)]

mod backoff;
mod chance;
mod class;
mod config;
mod dialect;
mod dialing;
mod dials;
mod endpoints;
pub mod envelope;
mod error;
mod fields;
#[cfg(feature = "record")]
mod flight_record;
#[cfg(feature = "sim")]
mod footprint;
mod heartbeat;
mod key_life;
mod log;
mod pending;
mod plaintext;
mod quoted;
mod received;
mod record;
#[cfg(feature = "record")]
mod replay;
mod request_id;
mod session;
mod socket;
mod state;
mod stats;
mod timer;
mod tools;
#[cfg(test)]
mod typescript;
mod words;

use std::{fmt, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

#[cfg(feature = "system")]
pub use self::dialing::{CertificateTrace, TcpTrace, TlsTrace, UpgradeTrace};
#[cfg(feature = "record")]
pub use self::flight_record::FlightRecord;
#[cfg(feature = "sim")]
pub use self::footprint::Footprint;
#[cfg(feature = "record")]
pub use self::replay::{Difference, ReplayError, ReplayReport, replay};
pub use self::{
    backoff::{Backoff, Jitter},
    config::{
        Config, DialectChoice, EndpointSource, Headers, Key, MaxAttempts, OptionError, OptionFault, Options,
        ProxySource, Route, Secret, Subprotocols, TlsOptions, TokenSource, check_urls,
    },
    dialect::Dialect,
    dialing::{
        Answer, DialFailure, DialPhase, DialReport, DialTrace, PageFailure, PhaseTrace, ProxyFailure, Remedy,
        SystemError, TlsFailure, UpgradeFailure, Via,
    },
    error::{CallError, ErrorCode, ErrorData, Fault, NoToken, NoUrls, Reason, SystemCause},
    log::{LogFields, LogLine, LogValue},
    plaintext::is_loopback,
    quoted::write_quoted,
    received::Received,
    request_id::{RequestId, RequestKey},
    session::{Call, Ending, Interest, Numbers, Refused, Session},
    state::{Snapshot, State},
    stats::{Latency, LatencySummary, RttSummary, Stats},
    timer::Timer,
};

/// One reading of both clocks, handed to every input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic time since a fixed but arbitrary moment. Whether it goes on while the machine sleeps does not matter.
    pub mono: Duration,
    /// The wall clock, in ms since the Unix epoch.
    pub wall: u64,
}

/// Names one dial, and the connection that it opens. Never reused within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnectionId(pub u32);

/// What a [`Transmit`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A text message.
    Text,
    /// A text message that holds a key. It must not be compressed, because the size would tell something about the key
    /// (PROTOCOL.md rule 17).
    Secret,
    /// A ping frame, without payload (RFC 6455 § 5.5.2).
    Ping,
}

/// A message to send. Messages are sent in the order in which they are handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The connection to send it on. It must not be sent on any other.
    pub connection: ConnectionId,
    /// JSON as UTF-8, or any text that the user sends.
    pub text: Bytes,
    /// How to send it.
    pub content: Content,
}

impl fmt::Debug for Transmit {
    /// Without the text, which may be an auth message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, text, .. } = self;
        f.debug_struct("Transmit").field("connection", connection).field("bytes", &text.len()).finish()
    }
}

/// What the driver must do with sockets, or with the user's token function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a socket to an endpoint. Answer with `handle_open` or `handle_dial_failed`. No other connection is open,
    /// but those of the same race.
    Dial {
        /// The connection.
        connection: ConnectionId,
        /// The place of the endpoint in the list.
        endpoint: usize,
    },
    /// Call the user's url function. Answer with `handle_urls`.
    AskUrls(ConnectionId),
    /// Call the user's token function. Answer with `handle_token`.
    AskToken(ConnectionId),
    /// Send a close frame after all texts that were handed out, then wait for the peer. Answer with `handle_closed`.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// The close code (RFC 6455 § 7.4).
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
    /// Give the connection up at once: abandon the dial, or drop the socket. Texts not reported with `handle_written`
    /// must never be written any more, because requests among them are sent on the next connection. Report nothing more
    /// about this connection.
    Drop {
        /// The connection.
        connection: ConnectionId,
        /// With a code, still try to send a close frame in the background.
        close_code: Option<u16>,
    },
}

/// An event for the user. Users see events in the order in which they are handed out.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<T> {
    /// A change of the connection, an error, a log line.
    Notice(Notice),
    /// A message of the server; only with [`Interest::MESSAGES`].
    Message {
        /// The whole text.
        text: ByteString,
        /// False if it is not JSON: then only the `message` listeners of the WebSocket interface get it.
        json: bool,
    },
    /// A command or call is settled. There is exactly one for each payload that the session has taken.
    Settled {
        /// The payload of the command or call.
        payload: T,
        /// How it ended.
        outcome: Outcome,
    },
}

/// How a command or call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// `connect`, `reconnect`, `authenticate` or `close` has succeeded.
    Done,
    /// The JSON of `results`; `None` if the answer has none (`undefined`).
    Results(Option<ByteString>),
    /// It failed.
    Failed(CallError),
}

/// Events that are rare enough to cross to JavaScript as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The state changed.
    State {
        /// The new snapshot.
        snapshot: Snapshot,
        /// The name of the previous state.
        #[cfg_attr(test, ts(type = "ConnectionState"))]
        previous: &'static str,
    },
    /// The socket is open.
    Open,
    /// The server has accepted the token, or needs none.
    Authenticated,
    /// The socket is gone.
    Close {
        /// How it ended.
        info: CloseInfo,
    },
    /// A wait before the next attempt begins.
    Reconnecting {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// `null` means no limit.
        #[cfg_attr(test, ts(type = "number | null"))]
        max_attempts: MaxAttempts,
        /// How long the wait is, in ms, jitter included.
        delay: u64,
    },
    /// A pong came.
    Heartbeat {
        /// The round-trip time in ms.
        rtt: f64,
    },
    /// The client has given up: the state is `failed`.
    Failed {
        /// The reason.
        error: ErrorData,
        /// The newest events of the flight recorder: the JSON of a list of `FlightEvent`s.
        #[cfg_attr(test, ts(type = "string"))]
        events: RecentEvents,
    },
    /// Something went wrong.
    Error {
        /// The error.
        error: ErrorData,
    },
    /// A line for the log.
    Log {
        /// The line.
        entry: LogEntry,
    },
    /// A dial begins; only with [`Interest::DIALS`].
    #[cfg(feature = "system")]
    Dialing {
        /// The number of the connection, as in log entries.
        connection: u32,
        /// The place of the endpoint in the list.
        endpoint: u32,
        /// The endpoint, without its query.
        url: String,
    },
    /// A dial is over, before anything that it causes; only for a dial whose begin was told.
    #[cfg(feature = "system")]
    Dialed {
        /// What it did.
        dial: Box<DialReport>,
    },
}

/// Events of the flight recorder: the text of a JSON array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RecentEvents(pub String);

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CloseInfo {
    /// The close code (RFC 6455 § 7.4); 1006 if no close frame came.
    pub code: u16,
    /// The peer's reason, or ours if the peer gave none.
    pub reason: String,
    /// Both sides have sent a close frame.
    pub was_clean: bool,
    /// The client will connect again by itself.
    pub will_reconnect: bool,
}

/// Severity of a [`LogEntry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// The client has given up, or something is broken.
    Error,
    /// The client goes on, but the cause needs attention.
    Warn,
    /// What usually happens.
    Info,
    /// For debugging.
    Debug,
}

/// One line for the log. Never holds a token.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogEntry {
    /// Severity.
    pub level: LogLevel,
    /// What happened.
    pub message: String,
    /// The values that belong to it.
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>"))]
    pub fields: LogFields,
}
