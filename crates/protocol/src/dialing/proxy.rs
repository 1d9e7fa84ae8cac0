//! Proxies as the session sees them: which one a dial goes through, and why one failed.

use std::{fmt, time::Duration};

use thiserror::Error;

use super::{Answer, Remedy, SystemError, TlsFailure, whole_millis};

/// How a dial reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Without a proxy.
    Direct,
    /// Through this proxy, as `scheme://host:port`, without user and password.
    Proxy(Box<str>),
}

impl Via {
    /// The proxy, if there is one.
    pub fn proxy(&self) -> Option<&str> {
        match self {
            Self::Direct => None,
            Self::Proxy(proxy) => Some(proxy),
        }
    }
}

impl fmt::Display for Via {
    /// What is added to the sentence about a failed dial.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str(" (no proxy was used)"),
            Self::Proxy(proxy) => write!(f, " (through the proxy {proxy})"),
        }
    }
}

/// Why a proxy did not open a tunnel to the server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProxyFailure {
    /// The user's function threw, or returned neither a string nor `false`. What it threw stays in JavaScript.
    #[error("the proxy function failed")]
    Function,
    /// The user's function returned a string that names no usable proxy: why not.
    #[error("the answer of the proxy function {0}")]
    NotUsable(String),
    /// The name of the proxy has no address.
    #[error("{}", of_name(.0))]
    Name(SystemError),
    /// No address of the proxy takes a TCP connection.
    #[error("the proxy cannot be reached: {}", .0.words())]
    Tcp(SystemError),
    /// TLS with an `https:` proxy failed. What it says of a server is about the proxy.
    #[error("TLS with the proxy failed: {0}")]
    Tls(TlsFailure),
    /// The proxy answered CONNECT with a status that is not 2xx.
    #[error("{}{answer}", of_status(answer.status))]
    Status {
        /// What it said.
        answer: Answer,
    },
    /// What came is not an answer to CONNECT, or not one of SOCKS5: for this reason.
    #[error("what came is not the answer of such a proxy")]
    NotAProxy(String),
    /// SOCKS5: the user or the password is wrong, or there is none, or the proxy wants another way to authenticate.
    #[error("the proxy {0}")]
    Authentication(&'static str),
    /// SOCKS5: the proxy refused to connect to the server, with this code (RFC 1928 § 6).
    #[error("the proxy cannot connect to the server: {}", of_reply(*.0))]
    Refused(u8),
    /// The proxy closed the connection before its answer was complete.
    #[error("the proxy closed the connection before it answered")]
    Closed,
    /// The connection was lost.
    #[error("the connection to the proxy broke: {}", .0.words())]
    Broken(SystemError),
    /// It took longer than its share of `connectTimeout`, which other proxies share with it.
    #[error("the proxy did not answer within {} ms", whole_millis(*.0))]
    Timeout(Duration),
}

impl ProxyFailure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Tls(failure) => failure.remedy(),
            Self::Status { answer } => match answer.status {
                408 | 425 | 429 | 500..=599 => Remedy::Time,
                _ => Remedy::Configuration,
            },
            Self::NotAProxy(_) | Self::Authentication(_) => Remedy::Configuration,
            Self::Refused(reply) => match reply {
                1 | 3..=6 => Remedy::Time,
                _ => Remedy::Configuration,
            },
            // The next call of the function may give another answer.
            Self::Function | Self::NotUsable(_) => Remedy::Time,
            Self::Name(_) | Self::Tcp(_) | Self::Closed | Self::Broken(_) | Self::Timeout(_) => Remedy::Time,
        }
    }

    pub(super) fn is_of_function(&self) -> bool {
        *self == Self::Function
    }

    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Status { answer } => Some(answer),
            _ => None,
        }
    }

    pub(super) fn cause(&self) -> Option<SystemError> {
        match self {
            Self::Name(error) | Self::Tcp(error) | Self::Broken(error) => Some(error.clone()),
            Self::Tls(failure) => failure.cause(),
            Self::NotAProxy(reason) => Some(SystemError::new(None, reason.clone())),
            _ => None,
        }
    }
}

fn of_name(error: &SystemError) -> String {
    match error.code {
        Some("ENOTFOUND") => "the name of the proxy was not found (ENOTFOUND)".to_owned(),
        _ => format!("the name of the proxy could not be looked up: {}", error.with_code()),
    }
}

fn of_status(status: u16) -> &'static str {
    match status {
        407 => "the proxy asks for a user and a password, or refuses those that it got: ",
        502..=504 => "the proxy cannot reach the server: ",
        _ => "the proxy answered CONNECT with ",
    }
}

/// RFC 1928 § 6.
fn of_reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "the time to live expired",
        7 => "it does not know the command",
        8 => "it does not know this type of address",
        _ => "no reason that RFC 1928 knows",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_refuses_the_user_is_a_matter_of_configuration_and_an_outage_one_of_time() {
        let answered = |status| ProxyFailure::Status { answer: Answer::of(status) };
        for (failure, remedy) in [
            (answered(407), Remedy::Configuration),
            (answered(403), Remedy::Configuration),
            (answered(302), Remedy::Configuration),
            (answered(429), Remedy::Time),
            (answered(502), Remedy::Time),
            (answered(503), Remedy::Time),
            (answered(504), Remedy::Time),
            (ProxyFailure::Authentication("wants a user"), Remedy::Configuration),
            (ProxyFailure::NotAProxy("it is not HTTP".to_owned()), Remedy::Configuration),
            (ProxyFailure::Refused(2), Remedy::Configuration),
            (ProxyFailure::Refused(5), Remedy::Time),
            (ProxyFailure::Closed, Remedy::Time),
            (ProxyFailure::Function, Remedy::Time),
            (ProxyFailure::Tls(TlsFailure::HostName), Remedy::Configuration),
        ] {
            assert_eq!(failure.remedy(), remedy, "{failure}");
        }
    }

    #[test]
    fn its_words_name_the_status_and_the_codes_that_users_know() {
        let status = ProxyFailure::Status {
            answer: Answer { reason: Some("Bad Gateway"), text: Some("no route".to_owned()), ..Answer::of(502) },
        };
        assert_eq!(status.to_string(), "the proxy cannot reach the server: HTTP 502 Bad Gateway: no route");
        let refused = ProxyFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "refused"));
        assert_eq!(refused.to_string(), "the proxy cannot be reached: connection refused (ECONNREFUSED)");
        let ruled_out = ProxyFailure::Refused(2);
        assert_eq!(ruled_out.to_string(), "the proxy cannot connect to the server: its rules do not allow it");
    }
}
