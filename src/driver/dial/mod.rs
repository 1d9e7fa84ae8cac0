//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod extensions;
mod head;
mod owner;
mod progress;
mod resolve;
mod suspects;
pub(super) mod system_error;
mod tcp;
mod thread;
mod tls;
mod tls_error;
mod upgrade;

use std::sync::Arc;

use tokio::{io::AsyncReadExt, net::TcpStream};

pub use self::resolve::{Resolve, Resolver};
pub(super) use self::tls::answer_roots;
pub(super) use self::upgrade::Upgraded;
pub(super) use self::{endpoint::Endpoint, owner::Owner, progress::Progress};
use self::{
    resolve::Turn,
    suspects::Suspects,
    tls::{Encrypted, Tls},
    tls_error::tls_error,
    upgrade::upgrade,
};
use super::socket::transport::Transport;
use mcp_protocol::{DialFailure, DialPhase, OptionError, SystemError, TlsFailure, TlsOptions, UpgradeFailure};

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    pub(super) upgraded: Upgraded,
}

/// Dials for one client, and what it learns from one dial for the next.
pub(super) struct Dialer {
    resolver: Arc<Resolver>,
    turn: Turn,
    suspects: Suspects,
    tls: Tls,
}

impl Dialer {
    /// Errors: what is wrong with the TLS options.
    pub(super) fn new(resolver: Arc<Resolver>, tls: TlsOptions) -> Result<Self, OptionError> {
        Ok(Self { resolver, turn: Turn::default(), suspects: Suspects::default(), tls: Tls::new(tls)? })
    }

    /// Opens a stream to the endpoint. The caller bounds the time that it may take.
    pub(super) async fn dial(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        progress: &Progress,
    ) -> Result<Box<Dialed>, DialFailure> {
        progress.enter(DialPhase::Name);
        let addresses = self.resolver.resolve(&self.turn, &endpoint.host, endpoint.port).await?;
        progress.enter(DialPhase::Tcp);
        let tcp = tcp::connect(self.suspects.put_last(tcp::interleave(addresses))).await.map_err(tcp_failure)?;
        let address = tcp.peer_addr().ok();
        // Until it has opened a WebSocket, or refused to in so many words. If this is dropped, because the time is
        // over, it stays one.
        self.suspects.suspect(address);
        let dialed = self.open(owner, endpoint, progress, tcp).await;
        if !dialed.as_ref().is_err_and(breaks_off) {
            self.suspects.trust(address);
        }
        dialed.map(Box::new)
    }

    /// From a TCP connection to an open WebSocket.
    async fn open(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        progress: &Progress,
        mut tcp: TcpStream,
    ) -> Result<Dialed, DialFailure> {
        if !endpoint.secure {
            progress.enter(DialPhase::Upgrade);
            let upgraded = upgrade(&mut tcp, endpoint).await.map_err(DialFailure::Upgrade)?;
            return Ok(Dialed { transport: Transport::plain(tcp), upgraded });
        }
        progress.enter(DialPhase::Tls);
        let mut encrypted = self.tls.connect(owner, &endpoint.host, tcp).await?;
        progress.enter(DialPhase::Upgrade);
        match upgrade(&mut encrypted.stream, endpoint).await {
            Ok(upgraded) => Ok(Dialed { transport: Transport::Tls(Box::new(encrypted.stream)), upgraded }),
            Err(failure) => Err(refused_by_tls(encrypted, failure).await),
        }
    }
}

/// Why an encrypted stream broke during the upgrade. With TLS 1.3 a server refuses the client only after the handshake
/// is over for the client, so that the reason is the next thing to be read, whatever writing has failed with.
async fn refused_by_tls(
    Encrypted { mut stream, identity_was_asked }: Encrypted,
    failure: UpgradeFailure,
) -> DialFailure {
    let UpgradeFailure::Broken(_) = failure else { return DialFailure::Upgrade(failure) };
    match stream.read(&mut [0]).await.err().and_then(|error| tls_error(&error, identity_was_asked)) {
        Some(reason) => DialFailure::Tls(TlsFailure::Handshake(reason)),
        None => DialFailure::Upgrade(failure),
    }
}

fn tcp_failure(error: SystemError) -> DialFailure {
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
