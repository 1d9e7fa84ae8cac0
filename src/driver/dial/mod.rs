//! From an endpoint to an open stream: name, TCP, proxy, TLS, HTTP upgrade.

mod answer;
mod endpoint;
mod extensions;
mod head;
mod proxy;
mod resolve;
mod stream;
mod system_error;
mod tcp;
mod tls;
mod upgrade;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

pub(super) use self::{endpoint::Endpoint, proxy::ProxyAnswer, upgrade::Upgraded};
use self::{proxy::Hop, stream::Stream, upgrade::upgrade};
use super::socket::transport::Transport;
use mcp_protocol::{DialFailure, ProxyFailure, Via};

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    pub(super) upgraded: Upgraded,
}

/// Opens a stream to the endpoint. `answer` is that of the user's proxy function, if there is one; `report` hears of
/// each way that is tried. The caller bounds the time that it may take, to `limit`.
pub(super) async fn dial(
    endpoint: Arc<Endpoint>,
    answer: Option<ProxyAnswer>,
    limit: Duration,
    report: impl Fn(Via),
) -> Result<Box<Dialed>, DialFailure> {
    let end = Instant::now() + limit;
    let hops = endpoint.proxy.hops(answer).await.map_err(DialFailure::Proxy)?;
    let stream = reach(&endpoint, &hops, end, report).await?;
    let (transport, upgraded) = match (stream, endpoint.secure) {
        (Stream::Tcp(tcp), true) => {
            let mut tls = tls::connect(&endpoint.host, tcp).await.map_err(DialFailure::Tls)?;
            let upgraded = upgrade(&mut tls, &endpoint).await.map_err(DialFailure::Upgrade)?;
            (Transport::Tls(Box::new(tls)), upgraded)
        }
        (Stream::Tcp(mut tcp), false) => {
            let upgraded = upgrade(&mut tcp, &endpoint).await.map_err(DialFailure::Upgrade)?;
            (Transport::plain(tcp), upgraded)
        }
        (Stream::Tls(proxy), true) => {
            let mut tls = tls::connect(&endpoint.host, *proxy).await.map_err(DialFailure::Tls)?;
            let upgraded = upgrade(&mut tls, &endpoint).await.map_err(DialFailure::Upgrade)?;
            (Transport::TlsInTls(Box::new(tls)), upgraded)
        }
        (Stream::Tls(mut proxy), false) => {
            let upgraded = upgrade(&mut *proxy, &endpoint).await.map_err(DialFailure::Upgrade)?;
            (Transport::Tls(proxy), upgraded)
        }
    };
    Ok(Box::new(Dialed { transport, upgraded }))
}

/// Tries the ways to the server one after the other; those that are left share the time that is left.
async fn reach(endpoint: &Endpoint, hops: &[Hop], end: Instant, report: impl Fn(Via)) -> Result<Stream, DialFailure> {
    let mut last = DialFailure::Proxy(ProxyFailure::Function);
    for (index, hop) in hops.iter().enumerate() {
        if let Some(via) = endpoint.via(hop) {
            report(via);
        }
        let others = hops.len() - index - 1;
        if others == 0 {
            return open(endpoint, hop).await;
        }
        let share = end.saturating_duration_since(Instant::now()) / (others as u32 + 1);
        last = match timeout(share, open(endpoint, hop)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(failure)) => failure,
            Err(_) => DialFailure::Proxy(ProxyFailure::Timeout(share)),
        };
    }
    Err(last)
}

async fn open(endpoint: &Endpoint, hop: &Hop) -> Result<Stream, DialFailure> {
    match hop {
        Hop::Through(proxy) => proxy::open(proxy, &endpoint.host, endpoint.port).await,
        Hop::Direct => {
            let addresses = resolve::resolve(&endpoint.host, endpoint.port).await?;
            tcp::connect(addresses).await.map(Stream::Tcp).map_err(DialFailure::Tcp)
        }
    }
}
