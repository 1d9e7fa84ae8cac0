//! Everything that can go wrong, and the one table of error codes: their sentences, and which are retryable.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use bytestring::ByteString;
use serde::Serialize;
use thiserror::Error;

use super::{
    dialing::{DialFailure, DialPhase, Remedy, SystemError, Via},
    fields::{Field, Fields},
    request_id::RequestId,
};

/// Makes [`ErrorCode`] from the table below: the meaning of each code, its name, whether the same call may succeed
/// later, and the message of an error that has no other.
macro_rules! error_codes {
    ($($(#[doc = $meaning:literal])+ $code:ident $name:literal, retryable: $retry:literal, $sentence:literal;)+) => {
        /// The code of an error. Programs depend on the codes, so none is ever renamed or removed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[doc = $meaning])+ $code,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The code as users see it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $name),+ }
            }

            /// The message of an error that has no other.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$code => $sentence),+ }
            }

            /// Whether the same call, unchanged, may succeed later.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$code => $retry),+ }
            }

            /// What the code means, line by line, for the documentation.
            pub fn meaning(self) -> &'static [&'static str] {
                match self { $(Self::$code => &[$($meaning),+]),+ }
            }
        }
    };
}

error_codes! {
    /// The client is not connected and is not connecting, or has not been authenticated.
    NotConnected "NOT_CONNECTED", retryable: true, "WebSocket not connected or not authenticated";
    /// The connection could not be opened: DNS, TCP, a proxy, TLS or the HTTP upgrade. Not retryable if only a change
    /// of configuration can help.
    ConnectFailed "CONNECT_FAILED", retryable: true, "the connection could not be opened";
    /// The server refused the key, or the `apiKey` function failed.
    AuthFailed "AUTH_FAILED", retryable: false, "Authentication failed";
    /// The server did not answer the auth message within `authTimeout`.
    AuthTimeout "AUTH_TIMEOUT", retryable: true, "no answer to the auth message";
    /// The connection was lost before the answer came. `sent` says whether the tool may have run.
    ConnectionLost "CONNECTION_LOST", retryable: true, "connection lost";
    /// `maxReconnectAttempts` attempts have failed; `cause` is the last failure.
    ReconnectExhausted "RECONNECT_EXHAUSTED", retryable: false, "Maximum reconnection attempts reached";
    /// No answer came within the timeout of the call.
    RequestTimeout "REQUEST_TIMEOUT", retryable: true, "Tool request timed out";
    /// The server answered the call with an error, which `toolCode` and `data` describe.
    ToolError "TOOL_ERROR", retryable: false, "Tool execution failed";
    /// `close()` was called.
    Closed "CLOSED", retryable: false, "the client was closed";
    /// `maxPending`, `offlineQueueLimit` or `maxBufferedAmount` is reached.
    QueueFull "QUEUE_FULL", retryable: true, "too much waits to be sent";
    /// A message is larger than `maxBufferedAmount` or `maxMessageSize`, or longer than a JavaScript string can
    /// be.
    MessageTooLarge "MESSAGE_TOO_LARGE", retryable: false, "the message is too large";
    /// The server sent something that is not JSON.
    BadMessage "BAD_MESSAGE", retryable: false, "the server sent a message that is not JSON";
    /// The client itself has a bug.
    Internal "INTERNAL_ERROR", retryable: false, "internal error";
    /// The serving end of a bridge does not allow this.
    NotAllowed "NOT_ALLOWED", retryable: false, "not allowed through this bridge";
    /// The two ends of a bridge come from incompatible versions of the package.
    BridgeVersion "BRIDGE_VERSION", retryable: false, "the other end of the bridge is of another version";
}

/// Why a connection or a call has failed. The display text is the message that users see.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Fault {
    /// The client is not connected and is not connecting.
    NotConnected,
    /// The dial failed.
    ConnectFailed {
        /// The endpoint, without its query.
        url: String,
        /// How the server was to be reached; `None` if that is not known, or not worth a word.
        via: Option<Via>,
        /// Where and why.
        failure: Box<DialFailure>,
    },
    /// The user's url function failed.
    NoUrls(NoUrls),
    /// The server refused the token, with this message.
    AuthFailed(String),
    /// The user's token function failed.
    NoToken(NoToken),
    /// The key has ended before there was another; the last failure to renew it.
    KeyExpired(Option<Reason>),
    /// The server did not answer the auth message in so many ms.
    AuthTimeout(u64),
    /// The connection was lost.
    ConnectionLost(String),
    /// The attempts are used up; the last failure.
    ReconnectExhausted(Reason),
    /// No answer came in time.
    RequestTimeout,
    /// The server answered with an error.
    Tool {
        /// The server's message, or `Tool execution failed` as in the guide.
        message: String,
        /// The server's `code`, if it is a string.
        code: Option<String>,
        /// The complete error value of the server, as JSON: a slice of its message.
        data: ByteString,
    },
    /// `close()` was called.
    Closed,
    /// A limit is reached.
    QueueFull(String),
    /// A message is larger than its limit.
    MessageTooLarge(String),
    /// The server sent something that is not JSON.
    BadMessage(String),
    /// The client itself has a bug.
    Internal(String),
}

impl Display for Fault {
    /// By hand: what is derived repeats itself, which would be a hundredth of what a page loads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = self.error_code().sentence();
        match self {
            Self::AuthFailed(words)
            | Self::ConnectionLost(words)
            | Self::QueueFull(words)
            | Self::MessageTooLarge(words)
            | Self::BadMessage(words)
            | Self::Tool { message: words, .. } => f.write_str(words),
            Self::NotConnected | Self::ReconnectExhausted(_) | Self::RequestTimeout | Self::Closed => {
                f.write_str(sentence)
            }
            Self::ConnectFailed { url, via, failure } => {
                f.write_str(&failure.sentence(url))?;
                via.iter().try_for_each(|via| via.fmt(f))
            }
            Self::NoUrls(failure) => write!(f, "the url function {failure}"),
            Self::NoToken(failure) => write!(f, "the apiKey function {failure}"),
            Self::KeyExpired(_) => f.write_str("the key has expired and could not be renewed"),
            Self::AuthTimeout(millis) => write!(f, "{sentence} within {millis} ms"),
            Self::Internal(words) => write!(f, "{sentence}: {words}"),
        }
    }
}

impl Fault {
    /// The code as users see it.
    pub fn code(&self) -> &'static str {
        self.error_code().name()
    }

    /// The stable code.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::NotConnected => ErrorCode::NotConnected,
            Self::ConnectFailed { failure, .. } if failure.remedy() != Remedy::Authorization => {
                ErrorCode::ConnectFailed
            }
            Self::ConnectFailed { .. } | Self::AuthFailed(_) | Self::NoToken(_) | Self::KeyExpired(_) => {
                ErrorCode::AuthFailed
            }
            Self::NoUrls(_) => ErrorCode::ConnectFailed,
            Self::AuthTimeout(_) => ErrorCode::AuthTimeout,
            Self::ConnectionLost(_) => ErrorCode::ConnectionLost,
            Self::ReconnectExhausted(_) => ErrorCode::ReconnectExhausted,
            Self::RequestTimeout => ErrorCode::RequestTimeout,
            Self::Tool { .. } => ErrorCode::ToolError,
            Self::Closed => ErrorCode::Closed,
            Self::QueueFull(_) => ErrorCode::QueueFull,
            Self::MessageTooLarge(_) => ErrorCode::MessageTooLarge,
            Self::BadMessage(_) => ErrorCode::BadMessage,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// One with this code, without words.
    fn recorded(code: ErrorCode) -> Self {
        let words = String::new;
        match code {
            ErrorCode::NotConnected => Self::NotConnected,
            ErrorCode::ConnectFailed => Self::NoUrls(NoUrls::Threw(words())),
            ErrorCode::AuthFailed => Self::AuthFailed(words()),
            ErrorCode::AuthTimeout => Self::AuthTimeout(0),
            ErrorCode::ConnectionLost => Self::ConnectionLost(words()),
            ErrorCode::ReconnectExhausted => Self::ReconnectExhausted(Reason::new(0, Self::NotConnected)),
            ErrorCode::RequestTimeout => Self::RequestTimeout,
            ErrorCode::ToolError => Self::Tool { message: words(), code: None, data: ByteString::new() },
            ErrorCode::Closed => Self::Closed,
            ErrorCode::QueueFull => Self::QueueFull(words()),
            ErrorCode::MessageTooLarge => Self::MessageTooLarge(words()),
            ErrorCode::BadMessage => Self::BadMessage(words()),
            ErrorCode::Internal | ErrorCode::NotAllowed | ErrorCode::BridgeVersion => Self::Internal(words()),
        }
    }

    /// Whether the same call, unchanged, may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::ConnectFailed { failure, .. } => failure.remedy() == Remedy::Time,
            _ => self.error_code().is_retryable(),
        }
    }

    /// What a log line says of it: a code of the system, an HTTP status, the class of what the user's code threw, or
    /// the sentence.
    pub fn log_cause(&self) -> String {
        match self {
            Self::ConnectFailed { failure, .. } => {
                match (failure.cause().and_then(|error| error.code), failure.status()) {
                    (Some(code), _) => code.to_owned(),
                    (None, Some(status)) => format!("HTTP {status}"),
                    (None, None) => failure.to_string(),
                }
            }
            Self::NoToken(NoToken::Threw(class)) | Self::NoUrls(NoUrls::Threw(class)) => class.clone(),
            Self::ReconnectExhausted(last) | Self::KeyExpired(Some(last)) => last.fault().log_cause(),
            other => other.to_string(),
        }
    }

    /// The error in the form that crosses to JavaScript.
    pub fn data(&self) -> ErrorData {
        let (tool_code, data) = match self {
            Self::Tool { code, data, .. } => (code.clone(), Some(Box::new(data.clone()))),
            _ => (None, None),
        };
        let dial = if let Self::ConnectFailed { failure, .. } = self { Some(failure) } else { None };
        #[cfg(feature = "system")]
        let via = if let Self::ConnectFailed { via, .. } = self { via.as_ref() } else { None };
        #[cfg(feature = "system")]
        let answer = dial.and_then(|failure| failure.answer());
        ErrorData {
            code: self.code(),
            message: self.to_string(),
            retryable: self.retryable(),
            number: None,
            request_id: None,
            sent: None,
            tool_code,
            data,
            cause: match self {
                Self::ReconnectExhausted(last) | Self::KeyExpired(Some(last)) => Some(Box::new(last.data())),
                _ => None,
            },
            #[cfg(feature = "system")]
            phase: dial.and_then(|failure| failure.phase()),
            #[cfg(feature = "system")]
            status: answer.map(|answer| answer.status),
            #[cfg(feature = "system")]
            location: answer.and_then(|answer| answer.location.as_deref().map(Into::into)),
            #[cfg(feature = "system")]
            body: answer.and_then(|answer| answer.text.as_deref().map(Into::into)),
            #[cfg(feature = "system")]
            proxy: via.and_then(Via::proxy).map(Into::into),
            system_cause: dial.and_then(|failure| failure.cause()).map(|error| Box::new(error.into())),
            from_token_function: matches!(self, Self::NoToken(_)),
            from_url_function: matches!(self, Self::NoUrls(_)),
            #[cfg(feature = "system")]
            from_proxy_function: dial.is_some_and(|failure| failure.is_of_proxy_function()),
        }
    }
}

/// How the user's token function failed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum NoToken {
    /// It threw, or returned no token; the class of the error. What the error says stays in JavaScript: it may be a
    /// secret.
    #[error("gave no token")]
    Threw(String),
    /// It did not answer within `authTimeout`, in ms.
    #[error("did not answer within authTimeout ({0} ms)")]
    TimedOut(u64),
    /// The end of its key is past, or no time in ms.
    #[error("gave an expiresAt of {}: it must be in ms since 1970 (not in seconds), and in the future", whole(*.0))]
    Expiry(f64),
}

/// A number without its fraction. The code that writes fractions would be a large part of what a page loads.
fn whole(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".to_owned(),
        number if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        number => (number as i64).to_string(),
    }
}

/// How the user's url function failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoUrls {
    /// It threw, or returned no list of URLs; the class of the error. What the error says stays in JavaScript.
    #[error("gave no url")]
    Threw(String),
    /// It did not answer within `connectTimeout`, in ms.
    #[error("did not answer within connectTimeout ({0} ms)")]
    TimedOut(u64),
}

/// Why the client is not connected. However many calls and events tell of it, it is one error, with one number, which
/// no other error of the client has.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    number: u32,
    fault: Arc<Fault>,
}

impl Field for Option<ErrorCode> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut text = self.map(|code| code.name().to_owned());
        fields.text(name, &mut text);
        if !fields.is_reading() {
            return;
        }
        *self = ErrorCode::ALL.iter().copied().find(|code| text.as_deref() == Some(code.name()));
        if self.is_none() && text.is_some() {
            fields.refuse(name);
        }
    }
}

impl Field for Reason {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut reason = Some(self.clone());
        reason.visit(name, fields);
        *self = reason.unwrap_or_else(|| Self::recorded(None));
    }
}

impl Field for Option<Reason> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut code = self.as_ref().map(|reason| reason.fault.error_code());
        fields.field(name, &mut code);
        if fields.is_reading() {
            *self = code.map(|code| Reason::recorded(Some(code)));
        }
    }
}

impl Reason {
    /// The error of that number.
    pub fn new(number: u32, fault: Fault) -> Self {
        Self { number, fault: Arc::new(fault) }
    }

    /// An error of which only the code was recorded.
    pub(crate) fn recorded(code: Option<ErrorCode>) -> Self {
        Self::new(0, Fault::recorded(code.unwrap_or(ErrorCode::Internal)))
    }

    /// What it is.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The error in the form that crosses to JavaScript.
    pub fn data(&self) -> ErrorData {
        ErrorData { number: Some(self.number), ..self.fault.data() }
    }
}

/// Why a call has failed. Cheap to clone, since many calls may fail for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct CallError {
    /// What it is.
    pub fault: Arc<Fault>,
    /// The number of the [`Reason`] that it is.
    pub number: Option<u32>,
    /// Why the client is not connected, if the call has failed because it is not.
    pub cause: Option<Reason>,
    /// The id of the request, if the call has one.
    pub request_id: Option<RequestId>,
    /// False: it was certainly not sent. True: the socket has taken it. `None` if that does not matter.
    pub sent: Option<bool>,
}

impl CallError {
    /// The error in the form that crosses to JavaScript.
    pub fn data(&self) -> ErrorData {
        let data = self.fault.data();
        ErrorData {
            number: self.number,
            request_id: self.request_id.map(|id| id.to_string()),
            sent: self.sent,
            cause: self.cause.as_ref().map(|cause| Box::new(cause.data())).or(data.cause),
            ..data
        }
    }

    /// About how many bytes [`CallError::to_json`] takes.
    pub fn size(&self) -> usize {
        match &*self.fault {
            Fault::Tool { message, data, .. } => message.len() + data.len(),
            Fault::AuthFailed(words) => words.len(),
            _ => 0,
        }
    }

    /// [`CallError::data`] as JSON.
    pub fn to_json(&self) -> String {
        self.to_json_with(|data| serde_json::to_string(data).expect("the keys are strings"))
    }

    /// The same, where `write` writes what serde knows of it.
    pub fn to_json_with(&self, write: impl FnOnce(&ErrorData) -> String) -> String {
        let mut json = write(&self.data());
        // As it came: it is JSON, and may be large.
        if let Fault::Tool { data, .. } = &*self.fault {
            json.pop();
            json.reserve_exact(data.len() + DATA_KEY.len() + 1);
            json.push_str(DATA_KEY);
            json.push_str(data);
            json.push('}');
        }
        json
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self { fault: Arc::new(fault), number: None, cause: None, request_id: None, sent: None }
    }
}

impl From<Reason> for CallError {
    fn from(Reason { number, fault }: Reason) -> Self {
        Self { fault, number: Some(number), cause: None, request_id: None, sent: None }
    }
}

/// An error as data. TypeScript makes the instances of the error classes from it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// The stable code.
    pub code: &'static str,
    /// The message for people.
    pub message: String,
    /// The same call, unchanged, may succeed later.
    pub retryable: bool,
    /// Every mention of this number by a client means one error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub number: Option<u32>,
    /// The id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub request_id: Option<String>,
    /// Whether the request may have been sent; false is a guarantee.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub sent: Option<bool>,
    /// The code in the server's error, if it is a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tool_code: Option<String>,
    /// The complete error value of the server; [`CallError::to_json`] writes it.
    #[serde(skip_serializing)]
    #[cfg_attr(test, ts(optional, type = "unknown"))]
    pub data: Option<Box<ByteString>>,
    /// The error that has caused this one, if it is one of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub cause: Option<Box<ErrorData>>,
    /// The part of the dial that failed.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub phase: Option<DialPhase>,
    /// The HTTP status that the upgrade, or CONNECT, was answered with.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub status: Option<u16>,
    /// Where that answer leads to, without the query.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub location: Option<Box<str>>,
    /// The first line of its body, if that is text; of HTML the title.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub body: Option<Box<str>>,
    /// The proxy that the dial went through, as `scheme://host:port`.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub proxy: Option<Box<str>>,
    /// The error that has caused this one, if it is one of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub system_cause: Option<Box<SystemCause>>,
    /// The cause is what the user's token function threw.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub from_token_function: bool,
    /// The cause is what the user's url function threw.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub from_url_function: bool,
    /// The cause is what the user's proxy function threw.
    #[cfg(feature = "system")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub from_proxy_function: bool,
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
    fn from(error: SystemError) -> Self {
        let address = error.socket_address();
        Self {
            message: error.message,
            code: error.code,
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

/// How [`ErrorData::data`] begins in JSON.
const DATA_KEY: &str = r#","data":"#;
