//! Kits that come back: whole as ever, or in pieces, each component with its own grade and fate, what is missing of them, and
//! what that is worth.

use super::exchange_money::deliver;
use super::returns::*;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::hold::HoldState;
use crate::domain::item::{Dimensions, ItemKind, ItemPacking};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::return_policy::{RefundAt, ReturnPolicy};
use crate::domain::returns::{Condition, Disposition, Return, ReturnStatus};
use crate::domain::stock::Level;

/// An order of so many kits of two phones and a case, delivered, and its return, approved. The case is worth half of a phone
/// where the items say so.
fn kits(world: &mut World, n: u32, refund_at: RefundAt, has_values: bool) -> (Order, Return) {
    let (order, known) = unpaid_kits(world, n, refund_at, has_values);
    pay(world, &order, 100 * i64::from(n));
    (order, known)
}

/// The same, of which nothing is paid.
fn unpaid_kits(world: &mut World, n: u32, refund_at: RefundAt, has_values: bool) -> (Order, Return) {
    for (sku, value) in [("phone", 40), ("case", 20)].into_iter().filter(|_| has_values) {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: 500,
            dimensions: Dimensions::default(),
            value: Some(dollars(value)),
            components: Vec::new(),
            release_at: None,
            tracking: None,
            packing: ItemPacking::default(),
        };
        world.run(Command::PutItem(Box::new(item))).expect("a good item");
    }
    world.item("set", ItemKind::Kit, &[("phone", 2), ("case", 1)]);
    policy(world, ReturnPolicy { refund_at, ..ReturnPolicy::default() });
    for (sku, units) in [("phone", 2 * n), ("case", n)] {
        world.stock(sku, "east", units.cast_signed()).expect("room");
    }
    let order = world.order(&[("set", n)], None).expect("a good order");
    deliver(world, &order, 1);
    let known = request(world, asked(&order, &[("1", n)])).expect("it was delivered");
    (order, take(world, &known, approve()).expect("it was requested"))
}

fn of(component: &str, n: u32, condition: Option<Condition>, disposition: Option<Disposition>) -> ReturnedUnits {
    ReturnedUnits { component: Some(text(component)), ..units("1", n, condition, disposition) }
}

fn fate(component: &str, n: u32, disposition: Disposition) -> ReturnedUnits {
    of(component, n, Some(Condition::Opened), Some(disposition))
}

fn gone(component: &str, n: u32) -> ReturnedUnits {
    of(component, n, Some(Condition::Missing), None)
}

/// On hand, available and in quality control.
fn at(world: &World, sku: &str) -> (u32, u32, u32) {
    let Level { on_hand, available, quality_control, .. } = world.level(sku, "west");
    (on_hand, available, quality_control)
}

fn again(world: World, restarts: bool) -> World {
    if restarts { world.restart() } else { world }
}

fn now(world: &World, known: &Return) -> Return {
    world.engine.return_by_key(known.key).expect("it is there")
}

#[test]
fn each_component_of_a_kit_gets_its_own_fate_with_its_own_stock() {
    use Disposition::{Destroy, Quarantine, Restock};
    for restarts in [false, true] {
        // At once, or received whole and looked at later, or graded before.
        for way in ["at once", "later", "graded before", "graded whole"] {
            let mut world = World::new();
            let (_, known) = kits(&mut world, 1, RefundAt::Dispositioned, true);
            let fates = || vec![fate("phone", 1, Restock), fate("phone", 1, Quarantine), fate("case", 1, Destroy)];
            let whole = || receipt("west", vec![units("1", 1, None, None)]);
            match way {
                "at once" => {
                    take(&world, &known, receipt("west", fates())).expect("they make a kit");
                }
                "later" => {
                    take(&world, &known, whole()).expect("it comes");
                    world = again(world, restarts);
                    take(&world, &known, ReturnAction::Inspect(fates())).expect("they are in the box");
                }
                "graded before" => {
                    take(&world, &known, whole()).expect("it comes");
                    let opened = Some(Condition::Opened);
                    let grades = vec![of("phone", 2, opened, None), of("case", 1, opened, None)];
                    let after = take(&world, &known, ReturnAction::Inspect(grades)).expect("they are in the box");
                    assert_eq!(after.status(), ReturnStatus::Inspected);
                    assert_eq!((at(&world, "phone"), at(&world, "case")), ((0, 0, 0), (0, 0, 0)), "no fate, no stock");
                    world = again(world, restarts);
                    take(&world, &known, ReturnAction::Dispose(fates())).expect("they are graded");
                }
                _ => {
                    take(&world, &known, whole()).expect("it comes");
                    let grade = vec![units("1", 1, Some(Condition::Opened), None)];
                    take(&world, &known, ReturnAction::Inspect(grade)).expect("it is there");
                    let destroyed = vec![fate("case", 1, Destroy)];
                    let after = take(&world, &known, ReturnAction::Dispose(destroyed)).expect("it is in the box");
                    assert_eq!((after.status(), after.refundable()), (ReturnStatus::Inspected, 20), "a fifth of it");
                    world = again(world, restarts);
                    let rest = vec![fate("phone", 1, Restock), fate("phone", 1, Quarantine)];
                    take(&world, &known, ReturnAction::Dispose(rest)).expect("they are graded as their kit was");
                }
            }
            let world = again(world, restarts);
            assert_eq!((at(&world, "phone"), at(&world, "case")), ((2, 1, 1), (0, 0, 0)), "{way}");
            let known = now(&world, &known);
            assert_eq!((known.status(), known.refundable()), (ReturnStatus::Dispositioned, 100), "{way}");
            let order = order_of(&world, &known);
            assert_eq!((order.overlay(0).received, order.returnable(0)), (1, 0), "{way}: one kit is back");
            let known = take(&world, &known, ReturnAction::Refund(dollars(100))).expect("it was paid");
            assert_eq!(known.status(), ReturnStatus::Closed);
            world.check();
        }
    }
}

#[test]
fn a_kit_with_one_fate_is_as_it_ever_was() {
    let mut world = World::new();
    let (_, known) = kits(&mut world, 2, RefundAt::Received, true);
    let events = world.log.records.lock().len();
    let known = take(&world, &known, receipt("west", vec![restocked("1", 2)])).expect("it comes");
    assert_eq!((at(&world, "phone"), at(&world, "case")), ((4, 4, 0), (2, 2, 0)));
    assert_eq!((known.kits.len(), known.refundable(), known.status()), (0, 200, ReturnStatus::Dispositioned));
    assert_eq!(world.log.records.lock().len(), events + 1);
}

#[test]
fn what_is_missing_of_a_kit_is_not_paid_back_and_never_comes_again() {
    for restarts in [false, true] {
        // By the values of the items the case is a fifth of a kit; without them a third.
        for (has_values, worth) in [(true, 200 - 20), (false, 200 - 33)] {
            let mut world = World::new();
            let (_, known) = kits(&mut world, 2, RefundAt::Received, has_values);
            let came =
                vec![fate("phone", 4, Disposition::Restock), fate("case", 1, Disposition::Restock), gone("case", 1)];
            take(&world, &known, receipt("west", came)).expect("they make two kits");
            let world = again(world, restarts);
            let known = now(&world, &known);
            assert_eq!((at(&world, "phone"), at(&world, "case")), ((4, 4, 0), (1, 1, 0)));
            assert_eq!((known.status(), known.refundable()), (ReturnStatus::Dispositioned, worth));
            let more = take(&world, &known, ReturnAction::Refund(dollars(worth + 1)));
            assert!(matches!(more, Err(Rejection::NotRefundable { .. })), "{more:?}");
            let known = take(&world, &known, ReturnAction::Refund(dollars(worth))).expect("it was paid");
            assert_eq!((known.status(), order_of(&world, &known).returnable(0)), (ReturnStatus::Closed, 0));
            world.check();
        }
    }
}

#[test]
fn what_is_found_missing_when_the_box_is_opened_is_missing() {
    let mut world = World::new();
    let (_, known) = kits(&mut world, 1, RefundAt::Received, true);
    let known = take(&world, &known, receipt("west", vec![units("1", 1, None, None)])).expect("it comes");
    assert_eq!(known.refundable(), 100);
    let known = take(&world, &known, ReturnAction::Inspect(vec![gone("phone", 1)])).expect("the box is opened");
    assert_eq!((known.status(), known.refundable()), (ReturnStatus::Received, 60), "the rest waits for its grade");
    let rest = vec![fate("phone", 1, Disposition::Donate), fate("case", 1, Disposition::Restock)];
    let known = take(&world, &known, ReturnAction::Inspect(rest)).expect("the rest is there");
    assert_eq!(
        (known.status(), at(&world, "phone"), at(&world, "case")),
        (ReturnStatus::Dispositioned, (0, 0, 0), (1, 1, 0))
    );
    world.check();
}

#[test]
fn what_was_wanted_instead_of_a_kit_waits_for_what_was_missing_of_it() {
    for restarts in [false, true] {
        let mut world = World::new();
        let (_, first) = kits(&mut world, 1, RefundAt::Received, true);
        take(&world, &first, ReturnAction::Cancel(None)).expect("nothing came");
        world.stock("cable", "east", 1).expect("room");
        let order = order_of(&world, &first);
        let wanted = WantedInstead { sku: text("cable"), quantity: quantity(1), unit_price: Some(dollars(100)) };
        let known = request(&world, RequestReturn { exchange: vec![wanted], ..asked(&order, &[("1", 1)]) });
        let known = take(&world, &known.expect("it was delivered"), approve()).expect("it was requested");
        let came = vec![fate("phone", 2, Disposition::Restock), gone("case", 1)];
        take(&world, &known, receipt("west", came)).expect("it comes");
        let world = again(world, restarts);
        let instead = replacement(&world, &known);
        assert_eq!((kept(&instead), now(&world, &known).credited), (80, 80), "what came pays for so much");
        let waits = || replacement(&world, &known).holds.iter().any(|hold| hold.state == HoldState::Active);
        assert!(waits(), "a fifth of it is owed");
        pay(&world, &instead, 20);
        assert!(!waits(), "it is paid for");
        world.check();
    }
}

#[test]
fn what_nobody_paid_is_exchanged_for_whole_kits_alone() {
    for has_come in [false, true] {
        let mut world = World::new();
        let (_, first) = unpaid_kits(&mut world, 1, RefundAt::Received, true);
        take(&world, &first, ReturnAction::Cancel(None)).expect("nothing came");
        world.stock("cable", "east", 1).expect("room");
        let wanted = WantedInstead { sku: text("cable"), quantity: quantity(1), unit_price: Some(dollars(100)) };
        let asked = RequestReturn { exchange: vec![wanted], ..asked(&order_of(&world, &first), &[("1", 1)]) };
        let known = request(&world, asked).expect("it was delivered");
        let known = take(&world, &known, approve()).expect("it was requested");
        let case = if has_come { fate("case", 1, Disposition::Restock) } else { gone("case", 1) };
        let came = vec![fate("phone", 2, Disposition::Restock), case];
        take(&world, &known, receipt("west", came)).expect("it comes");
        let held = replacement(&world, &known).holds.iter().any(|hold| hold.state == HoldState::Active);
        assert_eq!(held, !has_come);
    }
}

#[test]
fn components_that_make_no_kit_or_are_of_none_are_refused_and_nothing_changes() {
    let mut world = World::new();
    let (_, known) = kits(&mut world, 2, RefundAt::Received, true);
    let fault = |known: &Return, action: ReturnAction| match take(&world, known, action) {
        Err(Rejection::Invalid(faults)) => (faults[0].field.clone(), faults[0].code),
        other => panic!("{other:?}"),
    };
    let records = world.log.records.lock().len();
    let came = |lines| receipt("west", lines);
    let restock = |sku: &str, n| fate(sku, n, Disposition::Restock);
    let incomplete = ("lines[0].component".to_owned(), "incomplete_kit");
    assert_eq!(fault(&known, came(vec![restock("phone", 2)])), incomplete, "without its case");
    assert_eq!(fault(&known, came(vec![restock("phone", 3), restock("case", 1)])), incomplete);
    let unknown = ("lines[1].component".to_owned(), "unknown_component");
    assert_eq!(fault(&known, came(vec![restocked("1", 1), restock("cable", 1)])), unknown);
    assert_eq!(fault(&known, came(vec![restocked("1", 1), restock("nothing", 1)])), unknown);
    let nothing = ("lines[0].component".to_owned(), "not_in_parcel");
    assert_eq!(fault(&known, came(vec![gone("phone", 2), gone("case", 1)])), nothing, "the kit is missing");
    let ungraded = of("case", 1, None, Some(Disposition::Restock));
    let missing = ("lines[1].condition".to_owned(), "missing_field");
    assert_eq!(fault(&known, came(vec![restock("phone", 2), ungraded])), missing);
    let many = take(&world, &known, came(vec![restocked("1", 1), restock("phone", 4), restock("case", 2)]));
    assert!(matches!(many, Err(Rejection::NotInReturn { requested: 3, there: 2, .. })), "{many:?}");
    let many = take(&world, &known, came(vec![restock("phone", 6), restock("case", 3)]));
    assert!(matches!(many, Err(Rejection::NotInReturn { requested: 3, there: 2, .. })), "{many:?}");
    assert_eq!(world.log.records.lock().len(), records);
    let known = take(&world, &known, came(vec![units("1", 1, None, None)])).expect("one comes");
    let many = take(&world, &known, ReturnAction::Inspect(vec![restock("phone", 3)]));
    assert!(matches!(many, Err(Rejection::NotInReturn { requested: 3, there: 2, .. })), "{many:?}");
    let graded = take(&world, &known, ReturnAction::Dispose(vec![restock("case", 1)]));
    assert!(matches!(graded, Err(Rejection::NotInReturn { there: 0, .. })), "nobody graded it: {graded:?}");
    let lost = fault(&known, ReturnAction::Dispose(vec![gone("case", 1)]));
    assert_eq!(lost.1, "not_in_parcel");
    // A line that is no kit has no components.
    let order = delivered(&mut world, &[("phone", 1)]);
    let plain = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    take(&world, &plain, approve()).expect("it was requested");
    let refused = take(&world, &plain, came(vec![restock("phone", 1)]));
    assert!(
        matches!(&refused, Err(Rejection::Invalid(faults)) if faults[0].code == "unknown_component"),
        "{refused:?}"
    );
    world.check();
}

#[test]
fn a_component_restocked_fills_who_waits_in_the_record_of_its_receipt() {
    let mut world = World::new();
    let (_, known) = kits(&mut world, 1, RefundAt::Received, true);
    let waits = world.order(&[("case", 1)], None).expect("it waits");
    assert_eq!(waits.totals().backordered, 1);
    let came = vec![fate("phone", 2, Disposition::Destroy), fate("case", 1, Disposition::Restock)];
    take(&world, &known, receipt("west", came)).expect("it comes");
    let waits = world.engine.order_by_key(waits.key).expect("there");
    assert_eq!((waits.totals().backordered, waits.totals().allocated), (0, 1));
    assert_eq!(at(&world, "phone"), (0, 0, 0), "destroyed");
    world.check();
}
