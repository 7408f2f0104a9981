//! A sourcing decision: the plan, its cost by term, and what the solver saw.
//!
//! Reasons for losing nodes are computed from what was seen, on reading, not on the hot path.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::catalogue::Catalogue;
use super::evidence::{Others, Ruled};
use super::geo::{Place, Position};
use super::ids::{NodeIndex, Text};
use super::money::Money;
use super::node::NodeKind;
use super::sight::Sight;
use super::sourcing::{self, Candidate, Change, Inquiry, Part, Plan, Problem, Reason, Tariff, costed};
use super::weighed::{Priced, Weighed};
use super::words;

/// Units of one order line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineUnits {
    /// Position of the line in the order, from 0.
    pub line: u16,
    /// Units, at least 1.
    pub quantity: u32,
}

/// One shipment of the plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// From where.
    pub node: NodeIndex,
    /// What.
    pub lines: Vec<LineUnits>,
    /// Its cost, minor units of the base currency, the split penalty not included.
    pub cost: i64,
}

/// The plan's cost by term, minor units of the base currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Terms {
    /// Fixed charge per shipment.
    pub per_shipment: i64,
    /// Distance × weight.
    pub distance: i64,
    /// Shipments beyond the first.
    pub split: i64,
}

/// What the solver saw of one destination; how much of it is kept stands in `recording`, how it is
/// written in `evidence`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// Demand, candidates and what they had.
    pub sight: Sight,
    /// Nodes that were switched off or fenced for this order.
    pub fenced: Vec<(NodeIndex, FenceReason)>,
    /// Where it goes.
    pub destination: Option<Position>,
    /// How many nodes there were.
    pub nodes: u32,
    /// Whether candidates were left out to keep the record within its bound (the nearest are kept).
    pub truncated: bool,
    /// What things cost.
    pub priced: Priced,
    /// What it saw of the others, where there are several.
    pub others: Option<Box<Others>>,
    /// By which versions groups were sourced that did not go by the order's.
    pub ruled: Vec<Ruled>,
}

/// Why a node could not be a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FenceReason {
    /// Switched off.
    Inactive,
    /// It rejected this order, or could not pick it.
    RejectedThisOrder,
    /// The channel is served by other nodes.
    NotOfChannel,
    /// Another was preferred, and has all of it.
    NotPreferred,
    /// It is in a country that the rules leave out.
    OutOfRegion,
    /// It is farther than the rules allow.
    TooFar,
    /// It is of a kind that the rules leave out.
    WrongKind,
    /// The rules name others, or leave it out by name.
    NotListed,
    /// It cannot do what the rules ask for.
    LacksCapability,
    /// Its cutoff of the day has passed.
    PastCutoff,
    /// Nobody takes it there from it in time.
    ArrivesTooLate,
    /// All of it sent from it would cost more than the rules allow.
    TooDear,
    /// No carrier takes it there from it.
    NoService,
    /// It has as many shipments today as it can handle.
    AtCapacity,
    /// The customer comes to another.
    NotChosen,
    /// No compartment of its lockers is free for it.
    NoCompartment,
}

impl FenceReason {
    /// Whether the rules say so: others, or their next version, may not.
    pub fn is_of_rules(self) -> bool {
        match self {
            Self::Inactive
            | Self::RejectedThisOrder
            | Self::NotOfChannel
            | Self::NotPreferred
            | Self::NotChosen
            | Self::NoCompartment => false,
            Self::OutOfRegion
            | Self::TooFar
            | Self::WrongKind
            | Self::NotListed
            | Self::LacksCapability
            | Self::PastCutoff
            | Self::ArrivesTooLate
            | Self::TooDear
            | Self::NoService
            | Self::AtCapacity => true,
        }
    }
}

/// A decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Name of the rule set.
    #[serde(deserialize_with = "words::word")]
    pub rule_set: Text,
    /// Its version.
    pub rule_set_version: u32,
    /// Sequence of the catalogue that was read.
    pub catalogue_seq: u64,
    /// Cost of the whole plan, base currency.
    pub cost: Money,
    /// No plan can cost less, base currency.
    pub lower_bound: i64,
    /// Whether the plan is proven best.
    pub optimal: bool,
    /// Cost by term.
    pub terms: Terms,
    /// The shipments.
    pub assignments: Vec<Assignment>,
    /// What could not be filled.
    pub unfilled: Vec<LineUnits>,
    /// What the solver saw; shared, as the record, the order and its answer all hold it.
    pub evidence: Arc<Evidence>,
}

/// A node that is not in the plan; the nearest is the least, and of equally near ones the lower index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Losing(u64);

impl Losing {
    /// Distance above, index below: one number to sort by. Unknown distances come last.
    fn new(node: NodeIndex, distance_m: Option<u32>) -> Self {
        Self(u64::from(distance_m.unwrap_or(u32::MAX)) << 32 | u64::from(node.0))
    }

    fn node(self) -> NodeIndex {
        NodeIndex(self.0 as u32)
    }

    fn distance_m(self) -> Option<u64> {
        let metres = (self.0 >> 32) as u32;
        (metres < u32::MAX).then_some(u64::from(metres))
    }
}

/// A node that is not in the plan, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loser {
    /// Which.
    pub node: NodeIndex,
    /// Metres to the destination, where it is known.
    pub distance_m: Option<u64>,
    /// Why.
    pub why: Why,
    /// What would have let it ship; nothing unless that was asked for and is known.
    pub change: Change,
}

/// Why a node is not in the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It could not be a candidate.
    Fenced(FenceReason),
    /// It is farther than the nodes whose stock was recorded, or has none of it.
    NotRecorded,
    /// It has none of what is wanted.
    NoStock,
    /// The solver saw it and took others.
    Lost {
        /// Why; amounts in minor units of the base currency.
        reason: Reason,
        /// Whether the amount is exact; else it is an upper estimate.
        exact: bool,
    },
    /// The kernel in full saw it and took others.
    Outweighed {
        /// Why; amounts in minor units of the base currency.
        reason: costed::Reason,
        /// Whether the amounts are exact; else the true ones may be more.
        exact: bool,
    },
}

impl Loser {
    /// What the cheapest plan with this node costs more, minor units of the base currency.
    pub fn costlier_by(&self) -> Option<i64> {
        match self.why {
            Why::Lost { reason: Reason::Tied, .. } => Some(0),
            Why::Lost { reason: Reason::Costlier { by } | Reason::PartialStock { by, .. }, .. } => Some(by),
            Why::Outweighed { reason: costed::Reason::Tied, .. } => Some(0),
            Why::Outweighed { reason: costed::Reason::Costlier { by }, .. } => Some(by),
            _ => None,
        }
    }

    /// Whether `costlier_by` is exact; else it is an estimate: an upper one, or of the kernel in full a lower one.
    pub fn is_exact(&self) -> bool {
        !matches!(self.why, Why::Lost { exact: false, .. } | Why::Outweighed { exact: false, .. })
    }
}

/// Memory of explanations, kept from one to the next.
#[derive(Debug, Default)]
pub struct Explaining {
    problem: Problem,
    plan: Plan,
    inquiry: Inquiry,
    /// Candidates asked for, ascending, each with its place among the losers; what the kernel says of them.
    asked: Vec<(u32, u32)>,
    told: Vec<sourcing::Loser>,
    losing: Vec<Losing>,
    losers: Vec<Loser>,
}

/// Steps that the tables for partial nodes may take for a reply: about a millisecond.
const REPLY_STEPS_MAX: u64 = 1 << 16;
/// The same of the kernel in full.
const WEIGHED_REPLY_STEPS_MAX: u64 = 1 << 20;

impl Decision {
    /// Nodes that are not in the plan, the nearest first.
    pub fn losing(&self, catalogue: &Catalogue) -> Vec<Losing> {
        let mut losing = Vec::new();
        self.list_losing(catalogue, &mut losing);
        losing.sort_unstable();
        losing
    }

    fn list_losing(&self, catalogue: &Catalogue, losing: &mut Vec<Losing>) {
        let to = self.evidence.destination.map(Place::from);
        // Candidates stand in order of their index, so each is met once.
        let mut seen = self.evidence.sight.candidates().peekable();
        losing.clear();
        let nodes = (0..self.evidence.nodes).map(NodeIndex).zip(catalogue.nodes());
        losing.extend(nodes.filter_map(|(node, known)| {
            let metres = seen.next_if(|(candidate, _)| *candidate == node).map(|(_, metres)| metres);
            if known.kind == NodeKind::Virtual || self.assignments.iter().any(|assignment| assignment.node == node) {
                return None;
            }
            // No two places are farther apart than 2³² metres.
            let distance_m = to.map(|to| metres.unwrap_or_else(|| catalogue.place(node).metres_to(&to) as u32));
            Some(Losing::new(node, distance_m))
        }));
    }

    /// Why they lost, and what would have let them ship. Computed from what the solver saw; can take more than a second, so
    /// hold nothing meanwhile.
    pub fn losers(&self, losing: &[Losing]) -> Vec<Loser> {
        let mut explaining = Explaining::default();
        self.explain(losing, (sourcing::STEPS_MAX, costed::EXPLAIN_STEPS_MAX), &mut explaining);
        self.suppose(&mut explaining.losers);
        explaining.losers
    }

    /// Why the nearest of them lost, in about the time that the decision took (amounts that would take longer are
    /// estimates), and how many lost in all.
    pub fn nearest_losers<'a>(
        &self,
        catalogue: &Catalogue,
        most: usize,
        explaining: &'a mut Explaining,
    ) -> (&'a [Loser], usize) {
        let mut losing = std::mem::take(&mut explaining.losing);
        self.list_losing(catalogue, &mut losing);
        let count = losing.len();
        if count > most {
            losing.select_nth_unstable(most);
            losing.truncate(most);
        }
        losing.sort_unstable();
        self.explain(&losing, (REPLY_STEPS_MAX, WEIGHED_REPLY_STEPS_MAX), explaining);
        explaining.losing = losing;
        (&explaining.losers, count)
    }

    /// Writes the reasons of `losing`, in its order, to the losers of `explaining`; steps are those of either kernel.
    fn explain(&self, losing: &[Losing], (steps_max, weighed_max): (u64, u64), explaining: &mut Explaining) {
        let Explaining { problem, plan, inquiry, asked, told, losers, .. } = explaining;
        let seen = &self.evidence.sight;
        asked.clear();
        losers.clear();
        for (place, losing) in (0..).zip(losing) {
            let (node, distance_m) = (losing.node(), losing.distance_m());
            let why = match seen.find(node) {
                Ok(candidate) => {
                    asked.push((candidate as u32, place));
                    Why::NoStock
                }
                Err(_) => self.no_candidate(node),
            };
            losers.push(Loser { node, distance_m, why, change: Change::default() });
        }
        asked.sort_unstable();
        if let Some(weighed) = self.evidence.weighed() {
            return self.explain_weighed(weighed, asked, weighed_max, losers);
        }
        self.restate(problem);
        self.replan(plan);
        let candidates = asked.iter().map(|(candidate, _)| *candidate);
        sourcing::rejections_of(problem, plan, candidates, steps_max, inquiry, told);
        assert_eq!(asked.len(), told.len(), "every candidate outside the plan is told why");
        for (&(_, place), &sourcing::Loser { reason, exact, .. }) in asked.iter().zip(told.iter()) {
            losers[place as usize].why = Why::Lost { reason, exact };
        }
    }

    /// Writes the reasons of the candidates that are asked for, each with its place among the losers.
    fn explain_weighed(&self, weighed: &Weighed, asked: &[(u32, u32)], steps_max: u64, losers: &mut [Loser]) {
        if asked.is_empty() {
            return;
        }
        let (problem, order) = self.restate_weighed(weighed);
        if !problem.fits() {
            let why = Why::Outweighed { reason: costed::Reason::NotAsked, exact: false };
            asked.iter().for_each(|(_, at)| losers[*at as usize].why = why);
            return;
        }
        let node = |at: &usize| self.evidence.sight.node(*at);
        let ships = |at: &usize| self.assignments.iter().any(|assignment| assignment.node == node(at));
        let known = costed::Known { ships: order.iter().any(ships), optimal: self.optimal };
        let place = |at: usize| asked.binary_search_by_key(&(at as u32), |(candidate, _)| *candidate).ok();
        let places: Vec<Option<usize>> = order.iter().map(|at| place(*at)).collect();
        let wanted = (0..).zip(&places).filter(|(_, place)| place.is_some()).map(|(candidate, _)| candidate);
        for told in costed::rejections_of(&problem, known, wanted, steps_max) {
            let costed::Loser { candidate, reason, exact } = told;
            if let Some(place) = places[candidate as usize] {
                losers[asked[place].1 as usize].why = Why::Outweighed { reason, exact };
            }
        }
    }

    /// Why a node could not even be a candidate.
    fn no_candidate(&self, node: NodeIndex) -> Why {
        let fenced = self.evidence.fenced.iter().find(|(fenced, _)| *fenced == node);
        match fenced {
            Some((_, reason)) => Why::Fenced(*reason),
            None if self.evidence.truncated => Why::NotRecorded,
            None => Why::NoStock,
        }
    }

    /// The kernel's problem, from what was recorded of it.
    pub fn restate(&self, problem: &mut Problem) {
        let seen = &self.evidence.sight;
        problem.clear(seen.slots(), self.tariff());
        for line in seen.lines() {
            problem.add_line(line.quantity, line.unit_weight_g, line.needs());
        }
        let candidate = |(node, distance_m): (NodeIndex, u32)| Candidate { node: node.0, distance_m };
        problem.candidates.extend(seen.candidates().map(candidate));
        problem.available.extend_from_slice(seen.available());
    }

    /// The tariff that was recorded; none where the kernel in full decided.
    fn tariff(&self) -> Tariff {
        match self.evidence.priced {
            Priced::Tariff(per_shipment, micro_per_kg_km, split) => Tariff { per_shipment, micro_per_kg_km, split },
            Priced::Weighed(_) => Tariff::default(),
        }
    }

    /// Whether its plan is proven to be the best of what was recorded.
    pub(super) fn is_best_of_seen(&self) -> bool {
        if self.evidence.truncated || self.evidence.sight.is_empty() {
            return false;
        }
        if let Some(weighed) = self.evidence.weighed() {
            let (problem, _) = self.restate_weighed(weighed);
            return problem.fits() && costed::solve(&problem, &mut costed::Workspace::default()).optimal;
        }
        let (mut problem, mut plan) = (Problem::default(), Plan::default());
        self.restate(&mut problem);
        self.replan(&mut plan);
        let best = sourcing::solve(&problem, &mut sourcing::Workspace::default());
        best.optimal && (&best.unfilled, best.cost) == (&plan.unfilled, plan.cost)
    }

    /// The part of the plan that the recorded problem speaks of.
    pub(super) fn replan(&self, plan: &mut Plan) {
        let seen = &self.evidence.sight;
        plan.clear();
        let line_of = |line: u16| seen.lines().position(|l| l.line == line).map(|at| at as u32);
        for assignment in &self.assignments {
            let parts =
                assignment.lines.iter().filter_map(|u| Some(Part { line: line_of(u.line)?, quantity: u.quantity }));
            if let Ok(candidate) = seen.find(assignment.node) {
                let first = plan.parts.len();
                plan.parts.extend(parts);
                let (candidate, parts) = (candidate as u32, first..plan.parts.len());
                if !parts.is_empty() {
                    plan.assignments.push(sourcing::Assignment { candidate, parts, cost: assignment.cost });
                }
            }
        }
        let split = self.tariff().split * (plan.assignments.len() as i64 - 1).max(0);
        plan.cost = plan.assignments.iter().map(|a| a.cost).sum::<i64>() + split;
        let unfilled = |u: &LineUnits| Some(sourcing::Unfilled { line: line_of(u.line)?, quantity: u.quantity });
        plan.unfilled.extend(self.unfilled.iter().filter_map(unfilled));
        (plan.lower_bound, plan.optimal) = (self.lower_bound.min(plan.cost), self.optimal);
    }
}
