//! The functions that JavaScript calls, with numbers and with texts in the memory of the module.
//!
//! JavaScript asks for room ([`room`]), writes UTF-8 there, and calls a function with the lengths of the texts. What a
//! function returns beside a number is in a [`Block`], which stays where it is; the text there stays until the next
//! call. Times are in ms: `mono` since a fixed moment, `wall` since 1970.

use std::{cell::UnsafeCell, mem, ptr, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use mcp_mailbox::{Slot, flag};
use mcp_protocol::{
    Call, Config, ConnectionId, DialFailure, Interest, Key, Now, Numbers, PageFailure, RequestKey, Secret, TokenSource,
};

use crate::{
    client::{Client, Output},
    items::{Item, Payload},
};

/// What the functions share. A `RefCell` in thread-local storage would be a twentieth of what a page loads.
static INSTANCE: Shared = Shared(UnsafeCell::new(Instance::new()));

struct Shared(UnsafeCell<Instance>);

// SAFETY: an instance of the module has one thread.
unsafe impl Sync for Shared {}

impl Shared {
    fn with_borrow_mut<R>(&self, act: impl FnOnce(&mut Instance) -> R) -> R {
        // SAFETY: JavaScript calls one function at a time, and none of them calls JavaScript. What is done in here
        // calls no function of this file that borrows.
        act(unsafe { &mut *self.0.get() })
    }
}

struct Instance {
    client: Option<Client>,
    /// What JavaScript has written.
    input: Vec<u8>,
    /// What JavaScript may read.
    text: Text,
    block: Block,
}

/// Texts that JavaScript may read, kept alive for that.
enum Text {
    Nothing,
    Bytes(Bytes),
    Payload(Payload),
    Made(String),
}

/// What a function returns, for JavaScript to read.
#[repr(C)]
struct Block {
    /// When to call `timeout`, in ms of monotonic time; infinite if there is no need.
    deadline: f64,
    kind: u32,
    a: u32,
    b: u32,
    /// Where the text begins; 0 if there is none.
    text: *const u8,
    length: usize,
    /// There are items to take.
    has_items: u32,
    /// Of the text that `text_message` shows: the bytes of the message that are before and after it, all ASCII.
    before: u32,
    after: u32,
    /// The numbers of the client: what is left of them if it breaks.
    revision: u32,
    reasons: u32,
    /// See [`Client::work`]: its place among the variants.
    work: u32,
}

impl Instance {
    const fn new() -> Self {
        let block = Block {
            deadline: f64::INFINITY,
            kind: 0,
            a: 0,
            b: 0,
            text: ptr::null(),
            length: 0,
            has_items: 0,
            before: 0,
            after: 0,
            revision: 0,
            reasons: 0,
            work: 0,
        };
        Self { client: None, input: Vec::new(), text: Text::Nothing, block }
    }

    /// Shows a text to JavaScript.
    fn show(&mut self, kind: u32, a: u32, b: u32, text: Text) {
        self.text = text;
        let text = self.text.bytes();
        let (text, length) = text.map_or((ptr::null(), 0), |text| (text.as_ptr(), text.len()));
        self.block = Block { kind, a, b, text, length, ..self.block };
    }

    fn note_state(&mut self) {
        let Some(client) = &mut self.client else { return };
        self.block.deadline = client.deadline().map_or(f64::INFINITY, in_millis);
        self.block.has_items = client.has_items().into();
        self.block.work = client.work() as u32;
        let Numbers { revision, reasons } = client.numbers();
        (self.block.revision, self.block.reasons) = (revision, reasons);
    }
}

impl Text {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Nothing => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Payload(payload) => payload.text().map(str::as_bytes),
            Self::Made(text) => Some(text.as_bytes()),
        }
    }
}

/// The arguments of a call that are texts, one after the other.
struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn next(&mut self, length: usize) -> &'a str {
        let (text, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        // SAFETY: JavaScript encodes well-formed UTF-8 only.
        unsafe { str::from_utf8_unchecked(text) }
    }
}

/// Does something with the client, which exists from `create` on.
fn with<R: Default>(act: impl FnOnce(&mut Client, Texts<'_>) -> R) -> R {
    INSTANCE.with_borrow_mut(|instance| {
        let Some(client) = &mut instance.client else { return R::default() };
        let result = act(client, Texts(&instance.input));
        instance.note_state();
        result
    })
}

/// The same, and shows the text that is returned.
fn showing(act: impl FnOnce(&mut Client, Texts<'_>) -> Option<String>) -> bool {
    let text = with(act);
    let is_some = text.is_some();
    INSTANCE.with_borrow_mut(|instance| instance.show(0, 0, 0, text.map_or(Text::Nothing, Text::Made)));
    is_some
}

/// The same for what has a key; below 0 if there is an error, which is shown.
fn keyed(act: impl FnOnce(&mut Client, Texts<'_>) -> Result<RequestKey, String>) -> f64 {
    let mut key = REFUSED;
    let has_failed = showing(|client, texts| act(client, texts).map(|given| key = given.0 as f64).err());
    if has_failed { REFUSED } else { key }
}

macro_rules! exports {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $returned:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        pub extern "C" fn $name($($argument: $type),*) $(-> $returned)? $body
    )*};
}

exports! {
    /// Where the [`Block`] is.
    fn block() -> *const u8 {
        INSTANCE.with_borrow_mut(|instance| ptr::from_ref(&instance.block).cast())
    }

    /// Room for texts of so many bytes, one after the other. What was written before is gone. The room stays where it
    /// is until this is called again, or a message of more than 64 KiB takes it along.
    fn room(bytes: usize) -> *mut u8 {
        INSTANCE.with_borrow_mut(|instance| {
            let input = &mut instance.input;
            if input.capacity() < bytes || input.capacity() > KEPT.max(bytes) {
                *input = Vec::with_capacity(bytes);
            }
            // SAFETY: there is so much room, and JavaScript writes all that the next call takes of it.
            unsafe { input.set_len(bytes) };
            input.as_mut_ptr()
        })
    }

    /// Makes the client with this id. The room holds 32 random bytes, the options as 64-bit numbers in the order of
    /// their table, the token, and the urls, each ended by a line break; none if a function gives them. Its numbers go
    /// on from these.
    fn create(
        id: u32,
        numbers: usize,
        token: usize,
        urls: usize,
        revision: u32,
        reasons: u32,
        mono: f64,
        wall: f64
    ) {
        INSTANCE.with_borrow_mut(|instance| {
            let Some((seed, rest)) = instance.input.split_first_chunk::<SEED>() else { return };
            let Some((values, rest)) = rest.split_at_checked(numbers * NUMBER) else { return };
            let values: Vec<f64> = values.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
            let mut texts = Texts(rest);
            let (token, urls) = (texts.next(token), texts.next(urls));
            let mut config = Config::from_numbers(&values);
            if let TokenSource::Fixed(secret) = &mut config.token {
                *secret = Secret::new(token);
            }
            let urls = (!urls.is_empty()).then(|| lines(urls));
            let mut client = Client::new(id, config, urls, *seed, now(mono, wall));
            client.go_on_from(Numbers { revision, reasons });
            // An instance has one client for its whole life. Code that drops clients would be a fiftieth of the module.
            mem::forget(instance.client.replace(client));
            // They hold the token.
            instance.input.fill(0);
        });
    }

    /// Shows the snapshot.
    fn connect(slot: u32, mono: f64, wall: f64) {
        showing(|client, _| {
            client.connect(now(mono, wall), Slot::new(slot, false));
            Some(client.snapshot())
        });
    }

    /// Shows the snapshot.
    fn reconnect(slot: u32, mono: f64, wall: f64) {
        showing(|client, _| {
            client.reconnect(now(mono, wall), Slot::new(slot, false));
            Some(client.snapshot())
        });
    }

    /// With a token, unless its length is below 0. Shows the snapshot.
    fn authenticate(token: isize, slot: u32, mono: f64, wall: f64) {
        showing(|client, mut texts| {
            let token = usize::try_from(token).ok().map(|token| texts.next(token));
            client.authenticate(now(mono, wall), token, Slot::new(slot, false));
            Some(client.snapshot())
        });
    }

    /// `drain` is in ms. Shows the snapshot.
    fn close(code: u32, reason: usize, drain: f64, slot: u32, mono: f64, wall: f64) {
        showing(|client, mut texts| {
            let reason = texts.next(reason);
            client.close(now(mono, wall), code as u16, reason, millis(drain), Slot::new(slot, false));
            Some(client.snapshot())
        });
    }

    /// A tool request; without parameters if these have no bytes. The key of one that may be aborted; below 0 if it is
    /// refused: then the error is shown.
    fn request(slot: u32, name: usize, parameters: usize, timeout: f64, flags: u32, mono: f64, wall: f64) -> f64 {
        keyed(|client, mut texts| {
            let has = |flag| flags & flag != 0;
            let call = Call {
                name: texts.next(name),
                parameters: some(texts.next(parameters)),
                timeout: some_millis(timeout),
                idempotent: has(flag::IDEMPOTENT),
                expects_connection: has(flag::EXPECTS_CONNECTION),
            };
            let (now, slot) = (now(mono, wall), Slot::new(slot, has(flag::WANTS_BYTES)));
            if has(flag::MAY_BE_ABORTED) {
                return client.request_abortable(now, call, slot);
            }
            client.request(now, call, slot);
            Ok(RequestKey(0))
        })
    }

    /// Asks for the tools that the server describes. Returns as `request` does for a call that may be aborted.
    fn tools(slot: u32, timeout: f64, flags: u32, mono: f64, wall: f64) -> f64 {
        keyed(|client, _| {
            let expects_connection = flags & flag::EXPECTS_CONNECTION != 0;
            client.tools(now(mono, wall), some_millis(timeout), expects_connection, Slot::new(slot, false))
        })
    }

    /// 1 if the request will not be settled.
    fn abort(key: f64, mono: f64, wall: f64) -> u32 {
        with(|client, _| client.abort(now(mono, wall), RequestKey(key as u64))).into()
    }

    /// See [`Client::discard_results`].
    fn discard_results(slot: u32) {
        with(|client, _| client.discard_results(slot));
    }

    /// Shows the id, if it could be sent.
    fn send_tool_request(name: usize, parameters: usize, mono: f64, wall: f64) -> u32 {
        showing(|client, mut texts| {
            let (name, parameters) = (texts.next(name), texts.next(parameters));
            client.send_tool_request(now(mono, wall), name, some(parameters)).map(|id| id.to_string())
        })
        .into()
    }

    /// 1 if the text is sent.
    fn send(text: usize, mono: f64, wall: f64) -> u32 {
        with(|client, mut texts| client.send(now(mono, wall), texts.next(text))).into()
    }

    /// `expires_at` counts if `ends` is not 0.
    fn answer_token(connection: u32, token: usize, ends: u32, expires_at: f64, mono: f64, wall: f64) {
        with(|client, mut texts| {
            let expires_at = (ends != 0).then_some(expires_at);
            let key = Key { token: Secret::new(texts.next(token)), expires_at };
            client.answer_token(now(mono, wall), ConnectionId(connection), Ok(key));
        });
    }

    /// With the class of what was thrown.
    fn fail_token(connection: u32, thrown: usize, mono: f64, wall: f64) {
        with(|client, mut texts| {
            client.answer_token(now(mono, wall), ConnectionId(connection), Err(texts.next(thrown).to_owned()));
        });
    }

    /// The urls, each ended by a line break. 1 if they are still asked for.
    fn answer_urls(asked: u32, urls: usize, mono: f64, wall: f64) -> u32 {
        with(|client, mut texts| client.answer_urls(now(mono, wall), ConnectionId(asked), lines(texts.next(urls)))).into()
    }

    /// With the class of what was thrown.
    fn fail_urls(asked: u32, thrown: usize, mono: f64, wall: f64) {
        with(|client, mut texts| {
            client.fail_urls(now(mono, wall), ConnectionId(asked), texts.next(thrown).to_owned());
        });
    }

    /// See [`Client::open_told`].
    fn open_told(mono: f64, wall: f64) {
        with(|client, _| client.open_told(now(mono, wall)));
    }

    /// See [`Client::set_interest`].
    fn set_interest(interest: u32) {
        with(|client, _| client.set_interest(Interest(interest as u8)));
    }

    /// See [`Client::warn`].
    fn warn(message: usize) {
        with(|client, mut texts| client.warn(texts.next(message)));
    }

    /// Shows the snapshot.
    fn snapshot() {
        showing(|client, _| Some(client.snapshot()));
    }

    /// Shows the statistics.
    fn stats() {
        showing(|client, _| Some(client.stats()));
    }

    /// See [`Client::buffered_amount`].
    fn buffered_amount() -> f64 {
        with(|client, _| client.buffered_amount() as f64)
    }

    /// See [`Client::endpoint`].
    fn endpoint() -> u32 {
        with(|client, _| client.endpoint() as u32)
    }

    /// The socket is open.
    fn opened(connection: u32, mono: f64, wall: f64) {
        with(|client, _| client.handle_open(now(mono, wall), ConnectionId(connection)));
    }

    /// The socket could not be opened, for a reason of `failure`.
    fn dial_failed(connection: u32, kind: u32, words: usize, mono: f64, wall: f64) {
        with(|client, mut texts| {
            let failure = failure(kind, texts.next(words));
            client.handle_dial_failed(now(mono, wall), ConnectionId(connection), failure);
        });
    }

    /// See [`Client::set_backlog`].
    fn set_backlog(bytes: f64) {
        with(|client, _| client.set_backlog(bytes as usize));
    }

    /// A text message has come, or a binary one that is UTF-8. It is all that is in the room. 1 if `may_take` is not 0
    /// and the next item is a part of it that JavaScript can cut out of what it has: then it is shown, and taken.
    fn text_message(connection: u32, length: usize, may_take: u32, mono: f64, wall: f64) -> u32 {
        let bytes = take_input(length);
        // SAFETY: JavaScript encodes well-formed UTF-8 only.
        let message = unsafe { ByteString::from_bytes_unchecked(bytes) };
        let part = with(|client, _| {
            client.handle_text(now(mono, wall), ConnectionId(connection), message.clone());
            if may_take == 0 { None } else { client.take_part(&message) }
        });
        INSTANCE.with_borrow_mut(|instance| {
            let Some((Item { kind, a, b, payload }, before, after)) = part else { return 0 };
            instance.show(kind.into(), a, b, Text::Payload(payload));
            (instance.block.before, instance.block.after) = (before as u32, after as u32);
            1
        })
    }

    /// A binary message has come, of so many bytes, that is not UTF-8.
    fn binary_message(connection: u32, bytes: usize, mono: f64, wall: f64) {
        with(|client, _| client.handle_binary(now(mono, wall), ConnectionId(connection), bytes));
    }

    /// The socket has closed.
    fn closed(connection: u32, code: u32, reason: usize, was_clean: u32, mono: f64, wall: f64) {
        with(|client, mut texts| {
            let reason = texts.next(reason).to_owned();
            client.handle_closed(now(mono, wall), ConnectionId(connection), code as u16, reason, was_clean != 0);
        });
    }

    /// Time has passed.
    fn timeout(mono: f64, wall: f64) {
        with(|client, _| client.handle_timeout(now(mono, wall)));
    }

    /// See [`Client::handle_network_changed`].
    fn network_changed(mono: f64, wall: f64) {
        with(|client, _| client.handle_network_changed(now(mono, wall)));
    }

    /// The next thing to do with a socket: its kind, or 0. `a` is the connection, `b` a close code; the text is a url,
    /// a message, or a reason. `was_sent` says whether the last one was a message that was given to its socket.
    fn next_output(was_sent: u32) -> u32 {
        INSTANCE.with_borrow_mut(|instance| {
            let Some(client) = &mut instance.client else { return 0 };
            if was_sent != 0 {
                client.handle_sent(ConnectionId(instance.block.a));
            }
            let (kind, connection, code, text) = match client.poll_output() {
                None => {
                    instance.note_state();
                    return 0;
                }
                Some(Output::Dial(connection, url)) => (1, connection, 0, Text::Made(url)),
                Some(Output::Send(connection, text)) => (2, connection, 0, Text::Bytes(text)),
                Some(Output::Close(connection, code, reason)) => (3, connection, code, Text::Made(reason)),
                Some(Output::Drop(connection, code)) => (4, connection, code, Text::Nothing),
            };
            instance.show(kind, connection.0, code.into(), text);
            kind
        })
    }

    /// The next thing to tell the user's code; 0 if there is none.
    fn take_item() -> u32 {
        let item = with(|client, _| client.take_item());
        INSTANCE.with_borrow_mut(|instance| {
            let Some(Item { kind, a, b, payload }) = item else { return 0 };
            instance.show(kind.into(), a, b, Text::Payload(payload));
            1
        })
    }
}

/// What JavaScript has written, `length` bytes of it. Little is copied: the room stays where it is.
fn take_input(length: usize) -> Bytes {
    INSTANCE.with_borrow_mut(|instance| {
        if let Some(input) = instance.input.get(..length).filter(|_| length <= KEPT) {
            return Bytes::copy_from_slice(input);
        }
        let mut input = mem::take(&mut instance.input);
        input.truncate(length);
        Bytes::from(input)
    })
}

/// The kinds are those at the end of js/page/sockets.ts.
fn failure(kind: u32, words: &str) -> DialFailure {
    DialFailure::Page(match kind {
        1 => PageFailure::Offline,
        2 => PageFailure::MixedContent,
        3 => PageFailure::Policy,
        4 => PageFailure::Refused(words.to_owned()),
        5 => PageFailure::NoWebSocket,
        _ => PageFailure::Unexplained(words.to_owned()),
    })
}

/// Each ended by a line break.
fn lines(mut text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(end) = text.bytes().position(|byte| byte == b'\n') {
        lines.push(text[..end].to_owned());
        text = &text[end + 1..];
    }
    lines
}

/// An empty text is not JSON.
fn some(json: &str) -> Option<&str> {
    Some(json).filter(|json| !json.is_empty())
}

#[inline(never)]
fn now(mono: f64, wall: f64) -> Now {
    Now { mono: millis(mono), wall: wall as u64 }
}

/// 0 for none.
fn some_millis(ms: f64) -> Option<Duration> {
    (ms > 0.0).then(|| millis(ms))
}

/// JavaScript has checked the range.
fn millis(ms: f64) -> Duration {
    Duration::from_micros((ms * 1000.0) as u64)
}

fn in_millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// In place of a key.
const REFUSED: f64 = -1.0;
/// Bytes. More room than this is not kept for the next texts.
const KEPT: usize = 64 * 1024;
/// Bytes.
const SEED: usize = 32;
/// Bytes.
const NUMBER: usize = 8;
