//! A client whose events are recorded.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_client::driver::{Handle, Resolver, Sink};
use mcp_protocol::{
    Call, CallError, CloseInfo, Config, ConnectionId, ErrorData, Event, Jitter, MaxAttempts, Notice, Outcome, Route,
    Secret, Snapshot, TokenSource,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, watch},
};

use super::{
    server::{Raw, text_frame},
    within,
};

/// Names a command or call in the events.
pub(crate) type Tag = u32;

/// What the driver told.
#[derive(Debug)]
pub(crate) enum Seen {
    Notice(Box<Notice>),
    Message(Bytes),
    Settled(Tag, Outcome),
    AskToken(ConnectionId),
    AskProxy(ConnectionId, String),
    ResumeLater,
    AskRoots,
}

/// Sends everything on to the test.
pub(crate) struct Recorder {
    seen: mpsc::UnboundedSender<Seen>,
    full: Arc<watch::Sender<bool>>,
}

impl Sink for Recorder {
    type Payload = Tag;

    fn push(&self, event: Event<Tag>) {
        let seen = match event {
            Event::Notice(notice) => Seen::Notice(Box::new(notice)),
            Event::Message { text, .. } => Seen::Message(text.into_bytes()),
            Event::Settled { payload, outcome } => Seen::Settled(payload, outcome),
        };
        if matches!(&seen, Seen::Message(text) if text == FILL.as_bytes()) {
            self.full.send_replace(true);
        }
        // A test that has seen enough does not listen any more.
        let _ = self.seen.send(seen);
    }

    fn ask_token(&self, connection: ConnectionId) {
        let _ = self.seen.send(Seen::AskToken(connection));
    }

    fn ask_proxy(&self, connection: ConnectionId, server: &str) {
        let _ = self.seen.send(Seen::AskProxy(connection, server.to_owned()));
    }

    fn wake(&self) {}

    fn resume_after(&self, _: Duration) {
        let _ = self.seen.send(Seen::ResumeLater);
    }

    fn ask_roots(&self) {
        let _ = self.seen.send(Seen::AskRoots);
    }

    fn is_full(&self) -> watch::Receiver<bool> {
        self.full.subscribe()
    }
}

/// One client, and what it has told that no test has asked for yet.
pub(crate) struct Client {
    pub(crate) handle: Handle<Recorder>,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    /// False makes a full sink empty.
    pub(crate) full: Arc<watch::Sender<bool>>,
    unclaimed: VecDeque<Seen>,
    last_tag: Tag,
}

impl Client {
    /// In `idle`.
    pub(crate) fn new(url: &str, config: Config) -> Self {
        Self::on(route(url), config)
    }

    /// In `idle`.
    pub(crate) fn on(route: Route, config: Config) -> Self {
        Self::resolving(Resolver::system(), route, config)
    }

    /// In `idle`. It looks names up with this resolver.
    pub(crate) fn resolving(resolver: Arc<Resolver>, route: Route, config: Config) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let full = Arc::new(watch::Sender::new(false));
        let recorder = Recorder { seen: sender, full: Arc::clone(&full) };
        let handle = Handle::with_resolver(config, route, resolver, recorder).expect("the configuration is valid");
        Self { handle, seen, full, unclaimed: VecDeque::new(), last_tag: 0 }
    }

    /// On its way to `url`, with [`config`]'s options.
    pub(crate) fn connecting_to(url: &str) -> Self {
        Self::connecting(url, config())
    }

    /// On its way.
    pub(crate) fn connecting(url: &str, config: Config) -> Self {
        let mut client = Self::new(url, config);
        client.connect();
        client
    }

    pub(crate) fn tag(&mut self) -> Tag {
        self.last_tag += 1;
        self.last_tag
    }

    pub(crate) fn connect(&mut self) -> Tag {
        let tag = self.tag();
        self.handle.connect(tag);
        tag
    }

    pub(crate) fn reconnect(&mut self) -> Tag {
        let tag = self.tag();
        self.handle.reconnect(tag);
        tag
    }

    /// Closes without draining.
    pub(crate) fn close(&mut self, code: u16, reason: &str) -> Tag {
        let tag = self.tag();
        self.handle.close(code, reason, Duration::ZERO, tag);
        tag
    }

    /// A call without a timeout, not flushed.
    pub(crate) fn call(&mut self, name: &str, parameters: &str) -> Tag {
        self.call_within(None, name, parameters)
    }

    pub(crate) fn call_within(&mut self, timeout: Option<Duration>, name: &str, parameters: &str) -> Tag {
        let tag = self.tag();
        let call = Call { name, parameters: Some(parameters), timeout, ..Call::default() };
        self.handle.request(call, tag).expect("the call is taken");
        tag
    }

    /// The first thing told, now or earlier, that `wanted` takes; the rest waits for others to ask.
    pub(crate) async fn wait<T>(&mut self, what: &str, mut wanted: impl FnMut(&Seen) -> Option<T>) -> T {
        for (place, seen) in self.unclaimed.iter().enumerate() {
            if let Some(found) = wanted(seen) {
                self.unclaimed.remove(place);
                return found;
            }
        }
        let search = async {
            loop {
                let seen = self.seen.recv().await.expect("the client holds the other end");
                if let Some(found) = wanted(&seen) {
                    return found;
                }
                self.unclaimed.push_back(seen);
            }
        };
        match tokio::time::timeout(super::GUARD, search).await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain for {what}; what came instead: {}", told(&self.unclaimed)),
        }
    }

    pub(crate) async fn notice<T>(&mut self, what: &str, mut wanted: impl FnMut(&Notice) -> Option<T>) -> T {
        self.wait(what, |seen| match seen {
            Seen::Notice(notice) => wanted(notice),
            _ => None,
        })
        .await
    }

    /// The next change to the state of that name.
    pub(crate) async fn state(&mut self, name: &str) -> Snapshot {
        self.notice(name, |notice| match notice {
            Notice::State { snapshot, .. } if snapshot.state == name => Some(snapshot.clone()),
            _ => None,
        })
        .await
    }

    /// The next `error` event.
    pub(crate) async fn error(&mut self) -> ErrorData {
        self.notice("an error", |notice| match notice {
            Notice::Error { error } => Some(error.clone()),
            _ => None,
        })
        .await
    }

    /// The next `close` event.
    pub(crate) async fn closed(&mut self) -> CloseInfo {
        self.notice("a close event", |notice| match notice {
            Notice::Close { info } => Some(info.clone()),
            _ => None,
        })
        .await
    }

    /// The next message that is not the answer to the auth message.
    pub(crate) async fn message(&mut self) -> String {
        self.wait("a message", |seen| match seen {
            Seen::Message(text) if !text.starts_with(br#"{"id":"auth""#) => {
                Some(String::from_utf8(text.to_vec()).expect("UTF-8"))
            }
            _ => None,
        })
        .await
    }

    /// Has the server fill the sink: until `full` is made false again, nothing that is sent from now on is read.
    pub(crate) async fn stop_reading<S: AsyncRead + AsyncWrite + Unpin>(&mut self, server: &mut Raw<S>) {
        server.send(&text_frame(FILL)).await;
        while self.message().await != FILL {}
    }

    /// How that command or call ended.
    pub(crate) async fn outcome(&mut self, tag: Tag) -> Outcome {
        self.wait("the outcome of a command", |seen| match seen {
            Seen::Settled(settled, outcome) if *settled == tag => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    /// The results of that call, as text.
    pub(crate) async fn results(&mut self, tag: Tag) -> String {
        match self.outcome(tag).await {
            Outcome::Results(Some(json)) => json.to_string(),
            other => panic!("no results but {other:?}"),
        }
    }

    /// The error of that command or call.
    pub(crate) async fn failure(&mut self, tag: Tag) -> CallError {
        match self.outcome(tag).await {
            Outcome::Failed(error) => error,
            other => panic!("no failure but {other:?}"),
        }
    }

    pub(crate) async fn asked_for_token(&mut self) -> ConnectionId {
        self.wait("the question for the token", |seen| match seen {
            Seen::AskToken(connection) => Some(*connection),
            _ => None,
        })
        .await
    }

    pub(crate) async fn asked_for_proxy(&mut self) -> (ConnectionId, String) {
        self.wait("the question for the proxy", |seen| match seen {
            Seen::AskProxy(connection, server) => Some((*connection, server.clone())),
            _ => None,
        })
        .await
    }

    /// All that was told so far and that `wanted` takes.
    pub(crate) fn claim<T, C: FromIterator<T>>(&mut self, wanted: impl FnMut(&Seen) -> Option<T>) -> C {
        while let Ok(seen) = self.seen.try_recv() {
            self.unclaimed.push_back(seen);
        }
        self.unclaimed.iter().filter_map(wanted).collect()
    }

    /// Drops the handle: what it still told, up to the end of its task.
    pub(crate) async fn drop_handle(self) -> Vec<Seen> {
        let Self { handle, mut seen, .. } = self;
        drop(handle);
        let mut told = Vec::new();
        within("the end of the client's task", async {
            while let Some(event) = seen.recv().await {
                told.push(event);
            }
        })
        .await;
        told
    }
}

fn told(unclaimed: &VecDeque<Seen>) -> String {
    let lines = unclaimed.iter().map(|seen| format!("\n  {:.300}", format!("{seen:?}")));
    lines.rev().take(30).collect::<Vec<_>>().into_iter().rev().collect()
}

pub(crate) fn route(url: &str) -> Route {
    Route { url: url.to_owned(), ..Route::default() }
}

/// No heartbeat, no timeout of requests, and reconnects at once: what a test is not about must not disturb it, and no
/// timer must hide a lost wake-up.
pub(crate) fn config() -> Config {
    Config {
        token: TokenSource::Fixed(Secret::new("key")),
        connect_timeout: super::GUARD,
        auth_timeout: super::GUARD,
        request_timeout: None,
        heartbeat_interval: None,
        base_reconnect_delay: Duration::ZERO,
        slow_reconnect_delay: Duration::ZERO,
        reconnect_jitter: Jitter::Fraction(0.0),
        max_reconnect_attempts: MaxAttempts::Unlimited,
        ..Config::default()
    }
}

/// The message that fills the sink.
const FILL: &str = r#"{"fill":"the sink"}"#;
