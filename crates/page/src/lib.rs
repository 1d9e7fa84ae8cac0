//! The protocol as a WebAssembly module, for pages. It converts and delegates, and contains no rule.
//!
//! An instance of the module is one client. JavaScript calls the functions of [`border`] with numbers; texts lie in the
//! instance's memory. A [`Client`] is what they are about, and knows nothing of that memory.
//!
//! Pages have no threads: whatever JavaScript reports is handled at once, and leaves outputs behind. Some are for the
//! sockets of the page ([`Output`]), the others for the user's code ([`Item`]).

#[expect(unsafe_code, reason = "JavaScript reads and writes the memory of the module")]
pub mod border;
mod client;
mod close_code;
mod items;
mod json;

/// A small one: the allocator of the standard library would be a thirtieth of what a page loads.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

pub use self::{
    client::{Client, Output},
    items::{Item, Payload},
};
