//! How long parcels were on the way, in memory: what each came with is in the record that tells it, and what is told of a
//! lane is worked out once a day (`domain::transit`).
//!
//! A parcel is counted when its carrier first tells that it came, where it left by a service that is known and goes to a
//! customer. It was taken when it was marked as shipped, or when its carrier first had it, whichever is earlier, and days are
//! those of the node it left. What is noted today is told tomorrow, so a decision depends on no parcel of its own day.
//!
//! What is *not* here: what a carrier told (`tracking`), what days cost (`weighing`).

use std::sync::Arc;

use dashmap::DashMap;

use super::Engine;
use super::fences::day;
use super::network::Network;
use super::shipping::{instant, of_node};
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Offer, Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::event::TransitNoted;
use crate::domain::fulfillment::FulfillmentOrder;
use crate::domain::ids::Text;
use crate::domain::order::{Order, Told};
use crate::domain::short_pick::day_of;
use crate::domain::time::WallTime;
use crate::domain::tracking::{Tracked, TrackingStatus};
use crate::domain::transit::{Arrived, Chances, DAYS_MAX, InTime, Transit, TransitKey};

/// What services told, by zone.
#[derive(Debug, Default)]
pub struct Transits {
    lanes: DashMap<TransitKey, Known>,
}

#[derive(Debug, Default)]
struct Known {
    transit: Transit,
    /// Of a day.
    told: Option<(i32, Arc<Chances>)>,
}

/// What is told of a service in a zone.
#[derive(Clone, Debug)]
pub struct LaneTold {
    /// Name of the service.
    pub service: Text,
    /// Zone, from 1.
    pub zone: u8,
    /// What is told today.
    pub chances: Arc<Chances>,
    /// Parcels by their days on the way.
    pub counts: Vec<(u8, u64)>,
}

impl Transits {
    /// A parcel that came, as it was logged.
    pub fn note(&self, noted: &TransitNoted) {
        let mut known = self.lanes.entry(noted.key.clone()).or_default();
        known.transit.note(noted.arrived);
        if known.told.as_ref().is_some_and(|(day, _)| noted.arrived.day < *day) {
            known.told = None;
        }
    }

    /// Puts what a service has told so far.
    pub fn hold(&self, key: TransitKey, transit: Transit) {
        self.lanes.insert(key, Known { transit, told: None });
    }

    /// Whether no parcel came.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// What a service has told so far; nothing where it has not.
    pub fn of(&self, key: &TransitKey) -> Transit {
        self.lanes.get(key).map(|known| known.transit.clone()).unwrap_or_default()
    }

    /// What is told on a day of a service that declares so many days; `None` where no parcel of it came.
    pub fn chances(&self, key: &TransitKey, declared: u16, on: i32) -> Option<Arc<Chances>> {
        let known = self.lanes.get(key)?;
        let told = known.told.as_ref().filter(|(day, told)| (*day, told.declared) == (on, declared));
        if let Some((_, told)) = told {
            return Some(Arc::clone(told));
        }
        drop(known);
        // Worked out under the lock, so that nothing is noted before it is kept.
        let mut known = self.lanes.get_mut(key)?;
        let told = Arc::new(known.transit.chances(declared, on));
        known.told = Some((on, Arc::clone(&told)));
        Some(told)
    }
}

/// What a parcel tells whose carrier says for the first time that it came; nothing where it is not known by which service
/// of this catalogue it went, or since when.
pub(super) fn arrived(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    (before, after): (&Tracked, &Tracked),
    now: WallTime,
) -> Option<TransitNoted> {
    let came = after.first(TrackingStatus::Delivered)?;
    if before.first(TrackingStatus::Delivered).is_some() || order.goes_to(fulfillment).is_some() {
        return None;
    }
    let shipment = fulfillment.shipment.as_ref()?;
    let to = order.facts.destinations.get(usize::from(fulfillment.group))?;
    let own = |told: &&Told| told.number == fulfillment.number && &*told.what == "shipped";
    let shipped = order.history.iter().rev().find(own).map(|told| told.at.0);
    let seen = after.first(TrackingStatus::InTransit).map(|at| at.0);
    let taken = WallTime(shipped.into_iter().chain(seen).min()?);
    let (freight, from) = (Freight::Units(Vec::new()), of_node(&network.catalogue, fulfillment.node));
    let zone = from.origin.zone.clone();
    let to = There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: to.position };
    let question = Question { from, to, freight: &freight, ordered: instant(taken), held_until: None };
    let lane = network.catalogue.shipping().lane_of(&shipment.carrier, &shipment.service, &question)?;
    let (taken, came) = (day(&zone, instant(taken)), day(&zone, instant(came)));
    let days = u8::try_from(lane.days_taken(taken, came, DAYS_MAX.into())).unwrap_or(DAYS_MAX);
    let key = TransitKey { carrier: shipment.carrier.clone(), service: shipment.service.clone(), zone: lane.zone };
    Some(TransitNoted { key, arrived: Arrived { day: day_of(now.0), days } })
}

/// The chance that what is offered comes on the day that is promised, or before.
pub(super) fn in_time(network: &Network, question: &Question<'_>, offer: &Offer, now: WallTime) -> InTime {
    let Offer { carrier, service, zone, promise, .. } = offer;
    let lane = network.catalogue.shipping().lane_of(carrier, service, question).expect("what offers has a lane");
    let (declared, most) = (lane.declared(), u16::from(DAYS_MAX));
    let key = TransitKey { carrier: carrier.clone(), service: service.clone(), zone: *zone };
    let chances = network.learned.transits.chances(&key, declared, day_of(now.0));
    let chances = chances.unwrap_or_else(|| Arc::new(Chances::usual(declared)));
    chances.within(lane.days_allowed(question, promise, most))
}

impl Engine {
    /// What is told today of the services of a carrier in the zones where parcels came, and the position that it is told as
    /// of; `None` where there is no such carrier.
    pub fn transits(&self, carrier: &str, now: WallTime) -> Option<(Vec<LaneTold>, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let known = network.catalogue.shipping().carrier(carrier)?;
        let (on, transits) = (day_of(now.0), &network.learned.transits);
        let mut lanes = Vec::new();
        for service in &known.services {
            for (zone, declared) in (1..).zip(&service.transit_days) {
                let key = TransitKey { carrier: known.id.clone(), service: service.name.clone(), zone };
                let Some(chances) = transits.chances(&key, *declared, on) else { continue };
                let counts = transits.of(&key).counts(on).into_iter().collect();
                lanes.push(LaneTold { service: key.service, zone, chances, counts });
            }
        }
        Some((lanes, self.position()))
    }

    /// What a service has told so far.
    #[cfg(test)]
    pub(crate) fn transit_of(&self, key: &TransitKey) -> Transit {
        self.network.read().expect("no writer of the catalogue panics and survives").learned.transits.of(key)
    }
}
