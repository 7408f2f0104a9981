//! Two orders that become one, in one record: all that is open of one goes to the other. What is allocated goes to
//! fulfilment orders of the other at the same nodes, and no stock moves; what waits is sourced for it anew, and waits in
//! the place of the order that stays. Payments go with the units, holds that forbid are put on the order that stays.
//!
//! Only what nobody has begun to pick, of one customer, to the same destinations, through one channel, in one currency; not
//! what is got instead of a return whose money may still go there, or come back.
//! The order that went is told as cancelled, and where it went; who merges it again is answered the same.

use std::collections::{BTreeMap, BTreeSet};

use super::cancel::leave_queues;
use super::change::Change;
use super::consolidate::{BesideSeveral, order_in};
use super::step_stock::loosen;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::command::MergeOrders;
use crate::domain::decision::LineUnits;
use crate::domain::edit::EditState;
use crate::domain::event::Answer;
use crate::domain::hold::HoldState;
use crate::domain::ids::{OrderKey, SkuIndex, Text};
use crate::domain::limits::{FULFILLMENT_ORDERS_MAX, HOLDS_MAX, ORDER_COMPONENTS_MAX, ORDER_LINES_MAX, PAYMENTS_MAX};
use crate::domain::order::{Allocation, CancelFrom, CancelledPart, Order, OrderEvent, PlacedLine};
use crate::domain::order_merge::Merged;
use crate::domain::payment::Paid;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::returns::Return;
use crate::domain::time::JournalTime;

impl Engine {
    pub(super) fn merge_orders(&self, turn: &Turn<'_>, command: &MergeOrders) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let key = self.find_order(&command.order).ok_or_else(unknown)?;
        let other = self.other_of(key, &command.with)?;
        let mut orders = self.lock_several(&BTreeSet::from([key, other]));
        let (Some(own), Some(its)) = (order_in(&orders, key), order_in(&orders, other)) else { return Err(unknown()) };
        if its.merged_into() == Some(key) {
            return Ok(Executed::done(Reply::Order(own.clone()), own.seq));
        }
        let now = turn.now();
        if let Some(why) = self.is_settling(own, its).or_else(|| why_not(own, its, now)) {
            return Err(Rejection::NotMergeable { order: its.name(), why });
        }
        let parts = open_parts(its);
        let mut change = Change::lock(&network, &skus_of(own, its));
        leave_queues(&mut change, its, &parts);
        if !its.fenced.is_empty() {
            loosen(&network, &mut change, own, &its.fenced);
        }
        let (first_hold, first) = (own.next_hold(), own.next_number());
        let told = told(own, its, parts, now);
        let touched =
            self.log_several(turn, &network, &mut orders, told, change, BesideSeveral::only(Answer::Order(key)))?;
        let merged = order_in(&orders, key).expect("just folded");
        self.watch_holds(merged, first_hold);
        self.watch_windows(&network, merged, first..=merged.next_number());
        self.watch_order(&network, merged);
        self.rank_again(&network, merged);
        drop(orders);
        self.store_afterwards(turn, &network, other);
        self.store_afterwards(turn, &network, key);
        self.follow_up(turn, &network, touched);
        self.resource(turn, &network, key);
        // A node that was switched off may not have been left yet by the order that went.
        self.leave_idle_nodes(turn, &network, key);
        let order = self.order_by_key(key).ok_or_else(unknown)?;
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
    }

    /// Why the money of neither can go with the units of the other: what a return is to pay for, or is to give back, has to
    /// stay apart from what it has nothing to do with.
    fn is_settling(&self, own: &Order, its: &Order) -> Option<String> {
        let replaces = |order: &Order| self.replaced_by(order).filter(Return::money_may_move);
        [(own, "the other order"), (its, "it")].into_iter().find_map(|(order, which)| {
            let returned = replaces(order)?.name();
            Some(format!("{which} is what the customer gets instead of return {returned}, which is not settled"))
        })
    }

    /// The order that goes; another one than that which stays.
    fn other_of(&self, key: OrderKey, with: &Text) -> Result<OrderKey, Rejection> {
        let other = self.find_order(with).filter(|other| self.orders.lock(*other).is_some());
        match other {
            None => Err(Rejection::invalid("with", "unknown_order", format!("there is no order {with:?}"))),
            Some(other) if other == key => {
                Err(Rejection::invalid("with", "duplicate_change", "is the order that it should go to"))
            }
            Some(other) => Ok(other),
        }
    }
}

/// Why an order cannot go to another; `None` when it can.
fn why_not(own: &Order, its: &Order, now: JournalTime) -> Option<String> {
    let edited = |order: &&&Order| order.open_edit().is_some_and(|edit| edit.state_at(now) == EditState::Open);
    let edited = [own, its].iter().find(edited).map(|order| format!("an edit of order {} is open", order.name()));
    let lines = own.lines.len() + its.lines.len();
    let components = |order: &Order| order.lines.iter().map(|line| line.placed.components.len()).sum::<usize>();
    let payments = Paid::joined(&own.payments, &its.payments).len();
    let fulfillment_orders = own.fulfillment_orders.len() + its.fulfillment_orders.len();
    let too_many = |what: &str, are: usize, most: usize| {
        (are > most).then(|| format!("the two have {are} {what}, an order has at most {most}"))
    };
    own.cannot_take_in(its)
        .or(edited)
        .or_else(|| too_many("lines", lines, ORDER_LINES_MAX))
        .or_else(|| too_many("components", components(own) + components(its), ORDER_COMPONENTS_MAX))
        .or_else(|| too_many("fulfilment orders", fulfillment_orders, FULFILLMENT_ORDERS_MAX))
        .or_else(|| too_many("holds", own.holds.len() + its.holds.len(), HOLDS_MAX))
        .or_else(|| too_many("payments", own.payments.len() + payments, PAYMENTS_MAX))
}

/// All units of an order that are open, and where they are: nothing of it is begun.
fn open_parts(order: &Order) -> Vec<CancelledPart> {
    (0..order.lines.len() as u16).flat_map(|line| order.cancellable(line)).collect()
}

/// Skus whose queues are touched: of what waits of the order that goes and, when nodes refused that, of the other.
fn skus_of(own: &Order, its: &Order) -> BTreeSet<SkuIndex> {
    let loosened = own.lines.iter().filter(|_| !its.fenced.is_empty());
    let waiting = its.lines.iter().chain(loosened).filter(|line| line.waiting() > 0);
    waiting.flat_map(|line| line.placed.stock(1)).map(|(sku, _)| sku).collect()
}

/// What both are told.
fn told(own: &Order, its: &Order, parts: Vec<CancelledPart>, now: JournalTime) -> BTreeMap<OrderKey, Vec<OrderEvent>> {
    let wanted = |line: &u16| its.wanted(*line) > 0;
    let lines: Vec<u16> = (0..its.lines.len() as u16).filter(wanted).collect();
    let at = |line: u16| {
        let behind = lines.iter().position(|own| *own == line).expect("every part is of a line that goes");
        (own.lines.len() + behind) as u16
    };
    let merged = Merged {
        from: its.key,
        lines: lines_of(own, its, &lines),
        allocations: allocations_of(own, its, &parts, at),
        payments: Paid::joined(&own.payments, &its.payments),
        owed: its.due(),
        fenced: its.fenced.clone(),
    };
    let payments: Vec<_> = own.payments.iter().chain(&merged.payments).cloned().collect();
    let paid_off = own.paid_off(&Paid::of(&payments), own.due().saturating_add(merged.owed));
    let forbids = |state| matches!(state, HoldState::Active | HoldState::Rejected);
    let holds = its.holds.iter().filter(|hold| forbids(hold.state_at(now)));
    let held = (own.next_hold()..).zip(holds).flat_map(|(number, hold)| {
        let held = OrderEvent::Held { number, terms: hold.terms.clone() };
        let stands = hold.state == HoldState::Rejected;
        let stands = stands.then_some(OrderEvent::HoldEnded { number, state: HoldState::Rejected, reason: None });
        std::iter::once(held).chain(stands)
    });
    let promised: Vec<OrderEvent> = promised_of(own, its, &parts).collect();
    let came = [OrderEvent::Merged { merged: Box::new(merged) }].into_iter().chain(paid_off).chain(held);
    let came = came.chain(promised).collect();
    BTreeMap::from([(own.key, came), (its.key, vec![OrderEvent::MergedInto { order: own.key, parts }])])
}

/// The lines that come, each under its id, or under a number where that is taken.
fn lines_of(own: &Order, its: &Order, lines: &[u16]) -> Vec<PlacedLine> {
    let mut taken: BTreeSet<Text> = own.lines.iter().map(|line| line.placed.id.clone()).collect();
    let line = |line: &u16| {
        let placed = &its.lines[usize::from(*line)].placed;
        let numbers = (1..).map(|n: u32| Text::from(n.to_string()));
        let mut ids = std::iter::once(placed.id.clone()).chain(numbers);
        let id = ids.find(|id| !taken.contains(id)).expect("numbers do not end");
        taken.insert(id.clone());
        PlacedLine { id, quantity: its.wanted(*line), ..placed.clone() }
    };
    lines.iter().map(line).collect()
}

/// By which days the fulfilment orders were promised to be there that nodes have of the order that goes.
fn promised_of<'a>(own: &Order, its: &'a Order, parts: &[CancelledPart]) -> impl Iterator<Item = OrderEvent> + use<'a> {
    let numbers: BTreeSet<u16> = parts
        .iter()
        .filter_map(|part| match part.from {
            CancelFrom::Fulfillment(number) => Some(number),
            _ => None,
        })
        .collect();
    let promised = (own.next_number()..).zip(numbers);
    let promised = promised.filter_map(|(number, from)| Some((number, its.deliver_by(from)?)));
    promised.map(|(number, day)| OrderEvent::DeliveryPromised { number, deliver_by: day.into() })
}

/// What nodes have of the order that goes, as fulfilment orders of the one that stays.
fn allocations_of(own: &Order, its: &Order, parts: &[CancelledPart], at: impl Fn(u16) -> u16) -> Vec<Allocation> {
    let mut there: BTreeMap<u16, Vec<LineUnits>> = BTreeMap::new();
    for part in parts {
        if let CancelFrom::Fulfillment(number) = part.from {
            let units = LineUnits { line: at(part.line), quantity: part.quantity };
            there.entry(number).or_default().push(units);
        }
    }
    let allocation = |(number, (from, lines)): (u16, (u16, Vec<LineUnits>))| {
        let from = its.fulfillment(from).expect("the part was read off this order");
        Allocation { number, node: from.node, group: from.group, lines, cost: from.cost }
    };
    (own.next_number()..).zip(there).map(allocation).collect()
}
