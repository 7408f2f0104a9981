//! Orders and a network of the shape of family F2: 60 regions, distribution centres and stores, three services in seven zones
//! by the pound, lateness and carbon in money, handling, lines that may be left at a price; stock of so many times what is
//! expected. The family also counts what a store can pick; here it does not.
//!
//! Instance i: seeds 42 + i for the network, 9000 + i for its orders. Shared with the bench of sourcing: whoever includes it has
//! a `sourcing` beside it.

use std::sync::Arc;

use super::sourcing::Need;
use super::sourcing::batch::{Batch, Member};
use super::sourcing::costed::{Candidate, Filling, Line, Offer, Problem, Rates, Shortage};

const REGIONS: usize = 60;
/// Orders by which stock is planned, for each that comes.
const EXPECTED: usize = 20;
/// Grams of a pound, times ten.
pub const POUND_DG: u64 = 4_536;
/// Cents of a line that is left, beside half of its value.
pub const LEFT: i64 = 3_000;
/// Cents of a shipment beyond the first.
pub const SPLIT: i64 = 150;
/// Cents of a day that a parcel is late.
pub const LATE: i64 = 400;

/// How large.
#[derive(Clone, Copy)]
pub struct Size {
    pub centres: usize,
    pub stores: usize,
    pub skus: usize,
    pub orders: usize,
    /// Stock, in hundredths of what is expected.
    pub kappa: i64,
}

impl Size {
    pub fn nodes(&self) -> usize {
        self.centres + self.stores
    }
}

/// SplitMix64 as the family has it.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        libm::sqrt(-2.0 * libm::log(a)) * libm::cos(std::f64::consts::TAU * b)
    }

    /// An index by weights that are added up.
    pub fn draw(&mut self, summed: &[f64]) -> usize {
        let at = self.unit() * summed.last().expect("some weight");
        summed.partition_point(|sum| *sum <= at).min(summed.len() - 1)
    }
}

pub fn summed(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |weight| {
        sum += weight;
        sum
    };
    weights.map(add).collect()
}

pub struct Network {
    pub size: Size,
    /// Kilometres by node and region.
    km: Vec<[i64; REGIONS]>,
    populous: Vec<f64>,
    popular: Vec<f64>,
    /// Grams and cents of a unit.
    pub skus: Vec<(u64, i64)>,
    /// Units by node and sku.
    pub stock: Vec<u32>,
}

/// What a service asks for a parcel from a node.
#[derive(Clone, Copy)]
pub struct Service {
    pub days_late: i64,
    base: i64,
    pound: i64,
    decigram_km: i64,
}

impl Service {
    /// Cents for so many pounds, lateness and carbon included.
    pub fn asks(&self, pounds: i64) -> i64 {
        let carbon = (pounds * POUND_DG as i64 * self.decigram_km + 5_000_000) / 10_000_000;
        self.days_late * LATE + self.base + pounds * self.pound + carbon
    }

    /// Grams of CO2 equivalents of such a parcel, of which its price counts ten cents a kilogram.
    pub fn carbon_g(&self, pounds: i64) -> i64 {
        400 + (pounds * POUND_DG as i64 * self.decigram_km + 50_000) / 100_000
    }
}

pub struct Order {
    region: usize,
    days: i64,
    /// Skus with their units.
    pub lines: Vec<(usize, u32)>,
}

impl Order {
    /// The same with other lines.
    pub fn with(&self, lines: Vec<(usize, u32)>) -> Self {
        Self { lines, ..*self }
    }

    /// Pounds of all of it, rounded up.
    pub fn pounds(&self, network: &Network) -> usize {
        let grams: u64 = self.lines.iter().map(|(sku, units)| network.skus[*sku].0 * u64::from(*units)).sum();
        (grams * 10).div_ceil(POUND_DG) as usize
    }
}

impl Network {
    pub fn roll(size: Size, instance: u64) -> Self {
        let mut dice = Dice::new(42 + instance);
        let at: Vec<(f64, f64)> =
            (0..REGIONS).map(|_| (dice.between(0.0, 4_500.0), dice.between(0.0, 2_500.0))).collect();
        let apart = |a: (f64, f64), b: (f64, f64)| libm::hypot(a.0 - b.0, a.1 - b.1);
        let mut sites = vec![0];
        while sites.len() < size.centres {
            let nearest =
                |region: &usize| sites.iter().map(|site| apart(at[*site], at[*region])).fold(f64::MAX, f64::min);
            let farthest = (0..30).max_by(|a, b| nearest(a).total_cmp(&nearest(b)));
            sites.push(farthest.expect("thirty regions"));
        }
        let mut places: Vec<(f64, f64)> = Vec::new();
        for site in sites {
            places.push((at[site].0 + dice.between(-50.0, 50.0), at[site].1 + dice.between(-50.0, 50.0)));
        }
        for store in 0..size.stores {
            let region = at[store % REGIONS];
            places.push((region.0 + dice.between(-15.0, 15.0), region.1 + dice.between(-15.0, 15.0)));
        }
        let km =
            places.iter().map(|place| std::array::from_fn(|r| (1.25 * apart(*place, at[r]) + 5.0) as i64)).collect();
        let skus = (0..size.skus)
            .map(|_| {
                let grams = libm::exp(libm::log(600.0) + 0.8 * dice.normal()).clamp(50.0, 8_000.0) as u64;
                (grams, libm::exp(libm::log(2_500.0) + 0.7 * dice.normal()) as i64)
            })
            .collect();
        let power = |count: usize, of: f64| summed((1..=count).map(move |rank| libm::pow(rank as f64, -of)));
        let (populous, popular) = (power(REGIONS, 0.9), power(size.skus, 0.8));
        let mut network = Self { size, km, populous, popular, skus, stock: Vec::new() };
        network.stock = network.planned(&mut dice);
        network
    }

    /// Stock as it is planned from orders of the same law.
    fn planned(&self, dice: &mut Dice) -> Vec<u32> {
        let Size { centres, skus, orders, kappa, .. } = self.size;
        let nodes = self.size.nodes();
        let kept: Vec<bool> =
            (0..nodes * skus).map(|at| dice.unit() < if at / skus < centres { 0.7 } else { 0.3 }).collect();
        let mut expected = vec![0.0_f64; nodes * skus];
        for _ in 0..EXPECTED * orders {
            let order = self.order(dice);
            for (sku, units) in order.lines {
                let stocking = (0..nodes).filter(|node| kept[node * skus + sku]);
                if let Some(node) = stocking.min_by_key(|node| self.km[*node][order.region]) {
                    expected[node * skus + sku] += f64::from(units) / EXPECTED as f64;
                }
            }
        }
        let units = |m: &f64| libm::round(kappa as f64 / 100.0 * (m + 0.5 * libm::sqrt(*m))) as u32;
        expected.iter().map(units).collect()
    }

    pub fn orders(&self, dice: &mut Dice, count: usize) -> Vec<Order> {
        (0..count).map(|_| self.order(dice)).collect()
    }

    fn order(&self, dice: &mut Dice) -> Order {
        let region = dice.draw(&self.populous);
        let count = 1 + dice.draw(&summed([0.60, 0.20, 0.10, 0.05, 0.03, 0.02].into_iter()));
        self.order_from(dice, region, count)
    }

    /// Orders of so many lines each.
    pub fn orders_of(&self, dice: &mut Dice, count: usize, lines: usize) -> Vec<Order> {
        let mut one = || {
            let region = dice.draw(&self.populous);
            self.order_from(dice, region, lines)
        };
        (0..count).map(|_| one()).collect()
    }

    fn order_from(&self, dice: &mut Dice, region: usize, count: usize) -> Order {
        let mut lines: Vec<(usize, u32)> = Vec::new();
        while lines.len() < count {
            let sku = match lines.first() {
                Some((first, _)) if dice.unit() < 0.5 => {
                    (first / 20 * 20 + (dice.unit() * 20.0) as usize).min(self.size.skus - 1)
                }
                _ => dice.draw(&self.popular),
            };
            if !lines.iter().any(|(known, _)| *known == sku) {
                lines.push((sku, 1 + dice.draw(&summed([0.88, 0.09, 0.03].into_iter())) as u32));
            }
        }
        let days = [5, 3, 2, 1][dice.draw(&summed([0.70, 0.18, 0.08, 0.04].into_iter()))];
        Order { region, days, lines }
    }

    /// What ground, two-day and overnight ask from a node, at most so many days behind what they say.
    pub fn services(&self, node: usize, order: &Order, behind: i64) -> [Service; 3] {
        let km = self.km[node][order.region];
        let miles = [150, 300, 600, 1_000, 1_400, 1_800];
        let zone = miles.iter().filter(|miles| km * 1_000 > **miles * 1_609).count() as i64;
        let transit = [[1, 2, 3, 4, 4, 5, 5][zone as usize], 2, 1];
        let prices = [
            (780 + 45 * zone, 38 + 11 * zone),
            (1_650 + 160 * zone, 120 + 28 * zone),
            (2_900 + 260 * zone, 190 + 40 * zone),
        ];
        let ready = i64::from(node >= self.size.centres);
        std::array::from_fn(|at| Service {
            days_late: (ready + transit[at] + behind - order.days).max(0),
            base: 4 + prices[at].0,
            pound: prices[at].1,
            decigram_km: if at == 0 { km } else { 8 * km },
        })
    }

    /// Cents by pound of a parcel by the service that is best, lateness and carbon included.
    pub fn table(&self, node: usize, order: &Order, pounds: usize) -> Vec<i64> {
        let services = self.services(node, order, 0);
        let best = |pound: i64| services.iter().map(|service| service.asks(pound)).min().expect("three services");
        (1..=pounds as i64).map(best).collect()
    }

    /// How far a node is.
    pub fn km(&self, node: usize, order: &Order) -> i64 {
        self.km[node][order.region]
    }

    /// Somebody who buys a unit of one sku.
    pub fn buyer(&self, dice: &mut Dice, sku: usize) -> Order {
        Order { lines: vec![(sku, 1)], ..self.order(dice) }
    }

    /// What a parcel and a unit cost to handle.
    pub fn handling(&self, node: usize) -> (i64, i64) {
        if node < self.size.centres { (120, 25) } else { (280, 70) }
    }

    pub fn member(&self, order: &Order) -> Member {
        self.stated(order, &|node, pounds| (self.handling(node).0, self.table(node, order, pounds)))
    }

    /// An order as somebody asks it who believes that parcels of a node cost so much, whatever they weigh, and by the pound.
    pub fn stated(&self, order: &Order, parcels: &dyn Fn(usize, usize) -> (i64, Vec<i64>)) -> Member {
        let slots = order.lines.len();
        let mut problem = Problem { slots, split: SPLIT, filling: Filling::Priced, ..Problem::default() };
        for (slot, (sku, quantity)) in (0..).zip(&order.lines) {
            let (unit_weight_g, value) = self.skus[*sku];
            let shortage = Shortage { per_line: LEFT, per_unit: value / 2 };
            let line = Line { quantity: *quantity, unit_weight_g, shortage, ..Line::default() };
            problem.add_line(line, [Need { slot, per_unit: 1 }]);
        }
        let pounds = order.pounds(self);
        problem.rates = Rates::new((1..=pounds as u64).map(|pound| pound * POUND_DG / 10).collect());
        let (mut cells, mut nodes) = (Vec::new(), Vec::new());
        for node in 0..self.size.nodes() {
            let own: Vec<u32> = order.lines.iter().map(|(sku, _)| (node * self.size.skus + sku) as u32).collect();
            let has: Vec<u32> = own.iter().map(|cell| self.stock[*cell as usize]).collect();
            if has.iter().all(|units| *units == 0) {
                continue;
            }
            let (per_shipment, costs) = parcels(node, pounds);
            let table = problem.rates.add_table(&costs);
            let per_unit = self.handling(node).1;
            let candidate = Candidate { per_shipment, per_unit, parcels_max: 1, ..Candidate::default() };
            problem.add_candidate(candidate, has, vec![0; slots], [Offer { table, ..Offer::default() }]);
            cells.extend(own);
            nodes.push(node as u32);
        }
        Member { problem, cells, nodes, now: Vec::new() }
    }

    /// A batch of orders that find so many times the stock.
    pub fn batch(&self, orders: &[Order], times: u32) -> Batch {
        let members = orders.iter().map(|order| Arc::new(self.member(order))).collect();
        let stock = self.stock.iter().map(|units| units * times).collect();
        Batch { members, stock, sends: vec![None; self.size.nodes()] }
    }
}
