//! Whether a few pieces fit a carton: a search that is complete, so that a no is a proof.
//!
//! Two pieces that both lie in a carton are apart on some axis: one is left of the other, behind it or below it. The
//! search gives every pair such a relation (Onodera, Taniguchi, Tamaki 1991; the packing classes of Fekete and Schepers
//! are the same idea): pieces come in one after another, the largest for the ways it may be turned first, each turned every
//! such way, and each is related to all before it, a pair with one possible relation before others. Per axis the relations
//! make a graph whose longest path must not exceed the carton; what follows from others (left of what is left of) is never
//! asked. A full set of relations *is* a packing: every piece lies as near to the origin as its longest path allows. Unlike
//! a search over corners it finds packings that cannot be built piece by piece against earlier ones.
//!
//! Nothing may lie above what is fragile: "fragile below other" is left out of the relations, and the two are apart to
//! the side.
//!
//! Symmetry: the first relation on an axis is taken one way round only, since a mirrored packing is one too (not
//! upwards beside fragile pieces, nor on the axis that tells equal pieces apart); of equal pieces the later never lies
//! left of the earlier.
//!
//! **Blame.** Every no names the pieces it follows from: those on the longest paths that close the ways, no others.
//! A choice about a piece that is not to blame changes nothing, so its other ways are not tried (conflict-directed
//! backjumping, Prosser 1993), and the no of a whole question names the pieces that already do not fit together.
//!
//! **Ahead.** Which turns of later pieces can lie beside a piece as it is turned is worked out when it is first turned so;
//! a piece that has no turn left ends the way at once.
//!
//! **Words.** Sets are bits, lengths lie four to a word, and all pieces are compared at once. A piece that is being related
//! moves nothing that is not related to it yet, so the others are told of it only when it is related to all of them: most
//! never are.
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
    match search.enter(0) {
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

    #[inline(always)]
    fn put(&mut self, piece: usize, length: u16) {
        let (word, shift) = (&mut self.0[piece / 4 % 2], (piece as u32 % 4) << 4);
        *word = *word & !0xFFFF_u64.wrapping_shl(shift) | u64::from(length).wrapping_shl(shift);
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

/// A set in the byte of each of some pieces.
#[inline(always)]
fn of_each(pieces: u8, set: u8) -> u64 {
    BYTES[usize::from(pieces & all_of(EXACT_PIECES_MAX))] & (u64::from(set) * EACH)
}

/// One byte of a word.
#[inline(always)]
fn byte(word: u64, at: usize) -> u8 {
    word.wrapping_shr((at as u32) << 3) as u8
}

/// A set in one byte of a word.
#[inline(always)]
fn in_byte(set: u8, at: usize) -> u64 {
    u64::from(set).wrapping_shl((at as u32) << 3)
}

/// Puts a set in one byte of a word.
#[inline(always)]
fn put(word: &mut u64, at: usize, set: u8) {
    *word = *word & !in_byte(0xFF, at) | in_byte(set, at);
}

/// How the pieces so far lie along the axes, by *way*: twice the axis, for what is before a piece; one more, for what is
/// behind it.
#[derive(Clone, Copy)]
struct Laid {
    /// Who is there: a byte a piece, a bit each.
    who: [u64; 6],
    /// The longest path from that side of the carton through each piece, itself included.
    path: [Lanes; 6],
    /// Who is on that path besides: a byte a piece, a bit each.
    chain: [u64; 6],
}

impl Laid {
    const EMPTY: Self = Self { who: [0; 6], path: [Lanes::EMPTY; 6], chain: [0; 6] };

    /// Adds a piece that is related to all so far.
    #[inline(always)]
    fn add(&mut self, newest: usize, size: &[[u16; 8]; 3], joined: &Joined) {
        for (axis, size) in size.iter().enumerate() {
            for way in [2 * axis, 2 * axis + 1] {
                let (here, there) = (byte(joined.who, way), byte(joined.who, way ^ 1));
                self.who[way] |= of_each(there, here | 1 << newest) | in_byte(here, newest);
                self.path[way].put(newest, joined.reach(way).wrapping_add(size[newest]));
                put(&mut self.chain[way], newest, byte(joined.chain, way));
            }
            self.lengthen(2 * axis, newest, size);
            self.lengthen(2 * axis + 1, newest, size);
        }
    }

    /// Pushes what lies beyond a piece as far as that pushes it.
    #[inline(always)]
    fn lengthen(&mut self, way: usize, start: usize, size: &[u16; 8]) {
        let mut moved = 1u8 << start;
        while moved != 0 {
            let at = moved.trailing_zeros() as usize;
            moved &= moved - 1;
            for to in bits(byte(self.who[way ^ 1], at)) {
                let least = self.path[way].at(at).wrapping_add(size[to]);
                if self.path[way].at(to) < least {
                    self.path[way].put(to, least);
                    let chain = byte(self.chain[way], at) | 1 << at;
                    put(&mut self.chain[way], to, chain);
                    moved |= 1 << to;
                }
            }
        }
    }
}

/// How the newest piece is related to those before it, as far as it is. Nothing that is not related to it is moved by it,
/// so the others are told only when it is related to all.
#[derive(Clone, Copy)]
struct Joined {
    /// Way by way who is there.
    who: u64,
    /// Who of them is on the longest path.
    chain: u64,
    /// The longest path up to it: sixteen bits an axis.
    before: u64,
    /// The longest path from its end.
    behind: u64,
}

impl Joined {
    const NONE: Self = Self { who: 0, chain: 0, before: 0, behind: 0 };

    #[inline(always)]
    fn reach(&self, way: usize) -> u16 {
        let reach = if way.is_multiple_of(2) { self.before } else { self.behind };
        reach.wrapping_shr((way as u32 / 2) << 4) as u16
    }

    /// With another piece on one side, and all on that side of it.
    #[inline(always)]
    fn with(&self, way: usize, other: usize, laid: &Laid) -> Self {
        let more = laid.path[way].at(other).saturating_sub(self.reach(way));
        let longer = u64::from(more).wrapping_shl((way as u32 / 2) << 4);
        let (before, behind) = if way.is_multiple_of(2) { (longer, 0) } else { (0, longer) };
        let mut chain = self.chain;
        put(&mut chain, way, byte(laid.chain[way], other) | 1 << other);
        Self {
            who: self.who | in_byte(byte(laid.who[way], other) | 1 << other, way),
            chain: if more > 0 { chain } else { self.chain },
            before: self.before.wrapping_add(before),
            behind: self.behind.wrapping_add(behind),
        }
    }
}

/// Axis by axis a byte of pieces the newest can lie behind, and one of those it can lie before.
type Ways = u64;

/// Nobody is to blame: a packing was found.
const FOUND: u8 = 0;

struct Search {
    inner: [u16; 3],
    count: usize,
    /// Per piece how long it is along each axis by the ways it may be turned.
    turns: [[Lanes; 3]; EXACT_PIECES_MAX],
    /// Which are fragile, one bit each.
    fragile: u8,
    /// Which earlier pieces each is equal to, one bit each.
    equal: [u8; EXACT_PIECES_MAX],
    /// The ways each may have, were there room.
    allowed: [Ways; EXACT_PIECES_MAX],
    /// Axes on which a mirrored packing is a packing of the same pieces in the same order.
    mirrored: [bool; 3],
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
    size: [[u16; 8]; 3],
    /// What each leaves of the carton along each axis.
    free: [[u16; 3]; EXACT_PIECES_MAX],
    /// How they are related.
    laid: Laid,
}

impl Search {
    fn of(inner: [u16; 3], count: usize, steps_max: u32) -> Self {
        Self {
            inner,
            count,
            turns: [[Lanes::EMPTY; 3]; EXACT_PIECES_MAX],
            fragile: 0,
            equal: [0; EXACT_PIECES_MAX],
            allowed: [0; EXACT_PIECES_MAX],
            mirrored: [true; 3],
            steps: 0,
            steps_max,
            open: [0; EXACT_PIECES_MAX + 1],
            beside: [[0; 6]; EXACT_PIECES_MAX],
            known: [0; EXACT_PIECES_MAX],
            turned: [0; EXACT_PIECES_MAX],
            size: [[0; 8]; 3],
            free: [[0; 3]; EXACT_PIECES_MAX],
            laid: Laid::EMPTY,
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
            for (earlier, other) in order[..at].iter().enumerate() {
                if pieces[usize::from(*other)] == *piece {
                    self.equal[at] |= 1 << earlier;
                    self.mirrored[0] = false;
                }
            }
            self.mirrored[UP] &= !piece.handling.fragile;
        }
        // Of equal pieces the later is never left of the earlier, and nothing is above what is fragile.
        for at in 0..self.count {
            let above = if self.is_fragile(at) { 0xFF00 } else { 0 };
            let closed = u64::from(self.equal[at]) << 8 | (u64::from(self.fragile) | above) << (16 * UP);
            self.allowed[at] = !closed;
        }
        pieces.iter().map(Piece::volume).sum::<u64>() <= volume(carton.inner)
    }

    /// Every piece as near to the origin as its longest path allows.
    fn packing(&self, order: &[u8]) -> Verdict {
        let mut placements = [Placement { piece: 0, at: [0; 3], size: [0; 3] }; EXACT_PIECES_MAX];
        for (at, &number) in order.iter().enumerate() {
            let size: Edges = std::array::from_fn(|axis| self.size[axis][at].into());
            let corner = std::array::from_fn(|axis| u32::from(self.laid.path[2 * axis].at(at)) - size[axis]);
            placements[usize::from(number)] = Placement { piece: number.into(), at: corner, size };
        }
        Verdict::Fits(placements)
    }

    /// Turns the next piece every way, and relates it to those before. [`FOUND`], or who is to blame.
    fn enter(&mut self, next: usize) -> u8 {
        if next == self.count {
            return FOUND;
        }
        let mut blamed = 1 << next;
        let open = byte(self.open[next], next);
        for number in bits(open) {
            self.turned[next] = number as u8;
            if let Some(without) = self.look_ahead(next, number) {
                blamed |= 1 << without | self.narrowing(without, next + 1);
                continue;
            }
            let ways = self.turn(next, number);
            let failed = self.relate(next, all_of(next), ways, &Joined::NONE);
            if failed == FOUND || failed >> next & 1 == 0 {
                return failed;
            }
            blamed |= failed;
        }
        if open != byte(self.open[0], next) {
            blamed |= self.narrowing(next, next);
        }
        blamed
    }

    /// Turns the next piece; says its ways while it is related to none.
    #[inline(always)]
    fn turn(&mut self, next: usize, number: usize) -> Ways {
        let mut ways = 0;
        for (axis, lengths) in self.turns[next].iter().enumerate() {
            let length = lengths.at(number);
            let free = self.inner[axis].wrapping_sub(length);
            (self.size[axis][next], self.free[next][axis]) = (length, free);
            let behind = self.laid.path[2 * axis].at_most(free) & 0xFF;
            let before = self.laid.path[2 * axis + 1].at_most(free) & 0xFF;
            // The first relation along an axis may be the mirror image of another.
            let is_mirrored = self.mirrored[axis] && self.laid.who[2 * axis] == 0;
            ways |= (behind | if is_mirrored { 0 } else { before << 8 }) << (16 * axis);
        }
        ways & self.allowed[next]
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
    #[inline(always)]
    fn relate(&mut self, newest: usize, left: u8, ways: Ways, joined: &Joined) -> u8 {
        if left == 0 {
            let before = self.laid;
            self.laid.add(newest, &self.size, joined);
            let failed = self.enter(newest + 1);
            if failed != FOUND {
                self.laid = before;
            }
            return failed;
        }
        match forced_or_first(ways, left) {
            Some(other) => self.relate_to(other, newest, left, ways, joined),
            None => self.closing_any(newest, left, ways, joined),
        }
    }

    /// Relates the newest piece to another every way there is.
    fn relate_to(&mut self, other: usize, newest: usize, left: u8, ways: Ways, joined: &Joined) -> u8 {
        let pair: u8 = 1 << newest | 1 << other;
        let mut blamed = 0;
        let mut open = ways >> other & EACH;
        while open != 0 {
            let way = open.trailing_zeros() as usize / 8;
            open &= open - 1;
            self.steps += 1;
            if self.steps >= self.steps_max {
                return all_of(self.count);
            }
            let joined = joined.with(way, other, &self.laid);
            // What lies on one side leaves less room for others on the other side.
            let room = self.free[newest][way / 2].wrapping_sub(joined.reach(way));
            let beyond = in_byte(self.laid.path[way ^ 1].at_most(room) as u8, way ^ 1) & self.allowed[newest];
            let ways = ways & !in_byte(0xFF, way ^ 1) | beyond;
            let failed = self.relate(newest, left & !byte(joined.who, way), ways, &joined);
            if failed & pair != pair {
                return failed;
            }
            blamed |= failed;
        }
        blamed | self.closing(newest, other, ways, joined)
    }

    /// Who closes the ways between two pieces that could lie apart if they were alone: those on the longest paths.
    fn closing(&self, newest: usize, other: usize, ways: Ways, joined: &Joined) -> u8 {
        if self.equal[newest] >> other & 1 == 1 {
            return all_of(newest + 1);
        }
        let closed = self.allowed[newest] & !ways;
        let mut who = 1 << newest | 1 << other;
        for axis in 0..3 {
            let is_apart = self.size[axis][other] <= self.free[newest][axis];
            for way in [2 * axis, 2 * axis + 1] {
                let is_way = is_apart & (byte(closed, way) >> other & 1 == 1);
                let chain = byte(self.laid.chain[way], other) | byte(joined.chain, way ^ 1);
                who |= if is_way { chain } else { 0 };
            }
        }
        who
    }

    /// Who closes all ways between the newest piece and another: of several the one for whom it jumps back furthest, whose
    /// latest piece is the earliest.
    fn closing_any(&self, newest: usize, left: u8, ways: Ways, joined: &Joined) -> u8 {
        let all = ways | ways >> 16 | ways >> 32;
        let closed = left & !(all | all >> 8) as u8;
        let who = bits(closed).map(|other| self.closing(newest, other, ways, joined));
        who.min().expect("a piece has no way")
    }
}

/// Of those that are left one with a single way, else the largest; none when one of them has no way.
#[inline(always)]
fn forced_or_first(ways: Ways, left: u8) -> Option<usize> {
    // For all pieces at once: first over the axes, then over both ways along them.
    let (length, width, height) = (ways as u16, (ways >> 16) as u16, (ways >> 32) as u16);
    let (some, more) = (length | width | height, length & width | (length | width) & height);
    let ([one, also], [two, too]) = (some.to_le_bytes(), more.to_le_bytes());
    let (some, more) = (one | also, one & also | two | too);
    if left & !some != 0 {
        return None;
    }
    let single = left & !more;
    Some(if single == 0 { left } else { single }.trailing_zeros() as usize)
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
