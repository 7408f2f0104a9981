//! Open orders planned again together: cheaper, never later, never short of what they have; applied whole or not at all, as
//! steps that the orders know anyway.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::weighing::{carrier, on, service as priced, weighed};
use super::world::*;
use crate::domain::carrier::rates::Prices;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::geo::Position;
use crate::domain::item::ItemKind;
use crate::domain::optimisation::{Figures, Optimisation, Optimise, movable};
use crate::domain::order::Order;
use crate::domain::policy::UnitCosts;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::replanning::{Leave, Occasion, Replanning};
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term};

const NEW_YORK: (f64, f64) = (40.0, -75.0);
const LOS_ANGELES: (f64, f64) = (34.0, -118.0);

/// Long enough that rounds end it, not time.
fn all() -> Optimise {
    let within = Duration::from_secs(600);
    Optimise {
        orders: None,
        node: None,
        sku: None,
        within,
        rounds: 300,
        may_be_later: false,
        occasion: Occasion::Asked,
    }
}

fn optimise(world: &World, asked: &Optimise) -> Optimisation {
    world.engine.optimise(world.log.now(), asked).expect("proposed")
}

fn apply(world: &World, proposed: &Optimisation) -> Result<Optimisation, Rejection> {
    match world.run(Command::ApplyOptimisation { optimisation: proposed.id.clone() })? {
        Reply::Optimisation(applied) => Ok(*applied),
        other => panic!("{other:?}"),
    }
}

fn order_to(id: &str, (lat, lon): (f64, f64), lines: &[(&str, u32)]) -> PlaceOrder {
    let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, lines, None) };
    order.destinations[0].position = Position::from_degrees(lat, lon);
    order
}

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => Arc::unwrap_or_clone(order),
        other => panic!("{other:?}"),
    }
}

/// The nodes that an order's shipments leave.
fn nodes(world: &World, id: &str) -> Vec<String> {
    let order = world.engine.order(id).expect("there");
    let live = order.fulfillment_orders.iter().filter(|own| own.status.is_live());
    live.map(|own| world.engine.catalogue(|c| c.node(own.node).id.to_string())).collect()
}

/// An order to New York that leaves Los Angeles, and the other way round, and nothing is free.
fn crossed() -> World {
    crossed_in(World::new())
}

fn crossed_in(world: World) -> World {
    world.stock("phone", "west", 1).expect("received");
    place(&world, order_to("ny", NEW_YORK, &[("phone", 1)]));
    world.stock("phone", "east", 1).expect("received");
    place(&world, order_to("la", LOS_ANGELES, &[("phone", 1)]));
    assert_eq!((nodes(&world, "ny"), nodes(&world, "la")), (vec!["west".to_owned()], vec!["east".to_owned()]));
    world
}

#[test]
fn orders_of_what_should_go_are_planned_together_though_they_cost_less_than_nothing() {
    let world = World::new();
    for node in ["east", "west"] {
        let costs = UnitCosts { unit_cost: None, markdown: Some(10_000_000) };
        let costs = PutPolicy::Costs { sku: text("phone"), node: Some(text(node)), costs };
        world.run(Command::PutPolicy(costs)).expect("put");
    }
    let objective = vec![Term::Distance { micro_per_km: 1_000_000 }, Term::Markdown];
    let terms = RuleTerms { objective, ..RuleTerms::default() };
    let put = world.run(Command::PutRules(PutRules { name: text("default"), terms: Arc::new(terms) }));
    let Ok(Reply::Rules(put)) = put else { panic!("{put:?}") };
    let activate = ActivateRules { name: text("default"), version: put.version, at: None };
    world.run(Command::ActivateRules(activate)).expect("it can be carried");
    let world = crossed_in(world);
    let proposed = optimise(&world, &all());
    let Figures { cost, cost_before, lower_bound, changed, .. } = proposed.figures;
    assert!(cost < cost_before && cost_before < 0 && changed == 2, "{proposed:?}");
    assert_eq!(lower_bound, cost, "proven, though below nothing");
    apply(&world, &proposed).expect("nothing moved on");
    assert_eq!((nodes(&world, "ny"), nodes(&world, "la")), (vec!["east".to_owned()], vec!["west".to_owned()]));
}

fn records(world: &World) -> usize {
    world.log.records.lock().len()
}

#[test]
fn orders_swap_their_nodes_in_one_record_though_nothing_is_free() {
    let world = crossed();
    let before = records(&world);
    let proposed = optimise(&world, &all());
    assert_eq!(records(&world), before, "a proposal changes nothing");
    assert_eq!((proposed.figures.looked_at, proposed.figures.aside, proposed.orders.len()), (2, 0, 2));
    let Figures { cost, cost_before, lower_bound, .. } = proposed.figures;
    assert!(cost < cost_before && lower_bound == cost, "{proposed:?}");
    let applied = apply(&world, &proposed).expect("nothing moved on");
    assert!(applied.applied_at.is_some());
    assert_eq!(records(&world), before + 1);
    assert_eq!((nodes(&world, "ny"), nodes(&world, "la")), (vec!["east".to_owned()], vec!["west".to_owned()]));
    // What each costs is what the plan said.
    let cost: i64 =
        ["ny", "la"].iter().map(|id| world.engine.order(id).expect("there").fulfillment_orders[0].cost).sum();
    assert_eq!(cost, proposed.figures.cost);
    // Again it is what it is, and there is nothing left to gain.
    assert_eq!(apply(&world, &proposed).expect("applied before"), applied);
    assert_eq!(records(&world), before + 1);
    assert_eq!(optimise(&world, &all()).orders, []);
    let world = world.restart();
    assert_eq!(nodes(&world, "ny"), ["east"]);
    // That it was applied is known, and so are its figures.
    let known = apply(&world, &proposed).expect("applied before the start");
    assert_eq!((known.figures, known.applied_at), (applied.figures, applied.applied_at));
}

#[test]
fn a_proposal_about_orders_that_moved_on_changes_nothing() {
    let world = crossed();
    let proposed = optimise(&world, &all());
    world.cancel(&world.engine.order("la").expect("there"), None).expect("cancelled");
    let before = records(&world);
    assert_eq!(apply(&world, &proposed).map_err(|stale| stale.code()), Err("optimisation_stale"));
    assert_eq!(records(&world), before);
    assert_eq!(nodes(&world, "ny"), ["west"]);
    let unknown = Command::ApplyOptimisation { optimisation: text("opt-0") };
    assert_eq!(world.run(unknown).map_err(|unknown| unknown.code()), Err("not_found"));
}

#[test]
fn a_proposal_outlives_new_prices_of_orders_to_come_and_no_other_change_of_the_catalogue() {
    let world = crossed();
    let prices = || Command::PutOpportunity(Box::default());
    world.run(prices()).expect("nothing is worth anything");
    let (proposed, kept) = (optimise(&world, &all()), optimise(&world, &all()));
    world.run(prices()).expect("nothing is worth anything");
    world.run(prices()).expect("nothing is worth anything");
    assert!(apply(&world, &proposed).expect("nothing that it needs is otherwise").applied_at.is_some());
    assert_eq!(nodes(&world, "ny"), ["east"]);
    let patch = NodePatch { name: Some(text("The East")), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    for _ in 0..2 {
        assert_eq!(apply(&world, &kept).map_err(|stale| stale.code()), Err("optimisation_stale"));
        world.run(prices()).expect("nothing is worth anything");
    }
}

#[test]
fn a_proposal_whose_units_are_gone_changes_nothing() {
    let world = World::new();
    world.stock("phone", "west", 1).expect("received");
    place(&world, order_to("ny", NEW_YORK, &[("phone", 1)]));
    world.stock("phone", "east", 1).expect("received");
    let proposed = optimise(&world, &all());
    assert_eq!(proposed.orders.len(), 1);
    world.reserve("phone", 1, 60).expect("it was free");
    let before = records(&world);
    assert_eq!(apply(&world, &proposed).map_err(|stale| stale.code()), Err("optimisation_stale"));
    assert_eq!((records(&world), nodes(&world, "ny")), (before, vec!["west".to_owned()]));
}

#[test]
fn shipments_become_one_when_one_node_has_it_all() {
    let world = World::new();
    world.stock("phone", "east", 2).expect("received");
    world.stock("case", "west", 1).expect("received");
    place(&world, order_to("ny", NEW_YORK, &[("phone", 2), ("case", 1)]));
    assert_eq!(nodes(&world, "ny"), ["east", "west"]);
    world.stock("case", "east", 1).expect("received");
    let proposed = optimise(&world, &all());
    assert!(proposed.figures.cost <= proposed.figures.cost_before - 650, "a shipment and a split less: {proposed:?}");
    apply(&world, &proposed).expect("nothing moved on");
    let order = world.engine.order("ny").expect("there");
    let live: Vec<_> = order.fulfillment_orders.iter().filter(|own| own.status.is_live()).collect();
    assert_eq!((live.len(), live[0].units(), live[0].cost), (1, 3, proposed.figures.cost));
    assert_eq!(world.level("case", "west").available, 1);
    // The node goes on as with any other.
    world.fulfill(&order, live[0].number, FulfillmentAction::Accept).expect("accepted");
}

#[test]
fn a_shipment_is_divided_where_the_rest_is_nearer() {
    let mut world = World::new();
    world.node("south", 29.7, -95.3, true);
    world.stock("phone", "west", 200).expect("received");
    place(&world, order_to("ny", NEW_YORK, &[("phone", 200)]));
    world.stock("phone", "east", 150).expect("received");
    let proposed = optimise(&world, &all());
    apply(&world, &proposed).expect("nothing moved on");
    let order = world.engine.order("ny").expect("there");
    let units: Vec<u64> = order.fulfillment_orders.iter().map(|own| own.units()).collect();
    assert_eq!((units, nodes(&world, "ny")), (vec![50, 150], vec!["west".to_owned(), "east".to_owned()]));
    assert_eq!((world.level("phone", "east").committed, world.level("phone", "west").available), (150, 150));
}

#[test]
fn what_somebody_has_begun_or_chosen_stays_where_it_is() {
    let world = World::new();
    world.stock("phone", "west", 3).expect("received");
    let begun = place(&world, order_to("begun", NEW_YORK, &[("phone", 1)]));
    world.fulfill(&begun, 1, FulfillmentAction::Accept).expect("accepted");
    let mut chosen = order_to("chosen", NEW_YORK, &[("phone", 1)]);
    chosen.wishes.preferred_node = Some(text("west"));
    place(&world, chosen);
    place(&world, order_to("open", NEW_YORK, &[("phone", 1)]));
    world.stock("phone", "east", 3).expect("received");
    let proposed = optimise(&world, &all());
    let changed: Vec<&str> = proposed.orders.iter().map(|own| own.name.as_str()).collect();
    assert_eq!((changed, proposed.figures.looked_at, proposed.figures.aside), (vec!["open"], 1, 1));
}

#[test]
fn only_the_orders_that_are_named_are_planned_again() {
    let world = World::new();
    world.stock("phone", "west", 2).expect("received");
    world.stock("case", "west", 1).expect("received");
    place(&world, order_to("a", NEW_YORK, &[("phone", 1)]));
    place(&world, order_to("b", NEW_YORK, &[("phone", 1)]));
    place(&world, order_to("c", NEW_YORK, &[("case", 1)]));
    let named = |asked: Optimise| optimise(&world, &asked).figures.looked_at;
    assert_eq!(named(Optimise { orders: Some(vec![text("a"), text("c")]), ..all() }), 2);
    assert_eq!(named(Optimise { sku: Some(text("phone")), ..all() }), 2);
    assert_eq!(named(Optimise { node: Some(text("east")), ..all() }), 0);
    assert_eq!(named(Optimise { node: Some(text("west")), ..all() }), 3);
    let wrong = Optimise { orders: Some(vec![text("x")]), node: Some(text("x")), sku: Some(text("x")), ..all() };
    let Err(Rejection::Invalid(faults)) = world.engine.optimise(world.log.now(), &wrong) else { panic!("named") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["orders[0]", "node", "sku"]);
}

/// A service that comes to one node, at a price, and takes so many days.
fn service(node: &str, price: i64, days: u16) -> Service {
    let pickups = Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]);
    let mut service = Service { name: text(node), transit_days: vec![days; 7], pickups, ..ground() };
    service.rates.prices = Prices::Steps { base: vec![price; 7], step: vec![0; 7] };
    service
}

#[test]
fn nothing_arrives_later_unless_that_is_allowed() {
    let world = World::new();
    let services = vec![service("east", 100, 5), service("west", 900, 2)];
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
    let terms = RuleTerms { objective: vec![Term::Shipping], ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) })).expect("put");
    let on = ActivateRules { name: text("rules"), version: 1, at: None };
    world.run(Command::ActivateRules(on)).expect("it can be carried");
    world.stock("phone", "west", 1).expect("received");
    place(&world, PlaceOrder { rule_set: Some(text("rules")), ..order_to("ny", NEW_YORK, &[("phone", 1)]) });
    world.stock("phone", "east", 1).expect("received");
    assert_eq!(optimise(&world, &all()).orders, [], "from the east it is cheaper, and comes later");
    let proposed = optimise(&world, &Optimise { may_be_later: true, ..all() });
    assert_eq!((proposed.figures.cost_before, proposed.figures.cost), (900, 100));
    apply(&world, &proposed).expect("nothing moved on");
    assert_eq!(nodes(&world, "ny"), ["east"]);
}

/// An order that goes by the quick of two services, and a node that gets what it wants and sends it slowly, for less.
fn tempted() -> World {
    let world = World::new();
    carrier(&world, vec![priced("east", (400, 50), 5), priced("east", (700, 50), 1), priced("west", (300, 50), 4)]);
    on(&world, weighed(vec![Term::Shipping, Term::Late { per_day: 80 }]));
    world.stock("phone", "east", 1).expect("received");
    place(&world, PlaceOrder { rule_set: Some(text("rules")), ..order_to("ny", NEW_YORK, &[("phone", 1)]) });
    world.stock("phone", "west", 1).expect("received");
    world
}

#[test]
fn the_day_that_was_promised_is_kept_by_service_and_not_only_by_node() {
    let world = tempted();
    let promised = world.engine.order("ny").expect("there").deliver_by(1).expect("it was told");
    assert_eq!(optimise(&world, &all()).orders, [], "from the west it is cheaper, and comes later");
    let proposed = optimise(&world, &Optimise { may_be_later: true, ..all() });
    assert!(proposed.figures.cost < proposed.figures.cost_before, "{proposed:?}");
    apply(&world, &proposed).expect("nothing moved on");
    assert_eq!(nodes(&world, "ny"), ["west"]);
    // With leave it is promised anew, and that is kept then.
    let anew = world.engine.order("ny").expect("there").deliver_by(1).expect("it is told");
    assert!(anew > promised, "{anew} is after {promised}");
    let world = world.restart();
    assert_eq!(world.engine.order("ny").expect("there").deliver_by(1), Some(anew));
    world.check();
}

#[test]
fn shipments_of_an_order_are_held_to_the_day_of_each() {
    let world = World::new();
    carrier(&world, vec![priced("east", (700, 50), 1), priced("north", (900, 50), 5), priced("west", (300, 50), 4)]);
    on(&world, weighed(vec![Term::Shipping]));
    world.stock("phone", "east", 1).expect("received");
    world.stock("case", "north", 1).expect("received");
    let order = order_to("ny", NEW_YORK, &[("phone", 1), ("case", 1)]);
    let order = place(&world, PlaceOrder { rule_set: Some(text("rules")), ..order });
    let days = |order: &Order| (1..=2).map(|number| order.deliver_by(number)).collect::<Vec<_>>();
    let before = days(&order);
    assert_ne!(before[0], before[1], "one comes soon, the other later");
    world.stock("phone", "west", 1).expect("received");
    world.stock("case", "west", 1).expect("received");
    apply(&world, &optimise(&world, &all())).expect("nothing moved on");
    let mut left = nodes(&world, "ny");
    left.sort();
    assert_eq!(left, ["east", "west"], "what may take as long goes where it is cheaper, the other stays");
    assert_eq!(days(&world.engine.order("ny").expect("there")), before);
    world.check();
}

/// Rules that mind what nodes can handle.
fn minds_capacity(world: &World) {
    let objective = vec![Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 }];
    let terms = RuleTerms { objective, fences: vec![Fence::Capacity], ..RuleTerms::default() };
    world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) })).expect("put");
    let on = ActivateRules { name: text("rules"), version: 1, at: None };
    world.run(Command::ActivateRules(on)).expect("it can be carried");
}

/// An order of a phone by those rules.
fn by_rules(id: &str, to: (f64, f64)) -> PlaceOrder {
    PlaceOrder { rule_set: Some(text("rules")), ..order_to(id, to, &[("phone", 1)]) }
}

#[test]
fn no_day_of_a_node_gets_more_than_it_can_handle() {
    let world = World::new();
    minds_capacity(&world);
    let patch = NodePatch { capacity_per_day: Some(Some(2)), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    world.stock("phone", "west", 5).expect("received");
    for at in 0..5 {
        place(&world, by_rules(&format!("o{at}"), NEW_YORK));
    }
    world.stock("phone", "east", 5).expect("received");
    apply(&world, &optimise(&world, &all())).expect("nothing moved on");
    let from_east = (0..5).filter(|at| nodes(&world, &format!("o{at}")) == ["east"]).count();
    assert_eq!(from_east, 2);
}

/// SplitMix64: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ (z >> 27)) % most
    }
}

/// Orders of all kinds that came while stock lay elsewhere.
fn busy(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut world = World::new();
    world.node("south", 29.7, -95.3, true);
    world.item("set", ItemKind::Kit, &[("phone", 1), ("cable", 2)]);
    let nodes = ["east", "west", "north", "south"];
    for at in 0..14 {
        for _ in 0..2 {
            let (sku, node) = (["phone", "case", "cable"][dice.below(3) as usize], nodes[dice.below(4) as usize]);
            world.stock(sku, node, 1 + dice.below(6) as i32).expect("received");
        }
        let mut lines: Vec<(&str, u32)> = Vec::new();
        for _ in 0..=dice.below(3) {
            lines.push((["phone", "case", "cable", "set"][dice.below(4) as usize], 1 + dice.below(3) as u32));
        }
        let to = [NEW_YORK, LOS_ANGELES, (41.0, -87.0)][dice.below(3) as usize];
        place(&world, order_to(&format!("o{at}"), to, &lines));
    }
    for node in nodes {
        world.stock("phone", node, dice.below(4) as i32 + 1).expect("received");
    }
    world
}

#[test]
fn busy_days_get_cheaper_and_nobody_loses_a_unit() {
    let mut saved = 0;
    for seed in 0..12 {
        let world = busy(seed);
        let allocated = |world: &World| -> Vec<(u32, u32)> {
            let totals = |at: usize| world.engine.order(&format!("o{at}")).expect("there").totals();
            (0..14).map(|at| (totals(at).allocated, totals(at).backordered)).collect()
        };
        let (before, records_before) = (allocated(&world), records(&world));
        let proposed = optimise(&world, &all());
        let Figures { cost, cost_before, lower_bound, .. } = proposed.figures;
        assert!(lower_bound <= cost && cost <= cost_before, "seed {seed}");
        let told: i64 = proposed.orders.iter().map(|own| own.cost_before - own.cost).sum();
        assert_eq!(told, cost_before - cost, "seed {seed}");
        if let Err(stale) = apply(&world, &proposed) {
            panic!("seed {seed}: {stale}");
        }
        for own in &proposed.orders {
            let order = world.engine.order(&own.name).expect("there");
            let wanted: u32 = own.after.iter().flat_map(|planned| &planned.units).map(|u| u.quantity).sum();
            let there: u32 = movable(&order).iter().flat_map(|own| &own.units).map(|u| u.quantity).sum();
            assert!(there >= wanted, "seed {seed}: {} has what it had", own.name);
        }
        assert!(records(&world) > records_before, "seed {seed}");
        saved += cost_before - cost;
        let after = allocated(&world);
        let short = before.iter().zip(&after).filter(|(before, after)| after.0 < before.0).count();
        assert_eq!(short, 0, "seed {seed}: {before:?} {after:?}");
        world.restart();
    }
    assert!(saved > 0);
}

fn edit(world: &World, id: &str) {
    let changes = vec![EditChange::Line { line: text("1"), quantity: Some(2), unit_price: None }];
    world.run(Command::OpenEdit(OpenEdit { order: text(id), changes })).expect("planned");
}

#[test]
fn orders_that_are_edited_stay_where_they_are() {
    let world = World::new();
    world.stock("phone", "west", 4).expect("received");
    for id in ["edited", "other", "open"] {
        place(&world, order_to(id, NEW_YORK, &[("phone", 1)]));
    }
    edit(&world, "edited");
    world.stock("phone", "east", 3).expect("received");
    let proposed = optimise(&world, &all());
    let changed: Vec<&str> = proposed.orders.iter().map(|own| own.name.as_str()).collect();
    assert_eq!((changed, proposed.figures.aside), (vec!["other", "open"], 1));
    // One that is edited since refuses all of it.
    edit(&world, "open");
    assert_eq!(apply(&world, &proposed).map_err(|stale| stale.code()), Err("optimisation_stale"));
    assert_eq!((nodes(&world, "open"), nodes(&world, "other")), (vec!["west".to_owned()], vec!["west".to_owned()]));
}

#[test]
fn a_proposal_is_stale_once_the_catalogue_is_another() {
    let mut world = crossed();
    let proposed = optimise(&world, &all());
    world.item("other", ItemKind::Product, &[]);
    assert_eq!(apply(&world, &proposed).map_err(|stale| stale.code()), Err("optimisation_stale"));
    apply(&world, &optimise(&world, &all())).expect("as it is now");
    assert_eq!(nodes(&world, "ny"), ["east"]);
}

#[test]
fn a_record_that_is_refused_changes_nothing() {
    let world = crossed();
    let proposed = optimise(&world, &all());
    let before = records(&world);
    world.log.events_max.store(1, Ordering::SeqCst);
    assert!(matches!(apply(&world, &proposed), Err(Rejection::TooLarge(_))));
    world.log.events_max.store(0, Ordering::SeqCst);
    assert_eq!((records(&world), nodes(&world, "ny")), (before, vec!["west".to_owned()]));
    apply(&world, &proposed).expect("all is as it was");
}

#[test]
fn of_more_orders_than_one_record_holds_those_that_save_most_go_first() {
    let world = World::new();
    world.stock("phone", "west", 300).expect("received");
    for at in 0..300 {
        // The later they came the dearer is the way from the west.
        let to = (40.0, -100.0 + f64::from(at) / 20.0);
        place(&world, order_to(&format!("o{at}"), to, &[("phone", 1)]));
    }
    world.stock("phone", "east", 300).expect("received");
    let few = Optimise { rounds: 8, ..all() };
    let (mut changed, mut first) = (0, None);
    loop {
        let proposed = optimise(&world, &few);
        assert_eq!(proposed.figures.changed as usize, proposed.orders.len());
        if proposed.orders.is_empty() {
            break;
        }
        let before = records(&world);
        apply(&world, &proposed).expect("one record holds it");
        assert_eq!(records(&world), before + 1);
        changed += proposed.orders.len();
        first.get_or_insert(proposed.orders.iter().map(|own| own.cost_before - own.cost).min());
    }
    let last = nodes(&world, "o299");
    let east = (0..300).filter(|at| nodes(&world, &format!("o{at}")) == ["east"]).count();
    assert!(changed == east && east > 200 && last == ["east"], "{changed} changed, {east} in the east");
    assert!(first.flatten().expect("some changed") > 0);
}

#[test]
fn orders_swap_between_days_that_are_used_up() {
    let world = World::new();
    minds_capacity(&world);
    for node in ["east", "west"] {
        let patch = NodePatch { capacity_per_day: Some(Some(1)), ..NodePatch::default() };
        world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
    }
    world.stock("phone", "west", 1).expect("received");
    place(&world, by_rules("ny", NEW_YORK));
    world.stock("phone", "east", 1).expect("received");
    place(&world, by_rules("la", LOS_ANGELES));
    apply(&world, &optimise(&world, &all())).expect("as many leave as come");
    assert_eq!((nodes(&world, "ny"), nodes(&world, "la")), (vec!["east".to_owned()], vec!["west".to_owned()]));
    let world = world.restart();
    assert_eq!(optimise(&world, &all()).orders, []);
}

#[test]
fn a_day_that_was_used_up_since_refuses_all_of_it() {
    let world = World::new();
    minds_capacity(&world);
    let patch = NodePatch { capacity_per_day: Some(Some(1)), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    world.stock("phone", "west", 1).expect("received");
    place(&world, by_rules("first", NEW_YORK));
    world.stock("phone", "east", 2).expect("received");
    let proposed = optimise(&world, &all());
    assert_eq!(proposed.orders.len(), 1);
    place(&world, by_rules("second", NEW_YORK));
    assert_eq!(apply(&world, &proposed).map_err(|stale| stale.code()), Err("optimisation_stale"));
    assert_eq!((nodes(&world, "first"), world.level("phone", "east").available), (vec!["west".to_owned()], 1));
}

fn said(world: &World, rule: Replanning) {
    world.run(Command::PutPolicy(PutPolicy::Replanning(rule))).expect("put");
}

/// What was appended since is read by whoever notes it; answers what is due then.
fn due(world: &World, since: usize) -> Option<(Optimise, Leave)> {
    world.log.records.lock().iter().skip(since).for_each(|record| world.engine.notice(record));
    world.engine.replanning_due(Duration::from_secs(600))
}

/// An order that west serves until east has some, and one of something else.
fn served_from_afar() -> World {
    let world = World::new();
    world.stock("phone", "west", 1).expect("received");
    world.stock("case", "west", 1).expect("received");
    place(&world, order_to("ny", NEW_YORK, &[("phone", 1)]));
    place(&world, order_to("other", NEW_YORK, &[("case", 1)]));
    world
}

#[test]
fn units_that_came_change_no_open_order_unless_somebody_said_so() {
    let world = served_from_afar();
    let since = records(&world);
    world.stock("phone", "east", 1).expect("received");
    assert_eq!(due(&world, since), None);
    let rule = Replanning { on_outage: Some(Leave::Apply), ..Replanning::default() };
    said(&world, rule);
    world.stock("phone", "east", 1).expect("received");
    assert_eq!(due(&world, since), None, "that is about outages");
}

#[test]
fn orders_that_want_what_came_are_planned_again_and_that_is_told_with_its_reason() {
    let world = served_from_afar();
    said(&world, Replanning { on_receipt: Some(Leave::Propose), ..Replanning::default() });
    let since = records(&world);
    world.stock("phone", "east", 1).expect("received");
    world.stock("phone", "east", -1).expect("lost");
    world.stock("case", "north", 5).expect("received");
    world.stock("case", "north", -5).expect("lost");
    world.stock("phone", "east", 1).expect("received");
    let (asked, leave) = due(&world, since).expect("something came");
    assert_eq!((leave, asked.may_be_later), (Leave::Propose, false));
    let Occasion::Receipt(skus) = &asked.occasion else { panic!("{asked:?}") };
    assert_eq!(skus.len(), 2, "both, together");
    assert_eq!(due(&world, records(&world)), None, "once");
    let of_phone = Optimise { occasion: Occasion::Receipt(skus[..1].to_vec()), ..asked };
    let proposed = optimise(&world, &of_phone);
    assert_eq!((proposed.figures.looked_at, proposed.figures.changed), (1, 1), "the other wants none of it");
    assert_eq!(nodes(&world, "ny"), ["west"], "nothing is changed yet");
    let listed = world.engine.optimisations();
    assert_eq!((listed.len(), &listed[0].id, listed[0].occasion.word()), (1, &proposed.id, "receipt"));
    apply(&world, &proposed).expect("nothing moved on");
    assert_eq!(nodes(&world, "ny"), ["east"]);
    let nothing = optimise(&world, &of_phone);
    assert_eq!(nothing.figures.changed, 0);
    assert_eq!(world.engine.optimisations().len(), 1, "what changes nothing is not told");
    let world = world.restart();
    let known = world.engine.optimisations();
    assert_eq!((known.len(), known[0].occasion.word(), known[0].applied_at.is_some()), (1, "receipt", true));
    let since = records(&world);
    world.stock("phone", "east", 1).expect("received");
    assert!(due(&world, since).is_some(), "the policy is in the journal");
}

#[test]
fn orders_of_a_node_that_is_switched_off_are_planned_again_once_they_are_sourced() {
    let world = World::new();
    for node in ["east", "north", "west"] {
        world.stock("phone", node, 1).expect("received");
    }
    place(&world, order_to("ny", NEW_YORK, &[("phone", 1)]));
    place(&world, order_to("la", LOS_ANGELES, &[("phone", 1)]));
    said(&world, Replanning { on_outage: Some(Leave::Apply), ..Replanning::default() });
    let since = records(&world);
    let off = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(off) }).expect("switched off");
    assert_eq!(due(&world, since), None, "what it had to begin is sourced first");
    world.engine.expire_due(&*world.log);
    assert_eq!(nodes(&world, "ny"), ["north"]);
    let (asked, leave) = due(&world, records(&world)).expect("it is off");
    let east = world.engine.catalogue(|c| c.node_index("east"));
    assert_eq!((leave, &asked.occasion), (Leave::Apply, &Occasion::Outage(east)));
    let proposed = optimise(&world, &asked);
    assert_eq!((proposed.figures.looked_at, proposed.figures.changed), (1, 0), "the other had nothing there");
    assert_eq!(due(&world, records(&world)), None, "once");
}
