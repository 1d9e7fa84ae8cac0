//! What a message of the server is to the rules, without its contents; and a message that is the same to them.

use crate::{
    dialect::{self, Dialect, Inbound, Verdict},
    fields::{Field, Fields},
    received::Received,
    request_id::RequestId,
};

/// The class of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Class {
    /// Nobody has looked at it: its connection was given up, or is closing.
    #[default]
    Ignored,
    Push,
    AuthAccepted,
    AuthRefused,
    Pong,
    Results,
    Error,
    NotJson,
    /// Of the event dialect, as the following.
    EventPush,
    EventConnection,
    EventSchemas,
    EventPong,
    EventResults,
    EventError,
    EventNotJson,
}

impl Class {
    const ALL: [Self; 15] = [
        Self::Ignored,
        Self::Push,
        Self::AuthAccepted,
        Self::AuthRefused,
        Self::Pong,
        Self::Results,
        Self::Error,
        Self::NotJson,
        Self::EventPush,
        Self::EventConnection,
        Self::EventSchemas,
        Self::EventPong,
        Self::EventResults,
        Self::EventError,
        Self::EventNotJson,
    ];
    const NAMES: [&'static str; 15] = [
        "ignored",
        "push",
        "authAccepted",
        "authRefused",
        "pong",
        "results",
        "error",
        "notJson",
        "eventPush",
        "eventConnection",
        "eventSchemas",
        "eventPong",
        "eventResults",
        "eventError",
        "eventNotJson",
    ];

    /// Of what a message means that was read in this dialect; and the id that it has.
    pub(crate) fn of(inbound: &Inbound, dialect: Dialect, has_tools: bool) -> (Self, Option<RequestId>) {
        let is_event = dialect == Dialect::Event;
        let class = match inbound {
            Inbound::Auth(Ok(())) => Self::AuthAccepted,
            Inbound::Auth(Err(_)) => Self::AuthRefused,
            Inbound::Pong if is_event => Self::EventPong,
            Inbound::Pong => Self::Pong,
            Inbound::Welcome if has_tools => Self::EventSchemas,
            Inbound::Welcome => Self::EventConnection,
            Inbound::Push if is_event => Self::EventPush,
            Inbound::Push => Self::Push,
            Inbound::Answer { id, verdict } => {
                let class = match (verdict, is_event) {
                    (Verdict::Results(_), false) => Self::Results,
                    (Verdict::Results(_), true) => Self::EventResults,
                    (Verdict::Error(_), false) => Self::Error,
                    (Verdict::Error(_), true) => Self::EventError,
                };
                return (class, *id);
            }
        };
        (class, None)
    }

    /// Of a text that is not JSON.
    pub(crate) fn not_json(dialect: Dialect) -> Self {
        if dialect == Dialect::Event { Self::EventNotJson } else { Self::NotJson }
    }

    /// A pong.
    pub(crate) fn is_pong(self) -> bool {
        matches!(self, Self::Pong | Self::EventPong)
    }

    /// A message of this class, of about `size` bytes.
    pub(crate) fn message(self, id: Option<RequestId>, size: usize) -> Received {
        let id = id.map_or_else(|| "another".to_owned(), |id| id.to_string());
        let mut text = match self {
            Self::Ignored | Self::Push => "[]".to_owned(),
            Self::AuthAccepted => r#"{"id":"auth","success":true}"#.to_owned(),
            Self::AuthRefused => r#"{"id":"auth","success":false}"#.to_owned(),
            Self::Pong => r#"{"messageType":"pong"}"#.to_owned(),
            Self::Results => format!(r#"{{"id":"{id}","results":0}}"#),
            Self::Error => format!(r#"{{"id":"{id}","error":"e"}}"#),
            Self::NotJson => format!(r#"{{"id":"{id}","results":?"#),
            Self::EventPush => r#"{"event":"error"}"#.to_owned(),
            Self::EventConnection => r#"{"event":"connection"}"#.to_owned(),
            Self::EventSchemas => r#"{"event":"schemas","data":[]}"#.to_owned(),
            Self::EventPong => r#"{"event":"pong"}"#.to_owned(),
            Self::EventResults => format!(r#"{{"event":"response","data":{{"id":"{id}","results":0}}}}"#),
            Self::EventError => format!(r#"{{"event":"response","data":{{"id":"{id}","error":"e"}}}}"#),
            Self::EventNotJson => format!(r#"{{"event":"response","data":{{"id":"{id}","results":?"#),
        };
        let missing = size.min(LARGEST_MESSAGE).saturating_sub(text.len());
        text.extend(std::iter::repeat_n(' ', missing));
        Received::new(text.into())
    }
}

impl Class {
    /// Visits a message that is kept until it is known what becomes of its connection.
    pub(crate) fn visit_message(message: &mut Received, fields: &mut dyn Fields) {
        let (mut class, mut id) = Self::of_kept(message);
        let mut size = message.text.len();
        fields.field("frame", &mut class);
        fields.field("id", &mut id);
        fields.field("size", &mut size);
        if fields.is_reading() {
            *message = class.message(id, size);
        }
    }

    /// Of a message that was not read yet, as far as it can be told.
    fn of_kept(Received { text, split, tools }: &Received) -> (Self, Option<RequestId>) {
        let envelope = match split {
            Ok(envelope) => envelope,
            Err(fault) => {
                return (Self::NotJson, dialect::id_of_fragment(Dialect::Guide, text, &fault.seen));
            }
        };
        let dialect = if dialect::is_event(text, envelope) { Dialect::Event } else { Dialect::Guide };
        Self::of(&dialect::read(dialect, text, envelope), dialect, tools.is_some())
    }
}

impl Field for Class {
    fn visit(&mut self, name: &'static str, fields: &mut dyn Fields) {
        let mut place = *self as usize;
        fields.word(name, &mut place, &Self::NAMES);
        *self = Self::ALL[place];
    }
}

/// Bytes. No rule asks for the size of a message that is larger.
const LARGEST_MESSAGE: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dialect, envelope::Envelope};

    const ID: RequestId = RequestId { millis: 1_700_000_000_000, key: crate::RequestKey(7) };

    /// What the session makes of it.
    fn class_of(received: &Received, dialect: Dialect) -> (Class, Option<RequestId>) {
        let (text, tools) = (&*received.text, received.tools.is_some());
        match &received.split {
            Ok(envelope) => {
                let inbound = dialect::auth_answer(text, envelope).unwrap_or_else(|| read(dialect, text, envelope));
                Class::of(&inbound, dialect, tools)
            }
            Err(fault) => (Class::not_json(dialect), dialect::id_of_fragment(dialect, text, &fault.seen)),
        }
    }

    fn read(dialect: Dialect, text: &str, envelope: &Envelope) -> Inbound {
        dialect::read(dialect, text, envelope)
    }

    #[test]
    fn a_message_that_is_made_of_a_class_is_of_that_class_and_has_its_id_and_its_size() {
        for (place, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, place);
            if class == Class::Ignored {
                continue;
            }
            let is_event = Class::NAMES[place].starts_with("event");
            let dialect = if is_event { Dialect::Event } else { Dialect::Guide };
            let has_id = ["esults", "rror", "otJson"].iter().any(|end| Class::NAMES[place].ends_with(end));
            for id in [Some(ID), None] {
                let message = class.message(id, 100);
                assert_eq!(class_of(&message, dialect), (class, id.filter(|_| has_id)), "{class:?}");
                assert_eq!(message.text.len(), 100);
                let reveals = message.split.as_ref().is_ok_and(|envelope| dialect::is_event(&message.text, envelope));
                assert_eq!(reveals, is_event && class != Class::EventNotJson, "{class:?}");
            }
        }
        assert_eq!(Class::Push.message(None, usize::MAX).text.len(), LARGEST_MESSAGE);
    }
}
