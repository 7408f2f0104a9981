//! Fences of a rule set, node by node: who has units and may not ship them, and why.
//!
//! Asked for every node that has something, where the rules have fences at all; an order whose rules have none pays nothing.
//! A fence that asks carriers (`arrives_by`) costs a promise for every service, the others some comparisons.
//!
//! What is *not* here: bounds on the whole plan (`sourcing::solve_within`), and what never ships whatever the rules say
//! (`routing`).

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::arriving::held_until;
use super::loose::NodeSet;
use super::network::Network;
use super::routing::{pieces, unit_weight_g};
use super::shipping::{instant, of_node, sent, zone};
use super::workload::is_full;
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::decision::{FenceReason, LineUnits};
use crate::domain::geo::{Place, Position};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::node::Node;
use crate::domain::order::{Destination, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::quantity::Quantity;
use crate::domain::rules::Fence;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::time::{JournalTime, WallTime};

/// What is sent whereto, and when that is decided.
#[derive(Clone, Copy)]
pub struct Shipment<'a> {
    /// Whereto.
    pub to: Option<&'a Destination>,
    /// Where that is.
    pub position: Option<Position>,
    /// The order's lines.
    pub lines: &'a [PlacedLine],
    /// When it was ordered.
    pub placed_at: WallTime,
    /// When it is sourced.
    pub at: WallTime,
    /// The same by the journal's clock.
    pub known_at: JournalTime,
    /// When work on it may begin.
    pub work_at: WallTime,
    /// What else is known of when it is to leave and to be there.
    pub dates: Dates,
    /// Nodes that have a place again of that day, each as often as it has.
    pub leaving: &'a [NodeIndex],
}

/// The fences of a rule set before one shipment.
pub struct Fencing<'a> {
    network: &'a Network,
    rules: &'a AppliedRules,
    shipment: Shipment<'a>,
    place: Option<Place>,
    /// All units asked for, where carriers are asked.
    freight: Option<Freight>,
    /// Their skus.
    skus: Vec<SkuIndex>,
    weight_g: u128,
    /// Nodes that earlier parts of the order leave, where it matters how many do.
    earlier: Vec<NodeIndex>,
    /// Days that are full keep nobody out.
    days_aside: bool,
}

impl<'a> Fencing<'a> {
    /// Of rules before a shipment of some units; `None` where they have no fences.
    pub fn of(
        network: &'a Network,
        rules: &'a AppliedRules,
        shipment: Shipment<'a>,
        units: &[LineUnits],
        earlier: impl Iterator<Item = NodeIndex>,
    ) -> Option<Self> {
        if !rules.is_fenced() {
            return None;
        }
        let placed = |u: &LineUnits| &shipment.lines[usize::from(u.line)];
        let weight = |u: &LineUnits| u128::from(unit_weight_g(network, placed(u))) * u128::from(u.quantity);
        let is_wanted = shipment.dates.arrives_by.is_some();
        let asks = |fence: &Fence| matches!(fence, Fence::ArrivesBy { days } if days.is_some() || is_wanted);
        let asks = rules.weights.is_none() && rules.terms.fences.iter().any(asks);
        let body = |u: &LineUnits| {
            let catalogue = &network.catalogue;
            sent(catalogue, catalogue.item(placed(u).sku), Quantity::new(u.quantity)?)
        };
        let freight = asks.then(|| Freight::Units(units.iter().filter_map(body).collect()));
        let skus = units.iter().filter(|_| asks).flat_map(|u| pieces(placed(u))).map(|(sku, _)| sku).collect();
        let (place, weight_g) = (shipment.position.map(Place::from), units.iter().map(weight).sum());
        let earlier = if rules.minds_capacity() { earlier.collect() } else { Vec::new() };
        Some(Self { network, rules, shipment, place, freight, skus, weight_g, earlier, days_aside: false })
    }

    /// The same for whoever counts himself what nodes can handle.
    pub fn whatever_days_are_full(self) -> Self {
        Self { days_aside: true, ..self }
    }

    /// Why a node may not ship, if it may not: the first fence that says so.
    pub fn reason(&self, node: NodeIndex) -> Option<FenceReason> {
        let known = self.network.catalogue.node(node);
        self.rules.terms.fences.iter().find_map(|fence| self.held_by(fence, node, known))
    }

    /// Shipments that a node has by earlier parts of the order, those that leave it aside.
    pub fn own(&self, node: NodeIndex) -> i64 {
        let of = |nodes: &[NodeIndex]| nodes.iter().filter(|known| **known == node).count() as i64;
        of(&self.earlier) - of(self.shipment.leaving)
    }

    /// Nodes that may not ship at any hour.
    pub fn kept_out(&self) -> NodeSet {
        let by_the_hour = |fence: &&Fence| matches!(fence, Fence::Cutoff | Fence::ArrivesBy { .. } | Fence::Capacity);
        let always = || self.rules.terms.fences.iter().filter(|fence| !by_the_hour(fence));
        let nodes = (0..).map(NodeIndex).zip(self.network.catalogue.nodes());
        let out = nodes.filter(|(node, known)| always().any(|fence| self.held_by(fence, *node, known).is_some()));
        out.map(|(node, _)| node).collect()
    }

    fn held_by(&self, fence: &Fence, node: NodeIndex, known: &Node) -> Option<FenceReason> {
        let (is_out, reason) = match fence {
            Fence::Within { metres } => (self.metres(node) > *metres, FenceReason::TooFar),
            Fence::Kinds(kinds) => (!kinds.contains(&known.kind), FenceReason::WrongKind),
            Fence::Countries(countries) => (!countries.contains(&known.country), FenceReason::OutOfRegion),
            Fence::SameCountry => {
                (self.shipment.to.is_some_and(|to| to.country != known.country), FenceReason::OutOfRegion)
            }
            Fence::Nodes(nodes) => (!nodes.contains(&known.id), FenceReason::NotListed),
            Fence::NotNodes(nodes) => (nodes.contains(&known.id), FenceReason::NotListed),
            Fence::Capabilities(all) => {
                (all.iter().any(|one| !known.capabilities.contains(one)), FenceReason::LacksCapability)
            }
            Fence::Cutoff => (is_past_cutoff(known, instant(self.shipment.at)), FenceReason::PastCutoff),
            // Where everything is weighed these two are asked of every service and of all costs (`weighing`).
            Fence::ArrivesBy { .. } | Fence::LandedCost { .. } if self.rules.weights.is_some() => return None,
            Fence::ArrivesBy { days } => {
                let is_asked = days.is_some() || self.shipment.dates.arrives_by.is_some();
                (is_asked && !self.arrives_by(node, *days), FenceReason::ArrivesTooLate)
            }
            Fence::LandedCost { amount } => (self.landed_cost(node) > *amount, FenceReason::TooDear),
            Fence::Capacity if self.days_aside => return None,
            Fence::Capacity => {
                (is_full(self.network, node, self.own(node), self.shipment.work_at), FenceReason::AtCapacity)
            }
            // Of the plan, not of a node.
            Fence::MaxShipments { .. } | Fence::ShipComplete | Fence::LineComplete | Fence::SameNode(_) => return None,
        };
        is_out.then_some(reason)
    }

    /// Metres to the destination; 0 where nobody knows where that is.
    fn metres(&self, node: NodeIndex) -> u64 {
        self.place.map_or(0, |to| self.network.catalogue.place(node).metres_to(&to))
    }

    fn landed_cost(&self, node: NodeIndex) -> i64 {
        let tariff = &self.rules.tariff;
        tariff.per_shipment.saturating_add(tariff.charge(self.metres(node), self.weight_g))
    }

    /// Whether some service takes all units there so many days after the day of the order, both by the node's calendar; by the
    /// day that the order names where no number is said.
    fn arrives_by(&self, node: NodeIndex, days: Option<u16>) -> bool {
        let (Some(freight), Some(to)) = (&self.freight, self.shipment.to) else { return false };
        let catalogue = &self.network.catalogue;
        let from = of_node(catalogue, node);
        let Shipment { placed_at, at, dates, .. } = self.shipment;
        let ordered_on = day(&from.origin.zone, instant(placed_at));
        let question = Question {
            from,
            to: There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: self.shipment.position },
            freight,
            ordered: instant(at.max(placed_at)),
            held_until: held_until(catalogue, &dates, (node, at), self.skus.iter().copied()),
        };
        let within = days.map(|days| ordered_on.saturating_add(i64::from(days).days()));
        let Some(last) = within.or(dates.arrives_by) else { return true };
        catalogue.shipping().answers(&question).offers.iter().any(|offer| offer.promise.arrives <= last)
    }
}

/// The day that a zone's calendar shows.
pub(super) fn day(zone: &TimeZone, at: Timestamp) -> jiff::civil::Date {
    zone.to_datetime(at).date()
}

/// Whether work of a node for today has closed at an instant.
fn is_past_cutoff(node: &Node, at: Timestamp) -> bool {
    let Some(cutoff_min) = node.cutoff_min else { return false };
    let shown = zone(&node.time_zone).to_datetime(at).time();
    let minutes = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
    (minutes, shown.second()) > (i32::from(cutoff_min), 0)
}
