//! What was learned, in memory: of nodes and cells by what the records of stock told (`domain::short_pick`,
//! `domain::velocity`), of carriers by what came (`transit`); and the rates of the day, worked out once for all decisions of
//! it.
//!
//! A movement adds to sums under the lock of its node or cell, never when an order is captured; the rates of a day come from
//! the days before it, so nothing that happens changes them, but for what is told late. Movements are counted and asked for
//! by the days of the journal's clock, which never runs backwards; parcels by those of the wall clock. What is *not* here: what a unit that
//! is not found costs (`weighing`).

use std::sync::atomic::{AtomicI32, Ordering};

use dashmap::DashMap;

use super::Engine;
use super::transit::Transits;
use crate::domain::event::StockMoved;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::node::NodeKind;
use crate::domain::policy::Demand;
use crate::domain::short_pick::{ByShelf, Seen, Shelf, ShortPicks, Told, day_of, usual_micro};
use crate::domain::stock::CellKey;
use crate::domain::time::JournalTime;
use crate::domain::velocity::{self, Left, Velocity};

/// See the module.
#[derive(Debug, Default)]
pub struct Learned {
    nodes: DashMap<NodeIndex, Known>,
    cells: DashMap<CellKey, Leaving>,
    /// The day on which cells were looked through for those that nothing is told of any more.
    forgotten_on: AtomicI32,
    /// How long parcels were on the way.
    pub transits: Transits,
}

/// How fast a sku leaves a node: with its key and what the table needs some 150 bytes, for every cell that anything left in
/// the last year.
#[derive(Debug)]
struct Leaving {
    velocity: Velocity,
    /// Thousandths of a unit a day, as told on a day, where anything is.
    told: Option<(i32, Option<u32>)>,
}

#[derive(Debug, Default)]
struct Known {
    picks: ShortPicks,
    /// Of a day, at a node of that kind.
    rates: Option<(i32, NodeKind, ByShelf<u32>)>,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug)]
pub struct NodeTold {
    /// Whether it is used, and not what is usual.
    pub is_in_use: bool,
    /// By how many are on hand.
    pub shelves: ByShelf<Told>,
}

impl Learned {
    /// What a movement tells that was logged, of a cell that had so many on hand before; those of a cell come in the order of
    /// their records.
    pub fn learn(&self, moved: &StockMoved, on_hand: u32, at: JournalTime) {
        if let Some(seen) = Seen::of(moved, on_hand, at) {
            self.note(moved.cell.node, &seen);
        }
        if let Some(left) = Left::of(moved, at) {
            let known = self.cells.entry(moved.cell);
            known.and_modify(|known| known.note(left)).or_insert_with(|| Leaving::of(Velocity::begun(left)));
        }
    }

    fn note(&self, node: NodeIndex, seen: &Seen) {
        let mut known = self.nodes.entry(node).or_default();
        known.picks.note(seen);
        if known.rates.is_some_and(|(day, ..)| seen.day < day) {
            known.rates = None;
        }
    }

    /// Puts what a cell has told so far.
    pub fn hold_velocity(&self, cell: CellKey, velocity: Velocity) {
        self.cells.insert(cell, Leaving::of(velocity));
    }

    /// Drops what nothing is told of any more; once a day, all cells are looked at.
    pub fn forget(&self, now: JournalTime) {
        let today = day_of(now.0);
        if self.forgotten_on.swap(today, Ordering::AcqRel) != today {
            self.cells.retain(|_, known| !known.velocity.is_forgotten_at(now));
        }
    }

    /// What is told of how fast a sku leaves a node; `None` where none of it did.
    pub fn velocity(&self, cell: CellKey, at: JournalTime) -> Option<velocity::Told> {
        self.cells.get(&cell).map(|known| known.velocity.told(day_of(at.0)))
    }

    /// What was counted that leaves; `None` where too little did.
    pub fn demand(&self, cell: CellKey, at: JournalTime) -> Option<Demand> {
        let on = day_of(at.0);
        let known = self.cells.get(&cell)?;
        if let Some(told) = known.told_on(on) {
            return told;
        }
        drop(known);
        // Worked out under the lock, so that nothing is noted before it is kept.
        self.cells.get_mut(&cell)?.tell(on)
    }

    /// Puts what a node has told so far.
    pub fn hold(&self, node: NodeIndex, picks: ShortPicks) {
        self.nodes.insert(node, Known { picks, rates: None });
    }

    /// What a node has told so far; nothing where it has not.
    pub fn of(&self, node: NodeIndex) -> ShortPicks {
        self.nodes.get(&node).map(|known| known.picks.clone()).unwrap_or_default()
    }

    /// Millionths of the units that are not found at a node, by how many are on hand, as the days before one say.
    pub fn rates_micro(&self, node: NodeIndex, kind: NodeKind, at: JournalTime) -> ByShelf<u32> {
        let on = day_of(at.0);
        let usual = || Shelf::ALL.map(|shelf| usual_micro(kind, shelf));
        let Some(known) = self.nodes.get(&node) else { return usual() };
        if let Some((_, _, rates)) = known.rates.filter(|(day, of, _)| (*day, *of) == (on, kind)) {
            return rates;
        }
        drop(known);
        // Worked out under the lock, so that nothing is noted before it is kept.
        let Some(mut known) = self.nodes.get_mut(&node) else { return usual() };
        let rates = known.picks.rates_micro(kind, on);
        if known.rates.is_none_or(|(day, ..)| day <= on) {
            known.rates = Some((on, kind, rates));
        }
        rates
    }
}

impl Leaving {
    fn of(velocity: Velocity) -> Self {
        Self { velocity, told: None }
    }

    fn note(&mut self, left: Left) {
        self.velocity.note(left);
        if self.told.is_some_and(|(day, _)| left.day < day) {
            self.told = None;
        }
    }

    /// What is told on a day, where that is known without working it out.
    fn told_on(&self, on: i32) -> Option<Option<Demand>> {
        match self.told {
            Some((day, told)) if day == on => Some(told.map(velocity::demand)),
            _ => (!self.velocity.is_in_use(on)).then_some(None),
        }
    }

    /// The same, worked out, and kept where no later day is.
    fn tell(&mut self, on: i32) -> Option<Demand> {
        let told = self.velocity.told(on).in_use_milli();
        if self.told.is_none_or(|(day, _)| day <= on) {
            self.told = Some((on, told));
        }
        told.map(velocity::demand)
    }
}

impl Engine {
    /// What is told of a node today, and the position that it is told as of; `None` where there is no such node.
    pub fn short_picks(&self, node: &str, now: JournalTime) -> Option<(NodeTold, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.catalogue.node_index(node)?;
        let (picks, kind) = (network.learned.of(index), network.catalogue.node(index).kind);
        let on = day_of(now.0);
        let shelves = Shelf::ALL.map(|shelf| picks.told(kind, shelf, on));
        Some((NodeTold { is_in_use: picks.is_in_use(kind, on), shelves }, self.position()))
    }

    /// How fast a sku leaves the nodes that it left, by what is told today, and the position that it is told as of; `None`
    /// where there is no such sku.
    pub fn velocities(&self, sku: &str, now: JournalTime) -> Option<(Vec<(Text, velocity::Told)>, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let sku = network.sku_index(sku)?;
        let of = |node: NodeIndex| {
            let told = network.learned.velocity(CellKey { sku, node }, now)?;
            Some((network.catalogue.node(node).id.clone(), told))
        };
        let told = network.sku(sku).cells.iter().filter_map(|cell| of(cell.node)).collect();
        Some((told, self.position()))
    }

    /// How fast a sku left a node so far.
    #[cfg(test)]
    pub(crate) fn velocity_of(&self, cell: CellKey) -> Option<Velocity> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        network.learned.cells.get(&cell).map(|known| known.velocity)
    }

    /// What a node has told so far.
    #[cfg(test)]
    pub(crate) fn short_picks_of(&self, node: NodeIndex) -> ShortPicks {
        self.network.read().expect("no writer of the catalogue panics and survives").learned.of(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SkuIndex;
    use crate::domain::stock::{LevelDelta, MovementKind};

    const CELL: CellKey = CellKey { sku: SkuIndex(0), node: NodeIndex(0) };
    const DAY_MS: i64 = 86_400_000;

    fn shipped(learned: &Learned, day: i32, units: i32) {
        let delta = LevelDelta { on_hand: -units, committed: -units, ..LevelDelta::default() };
        let moved = StockMoved { cell: CELL, kind: MovementKind::Shipped, delta };
        learned.learn(&moved, 100, JournalTime(i64::from(day) * DAY_MS));
    }

    fn demand(learned: &Learned, day: i32) -> Option<Demand> {
        learned.demand(CELL, JournalTime(i64::from(day) * DAY_MS))
    }

    #[test]
    fn what_is_kept_of_a_day_is_what_is_told_of_it() {
        let (learned, mut plain) = (Learned::default(), None::<Velocity>);
        let mut told = 0;
        for step in 0_i32..400 {
            // Shipments come late now and then, and days are asked for again, before and ahead.
            let day = step / 3 - step % 7 / 6;
            if step % 5 != 4 {
                shipped(&learned, day, 1 + step % 3);
                let left = Left { day, units: 1 + step.unsigned_abs() as u64 % 3 };
                plain = Some(plain.map_or_else(
                    || Velocity::begun(left),
                    |mut known| {
                        known.note(left);
                        known
                    },
                ));
            }
            for on in [day, day + 1, day - 1, day, day + 40, day + 1, day + 400] {
                let wanted = plain.as_ref().and_then(|known| known.told(on).demand());
                assert_eq!(demand(&learned, on), wanted, "step {step}, day {on}");
                told += u32::from(wanted.is_some());
            }
        }
        assert!(told > 500, "{told}");
    }

    #[test]
    fn what_nothing_is_told_of_any_more_is_dropped_and_begins_anew() {
        let learned = Learned::default();
        shipped(&learned, 1_000, 50);
        let last = 1_000 + velocity::SILENT_DAYS_MAX + 1;
        learned.forget(JournalTime(i64::from(last) * DAY_MS));
        assert_eq!(learned.cells.len(), 1, "what was decided the day before may still be noted");
        learned.forget(JournalTime(i64::from(last + 1) * DAY_MS));
        assert!(learned.cells.is_empty());
        assert!(size_of::<(CellKey, Leaving)>() <= 128, "{} bytes a cell", size_of::<(CellKey, Leaving)>());
    }

    #[test]
    fn rates_kept_of_a_day_outlast_what_is_noted_on_it_and_what_other_days_are_asked() {
        let learned = Learned::default();
        for day in [1, 60, 180] {
            shipped(&learned, day, 30);
        }
        let rates = |day: i32| learned.rates_micro(CELL.node, NodeKind::Store, JournalTime(i64::from(day) * DAY_MS));
        let before = rates(181);
        shipped(&learned, 181, 40);
        assert_eq!(rates(181), before);
        assert_ne!(rates(100), before);
        assert_eq!(rates(181), before, "worked out again");
        shipped(&learned, 180, 40);
        assert_ne!(rates(181), before, "what is told late counts at once");
    }
}
