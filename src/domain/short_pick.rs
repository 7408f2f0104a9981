//! How often a unit that should be there is not found: counted for each node by how many were on its shelf, and told with how
//! many were looked for and how good the telling was so far.
//!
//! **Counted** are units that left and units that were not found, by the day (UTC) and by what was on hand before: a shelf that
//! holds one is wrong more often than one that holds ten. The sums are a fold of the movements of stock, in whatever order a
//! day's come; a day is told from the [`DAYS_KEPT`] before it, the same whatever is noted on it and for [`DAYS_BACK`] days
//! after it.
//!
//! **Told** on a day is what the days before it say: half of what is [`HALF_LIFE_DAYS`] old, and of [`PRIOR_UNITS`] units that
//! behaved as is usual of the kind of node:
//!
//! `rate = (prior × usual + Σ weight × short) ÷ (prior + Σ weight × (found + short))`
//!
//! **Judged** is every day by what was told before it: Brier's score, the mean square of chance less outcome, beside that of the
//! usual rate. Where more than [`JUDGED_MIN`] units were judged and the usual rate was nearer, it is told instead.
//!
//! Promises: whole numbers; the same figures after a restart, and on every machine. What is *not* here: what a unit that is not
//! found costs (`rules`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::StockMoved;
use super::fade::{FULL, Fade};
use super::node::NodeKind;
use super::stock::MovementKind;
use super::time::JournalTime;

/// Days after which an observation counts half.
pub const HALF_LIFE_DAYS: i32 = 60;
/// Days of which a day is told.
pub const DAYS_KEPT: i32 = 180;
/// Days for which what was told of a day can be told again.
pub const DAYS_BACK: i32 = 7;
/// Units that are taken to have behaved as usual.
pub const PRIOR_UNITS: u64 = 50;
/// Units of which a node must have been judged before it can be told to be worse than usual.
pub const JUDGED_MIN: u64 = 500;

const DAY_MS: i64 = 86_400_000;
const WHOLE: u64 = 1_000_000;
const FADE: Fade = Fade::DAYS_60;

/// How many were on hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shelf {
    /// One, or none by the book.
    One,
    /// Two or three.
    Few,
    /// Four to nine.
    Some,
    /// Ten and more.
    Many,
}

/// Sums by [`Shelf`].
pub type ByShelf<T> = [T; 4];

/// Units that left, and that were not found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Looked {
    /// Units that left.
    pub found: u64,
    /// Units that were not found.
    pub short: u64,
}

/// A movement that tells whether units were there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Days since 1970, UTC.
    pub day: i32,
    /// How many were on hand before.
    pub shelf: Shelf,
    /// What it tells.
    pub looked: Looked,
}

/// What a node has told so far.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShortPicks {
    /// By day.
    pub days: BTreeMap<i32, ByShelf<Looked>>,
}

/// What is told of a shelf of a node on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Units that were looked for.
    pub looked: Looked,
    /// Millionths of them that are not found.
    pub rate_micro: u32,
    /// What is usual of the kind of node.
    pub usual_micro: u32,
    /// Units that were judged.
    pub judged: u64,
    /// Brier's score of what was told, millionths.
    pub score_micro: u32,
    /// That of the usual rate.
    pub usual_score_micro: u32,
}

impl Shelf {
    /// All of them, ascending.
    pub const ALL: ByShelf<Self> = [Self::One, Self::Few, Self::Some, Self::Many];

    /// Of so many units.
    pub fn of(units: u32) -> Self {
        match units {
            0..=1 => Self::One,
            2..=3 => Self::Few,
            4..=9 => Self::Some,
            _ => Self::Many,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Few => "2-3",
            Self::Some => "4-9",
            Self::Many => "10+",
        }
    }
}

/// Millionths of the units that are not found at a node of a kind: planning figures of this program.
pub fn usual_micro(kind: NodeKind, shelf: Shelf) -> u32 {
    let of_kind = if kind == NodeKind::Store { 80_000 } else { 20_000 };
    if shelf == Shelf::One { of_kind + 100_000 } else { of_kind }
}

/// The day of an instant, UTC.
pub fn day_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(DAY_MS)).unwrap_or(if at < 0 { i32::MIN } else { i32::MAX })
}

impl Seen {
    /// Whether movements of a kind tell whether units were there.
    pub fn tells(kind: MovementKind) -> bool {
        matches!(kind, MovementKind::Shipped | MovementKind::ShortPicked)
    }

    /// What a movement tells that was decided then, of a cell that had so many on hand.
    pub fn of(moved: &StockMoved, on_hand: u32, at: JournalTime) -> Option<Self> {
        let units = u64::try_from(-i64::from(moved.delta.committed)).ok().filter(|units| *units > 0)?;
        let looked = match moved.kind {
            MovementKind::Shipped => Looked { found: units, short: 0 },
            MovementKind::ShortPicked => Looked { found: 0, short: units },
            _ => return None,
        };
        Some(Self { day: day_of(at.0), shelf: Shelf::of(on_hand), looked })
    }
}

impl Looked {
    fn units(self) -> u64 {
        self.found.saturating_add(self.short)
    }

    fn plus(self, other: Self) -> Self {
        Self { found: self.found.saturating_add(other.found), short: self.short.saturating_add(other.short) }
    }
}

impl ShortPicks {
    /// With one more observation. The order in which they come does not matter.
    pub fn note(&mut self, seen: &Seen) {
        let sums = &mut self.days.entry(seen.day).or_default()[seen.shelf as usize];
        *sums = sums.plus(seen.looked);
        if let Some((newest, _)) = self.days.last_key_value() {
            let oldest = newest.saturating_sub(DAYS_KEPT + DAYS_BACK);
            self.days.retain(|day, _| *day >= oldest);
        }
    }

    /// What is told of a shelf on a day at a node of a kind.
    pub fn told(&self, kind: NodeKind, shelf: Shelf, on: i32) -> Told {
        let usual_micro = usual_micro(kind, shelf);
        let own =
            self.days.range(on.saturating_sub(DAYS_KEPT)..on).map(|(day, shelves)| (*day, shelves[shelf as usize]));
        let mut sums = Sums::default();
        let mut told = Told { usual_micro, ..Told::default() };
        let (mut score, mut usual_score) = (0, 0);
        for (day, looked) in own.filter(|(_, looked)| looked.units() > 0) {
            sums.age_to(day);
            score += misses(looked, sums.rate_micro(usual_micro));
            usual_score += misses(looked, usual_micro);
            told.looked = told.looked.plus(looked);
            sums.add(looked);
        }
        sums.age_to(on);
        told.rate_micro = sums.rate_micro(usual_micro);
        told.judged = told.looked.units();
        let mean =
            |sum: u128| u32::try_from(sum / u128::from(told.judged.max(1)) / u128::from(WHOLE)).unwrap_or(u32::MAX);
        (told.score_micro, told.usual_score_micro) = (mean(score), mean(usual_score));
        told
    }

    /// Whether what is told of a node is nearer than the usual rates, or not known yet not to be.
    pub fn is_in_use(&self, kind: NodeKind, on: i32) -> bool {
        let all = Shelf::ALL.map(|shelf| self.told(kind, shelf, on));
        let judged: u64 = all.iter().map(|told| told.judged).sum();
        let sum =
            |of: fn(&Told) -> u32| all.iter().map(|told| u128::from(of(told)) * u128::from(told.judged)).sum::<u128>();
        judged < JUDGED_MIN || sum(|told| told.score_micro) <= sum(|told| told.usual_score_micro)
    }

    /// Millionths of the units that are not found on a day, by shelf: as told, or as usual where that was nearer.
    pub fn rates_micro(&self, kind: NodeKind, on: i32) -> ByShelf<u32> {
        if self.is_in_use(kind, on) {
            Shelf::ALL.map(|shelf| self.told(kind, shelf, on).rate_micro)
        } else {
            Shelf::ALL.map(|shelf| usual_micro(kind, shelf))
        }
    }
}

/// Observations that count the less the older they are.
#[derive(Default)]
struct Sums {
    day: Option<i32>,
    /// Units times [`FULL`].
    units: u128,
    short: u128,
}

impl Sums {
    fn age_to(&mut self, day: i32) {
        let days = self.day.map_or(0, |before| day.saturating_sub(before));
        self.day = Some(day);
        (self.units, self.short) = (FADE.aged(self.units, days), FADE.aged(self.short, days));
    }

    fn add(&mut self, looked: Looked) {
        self.units += u128::from(looked.units()) * FULL;
        self.short += u128::from(looked.short) * FULL;
    }

    fn rate_micro(&self, usual_micro: u32) -> u32 {
        let prior = u128::from(PRIOR_UNITS) * FULL;
        let short = prior * u128::from(usual_micro) + self.short * u128::from(WHOLE);
        let of = prior + self.units;
        u32::try_from((short + of / 2) / of).unwrap_or(u32::MAX)
    }
}

/// Squares of chance less outcome, summed over units, in millionths of millionths.
fn misses(looked: Looked, rate_micro: u32) -> u128 {
    let (rate, rest) = (u128::from(rate_micro), u128::from(WHOLE.saturating_sub(u64::from(rate_micro))));
    u128::from(looked.found) * rate * rate + u128::from(looked.short) * rest * rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(found: u64, short: u64) -> Looked {
        Looked { found, short }
    }

    fn of(days: &[(i32, Looked)]) -> ShortPicks {
        let mut picks = ShortPicks::default();
        for (day, looked) in days {
            picks.note(&Seen { day: *day, shelf: Shelf::Many, looked: *looked });
        }
        picks
    }

    fn told(picks: &ShortPicks, on: i32) -> Told {
        picks.told(NodeKind::Warehouse, Shelf::Many, on)
    }

    #[test]
    fn a_day_is_told_from_the_days_before_it() {
        let picks = of(&[(100, looked(40, 10))]);
        assert_eq!((told(&picks, 100).rate_micro, told(&picks, 100).judged), (20_000, 0), "nothing was seen before");
        // 50 units at 2 % and 50 at 20 %, the second a day old: 10.95 %.
        let next = told(&picks, 101);
        assert!((109_400..110_000).contains(&next.rate_micro), "{next:?}");
        assert_eq!((next.looked, next.usual_micro), (looked(40, 10), 20_000));
    }

    #[test]
    fn what_is_a_half_life_old_counts_half() {
        // 1 + 10 / 2 short of 50 + 50 / 2: 8 %.
        let rate = told(&of(&[(100, looked(40, 10))]), 100 + HALF_LIFE_DAYS).rate_micro;
        assert!(rate.abs_diff(80_000) <= 20, "{rate}");
    }

    #[test]
    fn the_order_of_a_day_does_not_matter_and_old_days_go() {
        let (a, b, c) = ((1, looked(9, 1)), (90, looked(3, 0)), (200, looked(5, 5)));
        assert_eq!(of(&[a, b, c]), of(&[c, b, a]));
        assert_eq!(of(&[a, b, c]).days.keys().copied().collect::<Vec<_>>(), [90, 200]);
    }

    #[test]
    fn a_day_is_told_the_same_whatever_is_noted_on_it_and_for_a_week_after() {
        let first_of_all = 200 - DAYS_KEPT;
        let mut picks = of(&[(first_of_all - 1, looked(0, 9)), (first_of_all, looked(10, 30)), (190, looked(50, 1))]);
        let before = told(&picks, 200);
        assert_eq!(before.judged, 91, "what is older is told no more");
        for day in 200..=200 + DAYS_BACK {
            picks.note(&Seen { day, shelf: Shelf::Many, looked: looked(0, 5) });
            assert_eq!(told(&picks, 200), before, "after day {day}");
        }
    }

    #[test]
    fn every_day_is_judged_by_what_was_told_before_it() {
        let picks = of(&[(1, looked(50, 50)), (2, looked(0, 100))]);
        let told = told(&picks, 3);
        assert_eq!(told.judged, 200);
        // By 2 % for both days, 50 × 0.02² + 150 × 0.98² over 200.
        assert_eq!(told.usual_score_micro, 720_400);
        // The second day by what the first had taught: about 34 %.
        let second = 1.0 - 0.34;
        let wanted = (50.0 * 0.0004 + 50.0 * 0.9604 + 100.0 * second * second) / 200.0 * 1e6;
        assert!((f64::from(told.score_micro) - wanted).abs() < 2_000.0, "{told:?} {wanted}");
    }

    #[test]
    fn what_is_worse_than_usual_is_told_no_more() {
        // A node that loses everything on some days and nothing on most: yesterday never tells today.
        let turns = |day: i32| (day, if day % 8 == 0 { looked(0, 60) } else { looked(60, 0) });
        let wild = of(&(0..9).map(turns).collect::<Vec<_>>());
        assert!(told(&wild, 9).judged > JUDGED_MIN);
        assert!(!wild.is_in_use(NodeKind::Store, 9), "after a bad first day it told too much");
        let usual = Shelf::ALL.map(|shelf| usual_micro(NodeKind::Store, shelf));
        assert_eq!(wild.rates_micro(NodeKind::Store, 9), usual);
        let steady = of(&(0..20).map(|day| (day, looked(24, 6))).collect::<Vec<_>>());
        assert!(steady.is_in_use(NodeKind::Store, 20), "it loses a fifth, day by day");
        let rate = steady.rates_micro(NodeKind::Store, 20)[Shelf::Many as usize];
        assert!((180_000..200_000).contains(&rate), "{rate}");
        assert!(of(&[(0, looked(0, 60)), (1, looked(60, 0))]).is_in_use(NodeKind::Store, 2), "too few to judge it");
    }

    #[test]
    fn two_hundred_picks_are_within_two_parts_in_a_hundred_of_the_truth() {
        for (seed, truth) in [(1_u64, 15_u64), (2, 3), (3, 20)] {
            let mut state = seed;
            let mut dice = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % 100
            };
            let mut picks = ShortPicks::default();
            for day in 0..40 {
                let short = (0..5).filter(|_| dice() < truth).count() as u64;
                picks.note(&Seen { day, shelf: Shelf::Many, looked: looked(5 - short, short) });
            }
            let rate = f64::from(told(&picks, 40).rate_micro) / 1e6;
            let truth = truth as f64 / 100.0;
            // The score that a rate has in the long run, against that of who knows the truth.
            let score = |rate: f64| (1.0 - truth) * rate * rate + truth * (1.0 - rate) * (1.0 - rate);
            assert!(score(rate) <= score(truth) * 1.02, "seed {seed}: {rate} for {truth}");
        }
    }
}
