//! The addresses of a host.
//!
//! The system's resolver blocks, and a broken one for half a minute. So each look-up has a thread of its own, which
//! nobody waits for longer than they want to. Clients that ask for the same name at the same time share a look-up, and
//! a client has one thread at most, so that a name which hangs delays no other client.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use super::{
    system_error::{exhaustion, name_error},
    thread,
};
use mcp_protocol::{DialFailure, DialPhase, SystemError};

/// Where the addresses of names come from.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, without ports. It may block: it has a thread of its own.
    fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The look-ups of all clients.
pub struct Resolver {
    source: Box<dyn Resolve>,
    underway: Mutex<HashMap<Box<str>, watch::Receiver<Option<Answer>>>>,
    threads: Arc<Semaphore>,
}

/// A client's right to one thread. Whoever looks a name up for it holds the lock.
pub(super) type Turn = Arc<AsyncMutex<()>>;

type Answer = Result<Arc<[SocketAddr]>, SystemError>;

impl Resolver {
    /// Asks `source`.
    pub fn new(source: impl Resolve) -> Arc<Self> {
        Arc::new(Self {
            source: Box::new(source),
            underway: Mutex::default(),
            threads: Arc::new(Semaphore::new(MOST_THREADS)),
        })
    }

    /// The one of the system, which all clients of the process share.
    pub fn system() -> Arc<Self> {
        Arc::clone(SYSTEM.get_or_init(|| Self::new(System)))
    }

    /// The addresses of `host`. For an address and for `localhost` nobody is asked.
    ///
    /// Errors: there is no such name, the resolver does not work, or the system has no thread left.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        turn: &Turn,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, DialFailure> {
        if let Some(known) = known_addresses(host) {
            return Ok(with_port(&known, port));
        }
        let mut underway = self.look_up(turn, host).await?;
        let answer = match underway.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or_else(|| Err(no_answer())),
            Err(_) => Err(no_answer()),
        };
        match answer {
            Ok(addresses) => Ok(with_port(&addresses, port)),
            Err(error) if error.is_exhaustion() => Err(DialFailure::Exhausted { phase: Some(DialPhase::Name), error }),
            Err(error) => Err(DialFailure::Name { host: host.to_owned(), error }),
        }
    }

    /// The look-up of `host` that is under way, or a new one.
    async fn look_up(
        self: &Arc<Self>,
        turn: &Turn,
        host: &str,
    ) -> Result<watch::Receiver<Option<Answer>>, DialFailure> {
        if let Some(underway) = self.underway(host) {
            return Ok(underway);
        }
        let turn = Arc::clone(turn).lock_owned().await;
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        // Another client may have asked meanwhile.
        if let Some(underway) = self.underway(host) {
            return Ok(underway);
        }
        let (sender, receiver) = watch::channel(None);
        self.lock().insert(host.into(), receiver.clone());
        let look_up = LookUp { resolver: Arc::clone(self), host: host.into(), sender };
        let started = thread::start(THREAD_NAME, move || {
            look_up.run();
            drop((turn, permit));
        });
        match started {
            Ok(()) => Ok(receiver),
            Err(error) => Err(DialFailure::Exhausted { phase: Some(DialPhase::Name), error: exhaustion(&error) }),
        }
    }

    fn underway(&self, host: &str) -> Option<watch::Receiver<Option<Answer>>> {
        self.lock().get(host).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, watch::Receiver<Option<Answer>>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A look-up under way. When it is dropped, the next one of that name is a new one.
struct LookUp {
    resolver: Arc<Resolver>,
    host: Box<str>,
    sender: watch::Sender<Option<Answer>>,
}

impl LookUp {
    fn run(self) {
        let answer = match self.resolver.source.look_up(&self.host) {
            Ok(addresses) => Ok(addresses.into()),
            Err(error) => Err(name_error(&error)),
        };
        // Who asks from now on wants a new answer.
        self.resolver.lock().remove(&self.host);
        self.sender.send_replace(Some(answer));
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        // The next look-up of this name may be under way already.
        let mut underway = self.resolver.lock();
        if underway.get(&self.host).is_some_and(|receiver| receiver.same_channel(&self.sender.subscribe())) {
            underway.remove(&self.host);
        }
    }
}

/// The operating system's resolver.
struct System;

impl Resolve for System {
    fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        Ok((host, 0).to_socket_addrs()?.collect())
    }
}

/// Addresses that need no resolver: those of a literal, and of this machine (RFC 6761 § 6.3).
fn known_addresses(host: &str) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = host.parse() {
        return Some(vec![SocketAddr::new(address, 0)]);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (name == "localhost" || name.ends_with(".localhost"))
        .then(|| vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])
}

fn with_port(addresses: &[SocketAddr], port: u16) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| {
            let mut address = *address;
            address.set_port(port);
            address
        })
        .collect()
}

fn no_answer() -> SystemError {
    SystemError::new(None, "the resolver panicked")
}

static SYSTEM: OnceLock<Arc<Resolver>> = OnceLock::new();

/// Look-ups at the same time, of as many names. One that hangs takes one of them.
const MOST_THREADS: usize = 64;

/// At most 15 bytes, or Linux cuts it.
const THREAD_NAME: &str = "mcp-client-dns";

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        future::{Future, poll_fn},
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        task::Poll,
    };

    use super::*;

    /// Answers a name when it is told to, and counts how often it was asked.
    #[derive(Clone, Default)]
    struct Manual {
        asked: Arc<AtomicUsize>,
        gates: Arc<Mutex<BTreeMap<String, mpsc::Receiver<()>>>>,
    }

    impl Manual {
        /// Look-ups of `host` hang until something is sent or the sender is dropped.
        fn hang(&self, host: &str) -> mpsc::Sender<()> {
            let (sender, receiver) = mpsc::channel();
            self.gates.lock().expect("no panic").insert(host.to_owned(), receiver);
            sender
        }
    }

    impl Resolve for Manual {
        fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let gate = self.gates.lock().expect("no panic").remove(host);
            if let Some(gate) = gate {
                let _ = gate.recv();
            }
            match host {
                "panics.test" => std::panic::panic_any("a fault of the resolver"),
                "nowhere.test" => Err(io::Error::other("failed to lookup address information: Name not known")),
                _ => Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))]),
            }
        }
    }

    fn manual() -> (Manual, Arc<Resolver>) {
        let source = Manual::default();
        (source.clone(), Resolver::new(source))
    }

    #[test]
    fn addresses_and_localhost_are_known_without_asking() {
        for (host, count) in [("127.0.0.1", 1), ("::1", 1), ("localhost", 2), ("LOCALHOST.", 2), ("a.b.localhost", 2)] {
            assert_eq!(known_addresses(host).map(|found| found.len()), Some(count), "{host}");
        }
        for host in ["example.test", "localhost.example.test", "notlocalhost", "fe80::1%eth0", "1.2.3"] {
            assert_eq!(known_addresses(host), None, "{host}");
        }
    }

    #[tokio::test]
    async fn those_who_ask_the_same_at_the_same_time_share_a_look_up_and_later_ones_do_not() {
        let (source, resolver) = manual();
        let gate = source.hang("a.test");
        let asking = |port| {
            let resolver = Arc::clone(&resolver);
            Box::pin(async move { resolver.resolve(&Turn::default(), "a.test", port).await })
        };
        let mut many: Vec<_> = (0..500).map(asking).collect();
        // Each of them asks before it waits.
        poll_fn(|cx| {
            assert!(many.iter_mut().all(|asking| asking.as_mut().poll(cx).is_pending()));
            Poll::Ready(())
        })
        .await;
        drop(gate);
        for (port, asking) in many.into_iter().enumerate() {
            let found = asking.await.expect("it is found");
            assert_eq!(found, [SocketAddr::from(([192, 0, 2, 1], port as u16))]);
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 1);
        resolver.resolve(&Turn::default(), "a.test", 1).await.expect("it is found");
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_client_has_one_thread_and_a_name_that_hangs_delays_no_other_client() {
        let (source, resolver) = manual();
        let turn = Turn::default();
        let gates: Vec<_> = (0..20).map(|n| source.hang(&format!("{n}.test"))).collect();
        let started = Arc::clone(&resolver);
        let hanging = Arc::clone(&turn);
        // Twenty attempts, each given up, each of another name.
        for n in 0..20 {
            let host = format!("{n}.test");
            let attempt = started.resolve(&hanging, &host, 1);
            let over = tokio::time::timeout(std::time::Duration::from_millis(5), attempt).await;
            assert!(over.is_err(), "it hangs");
        }
        assert_eq!(started.lock().len(), 1, "one look-up is under way");
        resolver.resolve(&Turn::default(), "other.test", 1).await.expect("another client is not delayed");
        drop(gates);
        resolver.resolve(&turn, "mine.test", 1).await.expect("nor is this one, from now on");
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_and_a_resolver_that_panics_are_failures_of_that_name() {
        let (_, resolver) = manual();
        for host in ["nowhere.test", "panics.test", "panics.test"] {
            let failure = resolver.resolve(&Turn::default(), host, 1).await.expect_err("it fails");
            assert!(matches!(&failure, DialFailure::Name { host: named, .. } if named == host), "{failure}");
        }
    }
}
