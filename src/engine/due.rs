//! The due index of one sku: which reservations hold its units, by the instant they end.
//!
//! Stale entries are allowed, missing ones never: a reservation enters before its append, and its entry leaves only
//! when its give is done. Reservations made together that end together enter as one [`Run`].
//!
//! Why looking is exact: `next_due` is no later than any entry, in the inbox or in the heap. It is lowered with the entry
//! that enters and raised only by whoever empties the inbox into the heap, both under the lock of the inbox. So a look is
//! one load in the usual case.
//!
//! Cost: entering takes the inbox's lock for one push; nobody holds it longer than to push or to empty it, whatever is
//! being looked for in the heap.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::{Acquire, Release};

use parking_lot::Mutex;

use crate::domain::ids::ReservationKey;
use crate::domain::time::JournalTime;

/// Reservations with numbers in a row that end at the same instant. Some of the numbers may be no reservation, or one
/// that holds no units of the sku: harmless, as whoever is told looks at the reservation itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Run {
    /// When they end.
    pub at: JournalTime,
    /// The first of them.
    pub first: ReservationKey,
    /// How many numbers.
    pub count: u32,
}

impl Run {
    /// One reservation.
    pub fn one(at: JournalTime, key: ReservationKey) -> Self {
        Self { at, first: key, count: 1 }
    }

    /// The numbers.
    pub fn keys(self) -> impl Iterator<Item = ReservationKey> {
        (0..u64::from(self.count)).map(move |n| ReservationKey(self.first.0 + n))
    }
}

/// The due index of one sku.
#[derive(Debug)]
pub struct DueIndex {
    next_due: AtomicI64,
    inbox: Mutex<Vec<Run>>,
    heap: Mutex<BinaryHeap<Reverse<Run>>>,
}

impl Default for DueIndex {
    fn default() -> Self {
        Self { next_due: AtomicI64::new(i64::MAX), inbox: Mutex::default(), heap: Mutex::default() }
    }
}

impl DueIndex {
    /// Registers a reservation. Before its append.
    pub fn register(&self, at: JournalTime, reservation: ReservationKey) {
        self.register_run(Run::one(at, reservation));
    }

    /// Registers reservations made together. Before their append.
    pub fn register_run(&self, run: Run) {
        let mut inbox = self.inbox.lock();
        self.next_due.fetch_min(run.at.0, Release);
        inbox.push(run);
    }

    /// Reservations that may be due at `now`, each once; empty means none is.
    pub fn due(&self, now: JournalTime) -> Vec<ReservationKey> {
        if self.next_due.load(Acquire) > now.0 {
            return Vec::new();
        }
        let mut heap = self.heap.lock();
        self.collect(&mut heap);
        let due = heap.iter().filter(|Reverse(run)| run.at <= now).flat_map(|Reverse(run)| run.keys());
        due.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Drops entries due at `now` of reservations that have ended or moved, after their gives are done.
    pub fn settle(&self, now: JournalTime, ended: impl Fn(ReservationKey) -> bool) {
        let mut heap = self.heap.lock();
        self.collect(&mut heap);
        let mut kept = Vec::new();
        while let Some(Reverse(run)) = heap.peek().copied()
            && run.at <= now
        {
            heap.pop();
            if !run.keys().all(&ended) {
                kept.push(Reverse(run));
            }
        }
        heap.extend(kept);
        self.collect(&mut heap);
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.inbox.lock().len() + self.heap.lock().len()
    }

    fn collect(&self, heap: &mut BinaryHeap<Reverse<Run>>) {
        let mut inbox = self.inbox.lock();
        heap.extend(inbox.drain(..).map(Reverse));
        self.next_due.store(heap.peek().map_or(i64::MAX, |Reverse(run)| run.at.0), Release);
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

    #[test]
    fn a_run_stays_until_the_last_of_it_has_ended() {
        let index = DueIndex::default();
        index.register_run(Run { at: JournalTime(10), first: ReservationKey(5), count: 3 });
        assert!(index.due(JournalTime(9)).is_empty());
        assert_eq!(index.due(JournalTime(10)), [5, 6, 7].map(ReservationKey));
        index.settle(JournalTime(10), |key| key.0 != 7);
        assert_eq!(index.due(JournalTime(10)).len(), 3);
        index.settle(JournalTime(10), |_| true);
        assert!(index.due(JournalTime(10)).is_empty());
        assert_eq!(index.len(), 0);
    }
}
