//! The one I/O thread of the process. It lives as long as a client has something to do, and no longer.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

use super::network::Network;

/// Keeps the I/O thread alive; the last one dropped lets it end.
pub(super) struct IoThread {
    handle: Handle,
    network: Arc<Network>,
    _ends_when_dropped: oneshot::Sender<()>,
}

impl IoThread {
    /// The thread that runs, or a new one.
    ///
    /// Errors: the system refuses a thread or an epoll instance.
    pub(super) fn get() -> io::Result<Arc<Self>> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = current.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start()?);
        *current = Arc::downgrade(&started);
        Ok(started)
    }

    /// Where to spawn what runs on it.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The watcher that all clients share.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let network = Arc::new(Network::default());
        let watched = Arc::clone(&network);
        let (ends_when_dropped, end) = oneshot::channel();
        thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // The sender is never used, only dropped.
                    _ = end => {}
                    () = watched.watch() => {}
                }
            });
        })?;
        Ok(Self { handle, network, _ends_when_dropped: ends_when_dropped })
    }
}

static CURRENT: Mutex<Weak<IoThread>> = Mutex::new(Weak::new());

/// At most 15 bytes, or Linux cuts it.
pub(super) const THREAD_NAME: &str = "mcp-client-io";
