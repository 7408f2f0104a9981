//! Where shipments are: told in any order, delivered once, and cases for what goes wrong on the way.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::exception::{Exception, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{Condition, Disposition};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};

const HOUR: i64 = 3_600;

fn shipment() -> FulfillmentAction {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1Z") };
    FulfillmentAction::Ship { shipment }
}

/// A shipped order of two phones.
fn shipped() -> (World, Order) {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    for action in
        [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack, shipment()]
    {
        world.fulfill(&order, 1, action).expect("legal");
    }
    (world, order)
}

/// A scan so many seconds ago.
fn ago(world: &World, seconds: i64, status: TrackingStatus) -> Scan {
    let at = WallTime(world.log.now().wall.0 - seconds * 1_000);
    Scan { at, status, id: None, place: None, text: None }
}

fn tell(world: &World, order: &Order, scans: Vec<Scan>, in_s: Option<i64>) -> Result<Order, Rejection> {
    let estimated_at = in_s.map(|s| WallTime(world.log.now().wall.0 + s * 1_000));
    world.fulfill(order, 1, FulfillmentAction::Track { scans, estimated_at })
}

fn case(world: &World, order: &Order, kind: ExceptionKind) -> Option<Exception> {
    let subject = Subject::Fulfillment(FulfillmentKey { order: order.key, number: 1 });
    world.engine.exception_by_key(ExceptionKey { kind, subject })
}

fn is_open(world: &World, order: &Order, kind: ExceptionKind) -> bool {
    case(world, order, kind).is_some_and(|case| case.is_open())
}

#[test]
fn what_a_carrier_tells_in_any_order_delivers_once() {
    use TrackingStatus::{Delivered, InTransit, OutForDelivery};
    for restarts in [false, true] {
        let (world, order) = shipped();
        let (out, way) = (ago(&world, 60, OutForDelivery), ago(&world, 90, InTransit));
        let known = tell(&world, &order, vec![out.clone()], Some(HOUR)).expect("it has left");
        assert_eq!(known.tracked(1).map(|tracked| tracked.status()), Some(OutForDelivery));
        assert_eq!(known.fulfillment_orders[0].status, FulfillmentStatus::Shipped);
        let world = world.later_on(1, restarts);
        let known = tell(&world, &order, vec![way.clone(), out.clone()], None).expect("it has left");
        let tracked = known.tracked(1).expect("told");
        assert_eq!((tracked.status(), tracked.scans.len()), (OutForDelivery, 2), "late, and told twice");
        assert!(tracked.estimated_at.is_some(), "what was not said again stands");
        let before = world.log.records.lock().len();
        let again = tell(&world, &order, vec![out, way], None).expect("it has left");
        assert_eq!((again.version, world.log.records.lock().len()), (known.version, before), "nothing new");
        let home = ago(&world, 5, Delivered);
        let delivered = tell(&world, &order, vec![home], None).expect("it has left");
        assert_eq!(delivered.status(), OrderStatus::Fulfilled);
        assert_eq!(delivered.fulfillment_orders[0].status, FulfillmentStatus::Delivered);
        let world = world.later_on(1, restarts);
        let late = tell(&world, &order, vec![ago(&world, 80, InTransit)], None).expect("it has left");
        assert_eq!(late.tracked(1).map(|tracked| (tracked.status(), tracked.scans.len())), Some((Delivered, 4)));
        assert_eq!(late.status(), OrderStatus::Fulfilled);
    }
}

#[test]
fn nothing_is_told_of_what_has_not_left_or_is_not_yet() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let scan = ago(&world, 1, TrackingStatus::InTransit);
    let early = tell(&world, &order, vec![scan], None);
    assert!(matches!(early, Err(Rejection::NotShipped { .. })), "{early:?}");
    let (world, order) = shipped();
    let (near, far) =
        (ago(&world, -23 * HOUR, TrackingStatus::InTransit), ago(&world, -25 * HOUR, TrackingStatus::InTransit));
    let refused = tell(&world, &order, vec![near.clone(), far], None);
    assert!(matches!(&refused, Err(Rejection::Invalid(faults)) if faults[0].field == "events[1].at"), "{refused:?}");
    assert!(world.engine.order(&order.name()).expect("known").tracked(1).is_none(), "nothing of it was noted");
    tell(&world, &order, vec![near], None).expect("carriers' clocks are ahead");
}

#[test]
fn a_shipment_that_is_late_or_unseen_is_a_case_until_it_goes_on() {
    use ExceptionKind::{DeliveryLate, ShipmentLost};
    for restarts in [false, true] {
        let (world, order) = shipped();
        tell(&world, &order, vec![ago(&world, 0, TrackingStatus::InTransit)], Some(HOUR)).expect("it has left");
        let world = world.later_on(HOUR - 1, restarts);
        assert!(!is_open(&world, &order, DeliveryLate));
        let world = world.later_on(1, restarts);
        assert!(is_open(&world, &order, DeliveryLate) && !is_open(&world, &order, ShipmentLost));
        tell(&world, &order, vec![], Some(2 * HOUR)).expect("it has left");
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &order, DeliveryLate), "there is another date");
        let world = world.later_on(7 * 24 * HOUR, restarts);
        assert!(is_open(&world, &order, DeliveryLate) && is_open(&world, &order, ShipmentLost));
        assert_eq!(case(&world, &order, DeliveryLate).map(|case| case.times), Some(2));
        tell(&world, &order, vec![ago(&world, 0, TrackingStatus::Delivered)], None).expect("it has left");
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &order, DeliveryLate) && !is_open(&world, &order, ShipmentLost));
    }
}

#[test]
fn a_failure_and_a_return_are_cases_in_the_record_that_tells_them() {
    use ExceptionKind::{DeliveryMissed, ReturnedToSender};
    let (world, order) = shipped();
    let missed = tell(&world, &order, vec![ago(&world, 50, TrackingStatus::Failure)], None).expect("it has left");
    let raised = case(&world, &order, DeliveryMissed).expect("raised");
    assert_eq!((raised.seq, raised.units), (missed.seq, 2));
    tell(&world, &order, vec![ago(&world, 40, TrackingStatus::OutForDelivery)], None).expect("it has left");
    let world = world.later_on(61, true);
    assert!(!is_open(&world, &order, DeliveryMissed), "it moved on");
    tell(&world, &order, vec![ago(&world, 30, TrackingStatus::Failure)], None).expect("it has left");
    assert!(is_open(&world, &order, DeliveryMissed), "missed again");
    let back = tell(&world, &order, vec![ago(&world, 20, TrackingStatus::ReturnToSender)], None).expect("it has left");
    assert_eq!(case(&world, &order, ReturnedToSender).map(|case| case.seq), Some(back.seq));
    assert_eq!(back.status(), OrderStatus::Shipped, "it never came");
    let world = world.later_on(61, true);
    assert!(is_open(&world, &order, ReturnedToSender), "somebody has to look");
}

#[test]
fn a_shipment_that_no_carrier_ever_sees_is_lost_unless_silence_means_that_it_came() {
    use ExceptionKind::{DeliveryLate, ShipmentLost};
    for restarts in [false, true] {
        let (world, order) = shipped();
        let world = world.later_on(7 * 24 * HOUR - 1, restarts);
        assert!(!is_open(&world, &order, ShipmentLost));
        let world = world.later_on(1, restarts);
        assert!(is_open(&world, &order, ShipmentLost), "its sender saw it last");
        tell(&world, &order, vec![ago(&world, 0, TrackingStatus::InTransit)], None).expect("it has left");
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &order, ShipmentLost), "there it is");

        let (world, order) = shipped();
        tell(&world, &order, vec![], Some(HOUR)).expect("it has left");
        let world = world.later_on(7 * 24 * HOUR, restarts);
        assert!(
            is_open(&world, &order, ShipmentLost) && is_open(&world, &order, DeliveryLate),
            "a date is no sighting"
        );

        let (world, order) = shipped();
        let clocks = OrderClocks { deliver_after_s: Some(30 * 24 * 60 * 60), ..OrderClocks::default() };
        world.run(Command::PutPolicy(PutPolicy::Clocks { delivery_method: text("ship"), clocks })).expect("good");
        let world = world.later_on(8 * 24 * HOUR, restarts);
        assert!(!is_open(&world, &order, ShipmentLost), "it counts as delivered some day");
    }
}

#[test]
fn what_is_told_of_one_parcel_is_told_of_all_that_is_in_it() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 3).expect("room");
        let [a, b, c] = [1, 1, 1].map(|n| world.order(&[("phone", n)], None).expect("enough"));
        let with = [&b, &c].map(|order| text(&order.name())).to_vec();
        world.run(Command::Consolidate(Consolidate { order: text(&a.name()), with })).expect("one customer");
        for order in [&a, &b, &c] {
            for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack]
            {
                world.fulfill(order, 1, action).expect("legal");
            }
        }
        world.fulfill(&b, 1, shipment()).expect("all of them are packed");
        let world = world.later_on(60, restarts);
        let told = |world: &World, scan: Scan| {
            let before = world.log.records.lock().len();
            tell(world, &b, vec![scan], None).expect("it has left");
            assert_eq!(world.log.records.lock().len(), before + 1, "one record");
        };
        told(&world, ago(&world, 50, TrackingStatus::Failure));
        assert!([&a, &b, &c].into_iter().all(|order| is_open(&world, order, ExceptionKind::DeliveryMissed)));
        told(&world, ago(&world, 5, TrackingStatus::Delivered));
        for order in [&a, &b, &c] {
            let now = world.engine.order_by_key(order.key).expect("there");
            assert_eq!((now.status(), now.tracked(1).map(|own| own.scans.len())), (OrderStatus::Fulfilled, Some(2)));
        }
        world.later_on(60, restarts);
    }
}

/// So many units of an order are to come back, or to be made good.
fn ask_back(world: &World, order: &Order, units: u32, is_claim: bool) {
    let line =
        ReturnUnits { line: text("1"), quantity: quantity(units), reason: text("undeliverable"), condition: None };
    let request = RequestReturn {
        id: Some(text("back")),
        fingerprint: 0,
        order: text(&order.name()),
        lines: vec![line],
        exchange: Vec::new(),
        is_claim,
    };
    world.run(Command::RequestReturn(Box::new(request))).expect("it left");
}

/// All of an order comes back, or is made good, and its return is closed.
fn settle(world: &World, order: &Order, is_claim: bool) {
    ask_back(world, order, 2, is_claim);
    let back = ReturnedUnits {
        component: None,
        line: text("1"),
        quantity: quantity(2),
        condition: Some(Condition::New),
        disposition: Some(Disposition::Restock),
        names: Names::default(),
    };
    let receive = ReturnAction::Receive { node: Some(text("east")), lines: vec![back] };
    // Nothing was paid, so nothing is given back: it is closed with the last unit.
    let steps = [Some(ReturnAction::Approve { node: None }), (!is_claim).then_some(receive)];
    for action in steps.into_iter().flatten() {
        world.run(Command::ChangeReturn { returned: text("back"), action }).expect("in turn");
    }
}

#[test]
fn what_came_back_or_was_made_good_leaves_nothing_open() {
    for restarts in [false, true] {
        let (world, order) = shipped();
        tell(&world, &order, vec![ago(&world, 20, TrackingStatus::ReturnToSender)], None).expect("it has left");
        let now = |world: &World| world.engine.order_by_key(order.key).expect("there");
        assert!(!now(&world).is_done() && is_open(&world, &order, ExceptionKind::ReturnedToSender));
        settle(&world, &order, false);
        let world = world.later_on(61, restarts);
        assert_eq!((now(&world).status(), now(&world).is_done()), (OrderStatus::Returned, true));
        assert!(!is_open(&world, &order, ExceptionKind::ReturnedToSender), "it is there");

        let (world, order) = shipped();
        let world = world.later_on(7 * 24 * HOUR, restarts);
        let now = |world: &World| world.engine.order_by_key(order.key).expect("there");
        assert!(is_open(&world, &order, ExceptionKind::ShipmentLost));
        settle(&world, &order, true);
        let world = world.later_on(61, restarts);
        assert!(now(&world).is_done() && !is_open(&world, &order, ExceptionKind::ShipmentLost), "it was made good");
    }
}

#[test]
fn of_two_shipments_one_of_which_came_back_the_other_is_still_open() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    world.stock("phone", "west", 1).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    for number in 1..=order.fulfillment_orders.len() as u16 {
        for action in
            [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack, shipment()]
        {
            world.fulfill(&order, number, action).expect("legal");
        }
    }
    ask_back(&world, &order, 1, true);
    let action = ReturnAction::Approve { node: None };
    world.run(Command::ChangeReturn { returned: text("back"), action }).expect("it was asked for");
    let now = world.engine.order_by_key(order.key).expect("there");
    assert_eq!((now.open_units(), now.is_done()), (1, false));
    let now = world.fulfill(&order, 1, FulfillmentAction::Deliver).expect("it left");
    assert_eq!((now.open_units(), now.is_done()), (1, false), "the one that came counts before the one that did not");
    let now = world.fulfill(&order, 2, FulfillmentAction::Deliver).expect("it left");
    assert!(now.is_done());
}
