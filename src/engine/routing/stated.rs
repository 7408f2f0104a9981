//! An order's question as the kernel in full is asked it, without the answer: for those who ask for many orders together.
//!
//! By a tariff a parcel costs its charge, and its way and weight, whatever it holds: a bracket for every weight that a parcel
//! of the order can have, so nothing is rounded otherwise than for one order alone.
//!
//! Bounds: [`UNITS_MAX`] units and [`WEIGHTS_MAX`] different weights; of more nothing is stated.

use std::collections::BTreeSet;

use super::super::fences::Fencing;
use super::super::network::Network;
use super::{ROUTING, Wanted, shipment, weighed};
use crate::domain::decision::LineUnits;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::rules::applied::AppliedRules;
use crate::domain::sourcing::Problem as Listed;
use crate::domain::sourcing::costed::{Candidate, FIGURE_MAX, Filling, Line, Offer, Problem, Rates};
use crate::domain::weighed::nearest_first;

/// Most units of an order that is asked about.
const UNITS_MAX: u64 = 1_000;
/// Most different weights of a parcel of it.
const WEIGHTS_MAX: usize = 512;

/// A question.
pub struct Stated {
    /// The kernel's problem.
    pub problem: Problem,
    /// The node of every candidate.
    pub nodes: Vec<NodeIndex>,
    /// The sku of every slot.
    pub slots: Vec<SkuIndex>,
    /// Whether nothing was taken for dearer than it is.
    pub is_exact: bool,
}

/// States units of an order that go to one destination, whatever days are full. `None` where that cannot be said.
pub fn stated(network: &Network, wanted: &Wanted<'_>, group: u16, units: &[LineUnits]) -> Option<Stated> {
    if units.iter().map(|u| u64::from(u.quantity)).sum::<u64>() > UNITS_MAX {
        return None;
    }
    let destination = wanted.destinations.get(usize::from(group)).copied().flatten();
    let fencing = Fencing::of(network, wanted.rules, shipment(wanted, group, destination), units, std::iter::empty());
    let fencing = fencing.map(Fencing::whatever_days_are_full);
    ROUTING.with_borrow_mut(|routing| {
        routing.list(network, wanted, units, destination, (fencing.as_ref(), None));
        let slots = routing.slots.clone();
        let (problem, nodes, is_exact) = match &wanted.rules.weights {
            Some(weights) => {
                let asked = weighed::asked(network, wanted, weights, (group, units));
                routing.scales.state(&asked, &routing.problem)?;
                let (problem, nodes, is_exact) = routing.scales.stated();
                (problem.clone(), nodes.collect(), is_exact)
            }
            None => {
                let (problem, nodes) = by_tariff(wanted.rules, &routing.problem)?;
                (problem, nodes, true)
            }
        };
        problem.fits().then_some(Stated { problem, nodes, slots, is_exact })
    })
}

/// What was listed, by a tariff.
fn by_tariff(rules: &AppliedRules, listed: &Listed) -> Option<(Problem, Vec<NodeIndex>)> {
    let tariff = &listed.tariff;
    let figure = |amount: i64| amount.clamp(0, FIGURE_MAX - 1);
    let weights = weights_of(listed)?;
    let mut problem = Problem::default();
    problem.clear(listed.slots);
    problem.split = figure(tariff.split);
    problem.shipments_max = rules.shipments_max.map(u32::from);
    problem.filling = Filling::First;
    problem.rates = Rates::new(weights.clone());
    for (number, line) in listed.lines.iter().enumerate() {
        let own = Line { quantity: line.quantity, unit_weight_g: line.unit_weight_g, ..Line::default() };
        problem.add_line(own, listed.needs_of(number).iter().copied());
    }
    let seen = listed.candidates.iter().map(|candidate| (NodeIndex(candidate.node), candidate.distance_m));
    let mut nodes = Vec::with_capacity(listed.candidates.len());
    for at in nearest_first(seen) {
        let own = listed.candidates[at];
        let costs: Vec<i64> =
            weights.iter().map(|grams| figure(tariff.charge(own.distance_m, u128::from(*grams)))).collect();
        let table = problem.rates.add_table(&costs);
        let candidate = Candidate {
            node: own.node,
            per_shipment: figure(tariff.per_shipment),
            parcels_max: 1,
            ..Candidate::default()
        };
        let none = std::iter::repeat_n(0, listed.lines.len());
        problem.add_candidate(candidate, listed.has(at).iter().copied(), none, [Offer { service: 0, table, plus: 0 }]);
        nodes.push(NodeIndex(own.node));
    }
    Some((problem, nodes))
}

/// Every weight that a parcel can have, ascending.
fn weights_of(listed: &Listed) -> Option<Vec<u64>> {
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
