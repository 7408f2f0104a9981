//! Holds and payments, as tables: what each kind of hold forbids at each status, how holds end, what is paid.
//!
//! Every table is played with and without a restart after each line.

use super::world::{World, text};
use crate::domain::command::*;
use crate::domain::fulfillment::{FulfillmentStatus, Shipment, ShortReason};
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::payment::{PaymentMark, PaymentState};
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

const KINDS: [HoldKind; 4] = [HoldKind::Payment, HoldKind::Fraud, HoldKind::Address, HoldKind::Manual];

/// A world with one order, and what is done to that order.
struct Case {
    world: World,
    order: Order,
    restarts: bool,
}

impl Case {
    /// Three phones at a hundred each, allocated at one place.
    fn new(restarts: bool, holds: Vec<AskedHold>) -> Self {
        let world = World::new();
        world.stock("phone", "east", 10).expect("room");
        let place = PlaceOrder { holds, ..World::order_of("c-1", &[("phone", 3)], None) };
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(place))) else { panic!("it is taken") };
        Self { world, order: (*order).clone(), restarts }
    }

    fn run(self, command: Command) -> (Self, Result<Reply, Rejection>) {
        let reply = self.world.run(command);
        let world = if self.restarts { self.world.restart() } else { self.world };
        let order = world.engine.order(&self.order.name()).expect("it is there");
        (Self { world, order: (*order).clone(), ..self }, reply)
    }

    fn must(self, command: Command) -> Self {
        let (case, reply) = self.run(command);
        reply.expect("a legal command");
        case
    }

    fn hold(self, hold: AskedHold) -> Self {
        let order = text(&self.order.name());
        self.must(Command::PutHold(PutHold { order, hold }))
    }

    fn end(self, hold: &str, state: HoldState) -> (Self, Result<Reply, Rejection>) {
        let order = text(&self.order.name());
        self.run(Command::EndHold(EndHold { order, hold: text(hold), state, reason: None }))
    }

    fn pay(self, mark: PaymentMark, amount: i64) -> (Self, Result<Reply, Rejection>) {
        let (order, amount) = (text(&self.order.name()), Money { amount, currency: Currency::USD });
        self.run(Command::ReportPayment(ReportPayment { order, mark, amount }))
    }

    fn step(self, action: FulfillmentAction) -> (Self, Result<Reply, Rejection>) {
        let fulfillment = crate::domain::ids::FulfillmentKey { order: self.order.key, number: 1 };
        self.run(Command::Fulfill(Fulfill { fulfillment: text(&fulfillment.to_string()), action }))
    }

    /// The clock comes by.
    fn tick(self) -> Self {
        self.world.engine.expire_due(&*self.world.log);
        self.world.check();
        let order = self.world.engine.order(&self.order.name()).expect("it is there");
        Self { order: (*order).clone(), ..self }
    }

    fn shown(&self) -> FulfillmentStatus {
        self.order.shown(&self.order.fulfillment_orders[0])
    }
}

fn asked(kind: HoldKind) -> AskedHold {
    AskedHold { kind, reason: text("to be looked at"), release_at: None, release_on: None }
}

fn ship() -> FulfillmentAction {
    let shipment = Shipment { carrier: "c".into(), service: "s".into(), tracking_number: "t".into() };
    FulfillmentAction::Ship { shipment }
}

fn short() -> FulfillmentAction {
    let lines = vec![NamedUnits { line: text("1"), quantity: super::world::quantity(1) }];
    FulfillmentAction::Short { lines, reason: ShortReason::Mismatch }
}

fn reject() -> FulfillmentAction {
    FulfillmentAction::Reject { reason: text("full") }
}

fn cancel() -> FulfillmentAction {
    FulfillmentAction::Cancel { reason: text("stop"), resource: false }
}

fn forbidden(reply: &Result<Reply, Rejection>) -> bool {
    matches!(reply, Err(Rejection::OnHold { holds, .. }) if holds == &["hold-1"])
}

/// Steps up to a status, a step from there, and whether a payment hold and the other kinds forbid it.
type Forbidding = (&'static [fn() -> FulfillmentAction], fn() -> FulfillmentAction, bool, bool);

const ACCEPT: fn() -> FulfillmentAction = || FulfillmentAction::Accept;
const PICK: fn() -> FulfillmentAction = || FulfillmentAction::Pick { lines: None };
const PACK: fn() -> FulfillmentAction = || FulfillmentAction::Pack;
const READY: fn() -> FulfillmentAction = || FulfillmentAction::Ready { until: None };
const HAND_OVER: fn() -> FulfillmentAction = || FulfillmentAction::HandOver;

const FORBIDDEN: &[Forbidding] = &[
    (&[], ACCEPT, false, true),
    (&[], reject, false, false),
    (&[], cancel, false, false),
    (&[ACCEPT], PICK, false, true),
    (&[ACCEPT], short, false, false),
    (&[ACCEPT], reject, false, false),
    (&[ACCEPT], cancel, false, false),
    (&[ACCEPT, PICK], PACK, false, true),
    (&[ACCEPT, PICK], cancel, false, false),
    (&[ACCEPT, PICK, PACK], READY, false, true),
    (&[ACCEPT, PICK, PACK], ship, true, true),
    (&[ACCEPT, PICK, PACK], HAND_OVER, true, true),
    (&[ACCEPT, PICK, PACK, READY], ship, true, true),
    (&[ACCEPT, PICK, PACK, READY], HAND_OVER, true, true),
];

#[test]
fn a_hold_forbids_the_steps_of_its_kind_and_no_other() {
    for (kind, restarts) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        for (before, step, by_payment, by_others) in FORBIDDEN {
            let case = Case::new(restarts, vec![]);
            let case = before.iter().fold(case, |case, step| {
                let (case, reply) = case.step(step());
                reply.expect("nothing holds it yet");
                case
            });
            let case = case.hold(asked(kind));
            let forbids = if kind == HoldKind::Payment { *by_payment } else { *by_others };
            let (case, reply) = case.step(step());
            assert_eq!(forbidden(&reply), forbids, "{kind:?}, {} steps, {:?}: {reply:?}", before.len(), step());
            if forbids {
                let (case, ended) = case.end("hold-1", HoldState::Resolved);
                ended.expect("it is active");
                case.step(step()).1.expect("nothing holds it any more");
            } else {
                reply.expect("nothing forbids it");
            }
        }
    }
}

#[test]
fn an_order_is_on_hold_while_its_next_step_is_forbidden() {
    for restarts in [false, true] {
        let case = Case::new(restarts, vec![asked(HoldKind::Payment), asked(HoldKind::Fraud)]);
        assert_eq!((case.order.status(), case.shown()), (OrderStatus::OnHold, FulfillmentStatus::OnHold));
        assert_eq!(OrderStatus::under_hold(&case.order), OrderStatus::FullyAllocated);
        let (case, ended) = case.end("hold-2", HoldState::Resolved);
        ended.expect("it is active");
        assert_eq!((case.order.status(), case.shown()), (OrderStatus::FullyAllocated, FulfillmentStatus::Submitted));
        let case = [ACCEPT, PICK, PACK].iter().fold(case, |case, step| case.step(step()).0);
        assert_eq!(case.order.status(), OrderStatus::OnHold, "a payment hold waits at the door");
        let (case, again) = case.end("hold-2", HoldState::Resolved);
        assert!(matches!(again, Err(Rejection::HoldEnded { state: "resolved", .. })), "{again:?}");
        let (case, unknown) = case.end("hold-3", HoldState::Resolved);
        assert!(matches!(unknown, Err(Rejection::NotFound { kind: "hold", .. })), "{unknown:?}");
        let order = case.world.cancel(&case.order, None);
        assert!(order.is_ok() || matches!(order, Err(Rejection::NotCancellable { .. })), "{order:?}");
    }
}

#[test]
fn a_rejected_hold_stands_for_good_and_the_order_can_still_be_cancelled() {
    for restarts in [false, true] {
        let (case, ended) = Case::new(restarts, vec![asked(HoldKind::Fraud)]).end("hold-1", HoldState::Rejected);
        ended.expect("it is active");
        let (case, step) = case.step(ACCEPT());
        assert!(forbidden(&step), "{step:?}");
        let (case, again) = case.end("hold-1", HoldState::Resolved);
        assert!(matches!(again, Err(Rejection::HoldEnded { state: "rejected", .. })), "{again:?}");
        let order = case.world.cancel(&case.order, None).expect("cancelling is never forbidden");
        assert_eq!(order.status(), OrderStatus::Cancelled);
        assert_eq!(case.world.atp("phone"), 10);
    }
}

#[test]
fn a_hold_ends_exactly_at_its_instant_and_the_clock_writes_it_once() {
    for restarts in [false, true] {
        let case = Case::new(restarts, vec![]);
        let at = case.world.log.now().wall.0 + 60_000;
        let case = case.hold(AskedHold { release_at: Some(WallTime(at)), ..asked(HoldKind::Manual) });
        case.world.later(59);
        let (case, early) = case.tick().step(ACCEPT());
        assert!(forbidden(&early), "{early:?}");
        case.world.later(1);
        // Nobody has written its end, and it forbids nothing any more.
        let (case, step) = case.step(ACCEPT());
        step.expect("its time has come");
        let case = case.tick().tick();
        assert_eq!(case.order.holds[0].state, HoldState::AutoReleased);
        let ends = case.order.history.iter().filter(|told| &*told.what == "hold_auto_released").count();
        assert_eq!(ends, 1);
    }
}

#[test]
fn an_instant_that_has_passed_is_no_end_of_a_hold() {
    let case = Case::new(false, vec![]);
    let past = AskedHold { release_at: Some(case.world.log.now().wall), ..asked(HoldKind::Manual) };
    let order = text(&case.order.name());
    let (case, refused) = case.run(Command::PutHold(PutHold { order, hold: past.clone() }));
    assert!(matches!(refused, Err(Rejection::Invalid(_))), "{refused:?}");
    let place = PlaceOrder { holds: vec![past], ..World::order_of("c-2", &[("phone", 1)], None) };
    let refused = case.world.run(Command::PlaceOrder(Box::new(place))).expect_err("it is refused whole");
    assert!(refused.to_string().contains("holds[0].release_at"), "{refused}");
    assert_eq!(case.world.atp("phone"), 7, "nothing was taken");
}

#[test]
fn what_is_gone_cannot_be_held() {
    let case = [ACCEPT, PICK, PACK, ship].iter().fold(Case::new(false, vec![]), |case, step| case.step(step()).0);
    let order = text(&case.order.name());
    let (_, refused) = case.run(Command::PutHold(PutHold { order, hold: asked(HoldKind::Manual) }));
    assert!(matches!(refused, Err(Rejection::NothingToHold { .. })), "{refused:?}");
}

#[test]
fn a_hold_that_waits_for_money_ends_with_the_report_that_covers_what_is_due() {
    for restarts in [false, true] {
        let wait = |mark| AskedHold { release_on: Some(mark), ..asked(HoldKind::Payment) };
        let holds = vec![wait(PaymentMark::Authorized), wait(PaymentMark::Paid)];
        let case = Case::new(restarts, holds);
        let states = |case: &Case| case.order.holds.iter().map(|hold| hold.state).collect::<Vec<_>>();
        let (case, _) = case.pay(PaymentMark::Authorized, 299);
        assert_eq!(states(&case), [HoldState::Active, HoldState::Active], "a cent is missing");
        let (case, _) = case.pay(PaymentMark::Authorized, 1);
        assert_eq!(states(&case), [HoldState::AutoReleased, HoldState::Active]);
        let (case, _) = case.pay(PaymentMark::Paid, 300);
        assert_eq!(states(&case), [HoldState::AutoReleased, HoldState::AutoReleased]);
        assert_eq!(case.order.payment_state(), PaymentState::Paid);
    }
}

#[test]
fn a_hold_that_waits_for_money_that_is_there_ends_at_once() {
    for restarts in [false, true] {
        let wait = AskedHold { release_on: Some(PaymentMark::Paid), ..asked(HoldKind::Payment) };
        let case = Case::new(restarts, vec![wait.clone()]);
        let (case, _) = case.pay(PaymentMark::Paid, 200);
        assert_eq!(case.order.holds[0].state, HoldState::Active);
        // What is cancelled is not due: the rest is paid.
        let order = case.world.cancel(&case.order, Some(&[("1", 1)])).expect("it is only allocated");
        assert_eq!(order.holds[0].state, HoldState::AutoReleased);
        let case = case.hold(wait.clone());
        assert_eq!(case.order.holds[1].state, HoldState::AutoReleased);
        let payment = Some(crate::domain::order::Payment { method: text("card"), status: text("paid") });
        let place = PlaceOrder { payment, holds: vec![wait], ..World::order_of("c-2", &[("phone", 1)], None) };
        let Ok(Reply::Order(order)) = case.world.run(Command::PlaceOrder(Box::new(place))) else {
            panic!("it is taken")
        };
        assert_eq!((order.holds[0].state, order.payment_state()), (HoldState::AutoReleased, PaymentState::Paid));
    }
}

#[test]
fn what_was_taken_of_an_authorisation_is_not_counted_twice() {
    let wait = AskedHold { release_on: Some(PaymentMark::Authorized), ..asked(HoldKind::Payment) };
    let (case, _) = Case::new(false, vec![wait]).pay(PaymentMark::Authorized, 200);
    let (case, _) = case.pay(PaymentMark::Paid, 150);
    assert_eq!(case.order.holds[0].state, HoldState::Active, "300 are due, 200 were authorised");
    let (case, _) = case.pay(PaymentMark::Authorized, 100);
    assert_eq!(case.order.holds[0].state, HoldState::AutoReleased);
}

#[test]
fn a_hold_whose_instant_has_come_cannot_be_made_to_stand_for_good() {
    let case = Case::new(false, vec![]);
    let at = case.world.log.now().wall.0 + 1_000;
    let case = case.hold(AskedHold { release_at: Some(WallTime(at)), ..asked(HoldKind::Manual) });
    case.world.later(1);
    let (_, refused) = case.end("hold-1", HoldState::Rejected);
    assert!(matches!(refused, Err(Rejection::HoldEnded { state: "auto_released", .. })), "{refused:?}");
}

#[test]
fn money_is_told_apart_from_goods() {
    for restarts in [false, true] {
        let case = Case::new(restarts, vec![]);
        let (case, _) = case.pay(PaymentMark::Paid, 300);
        let order = case.world.cancel(&case.order, Some(&[("1", 1)])).expect("it is only allocated");
        assert_eq!((order.due(), order.payment_state()), (200, PaymentState::Overcharged));
        let (case, refused) = case.pay(PaymentMark::Refunded, 301);
        assert!(matches!(refused, Err(Rejection::RefundTooLarge { paid: 300, .. })), "{refused:?}");
        let (case, _) = case.pay(PaymentMark::Refunded, 100);
        assert_eq!(case.order.payment_state(), PaymentState::PartiallyRefunded);
        let amount = Money { amount: 1, currency: Currency::parse("EUR").expect("a currency") };
        let order = text(&case.order.name());
        let (_, refused) = case.run(Command::ReportPayment(ReportPayment { order, mark: PaymentMark::Paid, amount }));
        assert!(matches!(refused, Err(Rejection::Invalid(_))), "{refused:?}");
    }
}
