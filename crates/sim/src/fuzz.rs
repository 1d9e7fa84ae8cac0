//! What the fuzz targets do with their bytes; `cargo test` does the same with every input that was kept.

use super::History;
use mcp_protocol::envelope::oracle;

/// Splits the bytes as `serde_json` does. What is not UTF-8 never reaches the splitter.
pub fn envelope(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        oracle::compare(text);
    }
}

/// Runs the history that the bytes spell.
pub fn session(bytes: &[u8]) {
    History::from_bytes(bytes).run();
}

/// Replays the bytes as a record, whatever they are.
pub fn replay(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = mcp_protocol::replay(text, VERSION);
    }
}

/// The version that the records of the corpus name.
const VERSION: &str = "0.0.0";
