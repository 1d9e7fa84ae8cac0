//! The loop of one client: its connection, its timer, its actions. It ends when there is nothing to wait for.

use std::{
    collections::VecDeque,
    future::{Future, pending, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};

use super::{
    Sink,
    core::{Racing, Shared},
    dial::{Dialed, Progress, Upgraded, Way, system_error::exhaustion},
    network,
    panics::words_of_panic,
    runtime::IoThread,
    socket::{Inbound, Incoming, Socket, close_code_of, outbox::Outbox, reader::Reader},
};
use mcp_protocol::{Action, ConnectionId, DialFailure, DialTrace, LogLevel, Now, SystemError};

type Dial = Pin<Box<dyn Future<Output = Result<Box<Dialed>, DialFailure>> + Send>>;

/// The connection that the client has now.
enum Connection {
    None,
    /// One dial, or those that race.
    Dialing(Vec<Attempt>),
    Open(Box<Socket>),
}

struct Attempt {
    connection: ConnectionId,
    stage: Stage,
}

impl Attempt {
    /// What its dial has done, unless that is over.
    fn trace(&self) -> Option<DialTrace> {
        match &self.stage {
            Stage::Dialing(_, progress) => Some(progress.trace()),
            Stage::Racing(_) => None,
        }
    }
}

enum Stage {
    Dialing(Dial, Arc<Progress>),
    /// Open; the session has not chosen one yet.
    Racing(Box<Socket>),
}

/// What ended a wait.
enum Wakeup {
    Nudged,
    Due,
    Dialed(ConnectionId, Result<Box<Dialed>, DialFailure>),
    Read(ConnectionId, Incoming),
    Drained,
    Network,
}

/// Starts the task of a client on the I/O thread.
pub(super) fn start<S: Sink>(shared: &Arc<Shared<S>>) {
    match IoThread::get() {
        Ok(thread) => drop(thread.handle().spawn(run(Arc::clone(shared), Arc::clone(&thread)))),
        Err(error) => fail_without_thread(shared, &exhaustion(&error)),
    }
}

/// Fails the dial that the client wants, like any other, and has its next deadline kept by the sink.
fn fail_without_thread<S: Sink>(shared: &Shared<S>, error: &SystemError) {
    let mut next = None;
    shared.input(|core, now| {
        core.running = false;
        core.armed = None;
        // There is no socket, so nothing but a dial can be done for anybody.
        for action in std::mem::take(&mut core.actions) {
            if let Action::Dial { connection, .. } = action {
                let failure = DialFailure::Exhausted { phase: None, error: error.clone() };
                core.session.handle_dial_failed(now, connection, failure);
            }
        }
        next = core.session.poll_timeout().map(|deadline| deadline.saturating_sub(now.mono));
    });
    if let Some(wait) = next {
        shared.sink.resume_after(wait);
    }
}

/// Runs a client until it has nothing to do. A panic fails this one client, never the process.
async fn run<S: Sink>(shared: Arc<Shared<S>>, thread: Arc<IoThread>) {
    let life = async {
        let mut task = Task {
            connection: Connection::None,
            is_full: shared.sink.is_full(),
            sleep: Box::pin(sleep(Duration::ZERO)),
            sleeps_until: None,
            shared: Arc::clone(&shared),
            network: thread.network().subscribe(),
            thread,
        };
        task.run().await;
    };
    if AssertUnwindSafe(life).catch_unwind().await.is_err() {
        shared.input(|core, now| {
            core.running = false;
            core.disconnect();
            core.racing.clear();
            core.actions.clear();
            core.session.handle_fault(now, &words_of_panic("the I/O task"));
            // They are about the socket, which is dropped already.
            while core.session.poll_action().is_some() {}
        });
    }
}

struct Task<S: Sink> {
    shared: Arc<Shared<S>>,
    thread: Arc<IoThread>,
    connection: Connection,
    is_full: watch::Receiver<bool>,
    network: watch::Receiver<network::News>,
    /// The one timer. It is never postponed; only firing clears it.
    sleep: Pin<Box<Sleep>>,
    sleeps_until: Option<Duration>,
}

impl<S: Sink> Task<S> {
    async fn run(&mut self) {
        while let Some((actions, armed)) = self.next_work() {
            if !actions.is_empty() {
                for action in actions {
                    self.perform(action).await;
                }
                continue;
            }
            self.set_timer(armed);
            let wakeup = self.wait().await;
            self.handle(wakeup).await;
        }
    }

    /// The actions to perform and the deadline to wait for; `None` when the task is to end.
    fn next_work(&mut self) -> Option<(VecDeque<Action>, Option<Duration>)> {
        let mut core = self.shared.lock();
        let next = core.session.poll_timeout();
        let idle = matches!(self.connection, Connection::None) && core.actions.is_empty() && next.is_none();
        if idle || core.abandoned {
            core.running = false;
            core.disconnect();
            core.racing.clear();
            return None;
        }
        // A timer that is no longer needed stays: it does nothing, and the next call need not wake this thread for
        // another one.
        core.armed = [next, self.sleeps_until].into_iter().flatten().min();
        Some((std::mem::take(&mut core.actions), core.armed))
    }

    fn set_timer(&mut self, armed: Option<Duration>) {
        if armed == self.sleeps_until {
            return;
        }
        self.sleeps_until = armed;
        if let Some(deadline) = armed {
            self.sleep.as_mut().reset(self.shared.clock.at(deadline));
        }
    }

    async fn wait(&mut self) -> Wakeup {
        let Self { shared, connection, is_full, network, sleep, sleeps_until, .. } = self;
        let paused = matches!(connection, Connection::Open(socket) if socket.is_paused());
        tokio::select! {
            // Time first: a server that floods must not delay the heartbeat. A nudge only ends the wait.
            biased;
            () = sleep.as_mut(), if sleeps_until.is_some() => Wakeup::Due,
            // The sender lives as long as the thread that runs this.
            _ = network.changed() => Wakeup::Network,
            wakeup = connection.next(shared) => wakeup,
            // The sender goes away with the JavaScript environment, and then the handle does too.
            _ = is_full.wait_for(|full| !full), if paused => Wakeup::Drained,
            () = shared.nudge.notified() => Wakeup::Nudged,
        }
    }

    async fn handle(&mut self, wakeup: Wakeup) {
        match wakeup {
            Wakeup::Nudged => {}
            Wakeup::Due => self.handle_due().await,
            Wakeup::Dialed(connection, Ok(dialed)) => {
                self.handle_open(connection, *dialed);
                self.thread.network().want();
            }
            Wakeup::Dialed(connection, Err(failure)) => {
                let trace = self.take_attempt(connection).and_then(|attempt| attempt.trace()).unwrap_or_default();
                self.thread.network().want();
                self.shared.input(|core, now| {
                    core.session.handle_dial_trace(now, connection, trace);
                    core.session.handle_dial_failed(now, connection, failure);
                });
            }
            Wakeup::Read(connection, incoming) => self.handle_incoming(connection, incoming).await,
            Wakeup::Drained => self.pause(false),
            Wakeup::Network => self.handle_network(),
        }
    }

    fn handle_network(&mut self) {
        let news = self.network.borrow_and_update().clone();
        self.shared.input(|core, now| match news {
            network::News::None => {}
            network::News::Changed => core.session.handle_network_changed(now),
            network::News::Unavailable(reason) => {
                core.session.note(LogLevel::Debug, &format!("changes of the network go unnoticed: {reason}"));
            }
        });
    }

    async fn handle_due(&mut self) {
        self.sleeps_until = None;
        // Bytes that have arrived by now may prove life: if the whole process was held up, they wait to be read. One
        // turn only, so that a flood does not hold up the time.
        if let Connection::Open(socket) = &mut self.connection {
            let connection = socket.connection;
            let turn = poll_fn(|cx| Poll::Ready(socket.poll_turn(cx, &*self.shared))).await;
            if let Poll::Ready(incoming) = turn {
                self.handle_incoming(connection, incoming).await;
            }
        }
        let read = match &self.connection {
            Connection::Open(socket) => Some((socket.connection, socket.last_read())),
            _ => None,
        };
        let traces = self.connection.traces();
        self.shared.input(|core, now| {
            for (connection, trace) in traces {
                core.session.handle_dial_trace(now, connection, trace);
            }
            if let Some((connection, mono)) = read {
                core.session.handle_bytes(Now { mono, ..now }, connection);
            }
            core.session.handle_timeout(now);
        });
    }

    fn handle_open(&mut self, connection: ConnectionId, Dialed { transport, upgraded }: Dialed) {
        let Upgraded { early, compression } = upgraded;
        let limit = self.shared.lock().session.config().max_message_size;
        let socket = Socket::new(connection, transport, Reader::new(early, limit, compression, self.shared.clock));
        let (outbox, tcp) = (Outbox::new(connection, compression), socket.shared_writer());
        let Some(dialed) = self.take_attempt(connection) else { return };
        let trace = dialed.trace().unwrap_or_default();
        self.add_attempt(Attempt { connection, stage: Stage::Racing(Box::new(socket)) });
        self.shared.input(|core, now| {
            core.racing.push(Racing { outbox, tcp });
            core.session.handle_dial_trace(now, connection, trace);
            core.session.handle_open(now, connection);
        });
        self.adopt_winner();
    }

    /// If the session has chosen one of the sockets, that is the connection. Actions to drop the others follow.
    fn adopt_winner(&mut self) {
        if !matches!(self.connection, Connection::Dialing(_)) {
            return;
        }
        let Some(winner) = self.shared.lock().outbox.as_ref().map(Outbox::connection) else { return };
        let Some(Attempt { stage: Stage::Racing(socket), .. }) = self.take_attempt(winner) else { return };
        self.connection = Connection::Open(socket);
    }

    fn add_attempt(&mut self, attempt: Attempt) {
        match &mut self.connection {
            Connection::Dialing(attempts) => attempts.push(attempt),
            _ => self.connection = Connection::Dialing(vec![attempt]),
        }
    }

    fn take_attempt(&mut self, connection: ConnectionId) -> Option<Attempt> {
        let Connection::Dialing(attempts) = &mut self.connection else { return None };
        let place = attempts.iter().position(|attempt| attempt.connection == connection)?;
        let attempt = attempts.swap_remove(place);
        if attempts.is_empty() {
            self.connection = Connection::None;
        }
        Some(attempt)
    }

    async fn handle_incoming(&mut self, connection: ConnectionId, incoming: Incoming) {
        let Incoming { messages, ending, .. } = incoming;
        let is_over = ending.is_some();
        let close_code = ending.as_ref().and_then(close_code_of);
        let (now, mut told) = (self.shared.clock.now(), false);
        for message in messages {
            // The lock is released between two messages: the JavaScript thread needs it for every call.
            told |= self.shared.apply(|core| match message {
                Inbound::Text(message) => core.session.handle_message(now, connection, message),
                Inbound::Binary(bytes) => core.session.handle_binary(now, connection, bytes),
            });
        }
        if let Some(ending) = ending {
            told |= self.shared.apply(|core| core.session.handle_closed(now, connection, ending));
        }
        if told {
            self.shared.sink.wake();
        }
        self.adopt_winner();
        if is_over {
            self.end_socket(connection, close_code).await;
        } else if *self.is_full.borrow() {
            self.pause(true);
        }
    }

    fn pause(&mut self, paused: bool) {
        let Connection::Open(socket) = &mut self.connection else { return };
        socket.pause(paused);
        let connection = socket.connection;
        self.shared.input(|core, now| core.session.handle_paused(now, connection, paused));
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { connection, endpoint } => self.start_dial(connection, endpoint),
            Action::Close { connection, code, reason } => {
                if let (Connection::Open(socket), Some(outbox)) = (&mut self.connection, &mut self.shared.lock().outbox)
                    && socket.connection == connection
                {
                    outbox.push_close(code, &reason);
                    socket.note_closing();
                }
            }
            Action::Drop { connection, close_code } => self.drop_connection(connection, close_code).await,
            // These go straight to the sink, under the session's lock.
            Action::AskToken(_) | Action::AskUrls(_) => {}
        }
    }

    fn start_dial(&mut self, connection: ConnectionId, endpoint: usize) {
        // The url function may have given another list since: then this dial is dropped at once.
        let Some(endpoint) = self.shared.lock().endpoints.get(endpoint).map(Arc::clone) else { return };
        let answer = self.shared.ask_proxy(connection, &endpoint);
        let limit = self.shared.lock().session.config().connect_timeout;
        let reported = Arc::clone(&self.shared);
        let report = Box::new(move |via| reported.input(|core, now| core.session.handle_via(now, connection, via)));
        let way = Way { answer, limit, report };
        let progress = Arc::new(Progress::start());
        let (shared, told) = (Arc::clone(&self.shared), Arc::clone(&progress));
        let dial = Box::pin(async move { shared.dialer.dial(&*shared, &endpoint, way, &told).await });
        self.add_attempt(Attempt { connection, stage: Stage::Dialing(dial, progress) });
    }

    async fn drop_connection(&mut self, connection: ConnectionId, close_code: Option<u16>) {
        match &self.connection {
            Connection::Open(socket) if socket.connection == connection => {
                if close_code.is_some() {
                    self.end_socket(connection, close_code).await;
                } else {
                    self.shared.lock().disconnect();
                    self.connection = Connection::None;
                }
            }
            _ => {
                self.take_attempt(connection);
                self.shared.lock().stop_racing(connection);
            }
        }
    }

    /// For the session the connection is over. A close frame that is still to be sent is sent in the background.
    async fn end_socket(&mut self, connection: ConnectionId, close_code: Option<u16>) {
        let (socket, outbox) = match self.take_attempt(connection) {
            Some(Attempt { stage: Stage::Racing(socket), .. }) => {
                (socket, self.shared.lock().stop_racing(connection).map(|racing| racing.outbox))
            }
            Some(_) => return,
            None => {
                let Connection::Open(socket) = std::mem::replace(&mut self.connection, Connection::None) else {
                    return;
                };
                (socket, self.shared.lock_between_writes().await.disconnect())
            }
        };
        let Some(mut outbox) = outbox else { return };
        if let Some(code) = close_code
            && !outbox.is_closing()
            && !outbox.is_within_a_frame()
        {
            outbox.push_close(code, "");
        }
        if outbox.is_closing() {
            socket.linger(outbox, Arc::clone(&self.thread));
        }
    }
}

impl Connection {
    async fn next<S: Sink>(&mut self, shared: &Shared<S>) -> Wakeup {
        match self {
            Self::None => pending().await,
            Self::Dialing(attempts) => poll_fn(|cx| poll_attempts(cx, attempts, shared)).await,
            Self::Open(socket) => {
                let incoming = poll_fn(|cx| socket.poll_turn(cx, shared)).await;
                Wakeup::Read(socket.connection, incoming)
            }
        }
    }

    /// How far the dials have come.
    fn traces(&self) -> Vec<(ConnectionId, DialTrace)> {
        let Self::Dialing(attempts) = self else { return Vec::new() };
        attempts.iter().filter_map(|attempt| Some((attempt.connection, attempt.trace()?))).collect()
    }
}

/// The first of them that has come to something.
fn poll_attempts<S: Sink>(cx: &mut Context<'_>, attempts: &mut [Attempt], shared: &Shared<S>) -> Poll<Wakeup> {
    for Attempt { connection, stage } in attempts {
        match stage {
            Stage::Dialing(dial, _) => {
                if let Poll::Ready(result) = dial.as_mut().poll(cx) {
                    return Poll::Ready(Wakeup::Dialed(*connection, result));
                }
            }
            Stage::Racing(socket) => {
                if let Poll::Ready(incoming) = socket.poll_turn(cx, shared) {
                    return Poll::Ready(Wakeup::Read(*connection, incoming));
                }
            }
        }
    }
    Poll::Pending
}
