//! By when is ready what a customer comes for: told by a quote, promised in the record that gives units to a node, kept by
//! the story of their order, watched by the clock.
//!
//! - At the node he comes to it is ready when that node's cutoff, calendar and lead time say so. Where no lead time was put
//!   nothing is promised.
//! - At a store it is sent to it is ready when the store closes on its first working day from the day on which the cheapest
//!   service of a carrier brings it. Without a carrier nothing is promised.
//!
//! A promise stays what it was when the units are taken to another node: the customer was told. What is *not* here: the
//! chain of stages (`domain::promise`), and what follows when it is late (`exception`).

use jiff::Timestamp;

use super::Engine;
use super::network::Network;
use super::routing::{Routed, Wanted};
use super::shipping::{instant, of_node, sent, shipments};
use crate::domain::carrier::parcels::{Freight, Units};
use crate::domain::carrier::quote::{Question, There};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::PlaceOrder;
use crate::domain::decision::{Decision, LineUnits};
use crate::domain::delivery::{TO_STORE, is_fetched};
use crate::domain::ids::{FulfillmentKey, NodeIndex, Text};
use crate::domain::order::{Allocation, Order, OrderEvent, PlacedLine};
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

/// By when something of a quote is ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotedPickup {
    /// The node that has it.
    pub node: Text,
    /// The store to which it is sent, where it has to be.
    pub store: Option<Text>,
    /// The group it belongs to; empty for the order's own.
    pub group: Text,
    /// By when.
    pub ready_by: WallTime,
}

/// Where something is, and where its customer comes for it when that is elsewhere.
#[derive(Clone, Copy)]
struct Course {
    node: NodeIndex,
    store: Option<NodeIndex>,
}

impl Course {
    /// None where nobody comes for it, or nobody said whereto.
    fn of(node: NodeIndex, method: &str, named: Option<NodeIndex>) -> Option<Self> {
        match method {
            TO_STORE => Some(Self { node, store: Some(named?).filter(|store| *store != node) }),
            method => is_fetched(method).then_some(Self { node, store: None }),
        }
    }

    /// By when it is ready that is begun at an instant, or when its order is released.
    fn ready_by(
        self,
        catalogue: &Catalogue,
        (at, release_at): (WallTime, Option<WallTime>),
        freight: impl FnOnce() -> Freight,
    ) -> Option<WallTime> {
        let (from, ordered, held_until) = (of_node(catalogue, self.node), instant(at), release_at.map(instant));
        let Some(store) = self.store else {
            return from.origin.ready(held_until.map_or(ordered, |until| until.max(ordered))).map(wall);
        };
        let there = of_node(catalogue, store);
        let to = There { country: there.country?, code: there.code, position: there.position };
        let freight = freight();
        let question = Question { from, to, freight: &freight, ordered, held_until };
        let answers = catalogue.shipping().answers(&question);
        there.origin.closes_from(answers.offers.first()?.promise.arrives).map(wall)
    }
}

/// What is promised of the shipments of a route, the first of which has that number.
pub(super) fn promised(network: &Network, wanted: &Wanted<'_>, first: u16, shipments: &[Routed]) -> Vec<OrderEvent> {
    if wanted.ways.is_empty() && !is_fetched(wanted.method) {
        return Vec::new();
    }
    let of = |(number, shipment): (u16, &Routed)| {
        let (own, assignment) = (wanted.of_group(shipment.group), &shipment.assignment);
        let course = Course::of(assignment.node, own.method, own.preferred)?;
        let freight = || freight(&network.catalogue, wanted.lines, &assignment.lines);
        let ready_by = course.ready_by(&network.catalogue, (wanted.at, wanted.release_at), freight)?;
        Some(OrderEvent::ReadyPromised { number, ready_by })
    };
    (first..).zip(shipments).filter_map(of).collect()
}

/// The same of units that an order waited for.
pub(super) fn promised_of_waiting(
    network: &Network,
    order: &Order,
    allocations: &[Allocation],
    at: WallTime,
) -> Vec<OrderEvent> {
    let of = |allocation: &Allocation| {
        let Allocation { number, node, group, lines, .. } = allocation;
        let course = Course::of(*node, order.method_of(*group), order.store_of(*group))?;
        let release_at = order.release_at.map(|release| release.wall);
        let of_lines =
            |units: &LineUnits| freight_of(&network.catalogue, &order.lines[usize::from(units.line)].placed, *units);
        let freight = || Freight::Units(lines.iter().filter_map(of_lines).collect());
        let ready_by = course.ready_by(&network.catalogue, (at, release_at), freight)?;
        Some(OrderEvent::ReadyPromised { number: *number, ready_by })
    };
    allocations.iter().filter_map(of).collect()
}

fn freight(catalogue: &Catalogue, lines: &[PlacedLine], units: &[LineUnits]) -> Freight {
    let of = |units: &LineUnits| freight_of(catalogue, &lines[usize::from(units.line)], *units);
    Freight::Units(units.iter().filter_map(of).collect())
}

fn freight_of(catalogue: &Catalogue, line: &PlacedLine, units: LineUnits) -> Option<Units> {
    sent(catalogue, catalogue.item(line.sku), Quantity::new(units.quantity)?)
}

fn wall(at: Timestamp) -> WallTime {
    WallTime(at.as_millisecond())
}

impl Engine {
    /// By when is ready what a customer would come for, by node and group; nothing where nobody says.
    pub fn quote_pickups(&self, now: WallTime, order: &PlaceOrder, decision: &Decision) -> Vec<QuotedPickup> {
        let way_of = |group: u16| order.wishes.ways.iter().find(|way| way.group == group);
        let method_of = |group: u16| &**way_of(group).map_or(&order.delivery_method, |way| &way.method);
        if order.wishes.ways.is_empty() && !is_fetched(&order.delivery_method) {
            return Vec::new();
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let catalogue = &network.catalogue;
        let of = |((node, group), freight): ((NodeIndex, u16), Freight)| {
            let named = way_of(group).map_or(&order.wishes.preferred_node, |way| &way.node);
            let named = named.as_deref().and_then(|id| catalogue.node_index(id));
            let course = Course::of(node, method_of(group), named)?;
            let ready_by = course.ready_by(catalogue, (now, order.wishes.release_at), || freight)?;
            let id = |node: NodeIndex| catalogue.node(node).id.clone();
            let group = order.destinations[usize::from(group)].group.clone();
            Some(QuotedPickup { node: id(node), store: course.store.map(id), group, ready_by })
        };
        shipments(catalogue, order, decision).into_iter().filter_map(of).collect()
    }

    /// Tells the clock by when fulfilment orders of an order are to be ready.
    pub(super) fn watch_readiness(&self, order: &Order) {
        if !order.methods().any(|method| is_fetched(method)) {
            return;
        }
        for fulfillment in order.fulfillment_orders.iter().filter(|f| order.is_unready(f)) {
            let key = FulfillmentKey { order: order.key, number: fulfillment.number };
            order.ready_by(fulfillment.number).into_iter().for_each(|at| self.watch_shipment(at, key));
        }
    }
}
