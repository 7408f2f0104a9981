//! What a unit costs by where it lies, whoever carries it: what it cost to have it there, how scarce it is, whether it had
//! better go, how often it is not found, what it is worth to orders to come.
//!
//! A node that has no unit of a line is asked about it only where the answer can matter: where all of the order is priced at
//! every node, and for orders small enough that somebody may be told with how much more stock a node would ship.
//!
//! Cost: some look-ups for every piece of the order; two more for a node and a piece of which something was said at nodes.
//! What is *not* here: what a node and its parcels cost (`weighing`).

use std::ops::Range;

use super::super::routing::pieces;
use super::Asked;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::policy::{OfUnits, UnitCosts};
use crate::domain::rules::scarcity;
use crate::domain::short_pick::{ByShelf, Shelf};
use crate::domain::sourcing::costed::LINES_EXPLAINED_MAX;
use crate::domain::sourcing::{Need, Problem as Listed};
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
    let (pieces, lines) = of_lines(asked, listed);
    let asks_all = lines.len() <= LINES_EXPLAINED_MAX || asked.weights.landed_cost_max.is_some();
    for (at, candidate) in listed.candidates.iter().enumerate() {
        let (node, has) = (NodeIndex(candidate.node), listed.has(at));
        let lying = Lying { node, has, rates_micro: rates_micro(asked, node) };
        figures.extend(lines.iter().map(|line| match &pieces[line.clone()] {
            pieces if asks_all || pieces.iter().all(|piece| lying.has[piece.slot] >= piece.per_unit) => {
                of_line(asked, pieces, &lying)
            }
            _ => Figures::default(),
        }));
    }
}

/// Pieces that a unit of a line takes of a sku.
struct Piece<'a> {
    sku: SkuIndex,
    slot: usize,
    per_unit: u32,
    value: i64,
    policies: OfUnits<'a>,
}

/// Where units lie.
struct Lying<'a> {
    node: NodeIndex,
    /// Free pieces by slot.
    has: &'a [u32],
    /// How often they are not found, by how many there are.
    rates_micro: ByShelf<u32>,
}

/// The pieces of all lines, and which of them are each line's.
fn of_lines<'a>(asked: &Asked<'a>, listed: &Listed) -> (Vec<Piece<'a>>, Vec<Range<usize>>) {
    let catalogue = &asked.network.catalogue;
    let (mut all, mut lines) = (Vec::with_capacity(listed.needs.len()), Vec::with_capacity(listed.lines.len()));
    for line in 0..listed.lines.len() {
        let placed = &asked.shipment.lines[usize::from(asked.units[line].line)];
        let piece = |((sku, per_unit), need): ((SkuIndex, u32), &Need)| Piece {
            sku,
            slot: need.slot.into(),
            per_unit,
            value: catalogue.item(sku).value.map_or(0, |value| value.amount),
            policies: catalogue.policies().of_units(sku),
        };
        let first = all.len();
        all.extend(pieces(placed).zip(listed.needs_of(line)).map(piece));
        lines.push(first..all.len());
    }
    (all, lines)
}

fn rates_micro(asked: &Asked<'_>, node: NodeIndex) -> ByShelf<u32> {
    if asked.weights.short_pick == 0 {
        return ByShelf::default();
    }
    let kind = asked.network.catalogue.node(node).kind;
    asked.network.learned.rates_micro(node, kind, asked.shipment.known_at)
}

/// A unit of a line takes so many pieces of each of its skus, and costs what they cost together.
fn of_line(asked: &Asked<'_>, pieces: &[Piece<'_>], lying: &Lying<'_>) -> Figures {
    let mut sums = Figures::default();
    for piece in pieces {
        for (sum, each) in sums.iter_mut().zip(of_piece(asked, piece, lying)) {
            *sum = sum.saturating_add(each.saturating_mul(i64::from(piece.per_unit)));
        }
    }
    sums
}

/// What a piece of a sku costs at a node.
fn of_piece(asked: &Asked<'_>, piece: &Piece<'_>, lying: &Lying<'_>) -> Figures {
    let (node, free) = (lying.node, lying.has[piece.slot]);
    let (catalogue, weights) = (&asked.network.catalogue, asked.weights);
    let asks_costs = weights.unit_cost || weights.scarcity || weights.markdown;
    let costs = if asks_costs { piece.policies.costs(node) } else { UnitCosts::default() };
    let counted = || asked.network.learned.demand(CellKey { sku: piece.sku, node }, asked.shipment.known_at);
    let demand = if weights.scarcity { piece.policies.demand(node).or_else(counted) } else { None };
    let margin = costs.unit_cost.map_or(piece.value / 2, |cost| piece.value.saturating_sub(cost));
    let short = i128::from(weights.short_pick) * i128::from(lying.rates_micro[Shelf::of(free) as usize]);
    [
        if weights.unit_cost { costs.unit_cost.unwrap_or(piece.value) } else { 0 },
        demand.map_or(0, |demand| scarcity::cost(margin, demand, free)),
        if weights.markdown { -costs.markdown.unwrap_or(0) } else { 0 },
        i64::try_from((short + 500_000) / 1_000_000).unwrap_or(i64::MAX),
        if weights.opportunity { catalogue.opportunity().unit(CellKey { sku: piece.sku, node }) } else { 0 },
    ]
}
