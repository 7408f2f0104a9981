//! Orders beyond the exact size: which set of nodes to open, with a bound that says how good the answer is.
//!
//! For a set of open nodes every line goes to where its units cost least, the usual price of a gram included; what a node
//! got is packed into parcels, largest units first. So the search is over sets:
//! 1. **First sets**: the node whose parcel costs least for each unit that is still wanted, again and again; every node by
//!    itself; every two, while a quarter of the steps lasts; all.
//! 2. **Neighbours**: close a node, open one, swap two, while it helps.
//! 3. **Lines**: another open node first for a line; leave one, or ship it after all, where money decides.
//! 4. **Bound**: prices for units (`bound`), or what the exact search proved before it gave up.
//!
//! Promises: laws hold for every plan tried, so whenever the steps end there is an answer. The bound holds whatever was
//! tried; where filling comes first it holds for plans that fill as much, and only when every line got all that there
//! is the fill is proven to be the most.
//!
//! Bounds: [`STEPS_MAX`] looks at a (node, line) pair or a parcel, most of them sets and a part for the bound; a plan has at
//! most [`PARCELS_MAX`] parcels.
//!
//! Not here: exact answers (`exact`).

use super::bound::Prices;
use super::frame::{Frame, NEVER};
use super::plan::Take;
use super::problem::{Filling, Problem};

/// Looks at a (node, line) pair a search may take: some tens of milliseconds.
const STEPS_MAX: usize = 1 << 20;
/// Parcels of a plan, whatever its nodes may send.
const PARCELS_MAX: usize = 1 << 12;

/// Fixed point of the price of a gram.
const GRAM_BITS: u32 = 12;

/// Memory of the search, reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The fill of the last plan is proven to be the most there is.
    pub fills_most: bool,
    prices: Prices,
    steps: usize,
    /// Key of the best plan, its nodes and what they ship.
    best: i64,
    best_open: Vec<usize>,
    best_takes: Vec<Take>,
    /// The set at hand.
    open: Vec<usize>,
    takes: Vec<Take>,
    /// Lines by weight, heavy first; those left on purpose.
    sequence: Vec<usize>,
    left: Vec<bool>,
    /// By line: the node that serves it first, whatever it asks, when it is open.
    first: Vec<Option<usize>>,
    /// By node: usual price of a gram, and the most grams of a parcel.
    gram: Vec<i64>,
    parcel_g: Vec<u64>,
    /// By line: units still wanted. By place in `open`: units it can pick; with every slot: pieces it has; with every
    /// line: units it gives.
    wanted: Vec<u32>,
    picks: Vec<u64>,
    pieces: Vec<u64>,
    given: Vec<u32>,
    ranked: Vec<(i64, usize)>,
    room: Vec<u64>,
    uncovered: Vec<u32>,
    bundle: Vec<usize>,
}

impl Search {
    /// Writes the best plan found to `takes`; returns what no plan that fills as much can undercut, minor units.
    /// `at_least` is a key that none can, if one is known.
    pub fn solve(&mut self, problem: &Problem, frame: &Frame, at_least: i64, takes: &mut Vec<Take>) -> i64 {
        self.prepare(problem, frame);
        self.cover(problem, frame);
        self.try_few(problem, frame);
        self.improve(problem, frame);
        self.move_lines(problem, frame);
        if frame.filling == Filling::Priced {
            self.leave_lines(problem, frame);
        }
        self.improve(problem, frame);
        self.move_lines(problem, frame);
        takes.clone_from(&self.best_takes);
        self.bound(problem, frame, at_least)
    }

    fn bound(&mut self, problem: &Problem, frame: &Frame, at_least: i64) -> i64 {
        let (mut most, mut missed) = (true, 0);
        for (number, line) in problem.lines.iter().enumerate() {
            let taken = self.best_takes.iter().filter(|take| take.line == number);
            let shipped = taken.map(|take| take.units).sum::<u32>();
            most &= shipped == frame.fillable[number];
            missed += i64::from(line.quantity - shipped);
        }
        self.fills_most = most || frame.filling == Filling::Priced;
        let cost = match frame.filling {
            Filling::Priced => frame.cost(self.best),
            Filling::First => frame.cost(self.best) - frame.unit_first * missed,
        };
        let full = frame.filling == Filling::First && most;
        let bound = self.prices.bound(problem, frame, full, cost, &self.best_takes, STEPS_MAX);
        let known = match frame.filling {
            _ if at_least == i64::MIN => i64::MIN,
            Filling::Priced => frame.cost(at_least),
            Filling::First => frame.cost(at_least).saturating_sub(frame.unit_first * missed),
        };
        let nothing = frame.cost(frame.nothing(problem));
        let bound = if frame.filling == Filling::Priced { bound.min(nothing) } else { bound };
        bound.max(known).min(cost)
    }

    fn prepare(&mut self, problem: &Problem, frame: &Frame) {
        let lines = &problem.lines;
        self.steps = 0;
        self.sequence.clear();
        self.sequence.extend((0..lines.len()).filter(|line| frame.fillable[*line] > 0));
        self.sequence
            .sort_by_key(|line| (lines[*line].together.is_none(), std::cmp::Reverse(lines[*line].unit_weight_g)));
        self.left.clear();
        self.left.resize(lines.len(), false);
        self.first.clear();
        self.first.resize(lines.len(), None);
        let grams = |line: usize| lines[line].unit_weight_g.saturating_mul(u64::from(frame.fillable[line]));
        let wanted_g = (0..lines.len()).map(grams).fold(0, u64::saturating_add);
        self.gram.clear();
        self.parcel_g.clear();
        for node in &frame.nodes {
            let carried = |bracket: &usize| problem.cheapest(node.candidate, *bracket).is_some();
            let brackets = (0..problem.rates.brackets()).take_while(carried).count();
            let parcel_g = if brackets == 0 { 0 } else { problem.rates.up_to_g(brackets - 1) };
            let usual = problem.rates.bracket(0, wanted_g).min(brackets.saturating_sub(1));
            let asks = |bracket: usize| problem.cheapest(node.candidate, bracket).map_or(0, |(_, asks)| asks);
            let (more, over) =
                if brackets == 0 { (0, 1) } else { (asks(usual) - asks(0), problem.rates.up_to_g(usual)) };
            self.gram.push((i128::from(more << GRAM_BITS) / i128::from(over.max(1))) as i64);
            self.parcel_g.push(parcel_g);
        }
        self.best = frame.nothing(problem);
        self.best_open.clear();
        self.best_takes.clear();
    }

    /// Tries all nodes at once, each by itself, and each two.
    fn try_few(&mut self, problem: &Problem, frame: &Frame) {
        let nodes = frame.nodes.len();
        let steps_max = self.steps + STEPS_MAX / 4;
        self.open.clear();
        self.open.extend(0..nodes);
        self.try_open(problem, frame);
        for apart in 0..nodes {
            for node in apart..nodes {
                if self.steps >= steps_max {
                    return;
                }
                self.open.clear();
                self.open.push(node - apart);
                if apart > 0 {
                    self.open.push(node);
                }
                self.try_open(problem, frame);
            }
        }
    }

    /// Serves a line first from another open node, while that helps and steps are left.
    fn move_lines(&mut self, problem: &Problem, frame: &Frame) {
        for place in 0..self.sequence.len() {
            let line = self.sequence[place];
            for at in 0..frame.nodes.len() {
                if self.steps >= STEPS_MAX {
                    return;
                }
                if self.best_open.contains(&at) && frame.caps_of(at)[line] > 0 {
                    let before = self.first[line].replace(at);
                    self.open.clone_from(&self.best_open);
                    if !self.try_open(problem, frame) {
                        self.first[line] = before;
                    }
                }
            }
        }
    }

    /// Opens the node whose parcel costs least for each unit still wanted, until nothing is wanted or no node has any.
    fn cover(&mut self, problem: &Problem, frame: &Frame) {
        self.open.clear();
        let mut wanted = std::mem::take(&mut self.uncovered);
        wanted.clone_from(&frame.fillable);
        while wanted.iter().any(|units| *units > 0) && self.steps < STEPS_MAX / 2 {
            self.steps += frame.nodes.len() * wanted.len();
            let offers = (0..frame.nodes.len()).filter(|node| !self.open.contains(node)).filter_map(|node| {
                let (cost, units) = self.offer(problem, frame, node, &wanted)?;
                Some((cost / i128::from(units), node))
            });
            let Some((_, node)) = offers.min() else { break };
            let row = frame.caps_of(node);
            wanted.iter_mut().zip(row).for_each(|(wanted, cap)| *wanted -= (*cap).min(*wanted));
            self.open.push(node);
            self.try_open(problem, frame);
        }
        self.uncovered = wanted;
    }

    /// What a node asks for all that it has of what is wanted, scaled, and how many units that is.
    fn offer(&self, problem: &Problem, frame: &Frame, node: usize, wanted: &[u32]) -> Option<(i128, u64)> {
        let candidate = frame.nodes[node].candidate;
        let (mut units, mut cost, mut grams) = (0, 0, 0_u64);
        for ((line, cap), wanted) in frame.caps_of(node).iter().enumerate().zip(wanted) {
            let take = u64::from(*cap.min(wanted));
            if take > 0 {
                units += take;
                cost += i128::from(problem.unit_cost(candidate, line)) * i128::from(take);
                grams = grams.saturating_add(problem.lines[line].unit_weight_g.saturating_mul(take));
            }
        }
        let bracket = problem.rates.bracket(0, grams.min(self.parcel_g[node]));
        let (_, asks) = problem.cheapest(candidate, bracket.min(problem.rates.brackets().checked_sub(1)?))?;
        let fee = asks + problem.candidates[candidate].per_shipment + problem.split;
        (units > 0).then(|| ((cost + i128::from(fee)) << GRAM_BITS, units))
    }

    /// Closes, opens and swaps nodes of the best set while that helps and steps are left.
    fn improve(&mut self, problem: &Problem, frame: &Frame) {
        let nodes = frame.nodes.len();
        let mut better = true;
        while better && self.steps < STEPS_MAX {
            better = false;
            for node in 0..nodes {
                better |= self.try_flips(problem, frame, &[node]);
            }
            for place in 0..self.best_open.len() {
                for node in 0..nodes {
                    let Some(&leaver) = self.best_open.get(place) else { break };
                    if !self.best_open.contains(&node) {
                        better |= self.try_flips(problem, frame, &[leaver, node]);
                    }
                }
            }
        }
    }

    /// Tries the best set with some nodes flipped; true when that is the new best.
    fn try_flips(&mut self, problem: &Problem, frame: &Frame, flips: &[usize]) -> bool {
        if self.steps >= STEPS_MAX {
            return false;
        }
        self.open.clone_from(&self.best_open);
        for node in flips {
            match self.open.iter().position(|open| open == node) {
                Some(place) => drop(self.open.remove(place)),
                None => self.open.push(*node),
            }
        }
        self.try_open(problem, frame)
    }

    /// Leaves a line, or ships one that was left, while that helps and steps are left.
    fn leave_lines(&mut self, problem: &Problem, frame: &Frame) {
        for place in 0..self.sequence.len() {
            if self.steps >= STEPS_MAX {
                break;
            }
            let line = self.sequence[place];
            self.left[line] ^= true;
            self.open.clone_from(&self.best_open);
            if !self.try_open(problem, frame) {
                self.left[line] ^= true;
            }
        }
    }

    /// Evaluates `self.open` and keeps it if it is better.
    fn try_open(&mut self, problem: &Problem, frame: &Frame) -> bool {
        self.serve(problem, frame);
        let key = self.pack(problem, frame).unwrap_or(NEVER);
        if key >= self.best {
            return false;
        }
        self.best = key;
        self.best_takes.clone_from(&self.takes);
        self.best_open.clear();
        self.best_open.extend(self.takes.iter().map(|take| take.node));
        self.best_open.sort_unstable();
        self.best_open.dedup();
        true
    }

    /// Gives every line to the open nodes where it is cheapest.
    fn serve(&mut self, problem: &Problem, frame: &Frame) {
        let (slots, lines) = (problem.slots, problem.lines.len());
        self.steps += self.open.len() * lines;
        self.wanted.clear();
        self.wanted.extend_from_slice(&frame.fillable);
        self.picks.clear();
        self.pieces.clear();
        for node in &self.open {
            self.picks.push(frame.nodes[*node].units_max);
            self.pieces.extend(problem.has(frame.nodes[*node].candidate).iter().map(|has| u64::from(*has)));
        }
        self.given.clear();
        self.given.resize(self.open.len() * lines, 0);
        for at in 0..self.sequence.len() {
            let line = self.sequence[at];
            if self.left[line] {
                continue;
            }
            self.rank(problem, frame, line);
            match problem.lines[line].together {
                Some(bundle) => self.serve_together(problem, bundle, line),
                None => {
                    for ranked in 0..self.ranked.len() {
                        let place = self.ranked[ranked].1;
                        let cap = frame.caps_of(self.open[place])[line];
                        let units = self.can_give(problem, place, line, cap.min(self.wanted[line]));
                        self.give(problem, place, line, i64::from(units));
                    }
                    if problem.lines[line].complete && self.wanted[line] > 0 {
                        for place in 0..self.open.len() {
                            let units = self.given[place * lines + line];
                            self.give(problem, place, line, -i64::from(units));
                        }
                    }
                }
            }
        }
        debug_assert!(self.pieces.len() == self.open.len() * slots);
    }

    /// Ranks the open nodes that have some of a line by what a unit costs there.
    fn rank(&mut self, problem: &Problem, frame: &Frame, line: usize) {
        self.ranked.clear();
        let weight = i64::try_from(problem.lines[line].unit_weight_g).unwrap_or(i64::MAX);
        for (place, node) in self.open.iter().enumerate().filter(|(_, node)| frame.caps_of(**node)[line] > 0) {
            let unit = problem.unit_cost(frame.nodes[*node].candidate, line) << GRAM_BITS;
            let asks = unit.saturating_add(self.gram[*node].saturating_mul(weight));
            self.ranked.push((if self.first[line] == Some(*node) { i64::MIN } else { asks }, place));
        }
        self.ranked.sort_unstable();
    }

    /// Units of a line a place can still give, at most `wish`.
    fn can_give(&self, problem: &Problem, place: usize, line: usize, wish: u32) -> u32 {
        let pieces = &self.pieces[place * problem.slots..];
        let picks = u32::try_from(self.picks[place]).unwrap_or(u32::MAX);
        problem.needs_of(line).iter().filter(|need| need.per_unit > 0).fold(wish.min(picks), |units, need| {
            let made = pieces[usize::from(need.slot)] / u64::from(need.per_unit);
            units.min(u32::try_from(made).unwrap_or(u32::MAX))
        })
    }

    /// Moves units of a line to a place, or back when negative.
    fn give(&mut self, problem: &Problem, place: usize, line: usize, units: i64) {
        let lines = problem.lines.len();
        let minus = |of: u64, less: i64| of.checked_add_signed(-less).expect("no more is given than there is");
        self.picks[place] = if self.picks[place] == u64::MAX { u64::MAX } else { minus(self.picks[place], units) };
        for need in problem.needs_of(line) {
            let pieces = &mut self.pieces[place * problem.slots + usize::from(need.slot)];
            *pieces = minus(*pieces, units * i64::from(need.per_unit));
        }
        let given = &mut self.given[place * lines + line];
        *given = (i64::from(*given) + units) as u32;
        self.wanted[line] = (i64::from(self.wanted[line]) - units) as u32;
    }

    /// Gives all lines of a bundle to the first ranked place that can give them all; nothing when none can.
    fn serve_together(&mut self, problem: &Problem, bundle: u8, first: usize) {
        let members = |line: &usize| problem.lines[*line].together == Some(bundle) && problem.lines[*line].quantity > 0;
        let mut of = std::mem::take(&mut self.bundle);
        of.clear();
        of.extend((0..problem.lines.len()).filter(members));
        if self.wanted[first] > 0 && of.iter().all(|line| !self.left[*line]) {
            self.give_together(problem, &of);
        }
        self.bundle = of;
    }

    fn give_together(&mut self, problem: &Problem, of: &[usize]) {
        for ranked in 0..self.ranked.len() {
            let place = self.ranked[ranked].1;
            let mut given = 0;
            for &line in of {
                let units = problem.lines[line].quantity;
                if self.can_give(problem, place, line, units) < units {
                    break;
                }
                self.give(problem, place, line, i64::from(units));
                given += 1;
            }
            if given == of.len() {
                return;
            }
            for &line in &of[..given] {
                self.give(problem, place, line, -i64::from(problem.lines[line].quantity));
            }
        }
    }

    /// Packs what every place gives into parcels; the key of the plan, if it is one.
    fn pack(&mut self, problem: &Problem, frame: &Frame) -> Option<i64> {
        let lines = problem.lines.len();
        self.takes.clear();
        let (mut key, mut parcels) = (0, 0);
        for (place, &node) in self.open.iter().enumerate() {
            let candidate = frame.nodes[node].candidate;
            let parcel_g = self.parcel_g[node];
            self.room.clear();
            for &line in &self.sequence {
                let weight = problem.lines[line].unit_weight_g;
                let mut units = self.given[place * lines + line];
                key += frame.key(problem.unit_cost(candidate, line) * i64::from(units));
                let mut parcel = 0;
                while units > 0 {
                    self.steps += 1;
                    if parcel == self.room.len() {
                        let most = (frame.nodes[node].parcels_max as usize).min(PARCELS_MAX - parcels);
                        if weight > parcel_g || parcel == most {
                            return None;
                        }
                        self.room.push(parcel_g);
                    }
                    let fit = self.room[parcel]
                        .checked_div(weight)
                        .map_or(units, |fit| units.min(fit.min(u64::from(u32::MAX)) as u32));
                    if fit > 0 {
                        self.room[parcel] -= weight * u64::from(fit);
                        self.takes.push(Take { node, parcel, line, units: fit });
                        units -= fit;
                    }
                    parcel += 1;
                }
            }
            let place_key = frame.place(node);
            let fixed = problem.candidates[candidate].per_shipment + problem.split;
            for room in &self.room {
                let (_, asks) = problem.cheapest(candidate, problem.rates.bracket(0, parcel_g - room))?;
                key += frame.key(asks + fixed) + place_key;
            }
            parcels += self.room.len();
        }
        let short = problem.lines.iter().enumerate().map(|(line, wanted)| {
            let missing = wanted.quantity - frame.fillable[line] + self.wanted[line];
            (line, u64::from(missing))
        });
        for (line, missing) in short.filter(|(_, missing)| *missing > 0) {
            if problem.complete {
                return None;
            }
            key += frame.shortage(problem, line, missing);
        }
        let fine = parcels > 0 && problem.shipments_max.is_none_or(|most| parcels <= most as usize);
        fine.then(|| key - frame.key(problem.split))
    }
}
