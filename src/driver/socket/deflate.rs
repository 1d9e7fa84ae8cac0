//! Compression of messages by permessage-deflate (RFC 7692): compresses a text, and inflates what comes piece by piece.
//! What the two sides have agreed on is found out in the upgrade.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What client and server have agreed on (RFC 7692 § 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// What the server sends may refer to its messages before.
    pub(crate) server_keeps_context: bool,
    /// How far back, as a power of two: 8 to 15.
    pub(crate) server_window_bits: u8,
    /// The same for what we send; it never refers to messages before.
    pub(crate) client_window_bits: u8,
}

/// The payload of a compressed message; `None` if it would not be smaller than the text.
///
/// A window of 256 bytes is one that zlib cannot make: such a text is sent as it is, which is always allowed.
pub(super) fn compress(text: &[u8], window_bits: u8) -> Option<Vec<u8>> {
    if window_bits < LEAST_WINDOW_BITS {
        return None;
    }
    let mut deflate = Compress::new_with_window_bits(LEVEL, false, window_bits);
    // With the end that is cut off. A text that does not fit is not worth its compression.
    let mut payload = Vec::with_capacity(text.len() + FLUSH_END.len() - 1);
    deflate.compress_vec(text, &mut payload, FlushCompress::Sync).ok()?;
    let is_complete = deflate.total_in() == text.len() as u64 && payload.len() < payload.capacity();
    let length = payload.strip_suffix(&FLUSH_END).filter(|_| is_complete)?.len();
    payload.truncate(length);
    Some(payload)
}

/// Inflates the messages of one connection. It has memory only if it is needed: while a message comes in, and between
/// messages if the next one may refer to the last.
pub(super) struct Inflater {
    agreement: Agreement,
    stream: Option<Box<Decompress>>,
    /// Of the message, so far.
    output: Vec<u8>,
    /// The stream has taken input since the message, or its last final block, began.
    is_underway: bool,
}

/// Why a message cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InflateError {
    Corrupt,
    /// It has more bytes than it may.
    TooLarge,
}

impl Inflater {
    pub(super) fn new(agreement: Agreement) -> Self {
        Self { agreement, stream: None, output: Vec::new(), is_underway: false }
    }

    /// A message begins. `memory` is to hold it.
    pub(super) fn begin(&mut self, memory: Vec<u8>) {
        self.output = memory;
        self.is_underway = false;
    }

    /// Takes the next bytes of its payload. The message may have `limit` bytes; memory is never made for more.
    pub(super) fn add(&mut self, mut payload: &[u8], limit: usize) -> Result<(), InflateError> {
        let Self { agreement, stream, output, is_underway } = self;
        let window_bits = agreement.server_window_bits.max(LEAST_WINDOW_BITS);
        let stream = stream.get_or_insert_with(|| Box::new(Decompress::new_with_window_bits(false, window_bits)));
        loop {
            grow(output, limit);
            *is_underway |= !payload.is_empty();
            let before = stream.total_in();
            let status = stream.decompress_vec(payload, output, FlushDecompress::None);
            let status = status.map_err(|_| InflateError::Corrupt)?;
            payload = &payload[(stream.total_in() - before) as usize..];
            if output.len() > limit {
                return Err(InflateError::TooLarge);
            }
            if status == Status::StreamEnd {
                restart(stream, output, window_bits)?;
                *is_underway = !payload.is_empty();
            }
            if payload.is_empty() && output.len() < output.capacity() {
                return Ok(());
            }
        }
    }

    /// The message is complete: returns it.
    pub(super) fn finish(&mut self, limit: usize) -> Result<Bytes, InflateError> {
        // The sender has cut it off (RFC 7692 § 7.2.2). A message without any payload, as some send for an empty one,
        // had none; nor had one that ends with a final block (§ 7.2.3.4).
        if self.is_underway {
            self.add(&FLUSH_END, limit)?;
        }
        if !self.agreement.server_keeps_context {
            self.stream = None;
        }
        Ok(Bytes::from(std::mem::take(&mut self.output)))
    }
}

/// Makes room if there is none, for one byte more than the message may have at the most.
fn grow(output: &mut Vec<u8>, limit: usize) {
    if output.len() == output.capacity() {
        let most = limit.saturating_add(1) - output.len();
        output.reserve_exact(output.len().max(LEAST_ROOM).min(most));
    }
}

/// Goes on after a final block (RFC 7692 § 7.2.3.4): what follows may refer to what this message has had so far.
fn restart(stream: &mut Decompress, output: &[u8], window_bits: u8) -> Result<(), InflateError> {
    stream.reset(false);
    let window = &output[output.len().saturating_sub(1 << window_bits)..];
    if window.is_empty() {
        return Ok(());
    }
    stream.set_dictionary(window).map(drop).map_err(|_| InflateError::Corrupt)
}

/// Two thirds of the time of zlib's default and nearly its ratio, for JSON.
const LEVEL: Compression = Compression::new(2);
/// What zlib can do; RFC 7692 allows 8 too.
const LEAST_WINDOW_BITS: u8 = 9;
/// The empty block that ends each message, and is not sent (RFC 7692 § 7.2.1).
const FLUSH_END: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes. By so many the memory of a message grows at least.
const LEAST_ROOM: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inflater(server_keeps_context: bool, server_window_bits: u8) -> Inflater {
        Inflater::new(Agreement { server_keeps_context, server_window_bits, client_window_bits: 15 })
    }

    /// Inflates a payload that comes in pieces of this size.
    fn inflate(inflater: &mut Inflater, payload: &[u8], piece: usize, limit: usize) -> Result<Bytes, InflateError> {
        inflater.begin(Vec::new());
        payload.chunks(piece).try_for_each(|bytes| inflater.add(bytes, limit))?;
        inflater.finish(limit)
    }

    /// What a server makes of its messages that keeps its window between them; each is flushed after so many bytes.
    fn compressed_by_server(messages: &[Vec<u8>], window_bits: u8, level: u32, flushed_after: usize) -> Vec<Vec<u8>> {
        let mut deflate = Compress::new_with_window_bits(Compression::new(level), false, window_bits);
        let compress = |message: &Vec<u8>| {
            let mut payload = Vec::with_capacity(2 * message.len() + 1000);
            for bytes in message.chunks(flushed_after) {
                payload.reserve(2 * bytes.len() + 100);
                deflate.compress_vec(bytes, &mut payload, FlushCompress::Sync).expect("it compresses");
            }
            payload.truncate(payload.len().saturating_sub(FLUSH_END.len()));
            payload
        };
        messages.iter().map(compress).collect()
    }

    /// Of few words, so that it can be compressed, and of some that are random.
    fn any_message() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            4 => prop::sample::select(vec!["\"rank\":", "{\"snippet\":\"", "größe", "漢字", ", "]).prop_map(str::to_owned),
            1 => "[ -~]{0,60}",
        ];
        prop::collection::vec(word, 0..400).prop_map(|words| words.concat().into_bytes())
    }

    proptest! {
        // Without optimisation zlib takes its time.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn messages_are_inflated_as_they_were_however_they_were_compressed_and_cut(
            messages in prop::collection::vec(any_message(), 1..6),
            (bits, level) in (9_u8..=15, 0_u32..=9),
            flushed_after in 1_usize..5000,
            piece in 1_usize..3000,
        ) {
            let payloads = compressed_by_server(&messages, bits, level, flushed_after);
            let mut inflater = inflater(true, bits);
            for (message, payload) in messages.iter().zip(&payloads) {
                let inflated = inflate(&mut inflater, payload, piece, message.len());
                prop_assert_eq!(inflated.as_deref(), Ok(&message[..]));
            }
        }

        #[test]
        fn what_is_compressed_inflates_with_the_agreed_window_and_no_other_message(
            messages in prop::collection::vec(any_message(), 1..4),
            bits in 8_u8..=15,
        ) {
            for message in &messages {
                let Some(payload) = compress(message, bits) else { continue };
                prop_assert!(bits > 8 && payload.len() < message.len());
                let inflated = inflate(&mut inflater(false, bits), &payload, payload.len(), message.len());
                prop_assert_eq!(inflated.as_deref(), Ok(&message[..]));
            }
        }

        #[test]
        fn no_payload_makes_a_message_longer_than_its_limit(
            message in any_message(),
            noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            piece in 1_usize..3000,
            limit in 0_usize..3000,
        ) {
            let mut payload = compressed_by_server(&[message], 15, 6, 1000).concat();
            for (place, byte) in noise {
                if !payload.is_empty() {
                    let place = place.index(payload.len());
                    payload[place] = byte;
                }
            }
            let mut inflater = inflater(true, 15);
            let inflated = inflate(&mut inflater, &payload, piece, limit);
            prop_assert!(inflated.is_ok_and(|bytes| bytes.len() <= limit) || inflater.output.capacity() <= limit + 1);
        }
    }

    #[test]
    fn the_examples_of_the_rfc_inflate() {
        let mut keeping = inflater(true, 15);
        for (payload, section) in [
            (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], "7.2.3.1"),
            (&[0xf2, 0x00, 0x11, 0x00, 0x00], "7.2.3.2, with context takeover"),
            (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], "7.2.3.3"),
            (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "7.2.3.4"),
            (&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], "7.2.3.5"),
        ] {
            for piece in 1..=payload.len() {
                let mut keeping_none = inflater(false, 15);
                let other = inflate(&mut keeping_none, payload, piece, 5);
                assert_eq!(other.is_ok(), !section.contains("takeover"), "{section}");
            }
            assert_eq!(inflate(&mut keeping, payload, payload.len(), 5).as_deref(), Ok(&b"Hello"[..]), "{section}");
        }
        assert_eq!(inflate(&mut keeping, &[0x00], 1, 0).as_deref(), Ok(&b""[..]), "7.2.3.6");
        assert_eq!(inflate(&mut keeping, &[], 1, 0).as_deref(), Ok(&b""[..]), "some send nothing instead");
        assert_eq!(compress(b"Hello", 15), None, "it would have 7 bytes");
    }

    #[test]
    fn what_follows_a_final_block_may_refer_to_what_came_before_it() {
        let first = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let repeated = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let payload = [&first[..], &repeated].concat();
        for piece in 1..=payload.len() {
            assert_eq!(inflate(&mut inflater(false, 9), &payload, piece, 10).as_deref(), Ok(&b"HelloHello"[..]));
        }
        assert_eq!(inflate(&mut inflater(false, 9), &first, 7, 5).as_deref(), Ok(&b"Hello"[..]), "nor need any follow");
    }

    #[test]
    fn a_corrupt_payload_is_an_error() {
        let mut of_no_kind = inflater(true, 15);
        assert_eq!(inflate(&mut of_no_kind, &[0xff; 8], 8, 100), Err(InflateError::Corrupt));
        let refers_to_nothing = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflate(&mut inflater(true, 15), &refers_to_nothing, 5, 100), Err(InflateError::Corrupt));
    }

    #[test]
    fn a_message_that_inflates_to_too_much_is_given_up_before_it_takes_memory() {
        const LIMIT: usize = 1 << 20;
        let bomb = compress(&vec![0; 20 * LIMIT], 15).expect("zeros get smaller");
        assert!(bomb.len() < LIMIT, "{} bytes", bomb.len());
        let mut inflater = inflater(true, 15);
        assert_eq!(inflate(&mut inflater, &bomb, 16 * 1024, LIMIT), Err(InflateError::TooLarge));
        assert!(inflater.output.capacity() <= LIMIT + 1, "{} bytes", inflater.output.capacity());
    }

    #[test]
    fn between_messages_there_is_memory_only_if_the_next_one_may_refer_to_the_last() {
        let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        for keeps_context in [true, false] {
            let mut inflater = inflater(keeps_context, 15);
            assert!(inflater.stream.is_none(), "before the first message");
            inflate(&mut inflater, &payload, 7, 5).expect("it inflates");
            assert_eq!((inflater.stream.is_some(), inflater.output.capacity()), (keeps_context, 0));
        }
    }
}
