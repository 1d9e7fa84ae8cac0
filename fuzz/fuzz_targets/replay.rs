//! The replay of a flight record, with any text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp_sim::fuzz::replay(bytes));
