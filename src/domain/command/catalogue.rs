//! Commands that change the catalogue: nodes in part, items, channels.

use crate::domain::channel::PaymentBefore;
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::item::{Dimensions, ItemKind, ItemPacking, Tracking};
use crate::domain::money::Money;
use crate::domain::node::{Handling, NodeKind};
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

/// Fields of a node to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePatch {
    /// Switch it on or off.
    pub active: Option<bool>,
    /// Why it was switched off.
    pub inactive_reason: Option<Text>,
    /// Kind of place.
    pub kind: Option<NodeKind>,
    /// Name.
    pub name: Option<Text>,
    /// Position.
    pub position: Option<Position>,
    /// Country.
    pub country: Option<Text>,
    /// Postal code.
    pub postal_code: Option<Text>,
    /// Time zone.
    pub time_zone: Option<Text>,
    /// Cost of handling.
    pub handling: Option<Option<Handling>>,
    /// Name of its calendar.
    pub calendar: Option<Option<Text>>,
    /// Shipments a day.
    pub capacity_per_day: Option<Option<u32>>,
    /// Minutes after midnight.
    pub cutoff_min: Option<Option<u16>>,
    /// What it can do.
    pub capabilities: Option<Vec<Text>>,
}

/// An item to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutItem {
    /// Its sku.
    pub sku: Text,
    /// Name.
    pub name: Text,
    /// Kind.
    pub kind: ItemKind,
    /// Weight of one unit, grams.
    pub weight_g: u32,
    /// Size of one unit.
    pub dimensions: Dimensions,
    /// Value of one unit, base currency.
    pub value: Option<Money>,
    /// Components by sku, for kits.
    pub components: Vec<(Text, Quantity)>,
    /// When it is released; it always was when `None`.
    pub release_at: Option<WallTime>,
    /// How its units are told apart, if they are.
    pub tracking: Option<Tracking>,
    /// How a unit wants to be packed.
    pub packing: ItemPacking,
}

/// A slot of a node to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSlot {
    /// Its id at its node.
    pub id: Text,
    /// The service it is for; any when `None`.
    pub sku: Option<Text>,
    /// When it begins.
    pub starts_at: WallTime,
    /// When it ends.
    pub ends_at: WallTime,
    /// How many places it has.
    pub limit: u32,
}

/// All slots of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSlots {
    /// Which node.
    pub node: Text,
    /// Its slots.
    pub slots: Vec<PutSlot>,
}

/// Compartments of one size to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutLocker {
    /// Id of the size at its node.
    pub id: Text,
    /// Inner size of a compartment, millimetres.
    pub inner: Dimensions,
    /// How many there are.
    pub limit: u32,
}

/// All lockers of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutLockers {
    /// Which node.
    pub node: Text,
    /// Their sizes.
    pub sizes: Vec<PutLocker>,
}

/// A limit of a channel to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutLimit {
    /// The sku.
    pub sku: Text,
    /// Units others must leave.
    pub floor: u32,
    /// Most units it may use.
    pub cap: Option<u32>,
}

/// A channel to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutChannel {
    /// The word that orders carry.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Nodes that serve it; all when `None`.
    pub nodes: Option<Vec<Text>>,
    /// Customers whose segment it is.
    pub customers: Vec<Text>,
    /// Its limits.
    pub limits: Vec<PutLimit>,
    /// What must be paid before what.
    pub payment_before: PaymentBefore,
    /// Payment methods it takes; any when there are none.
    pub payment_methods: Vec<Text>,
}
