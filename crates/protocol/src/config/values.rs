//! The types of options that are more than a number or a text.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

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
    /// None: the socket carries another protocol, and somebody else speaks it. No option of users.
    Plain,
}

/// Where the endpoints of a session come from. The session knows them by their place in the list, and by the URL that
/// users are shown; only the driver knows how to reach one.
#[derive(Clone, PartialEq, Eq)]
pub enum EndpointSource {
    /// Known: `ws://` or `wss://` without credentials, at least one.
    Known(Vec<String>),
    /// A function of the user's, asked before each round.
    Ask,
}

impl EndpointSource {
    /// Those that are known.
    pub fn known(&self) -> &[String] {
        match self {
            Self::Known(urls) => urls,
            Self::Ask => &[],
        }
    }
}

impl Drop for EndpointSource {
    /// Their queries may be secrets.
    fn drop(&mut self) {
        if let Self::Known(urls) = self {
            urls.zeroize();
        }
    }
}

impl Default for EndpointSource {
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

impl From<&str> for EndpointSource {
    fn from(url: &str) -> Self {
        Self::Known(vec![url.to_owned()])
    }
}

impl fmt::Debug for EndpointSource {
    /// Without the queries, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(urls) => f.debug_list().entries(urls.iter().map(|url| without_query(url))).finish(),
            Self::Ask => f.write_str("Ask"),
        }
    }
}

/// The URL as users are shown it.
pub(crate) fn without_query(url: &str) -> &str {
    before(url, b"?")
}

/// What comes before the first of these characters of ASCII. `str::split` would add more to what a page loads.
pub(crate) fn before<'a>(text: &'a str, ends: &[u8]) -> &'a str {
    &text[..text.bytes().position(|byte| ends.contains(&byte)).unwrap_or(text.len())]
}

/// Where the token of the auth message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// Known.
    Fixed(Secret),
    /// A function of the user's, asked before every authentication.
    Ask,
}

impl TokenSource {
    /// A token that was not recorded.
    pub(crate) fn recorded() -> Self {
        Self::Fixed(Secret::new("key"))
    }
}

/// A token, a private key, or another text that may contain a secret; cheap to clone. It cannot be printed, and its
/// memory is overwritten when the last clone is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text, for where it is used.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What the user's token function returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// For the auth message.
    pub token: Secret,
    /// When it ends, in ms since the epoch; it is renewed before that. `None` if it does not, as far as is known.
    pub expires_at: Option<f64>,
}

impl From<Secret> for Key {
    fn from(token: Secret) -> Self {
        Self { token, expires_at: None }
    }
}

/// Subprotocols to offer. One may be a secret, since browsers can send a key in no other way: only their number is ever
/// printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Subprotocols(Vec<Secret>);

impl Subprotocols {
    /// In the order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Secret::expose)
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<String> for Subprotocols {
    fn from_iter<T: IntoIterator<Item = String>>(protocols: T) -> Self {
        Self(protocols.into_iter().map(Secret::new).collect())
    }
}

impl fmt::Debug for Subprotocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} subprotocols]", self.0.len())
    }
}

/// Headers of the upgrade request. A value may be a secret: only the names are ever printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Secret)>);

impl Headers {
    /// Name and value of each header.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(headers: T) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
