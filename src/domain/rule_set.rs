//! Sourcing rules as data: immutable versions under a name. First form: the terms of `default`.

use serde::{Deserialize, Serialize};

use super::ids::Text;

/// Name of the rule set that exists from the first start.
pub const DEFAULT_RULE_SET: &str = "default";

/// One immutable version of a rule set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSet {
    /// Its name.
    pub name: Text,
    /// Its version, from 1.
    pub version: u32,
    /// Charge per shipment, minor units of the base currency.
    pub per_shipment: i64,
    /// Millionths of a minor unit per kilogram and kilometre.
    pub micro_per_kg_km: i64,
    /// Charge per shipment beyond the first, minor units.
    pub split: i64,
}

impl RuleSet {
    /// The rule set `default`, version 1: 5.00 a shipment, 0.002 a kilogram and kilometre, 1.50 a split.
    pub fn default_v1() -> Self {
        Self { name: DEFAULT_RULE_SET.into(), version: 1, per_shipment: 500, micro_per_kg_km: 200_000, split: 150 }
    }
}
