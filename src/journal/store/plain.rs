//! A plain preallocated file per generation: the measure of what sled costs, and a way out of it.
//!
//! ```text
//! frames    entries one after another, then zeros up to the preallocated end
//!           entry: length u32 · first sequence number u64 · frame
//! ```
//! An entry of length 0 is the end. After a loss of power entries may be torn or zeroed; the frames
//! inside tell, as they do for every store.
//!
//! Promises: as asked by [`Store`]; `sync` is one `fdatasync`. Bounds: the file grows in steps of
//! [`STEP_BYTES`], and the place of every frame is held in memory (16 bytes each).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, fallocate};

use super::{Scan, Store};
use crate::domain::limits::FRAME_BYTES_MAX;
use crate::journal::frame::array;
use crate::sabotage::{Bug, planted};

/// Name of the file inside a generation's directory.
pub(super) const FILE: &str = "frames";

const STEP_BYTES: u64 = 8 * 1024 * 1024;
const HEAD_BYTES: usize = 12;

/// One open file of frames.
pub(crate) struct PlainStore {
    file: Arc<File>,
    places: Mutex<Places>,
}

struct Places {
    /// First sequence number and offset of each entry, ascending.
    entries: Vec<(u64, u64)>,
    /// Where the next entry goes.
    end: u64,
    preallocated: u64,
}

impl PlainStore {
    /// Opens or creates the file in `path` and makes whatever it holds durable.
    pub(crate) fn open(path: &Path) -> io::Result<PlainStore> {
        let name = path.join(FILE);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(name)?;
        let mut places = Places { entries: Vec::new(), end: 0, preallocated: file.metadata()?.len() };
        while let Some((first_seq, length)) = read_head(&file, places.end)? {
            // Keys ascend in what was written; anything else is the rubbish of a torn write.
            if places.entries.last().is_some_and(|(last, _)| *last >= first_seq) {
                break;
            }
            places.entries.push((first_seq, places.end));
            places.end += (HEAD_BYTES + length) as u64;
        }
        file.sync_all()?;
        File::open(path)?.sync_all()?;
        Ok(PlainStore { file: Arc::new(file), places: Mutex::new(places) })
    }
}

impl Store for PlainStore {
    fn append(&self, first_seq: u64, frame: &[u8]) -> io::Result<()> {
        let mut places = self.places.lock();
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        let mut entry = Vec::with_capacity(HEAD_BYTES + frame.len());
        entry.extend_from_slice(&length.to_le_bytes());
        entry.extend_from_slice(&first_seq.to_le_bytes());
        entry.extend_from_slice(frame);
        let end = places.end + entry.len() as u64;
        if end > places.preallocated {
            fallocate(&*self.file, FallocateFlags::empty(), places.preallocated, STEP_BYTES)?;
            places.preallocated += STEP_BYTES;
        }
        self.file.write_all_at(&entry, places.end)?;
        let offset = places.end;
        places.entries.push((first_seq, offset));
        places.end = end;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if planted(Bug::NoFdatasync) {
            return Ok(());
        }
        self.file.sync_data()
    }

    fn at_or_before(&self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        let offset = {
            let places = self.places.lock();
            let index = places.entries.partition_point(|(first_seq, _)| *first_seq <= seq);
            index.checked_sub(1).map(|index| places.entries[index].1)
        };
        offset.map(|offset| read_frame(&self.file, offset)).transpose()
    }

    fn scan(&self, first_seq: u64) -> Scan {
        let places = self.places.lock();
        let from = places.entries.partition_point(|(key, _)| *key < first_seq);
        let offsets: Vec<u64> = places.entries[from..].iter().map(|(_, offset)| *offset).collect();
        let file = self.file.clone();
        Box::new(offsets.into_iter().map(move |offset| read_frame(&file, offset)))
    }
}

/// First sequence number and length of the entry at `offset`; `None` at the end.
fn read_head(file: &File, offset: u64) -> io::Result<Option<(u64, usize)>> {
    let mut head = [0; HEAD_BYTES];
    match file.read_exact_at(&mut head, offset) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(array(&head, 0)) as usize;
    let fits = (1..=FRAME_BYTES_MAX).contains(&length);
    Ok(fits.then(|| (u64::from_le_bytes(array(&head, 4)), length)))
}

/// The frame at `offset`, or as much of it as the file still holds.
fn read_frame(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let Some((_, length)) = read_head(file, offset)? else { return Ok(Vec::new()) };
    let mut frame = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut frame[filled..], offset + (HEAD_BYTES + filled) as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    frame.truncate(filled);
    Ok(frame)
}
