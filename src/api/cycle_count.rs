//! Cycle counts: planned, their results, shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::page::{CycleCountCursor, Limit};
use super::reading::{Listed, shape};
use super::scalar::{CallerId, Count, Id, Instant, Reason, Sku};
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, CycleCountAction, FoundUnits, PlanCount};
use crate::domain::cycle_count::{CycleCount, CycleCountStatus, CycleLine};
use crate::domain::ids::Text;
use crate::domain::limits::INBOUND_LINES_MAX;

shape! {
    /// A recount of some skus at a node.
    pub struct NewCount {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// Where.
        pub node: Id,
        /// What, up to 500 skus, each once.
        pub skus: Vec<Sku>,
    }
}

shape! {
    /// What was found of a sku.
    pub struct Found {
        /// The sku.
        pub sku: Sku,
        /// Units.
        pub on_hand: Count,
    }
}

impl Listed for Found {
    const MOST: usize = INBOUND_LINES_MAX;
}

shape! {
    /// Results: all of them, or some.
    pub struct Results {
        /// What was found.
        pub lines: Vec<Found>,
        /// When, up to 24 h ago: what happened since is done again on top of it. Now when left out.
        pub counted_at: Option<Instant>,
    }
}

shape! {
    /// The rest will not be counted.
    pub struct CountCancelling {
        /// Why.
        pub reason: Option<Reason>,
    }
}

impl NewCount {
    /// The command, with the fingerprint of the body.
    pub fn command(self, fingerprint: u64) -> Command {
        let skus = self.skus.into_iter().map(|sku| sku.0).collect();
        Command::PlanCount(PlanCount { id: self.id.map(Text::from), fingerprint, node: self.node.0, skus })
    }
}

impl Results {
    /// The command for one cycle count.
    pub fn command(self, count: Text) -> Command {
        let found = |found: Found| FoundUnits { sku: found.sku.0, on_hand: found.on_hand.0 };
        let lines = self.lines.into_iter().map(found).collect();
        let counted_at = self.counted_at.map(Instant::wall);
        Command::ChangeCount { count, action: CycleCountAction::Submit { lines, counted_at } }
    }
}

impl CountCancelling {
    /// The command for one cycle count.
    pub fn command(self, count: Text) -> Command {
        Command::ChangeCount { count, action: CycleCountAction::Cancel(self.reason.map(Text::from)) }
    }
}

shape! {
    /// Which cycle counts.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct CountParams {
        /// At that node.
        #[param(inline)]
        pub node: Option<Id>,
        /// In that status.
        #[param(inline)]
        pub status: Option<CycleCountStatus>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<CycleCountCursor>,
    }
}

/// A cycle count.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CycleCount)]
pub struct CycleCountJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Where.
    pub node: Id,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: CycleCountStatus,
    /// What.
    pub lines: Vec<CycleLineJson>,
    /// Version, from 1.
    pub version: u32,
}

/// A sku to be counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CycleLine)]
pub struct CycleLineJson {
    /// The sku.
    pub sku: Sku,
    /// Units found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hand: Option<u32>,
    /// By how much what is on hand changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<i64>,
    /// Whether it was taken up; not when a newer count came before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
}

impl CycleCountJson {
    /// A cycle count.
    pub fn of(count: &CycleCount, catalogue: &Catalogue) -> Self {
        let line = |line: &CycleLine| CycleLineJson {
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            on_hand: line.counted.map(|counted| counted.on_hand),
            difference: line.counted.map(|counted| counted.difference),
            applied: line.counted.map(|counted| counted.applied),
        };
        Self {
            id: count.name(),
            node: Id(catalogue.node(count.node).id.clone()),
            status: count.status(),
            lines: count.lines.iter().map(line).collect(),
            version: count.version,
        }
    }
}
