//! What the kernel in full answers: parcels, what they carry, what is left and why, and the money by cause.
//!
//! Promises: the cost is computed from the answer itself, with the problem's own figures, so no search can flatter itself.
//!
//! Not here: choosing.

use std::ops::Range;

use super::super::problem::Part;
use super::frame::Frame;
use super::problem::Problem;

/// Who ships what, what it costs and how good it is proven to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The parcels, in the order of their candidates.
    pub shipments: Vec<Shipment>,
    /// What they carry, parcel by parcel, each in line order.
    pub parts: Vec<Part>,
    /// What does not ship, in line order; a line can appear once for each cause.
    pub unfilled: Vec<Unfilled>,
    /// Sum of `terms`, minor units.
    pub cost: i64,
    /// The cost by cause.
    pub terms: Terms,
    /// No plan costs less than this, minor units; where filling comes first, none that fills as much. Equals `cost` when
    /// `optimal`.
    pub lower_bound: i64,
    /// Proven: no plan is better.
    pub optimal: bool,
}

impl Plan {
    /// What one of its parcels carries, in line order.
    pub fn parts_of(&self, shipment: &Shipment) -> &[Part] {
        &self.parts[shipment.parts.clone()]
    }

    /// How much less the best plan may cost at most, minor units.
    pub fn gap(&self) -> i64 {
        self.cost - self.lower_bound
    }

    fn clear(&mut self) {
        let Self { mut shipments, mut parts, mut unfilled, .. } = std::mem::take(self);
        shipments.clear();
        parts.clear();
        unfilled.clear();
        *self = Self { shipments, parts, unfilled, ..Self::default() };
    }
}

/// One parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shipment {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// The service that carries it, by the caller's number.
    pub service: u32,
    /// What it carries: a range of the plan's `parts`.
    pub parts: Range<usize>,
    /// Its handling and service, without units and split, minor units.
    pub cost: i64,
}

/// Units of one line that do not ship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// Index into the problem's lines.
    pub line: u32,
    /// Units, never zero.
    pub quantity: u32,
    /// Why.
    pub cause: Cause,
}

/// Why units do not ship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No candidate can give them.
    NoStock,
    /// Filling them costs more than leaving them.
    Uneconomic,
    /// Some candidate could give them, but not beside the rest: what lines share, what a node can pick, how many parcels
    /// there may be, what must ship together or in full.
    OutOfReach,
}

/// The cost of a plan by cause, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Handling of parcels.
    pub handling: i64,
    /// Services, with what they cost beside.
    pub carriage: i64,
    /// Units, by what they cost where they come from.
    pub units: i64,
    /// Parcels beyond the first.
    pub split: i64,
    /// Units left, where they have a price.
    pub shortage: i64,
}

impl Terms {
    fn total(&self) -> i64 {
        self.handling + self.carriage + self.units + self.split + self.shortage
    }
}

/// Units of one line in a parcel: what every search answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Take {
    pub node: usize,
    /// Tells the parcels of a node apart.
    pub parcel: usize,
    pub line: usize,
    pub units: u32,
}

/// Builds the plan; bound, proof and causes beyond missing stock are left for the caller. Sorts `takes`.
pub(super) fn assemble(problem: &Problem, frame: &Frame, takes: &mut [Take], plan: &mut Plan) {
    plan.clear();
    takes.sort_unstable();
    for parcel in takes.chunk_by(|a, b| (a.node, a.parcel) == (b.node, b.parcel)) {
        let candidate = frame.nodes[parcel[0].node].candidate;
        let first = plan.parts.len();
        let mut grams = 0_u64;
        for take in parcel {
            let units = i64::from(take.units);
            plan.terms.units += problem.unit_cost(candidate, take.line) * units;
            grams = grams.saturating_add(problem.lines[take.line].unit_weight_g.saturating_mul(u64::from(take.units)));
            plan.parts.push(Part { line: take.line as u32, quantity: take.units });
        }
        let bracket = problem.rates.bracket(0, grams);
        let (service, asks) = problem.cheapest(candidate, bracket).expect("a parcel has a service that carries it");
        let handling = problem.candidates[candidate].per_shipment;
        plan.terms.handling += handling;
        plan.terms.carriage += asks;
        let parts = first..plan.parts.len();
        plan.shipments.push(Shipment { candidate: candidate as u32, service, parts, cost: handling + asks });
    }
    plan.terms.split = problem.split * (plan.shipments.len() as i64 - 1).max(0);
    for (number, line) in problem.lines.iter().enumerate() {
        let shipped: u32 = takes.iter().filter(|take| take.line == number).map(|take| take.units).sum();
        let left = line.quantity - shipped;
        if left > 0 {
            plan.terms.shortage += frame.shortage_cost(problem, number, u64::from(left));
            let no_stock = (line.quantity - frame.fillable[number]).min(left);
            let causes = [(no_stock, Cause::NoStock), (left - no_stock, Cause::OutOfReach)];
            let some = causes.into_iter().filter(|(quantity, _)| *quantity > 0);
            plan.unfilled.extend(some.map(|(quantity, cause)| Unfilled { line: number as u32, quantity, cause }));
        }
    }
    plan.cost = plan.terms.total();
}
