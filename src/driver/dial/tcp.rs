//! A TCP connection to one of several addresses: happy eyeballs.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// Connects to the first address that answers, in an order in which the address families take turns.
pub(super) async fn connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let tcp = race(interleave(addresses)).await?;
    // Small requests must not wait for the acknowledgement of earlier ones.
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// RFC 8305 § 4: the families take turns, beginning with the one that the resolver put first.
fn interleave(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
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

/// RFC 8305 § 5: the next address is tried when the one before fails or is silent for a while; the first to connect wins.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = waiting.next().map(|address| attempts.spawn(TcpStream::connect(address))).is_some();
        let finished = if more {
            match timeout(HEAD_START, attempts.join_next()).await {
                Ok(finished) => finished,
                Err(_silent) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match finished {
            Some(Ok(Ok(tcp))) => return Ok(tcp),
            Some(Ok(Err(error))) => last = error,
            Some(Err(join)) => last = io::Error::other(join),
            None if more => {}
            None => return Err(last),
        }
    }
}

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
        let tcp = race(vec![refusing().await, refusing().await, good]).await.expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn an_address_that_is_silent_is_overtaken_by_the_next() {
        let (_busy, _queue, mute) = silent().await;
        let (_listener, good) = listening().await;
        let tcp = race(vec![mute, refusing().await, good]).await.expect("the last one listens");
        assert_eq!(tcp.peer_addr().expect("it is connected"), good);
    }

    #[tokio::test]
    async fn when_all_addresses_fail_the_last_failure_is_told() {
        let error = race(vec![refusing().await, refusing().await]).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = race(Vec::new()).await.expect_err("there is nobody");
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
