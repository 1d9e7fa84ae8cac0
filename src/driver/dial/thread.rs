//! Threads for what blocks: look-ups, and reading the system's certificates.
//!
//! tokio has a pool for this, which panics if the system has no thread left. Here that is an error.

use std::{io, thread};

use tokio::sync::oneshot;

/// Runs `work` on a new thread.
///
/// Errors: the system has no thread left.
pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// What `work` returns, from a new thread.
///
/// Errors: the system has no thread left, or `work` panicked.
pub(super) async fn run<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    start(name, move || {
        // Nobody waits any more if the dial was given up.
        let _ = sender.send(work());
    })?;
    receiver.await.map_err(|_| io::Error::other("it panicked"))
}
