//! The native half of `MCPClient`: one function for each command.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use mcp_mailbox::{Slot, flag};
use mcp_protocol::{Call, ConnectionId, Interest, Key, LogLevel, OptionError, Options, RequestKey, Secret, Stats};
use napi::{
    Env, Error, Status,
    bindgen_prelude::{Either, Either3, Function, Result},
    sys,
};
use napi_derive::napi;
use serde_json::{Map, Value};
use slab::Slab;
use zeroize::{Zeroize, Zeroizing};

use super::{
    calls::CallBatch,
    item::to_json,
    mailbox::{ClientSink, Mailbox},
    raw::{self, Arguments},
    text::{JsText, read},
};
use crate::driver::Handle;

/// The number of the next client. Worker threads count on.
static CLIENTS: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// The clients of this thread, by number. Functions that are called for every request find their client here:
    /// unwrapping a JavaScript object would take longer than the rest of the call.
    static HANDLES: RefCell<Slab<Rc<Handle<ClientSink>>>> = const { RefCell::new(Slab::new()) };
    /// Calls of this thread that are not delivered to their client yet. They are before anything else is done with a
    /// client.
    static CALLS: RefCell<CallBatch> = RefCell::default();
    /// A call has been refused since the last flush.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// One client. Slots are numbers below 2³⁰. Each comes back exactly once through the mailbox, unless a function says
/// otherwise.
#[napi]
pub struct NativeClient {
    handle: Rc<Handle<ClientSink>>,
    id: u32,
    number: usize,
}

#[napi]
impl NativeClient {
    /// `id` is the number of the client in the mailbox. `options` is a JSON object.
    ///
    /// Throws an error whose message is the JSON of an `OptionError`.
    #[napi(constructor, catch_unwind)]
    pub fn new(mailbox: &Mailbox, id: u32, options: String) -> Result<Self> {
        // They have the key.
        let options = Zeroizing::new(options);
        let mut json: Map<String, Value> = serde_json::from_str(&options).map_err(internal)?;
        let options = Options::from_json(&json);
        json.values_mut().for_each(overwrite);
        let options = options.map_err(|error| refused(&error))?;
        let handle = Handle::new(options.session, options.route, mailbox.sink(id)).map_err(|error| refused(&error))?;
        let handle = Rc::new(handle);
        let id = CLIENTS.fetch_add(1, Ordering::Relaxed);
        handle.set_client(id);
        CALLS.with_borrow_mut(|calls| calls.set_result_size(mailbox.result_size()));
        let number = HANDLES.with_borrow_mut(|handles| handles.insert(Rc::clone(&handle)));
        Ok(Self { handle, id, number })
    }

    /// The number of the client among those of the process, for people.
    #[napi(catch_unwind)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The number of the client for the functions `request` and `flush`.
    #[napi(catch_unwind)]
    pub fn number(&self) -> u32 {
        self.number as u32
    }

    /// Settled when `ready`. Returns the JSON of the `Snapshot` after the command.
    #[napi(catch_unwind)]
    pub fn connect(&self, slot: u32) -> String {
        to_json(&self.handle().connect(Slot::new(slot, false)))
    }

    /// Settled when `ready` again. Returns as `connect` does.
    #[napi(catch_unwind)]
    pub fn reconnect(&self, slot: u32) -> String {
        to_json(&self.handle().reconnect(Slot::new(slot, false)))
    }

    /// Settled when authenticated. With `null` the token stays the same. Returns as `connect` does.
    #[napi(catch_unwind)]
    pub fn authenticate(&self, token: Option<String>, slot: u32) -> String {
        to_json(&self.handle().authenticate(token.map(Secret::new), Slot::new(slot, false)))
    }

    /// Settled when `closed`. `drain` is in ms. Returns as `connect` does.
    #[napi(catch_unwind)]
    pub fn close(&self, code: u16, reason: String, drain: f64, slot: u32) -> String {
        to_json(&self.handle().close(code, &reason, millis(drain), Slot::new(slot, false)))
    }

    /// Asks for the tools that the server describes. Settled with an array. `timeout` and `flags` are as in `request`.
    ///
    /// Returns the key for `abort`; or, if it is refused, the JSON of an `ErrorData`, and then its slot is free.
    #[napi(catch_unwind)]
    pub fn tools(&self, timeout: f64, flags: u32, slot: u32) -> Either<f64, String> {
        let expects_connection = flags & flag::EXPECTS_CONNECTION != 0;
        match self.handle().tools(some_millis(timeout), expects_connection, Slot::new(slot, false)) {
            Ok(key) => Either::A(key.0 as f64),
            Err(refused) => Either::B(refused.error.to_json()),
        }
    }

    /// Cancels a request. True: it will not be settled, and its slot is free. False: its outcome is already in the
    /// mailbox, or about to be.
    #[napi(catch_unwind)]
    pub fn abort(&self, key: f64) -> bool {
        self.handle().abort(RequestKey(key as u64)).is_some()
    }

    /// The id of a request that is not settled yet, by the key that `request` has returned.
    #[napi(catch_unwind)]
    pub fn request_id(&self, key: f64) -> Option<String> {
        self.handle().request_id(RequestKey(key as u64)).map(|id| id.to_string())
    }

    /// After `abort` has returned false: unless `slot` has failed, its results are given to nobody, and count as a
    /// failure. JavaScript must not have taken them from the mailbox yet, or not delivered them.
    #[napi(catch_unwind)]
    pub fn discard_results(&self, slot: u32) {
        if !self.handle().sink().holds_failure(slot) {
            self.handle.discard_results();
        }
    }

    /// The guide's `sendToolRequest`. Returns the id, or `null` if it cannot be sent. `parameters` as in `request`.
    #[napi(catch_unwind)]
    pub fn send_tool_request(
        &self,
        #[napi(ts_arg_type = "string")] name: JsText,
        #[napi(ts_arg_type = "string")] parameters: JsText,
    ) -> Result<Option<String>> {
        read([&name, &parameters], |[name, parameters]| {
            self.handle().send_tool_request(name, some(parameters)).map(|id| id.to_string())
        })
    }

    /// Sends a text unchanged. False if it cannot be sent.
    #[napi(catch_unwind)]
    pub fn send(&self, #[napi(ts_arg_type = "string")] text: JsText) -> Result<bool> {
        read([&text], |[text]| self.handle().send(text))
    }

    /// What the token function has returned: a token, and when it ends, in ms since 1970, or `null`.
    #[napi(catch_unwind)]
    pub fn answer_token(&self, connection: u32, token: String, expires_at: Option<f64>) {
        let key = Key { token: Secret::new(token), expires_at };
        self.handle().answer_token(ConnectionId(connection), Ok(key));
    }

    /// What the url function has returned, as in the option `url`. False if it is not asked any more.
    ///
    /// Throws as the constructor does; then `failUrls` is still to be called.
    #[napi(catch_unwind)]
    pub fn answer_urls(&self, asked: u32, urls: Vec<String>) -> Result<bool> {
        self.handle().answer_urls(ConnectionId(asked), urls).map_err(|error| refused(&error))
    }

    /// The class of the error that the url function has thrown.
    #[napi(catch_unwind)]
    pub fn fail_urls(&self, asked: u32, thrown: String) {
        self.handle().fail_urls(ConnectionId(asked), thrown);
    }

    /// The place of the endpoint in use, or used last, in the list.
    #[napi(catch_unwind)]
    pub fn endpoint(&self) -> u32 {
        self.handle().endpoint() as u32
    }

    /// The class of the error that the token function has thrown.
    #[napi(catch_unwind)]
    pub fn fail_token(&self, connection: u32, thrown: String) {
        self.handle().answer_token(ConnectionId(connection), Err(thrown));
    }

    /// What the proxy function has returned: a URL, or a list as of proxy auto-configuration; `null` if it failed.
    #[napi(catch_unwind)]
    pub fn answer_proxy(&self, connection: u32, answer: Option<String>) {
        self.handle().answer_proxy(ConnectionId(connection), answer.map(Secret::new));
    }

    /// The core asked to be called again: it had no thread.
    #[napi(catch_unwind)]
    pub fn resume(&self) {
        self.handle().resume();
    }

    /// The certificates that the runtime brings, as PEM. The core asks for them where the machine has no store.
    #[napi(catch_unwind)]
    pub fn answer_roots(&self, pem: String) {
        self.handle().answer_roots(&pem);
    }

    /// The `open` listeners have run.
    #[napi(catch_unwind)]
    pub fn open_told(&self) {
        self.handle().open_told();
    }

    /// Sets which events have listeners: bits of `Interest`.
    #[napi(catch_unwind)]
    pub fn set_interest(&self, interest: u8) {
        self.handle().set_interest(Interest(interest));
    }

    /// Adds a warning to the log.
    #[napi(catch_unwind)]
    pub fn warn(&self, message: String) {
        self.handle().note(LogLevel::Warn, &message);
    }

    /// The JSON of a `Snapshot`.
    #[napi(catch_unwind)]
    pub fn snapshot(&self) -> String {
        to_json(&self.handle().snapshot())
    }

    /// The JSON of `Stats`.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> String {
        let handle = self.handle();
        to_json(&Stats { event_loop_wait: handle.sink().waits(), ..handle.stats() })
    }

    /// The JSON of a `FlightRecord`: the newest events, and the session before them.
    #[napi(catch_unwind)]
    pub fn dump(&self) -> String {
        self.handle().flight_record().to_json(env!("CARGO_PKG_VERSION"))
    }

    /// Returns when everything that the I/O thread is reporting of this client right now is in the mailbox.
    #[napi(catch_unwind)]
    pub fn await_commit(&self) {
        self.handle().await_commit();
    }

    /// Bytes that the operating system has not taken yet.
    #[napi(catch_unwind)]
    pub fn buffered_amount(&self) -> f64 {
        self.handle().buffered_amount() as f64
    }

    /// The default timeout of a request, in ms; 0 for none.
    #[napi(catch_unwind)]
    pub fn request_timeout(&self) -> f64 {
        self.handle().request_timeout().map_or(0.0, |timeout| timeout.as_secs_f64() * 1000.0)
    }
}

impl NativeClient {
    pub(super) fn handle(&self) -> &Handle<ClientSink> {
        CALLS.with_borrow_mut(deliver);
        &self.handle
    }
}

impl Drop for NativeClient {
    fn drop(&mut self) {
        // The thread may be ending; then its clients are gone.
        let _ = CALLS.try_with(|calls| deliver(&mut calls.borrow_mut()));
        let _ = HANDLES.try_with(|handles| handles.borrow_mut().try_remove(self.number));
    }
}

/// A function `(number, slot, name, parameters, timeout, flags)` that makes a tool request with the client `number`.
/// `parameters` is JSON, or empty for none; `timeout` is in ms, 0 for none; `flags` are bits of `flag`.
///
/// It returns `undefined`. For a request that may be aborted or is traced it returns the key for `abort` and
/// `requestId`; or, if the request is refused, the JSON of an `ErrorData`, and then its slot is free.
#[napi(ts_return_type = "(number: number, slot: number, name: string, parameters: string, timeout: number, \
                      flags: number) => number | string | undefined")]
pub fn request_function(env: &Env) -> Result<Function<'_, (), ()>> {
    env.create_function("request", request)
}

/// A function `(number)` that writes the calls of the client `number`. It returns whether a call has been refused since
/// the last flush: then its error is in the mailbox.
#[napi(ts_return_type = "(number: number) => boolean")]
pub fn flush_function(env: &Env) -> Result<Function<'_, (), ()>> {
    env.create_function("flush", flush)
}

extern "C" fn request(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call(env, info, |arguments: Arguments<6>| {
        let (number, slot, timeout): (u32, u32, f64) = (arguments.get(0)?, arguments.get(1)?, arguments.get(4)?);
        let flags: u32 = arguments.get(5)?;
        read([&arguments.get(2)?, &arguments.get(3)?], |[name, parameters]| {
            let timeout = some_millis(timeout);
            let has = |flag| flags & flag != 0;
            let (idempotent, expects_connection) = (has(flag::IDEMPOTENT), has(flag::EXPECTS_CONNECTION));
            let call = Call { name, parameters: some(parameters), timeout, idempotent, expects_connection };
            let slot = Slot::new(slot, has(flag::WANTS_BYTES)).traced(has(flag::TRACED));
            CALLS.with_borrow_mut(|calls| {
                let needs_key = has(flag::MAY_BE_ABORTED | flag::TRACED);
                if needs_key || calls.is_of_another_client(number as usize) {
                    deliver(calls);
                }
                if needs_key {
                    return with_handle(number, |handle| match handle.request(call, slot) {
                        Ok(key) => Either3::A(key.0 as f64),
                        Err(refused) => Either3::B(refused.error.to_json()),
                    });
                }
                calls.push(number as usize, call, slot);
                if calls.is_full() {
                    deliver(calls);
                }
                Either3::C(())
            })
        })
    })
}

/// Delivers the calls to their client.
fn deliver(calls: &mut CallBatch) {
    calls.deliver(|client, calls| {
        let refused =
            HANDLES.with_borrow(|handles| handles.get(client).is_some_and(|handle| handle.request_all(calls)));
        REFUSED.set(REFUSED.get() || refused);
    });
}

extern "C" fn flush(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call(env, info, |arguments: Arguments<1>| {
        CALLS.with_borrow_mut(deliver);
        with_handle(arguments.get(0)?, Handle::flush);
        Ok(REFUSED.take())
    })
}

fn with_handle<R>(number: u32, act: impl FnOnce(&Handle<ClientSink>) -> R) -> R {
    HANDLES.with_borrow(|handles| act(&handles[number as usize]))
}

/// An empty text is not JSON.
fn some(json: &str) -> Option<&str> {
    Some(json).filter(|json| !json.is_empty())
}

/// Overwrites the texts of a value that is not needed any more.
fn overwrite(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(overwrite),
        Value::Object(members) => members.values_mut().for_each(overwrite),
        _ => {}
    }
}

fn refused(error: &OptionError) -> Error {
    Error::new(Status::InvalidArg, to_json(error))
}

fn internal(error: serde_json::Error) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}

/// 0 is no limit.
fn some_millis(ms: f64) -> Option<Duration> {
    (ms > 0.0).then(|| millis(ms))
}

/// JavaScript has checked the range.
fn millis(ms: f64) -> Duration {
    Duration::from_micros((ms * 1000.0) as u64)
}
