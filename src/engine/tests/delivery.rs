//! Delivery methods: what is collected comes from where the customer comes to, or from nowhere.

use super::world::{World, quantity, text};
use crate::domain::collection::{CODE_TRIES_MAX, CollectionRule};
use crate::domain::command::*;
use crate::domain::decision::FenceReason;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::item::Tracking;
use crate::domain::node::NodeKind;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::order_clocks::OrderClocks;
use crate::domain::policy::RejectionPolicy;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;
use crate::domain::time::WallTime;

fn wanted(id: &str, method: &str, at: Option<&str>, units: u32) -> PlaceOrder {
    let wishes = Wishes { preferred_node: at.map(text), ..Wishes::default() };
    PlaceOrder { delivery_method: text(method), wishes, ..World::order_of(id, &[("phone", units)], None) }
}

fn placed(world: &World, order: PlaceOrder) -> Result<Order, Rejection> {
    match world.run(Command::PlaceOrder(Box::new(order)))? {
        Reply::Order(order) => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

/// The nodes of its live fulfilment orders, and what waits.
fn shape(world: &World, order: &Order) -> (Vec<String>, u32) {
    let order = world.engine.order(&order.name()).expect("there");
    let name = |node| world.engine.catalogue(|catalogue| catalogue.node(node).id.to_string());
    let live = order.fulfillment_orders.iter().filter(|own| own.status.is_live());
    (live.map(|own| name(own.node)).collect(), order.totals().backordered)
}

fn at(nodes: &[&str], waiting: u32) -> (Vec<String>, u32) {
    (nodes.iter().map(|node| (*node).to_owned()).collect(), waiting)
}

#[test]
fn what_is_collected_comes_from_the_node_the_customer_named_and_waits_for_it() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("good");
    world.stock("phone", "west", 1).expect("good");
    for (number, method) in ["pickup", "curbside", "locker"].into_iter().enumerate() {
        let order = placed(&world, wanted(&format!("a{number}"), method, Some("west"), 2)).expect("it waits");
        let has = if number == 0 { at(&["west"], 1) } else { at(&[], 2) };
        assert_eq!(shape(&world, &order), has, "{method}: east has plenty, and nobody comes there");
    }
    let elsewhere = placed(&world, wanted("b", "pickup", Some("north"), 1)).expect("it waits");
    let decision = elsewhere.decision.as_ref().expect("decided");
    let why: Vec<_> = decision.evidence.fenced.iter().map(|(_, reason)| *reason).collect();
    assert!(why.contains(&FenceReason::NotChosen), "{why:?}");
    // What comes to another node is not theirs; what comes to theirs is.
    world.stock("phone", "east", 5).expect("good");
    assert_eq!(shape(&world, &elsewhere), at(&[], 1));
    let world = world.restart();
    world.stock("phone", "north", 2).expect("good");
    assert_eq!(shape(&world, &elsewhere), at(&["north"], 0));
    assert_eq!(world.level("phone", "north").available, 1);
    // Who ships has a wish, not a place; who named none comes to any.
    let shipped = placed(&world, wanted("c", "ship", Some("west"), 1)).expect("east has it");
    assert_eq!(shape(&world, &shipped), at(&["east"], 0));
    let anywhere = placed(&world, wanted("d", "pickup", None, 1)).expect("east has it");
    assert_eq!(shape(&world, &anywhere), at(&["east"], 0));
}

#[test]
fn a_node_that_refused_or_closed_binds_nobody_once_the_customer_takes_it_from_elsewhere() {
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 9).expect("good");
    }
    let refused = placed(&world, wanted("a", "pickup", Some("west"), 1)).expect("in stock");
    world.fulfill(&refused, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("submitted");
    assert_eq!(shape(&world, &refused), at(&[], 0), "somebody asks the customer");
    let closed = placed(&world, wanted("b", "pickup", Some("west"), 1)).expect("in stock");
    let off = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("west"), patch: Box::new(off) }).expect("good");
    world.engine.expire_due(&*world.log);
    assert_eq!(shape(&world, &closed), at(&[], 0), "here too");
    let world = world.restart();
    for order in [&refused, &closed] {
        world.run(Command::SourceOrder { order: text(&order.name()) }).expect("it waits for that");
        assert_eq!(shape(&world, order), at(&["east"], 0));
    }
    // Where it was decided so, nobody is asked.
    let policy = RejectionPolicy::Elsewhere;
    world.run(Command::PutPolicy(PutPolicy::Rejection { delivery_method: text("pickup"), policy })).expect("good");
    let order = placed(&world, wanted("c", "pickup", Some("east"), 1)).expect("in stock");
    world.stock("phone", "north", 3).expect("good");
    world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("submitted");
    assert_eq!(shape(&world, &order), at(&["north"], 0));
}

#[test]
fn a_node_that_lists_delivery_methods_does_those_alone() {
    let mut world = World::new();
    world.supplier("maker");
    let code = |order: PlaceOrder| placed(&world, order).map(drop).map_err(|rejection| rejection.code());
    assert_eq!(code(wanted("a", "pickup", Some("maker"), 1)), Err("method_not_offered"), "nobody comes to a supplier");
    let does = |words: &[&str]| {
        let capabilities = Some(words.iter().map(|word| text(word)).collect());
        let patch = NodePatch { capabilities, ..NodePatch::default() };
        world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("good");
    };
    does(&["gift_wrap", "curbside"]);
    assert_eq!(code(wanted("b", "pickup", Some("east"), 1)), Err("method_not_offered"));
    assert_eq!(code(wanted("c", "curbside", Some("east"), 1)), Ok(()));
    does(&["gift_wrap"]);
    assert_eq!(code(wanted("d", "pickup", Some("east"), 1)), Ok(()));
    let kind = world.engine.catalogue(|catalogue| catalogue.node(catalogue.node_index("east").expect("there")).kind);
    assert_eq!(kind, NodeKind::Warehouse);
}

/// An order of a phone that is shipped and one that is collected at a node.
fn mixed(id: &str, at: &str) -> PlaceOrder {
    let mut order = World::order_of(id, &[("phone", 1), ("phone", 2)], None);
    order.destinations.push(ShipTo { group: text("store"), ..order.destinations[0].clone() });
    order.lines[1].group = 1;
    order.wishes.ways = vec![AskedWay { group: 1, method: text("pickup"), node: Some(text(at)) }];
    order
}

#[test]
fn one_group_is_collected_and_the_other_is_shipped_each_by_its_own_rules() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("good");
    world.stock("phone", "west", 1).expect("good");
    let rule = CollectionRule { code: true, window_s: Some(60) };
    world.run(Command::PutPolicy(PutPolicy::Collection { delivery_method: text("pickup"), rule })).expect("good");
    let order = placed(&world, mixed("a", "west")).expect("east ships");
    assert_eq!(shape(&world, &order), at(&["east", "west"], 1), "the customer comes to the west, which has one of two");
    world.stock("phone", "north", 5).expect("good");
    assert_eq!(shape(&world, &order), at(&["east", "west"], 1), "he does not come to the north");
    let world = world.restart();
    world.stock("phone", "west", 1).expect("good");
    assert_eq!(
        shape(&world, &order),
        at(&["east", "west", "west"], 0),
        "a restart has not forgotten where he comes to"
    );
    let ready = |number: u16| {
        let pick = FulfillmentAction::Pick { lines: None };
        for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack] {
            world.fulfill(&order, number, action).expect("in turn");
        }
        let ready = FulfillmentAction::ReadyWith { until: None, code: None, drawn: text("K7PM") };
        let order = world.fulfill(&order, number, ready).expect("packed");
        let own = order.fulfillment(number).expect("there");
        let code = world.engine.collection(FulfillmentKey { order: order.key, number });
        (own.until.is_some(), code.is_some_and(|known| known.code.is_some()))
    };
    assert_eq!((ready(1), ready(2)), ((false, false), (true, true)), "only what is collected has a code and a window");
    world.check();
}

#[test]
fn what_a_customer_comes_for_is_not_moved_by_hand_to_where_he_does_not_come() {
    let world = World::new();
    for node in ["east", "west", "north"] {
        world.stock("phone", node, 9).expect("good");
    }
    let goes = |order: &Order, number: u16, node: &str| {
        let moved = world.fulfill(order, number, FulfillmentAction::Move { node: text(node) });
        moved.map(drop).map_err(|rejection| rejection.code())
    };
    let order = placed(&world, mixed("a", "west")).expect("both have enough");
    assert_eq!(goes(&order, 2, "north"), Err("collected_elsewhere"));
    let shipped = order.fulfillment(1).expect("there").node;
    let other = world.engine.catalogue(|c| c.nodes().iter().position(|node| &*node.id == "north")).expect("there");
    assert_ne!(shipped.at(), other);
    assert_eq!(goes(&order, 1, "north"), Ok(()), "what is shipped leaves from anywhere");
    let anywhere = placed(&world, wanted("b", "pickup", None, 1)).expect("somebody has one");
    let capabilities = Some(vec![text("ship")]);
    let patch = NodePatch { capabilities, ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("north"), patch: Box::new(patch) }).expect("good");
    assert_eq!(goes(&anywhere, 1, "north"), Err("method_not_offered"));
    world.check();
}

#[test]
fn a_group_that_is_collected_where_nobody_hands_over_is_refused() {
    let mut world = World::new();
    world.supplier("maker");
    let fault = |order: PlaceOrder| match placed(&world, order).expect_err("it must be refused") {
        Rejection::Invalid(faults) => (faults[0].field.clone(), faults[0].code),
        other => panic!("{other:?}"),
    };
    let field = "deliveries[0].preferred_node".to_owned();
    assert_eq!(fault(mixed("a", "maker")), (field.clone(), "method_not_offered"));
    assert_eq!(fault(mixed("b", "nowhere")), (field, "unknown_node"));
}

#[test]
fn after_so_many_other_codes_somebody_has_to_look_before_anything_is_handed_over() {
    let world = World::new();
    world.stock("phone", "west", 1).expect("good");
    let mut order = placed(&world, wanted("a", "pickup", Some("west"), 1)).expect("west has it");
    let pick = FulfillmentAction::Pick { lines: None };
    let ready = FulfillmentAction::ReadyWith { until: None, code: Some(text("K7PM")), drawn: text("") };
    for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, ready] {
        order = world.fulfill(&order, 1, action).expect("in turn");
    }
    let hand_over = |world: &World, code: &str| {
        world.fulfill(&order, 1, FulfillmentAction::HandOverWith { code: text(code) }).map(drop).map_err(|no| no.code())
    };
    let key = FulfillmentKey { order: order.key, number: 1 };
    let case = ExceptionKey { kind: ExceptionKind::WrongCodes, subject: Subject::Fulfillment(key) };
    let is_open = |world: &World| world.engine.exception_by_key(case).is_some_and(|case| case.is_open());
    for tries in 1..CODE_TRIES_MAX {
        assert_eq!(hand_over(&world, "AAAA"), Err("wrong_code"));
        assert_eq!((world.engine.collection(key).map(|known| known.tries), is_open(&world)), (Some(tries), false));
    }
    let world = world.restart();
    assert_eq!(hand_over(&world, "AAAA"), Err("wrong_code"), "a restart has not forgotten how many there were");
    assert!(is_open(&world));
    assert_eq!(hand_over(&world, "K7PM"), Err("code_locked"), "nor is it handed over for the right one");
    let resolve = |world: &World| {
        let action = ExceptionAction::Resolve { reason: text("he showed his card") };
        world.run(Command::ChangeException { exception: text(&case.to_string()), action }).expect("it is open");
    };
    resolve(&world);
    assert_eq!(hand_over(&world, "BBBB"), Err("wrong_code"), "now every one is a case");
    assert_eq!(hand_over(&world, "K7PM"), Err("code_locked"));
    resolve(&world);
    assert_eq!(hand_over(&world, "K7PM"), Ok(()));
    assert_eq!(world.engine.collection(key), None);
    world.check();
}

#[test]
fn what_is_handed_over_for_a_code_is_made_ready_first() {
    let world = World::new();
    world.stock("phone", "west", 1).expect("good");
    let rule = CollectionRule { code: true, window_s: None };
    world.run(Command::PutPolicy(PutPolicy::Collection { delivery_method: text("pickup"), rule })).expect("good");
    let mut order = placed(&world, wanted("a", "pickup", Some("west"), 1)).expect("west has it");
    let pick = FulfillmentAction::Pick { lines: None };
    for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack] {
        order = world.fulfill(&order, 1, action).expect("in turn");
    }
    let refused = world.fulfill(&order, 1, FulfillmentAction::HandOver).expect_err("no code was given out");
    assert_eq!(refused.code(), "not_ready");
}

/// Takes what an order has in the east to the west, packed.
fn received_in_the_west(world: &World, order: &Order, pick: FulfillmentAction) -> Order {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    let steps = [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, FulfillmentAction::Ship { shipment }];
    for action in steps {
        world.fulfill(order, 1, action).expect("in turn");
    }
    world.fulfill(order, 1, FulfillmentAction::Receive).expect("it is sent there")
}

#[test]
fn what_is_received_at_a_store_has_the_serial_numbers_it_left_with() {
    let world = World::new();
    world.run(super::lots::tracked("phone", Some(Tracking::Serial))).expect("nothing is known of phones");
    let serial = |serial: &str| NamedLot { lot: text(serial), expires_at: None, units: 1 };
    let names = Names { lots: vec![], serials: vec![serial("s1"), serial("s2"), serial("s3")] };
    let adjustment = Adjustment { sku: text("phone"), node: text("east"), delta: 3, reason: MovementKind::Received };
    world.run(Command::AdjustLots(vec![NamedAdjustment { adjustment, names }])).expect("room");
    let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 2)).expect("east has them");
    let names = Names { lots: vec![], serials: vec![serial("s1"), serial("s3")] };
    let pick = FulfillmentAction::PickNamed { lines: None, names: vec![(text("phone"), names)] };
    let order = received_in_the_west(&world, &order, pick);
    let sku = world.engine.catalogue(|catalogue| catalogue.sku_index("phone")).expect("there");
    let west = order.fulfillment_orders[0].node;
    let known = |world: &World| {
        let lots = world.engine.sku_lots(sku).expect("they are tracked");
        ["s1", "s2", "s3"].map(|serial| lots.find(&text(serial)).map(|at| (at.node == west, at.picked_by.is_some())))
    };
    assert_eq!(known(&world), [Some((true, true)), Some((false, false)), Some((true, true))]);
    world.check();
    let world = world.restart();
    for action in [FulfillmentAction::Cancel { reason: text("no"), resource: false }, FulfillmentAction::CancelAccept] {
        world.fulfill(&order, 1, action).expect("it is packed");
    }
    world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: None }).expect("it was picked");
    assert_eq!(known(&world), [Some((true, false)), Some((false, false)), Some((true, false))]);
    assert_eq!((world.level("phone", "west").available, world.level("phone", "east").available), (2, 1));
    world.check();
}

/// Sends what an order has in the east to the west, with these units missing there.
fn comes_in_part(
    world: &World,
    order: &Order,
    pick: FulfillmentAction,
    (missing, names): (u32, Vec<(Text, Names)>),
) -> Result<Order, Rejection> {
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    let missing = vec![NamedUnits { line: text("1"), quantity: quantity(missing) }];
    let received = FulfillmentAction::ReceiveInPart { missing, names };
    if order.fulfillment_orders[0].status == FulfillmentStatus::Submitted {
        let early = world.fulfill(order, 1, received.clone()).expect_err("it is not on its way");
        assert_eq!(early.code(), "illegal_transition");
        let steps = [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, FulfillmentAction::Ship { shipment }];
        for action in steps {
            world.fulfill(order, 1, action).expect("in turn");
        }
    }
    world.fulfill(order, 1, received)
}

#[test]
fn what_does_not_come_to_its_store_is_a_case_and_is_sent_again() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("good");
    let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 3)).expect("east has them");
    let pick = || FulfillmentAction::Pick { lines: None };
    let more = comes_in_part(&world, &order, pick(), (4, vec![])).expect_err("three were sent");
    let fault = |refused: Rejection| match refused {
        Rejection::Invalid(faults) => (faults[0].field.clone(), faults[0].code),
        other => panic!("{other}"),
    };
    assert_eq!(fault(more), ("missing[0].quantity".to_owned(), "quantity_out_of_range"));
    let nothing = FulfillmentAction::ReceiveInPart { missing: vec![], names: vec![] };
    let nothing = world.fulfill(&order, 1, nothing).expect_err("it names none");
    assert_eq!(fault(nothing), ("missing".to_owned(), "no_lines"));
    let order = world.engine.order(&order.name()).expect("there").as_ref().clone();
    let order = comes_in_part(&world, &order, pick(), (1, vec![])).expect("two came");
    let levels = |world: &World| {
        ["west", "east"].map(|node| (world.level("phone", node).on_hand, world.level("phone", node).committed))
    };
    assert_eq!(levels(&world), [(2, 2), (2, 1)], "what did not come is nowhere, and another is taken in its place");
    assert_eq!(shape(&world, &order), at(&["west", "east"], 0));
    let first = FulfillmentKey { order: order.key, number: 1 };
    let case = ExceptionKey { kind: ExceptionKind::ShortPick, subject: Subject::Fulfillment(first) };
    assert!(world.engine.exception_by_key(case).is_some(), "somebody has to look");
    let world = world.restart();
    world.check();
    world.fulfill(&order, 1, FulfillmentAction::HandOver).expect("two are there");
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("2") };
    for action in [
        FulfillmentAction::Accept,
        pick(),
        FulfillmentAction::Pack,
        FulfillmentAction::Ship { shipment },
        FulfillmentAction::Receive,
        FulfillmentAction::HandOver,
    ] {
        world.fulfill(&order, 2, action).expect("in turn");
    }
    assert_eq!(levels(&world), [(0, 0), (1, 0)]);
    world.check();
}

#[test]
fn a_parcel_that_comes_empty_leaves_nothing_at_its_store_and_may_ask_the_customer() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("good");
    let policy = PutPolicy::Rejection { delivery_method: text("ship_to_store"), policy: RejectionPolicy::AskCustomer };
    world.run(Command::PutPolicy(policy)).expect("good");
    let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 2)).expect("east has them");
    let pick = FulfillmentAction::Pick { lines: None };
    let order = comes_in_part(&world, &order, pick, (2, vec![])).expect("nothing came");
    assert_eq!(order.fulfillment_orders[0].status, FulfillmentStatus::Incomplete);
    assert_eq!((order.awaits_customer, order.totals().unallocated), (true, 2), "he is asked what he wants now");
    assert_eq!((world.level("phone", "west").on_hand, world.level("phone", "east").committed), (0, 0));
    let world = world.restart();
    world.run(Command::SourceOrder { order: text(&order.name()) }).expect("he wants others");
    assert_eq!(shape(&world, &order), at(&["east"], 0));
    world.check();
}

#[test]
fn of_what_is_told_apart_by_number_it_is_said_which_is_missing() {
    let world = World::new();
    world.run(super::lots::tracked("phone", Some(Tracking::Serial))).expect("nothing is known of phones");
    let serial = |serial: &str| NamedLot { lot: text(serial), expires_at: None, units: 1 };
    let serials = |all: &[&str]| Names { lots: vec![], serials: all.iter().map(|one| serial(one)).collect() };
    let adjustment = Adjustment { sku: text("phone"), node: text("east"), delta: 3, reason: MovementKind::Received };
    let named = NamedAdjustment { adjustment, names: serials(&["s1", "s2", "s3"]) };
    world.run(Command::AdjustLots(vec![named])).expect("room");
    let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 2)).expect("east has them");
    let named = |all: &[&str]| vec![(text("phone"), serials(all))];
    let pick = || FulfillmentAction::PickNamed { lines: None, names: named(&["s1", "s3"]) };
    let code = |refused: Result<Order, Rejection>| match refused.expect_err("it must be refused") {
        Rejection::Invalid(faults) => faults[0].code,
        other => other.code(),
    };
    assert_eq!(code(comes_in_part(&world, &order, pick(), (1, vec![]))), "missing_field");
    let order = world.engine.order(&order.name()).expect("there").as_ref().clone();
    assert_eq!(code(comes_in_part(&world, &order, pick(), (1, named(&["s2"])))), "unknown_lot");
    assert_eq!(code(comes_in_part(&world, &order, pick(), (1, named(&["s1", "s3"])))), "quantity_out_of_range");
    let order = comes_in_part(&world, &order, pick(), (1, named(&["s1"]))).expect("s3 came");
    let kept: Vec<_> = order.fulfillment_orders[0].identified.iter().map(|own| own.lot.to_string()).collect();
    assert_eq!(kept, ["s3"]);
    let sku = world.engine.catalogue(|catalogue| catalogue.sku_index("phone")).expect("there");
    let known = |world: &World| {
        let lots = world.engine.sku_lots(sku).expect("they are tracked");
        ["s1", "s2", "s3"].map(|serial| lots.find(&text(serial)).is_some())
    };
    assert_eq!(known(&world), [false, true, true], "the missing one is nowhere");
    let world = world.restart();
    assert_eq!(known(&world), [false, true, true]);
    world.check();
}

#[test]
fn what_is_on_its_way_to_a_store_cannot_be_asked_back_before_its_customer_has_it() {
    let world = World::new();
    world.stock("phone", "east", 2).expect("good");
    let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 2)).expect("east has them");
    let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
    let pick = FulfillmentAction::Pick { lines: None };
    let ship = FulfillmentAction::Ship { shipment };
    let mut returnable = Vec::new();
    for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, ship] {
        returnable.push(world.fulfill(&order, 1, action).expect("in turn").returnable(0));
    }
    for action in [FulfillmentAction::Receive, FulfillmentAction::Ready { until: None }, FulfillmentAction::HandOver] {
        returnable.push(world.fulfill(&order, 1, action).expect("in turn").returnable(0));
    }
    assert_eq!(returnable, [0, 0, 0, 0, 0, 0, 2]);
    world.check();
}

#[test]
fn a_store_that_has_the_units_hands_them_over_without_a_shipment_and_a_channel_ships_them_once() {
    let world = World::new();
    world.stock("phone", "west", 1).expect("good");
    world.stock("phone", "east", 5).expect("good");
    super::channels::put(&world, "web", &[("phone", 0, Some(4))]);
    let used = |world: &World| world.engine.channel("web").map(|(_, used, _)| used).expect("it was put");
    let there = placed(&world, wanted("a", "ship_to_store", Some("west"), 1)).expect("west has it");
    assert_eq!(shape(&world, &there), at(&["west"], 0));
    let pick = FulfillmentAction::Pick { lines: None };
    for action in [FulfillmentAction::Accept, pick.clone(), FulfillmentAction::Pack] {
        world.fulfill(&there, 1, action).expect("in turn");
    }
    assert!(world.fulfill(&there, 1, FulfillmentAction::Receive).is_err(), "it came from nowhere");
    world.fulfill(&there, 1, FulfillmentAction::HandOver).expect("he is there");
    assert_eq!(used(&world), [1]);
    let sent = placed(&world, wanted("b", "ship_to_store", Some("west"), 2)).expect("east has them");
    let sent = received_in_the_west(&world, &sent, pick);
    assert_eq!(used(&world), [3]);
    let world = world.restart();
    assert_eq!(used(&world), [3], "a restart counts no unit twice");
    world.fulfill(&sent, 1, FulfillmentAction::HandOver).expect("he is there");
    assert_eq!(used(&world), [3]);
    world.check();
    assert!(matches!(placed(&world, wanted("c", "ship_to_store", Some("nowhere"), 1)), Err(Rejection::Invalid(_))));
}

#[test]
fn what_waits_in_a_group_is_cancelled_by_the_clock_of_its_own_method() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 1).expect("good");
        let clocks = |seconds| OrderClocks { cancel_waiting_after_s: Some(seconds), ..OrderClocks::default() };
        for (method, seconds) in [("ship", 600), ("pickup", 60)] {
            let put = PutPolicy::Clocks { delivery_method: text(method), clocks: clocks(seconds) };
            world.run(Command::PutPolicy(put)).expect("good");
        }
        let mut order = mixed("a", "west");
        order.lines[0].quantity = super::world::quantity(2);
        let order = placed(&world, order).expect("one is shipped");
        let waits = |world: &World| {
            let order = world.engine.order(&order.name()).expect("there");
            [order.buckets(0), order.buckets(1)].map(|buckets| (buckets.backordered, buckets.cancelled))
        };
        assert_eq!(waits(&world), [(1, 0), (2, 0)]);
        let tick = |world: World, seconds: i64| {
            world.later(seconds);
            let world = if restarts { world.restart() } else { world };
            world.engine.expire_due(&*world.log);
            world
        };
        let world = tick(world, 59);
        assert_eq!(waits(&world), [(1, 0), (2, 0)], "a second is left");
        let world = tick(world, 2);
        assert_eq!(waits(&world), [(1, 0), (0, 2)], "restarts {restarts}");
        let world = tick(world, 600);
        assert_eq!(waits(&world), [(0, 1), (0, 2)]);
        world.check();
    }
}

#[test]
fn units_of_one_lot_that_were_picked_in_two_parts_are_missing_together() {
    for missing in [3, 4, 5] {
        let world = World::new();
        world.run(super::lots::tracked("phone", Some(Tracking::Lot))).expect("nothing is known of phones");
        let lot = |units| NamedLot { lot: text("L"), expires_at: None, units };
        let names = Names { lots: vec![lot(5)], serials: vec![] };
        let adjustment =
            Adjustment { sku: text("phone"), node: text("east"), delta: 5, reason: MovementKind::Received };
        world.run(Command::AdjustLots(vec![NamedAdjustment { adjustment, names }])).expect("room");
        let order = placed(&world, wanted("a", "ship_to_store", Some("west"), 5)).expect("east has them");
        world.fulfill(&order, 1, FulfillmentAction::Accept).expect("in turn");
        for units in [2, 3] {
            let lines = Some(vec![NamedUnits { line: text("1"), quantity: quantity(units) }]);
            world.fulfill(&order, 1, FulfillmentAction::Pick { lines }).expect("they are there");
        }
        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
        world.fulfill(&order, 1, FulfillmentAction::Pack).expect("in turn");
        let sent = world.fulfill(&order, 1, FulfillmentAction::Ship { shipment }).expect("in turn");
        let pick = || FulfillmentAction::Pick { lines: None };
        let named = |units: &[u32]| {
            let lots = units.iter().map(|units| lot(*units)).collect();
            vec![(text("phone"), Names { lots, serials: vec![] })]
        };
        if missing < 5 {
            let twice = comes_in_part(&world, &sent, pick(), (missing, named(&[missing, 6 - missing])));
            assert_eq!(twice.expect_err("only five left").code(), "unknown_lot");
        }
        let done = comes_in_part(&world, &sent, pick(), (missing, named(&[missing - 1, 1]))).expect("they left");
        let left: u32 = done.fulfillment_orders[0].identified.iter().map(|own| own.units).sum();
        assert_eq!(left, 5 - missing);
        world.check();
        world.restart().check();
    }
}

#[test]
fn what_is_ready_is_kept_while_its_customer_stands_there() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "west", 2).expect("good");
        let order = placed(&world, wanted("a", "curbside", Some("west"), 2)).expect("west has it");
        let until = Some(WallTime(world.log.now().wall.0 + 3_600_000));
        let pick = FulfillmentAction::Pick { lines: None };
        for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, FulfillmentAction::Ready { until }] {
            world.fulfill(&order, 1, action).expect("in turn");
        }
        let pass = |world: World, seconds: i64| {
            world.later(seconds);
            let world = if restarts { world.restart() } else { world };
            world.engine.expire_due(&*world.log);
            let stands = world.engine.order(&order.name()).expect("there").fulfillment_orders[0].status;
            (world, stands)
        };
        let (world, _) = pass(world, 3_500);
        world.fulfill(&order, 1, FulfillmentAction::Arrive { spot: Some(text("B7")) }).expect("it is ready");
        let (world, stands) = pass(world, 200);
        assert_eq!(stands, FulfillmentStatus::Ready, "its window is over, and he stands there");
        let (world, stands) = pass(world, 2 * 3_600 - 201);
        assert_eq!(stands, FulfillmentStatus::Ready);
        let (world, stands) = pass(world, 1);
        assert_eq!(stands, FulfillmentStatus::PutBack, "he has gone again");
        world.check();
    }
}

#[test]
fn what_is_ready_for_who_comes_and_what_nobody_carries_is_not_shipped() {
    for (method, can_be_shipped) in
        [("pickup", false), ("curbside", false), ("locker", false), ("digital", false), ("ship", true)]
    {
        let world = World::new();
        world.stock("phone", "west", 2).expect("good");
        let order = placed(&world, wanted("a", method, Some("west"), 2)).expect("west has them");
        let ready = FulfillmentAction::Ready { until: None };
        for action in
            [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack, ready]
        {
            world.fulfill(&order, 1, action).expect("in turn");
        }
        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
        let shipped = world.fulfill(&order, 1, FulfillmentAction::Ship { shipment });
        assert_eq!(shipped.is_ok(), can_be_shipped, "{method}: {shipped:?}");
        if let Err(refused) = shipped {
            assert_eq!(refused.code(), "illegal_transition", "{method}");
            let done = world.fulfill(&order, 1, FulfillmentAction::HandOver).expect("he comes");
            assert_eq!(done.fulfillment_orders[0].status, FulfillmentStatus::Delivered, "{method}");
        }
        world.check();
    }
}

#[test]
fn who_comes_after_the_window_is_given_nothing_however_late_the_clock_is() {
    let code = || FulfillmentAction::HandOverWith { code: text("K7PM") };
    let arrive = || FulfillmentAction::Arrive { spot: None };
    for late in [code, arrive, || FulfillmentAction::HandOver] {
        for restarts in [false, true] {
            let world = World::new();
            world.stock("phone", "west", 2).expect("good");
            let order = placed(&world, wanted("a", "pickup", Some("west"), 2)).expect("west has it");
            let until = Some(WallTime(world.log.now().wall.0 + 3_600_000));
            let ready = FulfillmentAction::ReadyWith { until, code: Some(text("K7PM")), drawn: text("K7PM") };
            let pick = FulfillmentAction::Pick { lines: None };
            for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, ready] {
                world.fulfill(&order, 1, action).expect("in turn");
            }
            world.later(3_600);
            let records = world.log.records.lock().len();
            assert_eq!(world.fulfill(&order, 1, late()).expect_err("too late").code(), "illegal_transition");
            assert_eq!(world.log.records.lock().len(), records + 1, "it is taken back first");
            let world = if restarts { world.restart() } else { world };
            let order = world.engine.order(&order.name()).expect("there");
            assert_eq!(order.fulfillment_orders[0].status, FulfillmentStatus::PutBack);
            assert_eq!(order.status(), OrderStatus::Cancelled);
            world.engine.expire_due(&*world.log);
            assert_eq!(world.log.records.lock().len(), records + 1, "nothing is left for the clock");
            world.fulfill(&order, 1, FulfillmentAction::PutBack { lines: None }).expect("it lies there");
            assert_eq!(world.level("phone", "west").available, 2);
            world.check();
        }
    }
}

#[test]
fn who_said_in_time_that_he_is_there_is_given_it_after_the_window() {
    for after in [3_599, 2 * 3_600 - 1] {
        let world = World::new();
        world.stock("phone", "west", 2).expect("good");
        let order = placed(&world, wanted("a", "curbside", Some("west"), 2)).expect("west has it");
        let until = Some(WallTime(world.log.now().wall.0 + 3_600_000));
        let pick = FulfillmentAction::Pick { lines: None };
        for action in [FulfillmentAction::Accept, pick, FulfillmentAction::Pack, FulfillmentAction::Ready { until }] {
            world.fulfill(&order, 1, action).expect("in turn");
        }
        world.later(3_599);
        world.fulfill(&order, 1, FulfillmentAction::Arrive { spot: None }).expect("a second before its end");
        world.later(after);
        let done = world.fulfill(&order, 1, FulfillmentAction::HandOver).expect("he stands there");
        assert_eq!(done.fulfillment_orders[0].status, FulfillmentStatus::Delivered);
        world.check();
    }
}
