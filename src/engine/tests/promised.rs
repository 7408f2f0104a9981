//! The day by which an order is promised to be there: what the quote tells, kept by the order whatever becomes of it. What
//! keeps an order back is waited for, by fences and by days that cost.

use jiff::civil::Date;

use super::weighing::{carrier, on, order_by, place, quote, service, weighed};
use super::world::*;
use crate::domain::command::*;
use crate::domain::hold::HoldKind;
use crate::domain::record::Log;
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::time::WallTime;

const DAY_MS: i64 = 86_400_000;

/// Phones in the east, from where a slow service is cheap and a quick one dear; days cost so much that the quick one is chosen.
fn two_services() -> World {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    carrier(&world, vec![service("east", (400, 50), 5), service("east", (700, 50), 1)]);
    on(&world, weighed(vec![Term::Shipping, Term::Late { per_day: 80 }]));
    world
}

/// The day that a quote of one shipment tells.
fn quoted(world: &World, order: &PlaceOrder) -> Date {
    let decision = quote(world, order);
    let [shipment] = &world.engine.quote_shipping(world.log.now(), order, &decision)[..] else {
        panic!("one shipment")
    };
    shipment.answers.offers[shipment.chosen].promise.arrives
}

#[test]
fn an_order_keeps_the_day_that_its_quote_told_wherever_it_goes_and_over_restarts() {
    let world = two_services();
    let asked = order_by("a", &[("phone", 2)]);
    let day = quoted(&world, &asked);
    let order = place(&world, asked);
    assert_eq!(order.deliver_by(1), Some(day));
    // What is split off is promised as what it was split off; what goes elsewhere as it was.
    let one = NamedUnits { line: text("1"), quantity: quantity(1) };
    let split = world.fulfill(&order, 1, FulfillmentAction::Split { lines: vec![one] }).expect("submitted");
    world.stock("phone", "west", 2).expect("received");
    let moved = world.fulfill(&split, 2, FulfillmentAction::Move { node: text("west") }).expect("submitted");
    assert_eq!((moved.deliver_by(1), moved.deliver_by(2)), (Some(day), Some(day)));
    let world = world.restart();
    let known = world.engine.order("a").expect("there");
    assert_eq!((known.deliver_by(1), known.deliver_by(2)), (Some(day), Some(day)));
    world.check();
}

#[test]
fn what_waited_is_promised_when_it_is_filled_and_nothing_without_carriers() {
    let world = World::new();
    let waits = place(&world, World::order_of("a", &[("phone", 1)], None));
    world.stock("phone", "east", 5).expect("received");
    let known = world.engine.order(&waits.name()).expect("there");
    assert_eq!((known.deliver_by(1), known.version), (None, 2), "nobody says when it comes");
    let waits = place(&world, World::order_of("b", &[("phone", 6)], None));
    carrier(&world, vec![service("east", (400, 50), 5), service("north", (700, 50), 1)]);
    assert_eq!(waits.deliver_by(1), None);
    world.stock("phone", "east", 3).expect("received");
    let known = world.engine.order(&waits.name()).expect("there");
    let asked = World::order_of("d", &[("phone", 1)], None);
    assert_eq!(known.deliver_by(2), Some(quoted(&world, &asked)), "it is as if it were ordered now");
    world.check();
}

#[test]
fn what_keeps_an_order_back_counts_for_its_day_and_for_fences() {
    for objective in [vec![Term::PerShipment { amount: 500 }], vec![Term::Shipping]] {
        let world = World::new();
        world.stock("phone", "east", 10).expect("received");
        carrier(&world, vec![service("east", (700, 50), 1)]);
        let fences = vec![Fence::ArrivesBy { days: Some(6) }];
        on(&world, RuleTerms { objective, fences, ..RuleTerms::default() });
        let at_once = order_by("a", &[("phone", 1)]);
        assert!(quote(&world, &at_once).unfilled.is_empty());
        let later = WallTime(world.log.now().wall.0 + 9 * DAY_MS);
        let wishes = Wishes { release_at: Some(later), ..at_once.wishes.clone() };
        let kept_back = PlaceOrder { wishes, ..at_once.clone() };
        assert_eq!(quote(&world, &kept_back).unfilled.len(), 1, "it leaves in nine days");
        let (kind, reason) = (HoldKind::Fraud, text("a look"));
        let hold = AskedHold { kind, reason, release_at: Some(later), release_on: None };
        let held = PlaceOrder { holds: vec![hold], ..at_once.clone() };
        assert_eq!(quote(&world, &held).unfilled.len(), 1, "so it does when it is held until then");
        let placed = place(&world, PlaceOrder { id: Some(text("b")), channel_order_id: text("b"), ..held });
        assert_eq!(placed.totals().backordered, 1, "what is placed is what was quoted");
    }
}

#[test]
fn days_count_from_when_an_order_is_let_go_and_are_promised_so() {
    let world = two_services();
    let at_once = order_by("a", &[("phone", 1)]);
    let later = WallTime(world.log.now().wall.0 + 9 * DAY_MS);
    let wishes = Wishes { release_at: Some(later), ..at_once.wishes.clone() };
    let kept_back = PlaceOrder { id: Some(text("b")), channel_order_id: text("b"), wishes, ..at_once.clone() };
    let late = |order: &PlaceOrder| {
        let decision = quote(&world, order);
        let weighed = decision.evidence.weighed().expect("weighed");
        weighed.amounts.iter().find(|(term, _)| term.word() == "late").expect("it is told").1
    };
    assert!(late(&kept_back) >= late(&at_once) + 7 * 80, "it is there later");
    let day = quoted(&world, &kept_back);
    assert!(day > quoted(&world, &at_once));
    assert_eq!(place(&world, kept_back).deliver_by(1), Some(day));
}
