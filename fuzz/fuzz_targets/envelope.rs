//! The envelope splitter against `serde_json`, on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp_sim::fuzz::envelope(bytes));
