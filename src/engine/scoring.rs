//! Decisions by the score of `sourcing::score`, to compare others with: a node by its score, then line by line what it has and
//! what the others have in the order of the catalogue; what nobody has waits.
//!
//! All as the score asks for it, its faults included: every node that may ship is scored, with stock or without; the prices
//! are those of the cheapest and of the fastest service for all units of the destination (of equally fast ones the cheaper),
//! and where no service takes them from a node that part of its score is 0, as with one service alone; nothing that the score
//! knows was learned of a node, and none has a cost factor. Parcels go by the cheapest service whatever the day, and what
//! these ask is the only cost there is.
//!
//! Cost: a question to all carriers for every node. What is *not* here: an order that is sourced by it. There is none.

use std::collections::BTreeMap;

use super::arriving::held_until;
use super::routing::pieces;
use super::shipping::{instant, of_node, sent};
use super::weighing::{Asked, Weighted};
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Offer, Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::decision::{Assignment, LineUnits};
use crate::domain::ids::NodeIndex;
use crate::domain::node::NodeKind;
use crate::domain::quantity::Quantity;
use crate::domain::sourcing::Problem as Listed;
use crate::domain::sourcing::score::{Seen, first_highest};
use crate::domain::weighed::{Carried, CostTerm};

/// Decides listed lines. The preferred node, where there is one, is asked before all others, whatever its score; nodes that
/// were not listed have nothing.
pub(super) fn decide(
    asked: &Asked<'_>,
    listed: &Listed,
    preferred: Option<NodeIndex>,
    may_ship: impl Fn(NodeIndex) -> bool,
) -> Weighted {
    let all = (0..).map(NodeIndex).zip(asked.network.catalogue.nodes());
    let nodes = all.filter(|(node, known)| known.kind != NodeKind::Virtual && may_ship(*node));
    let nodes: Vec<NodeIndex> = nodes.map(|(node, _)| node).collect();
    let first = preferred.filter(|node| nodes.contains(node)).or_else(|| {
        let seen: Vec<Seen> = nodes.iter().map(|node| seen(asked, listed, *node)).collect();
        first_highest(&seen).map(|at| nodes[at])
    });
    let others = nodes.iter().copied().filter(|node| Some(*node) != first);
    let order: Vec<NodeIndex> = first.into_iter().chain(others).collect();
    let (sent, unfilled) = line_by_line(asked, listed, &order);
    let mut found = Weighted { unfilled, ..Weighted::default() };
    for (node, lines) in sent {
        let cheapest = offers(asked, node, &lines).into_iter().next();
        let cost = cheapest.as_ref().map_or(0, |offer| offer.price);
        found.add(CostTerm::Shipping, cost);
        found.parcels += 1;
        found.carried.extend(cheapest.map(|offer| Carried {
            node,
            group: asked.group,
            carrier: offer.carrier,
            service: offer.service,
            parcels: offer.parcels.iter().map(|parcel| parcel.packed.count).sum(),
            price: offer.price,
        }));
        found.assignments.push(Assignment { node, lines, cost });
    }
    found
}

fn seen(asked: &Asked<'_>, listed: &Listed, node: NodeIndex) -> Seen {
    let has = at(listed, node).map(|at| listed.has(at));
    let in_full = |line: &usize| {
        let wanted = u64::from(listed.lines[*line].quantity);
        let pieces = |slot: u16| has.map_or(0, |has| u64::from(has[usize::from(slot)]));
        listed.needs_of(*line).iter().all(|need| pieces(need.slot) >= wanted * u64::from(need.per_unit))
    };
    let offers = offers(asked, node, asked.units);
    let fastest = offers.iter().min_by_key(|offer| (offer.promise.arrives, offer.price));
    let price = |offer: Option<&Offer>| offer.map_or(1.0, |offer| offer.price as f64);
    Seen {
        lines_in_full: (0..listed.lines.len()).filter(in_full).count() as u32,
        lines: listed.lines.len() as u32,
        cheapest: price(offers.first()),
        fastest: price(fastest),
        learned: None,
        cost_factor: None,
        units: listed.lines.iter().map(|line| line.quantity).fold(0, u32::saturating_add),
    }
}

fn at(listed: &Listed, node: NodeIndex) -> Option<usize> {
    listed.candidates.iter().position(|candidate| candidate.node == node.0)
}

type Sent = BTreeMap<NodeIndex, Vec<LineUnits>>;

/// Each line from the nodes in their order, and what is left of it.
fn line_by_line(asked: &Asked<'_>, listed: &Listed, order: &[NodeIndex]) -> (Sent, Vec<LineUnits>) {
    let mut has = listed.available.clone();
    let (mut sent, mut unfilled) = (Sent::new(), Vec::new());
    for (number, (own, u)) in listed.lines.iter().zip(asked.units).enumerate() {
        let (line, mut wanted) = (u.line, own.quantity);
        for (node, at) in order.iter().filter_map(|node| Some((*node, at(listed, *node)?))) {
            let needs = listed.needs_of(number);
            let row = &mut has[at * listed.slots..(at + 1) * listed.slots];
            let makes = needs.iter().map(|need| row[usize::from(need.slot)].checked_div(need.per_unit));
            let quantity = makes.flatten().fold(wanted, u32::min);
            if quantity > 0 {
                needs.iter().for_each(|need| row[usize::from(need.slot)] -= need.per_unit * quantity);
                sent.entry(node).or_default().push(LineUnits { line, quantity });
                wanted -= quantity;
            }
        }
        if wanted > 0 {
            unfilled.push(LineUnits { line, quantity: wanted });
        }
    }
    (sent, unfilled)
}

/// What carriers ask for units from a node, the cheapest first; nothing where none is asked.
fn offers(asked: &Asked<'_>, node: NodeIndex, units: &[LineUnits]) -> Vec<Offer> {
    let (catalogue, shipment) = (&asked.network.catalogue, &asked.shipment);
    let Some(to) = shipment.to.filter(|_| asked.ships) else { return Vec::new() };
    let body = |u: &LineUnits| {
        let item = catalogue.item(shipment.lines[usize::from(u.line)].sku);
        sent(catalogue, item, Quantity::new(u.quantity)?)
    };
    let freight = Freight::Units(units.iter().filter_map(body).collect());
    let skus = units.iter().flat_map(|u| pieces(&shipment.lines[usize::from(u.line)])).map(|(sku, _)| sku);
    let question = Question {
        from: of_node(catalogue, node),
        to: There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: shipment.position },
        freight: &freight,
        ordered: instant(shipment.at.max(shipment.placed_at)),
        held_until: held_until(catalogue, &shipment.dates, (node, shipment.at), skus),
    };
    catalogue.shipping().answers(&question).offers
}
