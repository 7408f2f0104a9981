//! An order's story: one line per event, for the people who ask what happened. What is *not* here: the fold that keeps it.

use serde::{Deserialize, Serialize};

use super::delivery::is_fetched;
use super::edit::EditState;
use super::fulfillment::FulfillmentStep;
use super::hold::HoldState;
use super::ids::Text;
use super::order::{Order, OrderEvent};
use super::order_promise::{ARRIVAL_WANTED, DELIVERY_PROMISED};
use super::payment::PaymentMark;
use super::record::Header;
use super::time::{JournalTime, WallTime};
use super::words;

/// One line of an order's story.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Sequence of the record.
    pub seq: u64,
    /// When.
    pub at: JournalTime,
    /// What: a word of the API.
    #[serde(deserialize_with = "words::word")]
    pub what: Text,
    /// Fulfilment order it is about, 0 for none.
    pub number: u16,
    /// Who.
    #[serde(deserialize_with = "words::word")]
    pub actor: Text,
    /// Why, when a reason was given.
    #[serde(deserialize_with = "words::maybe_word")]
    pub reason: Option<Text>,
}

/// The word of a fulfilment order that its supplier ships himself; its reason is the instant by which he has it ready.
const DROPSHIPPED: &str = "dropshipped";

/// By when a supplier has a fulfilment order ready that he ships himself, as the story of its order tells it.
pub fn dropship_ready(history: &[Told], number: u16) -> Option<&Text> {
    let told = history.iter().rev().find(|told| told.number == number && &*told.what == DROPSHIPPED)?;
    told.reason.as_ref()
}

/// The word of a fulfilment order that somebody comes for; its reason is the instant by which it is to be ready.
const READY_PROMISED: &str = "ready_promised";

/// The word of a fulfilment order that left.
const SHIPPED: &str = "shipped";
/// The words of one that came to the store where its customer comes for it.
const CAME_TO_STORE: [&str; 2] = ["received_at_store", "received_at_store_in_part"];

impl Order {
    /// When one of its fulfilment orders left, as its story tells.
    pub fn left_at(&self, number: u16) -> Option<JournalTime> {
        let told = self.history.iter().rev().find(|told| told.number == number && &*told.what == SHIPPED);
        told.map(|told| told.at)
    }

    /// Whether one of its fulfilment orders came to where it is from another node, as its story tells.
    pub fn came_from_elsewhere(&self, number: u16) -> bool {
        self.history.iter().any(|told| told.number == number && CAME_TO_STORE.contains(&&*told.what))
    }

    /// By when one of its fulfilment orders is to be ready, as its story tells it; what was split off is promised as what it
    /// was split off.
    pub fn ready_by(&self, number: u16) -> Option<WallTime> {
        let fulfillment = self.fulfillment(number)?;
        if !is_fetched(self.method_of(fulfillment.group)) {
            return None;
        }
        let mut own = self.history.iter().rev().filter(|told| told.number == number && &*told.what == READY_PROMISED);
        match own.next() {
            Some(told) => {
                let at: jiff::Timestamp = told.reason.as_deref()?.parse().ok()?;
                Some(WallTime(at.as_millisecond()))
            }
            None => self.ready_by(fulfillment.split_from?),
        }
    }
}

fn instant(at: WallTime) -> Text {
    let instant = jiff::Timestamp::from_millisecond(at.0);
    instant.map_or_else(|_| at.0.to_string(), |instant| instant.to_string()).into()
}

/// The line that tells an event.
pub fn told(header: &Header, event: &OrderEvent) -> Told {
    let (what, number, reason): (&str, u16, Option<Text>) = match event {
        OrderEvent::Placed { .. } => ("placed", 0, None),
        OrderEvent::Sourced { .. } => ("sourced", 0, None),
        OrderEvent::Filled { allocations } => ("filled", allocations.first().map_or(0, |a| a.number), None),
        OrderEvent::Cancelled { reason, .. } => ("cancelled", 0, Some(reason.clone())),
        OrderEvent::Held { terms, .. } => ("held", 0, Some(terms.reason.clone())),
        OrderEvent::HoldEnded { state, reason, .. } => match state {
            HoldState::Rejected => ("hold_rejected", 0, reason.clone()),
            HoldState::AutoReleased => ("hold_auto_released", 0, reason.clone()),
            HoldState::Active | HoldState::Resolved => ("hold_released", 0, reason.clone()),
        },
        OrderEvent::Preordered { .. } => ("preordered", 0, None),
        OrderEvent::ReleaseCame { .. } => ("release_came", 0, None),
        OrderEvent::Deferred { .. } => ("deferred", 0, None),
        OrderEvent::Routed { .. } => ("routed", 0, None),
        OrderEvent::RoutingFailed { .. } => ("routing_failed", 0, None),
        OrderEvent::AllocationFailed { .. } => ("allocation_failed", 0, None),
        OrderEvent::PaymentReported { mark, .. } => match mark {
            PaymentMark::Authorized => ("payment_authorized", 0, None),
            PaymentMark::Paid => ("payment_paid", 0, None),
            PaymentMark::Failed => ("payment_failed", 0, None),
            PaymentMark::Refunded => ("payment_refunded", 0, None),
            PaymentMark::Moved => ("payment_moved", 0, None),
            PaymentMark::Exchanged => ("payment_exchanged", 0, None),
            PaymentMark::Credited => ("payment_credited", 0, None),
        },
        OrderEvent::Consolidated { number, .. } => ("consolidated", *number, None),
        OrderEvent::SplitOff { to, .. } => ("split", 0, Some(to.to_string().into())),
        OrderEvent::Ways { .. } => ("ways_chosen", 0, None),
        OrderEvent::Booked { .. } => ("booked", 0, None),
        OrderEvent::Warranted { .. } => ("warranted", 0, None),
        OrderEvent::WarrantyRegistered { .. } => ("warranty_registered", 0, None),
        OrderEvent::MergedInto { order, .. } => ("merged_into", 0, Some(order.to_string().into())),
        OrderEvent::Return { key, step, .. } => (step.word(), 0, Some(key.to_string().into())),
        OrderEvent::Merged { merged } => ("merged", 0, Some(merged.from.to_string().into())),
        OrderEvent::Dropshipped { number, ready_at } => (DROPSHIPPED, *number, Some(instant(*ready_at))),
        OrderEvent::ReadyPromised { number, ready_by } => (READY_PROMISED, *number, Some(instant(*ready_by))),
        OrderEvent::DeliveryPromised { number, deliver_by } => {
            (DELIVERY_PROMISED, *number, Some(deliver_by.date().to_string().into()))
        }
        OrderEvent::ArrivalWanted { by } => (ARRIVAL_WANTED, 0, Some(by.date().to_string().into())),
        OrderEvent::Bought { units } => ("bought", 0, units.first().map(|bought| bought.document.to_string().into())),
        OrderEvent::Preferred { .. } => ("node_preferred", 0, None),
        OrderEvent::Fenced { .. } => ("fenced", 0, None),
        OrderEvent::Tracked { number, scans, .. } => {
            ("tracked", *number, scans.iter().max_by_key(|scan| scan.at).map(|scan| scan.status.word().into()))
        }
        OrderEvent::Totalled { .. } => ("totalled", 0, None),
        OrderEvent::SplitFrom { order } => ("split_off", 0, Some(order.to_string().into())),
        OrderEvent::EditOpened { .. } => ("edit_opened", 0, None),
        OrderEvent::Edited { .. } => ("edited", 0, None),
        OrderEvent::EditEnded { state, reason, .. } => match state {
            EditState::Declined => ("edit_declined", 0, reason.clone()),
            EditState::Expired => ("edit_expired", 0, reason.clone()),
            EditState::Open | EditState::Confirmed | EditState::Cancelled => ("edit_cancelled", 0, reason.clone()),
        },
        OrderEvent::Prioritised { .. } => ("prioritised", 0, None),
        OrderEvent::CustomerAsked => ("customer_asked", 0, None),
        OrderEvent::CustomerAnswered => ("customer_answered", 0, None),
        OrderEvent::Scheduled { .. } => ("scheduled", 0, None),
        OrderEvent::Identified { number, .. } => ("identified", *number, None),
        OrderEvent::Fulfillment { number, step } => match step {
            FulfillmentStep::Accepted => ("accepted", *number, None),
            FulfillmentStep::Rejected { reason } => ("rejected", *number, Some(reason.clone())),
            FulfillmentStep::Picked { .. } => ("picked", *number, None),
            FulfillmentStep::ShortPicked { reason, .. } => ("short_picked", *number, Some(reason.word().into())),
            FulfillmentStep::Packed => ("packed", *number, None),
            FulfillmentStep::MadeReady => ("ready", *number, None),
            FulfillmentStep::Shipped { .. } => (SHIPPED, *number, None),
            FulfillmentStep::HandedOver => ("handed_over", *number, None),
            FulfillmentStep::Delivered => ("delivered", *number, None),
            FulfillmentStep::CancellationRequested { reason, .. } => {
                ("cancellation_requested", *number, Some(reason.clone()))
            }
            FulfillmentStep::Cancelled { reason, .. } => ("fulfillment_cancelled", *number, Some(reason.clone())),
            FulfillmentStep::CancellationRefused => ("cancellation_refused", *number, None),
            FulfillmentStep::NodeOutage { reason } => ("node_outage", *number, reason.clone()),
            FulfillmentStep::Stopped { reason, .. } => ("stopped", *number, Some(reason.clone())),
            FulfillmentStep::PutBack { .. } => ("put_back", *number, None),
            FulfillmentStep::MadeReadyUntil { .. } => ("ready", *number, None),
            FulfillmentStep::Submitted => ("submitted", *number, None),
            FulfillmentStep::Moved { .. } => ("moved", *number, None),
            FulfillmentStep::Split { .. } => ("split", *number, None),
            FulfillmentStep::Merged { .. } => ("merged", *number, None),
            FulfillmentStep::Received { .. } => (CAME_TO_STORE[0], *number, None),
            FulfillmentStep::ReceivedInPart { .. } => (CAME_TO_STORE[1], *number, None),
        },
    };
    Told { seq: header.seq, at: header.time, what: what.into(), number, actor: header.actor.clone(), reason }
}
