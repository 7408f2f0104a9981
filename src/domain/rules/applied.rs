//! A version as orders are sourced by it: made once when it is activated, shared by all decisions after. What a tariff
//! cannot say of it is told to the kernel in full (`weights`).
//!
//! **Carbon.** A tariff asks no carrier, so parcels make what is usual ([`Carbon::USUAL`]): a fixed part and one for weight and
//! distance. They become a shipment's charge and a rate by weight and distance, each rounded half up to a minor unit and a
//! millionth of one, and are shown in those terms of a decision.

use std::sync::Arc;

use super::weights::Weights;
use super::{Fence, RuleTerms, Schedule, Term};
use crate::domain::carrier::carbon::Carbon;
use crate::domain::ids::Text;
use crate::domain::rule_set::RuleSet;
use crate::domain::sourcing::{MONEY_MAX, Tariff};

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
                let (parcel, micro_per_kg_km) = usual_carbon(*per_kg);
                tariff.per_shipment += parcel;
                tariff.micro_per_kg_km += micro_per_kg_km;
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

/// What a kilogram of greenhouse gas costs, as a charge for a parcel and in millionths for a kilogram and kilometre, where
/// parcels make what is usual.
pub(super) fn usual_carbon(per_kg: i64) -> (i64, i64) {
    let Carbon { parcel_g, micro_g_per_kg_km, .. } = Carbon::USUAL;
    // Grams are thousandths of a kilogram; millionths of a gram come out as millionths of a minor unit.
    (half_up(per_kg * i64::from(parcel_g), 1_000), half_up(per_kg * i64::from(micro_g_per_kg_km), 1_000))
}

fn half_up(amount: i64, parts: i64) -> i64 {
    (amount + parts / 2) / parts
}
