//! Rules that weigh more than a tariff can say: the plan is the best there is by what carriers and nodes ask, bounds on
//! whole plans are kept for ever, what is left since it is too dear says so, and why a node lost is told in money.

use std::sync::Arc;

use super::world::*;
use crate::domain::carrier::parcels::{Freight, Units};
use crate::domain::carrier::quote::{Here, Offer, Question, There};
use crate::domain::carrier::rates::{Parcel, Prices};
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::decision::{Decision, FenceReason, Loser, Why};
use crate::domain::geo::Position;
use crate::domain::item::Dimensions;
use crate::domain::item::ItemKind;
use crate::domain::money::{Currency, Money};
use crate::domain::node::Handling;
use crate::domain::order::Order;
use crate::domain::promise::Origin;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};
use crate::domain::sourcing::costed::Reason;
use crate::domain::weighed::CostTerm;

pub(super) fn weighed(objective: Vec<Term>) -> RuleTerms {
    RuleTerms { objective, ..RuleTerms::default() }
}

/// Carriage, handling and a charge for every shipment beyond the first.
fn by_money(split: i64) -> Vec<Term> {
    vec![Term::Shipping, Term::Handling, Term::Split { amount: split }]
}

pub(super) fn on(world: &World, terms: RuleTerms) {
    let put = world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) }));
    let Ok(Reply::Rules(version)) = put else { panic!("{put:?}") };
    let activated = ActivateRules { name: text("rules"), version: version.version, at: None };
    world.run(Command::ActivateRules(activated)).expect("it can be carried");
}

/// A service that comes to one node only, at a base and a step for every pound, and takes so many days.
pub(super) fn service(node: &str, (base, step): (i64, i64), days: u16) -> Service {
    let mut service = Service {
        name: text(&format!("from-{node}-{days}")),
        transit_days: vec![days; 7],
        pickups: Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]),
        ..ground()
    };
    service.rates.prices = Prices::Steps { base: vec![base; 7], step: vec![step; 7] };
    service
}

pub(super) fn carrier(world: &World, services: Vec<Service>) {
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
}

pub(super) fn item(world: &World, sku: &str, weight_g: u32, value: i64) {
    let item = PutItem {
        sku: text(sku),
        name: text(sku),
        kind: ItemKind::Product,
        weight_g,
        dimensions: Dimensions::default(),
        value: Some(Money { amount: value, currency: Currency::USD }),
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(item))).expect("a good item");
}

fn handling(world: &World, node: &str, per_shipment: i64, per_unit: i64) {
    let patch = NodePatch { handling: Some(Some(Handling { per_shipment, per_unit })), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
}

pub(super) fn order_by(id: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    PlaceOrder { id: Some(text(id)), rule_set: Some(text("rules")), ..World::order_of(id, lines, None) }
}

pub(super) fn quote(world: &World, order: &PlaceOrder) -> Decision {
    world.engine.quote(world.log.now(), order).expect("quoted")
}

pub fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn nodes(world: &World, decision: &Decision) -> Vec<String> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    decision.assignments.iter().map(|assignment| id(assignment.node)).collect()
}

pub(super) fn amounts(decision: &Decision) -> Vec<(&'static str, i64)> {
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    weighed.amounts.iter().map(|(term, amount)| (term.word(), *amount)).collect()
}

fn losers(world: &World, decision: &Decision) -> Vec<(String, Loser)> {
    let losing = world.engine.catalogue(|c| decision.losing(c));
    let id = |loser: Loser| (world.engine.catalogue(|c| c.node(loser.node).id.to_string()), loser);
    decision.losers(&losing).into_iter().map(id).collect()
}

pub(super) fn loser(world: &World, decision: &Decision, node: &str) -> Loser {
    losers(world, decision).into_iter().find(|(id, _)| id == node).expect("it lost").1
}

fn backordered(world: &World, id: &str) -> u32 {
    world.engine.order(id).expect("there").totals().backordered
}

/// East is the nearest and dear, north is cheap, west is in between; ten phones each.
fn three_ways() -> World {
    let world = World::new();
    for node in ["east", "west", "north"] {
        world.stock("phone", node, 10).expect("received");
    }
    carrier(&world, vec![service("east", (900, 50), 1), service("north", (500, 50), 3), service("west", (700, 50), 5)]);
    world
}

#[test]
fn a_quote_tells_price_and_day_of_the_service_that_was_chosen() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    carrier(&world, vec![service("east", (400, 50), 5), service("east", (700, 50), 1)]);
    on(&world, weighed(vec![Term::Shipping, Term::Late { per_day: 80 }]));
    let asked = order_by("a", &[("phone", 1)]);
    let quoted = |asked: &PlaceOrder| {
        let decision = quote(&world, asked);
        let [shipment] = &world.engine.quote_shipping(world.log.now(), asked, &decision)[..] else { panic!("one") };
        let offer = &shipment.answers.offers[shipment.chosen];
        (offer.service.to_string(), offer.price, offer.promise.arrives)
    };
    let (by, price, arrives) = quoted(&asked);
    assert_eq!((&*by, price), ("from-east-1", 800), "and not the cheapest, which is 500 and four days later");
    // Where nothing is weighed it is the cheapest.
    let (by, price, later) = quoted(&PlaceOrder { rule_set: Some(text("default")), ..asked });
    assert_eq!((&*by, price), ("from-east-5", 500));
    assert!(later > arrives);
}

#[test]
fn the_cheapest_by_carriers_and_handling_wins_and_not_the_nearest() {
    let world = three_ways();
    handling(&world, "north", 100, 10);
    on(&world, weighed(by_money(150)));
    let decision = quote(&world, &order_by("a", &[("phone", 1)]));
    assert_eq!(nodes(&world, &decision), ["north"]);
    // 500 g are two pounds begun.
    assert_eq!(amounts(&decision), [("shipping", 600), ("handling", 110), ("split", 0)]);
    assert_eq!((decision.cost.amount, decision.lower_bound, decision.optimal), (710, 710, true));
    let carried = &decision.evidence.weighed().expect("weighed").carried[0];
    assert_eq!((&*carried.carrier, &*carried.service, carried.price), ("post", "from-north-3", 600));
    let (east, west) = (loser(&world, &decision, "east"), loser(&world, &decision, "west"));
    assert_eq!((east.costlier_by(), west.costlier_by()), (Some(290), Some(90)));
    handling(&world, "north", 191, 10);
    assert_eq!(nodes(&world, &quote(&world, &order_by("a", &[("phone", 1)]))), ["west"], "a minor unit decides");
    let plain = PlaceOrder { rule_set: Some(text("default")), ..order_by("b", &[("phone", 1)]) };
    assert!(!quote(&world, &plain).is_weighed(), "who names no such rules is sourced as before");
}

#[test]
fn what_was_decided_is_what_a_restart_finds() {
    let world = three_ways();
    let charged = Unfilled::Charged { per_line: 10_000, value_share_micro: 0 };
    on(&world, RuleTerms { unfilled: charged, ..weighed(by_money(150)) });
    item(&world, "case", 300, 900);
    world.stock("case", "west", 3).expect("received");
    place(&world, order_by("a", &[("phone", 2)]));
    on(&world, weighed(by_money(10)));
    place(&world, order_by("b", &[("phone", 12), ("case", 4)]));
    let before = ["a", "b"].map(|id| world.engine.order(id));
    let explained =
        before.clone().map(|order| losers(&world, &order.expect("there").decision.clone().expect("decided")));
    // Other prices since change nothing of what was decided.
    carrier(&world, vec![service("west", (1, 1), 1)]);
    let world = world.restart();
    let after = ["a", "b"].map(|id| world.engine.order(id));
    assert_eq!(before, after);
    let again = after.map(|order| losers(&world, &order.expect("there").decision.clone().expect("decided")));
    assert_eq!(explained, again, "nor why others lost");
}

#[test]
fn units_that_cost_more_to_fill_wait_and_say_so() {
    let world = World::new();
    item(&world, "pen", 100, 200);
    world.stock("pen", "east", 5).expect("received");
    carrier(&world, vec![service("east", (900, 50), 1), service("north", (100, 0), 1)]);
    let charged = Unfilled::Charged { per_line: 300, value_share_micro: 500_000 };
    on(&world, RuleTerms { unfilled: charged, ..weighed(vec![Term::Shipping]) });
    // Two left cost 300 + 2 × 100, a parcel of them 950. Of eight five are there.
    let order = place(&world, order_by("few", &[("pen", 2)]));
    let decision = order.decision.clone().expect("decided");
    assert_eq!(amounts(&decision), [("shipping", 0), ("unfilled", 500)]);
    assert_eq!((decision.cost.amount, decision.optimal, order.totals_backordered()), (500, true, 2));
    let waits: Vec<_> = decision.uneconomic().iter().map(|u| (u.line, u.quantity)).collect();
    assert_eq!(waits, [(0, 2)]);
    assert_eq!(world.atp("pen"), 5, "nobody holds them");
    assert!(world.engine.exception_keys().is_empty(), "what is too dear is no case");
    let many = place(&world, order_by("many", &[("pen", 8)]));
    let decision = many.decision.clone().expect("decided");
    assert_eq!(
        (many.totals_backordered(), decision.uneconomic().len()),
        (8, 1),
        "1,100 to leave all, 1,600 to send five"
    );
    let world = world.restart();
    assert_eq!((backordered(&world, "few"), world.atp("pen")), (2, 5), "a start gives it nothing either");
    // They come to where it is cheap.
    world.stock("pen", "north", 2).expect("received");
    let few = world.engine.order("few").expect("there");
    assert_eq!(few.totals().backordered, 0, "by now it pays");
    assert!(few.decision.as_ref().expect("decided").uneconomic().is_empty(), "and nothing of it waits any more");
    world.check();
}

#[test]
fn an_order_that_ships_complete_waits_as_a_whole_and_goes_as_a_whole() {
    let world = three_ways();
    world.stock("case", "west", 1).expect("received");
    on(&world, RuleTerms { fences: vec![Fence::ShipComplete], ..weighed(by_money(0)) });
    let order = place(&world, order_by("a", &[("phone", 2), ("case", 2)]));
    assert_eq!((order.totals_backordered(), world.atp("phone")), (4, 30), "a case is missing");
    let decision = order.decision.expect("decided");
    assert_eq!((decision.assignments.len(), decision.cost.amount), (0, 0));
    world.stock("phone", "east", 1).expect("received");
    assert_eq!(backordered(&world, "a"), 4, "not what lacks");
    let world = world.restart();
    let records = world.log.records.lock().len();
    world.stock("case", "north", 1).expect("received");
    assert_eq!(backordered(&world, "a"), 0);
    assert_eq!(world.log.records.lock().len(), records + 2, "the receipt, and all of the order at once");
    let enough = place(&world, order_by("b", &[("phone", 3)]));
    assert_eq!(enough.totals_backordered(), 0);
    world.check();
}

#[test]
fn a_line_that_ships_complete_does_not_hold_the_others() {
    let world = three_ways();
    world.stock("case", "west", 1).expect("received");
    on(&world, RuleTerms { fences: vec![Fence::LineComplete], ..weighed(by_money(0)) });
    let order = place(&world, order_by("a", &[("phone", 2), ("case", 2)]));
    assert_eq!((order.totals_backordered(), world.atp("case")), (2, 1));
    world.stock("case", "north", 1).expect("received");
    assert_eq!(backordered(&world, "a"), 0);
}

#[test]
fn skus_that_go_together_leave_from_one_node() {
    let world = three_ways();
    world.stock("case", "west", 5).expect("received");
    world.stock("cable", "east", 5).expect("received");
    let lines: &[(&str, u32)] = &[("phone", 1), ("case", 1), ("cable", 1)];
    on(&world, weighed(by_money(0)));
    assert_eq!(nodes(&world, &quote(&world, &order_by("a", lines))), ["east", "west"], "the phone goes with either");
    on(&world, RuleTerms { fences: vec![Fence::SameNode(vec![text("phone"), text("case")])], ..weighed(by_money(0)) });
    let decision = quote(&world, &order_by("a", lines));
    let west = world.engine.catalogue(|c| c.node_index("west"));
    let lines_of = |a: &crate::domain::decision::Assignment| a.lines.iter().map(|u| u.line).collect::<Vec<_>>();
    let of_west = decision.assignments.iter().find(|a| Some(a.node) == west).expect("west ships");
    assert_eq!(lines_of(of_west), [0, 1]);
    // Each group by itself: nobody has all cables.
    world.stock("cable", "west", 1).expect("received");
    let of = |skus: &[&str]| Fence::SameNode(skus.iter().copied().map(text).collect());
    let apart = |fences| RuleTerms { fences, ..weighed(by_money(0)) };
    let order = order_by("a", &[("phone", 1), ("case", 1), ("cable", 6)]);
    let waits = |decision: Decision| decision.unfilled.iter().map(|u| (u.line, u.quantity)).collect::<Vec<_>>();
    on(&world, apart(vec![of(&["phone", "case"])]));
    assert!(waits(quote(&world, &order)).is_empty());
    on(&world, apart(vec![of(&["phone", "case"]), of(&["cable"])]));
    assert_eq!(waits(quote(&world, &order)), [(2, 6)]);
    let again = apart(vec![of(&["phone", "case"]), of(&["cable", "case"])]).faults("weighed");
    assert_eq!((&*again[0].field, again[0].code), ("fences[1].in[1]", "duplicate_name"));
    on(&world, apart(vec![of(&["phone", "case"])]));
    // Where nobody has both, both wait.
    let order = place(&world, order_by("b", &[("phone", 1), ("case", 6)]));
    assert_eq!(order.totals_backordered(), 7);
    world.stock("case", "west", 1).expect("received");
    assert_eq!(backordered(&world, "b"), 0);
}

#[test]
fn days_count_in_money_and_as_a_fence() {
    let world = three_ways();
    let hurried = |per_day| weighed(vec![Term::Shipping, Term::Late { per_day }]);
    let mut told = Vec::new();
    for per_day in [0, 199, 201] {
        on(&world, hurried(per_day));
        told.push(nodes(&world, &quote(&world, &order_by("a", &[("phone", 1)]))).concat());
    }
    assert_eq!(told, ["north", "north", "east"], "400 cheaper, two days later");
    on(&world, RuleTerms { fences: vec![Fence::ArrivesBy { days: Some(2) }], ..hurried(0) });
    let decision = quote(&world, &order_by("a", &[("phone", 1)]));
    assert_eq!(nodes(&world, &decision), ["east"]);
    assert_eq!(loser(&world, &decision, "north").why, Why::Fenced(FenceReason::ArrivesTooLate));
    on(&world, RuleTerms { fences: vec![Fence::LandedCost { amount: 799 }], ..hurried(0) });
    let decision = quote(&world, &order_by("a", &[("phone", 1)]));
    assert_eq!(loser(&world, &decision, "west").why, Why::Fenced(FenceReason::TooDear));
}

#[test]
fn a_node_that_no_carrier_leaves_is_no_candidate_unless_the_customer_comes_himself() {
    let world = three_ways();
    carrier(&world, vec![service("west", (700, 50), 5)]);
    on(&world, weighed(by_money(0)));
    let order = order_by("a", &[("phone", 1)]);
    let decision = quote(&world, &order);
    assert_eq!(nodes(&world, &decision), ["west"]);
    assert_eq!(loser(&world, &decision, "east").why, Why::Fenced(FenceReason::NoService));
    let fetched = PlaceOrder { delivery_method: text("pickup"), ..order };
    assert_eq!(nodes(&world, &quote(&world, &fetched)), ["east"], "the nearest of those that cost nothing");
}

#[test]
fn weight_forces_more_parcels_and_each_costs() {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    let light = Service { max_weight_g: 1_000, ..service("east", (100, 10), 1) };
    carrier(&world, vec![light]);
    on(&world, weighed(by_money(7)));
    let decision = quote(&world, &order_by("a", &[("phone", 5)]));
    // Two and two and one: 100 + 3 × 10, twice, and 100 + 2 × 10.
    assert_eq!(amounts(&decision), [("shipping", 380), ("handling", 0), ("split", 14)]);
    assert_eq!((decision.assignments.len(), decision.optimal), (1, true), "one shipment of three parcels");
    assert_eq!(decision.evidence.weighed().expect("weighed").carried[0].parcels, 3);
    let order = place(&world, order_by("a", &[("phone", 5)]));
    assert_eq!(order.fulfillment_orders.len(), 1);
}

#[test]
fn presets_are_what_their_names_say_where_there_are_carriers() {
    let world = three_ways();
    let by = |name: &str, n: u32| {
        let order = PlaceOrder { rule_set: Some(text(name)), ..order_by("a", &[("phone", n)]) };
        let decision = quote(&world, &order);
        let version = decision.rule_set_version;
        (version, nodes(&world, &decision).join(" "))
    };
    assert_eq!(by("cheapest", 1), (2, "north".to_owned()));
    assert_eq!(by("fastest", 1), (2, "east".to_owned()));
    assert_eq!(by("greenest", 1), (2, "east".to_owned()));
    assert_eq!(by("fewest_splits", 20).1.split(' ').count(), 2);
    // Fast: three nodes have to ship thirty; of twenty the two that are there first do.
    assert_eq!(by("fastest", 20).1, "east north");
    let bare = World::new();
    bare.stock("phone", "west", 1).expect("received");
    let order = PlaceOrder { rule_set: Some(text("cheapest")), ..order_by("a", &[("phone", 1)]) };
    assert_eq!(quote(&bare, &order).rule_set_version, 1, "without carriers by weight and distance");
}

#[test]
fn whoever_was_decided_by_a_preset_waits_as_it_was_decided() {
    let world = World::new();
    let order = PlaceOrder { rule_set: Some(text("cheapest")), ..order_by("a", &[("phone", 2)]) };
    assert_eq!(place(&world, order).totals_backordered(), 2);
    carrier(&world, vec![service("east", (100, 10), 1)]);
    let world = world.restart();
    world.stock("phone", "west", 2).expect("received");
    assert_eq!(backordered(&world, "a"), 0, "it has a right to them, wherever they come and whoever carries them");
    world.check();
}

#[test]
fn a_preferred_node_ships_first_and_the_rest_is_weighed() {
    let world = three_ways();
    on(&world, weighed(by_money(150)));
    let preferring = |n: u32| {
        let mut order = order_by("a", &[("phone", n)]);
        order.wishes.preferred_node = Some(text("west"));
        quote(&world, &order)
    };
    let alone = preferring(2);
    assert_eq!(nodes(&world, &alone), ["west"]);
    assert_eq!(amounts(&alone), [("shipping", 850), ("handling", 0), ("split", 0)]);
    let both = preferring(12);
    assert_eq!(nodes(&world, &both), ["west", "north"]);
    assert_eq!(amounts(&both)[2], ("split", 150));
    let shipments: i64 = both.assignments.iter().map(|a| a.cost).sum();
    assert_eq!((both.cost.amount, both.optimal), (shipments + 150, true));
}

#[test]
fn what_a_preferred_node_ships_is_of_the_shipments_that_rules_allow() {
    let world = three_ways();
    on(&world, RuleTerms { fences: vec![Fence::MaxShipments { count: 1 }], ..weighed(by_money(150)) });
    let mut order = order_by("a", &[("phone", 12)]);
    order.wishes.preferred_node = Some(text("west"));
    let decision = quote(&world, &order);
    assert_eq!(nodes(&world, &decision), ["west"]);
    assert_eq!(decision.unfilled.iter().map(|u| u.quantity).sum::<u32>(), 2);
}

#[test]
fn what_would_have_let_a_node_ship_does_and_a_little_less_does_not() {
    let world = three_ways();
    on(&world, weighed(by_money(150)));
    // North has all but one; west has it at 200 more.
    let order = order_by("a", &[("phone", 11)]);
    let decision = quote(&world, &order);
    assert_eq!(nodes(&world, &decision).len(), 2);
    let east = loser(&world, &decision, "east");
    let less = east.change.cost_less.expect("in money");
    assert_eq!(Some(less - 1), east.costlier_by());
    let with = |base: i64| {
        let services =
            vec![service("east", (base, 50), 1), service("north", (500, 50), 3), service("west", (700, 50), 5)];
        carrier(&world, services);
        nodes(&world, &quote(&world, &order)).contains(&"east".to_owned())
    };
    assert!(with(900 - less) && !with(900 - less + 2), "{less}");
    let units = World::new();
    units.stock("phone", "north", 2).expect("received");
    units.stock("phone", "west", 2).expect("received");
    units.stock("phone", "east", 1).expect("received");
    carrier(&units, vec![service("east", (10, 1), 1), service("north", (500, 50), 3), service("west", (700, 50), 5)]);
    on(&units, weighed(by_money(1_000)));
    let order = order_by("a", &[("phone", 2)]);
    let decision = quote(&units, &order);
    assert_eq!(nodes(&units, &decision), ["north"]);
    assert_eq!(loser(&units, &decision, "east").change.pieces_more, [(0, 1)]);
    units.stock("phone", "east", 1).expect("received");
    assert_eq!(nodes(&units, &quote(&units, &order)), ["east"]);
}

#[test]
fn a_preview_weighs_what_its_version_weighs() {
    let (world, actual) = (three_ways(), three_ways());
    let draft = RuleTerms { fences: vec![Fence::MaxShipments { count: 2 }], ..weighed(by_money(20)) };
    let put = |world: &World, terms: RuleTerms| {
        world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) })).expect("put");
    };
    let plain = weighed(vec![Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 }]);
    on(&world, plain);
    put(&world, draft.clone());
    on(&actual, draft);
    let mut told = Vec::new();
    for n in 1..=6 {
        let id = format!("o{n}");
        place(&world, order_by(&id, &[("phone", 1)]));
        let order = place(&actual, order_by(&id, &[("phone", 1)]));
        told.push((id, nodes(&actual, &order.decision.expect("decided"))));
    }
    let preview = world.engine.preview("rules", 2, 100, &|| true).expect("a preview");
    assert_eq!((preview.compared, preview.unknown), (6, 0));
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    for change in &preview.changes {
        let after: Vec<String> = change.after.iter().map(|shipped| id(shipped.node)).collect();
        let known = told.iter().find(|(order, _)| *order == change.order).expect("it was placed");
        assert_eq!(known.1, after, "{}", change.order);
    }
    assert_eq!(preview.changes.len(), 6, "all leave east for north");
}

/// A generator that starts where it is told.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ z >> 27) % most
    }
}

pub(super) const SKUS: [&str; 3] = ["a", "b", "c"];
pub(super) const NODES: [&str; 3] = ["east", "west", "north"];

/// What a parcel from a node costs in grams, by what carriers answer to whoever asks them; `None` when none takes it.
fn asked(world: &World, node: &str, grams: u64) -> Option<i64> {
    billed(world, node, vec![Units { unit: Parcel { weight_g: grams, ..Parcel::default() }, quantity: 1 }])
}

/// The same of units in as few parcels as weight allows.
pub(super) fn billed(world: &World, node: &str, units: Vec<Units>) -> Option<i64> {
    offered(world, node, units).first().map(|offer| offer.price)
}

/// What carriers answer of that, the cheapest first.
pub(super) fn offered(world: &World, node: &str, units: Vec<Units>) -> Vec<Offer> {
    world.engine.catalogue(|c| {
        let known = c.node(c.node_index(node).expect("there"));
        let freight = Freight::Units(units);
        let origin = Origin { zone: jiff::tz::TimeZone::UTC, cutoff_min: None, calendar: None };
        let from =
            Here { node: Some(&known.id), country: Some("US"), code: None, position: Some(known.position), origin };
        let to = There { country: "US", code: None, position: Position::from_degrees(40.0, -75.0) };
        let ordered = jiff::Timestamp::from_millisecond(1_800_000_000_000).expect("an instant");
        let question = Question { from, to, freight: &freight, ordered, held_until: None };
        c.shipping().answers(&question).offers
    })
}

/// Ways to divide units over three nodes and nobody, in turn.
pub(super) fn ways(units: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..4_usize.pow(units as u32)).map(move |way| (0..units).map(|at| way / 4_usize.pow(at as u32) % 4).collect())
}

/// Units of each sku at each node, and in the end of those that are left, for every division within what the nodes have.
pub(super) fn divisions(wanted: &[u32], has: &[[u32; 3]; 3]) -> Vec<[[u32; 3]; 4]> {
    let units: Vec<usize> = wanted.iter().enumerate().flat_map(|(sku, count)| vec![sku; *count as usize]).collect();
    let counted = |way: Vec<usize>| {
        let mut at = [[0; 3]; 4];
        units.iter().zip(&way).for_each(|(sku, to)| at[*to][*sku] += 1);
        at
    };
    let is_there =
        |at: &[[u32; 3]; 4]| at.iter().zip(has).all(|(at, has)| at.iter().zip(has).all(|(at, has)| at <= has));
    ways(units.len()).map(counted).filter(is_there).collect()
}

/// Some of each sku at each node, or none.
pub(super) fn drawn_stock(world: &World, dice: &mut Dice, weights: &[u64], values: &[i64]) -> [[u32; 3]; 3] {
    let mut has = [[0; 3]; 3];
    for (sku, name) in SKUS.iter().enumerate() {
        item(world, name, weights[sku] as u32, values[sku]);
        for (node, id) in NODES.iter().enumerate() {
            has[node][sku] = dice.below(3) as u32;
            if has[node][sku] > 0 {
                world.stock(name, id, has[node][sku] as i32).expect("received");
            }
        }
    }
    has
}

/// What nobody can do cheaper is the plan's cost, its bound and the sum of its terms.
pub(super) fn is_least(decision: &Decision, least: i64, round: &str) {
    let total: i64 = amounts(decision).iter().map(|(_, amount)| amount).sum();
    let found = (decision.cost.amount, decision.lower_bound, decision.optimal, total);
    assert_eq!(found, (least, least, true, least), "{round}");
}

#[test]
fn no_division_of_the_units_is_cheaper_than_the_plan_by_the_carriers_own_quotes() {
    let seed = 20_261_123;
    let dice = &mut Dice(seed);
    let mut splits = 0;
    for round in 0..60 {
        let world = World::new();
        let weights: Vec<u64> = SKUS.map(|_| 100 + dice.below(1_500)).to_vec();
        let values: Vec<i64> = SKUS.map(|_| dice.below(3_000) as i64).to_vec();
        let has = drawn_stock(&world, dice, &weights, &values);
        let mut costs = [(0, 0); 3];
        for (node, id) in NODES.iter().enumerate() {
            costs[node] = (dice.below(300) as i64, dice.below(60) as i64);
            handling(&world, id, costs[node].0, costs[node].1);
        }
        let mut services = vec![ground()];
        for id in NODES {
            services.push(service(id, (300 + dice.below(900) as i64, dice.below(150) as i64), 2));
        }
        carrier(&world, services);
        let (split, per_line) = (dice.below(400) as i64, dice.below(1_500) as i64);
        let charged = Unfilled::Charged { per_line, value_share_micro: 500_000 };
        on(&world, RuleTerms { unfilled: charged, ..weighed(by_money(split)) });
        let wanted: Vec<u32> = SKUS.map(|_| 1 + dice.below(2) as u32).to_vec();
        let lines: Vec<(&str, u32)> = SKUS.iter().zip(&wanted).map(|(sku, n)| (*sku, *n)).collect();
        let decision = quote(&world, &order_by("a", &lines));

        let mut prices = std::collections::HashMap::new();
        let mut least = i64::MAX;
        for at in divisions(&wanted, &has) {
            let mut cost = 0_i64;
            let mut parcels = 0;
            for (node, own) in at.iter().take(3).enumerate() {
                let count: u32 = own.iter().sum();
                if count == 0 {
                    continue;
                }
                parcels += 1;
                let grams: u64 = (0..3).map(|sku| weights[sku] * u64::from(own[sku])).sum();
                let price = prices.entry((node, grams)).or_insert_with(|| asked(&world, NODES[node], grams));
                cost += price.expect("somebody takes it") + costs[node].0 + costs[node].1 * i64::from(count);
            }
            cost += split * (parcels - 1).max(0);
            for (sku, value) in values.iter().enumerate() {
                let left = i64::from(at[3][sku]);
                // Half of the value, half up.
                cost += if left > 0 { per_line + left * ((value + 1) / 2) } else { 0 };
            }
            least = least.min(cost);
        }
        is_least(&decision, least, &format!("seed {seed}, round {round}"));
        splits += usize::from(decision.assignments.len() > 1);
    }
    assert!(splits > 5, "{splits} orders were split");
}

#[test]
fn every_node_of_a_small_order_has_its_reason() {
    let world = three_ways();
    world.stock("phone", "west", -10).expect("lost");
    on(&world, weighed(by_money(150)));
    let decision = quote(&world, &order_by("a", &[("phone", 1)]));
    let told: Vec<(String, Why)> = losers(&world, &decision).into_iter().map(|(id, loser)| (id, loser.why)).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[1], ("west".to_owned(), Why::NoStock));
    assert!(matches!(told[0].1, Why::Outweighed { reason: Reason::Costlier { by: 400 }, exact: true, .. }), "{told:?}");
    let listed: Vec<CostTerm> =
        decision.evidence.weighed().expect("weighed").amounts.iter().map(|(term, _)| *term).collect();
    assert_eq!(listed, [CostTerm::Shipping, CostTerm::Handling, CostTerm::Split]);
}

trait Backordered {
    fn totals_backordered(&self) -> u32;
}

impl Backordered for Order {
    fn totals_backordered(&self) -> u32 {
        self.totals().backordered
    }
}
