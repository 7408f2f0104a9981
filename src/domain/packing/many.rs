//! More pieces than can be packed exactly: many orders, the cheapest of what they give.
//!
//! Each of sixteen passes puts the pieces in an order and tries, cheapest first, every carton that could hold all of
//! them; then several cartons: one of a *leading* kind after the other, each filled with what of the rest goes in, the
//! last in the cheapest that holds what is left. Leading kinds are those that cost least for their room, and the
//! largest. At the end every carton of the best answer is exchanged for a cheaper one where its pieces fit that too.
//!
//! Bounds: [`looks_max`] looks at spaces; the first pass is always made. Then the best so far is the answer, beside a
//! bound that says how good it is (`bound`). Memory is reused from call to call.

use std::cmp::Ordering;

use super::bound::bound;
use super::exact::{EXACT_PIECES_MAX, Verdict, fits};
use super::fill::{Filler, Load, RULES, Rule};
use super::order::MEASURES;
use super::piece::{Carton, Piece, Placement, volume};
use super::price::{Score, Tariff};
use super::spaces::Least;

/// Kinds of carton that lead.
const LEADING_MAX: usize = 4;
/// Cartons tried for what is left at the end.
const LAST_MAX: usize = 4;

/// Looks at spaces for so many pieces: about 2 ms for fifty.
fn looks_max(pieces: usize) -> u64 {
    LOOKS_PER_PAIR * (pieces * pieces) as u64
}

const LOOKS_PER_PAIR: u64 = 100;

/// One carton of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) carton: u8,
    /// Where its placements start.
    start: usize,
    load: Load,
}

/// Pieces in cartons.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Attempt {
    pub(super) parts: Vec<Part>,
    placed: Vec<Placement>,
    pub(super) score: Score,
}

impl Attempt {
    fn clear(&mut self) {
        self.parts.clear();
        self.placed.clear();
        self.score = Score::default();
    }

    pub(super) fn placements(&self, part: &Part) -> &[Placement] {
        &self.placed[part.start..part.start + part.load.pieces]
    }

    fn add(&mut self, carton: u8, load: Load, score: Score) {
        let start = self.placed.len() - load.pieces;
        self.parts.push(Part { carton, start, load });
        self.score = self.score.plus(score);
    }
}

/// Memory, kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Many {
    filler: Filler,
    order: Vec<u16>,
    rest: Vec<u16>,
    trial: Attempt,
    pub(super) best: Attempt,
    packed: Vec<bool>,
    spare: Vec<Placement>,
}

/// What is asked.
#[derive(Clone, Copy)]
struct Task<'a> {
    cartons: &'a [Carton],
    tariff: &'a Tariff,
    pieces: &'a [Piece],
}

impl Task<'_> {
    fn score(&self, carton: u8, load: Load) -> Score {
        self.tariff.score(&self.cartons[usize::from(carton)], load.weight_g, load.volume)
    }

    fn total(&self, numbers: &[u16]) -> Load {
        let pieces = numbers.iter().map(|number| &self.pieces[usize::from(*number)]);
        pieces.fold(Load::default(), |load, piece| load.with(piece))
    }

    fn least(&self, numbers: &[u16]) -> Least {
        let pieces = || numbers.iter().map(|number| &self.pieces[usize::from(*number)]);
        Least {
            edge: pieces().map(Piece::shortest).min().unwrap_or(0),
            volume: pieces().map(Piece::volume).min().unwrap_or(0),
        }
    }

    /// Whether a carton might hold all of these.
    fn may_hold(&self, carton: u8, numbers: &[u16], load: Load) -> bool {
        let carton = &self.cartons[usize::from(carton)];
        load.volume <= volume(carton.inner)
            && load.weight_g <= carton.load_g()
            && numbers.iter().all(|number| self.pieces[usize::from(*number)].fits(carton.inner))
    }

    /// Cartons by what they cost for their room, the best first; behind them the largest.
    fn leading(&self) -> Vec<u8> {
        let mut list: Vec<u8> = (0..self.cartons.len() as u8).collect();
        list.sort_by(|one, other| self.dearer(*one, *other));
        let largest = list.iter().copied().max_by_key(|number| self.room(*number));
        list.truncate(LEADING_MAX);
        list.extend(largest.filter(|largest| !list.contains(largest)));
        list
    }

    /// The carton that costs least for its room among those that take a piece.
    fn leading_for(&self, piece: &Piece) -> Option<u8> {
        let taking = (0..self.cartons.len() as u8).filter(|number| self.cartons[usize::from(*number)].takes(piece));
        taking.min_by(|one, other| self.dearer(*one, *other))
    }

    fn room(&self, number: u8) -> u64 {
        volume(self.cartons[usize::from(number)].inner)
    }

    /// Compares what they cost for their room; of equal ones the larger comes first.
    fn dearer(&self, one: u8, other: u8) -> Ordering {
        let cost = |number: u8| {
            let cost = self.tariff.cost(&self.cartons[usize::from(number)], 0, self.room(number));
            u128::try_from(cost).unwrap_or(0)
        };
        let (left, right) = (cost(one) * u128::from(self.room(other)), cost(other) * u128::from(self.room(one)));
        left.cmp(&right).then(self.room(other).cmp(&self.room(one))).then(one.cmp(&other))
    }
}

impl Many {
    /// Packs pieces each of which fits some carton and none of which ships alone; the answer is `best`. Says the bound.
    pub(super) fn pack(&mut self, cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Score {
        let task = Task { cartons, tariff, pieces };
        let bound = bound(cartons, tariff, pieces);
        let looks_max = self.filler.looks + looks_max(pieces.len());
        self.best.clear();
        self.best.score = Score::WORST;
        self.order.clear();
        self.order.extend(0..pieces.len() as u16);
        let all = task.total(&self.order);
        let mut single: Vec<u8> = (0..cartons.len() as u8).collect();
        single.retain(|carton| task.may_hold(*carton, &self.order, all));
        single.sort_by_key(|carton| task.score(*carton, all));
        let leading = task.leading();
        let two = cartons
            .iter()
            .map(|carton| tariff.cost(carton, 0, volume(carton.inner)))
            .min()
            .unwrap_or(0)
            .saturating_mul(2);
        'passes: for measure in MEASURES {
            for rule in RULES {
                measure.sort(pieces, &mut self.order);
                self.whole(task, &single, all, rule, looks_max);
                for &carton in &leading {
                    if self.best.score.cartons > 1 || self.best.score.cost > two {
                        self.several(task, carton, rule);
                    }
                }
                let proven = (self.best.score.cost, self.best.score.cartons) <= (bound.cost, bound.cartons);
                if proven || self.filler.looks > looks_max {
                    break 'passes;
                }
            }
        }
        self.exchange(task);
        bound
    }

    /// Fills one carton as far as any pass does.
    pub(super) fn fill(&mut self, carton: &Carton, pieces: &[Piece]) -> Vec<Placement> {
        let mut best = (0, Vec::new());
        self.order.clear();
        self.order.extend((0..pieces.len() as u16).filter(|number| carton.takes(&pieces[usize::from(*number)])));
        let least = Task { cartons: &[], tariff: &Tariff::default(), pieces }.least(&self.order);
        for measure in MEASURES {
            for rule in RULES {
                measure.sort(pieces, &mut self.order);
                self.spare.clear();
                let load = self.filler.fill(carton, pieces, &self.order, least, rule, &mut self.spare);
                if load.volume > best.0 {
                    best = (load.volume, self.spare.clone());
                }
            }
        }
        best.1
    }

    /// Tries one carton for everything, those that would be better than the best answer, cheapest first.
    fn whole(&mut self, task: Task<'_>, cartons: &[u8], all: Load, rule: Rule, looks_max: u64) {
        let least = task.least(&self.order);
        for &number in cartons {
            let score = task.score(number, all);
            let spent = self.best.score < Score::WORST && self.filler.looks > looks_max;
            if score >= self.best.score || spent {
                return;
            }
            self.trial.clear();
            let carton = &task.cartons[usize::from(number)];
            let load = self.filler.fill(carton, task.pieces, &self.order, least, rule, &mut self.trial.placed);
            if load == all {
                self.trial.add(number, load, score);
                std::mem::swap(&mut self.trial, &mut self.best);
                return;
            }
        }
    }

    /// Fills one leading carton after the other, and the cheapest for the last.
    fn several(&mut self, task: Task<'_>, leading: u8, rule: Rule) {
        self.trial.clear();
        self.rest.clear();
        self.rest.extend_from_slice(&self.order);
        while let Some(&first) = self.rest.first() {
            if self.trial.score >= self.best.score {
                return;
            }
            let least = task.least(&self.rest);
            if self.last(task, leading, least, rule) {
                break;
            }
            let piece = &task.pieces[usize::from(first)];
            let takes = |number: u8| task.cartons[usize::from(number)].takes(piece);
            let carton = if takes(leading) { Some(leading) } else { task.leading_for(piece) };
            let number = carton.expect("every piece fits some carton");
            let carton = &task.cartons[usize::from(number)];
            let load = self.filler.fill(carton, task.pieces, &self.rest, least, rule, &mut self.trial.placed);
            self.trial.add(number, load, task.score(number, load));
            self.drop_placed(task.pieces.len(), load.pieces);
        }
        if self.trial.score < self.best.score {
            std::mem::swap(&mut self.trial, &mut self.best);
        }
    }

    /// Tries the cheapest cartons that might hold all that is left, up to the leading one.
    fn last(&mut self, task: Task<'_>, leading: u8, least: Least, rule: Rule) -> bool {
        let load = task.total(&self.rest);
        let mut after = None;
        for _ in 0..LAST_MAX {
            let next = |number: &u8| (task.score(*number, load), *number);
            let might = (0..task.cartons.len() as u8).filter(|number| after.is_none_or(|after| next(number) > after));
            let might = might.filter(|number| task.may_hold(*number, &self.rest, load));
            let Some(number) = might.min_by_key(next) else { return false };
            after = Some(next(&number));
            let before = self.trial.placed.len();
            let carton = &task.cartons[usize::from(number)];
            let got = self.filler.fill(carton, task.pieces, &self.rest, least, rule, &mut self.trial.placed);
            if got == load {
                self.trial.add(number, load, task.score(number, load));
                return true;
            }
            self.trial.placed.truncate(before);
            if number == leading {
                return false;
            }
        }
        false
    }

    /// Takes what was placed last out of the rest.
    fn drop_placed(&mut self, pieces: usize, count: usize) {
        self.packed.clear();
        self.packed.resize(pieces, false);
        for placement in &self.trial.placed[self.trial.placed.len() - count..] {
            self.packed[usize::from(placement.piece)] = true;
        }
        let packed = &self.packed;
        self.rest.retain(|number| !packed[usize::from(*number)]);
    }

    /// Exchanges each carton of the best answer for a cheaper one that its pieces fit too.
    fn exchange(&mut self, task: Task<'_>) {
        let mut score = Score::default();
        for at in 0..self.best.parts.len() {
            let part = self.best.parts[at];
            let mut best = (task.score(part.carton, part.load), part.carton);
            self.rest.clear();
            self.rest.extend(self.best.placements(&part).iter().map(|placement| placement.piece));
            for number in 0..task.cartons.len() as u8 {
                let price = task.score(number, part.load);
                if price < best.0 && task.may_hold(number, &self.rest, part.load) && self.refit(task, number, part) {
                    best = (price, number);
                }
            }
            self.best.parts[at].carton = best.1;
            score = score.plus(best.0);
        }
        self.best.score = score;
    }

    /// Puts the pieces of a part into another carton, if they fit.
    fn refit(&mut self, task: Task<'_>, number: u8, part: Part) -> bool {
        let carton = &task.cartons[usize::from(number)];
        self.spare.clear();
        if self.rest.len() <= EXACT_PIECES_MAX {
            let mut few = [task.pieces[0]; EXACT_PIECES_MAX];
            self.rest.iter().zip(&mut few).for_each(|(number, piece)| *piece = task.pieces[usize::from(*number)]);
            let Verdict::Fits(placements) = fits(carton, &few[..self.rest.len()]) else { return false };
            let numbered = |mut placement: Placement| {
                placement.piece = self.rest[usize::from(placement.piece)];
                placement
            };
            self.spare.extend(placements[..self.rest.len()].iter().copied().map(numbered));
        } else {
            let least = task.least(&self.rest);
            let fits = MEASURES.iter().zip(RULES).any(|(measure, rule)| {
                self.spare.clear();
                measure.sort(task.pieces, &mut self.rest);
                self.filler.fill(carton, task.pieces, &self.rest, least, rule, &mut self.spare) == part.load
            });
            if !fits {
                return false;
            }
        }
        self.best.placed[part.start..part.start + part.load.pieces].copy_from_slice(&self.spare);
        true
    }
}
