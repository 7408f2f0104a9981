//! What would have to change for a candidate to be in the plan: the smallest changes of its own, each by itself.
//!
//! **Money.** With `cost_less` off what its shipments cost together, every best plan uses it; with one minor unit less off,
//! the plan that was made is still as good as any.
//!
//! **Stock.** `pieces_more` are the fewest pieces more, over all slots, with which the same kernel puts it into the plan.
//! Found so: give it all that the lines could take and list what it could be asked to ship in a plan that is no worse;
//! what it lacks for that, the fewest first, is tried by solving again. So it is true to the last tie, and with any piece
//! less the candidate stays out.
//!
//! Cost: a table without the candidate, and a solution for each trial: on reading only, never near the hot path.
//!
//! Not here: fences (who may not ship whatever it has), the amounts themselves (`explain`), the kernel in full
//! (`costed/change`).

use super::demand::Demand;
use super::explain::{Loser, Reason};
use super::kernel::Kernel;
use super::problem::{Plan, Problem};
use super::{Workspace, solve_into};

/// Solutions that are tried for one candidate.
pub(super) const TRIES_MAX: usize = 64;

/// The smallest changes of a candidate, each by itself, with which it would be in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Minor units that its shipments together cost less; nothing where that does not help or is not known.
    pub cost_less: Option<i64>,
    /// Pieces more by slot, the fewest in sum, none of them zero; empty where none help or it is not known.
    pub pieces_more: Vec<(u16, u32)>,
}

impl Change {
    /// Whether nothing is known to help.
    pub fn is_none(&self) -> bool {
        self.cost_less.is_none() && self.pieces_more.is_empty()
    }
}

/// What a candidate lacks to ship something: pieces by slot.
pub(super) type Lacking = Vec<(u16, u32)>;

/// Memory of these questions, kept from one to the next.
#[derive(Debug, Default)]
pub struct Supposing {
    demand: Demand,
    kernel: Kernel,
    workspace: Workspace,
    supposed: Problem,
    plan: Plan,
}

impl Supposing {
    /// The smallest changes with which a loser of `plan`, the answer of `solve` to `problem`, would be in it. Takes no more
    /// than the steps that are left.
    pub fn change(&mut self, problem: &Problem, plan: &Plan, loser: &Loser, steps_left: &mut u64) -> Change {
        let by = match loser.reason {
            Reason::NoStock => None,
            Reason::Tied => Some(0),
            Reason::Costlier { by } | Reason::PartialStock { by, .. } => Some(by),
        };
        let cost_less = by.filter(|_| loser.exact).map(|by| by.saturating_add(1));
        let pieces_more =
            if plan.optimal { self.pieces_more(problem, plan, loser.candidate, steps_left) } else { None };
        Change { cost_less, pieces_more: pieces_more.unwrap_or_default() }
    }

    fn pieces_more(&mut self, problem: &Problem, plan: &Plan, candidate: u32, left: &mut u64) -> Option<Lacking> {
        let lacking = self.lacking(problem, plan, candidate, left)?;
        for lacks in lacking.into_iter().take(TRIES_MAX) {
            *left = left.checked_sub(self.kernel.steps(&self.demand))?;
            self.supposed.clone_from(problem);
            give(&mut self.supposed.available, problem.slots, candidate, &lacks);
            solve_into(&self.supposed, &mut self.workspace, &mut self.plan);
            if self.plan.assignments.iter().any(|assignment| assignment.candidate == candidate) {
                return Some(lacks);
            }
        }
        None
    }

    /// What the candidate lacks to be asked for something by a plan that is no worse, the fewest pieces first.
    fn lacking(&mut self, problem: &Problem, plan: &Plan, candidate: u32, left: &mut u64) -> Option<Vec<Lacking>> {
        let Self { demand, kernel, supposed, .. } = self;
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
        demand.load(supposed);
        let node = demand.nodes.iter().position(|node| node.candidate == candidate)? as u32;
        if !kernel.tabulate(supposed, demand, Some(node)) {
            return None;
        }
        *left = left.checked_sub(kernel.steps(demand))?;
        let shipped = plan.parts.iter().map(|part| u64::from(part.quantity)).sum();
        let ships = kernel.asked_within(supposed, demand, node, (shipped, plan.cost), left)?;
        let (has, demand) = (problem.has(candidate as usize), &*demand);
        Some(sorted(ships.iter().map(|units| lacks(has, units.iter().flat_map(|take| demand.needed(*take))))))
    }
}

/// What is lacking of so many pieces by slot; a slot may be named several times.
pub(super) fn lacks(has: &[u32], pieces: impl Iterator<Item = (u16, u64)>) -> Lacking {
    let mut wanted = vec![0_u64; has.len()];
    for (slot, count) in pieces {
        wanted[usize::from(slot)] += count;
    }
    let short = (0..).zip(wanted.into_iter().zip(has));
    let short = short.map(|(slot, (wanted, has))| (slot, wanted.saturating_sub(u64::from(*has))));
    short
        .filter(|(_, count)| *count > 0)
        .map(|(slot, count)| (slot, u32::try_from(count).unwrap_or(u32::MAX)))
        .collect()
}

/// The fewest pieces first, each list once, none that lacks nothing.
pub(super) fn sorted(lacking: impl Iterator<Item = Lacking>) -> Vec<Lacking> {
    let sum = |lacks: &Lacking| lacks.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
    let mut all: Vec<(u64, Lacking)> = lacking.map(|lacks| (sum(&lacks), lacks)).filter(|(sum, _)| *sum > 0).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|(_, lacks)| lacks).collect()
}

/// Pieces more for a candidate.
pub(super) fn give(available: &mut [u32], slots: usize, candidate: u32, more: &[(u16, u32)]) {
    for (slot, count) in more {
        let has = &mut available[candidate as usize * slots + usize::from(*slot)];
        *has = has.saturating_add(*count);
    }
}

/// All that lines could take for a candidate, beside what it has.
pub(super) fn give_all(available: &mut [u32], slots: usize, candidate: u32, all: impl Iterator<Item = (u16, u32)>) {
    all.for_each(|more| give(available, slots, candidate, &[more]));
}
