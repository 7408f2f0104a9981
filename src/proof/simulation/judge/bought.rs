//! Laws of what is bought beside goods: places of slots, and money before steps.
//!
//! Places used are those of the orders that have them, none more than there are. No fulfilment order was begun or sent
//! before the money was there that its channel wants first. Both are read off the records alone. What is *not* here:
//! serial numbers and lots, whose fold refuses a unit at two places, and which are compared with what is on hand.

use super::{Judge, Lawful, law};
use crate::domain::channel::Channel;
use crate::domain::decision::LineUnits;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::fulfillment::FulfillmentStep;
use crate::domain::ids::NodeIndex;
use crate::domain::lockers::Lockers;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::order_returns::{LineOverlay, OrderReturn};
use crate::domain::payment::PaymentMark;
use crate::domain::record::Record;
use crate::domain::slots::Slots;

impl Judge {
    /// What is used of each slot of a node is what orders have of it.
    pub(super) fn places(&self, node: NodeIndex, slots: &Slots) -> Lawful {
        for slot in &slots.slots {
            let of = |order: &Order| -> u64 {
                let own = order.places_held();
                own.iter()
                    .filter(|own| (own.node, own.slot) == (node, slot.number))
                    .map(|own| u64::from(own.places))
                    .sum()
            };
            let wanted: u64 = self.appended.orders().map(|order| of(order)).sum();
            let (id, used, limit) = (&slot.terms.id, slot.used, slot.terms.limit);
            law!(u64::from(used) == wanted, "{used} places of slot {id} are used, orders have {wanted}");
            law!(used <= limit, "{used} places of slot {id} are used, there are {limit}");
        }
        Ok(())
    }

    /// What has a compartment of a node is fetched from it: something of it is still to come or lies there.
    pub(super) fn compartments(&self, node: NodeIndex, lockers: &Lockers) -> Lawful {
        for size in &lockers.sizes {
            let stored = lockers.stored.values().filter(|id| **id == size.terms.id).count();
            law!(size.used as usize == stored, "{} compartments {} are used by {stored}", size.used, size.terms.id);
        }
        for stored in lockers.stored.keys() {
            let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(stored.order)) else {
                return Err(format!("{stored:?} has a compartment and is no order"));
            };
            let kept = order.lockers_of(stored.group).contains(&node);
            law!(kept, "nothing of {stored:?} lies in the lockers of {node:?} or comes to them");
        }
        Ok(())
    }

    /// The steps of a record were paid for as their channels want it, by what was reported before.
    pub(super) fn paid_before(&self, record: &Record) -> Lawful {
        for event in &record.events {
            let Event::OrderChanged(changed) = event else { continue };
            let OrderEvent::Fulfillment { step, number } = &changed.event else { continue };
            let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(changed.key)) else { continue };
            let rule = self.channels().find(|(_, channel)| channel.terms.id == order.facts.channel);
            let Some(wanted) = rule.and_then(|(_, channel)| wanted_before(channel, step)) else { continue };
            let (there, due) = (reported(order, wanted), i128::from(order.due()) - self.back(order));
            law!(there >= due, "{step:?} of {} {number}: {there} of {due} were {wanted:?}", changed.key);
        }
        Ok(())
    }

    /// What of an order is not to be paid for: units that came back or were made good, and what went back, or over to what
    /// replaces them, for units that may still come.
    fn back(&self, order: &Order) -> i128 {
        let worth = |lines: &[LineOverlay]| -> i128 {
            let units = |own: &LineOverlay| LineUnits { line: own.line, quantity: own.received + own.written_off };
            lines.iter().map(|own| i128::from(order.worth(units(own)))).sum()
        };
        let ahead = |own: &OrderReturn| match self.appended.entity(&EntityKey::Return(own.key)) {
            Some(Entity::Return(known)) if own.is_open => {
                (i128::from(known.refunded) + i128::from(known.credited) - worth(&own.lines)).max(0)
            }
            _ => 0,
        };
        let all: Vec<LineOverlay> = (0..order.lines.len() as u16).map(|line| order.overlay(line)).collect();
        worth(&all) + order.returns.iter().map(ahead).sum::<i128>()
    }
}

fn wanted_before(channel: &Channel, step: &FulfillmentStep) -> Option<PaymentMark> {
    match step {
        FulfillmentStep::Accepted => channel.terms.payment_before.release,
        FulfillmentStep::Shipped { .. } | FulfillmentStep::HandedOver => channel.terms.payment_before.ship,
        _ => None,
    }
}

/// What was reported of an order's money and was not taken back: kept when it must be paid, else authorised as well.
fn reported(order: &Order, wanted: PaymentMark) -> i128 {
    let (mut authorized, mut kept) = (0_i128, 0_i128);
    for fact in &order.payments {
        let amount = i128::from(fact.amount);
        match fact.mark {
            PaymentMark::Authorized => authorized += amount,
            PaymentMark::Paid => (authorized, kept) = ((authorized - amount).max(0), kept + amount),
            PaymentMark::Failed => authorized = (authorized - amount).max(0),
            PaymentMark::Moved => {
                let first = authorized.min(amount);
                (authorized, kept) = (authorized - first, kept - (amount - first));
            }
            PaymentMark::Refunded | PaymentMark::Exchanged => kept -= amount,
            PaymentMark::Credited => kept += amount,
        }
    }
    if wanted == PaymentMark::Paid { kept } else { kept + authorized }
}
