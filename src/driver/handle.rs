//! What the binding holds: commands that answer at once, and the state that they share with the I/O thread.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{TryRng, rngs::SysRng};
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify, task::yield_now};

use super::{
    Sink,
    clock::Clock,
    dial::Endpoint,
    runtime::{IoThread, THREAD_NAME},
    task,
    wire::{Batch, Outbox},
};
use crate::protocol::{
    Action, Call, Config, ConnectionId, Interest, LogLevel, Now, OptionError, Refused, RequestId, RequestKey, Secret,
    Session, Snapshot, Stats,
};

/// The name of the thread that all clients share, as debuggers show it.
pub fn shared_io_thread_name() -> &'static str {
    THREAD_NAME
}

/// One client. Dropping it drops its connection; nothing is told any more.
pub struct Handle<S: Sink> {
    shared: Arc<Shared<S>>,
}

/// Where the JavaScript thread and the I/O thread meet.
pub(super) struct Shared<S: Sink> {
    pub(super) sink: S,
    pub(super) clock: Clock,
    /// Wakes the client's task.
    pub(super) nudge: Notify,
    core: Mutex<Core<S::Payload>>,
}

/// What the lock guards.
pub(super) struct Core<T> {
    pub(super) session: Session<T>,
    /// Frames of the open connection.
    pub(super) outbox: Option<Outbox>,
    /// The open connection, where the JavaScript thread may write to it itself.
    pub(super) tcp: Option<Arc<OwnedWriteHalf>>,
    /// What the task is to do.
    pub(super) actions: VecDeque<Action>,
    /// What the task's timer is set to.
    pub(super) armed: Option<Duration>,
    /// The task exists.
    pub(super) running: bool,
    /// The handle is gone.
    pub(super) abandoned: bool,
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
    /// Errors: an option that HTTP does not allow.
    pub fn new(config: Config, sink: S) -> Result<Self, OptionError> {
        // Only to hear of what is wrong; the dial makes it again.
        Endpoint::new(&config)?;
        let clock = Clock::start();
        let mut session = Session::new(config, seed(), clock.now());
        session.set_interest(Interest::ALL);
        let core = Core {
            session,
            outbox: None,
            tcp: None,
            actions: VecDeque::new(),
            armed: None,
            running: false,
            abandoned: false,
        };
        let shared = Shared { sink, clock, nudge: Notify::new(), core: Mutex::new(core) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// See [`Session::connect`]. Returns the picture that the command left behind, before the I/O thread changes it again.
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

    /// The same for many: one lock serves all. Who is refused is told so by an event, as who is not; true if there was one.
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

    /// See [`Session::abort`].
    pub fn abort(&self, key: RequestKey) -> Option<S::Payload> {
        self.command(Writes::Now, |session, now| session.abort(now, key))
    }

    /// The answer of the user's token function, or its words when it failed.
    pub fn answer_token(&self, connection: ConnectionId, token: Result<Secret, String>) {
        self.command(Writes::Now, |session, now| session.handle_token(now, connection, token));
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

    /// See [`Session::stats`].
    pub fn stats(&self) -> Stats {
        self.shared.lock().session.stats()
    }

    /// Returns when the sink has all that the I/O thread is telling of this client now: the events of one input come together.
    pub fn await_commit(&self) {
        drop(self.shared.lock());
    }

    /// See [`Session::buffered_amount`].
    pub fn buffered_amount(&self) -> usize {
        self.shared.lock().session.buffered_amount()
    }

    /// See [`Session::config`].
    pub fn config(&self) -> Config {
        self.shared.lock().session.config().clone()
    }

    /// Has written what waits, many requests with one system call: from the calling thread, where the transport allows it, because that is
    /// cheaper than waking another; what the system does not take at once is left to the I/O thread.
    pub fn flush(&self) {
        if !self.shared.write_here() {
            self.shared.nudge.notify_one();
        }
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
        let must_run = earlier || unwritten || !core.actions.is_empty();
        let must_start = must_run && !core.running;
        core.running |= must_run;
        drop(core);
        if must_start {
            shared.start();
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

impl<S: Sink> Shared<S> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Core<S::Payload>> {
        // A panic under the lock is answered with `handle_fault`, which needs the lock.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks when no other thread is in the middle of writing. A writer never blocks, so this is soon.
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

    /// Gives the session an input from the I/O thread, and does what comes of it.
    pub(super) fn input(&self, act: impl FnOnce(&mut Core<S::Payload>, Now)) {
        let now = self.clock.now();
        if self.apply(|core| act(core, now)) {
            self.sink.wake();
        }
    }

    /// The same without the waking: true when the sink is to be woken.
    pub(super) fn apply(&self, act: impl FnOnce(&mut Core<S::Payload>)) -> bool {
        let mut core = self.lock();
        act(&mut core);
        core.commit(&self.sink)
    }

    fn start(self: &Arc<Self>) {
        match IoThread::get() {
            Ok(thread) => drop(thread.handle().spawn(task::run(Arc::clone(self), Arc::clone(&thread)))),
            Err(error) => self.input(|core, now| {
                core.running = false;
                core.session.handle_fault(now, &format!("the I/O thread could not be started: {error}"));
            }),
        }
    }

    /// Writes without waiting. False when the I/O thread has to go on with it.
    fn write_here(&self) -> bool {
        let (mut batch, connection, tcp) = {
            let mut core = self.lock();
            let Core { outbox: Some(outbox), tcp: Some(tcp), .. } = &mut *core else { return false };
            let tcp = Arc::clone(tcp);
            let connection = outbox.connection();
            match core.take_batch() {
                Some(batch) => (batch, connection, tcp),
                // Whoever writes looks again when it is done.
                None => return true,
            }
        };
        let result = tcp.try_write(batch.unwritten());
        if let Ok(count) = result {
            batch.advance(count);
        }
        let mut core = self.lock();
        core.put_back(connection, batch);
        result.is_ok() && core.outbox.as_ref().is_none_or(Outbox::is_empty)
    }
}

impl<T> Core<T> {
    /// Drains the session: frames to the outbox, actions to the task, events to the sink. True if there were events.
    pub(super) fn commit<S: Sink<Payload = T>>(&mut self, sink: &S) -> bool {
        while let Some(transmit) = self.session.poll_transmit() {
            if let Some(outbox) = &mut self.outbox {
                outbox.push(&transmit);
            }
        }
        // After the texts: one input may have made some, and then ended their connection.
        self.cut_what_is_given_up();
        let mut told = false;
        while let Some(event) = self.session.poll_event() {
            if !self.abandoned {
                sink.push(event);
                told = true;
            }
        }
        // After the events: who is asked for a token knows already what it is for.
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::AskToken(_) if self.abandoned => {}
                Action::AskToken(connection) => {
                    sink.ask_token(connection);
                    told = true;
                }
                other => self.actions.push_back(other),
            }
        }
        told
    }

    /// What the session sends elsewhere now must not leave here any more, whoever writes next.
    fn cut_what_is_given_up(&mut self) {
        let current = self.session.state().socket().map(|link| link.id);
        if let Some(outbox) = self.outbox.as_mut().filter(|outbox| Some(outbox.connection()) != current) {
            outbox.cut();
            self.tcp = None;
        }
    }

    /// Takes what waits to be written. Until it is put back, the session counts its texts as perhaps leaving.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        let outbox = self.outbox.as_mut()?;
        let batch = outbox.take()?;
        self.session.handle_writing(outbox.connection(), outbox.texts_in_front());
        Some(batch)
    }

    /// Returns a batch that was taken from the outbox, if its connection is still the one.
    pub(super) fn put_back(&mut self, connection: ConnectionId, batch: Batch) {
        if let Some(outbox) = self.outbox.as_mut().filter(|outbox| outbox.connection() == connection) {
            let left = outbox.put_back(batch);
            self.session.handle_written(connection, left);
        }
    }
}

/// Fresh from the system's generator.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).expect("the system has entropy");
    seed
}
