//! Shows that the server is not the limit: its own speed against a client of one blocking thread that writes prepared
//! requests and counts the frames that come, without reading what is in them.
//!
//! It prints one JSON object: calls/s by workload.

use std::{
    error::Error,
    io,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustls::{ClientConnection, pki_types::ServerName};

use super::{
    frames,
    wire::{Certificate, Wire},
};

/// In the names of the harness: calls in flight, bytes of a result, TLS.
const WORKLOADS: &[(&str, usize, u64, bool)] = &[
    ("calls-1", 1, 100, false),
    ("calls-16", 16, 100, false),
    ("calls-256", 256, 100, false),
    ("10kb-x16", 16, 10_000, false),
    ("1mb-x4", 4, 1_000_000, false),
    ("10mb-x1", 1, 10_000_000, false),
    ("tls-1", 1, 100, true),
    ("tls-16", 16, 100, true),
    ("tls-256", 256, 100, true),
];

pub(crate) fn run(plain: SocketAddr, tls: SocketAddr, certificate: &Certificate) -> Result<(), Box<dyn Error>> {
    let mut lines = Vec::new();
    for (name, in_flight, bytes, is_tls) in WORKLOADS {
        let stream = TcpStream::connect(if *is_tls { tls } else { plain })?;
        let session = if *is_tls {
            let name = ServerName::from(plain.ip());
            Some(ClientConnection::new(certificate.client.clone(), name)?.into())
        } else {
            None
        };
        let rate = measure(Wire::new(&stream, session)?, *in_flight, *bytes)?;
        lines.push(format!(r#""{name}":{rate:.0}"#));
    }
    println!("{{{}}}", lines.join(","));
    Ok(())
}

/// Calls/s: each round of answers is followed by as many requests in one write.
#[expect(clippy::disallowed_methods, reason = "the self-test measures time")]
fn measure(mut wire: Wire<'_>, in_flight: usize, bytes: u64) -> io::Result<f64> {
    let mut inbound = Vec::new();
    wire.write_all(b"GET /mcp-ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")?;
    while !inbound.ends_with(b"\r\n\r\n") {
        wire.read(&mut inbound)?;
    }
    inbound.clear();
    let request = request(bytes);
    let mut calls = 0_u32;
    let mut answered = in_flight;
    let start = Instant::now();
    while start.elapsed() < DURATION {
        wire.write_all(&request.repeat(answered))?;
        answered = 0;
        while answered == 0 {
            wire.read(&mut inbound)?;
            let mut used = 0;
            while let Some(frame) = frames::read(&mut inbound[used..]) {
                used += frame.payload.end;
                answered += 1;
            }
            inbound.drain(..used);
        }
        calls += answered as u32;
    }
    Ok(f64::from(calls) / start.elapsed().as_secs_f64())
}

/// A masked frame, with zeros as its mask.
fn request(bytes: u64) -> Vec<u8> {
    let id = "req_1700000000000_abcdefghi";
    let parameters = format!(r#"{{"n":1,"bytes":{bytes},"kind":"plain","query":"some words to search for"}}"#);
    let text = format!(r#"{{"id":"{id}","name":"bench","parameters":{parameters}}}"#);
    let mut frame = vec![frames::TEXT, 0x80 | 126];
    frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

const DURATION: Duration = Duration::from_millis(500);
