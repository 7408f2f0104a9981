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
    let mut losers = Vec::new();
    rejections_of(problem, plan, 0..problem.candidates.len() as u32, STEPS_MAX, &mut Inquiry::default(), &mut losers);
    losers
}

/// The same for those candidates that are `asked` for, ascending, into `losers`; the tables for partial nodes take at
/// most `steps_max`.
pub fn rejections_of(
    problem: &Problem,
    plan: &Plan,
    asked: impl IntoIterator<Item = u32>,
    steps_max: u64,
    inquiry: &mut Inquiry,
    losers: &mut Vec<Loser>,
) {
    losers.clear();
    let Inquiry { demand, tables } = inquiry;
    demand.load(problem);
    let mut question = Question::new(problem, plan, demand, tables, steps_max);
    let mut used = plan.assignments.iter().map(|assignment| assignment.candidate).peekable();
    let mut node = 0;
    for candidate in asked {
        while used.next_if(|&used| used < candidate).is_some() {}
        while demand.nodes.get(node).is_some_and(|node| node.candidate < candidate) {
            node += 1;
        }
        let stocked = demand.nodes.get(node).is_some_and(|node| node.candidate == candidate);
        if used.peek() != Some(&candidate) {
            losers.push(if stocked {
                question.answer(demand, candidate, node as u32)
            } else {
                Loser { candidate, reason: Reason::NoStock, exact: true }
            });
        }
    }
}

/// Memory of explanations, kept from one to the next.
#[derive(Debug, Default)]
pub struct Inquiry {
    demand: Demand,
    tables: Tables,
}

/// The tables one explanation asks again and again.
#[derive(Debug, Default)]
struct Tables {
    /// With every node; when the order is of exact size and joining shipments is free.
    all: Kernel,
    /// Without the node in question.
    but_one: Kernel,
    subset: Subset,
    /// The plan's nodes.
    used: Vec<u32>,
}

/// One explanation.
struct Question<'a> {
    problem: &'a Problem,
    plan: &'a Plan,
    tables: &'a mut Tables,
    /// Tables without some node still to be computed at most.
    tables_left: u64,
    exact: bool,
    /// The subset search knows the demand.
    prepared: bool,
    shipped: u64,
}

impl<'a> Question<'a> {
    fn new(problem: &'a Problem, plan: &'a Plan, demand: &mut Demand, tables: &'a mut Tables, steps_max: u64) -> Self {
        let exact = plan.optimal && tables.all.tabulate(problem, demand, None);
        let tables_left = if exact { steps_max / tables.all.steps(demand).max(1) } else { 0 };
        let place = |candidate| demand.nodes.iter().position(|node| node.candidate == candidate);
        let used = plan.assignments.iter().filter_map(|assignment| place(assignment.candidate)).map(|at| at as u32);
        tables.used.clear();
        tables.used.extend(used);
        let shipped = plan.parts.iter().map(|part| u64::from(part.quantity)).sum();
        Self { problem, plan, tables, tables_left, exact, prepared: false, shipped }
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
        if !self.exact {
            return None;
        }
        let Tables { all, but_one, .. } = &mut *self.tables;
        if !all.is_partial(node) {
            return Some(all.forced(self.problem, demand, node));
        }
        // The tables may already use this node, and it cannot ship twice.
        self.tables_left = self.tables_left.checked_sub(1)?;
        if !but_one.tabulate(self.problem, demand, Some(node)) {
            return None;
        }
        Some(but_one.forced(self.problem, demand, node))
    }

    /// Cost of a plan that uses the node, found by swaps.
    fn estimate(&mut self, demand: &Demand, node: u32) -> i64 {
        let tariff = &self.problem.tariff;
        let row = demand.caps_of(node as usize).iter().zip(&demand.groups);
        let lightest = row.filter(|(cap, _)| **cap > 0).map(|(_, group)| group.weight_g).min().unwrap_or(0);
        let charge = demand.pricing.charge(demand.nodes[node as usize].distance_m, lightest);
        let one_unit = self.plan.cost.saturating_add(tariff.fixed()).saturating_add(charge);
        let Tables { subset, used, .. } = &mut *self.tables;
        if !self.prepared {
            subset.prepare(demand);
            self.prepared = true;
        }
        subset.swap_in(self.problem, demand, used, node, one_unit)
    }
}
