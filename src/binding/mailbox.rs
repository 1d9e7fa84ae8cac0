//! The mailbox of a JavaScript environment: a queue of items from the I/O thread, and one wake-up for many of them.
//!
//! Small results are joined into one text, `[slot,result,slot,result…]`, so that JavaScript makes one string and parses
//! once. That is safe because a result is a slice that the envelope splitter has validated as JSON.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use bytestring::ByteString;
use mcp_protocol::{ConnectionId, ErrorData, Event, Fault, Notice, Outcome};
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
    kind,
    pieces::{Part, Pieces},
    slot::Slot,
    text::{self, Text},
};
use crate::driver::Sink;

/// A weak threadsafe function, called with the arguments of one item.
type Wake = ThreadsafeFunction<(), (), FnArgs<JsItem>, Status, false, true, 0>;

/// An item as JavaScript gets it: its kind, two numbers, its text or bytes, and whether JavaScript must look for
/// another one. If not, the next one wakes it.
type JsItem = (u8, u32, u32, Either3<Text, Buffer, ()>, bool);

/// The mailbox of one environment, shared by all its clients.
#[napi]
pub struct Mailbox {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    wake: Wake,
}

/// What the I/O thread and JavaScript share.
struct Shared {
    queue: Mutex<Queue>,
    is_full: watch::Sender<bool>,
    /// The size of the results that JavaScript has taken last.
    result_size: Arc<ResultSize>,
}

#[derive(Default)]
struct Queue {
    /// Ready for JavaScript to take.
    items: VecDeque<Item>,
    /// A text that must be converted first, and everything that came after it.
    unconverted: VecDeque<Incoming>,
    bytes: usize,
    /// The value of `is_full`, which is more expensive to read.
    full: bool,
    /// Buffers of texts that JavaScript has taken, for reuse.
    spare_buffers: Vec<Vec<u8>>,
    /// A thread is converting texts.
    is_converting: bool,
    /// JavaScript was woken, or is taking items.
    is_awake: bool,
}

/// An item that may have to be converted first, which takes a while for long texts.
enum Incoming {
    Item(Item),
    Result(Slot, ByteString),
    Message(u32, bool, ByteString),
}

enum Item {
    /// Several results in one text, and their number.
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
    AskProxy(u32, u32, String),
}

#[napi]
impl Mailbox {
    /// The event loop calls `wake` with an item. This does not keep the process alive.
    #[napi(constructor)]
    pub fn new(
        #[napi(ts_arg_type = "(kind: number, a: number, b: number, payload: string | Buffer | undefined, \
                           hasMore: boolean) => void")]
        wake: Function<'_, FnArgs<JsItem>, ()>,
    ) -> Result<Self> {
        let shared =
            Arc::new(Shared { queue: Mutex::default(), is_full: watch::channel(false).0, result_size: Arc::default() });
        let taken = Arc::clone(&shared);
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |_| Ok(taken.take_or_nothing().into()))?;
        Ok(Self { inner: Arc::new(Inner { shared, wake }) })
    }

    /// The next item, or `null` if there is none.
    #[napi(
        catch_unwind,
        ts_return_type = "[kind: number, a: number, b: number, payload: string | Buffer | undefined, \
                          hasMore: boolean] | null"
    )]
    pub fn take(&self) -> Option<JsItem> {
        self.inner.shared.take()
    }

    /// Whether nothing is in it, or being converted for it.
    #[napi]
    pub fn is_empty(&self) -> bool {
        let queue = self.inner.lock();
        queue.items.is_empty() && queue.is_converted()
    }

    /// Sets whether the mailbox keeps the process alive.
    #[napi]
    pub fn hold(&self, env: Env, hold: bool) -> Result<()> {
        let raw = self.inner.wake.handle.get_raw();
        let change = if hold { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
        // SAFETY: called on the thread of the environment that made it; `wake` keeps it from being released.
        check_status!(unsafe { change(env.raw(), raw) })
    }
}

impl Mailbox {
    /// The sink of one client.
    pub(super) fn sink(&self, client: u32) -> ClientSink {
        ClientSink { client, inner: Arc::clone(&self.inner) }
    }

    /// How large the results are that JavaScript is processing.
    pub(super) fn result_size(&self) -> Arc<ResultSize> {
        Arc::clone(&self.inner.shared.result_size)
    }
}

/// The sink for the events of one client.
pub(super) struct ClientSink {
    client: u32,
    inner: Arc<Inner>,
}

impl Sink for ClientSink {
    type Payload = Slot;

    fn push(&self, event: Event<Slot>) {
        let item = match event {
            Event::Notice(notice) => Item::Notice(self.client, to_json(&notice)),
            Event::Message { text, .. } if text.len() > LONGEST_STRING => {
                let error = too_long("a message", text.len());
                Item::Notice(self.client, to_json(&Notice::Error { error }))
            }
            Event::Message { text, json } => return self.inner.push(Incoming::Message(self.client, json, text)),
            Event::Settled { payload, outcome: Outcome::Results(None) } if payload.wants_bytes() => {
                // Without results there are no bytes.
                Item::Bytes(payload, Bytes::new())
            }
            Event::Settled { payload, outcome: Outcome::Done | Outcome::Results(None) } => Item::Done(payload),
            Event::Settled { payload, outcome: Outcome::Failed(error) } => {
                Item::Failed(payload, to_json(&error.data()))
            }
            Event::Settled { payload, outcome: Outcome::Results(Some(json)) } => {
                if payload.wants_bytes() {
                    Item::Bytes(payload, json.into_bytes())
                } else if json.len() <= LARGEST_JOINED {
                    return self.inner.push_small_result(payload, &json);
                } else if json.len() > LONGEST_STRING {
                    Item::Failed(payload, to_json(&too_long("results", json.len())))
                } else {
                    return self.inner.push(Incoming::Result(payload, json));
                }
            }
        };
        self.inner.push(Incoming::Item(item));
    }

    fn ask_token(&self, connection: ConnectionId) {
        self.inner.push(Incoming::Item(Item::AskToken(self.client, connection.0)));
    }

    fn ask_proxy(&self, connection: ConnectionId, server: &str) {
        self.inner.push(Incoming::Item(Item::AskProxy(self.client, connection.0, server.to_owned())));
    }

    fn wake(&self) {
        self.inner.convert();
    }

    fn is_full(&self) -> watch::Receiver<bool> {
        self.inner.shared.is_full.subscribe()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Must be called when `bytes` has changed.
    fn update_is_full(&self, queue: &mut Queue) {
        let is_full = queue.bytes >= if queue.full { LOW_WATER } else { HIGH_WATER };
        if is_full != queue.full {
            queue.full = is_full;
            self.is_full.send_replace(is_full);
        }
    }

    fn take(&self) -> Option<JsItem> {
        let mut queue = self.lock();
        if let Some(buffer) = text::emptied().filter(|_| queue.spare_buffers.len() < MOST_SPARES) {
            queue.spare_buffers.push(buffer);
        }
        let Some(item) = queue.items.pop_front() else {
            queue.is_awake = false;
            return None;
        };
        let size = item.size();
        self.result_size.note(size / item.count());
        // While JavaScript processes a large item, more may come: it looks for them and need not be woken.
        let has_more = size > SMALL || !queue.items.is_empty();
        queue.is_awake = has_more;
        queue.bytes -= size;
        self.update_is_full(&mut queue);
        drop(queue);
        Some(item.into_js(has_more))
    }

    /// For a wake-up, which needs an item.
    fn take_or_nothing(&self) -> JsItem {
        self.take().unwrap_or((kind::NOTHING, 0, 0, Either3::C(()), false))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.lock()
    }

    fn push(&self, incoming: Incoming) {
        let mut queue = self.lock();
        queue.add(incoming);
        self.shared.update_is_full(&mut queue);
    }

    /// Appends a small result to the text of the previous ones.
    fn push_small_result(&self, slot: Slot, json: &str) {
        let mut queue = self.lock();
        let may_join = queue.is_converted();
        let Queue { items, bytes, spare_buffers, .. } = &mut *queue;
        if let Some(Item::Results(text, count)) = items.back_mut()
            && may_join
            && *count < MOST_JOINED
            && text.len() + json.len() <= JOINED_TEXT
        {
            let before = text.size();
            *count += 1;
            append_result(text, slot, json);
            *bytes += text.size() - before;
        } else {
            let mut text = Text::Latin1(spare_buffers.pop().unwrap_or_default());
            append_result(&mut text, slot, json);
            queue.add(Incoming::Item(Item::Results(text, 1)));
        }
        self.shared.update_is_full(&mut queue);
    }

    /// Converts what is not converted, without holding a lock, and wakes JavaScript as soon as there is an item to
    /// take.
    fn convert(&self) {
        let mut queue = self.lock();
        if std::mem::replace(&mut queue.is_converting, true) {
            // The thread that is already converting will pick it up.
            return;
        }
        while let Some(incoming) = queue.unconverted.pop_front() {
            queue.bytes -= incoming.size();
            drop(queue);
            incoming.convert(|item| {
                let mut queue = self.lock();
                queue.bytes += item.size();
                queue.items.push_back(item);
                self.shared.update_is_full(&mut queue);
                self.wake(queue);
            });
            queue = self.lock();
        }
        queue.is_converting = false;
        self.wake(queue);
    }

    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        if queue.items.is_empty() || std::mem::replace(&mut queue.is_awake, true) {
            return;
        }
        drop(queue);
        // This fails only while the environment shuts down, and then nobody needs to know.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Queue {
    fn add(&mut self, incoming: Incoming) {
        self.bytes += incoming.size();
        match incoming {
            Incoming::Item(item) if self.is_converted() => self.items.push_back(item),
            incoming => self.unconverted.push_back(incoming),
        }
    }

    /// False while items must wait for a text that is being converted: they keep the order of the events.
    fn is_converted(&self) -> bool {
        self.unconverted.is_empty() && !self.is_converting
    }
}

impl Incoming {
    /// The bytes of memory that it takes.
    fn size(&self) -> usize {
        match self {
            Self::Item(item) => item.size(),
            Self::Result(_, text) | Self::Message(_, _, text) => OVERHEAD + text.len(),
        }
    }

    /// Converts the text, and cuts a large result into pieces.
    fn convert(self, mut put: impl FnMut(Item)) {
        match self {
            Self::Item(item) => put(item),
            Self::Message(client, is_json, text) => put(Item::Message(client, is_json, Text::new(text))),
            Self::Result(slot, json) if json.len() <= LARGEST_PIECE => put(Item::Result(slot, Text::new(json))),
            Self::Result(slot, json) => match Pieces::new(&json, LARGEST_PIECE - BRACKETS) {
                Some(pieces) => pieces.for_each(|part| put(Item::from_part(slot, &json, part))),
                None => put(Item::Result(slot, Text::new(json))),
            },
        }
    }
}

impl Item {
    /// `part` is a part of `json`.
    fn from_part(slot: Slot, json: &ByteString, part: Part<'_>) -> Self {
        match part {
            Part::Open { is_array, key } => Self::Open(slot, is_array, key.map(|key| Text::new(key.into()))),
            Part::Elements { is_array, text } => Self::Elements(slot, Text::elements(is_array, json.slice_ref(text))),
            Part::Close => Self::Close(slot),
        }
    }

    /// The bytes of memory that it takes.
    fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Results(text, _)
                | Self::Result(_, text)
                | Self::Elements(_, text)
                | Self::Message(_, _, text) => text.size(),
                Self::Open(_, _, key) => key.as_ref().map_or(0, Text::size),
                Self::Bytes(_, bytes) => bytes.len(),
                Self::Failed(_, text) | Self::Notice(_, text) | Self::AskProxy(_, _, text) => text.len(),
                Self::Close(_) | Self::Done(_) | Self::AskToken(..) => 0,
            }
    }

    /// The number of results in it.
    fn count(&self) -> usize {
        if let Self::Results(_, count) = self { *count } else { 1 }
    }

    fn into_js(self, has_more: bool) -> JsItem {
        let nothing = Either3::C(());
        let (kind, a, b, payload) = match self {
            Self::Results(mut text, _) => {
                text.append_ascii(b"]");
                (kind::RESULTS, 0, 0, Either3::A(text))
            }
            Self::Bytes(slot, json) => {
                // A copy, because Electron forbids buffers whose memory is not V8's.
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
            Self::AskProxy(client, connection, server) => {
                (kind::ASK_PROXY, client, connection, Either3::A(Text::new(server.into())))
            }
        };
        (kind, a, b, payload, has_more)
    }
}

/// The closing bracket is added when the text is taken.
fn append_result(text: &mut Text, slot: Slot, json: &str) {
    text.append_ascii(if text.len() == 0 { b"[" } else { b"," });
    // Without the allocation of `to_string`.
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

/// The JSON of a value whose type is generated for TypeScript.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the keys are strings")
}

/// V8's `String::kMaxLength` on 64 bits.
const LONGEST_STRING: usize = (1 << 29) - 24;
/// Bytes of an item besides its text.
const OVERHEAD: usize = 64;
/// Bytes. Larger results are not joined.
const LARGEST_JOINED: usize = 16 * 1024;
/// Bytes. A larger result comes in pieces of this size, so that the event loop can run in between. V8 allocates larger
/// strings elsewhere, and that takes as long as parsing them.
const LARGEST_PIECE: usize = 64 * 1024;
/// Bytes of a piece that are not part of the result: the brackets around it.
const BRACKETS: usize = 2;
/// Bytes. Nothing more is joined to a text of this size, so that parsing it stays short.
const JOINED_TEXT: usize = 64 * 1024;
/// Results. What they lead to, new calls above all, is sent before the next text is parsed.
const MOST_JOINED: usize = 64;
/// Of at most 64 KB each. There are only a few texts at a time.
const MOST_SPARES: usize = 4;
/// Bytes. A smaller item takes JavaScript almost no time.
const SMALL: usize = 1024;
/// Above this many bytes the I/O thread stops reading. This limits the memory of an environment that takes no items to
/// this and one message of `maxMessageSize`.
const HIGH_WATER: usize = 4 << 20;
/// Below this many bytes it reads again.
const LOW_WATER: usize = 1 << 20;
