//! Up to six pieces: the cheapest way to pack them, proven.
//!
//! Every set of pieces has an *optimistic* price: that of the cheapest carton which its volume, its weight and the pairs
//! in it do not rule out. The cheapest partition into sets at these prices is a bound; when each of its sets really
//! fits its carton (`exact`), it is the answer. Otherwise what did not fit is ruled out, with every larger set and every
//! smaller carton, and the next cheapest is tried. Most orders end at the first look: one carton, and several cannot be
//! cheaper, as each is paid for itself and the carrier weighs all of them together.
//!
//! Cost: prices of sets that may pay are asked once, and again only for sets that hold one which was ruled out; what was
//! found to fit is kept, for its subsets and for larger cartons too. Bounds: [`EXACT_PIECES_MAX`] pieces, [`CARTONS_MAX`]
//! cartons; fixed arrays, nothing is allocated. When a search gives up, the bound stays where it was and the answer is not
//! called proven.

use super::exact::{EXACT_PIECES_MAX, Verdict, fits, pair_fits};
use super::piece::{Carton, Piece, Placement, within};
use super::price::{Cheapest, Priced, Score, Tariff};

/// Most cartons to choose from.
pub const CARTONS_MAX: usize = 32;

const SETS: usize = 1 << EXACT_PIECES_MAX;

/// Packings that are kept, the newest.
const FOUND_MAX: usize = 8;

/// One carton of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packed {
    pub(super) carton: u8,
    pub(super) pieces: u8,
    pub(super) placements: [Placement; EXACT_PIECES_MAX],
}

/// How few pieces are packed best.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Few {
    pub(super) cartons: [Option<Packed>; EXACT_PIECES_MAX],
    pub(super) score: Score,
    /// Nothing scores less.
    pub(super) bound: Score,
}

/// Packs pieces each of which fits some carton.
pub(super) fn pack(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Option<Few> {
    Table::of(cartons, tariff, pieces).solve()
}

/// Sets of pieces in cartons, none of them empty; zero where there is no more.
type Sets = [u8; EXACT_PIECES_MAX];

/// A set that fits a carton, and where its pieces lie; by the place of the piece.
#[derive(Clone, Copy)]
struct Found {
    carton: u8,
    set: u8,
    placements: [Placement; EXACT_PIECES_MAX],
}

struct Table<'a> {
    cartons: &'a [Carton],
    pieces: &'a [Piece],
    priced: [Priced; CARTONS_MAX],
    /// Cartons by the least that any use of them costs.
    order: [u8; CARTONS_MAX],
    floor: [i64; CARTONS_MAX],
    /// Per carton the sets that do not fit it, one bit each.
    ruled_out: [u64; CARTONS_MAX],
    /// Cartons of which it is known what one piece or two rule out, one bit each.
    looked_at: u32,
    volume: [u64; SETS],
    weight_g: [u64; SETS],
    /// Per set its optimistic carton and price.
    price: [(Score, u8); SETS],
    /// Per set what its cheapest partition scores, and the part of it that holds its first piece.
    best: [(Score, u8); SETS],
    least_of_any: Cheapest,
    /// Per set what a carton for it costs at least.
    least: [i64; SETS],
    /// What two cartons or more cost at least.
    least_of_several: i64,
    /// What gave up was asked at this price.
    unproven: Option<Score>,
    found: [Option<Found>; FOUND_MAX],
    found_next: usize,
}

impl<'a> Table<'a> {
    fn of(cartons: &'a [Carton], tariff: &'a Tariff, pieces: &'a [Piece]) -> Self {
        assert!(pieces.len() <= EXACT_PIECES_MAX && cartons.len() <= CARTONS_MAX, "few pieces, few cartons");
        let mut table = Self {
            cartons,
            pieces,
            priced: [Priced::default(); CARTONS_MAX],
            order: std::array::from_fn(|number| number as u8),
            floor: [0; CARTONS_MAX],
            ruled_out: [0; CARTONS_MAX],
            looked_at: 0,
            volume: [0; SETS],
            weight_g: [0; SETS],
            price: [(Score::WORST, 0); SETS],
            best: [(Score::WORST, 0); SETS],
            least_of_any: Cheapest::default(),
            least: [0; SETS],
            least_of_several: 0,
            unproven: None,
            found: [None; FOUND_MAX],
            found_next: 0,
        };
        for set in 1..1usize << pieces.len() {
            let (first, rest) = (set.trailing_zeros() as usize, set & (set - 1));
            table.volume[set] = table.volume[rest] + pieces[first].volume();
            table.weight_g[set] = table.weight_g[rest] + u64::from(pieces[first].weight_g);
        }
        for (number, carton) in cartons.iter().enumerate() {
            let priced = Priced::of(tariff, carton);
            // Room is at least empty of what all pieces fill: no set leaves less.
            table.floor[number] = priced.cost(0, table.volume[table.all()].min(priced.room));
            table.priced[number] = priced;
        }
        let (floor, priced) = (table.floor, table.priced);
        table.order[..cartons.len()].sort_unstable_by_key(|number| {
            let at = usize::from(*number);
            (floor[at], priced[at].outside, *number)
        });
        table.least_of_any = Cheapest::of(&table.priced[..cartons.len()]);
        table.least_of_several = table.least_of_several();
        table
    }

    /// What three cartons of any kinds cost at least, and two that have room for everything.
    fn least_of_several(&self) -> i64 {
        let cartons = &self.order[..self.cartons.len()];
        let (load_g, filled) = (self.weight_g[self.all()], self.volume[self.all()]);
        let Some(&cheapest) = cartons.first() else { return 0 };
        let priced = |number: u8| (&self.priced[usize::from(number)], self.floor[usize::from(number)]);
        let mut least = priced(cheapest).1.saturating_mul(3).max(self.least_of_any.cost(3, load_g));
        for (at, &one) in cartons.iter().enumerate() {
            let (one, cost) = priced(one);
            for &other in &cartons[at..] {
                let (other, both) = (priced(other).0, cost.saturating_add(priced(other).1));
                if both >= least {
                    break;
                }
                if one.room + other.room >= filled {
                    least = least.min(both.max(Priced::pair_at_least(one, other, load_g, filled)));
                }
            }
        }
        least
    }

    fn all(&self) -> usize {
        (1 << self.pieces.len()) - 1
    }

    fn solve(mut self) -> Option<Few> {
        let all = self.all();
        self.ask(all);
        while self.price[all].0.cost < i64::MAX && self.price[all].0.cost <= self.least_of_several {
            if let Ok(few) = self.prove(&[all as u8, 0, 0, 0, 0, 0]) {
                return Some(few);
            }
            self.ask(all);
        }
        self.best[0].0 = Score::default();
        (1..=all).for_each(|set| self.least[set] = self.least_of_any.cost(1, self.weight_g[set]));
        (1..=all).for_each(|set| self.part(set));
        loop {
            let most = self.price[all].0;
            match self.prove(&self.cheapest()?) {
                Ok(few) => return Some(few),
                Err(without) => {
                    self.know(all);
                    // Where all in one carton costs more, sets come into question that did not.
                    let without = if self.price[all].0 > most { 0 } else { usize::from(without) };
                    (1..=all).filter(|set| set & without == without).for_each(|set| self.part(set));
                }
            }
        }
    }

    /// Packs the sets of a partition; rules out what does not fit, and says which set that is.
    fn prove(&mut self, sets: &Sets) -> Result<Few, u8> {
        let score = self.score_of(sets);
        let mut packed = [None; EXACT_PIECES_MAX];
        // What has the least room to spare is the likeliest not to fit.
        let mut order: [u8; EXACT_PIECES_MAX] = std::array::from_fn(|at| at as u8);
        order.sort_unstable_by_key(|at| {
            let set = usize::from(sets[usize::from(*at)]);
            (set == 0, self.priced[usize::from(self.price[set].1)].room.saturating_sub(self.volume[set]), *at)
        });
        for at in order.map(usize::from).into_iter().filter(|at| sets[*at] != 0) {
            let set = sets[at];
            let carton = self.price[usize::from(set)].1;
            match self.fit(carton, set) {
                Ok(placements) => packed[at] = Some(Packed { carton, pieces: set.count_ones() as u8, placements }),
                Err(Some(without)) => {
                    self.rule_out(carton, without);
                    return Err(without);
                }
                Err(None) => {
                    self.unproven = Some(self.unproven.map_or(score, |before| before.min(score)));
                    self.ruled_out[usize::from(carton)] |= with_all(set);
                    return Err(set);
                }
            }
        }
        Ok(Few { cartons: packed, score, bound: self.unproven.unwrap_or(score) })
    }

    /// Where the pieces of a set lie in a carton; else which of them do not fit together, when that is known.
    fn fit(&mut self, carton: u8, set: u8) -> Result<[Placement; EXACT_PIECES_MAX], Option<u8>> {
        let numbers = members(usize::from(set));
        if let Some(found) = self.found_with(carton, set) {
            let mut placements = found.placements;
            numbers.enumerate().for_each(|(at, number)| placements[at] = found.placements[number]);
            return Ok(placements);
        }
        let mut chosen = [self.pieces[0]; EXACT_PIECES_MAX];
        let mut number_of = [0u8; EXACT_PIECES_MAX];
        let mut count = 0;
        for number in numbers {
            (chosen[count], number_of[count]) = (self.pieces[number], number as u8);
            count += 1;
        }
        match fits(&self.cartons[usize::from(carton)], &chosen[..count]) {
            Verdict::Fits(mut placements) => {
                let mut by_piece = placements;
                for (at, placement) in placements[..count].iter_mut().enumerate() {
                    placement.piece = number_of[at].into();
                    by_piece[usize::from(number_of[at])] = *placement;
                }
                self.found[self.found_next % FOUND_MAX] = Some(Found { carton, set, placements: by_piece });
                self.found_next += 1;
                Ok(placements)
            }
            Verdict::DoesNot(without) => {
                Err(Some(members(usize::from(without)).fold(0, |set, at| set | 1 << number_of[at])))
            }
            Verdict::Unknown => Err(None),
        }
    }

    /// What was found to fit this carton or a smaller one, with these pieces and perhaps more.
    fn found_with(&self, carton: u8, set: u8) -> Option<&Found> {
        let inner = self.cartons[usize::from(carton)].inner;
        let mut found = self.found.iter().flatten();
        found.find(|found| found.set & set == set && within(self.cartons[usize::from(found.carton)].inner, inner))
    }

    /// What does not fit a carton does not fit a smaller one, nor with more.
    fn rule_out(&mut self, carton: u8, set: u8) {
        let inner = self.cartons[usize::from(carton)].inner;
        let larger = with_all(set);
        for (smaller, ruled_out) in self.cartons.iter().zip(&mut self.ruled_out) {
            if within(smaller.inner, inner) {
                *ruled_out |= larger;
            }
        }
    }

    /// The optimistic price of a set.
    fn ask(&mut self, set: usize) {
        let mut best = (Score::WORST, 0);
        let (volume, weight_g) = (self.volume[set], self.weight_g[set]);
        for &number in &self.order[..self.cartons.len()] {
            let at = usize::from(number);
            if self.floor[at] > best.0.cost {
                break;
            }
            let carton = &self.priced[at];
            if volume > carton.room || weight_g > carton.load_g {
                continue;
            }
            if self.looked_at >> at & 1 == 0 {
                self.looked_at |= 1 << at;
                self.ruled_out[at] |= ruled_out(&self.cartons[at], self.pieces);
            }
            if self.ruled_out[at] >> set & 1 == 1 {
                continue;
            }
            let score = carton.score(weight_g, volume);
            if score < best.0 {
                best = (score, number);
            }
        }
        self.price[set] = best;
    }

    /// Whether a carton for a set and more for all else may be as cheap as one for everything.
    fn may_pay(&self, set: usize) -> bool {
        let all = self.all();
        set == all || self.least[set].saturating_add(self.least[all ^ set]) <= self.price[all].0.cost
    }

    /// The same, unless it is known and stands.
    fn know(&mut self, set: usize) {
        let (known, carton) = self.price[set];
        if known == Score::WORST || self.ruled_out[usize::from(carton)] >> set & 1 == 1 {
            self.ask(set);
        }
    }

    /// The cheapest partition of a set into sets at their optimistic prices, when those of all its subsets are known.
    fn part(&mut self, set: usize) {
        if self.may_pay(set) {
            self.know(set);
        }
        // What is left beside a part never holds the first piece of all.
        if set & 1 == 1 && set != self.all() {
            return;
        }
        // The carton with the set's first piece, and the best of the rest.
        let first = set & set.wrapping_neg();
        let others = set ^ first;
        let mut best = (Score::WORST, 0);
        let mut beside = others;
        loop {
            let part = first | beside;
            let (price, rest) = (self.price[part].0, self.best[set ^ part].0);
            if price.cost < i64::MAX && rest.cost < i64::MAX {
                let score = price.plus(rest);
                if score < best.0 {
                    best = (score, part as u8);
                }
            }
            if beside == 0 {
                break;
            }
            beside = (beside - 1) & others;
        }
        self.best[set] = best;
    }

    /// The sets of the cheapest partition of all pieces.
    fn cheapest(&self) -> Option<Sets> {
        let mut left = self.all();
        if self.best[left].0 == Score::WORST {
            return None;
        }
        let mut sets = [0; EXACT_PIECES_MAX];
        for out in &mut sets {
            *out = self.best[left].1;
            left ^= usize::from(*out);
            if left == 0 {
                break;
            }
        }
        Some(sets)
    }

    fn score_of(&self, sets: &Sets) -> Score {
        let sets = sets.iter().filter(|set| **set != 0);
        sets.map(|set| self.price[usize::from(*set)].0).fold(Score::default(), Score::plus)
    }
}

/// The sets that do not fit a carton because of one piece or two, one bit each.
fn ruled_out(carton: &Carton, pieces: &[Piece]) -> u64 {
    let mut sets = 0;
    let mut shortest = [None; EXACT_PIECES_MAX];
    for (one, piece) in pieces.iter().enumerate() {
        shortest[one] = piece.shortest_in(carton.inner).map(|edges| (edges, piece.handling.fragile));
        let Some(own) = shortest[one] else {
            sets |= WITH[one];
            continue;
        };
        for (other, second) in pieces.iter().enumerate().take(one) {
            let alone = piece.handling.alone || second.handling.alone;
            if alone || !shortest[other].is_some_and(|other| pair_fits(carton.inner, own, other)) {
                sets |= WITH[one] & WITH[other];
            }
        }
    }
    sets
}

/// Per piece the sets it is in, one bit each.
const WITH: [u64; EXACT_PIECES_MAX] = {
    let mut with = [0; EXACT_PIECES_MAX];
    let mut set = 0;
    while set < SETS {
        let mut piece = 0;
        while piece < EXACT_PIECES_MAX {
            with[piece] |= ((set >> piece & 1) as u64) << set;
            piece += 1;
        }
        set += 1;
    }
    with
};

/// The sets that hold all of a set.
fn with_all(set: u8) -> u64 {
    members(usize::from(set)).fold(u64::MAX, |sets, piece| sets & WITH[piece])
}

fn members(mut set: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(at)
    })
}
