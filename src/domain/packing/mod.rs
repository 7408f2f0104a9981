//! Packing: given pieces and cartons, which pieces go where in which cartons, for the least money.
//!
//! Pure functions of their arguments: no clock, no files, no floats, no chance. The same question has the same answer on
//! every machine.
//!
//! **What is best.** First as many pieces as fit any carton at all. Then the least cost: cartons, the carrier's price of
//! the larger of weight and dimensional weight, and fill (`price`). Ties: fewer cartons, then less room outside.
//!
//! **Phases, and what each costs.**
//!
//! | phase | file | cost | ends when |
//! |---|---|---|---|
//! | leave out what no carton takes; set apart what ships alone | here | pieces × cartons | nothing is left |
//! | six pieces or fewer: the cheapest partition | `few`, asking `exact` | some µs, tens of one in a hundred | always, proven |
//! | more: sixteen passes over orders and ways to place | `many`, `fill`, `spaces` | ≤ 2 ms for fifty | looks are used up, or proven |
//! | what no packing is cheaper than | `bound` | pieces² × cartons | always |
//! | everything sinks to what carries it | `settle` | pieces² | always |
//!
//! **Laws.** Every piece is in one carton or named as left out; none meets another or sticks out; nothing lies above what
//! is fragile; all are turned as they may be; no carton is too heavy. `check` says so and shares nothing with the packer.
//! `lower_bound ≤ cost`, equal when `optimal`. `optimal` is never claimed unproven.
//!
//! Bounds: [`PIECES_MAX`] pieces, [`CARTONS_MAX`] kinds of carton. A piece may overhang what carries it: fill holds it.
//!
//! Not here: items, nodes, carriers and their rates. Packing knows nothing of orders: it sees boxes in boxes.

mod bound;
pub mod check;
pub mod drawing;
mod exact;
mod few;
mod fill;
mod many;
mod order;
mod piece;
mod price;
mod settle;
mod spaces;
#[cfg(test)]
mod tests;

pub use few::CARTONS_MAX;
pub use piece::{Carton, Edges, Handling, Piece, Placement};
pub use price::{Score, Tariff};

use exact::EXACT_PIECES_MAX;
use many::Many;
use piece::volume;
use settle::settle;

/// Most pieces of one question.
pub const PIECES_MAX: usize = 500;

/// A carton and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filled {
    /// Which carton, by its place in the list that was given.
    pub carton: u8,
    /// What lies where, in an order in which it can be packed from above.
    pub placements: Vec<Placement>,
    /// What it weighs, itself included, grams.
    pub weight_g: u64,
    /// What a carrier bills of it, grams.
    pub billable_g: u64,
    /// Cubic millimetres its pieces fill.
    pub volume: u64,
    /// What it costs, minor units.
    pub cost: i64,
}

/// How pieces are packed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Packing {
    /// The cartons.
    pub cartons: Vec<Filled>,
    /// Pieces that no carton takes, by their place in the list that was given.
    pub left_out: Vec<u16>,
    /// What the cartons cost together, minor units.
    pub cost: i64,
    /// What no packing of these pieces is cheaper than.
    pub lower_bound: i64,
    /// Whether no packing is proven to be cheaper, nor to need fewer cartons for the same money.
    pub optimal: bool,
}

/// Packs, with memory that is kept from question to question.
#[derive(Debug, Default)]
pub struct Packer {
    many: Many,
    /// Pieces that are packed together, and their places in the list that was given.
    together: Vec<Piece>,
    places: Vec<u16>,
}

impl Packer {
    /// The best packing found.
    pub fn pack(&mut self, cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Packing {
        assert!(pieces.len() <= PIECES_MAX && cartons.len() <= CARTONS_MAX, "more is refused before");
        let mut answer = Answer::new(cartons, tariff, pieces);
        self.together.clear();
        self.places.clear();
        for (place, piece) in pieces.iter().enumerate() {
            let place = place as u16;
            if !cartons.iter().any(|carton| carton.takes(piece)) {
                answer.packing.left_out.push(place);
            } else if piece.handling.alone {
                answer.few(&[*piece], &[place]);
            } else {
                self.together.push(*piece);
                self.places.push(place);
            }
        }
        match self.together.len() {
            0 => {}
            count if count <= EXACT_PIECES_MAX => answer.few(&self.together, &self.places),
            _ => answer.many(&mut self.many, &self.together, &self.places),
        }
        answer.packing
    }

    /// One carton filled as far as it goes: the pieces it holds then fill the most of it that any pass fills.
    pub fn fill(&mut self, carton: &Carton, pieces: &[Piece]) -> Vec<Placement> {
        let mut placements = self.many.fill(carton, pieces);
        settle(&mut placements);
        placements
    }
}

/// What no packing is cheaper than, however units that nest are stacked, when these stacks are as high as they can be:
/// no other stacks take less room or weigh less.
pub fn bound_of_any_stacks(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece], packing: &Packing) -> i64 {
    let is_in = |number: usize| !packing.left_out.iter().any(|left_out| usize::from(*left_out) == number);
    let packed: Vec<Piece> = pieces.iter().enumerate().filter(|(number, _)| is_in(*number)).map(|(_, p)| *p).collect();
    if packed.is_empty() { 0 } else { bound::by_measure(cartons, tariff, &packed, 1).cost }
}

/// An answer as it grows.
struct Answer<'a> {
    cartons: &'a [Carton],
    tariff: &'a Tariff,
    pieces: &'a [Piece],
    packing: Packing,
}

impl<'a> Answer<'a> {
    fn new(cartons: &'a [Carton], tariff: &'a Tariff, pieces: &'a [Piece]) -> Self {
        Self { cartons, tariff, pieces, packing: Packing { optimal: true, ..Packing::default() } }
    }

    fn few(&mut self, pieces: &[Piece], places: &[u16]) {
        let few = few::pack(self.cartons, self.tariff, pieces).expect("every piece fits some carton alone");
        for packed in few.cartons.iter().flatten() {
            let placements = &packed.placements[..usize::from(packed.pieces)];
            self.add(packed.carton, placements, places);
        }
        self.judge(few.score, few.bound);
    }

    fn many(&mut self, many: &mut Many, pieces: &[Piece], places: &[u16]) {
        let bound = many.pack(self.cartons, self.tariff, pieces);
        for part in &many.best.parts {
            self.add(part.carton, many.best.placements(part), places);
        }
        self.judge(many.best.score, bound);
    }

    fn add(&mut self, number: u8, placements: &[Placement], places: &[u16]) {
        let placed = |placement: &Placement| Placement { piece: places[usize::from(placement.piece)], ..*placement };
        let mut placements: Vec<Placement> = placements.iter().map(placed).collect();
        settle(&mut placements);
        let carton = &self.cartons[usize::from(number)];
        let inside = || placements.iter().map(|placement| &self.pieces[usize::from(placement.piece)]);
        let load: u64 = inside().map(|piece| u64::from(piece.weight_g)).sum();
        let volume = inside().map(Piece::volume).sum();
        self.packing.cartons.push(Filled {
            carton: number,
            weight_g: u64::from(carton.weight_g) + load,
            billable_g: self.tariff.billable_g(carton, load),
            volume,
            cost: self.tariff.cost(carton, load, volume),
            placements,
        });
    }

    /// Adds what a part costs, and what it could cost at least.
    fn judge(&mut self, score: Score, bound: Score) {
        self.packing.cost = self.packing.cost.saturating_add(score.cost);
        self.packing.lower_bound = self.packing.lower_bound.saturating_add(bound.cost.min(score.cost));
        self.packing.optimal &= (score.cost, score.cartons) <= (bound.cost, bound.cartons);
    }
}

impl Filled {
    /// How much of the room inside is filled, in ten-thousandths.
    pub fn fill(&self, carton: &Carton) -> u64 {
        let room = volume(carton.inner).max(1);
        u64::try_from(u128::from(self.volume) * 10_000 / u128::from(room)).unwrap_or(10_000)
    }
}
