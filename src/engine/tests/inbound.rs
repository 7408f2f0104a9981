//! Supply on its way: who waits for it, what can be promised by when, and what a receipt does.

use std::collections::BTreeMap;

use super::random::Dice;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::inbound::{Inbound, InboundStatus, Peg};
use crate::domain::limits::REDATED_TOLD_MAX;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::redating::Redated;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn units<T: From<SkuUnits>>(lines: &[(&str, u32)]) -> Vec<T> {
    lines.iter().map(|(sku, n)| SkuUnits { sku: text(sku), quantity: quantity(*n) }.into()).collect()
}

fn day(world: &World, days: i64) -> WallTime {
    WallTime(world.log.now().wall.0 + days * DAY_MS)
}

fn announce(world: &World, id: &str, node: &str, days: i64, lines: &[(&str, u32)]) -> Result<Inbound, Rejection> {
    let command = AnnounceInbound {
        id: Some(text(id)),
        fingerprint: 1,
        node: text(node),
        supplier: None,
        eta: day(world, days),
        lines: units(lines),
    };
    told(world.run(Command::AnnounceInbound(command)))
}

fn change(world: &World, id: &str, action: InboundAction) -> Result<Inbound, Rejection> {
    told(world.run(Command::ChangeInbound { inbound: text(id), action }))
}

fn told(reply: Result<Reply, Rejection>) -> Result<Inbound, Rejection> {
    match reply? {
        Reply::Inbound(inbound) | Reply::Redated { inbound, .. } => Ok(*inbound),
        other => panic!("{other:?}"),
    }
}

fn by(world: &World, sku: &str, node: Option<&str>, days: i64) -> u64 {
    let now = world.log.now().journal;
    world.engine.atp_by(now, sku, node, Some(day(world, days))).expect("a known sku").available
}

/// What an order's units wait for: document and units.
fn waits_for(world: &World, order: &Order) -> Vec<(String, u32)> {
    let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("a known order");
    let name = |peg: &Peg| match peg.supply {
        Some(supply) => world.engine.name_of_supply(supply.document).expect("it is announced"),
        None => "nothing".to_owned(),
    };
    pegs.iter().map(|peg| (name(peg), peg.units)).collect()
}

#[test]
fn what_can_be_promised_grows_by_what_comes_until_then() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 3).expect("room");
        announce(&world, "po-1", "east", 5, &[("phone", 10), ("case", 4)]).expect("good");
        announce(&world, "po-2", "west", 2, &[("phone", 1)]).expect("good");
        let world = if restarts { world.restart() } else { world };
        assert_eq!([1, 2, 4, 5, 9].map(|days| by(&world, "phone", None, days)), [3, 4, 4, 14, 14]);
        assert_eq!([1, 5].map(|days| by(&world, "phone", Some("east"), days)), [3, 13]);
        assert_eq!(by(&world, "bundle", None, 5), 2, "of a kit as many as the scarcest component makes");
        assert_eq!(world.atp("phone"), 3, "today only what is there");
        let stock = world.engine.stock("phone").expect("a known sku");
        let incoming: BTreeMap<_, _> = stock.nodes.iter().map(|(id, _)| id.to_string()).zip(stock.incoming).collect();
        assert_eq!((incoming["east"], incoming["west"]), (10, 1));
    }
}

#[test]
fn who_waits_is_pegged_in_turn_to_what_comes_in_turn() {
    for restarts in [false, true] {
        let mut world = World::new();
        let orders: Vec<Order> =
            [2, 3, 4].iter().map(|n| world.order(&[("phone", *n)], None).expect("waits")).collect();
        announce(&world, "late", "east", 9, &[("phone", 6)]).expect("good");
        announce(&world, "soon", "west", 2, &[("phone", 3)]).expect("good");
        let mut world = if restarts { world.restart() } else { world };
        let pegs = |world: &World| orders.iter().map(|order| waits_for(world, order)).collect::<Vec<_>>();
        let named = |all: &[(&str, u32)]| all.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<Vec<_>>();
        let before = vec![named(&[("soon", 2)]), named(&[("soon", 1), ("late", 2)]), named(&[("late", 4)])];
        assert_eq!(pegs(&world), before);
        assert_eq!(by(&world, "phone", None, 30), 0, "all that comes is waited for");

        // The first document slips behind the other: those who waited for either are told otherwise, by one event.
        let records = world.log.records.lock().len();
        change(&world, "soon", InboundAction::Redate(day(&world, 20))).expect("open");
        assert_eq!(world.log.records.lock().len(), records + 1);
        let after = vec![named(&[("late", 2)]), named(&[("late", 3)]), named(&[("late", 1), ("soon", 3)])];
        assert_eq!(pegs(&world), after);

        // What is called off is waited for no more.
        change(&world, "soon", InboundAction::End(None)).expect("open");
        assert_eq!(waits_for(&world, &orders[2]), named(&[("late", 1), ("nothing", 3)]));
        let newcomer = world.order(&[("phone", 1)], None).expect("waits");
        assert_eq!(waits_for(&world, &newcomer), named(&[("nothing", 1)]));
    }
}

#[test]
fn a_receipt_serves_who_waits_and_frees_the_rest_in_its_own_record() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = world.order(&[("phone", 2), ("case", 1)], None).expect("waits");
        announce(&world, "po-1", "east", 1, &[("phone", 5), ("case", 1)]).expect("good");
        let world = if restarts { world.restart() } else { world };
        let records = world.log.records.lock().len();
        let came = change(&world, "po-1", InboundAction::Receive(units(&[("phone", 3)]))).expect("open");
        assert_eq!((came.status(), came.lines[0].received), (InboundStatus::PartiallyReceived, 3));
        let owned: u32 = world.log.records.lock()[records].events.iter().map(pooled).sum();
        assert_eq!(owned, 2, "the record of the receipt gives the queue what it has a right to");
        let order = world.engine.order(&order.name()).expect("there");
        assert_eq!([order.lines[0].backordered, order.lines[1].backordered], [0, 1]);
        assert_eq!((world.atp("phone"), by(&world, "phone", None, 1)), (1, 3));
        // More than was announced may come, and then nothing more.
        let came = change(&world, "po-1", InboundAction::Receive(units(&[("phone", 4), ("case", 1)]))).expect("open");
        assert_eq!((came.status(), came.lines[0].received), (InboundStatus::Received, 7));
        assert_eq!((world.atp("phone"), by(&world, "phone", None, 9)), (5, 5));
        let again = change(&world, "po-1", InboundAction::Receive(units(&[("phone", 1)])));
        assert!(matches!(again, Err(Rejection::InboundEnded { state: "received", .. })), "{again:?}");
    }
}

fn pooled(event: &crate::domain::event::Event) -> u32 {
    match event {
        crate::domain::event::Event::StockMoved(moved) => moved.delta.pool.max(0) as u32,
        _ => 0,
    }
}

#[test]
fn every_step_of_a_document_is_legal_while_it_is_open_and_illegal_after() {
    let receive = || InboundAction::Receive(units(&[("phone", 1)]));
    let steps: [fn(&World) -> InboundAction; 3] = [
        |world| InboundAction::Redate(day(world, 3)),
        |_| InboundAction::Receive(units(&[("phone", 1)])),
        |_| InboundAction::End(None),
    ];
    for (end, state) in [(None, "expected"), (Some(1), "closed"), (Some(0), "cancelled"), (Some(2), "received")] {
        for step in steps {
            for restarts in [false, true] {
                let world = World::new();
                announce(&world, "po-1", "east", 1, &[("phone", 2)]).expect("good");
                for _ in 0..end.unwrap_or(0) {
                    change(&world, "po-1", receive()).expect("open");
                }
                if end.is_some_and(|received| received < 2) {
                    change(&world, "po-1", InboundAction::End(None)).expect("open");
                }
                let world = if restarts { world.restart() } else { world };
                let now = world.engine.inbound("po-1").expect("there").status().word();
                assert_eq!(now, state);
                let taken = change(&world, "po-1", step(&world));
                assert_eq!(taken.is_ok(), end.is_none(), "{state}: {taken:?}");
            }
        }
    }
}

#[test]
fn what_is_owed_and_who_waits_come_before_a_promise() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.order(&[("phone", 5)], None).expect("enough");
    world.stock("phone", "east", -2).expect("it was there");
    assert_eq!(world.level("phone", "east").shortfall, 2);
    announce(&world, "po-1", "east", 1, &[("phone", 3)]).expect("good");
    announce(&world, "po-2", "west", 1, &[("phone", 4)]).expect("good");
    assert_eq!([None, Some("east"), Some("west")].map(|node| by(&world, "phone", node, 1)), [5, 1, 4]);
    let waits = world.order(&[("phone", 3)], None).expect("waits");
    let named = |all: &[(&str, u32)]| all.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<Vec<_>>();
    assert_eq!(waits_for(&world, &waits), named(&[("po-1", 1), ("po-2", 2)]));
    assert_eq!(by(&world, "phone", None, 1), 2);
    // What comes to a place that is off serves nobody.
    let off = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(off) }).expect("a known node");
    assert_eq!(waits_for(&world, &waits), named(&[("po-2", 3)]));
    assert_eq!(by(&world, "phone", None, 1), 1);
}

#[test]
fn no_more_comes_of_a_line_than_a_quantity_holds() {
    let world = World::new();
    announce(&world, "po-1", "east", 1, &[("phone", 1), ("case", 1)]).expect("good");
    let all = || InboundAction::Receive(units(&[("phone", 1_000_000_000)]));
    change(&world, "po-1", all()).expect("open");
    world.stock("phone", "east", -1_000_000_000).expect("it was there");
    let refused = change(&world, "po-1", all()).unwrap_err();
    assert_eq!(refused.code(), "quantity_out_of_range");
    world.restart();
}

#[test]
fn what_means_nothing_is_refused_whole() {
    let world = World::new();
    let codes = |rejection: Rejection| match rejection {
        Rejection::Invalid(faults) => faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
        other => vec![other.code()],
    };
    let refused =
        |id: &str, node: &str, lines: &[(&str, u32)]| codes(announce(&world, id, node, 1, lines).unwrap_err());
    assert_eq!(refused("a", "nowhere", &[("phone", 1), ("phone", 2)]), ["unknown_node", "duplicate_sku"]);
    assert_eq!(refused("a", "virtual", &[("bundle", 1)]), ["node_without_stock", "not_stocked"]);
    assert_eq!(refused("i-1", "east", &[("none", 1)]), ["invalid_id", "unknown_sku"]);
    announce(&world, "po-1", "east", 1, &[("phone", 2)]).expect("good");
    let came = change(&world, "po-1", InboundAction::Receive(units(&[("case", 1)])));
    assert_eq!(codes(came.unwrap_err()), ["unknown_sku"]);
    assert_eq!(world.atp("case"), 0);
}

#[test]
fn an_id_sent_again_is_the_same_document() {
    let world = World::new();
    announce(&world, "po-1", "east", 1, &[("phone", 2)]).expect("good");
    let again = |fingerprint| {
        let command = AnnounceInbound {
            id: Some(text("po-1")),
            fingerprint,
            node: text("east"),
            supplier: None,
            eta: day(&world, 1),
            lines: units(&[("phone", 2)]),
        };
        world.engine.execute(&*world.log, &Context::library(), Command::AnnounceInbound(command))
    };
    assert!(matches!(again(1), Ok(crate::engine::Executed::Repeat { .. })));
    assert!(matches!(again(2), Err(Rejection::IdTaken { .. })));
    assert_eq!(by(&world, "phone", None, 1), 2);
}

#[test]
fn a_document_that_slips_redates_exactly_those_who_wait_for_it() {
    let mut world = World::new();
    let waiting: Vec<Order> = (0..60).map(|n| world.order(&[("phone", 1 + n % 3)], None).expect("waits")).collect();
    for (id, days, n) in [("a", 1, 40), ("b", 2, 30), ("c", 3, 50)] {
        announce(&world, id, "east", days, &[("phone", n)]).expect("good");
    }
    let dates = |world: &World| -> Vec<Vec<(Option<i64>, u32)>> {
        let of = |order: &Order| {
            let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("there");
            pegs.iter().map(|peg| (peg.supply.map(|supply| supply.at.0), peg.units)).collect()
        };
        waiting.iter().map(of).collect()
    };
    // By brute force: a line of single units against a line of dates.
    let brute = |etas: &[(i64, u32)]| -> Vec<Vec<(Option<i64>, u32)>> {
        let mut supply = etas.iter().flat_map(|(at, n)| std::iter::repeat_n(*at, *n as usize));
        let of = |order: &Order| {
            let mut pegs: Vec<(Option<i64>, u32)> = Vec::new();
            for _ in 0..order.lines[0].placed.quantity {
                let at = supply.next();
                match pegs.last_mut() {
                    Some((last, n)) if *last == at => *n += 1,
                    _ => pegs.push((at, 1)),
                }
            }
            pegs
        };
        waiting.iter().map(of).collect()
    };
    let at = |days| day(&world, days).0;
    assert_eq!(dates(&world), brute(&[(at(1), 40), (at(2), 30), (at(3), 50)]));
    change(&world, "b", InboundAction::Redate(WallTime(at(9)))).expect("open");
    assert_eq!(dates(&world), brute(&[(at(1), 40), (at(3), 50), (at(9), 30)]));
}

/// What each of these lines of units is promised, by brute force: units one by one against days one by one.
fn promised(waiting: &[Order], supply: &BTreeMap<(i64, &str), u32>) -> Vec<Option<i64>> {
    let mut days = supply.iter().flat_map(|((at, _), n)| std::iter::repeat_n(*at, *n as usize));
    let of = |order: &Order| (0..order.lines[0].placed.quantity).map(|_| days.next()).last().expect("some units");
    waiting.iter().map(of).collect()
}

#[test]
fn the_answer_to_a_change_of_supply_names_exactly_the_promises_it_changed() {
    let rounds = std::env::var("ORDAIN_REDATINGS").map_or(6, |n| n.parse().expect("a number"));
    for seed in 1..=rounds {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let waiting: Vec<Order> =
            (0..40).map(|_| world.order(&[("phone", 1 + dice.roll(5))], None).expect("waits")).collect();
        let mut supply: BTreeMap<(i64, &str), u32> = BTreeMap::new();
        for id in ["a", "b", "c", "d", "e"] {
            let (days, n) = (i64::from(1 + dice.roll(20)), 1 + dice.roll(40));
            announce(&world, id, "east", days, &[("phone", n)]).expect("good");
            supply.insert((day(&world, days).0, id), n);
        }
        for id in ["c", "a", "e", "c", "b", "d"] {
            let before = promised(&waiting, &supply);
            let (at, n) = supply.iter().find(|((_, own), _)| *own == id).map(|((at, _), n)| (*at, *n)).expect("open");
            supply.remove(&(at, id));
            let ends = id == "b";
            let action = match ends {
                true => InboundAction::End(None),
                false => {
                    let eta = day(&world, i64::from(1 + dice.roll(30)));
                    supply.insert((eta.0, id), n);
                    InboundAction::Redate(eta)
                }
            };
            let world_before = world.log.records.lock().len();
            let reply = world.run(Command::ChangeInbound { inbound: text(id), action }).expect("open");
            assert_eq!(world.log.records.lock().len(), world_before + 1, "one record re-dates all");
            let Reply::Redated { count, first, .. } = reply else { panic!("{reply:?}") };
            let days = |told: &Redated| (told.was.map(|at| at.0), told.now.map(|at| at.0));
            let told: Vec<_> =
                first.iter().map(|line| (line.order.clone(), days(&line.told).0, days(&line.told).1)).collect();
            let after = promised(&waiting, &supply);
            let differ = waiting.iter().zip(before.into_iter().zip(after)).filter(|(_, (was, now))| was != now);
            let brute: Vec<_> = differ.map(|(order, (was, now))| (order.name(), was, now)).collect();
            assert_eq!((told, count as usize), (brute.clone(), brute.len()), "seed {seed}: {id}");
            if dice.roll(3) == 0 {
                world = world.restart();
            }
        }
    }
}

#[test]
fn a_repeat_of_a_change_of_supply_names_the_same_promises_and_no_more_than_fit() {
    let mut world = World::new();
    for _ in 0..REDATED_TOLD_MAX + 20 {
        world.order(&[("phone", 1)], None).expect("waits");
    }
    announce(&world, "a", "east", 3, &[("phone", 500)]).expect("good");
    let context = Context { key: Some(IdempotencyKey { hash: 7, fingerprint: 7 }), ..Context::library() };
    let redate = Command::ChangeInbound { inbound: text("a"), action: InboundAction::Redate(day(&world, 9)) };
    let first = world.run_as(&context, redate.clone()).expect("open");
    let Reply::Redated { count, first: told, .. } = &first else { panic!("{first:?}") };
    assert_eq!((*count as usize, told.len()), (REDATED_TOLD_MAX + 20, REDATED_TOLD_MAX));
    world.repeats(&context, redate);
    let records = world.log.records.lock().clone();
    let used = records.iter().flat_map(|record| &record.events).find_map(|event| match event {
        Event::KeyUsed(used) => Some(used.answer.clone()),
        _ => None,
    });
    let again = world.engine.answer(None, &used.expect("a key was used"), &|_| None).expect("it is there");
    assert_eq!(again, first);
    let same = InboundAction::Redate(day(&world, 9));
    let reply = world.run(Command::ChangeInbound { inbound: text("a"), action: same }).expect("open");
    assert!(matches!(reply, Reply::Redated { count: 0, .. }), "{reply:?}");
}

#[test]
fn what_is_brought_over_in_time_can_be_promised_too() {
    let world = World::new();
    world.stock("phone", "east", 2).expect("room");
    world.stock("phone", "west", 5).expect("room");
    announce(&world, "po-1", "north", 3, &[("phone", 4)]).expect("good");
    let now = world.log.now();
    let capable = |sku: &str, node: Option<&str>, days: Option<i64>, lead_days: u64| {
        let by = days.map(|days| day(&world, days));
        world.engine.capable_by(now, sku, node, by, lead_days * 24 * 60 * 60).expect("a known sku")
    };
    assert_eq!(capable("phone", Some("east"), None, 0), 7, "at once, when it takes no time");
    assert_eq!(capable("phone", Some("east"), None, 1), 2);
    assert_eq!(capable("phone", Some("east"), Some(1), 2), 2, "too late to leave");
    assert_eq!(capable("phone", Some("east"), Some(2), 1), 7);
    assert_eq!(capable("phone", Some("east"), Some(3), 1), 7, "what comes then leaves a day later");
    assert_eq!(capable("phone", Some("east"), Some(4), 1), 11);
    assert_eq!(capable("phone", None, Some(4), 1), by(&world, "phone", None, 4), "anywhere nothing is brought over");
    // A kit whose components lie apart: a bundle is one phone and two cases.
    world.stock("case", "north", 7).expect("room");
    assert_eq!((world.atp("bundle"), capable("bundle", None, None, 0)), (0, 3));
    assert_eq!((capable("bundle", Some("north"), Some(1), 1), capable("bundle", Some("north"), Some(1), 2)), (3, 0));
    assert_eq!(capable("bundle", Some("north"), Some(3), 9), 3, "what comes to it by then needs no bringing");
    let earliest = |node: Option<&str>, units| world.engine.earliest(now, "phone", node, units).expect("a known sku");
    assert_eq!(
        (earliest(None, 7), earliest(None, 8), earliest(None, 12)),
        (Some(now.wall), Some(day(&world, 3)), None)
    );
    assert_eq!((earliest(Some("north"), 4), earliest(Some("east"), 3)), (Some(day(&world, 3)), None));
    assert!(world.engine.capable_by(now, "none", None, None, 0).is_err());
}
