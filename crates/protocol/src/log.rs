//! The lines of the log: what each says, and how loud it is. An undisturbed life is quiet at `info`.
//!
//! A line is one line, whatever a server has said: nothing in it can begin another one, or move the cursor of a
//! terminal.

use std::fmt;

use serde::{Serialize, Serializer};

use super::LogLevel;

/// Makes [`LogLine`] from the table below: when a line is logged, its level, and its message.
macro_rules! log_lines {
    ($($(#[doc = $when:literal])+ $line:ident $level:ident $message:literal;)+) => {
        /// A line that the session logs. Every line has the fields `client`, `connection`, `url` (without its query)
        /// and `attempt`; those that have others say so.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum LogLine {
            $($(#[doc = $when])+ $line,)+
        }

        impl LogLine {
            /// Every line, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$line),+];

            /// How loud it is.
            pub fn level(self) -> LogLevel {
                match self { $(Self::$line => LogLevel::$level),+ }
            }

            /// What it says.
            pub fn message(self) -> &'static str {
                match self { $(Self::$line => $message),+ }
            }
        }
    };
}

log_lines! {
    /// A dial begins.
    Dialing Debug "connecting";
    /// The dial goes through a proxy; with `proxy`, as `scheme://host:port`. Once for each proxy that is tried.
    Proxy Debug "connecting through a proxy";
    /// The dial has failed; with `cause`.
    DialFailed Warn "cannot connect";
    /// The user's url function has failed; with `cause`, the class of what it threw.
    NoUrls Warn "the url function failed";
    /// The socket is open.
    Open Debug "the socket is open";
    /// The server's first message shows that it speaks the event dialect.
    EventDialect Debug "the server speaks the event dialect";
    /// An auth answer shows that it does not.
    GuideDialect Warn "the server speaks the guide's dialect after all";
    /// `ready` with the first dial, or with another key on the same socket.
    Authenticated Debug "authenticated";
    /// `ready` on an attempt: after a failed dial or a lost connection.
    Reconnected Info "connected again";
    /// A key is sent over `ws://` to another machine, for the first time.
    PlaintextKey Warn "the key is sent without encryption: use wss://, or say that it is meant with allowPlaintextKey";
    /// The server has refused the key; with `cause`.
    KeyRefused Warn "the server refused the key";
    /// The key has ended, and there is no new one; with `cause`.
    KeyExpired Warn "the key has expired";
    /// The user's key function has failed; with `cause`, the class of what it threw.
    NoKey Warn "the key function failed";
    /// The key is about to end: the user's key function is asked for a new one.
    RenewingKey Debug "renewing the key";
    /// The key function has failed, or the server has not answered. It is tried again until the key has ended; with
    /// `cause`.
    KeyNotRenewed Warn "the key could not be renewed";
    /// The server sent text that is not JSON, or bytes that are not text; with `cause`.
    BadMessage Warn "the server sent a message that is not JSON";
    /// The server has described so many tools that only the first MiB is kept.
    ToolsCut Warn "the server describes too many tools: only the first are kept";
    /// No byte has come since a ping; with `timeout` in ms.
    HeartbeatLost Warn "no answer to a ping";
    /// The machine was asleep, or a page did not run.
    Slept Info "the machine or the page slept: probing the connection";
    /// The machine is on another network.
    NetworkChanged Info "the network changed: probing the connection";
    /// The socket is gone without a close frame of the server; with `code`, `reason` and `cause`.
    ConnectionLost Warn "the connection was lost";
    /// The server has closed; with `code`, `reason` and `cause`.
    ClosedByServer Info "the server closed the connection";
    /// The socket is gone because the user's code has called `close()` or `reconnect()`; with `code` and `reason`.
    ConnectionClosed Debug "the connection is closed";
    /// The wait before the next attempt begins; with `delay` in ms, and `cause`.
    Waiting Info "waiting before the next attempt";
    /// A change of the network, or a sleep, has shortened the wait.
    WaitShortened Info "the next attempt is brought forward";
    /// `closed` after `close()`.
    Closed Debug "the client is closed";
    /// `closed` because the server has closed with one of `noReconnectCodes`; with `cause`.
    StaysClosed Info "the client stays closed";
    /// `failed`; with `code`, the code of the error, and `cause`.
    Failed Error "the client has failed";
}

/// The values that belong to a line, in the order of their names. An ordered map would do; its code would be a large
/// part of what a page loads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogFields(Vec<(&'static str, LogValue)>);

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LogValue {
    /// Words, a URL, a code.
    Text(String),
    /// A count, or ms.
    Number(u64),
}

impl LogFields {
    /// Sets a field, which may be there already.
    pub fn set(&mut self, name: &'static str, value: LogValue) {
        match self.0.binary_search_by_key(&name, |(name, _)| name) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&LogValue> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The text in a field that has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            LogValue::Text(text) => Some(text),
            LogValue::Number(_) => None,
        }
    }

    /// The number in a field that has one.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            LogValue::Number(number) => Some(*number),
            LogValue::Text(_) => None,
        }
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &LogValue)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

impl Serialize for LogFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl fmt::Display for LogValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<&str> for LogValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for LogValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for LogValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for LogValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for LogValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

/// The value of a field, without control characters.
pub(super) fn one_line(value: &LogValue) -> LogValue {
    match value {
        LogValue::Text(text) => LogValue::Text(without_controls(text)),
        LogValue::Number(_) => value.clone(),
    }
}

/// The text with `\u{1b}` in place of an escape character, and the like.
pub(super) fn without_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("\\t"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            control if is_control(control) => push_escape(&mut shown, control.into()),
            other => shown.push(other),
        }
    }
    shown
}

/// In hexadecimal digits, at most four.
fn push_escape(shown: &mut String, code: u32) {
    shown.push_str("\\u{");
    for place in (0..4).rev().filter(|place| *place == 0 || code >> (4 * place) > 0) {
        let digit = (code >> (4 * place) & 15) as u8;
        shown.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
    }
    shown.push('}');
}

/// It controls a terminal, ends a line, or turns the direction of what follows.
fn is_control(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_ends_it_or_controls_a_terminal() {
        for (text, shown) in [
            ("größe", "größe"),
            ("a\nb\r\0", "a\\nb\\r\\u{0}"),
            ("\u{1b}[2J\u{9b}x\u{7f}", "\\u{1b}[2J\\u{9b}x\\u{7f}"),
            ("\u{2028}\u{202e}", "\\u{2028}\\u{202e}"),
        ] {
            assert_eq!(without_controls(text), shown);
        }
        assert_eq!(one_line(&"a\nb".into()), "a\\nb".into());
        assert_eq!(one_line(&7_u64.into()), 7_u64.into());
    }
}
