//! What the harness asks the server and tells it, a line a connection, on a port of its own:
//! `stats` is answered with the counters, `vanish <ms>` drops the plain listener and all connections for so long.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use super::state::Server;

/// Serves until the listener fails.
pub(crate) fn serve(server: &Server, listener: &TcpListener, plain: SocketAddr) {
    for stream in listener.incoming().map_while(Result::ok) {
        // Who goes away in between needs no answer.
        let _ = answer(server, &stream, plain);
    }
}

#[expect(clippy::disallowed_methods, reason = "being away for a time is what it is asked for")]
pub(crate) fn wait(pause: Duration) {
    thread::sleep(pause);
}

fn answer(server: &Server, mut stream: &TcpStream, plain: SocketAddr) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let pause = line.trim().strip_prefix("vanish ").and_then(|digits| digits.parse().ok());
    if let Some(pause) = pause {
        server.away.store(pause, Relaxed);
        // Wakes the listener, which then goes.
        TcpStream::connect(plain)?;
    }
    let counters = &server.counters;
    let read = |counter: &AtomicU64| counter.load(Relaxed);
    let (accepted, requests) = (read(&counters.accepted), read(&counters.requests));
    let (pings, silent, open) = (read(&counters.pings), read(&counters.silent), server.sockets().len());
    writeln!(
        stream,
        r#"{{"accepted":{accepted},"requests":{requests},"pings":{pings},"silent":{silent},"open":{open}}}"#
    )
}
