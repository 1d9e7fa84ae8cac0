//! The kinds of items in the mailbox. They are generated for TypeScript as `ITEM`.

/// Text `[slot,result,…]`.
pub(super) const RESULTS: u8 = 0;
/// One result, too large to be joined or of a traced call: (slot, its bytes, JSON).
pub(super) const RESULT: u8 = 1;
/// Part of a result that comes in pieces. A container begins, within the open one: (slot, 1 if it is an array, JSON
/// of its key).
pub(super) const OPEN: u8 = 2;
/// Part of such a result: elements of the open container, as a container of their own: (slot, -, JSON).
pub(super) const ELEMENTS: u8 = 3;
/// Part of such a result: the open container ends, and with the outermost one the result: (slot, bytes of the result).
pub(super) const CLOSE: u8 = 4;
/// One result as bytes: (slot, -, bytes).
pub(super) const BYTES: u8 = 5;
/// An answer without results, or a command that has succeeded: (slot).
pub(super) const DONE: u8 = 6;
/// A failure: (slot, -, JSON of `ErrorData`).
pub(super) const FAILED: u8 = 7;
/// A notice: (client, -, JSON of `Notice`).
pub(super) const NOTICE: u8 = 8;
/// A message: (client, 1 if it is JSON, text).
pub(super) const MESSAGE: u8 = 9;
/// The token function must be called: (client, connection).
pub(super) const ASK_TOKEN: u8 = 10;
/// A wake-up for items that were taken already.
pub(super) const NOTHING: u8 = 11;
/// `resume` must be called after a time: (client, ms).
pub(super) const RESUME_AFTER: u8 = 12;
/// The certificates that Node.js brings are needed: (client).
pub(super) const ASK_ROOTS: u8 = 13;
/// The url function must be called: (client, its name in `answerUrls`).
pub(super) const ASK_URLS: u8 = 15;
/// The proxy function must be called: (client, connection, the server as `http(s)://host`).
pub(super) const ASK_PROXY: u8 = 14;

#[cfg(test)]
pub(super) const NAMES: [(&str, u8); 16] = [
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
