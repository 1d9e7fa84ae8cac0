//! The other side: what an honest server of either dialect does by itself.

use serde_json::{Value, json};

use crate::protocol::{Action, ConnectionId, Ending, Now, Transmit};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Nobody: the test says each word of the server, and of the token function.
    Scripted,
    /// An honest server of the guide's dialect. It takes every token and answers each tool request with its parameters.
    Guide,
    /// An honest server of the event dialect, which passes over the guide's frames without a word.
    Event,
}

/// Something that the network, the server or the token function does next.
#[derive(Debug)]
pub(super) enum Deed {
    Open(ConnectionId),
    Say(ConnectionId, String),
    Token(ConnectionId),
    End(ConnectionId, Ending),
}

impl Deed {
    pub(super) fn connection(&self) -> ConnectionId {
        let (Self::Open(id) | Self::Say(id, _) | Self::Token(id) | Self::End(id, _)) = self;
        *id
    }
}

impl Server {
    /// What follows from an action of the client.
    pub(super) fn obey(self, action: Action) -> Option<Deed> {
        if self == Self::Scripted {
            return None;
        }
        match action {
            Action::Dial(connection) => Some(Deed::Open(connection)),
            Action::AskToken(connection) => Some(Deed::Token(connection)),
            Action::Close { connection, code, reason } => {
                Some(Deed::End(connection, Ending { code, reason, clean: true, too_large: false }))
            }
            Action::Drop { .. } => None,
        }
    }

    /// The first words on a connection.
    pub(super) fn greet(self, connection: ConnectionId) -> Option<Deed> {
        let greeting = json!({ "event": "schemas", "data": [] });
        (self == Self::Event).then(|| Deed::Say(connection, greeting.to_string()))
    }

    /// The answer to a text of the client.
    pub(super) fn hear(self, text: &Transmit, now: Now) -> Option<Deed> {
        let heard: Value = serde_json::from_slice(&text.text).ok()?;
        let answer = match self {
            Self::Scripted => None,
            Self::Guide if heard["id"] == "auth" => Some(json!({ "id": "auth", "success": true })),
            Self::Guide if heard["messageType"] == "ping" => {
                Some(json!({ "messageType": "pong", "timestamp": now.wall }))
            }
            Self::Guide if heard["name"].is_string() => {
                Some(json!({ "id": heard["id"], "results": heard["parameters"] }))
            }
            Self::Event if heard["type"] == "ping" => Some(json!({ "event": "pong", "timestamp": now.wall })),
            Self::Event if heard["type"] == "mcp_request" => {
                let request = &heard["request"];
                Some(json!({ "event": "response", "data": { "id": request["id"], "results": request["parameters"] } }))
            }
            _ => None,
        };
        answer.map(|answer| Deed::Say(text.connection, answer.to_string()))
    }
}
