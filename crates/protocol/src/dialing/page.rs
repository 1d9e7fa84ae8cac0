//! A page's dials: the WebSocket of a browser, or of another runtime of JavaScript, tells little of why one failed.

use thiserror::Error;

use super::Remedy;

/// Why a page has no socket.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PageFailure {
    /// The WebSocket has failed, and all that was said of it are these words; they may be empty.
    #[error("{}", unexplained(.0))]
    Unexplained(String),
    /// The page is offline.
    #[error("the page is offline")]
    Offline,
    /// A page from `https:` may not open `ws:`.
    #[error("a page from https: may only open wss: (mixed content): use a wss: url")]
    MixedContent,
    /// The policy of the page does not allow it.
    #[error("the Content-Security-Policy of the page forbids it: add the server to its connect-src")]
    Policy,
    /// The WebSocket could not be made: what was thrown.
    #[error("the page's WebSocket refuses it: {0}")]
    Refused(String),
    /// There is no WebSocket.
    #[error("this runtime has no WebSocket: use one that has, such as Node.js 22 or newer")]
    NoWebSocket,
}

impl PageFailure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Unexplained(_) | Self::Offline => Remedy::Time,
            Self::MixedContent | Self::Policy | Self::Refused(_) | Self::NoWebSocket => Remedy::Configuration,
        }
    }
}

fn unexplained(words: &str) -> String {
    const MAYBE: &str = "the server may be down, or refuse the upgrade";
    if words.is_empty() {
        format!("a page is not told why; {MAYBE}: see the console of the browser")
    } else {
        format!("{words}; {MAYBE}")
    }
}
