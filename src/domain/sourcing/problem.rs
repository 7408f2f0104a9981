//! What the kernel is asked and what it answers: demand, candidates, tariff, plan.
//!
//! Promises: integers only; money is in minor units, distance in metres, weight in grams. The price of a shipment is
//! computed here and nowhere else.
//!
//! Bounds: [`MONEY_MAX`] for the tariff's fixed charges, [`CHARGE_MAX`] for one shipment's distance charge.
//!
//! Everything of a kind lies in one list (needs of all lines, stock of all candidates, parts of all shipments), so that a
//! problem and a plan that are used again allocate nothing.
//!
//! Not here: orders, nodes, catalogue, rules. The caller has removed every node that may not serve the order and has
//! turned articles into slots; X units of a slot at a candidate are X units this order may really take.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Largest fixed charge a tariff may name, in minor units. Small enough that a million shipments still fit `i64`.
pub const MONEY_MAX: i64 = 1 << 42;

/// Largest distance charge of one shipment, in minor units. Anything dearer counts as this much.
pub const CHARGE_MAX: i64 = 1 << 52;

/// Denominator of an exact distance charge: metres × grams × millionths = 10¹² parts of (km × kg × one minor unit).
pub(super) const SCALE: u128 = 1_000_000_000_000;

/// A line of demand: `quantity` equal units, each needing `needs` from one node.
///
/// A product is one need of one; a kit names its components. A line that needs nothing can be met by any node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemandLine {
    /// Units wanted; zero is allowed and asks for nothing.
    pub quantity: u32,
    /// Grams of one unit.
    pub unit_weight_g: u64,
    /// What one unit takes, all of it from the same node: a range of the problem's `needs`.
    pub needs: Range<usize>,
}

/// So many of one slot for each unit of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Index into the problem's slots.
    pub slot: u16,
    /// Pieces of the slot for one unit of the line.
    pub per_unit: u32,
}

/// A node that may ship, with what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The caller's number of the node; the kernel never reads it.
    pub node: u32,
    /// Metres to the destination.
    pub distance_m: u32,
}

impl Candidate {
    /// A node so far away; no two places are farther apart than 2³² metres.
    pub fn new(node: u32, distance_m: u64) -> Self {
        Self { node, distance_m: u32::try_from(distance_m).unwrap_or(u32::MAX) }
    }
}

/// What shipping costs. No field may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// Minor units for each shipment, at most [`MONEY_MAX`].
    pub per_shipment: i64,
    /// Millionths of a minor unit for each kilogram and kilometre.
    pub micro_per_kg_km: i64,
    /// Minor units for each shipment beyond the first, at most [`MONEY_MAX`].
    pub split: i64,
}

impl Tariff {
    /// Distance charge of one shipment in minor units, rounded half up, at most [`CHARGE_MAX`].
    pub fn charge(&self, distance_m: u64, weight_g: u128) -> i64 {
        let rate = u128::from(self.micro_per_kg_km.unsigned_abs());
        let exact = u128::from(distance_m).saturating_mul(weight_g).saturating_mul(rate);
        let rounded = exact.saturating_add(SCALE / 2) / SCALE;
        i64::try_from(rounded).unwrap_or(CHARGE_MAX).min(CHARGE_MAX)
    }

    /// What one more shipment costs before its distance: its own charge and the split.
    pub(super) fn fixed(&self) -> i64 {
        self.per_shipment + self.split
    }

    pub(super) fn assert_sane(&self) {
        let money = 0..=MONEY_MAX;
        assert!(
            money.contains(&self.per_shipment) && money.contains(&self.split) && self.micro_per_kg_km >= 0,
            "a tariff is never negative and no fixed charge exceeds {MONEY_MAX}: {self:?}"
        );
    }
}

/// One order to source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// How many slots `Need::slot` and `available` speak of.
    pub slots: usize,
    /// What is wanted.
    pub lines: Vec<DemandLine>,
    /// What the lines need, line by line.
    pub needs: Vec<Need>,
    /// Who may ship; the order matters only for ties.
    pub candidates: Vec<Candidate>,
    /// Pieces this order may take, `slots` per candidate in their order.
    pub available: Vec<u32>,
    /// What shipping costs.
    pub tariff: Tariff,
}

impl Problem {
    /// Starts anew, with the memory of the problem before.
    pub fn clear(&mut self, slots: usize, tariff: Tariff) {
        (self.slots, self.tariff) = (slots, tariff);
        self.lines.clear();
        self.needs.clear();
        self.candidates.clear();
        self.available.clear();
    }

    /// Adds a line of demand.
    pub fn add_line(&mut self, quantity: u32, unit_weight_g: u64, needs: impl IntoIterator<Item = Need>) {
        let first = self.needs.len();
        self.needs.extend(needs);
        self.lines.push(DemandLine { quantity, unit_weight_g, needs: first..self.needs.len() });
    }

    /// Adds a candidate with what it has of every slot.
    pub fn add_candidate(&mut self, candidate: Candidate, available: impl IntoIterator<Item = u32>) {
        self.candidates.push(candidate);
        self.available.extend(available);
    }

    /// What one unit of a line needs.
    pub fn needs_of(&self, line: usize) -> &[Need] {
        &self.needs[self.lines[line].needs.clone()]
    }

    /// What a candidate has, by slot.
    pub fn has(&self, candidate: usize) -> &[u32] {
        &self.available[candidate * self.slots..(candidate + 1) * self.slots]
    }

    pub(super) fn assert_told(&self) {
        assert!(
            self.available.len() == self.candidates.len() * self.slots,
            "every candidate says what it has of every slot: {} figures of {} candidates and {} slots",
            self.available.len(),
            self.candidates.len(),
            self.slots
        );
    }
}

/// Who ships what, what it costs and how good it is proven to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// One shipment per candidate used, in candidate order.
    pub assignments: Vec<Assignment>,
    /// What the shipments carry, shipment by shipment, each in line order.
    pub parts: Vec<Part>,
    /// What nobody can ship, in line order.
    pub unfilled: Vec<Unfilled>,
    /// Sum of `terms`, minor units.
    pub cost: i64,
    /// The cost by cause.
    pub terms: Terms,
    /// No plan that fills as much costs less than this, minor units. Equals `cost` when `optimal`.
    pub lower_bound: i64,
    /// Proven: no plan fills more units, and none that fills as many is cheaper.
    pub optimal: bool,
}

impl Plan {
    /// What one of its shipments carries, in line order.
    pub fn parts_of(&self, assignment: &Assignment) -> &[Part] {
        &self.parts[assignment.parts.clone()]
    }

    /// Starts anew, with the memory of the plan before.
    pub fn clear(&mut self) {
        let Self { mut assignments, mut parts, mut unfilled, .. } = std::mem::take(self);
        assignments.clear();
        parts.clear();
        unfilled.clear();
        *self = Self { assignments, parts, unfilled, ..Self::default() };
    }
}

/// One shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// What it carries: a range of the plan's `parts`.
    pub parts: Range<usize>,
    /// Shipment charge and distance charge, without the split, minor units.
    pub cost: i64,
}

/// Units of one line in one shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Index into the problem's lines.
    pub line: u32,
    /// Units, never zero.
    pub quantity: u32,
}

/// Units of one line that no candidate ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfilled {
    /// Index into the problem's lines.
    pub line: u32,
    /// Units, never zero.
    pub quantity: u32,
}

/// The cost of a plan by cause, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Charges per shipment.
    pub shipment: i64,
    /// Charges by weight and distance.
    pub distance: i64,
    /// Charges for every shipment beyond the first.
    pub split: i64,
}
