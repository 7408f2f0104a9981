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
//! - **Copy**: [`Journal::backup`] while serving, [`restore`] with its proof (`backup`).
//! - **Keep**: generations, history files, snapshots and the archive are made off to the side (`generation`,
//!   `history`, `snapshot`, `archive`).
//! - **Start**: an [`Unrecovered`] directory has no seat; [`Unrecovered::recover`] verifies all it
//!   reads and hands over a journal and the state, or refuses (`recovery`, `pieces`, `replay`,
//!   `verdict`, `check`).
//! - **Format**: `frame`, `codec`, `mark`, `history`, `snapshot_file`, `segment`, each described byte by byte.
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

mod archive;
mod backup;
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
mod pace;
mod pieces;
mod recovery;
mod replay;
mod room;
mod seat;
mod segment;
mod shelf;
mod snapshot;
mod snapshot_file;
mod store;
mod sync;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod upcast;
mod verdict;
mod writer;

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::{fmt, io};

use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

pub use archive::{Archive, Asked};
pub use backup::{Arriving, BackupEnd, BackupError, restore};
pub use check::{Look, Report, check, read_log, read_to_the_end, rebuild_mark};
pub use clock::{Clock, ClockChoice, Machine, ManualClock};
pub use codec::{Undecodable, bytes_of};
pub use counters::{Counted, SYNC_US_BOUNDS};
pub use durable::{Durable, OutcomeUnknown};
pub use options::{Options, Workers};
pub use recovery::{Failure, Opening, Unrecovered};
pub use seat::{Busy, Priority, SEATS, SEATS_KEPT, Seat};
pub use shelf::ReadError;
pub use snapshot::{SnapshotEnd, SnapshotError, state_hash};
pub use store::StoreKind;
#[cfg(test)]
pub(crate) use store::simulated::Simulated;
pub use tail::{Tail, TailEnd};
pub use verdict::{Verdict, verify_copy};

use crate::domain;
use crate::domain::record::{Draft, Encoded, Log, Record, RecordTooLarge, Stamp};
use crate::domain::state::State;
use crate::domain::time::Now;
use counters::Counters;
use durable::{Progress, block_on};
use frame::{Link, Origin};
use generation::Generations;
use room::Room;
use seat::Seats;
use shelf::Shelf;
use store::Disk;
use sync::{JoinHandle, spawn, spawn_behind};
use writer::{Inbox, Writer};

/// Most turns that others get before an usher calls the writer.
const TURNS_MAX: u32 = 4;

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
    archive: Arc<Archive>,
    /// Verified snapshots, newest first.
    snapshots: Mutex<Vec<SnapshotEnd>>,
    /// Held while a snapshot is folded.
    folding: Mutex<()>,
    /// The last durable frame. Not the same lock as anything on the way of an append.
    durable_link: Mutex<Link>,
    bytes_since_snapshot: AtomicU64,
    room: Room,
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

    fn look_for_room(&self) {
        self.room.look(&*self.disk, &self.options);
    }

    /// Whether work of this priority may come at all: the journal runs and the disk has room.
    fn is_open(&self, priority: Priority) -> Result<(), Busy> {
        if self.progress.has_ended() {
            return Err(Busy::Stopped);
        }
        if !self.room.allows(priority, &*self.disk, &self.options) {
            return Err(Busy::NoRoom);
        }
        Ok(())
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
    hands: Mutex<Option<Hands>>,
}

struct Hands {
    writer: WriterAt,
    upkeep: Vec<JoinHandle<()>>,
}

/// Where the writer is.
enum WriterAt {
    Thread(JoinHandle<()>),
    /// Nowhere by itself: the caller's thread writes.
    Here(Box<Writer>),
}

impl Journal {
    fn start(core: Arc<Core>, writer: Writer, opening: Opening) -> io::Result<Journal> {
        let writer = match core.options.workers {
            Workers::Threads | Workers::WriterThread => {
                WriterAt::Thread(spawn("journal-writer", move || writer.run())?)
            }
            Workers::Caller => WriterAt::Here(Box::new(writer)),
        };
        let mut upkeep = Vec::new();
        if core.options.workers == Workers::Threads {
            let keeper = core.clone();
            upkeep.push(spawn_behind("journal-keeper", move || {
                while keeper.keeper.heard.recv().is_ok() && !keeper.stopping.load(Ordering::Acquire) {
                    keeper.keep();
                }
            })?);
            let folder = core.clone();
            upkeep.push(spawn_behind("journal-folder", move || {
                while folder.folder.heard.recv().is_ok() && !folder.stopping.load(Ordering::Acquire) {
                    if folder.snapshot_is_due() {
                        let _ = folder.fold();
                    }
                }
            })?);
        }
        Ok(Journal { core, opening, hands: Mutex::new(Some(Hands { writer, upkeep })) })
    }

    /// What recovery found.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Takes a permit to append.
    pub fn seat(&self, priority: Priority) -> Result<Seat, Busy> {
        self.core.is_open(priority)?;
        self.core.seats.take(self.core.in_flight(), priority)
    }

    /// Whether a seat of normal priority could be had now: a look before a body is read, not a promise.
    pub fn look_for_seat(&self) -> Result<(), Busy> {
        self.core.is_open(Priority::Normal)?;
        let free = self.core.seats.out() + self.core.in_flight() < SEATS - SEATS_KEPT;
        if free { Ok(()) } else { Err(Busy::Full) }
    }

    /// Calls the writer whenever something was appended and `the_others` had their turn, for ever; they get a few more
    /// while they append. For one task of a runtime whose tasks append: those that are ready together share a sync. While
    /// nobody runs this, every append that finds the writer asleep wakes it.
    pub async fn usher<T: Future<Output = ()>>(&self, the_others: impl Fn() -> T) {
        let usher = self.core.inbox.usher();
        loop {
            usher.uncalled().await;
            for _ in 0..TURNS_MAX {
                let before = self.last_seq();
                the_others().await;
                if self.last_seq() == before {
                    break;
                }
            }
            usher.call();
        }
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
        if seq > self.durable_seq() {
            match self.core.options.workers {
                Workers::Caller => self.write(),
                Workers::Threads | Workers::WriterThread => self.core.inbox.call(),
            }
        }
        block_on(durable::durable(self.core.progress.reach(seq), value))
    }

    /// Writes what waits on this thread, where the journal was opened without a writer of its own
    /// ([`Workers::Caller`]); else does nothing.
    pub fn write(&self) {
        if let Some(Hands { writer: WriterAt::Here(writer), .. }) = &mut *self.hands.lock() {
            writer.step();
        }
    }

    /// Records appended after `after_seq` that wait to be written.
    #[cfg(test)]
    pub(crate) fn unwritten(&self, after_seq: u64) -> Vec<Record> {
        self.core.inbox.waiting_after(after_seq, self.core.origin)
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

    /// The earliest state from which all that follows is kept, and a cursor over that: of a young directory the empty one
    /// before its first record, else that of the oldest snapshot. Reads a snapshot whole, and checks it.
    pub fn from_the_beginning(&self) -> Result<(State, Tail), SnapshotError> {
        let oldest = self.oldest_seq();
        if oldest <= 1 {
            return Ok((State::default(), self.tail(0)));
        }
        let (disk, directory) = (&*self.core.disk, self.core.origin.directory);
        for name in snapshot::names(disk)?.iter().rev() {
            if snapshot::claimed_end(disk, name)?.link.seq + 1 >= oldest {
                let (state, end) = snapshot::load(disk, directory, name)?;
                return Ok((state, self.tail(end.link.seq)));
            }
        }
        Err(SnapshotError::Disk(io::Error::other("no snapshot is left from which all records are kept")))
    }

    /// One record, if it is durable.
    pub fn read(&self, seq: u64) -> Result<Option<Arc<Record>>, ReadError> {
        if seq == 0 || seq > self.durable_seq() {
            return Ok(None);
        }
        let records = self.core.shelf.records(seq, self.durable_seq())?;
        Ok(records.into_iter().next())
    }

    /// Orders that left memory.
    pub fn archive(&self) -> &Arc<Archive> {
        &self.core.archive
    }

    /// Oldest record that can be read.
    pub fn oldest_seq(&self) -> u64 {
        self.core.shelf.oldest()
    }

    /// Folds a snapshot up to what is durable now; `None` if there is nothing new. Waits for it, while it is folded as
    /// those are that nobody asked for: behind all who are served.
    pub fn snapshot_now(&self) -> Result<Option<SnapshotEnd>, SnapshotError> {
        if self.core.options.workers != Workers::Threads {
            return self.core.fold();
        }
        let (core, (folded, told)) = (self.core.clone(), channel());
        let folder = spawn_behind("journal-folder", move || drop(folded.send(core.fold())))?;
        if let Err(panic) = folder.join() {
            resume_unwind(panic);
        }
        told.recv().expect("a thread that ends in order has told")
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
        let Some(hands) = self.hands.lock().take() else { return false };
        self.core.stopping.store(true, Ordering::Release);
        self.core.inbox.close();
        match hands.writer {
            // A panic of the writer has poisoned the journal already; there is nothing to add here.
            WriterAt::Thread(thread) => drop(thread.join()),
            WriterAt::Here(writer) => writer.run(),
        }
        self.core.keeper.ring();
        self.core.folder.ring();
        for thread in hands.upkeep {
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

    fn archive(&self) -> Option<Arc<dyn domain::archive::Archive>> {
        Some(self.core.archive.clone())
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "journal at {}, {:?}", self.last_seq(), self.core.progress)
    }
}
