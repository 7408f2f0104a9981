//! Following the log from a snapshot to its end, and telling a torn tail from damage.
//!
//! Every frame is judged by length, checksum, number, chain and epoch; every record is decoded and
//! folded under the laws of the domain. Bytes that are no frame, and gaps, end the log: that is a
//! torn tail above the high-water mark, and damage below. Anything else that is wrong is refused
//! wherever it stands, since no torn write looks like it.
//!
//! Not here: changing anything.

use super::codec;
use super::frame::{Frame, Link, Misplaced, Unreadable};
use super::mark::Mark;
use super::pieces::{LogFiles, Piece, missing};
use super::recovery::{Failure, disk, of_store};
use super::snapshot::{self, SnapshotEnd, SnapshotError};
use super::store::{Disk, Scan};
use super::verdict::is_of_the_system;
use crate::domain::event::Event;
use crate::domain::state::State;
use crate::sabotage::{Bug, planted};

/// The state so far and how far that is.
pub(super) struct Replay {
    directory: u128,
    mark: Mark,
    pub(super) state: State,
    /// The last frame followed.
    pub(super) link: Link,
    /// Snapshots that were read to the end, newest first.
    pub(super) snapshots: Vec<SnapshotEnd>,
    /// Records folded since the snapshot, and bytes of their frames.
    pub(super) replayed: u64,
    pub(super) bytes: u64,
    /// What was found above the mark and is left out.
    pub(super) dropped: Option<String>,
}

/// Why following the log ended.
enum Stop {
    /// Not a frame, or not the next one: the end of the log, if above the mark.
    Torn(String),
    /// Wrong wherever it stands.
    Refused(Failure),
}

impl Replay {
    /// Starts from the newest snapshot that reads to its last byte, or from nothing.
    pub(super) fn from_snapshot(device: &dyn Disk, directory: u128, mark: Mark) -> Result<Replay, Failure> {
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
    pub(super) fn follow(&mut self, device: &dyn Disk, log: &mut LogFiles, clean: bool) -> Result<(), Failure> {
        let mut behind = None;
        for piece in &mut log.pieces {
            if piece.rubbish {
                self.dropped.get_or_insert_with(|| format!("generation {} held no readable frame", piece.number));
                continue;
            }
            if let Some(end) = behind
                && Replay::check_seam(end, piece)?
            {
                behind = None;
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
                piece.store = Some(opened.map_err(of_store(piece.place(), "opened"))?);
                torn = self.follow_piece(piece)?;
            }
            if let Some(what) = torn {
                tracing::warn!(generation = piece.number, after = self.link.frame_no, what, "the log is torn");
                self.dropped.get_or_insert(what);
            }
            piece.end = if self.link.frame_no > before.frame_no { Some(self.link) } else { self.last_before(piece)? };
            behind = piece.end.filter(|end| end.frame_no < self.link.frame_no).or(behind);
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
        if let Some(end) = behind {
            let what = format!("frames {} to {} are missing", end.frame_no + 1, self.link.frame_no);
            return Err(Failure::damaged("wal", what));
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

    /// The last frame of a piece that ends at or before the snapshot. A snapshot may be ahead of the seal of a
    /// generation, so that may be an earlier frame than the snapshot's own.
    fn last_before(&self, piece: &Piece) -> Result<Option<Link>, Failure> {
        let Some(store) = &piece.store else { return Ok(piece.end) };
        match store.at_or_before(self.link.seq).map_err(disk("read"))? {
            None => Ok(None),
            Some(bytes) => {
                let frame = Frame::read(&bytes).map_err(|error| Failure::damaged(piece.place(), error))?;
                let end = frame.link();
                if end == self.link || end.frame_no < self.link.frame_no {
                    Ok(Some(end))
                } else {
                    Err(Failure::damaged(piece.place(), format!("frame {} is not the one known", self.link.frame_no)))
                }
            }
        }
    }

    /// What ended behind the snapshot must be followed by the piece after it: replay did not pass the seam.
    fn check_seam(behind: Link, piece: &Piece) -> Result<bool, Failure> {
        let Some(bytes) = piece.scan(0).and_then(|mut scan| scan.next()) else { return Ok(false) };
        let bytes = bytes.map_err(of_store(piece.place(), "read"))?;
        let frame = Frame::read(&bytes).map_err(|error| Failure::damaged(piece.place(), error))?;
        behind.follow(&frame).map(|_| true).map_err(|error| Failure::damaged(piece.place(), error))
    }

    fn follow_scan(&mut self, scan: Scan, until: u64) -> Result<(), Stop> {
        for bytes in scan {
            // What stands behind the end of a sealed generation was dropped by an earlier start: it is nobody's.
            if self.link.frame_no >= until {
                break;
            }
            let bytes = bytes.map_err(|error| match is_of_the_system(&error) {
                true => Stop::Refused(disk("read")(error)),
                false => Stop::Torn(error.to_string()),
            })?;
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
            let mut record = codec::decode(&head, &slice).map_err(|error| match error {
                codec::Undecodable::Unknown { .. } => {
                    Stop::Refused(Failure::Newer { place: format!("record {}", slice.seq), what: error.to_string() })
                }
                codec::Undecodable::Shape { .. } => refused(format!("record {}: {error}", slice.seq)),
            })?;
            if planted(Bug::DropEventKind) {
                record.events.retain(|event| !matches!(event, Event::KeyUsed(_)));
            }
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
