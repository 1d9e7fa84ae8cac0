//! The options of a client: names, types, defaults and ranges, one row each.
//!
//! There are two kinds: the session follows its [`Config`], the driver takes its [`Route`], and neither sees the other.

mod flat;
mod given;
mod numbers;
mod proxy;
mod tls;
mod values;

use std::time::Duration;

use serde_json::{Map, Value, json};

pub(crate) use self::values::{before, without_query};
use self::{
    given::Given,
    numbers::{FromNumbers, Numbers},
};
pub use self::{
    given::{OptionError, OptionFault, check_urls},
    proxy::ProxySource,
    tls::TlsOptions,
    values::{DialectChoice, EndpointSource, Headers, Key, MaxAttempts, Secret, Subprotocols, TokenSource},
};
use crate::backoff::Jitter;

/// Makes of each row a field, its default, the reading of the option, and its place in the table of defaults. A row:
/// documentation, `"name" field: type = default, reader(range);`. The readers are functions of [`Given`].
macro_rules! options {
    ($($(#[$struct_doc:meta])* $struct:ident {
        $($(#[$doc:meta])* $name:literal $field:ident: $type:ty = $default:expr, $read:ident($($range:expr)?);)*
    })*) => {
        $(
            $(#[$struct_doc])*
            #[derive(Debug, Clone)]
            pub struct $struct {
                $($(#[$doc])* pub $field: $type,)*
            }

            impl FromNumbers for $struct {
                fn read(numbers: &mut Numbers<'_>) -> Self {
                    Self { $($field: FromNumbers::read(numbers),)* }
                }
            }

            impl Default for $struct {
                fn default() -> Self {
                    Self { $($field: $default,)* }
                }
            }

            impl $struct {
                /// Takes an option over. False if it is none of these.
                fn set(&mut self, given: &Given<'_>) -> Result<bool, OptionError> {
                    match given.name {
                        $($name => self.$field = given.$read($($range)?)?,)*
                        _ => return Ok(false),
                    }
                    Ok(true)
                }

                /// The defaults, without those that are not shown.
                fn defaults() -> impl Iterator<Item = (&'static str, Value)> {
                    Self::default().as_options()
                }

                /// The options, without those that are not shown.
                fn as_options(&self) -> impl Iterator<Item = (&'static str, Value)> + use<> {
                    let rows = [$(($name, self.$field.as_option()),)*];
                    rows.into_iter().filter_map(|(name, value)| Some((name, value?)))
                }
            }
        )*

        /// The names of all options.
        const NAMES: &[&str] = &[$($($name,)*)*];

        /// Every option with its reader, and the range that the reader takes, as they are written in the table.
        #[cfg(test)]
        pub(crate) const ROWS: &[(&str, &str, &str)] =
            &[$($(($name, stringify!($read), concat!($(stringify!($range))?)),)*)*];
    };
}

options! {
    /// What the session follows: times, limits, close codes, the token. Durations cross as ms.
    Config {
        /// Where the token for the auth message comes from.
        "apiKey" token: TokenSource = TokenSource::Fixed(Secret::new("anonymous")), token();
        /// From the look-up of the name to the end of the HTTP upgrade.
        "connectTimeout" connect_timeout: Duration = Duration::from_secs(10), duration(1);
        /// From the auth message to its answer; also the time that a token function gets.
        "authTimeout" auth_timeout: Duration = Duration::from_secs(10), duration(1);
        /// From the call to its answer; `None` waits for ever.
        "requestTimeout" request_timeout: Option<Duration> = Some(Duration::from_secs(30)), duration_or_none();
        /// Between pings; `None` turns the heartbeat off.
        "heartbeatInterval" heartbeat_interval: Option<Duration> = Some(Duration::from_secs(15)), duration_or_none();
        /// How long to wait for any bytes after a ping before the connection is given up.
        "heartbeatTimeout" heartbeat_timeout: Duration = Duration::from_secs(10), duration(1);
        /// Attempts after the first dial, or after the connection was last ready.
        "maxReconnectAttempts" max_reconnect_attempts: MaxAttempts = MaxAttempts::Limited(10), attempts();
        /// The first delay.
        "baseReconnectDelay" base_reconnect_delay: Duration = Duration::from_secs(1), duration(0);
        /// The cap of the delay, before jitter.
        "maxReconnectDelay" max_reconnect_delay: Duration = Duration::from_secs(30), duration(0);
        /// Growth of the delay from one attempt to the next.
        "reconnectFactor" reconnect_factor: f64 = 1.5, number(1..=1000);
        /// How the delay is spread.
        "reconnectJitter" reconnect_jitter: Jitter = Jitter::Fraction(0.2), jitter();
        /// Whether to dial several endpoints at the same time.
        "race" race: bool = false, boolean();
        /// How long a connection must have been `ready` before the attempts are counted from 0 again.
        "minUptime" min_uptime: Duration = Duration::from_secs(5), duration(0);
        /// The longest wait that a server may ask for with `Retry-After`; zero ignores it.
        "maxRetryAfter" max_retry_after: Duration = Duration::from_secs(60), duration(0);
        /// Added to the delay after a close with one of `slow_reconnect_codes`.
        "slowReconnectDelay" slow_reconnect_delay: Duration = Duration::from_secs(5), duration(0);
        /// Close codes that wait longer.
        "slowReconnectCodes" slow_reconnect_codes: Vec<u16> = vec![1008, 1011], close_codes();
        /// Close codes after which the client stays closed.
        "noReconnectCodes" no_reconnect_codes: Vec<u16> = vec![1000], close_codes();
        /// Requests in flight or queued.
        "maxPending" max_pending: usize = 65_536, count(1);
        /// Requests that wait for `ready`; 0 rejects them at once.
        "offlineQueueLimit" offline_queue_limit: usize = 1_024, count(0);
        /// Bytes of one inbound message. The driver keeps this limit, since it is what reads.
        "maxMessageSize" max_message_size: usize = 64 << 20, count(1);
        /// Bytes not yet passed to the operating system, queued requests included.
        "maxBufferedAmount" max_buffered_amount: usize = 16 << 20, count(1);
        /// Sending a key where others can read it is no reason for a warning.
        "allowPlaintextKey" allow_plaintext_key: bool = false, boolean();
        /// Which wire dialect to speak.
        "dialect" dialect: DialectChoice = DialectChoice::Auto, dialect();
    }

    /// How to reach the server. The driver checks what HTTP allows of it.
    Route {
        /// The endpoints, or the function that gives them.
        "url" url: EndpointSource = EndpointSource::default(), urls();
        /// Extra headers of the upgrade request.
        "headers" headers: Headers = Headers::default(), headers();
        /// Subprotocols to offer.
        "protocols" protocols: Subprotocols = Subprotocols::default(), protocols();
        /// Where the proxy of a dial comes from.
        "proxy" proxy: ProxySource = ProxySource::default(), proxy();
        /// What to verify of a `wss://` server, and with what.
        "tls" tls: TlsOptions = TlsOptions::default(), tls();
        /// Offer to compress messages (RFC 7692).
        "compression" compression: bool = true, boolean();
    }
}

impl Config {
    /// Options that were checked by the generated table (js/page/option-table.ts), as numbers in its order: that is how
    /// a page passes them on. The token is a text, and comes by itself; the route is the page's.
    pub fn from_numbers(numbers: &[f64]) -> Self {
        Self::read(&mut Numbers::new(numbers))
    }
}

/// All options of a client, sorted by whom they concern.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// For the session.
    pub session: Config,
    /// For the driver.
    pub route: Route,
}

impl Options {
    /// Reads options given as a JSON object over the defaults. A number that JSON cannot hold comes as
    /// `{"$number": "NaN" | "Infinity" | "-Infinity"}`, a value of another kind as `{"$type": "function"}`.
    ///
    /// Errors: the first option at fault.
    pub fn from_json(options: &Map<String, Value>) -> Result<Self, OptionError> {
        let mut all = Self::default();
        for (name, value) in options {
            let given = Given { name, value };
            if all.session.set(&given)? || all.route.set(&given)? {
                continue;
            }
            return Err(OptionError::unknown(name, [NAMES, NAMES_IN_JAVASCRIPT].concat()));
        }
        Ok(all)
    }

    /// The defaults by their public names, for the documentation and its test. What has no default of its own is left
    /// out.
    pub fn default_table() -> Map<String, Value> {
        let defaults = Config::defaults().chain(Route::defaults());
        defaults.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A value as its option is written; `None` if the default is not shown.
trait AsOption {
    fn as_option(&self) -> Option<Value>;
}

macro_rules! as_option {
    ($($type:ty: |$value:ident| $json:expr;)*) => {
        $(impl AsOption for $type {
            fn as_option(&self) -> Option<Value> {
                let $value = self;
                $json
            }
        })*
    };
}

as_option! {
    Duration: |duration| Some(json!(duration.as_millis() as u64));
    Option<Duration>: |duration| duration.unwrap_or_default().as_option();
    bool: |is_on| Some(json!(is_on));
    f64: |number| Some(json!(number));
    usize: |count| Some(json!(count));
    MaxAttempts: |attempts| Some(json!(attempts));
    Vec<u16>: |codes| Some(json!(codes));
    Jitter: |jitter| Some(match jitter {
        Jitter::Fraction(fraction) => json!(fraction),
        Jitter::Full => json!("full"),
    });
    DialectChoice: |dialect| Some(json!(match dialect {
        DialectChoice::Auto => "auto",
        DialectChoice::Guide => "guide",
        DialectChoice::Event => "event",
        DialectChoice::Plain => "none",
    }));
    TokenSource: |_token| None;
    EndpointSource: |_urls| None;
    Headers: |_headers| None;
    Subprotocols: |_protocols| None;
    ProxySource: |_proxy| None;
    TlsOptions: |_tls| None;
}

/// Options that the JavaScript part keeps to itself; named here only to suggest them for a misspelt one.
const NAMES_IN_JAVASCRIPT: &[&str] = &["autoConnect", "onMessage"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(options: Value) -> Result<Options, OptionError> {
        Options::from_json(options.as_object().expect("an object"))
    }

    fn fault(options: Value) -> (OptionFault, String) {
        let error = parse(options).expect_err("must be refused");
        (error.kind, error.message)
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        let given = parse(Value::Object(Options::default_table())).expect("the defaults are valid");
        assert_eq!(format!("{given:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn every_option_is_read() {
        let Options { session: config, route } = parse(json!({
            "url": "ws://h/mcp-ws", "apiKey": "k", "connectTimeout": 1, "authTimeout": 2, "requestTimeout": 0,
            "heartbeatInterval": 0, "heartbeatTimeout": 5, "maxReconnectAttempts": {"$number": "Infinity"},
            "baseReconnectDelay": 0, "maxReconnectDelay": 8, "reconnectFactor": 2, "reconnectJitter": "full",
            "minUptime": 0, "maxRetryAfter": 0, "slowReconnectDelay": 9, "slowReconnectCodes": [], "noReconnectCodes": [1000, 4001], "maxPending": 1,
            "offlineQueueLimit": 0, "maxMessageSize": 10, "maxBufferedAmount": 11, "headers": {"x-a": "b"},
            "protocols": "p", "proxy": "http://u:p@h", "dialect": "event", "compression": false, "allowPlaintextKey": true
        }))
        .expect("valid");
        assert_eq!(config.request_timeout, None);
        assert_eq!(config.heartbeat_interval, None);
        assert_eq!(config.max_reconnect_attempts, MaxAttempts::Unlimited);
        assert_eq!(config.reconnect_jitter, Jitter::Full);
        assert_eq!((config.min_uptime, config.max_retry_after), (Duration::ZERO, Duration::ZERO));
        assert_eq!(config.no_reconnect_codes, [1000, 4001]);
        assert_eq!(route.headers.iter().collect::<Vec<_>>(), [("x-a", "b")]);
        assert_eq!(
            (route.url.known(), route.protocols.iter().collect()),
            (&["ws://h/mcp-ws".to_owned()][..], vec!["p"])
        );
        assert_eq!(route.proxy, ProxySource::Url(Secret::new("http://u:p@h")));
        assert_eq!((config.dialect, route.compression), (DialectChoice::Event, false));
        assert!(config.allow_plaintext_key);
    }

    #[test]
    fn a_value_out_of_its_range_is_a_range_error_that_names_option_and_value() {
        for (name, value, shown) in [
            ("requestTimeout", json!(-1), "-1"),
            ("requestTimeout", json!({"$number": "NaN"}), "NaN"),
            ("requestTimeout", json!({"$number": "Infinity"}), "Infinity"),
            ("connectTimeout", json!(0), "0"),
            ("minUptime", json!({"$number": "Infinity"}), "Infinity"),
            ("minUptime", json!(-1), "-1"),
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
            ("url", json!([])),
            ("url", json!(["ws://h/", 1])),
            ("url", json!(["ws://h/?a", "ws://h/?a"])),
            ("compression", json!("true")),
            ("compression", json!(1)),
            ("allowPlaintextKey", json!("yes")),
            ("proxy", json!(true)),
            ("proxy", json!(null)),
            ("proxy", json!(["http://hunter2@p"])),
            ("proxy", json!({"$environment": {"HTTPS_PROXY": 1}})),
            ("tls", json!("x")),
            ("reconectDelay", json!(1)),
        ] {
            let (kind, message) = fault(json!({ name: value }));
            assert_eq!(kind, OptionFault::Type, "{message}");
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn no_error_tells_a_key_a_header_or_a_subprotocol() {
        let (_, message) = fault(json!({ "protocols": { "hunter2": 1 } }));
        assert!(!message.contains("hunter2"), "{message}");
        let (_, message) = fault(json!({ "apiKey": ["hunter2"] }));
        assert!(!message.contains("hunter2"), "{message}");
        let (_, message) = fault(json!({ "url": ["ws://h/?hunter2", 1] }));
        assert!(!message.contains("hunter2"), "{message}");
        let (_, message) = fault(json!({ "headers": "hunter2" }));
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!format!("{:?}", parse(json!({ "apiKey": "hunter2" }))).contains("hunter2"));
        let shown = format!("{:?}", parse(json!({ "headers": { "authorization": "Bearer hunter2" } })));
        assert!(shown.contains("authorization") && !shown.contains("hunter2"), "{shown}");
        let variables = json!({"$environment": {"ALL_PROXY": "http://hunter2@p"}});
        for proxy in [json!("http://u:hunter2@p"), json!(["hunter2"]), json!({"url": "hunter2"}), variables] {
            assert!(!format!("{:?}", parse(json!({ "proxy": proxy }))).contains("hunter2"));
        }
    }

    #[test]
    fn the_error_for_an_unknown_option_suggests_a_similar_one() {
        for (given, suggested) in [
            ("reconectFactor", Some("reconnectFactor")),
            ("requesttimeout", Some("requestTimeout")),
            ("URL", Some("url")),
            ("heartbeatIntervall", Some("heartbeatInterval")),
            ("autoconnect", Some("autoConnect")),
            ("colour", None),
            ("", None),
        ] {
            let expected = match suggested {
                Some(name) => format!("unknown option \"{given}\", did you mean \"{name}\"?"),
                None => format!("unknown option \"{given}\""),
            };
            assert_eq!(fault(json!({ given: 1 })), (OptionFault::Type, expected));
        }
    }
}
