//! "And if this node had to ship?": asked of the tables of a whole demand, node after node.
//!
//! Promises: the cost of the cheapest plan in which the node ships something, exactly. Needs [`Kernel::tabulate`], with
//! every node, or without the one in question when it is partial.
//!
//! Cost: for a whole node a look at each way that may be cheapest, of which there are few (`list_front`) and which nodes
//! with the same groups share; for another a look at each state.
//!
//! Not here: the tables (`kernel`), what is made of the answer (`explain`).

use super::{Kernel, NEVER, Take};
use crate::domain::sourcing::demand::{Demand, Groups, Node};
use crate::domain::sourcing::problem::Problem;

impl Kernel {
    /// Whether the tables hold this node as one that may ship once: then a question about it needs tables without it.
    pub fn is_partial(&self, node: u32) -> bool {
        self.partial.iter().any(|partial| partial.at.node == node)
    }

    /// Cheapest plan in which `node` ships something, minor units; needs `tabulate`.
    pub fn forced(&mut self, problem: &Problem, demand: &mut Demand, node: u32) -> i64 {
        let Node { distance_m, has, fills, .. } = demand.nodes[node as usize];
        let all_ship = self.best_cost[self.states() - 1] < NEVER;
        let cheapest = if all_ship && has == fills && demand.in_short() && !demand.coupled {
            self.list_front(has);
            let fixed = problem.tariff.fixed();
            let ask = |&(grams, rest): &(u64, i64)| fixed + demand.pricing.charge(distance_m, grams) + rest;
            self.front.iter().map(ask).min().unwrap_or(NEVER)
        } else {
            self.forced_any(problem, demand, node)
        };
        (cheapest - problem.tariff.split).min(NEVER)
    }

    /// The same before the split, for any node, state by state.
    fn forced_any(&mut self, problem: &Problem, demand: &mut Demand, node: u32) -> i64 {
        let most = self.most_units();
        // A state may be out of reach of these tables and in reach once the node helps.
        let targets: Vec<usize> = (0..self.best.len()).filter(|&at| self.count[at] == most).collect();
        self.fill_column_of(problem, demand, node);
        let mut cheapest = NEVER;
        for ship in (1..self.best.len()).filter(|&ship| self.column[ship] < NEVER) {
            for &target in targets.iter().filter(|&&target| self.contains(target, ship)) {
                cheapest = cheapest.min(self.column[ship] + self.best_cost[target - ship]);
            }
        }
        cheapest
    }

    /// Lists what a whole node with these axes may be asked to ship of the full state: its weight, and the cost of the
    /// rest. Whatever the distance, a shipment is no use when another is no heavier and leaves no dearer a rest. The same
    /// for every node with these axes, so it is kept until one with others comes.
    fn list_front(&mut self, axes: Groups) {
        if self.front_of == Some(axes) {
            return;
        }
        self.front_of = Some(axes);
        self.front.clear();
        let rests = self.best_cost.iter().rev();
        let ways = self.weight.iter().zip(&self.support).zip(rests).skip(1);
        let can = ways.filter(|((_, support), rest)| **support & !axes == 0 && **rest < NEVER);
        self.front.extend(can.map(|((&grams, _), &rest)| (grams, rest)));
        self.front.sort_unstable();
        let mut least = NEVER;
        self.front.retain(|&(_, rest)| {
            let cheaper = rest < least;
            least = least.min(rest);
            cheaper
        });
    }

    /// What `node` ships in plans of at least so many units that, where they ship no more, cost no more than so much; each
    /// as units of groups. Needs [`Kernel::tabulate`] without the node. `None` when that takes more steps than are left.
    pub fn asked_within(
        &mut self,
        problem: &Problem,
        demand: &mut Demand,
        node: u32,
        (units, cost): (u64, i64),
        left: &mut u64,
    ) -> Option<Vec<Vec<Take>>> {
        self.fill_column_of(problem, demand, node);
        let states = self.states();
        let targets: Vec<usize> = (1..states).filter(|&at| u64::from(self.count[at]) >= units).collect();
        *left = left.checked_sub(targets.len() as u64 * states as u64)?;
        let is_good = |ship: usize, target: usize| {
            let whole = self.column[ship].saturating_add(self.best_cost[target - ship]) - problem.tariff.split;
            whole < NEVER && (u64::from(self.count[target]) > units || whole <= cost)
        };
        let ships = (1..states).filter(|&ship| self.column[ship] < NEVER);
        let asked = ships.filter(|&ship| targets.iter().any(|&at| self.contains(at, ship) && is_good(ship, at)));
        let takes = |ship: usize| {
            let digits = self.axes.iter().map(move |axis| (axis.group as u32, axis.digit(ship) as u64));
            digits.filter(|(_, units)| *units > 0).map(|(group, units)| Take { node, group, units }).collect()
        };
        Some(asked.map(takes).collect())
    }

    fn contains(&self, target: usize, state: usize) -> bool {
        self.axes.iter().all(|axis| axis.digit(target) >= axis.digit(state))
    }
}
