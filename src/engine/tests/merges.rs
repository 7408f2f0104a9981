//! Two orders that become one: what each holds and owes afterwards, that no unit changes its place, and what stands
//! against it.
//!
//! Every story is played with and without a restart after each step.

use super::random::nobody_waits_beside_free_units;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::{PaymentMark, PaymentState};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;

/// A world, played with a restart after each step or without.
struct Shop {
    world: World,
    restarts: bool,
}

impl Shop {
    fn both() -> [Self; 2] {
        [false, true].map(|restarts| {
            let world = World::new();
            for (sku, node, units) in [("phone", "east", 10), ("case", "east", 2), ("cable", "west", 10)] {
                world.stock(sku, node, units).expect("room");
            }
            Self { world, restarts }
        })
    }

    fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let reply = self.world.run(command);
        if self.restarts {
            let world = std::mem::replace(&mut self.world, World::new());
            self.world = world.restart();
        }
        nobody_waits_beside_free_units(&self.world);
        reply
    }

    fn place(&mut self, id: &str, change: impl Fn(&mut PlaceOrder), lines: &[(&str, u32)]) {
        let mut order = PlaceOrder { id: Some(text(id)), ..World::order_of(id, lines, None) };
        change(&mut order);
        self.run(Command::PlaceOrder(Box::new(order))).expect("taken");
    }

    fn merge(&mut self, order: &str, with: &str) -> Result<Order, Rejection> {
        match self.run(Command::MergeOrders(MergeOrders { order: text(order), with: text(with) }))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    fn pay(&mut self, order: &str, amount: i64) {
        let amount = Money { amount, currency: Currency::USD };
        self.run(Command::ReportPayment(ReportPayment { order: text(order), mark: PaymentMark::Paid, amount }))
            .expect("paid");
    }

    fn order(&self, id: &str) -> Order {
        self.world.engine.order(id).expect("there").as_ref().clone()
    }

    fn levels(&self) -> Vec<(crate::domain::stock::CellKey, crate::domain::stock::Level)> {
        self.world.engine.all_levels()
    }
}

fn nothing(_: &mut PlaceOrder) {}

#[test]
fn all_that_is_open_goes_to_the_other_order_and_no_unit_changes_its_place() {
    for mut shop in Shop::both() {
        shop.place("a", nothing, &[("phone", 2)]);
        shop.place("b", nothing, &[("phone", 1), ("cable", 3)]);
        let before = shop.levels();
        let key = shop.order("b").key;
        let merged = shop.merge("a", "b").expect("they can");
        assert_eq!(shop.levels(), before, "no stock moves");
        let lines: Vec<_> = merged.lines.iter().map(|line| (&*line.placed.id, line.placed.quantity)).collect();
        assert_eq!(lines, [("1", 2), ("2", 1), ("3", 3)], "ids that are taken make room for numbers that are not");
        assert_eq!((merged.totals().allocated, merged.due()), (6, 600));
        assert_eq!(merged.particulars.as_ref().map(|some| some.merged.clone()), Some(vec![key]));
        let gone = shop.order("b");
        assert_eq!((gone.status(), gone.merged_into(), gone.due()), (OrderStatus::Cancelled, Some(merged.key), 0));
        assert_eq!(gone.history.last().map(|told| &*told.what), Some("merged_into"));
        let records = shop.world.log.records.lock().len();
        assert_eq!(shop.merge("a", "b").expect("it is").version, merged.version);
        assert_eq!(shop.world.log.records.lock().len(), records, "who asks again is answered the same");
        for number in 1..=merged.fulfillment_orders.len() as u16 {
            shop.world.fulfill(&merged, number, FulfillmentAction::Accept).expect("they go on as any");
        }
        let back = shop.world.cancel(&merged, None).expect("and can be cancelled");
        assert_eq!(back.totals().cancelled, 6);
        assert_eq!(shop.world.level("cable", "west").available, 10);
    }
}

#[test]
fn what_waits_is_sourced_anew_and_waits_in_the_place_of_the_order_that_stays() {
    for mut shop in Shop::both() {
        shop.place("a", nothing, &[("phone", 1)]);
        shop.place("b", nothing, &[("case", 5)]);
        shop.place("c", nothing, &[("case", 2)]);
        assert_eq!(shop.order("b").totals().backordered, 3);
        let merged = shop.merge("a", "b").expect("they can");
        assert_eq!((merged.totals().allocated, merged.totals().backordered), (3, 3));
        assert_eq!(shop.order("b").totals().backordered, 0);
        let received = Adjustment {
            sku: text("case"),
            node: text("east"),
            delta: 4,
            reason: crate::domain::stock::MovementKind::Received,
        };
        shop.run(Command::AdjustStock(vec![received])).expect("received");
        let waits = |id: &str| shop.order(id).totals().backordered;
        // The order that stays is the older one: its place is its own number's.
        assert_eq!((waits("a"), waits("c")), (0, 1));
    }
}

#[test]
fn money_and_holds_go_with_the_units() {
    for mut shop in Shop::both() {
        shop.place("a", |order| order.total = Some(150), &[("phone", 2)]);
        shop.place("b", |order| order.total = Some(330), &[("phone", 3)]);
        shop.pay("a", 150);
        shop.pay("b", 100);
        let hold = AskedHold {
            kind: HoldKind::Manual,
            reason: text("call"),
            release_at: None,
            release_on: Some(PaymentMark::Paid),
        };
        shop.run(Command::PutHold(PutHold { order: text("b"), hold })).expect("held");
        let cancel = CancelUnits { line: text("1"), quantity: quantity(1), from: None };
        let cancel = CancelOrder { order: text("a"), lines: Some(vec![cancel]), reason: text("less") };
        shop.run(Command::CancelOrder(cancel)).expect("cancelled");
        let merged = shop.merge("a", "b").expect("they can");
        assert_eq!((merged.due(), merged.payment_state()), (50 + 330, PaymentState::PartiallyPaid));
        assert_eq!(merged.holds.iter().map(|hold| hold.state).collect::<Vec<_>>(), [HoldState::Active]);
        let gone = shop.order("b");
        assert_eq!((gone.due(), gone.payment_state()), (0, PaymentState::None));
        shop.pay("a", 130);
        assert_eq!(shop.order("a").holds[0].state, HoldState::AutoReleased);
        // Of an order with a discount less than nothing may be left: what comes is owed whole all the same.
        shop.place("c", |order| order.total = Some(50), &[("phone", 2)]);
        shop.place("d", nothing, &[("phone", 1)]);
        let cancel = CancelUnits { line: text("1"), quantity: quantity(1), from: None };
        let cancel = CancelOrder { order: text("c"), lines: Some(vec![cancel]), reason: text("less") };
        shop.run(Command::CancelOrder(cancel)).expect("cancelled");
        assert_eq!((shop.order("c").due(), shop.merge("c", "d").expect("they can").due()), (0, 100));
    }
}

#[test]
fn what_differs_or_has_begun_stands_against_it_and_nothing_changes() {
    for mut shop in Shop::both() {
        shop.place("a", nothing, &[("phone", 1)]);
        shop.place("other customer", |order| order.customer = text("c-2"), &[("phone", 1)]);
        shop.place("other channel", |order| order.channel = text("till"), &[("phone", 1)]);
        shop.place("other currency", |order| order.currency = Currency::parse("EUR").expect("one"), &[("phone", 1)]);
        shop.place("elsewhere", |order| order.destinations[0].country = text("CA"), &[("phone", 1)]);
        shop.place("rests", |order| order.wishes.deferred = Some(Deferred { allocate_at: None }), &[("phone", 1)]);
        shop.place("total", |order| order.total = Some(90), &[("phone", 1)]);
        shop.place("begun", nothing, &[("cable", 1)]);
        shop.place("edited", nothing, &[("phone", 1)]);
        shop.place("done", nothing, &[("phone", 1)]);
        let dear = |order: &mut PlaceOrder| order.lines[0].unit_price = 1_000_000_000_000;
        shop.place("dear", dear, &[("cable", 900_000_000)]);
        let begun = shop.order("begun");
        for action in [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }] {
            shop.world.fulfill(&begun, 1, action).expect("begun");
        }
        let changes = vec![EditChange::Line { line: text("1"), quantity: Some(2), unit_price: None }];
        shop.run(Command::OpenEdit(OpenEdit { order: text("edited"), changes })).expect("opened");
        let done = shop.order("done");
        shop.world.cancel(&done, None).expect("cancelled");
        let wrong = [
            ("other customer", "another customer"),
            ("other channel", "another channel"),
            ("other currency", "another currency"),
            ("elsewhere", "goes elsewhere"),
            ("rests", "rests"),
            ("total", "total"),
            ("begun", "has begun"),
            ("edited", "an edit of order edited"),
            ("done", "is cancelled"),
            ("dear", "too large"),
        ];
        let (before, records) = (shop.levels(), shop.world.log.records.lock().len());
        for (id, why) in wrong {
            let Err(Rejection::NotMergeable { why: told, .. }) = shop.merge("a", id) else { panic!("{id}") };
            assert!(told.contains(why), "{id}: {told}");
        }
        let Err(Rejection::NotMergeable { why, .. }) = shop.merge("begun", "a") else { panic!("it has begun") };
        assert!(why.contains("the other order has begun"), "{why}");
        assert_eq!(shop.merge("a", "a").expect_err("itself").code(), "duplicate_change");
        assert_eq!(shop.merge("a", "nobody").expect_err("unknown").code(), "unknown_order");
        assert_eq!((shop.levels(), shop.world.log.records.lock().len()), (before, records));
    }
}

#[test]
fn a_node_that_refused_one_is_not_asked_for_the_units_of_either() {
    for mut shop in Shop::both() {
        shop.place("a", nothing, &[("case", 4)]);
        shop.place("b", nothing, &[("phone", 1)]);
        let refused = shop.order("b");
        shop.world.fulfill(&refused, 1, FulfillmentAction::Reject { reason: text("closed") }).expect("refused");
        let merged = shop.merge("a", "b").expect("they can");
        assert_eq!((merged.fenced.len(), merged.totals().backordered), (1, 3));
        shop.world.stock("case", "east", 5).expect("room");
        assert_eq!(shop.order("a").totals().backordered, 3, "it refused");
        shop.world.stock("case", "west", 2).expect("room");
        shop.world.stock("phone", "west", 1).expect("room");
        assert_eq!(shop.order("a").totals().backordered, 0);
    }
}
