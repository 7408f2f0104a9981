//! Counts: absolute observations of what is on hand, made somewhere else and told late, twice or out of turn.
//!
//! A count says what was there *as of* an instant. What happened here since is done again on top of it: the new level is
//! the count plus every own movement after that instant. Of all counts of a cell the newest observation wins, in
//! whatever order they arrive; of one source, the highest of its sequence numbers. What is dropped for that changes
//! nothing, and so does a count of what is known anyway: two systems that tell each other their levels fall silent.
//!
//! What is remembered of own movements is bounded: so many hours, so many movements a minute. What is *not* here: how a
//! correction moves stock (the engine's `adjust`).

use serde::{Deserialize, Serialize};

use super::event::{CountNoted, StockMoved};
use super::ids::Text;
use super::limits::{COUNT_WINDOW_MS, MOVEMENTS_A_MINUTE_MAX};
use super::stock::{CellKey, LawBroken, MovementKind};
use super::time::JournalTime;

/// What the counts of one cell have told so far.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CountMark {
    /// The instant of the newest observation.
    pub observed_at: JournalTime,
    /// The last sequence number of every source that has them.
    pub sources: Vec<(Text, u64)>,
}

/// Why a count was not taken up. It is no error: its sender has nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Dropped {
    /// A newer one was taken up before.
    Stale,
    /// It was taken up before.
    Duplicate,
}

impl Dropped {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
        }
    }
}

impl CountMark {
    /// The last sequence number of a source.
    pub fn last_of(&self, source: &str) -> Option<u64> {
        self.sources.iter().find(|(known, _)| &**known == source).map(|(_, last)| *last)
    }

    /// Whether a count with this number of its source, observed then, is to be dropped.
    pub fn drops(&self, numbered: Option<(&str, u64)>, observed_at: JournalTime) -> Option<Dropped> {
        let last = numbered.and_then(|(source, number)| Some((self.last_of(source)?, number)));
        match last {
            Some((last, number)) if number == last => Some(Dropped::Duplicate),
            Some((last, number)) if number < last => Some(Dropped::Stale),
            _ => (observed_at < self.observed_at).then_some(Dropped::Stale),
        }
    }

    /// The next state of a mark.
    pub fn fold(before: Option<Self>, noted: &CountNoted) -> Result<Self, LawBroken> {
        let numbered = noted.source.as_deref().zip(noted.source_seq);
        if let Some(dropped) = before.as_ref().and_then(|mark| mark.drops(numbered, noted.observed_at)) {
            return Err(LawBroken(format!("a count that is {} was taken up: {noted:?}", dropped.word())));
        }
        let mut mark = before.unwrap_or(Self { observed_at: noted.observed_at, sources: Vec::new() });
        mark.observed_at = noted.observed_at;
        if let (Some(source), Some(number)) = (&noted.source, noted.source_seq) {
            match mark.sources.iter_mut().find(|(known, _)| known == source) {
                Some((_, last)) => *last = number,
                None => mark.sources.push((source.clone(), number)),
            }
        }
        Ok(mark)
    }

    /// Whether nothing needs to know of it any more at `now`: no source has a number, and every count it could drop is too
    /// old to be taken. As long again, so that what it moved is forgotten first.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.sources.is_empty() && now.0 - self.observed_at.0 > 2 * COUNT_WINDOW_MS
    }
}

/// A change of what is on hand in a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moved {
    /// When it was decided.
    pub at: JournalTime,
    /// Which cell.
    pub cell: CellKey,
    /// By how much.
    pub on_hand: i32,
    /// Whether a count caused it: then it is no movement, and later counts do not do it again.
    pub counted: bool,
}

impl Moved {
    /// What a movement changed of what is on hand, if anything.
    pub fn of(moved: &StockMoved, at: JournalTime) -> Option<Self> {
        let (on_hand, counted) = (moved.delta.on_hand, moved.kind == MovementKind::Counted);
        (on_hand != 0).then_some(Self { at, cell: moved.cell, on_hand, counted })
    }

    /// The minute it belongs to.
    pub fn minute(&self) -> MinuteKey {
        MinuteKey::of(self.at)
    }
}

/// Number of a minute of journal time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct MinuteKey(pub i64);

impl MinuteKey {
    /// The minute of an instant.
    pub fn of(at: JournalTime) -> Self {
        Self(at.0.div_euclid(60_000))
    }

    /// The first instant after it.
    pub fn end(self) -> JournalTime {
        JournalTime((self.0 + 1) * 60_000)
    }
}

/// What changed on hand in one minute, everywhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Minute {
    /// Which.
    pub key: MinuteKey,
    /// In the order of the log; nothing when there was too much of it.
    pub moved: Vec<Moved>,
    /// Whether there was more than is remembered: counts as of before its end are refused.
    pub is_too_full: bool,
}

impl Minute {
    /// The next state of a minute.
    pub fn fold(before: Option<Self>, moved: Moved) -> Self {
        let mut minute = before.unwrap_or(Self { key: moved.minute(), moved: Vec::new(), is_too_full: false });
        if minute.moved.len() >= MOVEMENTS_A_MINUTE_MAX {
            minute.is_too_full = true;
            minute.moved = Vec::new();
        } else if !minute.is_too_full {
            minute.moved.push(moved);
        }
        minute
    }

    /// Whether no count can be as of before it any more.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        now.0 - self.key.end().0 > COUNT_WINDOW_MS
    }
}
