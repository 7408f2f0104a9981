//! The question what it costs to send something, in domain values.

use crate::domain::carrier::rates::Parcel;
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

/// From where it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedFrom {
    /// A node.
    Node(Text),
    /// Any other place.
    Place {
        /// Country.
        country: Text,
        /// Postal code; may be empty.
        postal_code: Text,
        /// Where it is.
        position: Option<Position>,
        /// IANA time zone.
        time_zone: Option<Text>,
    },
}

/// Whereto it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedTo {
    /// Country.
    pub country: Text,
    /// Postal code; may be empty.
    pub postal_code: Text,
    /// Where it is.
    pub position: Option<Position>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedFreight {
    /// Parcels as they are.
    Parcels(Vec<Parcel>),
    /// Items by sku.
    Lines(Vec<(Text, Quantity)>),
}

/// What does it cost, and when does it arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskRates {
    /// From where.
    pub from: AskedFrom,
    /// Whereto.
    pub to: AskedTo,
    /// What.
    pub freight: AskedFreight,
    /// When it was ordered; now when `None`.
    pub placed_at: Option<WallTime>,
    /// When the last hold ends.
    pub held_until: Option<WallTime>,
}
