//! What the driver's tests share: a client whose events are recorded, and servers that do as they are told.
//!
//! Nothing here sleeps to be safe: everything waits for an event, and [`within`] stops a test that waits in vain.

pub(crate) mod client;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod tls;

use std::{future::Future, time::Duration};

/// Waits for `event`, but not for ever.
pub(crate) async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(GUARD, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// For conditions that nothing tells of: looks until it is so.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Far more than anything takes on a busy machine; only a test that fails waits so long.
pub(crate) const GUARD: Duration = Duration::from_secs(20);
