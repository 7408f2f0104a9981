//! Commands of supply on its way: inbound documents and transfers.

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
    Receive(Vec<SkuUnits>),
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
}

/// What happens to a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferAction {
    /// It comes at another time.
    Redate(WallTime),
    /// It leaves.
    Dispatch,
    /// Units came; when `close` is set, no more will.
    Receive {
        /// What came.
        lines: Vec<SkuUnits>,
        /// Whether the rest will not come.
        close: bool,
    },
    /// It will not leave.
    Cancel(Option<Text>),
}
