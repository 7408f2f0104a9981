//! A node that an order prefers: it ships all it can before the rules choose among the others.

use std::collections::HashMap;

use super::{FENCED_BYTES, Route, Routed, Routing, Wanted, account, alone, pieces, ship};
use crate::domain::decision::{Evidence, FenceReason, LineUnits};
use crate::domain::geo::Position;
use crate::domain::ids::NodeIndex;
use crate::domain::sourcing::{Candidate, solve_into};
use crate::domain::stock::CellKey;

impl Routing {
    /// Lets the preferred node ship all it can of a problem that is stated; answers what it leaves to the others, or
    /// `None` when it can ship nothing.
    pub(super) fn prefer(
        &mut self,
        wanted: &Wanted<'_>,
        node: NodeIndex,
        (group, units): (u16, &[LineUnits]),
        gone: &mut Option<HashMap<CellKey, u32>>,
        route: &mut Route,
    ) -> Option<Vec<LineUnits>> {
        let Self { workspace, problem, plan, .. } = self;
        let at = problem.candidates.iter().position(|candidate| candidate.node == node.0)?;
        let alone = alone(problem, at);
        solve_into(&alone, workspace, plan);
        if plan.assignments.is_empty() {
            return None;
        }
        ship(wanted, &alone, plan, (group, units), gone, route);
        account(plan, &mut route.decision);
        let left = plan.unfilled.iter();
        Some(left.map(|u| LineUnits { line: units[u.line as usize].line, quantity: u.quantity }).collect())
    }

    /// What was seen where the preferred node has everything: who was passed over, within the evidence's share of a
    /// record.
    pub(super) fn tell_preferred(
        &mut self,
        preferred: Option<NodeIndex>,
        (group, destination): (u16, Option<Position>),
        route: &mut Route,
    ) {
        let Self { problem, fenced, evidence_max, .. } = self;
        let most = *evidence_max / FENCED_BYTES;
        let others = problem.candidates.iter().map(|candidate| NodeIndex(candidate.node));
        let others = others.filter(|node| preferred != Some(*node));
        fenced.extend(others.map(|node| (node, FenceReason::NotPreferred)));
        fenced.sort_unstable_by_key(|(node, _)| *node);
        let truncated = fenced.len() > most;
        fenced.truncate(most);
        let (nodes, fenced) = (route.decision.evidence.nodes, fenced.clone());
        route.tell(group, Evidence { fenced, destination, nodes, truncated, ..Evidence::default() });
    }

    /// Takes what the preferred node gives off what it was listed with.
    pub(super) fn take_out(&mut self, wanted: &Wanted<'_>, node: NodeIndex, given: &[Routed]) {
        let Self { problem, slots, .. } = self;
        let Some(at) = problem.candidates.iter().position(|own| own.node == node.0) else { return };
        let has = &mut problem.available[at * problem.slots..(at + 1) * problem.slots];
        for u in given.iter().flat_map(|shipment| &shipment.assignment.lines) {
            for (sku, per_unit) in pieces(&wanted.lines[usize::from(u.line)]) {
                if let Ok(slot) = slots.binary_search(&sku) {
                    has[slot] = has[slot].saturating_sub(per_unit.saturating_mul(u.quantity));
                }
            }
        }
    }

    /// The preferred node gave what it could: the others ship the rest.
    pub(super) fn leave_out(&mut self, preferred: Option<NodeIndex>) {
        let Self { problem, .. } = self;
        let same = |candidate: &Candidate| preferred == Some(NodeIndex(candidate.node));
        if let Some(at) = problem.candidates.iter().position(same) {
            problem.candidates.remove(at);
            problem.available.drain(at * problem.slots..(at + 1) * problem.slots);
        }
    }
}
