//! A withdrawal: units taken from one or more words, all or nothing.
//!
//! Words are taken in ascending order: the limits records of skus that have one, then cells by (sku, node). A withdrawal of several words marks its units in flight until its
//! record is appended; one of a single word is not marked. An unfinished withdrawal rolls back when dropped. The
//! single unmarked word cannot be rolled back without its ledger; nothing between its take and the append can fail, so
//! a drop there is a bug and stops the process: nothing was logged, replay knows of no take.

use std::time::{Duration, Instant};

use super::cell::{CellWord, Short, Word};
use super::limits::Limited;
use crate::domain::channel_limits::{Asked, LimitShort};
use crate::domain::limits::PATIENCE_US;

/// Most times that a request is begun anew because others were faster. Each time somebody else had units: so often it is no
/// race any more but a plan that can never be had, and who made it must not go on for ever.
const TRIES_MAX: u32 = 100_000;

/// How long a request may still wait for units in flight, and how often it may be begun anew.
#[derive(Debug, Default)]
pub struct Patience {
    until: Option<Instant>,
    rounds: u32,
    tries: u32,
}

impl Patience {
    /// Others were faster; `false` when that was so too often.
    pub fn again(&mut self) -> bool {
        self.tries += 1;
        let goes_on = self.tries < TRIES_MAX;
        if !goes_on {
            tracing::error!(tries = TRIES_MAX, "what was planned cannot be had, however often it is tried");
            #[cfg(test)]
            panic!("what was planned cannot be had, however often it is tried");
        }
        goes_on
    }

    /// Waits a moment; `false` when patience has run out.
    pub fn wait(&mut self) -> bool {
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + Duration::from_micros(PATIENCE_US));
        if now >= until {
            return false;
        }
        self.rounds += 1;
        if self.rounds < 16 {
            std::hint::spin_loop()
        } else {
            std::thread::yield_now()
        }
        true
    }
}

/// Units taken and not yet logged.
#[derive(Debug)]
#[must_use = "units that are taken must be logged or given back"]
pub struct Withdrawal<'a> {
    limits: Vec<Counted<'a>>,
    taken: Vec<(CellWord<'a>, u32)>,
    marked: bool,
}

/// Units to be taken at a limits record.
#[derive(Clone, Copy, Debug)]
pub struct LimitTake<'a> {
    /// The record.
    pub limited: &'a Limited,
    /// Whose share they count in; nobody's when `None`.
    pub share: Option<usize>,
    /// Units to be taken, and units that change their owner and are counted in the share as well.
    pub asked: Asked,
    /// The first of the words behind it: a refusal here is told as one of that word.
    pub first: usize,
}

/// Units taken at a limits record; of those taken for nobody, `gone` are taken from the cell as well.
#[derive(Debug)]
struct Counted<'a> {
    limited: &'a Limited,
    share: Option<usize>,
    units: u32,
    adopted: u32,
    gone: u32,
}

/// Why nothing was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// Word number so-and-so has too little, whatever those in flight do.
    Refused(usize),
    /// Those in flight took too long.
    Contended,
}

impl<'a> Withdrawal<'a> {
    /// Nothing taken.
    pub fn nothing() -> Self {
        Self { limits: Vec::new(), taken: Vec::new(), marked: true }
    }

    /// Takes all words, given ascending and each once, or none.
    pub fn take(words: &[(CellWord<'a>, u32)], patience: &mut Patience) -> Result<Self, NotTaken> {
        Self::all(&[], words, words.len() > 1, patience)
    }

    /// As [`Withdrawal::take`], the limits records first, given ascending and each once. Marked if asked, behind a record,
    /// and wherever there is more than one word.
    pub fn take_limited(
        limits: &[LimitTake<'a>],
        words: &[(CellWord<'a>, u32)],
        marked: bool,
        patience: &mut Patience,
    ) -> Result<Self, NotTaken> {
        Self::all(limits, words, marked || !limits.is_empty() || words.len() > 1, patience)
    }

    fn all(
        limits: &[LimitTake<'a>],
        words: &[(CellWord<'a>, u32)],
        marked: bool,
        patience: &mut Patience,
    ) -> Result<Self, NotTaken> {
        let taken = Vec::with_capacity(words.len());
        let mut withdrawal = Self { limits: Vec::with_capacity(limits.len()), taken, marked };
        for &LimitTake { limited, share, asked, first } in limits {
            let Asked { units, adopted, .. } = asked;
            loop {
                match limited.take(share, asked) {
                    Ok(()) => break,
                    Err(LimitShort::Refuse) => return Err(NotTaken::Refused(first)),
                    Err(LimitShort::Wait) if patience.wait() => {}
                    Err(LimitShort::Wait) => return Err(NotTaken::Contended),
                }
            }
            withdrawal.limits.push(Counted { limited, share, units, adopted, gone: units });
        }
        for (at, (word, units)) in words.iter().enumerate() {
            loop {
                match word.take(*units, marked) {
                    Ok(()) => break,
                    Err(Short::Refuse) => return Err(NotTaken::Refused(at)),
                    Err(Short::Wait) if patience.wait() => {}
                    Err(Short::Wait) => return Err(NotTaken::Contended),
                }
            }
            withdrawal.taken.push((*word, *units));
        }
        Ok(withdrawal)
    }

    /// Adds up to `units` of a word for nobody, the limits record in front of it first; answers how many. Only for
    /// marked withdrawals.
    pub fn add_up_to(&mut self, word: CellWord<'a>, limited: Option<&'a Limited>, units: u32) -> u32 {
        assert!(self.marked, "only a marked withdrawal grows");
        let counted = limited.map(|limited| (limited, limited.take_up_to(units.min(word.free()))));
        let taken = word.take_up_to(counted.map_or(units, |(_, units)| units));
        if let Some((limited, units)) = counted.filter(|(_, units)| *units > 0) {
            self.limits.push(Counted { limited, share: None, units, adopted: 0, gone: taken });
        }
        if taken > 0 {
            self.taken.push((word, taken));
        }
        taken
    }

    /// Units of a word that this withdrawal has in flight.
    pub fn in_flight_of(&self, word: &Word) -> u32 {
        self.taken.iter().filter(|(taken, _)| std::ptr::eq(&**taken, word)).map(|(_, units)| *units).sum()
    }

    /// The record is appended: the marks go and the units are the log's.
    pub fn logged(mut self) {
        for Counted { limited, share, units, adopted, gone } in std::mem::take(&mut self.limits) {
            limited.clear(share, units, adopted, gone);
        }
        let taken = std::mem::take(&mut self.taken);
        if self.marked {
            for (word, units) in taken {
                word.clear(units);
            }
        }
    }
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if self.marked {
            for (word, units) in self.taken.drain(..).rev() {
                word.roll_back(units);
            }
            for Counted { limited, share, units, adopted, .. } in self.limits.drain(..).rev() {
                limited.roll_back(share, units, adopted);
            }
        } else if !self.taken.is_empty() {
            tracing::error!("a single-word withdrawal was dropped between take and append; stopping");
            std::process::abort();
        }
    }
}

/// Stops the process when dropped before [`Unfinished::done`]: a panic between append and the last give must not leave
/// memory behind the log. Replay finishes the work.
pub struct Unfinished(());

impl Unfinished {
    /// From here on there is no way back.
    pub fn begin() -> Self {
        Self(())
    }

    /// Memory has caught up with the log.
    pub fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        tracing::error!("a panic between append and apply; stopping, replay finishes the work");
        // A test that panics has failed by that, and the panic should be able to say why.
        if !cfg!(test) {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NodeIndex;
    use crate::engine::cell::{AllCells, Cells, Sum};

    fn two() -> (Cells, Sum) {
        let (cells, sum) = (Cells::default(), Sum::default());
        (0..2).for_each(|node| assert_eq!(cells.with(&sum).push(NodeIndex(node)), node as usize));
        (cells, sum)
    }

    fn words(cells: AllCells<'_>) -> [CellWord<'_>; 2] {
        [0, 1].map(|node| cells.of(NodeIndex(node)).expect("made").word)
    }

    #[test]
    fn a_refused_withdrawal_leaves_every_word_as_it_was() {
        let (cells, sum) = two();
        let cells = cells.with(&sum);
        let [a, b] = words(cells);
        a.give(3);
        b.give(1);
        let refused = Withdrawal::take(&[(a, 2), (b, 2)], &mut Patience::default());
        assert_eq!(refused.err(), Some(NotTaken::Refused(1)));
        assert_eq!((a.both(), b.both(), cells.free()), ((3, 0), (1, 0), 4));
    }

    #[test]
    fn a_dropped_withdrawal_gives_back() {
        let (cells, sum) = two();
        let cells = cells.with(&sum);
        let [a, b] = words(cells);
        a.give(3);
        b.give(1);
        let taken = Withdrawal::take(&[(a, 2), (b, 1)], &mut Patience::default()).expect("enough is there");
        assert_eq!((a.both(), b.both(), cells.free()), ((1, 2), (0, 1), 1));
        drop(taken);
        assert_eq!((a.both(), b.both(), cells.free()), ((3, 0), (1, 0), 4));
    }

    #[test]
    fn patience_ends() {
        let (cells, sum) = two();
        let cells = cells.with(&sum);
        let [word, _] = words(cells);
        word.give(2);
        assert_eq!(word.take(2, true), Ok(()));
        let waited = Withdrawal::take(&[(word, 1)], &mut Patience::default());
        assert_eq!(waited.err(), Some(NotTaken::Contended));
    }
}
