//! Rules that put holds on orders as they are captured: in the record of the capture, with what a hold put by hand forbids.

use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::hold_rule::{HoldCondition, HoldRule};
use crate::domain::limits::HOLDS_MAX;
use crate::domain::money::Currency;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::PaymentMark;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;

fn rule(kind: HoldKind, when: Vec<HoldCondition>) -> HoldRule {
    HoldRule { kind, reason: text("by rule"), release_after_s: None, release_on: None, when }
}

fn put(world: &World, name: &str, rule: HoldRule) -> Result<Reply, Rejection> {
    world.run(Command::PutPolicy(PutPolicy::Hold { name: text(name), rule }))
}

fn place(world: &World, id: &str, flags: &[&str], units: u32) -> Order {
    let mut order = World::order_of(id, &[("phone", units)], None);
    order.wishes.flags = flags.iter().map(|flag| text(flag)).collect();
    let records = world.log.records.lock().len();
    match world.run(Command::PlaceOrder(Box::new(order))) {
        Ok(Reply::Order(order)) => {
            assert_eq!(world.log.records.lock().len(), records + 1, "one record");
            (*order).clone()
        }
        other => panic!("{other:?}"),
    }
}

fn kinds(order: &Order) -> Vec<HoldKind> {
    order.holds.iter().map(|hold| hold.terms.kind).collect()
}

fn flagged(word: &str) -> HoldCondition {
    HoldCondition::Flags(vec![text(word)])
}

#[test]
fn an_order_begins_with_the_holds_of_every_rule_it_meets() {
    for restarts in [false, true] {
        let world = World::new();
        let over = |amount| HoldCondition::TotalOver { amount, currency: Currency::USD };
        put(&world, "dear", rule(HoldKind::Fraud, vec![over(250), flagged("new_customer")])).expect("good");
        put(&world, "doubtful", rule(HoldKind::Address, vec![flagged("address_mismatch")])).expect("good");
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "east", 20).expect("room");
        let none: [HoldKind; 0] = [];
        assert_eq!(kinds(&place(&world, "1", &[], 3)), none);
        assert_eq!(kinds(&place(&world, "2", &["new_customer"], 2)), none, "not dear enough");
        let dear = place(&world, "3", &["new_customer"], 3);
        assert_eq!((kinds(&dear), dear.status()), (vec![HoldKind::Fraud], OrderStatus::OnHold));
        let both = place(&world, "4", &["address_mismatch", "new_customer"], 3);
        assert_eq!(kinds(&both), [HoldKind::Fraud, HoldKind::Address]);
        let accept = world.fulfill(&dear, 1, FulfillmentAction::Accept);
        assert!(matches!(accept, Err(Rejection::OnHold { .. })), "{accept:?}");
        let end = EndHold { order: text(&dear.name()), hold: text("hold-1"), state: HoldState::Resolved, reason: None };
        world.run(Command::EndHold(end)).expect("it is active");
        world.fulfill(&dear, 1, FulfillmentAction::Accept).expect("nothing forbids it any more");
        put(&world, "doubtful", rule(HoldKind::Address, Vec::new())).expect("good");
        assert_eq!(kinds(&place(&world, "5", &["address_mismatch"], 1)), none, "the rule is switched off");
    }
}

#[test]
fn an_order_that_meets_a_rule_only_as_it_is_edited_is_held_from_then_on() {
    for restarts in [false, true] {
        let world = World::new();
        put(&world, "many", rule(HoldKind::Fraud, vec![HoldCondition::UnitsOver(2)])).expect("good");
        put(&world, "any", rule(HoldKind::Manual, vec![HoldCondition::UnitsOver(0)])).expect("good");
        world.stock("phone", "east", 20).expect("room");
        let order = place(&world, "1", &[], 2);
        assert_eq!(kinds(&order), [HoldKind::Manual]);
        let to = |world: &World, units: u32| {
            let change = EditChange::Line { line: text("1"), quantity: Some(units), unit_price: None };
            let order = text(&order.name());
            world.run(Command::OpenEdit(OpenEdit { order: order.clone(), changes: vec![change] })).expect("good");
            let edits = world.engine.order(&order).expect("known").edits.len();
            let edit = text(&crate::domain::edit::Edit::name_of(edits as u16));
            let confirm = EndEdit { order: order.clone(), edit, outcome: EditOutcome::Confirm };
            world.run(Command::EndEdit(confirm)).expect("enough");
            kinds(&world.engine.order(&order).expect("known"))
        };
        assert_eq!(to(&world, 3), [HoldKind::Manual, HoldKind::Fraud], "what it met before holds it once");
        let world = if restarts { world.restart() } else { world };
        assert_eq!(to(&world, 4).len(), 2, "it met the rule before");
        let accept = world.fulfill(&order, 1, FulfillmentAction::Accept);
        assert!(matches!(accept, Err(Rejection::OnHold { .. })), "{accept:?}");
    }
}

#[test]
fn a_hold_by_rule_ends_by_time_or_by_payment_like_any_other() {
    let world = World::new();
    let when = vec![HoldCondition::UnitsOver(0)];
    let timed = HoldRule { release_after_s: Some(60), ..rule(HoldKind::Manual, when.clone()) };
    put(&world, "a", timed).expect("good");
    put(&world, "b", HoldRule { release_on: Some(PaymentMark::Paid), ..rule(HoldKind::Payment, when) }).expect("good");
    world.stock("phone", "east", 1).expect("room");
    let order = place(&world, "1", &[], 1);
    world.later(60);
    let world = world.restart();
    world.engine.expire_due(&*world.log);
    let amount = crate::domain::money::Money { amount: 100, currency: Currency::USD };
    let paid = ReportPayment { order: text(&order.name()), mark: PaymentMark::Paid, amount };
    world.run(Command::ReportPayment(paid)).expect("good");
    let order = world.engine.order(&order.name()).expect("known");
    let states: Vec<HoldState> = order.holds.iter().map(|hold| hold.state).collect();
    assert_eq!(states, [HoldState::AutoReleased; 2], "{:?}", order.holds);
}

#[test]
fn an_order_with_as_many_holds_as_it_may_have_does_not_lose_those_by_rule() {
    let world = World::new();
    put(&world, "doubtful", rule(HoldKind::Fraud, vec![HoldCondition::UnitsOver(0)])).expect("good");
    world.stock("phone", "east", 2).expect("room");
    let own = AskedHold { kind: HoldKind::Manual, reason: text("own"), release_at: None, release_on: None };
    let place = |id: &str, own: Vec<AskedHold>| {
        world
            .run(Command::PlaceOrder(Box::new(PlaceOrder { holds: own, ..World::order_of(id, &[("phone", 1)], None) })))
    };
    let refused = place("1", vec![own.clone(); HOLDS_MAX]);
    let Err(Rejection::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!((&*faults[0].field, faults[0].code), ("holds", "too_many"));
    let Ok(Reply::Order(order)) = place("1", vec![own; HOLDS_MAX - 1]) else { panic!("there is room for one") };
    assert_eq!(order.holds.last().map(|hold| hold.terms.kind), Some(HoldKind::Fraud));
}

#[test]
fn nobody_waits_for_the_payment_of_an_order_that_costs_nothing() {
    let world = World::new();
    let when = vec![HoldCondition::UnitsOver(0)];
    put(&world, "pay", HoldRule { release_on: Some(PaymentMark::Paid), ..rule(HoldKind::Payment, when) })
        .expect("good");
    world.stock("phone", "east", 2).expect("room");
    let place = |id: &str, total: i64| {
        let order = PlaceOrder { total: Some(total), ..World::order_of(id, &[("phone", 1)], None) };
        match world.run(Command::PlaceOrder(Box::new(order))) {
            Ok(Reply::Order(order)) => order.holds[0].state,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([place("1", 0), place("2", 1)], [HoldState::AutoReleased, HoldState::Active]);
}

#[test]
fn there_are_only_so_many_rules_of_holds() {
    let world = World::new();
    let some = || rule(HoldKind::Manual, vec![HoldCondition::UnitsOver(5)]);
    for at in 0..crate::domain::limits::HOLD_RULES_MAX {
        put(&world, &format!("r{at}"), some()).expect("room");
    }
    assert!(matches!(put(&world, "one-more", some()), Err(Rejection::Invalid(_))));
    put(&world, "r0", rule(HoldKind::Fraud, Vec::new())).expect("one that is there may change");
}
