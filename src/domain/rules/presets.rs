//! Rule sets that are there from the first use. Their names are reserved, they change with the program alone, and no order
//! is sourced by them that does not name them.
//!
//! | name | version 1: by weight and distance | version 2: where there are carriers |
//! |---|---|---|
//! | `cheapest` | the least charge | the least that carriers and handling cost |
//! | `fastest` | the nearest | the fewest days, then the least that carriers cost |
//! | `fewest_splits` | the fewest shipments, then the least charge | the same by what carriers and handling cost |
//! | `greenest` | the least greenhouse gas | the same by what each service makes, its prices and handling included |
//! | `weighted_score` | the first node with the highest score | – |
//!
//! `weighted_score` is there to be compared with, in previews, shadows and replays: no order may name it. It is the formula of
//! `sourcing::score`, which lists what is wrong with it.
//!
//! Version 2 asks carriers; a shop without any is served by version 1, and every decision says which it was. Both stay as
//! they are: whoever was decided by one finds it again.

use std::sync::Arc;

use super::applied::AppliedRules;
use super::{RuleTerms, Term};

/// Their names, ascending.
pub const PRESETS: [&str; 4] = ["cheapest", "fastest", "fewest_splits", "greenest"];

/// The name of the preset that others are compared with.
pub const WEIGHTED_SCORE: &str = "weighted_score";

/// What outweighs whatever else a parcel costs: 100,000 of a currency with hundredths.
pub(super) const ABOVE_ALL: i64 = 10_000_000;

/// Minor units for a kilogram of greenhouse gas: far more than parcels cost, and so little that no charge is cut.
const GREENEST_PER_KG: i64 = 100_000;

/// Whether a name is reserved.
pub fn is_preset(name: &str) -> bool {
    PRESETS.contains(&name) || name == WEIGHTED_SCORE
}

/// All of them by which orders are sourced, by weight and distance, by name: version 1.
pub fn presets() -> Vec<Arc<AppliedRules>> {
    PRESETS.iter().map(|name| preset(name, 1, by_distance(name))).collect()
}

/// Those that ask carriers, by name: version 2.
pub fn presets_by_carriers() -> Vec<Arc<AppliedRules>> {
    PRESETS.iter().filter_map(|name| Some(preset(name, 2, by_carriers(name)?))).collect()
}

/// The one that others are compared with.
pub fn weighted_score() -> Arc<AppliedRules> {
    preset(WEIGHTED_SCORE, 1, vec![Term::Score])
}

fn preset(name: &str, version: u32, objective: Vec<Term>) -> Arc<AppliedRules> {
    let terms = RuleTerms { objective, ..RuleTerms::default() };
    Arc::new(AppliedRules::of(name.into(), version, Arc::new(terms)))
}

fn by_distance(name: &str) -> Vec<Term> {
    let (per_shipment, distance) =
        (Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 });
    match name {
        "fastest" => vec![Term::WeightDistance { micro_per_kg_km: 1_000_000 }],
        "fewest_splits" => vec![per_shipment, distance, Term::Split { amount: 1_000_000_000 }],
        "greenest" => vec![Term::Carbon { per_kg: GREENEST_PER_KG }],
        _ => vec![per_shipment, distance],
    }
}

fn by_carriers(name: &str) -> Option<Vec<Term>> {
    match name {
        "cheapest" => Some(vec![Term::Shipping, Term::Handling]),
        "fastest" => Some(vec![Term::Late { per_day: ABOVE_ALL }, Term::Shipping, Term::Handling]),
        "fewest_splits" => Some(vec![Term::Split { amount: ABOVE_ALL }, Term::Shipping, Term::Handling]),
        "greenest" => Some(vec![Term::Carbon { per_kg: GREENEST_PER_KG }, Term::Shipping, Term::Handling]),
        _ => None,
    }
}
