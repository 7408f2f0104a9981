//! A data directory on a real file system.
//!
//! ```text
//! LOCK                     held for the life of the process
//! MARK                     two slots of 4 KiB, preallocated
//! wal/0000000001/          one store per generation, plus READY and later SEALED
//! snapshots/  history/     plain files, written beside and renamed
//! archive/                 likewise
//! quarantine/              copies under inspection after an unclean stop, each under a name of its own
//! ```
//! A generation exists once its `READY` file does; a removed one is renamed to `gone-…` first, so
//! that a crash in the middle leaves either a whole generation or rubbish with a telling name.
//!
//! Promises: every method is durable on return (file, directory entry and parent). Inspection works
//! on a copy, in a child process when one is configured, because opening a damaged sled database
//! destroys the evidence and may panic.
//!
//! Not here: what the files contain.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Disk, NewFile, OpenFile, PlainStore, SLOT_BYTES, SledStore, Store, StoreKind, open_store};
use crate::journal::room::{self, DiskRoom};
use crate::journal::verdict::{self, Verdict};

/// A child that has not judged a generation of 256 MiB by then never will.
const INSPECTION_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often the parent looks whether the child is done.
const INSPECTION_LOOK: Duration = Duration::from_millis(5);

/// How long the lock may still be held by nobody who serves: a process that was killed while it started the inspecting one
/// leaves a copy of its descriptors to that one until that one runs its own program.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often the lock is tried meanwhile.
const LOCK_LOOK: Duration = Duration::from_millis(5);

/// An open and locked data directory.
pub struct Directory {
    root: PathBuf,
    mark: File,
    /// What new generations are written to.
    kind: StoreKind,
    /// Program that judges a copy when called as `<program> verify-generation <dir>`.
    verifier: Option<PathBuf>,
    /// The advisory lock lives as long as this descriptor.
    _lock: File,
}

impl Directory {
    /// Creates the folders if needed and takes the lock; fails if another process holds it for [`LOCK_WAIT_MAX`].
    pub fn open(root: &Path, kind: StoreKind, verifier: Option<PathBuf>) -> io::Result<Directory> {
        for folder in ["wal", "snapshots", "history", "archive", "quarantine"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let lock = lock(root)?;
        let mark = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(root.join("MARK"))?;
        if mark.metadata()?.len() < 2 * SLOT_BYTES as u64 {
            // Written, not only extended, so that later overwrites change no metadata.
            mark.write_all_at(&[0; 2 * SLOT_BYTES], 0)?;
            mark.sync_all()?;
        }
        sync_folder(root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(Directory { root: root.to_owned(), mark, kind, verifier, _lock: lock })
    }

    fn generation(&self, number: u64) -> PathBuf {
        self.root.join("wal").join(format!("{number:010}"))
    }

    fn fill_generation(&self, path: &Path) -> io::Result<Arc<dyn Store>> {
        fs::create_dir(path)?;
        let store: Arc<dyn Store> = match self.kind {
            StoreKind::Sled => Arc::new(SledStore::open(path)?),
            StoreKind::Plain => Arc::new(PlainStore::open(path)?),
        };
        replace(&path.join("READY"), b"ordain generation\n")?;
        sync_folder(&self.root.join("wal"))?;
        Ok(store)
    }

    fn judge(&self, copy: &Path) -> io::Result<Verdict> {
        match &self.verifier {
            Some(program) => judge_in_child(program, copy),
            None => verdict::verify_copy(copy),
        }
    }
}

impl Disk for Directory {
    fn generations(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for name in names(&self.root.join("wal"))? {
            if let Ok(number) = name.parse::<u64>()
                && self.generation(number).join("READY").exists()
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn create_generation(&self, number: u64) -> io::Result<Arc<dyn Store>> {
        let path = self.generation(number);
        if path.join("READY").exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("generation {number} exists")));
        }
        if path.exists() {
            // Left by a creation that never finished: nothing was ever written to it.
            fs::remove_dir_all(&path)?;
        }
        let made = self.fill_generation(&path);
        if made.is_err() {
            // So that it is no generation, and can be tried again.
            let _ = fs::remove_file(path.join("READY"));
        }
        made
    }

    fn open_generation(&self, number: u64) -> io::Result<Arc<dyn Store>> {
        open_store(&self.generation(number))
    }

    fn inspect_generation(&self, number: u64) -> io::Result<Verdict> {
        let quarantine = self.root.join("quarantine");
        let prefix = format!("{number:010}-");
        clear(&quarantine, |name| name.starts_with(&prefix))?;
        let copy = quarantine.join(prefix + &unheard_of());
        copy_folder(&self.generation(number), &copy)?;
        let verdict = self.judge(&copy)?;
        // Only a good verdict throws the copy away: a bad one leaves it as evidence.
        if verdict.broken.is_none() {
            fs::remove_dir_all(&copy)?;
        }
        Ok(verdict)
    }

    fn remove_generation(&self, number: u64) -> io::Result<()> {
        let gone = self.root.join("wal").join(format!("gone-{number:010}"));
        match fs::rename(self.generation(number), &gone) {
            // Renamed by an earlier try that failed after that.
            Err(error) if error.kind() == io::ErrorKind::NotFound && gone.exists() => {}
            other => other?,
        }
        sync_folder(&self.root.join("wal"))?;
        fs::remove_dir_all(gone)
    }

    fn read_slots(&self) -> io::Result<Option<[Vec<u8>; 2]>> {
        let mut slots = [vec![0; SLOT_BYTES], vec![0; SLOT_BYTES]];
        for (index, slot) in slots.iter_mut().enumerate() {
            self.mark.read_exact_at(slot, (index * SLOT_BYTES) as u64)?;
        }
        let blank = slots.iter().all(|slot| slot.iter().all(|byte| *byte == 0));
        Ok((!blank).then_some(slots))
    }

    fn write_slot(&self, slot: usize, bytes: &[u8]) -> io::Result<()> {
        assert!(slot < 2 && bytes.len() <= SLOT_BYTES, "the mark has two slots of {SLOT_BYTES} bytes");
        self.mark.write_all_at(bytes, (slot * SLOT_BYTES) as u64)?;
        self.mark.sync_data()
    }

    fn files(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut found = names(&self.root.join(folder))?;
        found.retain(|name| !name.ends_with(".tmp"));
        found.sort_unstable();
        Ok(found)
    }

    fn new_file(&self, path: &str) -> io::Result<Box<dyn NewFile>> {
        let target = self.root.join(path);
        let beside = beside(&target);
        let file = BufWriter::with_capacity(256 * 1024, File::create(&beside)?);
        Ok(Box::new(Pending { file, beside, target, unsynced: 0 }))
    }

    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(File::open(self.root.join(path))?))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        let target = self.root.join(path);
        match fs::remove_file(&target) {
            Ok(()) => sync_folder(parent(&target)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn room(&self) -> io::Result<DiskRoom> {
        room::of_file_system(&self.root)
    }

    fn sweep(&self) -> io::Result<()> {
        let wal = self.root.join("wal");
        for name in names(&wal)? {
            let path = wal.join(&name);
            if name.starts_with("gone-") || !path.join("READY").exists() {
                fs::remove_dir_all(path)?;
            }
        }
        clear(&self.root.join("quarantine"), |_| true)?;
        for folder in ["snapshots", "history", "archive", "."] {
            for name in names(&self.root.join(folder))? {
                if name.ends_with(".tmp") {
                    fs::remove_file(self.root.join(folder).join(name))?;
                }
            }
        }
        Ok(())
    }
}

/// A file that takes its name when it is whole. It is synced while it grows: one sync of it all would keep the disk from
/// the groups of the log for as long as it takes.
struct Pending {
    file: BufWriter<File>,
    beside: PathBuf,
    target: PathBuf,
    unsynced: usize,
}

/// Bytes of a growing file that may wait for the disk.
const UNSYNCED_BYTES: usize = 1 << 20;

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written;
        if self.unsynced >= UNSYNCED_BYTES {
            self.unsynced = 0;
            self.file.flush()?;
            self.file.get_ref().sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl NewFile for Pending {
    fn commit(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.beside, &self.target)?;
        sync_folder(parent(&self.target))
    }
}

fn lock(root: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(root.join("LOCK"))?;
    match take_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, format!("{} is in use by another process", root.display())))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock of a directory, if need be within [`LOCK_WAIT_MAX`].
pub(crate) fn take_lock(file: &File) -> Result<(), TryLockError> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT_MAX => std::thread::sleep(LOCK_LOOK),
            ended => return ended,
        }
    }
}

fn judge_in_child(program: &Path, copy: &Path) -> io::Result<Verdict> {
    let mut child = Command::new(program)
        .arg("verify-generation")
        .arg(copy)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > INSPECTION_WAIT_MAX {
            child.kill()?;
            child.wait()?;
            return Ok(Verdict::broken(format!("no verdict after {} s", INSPECTION_WAIT_MAX.as_secs())));
        }
        std::thread::sleep(INSPECTION_LOOK);
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().last().and_then(Verdict::parse) {
        Some(verdict) if output.status.success() => Ok(verdict),
        _ => Ok(Verdict::broken(format!("the inspecting process ended without a verdict ({})", output.status))),
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// A name that no process used before. One that inspects a copy outlives a killed parent for a moment and goes on making
/// and removing files by their paths; in a copy of the same name these would be those of the next start.
fn unheard_of() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), since.as_nanos())
}

/// Removes folders as far as that goes: who still writes to one of them is no reason not to start, and the next start
/// comes here again.
fn clear(folder: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    for name in names(folder)?.into_iter().filter(|name| which(name)) {
        if let Err(error) = fs::remove_dir_all(folder.join(&name)) {
            tracing::warn!(%error, name, "a copy under inspection could not be removed");
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(target);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, target)?;
    sync_folder(parent(target))
}

pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
