//! What the clock has to do at instants to come, soonest first.
//!
//! Memory only: whoever starts tells it anew. Stale entries are harmless, since whoever takes one looks at the entity. Its
//! lock is never held across a call.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use parking_lot::Mutex;

use crate::domain::time::JournalTime;

/// See the module. Time is the journal's, or the wall's where dates are.
#[derive(Debug)]
pub struct Soonest<K, T = JournalTime>(Mutex<BinaryHeap<Reverse<(T, K)>>>);

impl<K: Ord, T: Ord> Default for Soonest<K, T> {
    fn default() -> Self {
        Self(Mutex::new(BinaryHeap::new()))
    }
}

impl<K: Ord + Copy, T: Ord + Copy> Soonest<K, T> {
    /// Something is due then.
    pub fn push(&self, at: T, what: K) {
        self.0.lock().push(Reverse((at, what)));
    }

    /// All of it is due, each at its instant.
    pub fn extend(&self, due: impl IntoIterator<Item = (T, K)>) {
        let mut due = due.into_iter().map(Reverse).peekable();
        if due.peek().is_some() {
            self.0.lock().extend(due);
        }
    }

    /// Takes out what is due, at most so many.
    pub fn take_due(&self, now: T, most: usize) -> Vec<K> {
        let mut heap = self.0.lock();
        let mut due = Vec::new();
        while due.len() < most
            && let Some(Reverse((at, what))) = heap.peek().copied()
            && at <= now
        {
            heap.pop();
            due.push(what);
        }
        due
    }

    /// When the next is due.
    pub fn next(&self) -> Option<T> {
        self.0.lock().peek().map(|Reverse((at, _))| *at)
    }
}
