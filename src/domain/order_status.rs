//! The status of an order: read off its buckets and fulfilment orders by the first rule that holds.
//!
//! What is *not* here: drafts, whose rules come with them, and what is back (`order_returns`).

use super::delivery::is_collected;
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};
use super::order::{Order, Stage};
use super::order_returns::Back;

/// What a reader is told of an order; computed, never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the states, in the order of the tests")]
pub enum OrderStatus {
    Cancelled,
    OnHold,
    Returned,
    PartiallyReturned,
    Fulfilled,
    Shipped,
    PartiallyShipped,
    SplitFulfillment,
    InFulfillment,
    FullyAllocated,
    PartiallyAllocated,
    Backordered,
    Preordered,
    AllocationFailed,
    RoutingFailed,
    Routed,
    Received,
}

impl OrderStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::OnHold => "on_hold",
            Self::Returned => "returned",
            Self::PartiallyReturned => "partially_returned",
            Self::Fulfilled => "fulfilled",
            Self::Shipped => "shipped",
            Self::PartiallyShipped => "partially_shipped",
            Self::SplitFulfillment => "split_fulfillment",
            Self::InFulfillment => "in_fulfillment",
            Self::FullyAllocated => "fully_allocated",
            Self::PartiallyAllocated => "partially_allocated",
            Self::Backordered => "backordered",
            Self::Preordered => "preordered",
            Self::AllocationFailed => "allocation_failed",
            Self::RoutingFailed => "routing_failed",
            Self::Routed => "routed",
            Self::Received => "received",
        }
    }

    /// The status of an order: the first rule that holds.
    pub fn of(order: &Order) -> Self {
        match Self::under_hold(order) {
            Self::Cancelled => Self::Cancelled,
            _ if is_held(order) => Self::OnHold,
            status => status,
        }
    }

    /// What the status is, holds aside.
    pub fn under_hold(order: &Order) -> Self {
        let t = order.totals();
        let wanted = t.sum() - u64::from(t.cancelled);
        let gone = u64::from(t.shipped) + u64::from(t.delivered);
        let at_nodes = u64::from(t.allocated) + u64::from(t.released) + u64::from(t.picked) + u64::from(t.packed);
        let accepted = order.fulfillment_orders.iter().any(|f| f.status.is_accepted_or_beyond());
        let live = order.fulfillment_orders.iter().filter(|f| f.status.is_live()).count();
        match () {
            () if wanted == 0 => Self::Cancelled,
            () if order.back() == Back::All && order.open_units() == 0 => Self::Returned,
            () if order.back() == Back::Some && order.open_units() == 0 => Self::PartiallyReturned,
            () if u64::from(t.delivered) == wanted => Self::Fulfilled,
            () if gone == wanted => Self::Shipped,
            () if gone > 0 => Self::PartiallyShipped,
            () if accepted && live > 1 => Self::SplitFulfillment,
            () if accepted => Self::InFulfillment,
            () if at_nodes == wanted => Self::FullyAllocated,
            () if at_nodes > 0 => Self::PartiallyAllocated,
            () if u64::from(t.backordered) == wanted => Self::Backordered,
            () if u64::from(t.preordered) == wanted => Self::Preordered,
            () if t.backordered > 0 || t.preordered > 0 => Self::Backordered,
            () => match order.deferral.map(|deferral| deferral.stage) {
                Some(Stage::AllocationFailed) => Self::AllocationFailed,
                Some(Stage::RoutingFailed) => Self::RoutingFailed,
                Some(Stage::Routed) => Self::Routed,
                Some(Stage::Received) | None => Self::Received,
            },
        }
    }
}

/// Whether a hold forbids the next step of some units.
fn is_held(order: &Order) -> bool {
    let next = |own: &FulfillmentOrder| match own.status {
        FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted => Some(FulfillmentVerb::Accept),
        FulfillmentStatus::Accepted | FulfillmentStatus::Picking => Some(FulfillmentVerb::Pick),
        FulfillmentStatus::Picked => Some(FulfillmentVerb::Pack),
        FulfillmentStatus::Packed if is_collected(order.method_of(own.group)) => Some(FulfillmentVerb::Ready),
        FulfillmentStatus::Packed => Some(FulfillmentVerb::Ship),
        FulfillmentStatus::Ready => Some(FulfillmentVerb::HandOver),
        _ => None,
    };
    let forbidden = |verb| order.holds.iter().any(|hold| hold.forbids(verb));
    let held = |own| next(own).is_some_and(forbidden);
    !order.holds.is_empty() && order.fulfillment_orders.iter().any(|f| f.units() > 0 && held(f))
}
