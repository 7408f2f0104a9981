//! Channels: what one keeps from the others, what it may use, which nodes serve it; and that memory counts as a start does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::random::Dice;
use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::decision::FenceReason;
use crate::domain::event::Event;
use crate::domain::fulfillment::{Shipment, ShortReason};
use crate::domain::ids::SkuIndex;
use crate::domain::item::ItemKind;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::Reservation;
use crate::domain::stock::MovementKind;
use crate::engine::{AtpAsked, Executed};

/// Storms when nothing else is said; `ORDAIN_CHANNEL_STORMS` says more.
const STORMS: u64 = 4;
/// Buyers at once.
const BUYERS: u64 = 64;

pub type Limits<'a> = &'a [(&'a str, u32, Option<u32>)];

fn put_of(id: &str, nodes: Option<&[&str]>, customers: &[&str], limits: Limits<'_>) -> Command {
    let limit = |(sku, floor, cap): &(&str, u32, Option<u32>)| PutLimit { sku: text(sku), floor: *floor, cap: *cap };
    Command::PutChannel(Box::new(PutChannel {
        id: text(id),
        name: text(id),
        nodes: nodes.map(|nodes| nodes.iter().map(|node| text(node)).collect()),
        customers: customers.iter().map(|customer| text(customer)).collect(),
        limits: limits.iter().map(limit).collect(),
        payment_before: PaymentBefore::default(),
        payment_methods: Vec::new(),
    }))
}

pub fn put(world: &World, id: &str, limits: Limits<'_>) {
    world.run(put_of(id, None, &[], limits)).expect("a good channel");
    check(world);
}

fn reserve_of(channel: &str, customer: &str, sku: &str, n: u32) -> Reserve {
    let lines = vec![ReserveLine { sku: text(sku), quantity: quantity(n), node: None }];
    let named = |name: &str| (!name.is_empty()).then(|| text(name));
    Reserve { channel: named(channel), customer: named(customer), ..World::reserve_of(lines, 600) }
}

fn reserve(world: &World, channel: &str, sku: &str, n: u32) -> Result<Reservation, Rejection> {
    let made = world.run(Command::Reserve(reserve_of(channel, "", sku, n)));
    check(world);
    match made? {
        Reply::Reservation(reservation) => Ok(*reservation),
        other => panic!("{other:?}"),
    }
}

fn order_of(id: &str, channel: &str, lines: &[(&str, u32)], claims: Option<&Reservation>) -> PlaceOrder {
    PlaceOrder { channel: text(channel), ..World::order_of(id, lines, claims.map(Reservation::name)) }
}

fn order(world: &World, id: &str, channel: &str, lines: &[(&str, u32)], claims: Option<&Reservation>) -> Order {
    let placed = world.run(Command::PlaceOrder(Box::new(order_of(id, channel, lines, claims))));
    check(world);
    match placed.expect("an order is taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn refused(available: u64, requested: u64) -> Rejection {
    Rejection::InsufficientStock { sku: "phone".into(), requested, available }
}

fn atp(world: &World, sku: &str, channel: &str) -> u64 {
    let asked = AtpAsked { channel: (!channel.is_empty()).then_some(channel), ..AtpAsked::default() };
    let now = world.log.now.load(Ordering::SeqCst);
    world.engine.atp_for(crate::domain::time::JournalTime(now), sku, asked).expect("a known sku").available
}

fn used(world: &World, id: &str) -> Vec<u32> {
    world.engine.channel(id).expect("a known channel").1
}

/// The records are what a start makes of the log.
pub(super) fn check(world: &World) {
    let counted = world.engine.all_limits();
    let log = super::world::MemoryLog::default();
    log.now.store(world.log.now.load(Ordering::SeqCst), Ordering::SeqCst);
    let again = crate::engine::Engine::start(world.fold(), &log, None).all_limits();
    assert_eq!(counted, again, "the limits records are what a start counts");
}

#[test]
fn many_skus_are_answered_together_as_each_alone() {
    let mut world = World::new();
    world.stock("phone", "east", 9).expect("room");
    put(&world, "web", &[("phone", 4, None)]);
    let mut skus: Vec<String> = (0..70).map(|n| format!("sku-{n}")).collect();
    for (n, sku) in skus.iter().enumerate() {
        world.item(sku, ItemKind::Product, &[]);
        for node in ["east", "west"].into_iter().take(n % 3) {
            world.stock(sku, node, n as i32 + 1).expect("room");
        }
    }
    world.item("pair", ItemKind::Kit, &[("sku-7", 2)]);
    world.item("advice", ItemKind::Service, &[]);
    skus.extend(["phone", "none", "pair", "none", "advice"].map(Into::into));
    let now = crate::domain::time::JournalTime(world.log.now.load(Ordering::SeqCst));
    for (channel, node) in [(None, None), (Some("shop"), None), (Some("web"), Some("east")), (None, Some("west"))] {
        let asked = AtpAsked { channel, node, ..AtpAsked::default() };
        for count in [0, 1, 31, 32, 33, 64, skus.len()] {
            let skus = || skus.iter().rev().take(count).map(String::as_str);
            let together = world.engine.atp_of_many(now, skus(), asked).expect("known nodes");
            let alone: Vec<_> = skus().map(|sku| world.engine.atp_for(now, sku, asked).ok()).collect();
            assert_eq!(together, alone, "{asked:?}, {count} skus");
        }
    }
    let nowhere = AtpAsked { node: Some("nowhere"), ..AtpAsked::default() };
    assert!(world.engine.atp_of_many(now, ["phone"], nowhere).is_err());
}

#[test]
fn a_floor_is_kept_from_everybody_else() {
    let world = World::new();
    world.stock("phone", "east", 4).expect("room");
    world.stock("phone", "west", 2).expect("room");
    put(&world, "web", &[("phone", 4, None)]);
    assert_eq!(["web", "shop", ""].map(|channel| atp(&world, "phone", channel)), [6, 2, 2]);
    assert_eq!(reserve(&world, "shop", "phone", 3), Err(refused(2, 3)));
    let shop = reserve(&world, "shop", "phone", 2).expect("above the floor");
    assert_eq!(reserve(&world, "", "phone", 1), Err(refused(0, 1)));
    // The floor guards a number, not a place: what is left of it lies anywhere.
    let web = reserve(&world, "web", "phone", 3).expect("its own");
    assert_eq!((used(&world, "web"), atp(&world, "phone", "web"), atp(&world, "phone", "shop")), (vec![3], 1, 0));
    world.run(Command::ReleaseReservation { reservation: text(&web.name()) }).expect("held");
    check(&world);
    assert_eq!((used(&world, "web"), atp(&world, "phone", "shop")), (vec![0], 0));
    world.run(Command::ReleaseReservation { reservation: text(&shop.name()) }).expect("held");
    assert_eq!(atp(&world, "phone", "shop"), 2);
}

#[test]
fn a_cap_counts_what_is_reserved_promised_and_shipped() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 20).expect("room");
        put(&world, "web", &[("phone", 0, Some(5))]);
        let again = |world: World| if restarts { world.restart() } else { world };
        let held = reserve(&world, "web", "phone", 2).expect("below the cap");
        let placed = order(&world, "o-1", "web", &[("phone", 3)], None);
        let world = again(world);
        assert_eq!((atp(&world, "phone", "web"), used(&world, "web")), (0, vec![5]));
        assert_eq!(reserve(&world, "web", "phone", 1), Err(refused(0, 1)));
        assert!(reserve(&world, "shop", "phone", 7).is_ok(), "a cap is its channel's alone");

        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
            world.fulfill(&placed, 1, action).expect("legal");
        }
        world.fulfill(&placed, 1, FulfillmentAction::Ship { shipment }).expect("legal");
        check(&world);
        let world = again(world);
        assert_eq!(used(&world, "web"), [5], "what left is used for good");
        world.run(Command::ReleaseReservation { reservation: text(&held.name()) }).expect("held");
        check(&world);
        assert_eq!((used(&world, "web"), atp(&world, "phone", "web")), (vec![3], 2));

        // A limit set anew counts anew; one that stays goes on.
        put(&world, "web", &[("phone", 1, Some(6))]);
        assert_eq!(used(&world, "web"), [3]);
        put(&world, "web", &[]);
        put(&world, "web", &[("phone", 0, Some(6))]);
        let world = again(world);
        assert_eq!(used(&world, "web"), [0]);
    }
}

#[test]
fn what_is_held_when_a_limit_is_set_counts() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("room");
    reserve(&world, "web", "phone", 2).expect("there");
    order(&world, "o-1", "web", &[("phone", 3)], None);
    reserve(&world, "shop", "phone", 1).expect("there");
    put(&world, "web", &[("phone", 6, Some(7))]);
    assert_eq!((used(&world, "web"), atp(&world, "phone", "web"), atp(&world, "phone", "shop")), (vec![5], 2, 2));
}

#[test]
fn an_order_above_its_cap_waits_and_is_filled_when_there_is_room() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 9).expect("room");
        put(&world, "web", &[("phone", 0, Some(4))]);
        let first = order(&world, "o-1", "web", &[("phone", 3)], None);
        let second = order(&world, "o-2", "web", &[("phone", 3)], None);
        let buckets = |world: &World, order: &Order| {
            let buckets = world.engine.order_by_key(order.key).expect("it is there").buckets(0);
            (buckets.allocated, buckets.backordered)
        };
        assert_eq!((buckets(&world, &first), buckets(&world, &second)), ((3, 0), (1, 2)));
        assert_eq!((atp(&world, "phone", "web"), atp(&world, "phone", "shop")), (0, 5), "others are not held up");
        let world = if restarts { world.restart() } else { world };
        world.cancel(&first, Some(&[("1", 1)])).expect("not begun");
        check(&world);
        assert_eq!(buckets(&world, &second), (2, 1), "what came back to the cap goes to who waits");
        put(&world, "web", &[("phone", 0, Some(9))]);
        assert_eq!(buckets(&world, &second), (3, 0), "so does a higher cap");
    }
}

#[test]
fn an_order_behind_a_floor_waits_beside_free_units() {
    let world = World::new();
    world.stock("phone", "east", 3).expect("room");
    put(&world, "web", &[("phone", 3, None)]);
    let behind = order(&world, "o-1", "shop", &[("phone", 2)], None);
    assert_eq!((behind.lines[0].backordered, world.level("phone", "east").available), (2, 3));
    order(&world, "o-2", "web", &[("phone", 3)], None);
    world.stock("phone", "west", 2).expect("room");
    check(&world);
    let behind = world.engine.order_by_key(behind.key).expect("it is there");
    assert_eq!(behind.lines[0].backordered, 0, "the floor is used up: what comes is for whoever waits");
}

#[test]
fn who_waited_before_a_limit_was_set_and_after_it_was_taken_away_is_served() {
    let world = World::new();
    let waits = order(&world, "o-1", "shop", &[("phone", 4)], None);
    put(&world, "web", &[("phone", 2, None)]);
    world.stock("phone", "east", 3).expect("room");
    check(&world);
    let now = |world: &World| world.engine.order_by_key(waits.key).expect("it is there").lines[0].backordered;
    assert_eq!((now(&world), atp(&world, "phone", "web")), (3, 2));
    put(&world, "web", &[]);
    assert_eq!((now(&world), atp(&world, "phone", "web")), (1, 0), "it has its right to the next units again");
    let world = world.restart();
    world.stock("phone", "west", 1).expect("room");
    assert_eq!(now(&world), 0);
}

/// Units that the last receipt set aside for who waits, and those that it let free.
fn set_aside(world: &World) -> (i32, i32) {
    let records = world.log.records.lock();
    let received = |event: &Event| match event {
        Event::StockMoved(moved) if moved.kind == MovementKind::Received => {
            Some((moved.delta.pool, moved.delta.available))
        }
        _ => None,
    };
    let last = records.iter().rev().find_map(|record| record.events.iter().find_map(received));
    last.expect("something came")
}

#[test]
fn what_comes_is_set_aside_for_who_waits_as_far_as_the_limits_let_it() {
    for restarts in [false, true] {
        let world = World::new();
        put(&world, "best", &[("phone", 3, None)]);
        put(&world, "shop", &[("phone", 0, Some(6))]);
        let shop = order(&world, "o-1", "shop", &[("phone", 4)], None);
        let web = order(&world, "o-2", "web", &[("phone", 3)], None);
        let world = if restarts { world.restart() } else { world };
        let waits = |order: &Order| world.engine.order_by_key(order.key).expect("it is there").lines[0].backordered;
        world.stock("phone", "east", 5).expect("room");
        assert_eq!((set_aside(&world), waits(&shop), waits(&web)), ((2, 3), 2, 3), "three are the best customers'");
        world.stock("phone", "west", 4).expect("room");
        assert_eq!((set_aside(&world), waits(&shop), waits(&web)), ((4, 0), 0, 1));
        let more = order(&world, "o-3", "shop", &[("phone", 9)], None);
        assert_eq!(waits(&more), 9, "nothing is free above the floor");
        world.stock("phone", "west", 9).expect("room");
        assert_eq!((set_aside(&world), waits(&web), waits(&more)), ((3, 6), 0, 7), "a cap is a bound as well");
        assert_eq!((used(&world, "shop"), world.level("phone", "west").pool), (vec![6], 0));
        check(&world);
    }
}

#[test]
fn a_kit_of_limited_parts_gets_what_comes_within_its_limits() {
    for restarts in [false, true] {
        let world = World::new();
        put(&world, "web", &[("phone", 0, Some(2)), ("case", 0, Some(9))]);
        let kits = order(&world, "o-1", "web", &[("bundle", 3)], None);
        let world = if restarts { world.restart() } else { world };
        let waits = || world.engine.order_by_key(kits.key).expect("it is there").lines[0].backordered;
        world.stock("case", "east", 8).expect("room");
        world.stock("phone", "east", 1).expect("room");
        assert_eq!((waits(), used(&world, "web")), (2, vec![1, 2]));
        world.stock("phone", "east", 4).expect("room");
        assert_eq!((waits(), used(&world, "web"), atp(&world, "phone", "")), (1, vec![2, 4], 3), "the cap of phones");
        check(&world);
    }
}

#[test]
fn a_claim_carries_over_what_its_channel_uses() {
    let world = World::new();
    world.stock("phone", "east", 4).expect("room");
    world.stock("phone", "west", 4).expect("room");
    put(&world, "web", &[("phone", 0, Some(4))]);
    put(&world, "shop", &[("phone", 3, Some(3))]);
    let held = reserve(&world, "web", "phone", 4).expect("below the cap");
    assert_eq!(order(&world, "o-1", "web", &[("phone", 3)], Some(&held)).lines[0].backordered, 0);
    assert_eq!((used(&world, "web"), used(&world, "shop")), (vec![3], vec![0]));

    // A claim through another channel counts there, within its cap, and no more here.
    let held = reserve(&world, "web", "phone", 1).expect("below the cap");
    let other = order(&world, "o-2", "shop", &[("phone", 4)], Some(&held));
    assert_eq!((other.lines[0].backordered, used(&world, "web"), used(&world, "shop")), (1, vec![3], vec![3]));
}

#[test]
fn a_reservation_is_changed_within_its_limits() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.stock("phone", "west", 5).expect("room");
    put(&world, "web", &[("phone", 0, Some(5))]);
    let held = reserve(&world, "web", "phone", 4).expect("below the cap");
    let change = |n, node: Option<&str>| {
        let lines = Some(vec![ReserveLine { sku: text("phone"), quantity: quantity(n), node: node.map(text) }]);
        let change = ChangeReservation { owner: None, reservation: text(&held.name()), ttl_s: None, lines };
        let changed = world.run(Command::ChangeReservation(change));
        check(&world);
        changed.map(|_| ())
    };
    assert_eq!(change(5, None), Ok(()));
    assert_eq!(change(6, None), Err(refused(5, 6)));
    assert_eq!(change(2, None), Ok(()));
    // At another node all of it is taken before any of it is given back.
    assert_eq!(change(3, Some("west")), Ok(()));
    assert_eq!(change(5, Some("east")), Err(refused(2, 5)));
    assert_eq!(used(&world, "web"), [3]);
}

#[test]
fn what_lapses_gives_its_room_back() {
    let world = World::new();
    world.stock("phone", "east", 3).expect("room");
    put(&world, "web", &[("phone", 0, Some(2))]);
    put(&world, "shop", &[("phone", 1, None)]);
    reserve(&world, "web", "phone", 2).expect("below the cap");
    assert_eq!((atp(&world, "phone", "web"), atp(&world, "phone", "shop")), (0, 1));
    world.later(600);
    assert_eq!((atp(&world, "phone", "web"), atp(&world, "phone", "shop")), (2, 3), "what is due counts as free");
    reserve(&world, "web", "phone", 2).expect("what was due was ended first");
    assert_eq!(used(&world, "web"), [2]);
}

#[test]
fn a_segment_of_customers_has_its_own_share_through_any_channel() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    world.run(put_of("vip", None, &["gold"], &[("phone", 3, None)])).expect("good");
    put(&world, "web", &[("phone", 0, Some(2)), ("case", 0, Some(1))]);
    let buy = |customer: &str, n| world.run(Command::Reserve(reserve_of("web", customer, "phone", n))).map(|_| ());
    assert_eq!(buy("", 3), Err(refused(2, 3)), "the cap, and what is kept");
    assert_eq!(buy("gold", 4), Ok(()), "the channel's cap is not the segment's");
    check(&world);
    assert_eq!((used(&world, "vip"), used(&world, "web")), (vec![4], vec![0, 0]));
    assert_eq!(buy("", 1), Ok(()), "the floor is used");
    // Where the segment has no limit its customers count as the channel's.
    world.stock("case", "east", 5).expect("room");
    let cases = |n| world.run(Command::Reserve(reserve_of("web", "gold", "case", n))).is_ok();
    assert_eq!([cases(2), cases(1), cases(1)], [false, true, false]);
    let taken = world.run(put_of("other", None, &["gold"], &[]));
    assert!(matches!(taken, Err(Rejection::Invalid(faults)) if faults[0].code == "customer_taken"));
}

#[test]
fn nodes_that_do_not_serve_a_channel_are_not_asked() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 2).expect("room");
        world.stock("phone", "west", 5).expect("room");
        world.run(put_of("shop", Some(&["west", "north"]), &[], &[])).expect("good");
        let world = if restarts { world.restart() } else { world };
        assert_eq!((atp(&world, "phone", "shop"), atp(&world, "phone", "")), (5, 7));
        assert_eq!(reserve(&world, "shop", "phone", 6), Err(refused(5, 6)));
        let placed = order(&world, "o-1", "shop", &[("phone", 6)], None);
        assert_eq!(placed.fulfillment_orders.len(), 1);
        let decision = placed.decision.as_ref().expect("it was sourced");
        assert!(decision.evidence.fenced.iter().any(|(_, reason)| *reason == FenceReason::NotOfChannel));
        let waiting = |world: &World| world.engine.order_by_key(placed.key).expect("there").lines[0].backordered;
        assert_eq!(waiting(&world), 1, "a unit at a node that does not serve it stays free");
        world.stock("phone", "east", 1).expect("room");
        assert_eq!((waiting(&world), atp(&world, "phone", "")), (1, 3));
        world.stock("phone", "north", 1).expect("room");
        assert_eq!((waiting(&world), atp(&world, "phone", "")), (0, 3));
    }
}

#[test]
fn losses_short_picks_and_switched_nodes_keep_the_count() {
    let world = World::new();
    world.stock("phone", "east", 6).expect("room");
    world.stock("phone", "west", 3).expect("room");
    put(&world, "web", &[("phone", 4, Some(6))]);
    let placed = order(&world, "o-1", "web", &[("phone", 3)], None);
    world.stock("phone", "east", -2).expect("there");
    check(&world);
    world.fulfill(&placed, 1, FulfillmentAction::Accept).expect("legal");
    for reason in [ShortReason::Damaged, ShortReason::Mismatch, ShortReason::NotInStock] {
        let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
        world.fulfill(&placed, 1, FulfillmentAction::Short { lines, reason }).expect("legal");
        check(&world);
    }
    let off = |active| NodePatch { active: Some(active), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("west"), patch: Box::new(off(false)) }).expect("known");
    check(&world);
    world.engine.expire_due(&*world.log);
    check(&world);
    let moved = StockMove {
        sku: text("phone"),
        node: text("west"),
        from: StockState::Available,
        to: StockState::Damaged,
        quantity: quantity(1),
    };
    drop(world.run(Command::MoveStock(vec![moved])));
    check(&world);
    world.run(Command::PatchNode { node: text("west"), patch: Box::new(off(true)) }).expect("known");
    check(&world);
    let world = world.restart();
    check(&world);
    assert!(used(&world, "web")[0] <= 6);
}

#[test]
fn a_move_changes_nothing_of_what_a_channel_uses_even_at_its_cap() {
    for restarts in [false, true] {
        let world = World::new();
        let again = |world: World| if restarts { world.restart() } else { world };
        world.stock("phone", "east", 3).expect("room");
        put(&world, "web", &[("phone", 0, Some(3))]);
        let placed = order(&world, "o-1", "web", &[("phone", 3)], None);
        put(&world, "shop", &[("phone", 4, None)]);
        // All of it is kept for the shop, and the web may use no more: a move takes from neither.
        world.stock("phone", "west", 4).expect("room");
        let world = again(world);
        world.run(put_of("web", Some(&["east", "west"]), &[], &[("phone", 0, Some(3))])).expect("good");
        let to = |node: &str| FulfillmentAction::Move { node: text(node) };
        let refused = world.fulfill(&placed, 1, to("north")).map_err(|r| r.code());
        assert_eq!(refused.err(), Some("node_not_serving"));
        let units = |world: &World, id: &str| (used(world, id), atp(world, "phone", id));
        let before = (units(&world, "web"), units(&world, "shop"));
        assert_eq!(before, ((vec![3], 0), (vec![0], 4)));
        world.fulfill(&placed, 1, to("west")).expect("there is enough");
        check(&world);
        let world = again(world);
        assert_eq!((units(&world, "web"), units(&world, "shop")), before);
        assert_eq!((world.level("phone", "east").available, world.level("phone", "west").committed), (3, 3));
        // Stopped after picking it is nobody's until it is put back.
        let stop = FulfillmentAction::Cancel { reason: text("changed mind"), resource: false };
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, stop] {
            world.fulfill(&placed, 1, action).expect("legal");
            check(&world);
        }
        world.fulfill(&placed, 1, FulfillmentAction::CancelAccept).expect("legal");
        check(&world);
        let world = again(world);
        assert_eq!((units(&world, "web"), units(&world, "shop")), ((vec![0], 0), (vec![0], 4)));
        world.fulfill(&placed, 1, FulfillmentAction::PutBack { lines: None }).expect("legal");
        check(&world);
        assert_eq!((units(&world, "web"), units(&world, "shop")), ((vec![0], 3), (vec![0], 7)));
    }
}

#[test]
fn what_leaves_together_is_used_by_each_of_its_channels() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("room");
    put(&world, "web", &[("phone", 0, Some(5))]);
    put(&world, "shop", &[("phone", 1, Some(5))]);
    let orders =
        [order(&world, "o-1", "web", &[("phone", 2)], None), order(&world, "o-2", "shop", &[("phone", 3)], None)];
    let joined = Consolidate { order: text(&orders[0].name()), with: vec![text(&orders[1].name())] };
    world.run(Command::Consolidate(joined)).expect("one customer, one address");
    for order in &orders {
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
            world.fulfill(order, 1, action).expect("legal");
        }
    }
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    world.fulfill(&orders[0], 1, FulfillmentAction::Ship { shipment }).expect("both are packed");
    check(&world);
    assert_eq!((used(&world, "web"), used(&world, "shop")), (vec![2], vec![3]));
}

#[test]
fn a_batch_keeps_limits_and_a_kit_those_of_its_components() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("room");
    world.stock("case", "east", 9).expect("room");
    put(&world, "web", &[("phone", 0, Some(3)), ("case", 0, Some(5))]);
    let one = |n| ReserveOne { key: None, reserve: reserve_of("web", "", "phone", n) };
    let answers = world.engine.reserve_many(&*world.log, &Context::library(), &[one(2), one(2), one(1)]);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    check(&world);
    assert_eq!((used(&world, "web"), atp(&world, "bundle", "web"), atp(&world, "bundle", "shop")), (vec![3, 0], 0, 4));
    put(&world, "web", &[("phone", 0, Some(9)), ("case", 0, Some(5))]);
    assert_eq!(atp(&world, "bundle", "web"), 2);
    let placed = order(&world, "o-1", "web", &[("bundle", 3)], None);
    assert_eq!((placed.lines[0].backordered, used(&world, "web")), (1, vec![5, 4]));
}

#[test]
fn a_sku_with_limits_has_no_more_units_than_they_can_count() {
    let world = World::new();
    world.stock("phone", "east", 1 << 29).expect("room");
    world.stock("phone", "west", 1 << 29).expect("room");
    let refused = world.run(put_of("web", None, &[], &[("phone", 1, None)]));
    assert!(matches!(refused, Err(Rejection::Invalid(faults)) if faults[0].code == "level_too_large"));
    world.stock("phone", "west", -1).expect("there");
    put(&world, "web", &[("phone", 1, None)]);
    assert!(matches!(world.stock("phone", "north", 1), Err(Rejection::LevelTooLarge { .. })));
    assert_eq!(atp(&world, "phone", "web"), (1 << 30) - 1);
}

/// Sixty-four buyers of three channels and of none on few units, with receipts, losses, lapses and claims among them: no
/// record that takes goes above a cap or into another's floor, and the records end as the log says.
#[test]
fn sixty_four_buyers_keep_floors_and_caps() {
    let storms = std::env::var("ORDAIN_CHANNEL_STORMS").ok().and_then(|text| text.parse().ok()).unwrap_or(STORMS);
    for seed in 0..storms {
        println!("seed {seed}");
        let world = World::new();
        for (sku, node) in [("phone", "east"), ("phone", "west"), ("case", "east"), ("case", "north")] {
            world.stock(sku, node, 25).expect("room");
        }
        put(&world, "web", &[("phone", 10, Some(30)), ("case", 0, Some(12))]);
        put(&world, "shop", &[("phone", 5, Some(8))]);
        world.run(put_of("vip", None, &["gold"], &[("phone", 7, None), ("case", 9, Some(20))])).expect("good");
        let (numbers, turns) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for buyer in 0..BUYERS {
                let (world, numbers, turns) = (&world, &numbers, &turns);
                scope.spawn(move || buy(world, &mut Dice(seed * 1_000 + buyer), numbers, turns));
            }
        });
        judge(&world, &turns.into_inner());
        world.check();
        check(&world);
        let before = world.engine.all_limits();
        assert_eq!(world.restart().engine.all_limits(), before, "seed {seed}: a start counts the same");
    }
}

/// From which position of the log to which one turn of a buyer took.
type Turns = Mutex<Vec<(usize, usize)>>;

fn buy(world: &World, dice: &mut Dice, numbers: &AtomicU32, turns: &Turns) {
    let (mut held, mut orders): (Vec<String>, Vec<Order>) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let sku = dice.pick::<&str>(&["phone", "phone", "case"]);
        let (channel, customer) =
            (dice.pick::<&str>(&["web", "shop", "", "web"]), dice.pick::<&str>(&["", "", "gold"]));
        let few = 1 + dice.roll(3);
        let command = match dice.roll(12) {
            0 if !held.is_empty() => Command::ReleaseReservation { reservation: text(&held.swap_remove(0)) },
            1 if !orders.is_empty() => {
                let order = text(&dice.pick(&orders).name());
                Command::CancelOrder(CancelOrder { order, lines: None, reason: text("storm") })
            }
            2 => {
                let delta = if dice.roll(2) == 0 { 2 } else { -1 };
                let (node, reason) = (text("east"), MovementKind::Corrected);
                Command::AdjustStock(vec![Adjustment { sku: text(sku), node, delta, reason }])
            }
            3 if !orders.is_empty() => {
                let key = crate::domain::ids::FulfillmentKey { order: dice.pick(&orders).key, number: 1 };
                let action = match dice.roll(3) {
                    0 => FulfillmentAction::Accept,
                    1 => FulfillmentAction::Reject { reason: text("storm") },
                    _ => FulfillmentAction::Short {
                        lines: vec![NamedUnits { line: text("1"), quantity: quantity(1) }],
                        reason: ShortReason::Mismatch,
                    },
                };
                Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })
            }
            4..=6 => {
                let n = numbers.fetch_add(1, Ordering::Relaxed);
                let claims = if dice.roll(2) == 0 { held.pop() } else { None };
                let lines: &[(&str, u32)] = if dice.roll(4) == 0 { &[("bundle", 1)] } else { &[(sku, few)] };
                let placed = World::order_of(&format!("storm-{n}"), lines, claims);
                let channel = text(if channel.is_empty() { "phone-call" } else { channel });
                let customer = text(if customer.is_empty() { "anybody" } else { customer });
                Command::PlaceOrder(Box::new(PlaceOrder { channel, customer, ..placed }))
            }
            _ => Command::Reserve(Reserve {
                ttl_s: u64::from(1 + dice.roll(9)),
                ..reserve_of(channel, customer, sku, few)
            }),
        };
        match during(world, turns, || world.engine.execute(&*world.log, &Context::library(), command)) {
            Ok(Executed::Done(outcome)) => match outcome.reply {
                Reply::Order(order) | Reply::Fulfillment { order, .. } => orders.push((*order).clone()),
                Reply::Reservation(reservation) if reservation.ended_at.is_none() => held.push(reservation.name()),
                _ => {}
            },
            Ok(other) => panic!("nothing is repeated here: {other:?}"),
            Err(_) => {}
        }
        if dice.roll(8) == 0 {
            world.later(1);
            during(world, turns, || world.engine.expire_due(&*world.log));
        }
    }
}

fn during<T>(world: &World, turns: &Turns, turn: impl FnOnce() -> T) -> T {
    let position = || world.log.records.lock().len();
    let begun = position();
    let done = turn();
    turns.lock().push((begun, position()));
    done
}

/// Goes through the log record by record: whoever takes stays within its cap and leaves the others their floors. A take is
/// decided before its record is appended, and a loss that is appended in between cuts a floor behind it: so what is left
/// must be enough at some position of the turn that made the record.
fn judge(world: &World, turns: &[(usize, usize)]) {
    use crate::domain::entity::{Entity, EntityKey};
    use crate::domain::event::Event;
    use crate::domain::state::{State, used_by};

    type Used = BTreeMap<(u32, Option<&'static str>), u64>;
    let (mut state, mut before): (_, Vec<(Vec<u64>, Used)>) = (State::default(), Vec::new());
    let free_of = |state: &State, sku: SkuIndex| -> u64 {
        let cells = state.entities().into_iter().filter_map(|(key, entity)| match (key, entity) {
            (EntityKey::Cell(cell), Entity::Cell(level)) if cell.sku == sku => Some(u64::from(level.available)),
            _ => None,
        });
        cells.sum()
    };
    let records = world.log.records.lock().clone();
    // Sku, channel, floor, cap as put above; skus by their index: phone, case.
    let limits = [(0, "web", 10, 30), (0, "shop", 5, 8), (0, "vip", 7, u64::MAX), (1, "web", 0, 12), (1, "vip", 9, 20)];
    let share = |sku: SkuIndex, channel: Option<&str>, customer: Option<&str>| {
        let named = |name: &str| limits.iter().find(|(at, id, ..)| *at == sku.0 && *id == name).map(|(_, id, ..)| *id);
        customer.filter(|customer| *customer == "gold").and_then(|_| named("vip")).or_else(|| named(channel?))
    };
    let mut set = false;
    before.push((vec![0; 2], Used::new()));
    for (at, record) in records.iter().enumerate() {
        state.apply(record).expect("every record keeps the laws");
        set |= record.events.iter().any(|event| matches!(event, Event::ChannelChanged(_)));
        let mut used = Used::new();
        for (_, entity) in state.entities() {
            match entity {
                Entity::Order(order) => {
                    for (cell, units) in used_by(order) {
                        let own = share(cell.sku, Some(&order.facts.channel), Some(&order.facts.customer));
                        *used.entry((cell.sku.0, own)).or_default() += units;
                    }
                }
                Entity::Reservation(r) if r.state == crate::domain::reservation::ReservationState::Held => {
                    for held in &r.lines {
                        let own = share(held.sku, r.channel.as_deref(), r.customer.as_deref());
                        *used.entry((held.sku.0, own)).or_default() += u64::from(held.quantity);
                    }
                }
                _ => {}
            }
        }
        let free: Vec<u64> = (0..2).map(|sku| free_of(&state, SkuIndex(sku))).collect();
        let then = |used: &Used, key| used.get(&key).copied().unwrap_or(0u64);
        let begun = turns.iter().filter(|(begun, end)| (*begun..*end).contains(&at)).map(|(begun, _)| *begun).min();
        for (key, now) in used.iter().filter(|(key, now)| set && **now > then(&before[at].1, **key)) {
            let (sku, own) = *key;
            let mine = limits.iter().find(|(at, id, ..)| *at == sku && Some(*id) == own);
            assert!(mine.is_none_or(|(.., cap)| now <= cap), "{own:?} uses {now}: {record:?}");
            let taken = before[at].0[sku as usize].saturating_sub(free[sku as usize]);
            let is_left = |(free, used): &(Vec<u64>, Used)| {
                let others = limits.iter().filter(|(at, id, ..)| *at == sku && Some(*id) != own);
                let kept = others.map(|(_, id, floor, _)| u64::saturating_sub(*floor, then(used, (sku, Some(*id)))));
                free[sku as usize] >= taken + kept.sum::<u64>()
            };
            let is_lawful = taken == 0 || before[begun.unwrap_or(at)..=at].iter().any(is_left);
            assert!(is_lawful, "{own:?} took {taken} and left {free:?}, which is too little: {record:?}");
        }
        before.push((free, used));
    }
}
