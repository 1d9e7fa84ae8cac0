//! Which proxy the dials to an endpoint go through.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{address::Proxy, environment, list, list::Hop};
use mcp_protocol::{OptionError, OptionFault, ProxyFailure, ProxySource, Secret};

/// What the user's function answered; `None` if it failed.
pub(crate) type ProxyAnswer = oneshot::Receiver<Option<Secret>>;

/// Known for all dials to an endpoint, or to be asked for.
pub(crate) enum Choice {
    Known(Hop),
    Ask,
}

impl Choice {
    /// Errors: a proxy that cannot be used; the error names the option or the variable.
    pub(crate) fn new(source: &ProxySource, secure: bool, host: &str, port: u16) -> Result<Self, OptionError> {
        match source {
            ProxySource::Ask => Ok(Self::Ask),
            ProxySource::None => Ok(Self::Known(Hop::Direct)),
            ProxySource::Url(url) => {
                let proxy = Proxy::parse(url.expose());
                proxy.map(Self::through).map_err(|complaint| OptionError::new(OptionFault::Type, "proxy", &complaint))
            }
            ProxySource::Environment(variables) => {
                let found = environment::proxy_for(variables, secure, host, port);
                Ok(found.map_err(in_environment)?.map_or(Self::Known(Hop::Direct), Self::through))
            }
        }
    }

    fn through(proxy: Proxy) -> Self {
        Self::Known(Hop::Through(Arc::new(proxy)))
    }

    /// What to try, in this order; at least one. `answer` is what the user's function says, if it was asked.
    pub(crate) async fn hops(&self, answer: Option<ProxyAnswer>) -> Result<Vec<Hop>, ProxyFailure> {
        match (self, answer) {
            (Self::Known(hop), _) => Ok(vec![hop.clone()]),
            (Self::Ask, None) => Err(ProxyFailure::Function),
            (Self::Ask, Some(answer)) => {
                let answer = answer.await.ok().flatten().ok_or(ProxyFailure::Function)?;
                list::read(answer.expose()).map_err(ProxyFailure::NotUsable)
            }
        }
    }
}

fn in_environment((name, complaint): (String, String)) -> OptionError {
    let message = format!(
        "the environment variable {name} {complaint}; correct it, or set the option \"proxy\", to false for no proxy"
    );
    OptionError { kind: OptionFault::Type, option: "proxy".to_owned(), message }
}
