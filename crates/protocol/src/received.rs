//! A message of the server, before the session gets it.

use bytestring::ByteString;

use super::{
    dialect,
    envelope::{self, Envelope, NotJson},
    tools::ToolList,
};

/// A text message of the server. Splitting it takes longer than everything else and needs no session: where a session
/// is shared, make this before taking the lock.
#[derive(Debug, Clone)]
pub struct Received {
    pub(super) text: ByteString,
    pub(super) split: Result<Envelope, Box<NotJson>>,
    /// What it says of the tools, if it is a `schemas` event.
    pub(super) tools: Option<ToolList>,
}

impl Received {
    /// Splits the message.
    pub fn new(text: ByteString) -> Self {
        let split = envelope::split(&text);
        let schemas = split.as_ref().ok().and_then(|envelope| dialect::schemas(&text, envelope));
        let tools = schemas.map(ToolList::read);
        Self { text, split, tools }
    }

    /// The message.
    #[cfg(feature = "sim")]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Box<Received> {
    fn from(text: &str) -> Self {
        Self::new(Received::new(text.into()))
    }
}
