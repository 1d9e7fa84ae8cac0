//! What can go wrong, each with its code; the one place that says whether to try again.

use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    dialing::{DialFailure, DialPhase, Remedy, SystemError},
    request_id::RequestId,
};

/// Why a connection or a call ended badly. The display text is the message that the user sees.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Fault {
    /// There is no connection, and none is coming by itself.
    #[error("WebSocket not connected or not authenticated")]
    NotConnected,
    /// The dial failed.
    #[error("{}", failure.sentence(url))]
    ConnectFailed {
        /// The endpoint, without its query.
        url: String,
        /// Where and why.
        failure: Box<DialFailure>,
    },
    /// The server refused the token.
    #[error("{0}")]
    AuthFailed(String),
    /// The user's token function gave none.
    #[error("the apiKey function {0}")]
    NoToken(String),
    /// The server did not answer the auth message.
    #[error("no answer to the auth message within {0} ms")]
    AuthTimeout(u128),
    /// The connection went away.
    #[error("{0}")]
    ConnectionLost(String),
    /// The attempts are used up.
    #[error("Maximum reconnection attempts reached")]
    ReconnectExhausted(Box<Fault>),
    /// No answer in time.
    #[error("Tool request timed out")]
    RequestTimeout,
    /// The server answered with an error.
    #[error("{message}")]
    Tool {
        /// The server's words, or the guide's `Tool execution failed`.
        message: String,
        /// The server's `code`, where it is a string.
        code: Option<String>,
        /// The server's error value as JSON, whole.
        data: String,
    },
    /// `close()` was called.
    #[error("the client was closed")]
    Closed,
    /// A bound is reached.
    #[error("{0}")]
    QueueFull(String),
    /// A message larger than its bound.
    #[error("{0}")]
    MessageTooLarge(String),
    /// What came is not JSON.
    #[error("{0}")]
    BadMessage(String),
    /// The client's own fault.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Fault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConnected => "NOT_CONNECTED",
            Self::ConnectFailed { failure, .. } if failure.remedy() != Remedy::Authorization => "CONNECT_FAILED",
            Self::ConnectFailed { .. } | Self::AuthFailed(_) | Self::NoToken(_) => "AUTH_FAILED",
            Self::AuthTimeout(_) => "AUTH_TIMEOUT",
            Self::ConnectionLost(_) => "CONNECTION_LOST",
            Self::ReconnectExhausted(_) => "RECONNECT_EXHAUSTED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::Tool { .. } => "TOOL_ERROR",
            Self::Closed => "CLOSED",
            Self::QueueFull(_) => "QUEUE_FULL",
            Self::MessageTooLarge(_) => "MESSAGE_TOO_LARGE",
            Self::BadMessage(_) => "BAD_MESSAGE",
            Self::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// The same call, unchanged, may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::ConnectFailed { failure, .. } => failure.remedy() == Remedy::Time,
            Self::NotConnected
            | Self::AuthTimeout(_)
            | Self::ConnectionLost(_)
            | Self::RequestTimeout
            | Self::QueueFull(_) => true,
            Self::AuthFailed(_)
            | Self::NoToken(_)
            | Self::ReconnectExhausted(_)
            | Self::Tool { .. }
            | Self::Closed
            | Self::MessageTooLarge(_)
            | Self::BadMessage(_)
            | Self::Internal(_) => false,
        }
    }

    /// As it crosses to JavaScript.
    pub fn data(&self) -> ErrorData {
        let (tool_code, data) = match self {
            Self::Tool { code, data, .. } => (code.clone(), RawValue::from_string(data.clone()).ok()),
            _ => (None, None),
        };
        let dial = match self {
            Self::ConnectFailed { failure, .. } => Some(failure),
            _ => None,
        };
        ErrorData {
            code: self.code(),
            message: self.to_string(),
            retryable: self.retryable(),
            request_id: None,
            sent: None,
            tool_code,
            data,
            cause: match self {
                Self::ReconnectExhausted(last) => Some(Box::new(last.data())),
                _ => None,
            },
            phase: dial.and_then(|failure| failure.phase()),
            status: dial.and_then(|failure| failure.status()),
            system_cause: dial.and_then(|failure| failure.cause()).map(|error| Box::new(error.into())),
            from_token_function: matches!(self, Self::NoToken(_)),
        }
    }
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq)]
pub struct CallError {
    /// Why.
    pub fault: Fault,
    /// The call's id, where it had one.
    pub request_id: Option<RequestId>,
    /// False: it certainly never left. True: it was handed to the socket. `None` where it says nothing.
    pub sent: Option<bool>,
}

impl CallError {
    /// As it crosses to JavaScript.
    pub fn data(&self) -> ErrorData {
        ErrorData { request_id: self.request_id.map(|id| id.to_string()), sent: self.sent, ..self.fault.data() }
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self { fault, request_id: None, sent: None }
    }
}

/// An error as data: the error classes are made of it in TypeScript.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// The stable code.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// A retry of the same call may succeed.
    pub retryable: bool,
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub request_id: Option<String>,
    /// Whether the request may have left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub sent: Option<bool>,
    /// The server's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tool_code: Option<String>,
    /// The server's error value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "unknown"))]
    pub data: Option<Box<RawValue>>,
    /// What led to it, if that is an error of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub cause: Option<Box<ErrorData>>,
    /// The part of the dial that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub phase: Option<DialPhase>,
    /// The HTTP status that the upgrade was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub status: Option<u16>,
    /// What led to it, if that is an error of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub system_cause: Option<Box<SystemCause>>,
    /// The cause is what the user's own token function threw.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub from_token_function: bool,
}

/// What the operating system said, as it crosses to JavaScript.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SystemCause {
    /// For people.
    pub message: String,
    /// Its name in Node.js, such as `ECONNREFUSED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub code: Option<&'static str>,
    /// The IP address that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub address: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub port: Option<u16>,
}

impl From<SystemError> for SystemCause {
    fn from(SystemError { code, message, address }: SystemError) -> Self {
        Self {
            message,
            code,
            address: address.map(|address| address.ip().to_string()),
            port: address.map(|address| address.port()),
        }
    }
}

impl PartialEq for ErrorData {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code && self.message == other.message && self.request_id == other.request_id
    }
}
