//! An open WebSocket: reads in batches, writes what the outbox holds, and takes its leave.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::{net::tcp::OwnedWriteHalf, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::{CapacityError, ProtocolError},
    },
};

use super::{
    Sink,
    handle::Shared,
    runtime::IoThread,
    wire::{Outbox, Transport, Wire},
};
use crate::protocol::{ConnectionId, Ending};

/// One open connection.
pub(super) struct Open {
    pub(super) connection: ConnectionId,
    socket: Box<WebSocketStream<Wire>>,
    /// Our close frame is in the outbox: the WebSocket layer's own answer to the peer's is not wanted.
    said_goodbye: bool,
    /// Reading has stopped because nobody drains.
    pub(super) paused: bool,
}

/// What one turn of reading brought.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) messages: Vec<Inbound>,
    pub(super) ending: Option<Ending>,
}

/// A message, as far as the protocol tells them apart.
pub(super) enum Inbound {
    /// UTF-8.
    Text(Bytes),
    /// Of so many bytes, and not UTF-8.
    Binary(usize),
}

impl Open {
    pub(super) fn new(connection: ConnectionId, socket: Box<WebSocketStream<Wire>>) -> Self {
        Self { connection, socket, said_goodbye: false, paused: false }
    }

    /// Another handle of the socket for the JavaScript thread to write to, where the transport allows it.
    pub(super) fn tcp(&self) -> Option<Arc<OwnedWriteHalf>> {
        match &self.socket.get_ref().transport {
            Transport::Plain { write, .. } => Some(Arc::clone(write)),
            Transport::Tls(_) => None,
        }
    }

    /// When bytes last came.
    pub(super) fn last_read(&self) -> Duration {
        self.socket.get_ref().last_read
    }

    pub(super) fn has_said_goodbye(&self) -> bool {
        self.said_goodbye
    }

    /// Our close frame was put into the outbox.
    pub(super) fn note_goodbye(&mut self) {
        self.said_goodbye = true;
    }

    /// Writes what waits and reads what has come, up to a bound. Pending when there is nothing to tell.
    pub(super) fn poll_turn<S: Sink>(&mut self, cx: &mut Context<'_>, shared: &Shared<S>) -> Poll<Inbox> {
        let mut inbox = Inbox::default();
        if !self.paused {
            self.read(cx, &mut inbox);
        }
        self.forward_replies(shared);
        if let Poll::Ready(Err(error)) = self.poll_write(cx, shared) {
            inbox.ending.get_or_insert_with(|| Ending::abnormal(error.to_string()));
        }
        if inbox.messages.is_empty() && inbox.ending.is_none() { Poll::Pending } else { Poll::Ready(inbox) }
    }

    fn read(&mut self, cx: &mut Context<'_>, inbox: &mut Inbox) {
        let mut bytes = 0;
        while bytes < READ_AT_ONCE {
            match Pin::new(&mut *self.socket).poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(message))) => {
                    bytes += message.len() + MESSAGE_OVERHEAD;
                    Self::sort(message, inbox);
                }
                Poll::Ready(Some(Err(error))) => inbox.ending = Some(ending_of(&error)),
                Poll::Ready(None) => inbox.ending = Some(Ending::abnormal("no close frame came")),
            }
            if inbox.ending.is_some() {
                return;
            }
        }
    }

    fn sort(message: Message, inbox: &mut Inbox) {
        match message {
            Message::Text(text) => inbox.messages.push(Inbound::Text(Bytes::from(text))),
            Message::Binary(bytes) if str::from_utf8(&bytes).is_ok() => inbox.messages.push(Inbound::Text(bytes)),
            Message::Binary(bytes) => inbox.messages.push(Inbound::Binary(bytes.len())),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(frame) => {
                let (code, reason) = frame.map_or((1005, String::new()), |f| (f.code.into(), f.reason.to_string()));
                inbox.ending = Some(Ending { code, reason, clean: true, too_large: false });
            }
        }
    }

    /// Pongs of the WebSocket layer take their place among our frames. (It answers a close frame too, if it is read once more; it is not.)
    fn forward_replies<S: Sink>(&mut self, shared: &Shared<S>) {
        let replies = std::mem::take(&mut self.socket.get_mut().replies);
        if replies.is_empty() || self.said_goodbye {
            return;
        }
        if let Some(outbox) = &mut shared.lock().outbox {
            outbox.push_raw(&replies);
        }
    }

    fn poll_write<S: Sink>(&mut self, cx: &mut Context<'_>, shared: &Shared<S>) -> Poll<io::Result<()>> {
        loop {
            let Some(mut batch) = shared.lock().take_batch() else {
                return Poll::Ready(Ok(()));
            };
            let result = self.socket.get_mut().transport.poll_write_batch(cx, &mut batch);
            shared.lock().put_back(self.connection, batch);
            match result {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        }
    }

    /// Sends what is left, then waits for the other side to hang up: a socket closed with bytes unread would be reset, and the
    /// close frame lost. Bounded, in the background, nothing is reported.
    pub(super) fn linger(mut self, outbox: Outbox, thread: Arc<IoThread>) {
        let handle = thread.handle().clone();
        handle.spawn(async move {
            let _ = timeout(LINGER, self.take_leave(outbox)).await;
            drop(thread);
        });
    }

    async fn take_leave(&mut self, mut outbox: Outbox) {
        while let Some(mut batch) = outbox.take() {
            let transport = &mut self.socket.get_mut().transport;
            if std::future::poll_fn(|cx| transport.poll_write_batch(cx, &mut batch)).await.is_err() {
                return;
            }
            outbox.put_back(batch);
        }
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// The close frame that an ending calls for, if the peer may still hear it: the peer's own code back, or what a broken rule is
/// called (RFC 6455 § 5.5.1 and § 7.4.1).
pub(super) fn farewell(ending: &Ending) -> Option<u16> {
    match ending.code {
        1006 => None,
        1005 => Some(1000),
        code => Some(code),
    }
}

fn ending_of(error: &Error) -> Ending {
    let broken = |code, reason: String| Ending { code, reason, clean: false, too_large: false };
    match error {
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => Ending {
            code: 1009,
            reason: format!("a message of {size} bytes is larger than maxMessageSize ({max_size} bytes)"),
            clean: false,
            too_large: true,
        },
        Error::Utf8(_) => broken(1007, "a text message was not UTF-8".to_owned()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::abnormal("no close frame came"),
        Error::Protocol(rule) => broken(1002, rule.to_string()),
        Error::Io(error) => Ending::abnormal(error.to_string()),
        other => Ending::abnormal(other.to_string()),
    }
}

/// Bytes read before the session hears of them.
const READ_AT_ONCE: usize = 256 * 1024;
/// What a message costs beyond its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// As long as the session would wait for a closing handshake.
const LINGER: Duration = Duration::from_secs(2);
