//! Parcels: what is sent, packed into as few as weight allows in one pass.
//!
//! Units are laid heaviest first into the first parcel with room for their weight; equal parcels are told once, with
//! their number, so a million units cost no more to pack than two. Size never opens another parcel: what fits into a box
//! is not known here. Promise: every unit is in exactly one parcel and no parcel is above the weight allowed.

use super::rates::Parcel;

/// Units of one item that are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Units {
    /// One of them.
    pub unit: Parcel,
    /// How many, at least one.
    pub quantity: u32,
}

/// What is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Freight {
    /// Parcels as they are.
    Parcels(Vec<Parcel>),
    /// Units that are still to be packed.
    Units(Vec<Units>),
}

/// Equal parcels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packed {
    /// One of them.
    pub parcel: Parcel,
    /// How many.
    pub count: u32,
}

/// A single unit or parcel that is heavier than allowed, grams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooHeavy(pub u64);

impl Freight {
    /// Parcels of which none is above a weight.
    pub fn packed(&self, max_weight_g: u32) -> Result<Vec<Packed>, TooHeavy> {
        let max = u64::from(max_weight_g);
        match self {
            Self::Parcels(parcels) => {
                match parcels.iter().map(|parcel| parcel.weight_g).max().filter(|heaviest| *heaviest > max) {
                    Some(heaviest) => Err(TooHeavy(heaviest)),
                    None => Ok(parcels.iter().map(|parcel| Packed { parcel: *parcel, count: 1 }).collect()),
                }
            }
            Self::Units(units) => pack(units, max),
        }
    }
}

fn pack(units: &[Units], max: u64) -> Result<Vec<Packed>, TooHeavy> {
    let mut order: Vec<&Units> = units.iter().collect();
    order.sort_by_key(|units| std::cmp::Reverse(units.unit.weight_g));
    if let Some(heaviest) = order.first().filter(|heaviest| heaviest.unit.weight_g > max) {
        return Err(TooHeavy(heaviest.unit.weight_g));
    }
    let (mut full, mut open): (Vec<Packed>, Vec<Parcel>) = (Vec::new(), Vec::new());
    for Units { unit, quantity } in order {
        let mut left = *quantity;
        for parcel in &mut open {
            let fitting = ((max - parcel.weight_g).checked_div(unit.weight_g)).unwrap_or(u64::MAX).min(u64::from(left));
            if fitting > 0 {
                *parcel = with(*parcel, unit, fitting);
                left -= fitting as u32;
            }
        }
        let each = max.checked_div(unit.weight_g).unwrap_or(u64::MAX).min(u64::from(left)) as u32;
        let (whole, rest) = (left.checked_div(each).unwrap_or(0), left.checked_rem(each).unwrap_or(0));
        match whole {
            0 => {}
            1 => open.push(with(Parcel::default(), unit, u64::from(each))),
            count => full.push(Packed { parcel: with(Parcel::default(), unit, u64::from(each)), count }),
        }
        if rest > 0 {
            open.push(with(Parcel::default(), unit, u64::from(rest)));
        }
    }
    full.extend(open.into_iter().map(|parcel| Packed { parcel, count: 1 }));
    Ok(full)
}

/// A parcel with so many units more.
fn with(parcel: Parcel, unit: &Parcel, units: u64) -> Parcel {
    Parcel {
        weight_g: parcel.weight_g + unit.weight_g * units,
        volume_mm3: parcel.volume_mm3.saturating_add(unit.volume_mm3.saturating_mul(units)),
        longest_mm: parcel.longest_mm.max(unit.longest_mm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(weight_g: u64, quantity: u32) -> Units {
        Units { unit: Parcel { weight_g, volume_mm3: 10, longest_mm: weight_g as u32 }, quantity }
    }

    fn packed(units: Vec<Units>, max: u32) -> Vec<(u64, u64, u32)> {
        let packed = Freight::Units(units).packed(max).expect("nothing is too heavy");
        packed.iter().map(|p| (p.parcel.weight_g, p.parcel.volume_mm3, p.count)).collect()
    }

    #[test]
    fn what_fits_goes_in_one_parcel() {
        assert_eq!(packed(vec![units(300, 2), units(0, 5), units(100, 4)], 1_000), [(1_000, 110, 1)]);
    }

    #[test]
    fn weight_forces_more() {
        assert_eq!(packed(vec![units(400, 3), units(200, 1)], 1_000), [(1_000, 30, 1), (400, 10, 1)]);
        assert_eq!(
            packed(vec![units(600, 1_000_000_000), units(400, 1)], 1_000),
            [(600, 10, 1_000_000_000), (400, 10, 1)]
        );
        assert_eq!(Freight::Units(vec![units(1_001, 1)]).packed(1_000), Err(TooHeavy(1_001)));
        let parcels = Freight::Parcels(vec![units(5, 1).unit, units(7, 1).unit]);
        assert_eq!(parcels.packed(6), Err(TooHeavy(7)));
    }

    #[test]
    fn no_unit_is_lost_and_no_parcel_too_heavy() {
        let mut seed = 11u64;
        let mut pick = |most: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        for _ in 0..2_000 {
            let max = 1 + pick(5_000) as u32;
            let all: Vec<_> = (0..1 + pick(6)).map(|_| units(pick(u64::from(max) + 1), 1 + pick(50) as u32)).collect();
            let packed = Freight::Units(all.clone()).packed(max).expect("nothing is too heavy");
            let sum = |of: fn(&Parcel) -> u64| packed.iter().map(|p| of(&p.parcel) * u64::from(p.count)).sum::<u64>();
            let wanted = |of: fn(&Parcel) -> u64| all.iter().map(|u| of(&u.unit) * u64::from(u.quantity)).sum::<u64>();
            assert_eq!(sum(|p| p.weight_g), wanted(|p| p.weight_g), "{all:?}");
            assert_eq!(sum(|p| p.volume_mm3), wanted(|p| p.volume_mm3), "{all:?}");
            assert!(packed.iter().all(|p| p.parcel.weight_g <= u64::from(max) && p.count > 0), "{all:?}");
        }
    }
}
