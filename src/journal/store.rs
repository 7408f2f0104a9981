//! The disk as the journal sees it: two small traits and nothing else.
//!
//! A [`Store`] holds the frames of one generation; a [`Disk`] holds generations, the two slots of
//! the high-water mark and plain files. Everything the journal does to the outside world goes
//! through these, so one simulated disk can crash it after every single step.
//!
//! Promises asked of an implementation:
//! - what was appended before a `sync` that returned `Ok` survives a loss of power;
//! - a failed `sync` says nothing about what is on disk, and the journal never asks again;
//! - every other method that returns `Ok` is durable on return.
//!
//! Bounds: a frame is at most [`FRAME_BYTES_MAX`](crate::domain::limits::FRAME_BYTES_MAX), a slot is
//! [`SLOT_BYTES`].
//!
//! Not here: what a frame or a mark contains. Stores carry opaque bytes and judge none of them;
//! sled above all must not be the judge of its own integrity.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use super::room::DiskRoom;
use super::verdict::Verdict;

mod directory;
mod plain;
#[cfg(test)]
pub(crate) mod simulated;
mod sled;

pub(crate) use directory::{Directory, copy_folder, sync_folder, take_lock};
use plain::PlainStore;
use sled::SledStore;

/// Size of one slot of the high-water mark: one page, so that a slot is never torn across sectors
/// that belong to the other.
pub const SLOT_BYTES: usize = 4096;

/// What new generations are written to. Existing ones are read by whatever wrote them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// One sled database per generation.
    #[default]
    Sled,
    /// One preallocated file per generation.
    Plain,
}

/// Opens the generation in `path` with what wrote it.
pub(crate) fn open_store(path: &Path) -> io::Result<Arc<dyn Store>> {
    Ok(if path.join(plain::FILE).exists() {
        Arc::new(PlainStore::open(path)?)
    } else {
        Arc::new(SledStore::open(path)?)
    })
}

/// Frames of a scan, in ascending order of their keys.
pub type Scan = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// The frames of one generation, keyed by the first sequence number they hold.
pub trait Store: Send + Sync {
    /// Hands a frame to the store. It is not durable yet.
    fn append(&self, first_seq: u64, frame: &[u8]) -> io::Result<()>;

    /// Returns when everything appended before is durable. An error is final.
    fn sync(&self) -> io::Result<()>;

    /// The frame with the greatest key at or below `seq`.
    fn at_or_before(&self, seq: u64) -> io::Result<Option<Vec<u8>>>;

    /// Frames whose key is at least `first_seq`, ascending.
    fn scan(&self, first_seq: u64) -> Scan;
}

/// A file under construction: invisible until [`commit`](NewFile::commit) returns.
pub trait NewFile: Write + Send {
    /// Makes the file durable under its name, replacing an older one in one step.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// A finished file, open for reading.
pub trait OpenFile: Read + Seek + Send {}
impl<T: Read + Seek + Send> OpenFile for T {}

/// A data directory, real or simulated.
pub trait Disk: Send + Sync {
    /// Numbers of the generations that were completely created, ascending.
    fn generations(&self) -> io::Result<Vec<u64>>;

    /// Creates an empty generation; it and its directory entry are durable on return.
    fn create_generation(&self, number: u64) -> io::Result<Arc<dyn Store>>;

    /// Opens a generation. What a crashed process left in the page cache is durable on return.
    fn open_generation(&self, number: u64) -> io::Result<Arc<dyn Store>>;

    /// Reads a generation without touching it (on a copy) and says what it holds.
    fn inspect_generation(&self, number: u64) -> io::Result<Verdict>;

    /// Removes a generation and the files that belong to it.
    fn remove_generation(&self, number: u64) -> io::Result<()>;

    /// Both slots of the high-water mark, or `None` if they were never written.
    fn read_slots(&self) -> io::Result<Option<[Vec<u8>; 2]>>;

    /// Overwrites one slot (0 or 1); durable on return.
    fn write_slot(&self, slot: usize, bytes: &[u8]) -> io::Result<()>;

    /// Names of the files in a folder, ascending.
    fn files(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Starts a file that becomes visible when committed.
    fn new_file(&self, path: &str) -> io::Result<Box<dyn NewFile>>;

    /// Opens a file for reading; `NotFound` if there is none.
    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;

    /// Removes a file; its absence is durable on return. A missing file is no error.
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Room on the disk.
    fn room(&self) -> io::Result<DiskRoom>;

    /// Throws away what interrupted work left behind. Called only after recovery found everything.
    fn sweep(&self) -> io::Result<()>;
}

/// Writes a small file in one step.
pub(crate) fn write_file(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.new_file(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Reads a small file, or `None` if it does not exist.
pub(crate) fn read_file(disk: &dyn Disk, path: &str) -> io::Result<Option<Vec<u8>>> {
    match disk.open_file(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
