//! Whether a few pieces fit a carton: a search that is complete, so that a no is a proof.
//!
//! Two pieces that both lie in a carton are apart on some axis: one is left of the other, behind it or below it. The
//! search gives every pair such a relation (Onodera, Taniguchi, Tamaki 1991; the packing classes of Fekete and Schepers
//! are the same idea): pieces come in one after another, each turned every way it may be, and each is related to all
//! before it, the pair with the fewest possible relations first. Per axis the relations make a graph whose longest path
//! must not exceed the carton; what follows from others (left of what is left of) is never asked. A full set of
//! relations *is* a packing: every piece lies as near to the origin as its longest path allows. Unlike a search over
//! corners it finds packings that cannot be built piece by piece against earlier ones.
//!
//! Nothing may lie above what is fragile: "fragile below other" is left out of the relations, and the two are apart to
//! the side.
//!
//! Symmetry: the first relation on an axis is taken one way round only, since a mirrored packing is one too (not
//! upwards beside fragile pieces, nor on the axis that tells equal pieces apart); of equal pieces the later never lies
//! left of the earlier. A relation that has been searched for a pair is not searched again as what follows from others.
//!
//! Most questions end within [`PLAIN_STEPS`]. Those that do not are asked again with *look-ahead*: which turns of every
//! other piece can lie beside a piece as it is turned, and how much room a piece takes along whose edge nothing else fits
//! (a slab of the carton; the dual feasible functions of Fekete and Schepers say the same). A no names the pieces that
//! already do not fit together: the largest, as far as the search came.
//!
//! Bounds: [`EXACT_PIECES_MAX`] pieces, [`STEPS_MAX`] relations tried. Memory: fixed arrays on the stack, nothing is
//! allocated. What is *not* here: which pieces go together (`few`).

use super::piece::{Carton, Edges, Piece, Placement, Turns, UP, volume};

/// Most pieces.
pub(super) const EXACT_PIECES_MAX: usize = 6;

/// Relations tried before the search gives up and says so.
const STEPS_MAX: u32 = 200_000;

/// Relations tried before it pays to look ahead.
const PLAIN_STEPS: u32 = 64;

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
    let mut search = Search::of(carton.inner, order.len());
    if !search.enter_all(pieces, order) {
        return Verdict::DoesNot(all_of(pieces.len()));
    }
    let mut found = search.try_with(PLAIN_STEPS.min(steps_max));
    if found.is_none() && steps_max > PLAIN_STEPS {
        if !search.look_around() {
            return Verdict::DoesNot(all_of(pieces.len()));
        }
        found = search.try_with(steps_max);
    }
    match found {
        Some(true) => search.packing(order),
        Some(false) => Verdict::DoesNot(search.blamed_of(order)),
        None => Verdict::Unknown,
    }
}

/// One bit for each of so many.
fn all_of(count: usize) -> u8 {
    ((1u16 << count) - 1) as u8
}

/// How pieces lie along one axis.
#[derive(Clone, Copy)]
struct Axis {
    /// Longest path that ends before each piece.
    head: [u32; EXACT_PIECES_MAX],
    /// Longest path from the start of each piece, itself included.
    tail: [u32; EXACT_PIECES_MAX],
    /// Which pieces are before each, one bit each.
    before: [u8; EXACT_PIECES_MAX],
    /// Which are behind each.
    behind: [u8; EXACT_PIECES_MAX],
    /// Which must not come to be behind each: packings where they are have been searched.
    searched: [u8; EXACT_PIECES_MAX],
    /// Whether any two are related.
    related: bool,
}

impl Axis {
    const NONE: Self = Self {
        head: [0; EXACT_PIECES_MAX],
        tail: [0; EXACT_PIECES_MAX],
        before: [0; EXACT_PIECES_MAX],
        behind: [0; EXACT_PIECES_MAX],
        searched: [0; EXACT_PIECES_MAX],
        related: false,
    };
}

/// `first` lies before `second` on an axis.
#[derive(Clone, Copy, Default)]
struct Relation {
    axis: u8,
    first: u8,
    second: u8,
}

/// The relations in which two pieces may stand.
#[derive(Clone, Copy, Default)]
struct Possible {
    list: [Relation; 6],
    count: u8,
}

struct Search {
    inner: Edges,
    count: usize,
    turns: [Turns; EXACT_PIECES_MAX],
    fragile: [bool; EXACT_PIECES_MAX],
    /// Which earlier pieces each is equal to, one bit each.
    equal: [u8; EXACT_PIECES_MAX],
    /// Axes on which a mirrored packing is a packing of the same pieces in the same order.
    mirrored: [bool; 3],
    steps: u32,
    steps_max: u32,
    /// Which pieces have a part in a no, one bit each.
    blamed: u8,
    /// Per depth and piece the turns that are still possible, one bit each.
    open: [[u8; EXACT_PIECES_MAX]; EXACT_PIECES_MAX + 1],
    /// What look-ahead knows, once it was asked for.
    ahead: Option<Ahead>,
    /// The pieces so far, as they are turned and related.
    size: [Edges; EXACT_PIECES_MAX],
    axes: [Axis; 3],
}

impl Search {
    fn of(inner: Edges, count: usize) -> Self {
        Self {
            inner,
            count,
            turns: [Turns::default(); EXACT_PIECES_MAX],
            fragile: [false; EXACT_PIECES_MAX],
            equal: [0; EXACT_PIECES_MAX],
            mirrored: [true; 3],
            steps: 0,
            steps_max: 0,
            blamed: 0,
            open: [[0; EXACT_PIECES_MAX]; EXACT_PIECES_MAX + 1],
            ahead: None,
            size: [[0; 3]; EXACT_PIECES_MAX],
            axes: [Axis::NONE; 3],
        }
    }

    /// Reads the pieces; `false` when a simple bound says that they do not fit.
    fn enter_all(&mut self, pieces: &[Piece], order: &[u8]) -> bool {
        for (at, &number) in order.iter().enumerate() {
            let piece = &pieces[usize::from(number)];
            self.turns[at] = piece.turns_in(self.inner);
            if self.turns[at].is_empty() {
                return false;
            }
            self.open[0][at] = all_of(self.turns[at].count());
            self.fragile[at] = piece.handling.fragile;
            for (earlier, other) in order[..at].iter().enumerate() {
                if pieces[usize::from(*other)] == *piece {
                    self.equal[at] |= 1 << earlier;
                    self.mirrored[0] = false;
                }
            }
            self.mirrored[UP] &= !piece.handling.fragile;
        }
        let filled: u64 = pieces.iter().map(Piece::volume).sum();
        filled <= volume(self.inner) && (filled * 2 <= volume(self.inner) || filled <= volume(self.reach()))
    }

    /// How much of each edge of the carton can be filled at all: the longest row of pieces that fits.
    fn reach(&self) -> Edges {
        std::array::from_fn(|axis| {
            let length = self.inner[axis] as usize;
            if length >= ROW_MAX {
                return self.inner[axis];
            }
            let mut rows = Rows::new(length);
            for turns in &self.turns[..self.count] {
                rows.add(turns.iter().map(|turn| turn[axis]));
            }
            rows.longest()
        })
    }

    /// Every piece as near to the origin as its longest path allows.
    fn packing(&self, order: &[u8]) -> Verdict {
        let mut placements = [Placement { piece: 0, at: [0; 3], size: [0; 3] }; EXACT_PIECES_MAX];
        for (at, &number) in order.iter().enumerate() {
            let corner = std::array::from_fn(|axis| self.axes[axis].head[at]);
            placements[usize::from(number)] = Placement { piece: number.into(), at: corner, size: self.size[at] };
        }
        Verdict::Fits(placements)
    }

    /// Looks for a packing; `None` when so many relations were not enough to know.
    fn try_with(&mut self, steps_max: u32) -> Option<bool> {
        (self.steps, self.steps_max) = (0, steps_max);
        self.axes = [Axis::NONE; 3];
        let found = self.enter(0);
        (found || self.steps < self.steps_max).then_some(found)
    }

    /// The pieces that have a part in a no, by their place in the list that was given.
    fn blamed_of(&self, order: &[u8]) -> u8 {
        bits(self.blamed).fold(0, |all, at| all | 1 << order[at])
    }

    /// Turns the next piece every way, and relates it to those before.
    fn enter(&mut self, next: usize) -> bool {
        if next == self.count {
            return true;
        }
        self.blamed |= 1 << next;
        for number in bits(self.open[next][next]) {
            if !self.leaves_room(next, number) {
                continue;
            }
            let turn = self.turns[next].at(number);
            self.size[next] = turn;
            for (axis, length) in self.axes.iter_mut().zip(turn) {
                (axis.head[next], axis.tail[next]) = (0, length);
                (axis.before[next], axis.behind[next], axis.searched[next]) = (0, 0, 0);
            }
            if self.relate(next) {
                return true;
            }
        }
        false
    }

    /// Whether what is still to come can lie beside a piece that is turned like this, as far as look-ahead tells.
    fn leaves_room(&mut self, next: usize, turn: usize) -> bool {
        let mut open = self.open[next];
        if let Some(ahead) = &mut self.ahead {
            let taken = ahead.taken[next] + ahead.room[next][turn];
            if taken + ahead.rest[next + 1] > ahead.whole {
                self.blamed = all_of(self.count);
                return false;
            }
            ahead.taken[next + 1] = taken;
            for (later, open) in open.iter_mut().enumerate().take(self.count).skip(next + 1) {
                *open &= ahead.beside[next][turn][later];
                if *open == 0 {
                    self.blamed |= 1 << later;
                    return false;
                }
            }
        }
        self.open[next + 1] = open;
        true
    }

    /// Looks which turns of which pieces can lie beside one another at all; `false` when that says that they do not fit.
    fn look_around(&mut self) -> bool {
        self.blamed = 0;
        let beside = self.beside();
        let mut open = self.open[0];
        loop {
            let before = open;
            for one in 0..self.count {
                for turn in bits(open[one]) {
                    let mut others = (0..self.count).filter(|other| *other != one);
                    if others.any(|other| beside[one][turn][other] & open[other] == 0) {
                        open[one] &= !(1 << turn);
                    }
                }
            }
            if open[..self.count].contains(&0) {
                return false;
            }
            if open == before {
                break;
            }
        }
        // Which turns are left may be due to any piece.
        if open != self.open[0] {
            self.blamed = all_of(self.count);
        }
        self.open[0] = open;
        let ahead = Ahead::of(self, beside);
        let fits = ahead.rest[0] <= ahead.whole;
        self.ahead = Some(ahead);
        fits
    }

    /// Per piece and turn, which turns of every other piece can lie apart from it.
    fn beside(&self) -> Beside {
        let mut beside = Beside::default();
        let pairs = (0..self.count).flat_map(|one| (0..one).map(move |other| (one, other)));
        for (one, other) in pairs {
            let lie_on = !(self.fragile[one] && self.fragile[other]);
            for (at, turn) in self.turns[one].iter().enumerate() {
                for (also, second) in self.turns[other].iter().enumerate() {
                    let apart = |axis: usize| within_sum(turn[axis], second[axis], self.inner[axis]);
                    if apart(0) || apart(1) || (lie_on && apart(UP)) {
                        beside[one][at][other] |= 1 << also;
                        beside[other][also][one] |= 1 << at;
                    }
                }
            }
        }
        beside
    }

    /// Relates the newest piece to one more of those before it, or goes on to the next.
    fn relate(&mut self, newest: usize) -> bool {
        let mut fewest: Option<Possible> = None;
        let apart = self.axes.iter().fold(0, |all, axis| all | axis.before[newest] | axis.behind[newest]);
        for other in (0..newest).filter(|other| apart & 1 << other == 0) {
            let possible = self.possible(other, newest);
            if fewest.is_none_or(|fewest| possible.count < fewest.count) {
                fewest = Some(possible);
            }
            if possible.count == 0 {
                return false;
            }
        }
        let Some(fewest) = fewest else { return self.enter(newest + 1) };
        let searched = self.axes.map(|axis| axis.searched);
        let found = self.try_each(&fewest, newest);
        if !found {
            self.axes.iter_mut().zip(searched).for_each(|(axis, searched)| axis.searched = searched);
        }
        found
    }

    fn try_each(&mut self, possible: &Possible, newest: usize) -> bool {
        for &relation in &possible.list[..usize::from(possible.count)] {
            self.steps += 1;
            if self.steps >= self.steps_max {
                return false;
            }
            let axis = usize::from(relation.axis);
            let before = self.axes[axis];
            if self.with(relation) && self.relate(newest) {
                return true;
            }
            self.axes[axis] = before;
            self.axes[axis].searched[usize::from(relation.first)] |= 1 << relation.second;
        }
        false
    }

    fn possible(&self, earlier: usize, newest: usize) -> Possible {
        let mut possible = Possible::default();
        for (number, axis) in self.axes.iter().enumerate() {
            for (first, second) in [(earlier, newest), (newest, earlier)] {
                let turned = first == newest;
                let one_way = self.mirrored[number] && !axis.related;
                let equal = number == 0 && self.equal[newest] & 1 << earlier != 0;
                let crushed = number == UP && self.fragile[first];
                let length = axis.head[first] + self.size[first][number] + axis.tail[second];
                if (turned && (one_way || equal)) || crushed || length > self.inner[number] {
                    continue;
                }
                possible.list[usize::from(possible.count)] =
                    Relation { axis: number as u8, first: first as u8, second: second as u8 };
                possible.count += 1;
            }
        }
        possible
    }

    /// Adds a relation; `false` when the carton is too short for it, or when what follows has been searched.
    fn with(&mut self, relation: Relation) -> bool {
        let number = usize::from(relation.axis);
        let (first, second) = (usize::from(relation.first), usize::from(relation.second));
        let (size, inner) = (&self.size, self.inner[number]);
        let Axis { head, tail, before, behind, searched, related } = &mut self.axes[number];
        *related = true;
        let (firsts, seconds) = (before[first] | 1 << first, behind[second] | 1 << second);
        for at in bits(firsts) {
            behind[at] |= seconds;
            if searched[at] & seconds != 0 {
                return false;
            }
        }
        for at in bits(seconds) {
            before[at] |= firsts;
        }
        // Every piece behind starts behind all that are before it; every piece before reaches at least as far.
        lengthen(head, second, head[first] + size[first][number], behind, |from, _| size[from][number]);
        lengthen(tail, first, tail[second] + size[first][number], before, |_, to| size[to][number]);
        bits(firsts | seconds).all(|at| head[at] + tail[at] <= inner)
    }
}

/// Per piece, turn and other piece the turns of that other which can lie apart from it, one bit each.
type Beside = [[[u8; EXACT_PIECES_MAX]; 6]; EXACT_PIECES_MAX];

/// What look-ahead knows.
struct Ahead {
    beside: Beside,
    /// Per piece and turn, how much room it takes: all along an axis where nothing else fits in a row with it. No two of
    /// these slabs meet, or their pieces would not be apart.
    room: [[u64; 6]; EXACT_PIECES_MAX],
    /// Per depth, what the pieces before it take.
    taken: [u64; EXACT_PIECES_MAX + 1],
    /// Per depth, the least that the pieces from there on take.
    rest: [u64; EXACT_PIECES_MAX + 1],
    /// All the room there is.
    whole: u64,
}

impl Ahead {
    fn of(search: &Search, beside: Beside) -> Self {
        let turns = |at: usize| bits(search.open[0][at]).map(move |turn| (turn, search.turns[at].at(turn)));
        let mut ahead = Self {
            beside,
            room: [[0; 6]; EXACT_PIECES_MAX],
            taken: [0; EXACT_PIECES_MAX + 1],
            rest: [0; EXACT_PIECES_MAX + 1],
            whole: volume(search.inner),
        };
        let mut shortest = [[u32::MAX; 3]; EXACT_PIECES_MAX];
        for (at, shortest) in shortest.iter_mut().enumerate().take(search.count) {
            turns(at).for_each(|(_, turn)| *shortest = std::array::from_fn(|axis| shortest[axis].min(turn[axis])));
        }
        for at in (0..search.count).rev() {
            let others = (0..search.count).filter(|other| *other != at);
            let beside: Edges = others
                .fold([u32::MAX; 3], |least, other| std::array::from_fn(|axis| least[axis].min(shortest[other][axis])));
            for (number, turn) in turns(at) {
                ahead.room[at][number] = volume(std::array::from_fn(|axis| {
                    let inner = search.inner[axis];
                    if within_sum(turn[axis], beside[axis], inner) { turn[axis] } else { inner }
                }));
            }
            let least = turns(at).map(|(number, _)| ahead.room[at][number]).min().unwrap_or(0);
            ahead.rest[at] = ahead.rest[at + 1] + least;
        }
        ahead
    }
}

/// Raises the path of one piece to `least`, and of those after it in `next` as far as it pushes them.
fn lengthen(
    path: &mut [u32; EXACT_PIECES_MAX],
    start: usize,
    least: u32,
    next: &[u8; EXACT_PIECES_MAX],
    step: impl Fn(usize, usize) -> u32,
) {
    if path[start] >= least {
        return;
    }
    path[start] = least;
    let mut moved = 1u8 << start;
    while moved != 0 {
        let at = moved.trailing_zeros() as usize;
        moved &= moved - 1;
        for to in bits(next[at]) {
            let least = path[at] + step(at, to);
            if path[to] < least {
                path[to] = least;
                moved |= 1 << to;
            }
        }
    }
}

fn bits(mut mask: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(at)
    })
}

/// Longest edge of a carton whose rows are told apart, mm.
const ROW_MAX: usize = 1 << 11;
const WORDS: usize = ROW_MAX / 64;

/// Which lengths rows of pieces can have, one bit a millimetre.
struct Rows {
    lengths: [u64; WORDS],
    words: usize,
    longest: usize,
}

impl Rows {
    fn new(longest: usize) -> Self {
        let mut lengths = [0; WORDS];
        lengths[0] = 1;
        Self { lengths, words: longest / 64 + 1, longest }
    }

    /// One more piece, which may stand in a row with any of these edges or not at all.
    fn add(&mut self, edges: impl Iterator<Item = u32>) {
        let before = self.lengths;
        let mut known = [u32::MAX; 6];
        for (number, edge) in edges.enumerate() {
            if known.contains(&edge) {
                continue;
            }
            known[number] = edge;
            let (whole, rest) = (edge as usize / 64, edge % 64);
            for to in whole..self.words {
                let low = before[to - whole] << rest;
                let high = if rest > 0 && to > whole { before[to - whole - 1] >> (64 - rest) } else { 0 };
                self.lengths[to] |= low | high;
            }
        }
    }

    fn longest(&self) -> u32 {
        (0..=self.longest).rev().find(|at| self.lengths[at / 64] >> (at % 64) & 1 == 1).unwrap_or(0) as u32
    }
}

/// Whether two pieces fit a carton together, each turned as it likes: exact, and three comparisons. What is given of each
/// is the shortest it can be along each axis of the carton, and whether it is fragile.
pub(super) fn pair_fits(inner: Edges, (one, fragile): (Edges, bool), (other, also): (Edges, bool)) -> bool {
    (0..3).any(|axis| (axis != UP || !(fragile && also)) && within_sum(one[axis], other[axis], inner[axis]))
}

fn within_sum(one: u32, other: u32, length: u32) -> bool {
    u64::from(one) + u64::from(other) <= u64::from(length)
}
