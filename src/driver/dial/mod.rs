//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod extensions;
mod head;
mod resolve;
mod system_error;
mod tcp;
mod tls;
mod upgrade;

use std::sync::Arc;

use self::upgrade::upgrade;
pub(super) use self::{endpoint::Endpoint, upgrade::Upgraded};
use super::socket::transport::Transport;
use mcp_protocol::DialFailure;

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    pub(super) upgraded: Upgraded,
}

/// Opens a stream to the endpoint. The caller bounds the time that it may take.
pub(super) async fn dial(endpoint: Arc<Endpoint>) -> Result<Box<Dialed>, DialFailure> {
    let addresses = resolve::resolve(&endpoint.host, endpoint.port).await?;
    let mut tcp = tcp::connect(addresses).await.map_err(DialFailure::Tcp)?;
    let (transport, upgraded) = if endpoint.secure {
        let mut tls = tls::connect(&endpoint.host, tcp).await.map_err(DialFailure::Tls)?;
        let upgraded = upgrade(&mut tls, &endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::Tls(Box::new(tls)), upgraded)
    } else {
        let upgraded = upgrade(&mut tcp, &endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::plain(tcp), upgraded)
    };
    Ok(Box::new(Dialed { transport, upgraded }))
}
