//! Names: look-ups that hang, names that have several addresses, addresses that take a connection and drop it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use mcp_client::driver::{Resolve, Resolver};
use mcp_protocol::{Config, DialPhase};
use tokio::net::TcpListener;

use crate::support::{
    client::{Client, config, route},
    server::{Server, header},
};

/// `hangs.test` has an answer when this is dropped; other names have these addresses.
struct Names {
    addresses: Vec<IpAddr>,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Resolve for Names {
    fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        if host == "hangs.test"
            && let Some(gate) = self.gate.lock().unwrap().take()
        {
            let _ = gate.recv();
        }
        Ok(self.addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect())
    }
}

/// A resolver, and what `hangs.test` waits for.
fn names(addresses: &[&str]) -> (Arc<Resolver>, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel();
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    (Resolver::new(Names { addresses, gate: Mutex::new(Some(gate)) }), open)
}

fn connecting(resolver: &Arc<Resolver>, host: &str, port: u16, config: Config) -> Client {
    let mut client = Client::resolving(Arc::clone(resolver), route(&format!("ws://{host}:{port}/")), config);
    client.connect();
    client
}

#[tokio::test]
async fn a_name_that_hangs_times_out_in_its_phase_and_delays_no_other_client() {
    let (resolver, gate) = names(&["127.0.0.1"]);
    let server = Server::start().await;
    let impatient = Config { connect_timeout: Duration::from_millis(50), ..config() };
    let mut hanging: Vec<_> =
        (0..10).map(|_| connecting(&resolver, "hangs.test", server.port(), impatient.clone())).collect();
    for client in &mut hanging {
        let error = client.error().await;
        assert_eq!((error.code, error.retryable, error.phase), ("CONNECT_FAILED", true, Some(DialPhase::Name)));
        assert!(
            error.message.ends_with("(50 ms): the look-up of its name has not ended (no proxy was used)"),
            "{}",
            error.message
        );
        assert_eq!(error.system_cause.expect("a code").code, Some("ETIMEDOUT"));
    }
    let mut other = connecting(&resolver, "other.test", server.port(), config());
    let _ws = server.ready_ws().await;
    other.state("ready").await;
    drop((hanging, gate));
}

#[tokio::test]
async fn an_address_that_drops_the_connection_is_tried_last_in_the_next_attempt() {
    let (resolver, _gate) = names(&["127.0.0.2", "127.0.0.1"]);
    let bad = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = bad.local_addr().unwrap().port();
    let good = Server::on(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    let mut client = connecting(&resolver, "two.test", port, config());
    drop(bad.accept().await.unwrap());
    let error = client.error().await;
    assert_eq!((error.phase, error.retryable), (Some(DialPhase::Upgrade), true));
    let mut raw = good.raw().await;
    raw.authenticate().await;
    client.state("ready").await;
}

#[tokio::test]
async fn a_timeout_in_the_upgrade_says_so_and_puts_the_address_last() {
    let (resolver, _gate) = names(&["127.0.0.2", "127.0.0.1"]);
    let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let good = Server::on(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    let impatient = Config { connect_timeout: Duration::from_millis(300), ..config() };
    let mut client = connecting(&resolver, "two.test", port, impatient);
    let _held = silent.accept().await.unwrap();
    let error = client.error().await;
    assert_eq!(error.phase, Some(DialPhase::Upgrade));
    assert!(
        error.message.ends_with("the server has not answered the upgrade (no proxy was used)"),
        "{}",
        error.message
    );
    let mut raw = good.raw().await;
    raw.authenticate().await;
    client.state("ready").await;
}

#[tokio::test]
async fn an_address_with_a_zone_is_dialed_and_the_server_does_not_hear_of_the_zone() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let server = Server::on(listener);
    let url = format!("ws://[::1%251]:{}/", server.port());
    let _client = Client::connecting_to(&url);
    let mut raw = crate::support::server::Raw::new(server.tcp().await);
    let request = raw.request().await;
    assert_eq!(header(&request, "host"), Some(format!("[::1]:{}", server.port()).as_str()));
}
