//! A repeated request is answered as the first one was, whatever became of the order since, and after a restart too.

use std::sync::Arc;

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::fulfillment::Shipment;
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::Order;
use crate::domain::record::{Log, Record};
use crate::domain::reply::Reply;
use crate::domain::returns::{Condition, Disposition};
use crate::domain::subscription::{Every, WhenShort};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};
use crate::engine::Executed;

fn keyed(hash: u128) -> Context {
    Context {
        key: Some(IdempotencyKey { hash, fingerprint: 1 }),
        request_id: text(&format!("request-{hash}")),
        ..Context::library()
    }
}

/// A repeat as the pipeline answers it.
fn again(world: &World, context: &Context, command: Command) -> Reply {
    let executed = world.engine.execute(&*world.log, context, command);
    let Ok(Executed::RepeatKey { seq }) = executed else { panic!("{executed:?}") };
    let records: Vec<Arc<Record>> = world.log.records.lock().iter().cloned().map(Arc::new).collect();
    let kept = |seq: u64| records.get(seq as usize - 1).cloned();
    let record = kept(seq).expect("kept");
    let used = record.events.iter().find_map(|event| match event {
        Event::KeyUsed(used) => Some(used.answer.clone()),
        _ => None,
    });
    world.engine.answer(Some(&record), &used.expect("a key was used"), &kept).expect("it is there")
}

fn step(order: &Order, number: u16, action: FulfillmentAction) -> Command {
    let key = FulfillmentKey { order: order.key, number };
    Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })
}

/// What every answer about an order has.
fn order_in(reply: &Reply) -> &Order {
    match reply {
        Reply::Order(order)
        | Reply::Fulfillment { order, .. }
        | Reply::Hold { order, .. }
        | Reply::Edit { order, .. } => order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeated_step_is_answered_as_the_first_was() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 4).expect("room");
        world.stock("phone", "west", 4).expect("room");
        let order = world.order(&[("phone", 3)], None).expect("enough");
        let name = text(&order.name());
        let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
        let lines = vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }];
        let hold = AskedHold { kind: HoldKind::Manual, reason: text("look"), release_at: None, release_on: None };
        let hold = PutHold { order: name.clone(), hold };
        let steps = [
            step(&order, 1, FulfillmentAction::Reject { reason: text("too_busy") }),
            Command::PutHold(hold),
            Command::EndHold(EndHold {
                order: name.clone(),
                hold: text("hold-1"),
                state: HoldState::Resolved,
                reason: None,
            }),
            Command::CancelOrder(CancelOrder { order: name.clone(), lines: Some(lines), reason: text("changed mind") }),
            step(&order, 2, FulfillmentAction::Accept),
            step(&order, 2, FulfillmentAction::Pick { lines: None }),
            step(&order, 2, FulfillmentAction::Pack),
            step(&order, 2, FulfillmentAction::Ship { shipment }),
        ];
        let mut first = Vec::new();
        for (at, command) in (1..).zip(&steps) {
            first.push(world.run_as(&keyed(at), command.clone()).expect("it can be taken"));
            if restarts {
                world = world.restart();
            }
            for ((known, reply), before) in (1..).zip(&first).zip(&steps) {
                let repeated = again(&world, &keyed(known), before.clone());
                let (now, then) = (order_in(&repeated), order_in(reply));
                assert_eq!(now.version, then.version, "step {known} after {at}");
                assert!(now.is_same_as(then), "step {known} after {at}: {now:?} is not {then:?}");
            }
        }
        let versions: Vec<u32> = first.iter().map(|reply| order_in(reply).version).collect();
        assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "each step has its own: {versions:?}");
    }
}

#[test]
fn an_order_that_went_on_is_answered_as_it_was_placed_though_its_units_had_to_wait() {
    let world = World::new();
    let command = Command::PlaceOrder(Box::new(World::order_of("1", &[("phone", 2)], None)));
    let first = world.run_as(&keyed(1), command.clone()).expect("it waits");
    world.stock("phone", "east", 2).expect("room");
    let repeated = again(&world, &keyed(1), command);
    assert!(order_in(&repeated).is_same_as(order_in(&first)), "{repeated:?}");
}

#[test]
fn where_its_records_are_kept_no_longer_an_order_answers_as_it_stands() {
    let mut world = World::new();
    world.stock("phone", "east", 1).expect("room");
    let order = world.order(&[("phone", 1)], None).expect("enough");
    let accept = step(&order, 1, FulfillmentAction::Accept);
    world.run_as(&keyed(1), accept).expect("submitted");
    world.run(step(&order, 1, FulfillmentAction::Pick { lines: None })).expect("accepted");
    let answer = crate::domain::event::Answer::Order(order.key);
    let record = world.log.records.lock().iter().rev().nth(1).cloned().expect("the acceptance");
    let reply = world.engine.answer(Some(&record), &answer, &|_| None).expect("it is there");
    assert_eq!(order_in(&reply).version, world.engine.order(&order.name()).expect("known").version);
}

/// A world with something of every kind that takes steps and is no order.
fn agreements() -> World {
    let mut world = World::new();
    world.stock("phone", "east", 20).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    for action in [
        FulfillmentAction::Accept,
        FulfillmentAction::Pick { lines: None },
        FulfillmentAction::Pack,
        FulfillmentAction::Ship { shipment },
    ] {
        world.fulfill(&order, 1, action).expect("its steps in their order");
    }
    let units = |n| SkuUnits { sku: text("phone"), quantity: quantity(n) };
    let eta = WallTime(world.log.now().wall.0 + 86_400_000);
    let inbound = AnnounceInbound {
        id: Some(text("d")),
        fingerprint: 1,
        node: text("west"),
        supplier: None,
        eta,
        lines: vec![units(3)],
    };
    let transfer = ReadyTransfer {
        id: Some(text("t")),
        fingerprint: 1,
        from: text("east"),
        to: text("west"),
        eta: Some(eta),
        lines: vec![units(3)],
        is_draft: false,
    };
    let subscription = PutSubscription {
        id: text("s"),
        order: World::order_of("", &[("phone", 1)], None),
        every: Every::parse("P1D").expect("a day"),
        next_at: eta,
        when_short: WhenShort::Backorder,
    };
    let line = ReserveLine { sku: text("phone"), quantity: quantity(2), node: None };
    let cart = Reserve { id: Some(text("r")), ..World::reserve_of(vec![line], 600) };
    let back = ReturnUnits { line: text("1"), quantity: quantity(2), reason: text("small"), condition: None };
    let back = RequestReturn {
        id: Some(text("b")),
        fingerprint: 0,
        order: text(&order.name()),
        lines: vec![back],
        exchange: Vec::new(),
        is_claim: false,
    };
    let count =
        PlanCount { id: Some(text("c")), fingerprint: 1, node: text("east"), skus: vec![text("phone"), text("case")] };
    for command in [
        Command::AnnounceInbound(inbound),
        Command::ReadyTransfer(transfer),
        Command::PutSubscription(Box::new(subscription)),
        Command::Reserve(cart),
        Command::RequestReturn(Box::new(back)),
        Command::PlanCount(count),
    ] {
        world.run(command).expect("good");
    }
    world.order(&[("cable", 1)], None).expect("waits: a case");
    world
}

/// Steps of all of them, in an order in which they can be taken.
fn steps_of_agreements(world: &World) -> Vec<Command> {
    let later = WallTime(world.log.now().wall.0 + 9 * 86_400_000);
    let came = |n| vec![CameUnits::from(SkuUnits { sku: text("phone"), quantity: quantity(n) })];
    let inbound = |action| Command::ChangeInbound { inbound: text("d"), action };
    let transfer = |action| Command::ChangeTransfer { transfer: text("t"), action };
    let schedule = |action| Command::ChangeSubscription { subscription: text("s"), action };
    let case = |action| Command::ChangeException { exception: text("x-stock_out-s-2"), action };
    let back = |action| Command::ChangeReturn { returned: text("b"), action };
    let count = |action| Command::ChangeCount { count: text("c"), action };
    let cart = |ttl_s, owner: Option<&str>| {
        let owner = owner.map(text);
        Command::ChangeReservation(ChangeReservation { owner, reservation: text("r"), ttl_s, lines: None })
    };
    let returned = ReturnedUnits {
        component: None,
        line: text("1"),
        quantity: quantity(1),
        condition: Some(Condition::New),
        disposition: Some(Disposition::Restock),
        names: Names::default(),
    };
    let receipt = || ReturnAction::Receive { node: Some(text("east")), lines: vec![returned.clone()] };
    let (carrier, tracking_number) = (text("post"), text("1"));
    let labelled = ReturnAction::Label { node: None, carrier, service: None, tracking_number };
    let (at, status) = (WallTime(world.log.now().wall.0), TrackingStatus::InTransit);
    let scans = vec![Scan { at, status, id: None, place: None, text: None }];
    let seen = TrackReturn { returned: text("b"), label: 1, scans, estimated_at: None };
    let found = FoundUnits { sku: text("phone"), on_hand: 13 };
    vec![
        inbound(InboundAction::Receive(came(1))),
        inbound(InboundAction::Redate(later)),
        transfer(TransferAction::Redate(later)),
        transfer(TransferAction::Dispatch),
        schedule(SubscriptionAction::Pause(None)),
        schedule(SubscriptionAction::Resume),
        case(ExceptionAction::Assign { owner: text("ann") }),
        back(ReturnAction::Approve { node: None }),
        back(labelled),
        Command::TrackReturn(Box::new(seen)),
        back(receipt()),
        count(CycleCountAction::Submit { lines: vec![found], counted_at: None }),
        cart(Some(900), None),
        cart(None, Some("order-desk")),
        inbound(InboundAction::End(None)),
        transfer(TransferAction::Receive { lines: came(1), close: false }),
        transfer(TransferAction::Receive { lines: Vec::new(), close: true }),
        schedule(SubscriptionAction::Cancel(None)),
        case(ExceptionAction::Resolve { reason: text("bought") }),
        back(receipt()),
        count(CycleCountAction::Cancel(None)),
        Command::ReleaseReservation { reservation: text("r") },
    ]
}

#[test]
fn a_repeated_step_of_what_is_no_order_is_answered_as_the_first_was() {
    for restarts in [false, true] {
        let mut world = agreements();
        let steps = steps_of_agreements(&world);
        let mut first = Vec::new();
        for (at, command) in (1..).zip(&steps) {
            first.push(world.run_as(&keyed(at), command.clone()).expect("it can be taken"));
            if restarts {
                world = world.restart();
            }
            for ((known, reply), before) in (1..).zip(&first).zip(&steps) {
                assert_eq!(again(&world, &keyed(known), before.clone()), *reply, "step {known} after {at}");
            }
        }
    }
}

#[test]
fn a_step_that_leaves_no_room_for_what_it_changed_is_taken_all_the_same() {
    let world = agreements();
    let cart = |ttl_s| {
        let ttl_s = Some(ttl_s);
        Command::ChangeReservation(ChangeReservation { owner: None, reservation: text("r"), ttl_s, lines: None })
    };
    world.log.is_tight.store(true, std::sync::atomic::Ordering::SeqCst);
    world.run_as(&keyed(1), cart(700)).expect("held");
    let then = world.run(cart(800)).expect("held");
    assert_eq!(again(&world, &keyed(1), cart(700)), then, "as it stands");
}
