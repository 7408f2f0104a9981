//! Demand that may not have the next units wherever they come: kits, which want several skus of one node, and orders that a
//! node refused, that their channel or their rules keep from nodes, or whose customer comes to one node.
//!
//! It is served with all others in the order of the fill policy: units that come go to the pool of the queue for it as well,
//! and whoever serves the queue tries it in its turn (`queue`). What the pool has and nobody can use becomes free. So nobody
//! of less right has a unit before it, and no newcomer; but while a kit lacks one of its skus the others are free to all.
//!
//! What is *not* here: the order of service (`ledger`), what is tried (`queue`).

use super::fences::{Fencing, Shipment};
use super::network::Network;
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::order::{Order, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::rules::applied::AppliedRules;

/// Nodes, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(Box<[u64]>);

impl NodeSet {
    /// Whether a node is one of them.
    pub fn contains(&self, node: NodeIndex) -> bool {
        self.0.get(node.at() / 64).is_some_and(|bits| bits >> (node.at() % 64) & 1 == 1)
    }
}

impl FromIterator<NodeIndex> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeIndex>>(nodes: I) -> Self {
        let mut words: Vec<u64> = Vec::new();
        for node in nodes {
            let word = node.at() / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (node.at() % 64);
        }
        Self(words.into())
    }
}

/// What a line wants of one sku. See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loose {
    /// Units; none where the line can only be cancelled.
    pub units: u32,
    /// Other skus that it wants with them from the same node: it is a kit where there are any.
    pub others: Box<[SkuIndex]>,
    /// Whether it is a kit, of one sku or of several.
    pub is_kit: bool,
    /// For whom it is.
    pub whose: Whose,
    /// Nodes that refused the order, and those that its channel does not have.
    barred: NodeSet,
    /// Nodes that its rules keep out at any hour, as they were when it began to wait.
    ruled: NodeSet,
}

impl Loose {
    /// Whether it may have units of a node as far as nobody has to ask its rules.
    pub fn may_try(&self, node: NodeIndex) -> bool {
        !self.barred.contains(node)
    }

    /// Whether it may have units of a node, by its rules too.
    pub fn may_have(&self, node: NodeIndex) -> bool {
        self.may_try(node) && !self.ruled.contains(node)
    }

    /// The same for so many units; none is wanted any more where none was.
    #[must_use]
    pub fn with_units(&self, units: u32) -> Self {
        Self { units: if self.units == 0 { 0 } else { units }, ..self.clone() }
    }
}

/// What keeps a line from nodes.
pub struct Keeping<'a> {
    /// Nodes that may not be asked.
    pub fenced: &'a [NodeIndex],
    /// For whom it is.
    pub whose: Whose,
    /// Its rules.
    pub rules: &'a AppliedRules,
    /// The only one that may be asked.
    pub only: Option<NodeIndex>,
    /// Where it goes.
    pub shipment: Shipment<'a>,
}

impl Keeping<'_> {
    /// What a line of which so many units wait wants of each of its skus.
    pub fn loose(&self, network: &Network, units: LineUnits) -> Vec<(SkuIndex, Loose)> {
        let placed = &self.shipment.lines[usize::from(units.line)];
        let ruled = Fencing::of(network, self.rules, self.shipment, &[units], std::iter::empty())
            .map(|fencing| fencing.kept_out());
        let barred = barred(network, self.fenced, (self.whose, self.only));
        wants(placed, units.quantity, self.whose, (&barred, &ruled.unwrap_or_default()))
    }
}

/// What a line of an order wants of each of its skus, by the rules it was sourced by; `refused` refuse it as well.
pub fn of_order(network: &Network, order: &Order, line: u16, refused: &[NodeIndex]) -> Vec<(SkuIndex, Loose)> {
    let units =
        LineUnits { line, quantity: if order.is_spent() { 0 } else { order.lines[usize::from(line)].waiting() } };
    let fenced: Vec<NodeIndex> = order.fenced.iter().chain(refused).copied().collect();
    let whose = network.whose_order(order);
    let group = order.lines[usize::from(line)].placed.group;
    let only = order.collected_at(group).filter(|node| !refused.contains(node));
    let rules = order.decision.as_deref().and_then(|made| {
        let (rule_set, version) = made.ruled(group);
        network.catalogue.rules().applied(rule_set, version).filter(|rules| rules.is_fenced())
    });
    let Some(rules) = rules else {
        let placed = &order.lines[usize::from(line)].placed;
        return wants(placed, units.quantity, whose, (&barred(network, &fenced, (whose, only)), &NodeSet::default()));
    };
    let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
    let to = order.facts.destinations.get(usize::from(group));
    let shipment = Shipment {
        to,
        position: to.and_then(|to| to.position),
        lines: &lines,
        placed_at: order.facts.placed_at,
        at: order.facts.placed_at,
        known_at: order.received_at,
        work_at: order.facts.placed_at,
        dates: Dates::default(),
        leaving: &[],
    };
    Keeping { fenced: &fenced, whose, rules: &rules, only, shipment }.loose(network, units)
}

/// The same of one of its skus.
pub fn of_sku(network: &Network, order: &Order, line: u16, sku: SkuIndex) -> Option<Loose> {
    of_order(network, order, line, &[]).into_iter().find(|(own, _)| *own == sku).map(|(_, loose)| loose)
}

fn wants(
    placed: &PlacedLine,
    quantity: u32,
    whose: Whose,
    (barred, ruled): (&NodeSet, &NodeSet),
) -> Vec<(SkuIndex, Loose)> {
    let stock = placed.stock(1);
    let of = |&(sku, per_unit): &(SkuIndex, u32)| {
        let others = stock.iter().map(|(other, _)| *other).filter(|other| *other != sku).collect();
        let units = quantity.saturating_mul(per_unit);
        let is_kit = !placed.components.is_empty();
        (sku, Loose { units, others, is_kit, whose, barred: barred.clone(), ruled: ruled.clone() })
    };
    stock.iter().map(of).collect()
}

fn barred(network: &Network, fenced: &[NodeIndex], (whose, only): (Whose, Option<NodeIndex>)) -> NodeSet {
    let nodes = (0..network.catalogue.nodes().len() as u32).map(NodeIndex);
    let narrowed = network.catalogue.is_narrowed(whose);
    let other = |node: &NodeIndex| only.is_some_and(|only| only != *node);
    let elsewhere = nodes.filter(|node| other(node) || narrowed && !network.catalogue.serves(whose, *node));
    fenced.iter().copied().chain(elsewhere).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_nodes_that_were_put_and_no_other() {
        let nodes = [0, 3, 63, 64, 200].map(NodeIndex);
        let set: NodeSet = nodes.into_iter().collect();
        let has: Vec<NodeIndex> = (0..400).map(NodeIndex).filter(|node| set.contains(*node)).collect();
        assert_eq!(has, nodes);
        assert!(!NodeSet::default().contains(NodeIndex(0)));
    }
}
