//! Plans that share what there is: orders one after the other at some share of the prices; then, again and again, a few that
//! meet at a cell are let go and planned anew, in a new sequence, and that is kept when it is hardly dearer
//! than the best that is known.
//!
//! Promises: what is found in the end never leaves more and never costs more than what was there.
//!
//! Not here: the prices (`prices`).

use std::cmp::Reverse;

use super::{Choice, Optimiser, Room, total};

/// Shares of the prices at which orders are planned, in parts of a hundred.
const SHARES: [i64; 5] = [0, 35, 70, 100, 200];
/// Most orders that are let go at once.
const LET_GO_MAX: u64 = 8;

/// One order in so many is planned without one of its candidates: what is best for all is not always best for one.
const WITHOUT_ONE_IN: usize = 8;

/// An order to be planned anew.
#[derive(Clone, Copy)]
struct Anew {
    at: usize,
    /// At so many parts of a hundred of the prices.
    share: i64,
    /// Without this candidate.
    without: Option<usize>,
}

/// SplitMix64: the same numbers everywhere.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below that; 0 below none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}

impl Optimiser<'_> {
    /// Plans all orders anew, one after the other, those of many lines first, and each once more with what all others
    /// leave. Kept where that is better.
    pub fn plan_anew(&mut self) {
        let lines = |at: &u32| Reverse(self.batch.members[*at as usize].problem.lines.len());
        let mut sequence: Vec<u32> = (0..self.batch.members.len() as u32).collect();
        sequence.sort_by_key(lines);
        for share in [100, 70, 35] {
            let all: Vec<Anew> = sequence.iter().map(|at| Anew { at: *at as usize, share, without: None }).collect();
            self.try_anew(&all);
        }
        for at in sequence {
            self.try_anew(&[Anew { at: at as usize, share: 0, without: None }]);
        }
    }

    /// Lets a few orders go and plans them anew, so many times.
    pub fn improve(&mut self, rounds: u32) {
        let members = self.batch.members.len();
        for _ in 0..if members > 1 { rounds } else { 0 } {
            let first = self.dice.below(members) as u32;
            let mut group = self.neighbours(first);
            for at in (1..group.len()).rev() {
                let other = self.dice.below(at + 1);
                group.swap(at, other);
            }
            // One share for all as a rule, and now and then one for each.
            let (share, own) = (self.dice.below(SHARES.len()), self.dice.below(3) == 0);
            let asked = group.iter().map(|at| {
                let candidates = self.batch.members[*at as usize].nodes.len();
                let without = self.dice.below(WITHOUT_ONE_IN) == 0 && candidates > 0;
                Anew {
                    at: *at as usize,
                    share: SHARES[if own { self.dice.below(SHARES.len()) } else { share }],
                    without: without.then(|| self.dice.below(candidates)),
                }
            });
            let asked: Vec<Anew> = asked.collect();
            self.try_anew(&asked);
        }
    }

    /// An order and some that could use the same cells.
    fn neighbours(&mut self, first: u32) -> Vec<u32> {
        let wanted = 2 + self.dice.below(LET_GO_MAX as usize - 1);
        let mut group = vec![first];
        let cells = self.batch.members[first as usize].cells.len();
        for _ in 0..if cells > 0 { 3 * wanted } else { 0 } {
            let at = self.dice.below(cells);
            let cell = self.batch.members[first as usize].cells[at] as usize;
            let drawn = self.dice.below(self.users[cell].len());
            if let Some(other) = self.users[cell].get(drawn).copied().filter(|other| !group.contains(other)) {
                group.push(other);
                if group.len() == wanted {
                    break;
                }
            }
        }
        group
    }

    /// Lets orders go and plans them in that sequence; as before when that is worse.
    fn try_anew(&mut self, group: &[Anew]) {
        let take = |anew: &Anew| std::mem::take(&mut self.choices[anew.at]);
        let known: Vec<Choice> = group.iter().map(take).collect();
        group.iter().zip(&known).for_each(|(anew, choice)| self.let_go(anew.at, choice));
        let mut made = Vec::with_capacity(group.len());
        let (worst, mut sum) = (total(&known), (0, 0));
        for anew in group {
            let choice = self.ask(anew.at, anew.share, Room::Left, anew.without);
            sum = (sum.0 + choice.missing, sum.1 + choice.cost);
            self.take(anew.at, &choice);
            made.push(choice);
        }
        let keeps = self.keeps(group, &known, worst, sum);
        if !keeps {
            group.iter().zip(&made).for_each(|(anew, choice)| self.let_go(anew.at, choice));
            group.iter().zip(&known).for_each(|(anew, choice)| self.take(anew.at, choice));
        }
        let chosen = if keeps { made } else { known };
        group.iter().zip(chosen).for_each(|(anew, choice)| self.choices[anew.at] = choice);
    }

    /// Whether plans that cost so much replace those that cost so much before. What is a little dearer than the best is kept
    /// too, so that what is better behind it is found (Dueck 1993); the best is remembered meanwhile.
    fn keeps(&mut self, group: &[Anew], known: &[Choice], before: (u64, i64), after: (u64, i64)) -> bool {
        let now = (self.now.0 + after.0 - before.0, self.now.1 + after.1 - before.1);
        if now > (self.least.0, self.least.1 + self.slack) {
            return false;
        }
        if now > self.now && self.best.is_none() {
            let mut best = self.choices.clone();
            group.iter().zip(known).for_each(|(anew, choice)| best[anew.at].clone_from(choice));
            self.best = Some(best);
        }
        self.now = now;
        if now < self.least {
            (self.least, self.best) = (now, None);
        }
        true
    }

    /// Back to the best plans.
    pub(super) fn return_to_best(&mut self) {
        if let Some(best) = self.best.take() {
            self.replace(best);
        }
    }

    /// These plans from now on; they share what there is.
    pub(super) fn replace(&mut self, choices: Vec<Choice>) {
        let known = std::mem::replace(&mut self.choices, choices.clone());
        known.iter().enumerate().for_each(|(at, choice)| self.let_go(at, choice));
        choices.iter().enumerate().for_each(|(at, choice)| self.take(at, choice));
        (self.now, self.best) = (total(&choices), None);
        self.least = self.now;
    }

    /// Gives orders the plan back that they had, where there is room and it costs no more.
    pub(super) fn restore(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for at in 0..self.choices.len() {
                let (known, before) = (self.choices[at].clone(), self.before[at].clone());
                if known.taken == before.taken || (before.missing, before.cost) > (known.missing, known.cost) {
                    continue;
                }
                self.let_go(at, &known);
                again |= self.fits(at, &before);
                let keeps = if self.fits(at, &before) { before } else { known };
                self.take(at, &keeps);
                self.choices[at] = keeps;
            }
        }
    }
}
