//! Items: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Grams, Instant, Millimetres, MoneyJson, Name, Price, Sku};
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::PutItem;
use crate::domain::ids::Text;
use crate::domain::item::{Dimensions, Item, ItemKind, ItemPacking, Tracking};
use crate::domain::limits::KIT_COMPONENTS_MAX;
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;

shape! {
    /// An item, whole.
    pub struct ItemPut {
        /// Name for people.
        pub name: Name,
        /// Kind of item.
        pub kind: ItemKind,
        /// Weight of one unit.
        pub weight_g: Grams,
        /// Size of one unit.
        pub dimensions_mm: DimensionsShape,
        /// Value of one unit, in the base currency. Only a kit may go without: it is worth its components.
        pub value: Option<Price>,
        /// Components of a kit: at most 100, each sku once. Nothing else has components.
        pub components: Option<Vec<ComponentShape>>,
        /// When it is released. Until then what cannot be had of it is pre-ordered, and nothing of it leaves the house.
        pub release_at: Option<Instant>,
        /// How its units are told apart, if they are: by lot, or each by its own number. Only of products.
        pub tracking: Option<Tracking>,
        /// How a unit wants to be packed; any way when left out.
        pub packing: Option<ItemPackingShape>,
    }
    check = ItemPut::judge;
}

shape! {
    /// Size of one unit, millimetres.
    #[derive(Copy, Serialize)]
    #[schema(as = Dimensions)]
    pub struct DimensionsShape {
        /// Length.
        pub length: Millimetres,
        /// Width.
        pub width: Millimetres,
        /// Height.
        pub height: Millimetres,
    }
}

shape! {
    /// How a unit wants to be packed.
    #[derive(Copy, Serialize)]
    #[schema(as = ItemPacking)]
    pub struct ItemPackingShape {
        /// Its height stays upright.
        pub this_side_up: Option<bool>,
        /// Nothing may lie above it.
        pub fragile: Option<bool>,
        /// It has its carton to itself.
        pub ships_alone: Option<bool>,
        /// Units go into one another: how much higher each further one makes the stack; at most the item's height.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub nests_mm: Option<Millimetres>,
    }
}

shape! {
    /// One component of a kit.
    #[derive(Serialize)]
    #[schema(as = Component)]
    pub struct ComponentShape {
        /// A product.
        pub sku: Sku,
        /// Units of it in one kit.
        pub quantity: Quantity,
    }
}

impl Listed for ComponentShape {
    const LEAST: usize = 0;
    const MOST: usize = KIT_COMPONENTS_MAX;
}

impl ItemPut {
    fn judge(&self, at: &At<'_>) {
        let components = self.components.as_deref().unwrap_or_default();
        let field = at.field("components");
        let is_kit = self.kind == ItemKind::Kit;
        if self.value.is_none() && !is_kit {
            at.field("value").fault::<()>("missing_field", "is required unless it is a kit");
        }
        if is_kit == components.is_empty() {
            field.fault::<()>("bad_components", "a kit has components, nothing else has");
        }
        let nests = self.packing.and_then(|packing| packing.nests_mm).map_or(0, |nests| nests.0);
        if nests > self.dimensions_mm.height.0 {
            let detail = format!("must be at most the item's height, {}, is {nests}", self.dimensions_mm.height.0);
            at.field("packing").field("nests_mm").fault::<()>("number_out_of_range", detail);
        }
        for (number, component) in components.iter().enumerate() {
            if components[..number].iter().any(|earlier| earlier.sku == component.sku) {
                field.entry(number).field("sku").fault::<()>("duplicate_component", "is named before");
            }
        }
    }

    /// The item under its sku.
    pub fn item(self, sku: Text) -> PutItem {
        let edges = self.dimensions_mm;
        let components = self.components.unwrap_or_default().into_iter();
        PutItem {
            sku,
            name: self.name.0,
            kind: self.kind,
            weight_g: self.weight_g.0,
            dimensions: Dimensions { length: edges.length.0, width: edges.width.0, height: edges.height.0 },
            value: self.value.map(Money::from),
            components: components.map(|c| (c.sku.0, c.quantity)).collect(),
            release_at: self.release_at.map(Instant::wall),
            tracking: self.tracking,
            packing: self.packing.map(ItemPacking::from).unwrap_or_default(),
        }
    }
}

/// An item.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Item)]
#[allow(missing_docs, reason = "the fields are those of `ItemPut`")]
pub struct ItemJson {
    pub sku: Sku,
    pub name: Name,
    #[serde(serialize_with = "as_word")]
    pub kind: ItemKind,
    pub weight_g: Grams,
    pub dimensions_mm: DimensionsShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<MoneyJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packing: Option<ItemPackingShape>,
}

impl ItemJson {
    /// An item of the catalogue.
    pub fn of(item: &Item, catalogue: &Catalogue) -> Self {
        let edges = item.dimensions;
        let component = |c: &crate::domain::item::Component| {
            let quantity = Quantity::new(c.quantity)?;
            Some(ComponentShape { sku: Sku(catalogue.item(c.sku).sku.clone()), quantity })
        };
        Self {
            sku: Sku(item.sku.clone()),
            name: Name(item.name.clone()),
            kind: item.kind,
            weight_g: Grams(item.weight_g),
            dimensions_mm: DimensionsShape {
                length: Millimetres(edges.length),
                width: Millimetres(edges.width),
                height: Millimetres(edges.height),
            },
            value: item.value.map(MoneyJson::from),
            components: item.components.iter().filter_map(component).collect(),
            release_at: item.release_at.map(Instant::from),
            tracking: item.tracking.map(Tracking::word),
            packing: (item.packing != ItemPacking::default()).then(|| item.packing.into()),
        }
    }
}

impl From<ItemPackingShape> for ItemPacking {
    fn from(shape: ItemPackingShape) -> Self {
        Self {
            this_side_up: shape.this_side_up == Some(true),
            fragile: shape.fragile == Some(true),
            ships_alone: shape.ships_alone == Some(true),
            nests_mm: shape.nests_mm.map(|nests| nests.0),
        }
    }
}

impl From<ItemPacking> for ItemPackingShape {
    fn from(packing: ItemPacking) -> Self {
        Self {
            this_side_up: Some(packing.this_side_up),
            fragile: Some(packing.fragile),
            ships_alone: Some(packing.ships_alone),
            nests_mm: packing.nests_mm.map(Millimetres),
        }
    }
}
