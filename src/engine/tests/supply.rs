//! How items are supplied: what is bought when it is ordered, and what suppliers ship themselves.

use std::collections::BTreeSet;

use super::random::Dice;
use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::ids::InboundKey;
use crate::domain::inbound::{Inbound, InboundEvent, InboundStatus};
use crate::domain::item::ItemKind;
use crate::domain::limits::QUANTITY_MAX;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::order_story::dropship_ready;
use crate::domain::record::{Log, Record};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::supply::{JustInTime, SupplyTerms};
use crate::domain::time::WallTime;

const DAY_S: u32 = 24 * 60 * 60;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn put(world: &World, sku: &str, node: &str, terms: SupplyTerms) -> Result<(), Rejection> {
    let put = PutPolicy::Supply { sku: text(sku), node: text(node), terms };
    world.run(Command::PutPolicy(put)).map(drop)
}

/// Bought within two days, with these bounds.
fn jit(per_day: Option<u32>, open_max: Option<u32>) -> SupplyTerms {
    SupplyTerms::JustInTime(JustInTime { lead_s: 2 * DAY_S, supplier: Some(text("Acme")), per_day, open_max })
}

fn day(world: &World, days: i64) -> WallTime {
    WallTime(world.log.now().wall.0 + days * DAY_MS)
}

fn by(world: &World, sku: &str, days: i64) -> u64 {
    world.engine.atp_by(world.log.now().journal, sku, None, Some(day(world, days))).expect("known").available
}

/// Documents that were bought, oldest first.
fn bought(world: &World) -> Vec<Inbound> {
    let mut keys: Vec<InboundKey> = world.engine.inbound_keys();
    keys.sort_unstable();
    let all = keys.into_iter().filter_map(|key| world.engine.inbound_by_key(key));
    all.filter(|inbound| inbound.bought_at.is_some()).collect()
}

/// Units of each document that was bought and has not come.
fn open(world: &World) -> Vec<u32> {
    bought(world).iter().map(|inbound| inbound.coming().map(|(_, coming)| coming.units).sum()).collect()
}

fn receive(world: &World, inbound: &Inbound, sku: &str, units: u32) {
    let lines = vec![CameUnits::from(SkuUnits { sku: text(sku), quantity: quantity(units) })];
    let action = InboundAction::Receive(lines);
    world.run(Command::ChangeInbound { inbound: text(&inbound.name()), action }).expect("it is open");
}

fn announce(world: &World, id: &str, days: i64, units: u32) {
    let announced = AnnounceInbound {
        id: Some(text(id)),
        fingerprint: 1,
        node: text("west"),
        supplier: None,
        eta: day(world, days),
        lines: vec![SkuUnits { sku: text("phone"), quantity: quantity(units) }],
    };
    world.run(Command::AnnounceInbound(announced)).expect("good");
}

/// Units of an order that wait for what was bought, and for nothing.
fn pegged(world: &World, order: &Order) -> (u32, u32) {
    let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("known");
    let units = |some: bool| pegs.iter().filter(|peg| peg.supply.is_some() == some).map(|peg| peg.units).sum();
    (units(true), units(false))
}

#[test]
fn what_is_ordered_is_bought_in_the_same_record_and_fills_the_order_when_it_comes() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let world = World::new();
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let mut world = again(world);
        assert_eq!((world.atp("phone"), by(&world, "phone", 1)), (0, 0), "nothing is there before its lead time");
        assert_eq!(by(&world, "phone", 2), u64::from(QUANTITY_MAX));
        let records = world.log.records.lock().len();
        let order = world.order(&[("phone", 3)], None).expect("waits");
        assert_eq!(order.totals().backordered, 3);
        let record = world.log.records.lock()[records].clone();
        assert_eq!(world.log.records.lock().len(), records + 1, "order and purchase are one record");
        let buys = |event: &Event| match event {
            Event::InboundChanged(changed) => matches!(changed.event, InboundEvent::Bought { .. }),
            _ => false,
        };
        let tells = |event: &Event| match event {
            Event::OrderChanged(changed) => matches!(changed.event, OrderEvent::Bought { .. }),
            _ => false,
        };
        assert!(record.events.iter().any(buys) && record.events.iter().any(tells));
        let told = order.history.iter().find(|told| &*told.what == "bought").expect("the story tells it");
        let world = again(world);
        let case = world.fold().exceptions().count();
        assert_eq!(case, 0, "what is bought is not out of stock");
        let view = world.engine.stock("phone").expect("known");
        assert!(matches!(view.supply.as_slice(), [Some(SupplyTerms::JustInTime(_))]), "{view:?}");
        let purchase = bought(&world).remove(0);
        assert_eq!(told.reason.as_deref(), Some(&*purchase.key.to_string()));
        assert_eq!((purchase.eta, purchase.supplier.as_deref()), (day(&world, 2), Some("Acme")));
        assert_eq!((pegged(&world, &order), open(&world)), ((3, 0), vec![3]));
        let now = world.log.now();
        assert_eq!(world.engine.earliest(now, "phone", None, 5).expect("known"), Some(day(&world, 2)));
        assert_eq!(
            world.engine.capable_by(now, "phone", Some("west"), Some(day(&world, 3)), 0),
            Ok(u64::from(QUANTITY_MAX))
        );
        receive(&world, &purchase, "phone", 3);
        let world = again(world);
        let order = world.engine.order(&order.name()).expect("known");
        assert_eq!((order.totals().allocated, order.totals().backordered, world.atp("phone")), (3, 0, 0));
        assert_eq!(bought(&world)[0].status(), InboundStatus::Received);
    }
}

#[test]
fn what_is_cancelled_gives_back_what_was_bought_and_has_not_come() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let mut world = World::new();
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let first = world.order(&[("phone", 4)], None).expect("waits");
        let second = world.order(&[("phone", 2)], None).expect("waits");
        let mut world = again(world);
        assert_eq!(open(&world), [4, 2]);
        world.cancel(&first, Some(&[("1", 3)])).expect("it waits");
        world = again(world);
        assert_eq!((open(&world), pegged(&world, &first), pegged(&world, &second)), (vec![3, 0], (1, 0), (2, 0)));
        assert_eq!(bought(&world)[1].status(), InboundStatus::Cancelled, "the last to come goes first");
        receive(&world, &bought(&world)[0], "phone", 1);
        world.cancel(&second, None).expect("it waits");
        world = again(world);
        assert_eq!(open(&world), [0, 0]);
        assert_eq!(bought(&world)[0].status(), InboundStatus::Received, "what came is kept");
        assert_eq!(world.level("phone", "east").committed, 1);
    }
}

#[test]
fn a_crash_between_a_cancellation_and_its_give_back_loses_neither() {
    let mut world = World::new();
    put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
    let order = world.order(&[("phone", 4)], None).expect("waits");
    world.cancel(&order, None).expect("it waits");
    let last = world.log.records.lock().pop().expect("the purchase was given back");
    assert!(last.events.iter().any(|event| matches!(event, Event::InboundChanged(_))));
    let world = world.restart();
    assert_eq!(open(&world), [0]);
}

#[test]
fn what_is_bought_on_a_day_and_in_all_is_bounded_and_the_clock_buys_the_rest() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let mut world = World::new();
        put(&world, "phone", "east", jit(Some(5), Some(8))).expect("a warehouse");
        assert_eq!([2, 3, 4].map(|days| by(&world, "phone", days)), [5, 8, 8]);
        let first = world.order(&[("phone", 3)], None).expect("waits");
        let second = world.order(&[("phone", 4)], None).expect("waits");
        let mut world = again(world);
        assert_eq!((pegged(&world, &first), pegged(&world, &second)), ((3, 0), (2, 2)));
        assert_eq!([2, 3].map(|days| by(&world, "phone", days)), [0, 1], "who waits comes first");
        world.engine.expire_due(&*world.log);
        assert_eq!(open(&world), [3, 2], "not on the same day");
        world.later(i64::from(DAY_S));
        world.engine.expire_due(&*world.log);
        world.check();
        world = again(world);
        assert_eq!((pegged(&world, &second), open(&world)), ((4, 0), vec![3, 2, 2]));
        let third = world.order(&[("phone", 9)], None).expect("waits");
        assert_eq!(
            (pegged(&world, &third), open(&world).iter().sum::<u32>()),
            ((1, 8), 8),
            "no more than eight at once"
        );
    }
}

#[test]
fn what_very_many_nodes_sell_is_bought_in_as_many_records_as_it_takes() {
    let mut world = World::new();
    for n in 0..20 {
        let id = format!("shop-{n}");
        world.node(&id, 40.0, -74.0 - f64::from(n), true);
        put(&world, "phone", &id, jit(Some(1), None)).expect("a warehouse");
    }
    let order = world.order(&[("phone", 30)], None).expect("waits");
    assert!(!open(&world).is_empty() && open(&world).len() <= 20);
    let world = world.restart();
    assert_eq!((open(&world), pegged(&world, &order)), (vec![1; 20], (20, 10)));
    world.later(i64::from(DAY_S));
    world.engine.expire_due(&*world.log);
    world.check();
    assert_eq!((open(&world), pegged(&world, &order)), (vec![1; 30], (30, 0)));
    let documents =
        |record: &Record| record.events.iter().filter(|event| matches!(event, Event::InboundChanged(_))).count();
    assert!(world.log.records.lock().iter().all(|record| documents(record) <= 8));
}

#[test]
fn what_is_known_to_come_in_time_is_not_bought_again() {
    let mut world = World::new();
    announce(&world, "soon", 1, 3);
    announce(&world, "late", 9, 50);
    put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
    let first = world.order(&[("phone", 2)], None).expect("waits");
    assert_eq!((pegged(&world, &first), open(&world)), ((2, 0), vec![]), "the truck of tomorrow brings it");
    world.order(&[("phone", 4)], None).expect("waits");
    assert_eq!(open(&world), [3], "one of that truck, three are bought");
    // A purchase whose supplier is late is still the purchase.
    let redate = InboundAction::Redate(day(&world, 30));
    world.run(Command::ChangeInbound { inbound: text(&bought(&world)[0].name()), action: redate }).expect("open");
    world.order(&[("phone", 1)], None).expect("waits");
    assert_eq!(open(&world), [3, 1], "and is not given back to be bought again");
    announce(&world, "sooner", 1, 3);
    world.order(&[("phone", 1)], None).expect("waits");
    assert_eq!(open(&world), [1, 1], "what comes sooner is bought no more, of the late one first");
}

#[test]
fn whoever_waits_already_is_bought_for_when_the_terms_are_put() {
    let mut world = World::new();
    let order = world.order(&[("phone", 2)], None).expect("waits");
    assert_eq!(pegged(&world, &order), (0, 2));
    put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
    assert_eq!((pegged(&world, &order), open(&world)), ((2, 0), vec![2]));
}

/// Units of a sku that were bought for a node and have not come.
fn open_at(world: &World, sku: &str, node: &str) -> u32 {
    let (sku, node) =
        world.engine.catalogue(|c| (c.sku_index(sku).expect("known"), c.node_index(node).expect("known")));
    let open = |inbound: &Inbound| {
        let lines = inbound.coming().filter(|(of, coming)| *of == sku && coming.node == node);
        lines.map(|(_, coming)| coming.units).sum::<u32>()
    };
    bought(world).iter().map(open).sum()
}

fn channel(world: &World, id: &str, nodes: Option<&[&str]>, limits: &[(&str, u32, Option<u32>)]) {
    let limit = |(sku, floor, cap): &(&str, u32, Option<u32>)| PutLimit { sku: text(sku), floor: *floor, cap: *cap };
    let put = PutChannel {
        id: text(id),
        name: text(id),
        nodes: nodes.map(|nodes| nodes.iter().map(|node| text(node)).collect()),
        customers: Vec::new(),
        limits: limits.iter().map(limit).collect(),
        payment_before: PaymentBefore::default(),
        payment_methods: Vec::new(),
    };
    world.run(Command::PutChannel(Box::new(put))).expect("a good channel");
}

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("waits") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn waits(world: &World, order: &Order) -> u32 {
    world.engine.order(&order.name()).expect("known").totals().backordered
}

#[test]
fn the_parts_of_a_kit_are_bought_together_and_make_it() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let mut world = World::new();
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        put(&world, "case", "east", jit(None, Some(10))).expect("a warehouse");
        assert_eq!((by(&world, "bundle", 1), by(&world, "bundle", 2)), (0, 5), "two cases each, ten at once");
        let order = world.order(&[("bundle", 2)], None).expect("waits");
        let world = again(world);
        let document = &bought(&world)[0];
        assert_eq!((bought(&world).len(), document.lines.len()), (1, 2), "one purchase has both");
        assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "case", "east")), (2, 4));
        assert_eq!((pegged(&world, &order), by(&world, "bundle", 2)), ((6, 0), 3));
        world.cancel(&order, Some(&[("1", 1)])).expect("it waits");
        assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "case", "east")), (1, 2));
        let world = again(world);
        let document = bought(&world).remove(0);
        receive(&world, &document, "phone", 1);
        assert_eq!((waits(&world, &order), world.atp("phone")), (1, 1), "alone it is no kit");
        assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "case", "east")), (0, 2));
        let world = again(world);
        receive(&world, &document, "case", 2);
        assert_eq!((waits(&world, &order), world.atp("phone")), (0, 0));
    }
}

#[test]
fn what_a_kit_lacks_is_bought_where_its_other_parts_are() {
    let mut world = World::new();
    let quick = JustInTime { lead_s: DAY_S, supplier: None, per_day: None, open_max: None };
    put(&world, "phone", "east", SupplyTerms::JustInTime(quick)).expect("a warehouse");
    put(&world, "phone", "west", jit(None, None)).expect("a warehouse");
    let order = world.order(&[("bundle", 1)], None).expect("waits");
    assert!(bought(&world).is_empty(), "nobody has or sells cases");
    world.stock("case", "west", 2).expect("room");
    assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "phone", "west")), (0, 1), "cases are there");
    let second = world.order(&[("bundle", 1)], None).expect("waits");
    assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "phone", "west")), (0, 2));
    receive(&world, &bought(&world)[0], "phone", 1);
    assert_eq!((waits(&world, &order), waits(&world, &second)), (0, 1));
}

#[test]
fn it_is_bought_where_refusals_and_channels_leave_an_order() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let mut world = World::new();
        world.stock("phone", "east", 2).expect("room");
        let refused = world.order(&[("phone", 2)], None).expect("enough");
        world.fulfill(&refused, 1, FulfillmentAction::Reject { reason: text("too_busy") }).expect("submitted");
        world.stock("phone", "east", -2).expect("there");
        channel(&world, "shop", Some(&["north"]), &[]);
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let world = again(world);
        assert_eq!(open(&world), Vec::<u32>::new(), "east refused it");
        put(&world, "phone", "west", jit(None, None)).expect("a warehouse");
        let world = again(world);
        assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "phone", "west")), (0, 2));
        let shop = PlaceOrder { channel: text("shop"), ..World::order_of("s", &[("phone", 1)], None) };
        let shop = place(&world, shop);
        assert_eq!((open(&world).iter().sum::<u32>(), pegged(&world, &shop)), (2, (0, 1)), "nobody sells to north");
        put(&world, "phone", "north", jit(None, None)).expect("a warehouse");
        assert_eq!(open_at(&world, "phone", "north"), 1);
        let world = again(world);
        for inbound in bought(&world) {
            let units = inbound.coming().map(|(_, coming)| coming.units).sum();
            receive(&world, &inbound, "phone", units);
        }
        assert_eq!((waits(&world, &refused), waits(&world, &shop), world.atp("phone")), (0, 0, 0));
    }
}

#[test]
fn no_more_is_bought_than_a_cap_lets_a_channel_use_and_what_others_keep_is_bought_too() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let world = World::new();
        channel(&world, "web", None, &[("phone", 0, Some(3))]);
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let first = place(&world, World::order_of("1", &[("phone", 2)], None));
        let second = place(&world, World::order_of("2", &[("phone", 4)], None));
        let world = again(world);
        assert_eq!(open(&world).iter().sum::<u32>(), 3, "the cap");
        channel(&world, "web", None, &[("phone", 0, Some(5))]);
        assert_eq!(open(&world).iter().sum::<u32>(), 5, "a higher one");
        channel(&world, "best", None, &[("phone", 2, None)]);
        let world = again(world);
        assert_eq!(open(&world).iter().sum::<u32>(), 7, "two must be there for others before");
        for inbound in bought(&world) {
            let units = inbound.coming().map(|(_, coming)| coming.units).sum();
            if units > 0 {
                receive(&world, &inbound, "phone", units);
            }
        }
        assert_eq!((waits(&world, &first), waits(&world, &second), world.level("phone", "east").available), (0, 1, 2));
    }
}

#[test]
fn another_node_is_bought_for_when_one_is_closed() {
    let mut world = World::new();
    put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
    put(&world, "phone", "west", jit(None, None)).expect("a warehouse");
    let order = world.order(&[("phone", 3)], None).expect("waits");
    assert_eq!((open_at(&world, "phone", "east"), open_at(&world, "phone", "west")), (3, 0));
    let patch = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("known");
    assert_eq!((open_at(&world, "phone", "west"), pegged(&world, &order)), (3, (3, 0)));
}

#[test]
fn a_supplier_ships_himself_within_his_lead_time() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let mut world = World::new();
        world.supplier("acme");
        let lead = SupplyTerms::Dropship { lead_s: 3 * DAY_S };
        put(&world, "phone", "acme", lead).expect("a supplier");
        world.stock("phone", "acme", 5).expect("what he announces");
        let mut world = again(world);
        let order = world.order(&[("phone", 2)], None).expect("he has it");
        let own = &order.fulfillment_orders[0];
        assert_eq!(world.engine.catalogue(|catalogue| catalogue.node(own.node).id.to_string()), "acme");
        let world = again(world);
        let order = world.engine.order(&order.name()).expect("known");
        let ready = dropship_ready(&order.history, 1).expect("its story tells it");
        let at: jiff::Timestamp = ready.parse().expect("an instant");
        assert_eq!(at.as_millisecond(), day(&world, 3).0);
        assert_eq!(dropship_ready(&order.history, 2), None);
    }
}

#[test]
fn a_waiting_order_that_a_supplier_fills_is_shipped_by_him() {
    let mut world = World::new();
    world.supplier("acme");
    put(&world, "phone", "acme", SupplyTerms::Dropship { lead_s: DAY_S }).expect("a supplier");
    let order = world.order(&[("phone", 2)], None).expect("waits");
    world.stock("phone", "acme", 5).expect("what he announces");
    let order = world.engine.order(&order.name()).expect("known");
    assert!(dropship_ready(&order.history, 1).is_some());
}

#[test]
fn terms_that_cannot_be_are_refused_and_change_nothing() {
    let mut world = World::new();
    world.supplier("acme");
    world.virtual_node("cloud");
    world.item("care", ItemKind::Service, &[]);
    let dropship = || SupplyTerms::Dropship { lead_s: 0 };
    let records = world.log.records.lock().len();
    let code = |sku, node, terms| put(&world, sku, node, terms).expect_err("it cannot be").code();
    assert_eq!(code("phone", "east", dropship()), "wrong_node_kind");
    assert_eq!(code("phone", "acme", jit(None, None)), "wrong_node_kind");
    assert_eq!(code("phone", "cloud", jit(None, None)), "wrong_node_kind");
    assert_eq!(code("care", "acme", dropship()), "not_stocked");
    assert_eq!(code("bundle", "east", jit(None, None)), "not_stocked");
    assert_eq!(code("phone", "nowhere", dropship()), "unknown_node");
    assert_eq!(code("none", "acme", dropship()), "not_found");
    assert_eq!(world.log.records.lock().len(), records);
}

/// Of what was bought as much is open as waits, whatever happens in whatever order.
#[test]
fn what_is_bought_is_what_waits() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let mut orders: Vec<Order> = Vec::new();
        for step in 0..60 {
            match dice.roll(6) {
                0 | 1 => orders.push(world.order(&[("phone", 1 + dice.roll(4))], None).expect("waits")),
                2 if !orders.is_empty() => {
                    let order = orders.swap_remove(dice.roll(orders.len() as u32) as usize);
                    drop(world.cancel(&order, None));
                }
                3 => {
                    let some = bought(&world).into_iter().find(|inbound| inbound.status().is_open());
                    some.iter().for_each(|inbound| receive(&world, inbound, "phone", 1 + dice.roll(3)));
                }
                4 => drop(world.stock("phone", "west", 1 + dice.roll(2) as i32)),
                _ if dice.roll(4) == 0 => world = world.restart(),
                _ => world.later(3_600),
            }
            let waits: u32 = world.fold().orders().map(|order| order.totals().backordered).sum();
            assert_eq!(open(&world).iter().sum::<u32>(), waits, "seed {seed} step {step}");
            let known: BTreeSet<_> = bought(&world).iter().map(|inbound| inbound.key).collect();
            assert!(known.len() <= 60, "seed {seed} step {step}");
        }
    }
}

#[test]
fn a_purchase_that_is_called_off_is_bought_again_for_who_still_waits() {
    for restarts in [false, true] {
        let mut world = World::new();
        put(&world, "phone", "east", jit(None, None)).expect("a warehouse");
        let order = world.order(&[("phone", 3)], None).expect("waits");
        let world = if restarts { world.restart() } else { world };
        let end = |inbound: &Inbound| {
            let action = InboundAction::End(Some(text("out of print")));
            world.run(Command::ChangeInbound { inbound: text(&inbound.name()), action }).expect("it is open");
        };
        end(&bought(&world)[0]);
        assert_eq!((open(&world), pegged(&world, &order)), (vec![0, 3], (3, 0)));
        world.cancel(&order, None).expect("it waits");
        assert_eq!(open(&world), [0, 0], "nobody waits any more");
    }
}
