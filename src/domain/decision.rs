//! A sourcing decision: the plan, its cost by term, and what the solver saw.
//!
//! Reasons for losing nodes are computed from what was seen, on reading, not on the hot path.

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, Text};
use super::money::Money;

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
