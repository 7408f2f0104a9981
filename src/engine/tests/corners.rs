//! Corners of the life that a reading found: what waits for its release, who is asked, what is owed, what holds outlive.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment, ShortReason};
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::ids::FulfillmentKey;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::order::{Order, OrderType, Stage};
use crate::domain::policy::RejectionPolicy;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;

fn in_s(world: &World, seconds: i64) -> WallTime {
    WallTime(world.log.now().wall.0 + seconds * 1_000)
}

/// A phone that is released in an hour.
fn unreleased(world: &World) {
    let item = PutItem {
        sku: text("phone"),
        name: text("phone"),
        kind: ItemKind::Product,
        weight_g: 500,
        dimensions: Dimensions::default(),
        value: None,
        components: Vec::new(),
        release_at: Some(in_s(world, 3_600)),
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(item))).expect("good");
}

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("it is placed") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn now(world: &World, order: &Order) -> Order {
    world.engine.order(&order.key.to_string()).expect("known").as_ref().clone()
}

fn split(world: &World, order: &Order, id: &str, units: u32) -> Result<Order, Rejection> {
    let command = SplitOrder {
        order: text(&order.key.to_string()),
        id: Some(text(id)),
        channel_order_id: None,
        fingerprint: 0,
        lines: vec![CancelUnits { line: text("1"), quantity: quantity(units), from: None }],
    };
    match world.run(Command::SplitOrder(command))? {
        Reply::Order(order) => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

fn is_open(world: &World, kind: ExceptionKind, subject: Subject) -> bool {
    world.engine.exception_by_key(ExceptionKey { kind, subject }).is_some_and(|case| case.is_open())
}

#[test]
fn what_waits_for_its_release_is_edited_and_split() {
    let world = World::new();
    unreleased(&world);
    let order = PlaceOrder { kind: OrderType::PreOrder, ..World::order_of("pre", &[("phone", 5)], None) };
    let order = place(&world, order);
    assert_eq!(order.lines[0].preordered, 5);
    let change = EditChange::Line { line: text("1"), quantity: Some(3), unit_price: None };
    let open = OpenEdit { order: text(&order.name()), changes: vec![change] };
    world.run(Command::OpenEdit(open)).expect("it can be edited");
    let end = EndEdit { order: text(&order.name()), edit: text("edit-1"), outcome: EditOutcome::Confirm };
    world.run(Command::EndEdit(end)).expect("and is");
    assert_eq!(now(&world, &order).lines[0].preordered, 3);
    let other = split(&world, &order, "other", 1).expect("it can be split");
    assert_eq!((now(&world, &order).lines[0].preordered, other.lines[0].placed.quantity), (2, 1));
    world.restart();
}

#[test]
fn a_customer_is_asked_anew_when_the_units_asked_about_are_gone() {
    let mut world = World::new();
    let policy = PutPolicy::Rejection { delivery_method: text("ship"), policy: RejectionPolicy::AskCustomer };
    world.run(Command::PutPolicy(policy)).expect("good");
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let one = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
    world.fulfill(&order, 1, FulfillmentAction::Split { lines: one }).expect("legal");
    let refuse = || FulfillmentAction::Reject { reason: text("closed") };
    let refused = world.fulfill(&order, 1, refuse()).expect("legal");
    assert!(refused.awaits_customer && is_open(&world, ExceptionKind::PickupRefused, Subject::Order(order.key)));
    world.cancel(&order, Some(&[("1", 1)])).expect("it lies unallocated");
    assert!(!now(&world, &order).awaits_customer, "nobody is asked about what is gone");
    world.later(61);
    let world = world.later_on(0, true);
    assert!(!is_open(&world, ExceptionKind::PickupRefused, Subject::Order(order.key)));
    let refused = world.fulfill(&order, 2, refuse()).expect("legal");
    assert!(refused.awaits_customer && is_open(&world, ExceptionKind::PickupRefused, Subject::Order(order.key)));
}

#[test]
fn an_order_that_rests_is_allocated_at_its_time_after_a_plan_failed_and_a_restart() {
    for restarts in [false, true] {
        let world = World::new();
        let due = in_s(&world, 60);
        let wishes = Wishes { deferred: Some(Deferred { allocate_at: Some(due) }), ..Wishes::default() };
        let order = place(&world, PlaceOrder { wishes, ..World::order_of("rest", &[("phone", 1)], None) });
        world.run(Command::RouteOrder { order: text(&order.name()) }).expect("it rests");
        assert_eq!(now(&world, &order).deferral.map(|deferral| deferral.stage), Some(Stage::RoutingFailed));
        world.stock("phone", "east", 1).expect("room");
        world.later(61);
        let world = world.later_on(0, restarts);
        assert_eq!(now(&world, &order).totals().allocated, 1);
    }
}

#[test]
fn an_order_that_rests_and_finds_nobody_is_a_case_until_somebody_has_it() {
    for (planned, restarts) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new();
        let wishes = Wishes { deferred: Some(Deferred { allocate_at: None }), ..Wishes::default() };
        let order = place(&world, PlaceOrder { wishes, ..World::order_of("rest", &[("phone", 1)], None) });
        let name = text(&order.name());
        let is_open = |world: &World| is_open(world, ExceptionKind::Unroutable, Subject::Order(order.key));
        if planned {
            world.stock("phone", "east", 1).expect("room");
            world.run(Command::RouteOrder { order: name.clone() }).expect("it rests");
            world.stock("phone", "east", -1).expect("it is there");
            assert!(!is_open(&world), "there is a plan");
        }
        let records = world.log.records.lock().len();
        world.run(Command::AllocateOrder { order: name.clone() }).expect("it rests");
        assert!(is_open(&world), "planned: {planned}");
        assert_eq!(world.log.records.lock().len(), records + 1, "one record");
        let world = world.later_on(0, restarts);
        world.run(Command::RouteOrder { order: name.clone() }).expect("it rests still");
        world.stock("phone", "east", 1).expect("room");
        world.run(Command::AllocateOrder { order: name }).expect("it rests");
        world.later(61);
        let world = world.later_on(0, restarts);
        assert!(!is_open(&world), "planned: {planned}");
    }
}

#[test]
fn a_split_order_does_not_ask_the_node_that_refused_it() {
    let mut world = World::new();
    world.stock("phone", "east", 4).expect("room");
    let order = world.order(&[("phone", 4)], None).expect("enough");
    world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("legal");
    let other = split(&world, &order, "other", 2).expect("it can be split");
    let other = now(&world, &other);
    assert_eq!(other.fenced, now(&world, &order).fenced);
    assert!(other.fulfillment_orders.is_empty(), "it waits for another node");
    world.stock("phone", "west", 4).expect("room");
    assert_eq!(now(&world, &other).totals().allocated, 2);
    world.restart();
}

#[test]
fn safety_stock_goes_before_anybody_is_owed() {
    let mut world = World::new();
    let cell = |world: &World| {
        let (sku, node) = world.engine.catalogue(|c| (c.sku_index("phone"), c.node_index("east")));
        Subject::Cell(CellKey { sku: sku.expect("known"), node: node.expect("known") })
    };
    world.stock("phone", "east", 10).expect("room");
    let withhold = StockMove {
        sku: text("phone"),
        node: text("east"),
        from: StockState::Available,
        to: StockState::SafetyStock,
        quantity: quantity(8),
    };
    world.run(Command::MoveStock(vec![withhold])).expect("free");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    world.stock("phone", "east", -7).expect("it is lost");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.safety_stock, level.shortfall, level.committed), (3, 1, 0, 2));
    assert!(!is_open(&world, ExceptionKind::Shortfall, cell(&world)), "nobody was promised them");
    world.stock("phone", "east", -2).expect("it is lost");
    let level = world.level("phone", "east");
    assert_eq!((level.on_hand, level.safety_stock, level.shortfall), (1, 0, 1));
    assert!(is_open(&world, ExceptionKind::Shortfall, cell(&world)));
    drop(order);
    world.restart();
}

#[test]
fn a_node_that_has_nothing_owes_its_other_orders_and_says_so() {
    let mut world = World::new();
    world.stock("phone", "east", 6).expect("room");
    let orders = [0; 3].map(|_| world.order(&[("phone", 2)], None).expect("enough"));
    world.fulfill(&orders[0], 1, FulfillmentAction::Accept).expect("legal");
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(2) }];
    let short = FulfillmentAction::Short { lines, reason: ShortReason::NotInStock };
    world.fulfill(&orders[0], 1, short).expect("legal");
    let (sku, node) = world.engine.catalogue(|c| (c.sku_index("phone"), c.node_index("east")));
    let cell = CellKey { sku: sku.expect("known"), node: node.expect("known") };
    assert_eq!(world.level("phone", "east").shortfall, 4);
    assert!(is_open(&world, ExceptionKind::Shortfall, Subject::Cell(cell)));
    world.restart();
}

#[test]
fn what_is_put_back_may_be_fit_for_nothing() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let cancel = FulfillmentAction::Cancel { reason: text("changed mind"), resource: false };
    for action in
        [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, cancel, FulfillmentAction::CancelAccept]
    {
        world.fulfill(&order, 1, action).expect("legal");
    }
    let order = world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: Some(Vec::new()) }).expect("legal");
    assert_eq!(order.fulfillment_orders[0].status, FulfillmentStatus::Cancelled);
    let level = world.level("phone", "east");
    assert_eq!((level.quality_control, level.available), (2, 0));
    world.restart();
}

#[test]
fn what_leaves_together_does_not_leave_before_its_release() {
    let world = World::new();
    unreleased(&world);
    world.stock("phone", "east", 2).expect("room");
    let orders = ["a", "b"].map(|id| place(&world, World::order_of(id, &[("phone", 1)], None)));
    let join = Consolidate { order: text(&orders[0].name()), with: vec![text(&orders[1].name())] };
    world.run(Command::Consolidate(join)).expect("one customer, one address");
    for order in &orders {
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
            world.fulfill(order, 1, action).expect("legal");
        }
    }
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1Z") };
    let early = world.fulfill(&orders[0], 1, FulfillmentAction::Ship { shipment });
    assert!(matches!(early, Err(Rejection::NotReleased { .. })), "{early:?}");
}

#[test]
fn holds_end_with_the_last_unit_they_could_forbid() {
    let mut world = World::new();
    world.stock("phone", "east", 2).expect("room");
    let order = world.order(&[("phone", 2)], None).expect("enough");
    let hold = AskedHold { kind: HoldKind::Fraud, reason: text("look"), release_at: None, release_on: None };
    world.run(Command::PutHold(PutHold { order: text(&order.name()), hold })).expect("it can be held");
    let part = world.cancel(&order, Some(&[("1", 1)])).expect("open");
    assert_eq!(part.holds[0].state, HoldState::Active);
    let all = world.cancel(&order, None).expect("open");
    assert_eq!(all.holds[0].state, HoldState::AutoReleased);
    let world = world.restart();
    world.later(30 * 24 * 3_600);
    let world = world.later_on(0, false);
    assert!(!is_open(&world, ExceptionKind::HoldOverdue, Subject::Hold(order.key, 1)));
}

#[test]
fn what_is_under_way_at_a_node_that_closes_is_a_case() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 2).expect("room");
        let order = world.order(&[("phone", 2)], None).expect("enough");
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }] {
            world.fulfill(&order, 1, action).expect("legal");
        }
        world.node("east", 40.7, -74.0, false);
        let world = world.later_on(0, restarts);
        let subject = Subject::Fulfillment(FulfillmentKey { order: order.key, number: 1 });
        assert!(is_open(&world, ExceptionKind::NodeClosed, subject));
        assert_eq!(now(&world, &order).fulfillment_orders[0].status, FulfillmentStatus::Picked);
        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1Z") };
        for action in [FulfillmentAction::Pack, FulfillmentAction::Ship { shipment }] {
            world.fulfill(&order, 1, action).expect("legal");
        }
        world.later(61);
        let world = world.later_on(0, restarts);
        assert!(!is_open(&world, ExceptionKind::NodeClosed, subject));
    }
}

#[test]
fn every_fault_of_an_order_is_told_at_once() {
    let world = World::new();
    let hold =
        AskedHold { kind: HoldKind::Fraud, reason: text("look"), release_at: Some(in_s(&world, -1)), release_on: None };
    let wishes = Wishes { release_at: Some(in_s(&world, -1)), ..Wishes::default() };
    let order = PlaceOrder {
        holds: vec![hold],
        wishes,
        rule_set: Some(text("none")),
        ..World::order_of("a", &[("nothing", 1)], Some("none".to_owned()))
    };
    let refused = world.run(Command::PlaceOrder(Box::new(order)));
    let Err(Rejection::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let mut fields: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["holds[0].release_at", "lines[0].sku", "release_at", "reservation", "rule_set"]);
}
