//! Open orders planned again when units came, or a node was switched off, as a policy says.
//!
//! ```text
//! record ─► a reader of the journal notes skus that came, nodes that went ─► the look-ahead thread plans those that want or had
//! something of it again ─► a proposal, told with its reason ─► with leave: a command of its own, in a record of its own
//! ```
//! Nothing of it lies on the way of the receipt: what happened is noted behind its record. Where a node went, what it had to
//! begin is sourced again first (`catalogue`), and then planned together. A plan that changes nothing is not told; one that is
//! out of date when it is to be applied stays told as proposed. What was noted and not looked at yet is forgotten by a restart.
//!
//! Bounds: [`SKUS_MAX`] skus at a time, [`OPTIMISED_MAX`] orders of each occasion, the oldest first, and the time that is given.
//!
//! [`OPTIMISED_MAX`]: crate::domain::limits::OPTIMISED_MAX

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use parking_lot::Mutex;

use super::Engine;
use crate::domain::event::Event;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::node::NodeKind;
use crate::domain::optimisation::Optimise;
use crate::domain::record::Record;
use crate::domain::replanning::{Leave, Occasion};
use crate::domain::stock::MovementKind;

/// Skus of receipts that are looked at together.
const SKUS_MAX: usize = 100;
/// Rounds of prices and of repairs for every order, when time does not end them.
const ROUNDS: u32 = 300;

/// What happened and was not looked at yet.
#[derive(Debug, Default)]
pub struct Occasions {
    /// Whether a policy asks for it.
    is_on: AtomicBool,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    skus: BTreeSet<SkuIndex>,
    nodes: BTreeSet<NodeIndex>,
}

impl Engine {
    /// What the policy says, from now on and at a start.
    pub(super) fn open_replanning(&self) {
        let rule = self.catalogue(|catalogue| catalogue.policies().replanning());
        let is_on = rule.on_receipt.is_some() || rule.on_outage.is_some();
        self.occasions.is_on.store(is_on, Release);
        if !is_on {
            *self.occasions.noted.lock() = Noted::default();
        }
    }

    /// Notes what came and who went. For a reader of the journal.
    pub(super) fn note_occasions(&self, record: &Record) {
        if !self.occasions.is_on.load(Acquire) {
            return;
        }
        for event in &record.events {
            match event {
                Event::StockMoved(moved) => {
                    let came = matches!(moved.kind, MovementKind::Received | MovementKind::TransferredIn);
                    if came && moved.delta.available > 0 {
                        self.occasions.noted.lock().skus.insert(moved.cell.sku);
                    }
                }
                Event::NodePut(put) if !put.node.active && put.node.kind != NodeKind::Virtual => {
                    self.occasions.noted.lock().nodes.insert(put.index);
                }
                _ => {}
            }
        }
    }

    /// What should be planned again now, and what may be done with that; an outage once what its node had to begin is sourced.
    pub fn replanning_due(&self, within: Duration) -> Option<(Optimise, Leave)> {
        let rule = self.catalogue(|catalogue| catalogue.policies().replanning());
        let mut noted = self.occasions.noted.lock();
        if rule.on_outage.is_none() {
            noted.nodes.clear();
        }
        if rule.on_receipt.is_none() {
            noted.skus.clear();
        }
        let node = if self.idle.is_empty() { noted.nodes.pop_first() } else { None };
        let (occasion, leave) = match node {
            Some(node) => (Occasion::Outage(Some(node)), rule.on_outage?),
            None if noted.skus.is_empty() => return None,
            None => {
                let skus = (0..SKUS_MAX).map_while(|_| noted.skus.pop_first()).collect();
                (Occasion::Receipt(skus), rule.on_receipt?)
            }
        };
        let may_be_later = rule.may_be_later;
        Some((Optimise { orders: None, node: None, sku: None, within, rounds: ROUNDS, may_be_later, occasion }, leave))
    }
}
