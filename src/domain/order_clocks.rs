//! What the clock does to orders of a delivery method that nobody takes on: what is not paid for or not to be had is
//! cancelled, and what left and is heard of no more counts as delivered. Terms and the instants that follow from them.
//!
//! Without terms nothing of it happens: a shipment that nobody saw for too long is a case (`exception`), what waits waits.
//! What is *not* here: the clock (the engine).

use serde::{Deserialize, Serialize};

use super::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use super::hold::{Hold, HoldKind, HoldState};
use super::ids::Text;
use super::order::Order;
use super::time::JournalTime;
use super::tracking::TrackingStatus;

/// Terms; nothing happens by what is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OrderClocks {
    /// From capture, or from when another order was merged into it, until what can be cancelled of an order is cancelled,
    /// seconds. One of which all that was due was authorized or paid at any time is not: what is given back, added or void
    /// later is the business of whoever did it.
    pub cancel_unpaid_after_s: Option<u32>,
    /// From when units were looked for and not found until they are cancelled, seconds. What waits for a release does not
    /// count until it comes, nor what rests by wish or waits for its customer's word.
    pub cancel_waiting_after_s: Option<u32>,
    /// From dispatch, or the last that its carrier told, until a shipment counts as delivered, seconds.
    pub deliver_after_s: Option<u32>,
}

/// Why the clock cancels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lapsed {
    /// Nobody paid.
    Unpaid,
    /// Nobody has the units.
    Unfulfillable,
}

impl Lapsed {
    /// The reason of the cancellation.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Unfulfillable => "unfulfillable",
        }
    }
}

impl OrderClocks {
    /// When units of an order that reach the customer by a method are cancelled next, and why; never when `None`, as it
    /// stands. What is owed is owed for the whole order. One that waits for what it replaces is left alone, and its time
    /// begins when that came.
    pub fn cancels(&self, order: &Order, method: &Text) -> Option<(JournalTime, Lapsed)> {
        let replaces = || order.holds.iter().filter(|hold| hold.terms.kind == HoldKind::ReturnItems);
        if replaces().any(|hold| hold.state == HoldState::Active) {
            return None;
        }
        let let_go = |hold: &Hold| hold.ended.as_ref().map(|(at, _)| *at);
        let since = replaces().filter_map(let_go).max().unwrap_or(order.received_at);
        let own = || (0..).zip(&order.lines).filter(|(_, line)| order.method_of(line.placed.group) == method);
        // What is reported after a split may be reported of the order it came from.
        let owes = order.split_from.is_none() && !order.was_covered();
        let owes = owes && own().any(|(line, _)| order.buckets(line).open() > 0);
        let unpaid = self.cancel_unpaid_after_s.filter(|_| owes);
        let unpaid =
            unpaid.map(|after| (last_told(order, &["merged"]).max(since).plus_s(after.into()), Lapsed::Unpaid));
        let waits = own().any(|(_, line)| line.backordered > 0 || line.unallocated > 0);
        let waiting =
            self.cancel_waiting_after_s.filter(|_| waits && order.deferral.is_none() && !order.awaits_customer);
        let waiting =
            waiting.map(|after| (last_told(order, &LOOKED_FOR).max(since).plus_s(after.into()), Lapsed::Unfulfillable));
        unpaid.into_iter().chain(waiting).min_by_key(|(at, _)| *at)
    }

    /// When a shipment counts as delivered; never when `None`. What its carrier says comes back, could not be delivered or
    /// waits to be fetched does not.
    pub fn delivers(&self, order: &Order, fulfillment: &FulfillmentOrder) -> Option<JournalTime> {
        let after = self.deliver_after_s.filter(|_| fulfillment.status == FulfillmentStatus::Shipped)?;
        let tracked = order.tracked(fulfillment.number);
        let status = tracked.map(|tracked| tracked.status());
        let wrong = [TrackingStatus::Failure, TrackingStatus::ReturnToSender, TrackingStatus::AvailableForPickup];
        let told =
            order.history.iter().rev().find(|told| told.number == fulfillment.number && &*told.what == "tracked");
        let since = told.map_or(fulfillment.since, |told| told.at.max(fulfillment.since));
        let is_wrong = status.is_some_and(|status| wrong.contains(&status));
        (!is_wrong).then(|| since.plus_s(after.into()))
    }
}

/// With what units of an order are looked for.
const LOOKED_FOR: [&str; 3] = ["placed", "sourced", "release_came"];

/// When one of these was told of an order last; else its capture.
fn last_told(order: &Order, what: &[&str]) -> JournalTime {
    let last = order.history.iter().rev().find(|told| what.contains(&&*told.what));
    last.map_or(order.received_at, |told| told.at)
}
