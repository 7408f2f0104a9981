//! The log as it lies in a directory: generations and history files, sealed or not, judged or not.
//!
//! Used by recovery and by `check`, before there is a journal. Finding and judging change nothing;
//! only [`LogFiles::settle`] does, after everything was verified, and repeating it after a crash
//! gives the same log.
//!
//! Not here: what the frames say (`replay`).

use std::io;
use std::sync::Arc;

use super::frame::{Frame, Link};
use super::generation::sealed_path;
use super::history::{self, History};
use super::mark::Mark;
use super::recovery::{Failure, disk, of_store, read_note};
use super::shelf::{Source, Volume};
use super::store::{self, Disk, Scan, Store};
use super::verdict::is_of_the_system;

/// Every generation of the log and its history, oldest first.
pub(super) struct LogFiles {
    pub(super) pieces: Vec<Piece>,
    /// History files that alone hold their records and cannot be read, with what is wrong.
    pub(super) lost: Vec<(String, String)>,
}

/// A log that can go on.
pub(super) struct Settled {
    /// What readers find, oldest first.
    pub(super) volumes: Vec<Arc<Volume>>,
    /// Where the writer goes on.
    pub(super) store: Arc<dyn Store>,
}

/// One generation as it lies in the directory.
pub(super) struct Piece {
    pub(super) number: u64,
    /// Its directory is still there, not only its history file.
    pub(super) in_wal: bool,
    /// Where it was sealed.
    pub(super) sealed: Option<Link>,
    pub(super) history: Option<Arc<History>>,
    pub(super) store: Option<Arc<dyn Store>>,
    /// Nothing in it was ever acknowledged, and it cannot be opened.
    pub(super) rubbish: bool,
    /// The last good frame in it, if any, once replay has passed.
    pub(super) end: Option<Link>,
}

impl LogFiles {
    pub(super) fn find(device: &dyn Disk, directory: u128) -> Result<LogFiles, Failure> {
        let (mut pieces, mut lost): (Vec<Piece>, Vec<(String, String)>) = Default::default();
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
                Some(Err(error)) if is_of_the_system(&error) => return Err(disk("read")(error)),
                Some(Err(error)) => {
                    tracing::warn!(generation = number, %error, "a history file is unusable");
                    if !in_wal {
                        lost.push((history::path(number), error.to_string()));
                    }
                    None
                }
            };
            if in_wal || history.is_some() {
                pieces.push(Piece { number, in_wal, sealed, history, store: None, rubbish: false, end: sealed });
            }
        }
        for (before, after) in pieces.iter().zip(pieces.iter().skip(1)) {
            let first_seq = after.history.as_ref().map(|history| history.first_seq);
            if let (Some(end), Some(first_seq)) = (before.history.as_ref().map(|history| history.end), first_seq)
                && first_seq != end.seq + 1
            {
                lost.push((
                    history::path(before.number + 1),
                    format!("records {} to {first_seq} are missing", end.seq),
                ));
            }
        }
        Ok(LogFiles { pieces, lost })
    }

    /// Refuses history that is shorter than what was kept. The state does not need it, and still nobody who follows the
    /// log may be told that it never was.
    pub(super) fn refuse_lost(&self) -> Result<(), Failure> {
        match self.lost.first() {
            None => Ok(()),
            Some((place, what)) => Err(Failure::Damaged {
                what: what.clone(),
                place: place.clone(),
                remedy: "restore it from a mirror or a backup; the state does not need it: to go on without its records, \
                         move it and all older history files away",
            }),
        }
    }

    /// Judges what no stop left in order, without touching it.
    pub(super) fn inspect(&mut self, device: &dyn Disk, mark: &Mark) -> Result<(), Failure> {
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
                piece.store = Some(opened.map_err(of_store(piece.place(), "opened"))?);
            }
        }
        Ok(())
    }

    /// Seals, removes and creates generations so that the log can go on after `link`.
    pub(super) fn settle(self, device: &dyn Disk, link: Link, clean: bool) -> io::Result<Settled> {
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
        Ok(Settled { volumes, store })
    }
}

impl Piece {
    pub(super) fn place(&self) -> String {
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

/// What an operator reads when the log ends before the mark.
pub(super) fn missing(reach: u64, mark: &Mark) -> String {
    format!("frames {} to {} were acknowledged and are missing", reach + 1, mark.frame_no)
}
