//! What stock and shipments are worth to orders to come: asked for, and shown.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::event::Names;
use super::reading::shape;
use super::scalar::{DaysForeseen, Id, Instant, OptimiseWithin, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::limits::OPPORTUNITY_ORDERS_MIN;
use crate::domain::opportunity::{Basis, DAYS_AHEAD, DAYS_BACK, Foresee, Opportunity};

/// How long it takes when nobody says how long, in milliseconds.
const WITHIN_MS: u64 = 2_000;

shape! {
    /// How far is looked ahead.
    pub struct Foreseeing {
        /// Days; 7 when left out. The days that are found then by themselves are as many.
        pub days: Option<DaysForeseen>,
        /// How long it may take, milliseconds; 2000 when left out.
        pub within_ms: Option<OptimiseWithin>,
    }
}

impl Foreseeing {
    /// The question.
    pub fn asked(self) -> Foresee {
        Foresee {
            days: self.days.map_or(DAYS_AHEAD, |days| days.0),
            within: Duration::from_millis(self.within_ms.map_or(WITHIN_MS, |within| within.0)),
        }
    }
}

/// What stock and shipments are worth to orders to come: shadow prices, the term `opportunity`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OpportunityCosts)]
pub struct OpportunityJson {
    /// Whether some rule set that is active weighs them.
    pub weighed: bool,
    /// Whether orders of the past were enough to tell of those to come; where not, nothing is worth anything.
    pub enough_history: bool,
    /// When they were found; never yet when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed_at: Option<Instant>,
    /// From what.
    pub basis: BasisJson,
    /// What a unit is worth where it lies; what is not named is worth nothing.
    pub stock: Vec<UnitWorth>,
    /// What a shipment of a node is worth, where nodes can handle so many a day.
    pub shipments: Vec<ShipmentWorth>,
}

/// What opportunity costs were found from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OpportunityBasis)]
pub struct BasisJson {
    /// Orders of the past days that were looked at, the newest.
    pub orders: u32,
    /// Orders from which on they tell anything.
    pub orders_min: u32,
    /// How many days back is looked at most.
    pub days_back: u16,
    /// Since when as many came, going by the half of them that was placed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// Days ahead that were asked for.
    pub days_ahead: u16,
    /// Orders that come in that time as those came; of very many the first.
    pub orders_ahead: u32,
    /// Streams of so many orders that were drawn from them and planned with what is free and what comes until then.
    pub streams: u32,
    /// Rounds in which prices moved by use.
    pub rounds: u32,
    /// Prices that there was no room for, the lowest.
    pub left_out: u32,
}

/// What a unit is worth.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = UnitWorth)]
pub struct UnitWorth {
    /// Its sku.
    pub sku: Sku,
    /// Where.
    pub node: Id,
    /// Minor units of the base currency.
    pub worth: u32,
}

/// What a shipment is worth.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ShipmentWorth)]
pub struct ShipmentWorth {
    /// From where.
    pub node: Id,
    /// Minor units of the base currency.
    pub worth: u32,
}

/// By what prices a version was weighed that has the term `opportunity`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OpportunityWeighed)]
pub struct WeighedJson {
    /// When they were found; never yet when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed_at: Option<Instant>,
    /// From what.
    pub basis: BasisJson,
    /// That nothing is known, so all was weighed as if it were worth nothing, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

impl WeighedJson {
    /// By those that are known now.
    pub fn of(known: &Opportunity) -> Self {
        let warning = match known.basis.at {
            None => Some("no prices were found yet, the term weighs nothing: POST /v1/opportunity-costs finds them"),
            Some(_) if !known.is_known() => {
                Some("there were too few orders to find prices from, the term weighs nothing")
            }
            Some(_) => None,
        };
        Self { computed_at: known.basis.at.map(Instant::from), basis: BasisJson::of(known.basis), warning }
    }
}

impl BasisJson {
    fn of(basis: Basis) -> Self {
        let Basis { at: _, orders, since, days, ahead, paths, rounds, left_out } = basis;
        Self {
            orders,
            orders_min: OPPORTUNITY_ORDERS_MIN as u32,
            days_back: DAYS_BACK,
            since: (orders > 0).then(|| Instant::from(since)),
            days_ahead: days,
            orders_ahead: ahead,
            streams: paths,
            rounds,
            left_out,
        }
    }
}

impl OpportunityJson {
    /// Opportunity costs by the names clients know.
    pub fn of(known: &Opportunity, catalogue: &Catalogue) -> Self {
        let sku = |index| Sku(catalogue.item(index).sku.clone());
        let node = |index| Id(catalogue.node(index).id.clone());
        let unit = |(cell, worth): &(crate::domain::stock::CellKey, u32)| UnitWorth {
            sku: sku(cell.sku),
            node: node(cell.node),
            worth: *worth,
        };
        Self {
            weighed: catalogue.rules().looks_ahead(),
            enough_history: known.basis.is_enough(),
            computed_at: known.basis.at.map(Instant::from),
            basis: BasisJson::of(known.basis),
            stock: known.stock.iter().map(unit).collect(),
            shipments: known
                .shipments
                .iter()
                .map(|(at, worth)| ShipmentWorth { node: node(*at), worth: *worth })
                .collect(),
        }
    }
}

/// Opportunity costs were found anew.
pub(super) fn told(put: &Opportunity, names: &impl Names) -> Value {
    let Basis { orders, days, ahead, paths, rounds, left_out, .. } = put.basis;
    let unit = |(cell, worth): &(crate::domain::stock::CellKey, u32)| json!({"sku": names.sku(cell.sku), "node": names.node(cell.node), "worth": worth});
    let shipments = put.shipments.iter().map(|(node, worth)| json!({"node": names.node(*node), "worth": worth}));
    json!({
        "type": "opportunity_put", "orders": orders, "days_ahead": days, "orders_ahead": ahead, "streams": paths,
        "rounds": rounds, "left_out": left_out, "stock": put.stock.iter().map(unit).collect::<Vec<_>>(),
        "shipments": shipments.collect::<Vec<_>>(),
    })
}
