//! What waits though units are free, as it was too dear or kept from them, is tried again when rules, rates or seasons change.

use super::weighing::{carrier, on, order_by, place, service, weighed};
use super::world::*;
use crate::domain::command::*;
use crate::domain::record::Log;
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
