//! A message of the server, before the session gets it.

use bytestring::ByteString;

use super::envelope::{self, Envelope, NotJson};

/// A text message of the server. Splitting it takes longer than everything else and needs no session: where a session
/// is shared, make this before taking the lock.
#[derive(Debug, Clone)]
pub struct Received {
    pub(super) text: ByteString,
    pub(super) split: Result<Envelope, Box<NotJson>>,
}

impl Received {
    /// Splits the message.
    pub fn new(text: ByteString) -> Self {
        Self { split: envelope::split(&text), text }
    }
}

impl From<&str> for Received {
    fn from(text: &str) -> Self {
        Self::new(text.into())
    }
}
