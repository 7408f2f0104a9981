//! Odd inputs and odd moments: what must hold at the rim of every bound.

use std::sync::atomic::Ordering;

use super::random::nobody_waits_beside_free_units;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::ShortReason;
use crate::domain::item::ItemKind;
use crate::domain::limits::{ENDED_READABLE_MS, FULFILLMENT_ORDERS_MAX, LEVEL_MAX};
use crate::domain::order::OrderStatus;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::Reservation;
use crate::domain::stock::MovementKind;

fn adjust(world: &World, changes: &[(&str, &str, i32, MovementKind)]) -> Result<Reply, Rejection> {
    let one = |(sku, node, delta, reason): &(&str, &str, i32, MovementKind)| Adjustment {
        sku: text(sku),
        node: text(node),
        delta: *delta,
        reason: *reason,
    };
    world.run(Command::AdjustStock(changes.iter().map(one).collect()))
}

fn reserve_lines(sku_units: &[(&str, u32)], ttl_s: u64, partial: bool) -> Reserve {
    let line = |(sku, n): &(&str, u32)| ReserveLine { sku: text(sku), quantity: quantity(*n), node: None };
    Reserve { partial, ..World::reserve_of(sku_units.iter().map(line).collect(), ttl_s) }
}

fn reserved(world: &World, reserve: Reserve) -> Result<Reservation, Rejection> {
    match world.run(Command::Reserve(reserve))? {
        Reply::Reservation(reservation) => Ok(*reservation),
        other => panic!("{other:?}"),
    }
}

fn switch(world: &World, node: &str, active: bool) {
    let patch = NodePatch { active: Some(active), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("known");
}

#[test]
fn units_lost_and_found_in_one_request_first_pay_what_is_owed() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.order(&[("phone", 2)], None).expect("enough");
    let both = [("phone", "east", -5, MovementKind::Lost), ("phone", "east", 5, MovementKind::Found)];
    adjust(&world, &both).expect("on hand suffices");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.shortfall, level.available, level.committed), (5, 0, 3, 2));
    nobody_waits_beside_free_units(&world);
}

#[test]
fn gains_and_losses_of_one_request_are_logged_in_an_order_that_can_be_replayed() {
    let kinds = [MovementKind::Received, MovementKind::Counted, MovementKind::Corrected, MovementKind::Found];
    for kind in kinds {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        world.order(&[("phone", 2)], None).expect("enough");
        let both = [("phone", "east", 5, kind), ("phone", "east", -5, MovementKind::Corrected)];
        adjust(&world, &both).expect("on hand suffices");
        assert_eq!(world.level("phone", "east").available, 3, "{kind:?}");
        let most = LEVEL_MAX as i32;
        adjust(&world, &[("case", "east", most, kind)]).expect("the bound itself");
        let both = [("case", "east", 5, kind), ("case", "east", -5, MovementKind::Lost)];
        adjust(&world, &both).expect("the bound is kept");
        world.restart();
    }
}

#[test]
fn many_large_receipts_of_one_cell_are_refused_together() {
    let world = World::new();
    let large = ("phone", "east", 1_000_000_000, MovementKind::Received);
    for times in [2, 3, 5, 9] {
        assert!(matches!(adjust(&world, &vec![large; times]), Err(Rejection::LevelTooLarge { .. })), "{times} times");
    }
    adjust(&world, &[("phone", "east", LEVEL_MAX as i32, MovementKind::Received)]).expect("the bound itself");
    let lost = ("phone", "east", -1_000_000_000, MovementKind::Lost);
    for times in [2, 3, 5, 9] {
        assert!(matches!(adjust(&world, &vec![lost; times]), Err(Rejection::InsufficientOnHand { .. })), "{times}");
    }
}

#[test]
fn many_large_moves_of_one_cell_are_refused_together() {
    let world = World::new();
    adjust(&world, &[("phone", "east", LEVEL_MAX as i32, MovementKind::Received)]).expect("the bound itself");
    let one = StockMove {
        sku: text("phone"),
        node: text("east"),
        from: StockState::Available,
        to: StockState::Damaged,
        quantity: quantity(1_000_000_000),
    };
    for times in [2, 3, 5, 9] {
        let moved = world.run(Command::MoveStock(vec![one.clone(); times]));
        assert!(matches!(moved, Err(Rejection::InsufficientState { .. })), "{times} times: {moved:?}");
    }
    world.run(Command::MoveStock(vec![one])).expect("once is there");
}

#[test]
fn kits_of_very_many_heavy_pieces_wait_without_harm() {
    let mut world = World::new();
    let pieces = ["phone", "case", "cable", "plug", "strap"];
    for sku in pieces {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: u32::MAX,
            dimensions: Default::default(),
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        world.run(Command::PutItem(Box::new(item))).expect("a heavy item");
    }
    let most = 1_000_000_000;
    world.item("crate", ItemKind::Kit, &pieces.map(|sku| (sku, most)));
    for sku in pieces {
        adjust(&world, &[(sku, "east", most as i32, MovementKind::Received)]).expect("room");
    }
    let lines = vec![("crate", 1); 1_200];
    let order = world.order(&lines, None).expect("one is filled, others wait");
    assert_eq!((order.totals().allocated, order.totals().backordered), (1, 1_199));
    world.restart();
}

#[test]
fn the_clock_leaves_nothing_of_reservations_that_ended() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    for round in 0..20 {
        let reservation = world.reserve("phone", 1, 30).expect("enough");
        match round % 4 {
            0 => {
                let order = world.order(&[("phone", 1)], Some(reservation.name())).expect("claims");
                world.cancel(&order, None).expect("at once");
            }
            1 => drop(world.run(Command::ReleaseReservation { reservation: text(&reservation.name()) })),
            2 => {
                let longer = ChangeReservation {
                    owner: None,
                    reservation: text(&reservation.name()),
                    ttl_s: Some(40),
                    lines: None,
                };
                world.run(Command::ChangeReservation(longer)).expect("held");
            }
            _ => {}
        }
        world.later(50);
        world.engine.expire_due(&*world.log);
    }
    let waiting = {
        let network = world.engine.network.read().expect("one thread");
        network.stock.iter().map(|stock| stock.due.len()).sum::<usize>()
    };
    assert_eq!(waiting, 0, "nothing is due of what has ended");
    world.later(ENDED_READABLE_MS / 1_000 + 60);
    world.engine.expire_due(&*world.log);
    assert_eq!(world.engine.counts().1, 0, "claimed ones are forgotten as well");
}

#[test]
fn a_kit_can_grow_into_what_is_due_of_any_component() {
    let world = World::new();
    world.stock("phone", "east", 2).expect("room");
    world.stock("case", "east", 4).expect("room");
    world.reserve("case", 2, 60).expect("enough");
    let kit = reserved(&world, reserve_lines(&[("bundle", 1)], 600, false)).expect("enough");
    world.later(60);
    let lines = Some(reserve_lines(&[("bundle", 2)], 0, false).lines);
    let grow = ChangeReservation { owner: None, reservation: text(&kit.name()), ttl_s: None, lines };
    world.run(Command::ChangeReservation(grow)).expect("the cases are due");
}

#[test]
fn a_partial_reservation_gets_what_is_due_as_well() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.reserve("phone", 2, 60).expect("enough");
    world.later(60);
    let part = reserved(&world, reserve_lines(&[("phone", 9)], 60, true)).expect("some");
    assert_eq!(part.lines[0].quantity, 5);
    world.later(60);
    assert!(matches!(
        reserved(&world, reserve_lines(&[("cable", 9)], 60, true)),
        Err(Rejection::InsufficientStock { available: 0, .. })
    ));
}

#[test]
fn an_order_that_had_all_its_fulfilment_orders_lets_others_pass() {
    let mut world = World::new();
    let large = world.order(&[("phone", 100_000)], None).expect("waits");
    let other = world.order(&[("phone", 1)], None).expect("waits");
    for _ in 0..FULFILLMENT_ORDERS_MAX + 3 {
        world.stock("phone", "east", 1).expect("room");
    }
    let large = world.engine.order(&large.name()).expect("there");
    assert_eq!(large.fulfillment_orders.len(), FULFILLMENT_ORDERS_MAX);
    assert_eq!(world.engine.order(&other.name()).expect("there").status(), OrderStatus::FullyAllocated);
    assert_eq!(world.atp("phone"), 2);
    let mut world = world.restart();
    assert_eq!(world.atp("phone"), 2);
    let large = world.fulfill(&large, 1, FulfillmentAction::Reject { reason: text("no staff") }).expect("legal");
    assert_eq!(large.totals().unallocated, 0, "it waits");
    world.order(&[("phone", 3)], None).expect("the others' units are free");
    world.cancel(&large, None).expect("what is left of it");
    world.restart();
}

#[test]
fn what_takes_more_than_one_record_is_done_in_several() {
    let mut world = World::new();
    for node in ["east", "west", "north"] {
        world.stock("phone", node, 2).expect("room");
    }
    let set = |world: &World, max| world.log.events_max.store(max, Ordering::SeqCst);
    set(&world, 3);
    let order = world.order(&[("phone", 6)], None).expect("captured, then sourced in parts");
    assert_eq!(order.status(), OrderStatus::FullyAllocated);
    let cancelled = world.cancel(&order, None).expect("in parts as well");
    assert_eq!(cancelled.status(), OrderStatus::Cancelled);
    assert_eq!(world.atp("phone"), 6);
    let kits = world.order(&[("bundle", 6)], None).expect("waits for cases");
    assert_eq!(kits.status(), OrderStatus::Backordered);
    set(&world, 0);
    let cases = ["east", "west", "north"].map(|node| ("case", node, 4, MovementKind::Received));
    set(&world, 5);
    adjust(&world, &cases).expect("room");
    assert_eq!(world.engine.order(&kits.name()).expect("there").status(), OrderStatus::FullyAllocated);
    set(&world, 0);
    world.restart();
}

#[test]
fn a_reservation_holds_no_more_cells_than_its_end_can_tell() {
    let world = World::new();
    let run = |command| world.engine.execute(&*world.log, &Context::library(), command);
    let template = world.engine.catalogue(|catalogue| catalogue.nodes()[1].clone());
    let skus: Vec<String> = (0..16).map(|n| format!("part-{n}")).collect();
    for n in 0..100 {
        let node = crate::domain::node::Node { id: text(&format!("node-{n}")), ..template.clone() };
        run(Command::PutNode(Box::new(node))).expect("a good node");
    }
    for sku in &skus {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: 1,
            dimensions: Default::default(),
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        run(Command::PutItem(Box::new(item))).expect("a good item");
        let one = |n| Adjustment {
            sku: text(sku),
            node: text(&format!("node-{n}")),
            delta: 1,
            reason: MovementKind::Received,
        };
        run(Command::AdjustStock((0..100).map(one).collect())).expect("room");
    }
    let lines: Vec<(&str, u32)> = skus.iter().map(|sku| (sku.as_str(), 100)).collect();
    assert!(matches!(reserved(&world, reserve_lines(&lines, 60, false)), Err(Rejection::Invalid(_))));
    let held = reserved(&world, reserve_lines(&lines[1..], 60, false)).expect("the bound itself");
    let lines = Some(reserve_lines(&lines, 0, false).lines);
    let grow = ChangeReservation { owner: None, reservation: text(&held.name()), ttl_s: None, lines };
    assert!(matches!(world.run(Command::ChangeReservation(grow)), Err(Rejection::Invalid(_))));
}

/// Marks units of a cell as another checkout in flight does, and lets them roll back.
fn flying(world: &World, sku: &str, node: &str, units: u32, meanwhile: impl FnOnce()) {
    let cell = |then: &dyn Fn(crate::engine::cell::CellWord<'_>)| {
        let network = world.engine.network.read().expect("one thread");
        let (sku, node) = (network.find_sku("", sku).expect("known"), network.find_node("", node).expect("known"));
        then(network.cell(crate::domain::stock::CellKey { sku, node }).expect("stocked").word);
    };
    cell(&|word| word.take(units, true).expect("free"));
    meanwhile();
    cell(&|word| word.roll_back(units));
}

#[test]
fn nobody_is_refused_or_left_waiting_for_what_may_roll_back() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    world.stock("case", "east", 2).expect("room");
    let run = |world: &World, command| world.engine.execute(&*world.log, &Context::library(), command);
    flying(&world, "phone", "east", 1, || {
        let refused = run(&world, Command::Reserve(reserve_lines(&[("phone", 1)], 60, false)));
        assert_eq!(refused.err(), Some(Rejection::Contended));
        let kit = Command::PlaceOrder(Box::new(World::order_of("kit", &[("bundle", 1)], None)));
        assert_eq!(run(&world, kit).err(), Some(Rejection::Contended));
        let more = run(&world, Command::Reserve(reserve_lines(&[("phone", 2)], 60, false)));
        assert!(matches!(more, Err(Rejection::InsufficientStock { .. })), "not even then");
    });
    let kits = world.order(&[("bundle", 2)], None).expect("one waits");
    assert_eq!(kits.totals().backordered, 1);
    world.stock("phone", "east", 1).expect("room");
    world.stock("case", "east", 1).expect("room");
    flying(&world, "phone", "east", 1, || {
        let one = Adjustment { sku: text("case"), node: text("east"), delta: 1, reason: MovementKind::Received };
        run(&world, Command::AdjustStock(vec![one])).expect("room");
    });
    assert_eq!(world.engine.order(&kits.name()).expect("there").totals().backordered, 1);
    world.engine.expire_due(&*world.log);
    world.check();
    assert_eq!(world.engine.order(&kits.name()).expect("there").totals().backordered, 0, "the clock looks again");
}

#[test]
fn units_that_came_back_while_stock_was_contended_are_sourced_by_the_clock() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    let order = world.order(&[("phone", 1)], None).expect("enough");
    world.stock("phone", "west", 1).expect("room");
    flying(&world, "phone", "west", 1, || {
        let key = crate::domain::ids::FulfillmentKey { order: order.key, number: 1 };
        let action = FulfillmentAction::Reject { reason: text("no staff") };
        let reject = Fulfill { fulfillment: text(&key.to_string()), action };
        world.engine.execute(&*world.log, &Context::library(), Command::Fulfill(reject)).expect("legal");
    });
    assert_eq!(world.engine.order(&order.name()).expect("there").totals().unallocated, 1);
    assert!(world.engine.expire_due(&*world.log).is_none(), "nothing is left over");
    world.check();
    assert_eq!(world.engine.order(&order.name()).expect("there").status(), OrderStatus::FullyAllocated);
}

#[test]
fn a_service_waits_for_the_virtual_node_and_is_served_when_it_comes_back() {
    let mut world = World::new();
    world.item("setup", ItemKind::Service, &[]);
    switch(&world, "virtual", false);
    let order = world.order(&[("setup", 1)], None).expect("waits");
    assert_eq!(order.status(), OrderStatus::Backordered);
    let world = world.restart();
    switch(&world, "virtual", true);
    assert_eq!(world.engine.order(&order.name()).expect("there").status(), OrderStatus::FullyAllocated);
}

#[test]
fn nothing_is_nothing_to_cancel_pick_or_miss() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    assert!(matches!(world.cancel(&order, Some(&[])), Err(Rejection::Invalid(_))));
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    let none = FulfillmentAction::Short { lines: vec![], reason: ShortReason::Mismatch };
    assert!(matches!(world.fulfill(&order, 1, none), Err(Rejection::Invalid(_))));
    let none = FulfillmentAction::Pick { lines: Some(vec![]) };
    assert!(matches!(world.fulfill(&order, 1, none), Err(Rejection::Invalid(_))));
    assert!(world.engine.order(&order.name()).expect("there").fenced.is_empty());
}

#[test]
fn a_reservation_that_changes_hands_is_somebody_else_s_from_now_on() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 5).expect("room");
        let held = world.reserve("phone", 2, 60).expect("enough");
        let owner = Some(text("order-desk"));
        let change = ChangeReservation { owner, reservation: text(&held.name()), ttl_s: None, lines: None };
        world.run(Command::ChangeReservation(change)).expect("held");
        let world = if restarts { world.restart() } else { world };
        let known = world.engine.reservation(&held.name()).expect("held");
        assert_eq!(&*known.owner, "order-desk", "it is somebody else's from now on");
        assert_eq!((known.lines, known.expires_at), (held.lines.clone(), held.expires_at));
    }
}

/// A place where nothing ever was is not listed because somebody asked for what is not there.
#[test]
fn what_is_refused_of_a_cell_that_never_was_makes_none() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let refused = adjust(&world, &[("phone", "west", -1, MovementKind::Lost)]).expect_err("nothing is there");
    assert_eq!(refused.code(), "insufficient_on_hand");
    let (from, to) = (StockState::Available, StockState::Damaged);
    for (from, to) in [(from, to), (to, from)] {
        let one = StockMove { sku: text("phone"), node: text("west"), from, to, quantity: quantity(1) };
        let refused = world.run(Command::MoveStock(vec![one])).expect_err("nothing is there");
        assert_eq!(refused.code(), "insufficient_state");
    }
    let count = SetOnHand {
        sku: text("phone"),
        node: text("west"),
        on_hand: 3,
        expected: Some(4),
        source: None,
        source_seq: None,
        as_of: None,
    };
    assert_eq!(world.run(Command::SetOnHand(count.clone())).expect_err("it is not as expected").code(), "stale_level");
    assert_eq!(world.engine.all_levels().len(), 1, "{:?}", world.engine.all_levels());
    world.run(Command::SetOnHand(SetOnHand { expected: Some(0), ..count })).expect("nothing was there");
    assert_eq!(world.level("phone", "west").on_hand, 3);
    world.check();
}
