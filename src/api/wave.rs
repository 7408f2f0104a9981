//! Waves: planned, their tasks, shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Names;
use super::lots::{LotQuantity, names};
use super::order_names::OrderNames;
use super::page::{Limit, WaveCursor};
use super::reading::{Listed, shape};
use super::scalar::{CallerId, Count, FulfillmentId, Id, Instant, LotId, Name, Reason, Sku};
use super::words::{as_optional_word, as_word};
use crate::domain::command::{Command, PickedFor, PlanWave, TaskAction, WaveAction};
use crate::domain::fulfillment::ShortReason;
use crate::domain::ids::Text;
use crate::domain::limits::WAVE_PICKS_MAX;
use crate::domain::picking::PickMethod;
use crate::domain::quantity::Quantity;
use crate::domain::wave::{PickLine, PickTask, TaskStatus, Wave, WaveStatus};

shape! {
    /// A wave that is planned: of the fulfilment orders that are named, else of those at the node whose carrier comes first,
    /// as many as the picking rule lets one wave have.
    pub struct NewWave {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// Where.
        pub node: Id,
        /// Which, up to 500.
        pub fulfillment_orders: Option<Vec<FulfillmentId>>,
        /// Only those whose carrier comes before that.
        pub cutoff_before: Option<Instant>,
    }
}

impl NewWave {
    /// The command, with the fingerprint of the body.
    pub fn command(self, fingerprint: u64) -> Command {
        let named = |named: Vec<FulfillmentId>| named.into_iter().map(|id| id.0).collect();
        Command::PlanWave(PlanWave {
            id: self.id.map(Text::from),
            fingerprint,
            node: self.node.0,
            fulfillments: self.fulfillment_orders.map(named),
            cutoff_before: self.cutoff_before.map(Instant::wall),
        })
    }
}

shape! {
    /// The rest is not picked with it.
    pub struct WaveCancelling {
        /// Why.
        pub reason: Option<Reason>,
    }
}

impl WaveCancelling {
    /// The step.
    pub fn action(self) -> WaveAction {
        WaveAction::Cancel(self.reason.map(Text::from))
    }
}

shape! {
    /// Somebody will do a task.
    pub struct TaskAssigning {
        /// Who.
        pub picker: Name,
    }
}

impl TaskAssigning {
    /// The step.
    pub fn action(self) -> TaskAction {
        TaskAction::Assign { picker: self.picker.0 }
    }
}

shape! {
    /// Units of an entry of a pick list are not found.
    #[derive(Copy)]
    pub struct TaskShorting {
        /// Number of the entry, from 0.
        pub pick: Count,
        /// Units of the order's line: of a kit, kits.
        pub quantity: Quantity,
        /// Why; decides what becomes of the stock.
        pub reason: ShortReason,
    }
}

impl TaskShorting {
    /// The step.
    pub fn action(self) -> TaskAction {
        TaskAction::Short { pick: self.pick.0, quantity: self.quantity, reason: self.reason }
    }
}

shape! {
    /// Which units of a sku were picked for a fulfilment order.
    pub struct PickedForNames {
        /// Which fulfilment order.
        pub fulfillment_order: FulfillmentId,
        /// What.
        pub sku: Sku,
        /// Lots, where it is tracked by lot.
        pub lots: Option<Vec<LotQuantity>>,
        /// Serial numbers, where it is tracked by them.
        pub serials: Option<Vec<LotId>>,
    }
}

impl Listed for PickedForNames {
    const MOST: usize = WAVE_PICKS_MAX;
}

shape! {
    /// All else of a task is picked.
    pub struct TaskDone {
        /// Lots and serial numbers of what is tracked. Of what is not named what expires first is taken, and told.
        pub named: Option<Vec<PickedForNames>>,
    }
}

impl TaskDone {
    /// The step.
    pub fn action(self) -> TaskAction {
        let named = |one: PickedForNames| PickedFor {
            fulfillment: one.fulfillment_order.0,
            sku: one.sku.0,
            names: names(one.lots, one.serials),
        };
        TaskAction::Done { named: self.named.into_iter().flatten().map(named).collect() }
    }
}

shape! {
    /// Which waves.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct WaveParams {
        /// At that node.
        #[param(inline)]
        pub node: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<WaveStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<WaveCursor>,
    }
}

/// A wave.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Wave)]
pub struct WaveJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Where.
    pub node: String,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: WaveStatus,
    /// How it is picked; `null` until it is released.
    #[serde(serialize_with = "as_optional_word")]
    #[schema(value_type = Option<PickMethod>)]
    pub method: Option<PickMethod>,
    /// When the carrier comes for it; `null` when none comes at a time.
    pub cutoff: Option<Instant>,
    /// What.
    pub fulfillment_orders: Vec<String>,
    /// Its tasks, once it is released.
    pub tasks: Vec<TaskJson>,
    /// Why it was cancelled, when somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was planned.
    pub planned_at: Instant,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Version, from 1.
    pub version: u32,
}

/// A task: a tour of one picker.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PickTask)]
pub struct TaskJson {
    /// Its number, from 1.
    pub number: usize,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: TaskStatus,
    /// Its zone, when it stays in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Who does it.
    pub picker: Option<String>,
    /// How far it is, metres.
    pub metres: u32,
    /// When it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Instant>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Its pick list, in walking order.
    pub picks: Vec<PickJson>,
}

/// An entry of a pick list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Pick)]
pub struct PickJson {
    /// Name of the bin; `null` when nobody told where it lies.
    pub bin: Option<String>,
    /// What.
    pub sku: String,
    /// Units of it.
    pub quantity: u32,
    /// For which fulfilment order.
    pub fulfillment_order: String,
    /// Id of its line in the order.
    pub line: String,
    /// Units of the line picked with it.
    pub picked: u32,
    /// Units of the line not found.
    pub short: u32,
}

impl WaveJson {
    /// A wave.
    pub fn of(wave: &Wave, names: &impl Names, orders: &OrderNames<'_>) -> Self {
        let tasks = (1..).zip(&wave.tasks).map(|(number, task)| TaskJson::of(number, task, names, orders)).collect();
        Self {
            id: wave.name(),
            node: names.node(wave.node),
            status: wave.status(),
            method: wave.method,
            cutoff: wave.cutoff.map(Instant::from),
            fulfillment_orders: wave.fulfillments.iter().map(ToString::to_string).collect(),
            tasks,
            reason: wave.cancelled.as_ref().and_then(|why| why.as_deref()).map(str::to_owned),
            planned_at: wave.planned_at.into(),
            ended_at: wave.ended_at.map(Instant::from),
            version: wave.version,
        }
    }
}

impl TaskJson {
    fn of(number: usize, task: &PickTask, names: &impl Names, orders: &OrderNames<'_>) -> Self {
        Self {
            number,
            status: task.status,
            zone: task.zone.as_deref().map(str::to_owned),
            picker: task.picker.as_deref().map(str::to_owned),
            metres: task.metres,
            started_at: task.started_at.map(Instant::from),
            ended_at: task.ended_at.map(Instant::from),
            picks: task.picks.iter().map(|line| PickJson::of(line, names, orders)).collect(),
        }
    }
}

impl PickJson {
    fn of(line: &PickLine, names: &impl Names, orders: &OrderNames<'_>) -> Self {
        Self {
            bin: line.pick.bin.as_deref().map(str::to_owned),
            sku: names.sku(line.pick.sku),
            quantity: line.pick.units,
            fulfillment_order: line.pick.fulfillment.to_string(),
            line: orders.line(line.pick.fulfillment.order, line.pick.line),
            picked: line.picked,
            short: line.short,
        }
    }
}
