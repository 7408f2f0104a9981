//! Commands of supply on its way: inbound documents and transfers.

use super::stock::Names;
use crate::domain::ids::Text;
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

/// Units of one sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuUnits {
    /// The sku.
    pub sku: Text,
    /// Units.
    pub quantity: Quantity,
}

/// Units of one sku that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameUnits {
    /// Which, and how many.
    pub units: SkuUnits,
    /// Their lots or serial numbers.
    pub names: Names,
}

impl From<SkuUnits> for CameUnits {
    fn from(units: SkuUnits) -> Self {
        Self { units, names: Names::default() }
    }
}

/// Supply that will come to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceInbound {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where it comes to.
    pub node: Text,
    /// From whom.
    pub supplier: Option<Text>,
    /// When.
    pub eta: WallTime,
    /// What: each sku once.
    pub lines: Vec<SkuUnits>,
}

/// What happens to a document of inbound supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundAction {
    /// It comes at another time.
    Redate(WallTime),
    /// Units came.
    Receive(Vec<CameUnits>),
    /// What has not come will not.
    End(Option<Text>),
}

/// Units that shall go from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyTransfer {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where they go from.
    pub from: Text,
    /// Where they go to.
    pub to: Text,
    /// When they come, if that is known.
    pub eta: Option<WallTime>,
    /// What: each sku once.
    pub lines: Vec<SkuUnits>,
    /// Whether it is only planned: nothing is promised.
    pub is_draft: bool,
}

/// What happens to a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferAction {
    /// The units of a draft are promised.
    Ready,
    /// It comes at another time.
    Redate(WallTime),
    /// It leaves.
    Dispatch,
    /// Units came; when `close` is set, no more will.
    Receive {
        /// What came.
        lines: Vec<CameUnits>,
        /// Whether the rest will not come.
        close: bool,
    },
    /// It will not leave.
    Cancel(Option<Text>),
}
