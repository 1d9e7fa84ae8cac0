//! THE map: every request that is queued, in flight or remembered, under its id; and the order in which deadlines fall.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    time::Duration,
};

use rand::CryptoRng;

use super::{
    dialect::Wording,
    request_id::{KeyHash, RequestId, RequestKey},
};

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for `ready`.
    Queued,
    /// Handed out as the n-th text of the connection.
    InFlight(u64),
}

/// One request that somebody waits for, or (without a payload) one given out by `sendToolRequest`.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) id: RequestId,
    pub(super) payload: Option<T>,
    pub(super) stage: Stage,
    pub(super) started: Duration,
    pub(super) deadline: Option<Duration>,
    pub(super) idempotent: bool,
    /// Times it was sent again.
    pub(super) resends: u8,
    /// It was written before, on a connection that is gone or in a form that was not understood.
    pub(super) left: bool,
    /// Place in the order of the calls.
    pub(super) order: u64,
    /// Kept while it may have to be sent (again) and nobody else holds it.
    pub(super) wording: Option<Box<Wording>>,
}

impl<T> Entry<T> {
    /// Whether any of it may have left, when the texts below number `written` have. False is a guarantee.
    pub(super) fn has_left(&self, written: u64) -> bool {
        self.left || matches!(self.stage, Stage::InFlight(number) if number < written)
    }

    fn bytes(&self) -> usize {
        self.wording.as_ref().map_or(0, |wording| wording.text().len())
    }
}

/// The map and what is ordered beside it. Counts are kept, never recounted.
#[derive(Debug)]
pub(super) struct Pending<T> {
    entries: HashMap<RequestKey, Entry<T>, KeyHash>,
    /// Settled requests leave their deadline behind; it is passed over when it comes up, and swept when they are many.
    deadlines: BinaryHeap<Reverse<(Duration, RequestKey)>>,
    /// Queued requests in the order of their calls; may hold some that are queued no more.
    queue: VecDeque<RequestKey>,
    /// Ids given out by `sendToolRequest`, oldest first.
    remembered: VecDeque<RequestKey>,
    queued: usize,
    queued_bytes: usize,
    waiting: usize,
    next_order: u64,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::default(),
            deadlines: BinaryHeap::new(),
            queue: VecDeque::new(),
            remembered: VecDeque::new(),
            queued: 0,
            queued_bytes: 0,
            waiting: 0,
            next_order: 0,
        }
    }
}

impl<T> Pending<T> {
    /// Requests that somebody waits for, queued or in flight.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Of those, the ones that wait for `ready`.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Bytes of the queued ones.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Of those, the ones in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.waiting - self.queued
    }

    /// How many there are of what is kept here.
    #[cfg(feature = "sim")]
    pub(super) fn footprint(&self) -> super::Footprint {
        super::Footprint {
            requests: self.entries.len(),
            remembered: self.remembered.len(),
            deadlines: self.deadlines.len(),
            queue: self.queue.len(),
            ..super::Footprint::default()
        }
    }

    /// An id that no request here has.
    pub(super) fn fresh_id(&self, wall: u64, rng: &mut impl CryptoRng) -> RequestId {
        loop {
            let key = RequestKey::random(rng);
            if !self.entries.contains_key(&key) {
                return RequestId { millis: wall, key };
            }
        }
    }

    /// The next place in the order of the calls.
    pub(super) fn next_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// Takes a new request.
    pub(super) fn insert(&mut self, entry: Entry<T>) {
        let key = entry.id.key;
        if entry.payload.is_none() {
            self.remember(key);
        } else {
            self.waiting += 1;
        }
        if entry.stage == Stage::Queued {
            self.count_queued(&entry);
            self.queue.push_back(key);
        }
        if let Some(deadline) = entry.deadline {
            self.deadlines.push(Reverse((deadline, key)));
        }
        self.entries.insert(key, entry);
    }

    /// The request of that id, and no other.
    pub(super) fn take(&mut self, id: RequestId) -> Option<Entry<T>> {
        if self.entries.get(&id.key)?.id != id {
            return None;
        }
        self.remove(id.key)
    }

    /// The request of that key.
    pub(super) fn remove(&mut self, key: RequestKey) -> Option<Entry<T>> {
        let entry = self.entries.remove(&key)?;
        if entry.payload.is_some() {
            self.waiting -= 1;
        }
        if entry.stage == Stage::Queued {
            self.queued -= 1;
            self.queued_bytes -= entry.bytes();
        }
        self.sweep();
        Some(entry)
    }

    /// The next request that waits for `ready`.
    pub(super) fn dequeue(&mut self) -> Option<RequestKey> {
        loop {
            let key = self.queue.pop_front()?;
            if self.entries.get(&key).is_some_and(|entry| entry.stage == Stage::Queued) {
                return Some(key);
            }
        }
    }

    /// The request goes out as the `number`-th text: its wording. It keeps a copy if it is idempotent or `keep` says so.
    pub(super) fn start(&mut self, key: RequestKey, number: u64, keep: bool) -> Option<(RequestId, Wording)> {
        let entry = self.entries.get_mut(&key)?;
        let bytes = entry.bytes();
        let wording = if keep || entry.idempotent { entry.wording.clone() } else { entry.wording.take() };
        let wording = *wording?;
        if entry.stage == Stage::Queued {
            self.queued -= 1;
            self.queued_bytes -= bytes;
        } else {
            entry.left = true;
        }
        entry.stage = Stage::InFlight(number);
        Some((entry.id, wording))
    }

    /// After the loss of a connection: `keep` says of each request in flight whether it goes back to the queue, in the order of
    /// the calls and before what is queued; the others are returned in that order. Ids only remembered are forgotten.
    pub(super) fn requeue(&mut self, mut keep: impl FnMut(&mut Entry<T>) -> bool) -> Vec<Entry<T>> {
        for key in std::mem::take(&mut self.remembered) {
            self.entries.remove(&key);
        }
        let in_flight = self.keys_in_flight();
        let mut lost = Vec::new();
        let mut kept = VecDeque::new();
        for key in in_flight {
            let entry = self.entries.get_mut(&key).expect("its key was just listed");
            if keep(entry) {
                entry.stage = Stage::Queued;
                self.queued += 1;
                self.queued_bytes += entry.bytes();
                kept.push_back(key);
            } else {
                lost.extend(self.remove(key));
            }
        }
        kept.append(&mut self.queue);
        self.queue = kept;
        lost
    }

    /// Keys of the requests in flight, in the order of the calls.
    pub(super) fn keys_in_flight(&self) -> Vec<RequestKey> {
        self.ordered_keys(|entry| entry.stage != Stage::Queued)
    }

    /// Takes out the queued requests, in the order of the calls.
    pub(super) fn take_queued(&mut self) -> Vec<Entry<T>> {
        self.queue.clear();
        let keys = self.ordered_keys(|entry| entry.stage == Stage::Queued);
        keys.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Takes out everything, in the order of the calls.
    pub(super) fn take_all(&mut self) -> Vec<Entry<T>> {
        self.queue.clear();
        self.remembered.clear();
        let keys = self.ordered_keys(|_| true);
        keys.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn ordered_keys(&self, wanted: impl Fn(&Entry<T>) -> bool) -> Vec<RequestKey> {
        let mut keys: Vec<(u64, RequestKey)> =
            self.entries.values().filter(|entry| wanted(entry)).map(|entry| (entry.order, entry.id.key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// The earliest deadline of a request that is still here.
    pub(super) fn next_deadline(&mut self) -> Option<Duration> {
        while let Some(Reverse((deadline, key))) = self.deadlines.peek().copied() {
            if self.entries.get(&key).is_some_and(|entry| entry.deadline == Some(deadline)) {
                return Some(deadline);
            }
            self.deadlines.pop();
        }
        None
    }

    /// A request whose time is over.
    pub(super) fn take_expired(&mut self, now: Duration) -> Option<Entry<T>> {
        if self.next_deadline()? > now {
            return None;
        }
        let Reverse((_, key)) = self.deadlines.pop()?;
        self.remove(key)
    }

    fn count_queued(&mut self, entry: &Entry<T>) {
        self.queued += 1;
        self.queued_bytes += entry.bytes();
    }

    /// Answers to the newest ids of `sendToolRequest` are expected; older ones count as late.
    fn remember(&mut self, key: RequestKey) {
        if self.remembered.len() == MAX_REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.remove(oldest);
        }
        self.remembered.push_back(key);
    }

    /// Amortised: each sweep is paid for by the removals since the last one.
    fn sweep(&mut self) {
        let live = 2 * self.entries.len() + SLACK;
        let Self { entries, deadlines, queue, remembered, .. } = self;
        if deadlines.len() > live {
            deadlines.retain(|Reverse((deadline, key))| {
                entries.get(key).is_some_and(|entry| entry.deadline == Some(*deadline))
            });
        }
        if queue.len() > live {
            queue.retain(|key| entries.get(key).is_some_and(|entry| entry.stage == Stage::Queued));
        }
        if remembered.len() > live {
            remembered.retain(|key| entries.contains_key(key));
        }
    }
}

const MAX_REMEMBERED: usize = 4096;
/// Below this many leftovers a sweep is not worth its while.
const SLACK: usize = 1024;

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn entry(pending: &mut Pending<u32>, rng: &mut StdRng, stage: Stage) -> RequestKey {
        let (id, order) = (pending.fresh_id(1, rng), pending.next_order());
        pending.insert(Entry {
            id,
            payload: Some(1),
            stage,
            started: Duration::ZERO,
            deadline: Some(Duration::from_secs(30)),
            idempotent: false,
            resends: 0,
            left: false,
            order,
            wording: None,
        });
        id.key
    }

    #[test]
    fn what_settled_requests_leave_behind_is_swept() {
        for stage in [Stage::Queued, Stage::InFlight(0)] {
            let (mut pending, mut rng) = (Pending::default(), StdRng::seed_from_u64(1));
            let kept = entry(&mut pending, &mut rng, stage);
            for _ in 0..10 * SLACK {
                let key = entry(&mut pending, &mut rng, stage);
                assert!(pending.remove(key).is_some());
                assert!(pending.deadlines.len() <= SLACK + 3 && pending.queue.len() <= SLACK + 3);
            }
            assert_eq!((pending.len(), pending.next_deadline()), (1, Some(Duration::from_secs(30))));
            assert!(pending.remove(kept).is_some());
            assert_eq!((pending.len(), pending.queued(), pending.next_deadline()), (0, 0, None));
        }
    }
}
