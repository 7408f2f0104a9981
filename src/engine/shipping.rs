//! Carriers, calendars and zones: put like any part of the catalogue, and asked what it costs to send something.
//!
//! A question takes the shared guard of the catalogue and nothing else; it neither takes units nor remembers anything, so
//! orders do not feel it. What is *not* here: how a price and a date come about (`domain::carrier`, `domain::promise`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::arriving::chosen;
use super::hold::begun_holds;
use super::place::{asked_dates, centre_of};
use super::transit::in_time;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::carrier::parcels::{Freight, Units};
use crate::domain::carrier::quote::{Answers, Here, Question, There};
use crate::domain::carrier::rates::Parcel;
use crate::domain::carrier::zones::Prefix;
use crate::domain::carrier::{Carrier, ShippingTerms};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{AskRates, AskedFreight, AskedFrom, PlaceOrder};
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::item::{Item, ItemKind};
use crate::domain::money::Currency;
use crate::domain::promise::Origin;
use crate::domain::quantity::Quantity;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::supply::after;
use crate::domain::time::{Now, WallTime};
use crate::domain::transit::InTime;
use crate::domain::weighed::Carried;

/// What every service answers, and what that depended on.
#[derive(Clone, Debug)]
pub struct RatesFound {
    /// Offers, and who makes none.
    pub answers: Answers,
    /// For each offer the chance that it comes as promised.
    pub in_time: Vec<InTime>,
    /// The clock of where it is sent from.
    pub zone: TimeZone,
    /// Currency of the prices.
    pub base: Currency,
    /// Whether a country's middle stands for a position.
    pub approximate: bool,
    /// The catalogue it was asked of.
    pub catalogue_seq: u64,
}

/// What every service answers for one shipment of a quote.
#[derive(Clone, Debug)]
pub struct QuotedShipment {
    /// The node it leaves.
    pub node: Text,
    /// The group it goes to; empty for the order's own destination.
    pub group: Text,
    /// Offers, and who makes none.
    pub answers: Answers,
    /// Place among the offers of the one that it goes by.
    pub chosen: usize,
    /// By which services the plan sends its parcels; empty where it weighed none.
    pub carried: Vec<Carried>,
    /// The chance that it comes as promised; `None` when none can do it.
    pub in_time: Option<InTime>,
    /// The clock of the node.
    pub zone: TimeZone,
}

impl Engine {
    pub(super) fn put_shipping(&self, turn: &Turn<'_>, terms: ShippingTerms) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let faults = faults(&network.catalogue, &terms);
        if !faults.is_empty() {
            return Err(Rejection::Invalid(faults));
        }
        let known = network.catalogue.shipping().terms(&terms.key());
        let created = known.is_none();
        let mut seq = network.catalogue.seq;
        if known.as_ref() != Some(&terms) {
            seq = self.append_catalogue(turn, &network, Event::ShippingPut(Box::new(terms.clone())))?;
            network.catalogue.put_shipping(terms.clone());
            network.catalogue.seq = seq;
            // Work may begin on another day: who waits for room may find some.
            self.room_awaited.all_over(turn.log.now().wall);
        }
        Ok(Executed::done(Reply::Shipping { terms: Box::new(terms), created }, seq))
    }

    /// What was put of shipping before a start.
    pub(super) fn open_shipping(&self, all: Vec<ShippingTerms>) {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        all.into_iter().for_each(|terms| network.catalogue.put_shipping(terms));
    }

    /// What it costs to send something, and when it arrives: every service of every carrier answers.
    pub fn rates(&self, now: WallTime, asked: &AskRates) -> Result<RatesFound, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let catalogue = &network.catalogue;
        let mut faults = Vec::new();
        let freight = freight(catalogue, &asked.freight, &mut faults);
        let from = here(catalogue, &asked.from, &mut faults);
        let (Some(from), true) = (from, faults.is_empty()) else { return Err(Rejection::Invalid(faults)) };
        let to = There {
            country: &asked.to.country,
            code: Prefix::of(&asked.to.postal_code),
            position: asked.to.position.or_else(|| centre_of(catalogue, &asked.to.country)),
        };
        let question = Question {
            from,
            to,
            freight: &freight,
            ordered: instant(asked.placed_at.unwrap_or(now)),
            held_until: asked.held_until.map(instant),
        };
        let answers = catalogue.shipping().answers(&question);
        let chance = |offer| in_time(&network, &question, offer, now);
        let in_time = answers.offers.iter().map(chance).collect();
        let placed = |from: &AskedFrom| matches!(from, AskedFrom::Node(_) | AskedFrom::Place { position: Some(_), .. });
        Ok(RatesFound {
            answers,
            in_time,
            zone: question.from.origin.zone,
            base: catalogue.base_currency,
            approximate: asked.to.position.is_none() || !placed(&asked.from),
            catalogue_seq: catalogue.seq,
        })
    }
}

impl Engine {
    /// What carriers answer for each shipment of a quote, by node and destination; nothing where there is no carrier, or
    /// where the order is not shipped. It goes by the service that the plan weighed and chose, else by the cheapest, once
    /// nothing holds it or keeps it back.
    pub fn quote_shipping(&self, now: Now, order: &PlaceOrder, decision: &Decision) -> Vec<QuotedShipment> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let catalogue = &network.catalogue;
        if catalogue.shipping().carriers().next().is_none() {
            return Vec::new();
        }
        let of_group = |group: u16| order.wishes.ways.iter().find(|way| way.group == group).map(|way| &way.method);
        let ships = |group: u16| &**of_group(group).unwrap_or(&order.delivery_method) == "ship";
        let holds = begun_holds(&network, order, now).unwrap_or_default();
        let held_until = asked_dates(order, &holds).held_until.map(instant);
        let ordered = instant(order.placed_at.unwrap_or(now.wall));
        let mut quoted = Vec::new();
        for ((node, group), freight) in
            shipments(catalogue, order, decision).into_iter().filter(|((_, group), _)| ships(*group))
        {
            let (from, to) = (of_node(catalogue, node), &order.destinations[usize::from(group)]);
            let zone = from.origin.zone.clone();
            let to_there = There {
                country: &to.country,
                code: Prefix::of(&to.postal_code),
                position: to.position.or_else(|| centre_of(catalogue, &to.country)),
            };
            let ready = by_supplier(catalogue, order, decision, node).map(|lead_s| instant(after(now.wall, lead_s)));
            let held_until = held_until.into_iter().chain(ready).max();
            let question = Question { from, to: to_there, freight: &freight, ordered, held_until };
            let answers = catalogue.shipping().answers(&question);
            let chosen = chosen(&answers.offers, decision.carried(node, group));
            let in_time = answers.offers.get(chosen).map(|offer| in_time(&network, &question, offer, now.wall));
            quoted.push(QuotedShipment {
                node: catalogue.node(node).id.clone(),
                group: to.group.clone(),
                answers,
                chosen,
                carried: decision.carried(node, group).cloned().collect(),
                in_time,
                zone,
            });
        }
        quoted
    }
}

/// Seconds that a supplier takes to have ready what he ships himself of a plan; `None` where the node is not one.
fn by_supplier(catalogue: &Catalogue, order: &PlaceOrder, decision: &Decision, node: NodeIndex) -> Option<u32> {
    let own = decision.assignments.iter().filter(|assignment| assignment.node == node);
    let lines = own.flat_map(|assignment| &assignment.lines).map(|units| &order.lines[usize::from(units.line)]);
    let skus = lines.filter_map(|line| catalogue.sku_index(&line.sku));
    skus.filter_map(|sku| catalogue.policies().dropship_lead_s(sku, node)).max()
}

/// What leaves each node for each destination of a plan.
pub(super) fn shipments(
    catalogue: &Catalogue,
    order: &PlaceOrder,
    decision: &Decision,
) -> BTreeMap<(NodeIndex, u16), Freight> {
    let mut shipments: BTreeMap<_, Vec<Units>> = BTreeMap::new();
    for assignment in &decision.assignments {
        for units in &assignment.lines {
            let line = &order.lines[usize::from(units.line)];
            let item = item(catalogue, &line.sku).zip(Quantity::new(units.quantity));
            if let Some(sent) = item.and_then(|(item, quantity)| sent(catalogue, item, quantity)) {
                shipments.entry((assignment.node, line.group)).or_default().push(sent);
            }
        }
    }
    shipments.into_iter().map(|(shipment, units)| (shipment, Freight::Units(units))).collect()
}

pub(super) fn instant(time: WallTime) -> Timestamp {
    Timestamp::from_millisecond(time.0).unwrap_or(if time.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// All that is wrong with what is put, in this catalogue.
pub(super) fn faults(catalogue: &Catalogue, terms: &ShippingTerms) -> Vec<Fault> {
    let mut faults = match terms {
        ShippingTerms::Carrier(carrier) | ShippingTerms::Traced(carrier, _) => {
            let mut faults = carrier.faults();
            faults.extend(unknown_nodes(catalogue, carrier));
            let base = catalogue.base_currency;
            if let Some(currency) = carrier.currency.filter(|currency| *currency != base) {
                let detail = format!("prices are in the base currency {base}, not {currency}");
                faults.push(Fault::new("currency", "wrong_currency", detail));
            }
            faults
        }
        ShippingTerms::Calendar(calendar) => calendar.faults(),
        ShippingTerms::ZoneChart(chart) => chart.faults(),
    };
    let key = terms.key();
    let is_new = catalogue.shipping().terms(&key).is_none();
    if let Some(most) = catalogue.shipping().is_full_for(&key).filter(|_| is_new) {
        let (field, what) = match terms {
            ShippingTerms::Carrier(_) | ShippingTerms::Traced(..) => ("carrier", "carriers"),
            ShippingTerms::Calendar(_) => ("calendar", "calendars"),
            ShippingTerms::ZoneChart(_) => ("from", "charts of zones"),
        };
        faults.push(Fault::new(field, "too_many", format!("there are at most {most} {what}")));
    }
    faults
}

fn unknown_nodes<'a>(catalogue: &'a Catalogue, carrier: &'a Carrier) -> impl Iterator<Item = Fault> + 'a {
    carrier.services.iter().enumerate().flat_map(move |(service, terms)| {
        let pickups = terms.pickups.iter().flatten().enumerate();
        pickups.filter(|(_, pickup)| catalogue.node_index(&pickup.node).is_none()).map(move |(at, pickup)| {
            let field = format!("services[{service}].nodes[{at}].node");
            Fault::new(field, "unknown_node", format!("there is no node {:?}", pickup.node))
        })
    })
}

/// Where it is sent from; without a zone of its own a place keeps the time of UTC.
fn here<'a>(catalogue: &'a Catalogue, from: &'a AskedFrom, faults: &mut Vec<Fault>) -> Option<Here<'a>> {
    match from {
        AskedFrom::Node(id) => {
            let Some(index) = catalogue.node_index(id) else {
                faults.push(Fault::new("from.node", "unknown_node", format!("there is no node {id:?}")));
                return None;
            };
            Some(of_node(catalogue, index))
        }
        AskedFrom::Place { country, postal_code, position, time_zone } => {
            let zone = time_zone.as_ref().map_or(TimeZone::UTC, |name| zone(name));
            Some(Here {
                node: None,
                country: Some(country),
                code: Prefix::of(postal_code),
                position: position.or_else(|| centre_of(catalogue, country)),
                origin: Origin { zone, cutoff_min: None, calendar: None },
            })
        }
    }
}

pub(super) fn of_node(catalogue: &Catalogue, index: NodeIndex) -> Here<'_> {
    let node = catalogue.node(index);
    let calendar = node.calendar.as_ref().and_then(|calendar| catalogue.shipping().calendar(calendar));
    Here {
        node: Some(&node.id),
        country: Some(&node.country),
        code: Prefix::of(&node.postal_code),
        position: Some(node.position),
        origin: Origin { zone: zone(&node.time_zone), cutoff_min: node.cutoff_min, calendar },
    }
}

pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// What is sent; what has no body is not.
fn freight(catalogue: &Catalogue, asked: &AskedFreight, faults: &mut Vec<Fault>) -> Freight {
    let lines = match asked {
        AskedFreight::Parcels(parcels) => return Freight::Parcels(parcels.clone()),
        AskedFreight::Lines(lines) => lines,
    };
    let mut units = Vec::with_capacity(lines.len());
    for (at, (sku, quantity)) in lines.iter().enumerate() {
        match item(catalogue, sku) {
            None => {
                let detail = format!("there is no item {sku:?}");
                faults.push(Fault::new(format!("lines[{at}].sku"), "unknown_sku", detail));
            }
            Some(item) => units.extend(sent(catalogue, item, *quantity)),
        }
    }
    if units.is_empty() && faults.is_empty() {
        faults.push(Fault::new("lines", "no_lines", "name nothing that is sent in a parcel"));
    }
    Freight::Units(units)
}

fn item<'a>(catalogue: &'a Catalogue, sku: &Text) -> Option<&'a Item> {
    catalogue.sku_index(sku).map(|index| catalogue.item(index))
}

/// Units of an item; a kit without a weight of its own weighs what its components do.
pub(super) fn sent(catalogue: &Catalogue, item: &Item, quantity: Quantity) -> Option<Units> {
    let has_body = matches!(item.kind, ItemKind::Product | ItemKind::Kit);
    let of_parts = item.components.iter().map(|c| u64::from(catalogue.item(c.sku).weight_g) * u64::from(c.quantity));
    let weight_g = if item.weight_g > 0 { u64::from(item.weight_g) } else { of_parts.fold(0, u64::saturating_add) };
    let size = [item.dimensions.length, item.dimensions.width, item.dimensions.height];
    let unit = Parcel { weight_g, ..Parcel::of(0, size) };
    has_body.then(|| Units { unit, quantity: quantity.units() })
}
