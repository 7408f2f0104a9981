//! What can be promised when: supply and demand by date, and the curve of what is left of them.
//!
//! Two rules of the trade, both pure. *Look-ahead*: what can be promised at a time is the least that is left from then on,
//! so that no promise takes what an earlier one counts on; the curve never falls over time. *Backward consumption*: what
//! a period lacks is taken from the periods before it, the nearest first; what none of them has stays lacking.
//!
//! What is *not* here: where supply and demand come from (the engine).

use super::time::WallTime;

/// What is left at each of some dates, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Curve(Vec<(WallTime, i64)>);

impl Curve {
    /// The curve of what is there before the first date, and what comes or goes at each.
    pub fn of(there: i64, changes: impl IntoIterator<Item = (WallTime, i64)>) -> Self {
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort_unstable();
        let mut sum = there;
        let mut left: Vec<(WallTime, i64)> = vec![(WallTime(i64::MIN), there)];
        for (at, change) in changes {
            sum += change;
            match left.last_mut() {
                Some(last) if last.0 == at => last.1 = sum,
                _ => left.push((at, sum)),
            }
        }
        let mut least = i64::MAX;
        for (_, units) in left.iter_mut().rev() {
            least = least.min(*units);
            *units = least;
        }
        Self(left)
    }

    /// Units that can be promised for a time.
    pub fn by(&self, at: WallTime) -> u64 {
        let next = self.0.partition_point(|(from, _)| *from <= at);
        let units = next.checked_sub(1).map_or(0, |last| self.0[last].1);
        units.max(0).unsigned_abs()
    }

    /// The first date by which so many units can be promised; `None` when there is none. The earliest time there is stands
    /// for now.
    pub fn earliest(&self, units: u64) -> Option<WallTime> {
        let enough = |(_, left): &&(WallTime, i64)| left.max(&0).unsigned_abs() >= units;
        self.0.iter().find(enough).map(|(at, _)| *at)
    }
}

/// What is left of each period alone, where one that lacks takes from those before it, the nearest first.
pub fn backward(periods: &[(i64, i64)]) -> Vec<i64> {
    let mut left: Vec<i64> = periods.iter().map(|(supply, demand)| supply - demand).collect();
    for at in 0..left.len() {
        for before in (0..at).rev() {
            let taken = left[before].max(0).min((-left[at]).max(0));
            left[before] -= taken;
            left[at] += taken;
        }
    }
    left
}

/// The same, with what is left of a period carried on to the next ones; what one lacks is not.
pub fn accumulated(periods: &[(i64, i64)]) -> Vec<i64> {
    let mut carried = 0;
    let left = backward(periods).into_iter().map(|left| {
        let sum = carried + left;
        carried = sum.max(0);
        sum
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked table of Oracle's inventory manual: supply and demand of eight periods.
    const ORACLE: [(i64, i64); 8] = [(6, 6), (4, 2), (2, 3), (4, 6), (8, 6), (4, 1), (4, 2), (4, 2)];

    #[test]
    fn the_worked_example_of_oracle_comes_out() {
        let alone: Vec<i64> = ORACLE.iter().map(|(supply, demand)| supply - demand).collect();
        assert_eq!(alone, [0, 2, -1, -2, 2, 3, 2, 2]);
        assert_eq!(backward(&ORACLE), [0, 0, 0, -1, 2, 3, 2, 2]);
        assert_eq!(accumulated(&ORACLE), [0, 0, 0, -1, 2, 5, 7, 9]);
    }

    fn curve(periods: &[(i64, i64)]) -> Curve {
        Curve::of(0, (1..).map(WallTime).zip(periods.iter().map(|(supply, demand)| supply - demand)))
    }

    #[test]
    fn the_curve_is_the_minimum_of_all_that_follows() {
        // Infor's two steps: the running sum, then each value replaced by the least of its future.
        let mut sum = 0;
        let sums: Vec<i64> = ORACLE
            .iter()
            .map(|(supply, demand)| {
                sum += supply - demand;
                sum
            })
            .collect();
        assert_eq!(sums, [0, 2, 1, -1, 1, 4, 6, 8]);
        let curve = curve(&ORACLE);
        for at in 0..sums.len() {
            let least = sums[at..].iter().min().copied().unwrap_or(0).max(0);
            assert_eq!(curve.by(WallTime(at as i64 + 1)), least.unsigned_abs(), "period {at}");
        }
        assert_eq!(
            (curve.earliest(1), curve.earliest(5), curve.earliest(9)),
            (Some(WallTime(5)), Some(WallTime(7)), None)
        );
    }

    #[test]
    fn a_curve_never_falls_and_no_promise_robs_an_earlier_one() {
        let mut seed = 7_u64;
        let mut roll = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % sides
        };
        for _ in 0..500 {
            let changes: Vec<(WallTime, i64)> =
                (0..roll(12)).map(|_| (WallTime(roll(20) as i64), roll(15) as i64 - 6)).collect();
            let there = roll(6) as i64;
            let curve = Curve::of(there, changes.iter().copied());
            let promises: Vec<u64> = (-1..21).map(|at| curve.by(WallTime(at))).collect();
            assert!(promises.is_sorted(), "{changes:?}");
            for at in -1..21 {
                // With that much promised for then, nothing that was not below zero before is afterwards.
                let promised = curve.by(WallTime(at)) as i64;
                let left =
                    |until: i64| there + changes.iter().filter(|(c, _)| c.0 <= until).map(|(_, n)| n).sum::<i64>();
                assert!((at..21).all(|until| left(until) - promised >= left(until).min(0)), "{changes:?} at {at}");
            }
            for units in 1..12 {
                let brute = (-1..21).map(WallTime).find(|at| curve.by(*at) >= units);
                let told = curve.earliest(units).map(|at| WallTime(at.0.max(-1)));
                assert_eq!(told, brute, "{changes:?}: {units}");
            }
        }
    }
}
