//! What an order may take of a sku with channel limits beside units of its own: so many in all, from whichever cells.
//!
//! First every cell is shown with all it has. Where the best plan then takes no more beside its own than is allowed, it is the
//! plan. Otherwise what is allowed is allotted to cells: first to those that this plan takes from, or first to one of the nodes
//! that have units of the order or are near, whichever makes the best plan. No plan within the limit undercuts the one
//! without it, so that is the bound.
//!
//! Cost: one solution more where a sku has limits and units of the order are held, and up to [`TRIES_MAX`] where the limit
//! binds. What is *not* here: how many units a buyer may have in all (`within`).

use std::collections::{BTreeMap, HashMap};

use super::super::fences::Fencing;
use super::super::network::Network;
use super::{Route, Routing, Wanted, pieces, weighed};
use crate::domain::decision::{Assignment, LineUnits};
use crate::domain::geo::Position;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::rules::Unfilled;
use crate::domain::sourcing::{solve_into, solve_within};
use crate::domain::stock::CellKey;

/// Most nodes that are tried as the first to give beside units of the order.
const TRIES_MAX: usize = 8;

/// A candidate, and before it how far it is, metres.
type Far = (u64, NodeIndex);

/// A cell, before it how far it is, metres, behind it what it has beside units of the order.
type Room = (u64, CellKey, u32);

/// What cells of a sku with limits show beside units of the order.
#[derive(Debug, Default)]
pub(super) enum Shown {
    /// What is allowed, to the first cells that have it: to who proposes a move, which takes before it gives.
    #[default]
    InTurn,
    /// All they have.
    All,
    /// So many each.
    Allotted(HashMap<CellKey, u32>),
}

/// What is routed, and what was taken for it before.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub network: &'a Network,
    pub wanted: &'a Wanted<'a>,
    pub group: u16,
    pub units: &'a [LineUnits],
    pub destination: Option<Position>,
    pub fencing: Option<&'a Fencing<'a>>,
    pub gone: Option<&'a HashMap<CellKey, u32>>,
}

/// A plan by what is shown.
struct Tried {
    assignments: Vec<Assignment>,
    missing: u64,
    cost: i64,
    lower_bound: i64,
    is_proven: bool,
    /// What its units cost at least, whatever ships them.
    least: i64,
}

/// What no plan within the limits undercuts, and the route before it.
pub(super) struct Relaxed {
    tried: Tried,
    cost: i64,
    lower_bound: i64,
    optimal: bool,
    unfilled: u64,
}

impl Routing {
    /// Decides what cells show of skus with limits; answers what no plan undercuts where a limit binds.
    pub(super) fn allot(&mut self, question: &Question<'_>, route: &Route) -> Option<Relaxed> {
        let lines = &question.wanted.lines;
        let mut skus = question.units.iter().flat_map(|u| pieces(&lines[usize::from(u.line)])).map(|(sku, _)| sku);
        if skus.all(|sku| question.network.limits.of(sku).is_none()) {
            return None;
        }
        self.shown = Shown::All;
        let Some(tried) = self.try_as_shown(question) else {
            self.shown = Shown::InTurn;
            return None;
        };
        let left = self.left_beside_own(question);
        let beside = question.beside(&tried.assignments);
        let is_within = |(sku, left): (&SkuIndex, &u32)| {
            let taken = beside.iter().filter(|(cell, _)| cell.sku == *sku).map(|(_, units)| u64::from(*units));
            taken.sum::<u64>() <= u64::from(*left)
        };
        // A preferred node ships what this plan may not have of it.
        if question.wanted.preferred.is_none() && left.iter().all(is_within) {
            return None;
        }
        let (nodes, rooms) = self.rooms(question);
        let mut best: Option<((u64, i64), HashMap<CellKey, u32>)> = None;
        for first in question.tries(nodes) {
            let allotted = allotted(&left, &beside, first, &rooms);
            self.shown = Shown::Allotted(allotted.clone());
            let found = self.try_as_shown(question).map(|found| (found.missing, found.cost));
            if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|(known, _)| found < known)) {
                best = Some((found, allotted));
            }
        }
        self.shown = best.map_or(Shown::InTurn, |(_, allotted)| Shown::Allotted(allotted));
        let decision = &route.decision;
        let (cost, lower_bound, optimal) = (decision.cost.amount, decision.lower_bound, decision.optimal);
        Some(Relaxed { tried, cost, lower_bound, optimal, unfilled: units_of(&route.unfilled) })
    }

    /// Units of skus with limits that the order may take beside its own and what went to earlier destinations.
    fn left_beside_own(&self, question: &Question<'_>) -> BTreeMap<SkuIndex, u32> {
        let Question { network, wanted, gone, .. } = question;
        let limited = self.slots.iter().filter_map(|sku| Some((*sku, network.limits.of(*sku)?)));
        let left = limited.map(|(sku, limited)| {
            let gone = gone.iter().flat_map(|gone| gone.iter()).filter(|(cell, _)| cell.sku == sku);
            let used = gone.map(|(cell, units)| units.saturating_sub(wanted.owned(*cell))).fold(0, u32::saturating_add);
            (sku, limited.most(wanted.whose, wanted.counting).saturating_sub(used))
        });
        left.collect()
    }

    /// The candidates with their distance, and what each of their cells has beside units of the order, the nearest first.
    fn rooms(&self, question: &Question<'_>) -> (Vec<Far>, Vec<Room>) {
        let problem = &self.problem;
        let nodes: Vec<_> = problem.candidates.iter().map(|own| (own.distance_m.into(), NodeIndex(own.node))).collect();
        let mut rooms = Vec::with_capacity(problem.available.len());
        for (at, (metres, node)) in nodes.iter().enumerate() {
            for (sku, has) in self.slots.iter().zip(problem.has(at)) {
                let cell = CellKey { sku: *sku, node: *node };
                rooms.push((*metres, cell, has.saturating_sub(question.own_left(cell))));
            }
        }
        rooms.sort_unstable();
        (nodes, rooms)
    }

    /// The best plan by what is shown, whatever node is asked before all others; `None` when it cannot be weighed.
    fn try_as_shown(&mut self, question: &Question<'_>) -> Option<Tried> {
        let Question { network, wanted, group, units, destination, fencing, gone } = *question;
        self.list(network, wanted, units, destination, (fencing, gone));
        let Self { workspace, problem, plan, scales, .. } = self;
        if let Some(weights) = &wanted.rules.weights {
            let asked = weighed::asked(network, wanted, weights, (group, units));
            scales.state(&asked, problem)?;
            let found = scales.decide(&asked, problem);
            let by_price = weights.unfilled != Unfilled::LastResort;
            return Some(Tried {
                // Where leaving has its price, cost tells all.
                missing: if by_price { 0 } else { units_of(&found.unfilled) },
                cost: found.cost(),
                lower_bound: found.lower_bound,
                is_proven: found.optimal,
                least: scales.least(&asked),
                assignments: found.assignments,
            });
        }
        match wanted.rules.shipments_max {
            Some(most) => drop(solve_within(problem, usize::from(most), workspace, plan)),
            None => solve_into(problem, workspace, plan),
        }
        let assignments = plan.assignments.iter().map(|own| Assignment {
            node: NodeIndex(problem.candidates[own.candidate as usize].node),
            lines: plan
                .parts_of(own)
                .iter()
                .map(|part| LineUnits { line: units[part.line as usize].line, quantity: part.quantity })
                .collect(),
            cost: own.cost,
        });
        Some(Tried {
            assignments: assignments.collect(),
            missing: plan.unfilled.iter().map(|own| u64::from(own.quantity)).sum(),
            cost: plan.cost,
            lower_bound: plan.lower_bound,
            is_proven: plan.optimal,
            least: 0,
        })
    }
}

impl Question<'_> {
    /// Units of a cell that are the order's and went to no earlier destination.
    fn own_left(&self, cell: CellKey) -> u32 {
        let gone = self.gone.and_then(|gone| gone.get(&cell)).copied().unwrap_or(0);
        self.wanted.owned(cell).saturating_sub(gone)
    }

    /// Units by cell that assignments take beside those of the order.
    fn beside(&self, assignments: &[Assignment]) -> BTreeMap<CellKey, u32> {
        let mut taken: BTreeMap<CellKey, u32> = BTreeMap::new();
        for own in assignments {
            for u in &own.lines {
                for (sku, per_unit) in pieces(&self.wanted.lines[usize::from(u.line)]) {
                    *taken.entry(CellKey { sku, node: own.node }).or_default() += per_unit * u.quantity;
                }
            }
        }
        for (cell, units) in &mut taken {
            *units = units.saturating_sub(self.own_left(*cell));
        }
        taken.retain(|_, units| *units > 0);
        taken
    }

    /// Nodes that may give first beside units of the order, of those listed with their distance; none: those of the plan. A
    /// preferred node is asked before all others.
    fn tries(&self, mut nodes: Vec<Far>) -> impl Iterator<Item = Option<NodeIndex>> {
        let preferred = nodes.iter().map(|(_, node)| *node).find(|node| self.wanted.preferred == Some(*node));
        let has_own = |node: NodeIndex| self.wanted.own.keys().any(|cell| cell.node == node);
        nodes.sort_by_key(|(metres, node)| (!has_own(*node), *metres, *node));
        nodes.truncate(if preferred.is_some() { 0 } else { TRIES_MAX - 1 });
        std::iter::once(preferred).chain(nodes.into_iter().map(|(_, node)| Some(node)))
    }
}

impl Relaxed {
    /// Tells what is proven of what was routed since.
    pub(super) fn tell(self, wanted: &Wanted<'_>, route: &mut Route) {
        let cost = route.decision.cost.amount - self.cost;
        let by_price = wanted.rules.weights.as_ref().is_some_and(|own| own.unfilled != Unfilled::LastResort);
        let leaves_as_much = by_price || units_of(&route.unfilled) - self.unfilled == self.tried.missing;
        let is_bound = leaves_as_much && wanted.preferred.is_none();
        let lower_bound =
            if is_bound { self.tried.lower_bound } else { self.tried.lower_bound.min(self.tried.least) }.min(cost);
        route.decision.lower_bound = self.lower_bound.saturating_add(lower_bound);
        route.decision.optimal = self.optimal && self.tried.is_proven && is_bound && lower_bound == cost;
    }
}

/// What is left of each sku, to cells that have so many beside units of the order: to a node first, then to those that a plan
/// takes from, then to the nearest.
fn allotted(
    left: &BTreeMap<SkuIndex, u32>,
    plan: &BTreeMap<CellKey, u32>,
    first: Option<NodeIndex>,
    rooms: &[(u64, CellKey, u32)],
) -> HashMap<CellKey, u32> {
    let mut allotted: HashMap<CellKey, u32> = HashMap::new();
    for (sku, left) in left {
        let mut left = *left;
        let mut give = |wish: &dyn Fn(&CellKey, u32) -> u32| {
            for (_, cell, room) in rooms.iter().filter(|(_, cell, _)| cell.sku == *sku) {
                let known = allotted.entry(*cell).or_default();
                let units = wish(cell, *room).min(room - *known).min(left);
                (*known, left) = (*known + units, left - units);
            }
        };
        give(&|cell, room| if first == Some(cell.node) { room } else { 0 });
        give(&|cell, _| plan.get(cell).copied().unwrap_or(0));
        give(&|_, room| room);
    }
    allotted
}

/// How many units these are.
pub(super) fn units_of(units: &[LineUnits]) -> u64 {
    units.iter().map(|u| u64::from(u.quantity)).sum()
}
