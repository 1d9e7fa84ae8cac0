//! A client: its session, and what comes out of it.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use mcp_mailbox::Slot;
use mcp_protocol::{
    Action, Call, Config, ConnectionId, DialFailure, Ending, EndpointSource, Interest, Key, LogLevel, Now, Numbers,
    Received, Refused, RequestId, RequestKey, Secret, Session,
};

use crate::{
    close_code,
    items::{Item, Items},
    json::to_json,
};

/// One client. After every call, [`poll_output`](Self::poll_output) and [`take_item`](Self::take_item) say what came
/// of it, and [`deadline`](Self::deadline) when to call [`handle_timeout`](Self::handle_timeout).
pub struct Client {
    session: Session<Slot>,
    /// The endpoints, whole.
    urls: Vec<String>,
    /// Without the texts to send, which come before them.
    outputs: VecDeque<Output>,
    items: Items,
    /// The connection that is being closed with a code that the page had to replace, and that code.
    closing: Option<(ConnectionId, u16)>,
}

/// What the page must do with its sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a socket. Answer with `handle_open` or `handle_dial_failed`.
    Dial(ConnectionId, String),
    /// If the socket is open, send this text, and answer with `handle_sent`; else forget it.
    Send(ConnectionId, Bytes),
    /// Begin the closing handshake, with this code on the wire and this reason. Answer with `handle_closed`.
    Close(ConnectionId, u16, String),
    /// Forget the socket, and close it with this code on the wire. Nothing more is to be reported of it.
    Drop(ConnectionId, u16),
}

/// When what there is in `poll_output` is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// There is nothing.
    Nothing,
    /// There are texts, and so many calls are in flight that answers come in bursts: the texts may be sent a turn of
    /// the event loop later, together with those that follow other answers of a burst.
    MayGather,
    /// Before the event of the browser is over, or the turn in which the command was given.
    Now,
}

/// Making one, and the user's commands. See the functions of the same name of [`Session`].
impl Client {
    /// A client in `idle`, with the id that its log lines tell. Urls that are not known are asked for. `seed` must come
    /// from a cryptographic source.
    pub fn new(id: u32, config: Config, urls: Option<Vec<String>>, seed: [u8; 32], now: Now) -> Self {
        let source = urls.clone().map_or(EndpointSource::Ask, EndpointSource::Known);
        let mut session = Session::new(config, source, seed, now);
        session.set_client(id);
        session.set_interest(Interest::ALL);
        Self {
            session,
            urls: urls.unwrap_or_default(),
            outputs: VecDeque::new(),
            items: Items::default(),
            closing: None,
        }
    }

    /// See [`Session::go_on_from`].
    pub fn go_on_from(&mut self, numbers: Numbers) {
        self.session.go_on_from(numbers);
    }

    /// Settled when `ready`.
    pub fn connect(&mut self, now: Now, slot: Slot) {
        self.change(|session| session.connect(now, slot));
    }

    /// Settled when `ready` again.
    pub fn reconnect(&mut self, now: Now, slot: Slot) {
        self.change(|session| session.reconnect(now, slot));
    }

    /// Settled when authenticated.
    pub fn authenticate(&mut self, now: Now, token: Option<&str>, slot: Slot) {
        self.change(|session| session.authenticate(now, token.map(Secret::new), slot));
    }

    /// Settled when `closed`.
    pub fn close(&mut self, now: Now, code: u16, reason: &str, drain: Duration, slot: Slot) {
        self.change(|session| session.close(now, code, reason, drain, slot));
    }

    /// A tool request. If it is refused, it is settled like any other.
    pub fn request(&mut self, now: Now, call: Call<'_>, slot: Slot) {
        self.change(|session| session.request(now, call, slot).map_err(|refused| session.settle_refused(refused)).ok());
    }

    /// A tool request that may be aborted.
    ///
    /// Errors: the JSON of an `ErrorData` if it is refused; then its slot is free.
    pub fn request_abortable(&mut self, now: Now, call: Call<'_>, slot: Slot) -> Result<RequestKey, String> {
        self.change(|session| session.request(now, call, slot))
            .map_err(|Refused { error, .. }| error.to_json_with(to_json))
    }

    /// Asks for the tools that the server describes. See [`Session::tools`].
    ///
    /// Errors: as of `request_abortable`.
    pub fn tools(
        &mut self,
        now: Now,
        timeout: Option<Duration>,
        expects_connection: bool,
        slot: Slot,
    ) -> Result<RequestKey, String> {
        let asked = self.change(|session| session.tools(now, timeout, expects_connection, slot));
        asked.map_err(|Refused { error, .. }| error.to_json_with(to_json))
    }

    /// True: it will not be settled, and its slot is free. False: its outcome is already among the items.
    pub fn abort(&mut self, now: Now, key: RequestKey) -> bool {
        self.change(|session| session.abort(now, key)).is_some()
    }

    /// After `abort` has returned false: unless `slot` has failed, its results are given to nobody.
    pub fn discard_results(&mut self, slot: u32) {
        if !self.items.hold_failure(slot) {
            self.session.discard_results();
        }
    }

    /// The guide's `sendToolRequest`.
    pub fn send_tool_request(&mut self, now: Now, name: &str, parameters: Option<&str>) -> Option<RequestId> {
        self.change(|session| session.send_tool_request(now, name, parameters))
    }

    /// Sends a text unchanged. False if it cannot be sent.
    pub fn send(&mut self, now: Now, text: &str) -> bool {
        self.change(|session| session.send(now, text))
    }

    /// What the token function has returned, or the class of what it threw.
    pub fn answer_token(&mut self, now: Now, connection: ConnectionId, key: Result<Key, String>) {
        self.change(|session| session.handle_token(now, connection, key));
    }

    /// What the url function has returned, which was checked. False if it is not asked any more.
    pub fn answer_urls(&mut self, now: Now, asked: ConnectionId, urls: Vec<String>) -> bool {
        // Before it is drained: a dial may follow.
        let old = std::mem::replace(&mut self.urls, urls.clone());
        let is_accepted = self.session.handle_urls(now, asked, Ok(urls));
        if !is_accepted {
            self.urls = old;
        }
        self.commit();
        is_accepted
    }

    /// The class of the error that the url function has thrown.
    pub fn fail_urls(&mut self, now: Now, asked: ConnectionId, thrown: String) {
        self.change(|session| session.handle_urls(now, asked, Err(thrown)));
    }

    /// The `open` listeners have run.
    pub fn open_told(&mut self, now: Now) {
        self.change(|session| session.handle_open_told(now));
    }

    /// Sets which events have listeners. A page knows nothing of its dials, so nothing is told of them.
    pub fn set_interest(&mut self, interest: Interest) {
        self.session.set_interest(Interest(interest.0 & !Interest::DIALS));
    }

    /// Adds a warning to the log.
    pub fn warn(&mut self, message: &str) {
        self.change(|session| session.note(LogLevel::Warn, message));
    }

    /// The JSON of a `Snapshot`.
    pub fn snapshot(&self) -> String {
        to_json(&self.session.snapshot())
    }

    /// The JSON of `Stats`.
    pub fn stats(&self) -> String {
        to_json(&self.session.stats())
    }

    /// See [`Session::buffered_amount`].
    pub fn buffered_amount(&self) -> usize {
        self.session.buffered_amount()
    }

    /// See [`Session::endpoint`].
    pub fn endpoint(&self) -> usize {
        self.session.endpoint()
    }
}

/// What the page reports of its sockets, of time and of itself.
impl Client {
    /// The socket is open.
    pub fn handle_open(&mut self, now: Now, connection: ConnectionId) {
        self.change(|session| session.handle_open(now, connection));
    }

    /// The socket could not be opened.
    pub fn handle_dial_failed(&mut self, now: Now, connection: ConnectionId, failure: DialFailure) {
        self.change(|session| session.handle_dial_failed(now, connection, failure));
    }

    /// The text of an [`Output::Send`] was given to the socket.
    pub fn handle_sent(&mut self, connection: ConnectionId) {
        self.session.handle_written(connection, 1);
    }

    /// See [`Session::set_backlog`].
    pub fn set_backlog(&mut self, bytes: usize) {
        self.session.set_backlog(bytes);
    }

    /// A text message has come, or a binary one that is UTF-8.
    pub fn handle_text(&mut self, now: Now, connection: ConnectionId, text: ByteString) {
        if self.refuses(now, connection, text.len()) {
            return;
        }
        // Without what the message leads to: the page takes that next, and may have set a small limit.
        let waiting = self.items.bytes() + text.len();
        let message = Box::new(Received::new(text));
        self.change(|session| session.handle_message(now, connection, message));
        self.limit_items(now, connection, waiting);
    }

    /// A binary message has come that is not UTF-8.
    pub fn handle_binary(&mut self, now: Now, connection: ConnectionId, bytes: usize) {
        if !self.refuses(now, connection, bytes) {
            self.change(|session| session.handle_binary(now, connection, bytes));
        }
    }

    /// The socket has closed, as its `close` event says.
    pub fn handle_closed(&mut self, now: Now, connection: ConnectionId, code: u16, reason: String, clean: bool) {
        let replaced =
            self.closing.take_if(|(closing, real)| *closing == connection && close_code::on_the_wire(*real) == code);
        let code = replaced.map_or(code, |(_, real)| real);
        let ending = Ending { code, reason, clean, too_large: false };
        self.change(|session| session.handle_closed(now, connection, ending));
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.change(|session| session.handle_timeout(now));
    }

    /// The page is on another network, or can be seen again.
    pub fn handle_network_changed(&mut self, now: Now) {
        self.change(|session| session.handle_network_changed(now));
    }
}

/// What comes out.
impl Client {
    /// The next thing to do with a socket.
    pub fn poll_output(&mut self) -> Option<Output> {
        let transmit = self.session.poll_transmit().map(|transmit| Output::Send(transmit.connection, transmit.text));
        transmit.or_else(|| self.outputs.pop_front())
    }

    /// The next thing to tell the user's code.
    pub fn take_item(&mut self) -> Option<Item> {
        self.items.take()
    }

    /// The same if it is a part of this message, with the numbers of bytes before and after it; these must be ASCII.
    pub fn take_part(&mut self, message: &ByteString) -> Option<(Item, usize, usize)> {
        let text = self.items.first_slice()?;
        let before = (text.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
        let after = message.len().checked_sub(before + text.len())?;
        let (head, tail) = (&message.as_bytes()[..before], &message.as_bytes()[before + text.len()..]);
        (head.is_ascii() && tail.is_ascii()).then_some(())?;
        self.items.take().map(|item| (item, before, after))
    }

    /// There is something to tell.
    pub fn has_items(&self) -> bool {
        !self.items.is_empty()
    }

    /// What there is to do, and when.
    pub fn work(&self) -> Work {
        if !self.outputs.is_empty() {
            Work::Now
        } else if !self.session.has_transmits() {
            Work::Nothing
        } else if self.session.in_flight() >= MANY {
            Work::MayGather
        } else {
            Work::Now
        }
    }

    /// See [`Session::numbers`].
    pub fn numbers(&self) -> Numbers {
        self.session.numbers()
    }

    /// When to call `handle_timeout`, in monotonic time.
    pub fn deadline(&mut self) -> Option<Duration> {
        self.session.poll_timeout()
    }

    fn change<R>(&mut self, act: impl FnOnce(&mut Session<Slot>) -> R) -> R {
        let result = act(&mut self.session);
        self.commit();
        result
    }

    /// Drains the session.
    fn commit(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.items.push(event);
        }
        // After the events: whoever is asked for a token already knows what it is for.
        while let Some(action) = self.session.poll_action() {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { connection, endpoint } => {
                // The url function may have given another list since: then this dial is dropped at once.
                if let Some(url) = self.urls.get(endpoint) {
                    self.outputs.push_back(Output::Dial(connection, url.clone()));
                }
            }
            Action::AskUrls(asked) => self.items.ask_urls(asked),
            Action::AskToken(connection) => self.items.ask_token(connection),
            Action::Close { connection, code, reason } => {
                self.closing = Some((connection, code));
                self.outputs.push_back(Output::Close(connection, close_code::on_the_wire(code), reason));
            }
            Action::Drop { connection, close_code } => self.drop_socket(connection, close_code),
        }
    }

    fn drop_socket(&mut self, connection: ConnectionId, code: Option<u16>) {
        self.outputs.push_back(Output::Drop(connection, close_code::on_the_wire(code.unwrap_or(GOING_AWAY))));
    }

    /// A message that is too large ends its connection. A page cannot know that before it is there.
    fn refuses(&mut self, now: Now, connection: ConnectionId, bytes: usize) -> bool {
        let limit = self.session.config().max_message_size;
        let is_too_large = bytes > limit;
        if is_too_large {
            let words = format!("a message of {bytes} bytes is larger than maxMessageSize ({limit} bytes)");
            self.give_up(now, connection, words);
        }
        is_too_large
    }

    /// A page cannot stop reading: what comes faster than the user's code can take it ends the connection.
    fn limit_items(&mut self, now: Now, connection: ConnectionId, waiting: usize) {
        let limit = self.session.config().max_message_size.saturating_mul(MOST_WAITING);
        if waiting > limit {
            let words = format!("more than {limit} bytes wait for the page: {MOST_WAITING} times maxMessageSize");
            self.give_up(now, connection, words);
        }
    }

    fn give_up(&mut self, now: Now, connection: ConnectionId, reason: String) {
        let ending = Ending { code: TOO_LARGE, reason, clean: false, too_large: true };
        self.drop_socket(connection, Some(TOO_LARGE));
        self.change(|session| session.handle_closed(now, connection, ending));
    }
}

/// Calls. The answers of fewer come one by one, and their callers wait for each.
const MANY: usize = 8;
/// Messages of the largest size that may wait for the user's code.
const MOST_WAITING: usize = 4;
/// RFC 6455 § 7.4.1. For a socket that is given up without a word, if it can still say one.
const GOING_AWAY: u16 = 1001;
/// RFC 6455 § 7.4.1.
const TOO_LARGE: u16 = 1009;

#[cfg(test)]
mod tests;
