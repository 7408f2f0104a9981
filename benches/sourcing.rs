//! Many orders: streams decided one by one, with and without prices of stock, and batches planned together.
//!
//! `cargo bench --bench sourcing` measures, and fails where a bar is missed; `-- --size small` (what `cargo test --benches`
//! runs) only keeps it alive. Seeds are fixed, and nothing but the times depends on the machine.
//!
//! **Streams** are family F2-M: what every policy costs (`stream` says which) as a ratio to what nobody undercuts who knew
//! all orders before, on average over four instances of each kappa, beside the bars for prices that are found anew ten times.
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
#[path = "../src/domain/sourcing/batch/tests/literature.rs"]
mod literature;
#[path = "../src/domain/sourcing/batch/tests/stream.rs"]
mod stream;

use family::{Dice, Network, Size};
use literature::{Literature, Told};
use stream::{KAPPAS, WAYS, bounds_of, decided, proven};

/// What a stream with prices that are found anew may cost, of what nobody undercuts, by kappa.
const STREAM_BARS: [f64; 3] = [1.102, 1.056, 1.032];
/// Instances of the literature, and sequences of each.
const LITERATURE: (u64, u64) = (30, 10);
/// What those may cost on average with prices, of what nobody undercuts.
const LITERATURE_BAR: f64 = 1.008;
/// What a batch may cost on average, of what was proven of it.
const BATCH_BAR: f64 = 1.003;
/// Milliseconds of a batch.
const BATCH_MS: u128 = 250;
/// Rounds for a bound that is stored.
const ROUNDS_BOUND: u32 = 400;

const BATCH_BOUNDS: &str = include_str!("../src/domain/sourcing/batch/tests/bounds.txt");

fn main() {
    let has = |word: &str| std::env::args().any(|arg| arg == word);
    if has("--bounds") {
        return print_bounds();
    }
    let small = has("small") || !has("--bench");
    let ways = if small { &WAYS[..2] } else { &WAYS[..] };
    println!("{:<28} {:>8} {:>8} {:>8} {:>10}", "stream, cost of the bound", "1.0", "1.2", "1.6", "us/order");
    for (at, way) in ways.iter().enumerate() {
        let (mut ratios, mut micros) = (Vec::new(), 0.0);
        for kappa in KAPPAS {
            let instances: Vec<(u64, i64)> = bounds_of(kappa).take(if small { 1 } else { usize::MAX }).collect();
            let (count, began) = (instances.len().max(1) as f64, Instant::now());
            let ratio = |(instance, bound): (u64, i64)| decided(kappa, instance, *way) as f64 / bound as f64;
            ratios.push(instances.into_iter().map(ratio).sum::<f64>() / count);
            micros = began.elapsed().as_secs_f64() * 1e6 / count / stream::size(kappa).orders as f64;
        }
        println!("{:<28} {} {micros:>10.2}", way.name, shown(&ratios));
        if !small && at + 1 == WAYS.len() {
            println!("{:<28} {}", "bars", shown(&STREAM_BARS));
            assert!(ratios.iter().zip(STREAM_BARS).all(|(ratio, bar)| *ratio <= bar), "a bar is missed: {ratios:?}");
        }
    }
    literature(small);
    println!("\n{:<28} {:>8} {:>8} {:>8}", "batch of 200", "cost", "of bound", "ms");
    let bounds = BATCH_BOUNDS.lines().filter(|line| !line.starts_with('#'));
    let ratios: Vec<f64> = bounds.take(if small { 1 } else { usize::MAX }).map(|line| batch(line, small)).collect();
    let mean = ratios.iter().sum::<f64>() / ratios.len().max(1) as f64;
    println!("{:<28} {:>8} {mean:>8.4}", "mean", "");
    assert!(small || mean <= BATCH_BAR, "the bar of batches is missed");
}

/// Streams of the literature: by the kernel alone, and with prices found anew.
fn literature(small: bool) {
    let (instances, sequences) = if small { (1, 1) } else { LITERATURE };
    let of = |instance: u64| {
        let rolled = Literature::roll(instance);
        (0..sequences).map(move |sequence| rolled.told(instance, sequence)).collect::<Vec<Told>>()
    };
    let told: Vec<Told> = (0..instances).flat_map(of).collect();
    let mean = |cost: fn(&Told) -> i64| {
        told.iter().map(|told| cost(told) as f64 / told.bound as f64).sum::<f64>() / told.len() as f64
    };
    let (without, with) = (mean(|told| told.without_prices), mean(|told| told.with_prices));
    println!("\n{:<28} {:>8} {:>8}", "literature, of the bound", "exact", "prices");
    println!("{:<28} {without:>8.4} {with:>8.4}", format!("{instances} x {sequences} sequences"));
    assert!(small || with <= LITERATURE_BAR, "the bar of the literature is missed");
}

fn shown(ratios: &[f64]) -> String {
    ratios.iter().map(|ratio| format!("{ratio:>8.4}")).collect::<Vec<_>>().join(" ")
}

fn print_bounds() {
    println!(
        "# kappa in hundredths, instance, cents that no plans of all its orders undercut (cargo bench --bench sourcing -- --bounds)"
    );
    for kappa in KAPPAS {
        for instance in 0..4 {
            println!("{kappa} {instance} {}", proven(kappa, instance, ROUNDS_BOUND));
        }
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
