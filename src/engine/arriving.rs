//! When shipments arrive by carriers: from when they can be worked on, and the day that is promised in the record that gives
//! units to a node.
//!
//! A shipment goes by the service that its plan weighed and chose, of several the one that arrives last; by the cheapest
//! where none was weighed. Where there is no carrier nothing is promised, and asked for nothing.
//!
//! What is *not* here: the chain of stages (`domain::promise`), and the promise to who comes himself (`readiness`).

use jiff::Timestamp;
use jiff::civil::Date;

use super::network::Network;
use super::routing::{Route, SHIPPED, Wanted};
use super::shipping::{instant, of_node, sent};
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Offer, Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::catalogue::Catalogue;
use crate::domain::decision::{Decision, LineUnits};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::order::{Allocation, Destination, Order, OrderEvent, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::promise::calendar::CivilDay;
use crate::domain::quantity::Quantity;
use crate::domain::supply::after;
use crate::domain::time::WallTime;
use crate::domain::weighed::Carried;

/// Until when a shipment from a node waits: as long as its order is kept back or held, and until a supplier has it ready who
/// ships it himself.
pub(super) fn held_until(
    catalogue: &Catalogue,
    dates: &Dates,
    (node, at): (NodeIndex, WallTime),
    skus: impl Iterator<Item = SkuIndex>,
) -> Option<Timestamp> {
    let policies = catalogue.policies();
    let lead_s = policies.has_supply().then(|| skus.filter_map(|sku| policies.dropship_lead_s(sku, node)).max());
    let ready = lead_s.flatten().map(|lead_s| after(at, lead_s));
    dates.held_until.into_iter().chain(ready).max().map(instant)
}

/// Place among offers of the one that a shipment goes by.
pub(super) fn chosen<'a>(offers: &[Offer], carried: impl Iterator<Item = &'a Carried>) -> usize {
    let at = |own: &Carried| {
        offers.iter().position(|offer| (&offer.carrier, &offer.service) == (&own.carrier, &own.service))
    };
    carried.filter_map(at).max_by_key(|at| offers[*at].promise.arrives).unwrap_or(0)
}

/// A shipment of some units.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    /// From where.
    pub node: NodeIndex,
    /// Whereto.
    pub to: &'a Destination,
    /// The order's lines.
    pub lines: &'a [PlacedLine],
    /// Which units of them.
    pub units: &'a [LineUnits],
    /// From when they can be worked on, but for what holds them.
    pub at: WallTime,
    /// What is known of its dates.
    pub dates: Dates,
}

impl Sent<'_> {
    /// What every service of carriers offers.
    pub(super) fn offers(&self, catalogue: &Catalogue) -> Vec<Offer> {
        let Self { node, to, lines, units, at, dates } = *self;
        let placed = |u: &LineUnits| &lines[usize::from(u.line)];
        let body = |u: &LineUnits| sent(catalogue, catalogue.item(placed(u).sku), Quantity::new(u.quantity)?);
        let freight = Freight::Units(units.iter().filter_map(body).collect());
        let skus = units.iter().flat_map(|u| placed(u).stock(1)).map(|(sku, _)| sku);
        let question = Question {
            from: of_node(catalogue, node),
            to: There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: to.position },
            freight: &freight,
            ordered: instant(at),
            held_until: held_until(catalogue, &dates, (node, at), skus),
        };
        catalogue.shipping().answers(&question).offers
    }

    /// The day on which it arrives; `None` where nobody takes it.
    pub(super) fn arrives<'a>(&self, catalogue: &Catalogue, by: impl Iterator<Item = &'a Carried>) -> Option<Date> {
        let offers = self.offers(catalogue);
        offers.get(chosen(&offers, by)).map(|offer| offer.promise.arrives)
    }

    fn has_stock(&self) -> bool {
        self.units.iter().any(|u| self.lines[usize::from(u.line)].stocked)
    }
}

fn has_carriers(catalogue: &Catalogue) -> bool {
    catalogue.shipping().carriers().next().is_some()
}

fn told(number: u16, day: Date) -> OrderEvent {
    OrderEvent::DeliveryPromised { number, deliver_by: CivilDay::from(day) }
}

/// What is promised of the shipments of a route, the first of which has that number.
pub(super) fn delivery_promised(network: &Network, wanted: &Wanted<'_>, first: u16, route: &Route) -> Vec<OrderEvent> {
    let catalogue = &network.catalogue;
    if !has_carriers(catalogue) {
        return Vec::new();
    }
    let of = |(number, shipment): (u16, &super::routing::Routed)| {
        let own = &shipment.assignment;
        let sent = Sent {
            node: own.node,
            to: wanted.to.get(usize::from(shipment.group))?,
            lines: wanted.lines,
            units: &own.lines,
            at: wanted.at.max(wanted.placed_at),
            dates: wanted.dates,
        };
        let is_shipped = wanted.of_group(shipment.group).method == SHIPPED && sent.has_stock();
        let day = is_shipped.then(|| sent.arrives(catalogue, route.decision.carried(own.node, shipment.group)))?;
        Some(told(number, day?))
    };
    (first..).zip(&route.shipments).filter_map(of).collect()
}

/// The same of units that an order waited for: no plan chose their service.
pub(super) fn delivery_promised_of_waiting(
    network: &Network,
    order: &Order,
    allocations: &[Allocation],
    at: WallTime,
) -> Vec<OrderEvent> {
    delivery_promised_by(network, order, allocations, (at, None))
}

/// The same of units that an order gets by a plan, if there is one.
pub(super) fn delivery_promised_by(
    network: &Network,
    order: &Order,
    allocations: &[Allocation],
    (at, plan): (WallTime, Option<&Decision>),
) -> Vec<OrderEvent> {
    let catalogue = &network.catalogue;
    if !has_carriers(catalogue) {
        return Vec::new();
    }
    let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
    let of = |own: &Allocation| {
        let by = plan.into_iter().flat_map(|plan| plan.carried(own.node, own.group));
        let day = shipped(order, &lines, (own.node, own.group), &own.lines, at)?.arrives(catalogue, by)?;
        Some(told(own.number, day))
    };
    allocations.iter().filter_map(of).collect()
}

/// The day on which the cheapest service brings units of an order from a node; `None` where no carrier does.
pub(super) fn arrives(
    catalogue: &Catalogue,
    order: &Order,
    lines: &[PlacedLine],
    way: (NodeIndex, u16),
    units: &[LineUnits],
    at: WallTime,
) -> Option<Date> {
    shipped(order, lines, way, units, at)?.arrives(catalogue, std::iter::empty())
}

/// A shipment of an order from a node to one of its destinations; `None` where no carrier takes it there.
fn shipped<'a>(
    order: &'a Order,
    lines: &'a [PlacedLine],
    (node, group): (NodeIndex, u16),
    units: &'a [LineUnits],
    at: WallTime,
) -> Option<Sent<'a>> {
    let to = order.facts.destinations.get(usize::from(group))?;
    let at = at.max(order.facts.placed_at);
    let sent = Sent { node, to, lines, units, at, dates: order.dates() };
    (&**order.method_of(group) == SHIPPED && sent.has_stock()).then_some(sent)
}
