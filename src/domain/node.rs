//! A node: a place or party that can supply.

use serde::{Deserialize, Serialize};

use super::geo::Position;
use super::ids::Text;

/// What kind of place a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum NodeKind {
    /// Distribution centre.
    Warehouse,
    /// Shop.
    Store,
    /// Third-party logistics provider.
    ThirdParty,
    /// Ships for us from its own stock.
    Supplier,
    /// Supplies what has no stock: services and downloads.
    Virtual,
}

/// A node as the catalogue knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Its id, chosen by the operator.
    pub id: Text,
    /// Kind of place.
    pub kind: NodeKind,
    /// Name for people.
    pub name: Text,
    /// Where it is.
    pub position: Position,
    /// ISO 3166-1 alpha-2 country.
    pub country: Text,
    /// Postal code.
    pub postal_code: Text,
    /// IANA time zone.
    pub time_zone: Text,
    /// Whether it may supply.
    pub active: bool,
    /// Why it was switched off, when it was.
    pub inactive_reason: Option<Text>,
    /// Cost of handling, minor units of the base currency.
    pub handling: Option<Handling>,
    /// Shipments it can handle in a day.
    pub capacity_per_day: Option<u32>,
    /// Local time, minutes after midnight, after which work starts the next day.
    pub cutoff_min: Option<u16>,
    /// Name of its calendar.
    pub calendar: Option<Text>,
    /// What it can do.
    pub capabilities: Vec<Text>,
}

/// Cost of handling at a node, minor units of the base currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handling {
    /// Per shipment.
    pub per_shipment: i64,
    /// Per unit.
    pub per_unit: i64,
}
