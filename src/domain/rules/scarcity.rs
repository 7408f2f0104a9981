//! What the last units of a node are worth: the margin of a unit times the chance that somebody asks for it there in vain.
//!
//! **Formula.** Of `free` units the last is missed when at least so many are asked for within [`AHEAD_DAYS`] days. What
//! leaves is a Poisson variable with the mean that is known of the sku at the node (the policy *demand*, else what was counted
//! there: `velocity`), so the cost of a unit is `margin × P(D ≥ free)`, half up; the same for every unit of a shipment. The
//! margin is the value of the item less what the unit cost there, where somebody said so, else half of the value. Where
//! nothing is known of what leaves, nothing is weighed.
//!
//! Promises: the same on every machine; ascending in what leaves, descending in what is free. Bounds: means beyond
//! `MEAN_MAX` are told by the normal curve, to some thousandths.

use libm::{erfc, exp, lgamma, log, sqrt};

use crate::domain::policy::Demand;

/// Days ahead for which units are kept.
pub const AHEAD_DAYS: u32 = 7;

/// Units that leave in that time beyond which they are not counted one by one.
const MEAN_MAX: f64 = 1_000.0;

const WHOLE: f64 = 1e6;

/// What a unit costs that is one of the last, minor units.
pub fn cost(margin: i64, demand: Demand, free: u32) -> i64 {
    let exact = i128::from(margin.max(0)) * i128::from(missed_micro(demand, free));
    i64::try_from((exact + 500_000) / 1_000_000).unwrap_or(i64::MAX)
}

/// Millionths of the chance that at least so many units are asked for.
pub fn missed_micro(demand: Demand, free: u32) -> u32 {
    let mean = f64::from(demand.units) * f64::from(AHEAD_DAYS) / f64::from(demand.days.max(1));
    (at_least(mean, free) * WHOLE + 0.5).clamp(0.0, WHOLE) as u32
}

/// The chance that a Poisson variable is at least so much.
fn at_least(mean: f64, least: u32) -> f64 {
    let least = f64::from(least);
    if least <= 0.0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    if mean > MEAN_MAX {
        return 0.5 * erfc((least - 0.5 - mean) / sqrt(2.0 * mean));
    }
    // From the end that is nearer, since the terms fall from the mean on.
    let term = |units: f64| exp(units * log(mean) - mean - lgamma(units + 1.0));
    if least > mean {
        tail(term(least), |step| mean / (least + step))
    } else {
        1.0 - tail(term(least - 1.0), |step| (least - step) / mean)
    }
}

/// The sum of terms that fall, each a share of the one before.
fn tail(first: f64, share: impl Fn(f64) -> f64) -> f64 {
    const SMALL: f64 = 1e-10;
    let (mut sum, mut term, mut step) = (first, first, 1.0);
    while term > SMALL {
        term *= share(step);
        sum += term;
        step += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(units: u32) -> Demand {
        Demand { units, days: AHEAD_DAYS }
    }

    #[test]
    fn the_chance_is_that_of_the_poisson_table() {
        let tables =
            [(1, 1, 632_121), (1, 2, 264_241), (1, 3, 80_301), (5, 5, 559_507), (5, 8, 133_372), (5, 3, 875_348)];
        for (mean, least, micro) in tables {
            assert!(missed_micro(weekly(mean), least).abs_diff(micro) <= 1, "mean {mean}, at least {least}");
        }
        assert_eq!((missed_micro(weekly(0), 1), missed_micro(weekly(3), 0)), (0, 1_000_000));
        assert_eq!(missed_micro(Demand { units: 30, days: 30 }, 7), missed_micro(weekly(7), 7));
    }

    #[test]
    fn it_rises_with_what_leaves_and_falls_with_what_is_free() {
        for mean in [1, 2, 10, 100, 999, 1_000, 1_001, 50_000, u32::MAX] {
            let mut before = 1_000_000;
            for free in (0..40).map(|step| u32::try_from(u64::from(mean) * step / 20).unwrap_or(u32::MAX)) {
                let now = missed_micro(weekly(mean), free);
                assert!(now <= before, "mean {mean}, {free} free: {now} after {before}");
                before = now;
            }
        }
        let missed: Vec<u32> = (0..2_000).map(|mean| missed_micro(weekly(mean), 990)).collect();
        assert!(missed.is_sorted_by(|a, b| *a <= b + 3_000), "no step down where the normal curve takes over");
    }

    #[test]
    fn a_unit_costs_its_margin_as_often_as_it_is_missed() {
        assert_eq!(cost(1_000, weekly(1), 1), 632);
        assert_eq!((cost(1_000, weekly(1), 0), cost(-5, weekly(9), 1), cost(1_000, weekly(0), 1)), (1_000, 0, 0));
        assert_eq!(cost(i64::MAX, weekly(9), 0), i64::MAX);
    }
}
