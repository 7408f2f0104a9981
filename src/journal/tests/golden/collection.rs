//! Samples of who comes for fulfilment orders, and of the rule they wait by.

use crate::domain::collection::{Arrival, CollectionEvent, CollectionRule};
use crate::domain::event::*;
use crate::domain::ids::{FulfillmentKey, OrderKey};
use crate::domain::order::Sealed;
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::time::WallTime;

/// Another code was handed in.
pub fn tried() -> Vec<Event> {
    let key = FulfillmentKey { order: OrderKey(80), number: 3 };
    let code = Sealed { key_id: 0, bytes: b"K7PM".to_vec() };
    let of = |event| Event::CollectionChanged(Box::new(CollectionChanged { key, event }));
    vec![of(CollectionEvent::Awaited { code }), of(CollectionEvent::Tried)]
}

/// One of every event of a collection.
pub fn collected() -> Vec<Event> {
    let of = |number: u16, event| {
        let key = FulfillmentKey { order: OrderKey(80), number };
        Event::CollectionChanged(Box::new(CollectionChanged { key, event }))
    };
    let awaited = || CollectionEvent::Awaited { code: Sealed { key_id: 0, bytes: b"K7PM".to_vec() } };
    let arrival = Arrival { at: WallTime(1_700_000_100_000), spot: Some("bay 4".into()) };
    let rule = CollectionRule { code: true, window_s: Some(259_200) };
    let policy = PolicyPut { key: PolicyKey::Collection("curbside".into()), policy: Policy::Collection(rule) };
    vec![
        of(1, awaited()),
        of(1, CollectionEvent::Arrived { arrival }),
        of(2, awaited()),
        of(2, CollectionEvent::Over),
        Event::PolicyPut(Box::new(policy)),
    ]
}
