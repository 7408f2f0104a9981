//! Groups of an order that go to another country, or reach their customer in another way, go by rules of their own: each as
//! an order of its own would, when it is captured, when it waits, when it is sourced again, and in previews and replays.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::previews::{place, some_order, some_rules, some_world, to_several};
use super::random::Dice;
use super::whatif::compared;
use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::geo::Position;
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Scope, Term};
use crate::engine::whatif::{Suppose, SupposedRules};

/// By what groups go by rules of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// How they are delivered.
    Method,
    /// Where they go.
    Country,
}

impl By {
    /// Each in turn.
    pub(super) fn of(seed: u64) -> Self {
        if seed.is_multiple_of(2) { Self::Method } else { Self::Country }
    }
}

/// How they are delivered then, and where they go.
const BROUGHT: &str = "local_delivery";
const ABROAD: &str = "CA";

pub(super) fn scoped(terms: RuleTerms, by: By) -> RuleTerms {
    let scope = match by {
        By::Method => Scope { delivery_methods: vec![text(BROUGHT)], ..Scope::default() },
        By::Country => Scope { countries: vec![text(ABROAD)], ..Scope::default() },
    };
    RuleTerms { scope, ..terms }
}

pub(super) fn put(world: &World, name: &str, terms: RuleTerms) -> u32 {
    match world.run(Command::PutRules(PutRules { name: text(name), terms: Arc::new(terms) })).expect("a good version") {
        Reply::Rules(version) => version.version,
        other => panic!("{other:?}"),
    }
}

pub(super) fn activate(world: &World, name: &str, version: u32) {
    world
        .run(Command::ActivateRules(ActivateRules { name: text(name), version, at: None }))
        .expect("it can be carried");
}

/// Rules of all orders, and those of what goes by rules of its own.
fn on(world: &World, all: &RuleTerms, (apart, by): (&RuleTerms, By)) {
    activate(world, "default", put(world, "default", all.clone()));
    activate(world, "apart", put(world, "apart", scoped(apart.clone(), by)));
}

/// An order to three destinations, of which two go by rules of their own.
pub(super) fn mixed(dice: &mut Dice, id: &str, by: By) -> PlaceOrder {
    let order = some_order(dice, id, 3);
    let mut order = to_several(dice, order);
    let way = |group| AskedWay { group, method: text(BROUGHT), node: None };
    match by {
        By::Method => order.wishes.ways = vec![way(1), way(2)],
        By::Country => order.destinations[1..].iter_mut().for_each(|to| to.country = text(ABROAD)),
    }
    order
}

/// What of an order goes by rules of its own, or what does not, as an order of its own.
fn part(order: &PlaceOrder, apart: bool, by: By) -> Option<PlaceOrder> {
    let mut part = order.clone();
    part.lines.retain(|line| (line.group > 0) == apart);
    part.wishes.ways.clear();
    part.id = Some(text(&format!("part-{apart}")));
    part.channel_order_id = text(&format!("part-{apart}"));
    match by {
        By::Method if apart => part.delivery_method = text(BROUGHT),
        By::Country if apart => part.destinations[0].country = text(ABROAD),
        _ => {}
    }
    (!part.lines.is_empty()).then_some(part)
}

/// Line, node and units of every shipment, and what is left.
fn shipped(order: &Order) -> BTreeSet<(String, Option<u32>, u32)> {
    let decision = order.decision.as_deref().expect("decided");
    let line = |line: u16| order.lines[usize::from(line)].placed.id.to_string();
    let sent = decision.assignments.iter().flat_map(|own| own.lines.iter().map(|u| (Some(own.node.0), *u)));
    let left = decision.unfilled.iter().map(|u| (None, *u));
    sent.chain(left).map(|(node, u)| (line(u.line), node, u.quantity)).collect()
}

fn ruled(decision: &Decision, group: u16) -> (&str, u32) {
    let (name, version) = decision.ruled(group);
    (name, version)
}

/// A world of much stock, in which no group takes what another wants.
fn plenty(dice: &mut Dice) -> World {
    let world = some_world(dice, 3);
    for sku in ["phone", "case", "cable"] {
        for node in ["east", "west", "north", "south", "middle"] {
            if world.level(sku, node).on_hand > 0 {
                world.stock(sku, node, 100).expect("received");
            }
        }
    }
    world
}

#[test]
fn each_group_is_decided_as_an_order_of_its_own_would_be() {
    let (mut both, mut weighed) = (0, 0);
    for seed in 0..150 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = plenty(&mut dice);
        let (all, apart, by) = (some_rules(&mut dice), some_rules(&mut dice), By::of(seed));
        on(&world, &all, (&apart, by));
        let asked = mixed(&mut dice, "o", by);
        let parts: Vec<Order> = [false, true]
            .into_iter()
            .filter_map(|apart| part(&asked, apart, by))
            .map(|part| place(&world.again(), part))
            .collect();
        let order = place(&world, asked);
        let decision = order.decision.as_deref().expect("decided");
        assert_eq!(
            (ruled(decision, 0), ruled(decision, 1), ruled(decision, 2)),
            (("default", 2), ("apart", 1), ("apart", 1))
        );
        let own: BTreeSet<_> = parts.iter().flat_map(shipped).collect();
        assert_eq!(shipped(&order), own, "seed {seed}");
        let sum = |of: fn(&Decision) -> i64| -> i64 {
            parts.iter().map(|part| of(part.decision.as_deref().expect("decided"))).sum()
        };
        assert_eq!(decision.cost.amount, sum(|decision| decision.cost.amount), "seed {seed}: cost");
        assert_eq!(decision.lower_bound, sum(|decision| decision.lower_bound), "seed {seed}: bound");
        // Every group is explained by its own rules, and stays so after a restart.
        let groups = decision.by_group(|line| order.lines[usize::from(line)].placed.group);
        for (group, own) in &groups {
            assert_eq!((&*own.rule_set, own.rule_set_version), ruled(decision, *group));
            let losing = world.engine.catalogue(|catalogue| own.losing(catalogue));
            assert_eq!(own.losers(&losing).len(), losing.len(), "seed {seed}");
        }
        both += usize::from(parts.len() == 2);
        weighed += usize::from(all.is_plain() != apart.is_plain());
        let world = world.restart();
        let kept = world.engine.order(&order.name()).expect("there");
        assert_eq!(kept.decision, order.decision, "seed {seed}");
        world.check();
    }
    assert!(both > 25 && weighed > 25, "{both} orders of both kinds, {weighed} by both kernels");
}

fn quote(world: &World, order: &PlaceOrder) -> Decision {
    world.engine.quote(world.log.now(), order).expect("quoted")
}

/// The same order with its destinations told in another sequence.
fn turned(order: &PlaceOrder, by: usize) -> PlaceOrder {
    let (mut turned, count) = (order.clone(), order.destinations.len());
    turned.destinations.rotate_left(by);
    let moved = |group: u16| ((usize::from(group) + count - by) % count) as u16;
    turned.lines.iter_mut().for_each(|line| line.group = moved(line.group));
    turned
}

#[test]
fn destinations_that_meet_at_a_cell_are_proven_only_where_each_gets_what_it_would_alone() {
    let world = World::new();
    let mut order = World::order_of("a", &[("phone", 1), ("phone", 1)], None);
    // Between both coasts, the east a little nearer; and the east coast itself.
    order.destinations[0].position = Position::from_degrees(38.5, -95.5);
    let east =
        ShipTo { group: text("g1"), position: Position::from_degrees(40.0, -75.0), ..order.destinations[0].clone() };
    order.destinations.push(east);
    order.lines[1].group = 1;
    for node in ["east", "west"] {
        world.stock("phone", node, 1).expect("received");
    }
    let (met, other_way) = (quote(&world, &order), quote(&world, &turned(&order, 1)));
    assert!(met.cost.amount > other_way.cost.amount, "{} {}", met.cost.amount, other_way.cost.amount);
    assert!(!met.optimal && met.lower_bound <= other_way.cost.amount, "{met:?}");
    for node in ["east", "west"] {
        world.stock("phone", node, 1).expect("received");
    }
    let plenty = quote(&world, &order);
    assert!(plenty.optimal && plenty.lower_bound == plenty.cost.amount, "nobody takes what another wants");
    assert_eq!(plenty.lower_bound, met.lower_bound, "what each costs alone");
}

#[test]
fn no_sequence_of_destinations_is_cheaper_than_the_bound_of_another() {
    let (mut dearer, mut proven) = (0, 0);
    for seed in 0..200 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 2);
        let (all, apart) = (some_rules(&mut dice), some_rules(&mut dice));
        on(&world, &all, (&apart, By::Country));
        let order = some_order(&mut dice, "o", 3);
        let mut order = to_several(&mut dice, order);
        // Each sku goes to two of them.
        for (number, line) in order.lines.clone().into_iter().enumerate() {
            let group = (line.group + 1) % 3;
            order.lines.push(PlaceLine { id: text(&format!("again-{number}")), group, ..line });
        }
        if seed % 2 == 0 {
            order.destinations[1].country = text(ABROAD);
        }
        let told: Vec<Decision> = (0..3).map(|by| quote(&world, &turned(&order, by))).collect();
        for own in &told {
            assert!(own.lower_bound <= own.cost.amount && (!own.optimal || own.lower_bound == own.cost.amount));
            let full = told.iter().filter(|other| other.unfilled.is_empty() && own.unfilled.is_empty());
            for other in full {
                assert!(own.lower_bound <= other.cost.amount, "{} of {}", own.lower_bound, other.cost.amount);
                assert!(!own.optimal || own.cost.amount <= other.cost.amount, "a cheaper plan than a proven one");
                dearer += usize::from(own.cost.amount > other.cost.amount);
            }
            proven += usize::from(own.optimal);
        }
    }
    assert!(dearer > 10 && proven > 50, "{dearer} {proven}");
}

#[test]
fn a_preview_tells_what_becomes_of_the_groups_that_a_version_concerns() {
    let mut changed = 0;
    for seed in 500..650 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 6);
        let by = By::of(seed);
        let (all, apart, next) = (some_rules(&mut dice), some_rules(&mut dice), some_rules(&mut dice));
        let plain = |terms: RuleTerms| RuleTerms { fences: Vec::new(), ..terms };
        on(&world, &plain(all), (&plain(apart), by));
        let name = if dice.roll(2) == 0 { "default" } else { "apart" };
        let draft = put(&world, name, if name == "default" { next } else { scoped(next, by) });
        let asked = mixed(&mut dice, "o", by);
        let actual = world.again();
        activate(&actual, name, draft);
        let (before, after) = (place(&world, asked.clone()), place(&actual, asked));
        let preview = world.engine.preview(name, draft, 1, &|| true).expect("a preview");
        assert_eq!((preview.compared, preview.unknown, preview.of_others), (1, 0, 0), "seed {seed}");
        let cost = |order: &Order| order.decision.as_deref().expect("decided").cost.amount;
        assert_eq!((preview.cost_before, preview.cost_after), (cost(&before), cost(&after)), "seed {seed}: {name}");
        assert_eq!(preview.changes.is_empty(), shipped(&before) == shipped(&after), "seed {seed}: {name}");
        changed += preview.changes.len();
    }
    assert!(changed > 30, "{changed} changed");
}

#[test]
fn a_replay_decides_every_group_by_its_own_rules() {
    let mut differing = 0;
    for seed in 900..930 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 30);
        let actual = world.again();
        let unfenced = |terms: RuleTerms| RuleTerms { fences: Vec::new(), unfilled: Default::default(), ..terms };
        let all = unfenced(some_rules(&mut dice));
        let (then, supposed) = (unfenced(some_rules(&mut dice)), unfenced(some_rules(&mut dice)));
        let by = By::of(seed);
        on(&world, &all, (&then, by));
        on(&actual, &all, (&supposed, by));
        for n in 0..6 {
            let order = mixed(&mut dice, &format!("o{n}"), by);
            place(&world, order.clone());
            place(&actual, order);
        }
        let nothing = compared(&world, &Suppose::default());
        assert_eq!((&nothing.differences, nothing.after), (&vec![], nothing.before), "seed {seed}");
        let rules = SupposedRules::Terms { name: text("apart"), terms: Arc::new(scoped(supposed, by)) };
        let comparison = compared(&world, &Suppose { rules: Some(rules), ..Suppose::default() });
        let own = compared(&actual, &Suppose::default());
        let same = |figures: crate::engine::whatif::Figures| {
            (figures.shipments, figures.units, figures.unfilled, figures.metres)
        };
        assert_eq!(same(comparison.after), same(own.before), "seed {seed}");
        differing += comparison.differences.len();
    }
    assert!(differing > 20, "{differing} plans differ");
}

/// An order of a phone that goes as others do, and one that goes by rules of its own.
fn two(id: &str, by: By) -> PlaceOrder {
    let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, &[("phone", 1), ("phone", 1)], None) };
    order.destinations.push(ShipTo { group: text("home"), ..order.destinations[0].clone() });
    order.lines[1].group = 1;
    match by {
        By::Method => order.wishes.ways = vec![AskedWay { group: 1, method: text(BROUGHT), node: None }],
        By::Country => order.destinations[1].country = text(ABROAD),
    }
    order
}

/// Rules by which the west has nothing for what goes by rules of its own.
fn not_from_the_west(world: &World, by: By) {
    let objective = vec![Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 }];
    let all = RuleTerms { objective, ..RuleTerms::default() };
    let apart = RuleTerms { fences: vec![Fence::NotNodes(vec![text("west")])], ..all.clone() };
    on(world, &all, (&apart, by));
}

/// The node of each line, where it has one.
fn at(world: &World, order: &Order) -> Vec<Option<String>> {
    let order = world.engine.order(&order.name()).expect("there");
    let live = |line: u16| {
        let own = order.fulfillment_orders.iter().find(|own| own.status.is_live() && own.units_of(line) > 0)?;
        Some(world.engine.catalogue(|catalogue| catalogue.node(own.node).id.to_string()))
    };
    (0..order.lines.len() as u16).map(live).collect()
}

fn node(id: &str) -> Option<String> {
    Some(id.to_owned())
}

#[test]
fn what_waits_of_a_group_takes_what_its_own_rules_let_it_have() {
    [By::Method, By::Country].into_iter().for_each(waits);
}

fn waits(by: By) {
    let world = World::new();
    not_from_the_west(&world, by);
    let order = place(&world, two("a", by));
    assert_eq!(at(&world, &order), [None, None]);
    let world = world.restart();
    world.stock("phone", "west", 5).expect("received");
    assert_eq!(at(&world, &order), [node("west"), None], "the west has none for the second");
    assert_eq!(world.level("phone", "west").available, 4, "nothing there waits for who may not have it");
    let world = world.restart();
    world.stock("phone", "north", 1).expect("received");
    assert_eq!(at(&world, &order), [node("west"), node("north")]);
    world.check();
}

#[test]
fn a_group_that_is_refused_goes_where_its_own_rules_let_it() {
    [By::Method, By::Country].into_iter().for_each(is_refused);
}

fn is_refused(by: By) {
    let world = World::new();
    not_from_the_west(&world, by);
    for (id, units) in [("north", 2), ("west", 5)] {
        world.stock("phone", id, units).expect("received");
    }
    let order = place(&world, two("a", by));
    assert_eq!(at(&world, &order), [node("north"), node("north")], "the nearer does both");
    let second = order.fulfillment_orders.iter().find(|own| own.group == 1).expect("the north has it");
    world.fulfill(&order, second.number, FulfillmentAction::Reject { reason: text("no car") }).expect("it may");
    assert_eq!(at(&world, &order), [node("north"), None], "there is more in the west, which has none for the second");
    let world = world.restart();
    world.stock("phone", "east", 1).expect("received");
    assert_eq!(at(&world, &order), [node("north"), node("east")]);
    world.check();
}
