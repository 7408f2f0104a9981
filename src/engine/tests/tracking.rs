//! Where shipments are: told in any order, delivered once, and cases for what goes wrong on the way.

use super::world::{World, text};
use crate::domain::command::FulfillmentAction;
use crate::domain::exception::{Exception, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
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

fn later(world: World, seconds: i64, restarts: bool) -> World {
    world.later(seconds);
    let world = if restarts { world.restart() } else { world };
    world.engine.expire_due(&*world.log);
    world.check();
    world
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
        let world = later(world, 1, restarts);
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
        let world = later(world, 1, restarts);
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
        let world = later(world, HOUR - 1, restarts);
        assert!(!is_open(&world, &order, DeliveryLate));
        let world = later(world, 1, restarts);
        assert!(is_open(&world, &order, DeliveryLate) && !is_open(&world, &order, ShipmentLost));
        tell(&world, &order, vec![], Some(2 * HOUR)).expect("it has left");
        let world = later(world, 61, restarts);
        assert!(!is_open(&world, &order, DeliveryLate), "there is another date");
        let world = later(world, 7 * 24 * HOUR, restarts);
        assert!(is_open(&world, &order, DeliveryLate) && is_open(&world, &order, ShipmentLost));
        assert_eq!(case(&world, &order, DeliveryLate).map(|case| case.times), Some(2));
        tell(&world, &order, vec![ago(&world, 0, TrackingStatus::Delivered)], None).expect("it has left");
        let world = later(world, 61, restarts);
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
    let world = later(world, 61, true);
    assert!(!is_open(&world, &order, DeliveryMissed), "it moved on");
    tell(&world, &order, vec![ago(&world, 30, TrackingStatus::Failure)], None).expect("it has left");
    assert!(is_open(&world, &order, DeliveryMissed), "missed again");
    let back = tell(&world, &order, vec![ago(&world, 20, TrackingStatus::ReturnToSender)], None).expect("it has left");
    assert_eq!(case(&world, &order, ReturnedToSender).map(|case| case.seq), Some(back.seq));
    assert_eq!(back.status(), OrderStatus::Shipped, "it never came");
    let world = later(world, 61, true);
    assert!(is_open(&world, &order, ReturnedToSender), "somebody has to look");
}
