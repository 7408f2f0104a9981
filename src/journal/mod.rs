//! The journal: what survives.
//!
//! ```text
//!            seat ─► append ─► group ─► frames ─► insert ─► sync ─► mark ─► published
//!            (may refuse)  (cannot)     └──────── one writer thread ───────┘   │
//!                                                                 waiters, tails ◄┘
//! ```
//! - **Write**: [`Journal::seat`] bounds what is in flight, [`Log::append`] fixes order and time,
//!   [`Journal::durable`] waits for the disk (`seat`, `writer`, `durable`).
//! - **Read**: [`Journal::tail`] and [`Journal::read`] yield durable records only (`tail`, `shelf`).
//! - **Keep**: generations, history files and snapshots are made off to the side (`generation`,
//!   `history`, `snapshot`).
//! - **Start**: an [`Unrecovered`] directory has no seat; [`Unrecovered::recover`] verifies all it
//!   reads and hands over a journal and the state, or refuses (`recovery`, `pieces`, `replay`,
//!   `verdict`, `check`).
//! - **Format**: `frame`, `codec`, `mark`, `history`, `snapshot`, each described byte by byte.
//!
//! Laws:
//! 1. Acknowledged is durable: insert, flush, fdatasync and the mark have returned.
//! 2. A failed sync is final: the journal is poisoned, and nothing is tried again.
//! 3. Less than the high-water mark is refused; an unacknowledged torn tail above it is dropped.
//! 4. The log is numbered, checksummed and chained by us; the store is not asked whether it is whole.
//! 5. What cannot be understood stops the start; nothing is ever skipped.
//!
//! Cost: an append is one short mutex; a durable wait is one atomic load when the group is written,
//! else one sync shared by all who wait. Bounds: `seat::SEATS` in flight, frames of 64 KiB, and the
//! sizes in [`Options`].
//!
//! The journal knows nothing of the engine: it takes the domain's drafts and folds its events.

mod check;
mod clock;
mod codec;
mod counters;
mod durable;
mod frame;
mod generation;
mod history;
mod mark;
mod options;
mod pieces;
mod recovery;
mod replay;
mod seat;
mod shelf;
mod snapshot;
mod store;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

pub use check::{Report, check};
pub use clock::{Clock, ClockChoice, ManualClock};
pub use codec::Undecodable;
pub use counters::{Counted, SYNC_US_BOUNDS};
pub use durable::{Durable, OutcomeUnknown};
pub use options::Options;
pub use recovery::{Failure, Opening, Unrecovered};
pub use seat::{Busy, Priority, SEATS, SEATS_KEPT, Seat};
pub use shelf::ReadError;
pub use snapshot::{SnapshotEnd, SnapshotError, state_hash};
pub use store::StoreKind;
pub use tail::{Tail, TailEnd};
pub use verdict::{Verdict, verify_copy};

use crate::domain::record::{Draft, Encoded, Log, Record, RecordTooLarge, Stamp};
use crate::domain::time::Now;
use counters::Counters;
use durable::{Progress, block_on};
use frame::{Link, Origin};
use generation::Generations;
use seat::Seats;
use shelf::Shelf;
use store::Disk;
use writer::Inbox;

/// Everything the journal's threads and readers share.
pub(crate) struct Core {
    disk: Arc<dyn Disk>,
    options: Options,
    origin: Origin,
    clock: Arc<dyn Clock>,
    inbox: Inbox,
    progress: Arc<Progress>,
    seats: Seats,
    shelf: Shelf,
    counters: Counters,
    generations: Generations,
    /// Verified snapshots, newest first.
    snapshots: Mutex<Vec<SnapshotEnd>>,
    /// Held while a snapshot is folded.
    folding: Mutex<()>,
    /// The last durable frame. Not the same lock as anything on the way of an append.
    durable_link: Mutex<Link>,
    bytes_since_snapshot: AtomicU64,
    /// Less room than wanted was left on the disk when last looked.
    short_of_room: AtomicBool,
    keeper: Bell,
    folder: Bell,
    stopping: AtomicBool,
}

/// Wakes a thread of upkeep; rings while it is busy are one.
struct Bell {
    ring: Sender<()>,
    heard: Receiver<()>,
}

impl Bell {
    fn new() -> Bell {
        let (ring, heard) = bounded(1);
        Bell { ring, heard }
    }

    fn ring(&self) {
        // Full means it will look again anyway.
        let _ = self.ring.try_send(());
    }
}

impl Core {
    fn kick_keeper(&self) {
        self.keeper.ring();
    }

    /// Frames of so many bytes became durable and end at `link`.
    fn grown(&self, bytes: u64, link: Link) {
        *self.durable_link.lock() = link;
        self.bytes_since_snapshot.fetch_add(bytes, Ordering::AcqRel);
        if self.snapshot_is_due() {
            self.folder.ring();
        }
    }

    fn snapshot_is_due(&self) -> bool {
        let newest = self.snapshots.lock().first().map_or(0, |newest| newest.bytes);
        self.bytes_since_snapshot.load(Ordering::Acquire) > newest.max(self.options.snapshot_bytes_min)
    }

    /// Looks how much room the disk has. A disk that cannot tell is taken to have enough.
    fn look_for_room(&self) -> bool {
        let short = self.disk.free_bytes().is_ok_and(|free| free < self.options.free_bytes_min);
        if short != self.short_of_room.swap(short, Ordering::AcqRel) {
            tracing::warn!(short, "room on the disk of the journal changed");
        }
        !short
    }

    /// Whether new work may come. While room is short every look is a fresh one.
    fn has_room(&self) -> bool {
        !self.short_of_room.load(Ordering::Acquire) || self.look_for_room()
    }

    fn in_flight(&self) -> u64 {
        self.inbox.appended().saturating_sub(self.progress.durable())
    }

    /// Seals, prepares and retires; a failure that is not damage is left for the next round.
    fn keep(&self) {
        match generation::keep(self) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(%error, "what was written cannot be read back; the journal stops");
                self.progress.poison();
            }
            Err(error) => {
                tracing::warn!(%error, "upkeep of the log failed and will be tried again");
                self.counters.upkeep_failed();
            }
        }
    }

    fn fold(&self) -> Result<Option<SnapshotEnd>, SnapshotError> {
        let folded = generation::fold_snapshot(self);
        match &folded {
            Ok(Some(_)) => self.kick_keeper(),
            Ok(None) => {}
            Err(SnapshotError::Stopped) => {}
            Err(SnapshotError::Law(law)) => {
                tracing::error!(%law, "the log breaks a law and would not replay; the journal stops");
                self.progress.poison();
            }
            Err(error) => {
                tracing::warn!(%error, "a snapshot failed and will be tried again");
                self.counters.upkeep_failed();
            }
        }
        folded
    }
}

/// A recovered data directory, open for appending and reading.
///
/// Dropping it drains what was appended and stops its threads, without the marker of an orderly end;
/// [`Journal::close`] leaves one. The directory stays locked until the journal and every [`Tail`] of
/// it are gone.
pub struct Journal {
    core: Arc<Core>,
    opening: Opening,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    writer: JoinHandle<()>,
    upkeep: Vec<JoinHandle<()>>,
}

impl Journal {
    fn start(core: Arc<Core>, writer: writer::Writer, opening: Opening) -> io::Result<Journal> {
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.to_owned()).spawn(run);
        let writer = spawn("journal-writer", Box::new(move || writer.run()))?;
        let mut upkeep = Vec::new();
        if core.options.background {
            let keeper = core.clone();
            upkeep.push(spawn(
                "journal-keeper",
                Box::new(move || {
                    while keeper.keeper.heard.recv().is_ok() && !keeper.stopping.load(Ordering::Acquire) {
                        keeper.keep();
                    }
                }),
            )?);
            let folder = core.clone();
            upkeep.push(spawn(
                "journal-folder",
                Box::new(move || {
                    while folder.folder.heard.recv().is_ok() && !folder.stopping.load(Ordering::Acquire) {
                        if folder.snapshot_is_due() {
                            let _ = folder.fold();
                        }
                    }
                }),
            )?);
        }
        Ok(Journal { core, opening, threads: Mutex::new(Some(Threads { writer, upkeep })) })
    }

    /// What recovery found.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Takes a permit to append.
    pub fn seat(&self, priority: Priority) -> Result<Seat, Busy> {
        if self.core.progress.has_ended() {
            return Err(Busy::Stopped);
        }
        if priority == Priority::Normal && !self.core.has_room() {
            return Err(Busy::NoRoom);
        }
        self.core.seats.take(self.core.in_flight(), priority)
    }

    /// Whether a seat of normal priority is free now: a look before a body is read, not a promise.
    pub fn seats_free(&self) -> bool {
        let open = !self.core.progress.has_ended() && self.core.has_room();
        open && self.core.seats.out() + self.core.in_flight() < SEATS - SEATS_KEPT
    }

    /// Waits until record `seq` is durable and vouches for `value`. `seq` 0 needs no record.
    pub fn durable<T: Send>(
        &self,
        seq: u64,
        value: T,
    ) -> impl Future<Output = Result<Durable<T>, OutcomeUnknown>> + Send + use<T> {
        durable::durable(self.core.progress.reach(seq), value)
    }

    /// [`durable`](Journal::durable) for a thread without a runtime.
    pub fn durable_blocking<T>(&self, seq: u64, value: T) -> Result<Durable<T>, OutcomeUnknown> {
        block_on(durable::durable(self.core.progress.reach(seq), value))
    }

    /// Last record that is durable.
    pub fn durable_seq(&self) -> u64 {
        self.core.progress.durable()
    }

    /// Last record that was appended.
    pub fn last_seq(&self) -> u64 {
        self.core.inbox.appended()
    }

    /// A cursor over every durable record after `after_seq`.
    pub fn tail(&self, after_seq: u64) -> Tail {
        Tail::new(self.core.clone(), after_seq)
    }

    /// One record, if it is durable.
    pub fn read(&self, seq: u64) -> Result<Option<Arc<Record>>, ReadError> {
        if seq == 0 || seq > self.durable_seq() {
            return Ok(None);
        }
        let records = self.core.shelf.records(seq, self.durable_seq())?;
        Ok(records.into_iter().next())
    }

    /// Oldest record that can be read.
    pub fn oldest_seq(&self) -> u64 {
        self.core.shelf.oldest()
    }

    /// Folds a snapshot up to what is durable now; `None` if there is nothing new.
    pub fn snapshot_now(&self) -> Result<Option<SnapshotEnd>, SnapshotError> {
        self.core.fold()
    }

    /// Runs whatever upkeep is due on this thread: for directories opened without background work.
    pub fn upkeep(&self) {
        self.core.keep();
        if self.core.snapshot_is_due() {
            let _ = self.core.fold();
            self.core.keep();
        }
    }

    /// Resolves when the disk failed and the process has to stop; never after an orderly end.
    pub fn poisoned(&self) -> impl Future<Output = ()> + Send + use<> {
        self.core.progress.clone().poisoned()
    }

    /// Whether the disk failed.
    pub fn is_poisoned(&self) -> bool {
        self.core.progress.is_poisoned()
    }

    /// What was counted since this process opened the journal.
    pub fn counted(&self) -> Counted {
        self.core.counters.read(self.core.seats.out() + self.core.in_flight())
    }

    /// Ends in order: writes what was appended, stops upkeep, leaves the marker of a clean stop.
    /// What is appended later never becomes durable. A second call does nothing.
    pub fn close(&self) -> Result<(), Failure> {
        if !self.stop() {
            return Ok(());
        }
        if self.is_poisoned() {
            return Err(Failure::Poisoned);
        }
        let link = *self.core.durable_link.lock();
        recovery::leave_clean_marker(&*self.core.disk, &link)
    }

    /// Drains and joins; `false` if that was done before.
    fn stop(&self) -> bool {
        let Some(threads) = self.threads.lock().take() else { return false };
        self.core.stopping.store(true, Ordering::Release);
        self.core.inbox.close();
        // A panic of the writer has poisoned the journal already; there is nothing to add here.
        let _ = threads.writer.join();
        self.core.keeper.ring();
        self.core.folder.ring();
        for thread in threads.upkeep {
            let _ = thread.join();
        }
        true
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Log for Journal {
    fn now(&self) -> Now {
        self.core.clock.now()
    }

    fn encode(&self, draft: &Draft) -> Result<Encoded, RecordTooLarge> {
        codec::encode(draft)
    }

    fn append(&self, record: Encoded) -> Stamp {
        self.core.inbox.append(self.core.clock.now(), record)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "journal at {}, {:?}", self.last_seq(), self.core.progress)
    }
}
