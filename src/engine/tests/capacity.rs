//! What nodes can handle in a day: never promised twice, given back by whoever does not need it, and tried again when the
//! day is over.

use std::sync::Arc;

use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::{Decision, FenceReason};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::time::WallTime;
use crate::domain::workload::utc_day;

pub(super) const DAY_MS: i64 = 86_400_000;

/// Rules by weight and distance that mind what nodes can handle.
pub(super) fn minded(world: &World) {
    let objective = vec![Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 }];
    let terms = RuleTerms { objective, fences: vec![Fence::Capacity], ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) })).expect("put");
    world.run(Command::ActivateRules(ActivateRules { name: text("rules"), version: 1, at: None })).expect("carried");
}

pub(super) fn limited(world: &World, node: &str, per_day: u32) {
    let patch = NodePatch { capacity_per_day: Some(Some(per_day)), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
}

pub(super) fn order_by(id: &str, rules: &str, n: u32) -> PlaceOrder {
    PlaceOrder { id: Some(text(id)), rule_set: Some(text(rules)), ..World::order_of(id, &[("phone", n)], None) }
}

pub(super) fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn used(world: &World, node: &str) -> u32 {
    let day = (world.log.now().wall.0 / DAY_MS) as i32;
    let network = world.engine.network.read().expect("nobody panicked");
    network.workloads.used(network.catalogue.node_index(node).expect("a node"), day)
}

pub(super) fn nodes(world: &World, order: &Order) -> Vec<String> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    order.fulfillment_orders.iter().map(|f| id(f.node)).collect()
}

fn at_capacity(decision: &Decision) -> usize {
    decision.evidence.fenced.iter().filter(|(_, reason)| *reason == FenceReason::AtCapacity).count()
}

/// Orders of which nothing waits.
fn promised(world: &World, count: usize) -> usize {
    let order = |n: usize| world.engine.order(&format!("b{n}")).expect("there");
    (0..count).filter(|n| order(*n).totals().backordered == 0).count()
}

#[test]
fn of_ten_thousand_checkouts_a_hundred_are_promised_for_today() {
    const BUYERS: usize = 10_000;
    let world = World::new();
    world.stock("phone", "east", 2 * BUYERS as i32).expect("received");
    limited(&world, "east", 100);
    minded(&world);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let world = &world;
            scope.spawn(move || {
                for n in (thread..BUYERS).step_by(8) {
                    let order = Command::PlaceOrder(Box::new(order_by(&format!("b{n}"), "rules", 1)));
                    world.engine.execute(&*world.log, &Context::library(), order).expect("taken");
                }
            });
        }
    });
    assert_eq!((promised(&world, BUYERS), used(&world, "east")), (100, 100));
    let east = world.engine.catalogue(|c| c.node_index("east")).expect("there");
    match world.fold().entity(&EntityKey::Workload(east)) {
        Some(Entity::Workload(work)) => assert_eq!(work.days.values().map(|day| day.len()).sum::<usize>(), 100),
        other => panic!("{other:?}"),
    }
    let waits = (0..BUYERS).map(|n| world.engine.order(&format!("b{n}")).expect("there"));
    let waits: Vec<_> = waits.filter(|order| order.totals().backordered > 0).collect();
    assert!(waits.iter().all(|order| order.decision.as_deref().is_some_and(|d| at_capacity(d) == 1)));
    let world = world.restart();
    assert_eq!(used(&world, "east"), 100, "a start knows what was promised");
    // The day is over: a hundred more, and no more than that.
    world.later(DAY_MS / 1_000);
    world.engine.expire_due(&*world.log);
    assert_eq!((promised(&world, BUYERS), used(&world, "east")), (200, 100));
    world.check();
}

#[test]
fn a_full_node_lets_another_ship_and_says_why() {
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 10).expect("received");
    }
    limited(&world, "east", 1);
    minded(&world);
    assert_eq!(nodes(&world, &place(&world, order_by("a", "rules", 1))), ["east"]);
    let second = place(&world, order_by("b", "rules", 1));
    assert_eq!(nodes(&world, &second), ["west"]);
    assert_eq!(at_capacity(second.decision.as_deref().expect("decided")), 1);
    // Who is sourced by rules that do not mind it goes there, and counts.
    assert_eq!(nodes(&world, &place(&world, order_by("c", "default", 1))), ["east"]);
    assert_eq!(used(&world, "east"), 2);
    let quoted = world.engine.quote(world.log.now(), &order_by("d", "rules", 1)).expect("quoted");
    assert_eq!(at_capacity(&quoted), 1, "a quote knows it too");
    world.check();
}

#[test]
fn whoever_does_not_need_a_place_gives_it_back_with_the_same_commit() {
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 10).expect("received");
    }
    limited(&world, "east", 3);
    limited(&world, "west", 1);
    minded(&world);
    let placed = ["a", "b", "c"].map(|id| place(&world, order_by(id, "rules", 1)));
    assert_eq!((used(&world, "east"), used(&world, "west")), (3, 0));
    world.cancel(&placed[0], None).expect("cancelled");
    assert_eq!(used(&world, "east"), 2);
    world.fulfill(&placed[1], 1, FulfillmentAction::Reject { reason: text("full") }).expect("rejected");
    let b = world.engine.order("b").expect("there");
    assert_eq!(nodes(&world, &b).last().map(String::as_str), Some("west"), "sourced again elsewhere");
    assert_eq!((used(&world, "east"), used(&world, "west")), (1, 1));
    // A third finds both: west is full, east is not.
    assert_eq!(nodes(&world, &place(&world, order_by("d", "rules", 1))), ["east"]);
    let world = world.restart();
    assert_eq!((used(&world, "east"), used(&world, "west")), (2, 1), "a start counts what is left");
}

#[test]
fn units_that_wait_for_room_get_it_when_somebody_cancels() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    limited(&world, "east", 1);
    minded(&world);
    let first = place(&world, order_by("a", "rules", 1));
    assert_eq!(place(&world, order_by("b", "rules", 1)).totals().backordered, 1);
    world.cancel(&first, None).expect("cancelled");
    assert_eq!((world.engine.order("b").expect("there").totals().backordered, used(&world, "east")), (0, 1));
    world.check();
}

#[test]
fn nothing_is_counted_where_nobody_minds() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    limited(&world, "east", 1);
    for id in ["a", "b"] {
        assert_eq!(nodes(&world, &place(&world, order_by(id, "default", 1))), ["east"]);
    }
    assert_eq!(used(&world, "east"), 0);
    let east = world.engine.catalogue(|c| c.node_index("east")).expect("there");
    assert!(world.fold().entity(&EntityKey::Workload(east)).is_none());
}

/// How much each node has to do today, as it is and as a start counts it.
pub(super) fn counted(world: World) -> (World, [u32; 2]) {
    let live = ["east", "west"].map(|node| used(&world, node));
    let world = world.restart();
    assert_eq!(["east", "west"].map(|node| used(&world, node)), live, "a start counts the same");
    (world, live)
}

fn step(world: &World, number: u16, action: FulfillmentAction) {
    let order = world.engine.order("a").expect("there");
    world.fulfill(&order, number, action).expect("legal");
}

pub(super) fn two_nodes() -> World {
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 10).expect("received");
        limited(&world, node, 5);
    }
    minded(&world);
    assert_eq!(nodes(&world, &place(&world, order_by("a", "rules", 4))), ["east"]);
    world
}

#[test]
fn a_shipment_that_is_moved_is_work_of_the_other_node_and_of_the_first_when_it_comes_back() {
    let (world, live) = counted(two_nodes());
    assert_eq!(live, [1, 0]);
    step(&world, 1, FulfillmentAction::Move { node: text("west") });
    let (world, live) = counted(world);
    assert_eq!(live, [0, 1]);
    step(&world, 1, FulfillmentAction::Move { node: text("east") });
    let (world, live) = counted(world);
    assert_eq!(live, [1, 0]);
    // Without a restart in between as well.
    step(&world, 1, FulfillmentAction::Move { node: text("west") });
    step(&world, 1, FulfillmentAction::Move { node: text("east") });
    assert_eq!(counted(world).1, [1, 0]);
}

#[test]
fn parts_of_a_shipment_count_each_until_they_are_one_again() {
    let world = two_nodes();
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
    step(&world, 1, FulfillmentAction::Split { lines });
    let (world, live) = counted(world);
    assert_eq!(live, [2, 0]);
    let order = world.engine.order("a").expect("there");
    let other = FulfillmentKey { order: order.key, number: 2 };
    step(&world, 1, FulfillmentAction::Merge { with: text(&other.to_string()) });
    assert_eq!(counted(world).1, [1, 0]);
}

#[test]
fn parts_of_an_order_count_each_until_they_are_one_again() {
    let world = two_nodes();
    let all_but = |units| vec![CancelUnits { line: text("1"), quantity: quantity(units), from: None }];
    let split =
        SplitOrder { order: text("a"), id: Some(text("b")), channel_order_id: None, fingerprint: 0, lines: all_but(1) };
    world.run(Command::SplitOrder(split)).expect("split");
    let (world, live) = counted(world);
    assert_eq!(live, [2, 0]);
    // What goes over is a shipment of its own still.
    world.run(Command::MergeOrders(MergeOrders { order: text("a"), with: text("b") })).expect("merged");
    let (world, live) = counted(world);
    assert_eq!(live, [2, 0]);
    world.run(Command::CancelOrder(CancelOrder { order: text("a"), lines: None, reason: text("no") })).expect("over");
    assert_eq!(counted(world).1, [0, 0]);
}

#[test]
fn what_is_over_takes_no_memory() {
    let entries = |world: &World| world.engine.network.read().expect("nobody panicked").workloads.entries();
    let world = two_nodes();
    let second = place(&world, order_by("b", "rules", 1));
    assert_eq!(entries(&world), (1, 2), "a day, two orders");
    world.cancel(&second, None).expect("cancelled");
    assert_eq!(entries(&world), (1, 1));
    world.later(9 * DAY_MS / 1_000);
    world.engine.expire_due(&*world.log);
    assert_eq!(entries(&world), (0, 0));
    place(&world, order_by("c", "rules", 1));
    assert_eq!((entries(&world), used(&world, "east")), ((1, 1), 1));
}

#[test]
fn an_order_that_is_kept_back_takes_a_place_of_the_day_on_which_it_is_released() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    limited(&world, "east", 1);
    minded(&world);
    let now = world.log.now().wall;
    let release_at = Some(WallTime(now.0 + 2 * DAY_MS));
    let later = |id: &str| {
        let order = order_by(id, "rules", 1);
        PlaceOrder { wishes: Wishes { release_at, ..order.wishes.clone() }, ..order }
    };
    let on = |day: i32| world.engine.work_on("east", utc_day(now) + day);
    assert_eq!(nodes(&world, &place(&world, later("a"))), ["east"]);
    assert_eq!([on(0), on(2)], [0, 1]);
    assert_eq!(nodes(&world, &place(&world, order_by("b", "rules", 1))), ["east"], "today there is room");
    assert_eq!(place(&world, later("c")).totals().backordered, 1, "that day there is none");
    assert_eq!([on(0), on(2)], [1, 1]);
    world.check();
}
