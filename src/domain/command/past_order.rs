//! The command that takes in an order which ended before it was told of.

use super::order::{NamedUnits, PlaceOrder};
use crate::domain::fulfillment::Shipment;
use crate::domain::ids::Text;
use crate::domain::time::WallTime;

/// An order of the past, with its own dates. It touches no stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOrder {
    /// What was captured; `placed_at` is given.
    pub order: PlaceOrder,
    /// When it ended.
    pub closed_at: WallTime,
    /// What reached the customer. All other units were cancelled.
    pub shipments: Vec<PastShipment>,
}

/// Units that reached the customer from one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastShipment {
    /// From where.
    pub node: Text,
    /// Which units; all of the order when `None`.
    pub lines: Option<Vec<NamedUnits>>,
    /// How they left, when that is known.
    pub shipment: Option<Shipment>,
    /// When they left; when they arrived, if nobody knows.
    pub shipped_at: Option<WallTime>,
    /// When they arrived; when the order ended, if nobody knows.
    pub delivered_at: Option<WallTime>,
}
