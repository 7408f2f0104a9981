//! A disk in memory that forgets, tears, lies and stops, by seed.
//!
//! - **Stops**: after a number of steps every call fails; the step at which it stops is half done.
//! - **Forgets and tears**: at a crash each unsynced frame is kept, lost or cut by the toss of a
//!   coin, so that holes and torn tails both occur.
//! - **Lies**: from some sync on, `Ok` is returned and nothing made durable.
//! - **Fails**: the n-th sync returns an error, and whatever was dirty is forgotten, as Linux does.
//!
//! Not here: a model of sled's own files. Those are tested with the real store.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, NewFile, OpenFile, SLOT_BYTES, Scan, Store};
use crate::journal::frame::Frame;
use crate::journal::room::DiskRoom;
use crate::journal::verdict::{self, Verdict};

/// Handle of a simulated disk; clones are the same disk.
#[derive(Clone)]
pub(crate) struct Simulated {
    platter: Arc<Mutex<Platter>>,
}

struct Platter {
    generations: BTreeMap<u64, Generation>,
    files: BTreeMap<String, Vec<u8>>,
    slots: Option<[Vec<u8>; 2]>,
    steps: u64,
    stop_at: Option<u64>,
    syncs: u64,
    fail_sync_at: Option<u64>,
    lie_from_sync: Option<u64>,
    free_bytes: u64,
    random: u64,
}

#[derive(Default)]
struct Generation {
    durable: BTreeMap<u64, Vec<u8>>,
    dirty: BTreeMap<u64, Vec<u8>>,
}

impl Simulated {
    pub(crate) fn new(seed: u64) -> Simulated {
        let platter = Platter {
            generations: BTreeMap::new(),
            files: BTreeMap::new(),
            slots: None,
            steps: 0,
            stop_at: None,
            syncs: 0,
            fail_sync_at: None,
            lie_from_sync: None,
            free_bytes: u64::MAX,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        Simulated { platter: Arc::new(Mutex::new(platter)) }
    }

    /// Stops for good at the n-th step from now.
    pub(crate) fn stop_after(&self, steps: u64) {
        let mut platter = self.platter.lock();
        platter.stop_at = Some(platter.steps + steps);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        let platter = self.platter.lock();
        platter.stop_at.is_some_and(|at| platter.steps >= at)
    }

    /// Fails the n-th frame sync from now.
    pub(crate) fn fail_sync_after(&self, syncs: u64) {
        let mut platter = self.platter.lock();
        platter.fail_sync_at = Some(platter.syncs + syncs);
    }

    /// Whether the sync that was to fail has failed.
    pub(crate) fn has_failed(&self) -> bool {
        let platter = self.platter.lock();
        platter.fail_sync_at.is_some_and(|at| platter.syncs >= at)
    }

    /// From now on a sync says yes and does nothing.
    pub(crate) fn lie(&self) {
        let mut platter = self.platter.lock();
        platter.lie_from_sync = Some(platter.syncs);
    }

    pub(crate) fn set_free_bytes(&self, bytes: u64) {
        self.platter.lock().free_bytes = bytes;
    }

    /// Whether the record is in a frame that a loss of power would leave.
    pub(crate) fn durable_frames_reach(&self, seq: u64) -> bool {
        let platter = self.platter.lock();
        let mut durable = platter.generations.values().filter_map(|generation| generation.durable.last_key_value());
        seq == 0 || durable.any(|(_, frame)| Frame::read(frame).is_ok_and(|frame| frame.head().last_seq >= seq))
    }

    /// Runs `work` while every call to the disk waits.
    pub(crate) fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        let _held = self.platter.lock();
        work()
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.platter.lock().syncs
    }

    /// Loses power: unsynced frames are kept, lost or torn; then the disk works again.
    pub(crate) fn crash(&self) {
        let mut platter = self.platter.lock();
        let mut generations = std::mem::take(&mut platter.generations);
        for generation in generations.values_mut() {
            for (key, mut frame) in std::mem::take(&mut generation.dirty) {
                match platter.toss(4) {
                    0 | 1 => {}
                    2 => {
                        let kept = platter.toss(frame.len() as u64) as usize;
                        frame.truncate(kept);
                        generation.durable.insert(key, frame);
                    }
                    _ => {
                        generation.durable.insert(key, frame);
                    }
                }
            }
        }
        platter.generations = generations;
        platter.stop_at = None;
        platter.fail_sync_at = None;
        platter.lie_from_sync = None;
    }

    /// Changes the stored bytes of one generation's frames.
    pub(crate) fn corrupt(&self, generation: u64, change: impl FnOnce(&mut BTreeMap<u64, Vec<u8>>)) {
        change(&mut self.platter.lock().generations.get_mut(&generation).unwrap().durable);
    }

    /// Changes the bytes of a file.
    pub(crate) fn corrupt_file(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.platter.lock().files.get_mut(path).unwrap());
    }

    pub(crate) fn tear_slot(&self, slot: usize) {
        let mut platter = self.platter.lock();
        platter.slots.as_mut().unwrap()[slot][20..].fill(0xff);
    }

    pub(crate) fn file_names(&self) -> Vec<String> {
        self.platter.lock().files.keys().cloned().collect()
    }
}

impl Platter {
    /// Counts a step. `Some(true)`: this one is done half and reported as failed.
    fn step(&mut self) -> io::Result<bool> {
        if let Some(at) = self.stop_at {
            if self.steps >= at {
                return Err(stopped());
            }
            self.steps += 1;
            return Ok(self.steps == at);
        }
        self.steps += 1;
        Ok(false)
    }

    fn toss(&mut self, sides: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % sides.max(1)
    }

    /// Runs a step that happens wholly or not at all, even when the disk stops in it.
    fn whole(&mut self, run: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let stops = self.step()?;
        if !stops || self.toss(2) == 0 {
            run(self);
        }
        if stops { Err(stopped()) } else { Ok(()) }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the simulated disk has stopped")
}

struct SimulatedStore {
    platter: Arc<Mutex<Platter>>,
    number: u64,
}

impl SimulatedStore {
    fn frames(&self) -> io::Result<BTreeMap<u64, Vec<u8>>> {
        let platter = self.platter.lock();
        let generation = platter.generations.get(&self.number).ok_or(io::ErrorKind::NotFound)?;
        let mut frames = generation.durable.clone();
        frames.extend(generation.dirty.clone());
        Ok(frames)
    }
}

impl Store for SimulatedStore {
    fn append(&self, first_seq: u64, frame: &[u8]) -> io::Result<()> {
        let mut platter = self.platter.lock();
        platter.whole(|platter| {
            let generation = platter.generations.get_mut(&self.number).unwrap();
            generation.dirty.insert(first_seq, frame.to_vec());
        })
    }

    fn sync(&self) -> io::Result<()> {
        let mut platter = self.platter.lock();
        platter.syncs += 1;
        if platter.fail_sync_at == Some(platter.syncs) {
            // The kernel marks dirty pages clean after a failed write-back: they are gone.
            platter.generations.get_mut(&self.number).unwrap().dirty.clear();
            return Err(io::Error::other("the simulated disk failed a sync"));
        }
        if platter.lie_from_sync.is_some_and(|from| platter.syncs > from) {
            return platter.whole(|_| {});
        }
        platter.whole(|platter| {
            let generation = platter.generations.get_mut(&self.number).unwrap();
            let dirty = std::mem::take(&mut generation.dirty);
            generation.durable.extend(dirty);
        })
    }

    fn at_or_before(&self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.frames()?.range(..=seq).next_back().map(|(_, frame)| frame.clone()))
    }

    fn scan(&self, first_seq: u64) -> Scan {
        match self.frames() {
            Ok(mut frames) => Box::new(frames.split_off(&first_seq).into_values().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

impl Disk for Simulated {
    fn generations(&self) -> io::Result<Vec<u64>> {
        Ok(self.platter.lock().generations.keys().copied().collect())
    }

    fn create_generation(&self, number: u64) -> io::Result<Arc<dyn Store>> {
        self.platter.lock().whole(|platter| {
            assert!(platter.generations.insert(number, Generation::default()).is_none(), "generation {number} exists");
        })?;
        Ok(Arc::new(SimulatedStore { platter: self.platter.clone(), number }))
    }

    fn open_generation(&self, number: u64) -> io::Result<Arc<dyn Store>> {
        let store = SimulatedStore { platter: self.platter.clone(), number };
        store.frames()?;
        store.sync()?;
        Ok(Arc::new(store))
    }

    fn inspect_generation(&self, number: u64) -> io::Result<Verdict> {
        verdict::judge(SimulatedStore { platter: self.platter.clone(), number }.scan(0))
    }

    fn remove_generation(&self, number: u64) -> io::Result<()> {
        self.platter.lock().whole(|platter| {
            platter.generations.remove(&number);
            platter.files.retain(|path, _| !path.starts_with(&format!("wal/{number:010}/")));
        })
    }

    fn read_slots(&self) -> io::Result<Option<[Vec<u8>; 2]>> {
        Ok(self.platter.lock().slots.clone())
    }

    fn write_slot(&self, slot: usize, bytes: &[u8]) -> io::Result<()> {
        let mut platter = self.platter.lock();
        let stops = platter.step()?;
        let kept = if stops { platter.toss(bytes.len() as u64 + 1) as usize } else { bytes.len() };
        let slots = platter.slots.get_or_insert_with(|| [vec![0; SLOT_BYTES], vec![0; SLOT_BYTES]]);
        slots[slot][..kept].copy_from_slice(&bytes[..kept]);
        if stops { Err(stopped()) } else { Ok(()) }
    }

    fn files(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{folder}/");
        let platter = self.platter.lock();
        Ok(platter.files.keys().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect())
    }

    fn new_file(&self, path: &str) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Pending { platter: self.platter.clone(), path: path.to_owned(), bytes: Vec::new() }))
    }

    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let platter = self.platter.lock();
        let bytes = platter.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.platter.lock().whole(|platter| {
            platter.files.remove(path);
        })
    }

    fn room(&self) -> io::Result<DiskRoom> {
        Ok(DiskRoom { free: self.platter.lock().free_bytes, total: 0 })
    }

    fn sweep(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Pending {
    platter: Arc<Mutex<Platter>>,
    path: String,
    bytes: Vec<u8>,
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Pending {
    fn commit(self: Box<Self>) -> io::Result<()> {
        let Pending { platter, path, bytes } = *self;
        platter.lock().whole(|platter| {
            platter.files.insert(path, bytes);
        })
    }
}
