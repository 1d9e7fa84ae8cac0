//! The kinds of values that events have, as small as they can be.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use crate::{
    config::Key,
    dialect::Sent,
    dialing::{DialFailure, DialPhase, Remedy},
    error::{ErrorCode, Fault},
    fields::{Field, Fields, Form, LARGEST, micros},
    request_id::{RequestId, RequestKey},
    state::State,
    timer::Timer,
};

/// A number of 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct U48([u8; 6]);

impl U48 {
    const MAX: u64 = (1 << 48) - 1;

    pub(crate) fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }
}

impl From<u64> for U48 {
    /// A larger number counts as the largest.
    fn from(number: u64) -> Self {
        let [a, b, c, d, e, f, ..] = number.min(Self::MAX).to_le_bytes();
        Self([a, b, c, d, e, f])
    }
}

/// A time, or how long something takes, in whole microseconds: up to nine years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Micros(U48);

impl Micros {
    pub(crate) fn get(self) -> Duration {
        Duration::from_micros(self.0.get())
    }
}

impl From<Duration> for Micros {
    fn from(time: Duration) -> Self {
        Self(micros(time).into())
    }
}

impl Field for Micros {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut time = self.get();
        fields.field(name, &mut time);
        *self = time.into();
    }
}

/// A time, unless there is none: that is 0, which no time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MaybeMicros(Micros);

impl MaybeMicros {
    pub(crate) fn get(self) -> Option<Duration> {
        Some(self.0.get()).filter(|time| !time.is_zero())
    }
}

impl From<Option<Duration>> for MaybeMicros {
    fn from(time: Option<Duration>) -> Self {
        Self(time.unwrap_or_default().into())
    }
}

impl Field for MaybeMicros {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut time = self.get();
        fields.field(name, &mut time);
        *self = time.into();
    }
}

/// Bytes of a text. 0, if they are not told: those of an auth message would tell how long the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Size(u32);

impl Size {
    pub(crate) fn get(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn and(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

impl From<usize> for Size {
    fn from(bytes: usize) -> Self {
        Self(u32::try_from(bytes).unwrap_or(u32::MAX))
    }
}

impl Field for Size {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut bytes = Some(self.0).filter(|bytes| *bytes > 0);
        fields.field(name, &mut bytes);
        self.0 = bytes.unwrap_or_default();
    }
}

/// The id of a request; none if it does not have the form of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    key: U48,
    millis: U48,
}

impl Id {
    pub(crate) const NONE: Self = Self { key: U48([0xff; 6]), millis: U48([0; 6]) };

    pub(crate) fn get(self) -> Option<RequestId> {
        let id = RequestId { millis: self.millis.get(), key: RequestKey(self.key.get()) };
        (self != Self::NONE).then_some(id)
    }

    pub(crate) fn key(self) -> RequestKey {
        RequestKey(self.key.get())
    }
}

impl From<Option<RequestId>> for Id {
    fn from(id: Option<RequestId>) -> Self {
        id.map_or(Self::NONE, |RequestId { millis, key }| Self { key: key.0.into(), millis: millis.into() })
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::NONE
    }
}

impl Field for Id {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut id = self.get();
        fields.field(name, &mut id);
        *self = id.into();
    }
}

/// Makes a value that is one of some words, by its place; or `maybe` none of them, which is 0.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident: $form:ident $words:expr;)+) => {
        $($(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub(crate) struct $name(u8);

        impl Field for $name {
            fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
                let mut place = usize::from(self.0);
                fields.$form(name, &mut place, $words);
                self.0 = place as u8;
            }
        })+
    };
}

words! {
    /// The name of a state.
    StateName: word &State::NAMES;
    /// A timer.
    TimerName: word &Timer::NAMES;
    /// The phase of a dial.
    PhaseName: maybe_word &PHASES;
    /// What may mend a failed dial.
    RemedyName: word &REMEDIES;
    /// What a text is, that we send.
    FrameName: word &FRAMES;
    /// What a delay was drawn for.
    Purpose: word &PURPOSES;
    /// What the user's key function has given.
    KeyName: word &KEYS;
    /// What became of an answer.
    AnswerName: maybe_word &ANSWERS;
}

impl StateName {
    pub(crate) fn of(name: &str) -> Self {
        Self(State::NAMES.iter().position(|known| *known == name).unwrap_or_default() as u8)
    }
}

impl TimerName {
    pub(crate) fn of(timer: Timer) -> Self {
        Self(timer as u8)
    }
}

impl PhaseName {
    pub(crate) fn of(phase: Option<DialPhase>) -> Self {
        Self(match phase {
            None => 0,
            Some(DialPhase::Name) => 1,
            Some(DialPhase::Tcp) => 2,
            Some(DialPhase::Proxy) => 3,
            Some(DialPhase::Tls) => 4,
            Some(DialPhase::Upgrade) => 5,
        })
    }
}

impl RemedyName {
    pub(crate) fn of(remedy: Remedy) -> Self {
        Self(match remedy {
            Remedy::Time => 0,
            Remedy::Configuration => 1,
            Remedy::Authorization => 2,
        })
    }

    #[cfg(feature = "system")]
    pub(crate) fn get(self) -> Remedy {
        match self.0 {
            0 => Remedy::Time,
            1 => Remedy::Configuration,
            _ => Remedy::Authorization,
        }
    }
}

impl FrameName {
    pub(crate) const REQUEST: Self = Self(0);
    pub(crate) const PING: Self = Self(1);
    pub(crate) const AUTH: Self = Self(2);
    pub(crate) const MESSAGE: Self = Self(3);
    /// An auth message of the user without a token.
    pub(crate) const AUTH_WITHOUT_TOKEN: Self = Self(4);
}

impl FrameName {
    pub(crate) fn is_auth(self) -> bool {
        matches!(self, Self::AUTH | Self::AUTH_WITHOUT_TOKEN)
    }

    /// Of a text that the user sends.
    pub(crate) fn of(sent: &Sent) -> Self {
        match sent {
            Sent::Ping => Self::PING,
            Sent::Auth(Some(_)) => Self::AUTH,
            Sent::Auth(None) => Self::AUTH_WITHOUT_TOKEN,
            Sent::Other => Self::MESSAGE,
        }
    }
}

impl Purpose {
    pub(crate) const RETRY: Self = Self(0);
    pub(crate) const RETRY_AFTER: Self = Self(1);
    pub(crate) const SOONER: Self = Self(2);
    pub(crate) const RENEWAL: Self = Self(3);
}

impl KeyName {
    /// Of what the user's function gave, and when that ends.
    pub(crate) fn of(key: Option<&Key>) -> (Self, Expiry) {
        match key.map(|key| Expiry::of(key.expires_at)) {
            Some((expiry, true)) => (Self::KEY, expiry),
            Some((expiry, false)) => (Self::UNUSABLE_EXPIRY, expiry),
            None => (Self::NONE, Expiry::default()),
        }
    }

    pub(crate) const KEY: Self = Self(0);
    pub(crate) const NONE: Self = Self(1);
    pub(crate) const UNUSABLE_EXPIRY: Self = Self(2);
}

impl AnswerName {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const SETTLED: Self = Self(1);
    pub(crate) const LATE: Self = Self(2);
    /// To a request of `sendToolRequest`.
    pub(crate) const EXPECTED: Self = Self(3);
}

/// How a call was made, and what became of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CallFacts(u8);

impl CallFacts {
    /// It was sent, or will be.
    pub(crate) fn new(idempotent: bool, expects_connection: bool, has_parameters: bool) -> Self {
        Self::of([idempotent, expects_connection, has_parameters], 0)
    }

    pub(crate) fn is_idempotent(self) -> bool {
        self.flags()[0]
    }

    pub(crate) fn expects_connection(self) -> bool {
        self.flags()[1]
    }

    pub(crate) fn has_parameters(self) -> bool {
        self.flags()[2]
    }

    /// It waits for the connection.
    pub(crate) fn queued(self) -> Self {
        Self::of(self.flags(), 1)
    }

    /// It was refused.
    pub(crate) fn refused(self, fault: &Fault) -> Self {
        let code = fault.error_code();
        let place = ErrorCode::ALL.iter().position(|known| *known == code).unwrap_or_default();
        Self::of(self.flags(), 2 + place as u8)
    }

    fn of(flags: [bool; 3], outcome: u8) -> Self {
        let bits = flags.iter().enumerate().map(|(place, is_set)| u8::from(*is_set) << place);
        Self(bits.sum::<u8>() | outcome << 3)
    }

    fn flags(self) -> [bool; 3] {
        [0, 1, 2].map(|place| self.0 >> place & 1 == 1)
    }
}

impl Field for CallFacts {
    fn visit(&mut self, _: &'static str, fields: &mut dyn Fields) {
        let mut flags = self.flags();
        for (name, flag) in ["idempotent", "expected", "parameters"].into_iter().zip(&mut flags) {
            fields.field(name, flag);
        }
        let words = ["sent", "queued"].into_iter().chain(ErrorCode::ALL.iter().map(|code| code.name()));
        let words: Vec<&str> = words.collect();
        let mut text = words.get(usize::from(self.0 >> 3)).map(|word| (*word).to_owned());
        fields.text("outcome", &mut text);
        let place = words.iter().position(|word| text.as_deref() == Some(word));
        if place.is_none() {
            fields.refuse("outcome");
        }
        *self = Self::of(flags, place.unwrap_or_default() as u8);
    }
}

/// Why a dial failed, as far as the rules ask; and what people want to know besides.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DialFacts {
    pub(crate) remedy: RemedyName,
    /// How long the server asks not to be dialed; 0 is a wish, too.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) phase: PhaseName,
    pub(crate) code: Option<Cow<'static, str>>,
    pub(crate) status: Option<u16>,
    pub(crate) address: Option<SocketAddr>,
}

impl DialFacts {
    pub(crate) fn of(failure: &DialFailure) -> Self {
        let cause = failure.cause();
        Self {
            remedy: RemedyName::of(failure.remedy()),
            retry_after: failure.retry_after(),
            phase: PhaseName::of(failure.phase()),
            code: cause.as_ref().and_then(|cause| cause.code).map(Cow::Borrowed),
            status: failure.status(),
            address: cause.and_then(|cause| cause.socket_address()),
        }
    }

    /// A failure that is the same to the rules.
    #[cfg(feature = "system")]
    pub(crate) fn failure(&self) -> DialFailure {
        let status = match self.remedy.get() {
            Remedy::Time => 503,
            Remedy::Configuration => 400,
            Remedy::Authorization => 401,
        };
        let answer = crate::Answer { retry_after: self.retry_after, ..crate::Answer::of(status) };
        DialFailure::Upgrade(crate::UpgradeFailure::Status { answer })
    }
}

impl Field for Box<DialFacts> {
    fn visit(&mut self, _: &'static str, fields: &mut dyn Fields) {
        fields.field("remedy", &mut self.remedy);
        fields.field("retryAfter", &mut self.retry_after);
        fields.field("phase", &mut self.phase);
        let mut code = self.code.take().map(Cow::into_owned);
        fields.text("code", &mut code);
        self.code = code.map(Cow::Owned);
        fields.field("status", &mut self.status);
        fields.field("address", &mut self.address);
    }
}

impl Field for Option<SocketAddr> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut text = self.map(|address| address.to_string());
        fields.text(name, &mut text);
        if fields.is_reading() {
            *self = text.and_then(|text| text.parse().ok());
        }
    }
}

impl Field for Option<Box<str>> {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut text = self.take().map(String::from);
        fields.text(name, &mut text);
        *self = text.map(String::into_boxed_str);
    }
}

/// The moment when a key ends, in ms since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Expiry(pub(crate) Option<u64>);

impl Field for Expiry {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        fields.value(name, Form::Number, &mut self.0);
    }
}

impl Expiry {
    /// Of what the user's function gave, and whether it can be one at all.
    pub(crate) fn of(expires_at: Option<f64>) -> (Self, bool) {
        match expires_at {
            None => (Self(None), true),
            Some(at) if (0.0..=LARGEST as f64).contains(&at) => (Self(Some(at as u64)), true),
            Some(_) => (Self(None), false),
        }
    }
}

const PHASES: [&str; 5] = ["name", "tcp", "proxy", "tls", "upgrade"];
const REMEDIES: [&str; 3] = ["time", "configuration", "authorization"];
const FRAMES: [&str; 5] = ["request", "ping", "auth", "message", "authWithoutToken"];
const PURPOSES: [&str; 4] = ["retry", "retryAfter", "retrySooner", "renewal"];
const KEYS: [&str; 3] = ["key", "none", "unusableExpiry"];
const ANSWERS: [&str; 3] = ["settled", "late", "expected"];
