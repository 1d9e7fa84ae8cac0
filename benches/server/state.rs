//! What all threads of the server share.

use std::{
    collections::HashMap,
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

/// What all threads of the server share.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) counters: Counters,
    sockets: Mutex<HashMap<u64, Arc<TcpStream>>>,
    /// ms for which the plain listener is to go; 0 when it is to stay.
    pub(crate) away: AtomicU64,
}

/// Since the server started.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) pings: AtomicU64,
    /// Connections dropped because nothing came within the limit that the client asked for.
    pub(crate) silent: AtomicU64,
}

impl Server {
    pub(crate) fn sockets(&self) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn drop_all(&self) {
        for socket in self.sockets().values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
