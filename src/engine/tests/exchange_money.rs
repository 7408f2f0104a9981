//! How the money of an order stands while units of it are exchanged, refunded, shipped and called off, in every mix; and that
//! the money of a return stays apart from that of orders it has nothing to do with.

use super::exchanges::{call_off, exchanged};
use super::returns::*;
use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::fulfillment::Shipment;
use crate::domain::order::Order;
use crate::domain::payment::{Paid, PaymentState};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::return_policy::ReturnPolicy;
use crate::domain::returns::{Return, ReturnStatus};

/// What happens to an order of phones at 100 each.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A phone is exchanged for a case at 130, and comes.
    Exchange,
    /// The same, but nothing has come yet.
    ExchangeAhead,
    /// The exchange that went ahead is called off.
    CallOff,
    /// A phone comes back, and its money goes back.
    Refund,
    /// So much of the money of one that may come goes back before.
    RefundAhead(i64),
    /// A phone that waited comes to a node, and is delivered.
    Rest,
}

pub(super) fn deliver(world: &World, order: &Order, number: u16) {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    for action in [
        FulfillmentAction::Accept,
        FulfillmentAction::Pick { lines: None },
        FulfillmentAction::Pack,
        FulfillmentAction::Ship { shipment },
        FulfillmentAction::Deliver,
    ] {
        world.fulfill(order, number, action).expect("its steps in their order");
    }
}

/// An order of phones of which some are delivered and some wait, and of which so much was paid.
fn paid(world: &mut World, (there, waits): (u32, u32), amount: i64) -> Order {
    world.stock("phone", "east", there.cast_signed()).expect("room");
    let order = world.order(&[("phone", there + waits)], None).expect("a good order");
    deliver(world, &order, 1);
    pay(world, &order, amount);
    world.engine.order_by_key(order.key).expect("it is there").as_ref().clone()
}

fn step(world: &World, order: &Order, step: Step, ahead: &mut Option<Return>) {
    let back = |world: &World| {
        let known = request(world, asked(order, &[("1", 1)])).expect("it was delivered");
        take(world, &known, approve()).expect("it was requested")
    };
    match step {
        Step::Exchange => {
            let known = exchanged(world, order, 1, 1);
            take(world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
        }
        Step::ExchangeAhead => *ahead = Some(exchanged(world, order, 1, 1)),
        Step::CallOff => call_off(world, ahead.as_ref().expect("something went ahead"), false),
        Step::Refund => {
            let known = back(world);
            take(world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
            take(world, &known, ReturnAction::Refund(dollars(100))).expect("it was paid");
        }
        Step::RefundAhead(amount) => {
            take(world, &back(world), ReturnAction::Refund(dollars(amount))).expect("it was paid");
        }
        Step::Rest => {
            world.stock("phone", "east", 1).expect("room");
            let order = world.engine.order_by_key(order.key).expect("it is there");
            let number = order.fulfillment_orders.last().expect("what waited has a node").number;
            deliver(world, &order, number);
        }
    }
}

/// Phones that are delivered and that wait, what was paid of them, what happens, and how the money of the order stands.
type Mix = ((u32, u32), i64, &'static [Step], PaymentState);

const MIXES: &[Mix] = &[
    ((2, 0), 200, &[Step::Exchange], PaymentState::Paid),
    ((2, 0), 200, &[Step::Refund], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::Exchange, Step::Refund], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::Refund, Step::Exchange], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::Refund, Step::Refund], PaymentState::Refunded),
    ((2, 0), 200, &[Step::Exchange, Step::Exchange], PaymentState::Paid),
    ((2, 1), 300, &[Step::Exchange], PaymentState::Paid),
    ((2, 1), 300, &[Step::Exchange, Step::Refund], PaymentState::PartiallyRefunded),
    ((2, 1), 300, &[Step::Exchange, Step::Refund, Step::Rest], PaymentState::PartiallyRefunded),
    ((2, 1), 300, &[Step::ExchangeAhead, Step::Rest], PaymentState::Paid),
    ((2, 1), 300, &[Step::ExchangeAhead, Step::Refund, Step::Rest], PaymentState::PartiallyRefunded),
    ((2, 1), 200, &[Step::Exchange], PaymentState::PartiallyPaid),
    ((2, 0), 200, &[Step::Exchange, Step::RefundAhead(100)], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::Exchange, Step::RefundAhead(50)], PaymentState::PartiallyRefunded),
    ((1, 0), 100, &[Step::ExchangeAhead], PaymentState::Paid),
    ((2, 0), 200, &[Step::ExchangeAhead], PaymentState::Paid),
    ((2, 0), 200, &[Step::ExchangeAhead, Step::Refund], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::ExchangeAhead, Step::CallOff], PaymentState::Paid),
    ((1, 0), 100, &[Step::ExchangeAhead, Step::CallOff, Step::Refund], PaymentState::Refunded),
    ((2, 0), 200, &[Step::ExchangeAhead, Step::CallOff, Step::Refund], PaymentState::PartiallyRefunded),
    ((2, 0), 200, &[Step::ExchangeAhead, Step::CallOff, Step::Refund, Step::Refund], PaymentState::Refunded),
    ((2, 0), 100, &[Step::ExchangeAhead], PaymentState::PartiallyPaid),
    ((2, 0), 100, &[Step::ExchangeAhead, Step::CallOff], PaymentState::PartiallyPaid),
];

#[test]
fn what_paid_for_something_else_was_neither_given_back_nor_is_it_missing() {
    for (phones, amount, steps, state) in MIXES {
        for restarts in [false, true] {
            let mut world = World::new();
            if steps.iter().any(|step| matches!(step, Step::ExchangeAhead)) {
                policy(&world, ReturnPolicy { exchange_at_once: true, ..ReturnPolicy::default() });
            }
            let order = paid(&mut world, *phones, *amount);
            let mut ahead = None;
            for one in *steps {
                step(&world, &order, *one, &mut ahead);
                world = if restarts { world.restart() } else { world };
            }
            let now = world.engine.order_by_key(order.key).expect("it is there");
            assert_eq!(now.payment_state(), *state, "{steps:?} of {phones:?}, {amount} paid: {:?}", now.payments);
        }
    }
}

fn merge(world: &World, order: &Order, with: &Order) -> Result<Reply, Rejection> {
    let (order, with) = (text(&order.name()), text(&with.name()));
    world.run(Command::MergeOrders(MergeOrders { order, with }))
}

#[test]
fn what_replaces_a_return_becomes_no_part_of_another_order_until_its_money_stays_where_it_is() {
    for restarts in [false, true] {
        for ahead in [false, true] {
            let mut world = World::new();
            policy(&world, ReturnPolicy { exchange_at_once: ahead, ..ReturnPolicy::default() });
            let order = delivered(&mut world, &[("phone", 2)]);
            let known = exchanged(&world, &order, 2, 1);
            let instead = replacement(&world, &known);
            world.stock("phone", "east", 1).expect("room");
            let other = world.order(&[("phone", 1)], None).expect("enough");
            world = if restarts { world.restart() } else { world };
            let (levels, records) = (world.engine.all_levels(), world.log.records.lock().len());
            for (stays, goes, which) in [(&instead, &other, "the other order is"), (&other, &instead, "it is")] {
                let refused = merge(&world, stays, goes);
                let Err(Rejection::NotMergeable { why, .. }) = refused else { panic!("{refused:?}") };
                assert!(why.starts_with(which) && why.contains(&known.name()), "{why}");
            }
            assert_eq!((world.engine.all_levels(), world.log.records.lock().len()), (levels, records));
            take(&world, &known, receipt("west", vec![restocked("1", 2)])).expect("it comes");
            let known = take(&world, &known, ReturnAction::Refund(dollars(70))).expect("it is his");
            assert_eq!(known.status(), ReturnStatus::Closed);
            let Ok(Reply::Order(merged)) = merge(&world, &other, &instead) else { panic!("its money stays") };
            let (own, there) = (order_of(&world, &known), Paid::of(&merged.payments));
            assert_eq!((kept(&own), there.kept(), merged.due()), (0, 130, 230), "no money is lost, or used twice");
            world.check();
        }
    }
}
