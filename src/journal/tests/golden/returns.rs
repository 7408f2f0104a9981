//! Samples of returns, of what their orders are told, and of their policy.

use super::{of_order_numbered, placed};
use crate::domain::decision::LineUnits;
use crate::domain::event::*;
use crate::domain::exception::{ExceptionEvent, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStep, Shipment};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{NodeIndex, OrderKey, ReturnKey, SkuIndex};
use crate::domain::money::Currency;
use crate::domain::order::OrderEvent;
use crate::domain::order_returns::{Back, ReturnStep};
use crate::domain::payment::PaymentMark;
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::return_policy::{Outside, RefundAt, ReturnPolicy, ReturnScope};
use crate::domain::returns::*;
use crate::domain::stock::{LevelDelta, MovementKind};
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::tracking::{Scan, TrackingStatus};

const NODE: NodeIndex = NodeIndex(300);
const ORDER: OrderKey = OrderKey(80);
const RETURNING: OrderKey = OrderKey(82);

fn units(quantity: u32) -> Vec<LineUnits> {
    vec![LineUnits { line: 0, quantity }]
}

fn requested(id: Option<&str>) -> ReturnEvent {
    ReturnEvent::Requested {
        id: id.map(Into::into),
        fingerprint: 11,
        order: ORDER,
        order_name: "order-1".into(),
        currency: Currency::USD,
        terms: ReturnTerms {
            refund_at: RefundAt::InTransit,
            exchange_at_once: true,
            expires_s: Some(86_400),
            is_claim: false,
        },
        lines: vec![ReturnLine {
            fee_bps: 1_000,
            stated: Some(Condition::Opened),
            outside: Some(Outside::Window),
            ..ReturnLine::requested(0, "1".into(), SkuIndex(3), 2, 3_998, "too small".into())
        }],
        exchange: vec![ExchangeLine { sku: SkuIndex(3), quantity: 1, unit_price: 999 }],
    }
}

fn approved() -> ReturnEvent {
    let expires = ReleaseAt { wall: WallTime(1_700_000_700_000), journal: JournalTime(1_700_000_700_001) };
    ReturnEvent::Approved { nodes: vec![Some(NODE)], expires_at: Some(expires) }
}

fn part(units: u32, condition: Option<Condition>, disposition: Option<Disposition>) -> Part {
    Part { line: 0, units, node: NODE, condition, disposition }
}

fn of_return(key: u64, events: Vec<ReturnEvent>) -> impl Iterator<Item = Event> {
    let key = ReturnKey(key);
    (1..).zip(events).map(move |(version, event)| Event::ReturnChanged(Box::new(ReturnChanged { key, version, event })))
}

/// One of every event of a return, of an order with returns, of a policy of them and of what leaves with them.
pub fn returns() -> Vec<Event> {
    let label = ReturnLabel {
        node: Some(NODE),
        carrier: "post".into(),
        service: Some("parcel".into()),
        tracking_number: "1Z".into(),
    };
    let whole = vec![
        requested(Some("back-1")),
        approved(),
        ReturnEvent::Labelled { label },
        ReturnEvent::InTransit,
        ReturnEvent::Received {
            parts: vec![part(1, None, None), part(1, Some(Condition::Missing), Some(Disposition::Missing))],
        },
        ReturnEvent::Inspected { parts: vec![part(1, Some(Condition::WrongItem), None)] },
        ReturnEvent::Disposed { parts: vec![part(1, Some(Condition::WrongItem), Some(Disposition::NotRestocked))] },
        ReturnEvent::Refunded { amount: 300 },
        ReturnEvent::Replaced { order: OrderKey(81) },
        ReturnEvent::Closed { reason: Some("settled".into()) },
    ];
    let reason = || Some("worn".into());
    let others = of_return(14, vec![requested(None), ReturnEvent::Declined { reason: reason() }])
        .chain(of_return(15, vec![requested(None), approved(), ReturnEvent::Cancelled { reason: reason() }]))
        .chain(of_return(16, vec![requested(None), approved(), ReturnEvent::Expired]));
    let step = |step, units, back| OrderEvent::Return { key: ReturnKey(13), step, units, back };
    let shipment = Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1".into() };
    let fulfilled = [
        FulfillmentStep::Accepted,
        FulfillmentStep::Picked { lines: units(2) },
        FulfillmentStep::Packed,
        FulfillmentStep::Shipped { shipment },
        FulfillmentStep::Delivered,
    ];
    let of_order =
        std::iter::once(placed()).chain(fulfilled.map(|step| OrderEvent::Fulfillment { number: 1, step })).chain([
            step(ReturnStep::Requested, units(2), Back::Nothing),
            step(ReturnStep::Approved, units(2), Back::Nothing),
            step(ReturnStep::Received, units(1), Back::Some),
            step(ReturnStep::Missing, units(1), Back::Some),
        ]);
    let order = (1..).zip(of_order).map(|(version, event)| of_order_numbered(RETURNING, version, event));
    let policy = ReturnPolicy {
        window_days: Some(30),
        final_sale: false,
        conditions: vec![Condition::New, Condition::Opened],
        refund_at: RefundAt::Dispositioned,
        fee_bps: 1_000,
        exchange_at_once: true,
        automatic: true,
        expires_days: Some(300),
    };
    let policy = PolicyPut {
        key: PolicyKey::Returns(ReturnScope::Channel("web".into())),
        policy: Policy::Returns(Box::new(policy)),
    };
    let left =
        [MovementKind::ReturnedToVendor, MovementKind::Liquidated, MovementKind::Donated, MovementKind::Destroyed];
    let leaves = |kind| {
        let delta = LevelDelta { on_hand: -1, quality_control: -1, ..LevelDelta::default() };
        Event::StockMoved(StockMoved { cell: super::CELL, kind, delta })
    };
    let answer = KeyUsed { before: None, hash: 9, fingerprint: 52, answer: Answer::Return(ReturnKey(13)) };
    of_return(13, whole)
        .chain(others)
        .chain(order)
        .chain([Event::PolicyPut(Box::new(policy)), Event::KeyUsed(answer)])
        .chain(left.map(leaves))
        .collect()
}

/// What the first version of what happens to a return has not, and a return with it.
pub fn credited() -> Vec<Event> {
    let label = ReturnLabel { node: None, carrier: "post".into(), service: None, tracking_number: "2Z".into() };
    let events = vec![
        requested(None),
        approved(),
        ReturnEvent::Labelled { label },
        ReturnEvent::Replaced { order: OrderKey(81) },
        ReturnEvent::Credited { amount: 999, instead: 999 },
        ReturnEvent::Credited { amount: -300, instead: 699 },
    ];
    of_return(17, events).collect()
}

/// What carriers tell of the parcels of a return, and a return with that beside it.
pub fn tracked() -> Vec<Event> {
    let label = ReturnLabel { node: None, carrier: "post".into(), service: None, tracking_number: "3Z".into() };
    let seen = |at, status, id: Option<&str>| Scan {
        at: WallTime(at),
        status,
        id: id.map(Into::into),
        place: Some("Chicago".into()),
        text: None,
    };
    let told = |scans, estimated_at| ReturnEvent::Tracked { label: 1, scans, estimated_at };
    let events = vec![
        requested(None),
        approved(),
        ReturnEvent::Labelled { label },
        told(vec![seen(1_700_000_100_000, TrackingStatus::InTransit, None)], Some(WallTime(1_700_000_900_000))),
        ReturnEvent::InTransit,
        told(vec![seen(1_700_000_200_000, TrackingStatus::Delivered, Some("e-2"))], None),
        ReturnEvent::Received { parts: vec![part(1, None, None)] },
    ];
    let (kind, subject) = (ExceptionKind::DeliveryMissed, Subject::Parcel(ReturnKey(18), 1));
    let raised = ExceptionEvent::Raised { units: 2, order: Some(ORDER), due_at: JournalTime(1_700_000_300_000) };
    let case = ExceptionChanged { key: ExceptionKey { kind, subject }, version: 1, event: raised };
    of_return(18, events).chain([Event::ExceptionChanged(Box::new(case))]).collect()
}

/// Kits of a return that were taken apart, money of an exchange, and a receipt before a carrier's last word.
pub fn apart() -> Vec<Event> {
    let label = ReturnLabel { node: None, carrier: "post".into(), service: None, tracking_number: "4Z".into() };
    let parts = vec![
        KitPart { sku: SkuIndex(4), each: 2, weight: 4_000 },
        KitPart { sku: SkuIndex(5), each: 1, weight: 2_000 },
    ];
    let piece = |sku, units, condition, disposition| Piece {
        line: 0,
        sku: SkuIndex(sku),
        units,
        node: NODE,
        before: None,
        condition: Some(condition),
        disposition,
    };
    let pieces = vec![
        piece(4, 1, Condition::Opened, Some(Disposition::Restock)),
        piece(4, 1, Condition::Damaged, None),
        piece(5, 1, Condition::Missing, None),
    ];
    let events = vec![
        requested(None),
        approved(),
        ReturnEvent::Labelled { label },
        ReturnEvent::Received { parts: vec![part(1, None, None)] },
        ReturnEvent::TakenApart(TakenApart { line: 0, node: NODE, condition: None, kits: 1, parts }),
        ReturnEvent::Pieces { pieces },
    ];
    let money = |mark| OrderEvent::PaymentReported { mark, amount: 999 };
    let paid = [PaymentMark::Paid, PaymentMark::Exchanged, PaymentMark::Credited].map(money);
    let order = (1..).zip(std::iter::once(placed()).chain(paid));
    let order = order.map(|(version, event)| of_order_numbered(OrderKey(93), version, event));
    of_return(19, events).chain(order).collect()
}
