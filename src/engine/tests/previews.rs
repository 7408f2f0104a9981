//! A preview of a version predicts what its activation changes: order by order, whatever the rules weigh, from whatever
//! stock.

use std::sync::Arc;

use super::random::Dice;
use super::world::*;
use crate::domain::carrier::rates::Prices;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::item::Dimensions;
use crate::domain::item::ItemKind;
use crate::domain::money::{Currency, Money};
use crate::domain::node::Handling;
use crate::domain::order::Order;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};
use crate::domain::time::WallTime;

const NODES: [&str; 5] = ["east", "west", "north", "south", "middle"];
const SKUS: [&str; 3] = ["phone", "case", "cable"];

fn amount(dice: &mut Dice, most: u32) -> i64 {
    i64::from(dice.roll(most))
}

/// Rules that have an objective of some terms, fences now and then, and say what units are worth or not.
pub fn some_rules(dice: &mut Dice) -> RuleTerms {
    let mut objective = vec![Term::Split { amount: amount(dice, 900) }];
    if dice.roll(2) == 0 {
        objective.extend([Term::Shipping, Term::Handling]);
        if dice.roll(2) == 0 {
            objective.push(Term::Late { per_day: amount(dice, 600) });
        }
    } else {
        objective.push(Term::PerShipment { amount: amount(dice, 900) });
        objective.push(Term::WeightDistance { micro_per_kg_km: 1_000 * amount(dice, 900) });
    }
    if dice.roll(4) == 0 {
        objective.push(Term::Carbon { per_kg: amount(dice, 400) });
    }
    if dice.roll(3) == 0 {
        objective.extend([Term::UnitCost, Term::ShortPick { amount: amount(dice, 5_000) }]);
    }
    let fences = match dice.roll(8) {
        0 => vec![Fence::NotNodes(vec![text(dice.pick::<&str>(&NODES))])],
        1 => vec![Fence::Within { metres: 300_000 + 1_000 * u64::from(dice.roll(3_500)) }],
        2 => vec![Fence::MaxShipments { count: 1 + dice.roll(2) as u16 }],
        3 => vec![Fence::ShipComplete],
        4 => vec![Fence::LineComplete],
        _ => Vec::new(),
    };
    let per_line = amount(dice, 3_000);
    let unfilled = match dice.roll(3) {
        0 => Unfilled::Charged { per_line, value_share_micro: 1_000 * dice.roll(900) },
        _ => Unfilled::LastResort,
    };
    RuleTerms { fences, objective, unfilled, ..RuleTerms::default() }
}

/// The same with whatever else rules may weigh and whom they may keep out.
pub(super) fn rich_rules(dice: &mut Dice) -> RuleTerms {
    let mut rules = some_rules(dice);
    let balance = Term::Balance { amount: amount(dice, 900) };
    for term in [Term::Scarcity, Term::Markdown, Term::Priority, balance] {
        if dice.roll(3) == 0 {
            rules.objective.push(term);
        }
    }
    rules.fences.extend(match dice.roll(8) {
        0 => Some(Fence::Capacity),
        1 => Some(Fence::Cutoff),
        2 => Some(Fence::ArrivesBy { days: Some(1 + dice.roll(9) as u16) }),
        3 => Some(Fence::LandedCost { amount: 300 + amount(dice, 5_000) }),
        _ => None,
    });
    rules
}

/// Nodes that have something to do, close, are asked before others, and have units that are scarce or had better go.
pub(super) fn some_days(dice: &mut Dice, world: &World) {
    for node in NODES {
        let patch = NodePatch {
            capacity_per_day: Some(Some(1 + dice.roll(3))),
            cutoff_min: Some(Some(60 * dice.roll(24) as u16)),
            ..NodePatch::default()
        };
        world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
    }
}

fn service(dice: &mut Dice, node: &str) -> Service {
    let mut service = Service { name: text(&format!("from-{node}")), ..ground() };
    service.transit_days = vec![1 + dice.roll(5) as u16; 7];
    service.pickups = Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]);
    service
}

/// Five nodes with a little of everything, who ask something for their work, and a carrier that comes to all of them.
pub fn some_world(dice: &mut Dice, most: u32) -> World {
    let mut world = World::new();
    world.node("south", 29.8, -95.4, true);
    world.node("middle", 39.1, -94.6, true);
    for sku in SKUS {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: 100 + dice.roll(4_000),
            dimensions: Dimensions::default(),
            value: Some(Money { amount: 500 + amount(dice, 4_000), currency: Currency::USD }),
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        world.run(Command::PutItem(Box::new(item))).expect("a good item");
        for node in NODES {
            let units = dice.roll(most + 1) as i32;
            if units > 0 {
                world.stock(sku, node, units).expect("received");
            }
        }
    }
    for node in NODES {
        let handling = Handling { per_shipment: amount(dice, 300), per_unit: amount(dice, 60) };
        let patch = NodePatch { handling: Some(Some(handling)), ..NodePatch::default() };
        world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
    }
    let services = NODES.iter().map(|node| service(dice, node)).collect();
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
    world
}

/// An order of some of the skus.
pub fn some_order(dice: &mut Dice, id: &str, most: u32) -> PlaceOrder {
    let mut lines: Vec<(&str, u32)> = Vec::new();
    for sku in SKUS {
        if dice.roll(2) == 0 {
            lines.push((sku, 1 + dice.roll(most)));
        }
    }
    if lines.is_empty() {
        lines.push(("phone", 1));
    }
    let mut order = World::order_of(id, &lines, None);
    let position = [(40.0, -75.0), (34.1, -118.0), (30.0, -95.0), (41.0, -88.0), (47.6, -122.3)];
    let (latitude, longitude) = dice.pick(&position);
    order.destinations[0].position = crate::domain::geo::Position::from_degrees(latitude, longitude);
    // Channels tell of some orders days later.
    let placed_at = (dice.roll(3) == 0).then(|| WallTime(1_800_000_000_000 - 3_600_000 * i64::from(dice.roll(80))));
    PlaceOrder { id: Some(text(id)), placed_at, ..order }
}

pub fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

pub fn put(world: &World, terms: &RuleTerms) -> u32 {
    let put = PutRules { name: text("default"), terms: Arc::new(terms.clone()) };
    match world.run(Command::PutRules(put)).expect("a good version") {
        Reply::Rules(version) => version.version,
        other => panic!("{other:?}"),
    }
}

pub fn activate(world: &World, version: u32) {
    let activate = ActivateRules { name: text("default"), version, at: None };
    world.run(Command::ActivateRules(activate)).expect("it can be carried");
}

/// Nodes, each with lines and units.
type Shipments = Vec<(u32, Vec<(u16, u32)>)>;

/// Shipments, and units that are not filled.
fn plan(order: &Order) -> (Shipments, u64) {
    let decision = order.decision.as_deref().expect("decided");
    let units = |lines: &[crate::domain::decision::LineUnits]| lines.iter().map(|u| (u.line, u.quantity)).collect();
    let shipments = decision.assignments.iter().map(|own| (own.node.0, units(&own.lines))).collect();
    (shipments, decision.unfilled.iter().map(|u| u64::from(u.quantity)).sum())
}

/// Lets lines of an order go to one of three destinations.
pub fn to_several(dice: &mut Dice, mut order: PlaceOrder) -> PlaceOrder {
    let positions = [(39.0, -77.0), (33.9, -117.0), (42.0, -87.0)];
    for number in 1..3 {
        let (latitude, longitude) = dice.pick(&positions);
        let position = crate::domain::geo::Position::from_degrees(latitude, longitude);
        let group = text(&format!("g{number}"));
        order.destinations.push(ShipTo { group, position, ..order.destinations[0].clone() });
    }
    for line in &mut order.lines {
        line.group = dice.roll(3) as u16;
    }
    order
}

fn cases() -> u64 {
    std::env::var("ORDAIN_PREVIEWS").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
}

#[test]
fn a_preview_predicts_exactly_what_an_activation_changes_of_random_orders() {
    predicts(0..cases(), |dice| some_order(dice, "o", 4));
}

#[test]
fn a_preview_predicts_exactly_what_an_activation_changes_of_orders_to_several_destinations() {
    predicts(10_000..10_000 + cases(), |dice| {
        let order = some_order(dice, "o", 4);
        to_several(dice, order)
    });
}

fn predicts(seeds: std::ops::Range<u64>, some_order: fn(&mut Dice) -> PlaceOrder) {
    let cases = seeds.end - seeds.start;
    let (mut changed, mut short) = (0, 0);
    for seed in seeds {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 4);
        some_days(&mut dice, &world);
        let (now, next) = (rich_rules(&mut dice), rich_rules(&mut dice));
        let plain = RuleTerms { fences: Vec::new(), ..now };
        let version = put(&world, &plain);
        activate(&world, version);
        let draft = put(&world, &next);
        let order = some_order(&mut dice);
        // The same world, in which the draft is active when the order comes.
        let actual = world.again();
        activate(&actual, draft);
        let (placed, wanted) = (place(&world, order.clone()), place(&actual, order));
        let preview = world.engine.preview("default", draft, 1, &|| true).expect("a preview");
        assert_eq!((preview.looked_at, preview.compared, preview.unknown), (1, 1, 0), "seed {seed}");
        let (before, after) = (plan(&placed), plan(&wanted));
        let cost = |order: &Order| order.decision.as_deref().map(|decision| decision.cost.amount);
        assert_eq!(Some(preview.cost_before), cost(&placed), "seed {seed}: what it cost");
        assert_eq!(Some(preview.cost_after), cost(&wanted), "seed {seed}: what it costs");
        assert_eq!(preview.changes.len(), usize::from(before != after), "seed {seed}: {before:?} becomes {after:?}");
        for change in &preview.changes {
            let units = |lines: &[(u16, _, u32)]| lines.iter().map(|(line, _, units)| (*line, *units)).collect();
            let told = change.after.iter().map(|own| (own.node.0, units(&own.lines))).collect();
            assert_eq!((told, change.unfilled_after), after, "seed {seed}: the plan");
        }
        changed += preview.changes.len();
        short += usize::from(after.1 > 0);
    }
    assert!(changed as u64 * 5 > cases, "{changed} of {cases} changed");
    assert!(short as u64 * 10 > cases, "{short} of {cases} were short");
}

#[test]
fn a_preview_that_is_not_to_go_on_counts_whole_orders_only_and_says_so() {
    let mut dice = Dice(700);
    let world = some_world(&mut dice, 6);
    let terms = RuleTerms { fences: Vec::new(), ..some_rules(&mut dice) };
    activate(&world, put(&world, &terms));
    let draft = put(&world, &terms);
    for n in 0..4 {
        let order = some_order(&mut dice, &format!("o{n}"), 3);
        place(&world, to_several(&mut dice, order));
    }
    let all = world.engine.preview("default", draft, 4, &|| true).expect("a preview");
    assert_eq!((all.looked_at, all.stopped), (4, false));
    let (mut before, mut asked) = (0, 0_u32);
    loop {
        let left = std::cell::Cell::new(asked);
        let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
        let some = world.engine.preview("default", draft, 4, &goes_on).expect("a preview");
        assert_eq!(some.looked_at, some.of_others + some.unknown + some.compared, "after {asked} looks");
        assert!((before..=before + 1).contains(&some.looked_at), "one order more, or the next destination");
        before = some.looked_at;
        if !some.stopped {
            assert_eq!(some, all);
            break;
        }
        asked += 1;
    }
    assert!(asked > 8, "{asked} looks: orders have several destinations");
}

#[test]
fn a_preview_tells_what_was_decided_as_it_was_whatever_carriers_and_nodes_ask_by_now() {
    let mut dearer = 0;
    for seed in 0..30 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 4);
        let terms = RuleTerms { fences: Vec::new(), ..some_rules(&mut dice) };
        activate(&world, put(&world, &terms));
        let draft = put(&world, &terms);
        let order = some_order(&mut dice, "o", 4);
        let placed = place(&world, to_several(&mut dice, order));
        let services = NODES.iter().map(|node| service(&mut dice, node)).map(|mut service| {
            let Prices::Steps { base, step } = &service.rates.prices else { panic!("it goes by steps") };
            let base = base.iter().map(|price| price + 5_000).collect();
            service.rates.prices = Prices::Steps { base, step: step.clone() };
            service
        });
        let services = services.collect();
        let post = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
        world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(post)))).expect("a carrier");
        for node in NODES {
            let handling = Handling { per_shipment: 900, per_unit: 90 };
            let patch = NodePatch { handling: Some(Some(handling)), ..NodePatch::default() };
            world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
        }
        let preview = world.engine.preview("default", draft, 1, &|| true).expect("a preview");
        assert_eq!((preview.looked_at, preview.compared), (1, 1), "seed {seed}");
        let decided = placed.decision.as_deref().expect("decided").cost.amount;
        assert_eq!(preview.cost_before, decided, "seed {seed}: what was decided costs what it cost");
        let before = plan(&placed);
        for change in &preview.changes {
            let units = |lines: &[(u16, _, u32)]| lines.iter().map(|(line, _, units)| (*line, *units)).collect();
            let told = change.before.iter().map(|own| (own.node.0, units(&own.lines))).collect();
            assert_eq!((told, change.unfilled_before), before, "seed {seed}: the plan of then");
            assert_eq!(change.cost_before, decided, "seed {seed}");
        }
        dearer += usize::from(preview.cost_after > preview.cost_before);
    }
    assert!(dearer > 5, "{dearer} of 30 would cost more now");
}

fn shadow(world: &World, version: Option<u32>) -> Result<Reply, crate::domain::rejection::Rejection> {
    world.run(Command::PutPolicy(PutPolicy::Shadow { rule_set: text("default"), version }))
}

/// Lets whoever judges shadows read what happened from a record on.
pub fn judge(world: &World, from: usize) {
    let records = world.log.records.lock().clone();
    records[from..].iter().for_each(|record| world.engine.judge_shadows(record));
}

#[test]
fn a_shadow_counts_what_a_preview_tells_and_changes_nothing() {
    let mut differing = 0;
    for seed in 500..512 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 6);
        let (now, next) = (some_rules(&mut dice), some_rules(&mut dice));
        activate(&world, put(&world, &RuleTerms { fences: Vec::new(), ..now }));
        let draft = put(&world, &next);
        place(&world, some_order(&mut dice, "before", 2));
        // Both have just started.
        let (world, twin) = (world.again(), world.again());
        let from = world.log.records.lock().len();
        shadow(&world, Some(draft)).expect("it can be carried");
        for n in 0..6 {
            let order = some_order(&mut dice, &format!("o{n}"), 3);
            let (shadowed, plain) = (place(&world, order.clone()), place(&twin, order));
            assert_eq!(plan(&shadowed), plan(&plain), "seed {seed}: a shadow decides nothing");
        }
        judge(&world, 0);
        let told = world.engine.shadow_of("default").expect("there is one");
        assert_eq!((told.version, told.since), (draft, from as u64 + 1));
        assert_eq!((told.looked_at, told.of_others, told.unknown), (6, 0, 0), "seed {seed}: what came after it");
        let preview = world.engine.preview("default", draft, 6, &|| true).expect("a preview");
        assert_eq!(told.differ, preview.changes.len() as u64, "seed {seed}");
        assert_eq!((told.same + told.differ, told.live.orders), (6, 6), "seed {seed}");
        assert_eq!((told.live.weighed, told.shadow.weighed), (preview.cost_before, preview.cost_after), "seed {seed}");
        let live = world.engine.order("o0").expect("there").decision.clone().expect("decided").assignments.len();
        assert!(told.live.shipments >= live as u64);
        differing += told.differ;
        shadow(&world, None).expect("ended");
        assert!(!world.engine.has_shadows() && world.engine.shadow_of("default").is_none());
    }
    assert!(differing > 10, "{differing} differ");
}

#[test]
fn a_shadow_is_there_after_a_restart_and_only_of_what_there_is() {
    let world = World::new();
    let draft = put(&world, &RuleTerms { objective: vec![Term::Split { amount: 7 }], ..RuleTerms::default() });
    assert!(shadow(&world, Some(9)).is_err(), "there is no such version");
    let unknown = PutPolicy::Shadow { rule_set: text("moon"), version: None };
    assert!(world.run(Command::PutPolicy(unknown)).is_err());
    assert!(!world.engine.has_shadows());
    shadow(&world, Some(draft)).expect("it can be carried");
    let world = world.restart();
    assert_eq!(world.engine.shadow_of("default").map(|told| (told.version, told.looked_at)), Some((draft, 0)));
}
