//! Bits of the flags of a call. They are generated for TypeScript as `FLAG`.

/// It may be sent again after the connection was lost.
pub const IDEMPOTENT: u32 = 1;
/// The caller wants the results as bytes.
pub const WANTS_BYTES: u32 = 2;
/// The caller has given a signal.
pub const MAY_BE_ABORTED: u32 = 4;
/// The caller was shown that the client is connected, or on its way.
pub const EXPECTS_CONNECTION: u32 = 8;
/// Somebody is told of the call: its results come alone, with their size.
pub const TRACED: u32 = 16;

#[cfg(test)]
pub(crate) const NAMES: [(&str, u32); 5] = [
    ("idempotent", IDEMPOTENT),
    ("wantsBytes", WANTS_BYTES),
    ("mayBeAborted", MAY_BE_ABORTED),
    ("expectsConnection", EXPECTS_CONNECTION),
    ("traced", TRACED),
];
