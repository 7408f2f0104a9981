//! Sourcing: given one order's demand, the nodes that may serve it and a tariff, the best plan, and why others lost.
//!
//! Pure functions of their arguments: no clock, no files, no floats, no chance. The same problem gives the same plan,
//! to the last part.
//!
//! **What is best.** First as many units as can be filled, over all lines (a kit counts one). Then the least cost: each
//! shipment costs `per_shipment` and its weight times its distance, rounded half up; each beyond the first costs `split`.
//! One shipment per node. Ties: smaller total distance of the nodes used, then the set that has the lowest candidate in
//! which the two differ (for sets of one size, the lexicographically smallest).
//!
//! **Phases, and what each costs** for L groups of equal lines, N candidates:
//!
//! | phase | file | cost | ends when |
//! |---|---|---|---|
//! | join equal lines, list nodes and caps | `demand` | N × L | nothing can be filled |
//! | one shipment, against the bound of two | `kernel` | N × L | it is cheaper |
//! | two shipments, against the bound of three | `kernel` | states × log | it is cheaper |
//! | all partitions of the demand | `kernel` | ≤ 3¹² pairs, and as many per partial node | always |
//! | beyond the exact size: sets of nodes | `subset` | ≤ 2²⁰ looks | visits are used up, or proven |
//! | shipments, lines and money | `assemble` | what is shipped | always |
//! | no more shipments than so many | `bounded`, `tariffed` | some forty of the above where that binds, then `costed` | always |
//! | what would have let one win | `change` | a table and some solutions for each | tried so often |
//! | why the others lost | `explain`, `kernel/forced` | one table, and one per partial node asked of | always |
//!
//! **What is exact.** Every order of up to 12 units, and more when equal units leave few states (one line of 500 is
//! small), as long as the folds of partial nodes stay within their steps (`kernel`). Twelve different units that all share
//! stock, or a tariff without fixed charges, can need too many with some tens of nodes. Beyond, the answer is optimal when
//! the bound meets it and says so, otherwise it carries the bound.
//!
//! **Laws.** Assigned and unfilled units of a line add up to its quantity. No candidate gives more of a slot than it
//! has, over all lines. `lower_bound ≤ cost`, equal when `optimal`. `optimal` is never claimed unproven.
//!
//! Orders that share stock are planned together in `batch`.
//!
//! Where nodes have costs of their own (services by weight, handling, prices of units and of units left) and the order
//! rules of its own, `costed` is the kernel in full.
//!
//! Not here: which nodes may serve (rules, calendars), reservations, prices of stock yet to come. Sourcing
//! knows nothing of orders: it sees lines, slots and metres.

mod assemble;
pub mod batch;
mod bound;
mod bounded;
mod change;
pub mod costed;
mod demand;
mod explain;
mod kernel;
mod problem;
pub mod score;
mod subset;
mod tariffed;
#[cfg(test)]
mod tests;

pub use bounded::solve_within;
pub use change::{Change, Supposing};
pub use explain::{Inquiry, Loser, Reason, STEPS_MAX, rejections, rejections_of};
pub use problem::{
    Assignment, CHARGE_MAX, Candidate, DemandLine, MONEY_MAX, Need, Part, Plan, Problem, Tariff, Terms, Unfilled,
};

pub use tariffed::by_tariff;

use assemble::assemble;
use demand::Demand;
use kernel::{Kernel, Take};
use subset::Subset;

/// Memory of the search, kept from order to order so that a steady stream allocates at most its answers.
#[derive(Debug, Default)]
pub struct Workspace {
    demand: Demand,
    kernel: Kernel,
    subset: Subset,
    takes: Vec<Take>,
    left: Vec<u32>,
}

/// The best plan for a problem, or the best found within the bounds of the search and how good it is proven to be.
///
/// # Panics
/// When a tariff is negative or above [`MONEY_MAX`], a need names a slot the problem does not have, or a candidate is
/// silent about a slot.
pub fn solve(problem: &Problem, workspace: &mut Workspace) -> Plan {
    let mut plan = Plan::default();
    solve_into(problem, workspace, &mut plan);
    plan
}

/// The same, with the memory of the plan before: then a steady stream allocates nothing.
pub fn solve_into(problem: &Problem, workspace: &mut Workspace, plan: &mut Plan) {
    problem.tariff.assert_sane();
    problem.assert_told();
    let Workspace { demand, kernel, subset, takes, left } = workspace;
    demand.load(problem);
    let proof = if kernel.solve(problem, demand, takes) { None } else { Some(subset.solve(problem, demand, takes)) };
    assemble(problem, demand, takes, left, plan);
    (plan.lower_bound, plan.optimal) = match proof {
        None => (plan.cost, true),
        Some(proof) => {
            let lower_bound = proof.lower_bound.min(plan.cost);
            (lower_bound, proof.fills_most && lower_bound == plan.cost && !demand.pricing.outsized)
        }
    };
}
