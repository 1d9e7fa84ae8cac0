// Generated from the Rust constants by crates/mailbox/src/constants.rs. Do not edit.

/** Kinds of items of the mailbox. */

export const RESULTS = 0
export const RESULT = 1
export const OPEN = 2
export const ELEMENTS = 3
export const CLOSE = 4
export const BYTES = 5
export const DONE = 6
export const FAILED = 7
export const NOTICE = 8
export const MESSAGE = 9
export const ASK_TOKEN = 10
export const NOTHING = 11
export const RESUME_AFTER = 12
export const ASK_ROOTS = 13
export const ASK_PROXY = 14
export const ASK_URLS = 15
