//! What a dial has done so far: its phases, how long they took, and what was found in them.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use mcp_protocol::{DialPhase, DialTrace, PhaseTrace, SystemError, TcpTrace, TlsTrace, UpgradeTrace};

/// Written by the dial, read by the client's task when the dial is over, or its time is.
pub(in crate::driver) struct Progress {
    began: Instant,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    phases: Vec<Phase>,
    address: Option<SocketAddr>,
}

struct Phase {
    phase: DialPhase,
    began: Instant,
    addresses: Vec<SocketAddr>,
    tried: Vec<Try>,
    tls: Option<TlsTrace>,
    upgrade: Option<UpgradeTrace>,
}

/// A TCP connection that is tried.
struct Try {
    address: SocketAddr,
    began: Instant,
    /// When it was over, and how.
    end: Option<(Instant, String)>,
}

impl Progress {
    /// A dial that begins now.
    pub(in crate::driver) fn start() -> Self {
        Self { began: Instant::now(), done: Mutex::default() }
    }

    /// The dial is in this phase from now on.
    pub(super) fn enter(&self, phase: DialPhase) {
        let (addresses, tried) = (Vec::new(), Vec::new());
        self.lock().phases.push(Phase { phase, began: Instant::now(), addresses, tried, tls: None, upgrade: None });
    }

    /// The look-up has brought these.
    pub(super) fn found(&self, addresses: &[SocketAddr]) {
        self.in_phase(|phase| phase.addresses = addresses.to_vec());
    }

    /// A TCP connection to this address begins.
    pub(super) fn tries(&self, address: SocketAddr) {
        self.in_phase(|phase| phase.tried.push(Try { address, began: Instant::now(), end: None }));
    }

    /// The address takes the connection.
    pub(super) fn connected(&self, address: SocketAddr) {
        self.tried(address, "connected");
        self.lock().address = Some(address);
    }

    /// It does not.
    pub(super) fn refused(&self, address: SocketAddr, error: &SystemError) {
        self.tried(address, error.code.unwrap_or(&error.message));
    }

    /// What TLS has agreed on, or has seen before it failed.
    pub(super) fn encrypted(&self, tls: TlsTrace) {
        self.in_phase(|phase| phase.tls = Some(tls));
    }

    /// The answer to the upgrade.
    pub(super) fn answered(&self, upgrade: UpgradeTrace) {
        self.in_phase(|phase| phase.upgrade = Some(upgrade));
    }

    /// All of it, up to now.
    pub(in crate::driver) fn trace(&self) -> DialTrace {
        let (now, done) = (Instant::now(), self.lock());
        let ends = done.phases.iter().skip(1).map(|next| next.began).chain([now]);
        let phases = done.phases.iter().zip(ends).map(|(phase, end)| phase.trace(self.began, end)).collect();
        let address = done.address.map(|address| address.to_string());
        DialTrace { duration: millis(self.began, now), address, phases }
    }

    fn tried(&self, address: SocketAddr, outcome: &str) {
        let end = Some((Instant::now(), outcome.to_owned()));
        self.in_phase(|phase| {
            if let Some(one) = phase.tried.iter_mut().find(|one| one.address == address && one.end.is_none()) {
                one.end = end;
            }
        });
    }

    fn in_phase(&self, act: impl FnOnce(&mut Phase)) {
        if let Some(phase) = self.lock().phases.last_mut() {
            act(phase);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phase {
    fn trace(&self, dial: Instant, end: Instant) -> PhaseTrace {
        PhaseTrace {
            phase: self.phase,
            start: millis(dial, self.began),
            duration: millis(self.began, end),
            addresses: self.addresses.iter().map(|address| address.ip().to_string()).collect(),
            tried: self.tried.iter().map(|one| one.trace(dial, end)).collect(),
            tls: self.tls.clone(),
            upgrade: self.upgrade.clone(),
        }
    }
}

impl Try {
    /// One that was not over when the phase was is dropped.
    fn trace(&self, dial: Instant, end_of_phase: Instant) -> TcpTrace {
        let (end, outcome) = match &self.end {
            Some((end, outcome)) => (*end, outcome.clone()),
            None => (end_of_phase, "dropped".to_owned()),
        };
        let (start, duration) = (millis(dial, self.began), millis(self.began, end));
        TcpTrace { address: self.address.to_string(), start, duration, outcome }
    }
}

fn millis(from: Instant, to: Instant) -> f64 {
    // To the microsecond: more digits would mean nothing.
    to.saturating_duration_since(from).as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    #[test]
    fn it_tells_the_phases_with_their_times_and_what_was_found_in_them() {
        let progress = Progress::start();
        assert_eq!(progress.trace().phase(), None);
        let [one, other, third] = ["192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443"].map(address);
        progress.enter(DialPhase::Name);
        progress.found(&[one, third]);
        progress.enter(DialPhase::Tcp);
        progress.tries(one);
        progress.tries(other);
        progress.refused(one, &SystemError::new(Some("ECONNREFUSED"), "no"));
        progress.tries(third);
        progress.connected(third);
        progress.enter(DialPhase::Tls);

        let trace = progress.trace();
        assert_eq!((trace.address.as_deref(), trace.phase()), (Some("[2001:db8::1]:443"), Some(DialPhase::Tls)));
        let [name, tcp, tls] = &trace.phases[..] else { panic!("{trace:?}") };
        assert_eq!(name.addresses, ["192.0.2.1", "2001:db8::1"]);
        for (before, after) in [(name, tcp), (tcp, tls)] {
            assert!((before.start + before.duration - after.start).abs() < 0.01, "{trace:?}");
        }
        assert!((tls.start + tls.duration - trace.duration).abs() < 0.01, "{trace:?}");
        let tried: Vec<_> = tcp.tried.iter().map(|one| (one.address.as_str(), one.outcome.as_str())).collect();
        let expected =
            [("192.0.2.1:443", "ECONNREFUSED"), ("192.0.2.2:443", "dropped"), ("[2001:db8::1]:443", "connected")];
        assert_eq!(tried, expected);
        assert!(tcp.tried.iter().all(|one| one.start + one.duration <= tls.start + 0.01), "{trace:?}");
    }
}
