//! Up to six pieces: the cheapest way to pack them, proven.
//!
//! Every set of pieces has an *optimistic* price: that of the cheapest carton which its volume, its weight and the pairs
//! in it do not rule out. The cheapest partition into sets at these prices is a bound; when each of its sets really
//! fits its carton (`exact`), it is the answer. Otherwise what did not fit is ruled out, with every larger set in the
//! same carton, and the next cheapest is tried. Most orders end at the first look: one carton, and two cannot be cheaper.
//!
//! Bounds: [`EXACT_PIECES_MAX`] pieces, [`CARTONS_MAX`] cartons; fixed arrays, nothing is allocated. When a search gives
//! up, the bound stays where it was and the answer is not called proven.

use super::exact::{EXACT_PIECES_MAX, Verdict, fits, pair_fits};
use super::piece::{Carton, Piece, Placement, volume};
use super::price::{Score, Tariff};

/// Most cartons to choose from.
pub const CARTONS_MAX: usize = 32;

const SETS: usize = 1 << EXACT_PIECES_MAX;

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

struct Table<'a> {
    cartons: &'a [Carton],
    tariff: &'a Tariff,
    pieces: &'a [Piece],
    /// Cartons by the least that any use of them costs.
    order: [u8; CARTONS_MAX],
    floor: [i64; CARTONS_MAX],
    /// Per carton the sets that do not fit it, one bit each.
    ruled_out: [u64; CARTONS_MAX],
    /// Per carton and piece, the pieces that cannot be with it; itself when it does not fit.
    apart: [[u8; EXACT_PIECES_MAX]; CARTONS_MAX],
    volume: [u64; SETS],
    weight_g: [u64; SETS],
    /// Per set its optimistic carton and price.
    price: [(Score, u8); SETS],
    /// What two cartons or more cost at least.
    least_of_several: i64,
    /// What gave up was asked at this price.
    unproven: Option<Score>,
}

impl<'a> Table<'a> {
    fn of(cartons: &'a [Carton], tariff: &'a Tariff, pieces: &'a [Piece]) -> Self {
        assert!(pieces.len() <= EXACT_PIECES_MAX && cartons.len() <= CARTONS_MAX, "few pieces, few cartons");
        let mut table = Self {
            cartons,
            tariff,
            pieces,
            order: std::array::from_fn(|number| number as u8),
            floor: [0; CARTONS_MAX],
            ruled_out: [0; CARTONS_MAX],
            apart: [[0; EXACT_PIECES_MAX]; CARTONS_MAX],
            volume: [0; SETS],
            weight_g: [0; SETS],
            price: [(Score::WORST, 0); SETS],
            least_of_several: 0,
            unproven: None,
        };
        for set in 1..1usize << pieces.len() {
            let (first, rest) = (set.trailing_zeros() as usize, set & (set - 1));
            table.volume[set] = table.volume[rest] + pieces[first].volume();
            table.weight_g[set] = table.weight_g[rest] + u64::from(pieces[first].weight_g);
        }
        for (number, carton) in cartons.iter().enumerate() {
            // Room is at least empty of what all pieces fill: no set leaves less.
            table.floor[number] = tariff.cost(carton, 0, table.volume[table.all()].min(volume(carton.inner)));
            table.apart[number] = apart(carton, pieces);
        }
        let floor = table.floor;
        table.order[..cartons.len()].sort_unstable_by_key(|number| {
            let carton = &cartons[usize::from(*number)];
            (floor[usize::from(*number)], volume(carton.outer), *number)
        });
        table.least_of_several = table.least_of_several();
        table
    }

    /// Three cartons cost thrice the least of one; two what two cost that have room for everything.
    fn least_of_several(&self) -> i64 {
        let Some(&first) = self.order[..self.cartons.len()].first() else { return 0 };
        let mut least = self.floor[usize::from(first)].saturating_mul(3);
        let filled = self.volume[self.all()];
        for (at, &one) in self.order[..self.cartons.len()].iter().enumerate() {
            let (cost, room) = (self.floor[usize::from(one)], volume(self.cartons[usize::from(one)].inner));
            for &other in &self.order[at..self.cartons.len()] {
                let both = cost.saturating_add(self.floor[usize::from(other)]);
                if both >= least {
                    break;
                }
                if room + volume(self.cartons[usize::from(other)].inner) >= filled {
                    least = both;
                    break;
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
        loop {
            self.ask(all);
            let (whole, _) = self.price[all];
            let single = whole.cost < i64::MAX && whole.cost <= self.least_of_several;
            let best = if single { [all as u8, 0, 0, 0, 0, 0] } else { self.partition()? };
            let score = self.score_of(&best);
            if let Some(few) = self.prove(&best, score) {
                return Some(few);
            }
        }
    }

    /// Packs the sets of a partition; rules out what does not fit.
    fn prove(&mut self, sets: &[u8; EXACT_PIECES_MAX], score: Score) -> Option<Few> {
        let mut packed = [None; EXACT_PIECES_MAX];
        for (out, &set) in packed.iter_mut().zip(sets.iter().filter(|set| **set != 0)) {
            let carton = self.price[usize::from(set)].1;
            match self.fit(carton, set) {
                Verdict::Fits(placements) => {
                    *out = Some(Packed { carton, pieces: set.count_ones() as u8, placements });
                }
                Verdict::DoesNot => self.rule_out(carton, set),
                Verdict::Unknown => {
                    self.unproven = Some(self.unproven.map_or(score, |before| before.min(score)));
                    self.rule_out(carton, set);
                }
            }
            out.as_ref()?;
        }
        Some(Few { cartons: packed, score, bound: self.unproven.unwrap_or(score) })
    }

    fn fit(&self, carton: u8, set: u8) -> Verdict {
        let mut chosen = [self.pieces[0]; EXACT_PIECES_MAX];
        let mut numbers = [0u16; EXACT_PIECES_MAX];
        let mut count = 0;
        for (number, piece) in self.pieces.iter().enumerate().filter(|(number, _)| set & 1 << number != 0) {
            (chosen[count], numbers[count]) = (*piece, number as u16);
            count += 1;
        }
        let mut verdict = fits(&self.cartons[usize::from(carton)], &chosen[..count]);
        if let Verdict::Fits(placements) = &mut verdict {
            for placement in &mut placements[..count] {
                placement.piece = numbers[usize::from(placement.piece)];
            }
        }
        verdict
    }

    fn rule_out(&mut self, carton: u8, set: u8) {
        for larger in (set..=self.all() as u8).filter(|larger| larger & set == set) {
            self.ruled_out[usize::from(carton)] |= 1 << larger;
        }
    }

    /// The optimistic price of a set.
    fn ask(&mut self, set: usize) {
        let mut best = (Score::WORST, 0);
        for &number in &self.order[..self.cartons.len()] {
            let at = usize::from(number);
            if self.floor[at] > best.0.cost {
                break;
            }
            if !self.may_hold(at, set) {
                continue;
            }
            let score = self.tariff.score(&self.cartons[at], self.weight_g[set], self.volume[set]);
            if score < best.0 {
                best = (score, number);
            }
        }
        self.price[set] = best;
    }

    fn may_hold(&self, at: usize, set: usize) -> bool {
        let carton = &self.cartons[at];
        self.ruled_out[at] >> set & 1 == 0
            && self.volume[set] <= volume(carton.inner)
            && self.weight_g[set] <= carton.load_g()
            && members(set).all(|piece| usize::from(self.apart[at][piece]) & set == 0)
    }

    /// The cheapest partition of all pieces into sets at their optimistic prices.
    fn partition(&mut self) -> Option<[u8; EXACT_PIECES_MAX]> {
        let all = self.all();
        let mut best = [(Score::WORST, 0usize); SETS];
        best[0].0 = Score::default();
        for set in 1..=all {
            let (_, carton) = self.price[set];
            if self.price[set].0 == Score::WORST || self.ruled_out[usize::from(carton)] >> set & 1 == 1 {
                self.ask(set);
            }
            // The carton with the set's first piece, and the best of the rest.
            let first = set & set.wrapping_neg();
            let others = set ^ first;
            let mut beside = others;
            loop {
                let part = first | beside;
                let (price, _) = self.price[part];
                let (rest, _) = best[set ^ part];
                if price.cost < i64::MAX && rest.cost < i64::MAX {
                    let score = price.plus(rest);
                    if score < best[set].0 {
                        best[set] = (score, part);
                    }
                }
                if beside == 0 {
                    break;
                }
                beside = (beside - 1) & others;
            }
        }
        if best[all].0 == Score::WORST {
            return None;
        }
        let mut sets = [0; EXACT_PIECES_MAX];
        let mut left = all;
        for out in &mut sets {
            *out = best[left].1 as u8;
            left ^= usize::from(*out);
            if left == 0 {
                break;
            }
        }
        Some(sets)
    }

    fn score_of(&self, sets: &[u8]) -> Score {
        let sets = sets.iter().filter(|set| **set != 0);
        sets.map(|set| self.price[usize::from(*set)].0).fold(Score::default(), Score::plus)
    }
}

/// Per piece the pieces that cannot be in this carton with it; itself when it cannot be there at all.
fn apart(carton: &Carton, pieces: &[Piece]) -> [u8; EXACT_PIECES_MAX] {
    let mut apart = [0; EXACT_PIECES_MAX];
    let mut shortest = [None; EXACT_PIECES_MAX];
    for (one, piece) in pieces.iter().enumerate() {
        shortest[one] = piece.shortest_in(carton.inner).map(|edges| (edges, piece.handling.fragile));
        let Some(own) = shortest[one] else {
            apart[one] |= 1 << one;
            continue;
        };
        for (other, second) in pieces.iter().enumerate().take(one) {
            let alone = piece.handling.alone || second.handling.alone;
            if alone || !shortest[other].is_some_and(|other| pair_fits(carton.inner, own, other)) {
                apart[one] |= 1 << other;
                apart[other] |= 1 << one;
            }
        }
    }
    apart
}

fn members(mut set: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(at)
    })
}
