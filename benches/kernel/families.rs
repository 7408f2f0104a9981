//! Families of drawn orders: what is decided, by one tariff and in full.

use ordain::domain::sourcing::costed;
use ordain::domain::sourcing::{Candidate, Need, Problem, Tariff};

pub struct Family {
    pub name: &'static str,
    pub seed: u64,
    pub units: u64,
    pub nodes: u64,
    /// Chance in a thousand that a node keeps an article: every fifth node, and the others.
    pub kept: [u64; 2],
    pub tariff: Tariff,
}

/// Dollars as a parcel carrier asks them: a charge that a second parcel pays again.
const PARCEL: Tariff = Tariff { per_shipment: 900, micro_per_kg_km: 120_000, split: 150 };
/// Distance decides and splitting is nearly free: no early end, all partitions are weighed.
const FREIGHT: Tariff = Tariff { per_shipment: 20, micro_per_kg_km: 900_000, split: 0 };

pub const USUAL: [u64; 2] = [700, 300];
pub const FAMILIES: [Family; 6] = [
    Family { name: "4 lines, 50 nodes", seed: 1, units: 4, nodes: 50, kept: USUAL, tariff: PARCEL },
    Family { name: "8 lines, 200 nodes", seed: 2, units: 8, nodes: 200, kept: USUAL, tariff: PARCEL },
    Family { name: "5 lines, 2,000 nodes, a quarter", seed: 3, units: 5, nodes: 2_000, kept: [250; 2], tariff: PARCEL },
    Family { name: "4 lines, 50 nodes, freight", seed: 4, units: 4, nodes: 50, kept: USUAL, tariff: FREIGHT },
    Family { name: "8 lines, 200 nodes, freight", seed: 5, units: 8, nodes: 200, kept: USUAL, tariff: FREIGHT },
    Family { name: "5 lines, 2,000 nodes, freight", seed: 6, units: 5, nodes: 2_000, kept: [250; 2], tariff: FREIGHT },
];

impl Family {
    pub fn problem(&self, number: u64) -> Problem {
        let mut dice = Dice(mix(self.seed << 32 | number));
        let mut problem = Problem { tariff: self.tariff, ..Problem::default() };
        let mut left = self.units;
        while left > 0 {
            let (quantity, unit_weight_g) = dice.line(left);
            left -= quantity;
            problem.add_line(quantity as u32, unit_weight_g, [Need { slot: problem.slots as u16, per_unit: 1 }]);
            problem.slots += 1;
        }
        let (east, north) = (dice.below(4_500), dice.below(2_500));
        for node in 0..self.nodes {
            let (x, y) = (dice.below(4_500).abs_diff(east), dice.below(2_500).abs_diff(north));
            let kept = self.kept[usize::from(!node.is_multiple_of(5))];
            let mut has = || if dice.below(1_000) < kept { 1 + dice.below(12) as u32 } else { 0 };
            let available: Vec<u32> = (0..problem.slots).map(|_| has()).collect();
            let distance_m = 5_000 + 1_250 * (x * x + y * y).isqrt();
            if available.iter().any(|&units| units > 0) {
                problem.add_candidate(Candidate::new(node as u32, distance_m), available);
            }
        }
        problem
    }
}

pub struct InFull {
    pub name: &'static str,
    pub seed: u64,
    pub units: u64,
    pub nodes: u64,
    pub kept: [u64; 2],
    pub rules: bool,
}

pub const IN_FULL: [InFull; 8] = [
    InFull { name: "in full, 4 lines, 50 nodes", seed: 1, units: 4, nodes: 50, kept: USUAL, rules: false },
    InFull { name: "in full, 8 lines, 200 nodes", seed: 2, units: 8, nodes: 200, kept: USUAL, rules: false },
    InFull { name: "in full, 12 lines, 200 nodes", seed: 3, units: 12, nodes: 200, kept: USUAL, rules: false },
    InFull { name: "in full, 5 lines, 2,000 nodes", seed: 4, units: 5, nodes: 2_000, kept: [250; 2], rules: false },
    InFull { name: "all rules, 4 lines, 50 nodes", seed: 5, units: 4, nodes: 50, kept: USUAL, rules: true },
    InFull { name: "all rules, 8 lines, 200 nodes", seed: 6, units: 8, nodes: 200, kept: USUAL, rules: true },
    InFull { name: "all rules, 12 lines, 200 nodes", seed: 7, units: 12, nodes: 200, kept: USUAL, rules: true },
    InFull { name: "all rules, 5 lines, 2,000 nodes", seed: 8, units: 5, nodes: 2_000, kept: [250; 2], rules: true },
];

impl InFull {
    /// A problem, and the metres to each of its candidates.
    pub fn problem(&self, number: u64) -> (costed::Problem, Vec<u64>) {
        let mut dice = Dice(mix(self.seed << 32 | number));
        let mut problem = costed::Problem { rates: rates(), split: 150, ..costed::Problem::default() };
        problem.filling = costed::Filling::Priced;
        let mut left = self.units;
        while left > 0 {
            let (quantity, unit_weight_g) = dice.line(left);
            left -= quantity;
            let shortage = costed::Shortage { per_line: 3_000, per_unit: 500 + dice.below(3_000) as i64 };
            let complete = self.rules && dice.below(6) == 0;
            let line =
                costed::Line { quantity: quantity as u32, unit_weight_g, shortage, complete, ..Default::default() };
            problem.add_line(line, [Need { slot: problem.slots as u16, per_unit: 1 }]);
            problem.slots += 1;
        }
        problem.shipments_max = (self.rules && dice.below(4) == 0).then_some(3);
        let days = [5, 5, 5, 3, 3, 2, 1][dice.below(7) as usize];
        let (east, north) = (dice.below(4_500), dice.below(2_500));
        let mut metres = Vec::new();
        for node in 0..self.nodes {
            let (x, y) = (dice.below(4_500).abs_diff(east), dice.below(2_500).abs_diff(north));
            let km = 5 + (x * x + y * y).isqrt() * 5 / 4;
            if self.add_node(&mut problem, &mut dice, node, km, days) {
                metres.push(km * 1_000);
            }
        }
        (problem, metres)
    }

    /// Adds a node that has something; answers whether this one has.
    fn add_node(&self, problem: &mut costed::Problem, dice: &mut Dice, node: u64, km: u64, days: i64) -> bool {
        let centre = node.is_multiple_of(5);
        let kept = self.kept[usize::from(!centre)];
        let mut has = || if dice.below(1_000) < kept { 1 + dice.below(12) as u32 } else { 0 };
        let available: Vec<u32> = (0..problem.slots).map(|_| has()).collect();
        let zone = [150, 300, 600, 1_000, 1_400, 1_800].iter().filter(|miles| km * 1_000 > **miles * 1_609).count();
        let transit = [[1, 2, 3, 4, 4, 5, 5][zone], 2, 1];
        let offers = [0, 1, 2].map(|service: u32| {
            let late = (i64::from(!centre) + transit[service as usize] - days).max(0);
            costed::Offer { service, table: zone as u32 * 3 + service, plus: late * 400 }
        });
        let candidate = costed::Candidate {
            node: node as u32,
            per_shipment: if centre { 120 } else { 280 } + km as i64 / 200,
            per_unit: if centre { 25 } else { 70 },
            units_max: (self.rules && dice.below(4) == 0).then(|| 1 + dice.below(6) as u32),
            parcels_max: if self.rules { 3 } else { 1 },
            ..costed::Candidate::default()
        };
        let unit = |_| if self.rules { dice.below(400) as i64 - 100 } else { 0 };
        let units: Vec<i64> = (0..problem.lines.len()).map(unit).collect();
        let has_some = available.iter().any(|&units| units > 0);
        if has_some {
            problem.add_candidate(candidate, available, units, offers);
        }
        has_some
    }
}

/// Three services in seven zones, up to 70 pounds.
fn rates() -> costed::Rates {
    let mut rates = costed::Rates::new((1..=70).map(|pound| pound * 4_536 / 10).collect());
    for zone in 0..7 {
        for (start, zoned, pound, far) in [(780, 45, 38, 11), (1_650, 160, 120, 28), (2_900, 260, 190, 40)] {
            let table: Vec<i64> = (1..=70).map(|at| start + zoned * zone + at * (pound + far * zone)).collect();
            rates.add_table(&table);
        }
    }
    rates
}

/// SplitMix64, so that every run asks for the same.
pub struct Dice(pub u64);

impl Dice {
    /// Units of a line, most often one and at most so many, and the grams of each.
    fn line(&mut self, most: u64) -> (u64, u64) {
        let units = match self.below(100) {
            0..88 => 1,
            88..97 => 2,
            _ => 3,
        };
        (units.min(most), 50 + self.below(20) * self.below(20) * 10)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % most
    }
}

pub fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
