//! Of units that are to be routed those that the buyer may have by the limits of channels, and those he may not.
//!
//! Where lines share what is left of a sku the first of them has it; what nobody can send of that the others are tried with, as
//! long as more is sent so. Which of them gets it is no matter of cost: of such a plan nothing is claimed to be best.

use std::collections::HashMap;

use super::super::network::Network;
use super::allotted::units_of;
use super::{Route, Wanted, group_of, is_candidate, pieces, route_units};
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::ids::SkuIndex;
use crate::domain::rules::Unfilled;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::groups::is_same;
use crate::domain::rules::weights::Weights;

/// Routes what the buyer may have; the rest waits.
pub(super) fn route(network: &Network, wanted: &Wanted<'_>) -> Route {
    let (mut found, mut behind) = route_within(network, wanted);
    if !shares_a_limit(network, wanted, &behind) && !is_charged_in_part(wanted, &behind) {
        return put_behind(found, &behind);
    }
    while !found.unfilled.is_empty() {
        let sent = found.shipments.iter().flat_map(|shipment| &shipment.assignment.lines);
        let units: Vec<LineUnits> = sent.chain(&behind).chain(&found.unfilled).copied().collect();
        let (other, left) = route_within(network, &Wanted { units: &units, ..*wanted });
        if units_of(&other.unfilled) + units_of(&left) >= units_of(&found.unfilled) + units_of(&behind) {
            break;
        }
        (found, behind) = (other, left);
    }
    found.decision.lower_bound = found.decision.lower_bound.min(found.least);
    found.decision.optimal = false;
    put_behind(found, &behind)
}

/// The route of what the buyer may have, and the rest.
fn route_within(network: &Network, wanted: &Wanted<'_>) -> (Route, Vec<LineUnits>) {
    let (mut units, mut behind) = within_limits(network, wanted);
    if !behind.is_empty() {
        hold_back(wanted, &mut units, &mut behind);
    }
    (route_units(network, &Wanted { units: &units, ..*wanted }), behind)
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

/// Whether leaving what is behind has its price, and so has what else of its line is left: one that is charged once.
fn is_charged_in_part(wanted: &Wanted<'_>, behind: &[LineUnits]) -> bool {
    behind.iter().any(|own| {
        let weights = wanted.rules_of(group_of(wanted, own)).weights.as_ref();
        let all = wanted.units.iter().filter(|u| u.line == own.line).map(|u| u.quantity).sum::<u32>();
        own.quantity < all && weights.is_some_and(|weights| weights.unfilled != Unfilled::LastResort)
    })
}

/// A route with what waits behind limits among what waits.
fn put_behind(mut route: Route, behind: &[LineUnits]) -> Route {
    for u in behind {
        add(&mut route.unfilled, *u);
        add(&mut route.decision.unfilled, *u);
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
/// first; of each line each is told once.
fn within_limits(network: &Network, wanted: &Wanted<'_>) -> (Vec<LineUnits>, Vec<LineUnits>) {
    let wanted = &wanted.of_all_groups();
    let mut left: HashMap<SkuIndex, Option<u32>> = HashMap::new();
    let (mut within, mut behind) = (Vec::with_capacity(wanted.units.len()), Vec::new());
    for u in wanted.units {
        let line = &wanted.lines[usize::from(u.line)];
        let mut quantity = u.quantity;
        for (sku, per_unit) in pieces(line) {
            let left = left.entry(sku).or_insert_with(|| allowed(network, wanted, sku));
            quantity = left.map_or(quantity, |left| quantity.min(left / per_unit));
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

/// What ships as a whole or not at all stays behind with what of it the buyer may not have.
fn hold_back(wanted: &Wanted<'_>, units: &mut Vec<LineUnits>, behind: &mut Vec<LineUnits>) {
    let rules = |u: &LineUnits| wanted.rules_of(group_of(wanted, u));
    let is_whole = |weights: &Weights| weights.is_joint() || weights.line_complete;
    let lacking: Vec<&AppliedRules> = behind.iter().map(rules).collect();
    let stays = |u: &mut LineUnits| {
        let own = rules(u);
        own.weights.as_ref().is_some_and(is_whole) && lacking.iter().any(|lacking| is_same(lacking, own))
    };
    let held: Vec<LineUnits> = units.extract_if(.., stays).collect();
    held.into_iter().for_each(|u| add(behind, u));
    behind.sort_unstable_by_key(|u| u.line);
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
