//! The session, and what comes into it: so that the same can be given to a page's client.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    time::Duration,
};

use mcp_protocol::{
    Call, ConnectionId, DialFailure, Ending, Interest, Key, Now, PageFailure, Received, Refused, RequestId, RequestKey,
    Secret, Session,
};

/// What came into a session, and when.
#[derive(Debug, Clone)]
pub struct Input {
    /// Both clocks.
    pub now: Now,
    /// What it was.
    pub what: Given,
}

/// The inputs of a page's client. Payloads are those of the simulator.
#[derive(Debug, Clone)]
pub enum Given {
    /// `connect()`.
    Connect(u32),
    /// `reconnect()`.
    Reconnect(u32),
    /// `authenticate()`, perhaps with a token.
    Authenticate(Option<String>, u32),
    /// `close()`: code, reason, `drain`.
    Close(u16, String, Duration, u32),
    /// A call of a tool.
    Request {
        /// Of the tool.
        name: String,
        /// JSON, if there are any.
        parameters: Option<String>,
        /// None waits for ever.
        timeout: Option<Duration>,
        /// It may be sent again.
        idempotent: bool,
        /// See [`Call`].
        expects_connection: bool,
        /// Of the call.
        payload: u32,
    },
    /// `tools()`, with its timeout.
    Tools(Option<Duration>, u32),
    /// A call is aborted.
    Abort(RequestKey),
    /// A text is sent.
    Send(String),
    /// `sendToolRequest()`.
    SendToolRequest(String, Option<String>),
    /// The key function has answered: with a token that may end, or the class of what it threw.
    Token(ConnectionId, Result<(String, Option<f64>), String>),
    /// The url function has answered.
    Urls(ConnectionId, Result<Vec<String>, String>),
    /// The `open` listeners have run.
    OpenTold,
    /// What the user listens to.
    Interest(u8),
    /// A socket is open.
    Opened(ConnectionId),
    /// A dial has failed.
    DialFailed(ConnectionId, PageFailure),
    /// A text has come.
    Text(ConnectionId, String),
    /// So many bytes have come that are no text.
    Binary(ConnectionId, usize),
    /// A socket has closed.
    Closed(ConnectionId, Ending),
    /// Time has passed.
    Timeout,
    /// The page was seen again, or is online again.
    NetworkChanged,
}

/// A session that may be one of a page: then nothing comes into it that a page's client cannot be told, and what comes
/// is kept.
pub struct Traced {
    session: Session<u32>,
    inputs: Option<Vec<Input>>,
    written: BTreeMap<ConnectionId, usize>,
}

impl Traced {
    pub(super) fn new(session: Session<u32>) -> Self {
        Self { session, inputs: None, written: BTreeMap::new() }
    }

    /// From now on it is one of a page.
    pub(super) fn begin(&mut self) {
        self.inputs = Some(Vec::new());
    }

    /// What has come since.
    pub(super) fn inputs(&self) -> &[Input] {
        self.inputs.as_deref().unwrap_or_default()
    }

    /// How many texts were written on each connection.
    pub(super) fn written(&self) -> &BTreeMap<ConnectionId, usize> {
        &self.written
    }

    fn is_in_page(&self) -> bool {
        self.inputs.is_some()
    }

    fn keep(&mut self, now: Now, what: impl FnOnce() -> Given) {
        if let Some(inputs) = &mut self.inputs {
            inputs.push(Input { now, what: what() });
        }
    }
}

/// The inputs, under the names that a [`Session`] has for them.
impl Traced {
    /// A command.
    pub fn connect(&mut self, now: Now, payload: u32) {
        self.keep(now, || Given::Connect(payload));
        self.session.connect(now, payload);
    }

    /// A command.
    pub fn reconnect(&mut self, now: Now, payload: u32) {
        self.keep(now, || Given::Reconnect(payload));
        self.session.reconnect(now, payload);
    }

    /// A command.
    pub fn authenticate(&mut self, now: Now, token: Option<Secret>, payload: u32) {
        self.keep(now, || Given::Authenticate(token.as_ref().map(|token| token.expose().to_owned()), payload));
        self.session.authenticate(now, token, payload);
    }

    /// A command.
    pub fn close(&mut self, now: Now, code: u16, reason: &str, drain: Duration, payload: u32) {
        self.keep(now, || Given::Close(code, reason.to_owned(), drain, payload));
        self.session.close(now, code, reason, drain, payload);
    }

    /// A call. Errors: it is refused.
    pub fn request(&mut self, now: Now, call: Call<'_>, payload: u32) -> Result<RequestKey, Refused<u32>> {
        self.keep(now, || Given::Request {
            name: call.name.to_owned(),
            parameters: call.parameters.map(str::to_owned),
            timeout: call.timeout,
            idempotent: call.idempotent,
            expects_connection: call.expects_connection,
            payload,
        });
        self.session.request(now, call, payload)
    }

    /// A question for the tools. Errors: it is refused.
    pub fn tools(
        &mut self,
        now: Now,
        timeout: Option<Duration>,
        expects_connection: bool,
        payload: u32,
    ) -> Result<RequestKey, Refused<u32>> {
        self.keep(now, || Given::Tools(timeout, payload));
        self.session.tools(now, timeout, expects_connection, payload)
    }

    /// A command.
    pub fn abort(&mut self, now: Now, key: RequestKey) -> Option<u32> {
        self.keep(now, || Given::Abort(key));
        self.session.abort(now, key)
    }

    /// A command.
    pub fn send(&mut self, now: Now, text: &str) -> bool {
        self.keep(now, || Given::Send(text.to_owned()));
        self.session.send(now, text)
    }

    /// A command.
    pub fn send_tool_request(&mut self, now: Now, name: &str, parameters: Option<&str>) -> Option<RequestId> {
        self.keep(now, || Given::SendToolRequest(name.to_owned(), parameters.map(str::to_owned)));
        self.session.send_tool_request(now, name, parameters)
    }

    /// An answer of the user's.
    pub fn handle_token(&mut self, now: Now, connection: ConnectionId, key: Result<Key, String>) {
        self.keep(now, || {
            let told = key.as_ref().map(|key| (key.token.expose().to_owned(), key.expires_at));
            Given::Token(connection, told.map_err(String::clone))
        });
        self.session.handle_token(now, connection, key);
    }

    /// An answer of the user's.
    pub fn handle_urls(&mut self, now: Now, asked: ConnectionId, urls: Result<Vec<String>, String>) -> bool {
        self.keep(now, || Given::Urls(asked, urls.clone()));
        self.session.handle_urls(now, asked, urls)
    }

    /// News of the user's code.
    pub fn handle_open_told(&mut self, now: Now) {
        self.keep(now, || Given::OpenTold);
        self.session.handle_open_told(now);
    }

    /// News of the user's code. What dials do is not told in a page.
    pub fn set_interest(&mut self, interest: Interest) {
        let interest = if self.is_in_page() { Interest(interest.0 & !Interest::DIALS) } else { interest };
        self.keep(Now::default(), || Given::Interest(interest.0));
        self.session.set_interest(interest);
    }

    /// News of a socket.
    pub fn handle_open(&mut self, now: Now, connection: ConnectionId) {
        self.keep(now, || Given::Opened(connection));
        self.session.handle_open(now, connection);
    }

    /// News of a dial. A page is told less of it.
    pub fn handle_dial_failed(&mut self, now: Now, connection: ConnectionId, failure: DialFailure) {
        if !self.is_in_page() {
            return self.session.handle_dial_failed(now, connection, failure);
        }
        let failure = told_to_a_page(connection);
        self.keep(now, || Given::DialFailed(connection, failure.clone()));
        self.session.handle_dial_failed(now, connection, DialFailure::Page(failure));
    }

    /// News of a socket.
    pub fn handle_written(&mut self, connection: ConnectionId, count: usize) {
        *self.written.entry(connection).or_default() += count;
        self.session.handle_written(connection, count);
    }

    /// News of a socket.
    pub fn handle_message(&mut self, now: Now, connection: ConnectionId, message: Box<Received>) {
        self.keep(now, || Given::Text(connection, message.text().to_string()));
        self.session.handle_message(now, connection, message);
    }

    /// News of a socket.
    pub fn handle_binary(&mut self, now: Now, connection: ConnectionId, bytes: usize) {
        self.keep(now, || Given::Binary(connection, bytes));
        self.session.handle_binary(now, connection, bytes);
    }

    /// News of a socket.
    pub fn handle_closed(&mut self, now: Now, connection: ConnectionId, ending: Ending) {
        self.keep(now, || Given::Closed(connection, ending.clone()));
        self.session.handle_closed(now, connection, ending);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.keep(now, || Given::Timeout);
        self.session.handle_timeout(now);
    }

    /// News of the machine.
    pub fn handle_network_changed(&mut self, now: Now) {
        self.keep(now, || Given::NetworkChanged);
        self.session.handle_network_changed(now);
    }

    /// A page hears of whole messages only.
    pub fn handle_bytes(&mut self, now: Now, connection: ConnectionId) {
        if !self.is_in_page() {
            self.session.handle_bytes(now, connection);
        }
    }

    /// A page cannot stop reading.
    pub fn handle_paused(&mut self, now: Now, connection: ConnectionId, paused: bool) {
        if !self.is_in_page() {
            self.session.handle_paused(now, connection, paused);
        }
    }
}

impl Deref for Traced {
    type Target = Session<u32>;

    fn deref(&self) -> &Session<u32> {
        &self.session
    }
}

/// For what is no input, and for what no page is told.
impl DerefMut for Traced {
    fn deref_mut(&mut self) -> &mut Session<u32> {
        &mut self.session
    }
}

/// Mostly nothing, sometimes something; the same again in the same history.
fn told_to_a_page(connection: ConnectionId) -> PageFailure {
    match connection.0 % 16 {
        3 => PageFailure::Offline,
        7 => PageFailure::Refused("no".to_owned()),
        9 => PageFailure::NoWebSocket,
        11 => PageFailure::MixedContent,
        13 => PageFailure::Policy,
        _ => PageFailure::Unexplained(if connection.0.is_multiple_of(2) { "words".to_owned() } else { String::new() }),
    }
}
