//! What a session keeps, counted.

/// The sizes of everything that a session keeps; all are 0 when it is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Requests queued, in flight or remembered.
    pub requests: usize,
    /// Of those, ids given out by `sendToolRequest`.
    pub remembered: usize,
    /// Deadlines, those of settled requests included.
    pub deadlines: usize,
    /// Entries of the queue, those of settled requests included.
    pub queue: usize,
    /// Dials under way, and sockets that race.
    pub dials: usize,
    /// Texts handed out and not yet written.
    pub unwritten: usize,
    /// Pings whose pongs are awaited.
    pub pings: usize,
    /// Commands that wait for `ready` or `closed`.
    pub waiters: usize,
    /// Outputs that were not drained yet.
    pub outputs: usize,
}
