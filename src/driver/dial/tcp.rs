//! A TCP connection to one of several addresses: happy eyeballs.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::{progress::Progress, system_error::system_error};
use mcp_protocol::SystemError;

/// Connects to the first address that answers.
///
/// Errors: that of the last address that failed.
pub(super) async fn connect(addresses: Vec<SocketAddr>, progress: &Progress) -> Result<TcpStream, SystemError> {
    let tcp =
        race(addresses, progress).await.map_err(|(address, error)| SystemError { address, ..system_error(&error) })?;
    // Small requests must not wait for the acknowledgement of earlier ones.
    tcp.set_nodelay(true).map_err(|error| system_error(&error))?;
    // It is an aid, for routers that forget silent connections and for clients without a heartbeat: a system that does
    // not want it is no reason to fail.
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&KEEPALIVE);
    Ok(tcp)
}

/// RFC 8305 § 4: the families take turns, beginning with the one that the resolver put first.
pub(super) fn interleave(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = found.into_iter().partition(|addr| addr.is_ipv6() == first_is_v6);
    one.reverse();
    other.reverse();
    let mut turns = Vec::new();
    while !one.is_empty() || !other.is_empty() {
        turns.extend(one.pop());
        turns.extend(other.pop());
    }
    turns
}

/// RFC 8305 § 5: the next address is tried when the one before fails or is silent for a while; the first to connect
/// wins.
async fn race(addresses: Vec<SocketAddr>, progress: &Progress) -> Result<TcpStream, (Option<SocketAddr>, io::Error)> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = (None, io::Error::from(io::ErrorKind::AddrNotAvailable));
    loop {
        let next = waiting.next();
        let more = next.is_some();
        if let Some(address) = next {
            progress.tries(address);
            attempts.spawn(attempt(address));
        }
        let finished = if more {
            match timeout(HEAD_START, attempts.join_next()).await {
                Ok(finished) => finished,
                Err(_silent) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match finished {
            Some(Ok(Ok((address, tcp)))) => {
                progress.connected(address);
                return Ok(tcp);
            }
            Some(Ok(Err((address, error)))) => {
                progress.refused(address, &system_error(&error));
                last = (Some(address), error);
            }
            Some(Err(join)) => last = (None, io::Error::other(join)),
            None if more => {}
            None => return Err(last),
        }
    }
}

async fn attempt(address: SocketAddr) -> Result<(SocketAddr, TcpStream), (SocketAddr, io::Error)> {
    TcpStream::connect(address).await.map(|tcp| (address, tcp)).map_err(|error| (address, error))
}

/// After a minute of silence; given up after the system's own number of probes without an answer.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));

/// RFC 8305 § 5, "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn address_families_take_turns() {
        let [a4, b4, a6, b6] = ["1.1.1.1:1", "2.2.2.2:1", "[::1]:1", "[::2]:1"].map(|a| a.parse().expect("an address"));
        assert_eq!(interleave(vec![a6, b6, a4, b4]), [a6, a4, b6, b4]);
        assert_eq!(interleave(vec![a4, a6, b6]), [a4, a6, b6]);
    }

    /// An address on loopback where somebody listens.
    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    async fn refusing() -> SocketAddr {
        listening().await.1
    }

    /// An address that does not answer: the queue of its listener is full.
    #[cfg(target_os = "linux")]
    async fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = tokio::net::TcpSocket::new_v4().expect("IPv4");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a free port");
        let listener = socket.listen(1).expect("it listens");
        let address = listener.local_addr().expect("it is bound");
        let mut queue = Vec::new();
        while let Ok(connected) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queue.push(connected.expect("nobody refuses"));
        }
        (listener, queue, address)
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let (_listener, good) = listening().await;
        let tcp = race(vec![refusing().await, refusing().await, good], &Progress::start())
            .await
            .expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn an_address_that_is_silent_is_overtaken_by_the_next() {
        let (_busy, _queue, mute) = silent().await;
        let (_listener, good) = listening().await;
        let tcp = race(vec![mute, refusing().await, good], &Progress::start()).await.expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    async fn the_system_watches_over_an_idle_connection() {
        let (_listener, address) = listening().await;
        let tcp = connect(vec![address], &Progress::start()).await.expect("it listens");
        assert!(SockRef::from(&tcp).keepalive().expect("the system tells"));
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&tcp).tcp_keepalive_time().expect("it tells"), Duration::from_secs(60));
    }

    #[tokio::test]
    async fn when_all_addresses_fail_the_error_is_that_of_the_last_one() {
        let last = refusing().await;
        let error = connect(vec![refusing().await, last], &Progress::start()).await.expect_err("nobody listens");
        assert_eq!((error.code, error.address), (Some("ECONNREFUSED"), Some(last)));
        let error = connect(Vec::new(), &Progress::start()).await.expect_err("there is no address");
        assert_eq!((error.code, error.address), (Some("EADDRNOTAVAIL"), None));
    }
}
