//! Where a return shall come to: the node, line by line, where it costs least and is worth most.
//!
//! A line costs the way from the customer, the node's handling, and less by what it is worth there: a unit that somebody
//! waits for is worth [`NEED_PERCENT`] of its value more, less the way on to who waits; one that cannot be sold as it is
//! keeps more of its value where it can be made good (capability `refurbish`). Every node adds a parcel. A node has room for
//! as many units on their way as its capacity of a day. Where nodes have the capability `returns`, only they receive.
//!
//! What is *not* here: the search (`domain::return_routing`).

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::network::Network;
use crate::domain::command::RequestReturn;
use crate::domain::geo::{Place, Position};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::node::{Node, NodeKind};
use crate::domain::order::Order;
use crate::domain::return_routing::{ReturnRoute, route};
use crate::domain::returns::{Condition, Return, ReturnLine};

/// What a parcel costs beside its way, minor units of the base currency.
const PARCEL: i64 = 500;
/// What a hundred kilograms cost for a kilometre.
const PER_100_KG_KM: u128 = 20;
/// What more a unit is worth that somebody waits for, of its value.
const NEED_PERCENT: i64 = 50;
/// What is left of the value of a unit that cannot be sold as it is: where it can be made good, and elsewhere.
const RECOVERED_PERCENT: (i64, i64) = (70, 20);

/// Who waits for skus that come back: how many units, and where the first of them are to go.
#[derive(Debug, Default)]
pub(super) struct Needs(BTreeMap<SkuIndex, (u64, Option<Position>)>);

impl Engine {
    /// Who waits for what a request names, where the policy may decide alone. The caller holds nothing.
    pub(super) fn needs_of(&self, command: &RequestReturn) -> Needs {
        if self.catalogue(|catalogue| catalogue.policies().is_empty()) {
            return Needs::default();
        }
        let order = self.named_order_in_memory(&command.order);
        let skus = order.iter().flat_map(|order| &order.lines).map(|line| line.placed.sku);
        self.needs_of_skus(skus)
    }

    /// Who waits for these skus. The caller holds nothing.
    pub(super) fn needs_of_skus(&self, skus: impl Iterator<Item = SkuIndex>) -> Needs {
        let mut needs = Needs::default();
        for sku in skus.collect::<BTreeSet<_>>() {
            let (units, first) = {
                let network = self.network.read().expect("no writer of the catalogue panics and survives");
                let ledger = network.sku(sku).ledger.lock();
                (ledger.wanted().saturating_sub(ledger.pooled()), ledger.first())
            };
            if units > 0 {
                let order = first.and_then(|(key, line)| Some((self.order_in_memory(key)?, line)));
                let to = order.and_then(|(order, line)| {
                    let group = order.lines.get(usize::from(line))?.placed.group;
                    order.facts.destinations.get(usize::from(group))?.position
                });
                needs.0.insert(sku, (units, to));
            }
        }
        needs
    }

    /// Where each line of a return shall come to; nowhere in particular what has no stock, or where nobody receives.
    pub(super) fn nodes_of(
        &self,
        network: &Network,
        order: &Order,
        returned: &Return,
        needs: &Needs,
    ) -> Vec<Option<NodeIndex>> {
        let nodes = receiving(network);
        let placed = |line: &ReturnLine| &order.lines[usize::from(line.line)].placed;
        let comes = |line: &&ReturnLine| placed(line).stocked && !returned.terms.is_claim;
        let lines: Vec<&ReturnLine> = returned.lines.iter().filter(comes).collect();
        let cost = |line: &ReturnLine, node: NodeIndex| {
            let from = order.facts.destinations[usize::from(placed(line).group)].position;
            Some(cost_of(network, line, from, node, needs))
        };
        let room = |node: &NodeIndex| {
            let capacity = network.catalogue.node(*node).capacity_per_day?;
            Some(u64::from(capacity).saturating_sub(self.returning.to(*node)))
        };
        let problem = ReturnRoute {
            units: lines.iter().map(|line| line.quantity).collect(),
            costs: lines.iter().map(|line| nodes.iter().map(|node| cost(line, *node)).collect()).collect(),
            parcels: vec![PARCEL; nodes.len()],
            room: nodes.iter().map(room).collect(),
        };
        // Where nobody has room it has to come to somebody all the same.
        let crowded = || ReturnRoute { room: vec![None; nodes.len()], ..problem.clone() };
        let routed = route(&problem).or_else(|| route(&crowded()));
        let mut chosen = routed.map(|routed| routed.nodes).unwrap_or_default().into_iter();
        returned.lines.iter().map(|line| if comes(&line) { chosen.next().map(|at| nodes[at]) } else { None }).collect()
    }
}

/// Nodes that receive returns.
fn receiving(network: &Network) -> Vec<NodeIndex> {
    let receives = |node: &Node| node.active && !matches!(node.kind, NodeKind::Virtual | NodeKind::Supplier);
    let named = |node: &Node| node.capabilities.iter().any(|capability| &**capability == "returns");
    let nodes = || (0..).map(NodeIndex).zip(network.catalogue.nodes()).filter(|(_, node)| receives(node));
    let only: Vec<NodeIndex> = nodes().filter(|(_, node)| named(node)).map(|(index, _)| index).collect();
    if only.is_empty() { nodes().map(|(index, _)| index).collect() } else { only }
}

fn cost_of(network: &Network, line: &ReturnLine, from: Option<Position>, node: NodeIndex, needs: &Needs) -> i64 {
    let (item, place) = (network.catalogue.item(line.sku), network.catalogue.place(node));
    let (units, known) = (i64::from(line.quantity), network.catalogue.node(node));
    let grams = |units: u64| u64::from(item.weight_g).saturating_mul(units);
    let value = item.value.map_or(0, |value| value.amount.clamp(0, i64::MAX / i64::from(u32::MAX) / 100));
    let way = from.map_or(0, |from| carriage(grams(u64::from(line.quantity)), from, place));
    let handling = known.handling.map_or(0, |handling| handling.per_unit.saturating_mul(units));
    let sold_again = matches!(line.stated, None | Some(Condition::New | Condition::Opened | Condition::WrongItem));
    let worth = if sold_again {
        needs.0.get(&line.sku).filter(|_| network.supplies(node)).map_or(0, |(wanted, to)| {
            let wanted = (*wanted).min(u64::from(line.quantity));
            let onward = to.map_or(0, |to| carriage(grams(wanted), to, place));
            i64::try_from(wanted).unwrap_or(i64::MAX).saturating_mul(value * NEED_PERCENT / 100) - onward
        })
    } else {
        let mends = known.capabilities.iter().any(|capability| &**capability == "refurbish");
        let percent = if mends { RECOVERED_PERCENT.0 } else { RECOVERED_PERCENT.1 };
        units.saturating_mul(value * percent / 100)
    };
    way.saturating_add(handling).saturating_sub(worth).clamp(-COST_MAX, COST_MAX)
}

/// No line costs more, or brings more: sums over all lines stay in range.
const COST_MAX: i64 = 1 << 52;

/// What it costs to bring so many grams there.
fn carriage(grams: u64, from: Position, to: &Place) -> i64 {
    let metres = u128::from(Place::from(from).metres_to(to));
    let cost = u128::from(grams) * metres * PER_100_KG_KM / (100 * 1_000 * 1_000);
    i64::try_from(cost).unwrap_or(COST_MAX).min(COST_MAX)
}
