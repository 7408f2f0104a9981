//! Greenhouse gas by service: what each makes that takes a parcel, in money and in what a replay counts.

use super::weighing::{
    Dice, NODES, SKUS, amounts, carrier, divisions, drawn_stock, is_least, item, offered, on, order_by, place, quote,
    service, weighed,
};
use super::whatif::compared;
use super::world::*;
use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::parcels::Units;
use crate::domain::carrier::rates::Parcel;
use crate::domain::carrier::{Carrier, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::geo::{Place, Position};
use crate::domain::rules::{RuleTerms, Term, Unfilled};
use crate::engine::whatif::Suppose;

/// What a parcel's gas costs, half up, at so much for a kilogram.
fn money(carbon: &Carbon, metres: u64, grams: u128, per_kg: u128) -> i64 {
    ((carbon.micro_g(metres, grams) * per_kg + 500_000_000) / 1_000_000_000) as i64
}

/// A lorry from the east at 5.00 and bikes at 7.00, whose parcels make so much.
fn lorry_and_bikes(carbon: Option<Carbon>) -> World {
    let world = World::new();
    world.stock("phone", "east", 10).expect("received");
    let (lorry, bikes) = (service("east", (500, 0), 2), service("east", (700, 0), 3));
    carrier(&world, vec![lorry, Service { carbon, ..bikes }]);
    world
}

#[test]
fn greenhouse_gas_is_what_the_service_makes_that_takes_it_and_what_is_usual_where_it_says_nothing() {
    let clean = Carbon { parcel_g: 20, micro_g_per_parcel_km: 500_000, micro_g_per_kg_km: 10_000 };
    let taken = |carbon: Option<Carbon>, per_kg: i64| {
        let world = lorry_and_bikes(carbon);
        on(&world, weighed(vec![Term::Shipping, Term::Carbon { per_kg }]));
        let decision = quote(&world, &order_by("a", &[("phone", 3)]));
        let own = decision.evidence.weighed().expect("weighed");
        assert_eq!(decision.lower_bound, decision.cost.amount);
        let (node, metres) = decision.evidence.sight.candidates().next().expect("the east has some");
        let grams = world.engine.catalogue(|c| u64::from(c.item(c.sku_index("phone").expect("there")).weight_g)) * 3;
        assert_eq!(own.carried[0].node, node);
        (own.carried[0].service.to_string(), amounts(&decision), u64::from(metres), u128::from(grams))
    };
    let (service, amounts, metres, grams) = taken(Some(clean), 1_000);
    assert!(metres > 10_000 && grams > 0);
    assert_eq!(service, "from-east-3", "20 g, half a gram for a kilometre: less than 2.00 more");
    assert_eq!(amounts, [("shipping", 700), ("carbon", money(&clean, metres, grams, 1_000))]);
    let (service, amounts, ..) = taken(None, 1_000);
    assert_eq!(
        (service.as_str(), amounts[0]),
        ("from-east-2", ("shipping", 500)),
        "as much as the other: the price decides"
    );
    // Where a service says something, the others make what is usual, as one parcel of the order's weight.
    let dirty = Carbon { parcel_g: 9_000, ..clean };
    let (service, amounts, metres, grams) = taken(Some(dirty), 1_000);
    assert_eq!(service, "from-east-2");
    assert_eq!(amounts, [("shipping", 500), ("carbon", money(&Carbon::USUAL, metres, grams, 1_000))]);
    let (service, amounts, ..) = taken(Some(clean), 0);
    assert_eq!(
        (service.as_str(), amounts),
        ("from-east-2", vec![("shipping", 500), ("carbon", 0)]),
        "at no price it is nothing"
    );
}

#[test]
fn the_greenest_preset_goes_by_what_services_make_and_a_replay_counts_it() {
    let clean = Carbon { parcel_g: 20, micro_g_per_parcel_km: 0, micro_g_per_kg_km: 0 };
    let world = lorry_and_bikes(Some(clean)).restart();
    let order = |name: &str| PlaceOrder { rule_set: Some(text(name)), ..order_by("a", &[("phone", 1)]) };
    let service = |name: &str| {
        let decision = quote(&world, &order(name));
        decision.evidence.weighed().expect("weighed").carried[0].service.to_string()
    };
    assert_eq!([service("greenest"), service("cheapest")], ["from-east-3", "from-east-2"]);
    place(&world, order("greenest"));
    let kept = compared(&world, &Suppose::default());
    assert_eq!((kept.same, kept.before.carbon_g, kept.after.carbon_g), (1, 20, 20));
}

fn some_carbon(dice: &mut Dice) -> Option<Carbon> {
    let mut below = |most| dice.below(most) as u32;
    (below(3) > 0).then(|| Carbon {
        parcel_g: below(900),
        micro_g_per_parcel_km: below(1_500_000),
        micro_g_per_kg_km: below(900_000),
    })
}

/// What the cheapest service asks for a parcel with what it makes, from a node so many metres away.
fn least_of_services(world: &World, (node, metres): (&str, u64), grams: u64, per_kg: u128) -> i64 {
    let units = vec![Units { unit: Parcel { weight_g: grams, ..Parcel::default() }, quantity: 1 }];
    let costs = offered(world, node, units).into_iter().map(|offer| {
        let said =
            world.engine.catalogue(|c| c.shipping().service(&offer.carrier, &offer.service).expect("it offers").carbon);
        offer.price + money(&said.unwrap_or(Carbon::USUAL), metres, grams.into(), per_kg)
    });
    costs.min().expect("somebody takes it")
}

#[test]
fn no_division_of_the_units_is_cheaper_than_the_plan_by_what_services_ask_and_make() {
    let seed = 20_261_124;
    println!("seed {seed}");
    let dice = &mut Dice(seed);
    let (mut splits, mut told) = (0, 0);
    for round in 0..60 {
        let world = World::new();
        let weights: Vec<u64> = SKUS.map(|_| 100 + dice.below(4_500)).to_vec();
        let has = drawn_stock(&world, dice, &weights, &[0; 3]);
        let mut services = Vec::new();
        for (id, days) in NODES.iter().flat_map(|id| [(id, 2), (id, 4)]) {
            let asks = (300 + dice.below(900) as i64, dice.below(150) as i64);
            services.push(Service { carbon: some_carbon(dice), ..service(id, asks, days) });
        }
        let says_some = services.iter().any(|service| service.carbon.is_some());
        told += usize::from(says_some);
        carrier(&world, services);
        let per_kg = 100 + dice.below(900) as i64;
        let (split, per_line) = (dice.below(400) as i64, 1_000 + dice.below(4_000) as i64);
        let objective = vec![Term::Shipping, Term::Carbon { per_kg }, Term::Split { amount: split }];
        let unfilled = Unfilled::Charged { per_line, value_share_micro: 0 };
        on(&world, RuleTerms { unfilled, ..weighed(objective) });
        let wanted: Vec<u32> = SKUS.map(|_| 1 + dice.below(2) as u32).to_vec();
        let lines: Vec<(&str, u32)> = SKUS.iter().zip(&wanted).map(|(sku, n)| (*sku, *n)).collect();
        let decision = quote(&world, &order_by("a", &lines));

        let to = Place::from(Position::from_degrees(40.0, -75.0).expect("on earth"));
        let metres =
            NODES.map(|id| world.engine.catalogue(|c| c.place(c.node_index(id).expect("there")).metres_to(&to)));
        let mut prices = std::collections::HashMap::new();
        let mut least = i64::MAX;
        for at in divisions(&wanted, &has) {
            let (mut cost, mut parcels) = (0_i64, 0);
            for (node, own) in at.iter().take(3).enumerate() {
                let grams: u64 = (0..3).map(|sku| weights[sku] * u64::from(own[sku])).sum();
                if grams == 0 {
                    continue;
                }
                parcels += 1;
                let from = (NODES[node], metres[node]);
                let asks = || least_of_services(&world, from, grams, per_kg.unsigned_abs().into());
                cost += *prices.entry((node, grams)).or_insert_with(asks);
            }
            cost += split * (parcels - 1).max(0);
            cost += at[3].iter().filter(|left| **left > 0).count() as i64 * per_line;
            least = least.min(cost);
        }
        if !says_some {
            continue;
        }
        is_least(&decision, least, &format!("seed {seed}, round {round}"));
        splits += usize::from(decision.assignments.len() > 1);
    }
    assert!(splits > 5 && told > 50, "{splits} orders were split, {told} had services that say something");
}

#[test]
fn of_more_weights_than_can_be_told_gas_is_that_of_the_next_and_nothing_is_claimed() {
    let clean = Carbon { parcel_g: 0, micro_g_per_parcel_km: 0, micro_g_per_kg_km: 1_000_000 };
    let world = World::new();
    item(&world, "a", 10, 0);
    world.stock("a", "east", 2_000).expect("received");
    carrier(&world, vec![Service { carbon: Some(clean), ..service("east", (500, 0), 2) }]);
    on(&world, weighed(vec![Term::Shipping, Term::Carbon { per_kg: 1_000 }]));
    for (units, is_exact) in [(511, true), (512, false), (999, false)] {
        let decision = quote(&world, &order_by("a", &[("a", units)]));
        let (_, metres) = decision.evidence.sight.candidates().next().expect("the east has some");
        let exact = money(&clean, metres.into(), u128::from(units) * 10, 1_000);
        let ("carbon", told) = amounts(&decision)[1] else { panic!("{:?}", amounts(&decision)) };
        assert_eq!((decision.optimal, decision.lower_bound == decision.cost.amount), (is_exact, is_exact), "{units}");
        assert!(exact <= told && told <= exact + exact / 100, "{units}: {told}, not {exact}");
        assert!(!is_exact || told == exact, "{units}");
    }
}

#[test]
fn a_service_that_says_nothing_and_rules_that_ask_no_carrier_count_as_ever() {
    let clean = Carbon { parcel_g: 20, micro_g_per_parcel_km: 0, micro_g_per_kg_km: 0 };
    let objectives = [vec![Term::Carbon { per_kg: 1_000 }, Term::Handling], vec![Term::Carbon { per_kg: 1_000 }]];
    for objective in objectives {
        let told = |carbon| {
            let world = lorry_and_bikes(carbon);
            on(&world, weighed(objective.clone()));
            let decision = quote(&world, &order_by("a", &[("phone", 3)]));
            (decision.cost.amount, decision.lower_bound)
        };
        assert_eq!(told(Some(clean)), told(None), "{objective:?}");
    }
    // What inactive carriers say counts for nobody.
    let world = lorry_and_bikes(None);
    on(&world, weighed(vec![Term::Shipping, Term::Carbon { per_kg: 1_000 }]));
    let before = quote(&world, &order_by("a", &[("phone", 3)])).cost.amount;
    let services = vec![Service { carbon: Some(clean), ..service("east", (1, 0), 1) }];
    let gone = Carrier { id: text("gone"), name: text("Gone"), active: false, currency: None, services };
    world.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(gone)))).expect("a carrier");
    assert_eq!(quote(&world, &order_by("a", &[("phone", 3)])).cost.amount, before);
}
