//! Faults of other systems that must not happen here, each named after its row.

mod channels;
mod life;

use std::sync::atomic::{AtomicU32, Ordering};

use ordain::domain::command::*;
use ordain::domain::item::ItemKind;
use ordain::domain::order::{Order, OrderStatus};
use ordain::domain::rejection::Rejection;
use ordain::domain::reply::Reply;
use ordain::domain::reservation::ReservationState;
use ordain::domain::stock::MovementKind;
use ordain::pipeline::Refused;

use crate::shop::{Shop, order, quantity, reserve, text};

fn on_threads<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|n| {
                scope.spawn({
                    let work = &work;
                    move || work(n)
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no thread panics")).collect()
    })
}

#[test]
fn case_01_concurrent_reservations_never_oversubscribe_a_level() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 0);
    let won = on_threads(16, |_| shop.reserve(&[("phone", 3)], 60).is_ok());
    assert_eq!(won.into_iter().filter(|won| *won).count(), 3);
    assert_eq!(shop.atp("phone"), 1);
    shop.check();
}

#[test]
fn case_02_a_bundle_and_a_single_line_never_share_a_unit() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 3, 0);
    shop.item("case", ItemKind::Product, &[]);
    shop.item("bundle", ItemKind::Kit, &[("phone", 2), ("case", 1)]);
    shop.receive("case", "east", 9);
    let refused = shop.reserve(&[("bundle", 1), ("phone", 2)], 60);
    assert!(matches!(refused, Err(Refused::Rejected(Rejection::InsufficientStock { .. }))), "{refused:?}");
    assert_eq!(shop.atp("phone"), 3, "nothing was taken");
    let placed = shop.place(order("c1", &[("bundle", 1), ("phone", 2)])).expect("the rest waits");
    assert_eq!(placed.status(), OrderStatus::PartiallyAllocated);
    let bundles = on_threads(8, |n| {
        shop.receive("phone", "east", 1);
        shop.place(order(&format!("b{n}"), &[("bundle", 1), ("phone", 1)])).map(|o| o.status())
    });
    assert_eq!(bundles.len(), 8);
    shop.check();
    shop.restart(dir.path()).check();
}

#[test]
fn case_04_no_counter_goes_below_zero() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 5, 0);
    let held = shop.reserve(&[("phone", 4)], 60).expect("enough");
    on_threads(8, |_| drop(shop.release(&held)));
    let lost = Adjustment { sku: text("phone"), node: text("east"), delta: -6, reason: MovementKind::Lost };
    let refused = shop.run(Command::AdjustStock(vec![lost]));
    assert!(matches!(refused, Err(Refused::Rejected(Rejection::InsufficientOnHand { on_hand: 5, .. }))));
    assert_eq!(shop.atp("phone"), 5);
    shop.check();
}

#[test]
fn case_05_what_is_allocated_is_what_was_ordered_not_more() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 20);
    let placed = shop.place(order("c1", &[("phone", 13)])).expect("enough");
    let allocated: u32 = placed.fulfillment_orders.iter().map(|f| f.units_of(0)).sum();
    assert_eq!((allocated, placed.status()), (13, OrderStatus::FullyAllocated));
    assert_eq!(shop.atp("phone"), 17);
    let waits = shop.place(order("c2", &[("phone", 20)])).expect("three wait");
    assert_eq!((waits.totals().allocated, waits.totals().backordered), (17, 3), "the shortfall is explicit");
    shop.check();
}

#[test]
fn case_06_concurrent_changes_of_one_level_are_all_counted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 100, 0);
    on_threads(8, |n| {
        for _ in 0..25 {
            shop.receive("phone", "east", 1);
            let delta = -1;
            let lost = Adjustment { sku: text("phone"), node: text("east"), delta, reason: MovementKind::Lost };
            shop.run(Command::AdjustStock(vec![lost])).unwrap_or_else(|e| panic!("thread {n}: {e}"));
            shop.receive("phone", "east", 2);
        }
    });
    assert_eq!(shop.atp("phone"), 100 + 8 * 25 * 2);
    shop.check();
}

#[test]
fn case_08_two_concurrent_checkouts_count_as_two() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 0);
    on_threads(2, |n| shop.place(order(&format!("c{n}"), &[("phone", 1)])).expect("enough"));
    let view = shop.ordain.engine().stock("phone").expect("known");
    assert_eq!((view.total.committed, view.total.available), (2, 8));
}

#[test]
fn case_11_a_flash_sale_has_exactly_as_many_winners_as_units() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 7, 6);
    let told = AtomicU32::new(0);
    let won = on_threads(64, |_| match shop.reserve(&[("phone", 1)], 60) {
        Ok(_) => true,
        Err(Refused::Rejected(Rejection::InsufficientStock { available, .. })) => {
            told.fetch_add(1, Ordering::Relaxed);
            assert_eq!(available, 0, "the loser is told what is left");
            false
        }
        Err(other) => panic!("{other}"),
    });
    let winners = won.into_iter().filter(|won| *won).count();
    assert_eq!((winners, told.into_inner(), shop.atp("phone")), (13, 51, 0));
    shop.check();
}

#[test]
fn case_12_a_buyer_is_not_blocked_by_their_own_hold() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 2, 0);
    let held = shop.reserve(&[("phone", 2)], 60).expect("enough");
    assert!(shop.reserve(&[("phone", 1)], 60).is_err(), "nobody else gets them");
    let name = text(&held.name());
    let retry = |n: u32| {
        let lines = Some(vec![ReserveLine { sku: text("phone"), quantity: quantity(n), node: None }]);
        shop.run(Command::ChangeReservation(ChangeReservation {
            owner: None,
            reservation: name.clone(),
            ttl_s: Some(60),
            lines,
        }))
    };
    retry(2).expect("the buyer's own units count as free");
    retry(1).expect("shrinks in place");
    retry(2).expect("grows in place");
    let claiming = PlaceOrder { reservation: Some(name.clone()), ..order("c1", &[("phone", 2)]) };
    let placed = shop.place(claiming).expect("claims its own units");
    assert_eq!(placed.status(), OrderStatus::FullyAllocated);
    let ended = shop.ordain.engine().reservation(&name).expect("readable");
    assert_eq!(ended.state, ReservationState::Claimed { order: placed.key });
    shop.check();
}

#[test]
fn case_16_committed_is_the_sum_of_live_allocations_after_every_kind_of_end() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut shop = Shop::with_phones(dir.path(), 10, 10);
    let cancel = |shop: &Shop, placed: &Order, lines| {
        let cancel = CancelOrder { order: text(&placed.name()), lines, reason: text("case 16") };
        shop.run(Command::CancelOrder(cancel)).expect("can be cancelled");
    };
    for round in 0..4 {
        let whole = shop.place(order(&format!("w{round}"), &[("phone", 3)])).expect("enough");
        let part = shop.place(order(&format!("p{round}"), &[("phone", 3)])).expect("enough");
        cancel(&shop, &whole, None);
        cancel(&shop, &part, Some(vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }]));
        let total = shop.ordain.engine().stock("phone").expect("known").total;
        assert_eq!(total.committed, (round + 1) * 2);
        shop.check();
        shop = shop.restart(dir.path());
    }
}

#[test]
fn case_20_a_client_can_let_its_hold_go_and_the_units_are_free_at_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 1, 0);
    let held = shop.reserve(&[("phone", 1)], 600).expect("enough");
    assert_eq!(shop.atp("phone"), 0);
    for _ in 0..2 {
        let Ok(Reply::Reservation(ended)) = shop.release(&held) else { panic!("a second time the same") };
        assert_eq!(ended.state, ReservationState::Released);
        assert_eq!(shop.atp("phone"), 1);
    }
    shop.reserve(&[("phone", 1)], 600).expect("free again");
}

#[test]
fn case_21_an_expired_hold_is_not_renewed_and_can_be_taken_anew_in_one_step() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 2, 0);
    let held = shop.reserve(&[("phone", 2)], 60).expect("enough");
    let name = text(&held.name());
    let renew = ChangeReservation { owner: None, reservation: name.clone(), ttl_s: Some(60), lines: None };
    shop.clock.advance(59_999);
    shop.run(Command::ChangeReservation(renew.clone())).expect("its last instant");
    shop.clock.advance(60_000);
    let late = shop.run(Command::ChangeReservation(renew));
    assert!(matches!(late, Err(Refused::Rejected(Rejection::ReservationExpired { .. }))), "{late:?}");
    let claim = |id: &str, reacquire| {
        shop.place(PlaceOrder { reservation: Some(name.clone()), reacquire, ..order(id, &[("phone", 2)]) })
    };
    let lapsed = claim("c1", false);
    assert!(matches!(lapsed, Err(Refused::Rejected(Rejection::ReservationExpired { .. }))), "{lapsed:?}");
    assert_eq!(claim("c2", true).expect("taken anew").status(), OrderStatus::FullyAllocated);
    shop.check();
}

#[test]
fn a_repeat_under_the_same_key_takes_effect_once_and_answers_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 10, 0);
    let context = |fingerprint| Context { key: Some(IdempotencyKey { hash: 7, fingerprint }), ..Context::library() };
    let answers = on_threads(8, |_| {
        shop.submit(&context(1), Command::Reserve(reserve(&[("phone", 3)], 60))).expect("once, then again")
    });
    assert_eq!(shop.atp("phone"), 7);
    assert_eq!(answers.iter().filter(|outcome| !outcome.replayed).count(), 1);
    assert!(answers.iter().all(|outcome| outcome.reply == answers[0].reply));
    let shop = shop.restart(dir.path());
    let again = shop.submit(&context(1), Command::Reserve(reserve(&[("phone", 3)], 60))).expect("remembered");
    assert!(again.replayed && again.reply == answers[0].reply);
    let other = shop.submit(&context(2), Command::Reserve(reserve(&[("phone", 4)], 60)));
    assert!(matches!(other, Err(Refused::Rejected(Rejection::KeyReused))));
}
