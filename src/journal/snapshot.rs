//! Snapshots: the state at a position, folded from the log, off to the side.
//!
//! Never taken from live memory: the previous snapshot, sorted by key, is merged with the entities
//! that records touched since, through the same folds as replay. So the hot path is not paused, the
//! cut is exact, and every snapshot tests replay.
//!
//! ```text
//! head      magic "ORDS" · version u32, 1 · directory id u128
//! entries   as in `codec`, ascending by key
//! end       an entry of kind 0xffff, version 1: note of the position (76 bytes) · catalogue seq u64
//!           · number of entries u64 · state hash u128
//! trailer   BLAKE3 of everything before
//! ```
//! The state hash is the wrapping sum of the first 16 bytes of BLAKE3 over each entry: it does not
//! depend on order, so live states and snapshots compare by it ([`state_hash`]).
//!
//! Promises: written beside, synced, renamed, and read back before it counts. Entities that nothing
//! needs to know of any more are left out. A snapshot that does not read to its last byte is not one.
//!
//! Cost: two passes over the records since the last snapshot and two over that snapshot; memory for
//! the entities touched in between. Not here: when it is due, and how many are kept (`generation`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::codec::{self, ENTITY_BYTES_MAX, ENTRY_HEAD_BYTES, Undecodable};
use super::frame::{Link, array};
use super::shelf::{ReadError, Shelf};
use super::store::{Disk, NewFile};
use crate::domain::record::Record;
use crate::domain::state::{Entity, EntityKey, State};
use crate::domain::stock::LawBroken;
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

const MAGIC: &[u8; 4] = b"ORDS";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 24;
const NOTE_BYTES: usize = 76;
const END_KIND: u16 = u16::MAX;
const END_BYTES: usize = NOTE_BYTES + 8 + 8 + 16;
const TRAILER_BYTES: usize = 32;

/// What a snapshot says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotEnd {
    /// The position it was cut at.
    pub link: Link,
    /// Last record that changed the catalogue.
    pub catalogue_seq: u64,
    /// Number of entities.
    pub count: u64,
    /// Sum of the entities' hashes.
    pub state_hash: u128,
    /// Size of the file.
    pub bytes: u64,
}

/// Why a snapshot could not be read or made.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The file is not what was written.
    #[error("snapshot {name} is damaged: {what}")]
    Damaged {
        /// Name of the file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// Written by a newer program.
    #[error("snapshot {name}: {why}")]
    Undecodable {
        /// Name of the file.
        name: String,
        /// What is unknown.
        why: Undecodable,
    },
    /// The log that must be folded in could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The log breaks a law: replay would refuse it too.
    #[error("the log breaks a law: {0}")]
    Law(#[from] LawBroken),
    /// The journal is closing; the snapshot is left for later.
    #[error("the journal is closing")]
    Stopped,
    /// The disk failed.
    #[error("the snapshot could not be written or read: {0}")]
    Disk(#[from] io::Error),
}

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

pub(super) fn path(name: &str) -> String {
    format!("snapshots/{name}")
}

/// Hash of a state, comparable with that of a snapshot at the same position. Forgotten entities count
/// if they are there: drop them first ([`State::forget`]).
pub fn state_hash(state: &State) -> u128 {
    let mut entry = Vec::new();
    state.entities().into_iter().fold(0, |sum, (key, entity)| {
        entry.clear();
        codec::put_entity(&mut entry, key, entity);
        sum.wrapping_add(entry_hash(&entry))
    })
}

/// Reads a snapshot to its last byte and hands over every entity. Nothing that was handed over may
/// be used unless this returns `Ok`.
pub(super) fn read(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    mut each: impl FnMut(EntityKey, Entity),
) -> Result<SnapshotEnd, SnapshotError> {
    read_entries(disk, directory, name, |key, entity, _| {
        each(key, entity);
        Ok(())
    })
}

/// The state at a snapshot.
pub(super) fn load(disk: &dyn Disk, directory: u128, name: &str) -> Result<(State, SnapshotEnd), SnapshotError> {
    // The end is read first, unverified, so that entities go where they belong without a second copy.
    let claimed = claimed_end(disk, name)?;
    let mut state = State::at(claimed.link.seq, JournalTime(claimed.link.time), claimed.catalogue_seq);
    let end = read(disk, directory, name, |key, entity| state.insert(key, entity))?;
    if claimed != end {
        return Err(SnapshotError::Damaged { name: name.to_owned(), what: "bytes follow its end".to_owned() });
    }
    Ok((state, end))
}

/// What the end of a file says, before anything was verified.
fn claimed_end(disk: &dyn Disk, name: &str) -> Result<SnapshotEnd, SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged { name: name.to_owned(), what: what.to_owned() };
    let mut file = disk.open_file(&path(name))?;
    let bytes = file.seek(SeekFrom::End(0))?;
    let at = bytes.checked_sub((END_BYTES + TRAILER_BYTES) as u64).ok_or_else(|| damaged("it is too short"))?;
    file.seek(SeekFrom::Start(at))?;
    let mut end = vec![0; END_BYTES];
    file.read_exact(&mut end)?;
    decode_end(&end, bytes).ok_or_else(|| damaged("its position is unreadable"))
}

fn decode_end(end: &[u8], bytes: u64) -> Option<SnapshotEnd> {
    Some(SnapshotEnd {
        link: Link::from_note(&end[..NOTE_BYTES])?,
        catalogue_seq: u64::from_le_bytes(array(end, NOTE_BYTES)),
        count: u64::from_le_bytes(array(end, NOTE_BYTES + 8)),
        state_hash: u128::from_le_bytes(array(end, NOTE_BYTES + 16)),
        bytes,
    })
}

/// Folds the log up to `cut` onto the snapshot `previous` (or onto nothing), writes the result and
/// reads it back. Gives up soon after `stopping` is set.
pub(super) fn fold(
    disk: &dyn Disk,
    directory: u128,
    shelf: &Shelf,
    previous: Option<&str>,
    cut: Link,
    stopping: &AtomicBool,
) -> Result<SnapshotEnd, SnapshotError> {
    let go_on = || if stopping.load(Ordering::Acquire) { Err(SnapshotError::Stopped) } else { Ok(()) };
    // Only the end is wanted here, but a previous snapshot that is damaged must not be built upon.
    let base = match previous {
        Some(name) => Some(read(disk, directory, name, |_, _| {})?),
        None => None,
    };
    let from = base.map_or(1, |end| end.link.seq + 1);
    let mut touched = BTreeSet::new();
    each_record(shelf, from, cut.seq, |record| {
        touched.extend(record.events.iter().map(|event| event.entity()));
        go_on()
    })?;

    let mut state = match &base {
        Some(end) => State::at(end.link.seq, JournalTime(end.link.time), end.catalogue_seq),
        None => State::default(),
    };
    if let Some(name) = previous {
        read(disk, directory, name, |key, entity| {
            if touched.contains(&key) {
                state.insert(key, entity);
            }
        })?;
    }
    each_record(shelf, from, cut.seq, |record| {
        state.apply(record)?;
        go_on()
    })?;
    assert_eq!(state.seq(), cut.seq, "a snapshot is cut where it says");

    let (now, catalogue_seq) = (state.time(), state.catalogue_seq());
    let changed: BTreeMap<EntityKey, Entity> = state.into_entities().collect();
    let name = name(cut.frame_no);
    let mut output = Output::new(disk.new_file(&path(&name))?, directory)?;
    merge(disk, directory, previous, changed, |key, entity, entry| {
        go_on()?;
        if !entity.is_forgotten_at(now) {
            output.push(key, entity, entry)?;
        }
        Ok(())
    })?;
    let written = output.finish(cut, catalogue_seq)?;
    let read_back = read(disk, directory, &name, |_, _| {})?;
    assert_eq!(written, read_back, "a snapshot reads back as it was written");
    Ok(read_back)
}

/// Walks the previous snapshot and the changed entities as one ascending sequence; the changed win.
fn merge(
    disk: &dyn Disk,
    directory: u128,
    previous: Option<&str>,
    changed: BTreeMap<EntityKey, Entity>,
    mut each: impl FnMut(&EntityKey, &Entity, Option<&[u8]>) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut changed = changed.into_iter().peekable();
    if let Some(name) = previous {
        read_entries(disk, directory, name, |key, entity, entry| {
            while let Some((key, entity)) = changed.next_if(|(changed, _)| *changed < key) {
                each(&key, &entity, None)?;
            }
            match changed.next_if(|(changed, _)| *changed == key) {
                Some((key, entity)) => each(&key, &entity, None),
                None if planted(Bug::SnapshotLoses) => Ok(()),
                None => each(&key, &entity, Some(entry)),
            }
        })?;
    }
    for (key, entity) in changed {
        each(&key, &entity, None)?;
    }
    Ok(())
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

fn entry_hash(entry: &[u8]) -> u128 {
    u128::from_le_bytes(array(blake3::hash(entry).as_bytes(), 0))
}

struct Output {
    file: Box<dyn NewFile>,
    hasher: blake3::Hasher,
    bytes: u64,
    count: u64,
    state_hash: u128,
    last: Option<EntityKey>,
    buffer: Vec<u8>,
}

impl Output {
    fn new(file: Box<dyn NewFile>, directory: u128) -> io::Result<Output> {
        let hasher = blake3::Hasher::new();
        let mut output = Output { file, hasher, bytes: 0, count: 0, state_hash: 0, last: None, buffer: Vec::new() };
        output.write(MAGIC)?;
        output.write(&VERSION.to_le_bytes())?;
        output.write(&directory.to_le_bytes())?;
        Ok(output)
    }

    /// Adds an entity; `entry` is its encoding if that is known already.
    fn push(&mut self, key: &EntityKey, entity: &Entity, entry: Option<&[u8]>) -> io::Result<()> {
        assert!(self.last.as_ref().is_none_or(|last| last < key), "entities ascend by key");
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        match entry {
            Some(entry) => buffer.extend_from_slice(entry),
            None => codec::put_entity(&mut buffer, key, entity),
        }
        assert!(buffer.len() <= ENTITY_BYTES_MAX, "an entity takes at most {ENTITY_BYTES_MAX} bytes");
        self.count += 1;
        self.state_hash = self.state_hash.wrapping_add(entry_hash(&buffer));
        self.last = Some(key.clone());
        self.write(&buffer)?;
        self.buffer = buffer;
        Ok(())
    }

    fn finish(mut self, link: Link, catalogue_seq: u64) -> io::Result<SnapshotEnd> {
        let mut end = Vec::with_capacity(ENTRY_HEAD_BYTES + END_BYTES);
        end.extend_from_slice(&END_KIND.to_le_bytes());
        end.extend_from_slice(&1u16.to_le_bytes());
        end.extend_from_slice(&(END_BYTES as u32).to_le_bytes());
        end.extend_from_slice(&link.to_note());
        end.extend_from_slice(&catalogue_seq.to_le_bytes());
        end.extend_from_slice(&self.count.to_le_bytes());
        end.extend_from_slice(&self.state_hash.to_le_bytes());
        self.write(&end)?;
        let trailer = *self.hasher.finalize().as_bytes();
        self.write(&trailer)?;
        let Output { file, bytes, count, state_hash, .. } = self;
        file.commit()?;
        Ok(SnapshotEnd { link, catalogue_seq, count, state_hash, bytes })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// Reads a snapshot; `each` gets every entity and its entry.
fn read_entries(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    mut each: impl FnMut(EntityKey, Entity, &[u8]) -> Result<(), SnapshotError>,
) -> Result<SnapshotEnd, SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged { name: name.to_owned(), what: what.to_owned() };
    let file = disk.open_file(&path(name))?;
    let mut input =
        Input { file: io::BufReader::with_capacity(256 * 1024, file), hasher: blake3::Hasher::new(), bytes: 0 };
    let mut read = |buffer: &mut Vec<u8>, length: usize| {
        input.append(buffer, length).map_err(|error| damaged(&error.to_string())).map(|()| input.bytes)
    };
    let mut head = Vec::new();
    read(&mut head, HEAD_BYTES)?;
    if &head[..4] != MAGIC || u32::from_le_bytes(array(&head, 4)) != VERSION {
        return Err(damaged("it does not start like a snapshot of this version"));
    }
    if u128::from_le_bytes(array(&head, 8)) != directory {
        return Err(damaged("it belongs to another data directory"));
    }
    let (mut count, mut state_hash) = (0u64, 0u128);
    let mut last: Option<EntityKey> = None;
    let mut entry = Vec::new();
    loop {
        entry.clear();
        read(&mut entry, ENTRY_HEAD_BYTES)?;
        let (kind, version, length) = codec::entry_head(&array(&entry, 0));
        if length > ENTITY_BYTES_MAX {
            return Err(damaged("an entry is longer than any entity"));
        }
        read(&mut entry, length)?;
        if kind == END_KIND {
            break;
        }
        let (key, entity) = codec::get_entity(kind, version, &entry[ENTRY_HEAD_BYTES..]).map_err(|why| match why {
            Undecodable::Unknown { .. } => SnapshotError::Undecodable { name: name.to_owned(), why },
            Undecodable::Shape { .. } => damaged(&why.to_string()),
        })?;
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(damaged("its entities do not ascend by key"));
        }
        count += 1;
        state_hash = state_hash.wrapping_add(entry_hash(&entry));
        last = Some(key.clone());
        each(key, entity, &entry)?;
    }
    let end = &entry[ENTRY_HEAD_BYTES..];
    if end.len() != END_BYTES {
        return Err(damaged("its end is of another length"));
    }
    let expected = *input.hasher.finalize().as_bytes();
    let mut trailer = Vec::new();
    input.append(&mut trailer, expected.len()).map_err(|error| damaged(&error.to_string()))?;
    if trailer != expected {
        return Err(damaged("its checksum does not match"));
    }
    let end = decode_end(end, input.bytes).ok_or_else(|| damaged("its position is unreadable"))?;
    if (end.count, end.state_hash) != (count, state_hash) {
        return Err(damaged("number or hash of its entities is not the recorded one"));
    }
    Ok(end)
}

struct Input<R> {
    file: R,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<R: Read> Input<R> {
    /// Reads exactly `length` bytes to the end of `buffer`. Memory grows with what is really there.
    fn append(&mut self, buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
        let at = buffer.len();
        let read = (&mut self.file).take(length as u64).read_to_end(buffer)?;
        if read != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early"));
        }
        self.hasher.update(&buffer[at..]);
        self.bytes += length as u64;
        Ok(())
    }
}
