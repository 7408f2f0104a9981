//! The due index of one sku: which reservations hold its units, by the instant they end.
//!
//! Stale entries are allowed, missing ones never: a reservation enters before its append, and its entry leaves only
//! when its give is done. Reservations made together that end together enter as one [`Run`]. Entering and leaving take a
//! leaf mutex for a few instructions, with nothing else asked for meanwhile; looking is one load in the usual case.
//!
//! Why looking is exact: whatever the entries are while their mutex is free, [`FirstEnd`] is no later than the first of them.
//! Entering lowers it before the mutex is given back; leaving raises it only when all that stays is entered again.

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

type Heap = BinaryHeap<Reverse<Run>>;

/// Entries a heap keeps room for although they are gone.
const ROOM_KEPT: usize = 16;

/// Runs by their end.
#[derive(Debug)]
enum Entries {
    /// A reservation alone: most skus have one at most, which needs no memory of its own.
    One(JournalTime, ReservationKey),
    /// All others.
    Many(Heap),
}

const _: () = assert!(size_of::<Entries>() == size_of::<Heap>());

impl Default for Entries {
    fn default() -> Self {
        Self::Many(Heap::new())
    }
}

impl Entries {
    fn of(mut heap: Heap) -> Self {
        if let (1, Some(Reverse(Run { at, first, count: 1 }))) = (heap.len(), heap.peek()) {
            return Self::One(*at, *first);
        }
        let room = ROOM_KEPT.max(2 * heap.len());
        if heap.capacity() > 2 * room {
            heap.shrink_to(room);
        }
        Self::Many(heap)
    }

    fn into_heap(self) -> Heap {
        match self {
            Self::One(at, key) => Heap::from([Reverse(Run::one(at, key))]),
            Self::Many(heap) => heap,
        }
    }

    fn push(&mut self, run: Run) {
        match self {
            Self::Many(heap) if heap.capacity() == 0 && run.count == 1 => *self = Self::One(run.at, run.first),
            Self::Many(heap) => heap.push(Reverse(run)),
            Self::One(..) => {
                let mut heap = std::mem::take(self).into_heap();
                heap.push(Reverse(run));
                *self = Self::Many(heap);
            }
        }
    }

    fn first_end(&self) -> Option<JournalTime> {
        match self {
            Self::One(at, _) => Some(*at),
            Self::Many(heap) => heap.peek().map(|Reverse(run)| run.at),
        }
    }

    /// Those that end at `now` or before, in any order.
    fn due(&self, now: JournalTime) -> Vec<Run> {
        match self {
            Self::One(at, key) => [Run::one(*at, *key)].into_iter().filter(|run| run.at <= now).collect(),
            Self::Many(heap) => runs_due(heap, now),
        }
    }
}

/// When the first of the reservations of a sku ends: looked at by everybody, so it lies where they look.
#[derive(Debug)]
pub struct FirstEnd(AtomicI64);

impl Default for FirstEnd {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl FirstEnd {
    /// Whether nothing is due at `now`: the usual case, one load.
    #[inline]
    pub fn is_idle(&self, now: JournalTime) -> bool {
        self.0.load(Acquire) > now.0
    }
}

/// The entries of one sku.
#[derive(Debug, Default)]
pub struct DueIndex(Mutex<Entries>);

impl DueIndex {
    /// With the first of their ends.
    #[inline]
    pub fn with<'a>(&'a self, first: &'a FirstEnd) -> Due<'a> {
        Due { first, entries: &self.0 }
    }
}

/// The due index of one sku.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    first: &'a FirstEnd,
    entries: &'a Mutex<Entries>,
}

impl Due<'_> {
    /// Registers a reservation. Before its append.
    pub fn register(self, at: JournalTime, reservation: ReservationKey) {
        self.register_run(Run::one(at, reservation));
    }

    /// Registers reservations made together. Before their append.
    pub fn register_run(self, run: Run) {
        let mut entries = self.entries.lock();
        entries.push(run);
        self.tell(&entries);
    }

    /// As [`FirstEnd::is_idle`].
    #[inline]
    pub fn is_idle(self, now: JournalTime) -> bool {
        self.first.is_idle(now)
    }

    /// Reservations that may be due at `now`, each once; empty means none is.
    pub fn due(self, now: JournalTime) -> Vec<ReservationKey> {
        if self.is_idle(now) {
            return Vec::new();
        }
        let due = self.entries.lock().due(now);
        due.into_iter().flat_map(Run::keys).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Drops entries due at `now` of reservations that have ended or moved, after their gives are done. Whether one has
    /// is asked with the mutex free: that takes the reservation's lock, whose holder may want to register.
    pub fn settle(self, now: JournalTime, ended: impl Fn(ReservationKey) -> bool) {
        if self.is_idle(now) {
            return;
        }
        let mut due = self.entries.lock().due(now);
        due.retain(|run| run.keys().all(&ended));
        due.sort_unstable();
        let mut gone = due.into_iter().map(Reverse).peekable();
        let mut entries = self.entries.lock();
        let mut heap = std::mem::take(&mut *entries).into_heap();
        let mut kept = Vec::new();
        // Each entry that was seen takes one away: what was entered meanwhile stays.
        while let Some(entry) = heap.peek().copied()
            && entry.0.at <= now
        {
            heap.pop();
            while gone.next_if(|seen| *seen > entry).is_some() {}
            if gone.next_if_eq(&entry).is_none() {
                kept.push(entry);
            }
        }
        heap.extend(kept);
        *entries = Entries::of(heap);
        self.tell(&entries);
    }

    /// The first end is known before the mutex is free.
    fn tell(self, entries: &Entries) {
        self.first.0.store(entries.first_end().map_or(i64::MAX, |at| at.0), Release);
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(self) -> usize {
        match &*self.entries.lock() {
            Entries::One(..) => 1,
            Entries::Many(heap) => heap.len(),
        }
    }
}

/// Runs that end at `now` or before, in any order. Only those are looked at, and their neighbours: below one that ends
/// later all end later.
fn runs_due(heap: &Heap, now: JournalTime) -> Vec<Run> {
    let runs = heap.as_slice();
    let (mut due, mut open) = (Vec::new(), vec![0]);
    while let Some(at) = open.pop() {
        if let Some(Reverse(run)) = runs.get(at).filter(|Reverse(run)| run.at <= now) {
            due.push(*run);
            open.extend([2 * at + 1, 2 * at + 2]);
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard library does not promise how it lays a heap out.
    #[test]
    fn what_is_due_is_found_in_a_heap_of_any_history() {
        let mut heap = Heap::new();
        let mut drawn = 1_u64;
        for step in 0..5_000 {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match drawn >> 60 {
                0..5 => drop(heap.pop()),
                _ => heap.push(Reverse(Run::one(JournalTime((drawn >> 33) as i64 % 200), ReservationKey(step)))),
            }
            let now = JournalTime((drawn >> 20) as i64 % 220);
            let mut found = runs_due(&heap, now);
            let mut due: Vec<Run> = heap.iter().map(|Reverse(run)| *run).filter(|run| run.at <= now).collect();
            found.sort_unstable();
            due.sort_unstable();
            assert_eq!(found, due, "step {step}");
        }
    }

    #[test]
    fn what_enters_while_others_are_asked_about_stays() {
        let (index, first) = (DueIndex::default(), FirstEnd::default());
        let index = index.with(&first);
        index.register(JournalTime(10), ReservationKey(1));
        index.settle(JournalTime(10), |key| {
            index.register(JournalTime(9), key);
            index.register(JournalTime(10), ReservationKey(2));
            true
        });
        assert_eq!(index.due(JournalTime(10)), vec![ReservationKey(1), ReservationKey(2)]);
        index.settle(JournalTime(10), |_| true);
        assert!(index.is_idle(JournalTime(i64::MAX - 1)));
    }

    #[test]
    fn an_entry_stays_until_it_is_settled() {
        let (index, first) = (DueIndex::default(), FirstEnd::default());
        let index = index.with(&first);
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
        let (index, first) = (DueIndex::default(), FirstEnd::default());
        let index = index.with(&first);
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
