//! Verifying a data directory without changing it.
//!
//! Frames, chain, laws and mark are followed over all that is kept; every snapshot is compared with
//! the state folded up to it; every copy of the same thing (log and history of a generation, both
//! slots of the mark, notes of positions) is read by itself, so that damage is found while another
//! copy still stands. The log is judged on a copy, since opening the store may change it.
//!
//! Promises: what stops a start is a finding, and so is a spare copy that is damaged; the text says
//! which. A torn tail above the mark was never acknowledged and is a note.
//!
//! Not here: repair.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::Archive;
use super::codec;
use super::frame::{Frame, Link};
use super::generation::sealed_path;
use super::history::{self, History};
use super::mark::{self, Mark};
use super::pieces::{LogFiles, Piece};
use super::recovery::{Failure, open_archive, read_format, read_note};
use super::snapshot::{self, state_hash};
use super::snapshot_file::claimed_end;
use super::store::{self, Directory, Disk, Scan, StoreKind, copy_folder, take_lock};
use crate::domain::archive::Archive as _;
use crate::domain::order::Order;
use crate::domain::record::Record;
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
    /// Where the log ends, if it holds anything.
    pub end: Option<Link>,
    /// Orders in the archive.
    pub archived: u64,
    /// Snapshots equal to the state folded up to them.
    pub snapshots: u64,
    /// Hash of the state at the last record, if the state could be folded.
    pub state_hash: Option<u128>,
    /// What is wrong, in plain words; empty for a good directory.
    pub findings: Vec<String>,
    /// What an operator may want to know and need not act on.
    pub notes: Vec<String>,
}

impl Report {
    fn find(&mut self, what: impl ToString) {
        self.findings.push(what.to_string());
    }

    /// Damage of something that another copy stands in for.
    fn find_spare(&mut self, place: &str, what: impl ToString) {
        self.findings.push(format!("{place}: {}; a start does not need it", what.to_string()));
    }
}

/// Where and how to look.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// The data directory.
    pub root: &'a Path,
    /// A directory that does not exist yet, for a copy of the log; removed at the end. On the same
    /// file system it takes room for the log alone.
    pub scratch: &'a Path,
    /// Program that opens each generation first, as `<program> verify-generation <dir>`, so that a
    /// store that hangs on damage is stopped after a while.
    pub verifier: Option<PathBuf>,
}

/// Checks a data directory.
pub fn check(look: &Look<'_>) -> Result<Report, Failure> {
    read_log(look, &mut |_, _| {})
}

/// Checks a data directory and hands over every record on the way, with the state folded up to it where
/// the log reaches back far enough.
pub fn read_log(look: &Look<'_>, each: &mut dyn FnMut(&Record, Option<&State>)) -> Result<Report, Failure> {
    read_to_the_end(look, each).map(|(report, _)| report)
}

/// [`read_log`], and the state at the last record, where it could be folded.
pub fn read_to_the_end(
    look: &Look<'_>,
    each: &mut dyn FnMut(&Record, Option<&State>),
) -> Result<(Report, Option<State>), Failure> {
    // Holding the lock keeps a server from changing the directory meanwhile.
    let lock = fs::File::open(look.root.join("LOCK")).map_err(|source| Failure::Disk { doing: "opened", source })?;
    if take_lock(&lock).is_err() {
        return Err(Failure::InUse(format!("{} is in use by another process", look.root.display())));
    }
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", look.scratch.display()));
    fs::create_dir(look.scratch).map_err(|error| Failure::Disk { doing: "copied", source: named(error) })?;
    let inspected = look.verifier.is_some();
    let report = copy(look.root, look.scratch)
        .and_then(|()| Directory::open(look.scratch, StoreKind::default(), look.verifier.clone()))
        .map_err(|source| Failure::Disk { doing: "copied", source })
        .and_then(|copy| check_disk(Arc::new(copy), inspected, each));
    fs::remove_dir_all(look.scratch).map_err(|source| Failure::Disk { doing: "cleaned", source })?;
    report
}

/// Writes the high-water mark anew at the end of the log, when all else is good; answers where that is.
///
/// Frames that were acknowledged and are missing at the very end of the log can then no longer be told
/// from frames that never were; an orderly last stop rules that out, and the answer's second part says
/// whether there was one.
pub fn rebuild_mark(look: &Look<'_>) -> Result<(Link, bool), Failure> {
    let report = check(look)?;
    let others: Vec<_> = report.findings.iter().filter(|finding| !finding.starts_with("MARK")).collect();
    if let Some(finding) = others.first() {
        return Err(Failure::damaged("more than the mark", finding));
    }
    let end = report.end.unwrap_or(Link::START);
    let disk = Directory::open(look.root, StoreKind::default(), None)
        .map_err(|source| Failure::Disk { doing: "opened", source })?;
    let clean = read_note(&disk, "CLEAN")?.is_some_and(|note| note.hash == end.hash);
    mark::rewrite(&disk, &end).map_err(|source| Failure::Disk { doing: "marked", source })?;
    Ok((end, clean))
}

fn copy(root: &Path, scratch: &Path) -> io::Result<()> {
    copy_folder(&root.join("wal"), &scratch.join("wal"))?;
    // A directory that an older program left has no archive.
    for folder in ["snapshots", "history", "archive"].into_iter().filter(|folder| root.join(folder).exists()) {
        fs::create_dir_all(scratch.join(folder))?;
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let target = scratch.join(folder).join(entry.file_name());
            // These files never change, so a second name for them is as good as a copy.
            fs::hard_link(entry.path(), &target).or_else(|_| fs::copy(entry.path(), &target).map(drop))?;
        }
    }
    // A file that is missing is a finding, not a reason to look no further.
    for file in ["FORMAT", "MARK", "CLEAN"].into_iter().filter(|file| root.join(file).exists()) {
        fs::copy(root.join(file), scratch.join(file))?;
    }
    Ok(())
}

/// Checks a directory that may be changed by it.
#[cfg(test)]
pub(super) fn check_copy(disk: &(impl Disk + Clone + 'static)) -> Result<Report, Failure> {
    check_disk(Arc::new(disk.clone()), false, &mut |_, _| {}).map(|(report, _)| report)
}

fn check_disk(
    device: Arc<dyn Disk>,
    inspected: bool,
    each: &mut dyn FnMut(&Record, Option<&State>),
) -> Result<(Report, Option<State>), Failure> {
    let disk = &*device;
    let mut report = Report::default();
    let Some(directory) = read_format(disk)? else {
        report.find("FORMAT is missing");
        return Ok((report, None));
    };
    let read = |source| Failure::Disk { doing: "read", source };
    let mark = check_mark(disk, &mut report)?;
    let mut log = LogFiles::find(disk, directory)?;
    check_spares(disk, directory, &log, mark.as_ref(), &mut report)?;
    let archive = check_archive(&device, directory, &mut report)?;

    let mut walk = Walk { disk, directory, report, link: None, state: None, snapshots: Vec::new(), each };
    walk.snapshots = snapshot::names(disk).map_err(read)?;
    let reached = mark.map_or(0, |mark| mark.frame_no);
    for piece in &mut log.pieces {
        walk.report.generations += 1;
        let scans = scans(disk, piece, inspected, &mut walk.report);
        let good: Vec<bool> = scans.into_iter().map(|scan| walk.follow(piece, scan, reached)).collect();
        if good.contains(&false) && good.contains(&true) {
            walk.report.notes.push(format!("of generation {} one copy is good", piece.number));
        }
    }
    walk.meet_snapshots(u64::MAX);
    let Walk { mut report, link, state, .. } = walk;
    report.end = link;
    let end = link.unwrap_or(Link::START);
    report.last_seq = end.seq;
    match mark {
        None => report.find("MARK: neither slot of the high-water mark is readable"),
        Some(mark) if end.frame_no < mark.frame_no => {
            report.find(format!("wal: frame {} was acknowledged, the log ends at {}", mark.frame_no, end.frame_no));
        }
        Some(mark) if end.frame_no == mark.frame_no && end.hash != mark.hash => {
            report.find(format!("wal: frame {} is not the one acknowledged", mark.frame_no));
        }
        Some(mark) => {
            // A start reads the newest snapshot that is whole, and refuses one that nobody was told of.
            if let Some(what) = beyond(disk, mark).map_err(read)? {
                report.find(what);
            }
        }
    }
    if state.is_none() && end.seq > 0 && report.findings.is_empty() {
        report.find("the first records are missing, and no snapshot stands for them: the state cannot be folded");
    }
    if let Some(state) = &state {
        if let Err(law) = state.check_ownership() {
            report.find(law);
        }
        if let Some(archive) = archive {
            check_archived(state, &archive, &mut report);
        }
        report.state_hash = Some(state_hash(state));
    }
    Ok((report, state))
}

/// The archive, read to its last byte.
fn check_archive(device: &Arc<dyn Disk>, directory: u128, report: &mut Report) -> Result<Option<Archive>, Failure> {
    let archive = match open_archive(device, directory) {
        Ok(archive) => archive,
        Err(Failure::Damaged { what, place, .. }) => {
            report.find(format!("{place}: {what}"));
            return Ok(None);
        }
        Err(failure) => return Err(failure),
    };
    for (place, error) in archive.verify() {
        report.find(format!("{place}: {error}"));
    }
    let newest = snapshot::names(&**device).map_err(|source| Failure::Disk { doing: "read", source })?;
    let newest = newest.first().and_then(|name| snapshot::claimed_end(&**device, name).ok());
    if let Some(Err((place, error))) = newest.map(|end| archive.check_covers(end.link.seq)) {
        report.find(format!("{place}: {error}"));
    }
    report.archived = archive.count();
    Ok(Some(archive))
}

/// What left by the position that the archive covers lies there as it left.
fn check_archived(state: &State, archive: &Archive, report: &mut Report) {
    let gone = |order: &&Arc<Order>| order.is_archived() && order.left_at <= archive.covered();
    for order in state.orders().filter(gone) {
        match archive.order(order.key) {
            Ok(Some(found)) if found.is_same_as(order) => {}
            Ok(Some(_)) => report.find(format!("archive: order {} is not as it left", order.key)),
            Ok(None) => report.find(format!("archive: order {} left and is not there", order.key)),
            Err(error) => report.find(error),
        }
    }
}

/// A snapshot of more than was acknowledged, by what its end says: a start does not believe it.
fn beyond(disk: &dyn Disk, mark: Mark) -> io::Result<Option<String>> {
    for name in snapshot::names(disk)? {
        if claimed_end(disk, &name).is_ok_and(|end| end.link.frame_no > mark.frame_no) {
            return Ok(Some(format!("MARK: snapshot {name} is beyond the high-water mark at frame {}", mark.frame_no)));
        }
    }
    Ok(None)
}

/// The mark. A slot that cannot be read is a finding after an orderly stop; a loss of power may tear one.
fn check_mark(disk: &dyn Disk, report: &mut Report) -> Result<Option<Mark>, Failure> {
    let read = |source| Failure::Disk { doing: "read", source };
    let orderly = read_note(disk, "CLEAN")?.is_some();
    let mark = Mark::load(disk).map_err(read)?;
    // Without a readable slot there is nothing to spare; that is told where the mark is compared.
    let unreadable = if mark.is_some() { mark::unreadable(disk).map_err(read)? } else { Vec::new() };
    for slot in unreadable {
        let what = format!("slot {slot} of the high-water mark is unreadable");
        match orderly {
            true => report.find_spare("MARK", what),
            false => report.notes.push(format!("MARK: {what}, as a loss of power may leave it")),
        }
    }
    Ok(mark)
}

/// Copies that a start passes over when another is good: each is read by itself.
fn check_spares(
    disk: &dyn Disk,
    directory: u128,
    log: &LogFiles,
    mark: Option<&Mark>,
    report: &mut Report,
) -> Result<(), Failure> {
    let read = |source| Failure::Disk { doing: "read", source };
    for (place, what) in &log.lost {
        report.find(format!("{place}: {what}"));
    }
    for name in disk.files("history").map_err(read)? {
        let Some(number) = history::generation(&name) else { continue };
        if log.lost.iter().any(|(place, _)| *place == history::path(number)) {
            continue;
        }
        let whole = History::open(disk, number, directory).and_then(|history| history.verify());
        if let Err(error) = whole {
            report.find_spare(&history::path(number), error);
        }
    }
    let notes = log.pieces.iter().map(|piece| sealed_path(piece.number)).chain(["CLEAN".to_owned()]);
    for path in notes {
        let written = store::read_file(disk, &path).map_err(read)?.is_some();
        match read_note(disk, &path)? {
            None if written => report.find_spare(&path, "the note of a position is unreadable"),
            Some(note) if path == "CLEAN" && mark.is_some_and(|mark| mark.frame_no != note.frame_no) => {
                report.find_spare(&path, format!("it was left at frame {}, the mark is elsewhere", note.frame_no));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every copy of a generation's frames, that of the log first.
fn scans(disk: &dyn Disk, piece: &Piece, inspected: bool, report: &mut Report) -> Vec<Scan> {
    let mut scans = Vec::new();
    if piece.in_wal {
        let judged =
            if inspected { disk.inspect_generation(piece.number).map(|verdict| verdict.broken) } else { Ok(None) };
        let opened = match judged {
            // A store that cannot even be opened there is not opened here.
            Ok(Some(what)) if what.starts_with("no verdict") => Err(io::Error::other(what)),
            Ok(_) => disk.open_generation(piece.number),
            Err(error) => Err(error),
        };
        match opened {
            Ok(store) => scans.push(store.scan(0)),
            Err(error) => report.find(format!("{}: {error}", piece.place())),
        }
    }
    if let Some(history) = &piece.history {
        scans.push(history.clone().scan(0));
    }
    scans
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
    each: &'a mut dyn FnMut(&Record, Option<&State>),
}

impl Walk<'_> {
    /// Follows one copy of a generation; whether it was good to its end.
    fn follow(&mut self, piece: &Piece, scan: Scan, reached: u64) -> bool {
        let mut alone: Option<Link> = None;
        for bytes in scan {
            // What stands behind the end of a sealed generation was dropped by a start: it is nobody's.
            if piece.sealed.is_some() && alone == piece.sealed {
                break;
            }
            let frame = bytes.map_err(|error| error.to_string());
            let frame = frame.and_then(|bytes| Frame::read(&bytes).map_err(|error| error.to_string()));
            let stepped = frame.and_then(|frame| {
                alone = Some(match alone {
                    None => frame.link(),
                    Some(link) => link.follow(&frame).map_err(|misplaced| misplaced.to_string())?,
                });
                self.step(&frame)
            });
            if let Err(what) = stepped {
                let after = alone.map_or(0, |link| link.frame_no);
                let place = format!("{}: after frame {after}: {what}", piece.place());
                if piece.sealed.is_none() && after >= reached {
                    self.report.notes.push(format!("{place}; nothing there was acknowledged"));
                } else {
                    self.report.find(place);
                }
                return false;
            }
        }
        match piece.sealed {
            Some(end) if alone != Some(end) => {
                self.report.find(format!("{}: it does not end where it was sealed", piece.place()));
                false
            }
            _ => true,
        }
    }

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
            (self.each)(&record, self.state.as_ref());
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
                let reached = self.link.map_or(0, |link| link.frame_no);
                if name == here {
                    self.state = Some(loaded);
                } else if frame_no == u64::MAX && end.link.frame_no > reached {
                    self.report.find(format!("snapshot {name} is beyond the end of the log"));
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
