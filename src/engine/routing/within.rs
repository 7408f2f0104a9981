//! Of units that are to be routed those that the buyer may have by the limits of channels, and those he may not.
//!
//! Where lines share what is left of a sku the first of them has it; what nobody can send of that the others are tried with, as
//! long as more is sent so. Which of them gets it is no matter of cost: of such a plan nothing is claimed to be best. What is left
//! behind limits costs what any units do that nobody ships (`left`).

use std::collections::HashMap;

use super::super::network::Network;
use super::allotted::units_of;
use super::left::leave;
use super::{Route, Wanted, group_of, is_candidate, pieces, route_units};
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::ids::SkuIndex;
use crate::domain::rules::Unfilled;
use crate::domain::rules::groups::is_same;
use crate::domain::rules::weights::Weights;

/// Routes what the buyer may have; the rest waits.
pub(super) fn route(network: &Network, wanted: &Wanted<'_>) -> Route {
    let (mut found, mut behind) = route_within(network, wanted);
    if !shares_a_limit(network, wanted, &behind) {
        leave(network, wanted, &behind, &mut found);
        return gathered(found);
    }
    while !found.unfilled.is_empty() {
        let sent = found.shipments.iter().flat_map(|shipment| &shipment.assignment.lines);
        let is_tried = |u: &&LineUnits| found.unfilled.iter().any(|tried| tried.line == u.line);
        let (tried, others): (Vec<_>, Vec<_>) = behind.iter().partition(is_tried);
        let mut units = Vec::with_capacity(2 * wanted.units.len());
        sent.for_each(|u| add(&mut units, *u));
        units.extend(others.into_iter().chain(&found.unfilled).chain(tried).copied());
        let (other, left) = route_within(network, &Wanted { units: &units, ..*wanted });
        if units_of(&other.unfilled) + units_of(&left) >= units_of(&found.unfilled) + units_of(&behind) {
            break;
        }
        (found, behind) = (other, left);
    }
    let bound = whatever_limits_are(network, wanted, &found);
    leave(network, wanted, &behind, &mut found);
    found.decision.lower_bound = bound.min(found.decision.cost.amount);
    found.decision.optimal = false;
    gathered(found)
}

/// What no plan undercuts whoever gets what lines share: where leaving has its price the best of all without limits, which could
/// leave as much; else what all units are at least.
fn whatever_limits_are(network: &Network, wanted: &Wanted<'_>, found: &Route) -> i64 {
    let all = route_units(network, wanted);
    let is_charged = |u: &LineUnits| {
        let weights = wanted.rules_of(group_of(wanted, u)).weights.as_ref();
        weights.is_some_and(|own| own.unfilled != Unfilled::LastResort)
    };
    // A node that is asked before all others may make it dearer than it had to be, and units of one's own may be another's.
    let is_preferred = wanted.preferred.is_some() || wanted.ways.iter().any(|way| way.node.is_some());
    if wanted.units.iter().all(is_charged) && !is_preferred && wanted.own.is_empty() {
        return all.decision.lower_bound;
    }
    found.decision.lower_bound.min(all.least)
}

/// The route of what the buyer may have, and the rest.
fn route_within(network: &Network, wanted: &Wanted<'_>) -> (Route, Vec<LineUnits>) {
    let (units, behind) = whole_within(network, wanted);
    let all: Vec<LineUnits> = wanted.behind.iter().chain(&behind).copied().collect();
    (route_units(network, &Wanted { units: &units, behind: &all, ..*wanted }), behind)
}

/// Units that the buyer may have and those he may not; what ships as a whole or not at all stays with what of it he may not
/// have, and keeps nothing from the others.
fn whole_within(network: &Network, wanted: &Wanted<'_>) -> (Vec<LineUnits>, Vec<LineUnits>) {
    let (mut units, mut behind) = within_limits(network, wanted, wanted.units);
    let rules = |u: &LineUnits| wanted.rules_of(group_of(wanted, u));
    let is_joint = |u: &&LineUnits| rules(u).weights.as_ref().is_some_and(Weights::is_joint);
    let (mut asked, mut held) = (Vec::new(), Vec::new());
    while let Some(first) = behind.iter().find(is_joint) {
        let lacking = rules(first);
        if held.is_empty() {
            asked.extend_from_slice(wanted.units);
        }
        held.extend(asked.extract_if(.., |u| is_same(rules(u), lacking)));
        (units, behind) = within_limits(network, wanted, &asked);
    }
    held.into_iter().for_each(|u| add(&mut behind, u));
    behind.sort_unstable_by_key(|u| u.line);
    (units, behind)
}

/// Whether another line could have had what a line may not.
fn shares_a_limit(network: &Network, wanted: &Wanted<'_>, behind: &[LineUnits]) -> bool {
    let limited = |u: &LineUnits| {
        let skus = pieces(&wanted.lines[usize::from(u.line)]).map(|(sku, _)| sku);
        skus.filter(|sku| network.limits.of(*sku).is_some()).collect::<Vec<_>>()
    };
    behind.iter().any(|own| {
        let skus = limited(own);
        let others = wanted.units.iter().filter(|other| other.line != own.line);
        others.flat_map(limited).any(|sku| skus.contains(&sku))
    })
}

/// The same with what waits of a line told once.
fn gathered(mut route: Route) -> Route {
    for units in [&mut route.unfilled, &mut route.decision.unfilled] {
        let mut all = Vec::with_capacity(units.len());
        units.drain(..).for_each(|u| add(&mut all, u));
        *units = all;
    }
    route
}

/// Adds units to those of their line.
fn add(units: &mut Vec<LineUnits>, more: LineUnits) {
    match units.iter_mut().find(|known| known.line == more.line) {
        Some(known) => known.quantity += more.quantity,
        None => units.push(more),
    }
}

/// Units that the buyer may have by the limits of their skus, his own included, and those he may not. Who is named first has
/// first; of each line each is told once, and one that ships as a whole is in one of both.
fn within_limits(network: &Network, wanted: &Wanted<'_>, asked: &[LineUnits]) -> (Vec<LineUnits>, Vec<LineUnits>) {
    let of_all = &wanted.of_all_groups();
    let mut left: HashMap<SkuIndex, Option<u32>> = HashMap::new();
    let (mut within, mut behind) = (Vec::with_capacity(asked.len()), Vec::new());
    for u in asked {
        let line = &wanted.lines[usize::from(u.line)];
        let mut quantity = u.quantity;
        for (sku, per_unit) in pieces(line) {
            let left = left.entry(sku).or_insert_with(|| allowed(network, of_all, sku));
            quantity = left.map_or(quantity, |left| quantity.min(left / per_unit));
        }
        let weights = wanted.rules_of(group_of(wanted, u)).weights.as_ref();
        if quantity < u.quantity && weights.is_some_and(|own| own.line_complete) {
            quantity = 0;
        }
        for (sku, per_unit) in pieces(line) {
            if let Some(Some(left)) = left.get_mut(&sku) {
                *left -= per_unit * quantity;
            }
        }
        let part = |quantity| LineUnits { quantity, ..*u };
        if quantity > 0 {
            add(&mut within, part(quantity));
        }
        if quantity < u.quantity {
            add(&mut behind, part(u.quantity - quantity));
        }
    }
    within.sort_unstable_by_key(|u| u.line);
    (within, behind)
}

/// Units of a sku that the buyer may have in all; `None` where it has no limits.
fn allowed(network: &Network, wanted: &Wanted<'_>, sku: SkuIndex) -> Option<u32> {
    let limited = network.limits.of(sku)?;
    let owned = wanted.own.iter().filter(|(cell, _)| cell.sku == sku);
    if wanted.own_whose == Whose::Nobody {
        let pool = owned.map(|(_, units)| units).sum();
        return Some(limited.most_beside(wanted.whose, wanted.counting, pool));
    }
    let held = owned.filter(|(cell, _)| is_candidate(network, wanted, cell.node));
    let held: u32 = held.map(|(_, units)| units).sum();
    let all = held.saturating_add(limited.most(wanted.whose, wanted.counting));
    if held > 0 && limited.share_of(wanted.whose) != limited.share_of(wanted.own_whose) {
        // What he takes over counts against his cap as well.
        return Some(all.min(limited.room(wanted.whose, wanted.counting)));
    }
    Some(all)
}
