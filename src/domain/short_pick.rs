//! How often a unit that should be there is not found: what is usual of a kind of node.
//!
//! Shops miscount more than warehouses, and a unit that is the last of its shelf is missing most often: it may lie in a
//! basket, or was stolen and nobody knows. The figures are planning figures of this program.

use super::node::NodeKind;

/// How many were on hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shelf {
    /// One, or none by the book.
    One,
    /// Two or three.
    Few,
    /// Four to nine.
    Some,
    /// Ten and more.
    Many,
}

impl Shelf {
    /// Of so many units.
    pub fn of(units: u32) -> Self {
        match units {
            0..=1 => Self::One,
            2..=3 => Self::Few,
            4..=9 => Self::Some,
            _ => Self::Many,
        }
    }
}

/// Millionths of the units that are not found at a node of a kind: planning figures of this program.
pub fn usual_micro(kind: NodeKind, shelf: Shelf) -> u32 {
    let of_kind = if kind == NodeKind::Store { 80_000 } else { 20_000 };
    if shelf == Shelf::One { of_kind + 100_000 } else { of_kind }
}
