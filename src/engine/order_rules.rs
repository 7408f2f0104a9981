//! Which rules an order is sourced by: the version that applies to it, and others for groups of its lines that reach their
//! customer in another way and to which another version applies.
//!
//! Promises: an order of one delivery method costs one choice. What is *not* here: what applies (`domain::rules::book`).

use std::sync::Arc;

use super::network::Network;
use crate::domain::delivery::Way;
use crate::domain::geo::{Place, Position};
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::order::{Destination, Order, OrderFacts};
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::book::{RuleBook, Unnamed};
use crate::domain::rules::groups::GroupRules;
use crate::domain::time::WallTime;

/// Rules by which an existing order is sourced again: those it names, else what applies to it now, to each group by its
/// delivery method. What was sourced without fences keeps the version of then where others have some by now, and the other
/// way round: what waits of it stands in the queues with a right to the next units, wherever they come, or without.
pub(super) fn rules_of(network: &Network, order: &Order, at: WallTime) -> GroupRules {
    let rules = network.catalogue.rules();
    let now = rules_among(network, rules, order, at);
    let Some(made) = order.decision.as_deref() else { return now };
    let kept = |(name, version): (&Text, u32), now: &Arc<AppliedRules>| {
        let then = || rules.applied(name, version);
        let is_alike = rules.fences(name, version) == now.is_fenced();
        if is_alike { now.clone() } else { then().unwrap_or_else(|| now.clone()) }
    };
    let own = kept((&made.rule_set, made.rule_set_version), &now.own);
    let groups = order.ways.iter().map(|way| (way.group, kept(made.ruled(way.group), now.of(way.group))));
    GroupRules::of_groups(own, groups)
}

/// Rules by which an order is sourced if these were all rule sets.
pub(super) fn rules_among(network: &Network, rules: &RuleBook, order: &Order, at: WallTime) -> GroupRules {
    let OrderFacts { rule_set, channel, destinations, delivery_method, .. } = &*order.facts;
    let asked = Choosing { rules, name: rule_set.as_deref(), channel, to: destinations.first(), at };
    asked.rules(network, delivery_method, &order.ways)
}

/// By what the rules of an order are chosen.
pub(super) struct Choosing<'a> {
    /// All there are.
    pub rules: &'a RuleBook,
    /// Those it names.
    pub name: Option<&'a str>,
    /// Its channel.
    pub channel: &'a str,
    /// Where it goes.
    pub to: Option<&'a Destination>,
    /// When it is sourced.
    pub at: WallTime,
}

impl Choosing<'_> {
    /// By its name for them, else by its channel, where it goes, and the delivery method, which groups may have one of their own.
    pub fn rules(&self, network: &Network, delivery_method: &str, ways: &[Way]) -> GroupRules {
        let has_carriers = || network.catalogue.shipping().carriers().next().is_some();
        if let Some(named) = self.name.and_then(|name| self.rules.named(name, has_carriers())) {
            return GroupRules::whole(named.clone());
        }
        let nearest = || nearest_to(network, self.to?.position?);
        let country = self.to.map_or("", |to| &*to.country);
        let by_method = |delivery_method: &str| {
            let asked = Unnamed { channel: self.channel, country, delivery_method, at: self.at, nearest: &nearest };
            self.rules.of(&asked).clone()
        };
        let own = by_method(delivery_method);
        GroupRules::of_groups(own, ways.iter().map(|way| (way.group, by_method(&way.method))))
    }
}

/// The node that may supply and is nearest to a place; of equally near ones the first.
pub(super) fn nearest_to(network: &Network, to: Position) -> Option<Text> {
    let to = Place::from(to);
    let nodes = (0..network.catalogue.nodes().len() as u32).map(NodeIndex).filter(|node| network.supplies(*node));
    let nearest = nodes.min_by_key(|node| network.catalogue.place(*node).metres_to(&to))?;
    Some(network.catalogue.node(nearest).id.clone())
}
