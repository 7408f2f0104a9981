//! What instances of one law have in common: their mean, and how far another such mean may be from it.

use std::fmt;

use super::family::Dice;

/// Means that are drawn.
const DRAWS: usize = 2_000;
const SEED: u64 = 2_024;

/// The mean over instances, and the bounds between which 95 of 100 means of as many lie that are drawn from these, again and
/// again (bootstrap). Of one instance alone both bounds are its own figure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn of(figures: &[f64]) -> Self {
        let count = figures.len();
        if count == 0 {
            return Self::default();
        }
        let mut dice = Dice::new(SEED);
        let mut one = || figures[((dice.unit() * count as f64) as usize).min(count - 1)];
        let mut means: Vec<f64> = (0..DRAWS).map(|_| (0..count).map(|_| one()).sum::<f64>() / count as f64).collect();
        means.sort_unstable_by(f64::total_cmp);
        let beyond = DRAWS / 40;
        let mean = figures.iter().sum::<f64>() / count as f64;
        Self { mean, low: means[beyond], high: means[DRAWS - 1 - beyond] }
    }

    /// Of what one costs more than another on the same instances.
    pub fn of_paired(figures: &[f64], others: &[f64]) -> Self {
        let differences: Vec<f64> = figures.iter().zip(others).map(|(own, other)| own - other).collect();
        Self::of(&differences)
    }

    /// Whether a difference is one: nothing is not within.
    pub fn is_told_apart(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.4} [{:>7.4} {:>7.4}]", self.mean, self.low, self.high)
    }
}
