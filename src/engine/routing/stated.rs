//! An order's question as the kernel in full is asked it, without the answer: for those who ask for many orders together.
//!
//! Bounds: [`UNITS_MAX`] units, and by a tariff those of `sourcing::by_tariff`; of more nothing is stated.

use super::super::fences::Fencing;
use super::super::network::Network;
use super::{ROUTING, Wanted, shipment, weighed};
use crate::domain::decision::LineUnits;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::sourcing::by_tariff;
use crate::domain::sourcing::costed::Problem;

/// Most units of an order that is asked about.
const UNITS_MAX: u64 = 1_000;

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
                let listed = &routing.problem;
                let (problem, order) = by_tariff(listed, wanted.rules.shipments_max.map(u32::from))?;
                let nodes = order.into_iter().map(|at| NodeIndex(listed.candidates[at].node));
                (problem, nodes.collect(), true)
            }
        };
        problem.fits().then_some(Stated { problem, nodes, slots, is_exact })
    })
}
