//! The bytes of a snapshot: written entry by entry, read block by block.
//!
//! ```text
//! head      magic "ORDS" · version u32, 1 · directory id u128
//! entries   as in `codec`, ascending by key
//! end       an entry of kind 0xffff, version 1: note of the position (76 bytes) · catalogue seq u64
//!           · number of entries u64 · state hash u128
//! trailer   BLAKE3 of everything before
//! ```
//! The state hash is the wrapping sum of the first 16 bytes of BLAKE3 over each entry: it does not
//! depend on order, so live states and snapshots compare by it. Whoever writes or checks a snapshot adds it up again; a
//! start does not, as the trailer vouches for entries and sum alike.
//!
//! Promises: a snapshot that does not read to its last byte, of just these entries, is not one. Memory
//! grows with what is really there, never with what a length says.
//!
//! Cost: a large file is decoded by several threads while the caller reads on and takes over, in
//! order. Not here: what goes into a snapshot, and when (`snapshot`, `generation`).

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use thiserror::Error;

use super::codec::{self, ENTITY_BYTES_MAX, ENTRY_HEAD_BYTES, Undecodable};
use super::frame::{Link, array};
use super::history::damaged;
use super::shelf::ReadError;
use super::store::{Disk, NewFile, OpenFile};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::stock::LawBroken;

const MAGIC: &[u8; 4] = b"ORDS";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 24;
const NOTE_BYTES: usize = 76;
const END_KIND: u16 = u16::MAX;
const END_BYTES: usize = NOTE_BYTES + 8 + 8 + 16;
const TRAILER_BYTES: usize = 32;

/// Bytes that are hashed and written at once.
const BLOCK_BYTES: usize = 256 * 1024;
/// Bytes that are read, hashed and decoded at once: so few that the memory of what they hold is taken again from the
/// allocator and not from the system, which clears it first.
const READ_BYTES: usize = 64 * 1024;
/// From this size on a file is decoded by several threads; in tests always, since what comes of it must be the same.
const SHARED_BYTES: u64 = if cfg!(test) { 1 } else { 8 << 20 };
/// Threads that decode, at most.
const DECODERS_MAX: usize = 4;
/// Blocks a decoder may be ahead.
const BLOCKS_AHEAD: usize = 4;

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

impl SnapshotEnd {
    /// Refuses an end that is not the one a reader was told of before.
    pub(super) fn check_claim(&self, claimed: &SnapshotEnd, name: &str) -> Result<(), SnapshotError> {
        if self == claimed { Ok(()) } else { Err(Wrong::damaged("bytes follow its end").of(name)) }
    }
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

/// Path of a snapshot.
pub(super) fn path(name: &str) -> String {
    format!("snapshots/{name}")
}

/// What the end of a file says, before anything was verified.
pub(super) fn claimed_end(disk: &dyn Disk, name: &str) -> Result<SnapshotEnd, SnapshotError> {
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

/// Share of one entry in the state hash.
pub(super) fn entry_hash(entry: &[u8]) -> u128 {
    u128::from_le_bytes(array(blake3::hash(entry).as_bytes(), 0))
}

/// A snapshot under construction.
pub(super) struct Output {
    file: Box<dyn NewFile>,
    hasher: blake3::Hasher,
    bytes: u64,
    count: u64,
    state_hash: u128,
    last: Option<EntityKey>,
    /// What was neither hashed nor written yet.
    pending: Vec<u8>,
}

impl Output {
    pub(super) fn new(file: Box<dyn NewFile>, directory: u128) -> Output {
        let mut pending = Vec::with_capacity(2 * BLOCK_BYTES);
        pending.extend_from_slice(MAGIC);
        pending.extend_from_slice(&VERSION.to_le_bytes());
        pending.extend_from_slice(&directory.to_le_bytes());
        Output { file, hasher: blake3::Hasher::new(), bytes: 0, count: 0, state_hash: 0, last: None, pending }
    }

    /// Adds an entity.
    pub(super) fn push(&mut self, key: EntityKey, entity: &Entity) -> io::Result<()> {
        let at = self.pending.len();
        codec::put_entity(&mut self.pending, &key, entity);
        self.pushed(key, at)
    }

    /// Adds an entity whose entry is known already.
    pub(super) fn push_entry(&mut self, key: EntityKey, entry: &[u8]) -> io::Result<()> {
        let at = self.pending.len();
        self.pending.extend_from_slice(entry);
        self.pushed(key, at)
    }

    fn pushed(&mut self, key: EntityKey, at: usize) -> io::Result<()> {
        if self.last.as_ref().is_some_and(|last| *last >= key) {
            return Err(damaged(format!("{key:?} comes after {:?}: entities ascend by key", self.last)));
        }
        let entry = &self.pending[at..];
        assert!(entry.len() <= ENTITY_BYTES_MAX, "an entity takes at most {ENTITY_BYTES_MAX} bytes");
        self.count += 1;
        self.state_hash = self.state_hash.wrapping_add(entry_hash(entry));
        self.last = Some(key);
        if self.pending.len() < BLOCK_BYTES { Ok(()) } else { self.write() }
    }

    pub(super) fn finish(mut self, link: Link, catalogue_seq: u64) -> io::Result<SnapshotEnd> {
        self.pending.extend_from_slice(&END_KIND.to_le_bytes());
        self.pending.extend_from_slice(&1u16.to_le_bytes());
        self.pending.extend_from_slice(&(END_BYTES as u32).to_le_bytes());
        self.pending.extend_from_slice(&link.to_note());
        self.pending.extend_from_slice(&catalogue_seq.to_le_bytes());
        self.pending.extend_from_slice(&self.count.to_le_bytes());
        self.pending.extend_from_slice(&self.state_hash.to_le_bytes());
        self.write()?;
        let trailer = *self.hasher.finalize().as_bytes();
        let Output { mut file, bytes, count, state_hash, .. } = self;
        file.write_all(&trailer)?;
        file.commit()?;
        Ok(SnapshotEnd { link, catalogue_seq, count, state_hash, bytes: bytes + TRAILER_BYTES as u64 })
    }

    fn write(&mut self) -> io::Result<()> {
        self.hasher.update(&self.pending);
        self.bytes += self.pending.len() as u64;
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

/// Reads a snapshot to its last byte and hands over every entity, ascending. Nothing that was handed over may be used
/// unless this returns `Ok`.
pub(super) fn read(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    mut each: impl FnMut(EntityKey, Entity),
) -> Result<SnapshotEnd, SnapshotError> {
    let mut tally = Tally::default();
    let end = read_blocks(disk, directory, name, |block| {
        let decoded = Decoded::of(&block, Sum::Entries);
        tally.take_over(decoded, &mut each).map_err(|wrong| wrong.of(name))
    })?;
    tally.check(&end).map_err(|wrong| wrong.of(name))?;
    Ok(end)
}

/// As [`read`], by several threads when the file is large; for who has the machine to himself. The state hash of a large
/// file is not added up again: its trailer vouches for it.
pub(super) fn read_fast(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    bytes: u64,
    mut each: impl FnMut(EntityKey, Entity),
) -> Result<SnapshotEnd, SnapshotError> {
    let decoders = thread::available_parallelism().map_or(1, usize::from).min(DECODERS_MAX);
    if bytes < SHARED_BYTES || decoders == 1 {
        return read(disk, directory, name, each);
    }
    thread::scope(|scope| {
        let decoders: Vec<Decoder> = (0..decoders)
            .map(|_| {
                let (blocks, work) = sync_channel::<Vec<u8>>(BLOCKS_AHEAD);
                let (done, decoded) = sync_channel(BLOCKS_AHEAD);
                scope.spawn(move || {
                    // Whoever stops listening has failed, or is done.
                    let _ = work.into_iter().try_for_each(|block| done.send(Decoded::of(&block, Sum::Nothing)));
                });
                Decoder { blocks, decoded }
            })
            .collect();
        // Decoders whose results are awaited, in the order of their blocks.
        let mut awaited: VecDeque<usize> = VecDeque::new();
        let mut tally = Tally::default();
        let (most, mut next) = (decoders.len() * BLOCKS_AHEAD, 0);
        let mut take_over = |decoders: &[Decoder], at: usize| {
            let decoded = decoders[at].decoded.recv().expect("a decoder answers every block");
            tally.take_over(decoded, &mut each).map_err(|wrong| wrong.of(name))
        };
        let end = read_blocks(disk, directory, name, |block| {
            if awaited.len() == most
                && let Some(at) = awaited.pop_front()
            {
                take_over(&decoders, at)?;
            }
            decoders[next].blocks.send(block).expect("a decoder takes every block");
            awaited.push_back(next);
            next = (next + 1) % decoders.len();
            Ok(())
        })?;
        for at in awaited {
            take_over(&decoders, at)?;
        }
        tally.check(&end).map_err(|wrong| wrong.of(name))?;
        Ok(end)
    })
}

/// A thread that decodes: its blocks in, its entities out.
struct Decoder {
    blocks: SyncSender<Vec<u8>>,
    decoded: Receiver<Result<Decoded, Wrong>>,
}

/// Reads a snapshot to its last byte and hands over every entry with its key, ascending; entities stay as they are.
/// As sure as [`read`] that the bytes are those that were written.
pub(super) fn read_entries(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    mut each: impl FnMut(EntityKey, &[u8]) -> Result<(), SnapshotError>,
) -> Result<SnapshotEnd, SnapshotError> {
    read_blocks(disk, directory, name, |block| {
        for entry in entries(&block) {
            let (kind, version, _) = codec::entry_head(&array(entry, 0));
            let key = codec::get_key(kind, version, &entry[ENTRY_HEAD_BYTES..]);
            each(key.map_err(|why| Wrong::from(why).of(name))?, entry)?;
        }
        Ok(())
    })
}

/// What is wrong with a file, whichever it is.
enum Wrong {
    Damaged(String),
    Undecodable(Undecodable),
}

impl Wrong {
    fn damaged(what: &str) -> Wrong {
        Wrong::Damaged(what.to_owned())
    }

    fn of(self, name: &str) -> SnapshotError {
        let name = name.to_owned();
        match self {
            Wrong::Damaged(what) => SnapshotError::Damaged { name, what },
            Wrong::Undecodable(why) => SnapshotError::Undecodable { name, why },
        }
    }
}

impl From<Undecodable> for Wrong {
    fn from(why: Undecodable) -> Wrong {
        match why {
            Undecodable::Unknown { .. } => Wrong::Undecodable(why),
            Undecodable::Shape { .. } => Wrong::Damaged(why.to_string()),
        }
    }
}

/// What is added up to be compared with the state hash.
#[derive(Clone, Copy)]
enum Sum {
    Entries,
    Nothing,
}

/// The entities of one block.
struct Decoded {
    entities: Vec<(EntityKey, Entity)>,
    /// Of the entries, if it was asked for.
    state_hash: Option<u128>,
}

impl Decoded {
    fn of(block: &[u8], sum: Sum) -> Result<Decoded, Wrong> {
        let first = entries(block).next().map_or(block.len(), <[u8]>::len);
        let entities = Vec::with_capacity(block.len().div_ceil(first.max(1)));
        let state_hash = match sum {
            Sum::Entries => Some(entries(block).map(entry_hash).fold(0, u128::wrapping_add)),
            Sum::Nothing => None,
        };
        let mut decoded = Decoded { entities, state_hash };
        for entry in entries(block) {
            let (kind, version, _) = codec::entry_head(&array(entry, 0));
            let (key, entity) = codec::get_entity(kind, version, &entry[ENTRY_HEAD_BYTES..])?;
            if decoded.entities.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Wrong::damaged(UNORDERED));
            }
            decoded.entities.push((key, entity));
        }
        Ok(decoded)
    }
}

const UNORDERED: &str = "its entities do not ascend by key";

/// What was handed over so far.
struct Tally {
    count: u64,
    /// `None` once something came that was not added up.
    state_hash: Option<u128>,
    last: Option<EntityKey>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { count: 0, state_hash: Some(0), last: None }
    }
}

impl Tally {
    fn take_over(
        &mut self,
        decoded: Result<Decoded, Wrong>,
        each: &mut impl FnMut(EntityKey, Entity),
    ) -> Result<(), Wrong> {
        let Decoded { entities, state_hash } = decoded?;
        let (Some((first, _)), Some((last, _))) = (entities.first(), entities.last()) else { return Ok(()) };
        if self.last.as_ref().is_some_and(|last| last >= first) {
            return Err(Wrong::damaged(UNORDERED));
        }
        self.last = Some(last.clone());
        self.count += entities.len() as u64;
        self.state_hash = self.state_hash.zip(state_hash).map(|(sum, own)| sum.wrapping_add(own));
        entities.into_iter().for_each(|(key, entity)| each(key, entity));
        Ok(())
    }

    fn check(&self, end: &SnapshotEnd) -> Result<(), Wrong> {
        if end.count == self.count && self.state_hash.is_none_or(|sum| sum == end.state_hash) {
            Ok(())
        } else {
            Err(Wrong::damaged("number or hash of its entities is not the recorded one"))
        }
    }
}

/// The entries of a block, each with its head.
fn entries(mut block: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let head = block.first_chunk::<ENTRY_HEAD_BYTES>()?;
        let (entry, rest) = block.split_at(ENTRY_HEAD_BYTES + codec::entry_head(head).2);
        block = rest;
        Some(entry)
    })
}

/// Reads a snapshot to its last byte in blocks of whole entries; what the end says is not yet compared with them.
fn read_blocks(
    disk: &dyn Disk,
    directory: u128,
    name: &str,
    mut each: impl FnMut(Vec<u8>) -> Result<(), SnapshotError>,
) -> Result<SnapshotEnd, SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged { name: name.to_owned(), what: what.to_owned() };
    let mut input =
        Input { file: disk.open_file(&path(name))?, read: Vec::new(), hasher: blake3::Hasher::new(), bytes: 0 };
    let short = |error: io::Error| damaged(&error.to_string());
    let head = input.take(HEAD_BYTES).map_err(short)?;
    if &head[..4] != MAGIC || u32::from_le_bytes(array(&head, 4)) != VERSION {
        return Err(damaged("it does not start like a snapshot of this version"));
    }
    if u128::from_le_bytes(array(&head, 8)) != directory {
        return Err(damaged("it belongs to another data directory"));
    }
    let end = loop {
        let (mut whole, mut ended) = (0, false);
        // As many whole entries as were read; at least one.
        while !ended && (whole == 0 || whole < READ_BYTES) {
            if whole > 0 && input.read.len() < whole + ENTRY_HEAD_BYTES {
                break;
            }
            input.fill(whole + ENTRY_HEAD_BYTES).map_err(short)?;
            let (kind, _, length) = codec::entry_head(&array(&input.read, whole));
            if length > ENTITY_BYTES_MAX {
                return Err(damaged("an entry is longer than any entity"));
            }
            if kind == END_KIND {
                ended = true;
                continue;
            }
            let upto = whole + ENTRY_HEAD_BYTES + length;
            if whole > 0 && input.read.len() < upto {
                break;
            }
            input.fill(upto).map_err(short)?;
            whole = upto;
        }
        if whole > 0 {
            each(input.take(whole).map_err(short)?)?;
        }
        if ended {
            let head = input.take(ENTRY_HEAD_BYTES).map_err(short)?;
            if codec::entry_head(&array(&head, 0)).2 != END_BYTES {
                return Err(damaged("its end is of another length"));
            }
            break input.take(END_BYTES).map_err(short)?;
        }
    };
    let expected = *input.hasher.finalize().as_bytes();
    if input.take(TRAILER_BYTES).map_err(short)? != expected {
        return Err(damaged("its checksum does not match"));
    }
    decode_end(&end, input.bytes).ok_or_else(|| damaged("its position is unreadable"))
}

/// A file that is read ahead.
struct Input {
    file: Box<dyn OpenFile>,
    /// Read, and not taken yet.
    read: Vec<u8>,
    /// Of what was taken.
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Input {
    /// Reads until at least `length` bytes stand ready, a block at a time.
    fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.read.len() < length {
            let there = self.read.len();
            self.read.resize(there + READ_BYTES, 0);
            let more = match self.file.read(&mut self.read[there..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                read => read.map(Some),
            };
            self.read.truncate(there + more.as_ref().map_or(0, |more| more.unwrap_or(0)));
            if more? == Some(0) {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early"));
            }
        }
        Ok(())
    }

    /// Takes the next bytes.
    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        self.fill(length)?;
        let rest = self.read.split_off(length);
        let taken = std::mem::replace(&mut self.read, rest);
        self.hasher.update(&taken);
        self.bytes += length as u64;
        Ok(taken)
    }
}
