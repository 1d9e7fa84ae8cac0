//! The benchmark's server: as fast as a thread can be, so that it is never the limit. One thread a connection, blocking
//! reads, all answers to what one read brought in one write.
//!
//! It prints one line of JSON: its ports, and where the certificate is that its TLS clients must trust. It ends when
//! its standard input does, so that none is ever left over. [`control`] tells its counters and makes it vanish and
//! return. With `--self-test` it measures itself instead, against a client that does as little as can be done.

#![expect(clippy::print_stdout, reason = "whoever starts it reads the ports there")]

mod connection;
mod control;
mod frames;
mod replies;
mod self_test;
mod state;
mod wire;

use std::{
    error::Error,
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use rustls::ServerConfig;
use state::Server;
use tokio::{net::TcpSocket, runtime};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Arc::new(Server::default());
    let certificate = wire::Certificate::make()?;
    let (plain, tls, control) = (listen(any_port())?, listen(any_port())?, listen(any_port())?);
    let (plain_at, tls_at, control_at) = (plain.local_addr()?, tls.local_addr()?, control.local_addr()?);
    spawn_with(&server, move |server| accept(server, plain, None))?;
    let config = Arc::clone(&certificate.server);
    spawn_with(&server, move |server| accept(server, tls, Some(&config)))?;
    spawn_with(&server, move |server| control::serve(server, &control, plain_at))?;
    if std::env::args().any(|argument| argument == "--self-test") {
        self_test::run(plain_at, tls_at, &certificate)?;
    } else {
        let (port, tls_port, control_port) = (plain_at.port(), tls_at.port(), control_at.port());
        let path = certificate.path.display();
        println!(r#"{{"port":{port},"tlsPort":{tls_port},"controlPort":{control_port},"certificate":"{path}"}}"#);
        // Nothing is said there: it ends when whoever started the server does.
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(std::fs::remove_file(&certificate.path)?)
}

/// Serves until the listener fails; when told to go away, listens again on the same port later.
fn accept(server: &Arc<Server>, mut listener: TcpListener, tls: Option<&Arc<ServerConfig>>) {
    let Ok(address) = listener.local_addr() else { return };
    while let Ok((stream, _)) = listener.accept() {
        let away = if tls.is_none() { server.away.swap(0, Relaxed) } else { 0 };
        if away > 0 {
            drop(listener);
            server.drop_all();
            control::wait(Duration::from_millis(away));
            let Ok(again) = listen(address) else { return };
            listener = again;
            continue;
        }
        let number = server.counters.accepted.fetch_add(1, Relaxed);
        let stream = Arc::new(stream);
        server.sockets().insert(number, Arc::clone(&stream));
        let tls = tls.cloned();
        let serve = move |server: &Arc<Server>| {
            // A client that goes away ends its thread.
            let _ = connection::serve(server, &stream, tls);
            let _ = stream.shutdown(Shutdown::Both);
            server.sockets().remove(&number);
        };
        if spawn_with(server, serve).is_err() {
            return;
        }
    }
}

fn spawn_with(server: &Arc<Server>, run: impl FnOnce(&Arc<Server>) + Send + 'static) -> io::Result<()> {
    let server = Arc::clone(server);
    thread::Builder::new().stack_size(128 * 1024).spawn(move || run(&server)).map(drop)
}

/// With a backlog that takes a herd; the standard library's own is 128.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    listener.set_nonblocking(false)?;
    Ok(listener)
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// As many as the system allows (`net.core.somaxconn`), up to this.
const BACKLOG: u32 = 16_384;
