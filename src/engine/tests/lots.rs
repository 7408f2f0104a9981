//! Lots and serial numbers: what expires first goes first, what has expired is not promised, and a unit is at one place.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::ids::FulfillmentKey;
use crate::domain::item::{Dimensions, ItemKind, Tracking};
use crate::domain::lots::LotView;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::stock::MovementKind;
use crate::domain::time::WallTime;

const DAY_S: i64 = 24 * 60 * 60;
const PICK: FulfillmentAction = FulfillmentAction::Pick { lines: None };

pub fn tracked(sku: &str, tracking: Option<Tracking>) -> Command {
    Command::PutItem(Box::new(PutItem {
        sku: text(sku),
        name: text(sku),
        kind: ItemKind::Product,
        weight_g: 500,
        dimensions: Dimensions::default(),
        value: None,
        components: vec![],
        release_at: None,
        tracking,
        packing: Default::default(),
    }))
}

/// A world in which phones are told apart.
fn world(tracking: Tracking) -> World {
    let world = World::new();
    world.run(tracked("phone", Some(tracking))).expect("nothing is known of phones");
    world
}

/// So many units of a lot, that expires in so many days.
fn lot(world: &World, lot: &str, units: u32, days: Option<i64>) -> NamedLot {
    let expires_at = days.map(|days| WallTime(world.log.now().wall.0 + days * DAY_S * 1_000));
    NamedLot { lot: text(lot), expires_at, units }
}

fn lots(lots: Vec<NamedLot>) -> Names {
    Names { lots, serials: vec![] }
}

fn serials(serials: &[&str]) -> Names {
    let one = |serial: &&str| NamedLot { lot: text(serial), expires_at: None, units: 1 };
    Names { lots: vec![], serials: serials.iter().map(one).collect() }
}

fn adjust(world: &World, node: &str, delta: i32, names: Names) -> Result<(), Rejection> {
    let reason = if delta > 0 { MovementKind::Received } else { MovementKind::Lost };
    let adjustment = Adjustment { sku: text("phone"), node: text(node), delta, reason };
    world.run(Command::AdjustLots(vec![NamedAdjustment { adjustment, names }])).map(drop)
}

fn code(result: Result<(), Rejection>) -> &'static str {
    result.expect_err("it must be refused").code()
}

/// Name, units on hand, picked, expired.
fn known(world: &World, node: &str) -> Vec<(String, u32, u32, u32)> {
    let told = |lot: &LotView| (lot.lot.to_string(), lot.on_hand, lot.picked, lot.expired);
    world.engine.lots("phone", node).expect("known").lots.iter().map(told).collect()
}

fn unassigned(world: &World, node: &str) -> u64 {
    world.engine.lots("phone", node).expect("known").unassigned
}

fn identified(order: &Order, number: u16) -> Vec<(String, u32)> {
    let units = &order.fulfillment(number).expect("it is there").identified;
    units.iter().map(|one| (one.lot.to_string(), one.units)).collect()
}

fn pick_named(names: Names) -> FulfillmentAction {
    FulfillmentAction::PickNamed { lines: None, names: vec![(text("phone"), names)] }
}

fn tick(world: &World) {
    world.engine.expire_due(&*world.log);
    world.check();
}

#[test]
fn what_expires_first_is_picked_first_and_told() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let world = world(Tracking::Lot);
        let names = lots(vec![lot(&world, "a", 3, Some(10)), lot(&world, "b", 2, Some(5)), lot(&world, "z", 1, None)]);
        adjust(&world, "east", 7, names).expect("room");
        assert_eq!(unassigned(&world, "east"), 1, "of one nobody said");
        let mut world = again(world);
        let order = world.order(&[("phone", 4)], None).expect("there");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        let picked = world.fulfill(&order, 1, PICK).expect("legal");
        assert_eq!(identified(&picked, 1), [("a".into(), 2), ("b".into(), 2)]);
        let world = again(world);
        assert_eq!(known(&world, "east"), [("a".into(), 3, 2, 0), ("b".into(), 2, 2, 0), ("z".into(), 1, 0, 0)]);
        world.fulfill(&order, 1, FulfillmentAction::Pack).expect("legal");
        let ship = Shipping::of("post");
        let shipped = world.fulfill(&order, 1, ship).expect("legal");
        assert_eq!(identified(&shipped, 1).len(), 2, "the order tells what left");
        let world = again(world);
        assert_eq!(known(&world, "east"), [("a".into(), 1, 0, 0), ("z".into(), 1, 0, 0)]);
        assert_eq!(unassigned(&world, "east"), 1);
    }
}

/// How it leaves.
struct Shipping;

impl Shipping {
    fn of(carrier: &str) -> FulfillmentAction {
        let (carrier, service, tracking_number) = (text(carrier), text("parcel"), text("1"));
        FulfillmentAction::Ship { shipment: crate::domain::fulfillment::Shipment { carrier, service, tracking_number } }
    }
}

#[test]
fn a_lot_is_named_at_the_pick_and_comes_back_when_the_node_lets_it_go() {
    let mut world = world(Tracking::Lot);
    let names = lots(vec![lot(&world, "a", 2, Some(10)), lot(&world, "b", 2, Some(5))]);
    adjust(&world, "east", 4, names).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("there");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    let pick = |names: Names| world.fulfill(&order, 1, pick_named(names)).map(drop);
    let units = |name: &str, units| NamedLot { lot: text(name), expires_at: None, units };
    assert_eq!(code(pick(lots(vec![units("c", 1)]))), "unknown_lot");
    assert_eq!(code(pick(lots(vec![units("a", 3)]))), "quantity_out_of_range");
    assert_eq!(code(pick(lots(vec![units("b", 1), units("b", 2)]))), "quantity_out_of_range");
    assert_eq!(code(pick(serials(&["s"]))), "not_tracked");
    // One is named, the other is of what expires first.
    pick(lots(vec![units("a", 1)])).expect("it is there");
    assert_eq!(known(&world, "east"), [("a".into(), 2, 1, 0), ("b".into(), 2, 1, 0)]);
    let stop = FulfillmentAction::Cancel { reason: text("stop"), resource: false };
    world.fulfill(&order, 1, stop).expect("legal");
    world.fulfill(&order, 1, FulfillmentAction::CancelAccept).expect("legal");
    let world = world.restart();
    assert_eq!(known(&world, "east"), [("a".into(), 2, 0, 0), ("b".into(), 2, 0, 0)]);
    assert_eq!(world.level("phone", "east").quality_control, 2, "until they are put back");
}

#[test]
fn what_has_expired_goes_to_quality_control_as_soon_as_it_is_free() {
    for restarts in [false, true] {
        let mut world = world(Tracking::Lot);
        let names = lots(vec![lot(&world, "old", 4, Some(1)), lot(&world, "new", 2, Some(9))]);
        adjust(&world, "east", 6, names).expect("room");
        let order = world.order(&[("phone", 3)], None).expect("there");
        world.later(DAY_S);
        tick(&world);
        assert_eq!(world.atp("phone"), 3, "it may be used until the end of its day");
        world.later(1);
        let world = if restarts { world.restart() } else { world };
        tick(&world);
        // Three are promised: two of them can be new ones, and one is owed to whoever was promised it.
        assert_eq!((world.atp("phone"), world.level("phone", "east").quality_control), (0, 3));
        assert_eq!(known(&world, "east"), [("new".into(), 2, 0, 0), ("old".into(), 4, 0, 3)]);
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        let refused = world.fulfill(&order, 1, PICK).map(drop);
        assert_eq!(code(refused), "lots_expired");
        let names = lots(vec![NamedLot { lot: text("old"), expires_at: None, units: 1 }]);
        assert_eq!(code(world.fulfill(&order, 1, pick_named(names)).map(drop)), "lot_expired");
        world.cancel(&order, Some(&[("1", 1)])).expect("not begun");
        world.later(1);
        tick(&world);
        assert_eq!((world.atp("phone"), world.level("phone", "east").quality_control), (0, 4));
        let picked = world.fulfill(&order, 1, PICK).expect("what is left is good");
        assert_eq!(identified(&picked, 1), [("new".into(), 2)]);
        // What is thrown away leaves from where it lies.
        let names = lots(vec![NamedLot { lot: text("old"), expires_at: None, units: 4 }]);
        adjust(&world, "east", -4, names).expect("it is there");
        let level = world.level("phone", "east");
        assert_eq!((level.on_hand, level.quality_control, level.available), (2, 0, 0));
        // What comes too late never is free.
        let late = lots(vec![lot(&world, "late", 2, Some(-1))]);
        adjust(&world, "east", 3, late).expect("room");
        assert_eq!((world.atp("phone"), world.level("phone", "east").quality_control), (1, 2));
        world.restart();
    }
}

/// As the threads tell (odoo PR#272560, PR#268942): a serial number is reserved by nobody twice.
#[test]
fn case_15_a_serial_number_is_at_one_place_and_is_picked_once() {
    let mut world = world(Tracking::Serial);
    adjust(&world, "east", 3, serials(&["s1", "s2", "s3"])).expect("room");
    assert_eq!(code(adjust(&world, "west", 1, serials(&["s1"]))), "serial_taken");
    assert_eq!(code(adjust(&world, "west", 2, serials(&["s4", "s4"]))), "serial_taken");
    assert_eq!(code(adjust(&world, "west", 1, serials(&["s4", "s5"]))), "quantity_out_of_range");
    assert_eq!(code(adjust(&world, "west", -1, serials(&["s1"]))), "unknown_lot");
    let (one, two) = (world.order(&[("phone", 1)], None), world.order(&[("phone", 1)], None));
    let (one, two) = (one.expect("there"), two.expect("there"));
    for order in [&one, &two] {
        world.fulfill(order, 1, FulfillmentAction::Accept).expect("legal");
    }
    let picked = world.fulfill(&one, 1, pick_named(serials(&["s1"]))).expect("it is there");
    assert_eq!(identified(&picked, 1), [("s1".into(), 1)]);
    let world = world.restart();
    assert_eq!(code(world.fulfill(&two, 1, pick_named(serials(&["s1"]))).map(drop)), "unknown_lot");
    assert_eq!(code(adjust(&world, "west", 1, serials(&["s1"]))), "serial_taken", "it is in a carton");
    let picked = world.fulfill(&two, 1, PICK).expect("others are there");
    assert_eq!(identified(&picked, 1), [("s2".into(), 1)]);
    let (found, node) = world.engine.serial("phone", "s1").expect("it is here");
    assert_eq!((found.picked_by, &*node), (Some(FulfillmentKey { order: one.key, number: 1 }), "east"));
    world.fulfill(&one, 1, FulfillmentAction::Pack).expect("legal");
    world.fulfill(&one, 1, Shipping::of("post")).expect("legal");
    assert!(world.engine.serial("phone", "s1").is_err(), "it left; its order tells");
    adjust(&world, "west", 1, serials(&["s1"])).expect("it came back");
    assert_eq!(code(world.run(tracked("phone", None)).map(drop)), "tracking_is_fixed");
}

#[test]
fn a_serial_number_that_comes_with_a_transfer_leaves_where_it_was() {
    let world = world(Tracking::Serial);
    adjust(&world, "east", 3, serials(&["s1", "s2"])).expect("room");
    let units = |n| SkuUnits { sku: text("phone"), quantity: quantity(n) };
    let ready = ReadyTransfer {
        id: Some(text("t")),
        fingerprint: 0,
        from: text("east"),
        to: text("west"),
        eta: None,
        lines: vec![units(1)],
        is_draft: false,
    };
    world.run(Command::ReadyTransfer(ready)).expect("there");
    let change = |action| world.run(Command::ChangeTransfer { transfer: text("t"), action }).map(drop);
    change(TransferAction::Dispatch).expect("legal");
    // One of which nobody knows the number left.
    assert_eq!((known(&world, "east").len(), unassigned(&world, "east")), (2, 0));
    let came = CameUnits { units: units(1), names: serials(&["s2"]) };
    change(TransferAction::Receive { lines: vec![came], close: false }).expect("it was there");
    assert_eq!((known(&world, "east").len(), unassigned(&world, "east")), (1, 1));
    assert_eq!(known(&world, "west"), [("s2".into(), 1, 0, 0)]);
    world.restart();
}

#[test]
fn lots_are_never_more_than_what_is_on_hand() {
    let mut world = world(Tracking::Lot);
    let names = lots(vec![lot(&world, "a", 3, Some(10)), lot(&world, "b", 2, Some(5))]);
    adjust(&world, "east", 6, names).expect("room");
    world.stock("phone", "east", -1).expect("it was there");
    assert_eq!(known(&world, "east").iter().map(|lot| lot.1).sum::<u32>(), 5, "what nobody named goes first");
    let order = world.order(&[("phone", 4)], None).expect("there");
    let count = |on_hand| {
        let (sku, node) = (text("phone"), text("east"));
        let count = SetOnHand { sku, node, on_hand, expected: None, source: None, source_seq: None, as_of: None };
        world.run(Command::SetOnHand(count)).expect("a count is taken");
    };
    count(2);
    assert_eq!(known(&world, "east"), [("a".into(), 2, 0, 0)], "then what expires first");
    assert_eq!(world.level("phone", "east").shortfall, 2);
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    let picked = world.fulfill(&order, 1, PICK).expect("the picker found more than was counted");
    assert_eq!(identified(&picked, 1), [("a".into(), 2)]);
    let again = |world: &World| known(world, "east");
    assert_eq!(again(&world), [("a".into(), 2, 2, 0)]);
    // Of named losses no more goes than is there, over a whole request.
    let world = world.restart();
    let names = |n| lots(vec![NamedLot { lot: text("a"), expires_at: None, units: n }]);
    assert_eq!(code(adjust(&world, "east", -1, names(1))), "unknown_lot", "all of it is in a carton");
    let two = lots(vec![lot(&world, "c", 1, None)]);
    adjust(&world, "east", 1, two).expect("room");
    let loss = |delta| Adjustment { sku: text("phone"), node: text("east"), delta, reason: MovementKind::Lost };
    let c = || lots(vec![NamedLot { lot: text("c"), expires_at: None, units: 1 }]);
    let twice = vec![
        NamedAdjustment { adjustment: loss(-1), names: c() },
        NamedAdjustment { adjustment: loss(-1), names: c() },
    ];
    assert_eq!(code(world.run(Command::AdjustLots(twice)).map(drop)), "unknown_lot");
    let (a, b) = (lot(&world, "d", 1, Some(3)), lot(&world, "d", 1, Some(4)));
    assert_eq!(code(adjust(&world, "east", 2, lots(vec![a, b]))), "lot_differs");
}

#[test]
fn a_loss_of_many_unnamed_units_is_told_by_their_number() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let world = world(Tracking::Serial);
        let all: Vec<String> = (0..30).map(|at| format!("S{at:02}")).collect();
        adjust(&world, "east", 30, serials(&all.iter().map(String::as_str).collect::<Vec<_>>())).expect("room");
        let world = again(world);
        world.stock("phone", "east", -25).expect("there");
        let last = world.log.records.lock().last().cloned().expect("logged");
        let told = last.events.iter().find_map(|event| match event {
            crate::domain::event::Event::LotsChanged(changed) => Some(changed.changes.clone()),
            _ => None,
        });
        let node = world.engine.catalogue(|catalogue| catalogue.node_index("east")).expect("known");
        assert_eq!(told, Some(vec![crate::domain::lots::LotChange::GoneUnnamed { node, units: 25 }]));
        let world = again(world);
        assert_eq!(known(&world, "east").len(), 5, "the last five by name are left");
        world.stock("phone", "east", -3).expect("there");
        let world = again(world);
        let left: Vec<String> = known(&world, "east").into_iter().map(|(serial, ..)| serial).collect();
        assert_eq!(left, ["S28", "S29"], "a few are named one by one");
    }
}
