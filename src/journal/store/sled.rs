//! The default store: one sled database per generation. The only file that names sled.
//!
//! sled is used as an ordered map and nothing more: one `insert` per frame, no batches, no
//! transactions, no deletes. Its `flush` on Linux is `sync_file_range`, which is no durability
//! barrier, so every [`sync`](super::Store::sync) adds `fdatasync` on a descriptor of our own. That
//! descriptor was opened before any write, so it also sees the write-back errors sled consumes.
//!
//! sled panics on some damage. Opening and scanning catch that and report it as an error; a panic
//! while writing poisons the journal, which is decided in the writer.
//!
//! Bounds: 8 MiB segments and frames of at most 64 KiB, so that neither a frame nor a consolidated
//! leaf ever goes to one of sled's blob files, which it does not sync.
//!
//! Not here: integrity. A flipped bit can make sled open cleanly with frames missing; frames are
//! numbered, checksummed and chained by us.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Scan, Store};
use crate::sabotage::{Bug, planted};

/// Large segments keep leaves of sixteen frames below the size at which sled writes blob files.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// sled would take a gigabyte; the journal reads a frame at most a few times.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How long a lock that a dropped database still holds is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const LOCK_LOOK: Duration = Duration::from_millis(2);

/// One open sled database.
pub(crate) struct SledStore {
    /// There until the drop.
    tree: Option<::sled::Db>,
    /// Read-only descriptor of sled's data file, kept for life, for `fdatasync`.
    barrier: File,
    /// A write or a sync failed.
    failed: AtomicBool,
}

impl SledStore {
    /// Opens or creates the database in `path` and makes whatever it holds durable.
    pub(crate) fn open(path: &Path) -> io::Result<SledStore> {
        prepare(path)?;
        let config = ::sled::Config::new()
            .path(path)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let tree = open_unlocked(&config)?;
        let barrier = File::open(path.join("db"))?;
        let store = SledStore { tree: Some(tree), barrier, failed: AtomicBool::new(false) };
        store.sync()?;
        store.finally(sync_own_files(path))?;
        Ok(store)
    }

    fn tree(&self) -> &::sled::Db {
        self.tree.as_ref().expect("it is there until the drop")
    }

    /// Remembers a failure, after which nothing is asked of this database again.
    fn finally<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        if outcome.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        outcome
    }

    fn flush_and_sync(&self) -> io::Result<()> {
        self.tree().flush()?;
        if planted(Bug::NoFdatasync) {
            return Ok(());
        }
        self.barrier.sync_data()
    }
}

impl Drop for SledStore {
    /// sled syncs when it is closed. After a failure that would be a second try, so the database is left as it is until
    /// the process ends. In a healthy one everything was synced before, so that a failure here takes nothing away.
    fn drop(&mut self) {
        let Some(tree) = self.tree.take() else { return };
        if self.failed.load(Ordering::Acquire) {
            std::mem::forget(tree);
        } else if let Err(error) = caught("close", || drop(tree)) {
            tracing::warn!(%error, "a generation did not close in order; all it held was durable before");
        }
    }
}

impl Store for SledStore {
    fn append(&self, first_seq: u64, frame: &[u8]) -> io::Result<()> {
        let inserted = self.tree().insert(first_seq.to_be_bytes(), frame);
        self.finally(inserted.map(|_| ()).map_err(io::Error::from))
    }

    fn sync(&self) -> io::Result<()> {
        self.finally(self.flush_and_sync())
    }

    fn at_or_before(&self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        let found = match seq.checked_add(1) {
            Some(above) => self.tree().get_lt(above.to_be_bytes())?,
            None => self.tree().last()?,
        };
        Ok(found.map(|(_, frame)| frame.to_vec()))
    }

    fn scan(&self, first_seq: u64) -> Scan {
        let mut entries = self.tree().range(first_seq.to_be_bytes()..);
        let mut broken = false;
        Box::new(std::iter::from_fn(move || {
            if broken {
                return None;
            }
            let next = match caught("scan", || entries.next()) {
                Ok(None) => return None,
                Ok(Some(Ok((_, frame)))) => Ok(frame.to_vec()),
                Ok(Some(Err(error))) => Err(error.into()),
                Err(error) => Err(error),
            };
            broken = next.is_err();
            Some(next)
        }))
    }
}

/// sled's own threads may hold its lock for a moment after a database was dropped. Nobody else can
/// hold it: the data directory has a lock of its own.
fn open_unlocked(config: &::sled::Config) -> io::Result<::sled::Db> {
    let started = Instant::now();
    loop {
        match caught("open", || config.open())? {
            Err(::sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock") && started.elapsed() < LOCK_WAIT_MAX =>
            {
                std::thread::sleep(LOCK_LOOK);
            }
            other => return Ok(other?),
        }
    }
}

/// Runs a step of sled and turns a panic into an error.
fn caught<T>(step: &str, run: impl FnOnce() -> T) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        io::Error::other(format!("the store panicked at {step}: {text}"))
    })
}

/// What must be done before sled may open a database that is there.
///
/// It takes a snapshot it was still writing when power went for a finished one, and refuses to open. What such a file was
/// made from is still there: it is renamed before anything older goes. And it takes a read that fails for the end of the
/// log and overwrites what follows, so a disk that does not give everything back is found out first.
fn prepare(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            std::fs::remove_file(entry.path())?;
        } else if entry.file_type()?.is_file() {
            io::copy(&mut File::open(entry.path())?, &mut io::sink())?;
        }
    }
    Ok(())
}

/// sled syncs neither its configuration nor the directory; both are needed to open it again.
fn sync_own_files(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == "conf" || name == "db" || name.starts_with("snap.") || name == "blobs" {
            let file: PathBuf = entry.path();
            File::open(file)?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}
