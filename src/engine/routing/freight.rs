//! What units take from cells, what they weigh, and what it costs to ship them.

use super::super::network::Network;
use crate::domain::decision::LineUnits;
use crate::domain::geo::Place;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::order::{Order, PlacedLine};
use crate::domain::rules::applied::AppliedRules;

/// What it costs to ship units of an order from a node, by the rules' charge for a shipment and its way.
pub fn shipment_cost(
    network: &Network,
    rules: &AppliedRules,
    order: &Order,
    node: NodeIndex,
    units: &[LineUnits],
) -> i64 {
    let placed = |u: &LineUnits| &order.lines[usize::from(u.line)].placed;
    let group = units.first().map_or(0, |u| placed(u).group);
    let to = order.facts.destinations.get(usize::from(group)).and_then(|to| to.position).map(Place::from);
    let metres = to.map_or(0, |to| network.catalogue.place(node).metres_to(&to));
    let weight_g = units.iter().map(|u| u128::from(unit_weight_g(network, placed(u))) * u128::from(u.quantity)).sum();
    rules.tariff.per_shipment.saturating_add(rules.tariff.charge(metres, weight_g))
}

/// Grams of one unit of a line; a kit without a weight of its own weighs what its components do.
pub fn unit_weight_g(network: &Network, placed: &PlacedLine) -> u64 {
    let weight_g = |sku: SkuIndex| u64::from(network.catalogue.item(sku).weight_g);
    match weight_g(placed.sku) {
        0 => pieces(placed).map(|(sku, n)| weight_g(sku) * u64::from(n)).fold(0, u64::saturating_add),
        own => own,
    }
}

/// What one unit of a line takes from cells; nothing for services and downloads.
pub fn pieces(line: &PlacedLine) -> impl Iterator<Item = (SkuIndex, u32)> {
    let own = (line.stocked && line.components.is_empty()).then_some((line.sku, 1));
    let components = if line.stocked { line.components.as_slice() } else { &[] };
    own.into_iter().chain(components.iter().map(|component| (component.sku, component.quantity)))
}
