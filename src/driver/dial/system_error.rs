//! Errors of the operating system, as the protocol knows them.

use std::io;

use super::tls_error::tls_error;
use mcp_protocol::{DialFailure, DialPhase, SystemError};

/// The error with the code that Node.js has for it. TLS reports its own as errors of the system, too.
pub(in crate::driver) fn system_error(error: &io::Error) -> SystemError {
    if let Some(by_tls) = tls_error(error, false) {
        return by_tls;
    }
    SystemError::new(handle_code(error).or_else(|| code_of(error.kind())), error.to_string())
}

/// The error of a thread that could not be started, or of a file handle that could not be had.
pub(in crate::driver) fn exhaustion(error: &io::Error) -> SystemError {
    let code = handle_code(error).or_else(|| match error.kind() {
        // Where threads are concerned. Elsewhere it only means "later".
        io::ErrorKind::WouldBlock => Some("EAGAIN"),
        io::ErrorKind::OutOfMemory => Some("ENOMEM"),
        kind => code_of(kind),
    });
    SystemError::new(code, error.to_string())
}

/// Why there is no TCP connection in this phase: `other` unless a limit of this machine was reached.
pub(super) fn tcp_failure(
    error: SystemError,
    phase: DialPhase,
    other: impl FnOnce(SystemError) -> DialFailure,
) -> DialFailure {
    if error.is_exhaustion() { DialFailure::Exhausted { phase: Some(phase), error } } else { other(error) }
}

/// What a look-up failed with. The standard library passes on the resolver's words, but not its code.
pub(super) fn name_error(error: &io::Error) -> SystemError {
    let by_system = handle_code(error);
    let message = error.to_string();
    // glibc, musl, macOS; Windows has the code WSATRY_AGAIN.
    let is_temporary = message.contains("Temporary failure")
        || message.contains("Try again")
        || (cfg!(windows) && error.raw_os_error() == Some(11_002));
    let code = by_system.unwrap_or(if is_temporary { "EAI_AGAIN" } else { "ENOTFOUND" });
    SystemError::new(Some(code), message)
}

/// The limits on file handles, for which the standard library has no stable name.
fn handle_code(error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error()? {
        23 if cfg!(unix) => Some("ENFILE"),
        24 if cfg!(unix) => Some("EMFILE"),
        // ERROR_TOO_MANY_OPEN_FILES and WSAEMFILE.
        4 | 10_024 if cfg!(windows) => Some("EMFILE"),
        _ => None,
    }
}

fn code_of(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
        io::ErrorKind::ConnectionReset => "ECONNRESET",
        io::ErrorKind::BrokenPipe => "EPIPE",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::InvalidInput => "EINVAL",
        _ => return None,
    })
}
