//! Medians, and intervals that hold without a belief about how the noise is spread.
//!
//! Windows of two sides that stand next to each other in time see about the same machine, so their *ratio* says more than
//! either. The interval of the median ratio is the one that inverts the sign test: with `n` ratios in order, the `k`-th from
//! below to the `k`-th from above, `k` as large as a cover of at least 95 % allows under Binomial(n, 1/2). It needs only
//! that windows are independent, not that noise is normal or even symmetric (W. J. Conover, *Practical Nonparametric
//! Statistics*, 3rd ed., section 3.2). Nine pairs give the second from below to the second from above, a cover of 96.1 %;
//! fewer than six pairs give none.

/// Least cover of an interval.
const COVER: f64 = 0.95;

/// The middle one, or the mean of the two in the middle; not a number for none.
pub fn median(values: &[f64]) -> f64 {
    let sorted = in_order(values);
    match sorted.len() {
        0 => f64::NAN,
        n => (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
    }
}

/// Paired ratios: the middle, and the interval when there are enough pairs.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Median.
    pub middle: f64,
    /// Ends of the interval.
    pub interval: Option<(f64, f64)>,
}

impl Ratio {
    /// Of each value to the one beside it.
    pub fn of(values: &[f64], others: &[f64]) -> Self {
        let ratios: Vec<f64> = values.iter().zip(others).map(|(value, other)| value / other).collect();
        let sorted = in_order(&ratios);
        let interval = rank(sorted.len()).map(|k| (sorted[k - 1], sorted[sorted.len() - k]));
        Self { middle: median(&ratios), interval }
    }
}

/// Largest `k` for which the interval from the `k`-th to the `n + 1 - k`-th covers enough.
fn rank(n: usize) -> Option<usize> {
    let n_i32 = i32::try_from(n).ok()?;
    // The chance that the median lies below the k-th is that of fewer than k heads in n throws.
    let (mut below, mut ways, mut best) = (0.0, 1.0, None);
    for k in 1..=n / 2 {
        below += ways * 0.5_f64.powi(n_i32);
        ways *= (n - k + 1) as f64 / k as f64;
        if 1.0 - 2.0 * below >= COVER {
            best = Some(k);
        }
    }
    best
}

fn in_order(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Aborts when the ranks are not those of the printed tables.
pub fn check() {
    let expected = [(5, None), (6, Some(1)), (9, Some(2)), (12, Some(3)), (20, Some(6)), (30, Some(10))];
    for (n, k) in expected {
        assert_eq!(rank(n), k, "the rank for {n} pairs");
    }
}
