//! The kinds of items in the mailbox: those before [`NOTICE`] are about a slot, the others about a client. They are
//! generated for TypeScript as `ITEM`.

/// Text `[slot,result,…]`.
pub const RESULTS: u8 = 0;
/// One result, too large to be joined or of a traced call: (slot, its bytes, JSON).
pub const RESULT: u8 = 1;
/// Part of a result that comes in pieces. A container begins, within the open one: (slot, 1 if it is an array, JSON
/// of its key).
pub const OPEN: u8 = 2;
/// Part of such a result: elements of the open container, as a container of their own: (slot, -, JSON).
pub const ELEMENTS: u8 = 3;
/// Part of such a result: the open container ends, and with the outermost one the result: (slot, bytes of the result).
pub const CLOSE: u8 = 4;
/// One result as bytes: (slot, -, bytes).
pub const BYTES: u8 = 5;
/// An answer without results, or a command that has succeeded: (slot).
pub const DONE: u8 = 6;
/// A failure: (slot, -, JSON of `ErrorData`).
pub const FAILED: u8 = 7;
/// A notice: (client, -, JSON of `Notice`).
pub const NOTICE: u8 = 8;
/// A message: (client, 1 if it is JSON, text).
pub const MESSAGE: u8 = 9;
/// The token function must be called: (client, connection).
pub const ASK_TOKEN: u8 = 10;
/// A wake-up for items that were taken already.
pub const NOTHING: u8 = 11;
/// `resume` must be called after a time: (client, ms).
pub const RESUME_AFTER: u8 = 12;
/// The certificates that Node.js brings are needed: (client).
pub const ASK_ROOTS: u8 = 13;
/// The proxy function must be called: (client, connection, the server as `http(s)://host`).
pub const ASK_PROXY: u8 = 14;
/// The url function must be called: (client, its name in `answerUrls`).
pub const ASK_URLS: u8 = 15;

#[cfg(test)]
pub(crate) const NAMES: [(&str, u8); 16] = [
    ("RESULTS", RESULTS),
    ("RESULT", RESULT),
    ("OPEN", OPEN),
    ("ELEMENTS", ELEMENTS),
    ("CLOSE", CLOSE),
    ("BYTES", BYTES),
    ("DONE", DONE),
    ("FAILED", FAILED),
    ("NOTICE", NOTICE),
    ("MESSAGE", MESSAGE),
    ("ASK_TOKEN", ASK_TOKEN),
    ("NOTHING", NOTHING),
    ("RESUME_AFTER", RESUME_AFTER),
    ("ASK_ROOTS", ASK_ROOTS),
    ("ASK_PROXY", ASK_PROXY),
    ("ASK_URLS", ASK_URLS),
];
