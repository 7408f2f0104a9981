//! From what is asked of packing to pieces and cartons: units of items and loose pieces, the house's cartons, money in
//! the base currency.
//!
//! A kit is packed as its components; units that nest as stacks of as many as some carton takes; what has no size to it (a service, a download) is not packed and said so. What is
//! *not* here: packing itself (`packing`), which knows nothing of items, and carriers' rates: the caller names a price.

use super::carton::Carton;
use super::catalogue::Catalogue;
use super::ids::Text;
use super::item::{Dimensions, Item, ItemKind, ItemPacking};
use super::limits::{PACKED_CARTONS_MAX, PACKED_EDGE_MM_MAX, PACKED_PIECES_MAX};
use super::money::{Currency, Money};
use super::packing::{self, Handling, Packer, Packing, Piece, Tariff};
use super::quantity::Quantity;
use super::rejection::{Fault, Rejection};

/// A piece that is no item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoosePiece {
    /// How the caller calls it.
    pub id: Text,
    /// Its size, weight and handling.
    pub piece: Piece,
    /// How many of it.
    pub quantity: Quantity,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackingQuestion {
    /// Units of items.
    pub lines: Vec<(Text, Quantity)>,
    /// Pieces besides.
    pub pieces: Vec<LoosePiece>,
    /// Cartons to choose from; all of the node when `None`.
    pub cartons: Option<Vec<Text>>,
    /// Where it is packed: cartons that are not there are not used.
    pub node: Option<Text>,
    /// Cubic centimetres billed as a kilogram.
    pub divisor: Option<u32>,
    /// Price of a kilogram begun.
    pub per_kg: Option<Money>,
    /// Price of a litre of fill.
    pub fill_per_litre: Option<Money>,
}

/// What a piece is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Packable {
    /// A unit of an item.
    Sku(Text),
    /// A piece the caller described.
    Loose(Text),
}

/// Why something is in no carton.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NotPacked {
    /// It is larger or heavier than any carton allows.
    FitsNoCarton,
    /// There is nothing to put into a carton.
    NotPhysical,
}

/// A question in the terms of packing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackingTask {
    /// Cartons to choose from, by id.
    pub cartons: Vec<(Text, packing::Carton)>,
    /// Prices.
    pub tariff: Tariff,
    /// The pieces.
    pub pieces: Vec<Piece>,
    /// What each piece is, and how many units of it: more than one where units nest.
    pub what: Vec<(Packable, u32)>,
    /// Units that have no size to them.
    pub not_physical: Vec<(Text, u32)>,
    /// Currency of all money.
    pub currency: Currency,
}

/// A task, packed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    /// What was to be packed.
    pub task: PackingTask,
    /// How it is.
    pub packing: Packing,
}

impl PackingQuestion {
    /// The task in this catalogue; all faults together.
    pub fn task(&self, catalogue: &Catalogue) -> Result<PackingTask, Rejection> {
        let mut faults = Vec::new();
        let currency = catalogue.base_currency;
        let mut money = |field: &str, price: Option<Money>| {
            let price = price.unwrap_or(Money { amount: 0, currency });
            if price.currency != currency {
                let detail = format!("must be in the base currency {currency}, not {}", price.currency);
                faults.push(Fault::new(format!("{field}.currency"), "wrong_currency", detail));
            }
            price.amount
        };
        let tariff = Tariff {
            divisor: self.divisor,
            per_kg: money("price_per_kg", self.per_kg),
            fill_per_litre: money("fill_price_per_litre", self.fill_per_litre),
        };
        let cartons = self.cartons(catalogue, &mut faults);
        let mut pieces = Pieces::default();
        for (number, (sku, quantity)) in self.lines.iter().enumerate() {
            pieces.add_line(catalogue, &cartons, (number, sku, quantity.units()), &mut faults);
        }
        for loose in &self.pieces {
            pieces.add(Packable::Loose(loose.id.clone()), loose.piece, 1, u64::from(loose.quantity.units()));
        }
        if pieces.total > PACKED_PIECES_MAX as u64 {
            let detail = format!("at most {PACKED_PIECES_MAX} pieces are packed at once, these are {}", pieces.total);
            faults.push(Fault::new(if self.lines.is_empty() { "pieces" } else { "lines" }, "too_many", detail));
        }
        if !faults.is_empty() {
            return Err(Rejection::Invalid(faults));
        }
        let Pieces { pieces, what, not_physical, .. } = pieces;
        Ok(PackingTask { cartons, tariff, pieces, what, not_physical, currency })
    }

    /// The cartons to choose from.
    fn cartons(&self, catalogue: &Catalogue, faults: &mut Vec<Fault>) -> Vec<(Text, packing::Carton)> {
        let node = self.node.as_ref().and_then(|id| {
            let found = catalogue.node_index(id);
            if found.is_none() {
                faults.push(Fault::new("node", "unknown_node", format!("there is no node {id:?}")));
            }
            found
        });
        let mut chosen: Vec<&Carton> = Vec::new();
        match &self.cartons {
            None => chosen.extend(catalogue.cartons()),
            Some(ids) => {
                for (number, id) in ids.iter().enumerate() {
                    match catalogue.carton(id) {
                        Some(carton) => chosen.push(carton),
                        None => {
                            let detail = format!("there is no carton {id:?}");
                            faults.push(Fault::new(format!("cartons[{number}]"), "unknown_carton", detail));
                        }
                    }
                }
            }
        }
        chosen.retain(|carton| node.is_none_or(|node| carton.is_at(node)));
        chosen.sort_unstable_by_key(|carton| &carton.id);
        chosen.dedup_by_key(|carton| &carton.id);
        if chosen.len() > PACKED_CARTONS_MAX {
            let detail = format!("at most {PACKED_CARTONS_MAX} can be chosen from, these are {}", chosen.len());
            faults.push(Fault::new("cartons", "too_many", detail));
        }
        chosen.into_iter().map(|carton| (carton.id.clone(), carton.into())).collect()
    }
}

impl PackingTask {
    /// Packs.
    pub fn pack(self) -> Packed {
        let cartons: Vec<_> = self.cartons.iter().map(|(_, carton)| *carton).collect();
        let mut packing = Packer::default().pack(&cartons, &self.tariff, &self.pieces);
        if self.what.iter().any(|(_, units)| *units > 1) {
            // Units could nest in other stacks than these, which only what holds for any stacks is a bound of.
            let bound = packing::bound_of_any_stacks(&cartons, &self.tariff, &self.pieces, &packing);
            packing.lower_bound = bound.min(packing.cost);
            packing.optimal = packing.lower_bound == packing.cost && packing.cartons.len() <= 1;
        }
        Packed { task: self, packing }
    }
}

impl Packed {
    /// What is in no carton, and why; equal things joined.
    pub fn not_packed(&self) -> Vec<(Packable, u32, NotPacked)> {
        let mut all: Vec<(Packable, u32, NotPacked)> = Vec::new();
        for &piece in &self.packing.left_out {
            let (what, units) = &self.task.what[usize::from(piece)];
            match all.iter_mut().find(|(known, ..)| known == what) {
                Some((_, count, _)) => *count += units,
                None => all.push((what.clone(), *units, NotPacked::FitsNoCarton)),
            }
        }
        let digital = self.task.not_physical.iter();
        all.extend(digital.map(|(sku, count)| (Packable::Sku(sku.clone()), *count, NotPacked::NotPhysical)));
        all
    }
}

/// Pieces as they are listed.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    what: Vec<(Packable, u32)>,
    not_physical: Vec<(Text, u32)>,
    /// All that were asked for, also those beyond what is listed.
    total: u64,
}

impl Pieces {
    fn add_line(
        &mut self,
        catalogue: &Catalogue,
        cartons: &[(Text, packing::Carton)],
        (line, sku, units): (usize, &str, u32),
        faults: &mut Vec<Fault>,
    ) {
        let field = format!("lines[{line}].sku");
        let Some(index) = catalogue.sku_index(sku) else {
            faults.push(Fault::new(field, "unknown_sku", format!("there is no item {sku:?}")));
            return;
        };
        let item = catalogue.item(index);
        let units = u64::from(units);
        match item.kind {
            ItemKind::Service | ItemKind::Digital => self.not_physical.push((item.sku.clone(), units as u32)),
            ItemKind::Product => self.add_item(item, cartons, units, &field, faults),
            ItemKind::Kit => {
                for component in &item.components {
                    let units = units * u64::from(component.quantity);
                    self.add_item(catalogue.item(component.sku), cartons, units, &field, faults);
                }
            }
        }
    }

    fn add_item(
        &mut self,
        item: &Item,
        cartons: &[(Text, packing::Carton)],
        units: u64,
        field: &str,
        faults: &mut Vec<Fault>,
    ) {
        let Dimensions { length, width, height } = item.dimensions;
        if length.min(width).min(height) == 0 {
            let detail = format!("{} has no size: one of its dimensions_mm is 0", item.sku);
            faults.push(Fault::new(field, "unknown_size", detail));
            return;
        }
        let what = Packable::Sku(item.sku.clone());
        let most = largest_stack(item, cartons, units);
        self.add(what.clone(), stack(item, most), most, units / u64::from(most));
        let rest = (units % u64::from(most)) as u32;
        if rest > 0 {
            self.add(what, stack(item, rest), rest, 1);
        }
    }

    fn add(&mut self, what: Packable, piece: Piece, units: u32, count: u64) {
        self.total += count;
        let room = (PACKED_PIECES_MAX - self.pieces.len()) as u64;
        for _ in 0..count.min(room) {
            self.pieces.push(piece);
            self.what.push((what.clone(), units));
        }
    }
}

/// Most units of an item that nest in one stack which some carton takes.
fn largest_stack(item: &Item, cartons: &[(Text, packing::Carton)], units: u64) -> u32 {
    if item.packing.nests_mm.is_none() || item.packing.ships_alone {
        return 1;
    }
    let fits = |units: u32| cartons.iter().any(|(_, carton)| carton.takes(&stack(item, units)));
    let (mut least, mut most) = (1, u32::try_from(units).unwrap_or(u32::MAX).max(1));
    while least < most {
        let middle = least + (most - least).div_ceil(2);
        if fits(middle) {
            least = middle;
        } else {
            most = middle - 1;
        }
    }
    least
}

/// So many units of an item as one piece.
fn stack(item: &Item, units: u32) -> Piece {
    let Dimensions { length, width, height } = item.dimensions;
    let further = u64::from(units - 1) * u64::from(item.packing.nests_mm.unwrap_or(0));
    let height = u64::from(height) + further;
    // What is longer fits no carton, however long.
    let longest = PACKED_EDGE_MM_MAX + 1;
    let edges = [length, width, u32::try_from(height).unwrap_or(longest)].map(|edge| edge.min(longest));
    let weight_g = u32::try_from(u64::from(item.weight_g) * u64::from(units)).unwrap_or(u32::MAX);
    let ItemPacking { this_side_up, fragile, ships_alone, .. } = item.packing;
    let stands = if this_side_up { Handling::THIS_SIDE_UP.stands } else { Handling::ANY.stands };
    Piece { edges, weight_g, handling: Handling { stands, fragile, alone: ships_alone } }
}

impl From<&Carton> for packing::Carton {
    fn from(carton: &Carton) -> Self {
        let edges = |edges: Dimensions| [edges.length, edges.width, edges.height];
        Self {
            inner: edges(carton.inner),
            outer: edges(carton.outer),
            weight_g: carton.weight_g,
            max_weight_g: carton.max_weight_g,
            cost: carton.cost,
        }
    }
}
