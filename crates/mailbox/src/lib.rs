//! What the bindings have in common: the numbers that they share with JavaScript, and how a large result is cut into
//! pieces. Both the addon and the module for pages bring the events of a client to JavaScript as items of a mailbox.
//!
//! It contains no rule of the protocol.

#![forbid(unsafe_code)]

#[cfg(test)]
mod constants;
pub mod flag;
pub mod kind;
mod pieces;
mod slot;

pub use self::{
    pieces::{LARGEST_PIECE, Part, Pieces},
    slot::Slot,
};
