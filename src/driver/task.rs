//! The loop of one client: its line, its timer, its actions. It ends when there is nothing to wait for.

use std::{
    future::{Future, pending, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};

use super::{
    Sink,
    dial::Endpoint,
    handle::{Core, Shared},
    network,
    open::{Inbound, Inbox, Open, farewell},
    runtime::IoThread,
    wire::{Inlet, Outbox},
};
use crate::protocol::{Action, ConnectionId, DialFailure, LogLevel, Now};

type Dial = Pin<Box<dyn Future<Output = Result<Box<Inlet>, DialFailure>> + Send>>;

/// The connection of the moment.
enum Line {
    None,
    Dialing(ConnectionId, Dial),
    Open(Box<Open>),
}

/// What one wait brought.
enum News {
    Nudged,
    Due,
    Dialed(ConnectionId, Result<Box<Inlet>, DialFailure>),
    Read(Inbox),
    Drained,
    Network,
}

/// Runs a client until it has nothing to do. A panic in it is the client's own fault, never the process's.
pub(super) async fn run<S: Sink>(shared: Arc<Shared<S>>, thread: Arc<IoThread>) {
    let life = async {
        let mut task = Task {
            line: Line::None,
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
            core.hang_up();
            core.actions.clear();
            core.session.handle_fault(now, "the I/O task panicked; please report it");
            // The socket is gone already.
            while core.session.poll_action().is_some() {}
        });
    }
}

struct Task<S: Sink> {
    shared: Arc<Shared<S>>,
    thread: Arc<IoThread>,
    line: Line,
    is_full: watch::Receiver<bool>,
    network: watch::Receiver<network::News>,
    /// The one timer; it is only ever moved forward in time by going off.
    sleep: Pin<Box<Sleep>>,
    sleeps_until: Option<Duration>,
}

impl<S: Sink> Task<S> {
    async fn run(&mut self) {
        loop {
            let (actions, armed) = {
                let mut core = self.shared.lock();
                let next = core.session.poll_timeout();
                let idle = matches!(self.line, Line::None) && core.actions.is_empty() && next.is_none();
                if idle || core.abandoned {
                    core.running = false;
                    core.hang_up();
                    return;
                }
                // An alarm that is no longer needed stays: it does nothing, and the next call need not wake this thread for another.
                core.armed = [next, self.sleeps_until].into_iter().flatten().min();
                (std::mem::take(&mut core.actions), core.armed)
            };
            if !actions.is_empty() {
                for action in actions {
                    self.perform(action).await;
                }
                continue;
            }
            self.set_timer(armed);
            let news = self.wait().await;
            self.report(news).await;
        }
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

    async fn wait(&mut self) -> News {
        let Self { shared, line, is_full, network, sleep, sleeps_until, .. } = self;
        let paused = matches!(line, Line::Open(open) if open.is_paused());
        tokio::select! {
            // Time first: a server that floods must not delay the heartbeat. A nudge only ends the wait.
            biased;
            () = sleep.as_mut(), if sleeps_until.is_some() => News::Due,
            // The sender is with the thread that runs this.
            _ = network.changed() => News::Network,
            news = line.next(shared) => news,
            // The sender goes away with the JavaScript environment, and then the handle does too.
            _ = is_full.wait_for(|full| !full), if paused => News::Drained,
            () = shared.nudge.notified() => News::Nudged,
        }
    }

    async fn report(&mut self, news: News) {
        match news {
            News::Nudged => {}
            News::Due => self.time_passed().await,
            News::Dialed(connection, Ok(inlet)) => {
                self.opened(connection, *inlet);
                self.thread.network().want();
            }
            News::Dialed(connection, Err(failure)) => {
                self.line = Line::None;
                self.thread.network().want();
                self.shared.input(|core, now| core.session.handle_dial_failed(now, connection, failure));
            }
            News::Read(inbox) => self.read(inbox).await,
            News::Drained => self.pause(false),
            News::Network => self.hear_of_network(),
        }
    }

    fn hear_of_network(&mut self) {
        let news = self.network.borrow_and_update().clone();
        self.shared.input(|core, now| match news {
            network::News::None => {}
            network::News::Changed => core.session.handle_network_changed(now),
            network::News::Unavailable(reason) => {
                core.session.note(LogLevel::Debug, &format!("changes of the network go unnoticed: {reason}"));
            }
        });
    }

    async fn time_passed(&mut self) {
        self.sleeps_until = None;
        // What has come by now may prove life: when the whole process was held up, it waits to be read. One turn of it, lest a flood
        // hold up the time.
        if let Line::Open(open) = &mut self.line {
            let turn = poll_fn(|cx| Poll::Ready(open.poll_turn(cx, &self.shared))).await;
            if let Poll::Ready(inbox) = turn {
                self.read(inbox).await;
            }
        }
        let read = match &self.line {
            Line::Open(open) => Some((open.connection, open.last_read())),
            _ => None,
        };
        self.shared.input(|core, now| {
            if let Some((connection, mono)) = read {
                core.session.handle_bytes(Now { mono, ..now }, connection);
            }
            core.session.handle_timeout(now);
        });
    }

    fn opened(&mut self, connection: ConnectionId, inlet: Inlet) {
        let open = Open::new(connection, inlet);
        let (outbox, tcp) = (Outbox::new(connection), open.tcp());
        self.line = Line::Open(Box::new(open));
        self.shared.input(|core, now| {
            core.outbox = Some(outbox);
            core.tcp = tcp;
            core.session.handle_open(now, connection);
        });
    }

    async fn read(&mut self, inbox: Inbox) {
        let Line::Open(open) = &self.line else { return };
        let connection = open.connection;
        let Inbox { messages, ending, .. } = inbox;
        let is_over = ending.is_some();
        let farewell = ending.as_ref().and_then(farewell);
        let (now, mut told) = (self.shared.clock.now(), false);
        for message in messages {
            // The lock is let go between two messages: the JavaScript thread wants it for every call.
            told |= self.shared.apply(|core| match &message {
                Inbound::Text(message) => core.session.handle_message(now, connection, message),
                Inbound::Binary(bytes) => core.session.handle_binary(now, connection, *bytes),
            });
        }
        if let Some(ending) = ending {
            told |= self.shared.apply(|core| core.session.handle_closed(now, connection, ending));
        }
        if told {
            self.shared.sink.wake();
        }
        if is_over {
            self.leave(farewell).await;
        } else if *self.is_full.borrow() {
            self.pause(true);
        }
    }

    fn pause(&mut self, paused: bool) {
        let Line::Open(open) = &mut self.line else { return };
        open.pause(paused);
        let connection = open.connection;
        self.shared.input(|core, now| core.session.handle_paused(now, connection, paused));
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Dial(connection) => {
                let endpoint = Endpoint::new(self.shared.lock().session.config()).expect("the handle was made with it");
                self.line = Line::Dialing(connection, Box::pin(endpoint.dial(self.shared.clock)));
            }
            Action::Close { connection, code, reason } => {
                if let (Line::Open(open), Some(outbox)) = (&mut self.line, &mut self.shared.lock().outbox)
                    && open.connection == connection
                {
                    outbox.push_close(code, &reason);
                    open.note_goodbye();
                }
            }
            Action::Drop { connection, close_code: farewell } => self.drop_line(connection, farewell).await,
            // The session's lock hands these straight to the sink.
            Action::AskToken(_) => {}
        }
    }

    async fn drop_line(&mut self, connection: ConnectionId, farewell: Option<u16>) {
        match &self.line {
            Line::Open(open) if open.connection == connection => {
                if farewell.is_some() {
                    self.leave(farewell).await;
                } else {
                    self.shared.lock().hang_up();
                    self.line = Line::None;
                }
            }
            Line::Dialing(dialing, _) if *dialing == connection => self.line = Line::None,
            _ => {}
        }
    }

    /// The connection is over for the session. What is still to be said there is said in the background.
    async fn leave(&mut self, farewell: Option<u16>) {
        let Line::Open(open) = std::mem::replace(&mut self.line, Line::None) else { return };
        let Some(mut outbox) = self.shared.lock_between_writes().await.hang_up() else { return };
        if let Some(code) = farewell
            && !outbox.is_closing()
            && !outbox.is_within_a_frame()
        {
            outbox.push_close(code, "");
        }
        if outbox.is_closing() {
            open.linger(outbox, Arc::clone(&self.thread));
        }
    }
}

impl Line {
    async fn next<S: Sink>(&mut self, shared: &Shared<S>) -> News {
        match self {
            Self::None => pending().await,
            Self::Dialing(connection, dial) => {
                let result = dial.await;
                News::Dialed(*connection, result)
            }
            Self::Open(open) => News::Read(poll_fn(|cx| open.poll_turn(cx, shared)).await),
        }
    }
}

impl<T> Core<T> {
    /// Nobody writes to this connection any more.
    fn hang_up(&mut self) -> Option<Outbox> {
        self.tcp = None;
        self.outbox.take()
    }
}
