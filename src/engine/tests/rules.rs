//! Rule sets: drafts change nothing, an activation everything after it and nothing before; fences keep nodes out with their
//! reason; what waits by fenced rules never takes what comes to a fenced node; a preview tells what comes true.

use std::sync::Arc;

use super::world::*;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::decision::{Decision, FenceReason};
use crate::domain::ids::Text;
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::rules::book::Version;
use crate::domain::rules::{Fence, RuleTerms, Schedule, Scope, Term, VersionState};
use crate::domain::time::WallTime;
use crate::engine::Preview;

/// Terms of the objective that make the far cheaper than the near, by a charge for every shipment that nothing else outweighs.
fn priced(per_shipment: i64, split: i64) -> RuleTerms {
    let objective = vec![
        Term::PerShipment { amount: per_shipment },
        Term::WeightDistance { micro_per_kg_km: 200_000 },
        Term::Split { amount: split },
    ];
    RuleTerms { objective, ..RuleTerms::default() }
}

fn fenced(fence: Fence) -> RuleTerms {
    RuleTerms { fences: vec![fence], ..priced(500, 150) }
}

fn put(world: &World, name: &str, terms: RuleTerms) -> Result<Version, Rejection> {
    match world.run(Command::PutRules(PutRules { name: text(name), terms: Arc::new(terms) }))? {
        Reply::Rules(version) => Ok(*version),
        other => panic!("{other:?}"),
    }
}

fn activate(world: &World, name: &str, version: u32, at: Option<i64>) -> Result<Version, Rejection> {
    let command = ActivateRules { name: text(name), version, at: at.map(WallTime) };
    match world.run(Command::ActivateRules(command))? {
        Reply::Rules(version) => Ok(*version),
        other => panic!("{other:?}"),
    }
}

/// Put and activated at once.
fn on(world: &World, name: &str, terms: RuleTerms) -> u32 {
    let version = put(world, name, terms).expect("a good version").version;
    assert_eq!(activate(world, name, version, None).expect("it can be carried").state, VersionState::Active);
    version
}

fn order_by(id: &str, rules: Option<&str>, lines: &[(&str, u32)]) -> PlaceOrder {
    PlaceOrder { id: Some(text(id)), rule_set: rules.map(text), ..World::order_of(id, lines, None) }
}

fn quote(world: &World, order: &PlaceOrder) -> Decision {
    world.engine.quote(world.log.now(), order).expect("quoted")
}

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn by(decision: &Decision) -> (&str, u32) {
    (&decision.rule_set, decision.rule_set_version)
}

fn nodes(world: &World, decision: &Decision) -> Vec<String> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    decision.assignments.iter().map(|assignment| id(assignment.node)).collect()
}

fn why(world: &World, decision: &Decision, node: &str) -> Option<FenceReason> {
    let index = world.engine.catalogue(|c| c.node_index(node)).expect("a known node");
    decision.evidence.fenced.iter().find(|(fenced, _)| *fenced == index).map(|(_, reason)| *reason)
}

fn code(refused: Result<Version, Rejection>) -> Vec<(String, &'static str)> {
    match refused.expect_err("refused") {
        Rejection::Invalid(faults) => faults.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        other => vec![(String::new(), other.code())],
    }
}

/// Ten of each at every node.
fn stocked() -> World {
    let world = World::new();
    for sku in ["phone", "case", "cable"] {
        for node in ["east", "west", "north"] {
            world.stock(sku, node, 10).expect("received");
        }
    }
    world
}

fn tick(world: &World) {
    world.engine.expire_due(&*world.log);
    world.check();
}

#[test]
fn a_draft_changes_nothing_and_its_activation_all_that_comes_after() {
    let world = stocked();
    let asked = order_by("a", None, &[("phone", 1)]);
    let before = quote(&world, &asked);
    assert_eq!(by(&before), ("default", 1));
    let draft = put(&world, "default", priced(900, 0)).expect("a good version");
    assert_eq!((draft.version, draft.state), (2, VersionState::Draft));
    assert_eq!(put(&world, "default", priced(901, 0)).expect("a good version").version, 3, "every put is a version");
    assert_eq!(
        quote(&world, &asked),
        Decision { catalogue_seq: quote(&world, &asked).catalogue_seq, ..before.clone() }
    );
    let placed = place(&world, asked.clone());
    activate(&world, "default", 2, None).expect("activated");
    let after = quote(&world, &order_by("b", None, &[("phone", 1)]));
    assert_eq!((by(&after), after.cost.amount), (("default", 2), before.cost.amount + 400));
    let world = world.restart();
    let state = |version| world.engine.catalogue(|c| c.rules().version("default", version).map(|v| v.state));
    let states = [1, 2, 3, 4].map(state);
    let known = [VersionState::Retired, VersionState::Active, VersionState::Draft].map(Some);
    assert_eq!(states, [known[0], known[1], known[2], None]);
    let kept = world.engine.order(&placed.name()).expect("there").decision.clone().expect("decided");
    assert_eq!(by(&kept), ("default", 1), "what was decided before keeps its version");
    assert_eq!(by(&quote(&world, &order_by("c", None, &[("phone", 1)]))), ("default", 2));
    activate(&world, "default", 1, None).expect("the first version is there for ever");
    assert_eq!(quote(&world, &order_by("c", None, &[("phone", 1)])).cost, before.cost);
    let records = world.log.records.lock().len();
    activate(&world, "default", 1, None).expect("it is");
    assert_eq!(world.log.records.lock().len(), records, "the same again is no record");
}

#[test]
fn a_planned_version_takes_over_at_its_instant_and_not_before() {
    for ticks in [true, false] {
        let world = stocked();
        let now = world.log.now().wall.0;
        put(&world, "default", priced(900, 0)).expect("a good version");
        assert_eq!(code(activate(&world, "default", 2, Some(now))), [("at".to_owned(), "time_in_past")]);
        let planned = activate(&world, "default", 2, Some(now + 60_000)).expect("planned");
        assert_eq!((planned.state, planned.planned.map(|p| p.version)), (VersionState::Draft, Some(2)));
        world.later(59);
        let world = world.restart();
        assert_eq!(by(&place(&world, order_by("a", None, &[("phone", 1)])).decision.expect("decided")), ("default", 1));
        world.later(1);
        if ticks {
            tick(&world);
            assert_eq!(by(&quote(&world, &order_by("b", None, &[("phone", 1)]))), ("default", 2));
        }
        let placed = place(&world, order_by("b", None, &[("phone", 1)]));
        assert_eq!(
            by(&placed.decision.expect("decided")),
            ("default", 2),
            "no command after it is decided by the old one"
        );
        let current = world.engine.catalogue(|c| c.rules().current("default")).expect("there");
        assert_eq!((current.version, current.planned), (2, None));
    }
}

#[test]
fn an_activation_calls_off_what_was_planned() {
    let world = stocked();
    let now = world.log.now().wall.0;
    put(&world, "default", priced(900, 0)).expect("a good version");
    put(&world, "default", priced(300, 0)).expect("a good version");
    activate(&world, "default", 2, Some(now + 60_000)).expect("planned");
    activate(&world, "default", 3, None).expect("activated");
    world.later(120);
    tick(&world);
    assert_eq!(by(&quote(&world, &order_by("b", None, &[("phone", 1)]))), ("default", 3));
}

#[test]
fn the_name_then_the_most_specific_scope_then_the_last_activation_decides() {
    let world = stocked();
    let scoped = |scope: Scope| RuleTerms { scope, ..priced(500, 150) };
    let of = |world: &World, order: PlaceOrder| by(&quote(world, &order)).0.to_owned();
    let plain = || order_by("a", None, &[("phone", 1)]);
    on(&world, "web", scoped(Scope { channels: vec![text("web")], ..Scope::default() }));
    on(&world, "us", scoped(Scope { countries: vec![text("US")], ..Scope::default() }));
    assert_eq!(of(&world, plain()), "us", "the last of two that are as specific");
    let both = Scope { channels: vec![text("web")], countries: vec![text("US")], ..Scope::default() };
    on(&world, "web_us", scoped(both));
    on(&world, "everywhere", priced(500, 150));
    assert_eq!(of(&world, plain()), "web_us", "the most specific, whatever came later");
    assert_eq!(of(&world, PlaceOrder { channel: text("shop"), ..plain() }), "us");
    let pickup = PlaceOrder { channel: text("shop"), ..plain() };
    let abroad = ShipTo { country: text("CA"), ..pickup.destinations[0].clone() };
    assert_eq!(
        of(&world, PlaceOrder { destinations: vec![abroad], ..pickup }),
        "everywhere",
        "the last that asks nothing"
    );
    for name in ["web", "default", "cheapest", "fewest_splits"] {
        assert_eq!(of(&world, order_by("a", Some(name), &[("phone", 1)])), name);
    }
    let nodes =
        Scope { nodes: vec![text("east")], channels: both_channels(), countries: vec![text("US")], ..Scope::default() };
    on(&world, "urban", scoped(nodes));
    assert_eq!(of(&world, plain()), "urban", "east is the nearest to where it goes");
    let world = world.restart();
    let far = ShipTo {
        position: crate::domain::geo::Position::from_degrees(34.0, -118.0),
        ..plain().destinations[0].clone()
    };
    assert_eq!(of(&world, PlaceOrder { destinations: vec![far], ..plain() }), "web_us");
    put(&world, "idle", priced(1, 1)).expect("a good version");
    for unknown in ["idle", "none"] {
        let refused = world.engine.quote(world.log.now(), &order_by("a", Some(unknown), &[("phone", 1)]));
        assert!(
            matches!(refused, Err(Rejection::Invalid(faults)) if faults[0].code == "unknown_rule_set"),
            "{unknown}"
        );
    }
}

fn both_channels() -> Vec<Text> {
    vec![text("web")]
}

#[test]
fn a_season_ends_by_itself() {
    let world = stocked();
    let now = world.log.now().wall.0;
    let schedule = Schedule::Between { from: Some(WallTime(now + 10_000)), until: Some(WallTime(now + 20_000)) };
    on(&world, "peak", RuleTerms { schedule, ..priced(900, 0) });
    let of = |world: &World| by(&quote(world, &order_by("a", None, &[("phone", 1)]))).0.to_owned();
    let mut told = vec![of(&world)];
    for _ in 0..2 {
        world.later(10);
        told.push(of(&world));
    }
    assert_eq!(told, ["default", "peak", "default"]);
}

#[test]
fn months_are_those_of_the_calendar() {
    let day = |text: &str| WallTime(text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond());
    let season = Schedule::Months(vec![11, 12]);
    let on = |text| season.is_on(day(text));
    assert!(!on("2026-10-31T23:59:59.999Z") && on("2026-11-01T00:00:00Z") && on("2026-12-31T23:59:59Z"));
    assert!(!on("2027-01-01T00:00:00Z"));
}

#[test]
fn every_fence_keeps_nodes_out_with_its_reason() {
    let mut world = stocked();
    let change = |world: &World, node: &str, patch: NodePatch| {
        world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
    };
    change(
        &world,
        "west",
        NodePatch {
            kind: Some(NodeKind::Store),
            country: Some(text("CA")),
            cutoff_min: Some(Some(0)),
            ..NodePatch::default()
        },
    );
    change(&world, "east", NodePatch { capabilities: Some(vec![text("cold"), text("gift")]), ..NodePatch::default() });
    let cases = [
        (Fence::Within { metres: 2_000_000 }, "west", FenceReason::TooFar),
        (Fence::Kinds(vec![NodeKind::Warehouse]), "west", FenceReason::WrongKind),
        (Fence::Countries(vec![text("US")]), "west", FenceReason::OutOfRegion),
        (Fence::SameCountry, "west", FenceReason::OutOfRegion),
        (Fence::NotNodes(vec![text("west")]), "west", FenceReason::NotListed),
        (Fence::Nodes(vec![text("east"), text("north")]), "west", FenceReason::NotListed),
        (Fence::Capabilities(vec![text("gift"), text("cold")]), "north", FenceReason::LacksCapability),
        (Fence::Cutoff, "west", FenceReason::PastCutoff),
        (Fence::LandedCost { amount: 700 }, "west", FenceReason::TooDear),
    ];
    for (fence, node, reason) in cases {
        let name = format!("{fence:?}");
        on(&world, "rules", fenced(fence));
        let order = order_by("a", Some("rules"), &[("phone", 2)]);
        let decision = quote(&world, &order);
        assert_eq!(why(&world, &decision, node), Some(reason), "{name}");
        assert_eq!(nodes(&world, &decision), ["east"], "{name}: the others are as they were");
        let all = quote(&world, &order_by("b", Some("rules"), &[("phone", 30)]));
        assert!(!nodes(&world, &all).contains(&node.to_owned()), "{name}");
        assert!(!all.unfilled.is_empty(), "{name}: what only a fenced node has is not filled");
    }
    // The same as an order gets it, also after a restart.
    on(&world, "rules", fenced(Fence::NotNodes(vec![text("east")])));
    world = world.restart();
    let placed = place(&world, order_by("c", Some("rules"), &[("phone", 1)]));
    let decision = placed.decision.expect("decided");
    assert_eq!(
        (nodes(&world, &decision), why(&world, &decision, "east")),
        (vec!["north".to_owned()], Some(FenceReason::NotListed))
    );
}

#[test]
fn a_service_that_comes_too_late_or_not_at_all_keeps_a_node_out() {
    let world = stocked();
    let service = |name: &str, days: u16, node: &str| Service {
        name: text(name),
        transit_days: vec![days; 7],
        pickups: Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]),
        ..ground()
    };
    let services = vec![service("slow", 6, "east"), service("quick", 1, "north")];
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
    on(&world, "soon", fenced(Fence::ArrivesBy { days: Some(5) }));
    let decision = quote(&world, &order_by("a", Some("soon"), &[("phone", 1)]));
    assert_eq!(nodes(&world, &decision), ["north"], "the nearest is not in time");
    assert_eq!(why(&world, &decision, "east"), Some(FenceReason::ArrivesTooLate));
    assert_eq!(why(&world, &decision, "west"), Some(FenceReason::ArrivesTooLate), "no service comes to it");
    on(&world, "soon", fenced(Fence::ArrivesBy { days: Some(20) }));
    assert_eq!(nodes(&world, &quote(&world, &order_by("a", Some("soon"), &[("phone", 1)]))), ["east"]);
}

#[test]
fn a_plan_has_no_more_shipments_than_its_rules_allow() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("received");
    world.stock("case", "north", 5).expect("received");
    for sku in ["phone", "case"] {
        world.stock(sku, "west", 5).expect("received");
    }
    let order = |rules| order_by("a", Some(rules), &[("phone", 1), ("case", 1)]);
    on(
        &world,
        "free",
        RuleTerms { objective: vec![Term::WeightDistance { micro_per_kg_km: 200_000 }], ..priced(0, 0) },
    );
    assert_eq!(nodes(&world, &quote(&world, &order("free"))), ["east", "north"]);
    let one = RuleTerms { fences: vec![Fence::MaxShipments { count: 1 }], ..priced(0, 0) };
    on(&world, "one", one);
    let decision = quote(&world, &order("one"));
    assert_eq!((nodes(&world, &decision), decision.optimal, decision.terms.split), (vec!["west".to_owned()], true, 0));
    let placed = place(&world, order("one"));
    assert_eq!(nodes(&world, &placed.decision.expect("decided")), ["west"]);
    let losing = world.engine.catalogue(|c| decision.losing(c));
    assert_eq!(decision.losers(&losing).len(), 2, "every loser has its reason");
}

#[test]
fn a_bound_that_leaves_some_units_is_met_by_the_best_plan_and_explained() {
    let (mut in_full, mut short) = (0, 0);
    for seed in 0..60_u64 {
        let mut dice = super::random::Dice(seed);
        let world = World::new();
        for sku in ["phone", "case", "cable"] {
            for node in ["east", "west", "north"] {
                let units = dice.roll(3) as i32;
                if units > 0 {
                    world.stock(sku, node, units).expect("received");
                }
            }
        }
        let count = 1 + dice.roll(2) as u16;
        let terms = priced(i64::from(dice.roll(500)), i64::from(dice.roll(300)));
        on(&world, "few", RuleTerms { fences: vec![Fence::MaxShipments { count }], ..terms });
        let order = order_by("a", Some("few"), &[("phone", 2), ("case", 1), ("cable", 2)]);
        let decision = quote(&world, &order);
        assert!(decision.optimal && decision.lower_bound == decision.cost.amount, "seed {seed}: {decision:?}");
        assert!(decision.assignments.len() <= usize::from(count), "seed {seed}");
        let terms = decision.terms.per_shipment + decision.terms.distance + decision.terms.split;
        assert_eq!(terms, decision.cost.amount, "seed {seed}");
        let placed = place(&world, order);
        let losers = |world: &World| {
            let decision = world.engine.order("a").expect("there").decision.clone().expect("decided");
            let losing = world.engine.catalogue(|c| decision.losing(c));
            (decision.losers(&losing), decision)
        };
        let before = losers(&world);
        assert_eq!(Some(&before.1), placed.decision.as_ref(), "seed {seed}");
        assert!(before.0.iter().all(|loser| loser.costlier_by().is_none_or(|by| by >= 0)), "seed {seed}");
        // What waits is tried again at a start.
        if decision.unfilled.is_empty() {
            assert_eq!(losers(&world.restart()), before, "seed {seed}: after a restart");
        }
        in_full += usize::from(decision.is_weighed());
        short += usize::from(!decision.unfilled.is_empty());
    }
    assert!(in_full > 5 && short > 5, "{in_full} by the kernel in full, {short} left some");
}

#[test]
fn what_waits_by_fenced_rules_takes_nothing_that_comes_to_a_fenced_node() {
    let world = World::new();
    world.stock("phone", "east", 2).expect("received");
    world.stock("phone", "west", 5).expect("received");
    on(&world, "rules", fenced(Fence::NotNodes(vec![text("west")])));
    let order = place(&world, order_by("a", Some("rules"), &[("phone", 4)]));
    assert_eq!(
        (order.totals().backordered, world.level("phone", "west").available),
        (2, 5),
        "west has five, and keeps them"
    );
    world.stock("phone", "west", 5).expect("received");
    assert_eq!(world.engine.order("a").expect("there").totals().backordered, 2);
    let world = world.restart();
    assert_eq!(world.level("phone", "west").available, 10, "a start gives it nothing either");
    assert_eq!(world.atp("phone"), 10);
    let other = place(&world, order_by("b", Some("default"), &[("phone", 3)]));
    assert_eq!(other.totals().backordered, 0, "others buy what it may not have");
    world.stock("phone", "north", 2).expect("received");
    let order = world.engine.order("a").expect("there");
    assert_eq!(order.totals().backordered, 0, "what comes elsewhere is its own");
    world.check();
}

/// A carrier that takes three days from everywhere.
fn slow_post(world: &World) {
    let services = vec![Service { transit_days: vec![3; 7], ..ground() }];
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
}

#[test]
fn an_order_is_there_by_the_day_that_it_names_or_waits_whether_rules_weigh_or_not() {
    for objective in [vec![Term::PerShipment { amount: 500 }], vec![Term::Shipping]] {
        let world = stocked();
        slow_post(&world);
        let terms = RuleTerms { objective, fences: vec![Fence::ArrivesBy { days: None }], ..RuleTerms::default() };
        on(&world, "by-then", terms);
        let asked = order_by("a", Some("by-then"), &[("phone", 1)]);
        let reasons = |decision: &Decision| decision.evidence.fenced.iter().map(|(_, why)| *why).collect::<Vec<_>>();
        let free = quote(&world, &asked);
        assert!(free.unfilled.is_empty() && reasons(&free).is_empty(), "an order without a day passes");
        let arrives = {
            let shipments = world.engine.quote_shipping(world.log.now(), &asked, &free);
            shipments[0].answers.offers[0].promise.arrives
        };
        let wanted_by = |day: jiff::civil::Date| {
            let wishes = Wishes { arrives_by: Some(day), ..asked.wishes.clone() };
            PlaceOrder { wishes, ..asked.clone() }
        };
        assert!(quote(&world, &wanted_by(arrives)).unfilled.is_empty());
        let day_before = arrives.yesterday().expect("there is one");
        let kept_out = quote(&world, &wanted_by(day_before));
        assert_eq!(kept_out.unfilled.len(), 1);
        assert!(reasons(&kept_out).contains(&FenceReason::ArrivesTooLate), "{kept_out:?}");
        // The day stays with the order, over a restart too, and what comes next is measured by it.
        let placed = world.run(Command::PlaceOrder(Box::new(wanted_by(day_before)))).expect("it waits");
        let Reply::Order(placed) = placed else { panic!("an order is answered") };
        assert_eq!((placed.arrives_by(), placed.totals().backordered), (Some(day_before), 1));
        let world = world.restart();
        world.stock("phone", "north", 3).expect("received");
        let order = world.engine.order(&placed.name()).expect("there");
        assert_eq!((order.arrives_by(), order.totals().backordered), (Some(day_before), 1));
        world.check();
    }
}

#[test]
fn a_version_that_makes_no_sense_is_refused_with_every_fault() {
    let world = stocked();
    let terms = RuleTerms {
        scope: Scope {
            nodes: vec![text("moon"), text("virtual")],
            channels: vec![text("web"), text("web")],
            ..Scope::default()
        },
        schedule: Schedule::Between { from: Some(WallTime(5)), until: Some(WallTime(5)) },
        fences: vec![
            Fence::Nodes(vec![text("east")]),
            Fence::NotNodes(vec![text("east")]),
            Fence::Within { metres: 1 },
            Fence::Within { metres: 2 },
        ],
        objective: vec![
            Term::Split { amount: 1 },
            Term::Split { amount: 2 },
            Term::LoadBalance,
            Term::Balance { amount: 70 },
        ],
        ..RuleTerms::default()
    };
    let mut faults = code(put(&world, "cheapest", terms));
    faults.sort();
    let told: Vec<(&str, &str)> = faults.iter().map(|(field, code)| (field.as_str(), *code)).collect();
    let expected = [
        ("fences", "nobody_left"),
        ("fences[3].fence", "duplicate_name"),
        ("objective[1].term", "duplicate_name"),
        ("objective[3].term", "duplicate_name"),
        ("rule_set", "reserved_name"),
        ("schedule.until", "time_out_of_order"),
        ("scope.channels[1]", "duplicate_name"),
        ("scope.nodes[0]", "unknown_node"),
        ("scope.nodes[1]", "node_without_stock"),
    ];
    assert_eq!(told, expected);
    let scoped = RuleTerms { scope: Scope { channels: vec![text("web")], ..Scope::default() }, ..priced(1, 1) };
    assert_eq!(code(put(&world, "default", scoped)), [("scope".to_owned(), "default_applies_always")]);
    assert_eq!(code(activate(&world, "none", 1, None)), [(String::new(), "not_found")]);
    assert_eq!(code(activate(&world, "default", 7, None)), [("version".to_owned(), "unknown_version")]);
    assert_eq!(code(activate(&world, "greenest", 1, None)), [("rule_set".to_owned(), "reserved_name")]);
    for _ in 0..crate::domain::limits::RULE_VERSIONS_MAX {
        put(&world, "many", priced(1, 1)).expect("a good version");
    }
    assert_eq!(code(put(&world, "many", priced(1, 1))), [("rule_set".to_owned(), "too_many")]);
}

#[test]
fn a_preset_is_there_from_the_first_use() {
    let world = stocked();
    let cases = [("cheapest", 1), ("fastest", 1), ("fewest_splits", 1), ("greenest", 1), ("default", 1)];
    for (name, version) in cases {
        let decision = quote(&world, &order_by("a", Some(name), &[("phone", 12)]));
        assert_eq!(by(&decision), (name, version));
        assert!(decision.unfilled.is_empty() && decision.optimal, "{name}");
    }
    // Twelve of two nodes: free of charges per shipment the nearest ten go first, else the fewest shipments count alone.
    let fastest = quote(&world, &order_by("a", Some("fastest"), &[("phone", 12)]));
    assert_eq!(nodes(&world, &fastest), ["east", "north"]);
    let greenest = quote(&world, &order_by("a", Some("greenest"), &[("phone", 1)]));
    assert_eq!(greenest.terms.per_shipment, 40_000, "400 g at 1,000.00 a kilogram");
}

#[test]
fn a_repeated_key_answers_the_same_and_makes_no_second_version() {
    let world = stocked();
    let key = crate::domain::command::IdempotencyKey { hash: 5, fingerprint: 6 };
    let context = Context { key: Some(key), ..Context::library() };
    let command = || Command::PutRules(PutRules { name: text("a"), terms: Arc::new(priced(1, 1)) });
    world.run_as(&context, command()).expect("a good version");
    world.repeats(&context, command());
    assert_eq!(world.engine.catalogue(|c| c.rules().next("a")), 2);
}

/// What a preview says of every order it tells: nodes and cost after.
fn told(world: &World, preview: &Preview) -> Vec<(String, Vec<String>, i64)> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    let of = |change: &crate::engine::Compared| {
        let nodes = change.after.iter().map(|shipped| id(shipped.node)).collect();
        (change.order.clone(), nodes, change.cost_after)
    };
    preview.changes.iter().map(of).collect()
}

#[test]
fn a_preview_tells_what_the_version_decides_on_the_same_inputs() {
    // Two worlds alike: in one orders are decided by default, in the other by the draft from the first on. Stock is so
    // plentiful that no order changes what the next one sees.
    let build = || {
        let mut world = World::new();
        world.node("south", 29.8, -95.4, true);
        let lay = |sku: &str, node: &str| world.stock(sku, node, 1_000).map(drop).expect("received");
        lay("phone", "east");
        lay("case", "north");
        for sku in ["phone", "case", "cable"] {
            lay(sku, "south");
            lay(sku, "west");
        }
        world
    };
    let cases: [RuleTerms; 5] = [
        priced(5_000, 0),
        priced(0, 0),
        RuleTerms { fences: vec![Fence::NotNodes(vec![text("east")])], ..priced(500, 150) },
        RuleTerms { fences: vec![Fence::MaxShipments { count: 1 }], ..priced(0, 0) },
        RuleTerms { fences: vec![Fence::Within { metres: 1_500_000 }], ..priced(100, 0) },
    ];
    let mut changed = 0;
    for (case, draft) in cases.into_iter().enumerate() {
        let (world, actual) = (build(), build());
        put(&world, "default", draft.clone()).expect("a good version");
        on(&actual, "default", draft);
        let mut lines = Vec::new();
        for n in 1..=12u32 {
            lines.push(vec![("phone", n % 3 + 1), ("case", n % 4 + 1)]);
            lines.push(vec![("phone", n), ("cable", 1)]);
        }
        let mut decided = Vec::new();
        for (at, lines) in lines.iter().enumerate() {
            let id = format!("o{at}");
            place(&world, order_by(&id, None, lines));
            let order = place(&actual, order_by(&id, None, lines));
            let decision = order.decision.expect("decided");
            decided.push((id, nodes(&actual, &decision), decision.cost.amount));
        }
        let preview = world.engine.preview("default", 2, 1_000, &|| true).expect("a preview");
        assert_eq!(
            (preview.looked_at, preview.compared, preview.unknown),
            (lines.len(), lines.len(), 0),
            "case {case}"
        );
        assert_eq!(preview.cost_after, decided.iter().map(|(.., cost)| cost).sum::<i64>(), "case {case}");
        let predicted = told(&world, &preview);
        changed += predicted.len();
        for (id, nodes, cost) in &decided {
            match predicted.iter().find(|(order, ..)| order == id) {
                Some(found) => assert_eq!((&found.1, &found.2), (nodes, cost), "case {case}: {id}"),
                None => {
                    let before = world.engine.order(id).expect("there").decision.clone().expect("decided");
                    assert_eq!(self::nodes(&world, &before), *nodes, "case {case}: {id} is said to stay");
                }
            }
        }
    }
    assert!(changed > 40, "{changed} decisions changed");
}

#[test]
fn a_preview_leaves_out_whom_the_version_does_not_concern_and_what_was_not_recorded() {
    let world = stocked();
    on(&world, "strict", fenced(Fence::NotNodes(vec![text("north")])));
    place(&world, order_by("a", None, &[("phone", 1)]));
    place(&world, order_by("b", Some("strict"), &[("phone", 1)]));
    place(&world, PlaceOrder { channel: text("shop"), ..order_by("c", Some("default"), &[("phone", 1)]) });
    let draft = put(&world, "strict", priced(1, 1)).expect("a good version").version;
    let preview = world.engine.preview("strict", draft, 1_000, &|| true).expect("a preview");
    // The unscoped draft would apply to the first as well, and to the second, of which nobody knows what north had.
    assert_eq!((preview.looked_at, preview.of_others, preview.unknown, preview.compared), (3, 1, 2, 0));
    let records = world.log.records.lock().len();
    assert_eq!(world.engine.preview("strict", draft, 2, &|| true).expect("a preview").looked_at, 2);
    assert_eq!(world.log.records.lock().len(), records, "nothing changed");
    assert!(matches!(world.engine.preview("none", 1, 9, &|| true), Err(Rejection::NotFound { .. })));
    assert!(matches!(world.engine.preview("strict", 9, 9, &|| true), Err(Rejection::Invalid(_))));
}

#[test]
fn fault_6_and_7_of_scores_routing_reads_what_is_free_and_what_nobody_has_waits() {
    let mut world = World::new();
    world.stock("phone", "east", 5).expect("received");
    world.reserve("phone", 4, 600).expect("reserved");
    let decision = quote(&world, &order_by("a", None, &[("phone", 3)]));
    let routed: u32 = decision.assignments.iter().flat_map(|a| &a.lines).map(|units| units.quantity).sum();
    assert_eq!((routed, decision.unfilled[0].quantity), (1, 2), "four of the five on hand are reserved");
    let order = world.order(&[("phone", 3)], None).expect("taken");
    assert_eq!(
        (order.totals().allocated, order.totals().backordered),
        (1, 2),
        "the others have no record of it at all"
    );
}
