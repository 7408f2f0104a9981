//! Delivery methods: what follows from how an order reaches its customer.
//!
//! | method | who supplies | how it ends |
//! |---|---|---|
//! | `ship` | any node, by the rules | shipped, delivered |
//! | `local_delivery` | the node in whose slot it is brought, when it has one, else any | shipped, delivered |
//! | `pickup`, `curbside`, `locker` | the node that the customer comes to, when he named one, and nobody else | ready, handed over |
//! | `ship_to_store` | any node | shipped, received at the store that was named, ready, handed over there |
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

use super::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};
use super::ids::{NodeIndex, Text};
use super::node::{Node, NodeKind};
use super::order::{Order, PlacedLine};
use super::particulars::Booking;

/// Every method.
pub const METHODS: [&str; 8] =
    ["ship", "pickup", "curbside", "locker", "local_delivery", "ship_to_store", "digital", "service"];

/// The method by which the customer fetches units from a locker of a node.
pub const LOCKER: &str = "locker";

/// The method by which a node brings units to the customer itself, in a slot where that has some.
pub const BROUGHT: &str = "local_delivery";

/// The method by which units come to a store from wherever they are, and their customer comes to it for them.
pub const TO_STORE: &str = "ship_to_store";

/// Whether the customer comes for it to where it is.
pub fn is_collected(method: &str) -> bool {
    matches!(method, "pickup" | "curbside" | LOCKER)
}

/// Whether the customer comes for it to where it is, or to the store it is sent to.
pub fn is_fetched(method: &str) -> bool {
    is_collected(method) || method == TO_STORE
}

/// Whether a node does a method.
pub fn does(node: &Node, method: &str) -> bool {
    let listed = |capability: &&Text| METHODS.contains(&&***capability);
    let mut own = node.capabilities.iter().filter(listed).peekable();
    own.peek().is_none() || own.any(|capability| **capability == *method)
}

/// Whether customers may be told to come to a node for what they collect by a method: to a store, and to a warehouse that
/// lists the method. One that lists nothing does what it is asked to, but has no door for them.
pub fn has_counter(node: &Node, method: &str) -> bool {
    match node.kind {
        NodeKind::Store => does(node, method),
        NodeKind::Warehouse | NodeKind::ThirdParty => node.capabilities.iter().any(|own| **own == *method),
        NodeKind::Supplier | NodeKind::Virtual => false,
    }
}

/// The node that the customer comes to, when he named one.
pub fn place_of(method: &str, named: Option<NodeIndex>) -> Option<NodeIndex> {
    named.filter(|_| is_collected(method))
}

/// The node in whose slot the goods of a group are brought to the customer, when they have one.
pub fn brought_from<'l>(bookings: &[Booking], line: impl Fn(u16) -> &'l PlacedLine, group: u16) -> Option<NodeIndex> {
    let brings = |own: &&Booking| line(own.line).stocked && line(own.line).group == group;
    bookings.iter().find(brings).map(|own| own.node)
}

/// How a group of an order's lines reaches its customer, where that is not how the order does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Way {
    /// Which group: the position of its destination, from 1; 0 where the order as a whole reached him otherwise before.
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

/// How far a fulfilment order is from where its customer gets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leg {
    /// From its node: it is handed over there, or sent to him.
    Direct,
    /// At a store to which it has to be sent first.
    ToStore,
    /// Where he gets it: at the store to which it was sent, or at the node that has it ready for who comes; so is what
    /// nobody carries. Nothing is sent from there.
    Here,
}

impl Leg {
    /// Whether a step is one of this leg: the customer gets nothing before it is at his store, and nothing leaves that.
    pub fn takes(self, verb: FulfillmentVerb) -> bool {
        use FulfillmentVerb::{Deliver, HandOver, Ready, Receive, Ship};
        match self {
            Self::Direct => verb != Receive,
            Self::ToStore => !matches!(verb, Ready | HandOver | Deliver),
            Self::Here => !matches!(verb, Ship | Receive),
        }
    }
}

impl Order {
    /// How a group of its lines reaches its customer, where that is not how the order does.
    pub fn way_of(&self, group: u16) -> Option<&Way> {
        self.ways.iter().find(|way| way.group == group)
    }

    /// Groups of its lines but the first.
    pub fn other_groups(&self) -> impl Iterator<Item = u16> + use<> {
        1..self.facts.destinations.len() as u16
    }

    /// The delivery method of a group of its lines.
    pub fn method_of(&self, group: u16) -> &Text {
        self.way_of(group).map_or(&self.facts.delivery_method, |way| &way.method)
    }

    /// The store where the customer of a group of its lines comes for what is sent there. Where none was named it is shipped
    /// as to anybody.
    pub fn store_of(&self, group: u16) -> Option<NodeIndex> {
        self.named_for(group, TO_STORE)
    }

    /// The node in whose locker a group of its lines is fetched.
    pub fn stored_at(&self, group: u16) -> Option<NodeIndex> {
        self.named_for(group, LOCKER)
    }

    /// Nodes in whose lockers something of a group of its lines lies, or is to come: the one that was named, until it refuses
    /// and the customer was not asked or has answered; and those to which units went instead. Each once, ascending.
    pub fn lockers_of(&self, group: u16) -> Vec<NodeIndex> {
        let Some(place) = self.stored_at(group) else { return Vec::new() };
        let own = self.fulfillment_orders.iter().filter(|own| own.group == group && own.is_at_node());
        let mut nodes: Vec<NodeIndex> = own.map(|own| own.node).collect();
        nodes.extend(self.is_awaited_at(place, group).then_some(place));
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Whether units of a group that nobody has been found for are to come to the node that was named.
    pub fn is_awaited_at(&self, place: NodeIndex, group: u16) -> bool {
        let mut own = self.lines.iter().filter(|line| line.placed.group == group && line.placed.stocked);
        let expected = self.awaits_customer || !self.fenced.contains(&place);
        expected && own.any(|line| line.unallocated > 0 || line.waiting() > 0)
    }

    /// Whether something of it goes to the lockers of whichever node has it, since the one that was named will not.
    pub fn seeks_locker(&self) -> bool {
        self.methods().any(|method| **method == *LOCKER) && self.groups().any(|group| self.seeks_locker_for(group))
    }

    /// The same of a group of its lines.
    pub fn seeks_locker_for(&self, group: u16) -> bool {
        self.stored_at(group).is_some_and(|place| self.fenced.contains(&place))
    }

    /// Groups of its lines.
    pub fn groups(&self) -> impl Iterator<Item = u16> + use<> {
        0..self.facts.destinations.len() as u16
    }

    /// The node that was named for a group of its lines, where its customer comes to it.
    pub fn named_place(&self, group: u16) -> Option<NodeIndex> {
        self.way_of(group)
            .map_or_else(|| self.preferred_node(), |way| way.node)
            .filter(|_| is_fetched(self.method_of(group)))
    }

    /// Its ways, when a group of its lines reaches the customer in this one.
    pub fn ways_with(&self, way: Way) -> Vec<Way> {
        let mut ways: Vec<Way> = self.ways.iter().filter(|own| own.group != way.group).cloned().collect();
        ways.push(way);
        ways.sort_unstable_by_key(|way| way.group);
        ways
    }

    /// The node that was named for a group of its lines, where it reaches the customer by that method.
    fn named_for(&self, group: u16, wanted: &str) -> Option<NodeIndex> {
        let (method, named) = match self.way_of(group) {
            Some(way) => (&way.method, way.node),
            None => (&self.facts.delivery_method, self.preferred_node()),
        };
        named.filter(|_| **method == *wanted)
    }

    /// The store that one of its fulfilment orders goes to; none when it is there.
    pub fn goes_to(&self, fulfillment: &FulfillmentOrder) -> Option<NodeIndex> {
        self.store_of(fulfillment.group).filter(|store| *store != fulfillment.node)
    }

    /// Whether one of its fulfilment orders that somebody comes for is still to be made ready.
    pub fn is_unready(&self, fulfillment: &FulfillmentOrder) -> bool {
        use FulfillmentStatus::{Accepted, OnHold, Packed, Picked, Picking, Scheduled, Shipped, Submitted};
        match fulfillment.status {
            Scheduled | Submitted | OnHold | Accepted | Picking | Picked | Packed => true,
            Shipped => self.goes_to(fulfillment).is_some(),
            _ => false,
        }
    }

    /// How far one of its fulfilment orders is from where its customer gets it.
    pub fn leg(&self, fulfillment: &FulfillmentOrder) -> Leg {
        let method = self.method_of(fulfillment.group);
        let awaits_who_comes = fulfillment.status == FulfillmentStatus::Ready && is_collected(method);
        match () {
            () if fulfillment.came_to_store() || awaits_who_comes || matches!(&**method, "digital" | "service") => {
                Leg::Here
            }
            () if self.goes_to(fulfillment).is_some() => Leg::ToStore,
            () => Leg::Direct,
        }
    }

    /// All its delivery methods; one may be there more than once.
    pub fn methods(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.facts.delivery_method).chain(self.ways.iter().map(|way| &way.method))
    }

    /// The node that the customer of a group of its lines comes to, or in whose slot they are brought to him: nobody else
    /// supplies it, unless that node refused.
    pub fn collected_at(&self, group: u16) -> Option<NodeIndex> {
        self.collected_from(group).filter(|node| !self.fenced.contains(node))
    }

    /// Whether the customer of a group of its lines is asked what to do, since the node refused that he comes to or that
    /// brings it: until he answers nothing more of it is found elsewhere.
    pub fn is_asked_for(&self, group: u16) -> bool {
        let refused = |node: NodeIndex| self.fenced.contains(&node);
        self.awaits_customer && self.collected_from(group).is_some_and(refused)
    }

    fn collected_from(&self, group: u16) -> Option<NodeIndex> {
        let place = match self.way_of(group) {
            Some(way) => way.place(),
            None => place_of(&self.facts.delivery_method, self.preferred_node()),
        };
        let line = |line: u16| &self.lines[usize::from(line)].placed;
        place.or_else(|| brought_from(self.bookings(), line, group))
    }
}
