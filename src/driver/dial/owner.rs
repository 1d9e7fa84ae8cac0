//! The client that a dial is for.

use mcp_protocol::LogLevel;

/// What a dial needs of the client that it is for.
pub(in crate::driver) trait Owner: Send + Sync {
    /// Adds a line to the client's log.
    fn note(&self, level: LogLevel, message: &str);

    /// The certificates that the runtime brings are needed.
    fn ask_roots(&self);
}
