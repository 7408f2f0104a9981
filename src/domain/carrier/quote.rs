//! The question: what does it cost to send this from here to there, and when does it arrive. Every service of every
//! carrier answers, with its zone, its parcels and their price part by part and the date stage by stage, or with the one
//! reason why it does not. Nothing is taken and nothing remembered.
//!
//! Offers come cheapest first, then earliest, then by name. A service with a price but without a date is no offer. What
//! is *not* here: whether there is stock to send.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;

use super::parcels::{Freight, Packed, TooHeavy};
use super::rates::{Price, Whither};
use super::zones::{Prefix, Zones, chart_from, zone_by_charts, zone_by_country, zone_by_distance};
use super::{Carrier, Pickup, Service, Shipping};
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::promise::{NoDay, Origin, Promise, Timetable, promise};

/// From where it is sent.
#[derive(Clone, Debug)]
pub struct Here<'a> {
    /// The node, when it is one.
    pub node: Option<&'a str>,
    /// Country, when it is known.
    pub country: Option<&'a str>,
    /// Postal code.
    pub code: Option<Prefix>,
    /// Where that is.
    pub position: Option<Position>,
    /// When work is done there.
    pub origin: Origin<'a>,
}

/// Whereto.
#[derive(Clone, Copy, Debug)]
pub struct There<'a> {
    /// Country.
    pub country: &'a str,
    /// Postal code.
    pub code: Option<Prefix>,
    /// Where that is.
    pub position: Option<Position>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// From where.
    pub from: Here<'a>,
    /// Whereto.
    pub to: There<'a>,
    /// What.
    pub freight: &'a Freight,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// When the last hold ends.
    pub held_until: Option<Timestamp>,
}

/// Equal parcels and the price of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PricedParcel {
    /// What is in it.
    pub packed: Packed,
    /// What one of them costs.
    pub price: Price,
}

/// A service that can do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Carrier.
    pub carrier: Text,
    /// Service.
    pub service: Text,
    /// Zone, from 1.
    pub zone: u8,
    /// Great circle, metres, where zones are told by it.
    pub metres: Option<u64>,
    /// Its parcels.
    pub parcels: Vec<PricedParcel>,
    /// The sum over all of them, minor units of the base currency.
    pub price: i64,
    /// When it arrives.
    pub promise: Promise,
}

/// Why a service cannot do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNot {
    /// The carrier is switched off.
    Inactive,
    /// It does not come to that node.
    NodeNotServed,
    /// It does not deliver to that country.
    CountryNotServed,
    /// Its zones go by distance, and one end has no position.
    NoPosition,
    /// Its zones go by postal code, and one end has none.
    NoPostalCode,
    /// No zone is told for these ends.
    NoZone,
    /// A unit or parcel of so many grams is heavier than it takes.
    TooHeavy {
        /// Grams.
        weight_g: u64,
        /// Most that it takes.
        max_weight_g: u32,
    },
    /// There is no price for that zone and weight.
    NoRate {
        /// The zone, from 1.
        zone: u8,
    },
    /// No day is found.
    NoDay(NoDay),
}

/// A service between two ends, whatever is sent.
#[derive(Clone, Copy, Debug)]
pub struct Lane<'a> {
    /// Whose.
    pub carrier: &'a Carrier,
    /// Which.
    pub service: &'a Service,
    /// Its number among all services of all carriers; 0 of one that was asked for by name.
    pub number: usize,
    /// Zone, from 1.
    pub zone: u8,
    timetable: Timetable<'a>,
}

/// What all services answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// Cheapest first.
    pub offers: Vec<Offer>,
    /// By carrier and service.
    pub without: Vec<(Text, Text, WhyNot)>,
}

impl Shipping {
    /// What every service answers.
    pub fn answers(&self, question: &Question<'_>) -> Answers {
        let mut answers = Answers::default();
        for carrier in self.carriers() {
            for service in &carrier.services {
                match self.offer(carrier, service, question) {
                    Ok(offer) => answers.offers.push(offer),
                    Err(why) => answers.without.push((carrier.id.clone(), service.name.clone(), why)),
                }
            }
        }
        answers.offers.sort_by(Offer::better);
        answers
    }

    /// Every service that comes from one end to the other.
    pub fn lanes<'a>(&'a self, question: &Question<'_>) -> impl Iterator<Item = Lane<'a>> {
        let services =
            self.carriers().flat_map(|carrier| carrier.services.iter().map(move |service| (carrier, service)));
        let lane = move |(number, (carrier, service)): (usize, (&'a Carrier, &'a Service))| {
            let pickup = service.serves(carrier, question).ok()?;
            let (zone, _) = self.zone(service, question).ok()?;
            self.lane((number, carrier, service), pickup, zone, question).ok()
        };
        services.enumerate().filter_map(lane)
    }

    /// The lane of one service from one end to the other, if it comes there.
    pub fn lane_of<'a>(&'a self, carrier: &str, service: &str, question: &Question<'_>) -> Option<Lane<'a>> {
        let carrier = self.carrier(carrier)?;
        let service = carrier.services.iter().find(|known| *known.name == *service)?;
        let pickup = service.serves(carrier, question).ok()?;
        let (zone, _) = self.zone(service, question).ok()?;
        self.lane((0, carrier, service), pickup, zone, question).ok()
    }

    fn lane<'a>(
        &'a self,
        (number, carrier, service): (usize, &'a Carrier, &'a Service),
        pickup: Option<&Pickup>,
        zone: u8,
        question: &Question<'_>,
    ) -> Result<Lane<'a>, WhyNot> {
        let transit_days = *service.transit_days.get(usize::from(zone) - 1).ok_or(WhyNot::NoZone)?;
        let timetable = self.timetable(service, pickup, transit_days, question);
        Ok(Lane { carrier, service, number, zone, timetable })
    }

    fn offer(&self, carrier: &Carrier, service: &Service, question: &Question<'_>) -> Result<Offer, WhyNot> {
        let pickup = service.serves(carrier, question)?;
        let (zone, metres) = self.zone(service, question)?;
        let (parcels, price) = service.parcels(zone, question)?;
        let lane = self.lane((0, carrier, service), pickup, zone, question)?;
        let promise = lane.promise(question).map_err(WhyNot::NoDay)?;
        Ok(Offer { carrier: carrier.id.clone(), service: service.name.clone(), zone, metres, parcels, price, promise })
    }

    /// The zone of a destination, from 1, and the distance it was told by.
    fn zone(&self, service: &Service, question: &Question<'_>) -> Result<(u8, Option<u64>), WhyNot> {
        let Question { from, to, .. } = question;
        let by_code = |find: &dyn Fn(Option<Prefix>, Prefix) -> Option<u8>| {
            let code = to.code.ok_or(WhyNot::NoPostalCode)?;
            find(from.code, code).ok_or(WhyNot::NoZone).map(|zone| (zone, None))
        };
        match &service.zones {
            Zones::Distance(bounds) => {
                let (here, there) = from.position.zip(to.position).ok_or(WhyNot::NoPosition)?;
                let metres = here.metres_to(there);
                Ok((zone_by_distance(bounds, metres), Some(metres)))
            }
            Zones::Table(name) => {
                let from = from.code.ok_or(WhyNot::NoPostalCode)?;
                by_code(&|_, to| chart_from(self.table(name)?, from)?.zone_of(to))
            }
            Zones::Charts(charts) => by_code(&|from, to| zone_by_charts(charts, from, to)),
            Zones::Countries(lists) => {
                zone_by_country(lists, to.country).ok_or(WhyNot::NoZone).map(|zone| (zone, None))
            }
        }
    }

    fn timetable<'a>(
        &'a self,
        service: &Service,
        pickup: Option<&Pickup>,
        transit_days: u16,
        question: &Question<'_>,
    ) -> Timetable<'a> {
        let holidays = |country: &str| self.calendar(country).filter(|_| !service.on_holidays);
        Timetable {
            pickup_days: pickup.and_then(|pickup| pickup.days).unwrap_or(service.pickup_days),
            cutoff_min: pickup.and_then(|pickup| pickup.cutoff_min).or(service.cutoff_min),
            transit_days,
            moving_days: service.moving_days,
            delivery_days: service.delivery_days,
            holidays_here: question.from.country.and_then(holidays),
            holidays_there: holidays(question.to.country),
        }
    }
}

impl Lane<'_> {
    /// When what is asked arrives by it.
    pub fn promise(&self, question: &Question<'_>) -> Result<Promise, NoDay> {
        let Question { ordered, held_until, from, .. } = question;
        promise(*ordered, *held_until, &from.origin, &self.timetable)
    }

    /// Days on the way that the service declares.
    pub fn declared(&self) -> u16 {
        self.timetable.transit_days
    }

    /// The day on which comes what is taken on a day of its origin and is so many days on the way, if there is one.
    pub fn arrives(&self, taken: Date, days: u16) -> Option<Date> {
        self.timetable.deliver_after(taken, days).ok()
    }

    /// Days that a parcel was on the way which was taken and came on these days of its origin; at most so many.
    pub fn days_taken(&self, taken: Date, arrived: Date, most: u16) -> u16 {
        self.timetable.days_taken(taken, arrived, most)
    }

    /// Days that a parcel may be on the way without missing the date of a promise; at most so many, unless the service
    /// declares more.
    pub fn days_allowed(&self, question: &Question<'_>, promise: &Promise, most: u16) -> u16 {
        let taken = self.timetable.pick_up(&question.from.origin, promise.ready);
        taken.map_or(self.declared(), |(day, _)| self.timetable.days_allowed(day, most))
    }
}

impl Service {
    /// Whether it does it at all, and how it comes to the node.
    fn serves(&self, carrier: &Carrier, question: &Question<'_>) -> Result<Option<&Pickup>, WhyNot> {
        if !carrier.active {
            return Err(WhyNot::Inactive);
        }
        let delivers = |countries: &Vec<Text>| countries.iter().any(|country| **country == *question.to.country);
        if !self.countries.as_ref().is_none_or(delivers) {
            return Err(WhyNot::CountryNotServed);
        }
        match (&self.pickups, question.from.node) {
            (None, _) => Ok(None),
            (Some(pickups), node) => {
                let comes = pickups.iter().find(|pickup| Some(&*pickup.node) == node);
                comes.map(Some).ok_or(WhyNot::NodeNotServed)
            }
        }
    }

    /// As few parcels as its weight allows, or else as rows with a price allow, or else each unit by itself; with their
    /// prices, and the sum.
    fn parcels(&self, zone: u8, question: &Question<'_>) -> Result<(Vec<PricedParcel>, i64), WhyNot> {
        let max_weight_g = self.max_weight_g;
        let too_heavy = |TooHeavy(weight_g)| WhyNot::TooHeavy { weight_g, max_weight_g };
        let packed = question.freight.packed(max_weight_g).map_err(too_heavy)?;
        if let Some(priced) = self.priced(zone, packed, question) {
            return Ok(priced);
        }
        let Freight::Units(units) = question.freight else { return Err(WhyNot::NoRate { zone }) };
        let bounds = self.rates.carried_g(zone).filter_map(|grams| u32::try_from(grams).ok());
        let lighter =
            bounds.filter(|grams| *grams < max_weight_g).map_while(|grams| question.freight.packed(grams).ok());
        let alone = || units.iter().map(|own| Packed { parcel: own.unit, count: own.quantity }).collect();
        let mut packings = lighter.chain(std::iter::once_with(alone));
        packings.find_map(|packed| self.priced(zone, packed, question)).ok_or(WhyNot::NoRate { zone })
    }

    /// The parcels with their prices, and the sum.
    fn priced(&self, zone: u8, packed: Vec<Packed>, question: &Question<'_>) -> Option<(Vec<PricedParcel>, i64)> {
        let to = Whither { country: question.to.country, code: question.to.code };
        let (mut parcels, mut sum) = (Vec::with_capacity(packed.len()), 0i64);
        for packed in packed {
            let price = self.rates.price(zone, &packed.parcel, self.dimensional, &self.surcharges, to)?;
            sum = price.total.checked_mul(i64::from(packed.count)).and_then(|all| sum.checked_add(all))?;
            parcels.push(PricedParcel { packed, price });
        }
        Some((parcels, sum))
    }
}

impl Offer {
    /// Cheaper, else earlier, else by name.
    fn better(&self, other: &Self) -> Ordering {
        let key = |offer: &Self| (offer.price, offer.promise.arrives, offer.promise.picked_up);
        key(self).cmp(&key(other)).then_with(|| (&self.carrier, &self.service).cmp(&(&other.carrier, &other.service)))
    }
}
