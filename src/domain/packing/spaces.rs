//! The room left in a carton: its *maximal spaces*, every empty box that could not be larger.
//!
//! Their near lower corners are the extreme points where a next piece may go (Crainic, Perboli, Tadei 2008), each with
//! all the room behind it, so that whether a piece fits is three comparisons and never a look at what lies there. Spaces
//! overlap one another; a piece that is placed cuts all that it touches (Lai and Chan 1997).
//!
//! Bounds: spaces that not even the smallest piece left could use are dropped, since they can only become smaller.
//! What is *not* here: which space to use (`fill`).

use super::piece::{Edges, UP, volume};

/// An empty box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Space {
    pub(super) from: Edges,
    pub(super) to: Edges,
}

impl Space {
    pub(super) fn room(&self) -> Edges {
        [self.to[0] - self.from[0], self.to[1] - self.from[1], self.to[2] - self.from[2]]
    }

    fn meets(&self, other: &Self) -> bool {
        (0..3).all(|axis| self.from[axis] < other.to[axis] && other.from[axis] < self.to[axis])
    }

    fn holds(&self, other: &Self) -> bool {
        (0..3).all(|axis| self.from[axis] <= other.from[axis] && other.to[axis] <= self.to[axis])
    }
}

/// The smallest any piece left is: in its shortest edge, and in all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Least {
    pub(super) edge: u32,
    pub(super) volume: u64,
}

/// All maximal spaces of one carton.
#[derive(Debug, Default)]
pub(super) struct Spaces {
    list: Vec<Space>,
    cut: Vec<Space>,
    ceiling: u32,
}

impl Spaces {
    /// An empty carton.
    pub(super) fn clear(&mut self, inner: Edges) {
        self.list.clear();
        self.list.push(Space { from: [0; 3], to: inner });
        self.ceiling = inner[UP];
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Space> {
        self.list.iter()
    }

    /// Whether it reaches the top of the carton.
    pub(super) fn is_open_above(&self, space: &Space) -> bool {
        space.to[UP] == self.ceiling
    }

    /// Takes a box out of the room that is left; a fragile one up to the top of the carton. Says how many looks it took.
    pub(super) fn take(&mut self, at: Edges, size: Edges, fragile: bool, least: Least) -> u64 {
        let mut taken = Space { from: at, to: std::array::from_fn(|axis| at[axis] + size[axis]) };
        if fragile {
            taken.to[UP] = self.ceiling;
        }
        self.cut.clear();
        let cut = &mut self.cut;
        self.list.retain(|space| {
            let stays = !space.meets(&taken);
            if !stays {
                slice(space, &taken, least, cut);
            }
            stays
        });
        let whole = self.list.len();
        for (number, space) in self.cut.iter().enumerate() {
            let held = self.list[..whole].iter().any(|other| other.holds(space))
                || self.cut[..number].iter().any(|other| other.holds(space))
                || self.cut[number + 1..].iter().any(|other| other != space && other.holds(space));
            if !held {
                self.list.push(*space);
            }
        }
        (whole + self.cut.len() * (whole + self.cut.len())) as u64
    }
}

/// What is left of a space beside what is taken of it.
fn slice(space: &Space, taken: &Space, least: Least, out: &mut Vec<Space>) {
    for axis in 0..3 {
        let (mut before, mut behind) = (*space, *space);
        before.to[axis] = taken.from[axis];
        behind.from[axis] = taken.to[axis];
        for part in [before, behind] {
            let long_enough = part.from[axis].saturating_add(least.edge.max(1)) <= part.to[axis];
            if long_enough && volume(part.room()) >= least.volume {
                out.push(part);
            }
        }
    }
}
