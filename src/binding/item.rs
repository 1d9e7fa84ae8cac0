//! The items of a mailbox: what becomes of an event, and what JavaScript gets of it. The mailbox keeps them in order.

use bytes::Bytes;
use bytestring::ByteString;
use mcp_mailbox::{LARGEST_PIECE, Part, Pieces, Slot, kind};
use mcp_protocol::{CallError, Event, Fault, Notice, Outcome};
use serde::Serialize;

use super::{payload::Payload, text::Text};

/// An item as JavaScript gets it: its kind, two numbers, its text or bytes, and whether JavaScript must look for
/// another one. If not, the next one wakes it.
pub(super) type JsItem = (u8, u32, u32, Payload, bool);

/// An item that may have to be converted first, which takes a while for long texts.
pub(super) enum Incoming {
    Item(Item),
    Result(Slot, ByteString),
    Failed(Slot, Box<CallError>),
    Message(u32, bool, ByteString),
}

/// An item, ready for JavaScript.
pub(super) enum Item {
    /// Several results in one text, and their number.
    Results(Text, usize),
    /// With the bytes of its JSON.
    Result(Slot, usize, Text),
    Open(Slot, bool, Option<Text>),
    Elements(Slot, Text),
    /// If it is the outermost container, the result is complete, and these are the bytes of its JSON.
    Close(Slot, Option<usize>),
    Bytes(Slot, Bytes),
    /// True if it is an answer, without results.
    Done(Slot, bool),
    /// Its JSON is only written when JavaScript takes it: many calls may fail with the same words.
    Failed(Slot, Box<CallError>),
    FailedJson(Slot, Text),
    Notice(u32, String),
    Message(u32, bool, Text),
    AskToken(u32, u32),
    AskUrls(u32, u32),
    AskProxy(u32, u32, String),
    ResumeAfter(u32, u32),
    AskRoots(u32),
}

impl Incoming {
    /// An event of a client. What JavaScript cannot take, because a string there has at most `longest` characters,
    /// becomes an error.
    pub(super) fn of(client: u32, event: Event<Slot>, longest: usize) -> Self {
        Self::Item(match event {
            Event::Notice(notice) => Item::Notice(client, to_json(&notice)),
            Event::Message { text, .. } if text.len() > longest => {
                let error = too_long("a message", text.len(), longest).data();
                Item::Notice(client, to_json(&Notice::Error { error }))
            }
            Event::Message { text, json } => return Self::Message(client, json, text),
            Event::Settled { payload, outcome } => return Self::of_outcome(payload, outcome, longest),
        })
    }

    fn of_outcome(slot: Slot, outcome: Outcome, longest: usize) -> Self {
        Self::Item(match outcome {
            Outcome::Results(json) if slot.wants_bytes() => {
                // Without results there are no bytes.
                Item::Bytes(slot, json.map(ByteString::into_bytes).unwrap_or_default())
            }
            Outcome::Done => Item::Done(slot, false),
            Outcome::Results(None) => Item::Done(slot, true),
            Outcome::Results(Some(json)) if json.len() > longest => {
                let fault = too_long(RESULTS, json.len(), longest);
                Item::Failed(slot, Box::new(fault.into()))
            }
            Outcome::Results(Some(json)) => return Self::Result(slot, json),
            Outcome::Failed(error) if error.size() + LONGEST_ERROR_HEAD > longest => {
                let fault = too_long("an error", error.size(), longest);
                Item::Failed(slot, Box::new(CallError { request_id: error.request_id, ..fault.into() }))
            }
            // Writing it takes a while.
            Outcome::Failed(error) if error.size() > LARGEST_PIECE => return Self::Failed(slot, Box::new(error)),
            Outcome::Failed(error) => Item::Failed(slot, Box::new(error)),
        })
    }

    /// The bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Item(item) => item.size(),
            Self::Result(_, text) | Self::Message(_, _, text) => OVERHEAD + text.len(),
            Self::Failed(_, error) => OVERHEAD + error.size(),
        }
    }

    /// Converts the text, and cuts a large result into pieces.
    pub(super) fn convert(self, mut put: impl FnMut(Item)) {
        match self {
            Self::Item(item) => put(item),
            Self::Failed(slot, error) => put(Item::FailedJson(slot, Text::new(error.to_json().into()))),
            Self::Message(client, is_json, text) => put(Item::Message(client, is_json, Text::new(text))),
            Self::Result(slot, json) if json.len() <= LARGEST_PIECE => put(Item::result(slot, json)),
            Self::Result(slot, json) => match Pieces::new(&json, LARGEST_PIECE - BRACKETS) {
                Some(pieces) => {
                    let mut pieces = pieces.peekable();
                    while let Some(part) = pieces.next() {
                        put(Item::from_part(slot, &json, part, pieces.peek().is_none()));
                    }
                }
                None => put(Item::result(slot, json)),
            },
        }
    }
}

impl Item {
    fn result(slot: Slot, json: ByteString) -> Self {
        Self::Result(slot, json.len(), Text::new(json))
    }

    /// `part` is a part of `json`, and perhaps the last one.
    fn from_part(slot: Slot, json: &ByteString, part: Part<'_>, is_last: bool) -> Self {
        match part {
            Part::Open { is_array, key } => Self::Open(slot, is_array, key.map(|key| Text::new(key.into()))),
            Part::Elements { is_array, text } => Self::Elements(slot, Text::elements(is_array, json.slice_ref(text))),
            Part::Close => Self::Close(slot, is_last.then_some(json.len())),
        }
    }

    /// The bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Results(text, _)
                | Self::Result(_, _, text)
                | Self::Elements(_, text)
                | Self::FailedJson(_, text)
                | Self::Message(_, _, text) => text.size(),
                Self::Open(_, _, key) => key.as_ref().map_or(0, Text::size),
                Self::Bytes(_, bytes) => bytes.len(),
                Self::Failed(_, error) => error.size(),
                Self::Notice(_, text) | Self::AskProxy(_, _, text) => text.len(),
                Self::Close(..)
                | Self::Done(..)
                | Self::AskToken(..)
                | Self::AskUrls(..)
                | Self::ResumeAfter(..)
                | Self::AskRoots(_) => 0,
            }
    }

    /// The results that are complete with it.
    pub(super) fn results(&self) -> u32 {
        match self {
            Self::Results(_, count) => *count as u32,
            Self::Result(..) | Self::Bytes(..) => 1,
            Self::Close(_, bytes) => u32::from(bytes.is_some()),
            Self::Done(_, completes) => u32::from(*completes),
            _ => 0,
        }
    }

    /// The number of results that are joined in it.
    pub(super) fn count(&self) -> usize {
        if let Self::Results(_, count) = self { *count } else { 1 }
    }

    pub(super) fn into_js(self, has_more: bool) -> JsItem {
        let (kind, a, b, payload) = match self {
            Self::Results(mut text, _) => {
                text.append_ascii(b"]");
                (kind::RESULTS, 0, 0, Payload::Text(text))
            }
            Self::Bytes(slot, json) => (kind::BYTES, slot.number(), 0, Payload::Bytes(json)),
            Self::Result(slot, bytes, json) => (kind::RESULT, slot.number(), bytes as u32, Payload::Text(json)),
            Self::Open(slot, is_array, key) => {
                (kind::OPEN, slot.number(), u32::from(is_array), key.map_or(Payload::Nothing, Payload::Text))
            }
            Self::Elements(slot, json) => (kind::ELEMENTS, slot.number(), 0, Payload::Text(json)),
            Self::Close(slot, bytes) => {
                (kind::CLOSE, slot.number(), bytes.unwrap_or_default() as u32, Payload::Nothing)
            }
            Self::Done(slot, _) => (kind::DONE, slot.number(), 0, Payload::Nothing),
            Self::Failed(slot, error) => (kind::FAILED, slot.number(), 0, Payload::from(error.to_json())),
            Self::FailedJson(slot, json) => (kind::FAILED, slot.number(), 0, Payload::Text(json)),
            Self::Notice(client, json) => (kind::NOTICE, client, 0, Payload::from(json)),
            Self::Message(client, json, text) => (kind::MESSAGE, client, u32::from(json), Payload::Text(text)),
            Self::AskToken(client, connection) => (kind::ASK_TOKEN, client, connection, Payload::Nothing),
            Self::AskUrls(client, asked) => (kind::ASK_URLS, client, asked, Payload::Nothing),
            Self::AskProxy(client, connection, server) => (kind::ASK_PROXY, client, connection, Payload::from(server)),
            Self::ResumeAfter(client, ms) => (kind::RESUME_AFTER, client, ms, Payload::Nothing),
            Self::AskRoots(client) => (kind::ASK_ROOTS, client, 0, Payload::Nothing),
        };
        (kind, a, b, payload, has_more)
    }
}

fn too_long(what: &str, bytes: usize, limit: usize) -> Fault {
    let remedy = if what == RESULTS { ": use responseType 'buffer'" } else { "" };
    let words = format!("{what} of {bytes} bytes: longer than a JavaScript string can be ({limit}){remedy}");
    Fault::MessageTooLarge(words)
}

/// The JSON of a value whose type is generated for TypeScript.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the keys are strings")
}

/// Bytes. The JSON of an error is its value and at most this: its words and its code may consist of escapes of six
/// bytes.
const LONGEST_ERROR_HEAD: usize = 128 * 1024;
/// Bytes of an item besides its text.
const OVERHEAD: usize = 64;
/// Bytes of a piece that are not part of the result: the brackets around it.
const BRACKETS: usize = 2;
/// What a caller may have as bytes instead.
const RESULTS: &str = "results";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Characters, in place of V8's half a billion.
    const LIMIT: usize = 200 * 1024;

    fn settled(outcome: Outcome, wants_bytes: bool) -> Incoming {
        Incoming::of(7, Event::Settled { payload: Slot::new(3, wants_bytes), outcome }, LIMIT)
    }

    fn json(size: usize) -> ByteString {
        format!("{:?}", "x".repeat(size - 2)).into()
    }

    fn tool_error(size: usize) -> Outcome {
        Outcome::Failed(Fault::Tool { message: "m".into(), code: None, data: json(size) }.into())
    }

    /// The message of the error that the call with slot 3 is rejected with.
    fn rejected(incoming: Incoming) -> String {
        let Incoming::Item(Item::Failed(slot, error)) = incoming else { panic!("it is not rejected") };
        assert_eq!((slot.number(), error.fault.code()), (3, "MESSAGE_TOO_LARGE"));
        error.fault.to_string()
    }

    #[test]
    fn results_longer_than_a_string_reject_their_call_unless_it_takes_bytes() {
        assert!(matches!(settled(Outcome::Results(Some(json(LIMIT))), false), Incoming::Result(..)));
        let words = rejected(settled(Outcome::Results(Some(json(LIMIT + 1))), false));
        assert!(
            words.starts_with("results of 204801 bytes:") && words.ends_with("use responseType 'buffer'"),
            "{words}"
        );
        let bytes = settled(Outcome::Results(Some(json(LIMIT + 1))), true);
        assert!(matches!(bytes, Incoming::Item(Item::Bytes(_, bytes)) if bytes.len() == LIMIT + 1));
    }

    #[test]
    fn an_error_longer_than_a_string_rejects_its_call_and_a_large_one_is_written_on_the_io_thread() {
        let words = rejected(settled(tool_error(LIMIT), false));
        assert!(words.starts_with("an error of 204801 bytes:") && !words.contains("buffer"), "{words}");
        let mut items = Vec::new();
        settled(tool_error(LARGEST_PIECE + 1), false).convert(|item| items.push(item));
        let [Item::FailedJson(_, text)] = &items[..] else { panic!("one item, written") };
        assert!(text.size() > LARGEST_PIECE && text.size() <= LARGEST_PIECE + LONGEST_ERROR_HEAD);
        assert!(matches!(settled(tool_error(100), false), Incoming::Item(Item::Failed(..))));
    }

    #[test]
    fn a_message_longer_than_a_string_is_an_error_event() {
        let message = |size| Event::Message { text: json(size), json: true };
        assert!(matches!(Incoming::of(7, message(LIMIT), LIMIT), Incoming::Message(7, true, _)));
        let Incoming::Item(Item::Notice(7, notice)) = Incoming::of(7, message(LIMIT + 1), LIMIT) else {
            panic!("a notice");
        };
        assert!(notice.contains(r#""type":"error""#) && notice.contains("MESSAGE_TOO_LARGE"), "{notice}");
    }

    #[test]
    fn many_calls_that_fail_for_one_reason_share_its_words_until_javascript_takes_them() {
        let error = CallError::from(Fault::AuthFailed("x".repeat(8 * 1024)));
        let items: Vec<Incoming> = (0..1024).map(|_| settled(Outcome::Failed(error.clone()), false)).collect();
        let shared = items.iter().filter(|incoming| {
            matches!(incoming, Incoming::Item(Item::Failed(_, failed)) if Arc::ptr_eq(&failed.fault, &error.fault))
        });
        assert_eq!(shared.count(), 1024);
    }
}
