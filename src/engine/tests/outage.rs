//! A node is switched off: what it had not begun goes elsewhere, what it had stays.

use std::sync::atomic::Ordering;

use super::world::{World, text};
use crate::domain::closure::Closure;
use crate::domain::command::*;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::FulfillmentStatus::{Accepted, Incomplete, Picked, Submitted};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::time::WallTime;

fn switch(world: &World, node: &str, active: bool) {
    let reason = (!active).then(|| text("flooded"));
    let patch = NodePatch { active: Some(active), inactive_reason: reason, ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("a known node");
}

/// The clock comes by, before or after a restart.
fn now(world: &World, order: &Order) -> Order {
    world.engine.order(&order.name()).expect("it is there").as_ref().clone()
}

#[test]
fn what_a_node_has_not_begun_goes_elsewhere_when_it_is_switched_off() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 10).expect("room");
        let orders: Vec<Order> = (0..3).map(|_| world.order(&[("phone", 2)], None).expect("enough")).collect();
        world.fulfill(&orders[1], 1, FulfillmentAction::Accept).expect("legal");
        world.fulfill(&orders[2], 1, FulfillmentAction::Accept).expect("legal");
        world.fulfill(&orders[2], 1, FulfillmentAction::Pick { lines: None }).expect("legal");
        world.stock("phone", "west", 3).expect("room");
        switch(&world, "east", false);
        let world = world.later_on(0, restarts);

        let went = now(&world, &orders[0]);
        let stands: Vec<_> = went.fulfillment_orders.iter().map(|f| f.status).collect();
        assert_eq!(stands, [Incomplete, Submitted]);
        assert_eq!(went.fulfillment_orders[0].reason.as_deref(), Some("flooded"));
        assert!(went.fenced.is_empty(), "the node may be asked again when it is back");
        // One unit is left elsewhere, the other waits and is served when the node is back.
        let waits = now(&world, &orders[1]);
        assert_eq!((waits.lines[0].backordered, waits.fulfillment_orders.len()), (1, 2));
        assert_eq!(now(&world, &orders[2]).fulfillment_orders[0].status, Picked, "what was begun stays");
        assert_eq!((world.level("phone", "east").available, world.atp("phone")), (8, 0));
        switch(&world, "east", true);
        let world = world.later_on(0, restarts);
        assert_eq!(now(&world, &orders[1]).lines[0].backordered, 0);
        assert_eq!(world.atp("phone"), 7);
    }
}

#[test]
fn a_node_is_closed_and_opened_by_its_calendar_of_closures_and_by_hand_meanwhile() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 10).expect("room");
        let start = world.log.now().wall;
        let at = |seconds: i64| WallTime(start.0 + seconds * 1_000);
        let closure =
            |from, until| Closure { from: at(from), until: at(until), reason: text("stocktaking"), begun: false };
        let put = |world: &World, closures: Vec<Closure>| {
            world.run(Command::PutPolicy(PutPolicy::Closures { node: text("east"), closures })).expect("a known node");
        };
        put(&world, vec![closure(60, 120), closure(300, 400), closure(500, 600)]);
        let order = world.order(&[("phone", 2)], None).expect("enough");
        let is_open = |world: &World| {
            let known = world.engine.catalogue(|c| c.node(c.node_index("east").expect("there")).clone());
            assert_eq!(known.inactive_reason.is_some(), !known.active);
            known.active
        };
        let later = |world: World, seconds: i64| {
            world.later(seconds);
            world.later_on(0, restarts)
        };
        let world = later(world, 59);
        assert!(is_open(&world), "a second is left");
        let world = later(world, 1);
        assert!(!is_open(&world));
        assert_eq!(now(&world, &order).lines[0].backordered, 2, "what it had not begun waits");
        let world = later(world, 59);
        assert!(!is_open(&world));
        let world = later(world, 1);
        assert!(is_open(&world));
        assert_eq!(now(&world, &order).lines[0].backordered, 0);
        // Somebody opens it before its time: it stays so.
        let world = later(world, 190);
        assert!(!is_open(&world));
        switch(&world, "east", true);
        let world = later(world, 10);
        assert!(is_open(&world));
        // Somebody closes it for another reason: it stays so.
        let world = later(world, 190);
        assert!(!is_open(&world), "restarts {restarts}");
        switch(&world, "east", false);
        let world = later(world, 100);
        assert!(!is_open(&world), "it is flooded");
        switch(&world, "east", true);
        // A closure that is taken back after its begin is over.
        let begins = (world.log.now().wall.0 - start.0) / 1_000 + 10;
        put(&world, vec![closure(begins, begins + 1_000)]);
        let world = later(world, 10);
        assert!(!is_open(&world));
        put(&world, Vec::new());
        let world = world.later_on(0, restarts);
        assert!(is_open(&world));
        let east = world.engine.catalogue(|c| c.node_index("east").expect("there"));
        assert!(world.engine.catalogue(|c| c.policies().closures(east).is_empty()), "what is over is forgotten");
    }
}

#[test]
fn work_without_stock_stays_until_its_own_node_is_switched_off() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.item("setup", crate::domain::item::ItemKind::Service, &[]);
        let order = world.order(&[("setup", 1)], None).expect("it needs no stock");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        switch(&world, "east", false);
        let world = world.later_on(0, restarts);
        assert_eq!(now(&world, &order).fulfillment_orders.len(), 1, "another node is no matter of its");
        switch(&world, "virtual", false);
        let world = world.later_on(0, restarts);
        let waits = now(&world, &order);
        assert_eq!((waits.fulfillment_orders[0].status, waits.lines[0].backordered), (Incomplete, 1));
        switch(&world, "virtual", true);
        let world = world.later_on(0, restarts);
        assert_eq!(now(&world, &order).fulfillment_orders[1].status, Submitted);
    }
}

#[test]
fn a_node_that_is_switched_on_again_at_once_keeps_its_work() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    switch(&world, "east", false);
    switch(&world, "east", true);
    let world = world.later_on(0, false);
    assert_eq!(now(&world, &order).fulfillment_orders[0].status, Accepted);
}

#[test]
fn of_many_orders_each_is_sourced_again_or_waits() {
    let mut world = World::new();
    world.stock("phone", "east", 300).expect("room");
    world.stock("phone", "west", 150).expect("room");
    let orders: Vec<Order> = (0..300).map(|_| world.order(&[("phone", 1)], None).expect("enough")).collect();
    switch(&world, "east", false);
    let at = world.log.now().journal;
    while world.engine.expire_due(&*world.log).is_some_and(|again| again <= at) {}
    world.check();
    let waiting: u32 = orders.iter().map(|order| now(&world, order).lines[0].backordered).sum();
    let standing =
        |order: &Order| now(&world, order).fulfillment_orders.iter().filter(|f| f.status == Submitted).count();
    let sourced: usize = orders.iter().map(standing).sum();
    assert_eq!((waiting, sourced), (150, 150));
}

#[test]
fn what_is_too_large_to_leave_a_closed_node_in_one_record_stays_there_as_a_case() {
    for restarts in [false, true] {
        let mut world = World::new();
        for sku in ["phone", "case"] {
            world.stock(sku, "east", 10).expect("room");
        }
        let large = world.order(&[("phone", 2), ("case", 1)], None).expect("enough");
        let small = world.order(&[("phone", 1)], None).expect("enough");
        switch(&world, "east", false);
        let world = if restarts { world.restart() } else { world };
        let case = |world: &World| {
            let subject = Subject::Fulfillment(FulfillmentKey { order: large.key, number: 1 });
            let case = world.engine.exception_by_key(ExceptionKey { kind: ExceptionKind::NodeClosed, subject });
            case.map(|case| case.is_open())
        };
        world.log.events_max.store(2, Ordering::SeqCst);
        let world = world.later_on(0, false);
        assert_eq!((now(&world, &large).fulfillment_orders[0].status, case(&world)), (Submitted, Some(true)));
        assert_eq!(now(&world, &small).fulfillment_orders[0].status, Incomplete, "nobody waits for it");
        world.log.events_max.store(0, Ordering::SeqCst);
        let world = if restarts { world.restart() } else { world };
        // The next look finds room for it.
        switch(&world, "east", true);
        switch(&world, "east", false);
        let world = world.later_on(0, false);
        world.later(61);
        let world = world.later_on(0, restarts);
        assert_eq!((now(&world, &large).fulfillment_orders[0].status, case(&world)), (Incomplete, Some(false)));
    }
}
