//! Rule sets that are there from the first use. Their names are reserved, they change with the program alone, and no order
//! is sourced by them that does not name them.
//!
//! They are made of the terms the solver weighs. `fastest` is therefore the *nearest* by weight and distance: what carriers
//! say of days is shown beside a quote and not weighed yet.

use std::sync::Arc;

use super::applied::AppliedRules;
use super::{RuleTerms, Term};

/// Their names, ascending.
pub const PRESETS: [&str; 4] = ["cheapest", "fastest", "fewest_splits", "greenest"];

/// Whether a name is reserved.
pub fn is_preset(name: &str) -> bool {
    PRESETS.contains(&name)
}

/// All of them, by name.
pub fn presets() -> Vec<Arc<AppliedRules>> {
    let preset = |name: &&str| {
        let terms = RuleTerms { objective: objective(name), ..RuleTerms::default() };
        let applied = AppliedRules::of((*name).into(), 1, Arc::new(terms));
        Arc::new(applied.expect("presets are made of what can be carried"))
    };
    PRESETS.iter().map(preset).collect()
}

fn objective(name: &str) -> Vec<Term> {
    let (per_shipment, distance) =
        (Term::PerShipment { amount: 500 }, Term::WeightDistance { micro_per_kg_km: 200_000 });
    match name {
        "fastest" => vec![Term::WeightDistance { micro_per_kg_km: 1_000_000 }],
        "fewest_splits" => vec![per_shipment, distance, Term::Split { amount: 1_000_000_000 }],
        "greenest" => vec![Term::Carbon { per_kg: 100_000 }],
        _ => vec![per_shipment, distance],
    }
}
