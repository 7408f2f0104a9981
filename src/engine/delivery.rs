//! Delivery methods as orders ask for them: where the customer can come to.
//!
//! What is *not* here: what a method means (`domain::delivery`), and what follows when a node will not do it (`refused`).

use super::routing::Wanted;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{AskedWay, PlaceOrder};
use crate::domain::delivery::{Way, brought_from, does, is_fetched};
use crate::domain::ids::NodeIndex;
use crate::domain::node::NodeKind;
use crate::domain::rejection::Fault;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::groups::of_group;

impl<'a> Wanted<'a> {
    /// The rules of a group.
    pub fn rules_of(&self, group: u16) -> &'a AppliedRules {
        of_group(self.others, group).map_or(self.rules, |own| &**own)
    }

    /// The same of one group: that may go by other rules than the order, and reach its customer in another way.
    pub fn of_group(&self, group: u16) -> Self {
        let open = |node: &NodeIndex| !self.fenced.contains(node);
        let rules = self.rules_of(group);
        let own = match self.ways.iter().find(|way| way.group == group) {
            None => Self { rules, ..*self },
            Some(way) => {
                let (only, preferred) = (way.place().filter(open), way.node);
                Self { only, preferred, method: &way.method, rules, ..*self }
            }
        };
        if self.bookings.is_empty() {
            return own;
        }
        let brought = brought_from(self.bookings, |line| &self.lines[usize::from(line)], group).filter(open);
        Self { only: own.only.or(brought), ..own }
    }

    /// Whether groups of it have something of their own.
    pub fn has_groups(&self) -> bool {
        !self.ways.is_empty() || !self.bookings.is_empty() || !self.others.is_empty()
    }

    /// The same of all groups: those that are collected at different nodes have their units anywhere.
    pub fn of_all_groups(&self) -> Self {
        Self { only: self.only.filter(|_| self.ways.is_empty()), ..*self }
    }
}

/// The node that is asked before all others: one that may hold stock. Switched off it is passed over.
pub(super) fn preferred_node(catalogue: &Catalogue, id: &str) -> Result<NodeIndex, Fault> {
    let field = "preferred_node";
    let unknown = || Fault::new(field, "unknown_node", format!("there is no node {id:?}"));
    let node = catalogue.node_index(id).ok_or_else(unknown)?;
    match catalogue.node(node).kind {
        NodeKind::Virtual => Err(Fault::new(field, "node_without_stock", format!("{id} holds no stock"))),
        _ => Ok(node),
    }
}

/// A fault where the customer cannot come to the node he named.
pub(super) fn not_offered(catalogue: &Catalogue, node: NodeIndex, method: &str) -> Option<Fault> {
    let known = catalogue.node(node);
    let offers = known.kind != NodeKind::Supplier && does(known, method);
    let detail = || format!("{} does not do {method}", known.id);
    (is_fetched(method) && !offers).then(|| Fault::new("preferred_node", "method_not_offered", detail()))
}

/// How groups of lines reach the customer; all faults together.
pub(super) fn ways(catalogue: &Catalogue, command: &PlaceOrder) -> Result<Vec<Way>, Vec<Fault>> {
    let (mut faults, mut found) = (Vec::new(), Vec::with_capacity(command.wishes.ways.len()));
    for (at, AskedWay { group, method, node }) in command.wishes.ways.iter().enumerate() {
        let of_this = |fault: Fault| Fault { field: format!("deliveries[{at}].{}", fault.field), ..fault };
        let node = node.as_deref().map(|id| preferred_node(catalogue, id)).transpose();
        let node = node.and_then(|node| match node.and_then(|node| not_offered(catalogue, node, method)) {
            Some(fault) => Err(fault),
            None => Ok(node),
        });
        match node {
            Ok(node) => found.push(Way { group: *group, method: method.clone(), node }),
            Err(fault) => faults.push(of_this(fault)),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}
