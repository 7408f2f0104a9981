//! What an order leaves: what that costs, that no line is left for another's sake, and that what is left stays left until
//! something is otherwise.

use super::channels;
use super::group_rules::{activate, put};
use super::world::*;
use crate::domain::command::*;
use crate::domain::order::Order;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};
use crate::domain::weighed::CostTerm;

fn by(terms: RuleTerms) -> World {
    let world = World::new();
    let version = put(&world, "default", terms);
    activate(&world, "default", version);
    world
}

fn charged(per_line: i64) -> Unfilled {
    Unfilled::Charged { per_line, value_share_micro: 0 }
}

fn placed(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("an order is taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn now(world: &World, order: &Order) -> (u32, u32) {
    let totals = world.engine.order_by_key(order.key).expect("it is there").totals();
    (totals.allocated, totals.backordered)
}

#[test]
fn a_line_that_ships_as_a_whole_keeps_no_other_line_back() {
    let world = by(RuleTerms { fences: vec![Fence::LineComplete], ..RuleTerms::default() });
    for sku in ["phone", "case"] {
        world.stock(sku, "east", 5).expect("room");
    }
    channels::put(&world, "web", &[("case", 0, Some(1))]);
    let order = placed(&world, World::order_of("a", &[("case", 2), ("phone", 1), ("case", 1)], None));
    let waits: Vec<u32> = order.lines.iter().map(|line| line.backordered).collect();
    assert_eq!(waits, [2, 0, 0], "what the first may not have the last has");
    assert_eq!(now(&world.restart(), &order), (2, 2));
}

#[test]
fn units_behind_limits_cost_what_any_cost_that_nobody_ships() {
    let terms = || RuleTerms {
        objective: vec![Term::PerShipment { amount: 100 }],
        unfilled: charged(1_000),
        ..RuleTerms::default()
    };
    for (units, shipped) in [(3, true), (0, false)] {
        let world = by(terms());
        world.stock("phone", "east", 9).expect("room");
        channels::put(&world, "web", &[("phone", 0, Some(units))]);
        let order = placed(&world, World::order_of("a", &[("phone", 5)], None));
        let decision = order.decision.as_deref().expect("it is sourced");
        // A line is short once, however many of its units the limit keeps: to ship the others saves nothing then.
        let amounts = decision.evidence.weighed().expect("weighed").amounts.clone();
        assert_eq!(amounts, [(CostTerm::PerShipment, 0), (CostTerm::Unfilled, 1_000)], "{shipped}");
        assert_eq!((decision.cost.amount, decision.lower_bound, decision.optimal), (1_000, 1_000, true));
        let losing = world.engine.catalogue(|catalogue| decision.losing(catalogue));
        assert_eq!(decision.losers(&losing).len(), losing.len(), "it is explained");
    }
    let world = by(RuleTerms { unfilled: Unfilled::Charged { per_line: 10, value_share_micro: 0 }, ..terms() });
    world.stock("phone", "east", 1).expect("room");
    channels::put(&world, "web", &[("case", 0, Some(0))]);
    let order = placed(&world, World::order_of("a", &[("case", 1), ("cable", 1)], None));
    let decision = order.decision.as_deref().expect("it is sourced");
    assert_eq!((decision.cost.amount, decision.lower_bound, decision.optimal), (20, 20, true));
}

#[test]
fn a_preferred_node_has_part_in_what_it_has_no_whole_of() {
    let world = by(RuleTerms { fences: vec![Fence::LineComplete], ..RuleTerms::default() });
    for (sku, node, units) in [("phone", "east", 1), ("phone", "west", 1), ("case", "east", 1)] {
        world.stock(sku, node, units).expect("room");
    }
    let mut order = World::order_of("a", &[("phone", 2), ("case", 1)], None);
    order.wishes.preferred_node = Some(text("east"));
    let order = placed(&world, order);
    assert_eq!(now(&world, &order), (3, 0));
}

#[test]
fn a_shipment_more_is_one_beyond_the_first_whenever_it_is_sourced() {
    let world = by(RuleTerms {
        objective: vec![Term::PerShipment { amount: 100 }, Term::Split { amount: 500 }],
        unfilled: charged(400),
        ..RuleTerms::default()
    });
    world.stock("phone", "east", 1).expect("room");
    world.stock("case", "west", 1).expect("room");
    let order = placed(&world, World::order_of("a", &[("phone", 1), ("case", 1)], None));
    assert_eq!(now(&world, &order), (1, 1), "a second shipment costs 600 and leaving 400");
    world.stock("case", "west", 1).expect("room");
    assert_eq!(now(&world, &order), (1, 1), "as it does when units come");
    let world = world.restart();
    assert_eq!(now(&world, &order), (1, 1));
    // Without the first it is the only one.
    world.cancel(&order, Some(&[("1", 1)])).expect("nothing was sent");
    assert_eq!(now(&world, &order), (1, 0));
}

#[test]
fn what_was_too_dear_is_tried_again_once_less_of_it_is_wanted() {
    let world = by(RuleTerms {
        objective: vec![Term::PerShipment { amount: 600 }],
        unfilled: charged(1_000),
        ..RuleTerms::default()
    });
    world.stock("phone", "east", 1).expect("room");
    let order = placed(&world, World::order_of("a", &[("phone", 3)], None));
    assert_eq!(now(&world, &order), (0, 3), "the line is short with one of them as well");
    world.cancel(&order, Some(&[("1", 2)])).expect("nothing was sent");
    assert_eq!(now(&world, &order), (1, 0), "the last is all of it");
}
