//! How far a dial has come.

use std::net::SocketAddr;

use mcp_protocol::{DialPhase, Via};

/// One step of a dial.
#[derive(Debug)]
pub(in crate::driver) enum Step {
    /// It goes this way now. Each proxy that is tried is one.
    Via(Via),
    /// It is in this phase from now on.
    Phase(DialPhase),
    /// TCP has connected it to this address, of the server or of a proxy.
    Connected(SocketAddr),
}

/// Hears of each step of a dial.
pub(in crate::driver) struct Progress(Box<dyn Fn(Step) + Send + Sync>);

impl Progress {
    /// Tells `report`.
    pub(in crate::driver) fn new(report: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Box::new(report))
    }

    /// See [`Step::Via`].
    pub(super) fn via(&self, via: Via) {
        (self.0)(Step::Via(via));
    }

    /// See [`Step::Phase`].
    pub(super) fn enter(&self, phase: DialPhase) {
        (self.0)(Step::Phase(phase));
    }

    /// See [`Step::Connected`].
    pub(super) fn connected(&self, address: SocketAddr) {
        (self.0)(Step::Connected(address));
    }
}

#[cfg(test)]
impl Progress {
    /// Nobody hears of it.
    pub(in crate::driver) fn unheard() -> Self {
        Self::new(|_| {})
    }
}
