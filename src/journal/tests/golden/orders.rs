//! Events of orders, edits and subscriptions.

use super::*;
use crate::domain::decision::{Assignment, Decision, Evidence, FenceReason, LineUnits, Terms};
use crate::domain::edit::{EditTerms, FoundFulfillment, LineChange, PlannedShipment};
use crate::domain::event::*;
use crate::domain::fulfillment::{FulfillmentStep, Shipment};
use crate::domain::geo::Position;
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{OrderKey, ReservationKey, SubscriptionKey};
use crate::domain::money::Money;
use crate::domain::order::*;
use crate::domain::particulars::Registered;
use crate::domain::sight::Sight;
use crate::domain::subscription::{Every, SubscribedLine, SubscriptionEvent, SubscriptionTerms, WhenShort};
use crate::domain::time::WallTime;
use crate::domain::tracking::{Scan, TrackingStatus};
use crate::domain::weighed::Priced;

pub(super) fn placed() -> OrderEvent {
    let units = LineUnits { line: 0, quantity: 2 };
    OrderEvent::Placed {
        facts: std::sync::Arc::new(OrderFacts {
            id: Some("order-1".into()),
            fingerprint: u64::MAX,
            kind: OrderType::Standard,
            channel: "web".into(),
            channel_order_id: "W-1".into(),
            customer: "c-1".into(),
            personal: Sealed { key_id: 0, bytes: vec![1, 2, 3] },
            currency: Currency::USD,
            destinations: vec![Destination {
                group: "".into(),
                country: "US".into(),
                postal_prefix: "100".into(),
                position: Some(Position { lat_micro: 1, lon_micro: -1 }),
                approximate: true,
                personal: Sealed::default(),
            }],
            delivery_method: "standard".into(),
            payment: Some(Payment { method: "card".into(), status: "authorized".into() }),
            total: Some(3_998),
            rule_set: None,
            reservation: Some(ReservationKey(9)),
            placed_at: WallTime(1_700_000_000_000),
        }),
        lines: vec![PlacedLine {
            id: "1".into(),
            sku: SkuIndex(3),
            quantity: 3,
            unit_price: 1_999,
            group: 0,
            stocked: true,
            components: vec![],
        }],
        allocations: vec![Allocation { number: 1, node: NodeIndex(300), group: 0, lines: vec![units], cost: 650 }],
        backordered: vec![LineUnits { line: 0, quantity: 1 }],
        decision: Some(Box::new(Decision {
            rule_set: "default".into(),
            rule_set_version: 1,
            catalogue_seq: 7,
            cost: Money { amount: 650, currency: Currency::USD },
            lower_bound: 650,
            optimal: true,
            terms: Terms { per_shipment: 500, distance: 150, split: 0 },
            assignments: vec![Assignment { node: NodeIndex(300), lines: vec![units], cost: 650 }],
            unfilled: vec![],
            evidence: std::sync::Arc::new(Evidence {
                sight: Sight::listed(&[(0, 3, 1_200, vec![(0, 1)])], 1, &[(NodeIndex(300), 12_345)], &[2]),
                fenced: vec![(NodeIndex(2), FenceReason::Inactive)],
                destination: Some(Position { lat_micro: 40_000_000, lon_micro: -75_000_000 }),
                nodes: 2,
                truncated: false,
                priced: Priced::Tariff(500, 200_000, 150),
                others: None,
                ruled: Vec::new(),
            }),
        })),
    }
}

/// The life of a fulfilment order that is scheduled, rearranged and put back.
pub(super) fn rearranged() -> impl Iterator<Item = Event> {
    let units = |quantity| vec![LineUnits { line: 0, quantity }];
    let until = ReleaseAt { wall: WallTime(1_700_000_700_000), journal: JournalTime(1_700_000_700_001) };
    let steps = [
        FulfillmentStep::Submitted,
        FulfillmentStep::Moved { node: NodeIndex(301), cost: 700 },
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: units(2) },
        FulfillmentStep::Packed,
        FulfillmentStep::MadeReadyUntil { until },
        FulfillmentStep::Stopped { reason: "pickup_window_ended".into(), resourced: false },
        FulfillmentStep::PutBack { lines: units(1) },
    ];
    let prioritised = OrderEvent::Prioritised { priority: 9 };
    let asked = [OrderEvent::CustomerAsked, OrderEvent::CustomerAnswered, prioritised];
    let of = |number, step| OrderEvent::Fulfillment { number, step };
    let begins = [
        placed(),
        OrderEvent::Scheduled { release: until },
        of(1, FulfillmentStep::Split { lines: units(1), into: 2 }),
        of(2, FulfillmentStep::Merged { into: 1 }),
    ];
    let events = begins.into_iter().chain(steps.map(|step| of(1, step))).chain(asked);
    (1..)
        .zip(events)
        .map(|(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(79), version, event })))
}

/// A shipment that its carrier tells of.
pub(super) fn tracked() -> impl Iterator<Item = Event> {
    let shipment = Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1Z".into() };
    let steps = [
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: vec![LineUnits { line: 0, quantity: 2 }] },
        FulfillmentStep::Packed,
        FulfillmentStep::Shipped { shipment },
    ];
    let scan = |at, status, id: Option<&str>| Scan {
        at: WallTime(at),
        status,
        id: id.map(Into::into),
        place: id.map(|_| "Gary".into()),
        text: None,
    };
    let scans = vec![
        scan(1_700_000_000_001, TrackingStatus::OutForDelivery, Some("e-2")),
        scan(1_700_000_000_000, TrackingStatus::InTransit, None),
    ];
    let told = OrderEvent::Tracked { number: 1, scans, estimated_at: Some(WallTime(1_700_000_000_002)) };
    let events = std::iter::once(placed())
        .chain(steps.map(|step| OrderEvent::Fulfillment { number: 1, step }))
        .chain(std::iter::once(told));
    (1..)
        .zip(events)
        .map(|(version, event)| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(80), version, event })))
}

/// An edit with a little of everything.
pub(super) fn edit(expires_at: i64) -> EditTerms {
    let price = 1_999;
    EditTerms {
        lines: vec![LineChange {
            line: 0,
            quantity_before: 2,
            quantity: 1,
            unit_price_before: price,
            unit_price: price - 100,
        }],
        added: vec![PlacedLine {
            id: "2".into(),
            sku: SkuIndex(3),
            quantity: 3,
            unit_price: 5,
            group: 0,
            stocked: true,
            components: vec![],
        }],
        destination: Some(Destination {
            group: "".into(),
            country: "CA".into(),
            postal_prefix: "K1A".into(),
            position: None,
            approximate: false,
            personal: Sealed { key_id: 0, bytes: vec![9] },
        }),
        found: vec![FoundFulfillment { number: 1, units: vec![], stays: true }],
        shipments: vec![PlannedShipment {
            node: NodeIndex(301),
            group: 0,
            lines: vec![LineUnits { line: 1, quantity: 2 }],
            cost: 70,
        }],
        unfilled: vec![LineUnits { line: 1, quantity: 1 }],
        difference: -2_084,
        reservation: Some(ReservationKey(10)),
        expires_at: JournalTime(expires_at),
    }
}

pub(super) fn empty(expires_at: i64) -> EditTerms {
    EditTerms {
        lines: vec![],
        added: vec![],
        destination: None,
        found: vec![],
        shipments: vec![],
        unfilled: vec![],
        difference: 0,
        reservation: None,
        expires_at: JournalTime(expires_at),
    }
}

pub(super) fn planned() -> std::sync::Arc<Decision> {
    let OrderEvent::Placed { decision: Some(decision), .. } = placed() else { unreachable!("an order is placed so") };
    (*decision).into()
}

/// A plan, or that there is none.
pub(super) fn decision() -> Box<Decision> {
    match placed() {
        OrderEvent::Placed { decision: Some(decision), .. } => decision,
        other => panic!("the sample has a decision, {other:?} has not"),
    }
}

pub(super) fn terms() -> Box<SubscriptionTerms> {
    let OrderEvent::Placed { facts, .. } = placed() else { panic!("the sample is placed") };
    Box::new(SubscriptionTerms {
        fingerprint: u64::MAX,
        channel: "web".into(),
        customer: "c-1".into(),
        personal: facts.personal.clone(),
        currency: Currency::USD,
        destinations: facts.destinations.clone(),
        lines: vec![SubscribedLine { id: "1".into(), sku: SkuIndex(3), quantity: 300, unit_price: 1_999, group: 0 }],
        delivery_method: "ship".into(),
        rule_set: Some("default".into()),
        payment: facts.payment.clone(),
        every: Every { months: 1, seconds: 86_400 },
        first_at: WallTime(1_700_000_000_000),
        when_short: WhenShort::Retry,
    })
}

pub(super) fn of_resting(version: u32, event: OrderEvent) -> Event {
    Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(78), version, event }))
}

pub(super) fn of_subscription(version: u32, event: SubscriptionEvent) -> Event {
    Event::SubscriptionChanged(Box::new(SubscriptionChanged { key: SubscriptionKey(12), version, event }))
}

pub(super) fn registered() -> Registered {
    Registered { units: 1, from: WallTime(1_700_000_000_000), until: WallTime(1_800_000_000_000) }
}

pub(super) fn of_order_numbered(key: OrderKey, version: u32, event: OrderEvent) -> Event {
    Event::OrderChanged(Box::new(OrderChanged { key, version, event }))
}

pub(super) fn of_order(version: u32, event: OrderEvent) -> Event {
    of_order_numbered(OrderKey(77), version, event)
}
