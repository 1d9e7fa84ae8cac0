//! The only map of requests: every one that is queued, in flight or remembered, by its id; and their deadlines in
//! order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    time::Duration,
};

use rand::CryptoRng;

use super::{
    dialect::RequestText,
    request_id::{KeyHash, RequestId, RequestKey},
};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits for `ready`.
    Queued,
    /// It was handed out as the n-th text of the connection.
    InFlight(u64),
}

/// A request that a caller waits for; without a payload, one of `sendToolRequest`.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) id: RequestId,
    pub(super) payload: Option<T>,
    pub(super) stage: Stage,
    pub(super) started: Duration,
    pub(super) deadline: Option<Duration>,
    pub(super) idempotent: bool,
    /// How often it was sent again.
    pub(super) resends: u8,
    /// It was sent before, on a connection that is gone or in a dialect that the server did not understand.
    pub(super) sent_before: bool,
    /// Its position in the order of the calls.
    pub(super) order: u64,
    /// Kept while it may have to be sent, or sent again, and no other part of the session has it.
    pub(super) request_text: Option<Box<RequestText>>,
}

impl<T> Entry<T> {
    /// Whether any of it may have been sent, when the texts below number `sent` were. False is a guarantee.
    pub(super) fn was_sent(&self, sent: u64) -> bool {
        self.sent_before || matches!(self.stage, Stage::InFlight(number) if number < sent)
    }

    fn is_due_at(&self, deadline: u64) -> bool {
        self.deadline.is_some_and(|own| nanos(own) == deadline)
    }

    fn bytes(&self) -> usize {
        self.request_text.as_ref().map_or(0, |request_text| request_text.text().len())
    }
}

/// Requests by a number, the least first. One type serves the deadlines and the order of the calls: the code of a
/// second one would be a hundredth of what a page loads.
type Ranking = BinaryHeap<Reverse<(u64, RequestKey)>>;

/// The map, its orders and its counts.
#[derive(Debug)]
pub(super) struct Pending<T> {
    entries: HashMap<RequestKey, Entry<T>, KeyHash>,
    /// May contain deadlines of settled requests: they are ignored when they are due, and removed when they are many.
    deadlines: Ranking,
    /// Queued requests in the order of the calls; may contain some that are no longer queued.
    queue: VecDeque<RequestKey>,
    /// Requests of `sendToolRequest`, oldest first.
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
    /// Requests that a caller waits for, queued or in flight.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Requests that are kept, those of `sendToolRequest` among them.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// How many of those are queued.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// The bytes of the queued requests.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// How many of those are in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.waiting - self.queued
    }

    /// The sizes of what is kept here.
    #[cfg(feature = "sim")]
    pub(super) fn footprint(&self) -> crate::Footprint {
        crate::Footprint {
            requests: self.entries.len(),
            remembered: self.remembered.len(),
            deadlines: self.deadlines.len(),
            queue: self.queue.len(),
            ..crate::Footprint::default()
        }
    }

    /// A random id that no other request has.
    pub(super) fn new_id(&self, wall: u64, rng: &mut impl CryptoRng) -> RequestId {
        loop {
            let key = RequestKey::random(rng);
            if !self.entries.contains_key(&key) {
                return RequestId { millis: wall, key };
            }
        }
    }

    /// The id with this key, or with the next one that no other request has.
    pub(super) fn id_from(&self, wall: u64, key: RequestKey) -> RequestId {
        let free = (key.0..).map(RequestKey).find(|key| !self.entries.contains_key(key));
        RequestId { millis: wall, key: free.unwrap_or_default() }
    }

    /// The next position in the order of the calls.
    pub(super) fn next_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// The requests, in the order of the calls.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Entry<T>> {
        let mut entries: Vec<&Entry<T>> = self.entries.values().collect();
        entries.sort_unstable_by_key(|entry| entry.order);
        entries.into_iter()
    }

    pub(super) fn knows(&self, key: RequestKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// The id with this key.
    pub(super) fn id(&self, key: RequestKey) -> Option<RequestId> {
        self.entries.get(&key).map(|entry| entry.id)
    }

    /// Adds a new request.
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
            self.deadlines.push(Reverse((nanos(deadline), key)));
        }
        self.entries.insert(key, entry);
    }

    /// Removes the request with exactly this id.
    pub(super) fn take(&mut self, id: RequestId) -> Option<Entry<T>> {
        if self.entries.get(&id.key)?.id != id {
            return None;
        }
        self.remove(id.key)
    }

    /// Removes the request with this key.
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

    /// The next queued request.
    pub(super) fn dequeue(&mut self) -> Option<RequestKey> {
        loop {
            let key = self.queue.pop_front()?;
            if self.entries.get(&key).is_some_and(|entry| entry.stage == Stage::Queued) {
                return Some(key);
            }
        }
    }

    /// The request becomes the `number`-th text of the connection, which is returned. A copy is kept if it is
    /// idempotent, or if `keep` is true.
    pub(super) fn start(&mut self, key: RequestKey, number: u64, keep: bool) -> Option<(RequestId, RequestText)> {
        let entry = self.entries.get_mut(&key)?;
        let bytes = entry.bytes();
        let request_text =
            if keep || entry.idempotent { entry.request_text.clone() } else { entry.request_text.take() };
        let request_text = *request_text?;
        if entry.stage == Stage::Queued {
            self.queued -= 1;
            self.queued_bytes -= bytes;
        } else {
            entry.sent_before = true;
        }
        entry.stage = Stage::InFlight(number);
        Some((entry.id, request_text))
    }

    /// For a lost connection. Requests in flight for which `keep` is true go back to the front of the queue, in the
    /// order of the calls; the others are removed and returned. Remembered requests are forgotten.
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

    /// The keys of the requests in flight, in the order of the calls.
    pub(super) fn keys_in_flight(&self) -> Vec<RequestKey> {
        self.ordered_keys(&|entry| entry.stage != Stage::Queued)
    }

    /// Removes the queued requests, in the order of the calls.
    pub(super) fn take_queued(&mut self) -> Vec<Entry<T>> {
        self.queue.clear();
        self.take_each(&|entry| entry.stage == Stage::Queued)
    }

    /// Removes all requests, in the order of the calls.
    pub(super) fn take_all(&mut self) -> Vec<Entry<T>> {
        self.queue.clear();
        self.remembered.clear();
        self.take_each(&|_| true)
    }

    fn take_each(&mut self, wanted: &dyn Fn(&Entry<T>) -> bool) -> Vec<Entry<T>> {
        self.ordered_keys(wanted).into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn ordered_keys(&self, wanted: &dyn Fn(&Entry<T>) -> bool) -> Vec<RequestKey> {
        // A heap sorts with much less code than `sort`, which pages would have to load.
        let wanted = self.entries.values().filter(|entry| wanted(entry));
        let mut ranking: Ranking = wanted.map(|entry| Reverse((entry.order, entry.id.key))).collect();
        std::iter::from_fn(|| ranking.pop()).map(|Reverse((_, key))| key).collect()
    }

    /// The earliest deadline of a request that is not settled.
    pub(super) fn next_deadline(&mut self) -> Option<Duration> {
        while let Some(Reverse((deadline, key))) = self.deadlines.peek() {
            let entry = self.entries.get(key).filter(|entry| entry.is_due_at(*deadline));
            if let Some(entry) = entry {
                return entry.deadline;
            }
            self.deadlines.pop();
        }
        None
    }

    /// Removes a request that has timed out.
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

    /// Only the newest requests of `sendToolRequest` are remembered: answers to older ones count as late.
    fn remember(&mut self, key: RequestKey) {
        if self.remembered.len() == MAX_REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.remove(oldest);
        }
        self.remembered.push_back(key);
    }

    /// Removes the leftovers of settled requests once they are more than the rest: amortised constant time.
    fn sweep(&mut self) {
        let live = 2 * self.entries.len() + SLACK;
        let Self { entries, deadlines, queue, remembered, .. } = self;
        if deadlines.len() > live {
            deadlines
                .retain(|Reverse((deadline, key))| entries.get(key).is_some_and(|entry| entry.is_due_at(*deadline)));
        }
        if queue.len() > live {
            queue.retain(|key| entries.get(key).is_some_and(|entry| entry.stage == Stage::Queued));
        }
        if remembered.len() > live {
            remembered.retain(|key| entries.contains_key(key));
        }
    }
}

/// In 64 bits, which last for five hundred years.
fn nanos(duration: Duration) -> u64 {
    duration.as_secs().wrapping_mul(1_000_000_000).wrapping_add(duration.subsec_nanos().into())
}

const MAX_REMEMBERED: usize = 4096;
/// With fewer leftovers than this, removing them is not worth the time.
const SLACK: usize = 1024;

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn entry(pending: &mut Pending<u32>, rng: &mut StdRng, stage: Stage) -> RequestKey {
        let (id, order) = (pending.new_id(1, rng), pending.next_order());
        pending.insert(Entry {
            id,
            payload: Some(1),
            stage,
            started: Duration::ZERO,
            deadline: Some(Duration::from_secs(30)),
            idempotent: false,
            resends: 0,
            sent_before: false,
            order,
            request_text: None,
        });
        id.key
    }

    #[test]
    fn what_settled_requests_leave_behind_is_removed() {
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
