//! Items that are not released yet: what waits for that, what serves it, and what may not leave before.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::Shipment;
use crate::domain::order::{Order, OrderType};
use crate::domain::reply::Reply;

fn place(world: &World, id: &str, kind: OrderType, units: u32) -> Order {
    let order = PlaceOrder { id: Some(text(id)), kind, ..World::order_of(id, &[("novel", units)], None) };
    match world.run(Command::PlaceOrder(Box::new(order))).expect("it is taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn waits(world: &World, id: &str) -> (u32, u32, u32) {
    let totals = world.engine.order(id).expect("there").totals();
    (totals.preordered, totals.backordered, totals.allocated)
}

#[test]
fn what_waits_for_a_release_is_served_in_turn_and_moved_on_when_it_comes() {
    for restarts in [false, true] {
        let world = World::new();
        world.unreleased("novel", 1_000);
        place(&world, "a", OrderType::PreOrder, 3);
        place(&world, "b", OrderType::Standard, 2);
        assert_eq!((waits(&world, "a"), waits(&world, "b")), ((3, 0, 0), (2, 0, 0)));
        let world = world.later_on(500, restarts);
        world
            .run(Command::AdjustStock(vec![Adjustment {
                sku: text("novel"),
                node: text("east"),
                delta: 4,
                reason: crate::domain::stock::MovementKind::Received,
            }]))
            .expect("room");
        assert_eq!((waits(&world, "a"), waits(&world, "b")), ((0, 0, 3), (1, 0, 1)));
        let order = world.engine.order("a").expect("there");
        let shipment = Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1".into() };
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
            world.fulfill(&order, 1, action).expect("nothing leaves yet");
        }
        let ship = || FulfillmentAction::Ship { shipment: shipment.clone() };
        assert_eq!(world.fulfill(&order, 1, ship()).unwrap_err().code(), "not_released");
        let world = world.later_on(499, restarts);
        assert_eq!(world.fulfill(&order, 1, ship()).unwrap_err().code(), "not_released");
        assert_eq!(waits(&world, "b"), (1, 0, 1));
        let before = world.log.records.lock().len();
        let world = world.later_on(1, restarts);
        assert_eq!(waits(&world, "b"), (0, 1, 1), "what still waits waits for stock");
        assert_eq!(world.log.records.lock().len(), before + 1, "one record for the one order");
        world.fulfill(&order, 1, ship()).expect("it is released");
        let cancel = NamedUnits { line: text("1"), quantity: quantity(1) };
        let cancel = CancelOrder { order: text("b"), lines: Some(vec![cancel.into()]), reason: text("late") };
        world.run(Command::CancelOrder(cancel)).expect("what waits goes first");
        assert_eq!(waits(&world, "b"), (0, 0, 1));
        let again = PlaceOrder { kind: OrderType::PreOrder, ..World::order_of("c", &[("novel", 1)], None) };
        let refused = world.run(Command::PlaceOrder(Box::new(again))).unwrap_err();
        assert_eq!(refused.code(), "nothing_to_preorder");
    }
}

#[test]
fn a_pre_order_that_rested_is_no_case_of_a_sku_that_is_out_of_stock() {
    let world = World::new();
    let place = |id: &str, kind: OrderType| {
        let wishes = Wishes { deferred: Some(Deferred { allocate_at: None }), ..Wishes::default() };
        let order = PlaceOrder { id: Some(text(id)), kind, wishes, ..World::order_of(id, &[("phone", 1)], None) };
        world.run(Command::PlaceOrder(Box::new(order))).expect("it is taken");
        world.run(Command::AllocateOrder { order: text(id) }).expect("it rests");
    };
    place("early", OrderType::PreOrder);
    assert_eq!(waits(&world, "early"), (1, 0, 0));
    assert_eq!(world.fold().exceptions().count(), 0, "it waits for its release");
}
