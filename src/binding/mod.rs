//! The binding converts and delegates. It contains no rules, no defaults and no maps.
//!
//! What is rare crosses as JSON of the types in [`mcp_protocol`], which are generated for TypeScript. What is
//! frequent crosses as numbers and strings. The promise of a call is known here as a slot, a number that JavaScript
//! assigns.

mod calls;
mod client;
mod item;
#[expect(unsafe_code, reason = "a threadsafe function is referenced and unreferenced through Node-API itself")]
mod mailbox;
#[expect(unsafe_code, reason = "values are made through Node-API itself")]
mod payload;
mod probe;
#[expect(unsafe_code, reason = "arguments are taken from Node-API itself")]
mod raw;
#[expect(unsafe_code, reason = "Latin-1 strings are made through Node-API itself")]
mod text;
mod waits;

use mcp_protocol::Options;
use napi_derive::napi;

pub use self::client::{flush_function, request_function};

use crate::driver;

/// The defaults of the options, as JSON: `{ [option]: value }`; durations in ms, `null` where the default is Infinity.
#[napi]
pub fn default_options() -> String {
    serde_json::Value::Object(Options::default_table()).to_string()
}

/// Replays the JSON of a `FlightRecord`: the JSON of a `ReplayReport`, or of `{ kind, message }`, the class and the
/// words of the error.
#[napi(catch_unwind)]
pub fn replay(record: String) -> String {
    match mcp_protocol::replay(&record, env!("CARGO_PKG_VERSION")) {
        Ok(report) => item::to_json(&report),
        Err(error) => serde_json::json!({ "kind": error.kind(), "message": error.to_string() }).to_string(),
    }
}

/// The version of this binary. JavaScript checks that it is the same as its own.
#[napi]
pub fn binary_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The name of the thread that all clients of a process share.
#[napi]
pub fn io_thread_name() -> &'static str {
    driver::shared_io_thread_name()
}
