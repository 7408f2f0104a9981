//! What the journal counts about itself, for whoever publishes metrics.
//!
//! Promises: counting never waits and never fails. Not here: names and exposition of metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the sync histogram, in microseconds; one more bucket has no bound.
pub const SYNC_US_BOUNDS: [u64; 10] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 200_000];

/// Running totals since this process opened the journal.
#[derive(Debug, Default)]
pub struct Counters {
    groups: AtomicU64,
    frames: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    sync_us: AtomicU64,
    sync_buckets: [AtomicU64; SYNC_US_BOUNDS.len() + 1],
    generations_sealed: AtomicU64,
    snapshots: AtomicU64,
    upkeep_failures: AtomicU64,
}

/// The totals at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Group commits; each synced once.
    pub groups: u64,
    /// Frames written.
    pub frames: u64,
    /// Records made durable.
    pub records: u64,
    /// Bytes of the frames.
    pub bytes: u64,
    /// Time spent in syncs (frames and mark), in microseconds.
    pub sync_us: u64,
    /// Group commits by time of their syncs; bounds are [`SYNC_US_BOUNDS`].
    pub sync_buckets: [u64; SYNC_US_BOUNDS.len() + 1],
    /// Generations sealed.
    pub generations_sealed: u64,
    /// Snapshots written and verified.
    pub snapshots: u64,
    /// Attempts at upkeep that failed and will be made again.
    pub upkeep_failures: u64,
    /// Permits out plus records in flight.
    pub seats_used: u64,
}

impl Counters {
    pub(super) fn group(&self, frames: u64, records: u64, bytes: u64, sync: Duration) {
        let us = u64::try_from(sync.as_micros()).unwrap_or(u64::MAX);
        let bucket = SYNC_US_BOUNDS.partition_point(|bound| *bound < us);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sync_us.fetch_add(us, Ordering::Relaxed);
        self.sync_buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sealed(&self) {
        self.generations_sealed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn upkeep_failed(&self) {
        self.upkeep_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, seats_used: u64) -> Counted {
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            groups: total(&self.groups),
            frames: total(&self.frames),
            records: total(&self.records),
            bytes: total(&self.bytes),
            sync_us: total(&self.sync_us),
            sync_buckets: std::array::from_fn(|index| total(&self.sync_buckets[index])),
            generations_sealed: total(&self.generations_sealed),
            snapshots: total(&self.snapshots),
            upkeep_failures: total(&self.upkeep_failures),
            seats_used,
        }
    }
}
