//! What no plan can undercut: prices for units, and what every node could earn at them.
//!
//! Any prices give a bound (Lagrange): what the demand is worth at them, or costs to leave, less what each node would
//! earn above its own costs if it sold as it likes. A node's best sale within one parcel is a knapsack for each bracket;
//! taken in fractions it earns at least as much, so the bound stays one. Where a node may send several parcels, each
//! earns no more than the best one, and a parcel's price is no less than the cheapest gram of any.
//!
//! A subgradient improves the prices step by step. All numbers are whole, in 2⁻⁸ minor units where there is room, and
//! every rounding goes the safe way.
//!
//! Relaxed: what lines share, what a node can pick, most parcels, lines in full or together; all of them only make the
//! best plan dearer.
//!
//! Cost: a round looks at every (node, line) that has stock, and sorts them; as many rounds as the steps allow. Not here:
//! plans.

use super::frame::Frame;
use super::plan::Take;
use super::problem::{Problem, Rates};

/// Rounds of the subgradient at most.
const ROUNDS_MAX: usize = 120;

/// Rounds without a better bound before the step is halved.
const PATIENCE: usize = 6;

/// One in the fixed-point numbers of the step.
const ONE: i128 = 1 << 10;

/// A line a node would like to sell.
#[derive(Clone, Copy, Debug)]
struct Sale {
    line: usize,
    /// What one unit earns, scaled.
    profit: i64,
    weight_g: u64,
    units: u32,
}

/// Memory of the bound, reused from order to order.
#[derive(Debug, Default)]
pub(super) struct Prices {
    shift: u32,
    /// By line: price of a unit, scaled.
    price: Vec<i64>,
    /// Brackets of all nodes where a parcel gets dearer: grams it holds, its whole cost, scaled; and where each node's end.
    brackets: Vec<(u64, i64)>,
    ends: Vec<usize>,
    sales: Vec<Sale>,
    /// By line: units left and sold less units wanted, at the prices at hand.
    surplus: Vec<i64>,
}

impl Prices {
    /// The best bound found on the cost of plans, minor units; of those that fill whatever can be filled when `full`.
    /// `cost` is what the plan of `takes` costs, from which the first prices are read.
    pub fn bound(
        &mut self,
        problem: &Problem,
        frame: &Frame,
        full: bool,
        cost: i64,
        takes: &[Take],
        steps: usize,
    ) -> i64 {
        self.shift = if problem.magnitude() < 1 << 44 { 8 } else { 0 };
        self.list_brackets(problem, frame);
        self.first_prices(problem, frame, takes);
        let pass = (frame.nodes.len() * problem.lines.len()).max(1) * 4;
        let (mut best, mut since) = (i64::MIN, 0);
        let mut pace = ONE;
        for round in 0..ROUNDS_MAX {
            if round > 0 && round * pass > steps {
                break;
            }
            let value = self.value(problem, frame, full);
            if value > best {
                (best, since) = (value, 0);
            } else {
                since += 1;
                if since % PATIENCE == 0 {
                    pace /= 2;
                }
            }
            let gap = i128::from(cost << self.shift) - i128::from(value);
            let length: i128 = self.surplus.iter().map(|surplus| i128::from(*surplus) * i128::from(*surplus)).sum();
            if gap <= 0 || length == 0 || pace == 0 {
                break;
            }
            for (price, surplus) in self.price.iter_mut().zip(&self.surplus) {
                *price -= (gap * i128::from(*surplus) * pace / (length * ONE)) as i64;
            }
        }
        // A cost is whole, so it is no less than the next whole number.
        let one = 1_i64 << self.shift;
        best.div_euclid(one) + i64::from(best.rem_euclid(one) > 0)
    }

    fn list_brackets(&mut self, problem: &Problem, frame: &Frame) {
        self.brackets.clear();
        self.ends.clear();
        for node in &frame.nodes {
            let first = self.brackets.len();
            let fixed = problem.candidates[node.candidate].per_shipment + problem.split;
            for bracket in 0..problem.rates.brackets() {
                let asks = problem.offers_of(node.candidate).iter();
                let asks = asks.map(|offer| problem.rates.table(offer.table)[bracket] + offer.plus).min();
                let Some(asks) = asks.filter(|asks| *asks < Rates::NOT_CARRIED) else { continue };
                let (up_to_g, cost) = (problem.rates.up_to_g(bracket), (asks + fixed) << self.shift);
                match self.brackets[first..].last_mut() {
                    Some(last) if last.1 == cost => last.0 = up_to_g,
                    _ => self.brackets.push((up_to_g, cost)),
                }
            }
            self.ends.push(self.brackets.len());
        }
    }

    fn first_prices(&mut self, problem: &Problem, frame: &Frame, takes: &[Take]) {
        let mut prices = std::mem::take(&mut self.price);
        prices.clear();
        prices.extend((0..problem.lines.len()).map(|line| {
            let shortage = problem.lines[line].shortage;
            let most = (shortage.per_line + shortage.per_unit) << self.shift;
            let price = takes.iter().filter(|take| take.line == line).map(|take| {
                let candidate = frame.nodes[take.node].candidate;
                let parcel = takes.iter().filter(|other| (other.node, other.parcel) == (take.node, take.parcel));
                let grams: u64 = parcel.map(|of| problem.lines[of.line].unit_weight_g * u64::from(of.units)).sum();
                let brackets = self.brackets_of(take.node);
                let fee = brackets.iter().find(|(up_to_g, _)| *up_to_g >= grams).map_or(0, |(_, cost)| *cost);
                let share = i128::from(fee) * i128::from(problem.lines[line].unit_weight_g) / i128::from(grams.max(1));
                (problem.unit_cost(candidate, line) << self.shift) + share as i64
            });
            price.max().unwrap_or(most)
        }));
        self.price = prices;
    }

    fn brackets_of(&self, node: usize) -> &[(u64, i64)] {
        let first = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.brackets[first..self.ends[node]]
    }

    /// The bound at the prices at hand, scaled; fills `surplus`.
    fn value(&mut self, problem: &Problem, frame: &Frame, full: bool) -> i64 {
        let mut value = -(problem.split << self.shift);
        self.surplus.clear();
        for (number, line) in problem.lines.iter().enumerate() {
            let fillable = i64::from(frame.fillable[number]);
            let missing = i64::from(line.quantity) - fillable;
            let mut surplus = -fillable;
            value += self.price[number] * fillable;
            if missing > 0 {
                value += frame.shortage_cost(problem, number, missing as u64) << self.shift;
            }
            if !full && fillable > 0 {
                let once = if missing > 0 { 0 } else { line.shortage.per_line };
                let first = if frame.shortage_cost(problem, number, 1) == 0 { 0 } else { once };
                let unit = frame.shortage_cost(problem, number, 2) - frame.shortage_cost(problem, number, 1);
                let leave = |units: i64| ((first + unit * units) << self.shift) - self.price[number] * units;
                let (all, one) = (leave(fillable), leave(1));
                if all.min(one) < 0 {
                    let units = if all <= one { fillable } else { 1 };
                    value += all.min(one);
                    surplus += units;
                }
            }
            self.surplus.push(surplus);
        }
        for node in 0..frame.nodes.len() {
            value += self.sell(problem, frame, node);
        }
        value
    }

    /// What a node costs less what it earns at best, at most zero, scaled; adds what it sells to `surplus`.
    fn sell(&mut self, problem: &Problem, frame: &Frame, node: usize) -> i64 {
        let candidate = frame.nodes[node].candidate;
        let mut sales = std::mem::take(&mut self.sales);
        sales.clear();
        for (line, units) in frame.caps_of(node).iter().enumerate().filter(|(_, units)| **units > 0) {
            let profit = self.price[line] - (problem.unit_cost(candidate, line) << self.shift);
            if profit > 0 {
                sales.push(Sale { line, profit, weight_g: problem.lines[line].unit_weight_g, units: *units });
            }
        }
        let worth = |sale: &Sale, other: &Sale| {
            let (a, b) = (
                i128::from(sale.profit) * i128::from(other.weight_g),
                i128::from(other.profit) * i128::from(sale.weight_g),
            );
            b.cmp(&a).then(sale.line.cmp(&other.line))
        };
        sales.sort_unstable_by(worth);
        let parcels = i64::from(frame.nodes[node].parcels_max);
        let (one, grams) = best_parcel(self.brackets_of(node), &sales);
        let mut value = one.min(0).saturating_mul(parcels);
        let mut several = None;
        if parcels > 1 {
            let brackets = self.brackets_of(node);
            let gram = brackets.iter().map(|(up_to_g, cost)| cost / (*up_to_g).clamp(1, i64::MAX as u64) as i64).min();
            let gram = gram.unwrap_or(0);
            let least = brackets.iter().map(|(_, cost)| *cost).min().unwrap_or(0);
            for half in 0..=2 {
                let earned = sales.iter().map(|sale| earns(sale, gram, half)).sum::<i64>();
                let of_all = least * half / 2 - earned;
                if of_all.min(0) > value {
                    (value, several) = (of_all.min(0), Some((gram, half)));
                }
            }
        }
        if value < 0 {
            let mut room = grams;
            for sale in &sales {
                let units = match several {
                    Some((gram, half)) => {
                        if earns(sale, gram, half) > 0 {
                            sale.units
                        } else {
                            0
                        }
                    }
                    None => {
                        let fit = room.checked_div(sale.weight_g).unwrap_or(u64::MAX).min(u64::from(sale.units));
                        room -= fit * sale.weight_g;
                        fit as u32
                    }
                };
                self.surplus[sale.line] += i64::from(units);
            }
        }
        self.sales = sales;
        value
    }
}

/// What the units of a sale earn when a gram costs at least so much, a part of which is not counted.
fn earns(sale: &Sale, gram: i64, half: i64) -> i64 {
    let costs = i128::from(gram) * i128::from(sale.weight_g) * i128::from(2 - half) / 2;
    (i128::from(sale.profit) - costs).max(0) as i64 * i64::from(sale.units)
}

/// The least a parcel can cost after what it earns, sold in fractions, and the grams its bracket holds.
fn best_parcel(brackets: &[(u64, i64)], sales: &[Sale]) -> (i64, u64) {
    let (mut best, mut best_grams) = (0, 0);
    let (mut sold, mut earned, mut grams) = (0, 0_i64, 0_u64);
    for (up_to_g, cost) in brackets {
        while let Some(sale) = sales.get(sold) {
            let weight = sale.weight_g.saturating_mul(u64::from(sale.units));
            if grams.saturating_add(weight) > *up_to_g {
                break;
            }
            grams += weight;
            earned += sale.profit * i64::from(sale.units);
            sold += 1;
        }
        let part = sales.get(sold).map_or(0, |sale| {
            let room = i128::from(up_to_g.saturating_sub(grams));
            (i128::from(sale.profit) * room / i128::from(sale.weight_g.max(1))) as i64 + 1
        });
        if cost - earned - part < best {
            (best, best_grams) = (cost - earned - part, *up_to_g);
        }
    }
    (best, best_grams)
}
