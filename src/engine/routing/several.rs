//! What is proven of an order to several destinations, which are decided one after the other from what the earlier ones left.
//!
//! As long as no earlier one took what a later one could have used, or made what is left dearer, each is decided as it would be
//! alone, and what is proven of each is proven of all. Otherwise no plan of them together costs less than each alone with all
//! there is; that is the bound, and the plan is proven where it meets it. A plan that leaves more than each alone would costs
//! at least what its units are worth to be rid of.
//!
//! Cost: every destination once more, of orders alone whose destinations meet at a cell that lacks. What is *not* here: a
//! plan of all destinations together.

use super::{Route, Wanted, group_of, route_units};
use crate::domain::decision::LineUnits;
use crate::domain::rules::Unfilled;
use crate::engine::network::Network;

/// Tells what is proven of a route some of whose destinations met.
pub(super) fn bound_by_each_alone(network: &Network, wanted: &Wanted<'_>, groups: &[u16], route: &mut Route) {
    let (mut lower_bound, mut is_proven, mut is_bound) = (0_i64, true, true);
    for group in groups.iter().copied() {
        let of_group = |u: &&LineUnits| group_of(wanted, u) == group;
        let units: Vec<LineUnits> = wanted.units.iter().filter(of_group).copied().collect();
        let alone = route_units(network, &Wanted { units: &units, ..*wanted });
        lower_bound = lower_bound.saturating_add(alone.decision.lower_bound);
        is_proven &= alone.decision.optimal;
        let weights = wanted.rules_of(group).weights.as_ref();
        // Where leaving has its price the bound is one of plans that leave more as well.
        let by_price = weights.is_some_and(|own| own.unfilled != Unfilled::LastResort && !own.complete);
        let leaves_as_much = || left(route.unfilled.iter().filter(of_group)) == left(alone.unfilled.iter());
        // A node that is asked before all others may make it dearer than it had to be.
        is_bound &= wanted.of_group(group).preferred.is_none() && (by_price || leaves_as_much());
    }
    let decision = &mut route.decision;
    let lower_bound = if is_bound { lower_bound } else { lower_bound.min(route.least) };
    decision.lower_bound = lower_bound.min(decision.cost.amount);
    decision.optimal = is_proven && is_bound && decision.lower_bound == decision.cost.amount;
}

fn left<'u>(unfilled: impl Iterator<Item = &'u LineUnits>) -> u64 {
    unfilled.map(|u| u64::from(u.quantity)).sum()
}
