//! Rates: what a parcel weighs in a carrier's eyes, and what that costs in a zone.
//!
//! The billable weight is the larger of the weight and, where the service has a divisor, the dimensional weight: cubic
//! inches over the divisor in pounds, cubic centimetres over it in kilograms. It is kept as a fraction, so nothing is
//! rounded before it is compared. Either it is rounded up to whole units and the price is base + step × units, or the
//! first row of a table whose bound is not below it says the price, or a heavier row that costs less: a parcel may go as a
//! heavier one. A row without a price carries nothing, neither by its own bound nor as a heavier one. Surcharges come on top: an amount, a share of that
//! price (half up), or both.
//!
//! Bounds: a price beyond [`PRICE_MAX`] is none. What is *not* here: zones.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize, Serializer};

use super::zones::Prefix;
use crate::domain::ids::Text;

/// Largest price of a parcel, minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;
/// Largest divisor; larger ones would leave no room for weights in a fraction.
pub const DIVISOR_MAX: u32 = 1_000_000;
/// Parts into which a unit of weight is divided for bounds: a sixteenth is one.
pub const UNIT_PARTS: u32 = 10_000;
/// The whole, in hundredths of a per cent.
pub const WHOLE_SHARE: i64 = 10_000;

/// In what a carrier weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WeightUnit {
    /// Pounds of 453.59237 g.
    Pound,
    /// Kilograms.
    Kilogram,
}

impl WeightUnit {
    /// Hundred-thousandths of a gram in one.
    fn size(self) -> u128 {
        match self {
            Self::Pound => 45_359_237,
            Self::Kilogram => 100_000_000,
        }
    }

    /// Whole grams in so many parts of a unit ([`UNIT_PARTS`]).
    pub fn grams(self, parts: u64) -> u64 {
        let grams = u128::from(parts) * self.size() / (u128::from(UNIT_PARTS) * 100_000);
        u64::try_from(grams).unwrap_or(u64::MAX)
    }

    /// Thousandths of a cubic millimetre in the cube that a divisor counts: an inch or a centimetre wide.
    fn cube(self) -> u128 {
        match self {
            Self::Pound => 16_387_064,
            Self::Kilogram => 1_000_000,
        }
    }
}

/// What a parcel is to a carrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parcel {
    /// Its weight, grams.
    pub weight_g: u64,
    /// Its volume, cubic millimetres.
    pub volume_mm3: u64,
    /// Its longest edge, millimetres.
    pub longest_mm: u32,
}

impl Parcel {
    /// Of so many grams, with its length, width and height in millimetres.
    pub fn of(weight_g: u32, size_mm: [u32; 3]) -> Self {
        let volume = size_mm.iter().fold(1u64, |volume, edge| volume.saturating_mul(u64::from(*edge)));
        Self { weight_g: u64::from(weight_g), volume_mm3: volume, longest_mm: size_mm.into_iter().max().unwrap_or(0) }
    }
}

/// When size counts as weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dimensional {
    /// Cubic inches to a pound, or cubic centimetres to a kilogram.
    pub divisor: u32,
    /// Volume up to which size does not count, cubic centimetres.
    pub above_cm3: Option<u32>,
}

/// A weight as a fraction of hundred-thousandths of a gram.
#[derive(Clone, Copy, Debug)]
pub struct Billable {
    parts: u128,
    of: u128,
}

impl Billable {
    /// What a parcel is billed by.
    pub fn of(parcel: &Parcel, unit: WeightUnit, dimensional: Option<Dimensional>) -> Self {
        let real = Self { parts: u128::from(parcel.weight_g) * 100_000, of: 1 };
        let volume = u128::from(parcel.volume_mm3);
        let counts = |by: &Dimensional| by.above_cm3.is_none_or(|above| volume > u128::from(above) * 1_000);
        let Some(by) = dimensional.filter(counts) else { return real };
        let size = Self { parts: volume * 1_000 * unit.size(), of: u128::from(by.divisor) * unit.cube() };
        if size.compare(real.parts, real.of) == Ordering::Greater { size } else { real }
    }

    fn compare(self, parts: u128, of: u128) -> Ordering {
        (self.parts * of).cmp(&(parts * self.of))
    }

    /// Whole grams, rounded up.
    pub fn grams(self) -> u64 {
        u64::try_from(self.parts.div_ceil(self.of * 100_000)).unwrap_or(u64::MAX)
    }

    /// Whole units, rounded up.
    pub fn units(self, unit: WeightUnit) -> u64 {
        u64::try_from(self.parts.div_ceil(self.of * unit.size())).unwrap_or(u64::MAX)
    }

    /// Whether it is not above so many parts of a unit.
    fn is_within(self, parts: u32, unit: WeightUnit) -> bool {
        self.compare(u128::from(parts) * unit.size(), u128::from(UNIT_PARTS)) != Ordering::Greater
    }
}

/// Prices by weight and zone, minor units of the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Prices {
    /// By zone, a base and a price for every unit.
    Steps {
        /// Base by zone.
        base: Vec<i64>,
        /// Price of a unit by zone.
        step: Vec<i64>,
    },
    /// A row for each bound, with a price by zone; `None` where it is not carried.
    Table {
        /// Bounds in parts of a unit ([`UNIT_PARTS`]), ascending.
        upto: Vec<u32>,
        /// Rows of prices.
        rows: Rows,
    },
}

/// Rows of prices by zone, stored as they were told.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "Vec<Vec<Option<i64>>>")]
pub struct Rows {
    told: Vec<Vec<Option<i64>>>,
    /// The least of each price and those of heavier rows; `None` where prices never fall, as is usual.
    least: Option<Vec<Vec<Option<i64>>>>,
}

impl From<Vec<Vec<Option<i64>>>> for Rows {
    fn from(told: Vec<Vec<Option<i64>>>) -> Self {
        let mut least = told.clone();
        let mut heavier: Vec<Option<i64>> = vec![None; told.iter().map(Vec::len).max().unwrap_or(0)];
        for row in least.iter_mut().rev() {
            for (price, heavier) in row.iter_mut().zip(&mut heavier) {
                *price = price.map(|price| heavier.map_or(price, |heavier| heavier.min(price)));
                *heavier = price.or(*heavier);
            }
        }
        let least = (least != told).then_some(least);
        Self { told, least }
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.told.serialize(serializer)
    }
}

impl Rows {
    /// As they were told.
    pub fn told(&self) -> &[Vec<Option<i64>>] {
        &self.told
    }

    /// What is asked in a row and a zone, both from 0.
    fn price(&self, row: usize, zone: usize) -> Option<i64> {
        *self.least.as_ref().unwrap_or(&self.told).get(row)?.get(zone)?
    }
}

/// The rates of a service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rates {
    /// In what it weighs.
    pub unit: WeightUnit,
    /// What that costs.
    pub prices: Prices,
}

/// What comes on top where all its conditions hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Surcharge {
    /// Its name.
    pub name: Text,
    /// Minor units of the base currency for a parcel.
    pub amount: i64,
    /// Share of the parcel's price, hundredths of a per cent.
    pub share: u32,
    /// Only above so many grams.
    pub above_g: Option<u32>,
    /// Only where the longest edge is above so many millimetres.
    pub above_mm: Option<u32>,
    /// Only to destinations with one of these prefixes.
    pub prefixes: Option<Vec<Prefix>>,
    /// Only to these countries.
    pub countries: Option<Vec<Text>>,
}

/// What a parcel costs, part by part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Price {
    /// What it is billed by, grams rounded up.
    pub billable_g: u64,
    /// The same in the carrier's units, rounded up.
    pub units: u64,
    /// What every parcel of that zone costs, or the price of its row.
    pub base: i64,
    /// What its units cost.
    pub weight: i64,
    /// What comes on top.
    pub surcharges: Vec<(Text, i64)>,
    /// The sum.
    pub total: i64,
}

/// Where a parcel goes, as surcharges see it.
#[derive(Clone, Copy, Debug)]
pub struct Whither<'a> {
    /// Country.
    pub country: &'a str,
    /// Postal code, when there is one.
    pub code: Option<Prefix>,
}

impl Surcharge {
    fn applies(&self, parcel: &Parcel, to: Whither<'_>) -> bool {
        let fits = |prefix: &Prefix| to.code.is_some_and(|code| code.starts_with(*prefix));
        self.above_g.is_none_or(|above| parcel.weight_g > u64::from(above))
            && self.above_mm.is_none_or(|above| parcel.longest_mm > above)
            && self.prefixes.as_ref().is_none_or(|prefixes| prefixes.iter().any(fits))
            && self.countries.as_ref().is_none_or(|countries| countries.iter().any(|country| **country == *to.country))
    }

    fn of(&self, price: i128) -> i128 {
        let (share, whole) = (i128::from(self.share), i128::from(WHOLE_SHARE));
        i128::from(self.amount) + (2 * price * share + whole).div_euclid(2 * whole)
    }
}

impl Rates {
    /// Bounds of the rows that have a price in a zone (from 1), whole grams, the heaviest first; none without a table.
    pub fn carried_g(&self, zone: u8) -> impl Iterator<Item = u64> {
        let rows = match &self.prices {
            Prices::Steps { .. } => None,
            Prices::Table { upto, rows } => Some(upto.iter().zip(rows.told())),
        };
        let at = usize::from(zone).wrapping_sub(1);
        let is_carried = move |row: &Vec<Option<i64>>| row.get(at).is_some_and(Option::is_some);
        let carried = rows.into_iter().flatten().rev().filter(move |(_, row)| is_carried(row));
        carried.map(|(bound, _)| self.unit.grams(u64::from(*bound)))
    }

    /// The price of a parcel in a zone (from 1); `None` where the table has none.
    pub fn price(
        &self,
        zone: u8,
        parcel: &Parcel,
        dimensional: Option<Dimensional>,
        surcharges: &[Surcharge],
        to: Whither<'_>,
    ) -> Option<Price> {
        let billable = Billable::of(parcel, self.unit, dimensional);
        let (units, at) = (billable.units(self.unit), usize::from(zone).checked_sub(1)?);
        let (base, weight) = match &self.prices {
            Prices::Steps { base, step } => (*base.get(at)?, i128::from(*step.get(at)?) * i128::from(units)),
            Prices::Table { upto, rows } => {
                let row = upto.partition_point(|bound| !billable.is_within(*bound, self.unit));
                (rows.price(row, at)?, 0)
            }
        };
        let carried = Some(i128::from(base) + weight).filter(|carried| *carried <= i128::from(PRICE_MAX))?;
        let on_top = surcharges.iter().filter(|surcharge| surcharge.applies(parcel, to));
        let on_top: Vec<_> = on_top.map(|surcharge| (surcharge.name.clone(), surcharge.of(carried))).collect();
        let total = carried + on_top.iter().map(|(_, amount)| amount).sum::<i128>();
        let total = i64::try_from(total).ok().filter(|total| *total <= PRICE_MAX)?;
        // Each part is part of a sum that fits, and none is below zero.
        let part = |amount: i128| amount as i64;
        let surcharges = on_top.into_iter().map(|(name, amount)| (name, part(amount))).collect();
        Some(Price { billable_g: billable.grams(), units, base, weight: part(weight), surcharges, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Whither<'_> = Whither { country: "US", code: None };

    fn parcel(weight_g: u64, [length, width, height]: [u32; 3]) -> Parcel {
        let volume_mm3 = u64::from(length) * u64::from(width) * u64::from(height);
        Parcel { weight_g, volume_mm3, longest_mm: length }
    }

    fn by(divisor: u32) -> Option<Dimensional> {
        Some(Dimensional { divisor, above_cm3: None })
    }

    #[test]
    fn a_pound_is_453_59237_grams() {
        let units = |grams| Billable::of(&parcel(grams, [0; 3]), WeightUnit::Pound, None).units(WeightUnit::Pound);
        assert_eq!([0, 1, 453, 454, 907, 908, 45_359_237, 45_359_238].map(units), [0, 1, 1, 2, 2, 3, 100_000, 100_001]);
        let kilograms =
            |grams| Billable::of(&parcel(grams, [0; 3]), WeightUnit::Kilogram, None).units(WeightUnit::Kilogram);
        assert_eq!([0, 1, 1_000, 1_001].map(kilograms), [0, 1, 1, 2]);
    }

    #[test]
    fn size_counts_where_it_is_more_than_weight() {
        // 50 × 40 × 30 cm over 5,000 is 12 kg; over 166 in³ it is 60,000 cm³ / 16.387064 / 166 = 22.06 lb.
        let large = parcel(3_000, [500, 400, 300]);
        let metric = Billable::of(&large, WeightUnit::Kilogram, by(5_000));
        assert_eq!((metric.grams(), metric.units(WeightUnit::Kilogram)), (12_000, 12));
        assert_eq!(Billable::of(&large, WeightUnit::Pound, by(166)).units(WeightUnit::Pound), 23);
        assert_eq!(Billable::of(&large, WeightUnit::Kilogram, None).grams(), 3_000);
        let heavy = Parcel { weight_g: 12_001, ..large };
        assert_eq!(Billable::of(&heavy, WeightUnit::Kilogram, by(5_000)).grams(), 12_001);
        let small = Some(Dimensional { divisor: 5_000, above_cm3: Some(60_000) });
        assert_eq!(Billable::of(&large, WeightUnit::Kilogram, small).grams(), 3_000, "not above the bound");
    }

    #[test]
    fn a_step_is_paid_for_every_unit_begun() {
        let rates =
            Rates { unit: WeightUnit::Pound, prices: Prices::Steps { base: vec![780, 825], step: vec![38, 49] } };
        let price = |zone, grams| {
            rates.price(zone, &parcel(grams, [0; 3]), None, &[], HERE).map(|price| (price.units, price.total))
        };
        assert_eq!(price(1, 453), Some((1, 818)));
        assert_eq!(price(2, 454), Some((2, 825 + 98)));
        assert_eq!(price(2, 0), Some((0, 825)));
        assert_eq!([price(0, 1), price(3, 1)], [None, None]);
    }

    #[test]
    fn a_row_serves_up_to_its_bound() {
        let rows = vec![vec![Some(500), None], vec![Some(700), Some(900)]];
        let prices = Prices::Table { upto: vec![2_500, 10_000], rows: rows.into() };
        let rates = Rates { unit: WeightUnit::Pound, prices };
        let price = |zone, grams| rates.price(zone, &parcel(grams, [0; 3]), None, &[], HERE).map(|price| price.total);
        assert_eq!([113, 114, 453, 454].map(|grams| price(1, grams)), [Some(500), Some(700), Some(700), None]);
        assert_eq!([113, 114].map(|grams| price(2, grams)), [None, Some(900)]);
    }

    #[test]
    fn a_parcel_goes_as_a_heavier_one_where_that_costs_less_but_not_by_a_row_without_a_price() {
        let told = vec![vec![Some(900), Some(400)], vec![Some(500), None], vec![Some(700), Some(300)]];
        let prices = Prices::Table { upto: vec![10_000, 20_000, 50_000], rows: told.clone().into() };
        let rates = Rates { unit: WeightUnit::Kilogram, prices };
        let price = |zone, grams| rates.price(zone, &parcel(grams, [0; 3]), None, &[], HERE).map(|price| price.total);
        assert_eq!([1_000, 2_000, 2_001, 5_001].map(|grams| price(1, grams)), [Some(500), Some(500), Some(700), None]);
        assert_eq!([1_000, 2_000, 2_001].map(|grams| price(2, grams)), [Some(300), None, Some(300)]);
        assert_eq!(rates.carried_g(2).collect::<Vec<_>>(), [5_000, 1_000]);
        let Prices::Table { rows, .. } = &rates.prices else { panic!("it has rows") };
        assert_eq!(rows.told(), told, "shown as it was told");
    }

    #[test]
    fn surcharges_come_on_top_where_their_conditions_hold() {
        let fuel = Surcharge {
            name: "fuel".into(),
            amount: 0,
            share: 1_250,
            above_g: None,
            above_mm: None,
            prefixes: None,
            countries: None,
        };
        let far = Surcharge {
            name: "far".into(),
            amount: 400,
            share: 0,
            prefixes: Some(vec![Prefix::parse("99").expect("is a prefix")]),
            ..fuel.clone()
        };
        let long = Surcharge { name: "long".into(), amount: 100, share: 0, above_mm: Some(600), ..fuel.clone() };
        let rates = Rates { unit: WeightUnit::Kilogram, prices: Prices::Steps { base: vec![100], step: vec![10] } };
        let all = [fuel, far, long];
        let price = |parcel, code: &str| {
            let to = Whither { country: "US", code: Prefix::of(code) };
            rates.price(1, &parcel, None, &all, to).expect("there is a price")
        };
        let near = price(parcel(1_000, [600, 1, 1]), "60602");
        assert_eq!((near.total, near.surcharges), (124, vec![("fuel".into(), 14)]), "12.5 % of 110 is 13.75");
        let remote = price(parcel(1_000, [601, 1, 1]), "99501");
        assert_eq!((remote.surcharges.len(), remote.total), (3, 110 + 14 + 400 + 100));
    }

    #[test]
    fn a_price_beyond_its_bound_is_none() {
        let prices = Prices::Steps { base: vec![0], step: vec![PRICE_MAX] };
        let rates = Rates { unit: WeightUnit::Pound, prices };
        let price = |grams| rates.price(1, &parcel(grams, [1_000_000; 3]), by(1), &[], HERE);
        assert_eq!(price(1), None);
        let huge = Parcel { weight_g: u64::MAX, volume_mm3: u64::MAX, longest_mm: u32::MAX };
        assert_eq!(rates.price(1, &huge, by(1), &[], HERE), None);
    }
}
