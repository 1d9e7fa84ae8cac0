//! The binding: converts and delegates. No rule, default or map lives here.
//!
//! What is rare crosses as JSON text of the types in [`mcp_protocol`] (their TypeScript forms are generated); what is
//! hot crosses as numbers and strings. A call's promise is a slot, a number that the JavaScript side gives out.

mod calls;
mod client;
#[cfg(test)]
mod constants;
#[expect(unsafe_code, reason = "a threadsafe function is referenced and unreferenced through Node-API itself")]
mod mailbox;
mod pieces;
#[expect(unsafe_code, reason = "arguments are taken from Node-API itself")]
mod raw;
#[expect(unsafe_code, reason = "Latin-1 strings are made through Node-API itself")]
mod text;

use napi_derive::napi;

pub use self::client::{flush_function, request_function};

use crate::{driver, protocol::Options};

/// The defaults of the options, as JSON: `{ [option]: value }`; durations in ms, `null` where the default is Infinity.
#[napi]
pub fn default_options() -> String {
    serde_json::Value::Object(Options::default_table()).to_string()
}

/// The version of this binary; the JavaScript part checks that it is its own.
#[napi]
pub fn binary_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The name of the thread that all clients of a process share.
#[napi]
pub fn io_thread_name() -> &'static str {
    driver::shared_io_thread_name()
}
