//! Samples of lockers.

use crate::domain::event::*;
use crate::domain::ids::{NodeIndex, OrderKey};
use crate::domain::item::Dimensions;
use crate::domain::lockers::{LockerTerms, LockersEvent, Stored};

/// One of every event of lockers.
pub fn stored() -> Vec<Event> {
    let of = |event| Event::LockersChanged(Box::new(LockersChanged { node: NodeIndex(300), event }));
    let size = |id: &str, limit| {
        let inner = Dimensions { length: 400, width: 300, height: 200 };
        LockerTerms { id: id.into(), inner, limit }
    };
    let taken =
        |order, group| LockersEvent::Taken { stored: Stored { order: OrderKey(order), group }, size: "m".into() };
    vec![
        of(LockersEvent::Put(vec![size("m", 300), size("s", 2)])),
        of(taken(80, 0)),
        of(taken(81, 1)),
        of(LockersEvent::Given { stored: Stored { order: OrderKey(80), group: 0 } }),
    ]
}
