//! The score that others source by: previews, shadows and replays compare with it, faults included, and no order is sourced
//! by it.

use std::sync::Arc;

use super::previews::{judge, place, some_order, some_world};
use super::random::Dice;
use super::whatif::compared;
use super::world::*;
use crate::domain::carrier::rates::Prices;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::rules::presets::WEIGHTED_SCORE;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled, VersionState};
use crate::engine::whatif::{Suppose, SupposedRules};

fn scored() -> RuleTerms {
    RuleTerms { objective: vec![Term::Score], ..RuleTerms::default() }
}

fn put(world: &World, name: &str, terms: RuleTerms) -> Result<Reply, Rejection> {
    world.run(Command::PutRules(PutRules { name: text(name), terms: Arc::new(terms) }))
}

fn told<T: std::fmt::Debug>(refused: Result<T, Rejection>) -> Vec<(String, &'static str)> {
    match refused {
        Err(Rejection::Invalid(faults)) => faults.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        other => panic!("{other:?}"),
    }
}

fn one(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

/// A service that comes to one node only and asks the same for any parcel.
fn service(node: &str, price: i64, days: u16) -> Service {
    let mut service = Service {
        name: text(&format!("{node}-{days}")),
        transit_days: vec![days; 7],
        pickups: Some(vec![Pickup { node: text(node), cutoff_min: None, days: None }]),
        ..ground()
    };
    service.rates.prices = Prices::Steps { base: vec![price; 7], step: vec![0; 7] };
    service
}

/// East is empty, west has a phone, north has two; nobody has a case. Some two phones and a case are ordered.
fn three_nodes(services: Vec<Service>) -> World {
    let world = World::new();
    world.stock("phone", "west", 1).expect("received");
    world.stock("phone", "north", 2).expect("received");
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
    place(&world, World::order_of("a", &[("phone", 2), ("case", 1)], None));
    world
}

/// What the score decides of the only order, by preview: node and units, and the cost of it all; nothing where that is what was
/// decided.
fn previewed(world: &World) -> Option<(Vec<(String, u32)>, i64)> {
    let preview = world.engine.preview(WEIGHTED_SCORE, 1, 10, &|| true).expect("a preview");
    assert_eq!((preview.looked_at, preview.compared, preview.of_others, preview.unknown), (1, 1, 0, 0));
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    let change = preview.changes.first()?;
    assert_eq!((change.unfilled_before, change.unfilled_after), (1, 1), "what nobody has waits");
    let after = change.after.iter().map(|own| (id(own.node), own.lines.iter().map(|(.., units)| units).sum()));
    Some((after.collect(), preview.cost_after))
}

#[test]
fn no_order_is_sourced_by_the_score() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("received");
    let by = |name: &str| PlaceOrder { rule_set: Some(text(name)), ..World::order_of("a", &[("phone", 1)], None) };
    let refused = one("rule_set", "comparison_only");
    assert_eq!(told(world.engine.quote(world.log.now(), &by(WEIGHTED_SCORE))), refused);
    assert_eq!(told(world.run(Command::PlaceOrder(Box::new(by(WEIGHTED_SCORE))))), refused);
    let activate =
        |name: &str| world.run(Command::ActivateRules(ActivateRules { name: text(name), version: 1, at: None }));
    assert_eq!(told(activate(WEIGHTED_SCORE)), refused);
    assert_eq!(told(put(&world, WEIGHTED_SCORE, scored())), one("rule_set", "reserved_name"));
    put(&world, "mine", scored()).expect("a draft may say so");
    assert_eq!(told(activate("mine")), one("version", "comparison_only"));
    assert_eq!(told(world.engine.quote(world.log.now(), &by("mine"))), one("rule_set", "unknown_rule_set"));
    let shown = |name: &str| world.engine.catalogue(|c| c.rules().current(name)).map(|own| (own.state, own.preset));
    assert_eq!(shown("mine"), Some((VersionState::Draft, false)));
    assert_eq!(shown(WEIGHTED_SCORE), Some((VersionState::Draft, true)));
    let listed = world.engine.catalogue(|c| c.rules().all());
    assert!(listed.iter().any(|own| &*own.name == WEIGHTED_SCORE));
    world.check();
}

#[test]
fn the_score_stands_for_all_costs_and_all_bounds_but_those_of_nodes() {
    let world = World::new();
    let terms = RuleTerms {
        objective: vec![Term::Split { amount: 1 }, Term::Score],
        fences: vec![Fence::Capacity, Fence::ShipComplete, Fence::Within { metres: 9 }],
        unfilled: Unfilled::Charged { per_line: 1, value_share_micro: 0 },
        ..RuleTerms::default()
    };
    let alone = |field: &str| (field.to_owned(), "score_alone");
    assert_eq!(told(put(&world, "mine", terms)), ["objective[0].term", "fences[1].fence", "unfilled"].map(alone));
    let fences = vec![Fence::NotNodes(vec![text("west")])];
    put(&world, "mine", RuleTerms { fences, ..scored() }).expect("nodes may be left out");
}

#[test]
fn a_node_without_stock_wins_by_the_score_and_what_follows_is_split() {
    let (west, north) = (service("west", 700, 2), service("north", 500, 2));
    // 0.3 × (1 − 500 ÷ 5,000) = 0.27 of the empty east outweighs 0.4 × ½ of the north.
    let ratio = three_nodes(vec![service("east", 500, 5), service("east", 5_000, 1), west.clone(), north.clone()]);
    let split = (vec![("west".to_owned(), 1), ("north".to_owned(), 1)], 700 + 500);
    assert_eq!(previewed(&ratio), Some(split));
    // One service alone says nothing: the north, which has a line in full, ships it as it was decided.
    let alone = three_nodes(vec![service("east", 500, 5), west, north]);
    assert_eq!(previewed(&alone), None);
    let suppose = |name: &str| {
        let rules = SupposedRules::Known { name: text(name), version: None };
        Suppose { rules: Some(rules), ..Suppose::default() }
    };
    let comparison = compared(&ratio, &suppose(WEIGHTED_SCORE));
    assert_eq!((comparison.decided, comparison.same, comparison.after.splits), (1, 0, 1));
    let after = vec![("west".to_owned(), 1), ("north".to_owned(), 1)];
    assert_eq!(comparison.differences[0].after, after, "a replay decides the same");
    assert_eq!((comparison.after.cost, comparison.after.weighed), (1_200, 1_200));
    let comparison = compared(&alone, &suppose(WEIGHTED_SCORE));
    assert_eq!((comparison.decided, comparison.after.splits, comparison.after.unfilled), (1, 0, 1));
}

#[test]
fn the_dearest_wins_by_its_ratio() {
    // 5 against 6 scores 0.05, 40 against 100 scores 0.18: eight times dearer wins.
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 5).expect("received");
    }
    let services = [("east", 500, 2), ("east", 600, 1), ("west", 4_000, 2), ("west", 10_000, 1)];
    let services = services.map(|(node, price, days)| service(node, price, days)).to_vec();
    let carrier = Carrier { id: text("post"), name: text("Post"), active: true, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier)))).expect("a carrier");
    place(&world, World::order_of("a", &[("phone", 1)], None));
    let preview = world.engine.preview(WEIGHTED_SCORE, 1, 10, &|| true).expect("a preview");
    assert_eq!((preview.changes.len(), preview.cost_after), (1, 4_000));
}

#[test]
fn the_score_runs_beside_the_live_rules_as_a_preview_tells() {
    let mut differing = 0;
    for seed in 900..908 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let world = some_world(&mut dice, 6).again();
        let from = world.log.records.lock().len();
        let shadow =
            |name: &str, version| world.run(Command::PutPolicy(PutPolicy::Shadow { rule_set: text(name), version }));
        put(&world, "default", scored()).expect("a draft");
        let draft = world.engine.catalogue(|c| c.rules().next("default")) - 1;
        shadow(WEIGHTED_SCORE, Some(1)).expect("it can run");
        shadow("default", Some(draft)).expect("a draft of it, too");
        assert!(shadow(WEIGHTED_SCORE, Some(2)).is_err(), "there is no such version");
        for n in 0..6 {
            place(&world, some_order(&mut dice, &format!("o{n}"), 3));
        }
        judge(&world, from);
        let preview = world.engine.preview(WEIGHTED_SCORE, 1, 6, &|| true).expect("a preview");
        for name in [WEIGHTED_SCORE, "default"] {
            let told = world.engine.shadow_of(name).expect("there is one");
            assert_eq!((told.looked_at, told.of_others, told.unknown), (6, 0, 0), "seed {seed}");
            assert_eq!((told.differ, told.same + told.differ), (preview.changes.len() as u64, 6), "seed {seed}");
            let units = |of: &crate::engine::whatif::Figures| of.units + of.unfilled;
            assert_eq!(units(&told.live), units(&told.shadow), "seed {seed}: all that was asked for");
            assert_eq!(told.shadow.weighed, preview.cost_after, "seed {seed}");
        }
        differing += preview.changes.len();
    }
    assert!(differing > 10, "{differing} differ");
}
