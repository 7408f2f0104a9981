//! Of units that are to be routed those that the buyer may have by the limits of channels, and those he may not.

use std::collections::HashMap;

use super::super::network::Network;
use super::{Wanted, group_of, is_candidate, pieces};
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::ids::SkuIndex;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::groups::is_same;
use crate::domain::rules::weights::Weights;

/// Units that the buyer may have by the limits of their skus, his own included, and those he may not.
pub(super) fn within_limits(network: &Network, wanted: &Wanted<'_>) -> (Vec<LineUnits>, Vec<LineUnits>) {
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
        within.extend((quantity > 0).then(|| part(quantity)));
        behind.extend((quantity < u.quantity).then(|| part(u.quantity - quantity)));
    }
    (within, behind)
}

/// What ships as a whole or not at all stays behind with what of it the buyer may not have.
pub(super) fn hold_back(wanted: &Wanted<'_>, units: &mut Vec<LineUnits>, behind: &mut Vec<LineUnits>) {
    let rules = |u: &LineUnits| wanted.rules_of(group_of(wanted, u));
    let is_whole = |weights: &Weights| weights.is_joint() || weights.line_complete;
    let lacking: Vec<&AppliedRules> = behind.iter().map(rules).collect();
    let stays = |u: &mut LineUnits| {
        let own = rules(u);
        own.weights.as_ref().is_some_and(is_whole) && lacking.iter().any(|lacking| is_same(lacking, own))
    };
    let held: Vec<LineUnits> = units.extract_if(.., stays).collect();
    for u in held {
        match behind.iter_mut().find(|known| known.line == u.line) {
            Some(known) => known.quantity += u.quantity,
            None => behind.push(u),
        }
    }
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
