//! How long parcels are on the way: counted for each service of a carrier and zone from those that came, and told as the
//! chance that one is there by a date, with how many that is known of, how sure it is and how good the telling was.
//!
//! **Counted** is a parcel on the day (UTC) its carrier told that it came, by its days on the way: the least number with
//! which the timetable of its service would have brought it as late as it came. So a weekend on which nobody delivers is no
//! delay. The counts are a fold of what was noted, in whatever order a day's come; a day is told from the [`DAYS_KEPT`]
//! before it, the same whatever is noted on it and for [`DAYS_BACK`] days after it. More than [`DAYS_MAX`] days on the way
//! count as that many.
//!
//! **Usual** of a service that declares `d` days is that 85 of 100 take `d`, 12 take one more and 3 two more: planning
//! figures of this program. **Told** on a day is what the days before it say, each parcel half when it is [`HALF_LIFE_DAYS`]
//! old, beside [`PRIOR_PARCELS`] that took what is usual:
//!
//! `chance(n) = (prior × usual(n) + Σ weight × came within n days) ÷ (prior + Σ weight)`
//!
//! with the interval of Wilson around it, in which the true share lies with 95 of 100. Of fewer than [`PARCELS_MIN`]
//! parcels nothing is told but what is usual.
//!
//! **Judged** is every parcel by what was told before its day of the declared days: Brier's score, the mean square of
//! chance less outcome, beside that of the usual. Where more than [`JUDGED_MIN`] were judged and the usual was nearer, it is
//! told instead.
//!
//! Promises: chances are whole numbers of millionths, the same after a restart and on every machine. What is *not* here:
//! what a day more costs (`rules`), and dates (`promise`).

use std::collections::BTreeMap;

use libm::sqrt;
use serde::{Deserialize, Serialize};

use super::fade::{FULL, Fade};
use super::ids::Text;

/// Days after which a parcel counts half.
pub const HALF_LIFE_DAYS: i32 = 45;
/// Days of which a day is told.
pub const DAYS_KEPT: i32 = 135;
/// Days for which what was told of a day can be told again.
pub const DAYS_BACK: i32 = 7;
/// Days on the way that are told apart; services that declare as many or more are told as usual.
pub const DAYS_MAX: u8 = 31;
/// Parcels that are taken to have behaved as usual.
pub const PRIOR_PARCELS: u64 = 20;
/// Parcels that must have come before anything else than what is usual is told.
pub const PARCELS_MIN: u64 = 20;
/// Parcels of which the telling must have been judged before it can be told to be worse than usual.
pub const JUDGED_MIN: u64 = 500;
/// How often the true share lies within what is told, in hundredths.
pub const CONFIDENCE_PERCENT: u32 = 95;

const FADE: Fade = Fade::DAYS_45;
const WHOLE: u128 = 1_000_000;
/// Millionths of the parcels that are there with so many days more than declared, and with all more.
const USUAL: [u32; 3] = [850_000, 970_000, 1_000_000];
const LENGTH: usize = DAYS_MAX as usize + 1;

/// Names the counts of a service in a zone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TransitKey {
    /// Id of the carrier.
    pub carrier: Text,
    /// Name of its service.
    pub service: Text,
    /// Zone, from 1.
    pub zone: u8,
}

/// What a parcel tells that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arrived {
    /// Days since 1970 on which it was told, UTC.
    pub day: i32,
    /// Its days on the way, at most [`DAYS_MAX`].
    pub days: u8,
}

/// What a service told so far in a zone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Transit {
    /// Parcels by the day they were told and their days on the way.
    pub days: BTreeMap<i32, BTreeMap<u8, u32>>,
}

/// The chance that a parcel is there in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InTime {
    /// Millionths.
    pub chance_micro: u32,
    /// The least that it is with [`CONFIDENCE_PERCENT`].
    pub low_micro: u32,
    /// The most.
    pub high_micro: u32,
    /// Parcels that came and are still counted.
    pub parcels: u64,
    /// Whether they say it, and not what is usual.
    pub is_learned: bool,
}

/// What is told on a day of a service that declares so many days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chances {
    /// Days that it declares.
    pub declared: u16,
    /// Parcels that came and are still counted; all were judged.
    pub parcels: u64,
    /// Whether what they say is told, and not what is usual.
    pub is_in_use: bool,
    /// Brier's score of what was told of them, millionths.
    pub score_micro: u32,
    /// That of what is usual.
    pub usual_score_micro: u32,
    /// What is told of a number of days or fewer.
    sums: Sums,
}

/// Millionths of the parcels that are there within so many days, of a service that declares `declared`.
pub fn usual_micro(declared: u16, within: u16) -> u32 {
    within.checked_sub(declared).map_or(0, |more| USUAL[usize::from(more).min(USUAL.len() - 1)])
}

impl Transit {
    /// With one more parcel. The order in which they come does not matter.
    pub fn note(&mut self, arrived: Arrived) {
        let count = self.days.entry(arrived.day).or_default().entry(arrived.days.min(DAYS_MAX)).or_default();
        *count = count.saturating_add(1);
        if let Some((newest, _)) = self.days.last_key_value() {
            let oldest = newest.saturating_sub(DAYS_KEPT + DAYS_BACK);
            self.days.retain(|day, _| *day >= oldest);
        }
    }

    /// Parcels by their days on the way that the days before one tell of.
    pub fn counts(&self, on: i32) -> BTreeMap<u8, u64> {
        let mut counts = BTreeMap::new();
        for (days, parcels) in self.before(on).flat_map(|(_, parcels)| parcels) {
            *counts.entry(*days).or_default() += u64::from(*parcels);
        }
        counts
    }

    /// What is told on a day of a service that declares so many days.
    pub fn chances(&self, declared: u16, on: i32) -> Chances {
        let mut sums = Sums::default();
        let usual = usual_micro(declared, declared);
        let (mut parcels, mut score, mut usual_score) = (0, 0, 0);
        for (day, came) in self.before(on) {
            sums.age_to(*day);
            let rate = sums.chance_micro(declared, declared);
            for (days, count) in came {
                let is_in_time = u16::from(*days) <= declared;
                score += miss(is_in_time, rate) * u128::from(*count);
                usual_score += miss(is_in_time, usual) * u128::from(*count);
                parcels += u64::from(*count);
                sums.of[usize::from(*days)] += u128::from(*count) * FULL;
            }
        }
        sums.age_to(on);
        let mean = |sum: u128| u32::try_from(sum / u128::from(parcels.max(1)) / WHOLE).unwrap_or(u32::MAX);
        let is_known = parcels >= PARCELS_MIN && declared < u16::from(DAYS_MAX);
        Chances {
            declared,
            parcels,
            is_in_use: is_known && (parcels < JUDGED_MIN || score <= usual_score),
            score_micro: mean(score),
            usual_score_micro: mean(usual_score),
            sums,
        }
    }

    /// The days that one is told from.
    fn before(&self, on: i32) -> impl Iterator<Item = (&i32, &BTreeMap<u8, u32>)> {
        self.days.range(on.saturating_sub(DAYS_KEPT)..on)
    }
}

impl Chances {
    /// What is told of a service of which no parcel came.
    pub fn usual(declared: u16) -> Self {
        Transit::default().chances(declared, 0)
    }

    /// The chance that a parcel is there which may be so many days on the way.
    pub fn within(&self, days: u16) -> InTime {
        let (chance_micro, of) = if self.is_in_use {
            (self.sums.chance_micro(self.declared, days), self.sums.parcels())
        } else {
            (usual_micro(self.declared, days), 0.0)
        };
        let (low_micro, high_micro) = interval(chance_micro, of + PRIOR_PARCELS as f64);
        InTime { chance_micro, low_micro, high_micro, parcels: self.parcels, is_learned: self.is_in_use }
    }

    /// Millionths of a day that parcels take longer than declared on average, below zero where they take less; nothing
    /// where nothing is told but what is usual, since declared days count as they are.
    pub fn delay_micro(&self) -> i64 {
        if !self.is_in_use {
            return 0;
        }
        self.sums.days_micro(self.declared) - i64::from(self.declared) * WHOLE as i64
    }

    /// Millionths of a day that parcels take longer than is usual of who declares as many on average, below zero where they
    /// take less; nothing where nothing else is told. So who is as good as is usual weighs as who is not known.
    pub fn beyond_usual_micro(&self) -> i64 {
        if !self.is_in_use {
            return 0;
        }
        self.sums.days_micro(self.declared) - Sums::default().days_micro(self.declared)
    }
}

/// Parcels that count the less the older they are, times [`FULL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sums {
    day: Option<i32>,
    of: [u128; LENGTH],
}

impl Sums {
    fn age_to(&mut self, day: i32) {
        let days = self.day.map_or(0, |before| day.saturating_sub(before));
        self.day = Some(day);
        for weight in self.of.iter_mut().filter(|weight| **weight > 0) {
            *weight = FADE.aged(*weight, days);
        }
    }

    fn chance_micro(&self, declared: u16, within: u16) -> u32 {
        let prior = u128::from(PRIOR_PARCELS) * FULL;
        // What took as long as can be told took longer than anybody asks for.
        let within_at = usize::from(within.min(u16::from(DAYS_MAX) - 1));
        let came: u128 = self.of[..=within_at].iter().sum();
        let of = prior + self.of.iter().sum::<u128>();
        let sum = prior * u128::from(usual_micro(declared, within)) + came * WHOLE;
        u32::try_from((sum + of / 2) / of).unwrap_or(u32::MAX)
    }

    /// Millionths of days on the way on average, of a service that declares so many: the sum over days of the chance that
    /// it takes longer than them.
    fn days_micro(&self, declared: u16) -> i64 {
        let longer = |days: u16| (WHOLE as i64) - i64::from(self.chance_micro(declared, days));
        (0..u16::from(DAYS_MAX)).map(longer).sum()
    }

    /// As how many parcels of today they count.
    fn parcels(&self) -> f64 {
        self.of.iter().sum::<u128>() as f64 / FULL as f64
    }
}

/// The square of chance less outcome, in millionths of millionths.
fn miss(is_in_time: bool, rate_micro: u32) -> u128 {
    let miss = if is_in_time { WHOLE - u128::from(rate_micro) } else { u128::from(rate_micro) };
    miss * miss
}

/// Wilson's interval of a share that so many were counted for, millionths.
fn interval(share_micro: u32, of: f64) -> (u32, u32) {
    /// The normal quantile of 97.5 of 100, squared.
    const Z2: f64 = 3.841_458_820_694_124;
    let share = f64::from(share_micro) / WHOLE as f64;
    let middle = share + Z2 / (2.0 * of);
    let half = sqrt(Z2 * share * (1.0 - share) / of + Z2 * Z2 / (4.0 * of * of));
    let micro = |part: f64| (part / (1.0 + Z2 / of) * WHOLE as f64 + 0.5).clamp(0.0, WHOLE as f64) as u32;
    (micro(middle - half), micro(middle + half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parcels: &[(i32, u8, u32)]) -> Transit {
        let mut transit = Transit::default();
        for (day, days, count) in parcels {
            (0..*count).for_each(|_| transit.note(Arrived { day: *day, days: *days }));
        }
        transit
    }

    /// Numbers below a hundred, the same on every run.
    fn dice(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 100
        }
    }

    #[test]
    fn few_parcels_tell_nothing_but_what_is_usual() {
        let few = of(&[(10, 5, PARCELS_MIN as u32 - 1)]).chances(2, 11);
        assert!(!few.is_in_use);
        let told = few.within(2);
        assert_eq!((told.chance_micro, told.parcels, told.is_learned), (850_000, PARCELS_MIN - 1, false));
        assert_eq!([1, 3, 4, 9].map(|days| few.within(days).chance_micro), [0, 970_000, 1_000_000, 1_000_000]);
        assert_eq!(few.delay_micro(), 0);
        assert_eq!(Chances::usual(2).within(2), InTime { parcels: 0, ..told });
        // Of twenty: Wilson's interval of 85 of 100.
        assert!(told.low_micro.abs_diff(640_000) < 1_000 && told.high_micro.abs_diff(947_600) < 1_000, "{told:?}");
    }

    #[test]
    fn a_day_is_told_from_the_days_before_it() {
        let transit = of(&[(10, 2, 10), (10, 4, 10)]);
        assert_eq!(transit.chances(2, 10).parcels, 0, "nothing was seen before");
        let told = transit.chances(2, 11);
        // Twenty at 85 %, and twenty a day old at 50 %: 67.6 %.
        assert!(told.within(2).chance_micro.abs_diff(676_300) < 200, "{:?}", told.within(2));
        assert!(told.is_in_use && told.within(2).is_learned);
        assert_eq!(told.within(4).chance_micro, 1_000_000);
        // 1.0 of the parcels, 0.18 of what is usual.
        assert!(told.delay_micro().abs_diff(586_000) < 3_000, "{}", told.delay_micro());
        assert_eq!(transit.counts(11).into_iter().collect::<Vec<_>>(), [(2, 10), (4, 10)]);
    }

    #[test]
    fn what_is_early_takes_less_than_declared() {
        let told = of(&[(1, 1, 200)]).chances(3, 2);
        assert!(told.within(2).chance_micro > 900_000);
        assert!((-1_850_000..-1_700_000).contains(&told.delay_micro()), "{}", told.delay_micro());
    }

    #[test]
    fn the_order_of_a_day_does_not_matter_and_old_days_go() {
        let parcels = [(1, 2, 3), (100, 3, 1), (200, 2, 2)];
        let mut turned = parcels;
        turned.reverse();
        assert_eq!(of(&parcels), of(&turned));
        assert_eq!(of(&parcels).days.keys().copied().collect::<Vec<_>>(), [100, 200]);
        assert_eq!(of(&[(1, 200, 1)]).days[&1][&DAYS_MAX], 1, "what takes for ever counts as long");
        let half = of(&[(1, 9, 80)]).chances(2, 1 + HALF_LIFE_DAYS).within(2).chance_micro;
        assert!(half.abs_diff(850_000 / 3) < 100, "twenty beside forty: {half}");
    }

    #[test]
    fn who_is_as_good_as_is_usual_weighs_as_who_is_not_known() {
        let usual = of(&[(1, 2, 85), (1, 3, 12), (1, 4, 3)]).chances(2, 2);
        assert!(usual.is_in_use && usual.beyond_usual_micro().abs() <= 20, "{}", usual.beyond_usual_micro());
        assert!(usual.delay_micro().abs_diff(180_000) <= 20, "{}", usual.delay_micro());
        let punctual = of(&[(1, 2, 20)]).chances(2, 2);
        assert!((-91_000..-88_000).contains(&punctual.beyond_usual_micro()), "{}", punctual.beyond_usual_micro());
        let late = of(&[(1, 3, 20)]).chances(2, 2);
        assert!(late.beyond_usual_micro() > 400_000, "{}", late.beyond_usual_micro());
        assert_eq!(Chances::usual(2).beyond_usual_micro(), 0);
    }

    #[test]
    fn a_day_is_told_the_same_whatever_comes_on_it_and_for_a_week_after() {
        let first_of_all = 136 - DAYS_KEPT;
        let mut transit = of(&[(first_of_all - 1, 9, 40), (first_of_all, 5, 40), (100, 2, 30)]);
        let (told, counts) = (transit.chances(2, 136), transit.counts(136));
        assert_eq!(told.parcels, 70, "what is older is told no more");
        for day in 136..=136 + DAYS_BACK {
            transit.note(Arrived { day, days: 31 });
            assert_eq!((transit.chances(2, 136), transit.counts(136)), (told, counts.clone()), "after day {day}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_told_as_usual() {
        let far = of(&[(1, 40, 100)]).chances(40, 2);
        assert!(!far.is_in_use && far.within(40).chance_micro == 850_000);
        let late = of(&[(1, 40, 100)]).chances(30, 2);
        assert!(late.is_in_use && late.within(40).chance_micro < 200_000, "as long as can be told is never in time");
    }

    #[test]
    fn what_is_worse_than_usual_is_told_no_more() {
        // All in time, but for every eighth day on which nothing is: the day before never tells it.
        let turns = |day: i32| (day, if day % 8 == 0 { 9 } else { 2 }, 80);
        let wild = of(&(0..8).map(turns).collect::<Vec<_>>()).chances(2, 8);
        assert!(
            wild.parcels >= JUDGED_MIN && !wild.is_in_use,
            "{} beside {}",
            wild.score_micro,
            wild.usual_score_micro
        );
        assert_eq!(wild.within(2).chance_micro, 850_000);
        let steady: Vec<_> = (0..20).flat_map(|day| [(day, 2, 15), (day, 3, 15)]).collect();
        let steady = of(&steady).chances(2, 20);
        assert!(steady.is_in_use && steady.score_micro < steady.usual_score_micro);
        assert!((500_000..530_000).contains(&steady.within(2).chance_micro));
    }

    /// Lanes whose true share in time is known: what is told of them is right as often as it is said to be.
    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        let (mut held, mut square, mut lanes) = (0, 0.0, 0);
        for seed in 0..400_u64 {
            let mut dice = dice(seed + 1);
            let truth = 70 + dice() % 25;
            let mut transit = Transit::default();
            for parcel in 0..200 {
                let days = if dice() < truth { 2 } else { 3 };
                transit.note(Arrived { day: 100 + parcel / 10, days });
            }
            let told = transit.chances(2, 120).within(2);
            let truth_micro = truth as u32 * 10_000;
            held += u32::from((told.low_micro..=told.high_micro).contains(&truth_micro));
            square += (f64::from(told.chance_micro) / 1e6 - truth as f64 / 100.0).powi(2);
            lanes += 1;
        }
        assert!(held * 100 >= (CONFIDENCE_PERCENT - 3) * lanes, "{held} of {lanes}");
        // Brier's score of who knows the truth is about 0.14; what is told misses 2 % of that at most.
        assert!(square / f64::from(lanes) < 0.02 * 0.14, "{}", square / f64::from(lanes));
    }
}
