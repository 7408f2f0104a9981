//! Where to find a record that is durable: the newest frames in memory, older ones in the open
//! generation, sealed ones in history files.
//!
//! Promises: a reader gets only frames at or below the position it names, which is never above the
//! durable one, so nothing is shown that a crash could take back. Records of recent frames are
//! decoded once and shared by all readers.
//!
//! Bounds: recent frames are kept up to a number of bytes, what was decoded of them included, as a record of many is small
//! on disk and large in memory; one read returns at most about
//! [`BATCH_BYTES`] of frames, or one block of a history file.
//!
//! Not here: cursors and waiting (`tail`), sealing and removal (`generation`).

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use thiserror::Error;

use super::codec::{self, Undecodable};
use super::frame::{Frame, Link};
use super::history::{History, damaged};
use super::store::Store;
use crate::domain::event::Event;
use crate::domain::record::Record;

/// Frames read from a store at once, in bytes.
pub(super) const BATCH_BYTES: usize = 512 * 1024;

/// Records of one frame, decoded.
pub(super) type Records = Arc<[Arc<Record>]>;

/// Why a record cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The history that held it was removed: resynchronise.
    #[error("records before {oldest} are no longer kept")]
    Gone {
        /// Oldest record that can still be read.
        oldest: u64,
    },
    /// The disk failed or what it returned is damaged.
    #[error("the journal could not be read: {0}")]
    Disk(#[from] io::Error),
    /// The bytes are whole and mean nothing to this program.
    #[error("the journal holds what this program cannot read: {0}")]
    Undecodable(#[from] Undecodable),
}

/// One generation, wherever its frames are.
pub(super) struct Volume {
    pub(super) number: u64,
    /// First record it holds or will hold.
    pub(super) first_seq: u64,
    state: Mutex<VolumeState>,
}

struct VolumeState {
    /// Where it ends; `None` while it is being written.
    end: Option<Link>,
    /// The end stands on disk as well.
    sealed: bool,
    /// The generation's directory is still there; what recovery reads.
    in_wal: bool,
    source: Source,
}

#[derive(Clone)]
pub(super) enum Source {
    /// Frames in an open store.
    Store(Arc<dyn Store>),
    /// Frames in a verified history file.
    History(Arc<History>),
}

impl Volume {
    /// A generation that is still in the log; sealed if its end is known.
    pub(super) fn in_wal(number: u64, first_seq: u64, end: Option<Link>, source: Source) -> Volume {
        let state = VolumeState { end, sealed: end.is_some(), in_wal: true, source };
        Volume { number, first_seq, state: Mutex::new(state) }
    }

    /// A generation of which only the history file is left.
    pub(super) fn in_history(number: u64, history: Arc<History>) -> Volume {
        let (first_seq, end) = (history.first_seq, Some(history.end));
        let state = VolumeState { end, sealed: true, in_wal: false, source: Source::History(history) };
        Volume { number, first_seq, state: Mutex::new(state) }
    }

    pub(super) fn end(&self) -> Option<Link> {
        self.state.lock().end
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.state.lock().sealed
    }

    pub(super) fn set_sealed(&self) {
        self.state.lock().sealed = true;
    }

    /// The history file, if that is where the frames are.
    pub(super) fn history(&self) -> Option<Arc<History>> {
        match &self.state.lock().source {
            Source::History(history) => Some(history.clone()),
            Source::Store(_) => None,
        }
    }

    /// From now on readers find the frames in `history`; the store closes with its last reader.
    pub(super) fn move_to(&self, history: Arc<History>) {
        self.state.lock().source = Source::History(history);
    }

    pub(super) fn is_in_wal(&self) -> bool {
        self.state.lock().in_wal
    }

    pub(super) fn left_wal(&self) {
        self.state.lock().in_wal = false;
    }

    pub(super) fn source(&self) -> Source {
        self.state.lock().source.clone()
    }
}

pub(super) struct Shelf {
    /// Ascending, without gaps; the last one is being written.
    volumes: RwLock<Vec<Arc<Volume>>>,
    recent: Mutex<Recent>,
    recent_bytes_max: usize,
}

#[derive(Default)]
struct Recent {
    pages: VecDeque<Arc<Page>>,
    bytes: usize,
}

impl Recent {
    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max
            && let Some(page) = self.pages.pop_front()
        {
            self.bytes -= page.frame.bytes().len() + page.decoded_bytes.load(Ordering::Relaxed);
        }
    }
}

/// A frame and its records, decoded by the first reader who wants them.
struct Page {
    frame: Frame,
    last_seq: u64,
    records: OnceLock<Records>,
    /// Memory of the decoded records, once it is counted.
    decoded_bytes: AtomicUsize,
}

impl Shelf {
    pub(super) fn new(volumes: Vec<Arc<Volume>>, recent_bytes_max: usize) -> Shelf {
        Shelf { volumes: RwLock::new(volumes), recent: Mutex::default(), recent_bytes_max }
    }

    /// Adds frames that just became durable.
    pub(super) fn remember(&self, frames: Vec<Frame>) {
        let mut recent = self.recent.lock();
        for frame in frames {
            recent.bytes += frame.bytes().len();
            let last_seq = frame.head().last_seq;
            let (records, decoded_bytes) = (OnceLock::new(), AtomicUsize::new(0));
            recent.pages.push_back(Arc::new(Page { frame, last_seq, records, decoded_bytes }));
        }
        recent.shrink(self.recent_bytes_max);
    }

    /// Counts what was decoded of a page, if it is still kept.
    fn count_decoded(&self, page: &Page, records: &[Arc<Record>]) {
        let events: usize = records.iter().map(|record| record.events.len()).sum();
        let bytes = records.len() * size_of::<Record>() + events * size_of::<Event>();
        let mut recent = self.recent.lock();
        if recent.pages.front().is_some_and(|oldest| oldest.last_seq <= page.last_seq) {
            page.decoded_bytes.store(bytes, Ordering::Relaxed);
            recent.bytes += bytes;
            recent.shrink(self.recent_bytes_max);
        }
    }

    /// The generation being written ends at `end`; the next begins.
    pub(super) fn begin(&self, number: u64, end: Link, store: Arc<dyn Store>) {
        let mut volumes = self.volumes.write();
        if let Some(last) = volumes.last() {
            last.state.lock().end = Some(end);
        }
        volumes.push(Arc::new(Volume::in_wal(number, end.seq + 1, None, Source::Store(store))));
    }

    pub(super) fn volumes(&self) -> Vec<Arc<Volume>> {
        self.volumes.read().clone()
    }

    /// Forgets a volume whose files are about to go.
    pub(super) fn forget(&self, number: u64) {
        self.volumes.write().retain(|volume| volume.number != number);
    }

    /// Oldest record that can be read.
    pub(super) fn oldest(&self) -> u64 {
        self.volumes.read().first().map_or(1, |volume| volume.first_seq)
    }

    /// Records from `seq` on, at least one, none after `upto`. `seq` is at most `upto`, and that is durable.
    pub(super) fn records(&self, seq: u64, upto: u64) -> Result<Vec<Arc<Record>>, ReadError> {
        if let Some(records) = self.recent_records(seq)? {
            return Ok(records);
        }
        let mut found = Vec::new();
        for frame in self.frames(seq, upto)? {
            let records = decode(&frame)?;
            found.extend(records.iter().filter(|record| record.header.seq >= seq).cloned());
        }
        Ok(found)
    }

    fn recent_records(&self, seq: u64) -> Result<Option<Vec<Arc<Record>>>, ReadError> {
        let page = {
            let recent = self.recent.lock();
            let at = recent.pages.partition_point(|page| page.last_seq < seq);
            match recent.pages.get(at) {
                Some(page) if page.frame.head().first_seq <= seq => page.clone(),
                _ => return Ok(None),
            }
        };
        let records = match page.records.get() {
            Some(records) => records.clone(),
            None => {
                let records = decode(&page.frame)?;
                if page.records.set(records.clone()).is_ok() {
                    self.count_decoded(&page, &records);
                }
                records
            }
        };
        Ok(Some(records.iter().filter(|record| record.header.seq >= seq).cloned().collect()))
    }

    /// Frames from the one that holds `seq` on, none that ends after `upto`.
    pub(super) fn frames(&self, seq: u64, upto: u64) -> Result<Vec<Frame>, ReadError> {
        loop {
            let volume = {
                let volumes = self.volumes.read();
                match volumes.partition_point(|volume| volume.first_seq <= seq).checked_sub(1) {
                    Some(at) => volumes[at].clone(),
                    None => return Err(ReadError::Gone { oldest: volumes.first().map_or(1, |first| first.first_seq) }),
                }
            };
            let frames = match volume.source() {
                Source::Store(store) => from_store(&*store, seq, upto),
                Source::History(history) => history.block_with(seq),
            };
            let mut frames = match frames {
                Ok(frames) => frames,
                // The volume may have been removed while it was being read: look again.
                Err(_) if self.oldest() > seq => continue,
                Err(error) => return Err(error.into()),
            };
            frames.retain(|frame| (seq..).contains(&frame.head().last_seq) && frame.head().last_seq <= upto);
            return match frames.first() {
                Some(first) if first.head().first_seq <= seq => Ok(frames),
                _ => Err(damaged(format!("record {seq} is durable and cannot be found")).into()),
            };
        }
    }
}

fn from_store(store: &dyn Store, seq: u64, upto: u64) -> io::Result<Vec<Frame>> {
    let Some(bytes) = store.at_or_before(seq)? else { return Ok(Vec::new()) };
    let mut frames = vec![Frame::read(&bytes).map_err(damaged)?];
    let mut bytes_read = bytes.len();
    for bytes in store.scan(frames[0].head().last_seq + 1) {
        if bytes_read > BATCH_BYTES {
            break;
        }
        let bytes = bytes?;
        bytes_read += bytes.len();
        // What stands above the durable position may be torn, or may not be there after a crash.
        match Frame::read(&bytes) {
            Ok(frame) if frame.head().last_seq <= upto => frames.push(frame),
            _ => break,
        }
    }
    Ok(frames)
}

fn decode(frame: &Frame) -> Result<Records, Undecodable> {
    let head = frame.head();
    frame.records().map(|slice| codec::decode(&head, &slice).map(Arc::new)).collect()
}
