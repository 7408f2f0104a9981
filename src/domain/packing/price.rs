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
        Priced::of(self, carton).billable_g(load_g)
    }

    /// What a carton costs with this much in it.
    pub fn cost(&self, carton: &Carton, load_g: u64, load_volume: u64) -> i64 {
        Priced::of(self, carton).cost(load_g, load_volume)
    }
}

/// A carton with its tariff, and what of its price is the same whatever is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Priced {
    /// Cubic millimetres inside.
    pub(super) room: u64,
    /// Cubic millimetres outside.
    pub(super) outside: u64,
    /// Most its pieces may weigh, grams.
    pub(super) load_g: u64,
    weight_g: u64,
    dimensional_g: u64,
    /// What the carton alone costs, minor units.
    pub(super) own_cost: i64,
    per_kg: i64,
    fill_per_litre: i64,
}

impl Priced {
    pub(super) fn of(tariff: &Tariff, carton: &Carton) -> Self {
        let outside = volume(carton.outer);
        Self {
            room: volume(carton.inner),
            outside,
            load_g: carton.load_g(),
            weight_g: u64::from(carton.weight_g),
            dimensional_g: tariff.divisor.map_or(0, |divisor| outside.div_ceil(u64::from(divisor.max(1)))),
            own_cost: carton.cost,
            per_kg: tariff.per_kg,
            fill_per_litre: tariff.fill_per_litre,
        }
    }

    fn billable_g(&self, load_g: u64) -> u64 {
        self.dimensional_g.max(self.weight_g + load_g)
    }

    /// What it costs with this much in it.
    pub(super) fn cost(&self, load_g: u64, load_volume: u64) -> i64 {
        let weight = times(self.per_kg, self.billable_g(load_g).div_ceil(KILOGRAM), 1);
        let fill = times(self.fill_per_litre, self.room.saturating_sub(load_volume), LITRE);
        self.own_cost.saturating_add(weight).saturating_add(fill)
    }

    /// The same with how many and how large.
    pub(super) fn score(&self, load_g: u64, load_volume: u64) -> Score {
        Score { cost: self.cost(load_g, load_volume), cartons: 1, volume: self.outside }
    }

    /// What two cost at least that hold so much together: each is paid for itself, the carrier asks for the larger of their
    /// sizes and of all that they weigh, and all the room that they leave is filled. Nothing is known where something pays.
    pub(super) fn pair_at_least(one: &Self, other: &Self, load_g: u64, load_volume: u64) -> i64 {
        if one.pays() || other.pays() {
            return i64::MIN;
        }
        let by_size = one.kilograms() + other.kilograms();
        let kilograms = by_size.max((one.weight_g + other.weight_g + load_g).div_ceil(KILOGRAM));
        let weight = times(one.per_kg, kilograms, 1);
        let fill = times(one.fill_per_litre, (one.room + other.room).saturating_sub(load_volume), LITRE);
        // Each rounds its own fill: together they are at most one below what is rounded once.
        one.own_cost.saturating_add(other.own_cost).saturating_add(weight).saturating_add(fill.saturating_sub(1))
    }

    /// Kilograms that are billed of it with nothing in it.
    fn kilograms(&self) -> u64 {
        self.dimensional_g.max(self.weight_g).div_ceil(KILOGRAM)
    }

    /// Whether weight or fill is worth money to whoever packs.
    fn pays(&self) -> bool {
        self.per_kg < 0 || self.fill_per_litre < 0
    }

    /// What no use of it costs less than: all its room is filled, with what weighs nothing.
    pub(super) fn floor(&self) -> i64 {
        self.cost(0, self.room)
    }
}

/// The least that any of some cartons costs, is and weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Cheapest {
    own_cost: i64,
    kilograms: u64,
    weight_g: u64,
    per_kg: i64,
    pays: bool,
}

impl Cheapest {
    pub(super) fn of(cartons: &[Priced]) -> Self {
        let least = |part: fn(&Priced) -> u64| cartons.iter().map(part).min().unwrap_or(0);
        let own_cost = cartons.iter().map(|own| own.own_cost).min().unwrap_or(0);
        Self {
            own_cost,
            kilograms: least(Priced::kilograms),
            weight_g: least(|own| own.weight_g),
            per_kg: cartons.first().map_or(0, |own| own.per_kg),
            pays: own_cost < 0 || cartons.iter().any(Priced::pays),
        }
    }

    /// What so many or more of them cost at least that hold so much together: each is paid for itself, and the carrier asks
    /// for the larger of their sizes and of all that they weigh. Nothing is known where something pays.
    pub(super) fn cost(&self, count: u64, load_g: u64) -> i64 {
        if self.pays {
            return i64::MIN;
        }
        let kilograms = (count * self.kilograms).max((count * self.weight_g + load_g).div_ceil(KILOGRAM));
        self.own_cost.saturating_mul(count as i64).saturating_add(times(self.per_kg, kilograms, 1))
    }
}

/// A price times a measure in parts of `unit`, rounded half up.
#[inline]
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
