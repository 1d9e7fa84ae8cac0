//! The slot of a command or call: a number that JavaScript assigns, and gets back with the outcome.

/// A slot, and whether its caller wants the results as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// `number` is below 2³¹.
    pub fn new(number: u32, wants_bytes: bool) -> Self {
        Self(number | if wants_bytes { WANTS_BYTES } else { 0 })
    }

    /// The number that JavaScript assigned.
    pub fn number(self) -> u32 {
        self.0 & !WANTS_BYTES
    }

    /// Its caller wants the results as bytes.
    pub fn wants_bytes(self) -> bool {
        self.0 & WANTS_BYTES != 0
    }
}

const WANTS_BYTES: u32 = 1 << 31;
