//! Family F3: orders that come alone, of 1 to 12 lines, on networks of family F2 of 20, 50 and 200 nodes: 2,000 of each, on
//! eight networks. A fifth of the nodes are centres, at most as many as there are regions for them.
//!
//! Told is what each policy costs of what the exact one does, with an interval over networks, and what a decision takes, its
//! statement included; below it what plans look like, over all sizes of orders.

use std::time::Instant;

use super::family::{Dice, Network, Size};
use super::interval::Interval;
use super::stream::{Stream, Told, WAYS, Way};
use super::{add, shares};

const NODES: [usize; 3] = [20, 50, 200];
const LINES_MAX: usize = 12;
const NETWORKS: u64 = 8;
/// Orders of a size on a network.
const ORDERS: usize = 250;
/// Regions in which centres are.
const CENTRES_MAX: usize = 30;

/// Policies that need no orders to come; the last is exact.
fn ways() -> &'static [Way] {
    &WAYS[..4]
}

/// What policies come to on one network.
struct Decided {
    /// Cents by policy, then by lines of an order.
    costs: Vec<Vec<i64>>,
    told: Vec<Told>,
    /// Nanoseconds of the exact one, by lines of an order.
    nanos: Vec<Vec<u128>>,
}

pub fn single(small: bool) {
    let (networks, orders) = if small { (2, 3) } else { (NETWORKS, ORDERS) };
    let all: Vec<(usize, Vec<Decided>)> = NODES
        .into_iter()
        .filter(|nodes| !small || *nodes < 200)
        .map(|nodes| (nodes, (0..networks).map(|instance| decided(nodes, instance, orders)).collect()))
        .collect();
    println!(
        "\n{:<28} {:>26} {:>26} {:>26} {:>8} {:>8}",
        "single orders, of the exact", "by the score", "nearest", "set cover", "p50 us", "p99 us"
    );
    for (nodes, networks) in &all {
        (0..LINES_MAX).for_each(|lines| tell(*nodes, lines, networks));
    }
    println!(
        "\n{:<28} {:>7} {:>6} {:>6} {:>6} {:>6} {:>6}  result",
        "single orders, plans", "ships", "split", "late", "days", "kg", "left"
    );
    for (nodes, networks) in &all {
        for (at, way) in ways().iter().enumerate() {
            let mut sums = Told::default();
            networks.iter().for_each(|own| add(&mut sums, &own.told[at]));
            println!("{:<28} {}", format!("{nodes} nodes, {}", way.name), shares(&sums));
        }
    }
}

fn decided(nodes: usize, instance: u64, orders: usize) -> Decided {
    let centres = (nodes / 5).min(CENTRES_MAX);
    let network =
        Network::roll(Size { centres, stores: nodes - centres, skus: 300, orders: 5_000, kappa: 120 }, instance);
    let dice = &mut Dice::new(9_000 + instance);
    let by_lines: Vec<_> = (1..=LINES_MAX).map(|lines| network.orders_of(dice, orders, lines)).collect();
    let mut found = Decided { costs: Vec::new(), told: Vec::new(), nanos: Vec::new() };
    for way in ways() {
        let mut stream = Stream::new(&network, *way);
        let (mut costs, mut nanos) = (Vec::new(), Vec::new());
        for orders in &by_lines {
            let mut times = Vec::new();
            let mut cost = 0;
            for order in orders {
                let began = Instant::now();
                cost += stream.decide_alone(order);
                times.push(began.elapsed().as_nanos());
            }
            costs.push(cost);
            nanos.push(times);
        }
        found.costs.push(costs);
        found.told.push(stream.told);
        found.nanos = nanos;
    }
    found
}

/// A line of what policies cost of the exact one, and its times.
fn tell(nodes: usize, lines: usize, networks: &[Decided]) {
    let exact = ways().len() - 1;
    let ratio = |way: usize| {
        let of = |own: &Decided| own.costs[way][lines] as f64 / own.costs[exact][lines] as f64;
        Interval::of(&networks.iter().map(of).collect::<Vec<f64>>())
    };
    let ratios: Vec<Interval> = (0..exact).map(ratio).collect();
    assert!(ratios.iter().all(|ratio| ratio.low >= 1.0), "nobody undercuts the exact one: {ratios:?}");
    let mut nanos: Vec<u128> = networks.iter().flat_map(|own| own.nanos[lines].iter().copied()).collect();
    nanos.sort_unstable();
    let micros = |percent: usize| nanos[(nanos.len() * percent / 100).min(nanos.len() - 1)] as f64 / 1e3;
    let shown: Vec<String> = ratios.iter().map(ToString::to_string).collect();
    let name = format!("{nodes} nodes, {} lines", lines + 1);
    println!("{name:<28} {} {:>8.1} {:>8.1}", shown.join(" "), micros(50), micros(99));
}
