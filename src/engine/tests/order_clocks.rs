//! What the clock does to orders by policy: cancels what nobody paid for or nobody has, lets what left and is heard of no
//! more count as delivered; before and after a restart, and whenever the policy was put.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::FulfillmentKey;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus, OrderType};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::payment::PaymentMark;
use crate::domain::policy::RejectionPolicy;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
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
    world.engine.order(&order.name()).expect("known").as_ref().clone()
}

fn pay(world: &World, order: &Order, mark: PaymentMark) {
    report(world, order, mark, order.due());
}

fn report(world: &World, order: &Order, mark: PaymentMark, amount: i64) {
    let amount = Money { amount, currency: Currency::USD };
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

type Happens = fn(&mut World, &Order);

/// An order paid in full or authorized, and what happens to it that takes it below what is due.
const PAID_ONCE: [(PaymentMark, Happens); 6] = [
    (PaymentMark::Paid, |world, order| {
        ship(world, order);
        report(world, order, PaymentMark::Refunded, 100);
    }),
    (PaymentMark::Paid, |world, order| report(world, order, PaymentMark::Refunded, 10)),
    (PaymentMark::Paid, add_a_unit),
    (PaymentMark::Authorized, |world, order| {
        add_a_unit(world, order);
        report(world, order, PaymentMark::Failed, 300);
    }),
    (PaymentMark::Paid, |world, order| {
        let fresh = world.order(&[("phone", 1)], None).expect("enough");
        let merge = MergeOrders { order: text(&order.name()), with: text(&fresh.name()) };
        world.run(Command::MergeOrders(merge)).expect("they can");
    }),
    (PaymentMark::Authorized, |world, order| report(world, order, PaymentMark::Failed, 200)),
];

fn add_a_unit(world: &mut World, order: &Order) {
    let unit_price = Money { amount: 100, currency: Currency::USD };
    let change = EditChange::Add { id: None, sku: text("phone"), quantity: quantity(1), unit_price };
    let open = OpenEdit { order: text(&order.name()), changes: vec![change] };
    world.run(Command::OpenEdit(open)).expect("enough");
    let end = EndEdit { order: text(&order.name()), edit: text("edit-1"), outcome: EditOutcome::Confirm };
    world.run(Command::EndEdit(end)).expect("as planned");
}

#[test]
fn what_was_paid_for_once_is_never_cancelled_as_unpaid() {
    for (at, (mark, happens)) in PAID_ONCE.into_iter().enumerate() {
        for (in_time, restarts) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut world = World::new();
            decide(&world, OrderClocks { cancel_unpaid_after_s: Some(3_600), ..OrderClocks::default() });
            world.stock("phone", "east", 9).expect("room");
            let order = world.order(&[("phone", 1), ("case", 1)], None).expect("a case waits");
            pay(&world, &order, mark);
            let mut world = tick(world, if in_time { 60 } else { 4_000 }, restarts);
            happens(&mut world, &order);
            let world = tick(tick(world, 0, restarts), 8_000, restarts);
            assert_eq!(now_of(&world, &order).totals().cancelled, 0, "case {at}, in time: {in_time}");
        }
    }
}

#[test]
fn what_is_merged_into_an_order_has_its_time_to_be_paid() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, OrderClocks { cancel_unpaid_after_s: Some(3_600), ..OrderClocks::default() });
        world.stock("phone", "east", 9).expect("room");
        let order = world.order(&[("phone", 1)], None).expect("enough");
        let mut world = tick(world, 3_000, restarts);
        let fresh = world.order(&[("phone", 1)], None).expect("enough");
        let merge = MergeOrders { order: text(&order.name()), with: text(&fresh.name()) };
        world.run(Command::MergeOrders(merge)).expect("they can");
        let world = tick(world, 3_599, restarts);
        assert_eq!(now_of(&world, &order).totals().cancelled, 0);
        let world = tick(world, 1, restarts);
        assert_eq!(now_of(&world, &order).status(), OrderStatus::Cancelled);
    }
}

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("it is taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_waited_for_its_release_is_looked_for_from_then_on() {
    for restarts in [false, true] {
        let world = World::new();
        decide(&world, OrderClocks { cancel_waiting_after_s: Some(3_600), ..OrderClocks::default() });
        world.unreleased("novel", 10_000);
        let early = PlaceOrder { kind: OrderType::PreOrder, ..World::order_of("early", &[("novel", 1)], None) };
        let order = place(&world, early);
        let world = tick(world, 10_000, restarts);
        let world = tick(world, 3_599, restarts);
        assert_eq!((now_of(&world, &order).totals().backordered, now_of(&world, &order).totals().cancelled), (1, 0));
        let world = tick(world, 1, restarts);
        assert_eq!(now_of(&world, &order).status(), OrderStatus::Cancelled);
    }
}

#[test]
fn what_waits_for_its_customers_word_is_not_cancelled_as_nobody_has_it() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, OrderClocks { cancel_waiting_after_s: Some(3_600), ..OrderClocks::default() });
        let policy = PutPolicy::Rejection { delivery_method: text("ship"), policy: RejectionPolicy::AskCustomer };
        world.run(Command::PutPolicy(policy)).expect("good");
        world.stock("phone", "east", 1).expect("room");
        let order = world.order(&[("phone", 1), ("case", 1)], None).expect("a case waits");
        world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("legal");
        let world = tick(world, 8_000, restarts);
        let waits = now_of(&world, &order);
        assert_eq!((waits.awaits_customer, waits.totals().cancelled), (true, 0));
        world.cancel(&order, Some(&[("1", 1)])).expect("it lies unallocated");
        let world = tick(world, 0, restarts);
        assert_eq!(now_of(&world, &order).status(), OrderStatus::Cancelled, "nobody is asked about the case");
    }
}

#[test]
fn what_is_split_off_is_not_cancelled_as_unpaid() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, OrderClocks { cancel_unpaid_after_s: Some(3_600), ..OrderClocks::default() });
        world.stock("phone", "east", 2).expect("room");
        let order = world.order(&[("phone", 2)], None).expect("enough");
        let world = tick(world, 1_000, restarts);
        let split = SplitOrder {
            order: text(&order.name()),
            id: Some(text("part")),
            channel_order_id: None,
            fingerprint: 0,
            lines: vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }],
        };
        world.run(Command::SplitOrder(split)).expect("one stays");
        let statuses =
            |world: &World| [world.engine.order("part").expect("known").status(), now_of(world, &order).status()];
        let world = tick(world, 2_600, restarts);
        assert_eq!(statuses(&world), [OrderStatus::FullyAllocated, OrderStatus::Cancelled]);
        let world = tick(world, 1_000, restarts);
        assert_eq!(
            statuses(&world),
            [OrderStatus::FullyAllocated, OrderStatus::Cancelled],
            "its money lies with the first"
        );
    }
}

fn shipped(world: &mut World) -> Order {
    world.stock("phone", "east", 1).expect("room");
    let order = world.order(&[("phone", 1)], None).expect("enough");
    ship(world, &order);
    order
}

fn ship(world: &World, order: &Order) {
    pack(world, order);
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    world.fulfill(order, 1, FulfillmentAction::Ship { shipment }).expect("its next step");
}

fn pack(world: &World, order: &Order) {
    for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
        world.fulfill(order, 1, action).expect("its next step");
    }
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
fn what_left_together_counts_as_delivered_together() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, OrderClocks { deliver_after_s: Some(DAY_S as u32), ..OrderClocks::default() });
        world.stock("phone", "east", 2).expect("room");
        let orders = [(); 2].map(|()| world.order(&[("phone", 1)], None).expect("enough"));
        let join = Consolidate { order: text(&orders[0].name()), with: vec![text(&orders[1].name())] };
        world.run(Command::Consolidate(join)).expect("one customer, one address");
        pack(&world, &orders[0]);
        pack(&world, &orders[1]);
        let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
        world.fulfill(&orders[0], 1, FulfillmentAction::Ship { shipment }).expect("both are packed");
        let world = tick(world, DAY_S, restarts);
        let statuses = orders.each_ref().map(|order| now_of(&world, order).fulfillment(1).expect("there").status);
        assert_eq!(statuses, [FulfillmentStatus::Delivered; 2]);
    }
}

#[test]
fn what_was_missed_and_is_on_its_way_again_counts_as_delivered_in_its_time() {
    for (wrong, restarts) in [TrackingStatus::Failure, TrackingStatus::AvailableForPickup]
        .into_iter()
        .flat_map(|wrong| [(wrong, false), (wrong, true)])
    {
        let mut world = World::new();
        decide(&world, OrderClocks { deliver_after_s: Some(10 * DAY_S as u32), ..OrderClocks::default() });
        let order = shipped(&mut world);
        scan(&world, &order, wrong);
        let world = tick(world, 20 * DAY_S, restarts);
        scan(&world, &order, TrackingStatus::InTransit);
        let status = |world: &World| now_of(world, &order).fulfillment(1).expect("there").status;
        let world = tick(world, 10 * DAY_S - 1, restarts);
        assert_eq!(status(&world), FulfillmentStatus::Shipped);
        let world = tick(world, 1, restarts);
        assert_eq!(status(&world), FulfillmentStatus::Delivered);
    }
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
