//! Commands of edits of orders.

use super::order::ShipTo;
use crate::domain::ids::Text;
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;

/// One change of an order that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditChange {
    /// A line becomes so many units, cancelled ones not counted, and costs so much; `None` leaves either as it is.
    Line {
        /// Id of the line.
        line: Text,
        /// Units wanted; 0 when it is no longer wanted.
        quantity: Option<u32>,
        /// Price of one.
        unit_price: Option<Money>,
    },
    /// A line is added.
    Add {
        /// Its id; the next free number when `None`.
        id: Option<Text>,
        /// What.
        sku: Text,
        /// How many.
        quantity: Quantity,
        /// Price of one.
        unit_price: Money,
    },
    /// The order goes elsewhere.
    ShipTo(ShipTo),
}

/// Open an edit of an order: plan it and set aside what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEdit {
    /// The order.
    pub order: Text,
    /// The changes, in the order in which faults name them.
    pub changes: Vec<EditChange>,
}

/// How somebody ends an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOutcome {
    /// It takes effect.
    Confirm,
    /// It does not.
    Decline,
}

/// End an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndEdit {
    /// The order.
    pub order: Text,
    /// The edit's name within it.
    pub edit: Text,
    /// How.
    pub outcome: EditOutcome,
}
