//! Orders that share shipments, and orders that are split: what each holds afterwards, and that no unit changes its place.
//!
//! Every story is played with and without a restart after each step.

use super::random::nobody_waits_beside_free_units;
use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::geo::Position;
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::ids::FulfillmentKey;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;

/// A world, played with a restart after each step or without.
struct Shop {
    world: World,
    restarts: bool,
    placed: u32,
}

fn ship() -> FulfillmentAction {
    let shipment = Shipment { carrier: "c".into(), service: "s".into(), tracking_number: "t".into() };
    FulfillmentAction::Ship { shipment }
}

impl Shop {
    fn both() -> [Self; 2] {
        [false, true].map(|restarts| {
            let world = World::new();
            for (sku, node, units) in [("phone", "east", 10), ("case", "east", 10), ("cable", "west", 10)] {
                world.stock(sku, node, units).expect("room");
            }
            Self { world, restarts, placed: 0 }
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

    fn must(&mut self, command: Command) -> Order {
        match self.run(command).expect("a legal command") {
            Reply::Order(order) | Reply::Fulfillment { order, .. } => (*order).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn place(&mut self, lines: &[(&str, u32)]) -> Order {
        self.placed += 1;
        let place = World::order_of(&format!("c-{}", self.placed), lines, None);
        self.must(Command::PlaceOrder(Box::new(place)))
    }

    fn now(&self, order: &Order) -> Order {
        self.world.engine.order_by_key(order.key).expect("it is there").as_ref().clone()
    }

    fn fulfill(&mut self, order: &Order, number: u16, action: FulfillmentAction) -> Result<Reply, Rejection> {
        let fulfillment = text(&FulfillmentKey { order: order.key, number }.to_string());
        self.run(Command::Fulfill(Fulfill { fulfillment, action }))
    }

    fn pack(&mut self, order: &Order) {
        let steps = [FulfillmentAction::Accept, FulfillmentAction::Pick { lines: None }, FulfillmentAction::Pack];
        for action in steps {
            self.fulfill(order, 1, action).expect("a legal step");
        }
    }

    fn join(&mut self, first: &Order, others: &[&Order]) -> Result<Reply, Rejection> {
        let with = others.iter().map(|order| text(&order.name())).collect();
        self.run(Command::Consolidate(Consolidate { order: text(&first.name()), with }))
    }

    fn split(&mut self, order: &Order, lines: &[(&str, u32)]) -> Result<Reply, Rejection> {
        let unit = |(line, n): &(&str, u32)| CancelUnits { line: text(line), quantity: quantity(*n), from: None };
        let lines = lines.iter().map(unit).collect();
        let order = text(&order.name());
        self.run(Command::SplitOrder(SplitOrder { order, id: None, fingerprint: 0, channel_order_id: None, lines }))
    }

    fn records(&self) -> usize {
        self.world.log.records.lock().len()
    }
}

#[test]
fn orders_that_are_consolidated_leave_in_one_shipment_and_one_record() {
    for mut shop in Shop::both() {
        let (a, b, c) = (shop.place(&[("phone", 2)]), shop.place(&[("phone", 1)]), shop.place(&[("case", 1)]));
        shop.join(&a, &[&b, &c]).expect("one customer, one address, one node");
        let keys: Vec<_> = [&a, &b, &c].map(|order| FulfillmentKey { order: order.key, number: 1 }).to_vec();
        for order in [&a, &b, &c] {
            assert_eq!(shop.now(order).fulfillment_orders[0].ships_with, keys);
        }
        shop.pack(&a);
        let early = shop.fulfill(&a, 1, ship());
        assert!(matches!(&early, Err(Rejection::IllegalStep { id, .. }) if *id == keys[1].to_string()), "{early:?}");
        assert_eq!(shop.world.level("phone", "east").on_hand, 10, "none of them left");
        shop.pack(&b);
        // What ends before it leaves drops out.
        shop.world.cancel(&c, None).expect("it is only allocated");
        let before = shop.records();
        shop.fulfill(&b, 1, ship()).expect("all that is left is packed");
        assert_eq!(shop.records(), before + 1);
        assert_eq!([&a, &b].map(|order| shop.now(order).status()), [OrderStatus::Shipped; 2]);
        assert_eq!(shop.now(&c).fulfillment_orders[0].status, FulfillmentStatus::Cancelled);
        let level = shop.world.level("phone", "east");
        assert_eq!((level.on_hand, level.committed), (7, 0));
        shop.fulfill(&a, 1, FulfillmentAction::Deliver).expect("each is delivered for itself");
    }
}

#[test]
fn a_hold_of_one_keeps_all_that_leave_with_it() {
    for mut shop in Shop::both() {
        let (a, b) = (shop.place(&[("phone", 2)]), shop.place(&[("phone", 1)]));
        shop.join(&a, &[&b]).expect("one customer, one address, one node");
        shop.pack(&a);
        shop.pack(&b);
        let hold = AskedHold { kind: HoldKind::Payment, reason: text("x"), release_at: None, release_on: None };
        shop.run(Command::PutHold(PutHold { order: text(&b.name()), hold })).expect("it is open");
        let held = shop.fulfill(&a, 1, ship());
        assert!(matches!(held, Err(Rejection::OnHold { .. })), "{held:?}");
        assert_eq!(shop.now(&a).buckets(0).packed, 2);
    }
}

#[test]
fn what_cannot_share_a_shipment_is_refused_and_changes_nothing() {
    for mut shop in Shop::both() {
        let (a, elsewhere) = (shop.place(&[("phone", 1)]), shop.place(&[("cable", 1)]));
        let mut far = World::order_of("far", &[("phone", 1)], None);
        far.destinations[0].position = Position::from_degrees(34.0, -118.0);
        let far = shop.must(Command::PlaceOrder(Box::new(far)));
        let other = PlaceOrder { customer: text("customer-2"), ..World::order_of("other", &[("phone", 1)], None) };
        let other = shop.must(Command::PlaceOrder(Box::new(other)));
        let begun = shop.place(&[("phone", 1)]);
        shop.pack(&begun);
        let before = shop.records();
        for (order, why) in [
            (&elsewhere, "nothing before picking"),
            (&far, "goes elsewhere"),
            (&other, "another customer"),
            (&begun, "nothing before picking"),
        ] {
            let refused = shop.join(&a, &[order]);
            let Err(Rejection::NotConsolidable { why: told, .. }) = refused else { panic!("{refused:?}") };
            assert!(told.contains(why), "{told}");
        }
        assert!(matches!(shop.join(&a, &[&a]), Err(Rejection::Invalid(_))));
        assert_eq!(shop.records(), before);
    }
}

#[test]
fn a_consolidation_grows_only_as_a_whole() {
    for mut shop in Shop::both() {
        let (a, b, c) = (shop.place(&[("phone", 1)]), shop.place(&[("phone", 1)]), shop.place(&[("phone", 1)]));
        shop.join(&a, &[&b]).expect("one customer, one address, one node");
        let half = shop.join(&c, &[&a]);
        assert!(matches!(half, Err(Rejection::NotConsolidable { .. })), "{half:?}");
        shop.join(&c, &[&a, &b]).expect("all of it is named");
        assert_eq!(shop.now(&a).fulfillment_orders[0].ships_with.len(), 3);
    }
}

#[test]
fn units_that_are_split_off_stay_where_they_are_and_change_their_order() {
    for mut shop in Shop::both() {
        let a = shop.place(&[("phone", 5), ("case", 2)]);
        let (phones, cases) = (shop.world.level("phone", "east"), shop.world.level("case", "east"));
        let before = shop.records();
        let Ok(Reply::Order(b)) = shop.split(&a, &[("1", 2), ("2", 1)]) else { panic!("nothing is begun") };
        assert_eq!(shop.records(), before + 1, "one record");
        assert_eq!((shop.world.level("phone", "east"), shop.world.level("case", "east")), (phones, cases));
        let (a, b) = (shop.now(&a), shop.now(&b));
        assert_eq!([0, 1].map(|line| (a.buckets(line).allocated, b.buckets(line).allocated)), [(3, 2), (1, 1)]);
        assert_eq!((a.due(), b.due(), b.split_from), (400, 300, Some(a.key)));
        assert_eq!((&*b.facts.channel_order_id, &b.facts.destinations), ("c-1-2", &a.facts.destinations));
        assert_eq!(
            [&a, &b].map(|order| order.history.last().expect("a story").what.to_string()),
            ["split", "split_off"]
        );
        let few = shop.split(&a, &[("1", 4)]);
        assert!(matches!(few, Err(Rejection::NotCancellable { cancellable: 3, .. })), "{few:?}");
        let all = shop.split(&a, &[("1", 3), ("2", 1)]);
        assert!(matches!(all, Err(Rejection::NotEditable { .. })), "{all:?}");
        // Both go their own ways, and back together.
        shop.join(&a, &[&b]).expect("one customer, one address, one node");
        shop.pack(&a);
        shop.pack(&b);
        shop.fulfill(&b, 1, ship()).expect("both are packed");
        assert_eq!(shop.now(&a).status(), OrderStatus::Shipped);
    }
}

#[test]
fn what_waits_is_split_off_behind_whoever_waits() {
    for mut shop in Shop::both() {
        let a = shop.place(&[("phone", 13)]);
        let other = shop.place(&[("phone", 1)]);
        assert_eq!((a.buckets(0).allocated, a.buckets(0).backordered), (10, 3));
        let Ok(Reply::Order(b)) = shop.split(&a, &[("1", 2)]) else { panic!("nothing is begun") };
        assert_eq!((shop.now(&a).buckets(0).backordered, b.buckets(0).backordered), (1, 2));
        shop.run(Command::AdjustStock(vec![Adjustment {
            sku: text("phone"),
            node: text("east"),
            delta: 3,
            reason: crate::domain::stock::MovementKind::Received,
        }]))
        .expect("room");
        let waits = [&a, &other, &b].map(|order| shop.now(order).buckets(0).backordered);
        assert_eq!(waits, [0, 0, 1], "who came first is served first");
    }
}

#[test]
fn what_is_split_off_leaves_a_node_that_was_switched_off() {
    for mut shop in Shop::both() {
        let a = shop.place(&[("phone", 3)]);
        let patch = NodePatch { active: Some(false), ..NodePatch::default() };
        shop.world.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("known");
        let Ok(Reply::Order(b)) = shop.split(&a, &[("1", 1)]) else { panic!("nothing is begun") };
        assert_eq!((b.buckets(0).allocated, b.buckets(0).backordered), (0, 1));
    }
}

#[test]
fn splitting_is_no_way_round_a_hold() {
    for mut shop in Shop::both() {
        let a = shop.place(&[("phone", 3)]);
        let hold = AskedHold { kind: HoldKind::Fraud, reason: text("x"), release_at: None, release_on: None };
        shop.run(Command::PutHold(PutHold { order: text(&a.name()), hold })).expect("it is open");
        let Ok(Reply::Order(b)) = shop.split(&a, &[("1", 1)]) else { panic!("nothing is begun") };
        assert_eq!(b.holds[0].state, HoldState::Active);
        let held = shop.fulfill(&b, 1, FulfillmentAction::Accept);
        assert!(matches!(held, Err(Rejection::OnHold { .. })), "{held:?}");
    }
}

#[test]
fn the_money_for_units_that_are_split_off_goes_with_them_and_comes_back_with_a_merge() {
    use crate::domain::payment::PaymentMark::{Authorized, Paid};
    let usd = |amount| Money { amount, currency: Currency::USD };
    for reports in [&[(Paid, 300)][..], &[(Authorized, 300)], &[(Authorized, 300), (Paid, 120)], &[(Paid, 250)]] {
        for mut shop in Shop::both() {
            let before = PaymentBefore { release: Some(Authorized), ship: None };
            let channel = PutChannel {
                id: text("web"),
                name: text("web"),
                nodes: None,
                customers: Vec::new(),
                limits: Vec::new(),
                payment_before: before,
                payment_methods: Vec::new(),
            };
            shop.run(Command::PutChannel(Box::new(channel))).expect("a good channel");
            let a = shop.place(&[("phone", 3)]);
            let hold =
                AskedHold { kind: HoldKind::Payment, reason: text("x"), release_at: None, release_on: Some(Paid) };
            shop.run(Command::PutHold(PutHold { order: text(&a.name()), hold })).expect("it is open");
            for (mark, amount) in reports {
                let report = ReportPayment { order: text(&a.name()), mark: *mark, amount: usd(*amount) };
                shop.run(Command::ReportPayment(report)).expect("reported");
            }
            let all: i64 = sums(&shop.now(&a)).iter().sum();
            let Ok(Reply::Order(b)) = shop.split(&a, &[("1", 1)]) else { panic!("nothing is begun") };
            let (a, b) = (shop.now(&a), shop.now(&b));
            assert_eq!((a.due(), b.due()), (200, 100));
            assert_eq!(sums(&a).iter().sum::<i64>(), 200, "{reports:?}: it keeps what is due for the rest");
            assert_eq!(sums(&b).iter().sum::<i64>(), all - 200, "{reports:?}: all else goes");
            let waits = |order: &Order| order.holds.iter().filter(|hold| hold.state == HoldState::Active).count();
            let is_paid = |order: &Order| sums(order)[0] >= order.due();
            assert_eq!(
                (waits(&a) == 0, waits(&b) == 0),
                (is_paid(&a), is_paid(&b)),
                "{reports:?}: holds wait for money"
            );
            for order in [&a, &b] {
                let covered = sums(order).iter().sum::<i64>() >= order.due();
                let accepted = shop.fulfill(order, 1, FulfillmentAction::Accept);
                let stopped = matches!(accepted, Err(Rejection::PaymentDue { .. }));
                assert_eq!((accepted.is_ok(), stopped), (covered, !covered), "{reports:?}: {accepted:?}");
            }
            let merge = MergeOrders { order: text(&a.name()), with: text(&b.name()) };
            let merged = shop.must(Command::MergeOrders(merge));
            assert_eq!(sums(&merged).iter().sum::<i64>(), all, "{reports:?}: nothing is lost on the way");
        }
    }
}

/// What was taken of an order's money, and what is authorised beside.
fn sums(order: &Order) -> [i64; 2] {
    let sums = crate::domain::payment::Paid::of(&order.payments);
    [sums.kept(), sums.authorized]
}

#[test]
fn orders_whose_customer_comes_to_different_stores_are_not_joined() {
    for mut shop in Shop::both() {
        shop.run(Command::AdjustStock(vec![Adjustment {
            sku: text("phone"),
            node: text("west"),
            delta: 9,
            reason: MovementKind::Received,
        }]))
        .expect("room");
        for method in ["pickup", "curbside", "locker", "ship_to_store", "ship"] {
            let mut place = |id: &str, at: &str| {
                let wishes = Wishes { preferred_node: Some(text(at)), ..Wishes::default() };
                let order = World::order_of(&format!("{method}-{id}"), &[("phone", 1)], None);
                shop.must(Command::PlaceOrder(Box::new(PlaceOrder { delivery_method: text(method), wishes, ..order })))
            };
            let (a, b) = (place("a", "east"), place("b", "west"));
            let merge = MergeOrders { order: text(&a.name()), with: text(&b.name()) };
            let refused = [shop.join(&a, &[&b]), shop.run(Command::MergeOrders(merge))];
            let why = refused.map(|no| format!("{no:?}"));
            if method == "ship" {
                assert!(
                    why.iter().all(|why| !why.contains("another node")),
                    "who ships has a wish, not a place: {why:?}"
                );
            } else {
                assert!(why.iter().all(|why| why.contains("its customer comes to another node")), "{method}: {why:?}");
            }
        }
    }
}
