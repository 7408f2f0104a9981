//! The engine at size: ten cells a sku, two thousand nodes, open orders and reservations, from ten thousand cells to ten
//! million. What a cell, an order and a reservation weigh in memory, what an operation costs, how long a restart takes, and
//! what a snapshot does to those who are served meanwhile.
//!
//! ```text
//! cargo bench --bench scale                       the ladder: 10 thousand, 100 thousand, 1 and 10 million cells
//! cargo bench --bench scale -- --cells 1000000    one rung; may be given several times
//! cargo bench --bench scale -- --size small       keeps it alive (what `cargo test --benches` runs)
//! ```
//! Every rung is made in a directory of its own and through the ordinary paths: nodes, items and stock as records of the
//! journal, orders and reservations as commands of the engine; the journal folds its own snapshots. It is then opened
//! by fresh processes, so that what is weighed is what a restarted server holds. All numbers are of one seed; the last line of
//! a rung is the sum of all that can be promised, the same on every machine.
//!
//! What is weighed: resident memory (`/proc/self/statm`), so allocator and page overhead are in. Not here: HTTP (`http`),
//! calls at the size of a shop (`engine`).

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ordain::domain::command::*;
use ordain::domain::event::{Event, ItemPut, NodePut, StockMoved};
use ordain::domain::geo::Position;
use ordain::domain::ids::{NodeIndex, SkuIndex, Text};
use ordain::domain::item::{Dimensions, Item, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::record::{Draft, Encoded, Log, RecordTooLarge, Stamp};
use ordain::domain::stock::{CellKey, LevelDelta, MovementKind};
use ordain::domain::time::Now;
use ordain::engine::AtpAsked;
use ordain::journal::{Journal, Options, Priority, Unrecovered};
use ordain::pipeline::Pipeline;
use ordain::views::Views;

/// Cells of one sku.
const PER_SKU: u64 = 10;
/// Units of a sku at each of its nodes.
const UNITS: u32 = 1_000_000;
/// Times each cost is measured, in time on the processor; the least counts.
const REPEATS: usize = 5;
/// Skus asked for in one call: a page of a shop.
const TOGETHER: usize = 100;
/// Clients while a snapshot is made.
const CLIENTS: u64 = 8;

/// One rung of the ladder.
#[derive(Clone, Copy)]
struct Rung {
    cells: u64,
    small: bool,
}

impl Rung {
    fn skus(self) -> u64 {
        (self.cells / PER_SKU).max(1)
    }

    fn nodes(self) -> u64 {
        if self.small { 20 } else { 2_000 }
    }

    fn orders(self) -> u64 {
        self.cells / 10
    }

    fn reservations(self) -> u64 {
        (self.cells / 20).min(200_000)
    }

    fn reads(self) -> u64 {
        if self.small { 1_000 } else { 1_000_000 }
    }

    fn writes(self) -> u64 {
        if self.small { 100 } else { 100_000 }
    }

    fn quotes(self) -> u64 {
        if self.small { 20 } else { 5_000 }
    }

    /// How long clients are watched before a snapshot is asked for.
    fn quiet(self) -> Duration {
        Duration::from_millis(if self.small { 200 } else { 5_000 })
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let small = args.iter().any(|arg| arg == "small") || !args.iter().any(|arg| arg == "--bench" || arg == "--stage");
    let cells: Vec<u64> =
        args.windows(2).filter(|pair| pair[0] == "--cells").map(|pair| pair[1].parse().expect("a number")).collect();
    if let (Some(stage), Some(dir)) = (after("--stage"), after("--dir")) {
        let rung = Rung { cells: cells[0], small };
        return match stage.as_str() {
            "make" => make(rung, Path::new(dir), after("--phase").expect("make has a phase")),
            "weigh" => weigh(Path::new(dir)),
            "restart" => restart(Path::new(dir)),
            "costs" => costs(rung, Path::new(dir)),
            "snapshot" => snapshot(rung, Path::new(dir)),
            other => panic!("there is no stage {other}"),
        };
    }
    let rungs = match (small, cells.is_empty()) {
        (true, _) => vec![1_000],
        (false, true) => vec![10_000, 100_000, 1_000_000, 10_000_000],
        (false, false) => cells,
    };
    let kept = after("--keep").map(PathBuf::from);
    for cells in rungs {
        climb(Rung { cells, small }, kept.as_deref());
    }
}

/// One rung: made phase by phase, weighed after each, then asked.
fn climb(rung: Rung, kept: Option<&Path>) {
    let (skus, nodes, orders) = (rung.skus(), rung.nodes(), rung.orders());
    println!("\n{} cells: {skus} skus x {PER_SKU}, {nodes} nodes, {orders} orders", rung.cells);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = kept.unwrap_or(temporary.path()).join(rung.cells.to_string());
    let before = std::fs::exists(&dir).expect("the file system answers");
    let mut last = 0;
    let mut weighed = Vec::new();
    for (phase, count) in
        [("items", skus), ("cells", rung.cells), ("orders", orders), ("reservations", rung.reservations())]
    {
        if before && phase != "reservations" {
            continue;
        }
        if !before {
            stage("make", phase, rung, &dir);
        }
        let bytes: u64 = stage("weigh", phase, rung, &dir).parse().expect("a weight");
        println!("  bytes per {phase:<38} {:>12.1}", bytes.saturating_sub(last) as f64 / count as f64);
        weighed.push(bytes);
        last = bytes;
    }
    if let [_, cells, ..] = weighed[..] {
        println!("  bytes per cell, items and all else included    {:>12.1}", cells as f64 / rung.cells as f64);
    }
    stage("restart", "", rung, &dir);
    stage("costs", "", rung, &dir);
    stage("snapshot", "", rung, &dir);
}

/// Runs a stage in a process of its own; shows what it prints and answers its last line.
fn stage(stage: &str, phase: &str, rung: Rung, dir: &Path) -> String {
    let mut process = Process::new(std::env::current_exe().expect("this program has a path"));
    process.args(["--stage", stage, "--phase", phase, "--cells", &rung.cells.to_string(), "--dir"]).arg(dir);
    if rung.small {
        process.arg("small");
    }
    let output = process.stderr(std::process::Stdio::inherit()).output().expect("this program starts again");
    assert!(output.status.success(), "stage {stage} {phase} failed");
    let text = String::from_utf8(output.stdout).expect("text");
    let (shown, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    if !shown.is_empty() {
        println!("{shown}");
    }
    if stage != "weigh" && !last.is_empty() {
        println!("{last}");
    }
    last.to_owned()
}

// ── making ──────────────────────────────────────────────────────────────────────────────────────────────────────────

fn text(s: &str) -> Text {
    s.into()
}

fn sku(n: u64) -> String {
    format!("sku-{n:07}")
}

/// SplitMix64, so that every run asks for the same.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// The nodes of a sku; index 0 is the supplier of what has no stock.
fn nodes_of(rung: Rung, sku: u64) -> impl Iterator<Item = u64> {
    let nodes = rung.nodes();
    (0..PER_SKU).map(move |k| 1 + (mix(sku) + k * (nodes / PER_SKU)) % nodes)
}

fn open(dir: &Path) -> Pipeline {
    let (journal, state) = Unrecovered::open(dir, Options::default()).expect("opens").recover().expect("is whole");
    Pipeline::start(journal, state, None)
}

fn make(rung: Rung, dir: &Path, phase: &str) {
    let started = Instant::now();
    let ordain = open(dir);
    match phase {
        "items" => {
            let nodes =
                (1..=rung.nodes()).map(|n| Event::NodePut(NodePut { index: NodeIndex(n as u32), node: node(n) }));
            let items = (0..rung.skus()).map(|n| Event::ItemPut(ItemPut { index: SkuIndex(n as u32), item: item(n) }));
            write(ordain.journal(), nodes.chain(items));
        }
        "cells" => {
            let cells = (0..rung.skus()).flat_map(|n| nodes_of(rung, n).map(move |node| received(n, node)));
            write(ordain.journal(), cells);
        }
        "orders" => by_clients(&ordain, rung.orders(), |n| Command::PlaceOrder(Box::new(order(rung, n)))),
        "reservations" => by_clients(&ordain, rung.reservations(), |n| {
            Command::Reserve(reserve(sku(mix(n ^ 0x5555) % rung.skus()), 86_400 * 30))
        }),
        other => panic!("there is no phase {other}"),
    }
    ordain.journal().snapshot_now().expect("folds");
    ordain.journal().close().expect("closes");
    println!("  made {phase:<43} {:>12.1} s", started.elapsed().as_secs_f64());
}

/// Appends events in large records, as an import would, behind the back of the engine: nobody asks it before the
/// directory is opened again.
fn write(journal: &Journal, events: impl Iterator<Item = Event>) {
    let mut in_flight = VecDeque::new();
    let mut events = events.peekable();
    while events.peek().is_some() {
        let seat = journal.seat(Priority::Normal).expect("few are in flight");
        let draft = Draft {
            decided_at: journal.now().journal,
            catalogue_seq: 1,
            actor: text("import"),
            source: text("library"),
            request_id: text(""),
            events: events.by_ref().take(400).collect(),
        };
        let stamp = journal.append(journal.encode(&draft).expect("400 events fit into a record"));
        in_flight.push_back((stamp.seq, seat));
        if in_flight.len() > 256 {
            let (seq, seat) = in_flight.pop_front().expect("just counted");
            journal.durable_blocking(seq, ()).expect("the disk works");
            drop(seat);
        }
    }
    journal.durable_blocking(journal.last_seq(), ()).expect("the disk works");
}

fn by_clients(ordain: &Pipeline, count: u64, command: impl Fn(u64) -> Command + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    ordain.submit_blocking(&Context::library(), command(n)).expect("there is enough of everything");
                }
            });
        }
    });
}

fn node(n: u64) -> Node {
    let at = |salt: u64, span: f64| (mix(n ^ salt) % 10_000) as f64 / 10_000.0 * span;
    Node {
        id: text(&format!("node-{n:04}")),
        kind: NodeKind::Warehouse,
        name: text(&format!("Node {n}")),
        position: Position::from_degrees(25.0 + at(1, 24.0), -124.0 + at(2, 57.0)).expect("on the globe"),
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
    }
}

fn item(n: u64) -> Item {
    Item {
        sku: text(&sku(n)),
        name: text(&format!("Item number {n}")),
        kind: ItemKind::Product,
        weight_g: 400,
        dimensions: Dimensions { length: 200, width: 100, height: 50 },
        value: None,
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    }
}

fn received(sku: u64, node: u64) -> Event {
    let cell = CellKey { sku: SkuIndex(sku as u32), node: NodeIndex(node as u32) };
    let delta = LevelDelta { on_hand: UNITS as i32, available: UNITS as i32, ..LevelDelta::default() };
    Event::StockMoved(StockMoved { cell, kind: MovementKind::Received, delta })
}

fn order(rung: Rung, n: u64) -> PlaceOrder {
    let lines = 1 + mix(n) % 3;
    let line = |k: u64| PlaceLine {
        id: text(&k.to_string()),
        sku: text(&sku((mix(n) + k * 7_919) % rung.skus())),
        quantity: Quantity::new(1 + (mix(n + k) % 2) as u32).expect("not zero"),
        unit_price: 1_999,
        group: 0,
    };
    PlaceOrder {
        id: None,
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: text("web"),
        channel_order_id: text(&format!("W{n:09}")),
        customer: text(&format!("customer-{:07}", mix(n) % 1_000_000)),
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
        lines: (0..lines).map(line).collect(),
        delivery_method: text("ship"),
        reservation: None,
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: Some(1_999),
        holds: Vec::new(),
        wishes: Wishes::default(),
    }
}

fn reserve(sku: String, ttl_s: u64) -> Reserve {
    let line = ReserveLine { sku: text(&sku), quantity: Quantity::new(1).expect("one"), node: None };
    Reserve {
        id: None,
        fingerprint: 0,
        owner: text("cart"),
        ttl_s,
        lines: vec![line],
        partial: false,
        channel: None,
        customer: None,
    }
}

// ── weighing ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number of pages") * 4_096
}

/// The most this process ever had resident, bytes.
fn resident_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes") * 1_024
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What a restarted process holds without its views.
fn weigh(dir: &Path) {
    let before = resident();
    let ordain = open(dir);
    println!("{}", resident().saturating_sub(before));
    ordain.journal().close().expect("closes");
}

/// How long a start takes as the program starts, views and all.
fn restart(dir: &Path) {
    let before = resident();
    let started = Instant::now();
    let (journal, state) = Unrecovered::open(dir, Options::default()).expect("opens").recover().expect("is whole");
    let recovered = started.elapsed();
    let (ordain, views) = Pipeline::start_beside(journal, state, None, |state| Views::of(state, None));
    let all = started.elapsed();
    println!("  restart, journal and state                     {:>12.2} s", recovered.as_secs_f64());
    println!("  restart, engine and views                      {:>12.2} s", (all - recovered).as_secs_f64());
    println!("  restart, all                                   {:>12.2} s", all.as_secs_f64());
    println!("  memory held, engine and views                  {:>12.0} MiB", mib(resident().saturating_sub(before)));
    println!("  memory at most while restarting                {:>12.0} MiB", mib(resident_max()));
    assert_eq!(views.orders().len(), ordain.engine().counts().0, "the view knows every order");
    ordain.journal().close().expect("closes");
}

// ── costs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A log that gives records their place and forgets them: what the engine costs without the journal.
struct Volatile<'a> {
    journal: &'a Journal,
    seq: AtomicU64,
}

impl Log for Volatile<'_> {
    fn now(&self) -> Now {
        self.journal.now()
    }

    fn encode(&self, draft: &Draft) -> Result<Encoded, RecordTooLarge> {
        self.journal.encode(draft)
    }

    fn append(&self, record: Encoded) -> Stamp {
        drop(record);
        let now = self.now();
        Stamp { seq: self.seq.fetch_add(1, Ordering::AcqRel) + 1, time: now.journal, wall: now.wall }
    }
}

/// Skus by Zipf(1.0): ranks drawn by the inverse of the harmonic sums, popular ones spread over the catalogue.
fn zipf(rung: Rung, count: u64) -> Vec<u64> {
    let mut sums = Vec::with_capacity(rung.skus() as usize);
    let mut sum = 0.0;
    for rank in 1..=rung.skus() {
        sum += 1.0 / rank as f64;
        sums.push(sum);
    }
    let drawn = (0..count).map(|n| (mix(n) >> 11) as f64 / (1u64 << 53) as f64 * sum);
    let ranks = drawn.map(|at| sums.partition_point(|sum| *sum < at) as u64);
    ranks.map(|rank| rank.min(rung.skus() - 1) * 7_368_787 % rung.skus()).collect()
}

fn uniform(rung: Rung, count: u64) -> Vec<u64> {
    (0..count).map(|n| mix(n ^ 0xABCD) % rung.skus()).collect()
}

/// Names one after the other, as requests bring them: reading them is no part of what is measured.
fn names(skus: &[u64]) -> String {
    skus.iter().map(|n| sku(*n)).collect()
}

/// Time this thread has run, nanoseconds: a neighbour on the machine does not count.
fn on_cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).expect("the kernel counts it")
}

fn report(name: &str, count: u64, mut work: impl FnMut(u64) -> u64) {
    let mut times = Vec::new();
    let mut result = 0;
    for repeat in 0..REPEATS as u64 {
        let started = on_cpu_ns();
        result = work(repeat);
        times.push((on_cpu_ns() - started) as f64 / count as f64);
    }
    times.sort_unstable_by(f64::total_cmp);
    println!("  {name:<46} {:>12.1} ns, median {:.1}  {result:016x}", times[0], times[REPEATS / 2]);
}

fn costs(rung: Rung, dir: &Path) {
    let ordain = open(dir);
    let engine = ordain.engine();
    let now = ordain.journal().now();
    let width = sku(0).len();
    let mut total = 0u64;
    for n in 0..rung.skus() {
        total += engine.atp(now.journal, &sku(n), None).expect("known").available;
    }
    for (name, skus) in [("Zipf(1.0)", zipf(rung, rung.reads())), ("uniform", uniform(rung, rung.reads()))] {
        let names = names(&skus);
        report(&format!("atp in process, {name}"), rung.reads(), |_| {
            let asked = (0..skus.len()).map(|at| &names[at * width..(at + 1) * width]);
            asked.fold(0, |sum, sku| sum ^ engine.atp(now.journal, sku, None).expect("known").available)
        });
        report(&format!("atp in process, {name}, {TOGETHER} together"), rung.reads(), |_| {
            let asked: Vec<&str> = (0..skus.len()).map(|at| &names[at * width..(at + 1) * width]).collect();
            asked.chunks(TOGETHER).fold(0, |sum, skus| {
                let answers = engine.atp_of_many(now.journal, skus.iter().copied(), AtpAsked::default());
                let answers = answers.expect("no node is named").into_iter();
                answers.fold(sum, |sum, atp| sum ^ atp.expect("known").available)
            })
        });
    }
    for (name, skus) in [("Zipf(1.0)", zipf(rung, rung.quotes() * 3)), ("uniform", uniform(rung, rung.quotes() * 3))] {
        let orders: Vec<PlaceOrder> = skus.chunks(3).zip(0..).map(|(skus, n)| quoted(rung, skus, n)).collect();
        report(&format!("quote, 3 lines, {name}"), rung.quotes(), |_| {
            orders.iter().fold(0, |sum, order| {
                let decision = engine.quote(now, order).expect("good");
                sum ^ mix(decision.cost.amount as u64)
            })
        });
    }
    let log = Volatile { journal: ordain.journal(), seq: AtomicU64::new(engine.position()) };
    for (name, skus) in [("Zipf(1.0)", zipf(rung, rung.writes())), ("uniform", uniform(rung, rung.writes()))] {
        let context = Context::library();
        report(&format!("reserve in process, volatile, {name}"), rung.writes(), |_| {
            skus.iter().fold(0, |done, at| {
                engine.execute(&log, &context, Command::Reserve(reserve(sku(*at), 3_600))).expect("enough");
                done + 1
            })
        });
    }
    // What the volatile log took was never written: the directory is left as it was.
    ordain.journal().close().expect("closes");
    println!("  all that can be promised                       {total:>12} units");
}

fn quoted(rung: Rung, skus: &[u64], n: u64) -> PlaceOrder {
    let mut order = order(rung, n);
    let line = |(k, at): (u64, &u64)| PlaceLine {
        id: text(&k.to_string()),
        sku: text(&sku(*at)),
        quantity: Quantity::new(1).expect("one"),
        unit_price: 100,
        group: 0,
    };
    order.lines = (0..).zip(skus).map(line).collect();
    order
}

// ── a snapshot while serving ────────────────────────────────────────────────────────────────────────────────────────

fn snapshot(rung: Rung, dir: &Path) {
    let ordain = open(dir);
    let (stop, during) = (AtomicBool::new(false), AtomicBool::new(false));
    let most = AtomicU64::new(0);
    let (mut calm, mut busy): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (ordain, stop, during) = (&ordain, &stop, &during);
                scope.spawn(move || reserve_until(rung, ordain, client, stop, during))
            })
            .collect();
        let watch = scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                most.fetch_max(resident(), Ordering::AcqRel);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        std::thread::sleep(rung.quiet());
        let before = most.swap(0, Ordering::AcqRel);
        during.store(true, Ordering::Release);
        let started = Instant::now();
        let made = ordain.journal().snapshot_now().expect("folds").expect("something is new");
        let took = started.elapsed();
        during.store(false, Ordering::Release);
        stop.store(true, Ordering::Release);
        watch.join().expect("watches");
        let (before, most) = (mib(before), mib(most.load(Ordering::Acquire)));
        let (entities, size) = (made.count, mib(made.bytes));
        told.push(format!("snapshot: {entities} entities, {size:.0} MiB, {:.2} s", took.as_secs_f64()));
        told.push(format!(
            "memory: {before:.0} MiB before, {most:.0} MiB at most, + {:.1} %",
            (most / before - 1.0) * 100.0
        ));
        for client in clients {
            let (before, meanwhile) = client.join().expect("a client");
            calm.extend(before);
            busy.extend(meanwhile);
        }
    });
    calm.sort_unstable();
    busy.sort_unstable();
    let at = |times: &[u64], share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0);
    for (name, times) in [("before", &calm), ("during", &busy)] {
        told.push(format!(
            "reservations {name}: {} done, p50 {} us, p99 {} us",
            times.len(),
            at(times, 0.5) / 1_000,
            at(times, 0.99) / 1_000
        ));
    }
    told.push(format!("p99 during / before: {:.2}", at(&busy, 0.99) as f64 / at(&calm, 0.99).max(1) as f64));
    println!("  {}", told.join("\n  "));
    ordain.journal().close().expect("closes");
}

/// One client that reserves and waits for the disk; nanoseconds of each call, outside and inside the snapshot.
fn reserve_until(
    rung: Rung,
    ordain: &Pipeline,
    client: u64,
    stop: &AtomicBool,
    during: &AtomicBool,
) -> (Vec<u64>, Vec<u64>) {
    let (mut calm, mut busy) = (Vec::new(), Vec::new());
    for n in 0.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let command = Command::Reserve(reserve(sku(mix(client << 40 | n) % rung.skus()), 3_600));
        let inside = during.load(Ordering::Acquire);
        let started = Instant::now();
        ordain.submit_blocking(&Context::library(), command).expect("enough");
        let took = started.elapsed().as_nanos() as u64;
        if inside { busy.push(took) } else { calm.push(took) }
    }
    (calm, busy)
}
