//! Commands that change stock: adjustments, moves between states, counts and cycle counts.

use crate::domain::ids::Text;
use crate::domain::quantity::Quantity;
use crate::domain::stock::MovementKind;
use crate::domain::time::WallTime;

/// One relative change of what is on hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// By how much; never zero.
    pub delta: i32,
    /// Why.
    pub reason: MovementKind,
}

/// Units of one lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLot {
    /// The lot.
    pub lot: Text,
    /// The last instant at which they may be used; that of the lot, where it is known, when `None`.
    pub expires_at: Option<WallTime>,
    /// How many.
    pub units: u32,
}

/// Lots or serial numbers of units of one sku; of the rest nobody says of which they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Lots.
    pub lots: Vec<NamedLot>,
    /// Serial numbers.
    pub serials: Vec<NamedLot>,
}

impl Names {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty() && self.serials.is_empty()
    }
}

/// A relative change that names the lots or serial numbers it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAdjustment {
    /// The change.
    pub adjustment: Adjustment,
    /// Of which units.
    pub names: Names,
}

/// A state of units that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockState {
    /// Free for promise.
    Available,
    /// Not sellable.
    Damaged,
    /// Waiting for inspection.
    QualityControl,
    /// Withheld as a buffer.
    SafetyStock,
}

impl StockState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Damaged => "damaged",
            Self::QualityControl => "quality_control",
            Self::SafetyStock => "safety_stock",
        }
    }
}

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// From; one of the two is `Available`.
    pub from: StockState,
    /// To.
    pub to: StockState,
    /// How many.
    pub quantity: Quantity,
}

/// An absolute count, compared and set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOnHand {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// What was counted.
    pub on_hand: u32,
    /// What the caller believes is there; `None` opts out of the comparison.
    pub expected: Option<u32>,
    /// Who counted.
    pub source: Option<Text>,
    /// The counter's own sequence: a lower one than the last is stale.
    pub source_seq: Option<u64>,
    /// When it was counted; now when `None`.
    pub as_of: Option<WallTime>,
}

/// A recount of some skus at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanCount {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where.
    pub node: Text,
    /// What: each once.
    pub skus: Vec<Text>,
}

/// What was found of a sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUnits {
    /// The sku.
    pub sku: Text,
    /// Units.
    pub on_hand: u32,
}

/// What happens to a cycle count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CycleCountAction {
    /// Some of it was counted.
    Submit {
        /// What was found.
        lines: Vec<FoundUnits>,
        /// When; now when `None`.
        counted_at: Option<WallTime>,
    },
    /// The rest will not be counted.
    Cancel(Option<Text>),
}
