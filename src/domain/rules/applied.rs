//! A version as orders are sourced by it: made once when it is activated, shared by all decisions after. What a tariff
//! cannot say of it is told to the kernel in full (`weights`).
//!
//! **Carbon.** A parcel makes [`CARBON_PARCEL_G`] grams of CO2 equivalents, a kilogram over a kilometre
//! [`CARBON_MICRO_G_PER_KG_KM`] millionths of a gram more. Both are planning figures of this program, of the order that a lorry
//! and a last mile have; they become a shipment's charge and a rate by weight and distance, each rounded half up to a minor
//! unit and a millionth of one, and are shown in those terms of a decision.

use std::sync::Arc;

use super::weights::Weights;
use super::{Fence, RuleTerms, Schedule, Term};
use crate::domain::ids::Text;
use crate::domain::rule_set::RuleSet;
use crate::domain::sourcing::{MONEY_MAX, Tariff};

/// Grams of CO2 equivalents of a parcel, wherever it goes.
pub const CARBON_PARCEL_G: i64 = 400;
/// Millionths of a gram of CO2 equivalents of a kilogram over a kilometre: 90 g for a tonne.
pub const CARBON_MICRO_G_PER_KG_KM: i64 = 90_000;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppliedRules {
    /// Its name.
    pub name: Text,
    /// Its version.
    pub version: u32,
    /// What shipping costs; where there are `weights`, as far as a tariff can say it.
    pub tariff: Tariff,
    /// What is weighed beside, or instead: then the kernel in full decides.
    pub weights: Option<Weights>,
    /// Most shipments to one destination.
    pub shipments_max: Option<u16>,
    /// What it says.
    pub terms: Arc<RuleTerms>,
    fenced: bool,
}

impl AppliedRules {
    /// A version to source by.
    pub fn of(name: Text, version: u32, terms: Arc<RuleTerms>) -> Self {
        let tariff = tariff(&terms.objective);
        let counts = terms.fences.iter().filter_map(|fence| match fence {
            Fence::MaxShipments { count } => Some(*count),
            _ => None,
        });
        let (shipments_max, fenced) = (counts.min(), terms.keeps_out());
        let weights = Weights::of(&terms);
        Self { name, version, tariff, weights, shipments_max, terms, fenced }
    }

    /// The version that a directory is founded with.
    pub fn founded(rule_set: &RuleSet) -> Self {
        let RuleSet { name, version, per_shipment, micro_per_kg_km, split } = rule_set.clone();
        let objective = vec![
            Term::PerShipment { amount: per_shipment },
            Term::WeightDistance { micro_per_kg_km },
            Term::Split { amount: split },
        ];
        let terms = Arc::new(RuleTerms { objective, ..RuleTerms::default() });
        let tariff = Tariff { per_shipment, micro_per_kg_km, split };
        Self { name, version, tariff, weights: None, shipments_max: None, terms, fenced: false }
    }

    /// The same whatever their schedule says.
    pub fn always(&self) -> Self {
        let terms = Arc::new(RuleTerms { schedule: Schedule::Always, ..(*self.terms).clone() });
        Self { terms, ..self.clone() }
    }

    /// Whether they mind orders to come.
    pub fn looks_ahead(&self) -> bool {
        self.weights.as_ref().is_some_and(|weights| weights.opportunity)
    }

    /// Whether nodes that have as much to do as they can handle today may not ship.
    pub fn minds_capacity(&self) -> bool {
        self.fenced && self.terms.fences.contains(&Fence::Capacity)
    }

    /// Whether some nodes that have units may not, or had better not, ship them: whoever waits then lets others pass, since
    /// what comes next might come to such a node.
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }
}

/// What the solver is told; charges past its bound count as that much.
fn tariff(objective: &[Term]) -> Tariff {
    let mut tariff = Tariff::default();
    for term in objective {
        match term {
            Term::PerShipment { amount } => tariff.per_shipment += amount,
            Term::Split { amount } => tariff.split += amount,
            Term::WeightDistance { micro_per_kg_km } => tariff.micro_per_kg_km += micro_per_kg_km,
            Term::Carbon { per_kg } => {
                tariff.per_shipment += half_up(per_kg * CARBON_PARCEL_G, 1_000);
                // Grams are thousandths of a kilogram; millionths of a gram come out as millionths of a minor unit.
                tariff.micro_per_kg_km += half_up(per_kg * CARBON_MICRO_G_PER_KG_KM, 1_000);
            }
            // What no tariff can say the weights do.
            _ => {}
        }
    }
    Tariff {
        per_shipment: tariff.per_shipment.min(MONEY_MAX),
        split: tariff.split.min(MONEY_MAX),
        micro_per_kg_km: tariff.micro_per_kg_km,
    }
}

pub(super) fn half_up(amount: i64, parts: i64) -> i64 {
    (amount + parts / 2) / parts
}
