//! Rule sets, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::scalar::Id;
use crate::domain::rule_set::RuleSet;

/// The active version of a rule set.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RuleSet)]
pub struct RuleSetJson {
    /// Its name.
    pub name: Id,
    /// Its version, from 1.
    pub version: u32,
    /// Always `active` here.
    pub state: &'static str,
    /// Soft costs, minor units of the base currency.
    pub objective: Vec<TermShape>,
    /// What is done about units nobody can fill: `last_resort` fills first and then minds the cost.
    pub unfilled: &'static str,
}

/// One term of the objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "term", rename_all = "snake_case")]
#[schema(as = Term)]
pub enum TermShape {
    /// A charge for every shipment.
    PerShipment {
        /// Minor units.
        amount: i64,
    },
    /// A charge for distance and weight.
    Distance {
        /// Minor units per kilogram and kilometre.
        amount_per_kg_km: f64,
    },
    /// A charge for every shipment beyond the first.
    Split {
        /// Minor units.
        amount: i64,
    },
}

impl From<&RuleSet> for RuleSetJson {
    fn from(rule_set: &RuleSet) -> Self {
        let objective = vec![
            TermShape::PerShipment { amount: rule_set.per_shipment },
            TermShape::Distance { amount_per_kg_km: rule_set.micro_per_kg_km as f64 / 1e6 },
            TermShape::Split { amount: rule_set.split },
        ];
        Self {
            name: Id(rule_set.name.clone()),
            version: rule_set.version,
            state: "active",
            objective,
            unfilled: "last_resort",
        }
    }
}
