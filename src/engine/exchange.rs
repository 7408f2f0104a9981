//! What follows from a return: the order of what the customer gets instead, the money that goes over to it, the end of the
//! hold it waits under, and what the clock does to returns whose goods do not come.
//!
//! Each is a record of its own, made in the call that gave cause to it, and again by the clock should the process have died
//! in between: the order's id is made of the return's, so it is placed once. What the customer gets instead is captured like
//! any order and owed in full, so its units are committed; unless the policy lets it leave at once it is held until all of
//! the return came, or it is paid for. What came pays for it (`domain::return_money`): the money goes over in the record in
//! which the hold ends. What did not come does not: then it waits, and is a case. When the return is called off, so is it,
//! as far as it has not left; the money comes back, and what has left is a case.

use std::collections::BTreeSet;

use super::change::Change;
use super::consolidate::order_in;
use super::exception::Cause;
use super::returns::{Told as Returned, called_off, ended, settled};
use super::turn::{Turn, order_events};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{AskedHold, CancelOrder, Context, PlaceLine, PlaceOrder, ShipTo, Wishes};
use crate::domain::event::{Answer, Event, ReturnChanged};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::hold::{Hold, HoldKind, HoldState};
use crate::domain::ids::{OrderKey, ReturnKey, Text};
use crate::domain::limits::PAYMENTS_MAX;
use crate::domain::order::{Order, OrderEvent, OrderType, Told};
use crate::domain::order_returns::ReturnStep;
use crate::domain::payment::{Paid, PaymentMark};
use crate::domain::quantity::Quantity;
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::returns::{ExchangeLine, Return, ReturnEvent, ReturnVerb};
use crate::domain::time::JournalTime;

/// Returns the clock looks at in one turn.
const LOOKED_AT_MAX: usize = 256;
/// Seconds until an order that was refused is tried again.
const RETRY_S: u64 = 60;
/// What stands behind the number of a return in the id of the order that replaces it.
const SUFFIX: &str = "-exchange";
/// Why what replaces a return waits.
const AWAITING: &str = "awaiting_return_items";

impl Engine {
    /// Tells the clock when it has something to do for a return, and when it ended.
    pub(super) fn watch_return(&self, returned: &Return) {
        if let (None, Some(expires)) = (returned.end.as_ref(), returned.expires_at) {
            self.returns_due.push(expires.journal, returned.key);
        }
        if let Some(at) = returned.ended_at {
            self.ended_returns.lock().push_back((at, returned.key));
        }
    }

    /// Tells the clock of all returns that may have been left in the middle, at start.
    pub(super) fn watch_returns(&self, now: JournalTime) {
        for key in self.return_keys() {
            self.returns_due.push(now, key);
        }
    }

    /// Does what is due of returns; answers when the clock should come again.
    pub(super) fn returns_come_due(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        let due = self.returns_due.take_due(now, LOOKED_AT_MAX);
        for key in due {
            self.expire_return(turn, key, now);
            self.tend_return(turn, key);
        }
        self.returns_due.next()
    }

    /// A return whose goods did not come in time is over.
    fn expire_return(&self, turn: &Turn<'_>, key: ReturnKey, now: JournalTime) {
        let Some(known) = self.return_by_key(key) else { return };
        let is_due = |known: &Return| {
            known.status().takes(ReturnVerb::Expire) && known.expires_at.is_some_and(|at| at.journal <= now)
        };
        if !is_due(&known) {
            return self.watch_return_later(&known, now);
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let Some(mut order_slot) = self.orders.lock(known.order) else { return };
        let Some(mut slot) = self.returns.lock(key) else { return };
        let returned = slot.as_ref().expect("a locked entity is there");
        if !is_due(returned) {
            return;
        }
        let told = called_off(returned, ReturnEvent::Expired, ReturnStep::Expired);
        let change = Change::new(&network);
        let logged = self.log_return(turn, &network, (&mut order_slot, &mut slot), key, &told, change);
        logged.expect("the end of a return is a small record");
    }

    fn watch_return_later(&self, known: &Return, now: JournalTime) {
        if known.end.is_none() && known.expires_at.is_some_and(|at| at.journal > now) {
            self.watch_return(known);
        }
    }

    /// Does what follows from where a return stands. The caller holds nothing.
    pub(super) fn tend_return(&self, turn: &Turn<'_>, key: ReturnKey) {
        let Some(returned) = self.return_by_key(key) else { return };
        let context = Context { source: "return".into(), key: None, ..turn.context.clone() };
        let turn = Turn::new(turn.log, &context, None);
        if returned.owes_exchange() {
            self.replace(&turn, &returned);
        }
        let Some(returned) = self.return_by_key(key) else { return };
        let Some(replacement) = returned.replacement else { return };
        if returned.is_called_off() {
            self.call_off(&turn, &returned, replacement);
        }
        self.recall_replacement(&turn, &returned, replacement);
        self.settle_exchange(&turn, key, (returned.order, replacement));
    }

    /// Does what follows for the return that an order replaces, when that order is not as it was. The caller holds nothing.
    pub(super) fn tend_replaced(&self, turn: &Turn<'_>, order: &Order) {
        if let Some(returned) = self.replaced_by(order).filter(|known| known.replacement.is_some()) {
            self.tend_return(turn, returned.key);
        }
    }

    /// The return that an order replaces, whether or not that was noted yet. The caller may hold the order.
    pub(super) fn replaced_by(&self, order: &Order) -> Option<Return> {
        let id = order.facts.id.as_deref()?.strip_suffix(SUFFIX)?;
        let returned = self.return_by_key(ReturnKey::parse(id)?)?;
        returned.replacement.is_none_or(|own| own == order.key).then_some(returned)
    }

    /// Does what follows for the open returns of an order whose money is not as it was. The caller holds nothing.
    pub(super) fn tend_returns_of(&self, turn: &Turn<'_>, order: &Order) {
        for known in order.returns.iter().filter(|known| known.is_open) {
            self.tend_return(turn, known.key);
        }
    }

    /// Orders what the customer gets instead, and notes it.
    fn replace(&self, turn: &Turn<'_>, returned: &Return) {
        let placed = match self.order_wherever(returned.order) {
            Ok(Some(order)) => {
                let command = self.catalogue(|catalogue| replacement_of(returned, &order, catalogue));
                self.place_order(turn, &command)
            }
            _ => return,
        };
        let replacement = match placed {
            Ok(Executed::Done(Outcome { reply: Reply::Order(order), .. })) => order.key,
            Ok(Executed::Repeat { answer: Answer::Order(key), .. }) => key,
            Ok(_) => return,
            Err(rejection) => {
                if rejection != Rejection::Contended {
                    tracing::warn!(%rejection, "what replaces a return cannot be ordered");
                    let network = self.network.read().expect("no writer of the catalogue panics and survives");
                    let failed = Cause::of(ExceptionKind::ExchangeFailed, Subject::Order(returned.order));
                    self.raise_alone(turn, &network, failed);
                }
                let again = turn.now().plus_s(RETRY_S);
                return self.returns_due.push(again, returned.key);
            }
        };
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let Some(mut order_slot) = self.orders.lock(returned.order) else { return };
        let Some(mut slot) = self.returns.lock(returned.key) else { return };
        let known = slot.as_ref().expect("a locked entity is there");
        if !known.owes_exchange() {
            drop((order_slot, slot));
            drop(network);
            // It was called off meanwhile.
            let called_off = self.return_by_key(returned.key).is_some_and(|known| known.is_called_off());
            if called_off {
                self.cancel_replacement(turn, returned, replacement);
            }
            return;
        }
        let (order, now) = (order_slot.as_ref().expect("a locked entity is there"), turn.now());
        let told = Returned::of(ReturnEvent::Replaced { order: replacement }, ReturnStep::Replaced, Vec::new());
        let told = settled(told, order, known, now);
        let change = Change::new(&network);
        let logged = self.log_return(turn, &network, (&mut order_slot, &mut slot), returned.key, &told, change);
        if logged.is_err() {
            self.returns_due.push(now.plus_s(RETRY_S), returned.key);
        }
    }

    /// What replaces a return that was called off is called off, as far as it can be, once.
    fn call_off(&self, turn: &Turn<'_>, returned: &Return, replacement: OrderKey) {
        let Some(order) = self.order_in_memory(replacement) else { return };
        let since = |told: &Told| &*told.what == "cancelled" && returned.ended_at.is_some_and(|ended| told.at >= ended);
        if !order.history.iter().any(since) {
            self.cancel_replacement(turn, returned, replacement);
        }
    }

    fn cancel_replacement(&self, turn: &Turn<'_>, returned: &Return, replacement: OrderKey) {
        let reason = Text::from(format!("return {} is called off", returned.name()).as_str());
        let cancel = CancelOrder { order: replacement.to_string().as_str().into(), lines: None, reason };
        match self.cancel_order(turn, &cancel) {
            // What has left is told by the case of its money.
            Ok(_) | Err(Rejection::NotCancellable { .. }) => {}
            Err(rejection) => tracing::warn!(%rejection, "what replaces a return cannot be called off"),
        }
    }

    /// Brings what replaces a return back into memory, where money may still go to it or come back from it.
    fn recall_replacement(&self, turn: &Turn<'_>, returned: &Return, replacement: OrderKey) {
        if returned.money_may_move()
            && let Err(rejection) = self.recall_order(replacement, turn.now())
        {
            tracing::warn!(%rejection, "what replaces a return cannot be read: its money is looked at again");
            self.returns_due.push(turn.now().plus_s(RETRY_S), returned.key);
        }
    }

    /// Moves what is due of a return's money between its order and the one that replaces it, and ends the hold of that where
    /// it is paid for or all came, in one record; a case where nothing more comes and it is not.
    fn settle_exchange(&self, turn: &Turn<'_>, key: ReturnKey, (of, replacement): (OrderKey, OrderKey)) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut orders = self.lock_several(&BTreeSet::from([of, replacement]));
        let Some(mut slot) = self.returns.lock(key) else { return };
        let (Some(own), Some(there)) = (order_in(&orders, of), order_in(&orders, replacement)) else { return };
        let returned = slot.as_ref().expect("a locked entity is there");
        let now = turn.now();
        let settling = Settling::of(returned, own, there, now);
        let raising = self.raise(now, settling.case.filter(|case| self.exception_by_key(case.key).is_none()));
        let first = returned.version + 1;
        let told = (first..).zip(settling.told.events().iter().cloned());
        let told = told.map(|(version, event)| Event::ReturnChanged(Box::new(ReturnChanged { key, version, event })));
        let mut events: Vec<Event> = told.collect();
        let of_own = settling.own.into_iter().chain(settling.told.of_order(own, key));
        events.extend(order_events(own, of_own.collect()));
        events.extend(order_events(there, settling.there));
        events.extend(raising.events());
        if events.is_empty() {
            return;
        }
        let sealed = turn.seal(now, network.catalogue.seq, events, None).expect("some amounts make a small record");
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        for (key, slot) in &mut orders {
            logged.fold_order_of(*key, slot);
            self.watch_new_windows(&network, slot);
        }
        let before = slot.as_ref().cloned();
        logged.fold_return(&mut slot);
        let after = slot.as_ref().expect("just folded");
        self.returning.changed(before.as_ref(), Some(after));
        if before.is_some_and(|before| before.end.is_none()) && after.end.is_some() {
            self.watch_return(after);
        }
        raising.logged(&logged);
        logged.done();
    }
}

/// What moving the money of an exchange tells.
struct Settling {
    /// Of the return, and of its lines in its order.
    told: Returned,
    /// Of the money of its order.
    own: Vec<OrderEvent>,
    /// Of the order that replaces it.
    there: Vec<OrderEvent>,
    /// What is wrong.
    case: Option<Cause>,
}

impl Settling {
    fn of(returned: &Return, own: &Order, there: &Order, now: JournalTime) -> Self {
        let (sums, sums_there) = (Paid::of(&own.payments), Paid::of(&there.payments));
        let instead = returned.instead_of(there);
        // One with a total has its share of what comes back already: it was taken off.
        let is_lowered = there.facts.total.is_some();
        let has_room = [own, there].iter().all(|order| order.payments.len() < PAYMENTS_MAX);
        let amount = match (is_lowered, has_room) {
            (true, _) => returned.credit_due(instead, i64::MAX, 0),
            (false, true) => returned.credit_due(instead, sums.kept(), sums_there.kept()),
            (false, false) => 0,
        };
        let (mut told, mut after) = (Returned::default(), returned.clone());
        if amount != 0 || returned.is_told_otherwise(instead) {
            let credited = ReturnEvent::Credited { amount, instead };
            if after.take(now, &credited).is_err() {
                return Self { told, own: Vec::new(), there: Vec::new(), case: None };
            }
            told = Returned::only(credited);
        }
        // What is not there any more cannot come back.
        if has_room || !after.paid_too_much() {
            told = ended(told, own, (returned, &after));
        }
        use PaymentMark::{Credited, Exchanged};
        let (of_own, of_there) = match amount {
            amount if is_lowered || amount == 0 => (Vec::new(), Vec::new()),
            amount if amount > 0 => (moved(Exchanged, amount), moved(Credited, amount)),
            amount => (moved(Credited, -amount), moved(Exchanged, -amount)),
        };
        let has = if is_lowered { sums_there } else { Paid { paid: sums_there.paid + amount, ..sums_there } };
        let due = there.due_for_what_stays();
        let never_paid = if is_lowered { i64::MAX } else { own.never_paid() };
        let goes = after.covers(never_paid);
        let ends = |hold: &&Hold| {
            let waited = hold.terms.kind == HoldKind::ReturnItems && goes;
            let is_paid = hold.terms.release_on.is_some_and(|mark| has.covers(due, mark));
            hold.state == HoldState::Active && (waited || is_paid)
        };
        let ended =
            |hold: &Hold| OrderEvent::HoldEnded { number: hold.number, state: HoldState::AutoReleased, reason: None };
        let stays_unpaid = after.is_over() && !goes && !has.covers(due, PaymentMark::Paid);
        let unpaid = ExceptionKey { kind: ExceptionKind::ExchangeUnpaid, subject: Subject::Order(there.key) };
        Self {
            told,
            own: of_own,
            there: of_there.into_iter().chain(there.holds.iter().filter(ends).map(ended)).collect(),
            case: stays_unpaid.then_some(Cause { key: unpaid, units: 0, order: Some(own.key) }),
        }
    }
}

/// What an order is told whose money goes to the other one, or comes from there. Neither touches what is authorised.
fn moved(mark: PaymentMark, amount: i64) -> Vec<OrderEvent> {
    vec![OrderEvent::PaymentReported { mark, amount }]
}

/// The order of what the customer gets instead: to where the first of what comes back went, and how that did.
fn replacement_of(returned: &Return, order: &Order, catalogue: &Catalogue) -> PlaceOrder {
    let facts = &order.facts;
    let id: Text = format!("{}{SUFFIX}", returned.key).as_str().into();
    let group = returned.lines.first().map_or(0, |line| order.lines[usize::from(line.line)].placed.group);
    let to = &facts.destinations[usize::from(group)];
    let to = ShipTo {
        group: "".into(),
        country: to.country.clone(),
        postal_code: to.postal_prefix.clone(),
        parts: None,
        position: to.position,
        personal: to.personal.clone(),
    };
    let way = order.ways.iter().find(|way| way.group == group);
    let node = way.map_or_else(|| order.preferred_node(), |way| way.node);
    let line = |(number, line): (usize, &ExchangeLine)| PlaceLine {
        id: number.to_string().as_str().into(),
        sku: catalogue.item(line.sku).sku.clone(),
        quantity: Quantity::new(line.quantity).expect("what is wanted instead is a quantity"),
        unit_price: line.unit_price,
        group: 0,
    };
    // What costs nothing is paid for from the start: it waits for what comes alone.
    let release_on = (returned.exchange_value() > 0).then_some(PaymentMark::Paid);
    let waits = AskedHold { kind: HoldKind::ReturnItems, reason: AWAITING.into(), release_at: None, release_on };
    PlaceOrder {
        id: Some(id.clone()),
        fingerprint: returned.key.0,
        kind: OrderType::Standard,
        channel: facts.channel.clone(),
        channel_order_id: id,
        customer: facts.customer.clone(),
        personal: facts.personal.clone(),
        currency: facts.currency,
        destinations: vec![to],
        lines: (1..).zip(&returned.exchange).map(line).collect(),
        delivery_method: order.method_of(group).clone(),
        reservation: None,
        reacquire: false,
        rule_set: facts.rule_set.clone(),
        placed_at: None,
        payment: None,
        total: None,
        holds: if returned.terms.exchange_at_once { Vec::new() } else { vec![waits] },
        wishes: Wishes { preferred_node: node.map(|node| catalogue.node(node).id.clone()), ..Wishes::default() },
    }
}
