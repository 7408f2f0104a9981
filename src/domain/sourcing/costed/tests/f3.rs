//! Orders of real size in the shape of family F3, every third with each richer figure and rule, and what HiGHS proved.
//!
//! Family F3 is single orders on generated networks: 60 regions, a fifth of the nodes distribution centres and the rest
//! stores, three services in seven zones by the pound, lateness and carbon in money, handling, unfilled lines. Beside
//! it, now and then: prices of scarce stock and markdowns, few units in stock, what a node can pick, several parcels
//! from a node, most parcels, lines and orders in full, lines together, filling first.
//!
//! `optima.txt` holds seed and least cost of ten thousand. Built with `ORDAIN_KERNEL_PRINT` and `ORDAIN_KERNEL_ORDERS` set,
//! a test prints so many orders as JSON lines beside the kernel's answers, for `tools/kernel_optima.py` to compare with HiGHS.

use super::super::*;
use super::laws::assert_laws;
use super::{Dice, Need, length};

const OPTIMA: &str = include_str!("optima.txt");

const SKUS: u64 = 400;
/// Grams of a pound, times ten.
const POUND_DG: u64 = 4_536;

impl Dice {
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        libm::sqrt(-2.0 * libm::log(a)) * libm::cos(std::f64::consts::TAU * b)
    }

    /// One of so many, the first most often.
    fn popular(&mut self, count: u64, power: f64) -> u64 {
        let weights: Vec<f64> = (1..=count).map(|rank| libm::pow(rank as f64, -power)).collect();
        let mut at = self.unit() * weights.iter().sum::<f64>();
        let place = weights.iter().position(|weight| {
            at -= weight;
            at < 0.0
        });
        place.map_or(count - 1, |place| place as u64)
    }
}

struct Site {
    x: f64,
    y: f64,
    centre: bool,
}

struct Network {
    regions: Vec<(f64, f64)>,
    sites: Vec<Site>,
    /// Grams and cents of a unit.
    skus: Vec<(u64, i64)>,
    /// Units by site and sku.
    stock: Vec<u32>,
}

impl Network {
    fn roll(seed: u64, nodes: usize) -> Self {
        let mut dice = Dice(seed);
        let regions: Vec<_> = (0..60).map(|_| (dice.between(0.0, 4_500.0), dice.between(0.0, 2_500.0))).collect();
        let sites: Vec<Site> = (0..nodes)
            .map(|node| {
                let centre = node % 5 == 0;
                let (x, y) = if centre { regions[(node / 5 * 7) % 30] } else { regions[node % 60] };
                let spread = if centre { 50.0 } else { 15.0 };
                Site { x: x + dice.between(-spread, spread), y: y + dice.between(-spread, spread), centre }
            })
            .collect();
        let skus = (0..SKUS)
            .map(|_| {
                let grams = libm::exp(libm::log(600.0) + 0.8 * dice.normal()).clamp(50.0, 8_000.0) as u64;
                (grams, libm::exp(libm::log(2_500.0) + 0.7 * dice.normal()) as i64)
            })
            .collect();
        let stock = sites.iter().flat_map(|site| vec![if site.centre { 0.7 } else { 0.3 }; SKUS as usize]);
        let stock: Vec<f64> = stock.collect();
        let units = |kept: f64| {
            if dice.unit() >= kept {
                return 0;
            }
            if dice.one_in(3) { dice.pick(1, 2) as u32 } else { dice.pick(1, 12) as u32 }
        };
        Self { regions, sites, skus, stock: stock.into_iter().map(units).collect() }
    }
}

/// An order, and the raw tables of the services of each candidate.
pub(super) struct Order {
    problem: Problem,
    up_to_g: Vec<u64>,
    /// By candidate, then service: costs by bracket, with what a parcel costs beside apart.
    services: Vec<Vec<(i64, Vec<i64>)>>,
}

/// What one order in three has beside family F3.
struct Rules {
    scarce: bool,
    picks: bool,
    parcels: bool,
    most: bool,
    complete: bool,
    lines: bool,
    together: bool,
    first: bool,
}

impl Rules {
    fn roll(dice: &mut Dice) -> Self {
        let mut in_three = || dice.one_in(3);
        let [scarce, picks, parcels, most, complete, lines, together, first] = std::array::from_fn(|_| in_three());
        let (complete, first) = (complete && lines, first && most);
        Self { scarce, picks, parcels, most, complete, lines, together, first }
    }

    const NONE: Self = Self {
        scarce: false,
        picks: false,
        parcels: false,
        most: false,
        complete: false,
        lines: false,
        together: false,
        first: false,
    };
}

fn network_of(seed: u64) -> Network {
    Network::roll(42 + seed % 24, [20, 50, 200, 20, 20, 50][seed as usize % 6])
}

fn order_of(seed: u64, network: &Network) -> Order {
    let mut dice = Dice(9_000 + seed);
    let rules = if seed.is_multiple_of(3) { Rules::NONE } else { Rules::roll(&mut dice) };
    let region = network.regions[dice.popular(60, 0.9) as usize];
    let count = dice.pick(1, 8) as usize;
    let mut skus: Vec<u64> = Vec::new();
    while skus.len() < count {
        let sku = match skus.first() {
            Some(first) if dice.one_in(2) => first / 20 * 20 + dice.pick(0, 19),
            _ => dice.popular(SKUS, 0.8),
        };
        if !skus.contains(&sku) {
            skus.push(sku);
        }
    }
    let mut problem = Problem { slots: count, split: 150, filling: Filling::Priced, ..Problem::default() };
    problem.complete = rules.complete;
    problem.shipments_max = rules.most.then(|| dice.pick(1, 3) as u32);
    problem.filling = if rules.first { Filling::First } else { Filling::Priced };
    let mut grams = 0;
    for (slot, sku) in skus.iter().enumerate() {
        let (unit_weight_g, value) = network.skus[*sku as usize];
        let quantity = [1, 1, 1, 1, 1, 1, 1, 1, 2, 3][dice.pick(0, 9) as usize];
        grams += unit_weight_g * u64::from(quantity);
        let line = Line {
            quantity,
            unit_weight_g,
            shortage: Shortage { per_line: if rules.scarce { 900 } else { 3_000 }, per_unit: value / 2 },
            complete: rules.lines && dice.one_in(2),
            together: (rules.together && slot < 2 && count > 2).then_some(7),
            ..Line::default()
        };
        problem.add_line(line, [Need { slot: slot as u16, per_unit: 1 }]);
    }
    let days = [5, 5, 5, 5, 5, 5, 5, 3, 3, 2, 1][dice.pick(0, 10) as usize];
    // A service takes up to so many pounds; with several parcels few enough that one is not always enough.
    let pounds = if rules.parcels { dice.pick(4, 12) } else { 150 };
    let up_to_g: Vec<u64> =
        (1..=pounds).map(|pound| pound * POUND_DG / 10).take_while(|up_to| *up_to < grams + 1_000).collect();
    problem.rates = Rates::new(up_to_g.clone());
    let mut services = Vec::new();
    for (node, site) in network.sites.iter().enumerate() {
        let available: Vec<u32> = skus.iter().map(|sku| network.stock[node * SKUS as usize + *sku as usize]).collect();
        let km = (1.25 * libm::hypot(site.x - region.0, site.y - region.1) + 5.0) as i64;
        let zone =
            [150, 300, 600, 1_000, 1_400, 1_800].iter().filter(|miles| km * 1_000 > **miles * 1_609).count() as i64;
        let raw = services_of(zone, km, site.centre, days, up_to_g.len() as i64);
        let offers: Vec<Offer> = (0..)
            .zip(&raw)
            .map(|(service, (plus, costs))| Offer { service, table: problem.rates.add_table(costs), plus: *plus })
            .collect();
        let scarce = rules.scarce;
        let unit_costs: Vec<i64> =
            skus.iter().map(|_| if scarce && dice.one_in(2) { dice.pick(0, 900) as i64 - 300 } else { 0 }).collect();
        let candidate = Candidate {
            node: node as u32,
            per_shipment: if site.centre { 120 } else { 280 },
            per_unit: if site.centre { 25 } else { 70 },
            units_max: (rules.picks && dice.one_in(2)).then(|| dice.pick(1, 4) as u32),
            parcels_max: if rules.parcels && dice.one_in(2) { 3 } else { 1 },
            ..Candidate::default()
        };
        if available.iter().any(|units| *units > 0) {
            problem.add_candidate(candidate, available, unit_costs, offers);
            services.push(raw);
        }
    }
    Order { problem, up_to_g, services }
}

/// Cents by pound of ground, two-day and overnight, with lateness and carbon.
fn services_of(zone: i64, km: i64, centre: bool, days: i64, pounds: i64) -> Vec<(i64, Vec<i64>)> {
    let ready = i64::from(!centre);
    let transit = [[1, 2, 3, 4, 4, 5, 5][zone as usize], 2, 1];
    let prices = [
        (780 + 45 * zone, 38 + 11 * zone),
        (1_650 + 160 * zone, 120 + 28 * zone),
        (2_900 + 260 * zone, 190 + 40 * zone),
    ];
    let service = |at: usize| {
        let late = (ready + transit[at] - days).max(0) * 400;
        // 0.1 kg a tonne and km on the ground, 0.8 in the air, 10 cents a kg; 0.4 kg a parcel is 4 cents.
        let carbon = |pound: i64| (pound * POUND_DG as i64 * km * if at == 0 { 1 } else { 8 } + 5_000_000) / 10_000_000;
        let cost = |pound: i64| prices[at].0 + pound * prices[at].1 + carbon(pound);
        (late + 4, (1..=pounds).map(cost).collect())
    };
    (0..3).map(service).collect()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

impl Order {
    /// The order and the answer as one line of JSON, for the solver.
    fn json(&self, seed: u64, plan: &Plan) -> String {
        let problem = &self.problem;
        let number = |of: Option<u32>| of.map_or("null".to_owned(), |of| of.to_string());
        let lines = list(problem.lines.iter().map(|line| {
            format!(
                "[{},{},{},{},{},{}]",
                line.quantity,
                line.unit_weight_g,
                line.shortage.per_line,
                line.shortage.per_unit,
                u8::from(line.complete),
                number(line.together.map(u32::from))
            )
        }));
        let nodes = list(problem.candidates.iter().enumerate().map(|(at, node)| {
            let has = list(problem.has(at).iter().map(u32::to_string));
            let costs = &problem.unit_costs[at * problem.lines.len()..(at + 1) * problem.lines.len()];
            let costs = list(costs.iter().map(|cost| (cost + node.per_unit).to_string()));
            let services = list(
                self.services[at]
                    .iter()
                    .map(|(plus, costs)| format!("[{plus},{}]", list(costs.iter().map(i64::to_string)))),
            );
            let (picks, parcels) = (number(node.units_max), node.parcels_max);
            format!("[{},{picks},{parcels},{has},{costs},{services}]", node.per_shipment)
        }));
        let missing: u32 = plan.unfilled.iter().map(|left| left.quantity).sum();
        format!(
            r#"{{"seed":{seed},"cost":{},"missing":{missing},"optimal":{},"split":{},"most":{},"complete":{},"first":{},"up_to":{},"lines":{lines},"nodes":{nodes}}}"#,
            plan.cost,
            plan.optimal,
            problem.split,
            number(problem.shipments_max),
            problem.complete,
            problem.filling == Filling::First,
            list(self.up_to_g.iter().map(u64::to_string)),
        )
    }
}

#[test]
fn orders_of_real_size_cost_what_the_solver_proved() {
    let workspace = &mut Workspace::default();
    // Networks are dear to roll, orders are not.
    let mut optima: Vec<(u64, i64, u32)> =
        OPTIMA.lines().filter(|line| !line.starts_with('#')).map(read_optimum).collect();
    optima.sort_by_key(|(seed, ..)| seed % 24);
    let mut network = None;
    let mut of = u64::MAX;
    for (seed, cost, missing) in optima {
        if of != seed % 24 {
            (of, network) = (seed % 24, Some(network_of(seed)));
        }
        let order = order_of(seed, network.as_ref().expect("just rolled"));
        let plan = solve(&order.problem, workspace);
        assert_laws(&order.problem, &plan, seed);
        let left: u32 = plan.unfilled.iter().map(|left| left.quantity).sum();
        assert!(plan.optimal, "seed {seed}");
        assert_eq!(plan.cost, cost, "seed {seed}");
        assert!(order.problem.filling == Filling::Priced || left == missing, "seed {seed}: {left} units missing");
    }
}

fn read_optimum(line: &str) -> (u64, i64, u32) {
    let mut words = line.split_whitespace();
    let mut next =
        || words.next().and_then(|word| word.parse().ok()).expect("three numbers: seed, cents, missing units");
    (next() as u64, next(), next() as u32)
}

/// Prints orders and answers for the solver when the build was asked to.
#[test]
fn orders_are_printed_for_the_solver_when_it_asks() {
    if option_env!("ORDAIN_KERNEL_PRINT").is_none() {
        return;
    }
    let workspace = &mut Workspace::default();
    let networks: Vec<Network> = (0..24).map(network_of).collect();
    for seed in 0..length(500) {
        let order = order_of(seed, &networks[seed as usize % 24]);
        let plan = solve(&order.problem, workspace);
        assert_laws(&order.problem, &plan, seed);
        println!("{}", order.json(seed, &plan));
    }
}

#[test]
fn large_orders_get_a_plan_and_a_bound() {
    let workspace = &mut Workspace::default();
    let network = network_of(1);
    for seed in 0..2 {
        let mut dice = Dice(seed);
        let mut order = order_of(3, &network).problem;
        let lines = 40;
        let (mut problem, candidates) =
            (Problem { rates: order.rates.clone(), ..Problem::default() }, order.candidates.len());
        problem.clear(lines);
        (problem.split, problem.filling) = (150, Filling::Priced);
        for slot in 0..lines {
            let shortage = Shortage { per_line: 3_000, per_unit: 1_000 };
            let (quantity, unit_weight_g) = (dice.pick(1, 6) as u32, dice.pick(50, 400));
            problem.add_line(
                Line { quantity, unit_weight_g, shortage, ..Line::default() },
                [Need { slot: slot as u16, per_unit: 1 }],
            );
        }
        for at in 0..candidates {
            let has: Vec<u32> = (0..lines).map(|_| if dice.one_in(2) { dice.pick(1, 9) as u32 } else { 0 }).collect();
            let offers = order.offers_of(at).to_vec();
            let candidate = Candidate { parcels_max: 20, ..order.candidates[at].clone() };
            problem.add_candidate(candidate, has, vec![0; lines], offers);
        }
        order = problem;
        let plan = solve(&order, workspace);
        assert_laws(&order, &plan, seed);
        println!("seed {seed}: cost {} bound {} gap {}", plan.cost, plan.lower_bound, plan.gap());
        assert!(plan.lower_bound > 0 && !plan.shipments.is_empty());
    }
}

#[test]
fn the_search_by_itself_comes_near_and_its_bound_stays_below() {
    let workspace = &mut Workspace::default();
    let (mut found, mut best, mut bounds) = (0, 0, 0);
    let network = network_of(0);
    for seed in (0..length(6)).map(|number| number * 24) {
        let order = order_of(seed, &network);
        let problem = &order.problem;
        let optimum = solve(problem, workspace);
        workspace.frame.load(problem, problem.filling);
        let mut plan = Plan::default();
        let lower_bound = workspace.search.solve(problem, &workspace.frame, i64::MIN, &mut workspace.takes);
        assemble(problem, &workspace.frame, &mut workspace.takes, &mut plan);
        plan.lower_bound = lower_bound.min(plan.cost);
        assert_laws(problem, &plan, seed);
        assert!(plan.lower_bound <= optimum.cost || problem.filling == Filling::First, "seed {seed}");
        (found, best, bounds) = (found + plan.cost, best + optimum.cost, bounds + plan.lower_bound);
    }
    println!("search {found}, best {best}, bound {bounds}");
    assert!(found <= best + best / 10 && bounds >= best - best / 4);
}
