//! A guard against regressions that does not depend on the machine's mood: instructions per operation, in process.
//!
//! `tools/bench --instructions` counts and compares with `benches/instructions.tsv`; more than [`TOLERANCE`] away from it,
//! either way, fails the run, and `--bless` writes what was counted. Without `--bench` (what `cargo test --benches` runs)
//! it only keeps the operations alive.
//!
//! Each operation runs in a process of its own under `perf stat -e instructions:u`, or under valgrind where the processor's
//! counters cannot be reached, as in most virtual machines; twice, for a few and for three times as many operations, so that
//! the difference holds the operations alone. All threads of the process are counted. The two ways of counting are not
//! compared with each other: valgrind's processor knows fewer vector instructions. Where neither works, the run says so and
//! fails.
//!
//! What is *not* here: time. An instruction that waits for memory counts as much as one that does not.

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod places;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use ordain::domain::command::{
    Adjustment, Command as Change, Context, PlaceLine, PlaceOrder, PutItem, Reserve, ReserveLine, ShipTo, Wishes,
};
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::Node;
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::record::Log;
use ordain::domain::stock::MovementKind;
use ordain::journal::{Options, StoreKind, Unrecovered};
use ordain::pipeline::Pipeline;

use self::places::warehouse;

/// How far a count may be from its baseline, in parts of it.
const TOLERANCE: f64 = 0.10;
/// The second process of an operation runs it that many times as often as the first.
const TIMES: u64 = 3;
/// Runs of each, of which the least counts: what threads do while they wait only ever adds.
const RUNS: usize = 3;
const SKUS: u64 = 10;
const NODES: u32 = 10;

type Work = fn(&Pipeline, u64);

/// Name, how often in the first process, and what it does.
const OPERATIONS: [(&str, u64, Work); 3] =
    [("atp", 100_000, atp), ("quote", 2_000, quotes), ("reserve", 500, reservations)];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    if let (Some(name), Some(count)) = (after("--run"), after("--count")) {
        return run(name, count);
    }
    if !args.iter().any(|arg| arg == "--bench") {
        OPERATIONS.iter().for_each(|(name, _, work)| with_stock(name, |ordain| work(ordain, 10)));
        return ExitCode::SUCCESS;
    }
    let baseline = PathBuf::from(after("--baseline").map_or("benches/instructions.tsv", String::as_str));
    match compare(&baseline, args.iter().any(|arg| arg == "--bless")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("instructions: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, count: &str) -> ExitCode {
    let operation = OPERATIONS.iter().find(|(known, ..)| known == &name);
    let (Some((_, _, work)), Ok(count)) = (operation, count.parse()) else { return ExitCode::FAILURE };
    with_stock(name, |ordain| work(ordain, count));
    ExitCode::SUCCESS
}

/// Counts all operations, prints them beside their baseline; whether all are near it.
fn compare(baseline: &Path, bless: bool) -> Result<bool, String> {
    let counter = Counter::find()?;
    let known = std::fs::read_to_string(baseline).unwrap_or_default();
    let mut rows: Vec<(String, String, u64)> = known.lines().skip(1).filter_map(row).collect();
    println!(
        "{:<24} {:>14} {:>14} {:>9}  counted by {}",
        "operation",
        "instructions",
        "baseline",
        "change",
        counter.name()
    );
    let mut near = true;
    for (name, count, _) in OPERATIONS {
        let few = counter.count(name, count)?;
        let many = counter.count(name, count * TIMES)?;
        let each = many.saturating_sub(few) / (count * (TIMES - 1));
        let before = rows.iter_mut().find(|(by, known, _)| by == counter.name() && known == name);
        match before {
            Some((_, _, before)) => {
                let change = each as f64 / *before as f64 - 1.0;
                let far = change.abs() > TOLERANCE;
                near &= !far;
                let remark = if far { "  FAR FROM THE BASELINE" } else { "" };
                println!("{name:<24} {each:>14} {before:>14} {:>+8.1}%{remark}", change * 100.0);
                *before = each;
            }
            None => {
                println!("{name:<24} {each:>14} {:>14}", "none");
                near = false;
                rows.push((counter.name().into(), name.into(), each));
            }
        }
    }
    if bless {
        rows.sort();
        let lines: String = rows.iter().map(|(by, name, each)| format!("{by}\t{name}\t{each}\n")).collect();
        let text = format!("counter\toperation\tinstructions\n{lines}");
        std::fs::write(baseline, text).map_err(|fault| format!("{}: {fault}", baseline.display()))?;
        println!("written to {}", baseline.display());
    }
    Ok(near || bless)
}

fn row(line: &str) -> Option<(String, String, u64)> {
    let mut fields = line.split('\t');
    Some((fields.next()?.into(), fields.next()?.into(), fields.next()?.parse().ok()?))
}

/// What counts instructions here.
#[derive(Clone, Copy, Debug)]
enum Counter {
    Perf,
    Valgrind,
}

impl Counter {
    fn find() -> Result<Self, String> {
        let works = |counter: &Self| counter.of(&mut counter.under(Path::new("true"))).is_ok();
        let found = [Self::Perf, Self::Valgrind].into_iter().find(works);
        found.ok_or_else(|| {
            "nothing was counted: perf cannot reach the processor's counters here, and valgrind is not installed".into()
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf",
            Self::Valgrind => "valgrind",
        }
    }

    fn under(self, program: &Path) -> Command {
        let words: &[&str] = match self {
            Self::Perf => &["perf", "stat", "-x", ",", "-e", "instructions:u"],
            Self::Valgrind => &["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"],
        };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program);
        command
    }

    fn count(self, name: &str, count: u64) -> Result<u64, String> {
        let program = std::env::current_exe().map_err(|fault| format!("this program: {fault}"))?;
        let run = || self.of(self.under(&program).args(["--run", name, "--count", &count.to_string()]));
        let runs: Vec<u64> = (0..RUNS).map(|_| run()).collect::<Result<_, _>>()?;
        runs.into_iter().min().ok_or_else(|| "no runs".into())
    }

    fn of(self, command: &mut Command) -> Result<u64, String> {
        let output = command.output().map_err(|fault| format!("{command:?}: {fault}"))?;
        let told = String::from_utf8_lossy(&output.stderr);
        let number = match self {
            Self::Perf => {
                told.lines().rfind(|line| line.contains("instructions")).and_then(|line| line.split(',').next())
            }
            Self::Valgrind => told.lines().rfind(|line| line.contains("I ")).and_then(|line| line.rsplit(' ').next()),
        };
        let number = number.and_then(|number| number.replace(',', "").parse().ok());
        match number {
            Some(number) if output.status.success() => Ok(number),
            _ => Err(format!("{command:?}: {}: {told}", output.status)),
        }
    }
}

/// A new directory on a plain log, with stock, for one operation.
fn with_stock(name: &str, work: impl FnOnce(&Pipeline)) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    // Not sled: how long its threads spin at the start is another number every time, and its code is not ours.
    let options = Options { store: StoreKind::Plain, ..Options::default() };
    let (journal, state) = Unrecovered::open(dir.path(), options).expect("opens").recover().expect("new");
    let ordain = Pipeline::start(journal, state, None);
    let change = |change| drop(ordain.submit_blocking(&Context::library(), change).expect("set up"));
    (0..NODES).for_each(|n| change(Change::PutNode(Box::new(node(n)))));
    for n in 0..SKUS {
        change(Change::PutItem(Box::new(PutItem {
            sku: sku(n),
            name: "item".into(),
            kind: ItemKind::Product,
            weight_g: 400,
            dimensions: Dimensions::default(),
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        })));
        let received =
            |k: u32| Adjustment { sku: sku(n), node: node_id(k), delta: 50_000_000, reason: MovementKind::Received };
        change(Change::AdjustStock((0..NODES).map(received).collect()));
    }
    work(&ordain);
    ordain.journal().close().unwrap_or_else(|fault| panic!("{name}: {fault}"));
}

fn sku(n: u64) -> Text {
    format!("sku-{n:06}").as_str().into()
}

fn node_id(n: u32) -> Text {
    format!("node-{n}").as_str().into()
}

fn node(n: u32) -> Node {
    let position = Position::from_degrees(30.0 + f64::from(n), -80.0 - f64::from(n * 3)).expect("on the globe");
    warehouse(&node_id(n), position)
}

fn atp(ordain: &Pipeline, count: u64) {
    let now = ordain.journal().now().journal;
    let names: Vec<Text> = (0..SKUS).map(sku).collect();
    for (_, name) in (0..count).zip(names.iter().cycle()) {
        assert!(ordain.engine().atp(now, name, None).expect("known").available > 0, "there is enough");
    }
}

fn quotes(ordain: &Pipeline, count: u64) {
    let now = ordain.journal().now();
    for n in 0..count {
        ordain.engine().quote(now, &order(n)).expect("good");
    }
}

fn order(n: u64) -> PlaceOrder {
    let line = |k: u64| PlaceLine {
        id: k.to_string().as_str().into(),
        sku: sku((n + k) % SKUS),
        quantity: Quantity::new(1).expect("one"),
        unit_price: 100,
        group: 0,
    };
    PlaceOrder {
        id: None,
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: "web".into(),
        channel_order_id: "quote".into(),
        customer: "customer-1".into(),
        personal: Sealed::default(),
        currency: Currency::USD,
        destinations: vec![ShipTo {
            group: "".into(),
            country: "US".into(),
            postal_code: "10001".into(),
            parts: None,
            position: Position::from_degrees(40.0, -75.0),
            personal: Sealed::default(),
        }],
        lines: (0..3).map(line).collect(),
        delivery_method: "ship".into(),
        reservation: None,
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: None,
        holds: Vec::new(),
        wishes: Wishes::default(),
    }
}

/// One at a time, each durable before the next.
fn reservations(ordain: &Pipeline, count: u64) {
    for n in 0..count {
        let line = ReserveLine { sku: sku(n % SKUS), quantity: Quantity::new(1).expect("one"), node: None };
        let reserve = Reserve {
            id: None,
            fingerprint: 0,
            owner: "cart".into(),
            ttl_s: 3_600,
            lines: vec![line],
            partial: false,
            channel: None,
            customer: None,
        };
        ordain.submit_blocking(&Context::library(), Change::Reserve(reserve)).expect("enough");
    }
}
