//! Policies: put under the exclusive guard of the catalogue, as nodes and items are; and what follows from one at once.

use crossbeam::sync::ShardedLockWriteGuard;

use super::change::Change;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::closure::put_beside;
use crate::domain::command::{PutPolicy, Withheld};
use crate::domain::event::{Event, PolicyPut};
use crate::domain::fulfillment::FulfillmentStatus;
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::limits::{HOLD_RULES_MAX, NETWORKS_MAX};
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::policy::{FillPolicy, Policies, Policy, PolicyKey, Standing};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::return_policy::ReturnScope;
use crate::domain::supply::SupplyTerms;

use super::network::Network;
use super::shadow::SHADOWS_MAX;
use super::turn::Turn;

impl Engine {
    pub(super) fn put_policy(&self, turn: &Turn<'_>, command: &PutPolicy) -> Result<Executed, Rejection> {
        let network = self.network.write().expect("no writer of the catalogue panics and survives");
        let (key, policy) = named(&network, command)?;
        if network.catalogue.policies().get(&key) == Some(&policy) {
            return Ok(Executed::done(Reply::Policy(key, policy), network.catalogue.seq));
        }
        self.replace_policy(turn, network, key, policy)
    }

    /// Puts a policy that the engine keeps itself, as it follows from those that stand.
    pub(super) fn store_policy(
        &self,
        turn: &Turn<'_>,
        key: PolicyKey,
        policy: impl FnOnce(&Policies) -> Policy,
    ) -> Result<Executed, Rejection> {
        let network = self.network.write().expect("no writer of the catalogue panics and survives");
        let policy = policy(network.catalogue.policies());
        self.replace_policy(turn, network, key, policy)
    }

    fn replace_policy(
        &self,
        turn: &Turn<'_>,
        mut network: ShardedLockWriteGuard<'_, Network>,
        key: PolicyKey,
        policy: Policy,
    ) -> Result<Executed, Rejection> {
        let put = PolicyPut { key: key.clone(), policy: policy.clone() };
        let sealed = turn.seal(turn.now(), network.catalogue.seq, vec![Event::PolicyPut(Box::new(put))], None)?;
        if let (PolicyKey::Shadow(name), Policy::Shadow(version)) = (&key, &policy) {
            // Whoever reads the record finds a shadow to judge.
            self.watch_shadow(name, *version, self.position());
        }
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        let seq = logged.seq();
        logged.done();
        network.catalogue.put_policy(key.clone(), policy.clone());
        network.catalogue.seq = seq;
        if key == PolicyKey::Fill {
            self.rank_anew(&network);
        }
        drop(network);
        match &key {
            PolicyKey::Node(node) => self.watch_answers_of(*node),
            PolicyKey::Threshold(sku, _) | PolicyKey::SafetyStock(sku, _) | PolicyKey::Demand(sku, _) => {
                self.watch_level(*sku);
            }
            PolicyKey::SafetyOfKind(_) => self.watch_levels(),
            PolicyKey::Supply(sku, _) => {
                let network = self.network.read().expect("no writer of the catalogue panics and survives");
                self.keep_purchases(turn, &network, *sku);
            }
            PolicyKey::Closures(node) => self.watch_closures(*node, turn.log.now()),
            PolicyKey::Clocks(delivery_method) => self.watch_orders_by(delivery_method),
            PolicyKey::Shadow(name) => {
                if let Policy::Shadow(version) = &policy {
                    self.watch_shadow(name, *version, seq);
                }
            }
            PolicyKey::Rejection(_)
            | PolicyKey::Fill
            | PolicyKey::Payment(_)
            | PolicyKey::Returns(_)
            | PolicyKey::Hold(_)
            | PolicyKey::Picking(_)
            | PolicyKey::Collection(_)
            | PolicyKey::Network(_)
            | PolicyKey::Costs(..)
            | PolicyKey::Priority(_) => {}
            PolicyKey::Replanning => self.open_replanning(),
        }
        Ok(Executed::done(Reply::Policy(key, policy), seq))
    }

    /// Whoever waits takes its new place. The caller holds the catalogue exclusively, so nobody else holds
    /// an order or a ledger.
    fn rank_anew(&self, network: &Network) {
        for key in self.orders.keys() {
            let slot = self.orders.lock(key);
            if let Some(order) = slot.as_ref().and_then(|slot| slot.as_ref()) {
                rank(network, order);
            }
        }
    }

    /// An order takes the places its lines have now: something about them changed. The caller holds it.
    pub(super) fn rank_again(&self, network: &Network, order: &Order) {
        if network.catalogue.policies().fill() != FillPolicy::FirstCome {
            rank(network, order);
        }
    }

    /// Tells the clock of everything a node has not answered.
    fn watch_answers_of(&self, node: NodeIndex) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        for key in self.orders.keys() {
            let slot = self.orders.lock(key);
            let Some(order) = slot.as_ref().and_then(|slot| slot.as_ref()) else { continue };
            let unanswered = |f: &&crate::domain::fulfillment::FulfillmentOrder| {
                f.node == node && f.status == FulfillmentStatus::Submitted
            };
            for fulfillment in order.fulfillment_orders.iter().filter(unanswered) {
                self.watch_windows(&network, order, fulfillment.number..=fulfillment.number);
            }
        }
    }
}

/// The lines of an order that wait take their places.
fn rank(network: &Network, order: &Order) {
    let standing = Standing::of(network.catalogue.policies().fill(), order);
    for (line, own) in (0..).zip(&order.lines).filter(|(_, line)| line.waiting() > 0) {
        let waiting = (order.key, line);
        for (sku, _) in own.placed.stock(1) {
            let mut ledger = network.sku(sku).ledger.lock();
            if let Some(units) = ledger.queue().get(&waiting).copied() {
                ledger.enqueue(waiting, units, standing.rank(&own.placed, own.cancelled, units));
            } else if let Some(units) = ledger.loose().get(&waiting).map(|(_, loose)| loose.units) {
                ledger.want_loosely(waiting, units, standing.rank(&own.placed, own.cancelled, own.waiting()));
            }
        }
    }
}

/// A policy about things of this catalogue.
fn named(network: &Network, command: &PutPolicy) -> Result<(PolicyKey, Policy), Rejection> {
    Ok(match command {
        PutPolicy::Node { node, accept_within_s } => {
            let index = network.catalogue.node_index(node).ok_or_else(|| Rejection::not_found("node", &**node))?;
            (PolicyKey::Node(index), Policy::Node { accept_within_s: *accept_within_s })
        }
        PutPolicy::SafetyStock { sku, node, units } => {
            let (index, node) = level_of(network, sku, node.as_ref(), "units")?;
            (PolicyKey::SafetyStock(index, node), Policy::SafetyStock { units: *units })
        }
        PutPolicy::Threshold { sku, node, units } => {
            let (index, node) = level_of(network, sku, node.as_ref(), "units")?;
            (PolicyKey::Threshold(index, node), Policy::Threshold { units: *units })
        }
        PutPolicy::Rejection { delivery_method, policy } => {
            (PolicyKey::Rejection(delivery_method.clone()), Policy::Rejection(*policy))
        }
        PutPolicy::Fill(policy) => (PolicyKey::Fill, Policy::Fill(*policy)),
        PutPolicy::SafetyDays { sku, node, days } => {
            let (index, node) = level_of(network, sku, node.as_ref(), "units")?;
            (PolicyKey::SafetyStock(index, node), withheld(days.map(Withheld::Days)))
        }
        PutPolicy::SafetyOfKind { kind, withheld: asked } => (PolicyKey::SafetyOfKind(*kind), withheld(*asked)),
        PutPolicy::Demand { sku, node, demand } => {
            let (index, node) = level_of(network, sku, node.as_ref(), "units")?;
            (PolicyKey::Demand(index, node), Policy::Demand(*demand))
        }
        PutPolicy::Costs { sku, node, costs } => {
            let (index, node) = level_of(network, sku, node.as_ref(), "unit_cost")?;
            (PolicyKey::Costs(index, node), Policy::Costs(*costs))
        }
        PutPolicy::Priority { node, amount } => {
            let index = network.catalogue.node_index(node).ok_or_else(|| Rejection::not_found("node", &**node))?;
            (PolicyKey::Priority(index), Policy::Priority(*amount))
        }
        PutPolicy::Replanning(rule) => (PolicyKey::Replanning, Policy::Replanning(*rule)),
        PutPolicy::Closures { node, closures } => {
            let index = network.catalogue.node_index(node).ok_or_else(|| Rejection::not_found("node", &**node))?;
            let standing = network.catalogue.policies().closures(index);
            (PolicyKey::Closures(index), Policy::Closures(put_beside(standing, closures)))
        }
        PutPolicy::Supply { sku, node, terms } => {
            let (index, node) = supplied(network, sku, node, terms)?;
            (PolicyKey::Supply(index, node), Policy::Supply(terms.clone()))
        }
        PutPolicy::Payment { delivery_method, rule } => {
            let mut rule = rule.clone();
            rule.methods.sort_unstable();
            rule.methods.dedup();
            (PolicyKey::Payment(delivery_method.clone()), Policy::Payment(rule))
        }
        PutPolicy::Collection { delivery_method, rule } => {
            (PolicyKey::Collection(delivery_method.clone()), Policy::Collection(*rule))
        }
        PutPolicy::Shadow { rule_set, version } => shadowed(network, rule_set, *version)?,
        PutPolicy::Network { name, nodes } => (PolicyKey::Network(name.clone()), network_of(network, name, nodes)?),
        PutPolicy::Picking { node, rule } => {
            let node = node.as_deref().map(|node| network.find_node("node", node)).transpose()?;
            (PolicyKey::Picking(node), Policy::Picking(Box::new(rule.clone())))
        }
        PutPolicy::Returns { channel, sku, policy } => {
            let item = sku.as_deref().map(|sku| network.find_sku("sku", sku)).transpose()?.map(ReturnScope::Item);
            let scope = item.or_else(|| channel.clone().map(ReturnScope::Channel)).unwrap_or(ReturnScope::All);
            (PolicyKey::Returns(scope), Policy::Returns(Box::new(policy.clone())))
        }
        PutPolicy::Clocks { delivery_method, clocks } => {
            (PolicyKey::Clocks(delivery_method.clone()), Policy::Clocks(*clocks))
        }
        PutPolicy::Hold { name, rule } => {
            let key = PolicyKey::Hold(name.clone());
            let policies = network.catalogue.policies();
            if policies.get(&key).is_none() && policies.hold_rules().count() >= HOLD_RULES_MAX {
                let detail = format!("there are at most {HOLD_RULES_MAX} rules of holds");
                return Err(Rejection::invalid("name", "too_many", detail));
            }
            (key, Policy::Hold(Box::new(rule.clone())))
        }
    })
}

/// A version that can run beside the live ones: there is one of that number, and few others do.
fn shadowed(network: &Network, name: &Text, version: Option<u32>) -> Result<(PolicyKey, Policy), Rejection> {
    let (rules, policies) = (network.catalogue.rules(), network.catalogue.policies());
    if rules.current(name).is_none() {
        return Err(Rejection::not_found("rule set", &**name));
    }
    let key = PolicyKey::Shadow(name.clone());
    if let Some(version) = version {
        let unknown = || {
            let detail = format!("rule set {name} has versions 1 to {}, not {version}", rules.next(name) - 1);
            Rejection::invalid("version", "unknown_version", detail)
        };
        rules.version(name, version).ok_or_else(unknown)?;
        if policies.shadows().filter(|other| *other != name).count() >= SHADOWS_MAX {
            let detail = format!("at most {SHADOWS_MAX} versions run beside the live ones");
            return Err(Rejection::invalid("version", "too_many", detail));
        }
    }
    Ok((key, Policy::Shadow(version)))
}

/// Nodes of a network, in this catalogue; all faults together.
fn network_of(network: &Network, name: &str, nodes: &[Text]) -> Result<Policy, Rejection> {
    let policies = network.catalogue.policies();
    if policies.network(name).is_none() && policies.networks() >= NETWORKS_MAX {
        return Err(Rejection::invalid("network", "too_many", format!("there are at most {NETWORKS_MAX} networks")));
    }
    let (mut found, mut faults) = (Vec::with_capacity(nodes.len()), Vec::new());
    for (at, id) in nodes.iter().enumerate() {
        match network.catalogue.node_index(id) {
            Some(node) => found.push(node),
            None => {
                let detail = format!("there is no node {id:?}");
                faults.push(Fault::new(format!("nodes[{at}]"), "unknown_node", detail));
            }
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    found.sort_unstable();
    found.dedup();
    Ok(Policy::Network { nodes: found })
}

fn withheld(asked: Option<Withheld>) -> Policy {
    match asked {
        Some(Withheld::Days(days)) => Policy::SafetyDays { days },
        Some(Withheld::Units(units)) => Policy::SafetyStock { units: Some(units) },
        None => Policy::SafetyStock { units: None },
    }
}

/// The sku and the node of terms of supply that can be: a supplier ships what is his own, and what is bought comes to a
/// node of ours.
fn supplied(network: &Network, sku: &str, node: &str, terms: &SupplyTerms) -> Result<(SkuIndex, NodeIndex), Rejection> {
    let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
    if network.catalogue.kind(index) != ItemKind::Product {
        return Err(Rejection::invalid("type", "not_stocked", format!("{sku} is not a product")));
    }
    let at = network.find_node("node", node)?;
    let kind = network.catalogue.node(at).kind;
    let wrong = match (terms, kind) {
        (SupplyTerms::Dropship { .. }, kind) if kind != NodeKind::Supplier => {
            Some("is no supplier: only one ships dropship")
        }
        (SupplyTerms::JustInTime(_), NodeKind::Supplier) => Some("is a supplier: what is bought comes to another node"),
        (SupplyTerms::JustInTime(_), NodeKind::Virtual) => Some("holds no stock"),
        _ => None,
    };
    match wrong {
        Some(why) => Err(Rejection::invalid("node", "wrong_node_kind", format!("{node} {why}"))),
        None => Ok((index, at)),
    }
}

/// The sku and the node that a policy about what is kept in cells names; `field` is at fault where nothing is.
fn level_of(
    network: &Network,
    sku: &str,
    node: Option<&Text>,
    field: &str,
) -> Result<(SkuIndex, Option<NodeIndex>), Rejection> {
    let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
    if network.catalogue.kind(index) != ItemKind::Product {
        return Err(Rejection::invalid(field, "not_stocked", format!("{sku} is not a product")));
    }
    let node = node.map(|node| network.find_node("node", node)).transpose()?;
    Ok((index, node))
}
