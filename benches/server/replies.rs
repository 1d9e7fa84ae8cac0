//! What the server says: the guide's dialect, and as much of the Model Context Protocol as its SDK's client needs.
//!
//! A request's parameters are `{"n":…,"bytes":…,"kind":…}`. Its results are `{"n":…,"items":[…]}`: the same `n`, so
//! that a wrong answer is found at once, and items of about so many bytes, of plain ASCII or, for the kind `wide`, not.
//! The kind `hold` is never answered, and the kind `lie` is answered with another `n`.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use super::{frames, state::Server, wire::Wire};

/// The answers on one connection that are not written yet.
#[derive(Default)]
pub(crate) struct Replies {
    out: Vec<u8>,
    items: HashMap<ItemsKey, Arc<String>>,
}

/// Bytes, and whether they are not ASCII.
type ItemsKey = (u64, bool);

impl Replies {
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
        let items = self.items(number_after(message, br#""bytes":"#).unwrap_or(100), kind == br#""wide""#);
        let is_rpc = find(message, br#""jsonrpc""#).is_some();
        let (before, between, after): (&[u8], &[u8], &[u8]) = if is_rpc {
            (br#"{"jsonrpc":"2.0","id":"#, br#","result":{"content":[],"structuredContent":{"n":"#, b"}}}")
        } else {
            (br#"{"id":"#, br#","results":{"n":"#, b"}}")
        };
        let head = [before, id, between, n.as_bytes(), br#","items":"#];
        let length = head.iter().map(|part| part.len()).sum::<usize>() + items.len() + after.len();
        frames::push_head(&mut self.out, frames::TEXT, length);
        for part in head {
            self.out.extend_from_slice(part);
        }
        if items.len() < LARGE {
            self.out.extend_from_slice(items.as_bytes());
        } else {
            self.flush(wire)?;
            wire.write_all(items.as_bytes())?;
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

    fn items(&mut self, size: u64, wide: bool) -> Arc<String> {
        Arc::clone(self.items.entry((size, wide)).or_insert_with(|| shared_items(size, wide)))
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
fn shared_items(size: u64, wide: bool) -> Arc<String> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = made.iter().find(|(key, _)| *key == (size, wide)).map(|(_, items)| Arc::clone(items));
    known.unwrap_or_else(|| {
        let items = Arc::new(make_items(size as usize, wide));
        made.push(((size, wide), Arc::clone(&items)));
        items
    })
}

/// About `size` bytes, shaped like the items of a search. benches/workloads/expected.mjs makes the same.
fn make_items(size: usize, wide: bool) -> String {
    let words = if wide { "größe 漢字 and some words " } else { "a few words of plain ascii text " };
    let mut json = String::from("[");
    let mut rank = 0;
    while rank == 0 || json.len() + ITEM < size {
        if rank > 0 {
            json.push(',');
        }
        let room = size.saturating_sub(json.len() + ITEM).min(LONGEST_SNIPPET);
        let mut snippet = String::new();
        for character in words.chars().cycle() {
            if snippet.len() + character.len_utf8() > room {
                break;
            }
            snippet.push(character);
        }
        json.push_str(&format!(r#"{{"rank":{rank},"score":0.5,"snippet":"{snippet}"}}"#));
        rank += 1;
    }
    json + "]"
}

static MADE: Mutex<Vec<(ItemsKey, Arc<String>)>> = Mutex::new(Vec::new());
/// Larger items are written from where they are instead of being copied among the small answers.
const LARGE: usize = 64 * 1024;
/// What an item and the rest take beside the snippet.
const ITEM: usize = 50;
const LONGEST_SNIPPET: usize = 400;
