//! The stream that a dial has so far: TCP, or TLS on it where the proxy speaks TLS.

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What the server is reached by.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}
