//! Tells of dials: that one begins, and when it is over, what it did. Only with [`Interest::DIALS`].

use super::{Interest, Session, State};
use crate::{ConnectionId, Notice, Now, dials::Dial, error::Fault, record::What};

impl<T> Session<T> {
    /// How far the dial has come; a timeout names its phase. Call it before the dial is reported to have ended, too.
    #[cfg(feature = "system")]
    pub fn handle_dial_trace(&mut self, now: Now, connection: ConnectionId, trace: crate::DialTrace) {
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(place) = dials.place(connection) else { return };
        let dial = &mut dials.dials[place];
        let (known, has_address) = dial.recorded;
        for phase in trace.phases.iter().skip(known) {
            let start = std::time::Duration::from_secs_f64(phase.start.max(0.0) / 1000.0);
            let phase = crate::record::PhaseName::of(Some(phase.phase));
            self.recorder.input(now, || What::Phase { connection, phase, start: start.into() });
        }
        if let Some(address) = trace.address.as_deref().filter(|_| !has_address) {
            self.recorder.input(now, || What::Address { connection, address: Some(address.into()) });
        }
        dial.recorded = (trace.phases.len(), trace.address.is_some());
        dial.trace = Some(Box::new(trace));
    }

    /// What the recorder has of a dial, and no rule asks for.
    pub(super) fn restore_dial_trace(&mut self, now: Now, recorded: &What) {
        self.recorder.input(now, || recorded.clone());
    }

    /// Returns the endpoint as it was told: then the end of the dial is told too.
    #[cfg(feature = "system")]
    pub(super) fn tell_dialing(&mut self, connection: ConnectionId, endpoint: usize) -> Option<Box<str>> {
        if !self.interest.wants(Interest::DIALS) {
            return None;
        }
        let url = self.endpoints.url(endpoint).to_owned();
        self.notify(Notice::Dialing { connection: connection.0, endpoint: endpoint as u32, url: url.clone() });
        Some(url.into())
    }

    /// The dial has opened a socket.
    #[cfg(feature = "system")]
    pub(super) fn tell_opened(&mut self, connection: ConnectionId) {
        let now = self.last.mono;
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(place) = dials.place(connection) else { return };
        if let Some(dial) = dials.dials[place].report(now, None) {
            self.notify(Notice::Dialed { dial });
        }
    }

    /// The dial has failed, or is given up.
    #[cfg(feature = "system")]
    pub(super) fn tell_failed(&mut self, dial: &mut Dial, fault: &Fault) {
        if let Some(dial) = dial.report(self.last.mono, Some(fault)) {
            self.notify(Notice::Dialed { dial });
        }
    }
}

/// A page learns nothing of its dials that it could tell.
#[cfg(not(feature = "system"))]
impl<T> Session<T> {
    pub(super) fn tell_dialing(&self, _: ConnectionId, _: usize) -> Option<Box<str>> {
        None
    }

    pub(super) fn tell_opened(&self, _: ConnectionId) {}

    pub(super) fn tell_failed(&self, _: &mut Dial, _: &Fault) {}
}
