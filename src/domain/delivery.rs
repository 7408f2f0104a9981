//! Delivery methods: what follows from how an order reaches its customer.
//!
//! | method | who supplies | how it ends |
//! |---|---|---|
//! | `ship`, `local_delivery` | any node, by the rules | shipped, delivered |
//! | `pickup`, `curbside`, `locker` | the node that the customer comes to, when he named one, and nobody else | ready, handed over |
//! | `ship_to_store` | any node | shipped, delivered at the store |
//! | `digital`, `service` | the virtual node, or where the appointment is | delivered |
//!
//! A node does every method, unless it lists some of them among its capabilities: then those alone. A node that refused
//! binds nobody any more.
//!
//! A group of an order's lines may reach its customer in a way of its own: one is collected, another shipped. Then all of
//! this is so for the group.
//!
//! What is *not* here: what happens to units nobody will supply (`policy`), and codes and arrivals of
//! who comes for an order (`collection`).

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, Text};
use super::node::Node;
use super::order::Order;

/// Every method.
pub const METHODS: [&str; 8] =
    ["ship", "pickup", "curbside", "locker", "local_delivery", "ship_to_store", "digital", "service"];

/// Whether the customer comes for it.
pub fn is_collected(method: &str) -> bool {
    matches!(method, "pickup" | "curbside" | "locker")
}

/// Whether a node does a method.
pub fn does(node: &Node, method: &str) -> bool {
    let listed = |capability: &&Text| METHODS.contains(&&***capability);
    let mut own = node.capabilities.iter().filter(listed).peekable();
    own.peek().is_none() || own.any(|capability| **capability == *method)
}

/// The node that the customer comes to, when he named one.
pub fn place_of(method: &str, named: Option<NodeIndex>) -> Option<NodeIndex> {
    named.filter(|_| is_collected(method))
}

/// How a group of an order's lines reaches its customer, where that is not how the order does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Way {
    /// Which group: the position of its destination, from 1.
    pub group: u16,
    /// How.
    pub method: Text,
    /// The node that is asked before all others; the only one where the customer comes to it.
    pub node: Option<NodeIndex>,
}

impl Way {
    /// The node that the customer comes to, when he named one.
    pub fn place(&self) -> Option<NodeIndex> {
        place_of(&self.method, self.node)
    }
}

impl Order {
    /// How a group of its lines reaches its customer, where that is not how the order does.
    pub fn way_of(&self, group: u16) -> Option<&Way> {
        self.ways.iter().find(|way| way.group == group)
    }

    /// The delivery method of a group of its lines.
    pub fn method_of(&self, group: u16) -> &Text {
        self.way_of(group).map_or(&self.facts.delivery_method, |way| &way.method)
    }

    /// All its delivery methods; one may be there more than once.
    pub fn methods(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.facts.delivery_method).chain(self.ways.iter().map(|way| &way.method))
    }

    /// The node that the customer of a group of its lines comes to: nobody else supplies it, unless that node refused.
    pub fn collected_at(&self, group: u16) -> Option<NodeIndex> {
        let place = match self.way_of(group) {
            Some(way) => way.place(),
            None => place_of(&self.facts.delivery_method, self.preferred_node()),
        };
        place.filter(|node| !self.fenced.contains(node))
    }
}
