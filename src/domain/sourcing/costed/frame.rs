//! The order as the searches see it: lines that can be filled, nodes that can fill them, and keys instead of money.
//!
//! A *key* is a cost with its tie-break behind: the cost shifted left by [`Frame::tie`] bits, then the places of the
//! candidates that send parcels, counted from one, and much more for every line that is left short. So a sum of keys is
//! compared as one integer: first money, then fewer and earlier candidates, and units are filled where leaving them
//! costs the same. Where filling comes first a missing unit costs more than any two plans can differ. Orders whose money
//! needs the room have no tie-break: then the order of search decides, the same for the same problem.
//!
//! A *state* says how many units of each line are meant, in mixed radix; see `exact`. [`Frame::lay_states`] says whether
//! there are few enough of them.
//!
//! Not here: choosing.

use super::super::problem::Need;
use super::problem::{Filling, Problem, Rates};

/// Key of what cannot be done; two of them still fit, and whatever is above half of it cannot be done either.
pub(super) const NEVER: i64 = i64::MAX / 4;

/// From here on a key is one of what cannot be done.
pub(super) const IMPOSSIBLE: i64 = NEVER / 2;

/// Pairs of a state and a parcel out of it: 3¹² is what 12 different units make; 16 of eight lines make a million.
const PAIRS_MAX: u64 = 1 << 22;
/// Most lines of an order that the tables can hold: of more nobody is told what would have to change. Each line has two
/// states at least, and so three pairs of one within another.
pub const LINES_EXPLAINED_MAX: usize = PAIRS_MAX.ilog(3) as usize;

/// Bits of the tie-break, when the money leaves room for them.
const TIE_BITS: u32 = 28;

/// Tie-break of a line left short, where there are few lines.
const LEFT: i64 = 1 << 22;

/// Largest sum of places of a plan, and of lines left: together they fit the bits.
const TIES_MAX: i64 = 1 << (TIE_BITS - 1);

/// A line that can be filled, at least in part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub line: usize,
    /// Units that can be filled.
    pub quantity: usize,
    pub stride: usize,
}

impl Axis {
    /// Units of this axis in a state.
    pub fn digit(&self, state: usize) -> usize {
        state / self.stride % (self.quantity + 1)
    }
}

/// A candidate that can give at least one unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub candidate: usize,
    pub units_max: u64,
    pub parcels_max: u32,
}

/// See the head of this file. Reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub nodes: Vec<Node>,
    /// Units a node can give of each line by itself: a row per node, a column per line.
    pub caps: Vec<u32>,
    /// By line: units that can be filled, as far as each line by itself can tell.
    pub fillable: Vec<u32>,
    /// Bits of the tie-break.
    pub tie: u32,
    pub filling: Filling,
    /// Tie-break of a line left short, and the largest of a parcel.
    left: i64,
    place_max: i64,
    /// Some slot is needed by two lines, or twice by one.
    pub coupled: bool,
    /// Numbers of lines that ship together.
    pub bundles: Vec<u8>,
    /// Minor units a missing unit costs where filling comes first.
    pub unit_first: i64,
    pub axes: Vec<Axis>,
    pub states: usize,
    /// By state: units, grams, place in `levels` of the bracket a parcel of it needs (past the end: none holds it).
    pub count: Vec<u32>,
    pub level: Vec<u16>,
    grams: Vec<u64>,
    bracket: Vec<usize>,
    /// Brackets that some state needs, ascending.
    pub levels: Vec<usize>,
    /// By bracket: its place in `levels`.
    place: Vec<u16>,
    /// Keys of leaving so many units of an axis, all axes one after another.
    short: Vec<i64>,
    short_from: Vec<usize>,
    /// By line: the slot of which a unit takes one piece and nothing else.
    slot: Vec<Option<u16>>,
    /// Scratch by slot: pieces, owner.
    load: Vec<u64>,
    owner: Vec<u32>,
}

impl Frame {
    /// Loads a problem, filled by what comes first here.
    pub fn load(&mut self, problem: &Problem, filling: Filling) {
        problem.assert_sane();
        self.filling = filling;
        self.choose_keys(problem);
        self.note_sharing(problem);
        self.count_caps(problem);
    }

    /// Key of a cost.
    pub fn key(&self, cost: i64) -> i64 {
        cost << self.tie
    }

    /// The cost in a key; rounds down, so a bound stays one.
    pub fn cost(&self, key: i64) -> i64 {
        key >> self.tie
    }

    /// Tie-break of a parcel from a node.
    pub fn place(&self, node: usize) -> i64 {
        (self.nodes[node].candidate as i64 + 1).min(self.place_max)
    }

    /// Units a node can give, a value per line.
    pub fn caps_of(&self, node: usize) -> &[u32] {
        let width = self.fillable.len();
        &self.caps[node * width..(node + 1) * width]
    }

    /// Key of leaving so many units of a line, more than zero.
    pub fn shortage(&self, problem: &Problem, line: usize, units: u64) -> i64 {
        let cost = match self.filling {
            Filling::First => self.unit_first * units as i64,
            Filling::Priced => self.shortage_cost(problem, line, units),
        };
        self.key(cost) + self.left
    }

    /// Minor units it costs to leave so many units of a line, more than zero; nothing where filling comes first.
    pub fn shortage_cost(&self, problem: &Problem, line: usize, units: u64) -> i64 {
        let shortage = problem.lines[line].shortage;
        match self.filling {
            Filling::First => 0,
            Filling::Priced => shortage.per_line + shortage.per_unit * units as i64,
        }
    }

    /// Key of shipping nothing at all.
    pub fn nothing(&self, problem: &Problem) -> i64 {
        let wanted = problem.lines.iter().enumerate().filter(|(_, line)| line.quantity > 0);
        wanted.map(|(number, line)| self.shortage(problem, number, u64::from(line.quantity))).sum()
    }

    /// Whether a node can give all of `(line, units)` together, from what lines share and within what it can pick.
    pub fn fits(&mut self, problem: &Problem, node: usize, units: impl Iterator<Item = (usize, u64)>) -> bool {
        let available = problem.has(self.nodes[node].candidate);
        self.load.clear();
        self.load.resize(problem.slots, 0);
        let mut left = self.nodes[node].units_max;
        for (line, units) in units {
            if units > left {
                return false;
            }
            left -= units;
            for need in problem.needs_of(line) {
                let taken = &mut self.load[usize::from(need.slot)];
                *taken += u64::from(need.per_unit) * units;
                if *taken > u64::from(available[usize::from(need.slot)]) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether one node may ship just this: what must ship together does, and it has and can pick it all.
    pub fn may_ship(&mut self, problem: &Problem, node: usize, state: usize) -> bool {
        if u64::from(self.count[state]) > self.nodes[node].units_max {
            return false;
        }
        for bundle in &self.bundles {
            let mut members = self.axes.iter().filter(|axis| problem.lines[axis.line].together == Some(*bundle));
            let all = members.clone().all(|axis| axis.digit(state) == axis.quantity);
            if !all && members.any(|axis| axis.digit(state) > 0) {
                return false;
            }
        }
        if !self.coupled {
            return true;
        }
        let axes = std::mem::take(&mut self.axes);
        let fits = self.fits(problem, node, axes.iter().map(|axis| (axis.line, axis.digit(state) as u64)));
        self.axes = axes;
        fits
    }

    /// Key of leaving the last `units` of an axis that are not shipped yet; `NEVER` when the line must be complete and
    /// some of it has shipped.
    pub fn short(&self, axis: usize, units: usize) -> i64 {
        self.short[self.short_from[axis] + units - 1]
    }

    /// Lays one axis per line that can be filled, and a state for every way to fill them; false when there would be too
    /// many.
    pub fn lay_states(&mut self, problem: &Problem) -> bool {
        self.axes.clear();
        let (mut stride, mut pairs) = (1_u64, 1_u64);
        for (line, quantity) in self.fillable.iter().enumerate().filter(|(_, quantity)| **quantity > 0) {
            let radix = u64::from(*quantity) + 1;
            pairs = pairs.saturating_mul(radix.saturating_mul(radix + 1) / 2);
            if pairs > PAIRS_MAX {
                return false;
            }
            self.axes.push(Axis { line, quantity: *quantity as usize, stride: stride as usize });
            stride *= radix;
        }
        self.states = stride as usize;
        self.weigh_states(problem);
        self.price_shortages(problem);
        true
    }

    fn weigh_states(&mut self, problem: &Problem) {
        const UNUSED: u16 = u16::MAX;
        let Self { count, grams, bracket, level, levels, place, .. } = self;
        let brackets = problem.rates.brackets();
        count.clear();
        grams.clear();
        bracket.clear();
        count.push(0);
        grams.push(0);
        bracket.push(0);
        for axis in &self.axes {
            let weight = problem.lines[axis.line].unit_weight_g;
            for at in axis.stride..axis.stride * (axis.quantity + 1) {
                let sum = grams[at - axis.stride].saturating_add(weight);
                count.push(count[at - axis.stride] + 1);
                bracket.push(problem.rates.bracket(bracket[at - axis.stride], sum));
                grams.push(sum);
            }
        }
        place.clear();
        place.resize(brackets + 1, UNUSED);
        bracket.iter().for_each(|at| place[*at] = 0);
        levels.clear();
        for (at, place) in place.iter_mut().enumerate().filter(|(_, place)| **place != UNUSED) {
            *place = levels.len() as u16;
            if at < brackets {
                levels.push(at);
            }
        }
        level.clear();
        level.extend(bracket.iter().map(|at| place[*at]));
    }

    fn price_shortages(&mut self, problem: &Problem) {
        let mut short = std::mem::take(&mut self.short);
        short.clear();
        self.short_from.clear();
        for axis in &self.axes {
            self.short_from.push(short.len());
            let line = &problem.lines[axis.line];
            let missing = u64::from(line.quantity) - axis.quantity as u64;
            // What is missing anyway has its own price, which the first unit left must not pay again.
            let anyway = if missing > 0 { self.shortage(problem, axis.line, missing) } else { 0 };
            short.extend((1..=axis.quantity).map(|units| {
                if problem.complete || line.complete && units < axis.quantity {
                    return NEVER;
                }
                self.shortage(problem, axis.line, missing + units as u64) - anyway
            }));
        }
        self.short = short;
    }

    /// Key of what no plan can fill.
    pub fn missing(&self, problem: &Problem) -> i64 {
        let missing = |(line, fillable): (usize, &u32)| {
            let units = problem.lines[line].quantity - fillable;
            if units > 0 { self.shortage(problem, line, u64::from(units)) } else { 0 }
        };
        self.fillable.iter().enumerate().map(missing).sum()
    }

    fn choose_keys(&mut self, problem: &Problem) {
        let magnitude = problem.magnitude();
        let units: i64 = problem.lines.iter().map(|line| i64::from(line.quantity)).sum();
        self.unit_first = magnitude.saturating_mul(2).saturating_add(1);
        let most = match self.filling {
            Filling::Priced => magnitude,
            Filling::First => self.unit_first.saturating_mul(units).saturating_add(magnitude),
        };
        assert!(most < 1 << 58, "all that an order costs stays below 2⁵⁸ minor units: up to {most}");
        let room = most < 1 << (58 - TIE_BITS);
        self.tie = if room { TIE_BITS } else { 0 };
        self.left = if room { LEFT.min(TIES_MAX / (problem.lines.len() as i64).max(1)) } else { 0 };
        self.place_max = if room { TIES_MAX / units.max(1) } else { 0 };
    }

    fn note_sharing(&mut self, problem: &Problem) {
        const NOBODY: u32 = u32::MAX;
        self.coupled = false;
        self.owner.clear();
        self.owner.resize(problem.slots, NOBODY);
        self.bundles.clear();
        for (number, line) in problem.lines.iter().enumerate().filter(|(_, line)| line.quantity > 0) {
            for need in problem.needs_of(number).iter().filter(|need| need.per_unit > 0) {
                let owner = &mut self.owner[usize::from(need.slot)];
                self.coupled |= *owner != NOBODY;
                *owner = number as u32;
            }
            if let Some(bundle) = line.together.filter(|bundle| !self.bundles.contains(bundle)) {
                self.bundles.push(bundle);
            }
        }
    }

    /// Caps of every node that can give any, and of every line how much there is.
    fn count_caps(&mut self, problem: &Problem) {
        let Self { nodes, caps, fillable, bundles, slot, .. } = self;
        let width = problem.lines.len();
        slot.clear();
        slot.extend(problem.lines.iter().map(|line| match problem.needs[line.needs.clone()] {
            [Need { slot, per_unit: 1 }] => Some(slot),
            _ => None,
        }));
        nodes.clear();
        caps.clear();
        fillable.clear();
        fillable.resize(width, 0);
        for (number, candidate) in problem.candidates.iter().enumerate() {
            let available = problem.has(number);
            let first = caps.len();
            let units_max = candidate.units_max.unwrap_or(u32::MAX);
            let mut any = 0;
            caps.extend(problem.lines.iter().zip(&*slot).map(|(line, slot)| {
                if let Some(slot) = slot {
                    let cap = available[usize::from(*slot)].min(line.quantity).min(units_max);
                    any |= cap;
                    return cap;
                }
                let cap = problem.needs[line.needs.clone()].iter().fold(line.quantity.min(units_max), |cap, need| {
                    cap.min(match need.per_unit {
                        0 => cap,
                        1 => available[usize::from(need.slot)],
                        more => available[usize::from(need.slot)] / more,
                    })
                });
                any |= cap;
                cap
            }));
            let row = &mut caps[first..];
            for bundle in bundles.iter() {
                let members = || problem.lines.iter().enumerate().filter(|(_, line)| line.together == Some(*bundle));
                if members().any(|(line, wanted)| row[line] < wanted.quantity) {
                    members().for_each(|(line, _)| row[line] = 0);
                    any = row.iter().copied().max().unwrap_or(0);
                }
            }
            if any == 0 || candidate.parcels_max == 0 || candidate.offers.is_empty() || problem.shipments_max == Some(0)
            {
                caps.truncate(first);
                continue;
            }
            fillable.iter_mut().zip(row).for_each(|(sum, cap)| *sum = sum.saturating_add(*cap));
            let units_max = candidate.units_max.map_or(u64::MAX, u64::from);
            nodes.push(Node { candidate: number, units_max, parcels_max: candidate.parcels_max });
        }
        for (fillable, line) in fillable.iter_mut().zip(&problem.lines) {
            *fillable = line.quantity.min(*fillable);
            if line.complete && *fillable < line.quantity {
                *fillable = 0;
            }
        }
    }

    /// Key of one parcel of a level from a node; `NEVER` when no service carries it.
    pub fn fee_or_never(&self, problem: &Problem, node: usize, level: usize) -> i64 {
        let candidate = self.nodes[node].candidate;
        let Some(bracket) = self.levels.get(level) else { return NEVER };
        let asks = problem
            .offers_of(candidate)
            .iter()
            .fold(Rates::NOT_CARRIED, |asks, offer| asks.min(problem.rates.table(offer.table)[*bracket] + offer.plus));
        if asks >= Rates::NOT_CARRIED {
            return NEVER;
        }
        ((asks + problem.candidates[candidate].per_shipment + problem.split) << self.tie) + self.place(node)
    }

    /// Fills `fees`: key of one parcel from a node by level, up to `top`; `NEVER` past the last level.
    pub fn fill_fees(&self, problem: &Problem, node: usize, top: usize, fees: &mut Vec<i64>) {
        let candidate = self.nodes[node].candidate;
        let levels = &self.levels[..self.levels.len().min(top + 1)];
        fees.clear();
        fees.resize(levels.len(), Rates::NOT_CARRIED);
        for offer in problem.offers_of(candidate) {
            let table = problem.rates.table(offer.table);
            for (fee, bracket) in fees.iter_mut().zip(levels) {
                *fee = (*fee).min(table[*bracket] + offer.plus);
            }
        }
        let fixed = problem.candidates[candidate].per_shipment + problem.split;
        let place = self.place(node);
        for fee in fees.iter_mut() {
            *fee = if *fee >= Rates::NOT_CARRIED { NEVER } else { ((*fee + fixed) << self.tie) + place };
        }
        fees.resize(top + 1, NEVER);
    }
}
