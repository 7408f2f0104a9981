//! The search for an order: Wing and Gong's algorithm with Lowe's cache.
//!
//! Takes an operation whose call comes before every answer that is still open, applies it to the counter, and goes on;
//! where that fails it takes the next. A configuration (which operations are placed, what the counter says) is never
//! visited twice. Exponential at worst; histories of a few hundred operations by a few threads take microseconds.

use std::collections::HashSet;

/// What was asked of a cell and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// So many units were taken.
    Took(u32),
    /// So many were asked for and refused.
    Refused(u32),
    /// So many came back or in.
    Gave(u32),
    /// So many were free.
    Read(u32),
}

/// One operation: what was seen, and between which moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) seen: Seen,
    pub(super) called: u64,
    pub(super) answered: u64,
}

impl Seen {
    /// The counter after this, if a counter that says `free` may give this answer.
    fn apply(self, free: u32) -> Option<u32> {
        match self {
            Seen::Took(units) => free.checked_sub(units),
            Seen::Refused(units) => (free < units).then_some(free),
            Seen::Gave(units) => Some(free + units),
            Seen::Read(units) => (free == units).then_some(free),
        }
    }
}

/// Whether one counter that starts with `free` units could have given these answers.
pub(super) fn is_linearizable(free: u32, operations: &[Operation]) -> bool {
    let mut by_call: Vec<Operation> = operations.to_vec();
    by_call.sort_by_key(|operation| operation.called);
    let mut search =
        Search { operations: &by_call, placed: vec![0; by_call.len().div_ceil(64)], visited: HashSet::new() };
    search.go_on(free)
}

struct Search<'a> {
    operations: &'a [Operation],
    /// One bit for each operation that has its place.
    placed: Vec<u64>,
    visited: HashSet<(Vec<u64>, u32)>,
}

/// A choice that was made: which operation, and the counter before it.
struct Step {
    operation: usize,
    before: u32,
}

impl Search<'_> {
    /// Depth first, with the steps kept on the heap: histories are longer than a stack is deep.
    fn go_on(&mut self, free: u32) -> bool {
        let (mut free, mut steps, mut from): (u32, Vec<Step>, usize) = (free, Vec::new(), 0);
        loop {
            if steps.len() == self.operations.len() {
                return true;
            }
            match self.next(free, from) {
                Some((operation, after)) => {
                    self.flip(operation);
                    if self.visited.insert((self.placed.clone(), after)) {
                        steps.push(Step { operation, before: free });
                        (free, from) = (after, 0);
                    } else {
                        self.flip(operation);
                        from = operation + 1;
                    }
                }
                None => {
                    let Some(step) = steps.pop() else { return false };
                    self.flip(step.operation);
                    (free, from) = (step.before, step.operation + 1);
                }
            }
        }
    }

    /// The next operation from number `from` on that may come first now and whose answer fits.
    fn next(&self, free: u32, from: usize) -> Option<(usize, u32)> {
        let mut answered_first = u64::MAX;
        for (at, operation) in self.operations.iter().enumerate() {
            if self.is_placed(at) {
                continue;
            }
            // Called after somebody else was answered: neither this one nor any later one can come first.
            if operation.called > answered_first {
                return None;
            }
            answered_first = answered_first.min(operation.answered);
            if at >= from
                && let Some(after) = operation.seen.apply(free)
            {
                return Some((at, after));
            }
        }
        None
    }

    fn is_placed(&self, at: usize) -> bool {
        self.placed[at / 64] >> (at % 64) & 1 == 1
    }

    fn flip(&mut self, at: usize) {
        self.placed[at / 64] ^= 1 << (at % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(operations: &[(Seen, u64, u64)]) -> Vec<Operation> {
        operations.iter().map(|&(seen, called, answered)| Operation { seen, called, answered }).collect()
    }

    #[test]
    fn overlapping_operations_may_be_ordered_either_way() {
        let both = history(&[(Seen::Took(1), 0, 3), (Seen::Refused(1), 1, 2)]);
        assert!(is_linearizable(1, &both));
        let read_between = history(&[(Seen::Gave(2), 0, 5), (Seen::Read(0), 1, 2), (Seen::Read(2), 3, 4)]);
        assert!(is_linearizable(0, &read_between));
    }

    #[test]
    fn what_no_counter_would_have_answered_is_seen() {
        let sold_twice = history(&[(Seen::Took(1), 0, 1), (Seen::Took(1), 2, 3)]);
        assert!(!is_linearizable(1, &sold_twice));
        let refused_beside_free = history(&[(Seen::Refused(1), 0, 1), (Seen::Took(1), 2, 3)]);
        assert!(!is_linearizable(1, &refused_beside_free));
        let back_in_time = history(&[(Seen::Gave(2), 0, 5), (Seen::Read(2), 1, 2), (Seen::Read(0), 3, 4)]);
        assert!(!is_linearizable(0, &back_in_time));
        let stale = history(&[(Seen::Took(1), 0, 1), (Seen::Read(1), 2, 3)]);
        assert!(!is_linearizable(1, &stale));
    }

    #[test]
    fn the_search_goes_back_when_a_choice_was_wrong() {
        // Taking two first would leave nothing for the read of three.
        let choice =
            history(&[(Seen::Took(2), 0, 9), (Seen::Read(3), 1, 8), (Seen::Gave(1), 2, 7), (Seen::Read(1), 10, 11)]);
        assert!(is_linearizable(2, &choice));
        assert!(!is_linearizable(3, &choice));
    }
}
