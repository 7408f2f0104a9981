//! The due index of one sku: which reservations hold its units, by the instant they end.
//!
//! Stale entries are allowed, missing ones never: a reservation enters before its append, and its entry leaves only
//! when its give is done. Entering is lock-free. Looking is two loads in the usual case.
//!
//! Why looking is exact: every entry is either in the inbox, or in the heap with `next_due` no later than its instant.
//! Whoever empties the inbox first lowers `next_due` to "look closer", so a reader that finds the inbox empty and
//! *then* loads `next_due` cannot miss an entry between the two.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crossbeam::queue::SegQueue;
use parking_lot::Mutex;

use crate::domain::ids::ReservationKey;
use crate::domain::time::JournalTime;

const LOOK_CLOSER: i64 = i64::MIN;

/// The due index of one sku.
#[derive(Debug)]
pub struct DueIndex {
    next_due: AtomicI64,
    inbox: SegQueue<(JournalTime, ReservationKey)>,
    heap: Mutex<BinaryHeap<Reverse<(JournalTime, ReservationKey)>>>,
}

impl Default for DueIndex {
    fn default() -> Self {
        Self { next_due: AtomicI64::new(i64::MAX), inbox: SegQueue::new(), heap: Mutex::default() }
    }
}

impl DueIndex {
    /// Registers a reservation. Before its append.
    pub fn register(&self, at: JournalTime, reservation: ReservationKey) {
        self.inbox.push((at, reservation));
    }

    /// Reservations that may be due at `now`, each once; empty means none is.
    pub fn due(&self, now: JournalTime) -> Vec<ReservationKey> {
        if self.inbox.is_empty() && self.next_due.load(Acquire) > now.0 {
            return Vec::new();
        }
        let mut heap = self.heap.lock();
        self.collect(&mut heap);
        let due = heap.iter().filter(|Reverse((at, _))| *at <= now).map(|Reverse((_, key))| *key);
        due.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Drops entries due at `now` of reservations that have ended or moved, after their gives are done.
    pub fn settle(&self, now: JournalTime, ended: impl Fn(ReservationKey) -> bool) {
        let mut heap = self.heap.lock();
        self.collect(&mut heap);
        self.next_due.store(LOOK_CLOSER, Release);
        let mut kept = Vec::new();
        while let Some(Reverse((at, _))) = heap.peek()
            && *at <= now
        {
            if let Some(entry) = heap.pop()
                && !ended(entry.0.1)
            {
                kept.push(entry);
            }
        }
        heap.extend(kept);
        self.collect(&mut heap);
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.inbox.len() + self.heap.lock().len()
    }

    fn collect(&self, heap: &mut BinaryHeap<Reverse<(JournalTime, ReservationKey)>>) {
        self.next_due.store(LOOK_CLOSER, Release);
        while let Some(entry) = self.inbox.pop() {
            heap.push(Reverse(entry));
        }
        self.next_due.store(heap.peek().map_or(i64::MAX, |Reverse((at, _))| at.0), Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_until_it_is_settled() {
        let index = DueIndex::default();
        index.register(JournalTime(10), ReservationKey(1));
        index.register(JournalTime(20), ReservationKey(2));
        assert!(index.due(JournalTime(9)).is_empty());
        assert_eq!(index.due(JournalTime(10)), vec![ReservationKey(1)]);
        assert_eq!(index.due(JournalTime(10)), vec![ReservationKey(1)]);
        index.settle(JournalTime(10), |_| false);
        assert_eq!(index.due(JournalTime(10)).len(), 1);
        index.settle(JournalTime(10), |key| key == ReservationKey(1));
        assert!(index.due(JournalTime(19)).is_empty());
        assert_eq!(index.due(JournalTime(25)), vec![ReservationKey(2)]);
    }
}
