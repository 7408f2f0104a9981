//! The kernel in full: the best plan for one order when every node has costs of its own.
//!
//! Where `sourcing` knows one tariff of weight and distance, this knows, in money: services by weight bracket, handling
//! of parcels and units, what a unit costs where it comes from, the price of a split and of a unit that is left; and, as
//! rules: what a node can pick and send, how many parcels there may be, lines that ship in full, together, or not at
//! all. Pure functions of their arguments: no clock, no files, no floats, no chance.
//!
//! **Two kernels, and why.** With one tariff only the nearest of all nodes with the same lines matters and joining two
//! parcels of a node never costs more; `sourcing` lives off both, answers in about a microsecond, and every decision
//! recorded so far must come out the same from it for ever. Here neither holds. What the two share is the idea: states
//! that count units, and nodes folded in one at a time.
//!
//! **What is best.** With `Filling::Priced` the least cost, leaving included; with `Filling::First` as many units as can
//! be filled and then the least cost. A parcel costs its node's handling, the cheapest service that carries its weight,
//! and the split unless it is the first. A node may send several parcels, each a parcel like any other, together within
//! what the node has and can pick; which units go into which is chosen freely. Ties: units are rather filled than left,
//! then the smaller sum of the places of the parcels' candidates, then the order of search.
//!
//! | phase | file | ends when |
//! |---|---|---|
//! | lines that can be filled, nodes, keys | `frame` | nothing can be filled |
//! | columns; one parcel or two, against the bound of all else | `exact/early` | they are cheaper |
//! | a table of all divisions, folds where a node was asked too much | `exact` | the plan is sound |
//! | beyond the exact size: sets of nodes, prices for a bound | `search`, `bound` | steps are used up |
//! | parcels and money | `plan` | always |
//! | why the others lost, and what would have let one win | `explain`, `change` | on demand |
//!
//! **What is exact.** Every order of up to 12 units, and more when equal units leave few states, unless more folds are
//! needed than the steps allow. Beyond, the plan carries a bound that no plan can undercut.
//!
//! **Laws.** Shipped and unfilled units of a line add up to its quantity. No candidate gives, picks or sends more than it
//! can. `lower_bound ≤ cost`, equal when `optimal`; `optimal` is never claimed unproven.
//!
//! Not here: which nodes may serve, and the figures themselves (`engine::weighing` asks nodes and carriers for them).

mod bound;
mod change;
mod exact;
mod explain;
mod frame;
mod plan;
mod problem;
mod search;
#[cfg(test)]
mod tests;

pub use change::Supposing;
pub use explain::{EXPLAIN_STEPS_MAX, Known, Loser, Reason, one_parcel_fewer, rejections, rejections_of};
pub use frame::LINES_EXPLAINED_MAX;
pub use plan::{Cause, Plan, Shipment, Terms, Unfilled};
pub use problem::{Candidate, FIGURE_MAX, Filling, Line, Offer, Problem, Rates, Shortage};

use exact::{Exact, Outcome, Parcel, STEPS_MAX};
use frame::{Frame, IMPOSSIBLE};
use plan::{Take, assemble};
use search::Search;

/// Memory of the search, kept from order to order so that a steady stream allocates nothing.
#[derive(Debug, Default)]
pub struct Workspace {
    frame: Frame,
    exact: Exact,
    search: Search,
    takes: Vec<Take>,
}

/// The best plan for a problem, or the best found and how good it is proven to be.
///
/// # Panics
/// When a figure is out of its range, a need names a slot the problem does not have, a candidate is silent about a slot
/// or a line, or all figures together could exceed 2⁵⁸.
pub fn solve(problem: &Problem, workspace: &mut Workspace) -> Plan {
    let mut plan = Plan::default();
    solve_into(problem, workspace, &mut plan);
    plan
}

/// The same, with the memory of the plan before.
pub fn solve_into(problem: &Problem, workspace: &mut Workspace, plan: &mut Plan) {
    workspace.frame.load(problem, problem.filling);
    let decided = workspace.decide(problem);
    let Workspace { frame, takes, .. } = workspace;
    assemble(problem, frame, takes, plan);
    let bound = match decided {
        Decided::Best => plan.cost,
        Decided::AtLeast(bound) => bound.min(plan.cost),
    };
    plan.optimal = decided == Decided::Best || bound == plan.cost && workspace.search.fills_most;
    plan.lower_bound = bound;
    if problem.filling == Filling::Priced && plan.unfilled.iter().any(|left| left.cause != Cause::NoStock) {
        workspace.tell_uneconomic(problem, plan);
    }
}

/// How good the takes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    Best,
    /// No plan costs less, minor units.
    AtLeast(i64),
}

impl Workspace {
    /// Decides the problem the frame was loaded with.
    fn decide(&mut self, problem: &Problem) -> Decided {
        let Self { frame, exact, search, takes } = self;
        takes.clear();
        let nothing = frame.nothing(problem);
        let short = problem.lines.iter().zip(&frame.fillable).any(|(line, fillable)| line.quantity > *fillable);
        if problem.complete && short || frame.nodes.is_empty() {
            return Decided::Best;
        }
        // What every plan that ships something pays or saves beside what the tables know.
        let beside = frame.missing(problem) - frame.key(problem.split);
        let mut at_least = i64::MIN;
        if frame.lay_states(problem) {
            match exact.solve(problem, frame, None, STEPS_MAX) {
                Outcome::Best(key) => {
                    if key < IMPOSSIBLE && key + beside <= nothing {
                        list_takes(frame, &exact.parcels, takes);
                    }
                    return Decided::Best;
                }
                Outcome::AtLeast(key) if key > -IMPOSSIBLE => at_least = (key + beside).min(nothing),
                Outcome::AtLeast(_) => {}
            }
        }
        Decided::AtLeast(search.solve(problem, frame, at_least, takes))
    }

    /// Finds out which units could be filled if money were no object.
    fn tell_uneconomic(&mut self, problem: &Problem, plan: &mut Plan) {
        self.frame.load(problem, Filling::First);
        self.decide(problem);
        let mut at = 0;
        while at < plan.unfilled.len() {
            let Unfilled { line, quantity, cause } = plan.unfilled[at];
            let taken = |take: &&Take| take.line == line as usize;
            let could: u32 = self.takes.iter().filter(taken).map(|take| take.units).sum();
            let shipped: u32 = plan.parts.iter().filter(|part| part.line == line).map(|part| part.quantity).sum();
            let uneconomic = could.saturating_sub(shipped).min(quantity);
            if cause == Cause::OutOfReach && uneconomic > 0 {
                plan.unfilled[at] = Unfilled { line, quantity: uneconomic, cause: Cause::Uneconomic };
                if uneconomic < quantity {
                    at += 1;
                    plan.unfilled.insert(at, Unfilled { line, quantity: quantity - uneconomic, cause });
                }
            }
            at += 1;
        }
    }
}

/// The parcels of the exact search as takes.
fn list_takes(frame: &Frame, parcels: &[Parcel], takes: &mut Vec<Take>) {
    for (number, parcel) in parcels.iter().enumerate() {
        let taken = frame.axes.iter().map(|axis| (axis.line, axis.digit(parcel.state) as u32));
        let taken = taken.filter(|(_, units)| *units > 0);
        takes.extend(taken.map(|(line, units)| Take { node: parcel.node, parcel: number, line, units }));
    }
}
