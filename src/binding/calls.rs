//! Calls that JavaScript has made and that are still to be delivered to the core. Delivering many at once takes one
//! lock and one reading of the clock, and the code and data of the core stay in the caches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_mailbox::Slot;
use mcp_protocol::Call;

/// Calls of one client, in order.
#[derive(Default)]
pub(super) struct CallBatch {
    /// The number of the client.
    client: usize,
    /// Their names and parameters, one after the other.
    texts: String,
    calls: Vec<BatchedCall>,
    /// The size of the results that JavaScript is processing; the mailbox notes it.
    result_size: Arc<ResultSize>,
}

/// Whether the results that JavaScript is processing are large. Processing a large one takes a while, in which the I/O
/// thread can write the calls that it leads to one by one; after small ones, many calls are written at once.
#[derive(Default)]
pub(super) struct ResultSize {
    is_large: AtomicBool,
}

impl ResultSize {
    /// JavaScript gets results of so many bytes each.
    pub(super) fn note(&self, bytes: usize) {
        self.is_large.store(bytes > LARGE, Ordering::Relaxed);
    }

    fn is_large(&self) -> bool {
        self.is_large.load(Ordering::Relaxed)
    }
}

struct BatchedCall {
    slot: Slot,
    /// The length of the name, in bytes.
    name: usize,
    /// The length of the parameters, in bytes.
    parameters: Option<usize>,
    timeout: Option<Duration>,
    idempotent: bool,
    expects_connection: bool,
}

impl CallBatch {
    /// Sets where the mailbox of this thread notes the size of its results.
    pub(super) fn set_result_size(&mut self, result_size: Arc<ResultSize>) {
        self.result_size = result_size;
    }

    pub(super) fn push(&mut self, client: usize, call: Call<'_>, slot: Slot) {
        let Call { name, parameters, timeout, idempotent, expects_connection } = call;
        self.client = client;
        self.texts.push_str(name);
        self.texts.push_str(parameters.unwrap_or_default());
        self.calls.push(BatchedCall {
            slot,
            name: name.len(),
            parameters: parameters.map(str::len),
            timeout,
            idempotent,
            expects_connection,
        });
    }

    /// Whether it must be delivered before a call of `client` can be added.
    pub(super) fn is_of_another_client(&self, client: usize) -> bool {
        !self.calls.is_empty() && self.client != client
    }

    /// Whether it must be delivered now. More calls would hold the lock of the core longer, take more memory, and let
    /// the I/O thread wait.
    pub(super) fn is_full(&self) -> bool {
        let most = if self.result_size.is_large() { 1 } else { MOST_CALLS };
        self.calls.len() >= most || self.texts.len() >= MOST_BYTES
    }

    /// Passes the calls, if there are any, to `take` with the number of their client. Then the batch is empty.
    pub(super) fn deliver(&mut self, take: impl FnOnce(usize, &mut dyn Iterator<Item = (Call<'_>, Slot)>)) {
        if self.calls.is_empty() {
            return;
        }
        let mut rest = &*self.texts;
        let mut next = |length| {
            let (text, tail) = rest.split_at(length);
            rest = tail;
            text
        };
        let mut calls = self.calls.drain(..).map(|made| {
            let BatchedCall { slot, name, parameters, timeout, idempotent, expects_connection } = made;
            let (name, parameters) = (next(name), parameters.map(&mut next));
            (Call { name, parameters, timeout, idempotent, expects_connection }, slot)
        });
        take(self.client, &mut calls);
        drop(calls);
        self.texts.clear();
        self.texts.shrink_to(KEPT_CAPACITY);
    }
}

/// Bytes. A larger result is large.
const LARGE: usize = 1024;
/// As many as results are joined in one text for JavaScript.
const MOST_CALLS: usize = 64;
const MOST_BYTES: usize = 64 * 1024;
/// Bytes. More capacity than this is not kept for the next calls.
const KEPT_CAPACITY: usize = 2 * MOST_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(name: &'a str, parameters: Option<&'a str>) -> Call<'a> {
        Call { name, parameters, ..Call::default() }
    }

    #[test]
    fn calls_are_delivered_once_and_in_order() {
        let mut calls = CallBatch::default();
        calls.push(7, call("größe", Some(r#"{"a":1}"#)), Slot::new(1, false));
        calls.push(7, call("plain", None), Slot::new(2, false));
        assert!(calls.is_of_another_client(8) && !calls.is_of_another_client(7));
        let mut taken = Vec::new();
        calls.deliver(|client, calls| {
            taken.extend(calls.map(|(call, _)| (client, call.name.to_owned(), call.parameters.map(str::to_owned))));
        });
        let expected = [(7, "größe".to_owned(), Some(r#"{"a":1}"#.to_owned())), (7, "plain".to_owned(), None)];
        assert_eq!(taken, expected);
        calls.deliver(|_, _| panic!("there are none any more"));
        assert!(!calls.is_of_another_client(8));
    }

    #[test]
    fn a_batch_is_full_with_many_calls_or_bytes_or_after_large_results() {
        let mut calls = CallBatch::default();
        for _ in 1..MOST_CALLS {
            calls.push(0, call("n", None), Slot::new(0, false));
        }
        assert!(!calls.is_full());
        calls.push(0, call("n", None), Slot::new(0, false));
        assert!(calls.is_full());
        calls.deliver(|_, calls| assert_eq!(calls.count(), MOST_CALLS));
        calls.result_size.note(LARGE + 1);
        assert!(!calls.is_full());
        calls.push(0, call("n", None), Slot::new(0, false));
        assert!(calls.is_full());
        calls.deliver(|_, calls| assert_eq!(calls.count(), 1));
        calls.result_size.note(LARGE);
        calls.push(0, call("n", Some(&"1".repeat(4 * MOST_BYTES))), Slot::new(0, false));
        assert!(calls.is_full());
        calls.deliver(|_, calls| assert_eq!(calls.count(), 1));
        assert!(!calls.is_full() && calls.texts.capacity() <= KEPT_CAPACITY);
    }
}
