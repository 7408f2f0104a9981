//! Generations: the log in pieces, and the upkeep that is done off the writer thread.
//!
//! A generation ends at [`Options::generation_bytes`](super::Options); the next one was created and
//! synced ahead. Upkeep, in this order, each part idempotent so that a crash anywhere only repeats it:
//! 1. **Prepare** the next generation when the writer is half through this one.
//! 2. **Seal** what the writer left: read it back in full, follow its chain, write the history file,
//!    note the end in `SEALED`, close the store.
//! 3. **Fold** a snapshot when the frames since the last exceed its size (on a thread of its own).
//! 4. **Retire** generations behind two verified snapshots, and history beyond its age or size.
//!
//! Promises: keys are never deleted, directories are (the store leaks space otherwise). A generation
//! goes only after its history file was read back and two snapshots beyond it were. What was written
//! and cannot be read back poisons the journal; a full disk only leaves upkeep for later.
//!
//! Not here: what happens to generations after a crash (`recovery`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::clock::wall_ms;
use super::shelf::{Source, Volume};
use super::snapshot::{self, SnapshotEnd, SnapshotError};
use super::store::{self, Store};
use super::{Core, history};

/// How many verified snapshots a generation must be behind before it goes.
const SNAPSHOTS_BEFORE_RETIRING: usize = 2;

/// The generation that stands ready.
#[derive(Default)]
pub(super) struct Generations {
    wanted: AtomicBool,
    next: Mutex<Option<(u64, Arc<dyn Store>)>>,
}

impl Generations {
    pub(super) fn want_next(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    pub(super) fn take_next(&self) -> Option<(u64, Arc<dyn Store>)> {
        let taken = self.next.lock().take();
        if taken.is_some() {
            self.wanted.store(false, Ordering::Release);
        }
        taken
    }
}

/// Path of the note that says where a generation ends.
pub(super) fn sealed_path(number: u64) -> String {
    format!("wal/{number:010}/SEALED")
}

/// One round of upkeep, snapshots excepted.
pub(super) fn keep(core: &Core) -> io::Result<()> {
    prepare_next(core)?;
    for volume in core.shelf.volumes() {
        seal(core, &volume)?;
    }
    retire_generations(core)?;
    retire_history(core)
}

fn prepare_next(core: &Core) -> io::Result<()> {
    if !core.generations.wanted.load(Ordering::Acquire) || core.generations.next.lock().is_some() {
        return Ok(());
    }
    // Only this function adds generations, so the last number cannot change under it.
    let number = core.shelf.volumes().last().map_or(0, |volume| volume.number) + 1;
    let store = core.disk.create_generation(number)?;
    *core.generations.next.lock() = Some((number, store));
    Ok(())
}

fn seal(core: &Core, volume: &Volume) -> io::Result<()> {
    let Some(end) = volume.end() else { return Ok(()) };
    if let Source::Store(store) = volume.source() {
        let scan = store.scan(0);
        let written = history::write(&*core.disk, core.origin.directory, volume.number, scan, Some(end))?;
        let written = written.expect("a generation with an end has frames, and they were just followed to it");
        if !volume.is_sealed() {
            store::write_file(&*core.disk, &sealed_path(volume.number), &end.to_note())?;
            volume.set_sealed();
        }
        volume.move_to(Arc::new(written));
        core.counters.sealed();
        tracing::info!(generation = volume.number, last_seq = end.seq, "sealed a generation of the log");
    }
    Ok(())
}

fn retire_generations(core: &Core) -> io::Result<()> {
    let safe = match core.snapshots.lock().get(SNAPSHOTS_BEFORE_RETIRING - 1) {
        Some(snapshot) => snapshot.link.frame_no,
        None => return Ok(()),
    };
    for volume in core.shelf.volumes() {
        let behind = volume.end().is_some_and(|end| end.frame_no <= safe);
        if behind && volume.is_in_wal() && volume.history().is_some() {
            core.disk.remove_generation(volume.number)?;
            volume.left_wal();
        }
    }
    Ok(())
}

fn retire_history(core: &Core) -> io::Result<()> {
    let histories: Vec<_> =
        core.shelf.volumes().into_iter().filter_map(|volume| volume.history().map(|h| (volume, h))).collect();
    let mut bytes: u64 = histories.iter().map(|(_, history)| history.bytes).sum();
    let eldest_ms = wall_ms().saturating_sub(core.options.history_age_ms);
    for (volume, history) in histories {
        let outlived = bytes > core.options.history_bytes || history.wall_ms < eldest_ms;
        // From the oldest on and without gaps: the first that must stay ends it.
        if !outlived || volume.is_in_wal() {
            break;
        }
        core.shelf.forget(volume.number);
        core.disk.remove_file(&history::path(volume.number))?;
        bytes -= history.bytes;
    }
    Ok(())
}

/// Folds a snapshot up to what is durable now; `None` if the newest one is there already.
pub(super) fn fold_snapshot(core: &Core) -> Result<Option<SnapshotEnd>, SnapshotError> {
    let _one_at_a_time = core.folding.lock();
    let cut = *core.durable_link.lock();
    let known = core.snapshots.lock().clone();
    if known.first().map_or(0, |newest| newest.link.seq) == cut.seq {
        return Ok(None);
    }
    let since = core.bytes_since_snapshot.swap(0, Ordering::AcqRel);
    let folded = fold_onto_best(core, &known, cut).inspect_err(|_| {
        core.bytes_since_snapshot.fetch_add(since, Ordering::AcqRel);
    })?;
    core.snapshots.lock().insert(0, folded);
    core.counters.snapshot();
    tracing::info!(seq = cut.seq, entities = folded.count, bytes = folded.bytes, "wrote a snapshot");
    let kept = core.options.snapshots_kept.max(SNAPSHOTS_BEFORE_RETIRING);
    for name in snapshot::names(&*core.disk)?.into_iter().skip(kept) {
        core.disk.remove_file(&snapshot::path(&name))?;
    }
    core.snapshots.lock().truncate(kept);
    core.archive.join_many(|| !core.stopping.load(Ordering::Acquire))?;
    Ok(Some(folded))
}

/// A damaged snapshot is not built upon; the one before is, as long as the log reaches back to it.
fn fold_onto_best(core: &Core, known: &[SnapshotEnd], cut: super::frame::Link) -> Result<SnapshotEnd, SnapshotError> {
    let names = known.iter().map(|known| Some(snapshot::name(known.link.frame_no))).chain([None]);
    let mut last_error = None;
    for name in names {
        let (disk, directory) = (&*core.disk, core.origin.directory);
        match snapshot::fold(disk, directory, &core.shelf, &core.archive, name.as_deref(), cut, &core.stopping) {
            Err(SnapshotError::Damaged { name: damaged, what }) => {
                tracing::error!(snapshot = damaged, what, "a snapshot is damaged; trying the one before");
                core.snapshots.lock().retain(|known| snapshot::name(known.link.frame_no) != damaged);
                last_error = Some(SnapshotError::Damaged { name: damaged, what });
            }
            Err(SnapshotError::Log(super::ReadError::Gone { oldest })) => {
                return Err(last_error.unwrap_or(super::ReadError::Gone { oldest }.into()));
            }
            other => return other,
        }
    }
    Err(last_error.expect("the loop ends early unless a snapshot was damaged"))
}
