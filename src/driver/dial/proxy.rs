//! Opens a tunnel to the server through a proxy: HTTP CONNECT, or SOCKS5.

mod address;
mod choice;
mod connect;
mod environment;
mod list;
mod socks;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use self::address::{Proxy, Scheme};
pub(crate) use self::choice::ProxyAnswer;
pub(super) use self::{choice::Choice, list::Hop};
use super::{
    owner::Owner,
    progress::Progress,
    resolve::{Resolver, Turn},
    stream::Stream,
    system_error::tcp_failure,
    tcp,
    tls::Tls,
};
use mcp_protocol::{DialFailure, DialPhase, ProxyFailure, SystemError};

/// Opens tunnels for one client.
pub(super) struct Tunnels<'a> {
    pub(super) owner: &'a dyn Owner,
    pub(super) resolver: &'a Arc<Resolver>,
    pub(super) turn: &'a Turn,
    pub(super) tls: &'a Tls,
    pub(super) progress: &'a Progress,
}

impl Tunnels<'_> {
    /// A stream to the server: what is written to it arrives there. `host` is a name, or an address without brackets.
    pub(super) async fn open(&self, proxy: &Proxy, host: &str, port: u16) -> Result<Stream, DialFailure> {
        match proxy.scheme {
            Scheme::Http | Scheme::Https | Scheme::Socks5h => self.tunnel(proxy, host, port).await,
            Scheme::Socks5 => self.open_resolved(proxy, host, port).await,
        }
    }

    /// The name of the server is looked up here, and the proxy gets an address: the first one of each family, in turn.
    async fn open_resolved(&self, proxy: &Proxy, host: &str, port: u16) -> Result<Stream, DialFailure> {
        let addresses = self.resolver.resolve(self.turn, host, port).await?;
        let error = SystemError::new(Some("ENOTFOUND"), "the name has no address");
        let mut last = DialFailure::Name { host: host.to_owned(), error };
        for is_v6 in [false, true] {
            let Some(address) = addresses.iter().find(|address| address.is_ipv6() == is_v6) else { continue };
            match self.tunnel(proxy, &address.ip().to_string(), port).await {
                Err(failure @ DialFailure::Proxy(ProxyFailure::Refused(_))) => last = failure,
                opened_or_final => return opened_or_final,
            }
        }
        Err(last)
    }

    async fn tunnel(&self, proxy: &Proxy, host: &str, port: u16) -> Result<Stream, DialFailure> {
        let mut stream = self.reach(proxy).await?;
        let asked = match &mut stream {
            Stream::Tcp(tcp) => ask(tcp, proxy, host, port).await,
            Stream::Tls(tls) => ask(&mut **tls, proxy, host, port).await,
        };
        asked.map(|()| stream).map_err(DialFailure::Proxy)
    }

    async fn reach(&self, proxy: &Proxy) -> Result<Stream, DialFailure> {
        let found = self.resolver.resolve(self.turn, &proxy.host, proxy.port).await;
        let addresses = tcp::interleave(found.map_err(of_proxy)?);
        self.progress.found(&addresses);
        let of_tcp = |error| DialFailure::Proxy(ProxyFailure::Tcp(error));
        let tcp = tcp::connect(addresses, self.progress).await;
        let tcp = tcp.map_err(|error| tcp_failure(error, DialPhase::Proxy, of_tcp))?;
        if proxy.scheme == Scheme::Https {
            let tls = self.tls.for_proxy();
            let encrypted = tls.connect(self.owner, &proxy.host, tcp, self.progress).await.map_err(of_proxy)?;
            return Ok(Stream::Tls(Box::new(encrypted.stream)));
        }
        Ok(Stream::Tcp(tcp))
    }
}

/// What failed on the way to the proxy, as a failure of it. The limits of this machine are nobody else's.
fn of_proxy(failure: DialFailure) -> DialFailure {
    match failure {
        DialFailure::Name { error, .. } => DialFailure::Proxy(ProxyFailure::Name(error)),
        DialFailure::Tls(failure) => DialFailure::Proxy(ProxyFailure::Tls(failure)),
        other => other,
    }
}

async fn ask<S>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> Result<(), ProxyFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match proxy.scheme {
        Scheme::Http | Scheme::Https => connect::connect(stream, proxy.credentials.as_ref(), host, port).await,
        Scheme::Socks5 | Scheme::Socks5h => socks::connect(stream, proxy.credentials.as_ref(), host, port).await,
    }
}
