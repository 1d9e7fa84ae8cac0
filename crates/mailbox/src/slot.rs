//! The slot of a command or call: a number that JavaScript assigns, and gets back with the outcome.

/// A slot, whether its caller wants the results as bytes, and whether somebody is told how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// `number` is below 2³⁰.
    pub fn new(number: u32, wants_bytes: bool) -> Self {
        Self(number | if wants_bytes { WANTS_BYTES } else { 0 })
    }

    /// The same slot, of a call that is traced or not.
    pub fn traced(self, is_traced: bool) -> Self {
        Self(self.0 | if is_traced { IS_TRACED } else { 0 })
    }

    /// The number that JavaScript assigned.
    pub fn number(self) -> u32 {
        self.0 & !(WANTS_BYTES | IS_TRACED)
    }

    /// Somebody is told how large the results are.
    pub fn is_traced(self) -> bool {
        self.0 & IS_TRACED != 0
    }

    /// Its caller wants the results as bytes.
    pub fn wants_bytes(self) -> bool {
        self.0 & WANTS_BYTES != 0
    }
}

const WANTS_BYTES: u32 = 1 << 31;
const IS_TRACED: u32 = 1 << 30;
