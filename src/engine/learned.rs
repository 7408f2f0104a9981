//! What was learned, in memory: of nodes and cells by what the records of stock told (`domain::short_pick`,
//! `domain::velocity`), of carriers by what came (`transit`); and the rates of the day, worked out once for all decisions of
//! it.
//!
//! A movement adds to sums under the lock of its node or cell, never when an order is captured; the rates of a day come from
//! the days before it, so nothing that happens changes them, but for what is told late. What is *not* here: what a unit that
//! is not found costs (`weighing`).

use dashmap::DashMap;

use super::Engine;
use super::transit::Transits;
use crate::domain::event::StockMoved;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::node::NodeKind;
use crate::domain::policy::Demand;
use crate::domain::short_pick::{ByShelf, Seen, Shelf, ShortPicks, Told, day_of, usual_micro};
use crate::domain::stock::CellKey;
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::velocity::{self, Left, Velocity};

/// See the module.
#[derive(Debug, Default)]
pub struct Learned {
    nodes: DashMap<NodeIndex, Known>,
    cells: DashMap<CellKey, Velocity>,
    /// How long parcels were on the way.
    pub transits: Transits,
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
            known.and_modify(|known| known.note(left)).or_insert_with(|| Velocity::begun(left));
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
        self.cells.insert(cell, velocity);
    }

    /// What is told of how fast a sku leaves a node; `None` where none of it did.
    pub fn velocity(&self, cell: CellKey, at: WallTime) -> Option<velocity::Told> {
        self.cells.get(&cell).map(|known| known.told(day_of(at.0)))
    }

    /// What was counted that leaves; `None` where too little did.
    pub fn demand(&self, cell: CellKey, at: WallTime) -> Option<Demand> {
        self.velocity(cell, at)?.demand()
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
    pub fn rates_micro(&self, node: NodeIndex, kind: NodeKind, at: WallTime) -> ByShelf<u32> {
        let on = day_of(at.0);
        let usual = || Shelf::ALL.map(|shelf| usual_micro(kind, shelf));
        let Some(known) = self.nodes.get(&node) else { return usual() };
        if let Some((_, _, rates)) = known.rates.filter(|(day, of, _)| (*day, *of) == (on, kind)) {
            return rates;
        }
        let rates = known.picks.rates_micro(kind, on);
        drop(known);
        if let Some(mut known) = self.nodes.get_mut(&node) {
            known.rates = Some((on, kind, rates));
        }
        rates
    }
}

impl Engine {
    /// What is told of a node today, and the position that it is told as of; `None` where there is no such node.
    pub fn short_picks(&self, node: &str, now: WallTime) -> Option<(NodeTold, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.catalogue.node_index(node)?;
        let (picks, kind) = (network.learned.of(index), network.catalogue.node(index).kind);
        let on = day_of(now.0);
        let shelves = Shelf::ALL.map(|shelf| picks.told(kind, shelf, on));
        Some((NodeTold { is_in_use: picks.is_in_use(kind, on), shelves }, self.position()))
    }

    /// How fast a sku leaves the nodes that it left, by what is told today, and the position that it is told as of; `None`
    /// where there is no such sku.
    pub fn velocities(&self, sku: &str, now: WallTime) -> Option<(Vec<(Text, velocity::Told)>, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let sku = network.catalogue.sku_index(sku)?;
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
        network.learned.cells.get(&cell).map(|known| *known)
    }

    /// What a node has told so far.
    #[cfg(test)]
    pub(crate) fn short_picks_of(&self, node: NodeIndex) -> ShortPicks {
        self.network.read().expect("no writer of the catalogue panics and survives").learned.of(node)
    }
}
