//! Milestones of an order: dated steps, each with the instant at which it was first reached, read off its story.

use std::collections::BTreeMap;

use crate::api::scalar::Instant;
use crate::domain::order::{Order, OrderStatus, Told};
use crate::domain::payment::PaymentMark;
use crate::domain::tracking::TrackingStatus;

/// Steps by the word of the story that first shows each.
const MILESTONES: &[(&str, &[&str])] = &[
    ("received", &["placed"]),
    ("routed", &["routed"]),
    ("allocation_error", &["allocation_failed"]),
    ("in_fulfillment", &["accepted"]),
    ("shipped", &["shipped"]),
    ("delivered", &["delivered", "handed_over"]),
];

/// Words that tell that units found a node.
const FOUND: [&str; 3] = ["placed", "sourced", "filled"];

/// The milestones that an order has reached.
pub fn milestones(order: &Order) -> BTreeMap<&'static str, Instant> {
    let first = |words: &[&str]| order.history.iter().find(|told| words.contains(&&*told.what));
    let mut milestones: BTreeMap<_, Instant> =
        MILESTONES.iter().filter_map(|(name, words)| Some((*name, first(words)?.at.into()))).collect();
    let confirms = |mark: PaymentMark| mark == PaymentMark::Authorized || mark.brings();
    let confirmed = order.payments.iter().find(|fact| confirms(fact.mark));
    milestones.extend(confirmed.map(|fact| ("payment_confirmed", fact.at.into())));
    milestones.extend(assigned(order).map(|told| ("assigned_location", told.at.into())));
    milestones.extend(allocated(order).map(|told| ("allocated", told.at.into())));
    if order.status() == OrderStatus::Fulfilled {
        let last = order.history.iter().rev().find(|told| matches!(&*told.what, "delivered" | "handed_over"));
        milestones.extend(last.map(|told| ("fulfilled_at", told.at.into())));
    }
    let tracked = order.particulars.iter().flat_map(|particulars| &particulars.tracked);
    let out = tracked.filter_map(|tracked| tracked.first(TrackingStatus::OutForDelivery)).min();
    milestones.extend(out.map(|at| ("out_for_delivery", at.into())));
    milestones
}

/// When the first of its units found a node: as the order was placed, unless it was looked for later before anything
/// happened at a node.
fn assigned(order: &Order) -> Option<&Told> {
    order.fulfillment_orders.first()?;
    let at_node = order.history.iter().position(|told| told.number > 0).unwrap_or(order.history.len());
    let filled = order.history.get(at_node).filter(|told| &*told.what == "filled" && told.number == 1);
    let sourced = || order.history[..at_node].iter().find(|told| &*told.what == "sourced");
    filled.or_else(sourced).or_else(|| order.history.iter().find(|told| &*told.what == "placed"))
}

/// When the last of its units found a node, once none is left without.
fn allocated(order: &Order) -> Option<&Told> {
    let waits = order.lines.iter().any(|line| line.unallocated > 0 || line.waiting() > 0);
    order.fulfillment_orders.first().filter(|_| !waits)?;
    order.history.iter().rev().find(|told| FOUND.contains(&&*told.what))
}
