//! Reads messages from the transport of an open WebSocket.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncReadExt, ReadBuf};

use super::{
    deflate::Agreement,
    frames::{Frames, Message, Violation},
    transport::Transport,
};
use crate::driver::clock::Clock;

/// The reading side of a socket. An idle one keeps no buffer.
pub(crate) struct Reader {
    /// Bytes that came with the answer to the upgrade.
    early: Vec<u8>,
    frames: Frames,
    last_read: Duration,
    clock: Clock,
}

/// Why there is nothing more to read.
pub(crate) enum ReadError {
    /// The end of the stream.
    End,
    Io(io::Error),
    Violation(Violation),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Violation> for ReadError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl Reader {
    /// `early` is what came after the answer to the upgrade, just now. A message may have `limit` bytes, when inflated.
    pub(crate) fn new(early: Vec<u8>, limit: usize, compression: Option<Agreement>, clock: Clock) -> Self {
        Self { early, frames: Frames::new(limit, compression), last_read: clock.now().mono, clock }
    }

    /// When bytes last came.
    pub(crate) fn last_read(&self) -> Duration {
        self.last_read
    }

    /// Reads once, and passes each completed message to `take`, up to a close frame.
    pub(crate) fn poll_messages(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
        take: impl FnMut(Message),
    ) -> Poll<Result<(), ReadError>> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            return Poll::Ready(Ok(self.frames.take_all(&early, take)?));
        }
        // Straight into the memory of the message. The TLS layer would fill that memory with zeros first.
        if let Transport::Plain { read, .. } = transport
            && let Some(mut room) = self.frames.room(READ_AT_ONCE)
        {
            let count = ready!(pin!(read.read_buf(&mut room)).poll(cx))?;
            self.note_read(count)?;
            self.frames.filled(count)?.into_iter().for_each(take);
            return Poll::Ready(Ok(()));
        }
        let mut room = [MaybeUninit::uninit(); READ_AT_ONCE];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(transport.poll_read(cx, &mut room))?;
        self.note_read(room.filled().len())?;
        Poll::Ready(Ok(self.frames.take_all(room.filled(), take)?))
    }

    fn note_read(&mut self, count: usize) -> Result<(), ReadError> {
        if count == 0 {
            return Err(ReadError::End);
        }
        self.last_read = self.clock.now().mono;
        Ok(())
    }
}

/// Bytes. These are read and split quickly, and the next ones arrive while JavaScript works on them.
const READ_AT_ONCE: usize = 16 * 1024;
