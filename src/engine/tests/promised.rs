//! The day by which an order is promised to be there: what the quote tells, kept by the order whatever becomes of it. What
//! keeps an order back is waited for, by fences and by days that cost.

use jiff::civil::Date;

use super::supply;
use super::weighing::{carrier, on, order_by, place, quote, service, weighed};
use super::world::*;
use crate::domain::command::*;
use crate::domain::hold::HoldKind;
use crate::domain::ids::FulfillmentKey;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term};
use crate::domain::supply::SupplyTerms;
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

/// A phone is there soon from the east, a case later from the north, anything much later from the west: two phones and a
/// case, sourced, and the days of both shipments.
fn soon_and_later() -> (World, Order, [Date; 2]) {
    let world = World::new();
    carrier(&world, vec![service("east", (400, 50), 1), service("north", (400, 50), 5), service("west", (900, 50), 9)]);
    on(&world, weighed(vec![Term::Shipping]));
    world.stock("phone", "east", 2).expect("received");
    world.stock("case", "north", 1).expect("received");
    let order = place(&world, order_by("a", &[("phone", 2), ("case", 1)]));
    let [soon, later] = [1, 2].map(|number| order.deliver_by(number).expect("told"));
    assert!(soon < later);
    (world, order, [soon, later])
}

fn now(world: &World, id: &str) -> Order {
    world.engine.order(id).expect("there").as_ref().clone()
}

fn days(order: &Order, numbers: &[u16]) -> Vec<Option<Date>> {
    numbers.iter().map(|number| order.deliver_by(*number)).collect()
}

fn split_off(world: &World, order: &Order, number: u16, line: &str, units: u32) -> Order {
    let lines = vec![NamedUnits { line: text(line), quantity: quantity(units) }];
    world.fulfill(order, number, FulfillmentAction::Split { lines }).expect("submitted")
}

/// With and without a start after what is done.
fn again(world: World, restarts: bool) -> World {
    if restarts { world.restart() } else { world }
}

#[test]
fn what_is_merged_is_promised_as_the_first_of_both_whatever_else_is_promised_anew() {
    for restarts in [false, true] {
        let (world, order, [soon, later]) = soon_and_later();
        world.stock("phone", "north", 2).expect("received");
        let order = split_off(&world, &order, 1, "1", 1);
        let order = world.fulfill(&order, 3, FulfillmentAction::Move { node: text("north") }).expect("submitted");
        let with = text(&FulfillmentKey { order: order.key, number: 3 }.to_string());
        let order = world.fulfill(&order, 2, FulfillmentAction::Merge { with }).expect("at one node");
        assert_eq!(days(&order, &[1, 2]), [Some(soon), Some(soon)], "a phone was promised with it");
        let world = again(world, restarts);
        let order = now(&world, "a");
        assert_eq!(days(&order, &[1, 2]), [Some(soon), Some(soon)]);
        // The first is promised anew for later: what was split off it and lies in another now is not.
        let told: Vec<_> = order.promised_anew(1, later).collect();
        let is_of = |number: u16, day: Date| {
            told.iter().any(|event| {
                matches!(event, OrderEvent::DeliveryPromised { number: own, deliver_by } if *own == number && deliver_by.date() == day)
            })
        };
        assert!(is_of(1, later) && is_of(3, soon), "{told:?}");
        world.check();
    }
}

#[test]
fn what_ended_is_promised_nothing_anew() {
    let (world, order, [soon, later]) = soon_and_later();
    let order = split_off(&world, &order, 1, "1", 1);
    // The second piece ends, and with it nothing but itself.
    let stop = FulfillmentAction::Cancel { reason: text("no"), resource: false };
    let order = world.fulfill(&order, 3, stop).expect("not begun");
    let told: Vec<_> = order.promised_anew(1, later).collect();
    assert_eq!((told.len(), order.deliver_by(1)), (1, Some(soon)), "nobody asks any more what it was promised");
}

#[test]
fn orders_that_are_split_or_merged_keep_the_days_of_their_shipments() {
    for restarts in [false, true] {
        let (world, order, [soon, later]) = soon_and_later();
        let lines = vec![
            CancelUnits { line: text("1"), quantity: quantity(1), from: None },
            CancelUnits { line: text("2"), quantity: quantity(1), from: None },
        ];
        let (id, order_id) = (Some(text("b")), text(&order.name()));
        let split = SplitOrder { order: order_id, id, channel_order_id: None, fingerprint: 0, lines };
        world.run(Command::SplitOrder(split)).expect("there is something left");
        let world = again(world, restarts);
        let part = now(&world, "b");
        let of_line = |order: &Order, line: u16| {
            let has_it =
                |own: &&crate::domain::fulfillment::FulfillmentOrder| own.status.is_live() && own.units_of(line) > 0;
            order.fulfillment_orders.iter().find(has_it).and_then(|own| order.deliver_by(own.number))
        };
        assert_eq!((of_line(&part, 0), of_line(&part, 1)), (Some(soon), Some(later)));
        assert_eq!(of_line(&now(&world, "a"), 0), Some(soon));
        // Back again in one order.
        let Ok(Reply::Order(both)) = world.run(Command::MergeOrders(MergeOrders { order: text("a"), with: text("b") }))
        else {
            panic!("they can be one")
        };
        let world = again(world, restarts);
        let both = now(&world, &both.name());
        let live = both.fulfillment_orders.iter().filter(|own| own.status.is_live() && own.units() > 0);
        let mut told: Vec<_> = live.map(|own| both.deliver_by(own.number)).collect();
        told.sort();
        assert_eq!(told, [Some(soon), Some(soon), Some(later)]);
        world.check();
    }
}

#[test]
fn what_a_node_refuses_is_promised_from_the_next_and_the_rest_as_it_was() {
    for restarts in [false, true] {
        let (world, order, [soon, later]) = soon_and_later();
        world.stock("phone", "west", 2).expect("received");
        world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("broken") }).expect("submitted");
        let world = again(world, restarts);
        let order = now(&world, "a");
        let anew = order.fulfillment_orders.last().expect("found elsewhere");
        let told = order.deliver_by(anew.number).expect("told anew");
        assert!(told > later, "it takes the longest from there");
        assert_eq!(days(&order, &[1, 2]), [Some(soon), Some(later)]);
        world.check();
    }
}

#[test]
fn an_edit_promises_what_it_sends_anew_and_one_that_is_declined_nothing() {
    for (outcome, restarts) in
        [(EditOutcome::Confirm, false), (EditOutcome::Confirm, true), (EditOutcome::Decline, false)]
    {
        let (world, _, [soon, later]) = soon_and_later();
        world.stock("phone", "west", 2).expect("received");
        let changes = vec![EditChange::Line { line: text("1"), quantity: Some(3), unit_price: None }];
        let Ok(Reply::Edit { number, .. }) = world.run(Command::OpenEdit(OpenEdit { order: text("a"), changes }))
        else {
            panic!("a third is in the west")
        };
        let world = again(world, restarts);
        let edit = text(&now(&world, "a").edit(number).expect("open").name());
        world.run(Command::EndEdit(EndEdit { order: text("a"), edit, outcome })).expect("open");
        let world = again(world, restarts);
        let order = now(&world, "a");
        assert_eq!(days(&order, &[1, 2]), [Some(soon), Some(later)], "what stays where it is keeps its day");
        let third = order.fulfillment_orders.iter().find(|own| own.number == 3).map(|_| order.deliver_by(3));
        match outcome {
            EditOutcome::Confirm => assert!(third.flatten().is_some_and(|day| day > later), "{third:?}"),
            EditOutcome::Decline => assert_eq!(third, None),
        }
        world.check();
    }
}

#[test]
fn what_an_edit_adds_comes_by_the_service_that_its_plan_chose() {
    let world = two_services();
    let asked = order_by("a", &[("phone", 1)]);
    let day = quoted(&world, &asked);
    place(&world, asked);
    let changes = vec![EditChange::Line { line: text("1"), quantity: Some(2), unit_price: None }];
    let Ok(Reply::Edit { number, .. }) = world.run(Command::OpenEdit(OpenEdit { order: text("a"), changes })) else {
        panic!("there are more")
    };
    let world = world.restart();
    let edit = text(&now(&world, "a").edit(number).expect("open").name());
    world.run(Command::EndEdit(EndEdit { order: text("a"), edit, outcome: EditOutcome::Confirm })).expect("open");
    let order = now(&world, "a");
    assert_eq!(order.deliver_by(2), Some(day), "the quick one, though there is a cheaper one");
    assert_eq!(now(&world.restart(), "a").deliver_by(2), Some(day));
}

#[test]
fn what_a_supplier_takes_to_have_it_ready_counts_for_the_day_that_an_order_names() {
    for objective in [vec![Term::PerShipment { amount: 500 }], vec![Term::Shipping]] {
        let mut world = World::new();
        world.supplier("acme");
        carrier(&world, vec![service("acme", (400, 50), 1)]);
        on(&world, RuleTerms { objective, fences: vec![Fence::ArrivesBy { days: None }], ..RuleTerms::default() });
        world.stock("phone", "acme", 9).expect("what he announces");
        let lead = |days: u32| {
            let terms = SupplyTerms::Dropship { lead_s: days * 86_400 };
            supply::put(&world, "phone", "acme", terms).expect("a supplier");
        };
        lead(0);
        let asked = order_by("a", &[("phone", 1)]);
        let day = quoted(&world, &asked);
        let by =
            |day: Date| PlaceOrder { wishes: Wishes { arrives_by: Some(day), ..Wishes::default() }, ..asked.clone() };
        assert!(quote(&world, &by(day)).unfilled.is_empty(), "that day he keeps");
        lead(7);
        assert_eq!(quote(&world, &by(day)).unfilled.len(), 1, "it is not even ready by then");
        let later = quoted(&world, &asked);
        assert!(later >= day.saturating_add(jiff::ToSpan::days(6)), "{later} for {day}");
        let on_time = by(later);
        assert!(quote(&world, &on_time).unfilled.is_empty());
        let placed = place(&world, on_time);
        assert_eq!(placed.deliver_by(1), Some(later), "what is promised is what the fence minds");
        let world = world.restart();
        assert_eq!(now(&world, "a").deliver_by(1), Some(later));
    }
}
