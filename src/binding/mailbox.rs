//! The mailbox of a JavaScript environment: a queue of items from the I/O thread, and one wake-up for many of them.
//!
//! Small results are joined into one text, `[slot,result,slot,result…]`, so that JavaScript makes one string and parses
//! once. That is safe because a result is a slice that the envelope splitter has validated as JSON.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use bytestring::ByteString;
use mcp_protocol::{CallError, ConnectionId, Event, Fault, LatencySummary, Notice, Outcome};
use napi::{
    Env, Status,
    bindgen_prelude::{FnArgs, Function, Result, check_status},
    sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde::Serialize;
use tokio::sync::watch;

use super::{
    calls::ResultSize,
    kind,
    payload::Payload,
    pieces::{Part, Pieces},
    slot::Slot,
    text::{self, Text},
    waits::{ReadyResults, Waits},
};
use crate::driver::{Sink, hide_panic_messages, instant};

/// A weak threadsafe function, called with the arguments of one item.
type Wake = ThreadsafeFunction<(), (), FnArgs<JsItem>, Status, false, true, 0>;

/// An item as JavaScript gets it: its kind, two numbers, its text or bytes, and whether JavaScript must look for
/// another one. If not, the next one wakes it.
type JsItem = (u8, u32, u32, Payload, bool);

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
    /// The results among them.
    results: ReadyResults,
    /// A text that must be converted first, and everything that came after it; each with the waits of its client.
    unconverted: VecDeque<(Incoming, Arc<Waits>)>,
    bytes: usize,
    /// The value of `is_full`, which is more expensive to read.
    full: bool,
    /// Buffers of texts that JavaScript has taken, for reuse.
    spare_buffers: Vec<Vec<u8>>,
    /// A thread is converting texts.
    is_converting: bool,
    /// JavaScript was woken, or is taking items.
    is_awake: bool,
    /// JavaScript waits until nothing is left.
    is_awaited: bool,
}

/// An item that may have to be converted first, which takes a while for long texts.
enum Incoming {
    Item(Item),
    Result(Slot, ByteString),
    Failed(Slot, Box<CallError>),
    Message(u32, bool, ByteString),
}

enum Item {
    /// Several results in one text, and their number.
    Results(Text, usize),
    /// With the bytes of its JSON, as those below.
    Result(Slot, usize, Text),
    Open(Slot, bool, Option<Text>),
    Elements(Slot, Text),
    /// If it is the outermost container, the result is complete, and these are its bytes.
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

#[napi]
impl Mailbox {
    /// The event loop calls `wake` with an item. This does not keep the process alive.
    #[napi(constructor)]
    pub fn new(
        #[napi(ts_arg_type = "(kind: number, a: number, b: number, payload: string | Buffer | null | undefined, \
                           hasMore: boolean) => void")]
        wake: Function<'_, FnArgs<JsItem>, ()>,
    ) -> Result<Self> {
        hide_panic_messages();
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
        ts_return_type = "[kind: number, a: number, b: number, payload: string | Buffer | null | undefined, \
                          hasMore: boolean] | null"
    )]
    pub fn take(&self) -> Option<JsItem> {
        self.inner.shared.take()
    }

    /// Whether nothing is in it, or being converted for it. If not, JavaScript will be woken: by an item, or when the
    /// last one was converted.
    #[napi]
    pub fn is_empty(&self) -> bool {
        self.inner.lock().is_empty()
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
        ClientSink { client, inner: Arc::clone(&self.inner), waits: Arc::default() }
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
    waits: Arc<Waits>,
}

impl ClientSink {
    /// How long this client's results lay ready until JavaScript took them.
    pub(super) fn waits(&self) -> LatencySummary {
        self.waits.summary()
    }

    fn push_item(&self, item: Item) {
        self.inner.push(Incoming::Item(item), &self.waits);
    }

    /// Whether a failure of the slot with this number waits to be taken.
    pub(super) fn holds_failure(&self, slot: u32) -> bool {
        let is_failure = |item: &Item| matches!(item, Item::Failed(failed, _) if failed.number() == slot);
        let queue = self.inner.lock();
        queue.items.iter().any(is_failure)
            || queue
                .unconverted
                .iter()
                .any(|(incoming, _)| matches!(incoming, Incoming::Item(item) if is_failure(item)))
    }
}

impl Sink for ClientSink {
    type Payload = Slot;

    fn push(&self, event: Event<Slot>) {
        match Incoming::of(self.client, event, LONGEST_STRING) {
            Incoming::Result(slot, json) if json.len() <= LARGEST_JOINED && !slot.is_traced() => {
                self.inner.push_small_result(slot, &json, &self.waits);
            }
            incoming => self.inner.push(incoming, &self.waits),
        }
    }

    fn ask_urls(&self, asked: ConnectionId) {
        self.push_item(Item::AskUrls(self.client, asked.0));
    }

    fn ask_token(&self, connection: ConnectionId) {
        self.push_item(Item::AskToken(self.client, connection.0));
    }

    fn ask_proxy(&self, connection: ConnectionId, server: &str) {
        self.push_item(Item::AskProxy(self.client, connection.0, server.to_owned()));
    }

    fn wake(&self) {
        self.inner.convert();
    }

    fn resume_after(&self, wait: Duration) {
        // Rounded up: it must not be called before it can do something.
        let ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        self.push_item(Item::ResumeAfter(self.client, ms));
        self.inner.convert();
    }

    fn ask_roots(&self) {
        self.push_item(Item::AskRoots(self.client));
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
        queue.results.take(item.results(), instant);
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
        self.take().unwrap_or((kind::NOTHING, 0, 0, Payload::Nothing, false))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.lock()
    }

    fn push(&self, incoming: Incoming, waits: &Arc<Waits>) {
        let mut queue = self.lock();
        queue.add(incoming, waits);
        self.shared.update_is_full(&mut queue);
    }

    /// Appends a small result to the text of the previous ones.
    fn push_small_result(&self, slot: Slot, json: &str, waits: &Arc<Waits>) {
        let mut queue = self.lock();
        let may_join = queue.is_converted();
        let Queue { items, bytes, spare_buffers, results, .. } = &mut *queue;
        if let Some(Item::Results(text, count)) = items.back_mut()
            && may_join
            && *count < MOST_JOINED
            && text.len() + json.len() <= JOINED_TEXT
        {
            let before = text.size();
            *count += 1;
            append_result(text, slot, json);
            *bytes += text.size() - before;
            results.add(waits, 1);
        } else {
            let mut text = Text::Latin1(spare_buffers.pop().unwrap_or_default());
            append_result(&mut text, slot, json);
            queue.add(Incoming::Item(Item::Results(text, 1)), waits);
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
        while let Some((incoming, waits)) = queue.unconverted.pop_front() {
            queue.bytes -= incoming.size();
            drop(queue);
            incoming.convert(|item| {
                let mut queue = self.lock();
                queue.bytes += item.size();
                queue.put(item, &waits);
                self.shared.update_is_full(&mut queue);
                self.wake(queue);
            });
            queue = self.lock();
        }
        queue.is_converting = false;
        self.wake(queue);
    }

    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.results.are_ready(instant);
        if !queue.wakes() {
            return;
        }
        drop(queue);
        // This fails only while the environment shuts down, and then nobody needs to know.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Queue {
    fn add(&mut self, incoming: Incoming, waits: &Arc<Waits>) {
        self.bytes += incoming.size();
        match incoming {
            Incoming::Item(item) if self.is_converted() => self.put(item, waits),
            incoming => self.unconverted.push_back((incoming, Arc::clone(waits))),
        }
    }

    fn put(&mut self, item: Item, waits: &Arc<Waits>) {
        self.results.add(waits, item.results());
        self.items.push_back(item);
    }

    fn is_empty(&mut self) -> bool {
        let is_empty = self.items.is_empty() && self.is_converted();
        self.is_awaited = !is_empty;
        is_empty
    }

    /// Whether JavaScript must be woken now. It is awake from then on.
    fn wakes(&mut self) -> bool {
        // It may have taken the last item before the thread that had converted it was through.
        let is_left_waiting = self.is_awaited && self.is_converted();
        (is_left_waiting || !self.items.is_empty()) && !std::mem::replace(&mut self.is_awake, true)
    }

    /// False while items must wait for a text that is being converted: they keep the order of the events.
    fn is_converted(&self) -> bool {
        self.unconverted.is_empty() && !self.is_converting
    }
}

impl Incoming {
    /// An event of a client. What JavaScript cannot take, because a string there has at most `longest` characters,
    /// becomes an error.
    fn of(client: u32, event: Event<Slot>, longest: usize) -> Self {
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
    fn size(&self) -> usize {
        match self {
            Self::Item(item) => item.size(),
            Self::Result(_, text) | Self::Message(_, _, text) => OVERHEAD + text.len(),
            Self::Failed(_, error) => OVERHEAD + error.size(),
        }
    }

    /// Converts the text, and cuts a large result into pieces.
    fn convert(self, mut put: impl FnMut(Item)) {
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
    fn size(&self) -> usize {
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
    fn results(&self) -> u32 {
        match self {
            Self::Results(_, count) => *count as u32,
            Self::Result(..) | Self::Bytes(..) => 1,
            Self::Close(_, bytes) => u32::from(bytes.is_some()),
            Self::Done(_, completes) => u32::from(*completes),
            _ => 0,
        }
    }

    /// The number of results that are joined in it.
    fn count(&self) -> usize {
        if let Self::Results(_, count) = self { *count } else { 1 }
    }

    fn into_js(self, has_more: bool) -> JsItem {
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

fn too_long(what: &str, bytes: usize, limit: usize) -> Fault {
    let remedy = if what == RESULTS { ": use responseType 'buffer'" } else { "" };
    let words = format!("{what} of {bytes} bytes: longer than a JavaScript string can be ({limit}){remedy}");
    Fault::MessageTooLarge(words)
}

/// The JSON of a value whose type is generated for TypeScript.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the keys are strings")
}

/// V8's `String::kMaxLength` on 64 bits.
const LONGEST_STRING: usize = (1 << 29) - 24;
/// Bytes. The JSON of an error is its value and at most this: its words and its code may consist of escapes of six
/// bytes.
const LONGEST_ERROR_HEAD: usize = 128 * 1024;
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
/// What a caller may have as bytes instead.
const RESULTS: &str = "results";

#[cfg(test)]
mod tests {
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
    fn javascript_that_waits_for_the_end_of_a_conversion_is_woken_by_it() {
        let mut queue = Queue { is_converting: true, ..Queue::default() };
        assert!(!queue.is_empty() && !queue.wakes());
        queue.is_converting = false;
        assert!(queue.wakes() && !queue.wakes());
        queue.is_awake = false;
        assert!(queue.is_empty() && !queue.wakes());
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
