//! Returns: every step from every state, what becomes of units, money in any order, policies, exchanges, the clock.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::event::Event;
use crate::domain::fulfillment::Shipment;
use crate::domain::geo::Position;
use crate::domain::hold::HoldState;
use crate::domain::ids::OrderKey;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus, PlacedLine};
use crate::domain::payment::{Paid, PaymentMark, PaymentState};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::return_policy::{Outside, RefundAt, ReturnPolicy};
use crate::domain::returns::{Condition, Disposition, Return, ReturnStatus, ReturnVerb};
use crate::domain::stock::Level;
use crate::domain::time::JournalTime;

pub(super) const DAY_S: i64 = 24 * 60 * 60;

pub(super) fn dollars(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

/// An order of these lines, paid and delivered.
pub(super) fn delivered(world: &mut World, lines: &[(&str, u32)]) -> Order {
    for (sku, n) in lines {
        if *sku != "setup" {
            world.stock(sku, "east", *n as i32).expect("room");
        }
    }
    let order = world.order(lines, None).expect("a good order");
    for number in 1..=order.fulfillment_orders.len() as u16 {
        let shipment = Shipment { carrier: text("post"), service: text("parcel"), tracking_number: text("1") };
        for action in [
            FulfillmentAction::Accept,
            FulfillmentAction::Pick { lines: None },
            FulfillmentAction::Pack,
            FulfillmentAction::Ship { shipment },
            FulfillmentAction::Deliver,
        ] {
            world.fulfill(&order, number, action).expect("its steps in their order");
        }
    }
    let due = world.engine.order_by_key(order.key).expect("it is there").due();
    pay(world, &order, due);
    world.engine.order_by_key(order.key).expect("it is there").as_ref().clone()
}

pub(super) fn pay(world: &World, order: &Order, amount: i64) {
    let report = ReportPayment { order: text(&order.name()), mark: PaymentMark::Paid, amount: dollars(amount) };
    world.run(Command::ReportPayment(report)).expect("money may come");
}

pub(super) fn asked(order: &Order, lines: &[(&str, u32)]) -> RequestReturn {
    let line = |(line, n): &(&str, u32)| ReturnUnits {
        line: text(line),
        quantity: quantity(*n),
        reason: text("too small"),
        condition: None,
    };
    RequestReturn {
        id: None,
        fingerprint: 0,
        order: text(&order.name()),
        lines: lines.iter().map(line).collect(),
        exchange: Vec::new(),
        is_claim: false,
    }
}

fn told(reply: Result<Reply, Rejection>) -> Result<Return, Rejection> {
    match reply? {
        Reply::Return(known) => Ok(*known),
        other => panic!("{other:?}"),
    }
}

pub(super) fn request(world: &World, request: RequestReturn) -> Result<Return, Rejection> {
    told(world.run(Command::RequestReturn(Box::new(request))))
}

pub(super) fn take(world: &World, known: &Return, action: ReturnAction) -> Result<Return, Rejection> {
    told(world.run(Command::ChangeReturn { returned: text(&known.name()), action }))
}

pub(super) fn units(
    line: &str,
    n: u32,
    condition: Option<Condition>,
    disposition: Option<Disposition>,
) -> ReturnedUnits {
    let (line, quantity) = (text(line), quantity(n));
    ReturnedUnits { line, component: None, quantity, condition, disposition, names: Names::default() }
}

pub(super) fn receipt(node: &str, lines: Vec<ReturnedUnits>) -> ReturnAction {
    ReturnAction::Receive { node: Some(text(node)), lines }
}

pub(super) fn restocked(line: &str, n: u32) -> ReturnedUnits {
    units(line, n, Some(Condition::New), Some(Disposition::Restock))
}

pub(super) fn approve() -> ReturnAction {
    ReturnAction::Approve { node: None }
}

pub(super) fn label() -> ReturnAction {
    let (carrier, tracking_number) = (text("post"), text("back-1"));
    ReturnAction::Label { node: None, carrier, service: None, tracking_number }
}

#[test]
fn an_order_is_closed_when_the_last_window_of_its_lines_has_ended() {
    for restarts in [false, true] {
        let mut world = World::new();
        let order = delivered(&mut world, &[("phone", 1), ("case", 2)]);
        let open = world.order(&[("phone", 1)], None).expect("waits");
        let world = if restarts { world.restart() } else { world };
        let closes = |order: &Order| {
            let order = world.engine.order_by_key(order.key).expect("it is there");
            let policy = |line: &PlacedLine| {
                world.engine.catalogue(|catalogue| catalogue.policies().returns(&order.facts.channel, line.sku))
            };
            order.closes_at(policy)
        };
        assert_eq!(closes(&order), None, "without a policy units may come back for ever");
        policy(&world, ReturnPolicy { window_days: Some(14), ..ReturnPolicy::default() });
        let delivered_at = order.delivered_at(0).expect("it was delivered");
        let after = |days: i64| Some(JournalTime(delivered_at.0 + days * DAY_S * 1_000));
        assert_eq!((closes(&order), closes(&open)), (after(14), None));
        let longer = ReturnPolicy { window_days: Some(30), ..ReturnPolicy::default() };
        let of_cases = PutPolicy::Returns { channel: None, sku: Some(text("case")), policy: longer };
        world.run(Command::PutPolicy(of_cases)).expect("a good policy");
        assert_eq!(closes(&order), after(30), "the last of its lines");
    }
}

pub(super) fn policy(world: &World, policy: ReturnPolicy) {
    world.run(Command::PutPolicy(PutPolicy::Returns { channel: None, sku: None, policy })).expect("a good policy");
}

pub(super) fn order_of(world: &World, known: &Return) -> Order {
    world.engine.order_by_key(known.order).expect("it is there").as_ref().clone()
}

pub(super) fn kept(order: &Order) -> i64 {
    Paid::of(&order.payments).kept()
}

/// A return of two units in a status.
fn standing(world: &mut World, status: ReturnStatus) -> Return {
    let order = delivered(world, &[("phone", 2)]);
    policy(world, ReturnPolicy { expires_days: Some(1), ..ReturnPolicy::default() });
    let known = request(world, asked(&order, &[("1", 2)])).expect("it was delivered");
    let ungraded = |n| receipt("west", vec![units("1", n, None, None)]);
    let graded = || ReturnAction::Inspect(vec![units("1", 2, Some(Condition::Used), None)]);
    let steps = match status {
        ReturnStatus::Requested => vec![],
        ReturnStatus::Approved => vec![approve()],
        ReturnStatus::AwaitingGoods => vec![approve(), label()],
        ReturnStatus::InTransit => vec![approve(), ReturnAction::Transit],
        ReturnStatus::PartiallyReceived => vec![approve(), ungraded(1)],
        ReturnStatus::Received => vec![approve(), ungraded(2)],
        ReturnStatus::Inspected => vec![approve(), ungraded(2), graded()],
        ReturnStatus::Dispositioned => vec![approve(), receipt("west", vec![restocked("1", 2)])],
        ReturnStatus::Closed => {
            vec![approve(), receipt("west", vec![restocked("1", 2)]), ReturnAction::Refund(dollars(200))]
        }
        ReturnStatus::Declined => vec![ReturnAction::Decline(Some(text("worn")))],
        ReturnStatus::Cancelled => vec![approve(), ReturnAction::Cancel(None)],
        ReturnStatus::Expired => {
            take(world, &known, approve()).expect("it was requested");
            world.later(DAY_S + 1);
            world.engine.expire_due(&*world.log);
            vec![]
        }
    };
    for step in steps {
        take(world, &known, step).expect("its steps in their order");
    }
    let known = world.engine.return_by_key(known.key).expect("it is there");
    assert_eq!(known.status(), status);
    known
}

/// An action of each kind, with the status to which it leads from where it is legal.
fn actions(status: ReturnStatus) -> Vec<(ReturnVerb, ReturnAction, ReturnStatus)> {
    let partial = status == ReturnStatus::PartiallyReceived;
    let after_receipt = if partial { ReturnStatus::Received } else { ReturnStatus::PartiallyReceived };
    let on_its_way = matches!(status, ReturnStatus::InTransit | ReturnStatus::PartiallyReceived);
    let after_label = if on_its_way { status } else { ReturnStatus::AwaitingGoods };
    let grade = vec![units("1", 1, Some(Condition::Used), None)];
    let fate = vec![units("1", 1, Some(Condition::Used), Some(Disposition::Refurbish))];
    vec![
        (ReturnVerb::Approve, approve(), ReturnStatus::Approved),
        (ReturnVerb::Decline, ReturnAction::Decline(None), ReturnStatus::Declined),
        (ReturnVerb::Cancel, ReturnAction::Cancel(None), ReturnStatus::Cancelled),
        (ReturnVerb::Label, label(), after_label),
        (ReturnVerb::Transit, ReturnAction::Transit, ReturnStatus::InTransit),
        (ReturnVerb::Receive, receipt("west", vec![units("1", 1, None, None)]), after_receipt),
        (ReturnVerb::Inspect, ReturnAction::Inspect(grade), status),
        (ReturnVerb::Dispose, ReturnAction::Dispose(fate), status),
        (ReturnVerb::Refund, ReturnAction::Refund(dollars(10)), status),
        (ReturnVerb::Close, ReturnAction::Close(None), ReturnStatus::Closed),
    ]
}

#[test]
fn every_step_is_taken_where_it_is_legal_and_refused_everywhere_else_with_restarts() {
    for status in ReturnStatus::ALL {
        let mut world = World::new();
        let known = standing(&mut world, status);
        for restarts in [false, true] {
            for (verb, action, leads_to) in actions(status) {
                let mut world = world.again();
                if restarts {
                    world = world.restart();
                }
                let before = world.log.records.lock().len();
                let after = take(&world, &known, action);
                let names = format!("{} from {}", verb.word(), status.word());
                match after {
                    Ok(after) => {
                        assert!(status.takes(verb), "{names} is not legal");
                        assert_eq!(after.status(), leads_to, "{names}");
                        let same = world.restart().engine.return_by_key(known.key);
                        assert_eq!(same, Some(after), "{names} is the same after a restart");
                    }
                    // What is legal may still have nothing to look at.
                    Err(Rejection::NotInReturn { .. }) => {
                        assert!(matches!(verb, ReturnVerb::Inspect | ReturnVerb::Dispose) && status.takes(verb));
                    }
                    Err(Rejection::IllegalReturn { status: told, verb: asked, .. }) => {
                        assert_eq!((told, asked), (status, verb), "{names}");
                        assert!(!status.takes(verb), "{names} is legal");
                        assert_eq!(world.log.records.lock().len(), before, "{names} changes nothing");
                    }
                    Err(other) => panic!("{names}: {other}"),
                }
            }
            let world = world.again();
            let world = if restarts { world.restart() } else { world };
            world.later(DAY_S + 1);
            world.engine.expire_due(&*world.log);
            world.check();
            let expired = world.engine.return_by_key(known.key).map(|known| known.status());
            let leads_to = if status.takes(ReturnVerb::Expire) { ReturnStatus::Expired } else { status };
            assert_eq!(expired, Some(leads_to), "the clock from {}", status.word());
        }
    }
}

/// What one unit of a disposition leaves at the node it came to.
const LEFT: &[(Disposition, Level, u32)] = &[
    (Disposition::Restock, Level { on_hand: 1, available: 1, ..NONE }, 1),
    (Disposition::Refurbish, Level { on_hand: 1, quality_control: 1, ..NONE }, 1),
    (Disposition::Quarantine, Level { on_hand: 1, quality_control: 1, ..NONE }, 1),
    (Disposition::Damaged, Level { on_hand: 1, damaged: 1, ..NONE }, 1),
    (Disposition::ReturnToVendor, NONE, 2),
    (Disposition::Liquidate, NONE, 2),
    (Disposition::Donate, NONE, 2),
    (Disposition::Destroy, NONE, 2),
    (Disposition::Missing, NONE, 0),
    (Disposition::NotRestocked, NONE, 0),
];
const NONE: Level = Level {
    on_hand: 0,
    shortfall: 0,
    available: 0,
    committed: 0,
    reserved: 0,
    pool: 0,
    safety_stock: 0,
    damaged: 0,
    quality_control: 0,
};

#[test]
fn case_38_the_disposition_decides_the_state_the_unit_lands_in() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    let known = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    for (disposition, left, movements) in LEFT {
        // At once, or step by step: the same.
        for by_steps in [false, true] {
            if by_steps && *disposition == Disposition::Missing {
                continue;
            }
            let world = world.again();
            let before = world.log.records.lock().len();
            let whole = vec![units("1", 1, Some(Condition::Opened), Some(*disposition))];
            if by_steps {
                take(&world, &known, receipt("north", vec![units("1", 1, None, None)])).expect("it comes");
                let graded = vec![units("1", 1, Some(Condition::Opened), None)];
                take(&world, &known, ReturnAction::Inspect(graded)).expect("it is there");
                assert_eq!(world.level("phone", "north"), NONE, "nothing is stock before its fate is known");
                take(&world, &known, ReturnAction::Dispose(whole)).expect("it is graded");
            } else {
                take(&world, &known, receipt("north", whole)).expect("it comes");
            }
            assert_eq!(world.level("phone", "north"), *left, "{disposition:?}");
            let records = world.log.records.lock();
            let moved = records[before..].iter().flat_map(|record| &record.events);
            let moved = moved.filter(|event| matches!(event, Event::StockMoved(_))).count();
            assert_eq!(moved, *movements as usize, "{disposition:?} is told in movements");
        }
    }
}

#[test]
fn case_39_units_land_at_the_node_that_received_them() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2)]);
    let known = request(&world, asked(&order, &[("1", 2)])).expect("it was delivered");
    let known = take(&world, &known, ReturnAction::Approve { node: Some(text("west")) }).expect("it was requested");
    let west = world.engine.catalogue(|catalogue| catalogue.node_index("west"));
    assert_eq!(known.lines[0].node, west, "the return carries its node");
    take(&world, &known, ReturnAction::Receive { node: None, lines: vec![restocked("1", 1)] }).expect("it comes");
    let known = take(&world, &known, receipt("north", vec![restocked("1", 1)])).expect("brought elsewhere");
    let available = |node| world.level("phone", node).available;
    assert_eq!((available("west"), available("north"), available("east")), (1, 1, 0));
    assert_eq!(known.lines[0].disposed.len(), 2, "and says which came where");
}

#[test]
fn a_unit_restocked_fills_who_waits_in_the_record_of_its_receipt() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    let waiting = world.order(&[("phone", 1)], None).expect("it waits");
    assert_eq!(waiting.status(), OrderStatus::Backordered);
    let known = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    let before = world.log.records.lock().len();
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    {
        let records = world.log.records.lock();
        let first = &records[before];
        assert!(first.events.iter().any(|event| matches!(event, Event::ReturnChanged(_))));
        let pooled =
            |event: &Event| matches!(event, Event::StockMoved(m) if m.delta.pool == 1 && m.delta.available == 0);
        assert!(first.events.iter().any(pooled), "the unit is the queue's at once: {:?}", first.events);
    }
    let filled = world.engine.order_by_key(waiting.key).expect("it is there");
    assert_eq!(filled.status(), OrderStatus::FullyAllocated);
    assert_eq!(world.level("phone", "west"), Level { on_hand: 1, committed: 1, ..NONE });
}

/// All orders of so many steps.
pub(super) fn permutations(steps: usize) -> Vec<Vec<usize>> {
    if steps == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(steps - 1);
    let longer = |order: &Vec<usize>| {
        let put = |at: usize| {
            let mut order = order.clone();
            order.insert(at, steps - 1);
            order
        };
        (0..steps).map(put).collect::<Vec<_>>()
    };
    shorter.iter().flat_map(longer).collect()
}

#[test]
fn goods_and_money_end_right_in_every_order_of_six_steps() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 3)]);
    let known = request(&world, asked(&order, &[("1", 3)])).expect("it was delivered");
    take(&world, &known, approve()).expect("it was requested");
    let steps = [
        receipt("west", vec![restocked("1", 1)]),
        receipt("west", vec![units("1", 1, Some(Condition::Damaged), Some(Disposition::Damaged))]),
        receipt("west", vec![units("1", 1, Some(Condition::Missing), Some(Disposition::Missing))]),
        ReturnAction::Refund(dollars(100)),
        ReturnAction::Refund(dollars(60)),
        ReturnAction::Refund(dollars(40)),
    ];
    let all = permutations(6);
    assert_eq!(all.len(), 720);
    for (number, permutation) in all.iter().enumerate() {
        let mut world = world.again();
        for (at, step) in permutation.iter().enumerate() {
            let after = take(&world, &known, steps[*step].clone());
            let after = after.unwrap_or_else(|no| panic!("{permutation:?}: step {at} is refused: {no}"));
            assert_eq!(after.status() == ReturnStatus::Closed, at == 5, "{permutation:?}: it ends with the last step");
            if number % 48 == at {
                world = world.restart();
            }
        }
        let order = order_of(&world, &known);
        assert_eq!((kept(&order), order.payment_state()), (100, PaymentState::PartiallyRefunded), "{permutation:?}");
        let left = Level { on_hand: 2, available: 1, damaged: 1, ..NONE };
        assert_eq!(world.level("phone", "west"), left, "{permutation:?}");
        assert_eq!((order.overlay(0).received, order.overlay(0).requested), (2, 0), "{permutation:?}");
        assert_eq!(order.status(), OrderStatus::PartiallyReturned, "{permutation:?}");
    }
}

#[test]
fn no_more_comes_back_than_left_and_no_more_money_than_was_paid() {
    let mut world = World::new();
    world.stock("case", "east", 1).expect("room");
    let open = world.order(&[("case", 1)], None).expect("a good order");
    let refused = request(&world, asked(&open, &[("1", 1)]));
    assert!(matches!(refused, Err(Rejection::NotReturnable { returnable: 0, requested: 1, .. })), "{refused:?}");

    let order = delivered(&mut world, &[("phone", 2)]);
    let first = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    let refused = request(&world, asked(&order, &[("1", 2)]));
    assert!(matches!(refused, Err(Rejection::NotReturnable { returnable: 1, .. })), "{refused:?}");
    take(&world, &first, approve()).expect("it was requested");
    let refused = take(&world, &first, receipt("west", vec![restocked("1", 2)]));
    assert!(matches!(refused, Err(Rejection::NotInReturn { there: 1, requested: 2, .. })), "{refused:?}");
    let refused = take(&world, &first, ReturnAction::Refund(dollars(101)));
    assert!(matches!(refused, Err(Rejection::NotRefundable { refundable: 100, .. })), "{refused:?}");
    let back = ReportPayment { order: text(&order.name()), mark: PaymentMark::Refunded, amount: dollars(150) };
    world.run(Command::ReportPayment(back)).expect("it was paid");
    let refused = take(&world, &first, ReturnAction::Refund(dollars(51)));
    assert!(matches!(refused, Err(Rejection::RefundTooLarge { paid: 50, .. })), "{refused:?}");
    take(&world, &first, ReturnAction::Refund(dollars(50))).expect("so much is left");
    assert_eq!(order_of(&world, &first).payment_state(), PaymentState::Refunded);
    take(&world, &first, ReturnAction::Cancel(None)).expect("nothing came");
    let order = order_of(&world, &first);
    assert_eq!((order.returnable(0), order.overlay(0).written_off), (1, 1), "what was paid for cannot come again");
}

#[test]
fn policies_say_until_when_in_which_state_and_for_what_money() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2), ("case", 1)]);
    policy(
        &world,
        ReturnPolicy {
            window_days: Some(30),
            conditions: vec![Condition::New, Condition::Opened],
            refund_at: RefundAt::Received,
            fee_bps: 1_000,
            automatic: true,
            ..ReturnPolicy::default()
        },
    );
    let never = ReturnPolicy { final_sale: true, automatic: true, ..ReturnPolicy::default() };
    let sku = Some(text("case"));
    world.run(Command::PutPolicy(PutPolicy::Returns { channel: None, sku, policy: never })).expect("a good policy");

    let sold = request(&world, asked(&order, &[("2", 1)])).expect("it was delivered");
    assert_eq!((sold.status(), sold.lines[0].outside), (ReturnStatus::Declined, Some(Outside::FinalSale)));
    let mut used = asked(&order, &[("1", 1)]);
    used.lines[0].condition = Some(Condition::Used);
    let used = request(&world, used).expect("it was delivered");
    assert_eq!((used.status(), used.lines[0].outside), (ReturnStatus::Declined, Some(Outside::Condition)));

    let known = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    assert_eq!(known.status(), ReturnStatus::Approved, "the policy decides alone");
    assert!(known.lines[0].node.is_some(), "and says where to");
    let early = take(&world, &known, ReturnAction::Refund(dollars(1)));
    assert!(matches!(early, Err(Rejection::NotRefundable { refundable: 0, .. })), "{early:?}");
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    let dear = take(&world, &known, ReturnAction::Refund(dollars(91)));
    assert!(matches!(dear, Err(Rejection::NotRefundable { refundable: 90, .. })), "a tenth is kept: {dear:?}");
    let known = take(&world, &known, ReturnAction::Refund(dollars(90))).expect("it came");
    assert_eq!(known.status(), ReturnStatus::Closed);

    let world = world.restart();
    world.later(31 * DAY_S);
    let late = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    assert_eq!((late.status(), late.lines[0].outside), (ReturnStatus::Declined, Some(Outside::Window)));
}

#[test]
fn a_claim_is_made_good_without_anything_coming_back() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2)]);
    let known = request(&world, RequestReturn { is_claim: true, ..asked(&order, &[("1", 2)]) }).expect("delivered");
    let known = take(&world, &known, approve()).expect("it was requested");
    assert_eq!(known.status(), ReturnStatus::Dispositioned, "nothing is to come");
    assert_eq!(order_of(&world, &known).overlay(0).written_off, 2);
    let world = world.restart();
    let known = take(&world, &known, ReturnAction::Refund(dollars(200))).expect("it was approved");
    assert_eq!(known.status(), ReturnStatus::Closed);
    assert_eq!(order_of(&world, &known).status(), OrderStatus::Fulfilled, "nothing is back");
    let refused = request(&world, asked(&order, &[("1", 1)]));
    assert!(matches!(refused, Err(Rejection::NotReturnable { returnable: 0, .. })), "{refused:?}");
}

fn exchange(world: &World, order: &Order, sku: &str, n: u32) -> Return {
    let wanted = WantedInstead { sku: text(sku), quantity: quantity(n), unit_price: Some(dollars(130)) };
    let asked = RequestReturn { exchange: vec![wanted], ..asked(order, &[("1", 1)]) };
    request(world, asked).expect("it was delivered")
}

pub(super) fn replacement(world: &World, known: &Return) -> Order {
    let key: OrderKey = known.replacement.expect("it is ordered");
    world.engine.order_by_key(key).expect("it is there").as_ref().clone()
}

#[test]
fn what_the_customer_gets_instead_is_committed_and_waits_until_all_came() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    world.stock("case", "north", 1).expect("room");
    let known = exchange(&world, &order, "case", 1);
    assert_eq!(known.replacement, None, "nothing is taken before it is approved");
    let known = take(&world, &known, approve()).expect("it was requested");
    let instead = replacement(&world, &known);
    assert_eq!(world.level("case", "north"), Level { on_hand: 1, committed: 1, ..NONE });
    assert_eq!((instead.status(), instead.due()), (OrderStatus::OnHold, 130), "all of it is owed");
    let world = world.restart();
    let held = world.fulfill(&instead, 1, FulfillmentAction::Accept);
    assert!(matches!(held, Err(Rejection::OnHold { .. })), "{held:?}");
    let known = take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    assert_eq!(known.status(), ReturnStatus::Closed, "what comes back pays for it: {known:?}");
    let instead = replacement(&world, &known);
    assert_eq!((kept(&order_of(&world, &known)), kept(&instead)), (0, 100), "its money went over");
    assert_eq!(instead.holds[0].state, HoldState::AutoReleased);
    world.fulfill(&instead, 1, FulfillmentAction::Accept).expect("it may leave");
}

#[test]
fn what_was_wanted_instead_is_called_off_with_its_return_and_ordered_once_after_a_crash() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    world.stock("case", "north", 1).expect("room");
    policy(&world, ReturnPolicy { expires_days: Some(1), ..ReturnPolicy::default() });
    let known = exchange(&world, &order, "case", 1);
    let known = take(&world, &known, approve()).expect("it was requested");
    // The process dies after each record of the approval, and the clock goes on with it.
    let records = world.log.records.lock().len();
    let begun = world.log.records.lock().iter().position(|r| {
        r.events.iter().any(|e| matches!(e, Event::ReturnChanged(c) if c.key == known.key && c.version == 2))
    });
    for kept in begun.expect("it was approved") + 1..=records {
        let world = world.until(kept);
        world.engine.expire_due(&*world.log);
        world.check();
        let known = world.engine.return_by_key(known.key).expect("it is there");
        assert_eq!(world.level("case", "north").committed, 1, "ordered once");
        world.later(DAY_S + 1);
        world.engine.expire_due(&*world.log);
        world.check();
        let known = world.engine.return_by_key(known.key).expect("it is there");
        assert_eq!(known.status(), ReturnStatus::Expired);
        assert_eq!(replacement(&world, &known).status(), OrderStatus::Cancelled);
        assert_eq!(world.level("case", "north"), Level { on_hand: 1, available: 1, ..NONE });
        assert!(replacement(&world, &known).is_done(), "nothing of it is open");
    }
}

#[test]
fn a_request_repeated_is_answered_as_before() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 2)]);
    let first = RequestReturn { id: Some(text("back-1")), fingerprint: 7, ..asked(&order, &[("1", 1)]) };
    let known = request(&world, first.clone()).expect("it was delivered");
    let world = world.restart();
    let again = world.engine.execute(&*world.log, &Context::library(), Command::RequestReturn(Box::new(first.clone())));
    assert!(matches!(again, Ok(crate::engine::Executed::Repeat { .. })), "{again:?}");
    let other = RequestReturn { fingerprint: 8, ..first };
    assert!(matches!(request(&world, other), Err(Rejection::IdTaken { .. })));
    assert_eq!(world.engine.returned("back-1").map(|r| r.key), Ok(known.key));
}

#[test]
fn a_return_goes_where_it_is_nearest_or_where_somebody_waits() {
    let mut world = World::new();
    let value = Some(dollars(100_000));
    let item = PutItem {
        sku: text("laptop"),
        name: text("laptop"),
        kind: ItemKind::Product,
        weight_g: 20_000,
        dimensions: Dimensions::default(),
        value,
        components: vec![],
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    world.run(Command::PutItem(Box::new(item))).expect("a good item");
    let order = delivered(&mut world, &[("laptop", 1)]);
    let node = |world: &World| {
        let known = request(world, asked(&order, &[("1", 1)])).expect("it was delivered");
        let known = take(world, &known, approve()).expect("it was requested");
        take(world, &known, ReturnAction::Cancel(None)).expect("nothing came");
        let node = known.lines[0].node.expect("somebody receives");
        world.engine.catalogue(|catalogue| catalogue.node(node).id.to_string())
    };
    assert_eq!(node(&world), "east", "the customer lives there");
    let mut far = World::order_of("far", &[("laptop", 1)], None);
    far.destinations[0].position = Position::from_degrees(34.0, -118.0);
    world.run(Command::PlaceOrder(Box::new(far))).expect("it waits");
    let nearest = node(&world);
    assert!(["east", "north", "west"].contains(&nearest.as_str()));
    let off = NodePatch { active: Some(false), ..NodePatch::default() };
    world.run(Command::PatchNode { node: text("east"), patch: Box::new(off) }).expect("a known node");
    assert_ne!(node(&world), "east", "what is switched off receives nothing");
}

#[test]
fn an_order_with_an_open_return_is_not_done_and_one_that_is_back_says_so() {
    let mut world = World::new();
    let order = delivered(&mut world, &[("phone", 1)]);
    assert!(order.is_done());
    let known = request(&world, asked(&order, &[("1", 1)])).expect("it was delivered");
    assert!(!order_of(&world, &known).is_done(), "it stays in memory");
    take(&world, &known, approve()).expect("it was requested");
    take(&world, &known, receipt("west", vec![restocked("1", 1)])).expect("it comes");
    assert_eq!(order_of(&world, &known).status(), OrderStatus::Returned);
    take(&world, &known, ReturnAction::Close(None)).expect("all of it came");
    let order = order_of(&world, &known);
    assert!(order.is_done() && order.status() == OrderStatus::Returned);
    let words: Vec<&str> = order.history.iter().map(|told| &*told.what).collect();
    let back = ["return_requested", "return_approved", "return_received", "return_closed"];
    assert!(words.ends_with(&back), "every step is in its story: {words:?}");
}
