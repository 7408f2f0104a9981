//! Tests: orders of the past are taken in with their own dates, touch no stock, are found like all others, and come back
//! when something is told of them.

use std::sync::Arc;

use super::archived::{order_in, run, shop, start, tidy, usd};
use crate::domain::archive::Archiving;
use crate::domain::command::{
    CancelOrder, Command, Fulfill, FulfillmentAction, ImportOrder, NamedUnits, PastShipment, PlaceOrder, ReportPayment,
};
use crate::domain::event::Event;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::order::{Order, OrderStatus, Payment};
use crate::domain::payment::PaymentMark;
use crate::domain::quantity::Quantity;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Outcome;
use crate::domain::state::State;
use crate::domain::time::{JournalTime, WallTime};
use crate::engine::tests::world::World;
use crate::pipeline::{Pipeline, Refused};
use crate::views::{Filter, Views};

/// 2019-05-01 and two days later.
const PLACED_AT: WallTime = WallTime(1_556_668_800_000);
const CLOSED_AT: WallTime = WallTime(PLACED_AT.0 + 2 * 86_400_000);

fn units(line: &str, quantity: u32) -> NamedUnits {
    NamedUnits { line: line.into(), quantity: Quantity::new(quantity).expect("some units") }
}

fn parcel(lines: Option<Vec<NamedUnits>>) -> PastShipment {
    let word = |word: &str| -> Text { word.into() };
    let shipment = Shipment { carrier: word("ups"), service: word("ground"), tracking_number: word("1Z") };
    PastShipment {
        node: "east".into(),
        lines,
        shipment: Some(shipment),
        shipped_at: Some(WallTime(PLACED_AT.0 + 1)),
        delivered_at: None,
    }
}

fn past(id: &str, shipments: Vec<PastShipment>) -> ImportOrder {
    let order = PlaceOrder {
        id: Some(id.into()),
        fingerprint: 7,
        placed_at: Some(PLACED_AT),
        payment: Some(Payment { method: "card".into(), status: "paid".into() }),
        ..World::order_of(&format!("W-{id}"), &[("phone", 2), ("phone", 3)], None)
    };
    ImportOrder { order, closed_at: CLOSED_AT, shipments }
}

fn import(pipeline: &Pipeline, past: ImportOrder) -> Result<Outcome, Refused> {
    run(pipeline, Command::ImportOrder(Box::new(past)))
}

fn faults_of(pipeline: &Pipeline, past: ImportOrder) -> Vec<(String, &'static str)> {
    match import(pipeline, past) {
        Err(Refused::Rejected(Rejection::Invalid(faults))) => faults.into_iter().map(|f| (f.field, f.code)).collect(),
        other => panic!("{other:?}"),
    }
}

fn told(order: &Order) -> Vec<(&str, i64)> {
    order.history.iter().map(|told| (&*told.what, told.at.0)).collect()
}

#[test]
fn an_order_of_the_past_keeps_its_dates_and_touches_no_stock() {
    let (disk, mut pipeline) = shop();
    let levels = pipeline.engine().all_levels();
    let whole = order_in(import(&pipeline, past("whole", vec![parcel(None)])).expect("a good line"));
    let part = order_in(import(&pipeline, past("part", vec![parcel(Some(vec![units("2", 1)]))])).expect("a good line"));
    let none = order_in(import(&pipeline, past("none", vec![])).expect("a good line"));
    assert_eq!(whole.status(), OrderStatus::Fulfilled);
    assert_eq!((part.totals().delivered, part.totals().cancelled), (1, 4));
    assert_eq!(none.status(), OrderStatus::Cancelled);
    assert_eq!(whole.received_at, JournalTime(PLACED_AT.0));
    let (placed, closed) = (PLACED_AT.0, CLOSED_AT.0);
    assert_eq!(told(&whole), [("placed", placed), ("shipped", placed + 1), ("delivered", closed)]);
    assert_eq!(told(&none), [("placed", placed), ("cancelled", closed)]);
    assert_eq!(whole.fulfillment_orders[0].status, FulfillmentStatus::Delivered);
    assert_eq!(whole.payments.len(), 1, "it was paid");
    assert_eq!(pipeline.engine().all_levels(), levels);

    for round in 0..3 {
        for known in [&whole, &part, &none] {
            let name = known.name();
            let found = pipeline.engine().order(&name).expect("it is found");
            assert!(found.is_same_as(known), "round {round}: {found:?} is not {known:?}");
            assert!(found.history.iter().all(|told| told.seq == found.seq));
        }
        match round {
            0 => assert_eq!(tidy(&pipeline), 0, "memory lets them go"),
            _ => {
                drop(pipeline);
                disk.crash();
                pipeline = start(&disk).expect("a good disk");
            }
        }
    }
    assert_eq!(pipeline.engine().all_levels(), levels);
}

#[test]
fn an_order_of_the_past_is_taken_in_once_and_its_names_are_taken() {
    let (_disk, pipeline) = shop();
    let first = order_in(import(&pipeline, past("a", vec![parcel(None)])).expect("a good line"));
    for _ in 0..2 {
        let seq = pipeline.journal().last_seq();
        let again = import(&pipeline, past("a", vec![parcel(None)])).expect("the same line");
        assert!(again.replayed);
        assert_eq!(order_in(again).key, first.key);
        let other =
            ImportOrder { order: PlaceOrder { fingerprint: 8, ..past("a", vec![]).order }, ..past("a", vec![]) };
        assert!(matches!(import(&pipeline, other), Err(Refused::Rejected(Rejection::IdTaken { .. }))));
        let twin = PlaceOrder { channel_order_id: "W-a".into(), ..past("b", vec![]).order };
        let placed = run(&pipeline, Command::PlaceOrder(Box::new(PlaceOrder { placed_at: None, ..twin.clone() })));
        assert!(matches!(placed, Err(Refused::Rejected(Rejection::DuplicateChannelOrder { .. }))), "{placed:?}");
        let twin = import(&pipeline, ImportOrder { order: twin, ..past("b", vec![]) });
        assert!(matches!(twin, Err(Refused::Rejected(Rejection::DuplicateChannelOrder { .. }))), "{twin:?}");
        assert_eq!(pipeline.journal().last_seq(), seq, "what is refused or repeated writes nothing");
        tidy(&pipeline);
    }
}

#[test]
fn a_refund_brings_an_order_of_the_past_back_and_it_leaves_again() {
    let (_disk, pipeline) = shop();
    let known = order_in(import(&pipeline, past("a", vec![parcel(None)])).expect("a good line"));
    for in_archive in [false, true] {
        if in_archive {
            assert_eq!(tidy(&pipeline), 0);
        }
        let before = pipeline.engine().order("a").expect("it is found");
        let refund = ReportPayment { order: "a".into(), mark: PaymentMark::Refunded, amount: usd(5) };
        let refunded = order_in(run(&pipeline, Command::ReportPayment(refund)).expect("it was paid"));
        assert_eq!(refunded.version, before.version + 1);
        let record = pipeline.journal().read(pipeline.journal().last_seq()).expect("kept").expect("durable");
        assert!(matches!(&record.events[0], Event::Archiving(Archiving::Back(order)) if order.key == known.key));
    }
    let cancel = CancelOrder { order: "a".into(), lines: None, reason: "late".into() };
    assert!(run(&pipeline, Command::CancelOrder(cancel)).is_err(), "it has ended");
    let fulfillment = FulfillmentKey { order: known.key, number: 1 }.to_string().into();
    let step = Fulfill { fulfillment, action: FulfillmentAction::Accept };
    assert!(run(&pipeline, Command::Fulfill(step)).is_err(), "it was delivered");
    assert_eq!(tidy(&pipeline), 0);
    assert_eq!(pipeline.engine().order("a").expect("it is found").payments.len(), 3);
}

#[test]
fn lists_find_orders_of_the_past() {
    let (_disk, pipeline) = shop();
    let views = Views::of(&State::default(), Some(Arc::clone(pipeline.journal().archive())));
    let mut tail = pipeline.journal().tail(0);
    for n in 0..5 {
        import(&pipeline, past(&format!("a-{n}"), vec![parcel(None)])).expect("a good line");
    }
    for round in 0..2 {
        while let Some(record) = tail.try_next().expect("kept") {
            views.read(&record, &|_, _| None);
        }
        for filter in [
            Filter { status: Some(OrderStatus::Fulfilled), ..Filter::default() },
            Filter { customer: Some("customer-1".into()), ..Filter::default() },
            Filter { until: Some(CLOSED_AT), ..Filter::default() },
        ] {
            let page = views.orders().page(&filter, 10, None).expect("the archive reads");
            assert_eq!(page.items.len(), 5, "round {round}: {filter:?}");
        }
        tidy(&pipeline);
    }
}

#[test]
fn a_line_that_cannot_have_been_is_refused_with_every_fault() {
    let (_disk, pipeline) = shop();
    let seq = pipeline.journal().last_seq();
    let bad = |change: fn(&mut ImportOrder)| {
        let mut line = past("bad", vec![parcel(Some(vec![units("1", 2)]))]);
        change(&mut line);
        faults_of(&pipeline, line)
    };
    let field = |field: &str, code| vec![(field.to_owned(), code)];
    assert_eq!(bad(|line| line.order.placed_at = None), field("placed_at", "missing_field"));
    assert_eq!(bad(|line| line.closed_at = WallTime(i64::MAX)), field("closed_at", "time_out_of_order"));
    let late = bad(|line| line.shipments[0].delivered_at = Some(WallTime(CLOSED_AT.0 + 1)));
    assert_eq!(late, field("shipments[0].delivered_at", "time_out_of_order"));
    let early = bad(|line| line.shipments[0].shipped_at = Some(WallTime(PLACED_AT.0 - 1)));
    assert_eq!(early, field("shipments[0].shipped_at", "time_out_of_order"));
    assert_eq!(bad(|line| line.shipments[0].node = "west".into()), field("shipments[0].node", "unknown_node"));
    let twice = bad(|line| line.shipments.push(parcel(Some(vec![units("1", 1)]))));
    assert_eq!(twice, field("shipments[1].lines", "quantity_out_of_range"));
    let unknown = bad(|line| line.shipments[0].lines = Some(vec![units("9", 1)]));
    assert_eq!(unknown, field("shipments[0].lines[0].line", "unknown_line"));
    let many = bad(|line| {
        line.order.reservation = Some("cart".into());
        line.order.rule_set = Some("default".into());
        line.closed_at = WallTime(PLACED_AT.0 - 1);
        line.order.lines[0].sku = "tablet".into();
    });
    let codes: Vec<&str> = many.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes[..2], ["order_has_ended", "order_has_ended"]);
    assert!(codes.contains(&"time_out_of_order") && codes.contains(&"unknown_sku"), "{codes:?}");
    assert_eq!(pipeline.journal().last_seq(), seq, "nothing was written");
}
