//! What a version of a rule set would change: asked and shown.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::opportunity::WeighedJson;
use super::reading::{At, Shape, shape};
use super::replay::ReplayFigures;
use super::scalar::{Id, MoneyJson, OrNull, VersionNumber};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::limits::PREVIEWED_MAX;
use crate::domain::money::Money;

shape! {
    /// Which version, and on which orders.
    pub struct RulePreviewing {
        /// The version.
        pub version: VersionNumber,
        /// `last:` and a number from 1 to 1000, which is meant when it is left out.
        pub orders: Option<LastOrders>,
    }
}

/// So many orders, the newest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastOrders(pub usize);

impl Shape for LastOrders {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        let number = text.strip_prefix("last:").and_then(|number| number.parse().ok());
        match number.filter(|number| (1..=PREVIEWED_MAX).contains(number)) {
            Some(number) => Some(Self(number)),
            None => at.fault("number_out_of_range", format!("must be last: and a number from 1 to {PREVIEWED_MAX}")),
        }
    }
}

impl PartialSchema for LastOrders {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("The newest orders."));
        text.pattern(Some("^last:[0-9]{1,4}$")).into()
    }
}

impl ToSchema for LastOrders {}

/// What a version would change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RulePreview)]
pub struct RulePreviewJson {
    /// Name of the rule set.
    pub rule_set: Id,
    /// The version.
    pub version: u32,
    /// Orders in memory that were looked at, newest first.
    pub looked_at: usize,
    /// Those to which the version would not apply.
    pub not_concerned: usize,
    /// Those of which too little was recorded to decide again.
    pub not_comparable: usize,
    /// Those that were decided again.
    pub compared: usize,
    /// What all of those cost by the rules of then.
    pub cost_before: MoneyJson,
    /// What they cost by this version.
    pub cost_after: MoneyJson,
    /// Where it weighs `opportunity`: by what prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opportunity: Option<WeighedJson>,
    /// Those that it decides otherwise.
    pub changes: Vec<ChangedDecision>,
    /// Whether the time for it, 5 seconds, ended before all were looked at that were asked for.
    pub stopped: bool,
}

/// A decision, and the one that would be made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangedDecision {
    /// The order.
    pub order: String,
    /// Rule set by which it was decided.
    pub rule_set: Id,
    /// Its version.
    pub rule_set_version: u32,
    /// What was decided.
    pub before: PreviewedPlan,
    /// What would be.
    pub after: PreviewedPlan,
}

/// A plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewedPlan {
    /// Minor units of the base currency.
    pub cost: i64,
    /// Units that nobody ships.
    pub unfilled: u64,
    /// Its shipments.
    pub assignments: Vec<PreviewedShipment>,
}

/// A shipment of a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewedShipment {
    /// From where.
    pub node: Id,
    /// What.
    pub lines: Vec<PreviewedUnits>,
}

/// Units of one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewedUnits {
    /// Id of the line.
    pub line: Id,
    /// Units.
    pub quantity: u32,
}

/// A shipment: its node, and lines by id with their units.
pub type ShipmentTold = (NodeIndex, Vec<(Text, u32)>);

impl PreviewedPlan {
    /// A plan by the names clients know.
    pub fn of(cost: i64, unfilled: u64, shipments: &[ShipmentTold], catalogue: &Catalogue) -> Self {
        let units = |(line, quantity): &(Text, u32)| PreviewedUnits { line: Id(line.clone()), quantity: *quantity };
        let shipment = |(node, lines): &ShipmentTold| PreviewedShipment {
            node: Id(catalogue.node(*node).id.clone()),
            lines: lines.iter().map(units).collect(),
        };
        Self { cost, unfilled, assignments: shipments.iter().map(shipment).collect() }
    }
}

/// An amount in the base currency.
pub fn in_base(amount: i64, catalogue: &Catalogue) -> MoneyJson {
    Money { amount, currency: catalogue.base_currency }.into()
}

shape! {
    /// Which version of a rule set runs beside the live ones.
    #[derive(Copy)]
    pub struct ShadowPut {
        /// The version; `null` for none.
        #[schema(value_type = Option<VersionNumber>)]
        pub version: OrNull<VersionNumber>,
    }
}

impl ShadowPut {
    /// The command for one rule set.
    pub fn command(self, rule_set: Text) -> Command {
        Command::PutPolicy(PutPolicy::Shadow { rule_set, version: self.version.0.map(|version| version.0) })
    }
}

/// What the shadow of a rule set comes to beside the live rules, since it was put or the process started.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RuleSetShadow)]
pub struct ShadowJson {
    /// Name of the rule set.
    pub rule_set: Id,
    /// The version.
    pub version: u32,
    /// The record after which decisions are counted.
    pub since: u64,
    /// Decisions that were looked at.
    pub looked_at: u64,
    /// Those that the version would not have made.
    pub not_concerned: u64,
    /// Those of which too little was recorded to decide again.
    pub not_comparable: u64,
    /// Those that were compared and are the same.
    pub same: u64,
    /// Those that were compared and are not.
    pub differ: u64,
    /// What all that were compared come to as they were decided.
    pub live: ReplayFigures,
    /// What they would have come to.
    pub shadow: ReplayFigures,
}
