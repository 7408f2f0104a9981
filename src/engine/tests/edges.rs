//! Odd inputs and odd moments: what must hold at the rim of every bound.

use super::random::nobody_waits_beside_free_units;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::ShortReason;
use crate::domain::item::ItemKind;
use crate::domain::limits::{ENDED_READABLE_MS, LEVEL_MAX};
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
    Reserve {
        id: None,
        fingerprint: 0,
        owner: text("cart"),
        ttl_s,
        lines: sku_units.iter().map(line).collect(),
        partial,
        channel: None,
        customer: None,
    }
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
    for sku in ["phone", "case", "cable"] {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: u32::MAX,
            dimensions: Default::default(),
            value: None,
            components: vec![],
        };
        world.run(Command::PutItem(Box::new(item))).expect("a heavy item");
    }
    for n in 0..6 {
        world.item(&format!("piece-{n}"), ItemKind::Product, &[]);
    }
    let most = 1_000_000_000;
    world.item("crate", ItemKind::Kit, &[("phone", most), ("case", most), ("cable", most)]);
    for (sku, node) in [("phone", "east"), ("case", "east"), ("cable", "east"), ("phone", "west")] {
        adjust(&world, &[(sku, node, most as i32, MovementKind::Received)]).expect("room");
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
                let longer = ChangeReservation { reservation: text(&reservation.name()), ttl_s: Some(40), lines: None };
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
    let grow = ChangeReservation { reservation: text(&kit.name()), ttl_s: None, lines };
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
fn an_order_filled_unit_by_unit_stays_within_its_fulfilment_orders() {
    let mut world = World::new();
    let order = world.order(&[("phone", 100_000)], None).expect("waits");
    let mut order = world.engine.order(&order.name()).expect("there");
    assert_eq!(order.status(), OrderStatus::Backordered);
    let receive = || {
        let one = Adjustment { sku: text("phone"), node: text("east"), delta: 1, reason: MovementKind::Received };
        world.engine.execute(&*world.log, &Context::library(), Command::AdjustStock(vec![one])).expect("room");
    };
    for _ in 0..20 {
        receive();
    }
    order = world.engine.order(&order.name()).expect("there");
    assert!(order.fulfillment_orders.len() <= 20);
    assert_eq!(order.totals().allocated, 20);
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
fn a_repeated_step_is_answered_with_its_fulfilment_order() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let key = crate::domain::ids::FulfillmentKey { order: order.key, number: 1 };
    let context = Context { key: Some(IdempotencyKey { hash: 1, fingerprint: 1 }), ..Context::library() };
    let accept = Fulfill { fulfillment: text(&key.to_string()), action: FulfillmentAction::Accept };
    let first = world.engine.execute(&*world.log, &context, Command::Fulfill(accept.clone())).expect("legal");
    assert!(matches!(first, crate::engine::Executed::Done(_)));
    let again = world.engine.execute(&*world.log, &context, Command::Fulfill(accept)).expect("a repeat");
    let crate::engine::Executed::RepeatKey { seq } = again else { panic!("{again:?}") };
    let record = world.log.records.lock()[seq as usize - 1].clone();
    let answer = crate::domain::event::Answer::Order(order.key);
    let reply = world.engine.answer(&record, &answer).expect("there");
    assert!(matches!(reply, Reply::Fulfillment { key: told, .. } if told == key), "{reply:?}");
}
