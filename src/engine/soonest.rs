//! What the clock has to do at instants to come, soonest first.
//!
//! Memory only: whoever starts tells it anew. Stale entries are harmless, since whoever takes one looks at the entity.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::domain::time::JournalTime;

/// See the module.
#[derive(Debug)]
pub struct Soonest<K>(BinaryHeap<Reverse<(JournalTime, K)>>);

impl<K: Ord> Default for Soonest<K> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<K: Ord + Copy> Soonest<K> {
    /// Something is due then.
    pub fn push(&mut self, at: JournalTime, what: K) {
        self.0.push(Reverse((at, what)));
    }

    /// Takes out what is due, at most so many.
    pub fn take_due(&mut self, now: JournalTime, most: usize) -> Vec<K> {
        let mut due = Vec::new();
        while due.len() < most
            && let Some(Reverse((at, what))) = self.0.peek().copied()
            && at <= now
        {
            self.0.pop();
            due.push(what);
        }
        due
    }

    /// When the next is due.
    pub fn next(&self) -> Option<JournalTime> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }
}
