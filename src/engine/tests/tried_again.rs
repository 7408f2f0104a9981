//! What waits though units are free, as it was too dear or kept from them, is tried again when rules, rates or seasons change.

use super::weighing::{carrier, on, order_by, place, service, weighed};
use super::world::*;
use crate::domain::command::*;
use crate::domain::optimisation::Optimise;
use crate::domain::record::Log;
use crate::domain::replanning::Occasion;
use crate::domain::rules::{Fence, RuleTerms, Schedule, Term, Unfilled};
use crate::domain::time::WallTime;

/// What waits of an order.
fn waits(world: &World, id: &str) -> u32 {
    world.engine.order(id).expect("there").totals().backordered
}

fn clock(world: &World) {
    world.engine.expire_due(&*world.log);
}

#[test]
fn what_was_too_dear_is_filled_when_carriers_ask_less_or_rules_allow_more() {
    let dear = || {
        let world = World::new();
        world.stock("phone", "east", 10).expect("received");
        carrier(&world, vec![service("east", (5_000, 50), 1)]);
        let unfilled = Unfilled::Charged { per_line: 1_000, value_share_micro: 0 };
        on(&world, RuleTerms { unfilled, ..weighed(vec![Term::Shipping]) });
        place(&world, order_by("a", &[("phone", 1)]));
        assert_eq!(waits(&world, "a"), 1, "it costs more than it is worth");
        clock(&world);
        assert_eq!(waits(&world, "a"), 1);
        world
    };
    let cheaper = dear();
    carrier(&cheaper, vec![service("east", (500, 50), 1)]);
    clock(&cheaper);
    assert_eq!(waits(&cheaper, "a"), 0);
    cheaper.check();
    for terms in [
        RuleTerms {
            unfilled: Unfilled::Charged { per_line: 9_000, value_share_micro: 0 },
            ..weighed(vec![Term::Shipping])
        },
        // Rules that keep nobody out at all.
        weighed(vec![Term::PerShipment { amount: 500 }]),
    ] {
        let wider = dear();
        on(&wider, terms);
        clock(&wider);
        assert_eq!(waits(&wider, "a"), 0);
        wider.check();
        let wider = wider.restart();
        assert_eq!(waits(&wider, "a"), 0);
    }
}

/// Units of a sku that are tried for whenever something is free.
fn tried_for(world: &World, sku: &str) -> u64 {
    let network = world.engine.network.read().expect("one thread");
    let stock = network.sku(network.sku_index(sku).expect("it is there"));
    let ledger = stock.ledger.lock();
    ledger.wanted_loosely()
}

#[test]
fn what_was_too_dear_takes_part_when_orders_are_planned_together_and_is_weighed() {
    let world = World::new();
    world.stock("phone", "east", 1).expect("received");
    carrier(&world, vec![service("east", (5_000, 50), 1)]);
    let unfilled = Unfilled::Charged { per_line: 1_000, value_share_micro: 0 };
    on(&world, RuleTerms { unfilled, ..weighed(vec![Term::Shipping]) });
    for id in ["a", "b"] {
        place(&world, order_by(id, &[("phone", 1)]));
        assert_eq!(waits(&world, id), 1, "it costs more than it is worth");
    }
    let asked = Optimise {
        orders: None,
        node: None,
        sku: None,
        within: std::time::Duration::from_secs(600),
        rounds: 300,
        may_be_later: false,
        occasion: Occasion::Asked,
    };
    let proposed = world.engine.optimise(world.log.now(), &asked).expect("proposed");
    assert_eq!((proposed.figures.looked_at, proposed.orders.len()), (2, 0), "nothing is cheaper yet");
    carrier(&world, vec![service("east", (500, 50), 1)]);
    let proposed = world.engine.optimise(world.log.now(), &asked).expect("proposed");
    assert_eq!((proposed.orders.len(), proposed.figures.cost_before, proposed.figures.cost), (1, 2_000, 1_600));
    let records = world.log.records.lock().len();
    world.run(Command::ApplyOptimisation { optimisation: proposed.id.clone() }).expect("nothing moved on");
    assert_eq!(world.log.records.lock().len(), records + 1, "all of it is one record");
    let filled = world.engine.order(&proposed.orders[0].name).expect("there");
    assert_eq!((filled.totals().allocated, filled.totals().backordered), (1, 0));
    assert!(filled.deliver_by(1).is_some(), "it is promised");
    assert_eq!(waits(&world, "a") + waits(&world, "b"), 1, "of two that wait one gets the only one");
    assert_eq!(tried_for(&world, "phone"), 1, "what is filled is tried for no longer");
    world.check();
    let world = world.restart();
    clock(&world);
    world.check();
    // Who waits on is served by what comes next.
    world.stock("phone", "east", 1).expect("received");
    clock(&world);
    assert_eq!(waits(&world, "a") + waits(&world, "b"), 0);
    world.check();
}

#[test]
fn what_rules_kept_out_is_filled_when_the_schedule_of_others_begins() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    let fenced = |fences, schedule| RuleTerms { fences, schedule, ..weighed(vec![Term::PerShipment { amount: 500 }]) };
    let put = |name: &str, terms: RuleTerms| {
        let put = PutRules { name: text(name), terms: std::sync::Arc::new(terms) };
        world.run(Command::PutRules(put)).expect("good");
        world.run(Command::ActivateRules(ActivateRules { name: text(name), version: 1, at: None })).expect("good");
    };
    put("narrow", fenced(vec![Fence::NotNodes(vec![text("east")])], Schedule::Always));
    let from = Some(WallTime(world.log.now().wall.0 + 5_000));
    put("wide", fenced(vec![Fence::Within { metres: 40_000_000 }], Schedule::Between { from, until: None }));
    let order = PlaceOrder { id: Some(text("a")), ..World::order_of("a", &[("phone", 1)], None) };
    place(&world, order);
    clock(&world);
    assert_eq!(waits(&world, "a"), 1);
    world.later(4);
    clock(&world);
    assert_eq!(waits(&world, "a"), 1, "a second is left");
    world.later(1);
    clock(&world);
    assert_eq!(waits(&world, "a"), 0);
    world.check();
}
