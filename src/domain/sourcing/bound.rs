//! What no plan of so many shipments can undercut, rounding included.
//!
//! A charge is rounded half up, so a rounded charge is more than the exact one minus a half. `k` shipments with exact
//! charges of D in all therefore cost more than D − k/2, and being whole, at least ⌊D − k/2⌋ + 1. With one shipment that
//! is exactly the rounded charge.
//!
//! Not here: finding D (each search knows a D of its own).

use super::problem::{SCALE, Tariff};

/// Bounds for plans whose exact distance charges sum to at least `distance` parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    per_shipment: i64,
    split: i64,
    distance: i128,
}

impl Floor {
    /// `distance` in parts of 10⁻¹² minor units.
    pub fn new(tariff: &Tariff, distance: u128) -> Self {
        Self { per_shipment: tariff.per_shipment, split: tariff.split, distance: distance as i128 }
    }

    /// Least cost of a plan of `shipments` or more, minor units. More shipments never cost less as long as the fixed
    /// charges of one exceed the half unit its rounding may hide; with free shipments only the distance is counted,
    /// for as many of them as there may be, so the answer is the trivial one.
    pub fn of_shipments(&self, shipments: i64) -> i64 {
        if self.per_shipment + self.split == 0 {
            return 0;
        }
        let charges = whole_above(self.distance - i128::from(shipments) * (SCALE as i128 / 2)).max(0);
        shipments * self.per_shipment + (shipments - 1) * self.split + charges
    }

    /// Most shipments of a plan that costs at most `cost` minor units, the split counted for its first shipment too.
    /// The fixed charges must not both be zero.
    pub fn shipments_within(&self, cost: i64) -> i64 {
        let fixed = i128::from(self.per_shipment + self.split);
        let left = i128::from(cost) - self.distance / SCALE as i128;
        (2 * left / (2 * fixed - 1)) as i64
    }

    /// The split charge the bounds count one less of than there are shipments.
    pub fn split(&self) -> i64 {
        self.split
    }
}

/// Smallest whole number of minor units that is more than `parts`.
pub(super) fn whole_above(parts: i128) -> i64 {
    (parts.div_euclid(SCALE as i128) + 1) as i64
}
