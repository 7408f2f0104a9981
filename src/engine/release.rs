//! Releases of items: what of an order waits for one, and what the clock does when it comes.
//!
//! A line of an item that is not released stands in the queue of its sku like any other that waits, so a first receipt
//! serves it in its turn; only its bucket tells that it waits for a release. When the release comes the clock moves what
//! still waits to the bucket of what waits for stock, one record per order, in the order of the queue. Nothing leaves
//! the house before it (`fulfill`).

use std::collections::BTreeSet;

use super::Engine;
use super::network::Network;
use super::turn::Turn;
use crate::domain::decision::LineUnits;
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::{Order, OrderEvent};
use crate::domain::time::{JournalTime, Now, WallTime};

/// Orders the clock moves on at once, each a record.
const RELEASED_MAX: usize = 512;

impl Engine {
    /// Tells the clock of the release of an item; of one that lost its date at once.
    pub(super) fn watch_release(&self, sku: SkuIndex, at: Option<WallTime>, now: Now) {
        let at = at.map_or(now.journal, |at| ReleaseAt::of(at, now).journal);
        self.releases_due.push(at, sku);
    }

    /// Tells the clock of all releases, at start.
    pub(super) fn watch_releases(&self, network: &Network, now: Now) {
        for (sku, at) in network.catalogue.releases() {
            self.watch_release(sku, Some(at), now);
        }
    }

    /// Moves on who waited for a release that came; answers when the clock should come again.
    pub(super) fn releases_come(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.log.now();
        let due = self.releases_due.take_due(now.journal, usize::MAX);
        let mut room = RELEASED_MAX;
        for sku in due {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match network.catalogue.item(sku).release_at {
                // Put off meanwhile, or the wall clock is behind the journal's.
                Some(at) if at > now.wall => self.watch_release(sku, Some(at), now),
                _ if self.release(turn, &network, sku, now.wall, &mut room) => {}
                _ => self.releases_due.push(now.journal, sku),
            }
        }
        self.releases_due.next()
    }

    /// Moves on who waits for an item that is released; `false` when there were more than there was room for.
    fn release(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex, now: WallTime, room: &mut usize) -> bool {
        for key in waiting_for(network, sku) {
            let Some(mut slot) = self.orders.lock(key) else { continue };
            let units = released(network, slot.as_ref().expect("a locked entity is there"), now);
            if units.is_empty() {
                continue;
            }
            if *room == 0 {
                return false;
            }
            *room -= 1;
            let told = vec![OrderEvent::ReleaseCame { units }];
            let logged = self.log_order(turn, network, &mut slot, turn.now(), told, None);
            logged.expect("the units of an order's lines fit into a record");
        }
        true
    }
}

/// Who waits for an item, as itself or as a part of a kit, in the order of the queue.
fn waiting_for(network: &Network, sku: SkuIndex) -> BTreeSet<OrderKey> {
    let parts = network.catalogue.item(sku).components.iter().map(|component| component.sku);
    let waiting = |sku: SkuIndex| {
        let ledger = network.sku(sku).ledger.lock();
        ledger.queue().keys().chain(ledger.loose().keys()).map(|(order, _)| *order).collect::<Vec<_>>()
    };
    parts.chain([sku]).flat_map(waiting).collect()
}

/// Units of an order that wait for a release that came.
fn released(network: &Network, order: &Order, now: WallTime) -> Vec<LineUnits> {
    let lines = (0..).zip(&order.lines).filter(|(_, line)| line.preordered > 0);
    let came = lines.filter(|(_, line)| !network.catalogue.is_preorder(order.facts.kind, &line.placed, now));
    came.map(|(line, own)| LineUnits { line, quantity: own.preordered }).collect()
}
