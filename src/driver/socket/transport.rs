//! The stream under a WebSocket: plain TCP, or TLS on it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::client::TlsStream;

use super::outbox::Batch;

/// What carries the bytes of a connection.
pub(crate) enum Transport {
    /// Both threads may write to it. Its halves know when a read has emptied the socket, and save the system call that
    /// would find nothing.
    Plain { read: OwnedReadHalf, write: Arc<OwnedWriteHalf> },
    /// Only the I/O thread uses it: one TLS session serves both directions.
    Tls(Box<TlsStream<TcpStream>>),
    /// TLS with the server, in TLS with a proxy.
    TlsInTls(Box<TlsStream<TlsStream<TcpStream>>>),
}

impl Transport {
    pub(crate) fn plain(tcp: TcpStream) -> Self {
        let (read, write) = tcp.into_split();
        Self::Plain { read, write: Arc::new(write) }
    }

    /// Another handle of the socket for the JavaScript thread to write to, if the transport allows it.
    pub(crate) fn shared_writer(&self) -> Option<Arc<OwnedWriteHalf>> {
        match self {
            Self::Plain { write, .. } => Some(Arc::clone(write)),
            Self::Tls(_) | Self::TlsInTls(_) => None,
        }
    }

    /// Writes as much of `batch` as the system takes now. `Ready` when all of it is written.
    pub(crate) fn poll_write_batch(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.unwritten().is_empty() {
            let count = ready!(self.poll_write(cx, batch.unwritten()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            batch.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain { write, .. } => poll_write_tcp(write, cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
            Self::TlsInTls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    /// The TLS layer takes more than the socket does, and passes the rest on only when it is flushed.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain { .. } => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
            Self::TlsInTls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain { read, .. } => Pin::new(read).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buf),
            Self::TlsInTls(tls) => Pin::new(&mut **tls).poll_read(cx, buf),
        }
    }
}

fn poll_write_tcp(tcp: &OwnedWriteHalf, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.as_ref().poll_write_ready(cx))?;
        match tcp.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}
