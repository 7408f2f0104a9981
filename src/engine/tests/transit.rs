//! What carriers tell of themselves by the parcels that come, and what leaves a node: noted with the records that tell it,
//! the same after a restart, and weighed the day after.

use std::sync::Arc;

use super::world::*;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::fulfillment::Shipment;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::money::{Currency, Money};
use crate::domain::order::Order;
use crate::domain::policy::Demand;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};
use crate::domain::transit::{InTime, TransitKey};

const DAY_S: i64 = 86_400;

/// A service that comes to one node alone and takes so many days to any zone.
fn service(name: &str, node: &str, days: u16) -> Service {
    let pickups = Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]);
    Service { name: text(name), transit_days: vec![days; 7], pickups, ..ground() }
}

fn weighed_by(world: &World, objective: Vec<Term>) {
    let terms = RuleTerms { objective, ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("default"), terms: Arc::new(terms) })).expect("put");
    let activated = ActivateRules { name: text("default"), version: 2, at: None };
    world.run(Command::ActivateRules(activated)).expect("it can be carried");
}

/// East and north, each with a service of its own: of east it says one day, of north two; days alone are weighed.
fn timed() -> World {
    let world = World::new();
    let services = vec![service("quick", "east", 1), service("sure", "north", 2)];
    let post = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(post)))).expect("a carrier");
    weighed_by(&world, vec![Term::Late { per_day: 1_000 }]);
    for node in ["east", "north"] {
        world.stock("phone", node, 500).expect("received");
    }
    world
}

/// Where an order would ship from, and what its days cost.
fn quote(world: &World) -> (String, i64) {
    let order = World::order_of("quote", &[("phone", 1)], None);
    let decision: Decision = world.engine.quote(world.log.now(), &order).expect("quoted");
    let node = world.engine.catalogue(|c| c.node(decision.assignments[0].node).id.to_string());
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    (node, weighed.amounts.iter().find(|(term, _)| term.word() == "late").expect("it is told").1)
}

/// The chance that is told with the quote of a phone, and the day it is told for.
fn promised(world: &World) -> (InTime, String) {
    let order = World::order_of("quote", &[("phone", 1)], None);
    let decision = world.engine.quote(world.log.now(), &order).expect("quoted");
    let shipments = world.engine.quote_shipping(world.log.now(), &order, &decision);
    let [shipment] = &shipments[..] else { panic!("one shipment: {shipments:?}") };
    (shipment.in_time.expect("it is offered"), shipment.answers.offers[0].promise.arrives.to_string())
}

/// Ships an order of phones from a node by a service.
fn sent(world: &World, id: &str, (node, units): (&str, u32), (carrier, service): (&str, &str)) -> Order {
    let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, &[("phone", units)], None) };
    order.wishes.preferred_node = Some(text(node));
    let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(order))) else { panic!("it is taken") };
    let shipment = Shipment { carrier: text(carrier), service: text(service), tracking_number: text("t") };
    let steps = [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack];
    for action in steps.into_iter().chain([FulfillmentAction::Ship { shipment }]) {
        world.fulfill(&order, 1, action).expect("its next step");
    }
    (*order).clone()
}

fn tell(world: &World, order: &Order, status: TrackingStatus) {
    let at = WallTime(world.log.now().wall.0);
    let scan = Scan { at, status, id: None, place: None, text: None };
    world.fulfill(order, 1, FulfillmentAction::Track { scans: vec![scan], estimated_at: None }).expect("it has left");
}

fn noted(world: &World) -> usize {
    let records = world.log.records.lock();
    records.iter().flat_map(|record| &record.events).filter(|event| matches!(event, Event::TransitNoted(_))).count()
}

/// The service of east in the zone that all orders here go to.
fn quick(world: &World) -> TransitKey {
    let (lanes, _) = world.engine.transits("post", world.log.now().wall).expect("a carrier");
    let lane = lanes.first().expect("a parcel came");
    TransitKey { carrier: text("post"), service: lane.service.clone(), zone: lane.zone }
}

#[test]
fn a_service_that_comes_late_is_promised_and_asked_less_from_the_next_day_on() {
    let world = timed();
    assert_eq!(quote(&world), ("east".to_owned(), 1_000), "a day, as it declares");
    let (before, arrives) = promised(&world);
    assert_eq!((before.chance_micro, before.parcels, before.is_learned), (850_000, 0, false));
    assert_eq!(arrives, "2027-01-16");
    let parcels: Vec<Order> = (0..30).map(|n| sent(&world, &format!("o{n}"), ("east", 1), ("post", "quick"))).collect();
    world.later(4 * DAY_S);
    parcels.iter().for_each(|order| tell(&world, order, TrackingStatus::Delivered));
    assert_eq!(noted(&world), 30);
    let key = quick(&world);
    let known = world.engine.transit_of(&key);
    assert_eq!(known.days.values().next().map(|days| days[&4]), Some(30), "four days each");
    assert_eq!(quote(&world), ("east".to_owned(), 1_000), "what comes today is weighed tomorrow");
    assert_eq!(promised(&world).0, before);
    let world = world.restart();
    assert_eq!(world.engine.transit_of(&key), known, "it is in the journal");
    world.later(DAY_S);
    let (node, late) = quote(&world);
    assert_eq!((node.as_str(), late), ("north", 2_000), "two days are less than one and what it takes longer");
    let (lanes, _) = world.engine.transits("post", world.log.now().wall).expect("a carrier");
    let told = lanes[0].chances.within(1);
    // Twenty at 85 %, and nearly thirty of which none was there in time.
    assert!(told.is_learned && told.parcels == 30 && (340_000..350_000).contains(&told.chance_micro), "{told:?}");
    assert!(lanes[0].counts == [(4, 30)] && lanes[0].chances.delay_micro() > 1_800_000);
    assert!(world.engine.transits("moon", world.log.now().wall).is_none());
}

#[test]
fn a_service_that_keeps_its_days_costs_no_more_than_one_of_which_nothing_is_known() {
    let world = timed();
    let parcels: Vec<Order> = (0..30).map(|n| sent(&world, &format!("o{n}"), ("east", 1), ("post", "quick"))).collect();
    world.later(DAY_S);
    parcels.iter().for_each(|order| tell(&world, order, TrackingStatus::Delivered));
    let known = world.engine.transit_of(&quick(&world));
    assert_eq!(known.days.values().next().map(|days| days[&1]), Some(30), "a day each");
    world.later(4 * DAY_S);
    let (node, late) = quote(&world);
    // Of what is usual each takes 0.18 days more than declared, and of these nothing.
    assert!(node == "east" && (880..900).contains(&late), "{node}: {late}");
}

#[test]
fn a_parcel_is_counted_once_and_only_where_it_is_known_how_it_went() {
    let world = timed();
    let unknown = [("post", "slow"), ("van", "quick"), ("post", "sure")];
    for (n, (carrier, service)) in unknown.into_iter().enumerate() {
        let order = sent(&world, &format!("u{n}"), ("east", 1), (carrier, service));
        tell(&world, &order, TrackingStatus::Delivered);
    }
    assert_eq!(noted(&world), 0, "no such service, no such carrier, not from that node");
    let order = sent(&world, "o", ("east", 1), ("post", "quick"));
    tell(&world, &order, TrackingStatus::InTransit);
    assert_eq!(noted(&world), 0, "it has not come");
    world.later(2 * DAY_S);
    tell(&world, &order, TrackingStatus::Delivered);
    world.later(60);
    tell(&world, &order, TrackingStatus::Delivered);
    tell(&world, &order, TrackingStatus::ReturnToSender);
    world.later(60);
    tell(&world, &order, TrackingStatus::Delivered);
    assert_eq!(noted(&world), 1);
    assert_eq!(world.engine.transit_of(&quick(&world)).days.values().next().map(|days| days[&2]), Some(1));
}

#[test]
fn a_journal_read_again_weighs_the_days_that_were_known_then() {
    let world = timed();
    for day in 0..4 {
        let parcels: Vec<Order> =
            (0..12).map(|n| sent(&world, &format!("o{day}-{n}"), ("east", 1), ("post", "quick"))).collect();
        world.later(2 * DAY_S);
        parcels.iter().for_each(|order| tell(&world, order, TrackingStatus::Delivered));
        let plain = World::order_of(&format!("p{day}"), &[("phone", 2)], None);
        world.run(Command::PlaceOrder(Box::new(plain))).expect("taken");
    }
    let comparison = super::whatif::compared(&world, &crate::engine::whatif::Suppose::default());
    assert_eq!((comparison.same, comparison.before), (comparison.decided, comparison.after));
    assert!(comparison.decided >= 4);
}

/// A phone of value, of which some leave east every day.
fn scarce() -> World {
    let world = World::new();
    let value = Some(Money { amount: 2_000, currency: Currency::USD });
    let phone = PutItem {
        sku: text("phone"),
        name: text("phone"),
        kind: ItemKind::Product,
        weight_g: 500,
        dimensions: Dimensions::default(),
        value,
        components: Vec::new(),
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(phone))).expect("a good item");
    weighed_by(&world, vec![Term::Distance { micro_per_km: 10_000 }, Term::Scarcity]);
    world.stock("phone", "east", 60).expect("received");
    world.stock("phone", "north", 500).expect("received");
    world
}

fn scarcity(world: &World) -> (String, i64) {
    let order = World::order_of("quote", &[("phone", 1)], None);
    let decision: Decision = world.engine.quote(world.log.now(), &order).expect("quoted");
    let node = world.engine.catalogue(|c| c.node(decision.assignments[0].node).id.to_string());
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    (node, weighed.amounts.iter().find(|(term, _)| term.word() == "scarcity").expect("it is told").1)
}

#[test]
fn what_leaves_a_node_is_counted_and_makes_its_last_units_dear() {
    let world = scarce();
    assert_eq!(scarcity(&world), ("east".to_owned(), 0), "nothing is known of what leaves");
    for day in 0..14 {
        sent(&world, &format!("o{day}"), ("east", 4), ("c", "s"));
        assert_eq!(scarcity(&world).0, "east", "day {day}: too little is known");
        world.later(DAY_S);
    }
    let cell = world.engine.catalogue(|c| CellKey {
        sku: c.sku_index("phone").expect("an item"),
        node: c.node_index("east").expect("a node"),
    });
    let known = world.engine.velocity_of(cell).expect("units left");
    let world = world.restart();
    assert_eq!(world.engine.velocity_of(cell), Some(known), "it is in the journal");
    // Four a day for a week, four are left: the last are missed for certain.
    assert_eq!(scarcity(&world).0, "north");
    let (nodes, _) = world.engine.velocities("phone", world.log.now().journal).expect("an item");
    let [(node, told)] = &nodes[..] else { panic!("one node: {nodes:?}") };
    assert_eq!((&**node, told.days, told.units, told.rate_milli, told.is_in_use), ("east", 14, 56, 4_000, true));
    let said = Some(Demand { units: 1, days: 365 });
    let said = PutPolicy::Demand { sku: text("phone"), node: Some(text("east")), demand: said };
    world.run(Command::PutPolicy(said)).expect("put");
    assert_eq!(scarcity(&world).0, "east", "what somebody said comes first");
    assert!(world.engine.velocities("none", world.log.now().journal).is_none());
    let comparison = super::whatif::compared(&world, &crate::engine::whatif::Suppose::default());
    assert_eq!((comparison.same, comparison.before), (comparison.decided, comparison.after));
}
