//! Safety stock by policy: the clock keeps what is withheld of a sku at a node at what was decided.
//!
//! The policy of the sku at a node comes before that of the sku at all nodes, and that before the one of the kind of node.
//! It says units, or days of what leaves as somebody told it; where there is none, what was moved by hand stays as
//! it is. What is missing is taken from free units alone, never from what is reserved or promised, and only after
//! everything owed and everybody who waits: a give has paid those before a unit is free. What is too much is a give like
//! any other. Each cell is a record of its own, at the first look of the clock after its level moved; until then a unit
//! that came may be sold, as safety stock is a buffer, not a right.

use std::collections::BTreeSet;

use super::Engine;
use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use crate::domain::ids::SkuIndex;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};

impl Engine {
    /// Brings the safety stock of a sku to its policy, node by node.
    pub(super) fn keep_safety(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) {
        let policies = network.catalogue.policies();
        let nodes: Vec<_> = network.sku(sku).cells.iter().map(|cell| cell.node).collect();
        for node in nodes.into_iter().filter(|node| network.supplies(*node)) {
            if let Some(wanted) = policies.safety(sku, node, network.catalogue.node(node).kind) {
                self.keep_safety_of(turn, network, CellKey { sku, node }, wanted);
            }
        }
    }

    fn keep_safety_of(&self, turn: &Turn<'_>, network: &Network, cell: CellKey, wanted: u32) {
        let mut change = Change::lock(network, &BTreeSet::from([cell.sku]));
        let position = change.ensure(cell);
        let has = change.ledger(cell.sku).at(position).safety_stock;
        let mut withdrawal = Withdrawal::nothing();
        if has < wanted {
            let word = network.cell(cell).expect("just ensured").word;
            let units = withdrawal.add_up_to(word, network.limited(cell), wanted - has);
            change.withdrawn(cell, units, MovementKind::StateChanged);
            let delta = LevelDelta { safety_stock: units as i32, ..LevelDelta::default() };
            change.shift(cell, MovementKind::StateChanged, delta);
        } else {
            change.give(cell, has - wanted, MovementKind::StateChanged, |delta, n| delta.safety_stock -= n);
        }
        let events: Vec<_> = change.events().collect();
        if events.is_empty() {
            return;
        }
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None).expect("a few events are small");
        let touched = turn.log(self, sealed, change, withdrawal).done();
        self.follow_up(turn, network, touched);
    }
}
