//! The addresses of a host.

use std::net::SocketAddr;

use tokio::net::lookup_host;

use mcp_protocol::{DialFailure, SystemError};

/// Asks the system's resolver, on a thread of its own. An address as text stands for itself.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, DialFailure> {
    match lookup_host((host, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let error = SystemError::new(Some("ENOTFOUND"), error.to_string());
            Err(DialFailure::Name { host: host.to_owned(), error })
        }
    }
}
