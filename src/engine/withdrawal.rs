//! A withdrawal: units taken from one or more words, all or nothing.
//!
//! Words are taken in ascending order of (sku, node). A withdrawal of several words marks its units in flight until its
//! record is appended; one of a single word is not marked. An unfinished withdrawal rolls back when dropped. The
//! single unmarked word cannot be rolled back without its ledger; nothing between its take and the append can fail, so
//! a drop there is a bug and stops the process: nothing was logged, replay knows of no take.

use std::time::{Duration, Instant};

use super::cell::{Short, Word};
use crate::domain::limits::PATIENCE_US;

/// How long a request may still wait for units in flight.
#[derive(Debug, Default)]
pub struct Patience {
    until: Option<Instant>,
    rounds: u32,
}

impl Patience {
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
    taken: Vec<(&'a Word, u32)>,
    marked: bool,
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
        Self { taken: Vec::new(), marked: true }
    }

    /// Takes all words, given ascending and each once, or none.
    pub fn take(words: &[(&'a Word, u32)], patience: &mut Patience) -> Result<Self, NotTaken> {
        Self::all(words, words.len() > 1, patience)
    }

    /// As [`Withdrawal::take`], but marks even a single word: for those who look at the word again before the append.
    pub fn take_marked(words: &[(&'a Word, u32)], patience: &mut Patience) -> Result<Self, NotTaken> {
        Self::all(words, true, patience)
    }

    fn all(words: &[(&'a Word, u32)], marked: bool, patience: &mut Patience) -> Result<Self, NotTaken> {
        let mut withdrawal = Self { taken: Vec::with_capacity(words.len()), marked };
        for (at, (word, units)) in words.iter().enumerate() {
            loop {
                match word.take(*units, marked) {
                    Ok(()) => break,
                    Err(Short::Refuse) => return Err(NotTaken::Refused(at)),
                    Err(Short::Wait) if patience.wait() => {}
                    Err(Short::Wait) => return Err(NotTaken::Contended),
                }
            }
            withdrawal.taken.push((word, *units));
        }
        Ok(withdrawal)
    }

    /// Adds up to `units` of a word; answers how many. Only for marked withdrawals.
    pub fn add_up_to(&mut self, word: &'a Word, units: u32) -> u32 {
        assert!(self.marked, "only a marked withdrawal grows");
        let taken = word.take_up_to(units);
        if taken > 0 {
            self.taken.push((word, taken));
        }
        taken
    }

    /// Units of a word that this withdrawal has in flight.
    pub fn in_flight_of(&self, word: &Word) -> u32 {
        self.taken.iter().filter(|(taken, _)| std::ptr::eq(*taken, word)).map(|(_, units)| *units).sum()
    }

    /// The record is appended: the marks go and the units are the log's.
    pub fn logged(mut self) {
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

    #[test]
    fn a_refused_withdrawal_leaves_every_word_as_it_was() {
        let (a, b) = (Word::default(), Word::default());
        a.give(3);
        b.give(1);
        let refused = Withdrawal::take(&[(&a, 2), (&b, 2)], &mut Patience::default());
        assert_eq!(refused.err(), Some(NotTaken::Refused(1)));
        assert_eq!((a.both(), b.both()), ((3, 0), (1, 0)));
    }

    #[test]
    fn a_dropped_withdrawal_gives_back() {
        let (a, b) = (Word::default(), Word::default());
        a.give(3);
        b.give(1);
        let taken = Withdrawal::take(&[(&a, 2), (&b, 1)], &mut Patience::default()).expect("enough is there");
        assert_eq!((a.both(), b.both()), ((1, 2), (0, 1)));
        drop(taken);
        assert_eq!((a.both(), b.both()), ((3, 0), (1, 0)));
    }

    #[test]
    fn patience_ends() {
        let word = Word::default();
        word.give(2);
        assert_eq!(word.take(2, true), Ok(()));
        let waited = Withdrawal::take(&[(&word, 1)], &mut Patience::default());
        assert_eq!(waited.err(), Some(NotTaken::Contended));
    }
}
