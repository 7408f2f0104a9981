//! Samples of decisions by the kernel in full.

use super::{decision, of_order_numbered, placed};
use crate::domain::decision::{Decision, Evidence, FenceReason, LineUnits};
use crate::domain::delivery::Way;
use crate::domain::event::{Event, WorkloadChanged};
use crate::domain::evidence::{Others, Ruled};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey};
use crate::domain::order::OrderEvent;
use crate::domain::told::Told;
use crate::domain::weighed::{Carried, CostTerm, Priced, Weighed, WeighedLine, WeighedNode};
use crate::domain::workload::WorkloadEvent;
use crate::journal::codec;

/// An order that the kernel in full sourced.
pub(super) fn weighed() -> impl Iterator<Item = Event> {
    let weighed = Weighed {
        amounts: vec![
            (CostTerm::PerShipment, 1),
            (CostTerm::Distance, 2),
            (CostTerm::Split, 3),
            (CostTerm::Shipping, 818),
            (CostTerm::Handling, 100),
            (CostTerm::UnitCost, 4),
            (CostTerm::Late, 400),
            (CostTerm::Carbon, 5),
            (CostTerm::Priority, 6),
            (CostTerm::Unfilled, 3_500),
        ],
        uneconomic: vec![LineUnits { line: 0, quantity: 1 }],
        carried: vec![Carried {
            node: NodeIndex(300),
            group: 0,
            carrier: "post".into(),
            service: "ground".into(),
            parcels: 1,
            price: 818,
        }],
        split: 150,
        shipments_max: Some(2),
        by_price: true,
        complete: false,
        told: Told::listed(
            &[WeighedLine { unit_weight_g: 1_500, per_line: 3_000, per_unit: 500, complete: true, together: Some(0) }],
            &[453, 907, 4_500],
            &[vec![818, 856, 1_000]],
            &[WeighedNode { per_shipment: 100, per_unit: 5, table: 0, parcels_max: 1 }],
            &[7],
        ),
        ahead: None,
    };
    let before = decision();
    let evidence = Evidence {
        fenced: vec![(NodeIndex(2), FenceReason::NoService), (NodeIndex(3), FenceReason::AtCapacity)],
        priced: Priced::Weighed(Box::new(weighed)),
        ..(*before.evidence).clone()
    };
    let decided = Decision { evidence: evidence.into(), ..*before };
    let OrderEvent::Placed { facts, lines, allocations, backordered, .. } = placed() else {
        unreachable!("an order is placed so")
    };
    let placed = OrderEvent::Placed { facts, lines, allocations, backordered, decision: Some(Box::new(decided)) };
    std::iter::once(of_order_numbered(OrderKey(83), 1, placed))
}

/// An order for two destinations, both by a tariff, and one of which the kernel in full sourced the second.
pub(super) fn several() -> impl Iterator<Item = Event> {
    let decided = |key, others: Evidence| {
        let before = decision();
        let others = Box::new(Others { own: 0, parts: vec![(1, others)] });
        let evidence = Evidence { others: Some(others), ..(*before.evidence).clone() };
        let decided = Decision { evidence: evidence.into(), ..*before };
        let OrderEvent::Placed { facts, lines, allocations, backordered, .. } = placed() else {
            unreachable!("an order is placed so")
        };
        let placed = OrderEvent::Placed { facts, lines, allocations, backordered, decision: Some(Box::new(decided)) };
        of_order_numbered(OrderKey(key), 1, placed)
    };
    let seen = (*decision().evidence).clone();
    let weighed = Priced::Weighed(Box::new(Weighed { amounts: vec![(CostTerm::Late, 9)], ..Weighed::default() }));
    [decided(84, seen.clone()), decided(85, Evidence { priced: weighed, truncated: true, ..seen })].into_iter()
}

/// An order of which a group is collected, by rules of its own.
pub(super) fn by_group() -> [Event; 2] {
    let OrderEvent::Placed { facts, lines, allocations, backordered, .. } = placed() else {
        unreachable!("an order is placed so")
    };
    let before = decision();
    let ruled = vec![Ruled { group: 1, rule_set: "store".into(), version: 300 }];
    let evidence = Evidence { ruled, ..(*before.evidence).clone() };
    let decided = Decision { evidence: evidence.into(), ..*before };
    let placed = OrderEvent::Placed { facts, lines, allocations, backordered, decision: Some(Box::new(decided)) };
    let ways = vec![Way { group: 1, method: "pickup".into(), node: Some(NodeIndex(300)) }];
    let of = |version, event| of_order_numbered(OrderKey(90), version, event);
    [of(1, placed), of(2, OrderEvent::Ways { ways })]
}

/// Work of a node on two days.
pub(super) fn worked() -> impl Iterator<Item = Event> {
    let shipments = |numbers: &[u16]| {
        let key = |number: &u16| FulfillmentKey { order: OrderKey(83), number: *number };
        numbers.iter().map(key).collect()
    };
    let taken = |day, numbers: &[u16]| WorkloadEvent::Taken { day, shipments: shipments(numbers) };
    let changed = |event| Event::WorkloadChanged(Box::new(WorkloadChanged { node: NodeIndex(300), event }));
    [taken(20_000, &[1]), taken(20_001, &[2, 3])].into_iter().map(changed)
}

/// Work of another node that went elsewhere.
pub(super) fn work_left() -> impl Iterator<Item = Event> {
    let shipments = vec![FulfillmentKey { order: OrderKey(83), number: 4 }];
    let event = WorkloadEvent::Given { day: 20_000, shipments };
    std::iter::once(Event::WorkloadChanged(Box::new(WorkloadChanged { node: NodeIndex(301), event })))
}

#[test]
fn evidence_of_one_of_several_destinations_has_no_others() {
    let of_one = (*decision().evidence).clone();
    let of = |part: &Evidence| {
        let others = Box::new(Others { own: 0, parts: vec![(1, part.clone())] });
        Evidence { others: Some(others), ..of_one.clone() }
    };
    let read = |seen: &Evidence| {
        let mut bytes = Vec::new();
        codec::put_value(&mut bytes, seen);
        codec::get_value::<Evidence>(&bytes)
    };
    assert_eq!(read(&of(&of_one)), Ok(of(&of_one)));
    let ruled = vec![Ruled { group: 1, rule_set: "store".into(), version: 2 }];
    let by_group = Evidence { ruled, ..of(&of_one) };
    assert_eq!(read(&by_group), Ok(by_group.clone()));
    assert!(read(&of(&by_group)).is_err());
    assert!(read(&of(&of(&of_one))).is_err(), "so bytes cannot make it as deep as they like");
}
