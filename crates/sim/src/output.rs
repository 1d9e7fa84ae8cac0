//! What came out of a session, with its moment; printed, one short line for each.

use std::{fmt, time::Duration};

use mcp_protocol::{Action, Content, Event, Notice, Outcome, Transmit};

/// One thing that came out of the session, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Monotonic time.
    pub at: Duration,
    /// What it was.
    pub what: What,
}

/// What can come out of the session, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Told to the user.
    Event(Event<u32>),
    /// Asked of the driver.
    Action(Action),
    /// Handed out to be written.
    Transmit(Transmit),
    /// The socket took it: the server can read it.
    Written(Transmit),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(Event::Notice(notice)) => write_notice(f, notice),
            Self::Event(Event::Message { json: true, .. }) => f.write_str("message"),
            Self::Event(Event::Message { json: false, .. }) => f.write_str("message that is not JSON"),
            Self::Event(Event::Settled { payload, outcome }) => match outcome {
                Outcome::Done => write!(f, "{payload} done"),
                Outcome::Results(_) => write!(f, "{payload} results"),
                Outcome::Failed(error) => write!(f, "{payload} {}", error.fault.code()),
            },
            Self::Action(Action::Dial { connection, endpoint: 0 }) => write!(f, "dial {}", connection.0),
            Self::Action(Action::Dial { connection, endpoint }) => write!(f, "dial {} at {endpoint}", connection.0),
            Self::Action(Action::AskUrls(connection)) => write!(f, "ask for urls {}", connection.0),
            Self::Action(Action::AskToken(connection)) => write!(f, "ask for a token {}", connection.0),
            Self::Action(Action::Close { connection, code, reason }) => {
                write!(f, "close {} with {code} {reason}", connection.0)
            }
            Self::Action(Action::Drop { connection, close_code: None }) => write!(f, "drop {}", connection.0),
            Self::Action(Action::Drop { connection, close_code: Some(code) }) => {
                write!(f, "drop {} with {code}", connection.0)
            }
            Self::Transmit(Transmit { content: Content::Ping, .. })
            | Self::Written(Transmit { content: Content::Ping, .. }) => f.write_str("ping frame"),
            Self::Transmit(Transmit { text, .. }) | Self::Written(Transmit { text, .. }) => {
                f.write_str(&String::from_utf8_lossy(text))
            }
        }
    }
}

fn write_notice(f: &mut fmt::Formatter<'_>, notice: &Notice) -> fmt::Result {
    match notice {
        Notice::State { snapshot, .. } => write!(f, "state {}", snapshot.state),
        Notice::Open => f.write_str("open"),
        Notice::Authenticated => f.write_str("authenticated"),
        Notice::Close { info } => write!(f, "close {}", info.code),
        Notice::Reconnecting { attempt, delay, .. } => write!(f, "reconnecting {attempt} in {delay}"),
        Notice::Heartbeat { rtt } => write!(f, "heartbeat {rtt}"),
        Notice::Failed { error, .. } => write!(f, "failed {}", error.code),
        Notice::Error { error } => write!(f, "error {}", error.code),
        Notice::Log { entry } => write!(f, "log {}", entry.message),
        Notice::Dialing { connection, .. } => write!(f, "dialing {connection}"),
        Notice::Dialed { dial } => {
            let outcome = dial.error.as_ref().map_or("open", |error| error.code);
            write!(f, "dialed {} {outcome}", dial.connection)
        }
    }
}
