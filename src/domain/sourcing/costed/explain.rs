//! Why a candidate sends nothing, and what using it would have cost.
//!
//! Promises: every candidate outside the plan gets exactly one reason, in candidate order. When `exact`, the amount is the
//! true difference between the best plan in which it ships and the best plan; otherwise it is no more than the true one.
//!
//! Cost: one table of all states, a fold for each candidate, and the tables anew for each of those whose best plan asks
//! some node too much, while the steps last ([`EXPLAIN_STEPS_MAX`]). On reading only, never near the hot path.
//!
//! Not here: the choice itself; what would have to change (`change`); rules that kept a candidate out of the problem.

use super::exact::{Exact, Outcome};
use super::frame::{Frame, IMPOSSIBLE};
use super::plan::Plan;
use super::problem::{Filling, Problem};
use super::{Workspace, solve};

/// Steps of the tables for one whole explanation: it can take more than a second.
pub const EXPLAIN_STEPS_MAX: u64 = 1 << 27;

/// A candidate that does not ship, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loser {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// Why it lost.
    pub reason: Reason,
    /// The amounts are true; otherwise the true ones may be more.
    pub exact: bool,
}

/// Why a candidate lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no unit that any line could take, or cannot pick or send one.
    NoStock,
    /// It has units, but of no group that leaves from one node in full all that is wanted, and of nothing else any.
    NotTogether,
    /// No service carries what it has.
    NoService,
    /// It can ship, but no plan as a whole lets it.
    OutOfReach,
    /// A plan with it costs the same; the order of candidates decided.
    Tied,
    /// Filling comes first, and the best plan with it fills less.
    FillsLess {
        /// Units fewer, above zero.
        units: u32,
    },
    /// The best plan with it costs more.
    Costlier {
        /// Minor units more, above zero.
        by: i64,
    },
    /// The order is beyond the exact size: nothing is known.
    NotAsked,
}

/// A reason for every candidate that `plan`, the answer of `solve` to `problem`, does not use.
pub fn rejections(problem: &Problem, plan: &Plan) -> Vec<Loser> {
    let used = |candidate: u32| plan.shipments.iter().any(|shipment| shipment.candidate == candidate);
    let unused = (0..problem.candidates.len() as u32).filter(|candidate| !used(*candidate));
    let known = Known { ships: !plan.shipments.is_empty(), optimal: plan.optimal };
    rejections_of(problem, known, unused, EXPLAIN_STEPS_MAX)
}

/// The reasons of some candidates that the plan does not use, in the order given, within so many steps of each table.
pub fn rejections_of(
    problem: &Problem,
    plan: Known,
    candidates: impl Iterator<Item = u32>,
    steps_max: u64,
) -> Vec<Loser> {
    let mut workspace = Workspace::default();
    let Workspace { frame, exact, .. } = &mut workspace;
    frame.load(problem, problem.filling);
    let mut question = Question::new(problem, plan, (frame, exact), steps_max);
    candidates.map(|candidate| question.answer(problem, frame, exact, candidate)).collect()
}

/// The best plan with at most one parcel fewer than `plan`; nothing for a plan of none.
pub fn one_parcel_fewer(problem: &Problem, plan: &Plan) -> Option<Plan> {
    let fewer = (plan.shipments.len() as u32).checked_sub(1)?;
    let problem = Problem { shipments_max: Some(fewer), ..problem.clone() };
    Some(solve(&problem, &mut Workspace::default()))
}

/// What is known of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Something ships.
    pub ships: bool,
    /// It is proven best.
    pub optimal: bool,
}

/// One explanation.
struct Question {
    /// Key of the plan beside what the tables know; none when the tables do not tell.
    best: Option<i64>,
    /// Nothing can ship, whoever takes part.
    hopeless: bool,
    steps_left: u64,
}

impl Question {
    fn new(problem: &Problem, plan: Known, (frame, exact): (&mut Frame, &mut Exact), steps_max: u64) -> Self {
        let short = problem.lines.iter().zip(&frame.fillable).any(|(line, fillable)| line.quantity > *fillable);
        let hopeless = frame.nodes.is_empty() || problem.complete && short;
        let mut question = Self { best: None, hopeless, steps_left: steps_max };
        if hopeless || !plan.optimal || !frame.lay_states(problem) {
            return question;
        }
        let solved = exact.solve(problem, frame, None, steps_max);
        if let Outcome::Best(key) = solved
            && exact.tabulate_all(problem, frame, steps_max)
        {
            let beside = frame.missing(problem) - frame.key(problem.split);
            let shipped = if key < IMPOSSIBLE && plan.ships { Some(key) } else { None };
            question.best = Some(shipped.unwrap_or(frame.nothing(problem) - beside));
        }
        question
    }

    fn answer(&mut self, problem: &Problem, frame: &mut Frame, exact: &mut Exact, candidate: u32) -> Loser {
        let none = |reason| Loser { candidate, reason, exact: reason != Reason::NotAsked };
        let Some(node) = frame.nodes.iter().position(|node| node.candidate == candidate as usize) else {
            return none(without_plan(problem, candidate as usize, false));
        };
        if self.hopeless {
            return none(Reason::OutOfReach);
        }
        let Some(best) = self.best else { return none(Reason::NotAsked) };
        let (key, known) = self.forced(problem, frame, exact, node);
        if key >= IMPOSSIBLE {
            return none(without_plan(problem, candidate as usize, true));
        }
        let by = frame.cost(key) - frame.cost(best);
        let fewer = match problem.filling {
            Filling::First => (by + frame.unit_first / 2).div_euclid(frame.unit_first),
            Filling::Priced => 0,
        };
        let reason = match by {
            _ if fewer > 0 => Reason::FillsLess { units: fewer as u32 },
            ..=0 => Reason::Tied,
            by => Reason::Costlier { by },
        };
        Loser { candidate, reason, exact: known }
    }

    /// Key of the best plan in which a node ships, and whether that is proven.
    fn forced(&mut self, problem: &Problem, frame: &mut Frame, exact: &mut Exact, node: usize) -> (i64, bool) {
        let relaxed = if exact.is_folded(node) { None } else { Some(exact.with_node(problem, frame, node)) };
        if let Some(key) = relaxed
            && (key >= IMPOSSIBLE || exact.is_sound(problem, frame))
        {
            return (key, true);
        }
        // The tables may use some node beyond what it can give, or this one twice.
        let mut other = Exact::default();
        let solved = other.solve(problem, frame, Some(node), self.steps_left);
        self.steps_left = other.steps_left();
        match solved {
            Outcome::Best(key) => (key, true),
            Outcome::AtLeast(key) => (key.max(relaxed.unwrap_or(key)), false),
        }
    }
}

/// Why no plan uses a candidate: what it has itself, what is carried of it, else what must ship together or in full. It has
/// enough for a plan when it `is_framed`.
fn without_plan(problem: &Problem, candidate: usize, is_framed: bool) -> Reason {
    let own = &problem.candidates[candidate];
    let (has, sends) = (problem.has(candidate), own.parcels_max > 0 && !own.offers.is_empty());
    let is_there = |line: usize| problem.needs_of(line).iter().all(|need| has[usize::from(need.slot)] >= need.per_unit);
    let gives =
        |line: &usize| sends && own.units_max != Some(0) && problem.lines[*line].quantity > 0 && is_there(*line);
    let is_carried = |line: &usize| {
        let bracket = problem.rates.bracket(0, problem.lines[*line].unit_weight_g);
        bracket < problem.rates.brackets() && problem.cheapest(candidate, bracket).is_some()
    };
    let mut given = (0..problem.lines.len()).filter(gives).peekable();
    if given.peek().is_none() {
        return Reason::NoStock;
    }
    let mut carried = given.filter(is_carried).peekable();
    if carried.peek().is_none() {
        return Reason::NoService;
    }
    let has_others = carried.any(|line| problem.lines[line].together.is_none());
    if is_framed || has_others { Reason::OutOfReach } else { Reason::NotTogether }
}
