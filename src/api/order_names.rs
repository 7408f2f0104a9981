//! Orders by the ids that clients know, in answers about what knows them by number: returns, exceptions, waves and others;
//! and the returns of an order the same way.
//!
//! What is *not* here: where they are read from, and the live feed, which names them by their generated ids. Reservations
//! that orders claimed are named so too: they can be read for a day after their end, and no id is to change then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::{OrderKey, ReturnKey};
use crate::domain::order::Order;
use crate::domain::returns::Return;

/// Names of orders and of their lines, each order read once for an answer.
pub struct OrderNames<'a> {
    read: &'a dyn Fn(OrderKey) -> Option<Arc<Order>>,
    read_return: &'a dyn Fn(ReturnKey) -> Option<Return>,
    seen: RefCell<BTreeMap<OrderKey, Option<Arc<Order>>>>,
}

impl<'a> OrderNames<'a> {
    /// Names of the orders that `read` finds, wherever they are, and of the returns that `read_return` finds.
    pub fn new(
        read: &'a dyn Fn(OrderKey) -> Option<Arc<Order>>,
        read_return: &'a dyn Fn(ReturnKey) -> Option<Return>,
    ) -> Self {
        Self { read, read_return, seen: RefCell::default() }
    }

    /// The id of an order; its generated one where it cannot be read any more.
    pub fn order(&self, key: OrderKey) -> String {
        self.known(key).map_or_else(|| key.to_string(), |order| order.name())
    }

    /// The id of a line of an order, by its position from 0; the position where the order cannot be read any more.
    pub fn line(&self, key: OrderKey, at: u16) -> String {
        let order = self.known(key);
        let line = order.as_ref().and_then(|order| order.lines.get(usize::from(at)));
        line.map_or_else(|| at.to_string(), |line| line.placed.id.to_string())
    }

    /// The id of a return; its generated one where it cannot be read.
    pub fn returned(&self, key: ReturnKey) -> String {
        (self.read_return)(key).map_or_else(|| key.to_string(), |known| known.name())
    }

    fn known(&self, key: OrderKey) -> Option<Arc<Order>> {
        self.seen.borrow_mut().entry(key).or_insert_with(|| (self.read)(key)).clone()
    }
}
