//! Schedules and crashes: whatever prefix of the journal survives, every period has its order once.

use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::exception::ExceptionKind;
use crate::domain::order::OrderEvent;
use crate::domain::record::Log;
use crate::domain::subscription::{Every, WhenShort};
use crate::domain::time::WallTime;

const DAY_S: i64 = 24 * 60 * 60;

fn subscribe(world: &World, id: &str, fingerprint: u64, lines: &[(&str, u32)]) {
    let put = PutSubscription {
        id: text(id),
        order: PlaceOrder { fingerprint, ..World::order_of("", lines, None) },
        every: Every::parse("P1D").expect("a day"),
        next_at: WallTime(world.log.now().wall.0 + DAY_S * 1_000),
        when_short: WhenShort::Backorder,
    };
    world.run(Command::PutSubscription(Box::new(put))).expect("a good subscription");
}

fn tick(world: &World) {
    while world.engine.expire_due(&*world.log).is_some_and(|next| next <= world.log.now().journal) {}
    world.check();
}

/// Names of the orders that were captured, in the order of their records.
fn placed(world: &World) -> Vec<String> {
    let records = world.log.records.lock();
    let events = records.iter().flat_map(|record| &record.events);
    let id = |event: &Event| match event {
        Event::OrderChanged(changed) => match &changed.event {
            OrderEvent::Placed { facts, .. } => facts.id.as_deref().map(str::to_owned),
            _ => None,
        },
        _ => None,
    };
    events.filter_map(id).collect()
}

#[test]
fn every_period_has_its_order_once_whatever_a_crash_leaves() {
    let begin = || {
        let world = World::new();
        world.stock("phone", "east", 3).expect("room");
        subscribe(&world, "tea", 1, &[("phone", 2)]);
        subscribe(&world, "sets", 2, &[("bundle", 1), ("cable", 1)]);
        world
    };
    let before = begin().log.records.lock().len();
    let world = begin();
    world.later(3 * DAY_S);
    tick(&world);
    let all = ["tea:1", "sets:1", "tea:2", "sets:2", "tea:3", "sets:3"];
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let wanted = sorted(all.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(sorted(placed(&world)), wanted);
    let records = world.log.records.lock().len();
    for survive in before..=records {
        let world = begin();
        world.later(3 * DAY_S);
        tick(&world);
        world.log.records.lock().truncate(survive);
        let world = world.restart();
        tick(&world);
        assert_eq!(sorted(placed(&world)), wanted, "{survive} of {records} records survive");
    }
}

#[test]
fn terms_put_anew_begin_a_new_schedule_and_its_orders_count_on() {
    for restarts in [false, true] {
        let world = World::new();
        subscribe(&world, "tea", 1, &[("phone", 2)]);
        world.later(DAY_S);
        tick(&world);
        world.later(DAY_S / 2);
        subscribe(&world, "tea", 2, &[("case", 5)]);
        let world = if restarts { world.restart() } else { world };
        world.later(DAY_S - 1);
        tick(&world);
        assert_eq!(placed(&world), ["tea:1"], "the old schedule is gone");
        world.later(1);
        tick(&world);
        assert_eq!(placed(&world), ["tea:1", "tea:2"]);
        assert_eq!(world.engine.order("tea:2").expect("there").totals().backordered, 5);
    }
}

#[test]
fn an_order_too_large_for_one_record_is_its_periods_order_all_the_same() {
    for restarts in [false, true] {
        let world = World::new();
        for node in ["east", "west", "north"] {
            world.stock("phone", node, 5).expect("room");
            world.stock("case", node, 5).expect("room");
        }
        subscribe(&world, "tea", 1, &[("phone", 12), ("case", 12)]);
        world.later(DAY_S);
        world.log.events_max.store(6, std::sync::atomic::Ordering::SeqCst);
        tick(&world);
        let world = if restarts { world.restart() } else { world };
        tick(&world);
        assert_eq!(placed(&world), ["tea:1"]);
        assert_eq!(world.engine.order("tea:1").expect("there").totals().allocated, 24);
    }
}

#[test]
fn an_order_that_cannot_be_had_whole_is_tried_again_then_skipped() {
    for restarts in [false, true] {
        let world = World::new();
        let put = PutSubscription {
            id: text("tea"),
            order: PlaceOrder { fingerprint: 1, ..World::order_of("", &[("phone", 2)], None) },
            every: Every::parse("P1D").expect("a day"),
            next_at: WallTime(world.log.now().wall.0 + 1_000),
            when_short: WhenShort::Retry,
        };
        world.run(Command::PutSubscription(Box::new(put))).expect("a good subscription");
        let mut world = world;
        for (attempt, wait) in [(1, 1), (2, 3_600), (3, 3_600)] {
            world.later(wait);
            world = if restarts { world.restart() } else { world };
            tick(&world);
            let failure = world.engine.subscription("tea").expect("there").failure.expect("it failed");
            assert_eq!((failure.attempts, &*failure.code), (attempt, "unroutable"));
            let cases = world.engine.exception_keys();
            assert_eq!(cases.len(), 1, "one case, however often it is tried");
            let id = cases[0].to_string();
            let case = world.engine.exception(&id).expect("found by its id");
            assert_eq!((case.key.kind, case.is_open()), (ExceptionKind::SubscriptionFailed, true));
        }
        world.later(3_600);
        tick(&world);
        let subscription = world.engine.subscription("tea").expect("there");
        assert_eq!((subscription.number, subscription.failure), (2, None), "the fourth time is the last");
        assert!(placed(&world).is_empty());
        world.stock("phone", "east", 5).expect("room");
        world.later(DAY_S);
        tick(&world);
        let open = |world: &World| {
            let cases = world.engine.exception_keys();
            cases.iter().filter(|key| world.engine.exception_by_key(**key).is_some_and(|case| case.is_open())).count()
        };
        assert_eq!(placed(&world), ["tea:2"]);
        world.later(60);
        tick(&world);
        assert_eq!(open(&world), 0, "the next order ends the case of the one that was skipped");
    }
}
