//! Holds of orders and their ends, and payments, which may end some. None of it moves stock.
//!
//! A hold that ends at an instant forbids nothing from then on, whoever asks; the clock writes its end a little later.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::network::Network;
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::{Engine, Executed};
use crate::domain::command::{AskedHold, EndHold, PlaceLine, PlaceOrder, PutHold, ReportPayment};
use crate::domain::event::Answer;
use crate::domain::hold::{Hold, HoldState, ReleaseAt};
use crate::domain::hold_rule::{Captured, HoldRule};
use crate::domain::ids::Text;
use crate::domain::limits::{HOLDS_MAX, PAYMENTS_MAX};
use crate::domain::order::{Order, OrderEvent};
use crate::domain::payment::{Paid, PaymentFact, PaymentMark};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, Now, WallTime};

/// Holds the clock ends at once, each a record.
const ENDED_MAX: usize = 1_024;

impl Engine {
    pub(super) fn put_hold(&self, turn: &Turn<'_>, command: &PutHold) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut slot = self.lock_order(&command.order)?;
        let now = turn.log.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let totals = order.totals();
        if totals.open() == u64::from(totals.shipped) {
            return Err(Rejection::NothingToHold { order: order.name() });
        }
        if order.holds.len() == HOLDS_MAX {
            return Err(too_many("holds", "holds", HOLDS_MAX));
        }
        if let Some(fault) = fault_of(&command.hold, now, "") {
            return Err(Rejection::Invalid(vec![fault]));
        }
        let (key, number) = (order.key, order.next_hold());
        let mut events = vec![OrderEvent::Held { number, terms: command.hold.terms(now) }];
        let covered = |mark| Paid::of(&order.payments).covers(order.due_for_what_stays(), mark);
        if command.hold.release_on.is_some_and(covered) {
            events.push(OrderEvent::HoldEnded { number, state: HoldState::AutoReleased, reason: None });
        }
        self.log_order(turn, &network, &mut slot, now.journal, events, Some(Answer::Hold(key, number)))?;
        Ok(answered(&slot, number))
    }

    pub(super) fn end_hold(&self, turn: &Turn<'_>, command: &EndHold) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut slot = self.lock_order(&command.order)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let unknown = || Rejection::not_found("hold", command.hold.to_string());
        let number = Hold::number_in(&command.hold).ok_or_else(unknown)?;
        let hold = order.holds.iter().find(|hold| hold.number == number).ok_or_else(unknown)?;
        let state = hold.state_at(now);
        if state != HoldState::Active {
            let (order, hold, state) = (order.name(), hold.name(), state.word());
            return Err(Rejection::HoldEnded { order, hold, state });
        }
        let answer = Answer::Hold(order.key, number);
        let ended = OrderEvent::HoldEnded { number, state: command.state, reason: command.reason.clone() };
        self.log_order(turn, &network, &mut slot, now, vec![ended], Some(answer))?;
        Ok(answered(&slot, number))
    }

    /// Reports a payment; holds that waited for it end in the same record.
    pub(super) fn report_payment(&self, turn: &Turn<'_>, command: &ReportPayment) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut slot = self.lock_order(&command.order)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let (mark, amount) = (command.mark, command.amount.amount);
        if command.amount.currency != order.facts.currency {
            let detail = format!("must be {}, the order's", order.facts.currency);
            return Err(Rejection::invalid("amount.currency", "currency_mismatch", detail));
        }
        if order.payments.len() == PAYMENTS_MAX {
            return Err(too_many("payments", "payments", PAYMENTS_MAX));
        }
        let paid = Paid::of(&order.payments).kept();
        if mark == PaymentMark::Refunded && amount > paid {
            return Err(Rejection::RefundTooLarge { order: order.name(), refund: amount, paid });
        }
        let mut payments = order.payments.clone();
        payments.push(PaymentFact { mark, amount, at: now, actor: turn.context.actor.clone() });
        let mut events = vec![OrderEvent::PaymentReported { mark, amount }];
        if matches!(mark, PaymentMark::Authorized | PaymentMark::Paid) {
            events.extend(order.paid_off(&Paid::of(&payments), order.due_for_what_stays()));
        }
        let answer = Answer::Order(order.key);
        self.log_order(turn, &network, &mut slot, now, events, Some(answer))?;
        let order = slot.as_ref().expect("just folded").clone();
        drop((slot, network));
        self.tend_returns_of(turn, &order);
        self.tend_replaced(turn, &order);
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
    }

    /// Writes the end of holds whose instant has come; answers when the clock should come again.
    pub(super) fn end_holds_due(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        for (key, number) in self.holds_due.take_due(now, ENDED_MAX) {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let Some(mut slot) = self.orders.lock(key) else { continue };
            let order = slot.as_ref().expect("a locked entity is there");
            let active = order.holds.iter().any(|hold| hold.number == number && hold.state == HoldState::Active);
            if active {
                let ended = OrderEvent::HoldEnded { number, state: HoldState::AutoReleased, reason: None };
                let logged = self.log_order(turn, &network, &mut slot, now, vec![ended], None);
                logged.expect("the end of a hold is a small record");
            }
        }
        self.holds_due.next()
    }

    /// Tells the clock of an order's holds from number `first` on that end by themselves.
    pub(super) fn watch_holds(&self, order: &Order, first: u16) {
        let active = order.holds.iter().filter(|hold| hold.number >= first && hold.state == HoldState::Active);
        for hold in active.clone() {
            self.watch_hold_age(hold.since.plus_s(hold.terms.kind.overdue_s()), order.key, hold.number);
        }
        let end = |hold: &Hold| Some((hold.terms.release_at?.journal, (order.key, hold.number)));
        self.holds_due.extend(active.filter_map(end));
    }

    /// Logs events of a locked order that move no stock, and folds them.
    pub(super) fn log_order(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        now: JournalTime,
        events: Vec<OrderEvent>,
        answer: Option<Answer>,
    ) -> Result<(), Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let first = order.next_hold();
        let events = order_events(order, events).collect();
        let sealed = turn.seal(now, network.catalogue.seq, events, answer)?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        logged.fold_order(slot);
        logged.done();
        self.watch_holds(slot.as_ref().expect("just folded"), first);
        // The end of a hold may be the beginning of a node's time to answer.
        self.watch_new_windows(network, slot);
        Ok(())
    }

    pub(super) fn lock_order(&self, id: &str) -> Result<Locked<Arc<Order>>, Rejection> {
        let unknown = || Rejection::not_found("order", id);
        let key = self.find_order(id).ok_or_else(unknown)?;
        self.orders.lock(key).ok_or_else(unknown)
    }
}

fn answered(slot: &Locked<Arc<Order>>, number: u16) -> Executed {
    let order = slot.as_ref().expect("just folded").clone();
    let seq = order.seq;
    Executed::done(Reply::Hold { order, number }, seq)
}

/// The holds an order is captured with, those of rules last; those that wait for a payment which covers what is due, as
/// reported with it, end at once. None is left out: an order that would have too many is refused.
pub(super) fn begun_holds(network: &Network, command: &PlaceOrder, now: Now) -> Result<Vec<OrderEvent>, Rejection> {
    let fault = |(at, hold)| fault_of(hold, now, &format!("holds[{at}]."));
    let faults: Vec<Fault> = command.holds.iter().enumerate().filter_map(fault).collect();
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    let ruled = ruled_holds(network, command, now);
    if command.holds.len() + ruled.len() > HOLDS_MAX {
        let (own, ruled) = (command.holds.len(), ruled.len());
        let detail = format!("an order has at most {HOLDS_MAX} holds, it asks for {own} and rules put {ruled} on it");
        return Err(Rejection::invalid("holds", "too_many", detail));
    }
    let reported = command.payment.as_ref().and_then(|payment| PaymentMark::at_capture(&payment.status));
    let is_paid = |awaited| match reported {
        Some(reported) if reported.includes(awaited) => true,
        _ => Paid::default().covers(total_of(command), awaited),
    };
    let held = |(number, hold): (u16, &AskedHold)| {
        let paid = hold.release_on.is_some_and(is_paid);
        let ended = paid.then_some(OrderEvent::HoldEnded { number, state: HoldState::AutoReleased, reason: None });
        std::iter::once(OrderEvent::Held { number, terms: hold.terms(now) }).chain(ended)
    };
    Ok((1..).zip(command.holds.iter().chain(&ruled)).flat_map(held).collect())
}

/// What is owed for an order at its capture: its total as reported, or the sum of its prices.
fn total_of(command: &PlaceOrder) -> i64 {
    let price = |line: &PlaceLine| line.unit_price.saturating_mul(i64::from(line.quantity.units()));
    command.total.unwrap_or_else(|| command.lines.iter().map(price).fold(0, i64::saturating_add))
}

/// The holds that rules put on an order that is captured.
fn ruled_holds(network: &Network, command: &PlaceOrder, now: Now) -> Vec<AskedHold> {
    let policies = network.catalogue.policies();
    if !policies.has_hold_rules() {
        return Vec::new();
    }
    let lines: Vec<(&Text, u32)> = command.lines.iter().map(|line| (&line.sku, line.quantity.units())).collect();
    let countries: Vec<&Text> = command.destinations.iter().map(|to| &to.country).collect();
    let captured = Captured {
        total: total_of(command),
        currency: command.currency,
        lines: &lines,
        countries: &countries,
        channel: &command.channel,
        delivery_method: &command.delivery_method,
        flags: &command.wishes.flags,
    };
    policies.hold_rules().filter(|rule| rule.holds(&captured)).map(|rule| put_by(rule, now)).collect()
}

/// The holds of rules that an order meets as an edit makes it, `preview`, and did not meet before; what its channel said of
/// it at its capture is not known any more. `None` when it would have too many.
pub(super) fn holds_of_edit(
    network: &Network,
    order: &Order,
    (preview, difference): (&Order, i64),
    now: Now,
) -> Option<Vec<OrderEvent>> {
    let policies = network.catalogue.policies();
    if !policies.has_hold_rules() {
        return Some(Vec::new());
    }
    let due = order.due_with(i128::from(difference));
    let met = |order: &Order, total: i64| -> Vec<&HoldRule> {
        let wanted = (0..order.lines.len() as u16).filter(|line| order.wanted(*line) > 0);
        let sku = |line: u16| &network.catalogue.item(order.lines[usize::from(line)].placed.sku).sku;
        let lines: Vec<(&Text, u32)> = wanted.map(|line| (sku(line), order.wanted(line))).collect();
        let countries: Vec<&Text> = order.facts.destinations.iter().map(|to| &to.country).collect();
        let captured = Captured {
            total,
            currency: order.facts.currency,
            lines: &lines,
            countries: &countries,
            channel: &order.facts.channel,
            delivery_method: &order.facts.delivery_method,
            flags: &[],
        };
        policies.hold_rules().filter(|rule| rule.holds(&captured)).collect()
    };
    let before = met(order, order.due());
    let new: Vec<&HoldRule> =
        met(preview, due).into_iter().filter(|rule| !before.iter().any(|old| std::ptr::eq(*old, *rule))).collect();
    let sums = Paid::of(&order.payments);
    let held = |(number, rule): (u16, &HoldRule)| {
        let paid = rule.release_on.is_some_and(|mark| sums.covers(due, mark));
        let ended = paid.then_some(OrderEvent::HoldEnded { number, state: HoldState::AutoReleased, reason: None });
        std::iter::once(OrderEvent::Held { number, terms: put_by(rule, now).terms(now) }).chain(ended)
    };
    let fits = order.holds.len() + new.len() <= HOLDS_MAX;
    fits.then(|| (order.next_hold()..).zip(new).flat_map(held).collect())
}

/// The hold that a rule puts.
fn put_by(rule: &HoldRule, now: Now) -> AskedHold {
    let after = |after: u32| WallTime(now.wall.0.saturating_add(i64::from(after) * 1_000));
    AskedHold {
        kind: rule.kind,
        reason: rule.reason.clone(),
        release_at: rule.release_after_s.map(after),
        release_on: rule.release_on,
    }
}

/// What is wrong with a hold that is asked for in the fields behind `path`.
pub(super) fn fault_of(hold: &AskedHold, now: Now, path: &str) -> Option<Fault> {
    let release = ReleaseAt::of(hold.release_at?, now);
    let past = || Fault::new(format!("{path}release_at"), "time_in_past", "must be in the future");
    (release.journal <= now.journal).then(past)
}

pub(super) fn too_many(field: &str, what: &str, max: usize) -> Rejection {
    Rejection::invalid(field, "too_many", format!("an order has at most {max} {what}, this one has as many"))
}
