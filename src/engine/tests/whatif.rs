//! What would have been: nothing supposed, nothing changed, whatever happened; other rules, stock, nodes and demand come to
//! what a world comes to in which they were so from the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::previews::{activate, place, put, some_order, some_rules, some_world};
use super::random::{Dice, life};
use super::world::*;
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::fulfillment::ShortReason;
use crate::domain::item::ItemKind;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::rules::{Fence, RuleTerms, Schedule, Scope, Term};
use crate::domain::state::State;
use crate::engine::whatif::{Comparison, MoreStock, SceneKind, Suppose, SupposedRules, Survey, Surveyed, WhatIf};

/// What the records of a world come to as supposed.
pub(crate) fn compared(world: &World, suppose: &Suppose) -> Comparison {
    let records = world.log.records.lock();
    let surveyed = if suppose.needs_survey() {
        let (mut survey, mut state) = (Survey::default(), State::default());
        for record in records.iter() {
            state.apply(record).expect("every record keeps the laws");
            survey.see(suppose, record, &state);
        }
        survey.finish(suppose, &state).expect("the journal knows all of it")
    } else {
        Surveyed::default()
    };
    let (mut what_if, mut state) = (WhatIf::new(suppose.clone(), surveyed), State::default());
    for record in records.iter() {
        state.apply(record).expect("every record keeps the laws");
        what_if.see(record, &state);
    }
    what_if.finish(&state)
}

/// Units by node and id of the order, of its last plan.
fn plans(world: &World) -> BTreeMap<String, Vec<(String, u64)>> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    let mut plans = BTreeMap::new();
    for record in world.log.records.lock().iter() {
        for event in &record.events {
            let Event::OrderChanged(changed) = event else { continue };
            let OrderEvent::Placed { facts, allocations, .. } = &changed.event else { continue };
            let units = |own: &crate::domain::order::Allocation| own.lines.iter().map(|u| u64::from(u.quantity)).sum();
            let told = allocations.iter().map(|own| (id(own.node), units(own))).collect();
            plans.insert(facts.id.as_deref().expect("named").to_owned(), told);
        }
    }
    plans
}

/// The same as supposed: what was decided, with what differs in its place.
fn plans_after(world: &World, comparison: &Comparison) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut plans = plans(world);
    for difference in &comparison.differences {
        let before = plans.insert(difference.order.clone(), difference.after.clone());
        assert_eq!(before.as_ref(), Some(&difference.before), "{}", difference.order);
    }
    plans
}

fn order(id: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    PlaceOrder { id: Some(text(id)), ..World::order_of(id, lines, None) }
}

fn out(node: &str) -> Suppose {
    Suppose { out: vec![text(node)], ..Suppose::default() }
}

fn more(sku: &str, node: &str, units: i64) -> Suppose {
    Suppose { stock: vec![MoreStock { sku: text(sku), node: text(node), units }], ..Suppose::default() }
}

#[test]
fn where_nothing_is_supposed_every_decision_is_the_same_whatever_happened() {
    let (mut decided, mut refilled) = (0, 0);
    for seed in 0..30 {
        println!("seed {seed}");
        let world = life(seed, 90);
        let comparison = compared(&world, &Suppose::default());
        assert_eq!(comparison.differences, [], "seed {seed}");
        assert_eq!((comparison.same, comparison.followed), (comparison.decided, 0), "seed {seed}");
        assert_eq!(comparison.after, comparison.before, "seed {seed}");
        assert_eq!(comparison.owed, 0, "seed {seed}");
        decided += comparison.decided;
        let filled =
            |event: &&Event| matches!(event, Event::OrderChanged(c) if matches!(c.event, OrderEvent::Filled { .. }));
        let records = world.log.records.lock();
        refilled += records.iter().flat_map(|record| &record.events).filter(filled).count();
    }
    assert!(decided > 200 && refilled > 20, "{decided} decided, {refilled} filled later");
}

#[test]
fn decisions_made_by_rules_that_weigh_everything_are_made_again_alike() {
    let (mut decided, mut weighed) = (0, 0);
    for seed in 0..40 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 6);
        for round in 0..3 {
            let rules = some_rules(&mut dice);
            weighed += u64::from(!rules.is_plain());
            activate(&world, put(&world, &rules));
            for n in 0..4 {
                place(&world, some_order(&mut dice, &format!("o{round}-{n}"), 4));
            }
        }
        let comparison = compared(&world, &Suppose::default());
        assert_eq!(comparison.differences, [], "seed {seed}");
        assert_eq!((comparison.same, comparison.after), (comparison.decided, comparison.before), "seed {seed}");
        assert_eq!(comparison.orders, 12, "seed {seed}");
        decided += comparison.decided;
    }
    assert!(decided > 450 && weighed > 60, "{decided} decided, {weighed} by the kernel in full");
}

#[test]
fn other_rules_come_to_what_a_world_comes_to_that_had_them_from_the_first() {
    let mut differing = 0;
    for seed in 100..140 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 8);
        let actual = world.again();
        // Fences leave units that somebody has, who waits then has no right to the next: served in another order.
        let (then, supposed) = (some_rules(&mut dice), some_rules(&mut dice));
        let (then, supposed) = (unfenced(then), unfenced(supposed));
        activate(&world, put(&world, &then));
        activate(&actual, put(&actual, &supposed));
        for n in 0..10 {
            let order = some_order(&mut dice, &format!("o{n}"), 3);
            place(&world, order.clone());
            place(&actual, order);
        }
        let rules = SupposedRules::Terms { name: text("default"), terms: Arc::new(supposed) };
        let comparison = compared(&world, &Suppose { rules: Some(rules), ..Suppose::default() });
        assert_eq!(plans_after(&world, &comparison), plans(&actual), "seed {seed}");
        let (own, then) = (compared(&actual, &Suppose::default()), compared(&world, &Suppose::default()));
        assert_eq!(
            comparison.before, then.before,
            "seed {seed}: what was decided is what it was, whatever is supposed"
        );
        let same = |figures: crate::engine::whatif::Figures| {
            (figures.shipments, figures.units, figures.unfilled, figures.metres, figures.weighed)
        };
        assert_eq!(same(comparison.after), same(own.before), "seed {seed}");
        assert_eq!(comparison.after.days, own.before.days, "seed {seed}");
        differing += comparison.differences.len();
    }
    assert!(differing > 60, "{differing} plans differ");
}

#[test]
fn rules_that_are_supposed_override_none_that_are_more_specific() {
    let world = World::new();
    world.stock("phone", "east", 20).expect("received");
    world.stock("phone", "north", 20).expect("received");
    let put = |name: &str, terms: RuleTerms| {
        world.run(Command::PutRules(PutRules { name: text(name), terms: Arc::new(terms) })).expect("good");
        world.run(Command::ActivateRules(ActivateRules { name: text(name), version: 1, at: None })).expect("good");
    };
    let scope = Scope { countries: vec![text("DE")], ..Scope::default() };
    let priced = || RuleTerms { objective: vec![Term::PerShipment { amount: 500 }], ..RuleTerms::default() };
    put("de", RuleTerms { scope, fences: vec![Fence::NotNodes(vec![text("north")])], ..priced() });
    let mut to_germany = order("de", &[("phone", 1)]);
    to_germany.destinations[0].country = text("DE");
    place(&world, to_germany);
    place(&world, order("us", &[("phone", 1)]));
    let supposed = RuleTerms { fences: vec![Fence::NotNodes(vec![text("east")])], ..priced() };
    let rules = Some(SupposedRules::Terms { name: text("default"), terms: Arc::new(supposed.clone()) });
    let comparison = compared(&world, &Suppose { rules, ..Suppose::default() });
    let differ: Vec<&str> = comparison.differences.iter().map(|own| &*own.order).collect();
    assert_eq!((comparison.decided, differ), (2, vec!["us"]), "the other goes by rules of its own");
    assert_eq!(comparison.not_concerned, 1, "and that is told");
    assert_eq!(
        compared(&world, &Suppose::default()).not_concerned,
        0,
        "where no rules are supposed there is nothing to tell"
    );
    // As a preview does, it asks what a version does while it is on.
    let from = Some(crate::domain::time::WallTime(i64::MAX));
    let terms = Arc::new(RuleTerms { schedule: Schedule::Between { from, until: None }, ..supposed });
    let rules = Some(SupposedRules::Terms { name: text("de"), terms });
    let comparison = compared(&world, &Suppose { rules, ..Suppose::default() });
    assert_eq!(comparison.differences.len(), 2, "without a scope they apply to both, activated last");
}

fn unfenced(terms: RuleTerms) -> RuleTerms {
    RuleTerms { fences: Vec::new(), unfilled: Default::default(), ..terms }
}

#[test]
fn stock_follows_the_plans_of_the_supposed_world() {
    let mut world = World::new();
    world.stock("phone", "east", 3).expect("received");
    world.stock("phone", "north", 3).expect("received");
    for n in 0..2 {
        world.order(&[("phone", 2)], None).expect("taken");
        assert!(n < 2);
    }
    // East has one left, then two orders share what north has: the second takes the last of both.
    let comparison = compared(&world, &out("east"));
    let after: Vec<_> = comparison.differences.iter().map(|d| (&d.after[..], d.unfilled_after)).collect();
    let north = |units| vec![("north".to_owned(), units)];
    assert_eq!(after, [(&north(2)[..], 0), (&north(1)[..], 1)]);
    assert_eq!((comparison.before.units, comparison.after.units), (4, 3));
    assert_eq!((comparison.before.waiting, comparison.after.waiting), (0, 1));
}

#[test]
fn who_waits_there_is_served_by_what_comes_and_leaves_less_to_the_next() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("received");
    world.order(&[("phone", 2)], None).expect("taken");
    world.stock("phone", "west", 2).expect("received");
    world.order(&[("phone", 2)], None).expect("taken");
    let comparison = compared(&world, &out("east"));
    // The first waits until west has two; then the second waits.
    assert_eq!(comparison.differences.len(), 2, "{:?}", comparison.differences);
    assert_eq!((comparison.after.unfilled, comparison.after.units, comparison.after.waiting), (4, 2, 2));
}

#[test]
fn what_is_cancelled_gives_back_there_what_it_had_there() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("received");
    world.stock("phone", "north", 2).expect("received");
    let first = world.order(&[("phone", 2)], None).expect("taken");
    world.cancel(&first, None).expect("cancelled");
    world.order(&[("phone", 2)], None).expect("taken");
    let comparison = compared(&world, &out("east"));
    let north = vec![("north".to_owned(), 2)];
    let after: Vec<_> = comparison.differences.iter().map(|d| (d.after.clone(), d.unfilled_after)).collect();
    assert_eq!(after, [(north.clone(), 0), (north, 0)]);
    assert_eq!((comparison.owed, comparison.after.waiting), (0, 0));
}

#[test]
fn a_node_that_refused_refuses_there_only_what_it_has_there() {
    let refused = |suppose: &Suppose| {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("received");
        world.stock("phone", "north", 2).expect("received");
        world.stock("phone", "west", 5).expect("received");
        let order = world.order(&[("phone", 3)], None).expect("taken");
        world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("broken") }).expect("refused");
        compared(&world, suppose)
    };
    let same = refused(&Suppose::default());
    assert_eq!((same.decided, same.same), (2, 2), "the refusal is sourced again, alike");
    let less = refused(&more("phone", "east", -3));
    // There it came from east (2) and another: what east had is sourced again.
    assert_eq!(less.after.waiting, 0, "{:?}", less.differences);
    assert!(less.after.units > 3, "what was refused left again");
    let gone = refused(&out("east"));
    assert_eq!((gone.after.units, gone.after.waiting), (3, 0), "nobody refused there");
}

#[test]
fn what_a_node_did_not_find_is_lost_there_too() {
    let mut world = World::new();
    world.stock("phone", "east", 3).expect("received");
    world.stock("phone", "north", 9).expect("received");
    let order = world.order(&[("phone", 2)], None).expect("taken");
    world.fulfill(&order, 1, FulfillmentAction::Accept).expect("accepted");
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
    world.fulfill(&order, 1, FulfillmentAction::Short { lines, reason: ShortReason::NotInStock }).expect("short");
    world.order(&[("phone", 1)], None).expect("taken");
    let comparison = compared(&world, &more("phone", "east", 5));
    assert_eq!(comparison.after.waiting, 0);
    assert_eq!(compared(&world, &Suppose::default()).differences, []);
}

#[test]
fn more_stock_and_more_demand_are_counted_by_unit() {
    let mut world = World::new();
    world.stock("phone", "east", 4).expect("received");
    for _ in 0..4 {
        world.order(&[("phone", 1)], None).expect("taken");
    }
    let scaled = |stock_ppm, demand_ppm| Suppose { stock_ppm, demand_ppm: Some(demand_ppm), ..Suppose::default() };
    let whole = 1_000_000;
    let twice = compared(&world, &scaled(whole, 2 * whole));
    assert_eq!((twice.after.orders, twice.after.units, twice.after.unfilled), (8, 4, 4));
    let both = compared(&world, &scaled(2 * whole, 2 * whole));
    assert_eq!((both.after.units, both.after.unfilled, both.before.units), (8, 0, 4));
    let none = compared(&world, &scaled(whole, 0));
    assert_eq!((none.after.orders, none.after.units, none.before.orders), (0, 0, 4));
    let half = compared(&world, &scaled(whole / 2, whole));
    assert_eq!((half.after.units, half.after.unfilled), (2, 2));
    assert_eq!(compared(&world, &more("phone", "east", -3)).after.units, 1);
    assert_eq!(compared(&world, &more("phone", "west", 1)).after.units, 4, "a cell that never was may be supposed");
}

#[test]
fn the_edge_of_stock_leaves_every_sku_what_its_orders_ask_for() {
    let mut world = World::new();
    for (node, units) in [("east", 30), ("north", 20), ("west", 7)] {
        world.stock("phone", node, units).expect("received");
    }
    for _ in 0..5 {
        world.order(&[("phone", 2)], None).expect("taken");
    }
    let edge = Suppose { scene: SceneKind::StockOut, ..Suppose::default() };
    let comparison = compared(&world, &edge);
    assert_eq!((comparison.after.units, comparison.after.unfilled), (10, 0), "ten units are left and ten asked for");
    assert!(comparison.after.metres > comparison.before.metres, "the last of them come from afar");
}

#[test]
fn the_busiest_day_is_placed_twice_and_other_days_do_not_count() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("received");
    world.order(&[("phone", 1)], None).expect("taken");
    world.later(86_400);
    for _ in 0..2 {
        world.order(&[("phone", 1)], None).expect("taken");
    }
    let busiest = Suppose { scene: SceneKind::BusiestDay, ..Suppose::default() };
    let comparison = compared(&world, &busiest);
    assert_eq!((comparison.orders, comparison.before.orders, comparison.after.orders), (2, 2, 4));
    assert_eq!((comparison.after.units, comparison.after.unfilled), (4, 0), "one is gone on the day before");
}

#[test]
fn all_channels_have_their_busiest_day_at_once() {
    let mut world = World::new();
    world.item("service", ItemKind::Service, &[]);
    world.stock("phone", "east", 10).expect("received");
    let on = |world: &World, id: &str, channel: &str| {
        place(world, PlaceOrder { channel: text(channel), ..order(id, &[("phone", 1)]) });
    };
    // Monday: two of the web, one of the shop. Tuesday: one of the web, three of the shop, its busiest.
    for (id, channel) in [("a", "web"), ("b", "web"), ("c", "shop")] {
        on(&world, id, channel);
    }
    world.later(86_400);
    for (id, channel) in [("d", "web"), ("e", "shop"), ("f", "shop"), ("g", "shop")] {
        on(&world, id, channel);
    }
    let together = Suppose { scene: SceneKind::AllChannels, ..Suppose::default() };
    let comparison = compared(&world, &together);
    // On Tuesday there are its three of the shop and the two of the web's Monday, while its own one of the web is not.
    assert_eq!((comparison.before.orders, comparison.after.orders), (5, 5));
    assert_eq!((comparison.before.units, comparison.after.units), (5, 5));
    let tight = Suppose { stock_ppm: 500_000, ..together };
    assert!(compared(&world, &tight).after.unfilled > 0, "half of what is there on Tuesday is too little");
}

#[test]
fn what_the_journal_does_not_know_is_told_by_field() {
    let mut world = World::new();
    world.order(&[("phone", 1)], None).expect("taken");
    let state = world.fold();
    let fields = |suppose: Suppose| {
        let faults = Survey::default().finish(&suppose, &state).expect_err("it knows nothing of that");
        faults.into_iter().map(|fault| (fault.field, fault.code)).collect::<Vec<_>>()
    };
    let told = |field: &str, code| vec![(field.to_owned(), code)];
    assert_eq!(fields(out("moon")), told("out[0]", "unknown_node"));
    assert_eq!(fields(more("phone", "moon", 1)), told("stock[0].node", "unknown_node"));
    assert_eq!(fields(more("moon", "east", 1)), told("stock[0].sku", "unknown_sku"));
    let named = |name: &str, version| Suppose {
        rules: Some(SupposedRules::Known { name: text(name), version }),
        ..Suppose::default()
    };
    assert_eq!(fields(named("moon", None)), told("rule_set", "unknown_rule_set"));
    assert_eq!(fields(named("default", Some(7))), told("rule_set", "unknown_rule_set"));
    let empty = Suppose { scene: SceneKind::BusiestDay, ..Suppose::default() };
    assert_eq!(fields(empty), told("from", "no_orders"));
}

#[test]
fn a_period_begins_and_ends_by_when_orders_were_placed() {
    let mut world = World::new();
    world.stock("phone", "east", 9).expect("received");
    world.stock("phone", "north", 9).expect("received");
    let placed: Vec<Order> = (0..3)
        .map(|_| {
            let order = world.order(&[("phone", 1)], None).expect("taken");
            world.later(10);
            order
        })
        .collect();
    let middle = placed[1].facts.placed_at;
    let after = placed[2].facts.placed_at;
    let period = Suppose { from: Some(middle), until: Some(after), ..out("east") };
    let comparison = compared(&world, &period);
    assert_eq!((comparison.orders, comparison.differences.len()), (1, 1));
    assert_eq!(comparison.differences[0].order, placed[1].name());
}
