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
//! binds nobody any more. What is *not* here: what happens to units nobody will supply (`policy`), and codes and arrivals of
//! who comes for an order (`collection`).

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

impl Order {
    /// The node that its customer comes to: nobody else supplies it, unless that node refused.
    pub fn collected_at(&self) -> Option<NodeIndex> {
        place_of(&self.facts.delivery_method, self.preferred_node()).filter(|node| !self.fenced.contains(node))
    }
}
