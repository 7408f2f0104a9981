//! The question that an open order is asked again, and the plan that it has in the words of that question.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::super::arriving::{Sent, chosen};
use super::super::cell::Word;
use super::super::limits::Counting;
use super::super::network::Network;
use super::super::place::positions_of;
use super::super::routing::{SHIPPED, Stated, Wanted, stated};
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::fulfillment::FulfillmentStatus;
use crate::domain::geo::Position;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::node::NodeKind;
use crate::domain::optimisation::Movable;
use crate::domain::order::{Order, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::groups::GroupRules;
use crate::domain::rules::weights::Weights;
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
    /// What of it goes to one destination and has to be there by a day, if it has: the question, its units, and the plan it
    /// has. `None` where it must stay as it is.
    pub fn stated(
        &self,
        group: u16,
        own: &[&Movable],
        day: Option<Date>,
    ) -> Option<(Stated, Vec<LineUnits>, Vec<Taken>)> {
        let Self { network, order, rules, .. } = *self;
        let mut wanted: BTreeMap<u16, u32> = BTreeMap::new();
        own.iter().flat_map(|own| &own.units).for_each(|u| *wanted.entry(u.line).or_default() += u.quantity);
        let units: Vec<LineUnits> = wanted.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect();
        let destinations = positions_of(order);
        let asked = self.wanted(group, &units, &destinations, day);
        let mut stated = stated(network, &asked, group, &units)?;
        // Nothing that has its units is left without them, however dear.
        stated.problem.filling = Filling::First;
        // Other shipments of the order count among those that rules allow.
        let others = order
            .fulfillment_orders
            .iter()
            .filter(|f| f.status.is_live() && f.group == group && own.iter().all(|own| own.number != f.number));
        // Those that go by another day are planned beside these: neither may have more than it has.
        let apart =
            others.clone().any(|f| matches!(f.status, FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted));
        let room = |most: u32| {
            let room = most.saturating_sub(others.clone().count() as u32);
            if apart { room.min(own.len() as u32) } else { room }
        };
        stated.problem.shipments_max = stated.problem.shipments_max.map(room);
        let now = taken(&stated, own, &units)?;
        let weighs_services = rules.weights.as_ref().is_some_and(Weights::asks_carriers);
        if let Some(day) = day.filter(|_| !weighs_services) {
            self.keep_the_day(group, (own, &units), day, &mut stated);
        }
        Some((stated, units, now))
    }

    /// The question for units that wait: they are sent where that costs less than to leave them.
    pub fn waiting(&self, group: u16, units: &[LineUnits]) -> Option<Stated> {
        let Self { network, order, .. } = *self;
        let mut stated = stated(network, &self.wanted(group, units, &positions_of(order), None), group, units)?;
        let live = order.fulfillment_orders.iter().filter(|f| f.status.is_live() && f.group == group).count() as u32;
        stated.problem.shipments_max = stated.problem.shipments_max.map(|most| most.saturating_sub(live));
        // A supplier is asked where units are sourced, not here.
        for (candidate, node) in stated.nodes.iter().enumerate() {
            if network.catalogue.node(*node).kind == NodeKind::Supplier {
                stated.problem.candidates[candidate].parcels_max = 0;
            }
        }
        Some(stated)
    }

    fn wanted<'a>(
        &'a self,
        group: u16,
        units: &'a [LineUnits],
        destinations: &'a [Option<Position>],
        day: Option<Date>,
    ) -> Wanted<'a> {
        let Self { network, order, lines, rules, held, now } = *self;
        Wanted {
            lines,
            units,
            destinations,
            to: &order.facts.destinations,
            placed_at: order.facts.placed_at,
            at: now.wall,
            known_at: now.journal,
            release_at: order.release_at.map(|release| release.wall),
            dates: Dates { promised: day, ..order.dates() },
            leaving: &[],
            behind: &[],
            earlier: &[],
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
        }
    }

    /// Fulfilment orders to one destination by the day by which they have to be there; all together where that is no matter.
    pub fn by_day<'a>(&self, own: &[&'a Movable], may_be_later: bool) -> BTreeMap<Option<Date>, Vec<&'a Movable>> {
        let mut by_day: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for own in own {
            let day = if may_be_later { None } else { self.day_of(own) };
            by_day.entry(day).or_default().push(*own);
        }
        by_day
    }

    /// The day that a shipment was promised for; where no service keeps that any more, the first on which it could be there as
    /// it is. What nobody was told of goes by the service that was chosen for it.
    fn day_of(&self, own: &Movable) -> Option<Date> {
        let catalogue = &self.network.catalogue;
        if catalogue.shipping().carriers().next().is_none() || &**self.order.method_of(own.group) != SHIPPED {
            return None;
        }
        let offers = self.sent(own.node, own.group, &own.units)?.offers(catalogue);
        let first = offers.iter().map(|offer| offer.promise.arrives).min();
        match self.order.deliver_by(own.number) {
            Some(promised) => Some(first.map_or(promised, |first| promised.max(first))),
            None => {
                let made = self.order.decision.as_deref();
                let carried = made.into_iter().flat_map(|made| made.carried(own.node, own.group));
                offers.get(chosen(&offers, carried)).map(|offer| offer.promise.arrives)
            }
        }
    }

    fn sent<'a>(&'a self, node: NodeIndex, group: u16, units: &'a [LineUnits]) -> Option<Sent<'a>> {
        let to = self.order.facts.destinations.get(usize::from(group))?;
        let at = self.now.wall.max(self.order.facts.placed_at);
        Some(Sent { node, to, lines: self.lines, units, at, dates: self.order.dates() })
    }

    /// Leaves out nodes whose cheapest service would bring it later; rules that weigh services leave out those that do.
    fn keep_the_day(&self, group: u16, (own, units): (&[&Movable], &[LineUnits]), day: Date, stated: &mut Stated) {
        let catalogue = &self.network.catalogue;
        for (candidate, node) in stated.nodes.iter().enumerate() {
            let has_it = own.iter().any(|own| own.node == *node);
            let arrives = || self.sent(*node, group, units)?.arrives(catalogue, std::iter::empty());
            if !has_it && arrives().is_none_or(|arrives| arrives > day) {
                stated.problem.candidates[candidate].parcels_max = 0;
            }
        }
    }
}

/// Units of an order that wait without a right to what comes, by destination, with the rules by which they would be filled:
/// but what ships together or not at all, and what channels have limits for.
pub fn waiting(
    network: &Network,
    order: &Order,
    rules: &GroupRules,
    lines: &[PlacedLine],
) -> Vec<(u16, Vec<LineUnits>, Arc<AppliedRules>)> {
    let is_loose = |line: u16, placed: &PlacedLine| {
        let mut skus = placed.stock(1).into_iter().map(|(sku, _)| sku);
        let loose = |sku: SkuIndex| network.sku(sku).ledger.lock().loose().contains_key(&(order.key, line));
        skus.all(|sku| network.limits.of(sku).is_none() && loose(sku))
    };
    let mut by_group: BTreeMap<u16, Vec<LineUnits>> = BTreeMap::new();
    for (line, own) in (0..).zip(&order.lines).filter(|(_, own)| own.backordered > 0 && own.placed.stocked) {
        if is_loose(line, &lines[usize::from(line)]) {
            let units = LineUnits { line, quantity: own.backordered };
            by_group.entry(own.placed.group).or_default().push(units);
        }
    }
    let apart = |rules: &AppliedRules| {
        rules.weights.as_ref().is_none_or(|weights| !weights.is_joint() && !weights.line_complete)
    };
    let ruled = by_group.into_iter().map(|(group, units)| (group, units, rules.of(group).clone()));
    ruled.filter(|(.., rules)| apart(rules)).collect()
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
