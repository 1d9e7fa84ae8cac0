//! An open WebSocket: reads in batches, writes what the outbox holds, and takes its leave.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::{
    io::ReadBuf,
    net::tcp::OwnedWriteHalf,
    time::{Sleep, sleep, timeout},
};

use super::{
    Sink,
    frames::{Message, Violation},
    handle::Shared,
    runtime::IoThread,
    wire::{Inlet, Outbox, Stop, Transport},
};
use crate::{
    protocol::{ConnectionId, Ending, Received},
    utf8,
};

/// One open connection.
pub(super) struct Open {
    pub(super) connection: ConnectionId,
    inlet: Inlet,
    /// Reading has stopped because nobody drains.
    paused: bool,
    /// Our close frame is in the outbox: what comes now is dropped, so there is no reason to stop reading.
    said_goodbye: bool,
    /// Writing has failed. What came before is still to be read, up to the end of the stream.
    broken: Option<Broken>,
}

struct Broken {
    error: io::Error,
    /// Runs while there is nothing to read: it ends the connection if the stream does not.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What one turn of reading brought; it may be nothing.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) messages: Vec<Inbound>,
    pub(super) ending: Option<Ending>,
    /// Of the newest ping: the others need no answer (RFC 6455 § 5.5.3).
    ping: Option<Bytes>,
    /// Of the messages, about.
    bytes: usize,
}

/// A message, as far as the protocol tells them apart.
pub(super) enum Inbound {
    /// UTF-8.
    Text(Box<Received>),
    /// Of so many bytes, and not UTF-8.
    Binary(usize),
}

impl Inbox {
    fn sort(&mut self, message: Message) {
        match message {
            Message::Text(text) => self.take(text),
            Message::Binary(bytes) => match utf8::text_of(bytes) {
                Ok(text) => self.take(text),
                Err(bytes) => {
                    self.bytes += bytes.len() + MESSAGE_OVERHEAD;
                    self.messages.push(Inbound::Binary(bytes.len()));
                }
            },
            Message::Ping(payload) => {
                self.bytes += MESSAGE_OVERHEAD;
                self.ping = Some(payload);
            }
            Message::Close { code, reason } => {
                self.ending = Some(Ending { code, reason: reason.to_string(), clean: true, too_large: false });
            }
        }
    }

    /// Splits the message here, where no lock is held.
    fn take(&mut self, text: ByteString) {
        self.bytes += text.len() + MESSAGE_OVERHEAD;
        self.messages.push(Inbound::Text(Box::new(Received::new(text))));
    }
}

impl Open {
    pub(super) fn new(connection: ConnectionId, inlet: Inlet) -> Self {
        Self { connection, inlet, paused: false, said_goodbye: false, broken: None }
    }

    /// Another handle of the socket for the JavaScript thread to write to, where the transport allows it.
    pub(super) fn tcp(&self) -> Option<Arc<OwnedWriteHalf>> {
        match &self.inlet.transport {
            Transport::Plain { write, .. } => Some(Arc::clone(write)),
            Transport::Tls(_) => None,
        }
    }

    /// When bytes last came.
    pub(super) fn last_read(&self) -> Duration {
        self.inlet.last_read
    }

    /// Our close frame was put into the outbox.
    pub(super) fn note_goodbye(&mut self) {
        self.said_goodbye = true;
    }

    /// Stops reading, or goes on.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Reading has stopped.
    pub(super) fn is_paused(&self) -> bool {
        self.paused && !self.said_goodbye
    }

    /// Writes what waits and reads what has come, up to a bound. Pending when all that can be done now is done.
    pub(super) fn poll_turn<S: Sink>(&mut self, cx: &mut Context<'_>, shared: &Shared<S>) -> Poll<Inbox> {
        let mut inbox = Inbox::default();
        let mut more = !self.is_paused() && self.read(cx, &mut inbox);
        if inbox.ending.is_none() {
            self.answer_ping(inbox.ping.take(), shared);
            if self.broken.is_some() {
                inbox.ending = if more || self.is_paused() { None } else { self.run_out_of_patience(cx) };
            } else if let Poll::Ready(Err(error)) = self.poll_write(cx, shared) {
                self.broken = Some(Broken { error, patience: None });
                more = true;
            }
        }
        if more || inbox.ending.is_some() || !inbox.messages.is_empty() { Poll::Ready(inbox) } else { Poll::Pending }
    }

    fn run_out_of_patience(&mut self, cx: &mut Context<'_>) -> Option<Ending> {
        let Broken { error, patience } = self.broken.as_mut()?;
        let patience = patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        patience.as_mut().poll(cx).is_ready().then(|| Ending::abnormal(error.to_string()))
    }

    /// True when there may be more, and nothing but the next turn will look for it.
    fn read(&mut self, cx: &mut Context<'_>, inbox: &mut Inbox) -> bool {
        while inbox.bytes < SPLIT_AT_ONCE {
            match self.inlet.poll_messages(cx, |message| inbox.sort(message)) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(stop)) => inbox.ending = Some(ending_of(stop)),
            }
            if inbox.ending.is_some() {
                return false;
            }
        }
        true
    }

    /// A pong takes its place among our frames.
    fn answer_ping<S: Sink>(&mut self, ping: Option<Bytes>, shared: &Shared<S>) {
        let Some(ping) = ping else { return };
        if let Some(outbox) = &mut shared.lock().outbox {
            outbox.push_pong(ping);
        }
    }

    fn poll_write<S: Sink>(&mut self, cx: &mut Context<'_>, shared: &Shared<S>) -> Poll<io::Result<()>> {
        let transport = &mut self.inlet.transport;
        loop {
            let Some(mut batch) = shared.lock().take_batch() else {
                return transport.poll_flush(cx);
            };
            let result = transport.poll_write_batch(cx, &mut batch);
            shared.lock().put_back(self.connection, batch);
            ready!(result)?;
        }
    }

    /// Sends what is left, then waits for the other side to hang up: a socket closed with bytes unread would be reset, and the
    /// close frame lost. Bounded, in the background, nothing is reported.
    pub(super) fn linger(self, outbox: Outbox, thread: Arc<IoThread>) {
        // From here on bytes are only bytes: what has come of a message can go.
        let transport = self.inlet.transport;
        let handle = thread.handle().clone();
        handle.spawn(async move {
            let _ = timeout(LINGER, take_leave(transport, outbox)).await;
            drop(thread);
        });
    }
}

/// Both directions at once: the other side may have to be heard out before it listens.
async fn take_leave(mut transport: Transport, mut outbox: Outbox) {
    let mut heard_out = false;
    poll_fn(|cx| {
        let said = poll_write_all(&mut transport, cx, &mut outbox);
        while !heard_out {
            let mut unheard = [0; DISCARDED_AT_ONCE];
            let mut unheard = ReadBuf::new(&mut unheard);
            let result = ready!(transport.poll_read(cx, &mut unheard));
            heard_out = result.is_err() || unheard.filled().is_empty();
        }
        said.map(|_| ())
    })
    .await;
}

fn poll_write_all(transport: &mut Transport, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
    while let Some(mut batch) = outbox.take() {
        let result = transport.poll_write_batch(cx, &mut batch);
        outbox.put_back(batch);
        ready!(result)?;
    }
    transport.poll_flush(cx)
}

/// The code of the close frame that an ending calls for: the peer's own back, or what its fault is called (RFC 6455 § 5.5.1 and § 7.4.1).
/// A peer that broke off hears nothing.
pub(super) fn farewell(ending: &Ending) -> Option<u16> {
    (ending.code != 1006).then_some(ending.code)
}

fn ending_of(stop: Stop) -> Ending {
    let violation = match stop {
        Stop::End => return Ending::abnormal("no close frame came"),
        Stop::Io(error) => return Ending::abnormal(error.to_string()),
        Stop::Violation(violation) => violation,
    };
    let code = match violation {
        Violation::TooLarge { .. } => 1009,
        Violation::NotUtf8 => 1007,
        Violation::Rule(_) => 1002,
    };
    Ending { code, reason: violation.to_string(), clean: false, too_large: code == 1009 }
}

/// Bytes of messages split before the session hears of them. So much is soon done, and while JavaScript works on it the next comes.
const SPLIT_AT_ONCE: usize = 16 * 1024;
/// What a message costs beyond its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// A stream that cannot be written to ends at once; this is for one that does not.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is read only to be thrown away.
const DISCARDED_AT_ONCE: usize = 16 * 1024;
/// As long as the session would wait for a closing handshake.
const LINGER: Duration = Duration::from_secs(2);
