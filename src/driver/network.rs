//! News that the machine is on another network. One watcher for all clients of the process, on their I/O thread.
//!
//! The system tells it (netlink on Linux, the routing socket on macOS, IP Helper on Windows); nothing is polled. While
//! nothing changes it costs a file descriptor, no thread and no wake-up. It must never be the reason that a client
//! fails: where the system does not let it watch, the clients hear of it once and live by their heartbeats.

use std::{
    collections::BTreeSet, convert::Infallible, future::pending, net::IpAddr, panic::AssertUnwindSafe, sync::Arc,
};

use futures_util::FutureExt;
use netwatcher::{AsyncWatch, Error, Update};
use tokio::sync::{Notify, watch};

/// What the watcher tells the clients.
#[derive(Debug, Clone, Default)]
pub(super) enum News {
    /// Nothing yet.
    #[default]
    None,
    /// The machine has other addresses than before, and is not without any.
    Changed,
    /// There will be no news, for this reason.
    Unavailable(Arc<str>),
}

/// The watcher of an I/O thread.
#[derive(Default)]
pub(super) struct Network {
    wanted: Notify,
    news: watch::Sender<News>,
}

impl Network {
    /// From now on; what was told before is not told again.
    pub(super) fn subscribe(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Starts to watch, unless it does so already. To be called when a client has something to lose or to wait for: the
    /// first dial must not wait for a list of addresses.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// Watches as long as it is polled; it never ends.
    pub(super) async fn watch(&self) {
        self.watch_by(netwatcher::watch_interfaces_async::<adapter::Adapter>).await;
    }

    async fn watch_by(&self, start: fn() -> Result<AsyncWatch, Error>) {
        let mut known_reason = String::new();
        loop {
            self.wanted.notified().await;
            // It runs beside the clients: a panic in it must not be theirs.
            let reason = match AssertUnwindSafe(self.relay(start)).catch_unwind().await {
                Ok(Err(error)) => error.to_string(),
                Ok(Ok(never)) => match never {},
                Err(_) => {
                    self.news.send_replace(News::Unavailable("the watcher panicked; please report it".into()));
                    break;
                }
            };
            // A file handle may be there the next time that a dial has ended.
            if reason != known_reason {
                self.news.send_replace(News::Unavailable(reason.as_str().into()));
                known_reason = reason;
            }
        }
        pending::<()>().await;
    }

    async fn relay(&self, start: fn() -> Result<AsyncWatch, Error>) -> Result<Infallible, Error> {
        let mut watcher = start()?;
        // The first update comes at once: it is the list as it is.
        let mut known = addresses(&watcher.changed().await);
        loop {
            let update = watcher.changed().await;
            self.compare(&mut known, addresses(&update));
        }
    }

    /// Tells of a change, unless it left nothing: without a network there is nothing to probe and nothing to dial.
    fn compare(&self, known: &mut BTreeSet<IpAddr>, addresses: BTreeSet<IpAddr>) {
        if *known != addresses && !addresses.is_empty() {
            self.news.send_replace(News::Changed);
        }
        *known = addresses;
    }
}

/// The addresses that lead beyond this machine and its links. Containers come and go with others.
fn addresses(update: &Update) -> BTreeSet<IpAddr> {
    let all = update.interfaces.values().flat_map(|interface| &interface.ips).map(|record| record.ip);
    all.filter(leads_elsewhere).collect()
}

fn leads_elsewhere(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()),
    }
}

#[cfg(unix)]
mod adapter {
    use std::io;

    use netwatcher::async_adapter::{AsyncFd, AsyncFdAdapter, AsyncFdRegistration};

    /// Has tokio wait for the watcher's socket.
    pub(super) struct Adapter;

    impl AsyncFdAdapter for Adapter {
        fn register(socket: AsyncFd) -> io::Result<Box<dyn AsyncFdRegistration>> {
            // The copy is closed in child processes, which the watcher's own socket is not.
            let socket = socket.into_owned_fd().try_clone()?;
            #[expect(deprecated, reason = "what is unsound about it cannot happen to a descriptor that is owned")]
            let registered = tokio::io::unix::AsyncFd::new(socket)?;
            Ok(Box::new(registered))
        }
    }
}

#[cfg(not(unix))]
mod adapter {
    // The system calls back; there is nothing to wait for.
    pub(super) use netwatcher::async_adapter::Tokio as Adapter;
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;

    fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
        let all = addresses.iter().map(|address| address.parse().expect("an address"));
        all.filter(leads_elsewhere).collect()
    }

    #[test]
    fn addresses_that_lead_nowhere_are_none() {
        assert_eq!(set(&["127.0.0.1", "127.9.9.9", "::1", "169.254.7.7", "fe80::1", "0.0.0.0", "::"]).len(), 0);
        assert_eq!(set(&["192.168.1.2", "10.0.0.1", "203.0.113.1", "2001:db8::1", "fd00::1"]).len(), 5);
    }

    #[test]
    fn a_change_is_told_unless_it_changed_nothing_or_left_nothing() {
        let network = Network::default();
        let mut receiver = network.subscribe();
        let mut known = set(&["10.0.0.1"]);
        let mut told = |addresses: &[&str]| {
            network.compare(&mut known, set(addresses));
            let told = receiver.has_changed().expect("the sender is there");
            receiver.mark_unchanged();
            told
        };
        assert!(told(&["10.0.0.1", "10.0.0.2"]), "one more");
        assert!(!told(&["10.0.0.2", "10.0.0.1", "fe80::1"]), "the same");
        assert!(told(&["10.0.0.2"]), "one less");
        assert!(!told(&[]), "none");
        assert!(!told(&[]), "still none");
        assert!(told(&["10.0.0.2"]), "the old one again: what was open may have been lost meanwhile");
    }

    /// Polls the watcher once.
    async fn poll(network: &Network, start: fn() -> Result<AsyncWatch, Error>) {
        let mut watching = pin!(network.watch_by(start));
        assert!(poll_fn(|cx| Poll::Ready(watching.as_mut().poll(cx))).await.is_pending(), "it never ends");
    }

    #[tokio::test]
    async fn it_does_nothing_until_it_is_wanted() {
        poll(&Network::default(), || unreachable!("nobody has asked for it")).await;
    }

    #[tokio::test]
    async fn a_system_that_does_not_let_it_watch_is_told_of_and_that_is_all() {
        for (start, reason) in [
            ((|| Err(Error::Bind("not permitted".into()))) as fn() -> _, "not permitted"),
            (|| std::panic::panic_any("a fault of the watcher"), "panicked"),
        ] {
            let network = Network::default();
            let receiver = network.subscribe();
            network.want();
            poll(&network, start).await;
            let News::Unavailable(told) = receiver.borrow().clone() else { unreachable!("it is told") };
            assert!(told.contains(reason), "{told}");
        }
    }
}
