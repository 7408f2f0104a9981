//! Many orders: streams decided one by one, with and without prices of stock, and batches planned together.
//!
//! `cargo bench --bench sourcing` measures, and fails where a bar is missed; `-- --size small` (what `cargo test --benches`
//! runs) only keeps it alive. Seeds are fixed, and nothing but the times depends on the machine.
//!
//! **Streams** are family F2-M: what every policy costs (`stream` says which) as a ratio to what nobody undercuts who knew
//! all orders before, on average over four instances of each kappa, beside the bars for prices that are found anew ten times;
//! and of the middle kappa shipments of an order, the share of split orders and of late shipments, days that a shipment is late,
//! kilograms of CO2 equivalents of an order, lines of a hundred orders of which something is left, and a hash of all shipments.
//! Below them the same for those who are misled by one wrong figure, and then what each costs more than the exact one on the
//! same instances.
//!
//! **Intervals** in brackets are those of `interval`: a difference is one where nothing is not within, and only then marked.
//!
//! **Single** orders are family F3 (`single`): of 1 to 12 lines, on networks of 20, 50 and 200 nodes.
//!
//! **Trouble** is family F4: the same streams where units are not found and parcels come late, decided by who trusts
//! everybody and by who minds; told is the cost of the former as one, so below it is what minding saves.
//!
//! **Flash** is family F5: 1,000 units of one sku over all nodes, 100,000 buyers of one unit each. Exactly as many are served
//! as there are units, and the first ones.
//!
//! **Large**, with `-- long` alone: a stream of family F2-L, 20,000 orders over 50 nodes, by the bound in `large_bounds.txt`; and
//! what plans cost in F2-M for who knows all orders, as found by repairs.
//!
//! **Literature** is family F1 (`literature`): 30 instances of 10 sequences, with prices found anew twenty times.
//!
//! **Batches** are family F2-S: 200 orders planned together, as a ratio to what HiGHS proved of them, within a quarter of a
//! second of one thread.

use std::time::Instant;

use ordain::domain::sourcing;
use ordain::domain::sourcing::batch::Optimiser;

#[path = "../src/domain/sourcing/batch/tests/family.rs"]
#[allow(dead_code, reason = "shared with the tests of batches, which ask for more")]
mod family;
#[path = "sourcing/interval.rs"]
mod interval;
#[path = "../src/domain/sourcing/batch/tests/literature.rs"]
mod literature;
#[path = "sourcing/single.rs"]
mod single;
#[path = "../src/domain/sourcing/batch/tests/stream.rs"]
mod stream;

use family::{Dice, Network, Order, Size};
use interval::Interval;
use literature::{Literature, Told};
use stream::{ABLATIONS, KAPPAS, LARGE, Stream, TROUBLED, WAYS, Way, bounds_of, decided, large_bounds, proven, size};

/// What a stream with prices that are found anew may cost, of what nobody undercuts, by kappa.
const STREAM_BARS: [f64; 3] = [1.102, 1.056, 1.032];
/// Instances of the literature, and sequences of each.
const LITERATURE: (u64, u64) = (30, 10);
/// What those may cost on average with prices, of what nobody undercuts.
const LITERATURE_BAR: f64 = 1.008;
/// What a batch may cost on average, of what was proven of it.
const BATCH_BAR: f64 = 1.003;
/// Which of the ways is exact, and knows no prices.
const EXACT: usize = 3;
/// Milliseconds of a batch.
const BATCH_MS: u128 = 250;
/// Rounds for a bound that is stored.
const ROUNDS_BOUND: u32 = 400;
/// Rounds, and repairs of all orders, of who knows them all.
const ROUNDS_KNOWN: (u32, u32) = (120, 1_500_000);

const BATCH_BOUNDS: &str = include_str!("../src/domain/sourcing/batch/tests/bounds.txt");

fn main() {
    let has = |word: &str| std::env::args().any(|arg| arg == word);
    if has("--bounds") {
        return print_bounds(has("long"));
    }
    let small = has("small") || !has("--bench");
    streams(small);
    single::single(small);
    trouble(small);
    flash(small);
    if has("long") {
        large();
    }
    literature(small);
    println!("\n{:<28} {:>8} {:>8} {:>8}", "batch of 200", "cost", "of bound", "ms");
    let bounds = BATCH_BOUNDS.lines().filter(|line| !line.starts_with('#'));
    let ratios: Vec<f64> = bounds.take(if small { 1 } else { usize::MAX }).map(|line| batch(line, small)).collect();
    let all = Interval::of(&ratios);
    println!("{:<28} {:>8} {all}", "mean", "");
    assert!(small || all.mean <= BATCH_BAR, "the bar of batches is missed");
}

/// What every way of deciding costs.
fn streams(small: bool) {
    println!("{} {:>10} {}", headed("stream, cost of the bound"), "us/order", SHARES);
    let all: Vec<Way> = WAYS.into_iter().chain(ABLATIONS).collect();
    let mut told: Vec<(&str, [Vec<f64>; 3])> = Vec::new();
    for (at, way) in all.iter().enumerate().filter(|(at, _)| !small || [2, EXACT].contains(at)) {
        let (mut micros, mut sums) = (0.0, stream::Told::default());
        let ratios = KAPPAS.map(|kappa| {
            let instances: Vec<(u64, i64)> = bounds_of(kappa).take(if small { 1 } else { usize::MAX }).collect();
            let (count, began) = (instances.len().max(1) as f64, Instant::now());
            let ratio = |(instance, bound): (u64, i64)| {
                let told = decided(size(kappa), instance, *way, false);
                if kappa == KAPPAS[1] {
                    add(&mut sums, &told);
                }
                told.cost as f64 / bound as f64
            };
            let ratios: Vec<f64> = instances.into_iter().map(ratio).collect();
            micros = began.elapsed().as_secs_f64() * 1e6 / count / size(kappa).orders as f64;
            ratios
        });
        let means = [0, 1, 2].map(|kappa| Interval::of(&ratios[kappa]));
        println!("{:<28} {} {micros:>10.2} {}", way.name, shown(&means), shares(&sums));
        if !small && at + 1 == WAYS.len() {
            println!("{:<28} {}", "bars", STREAM_BARS.map(|bar| format!("{bar:>8.4} {:17}", "")).join(" "));
            assert!(means.iter().zip(STREAM_BARS).all(|(own, bar)| own.mean <= bar), "a bar is missed: {means:?}");
        }
        told.push((way.name, ratios));
    }
    paired(&told);
}

/// What each costs more than the exact one, as parts of the bound.
fn paired(told: &[(&str, [Vec<f64>; 3])]) {
    let exact = told.iter().find(|(name, _)| *name == WAYS[EXACT].name).expect("it is among them");
    println!("\n{}", headed("stream, more than the exact"));
    for (name, ratios) in told.iter().filter(|(name, _)| *name != exact.0) {
        let more = [0, 1, 2].map(|kappa| Interval::of_paired(&ratios[kappa], &exact.1[kappa]));
        let marks = more.map(|more| match more.is_told_apart() {
            false => "-",
            true if more.mean < 0.0 => "better",
            true => "worse",
        });
        println!("{name:<28} {}  {}", shown(&more), marks.join(" "));
    }
}

/// Family F4: what minding saves where not all is found and in time.
fn trouble(small: bool) {
    println!("\n{} {:>10} {}", headed("trouble, cost of trusting"), "", SHARES);
    let sized = |kappa| if small { Size { orders: 200, ..size(kappa) } } else { size(kappa) };
    let count = if small { 1 } else { 4 };
    let costs = |way: Way, sums: &mut stream::Told| -> [Vec<i64>; 3] {
        KAPPAS.map(|kappa| {
            let told: Vec<stream::Told> = (0..count).map(|n| decided(sized(kappa), n, way, true)).collect();
            if kappa == KAPPAS[1] {
                told.iter().for_each(|told| add(sums, told));
            }
            told.iter().map(|told| told.cost).collect()
        })
    };
    let trusting = costs(TROUBLED[0], &mut stream::Told::default());
    for way in TROUBLED {
        let mut sums = stream::Told::default();
        let costs = costs(way, &mut sums);
        let ratios = [0, 1, 2].map(|kappa| {
            let ratio = |(cost, one): (&i64, &i64)| *cost as f64 / *one as f64;
            Interval::of(&costs[kappa].iter().zip(&trusting[kappa]).map(ratio).collect::<Vec<f64>>())
        });
        println!("{:<28} {} {:>10} {}", way.name, shown(&ratios), "", shares(&sums));
    }
}

/// Family F5: one sku that everybody wants.
fn flash(small: bool) {
    const UNITS: u32 = 1_000;
    let buyers = if small { 2_000 } else { 100_000 };
    let mut network = Network::roll(Size { orders: 50, ..size(120) }, 0);
    let nodes = network.size.nodes() as u32;
    network.stock.fill(0);
    for node in 0..nodes {
        network.stock[node as usize * network.size.skus] = UNITS / nodes + u32::from(node < UNITS % nodes);
    }
    let dice = &mut Dice::new(9_000);
    let orders: Vec<Order> = (0..buyers).map(|_| network.buyer(dice, 0)).collect();
    println!(
        "\n{:<28} {:>8} {:>8} {:>10} {:>8} {:>8}  result",
        "flash", "buyers", "served", "cents/unit", "p50 ns", "p99 ns"
    );
    for way in &WAYS[..4] {
        let mut stream = Stream::new(&network, *way);
        let (mut times, mut sent) = (Vec::new(), 0);
        for (at, order) in orders.iter().enumerate() {
            let began = Instant::now();
            stream.decide(order);
            times.push(began.elapsed().as_nanos());
            if at + 1 == UNITS as usize {
                sent = stream.told.cost;
            }
        }
        times.sort_unstable();
        let told = stream.told;
        assert_eq!((told.units, told.unfilled), (UNITS.into(), (buyers - UNITS as usize) as u64), "{}", way.name);
        println!(
            "{:<28} {buyers:>8} {:>8} {:>10} {:>8} {:>8}  {:016x}",
            way.name,
            told.units,
            sent / i64::from(UNITS),
            times[times.len() / 2],
            times[times.len() * 99 / 100],
            told.hash
        );
    }
}

/// Family F2-L, and what is found for who knows all orders.
fn large() {
    println!("\n{:<28} {:>8} {:>10}", "large, cost of the bound", "1.2", "us/order");
    for (instance, bound) in large_bounds() {
        for way in WAYS {
            let began = Instant::now();
            let told = decided(LARGE, instance, way, false);
            let micros = began.elapsed().as_secs_f64() * 1e6 / LARGE.orders as f64;
            println!("{:<28} {:>8.4} {micros:>10.2} {}", way.name, told.cost as f64 / bound as f64, shares(&told));
        }
    }
    println!("\n{:<28} {:>8} {:>8} {:>8}", "all known, of the bound", "1.0", "1.2", "1.6");
    let known = |kappa: i64| {
        let ratio = |(instance, bound): (u64, i64)| proven(size(kappa), instance, ROUNDS_KNOWN).1 as f64 / bound as f64;
        let ratios: Vec<f64> = bounds_of(kappa).map(ratio).collect();
        ratios.iter().sum::<f64>() / ratios.len().max(1) as f64
    };
    let known = KAPPAS.map(|kappa| format!("{:>8.4}", known(kappa)));
    println!("{:<28} {}", "found by repairs", known.join(" "));
}

fn add(sums: &mut stream::Told, told: &stream::Told) {
    sums.orders += told.orders;
    sums.shipments += told.shipments;
    sums.split += told.split;
    sums.late += told.late;
    sums.days_late += told.days_late;
    sums.carbon_g += told.carbon_g;
    sums.unfilled += told.unfilled;
    sums.hash = sums.hash.rotate_left(7) ^ told.hash;
}

/// What `shares` tells.
const SHARES: &str = "  ships  split   late   days     kg   left  result";

/// Shipments of an order, shares of split orders and late shipments, days that a shipment is late, kilograms of CO2 equivalents
/// of an order, lines of a hundred orders of which something is left.
fn shares(told: &stream::Told) -> String {
    let of_orders = |count: u64| count as f64 / told.orders.max(1) as f64;
    let of_shipments = |count: u64| count as f64 / told.shipments.max(1) as f64;
    format!(
        "{:>7.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.1}  {:016x}",
        of_orders(told.shipments),
        of_orders(told.split),
        of_shipments(told.late),
        of_shipments(told.days_late),
        of_orders(told.carbon_g) / 1e3,
        of_orders(told.unfilled) * 100.0,
        told.hash
    )
}

/// Streams of the literature: by the kernel alone, and with prices found anew.
fn literature(small: bool) {
    let (instances, sequences) = if small { (1, 1) } else { LITERATURE };
    let of = |instance: u64| {
        let rolled = Literature::roll(instance);
        (0..sequences).map(move |sequence| rolled.told(instance, sequence)).collect::<Vec<Told>>()
    };
    let told: Vec<Vec<Told>> = (0..instances).map(of).collect();
    let over = |cost: fn(&Told) -> i64| {
        let of_one = |told: &Vec<Told>| {
            told.iter().map(|told| cost(told) as f64 / told.bound as f64).sum::<f64>() / told.len() as f64
        };
        Interval::of(&told.iter().map(of_one).collect::<Vec<f64>>())
    };
    let (without, with) = (over(|told| told.without_prices), over(|told| told.with_prices));
    println!("\n{:<28} {:>26} {:>26}", "literature, of the bound", "exact", "prices");
    println!("{:<28} {without} {with}", format!("{instances} x {sequences} sequences"));
    assert!(small || with.mean <= LITERATURE_BAR, "the bar of the literature is missed");
}

fn shown(figures: &[Interval]) -> String {
    figures.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn headed(title: &str) -> String {
    format!("{title:<28} {:>26} {:>26} {:>26}", "1.0", "1.2", "1.6")
}

/// Bounds as they are stored: of streams, or of the large one.
fn print_bounds(is_large: bool) {
    println!(
        "# kappa in hundredths, instance, cents that no plans of all its orders undercut (`-- --bounds`, `-- --bounds long`)"
    );
    let of = |size: Size, instance: u64| {
        println!("{} {instance} {}", size.kappa, proven(size, instance, (ROUNDS_BOUND, 0)).0);
    };
    match is_large {
        true => of(LARGE, 0),
        false => KAPPAS.iter().for_each(|kappa| (0..4).for_each(|instance| of(size(*kappa), instance))),
    }
}

/// Plans a batch of a line `instance, proven bound, best known` until its time is over; what it costs of the bound.
fn batch(line: &str, small: bool) -> f64 {
    let words: Vec<i64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (instance, bound) = (words[0] as u64, words[1]);
    let size = Size { centres: 3, stores: 5, skus: 40, orders: 200, kappa: 120 };
    let network = Network::roll(size, instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), size.orders);
    let batch = network.batch(&orders, 1);
    let began = Instant::now();
    let mut optimiser = Optimiser::new(&batch);
    optimiser.price(if small { 10 } else { 120 });
    optimiser.plan_anew();
    let mut repairs = 0;
    while repairs < if small { 100 } else { 60_000 } && !optimiser.is_proven() && began.elapsed().as_millis() < BATCH_MS
    {
        optimiser.improve(50);
        repairs += 50;
    }
    let found = optimiser.found();
    let (ratio, ms) = (found.cost as f64 / bound as f64, began.elapsed().as_secs_f64() * 1e3);
    println!("{:<28} {:>8} {ratio:>8.4} {ms:>8.0}", format!("instance {instance}, {repairs} repairs"), found.cost);
    ratio
}
