//! Processes under the recorder: this test binary again, with `recorder.c` in front of libc.
//!
//! A recording is one folder and all processes that worked in it, one after another; what one left in the page cache the
//! next one finds, and power may go at any point of either. Folders are made in memory where the system has such a place:
//! the disk's behaviour is made by the recorder and the images, so the real one would only be slow.
//!
//! Not here: the faults (`preload`), what the processes do (`writer`, `shop`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::preload::{Control, Word};
use super::trace::Trace;

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
        recording.control().clear();
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

    fn control(&self) -> Control {
        Control(self.folder.path().join("control"))
    }

    /// Sets a word of the control page.
    pub(super) fn set(&self, word: Word, value: u64) {
        self.control().set(word, value);
    }

    /// Reads a word of the control page.
    pub(super) fn word(&self, word: Word) -> u64 {
        self.control().word(word)
    }

    /// Runs the test `name` of this binary under the recorder, with one variable that tells it what to do.
    pub(super) fn run(&self, name: &str, variable: &str, told: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
        command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
        self.control().put_before(command.env(variable, told), &self.root());
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
