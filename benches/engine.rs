//! The engine in process, on the default store: what a call costs without HTTP.
//!
//! `cargo bench --bench engine` measures; `-- --size small` (what `cargo test --benches` would run) only keeps it alive.
//! Each line: operations, median nanoseconds per operation over repeats, and a hash of the result, the same on every
//! machine for the same size.
//!
//! The second table is about reservations by the thousand: generated ids, batches submitted by so many threads that keep
//! eight batches each on their way. CPU is that of the whole process, user and system, the journal's writer and its upkeep
//! included, after a snapshot of what the stock was set up with; bytes are those of the frames. `volatile` is the engine alone, over a log that keeps nothing. What to ask for
//! is prepared ahead. Its result counts what was made.

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod places;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::StreamExt;
use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::record::{Draft, Encoded, Log, RecordTooLarge, Stamp};
use ordain::domain::state::State;
use ordain::domain::stock::MovementKind;
use ordain::domain::time::{JournalTime, Now, WallTime};
use ordain::engine::Engine;
use ordain::journal::{Options, Unrecovered};
use ordain::pipeline::Pipeline;

use self::places::warehouse;

const REPEATS: usize = 5;
const NODES: u32 = 10;

/// Batches of one thread that are on their way at the same time.
const BATCHES_IN_FLIGHT: usize = 8;
/// Prepared batches of one thread, asked for again and again.
const BATCHES: u64 = 64;

struct Size {
    skus: u32,
    many_skus: u32,
    many: u64,
    reads: u64,
    quotes: u64,
    writes: u64,
}

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let size = if small {
        Size { skus: 50, many_skus: 200, many: 4_000, reads: 2_000, quotes: 200, writes: 200 }
    } else {
        Size { skus: 2_000, many_skus: 100_000, many: 2_000_000, reads: 1_000_000, quotes: 50_000, writes: 40_000 }
    };
    if !std::env::args().any(|arg| arg == "many") {
        one_by_one(&size);
    }
    by_the_thousand(&size);
}

fn open(dir: &tempfile::TempDir) -> Pipeline {
    let (journal, state) = Unrecovered::open(dir.path(), Options::default()).expect("opens").recover().expect("new");
    Pipeline::start(journal, state, None)
}

fn one_by_one(size: &Size) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ordain = open(&dir);
    stock(size.skus, |command| drop(ordain.submit_blocking(&Context::library(), command).expect("set up")));
    println!("{:<44} {:>10} {:>12}  result", "operation", "count", "ns/op p50");
    report("atp of one sku over 10 nodes", size.reads, || atp(&ordain, size));
    report("quote of an order, 3 lines, 10 nodes", size.quotes, || quotes(&ordain, size));
    report("durable reservation, 64 threads, spread skus", size.writes, || reservations(&ordain, size, false));
    report("durable reservation, 64 threads, one sku", size.writes, || reservations(&ordain, size, true));
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

fn stock(skus: u32, run: impl Fn(Command) + Sync) {
    let run = &run;
    for n in 0..NODES {
        let position = Position::from_degrees(30.0 + f64::from(n), -80.0 - f64::from(n * 3)).expect("on the globe");
        run(Command::PutNode(Box::new(warehouse(&format!("node-{n}"), position))));
    }
    let chunk = u64::from(skus).div_ceil(32).max(1);
    std::thread::scope(|scope| {
        for first in (0..u64::from(skus)).step_by(chunk as usize) {
            scope.spawn(move || {
                for n in first..(first + chunk).min(u64::from(skus)) {
                    run(Command::PutItem(Box::new(PutItem {
                        sku: sku(n),
                        name: text("item"),
                        kind: ItemKind::Product,
                        weight_g: 400,
                        dimensions: Dimensions::default(),
                        value: None,
                        components: vec![],
                        release_at: None,
                        tracking: None,
                        packing: Default::default(),
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
                parts: None,
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
            holds: Vec::new(),
            wishes: Wishes::default(),
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

/// A log that keeps nothing: the engine alone.
struct Nowhere {
    started: Instant,
    seq: AtomicU64,
}

impl Log for Nowhere {
    fn now(&self) -> Now {
        let ms = 1_800_000_000_000 + self.started.elapsed().as_millis() as i64;
        Now { journal: JournalTime(ms), wall: WallTime(ms) }
    }

    fn encode(&self, _: &Draft) -> Result<Encoded, RecordTooLarge> {
        Ok(Encoded(Vec::new()))
    }

    fn append(&self, _: Encoded) -> Stamp {
        let now = self.now();
        Stamp { seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1, time: now.journal, wall: now.wall }
    }
}

/// One sku, or all of them at random, so many at a time, by so many threads.
#[derive(Clone, Copy)]
struct Load {
    hot: bool,
    batch: u64,
    threads: u64,
}

fn by_the_thousand(size: &Size) {
    println!();
    println!(
        "{:<50} {:>9} {:>11} {:>9} {:>9} {:>9} {:>8}  made",
        "reservations in batches", "count", "per second", "user ns", "sys ns", "bytes", "records"
    );
    let nowhere = Nowhere { started: Instant::now(), seq: AtomicU64::new(0) };
    let engine = Engine::start(State::default(), &nowhere, None);
    stock(size.many_skus, |command| drop(engine.execute(&nowhere, &Context::library(), command).expect("set up")));
    for hot in [true, false] {
        let load = Load { hot, batch: 1_000, threads: 1 };
        let made = |wanted: &[ReserveOne]| made(&engine.reserve_many(&nowhere, &Context::library(), wanted));
        measure(size, load, "volatile", || (0, 0), |wanted, batches| (0..batches).map(|n| made(&wanted[n])).sum());
    }
    for (hot, batch, threads) in
        [(true, 1_000, 1), (true, 1_000, 2), (true, 64, 2), (false, 1_000, 1), (false, 1_000, 2), (false, 64, 2)]
    {
        // A new directory each, so that none pays for what the one before left to do.
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ordain = open(&dir);
        let skus = if hot { 1 } else { size.many_skus };
        stock(skus, |command| drop(ordain.submit_blocking(&Context::library(), command).expect("set up")));
        ordain.journal().snapshot_now().expect("a snapshot");
        let counted = || {
            let counted = ordain.journal().counted();
            (counted.bytes, counted.records)
        };
        measure(size, Load { hot, batch, threads }, "durable", counted, |wanted, batches| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let context = Context::library();
            let submit = |n: usize| ordain.reserve_many(&context, &wanted[n]);
            let answers = futures_util::stream::iter(0..batches).map(submit).buffered(BATCHES_IN_FLIGHT);
            let made = answers.map(|answers| made(answers.expect("a seat and a disk").as_ref()));
            runtime.block_on(made.fold(0, |sum, made| async move { sum + made }))
        });
    }
}

fn made<T, E>(answers: &[Result<T, E>]) -> u64 {
    answers.iter().filter(|answer| answer.is_ok()).count() as u64
}

/// Batches one thread asks for, by number.
struct Prepared(Vec<Vec<ReserveOne>>);

impl std::ops::Index<usize> for Prepared {
    type Output = [ReserveOne];

    fn index(&self, n: usize) -> &[ReserveOne] {
        &self.0[n % self.0.len()]
    }
}

fn prepared(names: &[Text], load: Load, thread: u64) -> Prepared {
    let one = |n: u64| {
        let sku = if load.hot { &names[0] } else { &names[(mix(n) % names.len() as u64) as usize] };
        // As they come from outside: every name in memory of its own, every owner another one.
        let line = ReserveLine { sku: text(sku), quantity: Quantity::new(1).expect("one"), node: None };
        let owner = text(&format!("cart-{n}"));
        let (id, channel, customer) = (None, None, None);
        let reserve =
            Reserve { id, fingerprint: 0, owner, ttl_s: 3_600, lines: vec![line], partial: false, channel, customer };
        ReserveOne { key: None, reserve }
    };
    let batches = if load.hot { 1 } else { BATCHES };
    let first = |batch: u64| (thread * BATCHES + batch) * load.batch;
    Prepared((0..batches).map(|batch| (first(batch)..first(batch) + load.batch).map(one).collect()).collect())
}

fn measure(
    size: &Size,
    load: Load,
    kind: &str,
    counted: impl Fn() -> (u64, u64),
    run: impl Fn(&Prepared, usize) -> u64 + Sync,
) {
    let names: Vec<Text> = (0..u64::from(size.many_skus)).map(sku).collect();
    let wanted: Vec<Prepared> = (0..load.threads).map(|thread| prepared(&names, load, thread)).collect();
    let batches = (size.many / load.batch / load.threads).max(1);
    let before = counted();
    let ((user, system), started) = (cpu_ms(), Instant::now());
    let made: u64 = std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = wanted.iter().map(|wanted| scope.spawn(move || run(wanted, batches as usize))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).sum()
    });
    let (took, (user_after, system_after), after) = (started.elapsed(), cpu_ms(), counted());
    let each = |before: u64, after: u64| (after - before) * 1_000_000 / made.max(1);
    let place = if load.hot { "one sku".to_owned() } else { format!("{} skus", size.many_skus) };
    let name = format!("{kind}, {place}, batches of {}, threads {}", load.batch, load.threads);
    println!(
        "{name:<50} {made:>9} {:>11.0} {:>9} {:>9} {:>9.1} {:>8}  {:016x}",
        made as f64 / took.as_secs_f64(),
        each(user, user_after),
        each(system, system_after),
        (after.0 - before.0) as f64 / made.max(1) as f64,
        after.1 - before.1,
        mix(made),
    );
}

/// User and system time of this process so far, in milliseconds, to a hundredth of a second.
fn cpu_ms() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| after_name.split_whitespace().nth(at).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) * 10, ticks(12) * 10)
}
