//! Settings of the journal. What is not here is a constant beside the code that holds it.

use std::path::PathBuf;

use super::clock::ClockChoice;
use super::store::StoreKind;

/// How a data directory is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size at which a generation of the log ends, in bytes of frames.
    pub generation_bytes: u64,
    /// A snapshot is due when the frames since the last exceed its size, and this.
    pub snapshot_bytes_min: u64,
    /// Snapshots kept; at least two.
    pub snapshots_kept: usize,
    /// History files older than this go, in milliseconds.
    pub history_age_ms: i64,
    /// The oldest history files go while all of them exceed this.
    pub history_bytes: u64,
    /// Frames kept in memory for readers close to the end, in bytes.
    pub recent_bytes: usize,
    /// Below this room on the disk new work is refused: two generations. Below a quarter of it, all work.
    pub free_bytes_min: u64,
    /// Below this share of the disk new work is refused, in percent.
    pub free_percent_min: u8,
    /// What new generations of the log are written to.
    pub store: StoreKind,
    /// Where time comes from.
    pub clock: ClockChoice,
    /// Program that judges a copy of the log after an unclean stop, called as
    /// `<program> verify-generation <dir>`; without one it is judged in this process.
    pub verifier: Option<PathBuf>,
    /// Who writes and keeps house.
    pub workers: Workers,
}

/// Who does the journal's work behind an append. The work is the same; only the thread differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// Threads of the journal's own write, keep house and fold snapshots.
    Threads,
    /// A thread of its own writes; upkeep is done when [`Journal::upkeep`](super::Journal::upkeep) is called.
    WriterThread,
    /// No thread at all. What waits is written by whoever waits for it with
    /// [`Journal::durable_blocking`](super::Journal::durable_blocking), or calls
    /// [`Journal::write`](super::Journal::write).
    Caller,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            generation_bytes: 256 << 20,
            snapshot_bytes_min: 64 << 20,
            snapshots_kept: 3,
            history_age_ms: 35 * 24 * 60 * 60 * 1_000,
            history_bytes: 20 << 30,
            recent_bytes: 16 << 20,
            free_bytes_min: 512 << 20,
            free_percent_min: 5,
            store: StoreKind::default(),
            clock: ClockChoice::default(),
            verifier: None,
            workers: Workers::Threads,
        }
    }
}
