//! `recorder.c` in front of libc, and the page by which its process is told which call fails.
//!
//! Alone in its file because the attack on the served process takes it from here as well (`tests/kill`).
//!
//! Bounds: a process that runs longer than [`SECONDS_MAX`] is ended by the recorder, and that is a failure. Not here: what
//! is recorded (`recorder`, `trace`).

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const SECONDS_MAX: u32 = 60;

/// Word of the control page, as in recorder.c.
#[derive(Debug, Clone, Copy)]
pub enum Word {
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

pub const EIO: u64 = 1;
pub const SHORT: u64 = 2;
pub const INTERRUPTED: u64 = 3;
pub const FULL: u64 = 4;

/// The control page, a file; it may be read and changed while the process runs.
pub struct Control(pub PathBuf);

impl Control {
    /// A page on which no call is made to fail and nothing is counted.
    pub fn clear(&self) {
        fs::write(&self.0, [0; 4096]).expect("the folder is writable");
    }

    /// Sets a word.
    pub fn set(&self, word: Word, value: u64) {
        let page = OpenOptions::new().write(true).open(&self.0).expect("the page is there");
        page.write_all_at(&value.to_le_bytes(), word as u64 * 8).expect("the page is writable");
    }

    /// Reads a word.
    pub fn word(&self, word: Word) -> u64 {
        let mut value = [0; 8];
        let page = File::open(&self.0).expect("the page is there");
        page.read_exact_at(&mut value, word as u64 * 8).expect("the page is whole");
        u64::from_le_bytes(value)
    }

    /// Puts the recorder before a process for what it does below `root`.
    pub fn put_before(&self, command: &mut Command, root: &Path) {
        command.env("LD_PRELOAD", library()).env("ORDAIN_RECORD_ROOT", root);
        command.env("ORDAIN_RECORD_CONTROL", &self.0).env("ORDAIN_RECORD_SECONDS", SECONDS_MAX.to_string());
    }
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
