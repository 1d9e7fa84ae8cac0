//! The mailbox of a JavaScript environment: what the I/O thread has to tell it, in order, and one wake-up for all of it.
//!
//! Small results are joined into one text, `[slot,result,slot,result…]`, so that JavaScript makes one string and parses once.
//! That is safe because a result is a slice that the envelope splitter has validated as JSON.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use bytestring::ByteString;
use napi::{
    Env, Status,
    bindgen_prelude::{Buffer, Either3, FnArgs, Function, Result, check_status},
    sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde::Serialize;
use tokio::sync::watch;

use super::{
    calls::ResultSize,
    pieces::{Part, Pieces},
    slot::Slot,
    text::{self, Text},
};
use crate::{
    driver::Sink,
    protocol::{ConnectionId, ErrorData, Event, Fault, Notice, Outcome},
};

/// A weak threadsafe function; an item is its arguments.
type Wake = ThreadsafeFunction<(), (), FnArgs<Item>, Status, false, true, 0>;

/// What JavaScript is given: the kind, two numbers that belong to it, its text or bytes, and whether to look for another one: if not, the
/// next one wakes again.
type Item = (u8, u32, u32, Either3<Text, Buffer, ()>, bool);

/// Kinds of items; their TypeScript form is generated.
pub(super) mod kind {
    /// Text `[slot,result,…]`.
    pub(in crate::binding) const RESULTS: u8 = 0;
    /// One result too large to be joined: (slot, -, JSON).
    pub(in crate::binding) const RESULT: u8 = 1;
    /// A part of a result that comes in pieces: a container begins in the one that is open: (slot, 1 if it is an array, JSON of its key).
    pub(in crate::binding) const OPEN: u8 = 2;
    /// Elements of the container that is open, as a container of their own: (slot, -, JSON).
    pub(in crate::binding) const ELEMENTS: u8 = 3;
    /// The container that is open ends, and with the outermost the result: (slot).
    pub(in crate::binding) const CLOSE: u8 = 4;
    /// One result as bytes: (slot, -, bytes).
    pub(in crate::binding) const BYTES: u8 = 5;
    /// An answer without results, or a command that is done: (slot).
    pub(in crate::binding) const DONE: u8 = 6;
    /// A failure: (slot, -, JSON of `ErrorData`).
    pub(in crate::binding) const FAILED: u8 = 7;
    /// A notice: (client, -, JSON of `Notice`).
    pub(in crate::binding) const NOTICE: u8 = 8;
    /// A message: (client, 1 if it is JSON, text).
    pub(in crate::binding) const MESSAGE: u8 = 9;
    /// The token function is to be asked: (client, connection).
    pub(in crate::binding) const ASK_TOKEN: u8 = 10;
    /// A wake-up for what was taken already.
    pub(in crate::binding) const NOTHING: u8 = 11;

    #[cfg(test)]
    pub(in crate::binding) const NAMES: [(&str, u8); 12] = [
        ("RESULTS", RESULTS),
        ("RESULT", RESULT),
        ("OPEN", OPEN),
        ("ELEMENTS", ELEMENTS),
        ("CLOSE", CLOSE),
        ("BYTES", BYTES),
        ("DONE", DONE),
        ("FAILED", FAILED),
        ("NOTICE", NOTICE),
        ("MESSAGE", MESSAGE),
        ("ASK_TOKEN", ASK_TOKEN),
        ("NOTHING", NOTHING),
    ];
}

/// One environment's mailbox; every client of it shares it.
#[napi]
pub struct Mailbox {
    inner: Arc<Inner>,
}

struct Inner {
    tray: Arc<Tray>,
    wake: Wake,
}

/// Where items lie until JavaScript takes them.
struct Tray {
    queue: Mutex<Queue>,
    is_full: watch::Sender<bool>,
    /// Of the results that JavaScript was given last.
    result_size: Arc<ResultSize>,
}

#[derive(Default)]
struct Queue {
    /// For JavaScript to take.
    letters: VecDeque<Letter>,
    /// What came since a text that is yet to be prepared, that text first.
    unprepared: VecDeque<Mail>,
    bytes: usize,
    /// There are too many of them, as `is_full` tells; asking that for each item would cost more.
    full: bool,
    /// Buffers of texts that JavaScript has, for those to come.
    spares: Vec<Vec<u8>>,
    /// Somebody prepares.
    preparing: bool,
    /// JavaScript was woken, or is draining.
    scheduled: bool,
}

/// What the sink is given: small things as letters, and texts whose preparation takes a while.
enum Mail {
    Letter(Letter),
    Result(Slot, ByteString),
    Message(u32, bool, ByteString),
}

enum Letter {
    /// So many of them, joined.
    Results(Text, usize),
    Result(Slot, Text),
    Open(Slot, bool, Option<Text>),
    Elements(Slot, Text),
    Close(Slot),
    Bytes(Slot, Bytes),
    Done(Slot),
    Failed(Slot, String),
    Notice(u32, String),
    Message(u32, bool, Text),
    AskToken(u32, u32),
}

#[napi]
impl Mailbox {
    /// `wake` is called, from the event loop, with an item. It does not keep the process alive.
    #[napi(constructor)]
    pub fn new(
        #[napi(
            ts_arg_type = "(kind: number, a: number, b: number, payload: string | Buffer | undefined, goesOn: boolean) => void"
        )]
        wake: Function<'_, FnArgs<Item>, ()>,
    ) -> Result<Self> {
        let tray =
            Arc::new(Tray { queue: Mutex::default(), is_full: watch::channel(false).0, result_size: Arc::default() });
        let taken = Arc::clone(&tray);
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |_| Ok(taken.take_or_nothing().into()))?;
        Ok(Self { inner: Arc::new(Inner { tray, wake }) })
    }

    /// The next item, or `null` when there is none.
    #[napi(
        catch_unwind,
        ts_return_type = "[kind: number, a: number, b: number, payload: string | Buffer | undefined, goesOn: boolean] | null"
    )]
    pub fn take(&self) -> Option<Item> {
        self.inner.tray.take()
    }

    /// Nothing is in it, nor being made ready for it.
    #[napi]
    pub fn is_empty(&self) -> bool {
        let queue = self.inner.lock();
        queue.letters.is_empty() && queue.is_prepared()
    }

    /// Whether an open client keeps the process alive.
    #[napi]
    pub fn hold(&self, env: Env, hold: bool) -> Result<()> {
        let raw = self.inner.wake.handle.get_raw();
        let change = if hold { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
        // SAFETY: called on the thread of the environment that made it, while `wake` keeps it from being released.
        check_status!(unsafe { change(env.raw(), raw) })
    }
}

impl Mailbox {
    /// The sink of one client.
    pub(super) fn sink(&self, client: u32) -> ClientSink {
        ClientSink { client, inner: Arc::clone(&self.inner) }
    }

    /// How large the results are that JavaScript is working on.
    pub(super) fn result_size(&self) -> Arc<ResultSize> {
        Arc::clone(&self.inner.tray.result_size)
    }
}

/// Where the events of one client go.
pub(super) struct ClientSink {
    client: u32,
    inner: Arc<Inner>,
}

impl Sink for ClientSink {
    type Payload = Slot;

    fn push(&self, event: Event<Slot>) {
        let letter = match event {
            Event::Notice(notice) => Letter::Notice(self.client, to_json(&notice)),
            Event::Message { text, .. } if text.len() > LONGEST_STRING => {
                let error = too_long("a message", text.len());
                Letter::Notice(self.client, to_json(&Notice::Error { error }))
            }
            Event::Message { text, json } => return self.inner.post(Mail::Message(self.client, json, text)),
            Event::Settled { payload, outcome: Outcome::Results(None) } if payload.wants_bytes() => {
                // No results are no bytes.
                Letter::Bytes(payload, Bytes::new())
            }
            Event::Settled { payload, outcome: Outcome::Done | Outcome::Results(None) } => Letter::Done(payload),
            Event::Settled { payload, outcome: Outcome::Failed(error) } => {
                Letter::Failed(payload, to_json(&error.data()))
            }
            Event::Settled { payload, outcome: Outcome::Results(Some(json)) } => {
                if payload.wants_bytes() {
                    Letter::Bytes(payload, json.into_bytes())
                } else if json.len() <= LARGEST_JOINED {
                    return self.inner.join(payload, &json);
                } else if json.len() > LONGEST_STRING {
                    Letter::Failed(payload, to_json(&too_long("results", json.len())))
                } else {
                    return self.inner.post(Mail::Result(payload, json));
                }
            }
        };
        self.inner.post(Mail::Letter(letter));
    }

    fn ask_token(&self, connection: ConnectionId) {
        self.inner.post(Mail::Letter(Letter::AskToken(self.client, connection.0)));
    }

    fn wake(&self) {
        self.inner.prepare();
    }

    fn is_full(&self) -> watch::Receiver<bool> {
        self.inner.tray.is_full.subscribe()
    }
}

impl Tray {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called when something has come or gone.
    fn note_level(&self, queue: &mut Queue) {
        let is_full = queue.bytes >= if queue.full { LOW_WATER } else { HIGH_WATER };
        if is_full != queue.full {
            queue.full = is_full;
            self.is_full.send_replace(is_full);
        }
    }

    fn take(&self) -> Option<Item> {
        let mut queue = self.lock();
        if let Some(buffer) = text::emptied().filter(|_| queue.spares.len() < MOST_SPARES) {
            queue.spares.push(buffer);
        }
        let Some(letter) = queue.letters.pop_front() else {
            queue.scheduled = false;
            return None;
        };
        let weight = letter.weight();
        self.result_size.note(weight / letter.count());
        // While JavaScript works on a large one more may come: it looks for it, and need not be woken.
        let goes_on = weight > SMALL || !queue.letters.is_empty();
        queue.scheduled = goes_on;
        queue.bytes -= weight;
        self.note_level(&mut queue);
        drop(queue);
        Some(letter.open(goes_on))
    }

    /// For who must be given something.
    fn take_or_nothing(&self) -> Item {
        self.take().unwrap_or((kind::NOTHING, 0, 0, Either3::C(()), false))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.tray.lock()
    }

    fn post(&self, mail: Mail) {
        let mut queue = self.lock();
        queue.add(mail);
        self.tray.note_level(&mut queue);
    }

    /// Adds a small result to the text of those before it.
    fn join(&self, slot: Slot, json: &str) {
        let mut queue = self.lock();
        let may_join = queue.is_prepared();
        let Queue { letters, bytes, spares, .. } = &mut *queue;
        if let Some(Letter::Results(text, count)) = letters.back_mut()
            && may_join
            && *count < MOST_JOINED
            && text.len() + json.len() <= JOINED_TEXT
        {
            let before = text.weight();
            *count += 1;
            append_result(text, slot, json);
            *bytes += text.weight() - before;
        } else {
            let mut text = Text::Latin1(spares.pop().unwrap_or_default());
            append_result(&mut text, slot, json);
            queue.add(Mail::Letter(Letter::Results(text, 1)));
        }
        self.tray.note_level(&mut queue);
    }

    /// Makes ready what is not, outside of every lock, and wakes JavaScript as soon as there is something to take.
    fn prepare(&self) {
        let mut queue = self.lock();
        if std::mem::replace(&mut queue.preparing, true) {
            // Who is at it finds the rest.
            return;
        }
        while let Some(mail) = queue.unprepared.pop_front() {
            queue.bytes -= mail.weight();
            drop(queue);
            mail.prepare(|letter| {
                let mut queue = self.lock();
                queue.bytes += letter.weight();
                queue.letters.push_back(letter);
                self.tray.note_level(&mut queue);
                self.wake(queue);
            });
            queue = self.lock();
        }
        queue.preparing = false;
        self.wake(queue);
    }

    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        if queue.letters.is_empty() || std::mem::replace(&mut queue.scheduled, true) {
            return;
        }
        drop(queue);
        // Refused only while the environment goes down; then nobody is left to tell.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Queue {
    fn add(&mut self, mail: Mail) {
        self.bytes += mail.weight();
        match mail {
            Mail::Letter(letter) if self.is_prepared() => self.letters.push_back(letter),
            mail => self.unprepared.push_back(mail),
        }
    }

    /// Letters come in the order of the events: they wait behind a text that is yet to be prepared.
    fn is_prepared(&self) -> bool {
        self.unprepared.is_empty() && !self.preparing
    }
}

impl Mail {
    /// Bytes that it keeps.
    fn weight(&self) -> usize {
        match self {
            Self::Letter(letter) => letter.weight(),
            Self::Result(_, text) | Self::Message(_, _, text) => OVERHEAD + text.len(),
        }
    }

    /// Converts the text, and cuts a large result.
    fn prepare(self, mut put: impl FnMut(Letter)) {
        match self {
            Self::Letter(letter) => put(letter),
            Self::Message(client, is_json, text) => put(Letter::Message(client, is_json, Text::new(text))),
            Self::Result(slot, json) if json.len() <= LARGEST_PIECE => put(Letter::Result(slot, Text::new(json))),
            Self::Result(slot, json) => match Pieces::new(&json, LARGEST_PIECE - BRACKETS) {
                Some(pieces) => pieces.for_each(|part| put(Letter::of_part(slot, &json, part))),
                None => put(Letter::Result(slot, Text::new(json))),
            },
        }
    }
}

impl Letter {
    /// `part` is of `json`.
    fn of_part(slot: Slot, json: &ByteString, part: Part<'_>) -> Self {
        match part {
            Part::Open { is_array, key } => Self::Open(slot, is_array, key.map(|key| Text::new(key.into()))),
            Part::Elements { is_array, text } => Self::Elements(slot, Text::elements(is_array, json.slice_ref(text))),
            Part::Close => Self::Close(slot),
        }
    }

    /// Bytes that it keeps.
    fn weight(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Results(text, _)
                | Self::Result(_, text)
                | Self::Elements(_, text)
                | Self::Message(_, _, text) => text.weight(),
                Self::Open(_, _, key) => key.as_ref().map_or(0, Text::weight),
                Self::Bytes(_, bytes) => bytes.len(),
                Self::Failed(_, json) | Self::Notice(_, json) => json.len(),
                Self::Close(_) | Self::Done(_) | Self::AskToken(..) => 0,
            }
    }

    /// Results that it is of.
    fn count(&self) -> usize {
        if let Self::Results(_, count) = self { *count } else { 1 }
    }

    fn open(self, goes_on: bool) -> Item {
        let nothing = Either3::C(());
        let (kind, a, b, payload) = match self {
            Self::Results(mut text, _) => {
                text.append_ascii(b"]");
                (kind::RESULTS, 0, 0, Either3::A(text))
            }
            Self::Bytes(slot, json) => {
                // A copy: Electron forbids buffers over memory that is not V8's.
                (kind::BYTES, slot.number(), 0, Either3::B(Buffer::from(json.to_vec())))
            }
            Self::Result(slot, json) => (kind::RESULT, slot.number(), 0, Either3::A(json)),
            Self::Open(slot, is_array, key) => {
                (kind::OPEN, slot.number(), u32::from(is_array), key.map_or(nothing, Either3::A))
            }
            Self::Elements(slot, json) => (kind::ELEMENTS, slot.number(), 0, Either3::A(json)),
            Self::Close(slot) => (kind::CLOSE, slot.number(), 0, nothing),
            Self::Done(slot) => (kind::DONE, slot.number(), 0, nothing),
            Self::Failed(slot, json) => (kind::FAILED, slot.number(), 0, Either3::A(Text::new(json.into()))),
            Self::Notice(client, json) => (kind::NOTICE, client, 0, Either3::A(Text::new(json.into()))),
            Self::Message(client, json, text) => (kind::MESSAGE, client, u32::from(json), Either3::A(text)),
            Self::AskToken(client, connection) => (kind::ASK_TOKEN, client, connection, nothing),
        };
        (kind, a, b, payload, goes_on)
    }
}

/// The closing bracket is left to who takes the text.
fn append_result(text: &mut Text, slot: Slot, json: &str) {
    text.append_ascii(if text.len() == 0 { b"[" } else { b"," });
    // Without the string that `to_string` would make.
    let mut number = [0; 10];
    let mut room = &mut number[..];
    serde_json::to_writer(&mut room, &slot.number()).expect("ten digits are enough");
    let count = 10 - room.len();
    text.append_ascii(&number[..count]);
    text.append_ascii(b",");
    text.append_json(json);
}

fn too_long(what: &str, bytes: usize) -> ErrorData {
    let limit = format!("longer than a JavaScript string can be ({LONGEST_STRING}): use responseType 'buffer'");
    Fault::MessageTooLarge(format!("{what} of {bytes} bytes: {limit}")).data()
}

/// The JSON of a type that has a generated TypeScript form.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what crosses has string keys only")
}

/// V8's `String::kMaxLength` on 64 bits.
const LONGEST_STRING: usize = (1 << 29) - 24;
/// What a letter costs beyond its bytes.
const OVERHEAD: usize = 64;
/// Larger results travel alone.
const LARGEST_JOINED: usize = 16 * 1024;
/// Bytes. A larger result comes in pieces of this size, between which the event loop may get its turn. V8 puts larger strings elsewhere,
/// where their memory costs as much as parsing them.
const LARGEST_PIECE: usize = 64 * 1024;
/// Bytes of a piece that are not in the result: those of its container.
const BRACKETS: usize = 2;
/// Bytes. A joined text is closed above this, so that one parse stays short.
const JOINED_TEXT: usize = 64 * 1024;
/// Results. What they set going, new calls above all, is on its way before the next text is parsed.
const MOST_JOINED: usize = 64;
/// Of at most 64 KB each. A few texts are on their way at a time.
const MOST_SPARES: usize = 4;
/// Bytes of an item that takes JavaScript no time.
const SMALL: usize = 1024;
/// Above this many bytes the I/O thread stops reading; with one message of `maxMessageSize` this bounds what an environment that
/// does not drain can pile up.
const HIGH_WATER: usize = 4 << 20;
/// Below this it reads again.
const LOW_WATER: usize = 1 << 20;
