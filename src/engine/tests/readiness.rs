//! By when what a customer comes for is ready: quoted, promised, kept, and a case when it is late.

use jiff::Timestamp;
use jiff::civil::Weekday;

use super::world::{World, text};
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::Order;
use crate::domain::promise::calendar::{Calendar, Weekdays};
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

const PICK: FulfillmentAction = FulfillmentAction::Pick { lines: None };

/// Nodes in the time of New York, open from nine to six on all days; what comes by three is ready two open hours later.
fn world() -> World {
    let world = World::new();
    let every = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let working = every.iter().fold(Weekdays::NONE, |all, day| all.and(*day));
    let hours = Calendar {
        id: "shop".into(),
        working,
        opens_min: 9 * 60,
        closes_min: 18 * 60,
        lead_days: 0,
        lead_min: 120,
        holidays: vec![],
    };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Calendar(hours)))).expect("is a calendar");
    for node in ["east", "west"] {
        let patch = NodePatch {
            time_zone: Some(text("America/New_York")),
            calendar: Some(Some(text("shop"))),
            cutoff_min: Some(Some(15 * 60)),
            ..NodePatch::default()
        };
        world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("good");
    }
    world.stock("phone", "east", 9).expect("room");
    world
}

fn wanted(id: &str, method: &str, at: &str) -> PlaceOrder {
    let wishes = Wishes { preferred_node: Some(text(at)), ..Wishes::default() };
    PlaceOrder { delivery_method: text(method), wishes, ..World::order_of(id, &[("phone", 1)], None) }
}

/// What is quoted and then promised.
fn promised(world: &World, order: PlaceOrder) -> (Order, Option<String>) {
    let now = world.log.now();
    let decision = world.engine.quote(now, &order).expect("can be planned");
    let quoted = world.engine.quote_pickups(now.wall, &order, &decision);
    let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(order))) else { panic!("can be placed") };
    let kept = order.ready_by(1);
    assert_eq!(quoted.first().map(|own| own.ready_by), kept, "what is quoted is promised");
    ((*order).clone(), kept.map(|WallTime(at)| Timestamp::from_millisecond(at).expect("an instant").to_string()))
}

fn is_late(world: &World, order: &Order) -> bool {
    let subject = Subject::Fulfillment(FulfillmentKey { order: order.key, number: 1 });
    let case = world.engine.exception_by_key(ExceptionKey { kind: ExceptionKind::ReadyLate, subject });
    case.is_some_and(|case| case.is_open())
}

#[test]
fn a_pickup_is_promised_by_cutoff_opening_and_lead_time_also_where_the_clock_is_put_forward() {
    let world = world();
    // Three at night in New York, on a Friday in January.
    let (early, ready_by) = promised(&world, wanted("a", "pickup", "east"));
    assert_eq!(ready_by.as_deref(), Some("2027-01-15T16:00:00Z"));
    world.later(8 * 3_600);
    assert_eq!(promised(&world, wanted("b", "curbside", "east")).1.as_deref(), Some("2027-01-15T18:00:00Z"));
    world.later(5 * 3_600);
    assert_eq!(
        promised(&world, wanted("c", "locker", "east")).1.as_deref(),
        Some("2027-01-16T16:00:00Z"),
        "it is past the cutoff"
    );
    // Five in the afternoon on the day before clocks go forward: nine is an hour earlier by then.
    world.later(57 * 86_400 + 3_600);
    assert_eq!(promised(&world, wanted("d", "pickup", "east")).1.as_deref(), Some("2027-03-14T15:00:00Z"));
    let world = world.restart();
    let kept = world.engine.order(&early.name()).expect("there").ready_by(1);
    assert_eq!(kept, early.ready_by(1), "a restart has not forgotten it");
    let (_, none) = promised(&world, wanted("e", "ship", "east"));
    assert_eq!(none, None, "nobody comes for it");
    let patch = NodePatch { calendar: Some(None), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("good");
    assert_eq!(promised(&world, wanted("f", "pickup", "east")).1, None, "nobody says how long it takes");
}

#[test]
fn what_is_not_ready_by_then_is_a_case_until_it_is() {
    for restarts in [false, true] {
        let world = world();
        let (order, _) = promised(&world, wanted("a", "pickup", "east"));
        let (quick, _) = promised(&world, wanted("b", "pickup", "east"));
        for action in [FulfillmentAction::Accept, PICK, FulfillmentAction::Pack] {
            for own in [&order, &quick] {
                world.fulfill(own, 1, action.clone()).expect("in turn");
            }
        }
        world.fulfill(&quick, 1, FulfillmentAction::Ready { until: None }).expect("packed");
        let tick = |world: World, seconds: i64| {
            world.later(seconds);
            let world = if restarts { world.restart() } else { world };
            world.engine.expire_due(&*world.log);
            world
        };
        let world = tick(world, 8 * 3_600 - 1);
        assert!(!is_late(&world, &order), "a second is left");
        let world = tick(world, 1);
        assert!(is_late(&world, &order) && !is_late(&world, &quick), "restarts {restarts}");
        world.fulfill(&order, 1, FulfillmentAction::Ready { until: None }).expect("packed");
        let world = tick(world, 120);
        assert!(!is_late(&world, &order), "it is ready now");
        world.check();
    }
}

#[test]
fn what_is_sent_to_a_store_is_ready_when_that_closes_on_the_day_it_comes() {
    let world = world();
    assert_eq!(promised(&world, wanted("a", "ship_to_store", "west")).1, None, "nobody brings it");
    let service = Service { transit_days: vec![3; 7], ..ground() };
    let post =
        Carrier { id: "post".into(), name: "Post".into(), active: true, currency: None, services: vec![service] };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(post)))).expect("is a carrier");
    let (order, ready_by) = promised(&world, wanted("b", "ship_to_store", "west"));
    let now = world.log.now().wall;
    let asked = AskRates {
        from: AskedFrom::Node(text("east")),
        to: AskedTo {
            country: text("US"),
            postal_code: world.engine.catalogue(|c| c.node(c.node_index("west").expect("there")).postal_code.clone()),
            position: world.engine.catalogue(|c| Some(c.node(c.node_index("west").expect("there")).position)),
        },
        freight: AskedFreight::Lines(vec![(text("phone"), super::world::quantity(1))]),
        placed_at: Some(now),
        held_until: None,
    };
    let arrives = world.engine.rates(now, &asked).expect("everything is known").answers.offers[0].promise.arrives;
    // Six in the evening in New York, in winter.
    assert_eq!(ready_by, Some(format!("{arrives}T23:00:00Z")));
    // Where it is split off or taken elsewhere, what was said stays said.
    world.stock("phone", "north", 1).expect("room");
    let moved = world.fulfill(&order, 1, FulfillmentAction::Move { node: text("north") }).expect("submitted");
    assert_eq!(moved.ready_by(1), order.ready_by(1));
    let here = promised(&world, wanted("c", "ship_to_store", "east")).1;
    assert_eq!(here.as_deref(), Some("2027-01-15T16:00:00Z"), "it is there already");
}
