//! A non-zero count of an item's unit.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::limits::QUANTITY_MAX;

/// How many units: 1 to 1,000,000,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Quantity(NonZeroU32);

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// `None` for zero and for more than [`QUANTITY_MAX`].
    pub fn new(units: u32) -> Option<Self> {
        NonZeroU32::new(units).filter(|n| n.get() <= QUANTITY_MAX).map(Self)
    }

    /// The number of units.
    pub fn units(self) -> u32 {
        self.0.get()
    }
}
