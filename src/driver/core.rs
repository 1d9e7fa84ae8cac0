//! What the JavaScript thread and the I/O thread of a client share: its session and its outbox, behind one lock.
//!
//! The lock is held for a few lines at a time, and never across a system call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    net::tcp::OwnedWriteHalf,
    sync::{Notify, oneshot},
    task::yield_now,
};

use super::{
    Sink,
    clock::Clock,
    dial::{Dialer, Endpoint, Owner, ProxyAnswer},
    socket::outbox::{Batch, Outbox, SharedOutbox},
};
use mcp_protocol::{Action, ConnectionId, LogLevel, Now, Secret, Session};

/// One client, as both threads know it.
pub(super) struct Shared<S: Sink> {
    pub(super) sink: S,
    pub(super) dialer: Dialer,
    pub(super) clock: Clock,
    /// Wakes the client's task.
    pub(super) nudge: Notify,
    core: Mutex<Core<S::Payload>>,
}

/// What both threads know of a socket that races.
pub(super) struct Racing {
    pub(super) outbox: Outbox,
    pub(super) tcp: Option<Arc<OwnedWriteHalf>>,
}

/// What the lock guards.
pub(super) struct Core<T> {
    pub(super) session: Session<T>,
    /// Where the session may have itself connected to.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// Frames of the open connection.
    pub(super) outbox: Option<Outbox>,
    /// The open connection, if the JavaScript thread may write to it itself.
    pub(super) tcp: Option<Arc<OwnedWriteHalf>>,
    /// Sockets that are open, and of which the session has not yet chosen one.
    pub(super) racing: Vec<Racing>,
    /// What the task is to do.
    pub(super) actions: VecDeque<Action>,
    /// The dials that wait for an answer of the user's proxy function.
    pub(super) proxy_asked: Vec<(ConnectionId, oneshot::Sender<Option<Secret>>)>,
    /// What the task's timer is set to.
    pub(super) armed: Option<Duration>,
    /// The task exists.
    pub(super) running: bool,
    /// The handle is gone.
    pub(super) abandoned: bool,
}

impl<S: Sink> Shared<S> {
    /// A client whose task does not run yet.
    pub(super) fn new(
        session: Session<S::Payload>,
        endpoints: Vec<Arc<Endpoint>>,
        dialer: Dialer,
        clock: Clock,
        sink: S,
    ) -> Self {
        let core = Core {
            session,
            endpoints,
            outbox: None,
            tcp: None,
            racing: Vec::new(),
            actions: VecDeque::new(),
            proxy_asked: Vec::new(),
            armed: None,
            running: false,
            abandoned: false,
        };
        Self { sink, dialer, clock, nudge: Notify::new(), core: Mutex::new(core) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core<S::Payload>> {
        // A panic under the lock is answered with `handle_fault`, which needs the lock.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks when no other thread is in the middle of writing. A writer never blocks, so the wait is short.
    pub(super) async fn lock_between_writes(&self) -> MutexGuard<'_, Core<S::Payload>> {
        loop {
            {
                let core = self.lock();
                if !core.outbox.as_ref().is_some_and(Outbox::is_taken) {
                    return core;
                }
            }
            yield_now().await;
        }
    }

    /// Gives the session an input from the I/O thread, carries out what follows, and wakes the sink if it was given
    /// anything.
    pub(super) fn input(&self, act: impl FnOnce(&mut Core<S::Payload>, Now)) {
        let now = self.clock.now();
        if self.apply(|core| act(core, now)) {
            self.sink.wake();
        }
    }

    /// Asks the user's proxy function about a dial, if there is such a function.
    pub(super) fn ask_proxy(&self, connection: ConnectionId, endpoint: &Endpoint) -> Option<ProxyAnswer> {
        let server = endpoint.proxy_question()?;
        let (sender, answer) = oneshot::channel();
        let mut core = self.lock();
        // Those of dials that were given up are closed.
        core.proxy_asked.retain(|(_, dial)| !dial.is_closed());
        core.proxy_asked.push((connection, sender));
        if !core.abandoned {
            self.sink.ask_proxy(connection, &server);
        }
        drop(core);
        self.sink.wake();
        Some(answer)
    }

    /// Like `input`, but leaves the waking to the caller: true if the sink is to be woken.
    pub(super) fn apply(&self, act: impl FnOnce(&mut Core<S::Payload>)) -> bool {
        let mut core = self.lock();
        act(&mut core);
        core.commit(&self.sink)
    }

    /// Writes from the calling thread, without waiting. False if the I/O thread has to write the rest.
    pub(super) fn try_write(&self) -> bool {
        let (mut batch, connection, tcp) = {
            let mut core = self.lock();
            let Core { outbox: Some(outbox), tcp: Some(tcp), .. } = &mut *core else { return false };
            if outbox.is_slow_to_compress() {
                return false;
            }
            let tcp = Arc::clone(tcp);
            let connection = outbox.connection();
            match core.take_batch(connection) {
                Some(batch) => (batch, connection, tcp),
                // The thread that is writing looks again when it is done.
                None => return true,
            }
        };
        batch = batch.compressed();
        let result = tcp.try_write(batch.unwritten());
        if let Ok(count) = result {
            batch.advance(count);
        }
        let mut core = self.lock();
        core.put_back(connection, batch);
        result.is_ok() && core.outbox.as_ref().is_none_or(Outbox::is_empty)
    }
}

impl<S: Sink> Owner for Shared<S> {
    fn note(&self, level: LogLevel, message: &str) {
        self.input(|core, _| core.session.note(level, message));
    }

    fn ask_roots(&self) {
        self.sink.ask_roots();
    }
}

impl<S: Sink> SharedOutbox for Shared<S> {
    fn take_batch(&self, connection: ConnectionId) -> Option<Batch> {
        let batch = self.lock().take_batch(connection);
        // The lock is released.
        batch.map(Batch::compressed)
    }

    fn put_back(&self, connection: ConnectionId, batch: Batch) {
        self.lock().put_back(connection, batch);
    }

    fn push_pong(&self, connection: ConnectionId, ping: Bytes) {
        if let Some(outbox) = self.lock().outbox_of(connection) {
            outbox.push_pong(ping);
        }
    }
}

impl<T> Core<T> {
    /// Drains the session: frames to the outbox, actions to the task, events to the sink. True if there were events.
    pub(super) fn commit<S: Sink<Payload = T>>(&mut self, sink: &S) -> bool {
        while let Some(transmit) = self.session.poll_transmit() {
            if let Some(outbox) = self.outbox_of(transmit.connection) {
                outbox.push(&transmit);
            }
        }
        self.adopt_winner();
        // After the texts: one input may have made some, and then ended their connection.
        self.discard_abandoned();
        let mut told = false;
        while let Some(event) = self.session.poll_event() {
            if !self.abandoned {
                sink.push(event);
                told = true;
            }
        }
        // After the events: whoever is asked for a token already knows what it is for.
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::AskToken(_) | Action::AskUrls(_) if self.abandoned => {}
                Action::AskUrls(asked) => {
                    sink.ask_urls(asked);
                    told = true;
                }
                Action::AskToken(connection) => {
                    sink.ask_token(connection);
                    told = true;
                }
                other => self.actions.push_back(other),
            }
        }
        told
    }

    /// The outbox of a connection that is open, or races to become it.
    fn outbox_of(&mut self, connection: ConnectionId) -> Option<&mut Outbox> {
        let racing = self.racing.iter_mut().map(|racing| &mut racing.outbox);
        self.outbox.iter_mut().chain(racing).find(|outbox| outbox.connection() == connection)
    }

    /// If the session has chosen one of the sockets, that is the open connection.
    fn adopt_winner(&mut self) {
        if self.racing.is_empty() {
            return;
        }
        let Some(current) = self.session.state().connection() else { return };
        if let Some(Racing { outbox, tcp }) = self.stop_racing(current) {
            self.outbox = Some(outbox);
            self.tcp = tcp;
        }
    }

    /// The socket does not race any more.
    pub(super) fn stop_racing(&mut self, connection: ConnectionId) -> Option<Racing> {
        let place = self.racing.iter().position(|racing| racing.outbox.connection() == connection)?;
        let stopped = self.racing.swap_remove(place);
        if self.racing.is_empty() {
            // Most clients have one socket at a time: the room for four would be a twentieth of their memory.
            self.racing = Vec::new();
        }
        Some(stopped)
    }

    /// The open connection is over: nothing is written to it any more.
    pub(super) fn disconnect(&mut self) -> Option<Outbox> {
        self.tcp = None;
        self.outbox.take()
    }

    /// What the session now sends on another connection must not leave on this one any more, whoever writes next.
    fn discard_abandoned(&mut self) {
        let current = self.session.state().socket().map(|socket| socket.id);
        if let Some(outbox) = self.outbox.as_mut().filter(|outbox| Some(outbox.connection()) != current) {
            outbox.discard();
            self.tcp = None;
        }
    }

    /// Takes what waits to be written. Until it is put back, the session counts its texts as perhaps sent.
    fn take_batch(&mut self, connection: ConnectionId) -> Option<Batch> {
        let outbox = self.outbox_of(connection)?;
        let batch = outbox.take()?;
        let count = outbox.texts_in_front();
        self.session.handle_writing(connection, count);
        Some(batch)
    }

    /// Puts a batch back into the outbox that it was taken from, if that is still there.
    fn put_back(&mut self, connection: ConnectionId, batch: Batch) {
        if let Some(outbox) = self.outbox_of(connection) {
            let sent = outbox.put_back(batch);
            self.session.handle_written(connection, sent);
        }
    }
}
