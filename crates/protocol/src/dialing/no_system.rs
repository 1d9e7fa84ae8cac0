//! In place of the failures that only a driver has which opens TCP connections itself. A page never sees one, so they
//! have no values here, and there is no code for them.

use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::{Answer, DialPhase, Remedy, SystemError};

/// What went wrong in TLS: the browser does not tell.
pub type TlsFailure = Nothing;
/// Why a proxy did not open a tunnel: the browser does not tell.
pub type ProxyFailure = Nothing;
/// What went wrong in the HTTP upgrade: the browser does not tell.
pub type UpgradeFailure = Nothing;
/// How a dial reaches the server: the browser does not tell.
pub type Via = Nothing;
/// One phase of a dial: the browser does not tell.
pub type PhaseTrace = Nothing;

/// It has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum Nothing {}

impl Nothing {
    pub(super) fn remedy(&self) -> Remedy {
        match *self {}
    }

    pub(super) fn answer(&self) -> Option<&Answer> {
        match *self {}
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match *self {}
    }

    pub(super) fn cause(&self) -> Option<SystemError> {
        match *self {}
    }

    pub(super) fn phase(&self) -> DialPhase {
        match *self {}
    }

    pub(crate) fn is_of_function(&self) -> bool {
        match *self {}
    }

    pub(crate) fn proxy(&self) -> Option<&str> {
        match *self {}
    }

    pub(super) fn words(&self) -> &str {
        match *self {}
    }

    pub(super) fn as_cause(&self) -> SystemError {
        match *self {}
    }
}
