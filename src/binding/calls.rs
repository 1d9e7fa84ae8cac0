//! Calls that JavaScript has made and the core has not been given yet. It is given many at once: one lock and one reading of the clock serve all
//! of them, and its code and data stay in the caches from one to the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::slot::Slot;
use crate::protocol::Call;

/// Those of one client, in order.
#[derive(Default)]
pub(super) struct Calls {
    /// What the binding knows the client by.
    client: usize,
    /// Names and parameters, one behind the other.
    texts: String,
    calls: Vec<Made>,
    /// Of the results that the calls answer to; the mailbox notes it.
    result_size: Arc<ResultSize>,
}

/// Whether the results that JavaScript is working on are large. Large ones take it a while, in which the I/O thread can
/// write the calls that they lead to one by one; after small ones, many calls are written at once.
#[derive(Default)]
pub(super) struct ResultSize {
    is_large: AtomicBool,
}

impl ResultSize {
    /// JavaScript is given results of so many bytes each.
    pub(super) fn note(&self, bytes: usize) {
        self.is_large.store(bytes > LARGE, Ordering::Relaxed);
    }

    fn is_large(&self) -> bool {
        self.is_large.load(Ordering::Relaxed)
    }
}

struct Made {
    slot: Slot,
    /// Bytes of the name.
    name: usize,
    /// Bytes of the parameters.
    parameters: Option<usize>,
    timeout: Option<Duration>,
    idempotent: bool,
}

impl Calls {
    /// The mailbox of this thread notes there how large its results are.
    pub(super) fn set_result_size(&mut self, result_size: Arc<ResultSize>) {
        self.result_size = result_size;
    }

    pub(super) fn push(&mut self, client: usize, call: Call<'_>, slot: Slot) {
        let Call { name, parameters, timeout, idempotent } = call;
        self.client = client;
        self.texts.push_str(name);
        self.texts.push_str(parameters.unwrap_or_default());
        self.calls.push(Made { slot, name: name.len(), parameters: parameters.map(str::len), timeout, idempotent });
    }

    /// Whether those that are here must be given to the core before one of `client` comes.
    pub(super) fn must_go_before(&self, client: usize) -> bool {
        !self.calls.is_empty() && self.client != client
    }

    /// The core's lock should not be held for longer, nor more memory be taken, nor the I/O thread wait.
    pub(super) fn are_many(&self) -> bool {
        let most = if self.result_size.is_large() { 1 } else { MOST_CALLS };
        self.calls.len() >= most || self.texts.len() >= MOST_BYTES
    }

    /// Gives them to `take`, with their client, if there are any. Afterwards there are none.
    pub(super) fn hand_over(&mut self, take: impl FnOnce(usize, &mut dyn Iterator<Item = (Call<'_>, Slot)>)) {
        if self.calls.is_empty() {
            return;
        }
        let mut rest = &*self.texts;
        let mut next = |length| {
            let (text, behind) = rest.split_at(length);
            rest = behind;
            text
        };
        let mut calls = self.calls.drain(..).map(|made| {
            let Made { slot, name, parameters, timeout, idempotent } = made;
            let (name, parameters) = (next(name), parameters.map(&mut next));
            (Call { name, parameters, timeout, idempotent }, slot)
        });
        take(self.client, &mut calls);
        drop(calls);
        self.texts.clear();
        self.texts.shrink_to(KEPT_CAPACITY);
    }
}

/// Bytes of a result.
const LARGE: usize = 1024;
/// As many as there are results in one text for JavaScript.
const MOST_CALLS: usize = 64;
const MOST_BYTES: usize = 64 * 1024;
/// Bytes that are kept for the next ones.
const KEPT_CAPACITY: usize = 2 * MOST_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(name: &'a str, parameters: Option<&'a str>) -> Call<'a> {
        Call { name, parameters, timeout: None, idempotent: false }
    }

    #[test]
    fn calls_are_handed_over_once_and_in_order() {
        let mut calls = Calls::default();
        calls.push(7, call("größe", Some(r#"{"a":1}"#)), Slot::new(1, false));
        calls.push(7, call("plain", None), Slot::new(2, false));
        assert!(calls.must_go_before(8) && !calls.must_go_before(7));
        let mut taken = Vec::new();
        calls.hand_over(|client, calls| {
            taken.extend(calls.map(|(call, _)| (client, call.name.to_owned(), call.parameters.map(str::to_owned))));
        });
        let expected = [(7, "größe".to_owned(), Some(r#"{"a":1}"#.to_owned())), (7, "plain".to_owned(), None)];
        assert_eq!(taken, expected);
        calls.hand_over(|_, _| panic!("there are none any more"));
        assert!(!calls.must_go_before(8));
    }

    #[test]
    fn many_calls_or_bytes_are_not_piled_up() {
        let mut calls = Calls::default();
        for _ in 1..MOST_CALLS {
            calls.push(0, call("n", None), Slot::new(0, false));
        }
        assert!(!calls.are_many());
        calls.push(0, call("n", None), Slot::new(0, false));
        assert!(calls.are_many());
        calls.hand_over(|_, calls| assert_eq!(calls.count(), MOST_CALLS));
        calls.result_size.note(LARGE + 1);
        assert!(!calls.are_many());
        calls.push(0, call("n", None), Slot::new(0, false));
        assert!(calls.are_many());
        calls.hand_over(|_, calls| assert_eq!(calls.count(), 1));
        calls.result_size.note(LARGE);
        calls.push(0, call("n", Some(&"1".repeat(4 * MOST_BYTES))), Slot::new(0, false));
        assert!(calls.are_many());
        calls.hand_over(|_, calls| assert_eq!(calls.count(), 1));
        assert!(!calls.are_many() && calls.texts.capacity() <= KEPT_CAPACITY);
    }
}
