//! The exact search: a partition of the demand over nodes, by dynamic programming over counts.
//!
//! A state says how many units of each group are shipped, in mixed radix: `quantity + 1` values a group. The cheapest
//! way to ship exactly a state is a last shipment plus the cheapest way to ship the rest. Equal units have no names, so
//! a line of 500 units has 501 states, not 2⁵⁰⁰.
//!
//! Two kinds of node:
//! - **whole**: has all that the order wants of every group it has at all. Two shipments from it can be joined, which
//!   never costs more (below), so it may serve any shipment, and of all whole nodes that have a set of groups only the
//!   nearest matters.
//! - **partial**: has less. It is folded in alone, at most once, with the shipments it can really give. A partial node
//!   farther than a whole node with the same groups is useless and dropped; so is one that as many nearer nodes outdo in
//!   everything as a plan can have shipments, for then one of these is always free to take over.
//!
//! Why joining never costs more: rounding half up gives round(a + b) ≤ round(a) + round(b) + 1, and a shipment less
//! saves `per_shipment + split`. When that is zero the argument fails, so then every node is treated as partial.
//!
//! Order of phases, each of which may end the search: one shipment against the bound of two; two against the bound of
//! three; all states of the whole nodes; one fold per partial node.
//!
//! Promises: the plan fills as much as can be filled and none that does costs less; ties go to the smaller total
//! distance, then to the set of candidates that has the lowest candidate in which the two differ.
//!
//! Bounds: [`PAIRS_MAX`] (state, shipment) pairs, which every order of up to 12 units keeps; [`STEPS_MAX`] steps in
//! folds, fewer when there are more units. Beyond them `solve` returns false. Past [`RANKS`] candidates that matter, the last tie goes by order
//! of search: still the same for the same problem.
//!
//! Not here: orders beyond the exact size (`subset`), the figures of the plan (`assemble`), and what a plan costs that must
//! use some node (`forced`).

mod forced;

use super::bound::Floor;
use super::demand::{Demand, Groups, Node};
use super::problem::Problem;

/// Pairs of a state and a shipment out of it: 3¹², what 12 different units make.
const PAIRS_MAX: u64 = 531_441;

/// Steps the folds of partial nodes may take for an order of up to [`UNITS_EXACT`] units (some tens of milliseconds).
const STEPS_MAX: u64 = 1 << 25;

/// Steps all folds may take for an order of more units, where the subset search is a good alternative.
const STEPS_MAX_MANY_UNITS: u64 = 1 << 18;

/// Orders of this many units or fewer are solved exactly whatever their shape, within [`STEPS_MAX`].
const UNITS_EXACT: u64 = 12;

/// Steps of folds from which on it pays to look for partial nodes that others outdo.
const THIN_OUT_STEPS: u64 = 1 << 13;

/// Choices remembered for walking back: (partial nodes) × (states).
const CHOICES_MAX: usize = 1 << 23;

/// Candidates with a bit of their own in the tie-break.
const RANKS: u32 = 128;

/// Cost of what cannot be done; two of them still fit.
pub(super) const NEVER: i64 = i64::MAX / 4;

const NOBODY: u32 = u32::MAX;

/// Units of one group from one node: what every search answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Take {
    pub node: u32,
    pub group: u32,
    pub units: u64,
}

/// A group that can be filled at all.
#[derive(Clone, Copy, Debug)]
struct Axis {
    group: usize,
    quantity: usize,
    stride: usize,
}

/// Nearest whole node with a set of groups; compared by distance, then candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    distance_m: u64,
    node: u32,
}

const NOWHERE: Near = Near { distance_m: u64::MAX, node: NOBODY };

/// A node that may be used once, with the axes it has.
#[derive(Clone, Copy, Debug)]
struct Partial {
    at: Near,
    mask: usize,
}

/// Cheapest way found to ship a state.
#[derive(Clone, Copy, Debug)]
struct Way {
    cost: i64,
    distance_m: u64,
    set: u128,
    choice: u32,
}

impl Way {
    const NONE: Self = Self { cost: NEVER, distance_m: u64::MAX, set: 0, choice: 0 };

    /// The tie-break: cost, total distance, then the set whose highest differing bit is set.
    fn beats(&self, other: &Self) -> bool {
        (self.cost, self.distance_m, other.set) < (other.cost, other.distance_m, self.set)
    }
}

/// The tables, reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    axes: Vec<Axis>,
    /// Nearest whole node of each set of axes that is all some node has, from near to far.
    whole: Vec<(Near, u32)>,
    /// By set of axes: place in `whole` of the nearest node that has them all; `NOBODY` when none has.
    near: Vec<u32>,
    partial: Vec<Partial>,
    /// By state: grams, set of axes, units.
    weight: Vec<u64>,
    support: Vec<u16>,
    count: Vec<u32>,
    /// By state: one shipment of exactly that, from the nearest whole node or from the node being folded.
    column: Vec<i64>,
    /// By state: the cheapest way so far; its cost apart, because that is what the inner loop reads.
    best: Vec<Way>,
    best_cost: Vec<i64>,
    /// What a whole node with the axes `front_of` may be asked to ship (`list_front`): grams, cost of the rest.
    front: Vec<(u64, i64)>,
    front_of: Option<Groups>,
    /// By fold and state: what the folded node ships, 0 when nothing.
    folded: Vec<u32>,
    /// Scratch: shipments out of a state, digits of a state, distance of the nearest node by axis, nearest whole
    /// node by exact set of axes, bit of each node in the tie-break.
    shipments: Vec<u32>,
    digits: Vec<usize>,
    nearest: Vec<u64>,
    exact: Vec<Near>,
    marks: Vec<u128>,
}

impl Kernel {
    /// Writes the best plan to `takes` and returns true, or returns false when the order is beyond the exact size.
    pub fn solve(&mut self, problem: &Problem, demand: &mut Demand, takes: &mut Vec<Take>) -> bool {
        takes.clear();
        if demand.pricing.outsized || !self.lay_axes(demand) {
            return false;
        }
        self.sort_nodes(problem, demand, None);
        self.note_nearest();
        let floor = self.floor(problem, demand);
        if self.one_shipment_wins(problem, demand, &floor, takes) {
            return true;
        }
        self.spread_near();
        if self.fold_steps(demand) > THIN_OUT_STEPS {
            let shipments = self.shipments_max(problem, demand, &floor);
            self.thin_out(problem, demand, shipments);
        }
        if !self.affordable(demand) {
            return false;
        }
        self.fill_columns(problem, demand);
        if self.two_shipments_win(&floor, takes) {
            return true;
        }
        self.run(problem, demand, demand.coupled);
        let target = self.target();
        self.walk_back(target, takes);
        true
    }

    /// Fills the tables for questions of the kind "and if this node had to ship": every state is solved, `without` one
    /// partial node if asked. Returns false beyond the exact size.
    pub fn tabulate(&mut self, problem: &Problem, demand: &mut Demand, without: Option<u32>) -> bool {
        if demand.pricing.outsized || !self.lay_axes(demand) {
            return false;
        }
        self.sort_nodes(problem, demand, without);
        self.spread_near();
        // A plan that must use some node may have more shipments than a best plan, but never more than units.
        self.thin_out(problem, demand, self.units() as usize);
        if !self.affordable(demand) {
            return false;
        }
        self.fill_columns(problem, demand);
        self.run(problem, demand, true);
        self.front_of = None;
        true
    }

    fn most_units(&self) -> u32 {
        (0..self.best.len()).filter(|&at| self.best_cost[at] < NEVER).map(|at| self.count[at]).max().unwrap_or(0)
    }

    /// Lays one axis per group that can be filled; false when there would be too many states.
    fn lay_axes(&mut self, demand: &Demand) -> bool {
        self.axes.clear();
        let (mut stride, mut pairs) = (1_u64, 1_u64);
        for (number, group) in demand.groups.iter().enumerate().filter(|(_, group)| group.quantity > 0) {
            let radix = group.quantity + 1;
            pairs = pairs.saturating_mul(radix.saturating_mul(radix + 1) / 2);
            if pairs > PAIRS_MAX {
                return false;
            }
            self.axes.push(Axis { group: number, quantity: group.quantity as usize, stride: stride as usize });
            stride *= radix;
        }
        true
    }

    /// Sorts the nodes into whole and partial and finds the nearest of each kind.
    fn sort_nodes(&mut self, problem: &Problem, demand: &mut Demand, without: Option<u32>) {
        let sets = 1_usize << self.axes.len();
        let joinable = problem.tariff.fixed() > 0;
        self.exact.clear();
        self.exact.resize(sets, NOWHERE);
        self.partial.clear();
        let in_short = demand.in_short();
        for node in 0..demand.nodes.len() {
            let Node { distance_m, has, fills, .. } = demand.nodes[node];
            let at = Near { distance_m, node: node as u32 };
            if without == Some(at.node) {
                continue;
            }
            let (mask, full) = if in_short { (usize::from(has), has == fills) } else { self.axes_of(demand, node) };
            let mut whole = full && joinable;
            if whole && demand.coupled {
                let all = self.axes.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
                whole = demand.fits(problem, node, all.map(|(_, axis)| (axis.group, axis.quantity as u64)));
            }
            if whole {
                self.exact[mask] = self.exact[mask].min(at);
            } else {
                self.partial.push(Partial { at, mask });
            }
        }
    }

    /// Notes the nearest node of each axis, for the first bound: nothing else is needed where one shipment wins.
    fn note_nearest(&mut self) {
        self.nearest.clear();
        self.nearest.resize(self.axes.len(), u64::MAX);
        let whole = self.exact.iter().enumerate().filter(|(_, near)| near.node != NOBODY);
        for (mask, near) in whole.chain(self.partial.iter().map(|partial| (partial.mask, &partial.at))) {
            let mut left = mask;
            while left != 0 {
                let nearest = &mut self.nearest[left.trailing_zeros() as usize];
                *nearest = near.distance_m.min(*nearest);
                left &= left - 1;
            }
        }
    }

    /// The axes a node has any of, and whether it has all that is wanted of each of these.
    fn axes_of(&self, demand: &Demand, node: usize) -> (usize, bool) {
        let caps = demand.caps_of(node);
        self.axes.iter().enumerate().fold((0, true), |(mask, whole), (bit, axis)| {
            let cap = caps[axis.group] as usize;
            (mask | usize::from(cap > 0) << bit, whole & (cap == 0 || cap >= axis.quantity))
        })
    }

    /// A node that has more groups serves every subset; a partial node behind such a node is dropped.
    fn spread_near(&mut self) {
        self.whole.clear();
        let known = self.exact.iter().enumerate().filter(|(_, near)| near.node != NOBODY);
        self.whole.extend(known.map(|(set, near)| (*near, set as u32)));
        self.whole.sort_unstable();
        self.near.clear();
        self.near.resize(self.exact.len(), NOBODY);
        for (place, (_, set)) in self.whole.iter().enumerate() {
            self.near[*set as usize] = place as u32;
        }
        for bit in (0..self.axes.len()).map(|bit| 1 << bit) {
            for block in self.near.chunks_exact_mut(2 * bit) {
                let (without, with) = block.split_at_mut(bit);
                without.iter_mut().zip(with).for_each(|(without, with)| *without = (*without).min(*with));
            }
        }
        let (whole, near) = (&self.whole, &self.near);
        self.partial.retain(|partial| match near[partial.mask] {
            NOBODY => true,
            place => partial.at < whole[place as usize].0,
        });
    }

    /// Nearest whole node that has all of a set of axes.
    fn near(&self, set: usize) -> Option<Near> {
        self.whole.get(self.near[set] as usize).map(|(near, _)| *near)
    }

    fn floor(&self, problem: &Problem, demand: &Demand) -> Floor {
        let pricing = &demand.pricing;
        let parts = |(axis, &distance_m): (&Axis, &u64)| {
            pricing.parts(distance_m, axis.quantity as u64 * demand.groups[axis.group].weight_g)
        };
        let known = self.nearest.iter().all(|&distance_m| distance_m < u64::MAX);
        let distance = if known { self.axes.iter().zip(&self.nearest).map(parts).sum() } else { 0 };
        Floor::new(&problem.tariff, distance)
    }

    fn one_shipment_wins(&self, problem: &Problem, demand: &Demand, floor: &Floor, takes: &mut Vec<Take>) -> bool {
        let Some(near) = self.exact.last().filter(|near| near.node != NOBODY) else { return false };
        let grams = self.axes.iter().map(|axis| axis.quantity as u64 * demand.groups[axis.group].weight_g).sum();
        let cost = problem.tariff.per_shipment + demand.pricing.charge(near.distance_m, grams);
        if cost >= floor.of_shipments(2) {
            return false;
        }
        let take = |axis: &Axis| Take { node: near.node, group: axis.group as u32, units: axis.quantity as u64 };
        takes.extend(self.axes.iter().map(take));
        true
    }

    /// Steps one more table like this one takes.
    pub fn steps(&self, demand: &Demand) -> u64 {
        self.fold_steps(demand).saturating_add(PAIRS_MAX.min((self.states() as u64).pow(2)))
    }

    fn units(&self) -> u64 {
        self.axes.iter().map(|axis| axis.quantity as u64).sum()
    }

    /// Steps the folds of the partial nodes will take.
    fn fold_steps(&self, demand: &Demand) -> u64 {
        self.partial.iter().fold(0_u64, |sum, partial| {
            let caps = demand.caps_of(partial.at.node as usize);
            let steps = self.axes.iter().fold(1_u64, |product, axis| {
                let (quantity, cap) = (axis.quantity as u64, u64::from(caps[axis.group]).min(axis.quantity as u64));
                product * ((cap + 1) * (cap + 2) / 2 + (quantity - cap) * (cap + 1))
            });
            sum.saturating_add(steps)
        })
    }

    /// Whether the folds stay within their steps and their memory.
    fn affordable(&self, demand: &Demand) -> bool {
        let steps_max = if self.units() <= UNITS_EXACT { STEPS_MAX } else { STEPS_MAX_MANY_UNITS };
        self.fold_steps(demand) <= steps_max && self.partial.len() * self.states() <= CHOICES_MAX
    }

    /// Drops partial nodes that so many nearer ones outdo in everything that one of these is always free to take over:
    /// as many as a plan can have `shipments`.
    fn thin_out(&mut self, problem: &Problem, demand: &Demand, shipments: usize) {
        self.partial.sort_unstable_by_key(|partial| partial.at);
        let mut kept = 0;
        for at in 0..self.partial.len() {
            let partial = self.partial[at];
            let outdoers =
                self.partial[..kept].iter().filter(|nearer| demand.outdoes(problem, nearer.at.node, partial.at.node));
            if outdoers.take(shipments).count() < shipments {
                self.partial[kept] = partial;
                kept += 1;
            }
        }
        self.partial.truncate(kept);
    }

    /// Most shipments a best plan can have: one a unit, and not more than the fixed charges of some plan pay for.
    fn shipments_max(&mut self, problem: &Problem, demand: &Demand, floor: &Floor) -> usize {
        let units = self.units() as usize;
        let fixed = problem.tariff.fixed();
        if demand.coupled || fixed == 0 {
            return units;
        }
        // Some plan: the node that adds most, until nothing is missing.
        self.digits.clear();
        self.digits.extend(self.axes.iter().map(|axis| axis.quantity));
        let mut cost = 0;
        while self.digits.iter().any(|&wanted| wanted > 0) {
            let adds = |node: usize, wanted: &[usize]| -> usize {
                let caps = demand.caps_of(node);
                self.axes.iter().zip(wanted).map(|(axis, &wanted)| wanted.min(caps[axis.group] as usize)).sum()
            };
            let most = (0..demand.nodes.len()).max_by_key(|&node| adds(node, &self.digits));
            let Some(node) = most.filter(|&node| adds(node, &self.digits) > 0) else { return units };
            let caps = demand.caps_of(node);
            let mut grams = 0;
            for (axis, wanted) in self.axes.iter().zip(&mut self.digits) {
                let take = (*wanted).min(caps[axis.group] as usize);
                *wanted -= take;
                grams += take as u64 * demand.groups[axis.group].weight_g;
            }
            cost += fixed + demand.pricing.charge(demand.nodes[node].distance_m, grams);
        }
        units.min(floor.shipments_within(cost) as usize)
    }

    fn states(&self) -> usize {
        self.axes.last().map_or(1, |axis| axis.stride * (axis.quantity + 1))
    }

    /// Weight, support and count of every state, and the price of shipping it from the nearest whole node.
    fn fill_columns(&mut self, problem: &Problem, demand: &Demand) {
        let states = self.states();
        self.weight.clear();
        self.support.clear();
        self.count.clear();
        self.weight.push(0);
        self.support.push(0);
        self.count.push(0);
        for (bit, axis) in self.axes.iter().enumerate() {
            let grams = demand.groups[axis.group].weight_g;
            for at in axis.stride..axis.stride * (axis.quantity + 1) {
                self.weight.push(self.weight[at - axis.stride] + grams);
                self.support.push(self.support[at - axis.stride] | 1 << bit);
                self.count.push(self.count[at - axis.stride] + 1);
            }
        }
        debug_assert_eq!(self.weight.len(), states);
        let (whole, near, fixed) = (&self.whole, &self.near, problem.tariff.fixed());
        self.column.clear();
        self.column.extend(self.weight.iter().zip(&self.support).map(|(&grams, &support)| {
            match whole.get(near[usize::from(support)] as usize) {
                None => NEVER,
                Some((near, _)) => fixed + demand.pricing.charge(near.distance_m, grams),
            }
        }));
        self.column[0] = NEVER;
        self.rank_nodes(demand.nodes.len());
    }

    /// Gives every node that matters a bit, the lowest candidate the highest.
    fn rank_nodes(&mut self, nodes: usize) {
        self.marks.clear();
        self.marks.resize(nodes, 0);
        let whole = self.whole.iter().map(|(near, _)| near.node);
        for node in whole.chain(self.partial.iter().map(|partial| partial.at.node)) {
            self.marks[node as usize] = 1;
        }
        let mut bit = 1_u128 << (RANKS - 1);
        for mark in self.marks.iter_mut().filter(|mark| **mark != 0) {
            *mark = bit;
            bit >>= 1;
        }
    }

    /// The best of one and two shipments, if no three can beat it. Only when no partial node is left.
    fn two_shipments_win(&mut self, floor: &Floor, takes: &mut Vec<Take>) -> bool {
        let Some(top) = self.axes.last().copied() else { return false };
        if !self.partial.is_empty() {
            return false;
        }
        let full = self.states() - 1;
        let mut best = if self.column[full] < NEVER { self.shipment(full) } else { Way::NONE };
        // The last unit of the top axis is in the shipment, so each pair is seen once when that axis has one unit.
        for ship in top.stride..full {
            let cost = self.column[ship] + self.column[full - ship];
            if cost <= best.cost && cost < NEVER {
                let way = join(self.shipment(ship), self.shipment(full - ship), ship);
                if way.beats(&best) {
                    best = way;
                }
            }
        }
        if best.cost >= NEVER || best.cost - floor.split() >= floor.of_shipments(3) {
            return false;
        }
        for ship in [best.choice as usize, full - best.choice as usize] {
            self.push_shipment(ship, takes);
        }
        true
    }

    /// One shipment of a state from its nearest whole node, which exists.
    fn shipment(&self, state: usize) -> Way {
        let (near, _) = self.whole[self.near[usize::from(self.support[state])] as usize];
        let set = self.marks[near.node as usize];
        Way { cost: self.column[state], distance_m: near.distance_m, set, choice: state as u32 }
    }

    /// Solves the states: `all`, or only those the full state is made of.
    fn run(&mut self, problem: &Problem, demand: &mut Demand, all: bool) {
        self.partition(all || !self.partial.is_empty());
        self.folded.clear();
        for fold in 0..self.partial.len() {
            self.fold(problem, demand, fold);
        }
    }

    /// Cheapest partition of every state into shipments of whole nodes. The first shipment split off holds a unit of
    /// the state's top axis, so a partition is not met in every order; the full state therefore needs none of the
    /// states that hold all of the top axis.
    fn partition(&mut self, all: bool) {
        let states = self.states();
        self.best.clear();
        self.best.resize(states, Way::NONE);
        self.best[0] = Way { cost: 0, distance_m: 0, set: 0, choice: 0 };
        self.best_cost.clear();
        self.best_cost.resize(states, NEVER);
        self.best_cost[0] = 0;
        for axis in 0..self.axes.len() {
            let Axis { stride, quantity, .. } = self.axes[axis];
            self.digits.clear();
            self.digits.resize(axis, 0);
            let skip = !all && axis + 1 == self.axes.len();
            for low in 0..stride {
                let digits = if skip && low + 1 < stride { quantity - 1 } else { quantity };
                if digits > 0 {
                    self.list_low(axis);
                }
                for digit in 1..=digits {
                    self.best_of(digit * stride + low, digit, stride);
                }
                step_up(&mut self.digits, &self.axes);
            }
        }
    }

    /// Lists all states below `self.digits` on the first `axes` axes.
    fn list_low(&mut self, axes: usize) {
        self.shipments.clear();
        self.shipments.push(0);
        for axis in 0..axes {
            let listed = self.shipments.len();
            for digit in 1..=self.digits[axis] {
                let offset = (digit * self.axes[axis].stride) as u32;
                self.shipments.extend_from_within(..listed);
                self.shipments[digit * listed..].iter_mut().for_each(|ship| *ship += offset);
            }
        }
    }

    /// Best way to ship `state`, whose top digit is `digit`; the listed low states go with each of its values.
    ///
    /// The loop looks at costs only. What decides a tie is fetched afterwards, when there was one.
    fn best_of(&mut self, state: usize, digit: usize, stride: usize) {
        let (mut least, mut choice, mut tied) = (NEVER, 0, false);
        for top in (1..=digit).map(|units| units * stride) {
            for &low in &self.shipments {
                let ship = top + low as usize;
                let cost = self.column[ship] + self.best_cost[state - ship];
                if cost <= least {
                    tied = cost == least;
                    (least, choice) = (cost, ship);
                }
            }
        }
        if least >= NEVER {
            return;
        }
        let way = |ship: usize| join(self.shipment(ship), self.best[state - ship], ship);
        let mut best = way(choice);
        if tied {
            let ships =
                (1..=digit).flat_map(|units| self.shipments.iter().map(move |low| units * stride + *low as usize));
            for ship in ships.filter(|&ship| self.column[ship] + self.best_cost[state - ship] == least) {
                let way = way(ship);
                if way.beats(&best) {
                    best = way;
                }
            }
        }
        self.best[state] = best;
        self.best_cost[state] = best.cost;
    }

    /// Lets one partial node take part once: from the largest state down, so that what is read does not hold it yet.
    fn fold(&mut self, problem: &Problem, demand: &mut Demand, fold: usize) {
        let at = self.partial[fold].at;
        self.fill_column_of(problem, demand, at.node);
        let caps = demand.caps_of(at.node as usize);
        let states = self.states();
        let base = self.folded.len();
        self.folded.resize(base + states, 0);
        for state in (1..states).rev() {
            self.digits.clear();
            self.digits.extend(self.axes.iter().map(|axis| axis.digit(state).min(caps[axis.group] as usize)));
            self.list_low(self.axes.len());
            let mut best = self.best[state];
            let before = best.cost;
            let mut taken = 0;
            for &ship in &self.shipments[1..] {
                let rest = state - ship as usize;
                let cost = self.column[ship as usize] + self.best_cost[rest];
                if cost <= best.cost && cost < NEVER {
                    let shipment = Way {
                        cost: self.column[ship as usize],
                        distance_m: at.distance_m,
                        set: self.marks[at.node as usize],
                        choice: 0,
                    };
                    let way = join(shipment, self.best[rest], 0);
                    if way.beats(&best) {
                        best = way;
                        taken = ship;
                    }
                }
            }
            if taken > 0 {
                debug_assert!(best.cost <= before);
                best.choice = self.best[state].choice;
                self.best[state] = best;
                self.best_cost[state] = best.cost;
                self.folded[base + state] = taken;
            }
        }
    }

    /// What one node asks for shipping each state alone; states it cannot give cost `NEVER`.
    fn fill_column_of(&mut self, problem: &Problem, demand: &mut Demand, node: u32) {
        let (fixed, distance_m) = (problem.tariff.fixed(), demand.nodes[node as usize].distance_m);
        let Self { axes, column, weight, .. } = self;
        for state in 1..weight.len() {
            let caps = demand.caps_of(node as usize);
            let mut gives = axes.iter().all(|axis| axis.digit(state) <= caps[axis.group] as usize);
            if gives && demand.coupled {
                gives = demand.fits(problem, node as usize, axes.iter().map(|a| (a.group, a.digit(state) as u64)));
            }
            column[state] = if gives { fixed + demand.pricing.charge(distance_m, weight[state]) } else { NEVER };
        }
    }

    /// The state to plan: the most units that can be shipped, the cheapest way.
    fn target(&self) -> usize {
        let full = self.states() - 1;
        if self.best_cost[full] < NEVER {
            return full;
        }
        let most = self.most_units();
        let mut target = 0;
        for state in (1..=full).filter(|&state| self.count[state] == most && self.best_cost[state] < NEVER) {
            if target == 0 || self.best[state].beats(&self.best[target]) {
                target = state;
            }
        }
        target
    }

    /// Reads the plan of a state out of the choices, last fold first.
    fn walk_back(&self, target: usize, takes: &mut Vec<Take>) {
        let states = self.states();
        let mut state = target;
        for fold in (0..self.partial.len()).rev() {
            let ship = self.folded[fold * states + state] as usize;
            if ship > 0 {
                self.push_takes(self.partial[fold].at.node, ship, takes);
                state -= ship;
            }
        }
        while state > 0 {
            let ship = self.best[state].choice as usize;
            self.push_shipment(ship, takes);
            state -= ship;
        }
    }

    /// A shipment from the nearest whole node.
    fn push_shipment(&self, ship: usize, takes: &mut Vec<Take>) {
        if let Some(near) = self.near(usize::from(self.support[ship])) {
            self.push_takes(near.node, ship, takes);
        }
    }

    fn push_takes(&self, node: u32, ship: usize, takes: &mut Vec<Take>) {
        for axis in &self.axes {
            let units = axis.digit(ship) as u64;
            if units > 0 {
                takes.push(Take { node, group: axis.group as u32, units });
            }
        }
    }
}

impl Axis {
    /// Units of this axis in a state.
    fn digit(&self, state: usize) -> usize {
        state / self.stride % (self.quantity + 1)
    }
}

/// A shipment more.
fn join(shipment: Way, rest: Way, ship: usize) -> Way {
    Way {
        cost: shipment.cost + rest.cost,
        distance_m: shipment.distance_m.saturating_add(rest.distance_m),
        set: shipment.set | rest.set,
        choice: ship as u32,
    }
}

/// The next state of the first `digits.len()` axes.
fn step_up(digits: &mut [usize], axes: &[Axis]) {
    for (digit, axis) in digits.iter_mut().zip(axes) {
        if *digit < axis.quantity {
            *digit += 1;
            return;
        }
        *digit = 0;
    }
}
