//! What must be paid before what: a channel's rule, by which the steps of its orders are judged as they are asked.

use super::world::{World, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentVerb, Shipment};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, Payment};
use crate::domain::payment::PaymentMark;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;

fn world() -> World {
    let world = World::new();
    let reason = MovementKind::Received;
    let adjustment = Adjustment { sku: text("phone"), node: text("east"), delta: 20, reason };
    world.run(Command::AdjustStock(vec![adjustment])).expect("received");
    world
}

fn rule(world: &World, payment_before: PaymentBefore) {
    world
        .run(Command::PutChannel(Box::new(PutChannel {
            id: text("web"),
            name: text("web"),
            nodes: None,
            customers: Vec::new(),
            limits: Vec::new(),
            payment_before,
            payment_methods: vec![text("card"), text("invoice")],
        })))
        .expect("a good channel");
}

fn pay(world: &World, order: &Order, mark: PaymentMark, amount: i64) {
    let amount = Money { amount, currency: Currency::USD };
    let report = ReportPayment { order: text(&order.name()), mark, amount };
    world.run(Command::ReportPayment(report)).expect("reported");
}

fn ship() -> FulfillmentAction {
    let shipment = Shipment { carrier: text("ups"), service: text("ground"), tracking_number: text("1Z") };
    FulfillmentAction::Ship { shipment }
}

fn due(refused: Result<Order, Rejection>) -> (FulfillmentVerb, PaymentMark, i64) {
    match refused {
        Err(Rejection::PaymentDue { verb, wanted, missing, .. }) => (verb, wanted, missing.amount),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_step_is_refused_until_what_its_channel_wants_has_come() {
    let mut world = world();
    let before = PaymentBefore { release: Some(PaymentMark::Authorized), ship: Some(PaymentMark::Paid) };
    rule(&world, before);
    let order = world.order(&[("phone", 3)], None).expect("taken");
    let records = world.log.records.lock().len();
    let refused = world.fulfill(&order, 1, FulfillmentAction::Accept);
    assert_eq!(due(refused), (FulfillmentVerb::Accept, PaymentMark::Authorized, 300));
    assert_eq!(world.log.records.lock().len(), records, "what is refused changes nothing");
    pay(&world, &order, PaymentMark::Authorized, 250);
    assert_eq!(due(world.fulfill(&order, 1, FulfillmentAction::Accept)).2, 50);
    pay(&world, &order, PaymentMark::Authorized, 50);
    let world = world.restart();
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("authorised");
    for action in [FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
        world.fulfill(&order, 1, action).expect("nothing is wanted before it");
    }
    assert_eq!(due(world.fulfill(&order, 1, ship())), (FulfillmentVerb::Ship, PaymentMark::Paid, 300));
    pay(&world, &order, PaymentMark::Paid, 300);
    world.fulfill(&order, 1, ship()).expect("paid");
}

#[test]
fn what_is_cancelled_is_no_longer_wanted_and_what_is_given_back_is_wanted_again() {
    let mut world = world();
    rule(&world, PaymentBefore { release: Some(PaymentMark::Paid), ship: None });
    let order = world.order(&[("phone", 3)], None).expect("taken");
    pay(&world, &order, PaymentMark::Paid, 200);
    assert_eq!(due(world.fulfill(&order, 1, FulfillmentAction::Accept)).2, 100);
    world.cancel(&order, Some(&[("1", 1)])).expect("cancelled");
    pay(&world, &order, PaymentMark::Refunded, 10);
    assert_eq!(due(world.fulfill(&order, 1, FulfillmentAction::Accept)).2, 10);
    pay(&world, &order, PaymentMark::Paid, 10);
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("paid");
}

#[test]
fn rejecting_cancelling_and_other_channels_ask_for_no_money() {
    let mut world = world();
    let order = world.order(&[("phone", 1)], None).expect("taken");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("no rule yet");
    rule(&world, PaymentBefore { release: Some(PaymentMark::Paid), ship: Some(PaymentMark::Paid) });
    let order = world.order(&[("phone", 1)], None).expect("taken");
    world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("gives units back");
    let other = PlaceOrder { channel: text("till"), ..World::order_of("t-1", &[("phone", 1)], None) };
    let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(other))) else { panic!("taken") };
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("another channel");
}

#[test]
fn a_channel_takes_its_own_payment_methods_only() {
    let world = world();
    rule(&world, PaymentBefore::default());
    let paid_by = |method: &str, id: &str| {
        let payment = Some(Payment { method: text(method), status: text("open") });
        world.run(Command::PlaceOrder(Box::new(PlaceOrder { payment, ..World::order_of(id, &[("phone", 1)], None) })))
    };
    assert_eq!(paid_by("shells", "1").expect_err("no such method").code(), "payment_method_not_taken");
    assert!(paid_by("invoice", "1").is_ok());
}

#[test]
fn a_delivery_method_has_its_own_rule_beside_that_of_the_channel() {
    let mut world = world();
    rule(&world, PaymentBefore { release: Some(PaymentMark::Authorized), ship: None });
    let before = PaymentBefore { release: None, ship: Some(PaymentMark::Paid) };
    let rule = crate::domain::policy::PaymentRule { before, methods: Vec::new() };
    world.run(Command::PutPolicy(PutPolicy::Payment { delivery_method: text("ship"), rule })).expect("good");
    let order = world.order(&[("phone", 3)], None).expect("taken");
    let world = world.restart();
    assert_eq!(due(world.fulfill(&order, 1, FulfillmentAction::Accept)).1, PaymentMark::Authorized, "the channel's");
    pay(&world, &order, PaymentMark::Authorized, 300);
    for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
        world.fulfill(&order, 1, action).expect("authorised");
    }
    assert_eq!(due(world.fulfill(&order, 1, ship())), (FulfillmentVerb::Ship, PaymentMark::Paid, 300));
    pay(&world, &order, PaymentMark::Paid, 300);
    world.fulfill(&order, 1, ship()).expect("paid");
    // What is taken is what both take.
    let rule = crate::domain::policy::PaymentRule { before, methods: vec![text("card"), text("cash")] };
    world.run(Command::PutPolicy(PutPolicy::Payment { delivery_method: text("ship"), rule })).expect("good");
    let paid_by = |method: &str| {
        let payment = Some(Payment { method: text(method), status: text("open") });
        let order = PlaceOrder { payment, ..World::order_of(method, &[("phone", 1)], None) };
        world.run(Command::PlaceOrder(Box::new(order))).map_err(|rejection| rejection.code())
    };
    assert_eq!(paid_by("invoice").err(), Some("payment_method_not_taken"), "not for this delivery method");
    assert_eq!(paid_by("cash").err(), Some("payment_method_not_taken"), "not on this channel");
    assert!(paid_by("card").is_ok());
    let world = world.restart();
    let pickup = PlaceOrder { delivery_method: text("pickup"), ..World::order_of("p", &[("phone", 1)], None) };
    let payment = Some(Payment { method: text("invoice"), status: text("open") });
    assert!(world.run(Command::PlaceOrder(Box::new(PlaceOrder { payment, ..pickup }))).is_ok(), "another method");
}
