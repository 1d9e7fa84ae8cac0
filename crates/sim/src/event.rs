//! What the simulated world does next, and where it travels.

use mcp_protocol::{ConnectionId, DialFailure, Ending, Transmit};

use crate::server::Server;

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From the client.
    Up,
    /// To the client.
    Down,
}

/// ms from now until a key ends; `None` if it does not.
pub(super) type Life = Option<f64>;

/// Something that the network, the server or the user's code does next.
#[derive(Debug)]
pub(super) enum WorldEvent {
    Open(ConnectionId),
    Refuse(ConnectionId, DialFailure),
    Say(ConnectionId, String),
    /// A text of the client reaches the server.
    Hear(Transmit),
    Token(ConnectionId, Result<(&'static str, Life), &'static str>),
    /// The user's url function answers: with so many endpoints, or not.
    Urls(ConnectionId, Result<usize, &'static str>),
    End(ConnectionId, Ending),
    /// The connection is gone on both sides.
    Cut(ConnectionId),
    /// The peer has read a text: the next one can be written.
    Room(ConnectionId),
    /// The user's code is told that a socket is open.
    TellOpening,
    /// Another kind of server replaces the present one.
    Change(Server),
}

impl WorldEvent {
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Hear(text) => Some(text.connection),
            Self::Open(id)
            | Self::Refuse(id, _)
            | Self::Say(id, _)
            | Self::Token(id, _)
            | Self::Urls(id, _)
            | Self::End(id, _)
            | Self::Cut(id)
            | Self::Room(id) => Some(*id),
            Self::TellOpening | Self::Change(_) => None,
        }
    }

    /// Over which connection it travels, and in which direction; `None` if it does not.
    pub(super) fn route(&self) -> Option<(ConnectionId, Way)> {
        match self {
            Self::Hear(text) => Some((text.connection, Way::Up)),
            Self::Room(id) => Some((*id, Way::Up)),
            Self::Open(id) | Self::Say(id, _) | Self::End(id, _) => Some((*id, Way::Down)),
            Self::Refuse(..)
            | Self::Token(..)
            | Self::Urls(..)
            | Self::Cut(_)
            | Self::TellOpening
            | Self::Change(_) => None,
        }
    }
}
