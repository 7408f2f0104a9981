//! Open orders planned again together: asked for, and shown.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::decision::gap;
use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::rule_preview::{PreviewedPlan, ShipmentTold, in_base};
use super::scalar::{Id, Instant, MoneyJson, OptimiseWithin, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::decision::LineUnits;
use crate::domain::event::OptimisationApplied;
use crate::domain::limits::OPTIMISED_MAX;
use crate::domain::optimisation::{Figures, Optimisation, Optimise, Replanned};
use crate::domain::replanning::Occasion;
use crate::domain::stock::CellKey;

/// How long an optimisation takes when nobody says how long, in milliseconds.
const WITHIN_MS: u64 = 1_000;
/// Rounds when time does not end them.
const ROUNDS: u32 = 300;

shape! {
    /// Which open orders are planned again together: all of them, or those that all of this names.
    pub struct NewOptimisation {
        /// These orders, up to 1,000.
        pub orders: Option<Vec<OpenOrder>>,
        /// Those of which a node has something.
        pub node: Option<Id>,
        /// Those that want some of a sku.
        pub sku: Option<Sku>,
        /// How long that may take, milliseconds; 1000 when it is left out.
        pub within_ms: Option<OptimiseWithin>,
        /// Whether an order may arrive later than as it is.
        pub allow_later: Option<bool>,
        /// Whether what is found is applied at once.
        pub apply: Option<bool>,
    }
}

/// The id of an order.
#[derive(Clone, Debug, ToSchema)]
pub struct OpenOrder(pub Id);

impl Shape for OpenOrder {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Id::read(json, at).map(Self)
    }
}

impl Listed for OpenOrder {
    const MOST: usize = OPTIMISED_MAX;
}

impl NewOptimisation {
    /// The question.
    pub fn asked(self) -> Optimise {
        Optimise {
            orders: self.orders.map(|orders| orders.into_iter().map(|order| order.0.0).collect()),
            node: self.node.map(|id| id.0),
            sku: self.sku.map(|sku| sku.0),
            within: Duration::from_millis(self.within_ms.map_or(WITHIN_MS, |within| within.0)),
            rounds: ROUNDS,
            may_be_later: self.allow_later.unwrap_or(false),
            occasion: Occasion::Asked,
        }
    }
}

/// Open orders planned again together.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Optimisation)]
pub struct OptimisationJson {
    /// What lists tell of it.
    #[serde(flatten)]
    pub brief: OptimisationBrief,
    /// Orders that did not take part: nothing of them may move, or too little is known.
    pub aside: u32,
    /// No plans of those that did cost less. Where nothing is proven: 0, or what their stock is worth to be rid of, below that.
    pub lower_bound: MoneyJson,
    /// (cost - lower bound) / the size of the lower bound, which counts as one minor unit where it is 0; it says nothing
    /// where that is not known.
    pub gap: f64,
    /// The orders that change; none is told any more of one that was applied before the last start.
    pub changes: Vec<ReplannedJson>,
    /// Where a unit more would be worth most to the orders that took part: the prices that prove the bound.
    pub scarce: Vec<ScarceJson>,
}

/// What a unit more would be worth.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ScarceUnit)]
pub struct ScarceJson {
    /// Its sku.
    pub sku: Sku,
    /// Where.
    pub node: Id,
    /// Minor units of the base currency.
    pub worth: i64,
}

/// An order with other shipments.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReplannedOrder)]
pub struct ReplannedJson {
    /// The order.
    pub order: String,
    /// What of it may move, as it was.
    pub before: PreviewedPlan,
    /// The same as it shall be.
    pub after: PreviewedPlan,
}

impl OptimisationJson {
    /// An optimisation by the names clients know.
    pub fn of(optimisation: &Optimisation, catalogue: &Catalogue) -> Self {
        let Figures { aside, cost, lower_bound, .. } = optimisation.figures;
        Self {
            brief: OptimisationBrief::of(optimisation, catalogue),
            aside,
            lower_bound: in_base(lower_bound, catalogue),
            gap: gap(cost, lower_bound),
            changes: optimisation.orders.iter().map(|order| ReplannedJson::of(order, catalogue)).collect(),
            scarce: optimisation.scarce.iter().map(|(cell, worth)| ScarceJson::of(*cell, *worth, catalogue)).collect(),
        }
    }
}

/// An optimisation without the orders that change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OptimisationBrief {
    /// Its id. A proposal is kept for a while, and not over a restart; that one was applied is known for a day.
    pub id: Id,
    /// `proposed` or `applied`.
    pub state: &'static str,
    /// Why: `asked`, `receipt` or `outage`.
    pub reason: &'static str,
    /// Skus of which units came, as long as that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// The node that was switched off, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Id>,
    /// When it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Instant>,
    /// Orders that took part.
    pub looked_at: u32,
    /// Orders that change: as many as one record holds; the others are for the next time.
    pub changed: u32,
    /// What the orders that took part cost as they were.
    pub cost_before: MoneyJson,
    /// What they cost with it: more than before where units that waited are shipped.
    pub cost: MoneyJson,
}

impl OptimisationBrief {
    /// An optimisation by the names clients know.
    pub fn of(own: &Optimisation, catalogue: &Catalogue) -> Self {
        Self {
            id: Id(own.id.clone()),
            state: state_of(own),
            reason: own.occasion.word(),
            skus: skus_of(&own.occasion, catalogue),
            node: node_of(&own.occasion, catalogue),
            applied_at: own.applied_at.map(Instant::from),
            looked_at: own.figures.looked_at,
            changed: own.figures.changed,
            cost_before: in_base(own.figures.cost_before, catalogue),
            cost: in_base(own.figures.cost, catalogue),
        }
    }
}

fn state_of(optimisation: &Optimisation) -> &'static str {
    if optimisation.applied_at.is_some() { "applied" } else { "proposed" }
}

fn skus_of(occasion: &Occasion, catalogue: &Catalogue) -> Vec<Sku> {
    match occasion {
        Occasion::Receipt(skus) => skus.iter().map(|sku| Sku(catalogue.item(*sku).sku.clone())).collect(),
        Occasion::Asked | Occasion::Outage(_) => Vec::new(),
    }
}

fn node_of(occasion: &Occasion, catalogue: &Catalogue) -> Option<Id> {
    match occasion {
        Occasion::Outage(node) => node.map(|node| Id(catalogue.node(node).id.clone())),
        Occasion::Asked | Occasion::Receipt(_) => None,
    }
}

impl ScarceJson {
    fn of(cell: CellKey, worth: i64, catalogue: &Catalogue) -> Self {
        let sku = Sku(catalogue.item(cell.sku).sku.clone());
        Self { sku, node: Id(catalogue.node(cell.node).id.clone()), worth }
    }
}

impl ReplannedJson {
    fn of(order: &Replanned, catalogue: &Catalogue) -> Self {
        let named = |units: &[LineUnits]| {
            units.iter().map(|u| (order.lines[usize::from(u.line)].clone(), u.quantity)).collect()
        };
        let before: Vec<ShipmentTold> = order.before.iter().map(|own| (own.node, named(&own.units))).collect();
        let after: Vec<ShipmentTold> = order.after.iter().map(|own| (own.node, named(&own.units))).collect();
        Self {
            order: order.name.clone(),
            before: PreviewedPlan::of(order.cost_before, 0, &before, catalogue),
            after: PreviewedPlan::of(order.cost, 0, &after, catalogue),
        }
    }
}

/// An optimisation was applied.
pub(super) fn told(applied: &OptimisationApplied) -> Value {
    let OptimisationApplied { id, figures: Figures { changed, cost_before, cost, lower_bound, .. } } = applied;
    json!({
        "type": "optimisation_applied", "optimisation": id, "changed": changed, "cost_before": cost_before,
        "cost": cost, "lower_bound": lower_bound,
    })
}
