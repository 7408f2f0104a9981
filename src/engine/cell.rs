//! The word of a stock cell and the counters beside it: the only file of the engine with memory orderings.
//!
//! Bits 0–29 of a word are `available`, bits 30–59 `in_flight`, the rest is zero; both stay within 2³⁰ − 1 because
//! receipts are refused above it. Everybody takes by compare-and-swap; increases happen only under the ledger of the
//! sku, after the append. A sum of what is free in all cells of a sku follows them, for who only asks. What is *not* here: who may call what when (`withdrawal`, `change`).
//!
//! Orderings: a successful take is Acquire and pairs with the Release of a give, so that what was appended before the
//! give is before my append; a failing take is Acquire, so that a refusal sees every finished give; giving, rolling
//! back and clearing a mark are Release. `committed` and `reserved` are sums ordered by their owner's entity lock.

use std::ops::Deref;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};

use crate::domain::ids::NodeIndex;
use crate::domain::limits::{LEVEL_MAX, NODES_MAX};
use crate::sabotage::{Bug, planted};

/// Most cells of a sku.
const CELLS_MAX: usize = NODES_MAX;
const HALF: u32 = 30;
const MASK: u64 = LEVEL_MAX as u64;

/// Why a take did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Short {
    /// Enough would be there if those in flight rolled back.
    Wait,
    /// Not even then.
    Refuse,
}

/// `available` and `in_flight` of a word.
pub fn split(word: u64) -> (u32, u32) {
    ((word & MASK) as u32, (word >> HALF & MASK) as u32)
}

/// One step of a take, pure: the next word, or why not.
pub fn step_take(word: u64, units: u32, marked: bool) -> Result<u64, Short> {
    let (free, flying) = split(word);
    if free < units {
        let enough = u64::from(free) + u64::from(flying) >= u64::from(units);
        return Err(if enough { Short::Wait } else { Short::Refuse });
    }
    let units = u64::from(units);
    Ok(word - units + if marked { units << HALF } else { 0 })
}

/// What a roll back of marked units subtracts from a word: the mark goes, the units are free again.
pub fn rolled_back(units: u32) -> u64 {
    let units = u64::from(units);
    (units << HALF) - units
}

/// What clearing a mark subtracts from a word.
pub fn cleared(units: u32) -> u64 {
    u64::from(units) << HALF
}

/// What a give adds to a word.
pub fn given(units: u32) -> u64 {
    u64::from(units)
}

/// The number under a word: what an atomic of this machine can do, and an explorer's atomic as well, so that it runs
/// this very code.
pub trait Atomic {
    /// As the machine's.
    fn load(&self, order: Ordering) -> u64;
    /// As the machine's: may fail without reason.
    fn compare_exchange_weak(&self, seen: u64, next: u64, won: Ordering, lost: Ordering) -> Result<u64, u64>;
    /// As the machine's.
    fn fetch_add(&self, units: u64, order: Ordering) -> u64;
    /// As the machine's.
    fn fetch_sub(&self, units: u64, order: Ordering) -> u64;
    /// As the machine's; only where a planted bug asks for it.
    fn store(&self, next: u64, order: Ordering);
}

impl Atomic for AtomicU64 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    #[inline(always)]
    fn compare_exchange_weak(&self, seen: u64, next: u64, won: Ordering, lost: Ordering) -> Result<u64, u64> {
        self.compare_exchange_weak(seen, next, won, lost)
    }

    #[inline(always)]
    fn fetch_add(&self, units: u64, order: Ordering) -> u64 {
        self.fetch_add(units, order)
    }

    #[inline(always)]
    fn fetch_sub(&self, units: u64, order: Ordering) -> u64 {
        self.fetch_sub(units, order)
    }

    #[inline(always)]
    fn store(&self, next: u64, order: Ordering) {
        self.store(next, order);
    }
}

/// The contended word of one cell.
pub type Word = WordOn<AtomicU64>;

/// A word on any atomic number.
#[derive(Debug, Default)]
pub struct WordOn<A>(A);

impl<A: Atomic> WordOn<A> {
    /// Units free now.
    pub fn free(&self) -> u32 {
        split(self.0.load(Acquire)).0
    }

    /// Units free now, or free again if all in flight rolled back: in one look, so that none is missed in between.
    pub fn free_or_flying(&self) -> u32 {
        let (free, flying) = self.both();
        free + flying
    }

    /// Units free now and units in flight.
    pub fn both(&self) -> (u32, u32) {
        split(self.0.load(Acquire))
    }

    /// Takes exactly `units`. A lost race is somebody's success: retried at once, never counted.
    pub fn take(&self, units: u32, marked: bool) -> Result<(), Short> {
        let mut seen = self.0.load(Acquire);
        loop {
            let next = step_take(seen, units, marked)?;
            if planted(Bug::SkipCompare) {
                // On a busy machine threads seldom meet here by themselves.
                std::thread::yield_now();
                self.0.store(next, Relaxed);
                return Ok(());
            }
            match self.0.compare_exchange_weak(seen, next, Acquire, Acquire) {
                Ok(_) => return Ok(()),
                Err(now) => seen = now,
            }
        }
    }

    /// Takes up to `units`, marked; answers how many.
    pub fn take_up_to(&self, units: u32) -> u32 {
        loop {
            let n = self.free().min(units);
            if n == 0 || self.take(n, true).is_ok() {
                return n;
            }
        }
    }

    /// Marked units become free again: one step, needs no ledger.
    pub fn roll_back(&self, units: u32) {
        self.0.fetch_sub(rolled_back(units), Release);
    }

    /// Marked units are logged: the mark goes.
    pub fn clear(&self, units: u32) {
        self.0.fetch_sub(cleared(units), Release);
    }

    /// Units become free. Only under the ledger of the sku, after the append.
    pub fn give(&self, units: u32) {
        self.0.fetch_add(given(units), if planted(Bug::RelaxedGive) { Relaxed } else { Release });
    }
}

/// The word of a cell, and the sum of its sku beside it: how the units of cells are taken and given. The sum follows the
/// word at once, so it may be older than the word by what others do this moment, and never by what the caller did.
#[derive(Clone, Copy, Debug)]
pub struct CellWord<'a> {
    word: &'a Word,
    sum: &'a Sum,
}

impl Deref for CellWord<'_> {
    type Target = Word;

    fn deref(&self) -> &Word {
        self.word
    }
}

impl CellWord<'_> {
    /// As [`WordOn::take`].
    pub fn take(self, units: u32, marked: bool) -> Result<(), Short> {
        self.word.take(units, marked)?;
        self.sum.take(units);
        Ok(())
    }

    /// As [`WordOn::take_up_to`].
    pub fn take_up_to(self, units: u32) -> u32 {
        let taken = self.word.take_up_to(units);
        self.sum.take(taken);
        taken
    }

    /// As [`WordOn::roll_back`].
    pub fn roll_back(self, units: u32) {
        self.word.roll_back(units);
        self.sum.give(units);
    }

    /// As [`WordOn::give`].
    pub fn give(self, units: u32) {
        self.word.give(units);
        self.sum.give(units);
    }
}

/// The units free in all cells of a sku: what is asked most, in one load. Never read for a decision. They are counted from
/// `Sum::NONE` on, because of two that change one word at the same time the one that takes may come here first.
#[derive(Debug)]
pub struct Sum(AtomicU64);

impl Default for Sum {
    fn default() -> Self {
        Self(AtomicU64::new(Self::NONE))
    }
}

impl Sum {
    const NONE: u64 = 1 << 63;

    /// Units free now.
    #[inline]
    pub fn units(&self) -> u64 {
        self.0.load(Acquire).saturating_sub(Self::NONE)
    }

    fn take(&self, units: u32) {
        self.0.fetch_sub(u64::from(units), Relaxed);
    }

    fn give(&self, units: u32) {
        self.0.fetch_add(u64::from(units), Relaxed);
    }
}

const _: () = assert!(CELLS_MAX as u64 * MASK < Sum::NONE && CELLS_MAX as u64 <= u32::MAX as u64);

/// A sum changed under the entity lock of whoever owns its units; never read for a decision.
///
/// It counts modulo 2³², and no more than [`LEVEL_MAX`] units are ever in it: whoever adds took them from the word of
/// this cell or another sum of it, and all of a cell's units together are at most that many. Adding and subtracting
/// modulo 2³² is exact for a sum that ends within 2³², whatever it passes through on the way.
#[derive(Debug, Default)]
pub struct Counter(AtomicU32);

impl Counter {
    /// The sum.
    pub fn units(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Adds a signed change.
    pub fn add(&self, change: i32) {
        self.0.fetch_add(change as u32, Relaxed);
    }
}

/// One cell in memory: 24 bytes.
#[derive(Debug, Default)]
struct Slot {
    word: Word,
    committed: Counter,
    reserved: Counter,
    node: AtomicU32,
}

/// Slots that never move, and where it goes on when they are full. Many skus' first slots lie in one piece of memory.
#[derive(Debug)]
struct Block {
    shared: Arc<[Slot]>,
    start: u32,
    len: u32,
    next: OnceLock<Box<Block>>,
}

/// Slots of the first block of a sku whose number of cells is not known.
const FIRST_SLOTS: usize = 4;

impl Block {
    fn of(slots: usize) -> Self {
        Self { shared: slots_of(slots), start: 0, len: slots as u32, next: OnceLock::new() }
    }

    #[inline(always)]
    fn slots(&self) -> &[Slot] {
        &self.shared[self.start as usize..][..self.len as usize]
    }
}

fn slots_of(count: usize) -> Arc<[Slot]> {
    (0..count).map(|_| Slot::default()).collect()
}

/// All cells of one sku: grows under the ledger, never moves, read without a lock. Blocks are as long as all before
/// them together, so looking through `n` cells follows at most log₂ `n` of them.
#[derive(Debug, Default)]
pub struct Cells {
    count: AtomicU32,
    first: OnceLock<Block>,
}

/// The same with what is free in them, which lies elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct AllCells<'a> {
    cells: &'a Cells,
    sum: &'a Sum,
}

/// One cell, borrowed from its sku.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// Position among the cells of its sku; the ledger's position too.
    pub position: usize,
    /// Its node.
    pub node: NodeIndex,
    /// The contended word.
    pub word: CellWord<'a>,
    /// Units promised to orders.
    pub committed: &'a Counter,
    /// Units set aside for reservations, the pool included.
    pub reserved: &'a Counter,
}

impl Cells {
    /// For each of many skus: no cells yet, and room for exactly so many, all side by side.
    pub fn side_by_side(rooms: &[u32]) -> impl Iterator<Item = Self> {
        let shared = slots_of(rooms.iter().map(|room| *room as usize).sum());
        let mut end = 0;
        rooms.iter().map(move |len| {
            let start = end;
            end += len;
            let block = Block { shared: shared.clone(), start, len: *len, next: OnceLock::new() };
            // A sku that has no cell may never get one.
            Self { count: AtomicU32::new(0), first: if *len > 0 { OnceLock::from(block) } else { OnceLock::new() } }
        })
    }

    /// With the sum of what is free in them.
    #[inline]
    pub fn with<'a>(&'a self, sum: &'a Sum) -> AllCells<'a> {
        AllCells { cells: self, sum }
    }

    #[inline]
    fn blocks(&self) -> impl Iterator<Item = &Block> {
        std::iter::successors(self.first.get(), |block| block.next.get().map(|next| &**next))
    }

    fn count(&self) -> usize {
        self.count.load(Acquire) as usize
    }
}

impl<'a> AllCells<'a> {
    /// How many cells there are.
    #[inline]
    pub fn count(self) -> usize {
        self.cells.count()
    }

    /// Units free now, wherever they are.
    #[inline]
    pub fn free(self) -> u64 {
        self.sum.units()
    }

    /// All cells, in the order they were made.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Cell<'a>> {
        let len = self.count();
        self.cells.blocks().flat_map(|block| block.slots()).take(len).enumerate().map(move |(position, slot)| Cell {
            position,
            node: NodeIndex(slot.node.load(Relaxed)),
            word: CellWord { word: &slot.word, sum: self.sum },
            committed: &slot.committed,
            reserved: &slot.reserved,
        })
    }

    /// The cell of a node.
    pub fn of(self, node: NodeIndex) -> Option<Cell<'a>> {
        self.iter().find(|cell| cell.node == node)
    }

    /// Adds an empty cell; only under the ledger of the sku.
    pub fn push(self, node: NodeIndex) -> usize {
        let position = self.count();
        assert!(position < CELLS_MAX, "a sku has a cell at each node at most");
        let mut block = self.cells.first.get_or_init(|| Block::of(FIRST_SLOTS));
        let mut before = 0;
        while position - before >= block.slots().len() {
            before += block.slots().len();
            block = block.next.get_or_init(|| Box::new(Block::of(before)));
        }
        block.slots()[position - before].node.store(node.0, Relaxed);
        self.cells.count.fetch_add(1, Release);
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_take_refuses_only_what_cannot_come_back() {
        let word = Word::default();
        word.give(5);
        assert_eq!(word.take(3, true), Ok(()));
        assert_eq!(word.both(), (2, 3));
        assert_eq!(word.take(5, false), Err(Short::Wait));
        assert_eq!(word.take(6, false), Err(Short::Refuse));
        word.roll_back(3);
        assert_eq!(word.both(), (5, 0));
        assert_eq!(word.take(5, true), Ok(()));
        word.clear(5);
        assert_eq!(word.both(), (0, 0));
    }

    #[test]
    fn both_halves_hold_their_largest_value() {
        let word = Word::default();
        word.give(LEVEL_MAX);
        assert_eq!(word.take(LEVEL_MAX, true), Ok(()));
        assert_eq!(word.both(), (0, LEVEL_MAX));
        word.roll_back(LEVEL_MAX);
        assert_eq!(word.both(), (LEVEL_MAX, 0));
    }

    #[test]
    fn cells_stay_where_they_were_made() {
        let (cells, sum) = (Cells::default(), Sum::default());
        let cells = cells.with(&sum);
        for node in 0..20 {
            assert_eq!(cells.push(NodeIndex(node * 3)), node as usize);
            let cell = cells.of(NodeIndex(node * 3)).expect("just made");
            cell.word.give(1 << node);
            assert_eq!((cells.count(), cells.free()), (node as usize + 1, (1 << (node + 1)) - 1));
        }
        assert_eq!(cells.iter().count(), 20);
        assert_eq!(cells.of(NodeIndex(57)).map(|c| c.position), Some(19));
        assert!(cells.of(NodeIndex(1)).is_none());
    }

    #[test]
    fn what_is_free_in_all_cells_follows_every_change_of_one() {
        let (cells, sum) = (Cells::default(), Sum::default());
        let cells = cells.with(&sum);
        (0..2).for_each(|node| assert_eq!(cells.push(NodeIndex(node)), node as usize));
        let word = |node| cells.of(NodeIndex(node)).expect("just made").word;
        word(0).give(5);
        word(1).give(LEVEL_MAX);
        let full = u64::from(LEVEL_MAX);
        assert_eq!(word(0).take(6, false), Err(Short::Refuse));
        assert_eq!((word(0).take(3, true), cells.free()), (Ok(()), full + 2));
        word(0).roll_back(1);
        word(0).clear(2);
        assert_eq!(cells.free(), full + 3);
        assert_eq!((word(1).take_up_to(u32::MAX), cells.free(), cells.count()), (LEVEL_MAX, 3, 2));
    }

    #[test]
    fn what_is_free_is_exact_when_those_who_change_it_are_done() {
        let (cells, sum) = (Cells::default(), Sum::default());
        let cells = cells.with(&sum);
        (0..2).for_each(|node| assert_eq!(cells.push(NodeIndex(node)), node as usize));
        std::thread::scope(|scope| {
            for at in 0..4 {
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        let word = cells.of(NodeIndex(at % 2)).expect("made").word;
                        word.give(3);
                        // Others may have taken them: what is short is theirs.
                        let _ = word.take(2, false);
                    }
                });
            }
        });
        assert_eq!(cells.free(), cells.iter().map(|cell| u64::from(cell.word.free())).sum::<u64>());
        assert_eq!((cells.free(), cells.count()), (20_000, 2));
    }

    #[test]
    fn cells_grow_beyond_the_room_that_was_made_for_them() {
        for cells in Cells::side_by_side(&[0, 1, 3, 10]) {
            let sum = Sum::default();
            let cells = cells.with(&sum);
            let words: Vec<*const Word> = (0..40)
                .map(|node| {
                    assert_eq!(cells.push(NodeIndex(node)), node as usize);
                    std::ptr::from_ref(cells.of(NodeIndex(node)).expect("just made").word.word)
                })
                .collect();
            let now: Vec<*const Word> = cells.iter().map(|cell| std::ptr::from_ref(cell.word.word)).collect();
            assert_eq!(words, now, "no cell moves");
        }
    }

    #[test]
    fn a_sum_is_exact_whatever_it_passes_through() {
        let counter = Counter::default();
        let max = LEVEL_MAX as i32;
        for change in [max, -max, -5, 5, max, max, -max] {
            counter.add(change);
        }
        assert_eq!(counter.units(), LEVEL_MAX);
    }

    #[test]
    fn eight_threads_take_exactly_what_was_there() {
        let word = Word::default();
        word.give(10_000);
        let won = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..5_000).filter(|_| word.take(1, false).is_ok()).count())).collect();
            takers.into_iter().map(|t| t.join().expect("a taker does not panic")).sum::<usize>()
        });
        assert_eq!((won, word.both()), (10_000, (0, 0)));
    }
}
