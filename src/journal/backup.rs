//! Backups: one file that holds a data directory as it was durable at one position.
//!
//! ```text
//! head      magic "ORDB" · version u32, 1 · directory id u128
//! parts     kind u8 · length u32 · bytes, one after another:
//!             1  a snapshot begins: its name
//!             2  bytes of that snapshot
//!             3  one frame of the log, in order, without gaps
//!             4  the end: note of the last position (76 bytes)
//!             5  a file of the archive begins: its path
//!             6  bytes of that file
//! trailer   BLAKE3 of everything before
//! ```
//! Taken while serving: a snapshot is folded to what is durable now, then snapshots and frames are
//! read as every reader reads them. The hot path is not paused and the cut is exact: the last frame
//! that was durable when the backup began.
//!
//! Restored beside its place, proven, then renamed into it: checksums, chain, every law, and the
//! newest snapshot against the state folded from the frames. A backup that does not prove itself
//! leaves nothing behind.
//!
//! Bounds: a part is at most [`PART_BYTES_MAX`]. What is *not* here: encryption and transport, and
//! the merging of two lives: a restored directory and its origin, both served, part for good.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive;
use super::check::{Look, Report, check};
use super::frame::{Frame, Link, array};
use super::generation::sealed_path;
use super::recovery::{self, Failure, disk};
use super::shelf::ReadError;
use super::snapshot::{self, SnapshotError};
use super::store::{self, Directory, Disk, Store, StoreKind};
use super::{Core, Journal, Options};

const MAGIC: &[u8; 4] = b"ORDB";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 24;
const TRAILER_BYTES: usize = 32;
const PART_BYTES_MAX: usize = 1 << 20;
/// Bytes of frames between two syncs of a restore.
const SYNC_BYTES: u64 = 16 << 20;
/// Snapshots in a backup: the newest, and one before to compare it with.
const SNAPSHOTS: usize = 2;

const SNAPSHOT: u8 = 1;
const SNAPSHOT_BYTES: u8 = 2;
const FRAME: u8 = 3;
const END: u8 = 4;
const ARCHIVE: u8 = 5;
const ARCHIVE_BYTES: u8 = 6;

/// Where a backup ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupEnd {
    /// The last position inside.
    pub link: Link,
    /// Size of the file.
    pub bytes: u64,
}

/// Why a backup was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The snapshot it begins with could not be made or read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Whoever takes it in went away, or has no room.
    #[error("the backup could not be written: {0}")]
    Output(#[from] io::Error),
}

impl Journal {
    /// Writes a backup of what is durable now; with all records that are kept, or only those that the
    /// state needs.
    pub fn backup(&self, with_history: bool, output: &mut dyn Write) -> Result<BackupEnd, BackupError> {
        let core = &*self.core;
        self.snapshot_now()?;
        let cut = *core.durable_link.lock();
        let mut output = Output { output, hasher: blake3::Hasher::new(), bytes: 0 };
        output.write(MAGIC)?;
        output.write(&VERSION.to_le_bytes())?;
        output.write(&core.origin.directory.to_le_bytes())?;
        let covered = put_files(core, &mut output)?;
        let mut next = if with_history { core.shelf.oldest() } else { covered + 1 };
        while next <= cut.seq {
            for frame in core.shelf.frames(next, cut.seq)? {
                output.part(FRAME, frame.bytes())?;
                next = frame.head().last_seq + 1;
            }
        }
        output.part(END, &cut.to_note())?;
        let trailer = *output.hasher.finalize().as_bytes();
        output.write(&trailer)?;
        output.output.flush()?;
        Ok(BackupEnd { link: cut, bytes: output.bytes })
    }
}

/// Writes the archive and the newest snapshots; answers the last record that the older of them covers.
fn put_files(core: &Core, output: &mut Output<'_>) -> Result<u64, BackupError> {
    // None is removed while they are read.
    let _no_upkeep = core.folding.lock();
    for path in core.archive.paths() {
        output.part(ARCHIVE, path.as_bytes())?;
        put_file(core, &path, ARCHIVE_BYTES, output)?;
    }
    let known: Vec<_> = core.snapshots.lock().iter().take(SNAPSHOTS).copied().collect();
    for end in &known {
        let name = snapshot::name(end.link.frame_no);
        output.part(SNAPSHOT, name.as_bytes())?;
        put_file(core, &snapshot::path(&name), SNAPSHOT_BYTES, output)?;
    }
    // One snapshot alone covers nothing: the log from the start is what proves it.
    Ok(if known.len() < SNAPSHOTS { 0 } else { known[SNAPSHOTS - 1].link.seq })
}

fn put_file(core: &Core, path: &str, part: u8, output: &mut Output<'_>) -> Result<(), BackupError> {
    let mut file = core.disk.open_file(path).map_err(SnapshotError::Disk)?;
    let mut chunk = vec![0; PART_BYTES_MAX];
    loop {
        let read = file.read(&mut chunk).map_err(SnapshotError::Disk)?;
        if read == 0 {
            return Ok(());
        }
        output.part(part, &chunk[..read])?;
    }
}

struct Output<'a> {
    output: &'a mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Output<'_> {
    fn part(&mut self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.write(&[kind])?;
        self.write(&length.to_le_bytes())?;
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.output.write_all(bytes)
    }
}

/// A backup on its way into a file: tells at the end whether all of it came.
#[derive(Debug, Default)]
pub struct Arriving {
    hasher: blake3::Hasher,
    /// The last bytes so far, which may be the trailer.
    held: Vec<u8>,
}

impl Arriving {
    /// The next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let covered = self.held.len().saturating_sub(TRAILER_BYTES);
        self.hasher.update(&self.held[..covered]);
        self.held.drain(..covered);
    }

    /// Whether what came is a whole backup.
    pub fn is_whole(&self) -> bool {
        self.held == self.hasher.finalize().as_bytes()
    }
}

/// Builds a data directory at `root`, which must not exist or be empty, from a backup, and proves it
/// before it is there. New generations are of `kind`.
pub fn restore(
    backup: &mut dyn Read,
    root: &Path,
    kind: StoreKind,
    verifier: Option<PathBuf>,
) -> Result<Report, Failure> {
    let occupied = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Failure::InUse(format!("{} is not empty: a backup is restored to a new place", root.display())));
    }
    let (building, scratch) = (beside(root, "restoring"), beside(root, "proving"));
    remove(&building)?;
    remove(&scratch)?;
    let proven = build(backup, &building, kind).and_then(|end| {
        let report = check(&Look { root: &building, scratch: &scratch, verifier })?;
        match report.findings.first() {
            Some(finding) => Err(Failure::damaged("the restored directory", finding)),
            None if report.end.unwrap_or(Link::START) != end => {
                Err(Failure::damaged("the restored directory", "it ends elsewhere than the backup says"))
            }
            None => Ok(report),
        }
    });
    if proven.is_err() {
        remove(&building)?;
        return proven;
    }
    let settle = || -> io::Result<()> {
        fs::rename(&building, root)?;
        store::sync_folder(root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    };
    settle().map_err(disk("moved into its place"))?;
    proven
}

fn beside(root: &Path, what: &str) -> PathBuf {
    let mut name = root.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk("cleared")(error)),
        _ => Ok(()),
    }
}

/// Writes the directory; answers where the backup says it ends.
fn build(backup: &mut dyn Read, root: &Path, kind: StoreKind) -> Result<Link, Failure> {
    let mut input = Input { input: backup, hasher: blake3::Hasher::new() };
    let head = input.read(HEAD_BYTES)?;
    if &head[..4] != MAGIC || u32::from_le_bytes(array(&head, 4)) != VERSION {
        return Err(damaged("it does not start like a backup of this version"));
    }
    let directory = u128::from_le_bytes(array(&head, 8));
    let device = Directory::open(root, kind, None).map_err(disk("created"))?;
    let mut builder = Builder::new(&device)?;
    let end = loop {
        let (part, bytes) = input.part()?;
        match part {
            ARCHIVE => builder.begin_archive(&bytes)?,
            SNAPSHOT => builder.begin_snapshot(&bytes)?,
            ARCHIVE_BYTES | SNAPSHOT_BYTES => builder.file_bytes(&bytes)?,
            FRAME => builder.frame(&bytes, directory)?,
            END => break Link::from_note(&bytes).ok_or_else(|| damaged("its last position is unreadable"))?,
            _ => return Err(damaged("it holds a part of unknown kind")),
        }
    };
    let expected = *input.hasher.finalize().as_bytes();
    if input.read(TRAILER_BYTES)? != expected {
        return Err(damaged("its checksum does not match"));
    }
    builder.finish(directory, end)?;
    Ok(end)
}

struct Builder<'a> {
    device: &'a Directory,
    file: Option<Box<dyn store::NewFile>>,
    store: Arc<dyn Store>,
    number: u64,
    link: Option<Link>,
    generation_bytes: u64,
    unsynced_bytes: u64,
}

impl<'a> Builder<'a> {
    fn new(device: &'a Directory) -> Result<Builder<'a>, Failure> {
        let store = device.create_generation(1).map_err(disk("created"))?;
        Ok(Builder { device, file: None, store, number: 1, link: None, generation_bytes: 0, unsynced_bytes: 0 })
    }

    fn begin_archive(&mut self, path: &[u8]) -> Result<(), Failure> {
        self.end_file()?;
        let path = std::str::from_utf8(path).ok().filter(|path| archive::is_path(path));
        let path = path.ok_or_else(|| damaged("a file of the archive in it has no name"))?;
        self.file = Some(self.device.new_file(path).map_err(disk("written"))?);
        Ok(())
    }

    fn begin_snapshot(&mut self, name: &[u8]) -> Result<(), Failure> {
        self.end_file()?;
        let name = std::str::from_utf8(name).ok();
        let frame_no = name.and_then(|name| name.strip_suffix(".snapshot")?.parse::<u64>().ok());
        let frame_no = frame_no.ok_or_else(|| damaged("a snapshot in it has no name"))?;
        let file = self.device.new_file(&snapshot::path(&snapshot::name(frame_no)));
        self.file = Some(file.map_err(disk("written"))?);
        Ok(())
    }

    fn file_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let file = self.file.as_mut().ok_or_else(|| damaged("bytes of a file stand outside of one"))?;
        file.write_all(bytes).map_err(disk("written"))
    }

    fn end_file(&mut self) -> Result<(), Failure> {
        self.file.take().map_or(Ok(()), |file| file.commit().map_err(disk("written")))
    }

    fn frame(&mut self, bytes: &[u8], directory: u128) -> Result<(), Failure> {
        self.end_file()?;
        let frame = Frame::read(bytes).map_err(damaged)?;
        if frame.head().origin.directory != directory {
            return Err(damaged("a frame in it belongs to another data directory"));
        }
        let link = match self.link {
            None => frame.link(),
            Some(link) => link.follow(&frame).map_err(damaged)?,
        };
        if self.generation_bytes >= Options::default().generation_bytes {
            self.next_generation()?;
        }
        self.store.append(frame.head().first_seq, bytes).map_err(disk("written"))?;
        self.link = Some(link);
        self.generation_bytes += bytes.len() as u64;
        self.unsynced_bytes += bytes.len() as u64;
        if self.unsynced_bytes >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.unsynced_bytes = 0;
        self.store.sync().map_err(disk("written"))
    }

    fn next_generation(&mut self) -> Result<(), Failure> {
        self.sync()?;
        if let Some(end) = self.link {
            store::write_file(self.device, &sealed_path(self.number), &end.to_note()).map_err(disk("written"))?;
        }
        self.number += 1;
        self.generation_bytes = 0;
        self.store = self.device.create_generation(self.number).map_err(disk("written"))?;
        Ok(())
    }

    fn finish(mut self, directory: u128, end: Link) -> Result<(), Failure> {
        self.end_file()?;
        self.sync()?;
        if self.link.is_some_and(|link| link != end) {
            return Err(damaged("its frames do not reach the end it states"));
        }
        recovery::found(self.device, directory, &end).map_err(disk("written"))
    }
}

struct Input<'a> {
    input: &'a mut dyn Read,
    hasher: blake3::Hasher,
}

impl Input<'_> {
    fn part(&mut self) -> Result<(u8, Vec<u8>), Failure> {
        let head = self.read(5)?;
        let length = u32::from_le_bytes(array(&head, 1)) as usize;
        if length > PART_BYTES_MAX {
            return Err(damaged("a part is longer than any that is written"));
        }
        Ok((head[0], self.read(length)?))
    }

    fn read(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
            _ => disk("read")(error),
        })?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }
}

fn damaged(what: impl ToString) -> Failure {
    Failure::Damaged { what: what.to_string(), place: "the backup".to_owned(), remedy: "take another one" }
}
