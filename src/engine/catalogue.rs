//! Changes of the catalogue: appended and swapped under the exclusive guard.

use std::collections::BTreeSet;

use crossbeam::sync::ShardedLockWriteGuard;

use super::cell::Cells;
use super::change::Change;
use super::fulfill::is_at_closed_node;
use super::limits::used;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::channel::{ChannelEvent, ChannelTerms, Limit};
use crate::domain::command::{NodePatch, PutChannel, PutItem, PutNode};
use crate::domain::event::{ChannelChanged, Event, ItemPut, NodePut};
use crate::domain::ids::{ChannelIndex, NodeIndex, SkuIndex, Text};
use crate::domain::item::{Component, Item, ItemKind};
use crate::domain::limits::{CHANNELS_MAX, KIT_COMPONENTS_MAX, LEVEL_MAX, NODES_MAX};
use crate::domain::node::{Node, NodeKind};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;

/// Orders the clock sources again at once: a few records each.
const REPLANNED_MAX: usize = 512;

impl Engine {
    pub(super) fn put_node(&self, turn: &Turn<'_>, node: PutNode) -> Result<Executed, Rejection> {
        let network = self.network.write().expect("no writer of the catalogue panics and survives");
        let known = network.catalogue.node_index(&node.id);
        let index = known.unwrap_or(NodeIndex(network.catalogue.nodes().len() as u32));
        if index.at() >= NODES_MAX {
            return Err(Rejection::invalid("node", "too_many", format!("there are at most {NODES_MAX} nodes")));
        }
        self.replace_node(turn, network, index, node, known.is_none())
    }

    pub(super) fn patch_node(&self, turn: &Turn<'_>, id: &str, patch: NodePatch) -> Result<Executed, Rejection> {
        let network = self.network.write().expect("no writer of the catalogue panics and survives");
        let index = network.catalogue.node_index(id).ok_or_else(|| Rejection::not_found("node", id))?;
        let node = patched(network.catalogue.node(index).clone(), patch);
        self.replace_node(turn, network, index, node, false)
    }

    /// Notes orders of which a node that is switched off has something to begin: the clock takes it from there.
    pub(super) fn note_idle(&self) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        if network.catalogue.nodes().iter().all(|node| node.active) {
            return;
        }
        let mut keys = self.orders.keys();
        keys.sort_unstable();
        for key in keys {
            let slot = self.orders.lock(key);
            let order = slot.as_ref().and_then(|slot| slot.as_ref());
            if order.is_some_and(|order| order.fulfillment_orders.iter().any(|f| is_at_closed_node(&network, f))) {
                self.idle.push(key);
            }
        }
    }

    /// Sources again what idle nodes had to begin, of so many orders as the clock takes on at once.
    pub(super) fn leave_idle(&self, turn: &Turn<'_>) {
        for _ in 0..REPLANNED_MAX {
            let Some(key) = self.idle.pop() else { return };
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.leave_idle_nodes(turn, &network, key);
        }
    }

    fn replace_node(
        &self,
        turn: &Turn<'_>,
        mut network: ShardedLockWriteGuard<'_, Network>,
        index: NodeIndex,
        node: Node,
        created: bool,
    ) -> Result<Executed, Rejection> {
        if !created && *network.catalogue.node(index) == node {
            return Ok(Executed::done(Reply::Node { node: Box::new(node), created }, network.catalogue.seq));
        }
        let kind = |kind: NodeKind| kind == NodeKind::Virtual;
        if !created && kind(network.catalogue.node(index).kind) != kind(node.kind) {
            let detail = "a virtual node stays one, and no other becomes one: it may have stock";
            return Err(Rejection::invalid("kind", "kind_is_fixed", detail));
        }
        let supplied = created || network.supplies(index);
        let is_other = created || is_other(network.catalogue.node(index), &node);
        let may_handle_more = !created && handles_otherwise(network.catalogue.node(index), &node);
        let switched_off = !created && network.catalogue.node(index).active && !node.active;
        let served = network.catalogue.virtual_node().is_some();
        let put = Event::NodePut(NodePut { index, node: node.clone() });
        let seq = self.append_catalogue(turn, &network, put)?;
        network.catalogue.put_node(index, node.clone());
        network.catalogue.seq = seq;
        network.count_free();
        let mut looser = if is_other { self.loosen_anew(turn, &network) } else { BTreeSet::new() };
        if created {
            // It has nothing to serve anybody with.
            looser.clear();
        }
        if !supplied && network.supplies(index) {
            self.settle_all(turn, &network);
        }
        if supplied != network.supplies(index) && network.catalogue.policies().has_supply() {
            self.keep_all_purchases(turn, &network);
        }
        if may_handle_more {
            network.workloads.roomy.note(index, None);
        }
        if !served && network.catalogue.virtual_node().is_some() {
            self.serve_unstocked(turn, &network);
        }
        drop(network);
        if may_handle_more || !looser.is_empty() {
            // Whoever asks for stock meanwhile does not wait for all who are served here.
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.serve_in_turns(turn, &network, looser);
        }
        if switched_off {
            self.note_idle();
            // What it has is not free any more, although nothing moved.
            self.watch_levels();
        }
        Ok(Executed::done(Reply::Node { node: Box::new(node), created }, seq))
    }

    pub(super) fn put_item(&self, turn: &Turn<'_>, command: PutItem) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let known = network.sku_index(&command.sku);
        let item = item(&network, command, known)?;
        let created = known.is_none();
        check_tracking(&network, known, &item)?;
        let index = known.unwrap_or(SkuIndex(network.catalogue.items().len() as u32));
        if !created && *network.catalogue.item(index) == item {
            return Ok(Executed::done(Reply::Item { item: Box::new(item), created }, network.catalogue.seq));
        }
        let seq = self.append_catalogue(turn, &network, Event::ItemPut(ItemPut { index, item: item.clone() }))?;
        let before = known.and_then(|index| network.catalogue.item(index).release_at);
        network.catalogue.put_item(index, item.clone());
        network.catalogue.seq = seq;
        if created {
            network.stock.push(&item.sku, item.kind, Cells::default());
            if network.catalogue.policies().withholds_everything() {
                self.watch_level(index);
            }
        }
        if item.release_at != before {
            self.watch_release(index, item.release_at, turn.log.now());
        }
        Ok(Executed::done(Reply::Item { item: Box::new(item), created }, seq))
    }

    pub(super) fn put_channel(&self, turn: &Turn<'_>, command: PutChannel) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let known = network.catalogue.channel_index(&command.id);
        let index = known.unwrap_or(ChannelIndex(network.catalogue.channels().len() as u32));
        let terms = terms(&network, index, command)?;
        let created = known.is_none();
        let mut seq = network.catalogue.seq;
        if created || network.catalogue.channels()[index.at()] != terms {
            let put = ChannelChanged { index, event: ChannelEvent::Put(terms.clone()) };
            seq = self.append_catalogue(turn, &network, Event::ChannelChanged(Box::new(put)))?;
            network.catalogue.put_channel(index, terms.clone());
            network.catalogue.seq = seq;
            self.channels_changed(turn, &mut network);
        }
        let used = used(&network, index);
        Ok(Executed::done(Reply::Channel { channel: Box::new(terms), used, created }, seq))
    }

    pub(super) fn append_catalogue(&self, turn: &Turn<'_>, network: &Network, event: Event) -> Result<u64, Rejection> {
        let sealed = turn.seal(turn.now(), network.catalogue.seq, vec![event], None)?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        let seq = logged.seq();
        logged.done();
        Ok(seq)
    }
}

/// Whether rules may say other things of a node, whatever the hour.
fn is_other(before: &Node, after: &Node) -> bool {
    let seen = |node: &Node| (node.kind, node.position, node.country.clone(), node.capabilities.clone());
    seen(before) != seen(after)
}

/// Whether it may handle more than before, or begin on another day.
fn handles_otherwise(before: &Node, after: &Node) -> bool {
    let days = |node: &Node| (node.time_zone.clone(), node.calendar.clone(), node.handling, node.cutoff_min);
    let seen = |node: &Node| (node.active, node.capacity_per_day, days(node));
    seen(before) != seen(after) || is_other(before, after)
}

fn patched(node: Node, patch: NodePatch) -> Node {
    let active = patch.active.unwrap_or(node.active);
    let inactive_reason = if active { None } else { patch.inactive_reason.or(node.inactive_reason) };
    Node {
        active,
        inactive_reason,
        kind: patch.kind.unwrap_or(node.kind),
        name: patch.name.unwrap_or(node.name),
        country: patch.country.unwrap_or(node.country),
        postal_code: patch.postal_code.unwrap_or(node.postal_code),
        time_zone: patch.time_zone.unwrap_or(node.time_zone),
        handling: patch.handling.unwrap_or(node.handling),
        calendar: patch.calendar.unwrap_or(node.calendar),
        position: patch.position.unwrap_or(node.position),
        capacity_per_day: patch.capacity_per_day.unwrap_or(node.capacity_per_day),
        cutoff_min: patch.cutoff_min.unwrap_or(node.cutoff_min),
        capabilities: patch.capabilities.unwrap_or(node.capabilities),
        id: node.id,
    }
}

fn item(network: &Network, command: PutItem, known: Option<SkuIndex>) -> Result<Item, Rejection> {
    let mut faults = Vec::new();
    let is_kit = command.kind == ItemKind::Kit;
    if is_kit == command.components.is_empty() || command.components.len() > KIT_COMPONENTS_MAX {
        let detail = format!("a kit has 1 to {KIT_COMPONENTS_MAX} components, anything else none");
        faults.push(Fault::new("components", "bad_components", detail));
    }
    let base = network.catalogue.base_currency;
    if let Some(value) = command.value.filter(|value| value.currency != base) {
        let detail = format!("item values are in the base currency {base}, not {}", value.currency);
        faults.push(Fault::new("value.currency", "wrong_currency", detail));
    }
    let kind_now = known.map(|index| network.catalogue.item(index).kind);
    if kind_now.is_some_and(|now| now != command.kind) {
        faults.push(Fault::new("kind", "kind_is_fixed", "the kind of an item cannot change"));
    }
    let mut components: Vec<Component> = Vec::new();
    for (at, (sku, quantity)) in command.components.iter().enumerate() {
        let field = format!("components[{at}].sku");
        match network.sku_index(sku) {
            None => faults.push(Fault::new(field, "unknown_sku", format!("there is no item {sku:?}"))),
            Some(index) if network.catalogue.item(index).kind != ItemKind::Product => {
                faults.push(Fault::new(field, "not_stocked", format!("{sku} is not a product")));
            }
            Some(index) if components.iter().any(|c| c.sku == index) => {
                faults.push(Fault::new(field, "duplicate_component", format!("{sku} is named twice")));
            }
            Some(index) => components.push(Component { sku: index, quantity: quantity.units() }),
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    let PutItem { sku, name, kind, weight_g, dimensions, value, release_at, tracking, packing, .. } = command;
    Ok(Item { sku, name, kind, weight_g, dimensions, value, components, release_at, tracking, packing })
}

/// How an item is tracked changes only while nothing is known of its units.
fn check_tracking(network: &Network, known: Option<SkuIndex>, item: &Item) -> Result<(), Rejection> {
    if item.tracking.is_some() && item.kind != ItemKind::Product {
        return Err(Rejection::invalid("tracking", "not_stocked", "only products are tracked"));
    }
    let before = known.filter(|index| network.catalogue.item(*index).tracking != item.tracking);
    if before.is_some_and(|index| network.sku(index).ledger.lock().lots().is_some()) {
        let detail = format!("of {} lots or serial numbers are known", item.sku);
        return Err(Rejection::invalid("tracking", "tracking_is_fixed", detail));
    }
    Ok(())
}

/// A channel in this catalogue; all faults together.
fn terms(network: &Network, index: ChannelIndex, command: PutChannel) -> Result<ChannelTerms, Rejection> {
    let PutChannel { id, name, nodes, customers, limits, payment_before, mut payment_methods } = command;
    let mut faults = Vec::new();
    if index.at() >= CHANNELS_MAX {
        faults.push(Fault::new("channel", "too_many", format!("there are at most {CHANNELS_MAX} channels")));
    }
    let nodes = nodes.map(|nodes| serving(network, &nodes, &mut faults));
    let customers = segment(network, index, customers, &mut faults);
    let mut found: Vec<Limit> = Vec::with_capacity(limits.len());
    for (at, limit) in limits.iter().enumerate() {
        let field = |name: &str| format!("limits[{at}].{name}");
        if limit.cap.is_some_and(|cap| cap < limit.floor) {
            let detail = format!("must be at least the floor, {}", limit.floor);
            faults.push(Fault::new(field("cap"), "quantity_out_of_range", detail));
        }
        match network.sku_index(&limit.sku) {
            None => faults.push(Fault::new(field("sku"), "unknown_sku", format!("there is no item {:?}", limit.sku))),
            Some(sku) if network.catalogue.kind(sku) != ItemKind::Product => {
                faults.push(Fault::new(field("sku"), "not_stocked", format!("{} is not a product", limit.sku)));
            }
            Some(sku) if found.iter().any(|known| known.sku == sku) => {
                faults.push(Fault::new(field("sku"), "duplicate_sku", format!("{} is named twice", limit.sku)));
            }
            Some(sku) if network.units_of(sku) > u64::from(LEVEL_MAX) => {
                let detail = format!("of {} there are more than the {LEVEL_MAX} units that can be limited", limit.sku);
                faults.push(Fault::new(field("sku"), "level_too_large", detail));
            }
            Some(sku) => found.push(Limit { sku, floor: limit.floor, cap: limit.cap }),
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    found.sort_unstable_by_key(|limit| limit.sku);
    payment_methods.sort_unstable();
    payment_methods.dedup();
    Ok(ChannelTerms { id, name, nodes, customers, limits: found, payment_before, payment_methods })
}

/// The nodes that serve a channel.
fn serving(network: &Network, nodes: &[Text], faults: &mut Vec<Fault>) -> Vec<NodeIndex> {
    let mut found = Vec::with_capacity(nodes.len());
    for (at, id) in nodes.iter().enumerate() {
        let field = format!("nodes[{at}]");
        match network.catalogue.node_index(id) {
            None => faults.push(Fault::new(field, "unknown_node", format!("there is no node {id:?}"))),
            Some(node) if network.catalogue.node(node).kind == NodeKind::Virtual => {
                faults.push(Fault::new(field, "node_without_stock", format!("{id} holds no stock")));
            }
            Some(node) => found.push(node),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The customers of a segment; each is in one at most.
fn segment(network: &Network, index: ChannelIndex, mut customers: Vec<Text>, faults: &mut Vec<Fault>) -> Vec<Text> {
    for (at, customer) in customers.iter().enumerate() {
        let other = network.catalogue.segment_of(customer).filter(|other| *other != index);
        if let Some(other) = other {
            let detail = format!("is of {} already", network.catalogue.channels()[other.at()].id);
            faults.push(Fault::new(format!("customers[{at}]"), "customer_taken", detail));
        }
    }
    customers.sort_unstable();
    customers.dedup();
    customers
}
