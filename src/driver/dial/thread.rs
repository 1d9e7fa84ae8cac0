//! Threads for what blocks: look-ups, reading the system's certificates, and having the system verify a server.
//!
//! tokio has a pool for this, which panics if the system has no thread left. Here that is an error.

use std::{
    future::Future,
    io,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokio::sync::{Notify, Semaphore, oneshot};

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

/// Runs a future that may block while it is polled: each poll has a new thread. It has none while it waits, so that a
/// server which says nothing takes none.
///
/// Errors: as of [`run`].
pub(super) async fn poll<F>(name: &'static str, work: F) -> io::Result<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut work = Box::pin(work);
    let woken = Arc::new(Woken(Notify::new()));
    loop {
        let permit = THREADS.acquire().await;
        let waker = Waker::from(Arc::clone(&woken));
        let (polled, pending) = run(name, move || {
            let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
            // Here: the thread goes on when nobody waits for it any more.
            drop(permit);
            (polled, work)
        })
        .await?;
        if let Poll::Ready(output) = polled {
            return Ok(output);
        }
        work = pending;
        woken.0.notified().await;
    }
}

/// Wakes whoever waits, or will.
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Polls at the same time. More wait for their turn.
static THREADS: Semaphore = Semaphore::const_new(64);

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::timeout,
    };

    use super::*;

    #[tokio::test]
    async fn a_future_that_blocks_while_it_is_polled_delays_no_other() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let blocking = poll("blocks", async move { receiver.recv() });
        let mut blocking = std::pin::pin!(blocking);
        assert!(timeout(Duration::from_millis(5), &mut blocking).await.is_err(), "it blocks its own thread alone");
        sender.send(7).expect("it is waited for");
        assert_eq!(blocking.await.expect("a thread").ok(), Some(7));
    }

    #[tokio::test]
    async fn a_future_goes_on_when_it_is_woken_by_its_socket_and_has_no_thread_meanwhile() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut ours = TcpStream::connect(address).await.expect("it listens");
        let (mut theirs, _) = listener.accept().await.expect("it was connected to");
        let reading = tokio::spawn(poll("reads", async move {
            let mut read_by = Vec::new();
            for _ in 0..3 {
                ours.read_u8().await.expect("a byte");
                read_by.push(thread::current().id());
            }
            read_by
        }));
        for byte in 0..3 {
            tokio::task::yield_now().await;
            theirs.write_u8(byte).await.expect("there is room");
        }
        let read_by = reading.await.expect("no panic").expect("a thread");
        assert!(read_by.len() == 3 && !read_by.contains(&thread::current().id()));
    }

    #[tokio::test]
    async fn a_future_that_panics_is_an_error() {
        let panics = poll("panics", poll_fn(|_| -> Poll<()> { std::panic::panic_any("a fault") }));
        assert!(panics.await.is_err());
    }
}
