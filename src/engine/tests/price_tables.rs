//! Tables of prices that fall or have gaps, days that are named, groups that leave together: a parcel costs the same in every
//! order and for whoever asks carriers, and is told as it was planned.

use super::weighing::{amounts, carrier, item, loser, nodes, offered, on, order_by, quote, service, weighed};
use super::world::*;
use crate::domain::carrier::Service;
use crate::domain::carrier::parcels::Units;
use crate::domain::carrier::rates::{Parcel, Prices, Rates, WeightUnit};
use crate::domain::command::*;
use crate::domain::decision::{Decision, Why};
use crate::domain::record::Log;
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::sourcing::costed::Reason;
use crate::domain::weighed::Carried;

/// A service from the east with prices up to one, two and five kilograms.
fn by_table(prices: [Option<i64>; 3]) -> Service {
    let rows = prices.map(|price| vec![price; 7]).to_vec().into();
    let prices = Prices::Table { upto: vec![10_000, 20_000, 50_000], rows };
    let rates = Rates { unit: WeightUnit::Kilogram, prices };
    Service { rates, dimensional: None, surcharges: Vec::new(), ..service("east", (0, 0), 2) }
}

/// Bricks of a kilogram each in the east, so many.
fn bricks(units: i32, services: Vec<Service>) -> World {
    let world = World::new();
    item(&world, "brick", 1_000, 500);
    world.stock("brick", "east", units).expect("received");
    carrier(&world, services);
    on(&world, weighed(vec![Term::Shipping]));
    world
}

fn asked_of_carriers(world: &World, units: u32) -> Option<(u32, i64)> {
    let unit = Parcel { weight_g: 1_000, ..Parcel::default() };
    let offers = offered(world, "east", vec![Units { unit, quantity: units }]);
    offers.first().map(|offer| (offer.parcels.iter().map(|own| own.packed.count).sum(), offer.price))
}

/// Parcels and price of a plan.
fn planned(decision: &Decision) -> (u32, i64) {
    sums(&decision.evidence.weighed().expect("weighed").carried)
}

fn sums(carried: &[Carried]) -> (u32, i64) {
    (carried.iter().map(|own| own.parcels).sum(), carried.iter().map(|own| own.price).sum())
}

/// The same as a quote tells the customer of its shipment.
fn told(world: &World, asked: &PlaceOrder, decision: &Decision) -> (u32, i64) {
    let [shipment] = &world.engine.quote_shipping(world.log.now(), asked, decision)[..] else { panic!("one shipment") };
    let offer = &shipment.answers.offers[shipment.chosen];
    assert_eq!(sums(&shipment.carried), planned(decision));
    (offer.parcels.iter().map(|own| own.packed.count).sum(), offer.price)
}

#[test]
fn a_parcel_costs_the_same_whatever_else_its_order_asks_for() {
    for has in [1, 10] {
        let world = bricks(has, vec![by_table([Some(900), Some(500), Some(700)])]);
        for wanted in [1, 2, 4] {
            let asked = order_by("a", &[("brick", wanted)]);
            let decision = quote(&world, &asked);
            let sent = wanted.min(has as u32);
            let price = if sent > 2 { 700 } else { 500 };
            assert_eq!(planned(&decision), (1, price), "{sent} of {wanted}");
            assert_eq!(told(&world, &asked, &decision), (1, price));
            assert_eq!(asked_of_carriers(&world, sent), Some((1, price)));
        }
    }
}

#[test]
fn what_lies_in_a_row_without_a_price_is_divided_into_parcels_that_have_one() {
    let gap = by_table([Some(400), None, Some(700)]);
    let world = bricks(10, vec![gap.clone()]);
    for (wanted, parcels, price) in [(1, 1, 400), (2, 2, 800), (3, 1, 700), (7, 2, 1_400)] {
        let asked = order_by("a", &[("brick", wanted)]);
        let decision = quote(&world, &asked);
        assert_eq!(decision.unfilled.len(), 0, "{wanted}");
        assert_eq!(planned(&decision), (parcels, price), "{wanted}");
        // Nobody's rates divide seven kilograms so, but the plan is told as it is.
        let offered = if wanted < 7 { (parcels, price) } else { told(&world, &asked, &decision) };
        assert_eq!(told(&world, &asked, &decision), offered, "{wanted}");
    }
}

#[test]
fn days_are_late_after_the_day_that_an_order_names() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    carrier(&world, vec![service("east", (400, 0), 5), service("east", (700, 0), 1)]);
    on(&world, weighed(vec![Term::Shipping, Term::Late { per_day: 80 }]));
    let asked = order_by("a", &[("phone", 1)]);
    let late = |decision: &Decision| amounts(decision).iter().find(|(term, _)| *term == "late").expect("told").1;
    let price = |decision: &Decision| planned(decision).1;
    let usual = quote(&world, &asked);
    assert_eq!(price(&usual), 700, "four days more cost 320");
    let offers = world.engine.quote_shipping(world.log.now(), &asked, &usual).remove(0).answers.offers;
    let slow = offers.iter().find(|offer| offer.price == 400).expect("offered").promise.arrives;
    let by = |days: i64| {
        let day = slow.checked_sub(jiff::Span::new().days(days)).expect("a day");
        let wishes = Wishes { arrives_by: Some(day), ..asked.wishes.clone() };
        quote(&world, &PlaceOrder { wishes, ..asked.clone() })
    };
    assert_eq!((price(&by(0)), late(&by(0))), (400, 0), "it is there on its day");
    assert_eq!((price(&by(3)), late(&by(3))), (400, 240));
    assert_eq!(price(&by(4)), 700, "nothing is late by the quick one");
    assert_eq!(late(&by(4)), 0);
    let fastest = PlaceOrder { rule_set: Some(text("fastest")), ..asked.clone() };
    let wishes = Wishes { arrives_by: Some(slow), ..asked.wishes.clone() };
    assert_eq!(price(&quote(&world, &PlaceOrder { wishes, ..fastest })), 700, "no day is early enough for the fastest");
}

#[test]
fn who_has_part_of_a_group_that_leaves_together_is_told_so() {
    let world = World::new();
    world.stock("phone", "east", 1).expect("received");
    for (sku, node) in [("phone", "west"), ("case", "west")] {
        world.stock(sku, node, 5).expect("received");
    }
    carrier(&world, vec![service("east", (400, 0), 2), service("west", (900, 0), 2)]);
    let group = Fence::SameNode(vec![text("phone"), text("case")]);
    on(&world, RuleTerms { fences: vec![group], ..weighed(vec![Term::Shipping]) });
    let decision = quote(&world, &order_by("a", &[("phone", 1), ("case", 1)]));
    assert_eq!(nodes(&world, &decision), ["west"]);
    let why = |node| loser(&world, &decision, node).why;
    assert_eq!(why("east"), Why::Outweighed { reason: Reason::NotTogether, exact: true });
    assert_eq!(why("north"), Why::NoStock);
}

#[test]
fn where_nothing_is_weighed_the_nearest_ships() {
    let world = World::new();
    for node in ["north", "west", "east"] {
        world.stock("phone", node, 5).expect("received");
    }
    on(&world, weighed(vec![]));
    assert_eq!(nodes(&world, &quote(&world, &order_by("a", &[("phone", 2)]))), ["east"]);
}
