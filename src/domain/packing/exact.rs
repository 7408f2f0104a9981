//! Whether a few pieces fit a carton: a search that is complete, so that a no is a proof.
//!
//! Two pieces that both lie in a carton are apart on some axis. The search gives every pair such an axis, not yet who is
//! first (the packing classes of Fekete and Schepers 1997): pieces come in one after another, the largest for the ways it
//! may be turned first, each turned every such way, and each is related to all before it, a pair with one possible axis
//! before others. Pieces of which every two are apart on the same axis are a *row* along it: they must not be longer
//! together than the carton. When every pair has its axis and no row is too long, the pieces are lined up along each axis,
//! every one as near to the origin as those before it allow. Almost always they can be: up to four pieces, if none is
//! fragile, rows are all that matters. Unlike a search over corners it finds packings that cannot be built piece by piece
//! against earlier ones; unlike one that says who is left of whom it asks once what would be the same in another order.
//!
//! Nothing may lie above what is fragile: two fragile pieces are apart to the side, and of others the fragile one is above.
//!
//! Symmetry: what is only mirrored or in another order along an axis is never asked twice. Of equal pieces the later never
//! has an earlier turn.
//!
//! **Blame.** Every no names the pieces it follows from: those in the rows that would be too long, no others.
//! A choice about a piece that is not to blame changes nothing, so its other ways are not tried (conflict-directed
//! backjumping, Prosser 1993), and the no of a whole question names the pieces that already do not fit together.
//!
//! **Ahead.** Which turns of later pieces can lie beside a piece as it is turned is worked out when it is first turned so;
//! a piece that has no turn left ends the way at once.
//!
//! **Words.** A set of pieces is a byte, and a set of such sets is a word of 64 bits, one for every set that there can be:
//! which rows there are, which of them are too long, and which are in a set are each one word.
//!
//! Bounds: [`EXACT_PIECES_MAX`] pieces, [`STEPS_MAX`] relations tried, cartons of [`EDGE_MAX`]: of larger ones nothing is
//! known. Memory: fixed arrays on the stack, nothing is allocated. What is *not* here: which pieces go together (`few`).

use super::piece::{Carton, Edges, Piece, Placement, Turns, UP, volume};

/// Most pieces.
pub(super) const EXACT_PIECES_MAX: usize = 6;

/// Relations tried before the search gives up and says so.
const STEPS_MAX: u32 = 200_000;

/// What the search found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// They fit, like this; so many placements as there are pieces, in their order.
    Fits([Placement; EXACT_PIECES_MAX]),
    /// They do not, nor do these of them, one bit each by their place in the list.
    DoesNot(u8),
    /// The steps were used up.
    Unknown,
}

/// Whether pieces fit a carton together. Their weight is not looked at.
pub(super) fn fits(carton: &Carton, pieces: &[Piece]) -> Verdict {
    fits_within(carton, pieces, STEPS_MAX)
}

/// The same with fewer relations to try.
pub(super) fn fits_within(carton: &Carton, pieces: &[Piece], steps_max: u32) -> Verdict {
    assert!(pieces.len() <= EXACT_PIECES_MAX, "an exact search is asked for few pieces");
    let mut order: [u8; EXACT_PIECES_MAX] = std::array::from_fn(|number| number as u8);
    let order = &mut order[..pieces.len()];
    order.sort_unstable_by_key(|number| {
        let piece = &pieces[usize::from(*number)];
        let stands = piece.handling.stands.iter().filter(|stands| **stands).count() as u64;
        // Found by counting steps: what has a third of the turns counts half as much again.
        (std::cmp::Reverse(piece.volume() / (stands + 3)), *piece, *number)
    });
    if carton.inner.into_iter().any(|edge| edge > EDGE_MAX) {
        return Verdict::Unknown;
    }
    let mut search = Search::of(carton.inner.map(|edge| edge as u16), order.len(), steps_max);
    if !search.read(carton, pieces, order) {
        return Verdict::DoesNot(all_of(pieces.len()));
    }
    match search.enter(0, &NO_ROWS) {
        FOUND => search.packing(order),
        _ if search.steps >= steps_max => Verdict::Unknown,
        blamed => Verdict::DoesNot(bits(blamed).fold(0, |all, at| all | 1 << order[at])),
    }
}

/// One bit for each of so many.
fn all_of(count: usize) -> u8 {
    ((1u16 << count) - 1) as u8
}

/// Longest edge of a carton, mm: no path is longer, and fifteen bits hold it.
const EDGE_MAX: u32 = i16::MAX as u32;

/// A length by piece, mm, so that all are compared at once: four in a word, fifteen bits each.
#[derive(Clone, Copy)]
struct Lanes([u64; 2]);

impl Lanes {
    const EMPTY: Self = Self([0; 2]);

    /// How long a piece is along an axis by the ways it may be turned.
    #[inline(always)]
    fn of(turns: &Turns, axis: usize) -> Self {
        let lane = |number: usize| u64::from(turns.at(number)[axis]) << (number % 4 * 16);
        Self([lane(0) | lane(1) | lane(2) | lane(3), lane(4) | lane(5)])
    }

    #[inline(always)]
    fn at(&self, piece: usize) -> u16 {
        self.0[piece / 4 % 2].wrapping_shr((piece as u32 % 4) << 4) as u16
    }

    /// Which are at most so long, one bit each; lanes of no piece may have one too.
    #[inline(always)]
    fn at_most(&self, most: u16) -> u64 {
        const TOPS: u64 = 0x8000_8000_8000_8000;
        // The top bit of a lane stays where nothing is borrowed from it.
        let most = u64::from(most).wrapping_mul(0x0001_0001_0001_0001) | TOPS;
        let [low, high] = self.0.map(|lanes| most.wrapping_sub(lanes) & TOPS);
        // Gathers them in the top two bytes: no two bits of the product meet.
        (low >> 15 | high >> 11).wrapping_mul(1 << 48 | 1 << 33 | 1 << 18 | 1 << 3) >> 48
    }
}

/// Per set of pieces a word with all bits set in the byte of each.
const BYTES: [u64; 1 << EXACT_PIECES_MAX] = {
    let mut bytes = [0; 1 << EXACT_PIECES_MAX];
    let mut set = 0;
    while set < bytes.len() {
        let mut at = 0;
        while at < EXACT_PIECES_MAX {
            if set >> at & 1 == 1 {
                bytes[set] |= 0xFF << (8 * at);
            }
            at += 1;
        }
        set += 1;
    }
    bytes
};

/// One bit in the byte of each piece.
const EACH: u64 = 0x0101_0101_0101;

/// One byte of a word.
#[inline(always)]
fn byte(word: u64, at: usize) -> u8 {
    word.wrapping_shr((at as u32) << 3) as u8
}

/// A set of sets of pieces: one bit each.
type Family = u64;

/// Per set of pieces all that are in it.
const WITHIN: [Family; 1 << EXACT_PIECES_MAX] = {
    let mut within = [0; 1 << EXACT_PIECES_MAX];
    let mut set = 0;
    while set < within.len() {
        let mut part = 0;
        while part <= set {
            within[set] |= ((part & set == part) as u64) << part;
            part += 1;
        }
        set += 1;
    }
    within
};

/// Whose set of one is in a family.
#[inline(always)]
fn single(family: Family) -> u8 {
    let at = |set: u32, one: u32| family >> (set - one) & 1 << one;
    (at(1, 0) | at(2, 1) | at(4, 2) | at(8, 3) | at(16, 4) | at(32, 5)) as u8
}

/// Fewest pieces that perhaps cannot be lined up though no row is too long and none is fragile.
const RING: usize = 5;

/// What is in a set.
#[inline(always)]
fn within(set: u8) -> Family {
    WITHIN[usize::from(set & all_of(EXACT_PIECES_MAX))]
}

/// Axis by axis the rows there are; nobody is one.
type Rows = [Family; 3];

const NO_ROWS: Rows = [1; 3];

/// A piece that is being related to those before it.
struct Newest<'a> {
    number: usize,
    /// The rows of those before it.
    rows: &'a Rows,
    /// Axis by axis those that would be too long with it.
    too_long: Rows,
}

/// To whom the newest piece is related so far.
#[derive(Clone, Copy)]
struct Related {
    /// Axis by axis who is apart from it there.
    apart: [u8; 3],
    /// Axis by axis who cannot be, since a row would be too long.
    closed: [u8; 3],
}

impl Newest<'_> {
    /// Related to none.
    fn alone(&self) -> Related {
        Related { apart: [0; 3], closed: self.too_long.map(single) }
    }

    /// With another piece that is apart on an axis.
    #[inline(always)]
    fn with(&self, mut related: Related, axis: usize, other: usize, left: u8) -> Related {
        let apart = related.apart[axis] | 1 << other;
        let too_long = self.too_long[axis];
        let closes = |one: &usize| within(apart | 1 << one) & too_long != 0;
        related.apart[axis] = apart;
        related.closed[axis] |= bits(left & !related.closed[axis]).filter(closes).fold(0, |who, one| who | 1 << one);
        related
    }

    /// Who is in a row that would be too long if another were apart on an axis: of several the one for whom the search
    /// jumps back furthest, whose latest piece is the earliest; nobody when it can be.
    #[inline(always)]
    fn closing(&self, related: &Related, axis: usize, other: usize) -> u8 {
        let rows = within(related.apart[axis] | 1 << other) & self.too_long[axis];
        if rows == 0 { 0 } else { rows.trailing_zeros() as u8 }
    }

    /// The same on all axes on which it cannot, with the two.
    #[inline(always)]
    fn closing_all(&self, related: &Related, other: usize) -> u8 {
        (0..3).fold(1 << self.number | 1 << other, |who, axis| who | self.closing(related, axis, other))
    }
}

/// Nobody is to blame: a packing was found.
const FOUND: u8 = 0;

struct Search {
    inner: [u16; 3],
    count: usize,
    /// Per piece how long it is along each axis by the ways it may be turned.
    turns: [[Lanes; 3]; EXACT_PIECES_MAX],
    /// Which are fragile, one bit each.
    fragile: u8,
    /// Which equal the one before them, one bit each.
    equal: u8,
    steps: u32,
    steps_max: u32,
    /// Per depth the turns that are still possible: a byte a piece, a bit each.
    open: [u64; EXACT_PIECES_MAX + 1],
    /// Per piece and turn the turns of later pieces which can lie apart from it: a byte a piece, a bit each.
    beside: [[u64; 6]; EXACT_PIECES_MAX],
    /// Per piece the turns of which that is known, one bit each.
    known: [u8; EXACT_PIECES_MAX],
    /// The pieces so far: which of its turns each has, and what that is along each axis.
    turned: [u8; EXACT_PIECES_MAX],
    size: [[u16; EXACT_PIECES_MAX]; 3],
    /// Axis by axis how long each row is.
    length: [[u16; 1 << EXACT_PIECES_MAX]; 3],
    /// Where the pieces lie, when a packing was found.
    corner: [[u16; EXACT_PIECES_MAX]; 3],
}

impl Search {
    fn of(inner: [u16; 3], count: usize, steps_max: u32) -> Self {
        Self {
            inner,
            count,
            turns: [[Lanes::EMPTY; 3]; EXACT_PIECES_MAX],
            fragile: 0,
            equal: 0,
            steps: 0,
            steps_max,
            open: [0; EXACT_PIECES_MAX + 1],
            beside: [[0; 6]; EXACT_PIECES_MAX],
            known: [0; EXACT_PIECES_MAX],
            turned: [0; EXACT_PIECES_MAX],
            size: [[0; EXACT_PIECES_MAX]; 3],
            length: [[0; 1 << EXACT_PIECES_MAX]; 3],
            corner: [[0; EXACT_PIECES_MAX]; 3],
        }
    }

    /// Reads the pieces; `false` when one does not fit, or all together are too large.
    fn read(&mut self, carton: &Carton, pieces: &[Piece], order: &[u8]) -> bool {
        for (at, &number) in order.iter().enumerate() {
            let piece = &pieces[usize::from(number)];
            let turns = piece.turns_in(carton.inner);
            if turns.is_empty() {
                return false;
            }
            self.turns[at] = [Lanes::of(&turns, 0), Lanes::of(&turns, 1), Lanes::of(&turns, UP)];
            self.open[0] |= u64::from(all_of(turns.count())) << (8 * at);
            self.fragile |= u8::from(piece.handling.fragile) << at;
            self.equal |= u8::from(at > 0 && pieces[usize::from(order[at - 1])] == *piece) << at;
        }
        pieces.iter().map(Piece::volume).sum::<u64>() <= volume(carton.inner)
    }

    /// What was found.
    fn packing(&self, order: &[u8]) -> Verdict {
        let mut placements = [Placement { piece: 0, at: [0; 3], size: [0; 3] }; EXACT_PIECES_MAX];
        for (at, &number) in order.iter().enumerate() {
            let size = self.size.map(|size| size[at].into());
            let corner = self.corner.map(|corner| corner[at].into());
            placements[usize::from(number)] = Placement { piece: number.into(), at: corner, size };
        }
        Verdict::Fits(placements)
    }

    /// Turns the next piece every way, and relates it to those before. [`FOUND`], or who is to blame.
    fn enter(&mut self, next: usize, rows: &Rows) -> u8 {
        let failed = self.line_up(next, rows);
        if failed != FOUND || next == self.count {
            return failed;
        }
        let mut blamed = 1 << next;
        let mut open = byte(self.open[next], next);
        if open != byte(self.open[0], next) {
            blamed |= self.narrowing(next, next);
        }
        if self.equal >> next & 1 == 1 {
            // What was before it has an earlier turn, or the same.
            blamed |= 1 << (next - 1);
            open &= u8::MAX << self.turned[next - 1];
        }
        for number in bits(open) {
            self.turned[next] = number as u8;
            if let Some(without) = self.look_ahead(next, number) {
                blamed |= 1 << without | self.narrowing(without, next + 1);
                continue;
            }
            let newest = self.turn(next, number, rows);
            let failed = self.relate(&newest, all_of(next), newest.alone());
            if failed == FOUND || failed >> next & 1 == 0 {
                return failed;
            }
            blamed |= failed;
        }
        blamed
    }

    /// Turns the next piece; says which rows it makes too long.
    #[inline(always)]
    fn turn<'a>(&mut self, next: usize, number: usize, rows: &'a Rows) -> Newest<'a> {
        let mut too_long = [0; 3];
        for (axis, too_long) in too_long.iter_mut().enumerate() {
            let size = self.turns[next][axis].at(number);
            self.size[axis][next] = size;
            let free = self.inner[axis].wrapping_sub(size);
            let mut left = rows[axis];
            while left != 0 {
                let row = left.trailing_zeros() as usize;
                *too_long |= u64::from(self.length[axis][row & 63] > free).wrapping_shl(row as u32);
                left &= left - 1;
            }
        }
        if self.is_fragile(next) {
            bits(self.fragile & all_of(next)).for_each(|other| too_long[UP] |= 1 << (1 << other));
        }
        Newest { number: next, rows, too_long }
    }

    /// Leaves later pieces the turns that can lie beside one that is turned like this; answers a piece that has none.
    #[inline(always)]
    fn look_ahead(&mut self, at: usize, number: usize) -> Option<usize> {
        if self.known[at] >> number & 1 == 0 {
            self.known[at] |= 1 << number;
            self.beside[at][number] = (at + 1..self.count)
                .fold(0, |all, later| all | u64::from(self.beside(at, number, later)) << (8 * later));
        }
        let open = self.open[at] & self.beside[at][number];
        self.open[at + 1] = open;
        let later = usize::from(all_of(self.count) & !all_of(at + 1));
        let open = open | !BYTES[later];
        // The lowest byte without a bit is the lowest that borrows.
        let without = open.wrapping_sub(EACH) & !open & (EACH << 7);
        (without != 0).then(|| without.trailing_zeros() as usize / 8)
    }

    /// The turns of a later piece that can lie apart from one that is turned like this, one bit each.
    fn beside(&self, at: usize, number: usize, later: usize) -> u8 {
        let room = |axis: usize| self.inner[axis].wrapping_sub(self.turns[at][axis].at(number));
        let apart = |axis: usize| self.turns[later][axis].at_most(room(axis));
        let lie_on = !(self.is_fragile(at) && self.is_fragile(later));
        byte(self.open[0], later) & (apart(0) | apart(1) | if lie_on { apart(UP) } else { 0 }) as u8
    }

    /// Those of the first so many pieces beside which a later one cannot be turned every way.
    fn narrowing(&self, later: usize, until: usize) -> u8 {
        let all = byte(self.open[0], later);
        let narrows = |one: &usize| byte(self.beside[*one][usize::from(self.turned[*one])], later) != all;
        (0..until).filter(narrows).fold(0, |who, one| who | 1 << one)
    }

    fn is_fragile(&self, at: usize) -> bool {
        self.fragile >> at & 1 == 1
    }

    /// Relates the newest piece to one more of those that are left, or goes on to the next.
    fn relate(&mut self, newest: &Newest<'_>, left: u8, related: Related) -> u8 {
        if left == 0 {
            let rows = self.rows_with(newest, &related);
            return self.enter(newest.number + 1, &rows);
        }
        let [x, y, z] = related.closed;
        let stuck = left & x & y & z;
        if stuck != 0 {
            let who = bits(stuck).map(|other| newest.closing_all(&related, other)).min();
            return who.expect("a piece has no way");
        }
        // One with a single way, else the largest.
        let single = left & (x & y | y & z | z & x);
        let other = if single == 0 { left } else { single }.trailing_zeros() as usize;
        self.relate_to(other, newest, left & !(1 << other), related)
    }

    /// Relates the newest piece to another every way there is.
    fn relate_to(&mut self, other: usize, newest: &Newest<'_>, left: u8, related: Related) -> u8 {
        let pair: u8 = 1 << newest.number | 1 << other;
        let mut blamed = newest.closing_all(&related, other);
        for axis in (0..3).filter(|axis| related.closed[*axis] >> other & 1 == 0) {
            self.steps += 1;
            if self.steps >= self.steps_max {
                return all_of(self.count);
            }
            let failed = self.relate(newest, left, newest.with(related, axis, other, left));
            if failed & pair != pair {
                return failed;
            }
            blamed |= failed;
        }
        blamed
    }

    /// The rows there are with a piece that is related to all before it.
    #[inline(always)]
    fn rows_with(&mut self, newest: &Newest<'_>, related: &Related) -> Rows {
        let number = newest.number;
        std::array::from_fn(|axis| {
            let beside = newest.rows[axis] & within(related.apart[axis]);
            let mut left = beside;
            while left != 0 {
                let row = left.trailing_zeros() as usize & 63;
                self.length[axis][(row | 1 << number) & 63] =
                    self.length[axis][row].wrapping_add(self.size[axis][number]);
                left &= left - 1;
            }
            newest.rows[axis] | beside << (1 << number)
        })
    }

    /// Lines up all pieces along every axis; of fewer asks only what is known to go wrong. [`FOUND`], or who is to blame.
    fn line_up(&mut self, count: usize, rows: &Rows) -> u8 {
        let are_fragile = count >= 4 && (self.fragile & all_of(count)).count_ones() >= 2;
        if count < RING && count < self.count && !are_fragile {
            return FOUND;
        }
        let apart = rows.map(|rows| std::array::from_fn(|one| single(rows >> (1 << one)) & !(1 << one)));
        if let Some(ring) = (0..3).find_map(|axis| self.tight_ring(axis, &apart[axis], count)) {
            return ring;
        }
        for (axis, apart) in apart.iter().enumerate() {
            let is_asked = count == self.count || axis == UP && are_fragile;
            if is_asked
                && !self.line_up_in_order(axis, apart, count)
                && !self.line_up_along(axis, apart, 0, all_of(count))
            {
                return self.not_in_line(axis, apart, count);
            }
        }
        FOUND
    }

    /// Five of which each is apart from two others along an axis, as in a ring, cannot be lined up unless some three that
    /// follow each other are short enough: one of them is between its neighbours whoever is first.
    fn tight_ring(&self, axis: usize, apart: &[u8; EXACT_PIECES_MAX], count: usize) -> Option<u8> {
        let of_five = |ring: &u8| ring.count_ones() as usize == RING;
        if count < RING || apart.iter().filter(|who| who.count_ones() >= 2).count() < RING {
            return None;
        }
        let without = (0..=count).map(|one| all_of(count) & !(1 << one));
        without.filter(of_five).find(|ring| {
            bits(*ring).all(|one| (apart[one] & ring).count_ones() == 2)
                && bits(*ring).all(|one| {
                    let three = bits(apart[one] & ring | 1 << one);
                    three.map(|one| u32::from(self.size[axis][one])).sum::<u32>() > u32::from(self.inner[axis])
                })
        })
    }

    /// Who of the first so many cannot be lined up: those without whom the others can be.
    fn not_in_line(&mut self, axis: usize, apart: &[u8; EXACT_PIECES_MAX], count: usize) -> u8 {
        (0..count).rev().fold(all_of(count), |who, one| {
            let others = who & !(1 << one);
            if self.line_up_along(axis, apart, 0, others) { who } else { others }
        })
    }

    /// Lines up the first so many, each behind those before it from whom it is apart: often enough. Whether they can be.
    fn line_up_in_order(&mut self, axis: usize, apart: &[u8; EXACT_PIECES_MAX], count: usize) -> bool {
        (0..count).all(|one| {
            let before = apart[one] & all_of(one);
            let corner = bits(before).map(|other| self.corner[axis][other] + self.size[axis][other]).max().unwrap_or(0);
            self.corner[axis][one] = corner;
            corner + self.size[axis][one] <= self.inner[axis] && (axis != UP || before & self.fragile == 0)
        })
    }

    /// Lines up those that are left behind the others from whom they are apart; whether they can be.
    fn line_up_along(&mut self, axis: usize, apart: &[u8; EXACT_PIECES_MAX], placed: u8, left: u8) -> bool {
        if left == 0 {
            return true;
        }
        let (mut choice, mut corners) = (left, [0; EXACT_PIECES_MAX]);
        for one in bits(left) {
            let before = apart[one] & placed;
            let corner = bits(before).map(|other| self.corner[axis][other] + self.size[axis][other]).max().unwrap_or(0);
            if corner + self.size[axis][one] > self.inner[axis] || axis == UP && before & self.fragile != 0 {
                return false;
            }
            corners[one] = corner;
            if apart[one] & left == 0 {
                // Nobody is behind it: it is in nobody's way.
                choice = 1 << one;
            }
        }
        bits(choice).any(|one| {
            self.corner[axis][one] = corners[one];
            self.line_up_along(axis, apart, placed | 1 << one, left & !(1 << one))
        })
    }
}

fn bits(mut mask: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(at)
    })
}

/// Whether two pieces fit a carton together, each turned as it likes: exact, and three comparisons. What is given of each
/// is the shortest it can be along each axis of the carton, and whether it is fragile.
pub(super) fn pair_fits(inner: Edges, (one, fragile): (Edges, bool), (other, also): (Edges, bool)) -> bool {
    (0..3).any(|axis| (axis != UP || !(fragile && also)) && within_sum(one[axis], other[axis], inner[axis]))
}

fn within_sum(one: u32, other: u32, length: u32) -> bool {
    u64::from(one) + u64::from(other) <= u64::from(length)
}
