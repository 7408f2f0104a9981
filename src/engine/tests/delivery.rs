//! Delivery methods: what is collected comes from where the customer comes to, or from nowhere.

use super::world::{World, text};
use crate::domain::collection::CollectionRule;
use crate::domain::command::*;
use crate::domain::decision::FenceReason;
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::policy::RejectionPolicy;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;

fn wanted(id: &str, method: &str, at: Option<&str>, units: u32) -> PlaceOrder {
    let wishes = Wishes { preferred_node: at.map(text), ..Wishes::default() };
    PlaceOrder { delivery_method: text(method), wishes, ..World::order_of(id, &[("phone", units)], None) }
}

fn placed(world: &World, order: PlaceOrder) -> Result<Order, Rejection> {
    match world.run(Command::PlaceOrder(Box::new(order)))? {
        Reply::Order(order) => Ok(*order),
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
