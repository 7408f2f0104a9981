//! From "node, group, units" to a plan a shop can read: shipments, lines, money.
//!
//! Promises: one assignment per candidate; lines of a group are served in line order, by candidates in candidate order;
//! for every line, assigned and unfilled add up to its quantity. The cost is computed from the result itself.
//!
//! Not here: choosing.

use super::demand::Demand;
use super::kernel::Take;
use super::problem::{Assignment, Part, Plan, Problem, Terms, Unfilled};

/// Builds the plan; `lower_bound` and `optimal` are left for the caller. Sorts `takes`.
pub(super) fn assemble(problem: &Problem, demand: &Demand, takes: &mut [Take], left: &mut Vec<u32>, plan: &mut Plan) {
    plan.clear();
    left.clear();
    left.extend(problem.lines.iter().map(|line| line.quantity));
    takes.sort_unstable();
    for shipment in takes.chunk_by(|a, b| a.node == b.node) {
        let first = plan.parts.len();
        for same in shipment.chunk_by(|a, b| a.group == b.group) {
            let units = same.iter().map(|take| take.units).sum();
            deal(demand.lines_of(same[0].group as usize), units, left, &mut plan.parts);
        }
        let parts = first..plan.parts.len();
        plan.parts[parts.clone()].sort_unstable_by_key(|part| part.line);
        let node = demand.nodes[shipment[0].node as usize];
        let distance = problem.tariff.charge(node.distance_m, weight(problem, &plan.parts[parts.clone()]));
        plan.terms.distance = plan.terms.distance.saturating_add(distance);
        let cost = problem.tariff.per_shipment + distance;
        plan.assignments.push(Assignment { candidate: node.candidate, parts, cost });
    }
    let shipments = plan.assignments.len() as i64;
    plan.terms.shipment = problem.tariff.per_shipment.saturating_mul(shipments);
    plan.terms.split = problem.tariff.split.saturating_mul((shipments - 1).max(0));
    plan.cost = total(&plan.terms);
    let missing = left.iter().enumerate().filter(|(_, quantity)| **quantity > 0);
    plan.unfilled.extend(missing.map(|(line, &quantity)| Unfilled { line: line as u32, quantity }));
}

/// Hands units to the lines that still want some, first line first.
fn deal(lines: &[u32], mut units: u64, left: &mut [u32], parts: &mut Vec<Part>) {
    for &line in lines {
        let wants = &mut left[line as usize];
        let quantity = u64::from(*wants).min(units) as u32;
        if quantity > 0 {
            *wants -= quantity;
            units -= u64::from(quantity);
            parts.push(Part { line, quantity });
        }
    }
    assert!(units == 0, "no more units are shipped than the lines want: {units} too many");
}

fn weight(problem: &Problem, parts: &[Part]) -> u128 {
    let grams = |part: &Part| u128::from(part.quantity) * u128::from(problem.lines[part.line as usize].unit_weight_g);
    parts.iter().map(grams).sum()
}

fn total(terms: &Terms) -> i64 {
    terms.shipment.saturating_add(terms.distance).saturating_add(terms.split)
}
