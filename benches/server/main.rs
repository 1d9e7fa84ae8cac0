//! The benchmark's server: as fast as a thread can be, so that it is never the limit. One thread a connection, blocking
//! reads, all answers to what one read brought in one write.
//!
//! It speaks the guide's dialect, as far as the benchmark needs it: auth, ping, and requests, which are answered with results of the
//! size that `"bytes":N` in the parameters names (`"kind":"wide"` makes them not ASCII). It prints its port.

#![expect(clippy::print_stdout, reason = "whoever starts it reads the port there")]

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let stream = stream?;
        thread::Builder::new().stack_size(128 * 1024).spawn(move || {
            // A client that goes away ends its thread.
            let _ = serve(stream);
        })?;
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbound = upgrade(&mut stream)?;
    let mut outbound = Vec::new();
    let mut results = HashMap::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let mut used = 0;
        while let Some((payload, length)) = frame(&mut inbound[used..]) {
            answer(&inbound[used..][payload], &mut outbound, &mut results);
            used += length;
        }
        inbound.drain(..used);
        if !outbound.is_empty() {
            stream.write_all(&outbound)?;
            outbound.clear();
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        inbound.extend_from_slice(&chunk[..read]);
    }
}

/// Answers the upgrade; what came after it is returned.
fn upgrade(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&chunk[..read]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&head[..end]);
    let key = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map_or("", |(_, value)| value.trim());
    let accept = derive_accept_key(key.as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(head.split_off(end))
}

/// Unmasks the first frame in place: where its payload is, and how long the frame is. Clients of the benchmark do not fragment.
fn frame(bytes: &mut [u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let short = *bytes.get(1)? & 0x7f;
    let (length, mask_at) = match short {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize, 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    let mask: [u8; 4] = bytes.get(mask_at..mask_at + 4)?.try_into().ok()?;
    let payload = mask_at + 4..mask_at + 4 + length;
    for (byte, mask) in bytes.get_mut(payload.clone())?.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    let end = payload.end;
    Some((payload, end))
}

fn answer(request: &[u8], out: &mut Vec<u8>, results: &mut HashMap<(usize, bool), Arc<Vec<u8>>>) {
    let text = String::from_utf8_lossy(request);
    if text.contains(r#""id":"auth""#) {
        return push(out, &[br#"{"id":"auth","success":true}"#]);
    }
    if text.contains(r#""messageType":"ping""#) {
        return push(out, &[br#"{"messageType":"pong","timestamp":0}"#]);
    }
    let (Some(id), bytes) = (after(&text, r#""id":""#, '"'), after(&text, r#""bytes":"#, ',')) else { return };
    let size = bytes.and_then(|digits| digits.trim_end_matches('}').parse().ok()).unwrap_or(100);
    let wide = text.contains(r#""kind":"wide""#);
    let json = results.entry((size, wide)).or_insert_with(|| Arc::new(make(size, wide)));
    push(out, &[br#"{"id":""#, id.as_bytes(), br#"","results":"#, json, b"}"]);
}

/// What stands between `before` and the next `end`.
fn after<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(rest.split(end).next().unwrap_or(rest))
}

/// A result of about `size` bytes, shaped like a search's.
fn make(size: usize, wide: bool) -> Vec<u8> {
    let words = if wide { "größe 漢字 and some words " } else { "a few words of plain ascii text " };
    let mut json = String::from(r#"{"items":["#);
    let mut number = 0;
    while json.len() + 2 < size {
        if number > 0 {
            json.push(',');
        }
        let room = (size - json.len()).saturating_sub(50).min(400);
        let snippet: String = words.chars().cycle().take(room).collect();
        json.push_str(&format!(r#"{{"rank":{number},"score":0.5,"snippet":"{snippet}"}}"#));
        number += 1;
    }
    json.push_str("]}");
    json.into_bytes()
}

/// One unmasked text frame.
fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(0x81);
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
    for part in parts {
        out.extend_from_slice(part);
    }
}
