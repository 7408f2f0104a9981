//! The fold of orders that are joined and parted: fulfilment orders of several orders that leave in one shipment, and
//! units that go to an order of their own. Neither moves stock: what an order held it or the other holds afterwards, at
//! the same node. What is *not* here: which orders may be joined, and who locks them (`engine`).

use super::delivery::is_fetched;
use super::ids::FulfillmentKey;
use super::order::{CancelledPart, Order};
use super::stock::LawBroken;

impl Order {
    pub(super) fn consolidate(&mut self, number: u16, ships_with: &[FulfillmentKey]) -> Result<(), LawBroken> {
        let own = FulfillmentKey { order: self.key, number };
        let fulfillment = self.fulfillment_mut(number)?;
        let joins = ships_with.len() > 1 && ships_with.is_sorted() && ships_with.contains(&own);
        if !fulfillment.status.is_before_picking() || !joins {
            let status = fulfillment.status.word();
            return Err(LawBroken(format!("fulfilment order {own} is {status} and cannot leave with {ships_with:?}")));
        }
        fulfillment.ships_with = ships_with.to_vec();
        Ok(())
    }

    /// Units leave for an order of their own, and with them their price.
    pub(super) fn split_off(&mut self, parts: &[CancelledPart]) -> Result<(), LawBroken> {
        let before = self.price_of_lines();
        for part in parts {
            self.lower(part)?;
        }
        let change = i64::try_from(self.price_of_lines() - before);
        self.repriced += change.map_err(|_| LawBroken(format!("order {}: its price is out of range", self.key)))?;
        Ok(())
    }

    /// Why fulfilment orders of two orders cannot leave in one shipment; `None` when they can.
    pub fn parts_ways(&self, other: &Self) -> Option<&'static str> {
        let (own, its) = (&self.facts, &other.facts);
        match () {
            () if own.customer != its.customer => Some("it is another customer's"),
            () if own.destinations[0] != its.destinations[0] => Some("it goes elsewhere"),
            () if own.delivery_method != its.delivery_method => Some("it is delivered in another way"),
            () if is_fetched(&own.delivery_method) && self.preferred_node() != other.preferred_node() => {
                Some("its customer comes to another node")
            }
            () => None,
        }
    }
}
