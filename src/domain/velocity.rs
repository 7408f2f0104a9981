//! How fast a sku leaves a node: units a day, counted from what was shipped, told with how many days and units that is known
//! of and how good the telling was.
//!
//! **Counted** are units of orders that left a cell, by the day (UTC). A day on which none left counts with none, from the
//! first on that saw one; after [`SILENT_DAYS_MAX`] days without any it begins anew. One sum for each of the figures below
//! and the day that has not ended is all that is kept.
//!
//! **Told** on a day is the mean of the days before it, each half when it is [`HALF_LIFE_DAYS`] old:
//! `Σ weight × units ÷ Σ weight`. Of fewer than [`DAYS_MIN`] days or [`UNITS_MIN`] units nothing is told, nor of a day before
//! the last that saw units: its sums cannot be taken apart again.
//!
//! **Judged** is every day by what was told before it: the square of what was told less what left, on average, beside that
//! of the plain mean of all days before. Where more than [`JUDGED_MIN`] days were judged and the plain mean was nearer, it
//! is told instead.
//!
//! Promises: whole numbers; the same after a restart and on every machine. What is *not* here: what the last units are worth
//! (`rules::scarcity`), and what somebody said that leaves, which comes before what was counted (`policy`).

use serde::{Deserialize, Serialize};

use super::event::StockMoved;
use super::fade::{FULL, Fade};
use super::policy::Demand;
use super::short_pick::day_of;
use super::stock::MovementKind;
use super::time::JournalTime;

/// Days after which a day counts half.
pub const HALF_LIFE_DAYS: i32 = 14;
/// Days without a unit after which what was before is forgotten.
pub const SILENT_DAYS_MAX: i32 = 365;
/// Days that must have ended before anything is told.
pub const DAYS_MIN: u32 = 14;
/// Units that must have left before anything is told.
pub const UNITS_MIN: u64 = 10;
/// Days that must have been judged before the telling can be told to be worse than the plain mean.
pub const JUDGED_MIN: u32 = 28;

const FADE: Fade = Fade::DAYS_14;
const MILLI: u128 = 1_000;

/// Units of a cell that left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Days since 1970, UTC.
    pub day: i32,
    /// How many.
    pub units: u64,
}

/// What a cell has told so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Velocity {
    /// The day that has not ended, days since 1970, UTC.
    pub day: i32,
    /// Units of that day.
    pub today: u64,
    /// Days that ended.
    pub days: u32,
    /// Units of these.
    pub units: u64,
    /// The same, each day by its weight.
    pub faded_units: u128,
    /// Weights of the days.
    pub faded_days: u128,
    /// Days that were judged: all that ended but the first.
    pub judged: u32,
    /// Squares of what was told less what left, thousandths squared, summed up.
    pub squares: u128,
    /// The same of the plain mean.
    pub mean_squares: u128,
}

/// What is told of a cell on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// Days that it is known of.
    pub days: u32,
    /// Units that left in them.
    pub units: u64,
    /// Whether it is used where nobody said what leaves.
    pub is_in_use: bool,
    /// Whether the newer days count more in what is told, and not all the same.
    pub is_faded: bool,
    /// Thousandths of a unit a day.
    pub rate_milli: u64,
    /// The plain mean of all days, likewise.
    pub mean_milli: u64,
    /// Days that were judged.
    pub judged: u32,
    /// Mean square of what was told less what left, thousandths squared.
    pub square: u128,
    /// That of the plain mean.
    pub mean_square: u128,
}

impl Left {
    /// Whether movements of a kind are units that leave.
    pub fn tells(kind: MovementKind) -> bool {
        kind == MovementKind::Shipped
    }

    /// What a movement tells that was decided then.
    pub fn of(moved: &StockMoved, at: JournalTime) -> Option<Self> {
        let units = u64::try_from(-i64::from(moved.delta.committed)).ok().filter(|units| *units > 0)?;
        Self::tells(moved.kind).then_some(Self { day: day_of(at.0), units })
    }
}

impl Velocity {
    /// The first units of a cell.
    pub fn begun(left: Left) -> Self {
        Self {
            day: left.day,
            today: left.units,
            days: 0,
            units: 0,
            faded_units: 0,
            faded_days: 0,
            judged: 0,
            squares: 0,
            mean_squares: 0,
        }
    }

    /// With units that left. What comes late counts to the day that has not ended.
    pub fn note(&mut self, left: Left) {
        if left.day.saturating_sub(self.day) > SILENT_DAYS_MAX {
            *self = Self::begun(left);
            return;
        }
        self.end_days(left.day);
        self.today = self.today.saturating_add(left.units);
    }

    /// What is told on a day. Days that ended without any unit are counted one by one, [`SILENT_DAYS_MAX`] at most.
    pub fn told(&self, on: i32) -> Told {
        let mut known = *self;
        known.end_days(on.min(self.day.saturating_add(SILENT_DAYS_MAX)));
        let (rate_milli, mean_milli) = (known.rate_milli(), known.mean_milli());
        let is_faded = known.judged < JUDGED_MIN || known.squares <= known.mean_squares;
        let mean = |squares: u128| squares / u128::from(known.judged.max(1));
        Told {
            days: known.days,
            units: known.units,
            is_in_use: self.is_in_use(on),
            is_faded,
            rate_milli: if is_faded { rate_milli } else { mean_milli },
            mean_milli,
            judged: known.judged,
            square: mean(known.squares),
            mean_square: mean(known.mean_squares),
        }
    }

    /// Whether anything is told on a day.
    pub fn is_in_use(&self, on: i32) -> bool {
        let ended = on.saturating_sub(self.day);
        let has_ended = (1..=SILENT_DAYS_MAX).contains(&ended);
        let days = self.days.saturating_add(ended.clamp(0, SILENT_DAYS_MAX).unsigned_abs());
        let units = if has_ended { self.units.saturating_add(self.today) } else { self.units };
        (has_ended || ended == 0) && days >= DAYS_MIN && units >= UNITS_MIN
    }

    /// Whether nothing is told of it any more at `now`, and what is noted from then on begins anew; a day later than that,
    /// since what is noted may have been decided some time before.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        day_of(now.0).saturating_sub(self.day) > SILENT_DAYS_MAX + 1
    }

    fn end_days(&mut self, until: i32) {
        while self.day < until {
            self.end_day();
        }
    }

    fn end_day(&mut self) {
        if self.days > 0 {
            self.judged = self.judged.saturating_add(1);
            self.squares = self.squares.saturating_add(square(self.rate_milli(), self.today));
            self.mean_squares = self.mean_squares.saturating_add(square(self.mean_milli(), self.today));
        }
        // The day that ends is a day old when the next is told.
        self.faded_units = FADE.aged(self.faded_units + u128::from(self.today) * FULL, 1);
        self.faded_days = FADE.aged(self.faded_days + FULL, 1);
        self.units = self.units.saturating_add(self.today);
        self.days = self.days.saturating_add(1);
        (self.today, self.day) = (0, self.day + 1);
    }

    fn rate_milli(&self) -> u64 {
        milli(self.faded_units, self.faded_days)
    }

    fn mean_milli(&self) -> u64 {
        milli(self.units.into(), self.days.into())
    }
}

impl Told {
    /// Thousandths of a unit a day that are used where nobody said what leaves.
    pub fn in_use_milli(&self) -> Option<u32> {
        self.is_in_use.then(|| u32::try_from(self.rate_milli).unwrap_or(u32::MAX))
    }

    /// The same as somebody would say it.
    #[cfg(test)]
    pub fn demand(&self) -> Option<Demand> {
        self.in_use_milli().map(demand)
    }
}

/// So many thousandths of a unit a day, as somebody would say it.
pub fn demand(milli: u32) -> Demand {
    Demand { units: milli, days: MILLI as u32 }
}

fn milli(units: u128, days: u128) -> u64 {
    u64::try_from((units * MILLI + days / 2).checked_div(days).unwrap_or(0)).unwrap_or(u64::MAX)
}

fn square(told_milli: u64, units: u64) -> u128 {
    let miss = u128::from(told_milli).abs_diff(u128::from(units) * MILLI);
    miss.saturating_mul(miss)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: impl IntoIterator<Item = (i32, u64)>) -> Velocity {
        let mut days = days.into_iter().map(|(day, units)| Left { day, units });
        let mut velocity = Velocity::begun(days.next().expect("a day"));
        days.for_each(|left| velocity.note(left));
        velocity
    }

    #[test]
    fn few_days_or_units_tell_nothing() {
        let begun = of((0..13).map(|day| (day, 5)));
        assert!(begun.told(13).demand().is_none() && begun.told(14).demand().is_some());
        assert!(of([(0, 9)]).told(100).demand().is_none(), "nine units are few, however long ago");
        assert!(of([(0, 10)]).told(SILENT_DAYS_MAX).is_in_use);
        assert!(!of([(0, 10)]).told(SILENT_DAYS_MAX + 1).is_in_use, "it leaves no more");
    }

    #[test]
    fn a_day_before_the_last_is_told_nothing_of_what_left_after_it() {
        let mut velocity = of((0..20).map(|day| (day, 1)));
        assert!(velocity.told(20).is_in_use);
        velocity.note(Left { day: 25, units: 900 });
        velocity.note(Left { day: 26, units: 900 });
        assert!((0..26).all(|on| velocity.told(on).demand().is_none()), "the days before it are in one sum with it");
        assert!(velocity.told(26).demand().is_some_and(|demand| demand.units > 40_000));
    }

    #[test]
    fn what_leaves_steadily_is_told_as_it_is_and_today_counts_tomorrow() {
        let mut steady = of((0..40).map(|day| (day, 3)));
        let told = steady.told(40);
        assert_eq!((told.days, told.units, told.rate_milli, told.mean_milli), (40, 120, 3_000, 3_000));
        assert_eq!(told.demand(), Some(Demand { units: 3_000, days: 1_000 }));
        assert_eq!((told.judged, told.square, told.mean_square), (39, 0, 0));
        steady.note(Left { day: 40, units: 900 });
        assert_eq!(steady.told(40), told, "what leaves today is told tomorrow");
        assert!(steady.told(41).rate_milli > 40_000);
        let before = steady;
        steady.note(Left { day: 39, units: 1 });
        assert_eq!(steady, Velocity { today: before.today + 1, ..before }, "what comes late counts to today");
    }

    #[test]
    fn what_leaves_faster_of_late_is_told_so_and_silence_slows_it_down() {
        // Thirty days of two, then fourteen of ten: newer days count more.
        let faster = of((0..44).map(|day| (day, if day < 30 { 2 } else { 10 })));
        let told = faster.told(44);
        assert!(told.is_faded && told.mean_milli == 4_545, "{told:?}");
        // A half of the weight is of the last fourteen days, of those before 1 - 2^(-30/14) of the other half.
        assert!((6_300..6_700).contains(&told.rate_milli), "{told:?}");
        assert!(told.square < told.mean_square);
        let silent = faster.told(44 + HALF_LIFE_DAYS);
        assert!(silent.rate_milli < 3_700, "{silent:?}");
    }

    #[test]
    fn where_the_plain_mean_is_nearer_it_is_told() {
        // One day in thirty sells ninety: the days after it are told far too much.
        let lumpy = of((0..200).map(|day| (day, if day % 30 == 0 { 90 } else { 0 })));
        let told = lumpy.told(200);
        assert!(!told.is_faded && told.square > told.mean_square, "{told:?}");
        assert_eq!(told.rate_milli, told.mean_milli);
    }

    #[test]
    fn after_a_year_of_silence_it_begins_anew() {
        let mut velocity = of((0..40).map(|day| (day, 7)));
        velocity.note(Left { day: 40 + SILENT_DAYS_MAX, units: 1 });
        assert_eq!(velocity, Velocity::begun(Left { day: 40 + SILENT_DAYS_MAX, units: 1 }));
    }
}
