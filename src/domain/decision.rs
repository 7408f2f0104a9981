//! A sourcing decision: the plan, its cost by term, and what the solver saw.
//!
//! Reasons for losing nodes are computed from what was seen, on reading, not on the hot path.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::catalogue::Catalogue;
use super::geo::Position;
use super::ids::{NodeIndex, Text};
use super::money::Money;
use super::node::NodeKind;
use super::sourcing::{self, Candidate, DemandLine, Need, Part, Plan, Problem, Reason, Tariff};

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

/// Demand of one line, as the solver saw it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SeenLine {
    /// Position of the line in the order.
    pub line: u16,
    /// Units wanted.
    pub quantity: u32,
    /// Weight of one unit, grams.
    pub unit_weight_g: u64,
    /// What one unit needs: position of the sku among those seen, and units of it.
    pub needs: Vec<(u16, u32)>,
}

/// What the solver saw.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Demand.
    pub lines: Vec<SeenLine>,
    /// How many skus were wanted.
    pub slots: u16,
    /// Candidate nodes, each with its distance in metres; what they had stands in `available`.
    pub candidates: Vec<(NodeIndex, u32)>,
    /// Units available, `slots` per candidate in their order.
    pub available: Vec<u32>,
    /// Nodes that were switched off or fenced for this order.
    pub fenced: Vec<(NodeIndex, FenceReason)>,
    /// Where it goes.
    pub destination: Option<Position>,
    /// How many nodes there were.
    pub nodes: u32,
    /// Whether candidates were left out to keep the record within its bound (the nearest are kept).
    pub truncated: bool,
    /// Tariff: per shipment, millionths per kilogram and kilometre, split.
    pub tariff: (i64, i64, i64),
}

/// Why a node could not be a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FenceReason {
    /// Switched off.
    Inactive,
    /// It rejected this order, or could not pick it.
    RejectedThisOrder,
}

/// A decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Name of the rule set.
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
    /// What the solver saw.
    pub evidence: Evidence,
}

/// A node that is not in the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Losing {
    /// Which.
    pub node: NodeIndex,
    /// Metres to the destination, where it is known.
    pub distance_m: Option<u64>,
}

/// A node that is not in the plan, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loser {
    /// Which.
    pub node: NodeIndex,
    /// Metres to the destination, where it is known.
    pub distance_m: Option<u64>,
    /// Stable word: `no_stock`, `inactive`, `rejected_this_order`, `partial_stock`, `costlier`, `tied`.
    pub reason: &'static str,
    /// In words.
    pub detail: String,
    /// What the cheapest plan with this node costs more, minor units of the base currency.
    pub costlier_by: Option<i64>,
    /// Whether `costlier_by` is exact; else it is an upper estimate.
    pub exact: bool,
}

/// Word, words, what it costs more, whether that is exact.
type Why = (&'static str, String, Option<i64>, bool);

/// Steps that the tables for partial nodes may take for a reply: about a millisecond.
const REPLY_STEPS_MAX: u64 = 1 << 16;

impl Decision {
    /// Nodes that are not in the plan, the nearest first.
    pub fn losing(&self, catalogue: &Catalogue) -> Vec<Losing> {
        let nodes = (0..self.evidence.nodes).map(NodeIndex).filter(|node| node.at() < catalogue.nodes().len());
        let supplies = |node: &NodeIndex| catalogue.node(*node).kind != NodeKind::Virtual;
        let used = |node: &NodeIndex| self.assignments.iter().any(|a| a.node == *node);
        let metres = |node| self.evidence.destination.map(|to| catalogue.node(node).position.metres_to(to));
        let losing = |node| Losing { node, distance_m: metres(node) };
        let mut losing: Vec<_> = nodes.filter(supplies).filter(|node| !used(node)).map(losing).collect();
        losing.sort_by_key(|losing| (losing.distance_m.unwrap_or(u64::MAX), losing.node));
        losing
    }

    /// Why they lost. Computed from what the solver saw; can take more than a second, so hold nothing meanwhile.
    pub fn losers(&self, losing: &[Losing]) -> Vec<Loser> {
        self.explain(losing, sourcing::STEPS_MAX)
    }

    /// Why they lost, in about the time that the decision took; amounts that would take longer are estimates.
    pub fn losers_soon(&self, losing: &[Losing]) -> Vec<Loser> {
        self.explain(losing, REPLY_STEPS_MAX)
    }

    fn explain(&self, losing: &[Losing], steps_max: u64) -> Vec<Loser> {
        let mut reasons = self.reasons(&losing.iter().map(|losing| losing.node).collect(), steps_max);
        let loser = |losing: &Losing| {
            let why = reasons.remove(&losing.node).unwrap_or_else(|| self.no_candidate(losing.node));
            let (reason, detail, costlier_by, exact) = why;
            Loser { node: losing.node, distance_m: losing.distance_m, reason, detail, costlier_by, exact }
        };
        losing.iter().map(loser).collect()
    }

    /// Reasons of those nodes whose stock the solver saw.
    fn reasons(&self, asked: &HashSet<NodeIndex>, steps_max: u64) -> HashMap<NodeIndex, Why> {
        let (problem, plan) = (self.problem(), self.plan());
        let node = |candidate: u32| NodeIndex(problem.candidates[candidate as usize].node);
        let lost = sourcing::rejections_of(&problem, &plan, |candidate| asked.contains(&node(candidate)), steps_max);
        let told = lost.into_iter().map(|lost| {
            let (reason, detail, by) = self.in_words(&lost.reason);
            (node(lost.candidate), (reason, detail, by, lost.exact))
        });
        told.collect()
    }

    /// Why a node could not even be a candidate.
    fn no_candidate(&self, node: NodeIndex) -> Why {
        let fenced = self.evidence.fenced.iter().find(|(fenced, _)| *fenced == node);
        let (reason, detail) = match fenced {
            Some((_, FenceReason::Inactive)) => ("inactive", "switched off"),
            Some((_, FenceReason::RejectedThisOrder)) => {
                ("rejected_this_order", "rejected this order, or could not pick it")
            }
            None if self.evidence.truncated => {
                ("not_recorded", "farther than the nodes whose stock was recorded, or has none of it")
            }
            None => ("no_stock", "has none of what is wanted"),
        };
        (reason, detail.to_owned(), None, true)
    }

    fn in_words(&self, reason: &Reason) -> (&'static str, String, Option<i64>) {
        let money = |by: i64| Money { amount: by, currency: self.cost.currency };
        match *reason {
            Reason::NoStock => ("no_stock", "has nothing that any line could take".to_owned(), None),
            Reason::Tied => ("tied", "costs the same; the plan's nodes are nearer or came first".to_owned(), Some(0)),
            Reason::Costlier { by } => {
                ("costlier", format!("the cheapest plan with it costs {} more", money(by)), Some(by))
            }
            Reason::PartialStock { units, of, by } => {
                let detail = format!("has {units} of {of} units; the cheapest plan with it costs {} more", money(by));
                ("partial_stock", detail, Some(by))
            }
        }
    }

    /// The kernel's problem, from what was recorded of it.
    fn problem(&self) -> Problem {
        let seen = &self.evidence;
        let slots = usize::from(seen.slots);
        let line = |line: &SeenLine| DemandLine {
            quantity: line.quantity,
            unit_weight_g: line.unit_weight_g,
            needs: line.needs.iter().map(|(slot, per_unit)| Need { slot: *slot, per_unit: *per_unit }).collect(),
        };
        let candidates = seen.candidates.iter().enumerate().map(|(at, (node, metres))| Candidate {
            node: node.0,
            distance_m: u64::from(*metres),
            available: seen.available[at * slots..(at + 1) * slots].to_vec(),
        });
        let (per_shipment, micro_per_kg_km, split) = seen.tariff;
        Problem {
            slots,
            lines: seen.lines.iter().map(line).collect(),
            candidates: candidates.collect(),
            tariff: Tariff { per_shipment, micro_per_kg_km, split },
        }
    }

    /// The part of the plan that the recorded problem speaks of.
    fn plan(&self) -> Plan {
        let seen = &self.evidence;
        let line_of = |line: u16| seen.lines.iter().position(|l| l.line == line).map(|at| at as u32);
        let mut assignments = Vec::new();
        for assignment in &self.assignments {
            let parts: Vec<Part> = assignment
                .lines
                .iter()
                .filter_map(|u| Some(Part { line: line_of(u.line)?, quantity: u.quantity }))
                .collect();
            let candidate = seen.candidates.iter().position(|(node, _)| *node == assignment.node);
            if let Some(candidate) = candidate
                && !parts.is_empty()
            {
                let cost = assignment.cost;
                assignments.push(sourcing::Assignment { candidate: candidate as u32, parts, cost });
            }
        }
        let split = seen.tariff.2 * (assignments.len() as i64 - 1).max(0);
        let cost = assignments.iter().map(|a| a.cost).sum::<i64>() + split;
        let unfilled = self
            .unfilled
            .iter()
            .filter_map(|u| Some(sourcing::Unfilled { line: line_of(u.line)?, quantity: u.quantity }));
        let unfilled = unfilled.collect();
        let (lower_bound, optimal) = (self.lower_bound.min(cost), self.optimal);
        Plan { assignments, unfilled, cost, terms: sourcing::Terms::default(), lower_bound, optimal }
    }
}
