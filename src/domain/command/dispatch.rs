//! Commands of dispatch: numbers, parcels, the end of a carrier's day.

use crate::domain::dispatch::SsccPrefix;
use crate::domain::ids::Text;

/// Numbers of parcels are of a prefix from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutNumbers {
    /// Which.
    pub prefix: SsccPrefix,
}

/// A fulfilment order is packed into parcels, each of which gets a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackParcels {
    /// Which.
    pub fulfillment: Text,
    /// Who shall take them.
    pub carrier: Text,
    /// What each weighs, grams; 0 where nobody said.
    pub weights_g: Vec<u32>,
}

/// A carrier was here for the last time of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOut {
    /// Where.
    pub node: Text,
    /// Who, as shipments name him.
    pub carrier: Text,
    /// Which day, since 1970-01-01 by the clock of the node; today when `None`.
    pub day: Option<i32>,
}
