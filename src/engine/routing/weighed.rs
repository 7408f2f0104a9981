//! Routing by rules that weigh more than a tariff can say: what was listed goes to the kernel in full.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::fences::Fencing;
use super::super::network::Network;
use super::super::scoring;
use super::super::weighing::{Asked, Weighted};
use super::allotted::units_of;
use super::left::charge;
use super::{Route, Routing, Wanted, alone, assign, is_candidate, shipment};
use crate::domain::decision::{Assignment, LineUnits};
use crate::domain::ids::NodeIndex;
use crate::domain::rules::weights::Weights;
use crate::domain::stock::CellKey;
use crate::domain::weighed::{CostTerm, Weighed};

impl Routing {
    /// Routes what was listed by the kernel in full: first from the preferred node, then the rest from all others.
    pub(super) fn weigh(
        &mut self,
        asked: &Asked<'_>,
        wanted: &Wanted<'_>,
        (fencing, gone): (Option<&Fencing<'_>>, &mut Option<HashMap<CellKey, u32>>),
        route: &mut Route,
    ) {
        if asked.weights.score {
            return self.score(asked, wanted, (fencing, gone), route);
        }
        let minds_least = gone.is_some() || !asked.network.limits.is_empty();
        if minds_least && wanted.preferred.is_some() {
            // What the preferred node ships counts as well, wherever it would be worth most to be rid of it.
            self.count_least(asked, route);
        }
        let before = route.shipments.len();
        let rest = wanted.preferred.and_then(|node| self.weigh_alone(asked, wanted, node, gone, route));
        let (units, sent) = rest.as_ref().map_or((asked.units, 0), |(units, sent)| (units.as_slice(), *sent));
        if rest.is_some() {
            if units.is_empty() {
                return self.tell_preferred(wanted.preferred, (asked.group, asked.shipment.position), route);
            }
            let destination = asked.shipment.position;
            self.list(asked.network, wanted, units, destination, (fencing, gone.as_ref()));
            match wanted.preferred.filter(|_| asked.weights.may_leave()) {
                // What it has not all of, or what is too dear with it alone, it may have part in.
                Some(node) if gone.is_none() => self.take_out(wanted, node, &route.shipments[before..]),
                Some(_) => {}
                None => self.leave_out(wanted.preferred),
            }
        }
        let asked = Asked { units, sent, follows: asked.follows || rest.is_some(), ..*asked };
        let Self { problem, fenced, scales, evidence_max, .. } = self;
        let Some(out) = scales.state(&asked, problem) else {
            // Nothing is proven of what is beyond the kernel's figures.
            charge(asked.network, wanted, units, route);
            route.unfilled.extend_from_slice(units);
            route.decision.unfilled.extend_from_slice(units);
            route.decision.optimal = false;
            return;
        };
        fenced.extend(out);
        fenced.sort_unstable_by_key(|(node, _)| *node);
        let found = scales.decide(&asked, problem);
        if minds_least && wanted.preferred.is_none() {
            route.least = route.least.saturating_add(scales.least(&asked));
        }
        route.tell(asked.group, scales.evidence(&asked, problem, fenced, *evidence_max));
        book(wanted, asked.group, found, (asked.weights, gone), route);
    }

    /// Routes what was listed by the score. Nothing is kept of what it saw: it is compared with, no order lives by it.
    fn score(
        &mut self,
        asked: &Asked<'_>,
        wanted: &Wanted<'_>,
        (fencing, gone): (Option<&Fencing<'_>>, &mut Option<HashMap<CellKey, u32>>),
        route: &mut Route,
    ) {
        let may_ship = |node| {
            let is_fenced = fencing.is_some_and(|fencing| fencing.reason(node).is_some());
            !is_fenced && is_candidate(asked.network, wanted, node)
        };
        let found = scoring::decide(asked, &self.problem, wanted.preferred, may_ship);
        book(wanted, asked.group, found, (asked.weights, gone), route);
    }

    /// Counts what units that were listed cost at least, whatever ships them.
    fn count_least(&mut self, asked: &Asked<'_>, route: &mut Route) {
        if self.scales.state(asked, &self.problem).is_some() {
            route.least = route.least.saturating_add(self.scales.least(asked));
        }
    }

    /// Lets the preferred node ship all it can of what was listed; answers what it leaves to the others and how many parcels
    /// it sends, or `None` when it can ship nothing.
    fn weigh_alone(
        &mut self,
        asked: &Asked<'_>,
        wanted: &Wanted<'_>,
        node: NodeIndex,
        gone: &mut Option<HashMap<CellKey, u32>>,
        route: &mut Route,
    ) -> Option<(Vec<LineUnits>, u32)> {
        let Self { problem, scales, .. } = self;
        let at = problem.candidates.iter().position(|candidate| candidate.node == node.0)?;
        let alone = alone(problem, at);
        scales.state(asked, &alone)?;
        let mut found = scales.decide(asked, &alone);
        if found.assignments.is_empty() {
            return None;
        }
        // What it leaves is weighed with the rest.
        found.forget(CostTerm::Unfilled);
        let left = std::mem::take(&mut found.unfilled);
        found.uneconomic.clear();
        let sent = found.parcels;
        book(wanted, asked.group, found, (asked.weights, gone), route);
        Some((left, sent))
    }
}

/// The question to nodes and carriers.
pub(super) fn asked<'a>(
    network: &'a Network,
    wanted: &Wanted<'a>,
    weights: &'a Weights,
    (group, units): (u16, &'a [LineUnits]),
) -> Asked<'a> {
    let position = wanted.destinations.get(usize::from(group)).copied().flatten();
    let shipment = shipment(wanted, group, position);
    let (rules, behind, ships) = (wanted.rules, wanted.behind, wanted.ships());
    let follows = wanted.earlier.contains(&group);
    Asked { network, rules, weights, shipment, units, behind, group, ships, sent: 0, follows }
}

/// Writes what the kernel in full found into the route.
fn book(
    wanted: &Wanted<'_>,
    group: u16,
    found: Weighted,
    (weights, gone): (&Weights, &mut Option<HashMap<CellKey, u32>>),
    route: &mut Route,
) {
    let cost = found.cost();
    for assignment in found.assignments {
        assign(wanted, group, assignment, gone, route);
    }
    route.unfilled.extend_from_slice(&found.unfilled);
    let decision = &mut route.decision;
    decision.unfilled.extend_from_slice(&found.unfilled);
    decision.cost.amount = decision.cost.amount.saturating_add(cost);
    decision.lower_bound = decision.lower_bound.saturating_add(found.lower_bound);
    decision.optimal &= found.optimal;
    let amounts = weights.listed.iter().map(|term| (*term, found.amounts[*term as usize])).collect();
    let told = Weighed { amounts, uneconomic: found.uneconomic, carried: found.carried, ..Weighed::default() };
    Arc::make_mut(&mut decision.evidence).add(&told);
}

/// What a route came to before groups that ship as a whole or not at all.
pub(super) struct Before {
    cost: i64,
    lower_bound: i64,
    unfilled: usize,
    amounts: Vec<(CostTerm, i64)>,
    carried: usize,
}

impl Before {
    pub(super) fn of(Route { unfilled, decision, .. }: &Route) -> Self {
        let weighed = decision.evidence.weighed();
        Self {
            cost: decision.cost.amount,
            lower_bound: decision.lower_bound,
            unfilled: unfilled.len(),
            amounts: weighed.map(|weighed| weighed.amounts.clone()).unwrap_or_default(),
            carried: weighed.map_or(0, |weighed| weighed.carried.len()),
        }
    }

    /// Takes back what has stock of these groups, where some of it is lacking; then all of it is left.
    pub(super) fn withhold(self, network: &Network, wanted: &Wanted<'_>, groups: &[u16], route: &mut Route) {
        let own = |assignment: &Assignment| {
            let line = |u: &LineUnits| &wanted.lines[usize::from(u.line)];
            assignment.lines.iter().any(|u| line(u).stocked && groups.contains(&line(u).group))
        };
        let lacks = route.unfilled.len() > self.unfilled;
        if !lacks || !route.shipments.iter().any(|shipment| own(&shipment.assignment)) {
            return;
        }
        let is_forced = self.is_forced(route);
        let held: Vec<LineUnits> = route
            .shipments
            .extract_if(.., |shipment| own(&shipment.assignment))
            .flat_map(|shipment| shipment.assignment.lines)
            .collect();
        let decision = &mut route.decision;
        decision.assignments.retain(|assignment| !own(assignment));
        for units in [&mut route.unfilled, &mut decision.unfilled] {
            for u in &held {
                match units.iter_mut().find(|known| known.line == u.line) {
                    Some(known) => known.quantity += u.quantity,
                    None => units.push(*u),
                }
            }
        }
        let alone = decision.lower_bound;
        (decision.cost.amount, decision.lower_bound) = (self.cost, self.lower_bound);
        let weighed = Arc::make_mut(&mut decision.evidence).weighed_mut();
        for (term, amount) in &mut weighed.amounts {
            *amount = self.amounts.iter().find(|(known, _)| known == term).map_or(0, |(_, amount)| *amount);
        }
        weighed.carried.truncate(self.carried);
        let of_groups = |u: &LineUnits| groups.contains(&wanted.lines[usize::from(u.line)].group);
        let left: Vec<LineUnits> = route.unfilled.iter().copied().filter(of_groups).collect();
        let charged = charge(network, wanted, &left, route);
        let decision = &mut route.decision;
        if is_forced {
            decision.lower_bound = decision.lower_bound.saturating_add(charged);
        } else {
            // To ship all of it may cost less than to leave it, though one destination by itself is not worth it.
            decision.lower_bound = alone.min(self.lower_bound);
            decision.optimal &= decision.lower_bound == decision.cost.amount;
        }
    }

    /// Whether some of what lacks nobody has, however dear.
    fn is_forced(&self, route: &Route) -> bool {
        let weighed = route.decision.evidence.weighed();
        let uneconomic = weighed.map_or(0, |weighed| units_of(&weighed.uneconomic));
        units_of(&route.unfilled[self.unfilled..]) > uneconomic
    }
}
