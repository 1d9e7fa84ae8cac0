//! What the user's code is told: a queue of items, which JavaScript takes one by one.

use std::collections::VecDeque;

use bytestring::ByteString;
use mcp_mailbox::{LARGEST_PIECE, Part, Pieces, Slot, kind};
use mcp_protocol::{CallError, ConnectionId, Event, Outcome};

use crate::json::to_json;

/// Items in the order of the events.
#[derive(Debug, Default)]
pub(crate) struct Items {
    queue: VecDeque<Entry>,
    /// Of all texts in it.
    bytes: usize,
}

/// An item as JavaScript gets it. The kinds are those of [`mcp_mailbox::kind`].
#[derive(Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: u8,
    /// The slot, for what settles one.
    pub a: u32,
    /// A number that belongs to it.
    pub b: u32,
    /// Its text.
    pub payload: Payload,
}

/// The text of an item.
#[derive(Debug, PartialEq)]
pub enum Payload {
    /// There is none.
    Nothing,
    /// Of the server, or a part of that.
    Slice(ByteString),
    /// Made here.
    Made(String),
}

impl Payload {
    /// The text, unless there is none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Slice(text) => Some(text),
            Self::Made(text) => Some(text),
        }
    }
}

#[derive(Debug)]
enum Entry {
    Item(Item),
    /// Its JSON is only written when it is taken: many calls may fail with the same words.
    Failed(Slot, Box<CallError>),
    /// Elements of a container, in brackets when they are taken.
    Elements(Slot, bool, ByteString),
}

impl Items {
    /// Adds what an event tells.
    pub(crate) fn push(&mut self, event: Event<Slot>) {
        match event {
            Event::Notice(notice) => self.add(kind::NOTICE, 0, 0, Payload::Made(to_json(&notice))),
            Event::Message { text, json } => self.add(kind::MESSAGE, 0, json.into(), Payload::Slice(text)),
            Event::Settled { payload, outcome } => self.settle(payload, outcome),
        }
    }

    /// The user's token function must be called.
    pub(crate) fn ask_token(&mut self, connection: ConnectionId) {
        self.add(kind::ASK_TOKEN, 0, connection.0, Payload::Nothing);
    }

    /// The user's url function must be called.
    pub(crate) fn ask_urls(&mut self, asked: ConnectionId) {
        self.add(kind::ASK_URLS, 0, asked.0, Payload::Nothing);
    }

    /// The next one.
    pub(crate) fn take(&mut self) -> Option<Item> {
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.bytes();
        Some(entry.into_item())
    }

    /// The text of the next one if the server has written it.
    pub(crate) fn first_slice(&self) -> Option<&str> {
        match self.queue.front()? {
            Entry::Item(Item { payload: Payload::Slice(text), .. }) => Some(text),
            _ => None,
        }
    }

    /// None is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait for JavaScript.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a failure of the slot with this number waits to be taken.
    pub(crate) fn hold_failure(&self, number: u32) -> bool {
        self.queue.iter().any(|entry| matches!(entry, Entry::Failed(slot, _) if slot.number() == number))
    }

    fn settle(&mut self, slot: Slot, outcome: Outcome) {
        match outcome {
            Outcome::Failed(error) => self.enqueue(Entry::Failed(slot, Box::new(error))),
            Outcome::Results(json) if slot.wants_bytes() => {
                // Without results there are no bytes.
                self.add(kind::BYTES, slot.number(), 0, Payload::Slice(json.unwrap_or_default()));
            }
            Outcome::Done | Outcome::Results(None) => self.add(kind::DONE, slot.number(), 0, Payload::Nothing),
            Outcome::Results(Some(json)) => self.give_results(slot, json),
        }
    }

    /// Large results come in pieces.
    fn give_results(&mut self, slot: Slot, json: ByteString) {
        let pieces = if json.len() > LARGEST_PIECE { Pieces::new(&json, LARGEST_PIECE - BRACKETS) } else { None };
        let Some(pieces) = pieces else {
            return self.add(kind::RESULT, slot.number(), 0, Payload::Slice(json));
        };
        for part in pieces {
            match part {
                Part::Open { is_array, key } => {
                    let key = key.map_or(Payload::Nothing, |key| Payload::Slice(json.slice_ref(key)));
                    self.add(kind::OPEN, slot.number(), is_array.into(), key);
                }
                Part::Elements { is_array, text } => {
                    self.enqueue(Entry::Elements(slot, is_array, json.slice_ref(text)));
                }
                Part::Close => self.add(kind::CLOSE, slot.number(), 0, Payload::Nothing),
            }
        }
    }

    fn add(&mut self, kind: u8, a: u32, b: u32, payload: Payload) {
        self.enqueue(Entry::Item(Item { kind, a, b, payload }));
    }

    fn enqueue(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.queue.push_back(entry);
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Self::Item(item) => item.payload.text().map_or(0, str::len),
            Self::Failed(_, error) => error.size(),
            Self::Elements(_, _, text) => text.len(),
        }
    }

    fn into_item(self) -> Item {
        match self {
            Self::Item(item) => item,
            Self::Failed(slot, error) => {
                Item { kind: kind::FAILED, a: slot.number(), b: 0, payload: Payload::Made(error.to_json_with(to_json)) }
            }
            Self::Elements(slot, is_array, text) => {
                let (open, close) = if is_array { ("[", "]") } else { ("{", "}") };
                let payload = Payload::Made([open, &text, close].concat());
                Item { kind: kind::ELEMENTS, a: slot.number(), b: 0, payload }
            }
        }
    }
}

/// Bytes of a piece that are not part of the result: the brackets around it.
const BRACKETS: usize = 2;
