//! What is packed and into what: pieces, the ways they may be turned, cartons, and where a piece lies.
//!
//! All lengths are whole millimetres, all weights whole grams. The first edge of a carton is its length, the second its
//! width, the third its height: `z` is up. What is *not* here: what anything costs (`price`), and items of the catalogue,
//! of which pieces know nothing.

/// Length, width and height, mm.
pub type Edges = [u32; 3];

/// Up.
pub const UP: usize = 2;

/// How a piece wants to be handled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handling {
    /// Which of its edges may stand upright: length, width, height.
    pub stands: [bool; 3],
    /// Nothing may lie above it, at any height.
    pub fragile: bool,
    /// It has its carton to itself.
    pub alone: bool,
}

impl Handling {
    /// Turned any way, stacked, with others.
    pub const ANY: Self = Self { stands: [true; 3], fragile: false, alone: false };
    /// As [`Handling::ANY`], but what is its height stays its height.
    pub const THIS_SIDE_UP: Self = Self { stands: [false, false, true], ..Self::ANY };
}

/// One piece.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Piece {
    /// Its outer size.
    pub edges: Edges,
    /// Its weight.
    pub weight_g: u32,
    /// How it wants to be handled.
    pub handling: Handling,
}

impl Piece {
    /// Cubic millimetres it fills.
    pub fn volume(&self) -> u64 {
        volume(self.edges)
    }

    /// Its shortest edge.
    pub fn shortest(&self) -> u32 {
        self.edges.into_iter().min().unwrap_or(0)
    }

    /// The ways it may be turned, each once.
    pub fn turns(&self) -> Turns {
        self.turns_in([u32::MAX; 3])
    }

    /// The ways it may be turned that fit a room.
    pub fn turns_in(&self, room: Edges) -> Turns {
        let mut turns = Turns::default();
        let [length, width, height] = self.edges;
        let differ = length != width && width != height && height != length;
        for up in (0..3).rev().filter(|up| self.handling.stands[*up]) {
            let (one, other, height) = (self.edges[(up + 1) % 3], self.edges[(up + 2) % 3], self.edges[up]);
            for turn in [[one, other, height], [other, one, height]] {
                // A turn can only be there already where two edges are equal.
                if within(turn, room) && (differ || !turns.iter().any(|known| known == turn)) {
                    turns.add(turn);
                }
            }
        }
        turns
    }

    /// Whether it fits alone, some way round.
    pub fn fits(&self, room: Edges) -> bool {
        self.shortest_in(room).is_some()
    }

    /// The shortest it can be along each axis of a room, turned as it fits there; `None` when it does not.
    pub fn shortest_in(&self, room: Edges) -> Option<Edges> {
        let mut shortest: Option<Edges> = None;
        for up in (0..3).filter(|up| self.handling.stands[*up]) {
            let (one, other, height) = (self.edges[(up + 1) % 3], self.edges[(up + 2) % 3], self.edges[up]);
            for turn in [[one, other, height], [other, one, height]] {
                if within(turn, room) {
                    let known = shortest.unwrap_or(turn);
                    shortest = Some(std::array::from_fn(|axis| known[axis].min(turn[axis])));
                }
            }
        }
        shortest
    }
}

/// Sizes a piece has when it is turned: at most six.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turns {
    list: [Edges; 6],
    count: u8,
}

impl Turns {
    fn add(&mut self, edges: Edges) {
        self.list[usize::from(self.count)] = edges;
        self.count += 1;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// One of them.
    pub fn at(&self, number: usize) -> Edges {
        self.list[number]
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Edges> + '_ {
        self.list[..usize::from(self.count)].iter().copied()
    }
}

/// A carton to pack into; there are as many of each as it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Carton {
    /// Room inside.
    pub inner: Edges,
    /// Size outside: what a carrier measures.
    pub outer: Edges,
    /// Its own weight.
    pub weight_g: u32,
    /// Most it may weigh, itself included.
    pub max_weight_g: u32,
    /// What one costs, minor units.
    pub cost: i64,
}

impl Carton {
    /// Most its pieces may weigh.
    pub fn load_g(&self) -> u64 {
        u64::from(self.max_weight_g.saturating_sub(self.weight_g))
    }

    /// Whether a piece may go in when nothing else does.
    pub fn takes(&self, piece: &Piece) -> bool {
        u64::from(piece.weight_g) <= self.load_g() && piece.fits(self.inner)
    }
}

/// Where a piece lies in its carton.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// Which piece, by its place in the list that was given.
    pub piece: u16,
    /// Its corner nearest the carton's origin, from the inner corner.
    pub at: Edges,
    /// Its size as it is turned.
    pub size: Edges,
}

impl Placement {
    /// Where it ends.
    pub fn end(&self) -> Edges {
        std::array::from_fn(|axis| self.at[axis] + self.size[axis])
    }
}

/// Cubic millimetres of a box.
pub fn volume(edges: Edges) -> u64 {
    edges.into_iter().map(u64::from).product()
}

/// Whether one box fits another without being turned.
pub fn within(size: Edges, room: Edges) -> bool {
    size[0] <= room[0] && size[1] <= room[1] && size[2] <= room[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(edges: Edges, handling: Handling) -> usize {
        Piece { edges, weight_g: 0, handling }.turns().iter().count()
    }

    #[test]
    fn a_piece_is_turned_as_its_edges_differ_and_as_it_may_be() {
        assert_eq!(turns([1, 2, 3], Handling::ANY), 6);
        assert_eq!(turns([1, 2, 2], Handling::ANY), 3);
        assert_eq!(turns([2, 2, 2], Handling::ANY), 1);
        assert_eq!(turns([1, 2, 3], Handling::THIS_SIDE_UP), 2);
        let heights = Piece { edges: [1, 2, 3], weight_g: 0, handling: Handling::THIS_SIDE_UP };
        assert!(heights.turns().iter().all(|turn| turn[UP] == 3));
    }
}
