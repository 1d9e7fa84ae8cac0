//! How long results lay ready until JavaScript took them. A busy event loop shows here, and not in the time that the
//! server took.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use mcp_protocol::{Latency, LatencySummary};

/// The waits of one client's results.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<Latency>);

impl Waits {
    pub(super) fn summary(&self) -> LatencySummary {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).summary()
    }

    fn record(&self, since: Instant, now: Instant, count: u32) {
        let mut latency = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latency.record_many(now.saturating_duration_since(since), count.into());
    }
}

/// Whose results wait in the mailbox, and since when, in the order of the items.
#[derive(Debug, Default)]
pub(super) struct ReadyResults {
    runs: VecDeque<Run>,
}

/// Results of one client that are ready since one moment. There is one reading of the clock for all of them.
#[derive(Debug)]
struct Run {
    of: Arc<Waits>,
    count: u32,
    /// `None` until JavaScript is woken for them.
    since: Option<Instant>,
}

impl ReadyResults {
    /// So many more wait.
    pub(super) fn add(&mut self, of: &Arc<Waits>, count: u32) {
        match self.runs.back_mut() {
            Some(run) if run.since.is_none() && Arc::ptr_eq(&run.of, of) => run.count += count,
            _ if count > 0 => self.runs.push_back(Run { of: Arc::clone(of), count, since: None }),
            _ => {}
        }
    }

    /// JavaScript is woken, or works through the mailbox already: those that were added since then are ready.
    pub(super) fn are_ready(&mut self, now: impl FnOnce() -> Instant) {
        if self.runs.back().is_none_or(|run| run.since.is_some()) {
            return;
        }
        let now = now();
        self.runs.iter_mut().rev().take_while(|run| run.since.is_none()).for_each(|run| run.since = Some(now));
    }

    /// JavaScript takes so many. Those that were not told to be ready have not waited.
    pub(super) fn take(&mut self, mut count: u32, now: impl FnOnce() -> Instant) {
        if count == 0 {
            return;
        }
        let now = now();
        while count > 0
            && let Some(run) = self.runs.front_mut()
        {
            let taken = count.min(run.count);
            run.of.record(run.since.unwrap_or(now), now, taken);
            count -= taken;
            run.count -= taken;
            if run.count == 0 {
                self.runs.pop_front();
            }
        }
        if self.runs.is_empty() {
            self.runs.shrink_to(KEPT_RUNS);
        }
    }
}

/// As many as a busy client has at a time.
const KEPT_RUNS: usize = 16;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_result_counts_with_the_time_from_its_wake_up_until_it_is_taken() {
        let (one, other, start) = (Arc::default(), Arc::default(), crate::driver::instant());
        let at = |millis| move || start + Duration::from_millis(millis);
        let mut ready = ReadyResults::default();
        ready.add(&one, 1);
        ready.add(&one, 2);
        ready.add(&other, 1);
        ready.are_ready(at(0));
        ready.are_ready(|| unreachable!("nothing was added"));
        ready.add(&other, 4);
        ready.are_ready(at(40));
        ready.take(0, || unreachable!("nothing is taken"));
        ready.take(2, at(100));
        ready.take(6, at(200));
        let waits = |of: &Arc<Waits>| {
            let LatencySummary { count, p50, max, .. } = of.summary();
            // To two digits.
            let tens = |millis: f64| (millis / 10.0).round() as u32;
            (count, p50.map(tens), max.map(tens))
        };
        assert_eq!(waits(&one), (3, Some(10), Some(20)));
        assert_eq!(waits(&other), (5, Some(16), Some(20)));
        assert!(ready.runs.is_empty());
    }

    #[test]
    fn what_is_taken_before_its_wake_up_has_not_waited() {
        let (of, mut ready) = (Arc::default(), ReadyResults::default());
        ready.add(&of, 1);
        ready.take(1, crate::driver::instant);
        assert_eq!(of.summary().max, Some(0.0));
    }
}
