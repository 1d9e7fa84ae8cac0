//! The other side: what servers do by themselves, honest ones of either dialect and those that are not.

use serde_json::{Value, json};

use super::network::{Network, Way};
use crate::protocol::{Action, ConnectionId, DialFailure, Ending, Now, SystemError, Transmit, UpgradeFailure};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Nobody: the test says each word of the server, and of the token function.
    Scripted,
    /// An honest server of the guide's dialect. It takes every token and answers each tool request with its parameters.
    Guide,
    /// An honest server of the event dialect, which passes over the guide's frames without a word.
    Event,
    /// Takes connections and says nothing at all, not even goodbye.
    Mute,
    /// Speaks the guide's dialect, and says what is not so: answers to nobody, twice, late, broken, in the other dialect.
    Liar,
    /// Turns clients away: at the upgrade, by refusing the token, or by closing after it.
    Refusing,
    /// Is not there: dials fail, or nobody answers them.
    Down,
}

/// Something that the network, the server or the token function does next.
#[derive(Debug)]
pub(super) enum Deed {
    Open(ConnectionId),
    Refuse(ConnectionId, DialFailure),
    Say(ConnectionId, String),
    /// A text of the client reaches the server.
    Hear(Transmit),
    Token(ConnectionId, Result<&'static str, &'static str>),
    End(ConnectionId, Ending),
    /// The connection is gone on both sides.
    Cut(ConnectionId),
    /// The peer has read a text: there is room for one more.
    Room(ConnectionId),
    /// The user's code hears that a socket is open.
    TellOpening,
    /// Another server takes over.
    Change(Server),
}

impl Deed {
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Hear(text) => Some(text.connection),
            Self::Open(id)
            | Self::Refuse(id, _)
            | Self::Say(id, _)
            | Self::Token(id, _)
            | Self::End(id, _)
            | Self::Cut(id)
            | Self::Room(id) => Some(*id),
            Self::TellOpening | Self::Change(_) => None,
        }
    }

    /// The link that it takes, and in which direction.
    pub(super) fn course(&self) -> Option<(ConnectionId, Way)> {
        match self {
            Self::Hear(text) => Some((text.connection, Way::Up)),
            Self::Room(id) => Some((*id, Way::Up)),
            Self::Open(id) | Self::Say(id, _) | Self::End(id, _) => Some((*id, Way::Down)),
            Self::Refuse(..) | Self::Token(..) | Self::Cut(_) | Self::TellOpening | Self::Change(_) => None,
        }
    }
}

impl Server {
    /// What follows from an action of the client.
    pub(super) fn obey(self, action: Action, network: &mut Network) -> Option<Deed> {
        match (self, action) {
            (Self::Scripted, _) | (_, Action::Drop { .. }) => None,
            (Self::Refusing, Action::Dial(connection)) => Some(match network.pick(&[0, 400, 401, 429, 503]) {
                0 => Deed::Open(connection),
                status => {
                    Deed::Refuse(connection, DialFailure::Upgrade(UpgradeFailure::Status { status, reason: None }))
                }
            }),
            (Self::Down, Action::Dial(connection)) => {
                let is_answered = network.pick(&[true, true, false]);
                is_answered.then(|| Deed::Refuse(connection, connection_refused()))
            }
            (_, Action::Dial(connection)) => Some(Deed::Open(connection)),
            (Self::Mute | Self::Down, _) => None,
            (Self::Liar, Action::AskToken(connection)) => {
                Some(Deed::Token(connection, network.pick(&[Ok("token"), Ok("token"), Err("threw")])))
            }
            (_, Action::AskToken(connection)) => Some(Deed::Token(connection, Ok("token"))),
            (Self::Liar, Action::Close { .. }) if network.pick(&[true, false]) => None,
            (_, Action::Close { connection, code, reason }) => {
                Some(Deed::End(connection, Ending { code, reason, clean: true, too_large: false }))
            }
        }
    }

    /// The first words on a connection.
    pub(super) fn greet(self, connection: ConnectionId, network: &mut Network) -> Option<Deed> {
        let greeting = || Deed::Say(connection, json!({ "event": "schemas", "data": [] }).to_string());
        match self {
            Self::Event => Some(greeting()),
            Self::Liar if network.pick(&[true, false, false]) => Some(greeting()),
            _ => None,
        }
    }

    /// What it does on hearing a text of the client.
    pub(super) fn hear(self, text: &Transmit, now: Now, network: &mut Network) -> Vec<Deed> {
        if matches!(self, Self::Scripted | Self::Mute | Self::Down) {
            return Vec::new();
        }
        let Ok(heard) = serde_json::from_slice(&text.text) else { return Vec::new() };
        let say = |answer: String| Deed::Say(text.connection, answer);
        match self {
            Self::Liar => lies(&heard, now, network).into_iter().map(say).collect(),
            Self::Refusing => vec![rebuff(text.connection, network)],
            _ => self.honest_answer(&heard, now).map(|answer| say(answer.to_string())).into_iter().collect(),
        }
    }

    fn honest_answer(self, heard: &Value, now: Now) -> Option<Value> {
        match self {
            Self::Event if heard["type"] == "ping" => Some(json!({ "event": "pong", "timestamp": now.wall })),
            Self::Event if heard["type"] == "mcp_request" => {
                let request = &heard["request"];
                Some(json!({ "event": "response", "data": { "id": request["id"], "results": request["parameters"] } }))
            }
            Self::Event => None,
            _ if heard["id"] == "auth" => Some(json!({ "id": "auth", "success": true })),
            _ if heard["messageType"] == "ping" => Some(json!({ "messageType": "pong", "timestamp": now.wall })),
            _ if heard["name"].is_string() => Some(json!({ "id": heard["id"], "results": heard["parameters"] })),
            _ => None,
        }
    }
}

fn connection_refused() -> DialFailure {
    DialFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "connection refused"))
}

fn rebuff(connection: ConnectionId, network: &mut Network) -> Deed {
    match network.pick(&[0, 0, 1000, 1008, 1011]) {
        0 => Deed::Say(connection, r#"{"id":"auth","success":false,"error":"no such key"}"#.to_owned()),
        code => Deed::End(connection, Ending { code, reason: "go away".to_owned(), clean: true, too_large: false }),
    }
}

/// What a server says that cannot be trusted.
fn lies(heard: &Value, now: Now, network: &mut Network) -> Vec<String> {
    let id = heard["id"].as_str().or(heard["request"]["id"].as_str());
    let Some(id) = id.filter(|id| *id != "auth") else {
        let truth = Server::Guide.honest_answer(heard, now).map(|answer| answer.to_string());
        let lie = network.pick(&CHATTER).map(str::to_owned);
        return truth.into_iter().chain(lie).collect();
    };
    let forged = forge(id, network);
    let times = network.pick(&[1, 1, 2, 3]);
    (0..times).map(|_| network.pick(&LIES).replace("ID", id).replace("FORGED", &forged)).collect()
}

/// An id that is nearly this one.
fn forge(id: &str, network: &mut Network) -> String {
    let (time, key) = id.rsplit_once('_').unwrap_or((id, ""));
    match network.pick(&[0, 1, 2, 3, 4, 5]) {
        0 => format!("{time}1_{key}"),
        1 => id.to_uppercase(),
        2 => format!("{id} "),
        3 => format!("{time}_{}", key.chars().rev().collect::<String>()),
        4 => format!("req_1_{key}"),
        _ => format!("{id}0"),
    }
}

/// What a liar adds to answers that are due, or says instead of them.
const CHATTER: [Option<&str>; 8] = [
    None,
    None,
    None,
    Some(r#"{"messageType":"pong"}"#),
    Some(r#"{"id":"auth","success":false}"#),
    Some(r#"{"id":"auth","success":true,"success":1}"#),
    Some(r#"{"event":"schemas","data":[]}"#),
    Some(r#"{"id":"auth","succ"#),
];

/// `ID` is the request's, `FORGED` one that is nearly the same.
const LIES: [&str; 20] = [
    r#"{"id":"ID","results":"ID"}"#,
    r#"{"id":"ID","results":"ID"}"#,
    r#"{"results":"ID","id":"ID"}"#,
    r#"{"id":"FORGED","results":"FORGED"}"#,
    r#"{"id":"FORGED","results":"FORGED","id":"ID"}"#,
    r#"{"id":"ID","results":"ID","id":"FORGED"}"#,
    r#"{"id":"\u0072ID","results":"one letter too many"}"#,
    r#"{"id":"ID","error":{"message":"ID","code":7}}"#,
    r#"{"id":"ID","error":null,"results":["ID",{"id":"FORGED"}]}"#,
    r#"{"id":"ID","error":"","error":0,"results":{"id":"FORGED"}}"#,
    r#"{"id":"ID"}"#,
    r#"{"id":["ID"],"results":1}"#,
    r#"{"id":"ID","results":{"half":"#,
    r#"{"id":"ID","results":nonsense}"#,
    r#"{"id":"ID","id":"FORGED","results":nonsense}"#,
    r#"{"data":{"id":"ID","results":1},"event":"response"}"#,
    r#"{"event":"response","data":{"id":"ID","results":"ID"}}"#,
    r#"{"event":"error","data":{"requestId":"ID","message":"FORGED"}}"#,
    r#"{"id":"ID","results":"\ud800"}"#,
    r#"[{"id":"ID","results":1}]"#,
];
