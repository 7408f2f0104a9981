//! A question with one tariff, put to the kernel in full: a bracket for every weight that a parcel of the order can have, so
//! that nothing is rounded otherwise than by the tariff itself.
//!
//! Bounds: [`UNITS_MAX`] units, [`WEIGHTS_MAX`] different weights, and charges that the kernel's figures hold; of more
//! nothing is stated.

use std::collections::BTreeSet;

use super::costed::{self, FIGURE_MAX, Filling, Line, Offer, Rates};
use super::problem::{Assignment, Part, Plan, Problem, Unfilled};

/// Most units of an order that is asked about.
const UNITS_MAX: u64 = 1_000;
/// Most different weights of a parcel of it.
const WEIGHTS_MAX: usize = 512;

/// The question with no more shipments than so many, and which of the listed candidates each of its own is: the nearest
/// first, as the kernel breaks ties.
pub fn by_tariff(listed: &Problem, shipments_max: Option<u32>) -> Option<(costed::Problem, Vec<usize>)> {
    if listed.lines.iter().map(|line| u64::from(line.quantity)).sum::<u64>() > UNITS_MAX {
        return None;
    }
    let tariff = &listed.tariff;
    let figure = |amount: i64| (0..FIGURE_MAX).contains(&amount).then_some(amount);
    let weights = weights_of(listed)?;
    let mut problem = costed::Problem::default();
    problem.clear(listed.slots);
    problem.split = figure(tariff.split)?;
    problem.shipments_max = shipments_max;
    problem.filling = Filling::First;
    problem.rates = Rates::new(weights.clone());
    for (number, line) in listed.lines.iter().enumerate() {
        let own = Line { quantity: line.quantity, unit_weight_g: line.unit_weight_g, ..Line::default() };
        problem.add_line(own, listed.needs_of(number).iter().copied());
    }
    let mut order: Vec<usize> = (0..listed.candidates.len()).collect();
    order.sort_by_key(|at| (listed.candidates[*at].distance_m, listed.candidates[*at].node));
    for at in &order {
        let own = listed.candidates[*at];
        let charges = weights.iter().map(|grams| figure(tariff.charge(own.distance_m.into(), u128::from(*grams))));
        let table = problem.rates.add_table(&charges.collect::<Option<Vec<i64>>>()?);
        let candidate = costed::Candidate {
            node: own.node,
            per_shipment: figure(tariff.per_shipment)?,
            parcels_max: 1,
            ..costed::Candidate::default()
        };
        let none = std::iter::repeat_n(0, listed.lines.len());
        problem.add_candidate(candidate, listed.has(*at).iter().copied(), none, [Offer { service: 0, table, plus: 0 }]);
    }
    Some((problem, order))
}

/// A plan of that question as one of the listed problem; `order` is what [`by_tariff`] answered.
pub(super) fn plan_of(listed: &Problem, order: &[usize], found: &costed::Plan, plan: &mut Plan) {
    plan.clear();
    let mut shipments: Vec<_> = found.shipments.iter().map(|sent| (order[sent.candidate as usize], sent)).collect();
    shipments.sort_unstable_by_key(|(candidate, _)| *candidate);
    for (candidate, sent) in shipments {
        let first = plan.parts.len();
        plan.parts.extend(found.parts_of(sent).iter().map(|own| Part { line: own.line, quantity: own.quantity }));
        plan.parts[first..].sort_unstable_by_key(|part| part.line);
        let parts = first..plan.parts.len();
        plan.assignments.push(Assignment { candidate: candidate as u32, parts, cost: sent.cost });
        plan.terms.shipment += listed.tariff.per_shipment;
        plan.terms.distance += sent.cost - listed.tariff.per_shipment;
    }
    plan.terms.split = found.terms.split;
    let mut left: Vec<Unfilled> = Vec::new();
    for own in &found.unfilled {
        match left.last_mut().filter(|known| known.line == own.line) {
            Some(known) => known.quantity += own.quantity,
            None => left.push(Unfilled { line: own.line, quantity: own.quantity }),
        }
    }
    plan.unfilled = left;
    (plan.cost, plan.lower_bound, plan.optimal) = (found.cost, found.lower_bound, found.optimal);
}

/// Every weight that a parcel can have, ascending.
fn weights_of(listed: &Problem) -> Option<Vec<u64>> {
    let mut weights = BTreeSet::from([0_u64]);
    for line in &listed.lines {
        let before: Vec<u64> = weights.iter().copied().collect();
        for units in 1..=u64::from(line.quantity) {
            let own = line.unit_weight_g.checked_mul(units)?;
            weights.extend(before.iter().map(|grams| grams.saturating_add(own)));
            if weights.len() > WEIGHTS_MAX {
                return None;
            }
        }
    }
    Some(weights.into_iter().collect())
}
