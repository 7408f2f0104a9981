//! Commands of picking: where things lie, waves and their tasks.

use super::stock::Names;
use crate::domain::fulfillment::ShortReason;
use crate::domain::ids::Text;
use crate::domain::picking::BinPlace;
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

/// Where skus lie at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBins {
    /// Where.
    pub node: Text,
    /// Each sku once, and its place; nowhere from now on when `None`.
    pub bins: Vec<(Text, Option<BinPlace>)>,
}

/// A wave to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanWave {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where.
    pub node: Text,
    /// Which fulfilment orders; those whose carrier comes first when `None`.
    pub fulfillments: Option<Vec<Text>>,
    /// Only those whose carrier comes before that.
    pub cutoff_before: Option<WallTime>,
}

/// What happens to a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaveAction {
    /// It goes to the floor.
    Release,
    /// The rest is not picked with it.
    Cancel(Option<Text>),
    /// A task takes a step.
    Task {
        /// Its number, as it was written.
        task: Text,
        /// Which.
        step: TaskAction,
    },
}

/// Which units of a sku were picked for a fulfilment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickedFor {
    /// Which fulfilment order.
    pub fulfillment: Text,
    /// What.
    pub sku: Text,
    /// Their lots or serial numbers.
    pub names: Names,
}

/// What happens to a task of a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskAction {
    /// Somebody will do it.
    Assign {
        /// Who.
        picker: Text,
    },
    /// Somebody does it.
    Start,
    /// Units are not found.
    Short {
        /// Number of the entry of its pick list, from 0.
        pick: u32,
        /// Units of the line.
        quantity: Quantity,
        /// Why.
        reason: ShortReason,
    },
    /// The rest is picked.
    Done {
        /// Lots and serial numbers of what is tracked; of what is not named what expires first is taken.
        named: Vec<PickedFor>,
    },
}
