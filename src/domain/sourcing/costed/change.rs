//! What would have to change for a candidate to send something, in the kernel in full; see `sourcing::change`.
//!
//! Cost: the tables of one question with the candidate required, and a solution for each trial.
//!
//! Not here: why it lost (`explain`).

use super::super::change::{Change, Lacking, TRIES_MAX, give, give_all, lacks, sorted};
use super::exact::{Exact, Outcome};
use super::explain::{Loser, Reason};
use super::frame::{Frame, IMPOSSIBLE};
use super::plan::Plan;
use super::problem::{Filling, Problem};
use super::{Workspace, solve_into};

/// Memory of these questions, kept from one to the next.
#[derive(Debug, Default)]
pub struct Supposing {
    frame: Frame,
    exact: Exact,
    workspace: Workspace,
    supposed: Problem,
    plan: Plan,
}

impl Supposing {
    /// The smallest changes with which a loser of `plan`, the answer of `solve` to `problem`, would be in it. Takes no more
    /// than the steps that are left.
    pub fn change(&mut self, problem: &Problem, plan: &Plan, loser: &Loser, steps_left: &mut u64) -> Change {
        let by = match loser.reason {
            Reason::Tied => Some(0),
            Reason::Costlier { by } => Some(by),
            Reason::NoStock
            | Reason::NotTogether
            | Reason::NoService
            | Reason::OutOfReach
            | Reason::FillsLess { .. }
            | Reason::NotAsked => None,
        };
        let cost_less = by.filter(|_| loser.exact).map(|by| by.saturating_add(1));
        let pieces_more =
            if plan.optimal { self.pieces_more(problem, plan, loser.candidate, steps_left) } else { None };
        Change { cost_less, pieces_more: pieces_more.unwrap_or_default() }
    }

    fn pieces_more(&mut self, problem: &Problem, plan: &Plan, candidate: u32, left: &mut u64) -> Option<Lacking> {
        let lacking = self.lacking(problem, plan, candidate, left)?;
        for lacks in lacking.into_iter().take(TRIES_MAX) {
            *left = left.checked_sub(self.exact.steps(&self.frame))?;
            self.supposed.clone_from(problem);
            give(&mut self.supposed.available, problem.slots, candidate, &lacks);
            solve_into(&self.supposed, &mut self.workspace, &mut self.plan);
            if self.plan.shipments.iter().any(|shipment| shipment.candidate == candidate) {
                return Some(lacks);
            }
        }
        None
    }

    /// What the candidate lacks to be asked for something by a plan that is no worse, the fewest pieces first.
    fn lacking(&mut self, problem: &Problem, plan: &Plan, candidate: u32, left: &mut u64) -> Option<Vec<Lacking>> {
        let Self { frame, exact, supposed, .. } = self;
        supposed.clone_from(problem);
        give_all(
            &mut supposed.available,
            problem.slots,
            candidate,
            (0..problem.lines.len()).flat_map(|line| {
                let quantity = problem.lines[line].quantity;
                problem.needs_of(line).iter().map(move |need| (need.slot, need.per_unit.saturating_mul(quantity)))
            }),
        );
        frame.load(supposed, supposed.filling);
        let node = frame.nodes.iter().position(|node| node.candidate == candidate as usize)?;
        let short = supposed.lines.iter().zip(&frame.fillable).any(|(line, fillable)| line.quantity > *fillable);
        if supposed.complete && short || !frame.lay_states(supposed) {
            return None;
        }
        let solved = exact.solve(supposed, frame, Some(node), *left);
        *left = exact.steps_left();
        let Outcome::Best(least) = solved else { return None };
        if least >= IMPOSSIBLE {
            return None;
        }
        let missing: i64 = plan.unfilled.iter().map(|left| i64::from(left.quantity)).sum();
        let best = match problem.filling {
            Filling::Priced => plan.cost,
            Filling::First => plan.cost + frame.unit_first * missing,
        };
        let beside = frame.missing(supposed) - frame.key(supposed.split);
        let ways = exact.ways_with(supposed, frame, node);
        let (frame, has) = (&*frame, problem.has(candidate as usize));
        let good = ways.into_iter().filter(|(_, key)| frame.cost(key + beside) <= best);
        let pieces = |state: usize| {
            let units = frame.axes.iter().map(move |axis| (axis.line, axis.digit(state) as u64));
            units.flat_map(move |(line, units)| {
                problem.needs_of(line).iter().map(move |need| (need.slot, u64::from(need.per_unit) * units))
            })
        };
        Some(sorted(good.map(|(state, _)| lacks(has, pieces(state)))))
    }
}
