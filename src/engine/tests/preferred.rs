//! An order's preferred node ships all it can first; the rule set chooses among the others for the rest, and what nobody
//! has waits. Nothing is half taken.

use std::sync::atomic::Ordering;

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::decision::FenceReason;
use crate::domain::ids::Text;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;

fn stock(world: &World, sku: &str, node: &str, units: i32) {
    let reason = MovementKind::Received;
    let adjustment = Adjustment { sku: text(sku), node: text(node), delta: units, reason };
    world.run(Command::AdjustStock(vec![adjustment])).expect("it is received");
}

fn asked(id: &str, preferred: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    let wishes = Wishes { preferred_node: Some(text(preferred)), ..Wishes::default() };
    PlaceOrder { id: Some(text(id)), wishes, ..World::order_of(id, lines, None) }
}

fn place(world: &World, order: PlaceOrder) -> Result<Order, Rejection> {
    match world.run(Command::PlaceOrder(Box::new(order)))? {
        Reply::Order(order) => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

/// Node and units of each fulfilment order, and what waits.
fn shape(world: &World, order: &Order) -> (Vec<(Text, u64)>, u32) {
    let name = |node| world.engine.catalogue(|catalogue| catalogue.node(node).id.clone());
    let live = order.fulfillment_orders.iter().filter(|f| f.status.is_live());
    let mut shipments: Vec<_> = live.map(|f| (name(f.node), f.units())).collect();
    shipments.sort();
    (shipments, order.totals().backordered)
}

fn from(parts: &[(&str, u64)]) -> Vec<(Text, u64)> {
    parts.iter().map(|(node, units)| (text(node), *units)).collect()
}

#[test]
fn a_preferred_node_ships_first_then_the_others_by_the_rules_and_the_rest_waits() {
    let world = World::new();
    for (node, units) in [("east", 10), ("west", 4), ("north", 3)] {
        stock(&world, "phone", node, units);
    }
    let order = place(&world, asked("a", "west", &[("phone", 3)])).expect("taken");
    assert_eq!(shape(&world, &order), (from(&[("west", 3)]), 0), "east is nearer and is not asked");
    let decision = order.decision.as_ref().expect("decided");
    let passed_over: Vec<_> = decision.evidence.fenced.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(passed_over, [FenceReason::NotPreferred; 2]);
    let order = place(&world, asked("b", "west", &[("phone", 5)])).expect("taken");
    assert_eq!(shape(&world, &order), (from(&[("east", 4), ("west", 1)]), 0), "the nearest of the others has the rest");
    let decision = order.decision.as_ref().expect("decided");
    let whole: i64 = decision.assignments.iter().map(|a| a.cost).sum::<i64>() + decision.terms.split;
    assert!(decision.terms.split > 0 && decision.cost.amount == whole && decision.optimal);
    let order = place(&world, asked("c", "west", &[("phone", 20)])).expect("taken");
    assert_eq!(shape(&world, &order), (from(&[("east", 6), ("north", 3)]), 11), "west has none; what nobody has waits");
    let world = world.restart();
    let order = world.engine.order("c").expect("there");
    assert_eq!(order.preferred_node(), world.engine.catalogue(|catalogue| catalogue.node_index("west")));
}

#[test]
fn a_quote_of_a_preferred_node_is_what_the_order_gets() {
    let world = World::new();
    stock(&world, "phone", "east", 10);
    stock(&world, "phone", "west", 2);
    stock(&world, "case", "west", 2);
    let order = asked("a", "west", &[("phone", 3), ("case", 1), ("bundle", 1)]);
    let quote = world.engine.quote(crate::domain::record::Log::now(&*world.log), &order).expect("quoted");
    let placed = place(&world, order).expect("taken");
    let decision = placed.decision.expect("decided");
    assert_eq!((&quote.assignments, &quote.unfilled), (&decision.assignments, &decision.unfilled));
    assert_eq!((quote.cost, quote.lower_bound), (decision.cost, decision.lower_bound));
}

#[test]
fn a_preferred_node_that_cannot_supply_is_passed_over_and_an_unknown_one_refused() {
    let mut world = World::new();
    stock(&world, "phone", "east", 10);
    stock(&world, "phone", "west", 10);
    let off = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("west"), patch: Box::new(off) }).expect("switched off");
    let order = place(&world, asked("a", "west", &[("phone", 1)])).expect("taken");
    assert_eq!(shape(&world, &order), (from(&[("east", 1)]), 0));
    let before = world.log.records.lock().len();
    let refused = place(&world, asked("b", "nowhere", &[("phone", 1)])).unwrap_err();
    assert_eq!(refused.code(), "unknown_node");
    world.virtual_node("cloud");
    let refused = place(&world, asked("b", "cloud", &[("phone", 1)])).unwrap_err();
    assert_eq!(refused.code(), "node_without_stock");
    assert_eq!(world.log.records.lock().len(), before + 1, "the virtual node alone was put");
}

#[test]
fn units_that_come_back_are_asked_of_the_preferred_node_first() {
    let world = World::new();
    for node in ["east", "west", "north"] {
        stock(&world, "phone", node, 5);
    }
    let order = place(&world, asked("a", "north", &[("phone", 7)])).expect("taken");
    assert_eq!(shape(&world, &order).0, from(&[("east", 2), ("north", 5)]));
    stock(&world, "phone", "north", 5);
    let number = order.fulfillment_orders.iter().find(|f| f.units() == 2).expect("of east").number;
    let reject = FulfillmentAction::Reject { reason: text("closed") };
    let order = world.fulfill(&order, number, reject).expect("refused by its node");
    assert_eq!(shape(&world, &order).0, from(&[("north", 2), ("north", 5)]));
}

#[test]
fn a_preferred_node_is_asked_when_an_order_that_rested_is_allocated_and_when_one_is_edited() {
    let world = World::new();
    for node in ["east", "west"] {
        stock(&world, "phone", node, 5);
    }
    let mut order = asked("a", "west", &[("phone", 2)]);
    order.wishes.deferred = Some(Deferred { allocate_at: None });
    assert_eq!(shape(&world, &place(&world, order).expect("taken")).0, from(&[]));
    let Ok(Reply::Order(order)) = world.run(Command::AllocateOrder { order: text("a") }) else { panic!("allocated") };
    assert_eq!(shape(&world, &order).0, from(&[("west", 2)]));
    let changes = vec![EditChange::Line { line: text("1"), quantity: Some(5), unit_price: None }];
    let open = Command::OpenEdit(OpenEdit { order: text("a"), changes });
    let Ok(Reply::Edit { order, .. }) = world.run(open) else { panic!("opened") };
    let end = EndEdit { order: order.name().into(), edit: text(&order.edits[0].name()), outcome: EditOutcome::Confirm };
    let Ok(Reply::Edit { order, .. }) = world.run(Command::EndEdit(end)) else { panic!("confirmed") };
    assert_eq!(shape(&world, &order).0, from(&[("west", 2), ("west", 3)]));
    assert_eq!(quantity(5).units(), order.totals().allocated);
}

#[test]
fn a_claimed_reservation_is_kept_where_the_preferred_node_holds_it() {
    let world = World::new();
    stock(&world, "phone", "east", 5);
    stock(&world, "phone", "west", 5);
    let reserve = Reserve {
        id: Some(text("cart")),
        fingerprint: 0,
        owner: text("cart"),
        ttl_s: 600,
        lines: vec![ReserveLine { sku: text("phone"), quantity: quantity(5), node: Some(text("east")) }],
        partial: false,
        channel: None,
        customer: None,
    };
    world.run(Command::Reserve(reserve)).expect("reserved");
    let order = PlaceOrder { reservation: Some(text("cart")), ..asked("a", "west", &[("phone", 6)]) };
    let order = place(&world, order).expect("taken");
    assert_eq!(shape(&world, &order), (from(&[("east", 1), ("west", 5)]), 0));
    assert_eq!((world.level("phone", "east").available, world.level("phone", "east").reserved), (4, 0));
    assert_eq!(world.log.now.load(Ordering::SeqCst), 1_800_000_000_000, "no time passed");
}

#[test]
fn what_comes_goes_to_a_waiting_order_from_the_node_it_prefers() {
    for restarts in [false, true] {
        let world = World::new();
        let order = place(&world, asked("a", "west", &[("phone", 2)])).expect("taken");
        let other = place(&world, World::order_of("b", &[("phone", 2)], None)).expect("taken");
        assert_eq!((shape(&world, &order), shape(&world, &other)), ((vec![], 2), (vec![], 2)));
        let world = if restarts { world.restart() } else { world };
        let reason = MovementKind::Received;
        let to = |node: &str| Adjustment { sku: text("phone"), node: text(node), delta: 2, reason };
        world.run(Command::AdjustStock(vec![to("east"), to("west")])).expect("room");
        let now = |order: &Order| shape(&world, &world.engine.order(&order.name()).expect("known"));
        assert_eq!((now(&order), now(&other)), ((from(&[("west", 2)]), 0), (from(&[("east", 2)]), 0)));
    }
}
