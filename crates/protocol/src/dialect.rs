//! The two wire dialects: how to write a message in each, and what a message of the server means in each.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    config::Secret,
    envelope::{self, Envelope, Span},
    error::{ErrorCode, Fault},
    fields::Fields,
    quoted::write_quoted,
    request_id::RequestId,
    words,
};

/// A wire dialect. The first two are specified in PROTOCOL.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of the integration guide.
    Guide,
    /// That of servers whose messages have an `event`.
    Event,
    /// None. The connection is ready when it is open, every message is a push, and a ping is a frame of its own (RFC
    /// 6455 § 5.5.2).
    Plain,
}

impl Dialect {
    const NAMES: [&'static str; 3] = ["guide", "event", "none"];

    /// Visits it.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        let mut place = *self as usize;
        fields.word("dialect", &mut place, &Self::NAMES);
        *self = [Self::Guide, Self::Event, Self::Plain][place];
    }

    /// A heartbeat ping; `None` if it is a frame of its own.
    pub(super) fn ping(self, wall: u64) -> Option<String> {
        match self {
            Self::Guide => Some(format!(r#"{{"messageType":"ping","timestamp":{wall}}}"#)),
            Self::Event => Some(r#"{"type":"ping"}"#.to_owned()),
            Self::Plain => None,
        }
    }
}

/// The text of a tool request in one dialect. It can be rewritten in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestText {
    dialect: Dialect,
    text: Bytes,
    /// The quoted name in `text`.
    name: Span,
    parameters: Option<Span>,
}

impl RequestText {
    /// `parameters` is JSON; `None` if there are none.
    pub(super) fn new(dialect: Dialect, id: RequestId, name: &str, parameters: Option<&str>) -> Self {
        let size = name.len() + parameters.map_or(0, str::len);
        Self::write(dialect, id, size, |text| write_quoted(text, name), parameters.map(str::as_bytes))
    }

    /// `size` is about that of name and parameters. `name` writes the quoted name.
    fn write(
        dialect: Dialect,
        id: RequestId,
        size: usize,
        name: impl FnOnce(&mut Vec<u8>),
        parameters: Option<&[u8]>,
    ) -> Self {
        let parameters = match dialect {
            Dialect::Guide | Dialect::Plain => parameters,
            Dialect::Event => Some(parameters.filter(|json| *json != b"null").unwrap_or(b"{}")),
        };
        let (head, tail) = match dialect {
            Dialect::Guide | Dialect::Plain => ("{", "}"),
            Dialect::Event => (r#"{"type":"mcp_request","request":{"#, "}}"),
        };
        let mut text = Vec::with_capacity(ENVELOPE_BYTES + size);
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(br#""id":""#);
        id.write_to(&mut text);
        text.extend_from_slice(br#"","name":"#);
        let start = text.len();
        name(&mut text);
        let name = start..text.len();
        let parameters = parameters.map(|json| {
            text.extend_from_slice(br#","parameters":"#);
            let start = text.len();
            text.extend_from_slice(json);
            start..text.len()
        });
        text.extend_from_slice(tail.as_bytes());
        Self { dialect, text: Bytes::from(text), name, parameters }
    }

    /// The whole message.
    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// One of about this size, without a name.
    pub(super) fn recorded(dialect: Dialect, id: RequestId, has_parameters: bool, size: usize) -> Self {
        let parameters = has_parameters.then_some("0");
        let bare = Self::new(dialect, id, "", parameters).text.len();
        Self::new(dialect, id, &"x".repeat(size.saturating_sub(bare)), parameters)
    }

    /// Visits what the rules ask for: dialect, size, whether there are parameters.
    pub(super) fn visit(request_text: &mut Option<Self>, id: RequestId, fields: &mut dyn Fields) {
        let mut size = request_text.as_ref().map(|request_text| request_text.text.len());
        fields.field("size", &mut size);
        let (mut dialect, mut has_parameters) = (Dialect::Guide, false);
        if let Some(request_text) = request_text {
            dialect = request_text.dialect;
            // The event dialect has parameters where there were none. They stay when the request is written in another.
            let is_added = |span: &Span| dialect == Dialect::Event && request_text.text[span.clone()] == *b"{}";
            has_parameters = request_text.parameters.as_ref().is_some_and(|span| !is_added(span));
        }
        if size.is_some() {
            dialect.visit(fields);
            fields.field("parameters", &mut has_parameters);
        }
        if fields.is_reading() {
            *request_text = size.map(|size| Self::recorded(dialect, id, has_parameters, size));
        }
    }

    /// The same request in `dialect`.
    pub(super) fn in_dialect(self, dialect: Dialect, id: RequestId) -> Self {
        if dialect == self.dialect {
            return self;
        }
        let text = &*self.text;
        let name = |out: &mut Vec<u8>| out.extend_from_slice(&text[self.name]);
        Self::write(dialect, id, text.len(), name, self.parameters.map(|span| &text[span]))
    }
}

/// The guide's auth message.
pub(super) fn auth(token: &str) -> Vec<u8> {
    // Growing would leave copies of the token behind. No character takes more than six bytes for each of its own.
    let mut text = Vec::with_capacity(ENVELOPE_BYTES + 6 * token.len());
    text.extend_from_slice(br#"{"id":"auth","token":"#);
    write_quoted(&mut text, token);
    text.push(b'}');
    text
}

/// What a message of the server means.
#[derive(Debug, PartialEq)]
pub(super) enum Inbound {
    /// The answer to an auth message; `Err` is a refusal with its error value, if it has one.
    Auth(Result<(), Option<Span>>),
    /// The answer to a ping.
    Pong,
    /// The greeting of the event dialect: the connection is ready.
    Welcome,
    /// The answer to a request; `id` is `None` if it does not have the form of our ids.
    Answer { id: Option<RequestId>, verdict: Verdict },
    /// Anything else.
    Push,
}

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Results(Option<Span>),
    Error(Span),
}

/// Reads a message in `dialect`.
pub(super) fn read(dialect: Dialect, text: &str, envelope: &Envelope) -> Inbound {
    match dialect {
        Dialect::Guide => read_guide(text, envelope),
        Dialect::Event => read_event(text, envelope),
        Dialect::Plain => Inbound::Push,
    }
}

/// Whether the message is one of the event dialect, and not an auth answer.
pub(super) fn is_event(text: &str, envelope: &Envelope) -> bool {
    let event = string_at(text, envelope.top.event.as_ref());
    auth_answer(text, envelope).is_none()
        && matches!(event.as_deref(), Some("connection" | "schemas" | "pong" | "response" | "error"))
}

/// The value of a `schemas` event.
pub(super) fn schemas<'a>(text: &'a str, envelope: &Envelope) -> Option<&'a str> {
    let is_schemas = string_at(text, envelope.top.event.as_ref()).as_deref() == Some("schemas");
    envelope.top.data.clone().filter(|_| is_schemas).map(|span| &text[span])
}

/// The auth answer of the guide's dialect, whichever dialect the connection speaks.
pub(super) fn auth_answer(text: &str, envelope: &Envelope) -> Option<Inbound> {
    let top = &envelope.top;
    if string_at(text, top.id.as_ref()).as_deref() != Some("auth") {
        return None;
    }
    let success = top.success.clone().is_some_and(|span| &text[span] == "true");
    Some(Inbound::Auth(if success { Ok(()) } else { Err(top.error.clone()) }))
}

fn read_guide(text: &str, envelope: &Envelope) -> Inbound {
    let top = &envelope.top;
    if let Some(answer) = auth_answer(text, envelope) {
        return answer;
    }
    if string_at(text, top.message_type.as_ref()).as_deref() == Some("pong") {
        return Inbound::Pong;
    }
    answer(text, top.id.as_ref(), top.results.as_ref(), top.error.as_ref())
}

fn read_event(text: &str, envelope: &Envelope) -> Inbound {
    let data = &envelope.data;
    match string_at(text, envelope.top.event.as_ref()).as_deref() {
        Some("connection" | "schemas") => Inbound::Welcome,
        Some("pong") => Inbound::Pong,
        Some("response") => answer(text, data.id.as_ref(), data.results.as_ref(), data.error.as_ref()),
        Some("error") => match (given(text, data.request_id.as_ref()), &envelope.top.data) {
            (Some(id), Some(whole)) => Inbound::Answer { id: our_id(text, id), verdict: Verdict::Error(whole.clone()) },
            _ => Inbound::Push,
        },
        _ => Inbound::Push,
    }
}

/// A message whose id does not have the form of ours is an answer only if it has `results` or `error`.
fn answer(text: &str, id: Option<&Span>, results: Option<&Span>, error: Option<&Span>) -> Inbound {
    let Some(span) = given(text, id) else { return Inbound::Push };
    let id = our_id(text, span);
    if id.is_none() && results.is_none() && error.is_none() {
        return Inbound::Push;
    }
    let verdict = match error.filter(|span| envelope::is_truthy(&text[(*span).clone()])) {
        Some(error) => Verdict::Error(error.clone()),
        None => Verdict::Results(results.cloned()),
    };
    Inbound::Answer { id, verdict }
}

/// The id in a text that is not JSON, if it could be read: the request that it was meant to answer.
pub(super) fn id_of_fragment(dialect: Dialect, text: &str, seen: &Envelope) -> Option<RequestId> {
    let span = match dialect {
        Dialect::Plain => None,
        Dialect::Guide => seen.top.id.as_ref(),
        Dialect::Event => match string_at(text, seen.top.event.as_ref()).as_deref() {
            Some("response") => seen.data.id.as_ref(),
            Some("error") => seen.data.request_id.as_ref(),
            Some(_) => None,
            // The name of the event would have come after the error.
            None => seen.data.id.as_ref().or(seen.data.request_id.as_ref()),
        },
    };
    our_id(text, span?)
}

/// The `message` and `code` of an error value, which is a string, or an object with these members; without the key.
pub(super) fn error_words(raw: &str, key: Option<&str>) -> (Option<String>, Option<String>) {
    let shown = |raw: &str| {
        let (words, is_cut) = envelope::decode_beginning(raw, words::LONGEST)?;
        (!words.is_empty()).then(|| words::shown(&words, is_cut, key))
    };
    if raw.starts_with('"') {
        return (shown(raw), None);
    }
    let Ok(members) = envelope::split(raw) else { return (None, None) };
    let word = |span: Option<Span>| span.and_then(|span| shown(&raw[span]));
    (word(members.top.message), word(members.top.code))
}

/// The fault for the error value of an answer.
pub(super) fn tool_fault(raw: ByteString, key: Option<&str>) -> Fault {
    let (message, code) = error_words(&raw, key);
    Fault::Tool { message: message.unwrap_or_else(|| ErrorCode::ToolError.sentence().to_owned()), code, data: raw }
}

/// What a message that the user sends means to the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Ping,
    /// With this token, if it is a string.
    Auth(Option<Secret>),
    Other,
}

impl Sent {
    /// Whether the text may be an auth message. In doubt it may: such a text is only not compressed.
    pub(super) fn may_hold_key(&self, text: &str) -> bool {
        match self {
            Self::Auth(_) => true,
            Self::Ping => false,
            Self::Other => text.len() > LONGEST_CONTROL && words::find(text, "\"auth\"").is_some(),
        }
    }
}

/// Code that was written against a WebSocket sends its own auth messages and pings; their answers must not be taken for
/// the answers to ours. A ping in the other dialect does not count: it is never answered.
pub(super) fn classify_sent(dialect: Dialect, text: &str) -> Sent {
    if dialect == Dialect::Plain || text.len() > LONGEST_CONTROL || envelope::split(text).is_err() {
        return Sent::Other;
    }
    let string = |key: &str| envelope::decode_string(envelope::member(text, key)?);
    let is = |key: &str, word: &str| string(key).is_some_and(|value| value == word);
    let ping_key = match dialect {
        Dialect::Guide => "messageType",
        Dialect::Event | Dialect::Plain => "type",
    };
    if is("id", "auth") {
        Sent::Auth(string("token").map(Secret::new))
    } else if is(ping_key, "ping") {
        Sent::Ping
    } else {
        Sent::Other
    }
}

/// `null` is not an id.
fn given<'a>(text: &str, id: Option<&'a Span>) -> Option<&'a Span> {
    id.filter(|span| &text[(*span).clone()] != "null")
}

fn our_id(text: &str, span: &Span) -> Option<RequestId> {
    RequestId::parse(&envelope::decode_string(&text[span.clone()])?)
}

fn string_at<'a>(text: &'a str, span: Option<&Span>) -> Option<Cow<'a, str>> {
    envelope::decode_string(&text[span?.clone()])
}

/// The largest number of bytes that id and keys add to a request.
const ENVELOPE_BYTES: usize = 100;
/// Bytes. Auth messages contain tokens of some KB; longer messages are not examined.
const LONGEST_CONTROL: usize = 16 * 1024;
