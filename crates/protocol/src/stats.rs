//! Counters, and the statistics made of them.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// What was counted since the client was made.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) timed_out: u64,
    pub(super) late_responses: u64,
    pub(super) reconnects: u64,
    pub(super) messages_sent: u64,
    pub(super) messages_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) rtt: Rtt,
    pub(super) latency: Latency,
}

/// Round-trip times of the heartbeat.
#[derive(Debug, Default)]
pub(super) struct Rtt {
    last: Duration,
    min: Duration,
    max: Duration,
    sum: Duration,
    count: u32,
}

impl Rtt {
    pub(super) fn record(&mut self, rtt: Duration) {
        self.last = rtt;
        self.min = if self.count == 0 { rtt } else { self.min.min(rtt) };
        self.max = self.max.max(rtt);
        self.sum += rtt;
        self.count += 1;
    }

    pub(super) fn summary(&self) -> RttSummary {
        let some = |duration: Duration| (self.count > 0).then(|| millis(duration));
        RttSummary {
            last: some(self.last),
            min: some(self.min),
            mean: some(self.sum.checked_div(self.count).unwrap_or_default()),
            max: some(self.max),
        }
    }
}

/// Times of one kind, all of them counted: from call to answer, say. The histogram is made with the first one, so an
/// idle client needs no memory for it.
#[derive(Debug, Default)]
pub struct Latency {
    micros: Option<Box<Histogram<u64>>>,
}

impl Latency {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.record_many(latency, 1);
    }

    /// Counts so many that have taken the same time.
    pub fn record_many(&mut self, latency: Duration, count: u64) {
        let histogram = self.micros.get_or_insert_with(|| {
            Box::new(Histogram::new_with_bounds(1, MAX_MICROS, 2).expect("the bounds are in order"))
        });
        histogram.saturating_record_n(whole_micros(latency), count);
    }

    /// The percentiles of all of them.
    pub fn summary(&self) -> LatencySummary {
        let Some(histogram) = &self.micros else { return LatencySummary::default() };
        let quantile = |q: f64| Some(histogram.value_at_quantile(q) as f64 / 1000.0);
        LatencySummary {
            count: histogram.len(),
            p50: quantile(0.50),
            p90: quantile(0.90),
            p99: quantile(0.99),
            max: Some(histogram.max() as f64 / 1000.0),
        }
    }
}

fn whole_micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(duration.subsec_micros().into())
}

/// A duration in ms, with fractions.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A duration in whole ms. `Duration::as_millis` counts with 128 bits, which takes more code.
pub(super) fn whole_millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis().into())
}

/// The result of `stats()`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// The name of the state.
    #[cfg_attr(test, ts(type = "ConnectionState"))]
    pub state: &'static str,
    /// Requests in flight.
    pub pending: usize,
    /// Requests that wait for `ready`.
    pub queued: usize,
    /// Requests made so far.
    pub requests: u64,
    /// Requests answered with results.
    pub succeeded: u64,
    /// Requests that failed: tool errors, timeouts, aborts, lost connections.
    pub failed: u64,
    /// How many of those timed out.
    pub timed_out: u64,
    /// Answers that no request was waiting for any more.
    pub late_responses: u64,
    /// Successful reconnections.
    pub reconnects: u64,
    /// Text messages sent.
    pub messages_sent: u64,
    /// Messages received.
    pub messages_received: u64,
    /// Bytes of the messages sent, without framing.
    pub bytes_sent: u64,
    /// Bytes of the messages received, without framing.
    pub bytes_received: u64,
    /// Round-trip times of the heartbeat, in ms.
    pub heartbeat_rtt: RttSummary,
    /// Times from call to answer, in ms. An answer counts from when it was read, whatever JavaScript does then.
    pub request_latency: LatencySummary,
    /// When the socket was opened, in ms since the epoch; `null` if it is not open.
    pub connected_since: Option<u64>,
    /// How long results lay ready until JavaScript took them, in ms. Whoever delivers them measures it: the session
    /// itself gives none.
    pub event_loop_wait: LatencySummary,
}

/// Heartbeat round trips in ms, `null` before the first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RttSummary {
    /// The newest.
    pub last: Option<f64>,
    /// The shortest.
    pub min: Option<f64>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// Times in ms, to two significant digits; `null` before the first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LatencySummary {
    /// How many were measured.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// An hour: longer calls count as one.
const MAX_MICROS: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_is_null_not_zero() {
        assert_eq!(Rtt::default().summary(), RttSummary::default());
        assert_eq!(Latency::default().summary(), LatencySummary::default());
    }

    #[test]
    fn round_trips_are_summed_up() {
        let mut rtt = Rtt::default();
        for ms in [30, 10, 20] {
            rtt.record(Duration::from_millis(ms));
        }
        let expected = RttSummary { last: Some(20.0), min: Some(10.0), mean: Some(20.0), max: Some(30.0) };
        assert_eq!(rtt.summary(), expected);
    }

    #[test]
    fn percentiles_are_right_to_two_digits_and_a_huge_one_does_not_panic() {
        let mut latency = Latency::default();
        for ms in 1..=100 {
            latency.record(Duration::from_millis(ms));
        }
        let summary = latency.summary();
        assert_eq!(summary.count, 100);
        assert!((summary.p50.unwrap() - 50.0).abs() < 1.0 && (summary.p99.unwrap() - 99.0).abs() < 1.5);
        latency.record(Duration::MAX);
        assert!(latency.summary().max.unwrap() >= 3_600_000.0);
    }
}
