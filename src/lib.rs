//! The native core of `@mcp-integration/client`, a WebSocket client for the MCP Integration Platform.
//!
//! Imports run one way, `mcp-protocol ← driver ← binding`:
//!
//! - [`mcp_protocol`], a crate of its own, decides everything. Sans-IO: no tokio, no napi, no clock, no randomness of
//!   its own.
//! - [`driver`] does what it says, on tokio: sockets, TLS, timers, one I/O thread for all clients of a process.
//! - [`binding`] converts between JavaScript and the driver.
//!
//! What is rule and what is decision is in PROTOCOL.md; how the rooms work together is in CONTRIBUTING.md.

pub mod binding;
pub mod driver;
