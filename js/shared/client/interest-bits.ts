// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.

/** Bits of `NativeClient.setInterest`. */

export const messages = 1
export const heartbeats = 2
export const logs = 4
export const opens = 8
export const dials = 16
