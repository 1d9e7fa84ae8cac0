//! The option `proxy`.

use super::values::Secret;

/// Where the proxy of a dial comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySource {
    /// From these environment variables, each with its name. The driver chooses by the endpoint.
    Environment(Vec<(String, Secret)>),
    /// There is none.
    None,
    /// This is its URL, which may contain a password.
    Url(Secret),
    /// A function of the user's, asked before every dial.
    Ask,
}

impl Default for ProxySource {
    fn default() -> Self {
        Self::Environment(Vec::new())
    }
}
