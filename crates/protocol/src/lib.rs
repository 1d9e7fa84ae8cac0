//! The protocol, sans-IO: every rule of `PROTOCOL.md` and nothing else.
//!
//! A [`Session`] is handed the time, messages, the news that bytes came, and commands; it hands out what to transmit, what to
//! do with the socket, what to tell, and when to wake it. It never reads a clock, opens a socket, spawns a task or
//! asks the operating system for anything.
//!
//! # The drain rule
//!
//! Mutate, then drain. After **every** call of a `handle_*` input or a command, call [`Session::poll_transmit`],
//! [`Session::poll_action`] and [`Session::poll_event`] until each returns `None`, then arm one timer for
//! [`Session::poll_timeout`]. Calling [`Session::handle_timeout`] too early is a no-op.
//!
//! # Connections
//!
//! Each [`Action::Dial`] names a [`ConnectionId`]; inputs about a connection name it too, and the session passes over
//! what comes from one that it has given up. So a driver may deliver late without harm.

#![forbid(unsafe_code)]

mod backoff;
mod config;
mod dialect;
mod dialing;
pub mod envelope;
mod error;
mod heartbeat;
mod pending;
mod record;
mod request_id;
mod session;
mod state;
mod stats;
mod timer;
#[cfg(test)]
mod typescript;

use std::{fmt, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

#[cfg(feature = "sim")]
pub use self::session::Footprint;
pub use self::{
    backoff::delay,
    config::{
        Config, DialectChoice, Headers, Jitter, MaxAttempts, OptionError, OptionFault, Options, Route, Secret,
        TokenSource,
    },
    dialect::Dialect,
    dialing::{DialFailure, DialPhase, Remedy, SystemError, TlsFailure, UpgradeFailure},
    error::{CallError, ErrorData, Fault, SystemCause},
    record::{Record, What},
    request_id::{RequestId, RequestKey},
    session::{Call, Ending, Interest, Received, Refused, Session},
    state::{Snapshot, State},
    stats::{LatencySummary, RttSummary, Stats},
    timer::Timer,
};

/// One reading of both clocks, handed to every input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic time since a fixed but arbitrary moment. It stands still while the machine sleeps, or not; the
    /// session copes with both.
    pub mono: Duration,
    /// Wall clock, ms since the Unix epoch.
    pub wall: u64,
}

/// Which dial a piece of news is about. Never reused within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnectionId(pub u32);

/// A text message to frame and write, in the order handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The connection it is meant for; of any other it must not be written.
    pub connection: ConnectionId,
    /// UTF-8 JSON, or whatever text the user gave.
    pub text: Bytes,
}

impl fmt::Debug for Transmit {
    /// Without the text: it may be an auth message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, text } = self;
        f.debug_struct("Transmit").field("connection", connection).field("bytes", &text.len()).finish()
    }
}

/// What the driver is to do with sockets and with the user's token function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a socket to the endpoint. Answer with `handle_open` or `handle_dial_failed`. There is no other connection now.
    Dial(ConnectionId),
    /// Ask the user's token function. Answer with `handle_token`.
    AskToken(ConnectionId),
    /// Send a close frame after all that was handed out, then wait for the peer: `handle_closed` comes.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// RFC 6455 § 7.4 code.
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
    /// Give the connection up at once: abandon the dial, or drop the socket. Texts that were not reported with `handle_written`
    /// must never be written now: requests among them are sent on the next connection. With `close_code`, still try to send a
    /// close frame with that code in the background; nothing about this connection is to be reported any more.
    Drop {
        /// The connection.
        connection: ConnectionId,
        /// The code of the close frame to try, if the socket is worth one.
        close_code: Option<u16>,
    },
}

/// What the session has to tell its user, in the order in which it is to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<T> {
    /// A change of the connection, an error, a log line.
    Notice(Notice),
    /// A message of the server, only while [`Interest::MESSAGES`] is set.
    Message {
        /// The whole text.
        text: ByteString,
        /// False when it is not JSON: then only the raw face of the socket shows it.
        json: bool,
    },
    /// A command or call is settled. Comes exactly once for each payload that the session took.
    Settled {
        /// What was given with the command.
        payload: T,
        /// How it ended.
        outcome: Outcome,
    },
}

/// How a command or call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// `connect`, `reconnect`, `authenticate` or `close` has done what it says.
    Done,
    /// The raw JSON of `results`; `None` where the answer had none (`undefined`).
    Results(Option<ByteString>),
    /// It failed.
    Failed(CallError),
}

/// The rare events, as they cross to JavaScript (as JSON).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The snapshot changed.
    State {
        /// The new picture.
        snapshot: Snapshot,
        /// The name of the state before.
        #[cfg_attr(test, ts(type = "ConnectionState"))]
        previous: &'static str,
    },
    /// The socket is open.
    Open,
    /// The server accepted the token, or needs none.
    Authenticated,
    /// The socket is gone.
    Close {
        /// How.
        info: CloseInfo,
    },
    /// A wait before the next attempt begins.
    Reconnecting {
        /// 1 is the first.
        attempt: u32,
        /// `null` means no limit.
        #[cfg_attr(test, ts(type = "number | null"))]
        max_attempts: MaxAttempts,
        /// ms, jitter included.
        delay: u64,
    },
    /// A pong came.
    Heartbeat {
        /// Round trip in ms.
        rtt: f64,
    },
    /// The client has given up.
    Failed {
        /// Why.
        error: ErrorData,
    },
    /// Something went wrong.
    Error {
        /// What.
        error: ErrorData,
    },
    /// A line for the log.
    Log {
        /// The line.
        entry: LogEntry,
    },
}

/// How a socket ended, as the user is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CloseInfo {
    /// RFC 6455 § 7.4 code; 1006 when no close frame came.
    pub code: u16,
    /// The peer's words, or ours where the peer said none.
    pub reason: String,
    /// Both sides said goodbye.
    pub was_clean: bool,
    /// The client will dial again by itself.
    pub will_reconnect: bool,
}

/// Severity of a [`LogEntry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// The client gave up, or something is broken.
    Error,
    /// It goes on, but somebody should look.
    Warn,
    /// The course of things.
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
    /// The figures that go with it.
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>"))]
    pub fields: serde_json::Map<String, serde_json::Value>,
}
