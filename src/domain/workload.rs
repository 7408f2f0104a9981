//! The work of a node, day by day: which shipments were promised to it for which day.
//!
//! A shipment is entered in the record that allocates its units. It stays entered whatever becomes of it; whether it still
//! counts its own order says, so that whoever cancels or refuses it has nothing to tell here. Days that are long over are
//! forgotten with the next shipment.
//!
//! Bounds: what a node can handle on [`DAYS_KEPT`] days and those that are still to come. What is *not* here: how much a
//! node can handle (`node`), and who may not be asked since that is used up (`engine::workload`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentStatus;
use super::ids::{FulfillmentKey, NodeIndex};
use super::order::Order;
use super::stock::LawBroken;

/// Days before that of a new shipment that are remembered.
pub const DAYS_KEPT: i32 = 7;

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
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Workload {
    /// Shipments by day.
    pub days: BTreeMap<i32, BTreeSet<FulfillmentKey>>,
}

impl Workload {
    /// The next state of the work of a node.
    pub fn fold(before: Option<Self>, node: NodeIndex, event: &WorkloadEvent) -> Result<Self, LawBroken> {
        let mut work = before.unwrap_or_default();
        let WorkloadEvent::Taken { day, shipments } = event;
        work.days.retain(|known, _| *known >= day.saturating_sub(DAYS_KEPT));
        let entered = work.days.entry(*day).or_default();
        match shipments.iter().find(|shipment| !entered.insert(**shipment)) {
            Some(twice) => Err(LawBroken(format!("{twice} is work of node {} on day {day} already", node.0))),
            None => Ok(work),
        }
    }
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

    #[test]
    fn a_shipment_is_entered_once_and_days_long_over_are_forgotten() {
        let fold = |before, event: &WorkloadEvent| Workload::fold(before, NodeIndex(1), event);
        let work = fold(None, &taken(100, &[1, 2])).expect("new");
        assert!(fold(Some(work.clone()), &taken(100, &[2])).is_err());
        let later = fold(Some(work.clone()), &taken(107, &[3])).expect("new");
        assert_eq!(later.days.keys().copied().collect::<Vec<_>>(), [100, 107]);
        let later = fold(Some(later), &taken(108, &[4])).expect("new");
        assert_eq!(later.days.keys().copied().collect::<Vec<_>>(), [107, 108]);
    }
}
