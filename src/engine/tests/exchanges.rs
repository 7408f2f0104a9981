//! What a customer gets instead of what he returns, and its money, whatever becomes of either; and that no money of a return
//! goes back twice.

use super::returns::*;
use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::Shipment;
use crate::domain::hold::HoldState;
use crate::domain::ids::OrderKey;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::payment::{Paid, PaymentMark, PaymentState};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::return_policy::{RefundAt, ReturnPolicy};
use crate::domain::returns::{Condition, Disposition, Return, ReturnStatus};

/// A return of so many phones for so many cases at 130 each, which are in the north.
pub(super) fn exchanged(world: &World, order: &Order, phones: u32, cases: u32) -> Return {
    world.stock("case", "north", cases.cast_signed()).expect("room");
    let wanted = WantedInstead { sku: text("case"), quantity: quantity(cases), unit_price: Some(dollars(130)) };
    let known = request(world, RequestReturn { exchange: vec![wanted], ..asked(order, &[("1", phones)]) });
    let known = known.expect("it was delivered");
    take(world, &known, approve()).expect("it was requested")
}

fn missing(n: u32) -> ReturnedUnits {
    units("1", n, Some(Condition::Missing), Some(Disposition::Missing))
}

fn report(world: &World, order: &Order, mark: PaymentMark, amount: i64) {
    let report = ReportPayment { order: text(&order.name()), mark, amount: dollars(amount) };
    world.run(Command::ReportPayment(report)).expect("money may come and go");
}

fn is_case(world: &World, kind: ExceptionKind, order: OrderKey) -> bool {
    let key = ExceptionKey { kind, subject: Subject::Order(order) };
    world.engine.exception_by_key(key).is_some_and(|case| case.is_open())
}

fn cancel(world: &World, order: &Order) -> Result<Reply, Rejection> {
    let (order, reason) = (text(&order.name()), text("changed his mind"));
    world.run(Command::CancelOrder(CancelOrder { order, lines: None, reason }))
}

/// A return of which nothing came ends: by the clock, or because somebody says so.
pub(super) fn call_off(world: &World, known: &Return, expires: bool) {
    if expires {
        world.later(DAY_S + 1);
        world.engine.expire_due(&*world.log);
        world.check();
    } else {
        take(world, known, ReturnAction::Cancel(None)).expect("nothing came");
    }
}

fn again(world: World, restarts: bool) -> World {
    if restarts { world.restart() } else { world }
}

fn now_of(world: &World, known: &Return) -> Return {
    world.engine.return_by_key(known.key).expect("it is there")
}

/// The money of the order, of what replaces it, and what is due of that.
fn money(world: &World, known: &Return) -> (i64, i64, i64) {
    let instead = replacement(world, known);
    (kept(&order_of(world, known)), kept(&instead), instead.due())
}

fn is_held(order: &Order) -> bool {
    order.holds.iter().any(|hold| hold.state == HoldState::Active)
}

fn leave(world: &World, order: &Order) -> Result<Order, Rejection> {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("2") };
    world.fulfill(order, 1, FulfillmentAction::Accept)?;
    world.fulfill(order, 1, FulfillmentAction::Pick { lines: None })?;
    world.fulfill(order, 1, FulfillmentAction::Pack)?;
    world.fulfill(order, 1, FulfillmentAction::Ship { shipment })
}

#[test]
fn nothing_leaves_instead_of_what_did_not_come_until_it_is_paid_for() {
    for restarts in [false, true] {
        // Units that come, of one and of three; what goes over, and what is left to pay.
        for (phones, came, over) in [(1, 0, 0), (3, 2, 200)] {
            let mut world = World::new();
            let order = delivered(&mut world, &[("phone", phones)]);
            let known = exchanged(&world, &order, phones, phones);
            let mut parts = vec![missing(phones - came)];
            parts.extend((came > 0).then(|| restocked("1", came)));
            let known = take(&world, &known, receipt("west", parts)).expect("so much comes");
            let world = again(world, restarts);
            let price = 130 * i64::from(phones);
            assert_eq!(money(&world, &known), (100 * i64::from(phones) - over, over, price));
            let instead = replacement(&world, &known);
            assert!(is_held(&instead), "it is neither paid nor covered");
            assert!(is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key));
            assert!(matches!(leave(&world, &instead), Err(Rejection::OnHold { .. })));
            report(&world, &instead, PaymentMark::Paid, price - over - 1);
            assert!(is_held(&replacement(&world, &known)), "a cent is missing");
            let world = again(world, restarts);
            report(&world, &instead, PaymentMark::Paid, 1);
            assert!(!is_held(&replacement(&world, &known)));
            leave(&world, &instead).expect("it is paid for");
            world.later(61);
            world.engine.expire_due(&*world.log);
            assert!(!is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key), "it is over");
        }
    }
}

#[test]
fn who_wants_nothing_instead_any_more_gets_his_money() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 1)]);
        let known = exchanged(&world, &order, 1, 1);
        let none = take(&world, &known, ReturnAction::Refund(dollars(1)));
        assert!(matches!(none, Err(Rejection::NotRefundable { refundable: 0, .. })), "{none:?}");
        cancel(&world, &replacement(&world, &known)).expect("it waits");
        let world = again(world, restarts);
        assert_eq!(now_of(&world, &known).refundable(), 100, "nothing is kept for it");
        let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        assert_eq!(known.status(), ReturnStatus::Dispositioned, "money is due");
        let known = take(&world, &known, ReturnAction::Refund(dollars(100))).expect("it was paid");
        assert_eq!((known.status(), money(&world, &known)), (ReturnStatus::Closed, (0, 0, 0)));
        assert_eq!(order_of(&world, &known).payment_state(), PaymentState::Refunded);
    }
}

#[test]
fn the_clock_leaves_alone_what_waits_for_what_it_replaces() {
    let mut world = World::new();
    let clocks = OrderClocks {
        cancel_unpaid_after_s: Some(3_600),
        cancel_waiting_after_s: Some(3_600),
        ..OrderClocks::default()
    };
    world.run(Command::PutPolicy(PutPolicy::Clocks { delivery_method: text("ship"), clocks })).expect("good");
    let order = delivered(&mut world, &[("phone", 1)]);
    let wanted = WantedInstead { sku: text("cable"), quantity: quantity(1), unit_price: Some(dollars(130)) };
    let known = request(&world, RequestReturn { exchange: vec![wanted], ..asked(&order, &[("1", 1)]) });
    let known = take(&world, &known.expect("it was delivered"), approve()).expect("it was requested");
    let tick = |world: World, seconds: i64| {
        world.later(seconds);
        let world = world.restart();
        world.engine.expire_due(&*world.log);
        world.check();
        world
    };
    let world = tick(world, 9 * DAY_S);
    let instead = replacement(&world, &known);
    let waits = (OrderStatus::Backordered, true);
    assert_eq!((instead.status(), is_held(&instead)), waits, "it is neither paid nor to be had, and left alone");
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    let world = tick(world, 3_599);
    let instead = replacement(&world, &known);
    let waits = (OrderStatus::Backordered, false);
    assert_eq!((instead.status(), is_held(&instead)), waits, "its time began when that came");
    let world = tick(world, 1);
    assert_eq!(replacement(&world, &known).status(), OrderStatus::Cancelled);
}

#[test]
fn what_left_before_its_return_was_called_off_is_owed_in_full() {
    for restarts in [false, true] {
        for has_left in [false, true] {
            for expires in [false, true] {
                let mut world = World::new();
                let at_once = ReturnPolicy { exchange_at_once: true, expires_days: Some(1), ..ReturnPolicy::default() };
                policy(&world, at_once);
                let order = delivered(&mut world, &[("phone", 1)]);
                let known = exchanged(&world, &order, 1, 1);
                let instead = replacement(&world, &known);
                assert_eq!((is_held(&instead), money(&world, &known)), (false, (0, 100, 130)), "the money goes ahead");
                if has_left {
                    leave(&world, &instead).expect("at once");
                }
                let world = again(world, restarts);
                call_off(&world, &known, expires);
                let world = again(world, restarts);
                let due = if has_left { 130 } else { 0 };
                assert_eq!(money(&world, &known), (100, 0, due), "his money is that of what he keeps");
                assert_eq!(is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key), has_left);
                let status = replacement(&world, &known).status();
                assert_eq!(status == OrderStatus::Cancelled, !has_left, "{status:?}");
                assert_eq!(order_of(&world, &known).returnable(0), 1, "it may come later");
            }
        }
    }
}

#[test]
fn what_goes_ahead_of_units_that_are_missing_is_owed() {
    let mut world = World::new();
    policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = exchanged(&world, &order, 3, 3);
    let instead = replacement(&world, &known);
    leave(&world, &instead).expect("at once");
    assert_eq!(money(&world, &known), (0, 300, 390));
    take(&world, &known, receipt("west", vec![missing(1), restocked("1", 1)])).expect("it comes");
    assert_eq!(money(&world, &known), (100, 200, 390), "for one of them nothing pays");
    assert!(!is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key), "one may still come");
    let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    assert!(is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key));
    assert_eq!(known.status(), ReturnStatus::Closed);
}

fn before_shipping(world: &World) {
    let channel = PutChannel {
        id: text("web"),
        name: text("web"),
        nodes: None,
        customers: Vec::new(),
        limits: Vec::new(),
        payment_before: PaymentBefore { ship: Some(PaymentMark::Paid), ..PaymentBefore::default() },
        payment_methods: Vec::new(),
    };
    world.run(Command::PutChannel(Box::new(channel))).expect("a good channel");
}

#[test]
fn the_rest_of_an_order_ships_when_a_part_of_it_was_refunded() {
    // Refunded after it came, before it came, exchanged at once, or made good where it is.
    for way in ["after", "before", "exchanged", "claimed"] {
        for restarts in [false, true] {
            let mut world = World::new();
            before_shipping(&world);
            policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
            world.stock("phone", "east", 1).expect("room");
            world.stock("case", "west", 1).expect("room");
            let order = world.order(&[("phone", 1), ("case", 1)], None).expect("enough");
            report(&world, &order, PaymentMark::Paid, 200);
            let of_phone = order.fulfillment_orders.iter().position(|f| f.units_of(0) > 0).expect("it has a node");
            let (first, other) = (of_phone as u16 + 1, 2 - of_phone as u16);
            let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
            let ship = FulfillmentAction::Ship { shipment };
            let begin = [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack];
            for number in [first, other] {
                begin.iter().for_each(|step| drop(world.fulfill(&order, number, step.clone()).expect("in turn")));
            }
            world.fulfill(&order, first, ship.clone()).expect("it is paid");
            world.fulfill(&order, first, FulfillmentAction::Deliver).expect("it arrives");
            let order = world.engine.order_by_key(order.key).expect("it is there").as_ref().clone();
            let request = asked(&order, &[("1", 1)]);
            let known = match way {
                "exchanged" => exchanged(&world, &order, 1, 1),
                "claimed" => {
                    super::returns::request(&world, RequestReturn { is_claim: true, ..request }).expect("good")
                }
                _ => super::returns::request(&world, request).expect("it was delivered"),
            };
            if way != "exchanged" {
                take(&world, &known, approve()).expect("it was requested");
            }
            if way == "after" {
                take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
            }
            if way != "exchanged" {
                take(&world, &known, ReturnAction::Refund(dollars(100))).expect("it was paid");
            }
            assert_eq!(kept(&order_of(&world, &known)), 100, "{way}");
            let world = again(world, restarts);
            world.fulfill(&order, other, ship).unwrap_or_else(|no| panic!("{way}: what is left is paid for: {no}"));
        }
    }
}

#[test]
fn money_given_back_otherwise_does_not_pay_for_what_comes_back() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 1)]);
        report(&world, &order, PaymentMark::Refunded, 60);
        let known = exchanged(&world, &order, 1, 1);
        take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        let world = again(world, restarts);
        let instead = replacement(&world, &known);
        assert_eq!((money(&world, &known), is_held(&instead)), ((0, 40, 130), true));
        assert!(is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key));
        report(&world, &instead, PaymentMark::Paid, 90);
        leave(&world, &instead).expect("it is paid for");
        world.fulfill(&instead, 1, FulfillmentAction::Deliver).expect("it arrives");
        // What was got instead can come back for what it cost.
        let instead = replacement(&world, &known);
        let back = request(&world, asked(&instead, &[("1", 1)])).expect("it was delivered");
        take(&world, &back, approve()).expect("it was requested");
        take(&world, &back, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        let back = take(&world, &back, ReturnAction::Refund(dollars(130))).expect("so much was paid");
        assert_eq!(back.status(), ReturnStatus::Closed);
        assert_eq!(money(&world, &known), (0, 0, 130));
    }
}

#[test]
fn what_nobody_ever_paid_of_is_exchanged_for_what_nobody_paid() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    let unpaid = ReportPayment { order: text(&order.name()), mark: PaymentMark::Refunded, amount: dollars(100) };
    world.run(Command::ReportPayment(unpaid)).expect("it was paid");
    let other = {
        world.stock("phone", "east", 1).expect("room");
        world.order(&[("phone", 1)], None).expect("enough")
    };
    leave(&world, &other).expect("nobody wants money first");
    world.fulfill(&other, 1, FulfillmentAction::Deliver).expect("it arrives");
    let other = world.engine.order_by_key(other.key).expect("it is there").as_ref().clone();
    for (order, goes) in [(order, false), (other, true)] {
        let known = exchanged(&world, &order, 1, 1);
        take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        assert_eq!((money(&world, &known), !is_held(&replacement(&world, &known))), ((0, 0, 130), goes));
    }
}

#[test]
fn a_unit_is_paid_for_in_full_where_all_but_the_fee_went_back() {
    for (refund, written_off) in [(0, 0), (50, 1), (100, 2), (150, 3)] {
        let mut world = World::new();
        policy(&world, ReturnPolicy { fee_bps: 5_000, ..ReturnPolicy::default() });
        let order = delivered(&mut world, &[("phone", 3)]);
        let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
        take(&world, &known, approve()).expect("it was requested");
        if refund > 0 {
            take(&world, &known, ReturnAction::Refund(dollars(refund))).expect("by its terms");
        }
        let world = world.restart();
        call_off(&world, &known, false);
        let order = order_of(&world, &known);
        assert_eq!((order.overlay(0).written_off, order.returnable(0)), (written_off, 3 - written_off), "{refund}");
    }
}

#[test]
fn a_unit_that_money_went_back_for_never_comes_back_for_money_again() {
    for restarts in [false, true] {
        for expires in [false, true] {
            let mut world = World::new();
            policy(&world, ReturnPolicy { expires_days: Some(1), ..ReturnPolicy::default() });
            let order = delivered(&mut world, &[("phone", 3)]);
            let known = request(&world, asked(&order, &[("1", 2)])).expect("it was delivered");
            take(&world, &known, approve()).expect("it was requested");
            take(&world, &known, ReturnAction::Refund(dollars(150))).expect("by its terms");
            let world = again(world, restarts);
            call_off(&world, &known, expires);
            let order = order_of(&world, &known);
            assert_eq!((order.overlay(0).written_off, order.returnable(0)), (2, 1));
            let more = request(&world, asked(&order, &[("1", 2)]));
            assert!(matches!(more, Err(Rejection::NotReturnable { returnable: 1, .. })), "{more:?}");
        }
    }
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    take(&world, &known, ReturnAction::Refund(dollars(200))).expect("by its terms");
    take(&world, &known, receipt("west", vec![missing(1)])).expect("two may still come");
    assert_eq!(order_of(&world, &known).returnable(0), 1, "money went back for two, and two may come");
    take(&world, &known, receipt("west", vec![missing(1), restocked("1", 1)])).expect("one comes");
    let order = order_of(&world, &known);
    assert_eq!((order.overlay(0).written_off, order.returnable(0)), (1, 1), "for one of the missing money went back");
}

#[test]
fn a_return_waits_for_money_that_is_authorised() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 1).expect("room");
        let order = world.order(&[("phone", 1)], None).expect("enough");
        report(&world, &order, PaymentMark::Authorized, 100);
        leave(&world, &order).expect("nothing is wanted first");
        world.fulfill(&order, 1, FulfillmentAction::Deliver).expect("it arrives");
        let known = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
        take(&world, &known, approve()).expect("it was requested");
        let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        assert_eq!(known.status(), ReturnStatus::Dispositioned, "the money may still be taken");
        let world = again(world, restarts);
        let early = take(&world, &known, ReturnAction::Refund(dollars(100)));
        assert!(matches!(early, Err(Rejection::RefundTooLarge { paid: 0, .. })), "{early:?}");
        report(&world, &order, PaymentMark::Paid, 100);
        let known = take(&world, &known, ReturnAction::Refund(dollars(100))).expect("it was taken");
        assert_eq!((known.status(), kept(&order_of(&world, &known))), (ReturnStatus::Closed, 0));
    }
    // What pays for something else waits for it too.
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    let order = world.order(&[("phone", 1)], None).expect("enough");
    report(&world, &order, PaymentMark::Authorized, 100);
    leave(&world, &order).expect("nothing is wanted first");
    world.fulfill(&order, 1, FulfillmentAction::Deliver).expect("it arrives");
    let known = exchanged(&world, &order, 1, 1);
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    assert_eq!(money(&world, &known), (0, 0, 130));
    report(&world, &order, PaymentMark::Paid, 100);
    assert_eq!((money(&world, &known), now_of(&world, &known).status()), ((0, 100, 130), ReturnStatus::Closed));
}

#[test]
fn what_replaces_a_line_reaches_the_customer_as_that_did() {
    let world = World::new();
    world.stock("phone", "west", 2).expect("room");
    let mut order = World::order_of("mixed", &[("phone", 1), ("phone", 1)], None);
    order.destinations.push(ShipTo { group: text("store"), country: text("CA"), ..order.destinations[0].clone() });
    order.lines[1].group = 1;
    order.wishes.ways = vec![AskedWay { group: 1, method: text("pickup"), node: Some(text("west")) }];
    let placed = world.run(Command::PlaceOrder(Box::new(order))).expect("the west has them");
    let Reply::Order(order) = placed else { panic!("{placed:?}") };
    let number = order.fulfillment_orders.iter().find(|f| f.group == 1).expect("it is collected").number;
    let ready = FulfillmentAction::Ready { until: None };
    let pick = FulfillmentAction::Pick { lines: None };
    for step in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, ready, FulfillmentAction::HandOver] {
        world.fulfill(&order, number, step).expect("in turn");
    }
    let wanted = WantedInstead { sku: text("case"), quantity: quantity(1), unit_price: Some(dollars(130)) };
    world.stock("case", "east", 1).expect("room");
    world.stock("case", "west", 1).expect("room");
    let known = request(&world, RequestReturn { exchange: vec![wanted], ..asked(&order, &[("2", 1)]) });
    let known = take(&world, &known.expect("it was fetched"), approve()).expect("it was requested");
    let instead = replacement(&world, &known);
    assert_eq!((&*instead.facts.delivery_method, &*instead.facts.destinations[0].country), ("pickup", "CA"));
    assert_eq!(instead.fulfillment_orders[0].node, order.fulfillment(number).expect("it is there").node);
}

#[test]
fn what_cannot_be_ordered_instead_is_a_case_until_it_can() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    let wanted = WantedInstead { sku: text("case"), quantity: quantity(1), unit_price: Some(dollars(130)) };
    let known = request(&world, RequestReturn { exchange: vec![wanted], ..asked(&order, &[("1", 1)]) });
    let known = known.expect("it was delivered");
    // Somebody has its id.
    let mut other = World::order_of("taken", &[("cable", 1)], None);
    other.id = Some(text(&format!("{}-exchange", known.key)));
    world.run(Command::PlaceOrder(Box::new(other))).expect("it waits");
    let known = take(&world, &known, approve()).expect("it was requested");
    assert_eq!(known.replacement, None);
    assert!(is_case(&world, ExceptionKind::ExchangeFailed, order.key));
    let records = world.log.records.lock().len();
    world.later(61);
    let world = world.restart();
    world.engine.expire_due(&*world.log);
    world.check();
    assert!(is_case(&world, ExceptionKind::ExchangeFailed, order.key), "it is tried again in vain");
    assert_eq!(world.log.records.lock().len(), records, "and told once");
    take(&world, &known, ReturnAction::Cancel(None)).expect("nothing came");
    world.later(61);
    world.engine.expire_due(&*world.log);
    assert!(!is_case(&world, ExceptionKind::ExchangeFailed, order.key), "nobody wants it any more");
}

#[test]
fn what_is_authorised_beside_stays_so_when_money_goes_over() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2)]);
    report(&world, &order, PaymentMark::Authorized, 70);
    let known = exchanged(&world, &order, 1, 1);
    report(&world, &replacement(&world, &known), PaymentMark::Authorized, 30);
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    let sums = [order_of(&world, &known), replacement(&world, &known)].map(|order| Paid::of(&order.payments));
    assert_eq!(sums.map(|sums| (sums.kept(), sums.authorized)), [(100, 70), (100, 30)]);
}

/// The laws of money: nothing is made of nothing, and what may leave is paid or covered.
fn lawful(world: &World, known: &Return, paid: i64, what: &str) {
    let known = now_of(world, known);
    let order = order_of(world, &known);
    let sums = Paid::of(&order.payments);
    assert!(sums.kept() >= 0 && sums.refunded <= paid, "{what}: {sums:?}");
    let came: i64 = known.lines.iter().map(|line| 100 * i64::from(line.received)).sum();
    assert!(known.credited <= came, "{what}: {} pay for {}", came, known.credited);
    let Some(key) = known.replacement else { return };
    let instead = world.engine.order_by_key(key).expect("it is there");
    let there = Paid::of(&instead.payments);
    assert_eq!(sums.kept() + there.kept() + known.refunded, paid, "{what}: no money is lost");
    let is_his = known.is_back() || there.covers(instead.due(), PaymentMark::Paid);
    assert!(is_held(&instead) || is_his, "{what}: it leaves for nothing");
}

#[test]
fn goods_and_money_of_an_exchange_keep_the_laws_in_every_order_of_six_steps() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = exchanged(&world, &order, 3, 2);
    let steps = |world: &World, step: usize| -> Result<(), Rejection> {
        match step {
            0 | 1 => take(world, &known, receipt("west", vec![restocked("1", 1)])).map(drop),
            2 => take(world, &known, receipt("west", vec![missing(1)])).map(drop),
            3 => take(world, &known, ReturnAction::Refund(dollars(40))).map(drop),
            4 => world
                .run(Command::ReportPayment(ReportPayment {
                    order: text(&replacement(world, &known).name()),
                    mark: PaymentMark::Paid,
                    amount: dollars(60),
                }))
                .map(drop),
            _ => leave(world, &replacement(world, &known)).map(drop),
        }
    };
    for (number, permutation) in permutations(6).iter().enumerate() {
        let mut world = world.again();
        let mut paid = 300;
        for (at, step) in permutation.iter().enumerate() {
            let done = steps(&world, *step);
            let may_be_refused = matches!(step, 3 | 5);
            assert!(done.is_ok() || may_be_refused, "{permutation:?}: step {at}: {done:?}");
            paid += if *step == 4 { 60 } else { 0 };
            if number % 24 == at {
                world = world.restart();
            }
            lawful(&world, &known, paid, &format!("{permutation:?} after step {at}"));
        }
        // Two came, worth 200; what went back and what went over is never more.
        let known = now_of(&world, &known);
        assert!(known.refunded + known.credited <= 200, "{permutation:?}: {known:?}");
        let instead = replacement(&world, &known);
        let missing = 260 - kept(&instead);
        assert_eq!(is_held(&instead), missing > 0, "{permutation:?}");
        assert_eq!(known.refunded + known.credited, 200, "{permutation:?}: all of it is his");
    }
}

#[test]
fn money_goes_back_after_the_goods_in_every_order_of_six_steps_where_the_policy_wants_it() {
    let mut world = World::new();
    policy(&world, ReturnPolicy { refund_at: RefundAt::Received, ..ReturnPolicy::default() });
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    let refund = |amount| ReturnAction::Refund(dollars(amount));
    let came = |units| receipt("west", vec![units]);
    let steps =
        [came(restocked("1", 1)), came(restocked("1", 1)), came(missing(1)), refund(100), refund(60), refund(40)];
    let amounts = [0, 0, 0, 100, 60, 40];
    for (number, permutation) in permutations(6).iter().enumerate() {
        let mut world = world.again();
        let (mut worth, mut back) = (0, 0);
        for (at, step) in permutation.iter().enumerate() {
            let done = take(&world, &known, steps[*step].clone());
            worth += if *step < 2 { 100 } else { 0 };
            let goes = *step < 3 || back + amounts[*step] <= worth;
            back += if goes { amounts[*step] } else { 0 };
            match done {
                Ok(after) => assert!(goes && after.refunded == back, "{permutation:?}: step {at}"),
                Err(Rejection::NotRefundable { .. }) => assert!(!goes, "{permutation:?}: step {at}"),
                Err(other) => panic!("{permutation:?}: step {at}: {other}"),
            }
            if number % 48 == at {
                world = world.restart();
            }
        }
        if back < 200 {
            take(&world, &known, refund(200 - back)).expect("the rest");
        }
        let order = order_of(&world, &known);
        assert_eq!((kept(&order), now_of(&world, &known).status()), (100, ReturnStatus::Closed), "{permutation:?}");
    }
}

#[test]
fn case_39_units_land_where_the_label_of_their_parcel_says() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 3)]);
        let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
        take(&world, &known, ReturnAction::Approve { node: Some(text("west")) }).expect("it was requested");
        let label = |node: &str| ReturnAction::Label {
            node: Some(text(node)),
            carrier: text("post"),
            service: None,
            tracking_number: text(node),
        };
        let came = || ReturnAction::Receive { node: None, lines: vec![restocked("1", 1)] };
        take(&world, &known, label("north")).expect("a parcel");
        let world = again(world, restarts);
        take(&world, &known, came()).expect("it comes");
        assert_eq!((world.level("phone", "north").available, world.level("phone", "west").available), (1, 0));
        take(&world, &known, label("east")).expect("another parcel, after the first came");
        let unclear = take(&world, &known, came()).expect_err("it may be either");
        let Rejection::Invalid(faults) = unclear else { panic!("{unclear}") };
        assert_eq!((&*faults[0].field, faults[0].code), ("node", "missing_field"));
        take(&world, &known, receipt("east", vec![restocked("1", 1)])).expect("somebody says so");
        assert_eq!(world.level("phone", "east").available, 1);
    }
}

#[test]
fn a_fault_names_the_line_of_the_request_where_its_units_are_at_several_nodes() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2), ("case", 1)]);
    let known = request(&world, asked(&order, &[("1", 2), ("2", 1)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    for (node, line) in [("west", "1"), ("east", "1"), ("west", "2")] {
        take(&world, &known, receipt(node, vec![units(line, 1, None, None)])).expect("it comes");
    }
    let graded = |line, n| units(line, n, Some(Condition::New), Some(Disposition::Donate));
    let lot = NamedLot { lot: text("s1"), expires_at: None, units: 1 };
    let names = Names { serials: vec![lot], ..Names::default() };
    let wrong = ReturnedUnits { names, ..graded("2", 1) };
    let refused = take(&world, &known, ReturnAction::Inspect(vec![graded("1", 2), wrong])).expect_err("it goes away");
    let Rejection::Invalid(faults) = refused else { panic!("{refused}") };
    assert_eq!((&*faults[0].field, faults[0].code), ("lines[1].serials", "not_tracked"));
}

#[test]
fn what_was_exchanged_in_full_is_paid() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 1)]);
        let known = exchanged(&world, &order, 1, 1);
        let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        let world = again(world, restarts);
        let order = order_of(&world, &known);
        assert_eq!((kept(&order), order.payment_state()), (0, PaymentState::Paid), "its money paid for the other");
    }
}

#[test]
fn money_that_went_on_with_a_part_of_what_he_gets_instead_stays_there() {
    for restarts in [false, true] {
        let mut world = World::new();
        policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
        let order = delivered(&mut world, &[("phone", 2)]);
        let known = exchanged(&world, &order, 2, 2);
        assert_eq!(money(&world, &known), (0, 200, 260));
        let split = SplitOrder {
            order: text(&replacement(&world, &known).name()),
            id: Some(text("part")),
            fingerprint: 0,
            channel_order_id: None,
            lines: vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }],
        };
        let Ok(Reply::Order(part)) = world.run(Command::SplitOrder(split)) else { panic!("it has two units") };
        assert_eq!((money(&world, &known), kept(&part)), ((0, 130, 130), 70));
        let world = again(world, restarts);
        let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("one comes");
        assert_eq!(money(&world, &known), (0, 130, 130), "nothing of it is left");
        assert_eq!((known.refundable(), known.credited), (0, 200));
        let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("the other comes");
        assert_eq!((money(&world, &known), known.status()), ((0, 130, 130), ReturnStatus::Closed));
    }
}

#[test]
fn what_a_node_calls_off_of_what_goes_ahead_gives_its_money_back_at_once() {
    let mut world = World::new();
    policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
    let order = delivered(&mut world, &[("phone", 1)]);
    let known = exchanged(&world, &order, 1, 1);
    assert_eq!(money(&world, &known), (0, 100, 130));
    let stop = FulfillmentAction::Cancel { reason: text("broken"), resource: false };
    world.fulfill(&replacement(&world, &known), 1, stop).expect("nobody picks it");
    assert_eq!(money(&world, &known), (100, 0, 0), "nothing is got for it");
    assert_eq!((now_of(&world, &known).refundable(), now_of(&world, &known).credited), (100, 0));
}

#[test]
fn what_went_ahead_of_the_last_units_comes_back_when_they_are_missing() {
    for restarts in [false, true] {
        for (came, refunded_there) in [(0, false), (1, false), (0, true)] {
            let mut world = World::new();
            policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
            let order = delivered(&mut world, &[("phone", 2)]);
            let known = exchanged(&world, &order, 2, 1);
            assert_eq!(money(&world, &known), (70, 130, 130));
            let instead = replacement(&world, &known);
            leave(&world, &instead).expect("at once");
            if refunded_there {
                report(&world, &instead, PaymentMark::Refunded, 130);
            }
            let world = again(world, restarts);
            let mut parts = vec![missing(2 - came)];
            parts.extend((came > 0).then(|| restocked("1", came)));
            let known = take(&world, &known, receipt("west", parts)).expect("so much comes");
            assert_eq!(known.status(), ReturnStatus::Closed, "nothing more comes");
            let worth = if refunded_there { 0 } else { 100 * i64::from(came) };
            let own = if refunded_there { 70 } else { 200 - worth };
            assert_eq!(money(&world, &known), (own, worth, 130), "it is paid by what came alone");
            assert!(is_case(&world, ExceptionKind::ExchangeUnpaid, instead.key));
        }
    }
}
