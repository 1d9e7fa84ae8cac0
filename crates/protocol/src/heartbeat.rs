//! The heartbeat of one connection: one ping outstanding; any bytes prove that it is alive; pongs are matched by order.

use std::{collections::VecDeque, time::Duration};

use super::fields::Fields;

/// The unanswered pings, and when bytes last came.
#[derive(Debug)]
pub(super) struct Heartbeat {
    /// When each unanswered ping was sent, oldest first; `None` for a ping of the user.
    pongs_due: VecDeque<Option<Duration>>,
    /// When our outstanding ping was sent.
    outstanding: Option<Duration>,
    last_ping: Option<Duration>,
    last_bytes: Duration,
    /// Since then another ping was sent because the deadline of the one before was met late.
    has_asked_again: bool,
}

impl Heartbeat {
    pub(super) fn new(now: Duration) -> Self {
        Self { pongs_due: VecDeque::new(), outstanding: None, last_ping: None, last_bytes: now, has_asked_again: false }
    }

    /// Bytes came at `at`. False if others came later.
    pub(super) fn bytes(&mut self, at: Duration) -> bool {
        let is_news = at > self.last_bytes;
        self.has_asked_again &= !is_news;
        self.last_bytes = self.last_bytes.max(at);
        is_news
    }

    /// We send a ping.
    pub(super) fn ping(&mut self, now: Duration) {
        self.outstanding = Some(now);
        self.last_ping = Some(now);
        self.remember(Some(now));
    }

    /// The user sends a ping: its pong must not be taken for the answer to ours.
    pub(super) fn users_ping(&mut self) {
        self.remember(None);
    }

    /// A pong came. Returns the round-trip time if it answers a ping of ours.
    pub(super) fn pong(&mut self, now: Duration) -> Option<Duration> {
        let sent = self.pongs_due.pop_front()??;
        if self.outstanding == Some(sent) {
            self.outstanding = None;
        }
        Some(now.saturating_sub(sent))
    }

    /// No pong came in time. True if no byte came since the ping either; otherwise that ping no longer counts.
    pub(super) fn is_dead(&mut self) -> bool {
        let Some(sent) = self.outstanding else { return false };
        if self.last_bytes <= sent {
            return true;
        }
        self.outstanding = None;
        false
    }

    /// True, once, while no byte has come since the outstanding ping: another one may ask again.
    pub(super) fn may_ask_again(&mut self) -> bool {
        let is_silent = self.outstanding.is_some_and(|sent| self.last_bytes <= sent);
        is_silent && !std::mem::replace(&mut self.has_asked_again, true)
    }

    /// No pong is expected any more.
    pub(super) fn forget_pings(&mut self) {
        self.pongs_due.clear();
        self.outstanding = None;
    }

    /// A ping of ours is unanswered.
    pub(super) fn is_waiting(&self) -> bool {
        self.outstanding.is_some()
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        let mut pings: Vec<Option<Duration>> = self.pongs_due.iter().copied().collect();
        fields.list("pings", &mut pings, || None, |ping, fields| fields.field("sent", ping));
        self.pongs_due = pings.into_iter().take(MAX_PONGS_DUE).collect();
        fields.field("pingOutstanding", &mut self.outstanding);
        fields.field("lastPing", &mut self.last_ping);
        fields.field("lastBytes", &mut self.last_bytes);
        fields.field("askedAgain", &mut self.has_asked_again);
    }

    /// The number of unanswered pings.
    #[cfg(feature = "sim")]
    pub(super) fn pongs_due(&self) -> usize {
        self.pongs_due.len()
    }

    /// When the next ping is due.
    pub(super) fn next_ping(&self, now: Duration, interval: Duration) -> Duration {
        self.last_ping.map_or(now + interval, |last| now.max(last + interval))
    }

    fn remember(&mut self, ping: Option<Duration>) {
        // A server may never answer pings and stay alive by its other bytes, so the list is bounded.
        if self.pongs_due.len() == MAX_PONGS_DUE {
            self.pongs_due.pop_front();
        }
        self.pongs_due.push_back(ping);
    }
}

const MAX_PONGS_DUE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pongs_are_matched_by_order_and_a_users_own_ping_does_not_touch_the_round_trip() {
        let mut heartbeat = Heartbeat::new(Duration::ZERO);
        heartbeat.users_ping();
        heartbeat.ping(SECOND);
        heartbeat.users_ping();
        assert_eq!(heartbeat.pong(2 * SECOND), None);
        assert!(heartbeat.is_waiting());
        assert_eq!(heartbeat.pong(4 * SECOND), Some(3 * SECOND));
        assert!(!heartbeat.is_waiting());
        assert_eq!(heartbeat.pong(5 * SECOND), None);
        assert_eq!(heartbeat.pong(5 * SECOND), None, "a pong without a ping");
    }

    #[test]
    fn only_bytes_after_the_ping_prove_life() {
        let mut heartbeat = Heartbeat::new(Duration::ZERO);
        heartbeat.bytes(SECOND);
        heartbeat.ping(SECOND);
        assert!(heartbeat.is_dead());
        heartbeat.bytes(2 * SECOND);
        assert!(!heartbeat.is_dead());
        assert!(!heartbeat.is_waiting(), "the ping no longer counts");
    }
}
