//! Sourcing in process: what a decision costs by itself, and what a whole quote costs by its parts.
//!
//! `cargo bench --bench kernel` measures; `-- --size small` (what `cargo test --benches` runs) only keeps it alive. Seeds
//! are fixed; every line ends in a hash of the answers, the same on every machine for the same size.
//!
//! **Decisions.** An order of so many pseudo-lines (units of its lines: one, two or three of an article, most often
//! one) over so many nodes in a field of 4,500 by 2,500 km; every fifth node keeps seven articles in ten, the others
//! three in ten, or all a quarter; a stocked node has 1 to 12 units. *Inside the timing*: all of `solve`, from what each
//! candidate has, how far it is and what shipping costs, to the finished plan with its cost by term: joining lines,
//! listing nodes and caps, both early ends, the tables, the walk back. *Outside*: reading cells, distances, rules; those
//! are in the quotes below. Each instance is solved [`REPEATS`] times and counts with its fastest; the figures are the
//! quantiles over instances. `--bench allocations` counts what they take from the heap.
//!
//! **Decisions in full.** The same field for the kernel that knows services, handling, units' own costs and rules: three
//! services in seven zones by the pound, lateness, a split, lines with a price when they are left. *All rules* adds prices
//! and markdowns of units, what nodes can pick, up to three parcels from a node, most parcels, lines in full.
//!
//! **Recording.** What is kept of a decision so that it can be explained later (`domain::recording`: what each candidate had,
//! how far it is, what was asked, and what all that costs; reasons are worked out on reading), in turns with the
//! decision itself, the memory of what is kept taken and given back included. *Share* is the median over instances of
//! recording by its decision, *of p99* the quantile of the ones by that of the others. In full,
//! decisions are asked as the engine asks them: what the services of a node ask is folded into one table, shared by the nodes
//! where it is the same, up to the weight of the order. Both sides begin when everything was stated, and are told without what
//! it takes to read the clock.
//!
//! **Quotes.** A body of three lines to the bytes of its answer, on a real directory, in parts: *read* (JSON to an order of
//! the domain), *route* (read the cells, measure distances, solve, keep the evidence), *explain* (why the twenty nearest
//! others lost) and *render* (JSON bytes). Time is what the thread spent on the processor, per quote, the least of
//! [`REPEATS`] passes.

mod families;
#[path = "../places/mod.rs"]
mod places;
mod quotes;

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::hint::black_box;
use std::time::Instant;

use ordain::api::decision::Quote;
use ordain::domain::command::PlaceOrder;
use ordain::domain::decision::{Decision, Evidence, Explaining, LineUnits};
use ordain::domain::limits::{EVIDENCE_BYTES_MAX, LOSERS_IN_REPLY};
use ordain::domain::record::Log;
use ordain::domain::recording::{Recorder, Weighing};
use ordain::domain::sourcing::costed;
use ordain::domain::sourcing::{Candidate, Plan, Problem, Workspace, solve_into};
use rustix::time::{ClockId, clock_gettime};

use self::families::{FAMILIES, Family, IN_FULL, InFull, mix};
use self::quotes::{NETWORKS, Network, Shop, order};

const REPEATS: usize = 5;
/// Readings of the clock that tell what one takes.
const CLOCK_READS: usize = 2_000;

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let instances = if small { 20 } else { 2_000 };
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}  result", "decision", "instances", "p50 ns", "p99 ns", "max ns");
    for family in &FAMILIES {
        let (workspace, plan) = (&mut Workspace::default(), &mut Plan::default());
        decisions(family.name, instances, &|n| family.problem(n), &mut |problem| {
            solve_into(problem, workspace, plan);
            hash(plan)
        });
    }
    for family in &IN_FULL {
        let (workspace, plan) = (&mut costed::Workspace::default(), &mut costed::Plan::default());
        decisions(family.name, instances, &|n| family.problem(n).0, &mut |problem| {
            costed::solve_into(problem, workspace, plan);
            hash_in_full(plan)
        });
    }
    println!();
    println!("{:<34} {:>9} {:>9} {:>9} {:>9} {:>9}", "recording", "instances", "p50 ns", "p99 ns", "share", "of p99");
    for family in &FAMILIES {
        recording(family, instances);
    }
    for family in &IN_FULL {
        recording_in_full(family, instances);
    }
    println!();
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>9}  result",
        "quote, ns on the processor", "quotes", "read", "route", "explain", "render"
    );
    let count = if small { 20 } else { 5_000 };
    for network in &NETWORKS {
        quotes(network, if small { 10 } else { 200 }, count);
    }
}

fn decisions<P>(name: &str, instances: u64, problem: &dyn Fn(u64) -> P, solve: &mut dyn FnMut(&P) -> u64) {
    let problems: Vec<P> = (0..instances).map(problem).collect();
    let mut result = 0;
    let mut times: Vec<u128> = Vec::new();
    for problem in &problems {
        let fastest = (0..REPEATS).map(|_| {
            let began = Instant::now();
            black_box(solve(black_box(problem)));
            began.elapsed().as_nanos()
        });
        times.push(fastest.min().unwrap_or(0));
    }
    for problem in &problems {
        result = mix(result ^ solve(problem));
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{name:<34} {instances:>9} {:>9} {:>9} {:>9}  {result:016x}", at(50), at(99), at(100));
}

/// What recording costs beside deciding by a tariff.
fn recording(family: &Family, instances: u64) {
    let (workspace, plan) = (&mut Workspace::default(), &mut Plan::default());
    let times = (0..instances).map(|n| family.problem(n)).map(|problem| {
        let units: Vec<LineUnits> =
            (0..).zip(&problem.lines).map(|(line, own)| LineUnits { line, quantity: own.quantity }).collect();
        let (nodes, bytes_max) = (family.nodes as u32, EVIDENCE_BYTES_MAX);
        in_turns(
            plan,
            |plan| solve_into(black_box(&problem), workspace, plan),
            |plan| drop(black_box(Evidence::of((black_box(&problem), plan), &units, &[], nodes, bytes_max))),
        )
    });
    tell_recording(family.name, &times.collect::<Vec<_>>());
}

/// The same in full.
fn recording_in_full(family: &InFull, instances: u64) {
    let (workspace, plan) = (&mut costed::Workspace::default(), &mut costed::Plan::default());
    let recorder = &mut Recorder::default();
    let times = (0..instances).map(|n| family.problem(n)).map(|(problem, metres)| {
        let (problem, listed, places) = asked(&problem, &metres);
        let units: Vec<LineUnits> =
            (0..).zip(&problem.lines).map(|(line, own)| LineUnits { line, quantity: own.quantity }).collect();
        let record = |plan: &costed::Plan| {
            let saw = Weighing {
                problem: black_box(&problem),
                plan,
                listed: &listed,
                places: &places,
                units: &units,
                fenced: &[],
                nodes: family.nodes as u32,
                minds_ahead: false,
            };
            drop(black_box(recorder.evidence(&saw, EVIDENCE_BYTES_MAX)));
        };
        in_turns(plan, |plan| costed::solve_into(black_box(&problem), workspace, plan), record)
    });
    tell_recording(family.name, &times.collect::<Vec<_>>());
}

/// The fastest decision and the fastest recording of it, made one after the other, again and again; nanoseconds, a reading of
/// the clock included.
fn in_turns<P>(plan: &mut P, mut decide: impl FnMut(&mut P), mut record: impl FnMut(&P)) -> [u128; 2] {
    let mut fastest = [u128::MAX; 2];
    for _ in 0..REPEATS {
        let began = Instant::now();
        decide(plan);
        let decided = Instant::now();
        record(plan);
        let times = [(decided - began).as_nanos(), decided.elapsed().as_nanos()];
        fastest = [0, 1].map(|at| fastest[at].min(times[at]));
    }
    fastest
}

fn tell_recording(name: &str, times: &[[u128; 2]]) {
    let at = |mut figures: Vec<f64>, percent: usize| {
        figures.sort_unstable_by(f64::total_cmp);
        figures[(figures.len() - 1) * percent / 100]
    };
    let clock = at((0..CLOCK_READS).map(|_| fastest(|| {}) as f64).collect(), 50);
    let [decided, recorded] = [0, 1].map(|which| times.iter().map(|own| own[which] as f64 - clock).collect::<Vec<_>>());
    let share = at(decided.iter().zip(&recorded).map(|(decided, recorded)| recorded / decided).collect(), 50);
    let [p50, p99] = [50, 99].map(|percent| at(recorded.clone(), percent));
    let (share, worst, instances) = (share * 100.0, p99 / at(decided, 99) * 100.0, times.len());
    println!("{name:<34} {instances:>9} {p50:>9} {p99:>9} {share:>8.1}% {worst:>8.1}%");
}

/// A problem as the engine asks it, what was listed for it, and which of those listed its candidates are: the nearest first.
fn asked(drawn: &costed::Problem, metres: &[u64]) -> (costed::Problem, Problem, Vec<u32>) {
    let mut listed = Problem { slots: drawn.slots, ..Problem::default() };
    for (number, line) in drawn.lines.iter().enumerate() {
        listed.add_line(line.quantity, line.unit_weight_g, drawn.needs_of(number).iter().copied());
    }
    for (at, (own, metres)) in drawn.candidates.iter().zip(metres).enumerate() {
        listed.add_candidate(Candidate::new(own.node, *metres), drawn.has(at).iter().copied());
    }
    let grams: u64 = drawn.lines.iter().map(|line| line.unit_weight_g * u64::from(line.quantity)).sum();
    let scale = drawn.rates.scale();
    let brackets = scale.len().min(scale.partition_point(|up_to| *up_to < grams) + 1);
    let mut asked = costed::Problem { rates: costed::Rates::new(scale[..brackets].to_vec()), ..drawn.clone() };
    let mut places: Vec<u32> = (0..drawn.candidates.len() as u32).collect();
    places.sort_by_key(|place| metres[*place as usize]);
    asked.candidates.clear();
    asked.available.clear();
    asked.unit_costs.clear();
    asked.offers.clear();
    let (mut tables, width) = (Vec::new(), drawn.lines.len());
    for place in places.iter().map(|place| *place as usize) {
        let own = &drawn.candidates[place];
        let costs = folded(drawn, own, brackets);
        let table = tables.iter().position(|known| *known == costs).unwrap_or_else(|| {
            asked.rates.add_table(&costs);
            tables.push(costs);
            tables.len() - 1
        });
        let unit_costs = drawn.unit_costs[place * width..(place + 1) * width].iter().copied();
        let offer = costed::Offer { service: 0, table: table as u32, plus: 0 };
        asked.add_candidate(own.clone(), drawn.has(place).iter().copied(), unit_costs, [offer]);
    }
    (asked, listed, places)
}

/// What the services of a node ask together, by bracket.
fn folded(drawn: &costed::Problem, candidate: &costed::Candidate, brackets: usize) -> Vec<i64> {
    let offers = &drawn.offers[candidate.offers.clone()];
    let ask = |at: usize| {
        let asks = offers.iter().filter_map(|offer| Some(drawn.rates.told(offer.table).nth(at)? + offer.plus));
        asks.min()
    };
    (0..brackets).filter_map(ask).collect()
}

fn fastest(mut work: impl FnMut()) -> u128 {
    let times = (0..REPEATS).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed().as_nanos()
    });
    times.min().unwrap_or(0)
}

fn quotes(network: &Network, skus: u64, count: u64) {
    let Shop { ordain, bodies, .. } = &network.shop(skus, count);
    let engine = ordain.engine();
    let now = ordain.journal().now();
    let (read, orders) = timed(bodies, |body| order(body));
    let (route, decisions) = timed(&orders, |order| engine.quote(now, order).expect("good"));
    let memory = &mut Explaining::default();
    let (explain, _) = timed(&decisions, |decision: &Decision| {
        engine.catalogue(|c| black_box(decision.nearest_losers(c, LOSERS_IN_REPLY, memory)).1)
    });
    let pairs: Vec<_> = decisions.iter().zip(&orders).collect();
    let told = |(decision, order): &(&Decision, &PlaceOrder)| {
        engine.catalogue(|c| Quote::written(decision, &order.lines[..], c))
    };
    let (both, answers) = timed(&pairs, told);
    let result = answers.iter().flatten().fold(0, |hash, byte| mix(hash ^ u64::from(*byte)));
    println!(
        "{:<34} {count:>9} {read:>9} {route:>9} {explain:>9} {:>9}  {result:016x}",
        network.name,
        both.saturating_sub(explain)
    );
}

/// What a call cost on the processor at best, in nanoseconds, and what came of the last pass.
fn timed<T, R>(inputs: &[T], mut work: impl FnMut(&T) -> R) -> (u64, Vec<R>) {
    let mut best = u64::MAX;
    let mut results = Vec::new();
    for _ in 0..REPEATS {
        results = Vec::with_capacity(inputs.len());
        let began = on_processor();
        results.extend(inputs.iter().map(|input| work(black_box(input))));
        best = best.min((on_processor() - began) / inputs.len() as u64);
    }
    (best, results)
}

fn on_processor() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn hash(plan: &Plan) -> u64 {
    let mut hash = mix(plan.cost as u64 ^ (plan.lower_bound as u64) << 32 ^ u64::from(plan.optimal));
    for assignment in &plan.assignments {
        hash = mix(hash ^ u64::from(assignment.candidate) ^ (assignment.cost as u64) << 32);
        for part in plan.parts_of(assignment) {
            hash = mix(hash ^ u64::from(part.line) << 32 ^ u64::from(part.quantity));
        }
    }
    plan.unfilled.iter().fold(hash, |hash, u| mix(hash ^ u64::from(u.line) << 32 ^ u64::from(u.quantity)))
}

fn hash_in_full(plan: &costed::Plan) -> u64 {
    let mut hash = mix(plan.cost as u64 ^ (plan.lower_bound as u64) << 32 ^ u64::from(plan.optimal));
    for shipment in &plan.shipments {
        hash = mix(hash ^ u64::from(shipment.candidate) ^ (shipment.cost as u64) << 32);
        for part in plan.parts_of(shipment) {
            hash = mix(hash ^ u64::from(part.line) << 32 ^ u64::from(part.quantity));
        }
    }
    plan.unfilled.iter().fold(hash, |hash, u| mix(hash ^ u64::from(u.line) << 32 ^ u64::from(u.quantity)))
}
