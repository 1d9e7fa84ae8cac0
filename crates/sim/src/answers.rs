//! What servers do by themselves: honest ones of either dialect, and those that are not.

use mcp_protocol::{Action, Answer, ConnectionId, DialFailure, Ending, Now, SystemError, Transmit, UpgradeFailure};
use serde_json::{Value, json};

use crate::{chance::Chance, event::WorldEvent, server::Server};

impl Server {
    /// What follows from an action of the client.
    pub(super) fn obey(self, action: Action, chance: &mut Chance) -> Option<WorldEvent> {
        match (self, action) {
            (Self::Scripted, _) | (_, Action::Drop { .. }) => None,
            (Self::Refusing, Action::Dial(connection)) => Some(match chance.pick(&[0, 400, 401, 429, 503]) {
                0 => WorldEvent::Open(connection),
                status => WorldEvent::Refuse(
                    connection,
                    DialFailure::Upgrade(UpgradeFailure::Status { answer: Answer::of(status) }),
                ),
            }),
            (Self::Down, Action::Dial(connection)) => {
                let is_answered = chance.pick(&[true, true, false]);
                is_answered.then(|| WorldEvent::Refuse(connection, connection_refused()))
            }
            (_, Action::Dial(connection)) => Some(WorldEvent::Open(connection)),
            (Self::Mute | Self::Down, _) => None,
            (Self::Liar, Action::AskToken(connection)) => {
                Some(WorldEvent::Token(connection, chance.pick(&[Ok("token"), Ok("token"), Err("threw")])))
            }
            (_, Action::AskToken(connection)) => Some(WorldEvent::Token(connection, Ok("token"))),
            (Self::Liar, Action::Close { .. }) if chance.pick(&[true, false]) => None,
            (_, Action::Close { connection, code, reason }) => {
                Some(WorldEvent::End(connection, Ending { code, reason, clean: true, too_large: false }))
            }
        }
    }

    /// The first words on a connection.
    pub(super) fn greet(self, connection: ConnectionId, chance: &mut Chance) -> Option<WorldEvent> {
        let greeting = || WorldEvent::Say(connection, json!({ "event": "schemas", "data": [] }).to_string());
        match self {
            Self::Event => Some(greeting()),
            Self::Liar if chance.pick(&[true, false, false]) => Some(greeting()),
            _ => None,
        }
    }

    /// What it does on hearing a text of the client.
    pub(super) fn hear(self, text: &Transmit, now: Now, chance: &mut Chance) -> Vec<WorldEvent> {
        if matches!(self, Self::Scripted | Self::Mute | Self::Down) {
            return Vec::new();
        }
        let Ok(heard) = serde_json::from_slice(&text.text) else { return Vec::new() };
        let say = |answer: String| WorldEvent::Say(text.connection, answer);
        match self {
            Self::Liar => lies(&heard, now, chance).into_iter().map(say).collect(),
            Self::Refusing => vec![rebuff(text.connection, chance)],
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

fn rebuff(connection: ConnectionId, chance: &mut Chance) -> WorldEvent {
    match chance.pick(&[0, 0, 1000, 1008, 1011]) {
        0 => WorldEvent::Say(connection, r#"{"id":"auth","success":false,"error":"no such key"}"#.to_owned()),
        code => {
            WorldEvent::End(connection, Ending { code, reason: "go away".to_owned(), clean: true, too_large: false })
        }
    }
}

/// What a server says that cannot be trusted.
fn lies(heard: &Value, now: Now, chance: &mut Chance) -> Vec<String> {
    let id = heard["id"].as_str().or(heard["request"]["id"].as_str());
    let Some(id) = id.filter(|id| *id != "auth") else {
        let truth = Server::Guide.honest_answer(heard, now).map(|answer| answer.to_string());
        let lie = chance.pick(&CHATTER).map(str::to_owned);
        return truth.into_iter().chain(lie).collect();
    };
    let forged = forge(id, chance);
    let times = chance.pick(&[1, 1, 2, 3]);
    (0..times).map(|_| chance.pick(&LIES).replace("ID", id).replace("FORGED", &forged)).collect()
}

/// An id that is nearly this one.
fn forge(id: &str, chance: &mut Chance) -> String {
    let (time, key) = id.rsplit_once('_').unwrap_or((id, ""));
    match chance.pick(&[0, 1, 2, 3, 4, 5]) {
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
