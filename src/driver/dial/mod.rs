//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod resolve;
mod tcp;
mod tls;
mod upgrade;

use std::io;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

pub(super) use self::endpoint::Endpoint;
use super::socket::transport::Transport;
use crate::protocol::{DialFailure, Remedy};

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    /// What came with the answer to the upgrade.
    pub(super) early: Vec<u8>,
}

impl Endpoint {
    /// Opens a WebSocket. The time it may take is the caller's to bound.
    pub(super) async fn dial(self) -> Result<Box<Dialed>, DialFailure> {
        let tcp = self.connect().await?;
        let transport = if self.secure { self.secure(tcp).await? } else { Transport::plain(tcp) };
        let (transport, early) =
            upgrade::upgrade(self.request.clone(), transport).await.map_err(|error| self.upgrade_failure(error))?;
        Ok(Box::new(Dialed { transport, early }))
    }

    async fn connect(&self) -> Result<TcpStream, DialFailure> {
        let failed = |error: io::Error| self.failure(&words(&error), Some(error.to_string()), Remedy::Time);
        let addresses = resolve::resolve(&self.host, self.port).await.map_err(|error| {
            self.failure(
                &format!("the name {} was not found (ENOTFOUND)", self.host),
                Some(error.to_string()),
                Remedy::Time,
            )
        })?;
        tcp::connect(addresses).await.map_err(failed)
    }

    async fn secure(&self, tcp: TcpStream) -> Result<Transport, DialFailure> {
        let config = tls::client_config().await.map_err(|error| {
            self.failure("the system's certificates could not be read", Some(error), Remedy::Configuration)
        })?;
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| self.failure("the host is no name that TLS can verify", None, Remedy::Configuration))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(|error| self.tls_failure(&error))?;
        Ok(Transport::Tls(Box::new(stream)))
    }

    fn tls_failure(&self, error: &io::Error) -> DialFailure {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (what, remedy) = match tls {
            Some(rustls::Error::InvalidCertificate(_)) => {
                ("the server's certificate does not verify".to_owned(), Remedy::Configuration)
            }
            Some(_) => ("the TLS handshake failed".to_owned(), Remedy::Configuration),
            None => (format!("the TLS handshake broke off: {}", words(error)), Remedy::Time),
        };
        self.failure(&what, Some(error.to_string()), remedy)
    }

    fn upgrade_failure(&self, error: tungstenite::Error) -> DialFailure {
        match error {
            tungstenite::Error::Http(response) => {
                let status = response.status();
                let remedy = match status.as_u16() {
                    401 | 403 => Remedy::Authorization,
                    408 | 425 | 429 | 500..=599 => Remedy::Time,
                    _ => Remedy::Configuration,
                };
                self.failure(&format!("the server answered the upgrade with HTTP {status}"), None, remedy)
            }
            tungstenite::Error::Io(error) => self.failure(
                &format!("the connection broke during the upgrade: {}", words(&error)),
                Some(error.to_string()),
                Remedy::Time,
            ),
            tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
                self.failure("the server closed the connection during the upgrade", None, Remedy::Time)
            }
            wrong => self.failure(
                "the answer to the upgrade is not a WebSocket handshake",
                Some(wrong.to_string()),
                Remedy::Configuration,
            ),
        }
    }

    fn failure(&self, what: &str, cause: Option<String>, remedy: Remedy) -> DialFailure {
        DialFailure { message: format!("cannot connect to {}: {what}", self.shown), cause, remedy }
    }
}

/// The error in a few words, with the code that Node.js users know where it has one.
fn words(error: &io::Error) -> String {
    let code = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused (ECONNREFUSED)",
        io::ErrorKind::ConnectionReset => "connection reset (ECONNRESET)",
        io::ErrorKind::TimedOut => "timed out (ETIMEDOUT)",
        io::ErrorKind::HostUnreachable => "host unreachable (EHOSTUNREACH)",
        io::ErrorKind::NetworkUnreachable => "network unreachable (ENETUNREACH)",
        io::ErrorKind::AddrNotAvailable => "address not available (EADDRNOTAVAIL)",
        io::ErrorKind::UnexpectedEof => "the other side closed the connection",
        _ => return error.to_string(),
    };
    code.to_owned()
}
