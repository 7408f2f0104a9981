//! What becomes of units that a node will not do, policy by policy: the place the customer named is kept, or given up with
//! all that was kept there. Every story is played with and without a restart after each step.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::decision::FenceReason;
use crate::domain::edit::Edit;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment, ShortReason};
use crate::domain::ids::FulfillmentKey;
use crate::domain::item::Dimensions;
use crate::domain::node::NodeKind;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::policy::RejectionPolicy;
use crate::domain::reply::Reply;

struct Shop {
    world: World,
    restarts: bool,
}

impl Shop {
    /// Three stores with phones in the west and the east; the west has a locker of one compartment.
    fn both() -> [Self; 2] {
        [false, true].map(|restarts| {
            let world = World::new();
            world.stock("phone", "west", 5).expect("room");
            world.stock("phone", "east", 5).expect("room");
            let mut shop = Self { world, restarts };
            for node in ["west", "east", "north"] {
                shop.patch(node, NodePatch { kind: Some(NodeKind::Store), ..NodePatch::default() });
            }
            let inner = Dimensions { length: 300, width: 300, height: 300 };
            let sizes = vec![PutLocker { id: text("m"), inner, limit: 1 }];
            shop.run(Command::PutLockers(Box::new(PutLockers { node: text("west"), sizes })));
            shop
        })
    }

    fn run(&mut self, command: Command) -> Reply {
        let reply = self.world.run(command).expect("legal");
        if self.restarts {
            let world = std::mem::replace(&mut self.world, World::new());
            self.world = world.restart();
        }
        self.world.check();
        reply
    }

    fn patch(&mut self, node: &str, patch: NodePatch) {
        self.run(Command::PatchNode { node: text(node), patch: Box::new(patch) });
    }

    fn decide(&mut self, method: &str, policy: RejectionPolicy) {
        self.run(Command::PutPolicy(PutPolicy::Rejection { delivery_method: text(method), policy }));
    }

    fn place(&mut self, id: &str, method: &str, units: u32) -> Order {
        let wishes = Wishes { preferred_node: Some(text("west")), ..Wishes::default() };
        let order =
            PlaceOrder { delivery_method: text(method), wishes, ..World::order_of(id, &[("phone", units)], None) };
        match self.run(Command::PlaceOrder(Box::new(order))) {
            Reply::Order(order) => (*order).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self, order: &Order, number: u16, action: FulfillmentAction) {
        let fulfillment = text(&FulfillmentKey { order: order.key, number }.to_string());
        self.run(Command::Fulfill(Fulfill { fulfillment, action }));
    }

    fn reject(&mut self, order: &Order) {
        self.step(order, 1, FulfillmentAction::Reject { reason: text("closed") });
    }

    fn now(&self, order: &Order) -> Order {
        self.world.engine.order_by_key(order.key).expect("there").as_ref().clone()
    }

    /// The nodes of its live fulfilment orders.
    fn at(&self, order: &Order) -> Vec<String> {
        let order = self.now(order);
        let name = |node| self.world.engine.catalogue(|catalogue| catalogue.node(node).id.to_string());
        let live = order.fulfillment_orders.iter().filter(|own| own.status.is_live() && own.units() > 0);
        live.map(|own| name(own.node)).collect()
    }

    fn is_asked(&self, order: &Order) -> bool {
        let key = ExceptionKey { kind: ExceptionKind::PickupRefused, subject: Subject::Order(order.key) };
        let case = self.world.engine.exception_by_key(key).is_some_and(|case| case.is_open());
        assert_eq!(self.now(order).awaits_customer, case);
        case
    }

    /// Why a node could be no candidate when an order was last sourced.
    fn why_not(&self, node: &str, order: &Order) -> Option<FenceReason> {
        let node = self.world.engine.catalogue(|catalogue| catalogue.node_index(node));
        let decision = self.now(order).decision.expect("it was sourced");
        decision.evidence.fenced.iter().find(|(own, _)| Some(*own) == node).map(|(_, why)| *why)
    }

    fn compartments(&self) -> usize {
        self.compartments_at("west")
    }

    fn compartments_at(&self, node: &str) -> usize {
        self.world.engine.lockers(node).expect("there").0.stored.len()
    }

    fn receive(&mut self, node: &str, units: i32) {
        self.world.stock("phone", node, units).expect("room");
    }

    /// So many units of its first line are open, by an edit that is confirmed at once.
    fn edit(&mut self, order: &Order, units: u32) {
        let changes = vec![EditChange::Line { line: text("1"), quantity: Some(units), unit_price: None }];
        self.run(Command::OpenEdit(OpenEdit { order: text(&order.name()), changes }));
        let edit = text(&Edit::name_of(self.now(order).open_edit().expect("just opened").number));
        let order = text(&order.name());
        self.run(Command::EndEdit(EndEdit { order, edit, outcome: EditOutcome::Confirm }));
    }

    fn waiting(&self, order: &Order) -> u32 {
        self.now(order).lines.iter().map(|line| line.waiting()).sum()
    }
}

#[test]
fn who_wanted_a_locker_is_asked_and_it_is_free_once_he_takes_it_from_elsewhere() {
    for mut shop in Shop::both() {
        let order = shop.place("a", "locker", 2);
        shop.reject(&order);
        assert!(shop.is_asked(&order) && shop.at(&order).is_empty(), "nobody sends it from elsewhere");
        assert_eq!(shop.compartments(), 1, "he may still cancel, or wait");
        shop.run(Command::SourceOrder { order: text(&order.name()) });
        assert_eq!((shop.at(&order), shop.compartments()), (vec!["east".to_owned()], 0));
        let other = shop.place("b", "locker", 1);
        assert_eq!((shop.at(&other), shop.compartments()), (vec!["west".to_owned()], 1));
        shop.reject(&other);
        shop.run(Command::CancelOrder(CancelOrder { order: text(&other.name()), lines: None, reason: text("no") }));
        assert_eq!(shop.compartments(), 0);
        shop.decide("locker", RejectionPolicy::Elsewhere);
        let third = shop.place("c", "locker", 1);
        shop.reject(&third);
        assert_eq!((shop.at(&third), shop.compartments()), (vec!["east".to_owned()], 0), "where it was decided so");
    }
}

#[test]
fn what_a_node_will_not_do_is_cancelled_where_that_is_the_policy() {
    for mut shop in Shop::both() {
        for method in ["pickup", "locker", "ship"] {
            shop.decide(method, RejectionPolicy::Cancel);
            let order = shop.place(method, method, 2);
            let before = shop.world.log.records.lock().len();
            shop.reject(&order);
            assert_eq!(shop.world.log.records.lock().len(), before + 1, "one record");
            let order = shop.now(&order);
            assert_eq!((order.status(), order.awaits_customer), (OrderStatus::Cancelled, false));
            assert_eq!(order.history.iter().rev().find_map(|told| told.reason.clone()), Some(text("closed")));
            assert_eq!((shop.world.atp("phone"), shop.compartments()), (10, 0), "what it had is free again");
        }
        let order = shop.place("short", "pickup", 3);
        shop.step(&order, 1, FulfillmentAction::Accept);
        let lines = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
        shop.step(&order, 1, FulfillmentAction::Short { lines, reason: ShortReason::Damaged });
        let order = shop.now(&order);
        assert_eq!((order.totals().cancelled, order.totals().released), (1, 2), "the rest is picked");
    }
}

#[test]
fn what_a_store_has_not_comes_to_that_store_where_that_is_the_policy() {
    for mut shop in Shop::both() {
        for method in ["pickup", "locker"] {
            shop.decide(method, RejectionPolicy::ToSameStore);
            let order = shop.place(method, method, 2);
            shop.reject(&order);
            assert_eq!((shop.at(&order), shop.compartments()), (vec!["east".to_owned()], 0));
            assert!(!shop.is_asked(&order));
            let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
            let pick = FulfillmentAction::Pick { lines: None };
            for action in [
                FulfillmentAction::Accept,
                pick,
                FulfillmentAction::Pack,
                FulfillmentAction::Ship { shipment },
                FulfillmentAction::Receive,
                FulfillmentAction::Ready { until: None },
            ] {
                shop.step(&order, 2, action);
            }
            assert_eq!(shop.at(&order), ["west"], "it waits for him where he wanted it");
            shop.step(&order, 2, FulfillmentAction::HandOver);
            assert_eq!(shop.now(&order).status(), OrderStatus::Fulfilled);
        }
        let order = shop.place("closed", "pickup", 1);
        shop.patch("west", NodePatch { active: Some(false), ..NodePatch::default() });
        shop.world.engine.expire_due(&*shop.world.log);
        assert!(shop.is_asked(&order), "nothing can be brought to a store that is closed");
    }
}

#[test]
fn the_customer_comes_to_the_nearest_store_that_is_near_enough() {
    for mut shop in Shop::both() {
        // The north is 2,800 km from the west, the east 3,900.
        shop.decide("pickup", RejectionPolicy::WithinKm(3_000));
        let order = shop.place("a", "pickup", 2);
        shop.reject(&order);
        assert!(shop.is_asked(&order), "the north has none, and the east is too far");
        shop.world.stock("phone", "north", 2).expect("room");
        let order = shop.place("b", "pickup", 2);
        let before = shop.world.log.records.lock().len();
        shop.reject(&order);
        assert_eq!(shop.at(&order), ["north"]);
        assert!(!shop.is_asked(&order) && shop.world.log.records.lock().len() <= before + 2);
        let catalogue = |id: &str| shop.world.engine.catalogue(|catalogue| catalogue.node_index(id));
        assert_eq!(shop.now(&order).collected_at(0), catalogue("north"), "he comes there, and nobody else supplies it");
        let few = shop.place("c", "pickup", 1);
        shop.reject(&few);
        assert!(shop.is_asked(&few), "the north has none left");
        shop.decide("pickup", RejectionPolicy::WithinKm(4_000));
        let far = shop.place("d", "pickup", 1);
        shop.reject(&far);
        assert_eq!(shop.at(&far), ["east"]);
    }
}

#[test]
fn nobody_is_told_to_come_to_a_warehouse_unless_that_says_it_serves_him() {
    for mut shop in Shop::both() {
        for kind in [NodeKind::Warehouse, NodeKind::ThirdParty, NodeKind::Supplier] {
            shop.patch("north", NodePatch { kind: Some(kind), ..NodePatch::default() });
            shop.receive("north", 5);
            for method in ["pickup", "curbside"] {
                shop.decide(method, RejectionPolicy::WithinKm(3_000));
                let order = shop.place(&format!("{kind:?}-{method}"), method, 1);
                shop.reject(&order);
                assert!(shop.is_asked(&order) && shop.at(&order).is_empty(), "{kind:?} {method}");
            }
        }
        shop.decide("pickup", RejectionPolicy::WithinKm(4_000));
        let order = shop.place("far", "pickup", 1);
        shop.reject(&order);
        assert_eq!(shop.at(&order), ["east"], "the next store, farther as it is");
        let serves = |method: &str| NodePatch {
            kind: Some(NodeKind::Warehouse),
            capabilities: Some(vec![text("ship"), text(method)]),
            ..NodePatch::default()
        };
        shop.patch("north", serves("curbside"));
        let order = shop.place("other", "pickup", 1);
        shop.reject(&order);
        assert_eq!(shop.at(&order), ["east"], "another method than his");
        shop.patch("north", serves("pickup"));
        let order = shop.place("near", "pickup", 1);
        shop.reject(&order);
        assert_eq!(shop.at(&order), ["north"]);
    }
}

#[test]
fn the_compartments_of_a_warehouse_are_for_customers() {
    for mut shop in Shop::both() {
        shop.decide("locker", RejectionPolicy::WithinKm(3_000));
        shop.patch("north", NodePatch { kind: Some(NodeKind::Warehouse), ..NodePatch::default() });
        shop.receive("north", 5);
        let first = shop.place("a", "locker", 1);
        shop.reject(&first);
        assert!(shop.is_asked(&first), "nobody counts compartments there");
        shop.run(Command::CancelOrder(CancelOrder { order: text(&first.name()), lines: None, reason: text("no") }));
        let inner = Dimensions { length: 300, width: 300, height: 300 };
        let sizes = vec![PutLocker { id: text("m"), inner, limit: 1 }];
        shop.run(Command::PutLockers(Box::new(PutLockers { node: text("north"), sizes })));
        let order = shop.place("b", "locker", 1);
        shop.reject(&order);
        assert_eq!((shop.at(&order), shop.compartments_at("north")), (vec!["north".to_owned()], 1));
    }
}

#[test]
fn what_is_sent_to_a_store_comes_from_another_node_when_one_refuses() {
    for mut shop in Shop::both() {
        let order = shop.place("a", "ship_to_store", 5);
        let first = shop.at(&order);
        shop.reject(&order);
        assert_eq!(shop.now(&order).fulfillment_orders[0].status, FulfillmentStatus::Rejected);
        assert!(!shop.is_asked(&order) && shop.at(&order).len() == 1 && shop.at(&order) != first);
        let west = shop.world.engine.catalogue(|catalogue| catalogue.node_index("west"));
        assert_eq!(shop.now(&order).store_of(0), west, "to the same store");
    }
}

#[test]
fn who_comes_to_another_locker_has_a_compartment_there_or_is_asked() {
    for mut shop in Shop::both() {
        shop.decide("locker", RejectionPolicy::WithinKm(3_000));
        shop.receive("north", 5);
        let inner = Dimensions { length: 300, width: 300, height: 300 };
        let sizes = vec![PutLocker { id: text("m"), inner, limit: 1 }];
        shop.run(Command::PutLockers(Box::new(PutLockers { node: text("north"), sizes })));
        let order = shop.place("a", "locker", 2);
        let before = shop.world.log.records.lock().len();
        shop.reject(&order);
        assert_eq!((shop.compartments(), shop.compartments_at("north")), (0, 1));
        assert!(shop.at(&order) == ["north"] && shop.world.log.records.lock().len() <= before + 2);
        let other = shop.place("b", "locker", 2);
        shop.reject(&other);
        assert!(shop.is_asked(&other), "the only compartment of the north is used");
        assert_eq!((shop.compartments(), shop.compartments_at("north")), (1, 1), "his own is kept meanwhile");
        shop.decide("locker", RejectionPolicy::WithinKm(4_000));
        shop.run(Command::CancelOrder(CancelOrder { order: text(&other.name()), lines: None, reason: text("no") }));
        let far = shop.place("c", "locker", 1);
        shop.reject(&far);
        assert_eq!(shop.at(&far), ["east"], "the next that has room: nobody counts compartments there");
        for action in [
            FulfillmentAction::Accept,
            FulfillmentAction::Pick { lines: None },
            FulfillmentAction::Pack,
            FulfillmentAction::Ready { until: None },
            FulfillmentAction::HandOver,
        ] {
            shop.step(&order, 2, action);
        }
        assert_eq!(shop.compartments_at("north"), 0, "it is free when he has fetched it");
    }
}

/// However an order reaches a locker, it has a compartment there; where none is free it goes on to the next, or waits.
#[test]
fn what_goes_elsewhere_has_a_compartment_there_or_waits_for_one() {
    let locker = |node: &str| {
        let inner = Dimensions { length: 300, width: 300, height: 300 };
        let sizes = vec![PutLocker { id: text("m"), inner, limit: 1 }];
        Command::PutLockers(Box::new(PutLockers { node: text(node), sizes }))
    };
    let elsewhere = || FulfillmentAction::Cancel { reason: text("full"), resource: true };
    let used = |shop: &Shop| ["west", "east", "north"].map(|node| shop.compartments_at(node));
    for mut shop in Shop::both() {
        shop.run(locker("east"));
        let first = shop.place("a", "locker", 1);
        shop.reject(&first);
        assert!(shop.is_asked(&first));
        shop.run(Command::SourceOrder { order: text(&first.name()) });
        assert_eq!((shop.at(&first), used(&shop)), (vec!["east".to_owned()], [0, 1, 0]));
        shop.run(locker("north"));
        shop.receive("north", 5);
        let second = shop.place("b", "locker", 1);
        shop.step(&second, 1, elsewhere());
        assert_eq!((shop.at(&second), used(&shop)), (vec!["north".to_owned()], [0, 1, 1]), "the east is full");
        assert_eq!(shop.why_not("east", &second), Some(FenceReason::NoCompartment));
        assert_eq!(shop.why_not("west", &second), Some(FenceReason::RejectedThisOrder));
        let fulfillment = text(&FulfillmentKey { order: second.key, number: 2 }.to_string());
        let to_east = Fulfill { fulfillment, action: FulfillmentAction::Move { node: text("east") } };
        let full = shop.world.run(Command::Fulfill(to_east)).expect_err("there is no room");
        assert_eq!((full.code(), used(&shop)), ("locker_full", [0, 1, 1]));
        let third = shop.place("c", "locker", 1);
        shop.step(&third, 1, elsewhere());
        assert_eq!((shop.at(&third), shop.waiting(&third), used(&shop)), (vec![], 1, [0, 1, 1]));
        for action in [
            FulfillmentAction::Accept,
            FulfillmentAction::Pick { lines: None },
            FulfillmentAction::Pack,
            FulfillmentAction::Ready { until: None },
            FulfillmentAction::HandOver,
        ] {
            shop.step(&first, 2, action);
        }
        shop.world.engine.expire_due(&*shop.world.log);
        assert_eq!((shop.at(&third), used(&shop)), (vec!["east".to_owned()], [0, 1, 1]), "where one is free again");
        shop.step(&third, 2, elsewhere());
        assert_eq!((shop.at(&third), used(&shop)), (vec![], [0, 0, 1]));
        shop.step(&second, 2, FulfillmentAction::Move { node: text("east") });
        assert_eq!(shop.at(&second), ["east"]);
        assert_eq!((shop.at(&third), used(&shop)), (vec!["north".to_owned()], [0, 1, 1]), "which the other left");
        shop.run(Command::CancelOrder(CancelOrder { order: text(&third.name()), lines: None, reason: text("no") }));
        assert_eq!(used(&shop), [0, 1, 0]);
    }
}

#[test]
fn nothing_is_found_elsewhere_for_who_is_being_asked() {
    let cancel = |order: &Order, n: u32| {
        let lines = vec![CancelUnits { line: text("1"), quantity: quantity(n), from: None }];
        let (order, reason) = (text(&order.name()), text("no"));
        Command::CancelOrder(CancelOrder { order, lines: Some(lines), reason })
    };
    let split = |order: &Order, n: u32| {
        let lines = vec![CancelUnits { line: text("1"), quantity: quantity(n), from: None }];
        let (order, id) = (text(&order.name()), Some(text("part")));
        Command::SplitOrder(SplitOrder { order, id, fingerprint: 0, channel_order_id: None, lines })
    };
    for answer in ["elsewhere", "cancelled", "edited", "split"] {
        for mut shop in Shop::both() {
            let order = shop.place("a", "pickup", 7);
            assert_eq!(shop.waiting(&order), 2, "the west has five");
            shop.reject(&order);
            assert!(shop.is_asked(&order));
            shop.receive("east", 1);
            assert!(shop.at(&order).is_empty(), "he may not want it from there");
            assert_eq!(shop.waiting(&order), 2);
            match answer {
                "elsewhere" => drop(shop.run(Command::SourceOrder { order: text(&order.name()) })),
                "cancelled" => drop(shop.run(cancel(&order, 5))),
                "edited" => shop.edit(&order, 2),
                _ => drop(shop.run(split(&order, 5))),
            }
            assert!(!shop.now(&order).awaits_customer);
            let there = if answer == "elsewhere" { 6 } else { 2 };
            assert_eq!(u64::from(shop.waiting(&order)), shop.now(&order).totals().open() - there, "{answer}");
        }
    }
}
