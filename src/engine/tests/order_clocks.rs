//! What the clock does to orders by policy: cancels what nobody paid for or nobody has, lets what left and is heard of no
//! more count as delivered; before and after a restart, and whenever the policy was put.

use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::FulfillmentKey;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::payment::PaymentMark;
use crate::domain::record::Log;
use crate::domain::tracking::{Scan, TrackingStatus};

const DAY_S: i64 = 86_400;

fn decide(world: &World, clocks: OrderClocks) {
    world.run(Command::PutPolicy(PutPolicy::Clocks { delivery_method: text("ship"), clocks })).expect("good");
}

fn tick(world: World, seconds: i64, restarts: bool) -> World {
    let world = if restarts { world.restart() } else { world };
    world.later(seconds);
    let world = if restarts { world.restart() } else { world };
    world.engine.expire_due(&*world.log);
    world.check();
    world
}

fn now_of(world: &World, order: &Order) -> Order {
    world.engine.order(&order.name()).expect("known")
}

fn pay(world: &World, order: &Order, mark: PaymentMark) {
    let amount = Money { amount: order.due(), currency: Currency::USD };
    world.run(Command::ReportPayment(ReportPayment { order: text(&order.name()), mark, amount })).expect("good");
}

/// With and without a restart; with the policy put before the orders and after.
fn each_way(test: impl Fn(bool, bool)) {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .for_each(|(late, again)| test(late, again));
}

#[test]
fn what_nobody_paid_for_in_time_is_cancelled_and_its_stock_is_free() {
    each_way(|late, restarts| {
        let mut world = World::new();
        let clocks = OrderClocks { cancel_unpaid_after_s: Some(3_600), ..OrderClocks::default() };
        if !late {
            decide(&world, clocks);
        }
        world.stock("phone", "east", 4).expect("room");
        let unpaid = world.order(&[("phone", 1)], None).expect("enough");
        let paid = world.order(&[("phone", 1)], None).expect("enough");
        let waits = world.order(&[("case", 1)], None).expect("waits");
        pay(&world, &paid, PaymentMark::Authorized);
        pay(&world, &waits, PaymentMark::Failed);
        if late {
            decide(&world, clocks);
        }
        let world = tick(world, 3_599, restarts);
        assert_eq!((now_of(&world, &unpaid).version, world.atp("phone")), (unpaid.version, 2));
        let world = tick(world, 1, restarts);
        let statuses = [&unpaid, &paid, &waits].map(|order| now_of(&world, order).status());
        assert_eq!(statuses, [OrderStatus::Cancelled, OrderStatus::FullyAllocated, OrderStatus::Cancelled]);
        assert_eq!(world.atp("phone"), 3);
        let told = now_of(&world, &unpaid).history.last().cloned().expect("a story");
        assert_eq!((told.reason.as_deref(), &*told.actor), (Some("unpaid"), "clock"));
    });
}

#[test]
fn what_nobody_has_is_cancelled_so_long_after_it_was_looked_for() {
    each_way(|late, restarts| {
        let mut world = World::new();
        let clocks = OrderClocks { cancel_waiting_after_s: Some(3_600), ..OrderClocks::default() };
        if !late {
            decide(&world, clocks);
        }
        world.stock("phone", "east", 2).expect("room");
        let in_part = world.order(&[("phone", 3)], None).expect("one waits");
        if late {
            decide(&world, clocks);
        }
        let world = tick(world, 3_000, restarts);
        // What its node gives back is looked for anew, and finds nobody.
        world.fulfill(&in_part, 1, FulfillmentAction::Reject { reason: text("too_busy") }).expect("submitted");
        let world = tick(world, 3_000, restarts);
        assert_eq!(now_of(&world, &in_part).totals().cancelled, 0, "it was looked for again");
        let world = tick(world, 600, restarts);
        let order = now_of(&world, &in_part);
        assert_eq!((order.totals().cancelled, order.status()), (3, OrderStatus::Cancelled));
    });
}

#[test]
fn what_can_be_had_is_not_cancelled_with_what_cannot() {
    let mut world = World::new();
    decide(&world, OrderClocks { cancel_waiting_after_s: Some(60), ..OrderClocks::default() });
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 3), ("case", 1)], None).expect("some wait");
    let world = tick(world, 60, false);
    let totals = now_of(&world, &order).totals();
    assert_eq!((totals.allocated, totals.cancelled), (2, 2));
}

fn shipped(world: &mut World) -> Order {
    world.stock("phone", "east", 1).expect("room");
    let order = world.order(&[("phone", 1)], None).expect("enough");
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    for action in [
        FulfillmentAction::Accept,
        FulfillmentAction::Pick { lines: None },
        FulfillmentAction::Pack,
        FulfillmentAction::Ship { shipment },
    ] {
        world.fulfill(&order, 1, action).expect("its next step");
    }
    order
}

fn scan(world: &World, order: &Order, status: TrackingStatus) {
    let fulfillment = text(&FulfillmentKey { order: order.key, number: 1 }.to_string());
    let scans = vec![Scan { at: world.log.now().wall, status, id: None, place: None, text: None }];
    let action = FulfillmentAction::Track { scans, estimated_at: None };
    world.run(Command::Fulfill(Fulfill { fulfillment, action })).expect("news");
}

#[test]
fn what_left_and_is_heard_of_no_more_counts_as_delivered() {
    each_way(|late, restarts| {
        let mut world = World::new();
        let clocks = OrderClocks { deliver_after_s: Some(10 * DAY_S as u32), ..OrderClocks::default() };
        if !late {
            decide(&world, clocks);
        }
        let (silent, seen, missed) = (shipped(&mut world), shipped(&mut world), shipped(&mut world));
        let world = tick(world, 4 * DAY_S, restarts);
        scan(&world, &seen, TrackingStatus::InTransit);
        scan(&world, &missed, TrackingStatus::Failure);
        if late {
            decide(&world, clocks);
        }
        let statuses = |world: &World| {
            [&silent, &seen, &missed].map(|order| now_of(world, order).fulfillment(1).expect("there").status)
        };
        let (left, there) = (FulfillmentStatus::Shipped, FulfillmentStatus::Delivered);
        let world = tick(world, 6 * DAY_S - 1, restarts);
        assert_eq!(statuses(&world), [left; 3]);
        let world = tick(world, 1, restarts);
        assert_eq!(statuses(&world), [there, left, left]);
        let world = tick(world, 5 * DAY_S, restarts);
        assert_eq!(statuses(&world), [there, there, left], "somebody has to look at what was missed");
    });
}

#[test]
fn without_a_policy_the_clock_cancels_and_delivers_nothing() {
    let mut world = World::new();
    let left = shipped(&mut world);
    let waits = world.order(&[("case", 1)], None).expect("waits");
    let world = tick(world, 400 * DAY_S, true);
    assert_eq!(now_of(&world, &left).fulfillment(1).expect("there").status, FulfillmentStatus::Shipped);
    assert_eq!(now_of(&world, &waits).totals().cancelled, 0);
}
