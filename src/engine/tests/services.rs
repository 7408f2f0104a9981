//! Services: places of slots are taken with an order's stock or not at all, and come back with what is cancelled; a
//! warranty is registered when what it covers is delivered.
//!
//! Every story is played with and without a restart after each step; after each, what is used of every slot is what the
//! orders have of it.

use std::collections::BTreeMap;

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::fulfillment::Shipment;
use crate::domain::ids::NodeIndex;
use crate::domain::item::ItemKind;
use crate::domain::order::Order;
use crate::domain::particulars::GIVEN_UP;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::slots::Slots;
use crate::domain::time::WallTime;

const HOUR_MS: i64 = 3_600_000;

struct Shop {
    world: World,
    restarts: bool,
}

impl Shop {
    /// Phones in the east, and installers there: two places on Monday, one on Tuesday.
    fn both() -> [Self; 2] {
        [false, true].map(|restarts| {
            let mut world = World::new();
            world.virtual_node("cloud");
            world.item("setup", ItemKind::Service, &[]);
            world.item("care", ItemKind::Service, &[]);
            world.stock("phone", "east", 5).expect("room");
            let mut shop = Self { world, restarts };
            shop.put("east", &[("monday", 24, 2), ("tuesday", 48, 1)]).expect("slots");
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

    fn put(&mut self, node: &str, slots: &[(&str, i64, u32)]) -> Result<Reply, Rejection> {
        let now = self.world.log.now().wall.0;
        let slot = |(id, hours, limit): &(&str, i64, u32)| PutSlot {
            id: text(id),
            sku: Some(text("setup")),
            starts_at: WallTime(now - now % HOUR_MS + hours * HOUR_MS),
            ends_at: WallTime(now - now % HOUR_MS + (hours + 4) * HOUR_MS),
            limit: *limit,
        };
        self.run(Command::PutSlots(Box::new(PutSlots { node: text(node), slots: slots.iter().map(slot).collect() })))
    }

    fn place(&mut self, id: &str, lines: &[(&str, u32)], slot: &str) -> Result<Order, Rejection> {
        let line = lines.iter().position(|(sku, _)| *sku == "setup").unwrap_or(0) as u16;
        let slots = vec![AskedSlot { line, node: text("east"), slot: text(slot) }];
        let wishes = Wishes { slots, ..Wishes::default() };
        self.place_with(PlaceOrder { id: Some(text(id)), wishes, ..World::order_of(id, lines, None) })
    }

    fn place_with(&mut self, order: PlaceOrder) -> Result<Order, Rejection> {
        match self.run(Command::PlaceOrder(Box::new(order)))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Phones that are brought in a slot, each in a line of its own.
    fn bring(&mut self, id: &str, lines: &[(&str, u32)], slots: &[(u16, &str)]) -> Result<Order, Rejection> {
        let asked = |(line, slot): &(u16, &str)| AskedSlot { line: *line, node: text("east"), slot: text(slot) };
        let wishes = Wishes { slots: slots.iter().map(asked).collect(), ..Wishes::default() };
        let delivery_method = text("local_delivery");
        self.place_with(PlaceOrder { id: Some(text(id)), delivery_method, wishes, ..World::order_of(id, lines, None) })
    }

    fn rebook(&mut self, order: &str, line: &str, slot: &str) -> Result<Order, Rejection> {
        self.rebook_at(order, line, ("east", slot))
    }

    fn rebook_at(&mut self, order: &str, line: &str, (node, slot): (&str, &str)) -> Result<Order, Rejection> {
        let (order, line, node, slot) = (text(order), text(line), text(node), text(slot));
        match self.run(Command::Rebook(Rebook { order, line, node, slot }))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    fn cancel(&mut self, order: &str, lines: Option<Vec<CancelUnits>>) {
        self.run(Command::CancelOrder(CancelOrder { order: text(order), lines, reason: text("no") }))
            .expect("cancelled");
    }

    fn order(&self, id: &str) -> Order {
        self.world.engine.order(id).expect("there").as_ref().clone()
    }

    fn used(&self) -> Vec<(String, u32)> {
        self.used_at("east")
    }

    fn used_at(&self, node: &str) -> Vec<(String, u32)> {
        let (slots, _) = self.world.engine.slots(node).expect("there");
        slots.slots.iter().map(|slot| (slot.terms.id.to_string(), slot.used)).collect()
    }

    fn step(&mut self, order: &str, number: u16, action: FulfillmentAction) -> Order {
        let key = crate::domain::ids::FulfillmentKey { order: self.order(order).key, number };
        match self.run(Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })) {
            Ok(Reply::Fulfillment { order, .. }) => (*order).clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Memory is what the records say, and what is used of a slot is what orders have of it.
    fn check(&self) {
        let state = self.world.fold();
        let mut used: BTreeMap<(NodeIndex, u32), u32> = BTreeMap::new();
        for order in state.orders() {
            for held in order.places_held() {
                *used.entry((held.node, held.slot)).or_default() += held.places;
            }
        }
        for (at, id) in self
            .world
            .engine
            .catalogue(|c| c.nodes().iter().map(|n| n.id.clone()).collect::<Vec<_>>())
            .iter()
            .enumerate()
        {
            let node = NodeIndex(at as u32);
            let known = match state.entity(&EntityKey::Slots(node)) {
                Some(Entity::Slots(slots)) => (**slots).clone(),
                _ => Slots::default(),
            };
            assert_eq!(self.world.engine.slots(id).map(|(slots, _)| slots), Some(known.clone()));
            for slot in &known.slots {
                assert_eq!(slot.used, used.remove(&(node, slot.number)).unwrap_or(0), "{}", slot.terms.id);
            }
        }
    }
}

fn used(monday: u32, tuesday: u32) -> Vec<(String, u32)> {
    vec![("monday".to_owned(), monday), ("tuesday".to_owned(), tuesday)]
}

#[test]
fn a_slot_is_taken_with_the_stock_of_its_order_and_comes_back_with_what_is_cancelled() {
    for mut shop in Shop::both() {
        let order = shop.place("a", &[("phone", 1), ("setup", 2)], "monday").expect("taken");
        assert_eq!((shop.used(), order.totals().allocated), (used(2, 0), 3));
        let east = shop.world.engine.catalogue(|c| c.node_index("east")).expect("there");
        assert!(order.fulfillment_orders.iter().all(|f| f.node == east), "it is done where the slot is");
        let records = shop.world.log.records.lock().len();
        let full = shop.place("b", &[("phone", 1), ("setup", 1)], "monday").expect_err("it is full");
        assert!(matches!(full, Rejection::SlotFull { requested: 1, available: 0, .. }), "{full:?}");
        assert_eq!(
            (shop.world.log.records.lock().len(), shop.world.atp("phone")),
            (records, 4),
            "nothing is half taken"
        );
        let one = CancelUnits { line: text("2"), quantity: quantity(1), from: None };
        shop.cancel("a", Some(vec![one]));
        assert_eq!(shop.used(), used(1, 0));
        shop.place("b", &[("phone", 1), ("setup", 1)], "monday").expect("there is room");
        let fulfillment = order.fulfillment_orders.iter().find(|f| f.units_of(1) > 0).expect("of the service").number;
        shop.step("a", fulfillment, FulfillmentAction::Cancel { reason: text("no"), resource: false });
        assert_eq!(shop.used(), used(1, 0));
        shop.cancel("b", None);
        assert_eq!(shop.used(), used(0, 0));
    }
}

#[test]
fn an_order_without_its_stock_keeps_its_slot_and_one_that_is_refused_takes_none() {
    for mut shop in Shop::both() {
        let order = shop.place("a", &[("phone", 9), ("setup", 1)], "tuesday").expect("taken");
        assert_eq!(
            (order.totals().backordered, shop.used()),
            (4, used(0, 1)),
            "what it lacks waits, the slot is its own"
        );
        let unknown = shop.place("b", &[("phone", 1), ("setup", 1)], "friday").expect_err("unknown");
        assert_eq!(unknown.code(), "unknown_slot");
        let not = shop.place("b", &[("phone", 1)], "monday").expect_err("no service");
        assert_eq!(not.code(), "not_a_service");
        let other = shop.place_with(PlaceOrder {
            wishes: Wishes {
                slots: vec![AskedSlot { line: 0, node: text("east"), slot: text("monday") }],
                ..Wishes::default()
            },
            ..World::order_of("c", &[("care", 1)], None)
        });
        assert_eq!(other.expect_err("for another service").code(), "slot_of_another");
        shop.world.later(24 * 3_600);
        assert_eq!(shop.place("b", &[("setup", 1)], "monday").expect_err("it has begun").code(), "time_in_past");
        assert_eq!(shop.used(), used(0, 1));
    }
}

#[test]
fn a_slot_in_use_is_kept_until_its_time_has_passed_and_one_put_again_is_another() {
    for mut shop in Shop::both() {
        shop.place("a", &[("setup", 2)], "monday").expect("taken");
        for wrong in [&[("tuesday", 48, 1)][..], &[("monday", 24, 1)], &[("monday", 25, 2)]] {
            let refused = shop.put("east", wrong).expect_err("it is used");
            assert!(matches!(refused, Rejection::SlotInUse { used: 2, .. }), "{refused:?}");
        }
        shop.put("east", &[("monday", 24, 5), ("tuesday", 48, 1)]).expect("more places");
        shop.world.later(30 * 3_600);
        shop.put("east", &[("tuesday", 18, 1)]).expect("Monday has passed");
        shop.put("east", &[("monday", 24, 5), ("tuesday", 18, 1)]).expect("another Monday");
        assert_eq!(shop.used(), used(0, 0));
        shop.cancel("a", None);
        assert_eq!(shop.used(), used(0, 0), "what is cancelled was of the other Monday");
    }
}

#[test]
fn an_appointment_stays_with_its_node_and_waits_when_the_node_refuses() {
    for mut shop in Shop::both() {
        let order = shop.place("a", &[("phone", 1), ("setup", 1)], "monday").expect("taken");
        shop.world.stock("phone", "west", 1).expect("room");
        let patch = NodePatch { active: Some(false), ..NodePatch::default() };
        shop.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("switched off");
        shop.world.engine.expire_due(&*shop.world.log);
        let work = order.fulfillment_orders.iter().find(|f| f.units_of(1) > 0).expect("of the service").number;
        let live = |shop: &Shop| {
            shop.order("a").fulfillment_orders.iter().filter(|f| f.status.is_live()).map(|f| f.node).collect::<Vec<_>>()
        };
        assert_eq!(live(&shop).len(), 2, "goods come from elsewhere, the appointment stays");
        assert_eq!(shop.place("b", &[("setup", 1)], "monday").expect_err("off").code(), "node_inactive");
        let refused = shop.step("a", work, FulfillmentAction::Reject { reason: text("ill") });
        assert_eq!((refused.buckets(1).backordered, shop.used()), (1, used(0, 0)), "nobody else will have that place");
        shop.cancel("a", None);
        assert_eq!(shop.used(), used(0, 0));
    }
}

#[test]
fn what_a_node_refused_may_have_a_slot_of_another() {
    for mut shop in Shop::both() {
        shop.put("west", &[("friday", 72, 1)]).expect("slots");
        let order = shop.place("a", &[("phone", 1), ("setup", 1)], "monday").expect("taken");
        let work = order.fulfillment_orders.iter().find(|f| f.units_of(1) > 0).expect("of the service").number;
        let code = |done: Result<Order, Rejection>| match done {
            Ok(_) => "",
            Err(Rejection::Invalid(faults)) => faults[0].code,
            Err(other) => other.code(),
        };
        assert_eq!(code(shop.rebook_at("a", "2", ("west", "friday"))), "slot_elsewhere", "the east does it");
        shop.step("a", work, FulfillmentAction::Reject { reason: text("ill") });
        assert_eq!((shop.used(), shop.order("a").bookings()[0].slot), (used(0, 0), GIVEN_UP));
        assert_eq!(code(shop.rebook("a", "2", "tuesday")), "slot_elsewhere", "the east will not do it");
        let other = vec![AskedSlot { line: 0, node: text("west"), slot: text("friday") }];
        let wishes = Wishes { slots: other, ..Wishes::default() };
        let other = PlaceOrder { id: Some(text("b")), wishes, ..World::order_of("b", &[("setup", 1)], None) };
        shop.place_with(other).expect("the last place");
        let records = shop.world.log.records.lock().len();
        assert_eq!(code(shop.rebook_at("a", "2", ("west", "friday"))), "slot_full");
        assert_eq!(shop.world.log.records.lock().len(), records, "who is refused keeps what he has");
        shop.cancel("b", None);
        let order = shop.rebook_at("a", "2", ("west", "friday")).expect("it is free again");
        let west = shop.world.engine.catalogue(|c| c.node_index("west")).expect("there");
        let live = order.fulfillment_orders.iter().find(|f| f.status.is_live() && f.units_of(1) > 0);
        assert_eq!((live.map(|f| f.node), order.buckets(1).backordered), (Some(west), 0), "it is done there");
        assert_eq!(shop.used_at("west"), vec![("friday".to_owned(), 1)]);
        shop.cancel("a", None);
        assert_eq!((shop.used_at("west"), shop.used()), (vec![("friday".to_owned(), 0)], used(0, 0)));
    }
}

#[test]
fn goods_that_are_brought_from_elsewhere_leave_the_slot_of_who_refused() {
    for mut shop in deliveries() {
        shop.bring("a", &[("phone", 1), ("phone", 1)], &[(0, "monday")]).expect("there is room");
        let now = shop.world.log.now().wall.0;
        let (starts_at, ends_at) = (WallTime(now + 9 * HOUR_MS), WallTime(now + 12 * HOUR_MS));
        let slot = PutSlot { id: text("noon"), sku: None, starts_at, ends_at, limit: 1 };
        for node in ["west", "north"] {
            let put = PutSlots { node: text(node), slots: vec![slot.clone()] };
            shop.run(Command::PutSlots(Box::new(put))).expect("nobody has a slot");
        }
        let number = shop.order("a").fulfillment_orders[0].number;
        shop.step("a", number, FulfillmentAction::Reject { reason: text("no van") });
        assert_eq!(shop.used(), used(0, 0));
        let north = shop.rebook_at("a", "1", ("north", "noon")).expect_err("the west has it by now");
        assert!(matches!(north, Rejection::Invalid(faults) if faults[0].code == "slot_elsewhere"));
        let order = shop.rebook_at("a", "1", ("west", "noon")).expect("it is brought from there");
        assert_eq!((shop.used_at("west"), order.bookings().len()), (vec![("noon".to_owned(), 1)], 2));
        shop.cancel("a", None);
        assert_eq!(shop.used_at("west"), vec![("noon".to_owned(), 0)]);
    }
}

#[test]
fn a_line_with_a_slot_is_not_edited_split_or_merged_away() {
    for mut shop in Shop::both() {
        shop.place("a", &[("phone", 2), ("setup", 1)], "monday").expect("taken");
        shop.place_with(PlaceOrder { id: Some(text("b")), ..World::order_of("b", &[("phone", 1)], None) })
            .expect("taken");
        let changes = vec![EditChange::Line { line: text("2"), quantity: Some(2), unit_price: None }];
        let refused = shop.run(Command::OpenEdit(OpenEdit { order: text("a"), changes })).expect_err("it has a slot");
        assert_eq!(refused.code(), "line_has_slot");
        let lines = vec![CancelUnits { line: text("2"), quantity: quantity(1), from: None }];
        let split = SplitOrder { order: text("a"), id: None, fingerprint: 0, channel_order_id: None, lines };
        assert_eq!(shop.run(Command::SplitOrder(split)).expect_err("it has a slot").code(), "not_editable");
        let merge = MergeOrders { order: text("b"), with: text("a") };
        assert_eq!(shop.run(Command::MergeOrders(merge)).expect_err("it has a slot").code(), "orders_not_mergeable");
        let merge = MergeOrders { order: text("a"), with: text("b") };
        shop.run(Command::MergeOrders(merge)).expect("the other way round it can");
        assert_eq!(shop.used(), used(1, 0));
    }
}

#[test]
fn a_slot_has_never_more_takers_than_places_whoever_asks_at_once() {
    let [shop, _] = Shop::both();
    let taken = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let shop = &shop;
                scope.spawn(move || {
                    let id = format!("t-{n}");
                    let slots = vec![AskedSlot { line: 1, node: text("east"), slot: text("monday") }];
                    let wishes = Wishes { slots, ..Wishes::default() };
                    let order = PlaceOrder { wishes, ..World::order_of(&id, &[("phone", 1), ("setup", 1)], None) };
                    let command = Command::PlaceOrder(Box::new(order));
                    shop.world.engine.execute(&*shop.world.log, &Context::library(), command).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|thread| usize::from(thread.join().expect("ends"))).sum::<usize>()
    });
    assert_eq!((taken, shop.used(), shop.world.atp("phone")), (2, used(2, 0), 3));
    shop.check();
    shop.world.check();
}

#[test]
fn a_warranty_is_registered_when_what_it_covers_is_delivered() {
    for mut shop in Shop::both() {
        let warranty = AskedWarranty { line: 1, covers: Some(text("1")), months: 24 };
        let wishes = Wishes { warranties: vec![warranty], ..Wishes::default() };
        let order =
            PlaceOrder { id: Some(text("a")), wishes, ..World::order_of("a", &[("phone", 2), ("care", 1)], None) };
        let order = shop.place_with(order).expect("taken");
        let goods = order.fulfillment_orders.iter().find(|f| f.units_of(0) > 0).expect("of the phones").number;
        let shipment = Shipment { carrier: text("ups"), service: text("ground"), tracking_number: text("1Z") };
        let steps = [
            FulfillmentAction::Accept,
            FulfillmentAction::Pick { lines: None },
            FulfillmentAction::Pack,
            FulfillmentAction::Ship { shipment },
        ];
        for action in steps {
            shop.step("a", goods, action);
        }
        assert!(shop.order("a").warranties()[0].registered.is_empty());
        shop.world.later(3_600);
        let now = shop.world.log.now().wall;
        let order = shop.step("a", goods, FulfillmentAction::Deliver);
        let [registered] = order.warranties()[0].registered[..] else { panic!("it is registered once") };
        assert_eq!((registered.units, registered.from), (1, now), "one warranty of two phones");
        let years = (registered.until.0 - now.0) as f64 / (365.25 * 24.0 * HOUR_MS as f64);
        assert!((years - 2.0).abs() < 0.01, "{years}");
        let unknown = AskedWarranty { line: 0, covers: Some(text("7")), months: 24 };
        let wishes = Wishes { warranties: vec![unknown], ..Wishes::default() };
        let refused = shop.place_with(PlaceOrder { wishes, ..World::order_of("b", &[("care", 1)], None) });
        assert_eq!(refused.expect_err("covers nothing").code(), "unknown_line");
    }
}

#[test]
fn a_quote_of_a_slot_that_is_full_is_refused_as_the_order_would_be() {
    for mut shop in Shop::both() {
        let asked = |id: &str| {
            let slots = vec![AskedSlot { line: 0, node: text("east"), slot: text("tuesday") }];
            let wishes = Wishes { slots, ..Wishes::default() };
            PlaceOrder { wishes, ..World::order_of(id, &[("setup", 1)], None) }
        };
        let now = shop.world.log.now();
        assert!(shop.world.engine.quote(now, &asked("q")).is_ok());
        shop.place("a", &[("setup", 1)], "tuesday").expect("a place");
        let quoted = shop.world.engine.quote(now, &asked("q")).expect_err("it is full");
        let ordered = shop.place("b", &[("setup", 1)], "tuesday").expect_err("it is full");
        assert_eq!((quoted.code(), ordered.code()), ("slot_full", "slot_full"));
    }
}

/// Two deliveries on Monday, one on Tuesday.
fn deliveries() -> [Shop; 2] {
    Shop::both().map(|mut shop| {
        let now = shop.world.log.now().wall.0;
        let slot = |id: &str, hours: i64, limit: u32| PutSlot {
            id: text(id),
            sku: None,
            starts_at: WallTime(now - now % HOUR_MS + hours * HOUR_MS),
            ends_at: WallTime(now - now % HOUR_MS + (hours + 4) * HOUR_MS),
            limit,
        };
        let slots = vec![slot("monday", 24, 2), slot("tuesday", 48, 1)];
        shop.run(Command::PutSlots(Box::new(PutSlots { node: text("east"), slots }))).expect("nobody has a slot");
        shop.world.stock("phone", "west", 9).expect("room");
        shop
    })
}

#[test]
fn what_is_brought_has_one_place_of_its_slot_and_comes_from_its_node() {
    for mut shop in deliveries() {
        let order = shop.bring("a", &[("phone", 2), ("phone", 2)], &[(1, "monday")]).expect("there is room");
        assert_eq!(shop.used(), used(1, 0), "one for all that is brought together");
        let east = shop.world.engine.catalogue(|c| c.node_index("east")).expect("there");
        assert!(order.fulfillment_orders.iter().all(|own| own.node == east));
        let short = shop.bring("b", &[("phone", 3)], &[(0, "monday")]).expect("its slot is its own");
        assert_eq!((short.totals().backordered, short.totals().allocated), (2, 1), "the west brings nothing");
        let records = shop.world.log.records.lock().len();
        let full = shop.bring("c", &[("phone", 1)], &[(0, "monday")]).expect_err("it is full");
        assert!(matches!(full, Rejection::SlotFull { requested: 1, available: 0, .. }), "{full:?}");
        assert_eq!(shop.world.log.records.lock().len(), records);
        let units = |line: &str, n| vec![CancelUnits { line: text(line), quantity: quantity(n), from: None }];
        shop.cancel("a", Some(units("1", 2)));
        shop.cancel("a", Some(units("2", 1)));
        assert_eq!(shop.used(), used(2, 0), "one unit is still to be brought");
        shop.cancel("a", Some(units("2", 1)));
        assert_eq!(shop.used(), used(1, 0));
        let ship = FulfillmentAction::Ship {
            shipment: Shipment { carrier: text("van"), service: text("own"), tracking_number: text("1") },
        };
        shop.cancel("b", Some(units("1", 2)));
        let pick = FulfillmentAction::Pick { lines: None };
        for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, ship, FulfillmentAction::Deliver] {
            shop.step("b", 1, action);
        }
        assert_eq!(shop.used(), used(1, 0), "what was brought has used its place");
    }
}

#[test]
fn a_slot_is_changed_for_another_of_its_node_in_one_step() {
    for mut shop in deliveries() {
        shop.bring("a", &[("phone", 1), ("phone", 1)], &[(0, "monday")]).expect("there is room");
        let changed = shop.rebook("a", "2", "tuesday").expect("there is room");
        assert_eq!((shop.used(), changed.bookings().len()), (used(0, 1), 2), "both lines come then");
        let records = shop.world.log.records.lock().len();
        shop.rebook("a", "1", "tuesday").expect("it has it");
        assert_eq!(shop.world.log.records.lock().len(), records, "the same again is no record");
        let service = shop.place("b", &[("setup", 2)], "monday").expect("there is room");
        assert_eq!(shop.used(), used(2, 1));
        let full = shop.rebook("b", "1", "tuesday").expect_err("it is full");
        assert!(matches!(full, Rejection::SlotFull { requested: 2, .. }), "{full:?}");
        let code = |done: Result<Order, Rejection>| done.map(drop).map_err(|no| no.code());
        assert_eq!(code(shop.rebook("b", "1", "friday")), Err("unknown_slot"));
        assert_eq!(code(shop.rebook("b", "9", "monday")), Err("unknown_line"));
        shop.cancel("a", None);
        assert_eq!(code(shop.rebook("a", "1", "monday")), Err("not_booked"), "nothing of it is wanted");
        let one = CancelUnits { line: text("1"), quantity: quantity(1), from: None };
        shop.cancel("b", Some(vec![one]));
        shop.rebook("b", "1", "tuesday").expect("there is room");
        assert_eq!(shop.used(), used(0, 1));
        for action in [
            FulfillmentAction::Accept,
            FulfillmentAction::Pick { lines: None },
            FulfillmentAction::Pack,
            FulfillmentAction::HandOver,
        ] {
            shop.step("b", service.fulfillment_orders[0].number, action);
        }
        assert_eq!(code(shop.rebook("b", "1", "monday")), Err("not_booked"), "it is done");
        assert_eq!(shop.used(), used(0, 1));
    }
}

#[test]
fn goods_have_a_slot_only_where_they_are_brought_and_one_for_all_of_a_group() {
    for mut shop in deliveries() {
        let faults = |done: Result<Order, Rejection>| match done.expect_err("it must be refused") {
            Rejection::Invalid(faults) => faults.into_iter().map(|fault| (fault.field, fault.code)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let two = shop.bring("a", &[("phone", 1), ("phone", 1)], &[(0, "monday"), (1, "tuesday")]);
        assert_eq!(faults(two), [("lines[1].slot".to_owned(), "slot_differs")]);
        assert_eq!(faults(shop.place("b", &[("phone", 1)], "monday")), [("lines[0].slot".to_owned(), "not_a_service")]);
        shop.put("east", &[("monday", 24, 2), ("tuesday", 48, 1)]).expect("for a service");
        let other = shop.bring("c", &[("phone", 1)], &[(0, "monday")]);
        assert_eq!(faults(other), [("lines[0].slot.id".to_owned(), "slot_of_another")]);
        let capabilities = Some(vec![text("ship")]);
        let patch = NodePatch { capabilities, ..NodePatch::default() };
        shop.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("good");
        let not = shop.bring("d", &[("phone", 1)], &[(0, "monday")]);
        assert_eq!(faults(not), [("lines[0].slot.node".to_owned(), "method_not_offered")]);
        assert_eq!(shop.used(), used(0, 0));
    }
}
