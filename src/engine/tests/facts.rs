//! What the engine promises, one fact a test: every step is checked against the fold of the log.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment, ShortReason};
use crate::domain::node::NodeKind;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::rejection::Rejection;
use crate::domain::reservation::ReservationState;

#[test]
fn release_gives_back_what_reserve_took() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let reservation = world.reserve("phone", 3, 60).expect("enough");
    assert_eq!(world.atp("phone"), 2);
    assert!(matches!(world.reserve("phone", 3, 60), Err(Rejection::InsufficientStock { available: 2, .. })));
    let release = Command::ReleaseReservation { reservation: text(&reservation.name()) };
    world.run(release.clone()).expect("held");
    world.run(release).expect("a second time the same");
    assert_eq!(world.atp("phone"), 5);
}

#[test]
fn a_reservation_ends_at_its_instant_even_if_nobody_looks() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let first = world.reserve("phone", 5, 60).expect("enough");
    world.later(59);
    assert_eq!(world.atp("phone"), 0);
    assert!(world.reserve("phone", 1, 60).is_err());
    world.later(1);
    assert_eq!(world.atp("phone"), 5);
    world.reserve("phone", 5, 60).expect("what was due is expired first");
    let ended = world.engine.reservation(&first.name()).expect("readable");
    assert_eq!(ended.state, ReservationState::Expired);
    world.later(61);
    world.engine.expire_due(&*world.log);
    world.check();
    assert_eq!(world.level("phone", "east").available, 5);
}

#[test]
fn an_order_claims_its_reservation_in_one_record() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    world.stock("phone", "west", 2).expect("room");
    let reservation = world.reserve("phone", 4, 60).expect("enough");
    let before = world.log.records.lock().len();
    let order = world.order(&[("phone", 3)], Some(reservation.name())).expect("its own units count as free");
    assert_eq!(world.log.records.lock().len(), before + 1);
    assert_eq!(order.status(), OrderStatus::FullyAllocated);
    assert_eq!(world.atp("phone"), 1);
    let mut world = world.restart();
    assert!(matches!(
        world.order(&[("phone", 1)], Some(reservation.name())),
        Err(Rejection::ReservationEnded { state: "claimed", .. })
    ));
}

#[test]
fn a_receipt_fills_those_who_wait_first_come_first() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    let first = world.order(&[("phone", 3)], None).expect("waits for two");
    let second = world.order(&[("phone", 2)], None).expect("waits for two");
    assert_eq!(first.status(), OrderStatus::PartiallyAllocated);
    assert_eq!(second.status(), OrderStatus::Backordered);
    let mut world = world.restart();
    world.stock("phone", "west", 3).expect("room");
    let order = |world: &World, o: &Order| world.engine.order(&o.name()).expect("there");
    assert_eq!(order(&world, &first).status(), OrderStatus::FullyAllocated);
    assert_eq!(order(&world, &second).totals().backordered, 1);
    assert_eq!(world.atp("phone"), 0);
    world.cancel(&second, None).expect("all of it can be cancelled");
    assert_eq!(world.atp("phone"), 1);
    let third = world.order(&[("phone", 1)], None).expect("the unit is free");
    assert_eq!(third.status(), OrderStatus::FullyAllocated);
}

#[test]
fn a_kit_waits_until_one_node_has_all_of_it() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    world.stock("case", "west", 2).expect("room");
    let order = world.order(&[("bundle", 1)], None).expect("waits");
    assert_eq!(order.status(), OrderStatus::Backordered);
    assert_eq!(world.atp("phone"), 1, "newcomers may pass");
    let world = world.restart();
    world.stock("case", "east", 2).expect("room");
    let order = world.engine.order(&order.name()).expect("there");
    assert_eq!(order.status(), OrderStatus::FullyAllocated);
    assert_eq!(world.level("case", "east").committed, 2);
}

#[test]
fn a_rejected_fulfilment_goes_to_another_node() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    world.stock("phone", "west", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let order = world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("no staff") }).expect("legal");
    assert_eq!(order.status(), OrderStatus::FullyAllocated);
    assert_eq!(world.level("phone", "east").available, 2);
    assert_eq!(world.level("phone", "west").committed, 2);
    let order = world.fulfill(&order, 2, FulfillmentAction::Reject { reason: text("no staff") }).expect("legal");
    assert_eq!(order.status(), OrderStatus::Backordered);
    assert_eq!(world.atp("phone"), 4, "an order whose nodes all refused lets others pass");
    let world = world.restart();
    world.stock("phone", "north", 5).expect("room");
    assert_eq!(world.engine.order(&order.name()).expect("there").status(), OrderStatus::FullyAllocated);
}

#[test]
fn short_picks_have_the_stock_effect_of_their_reason() {
    for (reason, on_hand, damaged) in
        [(ShortReason::NotInStock, 0, 0), (ShortReason::Mismatch, 4, 0), (ShortReason::Damaged, 5, 1)]
    {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        let order = world.order(&[("phone", 2)], None).expect("enough");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
        let order = world.fulfill(&order, 1, FulfillmentAction::Short { lines, reason }).expect("legal");
        let level = world.level("phone", "east");
        assert_eq!((level.on_hand, level.damaged), (on_hand, damaged), "{reason:?}");
        let waits = u32::from(reason != ShortReason::Damaged);
        assert_eq!(order.totals().backordered, waits, "{reason:?}: others are there only where one is damaged");
        let world = world.restart();
        world.stock("phone", "east", 9).expect("room");
        let order = world.engine.order(&order.name()).expect("there");
        let waits = u32::from(reason == ShortReason::Mismatch);
        assert_eq!(order.totals().backordered, waits, "{reason:?}: a node whose books are doubted is not asked again");
    }
}

#[test]
fn an_order_goes_through_to_delivered() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    assert!(matches!(world.fulfill(&order, 1, FulfillmentAction::Deliver), Err(Rejection::IllegalStep { .. })));
    world.fulfill(&order, 1, FulfillmentAction::Pick { lines: None }).expect("legal");
    world.fulfill(&order, 1, FulfillmentAction::Pack).expect("legal");
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    let order = world.fulfill(&order, 1, FulfillmentAction::Ship { shipment }).expect("legal");
    assert_eq!(order.status(), OrderStatus::Shipped);
    assert_eq!(world.level("phone", "east").on_hand, 3);
    assert!(world.cancel(&order, None).is_err());
    let order = world.fulfill(&order, 1, FulfillmentAction::Deliver).expect("legal");
    assert_eq!(order.status(), OrderStatus::Fulfilled);
    world.restart();
}

#[test]
fn a_loss_beyond_what_is_free_is_owed_and_paid_first() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.order(&[("phone", 4)], None).expect("enough");
    world.stock("phone", "east", -3).expect("on hand suffices");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.shortfall, level.available, level.committed), (2, 2, 0, 4));
    assert!(matches!(world.stock("phone", "east", -3), Err(Rejection::InsufficientOnHand { on_hand: 2, .. })));
    let world = world.restart();
    world.stock("phone", "east", 3).expect("room");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.shortfall, level.available), (5, 0, 1));
}

#[test]
fn a_node_switched_off_supplies_nobody_and_on_again_fills_the_queue() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let switch = |active| {
        let patch = NodePatch { active: Some(active), ..NodePatch::default() };
        Command::PatchNode { node: text("east"), patch: Box::new(patch) }
    };
    world.run(switch(false)).expect("known");
    assert_eq!(world.atp("phone"), 0);
    let order = world.order(&[("phone", 2)], None).expect("waits");
    assert_eq!(order.status(), OrderStatus::Backordered);
    world.run(switch(true)).expect("known");
    assert_eq!(world.engine.order(&order.name()).expect("there").status(), OrderStatus::FullyAllocated);
    assert_eq!(world.atp("phone"), 3);
}

#[test]
fn picked_units_of_a_cancelled_fulfilment_wait_in_quality_control() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let order = world.order(&[("phone", 3)], None).expect("enough");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    let lines = Some(vec![NamedUnits { line: text("1"), quantity: quantity(1) }]);
    world.fulfill(&order, 1, FulfillmentAction::Pick { lines }).expect("legal");
    let cancel = FulfillmentAction::Cancel { reason: text("customer"), resource: false };
    let order = world.fulfill(&order, 1, cancel).expect("the node is asked");
    assert_eq!(order.totals().picked, 1);
    let order = world.fulfill(&order, 1, FulfillmentAction::CancelAccept).expect("legal");
    assert_eq!(order.status(), OrderStatus::Cancelled);
    let level = world.level("phone", "east");
    assert_eq!((level.available, level.quality_control), (4, 1));
    assert_eq!(order.fulfillment_orders[0].status, FulfillmentStatus::PutBack);
    world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: None }).expect("legal");
    let level = world.level("phone", "east");
    assert_eq!((level.available, level.quality_control), (5, 0));
}

#[test]
fn a_reservation_shrinks_grows_and_is_extended_in_place() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let reservation = world.reserve("phone", 2, 60).expect("enough");
    let change = |n: Option<u32>, ttl_s| {
        world.run(Command::ChangeReservation(ChangeReservation {
            reservation: text(&reservation.name()),
            ttl_s,
            lines: n.map(|n| vec![ReserveLine { sku: text("phone"), quantity: quantity(n), node: None }]),
            owner: None,
        }))
    };
    change(Some(5), None).expect("own units count as free");
    assert_eq!(world.atp("phone"), 0);
    assert!(matches!(change(Some(6), None), Err(Rejection::InsufficientStock { .. })));
    change(Some(1), Some(600)).expect("shrink");
    assert_eq!(world.atp("phone"), 4);
    world.later(599);
    assert_eq!(world.atp("phone"), 4);
    world.later(1);
    assert_eq!(world.atp("phone"), 5);
    assert!(matches!(change(Some(1), Some(60)), Err(Rejection::ReservationExpired { .. })));
}

#[test]
fn moves_change_the_state_only_either_way_round() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let shift = |from, to, n| {
        let one = StockMove { sku: text("phone"), node: text("east"), from, to, quantity: quantity(n) };
        world.run(Command::MoveStock(vec![one]))
    };
    shift(StockState::Available, StockState::Damaged, 3).expect("free");
    assert!(shift(StockState::Available, StockState::Damaged, 3).is_err());
    shift(StockState::Damaged, StockState::Available, 2).expect("there");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.available, level.damaged), (5, 4, 1));
    assert!(shift(StockState::Damaged, StockState::QualityControl, 1).is_err());
}

#[test]
fn a_virtual_node_takes_no_stock() {
    let world = World::new();
    assert!(matches!(world.stock("phone", "virtual", 1), Err(Rejection::Invalid(_))));
}

#[test]
fn a_node_with_stock_does_not_become_one_without_nor_the_other_way_round() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let kind = |id: &str, kind| {
        let patch = NodePatch { kind: Some(kind), ..NodePatch::default() };
        world.run(Command::PatchNode { node: text(id), patch: Box::new(patch) })
    };
    for (id, to) in [("east", NodeKind::Virtual), ("virtual", NodeKind::Store)] {
        let refused = kind(id, to).expect_err("it stays what it is");
        assert!(matches!(&refused, Rejection::Invalid(faults) if faults[0].code == "kind_is_fixed"), "{refused:?}");
    }
    kind("east", NodeKind::Store).expect("it keeps stock as before");
    assert_eq!(world.atp("phone"), 5);
}

#[test]
fn a_unit_at_a_node_that_is_off_is_promised_to_nobody() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.stock("phone", "west", 2).expect("room");
    world.node("east", 40.0, -74.0, false);
    assert_eq!(world.atp("phone"), 2);
    world.node("east", 40.0, -74.0, true);
    assert_eq!(world.atp("phone"), 7);
}

#[test]
fn the_plan_of_an_order_gains_what_is_filled_later() {
    let mut world = World::new();
    let order = world.order(&[("phone", 3)], None).expect("waits");
    world.stock("phone", "east", 2).expect("room");
    let decision = world.engine.order(&order.name()).expect("there").decision.clone().expect("sourced");
    assert_eq!((decision.assignments.len(), decision.unfilled[0].quantity), (1, 1));
    world.stock("phone", "west", 1).expect("room");
    let decision = world.engine.order(&order.name()).expect("there").decision.clone().expect("sourced");
    assert_eq!((decision.assignments.len(), decision.unfilled.len()), (2, 0));
}
