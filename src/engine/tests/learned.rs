//! What nodes tell of themselves: counted with the movements of stock, the same after a restart, and weighed the day after.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::fulfillment::{Shipment, ShortReason};
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::short_pick::{Looked, Shelf};

const DAY_S: i64 = 86_400;

/// Rules by which east ships before north, unless a unit is rather not found there.
fn minded() -> World {
    let world = World::new();
    let objective = vec![Term::Distance { micro_per_km: 10_000 }, Term::ShortPick { amount: 1_000 }];
    let terms = RuleTerms { objective, ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("default"), terms: Arc::new(terms) })).expect("put");
    let activated = ActivateRules { name: text("default"), version: 2, at: None };
    world.run(Command::ActivateRules(activated)).expect("it can be carried");
    for node in ["east", "north"] {
        world.stock("phone", node, 500).expect("received");
    }
    world
}

fn quote(world: &World) -> (String, i64) {
    let order = World::order_of("quote", &[("phone", 1)], None);
    let decision: Decision = world.engine.quote(world.log.now(), &order).expect("quoted");
    let node = world.engine.catalogue(|c| c.node(decision.assignments[0].node).id.to_string());
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    (node, weighed.amounts.iter().find(|(term, _)| term.word() == "short_pick").expect("it is told").1)
}

/// Places an order that goes to east, and lets units of it be missing; the rest is shipped.
fn looked_for(world: &World, id: &str, units: u32, missing: u32) {
    let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, &[("phone", units)], None) };
    order.wishes.preferred_node = Some(text("east"));
    let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(order))) else { panic!("it is taken") };
    let act = |action| -> Order { world.fulfill(&order, 1, action).expect("its next step") };
    act(FulfillmentAction::Accept);
    if missing > 0 {
        let lines = vec![NamedUnits { line: text("1"), quantity: quantity(missing) }];
        act(FulfillmentAction::Short { lines, reason: ShortReason::Mismatch });
    }
    if missing < units {
        act(FulfillmentAction::Pick { lines: None });
        act(FulfillmentAction::Pack);
        let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
        act(FulfillmentAction::Ship { shipment });
    }
}

#[test]
fn a_node_that_does_not_find_its_units_is_asked_less_from_the_next_day_on() {
    let world = minded();
    assert_eq!(quote(&world), ("east".to_owned(), 20), "as is usual of warehouses");
    for n in 0..10 {
        looked_for(&world, &format!("o{n}"), 5, 4);
    }
    assert_eq!(quote(&world), ("east".to_owned(), 20), "what happens today is weighed tomorrow");
    let east = world.engine.catalogue(|c| c.node_index("east")).expect("a node");
    let before = world.engine.short_picks_of(east);
    let day = *before.days.keys().next().expect("one day");
    assert_eq!(before.days[&day][Shelf::Many as usize], Looked { found: 10, short: 40 });
    let world = world.restart();
    assert_eq!(world.engine.short_picks_of(east), before, "it is in the journal");
    world.later(DAY_S);
    let (node, amount) = quote(&world);
    assert_eq!((node.as_str(), amount), ("north", 20));
    let (told, _) = world.engine.short_picks("east", world.log.now().journal).expect("a node");
    let many = told.shelves[Shelf::Many as usize];
    assert!(told.is_in_use && many.looked == Looked { found: 10, short: 40 });
    // 50 units at 2 % and nearly 50 at 80 %.
    assert!((405_000..412_000).contains(&many.rate_micro), "{many:?}");
    assert!(world.engine.short_picks("moon", world.log.now().journal).is_none());
}

#[test]
fn what_happens_today_is_weighed_tomorrow_wherever_the_wall_clock_is() {
    let world = minded();
    world.log.wall_ahead.store(2 * DAY_S * 1_000, Ordering::SeqCst);
    for n in 0..10 {
        looked_for(&world, &format!("o{n}"), 5, 4);
    }
    assert_eq!(quote(&world), ("east".to_owned(), 20), "by the wall clock it is long ago");
    world.log.wall_ahead.store(-2 * DAY_S * 1_000, Ordering::SeqCst);
    world.later(DAY_S);
    assert_eq!(quote(&world).0, "north", "by the wall clock it has not happened yet");
}

#[test]
fn a_journal_read_again_weighs_what_was_known_then() {
    let world = minded();
    for day in 0..4 {
        looked_for(&world, &format!("o{day}"), 9, if day < 2 { 8 } else { 1 });
        let plain = World::order_of(&format!("p{day}"), &[("phone", 2)], None);
        world.run(Command::PlaceOrder(Box::new(plain))).expect("taken");
        world.later(DAY_S);
    }
    let comparison = super::whatif::compared(&world, &crate::engine::whatif::Suppose::default());
    assert_eq!((comparison.same, comparison.before), (comparison.decided, comparison.after));
    assert!(comparison.decided >= 4);
}
