//! Whether a few pieces fit a carton: a search that is complete, so that a no is a proof.
//!
//! Two pieces that both lie in a carton are apart on some axis: one is left of the other, behind it or below it. The
//! search gives every pair such a relation (Onodera, Taniguchi, Tamaki 1991; the packing classes of Fekete and Schepers
//! are the same idea): pieces come in one after another, the largest first, each turned every way it may be, and each is
//! related to all before it, the pair with the fewest possible relations first. Per axis the relations make a graph whose
//! longest path must not exceed the carton; what follows from others (left of what is left of) is never asked. A full set
//! of relations *is* a packing: every piece lies as near to the origin as its longest path allows. Unlike a search over
//! corners it finds packings that cannot be built piece by piece against earlier ones.
//!
//! Nothing may lie above what is fragile: "fragile below other" is left out of the relations, and the two are apart to
//! the side.
//!
//! Symmetry: the first relation on an axis is taken one way round only, since a mirrored packing is one too (not
//! upwards beside fragile pieces, nor on the axis that tells equal pieces apart); of equal pieces the later never lies
//! left of the earlier.
//!
//! **Blame.** Every no names the pieces it follows from: those who close the ways, and those who hold them where they are.
//! A choice about a piece that is not to blame changes nothing, so its other ways are not tried (conflict-directed
//! backjumping, Prosser 1993), and the no of a whole question names the pieces that already do not fit together.
//!
//! **Ahead.** Which turns of later pieces can lie beside a piece as it is turned is worked out when it is first turned so;
//! a piece that has no turn left ends the way at once.
//!
//! Bounds: [`EXACT_PIECES_MAX`] pieces, [`STEPS_MAX`] relations tried, cartons of [`EDGE_MAX`]: of larger ones nothing is
//! known. Memory: fixed arrays on the stack, nothing is
//! allocated. What is *not* here: which pieces go together (`few`).

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
        (std::cmp::Reverse(piece.volume()), *piece, *number)
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

/// A length by piece, mm; two lanes to spare, so that all are compared at once.
type Lanes = [u16; 8];

/// Longest edge of a carton, mm: no path is longer.
const EDGE_MAX: u32 = u16::MAX as u32;

/// Which are at most so long, one bit each.
#[inline(always)]
fn at_most(lengths: &Lanes, most: u16) -> u8 {
    let mut all = 0;
    for (at, length) in lengths.iter().enumerate() {
        all |= u32::from(*length <= most) << at;
    }
    all as u8
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

/// A set in the byte of each of some pieces.
#[inline(always)]
fn of_each(pieces: u8, set: u8) -> u64 {
    BYTES[usize::from(pieces & all_of(EXACT_PIECES_MAX))] & (u64::from(set) * 0x0101_0101_0101)
}

/// How pieces lie along one axis.
#[derive(Clone, Copy)]
struct Axis {
    /// Longest path up to the end of each piece, itself included.
    end: Lanes,
    /// Longest path from the start of each piece, itself included.
    tail: Lanes,
    /// Which pieces are before each: a byte a piece, a bit each.
    before: u64,
    /// Which are behind each.
    behind: u64,
}

impl Axis {
    const EMPTY: Self = Self { end: [0; 8], tail: [0; 8], before: 0, behind: 0 };

    #[inline(always)]
    fn before(&self, at: usize) -> u8 {
        (self.before >> (8 * at)) as u8
    }

    #[inline(always)]
    fn behind(&self, at: usize) -> u8 {
        (self.behind >> (8 * at)) as u8
    }

    /// Who is related to a piece.
    #[inline(always)]
    fn related(&self, at: usize) -> u8 {
        self.before(at) | self.behind(at)
    }

    /// Puts a piece before another, for which there is room.
    #[inline(always)]
    fn relate(&mut self, first: usize, second: usize, size: &Lanes) {
        let (firsts, seconds) = (self.before(first) | 1 << first, self.behind(second) | 1 << second);
        self.behind |= of_each(firsts, seconds);
        self.before |= of_each(seconds, firsts);
        // Every piece behind ends behind all that are before it; every piece before reaches at least as far.
        let (end, tail) = (self.end[first] + size[second], self.tail[second] + size[first]);
        lengthen(&mut self.end, second, end, self.behind, size);
        lengthen(&mut self.tail, first, tail, self.before, size);
    }
}

/// Raises the path of one piece to `least`, and of those after it in `next` as far as it pushes them.
#[inline(always)]
fn lengthen(path: &mut Lanes, start: usize, least: u16, next: u64, size: &Lanes) {
    if path[start] >= least {
        return;
    }
    path[start] = least;
    let mut moved = 1u8 << start;
    while moved != 0 {
        let at = moved.trailing_zeros() as usize;
        moved &= moved - 1;
        for to in bits((next >> (8 * at)) as u8) {
            let least = path[at] + size[to];
            if path[to] < least {
                path[to] = least;
                moved |= 1 << to;
            }
        }
    }
}

/// Axis by axis, which pieces the newest can lie behind, and which it can lie before.
type Ways = [u8; 6];

/// Nobody is to blame: a packing was found.
const FOUND: u8 = 0;

struct Search {
    inner: [u16; 3],
    count: usize,
    turns: [Turns; EXACT_PIECES_MAX],
    /// Which are fragile, one bit each.
    fragile: u8,
    /// Which earlier pieces each is equal to, one bit each.
    equal: [u8; EXACT_PIECES_MAX],
    /// Axes on which a mirrored packing is a packing of the same pieces in the same order.
    mirrored: [bool; 3],
    steps: u32,
    steps_max: u32,
    /// Per depth and piece the turns that are still possible, one bit each.
    open: [[u8; EXACT_PIECES_MAX]; EXACT_PIECES_MAX + 1],
    /// Per piece, turn and later piece the turns of that one which can lie apart from it, one bit each.
    beside: [[[u8; EXACT_PIECES_MAX]; 6]; EXACT_PIECES_MAX],
    /// Per piece the turns of which that is known, one bit each.
    known: [u8; EXACT_PIECES_MAX],
    /// The pieces so far: which of its turns each has, and what that is along each axis.
    turned: [u8; EXACT_PIECES_MAX],
    size: [Lanes; 3],
    /// How they are related.
    axes: [Axis; 3],
}

impl Search {
    fn of(inner: [u16; 3], count: usize, steps_max: u32) -> Self {
        Self {
            inner,
            count,
            turns: [Turns::default(); EXACT_PIECES_MAX],
            fragile: 0,
            equal: [0; EXACT_PIECES_MAX],
            mirrored: [true; 3],
            steps: 0,
            steps_max,
            open: [[0; EXACT_PIECES_MAX]; EXACT_PIECES_MAX + 1],
            beside: [[[0; EXACT_PIECES_MAX]; 6]; EXACT_PIECES_MAX],
            known: [0; EXACT_PIECES_MAX],
            turned: [0; EXACT_PIECES_MAX],
            size: [[0; 8]; 3],
            axes: [Axis::EMPTY; 3],
        }
    }

    /// Reads the pieces; `false` when one does not fit, or all together are too large.
    fn read(&mut self, carton: &Carton, pieces: &[Piece], order: &[u8]) -> bool {
        for (at, &number) in order.iter().enumerate() {
            let piece = &pieces[usize::from(number)];
            self.turns[at] = piece.turns_in(carton.inner);
            if self.turns[at].is_empty() {
                return false;
            }
            self.open[0][at] = all_of(self.turns[at].count());
            self.fragile |= u8::from(piece.handling.fragile) << at;
            for (earlier, other) in order[..at].iter().enumerate() {
                if pieces[usize::from(*other)] == *piece {
                    self.equal[at] |= 1 << earlier;
                    self.mirrored[0] = false;
                }
            }
            self.mirrored[UP] &= !piece.handling.fragile;
        }
        pieces.iter().map(Piece::volume).sum::<u64>() <= volume(carton.inner)
    }

    /// Every piece as near to the origin as its longest path allows.
    fn packing(&self, order: &[u8]) -> Verdict {
        let mut placements = [Placement { piece: 0, at: [0; 3], size: [0; 3] }; EXACT_PIECES_MAX];
        for (at, &number) in order.iter().enumerate() {
            let size: Edges = std::array::from_fn(|axis| self.size[axis][at].into());
            let corner = std::array::from_fn(|axis| u32::from(self.axes[axis].end[at]) - size[axis]);
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
        if self.open[next][next] != self.open[0][next] {
            blamed |= self.narrowing(next, next);
        }
        for number in bits(self.open[next][next]) {
            self.turned[next] = number as u8;
            if let Some(without) = self.look_ahead(next, number) {
                blamed |= 1 << without | self.narrowing(without, next + 1);
                continue;
            }
            let mut ways = Ways::default();
            for (axis, length) in self.turns[next].at(number).into_iter().enumerate() {
                let length = length as u16;
                self.size[axis][next] = length;
                (self.axes[axis].end[next], self.axes[axis].tail[next]) = (length, length);
                self.look_for_ways(next, axis, &mut ways);
            }
            let failed = self.relate(next, all_of(next), ways);
            if failed == FOUND || failed >> next & 1 == 0 {
                return failed;
            }
            blamed |= failed;
        }
        blamed
    }

    /// Leaves later pieces the turns that can lie beside one that is turned like this; answers a piece that has none.
    fn look_ahead(&mut self, at: usize, number: usize) -> Option<usize> {
        if self.known[at] >> number & 1 == 0 {
            self.known[at] |= 1 << number;
            (at + 1..self.count).for_each(|later| self.beside[at][number][later] = self.beside(at, number, later));
        }
        let mut open = self.open[at];
        let own = &self.beside[at][number];
        let without = (at + 1..self.count).find(|later| {
            open[*later] &= own[*later];
            open[*later] == 0
        });
        self.open[at + 1] = open;
        without
    }

    /// The turns of a later piece that can lie apart from one that is turned like this, one bit each.
    fn beside(&self, at: usize, number: usize, later: usize) -> u8 {
        let own = self.turns[at].at(number);
        let lie_on = !(self.is_fragile(at) && self.is_fragile(later));
        let turns = self.turns[later].iter().enumerate();
        turns.fold(0, |all, (other, turn)| {
            let apart = |axis: usize| within_sum(own[axis], turn[axis], self.inner[axis].into());
            all | u8::from(apart(0) || apart(1) || (lie_on && apart(UP))) << other
        })
    }

    /// Those of the first so many pieces beside which a later one cannot be turned every way.
    fn narrowing(&self, later: usize, until: usize) -> u8 {
        let all = self.open[0][later];
        let narrows = |one: &usize| self.beside[*one][usize::from(self.turned[*one])][later] != all;
        (0..until).filter(narrows).fold(0, |who, one| who | 1 << one)
    }

    fn is_fragile(&self, at: usize) -> bool {
        self.fragile >> at & 1 == 1
    }

    /// Relates the newest piece to one more of those that are left, or goes on to the next.
    fn relate(&mut self, newest: usize, left: u8, ways: Ways) -> u8 {
        if left == 0 {
            return self.enter(newest + 1);
        }
        let Some(other) = fewest(&ways, left) else { return self.closing_any(newest, left, &ways) };
        let pair: u8 = 1 << newest | 1 << other;
        let mut blamed = self.closing(newest, other);
        for (number, way) in ways.into_iter().enumerate() {
            if way >> other & 1 == 0 {
                continue;
            }
            self.steps += 1;
            if self.steps >= self.steps_max {
                return all_of(self.count);
            }
            let axis = number / 2;
            let (first, second) = if number % 2 == 0 { (other, newest) } else { (newest, other) };
            let before = self.axes[axis];
            self.axes[axis].relate(first, second, &self.size[axis]);
            let left = left & !self.axes[axis].related(newest);
            let mut ways = ways;
            self.look_for_ways(newest, axis, &mut ways);
            let failed = self.relate(newest, left, ways);
            if failed == FOUND {
                return FOUND;
            }
            self.axes[axis] = before;
            if failed & pair != pair {
                return failed;
            }
            blamed |= failed;
        }
        blamed
    }

    /// The ways of the newest piece along one axis.
    #[inline(always)]
    fn look_for_ways(&self, newest: usize, number: usize, ways: &mut Ways) {
        let (axis, inner) = (&self.axes[number], self.inner[number]);
        let mut behind = at_most(&axis.end, inner - axis.tail[newest]);
        let mut before = at_most(&axis.tail, inner - axis.end[newest]);
        if self.mirrored[number] && axis.before == 0 {
            before = 0;
        }
        if number == 0 {
            before &= !self.equal[newest];
        }
        if number == UP {
            behind &= !self.fragile;
            if self.is_fragile(newest) {
                before = 0;
            }
        }
        (ways[2 * number], ways[2 * number + 1]) = (behind, before);
    }

    /// Who closes ways between two pieces: who is related to them where they could lie apart if they were alone.
    fn closing(&self, newest: usize, other: usize) -> u8 {
        if self.equal[newest] >> other & 1 == 1 {
            return all_of(newest + 1);
        }
        let mut who = 1 << newest | 1 << other;
        for (number, axis) in self.axes.iter().enumerate() {
            let is_apart = number != UP || !(self.is_fragile(newest) && self.is_fragile(other));
            let (one, also) = (self.size[number][newest], self.size[number][other]);
            if is_apart && within_sum(one.into(), also.into(), self.inner[number].into()) {
                who |= axis.related(newest) | axis.related(other);
            }
        }
        who
    }

    /// Who closes all ways between the newest piece and another: the fewest, where that is so of several.
    fn closing_any(&self, newest: usize, left: u8, ways: &Ways) -> u8 {
        let closed = left & !ways.iter().fold(0, |all, way| all | way);
        let who = bits(closed).map(|other| self.closing(newest, other));
        who.min_by_key(|who| who.count_ones()).expect("a piece has no way")
    }
}

/// Of those that are left the one with the fewest ways; none when one of them has no way.
fn fewest(ways: &Ways, left: u8) -> Option<usize> {
    // Counted for all pieces at once, a binary digit a word.
    let (mut ones, mut twos, mut fours) = (0u8, 0u8, 0u8);
    for way in ways {
        let carry = ones & way;
        ones ^= way;
        fours |= twos & carry;
        twos ^= carry;
    }
    if left & !(ones | twos | fours) != 0 {
        return None;
    }
    let few =
        [ones & !twos & !fours, !ones & twos & !fours, ones & twos & !fours, !ones & !twos & fours, !twos & fours];
    let few = few.into_iter().map(|few| left & few).find(|few| *few != 0).unwrap_or(left);
    Some(few.trailing_zeros() as usize)
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
