//! Which rules an order is sourced by: the version that applies to it, and others for groups of its lines that go
//! elsewhere or reach their customer in another way, and to which another version applies.
//!
//! Promises: an order of one destination costs one choice, and so does any where no active version has a scope. What is
//! *not* here: what applies (`domain::rules::book`).

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
/// destination and delivery method. What was sourced without fences keeps the version of then where others have some by
/// now, and the other way round: what waits of it stands in the queues with a right to the next units, wherever they come,
/// or without.
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
    if now.others.is_empty() && !made.is_ruled_by_group() {
        return GroupRules::whole(own);
    }
    let groups = order.other_groups().map(|group| (group, kept(made.ruled(group), now.of(group))));
    GroupRules::of_groups(own, groups)
}

/// The same of units that wait and are tried with what there is. What was sourced by fenced rules stands in no queue with a
/// right, so it takes what it can get by rules without fences too.
pub(super) fn rules_to_fill(network: &Network, order: &Order, at: WallTime) -> GroupRules {
    let rules = network.catalogue.rules();
    let (then, now) = (rules_of(network, order, at), rules_among(network, rules, order, at));
    let of = |then: &Arc<AppliedRules>, now: &Arc<AppliedRules>| {
        if then.is_fenced() { now.clone() } else { then.clone() }
    };
    let own = of(&then.own, &now.own);
    if then.others.is_empty() && now.others.is_empty() {
        return GroupRules::whole(own);
    }
    let groups = order.other_groups().map(|group| (group, of(then.of(group), now.of(group))));
    GroupRules::of_groups(own, groups)
}

/// Rules by which an order is sourced if these were all rule sets.
pub(super) fn rules_among(network: &Network, rules: &RuleBook, order: &Order, at: WallTime) -> GroupRules {
    let OrderFacts { rule_set, channel, destinations, delivery_method, .. } = &*order.facts;
    let asked = Choosing { rules, name: rule_set.as_deref(), channel, to: destinations, at };
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
    /// Where its groups go.
    pub to: &'a [Destination],
    /// When it is sourced.
    pub at: WallTime,
}

impl<'a> Choosing<'a> {
    /// By its name for them, else by its channel, and of each group by where it goes and how it reaches the customer.
    pub fn rules(&self, network: &Network, delivery_method: &str, ways: &[Way]) -> GroupRules {
        let has_carriers = || network.catalogue.shipping().carriers().next().is_some();
        if let Some(named) = self.name.and_then(|name| self.rules.named(name, has_carriers())) {
            return GroupRules::whole(named.clone());
        }
        let method_of =
            |group: u16| ways.iter().find(|way| way.group == group).map_or(delivery_method, |way| &way.method);
        let of_group = |group: u16| self.of(network, self.to.get(usize::from(group)), method_of(group)).clone();
        if !self.rules.has_scopes() {
            return GroupRules::whole(of_group(0));
        }
        GroupRules::of_groups(of_group(0), (1..self.to.len() as u16).map(|group| (group, of_group(group))))
    }

    /// Those of what goes to one destination in one way.
    fn of(&self, network: &Network, to: Option<&Destination>, delivery_method: &str) -> &'a Arc<AppliedRules> {
        let nearest = || nearest_to(network, to?.position?);
        let country = to.map_or("", |to| &*to.country);
        self.rules.of(&Unnamed { channel: self.channel, country, delivery_method, at: self.at, nearest: &nearest })
    }
}

/// The node that may supply and is nearest to a place; of equally near ones the first.
pub(super) fn nearest_to(network: &Network, to: Position) -> Option<Text> {
    let to = Place::from(to);
    let nodes = (0..network.catalogue.nodes().len() as u32).map(NodeIndex).filter(|node| network.supplies(*node));
    let nearest = nodes.min_by_key(|node| network.catalogue.place(*node).metres_to(&to))?;
    Some(network.catalogue.node(nearest).id.clone())
}
