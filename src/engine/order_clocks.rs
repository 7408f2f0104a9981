//! Orders that the clock cancels by policy: what nobody paid for, and what nobody has.
//!
//! An order is told to the clock when it changes, when a policy is put and at a start; whoever is told looks at the order
//! itself, so an entry that came too early or too often does no harm. Costs one look at a flag where nothing of it is
//! decided. What is *not* here: terms and instants (`domain::order_clocks`), shipments that count as delivered (`window`).

use super::Engine;
use super::network::Network;
use super::turn::Turn;
use crate::domain::ids::{OrderKey, Text};
use crate::domain::order::{CancelFrom, CancelledPart, Order};
use crate::domain::order_clocks::Lapsed;
use crate::domain::time::JournalTime;

/// Orders that the clock cancels at once.
const CANCELLED_MAX: usize = 512;

impl Engine {
    /// Tells the clock of an order that it may have to cancel.
    pub(super) fn watch_order(&self, network: &Network, order: &Order) {
        if let Some(at) = lapses(network, order).map(|(at, ..)| at).min() {
            self.cancels_due.push(at, order.key);
        }
    }

    /// Tells the clock of all orders of a delivery method: other terms stand for them.
    pub(super) fn watch_orders_by(&self, delivery_method: &Text) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        for key in self.orders.keys() {
            let slot = self.orders.lock(key);
            let Some(order) = slot.as_ref().and_then(|slot| slot.as_ref()) else { continue };
            if order.methods().any(|method| method == delivery_method) {
                self.watch_order(&network, order);
                self.watch_windows(&network, order, 1..=order.next_number());
            }
        }
    }

    /// Cancels what is due; answers when the clock should come again.
    pub(super) fn cancel_due(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        for key in self.cancels_due.take_due(now, CANCELLED_MAX) {
            self.cancel_lapsed(turn, key, now);
        }
        self.cancels_due.next()
    }

    fn cancel_lapsed(&self, turn: &Turn<'_>, key: OrderKey, now: JournalTime) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let Some(mut slot) = self.orders.lock(key) else { return };
        let order = slot.as_ref().expect("a locked entity is there");
        // What a node has begun cannot be cancelled: it is looked at no more until units are looked for again.
        let Some((lapsed, parts)) = due_of(&network, order, now) else {
            let later = lapses(&network, order).map(|(at, ..)| at).filter(|at| *at > now).min();
            return later.into_iter().for_each(|at| self.cancels_due.push(at, key));
        };
        let reason = lapsed.reason().into();
        let (touched, done) = self.cancel_all(turn, &network, &mut slot, parts, &reason, |_| None);
        if let Err(rejection) = done {
            tracing::error!(%rejection, "an order could not be cancelled whole");
        }
        if let Some(order) = slot.as_ref() {
            self.watch_order(&network, order);
        }
        let order = slot.as_ref().cloned();
        drop(slot);
        self.follow_up(turn, &network, touched);
        drop(network);
        order.into_iter().for_each(|order| self.tend_replaced(turn, &order));
    }
}

/// When the clock cancels of an order what reaches the customer by each of its methods, and why.
fn lapses<'o>(network: &'o Network, order: &'o Order) -> impl Iterator<Item = (JournalTime, Lapsed, &'o Text)> {
    let policies = network.catalogue.policies();
    let of = move |method: &'o Text| {
        let (at, lapsed) = policies.clocks(method)?.cancels(order, method)?;
        Some((at, lapsed, method))
    };
    order.methods().filter_map(of)
}

/// What is to be cancelled of an order now, and why.
fn due_of(network: &Network, order: &Order, now: JournalTime) -> Option<(Lapsed, Vec<CancelledPart>)> {
    let due = lapses(network, order).filter(|(at, ..)| *at <= now);
    let mut due = due.map(|(_, lapsed, method)| (lapsed, parts_of(order, lapsed, method)));
    due.find(|(_, parts)| !parts.is_empty())
}

/// What is cancelled of what reaches the customer by a method: all that can be, or only what waits for stock.
fn parts_of(order: &Order, lapsed: Lapsed, method: &Text) -> Vec<CancelledPart> {
    let waits = |part: &CancelledPart| matches!(part.from, CancelFrom::Unallocated | CancelFrom::Backordered);
    let own = |line: &u16| order.method_of(order.lines[usize::from(*line)].placed.group) == method;
    let parts = (0..order.lines.len() as u16).filter(own).flat_map(|line| order.cancellable(line));
    parts.filter(|part| lapsed == Lapsed::Unpaid || waits(part)).collect()
}
