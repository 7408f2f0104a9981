//! Packing, asked and answered: like a quote, it takes nothing and is remembered nowhere.

use serde::Serialize;
use utoipa::ToSchema;

use super::carton::PackedEdges;
use super::channel::ids;
use super::decision::gap;
use super::reading::{At, Listed, shape};
use super::scalar::{Grams, Id, MoneyJson, PackedDivisor, Price, Sku};
use super::words::as_word;
use crate::domain::limits::{PACKED_CARTONS_MAX, PACKED_PIECES_MAX};
use crate::domain::money::Money;
use crate::domain::packing::drawing::drawing;
use crate::domain::packing::{self, Filled, Handling, Placement};
use crate::domain::parcel::{LoosePiece, NotPacked, Packable, Packed, PackingQuestion};
use crate::domain::quantity::Quantity;

/// Dearest kilogram or litre, in minor units: what cartons cost together stays a number.
const PRICE_MAX: i64 = 1_000_000_000;

shape! {
    /// What is to be packed.
    pub struct PackingRequest {
        /// Units of items; a kit is packed as its components.
        pub lines: Option<Vec<PackingLine>>,
        /// Pieces that are no items. With the units of `lines` at most 500.
        pub pieces: Option<Vec<PackingPiece>>,
        /// Cartons to choose from; all when left out, then at most 32.
        pub cartons: Option<Vec<ChosenCarton>>,
        /// Where it is packed: only cartons that are there are used.
        pub node: Option<Id>,
        /// Cubic centimetres outside that a carrier bills as one kilogram; only real weight counts when left out.
        pub dimensional_divisor: Option<PackedDivisor>,
        /// Price of each billable kilogram begun, in the base currency.
        pub price_per_kg: Option<Price>,
        /// Price of a litre of fill for the room that pieces leave, in the base currency.
        pub fill_price_per_litre: Option<Price>,
    }
    check = PackingRequest::judge;
}

shape! {
    /// Units of an item.
    pub struct PackingLine {
        /// The item.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
    }
}

shape! {
    /// A piece that is no item.
    pub struct PackingPiece {
        /// How it is called in the answer; its number in this list when left out.
        pub id: Option<Id>,
        /// Its outer size.
        pub dimensions_mm: PackedEdges,
        /// Its weight.
        pub weight_g: Grams,
        /// How many of it; one when left out.
        pub quantity: Option<Quantity>,
        /// Its height stays upright.
        pub this_side_up: Option<bool>,
        /// Nothing may lie above it.
        pub fragile: Option<bool>,
        /// It has its carton to itself.
        pub ships_alone: Option<bool>,
    }
}

shape! {
    /// How the answer is wanted.
    #[derive(Copy, Default, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct PackingView {
        /// Draws every carton for the packer.
        #[param(inline)]
        pub drawing: Option<Drawn>,
    }
}

/// How cartons are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drawn {
    /// As a vector picture.
    Svg,
}

ids! {
    /// A carton to choose from.
    ChosenCarton in 1, PACKED_CARTONS_MAX;
}

impl Listed for PackingLine {
    const LEAST: usize = 0;
    const MOST: usize = PACKED_PIECES_MAX;
}

impl Listed for PackingPiece {
    const LEAST: usize = 0;
    const MOST: usize = PACKED_PIECES_MAX;
}

impl PackingRequest {
    fn judge(&self, at: &At<'_>) {
        let lines = self.lines.as_ref().is_some_and(|lines| !lines.is_empty());
        let pieces = self.pieces.as_ref().is_some_and(|pieces| !pieces.is_empty());
        if !lines && !pieces {
            at.field("lines").fault::<()>("missing_field", "is required unless there are pieces");
        }
        for (name, price) in [("price_per_kg", self.price_per_kg), ("fill_price_per_litre", self.fill_price_per_litre)]
        {
            if let Some(price) = price.filter(|price| price.amount.0 > PRICE_MAX) {
                let detail = format!("must be from 0 to {PRICE_MAX}, is {}", price.amount.0);
                at.field(name).field("amount").fault::<()>("amount_out_of_range", detail);
            }
        }
    }

    /// The question.
    pub fn question(self) -> PackingQuestion {
        let loose = |(number, piece): (usize, PackingPiece)| piece.loose(number);
        PackingQuestion {
            lines: self.lines.unwrap_or_default().into_iter().map(|line| (line.sku.0, line.quantity)).collect(),
            pieces: self.pieces.unwrap_or_default().into_iter().enumerate().map(loose).collect(),
            cartons: self.cartons.map(|ids| ids.into_iter().map(|ChosenCarton(id)| id.0).collect()),
            node: self.node.map(|node| node.0),
            divisor: self.dimensional_divisor.map(|divisor| divisor.0),
            per_kg: self.price_per_kg.map(Money::from),
            fill_per_litre: self.fill_price_per_litre.map(Money::from),
        }
    }
}

impl PackingPiece {
    fn loose(self, number: usize) -> LoosePiece {
        let stands = if self.this_side_up == Some(true) { Handling::THIS_SIDE_UP.stands } else { Handling::ANY.stands };
        let handling = Handling { stands, fragile: self.fragile == Some(true), alone: self.ships_alone == Some(true) };
        LoosePiece {
            id: self.id.map_or_else(|| (number + 1).to_string().as_str().into(), |id| id.0),
            piece: packing::Piece { edges: self.dimensions_mm.edges(), weight_g: self.weight_g.0, handling },
            quantity: self.quantity.unwrap_or(Quantity::ONE),
        }
    }
}

/// How it is packed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Packing)]
pub struct PackingJson {
    /// The cartons.
    pub cartons: Vec<FilledJson>,
    /// What is in no carton.
    pub unpacked: Vec<UnpackedJson>,
    /// What the cartons cost together.
    pub cost: MoneyJson,
    /// No packing of these pieces is cheaper.
    pub lower_bound: MoneyJson,
    /// (cost - lower bound) / the size of the lower bound, which counts as one minor unit where it is 0.
    pub gap: f64,
    /// Whether it is proven that none is cheaper, nor takes fewer cartons for as much money.
    pub optimal: bool,
}

/// A carton and what is in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PackedCarton)]
pub struct FilledJson {
    /// Which carton.
    pub carton: Id,
    /// What lies where, in an order in which it can be packed from above.
    pub placements: Vec<PlacementJson>,
    /// How much of the room inside is filled, as a share of it.
    pub fill: f64,
    /// What it weighs, itself included.
    pub weight_g: u64,
    /// What a carrier bills of it: the larger of real and dimensional weight.
    pub billable_weight_g: u64,
    /// What it costs: carton, billable kilograms, fill.
    pub cost: MoneyJson,
    /// A picture of it, as SVG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawing: Option<String>,
}

/// Where a piece lies.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PackedPiece)]
pub struct PlacementJson {
    /// What it is.
    #[serde(flatten)]
    pub what: PackableJson,
    /// How many units of it: more than one where they nest.
    pub quantity: u32,
    /// Its corner nearest the inner corner of the carton.
    pub at_mm: CornerJson,
    /// Its size as it is turned.
    pub size_mm: PackedEdges,
}

/// What a piece is: one of both.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Packable)]
pub struct PackableJson {
    /// A unit of an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// A piece that was described.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece: Option<Id>,
}

/// A point inside a carton, millimetres.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Corner)]
pub struct CornerJson {
    /// Along the length.
    pub x: u32,
    /// Along the width.
    pub y: u32,
    /// Above the floor.
    pub z: u32,
}

/// What is in no carton.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Unpacked)]
pub struct UnpackedJson {
    /// What it is.
    #[serde(flatten)]
    pub what: PackableJson,
    /// How many of it.
    pub quantity: u32,
    /// Why.
    #[serde(serialize_with = "as_word")]
    pub reason: NotPacked,
}

impl From<&Packable> for PackableJson {
    fn from(what: &Packable) -> Self {
        match what {
            Packable::Sku(sku) => Self { sku: Some(Sku(sku.clone())), piece: None },
            Packable::Loose(id) => Self { sku: None, piece: Some(Id(id.clone())) },
        }
    }
}

impl PackingJson {
    /// A packing, with drawings when they are wanted.
    pub fn of(packed: &Packed, drawn: Option<Drawn>) -> Self {
        let Packed { task, packing } = packed;
        let money = |amount| MoneyJson::from(Money { amount, currency: task.currency });
        let unpacked = |(what, quantity, reason): (Packable, u32, NotPacked)| UnpackedJson {
            what: PackableJson::from(&what),
            quantity,
            reason,
        };
        Self {
            cartons: packing.cartons.iter().map(|filled| FilledJson::of(filled, packed, drawn)).collect(),
            unpacked: packed.not_packed().into_iter().map(unpacked).collect(),
            cost: money(packing.cost),
            lower_bound: money(packing.lower_bound),
            gap: gap(packing.cost, packing.lower_bound),
            optimal: packing.optimal,
        }
    }
}

impl FilledJson {
    fn of(filled: &Filled, packed: &Packed, drawn: Option<Drawn>) -> Self {
        let task = &packed.task;
        let (id, carton) = &task.cartons[usize::from(filled.carton)];
        let what = |piece: u16| &task.what[usize::from(piece)].0;
        let name = |piece: u16| match what(piece) {
            Packable::Sku(name) | Packable::Loose(name) => name.to_string(),
        };
        let placed = |placement: &Placement| {
            let ([x, y, z], [length, width, height]) = (placement.at, placement.size);
            PlacementJson {
                quantity: task.what[usize::from(placement.piece)].1,
                what: PackableJson::from(what(placement.piece)),
                at_mm: CornerJson { x, y, z },
                size_mm: crate::domain::item::Dimensions { length, width, height }.into(),
            }
        };
        Self {
            carton: Id(id.clone()),
            placements: filled.placements.iter().map(placed).collect(),
            fill: filled.fill(carton) as f64 / 10_000.0,
            weight_g: filled.weight_g,
            billable_weight_g: filled.billable_g,
            cost: Money { amount: filled.cost, currency: task.currency }.into(),
            drawing: drawn.map(|Drawn::Svg| drawing(carton, &filled.placements, name)),
        }
    }
}
