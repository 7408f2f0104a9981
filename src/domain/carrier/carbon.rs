//! Greenhouse gas of parcels, in CO2 equivalents: a fixed part for each, one for its way, and one for its weight and way.
//!
//! A service may say what its own make; what any other makes is the program's planning figure, of the order that a lorry and a
//! last mile have. Millionths of a gram are exact; money comes of them where rules weigh it (`rules::weights`).

use serde::{Deserialize, Serialize};

/// What parcels make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carbon {
    /// Grams of a parcel, wherever it goes.
    pub parcel_g: u32,
    /// Millionths of a gram of a parcel over a kilometre, whatever it weighs.
    pub micro_g_per_parcel_km: u32,
    /// Millionths of a gram of a kilogram over a kilometre.
    pub micro_g_per_kg_km: u32,
}

impl Carbon {
    /// Of parcels of which nobody said anything: 90 g for a tonne and kilometre.
    pub const USUAL: Self = Self { parcel_g: 400, micro_g_per_parcel_km: 0, micro_g_per_kg_km: 90_000 };

    /// Millionths of a gram of a parcel of so many grams over so many metres, rounded down.
    pub fn micro_g(&self, metres: u64, grams: u128) -> u128 {
        let (metres, parcel) = (u128::from(metres), u128::from(self.micro_g_per_parcel_km));
        let of_weight = metres.saturating_mul(grams).saturating_mul(u128::from(self.micro_g_per_kg_km)) / 1_000_000;
        u128::from(self.parcel_g) * 1_000_000 + metres * parcel / 1_000 + of_weight
    }

    /// The same in grams, rounded half up.
    pub fn grams(&self, metres: u64, grams: u128) -> u64 {
        let rounded = self.micro_g(metres, grams).saturating_add(500_000) / 1_000_000;
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Carbon;

    #[test]
    fn grams_of_a_parcel_are_a_fixed_part_its_way_and_its_weight_over_the_way() {
        let own = Carbon { parcel_g: 150, micro_g_per_parcel_km: 2_000_000, micro_g_per_kg_km: 600_000 };
        for (carbon, metres, grams, expected) in [
            (Carbon::USUAL, 0, 5_000, 400),
            (Carbon::USUAL, 1_000_000, 1_000, 490),
            (Carbon::USUAL, 3_500_000, 12_340, 400 + 3_887),
            (own, 0, 5_000, 150),
            (own, 1_000, 0, 152),
            (own, 1_000_000, 2_000, 150 + 2_000 + 1_200),
            // 0.6 g × 0.333 kg × 1.25 km = 0.24975 g, and 2.5 g of the way: 152.74975 g.
            (own, 1_250, 333, 153),
            (own, u64::MAX, u128::MAX, u64::MAX),
        ] {
            assert_eq!(carbon.grams(metres, grams), expected, "{carbon:?} {metres} m {grams} g");
        }
    }
}
