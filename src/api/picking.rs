//! Picking: where things lie, how nodes pick, and how well that went.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Names;
use super::reading::{At, Listed, shape};
use super::scalar::{Aisle, BinName, CartOrders, Day, Id, Metres, Sku, Threshold};
use super::words::{as_optional_word, as_word};
use crate::domain::command::{Command, PutBins, PutPolicy};
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::limits::BINS_PUT_MAX;
use crate::domain::picked::Picked;
use crate::domain::picking::{BinPlace, PickMethod, PickingRule};

shape! {
    /// Where a sku lies.
    pub struct BinEntry {
        /// The sku.
        pub sku: Sku,
        /// Name of the bin; nowhere from now on when left out or `null`.
        pub bin: Option<BinName>,
        /// Its zone.
        pub zone: Option<BinName>,
        /// Its aisle, from 0; 0 when left out.
        pub aisle: Option<Aisle>,
        /// Metres from the front of the aisle; 0 when left out.
        pub at_m: Option<Metres>,
    }
    check = BinEntry::judge;
}

impl BinEntry {
    fn judge(&self, at: &At<'_>) {
        if self.bin.is_none() && (self.zone.is_some() || self.aisle.is_some() || self.at_m.is_some()) {
            at.field("bin").fault::<()>("missing_field", "is required where a zone, an aisle or a distance is given");
        }
    }

    fn place(self) -> (Text, Option<BinPlace>) {
        let place = self.bin.map(|bin| BinPlace {
            bin: bin.0,
            zone: self.zone.map_or_else(|| "".into(), |zone| zone.0),
            aisle: self.aisle.map_or(0, |aisle| aisle.0),
            at_m: self.at_m.map_or(0, |at| at.0),
        });
        (self.sku.0, place)
    }
}

impl Listed for BinEntry {
    const MOST: usize = BINS_PUT_MAX;
}

shape! {
    /// Where skus lie at a node; those that are not named stay where they are.
    pub struct BinsPut {
        /// Each sku once.
        pub bins: Vec<BinEntry>,
    }
}

impl BinsPut {
    /// The command for one node.
    pub fn command(self, node: Text) -> Command {
        let bins = self.bins.into_iter().map(BinEntry::place).collect();
        Command::PutBins(Box::new(PutBins { node, bins }))
    }
}

/// Where a sku lies.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Bin)]
pub struct BinJson {
    /// The sku.
    pub sku: String,
    /// Name of the bin; `null` when it lies nowhere any more.
    pub bin: Option<String>,
    /// Its zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its aisle, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aisle: Option<u16>,
    /// Metres from the front of the aisle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_m: Option<u16>,
}

impl BinJson {
    /// One.
    pub fn of(sku: SkuIndex, place: Option<&BinPlace>, names: &impl Names) -> Self {
        Self {
            sku: names.sku(sku),
            bin: place.map(|place| place.bin.to_string()),
            zone: place.map(|place| place.zone.to_string()).filter(|zone| !zone.is_empty()),
            aisle: place.map(|place| place.aisle),
            at_m: place.map(|place| place.at_m),
        }
    }
}

/// Where skus lie at a node: those that were named.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Bins)]
pub struct BinsJson {
    /// Where.
    pub node: String,
    /// What.
    pub bins: Vec<BinJson>,
}

impl BinsJson {
    /// What was put.
    pub fn of(node: NodeIndex, bins: &[(SkuIndex, Option<BinPlace>)], names: &impl Names) -> Self {
        let bins = bins.iter().map(|(sku, place)| BinJson::of(*sku, place.as_ref(), names)).collect();
        Self { node: names.node(node), bins }
    }
}

shape! {
    /// How nodes pick. What is left out is as usual.
    pub struct PickingRulePut {
        /// Which node; every one that has no rule of its own when left out.
        pub node: Option<Id>,
        /// The way, whatever the load, where the node can; by the thresholds when left out.
        pub method: Option<PickMethod>,
        /// In waves above so many lines; 50.
        pub wave_over_lines: Option<Threshold>,
        /// By zones above so many different items; 20.
        pub zone_over_items: Option<Threshold>,
        /// In batches above so many units; 100.
        pub batch_over_units: Option<Threshold>,
        /// In clusters from so many lines on; 11.
        pub cluster_from_lines: Option<Threshold>,
        /// In clusters up to so many lines; 50.
        pub cluster_to_lines: Option<Threshold>,
        /// Most fulfilment orders of a wave; 100.
        pub wave_orders: Option<CartOrders>,
        /// Most units of a wave; any number. A single fulfilment order may have more.
        pub wave_units: Option<Threshold>,
        /// Fulfilment orders of one cart, of a cluster or a zone; 8.
        pub cart_orders: Option<CartOrders>,
        /// Fulfilment orders of one batch; 30.
        pub batch_orders: Option<CartOrders>,
        /// Length of an aisle, metres; 30.
        pub aisle_m: Option<Metres>,
        /// From one aisle to the next, metres; 4.
        pub aisle_gap_m: Option<Metres>,
    }
    check = PickingRulePut::judge;
}

impl PickingRulePut {
    fn rule(&self) -> PickingRule {
        let usual = PickingRule::default();
        let many = |asked: Option<Threshold>, usual: u32| asked.map_or(usual, |asked| asked.0);
        let orders = |asked: Option<CartOrders>, usual: u16| asked.map_or(usual, |asked| asked.0);
        PickingRule {
            method: self.method,
            wave_over_lines: many(self.wave_over_lines, usual.wave_over_lines),
            zone_over_items: many(self.zone_over_items, usual.zone_over_items),
            batch_over_units: many(self.batch_over_units, usual.batch_over_units),
            cluster_from_lines: many(self.cluster_from_lines, usual.cluster_from_lines),
            cluster_to_lines: many(self.cluster_to_lines, usual.cluster_to_lines),
            wave_orders: orders(self.wave_orders, usual.wave_orders),
            wave_units: self.wave_units.map(|units| units.0),
            cart_orders: orders(self.cart_orders, usual.cart_orders),
            batch_orders: orders(self.batch_orders, usual.batch_orders),
            aisle_m: self.aisle_m.map_or(usual.aisle_m, |metres| metres.0),
            aisle_gap_m: self.aisle_gap_m.map_or(usual.aisle_gap_m, |metres| metres.0),
        }
    }

    fn judge(&self, at: &At<'_>) {
        let rule = self.rule();
        if rule.cluster_from_lines > rule.cluster_to_lines {
            let detail = format!("must not be above cluster_to_lines, {}", rule.cluster_to_lines);
            at.field("cluster_from_lines").fault::<()>("number_out_of_range", detail);
        }
    }

    /// The command.
    pub fn command(self) -> Command {
        let rule = self.rule();
        Command::PutPolicy(PutPolicy::Picking { node: self.node.map(|node| node.0), rule })
    }
}

/// How nodes pick.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PickingRule)]
pub struct PickingRuleJson {
    /// The way, whatever the load; `null` for by the thresholds.
    #[serde(serialize_with = "as_optional_word")]
    #[schema(value_type = Option<PickMethod>)]
    pub method: Option<PickMethod>,
    /// In waves above so many lines.
    pub wave_over_lines: u32,
    /// By zones above so many different items.
    pub zone_over_items: u32,
    /// In batches above so many units.
    pub batch_over_units: u32,
    /// In clusters from so many lines on.
    pub cluster_from_lines: u32,
    /// In clusters up to so many lines.
    pub cluster_to_lines: u32,
    /// Most fulfilment orders of a wave.
    pub wave_orders: u16,
    /// Most units of a wave; `null` for any number.
    pub wave_units: Option<u32>,
    /// Fulfilment orders of one cart.
    pub cart_orders: u16,
    /// Fulfilment orders of one batch.
    pub batch_orders: u16,
    /// Length of an aisle, metres.
    pub aisle_m: u16,
    /// From one aisle to the next, metres.
    pub aisle_gap_m: u16,
}

impl From<&PickingRule> for PickingRuleJson {
    fn from(rule: &PickingRule) -> Self {
        Self {
            method: rule.method,
            wave_over_lines: rule.wave_over_lines,
            zone_over_items: rule.zone_over_items,
            batch_over_units: rule.batch_over_units,
            cluster_from_lines: rule.cluster_from_lines,
            cluster_to_lines: rule.cluster_to_lines,
            wave_orders: rule.wave_orders,
            wave_units: rule.wave_units,
            cart_orders: rule.cart_orders,
            batch_orders: rule.batch_orders,
            aisle_m: rule.aisle_m,
            aisle_gap_m: rule.aisle_gap_m,
        }
    }
}

shape! {
    /// Of which days and where.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct EfficiencyParams {
        /// At that node; at every one when left out.
        #[param(inline)]
        pub node: Option<Id>,
        /// Tasks that ended on that day, UTC, or later.
        #[param(inline)]
        pub since: Option<Day>,
        /// Tasks that ended on that day, UTC, or before.
        #[param(inline)]
        pub until: Option<Day>,
    }
}

/// How well a node picked in one way. Lengths are those of the pick lists as they were planned.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PickingEfficiency)]
pub struct EfficiencyJson {
    /// Where.
    pub node: String,
    /// In which way.
    #[serde(serialize_with = "as_word")]
    pub method: PickMethod,
    /// Tasks that ended.
    pub tasks: u64,
    /// Entries of their pick lists.
    pub entries: u64,
    /// Units of lines picked.
    pub units: u64,
    /// Units of lines not found.
    pub short: u64,
    /// Metres walked.
    pub metres: u64,
    /// Metres the same would have been order by order.
    pub discrete_metres: u64,
    /// Time from the start to the end of tasks, seconds.
    pub seconds: u64,
    /// `metres ÷ units`; `null` when none was picked.
    pub metres_per_unit: Option<f64>,
    /// `discrete_metres ÷ units`.
    pub discrete_metres_per_unit: Option<f64>,
    /// Units ÷ time; `null` when none went by.
    pub units_per_hour: Option<f64>,
    /// Entries ÷ time.
    pub entries_per_hour: Option<f64>,
    /// `short ÷ (units + short)`.
    pub short_rate: Option<f64>,
}

impl EfficiencyJson {
    /// Of a node and a way.
    pub fn of(node: NodeIndex, method: PickMethod, picked: &Picked, names: &impl Names) -> Self {
        Self {
            node: names.node(node),
            method,
            tasks: picked.tasks,
            entries: picked.entries,
            units: picked.units,
            short: picked.short,
            metres: picked.metres,
            discrete_metres: picked.alone_metres,
            seconds: picked.ms / 1_000,
            metres_per_unit: picked.metres_per_unit(),
            discrete_metres_per_unit: picked.alone_metres_per_unit(),
            units_per_hour: picked.per_hour(picked.units),
            entries_per_hour: picked.per_hour(picked.entries),
            short_rate: picked.short_rate(),
        }
    }
}
