//! A fulfilment order's ways off the straight one: put back, scheduled, taken back, moved, split, merged.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::FulfillmentStatus::{self, Accepted, Cancelled, PutBack, Ready, Scheduled, Submitted};
use crate::domain::fulfillment::{FulfillmentVerb, Shipment, ShortReason};
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::order::{Order, OrderStatus, OrderType};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::returns::{Condition, Disposition};
use crate::domain::time::WallTime;

fn units(line: &str, n: u32) -> Vec<NamedUnits> {
    vec![NamedUnits { line: text(line), quantity: quantity(n) }]
}

fn now(world: &World, order: &Order) -> Order {
    world.engine.order(&order.name()).expect("it is there").as_ref().clone()
}

fn stands(order: &Order) -> Vec<FulfillmentStatus> {
    order.fulfillment_orders.iter().map(|f| f.status).collect()
}

/// The clock comes by, before or after a restart.
fn take(world: &World, order: &Order, actions: &[FulfillmentAction]) -> Order {
    actions.iter().fold(order.clone(), |order, action| world.fulfill(&order, 1, action.clone()).expect("legal"))
}

fn pick() -> FulfillmentAction {
    FulfillmentAction::Pick { lines: None }
}

fn stop(resource: bool) -> FulfillmentAction {
    FulfillmentAction::Cancel { reason: text("changed mind"), resource }
}

fn in_a_minute(world: &World) -> WallTime {
    WallTime(world.log.now().wall.0 + 60_000)
}

#[test]
fn what_was_packed_is_sold_again_only_when_it_is_on_its_shelf_and_to_who_waits_first() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 3).expect("room");
        let order = world.order(&[("phone", 3)], None).expect("enough");
        let waits = world.order(&[("phone", 1)], None).expect("waits");
        use FulfillmentAction::{Accept, CancelAccept, Pack};
        let order = take(&world, &order, &[Accept, pick(), Pack, stop(false), CancelAccept]);
        assert_eq!((stands(&order), order.totals().cancelled), (vec![PutBack], 3));
        let level = world.level("phone", "east");
        assert_eq!((level.quality_control, level.available, level.committed), (3, 0, 0));
        let world = world.later_on(0, restarts);
        assert_eq!(now(&world, &waits).totals().backordered, 1, "nobody gets what is not on its shelf");
        let too_many = world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: Some(units("1", 4)) });
        assert!(matches!(too_many, Err(Rejection::Invalid(_))), "{too_many:?}");
        let order = world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: Some(units("1", 2)) }).expect("legal");
        assert_eq!(stands(&order), [Cancelled]);
        let level = world.level("phone", "east");
        assert_eq!((level.quality_control, level.available, level.committed), (1, 1, 1), "one is not fit to be sold");
        assert_eq!(now(&world, &waits).totals().allocated, 1);
        let again = world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: None });
        assert!(matches!(again, Err(Rejection::IllegalStep { .. })), "{again:?}");
    }
}

#[test]
fn units_that_somebody_moved_out_of_quality_control_are_not_put_back_twice() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    use FulfillmentAction::{Accept, CancelAccept};
    let order = take(&world, &order, &[Accept, pick(), stop(false), CancelAccept]);
    let found = StockMove {
        sku: text("phone"),
        node: text("east"),
        from: StockState::QualityControl,
        to: StockState::Available,
        quantity: quantity(1),
    };
    world.run(Command::MoveStock(vec![found])).expect("it lies there");
    let all = world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: None });
    assert!(matches!(all, Err(Rejection::InsufficientState { has: 1, requested: 2, .. })), "{all:?}");
    world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: Some(units("1", 1)) }).expect("the other one");
    assert_eq!((world.level("phone", "east").quality_control, world.atp("phone")), (0, 2));
}

#[test]
fn a_picked_kit_that_goes_elsewhere_leaves_its_components_to_be_put_back() {
    let mut world = World::new();
    for (sku, node, n) in [("phone", "east", 1), ("case", "east", 2), ("phone", "west", 1), ("case", "west", 2)] {
        world.stock(sku, node, n).expect("room");
    }
    let order = world.order(&[("bundle", 1)], None).expect("enough");
    use FulfillmentAction::{Accept, CancelAccept};
    let order = take(&world, &order, &[Accept, pick(), stop(true), CancelAccept]);
    assert_eq!((stands(&order), order.totals().allocated), (vec![PutBack, Submitted], 1));
    assert_eq!((world.level("phone", "east").quality_control, world.level("case", "east").quality_control), (1, 2));
    take(&world, &order, &[FulfillmentAction::PutBack { lines: None }]);
    assert_eq!((world.level("phone", "east").available, world.level("case", "east").available), (1, 2));
}

#[test]
fn what_nobody_picks_up_in_its_window_goes_back() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 2).expect("room");
        let order = world.order(&[("phone", 2)], None).expect("enough");
        use FulfillmentAction::{Accept, CancelRefuse, Pack};
        let past = FulfillmentAction::Ready { until: Some(world.log.now().wall) };
        let order = take(&world, &order, &[Accept, pick(), Pack]);
        assert!(matches!(world.fulfill(&order, 1, past), Err(Rejection::Invalid(_))));
        let until = Some(in_a_minute(&world));
        // Somebody asks to stop it and the node goes on: the window is as it was.
        let order = take(&world, &order, &[FulfillmentAction::Ready { until }, stop(false)]);
        world.later(59);
        let world = world.later_on(0, restarts);
        let order = take(&world, &order, &[CancelRefuse]);
        assert_eq!(stands(&order), [Ready]);
        let world = world.later_on(0, restarts);
        assert_eq!(stands(&now(&world, &order)), [Ready]);
        world.later(1);
        let world = world.later_on(0, restarts);
        let back = now(&world, &order);
        assert_eq!((stands(&back), back.totals().cancelled), (vec![PutBack], 2));
        assert_eq!(back.fulfillment_orders[0].reason.as_deref(), Some("pickup_window_ended"));
        assert_eq!(world.level("phone", "east").quality_control, 2);
        let late = world.fulfill(&order, 1, FulfillmentAction::HandOver);
        assert!(matches!(late, Err(Rejection::IllegalStep { .. })), "{late:?}");
        let records = world.log.records.lock().len();
        let world = world.later_on(0, restarts);
        assert_eq!(world.log.records.lock().len(), records, "once");
    }
}

#[test]
fn an_order_with_a_window_is_handed_to_its_nodes_when_it_begins() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 1).expect("room");
        let release_at = Some(in_a_minute(&world));
        let place = PlaceOrder {
            wishes: Wishes { release_at, ..Wishes::default() },
            ..World::order_of("c-1", &[("phone", 2)], None)
        };
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(place))) else { panic!("placed") };
        assert_eq!((stands(&order), order.totals().allocated, order.totals().backordered), (vec![Scheduled], 1, 1));
        let early = world.fulfill(&order, 1, FulfillmentAction::Accept);
        assert!(matches!(early, Err(Rejection::IllegalStep { .. })), "{early:?}");
        world.later(30);
        // What comes for it later waits for the same window.
        world.stock("phone", "west", 1).expect("room");
        let world = world.later_on(0, restarts);
        assert_eq!(stands(&now(&world, &order)), [Scheduled, Scheduled]);
        world.later(30);
        let world = world.later_on(0, restarts);
        assert_eq!(stands(&now(&world, &order)), [Submitted, Submitted]);
        let past = PlaceOrder {
            wishes: Wishes { release_at, ..Wishes::default() },
            ..World::order_of("c-2", &[("phone", 1)], None)
        };
        assert!(matches!(world.run(Command::PlaceOrder(Box::new(past))), Err(Rejection::Invalid(_))));
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
    }
}

#[test]
fn a_move_takes_at_one_node_and_gives_at_the_other_or_does_nothing() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 3).expect("room");
        world.stock("phone", "west", 3).expect("room");
        let order = world.order(&[("phone", 3)], None).expect("enough");
        let waits = world.order(&[("phone", 4)], None).expect("some wait");
        let to = |node: &str| FulfillmentAction::Move { node: text(node) };
        let short = world.fulfill(&order, 1, to("west"));
        assert!(matches!(short, Err(Rejection::InsufficientStock { requested: 3, available: 0, .. })), "{short:?}");
        world.cancel(&waits, None).expect("nothing of it is picked");
        let cost = order.decision.as_ref().expect("it was decided").cost.amount;
        let order = take(&world, &order, &[FulfillmentAction::Accept, to("west")]);
        let west = world.engine.catalogue(|c| c.node_index("west").expect("it is there"));
        assert_eq!((stands(&order), order.fulfillment_orders[0].node), (vec![Submitted], west));
        let decision = order.decision.as_ref().expect("it was decided");
        assert_eq!(decision.assignments[0].node, west);
        assert!(decision.cost.amount > cost && !decision.optimal, "the farther node costs more, and it is told");
        assert_eq!(decision.cost.amount - cost, decision.assignments[0].cost - cost);
        assert_eq!((world.level("phone", "east").available, world.level("phone", "west").committed), (3, 3));
        for (node, code) in [("west", "same_node"), ("nowhere", "unknown_node"), ("virtual", "node_inactive")] {
            assert_eq!(world.fulfill(&order, 1, to(node)).map_err(|r| r.code()).err(), Some(code), "{node}");
        }
        let world = world.later_on(0, restarts);
        let order = take(&world, &order, &[FulfillmentAction::Accept, pick()]);
        let late = world.fulfill(&order, 1, to("east"));
        assert!(matches!(late, Err(Rejection::IllegalStep { .. })), "{late:?}");
    }
}

#[test]
fn what_is_given_back_by_a_move_goes_to_who_waits() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    // Only this order may be served from west: it is reserved there for a moment.
    world.stock("phone", "west", 2).expect("room");
    let held = world.reserve("phone", 2, 60).expect("enough");
    let waits = world.order(&[("phone", 2)], None).expect("waits");
    world.later(60);
    // What is due is expired before the move is refused; but it belongs to who waits.
    let refused = world.fulfill(&order, 1, FulfillmentAction::Move { node: text("west") });
    assert!(matches!(refused, Err(Rejection::InsufficientStock { .. })), "{refused:?}");
    assert_eq!((held.lines.len(), now(&world, &waits).totals().allocated), (1, 2));
}

#[test]
fn a_split_makes_a_sibling_and_a_merge_one_of_two() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        world.stock("case", "east", 5).expect("room");
        let order = world.order(&[("phone", 3), ("case", 2)], None).expect("enough");
        let split = |lines| FulfillmentAction::Split { lines };
        let all = [units("1", 3), units("2", 2)].concat();
        let code = |result: Result<Order, Rejection>| result.map_err(|r| r.code()).err();
        assert_eq!(code(world.fulfill(&order, 1, split(all))), Some("nothing_left"));
        assert_eq!(code(world.fulfill(&order, 1, split(units("1", 4)))), Some("quantity_out_of_range"));
        assert_eq!(code(world.fulfill(&order, 1, split(vec![]))), Some("no_lines"));
        let order = take(&world, &order, &[FulfillmentAction::Accept, split(units("1", 1))]);
        let order = world.fulfill(&order, 2, FulfillmentAction::Pick { lines: None }).expect("the sibling is as far");
        assert_eq!(order.fulfillment_orders[1].split_from, Some(1));
        assert_eq!((order.totals().picked, order.totals().released), (1, 4));
        let order = world.fulfill(&order, 1, split(units("2", 2))).expect("legal");
        let world = world.later_on(0, restarts);
        let with =
            |number| FulfillmentAction::Merge { with: text(&FulfillmentKey { order: order.key, number }.to_string()) };
        assert_eq!(code(world.fulfill(&order, 1, with(2))), Some("not_mergeable"), "one is picked");
        assert_eq!(code(world.fulfill(&order, 1, with(1))), Some("unknown_fulfillment_order"));
        assert_eq!(code(world.fulfill(&order, 1, with(9))), Some("unknown_fulfillment_order"));
        let order = take(&world, &order, &[with(3)]);
        assert_eq!((stands(&order)[0], stands(&order)[2]), (Accepted, Cancelled));
        assert_eq!(order.fulfillment_orders[2].merged_into, Some(1));
        assert_eq!((order.fulfillment_orders[0].units(), order.fulfillment_orders[2].units()), (4, 0));
        assert_eq!((world.level("phone", "east").committed, world.level("case", "east").committed), (3, 2));
        let world = world.later_on(0, restarts);
        let order = take(&world, &order, &[pick()]);
        assert_eq!(order.totals().picked, 5);
    }
}

/// The ways to every status that is stored, each from a new order of three units.
fn ways() -> Vec<(FulfillmentStatus, Vec<FulfillmentAction>)> {
    use FulfillmentAction::{Accept, CancelAccept, Deliver, HandOver, Pack, Reject, Ship, Short};
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    let (ship, ready) = (Ship { shipment }, FulfillmentAction::Ready { until: None });
    let gone = Short { lines: units("1", 3), reason: ShortReason::Mismatch };
    let some = FulfillmentAction::Pick { lines: Some(units("1", 1)) };
    let way = |status, actions: &[FulfillmentAction]| (status, actions.to_vec());
    vec![
        way(Submitted, &[]),
        way(Accepted, &[Accept]),
        way(FulfillmentStatus::Picking, &[Accept, some.clone()]),
        way(FulfillmentStatus::Picked, &[Accept, pick()]),
        way(FulfillmentStatus::Packed, &[Accept, pick(), Pack]),
        way(Ready, &[Accept, pick(), Pack, ready]),
        way(FulfillmentStatus::Shipped, &[Accept, pick(), Pack, ship.clone()]),
        way(FulfillmentStatus::Delivered, &[Accept, pick(), Pack, ship, Deliver]),
        way(FulfillmentStatus::Delivered, &[Accept, pick(), Pack, HandOver]),
        way(FulfillmentStatus::Rejected, &[Reject { reason: text("closed") }]),
        way(FulfillmentStatus::Incomplete, &[Accept, gone]),
        way(FulfillmentStatus::Cancelling, &[Accept, some.clone(), stop(false)]),
        way(Cancelled, &[Accept, stop(false)]),
        way(PutBack, &[Accept, some, stop(false), CancelAccept]),
    ]
}

/// Every verb a caller can ask for.
fn asked() -> Vec<(FulfillmentVerb, FulfillmentAction)> {
    use FulfillmentAction::{Accept, CancelAccept, CancelRefuse, Deliver, HandOver, Pack, Reject, Ship, Short};
    let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
    vec![
        (FulfillmentVerb::Accept, Accept),
        (FulfillmentVerb::Reject, Reject { reason: text("closed") }),
        (FulfillmentVerb::Pick, FulfillmentAction::Pick { lines: None }),
        (FulfillmentVerb::Short, Short { lines: units("1", 1), reason: ShortReason::Damaged }),
        (FulfillmentVerb::Pack, Pack),
        (FulfillmentVerb::Ready, FulfillmentAction::Ready { until: None }),
        (FulfillmentVerb::Ship, Ship { shipment }),
        (FulfillmentVerb::HandOver, HandOver),
        (FulfillmentVerb::Deliver, Deliver),
        (FulfillmentVerb::Cancel, stop(false)),
        (FulfillmentVerb::CancelAccept, CancelAccept),
        (FulfillmentVerb::CancelRefuse, CancelRefuse),
        (FulfillmentVerb::PutBack, FulfillmentAction::PutBack { lines: None }),
        (FulfillmentVerb::Move, FulfillmentAction::Move { node: text("west") }),
        (FulfillmentVerb::Split, FulfillmentAction::Split { lines: units("1", 1) }),
        (FulfillmentVerb::Arrive, FulfillmentAction::Arrive { spot: None }),
        (FulfillmentVerb::Receive, FulfillmentAction::Receive),
    ]
}

#[test]
fn every_status_takes_the_steps_of_its_table_and_no_other() {
    for ((status, way), restarts) in ways().into_iter().flat_map(|way| [(way.clone(), false), (way, true)]) {
        for (verb, action) in asked() {
            let mut world = World::new();
            world.stock("phone", "east", 3).expect("room");
            world.stock("phone", "west", 3).expect("room");
            let order = world.order(&[("phone", 3)], None).expect("enough");
            let order = take(&world, &order, &way);
            assert_eq!(order.fulfillment_orders[0].status, status, "{way:?}");
            let world = if restarts { world.restart() } else { world };
            let before = world.log.records.lock().len();
            match world.fulfill(&order, 1, action) {
                Ok(_) => assert!(status.legal().contains(&verb), "{status:?} took {verb:?}"),
                Err(Rejection::IllegalStep { status: told, leg, .. }) => {
                    let legal = status.legal().contains(&verb) && leg.takes(verb);
                    assert!(!legal && told == status, "{status:?} refused {verb:?}");
                    assert_eq!(world.log.records.lock().len(), before, "a refusal writes nothing");
                }
                // What names units of a line may find none left.
                Err(Rejection::Invalid(_)) => assert!(!status.legal().contains(&verb) || verb == FulfillmentVerb::Move),
                Err(other) => panic!("{status:?} {verb:?}: {other}"),
            }
        }
    }
}

/// Every word an order can be told to stand at; those of drafts come with them.
fn all_words() -> Vec<&'static str> {
    use OrderStatus::*;
    let next = |status| match status {
        Cancelled => Some(OnHold),
        OnHold => Some(Returned),
        Returned => Some(PartiallyReturned),
        PartiallyReturned => Some(Fulfilled),
        Fulfilled => Some(Shipped),
        Shipped => Some(PartiallyShipped),
        PartiallyShipped => Some(SplitFulfillment),
        SplitFulfillment => Some(InFulfillment),
        InFulfillment => Some(FullyAllocated),
        FullyAllocated => Some(PartiallyAllocated),
        PartiallyAllocated => Some(Backordered),
        Backordered => Some(Preordered),
        Preordered => Some(AllocationFailed),
        AllocationFailed => Some(RoutingFailed),
        RoutingFailed => Some(Routed),
        Routed => Some(Received),
        Received => None,
    };
    std::iter::successors(Some(Cancelled), |status| next(*status)).map(OrderStatus::word).collect()
}

#[test]
fn an_order_comes_to_every_status_there_is() {
    use FulfillmentAction::{Accept, Deliver, Pack, Ship};
    for restarts in [false, true] {
        let mut seen = std::collections::BTreeSet::new();
        let mut world = World::new();
        let mut see = |world: World, order: &Order| {
            let world = if restarts { world.restart() } else { world };
            seen.insert(now(&world, order).status().word());
            world
        };
        let place = |world: &World, id: &str, n: u32, kind: OrderType, deferred: bool| {
            let deferred = deferred.then_some(Deferred { allocate_at: None });
            let wishes = Wishes { deferred, ..Wishes::default() };
            let order = PlaceOrder { kind, wishes, ..World::order_of(id, &[("phone", n)], None) };
            match world.run(Command::PlaceOrder(Box::new(order))) {
                Ok(Reply::Order(order)) => (*order).clone(),
                other => panic!("{other:?}"),
            }
        };
        let rest = |world: &World, command: fn(Text) -> Command, order: &Order| {
            world.run(command(text(&order.name()))).expect("it rests");
        };
        let route = |order| Command::RouteOrder { order };
        let allocate = |order| Command::AllocateOrder { order };
        // Nothing is there: what rests finds nobody, what does not waits.
        let resting = place(&world, "s-1", 2, OrderType::Standard, true);
        world = see(world, &resting);
        rest(&world, route, &resting);
        world = see(world, &resting);
        let undated = place(&world, "s-2", 1, OrderType::PreOrder, false);
        world = see(world, &undated);
        world.cancel(&undated, None).expect("it waits");
        world = see(world, &undated);
        // It is planned, somebody is quicker, and who is late waits beside it.
        world.stock("phone", "east", 2).expect("room");
        rest(&world, route, &resting);
        world = see(world, &resting);
        let quick = world.order(&[("phone", 2)], None).expect("enough");
        world = see(world, &quick);
        rest(&world, allocate, &resting);
        world = see(world, &resting);
        world.cancel(&resting, None).expect("it rests");
        let late = world.order(&[("phone", 2)], None).expect("waits");
        world = see(world, &late);
        world.stock("phone", "west", 1).expect("room");
        world = see(world, &late);
        world.stock("phone", "east", 1).expect("room");
        // Both of its shipments go their way, one before the other.
        let hold = AskedHold { kind: HoldKind::Fraud, reason: text("look"), release_at: None, release_on: None };
        world.run(Command::PutHold(PutHold { order: text(&late.name()), hold })).expect("open");
        world = see(world, &late);
        let over =
            EndHold { order: text(&late.name()), hold: text("hold-1"), state: HoldState::Resolved, reason: None };
        world.run(Command::EndHold(over)).expect("active");
        let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
        for number in [1, 2] {
            world.fulfill(&late, number, Accept).expect("legal");
        }
        world = see(world, &late);
        for number in [1, 2] {
            for action in [pick(), Pack, Ship { shipment: shipment.clone() }] {
                world.fulfill(&late, number, action).expect("legal");
            }
            world = see(world, &late);
        }
        for number in [1, 2] {
            world.fulfill(&late, number, Deliver).expect("legal");
        }
        world = see(world, &late);
        world.fulfill(&quick, 1, Accept).expect("legal");
        world = see(world, &quick);
        // What was delivered comes back, one unit after the other.
        for _ in 0..2 {
            let (line, n, reason) = (text("1"), quantity(1), text("too small"));
            let lines = vec![ReturnUnits { line: line.clone(), quantity: n, reason, condition: None }];
            let (order, exchange) = (text(&late.name()), Vec::new());
            let asked = RequestReturn { id: None, fingerprint: 0, order, lines, exchange, is_claim: false };
            let Ok(Reply::Return(known)) = world.run(Command::RequestReturn(Box::new(asked))) else {
                panic!("it left")
            };
            let (condition, disposition) = (Some(Condition::New), Some(Disposition::NotRestocked));
            let lines = vec![ReturnedUnits {
                line,
                component: None,
                quantity: n,
                condition,
                disposition,
                names: Names::default(),
            }];
            let node = Some(text("east"));
            for action in [ReturnAction::Approve { node }, ReturnAction::Receive { node: None, lines }] {
                world.run(Command::ChangeReturn { returned: text(&known.name()), action }).expect("legal");
            }
            world = see(world, &late);
        }
        drop(world);
        assert_eq!(seen, all_words().into_iter().collect(), "restarts {restarts}");
    }
}
