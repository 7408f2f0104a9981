//! What the clock does to fulfilment orders: hands those to their nodes whose window begins, takes back what nobody picked
//! up in time (not while the customer stands there: [`ARRIVED_GRACE_S`]; before somebody is given it who comes later), and what a node did not answer in the time it is
//! given; and lets what left and is heard of no more count as delivered, if that is the policy. Each is a record, written a
//! little after its instant.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Engine;
use super::fulfill::Tried;
use super::network::Network;
use super::table::Locked;
use super::turn::Turn;
use crate::domain::collection::ARRIVED_GRACE_S;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep, FulfillmentVerb};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{FulfillmentKey, OrderKey};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::time::JournalTime;

/// Fulfilment orders the clock takes on at once, each a record.
const TAKEN_ON_MAX: usize = 1_024;
/// Why what was ready is taken back.
const PICKUP_ENDED: &str = "pickup_window_ended";
/// Why what a node did not answer is taken back.
pub const NO_RESPONSE: &str = "no_response";

impl Engine {
    /// Tells the clock of fulfilment orders of an order, by number.
    pub(super) fn watch_windows(&self, network: &Network, order: &Order, numbers: RangeInclusive<u16>) {
        network.workloads.look_at(order);
        self.note_pickable(order, numbers.clone());
        let watched = order.fulfillment_orders.iter().filter(|f| numbers.contains(&f.number));
        let key = |number| FulfillmentKey { order: order.key, number };
        watched.clone().for_each(|f| self.watch_work(key(f.number), f));
        watched.clone().for_each(|f| self.watch_shipment_of(network, order, f));
        self.windows_due.extend(watched.filter_map(|f| Some((due_at(network, order, f)?, (order.key, f.number)))));
    }

    /// The same for an order that changed: it may have been given further ones, or be cancelled at another instant.
    pub(super) fn watch_new_windows(&self, network: &Network, slot: &Locked<Arc<Order>>) {
        let Some(order) = slot.as_ref() else { return };
        network.workloads.look_at(order);
        self.watch_order(network, order);
        self.watch_readiness(order);
        if order.release_at.is_some() || !network.catalogue.policies().is_empty() {
            self.watch_windows(network, order, 1..=order.next_number());
        }
    }

    /// Takes on what is due; answers when the clock should come again.
    pub(super) fn take_windows_on(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        for (key, number) in self.windows_due.take_due(now, TAKEN_ON_MAX) {
            self.take_on(turn, key, number, now);
        }
        self.windows_due.next()
    }

    fn take_on(&self, turn: &Turn<'_>, key: OrderKey, number: u16, now: JournalTime) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let touched = {
            let Some(mut slot) = self.orders.lock(key) else { return };
            let order = slot.as_ref().expect("a locked entity is there");
            let Some(fulfillment) = order.fulfillment(number) else { return };
            // It may have gone on since the clock was told, or be held: then it is due later, or never.
            let Some(at) = self.taken_on_at(turn, &network, order, fulfillment) else { return };
            let step = step_of(fulfillment);
            if at > now {
                return self.windows_due.extend([(at, (key, number))]);
            }
            match self.log_step(turn, &network, &mut slot, (number, step, &[]), now, None) {
                Ok(Tried::Done((_, touched))) => touched,
                Ok(Tried::Again) => return self.windows_due.extend([(now.plus_s(1), (key, number))]),
                // A record too large for its units stays where it is.
                Err(_) => BTreeSet::new(),
            }
        };
        self.follow_up(turn, &network, touched);
        self.resource(turn, &network, key);
    }

    /// Takes back what is ready and whose window is over, where its customer is there before the clock: who comes too late
    /// comes too late, however busy the clock is. Refused while others change the same stock: then it is asked again.
    pub(super) fn end_window(&self, turn: &Turn<'_>, network: &Network, key: FulfillmentKey) -> Result<(), Rejection> {
        let touched = {
            let Some(mut slot) = self.orders.lock(key.order) else { return Ok(()) };
            let order = slot.as_ref().expect("a locked entity is there");
            let ready = order.fulfillment(key.number).filter(|f| f.status == FulfillmentStatus::Ready);
            let Some(fulfillment) = ready else { return Ok(()) };
            let now = turn.now();
            if self.taken_on_at(turn, network, order, fulfillment).is_none_or(|at| at > now) {
                return Ok(());
            }
            let step = step_of(fulfillment);
            match self.log_step(turn, network, &mut slot, (key.number, step, &[]), now, None) {
                Ok(Tried::Done((_, touched))) => touched,
                Ok(Tried::Again) => return Err(Rejection::Contended),
                // A record too large for its units stays where it is.
                Err(_) => return Ok(()),
            }
        };
        self.follow_up(turn, network, touched);
        self.resource(turn, network, key.order);
        Ok(())
    }

    /// When the clock takes it on from where it stands; never when `None`.
    fn taken_on_at(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        order: &Order,
        fulfillment: &FulfillmentOrder,
    ) -> Option<JournalTime> {
        let at = due_at(network, order, fulfillment)?;
        Some(at.max(self.kept_until(turn, order.key, fulfillment).unwrap_or(at)))
    }

    /// Until when what is ready is kept for a customer who said that he is there: nobody takes back what is wanted at the
    /// door.
    fn kept_until(&self, turn: &Turn<'_>, order: OrderKey, fulfillment: &FulfillmentOrder) -> Option<JournalTime> {
        if fulfillment.status != FulfillmentStatus::Ready {
            return None;
        }
        let known = self.collection(FulfillmentKey { order, number: fulfillment.number })?;
        let since = ReleaseAt::of(known.arrival?.at, turn.log.now()).journal;
        Some(since.plus_s(ARRIVED_GRACE_S))
    }
}

/// The same, whoever stands there.
fn due_at(network: &Network, order: &Order, fulfillment: &FulfillmentOrder) -> Option<JournalTime> {
    match fulfillment.status {
        FulfillmentStatus::Scheduled | FulfillmentStatus::Ready => fulfillment.until.map(|until| until.journal),
        FulfillmentStatus::Submitted => {
            let within = network.catalogue.policies().accept_within_s(fulfillment.node)?;
            asked_since(order, fulfillment).map(|since| since.plus_s(u64::from(within)))
        }
        FulfillmentStatus::Shipped if order.goes_to(fulfillment).is_none() && !order.is_settled(fulfillment) => {
            network.catalogue.policies().clocks(order.method_of(fulfillment.group))?.delivers(order, fulfillment)
        }
        _ => None,
    }
}

/// Since when its node can answer: not while a hold forbids it to, and from the end of the last one on.
fn asked_since(order: &Order, fulfillment: &FulfillmentOrder) -> Option<JournalTime> {
    let mut holds = order.holds.iter().filter(|hold| hold.terms.kind.forbids(FulfillmentVerb::Accept));
    holds.try_fold(fulfillment.since, |since, hold| {
        let (ended, _) = hold.ended.as_ref()?;
        (!hold.forbids(FulfillmentVerb::Accept)).then_some(since.max(*ended))
    })
}

/// The step that is due from where it stands.
fn step_of(fulfillment: &FulfillmentOrder) -> FulfillmentStep {
    match fulfillment.status {
        FulfillmentStatus::Ready => FulfillmentStep::Stopped { reason: PICKUP_ENDED.into(), resourced: false },
        FulfillmentStatus::Submitted => FulfillmentStep::Rejected { reason: NO_RESPONSE.into() },
        FulfillmentStatus::Shipped => FulfillmentStep::Delivered,
        _ => FulfillmentStep::Submitted,
    }
}
