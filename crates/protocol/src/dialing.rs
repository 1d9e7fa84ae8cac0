//! Dials as the session sees them: why one failed, whether another may succeed, and the words for it.

mod answer;
#[cfg(not(feature = "system"))]
mod no_system;
mod page;
#[cfg(feature = "system")]
mod proxy;
#[cfg(feature = "system")]
mod system;
mod trace;

use std::{net::SocketAddr, time::Duration};

use serde::Serialize;
use thiserror::Error;

use super::stats::whole_millis;

#[cfg(not(feature = "system"))]
pub use self::no_system::{PhaseTrace, ProxyFailure, TlsFailure, UpgradeFailure, Via};
pub use self::{
    answer::Answer,
    page::PageFailure,
    trace::{DialReport, DialTrace},
};
#[cfg(feature = "system")]
pub use self::{
    proxy::{ProxyFailure, Via},
    system::{TlsFailure, UpgradeFailure},
    trace::{CertificateTrace, PhaseTrace, TcpTrace, TlsTrace, UpgradeTrace},
};

/// The address of a server, which the browser does not tell.
#[cfg(not(feature = "system"))]
type Address = Via;
#[cfg(feature = "system")]
type Address = SocketAddr;

/// What the operating system said of a dial, which the browser does not tell.
#[cfg(not(feature = "system"))]
type OfSystem = Via;
#[cfg(feature = "system")]
type OfSystem = SystemError;

/// Why a dial failed, by the phase in which it did. The display text says what happened; [`DialFailure::sentence`] is
/// for users.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialFailure {
    /// The name of the host has no address, or the resolver could not tell.
    #[error("{}", name_words(host, error))]
    Name {
        /// The name.
        host: String,
        /// What the resolver said.
        error: OfSystem,
    },
    /// No address of the host takes a TCP connection.
    #[error("{}", .0.words())]
    Tcp(OfSystem),
    /// The proxy opened no tunnel to the server.
    #[error("{0}")]
    Proxy(ProxyFailure),
    /// The server or its certificate is not what TLS asks for.
    #[error("{0}")]
    Tls(TlsFailure),
    /// The answer to the HTTP upgrade is not the one that opens a WebSocket.
    #[error("{0}")]
    Upgrade(UpgradeFailure),
    /// A page has no socket.
    #[error("{0}")]
    Page(PageFailure),
    /// It took longer than `connectTimeout`.
    #[error("it took longer than connectTimeout ({} ms)", whole_millis(*limit))]
    Timeout {
        /// `connectTimeout`.
        limit: Duration,
        /// What it was doing then, if the driver has said so.
        phase: Option<DialPhase>,
    },
    /// The system has no thread or file handle left for it: a limit of the process, the user, or the container.
    #[error("the system has no thread or file handle left: {}", error.words())]
    Exhausted {
        /// What it was doing then; `None` if it had not begun.
        phase: Option<DialPhase>,
        /// What the system said.
        error: OfSystem,
    },
}

/// What the operating system, or a library in its place, said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// Its name as Node.js has it, such as `ECONNREFUSED`.
    pub code: Option<&'static str>,
    /// The words for it.
    pub message: String,
    /// The address that it is about.
    pub address: Option<Address>,
}

/// The part of a dial that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum DialPhase {
    /// The look-up of the host's name.
    Name,
    /// The TCP connection.
    Tcp,
    /// The proxy: whatever happens before it has opened a tunnel to the server.
    Proxy,
    /// The TLS handshake, certificates included.
    Tls,
    /// The HTTP upgrade.
    Upgrade,
}

/// What may mend a failed dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Time.
    Time,
    /// Only a change of configuration, on one side or the other.
    Configuration,
    /// Another authorization: the upgrade was answered with 401 or 403.
    Authorization,
}

impl DialFailure {
    /// What may mend it: the one place that decides. Source: PROTOCOL.md rule 2.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Name { .. } | Self::Tcp(_) | Self::Timeout { .. } | Self::Exhausted { .. } => Remedy::Time,
            Self::Proxy(failure) => failure.remedy(),
            Self::Tls(failure) => failure.remedy(),
            Self::Page(failure) => failure.remedy(),
            Self::Upgrade(failure) => failure.remedy(),
        }
    }

    /// Where it failed, if it had begun.
    pub fn phase(&self) -> Option<DialPhase> {
        match self {
            Self::Name { .. } => Some(DialPhase::Name),
            Self::Tcp(_) => Some(DialPhase::Tcp),
            Self::Proxy(_) => Some(DialPhase::Proxy),
            Self::Tls(_) => Some(DialPhase::Tls),
            Self::Upgrade(_) => Some(DialPhase::Upgrade),
            Self::Page(_) => None,
            Self::Timeout { phase, .. } | Self::Exhausted { phase, .. } => *phase,
        }
    }

    /// What the server answered in place of 101, or the proxy in place of 2xx.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Upgrade(failure) => failure.answer(),
            Self::Proxy(failure) => failure.answer(),
            _ => None,
        }
    }

    /// How long the server asks not to be dialed. A proxy cannot ask for that. Source: PROTOCOL.md rule 12.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Upgrade(failure) => failure.retry_after(),
            _ => None,
        }
    }

    /// The HTTP status of that answer.
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// What the system said, or what was wrong with the answer.
    pub fn cause(&self) -> Option<SystemError> {
        match self {
            Self::Name { error, .. } | Self::Tcp(error) | Self::Exhausted { error, .. } => Some(error.as_cause()),
            Self::Proxy(failure) => failure.cause(),
            Self::Tls(failure) => failure.cause(),
            Self::Upgrade(failure) => failure.cause(),
            Self::Page(_) => None,
            Self::Timeout { .. } => Some(SystemError::new(Some("ETIMEDOUT"), self.to_string())),
        }
    }

    /// It is the user's proxy function that failed.
    pub(crate) fn is_of_proxy_function(&self) -> bool {
        matches!(self, Self::Proxy(failure) if failure.is_of_function())
    }

    /// The sentence for users. `url` must hold no secret.
    pub fn sentence(&self, url: &str) -> String {
        match self {
            Self::Timeout { limit, phase } => {
                let limit = whole_millis(*limit);
                format!("connecting to {url} took longer than connectTimeout ({limit} ms){}", unfinished(*phase))
            }
            failure => format!("cannot connect to {url}: {failure}"),
        }
    }
}

#[cfg(feature = "system")]
fn name_words(host: &str, error: &SystemError) -> String {
    match error.code {
        Some("ENOTFOUND") => format!("the name {host} was not found (ENOTFOUND)"),
        Some("EAI_AGAIN") => format!("the name {host} cannot be looked up at the moment (EAI_AGAIN)"),
        _ => format!("the name {host} could not be looked up: {}", error.words()),
    }
}

#[cfg(not(feature = "system"))]
fn name_words(_: &str, error: &OfSystem) -> String {
    match *error {}
}

/// What had not happened when the time was over.
fn unfinished(phase: Option<DialPhase>) -> &'static str {
    match phase {
        None => "",
        Some(DialPhase::Name) => ": the look-up of its name has not ended",
        Some(DialPhase::Tcp) => ": no address has accepted a TCP connection",
        Some(DialPhase::Proxy) => ": the proxy has not opened its tunnel",
        Some(DialPhase::Tls) => ": the TLS handshake has not ended",
        Some(DialPhase::Upgrade) => ": the server has not answered the upgrade",
    }
}

impl SystemError {
    /// One that is about no address.
    pub fn new(code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), address: None }
    }

    /// It, as the cause of another error.
    #[cfg(feature = "system")]
    fn as_cause(&self) -> Self {
        self.clone()
    }

    /// The words, and the code if there is one.
    #[cfg(feature = "system")]
    fn with_code(&self) -> String {
        self.code.map_or_else(|| self.message.clone(), |code| format!("{} ({code})", self.message))
    }

    /// The address that it is about; none in a page.
    pub(crate) fn socket_address(&self) -> Option<SocketAddr> {
        #[cfg(feature = "system")]
        return self.address;
        #[cfg(not(feature = "system"))]
        None
    }

    /// A limit on threads or file handles was reached.
    pub fn is_exhaustion(&self) -> bool {
        matches!(self.code, Some("EMFILE" | "ENFILE" | "EAGAIN" | "ENOMEM"))
    }

    /// It is TLS that broke the connection off.
    pub fn is_by_tls(&self) -> bool {
        self.code.is_some_and(|code| code.starts_with("ERR_SSL_"))
    }

    /// Its address is one of a link, of which nothing says which it is.
    #[cfg(feature = "system")]
    fn lacks_interface(&self) -> bool {
        matches!(self.address, Some(Address::V6(v6)) if v6.scope_id() == 0 && v6.ip().is_unicast_link_local())
    }

    /// A few words with the code that users of Node.js know, or else the system's own.
    pub fn words(&self) -> &str {
        match self.code {
            #[cfg(feature = "system")]
            Some("EINVAL") if self.lacks_interface() => {
                "a link-local address needs its interface, as in [fe80::1%25eth0] (EINVAL)"
            }
            Some("ECONNREFUSED") => "connection refused (ECONNREFUSED)",
            Some("ECONNRESET") => "connection reset (ECONNRESET)",
            Some("ETIMEDOUT") => "timed out (ETIMEDOUT)",
            Some("EHOSTUNREACH") => "host unreachable (EHOSTUNREACH)",
            Some("ENETUNREACH") => "network unreachable (ENETUNREACH)",
            Some("EADDRNOTAVAIL") => "address not available (EADDRNOTAVAIL)",
            Some("EMFILE") => "too many open files in this process (EMFILE)",
            Some("ENFILE") => "too many open files on this machine (ENFILE)",
            Some("EAGAIN") => "too many threads or processes (EAGAIN)",
            _ => &self.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(failure: &DialFailure) -> String {
        failure.sentence("ws://h/")
    }

    #[test]
    fn a_sentence_names_the_endpoint_and_the_code_that_users_know() {
        let refused = SystemError::new(Some("ECONNREFUSED"), "Connection refused (os error 111)");
        assert_eq!(
            sentence(&DialFailure::Tcp(refused)),
            "cannot connect to ws://h/: connection refused (ECONNREFUSED)"
        );
        let link_local = "[fe80::1]:80".parse().ok();
        let invalid = SystemError { address: link_local, ..SystemError::new(Some("EINVAL"), "Invalid argument") };
        assert_eq!(
            sentence(&DialFailure::Tcp(invalid)),
            "cannot connect to ws://h/: a link-local address needs its interface, as in [fe80::1%25eth0] (EINVAL)"
        );
        let unusual = SystemError::new(None, "Too many open files (os error 24)");
        assert_eq!(
            sentence(&DialFailure::Tls(TlsFailure::Broken(unusual))),
            "cannot connect to ws://h/: the TLS handshake broke off: Too many open files (os error 24)"
        );
        let exhausted = SystemError::new(Some("EMFILE"), "Too many open files (os error 24)");
        assert_eq!(
            sentence(&DialFailure::Exhausted { phase: None, error: exhausted }),
            "cannot connect to ws://h/: the system has no thread or file handle left: \
             too many open files in this process (EMFILE)"
        );
    }

    #[test]
    fn a_timeout_says_what_has_not_happened() {
        let limit = Duration::from_millis(20);
        for (phase, words) in [
            (None, ""),
            (Some(DialPhase::Name), ": the look-up of its name has not ended"),
            (Some(DialPhase::Tcp), ": no address has accepted a TCP connection"),
            (Some(DialPhase::Tls), ": the TLS handshake has not ended"),
            (Some(DialPhase::Upgrade), ": the server has not answered the upgrade"),
        ] {
            let failure = DialFailure::Timeout { limit, phase };
            let expected = format!("connecting to ws://h/ took longer than connectTimeout (20 ms){words}");
            assert_eq!(sentence(&failure), expected);
            assert_eq!(failure.phase(), phase);
            assert_eq!(failure.cause().and_then(|cause| cause.code), Some("ETIMEDOUT"));
        }
    }

    #[test]
    fn a_status_is_told_with_the_name_that_http_has_for_it() {
        for (status, reason, words) in
            [(503, Some("Service Unavailable"), "503 Service Unavailable"), (599, None, "599")]
        {
            let answer = Answer { reason, ..Answer::of(status) };
            let failure = DialFailure::Upgrade(UpgradeFailure::Status { answer });
            assert_eq!(
                sentence(&failure),
                format!("cannot connect to ws://h/: the server answered the upgrade with HTTP {words}")
            );
            assert_eq!((failure.phase(), failure.status()), (Some(DialPhase::Upgrade), Some(status)));
        }
    }

    #[test]
    fn a_lost_connection_may_be_mended_by_time_and_a_wrong_certificate_or_answer_only_by_configuration() {
        let error = || SystemError::new(None, "words");
        for failure in [
            DialFailure::Name { host: "h".into(), error: error() },
            DialFailure::Tcp(error()),
            DialFailure::Tls(TlsFailure::Closed(error())),
            DialFailure::Tls(TlsFailure::Broken(error())),
            DialFailure::Upgrade(UpgradeFailure::Closed),
            DialFailure::Upgrade(UpgradeFailure::Broken(error())),
            DialFailure::Timeout { limit: Duration::ZERO, phase: None },
            DialFailure::Exhausted { phase: None, error: error() },
        ] {
            assert_eq!(failure.remedy(), Remedy::Time, "{failure}");
        }
        for failure in [
            DialFailure::Tls(TlsFailure::NoRoots(error())),
            DialFailure::Tls(TlsFailure::HostName),
            DialFailure::Tls(TlsFailure::Certificate(error())),
            DialFailure::Tls(TlsFailure::Handshake(error())),
            DialFailure::Upgrade(UpgradeFailure::NotWebSocket("words".into())),
        ] {
            assert_eq!(failure.remedy(), Remedy::Configuration, "{failure}");
        }
    }
}
