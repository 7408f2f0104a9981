//! Size that counts as weight: what a plan pays for a parcel is what carriers bill for it, by grams and volume summed over its
//! units, and its most weight counts grams alone.

use super::weighing::{Dice, amounts, billed, carrier, nodes, on, order_by, quote, service, ways, weighed};
use super::world::*;
use crate::domain::carrier::Service;
use crate::domain::carrier::parcels::Units;
use crate::domain::carrier::rates::{Dimensional, Parcel, Surcharge, WeightUnit};
use crate::domain::command::*;
use crate::domain::decision::{Decision, FenceReason, Why};
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::rules::{Fence, RuleTerms, Term};

type Size = (u32, [u32; 3]);

fn sized(world: &World, sku: &str, (weight_g, [length, width, height]): Size) {
    let item = PutItem {
        sku: text(sku),
        name: text(sku),
        kind: ItemKind::Product,
        weight_g,
        dimensions: Dimensions { length, width, height },
        value: None,
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(item))).expect("a good item");
}

fn units((weight_g, size): Size, quantity: u32) -> Units {
    Units { unit: Parcel::of(weight_g, size), quantity }
}

fn divided(node: &str, unit: WeightUnit, divisor: u32, above_cm3: Option<u32>) -> Service {
    let mut service = service(node, (500, 100), 2);
    service.rates.unit = unit;
    Service { dimensional: Some(Dimensional { divisor, above_cm3 }), ..service }
}

fn shipping(decision: &Decision) -> i64 {
    amounts(decision).iter().find(|(term, _)| *term == "shipping").expect("weighed").1
}

/// A world with items of sizes, ten each in east, and one carrier.
fn world_of(items: &[(&str, Size)], services: Vec<Service>) -> World {
    let world = World::new();
    for (sku, size) in items {
        sized(&world, sku, *size);
        world.stock(sku, "east", 10).expect("received");
    }
    carrier(&world, services);
    on(&world, weighed(vec![Term::Shipping]));
    world
}

#[test]
fn a_bulky_unit_is_carried_up_to_its_grams_and_paid_by_its_size() {
    let tent = (2_000, [600, 600, 600]);
    let world = world_of(&[("tent", tent)], vec![divided("east", WeightUnit::Kilogram, 5_000, None)]);
    let decision = quote(&world, &order_by("a", &[("tent", 1)]));
    assert_eq!(nodes(&world, &decision), ["east"], "two kilograms of thirty that it carries");
    let bill = billed(&world, "east", vec![units(tent, 1)]).expect("it is carried");
    assert_eq!((shipping(&decision), bill, decision.optimal), (bill, 500 + 44 * 100, true));
    // Sixteen of them are 32 kg, and go in two parcels.
    world.stock("tent", "east", 10).expect("received");
    let decision = quote(&world, &order_by("a", &[("tent", 16)]));
    let bill = billed(&world, "east", vec![units(tent, 16)]).expect("in two parcels");
    assert!(decision.unfilled.is_empty() && decision.optimal && shipping(&decision) <= bill, "{decision:?}");
}

#[test]
fn grams_and_sizes_of_different_units_are_not_added_up() {
    let (iron, down) = ((10_000, [10, 10, 10]), (1_000, [500, 500, 200]));
    let world = world_of(&[("iron", iron), ("down", down)], vec![divided("east", WeightUnit::Kilogram, 5_000, None)]);
    let decision = quote(&world, &order_by("a", &[("iron", 1), ("down", 1)]));
    let bill = billed(&world, "east", vec![units(iron, 1), units(down, 1)]).expect("it is carried");
    assert_eq!((shipping(&decision), bill), (bill, 500 + 11 * 100), "eleven kilograms are more than fifty litres");
    assert!(decision.optimal && decision.lower_bound == bill);
}

#[test]
fn a_bound_of_volume_counts_for_the_parcel_and_not_for_its_units() {
    let box_of = (1_000, [400, 250, 200]);
    let rates = divided("east", WeightUnit::Pound, 166, Some(28_316));
    let world = world_of(&[("box", box_of)], vec![rates]);
    let one = quote(&world, &order_by("a", &[("box", 1)]));
    assert_eq!(Some(shipping(&one)), billed(&world, "east", vec![units(box_of, 1)]), "below the bound by itself");
    let five = quote(&world, &order_by("a", &[("box", 5)]));
    let bill = billed(&world, "east", vec![units(box_of, 5)]).expect("it is carried");
    assert_eq!((shipping(&five), five.optimal, five.lower_bound), (bill, true, bill));
    assert_eq!(bill, 500 + 37 * 100, "100 litres over 166 are 36.8 pounds");
}

#[test]
fn a_surcharge_above_grams_counts_grams() {
    let down = (4_000, [500, 500, 200]);
    let mut rates = divided("east", WeightUnit::Kilogram, 5_000, None);
    let heavy = Surcharge {
        name: text("heavy"),
        amount: 700,
        share: 0,
        above_g: Some(5_000),
        above_mm: None,
        prefixes: None,
        countries: None,
    };
    rates.surcharges = vec![heavy];
    let world = world_of(&[("down", down)], vec![rates]);
    for (quantity, wanted) in [(1, 500 + 1_000), (2, 500 + 2_000 + 700)] {
        let decision = quote(&world, &order_by("a", &[("down", quantity)]));
        let bill = billed(&world, "east", vec![units(down, quantity)]).expect("it is carried");
        assert_eq!((shipping(&decision), bill, decision.optimal), (bill, wanted, true), "{quantity}");
    }
}

#[test]
fn an_order_of_too_many_sizes_is_never_priced_too_low_nor_called_proven() {
    let sizes: Vec<(String, Size)> =
        (0..12).map(|at| (format!("s{at}"), (200 + (37 << at) % 900, [300 + 7 * at, 200, 150 + at]))).collect();
    let items: Vec<(&str, Size)> = sizes.iter().map(|(sku, size)| (&**sku, *size)).collect();
    let world = world_of(&items, vec![divided("east", WeightUnit::Kilogram, 5_000, None)]);
    let lines: Vec<(&str, u32)> = items.iter().map(|(sku, _)| (*sku, 1)).collect();
    let decision = quote(&world, &order_by("a", &lines));
    let all = items.iter().map(|(_, size)| units(*size, 1)).collect();
    let bill = billed(&world, "east", all).expect("it is carried");
    assert!(decision.unfilled.is_empty() && shipping(&decision) >= bill, "{} of {bill}", shipping(&decision));
    assert!(!decision.optimal && decision.lower_bound <= bill, "{decision:?}");
}

#[test]
fn a_landed_cost_counts_the_parcels_that_weight_forces() {
    let safe = (20_000, [100, 100, 100]);
    let rates = || vec![divided("east", WeightUnit::Kilogram, 5_000, None)];
    let world = world_of(&[("safe", safe)], rates());
    let within = |amount: i64| {
        let fences = vec![Fence::LandedCost { amount }];
        on(&world, RuleTerms { fences, ..weighed(vec![Term::Shipping, Term::Split { amount: 50 }]) });
        quote(&world, &order_by("a", &[("safe", 2)]))
    };
    // Two parcels of 20 kg, and a split.
    let decision = within(2 * 2_500 + 50);
    assert!(decision.unfilled.is_empty() && decision.cost.amount == 5_050, "{decision:?}");
    let why = |decision: &Decision| super::weighing::loser(&world, decision, "east").why;
    assert_eq!(why(&within(2 * 2_500 + 49)), Why::Fenced(FenceReason::TooDear), "a minor unit too much");
    let mut weak = rates();
    weak[0].max_weight_g = 19_999;
    carrier(&world, weak);
    assert_eq!(why(&within(1_000_000)), Why::Fenced(FenceReason::NoService), "nobody carries a unit");
}

const SKUS: [&str; 3] = ["a", "b", "c"];
const NODES: [&str; 3] = ["east", "west", "north"];

#[test]
fn no_division_is_cheaper_than_the_plan_by_bills_that_count_sizes() {
    let seed = 20_261_124;
    let dice = &mut Dice(seed);
    let (mut splits, mut by_size) = (0, 0);
    for round in 0..60 {
        let world = World::new();
        let pick = |dice: &mut Dice, low: u64, span: u64| (low + dice.below(span)) as u32;
        let size = |dice: &mut Dice| (pick(dice, 100, 4_000), [0; 3].map(|_| pick(dice, 50, 400)));
        let sizes: Vec<Size> = SKUS.iter().map(|_| size(dice)).collect();
        let mut has = [[0_u32; 3]; 3];
        for (sku, name) in SKUS.iter().enumerate() {
            sized(&world, name, sizes[sku]);
            for (node, id) in NODES.iter().enumerate() {
                has[node][sku] = pick(dice, u64::from(node == 0), 3);
                if has[node][sku] > 0 {
                    world.stock(name, id, has[node][sku] as i32).expect("received");
                }
            }
        }
        let mut services = Vec::new();
        for id in NODES.iter().chain(&NODES) {
            let unit = if dice.below(2) == 0 { WeightUnit::Pound } else { WeightUnit::Kilogram };
            let above = (dice.below(3) == 0).then(|| pick(dice, 5_000, 40_000));
            let divisor = if unit == WeightUnit::Pound { pick(dice, 100, 100) } else { pick(dice, 3_000, 3_000) };
            let mut own = divided(id, unit, divisor, above);
            own.name = text(&format!("s{}", services.len()));
            own.rates.prices = service(id, (100 + dice.below(900) as i64, dice.below(150) as i64), 2).rates.prices;
            if dice.below(4) == 0 {
                own.dimensional = None;
            }
            services.push(own);
        }
        carrier(&world, services);
        let split = dice.below(300) as i64;
        on(&world, weighed(vec![Term::Shipping, Term::Split { amount: split }]));
        let wanted: Vec<u32> = (0..3).map(|sku| pick(dice, 1, 2).min(has.iter().map(|own| own[sku]).sum())).collect();
        let lines: Vec<(&str, u32)> = SKUS.iter().zip(&wanted).map(|(sku, n)| (*sku, *n)).collect();
        let decision = quote(&world, &order_by("a", &lines));
        let all: Vec<usize> = (0..3).flat_map(|sku| vec![sku; wanted[sku] as usize]).collect();
        let mut bills = std::collections::HashMap::new();
        let mut least = i64::MAX;
        for way in ways(all.len()).filter(|way| way.iter().all(|node| *node < 3)) {
            let at = |node: usize| {
                [0, 1, 2].map(|sku| all.iter().zip(&way).filter(|own| (*own.0, *own.1) == (sku, node)).count() as u32)
            };
            let parcels = [0, 1, 2].map(at);
            if parcels.iter().zip(&has).any(|(own, has)| own.iter().zip(has).any(|(own, has)| own > has)) {
                continue;
            }
            let sent = (0..3).filter(|node| parcels[*node] != [0; 3]);
            let mut cost = -split;
            for node in sent {
                let bill = bills.entry((node, parcels[node])).or_insert_with(|| {
                    let own = (0..3).filter(|sku| parcels[node][*sku] > 0);
                    let own = own.map(|sku| units(sizes[sku], parcels[node][sku])).collect();
                    billed(&world, NODES[node], own).expect("all of it is carried")
                });
                cost += *bill + split;
            }
            least = least.min(cost);
        }
        assert_eq!(
            (decision.cost.amount, decision.lower_bound, decision.optimal),
            (least, least, true),
            "seed {seed}, round {round}"
        );
        splits += usize::from(decision.assignments.len() > 1);
        let litres = |size: &Size| size.1.iter().map(|edge| u64::from(*edge)).product::<u64>() / 1_000_000;
        by_size += usize::from(sizes.iter().any(|size| litres(size) * 200 > u64::from(size.0)));
    }
    assert!(splits > 5 && by_size > 20, "{splits} orders were split, {by_size} by size");
}
