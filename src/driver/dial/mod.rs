//! From an endpoint to an open stream: name, TCP, proxy, TLS, HTTP upgrade.

mod answer;
mod endpoint;
mod extensions;
mod head;
mod owner;
mod probe;
mod progress;
mod proxy;
mod resolve;
mod stream;
mod suspects;
pub(super) mod system_error;
mod tcp;
mod thread;
mod tls;
mod tls_error;
mod upgrade;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;

pub(super) use self::tls::answer_roots;
pub(super) use self::upgrade::Upgraded;
pub(super) use self::{endpoint::Endpoint, owner::Owner, progress::Progress, proxy::ProxyAnswer};
pub use self::{
    probe::Page,
    resolve::{Resolve, Resolver},
};
use self::{
    proxy::{Hop, Tunnels},
    resolve::Turn,
    stream::Stream,
    suspects::Suspects,
    system_error::tcp_failure,
    tls::{Encrypted, Tls},
    tls_error::tls_error,
    upgrade::upgrade,
};
use super::socket::transport::Transport;
use mcp_protocol::{DialFailure, DialPhase, OptionError, ProxyFailure, TlsFailure, TlsOptions, UpgradeFailure, Via};

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    pub(super) upgraded: Upgraded,
}

/// How a dial finds its way to the server.
pub(super) struct Way {
    /// What the user's proxy function answers, if there is one.
    pub(super) answer: Option<ProxyAnswer>,
    /// The time that the dial may take. The caller keeps this limit; several proxies share it.
    pub(super) limit: Duration,
    /// Hears of each proxy that is tried.
    pub(super) report: Box<dyn Fn(Via) + Send + Sync>,
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
        way: Way,
        progress: &Progress,
    ) -> Result<Box<Dialed>, DialFailure> {
        let (stream, address) = self.reach(owner, endpoint, way, progress).await?;
        // Until it has opened a WebSocket, or refused to in so many words. If this is dropped, because the time is
        // over, it stays one.
        self.suspects.suspect(address);
        let dialed = self.open(owner, endpoint, progress, stream).await;
        if !dialed.as_ref().is_err_and(breaks_off) {
            self.suspects.trust(address);
        }
        dialed.map(Box::new)
    }

    /// Tries the ways to the server one after the other; those that are left share the time that is left. Returns the
    /// address of the server too, unless a proxy knows it.
    async fn reach(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        Way { answer, limit, report }: Way,
        progress: &Progress,
    ) -> Result<(Stream, Option<SocketAddr>), DialFailure> {
        let end = Instant::now() + limit;
        if answer.is_some() {
            progress.enter(DialPhase::Proxy);
        }
        let hops = endpoint.proxy.hops(answer).await.map_err(DialFailure::Proxy)?;
        let mut last = DialFailure::Proxy(ProxyFailure::Function);
        for (index, hop) in hops.iter().enumerate() {
            if let Some(via) = endpoint.via(hop) {
                report(via);
            }
            let others = hops.len() - index - 1;
            if others == 0 {
                return self.connect(owner, endpoint, hop, progress).await;
            }
            let share = end.saturating_duration_since(Instant::now()) / (others as u32 + 1);
            last = match timeout(share, self.connect(owner, endpoint, hop, progress)).await {
                Ok(Ok(reached)) => return Ok(reached),
                Ok(Err(failure)) => failure,
                Err(_) => DialFailure::Proxy(ProxyFailure::Timeout(share)),
            };
        }
        Err(last)
    }

    async fn connect(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        hop: &Hop,
        progress: &Progress,
    ) -> Result<(Stream, Option<SocketAddr>), DialFailure> {
        if let Hop::Through(proxy) = hop {
            progress.enter(DialPhase::Proxy);
            let tunnels = Tunnels { owner, resolver: &self.resolver, turn: &self.turn, tls: &self.tls, progress };
            return Ok((Box::pin(tunnels.open(proxy, &endpoint.host, endpoint.port)).await?, None));
        }
        progress.enter(DialPhase::Name);
        let addresses = self.resolver.resolve(&self.turn, &endpoint.host, endpoint.port).await?;
        progress.found(&addresses);
        progress.enter(DialPhase::Tcp);
        let addresses = self.suspects.put_last(tcp::interleave(addresses));
        let tcp = tcp::connect(addresses, progress).await;
        let tcp = tcp.map_err(|error| tcp_failure(error, DialPhase::Tcp, DialFailure::Tcp))?;
        let address = tcp.peer_addr().ok();
        Ok((Stream::Tcp(tcp), address))
    }

    /// From a stream to an open WebSocket.
    async fn open(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        progress: &Progress,
        stream: Stream,
    ) -> Result<Dialed, DialFailure> {
        match (stream, endpoint.secure) {
            // What not every dial needs has a box of its own: a plain one takes 1 KB instead of 12.
            (Stream::Tcp(tcp), true) => {
                Box::pin(self.open_secure(owner, endpoint, progress, tcp, Transport::Tls)).await
            }
            (Stream::Tls(proxy), true) => {
                Box::pin(self.open_secure(owner, endpoint, progress, *proxy, Transport::TlsInTls)).await
            }
            (Stream::Tcp(mut tcp), false) => {
                progress.enter(DialPhase::Upgrade);
                let upgraded = upgrade(&mut tcp, endpoint, progress).await.map_err(DialFailure::Upgrade)?;
                Ok(Dialed { transport: Transport::plain(tcp), upgraded })
            }
            (Stream::Tls(mut proxy), false) => {
                progress.enter(DialPhase::Upgrade);
                let upgraded = upgrade(&mut *proxy, endpoint, progress).await.map_err(DialFailure::Upgrade)?;
                Ok(Dialed { transport: Transport::Tls(proxy), upgraded })
            }
        }
    }

    async fn open_secure<S>(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        progress: &Progress,
        stream: S,
        transport: impl FnOnce(Box<TlsStream<S>>) -> Transport,
    ) -> Result<Dialed, DialFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        progress.enter(DialPhase::Tls);
        let mut encrypted = self.tls.connect(owner, &endpoint.host, stream, progress).await?;
        progress.enter(DialPhase::Upgrade);
        match upgrade(&mut encrypted.stream, endpoint, progress).await {
            Ok(upgraded) => Ok(Dialed { transport: transport(Box::new(encrypted.stream)), upgraded }),
            Err(failure) => Err(refused_by_tls(encrypted, failure).await),
        }
    }
}

#[cfg(test)]
impl Way {
    /// Without a proxy function, and reported to nobody.
    pub(super) fn direct(limit: Duration) -> Self {
        Self { answer: None, limit, report: Box::new(|_| {}) }
    }
}

/// Why an encrypted stream broke during the upgrade. With TLS 1.3 a server refuses the client only after the handshake
/// is over for the client, so that the reason is the next thing to be read, whatever writing has failed with.
async fn refused_by_tls<S>(
    Encrypted { mut stream, identity_was_asked }: Encrypted<S>,
    failure: UpgradeFailure,
) -> DialFailure
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let UpgradeFailure::Broken(broken) = failure else { return DialFailure::Upgrade(failure) };
    // If the upgrade has read it already, the end of the stream comes next.
    match stream.read(&mut [0]).await.err().and_then(|error| tls_error(&error, identity_was_asked)) {
        Some(reason) => DialFailure::Tls(TlsFailure::Handshake(reason)),
        None if broken.is_by_tls() => DialFailure::Tls(TlsFailure::Handshake(broken)),
        None => DialFailure::Upgrade(UpgradeFailure::Broken(broken)),
    }
}

/// The address took the connection, and then dropped it.
fn breaks_off(failure: &DialFailure) -> bool {
    matches!(
        failure,
        DialFailure::Tls(TlsFailure::Closed(_) | TlsFailure::Broken(_))
            | DialFailure::Upgrade(UpgradeFailure::Closed | UpgradeFailure::Broken(_))
    )
}
