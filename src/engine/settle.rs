//! Paying from what is free: shortfalls of a cell, and demand that waits. Needed where a legal past shows both beside
//! free units: at the start (a prefix may end between two records that memory knew in the other order), and when a node
//! with stock is switched on, or a channel put, while demand waits.

use std::collections::BTreeSet;

use super::Engine;
use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use crate::domain::event::Event;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::order::OrderLine;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};

impl Engine {
    /// Pays what a sku owes from what it has free, then serves its queue. Nobody else may be taking.
    pub(super) fn settle(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) {
        // Who is tried before others takes of what was set aside for them: they are paid again.
        while self.settle_once(turn, network, sku) {}
    }

    /// Answers whether anything was paid and somebody with a right waits still.
    fn settle_once(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> bool {
        let mut change = Change::lock(network, &BTreeSet::from([sku]));
        let mut withdrawal = Withdrawal::nothing();
        let ledger = change.ledger(sku);
        let mut room = ledger.wanted().saturating_sub(ledger.pooled());
        let cells: Vec<(NodeIndex, u32)> =
            network.sku(sku).cells.iter().map(|cell| (cell.node, ledger.at(cell.position).shortfall)).collect();
        for (node, shortfall) in cells {
            let key = CellKey { sku, node };
            let word = network.cell(key).expect("a cell never goes").word;
            let limited = network.limited(key);
            let paid = withdrawal.add_up_to(word, limited, shortfall);
            let wanted = if network.supplies(node) { room.min(u64::from(u32::MAX)) as u32 } else { 0 };
            let pooled = withdrawal.add_up_to(word, limited, wanted);
            room -= u64::from(pooled);
            let (p, q) = (paid as i32, pooled as i32);
            change.shift(
                key,
                MovementKind::Settled,
                LevelDelta { shortfall: -p, pool: q, reserved: q, ..LevelDelta::default() },
            );
            change.withdrawn(key, paid + pooled, MovementKind::Settled);
        }
        let events: Vec<Event> = change.events().collect();
        let pays = !events.is_empty();
        if pays {
            let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None);
            let sealed = sealed.expect("one sku's cells fit into a record");
            turn.log(self, sealed, change, withdrawal).done();
        } else {
            drop((withdrawal, change));
        }
        self.follow_up(turn, network, BTreeSet::from([sku]));
        pays && network.sku(sku).ledger.lock().wanted() > 0
    }

    /// Serves lines that need no stock and wait because no node supplied them. They stand in no queue, since they have
    /// no sku of a cell; the node that serves them seldom goes, so all orders are looked at when it comes back.
    pub(super) fn serve_unstocked(&self, turn: &Turn<'_>, network: &Network) {
        let mut keys = self.orders.keys();
        keys.sort_unstable();
        keys.into_iter().for_each(|key| self.serve_unstocked_of(turn, network, key));
    }

    /// As [`Engine::serve_unstocked`], of one order.
    pub(super) fn serve_unstocked_of(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let waiting: Vec<u16> = match self.orders.lock(key).as_deref() {
            Some(Some(order)) => {
                let waits = |line: &OrderLine| line.waiting() > 0 && !line.placed.stocked;
                (0..).zip(&order.lines).filter(|(_, line)| waits(line)).map(|(line, _)| line).collect()
            }
            _ => return,
        };
        for line in waiting {
            self.refill(turn, network, (key, line), &BTreeSet::new());
        }
    }

    /// Settles every sku that owes or for which demand waits.
    pub(super) fn settle_all(&self, turn: &Turn<'_>, network: &Network) {
        for at in 0..network.stock.len() as u32 {
            let sku = SkuIndex(at);
            let busy = {
                let ledger = network.sku(sku).ledger.lock();
                ledger.shortfall() > 0
                    || !ledger.queue().is_empty()
                    || !ledger.loose().is_empty()
                    || ledger.pooled() > 0
            };
            if busy {
                self.settle(turn, network, sku);
            }
        }
    }
}
