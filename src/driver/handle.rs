//! What the binding holds: the commands of a client. They answer at once; what follows from them is the I/O thread's.

use std::{sync::Arc, time::Duration};

use rand::{TryRng, rngs::SysRng};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{
    Sink,
    clock::Clock,
    core::{Core, Shared},
    dial::{Dialer, Endpoint, Page, Resolver, Way, answer_roots},
    runtime::{IoThread, THREAD_NAME},
    task,
};
use mcp_protocol::{
    Call, Config, ConnectionId, EndpointSource, FlightRecord, Interest, Key, LogLevel, Now, OptionError, Refused,
    RequestId, RequestKey, Route, Secret, Session, Snapshot, Stats,
};

/// The name of the thread that all clients share, as debuggers show it.
pub fn shared_io_thread_name() -> &'static str {
    THREAD_NAME
}

/// One client. Dropping it drops its connection, and the sink gets nothing more.
pub struct Handle<S: Sink> {
    shared: Arc<Shared<S>>,
    /// What the endpoints are made with that the user's url function gives.
    route: Option<Box<Route>>,
}

/// Whether frames that a command made are written by the task now, or by the next [`Handle::flush`].
#[derive(PartialEq, Eq)]
enum Writes {
    Now,
    WithTheNextFlush,
}

impl<S: Sink> Handle<S> {
    /// A client in `idle`.
    ///
    /// Errors: a part of the route that HTTP does not allow.
    pub fn new(config: Config, route: Route, sink: S) -> Result<Self, OptionError> {
        Self::with_resolver(config, route, Resolver::system(), sink)
    }

    /// The same for a client that looks names up with this resolver.
    pub fn with_resolver(config: Config, route: Route, resolver: Arc<Resolver>, sink: S) -> Result<Self, OptionError> {
        let endpoints = match &route.url {
            EndpointSource::Known(urls) => Endpoint::list(&route, urls)?,
            EndpointSource::Ask => Vec::new(),
        };
        let dialer = Dialer::new(resolver, route.tls.clone())?;
        let clock = Clock::start();
        let mut session = Session::new(config, route.url.clone(), seed(), clock.now());
        session.set_interest(Interest::ALL);
        let route = (route.url == EndpointSource::Ask).then(|| Box::new(route));
        Ok(Self { shared: Arc::new(Shared::new(session, endpoints, dialer, clock, sink)), route })
    }

    /// See [`Session::connect`]. Returns the snapshot that the command left behind, before the I/O thread changes it
    /// again.
    pub fn connect(&self, payload: S::Payload) -> Snapshot {
        self.change(|session, now| session.connect(now, payload))
    }

    /// See [`Session::reconnect`]. Returns as [`connect`](Self::connect) does.
    pub fn reconnect(&self, payload: S::Payload) -> Snapshot {
        self.change(|session, now| session.reconnect(now, payload))
    }

    /// See [`Session::authenticate`]. Returns as [`connect`](Self::connect) does.
    pub fn authenticate(&self, token: Option<Secret>, payload: S::Payload) -> Snapshot {
        self.change(|session, now| session.authenticate(now, token, payload))
    }

    /// See [`Session::close`]. Returns as [`connect`](Self::connect) does.
    pub fn close(&self, code: u16, reason: &str, drain: Duration, payload: S::Payload) -> Snapshot {
        self.change(|session, now| session.close(now, code, reason, drain, payload))
    }

    /// See [`Session::request`]. The frame leaves with the next [`flush`](Self::flush).
    pub fn request(&self, call: Call<'_>, payload: S::Payload) -> Result<RequestKey, Refused<S::Payload>> {
        self.command(Writes::WithTheNextFlush, |session, now| session.request(now, call, payload))
    }

    /// The same for many calls under one lock. Refused calls are settled by an event like the rest; true if there was
    /// one.
    pub fn request_all<'a>(&self, calls: impl Iterator<Item = (Call<'a>, S::Payload)>) -> bool {
        self.enter(Writes::WithTheNextFlush, |core, sink, now| {
            let (mut refused, mut told) = (false, false);
            for (call, payload) in calls {
                if let Err(refusal) = core.session.request(now, call, payload) {
                    core.session.settle_refused(refusal);
                    refused = true;
                }
                told |= core.commit(sink);
            }
            (refused, told)
        })
    }

    /// See [`Session::send_tool_request`]. The frame leaves with the next [`flush`](Self::flush).
    pub fn send_tool_request(&self, name: &str, parameters: Option<&str>) -> Option<RequestId> {
        self.command(Writes::WithTheNextFlush, |session, now| session.send_tool_request(now, name, parameters))
    }

    /// See [`Session::send`]. The frame leaves with the next [`flush`](Self::flush).
    pub fn send(&self, text: &str) -> bool {
        self.command(Writes::WithTheNextFlush, |session, now| session.send(now, text))
    }

    /// See [`Session::tools`].
    pub fn tools(
        &self,
        timeout: Option<Duration>,
        expects_connection: bool,
        payload: S::Payload,
    ) -> Result<RequestKey, Refused<S::Payload>> {
        self.command(Writes::Now, |session, now| session.tools(now, timeout, expects_connection, payload))
    }

    /// See [`Session::abort`].
    pub fn abort(&self, key: RequestKey) -> Option<S::Payload> {
        self.command(Writes::Now, |session, now| session.abort(now, key))
    }

    /// See [`Session::request_id`].
    pub fn request_id(&self, key: RequestKey) -> Option<RequestId> {
        self.shared.lock().session.request_id(key)
    }

    /// See [`Session::discard_results`].
    pub fn discard_results(&self) {
        self.shared.lock().session.discard_results();
    }

    /// See [`Session::set_client`].
    pub fn set_client(&self, client: u32) {
        self.shared.lock().session.set_client(client);
    }

    /// Where the events go.
    pub fn sink(&self) -> &S {
        &self.shared.sink
    }

    /// The answer of the user's token function, or the class of the error when it failed.
    pub fn answer_token(&self, connection: ConnectionId, key: Result<Key, String>) {
        self.command(Writes::Now, |session, now| session.handle_token(now, connection, key));
    }

    /// The answer of the user's url function. False if it is not asked any more.
    ///
    /// Errors: as of [`Handle::new`]; then [`fail_urls`](Self::fail_urls) is still to be called.
    pub fn answer_urls(&self, asked: ConnectionId, urls: Vec<String>) -> Result<bool, OptionError> {
        let Some(route) = &self.route else { return Ok(false) };
        let urls = Zeroizing::new(urls);
        let endpoints = Endpoint::list(route, &urls)?;
        Ok(self.enter(Writes::Now, |core, sink, now| {
            let is_accepted = core.session.handle_urls(now, asked, Ok(urls.to_vec()));
            if is_accepted {
                core.endpoints = endpoints;
            }
            (is_accepted, core.commit(sink))
        }))
    }

    /// The user's url function has failed with an error of this class.
    pub fn fail_urls(&self, asked: ConnectionId, class: String) {
        self.command(Writes::Now, |session, now| session.handle_urls(now, asked, Err(class)));
    }

    /// See [`Session::endpoint`].
    pub fn endpoint(&self) -> usize {
        self.shared.lock().session.endpoint()
    }

    /// The answer of the user's proxy function: a URL, a list as of proxy auto-configuration, or `None` if it failed.
    /// An answer about a dial that was given up is ignored.
    pub fn answer_proxy(&self, connection: ConnectionId, answer: Option<Secret>) {
        let mut core = self.shared.lock();
        let place = core.proxy_asked.iter().position(|(asked, _)| *asked == connection);
        if let Some((_, dial)) = place.map(|place| core.proxy_asked.swap_remove(place)) {
            // The dial may have run out of time.
            let _ = dial.send(answer);
        }
    }

    /// See [`Session::handle_open_told`].
    pub fn open_told(&self) {
        self.command(Writes::Now, Session::handle_open_told);
    }

    /// See [`Session::set_interest`].
    pub fn set_interest(&self, interest: Interest) {
        self.shared.lock().session.set_interest(interest);
    }

    /// See [`Session::note`].
    pub fn note(&self, level: LogLevel, message: &str) {
        self.command(Writes::Now, |session, _| session.note(level, message));
    }

    /// See [`Session::snapshot`].
    pub fn snapshot(&self) -> Snapshot {
        self.shared.lock().session.snapshot()
    }

    /// Asks the endpoint in use for a page over HTTP, by the way that the WebSocket takes, without key and headers.
    /// `path` begins with a slash. `tell` is called once, on the I/O thread unless there is none. A proxy function is
    /// not asked.
    pub fn page(&self, path: String, limit: Duration, tell: impl FnOnce(Result<Page, String>) + Send + 'static) {
        let endpoint = {
            let core = self.shared.lock();
            core.endpoints.get(core.session.endpoint()).map(Arc::clone)
        };
        let Some(endpoint) = endpoint else { return tell(Err("the url function has not answered yet".to_owned())) };
        let thread = match IoThread::get() {
            Ok(thread) => thread,
            Err(error) => return tell(Err(error.to_string())),
        };
        let (shared, kept) = (Arc::clone(&self.shared), Arc::clone(&thread));
        thread.handle().spawn(async move {
            let way = Way { answer: None, limit, report: Box::new(|_| {}) };
            let asked = timeout(limit, shared.dialer.page(&*shared, &endpoint, way, &path)).await;
            tell(asked.unwrap_or_else(|_| Err(format!("it did not answer within {} ms", limit.as_millis()))));
            drop(kept);
        });
    }

    /// See [`Session::stats`].
    pub fn stats(&self) -> Stats {
        self.shared.lock().session.stats()
    }

    /// See [`FlightRecord::of`].
    pub fn flight_record(&self) -> FlightRecord {
        FlightRecord::of(&self.shared.lock().session)
    }

    /// Returns once the sink has all events of the input that the I/O thread is handling now, if it is handling one.
    pub fn await_commit(&self) {
        drop(self.shared.lock());
    }

    /// See [`Session::buffered_amount`].
    pub fn buffered_amount(&self) -> usize {
        self.shared.lock().session.buffered_amount()
    }

    /// The default timeout of requests; `None` waits for ever.
    pub fn request_timeout(&self) -> Option<Duration> {
        self.shared.lock().session.config().request_timeout
    }

    /// Writes what waits, many requests with one system call: from the calling thread if the transport allows it,
    /// because that is cheaper than waking another. What the system does not take at once is left to the I/O thread.
    pub fn flush(&self) {
        if !self.shared.try_write() {
            self.shared.nudge.notify_one();
        }
    }

    /// What [`Sink::resume_after`] asks for: handles what is due, and tries again to start what the client needs.
    pub fn resume(&self) {
        self.command(Writes::Now, Session::handle_timeout);
    }

    /// The certificates that [`Sink::ask_roots`] asks for, as PEM. They are those of the process from then on.
    pub fn answer_roots(&self, pem: &str) {
        answer_roots(pem);
    }

    fn change(&self, act: impl FnOnce(&mut Session<S::Payload>, Now)) -> Snapshot {
        self.command(Writes::Now, |session, now| {
            act(session, now);
            session.snapshot()
        })
    }

    fn command<R>(&self, writes: Writes, act: impl FnOnce(&mut Session<S::Payload>, Now) -> R) -> R {
        self.enter(writes, |core, sink, now| {
            let result = act(&mut core.session, now);
            (result, core.commit(sink))
        })
    }

    /// `act` commits what it does, and returns whether the sink was told anything.
    fn enter<R>(&self, writes: Writes, act: impl FnOnce(&mut Core<S::Payload>, &S, Now) -> (R, bool)) -> R {
        let shared = &self.shared;
        let now = shared.clock.now();
        let mut core = shared.lock();
        let (result, told) = act(&mut core, &shared.sink, now);
        let next = core.session.poll_timeout();
        let earlier = next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed));
        let unwritten = writes == Writes::Now && core.outbox.as_ref().is_some_and(|outbox| !outbox.is_empty());
        // Without a task nothing is armed, whatever it was.
        let earlier = earlier || (next.is_some() && !core.running);
        let must_run = earlier || unwritten || !core.actions.is_empty();
        let must_start = must_run && !core.running;
        core.running |= must_run;
        drop(core);
        if must_start {
            task::start(shared);
        } else if must_run {
            shared.nudge.notify_one();
        }
        if told {
            shared.sink.wake();
        }
        result
    }
}

impl<S: Sink> Drop for Handle<S> {
    fn drop(&mut self) {
        self.shared.lock().abandoned = true;
        self.shared.nudge.notify_one();
    }
}

/// Fresh from the system's generator.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).expect("the system has entropy");
    seed
}
