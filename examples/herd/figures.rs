//! What is counted while the world runs, and what is made of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Counts. Times are since the connections were lost.
#[derive(Debug)]
pub(crate) struct Tally {
    clients: u32,
    outage: Duration,
    dials: Vec<u32>,
    taken: Vec<u32>,
    recovered: Vec<u32>,
    failed: Vec<u32>,
    refused: u64,
    wasted: u64,
    back: u32,
    given_up: u32,
    milestones: [Option<Duration>; MILESTONES.len()],
}

/// What one run came to. Lists have an entry for each second since the connections were lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) clients: u32,
    /// Dials begun.
    pub(crate) dials_per_second: Vec<u32>,
    /// Connections that the server took.
    pub(crate) taken_per_second: Vec<u32>,
    /// Clients that were `ready` again.
    pub(crate) recovered_per_second: Vec<u32>,
    /// Clients that gave up.
    pub(crate) failed_per_second: Vec<u32>,
    /// Dials that were refused.
    pub(crate) refused: u64,
    /// Connections that the server took for clients that had given the dial up.
    pub(crate) wasted: u64,
    /// Seconds from the return of the server to the day when 50, 99 and 100 % of all clients were `ready`, if they ever
    /// were.
    pub(crate) recovered_after: [Option<f64>; MILESTONES.len()],
    /// Seconds from the loss to the return.
    pub(crate) outage: f64,
}

/// In percent.
pub(crate) const MILESTONES: [u32; 3] = [50, 99, 100];

impl Tally {
    pub(crate) fn new(clients: u32, outage: Duration) -> Self {
        Self {
            clients,
            outage,
            dials: Vec::new(),
            taken: Vec::new(),
            recovered: Vec::new(),
            failed: Vec::new(),
            refused: 0,
            wasted: 0,
            back: 0,
            given_up: 0,
            milestones: [None; MILESTONES.len()],
        }
    }

    pub(crate) fn dialed(&mut self, at: Duration) {
        count(&mut self.dials, at);
    }

    pub(crate) fn taken(&mut self, at: Duration) {
        count(&mut self.taken, at);
    }

    pub(crate) fn refused(&mut self) {
        self.refused += 1;
    }

    pub(crate) fn wasted(&mut self) {
        self.wasted += 1;
    }

    pub(crate) fn recovered(&mut self, at: Duration) {
        count(&mut self.recovered, at);
        self.back += 1;
        for (milestone, percent) in self.milestones.iter_mut().zip(MILESTONES) {
            let reached = u64::from(self.back) * 100 >= u64::from(self.clients) * u64::from(percent);
            if reached && milestone.is_none() {
                *milestone = Some(at - self.outage);
            }
        }
    }

    pub(crate) fn failed(&mut self, at: Duration) {
        count(&mut self.failed, at);
        self.given_up += 1;
    }

    /// Nothing can change any more.
    pub(crate) fn is_over(&self) -> bool {
        self.back + self.given_up == self.clients
    }

    pub(crate) fn sum_up(self) -> Figures {
        let seconds = |duration: Duration| (duration.as_secs_f64() * 10.0).round() / 10.0;
        Figures {
            clients: self.clients,
            dials_per_second: self.dials,
            taken_per_second: self.taken,
            recovered_per_second: self.recovered,
            failed_per_second: self.failed,
            refused: self.refused,
            wasted: self.wasted,
            recovered_after: self.milestones.map(|milestone| milestone.map(seconds)),
            outage: seconds(self.outage),
        }
    }
}

impl Figures {
    pub(crate) fn dials(&self) -> u64 {
        sum(&self.dials_per_second)
    }

    pub(crate) fn recovered(&self) -> u64 {
        sum(&self.recovered_per_second)
    }

    pub(crate) fn failed(&self) -> u64 {
        sum(&self.failed_per_second)
    }

    /// Neither back nor given up when the time was over.
    pub(crate) fn waiting(&self) -> u64 {
        u64::from(self.clients) - self.recovered() - self.failed()
    }

    /// The most dials in a second after the return.
    pub(crate) fn peak(&self) -> u32 {
        let since = (self.outage as usize).min(self.dials_per_second.len());
        self.dials_per_second[since..].iter().max().copied().unwrap_or_default()
    }
}

fn count(seconds: &mut Vec<u32>, at: Duration) {
    let place = at.as_secs() as usize;
    if seconds.len() <= place {
        seconds.resize(place + 1, 0);
    }
    seconds[place] += 1;
}

fn sum(seconds: &[u32]) -> u64 {
    seconds.iter().map(|count| u64::from(*count)).sum()
}
