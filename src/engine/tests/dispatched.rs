//! Manifests: what is on one is the same for the close-out and for the paper, with numbers of parcels and without.

use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::dispatch::{Dispatch, Manifest, ManifestKey};
use crate::domain::fulfillment::Shipment;
use crate::domain::ids::{FulfillmentKey, NodeIndex};
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn shipment() -> FulfillmentAction {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    FulfillmentAction::Ship { shipment }
}

fn placed(world: &World, id: &str, to_store: Option<&str>) -> Order {
    let wishes = Wishes { preferred_node: to_store.map(text), ..Wishes::default() };
    let method = text(if to_store.is_some() { "ship_to_store" } else { "ship" });
    let order = PlaceOrder { delivery_method: method, wishes, ..World::order_of(id, &[("phone", 1)], None) };
    match world.run(Command::PlaceOrder(Box::new(order))) {
        Ok(Reply::Order(order)) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn packed(world: &World, order: &Order) {
    for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
        world.fulfill(order, 1, action).expect("in turn");
    }
}

fn shipped(world: &World, id: &str, to_store: Option<&str>) -> Order {
    let order = placed(world, id, to_store);
    packed(world, &order);
    world.fulfill(&order, 1, shipment()).expect("packed")
}

fn node(world: &World, id: &str) -> NodeIndex {
    world.engine.catalogue(|catalogue| catalogue.node_index(id)).expect("there")
}

/// The manifest of the day at a node, so many days ahead; nodes of this world lie in UTC.
fn manifest(world: &World, at: &str, days: i64) -> ManifestKey {
    let day = (world.log.now().wall.0 / DAY_MS + days) as i32;
    ManifestKey { node: node(world, at), carrier: text("post"), day }
}

fn close(world: &World, at: &str) -> Manifest {
    let close = CloseOut { node: text(at), carrier: text("post"), day: None };
    match world.run(Command::CloseOut(close)) {
        Ok(Reply::Dispatch(_, known)) => match *known {
            Dispatch::Manifest(known) => known,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn key(order: &Order) -> FulfillmentKey {
    FulfillmentKey { order: order.key, number: 1 }
}

#[test]
fn what_leaves_without_numbers_is_closed_out_and_what_leaves_after_that_is_on_the_next_day() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 9).expect("room");
        let (a, b) = (shipped(&world, "a", None), shipped(&world, "b", None));
        let world = if restarts { world.restart() } else { world };
        let closed = close(&world, "east");
        assert_eq!((closed.shipments, closed.parcels, closed.left_behind), (2, 2, 0));
        assert_eq!(world.engine.on_manifest(&manifest(&world, "east", 0)), [key(&a), key(&b)]);
        world.later(1);
        let late = shipped(&world, "c", None);
        let world = if restarts { world.restart() } else { world };
        assert_eq!(world.engine.on_manifest(&manifest(&world, "east", 0)), [key(&a), key(&b)]);
        assert_eq!(world.engine.on_manifest(&manifest(&world, "east", 1)), [key(&late)]);
        let left_at = late.left_at(1).expect("it left");
        let day = world.engine.manifest_day(node(&world, "east"), &text("post"), left_at);
        assert_eq!(day, manifest(&world, "east", 1).day, "the paper goes by the same");
        world.later(24 * 60 * 60);
        assert_eq!(close(&world, "east").shipments, 1);
    }
}

#[test]
fn what_is_sent_to_a_store_is_on_the_manifest_of_where_it_left_from() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("room");
    let order = shipped(&world, "a", Some("west"));
    world.fulfill(&order, 1, FulfillmentAction::Receive).expect("it left");
    let order = world.fulfill(&order, 1, FulfillmentAction::HandOver).expect("it came");
    assert_eq!(world.engine.on_manifest(&manifest(&world, "east", 0)), [key(&order)]);
    assert_eq!(world.engine.on_manifest(&manifest(&world, "west", 0)), []);
    assert!(order.came_from_elsewhere(1));
    assert_eq!((close(&world, "west").shipments, close(&world, "east").shipments), (0, 1));
}

#[test]
fn orders_in_one_parcel_are_one_shipment_with_the_parcels_of_one_of_them() {
    for numbered in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 9).expect("room");
        let (a, b) = (placed(&world, "a", None), placed(&world, "b", None));
        let with = vec![text(&b.name())];
        world.run(Command::Consolidate(Consolidate { order: text(&a.name()), with })).expect("one customer");
        packed(&world, &a);
        packed(&world, &b);
        if numbered {
            let prefix = crate::domain::dispatch::SsccPrefix { extension: 0, company: text("4012345") };
            world.run(Command::PutNumbers(PutNumbers { prefix })).expect("good");
            let pack = |order: &Order| {
                let fulfillment = text(&key(order).to_string());
                world.run(Command::PackParcels(PackParcels { fulfillment, carrier: text("post"), weights_g: vec![1] }))
            };
            pack(&a).expect("packed");
            let refused = pack(&b);
            assert!(
                matches!(&refused, Err(Rejection::NotPackable { why, .. }) if why.contains("in the parcels of")),
                "{refused:?}"
            );
        }
        world.fulfill(&b, 1, shipment()).expect("both are packed");
        assert_eq!(world.engine.on_manifest(&manifest(&world, "east", 0)), [key(&a)]);
        let closed = close(&world, "east");
        assert_eq!((closed.shipments, closed.parcels, closed.left_behind), (1, 1, 0));
    }
}

#[test]
fn whose_parcels_were_left_behind_is_told_by_the_days_of_the_wall_clock() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("room");
    // The journal's clock is a day behind.
    world.log.wall_ahead.store(DAY_MS, std::sync::atomic::Ordering::SeqCst);
    let prefix = crate::domain::dispatch::SsccPrefix { extension: 0, company: text("4012345") };
    world.run(Command::PutNumbers(PutNumbers { prefix })).expect("good");
    let order = placed(&world, "a", None);
    packed(&world, &order);
    let fulfillment = text(&key(&order).to_string());
    let pack = PackParcels { fulfillment, carrier: text("post"), weights_g: vec![1] };
    world.run(Command::PackParcels(pack)).expect("packed");
    let yesterday = CloseOut { node: text("east"), carrier: text("post"), day: Some(manifest(&world, "east", -1).day) };
    match world.run(Command::CloseOut(yesterday)) {
        Ok(Reply::Dispatch(_, known)) => {
            assert!(
                matches!(*known, Dispatch::Manifest(Manifest { left_behind: 0, .. })),
                "it was not there yesterday"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(close(&world, "east").left_behind, 1);
}
