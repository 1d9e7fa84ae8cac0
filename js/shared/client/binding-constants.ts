// Generated from the Rust constants by crates/mailbox/src/constants.rs. Do not edit.

/** Kinds of items of the mailbox. */
export const ITEM = {
  RESULTS: 0,
  RESULT: 1,
  OPEN: 2,
  ELEMENTS: 3,
  CLOSE: 4,
  BYTES: 5,
  DONE: 6,
  FAILED: 7,
  NOTICE: 8,
  MESSAGE: 9,
  ASK_TOKEN: 10,
  NOTHING: 11,
  RESUME_AFTER: 12,
  ASK_ROOTS: 13,
  ASK_PROXY: 14,
  ASK_URLS: 15,
} as const

/** Bits of the `flags` of `request`. */
export const FLAG = {
  idempotent: 1,
  wantsBytes: 2,
  mayBeAborted: 4,
  expectsConnection: 8,
  traced: 16,
} as const
