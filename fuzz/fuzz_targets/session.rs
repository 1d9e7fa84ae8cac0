//! The session in the simulator, through the history that the bytes spell.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp_sim::fuzz::session(bytes));
