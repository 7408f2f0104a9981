//! The fold of two orders that become one: all that is open of one goes to the other, with its price, its payments and
//! its refusals. No stock moves: what the one held at a node the other holds there afterwards.
//!
//! The order that went keeps its lines, their units cancelled, and its story, which says where they went; it owes nothing
//! any more. What is *not* here: who locks the orders, and what waits of them (`engine`).

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentOrder;
use super::ids::{NodeIndex, OrderKey};
use super::order::{Allocation, CancelledPart, Order, PlacedLine};
use super::order_fold::sub;
use super::payment::PaymentFact;
use super::stock::LawBroken;
use super::time::JournalTime;

/// Largest amount of an order that is merged, so that sums of two stay within what can be told.
const AMOUNT_MERGED_MAX: i128 = (i64::MAX / 8) as i128;

/// What comes to an order from one that is merged into it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Merged {
    /// From which.
    pub from: OrderKey,
    /// Its lines, with the units that are open, under ids that are free.
    pub lines: Vec<PlacedLine>,
    /// Of those units the ones that nodes have, by the position that their line gets.
    pub allocations: Vec<Allocation>,
    /// What was reported of its money.
    pub payments: Vec<PaymentFact>,
    /// What its customer owed for it, minor units of the currency of both.
    pub owed: i64,
    /// Nodes that refused it.
    pub fenced: Vec<NodeIndex>,
}

impl Order {
    /// The order that all of it went to.
    pub fn merged_into(&self) -> Option<OrderKey> {
        self.particulars.as_ref()?.merged_into
    }

    /// All that is open leaves.
    pub(super) fn merge_into(&mut self, order: OrderKey, parts: &[CancelledPart]) -> Result<(), LawBroken> {
        for part in parts {
            self.cancel(part)?;
        }
        let left = self.totals().open();
        if left > 0 || self.merged_into().is_some() {
            return Err(LawBroken(format!("order {}: {left} units do not go where the others do", self.key)));
        }
        self.owe(0)?;
        self.payments.clear();
        self.particulars_mut().merged_into = Some(order);
        Ok(())
    }

    /// Another order's units come.
    pub(super) fn merge(&mut self, at: JournalTime, merged: &Merged) -> Result<(), LawBroken> {
        let owed = i128::from(self.due()) + i128::from(merged.owed);
        self.add_lines(&merged.lines);
        for allocation in &merged.allocations {
            self.allocate(at, allocation, |line, units| sub(&mut line.unallocated, units, "unallocated"))?;
        }
        self.owe(owed)?;
        self.payments.extend(merged.payments.iter().cloned());
        for node in &merged.fenced {
            if !self.fenced.contains(node) {
                self.fenced.push(*node);
            }
        }
        self.particulars_mut().merged.push(merged.from);
        Ok(())
    }

    /// From now on so much is owed for all that is not cancelled, in all. Without a total as reported it is the price of
    /// the lines anyway.
    fn owe(&mut self, owed: i128) -> Result<(), LawBroken> {
        let (key, missing) = (self.key, owed - self.balance());
        let out_of_range = || LawBroken(format!("order {key}: its price is out of range"));
        if missing != 0 && self.facts.total.is_none() {
            return Err(LawBroken(format!("order {key}: {missing} more is owed than its lines cost")));
        }
        let change = i64::try_from(missing).map_err(|_| out_of_range())?;
        self.repriced = self.repriced.checked_add(change).ok_or_else(out_of_range)?;
        Ok(())
    }

    /// Whether its money can be added to that of another order.
    fn is_in_range(&self) -> bool {
        let price: i128 = self.lines.iter().map(price_of_wanted).sum();
        let all = [self.balance(), price, i128::from(self.repriced)];
        all.into_iter().all(|amount| amount.unsigned_abs() <= AMOUNT_MERGED_MAX.unsigned_abs())
    }

    /// Why all of another order cannot come to this one; `None` when it can. Open edits and limits are not looked at.
    pub fn cannot_take_in(&self, other: &Self) -> Option<String> {
        if let Some(why) = self.parts_ways(other) {
            return Some(why.to_owned());
        }
        let (own, its) = (&self.facts, &other.facts);
        let price: i128 = other.lines.iter().map(price_of_wanted).sum();
        let begun = |order: &Self| {
            let begun = |f: &&FulfillmentOrder| !f.status.is_before_picking() && f.status.is_live();
            order.fulfillment_orders.iter().find(begun).map(|f| (f.number, f.status.word()))
        };
        let joined = |order: &Self| {
            let joined = |f: &&FulfillmentOrder| f.status.is_live() && !f.ships_with.is_empty();
            order.fulfillment_orders.iter().find(joined).map(|f| f.number)
        };
        match () {
            () if own.channel != its.channel => Some("it came through another channel".to_owned()),
            () if own.currency != its.currency => Some("its prices are in another currency".to_owned()),
            () if own.kind != its.kind => Some("it is of another type".to_owned()),
            () if own.destinations != its.destinations => Some("parts of it go elsewhere".to_owned()),
            () if own.rule_set != its.rule_set => Some("it is sourced by another rule set".to_owned()),
            () if self.deferral.is_some() != other.deferral.is_some() => Some("one of the two rests".to_owned()),
            () if self.release_at.map(|at| at.wall) != other.release_at.map(|at| at.wall) => {
                Some("it is handed to nodes at another time".to_owned())
            }
            () if self.awaits_customer || other.awaits_customer => Some("a customer is to be asked first".to_owned()),
            () if other.merged_into().is_some() => Some("it was merged into another".to_owned()),
            () if other.totals().open() == 0 => Some(format!("it is {}", other.status().word())),
            () if self.totals().open() == 0 => Some(format!("that it should go to is {}", self.status().word())),
            () if self.ways != other.ways => Some("parts of it are delivered in another way".to_owned()),
            () if !other.bookings().is_empty() => Some("a line of it has a slot".to_owned()),
            () if !other.warranties().is_empty() => Some("a line of it is a warranty".to_owned()),
            () if !self.is_in_range() || !other.is_in_range() => {
                Some("the prices of the two are too large together".to_owned())
            }
            () if own.total.is_none() && i128::from(other.due()) != price => {
                Some("its total is not the price of its lines, and the other order has none".to_owned())
            }
            () => [self, other].into_iter().find_map(|order| {
                let of = if order.key == self.key { "the other order" } else { "it" };
                let begun = begun(order).map(|(number, status)| format!("{of} has begun: its {number} is {status}"));
                begun.or_else(|| joined(order).map(|number| format!("of {of} {number} leaves with other orders")))
            }),
        }
    }
}

/// The price of the units of a line that are not cancelled.
fn price_of_wanted(line: &super::order::OrderLine) -> i128 {
    i128::from(line.placed.unit_price) * i128::from(line.placed.quantity - line.cancelled)
}
