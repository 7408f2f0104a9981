//! Where shipments are: what carriers tell of them, the delivery that follows from it, and what goes wrong on the way.
//!
//! What a carrier tells is one record with all that follows from it: the delivery of the fulfilment order, how long it took
//! (`transit`), and the cases of a shipment that could not be delivered or goes back. The clock raises those that come from
//! silence: a shipment that is past its date, and one that nobody has seen for [`LOST_AFTER_MS`], its sender included. What
//! leaves in one shipment is told together. What is *not* here: what a set of scans means (`domain::tracking`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::consolidate::{Several, order_in};
use super::exception::Cause;
use super::network::Network;
use super::transit::arrived;
use super::turn::{Turn, order_events};
use crate::domain::event::{Answer, Event};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep};
use crate::domain::ids::FulfillmentKey;
use crate::domain::limits::SCAN_AHEAD_MS_MAX;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::rejection::Rejection;
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, Tidings, Tracked, TrackingStatus};

/// How long nobody sees a shipment before it counts as lost: 7 days.
const LOST_AFTER_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// What a carrier's news are for one of the fulfilment orders of a shipment.
struct News {
    key: FulfillmentKey,
    before: Tracked,
    told: Tidings,
}

impl Engine {
    /// Notes what a carrier told, for all that left in the same shipment; answers the sequence of the record, or of the
    /// order where nothing was new.
    pub(super) fn track(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        scans: &[Scan],
        estimated_at: Option<WallTime>,
    ) -> Result<u64, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", key.to_string());
        let mut orders = self.lock_shipment(key)?;
        let order = order_in(&orders, key.order).ok_or_else(unknown)?;
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        if fulfillment.shipment.is_none() {
            return Err(Rejection::NotShipped { id: key.to_string(), status: fulfillment.status });
        }
        no_scan_ahead(scans, turn.log.now().wall)?;
        let news: Vec<News> =
            in_one_shipment(&orders, key).filter_map(|(key, order)| news(order, key, scans, estimated_at)).collect();
        if news.is_empty() {
            return Ok(order.seq);
        }
        let (now, wall) = (turn.now(), turn.log.now().wall);
        let raising = self.raise(now, news.iter().filter_map(|told| causes(&orders, told)));
        let mut events = Vec::new();
        for of in orders.keys() {
            let order = order_in(&orders, *of).into_iter();
            let told = |order: &Arc<Order>| -> Vec<OrderEvent> {
                news.iter().filter(|told| told.key.order == *of).flat_map(|told| told.events(order, wall)).collect()
            };
            events.extend(order.flat_map(|order| order_events(order, told(order)).collect::<Vec<_>>()));
        }
        // It was one parcel, however many orders were in it.
        let arrived = news.iter().find_map(|told| {
            let (order, fulfillment) = part_of(&orders, told.key)?;
            arrived(network, order, fulfillment, (&told.before, &told.told.after), wall)
        });
        events.extend(arrived.iter().map(|noted| Event::TransitNoted(Box::new(noted.clone()))));
        events.extend(raising.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Order(key.order)))?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        let told: BTreeSet<_> = news.iter().map(|told| told.key.order).collect();
        for of in told {
            logged.fold_order_of(of, orders.get_mut(&of).expect("it is locked"));
        }
        arrived.iter().for_each(|noted| network.learned.transits.note(noted));
        raising.logged(&logged);
        let seq = logged.seq();
        logged.done();
        for News { key, .. } in &news {
            // It counts as delivered so long after the last news, or no more by itself.
            let order = order_in(&orders, key.order).expect("just folded");
            self.watch_windows(network, order, key.number..=key.number);
        }
        Ok(seq)
    }

    /// Locks the order of a fulfilment order, and those of all that leave with it.
    fn lock_shipment(&self, key: FulfillmentKey) -> Result<Several, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", key.to_string());
        let slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let together = order.fulfillment(key.number).ok_or_else(unknown)?.ships_with.clone();
        if together.iter().all(|other| other.order == key.order) {
            return Ok(Several::from([(key.order, slot)]));
        }
        drop(slot);
        let orders = self.lock_several(&together.iter().map(|other| other.order).collect());
        let is_away = order_in(&orders, key.order).is_none_or(|order| order.is_archived());
        if is_away { Err(Rejection::Contended) } else { Ok(orders) }
    }

    /// The others that leave, or left, in one shipment with a fulfilment order, and have not ended otherwise.
    ///
    /// # Errors
    ///
    /// The archive cannot be read.
    pub fn in_one_shipment(&self, order: &Order, number: u16) -> Result<Vec<(Arc<Order>, u16)>, Rejection> {
        let own = FulfillmentKey { order: order.key, number };
        let Some(fulfillment) = order.fulfillment(number) else { return Ok(Vec::new()) };
        let mut others = Vec::new();
        for other in fulfillment.ships_with.iter().filter(|other| **other != own) {
            let Some(order) = self.order_wherever(other.order)? else { continue };
            let is_with = |part: &FulfillmentOrder| part.status.is_live() && part.shipment == fulfillment.shipment;
            if order.fulfillment(other.number).is_some_and(is_with) {
                others.push((order, other.number));
            }
        }
        Ok(others)
    }

    /// Tells the clock of the shipment of a fulfilment order that is on its way.
    pub(super) fn watch_shipment_of(&self, network: &Network, order: &Order, fulfillment: &FulfillmentOrder) {
        let key = FulfillmentKey { order: order.key, number: fulfillment.number };
        if is_on_its_way(order, fulfillment) {
            let estimated = order.tracked(key.number).and_then(|tracked| tracked.estimated_at);
            estimated.into_iter().for_each(|at| self.watch_shipment(at, key));
            lost_from(network, order, fulfillment).into_iter().for_each(|at| self.watch_shipment(at, key));
        }
    }
}

impl News {
    /// What the order is told.
    fn events(&self, order: &Order, now: WallTime) -> Vec<OrderEvent> {
        let Tidings { scans, estimated_at, after } = &self.told;
        let number = self.key.number;
        let mut told = vec![OrderEvent::Tracked { number, scans: scans.clone(), estimated_at: *estimated_at }];
        // What is delivered to a store is its customer's when he gets it there.
        let own = order.fulfillment(number).filter(|own| {
            let left = own.status == FulfillmentStatus::Shipped && order.goes_to(own).is_none();
            left && after.status() == TrackingStatus::Delivered
        });
        if let Some(fulfillment) = own {
            let at = after.last().map_or(now, |scan| scan.at);
            told.push(OrderEvent::Fulfillment { number, step: FulfillmentStep::Delivered });
            told.extend(order.warranties_begun(fulfillment, at));
        }
        told
    }
}

fn part_of(orders: &Several, key: FulfillmentKey) -> Option<(&Arc<Order>, &FulfillmentOrder)> {
    let order = order_in(orders, key.order)?;
    Some((order, order.fulfillment(key.number)?))
}

/// A fulfilment order, and those that left with it under the same tracking number.
fn in_one_shipment(orders: &Several, key: FulfillmentKey) -> impl Iterator<Item = (FulfillmentKey, &Arc<Order>)> {
    let own = part_of(orders, key).map(|(_, own)| own);
    let others = own.into_iter().flat_map(|own| &own.ships_with).copied().filter(move |other| *other != key);
    let all = std::iter::once(key).chain(others).filter_map(|key| Some((key, part_of(orders, key)?)));
    let shipment = own.and_then(|own| own.shipment.as_ref());
    let same = all.filter(move |(_, (order, part))| part.shipment.as_ref() == shipment && !order.is_archived());
    same.map(|(key, (order, _))| (key, order))
}

/// What is new of this for a fulfilment order; `None` when nothing is.
fn news(order: &Order, key: FulfillmentKey, scans: &[Scan], estimated_at: Option<WallTime>) -> Option<News> {
    let before = order.tracked(key.number).cloned().unwrap_or_else(|| Tracked::unseen(key.number));
    before.news(scans, estimated_at).map(|told| News { key, before, told })
}

/// Nothing was seen that is still to come, but for what a carrier's clock is ahead.
pub(super) fn no_scan_ahead(scans: &[Scan], now: WallTime) -> Result<(), Rejection> {
    let latest = WallTime(now.0.saturating_add(SCAN_AHEAD_MS_MAX));
    let ahead = scans.iter().position(|scan| scan.at > latest);
    ahead.map_or(Ok(()), |at| {
        let detail = "must not be more than a day in the future";
        Err(Rejection::invalid(format!("events[{at}].at"), "time_in_future", detail))
    })
}

/// What can be wrong with a shipment as long as it is on its way.
pub(super) fn cases_of_way(shipment: FulfillmentKey) -> [ExceptionKey; 3] {
    let kinds = [ExceptionKind::DeliveryLate, ExceptionKind::ShipmentLost, ExceptionKind::DeliveryMissed];
    kinds.map(|kind| ExceptionKey { kind, subject: Subject::Fulfillment(shipment) })
}

/// What can be wrong with a fulfilment order or its shipment at an instant of the clock.
pub(super) const BY_THE_CLOCK: [ExceptionKind; 3] =
    [ExceptionKind::ReadyLate, ExceptionKind::DeliveryLate, ExceptionKind::ShipmentLost];

/// Whether something is wrong with a fulfilment order, or its shipment.
pub(super) fn is_wrong(network: &Network, order: &Order, number: u16, kind: ExceptionKind, now: WallTime) -> bool {
    let Some(fulfillment) = order.fulfillment(number) else { return false };
    if kind == ExceptionKind::ReadyLate {
        return order.is_unready(fulfillment) && order.ready_by(number).is_some_and(|at| at <= now);
    }
    let on_its_way = is_on_its_way(order, fulfillment);
    let tracked = order.tracked(number);
    let status = tracked.map_or(TrackingStatus::Unknown, Tracked::status);
    let estimated_at = tracked.and_then(|tracked| tracked.estimated_at);
    match kind {
        ExceptionKind::DeliveryLate => on_its_way && estimated_at.is_some_and(|at| at <= now),
        ExceptionKind::ShipmentLost => on_its_way && lost_from(network, order, fulfillment).is_some_and(|at| at <= now),
        ExceptionKind::DeliveryMissed => on_its_way && status == TrackingStatus::Failure,
        _ => status == TrackingStatus::ReturnToSender && !order.is_settled(fulfillment),
    }
}

fn is_on_its_way(order: &Order, fulfillment: &FulfillmentOrder) -> bool {
    let is_over = || order.tracked(fulfillment.number).is_some_and(|tracked| tracked.status().is_end());
    fulfillment.status == FulfillmentStatus::Shipped && !is_over() && !order.is_settled(fulfillment)
}

/// From when on it counts as lost, if nobody sees it until then: who sent it saw it first. What counts as delivered by
/// itself some time after it left is not looked for where no carrier ever told of it.
fn lost_from(network: &Network, order: &Order, fulfillment: &FulfillmentOrder) -> Option<WallTime> {
    match order.tracked(fulfillment.number).filter(|tracked| !tracked.scans.is_empty()) {
        Some(tracked) => unseen_from(tracked),
        None => {
            let clocks = network.catalogue.policies().clocks(order.method_of(fulfillment.group));
            let delivers = clocks.is_some_and(|clocks| clocks.deliver_after_s.is_some());
            (!delivers || order.goes_to(fulfillment).is_some()).then(|| unseen_since(fulfillment.since.0))
        }
    }
}

/// From when on what was seen counts as lost, if nobody sees it until then.
pub(super) fn unseen_from(tracked: &Tracked) -> Option<WallTime> {
    // What waits to be fetched is where everybody knows.
    let waits = tracked.status() == TrackingStatus::AvailableForPickup;
    tracked.scans.last().filter(|_| !waits).map(|scan| unseen_since(scan.at.0))
}

fn unseen_since(seen: i64) -> WallTime {
    WallTime(seen.saturating_add(LOST_AFTER_MS))
}

/// What a carrier's news is a case of.
fn causes(orders: &Several, News { key, before, told }: &News) -> Option<Cause> {
    let kind = case_told(before, &told.after)?;
    let (_, fulfillment) = part_of(orders, *key)?;
    let units = u32::try_from(fulfillment.units()).unwrap_or(u32::MAX);
    let key_of = ExceptionKey { kind, subject: Subject::Fulfillment(*key) };
    Some(Cause { key: key_of, units, order: Some(key.order) })
}

/// What is wrong by what a carrier tells, if that is news.
pub(super) fn case_told(before: &Tracked, after: &Tracked) -> Option<ExceptionKind> {
    let kind = match after.status() {
        TrackingStatus::Failure => ExceptionKind::DeliveryMissed,
        TrackingStatus::ReturnToSender => ExceptionKind::ReturnedToSender,
        _ => return None,
    };
    (before.status() != after.status()).then_some(kind)
}
