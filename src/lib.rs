//! The native core of `@mcp-integration/client`, a WebSocket client for the MCP Integration Platform.
//!
//! Three rooms; imports run one way, `protocol ← driver ← binding`:
//!
//! - [`protocol`] decides everything. Sans-IO: no tokio, no napi, no clock, no randomness of its own.
//! - [`driver`] does what it says, on tokio: sockets, TLS, timers, one I/O thread for all clients of a process.
//! - [`binding`] converts between JavaScript and the driver.
//!
//! What is rule and what is decision is in PROTOCOL.md; how the rooms work together is in CONTRIBUTING.md.

pub mod binding;
pub mod driver;
pub use mcp_protocol as protocol;
