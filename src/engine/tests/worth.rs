//! What units are where they lie, and what nodes have to do: each weighed in money, told by its term, and the plan the best of
//! all divisions of the units by figures that are worked out here once more.

use std::sync::Arc;

use super::capacity::{limited, used};
use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::money::{Currency, Money};
use crate::domain::node::{Handling, NodeKind};
use crate::domain::policy::{Demand, UnitCosts};
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};

const NODES: [&str; 3] = ["east", "west", "north"];
const SKUS: [&str; 2] = ["a", "b"];

fn on(world: &World, objective: Vec<Term>, unfilled: Unfilled) {
    let terms = RuleTerms { objective, unfilled, ..RuleTerms::default() };
    let put = world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) }));
    let Ok(Reply::Rules(version)) = put else { panic!("{put:?}") };
    let activated = ActivateRules { name: text("rules"), version: version.version, at: None };
    world.run(Command::ActivateRules(activated)).expect("it can be carried");
}

fn quote(world: &World, lines: &[(&str, u32)]) -> Decision {
    let order = PlaceOrder { rule_set: Some(text("rules")), ..World::order_of("a", lines, None) };
    world.engine.quote(world.log.now(), &order).expect("quoted")
}

fn place(world: &World, id: &str, lines: &[(&str, u32)]) {
    let order = PlaceOrder { id: Some(text(id)), rule_set: Some(text("rules")), ..World::order_of(id, lines, None) };
    world.run(Command::PlaceOrder(Box::new(order))).expect("taken");
}

fn nodes(world: &World, decision: &Decision) -> Vec<String> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    decision.assignments.iter().map(|assignment| id(assignment.node)).collect()
}

fn amounts(decision: &Decision) -> Vec<(&'static str, i64)> {
    let weighed = decision.evidence.weighed().expect("the kernel in full decided");
    weighed.amounts.iter().map(|(term, amount)| (term.word(), *amount)).collect()
}

fn costs(world: &World, sku: &str, node: Option<&str>, unit_cost: Option<i64>, markdown: Option<i64>) {
    let costs = UnitCosts { unit_cost, markdown };
    let put = PutPolicy::Costs { sku: text(sku), node: node.map(text), costs };
    world.run(Command::PutPolicy(put)).expect("put");
}

fn priority(world: &World, node: &str, amount: i64) {
    world.run(Command::PutPolicy(PutPolicy::Priority { node: text(node), amount: Some(amount) })).expect("put");
}

fn demand(world: &World, sku: &str, node: &str, units: u32) {
    let demand = Some(Demand { units, days: 7 });
    world.run(Command::PutPolicy(PutPolicy::Demand { sku: text(sku), node: Some(text(node)), demand })).expect("put");
}

fn valued(world: &World, sku: &str, value: i64) {
    let item = PutItem {
        sku: text(sku),
        name: text(sku),
        kind: ItemKind::Product,
        weight_g: 500,
        dimensions: Dimensions::default(),
        value: Some(Money { amount: value, currency: Currency::USD }),
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(item))).expect("a good item");
}

fn kind(world: &World, node: &str, kind: NodeKind) {
    let patch = NodePatch { kind: Some(kind), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("changed");
}

/// Ten of everything everywhere; east is nearest, then north.
fn stocked() -> World {
    let world = World::new();
    for node in NODES {
        for sku in ["phone", "case"] {
            world.stock(sku, node, 10).expect("received");
        }
    }
    world
}

/// By distance alone, a minor unit for a kilometre.
fn by_way() -> Term {
    Term::Distance { micro_per_km: 1_000_000 }
}

#[test]
fn a_dearer_source_that_is_nearer_wins_on_the_landed_cost_and_loses_by_a_minor_unit() {
    let world = stocked();
    on(&world, vec![by_way(), Term::UnitCost], Unfilled::LastResort);
    let plain = quote(&world, &[("phone", 2)]);
    assert_eq!((nodes(&world, &plain).concat(), amounts(&plain)[1]), ("east".to_owned(), ("unit_cost", 0)));
    costs(&world, "phone", None, Some(5_000), None);
    let even = quote(&world, &[("phone", 2)]);
    assert_eq!(even.cost.amount, plain.cost.amount + 10_000, "the same everywhere");
    costs(&world, "phone", Some("north"), Some(4_000), None);
    let cheaper = quote(&world, &[("phone", 2)]);
    assert_eq!(nodes(&world, &cheaper), ["north"]);
    assert_eq!(amounts(&cheaper)[1], ("unit_cost", 8_000));
    let farther = amounts(&cheaper)[0].1 - amounts(&even)[0].1;
    assert!(farther > 0, "north is farther");
    // Two units have to make up for the way.
    costs(&world, "phone", Some("north"), Some(5_000 - farther / 2 - 1), None);
    assert_eq!(nodes(&world, &quote(&world, &[("phone", 2)])), ["north"]);
    costs(&world, "phone", Some("north"), Some(5_000 - farther / 2 + 1), None);
    assert_eq!(nodes(&world, &quote(&world, &[("phone", 2)])), ["east"]);
}

#[test]
fn a_kit_costs_what_its_components_do() {
    let world = stocked();
    costs(&world, "phone", None, Some(300), None);
    costs(&world, "case", None, Some(20), None);
    on(&world, vec![Term::UnitCost], Unfilled::LastResort);
    // A phone and two cases.
    assert_eq!(amounts(&quote(&world, &[("bundle", 3)])), [("unit_cost", 3 * 340)]);
    let refused = world.run(Command::PutPolicy(PutPolicy::Costs {
        sku: text("bundle"),
        node: None,
        costs: UnitCosts { unit_cost: Some(1), markdown: None },
    }));
    assert!(refused.is_err(), "a kit has none of its own");
}

#[test]
fn a_node_of_less_priority_ships_when_the_others_cost_more() {
    let world = stocked();
    on(&world, vec![by_way(), Term::Priority], Unfilled::LastResort);
    assert_eq!(nodes(&world, &quote(&world, &[("phone", 1)])), ["east"]);
    priority(&world, "east", 100_000);
    let decision = quote(&world, &[("phone", 1)]);
    assert_eq!((nodes(&world, &decision).concat(), amounts(&decision)[1]), ("north".to_owned(), ("priority", 0)));
    let all = quote(&world, &[("phone", 30)]);
    assert_eq!(amounts(&all)[1], ("priority", 100_000), "one shipment of it");
    let world = world.restart();
    assert_eq!(nodes(&world, &quote(&world, &[("phone", 1)])), ["north"]);
}

#[test]
fn what_should_go_goes_first_and_may_be_worth_more_than_its_way() {
    let world = stocked();
    on(&world, vec![by_way(), Term::Markdown], Unfilled::LastResort);
    costs(&world, "phone", Some("west"), None, Some(50_000));
    let decision = quote(&world, &[("phone", 2)]);
    assert_eq!(nodes(&world, &decision), ["west"]);
    assert_eq!(amounts(&decision)[1], ("markdown", -100_000));
    assert!(decision.cost.amount < 0 && decision.optimal && decision.lower_bound == decision.cost.amount);
}

#[test]
fn the_last_units_of_a_node_are_kept_for_who_asks_there() {
    let world = World::new();
    valued(&world, "phone", 40_000);
    world.stock("phone", "east", 2).expect("received");
    world.stock("phone", "north", 400).expect("received");
    on(&world, vec![by_way(), Term::Scarcity], Unfilled::LastResort);
    let unknown = quote(&world, &[("phone", 1)]);
    assert_eq!((nodes(&world, &unknown).concat(), amounts(&unknown)[1].1), ("east".to_owned(), 0), "nobody said");
    for node in ["east", "north"] {
        demand(&world, "phone", node, 1);
    }
    // Half of 40,000 as often as two or more are asked for when it is one on average: 26.4241 %.
    let decision = quote(&world, &[("phone", 3)]);
    assert_eq!(nodes(&world, &decision), ["north"]);
    // With more units east would be less scarce, so nobody can say how many more it takes.
    let losing = world.engine.catalogue(|c| decision.losing(c));
    assert!(decision.losers(&losing).iter().all(|loser| loser.change.pieces_more.is_empty()));
    on(&world, vec![Term::Scarcity], Unfilled::LastResort);
    let dear = quote(&world, &[("phone", 402)]);
    assert_eq!(amounts(&dear)[0], ("scarcity", 2 * 5_285), "of north nobody misses one");
    costs(&world, "phone", Some("east"), Some(39_000), None);
    assert_eq!(amounts(&quote(&world, &[("phone", 402)]))[0], ("scarcity", 2 * 264), "of a margin of 1,000");
}

#[test]
fn a_shop_with_one_left_is_asked_when_nobody_else_is_near() {
    let world = World::new();
    kind(&world, "east", NodeKind::Store);
    world.stock("phone", "east", 1).expect("received");
    world.stock("phone", "north", 2).expect("received");
    on(&world, vec![Term::ShortPick { amount: 1_000 }], Unfilled::LastResort);
    let decision = quote(&world, &[("phone", 1)]);
    assert_eq!((nodes(&world, &decision).concat(), amounts(&decision)[0]), ("north".to_owned(), ("short_pick", 20)));
    let all = quote(&world, &[("phone", 3)]);
    assert_eq!(amounts(&all)[0], ("short_pick", 180 + 2 * 20));
}

#[test]
fn work_goes_to_who_has_less_of_it() {
    let world = stocked();
    for node in ["east", "north"] {
        limited(&world, node, 4);
    }
    on(&world, vec![by_way(), Term::Balance { amount: 10_000 }], Unfilled::LastResort);
    let mut told = Vec::new();
    for n in 0..4 {
        let decision = quote(&world, &[("phone", 1)]);
        told.push((nodes(&world, &decision).concat(), amounts(&decision)[1].1));
        place(&world, &format!("o{n}"), &[("phone", 1)]);
    }
    let in_turn: Vec<(String, i64)> =
        [("east", 0), ("north", 0), ("east", 2_500), ("north", 2_500)].map(|(node, n)| (node.to_owned(), n)).to_vec();
    assert_eq!(told, in_turn, "a quarter of the amount for each of four");
    assert_eq!((used(&world, "east"), used(&world, "north")), (2, 2));
    // West says nothing of what it can handle, and is far.
    let world = world.restart();
    assert_eq!(used(&world, "east"), 2, "it is in the journal");
    // Without an amount it is the handling.
    let patch = NodePatch { handling: Some(Some(Handling { per_shipment: 300, per_unit: 0 })), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("changed");
    on(&world, vec![by_way(), Term::LoadBalance], Unfilled::LastResort);
    let decision = quote(&world, &[("phone", 1)]);
    assert_eq!((nodes(&world, &decision).concat(), amounts(&decision)[1]), ("east".to_owned(), ("load_balance", 150)));
}

/// A generator that starts where it is told.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ z >> 27) % most
    }
}

/// What a unit of a sku is at a node.
#[derive(Clone, Copy, Default)]
struct Unit {
    has: u32,
    unit_cost: i64,
    markdown: i64,
    asked_for: u32,
}

/// The chance that at least so many are asked for, by the terms of the sum.
fn missed(mean: u32, least: u32) -> f64 {
    let mean = f64::from(mean);
    let below: f64 = (0..least).map(|k| (1..=k).map(|n| mean / f64::from(n)).product::<f64>() * libm::exp(-mean)).sum();
    1.0 - below
}

/// Ways to divide units over three nodes and nobody, in turn.
fn ways(units: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..4_usize.pow(units as u32)).map(move |way| (0..units).map(|at| way / 4_usize.pow(at as u32) % 4).collect())
}

#[test]
fn no_division_of_the_units_is_cheaper_by_figures_worked_out_again() {
    const SEED: u64 = 20_261_123;
    let dice = &mut Dice(SEED);
    let (mut splits, mut below_zero) = (0, 0);
    for round in 0..60 {
        let world = World::new();
        let values = SKUS.map(|_| 2 * dice.below(3_000) as i64);
        let mut all = [[Unit::default(); 2]; 3];
        let mut surcharges = [0; 3];
        for (sku, name) in SKUS.iter().enumerate() {
            valued(&world, name, values[sku]);
        }
        let stores = [dice.below(2) == 0, dice.below(2) == 0, dice.below(2) == 0];
        for (node, id) in NODES.iter().enumerate() {
            if stores[node] {
                kind(&world, id, NodeKind::Store);
            }
            surcharges[node] = dice.below(700) as i64;
            priority(&world, id, surcharges[node]);
            for (sku, name) in SKUS.iter().enumerate() {
                let unit = Unit {
                    has: dice.below(4) as u32,
                    unit_cost: dice.below(2_000) as i64,
                    markdown: if dice.below(3) == 0 { dice.below(3_000) as i64 } else { 0 },
                    asked_for: dice.below(5) as u32,
                };
                if unit.has > 0 {
                    world.stock(name, id, unit.has as i32).expect("received");
                }
                costs(&world, name, Some(id), Some(unit.unit_cost), Some(unit.markdown));
                demand(&world, name, id, unit.asked_for);
                all[node][sku] = unit;
            }
        }
        let (per_shipment, split, short) = (dice.below(800) as i64, dice.below(400) as i64, dice.below(5_000) as i64);
        let per_line = dice.below(2_500) as i64;
        let objective = vec![
            Term::PerShipment { amount: per_shipment },
            Term::Split { amount: split },
            Term::UnitCost,
            Term::Priority,
            Term::Scarcity,
            Term::Markdown,
            Term::ShortPick { amount: short },
        ];
        on(&world, objective, Unfilled::Charged { per_line, value_share_micro: 500_000 });
        let wanted = SKUS.map(|_| 1 + dice.below(3) as u32);
        let lines: Vec<(&str, u32)> = SKUS.iter().zip(&wanted).map(|(sku, n)| (*sku, *n)).collect();
        let decision = quote(&world, &lines);

        let each = |node: usize, sku: usize| {
            let unit = all[node][sku];
            let margin = (values[sku] - unit.unit_cost).max(0);
            let micro = (missed(unit.asked_for, unit.has) * 1e6 + 0.5) as i64;
            let scarce = (margin * micro + 500_000) / 1_000_000;
            let rate = if stores[node] { 8 } else { 2 } + if unit.has <= 1 { 10 } else { 0 };
            unit.unit_cost + scarce - unit.markdown + (short * rate + 50) / 100
        };
        let units: Vec<usize> = (0..2).flat_map(|sku| vec![sku; wanted[sku] as usize]).collect();
        let mut least = i64::MAX;
        for way in ways(units.len()) {
            let at = |node: usize, sku: usize| {
                units.iter().zip(&way).filter(|(unit, to)| (**unit, **to) == (sku, node)).count() as u32
            };
            if (0..3).any(|node| (0..2).any(|sku| at(node, sku) > all[node][sku].has)) {
                continue;
            }
            let ships = |node: &usize| (0..2).any(|sku| at(*node, sku) > 0);
            let parcels = (0..3).filter(ships).count() as i64;
            let mut cost = per_shipment * parcels + split * (parcels - 1).max(0);
            for node in (0..3).filter(ships) {
                cost += surcharges[node];
                cost += (0..2).map(|sku| each(node, sku) * i64::from(at(node, sku))).sum::<i64>();
            }
            for (sku, value) in values.iter().enumerate() {
                let left = i64::from(at(3, sku));
                cost += if left > 0 { per_line + left * (value / 2) } else { 0 };
            }
            least = least.min(cost);
        }
        let total: i64 = amounts(&decision).iter().map(|(_, amount)| amount).sum();
        assert_eq!(
            (decision.cost.amount, decision.lower_bound, decision.optimal, total),
            (least, least, true, least),
            "seed {SEED}, round {round}"
        );
        splits += usize::from(decision.assignments.len() > 1);
        below_zero += usize::from(least < 0);
    }
    assert!(splits > 5 && below_zero > 2, "{splits} orders were split, {below_zero} cost less than nothing");
}

#[test]
fn a_journal_made_again_by_the_same_rules_decides_the_same() {
    let world = stocked();
    limited(&world, "east", 3);
    priority(&world, "north", 70);
    costs(&world, "phone", None, Some(900), Some(20));
    demand(&world, "phone", "east", 4);
    let objective = vec![
        by_way(),
        Term::UnitCost,
        Term::Priority,
        Term::Scarcity,
        Term::Markdown,
        Term::ShortPick { amount: 600 },
        Term::Balance { amount: 4_000 },
    ];
    on(&world, objective, Unfilled::LastResort);
    for n in 0..6 {
        place(&world, &format!("o{n}"), &[("phone", 1 + n % 2)]);
    }
    let comparison = super::whatif::compared(&world, &crate::engine::whatif::Suppose::default());
    assert_eq!((comparison.orders, comparison.decided, comparison.same), (6, 6, 6));
    assert_eq!(comparison.before, comparison.after);
}

#[test]
fn of_a_long_order_units_are_weighed_where_they_are_and_of_a_short_one_everywhere() {
    use crate::domain::sourcing::costed::LINES_EXPLAINED_MAX;
    let mut world = World::new();
    let skus: Vec<String> = (0..=LINES_EXPLAINED_MAX).map(|n| format!("s{n}")).collect();
    for (n, sku) in skus.iter().enumerate() {
        world.item(sku, ItemKind::Product, &[]);
        world.stock(sku, "east", 2).expect("received");
        costs(&world, sku, None, Some(100), Some(7));
        costs(&world, sku, Some("north"), Some(90 + n as i64), None);
    }
    world.stock(&skus[1], "north", 2).expect("received");
    let figures = |count: usize, objective: &[Term], fences: &[Fence]| -> Vec<i64> {
        let (objective, fences) = (objective.to_vec(), fences.to_vec());
        let terms = RuleTerms { objective, fences, unfilled: Unfilled::LastResort, ..RuleTerms::default() };
        let put = world.run(Command::PutRules(PutRules { name: text("rules"), terms: Arc::new(terms) }));
        let Ok(Reply::Rules(version)) = put else { panic!("{put:?}") };
        let activated = ActivateRules { name: text("rules"), version: version.version, at: None };
        world.run(Command::ActivateRules(activated)).expect("it can be carried");
        let lines: Vec<(&str, u32)> = skus[..count].iter().map(|sku| (&**sku, 1)).collect();
        let decision = quote(&world, &lines);
        let north = world.engine.catalogue(|catalogue| catalogue.node_index("north")).expect("there");
        let at = decision.evidence.sight.find(north).expect("it has a unit");
        let weighed = decision.evidence.weighed().expect("the kernel in full decided");
        weighed.told.unit_costs(at).collect()
    };
    let all = |count: i64| -> Vec<i64> { (0..count).map(|n| 90 + n - 7).collect() };
    let objective = [by_way(), Term::UnitCost, Term::Markdown];
    let (short, long) = (LINES_EXPLAINED_MAX, LINES_EXPLAINED_MAX + 1);
    assert_eq!(figures(short, &objective, &[]), all(short as i64), "whoever asks is told what more stock would do");
    let there: Vec<i64> = (0..long as i64).map(|n| if n == 1 { 90 + n - 7 } else { 0 }).collect();
    assert_eq!(figures(long, &objective, &[]), there);
    let most = Fence::LandedCost { amount: 1_000_000 };
    assert_eq!(figures(long, &objective, &[most]), all(long as i64), "a node is judged by what all of it costs there");
}
