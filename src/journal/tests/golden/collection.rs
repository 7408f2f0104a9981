//! Samples of who comes for fulfilment orders, and of the rule they wait by.

use crate::domain::collection::{Arrival, CollectionEvent, CollectionRule};
use crate::domain::decision::LineUnits;
use crate::domain::event::*;
use crate::domain::fulfillment::{FulfillmentStep, Shipment};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey};
use crate::domain::order::{OrderEvent, Sealed};
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::promise::calendar::CivilDay;
use crate::domain::time::WallTime;

/// Another code was handed in.
pub fn tried() -> Vec<Event> {
    let key = FulfillmentKey { order: OrderKey(80), number: 3 };
    let code = Sealed { key_id: 0, bytes: b"K7PM".to_vec() };
    let of = |event| Event::CollectionChanged(Box::new(CollectionChanged { key, event }));
    vec![of(CollectionEvent::Awaited { code }), of(CollectionEvent::Tried)]
}

/// An order that is sent to a store, where its customer comes for it; not all of it comes there when that is said.
pub fn sent_to_store(key: u64, placed: OrderEvent, received: FulfillmentStep) -> Vec<Event> {
    let shipment = Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1Z".into() };
    let steps = [
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: vec![LineUnits { line: 0, quantity: 2 }] },
        FulfillmentStep::Packed,
        FulfillmentStep::Shipped { shipment },
        received,
    ];
    let steps = steps.map(|step| OrderEvent::Fulfillment { number: 1, step });
    let promised = OrderEvent::ReadyPromised { number: 1, ready_by: WallTime(1_700_000_100_000) };
    let of = |(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(key), version, event }));
    (1..).zip([placed, promised].into_iter().chain(steps)).map(of).collect()
}

/// A shipment of an order that was promised to be there by a day, and the day for which that is wanted.
pub fn promised(key: u64) -> Vec<Event> {
    let promised = OrderEvent::DeliveryPromised { number: 1, deliver_by: CivilDay(19_686) };
    let wanted = OrderEvent::ArrivalWanted { by: CivilDay(19_690) };
    let of = |(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(key), version, event }));
    (2..).zip([promised, wanted]).map(of).collect()
}

/// All of it came.
pub fn received() -> FulfillmentStep {
    FulfillmentStep::Received { node: NodeIndex(301) }
}

/// Some of it is missing.
pub fn received_in_part() -> FulfillmentStep {
    let missing = vec![LineUnits { line: 0, quantity: 1 }];
    FulfillmentStep::ReceivedInPart { node: NodeIndex(301), missing, gone: Vec::new() }
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
