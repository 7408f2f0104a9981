//! What becomes of units that their node will not do, by the policy of their delivery method; told in the record of the
//! step.
//!
//! | policy | what is told beside the step | what follows |
//! |---|---|---|
//! | elsewhere | nothing | sourced again, from wherever |
//! | ask the customer | that he is asked | nothing, until somebody says so |
//! | cancel | that the units are cancelled | nothing |
//! | to the same store | that they come to that store | sourced again, sent to the store, handed over there |
//! | within so many kilometres | that he comes to another store, or warehouse with a counter | sourced again, there alone |
//!
//! The customer is asked as well where the policy cannot be followed: the store itself is switched off or does not hand over
//! what is sent to it; no store near enough has all of it, and a compartment for it; other units of the same group lie at the
//! place, or wait for it. A compartment that was kept at the place is given back once the place is given up, and one at the
//! next place is taken in the same record. While the customer is asked nothing else of the group is found elsewhere.
//!
//! What is *not* here: the step itself (`fulfill`), and who is asked what.

use std::collections::BTreeMap;

use super::lockers::Parcelled;
use super::network::Network;
use crate::domain::decision::LineUnits;
use crate::domain::delivery::{LOCKER, TO_STORE, Way, does, has_counter, is_collected};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStep};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::node::NodeKind;
use crate::domain::order::{CancelFrom, CancelledPart, Order, OrderEvent};
use crate::domain::policy::RejectionPolicy;

/// Why units are cancelled that their node gave no reason for.
const REFUSED: &str = "refused_by_node";

/// What becomes of the units of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Follows {
    /// They are sourced again, or nothing was refused.
    Elsewhere,
    /// The customer is asked.
    Asked,
    /// They are cancelled.
    Cancelled(Vec<LineUnits>),
    /// Their customer gets them in another way.
    Otherwise(OrderEvent),
}

/// A fulfilment order that its node will not do, or not all of.
#[derive(Clone, Copy)]
pub(super) struct Refused<'a> {
    order: &'a Order,
    fulfillment: &'a FulfillmentOrder,
    step: &'a FulfillmentStep,
}

impl<'a> Refused<'a> {
    /// `None` where the step refuses nothing.
    pub fn by(order: &'a Order, fulfillment: &'a FulfillmentOrder, step: &'a FulfillmentStep) -> Option<Self> {
        let refuses = matches!(
            step,
            FulfillmentStep::Rejected { .. }
                | FulfillmentStep::ShortPicked { .. }
                | FulfillmentStep::NodeOutage { .. }
                | FulfillmentStep::ReceivedInPart { .. }
        );
        refuses.then_some(Self { order, fulfillment, step })
    }

    /// Which units, each line once.
    fn units(&self) -> Vec<LineUnits> {
        match self.step {
            FulfillmentStep::ShortPicked { lines: units, .. }
            | FulfillmentStep::ReceivedInPart { missing: units, .. } => units.clone(),
            _ => self.fulfillment.line_units(),
        }
    }

    /// What becomes of its units; `has_room` says whether there is a compartment for them, where compartments are counted.
    pub fn follows(&self, network: &Network, has_room: impl Fn(&Parcelled) -> Option<bool>) -> Follows {
        let policy = network.catalogue.policies().rejection(self.order.method_of(self.fulfillment.group));
        match policy {
            RejectionPolicy::Elsewhere => Follows::Elsewhere,
            RejectionPolicy::AskCustomer => Follows::Asked,
            RejectionPolicy::Cancel => Follows::Cancelled(self.units()),
            RejectionPolicy::ToSameStore => self.at_same_store(network),
            RejectionPolicy::WithinKm(km) => self.within_km(network, km, has_room),
        }
    }

    fn at_same_store(&self, network: &Network) -> Follows {
        let group = self.fulfillment.group;
        let Some(store) = self.order.named_place(group) else { return Follows::Elsewhere };
        let known = network.catalogue.node(store);
        if !known.active || !does(known, TO_STORE) {
            return Follows::Asked;
        }
        if **self.order.method_of(group) == *TO_STORE {
            return Follows::Elsewhere;
        }
        if self.others_lie_there(store) {
            return Follows::Asked;
        }
        let way = Way { group, method: TO_STORE.into(), node: Some(store) };
        Follows::Otherwise(OrderEvent::Ways { ways: self.order.ways_with(way) })
    }

    fn within_km(&self, network: &Network, km: u16, has_room: impl Fn(&Parcelled) -> Option<bool>) -> Follows {
        let (order, group) = (self.order, self.fulfillment.group);
        let method = order.method_of(group);
        let Some(place) = order.named_place(group).filter(|_| is_collected(method)) else { return Follows::Elsewhere };
        let near = match self.others_lie_there(place) {
            true => None,
            false => {
                let compartment = |node| match **method == *LOCKER {
                    true => has_room(&self.parcel_at(network, node)),
                    false => None,
                };
                let known = |node| network.catalogue.node(node);
                let welcomes = |node| compartment(node).unwrap_or_else(|| has_counter(known(node), method));
                self.nearest(network, (place, km), welcomes)
            }
        };
        let Some(node) = near else { return Follows::Asked };
        // What was named for the whole order is named for its other groups too.
        if order.facts.destinations.len() == 1 && order.way_of(group).is_none() {
            return Follows::Otherwise(OrderEvent::Preferred { node });
        }
        let way = Way { group, method: method.clone(), node: Some(node) };
        Follows::Otherwise(OrderEvent::Ways { ways: order.ways_with(way) })
    }

    /// Whether other units of the group lie at the place or wait for it: he has to come there anyway.
    fn others_lie_there(&self, place: NodeIndex) -> bool {
        let (order, own) = (self.order, self.fulfillment);
        let refused: u64 = self.units().iter().map(|units| u64::from(units.quantity)).sum();
        let left = own.units() - refused;
        let others = order.fulfillment_orders.iter().filter(|other| other.number != own.number);
        let mut there =
            others.filter(|other| other.group == own.group && other.node == place && other.status.is_live());
        let mut lines = order.lines.iter().filter(|line| line.placed.group == own.group);
        left > 0 || there.any(|other| other.units() > 0) || lines.any(|line| line.waiting() > 0 || line.unallocated > 0)
    }

    fn parcel_at(&self, network: &Network, node: NodeIndex) -> Parcelled {
        Parcelled::of(&network.catalogue, self.order, self.fulfillment.group, &self.units(), node)
    }

    /// The nearest node to which the customer can come instead, that has all of it and, as `welcomes` says, a counter for
    /// customers or a free compartment.
    fn nearest(
        &self,
        network: &Network,
        (place, km): (NodeIndex, u16),
        welcomes: impl Fn(NodeIndex) -> bool,
    ) -> Option<NodeIndex> {
        let (order, catalogue) = (self.order, &network.catalogue);
        let mut wanted: BTreeMap<SkuIndex, u32> = BTreeMap::new();
        for (sku, units) in self.units().into_iter().flat_map(|units| order.stock_of(units)) {
            *wanted.entry(sku).or_default() += units;
        }
        let free = |sku: SkuIndex, node| network.sku(sku).cells.of(node).map_or(0, |cell| cell.word.free());
        let has_all = |node| wanted.iter().all(|(sku, units)| free(*sku, node) >= *units);
        let whose = network.whose_order(order);
        let (method, from) = (order.method_of(self.fulfillment.group), catalogue.place(place));
        let may = |node: &NodeIndex| {
            let known = catalogue.node(*node);
            let offers = !matches!(known.kind, NodeKind::Supplier | NodeKind::Virtual) && does(known, method);
            let asked = *node == place || *node == self.fulfillment.node || order.fenced.contains(node);
            !asked && offers && network.supplies(*node) && catalogue.serves(whose, *node)
        };
        let nodes = (0..catalogue.nodes().len() as u32).map(NodeIndex).filter(may);
        let near = nodes.map(|node| (from.metres_to(catalogue.place(node)), node));
        let near = near.filter(|(metres, node)| *metres <= u64::from(km) * 1_000 && has_all(*node));
        near.filter(|(_, node)| welcomes(*node)).min().map(|(_, node)| node)
    }

    /// The units that are cancelled, as the order is told.
    pub fn cancelled(&self, units: &[LineUnits]) -> OrderEvent {
        let part = |units: &LineUnits| CancelledPart {
            line: units.line,
            quantity: units.quantity,
            from: CancelFrom::Unallocated,
        };
        let reason = match self.step {
            FulfillmentStep::Rejected { reason } | FulfillmentStep::NodeOutage { reason: Some(reason) } => {
                reason.clone()
            }
            _ => REFUSED.into(),
        };
        OrderEvent::Cancelled { parts: units.iter().map(part).collect(), reason }
    }
}
