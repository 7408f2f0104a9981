//! What a decision would have been otherwise: with a node that lost, in one shipment fewer, or had nobody minded orders to
//! come. Computed from what the solver saw, on reading, never near the hot path. A node that has none of what is wanted is
//! supposed to pass the fences, which were not asked about it.
//!
//! What is *not* here: why nodes lost (`decision`), other rules on the same orders (the engine's preview).

use super::decision::{Assignment, Decision, LineUnits, Loser, Why};
use super::ids::NodeIndex;
use super::sourcing::{self, Candidate, Plan, Problem, Reason, Workspace, costed, solve_within};
use super::weighed::{CostTerm, Weighed};

/// Steps that all changes of one decision may take: more than a second.
const STEPS_MAX: u64 = 1 << 28;

/// What had been decided had nobody minded orders to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unminded {
    /// What it costs, minor units of the base currency.
    pub cost: i64,
    /// Minor units less than the plan, what that pays for orders to come left out.
    pub costs_less: i64,
    /// Its shipments, the split not included in their costs.
    pub assignments: Vec<Assignment>,
    /// What it cannot fill.
    pub unfilled: Vec<LineUnits>,
    /// Whether it is the same plan.
    pub is_same: bool,
    /// Whether no other is better.
    pub optimal: bool,
}

/// The best plan with at most one shipment fewer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fewer {
    /// What it costs, minor units of the base currency.
    pub cost: i64,
    /// Minor units more than the plan.
    pub costs_more: i64,
    /// Its shipments, the split not included in their costs.
    pub assignments: Vec<Assignment>,
    /// What it cannot fill.
    pub unfilled: Vec<LineUnits>,
    /// Whether no other with as few is better.
    pub optimal: bool,
}

impl Decision {
    /// Says of losers what would have let them ship, while the steps last.
    pub(super) fn suppose(&self, losers: &mut [Loser]) {
        if !self.optimal || self.evidence.truncated {
            return;
        }
        match self.evidence.weighed() {
            Some(weighed) => self.suppose_weighed(weighed, losers),
            None => self.suppose_listed(losers),
        }
    }

    fn suppose_listed(&self, losers: &mut [Loser]) {
        let (mut problem, mut plan) = (Problem::default(), Plan::default());
        self.restate(&mut problem);
        self.replan(&mut plan);
        let (mut supposing, mut left) = (sourcing::Supposing::default(), STEPS_MAX);
        for own in losers {
            own.change = match (own.why, self.candidate(own.node)) {
                (Why::Lost { reason, exact }, Ok(candidate)) => {
                    let loser = sourcing::Loser { candidate, reason, exact };
                    supposing.change(&problem, &plan, &loser, &mut left)
                }
                (Why::NoStock, Err(candidate)) => {
                    let distance_m = own.distance_m.unwrap_or(0);
                    let with = with_candidate(&problem, candidate, Candidate::new(own.node.0, distance_m));
                    let loser = sourcing::Loser { candidate, reason: Reason::NoStock, exact: true };
                    supposing.change(&with, &plan, &loser, &mut left)
                }
                _ => continue,
            };
        }
    }

    fn suppose_weighed(&self, weighed: &Weighed, losers: &mut [Loser]) {
        let (problem, order) = self.restate_weighed(weighed);
        if !problem.fits() {
            return;
        }
        let plan = costed::solve(&problem, &mut costed::Workspace::default());
        let (mut supposing, mut left) = (costed::Supposing::default(), STEPS_MAX);
        // With more units a unit costs otherwise there, and how much is not known here.
        let by_stock = weighed.amounts.iter().any(|(term, _)| matches!(term, CostTerm::Scarcity | CostTerm::ShortPick));
        for own in losers {
            let recorded = self.candidate(own.node).map(|at| at as usize).ok();
            let Some(candidate) = order.iter().position(|at| Some(*at) == recorded) else { continue };
            let loser = match own.why {
                Why::Outweighed { reason, exact } => costed::Loser { candidate: candidate as u32, reason, exact },
                _ => continue,
            };
            own.change = supposing.change(&problem, &plan, &loser, &mut left);
            if by_stock {
                own.change.pieces_more.clear();
            }
        }
    }

    /// Position of a node among the candidates that were recorded, or where it would stand.
    fn candidate(&self, node: NodeIndex) -> Result<u32, u32> {
        let found = self.evidence.sight.find(node);
        found.map(|at| at as u32).map_err(|at| at as u32)
    }

    /// The best plan with one shipment fewer, of an order whose plan has several and was recorded whole.
    pub fn one_shipment_fewer(&self) -> Option<Fewer> {
        if self.evidence.truncated || self.evidence.sight.is_empty() {
            return None;
        }
        match self.evidence.weighed() {
            Some(weighed) => self.fewer_weighed(weighed),
            None => self.fewer_listed(),
        }
    }

    fn fewer_listed(&self) -> Option<Fewer> {
        let (mut problem, mut plan) = (Problem::default(), Plan::default());
        self.restate(&mut problem);
        self.replan(&mut plan);
        let (before, most) = (plan.cost, plan.assignments.len().checked_sub(1).filter(|most| *most > 0)?);
        solve_within(&mut problem, most, &mut Workspace::default(), &mut plan);
        let assignments = plan.assignments.iter().map(|assigned| Assignment {
            node: NodeIndex(problem.candidates[assigned.candidate as usize].node),
            lines: self.named(plan.parts_of(assigned).iter().map(|part| (part.line, part.quantity))),
            cost: assigned.cost,
        });
        Some(Fewer {
            cost: plan.cost,
            costs_more: plan.cost - before,
            assignments: assignments.collect(),
            unfilled: self.named(plan.unfilled.iter().map(|left| (left.line, left.quantity))),
            optimal: plan.optimal,
        })
    }

    fn fewer_weighed(&self, weighed: &Weighed) -> Option<Fewer> {
        let (problem, _) = self.restate_weighed(weighed);
        if !problem.fits() {
            return None;
        }
        let made = costed::solve(&problem, &mut costed::Workspace::default());
        let plan = costed::one_parcel_fewer(&problem, &made).filter(|_| made.shipments.len() > 1)?;
        Some(Fewer {
            cost: plan.cost.saturating_add(self.beside(&made)),
            costs_more: plan.cost - made.cost,
            assignments: self.assigned(&problem, &plan),
            unfilled: self.named(plan.unfilled.iter().map(|left| (left.line, left.quantity))),
            optimal: plan.optimal,
        })
    }

    /// What had been decided without what stock and shipments are worth to orders to come, of an order that was recorded whole
    /// and minded them.
    pub fn unminded(&self) -> Option<Unminded> {
        let weighed = self.evidence.weighed().filter(|_| !self.evidence.truncated)?;
        let ahead = weighed.ahead.as_deref()?;
        let (mut problem, order) = self.restate_weighed(weighed);
        if !problem.fits() {
            return None;
        }
        let mut workspace = costed::Workspace::default();
        let made = costed::solve(&problem, &mut workspace);
        let lines = problem.lines.len();
        for (candidate, recorded) in order.iter().enumerate() {
            problem.candidates[candidate].per_shipment -= ahead.per_shipment[*recorded];
            let paid = &ahead.per_unit[recorded * lines..(recorded + 1) * lines];
            let costs = problem.unit_costs[candidate * lines..(candidate + 1) * lines].iter_mut();
            costs.zip(paid).for_each(|(cost, paid)| *cost -= paid);
        }
        let paid = made.shipments.iter().map(|shipment| {
            let recorded = order[shipment.candidate as usize];
            let unit = |line: u32| ahead.per_unit[recorded * lines + line as usize];
            let units = made.parts_of(shipment).iter().map(|part| unit(part.line) * i64::from(part.quantity));
            ahead.per_shipment[recorded] + units.sum::<i64>()
        });
        let cost_made = made.cost - paid.sum::<i64>();
        let plan = costed::solve(&problem, &mut workspace);
        let told = |plan: &costed::Plan| -> Vec<_> {
            self.assigned(&problem, plan).into_iter().map(|own| (own.node, own.lines)).collect()
        };
        Some(Unminded {
            cost: plan.cost,
            costs_less: cost_made - plan.cost,
            is_same: told(&plan) == told(&made),
            assignments: self.assigned(&problem, &plan),
            unfilled: self.named(plan.unfilled.iter().map(|left| (left.line, left.quantity))),
            optimal: plan.optimal,
        })
    }

    /// What the decision cost beside the plan that was made of what was recorded: units that limits kept back.
    fn beside(&self, made: &costed::Plan) -> i64 {
        let weighed = self.evidence.weighed().into_iter().flat_map(|weighed| &weighed.amounts);
        let told = weighed.filter(|(term, _)| *term == CostTerm::Unfilled).map(|(_, amount)| *amount).sum::<i64>();
        // Only where what was recorded is all else that was decided.
        let beside = told.saturating_sub(made.terms.shortage);
        if self.recorded_cost().saturating_sub(beside) == made.cost { beside } else { 0 }
    }

    /// The shipments of a plan of the kernel in full.
    fn assigned(&self, problem: &costed::Problem, plan: &costed::Plan) -> Vec<Assignment> {
        let assigned = plan.shipments.iter().map(|shipment| Assignment {
            node: NodeIndex(problem.candidates[shipment.candidate as usize].node),
            lines: self.named(plan.parts_of(shipment).iter().map(|part| (part.line, part.quantity))),
            cost: shipment.cost,
        });
        assigned.collect()
    }

    /// Units of seen lines as units of the order's lines.
    fn named(&self, units: impl Iterator<Item = (u32, u32)>) -> Vec<LineUnits> {
        let line = |at: u32| self.evidence.sight.line(at as usize);
        units.map(|(at, quantity)| LineUnits { line: line(at), quantity }).collect()
    }
}

/// A problem with one candidate more, which has nothing, at that place.
fn with_candidate(problem: &Problem, at: u32, candidate: Candidate) -> Problem {
    let (mut with, at) = (problem.clone(), at as usize);
    with.candidates.insert(at, candidate);
    let first = at * problem.slots;
    with.available.splice(first..first, std::iter::repeat_n(0, problem.slots));
    with
}
