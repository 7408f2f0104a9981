//! What a decision and a quote take from the heap: the orders of `kernel`, decided again with the memory of the ones before.
//!
//! `cargo bench --bench allocations`. The counter stands before the system's allocator, so that nothing is timed here.

mod families;
#[path = "../places/mod.rs"]
mod places;
mod quotes;

use ordain::api::decision::Quote;
use ordain::domain::record::Log;
use ordain::domain::sourcing::costed;
use ordain::domain::sourcing::{Plan, Workspace, solve_into};

use self::families::{FAMILIES, IN_FULL};
use self::quotes::{NETWORKS, Network, Shop, order};

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let instances = if small { 20 } else { 2_000 };
    println!("{:<34} {:>9} {:>7}", "decision", "instances", "allocs");
    for family in &FAMILIES {
        let (workspace, plan) = (&mut Workspace::default(), &mut Plan::default());
        let problems: Vec<_> = (0..instances).map(|n| family.problem(n)).collect();
        again(family.name, &problems, |problem| solve_into(problem, workspace, plan));
    }
    for family in &IN_FULL {
        let (workspace, plan) = (&mut costed::Workspace::default(), &mut costed::Plan::default());
        let problems: Vec<_> = (0..instances).map(|n| family.problem(n).0).collect();
        again(family.name, &problems, |problem| costed::solve_into(problem, workspace, plan));
    }
    println!();
    println!("{:<34} {:>9} {:>7} {:>7} {:>16}", "quote", "quotes", "read", "route", "explain, render");
    for network in &NETWORKS {
        quotes(network, if small { 10 } else { 200 }, if small { 20 } else { 5_000 });
    }
}

/// Solves all twice and counts the second time.
fn again<P>(name: &str, problems: &[P], mut solve: impl FnMut(&P)) {
    problems.iter().for_each(&mut solve);
    let counted = count(problems.len(), || problems.iter().for_each(&mut solve));
    println!("{name:<34} {:>9} {counted:>7.2}", problems.len());
}

fn quotes(network: &Network, skus: u64, orders: u64) {
    let Shop { ordain, bodies, .. } = &network.shop(skus, orders);
    let (engine, now) = (ordain.engine(), ordain.journal().now());
    let asked: Vec<_> = bodies.iter().map(|body| order(body)).collect();
    let decisions: Vec<_> = asked.iter().map(|order| engine.quote(now, order).expect("good")).collect();
    let tell = || {
        for (decision, order) in decisions.iter().zip(&asked) {
            drop(engine.catalogue(|c| Quote::written(decision, &order.lines[..], c)));
        }
    };
    tell();
    let read = count(bodies.len(), || bodies.iter().for_each(|body| drop(order(body))));
    let route = count(bodies.len(), || asked.iter().for_each(|order| drop(engine.quote(now, order))));
    println!("{:<34} {orders:>9} {read:>7.1} {route:>7.1} {:>16.1}", network.name, count(bodies.len(), tell));
}

/// Allocations of each of so many.
fn count(of: usize, work: impl FnOnce()) -> f64 {
    allocation_counter::measure(work).count_total as f64 / of as f64
}
