//! Transfers: what each step does to both nodes, who waits for them, and which steps are legal when.

use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::inbound::SupplyKey;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::Level;
use crate::domain::time::WallTime;
use crate::domain::transfer::{Transfer, TransferStatus};
use crate::engine::Executed;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn units<T: From<SkuUnits>>(lines: &[(&str, u32)]) -> Vec<T> {
    lines.iter().map(|(sku, n)| SkuUnits { sku: text(sku), quantity: quantity(*n) }.into()).collect()
}

fn day(world: &World, days: i64) -> WallTime {
    WallTime(world.log.now().wall.0 + days * DAY_MS)
}

fn asked(world: &World, id: &str, days: Option<i64>, lines: &[(&str, u32)]) -> ReadyTransfer {
    ReadyTransfer {
        id: Some(text(id)),
        fingerprint: 1,
        from: text("east"),
        to: text("west"),
        eta: days.map(|days| day(world, days)),
        lines: units(lines),
        is_draft: false,
    }
}

fn make(world: &World, id: &str, days: Option<i64>, lines: &[(&str, u32)]) -> Result<Transfer, Rejection> {
    told(world.run(Command::ReadyTransfer(asked(world, id, days, lines))))
}

fn change(world: &World, id: &str, action: TransferAction) -> Result<Transfer, Rejection> {
    told(world.run(Command::ChangeTransfer { transfer: text(id), action }))
}

fn receive(lines: &[(&str, u32)], close: bool) -> TransferAction {
    TransferAction::Receive { lines: units(lines), close }
}

fn told(reply: Result<Reply, Rejection>) -> Result<Transfer, Rejection> {
    match reply? {
        Reply::Transfer(transfer) | Reply::RedatedTransfer { transfer, .. } => Ok(*transfer),
        other => panic!("{other:?}"),
    }
}

/// `on_hand`, `available`, `committed` of a node.
fn stock(world: &World, node: &str) -> [u32; 3] {
    let Level { on_hand, available, committed, .. } = world.level("phone", node);
    [on_hand, available, committed]
}

fn incoming(world: &World, node: &str) -> u64 {
    let view = world.engine.stock("phone").expect("a known sku");
    view.nodes.iter().zip(view.incoming).find(|((id, _), _)| &**id == node).map_or(0, |(_, units)| units)
}

fn by(world: &World, node: Option<&str>, days: i64) -> u64 {
    let now = world.log.now().journal;
    world.engine.atp_by(now, "phone", node, Some(day(world, days))).expect("a known sku").available
}

/// As the thread asks (magento/inventory#133): nobody can buy at the origin what is about to leave it, nor before its
/// date what has not come.
#[test]
fn case_48_units_on_a_transfer_are_reserved_and_have_a_date_of_their_own() {
    for restarts in [false, true] {
        let again = |world: World| if restarts { world.restart() } else { world };
        let world = World::new();
        world.stock("phone", "east", 10).expect("room");
        let made = make(&world, "t", Some(3), &[("phone", 6)]).expect("enough");
        let world = again(world);
        assert_eq!(made.status(), TransferStatus::Ready);
        assert_eq!((stock(&world, "east"), stock(&world, "west")), ([10, 4, 6], [0, 0, 0]));
        assert_eq!((incoming(&world, "west"), world.atp("phone")), (6, 4));
        assert_eq!([by(&world, None, 2), by(&world, None, 3), by(&world, Some("west"), 3)], [4, 10, 6]);

        let gone = change(&world, "t", TransferAction::Dispatch).expect("ready");
        let world = again(world);
        assert_eq!(gone.status(), TransferStatus::InTransit);
        assert_eq!((stock(&world, "east"), stock(&world, "west")), ([4, 4, 0], [0, 0, 0]));
        assert_eq!((incoming(&world, "west"), by(&world, None, 3)), (6, 10));

        let some = change(&world, "t", receive(&[("phone", 2)], false)).expect("on its way");
        let world = again(world);
        assert_eq!(some.status(), TransferStatus::PartiallyReceived);
        assert_eq!((stock(&world, "west"), incoming(&world, "west"), by(&world, None, 3)), ([2, 2, 0], 4, 10));

        let all = change(&world, "t", receive(&[("phone", 4)], false)).expect("on its way");
        let world = again(world);
        assert_eq!((all.status(), all.lines[0].variance()), (TransferStatus::Received, 0));
        assert_eq!((stock(&world, "east"), stock(&world, "west")), ([4, 4, 0], [6, 6, 0]));
        assert_eq!((incoming(&world, "west"), by(&world, None, 9)), (0, 10));
    }
}

#[test]
fn a_transfer_is_made_whole_or_not_at_all() {
    let world = World::new();
    world.stock("phone", "east", 3).expect("room");
    let refused = make(&world, "t", None, &[("case", 1), ("phone", 2)]).unwrap_err();
    assert_eq!(refused.code(), "insufficient_stock");
    assert_eq!(stock(&world, "east"), [3, 3, 0]);
    assert!(world.engine.transfer("t").is_err() && world.engine.transfer_keys().is_empty());
    // The id is free for the next request.
    make(&world, "t", None, &[("phone", 2)]).expect("enough");
    assert_eq!(stock(&world, "east"), [3, 1, 2]);
}

#[test]
fn a_transfer_takes_what_a_lapsed_reservation_held() {
    let world = World::new();
    world.stock("phone", "east", 3).expect("room");
    world.reserve("phone", 2, 60).expect("enough");
    assert_eq!(make(&world, "t", None, &[("phone", 3)]).unwrap_err().code(), "insufficient_stock");
    world.later(60);
    make(&world, "t", None, &[("phone", 3)]).expect("its time is up");
}

#[test]
fn what_comes_short_is_kept_as_a_variance_and_comes_no_more() {
    for restarts in [false, true] {
        for (came, variance) in [(5, -3), (0, -8), (11, 3)] {
            let mut world = World::new();
            world.stock("phone", "east", 8).expect("room");
            make(&world, "t", Some(1), &[("phone", 8)]).expect("enough");
            change(&world, "t", TransferAction::Dispatch).expect("ready");
            let waits = world.order(&[("phone", 20)], None).expect("waits");
            let lines: &[(&str, u32)] = if came == 0 { &[] } else { &[("phone", came)] };
            let closed = change(&world, "t", receive(lines, true)).expect("on its way");
            let world = if restarts { world.restart() } else { world };
            assert_eq!((closed.status(), closed.lines[0].variance()), (TransferStatus::Received, variance));
            let known = world.engine.transfer("t").expect("there");
            assert_eq!(known, closed);
            assert_eq!(stock(&world, "west"), [came, 0, came], "who waits is served");
            assert_eq!((incoming(&world, "west"), by(&world, None, 5)), (0, 0));
            let (_, pegs) = world.engine.pegs_of_order(&waits.name()).expect("there");
            assert!(pegs.iter().all(|peg| peg.supply.is_none()));
        }
    }
}

#[test]
fn who_waits_is_pegged_to_a_transfer_as_to_any_document() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 6).expect("room");
        make(&world, "t", Some(4), &[("phone", 2)]).expect("enough");
        make(&world, "some-day", None, &[("phone", 4)]).expect("enough");
        let announced = AnnounceInbound {
            id: Some(text("po")),
            fingerprint: 1,
            node: text("east"),
            supplier: None,
            eta: day(&world, 2),
            lines: units(&[("phone", 1)]),
        };
        world.run(Command::AnnounceInbound(announced)).expect("good");
        let order = world.order(&[("phone", 6)], None).expect("waits");
        let world = if restarts { world.restart() } else { world };
        let pegs = |world: &World, order: &Order| -> Vec<(String, u32)> {
            let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("there");
            let name = |document: SupplyKey| world.engine.name_of_supply(document).expect("announced");
            pegs.iter().map(|peg| (name(peg.supply.expect("something comes").document), peg.units)).collect()
        };
        let named = |all: &[(&str, u32)]| all.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(pegs(&world, &order), named(&[("po", 1), ("t", 2), ("some-day", 3)]));
        assert_eq!(world.engine.pegs_of_transfer("t").expect("there").1.len(), 1);
        // What has no date can be promised for none.
        assert_eq!(by(&world, None, 36_500), 0);
        change(&world, "some-day", TransferAction::Redate(day(&world, 1))).expect("open");
        assert_eq!(pegs(&world, &order), named(&[("some-day", 4), ("po", 1), ("t", 1)]));
        assert_eq!((by(&world, None, 3), by(&world, None, 4)), (0, 1));
        // Called off, it is waited for no more: who waits takes its units where they are.
        change(&world, "some-day", TransferAction::Cancel(Some(text("not now")))).expect("ready");
        assert_eq!(stock(&world, "east"), [6, 0, 6]);
        assert_eq!(pegs(&world, &order), named(&[("po", 1), ("t", 1)]));
    }
}

#[test]
fn every_step_of_a_transfer_is_legal_where_it_is_listed_and_nowhere_else() {
    type Step = (&'static str, fn(&World) -> TransferAction);
    let steps: [Step; 4] = [
        ("redate", |world| TransferAction::Redate(day(world, 3))),
        ("dispatch", |_| TransferAction::Dispatch),
        ("receive", |_| receive(&[("phone", 1)], false)),
        ("cancel", |_| TransferAction::Cancel(None)),
    ];
    let ways: [(&[TransferAction], &str, &[&str]); 6] = [
        (&[], "ready", &["redate", "dispatch", "cancel"]),
        (&[TransferAction::Dispatch], "in_transit", &["redate", "receive"]),
        (&[TransferAction::Dispatch, receive(&[("phone", 1)], false)], "partially_received", &["redate", "receive"]),
        (&[TransferAction::Dispatch, receive(&[("phone", 3)], false)], "received", &[]),
        (&[TransferAction::Dispatch, receive(&[], true)], "received", &[]),
        (&[TransferAction::Cancel(None)], "cancelled", &[]),
    ];
    for (way, state, legal) in ways {
        for (verb, step) in steps {
            for restarts in [false, true] {
                let mut world = World::new();
                world.stock("phone", "east", 3).expect("room");
                make(&world, "t", Some(1), &[("phone", 3)]).expect("enough");
                for action in way {
                    change(&world, "t", action.clone()).expect("a legal way");
                    world = if restarts { world.restart() } else { world };
                }
                assert_eq!(world.engine.transfer("t").expect("there").status().word(), state);
                let records = world.log.records.lock().len();
                let taken = change(&world, "t", step(&world));
                assert_eq!(taken.is_ok(), legal.contains(&verb), "{verb} when {state}: {taken:?}");
                if let Err(refused) = taken {
                    assert_eq!(refused.code(), "illegal_transition");
                    assert_eq!(world.log.records.lock().len(), records);
                }
                world.restart();
            }
        }
    }
}

#[test]
fn what_means_nothing_is_refused_whole() {
    let world = World::new();
    world.stock("phone", "east", 3).expect("room");
    let codes = |rejection: Rejection| match rejection {
        Rejection::Invalid(faults) => faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
        other => vec![other.code()],
    };
    let refused = |id: &str, from: &str, to: &str, lines: &[(&str, u32)]| {
        let command = ReadyTransfer { from: text(from), to: text(to), ..asked(&world, id, None, lines) };
        codes(told(world.run(Command::ReadyTransfer(command))).unwrap_err())
    };
    assert_eq!(refused("a", "east", "east", &[("phone", 1), ("phone", 2)]), ["same_node", "duplicate_sku"]);
    assert_eq!(
        refused("a", "nowhere", "virtual", &[("bundle", 1)]),
        ["unknown_node", "node_without_stock", "not_stocked"]
    );
    assert_eq!(refused("t-1", "east", "west", &[("none", 1)]), ["invalid_id", "unknown_sku"]);
    make(&world, "t", None, &[("phone", 3)]).expect("enough");
    change(&world, "t", TransferAction::Dispatch).expect("ready");
    assert_eq!(codes(change(&world, "t", receive(&[], false)).unwrap_err()), ["no_lines"]);
    let came = change(&world, "t", receive(&[("case", 1), ("phone", 1), ("phone", 1)], false));
    assert_eq!(codes(came.unwrap_err()), ["unknown_sku", "duplicate_sku"]);
    let most = || receive(&[("phone", 1_000_000_000)], false);
    change(&world, "t", receive(&[("phone", 1)], false)).expect("on its way");
    assert_eq!(codes(change(&world, "t", most()).unwrap_err()), ["quantity_out_of_range"]);
    assert_eq!(stock(&world, "west"), [1, 1, 0]);
}

#[test]
fn an_id_sent_again_is_the_same_transfer() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    make(&world, "t", None, &[("phone", 2)]).expect("enough");
    let again = |fingerprint| {
        let command = ReadyTransfer { fingerprint, ..asked(&world, "t", None, &[("phone", 2)]) };
        world.engine.execute(&*world.log, &Context::library(), Command::ReadyTransfer(command))
    };
    assert!(matches!(again(1), Ok(Executed::Repeat { .. })));
    assert!(matches!(again(2), Err(Rejection::IdTaken { .. })));
    assert_eq!(stock(&world, "east"), [5, 3, 2]);
}

#[test]
fn what_was_counted_away_and_is_dispatched_was_there() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("room");
    make(&world, "t", None, &[("phone", 5)]).expect("enough");
    world.stock("phone", "east", -2).expect("it was there");
    assert_eq!(world.level("phone", "east").shortfall, 2);
    change(&world, "t", TransferAction::Dispatch).expect("the carrier has it");
    assert_eq!((stock(&world, "east"), world.level("phone", "east").shortfall), ([0, 0, 0], 0));
}

#[test]
fn a_transfer_that_moves_tells_whose_promises_it_moves() {
    let mut world = World::new();
    world.stock("phone", "east", 3).expect("room");
    make(&world, "t", Some(3), &[("phone", 3)]).expect("enough");
    let order = world.order(&[("phone", 2)], None).expect("waits");
    let key = Context { key: Some(IdempotencyKey { hash: 7, fingerprint: 1 }), ..Context::library() };
    let later = day(&world, 8);
    let move_it = || Command::ChangeTransfer { transfer: text("t"), action: TransferAction::Redate(later) };
    let was = day(&world, 3);
    let reply = world.run_as(&key, move_it()).expect("on its way");
    let Reply::RedatedTransfer { transfer, count, first } = &reply else { panic!("{reply:?}") };
    assert_eq!((transfer.eta, *count, first.len()), (Some(later), 1, 1));
    let told = &first[0];
    assert_eq!((told.order.as_str(), told.told.units), (order.name().as_str(), 2));
    assert_eq!((told.told.was, told.told.now), (Some(was), Some(later)));
    world.repeats(&key, move_it());
    let records = world.log.records.lock();
    let used = records.iter().flat_map(|record| &record.events).find_map(|event| match event {
        crate::domain::event::Event::KeyUsed(used) => Some(used.answer.clone()),
        _ => None,
    });
    let again = world.engine.answer(None, &used.expect("the key took effect"), &|_| None).expect("it is there");
    assert_eq!(again, reply, "a repeat is answered alike");
    drop(records);
    let reply = world.run(Command::ChangeTransfer { transfer: text("t"), action: TransferAction::Redate(later) });
    assert!(matches!(reply, Ok(Reply::RedatedTransfer { count: 0, .. })), "nobody's day changes");
}

#[test]
fn a_transfer_that_is_called_off_tells_whose_promises_it_moves() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 3).expect("room");
        make(&world, "t", Some(3), &[("phone", 3)]).expect("enough");
        make(&world, "u", Some(9), &[("phone", 1)]).expect_err("all of it goes already");
        world.run(put_of("shop", Some(&["west"]))).expect("good");
        let placed = PlaceOrder { channel: text("shop"), ..World::order_of("s", &[("phone", 2)], None) };
        let Reply::Order(order) = world.run(Command::PlaceOrder(Box::new(placed))).expect("waits") else { panic!() };
        let mut world = if restarts { world.restart() } else { world };
        let key = Context { key: Some(IdempotencyKey { hash: 7, fingerprint: 1 }), ..Context::library() };
        let call_off = || Command::ChangeTransfer { transfer: text("t"), action: TransferAction::Cancel(None) };
        let reply = world.run_as(&key, call_off()).expect("it has not left");
        let Reply::RedatedTransfer { transfer, count, first } = &reply else { panic!("{reply:?}") };
        assert_eq!((transfer.status(), *count, first.len()), (TransferStatus::Cancelled, 1, 1));
        assert_eq!(first[0].order, order.name());
        assert_eq!((first[0].told.units, first[0].told.was, first[0].told.now), (2, Some(day(&world, 3)), None));
        world.repeats(&key, call_off());
        world.order(&[("phone", 3)], None).expect("they are free again in the east");
    }
}

fn put_of(id: &str, nodes: Option<&[&str]>) -> Command {
    Command::PutChannel(Box::new(PutChannel {
        id: text(id),
        name: text(id),
        nodes: nodes.map(|nodes| nodes.iter().map(|node| text(node)).collect()),
        customers: Vec::new(),
        limits: Vec::new(),
        payment_before: PaymentBefore::default(),
        payment_methods: Vec::new(),
    }))
}

#[test]
fn a_transfer_that_is_late_or_brings_more_is_a_case() {
    use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
    for restarts in [false, true] {
        let again = |world: World| {
            let world = if restarts { world.restart() } else { world };
            world.engine.expire_due(&*world.log);
            world
        };
        let world = World::new();
        world.stock("phone", "east", 10).expect("room");
        let made = make(&world, "t", Some(1), &[("phone", 5)]).expect("enough");
        change(&world, "t", TransferAction::Dispatch).expect("ready");
        let is_open = |world: &World, kind| {
            let key = ExceptionKey { kind, subject: Subject::Transfer(made.key) };
            world.engine.exception_by_key(key).is_some_and(|case| case.is_open())
        };
        let world = again(world);
        assert!(!is_open(&world, ExceptionKind::LateSupply));
        world.later(25 * 3_600);
        let world = again(world);
        assert!(is_open(&world, ExceptionKind::LateSupply));
        change(&world, "t", receive(&[("phone", 7)], false)).expect("on its way");
        assert!(is_open(&world, ExceptionKind::TransferVariance), "two more came than went");
        world.later(61);
        let world = again(world);
        assert!(!is_open(&world, ExceptionKind::LateSupply), "it came");
    }
}
