//! How a sku is supplied at a node.
//!
//! *Owned*: units are there, and are ours. *Dropship*: the node is a supplier that ships to the customer himself; its
//! stock is what he announces, as counts, and what he is asked for leaves so much later. *Just in time*: nothing is
//! there; what is ordered is bought for it, and comes to the node so much later. What is *not* here: the buying (the
//! engine's `purchase`), and documents of what was bought (`inbound`).

use serde::{Deserialize, Serialize};

use super::ids::{InboundKey, NodeIndex, SkuIndex, Text};
use super::limits::QUANTITY_MAX;
use super::time::WallTime;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How a sku is supplied at a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SupplyTerms {
    /// From units of ours that are there.
    Owned,
    /// By the supplier that the node is, to the customer.
    Dropship {
        /// From order to dispatch, seconds.
        lead_s: u32,
    },
    /// By what is bought when it is ordered.
    JustInTime(JustInTime),
}

/// How something is bought when it is ordered.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct JustInTime {
    /// From order to arrival, seconds.
    pub lead_s: u32,
    /// From whom, in the caller's words.
    pub supplier: Option<Text>,
    /// Most units that are bought on one day of UTC.
    pub per_day: Option<u32>,
    /// Most units that are bought and have not come.
    pub open_max: Option<u32>,
}

/// Units of an order's sku that were bought for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BoughtUnits {
    /// What.
    pub sku: SkuIndex,
    /// How many.
    pub units: u32,
    /// Where they come to.
    pub node: NodeIndex,
    /// By which document.
    pub document: InboundKey,
    /// When.
    pub eta: WallTime,
}

/// So many seconds after an instant.
pub fn after(at: WallTime, seconds: u32) -> WallTime {
    WallTime(at.0.saturating_add(i64::from(seconds) * 1_000))
}

/// Number of the day of UTC of an instant.
pub fn day_of(at: WallTime) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Milliseconds until the next day of UTC begins.
pub fn until_next_day(at: WallTime) -> i64 {
    DAY_MS - at.0.rem_euclid(DAY_MS)
}

impl JustInTime {
    /// When comes what is bought now.
    pub fn eta(&self, now: WallTime) -> WallTime {
        after(now, self.lead_s)
    }

    /// Units that may be bought now, where so many were bought today and so many are open.
    pub fn room(&self, today: u64, open: u64) -> u64 {
        self.room_within(0, today, open)
    }

    /// Units that may be bought early enough to be there at an instant.
    pub fn room_by(&self, now: WallTime, by: WallTime, today: u64, open: u64) -> u64 {
        if self.eta(now) > by {
            return 0;
        }
        let last = WallTime(by.0.saturating_sub(i64::from(self.lead_s) * 1_000));
        self.room_within((day_of(last) - day_of(now)).unsigned_abs(), today, open)
    }

    /// The same on this day and so many more.
    fn room_within(&self, days: u64, today: u64, open: u64) -> u64 {
        let most = u64::from(QUANTITY_MAX);
        let daily = self.per_day.map_or(most, |per_day| {
            let per_day = u64::from(per_day);
            per_day.saturating_sub(today).saturating_add(per_day.saturating_mul(days))
        });
        let at_once = self.open_max.map_or(most, |max| u64::from(max).saturating_sub(open));
        daily.min(at_once).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_bought_is_bounded_by_day_and_in_all() {
        let terms = JustInTime { lead_s: 2 * 86_400, supplier: None, per_day: Some(5), open_max: Some(12) };
        assert_eq!((terms.room(0, 0), terms.room(3, 3), terms.room(7, 7), terms.room(0, 10)), (5, 2, 0, 2));
        let now = WallTime(1_800_000_000_000);
        let in_days = |days: i64| WallTime(now.0 + days * DAY_MS);
        let by = |days: i64| terms.room_by(now, in_days(days), 3, 3);
        assert_eq!(
            [1, 2, 3, 4, 9].map(by),
            [0, 2, 7, 9, 9],
            "the second day adds five, the third meets the most in all"
        );
        let free = JustInTime { per_day: None, open_max: None, ..terms };
        assert_eq!(free.room_by(now, in_days(2), 70, 70), u64::from(QUANTITY_MAX));
        assert_eq!(free.eta(now), in_days(2));
        assert_eq!(until_next_day(WallTime(day_of(now) * DAY_MS)), DAY_MS);
    }
}
