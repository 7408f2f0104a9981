//! What a packed carton costs: the carton, the carrier's weight and what fills the room that is left.
//!
//! A carrier bills the larger of the real weight and the *dimensional weight*, outer size by a divisor, in kilograms
//! begun. Money is whole minor units; fill rounds half up.

use super::piece::{Carton, volume};

/// Grams of a kilogram.
const KILOGRAM: u64 = 1_000;
/// Cubic millimetres of a litre.
const LITRE: u64 = 1_000_000;

/// What besides the cartons costs money.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tariff {
    /// Cubic centimetres that are billed as one kilogram (which is cubic millimetres a gram); without it only real
    /// weight counts.
    pub divisor: Option<u32>,
    /// A kilogram begun, minor units.
    pub per_kg: i64,
    /// A litre of room that pieces leave, minor units.
    pub fill_per_litre: i64,
}

/// What is wanted least: first money, then cartons, then the room they take outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Score {
    /// Minor units.
    pub cost: i64,
    /// How many cartons.
    pub cartons: u32,
    /// Cubic millimetres outside.
    pub volume: u64,
}

impl Score {
    /// Worse than any.
    pub(super) const WORST: Self = Self { cost: i64::MAX, cartons: u32::MAX, volume: u64::MAX };

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            cartons: self.cartons.saturating_add(other.cartons),
            volume: self.volume.saturating_add(other.volume),
        }
    }
}

impl Tariff {
    /// What a carrier bills of a carton with this much in it, grams.
    pub fn billable_g(&self, carton: &Carton, load_g: u64) -> u64 {
        let real = u64::from(carton.weight_g) + load_g;
        self.divisor.map_or(real, |divisor| real.max(volume(carton.outer).div_ceil(u64::from(divisor.max(1)))))
    }

    /// What a carton costs with this much in it.
    pub fn cost(&self, carton: &Carton, load_g: u64, load_volume: u64) -> i64 {
        let kilograms = self.billable_g(carton, load_g).div_ceil(KILOGRAM);
        let room = volume(carton.inner).saturating_sub(load_volume);
        carton.cost.saturating_add(times(self.per_kg, kilograms, 1)).saturating_add(times(
            self.fill_per_litre,
            room,
            LITRE,
        ))
    }

    /// The same with how many and how large.
    pub(super) fn score(&self, carton: &Carton, load_g: u64, load_volume: u64) -> Score {
        Score { cost: self.cost(carton, load_g, load_volume), cartons: 1, volume: volume(carton.outer) }
    }
}

/// A price times a measure in parts of `unit`, rounded half up.
fn times(price: i64, measure: u64, unit: u64) -> i64 {
    if price == 0 {
        return 0;
    }
    // Nearly always small enough for one division of the processor.
    if let Some(exact) = u64::try_from(price).ok().and_then(|price| price.checked_mul(measure)) {
        return i64::try_from(exact.saturating_add(unit / 2) / unit).unwrap_or(i64::MAX);
    }
    let exact = i128::from(price) * i128::from(measure);
    let unit = i128::from(unit);
    i64::try_from((exact + unit / 2).div_euclid(unit)).unwrap_or(i64::MAX)
}
