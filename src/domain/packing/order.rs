//! The orders in which pieces are tried, largest first by some measure.
//!
//! No order is best for all: four measures with four ways to choose a place (`fill`) are sixteen passes, chosen among
//! forty by what they give on the classes of Martello, Pisinger and Vigo; a second of search gives 0.4 % more.

use super::piece::Piece;

/// By what pieces are put in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Measure {
    ShortestEdge,
    Volume,
    SumOfEdges,
    Footprint,
}

pub(super) const MEASURES: [Measure; 4] =
    [Measure::ShortestEdge, Measure::Volume, Measure::SumOfEdges, Measure::Footprint];

impl Measure {
    /// The larger, the earlier.
    fn of(self, piece: &Piece) -> [u64; 3] {
        let mut edges = piece.edges.map(u64::from);
        edges.sort_unstable();
        let [short, middle, long] = edges;
        let [length, width, height] = piece.edges.map(u64::from);
        match self {
            Self::ShortestEdge => [short, middle, long],
            Self::Volume => [piece.volume(), long, middle],
            Self::SumOfEdges => [short + middle + long, piece.volume(), long],
            Self::Footprint => [length * width, height, length.max(width)],
        }
    }

    /// Puts pieces in order; what is fragile comes behind what is not, since it closes the room above it, and equal
    /// pieces stay together.
    pub(super) fn sort(self, pieces: &[Piece], order: &mut [u16]) {
        order.sort_unstable_by_key(|number| {
            let piece = &pieces[usize::from(*number)];
            (piece.handling.fragile, std::cmp::Reverse((self.of(piece), *piece)), *number)
        });
    }
}
