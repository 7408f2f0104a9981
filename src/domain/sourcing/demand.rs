//! The demand as the search sees it: equal lines joined, nodes without use gone, one table of what each node can give.
//!
//! Promises: two lines of the same article are one group, so they can never count the same unit twice; a group's
//! `quantity` is never more than all nodes together can give; `caps` holds for each node and group the most units that
//! node could give if it gave to this group alone.
//!
//! Cost: lines × log(lines) + candidates × needs.
//!
//! Not here: which node gives how much. Groups that share a slot (kits) set `coupled`; then caps of one node do not add
//! up and [`Demand::fits`] must be asked.

use std::ops::Range;

use super::kernel::Take;
use super::problem::{Problem, SCALE, Tariff};

/// Distance charges of a whole order stay below this many parts, so that every sum of the search fits its integer.
const CHARGE_PARTS_MAX: u128 = 1 << 92;

/// Weight of a whole order in the search, grams.
const WEIGHT_BITS_MAX: u32 = 62;

/// Lines with the same needs and the same unit weight.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Units the lines ask for.
    pub wanted: u64,
    /// Units that can be filled if this group were alone: `wanted`, or all there is.
    pub quantity: u64,
    /// Grams of one unit, as the search weighs it.
    pub weight_g: u64,
    needs: Range<usize>,
    members: Range<usize>,
}

/// Some of the first groups, a bit each.
pub(super) type Groups = u16;

/// A candidate that can give at least one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Index into the problem's candidates; nodes are in ascending order of it.
    pub candidate: u32,
    pub distance_m: u64,
    /// Of the first groups, those it has any of, and those of which it has all that the lines ask for.
    pub has: Groups,
    pub fills: Groups,
}

/// A group in short, for the pass over all candidates.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    slot: u16,
    wanted: u32,
    /// One piece of `slot` a unit, nothing else.
    product: bool,
    /// Units all candidates can give, each by itself; at least what is wanted where there is as much.
    found: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SlotNeed {
    slot: u16,
    per_unit: u64,
}

/// Rounded prices in the integer width the numbers of this order need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pricing {
    /// Millionths per kg and km, as the search prices it.
    pub rate: u64,
    narrow: bool,
    /// The true numbers are too large to search with: the plan stays valid, but nothing is proven.
    pub outsized: bool,
}

impl Pricing {
    /// Distance charge in minor units, rounded half up; equals [`Tariff::charge`] unless `outsized`.
    pub fn charge(&self, distance_m: u64, weight_g: u64) -> i64 {
        if self.narrow {
            ((distance_m * weight_g * self.rate + SCALE as u64 / 2) / SCALE as u64) as i64
        } else {
            ((self.parts(distance_m, weight_g) + SCALE / 2) / SCALE) as i64
        }
    }

    /// The same charge unrounded, in parts of 10⁻¹² minor units.
    pub fn parts(&self, distance_m: u64, weight_g: u64) -> u128 {
        u128::from(distance_m) * u128::from(weight_g) * u128::from(self.rate)
    }
}

/// See the head of this file. Reused from order to order; `load` replaces everything.
#[derive(Debug, Default)]
pub(super) struct Demand {
    pub groups: Vec<Group>,
    pub nodes: Vec<Node>,
    /// Row per node, column per group.
    pub caps: Vec<u32>,
    /// Some slot is needed by two groups.
    pub coupled: bool,
    pub pricing: Pricing,
    needs: Vec<SlotNeed>,
    recipes: Vec<Recipe>,
    /// Range of `needs` of each line.
    line_needs: Vec<Range<usize>>,
    /// Line numbers, those of one group side by side and ascending.
    members: Vec<u32>,
    /// Group that needs a slot, to notice the second one.
    owner: Vec<u32>,
    /// Pieces of each slot a trial load takes.
    load: Vec<u64>,
}

impl Demand {
    pub fn load(&mut self, problem: &Problem) {
        self.list_needs(problem);
        self.join_lines(problem);
        self.note_sharing(problem.slots);
        self.count_caps(problem);
        self.choose_width(&problem.tariff);
    }

    /// Whether `has` and `fills` of a node say all: few groups, and each can be filled.
    pub fn in_short(&self) -> bool {
        let filled = self.groups.iter().all(|group| group.quantity == group.wanted);
        filled && self.groups.len() <= Groups::BITS as usize
    }

    /// Caps of one node, a value per group.
    pub fn caps_of(&self, node: usize) -> &[u32] {
        let width = self.groups.len();
        &self.caps[node * width..(node + 1) * width]
    }

    /// The lines of a group, ascending.
    pub fn lines_of(&self, group: usize) -> &[u32] {
        &self.members[self.groups[group].members.clone()]
    }

    /// Whether one node can give all of `(group, units)` together.
    pub fn fits(&mut self, problem: &Problem, node: usize, units: impl Iterator<Item = (usize, u64)>) -> bool {
        let available = problem.has(self.nodes[node].candidate as usize);
        self.load.clear();
        self.load.resize(problem.slots, 0);
        for (group, units) in units {
            for need in &self.needs[self.groups[group].needs.clone()] {
                let taken = &mut self.load[usize::from(need.slot)];
                *taken = taken.saturating_add(need.per_unit.saturating_mul(units));
                if *taken > u64::from(available[usize::from(need.slot)]) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether `rival` can give whatever `node` can.
    pub fn outdoes(&self, problem: &Problem, rival: u32, node: u32) -> bool {
        if !self.coupled {
            let pair = self.caps_of(rival as usize).iter().zip(self.caps_of(node as usize));
            return pair
                .zip(&self.groups)
                .all(|((rival, node), group)| rival >= node || u64::from(*rival) >= group.quantity);
        }
        let has = |node: u32| problem.has(self.nodes[node as usize].candidate as usize);
        has(rival).iter().zip(has(node)).all(|(rival, node)| rival >= node)
    }

    /// Pieces by slot of what a node is asked for.
    pub fn needed(&self, take: Take) -> impl Iterator<Item = (u16, u64)> {
        let needs = &self.needs[self.groups[take.group as usize].needs.clone()];
        needs.iter().map(move |need| (need.slot, need.per_unit.saturating_mul(take.units)))
    }

    /// Most units of `group` that the pieces in `left` still make, at most `wish`.
    pub fn makes(&self, group: usize, left: &[u64], wish: u64) -> u64 {
        let needs = &self.needs[self.groups[group].needs.clone()];
        needs.iter().fold(wish, |units, need| units.min(left[usize::from(need.slot)] / need.per_unit))
    }

    /// Takes the pieces of `units` of `group` out of `left`.
    pub fn take(&self, group: usize, left: &mut [u64], units: u64) {
        for need in &self.needs[self.groups[group].needs.clone()] {
            left[usize::from(need.slot)] -= need.per_unit * units;
        }
    }

    /// Pieces of all slots one unit of `group` takes.
    pub fn pieces(&self, group: usize) -> u64 {
        self.needs[self.groups[group].needs.clone()].iter().fold(0, |sum, need| sum.saturating_add(need.per_unit))
    }

    /// Writes every line's needs in slot order, a slot once, so that equal needs are equal slices.
    fn list_needs(&mut self, problem: &Problem) {
        self.needs.clear();
        self.line_needs.clear();
        for line in 0..problem.lines.len() {
            let start = self.needs.len();
            for need in problem.needs_of(line).iter().filter(|need| need.per_unit > 0) {
                assert!(usize::from(need.slot) < problem.slots, "a line needs slot {} of {}", need.slot, problem.slots);
                let per_unit = u64::from(need.per_unit);
                match self.needs[start..].iter_mut().find(|known| known.slot == need.slot) {
                    Some(known) => known.per_unit += per_unit,
                    None => self.needs.push(SlotNeed { slot: need.slot, per_unit }),
                }
            }
            self.needs[start..].sort_unstable();
            self.line_needs.push(start..self.needs.len());
        }
    }

    fn join_lines(&mut self, problem: &Problem) {
        let Self { needs, line_needs, members, groups, .. } = self;
        let lines = &problem.lines;
        let article = |line: u32| (&needs[line_needs[line as usize].clone()], lines[line as usize].unit_weight_g);
        members.clear();
        members.extend((0..lines.len() as u32).filter(|&line| lines[line as usize].quantity > 0));
        members.sort_unstable_by(|&a, &b| article(a).cmp(&article(b)).then(a.cmp(&b)));
        groups.clear();
        for (place, &line) in members.iter().enumerate() {
            let quantity = u64::from(lines[line as usize].quantity);
            match groups.last_mut() {
                Some(group) if article(members[group.members.start]) == article(line) => {
                    group.wanted += quantity;
                    group.members.end = place + 1;
                }
                _ => groups.push(Group {
                    wanted: quantity,
                    quantity: 0,
                    weight_g: lines[line as usize].unit_weight_g,
                    needs: line_needs[line as usize].clone(),
                    members: place..place + 1,
                }),
            }
        }
    }

    fn note_sharing(&mut self, slots: usize) {
        const NOBODY: u32 = u32::MAX;
        self.coupled = false;
        self.owner.clear();
        self.owner.resize(slots, NOBODY);
        for (number, group) in self.groups.iter().enumerate() {
            for need in &self.needs[group.needs.clone()] {
                let owner = &mut self.owner[usize::from(need.slot)];
                self.coupled |= *owner != NOBODY;
                *owner = number as u32;
            }
        }
    }

    /// Caps of every node that has any, and of every group how much there is.
    fn count_caps(&mut self, problem: &Problem) {
        let Self { groups, needs, nodes, caps, recipes, .. } = self;
        recipes.clear();
        recipes.extend(groups.iter().map(|group| {
            let wanted = u32::try_from(group.wanted).unwrap_or(u32::MAX);
            match &needs[group.needs.clone()] {
                [SlotNeed { slot, per_unit: 1 }] => Recipe { slot: *slot, wanted, product: true, found: 0 },
                _ => Recipe { slot: 0, wanted, product: false, found: 0 },
            }
        }));
        let straight = recipes.len() == problem.slots
            && recipes.iter().enumerate().all(|(at, recipe)| recipe.product && usize::from(recipe.slot) == at);
        // What is left of the order before is written over.
        nodes.resize(problem.candidates.len(), Node::default());
        caps.resize(problem.candidates.len() * groups.len(), 0);
        match groups.len() {
            1 if straight => self.count_products::<1>(problem),
            2 if straight => self.count_products::<2>(problem),
            3 if straight => self.count_products::<3>(problem),
            4 if straight => self.count_products::<4>(problem),
            5 if straight => self.count_products::<5>(problem),
            6 if straight => self.count_products::<6>(problem),
            7 if straight => self.count_products::<7>(problem),
            8 if straight => self.count_products::<8>(problem),
            _ => self.count_any(problem),
        }
        for (group, recipe) in self.groups.iter_mut().zip(&self.recipes) {
            group.quantity = recipe.found.min(group.wanted);
        }
    }

    /// Caps of groups that are one product each, in the order of the slots: the loop that meets every pair of a node and
    /// an article, so it knows its width and has no branch.
    fn count_products<const WIDTH: usize>(&mut self, problem: &Problem) {
        let (stock, caps) = (problem.available.as_chunks::<WIDTH>().0, self.caps.as_chunks_mut::<WIDTH>().0);
        let wanted: [u32; WIDTH] = std::array::from_fn(|at| self.recipes[at].wanted);
        let (mut filled, mut kept) = (0, 0);
        for (candidate, (has, at)) in stock.iter().zip(&problem.candidates).enumerate() {
            let distance_m = at.distance_m.into();
            let mut node = Node { candidate: candidate as u32, distance_m, ..Node::default() };
            for group in 0..WIDTH {
                let cap = has[group].min(wanted[group]);
                caps[kept][group] = cap;
                node.has |= Groups::from(cap > 0) << group;
                node.fills |= Groups::from(cap == wanted[group]) << group;
            }
            self.nodes[kept] = node;
            kept += usize::from(node.has > 0);
            filled |= node.fills;
        }
        for (group, recipe) in self.recipes.iter_mut().enumerate() {
            let sum = || caps[..kept].iter().map(|row| u64::from(row[group])).sum();
            // Where one node has enough nobody need count.
            recipe.found = if filled >> group & 1 == 1 { u64::from(recipe.wanted) } else { sum() };
        }
        self.nodes.truncate(kept);
        self.caps.truncate(kept * WIDTH);
    }

    /// Counts by the pass for any order, whatever the order is.
    #[cfg(test)]
    pub fn count_again(&mut self, problem: &Problem) {
        self.nodes.resize(problem.candidates.len(), Node::default());
        self.caps.resize(problem.candidates.len() * self.groups.len(), 0);
        self.recipes.iter_mut().for_each(|recipe| recipe.found = 0);
        self.count_any(problem);
        for (group, recipe) in self.groups.iter_mut().zip(&self.recipes) {
            group.quantity = recipe.found.min(group.wanted);
        }
    }

    /// Caps of groups of any kind.
    fn count_any(&mut self, problem: &Problem) {
        let Self { groups, needs, nodes, caps, recipes, .. } = self;
        let mut kept = 0;
        for (candidate, at) in problem.candidates.iter().enumerate() {
            let available = problem.has(candidate);
            let distance_m = at.distance_m.into();
            let mut node = Node { candidate: candidate as u32, distance_m, ..Node::default() };
            let mut any = 0;
            let row = &mut caps[kept * groups.len()..(kept + 1) * groups.len()];
            for (number, (cap, recipe)) in row.iter_mut().zip(recipes.iter_mut()).enumerate() {
                *cap = if recipe.product {
                    available[usize::from(recipe.slot)].min(recipe.wanted)
                } else {
                    needs[groups[number].needs.clone()].iter().fold(recipe.wanted, |cap, need| {
                        cap.min((u64::from(available[usize::from(need.slot)]) / need.per_unit) as u32)
                    })
                };
                any |= *cap;
                recipe.found += u64::from(*cap);
                if number < Groups::BITS as usize {
                    node.has |= Groups::from(*cap > 0) << number;
                    node.fills |= Groups::from(*cap == recipe.wanted) << number;
                }
            }
            nodes[kept] = node;
            kept += usize::from(any > 0);
        }
        nodes.truncate(kept);
        caps.truncate(kept * groups.len());
    }

    /// Decides with which integers this order can be priced, and shrinks numbers no real order has.
    fn choose_width(&mut self, tariff: &Tariff) {
        let farthest = u128::from(self.nodes.iter().map(|node| node.distance_m).max().unwrap_or(0)).max(1);
        let weigh = |groups: &[Group]| -> u128 {
            groups.iter().map(|group| u128::from(group.quantity) * u128::from(group.weight_g)).sum()
        };
        let mut weight = weigh(&self.groups);
        let mut outsized = false;
        if weight >> WEIGHT_BITS_MAX != 0 {
            outsized = true;
            let shift = 128 - weight.leading_zeros() - WEIGHT_BITS_MAX;
            self.groups.iter_mut().for_each(|group| group.weight_g >>= shift.min(63));
            weight = weigh(&self.groups);
        }
        let mut rate = tariff.micro_per_kg_km.unsigned_abs();
        let rate_max = CHARGE_PARTS_MAX / farthest / weight.max(1);
        if u128::from(rate) > rate_max {
            outsized = true;
            rate = rate_max as u64;
        }
        let narrow = farthest * weight.max(1) * u128::from(rate.max(1)) + SCALE < u128::from(u64::MAX);
        self.pricing = Pricing { rate, narrow, outsized };
    }
}
