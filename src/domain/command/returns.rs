//! Commands of returns.

use super::stock::Names;
use crate::domain::ids::Text;
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::returns::{Condition, Disposition};
use crate::domain::time::WallTime;
use crate::domain::tracking::Scan;

/// Units of a line of an order that shall come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUnits {
    /// Id of the order's line.
    pub line: Text,
    /// How many.
    pub quantity: Quantity,
    /// Why.
    pub reason: Text,
    /// The state they are said to be in.
    pub condition: Option<Condition>,
}

/// What a customer wants instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedInstead {
    /// What.
    pub sku: Text,
    /// How many.
    pub quantity: Quantity,
    /// Price of one; that of the order's own line of the sku, else the item's value, when `None`.
    pub unit_price: Option<Money>,
}

/// A return that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestReturn {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// The order.
    pub order: Text,
    /// What shall come back: each line of the order once.
    pub lines: Vec<ReturnUnits>,
    /// What the customer wants instead.
    pub exchange: Vec<WantedInstead>,
    /// Whether nothing shall come back.
    pub is_claim: bool,
}

/// Units of a line of a return that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedUnits {
    /// Id of the order's line.
    pub line: Text,
    /// The sku of a component where the line is of a kit that is looked at in pieces: units of that are meant then.
    pub component: Option<Text>,
    /// How many.
    pub quantity: Quantity,
    /// Their grade, if somebody looked.
    pub condition: Option<Condition>,
    /// What becomes of them, if that is known.
    pub disposition: Option<Disposition>,
    /// Their lots or serial numbers, where they stay.
    pub names: Names,
}

/// What a carrier tells of a parcel of a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackReturn {
    /// The return.
    pub returned: Text,
    /// Number of the parcel's label, from 1.
    pub label: u16,
    /// What it saw, in whatever order; what is known is passed over.
    pub scans: Vec<Scan>,
    /// When it means to deliver, if it says that.
    pub estimated_at: Option<WallTime>,
}

/// What happens to a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnAction {
    /// It may come.
    Approve {
        /// Where all of it shall come to; where it is worth most when `None`.
        node: Option<Text>,
    },
    /// It may not.
    Decline(Option<Text>),
    /// Nobody wants it any more.
    Cancel(Option<Text>),
    /// A parcel has a label.
    Label {
        /// Where it goes.
        node: Option<Text>,
        /// Carrier.
        carrier: Text,
        /// Its service.
        service: Option<Text>,
        /// Tracking number.
        tracking_number: Text,
    },
    /// The goods are on their way.
    Transit,
    /// Units came, or were missed.
    Receive {
        /// Where; where they should when `None`.
        node: Option<Text>,
        /// Which.
        lines: Vec<ReturnedUnits>,
    },
    /// Units that came are graded; what becomes of them may be said too.
    Inspect(Vec<ReturnedUnits>),
    /// It is said what becomes of units that were graded.
    Dispose(Vec<ReturnedUnits>),
    /// Money went back.
    Refund(Money),
    /// No more money goes back.
    Close(Option<Text>),
}
