//! The work of a node, day by day: which shipments were promised to it for which day.
//!
//! A shipment is entered in the record that allocates its units. It stays entered whatever becomes of it; whether it still
//! counts its own order says, so that whoever cancels or refuses it has nothing to tell here; who moves it to another node
//! takes it out, since it may come back. Days that are long over are forgotten with the next record.
//!
//! Bounds: what a node can handle on [`DAYS_KEPT`] days and those that are still to come. What is *not* here: how much a
//! node can handle (`node`), and who may not be asked since that is used up (`engine::workload`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentStatus;
use super::ids::{FulfillmentKey, NodeIndex};
use super::order::Order;
use super::stock::LawBroken;
use super::time::WallTime;

/// Days before that of a record, by UTC, that are remembered.
pub const DAYS_KEPT: i32 = 7;
const DAY_MS: i64 = 86_400_000;

/// What happened to the work of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WorkloadEvent {
    /// Shipments are work of a day: days since 1970, by the calendar of the node.
    Taken {
        /// The day.
        day: i32,
        /// The shipments.
        shipments: Vec<FulfillmentKey>,
    },
    /// They are work of another node now.
    Given {
        /// The day of which they were work.
        day: i32,
        /// The shipments.
        shipments: Vec<FulfillmentKey>,
    },
}

impl WorkloadEvent {
    /// Whether it makes a shipment work of a day.
    pub fn takes(&self, of: i32, shipment: FulfillmentKey) -> bool {
        matches!(self, Self::Taken { day, shipments } if *day == of && shipments.contains(&shipment))
    }
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Workload {
    /// Shipments by day.
    pub days: BTreeMap<i32, BTreeSet<FulfillmentKey>>,
}

impl Workload {
    /// The next state of the work of a node, by a record of that instant.
    pub fn fold(before: Option<Self>, node: NodeIndex, at: WallTime, event: &WorkloadEvent) -> Result<Self, LawBroken> {
        let mut work = before.unwrap_or_default();
        work.days.retain(|known, _| *known >= oldest_kept(at));
        match event {
            WorkloadEvent::Taken { day, shipments } => {
                let entered = work.days.entry(*day).or_default();
                if let Some(twice) = shipments.iter().find(|shipment| !entered.insert(**shipment)) {
                    return Err(LawBroken(format!("{twice} is work of node {} on day {day} already", node.0)));
                }
            }
            // The day may be forgotten.
            WorkloadEvent::Given { day, shipments } => {
                if let Some(entered) = work.days.get_mut(day) {
                    entered.retain(|known| !shipments.contains(known));
                }
            }
        }
        Ok(work)
    }
}

/// The first day that is remembered at an instant: days since 1970.
pub fn oldest_kept(at: WallTime) -> i32 {
    utc_day(at).saturating_sub(DAYS_KEPT)
}

/// The day that it is by UTC: days since 1970.
pub fn utc_day(at: WallTime) -> i32 {
    i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(if at.0 < 0 { i32::MIN } else { i32::MAX })
}

impl Order {
    /// Whether one of its shipments still is, or was, work of the node that was to do it.
    pub fn is_work_of(&self, number: u16, node: NodeIndex) -> bool {
        let ended = |status| {
            use FulfillmentStatus::{Cancelled, Incomplete, Rejected};
            matches!(status, Cancelled | Incomplete | Rejected)
        };
        self.fulfillment(number).is_some_and(|f| f.node == node && !ended(f.status) && f.merged_into.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrderKey;

    fn taken(day: i32, orders: &[u64]) -> WorkloadEvent {
        let shipment = |order: &u64| FulfillmentKey { order: OrderKey(*order), number: 1 };
        WorkloadEvent::Taken { day, shipments: orders.iter().map(shipment).collect() }
    }

    fn on(day: i32, before: Option<Workload>, event: &WorkloadEvent) -> Result<Workload, LawBroken> {
        Workload::fold(before, NodeIndex(1), WallTime(i64::from(day) * DAY_MS), event)
    }

    fn days(work: &Workload) -> Vec<i32> {
        work.days.keys().copied().collect()
    }

    #[test]
    fn a_shipment_is_entered_once_and_days_long_over_are_forgotten() {
        let work = on(100, None, &taken(100, &[1, 2])).expect("new");
        assert!(on(100, Some(work.clone()), &taken(100, &[2])).is_err());
        let later = on(107, Some(work), &taken(107, &[3])).expect("new");
        assert_eq!(days(&later), [100, 107]);
        let later = on(108, Some(later), &taken(108, &[4])).expect("new");
        assert_eq!(days(&later), [107, 108]);
    }

    #[test]
    fn work_of_a_day_far_ahead_lets_no_day_be_forgotten_that_is_not_over() {
        let work = on(100, None, &taken(100, &[1])).expect("new");
        let work = on(100, Some(work), &taken(130, &[2])).expect("released in a month");
        assert_eq!(days(&work), [100, 130]);
        assert!(on(100, Some(work), &taken(100, &[1])).is_err(), "it is known still");
    }

    #[test]
    fn what_went_to_another_node_may_come_back() {
        let work = on(100, None, &taken(100, &[1, 2])).expect("new");
        let WorkloadEvent::Taken { day, shipments } = taken(100, &[1]) else { unreachable!("it is taken") };
        let work = on(100, Some(work), &WorkloadEvent::Given { day, shipments }).expect("entered");
        assert_eq!(work.days[&100].len(), 1);
        assert_eq!(on(100, Some(work), &taken(100, &[1])).expect("it is back").days[&100].len(), 2);
    }
}
