//! What a unit costs by where it lies, whoever carries it: what it cost to have it there, how scarce it is, whether it had
//! better go, how often it is not found, what it is worth to orders to come. What is *not* here: what a node and its parcels
//! cost (`weighing`).

use super::super::routing::pieces;
use super::Asked;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::rules::scarcity;
use crate::domain::short_pick::{ByShelf, Shelf};
use crate::domain::sourcing::Problem as Listed;
use crate::domain::stock::CellKey;
use crate::domain::weighed::CostTerm;

/// The terms, in the order of the figures.
pub(super) const TERMS: [CostTerm; 5] =
    [CostTerm::UnitCost, CostTerm::Scarcity, CostTerm::Markdown, CostTerm::ShortPick, CostTerm::Opportunity];

/// Figures of a unit by term.
pub(super) type Figures = [i64; TERMS.len()];

/// Fills in the figures of a unit of every line from every listed node, node by node; none where the rules ask for none.
pub(super) fn list(asked: &Asked<'_>, listed: &Listed, figures: &mut Vec<Figures>) {
    figures.clear();
    if !asked.weights.asks_units() {
        return;
    }
    for (at, candidate) in listed.candidates.iter().enumerate() {
        let node =
            Lying { node: NodeIndex(candidate.node), at, rates_micro: rates_micro(asked, NodeIndex(candidate.node)) };
        figures.extend((0..listed.lines.len()).map(|line| of_line(asked, listed, &node, line)));
    }
}

/// Where units lie.
struct Lying {
    node: NodeIndex,
    /// Its place among those that were listed.
    at: usize,
    /// How often they are not found, by how many there are.
    rates_micro: ByShelf<u32>,
}

fn rates_micro(asked: &Asked<'_>, node: NodeIndex) -> ByShelf<u32> {
    if asked.weights.short_pick == 0 {
        return ByShelf::default();
    }
    let kind = asked.network.catalogue.node(node).kind;
    asked.network.learned.rates_micro(node, kind, asked.shipment.at)
}

/// A unit of a line takes so many pieces of each of its skus, and costs what they cost together.
fn of_line(asked: &Asked<'_>, listed: &Listed, node: &Lying, line: usize) -> Figures {
    let placed = &asked.shipment.lines[usize::from(asked.units[line].line)];
    let mut sums = Figures::default();
    for ((sku, per_unit), need) in pieces(placed).zip(listed.needs_of(line)) {
        let free = listed.has(node.at)[usize::from(need.slot)];
        for (sum, each) in sums.iter_mut().zip(of_piece(asked, sku, node, free)) {
            *sum = sum.saturating_add(each.saturating_mul(i64::from(per_unit)));
        }
    }
    sums
}

/// What a piece of a sku costs at a node that has so many free.
fn of_piece(asked: &Asked<'_>, sku: SkuIndex, lying: &Lying, free: u32) -> Figures {
    let node = lying.node;
    let (catalogue, weights) = (&asked.network.catalogue, asked.weights);
    let policies = catalogue.policies();
    let value = catalogue.item(sku).value.map_or(0, |value| value.amount);
    let told = if weights.unit_cost || weights.scarcity { policies.unit_cost(sku, node) } else { None };
    let counted = || asked.network.learned.demand(CellKey { sku, node }, asked.shipment.at);
    let demand = if weights.scarcity { policies.demand(sku, node).or_else(counted) } else { None };
    let margin = told.map_or(value / 2, |cost| value.saturating_sub(cost));
    let short = i128::from(weights.short_pick) * i128::from(lying.rates_micro[Shelf::of(free) as usize]);
    [
        if weights.unit_cost { told.unwrap_or(value) } else { 0 },
        demand.map_or(0, |demand| scarcity::cost(margin, demand, free)),
        if weights.markdown { -policies.markdown(sku, node) } else { 0 },
        i64::try_from((short + 500_000) / 1_000_000).unwrap_or(i64::MAX),
        if weights.opportunity { catalogue.opportunity().unit(CellKey { sku, node }) } else { 0 },
    ]
}
