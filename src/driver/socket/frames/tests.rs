//! What frames are taken and refused, with tungstenite as the oracle.

use std::io::{self, Cursor, Read, Write};

use bytes::Buf;
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    self,
    error::ProtocolError,
    protocol::{Role, WebSocket, WebSocketConfig},
};

use super::{super::deflate::compress, *};

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Close(u16, String),
}

impl From<Message> for Seen {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_string()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(payload) => Self::Ping(payload.to_vec()),
            Message::Close { code, reason } => Self::Close(code, reason.to_string()),
        }
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let head = match length {
        0..=125 => vec![first, length as u8],
        126..=0xffff => vec![first, 126, (length >> 8) as u8, length as u8],
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [&head, payload].concat()
}

/// In so many fragments, with a ping before each and a pong behind it.
fn message(opcode: u8, payload: &[u8], fragments: usize) -> (Vec<u8>, Vec<Seen>) {
    let size = payload.len().div_ceil(fragments).max(1);
    let mut chunks: Vec<&[u8]> = payload.chunks(size).collect();
    chunks.resize(fragments, b"");
    let (mut bytes, mut seen) = (Vec::new(), Vec::new());
    for (index, chunk) in chunks.iter().enumerate() {
        let is_last = index + 1 == fragments;
        let opcode = if index == 0 { opcode } else { CONTINUATION };
        bytes.extend(frame(FINAL | PING, &[index as u8]));
        seen.push(Seen::Ping(vec![index as u8]));
        bytes.extend(frame(if is_last { FINAL | opcode } else { opcode }, chunk));
        bytes.extend(frame(FINAL | PONG, b"unasked"));
    }
    let whole = payload.to_vec();
    seen.push(match opcode {
        TEXT => Seen::Text(String::from_utf8(whole).expect("a text")),
        _ => Seen::Binary(whole),
    });
    (bytes, seen)
}

fn read(frames: &mut Frames, stream: &[u8], sizes: &[usize], large: usize) -> Result<Vec<Seen>, Violation> {
    let mut seen = Vec::new();
    read_into(&mut seen, frames, stream, sizes, large)?;
    Ok(seen)
}

/// Has a stream taken that comes in pieces of these sizes, in turn; what is large goes straight into the room for
/// it.
fn read_into(
    seen: &mut Vec<Seen>,
    frames: &mut Frames,
    mut stream: &[u8],
    sizes: &[usize],
    large: usize,
) -> Result<(), Violation> {
    for size in sizes.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let mut piece = &stream[..stream.len().min(*size)];
        stream.advance(piece.len());
        while let Some(mut room) = frames.room(large).filter(|_| !piece.is_empty()) {
            let count = piece.len().min(room.remaining_mut());
            room.put_slice(&piece[..count]);
            piece.advance(count);
            seen.extend(frames.filled(count)?.map(Seen::from));
        }
        frames.take_all(piece, |message| seen.push(message.into()))?;
        if let Some(Seen::Close(..)) = seen.last() {
            break;
        }
    }
    Ok(())
}

/// What tungstenite makes of a stream, up to a close frame, and why it goes no further.
fn read_by_tungstenite(stream: &[u8], limit: usize) -> (Vec<Seen>, Option<tungstenite::Error>) {
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let mut socket = WebSocket::from_raw_socket(Recorded(Cursor::new(stream)), Role::Client, Some(config));
    let mut seen = Vec::new();
    while !matches!(seen.last(), Some(Seen::Close(..))) {
        seen.push(match socket.read() {
            Ok(tungstenite::Message::Text(text)) => Seen::Text(text.to_string()),
            Ok(tungstenite::Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
            Ok(tungstenite::Message::Ping(payload)) => Seen::Ping(payload.to_vec()),
            Ok(tungstenite::Message::Close(None)) => Seen::Close(1005, String::new()),
            Ok(tungstenite::Message::Close(Some(frame))) => Seen::Close(frame.code.into(), frame.reason.to_string()),
            Ok(_) => continue,
            Err(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break,
            Err(error) => return (seen, Some(error)),
        });
    }
    (seen, None)
}

/// A stream that was recorded; what is answered is lost.
struct Recorded<'a>(Cursor<&'a [u8]>);

impl Read for Recorded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A frame that is mostly one that a server may send, and sometimes is not.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        20 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        2 => Just(0x88),
        1 => any::<u8>(),
    ];
    // Without 1014, which tungstenite does not know.
    let code = prop::sample::select(vec![999_u16, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000]);
    let payload = prop_oneof![
        8 => "[a-zé漢😀]{0,40}".prop_map(String::into_bytes),
        2 => (code, "[a-zé]{0,10}").prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (110_usize..300).prop_map(|size| vec![b'x'; size]),
    ];
    (first, payload, prop::bool::weighted(0.01)).prop_map(|(first, payload, is_masked)| {
        let mut bytes = frame(first, &payload);
        if is_masked {
            let head = 2 + length_bytes(bytes[1]);
            bytes[1] |= MASKED;
            bytes.splice(head..head, [0; 4]);
        }
        bytes
    })
}

fn violation(stream: &[u8]) -> Violation {
    read(&mut Frames::new(1000, None), stream, &[stream.len()], 10).expect_err("it is one")
}

proptest! {
    #[test]
    fn messages_come_whole_however_the_stream_is_cut(
        messages in prop::collection::vec((r"[a-zé漢😀]{0,300}", any::<bool>(), 1usize..4), 1..6),
        sizes in prop::collection::vec(1usize..400, 1..8),
        large in 1usize..300,
    ) {
        let mut frames = Frames::new(10_000, None);
        let parts = messages.iter().map(|(text, is_text, fragments)| {
            message(if *is_text { TEXT } else { BINARY }, text.as_bytes(), *fragments)
        });
        let (streams, expected): (Vec<_>, Vec<_>) = parts.unzip();
        prop_assert_eq!(read(&mut frames, &streams.concat(), &sizes, large), Ok(expected.concat()));
    }

    #[test]
    fn a_stream_is_taken_and_refused_as_by_tungstenite(
        frames in prop::collection::vec(any_frame(), 1..12),
        cut in 0_usize..40,
        sizes in prop::collection::vec(1usize..400, 1..8),
        large in 1usize..300,
    ) {
        let mut stream = frames.concat();
        stream.truncate(stream.len().saturating_sub(cut));
        let (theirs, refused) = read_by_tungstenite(&stream, 500);
        let mut ours = Vec::new();
        let mut violation = read_into(&mut ours, &mut Frames::new(500, None), &stream, &sizes, large).err();
        // Tungstenite makes 1002 of such a code without a word.
        if violation.take_if(|violation| matches!(violation, Violation::CloseCode(_))).is_some() {
            ours.push(Seen::Close(1002, "Protocol violation".to_owned()));
        }
        match &refused {
            // It looks at each fragment of a text, where we look at the whole.
            Some(tungstenite::Error::Utf8(_)) => prop_assert_eq!(&ours[..theirs.len()], &theirs[..]),
            _ => prop_assert_eq!(&ours, &theirs),
        }
        match (violation, refused) {
            // It waits for the rest of a frame whose head is enough for us.
            (Some(_), None) => prop_assert!(cut > 0),
            (None, Some(error)) => prop_assert!(matches!(error, tungstenite::Error::Utf8(_)), "{}", error),
            _ => {}
        }
    }
}

#[test]
fn the_memory_of_a_large_message_serves_the_next_one_when_nobody_has_it() {
    let mut frames = Frames::new(4 * LARGE, None);
    let mut take = |size: usize| {
        let mut taken = None;
        frames
            .take_all(&frame(FINAL | BINARY, &vec![1; size]), |message| taken = Some(message))
            .expect("it may be sent");
        let Some(Message::Binary(bytes)) = taken else { panic!("a binary message came") };
        assert_eq!(bytes.len(), size);
        bytes
    };
    let first = take(2 * LARGE);
    let place = first.as_ptr();
    let second = take(2 * LARGE);
    assert_ne!(second.as_ptr(), place, "the first is still here");
    drop(first);
    let place = second.as_ptr();
    drop(second);
    assert_eq!(take(2 * LARGE).as_ptr(), place);
    assert_eq!(take(LARGE).as_ptr(), place);
    take(1);
    assert!(frames.last.is_empty(), "what comes next is small: the memory is given back");
}

#[test]
fn memory_is_reserved_as_a_message_comes_not_as_its_length_is_claimed() {
    const SIZE: usize = 50 * LARGE + 3;
    let stream = frame(FINAL | BINARY, &vec![1; SIZE]);
    for (piece, large) in [(16 * 1024, usize::MAX), (16 * 1024, 16 * 1024), (3 * LARGE, 1)] {
        let (mut frames, mut come) = (Frames::new(SIZE, None), 0);
        for bytes in stream[..SIZE].chunks(piece) {
            read(&mut frames, bytes, &[bytes.len()], large).expect("it may be sent");
            come += bytes.len();
            let reserved = frames.message.capacity();
            assert!(reserved <= (2 * LARGE).max(2 * come) + 64, "{reserved} bytes for {come}");
        }
        let rest = read(&mut frames, &stream[SIZE..], &[piece], large).expect("it may be sent");
        assert_eq!(rest, [Seen::Binary(vec![1; SIZE])]);
        assert!(frames.last.try_into_mut().expect("nobody has it").capacity() <= SIZE + 64);
    }
}

#[test]
fn a_close_frame_says_why_and_is_the_last() {
    let closed = |payload: &[u8]| {
        let stream = [frame(FINAL | CLOSE, payload), frame(FINAL | TEXT, b"late")].concat();
        read(&mut Frames::new(1000, None), &stream, &[stream.len()], 10).expect("it may be sent")
    };
    assert_eq!(closed(b""), [Seen::Close(1005, String::new())]);
    assert_eq!(closed(b"\x03\xe8bye"), [Seen::Close(1000, "bye".to_owned())]);
    assert_eq!(violation(&frame(FINAL | CLOSE, b"x")), Violation::Rule("a close frame has half a code"));
    assert_eq!(violation(&frame(FINAL | CLOSE, b"\x03\xe8\xff")), Violation::NotUtf8);
}

/// A text as a server compresses it that keeps no window.
fn compressed(text: &[u8]) -> Vec<u8> {
    compress(text, 15).expect("it gets smaller")
}

fn inflating(limit: usize) -> Frames {
    let agreement = Agreement { server_keeps_context: false, server_window_bits: 15, client_window_bits: 15 };
    Frames::new(limit, Some(agreement))
}

#[test]
fn compressed_messages_come_between_others_and_in_fragments_with_control_frames_between() {
    let text = "again and again ".repeat(100);
    let payload = compressed(text.as_bytes());
    let (head, tail) = payload.split_at(payload.len() / 2);
    let stream = [
        frame(FINAL | COMPRESSED | TEXT, &payload),
        frame(FINAL | TEXT, b"as it is"),
        frame(COMPRESSED | BINARY, head),
        frame(FINAL | PING, b"1"),
        frame(CONTINUATION, b""),
        frame(FINAL | CONTINUATION, tail),
        frame(TEXT, b"as "),
        frame(FINAL | CONTINUATION, b"it is"),
        frame(FINAL | COMPRESSED | TEXT, b""),
    ];
    let expected = [
        Seen::Text(text.clone()),
        Seen::Text("as it is".to_owned()),
        Seen::Ping(b"1".to_vec()),
        Seen::Binary(text.into_bytes()),
        Seen::Text("as it is".to_owned()),
        Seen::Text(String::new()),
    ];
    for size in [1, 2, 7, 1000] {
        assert_eq!(read(&mut inflating(1600), &stream.concat(), &[size], 1).as_deref(), Ok(&expected[..]));
    }
}

#[test]
fn only_the_first_frame_of_a_message_may_say_that_it_is_compressed_and_only_if_that_was_agreed_on() {
    let reserved = Err(Violation::Rule("a reserved bit of a frame is set"));
    let text = frame(TEXT, b"a");
    let continued = [text, frame(FINAL | COMPRESSED | CONTINUATION, b"a")].concat();
    let streams = [FINAL | COMPRESSED | PING, FINAL | COMPRESSED | PONG, FINAL | COMPRESSED | CLOSE];
    let streams = streams.map(|first| frame(first, b""));
    let others = [0x20, 0x10, 0x60, 0x70].map(|bits| frame(FINAL | bits | TEXT, b"a"));
    for stream in streams.iter().chain(&others).chain([&continued]) {
        assert_eq!(read(&mut inflating(1000), stream, &[1], 1), reserved, "{stream:?}");
    }
    assert_eq!(read(&mut Frames::new(1000, None), &frame(FINAL | COMPRESSED | TEXT, b"a"), &[1], 1), reserved);
}

#[test]
fn a_compressed_message_may_be_as_large_as_the_limit_when_it_is_inflated() {
    let text = vec![b'x'; 100_000];
    let stream = frame(FINAL | COMPRESSED | TEXT, &compressed(&text));
    assert!(read(&mut inflating(100_000), &stream, &[7], 1).is_ok());
    let too_large = Err(Violation::InflatesTooLarge { limit: 99_999 });
    assert_eq!(read(&mut inflating(99_999), &stream, &[7], 1), too_large);
    let claimed = [FINAL | COMPRESSED | TEXT, 127, 255, 255, 255, 255, 255, 255, 255, 255];
    let too_large = Err(Violation::TooLarge { size: u64::MAX, limit: 1000 });
    assert_eq!(read(&mut inflating(1000), &claimed, &[1], 1), too_large, "it need not come");
    let stored = [&[0, 0xe8, 0x03, 0x17, 0xfc][..], &[b'x'; 1000], &[0]].concat();
    let stored = frame(FINAL | COMPRESSED | TEXT, &stored);
    assert!(read(&mut inflating(1000), &stored, &[1], 1).is_ok(), "its payload is larger than the message");
}

#[test]
fn what_is_compressed_must_inflate_and_a_text_be_utf_8() {
    let corrupt = frame(FINAL | COMPRESSED | TEXT, &[0xff; 8]);
    assert_eq!(read(&mut inflating(1000), &corrupt, &[1], 1), Err(Violation::Corrupt));
    let latin = frame(FINAL | COMPRESSED | TEXT, &compressed(&[0xe9; 100]));
    assert_eq!(read(&mut inflating(1000), &latin, &[1], 1), Err(Violation::NotUtf8));
}

#[test]
fn the_memory_of_a_large_inflated_message_serves_the_next_one() {
    let stream = frame(FINAL | COMPRESSED | BINARY, &compressed(&noise(2 * LARGE)));
    let mut frames = inflating(4 * LARGE);
    let mut places = Vec::new();
    for _ in 0..2 {
        let place = |message| match message {
            Message::Binary(bytes) => places.push((bytes.as_ptr(), bytes.len())),
            _ => panic!("a binary message came"),
        };
        frames.take_all(&stream, place).expect("it may be sent");
    }
    assert_eq!(places, [(places[0].0, 2 * LARGE); 2]);
}

/// Half of it can be compressed.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|place| if place % 512 < 256 { 0 } else { rand::random() }).collect()
}

#[test]
fn a_close_frame_has_one_of_the_codes_that_may_be_sent_and_any_other_is_a_violation_that_names_it() {
    for code in 0..=u16::MAX {
        let stream = frame(FINAL | CLOSE, &code.to_be_bytes());
        let expected = match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(vec![Seen::Close(code, String::new())]),
            _ => Err(Violation::CloseCode(code)),
        };
        assert_eq!(read(&mut Frames::new(1000, None), &stream, &[stream.len()], 10), expected, "{code}");
    }
    assert_eq!(Violation::CloseCode(1005).to_string(), "a close frame has the code 1005, which must not be sent");
}

#[test]
fn a_message_may_be_as_large_as_the_limit_in_one_frame_or_in_many() {
    let text = |size| vec![b'x'; size];
    assert!(read(&mut Frames::new(1000, None), &frame(FINAL | TEXT, &text(1000)), &[7], 100).is_ok());
    let too_large = |size| Violation::TooLarge { size, limit: 1000 };
    assert_eq!(violation(&frame(FINAL | TEXT, &text(1001))[..4]), too_large(1001));
    assert_eq!(violation(&[FINAL | BINARY, 127, 255, 255, 255, 255, 255, 255, 255, 255]), too_large(u64::MAX));
    assert_eq!(violation(&[frame(TEXT, &text(600)), frame(FINAL, &text(600))].concat()), too_large(1200));
}
