//! From a directory nobody vouches for to a journal and the state it proves.
//!
//! 1. `FORMAT`, the high-water mark and the marker of a clean stop are read.
//! 2. After an unclean stop every unsealed generation is judged on a copy, in a child process if one
//!    is configured, before anything opens the original.
//! 3. The archive is opened, and the newest good snapshot is loaded, else the one before, else nothing; the archive
//!    must hold what that snapshot lacks.
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
//! FORMAT   ordain data directory / format 4 / reader 4 / id <32 hex digits>
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

use super::archive::{self, Archive};
use super::clock::{CLOCK_BEHIND_MS_MAX, Clock, ClockChoice, Machine, SystemClock, ThisMachine, wall_ms};
use super::counters::Counters;
use super::durable::Progress;
use super::frame::{Link, Origin};
use super::generation::Generations;
use super::mark::{self, Mark};
use super::options::Options;
use super::pieces::{LogFiles, Settled};
use super::replay::Replay;
use super::room::Room;
use super::seat::Seats;
use super::shelf::Shelf;
use super::store::{self, Directory, Disk};
use super::verdict::is_of_the_system;
use super::writer::{Inbox, Writer};
use super::{Bell, Core, Journal};
use crate::domain::state::State;
use crate::sabotage::{Bug, planted};

/// Format this program writes, and the newest it reads.
const FORMAT: u32 = 4;
/// Oldest format number a program must know to read what is written now.
const READER: u32 = 4;
/// From this format on a directory has an archive.
const ARCHIVE_FORMAT: u32 = 3;

/// So many generations in the log make a snapshot due whatever their size: each restart after a
/// crash begins one.
const GENERATIONS_IN_WAL: usize = 16;

const REMEDY: &str = "keep the directory as it is; `ordain check` says what else is damaged; go on from a mirror or \
                      from the newest backup (`ordain restore`), and compare";

const REMEDY_OF_MARK: &str = "the log may be whole: `ordain check` says so, and `ordain rebuild-mark` then writes the \
                              mark anew at its end; or restore from a backup";

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
    pub(super) fn damaged(place: impl Into<String>, what: impl ToString) -> Failure {
        Failure::Damaged { what: what.to_string(), place: place.into(), remedy: REMEDY }
    }
}

/// A store that does not open or read: the disk failed, or what it holds is damaged.
pub(super) fn of_store(place: impl Into<String>, doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| match is_of_the_system(&error) {
        true => Failure::Disk { doing, source: error },
        false => Failure::damaged(place, error),
    }
}

fn mark_lost(what: impl ToString) -> Failure {
    Failure::Damaged { what: what.to_string(), place: "MARK".to_owned(), remedy: REMEDY_OF_MARK }
}

/// Says what was being done when the disk failed.
pub(super) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
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
        match Directory::open(root, options.store, options.verifier.clone()) {
            Ok(directory) => Ok(Unrecovered::on(Arc::new(directory), options)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Failure::InUse(error.to_string())),
            Err(error) => Err(disk("opened")(error)),
        }
    }

    /// Any disk.
    pub(crate) fn on(disk: Arc<dyn Disk>, options: Options) -> Unrecovered {
        Unrecovered { disk, options }
    }

    /// Verifies everything, folds the state and opens the journal.
    pub fn recover(self) -> Result<(Journal, State), Failure> {
        let Unrecovered { disk: device, options } = self;
        let (directory, created) = found_or_create(&*device)?;
        let mark = Mark::load(&*device).map_err(disk("read"))?;
        let mark = mark.ok_or_else(|| mark_lost("neither slot of the high-water mark is readable"))?;
        let clean = read_note(&*device, "CLEAN")?;
        if let Some(note) = clean.filter(|note| note.frame_no > mark.frame_no) {
            let what = format!("the last stop left frame {}, the mark says {}", note.frame_no, mark.frame_no);
            return Err(mark_lost(what));
        }
        // A note of another position is no word about this one.
        let clean = clean.filter(|note| note.frame_no == mark.frame_no && note.hash == mark.hash);

        let mut log = LogFiles::find(&*device, directory)?;
        log.refuse_lost()?;
        if clean.is_none() {
            log.inspect(&*device, &mark)?;
        }
        let archive = open_archive(&device, directory)?;
        let mut replay = Replay::from_snapshot(&*device, directory, mark)?;
        archive.check_covers(replay.link.seq).map_err(archive_damaged)?;
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
        Verified { device, options, directory, log, archive, replay, mark, clock, opening }.open()
    }
}

/// Everything was verified; from here on the directory is changed.
struct Verified {
    device: Arc<dyn Disk>,
    options: Options,
    directory: u128,
    log: LogFiles,
    archive: Archive,
    replay: Replay,
    mark: Mark,
    clock: Arc<dyn Clock>,
    opening: Opening,
}

impl Verified {
    fn open(self) -> Result<(Journal, State), Failure> {
        let Verified { device, options, directory, log, archive, replay, mut mark, clock, opening } = self;
        let Replay { mut state, link, bytes, snapshots, .. } = replay;
        state.forget();
        let Settled { volumes, store } = log.settle(&*device, link, opening.clean).map_err(disk("prepared"))?;
        if link.frame_no > mark.frame_no {
            mark.advance(&*device, &link).map_err(disk("marked"))?;
        }
        let covered = snapshots.first().map_or(0, |snapshot| snapshot.link.seq);
        raise_format(&*device, directory, covered).map_err(disk("prepared"))?;
        device.remove_file("CLEAN").map_err(disk("prepared"))?;
        device.sweep().and_then(|()| archive.sweep()).map_err(disk("swept"))?;

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
            archive: Arc::new(archive),
            snapshots: Mutex::new(snapshots),
            folding: Mutex::new(()),
            durable_link: Mutex::new(link),
            bytes_since_snapshot: AtomicU64::new(if in_wal > GENERATIONS_IN_WAL { u64::MAX / 2 } else { bytes }),
            room: Room::default(),
            keeper: Bell::new(),
            folder: Bell::new(),
            stopping: AtomicBool::new(false),
            disk: device,
            options,
        });
        core.look_for_room();
        core.kick_keeper();
        core.folder.ring();
        let writer = Writer::new(core.clone(), link, mark, store, bytes);
        tracing::info!(seq = link.seq, replayed = opening.replayed, clean = opening.clean, "the journal is open");
        let journal = Journal::start(core, writer, opening).map_err(disk("served"))?;
        Ok((journal, state))
    }
}

/// Leaves the marker of an orderly end.
pub(super) fn leave_clean_marker(device: &dyn Disk, link: &Link) -> Result<(), Failure> {
    store::write_file(device, "CLEAN", &link.to_note()).map_err(disk("closed"))
}

/// A note of a position beside the log; `None` if there is none, or a damaged one.
pub(super) fn read_note(device: &dyn Disk, path: &str) -> Result<Option<Link>, Failure> {
    let bytes = store::read_file(device, path).map_err(disk("read"))?;
    Ok(bytes.and_then(|bytes| Link::from_note(&bytes)))
}

/// Makes a directory of what was restored: the log ends at `end`, and the stop was orderly.
pub(super) fn found(device: &dyn Disk, id: u128, end: &Link) -> io::Result<()> {
    archive::found(device, id, end.seq)?;
    mark::rewrite(device, end)?;
    store::write_file(device, "CLEAN", &end.to_note())?;
    write_format(device, id)
}

fn write_format(device: &dyn Disk, id: u128) -> io::Result<()> {
    store::write_file(device, "FORMAT", format_text(id).as_bytes())
}

fn format_text(id: u128) -> String {
    format!("ordain data directory\nformat {FORMAT}\nreader {READER}\nid {id:032x}\n")
}

/// Says that an older program can no longer read what is written from now on. A directory that has no archive yet gets
/// one first, which lacks nothing up to `covered`: nothing has left.
fn raise_format(device: &dyn Disk, id: u128, covered: u64) -> io::Result<()> {
    archive::found(device, id, covered)?;
    let is_now = store::read_file(device, "FORMAT")?.is_some_and(|bytes| bytes == format_text(id).into_bytes());
    if is_now { Ok(()) } else { write_format(device, id) }
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
        // One that an unfinished creation left is of another id.
        device.remove_file(archive::MANIFEST)?;
        archive::found(device, id, 0)?;
        write_format(device, id)?;
        Ok(id)
    };
    create().map(|id| (id, true)).map_err(disk("created"))
}

/// The archive of a directory; refused when it is damaged, or missing where there must be one.
pub(super) fn open_archive(device: &Arc<dyn Disk>, directory: u128) -> Result<Archive, Failure> {
    let must_exist = read_formats(&**device)?.is_some_and(|(format, _)| format >= ARCHIVE_FORMAT);
    Archive::open(device.clone(), directory, must_exist).map_err(archive_damaged)
}

fn archive_damaged((place, error): archive::Damage) -> Failure {
    of_store(place, "read")(error)
}

/// The id in `FORMAT`, or `None` if there is no such file.
pub(super) fn read_format(device: &dyn Disk) -> Result<Option<u128>, Failure> {
    Ok(read_formats(device)?.map(|(_, id)| id))
}

/// Format and id in `FORMAT`.
fn read_formats(device: &dyn Disk) -> Result<Option<(u32, u128)>, Failure> {
    let Some(bytes) = store::read_file(device, "FORMAT").map_err(disk("read"))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name).map(str::to_owned);
    let mut parse = || -> Option<(u32, u32, u128)> {
        field("ordain data directory")?;
        let format = field("format ")?.parse().ok()?;
        let reader = field("reader ")?.parse().ok()?;
        Some((reader, format, u128::from_str_radix(&field("id ")?, 16).ok()?))
    };
    match parse() {
        Some((reader, format, id)) if reader <= FORMAT => Ok(Some((format, id))),
        Some((reader, ..)) => Err(Failure::Newer {
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
    let (machine, accept): (Arc<dyn Machine>, bool) = match choice {
        ClockChoice::System { accept } => (ThisMachine::new(), *accept),
        ClockChoice::Machine { machine, accept } => (machine.clone(), *accept),
        ClockChoice::Manual(clock) => {
            clock.advance_to(link.time);
            return Ok(clock.clone());
        }
    };
    let behind_ms = link.time.saturating_sub(machine.wall_ms());
    if link.seq > 0 && behind_ms > CLOCK_BEHIND_MS_MAX && !accept && !planted(Bug::AnyClock) {
        return Err(Failure::ClockBehind { behind_ms });
    }
    Ok(Arc::new(SystemClock::start(machine, link.time)))
}
