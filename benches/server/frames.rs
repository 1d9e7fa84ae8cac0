//! WebSocket frames, as far as the benchmark's clients need them: they do not fragment.

use std::ops::Range;

/// The first bytes of a text frame, of a compressed one, and of a pong.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const COMPRESSED_TEXT: u8 = 0xc1;
pub(crate) const PONG: u8 = 0x8a;

/// One whole frame in a buffer.
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Range<usize>,
}

/// The frame at the start of `bytes`, unmasked in place; `None` until all of it is there.
pub(crate) fn read(bytes: &mut [u8]) -> Option<Frame> {
    let opcode = *bytes.first()? & 0x0f;
    let second = *bytes.get(1)?;
    let (length, after) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    if second & 0x80 == 0 {
        let payload = after..after + length;
        return bytes.get(payload.clone()).map(|_| Frame { opcode, payload });
    }
    let mask: [u8; 4] = bytes.get(after..after + 4)?.try_into().ok()?;
    let payload = after + 4..after + 4 + length;
    unmask(bytes.get_mut(payload.clone())?, mask);
    Some(Frame { opcode, payload })
}

/// The head of an unmasked frame.
pub(crate) fn push_head(out: &mut Vec<u8>, first: u8, length: usize) {
    out.push(first);
    match length {
        0..126 => out.push(length as u8),
        126..65536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}
