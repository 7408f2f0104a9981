//! From a directory nobody vouches for to a journal and the state it proves.
//!
//! 1. `FORMAT`, the high-water mark and the marker of a clean stop are read.
//! 2. After an unclean stop every unsealed generation is judged on a copy, in a child process if one
//!    is configured, before anything opens the original.
//! 3. The newest good snapshot is loaded, else the one before, else nothing.
//! 4. The frames after it are followed: number, checksum, chain, epoch, and every law of the domain
//!    as [`State::apply`] asserts it.
//! 5. The mark must be reached, by the very frame it names.
//! 6. After an unclean stop what was unsealed is sealed where it ends, and a new generation begins:
//!    the journal never writes to a store that went through a crash.
//!
//! Promises: nothing is changed before everything was verified. Less than the mark is refused; so
//! are broken laws, foreign frames and unknown versions anywhere. Only a torn or missing tail above
//! the mark is dropped: nobody was told about it. What is kept above the mark is made durable and
//! marked before anybody reads it. Repeating an interrupted recovery gives the same result.
//!
//! ```text
//! FORMAT   ordain data directory / format 1 / reader 1 / id <32 hex digits>
//! CLEAN    note of the last position; removed before the journal opens
//! ```
//! Not here: repair. A refusal names what is damaged and where another copy may be.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;
use thiserror::Error;

use super::clock::{CLOCK_BEHIND_MS_MAX, Clock, ClockChoice, SystemClock, wall_ms};
use super::counters::Counters;
use super::durable::Progress;
use super::frame::{Frame, Link, Misplaced, Origin, Unreadable};
use super::generation::{Generations, sealed_path};
use super::history::{self, History};
use super::mark::Mark;
use super::options::Options;
use super::seat::Seats;
use super::shelf::{Shelf, Source, Volume};
use super::snapshot::{self, SnapshotEnd, SnapshotError};
use super::store::{self, Directory, Disk, Scan, Store};
use super::writer::{Inbox, Writer};
use super::{Bell, Core, Journal, codec};
use crate::domain::state::State;

/// Format this program writes, and the newest it reads.
const FORMAT: u32 = 1;
/// Oldest format number a program must know to read what is written now.
const READER: u32 = 1;

/// So many generations in the log make a snapshot due whatever their size: each restart after a
/// crash begins one.
const GENERATIONS_IN_WAL: usize = 16;

const REMEDY: &str = "keep the directory as it is; restore from a mirror or a follower, or start from an older \
                      snapshot and the history files on another machine, and compare";

/// Why a data directory is not opened.
#[derive(Debug, Error)]
pub enum Failure {
    /// Another process holds it.
    #[error("{0}")]
    InUse(String),
    /// What was acknowledged is missing or changed, or a law is broken.
    #[error("{place} is damaged: {what}; {remedy}")]
    Damaged {
        /// What is wrong.
        what: String,
        /// In which part of the directory.
        place: String,
        /// What an operator can do.
        remedy: &'static str,
    },
    /// A newer program wrote it.
    #[error("{place} was written by a newer program: {what}")]
    Newer {
        /// What is unknown.
        what: String,
        /// In which part of the directory.
        place: String,
    },
    /// The machine's clock is in the journal's past.
    #[error(
        "the wall clock is {behind_ms} ms behind the journal, more than {CLOCK_BEHIND_MS_MAX} ms; set the clock, or \
         accept it by name"
    )]
    ClockBehind {
        /// By how much.
        behind_ms: i64,
    },
    /// The disk failed.
    #[error("the data directory could not be {doing}: {source}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// The journal failed before it could end in order.
    #[error("the journal was poisoned by a failed write; what was not yet acknowledged is unknown")]
    Poisoned,
}

impl Failure {
    fn damaged(place: impl Into<String>, what: impl ToString) -> Failure {
        Failure::Damaged { what: what.to_string(), place: place.into(), remedy: REMEDY }
    }
}

fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::Disk { doing, source }
}

/// What recovery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The directory was created just now.
    pub created: bool,
    /// The last stop was orderly.
    pub clean: bool,
    /// Position of the snapshot that was loaded, 0 for none.
    pub snapshot_seq: u64,
    /// Records replayed on top of it.
    pub replayed: u64,
    /// What was dropped above the high-water mark, if anything.
    pub dropped: Option<String>,
    /// How far the wall clock is ahead of the last record: time the process was down.
    pub down_ms: i64,
    /// Epoch of this opening.
    pub epoch: u64,
}

/// A data directory before recovery: it has no seat, and cannot be read.
pub struct Unrecovered {
    disk: Arc<dyn Disk>,
    options: Options,
}

impl Unrecovered {
    /// Locks a data directory, creating its folders if there are none.
    pub fn open(root: &Path, options: Options) -> Result<Unrecovered, Failure> {
        match Directory::open(root, options.verifier.clone()) {
            Ok(directory) => Ok(Unrecovered::on(Arc::new(directory), options)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Failure::InUse(error.to_string())),
            Err(error) => Err(disk("opened")(error)),
        }
    }

    /// Any disk.
    pub(super) fn on(disk: Arc<dyn Disk>, options: Options) -> Unrecovered {
        Unrecovered { disk, options }
    }

    /// Verifies everything, folds the state and opens the journal.
    pub fn recover(self) -> Result<(Journal, State), Failure> {
        let Unrecovered { disk: device, options } = self;
        let (directory, created) = found_or_create(&*device)?;
        let mark = Mark::load(&*device).map_err(disk("read"))?;
        let mark = mark.ok_or_else(|| Failure::damaged("MARK", "neither slot of the high-water mark is readable"))?;
        let clean = read_note(&*device, "CLEAN")?;

        let mut log = LogFiles::find(&*device, directory)?;
        if clean.is_none() {
            log.inspect(&*device, &mark)?;
        }
        let mut replay = Replay::from_snapshot(&*device, directory, mark)?;
        log.open(&*device)?;
        replay.follow(&*device, &mut log, clean.is_some())?;
        let clock = start_clock(&options.clock, &replay.link)?;

        let opening = Opening {
            created,
            clean: clean.is_some() || created,
            snapshot_seq: replay.snapshots.first().map_or(0, |snapshot| snapshot.link.seq),
            replayed: replay.replayed,
            dropped: replay.dropped.clone(),
            down_ms: if replay.link.seq == 0 { 0 } else { (clock.now().wall.0 - replay.link.time).max(0) },
            epoch: replay.link.epoch + 1,
        };
        open_journal(device, options, directory, log, replay, mark, clock, opening)
    }
}

/// Verified; from here on the directory is changed.
#[allow(clippy::too_many_arguments)]
fn open_journal(
    device: Arc<dyn Disk>,
    options: Options,
    directory: u128,
    log: LogFiles,
    replay: Replay,
    mut mark: Mark,
    clock: Arc<dyn Clock>,
    opening: Opening,
) -> Result<(Journal, State), Failure> {
    let Replay { mut state, link, bytes, snapshots, .. } = replay;
    state.forget();
    let (volumes, store) = log.settle(&*device, link, opening.clean).map_err(disk("prepared"))?;
    if link.frame_no > mark.frame_no {
        mark.advance(&*device, &link).map_err(disk("marked"))?;
    }
    device.remove_file("CLEAN").map_err(disk("prepared"))?;
    device.sweep().map_err(disk("swept"))?;

    let in_wal = volumes.iter().filter(|volume| volume.is_in_wal()).count();
    let core = Arc::new(Core {
        origin: Origin { directory, partition: 0, epoch: opening.epoch },
        clock,
        inbox: Inbox::new(&link),
        progress: Arc::new(Progress::new(link.seq)),
        seats: Seats::default(),
        shelf: Shelf::new(volumes, options.recent_bytes),
        counters: Counters::default(),
        generations: Generations::default(),
        snapshots: Mutex::new(snapshots),
        folding: Mutex::new(()),
        durable_link: Mutex::new(link),
        bytes_since_snapshot: AtomicU64::new(if in_wal > GENERATIONS_IN_WAL { u64::MAX / 2 } else { bytes }),
        keeper: Bell::new(),
        folder: Bell::new(),
        stopping: AtomicBool::new(false),
        disk: device,
        options,
    });
    core.kick_keeper();
    core.folder.ring();
    let writer = Writer::new(core.clone(), link, mark, store, bytes);
    tracing::info!(seq = link.seq, replayed = opening.replayed, clean = opening.clean, "the journal is open");
    let journal = Journal::start(core, writer, opening).map_err(disk("served"))?;
    Ok((journal, state))
}

/// Leaves the marker of an orderly end.
pub(super) fn leave_clean_marker(device: &dyn Disk, link: &Link) -> Result<(), Failure> {
    store::write_file(device, "CLEAN", &link.to_note()).map_err(disk("closed"))
}

fn read_note(device: &dyn Disk, path: &str) -> Result<Option<Link>, Failure> {
    let bytes = store::read_file(device, path).map_err(disk("read"))?;
    Ok(bytes.and_then(|bytes| Link::from_note(&bytes)))
}

/// The id of the directory; creates an empty one.
fn found_or_create(device: &dyn Disk) -> Result<(u128, bool), Failure> {
    if let Some(id) = read_format(device)? {
        return Ok((id, false));
    }
    // Without FORMAT the creation never finished, and nothing can have been acknowledged.
    let marked = Mark::load(device).map_err(disk("read"))?;
    let generations = device.generations().map_err(disk("read"))?;
    if marked.is_some_and(|mark| mark.frame_no > 0) || generations.len() > 1 {
        return Err(Failure::damaged("FORMAT", "it is missing, and the directory is not empty"));
    }
    let create = || -> io::Result<u128> {
        for number in generations {
            device.remove_generation(number)?;
        }
        if marked.is_none() {
            let mut mark = Mark::START;
            mark.advance(device, &Link::START)?;
        }
        device.create_generation(1)?;
        let id = draw_id();
        let text = format!("ordain data directory\nformat {FORMAT}\nreader {READER}\nid {id:032x}\n");
        store::write_file(device, "FORMAT", text.as_bytes())?;
        Ok(id)
    };
    create().map(|id| (id, true)).map_err(disk("created"))
}

/// The id in `FORMAT`, or `None` if there is no such file.
pub(super) fn read_format(device: &dyn Disk) -> Result<Option<u128>, Failure> {
    let Some(bytes) = store::read_file(device, "FORMAT").map_err(disk("read"))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name).map(str::to_owned);
    let mut parse = || -> Option<(u32, u128)> {
        field("ordain data directory")?;
        field("format ")?;
        let reader = field("reader ")?.parse().ok()?;
        Some((reader, u128::from_str_radix(&field("id ")?, 16).ok()?))
    };
    match parse() {
        Some((reader, id)) if reader <= FORMAT => Ok(Some(id)),
        Some((reader, _)) => Err(Failure::Newer {
            place: "FORMAT".to_owned(),
            what: format!("it needs a program that knows format {reader}, this one knows {FORMAT}"),
        }),
        None => Err(Failure::damaged("FORMAT", "it does not read as four lines")),
    }
}

/// A number nobody else draws: the standard library's hash keys come from the system.
fn draw_id() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(wall_ms()));
    half() << 64 | half()
}

fn start_clock(choice: &ClockChoice, link: &Link) -> Result<Arc<dyn Clock>, Failure> {
    match choice {
        ClockChoice::System { accept } => {
            let behind_ms = link.time.saturating_sub(wall_ms());
            if link.seq > 0 && behind_ms > CLOCK_BEHIND_MS_MAX && !accept {
                return Err(Failure::ClockBehind { behind_ms });
            }
            Ok(Arc::new(SystemClock::start(link.time)))
        }
        ClockChoice::Manual(clock) => {
            clock.advance_to(link.time);
            Ok(clock.clone())
        }
    }
}

/// Every generation of the log and its history, oldest first.
pub(super) struct LogFiles {
    pub(super) pieces: Vec<Piece>,
}

/// One generation as it lies in the directory.
pub(super) struct Piece {
    pub(super) number: u64,
    in_wal: bool,
    sealed: Option<Link>,
    history: Option<Arc<History>>,
    store: Option<Arc<dyn Store>>,
    /// Nothing in it was ever acknowledged, and it cannot be opened.
    rubbish: bool,
    /// The last good frame in it, if any, once replay has passed.
    end: Option<Link>,
}

impl LogFiles {
    pub(super) fn find(device: &dyn Disk, directory: u128) -> Result<LogFiles, Failure> {
        let mut pieces = Vec::new();
        let in_wal = device.generations().map_err(disk("read"))?;
        let files = device.files("history").map_err(disk("read"))?;
        let mut numbers: Vec<u64> = files.iter().filter_map(|name| history::generation(name)).collect();
        let archived = numbers.clone();
        numbers.extend(&in_wal);
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let in_wal = in_wal.contains(&number);
            let sealed = read_note(device, &sealed_path(number))?;
            let history = match archived.contains(&number).then(|| History::open(device, number, directory)) {
                None => None,
                Some(Ok(history)) => Some(Arc::new(history)),
                Some(Err(error)) => {
                    // Never needed for recovery: it is written again, or its records are gone.
                    tracing::warn!(generation = number, %error, "a history file is unusable");
                    None
                }
            };
            if in_wal || history.is_some() {
                pieces.push(Piece { number, in_wal, sealed, history, store: None, rubbish: false, end: sealed });
            }
        }
        Ok(LogFiles { pieces })
    }

    /// Judges what no stop left in order, without touching it.
    fn inspect(&mut self, device: &dyn Disk, mark: &Mark) -> Result<(), Failure> {
        let known = |piece: &Piece| piece.sealed.or(piece.history.as_ref().map(|history| history.end));
        let mut reach = self.pieces.iter().filter_map(known).map(|end| end.frame_no).max().unwrap_or(0);
        let mut broken = None;
        for piece in self.pieces.iter_mut().filter(|piece| piece.in_wal && piece.sealed.is_none()) {
            let verdict = device.inspect_generation(piece.number).map_err(disk("inspected"))?;
            reach = reach.max(verdict.last_frame);
            if let Some(what) = verdict.broken {
                tracing::warn!(generation = piece.number, what, "a generation is not in one piece");
                piece.rubbish = verdict.frames == 0;
                broken = Some((piece.number, what));
            }
        }
        // A store that opens cleanly with frames missing is as bad as one that does not open.
        if reach < mark.frame_no {
            let (place, what) = broken.map_or(("wal".to_owned(), String::new()), |(number, what)| {
                (format!("wal/{number:010}"), format!("{what}; "))
            });
            return Err(Failure::damaged(place, format!("{what}{}", missing(reach, mark))));
        }
        Ok(())
    }

    /// Opens every generation of which there is no history file, and all that may hold the tail.
    pub(super) fn open(&mut self, device: &dyn Disk) -> Result<(), Failure> {
        for piece in self.pieces.iter_mut().filter(|piece| piece.in_wal && !piece.rubbish) {
            if piece.history.is_none() {
                let opened = device.open_generation(piece.number);
                piece.store = Some(opened.map_err(|error| Failure::damaged(piece.place(), error))?);
            }
        }
        Ok(())
    }

    /// Seals, removes and creates generations so that the log can go on after `link`. Returns the
    /// shelf's volumes and the store to write to.
    fn settle(self, device: &dyn Disk, link: Link, clean: bool) -> io::Result<(Vec<Arc<Volume>>, Arc<dyn Store>)> {
        let last_number = self.pieces.last().map_or(0, |piece| piece.number);
        let current = if clean { self.pieces.iter().rposition(|piece| piece.may_go_on()) } else { None };
        let mut volumes = Vec::new();
        let mut going_on = None;
        for (index, piece) in self.pieces.into_iter().enumerate() {
            if Some(index) == current
                && let Some(store) = piece.store.clone()
            {
                let first_seq = piece.first_seq()?.unwrap_or(link.seq + 1);
                volumes.push(Arc::new(Volume::in_wal(piece.number, first_seq, None, Source::Store(store.clone()))));
                going_on = Some(store);
                continue;
            }
            let Some(end) = piece.end else {
                device.remove_generation(piece.number)?;
                continue;
            };
            if piece.sealed.is_none() && piece.in_wal {
                store::write_file(device, &sealed_path(piece.number), &end.to_note())?;
            }
            volumes.extend(piece.into_sealed_volume(end)?);
        }
        let store = match going_on {
            Some(store) => store,
            None => {
                let number = last_number + 1;
                let store = device.create_generation(number)?;
                let source = Source::Store(store.clone());
                volumes.push(Arc::new(Volume::in_wal(number, link.seq + 1, None, source)));
                store
            }
        };
        volumes.sort_by_key(|volume| volume.number);
        Ok((volumes, store))
    }
}

impl Piece {
    fn place(&self) -> String {
        format!("wal/{:010}", self.number)
    }

    fn may_go_on(&self) -> bool {
        self.in_wal && self.sealed.is_none() && self.store.is_some()
    }

    /// First record inside, if there is one.
    pub(super) fn first_seq(&self) -> io::Result<Option<u64>> {
        match (&self.history, &self.store) {
            (Some(history), _) => Ok(Some(history.first_seq)),
            (None, Some(store)) => match store.scan(0).next() {
                Some(bytes) => Ok(Frame::read(&bytes?).ok().map(|frame| frame.head().first_seq)),
                None => Ok(None),
            },
            (None, None) => Ok(None),
        }
    }

    fn into_sealed_volume(self, end: Link) -> io::Result<Option<Arc<Volume>>> {
        let first_seq = self.first_seq()?;
        Ok(match (self.history, self.store, first_seq) {
            (Some(history), _, _) if !self.in_wal => Some(Arc::new(Volume::in_history(self.number, history))),
            (Some(history), _, Some(first_seq)) => {
                Some(Arc::new(Volume::in_wal(self.number, first_seq, Some(end), Source::History(history))))
            }
            (None, Some(store), Some(first_seq)) => {
                Some(Arc::new(Volume::in_wal(self.number, first_seq, Some(end), Source::Store(store))))
            }
            _ => None,
        })
    }

    /// Frames that start at or after record `first_seq`, from the log if it is there, else from history.
    pub(super) fn scan(&self, first_seq: u64) -> Option<Scan> {
        match (&self.store, &self.history) {
            (Some(store), _) => Some(store.scan(first_seq)),
            (None, Some(history)) => Some(history.clone().scan(first_seq)),
            (None, None) => None,
        }
    }
}

/// The state so far and how far that is.
struct Replay {
    directory: u128,
    mark: Mark,
    state: State,
    link: Link,
    /// Snapshots that were read to the end, newest first.
    snapshots: Vec<SnapshotEnd>,
    replayed: u64,
    bytes: u64,
    dropped: Option<String>,
}

/// Why following the log ended.
enum Stop {
    /// Not a frame, or not the next one: the end of the log, if above the mark.
    Torn(String),
    /// Wrong wherever it stands.
    Refused(Failure),
}

impl Replay {
    fn from_snapshot(device: &dyn Disk, directory: u128, mark: Mark) -> Result<Replay, Failure> {
        let start = |state, link, snapshots| Replay {
            directory,
            mark,
            state,
            link,
            snapshots,
            replayed: 0,
            bytes: 0,
            dropped: None,
        };
        for name in snapshot::names(device).map_err(disk("read"))? {
            match snapshot::load(device, directory, &name) {
                Ok((_, end)) if end.link.frame_no > mark.frame_no => {
                    let what = format!("snapshot {name} is beyond the high-water mark at frame {}", mark.frame_no);
                    return Err(Failure::damaged("MARK", what));
                }
                Ok((state, end)) => {
                    let replay = start(state, end.link, vec![end]);
                    return replay.check_mark(&end.link).map(|()| replay);
                }
                Err(SnapshotError::Disk(source)) => return Err(disk("read")(source)),
                Err(SnapshotError::Undecodable { name, why }) => {
                    return Err(Failure::Newer { place: name, what: why.to_string() });
                }
                Err(error) => tracing::error!(%error, "trying the snapshot before"),
            }
        }
        Ok(start(State::default(), Link::START, Vec::new()))
    }

    /// Follows the log from the snapshot to its end.
    fn follow(&mut self, device: &dyn Disk, log: &mut LogFiles, clean: bool) -> Result<(), Failure> {
        for piece in &mut log.pieces {
            if piece.rubbish {
                self.dropped.get_or_insert_with(|| format!("generation {} held no readable frame", piece.number));
                continue;
            }
            if piece.history.as_ref().is_some_and(|history| history.end.frame_no <= self.link.frame_no) {
                piece.end = piece.history.as_ref().map(|history| history.end);
                continue;
            }
            if piece.sealed.is_some_and(|end| end.frame_no <= self.link.frame_no) {
                continue;
            }
            if piece.store.is_none() && piece.history.is_none() {
                continue;
            }
            let before = self.link;
            let mut torn = self.follow_piece(piece)?;
            if torn.is_some() && piece.in_wal && piece.store.is_none() {
                // The history file is damaged, but the generation it was made from is still there.
                piece.history = None;
                let opened = device.open_generation(piece.number);
                piece.store = Some(opened.map_err(|error| Failure::damaged(piece.place(), error))?);
                torn = self.follow_piece(piece)?;
            }
            if let Some(what) = torn {
                tracing::warn!(generation = piece.number, after = self.link.frame_no, what, "the log is torn");
                self.dropped.get_or_insert(what);
            }
            piece.end = if self.link.frame_no > before.frame_no { Some(self.link) } else { self.last_before(piece)? };
            if let Some(sealed) = piece.sealed
                && piece.end != Some(sealed)
            {
                let what = self.dropped.take().unwrap_or_else(|| "it ends too early".to_owned());
                return Err(Failure::damaged(
                    piece.place(),
                    format!("it was sealed at frame {}: {what}", sealed.frame_no),
                ));
            }
        }
        if self.link.frame_no < self.mark.frame_no {
            let what = self.dropped.take().unwrap_or_else(|| "the log ends early".to_owned());
            return Err(Failure::damaged("wal", format!("{what}; {}", missing(self.link.frame_no, &self.mark))));
        }
        match &self.dropped {
            Some(what) if clean => Err(Failure::damaged("wal", format!("{what}, although the last stop was orderly"))),
            _ => Ok(()),
        }
    }

    /// Follows one generation as far as it goes; returns what stands there instead of the next frame.
    fn follow_piece(&mut self, piece: &Piece) -> Result<Option<String>, Failure> {
        let until = piece.sealed.map_or(u64::MAX, |end| end.frame_no);
        let Some(scan) = piece.scan(self.link.seq + 1) else { return Ok(None) };
        match self.follow_scan(scan, until) {
            Ok(()) => Ok(None),
            Err(Stop::Torn(what)) => Ok(Some(what)),
            Err(Stop::Refused(failure)) => Err(failure),
        }
    }

    /// The last frame of a piece that ends at or before the snapshot.
    fn last_before(&self, piece: &Piece) -> Result<Option<Link>, Failure> {
        let Some(store) = &piece.store else { return Ok(piece.end) };
        match store.at_or_before(self.link.seq).map_err(disk("read"))? {
            None => Ok(None),
            Some(bytes) => {
                let frame = Frame::read(&bytes).map_err(|error| Failure::damaged(piece.place(), error))?;
                if frame.link() == self.link {
                    Ok(Some(self.link))
                } else {
                    Err(Failure::damaged(piece.place(), format!("frame {} is not the one known", self.link.frame_no)))
                }
            }
        }
    }

    fn follow_scan(&mut self, scan: Scan, until: u64) -> Result<(), Stop> {
        for bytes in scan {
            let bytes = bytes.map_err(|error| Stop::Torn(error.to_string()))?;
            let frame = match Frame::read(&bytes) {
                Ok(frame) => frame,
                Err(Unreadable::Version(version)) => {
                    let what = format!("frame version {version}");
                    return Err(Stop::Refused(Failure::Newer { place: "wal".to_owned(), what }));
                }
                Err(error @ Unreadable::Content { .. }) => return Err(refused(error)),
                Err(error) => return Err(Stop::Torn(error.to_string())),
            };
            if frame.head().frame_no > until {
                break;
            }
            if frame.head().origin.directory != self.directory {
                return Err(refused("a frame belongs to another data directory"));
            }
            let link = self.link.follow(&frame).map_err(|misplaced| match misplaced {
                Misplaced::Number { .. } => Stop::Torn(misplaced.to_string()),
                other => refused(other),
            })?;
            self.apply(&frame)?;
            self.check_mark(&link).map_err(Stop::Refused)?;
            self.link = link;
            self.bytes += bytes.len() as u64;
        }
        Ok(())
    }

    fn apply(&mut self, frame: &Frame) -> Result<(), Stop> {
        let head = frame.head();
        for slice in frame.records() {
            let record = codec::decode(&head, &slice).map_err(|error| match error {
                codec::Undecodable::Unknown { .. } => {
                    Stop::Refused(Failure::Newer { place: format!("record {}", slice.seq), what: error.to_string() })
                }
                codec::Undecodable::Shape { .. } => refused(format!("record {}: {error}", slice.seq)),
            })?;
            self.state.apply(&record).map_err(|law| refused(format!("a law is broken: {law}")))?;
            self.replayed += 1;
        }
        Ok(())
    }

    /// The frame the mark names must be the very one that was acknowledged.
    fn check_mark(&self, link: &Link) -> Result<(), Failure> {
        let mark = &self.mark;
        if link.frame_no == mark.frame_no && (link.hash != mark.hash || link.seq != mark.seq) {
            return Err(Failure::damaged("wal", format!("frame {} is not the one acknowledged", mark.frame_no)));
        }
        Ok(())
    }
}

fn refused(what: impl ToString) -> Stop {
    Stop::Refused(Failure::damaged("wal", what))
}

fn missing(reach: u64, mark: &Mark) -> String {
    format!("frames {} to {} were acknowledged and are missing", reach + 1, mark.frame_no)
}
