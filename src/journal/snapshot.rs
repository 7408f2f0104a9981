//! Snapshots: the state at a position, folded from the log, off to the side.
//!
//! Never taken from live memory: the previous snapshot, sorted by key, is merged with the entities
//! that records touched since, through the same folds as replay. So the hot path is not paused, the
//! cut is exact, and every snapshot tests replay.
//!
//! Promises: written beside, synced, renamed, and read back before it counts. Entities that nothing
//! needs to know of any more are left out. Orders that left by the cut go to the archive instead, which
//! is durable before the snapshot counts.
//!
//! Cost: two passes over the records since the last snapshot and two over that snapshot; memory for
//! the entities touched in between. Not here: the bytes (`snapshot_file`), when it is due, and how many
//! are kept (`generation`).

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::archive::{Archive, Arriving};
use super::codec::{self, ENTRY_HEAD_BYTES};
use super::frame::{Link, array};
use super::history::damaged;
use super::pace::Pace;
use super::shelf::Shelf;
pub(super) use super::snapshot_file::claimed_end;
pub(super) use super::snapshot_file::path;
#[cfg(test)]
pub(super) use super::snapshot_file::read;
use super::snapshot_file::{self, Output, entry_hash};
pub use super::snapshot_file::{SnapshotEnd, SnapshotError};
use super::store::Disk;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::record::Record;
use crate::domain::state::{Filling, State};
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

/// Name of the snapshot cut after a frame.
pub(super) fn name(frame_no: u64) -> String {
    format!("{frame_no:020}.snapshot")
}

/// Names of the snapshots, newest first.
pub(super) fn names(disk: &dyn Disk) -> io::Result<Vec<String>> {
    let mut names = disk.files("snapshots")?;
    names.retain(|name| name.ends_with(".snapshot"));
    names.reverse();
    Ok(names)
}

/// Hash of a state, comparable with that of a snapshot at the same position. Forgotten entities count
/// if they are there: drop them first ([`State::forget`]). Orders that left for the archive count in none.
pub fn state_hash(state: &State) -> u128 {
    let mut entry = Vec::new();
    state.iter().filter(|(_, entity)| !entity.is_archived()).fold(0, |sum, (key, entity)| {
        entry.clear();
        codec::put_entity(&mut entry, &key, entity);
        sum.wrapping_add(entry_hash(&entry))
    })
}

/// The state at a snapshot.
pub(super) fn load(disk: &dyn Disk, directory: u128, name: &str) -> Result<(State, SnapshotEnd), SnapshotError> {
    // The end is read first, unverified, so that entities go where they belong without a second copy.
    let claimed = claimed_end(disk, name)?;
    let mut filling = Filling::of(state_at(&claimed));
    let end = snapshot_file::read_fast(disk, directory, name, claimed.bytes, |key, entity| filling.push(key, entity))?;
    end.check_claim(&claimed, name).map(|()| (filling.filled(), end))
}

fn state_at(end: &SnapshotEnd) -> State {
    State::at(end.link.seq, JournalTime(end.link.time), end.catalogue_seq)
}

/// Folds the log up to `cut` onto the snapshot `previous` (or onto nothing), writes the result and
/// reads it back, at a pace that leaves the processor to others. Gives up soon after `stopping` is set.
pub(super) fn fold(
    disk: &dyn Disk,
    directory: u128,
    shelf: &Shelf,
    archive: &Archive,
    previous: Option<&str>,
    cut: Link,
    stopping: &AtomicBool,
) -> Result<SnapshotEnd, SnapshotError> {
    let pace = Pace::new();
    let go_on = || {
        pace.step();
        if stopping.load(Ordering::Acquire) { Err(SnapshotError::Stopped) } else { Ok(()) }
    };
    let claimed = previous.map(|name| claimed_end(disk, name)).transpose()?;
    let from = claimed.map_or(1, |end| end.link.seq + 1);
    let mut touched = BTreeSet::new();
    each_record(shelf, from, cut.seq, |record| {
        touched.extend(record.events.iter().map(|event| event.entity()));
        let moved = record.events.iter().filter_map(|event| event.moved(record.header.decided_at));
        touched.extend(moved.map(|moved| EntityKey::Minute(moved.minute())));
        let taught = record.events.iter().filter_map(Event::teaches);
        touched.extend(taught.map(|cell| EntityKey::ShortPicks(cell.node)));
        touched.extend(record.events.iter().filter_map(Event::empties).map(EntityKey::Velocity));
        go_on()
    })?;

    // A previous snapshot that is damaged must not be built upon: all of it is verified while the little that is
    // wanted of it is taken.
    let mut state = claimed.as_ref().map_or_else(State::default, state_at);
    if let (Some(name), Some(claimed)) = (previous, &claimed) {
        let base = snapshot_file::read(disk, directory, name, |key, entity| {
            pace.step();
            if touched.contains(&key) {
                state.insert(key, entity);
            }
        })?;
        base.check_claim(claimed, name)?;
    }
    drop(touched);
    each_record(shelf, from, cut.seq, |record| {
        state.apply(record)?;
        go_on()
    })?;
    assert_eq!(state.seq(), cut.seq, "a snapshot is cut where it says");

    let name = name(cut.frame_no);
    let mut output = Output::new(disk.new_file(&path(&name))?, directory);
    let catalogue_seq = state.catalogue_seq();
    let mut arriving = archive.arriving();
    merge(disk, directory, previous, state, &mut output, &mut arriving, go_on)?;
    arriving.finish(cut.seq)?;
    let written = output.finish(cut, catalogue_seq)?;
    let read_back = snapshot_file::read(disk, directory, &name, |_, _| pace.step())?;
    assert_eq!(written, read_back, "a snapshot reads back as it was written");
    Ok(read_back)
}

/// Walks the previous snapshot and the changed entities as one ascending sequence; the changed win.
fn merge(
    disk: &dyn Disk,
    directory: u128,
    previous: Option<&str>,
    changed: State,
    output: &mut Output,
    arriving: &mut Arriving<'_>,
    go_on: impl Fn() -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let now = changed.time();
    let mut put = |output: &mut Output, key, entity: Entity| match &entity {
        Entity::Order(order) if order.is_archived() => arriving.push(order),
        entity if entity.is_forgotten_at(now) => Ok(()),
        entity => output.push(key, entity),
    };
    let mut changed = changed.into_entities().peekable();
    if let Some(name) = previous {
        snapshot_file::read_entries(disk, directory, name, |key, entry| {
            go_on()?;
            while let Some((key, entity)) = changed.next_if(|(changed, _)| *changed < key) {
                put(output, key, entity)?;
            }
            match changed.next_if(|(changed, _)| *changed == key) {
                Some((key, entity)) => put(output, key, entity)?,
                None if planted(Bug::SnapshotLoses) => {}
                None if is_forgotten(&key, entry, now)? => {}
                None => output.push_entry(key, entry)?,
            }
            Ok(())
        })?;
    }
    for (key, entity) in changed {
        go_on()?;
        put(output, key, entity)?;
    }
    Ok(())
}

/// Whether nothing needs to know of an entry any more. Most kinds stay for ever, and are not even decoded. All of it was
/// verified before, by another reading.
fn is_forgotten(key: &EntityKey, entry: &[u8], now: JournalTime) -> io::Result<bool> {
    use EntityKey::{
        Bin, Collection, Count, CycleCount, Dispatch, Draft, Exception, Inbound, Key, Lots, Minute, Optimisation,
        Picked, Reservation, Return, Transfer, Velocity, Wave,
    };
    let ends = matches!(key, Reservation(_) | Key(_) | Inbound(_) | Transfer(_) | Count(_) | Minute(_));
    if !ends
        && !matches!(
            key,
            CycleCount(_)
                | Exception(_)
                | Lots(_)
                | Return(_)
                | Wave(_)
                | Bin(_)
                | Picked(_)
                | Collection(_)
                | Draft(_)
                | Optimisation(_)
                | Dispatch(_)
                | Velocity(_)
        )
    {
        return Ok(false);
    }
    let (kind, version, _) = codec::entry_head(&array(entry, 0));
    let (_, entity) = codec::get_entity(kind, version, &entry[ENTRY_HEAD_BYTES..]).map_err(damaged)?;
    Ok(entity.is_forgotten_at(now))
}

fn each_record(
    shelf: &Shelf,
    from: u64,
    upto: u64,
    mut each: impl FnMut(&Record) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut next = from;
    while next <= upto {
        for record in shelf.records(next, upto)? {
            if record.header.seq > upto {
                break;
            }
            each(&record)?;
            next = record.header.seq + 1;
        }
    }
    Ok(())
}
