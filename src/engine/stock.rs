//! The stock of all skus in memory: of each a front, found by its name, and what is behind it, found by its index.
//!
//! A front is one cache line that has all that a question for free units reads: the name, the units and the first end. Where
//! a catalogue lies in no cache, such a question costs one place in memory that is far from all others. Behind it are
//! the cells, the ends and the ledger.
//!
//! A front lies at the place that the hash of its name says, or at the first behind it that was free. At least half of the
//! places are, so that a look seldom goes on. Where they become too few all fronts move, under the exclusive guard
//! that every new item needs. What is *not* here: what units and ends mean (`cell`, `due`) and the catalogue's own directory.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::cell::{AllCells, Cell, Cells, Sum};
use super::due::{Due, DueIndex, FirstEnd};
use super::ledger::{Ledger, Physical};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::stock::Level;
use crate::domain::time::JournalTime;

/// Bytes of a name that a front has: most names whole.
const START: usize = 38;

/// Places of a stock that has any.
const PLACES_MIN: usize = 8;

/// What who asks for free units reads of a sku.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Front {
    sum: Sum,
    first_end: FirstEnd,
    /// Whose it is; `u32::MAX` where nobody is.
    index: u32,
    /// Half of the hash of the name.
    hash: u32,
    kind: ItemKind,
    /// Bytes of the whole name, as far as they can be counted here.
    len: u8,
    start: [u8; START],
}

const _: () = assert!(size_of::<Front>() == 64, "a cache line");

impl Front {
    fn free() -> Self {
        let (sum, first_end) = (Sum::default(), FirstEnd::default());
        Self { sum, first_end, index: u32::MAX, hash: 0, kind: ItemKind::Product, len: 0, start: [0; START] }
    }

    fn of(index: SkuIndex, name: &str, hash: u32, kind: ItemKind) -> Self {
        assert!(index.0 < u32::MAX, "that index says that nobody is there");
        let mut start = [0; START];
        let bytes = name.len().min(START);
        start[..bytes].copy_from_slice(&name.as_bytes()[..bytes]);
        Self { index: index.0, hash, kind, len: counted(name), start, ..Self::free() }
    }

    fn is_free(&self) -> bool {
        self.index == u32::MAX
    }

    /// Whether a name begins like it: one that is no longer than [`START`] is its own then.
    #[inline]
    fn begins(&self, name: &str) -> bool {
        let bytes = name.len().min(START);
        self.len == counted(name) && self.start[..bytes] == name.as_bytes()[..bytes]
    }

    /// Which sku it is.
    #[inline]
    pub fn index(&self) -> SkuIndex {
        SkuIndex(self.index)
    }

    /// What kind of item it is. No item changes it.
    #[inline]
    pub fn kind(&self) -> ItemKind {
        self.kind
    }

    /// Units free now, wherever they are.
    #[inline]
    pub fn units(&self) -> u64 {
        self.sum.units()
    }

    /// Whether none of its reservations ends by then.
    #[inline]
    pub fn is_idle(&self, now: JournalTime) -> bool {
        self.first_end.is_idle(now)
    }
}

fn counted(name: &str) -> u8 {
    u8::try_from(name.len()).unwrap_or(u8::MAX)
}

/// What is behind a front.
#[derive(Debug)]
#[repr(C, align(64))]
struct Behind {
    cells: Cells,
    /// The place of its front.
    front: u32,
    due: DueIndex,
    ledger: Mutex<Ledger>,
}

const _: () = assert!(size_of::<Cells>() + size_of::<u32>() <= 64 && size_of::<Behind>() <= 128);

/// All that memory holds of one sku.
#[derive(Clone, Copy, Debug)]
pub struct SkuStock<'a> {
    /// Its cells.
    pub cells: AllCells<'a>,
    /// Who holds its units, by end.
    pub due: Due<'a>,
    /// Its ledger.
    pub ledger: &'a Mutex<Ledger>,
}

impl SkuStock<'_> {
    /// Puts the levels of a recovered sku, for whose cells room was made.
    pub fn put(self, levels: &[(NodeIndex, Level)]) {
        *self.ledger.lock() = Ledger::of(levels.iter().map(|(_, level)| physical(level)));
        for (node, _) in levels {
            self.cells.push(*node);
        }
        for (cell, (_, level)) in self.cells.iter().zip(levels) {
            cell.word.give(level.available);
            cell.committed.add(level.committed as i32);
            cell.reserved.add(level.reserved as i32);
        }
    }

    /// The position of a node's cell, made when it is missing. The caller holds the ledger.
    pub fn position(self, ledger: &mut Ledger, node: NodeIndex) -> usize {
        if let Some(cell) = self.cells.of(node) {
            return cell.position;
        }
        ledger.push(Physical::default());
        let position = self.cells.push(node);
        assert_eq!(position + 1, ledger.len(), "cells and ledger of a sku grow together");
        position
    }

    /// The level of a cell: exact when nothing of it is between take and apply.
    pub fn level(ledger: &Ledger, cell: &Cell<'_>) -> Level {
        let physical = ledger.at(cell.position);
        Level {
            on_hand: physical.on_hand,
            shortfall: physical.shortfall,
            available: cell.word.free(),
            committed: cell.committed.units(),
            reserved: cell.reserved.units(),
            pool: physical.pool,
            safety_stock: physical.safety_stock,
            damaged: physical.damaged,
            quality_control: physical.quality_control,
        }
    }
}

fn physical(level: &Level) -> Physical {
    Physical {
        on_hand: level.on_hand,
        shortfall: level.shortfall,
        pool: level.pool,
        safety_stock: level.safety_stock,
        damaged: level.damaged,
        quality_control: level.quality_control,
    }
}

/// The stock of every sku.
#[derive(Debug, Default)]
pub struct Stock {
    /// None, or at least twice as many as skus.
    fronts: Vec<Front>,
    /// By index.
    behind: Vec<Behind>,
    hashing: RandomState,
}

impl Stock {
    /// No sku yet, and room for so many and some more.
    pub fn with_room(skus: usize) -> Self {
        let places = if skus == 0 { 0 } else { 2 * (skus + skus / 8) };
        let fronts = (0..places).map(|_| Front::free()).collect();
        Self { fronts, behind: Vec::with_capacity(skus), hashing: RandomState::default() }
    }

    /// Adds a sku that is not there, at the next index.
    pub fn push(&mut self, name: &str, kind: ItemKind, cells: Cells) -> SkuStock<'_> {
        let index = SkuIndex(self.behind.len() as u32);
        self.behind.push(Behind { cells, front: 0, due: DueIndex::default(), ledger: Mutex::default() });
        if self.fronts.len() < 2 * self.behind.len() {
            self.grow();
        }
        self.put(Front::of(index, name, self.hash(name), kind));
        self.of(index)
    }

    /// How many skus there are.
    pub fn len(&self) -> usize {
        self.behind.len()
    }

    /// The stock of a sku that is there.
    #[inline]
    pub fn of(&self, index: SkuIndex) -> SkuStock<'_> {
        let Behind { cells, front, due, ledger } = &self.behind[index.at()];
        let front = &self.fronts[*front as usize];
        SkuStock { cells: cells.with(&front.sum), due: due.with(&front.first_end), ledger }
    }

    /// That of each, by index.
    pub fn iter(&self) -> impl Iterator<Item = SkuStock<'_>> {
        (0..self.behind.len() as u32).map(|at| self.of(SkuIndex(at)))
    }

    /// The front of a sku. `whole` gives the names of those that are there.
    #[inline]
    pub fn find<'a>(&self, name: &str, whole: impl Fn(SkuIndex) -> &'a str) -> Option<&Front> {
        self.look(self.hash(name), name, whole)
    }

    #[inline]
    fn look<'a>(&self, hash: u32, name: &str, whole: impl Fn(SkuIndex) -> &'a str) -> Option<&Front> {
        let mut at = self.home(hash);
        loop {
            let front = self.fronts.get(at)?;
            if front.hash == hash
                && front.begins(name)
                && !front.is_free()
                && (name.len() <= START || whole(front.index()) == name)
            {
                return Some(front);
            }
            if front.is_free() {
                return None;
            }
            at = self.next(at);
        }
    }

    #[inline]
    fn hash(&self, name: &str) -> u32 {
        (self.hashing.hash_one(name.as_bytes()) >> 32) as u32
    }

    /// The place that a hash says.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.fronts.len() as u64) >> 32) as usize
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        if at + 1 == self.fronts.len() { 0 } else { at + 1 }
    }

    fn put(&mut self, front: Front) {
        let mut at = self.home(front.hash);
        while !self.fronts[at].is_free() {
            at = self.next(at);
        }
        self.behind[front.index as usize].front = at as u32;
        self.fronts[at] = front;
    }

    /// Half as many places again. Fronts know their hashes: no name is read.
    fn grow(&mut self) {
        let places = (self.fronts.len() + self.fronts.len() / 2).max(PLACES_MIN);
        let fronts = (0..places).map(|_| Front::free()).collect();
        let before = std::mem::replace(&mut self.fronts, fronts);
        before.into_iter().filter(|front| !front.is_free()).for_each(|front| self.put(front));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of all lengths, and each other's beginnings.
    fn alike() -> Vec<String> {
        let mut names: Vec<String> = (0..=128).map(|len| "s".repeat(len)).collect();
        names.extend((20..=128).flat_map(|len| [format!("{:s<len$}", "x"), format!("{}x", "s".repeat(len - 1))]));
        names.extend(["s\0".into(), "s\0\0".into(), "s".repeat(300), format!("{}x", "s".repeat(299))]);
        names
    }

    #[test]
    fn names_that_start_alike_are_told_apart_whatever_their_length() {
        let names = alike();
        let mut stock = Stock::default();
        let find = |stock: &Stock, name: &str| stock.find(name, |index| &names[index.at()]).map(Front::index);
        for name in &names {
            assert_eq!(find(&stock, name), None, "{name:?} is not there yet");
            stock.push(name, ItemKind::Product, Cells::default());
        }
        for (at, name) in (0..).zip(&names) {
            assert_eq!(find(&stock, name), Some(SkuIndex(at)), "{name:?}");
        }
        assert_eq!(find(&stock, "sx"), None);
    }

    #[test]
    fn names_of_one_hash_are_told_apart_and_found_past_the_last_place() {
        let names = alike();
        let mut stock = Stock::default();
        for name in &names {
            stock.push(name, ItemKind::Product, Cells::default());
        }
        // As if all of them had the hash that says the last place.
        let hash = u32::MAX;
        stock.fronts.iter_mut().for_each(|front| *front = Front::free());
        (0..).zip(&names).for_each(|(at, name)| stock.put(Front::of(SkuIndex(at), name, hash, ItemKind::Product)));
        assert_eq!(stock.home(hash) + 1, stock.fronts.len());
        let look = |name: &str| stock.look(hash, name, |index| &names[index.at()]).map(Front::index);
        for (at, name) in (0..).zip(&names) {
            assert_eq!(look(name), Some(SkuIndex(at)), "{name:?}");
        }
        assert_eq!(look("sx"), None);
    }

    #[test]
    fn what_is_free_and_when_it_ends_moves_with_the_front() {
        let names: Vec<String> = (0..3_000).map(|n| format!("sku-{n}")).collect();
        let mut stock = Stock::with_room(2);
        for (at, name) in (0..).zip(&names) {
            let sku = stock.push(name, ItemKind::Kit, Cells::default());
            sku.position(&mut sku.ledger.lock(), NodeIndex(7));
            sku.cells.of(NodeIndex(7)).expect("just made").word.give(at + 1);
            sku.due.register(JournalTime(i64::from(at)), crate::domain::ids::ReservationKey(1));
        }
        assert_eq!((stock.len(), stock.iter().count()), (names.len(), names.len()));
        for (at, name) in (0..).zip(&names) {
            let front = stock.find(name, |index| &names[index.at()]).expect("it is there");
            assert_eq!((front.index(), front.kind()), (SkuIndex(at), ItemKind::Kit));
            assert_eq!((front.units(), stock.of(SkuIndex(at)).cells.free()), (u64::from(at) + 1, u64::from(at) + 1));
            let idle = [-1, 0].map(|after| front.is_idle(JournalTime(i64::from(at) + after)));
            assert_eq!(idle, [true, false]);
        }
    }
}
