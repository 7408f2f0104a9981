//! The archive: the segments there are, what is asked of them, and how their number stays small.
//!
//! ```text
//! archive/MANIFEST   magic "ORDM" · version u32, 1 · directory id u128 · covered u64 · next number u64
//!                    · number of segments u32 · per segment, newest first: number u64 · bytes u64 · orders u64
//!                    · BLAKE3 of everything before
//! archive/…          segments, as in `segment`; one that the manifest does not name is rubbish
//! ```
//! A segment is written by the folding of a snapshot: orders that left by the cut go into it instead. First the segment
//! is durable and read back, then the manifest names it, then the snapshot that lacks these orders counts. So an order is
//! in a snapshot (or the log behind it), or in a segment the manifest names, at every instant; where it is in both, both
//! are the same. The newest segment that has an order is right; memory, where it has one, is right before all of them.
//!
//! Promises: `covered` only grows, and grows after the manifest is durable: memory may forget then. The manifest covers
//! every snapshot that counts, so one that is lost or was exchanged for an older is refused at the start, and so is a
//! segment that is missing, cut or whose index is damaged, each by name. A damaged block is refused when it is read, by
//! `check` and by a restore.
//!
//! Bounds: [`SEGMENTS_MAX`] segments; above it the two neighbours that are smallest together become one.
//!
//! What is *not* here: which orders leave (`engine`, by a record), and when a snapshot is cut (`generation`).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::frame::array;
use super::history::damaged;
use super::segment::{self, Output, RowsPlace, Segment, Wanted, mark_of_channel, mark_of_customer, mark_of_sku};
use super::store::{self, Disk};
use crate::domain::archive::{self, OrderName, OrderRow, Unreadable};
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::Order;
use crate::domain::time::WallTime;

/// Most segments before some are joined.
const SEGMENTS_MAX: usize = 8;

const MAGIC: &[u8; 4] = b"ORDM";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 44;
const ENTRY_BYTES: usize = 24;
const TRAILER_BYTES: usize = 32;

/// Path of the manifest.
pub(super) const MANIFEST: &str = "archive/MANIFEST";

/// What the manifest says.
struct Manifest {
    covered: u64,
    next: u64,
    /// Number, bytes and orders of each segment, newest first.
    segments: Vec<(u64, u64, u64)>,
}

impl Manifest {
    fn to_bytes(&self, directory: u128) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&directory.to_le_bytes());
        bytes.extend_from_slice(&self.covered.to_le_bytes());
        bytes.extend_from_slice(&self.next.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(self.segments.len()).expect("there are few segments").to_le_bytes());
        for (number, size, orders) in &self.segments {
            [number, size, orders].into_iter().for_each(|field| bytes.extend_from_slice(&field.to_le_bytes()));
        }
        let hash = blake3::hash(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        bytes
    }

    fn of(bytes: &[u8], directory: u128) -> Option<Manifest> {
        let (said, hash) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER_BYTES)?)?;
        if blake3::hash(said).as_bytes() != hash || said.len() < HEAD_BYTES || &said[..4] != MAGIC {
            return None;
        }
        let u64_at = |at: usize| u64::from_le_bytes(array(said, at));
        let is_ours = u32::from_le_bytes(array(said, 4)) == VERSION && u128::from_le_bytes(array(said, 8)) == directory;
        let count = u32::from_le_bytes(array(said, 40)) as usize;
        if !is_ours || said.len() != HEAD_BYTES + count * ENTRY_BYTES {
            return None;
        }
        let entry = |n: usize| {
            let at = HEAD_BYTES + n * ENTRY_BYTES;
            (u64_at(at), u64_at(at + 8), u64_at(at + 16))
        };
        Some(Manifest { covered: u64_at(24), next: u64_at(32), segments: (0..count).map(entry).collect() })
    }
}

/// Whether a path is one of the archive's files.
pub(super) fn is_path(path: &str) -> bool {
    let segment = path.strip_prefix("archive/").and_then(segment::number_of);
    path == MANIFEST || segment.is_some_and(|number| segment::path(number) == path)
}

/// Writes the manifest of an archive without orders, where there is none, that covers every snapshot up to `covered`.
pub(super) fn found(disk: &dyn Disk, directory: u128, covered: u64) -> io::Result<()> {
    if store::read_file(disk, MANIFEST)?.is_some() {
        return Ok(());
    }
    let manifest = Manifest { covered, next: 1, segments: Vec::new() };
    store::write_file(disk, MANIFEST, &manifest.to_bytes(directory))
}

/// What of an archive is damaged: the path of a file, and what is wrong with it.
pub(super) type Damage = (String, io::Error);

/// The segments, newest first.
type Segments = Vec<Arc<Segment>>;

/// See the module.
pub struct Archive {
    disk: Arc<dyn Disk>,
    directory: u128,
    segments: RwLock<Arc<Segments>>,
    covered: AtomicU64,
    /// Whether there was a manifest when it was opened.
    is_founded: bool,
    /// Whether there is a segment: all that a capture asks as long as nothing ever left.
    any: AtomicBool,
    /// Number of the next segment. Changed by one thread, that which folds.
    next: AtomicU64,
}

impl fmt::Debug for Archive {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Archive of {} orders", self.count())
    }
}

impl Archive {
    /// Opens the archive of a directory that has one; of an older one, which has none, an empty one.
    pub(super) fn open(disk: Arc<dyn Disk>, directory: u128, must_exist: bool) -> Result<Archive, Damage> {
        let at_manifest = |error| (MANIFEST.to_owned(), error);
        let written = store::read_file(&*disk, MANIFEST).map_err(at_manifest)?;
        let is_founded = written.is_some();
        let manifest = match written {
            None if must_exist => return Err(at_manifest(damaged("it is missing"))),
            None => Manifest { covered: 0, next: 1, segments: Vec::new() },
            Some(bytes) => {
                Manifest::of(&bytes, directory).ok_or_else(|| at_manifest(damaged("it is not what was written")))?
            }
        };
        let mut segments = Vec::new();
        for (number, bytes, orders) in &manifest.segments {
            let at_segment = |error: io::Error| match error.kind() {
                io::ErrorKind::NotFound => (segment::path(*number), damaged("it is missing")),
                _ => (segment::path(*number), error),
            };
            let segment = Segment::open(&*disk, directory, *number).map_err(at_segment)?;
            if (segment.bytes, segment.count) != (*bytes, *orders) {
                return Err(at_segment(damaged("it is not the one the manifest names")));
            }
            segments.push(Arc::new(segment));
        }
        Ok(Archive {
            disk,
            directory,
            is_founded,
            any: (!segments.is_empty()).into(),
            segments: RwLock::new(Arc::new(segments)),
            covered: manifest.covered.into(),
            next: manifest.next.into(),
        })
    }

    /// Refuses an archive that is behind a snapshot: what the snapshot lacks might be missing. Of a directory that has none
    /// yet, nothing has left.
    pub(super) fn check_covers(&self, seq: u64) -> Result<(), Damage> {
        let covered = self.covered.load(Ordering::Relaxed);
        if self.is_founded && covered < seq {
            let what = format!("it covers the log to record {covered} only, a snapshot to record {seq}");
            return Err((MANIFEST.to_owned(), damaged(what)));
        }
        Ok(())
    }

    /// Removes segments that no manifest names: what an interrupted fold or joining left.
    pub(super) fn sweep(&self) -> io::Result<()> {
        let named: HashSet<u64> = self.segments().iter().map(|segment| segment.number).collect();
        for file in self.disk.files("archive")? {
            if segment::number_of(&file).is_some_and(|number| !named.contains(&number)) {
                self.disk.remove_file(&format!("archive/{file}"))?;
            }
        }
        Ok(())
    }

    fn segments(&self) -> Arc<Segments> {
        self.segments.read().clone()
    }

    /// Orders in all segments; one that left twice counts twice until they are joined.
    pub fn count(&self) -> u64 {
        self.segments().iter().map(|segment| segment.count).sum()
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments().iter().map(|segment| segment.bytes).sum()
    }

    /// Paths of the files a copy of the archive needs, the manifest last.
    pub(super) fn paths(&self) -> Vec<String> {
        let segments = self.segments();
        segments.iter().map(|segment| segment::path(segment.number)).chain([MANIFEST.to_owned()]).collect()
    }

    /// Reads all of it to the last byte.
    pub(super) fn verify(&self) -> Vec<Damage> {
        let verified = |segment: &Arc<Segment>| {
            let wrong = segment.verify(&*self.disk).err()?;
            Some((segment::path(segment.number), wrong))
        };
        self.segments().iter().filter_map(verified).collect()
    }

    /// Begins to take in what left.
    pub(super) fn arriving(&self) -> Arriving<'_> {
        Arriving { archive: self, output: None }
    }

    /// Makes the manifest say this, then shows it to readers.
    fn become_durable(&self, segments: Segments, covered: u64, next: u64) -> io::Result<()> {
        let named = segments.iter().map(|segment| (segment.number, segment.bytes, segment.count)).collect();
        let manifest = Manifest { covered, next, segments: named };
        store::write_file(&*self.disk, MANIFEST, &manifest.to_bytes(self.directory))?;
        self.next.store(next, Ordering::Relaxed);
        self.any.store(!segments.is_empty(), Ordering::Release);
        *self.segments.write() = Arc::new(segments);
        self.covered.store(covered, Ordering::Release);
        Ok(())
    }

    /// Joins neighbours while there are too many segments. What is left of an attempt that failed is rubbish.
    pub(super) fn join_many(&self, go_on: impl Fn() -> bool) -> io::Result<()> {
        loop {
            let segments = self.segments();
            if segments.len() <= SEGMENTS_MAX || !go_on() {
                return Ok(());
            }
            let together = |at: &usize| segments[*at].bytes + segments[at + 1].bytes;
            let at = (0..segments.len() - 1).min_by_key(together).expect("there are several");
            let (newer, older) = (&segments[at], &segments[at + 1]);
            let number = self.next.load(Ordering::Relaxed);
            self.join(number, newer, older)?;
            let joined = self.opened(number)?;
            let mut left = (*segments).clone();
            left.splice(at..=at + 1, [joined]);
            self.become_durable(left, self.covered.load(Ordering::Relaxed), number + 1)?;
            for gone in [newer, older] {
                self.disk.remove_file(&segment::path(gone.number))?;
            }
        }
    }

    /// Writes a segment of what two hold; of an order that is in both, what the newer has.
    fn join(&self, number: u64, newer: &Segment, older: &Segment) -> io::Result<()> {
        let mut output = Output::new(&*self.disk, self.directory, number)?;
        let mut older = older.orders(&*self.disk).peekable();
        let lower = |found: &io::Result<(Order, Vec<u8>)>, key: OrderKey| match found {
            Ok((order, _)) => order.key <= key,
            Err(_) => true,
        };
        for order in newer.orders(&*self.disk) {
            let (order, entry) = order?;
            while let Some(found) = older.next_if(|found| lower(found, order.key)) {
                let (found, entry) = found?;
                if found.key < order.key {
                    output.push_entry(&found, &entry)?;
                }
            }
            output.push_entry(&order, &entry)?;
        }
        for found in older {
            let (found, entry) = found?;
            output.push_entry(&found, &entry)?;
        }
        output.finish()
    }

    /// A segment just written, read back.
    fn opened(&self, number: u64) -> io::Result<Arc<Segment>> {
        let segment = Segment::open(&*self.disk, self.directory, number)?;
        segment.verify(&*self.disk)?;
        Ok(Arc::new(segment))
    }

    /// Reads segments, newest first, until one answers. Joining may take a file away under a reader: he looks again.
    fn ask<T>(&self, ask: impl Fn(&Segment) -> io::Result<Option<T>>) -> Result<Option<T>, Unreadable> {
        'again: loop {
            let segments = self.segments();
            for segment in segments.iter() {
                match ask(segment) {
                    Ok(Some(answer)) => return Ok(Some(answer)),
                    Ok(None) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_still(&segments) => {
                        continue 'again;
                    }
                    Err(error) => return Err(Unreadable(format!("{}: {error}", segment::path(segment.number)))),
                }
            }
            return Ok(None);
        }
    }

    fn is_still(&self, segments: &Arc<Segments>) -> bool {
        Arc::ptr_eq(&*self.segments.read(), segments)
    }

    /// Rows that may match, newest order first, of each order that which is right; those older than `below`. Ends early
    /// when `take` answers `false`.
    pub fn search(
        &self,
        asked: &Asked<'_>,
        below: OrderKey,
        mut take: impl FnMut(OrderRow) -> bool,
    ) -> Result<(), Unreadable> {
        let (wanted, mut below) = (asked.wanted(), below);
        'again: loop {
            let segments = self.segments();
            let mut walks: Vec<Walk<'_>> = segments.iter().map(|segment| Walk::of(segment, below)).collect();
            loop {
                for walk in &mut walks {
                    match walk.fill(&*self.disk, &wanted) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_still(&segments) => {
                            continue 'again;
                        }
                        Err(error) => {
                            return Err(Unreadable(format!("{}: {error}", segment::path(walk.segment.number))));
                        }
                    }
                }
                let Some(key) = walks.iter().filter_map(Walk::key).max() else { return Ok(()) };
                // The newest that has it comes first; the others' are of the past.
                let mut rows = walks.iter_mut().filter_map(|walk| walk.take(key));
                let row = rows.next().expect("one of them has it");
                rows.for_each(drop);
                below = key;
                if !take(row) {
                    return Ok(());
                }
            }
        }
    }
}

/// What a search of the archive asks; blocks that cannot hold it are passed over.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// A channel.
    pub channel: Option<&'a str>,
    /// A customer.
    pub customer: Option<&'a str>,
    /// A sku.
    pub sku: Option<SkuIndex>,
    /// Placed at this time or later.
    pub since: Option<WallTime>,
    /// Placed before this time.
    pub until: Option<WallTime>,
}

impl Asked<'_> {
    fn wanted(&self) -> Wanted {
        let marks = [self.channel.map(mark_of_channel), self.customer.map(mark_of_customer), self.sku.map(mark_of_sku)];
        Wanted { marks: marks.into_iter().flatten().collect(), since: self.since, until: self.until }
    }
}

/// A way through the rows of a segment, from the highest number down.
struct Walk<'a> {
    segment: &'a Segment,
    below: OrderKey,
    /// Blocks not yet read.
    places: &'a [RowsPlace],
    /// Rows of the block that is open, ascending.
    rows: Vec<OrderRow>,
}

impl<'a> Walk<'a> {
    fn of(segment: &'a Segment, below: OrderKey) -> Self {
        let places = segment.rows_places();
        let upto = places.partition_point(|place| place.first() < below);
        Self { segment, below, places: &places[..upto], rows: Vec::new() }
    }

    /// Reads on until a row stands ready, or none is left.
    fn fill(&mut self, disk: &dyn Disk, wanted: &Wanted) -> io::Result<()> {
        while self.rows.is_empty()
            && let Some((place, before)) = self.places.split_last()
        {
            if place.may_hold(wanted) {
                self.rows = self.segment.rows(disk, place)?;
                let below = self.below;
                self.rows.retain(|row| row.key < below);
            }
            self.places = before;
        }
        Ok(())
    }

    fn key(&self) -> Option<OrderKey> {
        self.rows.last().map(|row| row.key)
    }

    fn take(&mut self, key: OrderKey) -> Option<OrderRow> {
        self.rows.pop_if(|row| row.key == key)
    }
}

impl archive::Archive for Archive {
    fn covered(&self) -> u64 {
        self.covered.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    fn highest_key(&self) -> u64 {
        self.segments().iter().map(|segment| segment.highest).max().unwrap_or(0)
    }

    fn may_hold(&self, key: OrderKey) -> bool {
        self.segments.read().iter().any(|segment| segment.may_hold(key))
    }

    fn may_know(&self, name: OrderName<'_>) -> bool {
        if archive::Archive::is_empty(self) {
            return false;
        }
        let hash = name.hash();
        self.segments.read().iter().any(|segment| segment.may_know(hash))
    }

    fn order(&self, key: OrderKey) -> Result<Option<Order>, Unreadable> {
        let covered = self.covered();
        let found =
            self.ask(|segment| if segment.may_hold(key) { segment.order(&*self.disk, key) } else { Ok(None) })?;
        // Where it lies says that it left.
        Ok(found.map(|order| Order { left_at: covered.max(1), ..order }))
    }

    fn named(&self, name: OrderName<'_>) -> Result<Option<Order>, Unreadable> {
        let hash = name.hash();
        let keys = RefCell::new(BTreeSet::new());
        // Two names may share a hash, so every segment that knows it is asked.
        self.ask(|segment| {
            if segment.may_know(hash) {
                keys.borrow_mut().extend(segment.named(&*self.disk, hash)?);
            }
            Ok(None::<()>)
        })?;
        for key in keys.into_inner() {
            if let Some(order) = archive::Archive::order(self, key)?.filter(|order| name.names(order)) {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }
}

/// What leaves with one snapshot: a segment under construction as soon as there is an order.
pub(super) struct Arriving<'a> {
    archive: &'a Archive,
    output: Option<(u64, Output)>,
}

impl Arriving<'_> {
    /// Takes an order in; they come ascending.
    pub(super) fn push(&mut self, order: &Order) -> io::Result<()> {
        let archive = self.archive;
        let output = match &mut self.output {
            Some((_, output)) => output,
            none => {
                let number = archive.next.load(Ordering::Relaxed);
                let output = Output::new(&*archive.disk, archive.directory, number)?;
                &mut none.insert((number, output)).1
            }
        };
        output.push(order)
    }

    /// All orders that left by the record `cut` were pushed: makes that durable, and says so.
    pub(super) fn finish(self, cut: u64) -> io::Result<()> {
        let archive = self.archive;
        let covered = archive.covered.load(Ordering::Relaxed).max(cut);
        let mut segments = (*archive.segments()).clone();
        let mut next = archive.next.load(Ordering::Relaxed);
        if let Some((number, output)) = self.output {
            output.finish()?;
            segments.insert(0, archive.opened(number)?);
            next = number + 1;
        }
        archive.become_durable(segments, covered, next)
    }
}
