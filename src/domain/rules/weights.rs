//! What the kernel in full is told of a version, once for all orders.
//!
//! A version needs it when it weighs what differs from node to node by more than weight and distance, weighs filling
//! against its cost, or bounds whole plans by more than a number of shipments. All others are sourced by a tariff.
//!
//! Charges by weight and distance and for greenhouse gas are told of every unit and every parcel, each rounded half up to
//! a minor unit, since here every cost is one of a parcel or of a unit. Where carriers are asked and a service says what its
//! own parcels make, greenhouse gas is a cost of services instead, that of others included: of each parcel by all it weighs.

use jiff::civil::Date;

use super::applied::usual_carbon;
use super::presets::ABOVE_ALL;
use super::{Fence, RuleTerms, Term, Unfilled};
use crate::domain::carrier::carbon::Carbon;
use crate::domain::ids::Text;
use crate::domain::sourcing::Tariff;
use crate::domain::weighed::CostTerm;

/// See the module. Amounts are minor units of the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Weights {
    /// The terms that are weighed, in their order; what is shown of every decision.
    pub listed: Vec<CostTerm>,
    /// Whether carriers' prices count.
    pub shipping: bool,
    /// Whether handling counts.
    pub handling: bool,
    /// For every day after the one that the order names, else after its own.
    pub late_per_day: i64,
    /// Whether what units cost where they lie counts, how scarce they are there, and that some had better go.
    pub unit_cost: bool,
    /// See `unit_cost`.
    pub scarcity: bool,
    /// See `unit_cost`.
    pub markdown: bool,
    /// For a unit that is not found.
    pub short_pick: i64,
    /// Whether it counts what units and shipments are worth to orders to come.
    pub opportunity: bool,
    /// Whether nodes are chosen by the score in the place of all that.
    pub score: bool,
    /// Whether priorities of nodes count.
    pub priority: bool,
    /// For a parcel from a node whose day is full.
    pub balance: i64,
    /// Whether such a parcel costs its handling once more.
    pub balance_handling: bool,
    /// For every parcel.
    pub per_shipment: i64,
    /// Millionths for a kilometre of a parcel.
    pub micro_per_km: i64,
    /// Millionths for a kilogram and kilometre.
    pub micro_per_kg_km: i64,
    /// For a kilogram of greenhouse gas.
    pub carbon_per_kg: i64,
    /// For the greenhouse gas of a parcel, and millionths for that of a kilogram and kilometre, as is usual.
    pub carbon_parcel: i64,
    /// See `carbon_parcel`.
    pub carbon_micro_per_kg_km: i64,
    /// For every parcel beyond the first.
    pub split: i64,
    /// Days after that of the order by which a parcel arrives, or does not leave.
    pub arrives_within: Option<u16>,
    /// Whether a parcel that arrives after the day that its order names does not leave.
    pub arrives_by_wanted: bool,
    /// Most that all units asked for may cost from a node, sent in one parcel.
    pub landed_cost_max: Option<i64>,
    /// All units ship, or none.
    pub complete: bool,
    /// All units of a line ship, or none.
    pub line_complete: bool,
    /// Groups of skus each of which leaves from one node, as many as there are fences.
    pub together: Vec<Vec<Text>>,
    /// What a unit costs that nobody ships.
    pub unfilled: Unfilled,
}

impl Weights {
    /// The day after which an order's parcels are late: the one it names, else its own. Where days come before all money no
    /// day is early enough: they are counted from its own.
    pub fn late_after(&self, ordered_on: Date, named: Option<Date>) -> Date {
        named.filter(|_| self.late_per_day < ABOVE_ALL).unwrap_or(ordered_on)
    }

    /// Of a version that needs them.
    pub fn of(terms: &RuleTerms) -> Option<Self> {
        if terms.is_plain() {
            return None;
        }
        let mut weights = Self { unfilled: terms.unfilled.clone(), ..Self::default() };
        terms.objective.iter().for_each(|term| weights.weigh(term));
        terms.fences.iter().for_each(|fence| weights.bound(fence));
        if weights.unfilled != Unfilled::LastResort {
            weights.list(CostTerm::Unfilled);
        }
        Some(weights)
    }

    fn list(&mut self, term: CostTerm) {
        if !self.listed.contains(&term) {
            self.listed.push(term);
        }
    }

    fn weigh(&mut self, term: &Term) {
        let shown = match term {
            Term::PerShipment { amount } => {
                self.per_shipment += amount;
                CostTerm::PerShipment
            }
            Term::WeightDistance { micro_per_kg_km } => {
                self.micro_per_kg_km += micro_per_kg_km;
                CostTerm::Distance
            }
            Term::Distance { micro_per_km } => {
                self.micro_per_km += micro_per_km;
                CostTerm::Distance
            }
            Term::Split { amount } => {
                self.split += amount;
                CostTerm::Split
            }
            Term::Carbon { per_kg } => {
                let (parcel, micro_per_kg_km) = usual_carbon(*per_kg);
                self.carbon_per_kg += per_kg;
                self.carbon_parcel += parcel;
                self.carbon_micro_per_kg_km += micro_per_kg_km;
                CostTerm::Carbon
            }
            Term::Shipping => {
                self.shipping = true;
                CostTerm::Shipping
            }
            Term::Handling => {
                self.handling = true;
                CostTerm::Handling
            }
            Term::Late { per_day } => {
                self.late_per_day += per_day;
                CostTerm::Late
            }
            Term::UnitCost => {
                self.unit_cost = true;
                CostTerm::UnitCost
            }
            Term::Scarcity => {
                self.scarcity = true;
                CostTerm::Scarcity
            }
            Term::Markdown => {
                self.markdown = true;
                CostTerm::Markdown
            }
            Term::ShortPick { amount } => {
                self.short_pick += amount;
                CostTerm::ShortPick
            }
            Term::Priority => {
                self.priority = true;
                CostTerm::Priority
            }
            Term::LoadBalance => {
                self.balance_handling = true;
                CostTerm::LoadBalance
            }
            Term::Score => {
                self.score = true;
                CostTerm::Shipping
            }
            Term::Opportunity => {
                self.opportunity = true;
                CostTerm::Opportunity
            }
            Term::Balance { amount } => {
                self.balance += amount;
                CostTerm::LoadBalance
            }
        };
        self.list(shown);
    }

    fn bound(&mut self, fence: &Fence) {
        match fence {
            Fence::ArrivesBy { days: Some(days) } => self.arrives_within = Some(*days),
            Fence::ArrivesBy { days: None } => self.arrives_by_wanted = true,
            Fence::LandedCost { amount } => self.landed_cost_max = Some(*amount),
            Fence::ShipComplete => self.complete = true,
            Fence::LineComplete => self.line_complete = true,
            Fence::SameNode(skus) => self.together.push(skus.clone()),
            _ => {}
        }
    }

    /// Whether services of carriers are asked.
    pub fn asks_carriers(&self) -> bool {
        self.shipping || self.late_per_day > 0 || self.arrives_within.is_some()
    }

    /// Whether it matters what a unit is where it lies.
    pub fn asks_units(&self) -> bool {
        self.unit_cost || self.scarcity || self.markdown || self.short_pick > 0 || self.opportunity
    }

    /// Whether a unit costs less where there are more of it.
    pub fn prices_by_shelf(&self) -> bool {
        self.scarcity || self.short_pick > 0
    }

    /// Whether it matters how much a node has to do already.
    pub fn asks_load(&self) -> bool {
        self.balance > 0 || self.balance_handling
    }

    /// Whether units of an order are filled together or not at all, beyond one line.
    pub fn is_joint(&self) -> bool {
        self.complete || !self.together.is_empty()
    }

    /// Whether a node may be left out that could send something: what ships as a whole or not at all, or costs more than to leave.
    pub fn may_leave(&self) -> bool {
        self.is_joint() || self.line_complete || self.unfilled != Unfilled::LastResort
    }

    /// For the kilometres of a parcel.
    pub fn of_distance(&self, metres: u64) -> i64 {
        let micro = i128::from(metres) * i128::from(self.micro_per_km);
        i64::try_from((micro + 500_000_000) / 1_000_000_000).unwrap_or(i64::MAX)
    }

    /// For weight and distance of a unit.
    pub fn of_weight(&self, metres: u64, weight_g: u64) -> i64 {
        charge(self.micro_per_kg_km, metres, weight_g)
    }

    /// For greenhouse gas of a whole parcel, rounded half up to a minor unit.
    pub fn of_parcel(&self, carbon: &Carbon, metres: u64, weight_g: u64) -> i64 {
        let micro_g = carbon.micro_g(metres, u128::from(weight_g));
        let exact = micro_g.saturating_mul(u128::from(self.carbon_per_kg.unsigned_abs()));
        i64::try_from((exact.saturating_add(500_000_000)) / 1_000_000_000).unwrap_or(i64::MAX)
    }

    /// For greenhouse gas of a unit, that of its parcel aside.
    pub fn of_carbon(&self, metres: u64, weight_g: u64) -> i64 {
        charge(self.carbon_micro_per_kg_km, metres, weight_g)
    }
}

fn charge(micro_per_kg_km: i64, metres: u64, weight_g: u64) -> i64 {
    Tariff { micro_per_kg_km, ..Tariff::default() }.charge(metres, u128::from(weight_g))
}
