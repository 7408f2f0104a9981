//! Exceptions: one open case of each kind and thing, in the record of its cause or by the clock; and policies.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::exception::ExceptionStatus::{Assigned, Open, Resolved};
use crate::domain::exception::{Exception, ExceptionKey, ExceptionKind, Severity, Subject};
use crate::domain::fulfillment::FulfillmentStatus::{Rejected, Submitted};
use crate::domain::fulfillment::ShortReason;
use crate::domain::hold::HoldKind;
use crate::domain::ids::FulfillmentKey;
use crate::domain::inbound::InboundStatus;
use crate::domain::item::ItemKind;
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::policy::{Demand, RejectionPolicy};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;

const HOUR: i64 = 3_600;

fn subject_of(world: &World, sku: &str, node: Option<&str>) -> Subject {
    world.engine.catalogue(|c| {
        let sku = c.sku_index(sku).expect("known");
        node.map_or(Subject::Sku(sku), |node| Subject::Cell(CellKey { sku, node: c.node_index(node).expect("known") }))
    })
}

fn case(world: &World, kind: ExceptionKind, subject: Subject) -> Option<Exception> {
    world.engine.exception_by_key(ExceptionKey { kind, subject })
}

/// What the reader of the tail would have noticed, then the clock, before or after a restart.
fn tick(world: World, restarts: bool) -> World {
    let world = if restarts { world.restart() } else { world };
    let records: Vec<_> = world.log.records.lock().clone();
    records.iter().for_each(|record| world.engine.notice(record));
    world.engine.expire_due(&*world.log);
    world.check();
    let now = world.log.now().journal;
    for case in world.fold().exceptions().filter(|case| !case.is_forgotten_at(now)) {
        assert_eq!(world.engine.exception_by_key(case.key).as_ref(), Some(case), "memory equals the fold");
    }
    world
}

fn change(world: &World, id: &str, action: ExceptionAction) -> Result<Exception, Rejection> {
    match world.run(Command::ChangeException { exception: text(id), action })? {
        Reply::Exception(case) => Ok(*case),
        other => panic!("{other:?}"),
    }
}

fn resolve(world: &World, id: &str) -> Result<Exception, Rejection> {
    change(world, id, ExceptionAction::Resolve { reason: text("recounted") })
}

fn put(world: &World, policy: PutPolicy) {
    world.run(Command::PutPolicy(policy)).expect("it is about what there is");
}

fn short(n: u32) -> FulfillmentAction {
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(n) }];
    FulfillmentAction::Short { lines, reason: ShortReason::Mismatch }
}

#[test]
fn a_flood_of_orders_for_what_is_not_there_is_one_case_in_the_record_of_the_first() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = world.order(&[("phone", 2)], None).expect("it waits");
        let subject = subject_of(&world, "phone", None);
        let raised = case(&world, ExceptionKind::StockOut, subject).expect("raised");
        assert_eq!((raised.status(), raised.units, raised.order), (Open, 2, Some(order.key)));
        assert_eq!(raised.seq, order.seq, "it is in the record of its cause");
        for _ in 0..50 {
            world.order(&[("phone", 1)], None).expect("it waits");
        }
        let events = |world: &World| {
            let records = world.log.records.lock();
            let all = records.iter().flat_map(|record| &record.events);
            all.filter(|event| matches!(event, Event::ExceptionChanged(_))).count()
        };
        assert_eq!(events(&world), 1);
        // Who asks for what is not there, knowing it, is no exception.
        let wanted = PlaceOrder {
            kind: crate::domain::order::OrderType::Backorder,
            ..World::order_of("b", &[("case", 1)], None)
        };
        world.run(Command::PlaceOrder(Box::new(wanted))).expect("it waits");
        assert_eq!(events(&world), 1);
        world.stock("phone", "east", 60).expect("room");
        world.later(60);
        let world = tick(world, restarts);
        let over = case(&world, ExceptionKind::StockOut, subject).expect("readable");
        assert_eq!((over.status(), over.version), (Resolved, 2), "its remedy worked");
        let mut world = world;
        world.order(&[("phone", 99)], None).expect("it waits");
        let again = case(&world, ExceptionKind::StockOut, subject).expect("raised");
        assert_eq!((again.status(), again.times, again.version), (Open, 2, 3));
    }
}

#[test]
fn a_case_is_assigned_escalated_and_resolved_and_says_no_afterwards() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 3).expect("room");
        let order = world.order(&[("phone", 3)], None).expect("enough");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        world.fulfill(&order, 1, short(1)).expect("legal");
        let key = FulfillmentKey { order: order.key, number: 1 };
        let raised = case(&world, ExceptionKind::ShortPick, Subject::Fulfillment(key)).expect("raised");
        assert_eq!(
            (raised.severity, raised.units, raised.key.to_string()),
            (Severity::Low, 1, format!("x-short_pick-{key}"))
        );
        // The unit was to be sourced again, and nobody has one.
        let lost = case(&world, ExceptionKind::Unroutable, Subject::Order(order.key)).expect("raised");
        assert_eq!((lost.severity, lost.units), (Severity::High, 1));
        let id = raised.key.to_string();
        let assigned = change(&world, &id, ExceptionAction::Assign { owner: text("floor") }).expect("open");
        assert_eq!((assigned.status(), assigned.owner.as_deref()), (Assigned, Some("floor")));
        world.later(24 * HOUR);
        let world = tick(world, restarts);
        let late = world.engine.exception(&id).expect("known");
        assert_eq!((late.severity, late.escalations, late.status()), (Severity::Medium, 1, Assigned));
        let mut world = world;
        for _ in 0..9 {
            world.later(24 * HOUR);
            world = tick(world, restarts);
        }
        let late = world.engine.exception(&id).expect("known");
        assert_eq!((late.severity, late.escalations, late.due_at), (Severity::Critical, 3, None), "often enough");
        let over = resolve(&world, &id).expect("open");
        assert_eq!((over.status(), over.resolution.map(|end| end.reason)), (Resolved, Some(text("recounted"))));
        assert!(matches!(resolve(&world, &id), Err(Rejection::ExceptionResolved { .. })));
        assert!(matches!(resolve(&world, "x-short_pick-f-1-1"), Err(Rejection::NotFound { .. })));
        // What is over is forgotten, and the same thing begins anew.
        world.later(36 * 24 * HOUR);
        let world = tick(world, restarts);
        assert!(world.engine.exception(&id).is_err());
        world.fulfill(&order, 1, short(1)).expect("legal");
        assert_eq!(world.engine.exception(&id).expect("raised").version, 1);
        tick(world, true);
    }
}

#[test]
fn a_loss_of_what_was_promised_is_a_case_until_it_is_paid() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        world.order(&[("phone", 3)], None).expect("enough");
        world.stock("phone", "east", -2).expect("what is free goes");
        let subject = subject_of(&world, "phone", Some("east"));
        assert_eq!(case(&world, ExceptionKind::Shortfall, subject), None, "nothing is owed yet");
        world.stock("phone", "east", -1).expect("it is there");
        let raised = case(&world, ExceptionKind::Shortfall, subject).expect("raised");
        assert_eq!(raised.seq, world.log.records.lock().len() as u64, "in the record of the loss");
        world.later(60);
        let world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::Shortfall, subject).is_some_and(|case| case.is_open()));
        world.stock("phone", "east", 1).expect("room");
        world.later(60);
        let world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::Shortfall, subject).is_some_and(|case| !case.is_open()));
    }
}

#[test]
fn supply_that_is_late_and_holds_that_stand_too_long_are_cases_of_the_clock() {
    for restarts in [false, true] {
        let world = World::new();
        let announced = AnnounceInbound {
            id: Some(text("po-1")),
            fingerprint: 0,
            node: text("east"),
            supplier: None,
            eta: WallTime(world.log.now().wall.0 + 60_000),
            lines: vec![SkuUnits { sku: text("phone"), quantity: quantity(5) }],
        };
        world.run(Command::AnnounceInbound(announced)).expect("good");
        let inbound = world.engine.inbound("po-1").expect("known");
        let late = Subject::Inbound(inbound.key);
        world.later(59);
        let world = tick(world, restarts);
        assert_eq!(case(&world, ExceptionKind::LateSupply, late), None);
        world.later(1);
        let world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::LateSupply, late).is_some_and(|case| case.is_open()));
        // It will come later: then it is not late, until that passes too.
        let redated = InboundAction::Redate(WallTime(world.log.now().wall.0 + 90_000));
        world.run(Command::ChangeInbound { inbound: text("po-1"), action: redated }).expect("open");
        world.later(60);
        let world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::LateSupply, late).is_some_and(|case| !case.is_open()));
        world.later(30);
        let mut world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::LateSupply, late).is_some_and(|case| case.is_open() && case.times == 2));
        assert_eq!(world.engine.inbound("po-1").expect("known").status(), InboundStatus::Expected);

        world.stock("phone", "east", 1).expect("room");
        let order = world.order(&[("phone", 1)], None).expect("enough");
        let hold = AskedHold { kind: HoldKind::Fraud, reason: text("look"), release_at: None, release_on: None };
        world.run(Command::PutHold(PutHold { order: text(&order.name()), hold })).expect("it can be held");
        let old = Subject::Hold(order.key, 1);
        world.later(24 * HOUR - 1);
        let world = tick(world, restarts);
        assert_eq!(case(&world, ExceptionKind::HoldOverdue, old), None);
        world.later(1);
        let world = tick(world, restarts);
        assert!(case(&world, ExceptionKind::HoldOverdue, old).is_some_and(|case| case.is_open()));
    }
}

#[test]
fn work_that_a_node_has_taken_on_and_left_alone_for_two_days_is_a_case_until_it_goes_on() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        let (left, waits) = (world.order(&[("phone", 1)], None), world.order(&[("phone", 1)], None));
        let (left, waits) = (left.expect("enough"), waits.expect("enough"));
        world.fulfill(&left, 1, FulfillmentAction::Accept).expect("legal");
        let is_late = |world: &World, order: &Order| {
            let part = Subject::Fulfillment(FulfillmentKey { order: order.key, number: 1 });
            case(world, ExceptionKind::WorkLate, part).is_some_and(|case| case.is_open())
        };
        world.later(48 * HOUR - 1);
        let world = tick(world, restarts);
        assert!(!is_late(&world, &left), "a second is left");
        world.later(1);
        let world = tick(world, restarts);
        assert!(is_late(&world, &left) && !is_late(&world, &waits), "the other was not taken on");
        world.fulfill(&left, 1, FulfillmentAction::Pick { lines: None }).expect("legal");
        world.later(60);
        let world = tick(world, restarts);
        assert!(!is_late(&world, &left), "it goes on");
        world.later(48 * HOUR);
        assert!(is_late(&tick(world, restarts), &left), "and was left alone again");
    }
}

#[test]
fn work_that_a_wave_has_picked_and_nobody_packs_is_a_case() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        let order = world.order(&[("phone", 1)], None).expect("enough");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("legal");
        let plan = PlanWave {
            id: Some(text("w")),
            fingerprint: 0,
            node: text("east"),
            fulfillments: None,
            cutoff_before: None,
        };
        world.run(Command::PlanWave(plan)).expect("it waits");
        let task = |step| WaveAction::Task { task: text("1"), step };
        let steps = [TaskAction::Assign { picker: text("ann") }, TaskAction::Start, TaskAction::Done { named: vec![] }];
        world.later(HOUR);
        for action in [WaveAction::Release].into_iter().chain(steps.map(task)) {
            world.run(Command::ChangeWave { wave: text("w"), action }).expect("in turn");
        }
        let part = Subject::Fulfillment(FulfillmentKey { order: order.key, number: 1 });
        let is_late = |world: &World| case(world, ExceptionKind::WorkLate, part).is_some_and(|case| case.is_open());
        world.later(48 * HOUR - 1);
        let world = tick(world, restarts);
        assert!(!is_late(&world), "a second is left");
        world.later(1);
        assert!(is_late(&tick(world, restarts)));
    }
}

#[test]
fn a_level_below_its_threshold_is_told_once_and_over_when_it_is_back() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 5).expect("room");
        let at_east = |units| PutPolicy::Threshold { sku: text("phone"), node: Some(text("east")), units };
        put(&world, at_east(Some(4)));
        put(&world, PutPolicy::Threshold { sku: text("phone"), node: None, units: Some(3) });
        let (cell, sku) = (subject_of(&world, "phone", Some("east")), subject_of(&world, "phone", None));
        let is_low =
            |world: &World, subject| case(world, ExceptionKind::LowStock, subject).is_some_and(|case| case.is_open());
        let world = tick(world, restarts);
        assert!(!is_low(&world, cell) && !is_low(&world, sku));
        let mut world = world;
        let order = world.order(&[("phone", 2)], None).expect("enough");
        let world = tick(world, restarts);
        assert!(is_low(&world, cell) && !is_low(&world, sku), "three are left");
        assert_eq!(case(&world, ExceptionKind::LowStock, cell).map(|case| case.units), Some(3));
        world.reserve("phone", 1, 600).expect("enough");
        let world = tick(world, restarts);
        assert!(is_low(&world, cell) && is_low(&world, sku));
        let records = world.log.records.lock().len();
        let world = tick(world, restarts);
        assert_eq!(world.log.records.lock().len(), records, "told once");
        world.cancel(&order, None).expect("not picked");
        let world = tick(world, restarts);
        assert!(!is_low(&world, cell) && !is_low(&world, sku));
        put(&world, at_east(Some(9)));
        let world = tick(world, restarts);
        assert!(is_low(&world, cell), "a new threshold is looked at at once");
        put(&world, at_east(None));
        let world = tick(world, restarts);
        assert!(!is_low(&world, cell), "what is not watched is not low");
        let kit = PutPolicy::Threshold { sku: text("bundle"), node: None, units: Some(1) };
        assert!(matches!(world.run(Command::PutPolicy(kit)), Err(Rejection::Invalid(_))));
    }
}

#[test]
fn safety_stock_is_kept_at_its_policy_after_all_that_is_owed() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 5).expect("room");
        world.stock("phone", "west", 1).expect("room");
        let keep =
            |node: Option<&str>, units| PutPolicy::SafetyStock { sku: text("phone"), node: node.map(text), units };
        let safety = |world: &World| ["east", "west"].map(|node| world.level("phone", node).safety_stock);
        world.reserve("phone", 4, 600).expect("enough");
        put(&world, keep(None, Some(3)));
        world = tick(world, restarts);
        assert_eq!((safety(&world).iter().sum::<u32>(), world.atp("phone")), (2, 0), "no more than what is free");
        world.stock("phone", "west", 4).expect("room");
        world = tick(world, restarts);
        assert_eq!((safety(&world)[1], world.atp("phone")), (3, 2), "as units come");
        put(&world, keep(Some("west"), Some(1)));
        world = tick(world, restarts);
        assert_eq!((safety(&world)[1], world.atp("phone")), (1, 4), "and back when less is wanted");
        let records = world.log.records.lock().len();
        world = tick(world, restarts);
        assert_eq!(world.log.records.lock().len(), records, "once");
        put(&world, keep(None, None));
        put(&world, keep(Some("west"), None));
        world.stock("phone", "west", 4).expect("room");
        world = tick(world, restarts);
        assert_eq!(safety(&world)[1], 1, "where nothing is decided it stays");
    }
}

#[test]
fn safety_stock_by_days_and_by_kind_of_node_is_kept_as_units_are() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.supplier("acme");
        for (node, units) in [("east", 20), ("west", 20), ("acme", 20)] {
            world.stock("phone", node, units).expect("room");
        }
        let safety = |world: &World| ["east", "west", "acme"].map(|node| world.level("phone", node).safety_stock);
        let demand = |node: Option<&str>, units| {
            let demand = Some(Demand { units, days: 7 });
            PutPolicy::Demand { sku: text("phone"), node: node.map(text), demand }
        };
        let of_kind = |kind, withheld| PutPolicy::SafetyOfKind { kind, withheld };
        put(&world, of_kind(NodeKind::Warehouse, Some(Withheld::Days(3))));
        world = tick(world, restarts);
        assert_eq!(safety(&world), [0, 0, 0], "nobody said what leaves");
        put(&world, demand(None, 14));
        world = tick(world, restarts);
        assert_eq!(safety(&world), [6, 6, 0], "two a day for three days, at nodes of that kind");
        put(&world, demand(Some("east"), 22));
        world = tick(world, restarts);
        assert_eq!(safety(&world), [10, 6, 0], "rounded up");
        put(&world, PutPolicy::SafetyDays { sku: text("phone"), node: Some(text("west")), days: Some(1) });
        world = tick(world, restarts);
        assert_eq!(safety(&world), [10, 2, 0], "what is said of the item comes first");
        put(&world, of_kind(NodeKind::Warehouse, Some(Withheld::Units(4))));
        put(&world, of_kind(NodeKind::Supplier, Some(Withheld::Units(1))));
        world.stock("case", "north", 5).expect("room");
        world = tick(world, restarts);
        assert_eq!(
            (safety(&world), world.level("case", "north").safety_stock),
            ([4, 2, 1], 4),
            "units are for every item"
        );
        world.item("new", ItemKind::Product, &[]);
        world.stock("new", "east", 5).expect("room");
        world = tick(world, restarts);
        assert_eq!(world.level("new", "east").safety_stock, 4);
        put(&world, of_kind(NodeKind::Warehouse, None));
        let records = world.log.records.lock().len();
        world = tick(world, restarts);
        assert_eq!((world.log.records.lock().len(), safety(&world)), (records, [4, 2, 1]), "left to whoever moves it");
    }
}

#[test]
fn a_node_that_does_not_answer_in_time_is_fenced_and_its_units_go_elsewhere() {
    for restarts in [false, true] {
        let mut world = World::new();
        world.stock("phone", "east", 9).expect("room");
        world.stock("phone", "west", 9).expect("room");
        put(&world, PutPolicy::Node { node: text("east"), accept_within_s: Some(60) });
        let order = world.order(&[("phone", 1)], None).expect("enough");
        let accepted = world.order(&[("phone", 1)], None).expect("enough");
        world.fulfill(&accepted, 1, FulfillmentAction::Accept).expect("legal");
        let held = world.order(&[("phone", 1)], None).expect("enough");
        let hold = AskedHold { kind: HoldKind::Manual, reason: text("look"), release_at: None, release_on: None };
        world.run(Command::PutHold(PutHold { order: text(&held.name()), hold })).expect("it can be held");
        world.later(59);
        let world = tick(world, restarts);
        let stands = |world: &World, order: &Order| -> Vec<_> {
            let order = world.engine.order(&order.name()).expect("known");
            order.fulfillment_orders.iter().map(|f| f.status).collect()
        };
        assert_eq!(stands(&world, &order), [Submitted]);
        world.later(1);
        let world = tick(world, restarts);
        assert_eq!(stands(&world, &order), [Rejected, Submitted]);
        let now = world.engine.order(&order.name()).expect("known");
        assert_eq!((now.fenced.len(), now.fulfillment_orders[0].reason.as_deref()), (1, Some("no_response")));
        let key = FulfillmentKey { order: order.key, number: 1 };
        assert!(case(&world, ExceptionKind::NoResponse, Subject::Fulfillment(key)).is_some());
        assert_eq!(stands(&world, &accepted).len(), 1, "who answered keeps it");
        assert_eq!(stands(&world, &held), [Submitted], "who may not answer is not waited for");
        let end = EndHold {
            order: text(&held.name()),
            hold: text("hold-1"),
            state: crate::domain::hold::HoldState::Resolved,
            reason: None,
        };
        world.run(Command::EndHold(end)).expect("active");
        world.later(59);
        let world = tick(world, restarts);
        assert_eq!(stands(&world, &held), [Submitted]);
        world.later(1);
        let world = tick(world, restarts);
        assert_eq!(stands(&world, &held), [Rejected, Submitted]);
        // A node that gets terms later is held to them for what it has.
        put(&world, PutPolicy::Node { node: text("west"), accept_within_s: Some(1) });
        let world = tick(world, restarts);
        assert_eq!(stands(&world, &order), [Rejected, Rejected], "nobody is left who was not asked");
        assert!(case(&world, ExceptionKind::Unroutable, Subject::Order(order.key)).is_some());
    }
}

#[test]
fn a_refused_pickup_waits_for_its_customer_and_is_not_sent_from_elsewhere() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 2).expect("room");
        world.stock("phone", "west", 2).expect("room");
        let place =
            |id: &str| PlaceOrder { delivery_method: text("pickup"), ..World::order_of(id, &[("phone", 2)], None) };
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(place("c-1")))) else { panic!("placed") };
        let reject = FulfillmentAction::Reject { reason: text("closed") };
        let order = world.fulfill(&order, 1, reject.clone()).expect("legal");
        assert_eq!((order.awaits_customer, order.totals().unallocated, order.fulfillment_orders.len()), (true, 2, 1));
        let refused = case(&world, ExceptionKind::PickupRefused, Subject::Order(order.key)).expect("raised");
        assert_eq!((refused.severity, refused.seq), (Severity::Critical, order.seq));
        world.later(60);
        let world = tick(world, restarts);
        let now = world.engine.order(&order.name()).expect("known");
        assert_eq!(now.totals().unallocated, 2, "nobody sends it from elsewhere");
        let source = Command::SourceOrder { order: text(&order.name()) };
        let Ok(Reply::Order(order)) = world.run(source.clone()) else { panic!("it waits for that") };
        assert_eq!((order.awaits_customer, order.totals().allocated), (false, 2));
        assert!(matches!(world.run(source), Err(Rejection::NotAwaitingCustomer { .. })));
        world.later(60);
        let world = tick(world, restarts);
        assert!(
            case(&world, ExceptionKind::PickupRefused, Subject::Order(order.key)).is_some_and(|case| !case.is_open())
        );
        // What is done is data.
        put(&world, PutPolicy::Rejection { delivery_method: text("pickup"), policy: RejectionPolicy::Elsewhere });
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(place("c-2")))) else { panic!("placed") };
        world.stock("phone", "north", 2).expect("room");
        let order = world.fulfill(&order, 1, reject).expect("legal");
        assert_eq!((order.awaits_customer, order.totals().allocated), (false, 2));
    }
}
