//! Faults of other systems in fulfilment that must not happen here, each named after its row.

use ordain::domain::command::*;
use ordain::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use ordain::domain::ids::FulfillmentKey;
use ordain::domain::order::{Order, OrderStatus};
use ordain::domain::reply::Reply;
use ordain::domain::stock::Level;
use ordain::pipeline::Refused;

use crate::shop::{Shop, order, quantity, text};

fn step(shop: &Shop, of: &Order, number: u16, action: FulfillmentAction) -> Order {
    let key = FulfillmentKey { order: of.key, number };
    match shop.run(Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })).expect("legal") {
        Reply::Fulfillment { order, .. } => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn level(shop: &Shop, node: &str) -> Level {
    let view = shop.ordain.engine().stock("phone").expect("known");
    view.nodes.iter().find(|(id, _)| &**id == node).map(|(_, level)| *level).unwrap_or_default()
}

#[test]
fn case_27_a_rejected_pickup_is_not_brokered_elsewhere_behind_its_customers_back() {
    for method in ["pickup", "curbside", "locker"] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let shop = Shop::with_phones(dir.path(), 3, 3);
        let wishes = Wishes { preferred_node: Some(text("west")), ..Wishes::default() };
        let wanted = PlaceOrder { delivery_method: text(method), wishes, ..order("p1", &[("phone", 2)]) };
        let placed = shop.place(wanted).expect("enough");
        let refused = step(&shop, &placed, 1, FulfillmentAction::Reject { reason: text("closed") });
        assert_eq!((refused.totals().unallocated, refused.fulfillment_orders.len()), (2, 1), "{method}");
        let case = ExceptionKey { kind: ExceptionKind::PickupRefused, subject: Subject::Order(placed.key) };
        assert!(shop.ordain.engine().exception_by_key(case).is_some_and(|case| case.is_open()), "somebody is told");
        let shop = shop.restart(dir.path());
        let still = shop.ordain.engine().order(&placed.name()).expect("known");
        assert_eq!(still.totals().unallocated, 2, "a restart sends it nowhere either");
        // The customer takes it from elsewhere, or not at all: somebody says which.
        let Ok(Reply::Order(sent)) = shop.run(Command::SourceOrder { order: text(&placed.name()) }) else {
            panic!("it waits for that");
        };
        assert_eq!(sent.status(), OrderStatus::FullyAllocated);
        shop.check();
    }
}

#[test]
fn case_34_packed_units_that_are_cancelled_are_sold_again_when_they_are_put_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 3, 0);
    let placed = shop.place(order("p1", &[("phone", 3)])).expect("enough");
    use FulfillmentAction::{Accept, Cancel, CancelAccept, Pack, Pick, PutBack, Split};
    // Part of it goes on: the rest is a fulfilment order of its own.
    let lines = vec![NamedUnits { line: text("1"), quantity: quantity(2) }];
    step(&shop, &placed, 1, Split { lines });
    for number in [1, 2] {
        [Accept, Pick { lines: None }, Pack].into_iter().for_each(|action| drop(step(&shop, &placed, number, action)));
    }
    step(&shop, &placed, 2, Cancel { reason: text("changed mind"), resource: false });
    let stopped = step(&shop, &placed, 2, CancelAccept);
    assert_eq!((stopped.totals().packed, stopped.totals().cancelled), (1, 2));
    let is = level(&shop, "east");
    assert_eq!((is.available, is.committed, is.quality_control), (0, 1, 2), "not for sale yet");
    let shop = shop.restart(dir.path());
    step(&shop, &placed, 2, PutBack { lines: None });
    let is = level(&shop, "east");
    assert_eq!((is.available, is.committed, is.quality_control), (2, 1, 0));
    shop.check();
}

#[test]
fn case_28_an_order_is_split_by_place_by_itself_and_every_place_is_told_of_its_own_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 2, 3);
    let placed = shop.place(order("s1", &[("phone", 5)])).expect("both have some");
    let name = |node| shop.ordain.engine().catalogue(|catalogue| catalogue.node(node).id.to_string());
    let parts: Vec<_> = placed.fulfillment_orders.iter().map(|own| (name(own.node), own.units())).collect();
    assert_eq!(parts, [("east".to_owned(), 2), ("west".to_owned(), 3)]);
    // What one of them does, or refuses, is not the other's.
    let refused = step(&shop, &placed, 2, FulfillmentAction::Reject { reason: text("closed") });
    assert_eq!(refused.fulfillment(1).expect("the first").units(), 2);
    step(&shop, &placed, 1, FulfillmentAction::Accept);
    let own = text(&FulfillmentKey { order: placed.key, number: 1 }.to_string());
    let plan = |node: &str| {
        let fulfillments = Some(vec![own.clone()]);
        shop.run(Command::PlanWave(PlanWave {
            id: None,
            fingerprint: 0,
            node: text(node),
            fulfillments,
            cutoff_before: None,
        }))
    };
    let refused = plan("west");
    let why = matches!(&refused, Err(Refused::Rejected(rejection)) if rejection.code() == "not_pickable");
    assert!(why, "it is the other's: {refused:?}");
    assert!(plan("east").is_ok());
    shop.check();
}
