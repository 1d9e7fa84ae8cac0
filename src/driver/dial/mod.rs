//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod head;
mod progress;
mod resolve;
mod suspects;
pub(super) mod system_error;
mod tcp;
mod thread;
mod tls;
mod upgrade;

use std::sync::Arc;

use tokio::net::TcpStream;

pub use self::resolve::{Resolve, Resolver};
pub(super) use self::{endpoint::Endpoint, progress::Progress};
use self::{resolve::Turn, suspects::Suspects, upgrade::upgrade};
use super::socket::transport::Transport;
use mcp_protocol::{DialFailure, DialPhase, TlsFailure, UpgradeFailure};

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    /// What came after the answer to the upgrade.
    pub(super) early: Vec<u8>,
}

/// Dials for one client, and what it learns from one dial for the next.
pub(super) struct Dialer {
    resolver: Arc<Resolver>,
    turn: Turn,
    suspects: Suspects,
}

impl Dialer {
    pub(super) fn new(resolver: Arc<Resolver>) -> Self {
        Self { resolver, turn: Turn::default(), suspects: Suspects::default() }
    }

    /// Opens a stream to the endpoint. The caller bounds the time that it may take.
    pub(super) async fn dial(&self, endpoint: &Endpoint, progress: &Progress) -> Result<Box<Dialed>, DialFailure> {
        progress.enter(DialPhase::Name);
        let addresses = self.resolver.resolve(&self.turn, &endpoint.host, endpoint.port).await?;
        progress.enter(DialPhase::Tcp);
        let tcp = tcp::connect(self.suspects.put_last(tcp::interleave(addresses))).await.map_err(tcp_failure)?;
        let address = tcp.peer_addr().ok();
        // Until it has opened a WebSocket, or refused to in so many words. If this is dropped, because the time is
        // over, it stays one.
        self.suspects.suspect(address);
        let dialed = open(endpoint, progress, tcp).await;
        if !dialed.as_ref().is_err_and(breaks_off) {
            self.suspects.trust(address);
        }
        dialed
    }
}

/// From a TCP connection to an open WebSocket.
async fn open(endpoint: &Endpoint, progress: &Progress, mut tcp: TcpStream) -> Result<Box<Dialed>, DialFailure> {
    let (transport, early) = if endpoint.secure {
        progress.enter(DialPhase::Tls);
        let mut tls = tls::connect(&endpoint.host, tcp).await?;
        progress.enter(DialPhase::Upgrade);
        let early = upgrade(&mut tls, endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::Tls(Box::new(tls)), early)
    } else {
        progress.enter(DialPhase::Upgrade);
        let early = upgrade(&mut tcp, endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::plain(tcp), early)
    };
    Ok(Box::new(Dialed { transport, early }))
}

fn tcp_failure(error: mcp_protocol::SystemError) -> DialFailure {
    if error.is_exhaustion() {
        return DialFailure::Exhausted { phase: Some(DialPhase::Tcp), error };
    }
    DialFailure::Tcp(error)
}

/// The address took the connection, and then dropped it.
fn breaks_off(failure: &DialFailure) -> bool {
    matches!(
        failure,
        DialFailure::Tls(TlsFailure::Closed(_) | TlsFailure::Broken(_))
            | DialFailure::Upgrade(UpgradeFailure::Closed | UpgradeFailure::Broken(_))
    )
}
