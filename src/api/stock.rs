//! Stock: adjusted, moved, counted and shown; and what can be promised of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::lots::{LotQuantity, names};
use super::reading::{At, Listed, shape};
use super::scalar::{Change, Count, Day, Id, Instant, LotId, Name, OrNull, Sequence, Sku};
use super::words::{AdjustmentReason, SupplyType, as_optional_word};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Adjustment, Command, NamedAdjustment, SetOnHand, StockMove, StockState};
use crate::domain::count::Dropped;
use crate::domain::ids::Text;
use crate::domain::limits::ADJUSTMENTS_MAX;
use crate::domain::quantity::Quantity;
use crate::domain::stock::{CellKey, Level};
use crate::domain::supply::SupplyTerms;

shape! {
    /// Changes of what is on hand; all or nothing.
    pub struct Adjustments {
        /// Up to 1,000.
        pub adjustments: Vec<AdjustmentShape>,
    }
}

shape! {
    /// One change of what is on hand.
    #[schema(as = Adjustment)]
    pub struct AdjustmentShape {
        /// The sku.
        pub sku: Sku,
        /// The node.
        pub node: Id,
        /// By how much; never zero.
        pub delta: Change,
        /// Why.
        pub reason: AdjustmentReason,
        /// Of which lots they are, up to 300, where the item is tracked by lot. Of the rest nobody says.
        pub lots: Option<Vec<LotQuantity>>,
        /// Which they are, up to 300, where the item is tracked by serial number.
        pub serials: Option<Vec<LotId>>,
    }
}

impl Listed for AdjustmentShape {
    const MOST: usize = ADJUSTMENTS_MAX;
}

impl Adjustments {
    /// The command.
    pub fn command(self) -> Command {
        let named = |a: AdjustmentShape| NamedAdjustment {
            adjustment: Adjustment { sku: a.sku.0, node: a.node.0, delta: a.delta.0, reason: a.reason.into() },
            names: names(a.lots, a.serials),
        };
        let named: Vec<NamedAdjustment> = self.adjustments.into_iter().map(named).collect();
        if named.iter().any(|one| !one.names.is_empty()) {
            return Command::AdjustLots(named);
        }
        Command::AdjustStock(named.into_iter().map(|one| one.adjustment).collect())
    }
}

shape! {
    /// Changes of state; all or nothing.
    pub struct Moves {
        /// Up to 1,000.
        pub moves: Vec<MoveShape>,
    }
}

shape! {
    /// One change of state: from `available` to another one, or back.
    #[schema(as = StockMove)]
    pub struct MoveShape {
        /// The sku.
        pub sku: Sku,
        /// The node.
        pub node: Id,
        /// The state they are in.
        pub from: StockState,
        /// The state they shall be in.
        pub to: StockState,
        /// How many.
        pub quantity: Quantity,
    }
    check = MoveShape::judge;
}

impl Listed for MoveShape {
    const MOST: usize = ADJUSTMENTS_MAX;
}

impl MoveShape {
    fn judge(&self, at: &At<'_>) {
        if (self.from == StockState::Available) == (self.to == StockState::Available) {
            at.field("to").fault::<()>("illegal_move", "one of `from` and `to`, and only one, is available");
        }
    }
}

impl Moves {
    /// The command.
    pub fn command(self) -> Command {
        let one =
            |m: MoveShape| StockMove { sku: m.sku.0, node: m.node.0, from: m.from, to: m.to, quantity: m.quantity };
        Command::MoveStock(self.moves.into_iter().map(one).collect())
    }
}

shape! {
    /// An absolute count, compared and set.
    pub struct CountPut {
        /// What was counted.
        pub on_hand: Count,
        /// What the caller believes is there; `null` opts out of the comparison.
        #[schema(value_type = Option<Count>, required = true)]
        pub expected: OrNull<Count>,
        /// Who counted.
        pub source: Option<Name>,
        /// The counter's own sequence: a lower one than its last is dropped.
        pub source_seq: Option<Sequence>,
        /// When it was counted, up to 24 h ago: what happened here since is done again on top of it.
        pub as_of: Option<Instant>,
    }
    check = CountPut::judge;
}

/// A counter's own sequence means nothing without the counter.
pub fn sequence_needs_source(has_sequence: bool, has_source: bool, at: &At<'_>) {
    if has_sequence && !has_source {
        at.field("source").fault::<()>("missing_field", "is required with `source_seq`");
    }
}

impl CountPut {
    fn judge(&self, at: &At<'_>) {
        sequence_needs_source(self.source_seq.is_some(), self.source.is_some(), at);
    }

    /// The command for one cell.
    pub fn command(self, sku: Text, node: Text) -> Command {
        let expected = self.expected.0.map(|count| count.0);
        Command::SetOnHand(SetOnHand {
            sku,
            node,
            on_hand: self.on_hand.0,
            expected,
            source: self.source.map(|source| source.0),
            source_seq: self.source_seq.map(|seq| seq.0),
            as_of: self.as_of.map(Instant::wall),
        })
    }
}

/// All counters of a level. `on_hand + shortfall = available + committed + reserved + safety_stock + damaged +
/// quality_control`, exact at rest.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Level)]
#[allow(missing_docs, reason = "the fields are the states of stock")]
pub struct LevelJson {
    pub on_hand: u32,
    pub shortfall: u32,
    pub available: u32,
    pub committed: u32,
    pub reserved: u32,
    pub safety_stock: u32,
    pub damaged: u32,
    pub quality_control: u32,
    pub incoming: u64,
}

impl LevelJson {
    /// A level, and what is on its way.
    fn of(level: &Level, incoming: u64) -> Self {
        Self {
            on_hand: level.on_hand,
            shortfall: level.shortfall,
            available: level.available,
            committed: level.committed,
            reserved: level.reserved,
            safety_stock: level.safety_stock,
            damaged: level.damaged,
            quality_control: level.quality_control,
            incoming,
        }
    }
}

/// The level of a sku at a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CellLevel)]
pub struct CellJson {
    /// The sku.
    pub sku: Sku,
    /// The node.
    pub node: Id,
    /// Its counters.
    #[serde(flatten)]
    pub level: LevelJson,
}

impl CellJson {
    /// The level of a cell.
    pub fn of(cell: CellKey, level: &Level, incoming: u64, catalogue: &Catalogue) -> Self {
        Self {
            sku: Sku(catalogue.item(cell.sku).sku.clone()),
            node: Id(catalogue.node(cell.node).id.clone()),
            level: LevelJson::of(level, incoming),
        }
    }
}

/// Levels after a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Levels)]
pub struct LevelsJson {
    /// One for every cell that was named.
    pub levels: Vec<CellJson>,
}

/// What became of a count.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Counted)]
pub struct CountedJson {
    /// Whether it was taken up.
    pub applied: bool,
    /// Why not: `stale`, when a newer one was taken up before it; `duplicate`, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// By how much what is on hand changed.
    pub difference: i64,
    /// The level of the cell.
    pub levels: Vec<CellJson>,
}

impl CountedJson {
    /// A count that led to this level.
    pub fn of(level: CellJson, difference: i64, dropped: Option<Dropped>) -> Self {
        Self { applied: dropped.is_none(), reason: dropped.map(Dropped::word), difference, levels: vec![level] }
    }
}

/// The level of one node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NodeLevel)]
pub struct NodeLevelJson {
    /// The node.
    pub node: Id,
    /// Its counters.
    #[serde(flatten)]
    pub level: LevelJson,
    /// How it is supplied there, where that is otherwise than `owned`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub supply: Option<SupplyType>,
}

/// All levels of a sku.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Stock)]
pub struct StockJson {
    /// The sku.
    pub sku: Sku,
    /// Sum over all nodes.
    pub total: LevelJson,
    /// One for every node that ever had any.
    pub nodes: Vec<NodeLevelJson>,
    /// Sequence of the last record when it was read.
    pub as_of: u64,
}

impl StockJson {
    /// From the levels of a sku by node, what is on its way to each, and how each supplies it.
    pub fn new(
        sku: Text,
        total: &Level,
        nodes: &[(Text, Level)],
        (incoming, supply): (&[u64], &[Option<SupplyTerms>]),
        as_of: u64,
    ) -> Self {
        let node = |(((id, own), incoming), supply): ((&(Text, Level), &u64), &Option<SupplyTerms>)| NodeLevelJson {
            node: Id(id.clone()),
            level: LevelJson::of(own, *incoming),
            supply: supply.as_ref().map(SupplyType::from),
        };
        let total = LevelJson::of(total, incoming.iter().sum());
        Self { sku: Sku(sku), total, nodes: nodes.iter().zip(incoming).zip(supply).map(node).collect(), as_of }
    }
}

shape! {
    /// For whom and when units shall be promised.
    #[derive(Default, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct AtpParams {
        /// At that node only.
        #[param(inline)]
        pub node: Option<Id>,
        /// At the nodes of that network only.
        #[param(inline)]
        pub network: Option<Id>,
        /// For that channel: without what others keep, and no more than it may still use. To somebody of no channel when
        /// left out.
        #[param(inline)]
        pub channel: Option<Id>,
        /// For that customer: what is kept for his segment is for him.
        #[param(inline)]
        pub customer: Option<Id>,
        /// By then.
        #[param(inline)]
        pub date: Option<Day>,
    }
}

shape! {
    /// Many skus at once.
    pub struct AtpRequest {
        /// Up to 1,000.
        pub skus: Vec<Sku>,
        /// At that node only.
        pub node: Option<Id>,
        /// At the nodes of that network only.
        pub network: Option<Id>,
        /// For that channel.
        pub channel: Option<Id>,
        /// For that customer.
        pub customer: Option<Id>,
        /// By then.
        pub date: Option<Day>,
    }
}

/// What can be promised of a sku.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Atp)]
pub struct AtpJson {
    /// The sku.
    pub sku: Sku,
    /// Units.
    pub available: u64,
    /// Sequence of the last record when it was read.
    pub as_of: u64,
}

/// What can be promised of many skus.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Atps)]
pub struct AtpsJson {
    /// In the order asked.
    pub items: Vec<AtpJson>,
}
