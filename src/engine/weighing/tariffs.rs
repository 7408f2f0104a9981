//! What carriers ask for parcels of an order: the brackets in which prices stay, and for each node the service that costs
//! least in each. What is *not* here: everything that is no carrier's.

use std::collections::{BTreeMap, HashMap};

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::arriving::held_until;
use super::super::fences::{Shipment, day};
use super::super::routing::pieces;
use super::super::shipping::{instant, of_node};
use super::loads::{Loads, Way};
use super::{Asked, BRACKETS_MAX, Chosen, Table, figure};
use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Lane, Question, There};
use crate::domain::carrier::rates::{Prices, UNIT_PARTS, Whither};
use crate::domain::carrier::{Service, Shipping};
use crate::domain::decision::FenceReason;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::short_pick::day_of;
use crate::domain::sourcing::costed::Rates;
use crate::domain::transit::TransitKey;

/// What the services of this order have in common.
pub(super) struct Tariffs<'a> {
    pub shipping: &'a Shipping,
    pub asked: &'a Asked<'a>,
    pub to: There<'a>,
    /// What the brackets are told in.
    pub loads: Loads,
    /// The longest edge of all units.
    pub longest_mm: u32,
    /// Whether greenhouse gas is a cost of services.
    pub by_service: bool,
    /// Price by number of the service, zone, and bracket.
    pub rows: HashMap<(usize, u8), Vec<Option<i64>>>,
    /// Millionths of a day that parcels take longer than is usual, by number of the service and zone; `None` where days do
    /// not count or no parcel ever came.
    pub delays: Option<HashMap<(usize, u8), i64>>,
}

impl Tariffs<'_> {
    /// What a parcel from a node so many metres away costs by bracket, or why it cannot go.
    pub(super) fn table(
        &mut self,
        (node, metres): (NodeIndex, u64),
        up_to_g: &[u64],
        services: &mut BTreeMap<usize, (Text, Text)>,
    ) -> Result<Table, FenceReason> {
        let (asked, shipping) = (self.asked, self.shipping);
        let (Shipment { placed_at, at, dates, .. }, weights) = (asked.shipment, asked.weights);
        let catalogue = &asked.network.catalogue;
        let from = of_node(catalogue, node);
        let ordered_on = day(&from.origin.zone, instant(placed_at));
        let last = last_day(asked, ordered_on);
        let due = weights.late_after(ordered_on, dates.arrives_by);
        let ordered = instant(at.max(placed_at));
        // Weight is asked for bracket by bracket.
        let freight = Freight::Units(Vec::new());
        let skus = asked.units.iter().flat_map(|u| pieces(&asked.shipment.lines[usize::from(u.line)]));
        let held_until = held_until(catalogue, &dates, (node, at), skus.map(|(sku, _)| sku));
        let question = Question { from, to: self.to, freight: &freight, ordered, held_until };
        let (loads, by_service) = (self.loads, self.by_service);
        let (mut best, mut is_late): (Vec<Option<(i64, Chosen)>>, bool) = (vec![None; up_to_g.len()], false);
        for lane in shipping.lanes(&question) {
            let days = if weights.late_per_day > 0 || last.is_some() {
                let Ok(promise) = lane.promise(&question) else { continue };
                if last.is_some_and(|last| promise.arrives > last) {
                    is_late = true;
                    continue;
                }
                due.until(promise.arrives).map_or(0, |span| i64::from(span.get_days()))
            } else {
                0
            };
            let late = self.late(&lane, days);
            let number = lane.number;
            let mut is_used = false;
            let made = lane.service.carbon.unwrap_or(Carbon::USUAL);
            let of_carbon = |load| weights.of_parcel(&made, metres, loads.parcel(load, 0).weight_g);
            for ((best, price), load) in best.iter_mut().zip(self.row(&lane, up_to_g)).zip(up_to_g) {
                let Some(price) = price else { continue };
                let carbon = if by_service { of_carbon(*load) } else { 0 };
                let cost = figure(price.saturating_add(late).saturating_add(carbon));
                if best.is_none_or(|(known, _)| cost < known) {
                    *best = Some((cost, Chosen { service: Some(number), price: *price, late, carbon }));
                    is_used = true;
                }
            }
            if is_used {
                services.entry(number).or_insert_with(|| (lane.carrier.id.clone(), lane.service.name.clone()));
            }
        }
        let carried = best.iter().rposition(Option::is_some);
        let Some(last) = carried else {
            return Err(if is_late { FenceReason::ArrivesTooLate } else { FenceReason::NoService });
        };
        let mut table = Table { costs: vec![Rates::NONE; last + 1], chosen: vec![Chosen::default(); last + 1] };
        let told = best.iter().enumerate().filter_map(|(bracket, best)| Some((bracket, (*best)?)));
        told.for_each(|(bracket, best)| (table.costs[bracket], table.chosen[bracket]) = best);
        Ok(table)
    }

    /// What it costs that a parcel is so many days late (before its day below zero), and takes longer than is usual on its
    /// lane, or less; never below nothing.
    fn late(&mut self, lane: &Lane<'_>, days: i64) -> i64 {
        let exact_days = i128::from(days) * 1_000_000 + i128::from(self.delay(lane));
        let exact = i128::from(self.asked.weights.late_per_day) * exact_days.max(0);
        i64::try_from((exact + 500_000) / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Millionths of a day that parcels of a lane take longer than is usual.
    fn delay(&mut self, lane: &Lane<'_>) -> i64 {
        let asked = self.asked;
        let Some(delays) = &mut self.delays else { return 0 };
        *delays.entry((lane.number, lane.zone)).or_insert_with(|| {
            let (carrier, service) = (lane.carrier.id.clone(), lane.service.name.clone());
            let key = TransitKey { carrier, service, zone: lane.zone };
            let on = day_of(asked.shipment.at.0);
            let told = asked.network.learned.transits.chances(&key, lane.declared(), on);
            told.map_or(0, |chances| chances.beyond_usual_micro())
        })
    }

    /// What a service asks by bracket on its way; nothing where the rules do not weigh that.
    fn row(&mut self, lane: &Lane<'_>, up_to_g: &[u64]) -> &[Option<i64>] {
        let Self { asked, to, loads, longest_mm, rows, .. } = self;
        let Lane { service, zone, .. } = *lane;
        let whither = Whither { country: to.country, code: to.code };
        rows.entry((lane.number, zone)).or_insert_with(|| {
            let by = service.dimensional.filter(|_| loads.is_by_size());
            let price = |load: &u64| {
                if !loads.is_within(*load, service.max_weight_g) {
                    return None;
                }
                if !asked.weights.shipping {
                    return Some(0);
                }
                let parcel = loads.parcel(*load, *longest_mm);
                service.rates.price(zone, &parcel, by, &service.surcharges, whither).map(|price| price.total)
            };
            up_to_g.iter().map(price).collect()
        })
    }
}

/// The day after which a parcel may not be there: by the rules, counted from the day of the order, and by what is known of it.
fn last_day(asked: &Asked<'_>, ordered_on: Date) -> Option<Date> {
    let Asked { weights, shipment: Shipment { dates, .. }, .. } = asked;
    let within = weights.arrives_within.map(|days| ordered_on.saturating_add(i64::from(days).days()));
    within.into_iter().chain(asked.wanted_by()).chain(dates.promised).min()
}

/// All services that may be offered.
pub(super) fn services(shipping: &Shipping) -> impl Iterator<Item = &Service> {
    shipping.carriers().filter(|carrier| carrier.active).flat_map(|carrier| &carrier.services)
}

/// How services weigh.
pub(super) fn ways_of_weighing(shipping: &Shipping) -> Vec<Way> {
    let mut ways = Vec::new();
    for service in services(shipping) {
        let way = service.dimensional.map(|by| (service.rates.unit, by));
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

/// Adds the grams up to which a service's price stays, of parcels up to so many grams; false when they are too many to be
/// told one by one.
pub(super) fn ends_of_brackets(service: &Service, most_g: u64, ends: &mut Vec<u64>) -> bool {
    let unit = service.rates.unit;
    let first = ends.len();
    let mut is_exact = true;
    match &service.rates.prices {
        Prices::Steps { .. } => {
            let units = most_g / unit.grams(UNIT_PARTS.into()).max(1) + 1;
            let each = units.div_ceil(BRACKETS_MAX as u64);
            is_exact = each == 1;
            ends.extend((1..=units / each).map(|step| unit.grams(step * each * u64::from(UNIT_PARTS))));
        }
        Prices::Table { upto, .. } => ends.extend(upto.iter().map(|parts| unit.grams(u64::from(*parts)))),
    }
    ends.extend(service.surcharges.iter().filter_map(|surcharge| surcharge.above_g).map(u64::from));
    let mut at = 0;
    ends.retain(|grams| {
        at += 1;
        at <= first || *grams < most_g
    });
    is_exact
}
