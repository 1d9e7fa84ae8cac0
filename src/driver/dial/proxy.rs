//! Opens a tunnel to the server through a proxy: HTTP CONNECT, or SOCKS5.

mod address;
mod choice;
mod connect;
mod environment;
mod list;
mod socks;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use self::address::{Proxy, Scheme};
pub(crate) use self::choice::ProxyAnswer;
pub(super) use self::{choice::Choice, environment::is_loopback, list::Hop};
use super::{resolve::resolve, stream::Stream, tcp, tls};
use mcp_protocol::{DialFailure, ProxyFailure, SystemError};

/// A stream to the server: what is written to it arrives there. `host` is a name, or an address without brackets.
pub(super) async fn open(proxy: &Proxy, host: &str, port: u16) -> Result<Stream, DialFailure> {
    match proxy.scheme {
        Scheme::Http | Scheme::Https | Scheme::Socks5h => tunnel(proxy, host, port).await.map_err(DialFailure::Proxy),
        Scheme::Socks5 => open_resolved(proxy, host, port).await,
    }
}

/// The name of the server is looked up here, and the proxy gets an address: the first one of each family, in turn.
async fn open_resolved(proxy: &Proxy, host: &str, port: u16) -> Result<Stream, DialFailure> {
    let addresses = resolve(host, port).await?;
    let mut last = DialFailure::Name {
        host: host.to_owned(),
        error: SystemError::new(Some("ENOTFOUND"), "the name has no address"),
    };
    for is_v6 in [false, true] {
        let Some(address) = addresses.iter().find(|address| address.is_ipv6() == is_v6) else { continue };
        match tunnel(proxy, &address.ip().to_string(), address.port()).await {
            Ok(stream) => return Ok(stream),
            Err(failure) => {
                let is_final = !matches!(failure, ProxyFailure::Refused(_));
                last = DialFailure::Proxy(failure);
                if is_final {
                    break;
                }
            }
        }
    }
    Err(last)
}

async fn tunnel(proxy: &Proxy, host: &str, port: u16) -> Result<Stream, ProxyFailure> {
    let mut stream = reach(proxy).await?;
    match &mut stream {
        Stream::Tcp(tcp) => ask(tcp, proxy, host, port).await?,
        Stream::Tls(tls) => ask(&mut **tls, proxy, host, port).await?,
    }
    Ok(stream)
}

async fn reach(proxy: &Proxy) -> Result<Stream, ProxyFailure> {
    let addresses = resolve(&proxy.host, proxy.port).await.map_err(|failure| match failure {
        DialFailure::Name { error, .. } => ProxyFailure::Name(error),
        _ => ProxyFailure::Closed,
    })?;
    let tcp: TcpStream = tcp::connect(addresses).await.map_err(ProxyFailure::Tcp)?;
    if proxy.scheme == Scheme::Https {
        let tls = tls::connect(&proxy.host, tcp).await.map_err(ProxyFailure::Tls)?;
        return Ok(Stream::Tls(Box::new(tls)));
    }
    Ok(Stream::Tcp(tcp))
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
