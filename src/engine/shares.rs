//! How units are shared out: the small decisions of the stock protocol, pure, so that the engine and the exhaustive
//! search of its interleavings (`proof/search`) run the same lines.
//!
//! Each is made under the locks that make it true; which ones, its caller says. What is *not* here: the steps on a word
//! (`cell`), who holds which lock when (`change`, `allocate`, `adjust`).

use crate::sabotage::{Bug, planted};

/// What becomes of units that a cell gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Given {
    /// Pays what the cell owes.
    pub paid: u32,
    /// Belongs to the queue from now on.
    pub pooled: u32,
    /// Becomes free.
    pub free: u32,
}

/// Shares out units that a cell gets: what is `owed` first, then what the queue wants beyond what it owns (`room`), and
/// only the rest becomes free.
pub fn give(units: u32, owed: u32, room: u64) -> Given {
    let paid = units.min(owed);
    let pooled = u64::from(units - paid).min(room) as u32;
    Given { paid, pooled, free: units - paid - pooled }
}

/// A claim's units of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Claimed {
    /// Held already and wanted: changes its owner and never touches a word.
    pub keep: u32,
    /// Wanted beyond what is held: taken like anybody's.
    pub extra: u32,
    /// Held and not wanted: given back.
    pub rest: u32,
}

/// Shares out what a claim wants of a cell where it holds `own` units already.
pub fn claim(own: u32, wanted: u32) -> Claimed {
    let keep = own.min(wanted);
    Claimed { keep, extra: wanted - keep, rest: own - keep }
}

/// Whether a word has nothing but one's `own` marks: no free unit, and nothing of others that may roll back. Both
/// halves are of one look at the word, or a unit that moves between them is seen in neither.
pub fn has_nothing_for_others((free, flying): (u32, u32), own: u32) -> bool {
    free == 0 && flying == own
}

/// What a correction owes that lost `units` and took `taken` of them, where a look at the word afterwards showed
/// `left`; `None` when more may be found there and it must come again.
pub fn correction_owes(units: u32, taken: u32, left: (u32, u32)) -> Option<u32> {
    if planted(Bug::LossIgnoresMarks) {
        return Some(units - taken);
    }
    let found = taken == units || has_nothing_for_others(left, taken);
    found.then_some(units - taken)
}

/// Whether a shortage is the last word: what is due counts as free, so the due index is looked at after a shortage, and
/// only a shortage found *after* that look showed nothing is final. `looked` says whether such a look came before,
/// `expired` whether this one found something.
pub fn is_final(looked: bool, expired: bool) -> bool {
    (looked || planted(Bug::DueAfterWord)) && !expired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_give_pays_then_serves_the_queue_then_is_free() {
        assert_eq!(give(10, 3, 4), Given { paid: 3, pooled: 4, free: 3 });
        assert_eq!(give(2, 3, 4), Given { paid: 2, pooled: 0, free: 0 });
        assert_eq!(give(5, 3, u64::MAX), Given { paid: 3, pooled: 2, free: 0 });
        assert_eq!(give(5, 0, 0), Given { paid: 0, pooled: 0, free: 5 });
    }

    #[test]
    fn a_claim_keeps_what_it_holds_before_it_takes() {
        assert_eq!(claim(2, 3), Claimed { keep: 2, extra: 1, rest: 0 });
        assert_eq!(claim(3, 1), Claimed { keep: 1, extra: 0, rest: 2 });
    }

    #[test]
    fn a_correction_owes_only_what_cannot_come_back() {
        assert_eq!(correction_owes(3, 3, (2, 4)), Some(0));
        assert_eq!(correction_owes(3, 1, (0, 1)), Some(2));
        assert_eq!(correction_owes(3, 1, (0, 2)), None);
        assert_eq!(correction_owes(3, 1, (1, 1)), None);
    }

    #[test]
    fn a_refusal_is_final_after_a_look_that_found_nothing_due() {
        assert_eq!([(false, false), (false, true), (true, true)].map(|(l, e)| is_final(l, e)), [false; 3]);
        assert!(is_final(true, false));
    }
}
