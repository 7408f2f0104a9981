//! Waves: which fulfilment orders come into one, what their tasks fetch, and how well the ways of picking do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::world::{World, quantity, text};
use crate::domain::carrier::rates::Prices;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::entity::Entity;
use crate::domain::fulfillment::{FulfillmentStatus, ShortReason};
use crate::domain::geo::Position;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::item::{Dimensions, ItemKind, Tracking};
use crate::domain::limits::WAVE_SERIALS_MAX;
use crate::domain::lots::LotView;
use crate::domain::order::Order;
use crate::domain::picked::Picked;
use crate::domain::picking::{BinPlace, PickMethod, PickingRule};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::stock::MovementKind;
use crate::domain::time::WallTime;
use crate::domain::wave::{TaskStatus, Wave, WaveStatus};
use crate::engine::Executed;

fn wave(reply: Result<Reply, Rejection>) -> Result<Wave, Rejection> {
    match reply? {
        Reply::Wave(wave) => Ok(*wave),
        other => panic!("{other:?}"),
    }
}

fn plan(node: &str) -> PlanWave {
    PlanWave { id: None, fingerprint: 0, node: text(node), fulfillments: None, cutoff_before: None }
}

fn change(wave: &Wave, action: WaveAction) -> Command {
    Command::ChangeWave { wave: text(&wave.key.to_string()), action }
}

fn task(number: usize, step: TaskAction) -> WaveAction {
    WaveAction::Task { task: text(&number.to_string()), step }
}

fn rule(rule: PickingRule) -> Command {
    Command::PutPolicy(PutPolicy::Picking { node: None, rule })
}

fn keys(orders: &[&Order]) -> Vec<FulfillmentKey> {
    orders.iter().map(|order| FulfillmentKey { order: order.key, number: 1 }).collect()
}

/// An order whose fulfilment order its node has accepted.
fn accepted(world: &mut World, lines: &[(&str, u32)]) -> Order {
    let order = world.order(lines, None).expect("in stock");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("submitted")
}

fn carrier(id: &str, cutoff_min: u16, countries: Option<&[&str]>) -> Command {
    let countries = countries.map(|names| names.iter().map(|name| text(name)).collect());
    let services = vec![Service { cutoff_min: Some(cutoff_min), countries, ..ground() }];
    let carrier = Carrier { id: text(id), name: text(id), active: true, currency: None, services };
    Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))
}

#[test]
fn a_wave_takes_those_whose_carrier_comes_first_by_priority_and_age_up_to_its_capacity() {
    let world = World::new();
    world.stock("phone", "east", 50).expect("good");
    // It is eight in the morning; what goes abroad is fetched at nine, the rest at ten.
    world.run(carrier("post", 10 * 60, Some(&["US"]))).expect("good");
    world.run(carrier("air", 9 * 60, Some(&["CA"]))).expect("good");
    world.run(rule(PickingRule { wave_orders: 2, wave_units: Some(5), ..PickingRule::default() })).expect("good");
    let mut placed = Vec::new();
    for (at, (country, priority, units)) in
        [("US", 0, 1), ("US", 7, 4), ("US", 0, 2), ("CA", 0, 9), ("US", 0, 1)].into_iter().enumerate()
    {
        let mut order = World::order_of(&format!("x{at}"), &[("phone", units)], None);
        order.destinations[0].country = text(country);
        order.wishes.priority = priority;
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(order))) else { panic!("it is placed") };
        world.later(1);
        placed.push(world.fulfill(&order, 1, FulfillmentAction::Accept).expect("submitted"));
    }
    let [old, urgent, two, abroad, late] = placed.as_slice() else { panic!("five") };
    let hour = |hour: i64| Some(WallTime(1_800_000_000_000 + (hour - 8) * 3_600_000));
    // One that is larger than a wave may be has one of its own.
    let first = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    assert_eq!((first.fulfillments.clone(), first.cutoff), (keys(&[abroad]), hour(9)));
    assert_eq!(first.status(), WaveStatus::Draft);
    let second = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    assert_eq!((second.fulfillments, second.cutoff), (keys(&[urgent, old]), hour(10)));
    let none = PlanWave { cutoff_before: hour(10), ..plan("east") };
    let code = |result: Result<Wave, Rejection>| result.expect_err("it must be refused").code();
    assert_eq!(code(wave(world.run(Command::PlanWave(none)))), "nothing_to_pick");
    let third = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    assert_eq!(third.fulfillments, keys(&[two, late]));
    assert_eq!(code(wave(world.run(Command::PlanWave(plan("east"))))), "nothing_to_pick");
    assert_eq!(code(wave(world.run(Command::PlanWave(plan("west"))))), "nothing_to_pick");
    // What was let go can be named; what is in a wave cannot.
    wave(world.run(change(&third, WaveAction::Cancel(None)))).expect("a draft");
    let named = |orders: &[&Order]| {
        let named = keys(orders).iter().map(|key| text(&key.to_string())).collect();
        Command::PlanWave(PlanWave { fulfillments: Some(named), ..plan("east") })
    };
    assert_eq!(code(wave(world.run(named(&[late, urgent])))), "not_pickable");
    assert_eq!(code(wave(world.run(named(&[late, late])))), "duplicate_change");
    let world = world.restart();
    assert_eq!(code(wave(world.run(named(&[urgent])))), "not_pickable", "a restart has not forgotten");
    assert_eq!(wave(world.run(named(&[late]))).expect("it was let go").fulfillments, keys(&[late]));
}

#[test]
fn a_repeated_plan_answers_the_same_and_another_body_is_refused() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("good");
    accepted(&mut world, &[("phone", 1)]);
    let asked = PlanWave { id: Some(text("morning")), fingerprint: 7, ..plan("east") };
    let first = wave(world.run(Command::PlanWave(asked.clone()))).expect("something waits");
    let again = world.engine.execute(&*world.log, &Context::library(), Command::PlanWave(asked.clone()));
    assert!(matches!(again, Ok(Executed::Repeat { seq, .. }) if seq == first.planned_seq), "{again:?}");
    let other = PlanWave { fingerprint: 8, ..asked };
    assert_eq!(wave(world.run(Command::PlanWave(other))).expect_err("another body").code(), "id_taken");
    assert_eq!(world.engine.wave("morning").expect("by its id").key, first.key);
}

#[test]
fn the_way_is_that_of_the_load_and_of_the_node() {
    let mut world = World::new();
    world.stock("phone", "east", 500).expect("good");
    let skilled =
        NodePatch { capabilities: Some(vec![text("batch_picking"), text("cluster_picking")]), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(skilled) }).expect("good");
    let mut method = |orders: usize, units: u32| {
        (0..orders).for_each(|_| drop(accepted(&mut world, &[("phone", units)])));
        let planned = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
        let released = wave(world.run(change(&planned, WaveAction::Release))).expect("a draft");
        (released.method.expect("released"), released.tasks.len())
    };
    assert_eq!(method(10, 10), (PickMethod::Discrete, 10));
    assert_eq!(method(11, 1), (PickMethod::Cluster, 2), "a cart takes eight");
    assert_eq!(method(1, 101), (PickMethod::Batch, 1));
}

/// A task that somebody has begun: the first of a wave of all that waits.
fn begun(world: &World) -> Wave {
    let planned = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    let released = wave(world.run(change(&planned, WaveAction::Release))).expect("a draft");
    for number in 1..=released.tasks.len() {
        wave(world.run(change(&released, task(number, TaskAction::Assign { picker: text("ann") })))).expect("pending");
        wave(world.run(change(&released, task(number, TaskAction::Start)))).expect("assigned");
    }
    released
}

#[test]
fn a_kit_is_picked_as_a_whole_and_short_as_a_whole() {
    let mut world = World::new();
    for (sku, n) in [("phone", 3), ("case", 6)] {
        world.stock(sku, "east", n).expect("good");
    }
    let order = accepted(&mut world, &[("bundle", 2)]);
    let released = begun(&world);
    let of_kit: Vec<_> = released.tasks[0].picks.iter().map(|line| (line.pick.units, line.pick.completes)).collect();
    assert_eq!(of_kit, [(2, 0), (4, 2)]);
    // Whichever of its components is missing, it is the kit.
    let short = TaskAction::Short { pick: 0, quantity: quantity(1), reason: ShortReason::Mismatch };
    let after = wave(world.run(change(&released, task(1, short)))).expect("it is begun");
    assert_eq!(after.tasks[0].picks[1].short, 1);
    let done = wave(world.run(change(&released, task(1, TaskAction::Done { named: vec![] })))).expect("it is begun");
    assert_eq!((done.status(), done.tasks[0].status), (WaveStatus::Completed, TaskStatus::Short));
    let order = world.engine.order(&order.name()).expect("there");
    assert_eq!((order.buckets(0).picked, order.buckets(0).sum()), (1, 2));
    assert_eq!((world.level("phone", "east").on_hand, world.level("case", "east").on_hand), (2, 4));
}

/// From now on phones are told apart.
fn track(world: &World, tracking: Tracking) {
    let tracked = PutItem {
        sku: text("phone"),
        name: text("phone"),
        kind: ItemKind::Product,
        weight_g: 500,
        dimensions: Dimensions::default(),
        value: None,
        components: vec![],
        release_at: None,
        tracking: Some(tracking),
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(tracked))).expect("nothing is known of phones");
}

fn serials(serials: &[&str]) -> Names {
    let one = |serial: &&str| NamedLot { lot: text(serial), expires_at: None, units: 1 };
    Names { lots: vec![], serials: serials.iter().map(one).collect() }
}

/// Phones with these serial numbers come to a node.
fn bring(world: &World, node: &str, names: Names) {
    let delta = names.serials.len() as i32;
    let adjustment = Adjustment { sku: text("phone"), node: text(node), delta, reason: MovementKind::Received };
    world.run(Command::AdjustLots(vec![NamedAdjustment { adjustment, names }])).expect("good");
}

#[test]
fn a_task_that_is_done_says_which_serial_numbers_it_picked_for_whom() {
    let mut world = World::new();
    track(&world, Tracking::Serial);
    bring(&world, "east", serials(&["a", "b", "c", "d"]));
    let patch = NodePatch { capabilities: Some(vec![text("batch_picking")]), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("good");
    world.run(rule(PickingRule { method: Some(PickMethod::Batch), ..PickingRule::default() })).expect("good");
    let orders = [accepted(&mut world, &[("phone", 2)]), accepted(&mut world, &[("phone", 1)])];
    let released = begun(&world);
    let for_order = |order: &Order, names: Names| {
        let fulfillment = text(&FulfillmentKey { order: order.key, number: 1 }.to_string());
        PickedFor { fulfillment, sku: text("phone"), names }
    };
    let done = |named: Vec<PickedFor>| wave(world.run(change(&released, task(1, TaskAction::Done { named }))));
    let code = |result: Result<Wave, Rejection>| match result.expect_err("it must be refused") {
        Rejection::Invalid(faults) => (faults[0].field.clone(), faults[0].code),
        other => panic!("{other:?}"),
    };
    let elsewhere = PickedFor { fulfillment: text("f-1"), ..for_order(&orders[0], serials(&["a"])) };
    let (field, why) = code(done(vec![for_order(&orders[0], serials(&["a"])), elsewhere]));
    assert_eq!((&*field, why), ("named[1].fulfillment_order", "not_pickable"));
    let (field, _) = code(done(vec![for_order(&orders[1], serials(&["b"])), for_order(&orders[0], serials(&["z"]))]));
    assert_eq!(&*field, "named[1].serials[0]", "nobody has seen it, and nothing is picked");
    // The second order gets the last one, the first what it names and what is left.
    done(vec![for_order(&orders[1], serials(&["d"])), for_order(&orders[0], serials(&["c"]))]).expect("they are there");
    let of = |order: &Order| -> Vec<String> {
        let order = world.engine.order(&order.name()).expect("there");
        order.fulfillment_orders[0].identified.iter().map(|one| one.lot.to_string()).collect()
    };
    assert_eq!((of(&orders[0]), of(&orders[1])), (vec!["a".to_owned(), "c".to_owned()], vec!["d".to_owned()]));
    world.check();
}

#[test]
fn a_wave_has_no_more_serial_numbers_than_one_record_names() {
    let mut world = World::new();
    track(&world, Tracking::Serial);
    let most = WAVE_SERIALS_MAX as u32;
    let all: Vec<String> = (0..2 * most + 6).map(|number| format!("s{number}")).collect();
    for some in all.chunks(10) {
        bring(&world, "east", serials(&some.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let [large, almost, few] = [most + 1, most - 1, 2].map(|units| accepted(&mut world, &[("phone", units)]));
    let planned = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    assert_eq!(planned.fulfillments, keys(&[&almost]), "two more are too many, and the large one is picked by itself");
    let planned = wave(world.run(Command::PlanWave(plan("east")))).expect("something waits");
    assert_eq!(planned.fulfillments, keys(&[&few]));
    let named = vec![text(&keys(&[&large])[0].to_string())];
    let named = Command::PlanWave(PlanWave { fulfillments: Some(named), ..plan("east") });
    let Err(Rejection::Invalid(faults)) = wave(world.run(named)) else { panic!("it is too large") };
    assert_eq!((&*faults[0].field, faults[0].code), ("fulfillment_orders", "too_many_serials"));
}

#[test]
fn a_plan_looks_only_at_orders_of_which_the_node_has_something_to_pick() {
    let mut world = World::new();
    world.stock("phone", "east", 50).expect("good");
    let known =
        |world: &World| world.engine.pickable_at(world.engine.catalogue(|c| c.node_index("east").expect("it is")));
    let submitted = world.order(&[("phone", 1)], None).expect("in stock");
    assert!(known(&world).is_empty(), "the node has not taken it on");
    let orders = [(); 3].map(|()| accepted(&mut world, &[("phone", 2)]));
    assert_eq!(known(&world), orders.each_ref().map(|order| order.key));
    world.fulfill(&orders[0], 1, FulfillmentAction::Pick { lines: None }).expect("accepted");
    let reason = text("no");
    world.fulfill(&orders[1], 1, FulfillmentAction::Reject { reason }).expect("accepted");
    assert_eq!(known(&world), [orders[2].key], "what is picked, or elsewhere, is not looked at");
    world.fulfill(&submitted, 1, FulfillmentAction::Accept).expect("submitted");
    assert_eq!(known(&world), [submitted.key, orders[2].key]);
    let world = world.restart();
    assert_eq!(known(&world), [submitted.key, orders[2].key], "a restart has not forgotten");
}

#[test]
fn units_of_one_lot_are_told_to_every_order_of_a_task() {
    let mut world = World::new();
    track(&world, Tracking::Lot);
    for (lot, days) in [("soon", 30), ("later", 60)] {
        let expires_at = Some(WallTime(world.log.now().wall.0 + days * 86_400_000));
        let names = Names { lots: vec![NamedLot { lot: text(lot), expires_at, units: 3 }], serials: vec![] };
        let (sku, node) = (text("phone"), text("east"));
        let adjustment = Adjustment { sku, node, delta: 3, reason: MovementKind::Received };
        world.run(Command::AdjustLots(vec![NamedAdjustment { adjustment, names }])).expect("good");
    }
    let patch = NodePatch { capabilities: Some(vec![text("batch_picking")]), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("good");
    world.run(rule(PickingRule { method: Some(PickMethod::Batch), ..PickingRule::default() })).expect("good");
    let orders = [accepted(&mut world, &[("phone", 2)]), accepted(&mut world, &[("phone", 3)])];
    let released = begun(&world);
    assert_eq!(released.tasks.len(), 1);
    wave(world.run(change(&released, task(1, TaskAction::Done { named: vec![] })))).expect("it is begun");
    let of = |order: &Order| -> Vec<(String, u32)> {
        let order = world.engine.order(&order.name()).expect("there");
        order.fulfillment_orders[0].identified.iter().map(|one| (one.lot.to_string(), one.units)).collect()
    };
    assert_eq!(of(&orders[0]), [("soon".to_owned(), 2)]);
    assert_eq!(of(&orders[1]), [("later".to_owned(), 2), ("soon".to_owned(), 1)]);
    let lots = world.engine.lots("phone", "east").expect("known").lots;
    let picked = |lot: &LotView| (lot.lot.to_string(), lot.picked);
    assert_eq!(lots.iter().map(picked).collect::<Vec<_>>(), [("later".to_owned(), 2), ("soon".to_owned(), 3)]);
}

#[test]
fn what_was_picked_is_summed_by_day_and_way_and_survives_a_restart() {
    let mut world = World::new();
    world.stock("phone", "east", 9).expect("good");
    let place = BinPlace { bin: text("3-20"), zone: text(""), aisle: 3, at_m: 20 };
    let bins = vec![(text("phone"), Some(place))];
    world.run(Command::PutBins(Box::new(PutBins { node: text("east"), bins }))).expect("good");
    accepted(&mut world, &[("phone", 4)]);
    let released = begun(&world);
    world.later(90);
    let short = TaskAction::Short { pick: 0, quantity: quantity(1), reason: ShortReason::Damaged };
    wave(world.run(change(&released, task(1, short)))).expect("it is begun");
    wave(world.run(change(&released, task(1, TaskAction::Done { named: vec![] })))).expect("it is begun");
    let metres = 2 * (3 * 4 + 20);
    let sums = Picked { tasks: 1, entries: 1, units: 3, short: 1, metres, alone_metres: metres, ms: 90_000 };
    let node = world.engine.catalogue(|catalogue| catalogue.node_index("east"));
    let all = |world: &World| world.engine.picked(node, i32::MIN, i32::MAX).0.into_values().collect::<Vec<_>>();
    assert_eq!(all(&world), [sums]);
    assert_eq!(sums.metres_per_unit(), Some(metres as f64 / 3.0));
    assert_eq!((sums.per_hour(sums.units), sums.short_rate()), (Some(120.0), Some(0.25)));
    let today = crate::domain::picked::day_of(world.log.now().wall);
    assert!(world.engine.picked(node, today + 1, i32::MAX).0.is_empty());
    let world = world.restart();
    assert_eq!(all(&world), [sums]);
    // Waves are forgotten after a day, what was picked is not.
    world.later(2 * 86_400);
    world.engine.expire_due(&*world.log);
    assert_eq!(world.engine.wave(&released.name()).map(drop), Err(Rejection::not_found("wave", released.name())));
    assert_eq!(all(&world), [sums]);
}

const AISLES: u64 = 20;
const BINS_OF_AISLE: u64 = 20;
/// What a picker walks in a second, metres, and what fetching one entry takes him, seconds: to make time of the report.
const METRES_A_SECOND: u64 = 1;
const ENTRY_S: u64 = 6;

/// A generator of numbers that anybody can repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Runs a command without looking at every law: that is done at the end.
fn quick(world: &World, command: Command) -> Reply {
    match world.engine.execute(&*world.log, &Context::library(), command) {
        Ok(Executed::Done(outcome)) => outcome.reply,
        other => panic!("{other:?}"),
    }
}

/// A floor of one node for each way of picking, all alike.
fn floors(world: &mut World) -> Vec<Text> {
    let skus: Vec<String> = (0..AISLES * BINS_OF_AISLE).map(|n| format!("s{n}")).collect();
    skus.iter().for_each(|sku| world.item(sku, ItemKind::Product, &[]));
    for (at, method) in PickMethod::ALL.into_iter().enumerate() {
        let node = method.word();
        world.node(node, 10.0 * at as f64, 0.0, true);
        let patch = NodePatch { capabilities: Some(vec![text(node)]), ..NodePatch::default() };
        quick(world, Command::PatchNode { node: text(node), patch: Box::new(patch) });
        let rule = PickingRule { method: Some(method), ..PickingRule::default() };
        quick(world, Command::PutPolicy(PutPolicy::Picking { node: Some(text(node)), rule }));
        for (several, first) in skus.chunks(100).zip((0..).step_by(100)) {
            let place = |n: u64| BinPlace {
                bin: text(&format!("{}-{}", n / BINS_OF_AISLE, n % BINS_OF_AISLE)),
                zone: text(&format!("z{}", n / BINS_OF_AISLE / 5)),
                aisle: (n / BINS_OF_AISLE) as u16,
                at_m: (n % BINS_OF_AISLE) as u16,
            };
            let bins = (first..).zip(several).map(|(n, sku)| (text(sku), Some(place(n)))).collect();
            quick(world, Command::PutBins(Box::new(PutBins { node: text(node), bins })));
            let stock = |sku: &String| Adjustment {
                sku: text(sku),
                node: text(node),
                delta: 100_000,
                reason: MovementKind::Received,
            };
            quick(world, Command::AdjustStock(several.iter().map(stock).collect()));
        }
    }
    PickMethod::ALL.map(|method| text(method.word())).to_vec()
}

/// Orders of one to four lines, the same at every node, accepted by it.
fn shop(world: &World, nodes: &[Text], orders: u64, seed: u64) -> u64 {
    let (mut dice, mut units) = (Dice(seed), 0);
    for number in 0..orders.div_ceil(nodes.len() as u64) {
        let lines: Vec<(String, u32)> = (0..=dice.roll(4))
            .map(|_| {
                // Some are wanted much more than others.
                let among = [8, 80, AISLES * BINS_OF_AISLE][dice.roll(3) as usize];
                (format!("s{}", dice.roll(among) * 37 % (AISLES * BINS_OF_AISLE)), 1 + dice.roll(3) as u32)
            })
            .collect();
        let lines: Vec<(&str, u32)> = lines.iter().map(|(sku, n)| (sku.as_str(), *n)).collect();
        for (at, node) in nodes.iter().enumerate() {
            let mut order = World::order_of(&format!("{node}-{number}"), &lines, None);
            order.destinations[0].position = Position::from_degrees(10.0 * at as f64, 0.0);
            units += lines.iter().map(|(_, n)| u64::from(*n)).sum::<u64>();
            let Reply::Order(order) = quick(world, Command::PlaceOrder(Box::new(order))) else { panic!("an order") };
            assert_eq!(order.fulfillment_orders.len(), 1, "its own node has all of it");
            let key = FulfillmentKey { order: order.key, number: 1 };
            let accept = Fulfill { fulfillment: text(&key.to_string()), action: FulfillmentAction::Accept };
            quick(world, Command::Fulfill(accept));
        }
    }
    units
}

/// Plans waves until nothing is left, and has all their tasks done.
fn pick_all(world: &World, node: &Text) -> u64 {
    let mut waves = 0;
    while let Ok(Executed::Done(outcome)) =
        world.engine.execute(&*world.log, &Context::library(), Command::PlanWave(plan(node)))
    {
        let Reply::Wave(planned) = outcome.reply else { panic!("a wave") };
        let Reply::Wave(released) = quick(world, change(&planned, WaveAction::Release)) else { panic!("a wave") };
        for (number, own) in (1..).zip(&released.tasks) {
            quick(world, change(&released, task(number, TaskAction::Assign { picker: text("ann") })));
            quick(world, change(&released, task(number, TaskAction::Start)));
            let seconds = u64::from(own.metres) / METRES_A_SECOND + ENTRY_S * own.picks.len() as u64;
            world.log.now.fetch_add(seconds.cast_signed() * 1_000, Ordering::SeqCst);
            quick(world, change(&released, task(number, TaskAction::Done { named: vec![] })));
        }
        assert_eq!(world.engine.wave_by_key(planned.key).map(|wave| wave.status()), Some(WaveStatus::Completed));
        waves += 1;
    }
    waves
}

/// The report, way by way.
fn report(sums: &BTreeMap<PickMethod, Picked>) -> String {
    let mut report = String::from("way                     tasks   units  m/unit  of discrete  units/h\n");
    for (method, picked) in sums {
        let per_unit = picked.metres_per_unit().unwrap_or(0.0);
        let alone = picked.alone_metres_per_unit().unwrap_or(0.0);
        let (tasks, units) = (picked.tasks, picked.units);
        let per_hour = picked.per_hour(picked.units).unwrap_or(0.0);
        let share = 100.0 * per_unit / alone;
        let way = method.word();
        writeln!(report, "{way:<22} {tasks:>6} {units:>7} {per_unit:>7.2} {share:>10.1} % {per_hour:>8.1}")
            .expect("text");
    }
    report
}

#[test]
fn many_orders_are_waved_and_picked_and_every_way_walks_less_than_order_by_order() {
    let orders = std::env::var("ORDAIN_PICKED_ORDERS").map_or(1_000, |n| n.parse().expect("a number"));
    let seed = std::env::var("ORDAIN_SEED").map_or(1, |n| n.parse().expect("a number"));
    let mut world = World::new();
    let nodes = floors(&mut world);
    let units = shop(&world, &nodes, orders, seed);
    let waves: u64 = nodes.iter().map(|node| pick_all(&world, node)).sum();
    let sums: BTreeMap<PickMethod, Picked> =
        world.engine.picked(None, i32::MIN, i32::MAX).0.into_iter().map(|((_, method), sums)| (method, sums)).collect();
    println!("picked orders={orders} seed={seed} waves={waves} units={units}\n{}", report(&sums));
    assert_eq!(sums.values().map(|picked| picked.units).sum::<u64>(), units, "all is picked, and once");
    let discrete = sums[&PickMethod::Discrete];
    assert_eq!(discrete.metres, discrete.alone_metres);
    for (method, picked) in &sums {
        assert_eq!(picked.alone_metres, discrete.metres, "{method:?}: the same orders order by order");
        assert!(*method == PickMethod::Discrete || picked.metres < discrete.metres, "{method:?} walks further");
    }
    world.check();
    let state = world.fold();
    assert!(state.orders().all(|order| order.fulfillment_orders[0].status == FulfillmentStatus::Picked));
    let recorded = state.iter().filter_map(|(_, entity)| match entity {
        Entity::Picked(day) => Some(day.sums),
        _ => None,
    });
    let (told, recorded) = (
        sums.values().fold(Picked::default(), |sum, one| sum.plus(one)),
        recorded.fold(Picked::default(), |sum, one| sum.plus(&one)),
    );
    assert_eq!(told, recorded, "the counters are what the records say");
}

#[test]
fn the_cutoff_is_that_of_the_service_that_was_chosen_by_the_clock_of_the_node() {
    let world = World::new();
    let node = |id: &str| NodePatch { time_zone: Some(text(id)), ..NodePatch::default() };
    let moved = Command::PatchNode { node: text("east"), patch: Box::new(node("America/Chicago")) };
    world.run(moved).expect("a zone");
    world.stock("phone", "east", 50).expect("good");
    let of = |id: &str, cutoff_min: u16, base: i64| {
        let mut service = Service { cutoff_min: Some(cutoff_min), ..ground() };
        service.rates.prices = Prices::Steps { base: vec![base; 7], step: vec![0; 7] };
        let carrier = Carrier { id: text(id), name: text(id), active: true, currency: None, services: vec![service] };
        Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))
    };
    // It is two in the morning in Chicago. The dear one comes at nine, the cheap one at ten.
    world.run(of("air", 9 * 60, 900)).expect("good");
    world.run(of("post", 10 * 60, 100)).expect("good");
    let terms = RuleTerms { objective: vec![Term::Shipping], ..RuleTerms::default() };
    let put = world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) }));
    let Ok(Reply::Rules(version)) = put else { panic!("{put:?}") };
    let activate = ActivateRules { name: text("rules"), version: version.version, at: None };
    world.run(Command::ActivateRules(activate)).expect("it can be carried");
    let hour = |local: i64| Some(WallTime(1_800_000_000_000 + (local - 2) * 3_600_000));
    let order = PlaceOrder { rule_set: Some(text("rules")), ..World::order_of("planned", &[("phone", 1)], None) };
    let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(order))) else { panic!("it is placed") };
    let planned = world.fulfill(&order, 1, FulfillmentAction::Accept).expect("submitted");
    let mut by = planned.carried(&planned.fulfillment_orders[0]).map(|by| by.carrier.to_string());
    assert_eq!(by.next().as_deref(), Some("post"));
    let first = wave(world.run(Command::PlanWave(plan("east")))).expect("it waits");
    assert_eq!(first.cutoff, hour(10), "the other one is not waited for");
}
