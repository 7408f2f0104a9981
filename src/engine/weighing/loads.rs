//! What a unit is to the kernel, which adds up one figure for a parcel: its load.
//!
//! Where size costs nothing a load is grams. Where a service divides it, grams and volume stand side by side in one figure, so
//! that both add up, and each sum that a parcel of the order can have is a bracket of its own, priced as a carrier bills it.
//! An order of more than [`LOADS_MAX`] sums counts each unit with its grams or what the strictest service makes of its size,
//! whatever is more: then no price is too low, but some may be too high, and so may what a parcel holds be too little.
//!
//! Where services tell what greenhouse gas their parcels make, each sum of an order that has as few is a bracket of its own too.
//!
//! What is *not* here: prices (`tariffs`).

use std::collections::BTreeSet;

use super::BRACKETS_MAX;
use crate::domain::carrier::rates::{Billable, Dimensional, Parcel, WeightUnit};

/// Most sums that are told one by one: as many as evidence has room for.
const LOADS_MAX: usize = BRACKETS_MAX / 2;
/// Bits of a figure that holds grams and volume.
const BITS_MAX: u32 = 62;
/// Thousandths in a whole.
const WHOLE: u64 = 1_000;

/// How services weigh: as it is, or by size too.
pub(super) type Way = Option<(WeightUnit, Dimensional)>;

/// What loads of an order are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loads {
    /// Grams.
    #[default]
    Grams,
    /// Grams above so many bits of volume, in cubic millimetres.
    Sizes(u32),
    /// Grams, or what the strictest service makes of a size, if that is more; at least so many thousandths of the grams.
    Strictest(u64),
}

impl Loads {
    /// What loads are of units with these bodies and quantities, as services weigh them; and each sum that a parcel can have,
    /// ascending, where they are told one by one.
    pub fn of(units: &[(Parcel, u32)], ways: &[Way]) -> (Self, Vec<u64>) {
        if ways.iter().all(Option::is_none) || units.iter().all(|(body, _)| body.volume_mm3 == 0) {
            return (Self::Grams, Vec::new());
        }
        let total = |of: fn(&Parcel) -> u64| -> u64 {
            let each = units.iter().map(|(body, quantity)| of(body).saturating_mul(u64::from(*quantity)));
            each.fold(0, u64::saturating_add)
        };
        let bits = |most: u64| u64::BITS - most.leading_zeros();
        let (grams, volume) = (bits(total(|body| body.weight_g)), bits(total(|body| body.volume_mm3)));
        let sizes = Self::Sizes(volume);
        let loads = units.iter().map(|(body, quantity)| (sizes.load(body), *quantity));
        let sums = if grams + volume <= BITS_MAX { sums(loads) } else { None };
        if let Some(sums) = sums {
            return (sizes, sums);
        }
        let strictest = Self::Strictest(WHOLE);
        let share = |(body, _): &(Parcel, u32)| {
            let load = u128::from(strictest.unit(body, ways));
            (load * u128::from(WHOLE)).checked_div(u128::from(body.weight_g))
        };
        let least = units.iter().filter_map(share).min().unwrap_or(u128::from(WHOLE));
        (Self::Strictest(u64::try_from(least).unwrap_or(u64::MAX)), Vec::new())
    }

    /// The load of a unit.
    pub fn unit(self, body: &Parcel, ways: &[Way]) -> u64 {
        match self {
            Self::Grams | Self::Sizes(_) => self.load(body),
            Self::Strictest(_) => {
                // Units too small for a bound of volume can be above it together.
                let by = |(unit, by): &(WeightUnit, Dimensional)| (*unit, Dimensional { above_cm3: None, ..*by });
                let billed = ways.iter().flatten().map(by).map(|(unit, by)| Billable::of(body, unit, Some(by)).grams());
                billed.fold(body.weight_g, u64::max)
            }
        }
    }

    /// The load of a parcel that [`Loads::parcel`] made of one.
    pub fn load(self, parcel: &Parcel) -> u64 {
        match self {
            Self::Grams | Self::Strictest(_) => parcel.weight_g,
            Self::Sizes(bits) => parcel.weight_g << bits | parcel.volume_mm3,
        }
    }

    /// The parcel of a load, as it is priced.
    pub fn parcel(self, load: u64, longest_mm: u32) -> Parcel {
        match self {
            Self::Grams | Self::Strictest(_) => Parcel { weight_g: load, volume_mm3: 0, longest_mm },
            Self::Sizes(bits) => {
                let volume_mm3 = load & ((1 << bits) - 1);
                Parcel { weight_g: load >> bits, volume_mm3, longest_mm }
            }
        }
    }

    /// Whether sums are told one by one.
    pub fn is_by_size(self) -> bool {
        matches!(self, Self::Sizes(_))
    }

    /// Whether a service may take a parcel of a load: its bound counts grams, whatever their size.
    pub fn is_within(self, load: u64, max_weight_g: u32) -> bool {
        match self {
            Self::Grams | Self::Strictest(_) => load <= self.most(max_weight_g),
            Self::Sizes(bits) => load >> bits <= u64::from(max_weight_g),
        }
    }

    /// The largest load that is surely no heavier; of loads by size it is of no use.
    pub fn most(self, max_weight_g: u32) -> u64 {
        match self {
            Self::Grams | Self::Sizes(_) => u64::from(max_weight_g),
            // Every unit has so much more load than grams, and so has every parcel.
            Self::Strictest(thousandths) => {
                let most = u128::from(max_weight_g) * u128::from(thousandths) / u128::from(WHOLE);
                u64::try_from(most).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Every sum of some of these loads, each so many times, ascending; `None` when they are too many to be told one by one.
pub(super) fn sums(loads: impl Iterator<Item = (u64, u32)>) -> Option<Vec<u64>> {
    let mut sums = BTreeSet::from([0]);
    let mut is_light = false;
    for (load, quantity) in loads {
        is_light |= load == 0;
        if load == 0 {
            continue;
        }
        let before: Vec<u64> = sums.iter().copied().collect();
        for units in 1..=u64::from(quantity) {
            let most = load.checked_mul(units)?;
            for sum in &before {
                sums.insert(sum.checked_add(most)?);
            }
            if sums.len() > LOADS_MAX {
                return None;
            }
        }
    }
    // Nothing is no parcel, unless something weighs as much.
    Some(sums.into_iter().filter(|load| *load > 0 || is_light).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(weight_g: u64, volume_mm3: u64) -> Parcel {
        Parcel { weight_g, volume_mm3, longest_mm: 0 }
    }

    fn by(divisor: u32) -> Way {
        Some((WeightUnit::Kilogram, Dimensional { divisor, above_cm3: None }))
    }

    #[test]
    fn loads_by_size_tell_grams_and_volume_of_every_sum() {
        let units = [(body(10_000, 7), 1), (body(1_000, 50_000_000), 2)];
        let (loads, sums) = Loads::of(&units, &[None, by(5_000)]);
        let told: Vec<_> = sums.iter().map(|sum| loads.parcel(*sum, 0)).map(|p| (p.weight_g, p.volume_mm3)).collect();
        let wanted =
            [(1_000, 50_000_000), (2_000, 100_000_000), (10_000, 7), (11_000, 50_000_007), (12_000, 100_000_007)];
        assert_eq!(told, wanted);
        assert!(sums.iter().all(|sum| loads.load(&loads.parcel(*sum, 0)) == *sum));
        let fits: Vec<bool> = sums.iter().map(|sum| loads.is_within(*sum, 10_500)).collect();
        assert_eq!(fits, [true, true, true, false, false], "by grams alone");
    }

    #[test]
    fn grams_are_enough_where_nobody_divides_or_nothing_is_large() {
        let units = [(body(10, 7), 1)];
        assert_eq!(Loads::of(&units, &[None]), (Loads::Grams, Vec::new()));
        assert_eq!(Loads::of(&[(body(10, 0), 1)], &[by(5_000)]).0, Loads::Grams);
    }

    #[test]
    fn too_many_sums_count_as_the_strictest_sees_each_unit() {
        let units: Vec<_> = (0..12).map(|at| (body(1_000 << at, 20_000_000), 1)).collect();
        let ways = [by(5_000), by(4_000)];
        let (loads, sums) = Loads::of(&units, &ways);
        assert!(sums.is_empty());
        assert_eq!(loads, Loads::Strictest(WHOLE), "the heaviest weigh more than their size");
        assert_eq!([0, 2, 5].map(|at: usize| loads.unit(&units[at].0, &ways)), [5_000, 5_000, 32_000]);
        let bulky: Vec<_> = (0..12).map(|at| (body(100 << at, 3_000_000_000), 1)).collect();
        let (loads, _) = Loads::of(&bulky, &ways);
        assert!(loads.most(1_000) > 1_000, "of bulky units more fits: {loads:?}");
    }
}
