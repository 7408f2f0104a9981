//! The life of orders at size: supply that comes late, a node that goes dark, and orders that leave memory.
//!
//! ```text
//! cargo bench --bench life                        all three
//! cargo bench --bench life -- supply              10,000 promises hang on one document, which is re-dated
//! cargo bench --bench life -- outage              a node with 1,000 open orders is switched off
//! cargo bench --bench life -- archive             a million orders end and leave; `--orders 100000` for fewer
//! cargo bench --bench life -- --size small        keeps it alive (what `cargo test --benches` runs)
//! ```
//! Every part works through the ordinary paths on a directory of its own, with the store of the program. What it says is
//! checked: the promises that changed are those a comparison of every order finds, no order of the dark node is left without
//! an answer, and whoever left is found.
//!
//! Not here: what a cell or an order weighs (`scale`), and HTTP (`http`).

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::{OrderKey, Text};
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{Order, OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::record::Log;
use ordain::domain::reply::Reply;
use ordain::domain::stock::MovementKind;
use ordain::domain::time::WallTime;
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;

/// Times a step is measured; the median counts.
const REPEATS: usize = 9;
/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--weigh") {
        return weigh(Path::new(&args[at + 1]));
    }
    let is_said = |word: &str| args.iter().any(|arg| arg == word);
    let small = is_said("small") || !is_said("--bench");
    let orders = args.iter().position(|arg| arg == "--orders").and_then(|at| args.get(at + 1));
    let orders = orders.map_or(if small { 200 } else { 1_000_000 }, |count| count.parse().expect("a number"));
    let all = !["supply", "outage", "archive"].into_iter().any(is_said);
    if all || is_said("supply") {
        supply(if small { 100 } else { 10_000 });
    }
    if all || is_said("outage") {
        outage(if small { 50 } else { 1_000 });
    }
    if all || is_said("archive") {
        archive(orders);
    }
}

// ── the shop ────────────────────────────────────────────────────────────────────────────────────────────────────────

fn text(s: &str) -> Text {
    s.into()
}

fn open(dir: &Path) -> Pipeline {
    let (journal, state) = Unrecovered::open(dir, Options::default()).expect("opens").recover().expect("is whole");
    Pipeline::start(journal, state, None)
}

fn run(ordain: &Pipeline, command: Command) -> Reply {
    ordain.submit_blocking(&Context::library(), command).expect("a good command").into_inner().reply
}

fn node(id: &str, longitude: f64) -> Command {
    Command::PutNode(Box::new(Node {
        id: text(id),
        kind: NodeKind::Warehouse,
        name: text(id),
        position: Position::from_degrees(40.0, longitude).expect("on the globe"),
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
    }))
}

fn item(sku: &str) -> Command {
    Command::PutItem(Box::new(PutItem {
        sku: text(sku),
        name: text(sku),
        kind: ItemKind::Product,
        weight_g: 400,
        dimensions: Dimensions { length: 200, width: 100, height: 50 },
        value: None,
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    }))
}

fn receive(sku: &str, node: &str, delta: i32) -> Command {
    let reason = MovementKind::Received;
    Command::AdjustStock(vec![Adjustment { sku: text(sku), node: text(node), delta, reason }])
}

fn units(quantity: u32) -> Quantity {
    Quantity::new(quantity).expect("not zero")
}

fn order(n: u64, sku: &str) -> Command {
    Command::PlaceOrder(Box::new(PlaceOrder {
        id: None,
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: text("web"),
        channel_order_id: text(&format!("W{n:09}")),
        customer: text(&format!("customer-{:07}", n % 1_000_000)),
        personal: Sealed { key_id: 0, bytes: vec![b'x'; 40] },
        currency: Currency::USD,
        destinations: vec![ShipTo {
            group: text(""),
            country: text("US"),
            postal_code: text("10001"),
            parts: None,
            position: Position::from_degrees(40.0, -75.0),
            personal: Sealed { key_id: 0, bytes: vec![b'x'; 80] },
        }],
        lines: vec![PlaceLine { id: text("1"), sku: text(sku), quantity: units(1), unit_price: 1_999, group: 0 }],
        delivery_method: text("ship"),
        reservation: None,
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: Some(1_999),
        holds: Vec::new(),
        wishes: Wishes::default(),
    }))
}

/// Places so many orders of one phone; answers their numbers, ascending.
fn place(ordain: &Pipeline, count: u64) -> Vec<OrderKey> {
    let placed = Mutex::new(Vec::new());
    by_clients(count, |n| {
        let Reply::Order(order) = run(ordain, order(n, "phone")) else { panic!("is an order") };
        placed.lock().expect("nobody panics with it").push(order.key);
    });
    let mut placed = placed.into_inner().expect("nobody panics with it");
    placed.sort_unstable();
    placed
}

/// Does something for every number, by as many clients as share a group of the journal.
fn by_clients(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    work(n);
                }
            });
        }
    });
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn show(what: &str, value: f64, unit: &str, bar: &str) {
    println!("  {what:<52} {value:>12.3} {unit:<4} {bar}");
}

// ── late supply ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// What every order is promised, one by one.
fn promises(ordain: &Pipeline, orders: &[OrderKey]) -> Vec<(OrderKey, Option<WallTime>)> {
    let promise = |key: &OrderKey| {
        let (_, pegs) = ordain.engine().pegs_of_order(&key.to_string()).expect("it waits");
        (*key, pegs.first().and_then(|peg| peg.supply).map(|coming| coming.at))
    };
    orders.iter().map(promise).collect()
}

fn supply(waiting: u64) {
    println!("\nsupply: {waiting} orders wait for one document, {waiting} for another");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ordain = open(dir.path());
    run(&ordain, node("east", -74.0));
    run(&ordain, item("phone"));
    let today = ordain.journal().now().wall.0;
    for (id, days) in [("first", 10), ("second", 20)] {
        let lines = vec![SkuUnits { sku: text("phone"), quantity: units(waiting as u32) }];
        let eta = WallTime(today + days * DAY_MS);
        run(
            &ordain,
            Command::AnnounceInbound(AnnounceInbound {
                id: Some(text(id)),
                fingerprint: 0,
                node: text("east"),
                supplier: None,
                eta,
                lines,
            }),
        );
    }
    let orders = place(&ordain, waiting * 2);
    let before = promises(&ordain, &orders);
    let (mut redated, mut listed) = (Vec::new(), Vec::new());
    for repeat in 0..REPEATS as i64 {
        let eta = WallTime(today + 11 * DAY_MS + repeat);
        let started = Instant::now();
        run(&ordain, Command::ChangeInbound { inbound: text("first"), action: InboundAction::Redate(eta) });
        redated.push(started.elapsed());
        let started = Instant::now();
        let (_, pegs) = ordain.engine().pegs_of_inbound("first").expect("it is there");
        listed.push(started.elapsed());
        assert_eq!(pegs.len() as u64, waiting);
    }
    let after = promises(&ordain, &orders);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).map(|((key, _), _)| *key);
    let (_, pegs) = ordain.engine().pegs_of_inbound("first").expect("it is there");
    let told: BTreeSet<OrderKey> = pegs.iter().map(|peg| peg.order).collect();
    assert!(told.len() as u64 == waiting && changed.eq(told), "what is told is what changed");
    show("re-dated, durable, median", ms(median(redated)), "ms", "bar 10");
    show("every promise that hangs on it, median", ms(median(listed)), "ms", "bar 10");
    ordain.journal().close().expect("closes");
}

// ── a node goes dark ────────────────────────────────────────────────────────────────────────────────────────────────

fn outage(orders: u64) {
    println!("\noutage: {orders} open orders at a node that is switched off; nine tenths find another");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ordain = open(dir.path());
    run(&ordain, node("near", -75.0));
    run(&ordain, node("far", -100.0));
    run(&ordain, item("phone"));
    run(&ordain, receive("phone", "near", orders as i32));
    let numbers = place(&ordain, orders);
    run(&ordain, receive("phone", "far", (orders * 9 / 10) as i32));
    let started = Instant::now();
    let patch = NodePatch { active: Some(false), ..NodePatch::default() };
    run(&ordain, Command::PatchNode { node: text("near"), patch: Box::new(patch) });
    let switched = started.elapsed();
    let waits_there = |order: &Order| order.fulfillment_orders.iter().any(|f| f.node.0 == 1 && f.status.is_live());
    let node_of = |key: &OrderKey| ordain.engine().order_in_memory(*key).expect("nobody lets it go");
    assert_eq!(numbers.len() as u64, orders);
    while numbers.iter().any(|key| waits_there(&node_of(key))) {
        ordain.tick();
    }
    ordain.journal().durable_blocking(ordain.journal().last_seq(), ()).expect("the disk works");
    let all = started.elapsed();
    let found = numbers.iter().filter(|key| node_of(key).totals().allocated == 1).count() as u64;
    let waiting = numbers.iter().filter(|key| node_of(key).totals().backordered == 1).count() as u64;
    assert_eq!((found, waiting), (orders * 9 / 10, orders - orders * 9 / 10), "each has an answer");
    show("switched off, durable", ms(switched), "ms", "");
    show("all sourced again or waiting, durable", ms(all), "ms", "bar 1,000");
    ordain.journal().close().expect("closes");
}

// ── orders that leave ───────────────────────────────────────────────────────────────────────────────────────────────

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number of pages") * 4_096
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Opens it in a process of its own, since memory that this one gave back stays with its allocator: how long that took, and
/// what it holds.
fn restarted(dir: &Path) -> (Duration, u64) {
    let mut process = Process::new(std::env::current_exe().expect("this program has a path"));
    let output = process.arg("--weigh").arg(dir).stderr(Stdio::inherit()).output().expect("this program starts again");
    assert!(output.status.success(), "it opens again");
    let text = String::from_utf8(output.stdout).expect("text");
    let (ns, bytes) = text.trim().split_once(' ').expect("two numbers");
    (Duration::from_nanos(ns.parse().expect("nanoseconds")), bytes.parse().expect("bytes"))
}

/// The other end of [`restarted`].
fn weigh(dir: &Path) {
    let (before, started) = (resident(), Instant::now());
    let ordain = open(dir);
    println!("{} {}", started.elapsed().as_nanos(), resident().saturating_sub(before));
    ordain.journal().close().expect("closes");
}

/// Every thousandth stays open.
fn stays(n: u64) -> bool {
    n.is_multiple_of(1_000)
}

fn archive(orders: u64) {
    println!("\narchive: {orders} orders, of which {} stay open", orders.div_ceil(1_000));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ordain = open(dir.path());
    run(&ordain, node("east", -74.0));
    run(&ordain, item("phone"));
    run(&ordain, receive("phone", "east", i32::try_from(orders).expect("fits")));
    let placed_all = Mutex::new(Vec::with_capacity(orders as usize));
    by_clients(orders, |n| {
        let Reply::Order(placed) = run(&ordain, order(n, "phone")) else { panic!("is an order") };
        placed_all.lock().expect("nobody panics with it").push(placed.key);
        if !stays(n) {
            let reason = text("changed my mind");
            run(
                &ordain,
                Command::CancelOrder(CancelOrder { order: text(&placed.key.to_string()), lines: None, reason }),
            );
        }
    });
    ordain.journal().snapshot_now().expect("folds");
    ordain.journal().close().expect("closes");
    drop(ordain);

    let (with_all, held_all) = restarted(dir.path());
    let ordain = open(dir.path());
    assert_eq!(ordain.engine().counts().0 as u64, orders);
    let started = Instant::now();
    ordain.engine().archive_after(0);
    ordain.engine().archive_now(ordain.journal());
    ordain.journal().durable_blocking(ordain.journal().last_seq(), ()).expect("the disk works");
    ordain.journal().snapshot_now().expect("folds");
    ordain.engine().archive_now(ordain.journal());
    let open = ordain.engine().counts().0 as u64;
    assert_eq!(open, orders.div_ceil(1_000), "only open orders are in memory");
    show("all left, segment and snapshot durable", started.elapsed().as_secs_f64(), "s", "");
    ordain.journal().close().expect("closes");
    drop(ordain);

    let (without, held) = restarted(dir.path());
    let ordain = self::open(dir.path());
    assert_eq!(ordain.engine().counts().0 as u64, open);
    show("memory with all of them, after a restart", mib(held_all), "MiB", "");
    show("memory with the open ones, after a restart", mib(held), "MiB", "");
    show("restart with all of them", with_all.as_secs_f64(), "s", "");
    show("restart with the open ones", without.as_secs_f64(), "s", "");
    look_up(&ordain, &placed_all.into_inner().expect("nobody panics with it"));
    ordain.journal().close().expect("closes");
    drop(ordain);

    // The same shop with the open ones alone, made afresh: what the archive costs a start.
    let few = tempfile::tempdir().expect("a temporary directory");
    let ordain = self::open(few.path());
    run(&ordain, node("east", -74.0));
    run(&ordain, item("phone"));
    run(&ordain, receive("phone", "east", i32::try_from(orders).expect("fits")));
    place(&ordain, open);
    ordain.journal().snapshot_now().expect("folds");
    ordain.journal().close().expect("closes");
    drop(ordain);
    let (alone, held_alone) = restarted(few.path());
    show("restart where there were never others", alone.as_secs_f64(), "s", "");
    show("memory where there were never others", mib(held_alone), "MiB", "");
}

/// Looks orders up by their numbers and by their ids in the channel's list, spread over all.
fn look_up(ordain: &Pipeline, orders: &[OrderKey]) {
    let asked = 20_000.min(orders.len());
    let mut times = Vec::with_capacity(asked);
    for n in 0..asked {
        let key = orders[n.wrapping_mul(7_368_787) % orders.len()];
        let started = Instant::now();
        let found = ordain.engine().order(&key.to_string());
        times.push(started.elapsed());
        assert_eq!(found.expect("whoever left is found").key, key);
    }
    times.sort_unstable();
    let us = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    show("looked up by number, p50", us(0.5), "us", "bar 1,000");
    show("looked up by number, p99", us(0.99), "us", "");
}
