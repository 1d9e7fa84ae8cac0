//! The endpoints of a client: what is known of each, and which one is dialed next. Source: PROTOCOL.md rule 16.

use std::{collections::VecDeque, time::Duration};

use super::{
    config::{EndpointSource, without_query},
    error::Reason,
    fields::Fields,
};

/// The endpoints, and the round of dials that is under way.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    list: Vec<Endpoint>,
    /// The one that is in use, or was last.
    in_use: usize,
    /// The one that was `ready` last.
    last_good: Option<usize>,
    round: Round,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// As users are shown it: without its query, which may be a secret.
    url: Box<str>,
    /// How often it has failed since it was last `ready` for long enough.
    failures: u32,
    /// In monotonic time: its server asked not to be dialed earlier.
    not_before: Duration,
}

/// Each endpoint is dialed once in a round.
#[derive(Debug, Default)]
struct Round {
    left: VecDeque<usize>,
    /// The failures of this round that no retry can mend; true if another key may.
    final_failures: Vec<(Reason, bool)>,
    /// A server has closed with a code that asks for a longer wait.
    is_slow: bool,
}

impl Round {
    fn visit(&mut self, fields: &mut dyn Fields) {
        let mut left: Vec<usize> = std::mem::take(&mut self.left).into();
        fields.list("endpointsLeft", &mut left, || 0, |place, fields| fields.field("endpoint", place));
        self.left = left.into();
        let make = || (Reason::recorded(None), false);
        fields.list("finalFailures", &mut self.final_failures, make, |(reason, is_authorization), fields| {
            fields.field("code", reason);
            fields.field("authorization", is_authorization);
        });
        fields.field("slowRound", &mut self.is_slow);
    }
}

/// What follows if no endpoint can be retried.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// All have answered the upgrade with 401 or 403.
    Unauthorized(Reason),
    /// The first of these failures.
    Failed(Reason),
}

impl Endpoints {
    pub(super) fn new(source: &EndpointSource) -> Self {
        let mut endpoints = Self::default();
        if !source.known().is_empty() {
            endpoints.replace(source.known());
        }
        endpoints
    }

    /// Takes another list. What is known of an endpoint stays known.
    pub(super) fn replace(&mut self, urls: &[String]) {
        let good = self.last_good.take();
        let mut known = std::mem::take(&mut self.list);
        for (place, url) in urls.iter().enumerate() {
            let url = without_query(url);
            // One that was taken over has no url any more.
            let old = known.iter().position(|endpoint| *endpoint.url == *url);
            let fresh = || Endpoint { url: url.into(), ..Endpoint::default() };
            self.list.push(old.map_or_else(fresh, |old| std::mem::take(&mut known[old])));
            if old.is_some() && old == good {
                self.last_good = Some(place);
            }
        }
        self.in_use = 0;
        self.round = Round::default();
    }

    /// Visits what the rules ask for.
    pub(super) fn visit(&mut self, fields: &mut dyn Fields) {
        fields.list("endpoints", &mut self.list, Endpoint::default, |endpoint, fields| {
            let mut url = String::from(std::mem::take(&mut endpoint.url));
            fields.field("url", &mut url);
            endpoint.url = url.into();
            fields.field("failures", &mut endpoint.failures);
            fields.field("notBefore", &mut endpoint.not_before);
        });
        fields.field("endpointInUse", &mut self.in_use);
        fields.field("lastGoodEndpoint", &mut self.last_good);
        self.round.visit(fields);
        if fields.is_reading() {
            let length = self.list.len();
            self.round.left.retain(|place| *place < length);
        }
    }

    /// All of them, as users are shown them.
    pub(super) fn urls(&self) -> Vec<String> {
        self.list.iter().map(|endpoint| endpoint.url.to_string()).collect()
    }

    /// Whether the list is this one.
    pub(super) fn are(&self, urls: &[String]) -> bool {
        self.list.iter().map(|endpoint| &*endpoint.url).eq(urls.iter().map(|url| without_query(url)))
    }

    /// The one in use, as users are shown it; empty if none is known.
    pub(super) fn url_in_use(&self) -> &str {
        self.url(self.in_use)
    }

    pub(super) fn url(&self, endpoint: usize) -> &str {
        self.list.get(endpoint).map_or("", |endpoint| &endpoint.url)
    }

    /// Its place in the list.
    pub(super) fn in_use(&self) -> usize {
        self.in_use
    }

    pub(super) fn use_this(&mut self, endpoint: usize) {
        self.in_use = endpoint;
    }

    pub(super) fn are_several(&self) -> bool {
        self.list.len() > 1
    }

    /// The last good one comes first, and those that have failed three times in a row come last.
    pub(super) fn begin_round(&mut self) {
        let rank = |place: usize| (self.list[place].failures >= TOO_MANY, self.last_good != Some(place));
        let mut left = VecDeque::new();
        for wanted in [(false, false), (false, true), (true, false), (true, true)] {
            left.extend((0..self.list.len()).filter(|place| rank(*place) == wanted));
        }
        self.round = Round { left, ..Round::default() };
    }

    /// Nothing more is dialed in this round.
    pub(super) fn end_round(&mut self) {
        self.round.left = VecDeque::new();
    }

    /// The next one to dial. Those whose servers asked not to be dialed yet are left out.
    pub(super) fn take_next(&mut self, now: Duration) -> Option<usize> {
        while let Some(next) = self.round.left.pop_front() {
            if self.list[next].not_before <= now {
                return Some(next);
            }
        }
        None
    }

    pub(super) fn has_next(&self, now: Duration) -> bool {
        self.round.left.iter().any(|&place| self.list[place].not_before <= now)
    }

    /// It could not be dialed, did not become `ready`, or not for long enough.
    pub(super) fn fail(&mut self, endpoint: usize) {
        if let Some(endpoint) = self.list.get_mut(endpoint) {
            endpoint.failures = endpoint.failures.saturating_add(1);
        }
    }

    /// It has failed in a way that no retry can mend.
    pub(super) fn fail_for_good(&mut self, reason: Reason, is_authorization: bool) {
        self.round.final_failures.push((reason, is_authorization));
    }

    /// It is `ready`.
    pub(super) fn is_good(&mut self) {
        self.last_good = Some(self.in_use);
    }

    /// It was `ready` for long enough. That ends the round.
    pub(super) fn has_proved_good(&mut self) {
        if let Some(endpoint) = self.list.get_mut(self.in_use) {
            endpoint.failures = 0;
        }
        self.end_round();
    }

    pub(super) fn not_before(&mut self, endpoint: usize, time: Duration) {
        if let Some(endpoint) = self.list.get_mut(endpoint) {
            endpoint.not_before = time;
        }
    }

    /// When the first of them may be dialed.
    pub(super) fn earliest(&self) -> Duration {
        self.list.iter().map(|endpoint| endpoint.not_before).min().unwrap_or_default()
    }

    /// The user wants to connect now.
    pub(super) fn forget_waits(&mut self) {
        self.list.iter_mut().for_each(|endpoint| endpoint.not_before = Duration::ZERO);
    }

    pub(super) fn slow_down(&mut self) {
        self.round.is_slow = true;
    }

    pub(super) fn is_slow(&self) -> bool {
        self.round.is_slow
    }

    /// `None` as long as a retry may help.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let failures = &self.round.final_failures;
        let (first, _) = failures.first().filter(|_| failures.len() == self.list.len())?;
        let all_authorization = failures.iter().all(|(_, is_authorization)| *is_authorization);
        let verdict = if all_authorization { Verdict::Unauthorized } else { Verdict::Failed };
        Some(verdict(first.clone()))
    }
}

/// PROTOCOL.md rule 16.
const TOO_MANY: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn of(urls: &[&str]) -> Endpoints {
        Endpoints::new(&EndpointSource::Known(urls.iter().map(|url| (*url).to_owned()).collect()))
    }

    fn order(endpoints: &mut Endpoints) -> Vec<usize> {
        endpoints.begin_round();
        std::iter::from_fn(|| endpoints.take_next(NOW)).collect()
    }

    #[test]
    fn a_round_has_each_once_in_the_order_given_the_last_good_one_first_and_the_bad_ones_last() {
        let mut endpoints = of(&["a", "b", "c"]);
        assert_eq!(order(&mut endpoints), [0, 1, 2]);
        endpoints.use_this(1);
        endpoints.is_good();
        assert_eq!(order(&mut endpoints), [1, 0, 2]);
        (0..3).for_each(|_| endpoints.fail(1));
        assert_eq!(order(&mut endpoints), [0, 2, 1]);
        (0..2).for_each(|_| endpoints.fail(0));
        assert_eq!(order(&mut endpoints), [0, 2, 1]);
        endpoints.has_proved_good();
        assert_eq!(order(&mut endpoints), [1, 0, 2]);
    }

    #[test]
    fn another_list_keeps_what_is_known_of_the_endpoints_whatever_their_queries() {
        let mut endpoints = of(&["a?ticket=1", "b", "c"]);
        assert_eq!(endpoints.url_in_use(), "a");
        (0..3).for_each(|_| endpoints.fail(0));
        endpoints.use_this(1);
        endpoints.is_good();
        endpoints.not_before(2, 2 * NOW);
        endpoints.replace(&["c", "a?ticket=2", "d", "b"].map(str::to_owned));
        assert_eq!(order(&mut endpoints), [3, 2, 1]);
        assert!(!endpoints.has_next(NOW));
    }

    #[test]
    fn what_no_retry_can_mend_is_the_end_if_it_is_so_for_all() {
        let reason = |number| Reason::new(number, crate::Fault::NotConnected);
        for (kinds, expected) in [
            (vec![true, true], Some(Verdict::Unauthorized(reason(0)))),
            (vec![true, false], Some(Verdict::Failed(reason(0)))),
            (vec![false, false], Some(Verdict::Failed(reason(0)))),
            (vec![false], None),
            (vec![], None),
        ] {
            let mut endpoints = of(&["a", "b"]);
            endpoints.begin_round();
            kinds.iter().enumerate().for_each(|(number, kind)| endpoints.fail_for_good(reason(number as u32), *kind));
            assert_eq!(endpoints.verdict(), expected, "{kinds:?}");
            endpoints.begin_round();
            assert_eq!(endpoints.verdict(), None, "another round");
        }
    }
}
