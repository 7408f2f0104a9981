//! Processes under the recorder: this test binary again, with `recorder.c` in front of libc.
//!
//! A recording is one folder and all processes that worked in it, one after another; what one left in the page cache the
//! next one finds, and power may go at any point of either. Folders are made in memory where the system has such a place:
//! the disk's behaviour is made by the recorder and the images, so the real one would only be slow.
//!
//! Bounds: a process that runs longer than [`SECONDS_MAX`] is ended by the recorder, and that is a failure.
//!
//! Not here: what the processes do (`writer`, `shop`).

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::trace::Trace;

const SECONDS_MAX: u32 = 60;

/// Word of the control page, as in recorder.c.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    /// Which sync fails, counted from 1; 0 for none.
    SyncAt,
    /// Syncs seen.
    SyncCount,
    /// Which write fails, and how: [`EIO`], [`SHORT`], [`INTERRUPTED`] or [`FULL`].
    WriteAt,
    WriteCount,
    WriteKind,
    /// Which read is short.
    ReadAt,
    ReadCount,
    /// So many bytes may be added to files; 0 for any.
    Capacity,
    Used,
    /// What a sync takes.
    SyncMicroseconds,
    /// Faults injected.
    Fired,
    /// File and offset of a byte that no read gives back.
    BadInode,
    BadOffset,
}

pub(super) const EIO: u64 = 1;
pub(super) const SHORT: u64 = 2;
pub(super) const INTERRUPTED: u64 = 3;
pub(super) const FULL: u64 = 4;

/// A folder, its trace and its faults.
pub(super) struct Recording {
    folder: TempDir,
    /// Whether changes are written down, or calls only counted and made to fail.
    pub(super) traced: bool,
    /// A bug planted in the processes.
    pub(super) sabotage: Option<&'static str>,
}

impl Recording {
    pub(super) fn new() -> Recording {
        let recording = Recording { folder: folder(), traced: true, sabotage: None };
        fs::create_dir(recording.root()).expect("the folder is new");
        fs::write(recording.control(), [0; 4096]).expect("the folder is writable");
        recording
    }

    /// Where the recorded process works; its data are in `data` below.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    fn trace_file(&self) -> PathBuf {
        self.folder.path().join("trace")
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("control")
    }

    /// Sets a word of the control page.
    pub(super) fn set(&self, word: Word, value: u64) {
        let page = OpenOptions::new().write(true).open(self.control()).expect("the page is there");
        page.write_all_at(&value.to_le_bytes(), word as u64 * 8).expect("the page is writable");
    }

    /// Reads a word of the control page.
    pub(super) fn word(&self, word: Word) -> u64 {
        let mut value = [0; 8];
        let page = File::open(self.control()).expect("the page is there");
        page.read_exact_at(&mut value, word as u64 * 8).expect("the page is whole");
        u64::from_le_bytes(value)
    }

    /// Runs the test `name` of this binary under the recorder, with one variable that tells it what to do.
    pub(super) fn run(&self, name: &str, variable: &str, told: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
        command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
        command.env("LD_PRELOAD", library()).env(variable, told);
        command.env("ORDAIN_RECORD_ROOT", self.root()).env("ORDAIN_RECORD_CONTROL", self.control());
        command.env("ORDAIN_RECORD_SECONDS", SECONDS_MAX.to_string());
        if self.traced {
            command.env("ORDAIN_RECORD_TRACE", self.trace_file());
        }
        if let Some(bug) = self.sabotage {
            command.env("ORDAIN_SABOTAGE", bug);
        }
        command.stdin(Stdio::null()).output().expect("the recorded process starts")
    }

    /// What was recorded, or the trace in the file that `ORDAIN_TRACE` names.
    pub(super) fn trace(&self) -> Trace {
        Trace::read(&std::env::var_os("ORDAIN_TRACE").map_or(self.trace_file(), PathBuf::from))
    }

    /// Keeps the trace beside the test binary.
    pub(super) fn keep(&self, name: &str) -> PathBuf {
        let program = std::env::current_exe().expect("a test has a program");
        let kept = program.with_file_name(format!("trace-{name}"));
        fs::copy(self.trace_file(), &kept).expect("there is room for a trace");
        kept
    }

    /// What was acknowledged, from the file the process told it to: for runs without a trace.
    pub(super) fn acknowledged(&self) -> u64 {
        let told = fs::read_to_string(self.root().join("ACKS")).unwrap_or_default();
        told.lines().map(|line| line.parse().expect("an acknowledgement is a number")).max().unwrap_or(0)
    }
}

/// A folder that goes away, in memory if there is such a place.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a folder can be made")
}

/// Compiles the recorder beside the test binary, once for each of its versions.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = include_str!("recorder.c");
        let program = std::env::current_exe().expect("a test has a program");
        let name = format!("recorder-{:08x}.so", crc32fast::hash(source.as_bytes()));
        let target = program.with_file_name(name);
        if target.exists() {
            return target;
        }
        let beside = target.with_extension(format!("{}.tmp", std::process::id()));
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-x", "c", "-", "-lpthread", "-o"])
            .arg(&beside)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a C compiler is needed to record what a process does to its disk");
        compiler.stdin.take().expect("piped").write_all(source.as_bytes()).expect("the compiler reads");
        assert!(compiler.wait().expect("the compiler ends").success(), "the recorder compiles");
        fs::rename(&beside, &target).expect("both are in one folder");
        target
    })
}
