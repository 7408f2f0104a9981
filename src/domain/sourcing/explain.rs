//! Why a candidate is not in the plan, and what using it would have cost.
//!
//! Promises: every candidate outside the plan gets exactly one reason, in candidate order. Within the exact size the
//! amount is the true difference between the best plan that uses the candidate and the best plan; beyond it the
//! amount is what the cheapest swap found would cost, never less than the true one, and `exact` is false.
//!
//! Cost: one table of all partitions, plus one for each partial node while the steps last: [`STEPS_MAX`], which can be
//! more than a second, or what [`rejections_of`] is given. Only the latter belongs near the hot path.
//!
//! Not here: the choice itself.

use serde::{Deserialize, Serialize};

use super::demand::Demand;
use super::kernel::Kernel;
use super::problem::{Plan, Problem};
use super::subset::Subset;

/// Steps of the tables for one whole explanation; candidates past that get an estimate.
pub const STEPS_MAX: u64 = 1 << 27;

/// A candidate that does not ship, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loser {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// Why it lost.
    pub reason: Reason,
    /// The amount in the reason is the true one; otherwise the true one may be less.
    pub exact: bool,
}

/// Why a candidate lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It has no unit that any line could take.
    NoStock,
    /// A plan with it costs the same; distance, then candidate order decided.
    Tied,
    /// It could ship the whole order, but the cheapest plan with it costs more.
    Costlier {
        /// Minor units more, above zero.
        by: i64,
    },
    /// It could ship only some of the order, and the cheapest plan with it costs more.
    PartialStock {
        /// Units it has, each line counted by itself.
        units: u64,
        /// Units the plan ships.
        of: u64,
        /// Minor units more, above zero.
        by: i64,
    },
}

/// A reason for every candidate that `plan`, the answer of `solve` to `problem`, does not use.
pub fn rejections(problem: &Problem, plan: &Plan) -> Vec<Loser> {
    rejections_of(problem, plan, |_| true, STEPS_MAX)
}

/// The same for those candidates that are `asked` for; the tables for partial nodes take at most `steps_max`.
pub fn rejections_of(problem: &Problem, plan: &Plan, asked: impl Fn(u32) -> bool, steps_max: u64) -> Vec<Loser> {
    let mut demand = Demand::default();
    demand.load(problem);
    let mut question = Question::new(problem, plan, &mut demand, steps_max);
    let mut used = plan.assignments.iter().map(|assignment| assignment.candidate).peekable();
    let mut losers = Vec::new();
    let mut node = 0;
    for candidate in 0..problem.candidates.len() as u32 {
        let stocked = demand.nodes.get(node).is_some_and(|node| node.candidate == candidate);
        if used.next_if_eq(&candidate).is_none() && asked(candidate) {
            losers.push(if stocked {
                question.answer(&mut demand, candidate, node as u32)
            } else {
                Loser { candidate, reason: Reason::NoStock, exact: true }
            });
        }
        node += usize::from(stocked);
    }
    losers
}

/// The tables one explanation asks again and again.
struct Question<'a> {
    problem: &'a Problem,
    plan: &'a Plan,
    /// Tables with every node, when the order is of exact size and joining shipments is free.
    all: Option<Kernel>,
    /// Tables without the node in question.
    but_one: Kernel,
    /// Tables of that kind still to be computed at most.
    tables_left: u64,
    exact: bool,
    subset: Subset,
    used: Vec<u32>,
    shipped: u64,
}

impl<'a> Question<'a> {
    fn new(problem: &'a Problem, plan: &'a Plan, demand: &mut Demand, steps_max: u64) -> Self {
        let mut all = Kernel::default();
        let exact = plan.optimal && all.tabulate(problem, demand, None);
        let tables_left = if exact { steps_max / all.steps(demand).max(1) } else { 0 };
        let mut subset = Subset::default();
        subset.prepare(demand);
        let place = |candidate| demand.nodes.iter().position(|node| node.candidate == candidate);
        let used = plan.assignments.iter().filter_map(|assignment| place(assignment.candidate)).map(|at| at as u32);
        let parts = plan.assignments.iter().flat_map(|assignment| &assignment.parts);
        Self {
            problem,
            plan,
            exact,
            all: exact.then_some(all),
            but_one: Kernel::default(),
            tables_left,
            subset,
            used: used.collect(),
            shipped: parts.map(|part| u64::from(part.quantity)).sum(),
        }
    }

    fn answer(&mut self, demand: &mut Demand, candidate: u32, node: u32) -> Loser {
        let (cost, exact) = match self.forced(demand, node) {
            Some(cost) => (cost, true),
            None => (self.estimate(demand, node), false),
        };
        let by = cost.saturating_sub(self.plan.cost).max(0);
        let row = demand.caps_of(node as usize).iter().zip(&demand.groups);
        let units: u64 = row.map(|(&cap, group)| u64::from(cap).min(group.quantity)).sum();
        let reason = match by {
            0 => Reason::Tied,
            by if units >= self.shipped => Reason::Costlier { by },
            by => Reason::PartialStock { units, of: self.shipped, by },
        };
        Loser { candidate, reason, exact }
    }

    /// Cost of the best plan that uses the node, if the order is of exact size.
    fn forced(&mut self, demand: &mut Demand, node: u32) -> Option<i64> {
        let all = self.all.as_mut().filter(|_| self.exact)?;
        if !all.is_partial(node) {
            return Some(all.forced(self.problem, demand, node));
        }
        // The tables may already use this node, and it cannot ship twice.
        self.tables_left = self.tables_left.checked_sub(1)?;
        if !self.but_one.tabulate(self.problem, demand, Some(node)) {
            return None;
        }
        Some(self.but_one.forced(self.problem, demand, node))
    }

    /// Cost of a plan that uses the node, found by swaps.
    fn estimate(&mut self, demand: &Demand, node: u32) -> i64 {
        let tariff = &self.problem.tariff;
        let row = demand.caps_of(node as usize).iter().zip(&demand.groups);
        let lightest = row.filter(|(cap, _)| **cap > 0).map(|(_, group)| group.weight_g).min().unwrap_or(0);
        let charge = demand.pricing.charge(demand.nodes[node as usize].distance_m, lightest);
        let one_unit = self.plan.cost.saturating_add(tariff.fixed()).saturating_add(charge);
        self.subset.swap_in(self.problem, demand, &self.used, node, one_unit)
    }
}
