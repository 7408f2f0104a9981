//! Who waits for room at a node: tried when there is some, whoever gave it back, and no more of them than there is room
//! for; and what edits add to the work of a node.

use super::capacity::*;
use super::world::*;
use crate::domain::carrier::ShippingTerms;
use crate::domain::command::*;
use crate::domain::edit::EditState;
use crate::domain::exception::ExceptionKind;
use crate::domain::geo::Position;
use crate::domain::item::ItemKind;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, Stage};
use crate::domain::promise::calendar::{Calendar, CivilDay, Weekdays};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::time::WallTime;
use crate::engine::expire::clock;
use crate::engine::turn::Turn;

/// Ten of two skus in the east, which can handle so much.
fn shop(per_day: u32) -> World {
    let world = World::new();
    for sku in ["phone", "case"] {
        world.stock(sku, "east", 10).expect("received");
    }
    limited(&world, "east", per_day);
    minded(&world);
    world
}

fn order_for(id: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    PlaceOrder { lines: World::order_of(id, lines, None).lines, ..order_by(id, "rules", 1) }
}

/// Units that wait of each order.
fn waits<const N: usize>(world: &World, ids: [&str; N]) -> [u32; N] {
    ids.map(|id| world.engine.order(id).expect("there").totals().backordered)
}

fn tick(world: &World) {
    world.engine.expire_due(&*world.log);
}

#[test]
fn whoever_waits_for_room_gets_it_from_an_order_of_another_sku_too() {
    for restarts in [false, true] {
        let world = shop(1);
        let first = place(&world, order_by("a", "rules", 1));
        assert_eq!(place(&world, order_for("b", &[("case", 1)])).totals().backordered, 1);
        let world = if restarts { world.restart() } else { world };
        world.cancel(&first, None).expect("cancelled");
        assert_eq!((waits(&world, ["b"]), used(&world, "east")), ([0], 1));
        world.check();
    }
}

#[test]
fn whoever_waits_for_room_gets_it_when_the_node_can_handle_more_or_as_much_as_there_is() {
    let world = shop(1);
    for id in ["a", "b", "c"] {
        place(&world, order_by(id, "rules", 1));
    }
    assert_eq!(waits(&world, ["a", "b", "c"]), [0, 1, 1]);
    limited(&world, "east", 2);
    assert_eq!((waits(&world, ["a", "b", "c"]), used(&world, "east")), ([0, 0, 1], 2));
    let patch = NodePatch { capacity_per_day: Some(None), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    assert_eq!(waits(&world, ["a", "b", "c"]), [0, 0, 0]);
    world.check();
}

#[test]
fn as_many_are_served_as_there_is_room_for_and_the_others_wait_on() {
    for restarts in [false, true] {
        let world = shop(2);
        let ids = ["a", "b", "c", "d", "e", "f"];
        let placed = ids.map(|id| place(&world, order_by(id, "rules", 1)));
        assert_eq!(waits(&world, ids), [0, 0, 1, 1, 1, 1]);
        let world = if restarts { world.restart() } else { world };
        world.cancel(&placed[0], None).expect("cancelled");
        assert_eq!(waits(&world, ids), [0, 0, 0, 1, 1, 1], "who came first");
        world.cancel(&placed[1], None).expect("cancelled");
        assert_eq!(waits(&world, ids), [0, 0, 0, 0, 1, 1], "who was not tried is tried the next time");
        limited(&world, "east", 3);
        assert_eq!((waits(&world, ids), used(&world, "east")), ([0, 0, 0, 0, 0, 1], 3));
    }
}

/// Of an order for two destinations the second waits.
#[test]
fn room_is_awaited_for_every_destination() {
    for restarts in [false, true] {
        let world = shop(1);
        let order = order_for("a", &[("phone", 1), ("case", 1)]);
        let mut lines = order.lines.clone();
        lines[1].group = 1;
        let far = ShipTo { group: text("far"), ..order.destinations[0].clone() };
        let destinations = vec![order.destinations[0].clone(), far];
        place(&world, PlaceOrder { lines, destinations, ..order });
        assert_eq!((waits(&world, ["a"]), used(&world, "east")), ([1], 1));
        let world = if restarts { world.restart() } else { world };
        limited(&world, "east", 2);
        assert_eq!((waits(&world, ["a"]), used(&world, "east")), ([0], 2));
        world.check();
    }
}

#[test]
fn an_order_that_never_finds_all_the_room_it_needs_waits_and_is_tried_but_once() {
    let world = shop(1);
    let objective = vec![Term::PerShipment { amount: 500 }];
    let fences = vec![Fence::Capacity, Fence::ShipComplete];
    let terms = RuleTerms { objective, fences, ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("whole"), terms: terms.into() })).expect("put");
    world.run(Command::ActivateRules(ActivateRules { name: text("whole"), version: 1, at: None })).expect("carried");
    let order = order_for("a", &[("phone", 1), ("case", 1)]);
    let mut lines = order.lines.clone();
    lines[1].group = 1;
    let far = ShipTo { group: text("far"), ..order.destinations[0].clone() };
    let destinations = vec![order.destinations[0].clone(), far];
    place(&world, PlaceOrder { lines, destinations, rule_set: Some(text("whole")), ..order });
    assert_eq!((waits(&world, ["a"]), used(&world, "east")), ([2], 0), "each needs a place of its own");
    limited(&world, "east", 2);
    assert_eq!((waits(&world, ["a"]), used(&world, "east")), ([0], 2));
}

#[test]
fn an_appointment_at_the_node_takes_no_place_of_what_is_packed_there() {
    let mut world = shop(1);
    world.virtual_node("cloud");
    world.item("setup", ItemKind::Service, &[]);
    let now = world.log.now().wall.0;
    let (starts_at, ends_at) = (WallTime(now + 3_600_000), WallTime(now + 7_200_000));
    let slot = PutSlot { id: text("monday"), sku: Some(text("setup")), starts_at, ends_at, limit: 1 };
    world.run(Command::PutSlots(Box::new(PutSlots { node: text("east"), slots: vec![slot] }))).expect("put");
    let slots = vec![AskedSlot { line: 0, node: text("east"), slot: text("monday") }];
    let wishes = Wishes { slots, ..Wishes::default() };
    let order = place(&world, PlaceOrder { wishes, ..order_for("a", &[("setup", 1), ("phone", 1)]) });
    assert_eq!((order.totals().backordered, used(&world, "east")), (0, 1));
}

#[test]
fn an_order_that_rests_is_allocated_when_there_is_room_and_told_once_that_there_is_none() {
    for restarts in [false, true] {
        let world = shop(1);
        let first = place(&world, order_by("a", "rules", 1));
        let allocate_at = Some(WallTime(world.log.now().wall.0 + 60_000));
        let wishes = Wishes { deferred: Some(Deferred { allocate_at }), ..Wishes::default() };
        place(&world, PlaceOrder { wishes, ..order_by("b", "rules", 1) });
        world.later(60);
        tick(&world);
        let rests = |world: &World| world.engine.order("b").expect("there").deferral.map(|deferral| deferral.stage);
        assert_eq!(rests(&world), Some(Stage::RoutingFailed));
        let told = world.log.records.lock().len();
        let world = if restarts { world.restart() } else { world };
        tick(&world);
        limited(&world, "north", 7);
        tick(&world);
        assert_eq!(world.log.records.lock().len(), told + 1, "nothing but the node is told of");
        world.cancel(&first, None).expect("cancelled");
        tick(&world);
        assert_eq!((rests(&world), used(&world, "east")), (None, 1));
        world.check();
    }
}

/// What the clock lets in with a new day it allocates at once, and looks at when the reader of the journal has seen it.
#[test]
fn an_order_that_rests_is_allocated_in_the_turn_in_which_its_day_comes() {
    let world = shop(1);
    let threshold = PutPolicy::Threshold { sku: text("phone"), node: None, units: Some(9) };
    world.run(Command::PutPolicy(threshold)).expect("it is about what there is");
    place(&world, order_by("a", "rules", 1));
    let allocate_at = Some(WallTime(world.log.now().wall.0 + 60_000));
    let wishes = Wishes { deferred: Some(Deferred { allocate_at }), ..Wishes::default() };
    place(&world, PlaceOrder { wishes, ..order_by("b", "rules", 1) });
    world.later(60);
    tick(&world);
    let rests = |world: &World| world.engine.order("b").expect("there").deferral.is_some();
    assert!(rests(&world), "the first has the only place of the day");
    world.later(86_400);
    let seen = world.log.records.lock().len();
    tick(&world);
    assert!(!rests(&world));
    let told: Vec<_> = world.log.records.lock().iter().skip(seen).cloned().collect();
    told.iter().for_each(|record| world.engine.notice(record));
    let is_low = |world: &World| world.fold().exceptions().any(|case| case.key.kind == ExceptionKind::LowStock);
    assert!(!is_low(&world));
    tick(&world);
    assert!(is_low(&world), "eight of nine are left");
    world.check();
}

#[test]
fn who_waited_by_a_version_that_is_retired_counts_as_the_next_one_says() {
    let world = shop(1);
    for id in ["a", "b"] {
        place(&world, order_by(id, "rules", 1));
    }
    let terms = RuleTerms { objective: vec![Term::PerShipment { amount: 500 }], ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("rules"), terms: terms.into() })).expect("put");
    world.run(Command::ActivateRules(ActivateRules { name: text("rules"), version: 2, at: None })).expect("carried");
    place(&world, order_by("c", "rules", 1));
    assert_eq!((waits(&world, ["b", "c"]), used(&world, "east")), ([1, 0], 1), "nobody minds any more but who waits");
    // Who waits is tried again by the version that is on now, and counts as that says.
    world.engine.expire_due(&*world.log);
    assert_eq!((waits(&world, ["b"]), used(&world, "east")), ([0], 1));
    assert_eq!(counted(world).1, [1, 0]);
}

fn edit(world: &World, changes: &[EditChange]) -> Result<u16, Rejection> {
    let open = OpenEdit { order: text("a"), changes: changes.to_vec() };
    match world.run(Command::OpenEdit(open))? {
        Reply::Edit { number, .. } => Ok(number),
        other => panic!("{other:?}"),
    }
}

fn confirm(world: &World, number: u16) -> Result<Order, Rejection> {
    let edit = text(&format!("edit-{number}"));
    match world.run(Command::EndEdit(EndEdit { order: text("a"), edit, outcome: EditOutcome::Confirm }))? {
        Reply::Edit { order, .. } => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

fn add(sku: &str) -> EditChange {
    let unit_price = Money { amount: 100, currency: Currency::USD };
    EditChange::Add { id: None, sku: text(sku), quantity: quantity(1), unit_price }
}

fn to(quantity: u32) -> EditChange {
    EditChange::Line { line: text("1"), quantity: Some(quantity), unit_price: None }
}

#[test]
fn what_an_edit_adds_is_work_with_the_record_that_confirms_it() {
    let world = shop(2);
    place(&world, order_by("a", "rules", 1));
    let number = edit(&world, &[add("phone")]).expect("there is room");
    let (world, before) = counted(world);
    assert_eq!(before, [1, 0], "what is planned is no work yet");
    confirm(&world, number).expect("there is room still");
    let (world, after) = counted(world);
    assert_eq!(after, [2, 0]);
    assert_eq!(place(&world, order_by("b", "rules", 1)).totals().backordered, 1, "the day is used up");
    // Units that leave a shipment leave it work; the last of them do not.
    let refused = edit(&world, &[to(2)]).expect_err("a day that is used up takes no more");
    assert!(matches!(refused, Rejection::InsufficientStock { .. }), "{refused:?}");
    let number = edit(&world, &[to(0)]).expect("they can go");
    confirm(&world, number).expect("they go");
    assert_eq!((waits(&world, ["b"]), used(&world, "east")), ([0], 2), "another has their place");
    assert_eq!(counted(world).1, [2, 0]);
}

#[test]
fn an_edit_that_finds_the_day_used_up_when_it_is_confirmed_is_stale() {
    let world = shop(2);
    place(&world, order_by("a", "rules", 1));
    let number = edit(&world, &[add("case")]).expect("there is room");
    place(&world, order_by("b", "rules", 1));
    match confirm(&world, number) {
        Err(Rejection::EditStale { why, .. }) => assert!(why.contains("east"), "{why}"),
        other => panic!("{other:?}"),
    }
    let order = world.engine.order("a").expect("there");
    assert_eq!(order.edits[0].state, EditState::Cancelled);
    assert_eq!((counted(world).1, order.lines.len()), ([2, 0], 1));
}

#[test]
fn an_order_that_goes_elsewhere_from_a_node_that_is_full_keeps_its_place_there() {
    let world = shop(1);
    place(&world, order_by("a", "rules", 1));
    let own = World::order_of("x", &[("phone", 1)], None).destinations.remove(0);
    let near = EditChange::ShipTo(ShipTo { position: Position::from_degrees(39.0, -75.0), ..own });
    // With a second line it is another shipment in the place of the first.
    let number = edit(&world, &[near, add("case")]).expect("its own place is room");
    let order = confirm(&world, number).expect("it is there still");
    assert_eq!(nodes(&world, &order), ["east", "east"], "one cancelled, one made");
    assert_eq!(counted(world).1, [1, 0]);
}

fn patched(world: &World, patch: NodePatch) {
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
}

/// A node that works on all days but that of the world's beginning.
fn away_today(world: &World) -> ShippingTerms {
    let day = CivilDay((world.log.now().wall.0 / DAY_MS) as i32);
    ShippingTerms::Calendar(Calendar {
        id: text("away"),
        working: Weekdays::EVERY,
        opens_min: 0,
        closes_min: 1_440,
        lead_days: 0,
        lead_min: 0,
        holidays: vec![day],
    })
}

/// Whatever says when a node begins, or how much it handles, may bring room.
#[test]
fn whoever_waits_for_room_is_tried_when_the_node_handles_otherwise() {
    let changes: [(&str, NodePatch); 4] = [
        ("a calendar", NodePatch { calendar: Some(Some(text("away"))), ..NodePatch::default() }),
        ("a cutoff", NodePatch { cutoff_min: Some(Some(0)), ..NodePatch::default() }),
        ("a time zone", NodePatch { time_zone: Some(text("Pacific/Midway")), ..NodePatch::default() }),
        ("no bound", NodePatch { capacity_per_day: Some(None), ..NodePatch::default() }),
    ];
    for (what, patch) in changes {
        let world = shop(1);
        world.run(Command::PutShipping(Box::new(away_today(&world)))).expect("put");
        place(&world, order_by("a", "rules", 1));
        place(&world, order_by("b", "rules", 1));
        assert_eq!(waits(&world, ["a", "b"]), [0, 1]);
        patched(&world, patch);
        assert_eq!(waits(&world, ["a", "b"]), [0, 0], "{what}");
        world.check();
    }
}

#[test]
fn whoever_waits_for_room_is_tried_by_the_clock_when_a_calendar_or_rules_are_others() {
    let world = shop(1);
    let ShippingTerms::Calendar(away) = away_today(&world) else { panic!("it is a calendar") };
    let usual = Calendar { holidays: Vec::new(), ..away.clone() };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Calendar(usual)))).expect("put");
    patched(&world, NodePatch { calendar: Some(Some(text("away"))), ..NodePatch::default() });
    for id in ["a", "b"] {
        place(&world, order_by(id, "rules", 1));
    }
    tick(&world);
    assert_eq!(waits(&world, ["a", "b"]), [0, 1]);
    world.run(Command::PutShipping(Box::new(ShippingTerms::Calendar(away)))).expect("put");
    tick(&world);
    assert_eq!(waits(&world, ["a", "b"]), [0, 0], "work begins on another day, which has room");

    let world = shop(1);
    world.stock("phone", "west", 5).expect("received");
    let fences = vec![Fence::Capacity, Fence::NotNodes(vec![text("west")])];
    let activate = |fences: &[Fence], version| {
        let objective = vec![Term::PerShipment { amount: 500 }];
        let terms = RuleTerms { objective, fences: fences.to_vec(), ..RuleTerms::default() };
        world.run(Command::PutRules(PutRules { name: text("rules"), terms: terms.into() })).expect("put");
        let activate = ActivateRules { name: text("rules"), version, at: None };
        world.run(Command::ActivateRules(activate)).expect("carried");
    };
    activate(&fences, 2);
    for id in ["a", "b"] {
        place(&world, order_by(id, "rules", 1));
    }
    assert_eq!(waits(&world, ["a", "b"]), [0, 1]);
    activate(&fences[..1], 3);
    tick(&world);
    assert_eq!(waits(&world, ["a", "b"]), [0, 0], "the west may ship it by these rules");
    world.check();
}

/// Skus that wait for room at a node that is full: more than are served at once where it is changed.
#[test]
fn who_waits_for_many_skus_is_served_by_the_clock_when_a_node_is_changed() {
    let mut world = World::new();
    let skus: Vec<String> = (0..6).map(|n| format!("s{n}")).collect();
    for sku in &skus {
        world.item(sku, ItemKind::Product, &[]);
        world.stock(sku, "east", 2).expect("received");
    }
    limited(&world, "east", 1);
    minded(&world);
    for (at, sku) in skus.iter().enumerate() {
        place(&world, order_for(&format!("o{at}"), &[(sku, 1)]));
    }
    let waiting = |world: &World| (0..6).map(|at| waits(world, [&format!("o{at}")])[0]).sum::<u32>();
    assert_eq!(waiting(&world), 5);
    limited(&world, "east", 4);
    assert_eq!(waiting(&world), 5, "whoever changes the node does not wait for them");
    tick(&world);
    assert_eq!((waiting(&world), used(&world, "east")), (2, 4));
    world.check();
}

/// One place that comes back costs one try of those that rest, not one of each.
#[test]
fn orders_that_rest_are_tried_in_line_while_there_is_room() {
    let world = shop(1);
    let first = place(&world, order_by("a", "rules", 1));
    let allocate_at = Some(WallTime(world.log.now().wall.0 + 1_000));
    let names: Vec<String> = (0..7).map(|n| format!("r{n}")).collect();
    for name in &names {
        let wishes = Wishes { deferred: Some(Deferred { allocate_at }), ..Wishes::default() };
        place(&world, PlaceOrder { wishes, ..order_by(name, "rules", 1) });
    }
    world.later(1);
    for _ in 0..3 {
        tick(&world);
    }
    let rest =
        |world: &World| names.iter().filter(|name| world.engine.order(name).expect("there").deferral.is_some()).count();
    assert_eq!(rest(&world), 7);
    world.cancel(&first, None).expect("cancelled");
    let context = clock();
    let tried: usize = (0..4).map(|_| world.engine.go_along_the_line(&Turn::new(&*world.log, &context, None))).sum();
    assert_eq!(tried, 1, "who comes first has the only place");
    assert_eq!((rest(&world), used(&world, "east")), (6, 1));
    limited(&world, "east", 3);
    for _ in 0..4 {
        tick(&world);
    }
    assert_eq!((rest(&world), used(&world, "east")), (4, 3), "all are tried where nobody knows how much there is");
    world.check();
}
