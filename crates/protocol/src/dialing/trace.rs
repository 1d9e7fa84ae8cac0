//! What a dial did, phase by phase: for those who look for the reason why it failed, or took long. Never holds a
//! secret.

use serde::Serialize;

use super::DialPhase;
#[cfg(not(feature = "system"))]
use super::PhaseTrace;
use crate::error::ErrorData;

/// What the driver knows of a dial that is under way, or over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DialTrace {
    /// ms since it began.
    pub duration: f64,
    /// The address of the server, or of the proxy, that took the connection: `ip:port`.
    pub address: Option<String>,
    /// Its phases, in the order in which they began.
    pub phases: Vec<PhaseTrace>,
}

impl DialTrace {
    /// The phase that the dial is in, or was in last.
    pub fn phase(&self) -> Option<DialPhase> {
        self.phases.last().map(PhaseTrace::phase)
    }
}

/// A dial that is over.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DialReport {
    /// The number of the connection, as in log entries.
    pub connection: u32,
    /// The endpoint, without its query.
    pub url: String,
    /// The proxy that it went through last, as `scheme://host:port`.
    pub proxy: Option<String>,
    /// The address of the server, or of the proxy, that took the connection: `ip:port`.
    pub address: Option<String>,
    /// ms, the whole dial.
    pub duration: f64,
    /// Its phases, in the order in which they began; the last one is where it failed, if it has.
    pub phases: Vec<PhaseTrace>,
    /// Why it failed; `CLOSED` if it was given up. `null`: the socket is open.
    pub error: Option<ErrorData>,
}

/// One phase of a dial. What is not known is left out.
#[cfg(feature = "system")]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PhaseTrace {
    /// Which one.
    pub phase: DialPhase,
    /// ms since the dial began.
    pub start: f64,
    /// ms.
    pub duration: f64,
    /// The addresses that the look-up of the name has brought, without ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub addresses: Vec<String>,
    /// The addresses that a TCP connection was tried to, in the order of the tries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<TcpTrace>>"))]
    pub tried: Vec<TcpTrace>,
    /// What was agreed in TLS, or what is known of the certificate that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tls: Option<TlsTrace>,
    /// The answer to the upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub upgrade: Option<UpgradeTrace>,
}

#[cfg(feature = "system")]
impl PhaseTrace {
    fn phase(&self) -> DialPhase {
        self.phase
    }
}

/// A TCP connection that was tried.
#[cfg(feature = "system")]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TcpTrace {
    /// `ip:port`.
    pub address: String,
    /// ms since the dial began.
    pub start: f64,
    /// ms.
    pub duration: f64,
    /// `connected`; `dropped` if another address was faster, or the time was over; or the code of the system, such as
    /// `ECONNREFUSED`.
    pub outcome: String,
}

/// What TLS has agreed on, and who the server says it is.
#[cfg(feature = "system")]
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TlsTrace {
    /// `TLSv1.2` or `TLSv1.3`; `null` if the handshake failed.
    pub version: Option<String>,
    /// The name of the cipher suite, as the IANA has it; `null` if the handshake failed.
    pub cipher: Option<String>,
    /// Whether an earlier session went on.
    pub resumed: bool,
    /// Whether the certificate was verified, which `tls.rejectUnauthorized: false` prevents.
    pub verified: bool,
    /// The server's certificate; `null` if none came, or it cannot be read.
    pub certificate: Option<CertificateTrace>,
}

/// What a certificate says of itself.
#[cfg(feature = "system")]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CertificateTrace {
    /// Whose it is: a distinguished name, such as `CN=example.com`.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// Epoch ms.
    pub not_before: f64,
    /// Epoch ms.
    pub not_after: f64,
}

/// The answer to the upgrade.
#[cfg(feature = "system")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UpgradeTrace {
    /// The HTTP status.
    pub status: u16,
    /// `Sec-WebSocket-Extensions` of the answer.
    pub extensions: Option<String>,
    /// `Sec-WebSocket-Protocol` of the answer.
    pub protocol: Option<String>,
}
