//! Where shipments are: what carriers tell of them, the delivery that follows from it, and what goes wrong on the way.
//!
//! What a carrier tells is one record with all that follows from it: the delivery of the fulfilment order, how long it took
//! (`transit`), and the cases of a shipment that could not be delivered or goes back. The clock raises those that come from
//! silence: a shipment that is past its date, and one that nobody has seen for [`LOST_AFTER_MS`]. What is *not* here: what a
//! set of scans means (`domain::tracking`).

use std::collections::BTreeSet;

use super::Engine;
use super::exception::Cause;
use super::network::Network;
use super::transit::arrived;
use super::turn::{Turn, order_events};
use crate::domain::event::{Answer, Event};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::rejection::Rejection;
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, Tracked, TrackingStatus};

/// How long nobody sees a shipment before it counts as lost: 7 days.
const LOST_AFTER_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How far a carrier's clock may be ahead: a day.
const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1_000;

impl Engine {
    /// Notes what a carrier told; answers the sequence of the record, or of the order where nothing was new.
    pub(super) fn track(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        scans: &[Scan],
        estimated_at: Option<WallTime>,
    ) -> Result<u64, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", key.to_string());
        let mut slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        if fulfillment.shipment.is_none() {
            return Err(Rejection::NotShipped { id: key.to_string(), status: fulfillment.status });
        }
        let latest = WallTime(turn.log.now().wall.0.saturating_add(AHEAD_MS_MAX));
        if let Some(at) = scans.iter().position(|scan| scan.at > latest) {
            let detail = "must not be more than a day in the future";
            return Err(Rejection::invalid(format!("events[{at}].at"), "time_in_future", detail));
        }
        let before = order.tracked(key.number).cloned().unwrap_or_else(|| Tracked::unseen(key.number));
        let scans = before.news(scans);
        let estimated_at = estimated_at.filter(|at| before.estimated_at != Some(*at));
        if scans.is_empty() && estimated_at.is_none() {
            return Ok(order.seq);
        }
        let mut after = before.clone();
        for scan in &scans {
            after.see(scan);
        }
        let (now, number) = (turn.now(), key.number);
        let raising = self.raise(now, causes(key, fulfillment, before.status(), after.status()));
        // What is delivered to a store is its customer's when he gets it there.
        let delivered = after.status() == TrackingStatus::Delivered
            && fulfillment.status == FulfillmentStatus::Shipped
            && order.goes_to(fulfillment).is_none();
        let mut told = vec![OrderEvent::Tracked { number, scans, estimated_at }];
        if delivered {
            let at = after.last().map_or_else(|| turn.log.now().wall, |scan| scan.at);
            told.push(OrderEvent::Fulfillment { number, step: FulfillmentStep::Delivered });
            told.extend(order.warranties_begun(fulfillment, at));
        }
        let mut events: Vec<_> = order_events(order, told).collect();
        let arrived = arrived(network, order, fulfillment, (&before, &after), turn.log.now().wall);
        events.extend(arrived.iter().map(|noted| Event::TransitNoted(Box::new(noted.clone()))));
        events.extend(raising.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Order(key.order)))?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        logged.fold_order(&mut slot);
        arrived.iter().for_each(|noted| network.learned.transits.note(noted));
        raising.logged(&logged);
        let seq = logged.seq();
        logged.done();
        let order = slot.as_ref().expect("just folded");
        self.watch_shipments(order);
        // It counts as delivered so long after the last news, or no more by itself.
        self.watch_windows(network, order, number..=number);
        Ok(seq)
    }

    /// Tells the clock of the shipments of an order that are on their way.
    pub(super) fn watch_shipments(&self, order: &Order) {
        let Some(particulars) = &order.particulars else { return };
        for tracked in &particulars.tracked {
            let on_its_way = order.fulfillment(tracked.number).is_some_and(|f| is_on_its_way(f, tracked));
            if on_its_way {
                let key = FulfillmentKey { order: order.key, number: tracked.number };
                tracked.estimated_at.into_iter().for_each(|at| self.watch_shipment(at, key));
                lost_from(tracked).into_iter().for_each(|at| self.watch_shipment(at, key));
            }
        }
    }
}

/// What can be wrong with a fulfilment order or its shipment at an instant of the clock.
pub(super) const BY_THE_CLOCK: [ExceptionKind; 3] =
    [ExceptionKind::ReadyLate, ExceptionKind::DeliveryLate, ExceptionKind::ShipmentLost];

/// Whether something is wrong with a fulfilment order, or its shipment.
pub(super) fn is_wrong(order: &Order, number: u16, kind: ExceptionKind, now: WallTime) -> bool {
    let Some(fulfillment) = order.fulfillment(number) else { return false };
    if kind == ExceptionKind::ReadyLate {
        return order.is_unready(fulfillment) && order.ready_by(number).is_some_and(|at| at <= now);
    }
    let Some(tracked) = order.tracked(number) else { return false };
    let on_its_way = is_on_its_way(fulfillment, tracked);
    match kind {
        ExceptionKind::DeliveryLate => on_its_way && tracked.estimated_at.is_some_and(|at| at <= now),
        ExceptionKind::ShipmentLost => on_its_way && lost_from(tracked).is_some_and(|at| at <= now),
        ExceptionKind::DeliveryMissed => on_its_way && tracked.status() == TrackingStatus::Failure,
        _ => tracked.status() == TrackingStatus::ReturnToSender,
    }
}

fn is_on_its_way(fulfillment: &FulfillmentOrder, tracked: &Tracked) -> bool {
    fulfillment.status == FulfillmentStatus::Shipped && !tracked.status().is_end()
}

/// From when on it counts as lost, if nobody sees it until then.
fn lost_from(tracked: &Tracked) -> Option<WallTime> {
    // What waits to be fetched is where everybody knows.
    let waits = tracked.status() == TrackingStatus::AvailableForPickup;
    tracked.scans.last().filter(|_| !waits).map(|scan| WallTime(scan.at.0.saturating_add(LOST_AFTER_MS)))
}

/// What a carrier's news is a case of.
fn causes(
    key: FulfillmentKey,
    fulfillment: &FulfillmentOrder,
    before: TrackingStatus,
    after: TrackingStatus,
) -> Option<Cause> {
    let kind = match after {
        TrackingStatus::Failure => ExceptionKind::DeliveryMissed,
        TrackingStatus::ReturnToSender => ExceptionKind::ReturnedToSender,
        _ => return None,
    };
    let units = u32::try_from(fulfillment.units()).unwrap_or(u32::MAX);
    let key_of = ExceptionKey { kind, subject: Subject::Fulfillment(key) };
    (before != after).then_some(Cause { key: key_of, units, order: Some(key.order) })
}
