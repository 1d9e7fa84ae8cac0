//! The one table of options: their names, defaults and ranges. Every option error is made here.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

use super::backoff::Jitter;

/// Every option that the core knows. [`Config::default`] is the table of defaults; durations cross as ms.
#[derive(Clone)]
pub struct Config {
    /// `ws://` or `wss://` endpoint without credentials.
    pub url: String,
    /// Where the token for the auth message comes from.
    pub token: TokenSource,
    /// DNS through HTTP upgrade.
    pub connect_timeout: Duration,
    /// From the auth message to its answer; also the time that a token function gets.
    pub auth_timeout: Duration,
    /// From the call to its answer; `None` waits for ever.
    pub request_timeout: Option<Duration>,
    /// Between pings; `None` turns the heartbeat off.
    pub heartbeat_interval: Option<Duration>,
    /// Silence after a ping that means death.
    pub heartbeat_timeout: Duration,
    /// Attempts after the first dial, or after the connection was last ready.
    pub max_reconnect_attempts: MaxAttempts,
    /// The first delay.
    pub base_reconnect_delay: Duration,
    /// The cap of the delay, before jitter.
    pub max_reconnect_delay: Duration,
    /// Growth of the delay from one attempt to the next, at least 1.
    pub reconnect_factor: f64,
    /// How the delay is spread.
    pub reconnect_jitter: Jitter,
    /// Added to the delay after a close with one of `slow_reconnect_codes`.
    pub slow_reconnect_delay: Duration,
    /// Close codes that wait longer.
    pub slow_reconnect_codes: Vec<u16>,
    /// Close codes after which the client stays closed.
    pub no_reconnect_codes: Vec<u16>,
    /// Requests in flight or queued.
    pub max_pending: usize,
    /// Requests that wait for `ready`; 0 rejects them at once.
    pub offline_queue_limit: usize,
    /// Bytes of one inbound message.
    pub max_message_size: usize,
    /// Bytes not yet handed to the operating system, queued requests included.
    pub max_buffered_amount: usize,
    /// Extra headers of the upgrade request.
    pub headers: Vec<(String, String)>,
    /// Subprotocols to offer.
    pub protocols: Vec<String>,
    /// Which wire dialect to speak.
    pub dialect: DialectChoice,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            token: TokenSource::Fixed(Secret::new("anonymous")),
            connect_timeout: Duration::from_secs(10),
            auth_timeout: Duration::from_secs(10),
            request_timeout: Some(Duration::from_secs(30)),
            heartbeat_interval: Some(Duration::from_secs(15)),
            heartbeat_timeout: Duration::from_secs(10),
            max_reconnect_attempts: MaxAttempts::Limited(10),
            base_reconnect_delay: Duration::from_secs(1),
            max_reconnect_delay: Duration::from_secs(30),
            reconnect_factor: 1.5,
            reconnect_jitter: Jitter::Fraction(0.2),
            slow_reconnect_delay: Duration::from_secs(5),
            slow_reconnect_codes: vec![1008, 1011],
            no_reconnect_codes: vec![1000],
            max_pending: 65_536,
            offline_queue_limit: 1_024,
            max_message_size: 64 << 20,
            max_buffered_amount: 16 << 20,
            headers: Vec::new(),
            protocols: Vec::new(),
            dialect: DialectChoice::Auto,
        }
    }
}

impl fmt::Debug for Config {
    /// Headers by their names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url,
            token,
            connect_timeout,
            auth_timeout,
            request_timeout,
            heartbeat_interval,
            heartbeat_timeout,
            max_reconnect_attempts,
            base_reconnect_delay,
            max_reconnect_delay,
            reconnect_factor,
            reconnect_jitter,
            slow_reconnect_delay,
            slow_reconnect_codes,
            no_reconnect_codes,
            max_pending,
            offline_queue_limit,
            max_message_size,
            max_buffered_amount,
            headers,
            protocols,
            dialect,
        } = self;
        let headers: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Config")
            .field("url", url)
            .field("token", token)
            .field("connect_timeout", connect_timeout)
            .field("auth_timeout", auth_timeout)
            .field("request_timeout", request_timeout)
            .field("heartbeat_interval", heartbeat_interval)
            .field("heartbeat_timeout", heartbeat_timeout)
            .field("max_reconnect_attempts", max_reconnect_attempts)
            .field("base_reconnect_delay", base_reconnect_delay)
            .field("max_reconnect_delay", max_reconnect_delay)
            .field("reconnect_factor", reconnect_factor)
            .field("reconnect_jitter", reconnect_jitter)
            .field("slow_reconnect_delay", slow_reconnect_delay)
            .field("slow_reconnect_codes", slow_reconnect_codes)
            .field("no_reconnect_codes", no_reconnect_codes)
            .field("max_pending", max_pending)
            .field("offline_queue_limit", offline_queue_limit)
            .field("max_message_size", max_message_size)
            .field("max_buffered_amount", max_buffered_amount)
            .field("headers", &headers)
            .field("protocols", protocols)
            .field("dialect", dialect)
            .finish()
    }
}

impl Config {
    /// Reads options given as a JSON object over the defaults. A number that JSON cannot hold comes as
    /// `{"$number": "NaN" | "Infinity" | "-Infinity"}`, a value of another kind as `{"$type": "function"}`.
    /// The first option at fault ends it.
    pub fn from_json(options: &Map<String, Value>) -> Result<Self, OptionError> {
        let mut config = Self::default();
        for (name, value) in options {
            config.set(&Given { name, value })?;
        }
        Ok(config)
    }

    fn set(&mut self, given: &Given<'_>) -> Result<(), OptionError> {
        match given.name {
            "url" => self.url = given.string()?,
            "apiKey" => self.token = given.token()?,
            "connectTimeout" => self.connect_timeout = given.positive_duration()?,
            "authTimeout" => self.auth_timeout = given.positive_duration()?,
            "requestTimeout" => self.request_timeout = given.duration_or_none()?,
            "heartbeatInterval" => self.heartbeat_interval = given.duration_or_none()?,
            "heartbeatTimeout" => self.heartbeat_timeout = given.positive_duration()?,
            "maxReconnectAttempts" => self.max_reconnect_attempts = given.attempts()?,
            "baseReconnectDelay" => self.base_reconnect_delay = given.duration()?,
            "maxReconnectDelay" => self.max_reconnect_delay = given.duration()?,
            "reconnectFactor" => {
                self.reconnect_factor = given.number("a number from 1 to 1000", |n| (1.0..=1000.0).contains(&n))?;
            }
            "reconnectJitter" => self.reconnect_jitter = given.jitter()?,
            "slowReconnectDelay" => self.slow_reconnect_delay = given.duration()?,
            "slowReconnectCodes" => self.slow_reconnect_codes = given.close_codes()?,
            "noReconnectCodes" => self.no_reconnect_codes = given.close_codes()?,
            "maxPending" => self.max_pending = given.count(1)?,
            "offlineQueueLimit" => self.offline_queue_limit = given.count(0)?,
            "maxMessageSize" => self.max_message_size = given.count(1)?,
            "maxBufferedAmount" => self.max_buffered_amount = given.count(1)?,
            "headers" => self.headers = given.headers()?,
            "protocols" => self.protocols = given.strings()?,
            "dialect" => self.dialect = given.dialect()?,
            "tls" | "proxy" => {
                return Err(given.fault(OptionFault::Type, "is not supported by this version; leave it out"));
            }
            _ => return Err(given.fault(OptionFault::Type, "is not an option of MCPClient")),
        }
        Ok(())
    }

    /// The defaults by their public names, for the documentation and its test.
    pub fn default_table() -> Map<String, Value> {
        let d = Self::default();
        let ms = |duration: Duration| Value::from(duration.as_millis() as u64);
        let Jitter::Fraction(jitter) = d.reconnect_jitter else { unreachable!("the default is a fraction") };
        let rows = [
            ("connectTimeout", ms(d.connect_timeout)),
            ("authTimeout", ms(d.auth_timeout)),
            ("requestTimeout", ms(d.request_timeout.unwrap_or_default())),
            ("heartbeatInterval", ms(d.heartbeat_interval.unwrap_or_default())),
            ("heartbeatTimeout", ms(d.heartbeat_timeout)),
            ("maxReconnectAttempts", serde_json::json!(d.max_reconnect_attempts)),
            ("baseReconnectDelay", ms(d.base_reconnect_delay)),
            ("maxReconnectDelay", ms(d.max_reconnect_delay)),
            ("reconnectFactor", d.reconnect_factor.into()),
            ("reconnectJitter", jitter.into()),
            ("slowReconnectDelay", ms(d.slow_reconnect_delay)),
            ("slowReconnectCodes", d.slow_reconnect_codes.into()),
            ("noReconnectCodes", d.no_reconnect_codes.into()),
            ("maxPending", d.max_pending.into()),
            ("offlineQueueLimit", d.offline_queue_limit.into()),
            ("maxMessageSize", d.max_message_size.into()),
            ("maxBufferedAmount", d.max_buffered_amount.into()),
            ("dialect", "auto".into()),
        ];
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// How many attempts follow a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAttempts {
    /// So many, then `failed`.
    Limited(u32),
    /// For ever.
    Unlimited,
}

impl MaxAttempts {
    /// One more attempt is allowed after `made`.
    pub fn allows(self, made: u32) -> bool {
        match self {
            Self::Limited(limit) => made < limit,
            Self::Unlimited => true,
        }
    }
}

impl Serialize for MaxAttempts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Limited(limit) => serializer.serialize_u32(*limit),
            Self::Unlimited => serializer.serialize_none(),
        }
    }
}

/// The dialect to speak, or the wish to find out on each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectChoice {
    /// Speak the guide's, and change over when the server turns out to speak the other.
    Auto,
    /// Always the guide's.
    Guide,
    /// Always the event dialect.
    Event,
}

/// Where the token of the auth message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// Known.
    Fixed(Secret),
    /// A function of the user's, asked before every authentication.
    Ask,
}

/// A token. It shows itself to nobody but the auth message.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Which JavaScript error an [`OptionError`] becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum OptionFault {
    /// Of the wrong kind, or of no known name.
    #[serde(rename = "TypeError")]
    Type,
    /// Of the right kind, out of its range.
    #[serde(rename = "RangeError")]
    Range,
}

/// An option that cannot be used; the message names it, its value and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[error("{message}")]
pub struct OptionError {
    /// Which JavaScript error it becomes.
    pub kind: OptionFault,
    /// The option's name.
    pub option: String,
    /// The sentence for the user.
    pub message: String,
}

impl OptionError {
    /// An error that names the option first: `option "<name>" <complaint>`.
    pub fn new(kind: OptionFault, option: &str, complaint: &str) -> Self {
        Self { kind, option: option.to_owned(), message: format!("option \"{option}\" {complaint}") }
    }
}

/// One option as it was given.
struct Given<'a> {
    name: &'a str,
    value: &'a Value,
}

impl Given<'_> {
    fn fault(&self, kind: OptionFault, complaint: &str) -> OptionError {
        OptionError::new(kind, self.name, complaint)
    }

    fn must_be(&self, kind: OptionFault, what: &str) -> OptionError {
        // A key or a header may be a secret: its value is never told.
        let shown = if matches!(self.name, "apiKey" | "headers") { kind_of(self.value) } else { show(self.value) };
        self.fault(kind, &format!("must be {what}, got {shown}"))
    }

    fn number(&self, what: &str, in_range: impl Fn(f64) -> bool) -> Result<f64, OptionError> {
        let number = as_number(self.value).ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        if in_range(number) { Ok(number) } else { Err(self.must_be(OptionFault::Range, what)) }
    }

    fn duration(&self) -> Result<Duration, OptionError> {
        let millis = self.number("a number of ms from 0 to 2147483647", |n| (0.0..=MAX_MILLIS).contains(&n))?;
        Ok(Duration::from_secs_f64(millis / 1000.0))
    }

    fn positive_duration(&self) -> Result<Duration, OptionError> {
        let millis = self.number("a number of ms from 1 to 2147483647", |n| (1.0..=MAX_MILLIS).contains(&n))?;
        Ok(Duration::from_secs_f64(millis / 1000.0))
    }

    /// 0 means none.
    fn duration_or_none(&self) -> Result<Option<Duration>, OptionError> {
        let what = "a number of ms from 1 to 2147483647, or 0 for none";
        let millis = self.number(what, |n| n == 0.0 || (1.0..=MAX_MILLIS).contains(&n))?;
        Ok((millis > 0.0).then(|| Duration::from_secs_f64(millis / 1000.0)))
    }

    fn count(&self, least: u32) -> Result<usize, OptionError> {
        let what = format!("a whole number from {least} to 4294967295");
        let range = f64::from(least)..=f64::from(u32::MAX);
        let count = self.number(&what, |n| n.fract() == 0.0 && range.contains(&n))?;
        Ok(count as usize)
    }

    fn attempts(&self) -> Result<MaxAttempts, OptionError> {
        let what = "a whole number from 0 to 4294967295, or Infinity";
        let whole = |n: f64| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n);
        let attempts = self.number(what, |n| n == f64::INFINITY || whole(n))?;
        Ok(if attempts.is_infinite() { MaxAttempts::Unlimited } else { MaxAttempts::Limited(attempts as u32) })
    }

    fn jitter(&self) -> Result<Jitter, OptionError> {
        let what = "a number from 0 to 1, or 'full'";
        match self.value {
            Value::String(text) if text == "full" => Ok(Jitter::Full),
            Value::String(_) => Err(self.must_be(OptionFault::Range, what)),
            _ => self.number(what, |n| (0.0..=1.0).contains(&n)).map(Jitter::Fraction),
        }
    }

    fn close_codes(&self) -> Result<Vec<u16>, OptionError> {
        let what = "an array of close codes from 1000 to 4999";
        let list = self.value.as_array().ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        list.iter()
            .map(|item| {
                let code = as_number(item).ok_or_else(|| self.must_be(OptionFault::Type, what))?;
                let valid = code.fract() == 0.0 && (1000.0..=4999.0).contains(&code);
                if valid { Ok(code as u16) } else { Err(self.must_be(OptionFault::Range, what)) }
            })
            .collect()
    }

    fn string(&self) -> Result<String, OptionError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.must_be(OptionFault::Type, "a string"))
    }

    fn token(&self) -> Result<TokenSource, OptionError> {
        match self.value {
            Value::String(token) => Ok(TokenSource::Fixed(Secret::new(token))),
            Value::Object(tag) if tag.get("$type").is_some_and(|kind| kind == "function") => Ok(TokenSource::Ask),
            _ => Err(self.must_be(OptionFault::Type, "a string, or a function that returns one")),
        }
    }

    fn headers(&self) -> Result<Vec<(String, String)>, OptionError> {
        let what = "an object of strings";
        let object = self.value.as_object().ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        object
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                _ => Err(self.fault(OptionFault::Type, &format!("has a header {name:?} that is not a string"))),
            })
            .collect()
    }

    fn strings(&self) -> Result<Vec<String>, OptionError> {
        let what = "a string or an array of strings";
        let wrong = || self.must_be(OptionFault::Type, what);
        match self.value {
            Value::String(one) => Ok(vec![one.clone()]),
            Value::Array(many) => many.iter().map(|s| s.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
            _ => Err(wrong()),
        }
    }

    fn dialect(&self) -> Result<DialectChoice, OptionError> {
        let what = "'auto', 'guide' or 'event'";
        match self.value.as_str() {
            Some("auto") => Ok(DialectChoice::Auto),
            Some("guide") => Ok(DialectChoice::Guide),
            Some("event") => Ok(DialectChoice::Event),
            Some(_) => Err(self.must_be(OptionFault::Range, what)),
            None => Err(self.must_be(OptionFault::Type, what)),
        }
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Object(tag) => tag.get("$number")?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// The value in JavaScript's own words, cut where it is long.
fn show(value: &Value) -> String {
    match value {
        Value::Object(tag) if tag.len() == 1 && (tag.contains_key("$number") || tag.contains_key("$type")) => {
            tag.values().next().and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        other => {
            let text = other.to_string();
            if text.chars().count() <= 80 { text } else { text.chars().take(79).chain(['…']).collect() }
        }
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a boolean".into(),
        Value::Number(_) => "a number".into(),
        Value::String(_) => "a string".into(),
        Value::Array(_) => "an array".into(),
        Value::Object(tag) if tag.contains_key("$type") || tag.contains_key("$number") => show(value),
        Value::Object(_) => "an object".into(),
    }
}

/// The largest delay that JavaScript's own timers take, 2³¹ − 1 ms.
const MAX_MILLIS: f64 = 2_147_483_647.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(options: Value) -> Result<Config, OptionError> {
        Config::from_json(options.as_object().expect("an object"))
    }

    fn fault(options: Value) -> (OptionFault, String) {
        let error = parse(options).expect_err("must be refused");
        (error.kind, error.message)
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        let given = parse(Value::Object(Config::default_table())).expect("the defaults are valid");
        assert_eq!(format!("{given:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn every_option_is_read() {
        let config = parse(json!({
            "url": "ws://h/mcp-ws", "apiKey": "k", "connectTimeout": 1, "authTimeout": 2, "requestTimeout": 0,
            "heartbeatInterval": 0, "heartbeatTimeout": 5, "maxReconnectAttempts": {"$number": "Infinity"},
            "baseReconnectDelay": 0, "maxReconnectDelay": 8, "reconnectFactor": 2, "reconnectJitter": "full",
            "slowReconnectDelay": 9, "slowReconnectCodes": [], "noReconnectCodes": [1000, 4001], "maxPending": 1,
            "offlineQueueLimit": 0, "maxMessageSize": 10, "maxBufferedAmount": 11, "headers": {"x-a": "b"},
            "protocols": "p", "dialect": "event"
        }))
        .expect("valid");
        assert_eq!(config.request_timeout, None);
        assert_eq!(config.heartbeat_interval, None);
        assert_eq!(config.max_reconnect_attempts, MaxAttempts::Unlimited);
        assert_eq!(config.reconnect_jitter, Jitter::Full);
        assert_eq!(config.no_reconnect_codes, [1000, 4001]);
        assert_eq!(config.headers, [("x-a".to_owned(), "b".to_owned())]);
        assert_eq!(config.protocols, ["p"]);
        assert_eq!(config.dialect, DialectChoice::Event);
    }

    #[test]
    fn a_value_out_of_its_range_is_a_range_error_that_names_option_and_value() {
        for (name, value, shown) in [
            ("requestTimeout", json!(-1), "-1"),
            ("requestTimeout", json!({"$number": "NaN"}), "NaN"),
            ("requestTimeout", json!({"$number": "Infinity"}), "Infinity"),
            ("connectTimeout", json!(0), "0"),
            ("heartbeatTimeout", json!(0), "0"),
            ("maxReconnectAttempts", json!(1.5), "1.5"),
            ("reconnectFactor", json!(0.5), "0.5"),
            ("reconnectJitter", json!(1.1), "1.1"),
            ("reconnectJitter", json!("half"), "half"),
            ("noReconnectCodes", json!([999]), "999"),
            ("maxPending", json!(0), "0"),
            ("dialect", json!("esperanto"), "esperanto"),
        ] {
            let (kind, message) = fault(json!({ name: value }));
            assert_eq!(kind, OptionFault::Range, "{message}");
            assert!(message.contains(name) && message.contains(shown), "{message}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_a_type_error() {
        for (name, value) in [
            ("requestTimeout", json!("30")),
            ("requestTimeout", json!(null)),
            ("maxReconnectAttempts", json!({"$type": "bigint"})),
            ("slowReconnectCodes", json!(1008)),
            ("slowReconnectCodes", json!(["1008"])),
            ("headers", json!([])),
            ("headers", json!({"a": 1})),
            ("protocols", json!([1])),
            ("dialect", json!(1)),
            ("url", json!(1)),
            ("tls", json!({})),
            ("proxy", json!("http://p")),
            ("reconectDelay", json!(1)),
        ] {
            let (kind, message) = fault(json!({ name: value }));
            assert_eq!(kind, OptionFault::Type, "{message}");
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn no_error_tells_a_key_or_a_header() {
        let (_, message) = fault(json!({ "apiKey": ["hunter2"] }));
        assert!(!message.contains("hunter2"), "{message}");
        let (_, message) = fault(json!({ "headers": "hunter2" }));
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!format!("{:?}", parse(json!({ "apiKey": "hunter2" })).expect("valid").token).contains("hunter2"));
    }
}
