//! The driver: tokio. It does what the session says and never asks why.
//!
//! All clients of a process share one I/O thread ([`runtime`]), which watches the network for them ([`network`]). A
//! client with something to do has one task there ([`task`]): its socket, its one timer, its actions. What JavaScript
//! holds is a [`Handle`]. Both sides share one [`core`], behind a lock that is never held across a system call.
//!
//! [`dial`] opens a stream, [`socket`] is the open WebSocket on it.

mod clock;
mod core;
mod dial;
mod handle;
mod network;
mod panics;
mod runtime;
mod socket;
mod task;

use std::time::Duration;

use tokio::sync::watch;

pub(crate) use self::clock::instant;
pub use self::{
    dial::{Page, Resolve, Resolver},
    handle::{Handle, shared_io_thread_name},
    panics::hide_panic_messages,
};
use mcp_protocol::{ConnectionId, Event};

/// Where events go. The binding's is the mailbox of a JavaScript environment.
pub trait Sink: Send + Sync + 'static {
    /// What comes back with a settled command or call.
    type Payload: Send + 'static;

    /// Takes an event. Called under the session's lock, in the order of the events: it must be quick and must not call
    /// the client.
    fn push(&self, event: Event<Self::Payload>);

    /// Asks the user's token function; the answer goes to [`Handle::answer_token`]. Called like `push`.
    fn ask_token(&self, connection: ConnectionId);

    /// Asks the user's url function; the answer goes to [`Handle::answer_urls`]. Called like `push`.
    fn ask_urls(&self, asked: ConnectionId);

    /// Asks the user's proxy function about a server, as `http(s)://host`; the answer goes to [`Handle::answer_proxy`].
    /// Called like `push`.
    fn ask_proxy(&self, connection: ConnectionId, server: &str);

    /// Events were pushed. Called without any lock.
    fn wake(&self);

    /// The system had no thread for the client, and so nothing that could wait: call [`Handle::resume`] after this
    /// time. Called without any lock.
    fn resume_after(&self, wait: Duration);

    /// This machine has no store of certificates: those that the runtime brings are to be given to
    /// [`Handle::answer_roots`]. Called without any lock.
    fn ask_roots(&self);

    /// True while nobody drains: reading stops until it is false again.
    fn is_full(&self) -> watch::Receiver<bool>;
}
