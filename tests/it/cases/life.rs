//! Faults in what happens to an order and its stock after the checkout, each named after its row.

use ordain::domain::command::*;
use ordain::domain::event::Event;
use ordain::domain::fulfillment::FulfillmentStatus;
use ordain::domain::ids::FulfillmentKey;
use ordain::domain::inbound::SupplyKey;
use ordain::domain::order::{Order, OrderStatus};
use ordain::domain::rejection::Rejection;
use ordain::domain::reply::Reply;
use ordain::domain::reservation::{Reservation, ReservationState};
use ordain::domain::stock::MovementKind;
use ordain::domain::time::WallTime;
use ordain::pipeline::Refused;

use super::on_threads;
use crate::shop::{Shop, order, quantity, text};

fn cancel(shop: &Shop, placed: &Order, units: Option<u32>) -> Result<Reply, Refused> {
    let lines = units.map(|n| vec![CancelUnits { line: text("1"), quantity: quantity(n), from: None }]);
    shop.run(Command::CancelOrder(CancelOrder { order: text(&placed.name()), lines, reason: text("changed my mind") }))
}

fn step(shop: &Shop, placed: &Order, number: u16, action: FulfillmentAction) -> Result<Order, Refused> {
    let fulfillment = text(&FulfillmentKey { order: placed.key, number }.to_string());
    match shop.run(Command::Fulfill(Fulfill { fulfillment, action }))? {
        Reply::Fulfillment { order, .. } => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

fn change(shop: &Shop, held: &Reservation, units: Option<u32>, ttl_s: Option<u64>) -> Result<Reply, Refused> {
    let line = |n| vec![ReserveLine { sku: text("phone"), quantity: quantity(n), node: None }];
    let reservation = text(&held.name());
    shop.run(Command::ChangeReservation(ChangeReservation { owner: None, reservation, ttl_s, lines: units.map(line) }))
}

fn total(shop: &Shop) -> ordain::domain::stock::Level {
    shop.ordain.engine().stock("phone").expect("known").total
}

fn is_code<T: std::fmt::Debug>(told: &Result<T, Refused>, code: &str) -> bool {
    matches!(told, Err(Refused::Rejected(rejection)) if rejection.code() == code)
}

#[test]
fn case_03_order_claim_and_allocation_are_one_record_or_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 3, 3);
    let held = shop.reserve(&[("phone", 4)], 60).expect("enough");
    let before = shop.ordain.journal().last_seq();
    let claiming = PlaceOrder { reservation: Some(text(&held.name())), ..order("c1", &[("phone", 5)]) };
    let placed = shop.place(claiming.clone()).expect("its own units and one more");
    assert_eq!(placed.seq, before + 1, "one record");
    let record = shop.ordain.journal().read(placed.seq).expect("readable").expect("there");
    let has = |kind: fn(&Event) -> bool| record.events.iter().any(kind);
    assert!(has(|e| matches!(e, Event::OrderChanged(_))) && has(|e| matches!(e, Event::ReservationChanged(_))));
    assert!(has(|e| matches!(e, Event::StockMoved(_))));
    let again = shop.place(PlaceOrder { channel_order_id: text("c2"), ..claiming });
    assert!(again.is_err(), "the reservation is claimed: {again:?}");
    assert_eq!(shop.ordain.journal().last_seq(), placed.seq, "what is refused leaves nothing behind");
    shop.check();
}

#[test]
fn case_07_of_more_buyers_than_units_exactly_the_units_are_allocated() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 11, 9);
    let placed = on_threads(24, |n| shop.place(order(&format!("c{n}"), &[("phone", 1)])).expect("the rest waits"));
    let is = |status| placed.iter().filter(|order| order.status() == status).count();
    assert_eq!((is(OrderStatus::FullyAllocated), is(OrderStatus::Backordered)), (20, 4));
    let winners: Vec<&Order> = placed.iter().filter(|o| o.status() == OrderStatus::FullyAllocated).collect();
    on_threads(4, |n| cancel(&shop, winners[n], None).expect("not begun"));
    for order in placed.iter().filter(|o| o.status() == OrderStatus::Backordered) {
        let now = shop.ordain.engine().order(&order.name()).expect("there").status();
        assert_eq!(now, OrderStatus::FullyAllocated, "a cancel serves who waits");
    }
    assert_eq!((total(&shop).committed, total(&shop).available), (20, 0));
    shop.check();
}

#[test]
fn case_09_the_loser_of_the_last_unit_is_told_before_paying() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 1, 0);
    let told = on_threads(2, |_| shop.reserve(&[("phone", 1)], 60));
    let (won, lost): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
    assert!(is_code(&lost[0], "insufficient_stock"), "{lost:?}");
    let held = won[0].as_ref().expect("one of two").name();
    let paid = PlaceOrder { reservation: Some(text(&held)), ..order("c1", &[("phone", 1)]) };
    assert_eq!(shop.place(paid).expect("its own unit").status(), OrderStatus::FullyAllocated);
    shop.check();
}

#[test]
fn case_13_every_point_of_the_checkout_holds_for_a_time_of_its_own() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 1, 0);
    let (cart, checkout, payment) = (60, 600, 1_800);
    let held = shop.reserve(&[("phone", 1)], cart).expect("enough");
    shop.clock.advance(59_000);
    change(&shop, &held, None, Some(checkout)).expect("still held");
    shop.clock.advance(599_000);
    change(&shop, &held, None, Some(payment)).expect("still held");
    shop.clock.advance(1_799_999);
    assert_eq!(shop.atp("phone"), 0);
    shop.clock.advance(1);
    assert_eq!(shop.atp("phone"), 1, "free at its instant");
    assert!(is_code(&change(&shop, &held, None, Some(cart)), "reservation_expired"));
}

#[test]
fn case_14_what_is_paid_for_is_claimed_first_or_refused_with_a_reason() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 1, 0);
    let held = shop.reserve(&[("phone", 1)], 60).expect("enough");
    shop.clock.advance(60_000);
    let other = shop.reserve(&[("phone", 1)], 600).expect("it lapsed");
    let late = PlaceOrder { reservation: Some(text(&held.name())), ..order("c1", &[("phone", 1)]) };
    assert!(is_code(&shop.place(late.clone()), "reservation_expired"), "the payment can be voided with a reason");
    shop.release(&other).expect("held");
    let anew = shop.place(PlaceOrder { reacquire: true, ..late }).expect("taken anew in the same record");
    assert_eq!(anew.status(), OrderStatus::FullyAllocated);
    shop.check();
}

#[test]
fn case_17_nothing_drifts_so_there_is_nothing_to_repair() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut shop = Shop::with_phones(dir.path(), 6, 5);
    let mut orders: Vec<Order> = Vec::new();
    for round in 0_u32..12 {
        orders.push(shop.place(order(&format!("c{round}"), &[("phone", 1 + round % 3)])).expect("the rest waits"));
        match round % 4 {
            0 => drop(shop.reserve(&[("phone", 1)], 60)),
            1 => drop(cancel(&shop, &orders[round as usize / 2], Some(1))),
            2 => drop(step(&shop, &orders[0], 1, FulfillmentAction::Accept)),
            _ => shop.receive("phone", "west", 2),
        }
        // As a nightly job elsewhere would: counted anew from what is allocated.
        let live = orders.iter().map(|o| shop.ordain.engine().order(&o.name()).expect("there")).map(|o| o.totals());
        let counted: u32 = live.map(|b| b.allocated + b.released + b.picked + b.packed).sum();
        assert_eq!(total(&shop).committed, counted, "round {round}");
        shop.check();
        if round % 5 == 4 {
            shop = shop.restart(dir.path());
        }
    }
}

#[test]
fn case_18_what_was_given_back_is_not_given_back_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 0);
    let placed = shop.place(order("c1", &[("phone", 3)])).expect("enough");
    let results = on_threads(8, |_| cancel(&shop, &placed, None));
    assert!(results.iter().any(Result::is_ok));
    assert_eq!((total(&shop).available, total(&shop).committed), (10, 0));
    let reject = || FulfillmentAction::Reject { reason: text("closed") };
    let late = step(&shop, &placed, 1, reject());
    assert!(is_code(&late, "illegal_transition"), "{late:?}");
    let held = shop.reserve(&[("phone", 4)], 60).expect("enough");
    shop.clock.advance(60_000);
    on_threads(4, |n| {
        if n % 2 == 0 {
            drop(shop.release(&held))
        } else {
            shop.ordain.tick();
        }
    });
    assert_eq!(total(&shop).available, 10, "expired and released is given back once");
    shop.check();
    shop.restart(dir.path()).check();
}

#[test]
fn case_22_every_committed_unit_has_an_owner_with_an_end() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 6, 0);
    let shipped = shop.place(order("c1", &[("phone", 2)])).expect("enough");
    let cancelled = shop.place(order("c2", &[("phone", 2)])).expect("enough");
    let lapsing = shop.reserve(&[("phone", 2)], 60).expect("enough");
    assert_eq!((total(&shop).committed, total(&shop).reserved), (4, 2));
    for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack] {
        step(&shop, &shipped, 1, action).expect("legal");
    }
    let shipment = ordain::domain::fulfillment::Shipment {
        carrier: text("post"),
        service: text("parcel"),
        tracking_number: text("1"),
    };
    step(&shop, &shipped, 1, FulfillmentAction::Ship { shipment }).expect("packed");
    cancel(&shop, &cancelled, None).expect("not begun");
    shop.clock.advance(60_000);
    shop.ordain.tick();
    let ended = shop.ordain.engine().reservation(&lapsing.name()).expect("readable");
    assert_eq!(ended.state, ReservationState::Expired);
    let left = total(&shop);
    assert_eq!((left.committed, left.reserved, left.available, left.on_hand), (0, 0, 4, 4));
    shop.check();
}

#[test]
fn case_35_some_units_of_a_line_can_be_cancelled_with_a_reason() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 3, 2);
    let placed = shop.place(order("c1", &[("phone", 7)])).expect("two wait");
    let Ok(Reply::Order(left)) = cancel(&shop, &placed, Some(3)) else { panic!("four are left") };
    let buckets = left.buckets(0);
    assert_eq!((buckets.cancelled, buckets.backordered, buckets.allocated), (3, 0, 4), "who waits is cancelled first");
    assert_eq!(total(&shop).available, 1);
    let more = cancel(&shop, &placed, Some(5));
    assert!(is_code(&more, "not_cancellable"), "{more:?}");
    shop.check();
}

#[test]
fn case_36_a_cancelled_fulfilment_order_goes_back_to_sourcing_or_ends_the_demand() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 5, 5);
    for (resource, status, committed) in [(true, OrderStatus::FullyAllocated, 2), (false, OrderStatus::Cancelled, 2)] {
        let placed = shop.place(order(&format!("c-{resource}"), &[("phone", 2)])).expect("enough");
        let cancelled = FulfillmentAction::Cancel { reason: text("no courier"), resource };
        let left = step(&shop, &placed, 1, cancelled).expect("not begun");
        assert_eq!(left.fulfillment_orders[0].status, FulfillmentStatus::Cancelled);
        assert_eq!((left.status(), total(&shop).committed), (status, committed), "resource: {resource}");
    }
    shop.check();
}

#[test]
fn case_37_a_reservation_grows_shrinks_and_is_redated_in_place() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 0);
    let held = shop.reserve(&[("phone", 6)], 60).expect("enough");
    // Others try for every unit all the while; none of its own is ever to be had.
    on_threads(3, |n| {
        for round in 0..40 {
            if n > 0 {
                if let Ok(taken) = shop.reserve(&[("phone", 1)], 60) {
                    shop.release(&taken).expect("held");
                }
                continue;
            }
            match change(&shop, &held, Some(6 + round % 3), Some(60)) {
                Ok(Reply::Reservation(now)) => assert!(now.lines.iter().map(|l| l.quantity).sum::<u32>() >= 6),
                Err(Refused::Rejected(Rejection::InsufficientStock { .. } | Rejection::Contended)) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    change(&shop, &held, Some(1), Some(600)).expect("shrinks and is redated");
    assert_eq!((total(&shop).reserved, shop.atp("phone")), (1, 9));
    shop.check();
}

#[test]
fn case_39_what_comes_back_lands_at_the_node_that_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 2, 0);
    let back = Adjustment { sku: text("phone"), node: text("west"), delta: 1, reason: MovementKind::Returned };
    shop.run(Command::AdjustStock(vec![back])).expect("there is room");
    let view = shop.ordain.engine().stock("phone").expect("known");
    let at: Vec<_> = view.nodes.iter().map(|(node, level)| (node.to_string(), level.on_hand)).collect();
    assert_eq!(at, [("east".to_owned(), 2), ("west".to_owned(), 1)]);
    shop.check();
}

#[test]
fn case_40_a_backorder_waits_for_a_named_document_and_its_receipt_serves_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 0, 0);
    let placed = shop.place(order("c1", &[("phone", 2)])).expect("it waits");
    assert_eq!(placed.status(), OrderStatus::Backordered);
    let units = |n| SkuUnits { sku: text("phone"), quantity: quantity(n) };
    let announce = AnnounceInbound {
        id: Some(text("po-1")),
        fingerprint: 0,
        node: text("east"),
        supplier: None,
        eta: WallTime(1_736_300_000_000),
        lines: vec![units(5)],
    };
    shop.run(Command::AnnounceInbound(announce)).expect("a good document");
    let (_, pegs) = shop.ordain.engine().pegs_of_order(&placed.name()).expect("there");
    let document = shop.ordain.engine().inbound("po-1").expect("there");
    assert_eq!(
        pegs.iter().map(|p| (p.units, p.supply.map(|s| s.document))).collect::<Vec<_>>(),
        [(2, Some(SupplyKey::Inbound(document.key)))]
    );
    let action = InboundAction::Receive(vec![units(5).into()]);
    shop.run(Command::ChangeInbound { inbound: text("po-1"), action }).expect("it comes");
    let now = shop.ordain.engine().order(&placed.name()).expect("there");
    assert_eq!((now.status(), shop.atp("phone")), (OrderStatus::FullyAllocated, 3));
    shop.check();
}

#[test]
fn case_43_what_is_owed_is_counted_beside_what_is_there_and_nothing_goes_below_zero() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 1, 0);
    let placed = shop.place(order("c1", &[("phone", 4)])).expect("three wait");
    assert_eq!((placed.totals().backordered, total(&shop).available, total(&shop).on_hand), (3, 0, 1));
    shop.receive("phone", "west", 9);
    assert_eq!(total(&shop).available, 6, "what was owed went first");
    shop.check();
}

#[test]
fn case_44_every_record_that_changes_a_counter_says_so_itself() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 5, 0);
    let told = |what: &str, work: &dyn Fn()| {
        let (before, levels) = (shop.ordain.journal().last_seq(), shop.levels());
        work();
        assert_ne!(shop.levels(), levels, "{what} changes a counter");
        let last = shop.ordain.journal().last_seq();
        shop.ordain.journal().durable_blocking(last, ()).expect("durable");
        let mut records =
            (before + 1..=last).map(|seq| shop.ordain.journal().read(seq).expect("readable").expect("there"));
        let moved = records.any(|record| record.events.iter().any(|event| matches!(event, Event::StockMoved(_))));
        assert!(moved, "{what} is in the feed");
    };
    told("a receipt", &|| shop.receive("phone", "east", 1));
    told("a reservation", &|| drop(shop.reserve(&[("phone", 1)], 60).expect("enough")));
    let placed = std::cell::OnceCell::new();
    told("an order", &|| placed.set(shop.place(order("c1", &[("phone", 3)])).expect("enough")).expect("once"));
    let placed = placed.get().expect("just placed");
    told("a cancellation", &|| drop(cancel(&shop, placed, Some(1)).expect("not begun")));
    step(&shop, placed, 1, FulfillmentAction::Accept).expect("legal");
    step(&shop, placed, 1, FulfillmentAction::Pick { lines: None }).expect("legal");
    step(&shop, placed, 1, FulfillmentAction::Pack).expect("legal");
    told("a handover to the carrier", &|| {
        let shipment = ordain::domain::fulfillment::Shipment {
            carrier: text("post"),
            service: text("parcel"),
            tracking_number: text("1"),
        };
        step(&shop, placed, 1, FulfillmentAction::Ship { shipment }).expect("packed");
    });
    told("a lapse", &|| {
        shop.clock.advance(60_000);
        shop.ordain.tick();
    });
}
