//! From an endpoint to an open stream: name, TCP, TLS, HTTP upgrade.

mod endpoint;
mod resolve;
mod system_error;
mod tcp;
mod tls;
mod upgrade;

pub(super) use self::endpoint::Endpoint;
use super::socket::transport::Transport;
use crate::protocol::DialFailure;

/// A stream on which the server has accepted the upgrade.
pub(super) struct Dialed {
    pub(super) transport: Transport,
    /// What came after the answer to the upgrade.
    pub(super) early: Vec<u8>,
}

/// Opens a stream to the endpoint. The caller bounds the time that it may take.
pub(super) async fn dial(endpoint: Endpoint) -> Result<Box<Dialed>, DialFailure> {
    let addresses = resolve::resolve(&endpoint.host, endpoint.port).await?;
    let tcp = tcp::connect(addresses).await.map_err(DialFailure::Tcp)?;
    let transport = if endpoint.secure {
        let tls = tls::connect(&endpoint.host, tcp).await.map_err(DialFailure::Tls)?;
        Transport::Tls(Box::new(tls))
    } else {
        Transport::plain(tcp)
    };
    let (transport, early) = upgrade::upgrade(endpoint.request, transport).await.map_err(DialFailure::Upgrade)?;
    Ok(Box::new(Dialed { transport, early }))
}
