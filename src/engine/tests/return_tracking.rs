//! Where parcels of returns are: told in any order, on their way with the first scan, and cases for what goes wrong.

use super::returns::{approve, asked, delivered, dollars, label, policy, receipt, request, restocked, take};
use super::world::{World, text};
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::exception::{Exception, ExceptionKey, ExceptionKind, Subject};
use crate::domain::ids::FulfillmentKey;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::return_policy::{RefundAt, ReturnPolicy};
use crate::domain::returns::{Return, ReturnStatus};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A return of two phones with a label, approved.
fn labelled() -> (World, Return) {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2)]);
    let known = request(&world, asked(&order, &[("1", 2)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    let known = take(&world, &known, label()).expect("it may come");
    (world, known)
}

/// A scan so many seconds ago.
fn ago(world: &World, seconds: i64, status: TrackingStatus) -> Scan {
    let at = WallTime(world.log.now().wall.0 - seconds * 1_000);
    Scan { at, status, id: None, place: None, text: None }
}

fn tell_of(
    world: &World,
    known: &Return,
    label: u16,
    scans: Vec<Scan>,
    in_s: Option<i64>,
) -> Result<Return, Rejection> {
    let estimated_at = in_s.map(|s| WallTime(world.log.now().wall.0 + s * 1_000));
    let track = TrackReturn { returned: text(&known.name()), label, scans, estimated_at };
    match world.run(Command::TrackReturn(Box::new(track)))? {
        Reply::Return(known) => Ok(*known),
        other => panic!("{other:?}"),
    }
}

fn tell(world: &World, known: &Return, scans: Vec<Scan>, in_s: Option<i64>) -> Return {
    tell_of(world, known, 1, scans, in_s).expect("it has a label")
}

fn case(world: &World, known: &Return, label: u16, kind: ExceptionKind) -> Option<Exception> {
    let subject = Subject::Parcel(known.key, label);
    world.engine.exception_by_key(ExceptionKey { kind, subject })
}

fn is_open(world: &World, known: &Return, kind: ExceptionKind) -> bool {
    case(world, known, 1, kind).is_some_and(|case| case.is_open())
}

#[test]
fn what_a_carrier_tells_in_any_order_sends_a_return_on_its_way_once() {
    use TrackingStatus::{Delivered, InTransit, OutForDelivery, PreTransit};
    for restarts in [false, true] {
        let (world, known) = labelled();
        let known = tell(&world, &known, vec![ago(&world, 90, PreTransit)], Some(HOUR));
        assert_eq!(known.status(), ReturnStatus::AwaitingGoods, "its carrier does not have it yet");
        let world = world.later_on(1, restarts);
        let (out, way) = (ago(&world, 60, OutForDelivery), ago(&world, 80, InTransit));
        let before = world.log.records.lock().len();
        let known = tell(&world, &known, vec![out.clone()], None);
        assert_eq!((known.status(), world.log.records.lock().len()), (ReturnStatus::InTransit, before + 1));
        let last = world.log.records.lock().last().expect("a record").events.clone();
        assert!(last.iter().any(|event| matches!(event, Event::OrderChanged(_))), "its order is told: {last:?}");
        let world = world.later_on(1, restarts);
        let known = tell(&world, &known, vec![way.clone(), out.clone()], None);
        let tracked = known.tracked(1).expect("told");
        assert_eq!((tracked.status(), tracked.scans.len()), (OutForDelivery, 3), "late, and told twice");
        assert!(tracked.estimated_at.is_some(), "what was not said again stands");
        let before = world.log.records.lock().len();
        let again = tell(&world, &known, vec![out, way], None);
        assert_eq!((again.version, world.log.records.lock().len()), (known.version, before), "nothing new");
        let known = tell(&world, &known, vec![ago(&world, 5, Delivered)], None);
        assert_eq!(known.status(), ReturnStatus::InTransit, "nobody has received it");
        let world = world.later_on(1, restarts);
        let received = take(&world, &known, receipt("west", vec![restocked("1", 2)])).expect("it came");
        assert_eq!(received.status(), ReturnStatus::Dispositioned);
        let told = world.engine.order_by_key(known.order).expect("there").history.clone();
        let ways = told.iter().filter(|told| &*told.what == "return_in_transit").count();
        assert_eq!(ways, 1, "its order tells it once");
        world.check();
    }
}

#[test]
fn the_first_scan_lets_money_go_back_where_the_policy_says_so() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 2)]);
        policy(&world, ReturnPolicy { refund_at: RefundAt::InTransit, ..ReturnPolicy::default() });
        let known = request(&world, asked(&order, &[("1", 2)])).expect("it was delivered");
        take(&world, &known, approve()).expect("it was requested");
        let known = take(&world, &known, label()).expect("it may come");
        let refund = || ReturnAction::Refund(dollars(200));
        let early = take(&world, &known, refund());
        assert!(matches!(early, Err(Rejection::NotRefundable { refundable: 0, .. })), "{early:?}");
        tell(&world, &known, vec![ago(&world, 5, TrackingStatus::PreTransit)], None);
        let early = take(&world, &known, refund());
        assert!(matches!(early, Err(Rejection::NotRefundable { refundable: 0, .. })), "a label is no scan: {early:?}");
        let known = tell(&world, &known, vec![ago(&world, 4, TrackingStatus::InTransit)], None);
        let world = world.later_on(1, restarts);
        assert_eq!(known.refundable(), 200);
        assert_eq!(take(&world, &known, refund()).expect("it is on its way").refunded, 200);
    }
}

#[test]
fn nothing_is_told_of_a_parcel_without_a_label_or_of_what_is_yet_to_come() {
    let (world, known) = labelled();
    let version = known.version;
    for label in [0, 2] {
        let refused = tell_of(&world, &known, label, vec![ago(&world, 1, TrackingStatus::InTransit)], None);
        assert!(matches!(refused, Err(Rejection::NotFound { kind: "return_label", .. })), "{refused:?}");
    }
    let (near, far) =
        (ago(&world, -23 * HOUR, TrackingStatus::InTransit), ago(&world, -25 * HOUR, TrackingStatus::InTransit));
    let refused = tell_of(&world, &known, 1, vec![near.clone(), far], None);
    assert!(matches!(&refused, Err(Rejection::Invalid(faults)) if faults[0].field == "events[1].at"), "{refused:?}");
    let now = world.engine.return_by_key(known.key).expect("there");
    assert_eq!((now.version, now.tracked(1)), (version, None), "nothing of it was noted");
    tell(&world, &known, vec![near], None);
}

#[test]
fn a_parcel_that_is_late_or_unseen_is_a_case_until_it_goes_on() {
    use ExceptionKind::{DeliveryLate, ShipmentLost, WorkLate};
    for restarts in [false, true] {
        let (world, known) = labelled();
        tell(&world, &known, vec![ago(&world, 0, TrackingStatus::PreTransit)], Some(HOUR));
        let world = world.later_on(8 * DAY, restarts);
        assert!(!is_open(&world, &known, DeliveryLate), "the customer still has it");
        assert!(!is_open(&world, &known, ShipmentLost));
        tell(&world, &known, vec![ago(&world, 0, TrackingStatus::InTransit)], Some(HOUR));
        let world = world.later_on(HOUR - 1, restarts);
        assert!(!is_open(&world, &known, DeliveryLate));
        let world = world.later_on(1, restarts);
        assert!(is_open(&world, &known, DeliveryLate) && !is_open(&world, &known, ShipmentLost));
        let case_of = case(&world, &known, 1, DeliveryLate).expect("raised");
        assert_eq!(ExceptionKey::parse(&case_of.key.to_string()), Some(case_of.key));
        tell(&world, &known, vec![], Some(2 * HOUR));
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &known, DeliveryLate), "there is another date");
        let world = world.later_on(7 * DAY, restarts);
        assert!(is_open(&world, &known, DeliveryLate) && is_open(&world, &known, ShipmentLost));
        tell(&world, &known, vec![ago(&world, 0, TrackingStatus::Delivered)], None);
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &known, DeliveryLate) && !is_open(&world, &known, ShipmentLost));
        let world = world.later_on(2 * DAY - 62, restarts);
        assert!(!is_open(&world, &known, WorkLate));
        let world = world.later_on(1, restarts);
        assert!(is_open(&world, &known, WorkLate), "it lies there, and nobody has opened it");
        take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it came");
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &known, WorkLate), "it was opened; the rest comes another way");
    }
}

#[test]
fn a_failure_and_a_way_back_to_the_customer_are_cases_in_the_record_that_tells_them() {
    use ExceptionKind::{DeliveryMissed, ReturnedToSender};
    let (world, known) = labelled();
    let missed = tell(&world, &known, vec![ago(&world, 50, TrackingStatus::Failure)], None);
    let raised = case(&world, &known, 1, DeliveryMissed).expect("raised");
    assert_eq!((raised.seq, raised.units, raised.order), (missed.seq, 2, Some(known.order)));
    tell(&world, &known, vec![ago(&world, 40, TrackingStatus::OutForDelivery)], None);
    let world = world.later_on(61, true);
    assert!(!is_open(&world, &known, DeliveryMissed), "it moved on");
    let back = tell(&world, &known, vec![ago(&world, 20, TrackingStatus::ReturnToSender)], None);
    assert_eq!(case(&world, &known, 1, ReturnedToSender).map(|case| case.seq), Some(back.seq));
    let world = world.later_on(61, true);
    assert!(is_open(&world, &known, ReturnedToSender), "somebody has to look");
    let own = case(&world, &known, 1, ReturnedToSender).expect("raised").key;
    let parcel_out =
        ExceptionKey { subject: Subject::Fulfillment(FulfillmentKey { order: known.order, number: 1 }), ..own };
    assert!(own.remedy().contains("the customer has it again"), "{}", own.remedy());
    assert!(parcel_out.remedy().contains("take the goods back"), "{}", parcel_out.remedy());
    take(&world, &known, ReturnAction::Cancel(None)).expect("nothing came");
    let world = world.later_on(61, true);
    assert!(!is_open(&world, &known, ReturnedToSender), "nobody waits for it any more");
}

#[test]
fn what_is_told_of_a_return_that_has_ended_is_noted_and_nothing_follows() {
    for restarts in [false, true] {
        let (world, known) = labelled();
        take(&world, &known, ReturnAction::Cancel(None)).expect("nothing came");
        let world = world.later_on(1, restarts);
        let before = world.engine.order_by_key(known.order).expect("there").version;
        let told = tell(&world, &known, vec![ago(&world, 0, TrackingStatus::Failure)], Some(HOUR));
        assert_eq!(told.status(), ReturnStatus::Cancelled);
        assert_eq!(told.tracked(1).map(|tracked| tracked.status()), Some(TrackingStatus::Failure));
        let raised = ExceptionKind::ALL.into_iter().find(|kind| case(&world, &known, 1, *kind).is_some());
        assert_eq!(raised, None, "nobody waits for it");
        let world = world.later_on(8 * DAY, restarts);
        for kind in ExceptionKind::ALL {
            assert!(!is_open(&world, &known, kind), "{kind:?}");
        }
        assert_eq!(world.engine.order_by_key(known.order).map(|order| order.version), Some(before));
    }
}

#[test]
fn of_two_parcels_each_is_where_its_own_carrier_saw_it() {
    use ExceptionKind::{ShipmentLost, WorkLate};
    let (world, known) = labelled();
    let known = take(&world, &known, label()).expect("it may come in two");
    tell_of(&world, &known, 2, vec![ago(&world, 0, TrackingStatus::InTransit)], None).expect("it has two");
    let known = tell(&world, &known, vec![ago(&world, 0, TrackingStatus::Delivered)], None);
    let status = |label| known.tracked(label).map(|tracked| tracked.status());
    assert_eq!((status(1), status(2)), (Some(TrackingStatus::Delivered), Some(TrackingStatus::InTransit)));
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("one came");
    let world = world.later_on(7 * DAY, true);
    assert!(!is_open(&world, &known, ShipmentLost) && !is_open(&world, &known, WorkLate), "it is there, and opened");
    assert!(case(&world, &known, 2, ShipmentLost).is_some_and(|case| case.is_open()));
}

/// A return of three phones of which one was received before its carrier told of anything, with so many labels.
fn received_ahead(labels: usize) -> (World, Return) {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    for _ in 0..labels {
        take(&world, &known, label()).expect("it may come");
    }
    let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("one came");
    (world, known)
}

/// Whether the parcel of a label is a case of late work three days later.
fn is_late(world: World, known: &Return, label: u16, restarts: bool) -> (World, bool) {
    let world = world.later_on(3 * DAY, restarts);
    let late = case(&world, known, label, ExceptionKind::WorkLate).is_some_and(|case| case.is_open());
    (world, late)
}

#[test]
fn what_was_received_before_its_carrier_told_that_it_was_delivered_is_not_late() {
    use TrackingStatus::{Delivered, InTransit};
    for restarts in [false, true] {
        // The carrier's last word comes late, or its clock is ahead.
        for seconds in [HOUR, -HOUR] {
            let (world, known) = received_ahead(1);
            let world = if restarts { world.restart() } else { world };
            tell(&world, &known, vec![ago(&world, 2 * HOUR, InTransit), ago(&world, seconds, Delivered)], None);
            let (world, late) = is_late(world, &known, 1, restarts);
            assert!(!late, "{seconds}: it was opened");
            // What comes in another parcel later is.
            take(&world, &known, label()).expect("the rest comes");
            tell_of(&world, &known, 2, vec![ago(&world, 0, Delivered)], None).expect("a label");
            let (world, late) = is_late(world, &known, 2, restarts);
            assert!(late, "{seconds}: nobody has opened that one");
            take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it came");
            let world = world.later_on(61, restarts);
            assert!(!case(&world, &known, 2, ExceptionKind::WorkLate).is_some_and(|case| case.is_open()));
        }
    }
}

#[test]
fn each_receipt_opens_one_of_the_parcels_that_are_told_of_later() {
    use TrackingStatus::Delivered;
    for restarts in [false, true] {
        // Both were there when units came the second time.
        let (world, known) = received_ahead(2);
        let world = world.later_on(HOUR, restarts);
        take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("another came");
        for label in [1, 2] {
            tell_of(&world, &known, label, vec![ago(&world, -1, Delivered)], None).expect("a label");
        }
        for label in [1, 2] {
            assert!(!is_late(world.again(), &known, label, restarts).1, "{label}: there were two receipts");
        }
        // One receipt, and two parcels that are told of as delivered after it: one of them was not opened.
        let (world, known) = received_ahead(2);
        for label in [1, 2] {
            tell_of(&world, &known, label, vec![ago(&world, -1, Delivered)], None).expect("a label");
        }
        assert!(!is_late(world.again(), &known, 1, restarts).1 && is_late(world.again(), &known, 2, restarts).1);
        // What is delivered days after units came did not bring them.
        let (world, known) = received_ahead(1);
        let world = world.later_on(2 * DAY, restarts);
        tell(&world, &known, vec![ago(&world, 0, Delivered)], None);
        assert!(is_late(world, &known, 1, restarts).1, "they came another way");
    }
}

#[test]
fn without_a_date_a_parcel_is_late_after_the_usual_time_of_its_service() {
    for restarts in [false, true] {
        let mut world = World::new();
        let quick = Service { name: text("quick"), transit_days: vec![2; 7], ..ground() };
        let services = vec![quick];
        let post = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
        world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(post)))).expect("a carrier");
        let order = delivered(&mut world, &[("phone", 2)]);
        let known = request(&world, asked(&order, &[("1", 2)])).expect("it was delivered");
        take(&world, &known, approve()).expect("it was requested");
        let by = |service: &str| ReturnAction::Label {
            node: Some(text("east")),
            carrier: text("post"),
            service: Some(text(service)),
            tracking_number: text("1"),
        };
        take(&world, &known, by("quick")).expect("it may come");
        let known = take(&world, &known, by("unknown")).expect("it may come");
        for label in [1, 2] {
            tell_of(&world, &known, label, vec![ago(&world, 0, TrackingStatus::InTransit)], None).expect("a label");
        }
        // Two days as it declares and one more, which 97 of 100 keep to; then that day has to end.
        let world = world.later_on(3 * DAY, restarts);
        assert!(!is_open(&world, &known, ExceptionKind::DeliveryLate));
        let world = world.later_on(DAY, restarts);
        assert!(is_open(&world, &known, ExceptionKind::DeliveryLate));
        let unknown = case(&world, &known, 2, ExceptionKind::DeliveryLate);
        assert!(unknown.is_none(), "nobody knows how long that one takes");
        tell(&world, &known, vec![], Some(DAY));
        let world = world.later_on(61, restarts);
        assert!(!is_open(&world, &known, ExceptionKind::DeliveryLate), "its carrier knows better");
    }
}
