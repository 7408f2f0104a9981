//! What follows from a return: the order of what the customer gets instead, the end of the hold it waits under, and what the
//! clock does to returns whose goods do not come.
//!
//! Each is a record of its own, made in the call that gave cause to it, and again by the clock should the process have died
//! in between: the order's id is made of the return's, so it is placed once. What the customer gets instead is captured like
//! any order, so its units are committed; unless the policy lets it leave at once it is held until all of the return came.
//! When the return is called off, so is it, if it still waits.

use std::sync::Arc;

use super::change::Change;
use super::returns::{Told, settled};
use super::table::Locked;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::command::{AskedHold, CancelOrder, Context, PlaceLine, PlaceOrder, ShipTo, Wishes};
use crate::domain::event::Answer;
use crate::domain::hold::{Hold, HoldKind, HoldState};
use crate::domain::ids::{OrderKey, ReturnKey, SkuIndex, Text};
use crate::domain::order::{Destination, Order, OrderEvent, OrderType};
use crate::domain::order_returns::ReturnStep;
use crate::domain::quantity::Quantity;
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::returns::{ExchangeLine, Return, ReturnEnd, ReturnEvent, ReturnVerb};
use crate::domain::time::JournalTime;

/// Returns the clock looks at in one turn.
const LOOKED_AT_MAX: usize = 256;
/// Seconds until an order that was refused is tried again.
const RETRY_S: u64 = 60;
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
        let told = Told::of(ReturnEvent::Expired, ReturnStep::Expired, returned.units_expected());
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
        let Some(replacement) = returned.replacement else { return };
        match &returned.end {
            Some((ReturnEnd::Declined | ReturnEnd::Cancelled | ReturnEnd::Expired, _)) => {
                self.call_off(&turn, &returned, replacement);
            }
            _ if returned.is_back() || returned.end.is_some() => self.let_go(&turn, replacement),
            _ => {}
        }
    }

    /// Orders what the customer gets instead, and notes it.
    fn replace(&self, turn: &Turn<'_>, returned: &Return) {
        let placed = match self.order_wherever(returned.order) {
            Ok(Some(order)) => {
                let command = self.catalogue(|c| replacement_of(returned, &order, |sku| c.item(sku).sku.clone()));
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
            return self.call_off(turn, returned, replacement);
        }
        let (order, now) = (order_slot.as_ref().expect("a locked entity is there"), turn.now());
        let told = Told::of(ReturnEvent::Replaced { order: replacement }, ReturnStep::Replaced, Vec::new());
        let told = settled(told, order, known, now);
        let change = Change::new(&network);
        let logged = self.log_return(turn, &network, (&mut order_slot, &mut slot), returned.key, &told, change);
        if logged.is_err() {
            return self.returns_due.push(now.plus_s(RETRY_S), returned.key);
        }
        drop((order_slot, slot));
        drop(network);
        let is_back = self.return_by_key(returned.key).is_some_and(|known| known.is_back());
        if is_back {
            self.let_go(turn, replacement);
        }
    }

    /// What replaces a return may leave.
    fn let_go(&self, turn: &Turn<'_>, replacement: OrderKey) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let Some(mut slot) = self.orders.lock(replacement) else { return };
        let Some(number) = waiting_under(&slot) else { return };
        let ended = OrderEvent::HoldEnded { number, state: HoldState::AutoReleased, reason: None };
        let logged = self.log_order(turn, &network, &mut slot, turn.now(), vec![ended], None);
        logged.expect("the end of a hold is a small record");
    }

    /// What replaces a return that was called off is called off, if it still waits.
    fn call_off(&self, turn: &Turn<'_>, returned: &Return, replacement: OrderKey) {
        let waits = self.orders.lock(replacement).is_some_and(|slot| waiting_under(&slot).is_some());
        if !waits {
            return;
        }
        let reason = Text::from(format!("return {} is {}", returned.name(), returned.status().word()).as_str());
        let cancel = CancelOrder { order: replacement.to_string().as_str().into(), lines: None, reason };
        if self.cancel_order(turn, &cancel).is_ok() {
            self.let_go(turn, replacement);
        }
    }
}

/// The hold under which what replaces a return waits.
fn waiting_under(slot: &Locked<Arc<Order>>) -> Option<u16> {
    let mut holds = slot.as_ref()?.holds.iter();
    let waits = |hold: &&Hold| hold.terms.kind == HoldKind::ReturnItems && hold.state == HoldState::Active;
    holds.find(waits).map(|hold| hold.number)
}

/// The order of what the customer gets instead: to where the first went, for the difference alone.
fn replacement_of(returned: &Return, order: &Order, sku: impl Fn(SkuIndex) -> Text) -> PlaceOrder {
    let facts = &order.facts;
    let id: Text = format!("{}-exchange", returned.key).as_str().into();
    let to = |destination: &Destination| ShipTo {
        group: destination.group.clone(),
        country: destination.country.clone(),
        postal_code: destination.postal_prefix.clone(),
        parts: None,
        position: destination.position,
        personal: destination.personal.clone(),
    };
    let line = |(number, line): (usize, &ExchangeLine)| PlaceLine {
        id: number.to_string().as_str().into(),
        sku: sku(line.sku),
        quantity: Quantity::new(line.quantity).expect("what is wanted instead is a quantity"),
        unit_price: line.unit_price,
        group: 0,
    };
    let waits = AskedHold { kind: HoldKind::ReturnItems, reason: AWAITING.into(), release_at: None, release_on: None };
    PlaceOrder {
        id: Some(id.clone()),
        fingerprint: returned.key.0,
        kind: OrderType::Standard,
        channel: facts.channel.clone(),
        channel_order_id: id,
        customer: facts.customer.clone(),
        personal: facts.personal.clone(),
        currency: facts.currency,
        destinations: facts.destinations.iter().take(1).map(to).collect(),
        lines: (1..).zip(&returned.exchange).map(line).collect(),
        delivery_method: facts.delivery_method.clone(),
        reservation: None,
        reacquire: false,
        rule_set: facts.rule_set.clone(),
        placed_at: None,
        payment: None,
        total: Some(returned.difference().max(0)),
        holds: if returned.terms.exchange_at_once { Vec::new() } else { vec![waits] },
        wishes: Wishes::default(),
    }
}
