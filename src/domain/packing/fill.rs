//! One carton filled with pieces in a given order, each where it suits best.

use super::piece::{Carton, Edges, Piece, Placement, Turns, UP, volume};
use super::spaces::{Least, Space, Spaces};

/// How a place is chosen among those that fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// Where it ends furthest back, as one loads from the far wall.
    Back,
    /// Where least is left beside it.
    Snuggest,
    /// The lowest, then furthest back; turned so that it ends low.
    Lowest,
    /// Nearest to the far lower corner.
    Corner,
}

pub(super) const RULES: [Rule; 4] = [Rule::Back, Rule::Snuggest, Rule::Lowest, Rule::Corner];

/// What shall go in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Aim {
    /// As much as there is room for.
    Most,
    /// Everything; it ends with the first piece that has no place.
    All,
}

/// A piece and what is asked of it in every carton.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) piece: Piece,
    pub(super) volume: u64,
    pub(super) shortest: u32,
    /// Cartons that take it alone, one bit each.
    pub(super) cartons: u32,
    turns: Turns,
}

impl Shape {
    pub(super) fn of(piece: &Piece, cartons: &[Carton]) -> Self {
        let taking = cartons.iter().enumerate().filter(|(_, carton)| carton.takes(piece));
        Self {
            piece: *piece,
            volume: piece.volume(),
            shortest: piece.shortest(),
            cartons: taking.fold(0, |all, (number, _)| all | 1 << number),
            turns: piece.turns(),
        }
    }
}

/// Memory of filling, kept from carton to carton.
#[derive(Debug, Default)]
pub(super) struct Filler {
    spaces: Spaces,
    /// Looks at a space, so far: the measure of how long it took, the same on every machine.
    pub(super) looks: u64,
}

/// What went into a carton.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Load {
    pub(super) pieces: usize,
    pub(super) volume: u64,
    pub(super) weight_g: u64,
}

impl Load {
    /// One more piece.
    pub(super) fn with(self, shape: &Shape) -> Self {
        Self {
            pieces: self.pieces + 1,
            volume: self.volume + shape.volume,
            weight_g: self.weight_g + u64::from(shape.piece.weight_g),
        }
    }

    /// What is left of it without some of its pieces.
    pub(super) fn without(self, other: Self) -> Self {
        Self {
            pieces: self.pieces - other.pieces,
            volume: self.volume - other.volume,
            weight_g: self.weight_g - other.weight_g,
        }
    }
}

impl Filler {
    /// Fills a carton; what goes in is appended to `placed`, in the order of `order`.
    pub(super) fn fill(
        &mut self,
        carton: &Carton,
        shapes: &[Shape],
        order: &[u16],
        (aim, rule): (Aim, Rule),
        placed: &mut Vec<Placement>,
    ) -> Load {
        let mut load = Load::default();
        let (mut free, mut free_g) = (volume(carton.inner), carton.load_g());
        let mut refused: Option<&Piece> = None;
        let least = least(shapes, order);
        self.spaces.clear(carton.inner);
        for &number in order {
            let shape = &shapes[usize::from(number)];
            let piece = &shape.piece;
            if free < least.volume {
                break;
            }
            let fits = shape.volume <= free && u64::from(piece.weight_g) <= free_g && refused != Some(piece);
            let place = if fits { self.place(shape, rule) } else { None };
            let Some((at, size)) = place else {
                if aim == Aim::All {
                    break;
                }
                if fits {
                    refused = Some(piece);
                }
                continue;
            };
            self.looks += self.spaces.take(at, size, piece.handling.fragile, least);
            placed.push(Placement { piece: number, at, size });
            load = load.with(shape);
            (free, free_g) = (free - shape.volume, free_g - u64::from(piece.weight_g));
        }
        load
    }

    /// The best place of a piece, and how it is turned there.
    fn place(&mut self, shape: &Shape, rule: Rule) -> Option<(Edges, Edges)> {
        let mut best: Option<([u64; 4], Edges, Edges)> = None;
        for space in self.spaces.iter() {
            let room = space.room();
            if volume(room) < shape.volume || (shape.piece.handling.fragile && !self.spaces.is_open_above(space)) {
                continue;
            }
            for turn in shape.turns.iter() {
                if turn[0] > room[0] || turn[1] > room[1] || turn[2] > room[2] {
                    continue;
                }
                let key = rule.key(space, room, turn);
                if best.as_ref().is_none_or(|(known, ..)| key < *known) {
                    best = Some((key, space.from, turn));
                }
            }
        }
        self.looks += (self.spaces.iter().count() * shape.turns.count()) as u64;
        best.map(|(_, at, size)| (at, size))
    }
}

/// The least that any of these pieces is.
fn least(shapes: &[Shape], order: &[u16]) -> Least {
    let shapes = || order.iter().map(|number| &shapes[usize::from(*number)]);
    Least {
        edge: shapes().map(|shape| shape.shortest).min().unwrap_or(0),
        volume: shapes().map(|shape| shape.volume).min().unwrap_or(0),
    }
}

impl Rule {
    /// The smaller, the better.
    fn key(self, space: &Space, room: Edges, turn: Edges) -> [u64; 4] {
        let at = space.from.map(u64::from);
        let left: [u64; 3] = std::array::from_fn(|axis| u64::from(room[axis] - turn[axis]));
        let end: [u64; 3] = std::array::from_fn(|axis| at[axis] + u64::from(turn[axis]));
        let mut sorted = left;
        sorted.sort_unstable();
        match self {
            Self::Lowest => [at[UP], end[UP], at[1], at[0]],
            Self::Snuggest => [sorted[0], sorted[1], sorted[2], end[UP]],
            Self::Corner => [at[0] * at[0] + at[1] * at[1] + at[UP] * at[UP], sorted[0], sorted[1], sorted[2]],
            Self::Back => [end[0], end[1], end[2], 0],
        }
    }
}
