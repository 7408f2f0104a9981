//! Verifying a data directory without changing it.
//!
//! Frames, chain, laws and mark are followed over all that is kept; every snapshot is compared with
//! the state folded up to it. The log is judged on a copy, since opening the store may change it.
//!
//! Not here: repair.

use std::fs;
use std::io;
use std::path::Path;

use super::codec;
use super::frame::{Frame, Link};
use super::mark::Mark;
use super::pieces::LogFiles;
use super::recovery::{Failure, read_format};
use super::snapshot::{self, state_hash};
use super::store::{Directory, Disk, StoreKind, copy_folder};
use crate::domain::state::State;

/// What was checked and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Generations read, history included.
    pub generations: u64,
    /// Frames followed.
    pub frames: u64,
    /// Records decoded.
    pub records: u64,
    /// Last record.
    pub last_seq: u64,
    /// Snapshots equal to the state folded up to them.
    pub snapshots: u64,
    /// Hash of the state at the last record, if the state could be folded.
    pub state_hash: Option<u128>,
    /// What is wrong, in plain words; empty for a good directory.
    pub findings: Vec<String>,
}

impl Report {
    fn find(&mut self, what: impl ToString) {
        self.findings.push(what.to_string());
    }
}

/// Checks the directory `root`, with a copy of its log in the directory `scratch`, which must not
/// exist yet and is removed at the end. On the same file system it takes room for the log alone.
pub fn check(root: &Path, scratch: &Path) -> Result<Report, Failure> {
    // Holding the lock keeps a server from changing the directory meanwhile.
    let lock = fs::File::open(root.join("LOCK")).map_err(|source| Failure::Disk { doing: "opened", source })?;
    if lock.try_lock().is_err() {
        return Err(Failure::InUse(format!("{} is in use by another process", root.display())));
    }
    fs::create_dir(scratch).map_err(|source| Failure::Disk { doing: "copied", source })?;
    let report = copy(root, scratch)
        .and_then(|()| Directory::open(scratch, StoreKind::default(), None))
        .map_err(|source| Failure::Disk { doing: "copied", source })
        .and_then(|copy| check_copy(&copy));
    fs::remove_dir_all(scratch).map_err(|source| Failure::Disk { doing: "cleaned", source })?;
    report
}

fn copy(root: &Path, scratch: &Path) -> io::Result<()> {
    copy_folder(&root.join("wal"), &scratch.join("wal"))?;
    for folder in ["snapshots", "history"] {
        fs::create_dir_all(scratch.join(folder))?;
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let target = scratch.join(folder).join(entry.file_name());
            // These files never change, so a second name for them is as good as a copy.
            fs::hard_link(entry.path(), &target).or_else(|_| fs::copy(entry.path(), &target).map(drop))?;
        }
    }
    // A file that is missing is a finding, not a reason to look no further.
    for file in ["FORMAT", "MARK"].into_iter().filter(|file| root.join(file).exists()) {
        fs::copy(root.join(file), scratch.join(file))?;
    }
    Ok(())
}

/// Checks a directory that may be changed by it.
pub(super) fn check_copy(disk: &dyn Disk) -> Result<Report, Failure> {
    let mut report = Report::default();
    let Some(directory) = read_format(disk)? else {
        report.find("FORMAT is missing");
        return Ok(report);
    };
    let read = |source| Failure::Disk { doing: "read", source };
    let mark = Mark::load(disk).map_err(read)?;
    let mut log = LogFiles::find(disk, directory)?;
    log.open(disk)?;

    let mut walk = Walk { disk, directory, report, link: None, state: None, snapshots: Vec::new() };
    walk.snapshots = snapshot::names(disk).map_err(read)?;
    for piece in &log.pieces {
        walk.report.generations += 1;
        let first = piece.first_seq().map_err(read)?.unwrap_or(0);
        for bytes in piece.scan(0).into_iter().flatten() {
            let frame = bytes.map_err(|error| error.to_string());
            let frame = frame.and_then(|bytes| Frame::read(&bytes).map_err(|error| error.to_string()));
            match frame.and_then(|frame| walk.step(&frame)) {
                Ok(()) => {}
                Err(what) => {
                    walk.report.find(format!("generation {} (from record {first}): {what}", piece.number));
                    break;
                }
            }
        }
    }
    let Walk { mut report, link, state, .. } = walk;
    let end = link.unwrap_or(Link::START);
    report.last_seq = end.seq;
    match mark {
        None => report.find("neither slot of the high-water mark is readable"),
        Some(mark) if end.frame_no < mark.frame_no => {
            report.find(format!("frame {} was acknowledged, the log ends at {}", mark.frame_no, end.frame_no));
        }
        Some(mark) if end.frame_no == mark.frame_no && end.hash != mark.hash => {
            report.find(format!("frame {} is not the one acknowledged", mark.frame_no));
        }
        Some(_) => {}
    }
    if state.is_none() && end.seq > 0 && report.findings.is_empty() {
        report.find("the first records are missing, and no snapshot stands for them: the state cannot be folded");
    }
    if let Some(state) = state {
        if let Err(law) = state.check_ownership() {
            report.find(law);
        }
        report.state_hash = Some(state_hash(&state));
    }
    Ok(report)
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    directory: u128,
    report: Report,
    link: Option<Link>,
    /// Folded from the first record, or from the first snapshot the log reaches.
    state: Option<State>,
    /// Names not yet passed, newest first.
    snapshots: Vec<String>,
}

impl Walk<'_> {
    fn step(&mut self, frame: &Frame) -> Result<(), String> {
        let head = frame.head();
        let next = match self.link {
            None => frame.link(),
            // Stands in the log and in history.
            Some(link) if head.frame_no <= link.frame_no => return Ok(()),
            Some(link) => link.follow(frame).map_err(|misplaced| misplaced.to_string())?,
        };
        if head.first_seq == 1 {
            self.state = Some(State::default());
        }
        if self.link.is_none() {
            self.meet_snapshots(head.frame_no - 1);
        }
        self.link = Some(next);
        self.report.frames += 1;
        for slice in frame.records() {
            let record = codec::decode(&head, &slice).map_err(|error| format!("record {}: {error}", slice.seq))?;
            self.report.records += 1;
            if let Some(state) = &mut self.state
                && let Err(law) = state.apply(&record)
            {
                self.state = None;
                return Err(law.to_string());
            }
        }
        self.meet_snapshots(next.frame_no);
        Ok(())
    }

    /// Compares the snapshot cut after this frame, or starts from it.
    fn meet_snapshots(&mut self, frame_no: u64) {
        let here = snapshot::name(frame_no);
        while let Some(name) = self.snapshots.pop_if(|name| *name <= here) {
            let (loaded, end) = match snapshot::load(self.disk, self.directory, &name) {
                Ok(loaded) => loaded,
                Err(error) => {
                    self.report.find(error);
                    continue;
                }
            };
            let Some(state) = self.state.as_mut().filter(|_| name == here) else {
                if name == here {
                    self.state = Some(loaded);
                }
                continue;
            };
            state.forget();
            if state_hash(state) == end.state_hash && state.catalogue_seq() == end.catalogue_seq {
                self.report.snapshots += 1;
            } else {
                self.report.find(format!("snapshot {name} is not the state folded from the log"));
            }
        }
    }
}
