//! Lockers: a compartment is taken with the promise or nothing is, and is free again when the last of its goods is gone,
//! whichever way that went.
//!
//! Every story is played with and without a restart after each step; after each, memory is what the records say.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::item::Dimensions;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

const PICK: FulfillmentAction = FulfillmentAction::Pick { lines: None };

struct Shop {
    world: World,
    restarts: bool,
}

impl Shop {
    /// Phones in the west, whose lockers have two compartments for them.
    fn both() -> [Self; 2] {
        [false, true].map(|restarts| {
            let world = World::new();
            world.stock("phone", "west", 9).expect("room");
            let mut shop = Self { world, restarts };
            shop.put(&[("m", 300, 1), ("s", 200, 1)]).expect("lockers");
            shop
        })
    }

    fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let reply = self.world.run(command);
        if self.restarts {
            let world = std::mem::replace(&mut self.world, World::new());
            self.world = world.restart();
        }
        self.check();
        reply
    }

    fn check(&self) {
        let node = self.world.engine.catalogue(|c| c.node_index("west")).expect("there");
        let known = match self.world.fold().entity(&EntityKey::Lockers(node)) {
            Some(Entity::Lockers(known)) => (**known).clone(),
            _ => Default::default(),
        };
        assert_eq!(self.world.engine.lockers("west").map(|(lockers, _)| lockers), Some(known));
    }

    fn put(&mut self, sizes: &[(&str, u32, u32)]) -> Result<Reply, Rejection> {
        let size = |(id, edge, limit): &(&str, u32, u32)| PutLocker {
            id: text(id),
            inner: Dimensions { length: *edge, width: *edge, height: *edge },
            limit: *limit,
        };
        let sizes = sizes.iter().map(size).collect();
        self.run(Command::PutLockers(Box::new(PutLockers { node: text("west"), sizes })))
    }

    fn place(&mut self, id: &str, units: u32) -> Result<Order, Rejection> {
        let wishes = Wishes { preferred_node: Some(text("west")), ..Wishes::default() };
        let order = World::order_of(id, &[("phone", units)], None);
        let order = PlaceOrder { id: Some(text(id)), delivery_method: text("locker"), wishes, ..order };
        match self.run(Command::PlaceOrder(Box::new(order)))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self, order: &str, action: FulfillmentAction) {
        let key = self.world.engine.order(order).expect("there").key;
        let fulfillment = text(&crate::domain::ids::FulfillmentKey { order: key, number: 1 }.to_string());
        self.run(Command::Fulfill(Fulfill { fulfillment, action })).expect("in turn");
    }

    fn used(&self) -> u32 {
        let (lockers, _) = self.world.engine.lockers("west").expect("there");
        lockers.sizes.iter().map(|size| size.used).sum()
    }
}

#[test]
fn a_compartment_is_taken_with_the_promise_and_no_order_is_taken_without_one() {
    for mut shop in Shop::both() {
        shop.place("a", 1).expect("two are free");
        shop.place("b", 9).expect("one is free, and what it lacks waits for it");
        assert_eq!(shop.used(), 2);
        let records = shop.world.log.records.lock().len();
        let full = shop.place("c", 1).expect_err("they are full");
        assert_eq!((full.code(), shop.world.log.records.lock().len()), ("locker_full", records));
        let wishes = Wishes { preferred_node: Some(text("west")), ..Wishes::default() };
        let order =
            PlaceOrder { delivery_method: text("locker"), wishes, ..World::order_of("q", &[("phone", 1)], None) };
        let quote = shop.world.engine.quote(shop.world.log.now(), &order);
        assert_eq!(quote.map(drop).map_err(|no| no.code()), Err("locker_full"), "a quote says so too");
        let fewer = shop.put(&[("m", 300, 1)]).expect_err("one is used");
        assert_eq!(fewer.code(), "locker_in_use");
        shop.put(&[("m", 300, 2), ("s", 200, 1)]).expect("more may come");
        shop.place("c", 1).expect("one is free");
        assert_eq!(shop.used(), 3);
    }
}

#[test]
fn a_compartment_is_free_again_when_its_goods_are_gone() {
    let until = |world: &World| Some(WallTime(world.log.now().wall.0 + 60_000));
    let cancel = || FulfillmentAction::Cancel { reason: text("no"), resource: false };
    for mut shop in Shop::both() {
        // Fetched.
        shop.place("a", 1).expect("room");
        for action in
            [FulfillmentAction::Accept, PICK, FulfillmentAction::Pack, FulfillmentAction::Ready { until: None }]
        {
            shop.step("a", action);
        }
        assert_eq!(shop.used(), 1);
        shop.step("a", FulfillmentAction::HandOver);
        assert_eq!(shop.used(), 0);
        // Nobody came: it lies there until it is put back.
        shop.place("b", 2).expect("room");
        for action in [FulfillmentAction::Accept, PICK, FulfillmentAction::Pack] {
            shop.step("b", action);
        }
        let until = until(&shop.world);
        shop.step("b", FulfillmentAction::Ready { until });
        shop.world.later(61);
        shop.world.engine.expire_due(&*shop.world.log);
        assert_eq!(shop.used(), 1);
        shop.step("b", FulfillmentAction::PutBack { lines: None });
        assert_eq!(shop.used(), 0);
        // Cancelled, in parts and at its node.
        shop.place("c", 2).expect("room");
        let one = || Some(vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }]);
        let reason = || text("no");
        shop.run(Command::CancelOrder(CancelOrder { order: text("c"), lines: one(), reason: reason() })).expect("open");
        assert_eq!(shop.used(), 1, "the other one still comes");
        shop.run(Command::CancelOrder(CancelOrder { order: text("c"), lines: one(), reason: reason() })).expect("open");
        assert_eq!(shop.used(), 0);
        shop.place("d", 1).expect("room");
        shop.step("d", cancel());
        assert_eq!(shop.used(), 0);
        // Edited away.
        shop.place("e", 1).expect("room");
        let changes = vec![EditChange::Line { line: text("1"), quantity: Some(0), unit_price: None }];
        let Ok(Reply::Edit { number, .. }) = shop.run(Command::OpenEdit(OpenEdit { order: text("e"), changes })) else {
            panic!("it can be edited")
        };
        let edit = text(&format!("edit-{number}"));
        let end = EndEdit { order: text("e"), edit, outcome: EditOutcome::Confirm };
        shop.run(Command::EndEdit(end)).expect("open");
        assert_eq!(shop.used(), 0);
    }
}

#[test]
fn what_fits_in_no_compartment_is_refused_and_a_node_without_lockers_has_room_for_all() {
    for mut shop in Shop::both() {
        let phone = PutItem {
            sku: text("phone"),
            name: text("phone"),
            kind: crate::domain::item::ItemKind::Product,
            weight_g: 500,
            dimensions: Dimensions { length: 250, width: 100, height: 100 },
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        shop.run(Command::PutItem(Box::new(phone))).expect("good");
        shop.place("a", 1).expect("in the larger one");
        assert_eq!(shop.place("b", 1).expect_err("the smaller one is too short").code(), "locker_full");
        assert_eq!(shop.place("c", 99).expect_err("by volume").code(), "fits_no_locker");
        shop.run(Command::CancelOrder(CancelOrder { order: text("a"), lines: None, reason: text("no") }))
            .expect("open");
        shop.put(&[]).expect("nothing lies there");
        assert_eq!(shop.place("d", 1).expect_err("there are none").code(), "fits_no_locker");
        let wishes = Wishes { preferred_node: Some(text("east")), ..Wishes::default() };
        let order = World::order_of("e", &[("phone", 1)], None);
        let order = PlaceOrder { delivery_method: text("locker"), wishes, ..order };
        shop.run(Command::PlaceOrder(Box::new(order))).expect("nobody said what the east has");
    }
}

fn split(order: &str, id: &str, line: &str, units: u32) -> Command {
    let lines = vec![CancelUnits { line: text(line), quantity: quantity(units), from: None }];
    Command::SplitOrder(SplitOrder {
        order: text(order),
        id: Some(text(id)),
        fingerprint: 0,
        channel_order_id: None,
        lines,
    })
}

#[test]
fn what_is_split_off_has_a_compartment_of_its_own_or_stays() {
    for mut shop in Shop::both() {
        shop.place("a", 3).expect("room");
        shop.run(split("a", "a-2", "1", 1)).expect("one is free");
        assert_eq!(shop.used(), 2);
        let records = shop.world.log.records.lock().len();
        assert_eq!(shop.run(split("a", "a-3", "1", 1)).expect_err("they are full").code(), "locker_full");
        assert_eq!(shop.world.log.records.lock().len(), records, "nothing is split without one");
        let cancel = |id: &str| Command::CancelOrder(CancelOrder { order: text(id), lines: None, reason: text("no") });
        shop.run(cancel("a-2")).expect("open");
        assert_eq!(shop.used(), 1);
        shop.run(cancel("a")).expect("open");
        assert_eq!(shop.used(), 0);
    }
}

#[test]
fn what_goes_to_another_order_as_a_whole_takes_the_place_that_it_leaves() {
    for mut shop in Shop::both() {
        shop.put(&[("m", 300, 1)]).expect("nothing lies there");
        shop.world.stock("phone", "east", 9).expect("room");
        let mut order = PlaceOrder { id: Some(text("a")), ..World::order_of("a", &[("phone", 1), ("phone", 2)], None) };
        order.destinations.push(ShipTo { group: text("locker"), ..order.destinations[0].clone() });
        order.lines[1].group = 1;
        order.wishes.ways = vec![AskedWay { group: 1, method: text("locker"), node: Some(text("west")) }];
        shop.run(Command::PlaceOrder(Box::new(order))).expect("one is free");
        assert_eq!(shop.used(), 1);
        shop.run(split("a", "b", "2", 2)).expect("it is where the other was");
        assert_eq!(shop.used(), 1);
        let key = shop.world.engine.order("b").expect("there").key;
        let (lockers, _) = shop.world.engine.lockers("west").expect("there");
        assert!(lockers.stored.keys().all(|stored| stored.order == key));
    }
}

/// An order whose two phones were to lie in a locker of the west, in two fulfilment orders, both packed.
fn in_two_parts(shop: &mut Shop) -> Order {
    let order = shop.place("a", 2).expect("two are free");
    let key = |number| text(&crate::domain::ids::FulfillmentKey { order: order.key, number }.to_string());
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
    let split = FulfillmentAction::Split { lines };
    shop.run(Command::Fulfill(Fulfill { fulfillment: key(1), action: split })).expect("nothing is begun");
    for number in [1, 2] {
        for action in [FulfillmentAction::Accept, PICK, FulfillmentAction::Pack] {
            shop.run(Command::Fulfill(Fulfill { fulfillment: key(number), action })).expect("in turn");
        }
    }
    order
}

#[test]
fn a_compartment_is_free_again_when_the_last_part_of_its_goods_was_sent_off() {
    use crate::domain::fulfillment::Shipment;
    use crate::domain::tracking::{Scan, TrackingStatus};
    for mut shop in Shop::both() {
        let order = in_two_parts(&mut shop);
        let key = |number| text(&crate::domain::ids::FulfillmentKey { order: order.key, number }.to_string());
        let ship = || FulfillmentAction::Ship {
            shipment: Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") },
        };
        let before = shop.used();
        shop.run(Command::Fulfill(Fulfill { fulfillment: key(1), action: ship() })).expect("packed");
        let at = shop.world.log.now().wall;
        let scan = Scan { at, status: TrackingStatus::Delivered, id: None, place: None, text: None };
        let track = FulfillmentAction::Track { scans: vec![scan], estimated_at: None };
        shop.run(Command::Fulfill(Fulfill { fulfillment: key(1), action: track })).expect("it left");
        assert_eq!(shop.used(), before, "the other part lies there");
        shop.run(Command::Fulfill(Fulfill { fulfillment: key(2), action: ship() })).expect("packed");
        assert_eq!(shop.used(), 0);
    }
}

#[test]
fn compartments_of_orders_that_leave_together_are_free_again_at_once() {
    use crate::domain::fulfillment::Shipment;
    for mut shop in Shop::both() {
        let (a, b) = (shop.place("a", 1).expect("free"), shop.place("b", 1).expect("free"));
        assert_eq!(shop.used(), 2);
        let with = vec![text(&b.name())];
        shop.run(Command::Consolidate(Consolidate { order: text(&a.name()), with })).expect("one customer, one place");
        for id in ["a", "b"] {
            for action in [FulfillmentAction::Accept, PICK, FulfillmentAction::Pack] {
                shop.step(id, action);
            }
        }
        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
        shop.step("a", FulfillmentAction::Ship { shipment });
        assert_eq!(shop.used(), 0);
    }
}
