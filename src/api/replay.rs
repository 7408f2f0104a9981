//! What-if: asked and shown.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::carrier::CarrierPut;
use super::channel::ids;
use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::rule_set::RuleSetPut;
use super::scalar::{Change, Id, Instant, MoneyJson, PercentChange, RatePart, Sku, VersionNumber};
use super::words::{MeasureWord, ScenarioWord, Worded};
use crate::domain::command::Command;

/// Most nodes that are switched off at once.
const OUT_MAX: usize = 2_000;
/// Most changes of stock that are supposed.
const STOCK_MAX: usize = 10_000;
/// Most carriers that are supposed.
const CARRIERS_MAX: usize = 50;
/// Most limits of a target.
const LIMITS_MAX: usize = 8;

/// How often an order is placed again at most: each copy is held until its orders are done.
const DEMAND_MAX: u32 = 10;

shape! {
    /// What is supposed; nothing, when all of it is left out.
    pub struct ReplayRequest {
        /// Rules for the orders that name none.
        pub rules: Option<RuleSetPut>,
        /// The name of a rule set instead; its active version unless `version` says which.
        pub rule_set: Option<Id>,
        /// The version of it.
        pub version: Option<VersionNumber>,
        /// Carriers in the place of those of the same id, or beside them.
        pub carriers: Option<Vec<CarrierLine>>,
        /// Nodes that are switched off.
        pub out: Option<Vec<OutNode>>,
        /// Free stock at the beginning and all that is received later, as a multiple of what it was.
        pub stock_factor: Option<RatePart>,
        /// Units more or fewer at the beginning.
        pub stock: Option<Vec<StockLine>>,
        /// How often every order is placed, copies of a share of them included; at most 10.
        pub demand_factor: Option<RatePart>,
        /// The first instant of the period, by when orders were placed.
        pub from: Option<Instant>,
        /// The first instant after it.
        pub until: Option<Instant>,
        /// `busiest_day` doubles the busiest day, `stock_out` leaves every sku only what its orders ask for, `all_channels` puts
        /// the busiest days of all channels on one.
        pub scenario: Option<ScenarioWord>,
        /// What rules shall reach: then such rules are looked for, on up to 300,000 records of 256 MiB together.
        pub target: Option<TargetShape>,
    }
    check = ReplayRequest::judge;
}

shape! {
    /// What rules shall reach, against what was decided.
    #[schema(as = ReplayTarget)]
    pub struct TargetShape {
        /// Of what.
        pub measure: MeasureWord,
        /// By how much it shall change at most, per cent; below zero is less. Above zero it may be more than it was: rules
        /// that change less than that reach it too, so that is of use as a limit.
        pub percent: PercentChange,
        /// What may not change by more; cost by nothing when left out.
        pub at_most: Option<Vec<LimitShape>>,
    }
}

shape! {
    /// A bound of a target.
    #[derive(Copy)]
    #[schema(as = ReplayLimit)]
    pub struct LimitShape {
        /// Of what.
        pub measure: MeasureWord,
        /// By how much it may change, per cent.
        pub percent: PercentChange,
    }
}

shape! {
    /// Units of an item at a node, more or fewer than there were.
    #[schema(as = ReplayStock)]
    pub struct StockLine {
        /// The item.
        pub sku: Sku,
        /// The node.
        pub node: Id,
        /// Units.
        pub delta: Change,
    }
}

ids! {
    /// A node that is switched off.
    OutNode in 0, OUT_MAX;
}

/// A carrier with its id.
#[derive(Clone, Debug)]
pub struct CarrierLine {
    /// Its id.
    pub id: Id,
    /// The carrier.
    pub carrier: CarrierPut,
}

impl Shape for CarrierLine {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let mut rest = json.clone();
        let own = at.field("id");
        let id = match rest.take("id") {
            Some(id) => Id::read(&id, &own),
            None => Id::left_out(&own),
        };
        let carrier = CarrierPut::read(&rest, at);
        Some(Self { id: id?, carrier: carrier? })
    }
}

impl PartialSchema for CarrierLine {
    fn schema() -> RefOr<Schema> {
        CarrierPut::schema()
    }
}

impl ToSchema for CarrierLine {}

impl CarrierLine {
    /// As it would be put.
    pub fn command(&self) -> Command {
        self.carrier.command(self.id.0.clone())
    }
}

impl Listed for CarrierLine {
    const MOST: usize = CARRIERS_MAX;
}

impl Listed for StockLine {
    const MOST: usize = STOCK_MAX;
}

impl Listed for LimitShape {
    const LEAST: usize = 0;
    const MOST: usize = LIMITS_MAX;
}

impl ReplayRequest {
    fn judge(&self, at: &At<'_>) {
        if self.rules.is_some() && self.rule_set.is_some() {
            at.field("rule_set").fault::<()>("unknown_field", "is not a field beside rules");
        }
        if self.version.is_some() && self.rule_set.is_none() {
            at.field("rule_set").fault::<()>("missing_field", "is required beside version");
        }
        if self.demand_factor.is_some_and(|factor| factor.millionths > DEMAND_MAX * 1_000_000) {
            at.field("demand_factor").fault::<()>("number_out_of_range", &format!("must be at most {DEMAND_MAX}"));
        }
        if self.target.is_some() && self.scenario.is_some() {
            let detail = "cannot be supposed beside target: rules are looked for on the orders as they were";
            at.field("scenario").fault::<()>("not_of_type", detail);
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            at.field("until").fault::<()>("time_out_of_order", "must come after from");
        }
    }
}

/// A line of the answer: either of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayLine {
    /// How far it is.
    Progress(ReplayProgress),
    /// What came of it, the last line.
    Result(Box<ReplayJson>),
    /// Why it broke off, the last line.
    Problem(ReplayProblem),
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ReplayProgress {
    /// Records read, over all passes.
    pub records: u64,
    /// Records of one pass.
    pub of: u64,
    /// Sets of rules that were tried, where a target is looked for.
    pub tried: u64,
}

/// Why a replay broke off.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayProblem {
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
    /// Fields that mean nothing to this journal, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ReplayFault>,
}

/// A field that means nothing to this journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayFault {
    /// Which.
    pub field: String,
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// What came of a replay.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Replay)]
pub struct ReplayJson {
    /// Records read.
    pub records: u64,
    /// Orders that count.
    pub orders: u64,
    /// Plans that were made again.
    pub decided: u64,
    /// Those of them by rules that weigh `opportunity`, made while no prices of it were known: as if nothing were worth
    /// anything. A replay finds no prices, it has those of its journal.
    pub unpriced: u64,
    /// Those of them to which rules that are supposed do not apply: their order names a rule set, or a narrower scope holds.
    pub not_concerned: u64,
    /// Those of them that are the same.
    pub same: u64,
    /// Plans of which too little was recorded: they were taken over.
    pub followed: u64,
    /// Units that carts, transfers and corrections took as they did although they were not there, at the end.
    pub owed: u64,
    /// What was decided.
    pub before: ReplayFigures,
    /// What would have been.
    pub after: ReplayFigures,
    /// The first plans that differ.
    pub differences: Vec<ReplayDifference>,
    /// The rules that were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundRules>,
}

/// Sums over plans.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ReplayFigures {
    /// Orders, each once for every copy.
    pub orders: u64,
    /// Shipments.
    pub shipments: u64,
    /// Of those, beyond the first of their plan.
    pub splits: u64,
    /// Units that nodes have.
    pub units: u64,
    /// Units that plans left.
    pub unfilled: u64,
    /// Units that wait at the end.
    pub waiting: u64,
    /// What nodes and carriers ask; without carriers what the rules of then ask for shipments and their way.
    pub cost: MoneyJson,
    /// What plans cost by the rules that made them.
    pub weighed: MoneyJson,
    /// Way of all shipments, kilometres.
    pub distance_km: u64,
    /// Greenhouse gas, kilograms of CO2 equivalents.
    pub carbon_kg: u64,
    /// Days until plans arrive, all together.
    pub days: u64,
    /// Plans of which the day is known.
    pub dated: u64,
}

/// A plan that differs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayDifference {
    /// The order.
    pub order: String,
    /// What was decided.
    pub before: Vec<ReplayShipment>,
    /// What would have been.
    pub after: Vec<ReplayShipment>,
    /// Units that were left.
    pub unfilled_before: u64,
    /// Units that would have been.
    pub unfilled_after: u64,
}

/// A shipment of a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayShipment {
    /// From where.
    pub node: String,
    /// Units.
    pub units: u64,
}

/// Rules that reach a target, or come nearest.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundRules {
    /// Whether they reach it.
    pub reached: bool,
    /// Sets of rules that were tried.
    pub tried: u64,
    /// The rules, as they are put.
    pub rules: RuleSetPut,
    /// What was asked for, and what came of it: the aim, then the limits.
    pub measures: Vec<FoundMeasure>,
}

/// A measure of a target.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct FoundMeasure {
    /// Which.
    pub measure: &'static str,
    /// Per cent by which it was to change, at most.
    pub percent_wanted: i32,
    /// Per cent by which it changes; `null` where there was nothing before.
    pub percent: Option<f64>,
}

impl FoundMeasure {
    /// Of a measure.
    pub fn of(measure: MeasureWord, percent_wanted: i32, percent: Option<f64>) -> Self {
        let percent = percent.map(|percent| (percent * 100.0).round() / 100.0);
        Self { measure: measure.word(), percent_wanted, percent }
    }
}
