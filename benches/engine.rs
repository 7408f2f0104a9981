//! The engine in process, on the default store: what a call costs without HTTP.
//!
//! `cargo bench --bench engine` measures; `-- --size small` (what `cargo test --benches` would run) only keeps it alive.
//! Each line: operations, median nanoseconds per operation over repeats, and a hash of the result, the same on every
//! machine for the same size.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::record::Log;
use ordain::domain::stock::MovementKind;
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;

const REPEATS: usize = 5;
const NODES: u32 = 10;

struct Size {
    skus: u32,
    reads: u64,
    quotes: u64,
    writes: u64,
}

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let size = if small {
        Size { skus: 50, reads: 2_000, quotes: 200, writes: 200 }
    } else {
        Size { skus: 2_000, reads: 1_000_000, quotes: 50_000, writes: 40_000 }
    };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (journal, state) = Unrecovered::open(dir.path(), Options::default()).expect("opens").recover().expect("new");
    let ordain = Pipeline::start(journal, state, None);
    stock(&ordain, &size);
    println!("{:<44} {:>10} {:>12}  result", "operation", "count", "ns/op p50");
    report("atp of one sku over 10 nodes", size.reads, || atp(&ordain, &size));
    report("quote of an order, 3 lines, 10 nodes", size.quotes, || quotes(&ordain, &size));
    report("durable reservation, 64 threads, spread skus", size.writes, || reservations(&ordain, &size, false));
    report("durable reservation, 64 threads, one sku", size.writes, || reservations(&ordain, &size, true));
}

fn report(name: &str, count: u64, work: impl Fn() -> u64) {
    let mut times = Vec::new();
    let mut result = 0;
    for _ in 0..REPEATS {
        let started = Instant::now();
        result = work();
        times.push(started.elapsed().as_nanos() / u128::from(count));
    }
    times.sort_unstable();
    println!("{name:<44} {count:>10} {:>12}  {result:016x}", times[REPEATS / 2]);
}

fn text(s: &str) -> Text {
    s.into()
}

fn sku(n: u64) -> Text {
    text(&format!("sku-{n:06}"))
}

fn stock(ordain: &Pipeline, size: &Size) {
    let run = |command| ordain.submit_blocking(&Context::library(), command).map(drop).expect("set up");
    for n in 0..NODES {
        run(Command::PutNode(Box::new(Node {
            id: text(&format!("node-{n}")),
            kind: NodeKind::Warehouse,
            name: text("node"),
            position: Position::from_degrees(30.0 + f64::from(n), -80.0 - f64::from(n * 3)).expect("on the globe"),
            country: text("US"),
            postal_code: text("00000"),
            time_zone: text("UTC"),
            active: true,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        })));
    }
    let chunk = u64::from(size.skus).div_ceil(32).max(1);
    std::thread::scope(|scope| {
        for first in (0..u64::from(size.skus)).step_by(chunk as usize) {
            scope.spawn(move || {
                for n in first..(first + chunk).min(u64::from(size.skus)) {
                    run(Command::PutItem(Box::new(PutItem {
                        sku: sku(n),
                        name: text("item"),
                        kind: ItemKind::Product,
                        weight_g: 400,
                        dimensions: Dimensions::default(),
                        value: None,
                        components: vec![],
                    })));
                    let received = |k: u32| Adjustment {
                        sku: sku(n),
                        node: text(&format!("node-{k}")),
                        delta: 50_000_000,
                        reason: MovementKind::Received,
                    };
                    run(Command::AdjustStock((0..NODES).map(received).collect()));
                }
            });
        }
    });
}

/// SplitMix64, so that every run asks for the same.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

fn atp(ordain: &Pipeline, size: &Size) -> u64 {
    let now = ordain.journal().now().journal;
    let names: Vec<Text> = (0..u64::from(size.skus)).map(sku).collect();
    let ask = |n| &names[(mix(n) % u64::from(size.skus)) as usize];
    (0..size.reads).fold(0, |sum, n| {
        let answer = ordain.engine().atp(now, ask(n), None).expect("known");
        sum ^ answer.available.min(1) << (n % 64)
    })
}

fn quotes(ordain: &Pipeline, size: &Size) -> u64 {
    let now = ordain.journal().now();
    (0..size.quotes).fold(0, |sum, n| {
        let line = |k: u64| PlaceLine {
            id: text(&k.to_string()),
            sku: sku(mix(n * 3 + k) % u64::from(size.skus)),
            quantity: Quantity::new(1 + (mix(n + k) % 2) as u32).expect("not zero"),
            unit_price: 100,
            group: 0,
        };
        let order = PlaceOrder {
            id: None,
            fingerprint: 0,
            kind: OrderType::Standard,
            channel: text("web"),
            channel_order_id: text("quote"),
            customer: text("customer-1"),
            personal: Sealed::default(),
            currency: Currency::USD,
            destinations: vec![ShipTo {
                group: text(""),
                country: text("US"),
                postal_code: text("10001"),
                position: Position::from_degrees(40.0, -75.0),
                personal: Sealed::default(),
            }],
            lines: (0..3).map(line).collect(),
            delivery_method: text("ship"),
            reservation: None,
            reacquire: false,
            rule_set: None,
            placed_at: None,
            payment: None,
            total: None,
        };
        sum ^ mix(ordain.engine().quote(now, &order).expect("good").cost.amount as u64 ^ n)
    })
}

fn reservations(ordain: &Pipeline, size: &Size, one_sku: bool) -> u64 {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= size.writes {
                        return;
                    }
                    let at = if one_sku { 0 } else { mix(n) % u64::from(size.skus) };
                    let line = ReserveLine { sku: sku(at), quantity: Quantity::new(1).expect("one"), node: None };
                    let reserve = Reserve {
                        id: None,
                        fingerprint: 0,
                        owner: text("cart"),
                        ttl_s: 3_600,
                        lines: vec![line],
                        partial: false,
                        channel: None,
                        customer: None,
                    };
                    ordain.submit_blocking(&Context::library(), Command::Reserve(reserve)).expect("enough");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    mix(done.into_inner())
}
