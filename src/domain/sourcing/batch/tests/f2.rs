//! Streams of families F1 (`literature`) and F2-M (`stream`), and batches of 200 orders of family F2-S (`family`): near the bound that their own
//! prices prove, and where HiGHS proved one, near that.
//!
//! `bounds.txt` holds, by instance, what is proven that no plans undercut, and the best plans that are known. Built with
//! `ORDAIN_KERNEL_PRINT` set, a test prints the instances as JSON lines for `tools/batch_optima.py`.

use super::super::{Batch, Found, Optimiser};
use super::bound_of;
use super::family::{Dice, LEFT, Network, Order, POUND_DG, SPLIT, Size};
use super::literature::{Literature, Told};
use super::stream::{KAPPAS, TROUBLED, WAYS, Way, bounds_of, decided, proven as proven_of_stream, size};

const BOUNDS: &str = include_str!("bounds.txt");

const SIZE: Size = Size { centres: 3, stores: 5, skus: 40, orders: 200, kappa: 120 };

/// As many repairs as a quarter of a second has time for.
const REPAIRS: u32 = 12_000;

fn batch_of(instance: u64) -> (Batch, Network, Vec<Order>) {
    let network = Network::roll(SIZE, instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), SIZE.orders);
    (network.batch(&orders, 1), network, orders)
}

fn solved(batch: &Batch, rounds: u32) -> Found {
    let mut optimiser = Optimiser::new(batch);
    optimiser.price(120);
    optimiser.plan_anew();
    optimiser.improve(rounds);
    optimiser.found()
}

/// Proven bound and best known cost by instance.
fn proven() -> impl Iterator<Item = (u64, i64, i64)> {
    let lines = BOUNDS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut words = line.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
        let mut next = || words.next().expect("three numbers: instance, proven bound, best known");
        (next() as u64, next(), next())
    })
}

#[test]
fn a_batch_of_two_hundred_comes_near_its_own_bound() {
    let (batch, ..) = batch_of(0);
    let found = solved(&batch, 4_000);
    let ratio = found.cost as f64 / bound_of(&found) as f64;
    println!("cost {} is {ratio:.4} of {}", found.cost, bound_of(&found));
    assert!(found.cost < found.cost_before && (1.0..1.08).contains(&ratio), "{ratio}");
}

#[test]
fn batches_come_near_what_was_proven_of_them() {
    let mut ratios = Vec::new();
    for (instance, bound, known) in proven() {
        let (batch, ..) = batch_of(instance);
        let found = solved(&batch, REPAIRS);
        assert!(bound_of(&found) <= known, "instance {instance}: {} above {known}", bound_of(&found));
        assert!(found.cost >= bound, "instance {instance}: {} below what was proven, {bound}", found.cost);
        let ratio = found.cost as f64 / bound as f64;
        println!("instance {instance}: cost {} is {ratio:.4} of {bound}, own bound {}", found.cost, bound_of(&found));
        ratios.push(ratio);
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!(ratios.len() == 8 && mean <= 1.003, "{mean:.4}: {ratios:.4?}");
}

#[test]
fn a_stream_costs_least_when_it_is_decided_with_prices_of_what_is_scarce() {
    let (kappa, (instance, bound)) = (120, bounds_of(120).next().expect("a bound of the first instance"));
    let with_prices = Way { refreshes: 2, paths: 1, ..WAYS[6] };
    let ratios = [WAYS[0], WAYS[1], WAYS[2], WAYS[3], with_prices].map(|way| {
        let ratio = decided(size(kappa), instance, way, false).cost as f64 / bound as f64;
        println!("{}: {ratio:.4} of {bound}", way.name);
        ratio
    });
    assert!(ratios.is_sorted_by(|a, b| a > b), "{ratios:?}");
    assert!(ratios[4] >= 1.0 && ratios[4] <= 1.075, "{ratios:?}");
}

#[test]
fn whatever_decides_a_stream_every_unit_is_sent_or_left_and_none_twice() {
    for (way, is_troubled) in WAYS.map(|way| (way, false)).into_iter().chain(TROUBLED.map(|way| (way, true))) {
        let way = Way { refreshes: way.refreshes.min(1), paths: way.paths.min(1), ..way };
        let told = decided(SIZE, 0, way, is_troubled);
        let (_, network, orders) = batch_of(0);
        let asked: u64 = orders.iter().flat_map(|order| &order.lines).map(|(_, units)| u64::from(*units)).sum();
        let has: u64 = network.stock.iter().map(|units| u64::from(*units)).sum();
        assert_eq!(told.orders, SIZE.orders as u64, "{}", way.name);
        assert!(told.units <= asked.min(has) && told.units * 10 > asked * 7, "{}: {} of {asked}", way.name, told.units);
        assert!(told.shipments >= told.orders - told.unfilled && told.split <= told.shipments, "{}", way.name);
        assert_eq!(told, decided(SIZE, 0, way, is_troubled), "{}: the same again", way.name);
    }
}

#[test]
fn the_bounds_of_streams_are_none_that_their_own_prices_exceed() {
    // A few rounds prove less than those that are stored; more would be an error of either.
    for kappa in KAPPAS {
        let (instance, bound) = bounds_of(kappa).next().expect("a bound of the first instance");
        let (own, _) = proven_of_stream(size(kappa), instance, (8, 0));
        assert!(own <= bound && own * 2 > bound, "kappa {kappa}: {own} of {bound}");
    }
}

#[test]
fn prices_take_most_of_what_is_lost_to_who_knows_all_before() {
    let Told { without_prices, with_prices, bound } = Literature::roll(0).told(0, 0);
    let ratios = [without_prices, with_prices].map(|cost| cost as f64 / bound as f64);
    println!("without prices, with prices: {ratios:.4?} of {bound}");
    assert!(ratios[1] >= 1.0 && ratios[1] <= 1.012 && ratios[1] - 1.0 < (ratios[0] - 1.0) / 2.0, "{ratios:?}");
}

/// Prints instances for the solver when the build was asked to.
#[test]
fn batches_are_printed_for_the_solver_when_it_asks() {
    if option_env!("ORDAIN_KERNEL_PRINT").is_none() {
        return;
    }
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    for instance in 0..8 {
        let (batch, network, orders) = batch_of(instance);
        let order = |order: &Order| {
            let lines = order.lines.iter().map(|(sku, units)| {
                let (grams, value) = network.skus[*sku];
                format!("[{sku},{units},{grams},{LEFT},{}]", value / 2)
            });
            let pounds = order.pounds(&network);
            let tables = (0..SIZE.nodes())
                .map(|node| list(network.table(node, order, pounds).iter().map(i64::to_string).collect()));
            format!("{{\"lines\":{},\"tables\":{}}}", list(lines.collect()), list(tables.collect()))
        };
        println!(
            "{{\"instance\":{instance},\"skus\":{},\"centres\":{},\"split\":{SPLIT},\"pound_dg\":{POUND_DG},\"stock\":{},\"orders\":{}}}",
            SIZE.skus,
            SIZE.centres,
            list(batch.stock.iter().map(u32::to_string).collect()),
            list(orders.iter().map(order).collect())
        );
    }
}
