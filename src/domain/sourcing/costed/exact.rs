//! The exact search: the demand is divided over parcels, by dynamic programming over counts of units.
//!
//! A state says how many units of each line are still to be dealt with, in mixed radix. The cheapest way to deal with one
//! either leaves all that remains of its last line, or ships a parcel with some of that line and deals with the rest.
//!
//! **Relax, then mend.** The first table lets every node send any number of parcels, each within what it has: then only
//! the cheapest parcel of each state matters, whoever sends it (a *column*). What such a table says no plan can undercut.
//! If the plan it describes asks of no node more than it has, may pick or may send, it is the best there is. Otherwise
//! those nodes leave the columns and are *folded* in one at a time, each with what it can really give in all its parcels;
//! and if there are too many parcels, the tables get a layer per number of parcels. Then once more. Each time a node or
//! the layers are added, so it ends, and every value on the way is a lower bound.
//!
//! A node that may send several parcels and has lines that ship together is folded from the start: no column of one
//! parcel tells what it can do.
//!
//! The first parcel pays no split; so plans that ship something are found apart from the one that ships nothing (`some`).
//!
//! Costs, for L units of different lines and N nodes: columns N × 2^(lines it has); a table 3ᴸ⁻¹/2 pairs, or 3ᴸ/2 where
//! a fold or a question needs all of it; a fold up to 3ᴸ. Bound: the `steps_max` of a question, over all its tables.
//!
//! Not here: orders of too many states or steps (`search`), the figures of the plan (`assemble`).

mod early;

use super::frame::{Axis, Frame, IMPOSSIBLE, NEVER};
use super::problem::Problem;

/// Steps of all tables of one order: some tens of milliseconds.
pub(super) const STEPS_MAX: u64 = 1 << 25;

/// Keys that the tables of one order may hold.
const KEYS_MAX: usize = 1 << 22;

/// A parcel: so much of the demand from one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parcel {
    pub node: usize,
    pub state: usize,
}

/// What the search has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The least key of all plans that ship something, the split of the first parcel included; `NEVER` when none can.
    /// The parcels are listed.
    Best(i64),
    /// The steps are used up; no plan that ships something has a smaller key.
    AtLeast(i64),
}

/// What a node is to the tables at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// In the columns.
    Pooled,
    /// Folded in.
    Folded,
    /// Must ship: folded in last.
    Required,
}

/// The tables, reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Exact {
    /// The plan, parcel by parcel.
    pub parcels: Vec<Parcel>,
    parts: Vec<Part>,
    folded: Vec<usize>,
    required: Option<usize>,
    /// 1, or one more than the most parcels of a plan.
    layers: usize,
    /// By state: key of the cheapest parcel of exactly that, and who sends it.
    column: Vec<i64>,
    sender: Vec<u32>,
    /// By stage (columns only, then a fold each), layer, state: key of the cheapest way to deal with it.
    tables: Vec<i64>,
    /// By stage and layer: the same for the full state, when something ships.
    some: Vec<i64>,
    /// By layer and axis: the same for all units of the axes up to this one, when a parcel has some of it.
    prefix: Vec<i64>,
    /// What a folded node can give: by number of parcels and state; and what of that it may, in the width of the layers.
    gives: Vec<i64>,
    offers: Vec<i64>,
    parcels_most: usize,
    steps_left: u64,
    /// Key of the parcels listed, when they were found without a table.
    early: Option<i64>,
    /// Scratch: fees, loads of a node, parcels out of a state, digits of one, price of the units of each.
    worth: Vec<i64>,
    fees: Vec<i64>,
    loads: Vec<(u32, i64)>,
    loads_len: usize,
    ships: Vec<u32>,
    digits: Vec<usize>,
}

impl Exact {
    /// The best plan, one in which the `required` node ships if there is one named.
    pub fn solve(&mut self, problem: &Problem, frame: &mut Frame, required: Option<usize>, steps_max: u64) -> Outcome {
        self.begin(problem, frame, required, steps_max);
        let mut least = -NEVER;
        loop {
            if !self.tabulate(problem, frame, false) {
                return Outcome::AtLeast(least);
            }
            if let Some(key) = self.early.take() {
                least = key;
            } else {
                least = self.value(frame);
                self.parcels.clear();
                if least >= IMPOSSIBLE {
                    return Outcome::Best(NEVER);
                }
                self.walk_back(problem, frame);
            }
            if !self.mend(problem, frame) {
                return Outcome::Best(least);
            }
        }
    }

    /// Fills the tables of the last `solve` without a requirement for all states, for [`Exact::with_node`]; false when that
    /// takes too many steps.
    pub fn tabulate_all(&mut self, problem: &Problem, frame: &mut Frame, steps_max: u64) -> bool {
        self.steps_left = steps_max;
        self.tabulate(problem, frame, true)
    }

    /// Whether the tables hold this node as one that is folded in.
    pub fn is_folded(&self, node: usize) -> bool {
        self.parts[node] == Part::Folded
    }

    fn begin(&mut self, problem: &Problem, frame: &Frame, required: Option<usize>, steps_max: u64) {
        self.steps_left = steps_max;
        self.layers = 1;
        self.required = required;
        self.folded.clear();
        self.parts.clear();
        self.parts.resize(frame.nodes.len(), Part::Pooled);
        if !frame.bundles.is_empty() {
            let together = |axis: &&Axis| problem.lines[axis.line].together.is_some();
            for (number, node) in frame.nodes.iter().enumerate().filter(|(_, node)| node.parcels_max > 1) {
                let caps = frame.caps_of(number);
                if frame.axes.iter().filter(together).any(|axis| caps[axis.line] > 0) && node.parcels_max > 1 {
                    self.parts[number] = Part::Folded;
                }
            }
        }
        if let Some(node) = required {
            self.parts[node] = Part::Required;
        }
        let parts = self.parts.iter().enumerate();
        self.folded.extend(parts.filter(|(_, part)| **part == Part::Folded).map(|(number, _)| number));
    }

    /// Takes nodes that the plan asks too much of out of the columns, and adds layers when it has too many parcels; false
    /// when the plan is fine.
    fn mend(&mut self, problem: &Problem, frame: &mut Frame) -> bool {
        let mut parcels = std::mem::take(&mut self.parcels);
        parcels.sort_unstable();
        let mut mended = false;
        for of_node in parcels.chunk_by(|a, b| a.node == b.node) {
            let node = of_node[0].node;
            let state = of_node.iter().map(|parcel| parcel.state).sum();
            let caps = frame.caps_of(node);
            let fine = of_node.len() <= frame.nodes[node].parcels_max as usize
                && frame.axes.iter().all(|axis| axis.digit(state) <= caps[axis.line] as usize)
                && frame.may_ship(problem, node, state);
            if !fine {
                assert!(self.parts[node] == Part::Pooled, "a folded node gives no more than it can: {node}");
                self.parts[node] = Part::Folded;
                self.folded.push(node);
                mended = true;
            }
        }
        self.parcels = parcels;
        if let Some(most) = problem.shipments_max.filter(|most| self.parcels.len() > *most as usize) {
            self.layers = most as usize + 1;
            mended = true;
        }
        mended
    }

    /// Columns, table, folds: for the full state, or for `all`. False when there are not steps enough.
    fn tabulate(&mut self, problem: &Problem, frame: &mut Frame, all: bool) -> bool {
        let steps = self.steps(frame);
        let keys = (self.folded.len() + 1).saturating_mul(self.layers).saturating_mul(frame.states);
        if steps > self.steps_left || keys > KEYS_MAX {
            return false;
        }
        self.steps_left -= steps;
        self.fill_columns(problem, frame);
        let folds = self.folded.len() + usize::from(self.required.is_some());
        self.early = if all || folds > 0 || self.layers > 1 { None } else { self.few_parcels_win(frame) };
        if self.early.is_some() {
            return true;
        }
        self.partition(frame, all || folds > 0);
        for fold in 0..self.folded.len() {
            let node = self.folded[fold];
            self.fold(problem, frame, node, all || fold + 1 < folds);
        }
        if let Some(node) = self.required {
            self.fill_offers(problem, frame, node);
        }
        true
    }

    /// Steps that the tables take as they are.
    pub fn steps(&self, frame: &Frame) -> u64 {
        let pairs = frame.axes.iter().map(|axis| (axis.quantity as u64 + 1) * (axis.quantity as u64 + 2) / 2);
        let table: u64 = pairs.product();
        let fold = |node: usize| {
            let caps = frame.caps_of(node);
            let of = |axis: &Axis| {
                let (quantity, cap) = (axis.quantity as u64, u64::from(caps[axis.line]).min(axis.quantity as u64));
                ((cap + 1) * (cap + 2) / 2 + (quantity - cap) * (cap + 1), (cap + 1) * (cap + 2) / 2)
            };
            let (steps, within) =
                frame.axes.iter().map(of).fold((1_u64, 1_u64), |sum, of| (sum.0 * of.0, sum.1 * of.1));
            // As many tables of what it can give as it may send parcels, though most often two or three tell all.
            let parcels = u64::from(frame.nodes[node].parcels_max).min(frame.states as u64);
            let layers = if self.layers > 1 { parcels.min(self.layers as u64) } else { 1 };
            steps.saturating_mul(layers).saturating_add(within.saturating_mul(parcels.min(4) - 1))
        };
        let folds = self.folded.iter().chain(&self.required).map(|node| fold(*node));
        folds.fold(table, u64::saturating_add).saturating_mul(self.layers as u64)
    }

    /// Key of the plan the tables describe.
    pub fn value(&self, frame: &Frame) -> i64 {
        if self.required.is_none() {
            return self.some[self.folded.len() * self.layers + self.layers - 1];
        }
        self.required_ways(frame).map(|(_, _, key)| key).min().unwrap_or(NEVER)
    }

    /// Every way in which the node whose offers are filled ships of the full state: state, parcels, key.
    fn required_ways<'a>(&'a self, frame: &'a Frame) -> impl Iterator<Item = (usize, usize, i64)> + 'a {
        let (states, top) = (frame.states, self.layers - 1);
        let last = self.folded.len() * self.layers;
        let widths = self.offers.len() / states;
        (1..states).flat_map(move |ship| {
            (0..widths).filter_map(move |width| {
                let offer = self.offers[width * states + ship];
                let layer = if self.layers == 1 { Some(0) } else { top.checked_sub(width + 1) };
                let rest = self.tables[(last + layer?) * states + states - 1 - ship];
                (offer < IMPOSSIBLE && rest < IMPOSSIBLE).then_some((ship, width, offer + rest))
            })
        })
    }

    /// Every state that the node ships which the last question required, in any number of parcels, with the key of the whole plan
    /// as far as its tables tell: no plan undercuts it.
    pub fn ways_with(&mut self, problem: &Problem, frame: &mut Frame, node: usize) -> Vec<(usize, i64)> {
        // Walking back through the tables asked other nodes.
        self.fill_offers(problem, frame, node);
        self.required_ways(frame).map(|(state, _, key)| (state, key)).collect()
    }

    /// The layer that deals with the rest when so many parcels are taken from this one.
    fn below(&self, layer: usize, parcels: usize) -> Option<usize> {
        if self.layers == 1 { Some(0) } else { layer.checked_sub(parcels) }
    }

    /// The cheapest single parcel of every state.
    fn fill_columns(&mut self, problem: &Problem, frame: &mut Frame) {
        self.column.clear();
        self.column.resize(frame.states, NEVER);
        self.sender.clear();
        self.sender.resize(frame.states, u32::MAX);
        for node in 0..frame.nodes.len() {
            if self.parts[node] == Part::Pooled {
                self.list_loads(problem, frame, node);
                self.offer_parcels(problem, frame, node);
            }
        }
        self.column[0] = NEVER;
        self.column.iter_mut().filter(|key| **key >= IMPOSSIBLE).for_each(|key| *key = NEVER);
    }

    fn offer_parcels(&mut self, problem: &Problem, frame: &mut Frame, node: usize) {
        let all = self.loads[self.loads_len - 1].0 as usize;
        let plain =
            !frame.coupled && frame.bundles.is_empty() && u64::from(frame.count[all]) <= frame.nodes[node].units_max;
        let top = usize::from(frame.level[all]);
        // A fee for each load, or for each level they can have: whatever is less.
        let by_level = self.loads_len > top;
        if by_level {
            frame.fill_fees(problem, node, top, &mut self.fees);
        }
        for &(state, units) in &self.loads[1..self.loads_len] {
            let at = state as usize;
            let level = usize::from(frame.level[at]);
            let fee = if by_level { self.fees[level] } else { frame.fee_or_never(problem, node, level) };
            let key = fee + units;
            if key < self.column[at] && (plain || frame.may_ship(problem, node, at)) {
                self.column[at] = key;
                self.sender[at] = node as u32;
            }
        }
    }

    /// Lists what a node can give of each line by itself, with the key of its units.
    fn list_loads(&mut self, problem: &Problem, frame: &Frame, node: usize) {
        let caps = frame.caps_of(node);
        let candidate = frame.nodes[node].candidate;
        let costs = problem.unit_costs_of(candidate);
        let handling = problem.candidates[candidate].per_unit;
        self.loads.resize(self.loads.len().max(frame.states), (0, 0));
        let loads = &mut self.loads[..frame.states];
        let mut listed = 1;
        for axis in &frame.axes {
            let cap = (caps[axis.line] as usize).min(axis.quantity);
            let (unit, stride, before) = (frame.key(costs[axis.line] + handling), axis.stride as u32, listed);
            // What is listed, with one unit more, again and again.
            for _ in 0..cap * before {
                let (state, key) = loads[listed - before];
                loads[listed] = (state + stride, key + unit);
                listed += 1;
            }
        }
        self.loads_len = listed;
    }

    /// The table of the columns. A parcel holds a unit of the state's last axis, so a division is not met in every
    /// order; the full state therefore needs none of the states that hold all of the last axis.
    fn partition(&mut self, frame: &Frame, all: bool) {
        let (states, axes) = (frame.states, &frame.axes);
        self.tables.clear();
        self.tables.resize(self.layers * states, NEVER);
        self.prefix.clear();
        for layer in 0..self.layers {
            let base = layer * states;
            let below = self.below(layer, 1).map(|below| below * states);
            self.tables[base] = 0;
            for (number, axis) in axes.iter().enumerate() {
                self.digits.clear();
                self.digits.resize(number, 0);
                let skip = !all && number + 1 == axes.len();
                let mut shipped = NEVER;
                for low in 0..axis.stride {
                    let last = if skip && low + 1 < axis.stride { axis.quantity - 1 } else { axis.quantity };
                    if last > 0 {
                        list_below(&mut self.ships, axes, &self.digits);
                    }
                    for digit in 1..=last {
                        let state = digit * axis.stride + low;
                        shipped = below.map_or(NEVER, |below| self.cheapest_parcel(state, digit, axis.stride, below));
                        let left = self.tables[base + low] + frame.short(number, digit);
                        self.tables[base + state] = shipped.min(left).min(NEVER);
                    }
                    step_up(&mut self.digits, axes);
                }
                // The last state of an axis is the one that holds all units of it and of those before.
                self.prefix.push(shipped.min(NEVER));
            }
        }
        self.some.clear();
        for layer in 0..self.layers {
            let prefix = &self.prefix[layer * axes.len()..];
            let some = axes.iter().enumerate().fold(NEVER, |some, (number, axis)| {
                prefix[number].min(some + frame.short(number, axis.quantity)).min(NEVER)
            });
            self.some.push(some);
        }
    }

    /// The cheapest way to deal with a state by a parcel that has some of its last axis.
    fn cheapest_parcel(&self, state: usize, digit: usize, stride: usize, below: usize) -> i64 {
        let mut least = NEVER;
        for top in (1..=digit).map(|units| units * stride) {
            let column = &self.column[top..top + stride];
            let rest = &self.tables[below..=below + state - top];
            for &low in &self.ships {
                // Neither is above `NEVER`, of which four fit.
                least = least.min(column[low as usize].wrapping_add(rest[state - top - low as usize]));
            }
        }
        least
    }

    /// Lets one node take part with all its parcels: for all states, or only the full one.
    fn fold(&mut self, problem: &Problem, frame: &mut Frame, node: usize, all: bool) {
        self.fill_offers(problem, frame, node);
        let states = frame.states;
        let before = self.tables.len() - self.layers * states;
        let some_before = self.some.len() - self.layers;
        self.tables.extend_from_within(before..);
        self.some.extend_from_within(some_before..);
        let widths = self.offers.len() / states;
        let full = states - 1;
        let first = if all { 1 } else { full };
        for layer in 0..self.layers {
            for state in first..states {
                self.list_given(frame, node, state);
                let mut least = NEVER;
                for width in 0..widths {
                    let Some(below) = self.below(layer, width + 1) else { break };
                    let offers = &self.offers[width * states..(width + 1) * states];
                    let rest = &self.tables[before + below * states..before + (below + 1) * states];
                    for &ship in &self.ships[1..] {
                        least = least.min(offers[ship as usize].wrapping_add(rest[state - ship as usize]));
                    }
                }
                let known = &mut self.tables[before + (self.layers + layer) * states + state];
                *known = least.min(*known);
                if state == full {
                    let some = &mut self.some[some_before + self.layers + layer];
                    *some = least.min(*some);
                }
            }
        }
    }

    /// Lists what of a state a node has.
    fn list_given(&mut self, frame: &Frame, node: usize, state: usize) {
        let caps = frame.caps_of(node);
        self.digits.clear();
        self.digits.extend(frame.axes.iter().map(|axis| axis.digit(state).min(caps[axis.line] as usize)));
        list_below(&mut self.ships, &frame.axes, &self.digits);
    }

    /// What one node asks for each state, in exactly so many parcels (`gives`), and what of that it may be asked for
    /// (`offers`): by number of parcels where there are layers, otherwise the cheapest number.
    fn fill_offers(&mut self, problem: &Problem, frame: &mut Frame, node: usize) {
        let states = frame.states;
        self.list_loads(problem, frame, node);
        let all = self.loads[self.loads_len - 1].0 as usize;
        frame.fill_fees(problem, node, usize::from(frame.level[all]), &mut self.fees);
        self.gives.clear();
        self.gives.resize(states, NEVER);
        for &(state, units) in &self.loads[1..self.loads_len] {
            let fee = self.fees[usize::from(frame.level[state as usize])];
            self.gives[state as usize] = if fee >= IMPOSSIBLE { NEVER } else { fee + units };
        }
        self.offers.clone_from(&self.gives);
        let mut most = (frame.nodes[node].parcels_max as usize).min(frame.count[all] as usize);
        if self.layers > 1 {
            most = most.min(self.layers - 1);
        }
        self.parcels_most = 1;
        while self.parcels_most < most && self.add_parcel(frame, node) {}
        if self.layers > 1 {
            self.offers.clone_from(&self.gives);
        }
        for load in 1..self.loads_len {
            let state = self.loads[load].0 as usize;
            if !frame.may_ship(problem, node, state) {
                self.offers[state..].iter_mut().step_by(states).for_each(|offer| *offer = NEVER);
            }
        }
    }

    /// One parcel more in `gives`; false when it makes nothing cheaper, for then no further one does.
    fn add_parcel(&mut self, frame: &Frame, node: usize) -> bool {
        let states = frame.states;
        let before = (self.parcels_most - 1) * states;
        self.gives.resize(before + 2 * states, NEVER);
        let mut cheaper = false;
        for load in 1..self.loads_len {
            let state = self.loads[load].0 as usize;
            self.list_given(frame, node, state);
            let mut least = NEVER;
            for &ship in &self.ships[1..] {
                least = least.min(self.gives[ship as usize] + self.gives[before + state - ship as usize]);
            }
            self.gives[before + states + state] = least;
            if least < self.offers[state] {
                self.offers[state] = least;
                cheaper = true;
            }
        }
        self.parcels_most += 1;
        cheaper
    }

    /// Reads the plan of the full state out of the tables, last fold first.
    fn walk_back(&mut self, problem: &Problem, frame: &mut Frame) {
        let states = frame.states;
        let (mut state, mut layer) = (states - 1, self.layers - 1);
        // Until the first parcel is found the plan must still ship something.
        let mut none_yet = true;
        if let Some(node) = self.required {
            let best = self.required_ways(frame).min_by_key(|(_, _, key)| *key);
            if let Some((ship, width, _)) = best {
                (state, layer, none_yet) = (self.take(frame, node, state, ship, width), self.left(layer, width), false);
            }
        }
        for fold in (0..self.folded.len()).rev() {
            let (now, before) = ((fold + 1) * self.layers + layer, fold * self.layers + layer);
            let (key, known) = match none_yet {
                true => (self.some[now], self.some[before]),
                false => (self.tables[now * states + state], self.tables[before * states + state]),
            };
            if key < known {
                let node = self.folded[fold];
                self.fill_offers(problem, frame, node);
                let (ship, width) = self.find_offer(frame, node, fold, layer, state, key);
                (state, layer, none_yet) = (self.take(frame, node, state, ship, width), self.left(layer, width), false);
            }
        }
        self.walk_columns(frame, state, layer, none_yet);
    }

    fn left(&self, layer: usize, width: usize) -> usize {
        if self.layers == 1 { 0 } else { layer - width - 1 }
    }

    fn find_offer(
        &mut self,
        frame: &Frame,
        node: usize,
        fold: usize,
        layer: usize,
        state: usize,
        key: i64,
    ) -> (usize, usize) {
        let states = frame.states;
        self.list_given(frame, node, state);
        for width in 0..self.offers.len() / states {
            let Some(below) = self.below(layer, width + 1) else { break };
            let rest = &self.tables[(fold * self.layers + below) * states..];
            for ship in self.ships[1..].iter().map(|ship| *ship as usize) {
                if self.offers[width * states + ship] + rest[state - ship] == key {
                    return (ship, width);
                }
            }
        }
        unreachable!("a key of a table is made of an offer and the table before")
    }

    /// Notes the parcels in which a node ships a state; returns what is left of `state`.
    fn take(&mut self, frame: &Frame, node: usize, state: usize, ship: usize, width: usize) -> usize {
        let states = frame.states;
        let key = self.offers[width * states + ship];
        let exactly = |parcels: &usize| self.gives[(parcels - 1) * states + ship] == key;
        let parcels = if self.layers == 1 { (1..=self.parcels_most).find(exactly) } else { Some(width + 1) };
        let mut parcels = parcels.expect("an offer is what some number of parcels costs");
        let mut rest = ship;
        while parcels > 1 {
            let wanted = self.gives[(parcels - 1) * states + rest];
            self.list_given(frame, node, rest);
            let before = &self.gives[(parcels - 2) * states..];
            let made = |one: &usize| self.gives[*one] + before[rest - one] == wanted;
            let one = self.ships[1..].iter().map(|ship| *ship as usize).find(made);
            let one = one.expect("so many parcels are one and the others");
            self.parcels.push(Parcel { node, state: one });
            rest -= one;
            parcels -= 1;
        }
        self.parcels.push(Parcel { node, state: rest });
        state - ship
    }

    fn walk_columns(&mut self, frame: &Frame, mut state: usize, mut layer: usize, mut none_yet: bool) {
        let states = frame.states;
        let mut some = self.some[layer];
        while state > 0 {
            let number = frame.axes.iter().rposition(|axis| axis.digit(state) > 0).expect("some axis has units left");
            let axis = frame.axes[number];
            let (digit, low) = (axis.digit(state), state % axis.stride);
            let key = if none_yet { some } else { self.tables[layer * states + state] };
            let shipped = if none_yet { Some(self.prefix[layer * frame.axes.len() + number] == key) } else { None };
            self.digits.clear();
            self.digits.extend(frame.axes[..number].iter().map(|axis| axis.digit(low)));
            list_below(&mut self.ships, &frame.axes, &self.digits);
            let ship = match (shipped, self.below(layer, 1)) {
                (Some(false), _) | (_, None) => None,
                (_, Some(below)) => {
                    let rest = &self.tables[below * states..];
                    let ships = (1..=digit).flat_map(|units| self.ships.iter().map(move |low| (units, *low as usize)));
                    let mut ships = ships.map(|(units, low)| units * axis.stride + low);
                    ships.find(|ship| self.column[*ship] < IMPOSSIBLE && self.column[*ship] + rest[state - ship] == key)
                }
            };
            match ship {
                Some(ship) => {
                    self.parcels.push(Parcel { node: self.sender[ship] as usize, state: ship });
                    (layer, none_yet) = (self.left(layer, 0), false);
                    state -= ship;
                }
                None => {
                    some -= if none_yet { frame.short(number, digit) } else { 0 };
                    state = low;
                }
            }
        }
    }

    /// Key of the cheapest plan in which a node ships, by the tables of [`Exact::tabulate_all`], in which the node must not be folded. The parcels are listed.
    pub fn with_node(&mut self, problem: &Problem, frame: &mut Frame, node: usize) -> i64 {
        self.required = Some(node);
        self.fill_offers(problem, frame, node);
        let key = self.value(frame);
        self.parcels.clear();
        if key < IMPOSSIBLE {
            self.walk_back(problem, frame);
        }
        self.required = None;
        key
    }

    /// Steps that the last question left.
    pub fn steps_left(&self) -> u64 {
        self.steps_left
    }

    /// Whether the parcels listed ask of no node more than it can give, and are not too many.
    pub fn is_sound(&mut self, problem: &Problem, frame: &mut Frame) -> bool {
        let (parts, folded, layers) = (self.parts.clone(), self.folded.len(), self.layers);
        // A folded node asked twice would be a fault of `mend`; here it only says that the tables do not tell.
        self.parts.fill(Part::Pooled);
        let sound = !self.mend(problem, frame);
        self.parts = parts;
        self.folded.truncate(folded);
        self.layers = layers;
        sound
    }
}

/// Lists all states of the first axes with no more than these digits, 0 first.
fn list_below(ships: &mut Vec<u32>, axes: &[Axis], digits: &[usize]) {
    ships.clear();
    ships.push(0);
    for (axis, digit) in axes.iter().zip(digits) {
        let listed = ships.len();
        for units in 1..=*digit {
            let offset = (units * axis.stride) as u32;
            ships.extend_from_within(..listed);
            ships[units * listed..].iter_mut().for_each(|ship| *ship += offset);
        }
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
