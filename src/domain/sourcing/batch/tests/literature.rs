//! A stream of orders of family F1, the shape of Jasin and Sinha (2015) and Ma (2023): ten cities by population and five
//! centres, a charge for each centre that ships and a cost for each unit by its way, 20 items, five kinds of orders of each size
//! from one to five, 10,000 periods with one order or none, items kept in three centres of four, stock for what the nearest
//! cities are expected to ask. What no centre ships comes from elsewhere, at twice the charge and twice the farthest way.
//!
//! *Without prices* is the kernel in full, order by order; *with prices* it also weighs what a unit of scarce stock is worth,
//! found anew [`REFRESHES`] times from what is left and what is expected still. Both are told as ratios to what nobody
//! undercuts who knew the sequence before: proven by prices (Lagrange) for that very sequence.
//!
//! Instance i: seed 42 + i, its sequences 9000 + 100 i and on. The cities are the ten largest of the United States and the centres
//! ours, so figures of others are near, not the same. Shared with the bench of sourcing: whoever includes it has a
//! `sourcing` and a `family` beside it.

use super::family::{Dice, summed};
use super::sourcing::Need;
use super::sourcing::costed::{Candidate, Line, Offer, Plan, Problem, Rates, Workspace, solve_into};

/// Latitude, longitude and thousands of people.
const CITIES: [(f64, f64, f64); 10] = [
    (40.7, -74.0, 8_336.0),
    (34.1, -118.2, 3_979.0),
    (41.9, -87.6, 2_694.0),
    (29.8, -95.4, 2_320.0),
    (33.4, -112.1, 1_681.0),
    (40.0, -75.2, 1_584.0),
    (29.4, -98.5, 1_547.0),
    (32.7, -117.2, 1_424.0),
    (32.8, -96.8, 1_344.0),
    (37.3, -121.9, 1_022.0),
];
const CENTRES: [(f64, f64); 5] = [(40.6, -75.5), (33.7, -84.4), (32.8, -96.8), (39.5, -119.8), (39.8, -86.2)];
const ITEMS: usize = 20;
/// Kinds of orders of each size.
const KINDS: usize = 5;
const SIZES: usize = 5;
const PERIODS: usize = 10_000;
/// Thousandths of a dollar for a centre that ships, and for a unit beside its way.
const CHARGE: i64 = 8_759;
const UNIT: f64 = 423.0;
const UNIT_MILE: f64 = 0.541;
/// How often prices are found on the way.
const REFRESHES: usize = 20;
const ROUNDS: u32 = 120;
const ROUNDS_WARM: u32 = 40;
/// Rounds that prove what nobody undercuts.
const ROUNDS_BOUND: u32 = 300;
/// Parts of a thousandth in which prices move.
const PARTS: i64 = 256;
/// What is expected is counted in such parts of an order.
const SHARES: f64 = 64.0;

/// An order of a kind to a city.
struct Asked {
    problem: Problem,
    /// The cell of every candidate and line; none of what comes from elsewhere.
    cells: Vec<Option<usize>>,
    /// Chance of it in a period.
    chance: f64,
}

/// An instance.
pub struct Literature {
    asked: Vec<Asked>,
    stock: Vec<u32>,
}

/// What a sequence costs, and what nobody undercuts.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub without_prices: i64,
    pub with_prices: i64,
    pub bound: i64,
}

fn miles(a: (f64, f64), b: (f64, f64)) -> f64 {
    let [p, q, r, s] = [a.0, a.1, b.0, b.1].map(f64::to_radians);
    let half = |x: f64| libm::pow(libm::sin(x / 2.0), 2.0);
    let h = half(r - p) + libm::cos(p) * libm::cos(r) * half(s - q);
    2.0 * 6_371.0 / 1.61 * libm::asin(libm::sqrt(h))
}

impl Literature {
    pub fn roll(instance: u64) -> Self {
        let mut dice = Dice::new(42 + instance);
        // The first share is that of periods without an order.
        let shares: Vec<f64> = (0..=SIZES).map(|_| dice.unit()).collect();
        let all: f64 = shares.iter().sum();
        let people: f64 = CITIES.iter().map(|city| city.2).sum();
        let kept: Vec<bool> = (0..CENTRES.len() * ITEMS).map(|_| dice.unit() < 0.75).collect();
        let mut expected = vec![0.0; kept.len()];
        let mut asked = Vec::new();
        for (size, share) in shares.iter().enumerate().skip(1) {
            for _ in 0..KINDS {
                let items = some_of(&mut dice, size);
                for (lat, lon, own) in CITIES {
                    let chance = share / all / KINDS as f64 * own / people;
                    let ways = CENTRES.map(|centre| miles(centre, (lat, lon)));
                    for item in &items {
                        let keeping = (0..CENTRES.len()).filter(|centre| kept[centre * ITEMS + item]);
                        if let Some(nearest) = keeping.min_by(|a, b| ways[*a].total_cmp(&ways[*b])) {
                            expected[nearest * ITEMS + item] += chance;
                        }
                    }
                    asked.push((items.clone(), ways, chance));
                }
            }
        }
        let units = |d: &f64| {
            let (mean, spread) = (PERIODS as f64 * d, libm::sqrt(PERIODS as f64 * d * (1.0 - d)));
            libm::round(mean + 0.5 * spread) as u32
        };
        let stock: Vec<u32> = expected.iter().map(units).collect();
        let asked = asked.into_iter().map(|(items, ways, chance)| Asked::of(&items, &ways, chance, &stock)).collect();
        Self { asked, stock }
    }

    /// Decides a sequence with and without prices.
    pub fn told(&self, instance: u64, sequence: u64) -> Told {
        let mut dice = Dice::new(9_000 + 100 * instance + sequence);
        let none = 1.0 - self.asked.iter().map(|asked| asked.chance).sum::<f64>();
        let chances = summed(self.asked.iter().map(|asked| asked.chance).chain([none]));
        let drawn: Vec<usize> = (0..PERIODS).map(|_| dice.draw(&chances)).collect();
        let mut counts = vec![0_i64; self.asked.len() + 1];
        drawn.iter().for_each(|at| counts[*at] += 1);
        let mut prices = Prices::none(self.stock.len());
        let bound = self.price(&mut prices, &counts, &self.stock, 1, ROUNDS_BOUND);
        Told { without_prices: self.decided(&drawn, false), with_prices: self.decided(&drawn, true), bound }
    }

    fn decided(&self, drawn: &[usize], is_priced: bool) -> i64 {
        let mut left = self.stock.clone();
        let mut prices = Prices::none(left.len());
        let mut solving = Solving::default();
        let mut cost = 0;
        for (at, kind) in drawn.iter().enumerate() {
            if is_priced && at % (PERIODS / REFRESHES) == 0 {
                let rest = (PERIODS - at) as f64 * SHARES;
                let counts: Vec<i64> = self.asked.iter().map(|asked| libm::round(rest * asked.chance) as i64).collect();
                let rounds = if at == 0 { ROUNDS } else { ROUNDS_WARM };
                prices.begin_again();
                self.price(&mut prices, &counts, &left, SHARES as i64, rounds);
            }
            let Some(asked) = self.asked.get(*kind) else { continue };
            cost += solving.solve(asked, &prices.usual, &left);
            solving.taken(asked).for_each(|cell| left[cell] -= 1);
        }
        cost
    }

    /// Moves prices so many rounds; the best bound of orders that come so often, with so many times the stock.
    fn price(&self, prices: &mut Prices, counts: &[i64], stock: &[u32], times: i64, rounds: u32) -> i64 {
        let mut solving = Solving::default();
        let (mut best, mut sums) = (i64::MIN, vec![0_i64; stock.len()]);
        for round in 0..i64::from(rounds) {
            let whole = prices.whole();
            let mut used = vec![0_i64; stock.len()];
            let mut bound = 0;
            for (asked, count) in self.asked.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let cost = solving.solve(asked, &whole, stock);
                let paid: i64 = solving.taken(asked).map(|cell| whole[cell]).sum();
                bound += count * (cost + paid);
                solving.taken(asked).for_each(|cell| used[cell] += count);
            }
            bound -= whole.iter().zip(stock).map(|(price, has)| price * i64::from(*has) * times).sum::<i64>();
            best = best.max(bound);
            for ((price, used), has) in prices.now.iter_mut().zip(&used).zip(stock) {
                let has = i64::from(*has) * times;
                let more = ((used - has) * 1_024 / has.max(1)).clamp(-1_024, 1_536);
                let step = prices.step * 6 / (6 + round);
                *price = (*price + step * more / 1_024).max(0);
            }
            if 2 * round >= i64::from(rounds) {
                sums.iter_mut().zip(&prices.now).for_each(|(sum, price)| *sum += price);
            }
        }
        let counted = i64::from(rounds.div_ceil(2)).max(1) * PARTS;
        prices.usual = sums.iter().map(|sum| (sum + counted / 2) / counted).collect();
        best
    }
}

/// So many items of all.
fn some_of(dice: &mut Dice, size: usize) -> Vec<usize> {
    let mut items: Vec<usize> = (0..ITEMS).collect();
    for at in 0..size {
        let other = at + (dice.unit() * (ITEMS - at) as f64) as usize;
        items.swap(at, other.min(ITEMS - 1));
    }
    items.truncate(size);
    items
}

/// Prices of cells.
struct Prices {
    /// In parts, as they move.
    now: Vec<i64>,
    /// On average over the later half of the rounds.
    usual: Vec<i64>,
    step: i64,
}

impl Prices {
    fn none(cells: usize) -> Self {
        Self { now: vec![0; cells], usual: vec![0; cells], step: CHARGE / 4 * PARTS }
    }

    /// They move less when they were found before.
    fn begin_again(&mut self) {
        if self.usual.iter().any(|price| *price > 0) {
            self.now = self.usual.iter().map(|price| price * PARTS).collect();
            self.step = CHARGE / 16 * PARTS;
        }
    }

    fn whole(&self) -> Vec<i64> {
        self.now.iter().map(|price| (price + PARTS / 2) / PARTS).collect()
    }
}

impl Asked {
    fn of(items: &[usize], ways: &[f64; CENTRES.len()], chance: f64, stock: &[u32]) -> Self {
        let mut problem = Problem { slots: items.len(), rates: Rates::new(vec![1]), ..Problem::default() };
        let table = problem.rates.add_table(&[0]);
        for slot in 0..items.len() {
            let line = Line { quantity: 1, ..Line::default() };
            problem.add_line(line, [Need { slot: slot as u16, per_unit: 1 }]);
        }
        let unit = |miles: f64| libm::round(UNIT + UNIT_MILE * miles) as i64;
        let farthest = ways.iter().copied().fold(0.0, f64::max);
        let mut cells = Vec::new();
        let mut add = |per_shipment: i64, cost: i64, own: Vec<Option<usize>>| {
            let has = own.iter().map(|cell| cell.map_or(1, |cell| stock[cell].min(1)));
            let candidate = Candidate { per_shipment, parcels_max: 1, ..Candidate::default() };
            let offer = Offer { table, ..Offer::default() };
            problem.add_candidate(candidate, has, items.iter().map(|_| cost), [offer]);
            cells.extend(own);
        };
        for (centre, miles) in ways.iter().enumerate() {
            add(CHARGE, unit(*miles), items.iter().map(|item| Some(centre * ITEMS + item)).collect());
        }
        add(2 * CHARGE, 2 * unit(farthest), vec![None; items.len()]);
        Self { problem, cells, chance }
    }
}

/// Memory of decisions.
#[derive(Default)]
struct Solving {
    problem: Problem,
    workspace: Workspace,
    plan: Plan,
}

impl Solving {
    /// Plans an order at prices, with what is left; what it costs without them.
    fn solve(&mut self, asked: &Asked, prices: &[i64], left: &[u32]) -> i64 {
        self.problem.clone_from(&asked.problem);
        for (at, cell) in asked.cells.iter().enumerate() {
            if let Some(cell) = cell {
                self.problem.available[at] = left[*cell].min(1);
                self.problem.unit_costs[at] += prices[*cell];
            }
        }
        solve_into(&self.problem, &mut self.workspace, &mut self.plan);
        let paid: i64 = self.taken(asked).map(|cell| prices[cell]).sum();
        self.plan.cost - paid
    }

    /// The cells of which the plan takes a unit.
    fn taken<'a>(&'a self, asked: &'a Asked) -> impl Iterator<Item = usize> + 'a {
        self.plan.shipments.iter().flat_map(move |shipment| {
            let first = shipment.candidate as usize * asked.problem.slots;
            self.plan.parts_of(shipment).iter().filter_map(move |part| asked.cells[first + part.line as usize])
        })
    }
}
