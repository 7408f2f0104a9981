//! What was learned of nodes, in memory: what the records of stock told (`domain::short_pick`), and the rates of the day,
//! worked out once for all decisions of it.
//!
//! A movement adds to sums under the lock of its node; the rates of a day come from the days before it, so nothing that
//! happens changes them, but for what is told late. What is *not* here: what a unit that is not found costs (`weighing`).

use dashmap::DashMap;

use super::Engine;
use crate::domain::ids::NodeIndex;
use crate::domain::node::NodeKind;
use crate::domain::short_pick::{ByShelf, Seen, Shelf, ShortPicks, Told, day_of, usual_micro};
use crate::domain::time::WallTime;

/// See the module.
#[derive(Debug, Default)]
pub struct Learned {
    nodes: DashMap<NodeIndex, Known>,
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
    /// A movement that was logged.
    pub fn note(&self, node: NodeIndex, seen: &Seen) {
        let mut known = self.nodes.entry(node).or_default();
        known.picks.note(seen);
        if known.rates.is_some_and(|(day, ..)| seen.day < day) {
            known.rates = None;
        }
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

    /// What a node has told so far.
    #[cfg(test)]
    pub(crate) fn short_picks_of(&self, node: NodeIndex) -> ShortPicks {
        self.network.read().expect("no writer of the catalogue panics and survives").learned.of(node)
    }
}
