//! What-if over a whole journal: how long it takes to decide a hundred thousand orders over two hundred nodes again.
//!
//! `cargo bench --bench replay` measures; `-- --size small` (what `cargo test --benches` runs) only keeps it alive. Seeds are
//! fixed; every line ends in a hash of the comparison, the same on every machine for the same size.
//!
//! A data directory is made: nodes in a field of 4,500 by 2,500 km, 2,000 articles, each kept by three nodes in ten with 1 to
//! 400 units, orders of one to three articles and one to three units of each, one in twenty cancelled, a receipt now and
//! then. *By weight and way* they are sourced by `default`; *by carriers* by rules that weigh three services, handling, days
//! and splits. Then it is replayed as `ordain replay` does it: the log copied, opened, every checksum and law checked, the
//! state folded, every decision made again. Inside the timing is all of that. Where nothing is supposed every decision must be
//! the same, or the bench fails.

use std::path::Path;
use std::time::Instant;

use ordain::api::carrier::CarrierPut;
use ordain::api::json::Json;
use ordain::api::reading;
use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::node::{Handling, Node, NodeKind};
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::reply::Reply;
use ordain::domain::rules::{RuleTerms, Term};
use ordain::domain::stock::MovementKind;
use ordain::engine::Executed;
use ordain::engine::whatif::Suppose;
use ordain::journal::{Look, Options, StoreKind, Unrecovered, Workers};
use ordain::pipeline::Pipeline;
use ordain::replay::{Directory, replay};

/// Commands after which the journal writes.
const WRITTEN_TOGETHER: u64 = 64;
const CARRIER: &str = r#"{"services":[
    {"service":"ground","transit_days":[1,2,3,4,5],"zones":{"by":"distance_km","upto":[300,800,1600,2600]},
     "rates":{"unit":"kg","base":[700,760,830,910,990],"step":[40,52,66,80,95]},"max_weight_g":30000},
    {"service":"express","transit_days":[1,1,2,2,2],"zones":{"by":"distance_km","upto":[300,800,1600,2600]},
     "rates":{"unit":"kg","base":[1500,1700,2100,2500,2900],"step":[90,120,160,200,240]},"max_weight_g":30000},
    {"service":"economy","transit_days":[3,5,6,8,9],"zones":{"by":"distance_km","upto":[300,800,1600,2600]},
     "rates":{"unit":"kg","base":[560,610,660,710,760],"step":[30,38,46,55,65]},"max_weight_g":30000}]}"#;

struct Size {
    nodes: u64,
    items: u64,
    orders: u64,
}

const LARGE: Size = Size { nodes: 200, items: 2_000, orders: 100_000 };
const SMALL: Size = Size { nodes: 20, items: 40, orders: 300 };

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let size = if small { SMALL } else { LARGE };
    println!(
        "{:<18} {:>7} {:>6} {:>9} {:>10} {:>9} {:>11}  result",
        "replay", "orders", "nodes", "records", "made s", "replay s", "orders/s"
    );
    for (name, by_carriers) in [("by weight and way", false), ("by carriers", true)] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (data, scratch) = (folder.path().join("data"), folder.path().join("scratch"));
        let began = Instant::now();
        make(&data, &size, by_carriers);
        let made = began.elapsed();
        let began = Instant::now();
        let look = Look { root: &data, scratch: &scratch, verifier: None };
        let replayed = replay(&mut Directory::at(look), &Suppose::default(), None, &mut |_| true).expect("it replays");
        let took = began.elapsed();
        let comparison = replayed.comparison;
        assert_eq!(comparison.orders, size.orders, "every order is there");
        assert_eq!(
            (comparison.same, comparison.followed),
            (comparison.decided, 0),
            "nothing supposed, nothing changed"
        );
        assert_eq!(comparison.before, comparison.after);
        let figures = [comparison.after.shipments, comparison.after.metres, comparison.after.cost.unsigned_abs()];
        let result = figures.into_iter().fold(0, |hash, figure| mix(hash ^ figure));
        println!(
            "{name:<18} {:>7} {:>6} {:>9} {:>10.1} {:>9.1} {:>11.0}  {result:016x}",
            comparison.orders,
            size.nodes,
            comparison.records,
            made.as_secs_f64(),
            took.as_secs_f64(),
            comparison.orders as f64 / took.as_secs_f64()
        );
    }
}

/// Draws numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % sides
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

struct Shop {
    pipeline: Pipeline,
    commands: u64,
}

impl Shop {
    fn run(&mut self, command: Command) -> Reply {
        let (engine, journal) = (self.pipeline.engine(), self.pipeline.journal());
        let executed = engine.execute(journal, &Context::library(), command).expect("a good command");
        self.commands += 1;
        if self.commands.is_multiple_of(WRITTEN_TOGETHER) {
            journal.durable_blocking(journal.last_seq(), ()).expect("the disk works");
            journal.upkeep();
        }
        match executed {
            Executed::Done(outcome) => outcome.reply,
            other => panic!("a repeat: {other:?}"),
        }
    }
}

fn make(data: &Path, size: &Size, by_carriers: bool) {
    let options = Options { store: StoreKind::Plain, workers: Workers::Caller, ..Options::default() };
    let (journal, state) = Unrecovered::open(data, options).expect("opens").recover().expect("new");
    let mut shop = Shop { pipeline: Pipeline::start(journal, state, None), commands: 0 };
    let mut dice = Dice(7);
    (0..size.nodes).for_each(|n| drop(shop.run(Command::PutNode(Box::new(node(n, &mut dice))))));
    if by_carriers {
        rules(&mut shop);
    }
    for n in 0..size.items {
        shop.run(Command::PutItem(Box::new(item(n, &mut dice))));
        let kept: Vec<u64> = (0..size.nodes).filter(|_| dice.roll(10) < 3).collect();
        let adjustments: Vec<_> = kept.into_iter().map(|at| received(n, at, 1 + dice.roll(400) as i32)).collect();
        if !adjustments.is_empty() {
            shop.run(Command::AdjustStock(adjustments));
        }
    }
    for n in 0..size.orders {
        let Reply::Order(order) = shop.run(Command::PlaceOrder(Box::new(order(n, size, &mut dice)))) else {
            panic!("an order answers one");
        };
        if dice.roll(20) == 0 {
            let cancel = CancelOrder { order: order.name().as_str().into(), lines: None, reason: "no more".into() };
            shop.run(Command::CancelOrder(cancel));
        }
        if dice.roll(100) == 0 {
            let (item, at) = (dice.roll(size.items), dice.roll(size.nodes));
            shop.run(Command::AdjustStock(vec![received(item, at, 1 + dice.roll(50) as i32)]));
        }
    }
    let journal = shop.pipeline.journal();
    journal.durable_blocking(journal.last_seq(), ()).expect("the disk works");
    journal.close().expect("an orderly end");
}

fn rules(shop: &mut Shop) {
    let json = Json::parse(CARRIER.as_bytes()).expect("JSON");
    let carrier: CarrierPut = reading::read(&json).expect("a carrier");
    shop.run(carrier.command("post".into()));
    let objective = vec![Term::Shipping, Term::Handling, Term::Late { per_day: 60 }, Term::Split { amount: 150 }];
    let terms = RuleTerms { objective, ..RuleTerms::default() };
    shop.run(Command::PutRules(PutRules { name: "default".into(), terms: terms.into() }));
    shop.run(Command::ActivateRules(ActivateRules { name: "default".into(), version: 2, at: None }));
}

fn node(n: u64, dice: &mut Dice) -> Node {
    Node {
        id: format!("n{n}").as_str().into(),
        kind: NodeKind::Warehouse,
        name: format!("Node {n}").as_str().into(),
        position: place(dice),
        country: "US".into(),
        postal_code: "10001".into(),
        time_zone: "UTC".into(),
        active: true,
        inactive_reason: None,
        handling: Some(Handling { per_shipment: 100 + dice.roll(150) as i64, per_unit: 10 + dice.roll(30) as i64 }),
        capacity_per_day: None,
        cutoff_min: None,
        calendar: None,
        capabilities: Vec::new(),
    }
}

/// Somewhere in a field of 4,500 by 2,500 km.
fn place(dice: &mut Dice) -> Position {
    let (latitude, longitude) =
        (25.0 + dice.roll(22_000) as f64 / 1_000.0, -122.0 + dice.roll(52_000) as f64 / 1_000.0);
    Position::from_degrees(latitude, longitude).expect("on the globe")
}

fn item(n: u64, dice: &mut Dice) -> PutItem {
    PutItem {
        sku: format!("i{n}").as_str().into(),
        name: format!("Item {n}").as_str().into(),
        kind: ItemKind::Product,
        weight_g: 100 + dice.roll(3_000) as u32,
        dimensions: Dimensions::default(),
        value: None,
        components: Vec::new(),
        release_at: None,
        tracking: None,
        packing: Default::default(),
    }
}

fn received(item: u64, node: u64, delta: i32) -> Adjustment {
    let (sku, node) = (format!("i{item}"), format!("n{node}"));
    Adjustment { sku: sku.as_str().into(), node: node.as_str().into(), delta, reason: MovementKind::Received }
}

fn order(n: u64, size: &Size, dice: &mut Dice) -> PlaceOrder {
    let first = dice.roll(size.items);
    let lines = (0..1 + dice.roll(3)).map(|line| PlaceLine {
        id: (line + 1).to_string().as_str().into(),
        sku: format!("i{}", (first + 7 * line) % size.items).as_str().into(),
        quantity: Quantity::new(1 + dice.roll(3) as u32).expect("at least one"),
        unit_price: 1_000,
        group: 0,
    });
    let lines = lines.collect();
    PlaceOrder {
        id: None,
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: "web".into(),
        channel_order_id: format!("w{n}").as_str().into(),
        customer: format!("c{}", dice.roll(50_000)).as_str().into(),
        personal: Sealed::default(),
        currency: ordain::domain::money::Currency::USD,
        destinations: vec![ShipTo {
            group: "".into(),
            country: "US".into(),
            postal_code: "10001".into(),
            parts: None,
            position: Some(place(dice)),
            personal: Sealed::default(),
        }],
        lines,
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
