//! The question that an open order is asked again, and the plan that it has in the words of that question.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::super::cell::Word;
use super::super::limits::Counting;
use super::super::network::Network;
use super::super::place::positions_of;
use super::super::routing::{SHIPPED, Stated, Wanted, stated};
use super::super::shipping::{instant, of_node, sent};
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::ids::NodeIndex;
use crate::domain::optimisation::Movable;
use crate::domain::order::{Order, PlacedLine};
use crate::domain::quantity::Quantity;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::sourcing::batch::Taken;
use crate::domain::sourcing::costed::Filling;
use crate::domain::stock::CellKey;
use crate::domain::time::Now;

/// An order that is asked about.
pub struct Asking<'a> {
    /// Nodes, items, carriers.
    pub network: &'a Network,
    /// Which.
    pub order: &'a Order,
    /// Its lines.
    pub lines: &'a [PlacedLine],
    /// Its rules.
    pub rules: &'a AppliedRules,
    /// Units that count as free although orders of the batch have them.
    pub held: &'a BTreeMap<CellKey, u32>,
    /// When it is asked.
    pub now: Now,
}

impl Asking<'_> {
    /// What of it goes to one destination: the question, its units, and the plan it has. `None` where it must stay as it is.
    pub fn stated(
        &self,
        group: u16,
        own: &[&Movable],
        may_be_later: bool,
    ) -> Option<(Stated, Vec<LineUnits>, Vec<Taken>)> {
        let Self { network, order, lines, rules, held, now } = *self;
        let mut wanted: BTreeMap<u16, u32> = BTreeMap::new();
        own.iter().flat_map(|own| &own.units).for_each(|u| *wanted.entry(u.line).or_default() += u.quantity);
        let units: Vec<LineUnits> = wanted.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect();
        let asked = Wanted {
            lines,
            units: &units,
            destinations: &positions_of(order),
            to: &order.facts.destinations,
            placed_at: order.facts.placed_at,
            at: now.wall,
            known_at: now.journal,
            release_at: order.release_at.map(|release| release.wall),
            leaving: &[],
            fenced: &order.fenced,
            preferred: None,
            only: None,
            ways: &[],
            bookings: &[],
            own: held,
            counts: Word::free,
            counting: Counting::Now,
            whose: network.whose_order(order),
            own_whose: Whose::Nobody,
            rules,
            others: &[],
            method: order.method_of(group),
        };
        let mut stated = stated(network, &asked, group, &units)?;
        // Nothing that has its units is left without them, however dear.
        stated.problem.filling = Filling::First;
        // Other shipments of the order count among those that rules allow.
        let others = order
            .fulfillment_orders
            .iter()
            .filter(|f| f.status.is_live() && f.group == group && own.iter().all(|own| own.number != f.number));
        let others = others.count() as u32;
        stated.problem.shipments_max = stated.problem.shipments_max.map(|most| most.saturating_sub(others));
        let now = taken(&stated, own, &units)?;
        if !may_be_later {
            self.keep_the_day(group, own, &mut stated);
        }
        Some((stated, units, now))
    }

    /// Leaves out nodes from which it would arrive later than from those that have it.
    fn keep_the_day(&self, group: u16, own: &[&Movable], stated: &mut Stated) {
        let Some(freight) = self.freight(group, own) else { return };
        let day = |node: NodeIndex| self.arrives(group, node, &freight);
        let Some(promised) = own.iter().filter_map(|own| day(own.node)).max() else { return };
        for (candidate, node) in stated.nodes.iter().enumerate() {
            let has_it = own.iter().any(|own| own.node == *node);
            if !has_it && day(*node).is_none_or(|day| day > promised) {
                stated.problem.candidates[candidate].parcels_max = 0;
            }
        }
    }

    fn is_shipped(&self, group: u16) -> bool {
        &**self.order.method_of(group) == SHIPPED
    }

    /// All of it as carriers see it, where there are carriers that take it.
    fn freight(&self, group: u16, own: &[&Movable]) -> Option<Freight> {
        let catalogue = &self.network.catalogue;
        if !self.is_shipped(group) || catalogue.shipping().carriers().next().is_none() {
            return None;
        }
        let body = |u: &LineUnits| {
            sent(catalogue, catalogue.item(self.lines[usize::from(u.line)].sku), Quantity::new(u.quantity)?)
        };
        Some(Freight::Units(own.iter().flat_map(|own| &own.units).filter_map(body).collect()))
    }

    /// The day on which what carriers offer from a node arrives, the cheapest of it.
    fn arrives(&self, group: u16, node: NodeIndex, freight: &Freight) -> Option<Date> {
        let catalogue = &self.network.catalogue;
        let to = self.order.facts.destinations.get(usize::from(group))?;
        let question = Question {
            from: of_node(catalogue, node),
            to: There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: to.position },
            freight,
            ordered: instant(self.now.wall.max(self.order.facts.placed_at)),
            held_until: None,
        };
        catalogue.shipping().answers(&question).offers.first().map(|offer| offer.promise.arrives)
    }
}

/// The plan that an order has, in the words of its question; `None` where one of its nodes is not asked.
fn taken(stated: &Stated, own: &[&Movable], units: &[LineUnits]) -> Option<Vec<Taken>> {
    let mut taken: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for own in own {
        let candidate = stated.nodes.iter().position(|node| *node == own.node)? as u32;
        for u in &own.units {
            let line = units.iter().position(|known| known.line == u.line).expect("all its units are asked for");
            *taken.entry((candidate, line as u32)).or_default() += u.quantity;
        }
    }
    Some(taken.into_iter().map(|((candidate, line), units)| Taken { candidate, line, units }).collect())
}
