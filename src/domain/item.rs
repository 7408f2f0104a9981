//! An item: the thing counted, or what stands for things counted (a kit) or for none (a service, a download).

use serde::{Deserialize, Serialize};

use super::ids::{SkuIndex, Text};
use super::money::Money;
use super::time::WallTime;

/// What kind of item it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ItemKind {
    /// Has stock.
    Product,
    /// Work, supplied by a virtual node.
    Service,
    /// Demand for it is demand for its components.
    Kit,
    /// Supplied by a virtual node at once.
    Digital,
}

/// How its units are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Tracking {
    /// By batch.
    Lot,
    /// Each by its own number.
    Serial,
}

impl Tracking {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lot => "lot",
            Self::Serial => "serial",
        }
    }
}

/// Outer size, millimetres.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Dimensions {
    /// Length, mm.
    pub length: u32,
    /// Width, mm.
    pub width: u32,
    /// Height, mm.
    pub height: u32,
}

/// One component of a kit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Component {
    /// The component, a product.
    pub sku: SkuIndex,
    /// Units of it in one kit, at least 1.
    pub quantity: u32,
}

/// How a unit wants to be packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ItemPacking {
    /// Its height stays upright.
    pub this_side_up: bool,
    /// Nothing may lie above it.
    pub fragile: bool,
    /// It has its carton to itself.
    pub ships_alone: bool,
    /// Units go into one another: how much higher each further one makes the stack, mm.
    pub nests_mm: Option<u32>,
}

/// An item as the catalogue knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its sku, byte-exact.
    pub sku: Text,
    /// Name for people.
    pub name: Text,
    /// Kind of item.
    pub kind: ItemKind,
    /// Weight of one unit, grams.
    pub weight_g: u32,
    /// Size of one unit.
    pub dimensions: Dimensions,
    /// Value of one unit.
    pub value: Option<Money>,
    /// Components, when it is a kit; each sku once.
    pub components: Vec<Component>,
    /// When it is released; it always was when `None`.
    pub release_at: Option<WallTime>,
    /// How its units are told apart, if they are.
    pub tracking: Option<Tracking>,
    /// How a unit wants to be packed.
    pub packing: ItemPacking,
}

impl Item {
    /// Whether it is kept in cells.
    pub fn has_stock(&self) -> bool {
        self.kind == ItemKind::Product
    }
}
