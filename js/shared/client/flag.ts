// Generated from the Rust constants by crates/mailbox/src/constants.rs. Do not edit.

/** Bits of the `flags` of `request`. */

export const idempotent = 1
export const wantsBytes = 2
export const mayBeAborted = 4
export const expectsConnection = 8
export const traced = 16
