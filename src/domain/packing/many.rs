//! More pieces than can be packed exactly: many orders, the cheapest of what they give.
//!
//! Each of sixteen passes puts the pieces in an order and tries, cheapest first, every carton that could hold all of
//! them; then several cartons: one of a *leading* kind after the other, each filled with what of the rest goes in, the
//! last in the cheapest that holds what is left. Leading kinds are those that cost least for their room, and the
//! largest. At the end every carton of the best answer is exchanged for a cheaper one where its pieces fit that too.
//! Whatever cannot become better than the best answer ends where that is seen: what is left costs at least what its
//! volume, its weight and its cartons do.
//!
//! Bounds: [`looks_max`] looks at spaces; the first answer is always found. Then the best so far is the answer, beside a
//! bound that says how good it is (`bound`). Memory is reused from call to call; what is asked of a piece again and again
//! is asked once.

use std::cmp::Ordering;

use super::bound::{bound, share};
use super::exact::{EXACT_PIECES_MAX, Verdict, fits_within};
use super::fill::{Aim, Filler, Load, RULES, Rule, Shape};
use super::order::MEASURES;
use super::piece::{Carton, Piece, Placement};
use super::price::{Priced, Score, Tariff};

/// Kinds of carton that lead.
const LEADING_MAX: usize = 4;
/// Cartons tried for what is left at the end.
const LAST_MAX: usize = 4;
/// Relations tried to put what one carton holds into a cheaper one.
const EXCHANGE_STEPS_MAX: u32 = 500;

/// Looks at spaces for so many pieces: about 1 ms for fifty.
fn looks_max(pieces: usize) -> u64 {
    (pieces as u64 * LOOKS_PER_PIECE).max((pieces * pieces) as u64 * LOOKS_PER_PAIR)
}

const LOOKS_PER_PIECE: u64 = 4_000;
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
    work: Work,
    shapes: Vec<Shape>,
    priced: Vec<Priced>,
    pub(super) best: Attempt,
}

/// What is written again and again while looking for an answer.
#[derive(Debug, Default)]
struct Work {
    filler: Filler,
    order: Vec<u16>,
    rest: Vec<u16>,
    trial: Attempt,
    packed: Vec<bool>,
    spare: Vec<Placement>,
    looks_max: u64,
}

/// What is asked.
#[derive(Clone, Copy)]
struct Task<'a> {
    cartons: &'a [Carton],
    priced: &'a [Priced],
    pieces: &'a [Piece],
    shapes: &'a [Shape],
    least: LeastOfAny,
}

/// What the cartons of a task cost and hold at best.
#[derive(Clone, Copy, Default)]
struct LeastOfAny {
    /// The carton that costs least for its room: what it costs at least, and its room.
    by_room: (i64, u64),
    /// The most room and the heaviest load of any.
    room: u64,
    load_g: u64,
    /// The least that any use of any costs, and that any costs by itself.
    cost: i64,
    own_cost: i64,
    per_kg: i64,
    /// The least room any takes outside.
    outside: u64,
}

impl LeastOfAny {
    fn of(priced: &[Priced], tariff: &Tariff) -> Self {
        let least_for_room = priced.iter().min_by(|one, other| dearer(one, other));
        Self {
            by_room: least_for_room.map_or((0, 1), |carton| (carton.floor(), carton.room)),
            room: priced.iter().map(|carton| carton.room).max().unwrap_or(0),
            load_g: priced.iter().map(|carton| carton.load_g).max().unwrap_or(0),
            cost: priced.iter().map(Priced::floor).min().unwrap_or(0),
            own_cost: priced.iter().map(|carton| carton.own_cost).min().unwrap_or(0),
            per_kg: tariff.per_kg,
            outside: priced.iter().map(|carton| carton.outside).min().unwrap_or(0),
        }
    }

    /// What no packing of this much scores less than.
    fn score(&self, left: Load) -> Score {
        let count = left.volume.div_ceil(self.room.max(1)).max(left.weight_g.div_ceil(self.load_g.max(1))).max(1);
        let times = |cost: i64| cost.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
        let by_weight = times(self.own_cost).saturating_add(share(self.per_kg, left.weight_g, 1_000));
        Score {
            cost: share(self.by_room.0, left.volume, self.by_room.1).max(times(self.cost)).max(by_weight),
            cartons: u32::try_from(count).unwrap_or(u32::MAX),
            volume: self.outside.saturating_mul(count),
        }
    }
}

/// Compares what cartons cost for their room; of equal ones the larger comes first.
fn dearer(one: &Priced, other: &Priced) -> Ordering {
    let cost = |carton: &Priced| u128::try_from(carton.floor()).unwrap_or(0);
    let (left, right) = (cost(one) * u128::from(other.room), cost(other) * u128::from(one.room));
    left.cmp(&right).then(other.room.cmp(&one.room))
}

impl Task<'_> {
    fn score(&self, carton: u8, load: Load) -> Score {
        self.priced[usize::from(carton)].score(load.weight_g, load.volume)
    }

    fn total(&self, numbers: &[u16]) -> Load {
        let shapes = numbers.iter().map(|number| &self.shapes[usize::from(*number)]);
        shapes.fold(Load::default(), |load, shape| load.with(shape))
    }

    /// Cartons that might hold all of these, one bit each.
    fn might_hold(&self, numbers: &[u16], load: Load) -> u32 {
        let roomy = |carton: &Priced| load.volume <= carton.room && load.weight_g <= carton.load_g;
        let roomy = self.priced.iter().enumerate().filter(|(_, carton)| roomy(carton));
        let roomy = roomy.fold(0, |all, (number, _)| all | 1 << number);
        if roomy == 0 {
            return 0;
        }
        numbers.iter().fold(roomy, |all, number| all & self.shapes[usize::from(*number)].cartons)
    }

    /// Cartons by what they cost for their room, the best first; behind them the largest.
    fn leading(&self) -> Vec<u8> {
        let mut list: Vec<u8> = (0..self.cartons.len() as u8).collect();
        list.sort_by(|one, other| self.dearer(*one, *other));
        let largest = list.iter().copied().max_by_key(|number| self.priced[usize::from(*number)].room);
        list.truncate(LEADING_MAX);
        list.extend(largest.filter(|largest| !list.contains(largest)));
        list
    }

    /// The carton that costs least for its room among those that take a piece.
    fn leading_for(&self, shape: &Shape) -> Option<u8> {
        numbers(shape.cartons).min_by(|one, other| self.dearer(*one, *other))
    }

    fn dearer(&self, one: u8, other: u8) -> Ordering {
        dearer(&self.priced[usize::from(one)], &self.priced[usize::from(other)]).then(one.cmp(&other))
    }
}

/// Cartons of which there is a bit.
fn numbers(mut bits: u32) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let number = (bits != 0).then(|| bits.trailing_zeros() as u8)?;
        bits &= bits - 1;
        Some(number)
    })
}

impl Many {
    /// Packs pieces each of which fits some carton and none of which ships alone; the answer is `best`. Says the bound.
    pub(super) fn pack(&mut self, cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Score {
        self.priced.clear();
        self.priced.extend(cartons.iter().map(|carton| Priced::of(tariff, carton)));
        self.know(cartons, pieces);
        let Self { work, shapes, priced, best } = self;
        let task = Task { cartons, priced, pieces, shapes, least: LeastOfAny::of(priced, tariff) };
        let bound = bound(cartons, tariff, pieces);
        work.looks_max = work.filler.looks + looks_max(pieces.len());
        work.pack(task, bound, best);
        bound
    }

    /// Fills one carton as far as any pass does.
    pub(super) fn fill(&mut self, carton: &Carton, pieces: &[Piece]) -> Vec<Placement> {
        self.know(std::slice::from_ref(carton), pieces);
        let Self { work, shapes, .. } = self;
        let mut best = (0, Vec::new());
        work.order.clear();
        work.order.extend((0..pieces.len() as u16).filter(|number| shapes[usize::from(*number)].cartons != 0));
        for measure in MEASURES {
            measure.sort(pieces, &mut work.order);
            for rule in RULES {
                work.spare.clear();
                let load = work.filler.fill(carton, shapes, &work.order, (Aim::Most, rule), &mut work.spare);
                if load.volume > best.0 {
                    best = (load.volume, work.spare.clone());
                }
            }
        }
        best.1
    }

    /// Asks once what is needed of every piece.
    fn know(&mut self, cartons: &[Carton], pieces: &[Piece]) {
        self.shapes.clear();
        self.shapes.extend(pieces.iter().map(|piece| Shape::of(piece, cartons)));
    }
}

impl Work {
    fn pack(&mut self, task: Task<'_>, bound: Score, best: &mut Attempt) {
        best.clear();
        best.score = Score::WORST;
        self.order.clear();
        self.order.extend(0..task.pieces.len() as u16);
        let all = task.total(&self.order);
        let mut single: Vec<u8> = numbers(task.might_hold(&self.order, all)).collect();
        single.sort_by_key(|carton| task.score(*carton, all));
        let leading = task.leading();
        let two = task.least.cost.saturating_mul(2);
        'passes: for measure in MEASURES {
            measure.sort(task.pieces, &mut self.order);
            for rule in RULES {
                self.whole(task, &single, all, rule, best);
                for &carton in &leading {
                    if best.score.cartons > 1 || best.score.cost > two {
                        self.several(task, carton, all, rule, best);
                    }
                }
                if (best.score.cost, best.score.cartons) <= (bound.cost, bound.cartons) || self.is_spent(best) {
                    break 'passes;
                }
            }
        }
        self.exchange(task, best);
    }

    /// Whether there is an answer, and no more looks for a better one.
    fn is_spent(&self, best: &Attempt) -> bool {
        best.score < Score::WORST && self.filler.looks > self.looks_max
    }

    /// Tries one carton for everything, those that would be better than the best answer, cheapest first.
    fn whole(&mut self, task: Task<'_>, cartons: &[u8], all: Load, rule: Rule, best: &mut Attempt) {
        for &number in cartons {
            let score = task.score(number, all);
            if score >= best.score || self.is_spent(best) {
                return;
            }
            self.trial.clear();
            let carton = &task.cartons[usize::from(number)];
            let placed = &mut self.trial.placed;
            let load = self.filler.fill(carton, task.shapes, &self.order, (Aim::All, rule), placed);
            if load == all {
                self.trial.add(number, load, score);
                std::mem::swap(&mut self.trial, best);
                return;
            }
        }
    }

    /// Fills one leading carton after the other, and the cheapest for the last.
    fn several(&mut self, task: Task<'_>, leading: u8, all: Load, rule: Rule, best: &mut Attempt) {
        self.trial.clear();
        self.rest.clear();
        self.rest.extend_from_slice(&self.order);
        let mut left = all;
        while let Some(&first) = self.rest.first() {
            if self.trial.score.plus(task.least.score(left)) >= best.score || self.is_spent(best) {
                return;
            }
            if self.last(task, leading, left, rule, best.score) {
                break;
            }
            let shape = &task.shapes[usize::from(first)];
            let carton = if shape.cartons >> leading & 1 == 1 { Some(leading) } else { task.leading_for(shape) };
            let number = carton.expect("every piece fits some carton");
            let carton = &task.cartons[usize::from(number)];
            let placed = &mut self.trial.placed;
            let load = self.filler.fill(carton, task.shapes, &self.rest, (Aim::Most, rule), placed);
            self.trial.add(number, load, task.score(number, load));
            self.drop_placed(task.pieces.len(), load.pieces);
            left = left.without(load);
        }
        if self.trial.score < best.score {
            std::mem::swap(&mut self.trial, best);
        }
    }

    /// Tries the cheapest cartons that might hold all that is left and would make a better answer, up to the leading one.
    fn last(&mut self, task: Task<'_>, leading: u8, left: Load, rule: Rule, best: Score) -> bool {
        let mut might = task.might_hold(&self.rest, left);
        for _ in 0..LAST_MAX {
            let cheapest = numbers(might).map(|number| (task.score(number, left), number)).min();
            let Some((score, number)) = cheapest else { return false };
            might &= !(1 << number);
            if self.trial.score.plus(score) >= best {
                return false;
            }
            let before = self.trial.placed.len();
            let carton = &task.cartons[usize::from(number)];
            let placed = &mut self.trial.placed;
            let got = self.filler.fill(carton, task.shapes, &self.rest, (Aim::All, rule), placed);
            if got == left {
                self.trial.add(number, left, score);
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
    fn exchange(&mut self, task: Task<'_>, best: &mut Attempt) {
        let mut score = Score::default();
        for at in 0..best.parts.len() {
            let part = best.parts[at];
            let mut cheapest = (task.score(part.carton, part.load), part.carton);
            self.rest.clear();
            self.rest.extend(best.placements(&part).iter().map(|placement| placement.piece));
            for number in numbers(task.might_hold(&self.rest, part.load)) {
                let price = task.score(number, part.load);
                if price < cheapest.0 && self.refit(task, number, part) {
                    cheapest = (price, number);
                    best.placed[part.start..part.start + part.load.pieces].copy_from_slice(&self.spare);
                }
            }
            best.parts[at].carton = cheapest.1;
            score = score.plus(cheapest.0);
        }
        best.score = score;
    }

    /// Whether the pieces of a part fit another carton; they are then in `spare`.
    fn refit(&mut self, task: Task<'_>, number: u8, part: Part) -> bool {
        let carton = &task.cartons[usize::from(number)];
        self.spare.clear();
        if self.rest.len() <= EXACT_PIECES_MAX {
            let mut few = [task.pieces[0]; EXACT_PIECES_MAX];
            self.rest.iter().zip(&mut few).for_each(|(number, piece)| *piece = task.pieces[usize::from(*number)]);
            let Verdict::Fits(placements) = fits_within(carton, &few[..self.rest.len()], EXCHANGE_STEPS_MAX) else {
                return false;
            };
            let numbered = |mut placement: Placement| {
                placement.piece = self.rest[usize::from(placement.piece)];
                placement
            };
            self.spare.extend(placements[..self.rest.len()].iter().copied().map(numbered));
            return true;
        }
        MEASURES.iter().zip(RULES).any(|(measure, rule)| {
            self.spare.clear();
            measure.sort(task.pieces, &mut self.rest);
            let spare = &mut self.spare;
            self.filler.fill(carton, task.shapes, &self.rest, (Aim::All, rule), spare) == part.load
        })
    }
}
