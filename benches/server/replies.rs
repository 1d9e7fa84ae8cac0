//! What the server says: the guide's dialect, and as much of the Model Context Protocol as its SDK's client needs.
//!
//! A request's parameters are `{"n":…,"bytes":…,"kind":…}`. Its results are `{"n":…,"items":[…]}`: the same `n`, so
//! that a wrong answer is found at once, and items of about so many bytes, of plain ASCII or, for the kind `wide`, not;
//! those of the kind `varied` are of words that hardly repeat themselves, so that they are compressed as search results
//! would be. The kind `hold` is never answered, and the kind `lie` is answered with another `n`.
//!
//! Compressed answers cost this server next to nothing: items are compressed once, and what differs is put around them
//! as it is, in blocks of its own.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use flate2::{Compress, Compression, FlushCompress};

use super::{frames, state::Server, wire::Wire};

/// The answers on one connection that are not written yet.
pub(crate) struct Replies {
    out: Vec<u8>,
    items: HashMap<ItemsKey, Arc<Items>>,
    compresses: bool,
}

/// Bytes, and what they are like.
type ItemsKey = (u64, Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Plain,
    Wide,
    Varied,
}

/// The items of a result.
struct Items {
    text: String,
    /// One or more blocks of deflate that refer to nothing before them and end at a byte.
    compressed: LazyLock<Vec<u8>, Box<dyn FnOnce() -> Vec<u8> + Send>>,
}

impl Replies {
    /// `compresses` if client and server have agreed on it.
    pub(crate) fn new(compresses: bool) -> Self {
        Self { out: Vec::new(), items: HashMap::new(), compresses }
    }

    /// Answers one message; small answers wait for [`Self::flush`].
    pub(crate) fn answer(
        &mut self,
        server: &Server,
        wire: &mut Wire<'_>,
        opcode: u8,
        message: &[u8],
    ) -> io::Result<()> {
        match (opcode, number_after(message, br#""n":"#)) {
            (0x1, Some(n)) => return self.answer_call(server, wire, message, n),
            (0x1, None) => self.answer_other(server, message),
            (0x8, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
            (0x9, _) => self.push(frames::PONG, &[message]),
            _ => {}
        }
        Ok(())
    }

    fn answer_call(&mut self, server: &Server, wire: &mut Wire<'_>, message: &[u8], n: u64) -> io::Result<()> {
        server.counters.requests.fetch_add(1, Relaxed);
        let Some(id) = value_after(message, br#""id":"#) else { return Ok(()) };
        let kind = value_after(message, br#""kind":"#).unwrap_or_default();
        if kind == br#""hold""# {
            return Ok(());
        }
        let n = if kind == br#""lie""# { n + 1 } else { n }.to_string();
        let kind = match kind {
            br#""wide""# => Kind::Wide,
            br#""varied""# => Kind::Varied,
            _ => Kind::Plain,
        };
        let items = self.items(number_after(message, br#""bytes":"#).unwrap_or(100), kind);
        let is_rpc = find(message, br#""jsonrpc""#).is_some();
        let (before, between, after): (&[u8], &[u8], &[u8]) = if is_rpc {
            (br#"{"jsonrpc":"2.0","id":"#, br#","result":{"content":[],"structuredContent":{"n":"#, b"}}}")
        } else {
            (br#"{"id":"#, br#","results":{"n":"#, b"}}")
        };
        let head = [before, id, between, n.as_bytes(), br#","items":"#].concat();
        if self.compresses && items.text.len() >= COMPRESSED_FROM {
            // The last byte begins the empty block whose rest is not sent (RFC 7692 § 7.2.1).
            let after = [&stored(after)[..], &[0]].concat();
            return self.push_around(wire, frames::COMPRESSED_TEXT, &stored(&head), &items.compressed, &after);
        }
        self.push_around(wire, frames::TEXT, &head, items.text.as_bytes(), after)
    }

    /// A frame with these items.
    fn push_around(
        &mut self,
        wire: &mut Wire<'_>,
        first: u8,
        head: &[u8],
        items: &[u8],
        after: &[u8],
    ) -> io::Result<()> {
        frames::push_head(&mut self.out, first, head.len() + items.len() + after.len());
        self.out.extend_from_slice(head);
        if items.len() < LARGE {
            self.out.extend_from_slice(items);
        } else {
            self.flush(wire)?;
            wire.write_all(items)?;
        }
        self.out.extend_from_slice(after);
        Ok(())
    }

    /// All that waits, in one write.
    pub(crate) fn flush(&mut self, wire: &mut Wire<'_>) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        wire.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Auth, pings and the Model Context Protocol's own handshake.
    fn answer_other(&mut self, server: &Server, message: &[u8]) {
        let is = |text: &[u8]| find(message, text).is_some();
        if is(br#""id":"auth""#) {
            return self.push(frames::TEXT, &[br#"{"id":"auth","success":true}"#]);
        }
        if is(br#""messageType":"ping""#) {
            server.counters.pings.fetch_add(1, Relaxed);
            return self.push(frames::TEXT, &[br#"{"messageType":"pong","timestamp":0}"#]);
        }
        let Some(id) = value_after(message, br#""id":"#) else { return };
        if is(br#""method":"ping""#) {
            server.counters.pings.fetch_add(1, Relaxed);
            return self.push(frames::TEXT, &[br#"{"jsonrpc":"2.0","id":"#, id, br#","result":{}}"#]);
        }
        if is(br#""method":"initialize""#) {
            let version = value_after(message, br#""protocolVersion":"#).unwrap_or_default();
            let rest = br#","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1.0.0"}}}"#;
            let before = br#","result":{"protocolVersion":"#;
            self.push(frames::TEXT, &[br#"{"jsonrpc":"2.0","id":"#, id, before, version, rest]);
        }
    }

    fn push(&mut self, first: u8, parts: &[&[u8]]) {
        frames::push_head(&mut self.out, first, parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.out.extend_from_slice(part);
        }
    }

    fn items(&mut self, size: u64, kind: Kind) -> Arc<Items> {
        Arc::clone(self.items.entry((size, kind)).or_insert_with(|| shared_items((size, kind))))
    }
}

/// The number after the first `key`.
pub(crate) fn number_after(text: &[u8], key: &[u8]) -> Option<u64> {
    let rest = &text[find(text, key)? + key.len()..];
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&rest[..length]).ok()?.parse().ok()
}

/// The value after the first `key`, a string with its quotes or a number, as the clients write it: with no escapes.
fn value_after<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = &text[find(text, key)? + key.len()..];
    let is_string = rest.first() == Some(&b'"');
    let end =
        if is_string { 2 + find(rest.get(1..)?, b"\"")? } else { rest.iter().position(|byte| b",}".contains(byte))? };
    rest.get(..end)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, _) = wanted.split_first()?;
    let candidates = text.iter().enumerate().filter(|(_, byte)| *byte == first);
    candidates.map(|(at, _)| at).find(|at| text[*at..].starts_with(wanted))
}

/// Made once for all connections.
fn shared_items(key: ItemsKey) -> Arc<Items> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = made.iter().find(|(known, _)| *known == key).map(|(_, items)| Arc::clone(items));
    known.unwrap_or_else(|| {
        let text = make_items(key.0 as usize, key.1);
        let copy = text.clone();
        let compressed = LazyLock::new(Box::new(move || compress(copy.as_bytes())) as Box<_>);
        let items = Arc::new(Items { text, compressed });
        made.push((key, Arc::clone(&items)));
        items
    })
}

/// As a server would, with zlib's default.
fn compress(text: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(text.len() + 1000);
    let mut deflate = Compress::new(Compression::new(6), false);
    deflate.compress_vec(text, &mut blocks, FlushCompress::Sync).expect("it has room");
    blocks
}

/// A block of deflate that is not compressed (RFC 1951 § 3.2.4), of less than 64 KiB.
fn stored(text: &[u8]) -> Vec<u8> {
    let length = text.len() as u16;
    [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), text].concat()
}

/// About `size` bytes, shaped like the items of a search. benches/workloads/expected.mjs makes the same.
fn make_items(size: usize, kind: Kind) -> String {
    let mut json = String::from("[");
    let mut rank = 0;
    while rank == 0 || json.len() + ITEM < size {
        if rank > 0 {
            json.push(',');
        }
        let room = size.saturating_sub(json.len() + ITEM).min(LONGEST_SNIPPET);
        let snippet = match kind {
            Kind::Plain => fill("a few words of plain ascii text ".chars().map(String::from), room),
            Kind::Wide => fill("größe 漢字 and some words ".chars().map(String::from), room),
            Kind::Varied => fill(varied_words(rank), room),
        };
        json.push_str(&format!(r#"{{"rank":{rank},"score":0.5,"snippet":"{snippet}"}}"#));
        rank += 1;
    }
    json + "]"
}

/// As many of these in a circle as there is room for.
fn fill(words: impl Iterator<Item = String> + Clone, room: usize) -> String {
    let mut text = String::new();
    for word in words.cycle() {
        if text.len() + word.len() > room {
            break;
        }
        text += &word;
    }
    text
}

/// Words of three syllables, others for each item.
fn varied_words(rank: u32) -> impl Iterator<Item = String> + Clone {
    (0..LONGEST_SNIPPET as u32).scan(rank + 1, |state, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let syllable = |shift: u32| SYLLABLES[(*state >> shift & 15) as usize];
        Some([syllable(28), syllable(24), syllable(20), " "].concat())
    })
}

const SYLLABLES: [&str; 16] =
    ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va"];
static MADE: Mutex<Vec<(ItemsKey, Arc<Items>)>> = Mutex::new(Vec::new());
/// Larger items are written from where they are instead of being copied among the small answers.
const LARGE: usize = 64 * 1024;
/// The threshold of `ws`.
const COMPRESSED_FROM: usize = 1024;
/// What an item and the rest take beside the snippet.
const ITEM: usize = 50;
const LONGEST_SNIPPET: usize = 400;
