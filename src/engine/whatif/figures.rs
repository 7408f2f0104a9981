//! What plans come to, by the same measure in either world.
//!
//! A plan costs what its nodes ask for handling and its carriers for the way: those that the plan chose, or where the rules
//! asked none the cheapest; of what no carrier takes, and of a shop
//! without any, what the rules of then ask for shipments and their way. Units that
//! nobody ships cost nothing and are counted. Beside it stands what each plan costs by the rules that made it: the figure
//! that these minimise, and that cannot be compared with other rules'.
//!
//! A plan arrives when the last of its shipments does, in days from the day of the order. Greenhouse gas of a shipment is that of
//! one parcel: by what the service that takes it says of its own, else as is usual.

use super::decide::{Case, Leg, Made, Recorded};
use crate::domain::carrier::Shipping;
use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::decision::LineUnits;
use crate::domain::geo::Place;
use crate::domain::quantity::Quantity;
use crate::domain::rules::groups::GroupRules;
use crate::domain::time::WallTime;
use crate::domain::weighed::Carried;
use crate::engine::arriving::held_until;
use crate::engine::fences::day;
use crate::engine::network::Network;
use crate::engine::routing::{pieces, unit_weight_g};
use crate::engine::shipping::{instant, of_node, sent};

/// Sums over plans; money in minor units of the base currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Orders, each once for every copy.
    pub orders: u64,
    /// Shipments of stock.
    pub shipments: u64,
    /// Of those, beyond the first of their plan.
    pub splits: u64,
    /// Units that were given to nodes.
    pub units: u64,
    /// Units that a plan left.
    pub unfilled: u64,
    /// Units that wait at the end.
    pub waiting: u64,
    /// What nodes and carriers ask.
    pub cost: i64,
    /// What plans cost by the rules that made them.
    pub weighed: i64,
    /// Way of all shipments, metres.
    pub metres: u64,
    /// Greenhouse gas, grams of CO2 equivalents.
    pub carbon_g: u64,
    /// Days until plans arrive.
    pub days: u64,
    /// Plans of which the day is known.
    pub dated: u64,
}

impl Figures {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.shipments += other.shipments;
        self.splits += other.splits;
        self.units += other.units;
        self.unfilled += other.unfilled;
        self.waiting += other.waiting;
        self.cost = self.cost.saturating_add(other.cost);
        self.weighed = self.weighed.saturating_add(other.weighed);
        self.metres = self.metres.saturating_add(other.metres);
        self.carbon_g = self.carbon_g.saturating_add(other.carbon_g);
        self.days += other.days;
        self.dated += other.dated;
    }
}

/// Values the plans of one order.
pub struct Valuing<'a> {
    /// Whose nodes, items and carriers.
    pub network: &'a Network,
    /// Carriers as they were when it was decided.
    pub then: &'a Shipping,
    /// The order.
    pub case: &'a Case<'a>,
    /// The rules of then.
    pub rules: &'a GroupRules,
    /// When it was decided.
    pub wall: WallTime,
}

impl Valuing<'_> {
    /// A plan as it was decided, by what carriers asked then.
    pub fn recorded(&self, plan: &Recorded) -> Figures {
        let unfilled = plan.unfilled.values().map(|units| u64::from(*units)).sum();
        let sums = self.legs(&plan.legs, &plan.carried, self.then);
        Figures { orders: u64::from(plan.is_first), unfilled, weighed: plan.weighed, ..sums }
    }

    /// A plan of the supposed world.
    pub fn made(&self, plan: &Made, is_first: bool) -> Figures {
        let unfilled = plan.unfilled.values().map(|units| u64::from(*units)).sum();
        let sums = self.legs(&plan.legs, &plan.carried, self.network.catalogue.shipping());
        Figures { orders: u64::from(is_first), unfilled, weighed: plan.weighed, ..sums }
    }

    /// Units that waited and were filled, by what carriers asked then.
    pub fn filled_then(&self, legs: &[Leg]) -> Figures {
        self.legs(legs, &[], self.then)
    }

    /// The same in the supposed world.
    pub fn filled(&self, legs: &[Leg]) -> Figures {
        self.legs(legs, &[], self.network.catalogue.shipping())
    }

    /// Shipments, whoever made them, by carriers of then or now.
    pub fn legs(&self, legs: &[Leg], carried: &[Carried], shipping: &Shipping) -> Figures {
        let mut sums = Figures::default();
        let mut latest: Option<u64> = None;
        let mut is_dated = true;
        for leg in legs {
            sums.units += leg.units();
            if !leg.lines.iter().any(|u| self.case.lines[usize::from(u.line)].stocked) {
                continue;
            }
            sums.shipments += 1;
            let days = self.leg(leg, carried, shipping, &mut sums);
            is_dated &= days.is_some();
            latest = latest.max(days);
        }
        sums.splits = sums.shipments.saturating_sub(1);
        if !self.asks_carriers(shipping) {
            sums.cost += self.rules.own.tariff.split * sums.splits as i64;
        }
        if let Some(days) = latest.filter(|_| is_dated) {
            (sums.days, sums.dated) = (days, 1);
        }
        sums
    }

    /// Adds a shipment; answers in how many days it arrives, where that is known.
    fn leg(&self, leg: &Leg, carried: &[Carried], shipping: &Shipping, sums: &mut Figures) -> Option<u64> {
        let network = self.network;
        let catalogue = &network.catalogue;
        let to = self.case.facts.destinations.get(usize::from(leg.group))?;
        let place = to.position.map(Place::from);
        let metres = place.map_or(0, |to| catalogue.place(leg.node).metres_to(&to));
        let placed = |u: &LineUnits| &self.case.lines[usize::from(u.line)];
        let weight_g: u128 =
            leg.lines.iter().map(|u| u128::from(unit_weight_g(network, placed(u))) * u128::from(u.quantity)).sum();
        sums.metres = sums.metres.saturating_add(metres);
        let mut add_carbon = |carbon: Carbon| {
            sums.carbon_g = sums.carbon_g.saturating_add(carbon.grams(metres, weight_g));
        };
        if !self.asks_carriers(shipping) {
            add_carbon(Carbon::USUAL);
            let tariff = &self.rules.of(leg.group).tariff;
            sums.cost += tariff.per_shipment.saturating_add(tariff.charge(metres, weight_g));
            return None;
        }
        if let Some(handling) = catalogue.node(leg.node).handling {
            let of_units = handling.per_unit.saturating_mul(i64::try_from(leg.units()).unwrap_or(i64::MAX));
            sums.cost = sums.cost.saturating_add(handling.per_shipment.saturating_add(of_units));
        }
        let body = |u: &LineUnits| sent(catalogue, catalogue.item(placed(u).sku), Quantity::new(u.quantity)?);
        let freight = Freight::Units(leg.lines.iter().filter_map(body).collect());
        let from = of_node(catalogue, leg.node);
        let skus = leg.lines.iter().flat_map(|u| pieces(placed(u))).map(|(sku, _)| sku);
        let facts = self.case.facts;
        let ordered_on = day(&from.origin.zone, instant(facts.placed_at));
        let question = Question {
            from,
            to: There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: to.position },
            freight: &freight,
            ordered: instant(self.wall.max(facts.placed_at)),
            held_until: held_until(catalogue, &self.case.dates, (leg.node, self.wall), skus),
        };
        let offers = shipping.answers(&question).offers;
        let chosen = carried.iter().find(|own| (own.node, own.group) == (leg.node, leg.group));
        let is_chosen =
            |own: &Carried, carrier: &str, service: &str| (&*own.carrier, &*own.service) == (carrier, service);
        let by_plan = chosen.and_then(|own| offers.iter().find(|offer| is_chosen(own, &offer.carrier, &offer.service)));
        let offer = by_plan.or_else(|| offers.first());
        let service = offer.and_then(|offer| shipping.service(&offer.carrier, &offer.service));
        add_carbon(service.and_then(|service| service.carbon).unwrap_or(Carbon::USUAL));
        let offer = offer?;
        sums.cost = sums.cost.saturating_add(offer.price);
        let days = ordered_on.until(offer.promise.arrives).map_or(0, |span| i64::from(span.get_days()));
        Some(days.max(0).unsigned_abs())
    }

    fn asks_carriers(&self, shipping: &Shipping) -> bool {
        self.case.ships() && shipping.carriers().next().is_some()
    }
}
