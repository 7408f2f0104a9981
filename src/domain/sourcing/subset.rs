//! Orders beyond the exact size: which set of nodes to open, with a bound that says how good the answer is.
//!
//! For a given set of open nodes the rest is easy: every group is taken from the nearest open node that has it, because
//! the price of a unit grows with distance only and a shipment's fixed charge does not depend on what is in it. So the
//! search is over sets:
//! 1. **First plans**: all nodes from near to far; the nearest node that has everything; largest cover first.
//! 2. **Local search**: close a node, open one, swap two, while it helps.
//! 3. **Prices**: a price per unit of each group. Any prices give a bound: what the demand is worth at them, less what
//!    each node would earn above its fixed charge (Lagrangian dual of facility location). A few steps of a subgradient
//!    improve them; every step also suggests a set of open nodes.
//! 4. **Proof**: at the best prices every node prefers to be open or closed by some amount, and a set that goes against
//!    preferences costs at least their sum more. Sets whose sum stays under the gap are tried, one after another; when
//!    all have been, the best found is best.
//!
//! Rounding: every shipment's fixed charge counts half a unit less in phases 3 and 4, which turns the bound into one on
//! rounded costs (see `bound`). A set whose rounded cost its own bound does not reach leaves `lower_bound` under `cost`,
//! and then the plan is not called optimal, although it may be.
//!
//! Promises: products are filled as far as stock goes. Where groups share slots (kits), each open node serves the groups
//! of fewest pieces first; whether that fills the most is proven only when every group gets its own maximum, and
//! otherwise nothing is called optimal.
//!
//! Bounds: [`VISITS_MAX`] looks at a (node, group) pair beyond the few passes that any answer needs. When they are used
//! up the best plan so far and the best bound so far are the answer.
//!
//! Not here: exact answers for small orders (`kernel`).

use super::bound::{Floor, whole_above};
use super::demand::{Demand, Group};
use super::kernel::Take;
use super::problem::{Problem, SCALE};

/// Looks at a (node, group) pair the search may take: about a millisecond.
pub(super) const VISITS_MAX: usize = 1 << 20;

/// Subgradient steps, if the visits last that long.
const PRICE_STEPS_MAX: usize = 60;

/// Steps without a better bound before the step is halved.
const PATIENCE: usize = 4;

/// One in the fixed-point numbers of the subgradient.
const ONE: i128 = 1 << 12;

/// A set of open nodes, evaluated.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Units filled.
    units: u64,
    /// Rounded cost with the fixed charges of the nodes that ship, minor units.
    cost: i64,
    /// Exact distance charges if groups did not share slots, in parts.
    relaxed: i128,
    /// Exact distance charges of the plan, in parts.
    exact: i128,
}

impl Tally {
    fn beats(&self, other: &Self) -> bool {
        self.units > other.units || self.units == other.units && self.cost < other.cost
    }
}

/// What the search can prove about its plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// No plan that fills as much costs less, minor units.
    pub lower_bound: i64,
    /// The fill is proven to be the most there is.
    pub fills_most: bool,
}

/// Search state, reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Subset {
    /// Nodes from near to far; a *rank* is an index here.
    order: Vec<u32>,
    /// Groups in the order a node serves them when they share slots.
    sequence: Vec<u32>,
    /// Ranks of the best set, ascending.
    best_open: Vec<u32>,
    best: Tally,
    /// Ranks of the set at hand, ascending.
    open: Vec<u32>,
    /// Units all groups can get one by one.
    full: u64,
    visits: usize,
    /// Scratch by group: units still wanted, and the same for the relaxation.
    wanted: Vec<u64>,
    wanted_relaxed: Vec<u64>,
    /// Scratch by slot: pieces left at a node.
    left: Vec<u64>,
    /// By rank in `open`: units given in the last tally.
    given: Vec<u64>,
    /// Dual prices by group, in parts per unit: at hand and best.
    price: Vec<i128>,
    supply: Vec<u64>,
    /// By rank: fixed charge less earnings at the prices at hand, and at the best.
    reduced: Vec<i128>,
    best_reduced: Vec<i128>,
    /// Ranks by how little they mind being flipped.
    flips: Vec<(i128, u32)>,
    /// Least that a tried set may cost, as far as proven.
    leaf_bound: i64,
}

impl Subset {
    /// Writes a plan to `takes` and says what is proven about it.
    pub fn solve(&mut self, problem: &Problem, demand: &Demand, takes: &mut Vec<Take>) -> Proof {
        self.prepare(demand);
        self.first_plans(problem, demand);
        self.improve(problem, demand, VISITS_MAX / 2);
        let mut lower_bound = self.floor(problem, demand);
        let forced = self.best.units == self.full;
        if forced && !demand.pricing.outsized && self.net(problem, self.best) > lower_bound {
            lower_bound = lower_bound.max(self.prove(problem, demand, lower_bound));
        }
        self.open.clone_from(&self.best_open);
        takes.clear();
        self.tally(problem, demand, Some(takes));
        Proof { lower_bound, fills_most: forced }
    }

    /// Cost of the cheapest plan found that uses `node` beside or instead of one of `used`, minor units; `fallback` is
    /// the cost when it gets a single unit of what others ship. Never less than the true figure.
    pub fn swap_in(&mut self, problem: &Problem, demand: &Demand, used: &[u32], node: u32, fallback: i64) -> i64 {
        let rank_of = |order: &[u32], node: u32| order.iter().position(|&known| known == node).unwrap_or(0) as u32;
        let newcomer = rank_of(&self.order, node);
        let mut ranks: Vec<u32> = used.iter().map(|&node| rank_of(&self.order, node)).collect();
        ranks.sort_unstable();
        self.open.clone_from(&ranks);
        let units = self.tally(problem, demand, None).units;
        let mut cheapest = fallback;
        for leaver in std::iter::once(None).chain(ranks.iter().map(Some)) {
            self.open.clone_from(&ranks);
            self.open.retain(|rank| Some(rank) != leaver);
            toggle(&mut self.open, newcomer);
            let tally = self.tally(problem, demand, None);
            let place = self.open.binary_search(&newcomer).unwrap_or(0);
            if tally.units == units && self.given[place] > 0 {
                cheapest = cheapest.min(self.net(problem, tally));
            }
        }
        cheapest
    }

    /// Orders nodes and groups for a new problem.
    pub fn prepare(&mut self, demand: &Demand) {
        let nodes = &demand.nodes;
        self.order.clear();
        self.order.extend(0..nodes.len() as u32);
        self.order.sort_by_key(|&node| nodes[node as usize].distance_m);
        self.sequence.clear();
        self.sequence.extend(0..demand.groups.len() as u32);
        if demand.coupled {
            self.sequence.sort_by_key(|&group| demand.pieces(group as usize));
        }
        self.full = demand.groups.iter().map(|group| group.quantity).sum();
        self.visits = 0;
        self.best = Tally::default();
        self.best_open.clear();
    }

    /// Minor units a set costs, the split of its first shipment taken off.
    fn net(&self, problem: &Problem, tally: Tally) -> i64 {
        if tally.units == 0 { 0 } else { tally.cost - problem.tariff.split }
    }

    /// Serves the demand from `self.open`, each group from near to far.
    fn tally(&mut self, problem: &Problem, demand: &Demand, mut takes: Option<&mut Vec<Take>>) -> Tally {
        let fixed = problem.tariff.fixed();
        let mut tally = Tally::default();
        self.wanted.clear();
        self.wanted.extend(demand.groups.iter().map(|group| group.quantity));
        if demand.coupled {
            self.wanted_relaxed.clone_from(&self.wanted);
        }
        self.given.clear();
        self.given.resize(self.open.len(), 0);
        for place in 0..self.open.len() {
            let node = self.order[self.open[place] as usize];
            let distance_m = demand.nodes[node as usize].distance_m;
            let before = tally.units;
            let grams = match (demand.coupled, takes.as_deref_mut()) {
                (false, None) => self.serve(demand, node, &mut tally.units),
                (coupled, takes) => self.serve_in_turn(problem, demand, node, coupled, &mut tally.units, takes),
            };
            self.given[place] = tally.units - before;
            self.visits += demand.groups.len();
            if tally.units > before {
                tally.cost += fixed + demand.pricing.charge(distance_m, grams);
                tally.exact += demand.pricing.parts(distance_m, grams) as i128;
            }
            if demand.coupled {
                let grams = self.relax(demand, node);
                tally.relaxed += demand.pricing.parts(distance_m, grams) as i128;
            } else if tally.units == self.full {
                break;
            }
        }
        if !demand.coupled {
            tally.relaxed = tally.exact;
        }
        tally
    }

    /// Takes from one node all that is wanted and there; returns grams.
    fn serve(&mut self, demand: &Demand, node: u32, units: &mut u64) -> u64 {
        let mut grams = 0;
        let row = demand.caps_of(node as usize);
        for ((wanted, &cap), group) in self.wanted.iter_mut().zip(row).zip(&demand.groups) {
            let take = u64::from(cap).min(*wanted);
            *wanted -= take;
            *units += take;
            grams += take * group.weight_g;
        }
        grams
    }

    /// The same for the relaxation in which groups do not share slots.
    fn relax(&mut self, demand: &Demand, node: u32) -> u64 {
        let mut grams = 0;
        let row = demand.caps_of(node as usize);
        for ((wanted, &cap), group) in self.wanted_relaxed.iter_mut().zip(row).zip(&demand.groups) {
            let take = u64::from(cap).min(*wanted);
            *wanted -= take;
            grams += take * group.weight_g;
        }
        grams
    }

    /// The same group by group in `sequence`, minding shared slots, and writing down who takes what.
    fn serve_in_turn(
        &mut self,
        problem: &Problem,
        demand: &Demand,
        node: u32,
        coupled: bool,
        units: &mut u64,
        mut takes: Option<&mut Vec<Take>>,
    ) -> u64 {
        let mut grams = 0;
        let row = demand.caps_of(node as usize);
        if coupled {
            let candidate = demand.nodes[node as usize].candidate as usize;
            self.left.clear();
            self.left.extend(problem.has(candidate).iter().map(|&has| u64::from(has)));
        }
        for &group in &self.sequence {
            let at = group as usize;
            let mut take = u64::from(row[at]).min(self.wanted[at]);
            if coupled && take > 0 {
                take = demand.makes(at, &self.left, take);
                demand.take(at, &mut self.left, take);
            }
            if take > 0 {
                self.wanted[at] -= take;
                *units += take;
                grams += take * demand.groups[at].weight_g;
                if let Some(takes) = takes.as_deref_mut() {
                    takes.push(Take { node, group, units: take });
                }
            }
        }
        grams
    }

    /// Evaluates `self.open` and keeps it if it is better; the nodes that ship nothing are dropped first.
    fn try_open(&mut self, problem: &Problem, demand: &Demand) -> Tally {
        let tally = self.tally(problem, demand, None);
        if tally.beats(&self.best) {
            self.best = tally;
            self.best_open.clear();
            let used = self.open.iter().zip(&self.given).filter(|(_, given)| **given > 0);
            self.best_open.extend(used.map(|(rank, _)| *rank));
        }
        tally
    }

    fn first_plans(&mut self, problem: &Problem, demand: &Demand) {
        self.open.clear();
        self.open.extend(0..self.order.len() as u32);
        self.try_open(problem, demand);
        self.visits = 0;
        if let Some(rank) = self.nearest_complete(demand) {
            self.open.clear();
            self.open.push(rank);
            self.try_open(problem, demand);
        }
        self.cover(problem, demand);
    }

    /// Nearest node that could fill every group alone.
    fn nearest_complete(&self, demand: &Demand) -> Option<u32> {
        let complete = |node: u32| {
            let row = demand.caps_of(node as usize);
            row.iter().zip(&demand.groups).all(|(&cap, group)| u64::from(cap) >= group.quantity)
        };
        (0..self.order.len() as u32).find(|&rank| complete(self.order[rank as usize]))
    }

    /// Opens the node that adds most units, the nearest of equals, until nothing is missing.
    fn cover(&mut self, problem: &Problem, demand: &Demand) {
        self.open.clear();
        let pass = self.order.len() * demand.groups.len();
        self.wanted.clear();
        self.wanted.extend(demand.groups.iter().map(|group| group.quantity));
        while self.visits + pass <= VISITS_MAX / 4 {
            self.visits += pass;
            let mut most = (0, 0);
            for rank in 0..self.order.len() as u32 {
                let row = demand.caps_of(self.order[rank as usize] as usize);
                let adds: u64 = row.iter().zip(&self.wanted).map(|(&cap, &wanted)| u64::from(cap).min(wanted)).sum();
                if adds > most.0 {
                    most = (adds, rank);
                }
            }
            if most.0 == 0 {
                break;
            }
            let row = demand.caps_of(self.order[most.1 as usize] as usize);
            self.wanted.iter_mut().zip(row).for_each(|(wanted, &cap)| *wanted -= u64::from(cap).min(*wanted));
            toggle(&mut self.open, most.1);
        }
        self.try_open(problem, demand);
    }

    /// Closes, opens and swaps nodes of the best set while that helps and visits are left.
    fn improve(&mut self, problem: &Problem, demand: &Demand, visits_max: usize) {
        let nodes = self.order.len() as u32;
        let mut better = true;
        while better && self.visits < visits_max {
            better = false;
            for rank in 0..nodes {
                better |= self.try_flips(problem, demand, &[rank], visits_max);
            }
            for place in 0..self.best_open.len() {
                for rank in 0..nodes {
                    let Some(&leaver) = self.best_open.get(place) else { break };
                    if self.best_open.binary_search(&rank).is_err() {
                        better |= self.try_flips(problem, demand, &[leaver, rank], visits_max);
                    }
                }
            }
        }
    }

    /// Tries the best set with some nodes flipped; true when that is the new best.
    fn try_flips(&mut self, problem: &Problem, demand: &Demand, ranks: &[u32], visits_max: usize) -> bool {
        if self.visits >= visits_max {
            return false;
        }
        self.open.clone_from(&self.best_open);
        ranks.iter().for_each(|&rank| toggle(&mut self.open, rank));
        let before = self.best;
        self.try_open(problem, demand);
        self.best.beats(&before)
    }

    /// The bound that needs no search: every unit from the nearest node that has one, in as few shipments as can be.
    fn floor(&mut self, problem: &Problem, demand: &Demand) -> i64 {
        if self.best.units == 0 {
            return 0;
        }
        if demand.pricing.outsized {
            return problem.tariff.per_shipment;
        }
        if self.best.units < self.full {
            return Floor::new(&problem.tariff, self.cheapest_units(demand)).of_shipments(1);
        }
        let shipments = if self.nearest_complete(demand).is_some() { 1 } else { 2 };
        self.open.clear();
        self.open.extend(0..self.order.len() as u32);
        let visits = self.visits;
        let relaxed = self.tally(problem, demand, None).relaxed;
        self.visits = visits;
        Floor::new(&problem.tariff, relaxed as u128).of_shipments(shipments)
    }

    /// Exact charge of the cheapest units, as many as the best plan fills, each from its nearest node: for when it is
    /// not known which groups a plan that fills the most would fill.
    fn cheapest_units(&self, demand: &Demand) -> u128 {
        let mut prices: Vec<(u128, u64)> = Vec::new();
        for (number, group) in demand.groups.iter().enumerate() {
            let has = |node: &&u32| demand.caps_of(**node as usize)[number] > 0;
            if let Some(&node) = self.order.iter().find(has) {
                let distance_m = demand.nodes[node as usize].distance_m;
                prices.push((demand.pricing.parts(distance_m, group.weight_g), group.quantity));
            }
        }
        prices.sort_unstable();
        let mut units = self.best.units;
        let mut sum = 0;
        for (parts, quantity) in prices {
            sum += parts * u128::from(quantity.min(units));
            units -= quantity.min(units);
        }
        sum
    }

    /// Prices, then the flips: returns the best bound on rounded costs.
    fn prove(&mut self, problem: &Problem, demand: &Demand, floor: i64) -> i64 {
        let bound = self.raise_prices(problem, demand, floor);
        let Some(bound) = bound else { return floor };
        let root = whole_above(bound).max(floor);
        if root >= self.net(problem, self.best) {
            return root.min(self.net(problem, self.best));
        }
        self.leaf_bound = i64::MAX;
        self.flips.clear();
        self.flips.extend(self.best_reduced.iter().enumerate().map(|(rank, cost)| (cost.abs(), rank as u32)));
        self.flips.sort_unstable();
        self.open.clear();
        let wanting = self.best_reduced.iter().enumerate().filter(|(_, cost)| **cost < 0);
        self.open.extend(wanting.map(|(rank, _)| rank as u32));
        let complete = self.flip(problem, demand, 0, bound);
        let proven = if complete { self.leaf_bound.min(self.net(problem, self.best)) } else { root };
        proven.max(root).min(self.net(problem, self.best))
    }

    /// Charge of opening one node in the bound: fixed, less the half unit its rounding may give back.
    fn toll(problem: &Problem) -> i128 {
        i128::from(problem.tariff.fixed()) * SCALE as i128 - SCALE as i128 / 2
    }

    /// Subgradient ascent; leaves the reduced costs of the best prices and returns their bound, in parts.
    fn raise_prices(&mut self, problem: &Problem, demand: &Demand, floor: i64) -> Option<i128> {
        let pass = self.order.len() * demand.groups.len() + 1;
        if self.visits + pass > VISITS_MAX * 3 / 4 {
            return None;
        }
        self.start_prices(demand);
        let mut best: Option<i128> = None;
        let (mut damping, mut stalled) = (0, 0);
        for _ in 0..PRICE_STEPS_MAX {
            if self.visits + pass > VISITS_MAX * 3 / 4 {
                break;
            }
            self.visits += pass;
            let bound = self.bound_at_prices(problem, demand);
            stalled += 1;
            if best.is_none_or(|best| bound > best) {
                stalled = 0;
                best = Some(bound);
                self.best_reduced.clone_from(&self.reduced);
                self.open.clear();
                let wanting = self.reduced.iter().enumerate().filter(|(_, cost)| **cost < 0);
                self.open.extend(wanting.map(|(rank, _)| rank as u32));
                self.try_open(problem, demand);
            }
            let cost = self.net(problem, self.best);
            if whole_above(bound).max(floor) >= cost {
                break;
            }
            if stalled == PATIENCE {
                (damping, stalled) = (damping + 1, 0);
            }
            if !self.step(demand, (i128::from(cost) * SCALE as i128 - bound) >> damping) {
                break;
            }
        }
        best
    }

    /// First prices: the dearest unit each group takes in the plan of all nodes, and an equal share of what the best
    /// plan costs beyond that.
    fn start_prices(&mut self, demand: &Demand) {
        self.price.clear();
        self.price.resize(demand.groups.len(), 0);
        self.wanted.clear();
        self.wanted.extend(demand.groups.iter().map(|group| group.quantity));
        for &node in &self.order {
            let distance_m = demand.nodes[node as usize].distance_m;
            for (group, &cap) in demand.caps_of(node as usize).iter().enumerate() {
                if cap > 0 && self.wanted[group] > 0 {
                    self.wanted[group] -= u64::from(cap).min(self.wanted[group]);
                    self.price[group] = demand.pricing.parts(distance_m, demand.groups[group].weight_g) as i128;
                }
            }
        }
        let worth: i128 =
            self.price.iter().zip(&demand.groups).map(|(price, group)| price * i128::from(group.quantity)).sum();
        let filled = demand.groups.iter().filter(|group| group.quantity > 0).count().max(1) as i128;
        let share = (i128::from(self.best.cost) * SCALE as i128 - worth).max(0) / filled;
        for (price, group) in self.price.iter_mut().zip(&demand.groups).filter(|(_, group)| group.quantity > 0) {
            *price += share / i128::from(group.quantity);
        }
    }

    /// Bound at the prices at hand, in parts; fills `reduced` and `supply`.
    fn bound_at_prices(&mut self, problem: &Problem, demand: &Demand) -> i128 {
        let toll = Self::toll(problem);
        self.supply.clear();
        self.supply.resize(demand.groups.len(), 0);
        self.reduced.clear();
        let worth = self.price.iter().zip(&demand.groups).map(|(price, group)| price * i128::from(group.quantity));
        let mut bound = worth.sum::<i128>() - i128::from(problem.tariff.split) * SCALE as i128;
        for &node in &self.order {
            let row = demand.caps_of(node as usize);
            let rate = demand.pricing.parts(demand.nodes[node as usize].distance_m, 1) as i128;
            let earns = |((&cap, group), &price): ((&u32, &Group), &i128)| {
                let gain = if cap > 0 { price - rate * i128::from(group.weight_g) } else { 0 };
                if gain > 0 { (gain, u64::from(cap).min(group.quantity)) } else { (0, 0) }
            };
            let goods = || row.iter().zip(&demand.groups).zip(&self.price).map(earns);
            let reduced = toll - goods().map(|(gain, units)| gain * i128::from(units)).sum::<i128>();
            if reduced < 0 {
                bound += reduced;
                self.supply.iter_mut().zip(goods()).for_each(|(supply, (_, units))| *supply += units);
            }
            self.reduced.push(reduced);
        }
        bound
    }

    /// Moves the prices against over- and undersupply; false when supply meets demand and nothing can improve.
    fn step(&mut self, demand: &Demand, gap: i128) -> bool {
        let slope = |number: usize, supply: u64| -> i128 {
            let quantity = i128::from(demand.groups[number].quantity);
            if quantity == 0 { 0 } else { ((quantity - i128::from(supply)) * ONE / quantity).max(-8 * ONE) }
        };
        let norm: i128 = self.supply.iter().enumerate().map(|(number, &supply)| slope(number, supply).pow(2)).sum();
        if norm == 0 {
            return false;
        }
        for (number, &supply) in self.supply.iter().enumerate() {
            let quantity = i128::from(demand.groups[number].quantity.max(1));
            let rise = gap * slope(number, supply) * ONE / norm / quantity;
            self.price[number] = (self.price[number] + rise).max(0);
        }
        true
    }

    /// Tries `self.open` and every set that flips more nodes from `from` on and can still be cheaper than the best;
    /// false when the visits ran out. `bound` holds for every set reached from here.
    fn flip(&mut self, problem: &Problem, demand: &Demand, from: usize, bound: i128) -> bool {
        if self.visits >= VISITS_MAX {
            return false;
        }
        self.leaf(problem, demand);
        for place in from..self.flips.len() {
            let (mind, rank) = self.flips[place];
            let to_beat = i128::from(self.net(problem, self.best) - 1) * SCALE as i128;
            if bound + mind >= to_beat {
                break;
            }
            toggle(&mut self.open, rank);
            let complete = self.flip(problem, demand, place + 1, bound + mind);
            toggle(&mut self.open, rank);
            if !complete {
                return false;
            }
        }
        true
    }

    /// Evaluates one set and notes what a plan of exactly these nodes costs at least.
    fn leaf(&mut self, problem: &Problem, demand: &Demand) {
        self.visits += 1;
        let tally = self.try_open(problem, demand);
        let left = if demand.coupled { &self.wanted_relaxed } else { &self.wanted };
        if left.iter().any(|&units| units > 0) {
            return;
        }
        let tolls = Self::toll(problem) * self.open.len() as i128;
        let mut exact = tally.relaxed + tolls - i128::from(problem.tariff.split) * SCALE as i128;
        let mut cap = i64::MAX;
        if tally.units == self.full && tally.exact == tally.relaxed {
            // Every other way to serve from these nodes moves a unit to a farther one.
            exact += self.least_move(demand);
            cap = self.net(problem, tally);
        }
        self.leaf_bound = self.leaf_bound.min(cap.min(whole_above(exact)));
    }

    /// Least exact charge that moving one unit between open nodes adds to the cheapest service, in parts.
    fn least_move(&self, demand: &Demand) -> i128 {
        let distance = |rank: u32| demand.nodes[self.order[rank as usize] as usize].distance_m;
        let gap = self.open.windows(2).map(|pair| distance(pair[1]) - distance(pair[0])).min();
        let grams = demand.groups.iter().filter(|group| group.quantity > 0).map(|group| group.weight_g).min();
        match (gap, grams) {
            (Some(gap), Some(grams)) => demand.pricing.parts(gap, grams) as i128,
            _ => i128::from(i64::MAX) * SCALE as i128 / 4,
        }
    }
}

/// Puts a rank into an ascending list, or takes it out.
fn toggle(open: &mut Vec<u32>, rank: u32) {
    match open.binary_search(&rank) {
        Ok(place) => {
            open.remove(place);
        }
        Err(place) => open.insert(place, rank),
    }
}
