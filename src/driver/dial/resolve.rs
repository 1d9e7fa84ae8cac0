//! The addresses of a host.

use std::{io, net::SocketAddr};

use tokio::net::lookup_host;

/// Asks the system's resolver, on a thread of its own. An address as text stands for itself.
pub(super) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((host, port)).await?.collect())
}
