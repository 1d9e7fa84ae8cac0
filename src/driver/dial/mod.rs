//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod head;
mod resolve;
mod system_error;
mod tcp;
mod tls;
mod upgrade;

use std::sync::Arc;

pub(super) use self::endpoint::Endpoint;
use self::upgrade::upgrade;
use super::socket::transport::Transport;
use mcp_protocol::DialFailure;

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    /// What came after the answer to the upgrade.
    pub(super) early: Vec<u8>,
}

/// Opens a stream to the endpoint. The caller bounds the time that it may take.
pub(super) async fn dial(endpoint: Arc<Endpoint>) -> Result<Box<Dialed>, DialFailure> {
    let addresses = resolve::resolve(&endpoint.host, endpoint.port).await?;
    let mut tcp = tcp::connect(addresses).await.map_err(DialFailure::Tcp)?;
    let (transport, early) = if endpoint.secure {
        let mut tls = tls::connect(&endpoint.host, tcp).await.map_err(DialFailure::Tls)?;
        let early = upgrade(&mut tls, &endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::Tls(Box::new(tls)), early)
    } else {
        let early = upgrade(&mut tcp, &endpoint).await.map_err(DialFailure::Upgrade)?;
        (Transport::plain(tcp), early)
    };
    Ok(Box::new(Dialed { transport, early }))
}
