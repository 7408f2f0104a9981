//! What is left without the kernel: of orders that may go nowhere any more, of lines that nobody can be asked about, of units
//! that limits keep back. Where leaving has its price they cost what any units do that nobody ships.

use std::sync::Arc;

use super::super::network::Network;
use super::super::weighing::shortage;
use super::{Route, Wanted, group_of};
use crate::domain::decision::LineUnits;
use crate::domain::rules::Unfilled;
use crate::domain::weighed::{CostTerm, Weighed};

/// Leaves units; no plan could do otherwise.
pub fn leave(network: &Network, wanted: &Wanted<'_>, units: &[LineUnits], route: &mut Route) {
    route.unfilled.extend_from_slice(units);
    route.decision.unfilled.extend_from_slice(units);
    let charged = charge(network, wanted, units, route);
    route.decision.lower_bound = route.decision.lower_bound.saturating_add(charged);
}

/// Adds what it costs to leave units, each line named once, to the cost of a route, and tells of it; answers how much that is.
pub(super) fn charge(network: &Network, wanted: &Wanted<'_>, units: &[LineUnits], route: &mut Route) -> i64 {
    let mut all = 0_i64;
    for u in units {
        let weights = wanted.rules_of(group_of(wanted, u)).weights.as_ref();
        let Some(weights) = weights.filter(|own| own.unfilled != Unfilled::LastResort) else { continue };
        let (per_line, per_unit) = shortage(network, &weights.unfilled, wanted.lines[usize::from(u.line)].sku);
        let per_line = if wanted.is_short(u.line) { 0 } else { per_line };
        let charged = per_unit.saturating_mul(i64::from(u.quantity)).saturating_add(per_line);
        let told = |term: &CostTerm| (*term, if *term == CostTerm::Unfilled { charged } else { 0 });
        let told = Weighed { amounts: weights.listed.iter().map(told).collect(), ..Weighed::default() };
        Arc::make_mut(&mut route.decision.evidence).add(&told);
        all = all.saturating_add(charged);
    }
    route.decision.cost.amount = route.decision.cost.amount.saturating_add(all);
    all
}
