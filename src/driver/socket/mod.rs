//! An open WebSocket: reads messages in batches, writes what the outbox holds, and ends the connection.

#[cfg(test)]
mod autobahn;
pub(super) mod deflate;
pub(super) mod frames;
pub(super) mod outbox;
pub(super) mod reader;
pub(super) mod transport;
#[expect(unsafe_code, reason = "the standard library checks UTF-8 again, and more slowly than what was used here")]
mod utf8;

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

use self::{
    frames::{Message, Violation},
    outbox::{Batch, Outbox, SharedOutbox},
    reader::{ReadError, Reader},
    transport::Transport,
};
use super::{dial::system_error::system_error, runtime::IoThread};
use mcp_protocol::{ConnectionId, Ending, Received};

/// The socket of one open connection.
pub(super) struct Socket {
    pub(super) connection: ConnectionId,
    transport: Transport,
    reader: Reader,
    /// Reading has stopped because nobody drains the sink.
    paused: bool,
    /// Our close frame is in the outbox: the session ignores what comes now, so there is no reason to stop reading.
    is_closing: bool,
    /// Writing has failed. What the server had sent before is still to be read, up to the end of the stream.
    write_failure: Option<WriteFailure>,
}

struct WriteFailure {
    error: io::Error,
    /// Runs while there is nothing to read: it ends the connection if the stream does not end.
    grace: Option<Pin<Box<Sleep>>>,
}

/// What one turn of reading brought; it may be nothing.
#[derive(Default)]
pub(super) struct Incoming {
    pub(super) messages: Vec<Inbound>,
    pub(super) ending: Option<Ending>,
    /// Payload of the newest ping: earlier ones need no answer (RFC 6455 § 5.5.3).
    ping: Option<Bytes>,
    /// About how many bytes the messages have.
    bytes: usize,
}

/// A message, as far as the protocol tells them apart.
pub(super) enum Inbound {
    /// UTF-8.
    Text(Box<Received>),
    /// Of so many bytes, and not UTF-8.
    Binary(usize),
}

impl Incoming {
    fn add(&mut self, message: Message) {
        match message {
            Message::Text(text) => self.add_text(text),
            Message::Binary(bytes) => match utf8::text_of(bytes) {
                Ok(text) => self.add_text(text),
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
    fn add_text(&mut self, text: ByteString) {
        self.bytes += text.len() + MESSAGE_OVERHEAD;
        self.messages.push(Inbound::Text(Box::new(Received::new(text))));
    }
}

impl Socket {
    pub(super) fn new(connection: ConnectionId, transport: Transport, reader: Reader) -> Self {
        Self { connection, transport, reader, paused: false, is_closing: false, write_failure: None }
    }

    /// See [`Transport::shared_writer`].
    pub(super) fn shared_writer(&self) -> Option<Arc<OwnedWriteHalf>> {
        self.transport.shared_writer()
    }

    /// When bytes last came.
    pub(super) fn last_read(&self) -> Duration {
        self.reader.last_read()
    }

    /// Our close frame was put into the outbox.
    pub(super) fn note_closing(&mut self) {
        self.is_closing = true;
    }

    /// Stops reading, or resumes it.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Reading has stopped.
    pub(super) fn is_paused(&self) -> bool {
        self.paused && !self.is_closing
    }

    /// Reads what has come, up to a bound, and writes what waits. Pending when all that can be done now is done.
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>, outbox: &impl SharedOutbox) -> Poll<Incoming> {
        let mut incoming = Incoming::default();
        let mut more = !self.is_paused() && self.read(cx, &mut incoming);
        if incoming.ending.is_none() {
            if let Some(ping) = incoming.ping.take() {
                outbox.push_pong(self.connection, ping);
            }
            if self.write_failure.is_some() {
                incoming.ending = if more || self.is_paused() { None } else { self.poll_grace(cx) };
            } else if let Poll::Ready(Err(error)) = self.poll_write(cx, outbox) {
                self.write_failure = Some(WriteFailure { error, grace: None });
                more = true;
            }
        }
        if more || incoming.ending.is_some() || !incoming.messages.is_empty() {
            Poll::Ready(incoming)
        } else {
            Poll::Pending
        }
    }

    /// The end of a connection that can neither be written to nor read from, once the grace period is over.
    fn poll_grace(&mut self, cx: &mut Context<'_>) -> Option<Ending> {
        let WriteFailure { error, grace } = self.write_failure.as_mut()?;
        let grace = grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
        grace.as_mut().poll(cx).is_ready().then(|| Ending::abnormal(system_error(error).words()))
    }

    /// True when there may be more to read, and only the next turn will look for it.
    fn read(&mut self, cx: &mut Context<'_>, incoming: &mut Incoming) -> bool {
        while incoming.bytes < SPLIT_AT_ONCE {
            match self.reader.poll_messages(cx, &mut self.transport, |message| incoming.add(message)) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => incoming.ending = Some(ending_of(error)),
            }
            if incoming.ending.is_some() {
                return false;
            }
        }
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, outbox: &impl SharedOutbox) -> Poll<io::Result<()>> {
        loop {
            let Some(mut batch) = outbox.take_batch(self.connection) else {
                return self.transport.poll_flush(cx);
            };
            let result = self.transport.poll_write_batch(cx, &mut batch);
            outbox.put_back(self.connection, batch);
            ready!(result)?;
        }
    }

    /// Writes what is left, then waits for the server to close the stream: a socket that is closed with bytes unread is
    /// reset, and the close frame lost. Bounded, in the background; nothing is reported.
    pub(super) fn linger(self, outbox: Outbox, thread: Arc<IoThread>) {
        // Messages are of no interest any more: what has come of one is freed now.
        let transport = self.transport;
        let handle = thread.handle().clone();
        handle.spawn(async move {
            let _ = timeout(LINGER, write_and_await_end(transport, outbox)).await;
            drop(thread);
        });
    }
}

/// Both directions at once: some servers read again only after they have written everything.
async fn write_and_await_end(mut transport: Transport, mut outbox: Outbox) {
    let mut has_ended = false;
    poll_fn(|cx| {
        let written = poll_write_all(&mut transport, cx, &mut outbox);
        while !has_ended {
            let mut ignored = [0; DISCARDED_AT_ONCE];
            let mut ignored = ReadBuf::new(&mut ignored);
            let result = ready!(transport.poll_read(cx, &mut ignored));
            has_ended = result.is_err() || ignored.filled().is_empty();
        }
        written.map(|_| ())
    })
    .await;
}

fn poll_write_all(transport: &mut Transport, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
    while let Some(mut batch) = outbox.take().map(Batch::compressed) {
        let result = transport.poll_write_batch(cx, &mut batch);
        outbox.put_back(batch);
        ready!(result)?;
    }
    transport.poll_flush(cx)
}

/// The code of the close frame that answers an ending: the server's own code, or the one for its violation (RFC 6455
/// § 5.5.1 and § 7.4.1). `None` if the server broke the connection off.
pub(super) fn close_code_of(ending: &Ending) -> Option<u16> {
    (ending.code != 1006).then_some(ending.code)
}

fn ending_of(error: ReadError) -> Ending {
    let violation = match error {
        ReadError::End => return Ending::abnormal("no close frame came"),
        // With TLS the end of the stream is an error if the other side has not announced it.
        ReadError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Ending::abnormal("no close frame came");
        }
        ReadError::Io(error) => return Ending::abnormal(system_error(&error).words()),
        ReadError::Violation(violation) => violation,
    };
    let code = match violation {
        Violation::TooLarge { .. } | Violation::InflatesTooLarge { .. } => 1009,
        Violation::NotUtf8 | Violation::Corrupt => 1007,
        Violation::CloseCode(_) | Violation::Rule(_) => 1002,
    };
    Ending { code, reason: violation.to_string(), clean: false, too_large: code == 1009 }
}

/// Bytes of messages split before the session gets them. These are split quickly, and the next ones arrive while
/// JavaScript works on them.
const SPLIT_AT_ONCE: usize = 16 * 1024;
/// What a message costs beyond its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// The stream of a socket that cannot be written to usually ends at once; this is for one that does not.
const GRACE: Duration = Duration::from_secs(1);
/// Bytes read only to be discarded.
const DISCARDED_AT_ONCE: usize = 16 * 1024;
/// As long as the session would wait for a closing handshake.
const LINGER: Duration = Duration::from_secs(2);
