//! The mailbox of a JavaScript environment: a queue of items from the I/O thread, and one wake-up for many of them.
//!
//! Small results are joined into one text, `[slot,result,slot,result…]`, so that JavaScript makes one string and parses
//! once. That is safe because a result is a slice that the envelope splitter has validated as JSON.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mcp_mailbox::{Slot, kind};
use mcp_protocol::{ConnectionId, Event, LatencySummary};
use napi::{
    Env, Status,
    bindgen_prelude::{FnArgs, Function, Result, check_status},
    sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tokio::sync::watch;

use super::{
    calls::ResultSize,
    item::{Incoming, Item, JsItem},
    payload::Payload,
    text::{self, Text},
    waits::{ReadyResults, Waits},
};
use crate::driver::{Sink, hide_panic_messages, instant};

/// A weak threadsafe function, called with the arguments of one item.
type Wake = ThreadsafeFunction<(), (), FnArgs<JsItem>, Status, false, true, 0>;

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

/// V8's `String::kMaxLength` on 64 bits.
const LONGEST_STRING: usize = (1 << 29) - 24;
/// Bytes. Larger results are not joined.
const LARGEST_JOINED: usize = 16 * 1024;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javascript_that_waits_for_the_end_of_a_conversion_is_woken_by_it() {
        let mut queue = Queue { is_converting: true, ..Queue::default() };
        assert!(!queue.is_empty() && !queue.wakes());
        queue.is_converting = false;
        assert!(queue.wakes() && !queue.wakes());
        queue.is_awake = false;
        assert!(queue.is_empty() && !queue.wakes());
    }
}
