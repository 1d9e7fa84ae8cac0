//! Failures of what only a driver does that opens TCP connections itself: TLS and the HTTP upgrade.

use std::time::Duration;

use thiserror::Error;

use super::{Answer, Remedy, SystemError};

/// What went wrong in TLS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlsFailure {
    /// There are no certificates to verify the server's against.
    #[error("the certificates to trust could not be read: {}", .0.message)]
    NoRoots(SystemError),
    /// The host is neither a DNS name nor an address.
    #[error("the host is no name that TLS can verify")]
    HostName,
    /// The server's certificate does not verify.
    #[error("the server's certificate does not verify: {}", .0.with_code())]
    Certificate(SystemError),
    /// The server speaks no TLS, or none that fits.
    #[error("the TLS handshake failed: {}", .0.with_code())]
    Handshake(SystemError),
    /// The server closed the connection.
    #[error("the TLS handshake broke off: the other side closed the connection")]
    Closed(SystemError),
    /// The connection was lost.
    #[error("the TLS handshake broke off: {}", .0.words())]
    Broken(SystemError),
}

/// What went wrong in the HTTP upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpgradeFailure {
    /// The server answered with another status than 101.
    #[error("the server answered the upgrade with {answer}")]
    Status {
        /// What it said.
        answer: Answer,
    },
    /// The answer is not HTTP, or not one that a WebSocket may be opened by (RFC 6455 § 4.1): for this reason.
    #[error("the answer to the upgrade is not a WebSocket handshake")]
    NotWebSocket(String),
    /// The server closed the connection before its answer was complete.
    #[error("the server closed the connection during the upgrade")]
    Closed,
    /// The connection was lost.
    #[error("the connection broke during the upgrade: {}", .0.words())]
    Broken(SystemError),
}

impl TlsFailure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Closed(_) | Self::Broken(_) => Remedy::Time,
            _ => Remedy::Configuration,
        }
    }

    pub(super) fn cause(&self) -> Option<SystemError> {
        match self {
            Self::HostName => None,
            Self::NoRoots(error)
            | Self::Certificate(error)
            | Self::Handshake(error)
            | Self::Closed(error)
            | Self::Broken(error) => Some(error.clone()),
        }
    }
}

impl UpgradeFailure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Closed | Self::Broken(_) => Remedy::Time,
            Self::NotWebSocket(_) => Remedy::Configuration,
            Self::Status { answer } => match answer.status {
                401 | 403 => Remedy::Authorization,
                408 | 425 | 429 | 500..=599 => Remedy::Time,
                _ => Remedy::Configuration,
            },
        }
    }

    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Status { answer } => Some(answer),
            _ => None,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.answer()?.retry_after
    }

    pub(super) fn cause(&self) -> Option<SystemError> {
        match self {
            Self::Broken(error) => Some(error.clone()),
            Self::NotWebSocket(reason) => Some(SystemError::new(None, reason.clone())),
            Self::Status { .. } | Self::Closed => None,
        }
    }
}
