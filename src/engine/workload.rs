//! What nodes have to do, day by day: counted like stock and taken in the commit that allocates, so that no day is
//! promised to more shipments than its node can handle.
//!
//! Nothing is counted unless an active rule set has the fence `capacity` or the term `load_balance`, and the node says how
//! much it can handle. Then
//! every shipment of stock counts that sourcing sends there, whoever ordered it, on the day on which its work begins: for
//! an order that is kept back the day of its release. Who is sourced by rules with the fence finds the node out of reach
//! once the day is used up. A shipment that is refused, cancelled, moved, edited away or joined to another gives its place
//! back with the fold of its order.
//!
//! **How.** A number for each node and day, raised by compare-and-swap after everything else of a commit has succeeded and
//! just before it is logged: what is taken is logged, so nothing rolls back but where an order takes from several nodes
//! and finds the second full. Whoever comes too late is routed again and sees the day as full as it is. An edit takes its
//! places when it is confirmed, not when it is planned: one that finds a day used up by then is stale.
//!
//! What is *not* here: who waits for room (`room`), the calendar of a node (`domain::promise`), capacity by hour or by unit.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32};

use dashmap::DashMap;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::Engine;
use super::network::Network;
use super::room::Roomy;
use super::routing::{Route, Wanted};
use super::shipping::{instant, of_node};
use crate::domain::catalogue::Catalogue;
use crate::domain::event::{Event, WorkloadChanged};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey};
use crate::domain::order::{Allocation, Order, OrderEvent, PlacedLine};
use crate::domain::rules::groups::GroupRules;
use crate::domain::time::WallTime;
use crate::domain::workload::{Workload, WorkloadEvent, utc_day};
use crate::sabotage::{Bug, planted};

/// A shipment that counts.
#[derive(Clone, Copy, Debug)]
struct Counted {
    number: u16,
    node: NodeIndex,
    day: i32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Workloads {
    /// Shipments by node and day.
    used: DashMap<(NodeIndex, i32), AtomicU32>,
    /// By order what of it counts; of those that left memory nothing.
    of: DashMap<OrderKey, Vec<Counted>>,
    /// Whether anything ever counted: until then nobody looks further.
    counts: AtomicBool,
    /// Days before this one are forgotten.
    oldest: AtomicI32,
    /// Where there may be room again.
    pub roomy: Roomy,
}

/// What an order adds to the work of a node.
#[derive(Clone, Debug)]
pub struct Work {
    node: NodeIndex,
    day: i32,
    /// How many shipments the node can handle on a day, where the rules of the order mind that.
    most: Option<u32>,
    shipments: Vec<FulfillmentKey>,
}

/// A shipment that goes from one node to another: what it is no more, and what it is from then on.
#[derive(Clone, Debug)]
pub struct Moving {
    left: Option<Event>,
    works: Vec<Work>,
}

impl Moving {
    /// Of a shipment to a node that has to do it whatever it can handle: somebody decided so.
    pub fn of(network: &Network, shipment: FulfillmentKey, (from, to): (NodeIndex, NodeIndex), at: WallTime) -> Self {
        let given = |day| WorkloadEvent::Given { day, shipments: vec![shipment] };
        let left = network.workloads.day_of(shipment, from).map(|day| changed(from, given(day)));
        Self { left, works: works_by_hand(network, std::iter::once((shipment, to)), at) }
    }

    /// What the record says of it.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.left.iter().cloned().chain(self.works.iter().map(Work::event))
    }

    /// What the new node has to do more. The fold of the order gives back what the old one has not.
    pub fn works(&self) -> &[Work] {
        &self.works
    }
}

/// What shipments of many orders that are rearranged in one record are to the work of nodes.
#[derive(Debug, Default)]
pub struct Rearranged {
    works: Vec<Work>,
    left: Vec<Event>,
    /// Places that come back with the folds of their orders.
    leaving: BTreeMap<(NodeIndex, i32), u32>,
}

impl Rearranged {
    /// A shipment goes to another node, where its work may begin at that instant, or becomes part of one that does (`None`).
    /// It comes from nowhere when it is new.
    pub fn moves(
        &mut self,
        network: &Network,
        shipment: FulfillmentKey,
        (from, to): (Option<NodeIndex>, Option<NodeIndex>),
        at: WallTime,
    ) {
        if let Some((node, day)) = from.and_then(|node| Some((node, network.workloads.day_of(shipment, node)?))) {
            self.left.push(changed(node, WorkloadEvent::Given { day, shipments: vec![shipment] }));
            *self.leaving.entry((node, day)).or_default() += 1;
        }
        for work in works_by_hand(network, to.map(|to| (shipment, to)).into_iter(), at) {
            match self.works.iter_mut().find(|known| (known.node, known.day) == (work.node, work.day)) {
                Some(known) => known.shipments.extend(work.shipments),
                None => self.works.push(work),
            }
        }
    }

    /// A shipment becomes part of another at its node.
    pub fn ends(&mut self, network: &Network, shipment: FulfillmentKey, node: NodeIndex) {
        if let Some(day) = network.workloads.day_of(shipment, node) {
            *self.leaving.entry((node, day)).or_default() += 1;
        }
    }

    /// What nodes have to do more: as much as leaves them, and beyond that no more than they can; and what is said of what
    /// leaves.
    pub fn end(mut self, network: &Network) -> (Vec<Work>, Vec<Event>) {
        for work in &mut self.works {
            let capacity = network.catalogue.node(work.node).capacity_per_day;
            let leaving = self.leaving.get(&(work.node, work.day)).copied().unwrap_or(0);
            let has = network.workloads.used(work.node, work.day);
            work.most = capacity.map(|most| most.max(has).saturating_add(leaving));
        }
        (self.works, self.left)
    }
}

impl Workloads {
    /// Shipments that a node has on a day.
    pub fn used(&self, node: NodeIndex, day: i32) -> u32 {
        self.used.get(&(node, day)).map_or(0, |used| used.load(Acquire))
    }

    /// So many shipments a node has on a day of a supposed world.
    pub fn set(&self, node: NodeIndex, day: i32, shipments: u32) {
        self.used.entry((node, day)).or_default().store(shipments, Relaxed);
    }

    /// Takes all of it, or nothing where some day has no room.
    pub fn take(&self, works: &[Work]) -> bool {
        for (at, work) in works.iter().enumerate() {
            if !self.take_one(work) {
                for taken in &works[..at] {
                    self.give(taken.node, taken.day, taken.shipments.len() as u32);
                    self.roomy.note(taken.node, Some(taken.day));
                }
                return false;
            }
        }
        if !works.is_empty() {
            self.counts.store(true, Relaxed);
        }
        for work in works {
            for shipment in &work.shipments {
                let counted = Counted { number: shipment.number, node: work.node, day: work.day };
                self.of.entry(shipment.order).or_default().push(counted);
            }
        }
        true
    }

    fn take_one(&self, work: &Work) -> bool {
        let count = work.shipments.len() as u32;
        let most = work.most.unwrap_or(u32::MAX);
        let used = self.used.entry((work.node, work.day)).or_default();
        let more = |used: u32| used.checked_add(count).filter(|used| *used <= most);
        used.fetch_update(AcqRel, Acquire, more).is_ok()
    }

    fn give(&self, node: NodeIndex, day: i32, count: u32) {
        if let Some(used) = self.used.get(&(node, day)) {
            let _ = used.fetch_update(AcqRel, Acquire, |used| Some(used.saturating_sub(count)));
        }
    }

    /// The day on which a shipment is work of a node, if it is.
    fn day_of(&self, shipment: FulfillmentKey, node: NodeIndex) -> Option<i32> {
        let counted = self.of.get(&shipment.order)?;
        counted.iter().find(|own| (own.number, own.node) == (shipment.number, node)).map(|own| own.day)
    }

    /// Gives back what of an order is no work any more. The order is locked, as it was when it was counted.
    pub fn look_at(&self, order: &Order) {
        if !self.counts.load(Relaxed) {
            return;
        }
        let Some(mut counted) = self.of.get_mut(&order.key) else { return };
        counted.retain(|own| {
            let stays = order.is_work_of(own.number, own.node);
            if !stays {
                self.give(own.node, own.day, 1);
                if !planted(Bug::RoomUntold) {
                    self.roomy.note(own.node, Some(own.day));
                }
            }
            stays
        });
        let is_over = counted.is_empty();
        drop(counted);
        if is_over {
            self.forget(order.key);
        }
    }

    /// Nothing of an order is given back any more: it is over, or left memory.
    pub fn forget(&self, order: OrderKey) {
        if self.counts.load(Relaxed) {
            self.of.remove(&order);
        }
    }

    /// Forgets days that nobody asks about any more; answers whether there may be some.
    pub fn forget_before(&self, oldest: i32) -> bool {
        if !self.counts.load(Relaxed) || self.oldest.fetch_max(oldest, AcqRel) >= oldest {
            return false;
        }
        self.used.retain(|(_, day), _| *day >= oldest);
        self.of.retain(|_, counted| {
            counted.retain(|own| own.day >= oldest);
            !counted.is_empty()
        });
        true
    }

    /// Entries of days, and of orders.
    #[cfg(test)]
    pub fn entries(&self) -> (usize, usize) {
        (self.used.len(), self.of.len())
    }

    /// Knows what was entered of a node, the shipments that are no work any more aside.
    pub fn know(&self, node: NodeIndex, work: &Workload, is_work: impl Fn(i32, FulfillmentKey) -> bool) {
        for (day, shipments) in &work.days {
            for shipment in shipments.iter().filter(|shipment| is_work(*day, **shipment)) {
                self.take(&[Work { node, day: *day, most: None, shipments: vec![*shipment] }]);
            }
        }
    }
}

impl Work {
    /// The node, where it has no room for all of it now.
    pub fn lacks_room(&self, network: &Network) -> Option<NodeIndex> {
        let all = network.workloads.used(self.node, self.day).saturating_add(self.shipments.len() as u32);
        self.most.filter(|most| all > *most).map(|_| self.node)
    }

    /// That it is taken.
    pub fn event(&self) -> Event {
        changed(self.node, WorkloadEvent::Taken { day: self.day, shipments: self.shipments.clone() })
    }
}

fn changed(node: NodeIndex, event: WorkloadEvent) -> Event {
    Event::WorkloadChanged(Box::new(WorkloadChanged { node, event }))
}

/// What the shipments of a route add to the work of their nodes; nothing where nobody minds.
pub fn works_of(network: &Network, wanted: &Wanted<'_>, (key, first): (OrderKey, u16), route: &Route) -> Vec<Work> {
    let minds = wanted.rules.minds_capacity() || wanted.others.iter().any(|(_, rules)| rules.minds_capacity());
    if !minds && !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    let shipments = (first..).zip(&route.shipments).filter(|(_, shipment)| wanted.has_stock(shipment));
    let shipments = shipments.map(|(number, shipment)| {
        let is_bound = wanted.rules_of(shipment.group).minds_capacity();
        (FulfillmentKey { order: key, number }, shipment.assignment.node, is_bound)
    });
    works(network, shipments, wanted.work_at())
}

/// The same of what a confirmed edit adds, whose lines are these then; `leaving` are the places that it gives back.
pub fn works_of_edit(
    network: &Network,
    (key, lines): (OrderKey, &[PlacedLine]),
    allocations: &[Allocation],
    (rules, leaving): (&GroupRules, &[NodeIndex]),
    at: WallTime,
) -> Vec<Work> {
    if !rules.all().any(|rules| rules.minds_capacity()) && !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    let is_stocked = |a: &&Allocation| a.lines.iter().any(|u| lines[usize::from(u.line)].stocked);
    let of = |a: &Allocation| {
        let is_bound = rules.of(a.group).minds_capacity();
        (FulfillmentKey { order: key, number: a.number }, a.node, is_bound)
    };
    let mut works = works(network, allocations.iter().filter(is_stocked).map(of), at);
    for work in &mut works {
        let own = leaving.iter().filter(|node| **node == work.node).count() as u32;
        work.most = work.most.map(|most| most.saturating_add(own));
    }
    works
}

/// Nodes at which these shipments of an order are work of the day on which new work would begin; each as often as there are.
pub fn places_of(network: &Network, order: &Order, numbers: impl Iterator<Item = u16>, at: WallTime) -> Vec<NodeIndex> {
    let of = |number: u16| {
        let node = order.fulfillment(number)?.node;
        let day = network.workloads.day_of(FulfillmentKey { order: order.key, number }, node)?;
        (day_of_work(&network.catalogue, node, at) == Some(day)).then_some(node)
    };
    numbers.filter_map(of).collect()
}

/// The same of units that are given to those who waited for them with a right: they may go to any node.
pub fn works_of_fill(network: &Network, key: OrderKey, allocations: &[Allocation], at: WallTime) -> Vec<Work> {
    if !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    let of = |a: &Allocation| (FulfillmentKey { order: key, number: a.number }, a.node, false);
    works(network, allocations.iter().map(of), at)
}

/// The same of shipments of stock that somebody arranges by hand: the nodes were chosen, whatever they can handle.
pub fn works_by_hand(
    network: &Network,
    shipments: impl Iterator<Item = (FulfillmentKey, NodeIndex)>,
    at: WallTime,
) -> Vec<Work> {
    if !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    works(network, shipments.map(|(shipment, node)| (shipment, node, false)), at)
}

/// The same of what an order takes over from another, with the units that nodes have.
///
/// `lines_before` is how many lines it had.
pub fn works_taken_over(
    network: &Network,
    (key, lines_before): (OrderKey, usize),
    told: &[OrderEvent],
    at: WallTime,
) -> Vec<Work> {
    let over = told.iter().filter_map(|event| match event {
        OrderEvent::Placed { lines, allocations, .. } => Some((lines, allocations)),
        OrderEvent::Merged { merged } => Some((&merged.lines, &merged.allocations)),
        _ => None,
    });
    let is_stocked = |lines: &[PlacedLine], a: &Allocation| {
        a.lines.iter().any(|u| lines[usize::from(u.line) - lines_before].stocked)
    };
    let shipments = over.flat_map(|(lines, allocations)| allocations.iter().filter(|a| is_stocked(lines, a)));
    works_by_hand(network, shipments.map(|a| (FulfillmentKey { order: key, number: a.number }, a.node)), at)
}

/// Shipments by node; each says whether its node's room binds it.
fn works(
    network: &Network,
    shipments: impl Iterator<Item = (FulfillmentKey, NodeIndex, bool)>,
    at: WallTime,
) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for (shipment, node, is_bound) in shipments {
        let Some(capacity) = network.catalogue.node(node).capacity_per_day else { continue };
        let Some(day) = day_of_work(&network.catalogue, node, at) else { continue };
        match works.iter_mut().find(|work| work.node == node && work.most.is_some() == is_bound) {
            Some(work) => work.shipments.push(shipment),
            None => works.push(Work { node, day, most: is_bound.then_some(capacity), shipments: vec![shipment] }),
        }
    }
    works
}

/// How many shipments more a node can handle on the day on which new work would begin; `None` where that is not counted.
pub fn free_on_day(network: &Network, node: NodeIndex, at: WallTime) -> Option<u32> {
    if !network.catalogue.rules().counts_work() {
        return None;
    }
    let capacity = network.catalogue.node(node).capacity_per_day?;
    let day = day_of_work(&network.catalogue, node, at)?;
    Some(capacity.saturating_sub(network.workloads.used(node, day)))
}

/// Whether a node can handle no further shipment on the day on which work would begin, beside `own` of the same order that
/// are not counted yet; below zero it is so many that will count no more.
pub fn is_full(network: &Network, node: NodeIndex, own: i64, at: WallTime) -> bool {
    let Some(capacity) = network.catalogue.node(node).capacity_per_day else { return false };
    let Some(day) = day_of_work(&network.catalogue, node, at) else { return false };
    i64::from(network.workloads.used(node, day)) + own >= i64::from(capacity)
}

/// When work on an order may begin.
pub fn work_at(order: &Order, now: WallTime) -> WallTime {
    order.release_at.map_or(now, |release| release.wall.max(now))
}

/// The day on which work begins at a node: days since 1970.
pub fn day_of_work(catalogue: &Catalogue, node: NodeIndex, at: WallTime) -> Option<i32> {
    let begins = of_node(catalogue, node).origin.begins_on(instant(at))?;
    Some(days_since_1970(begins))
}

fn days_since_1970(day: Date) -> i32 {
    Date::constant(1970, 1, 1).until(day).map_or(0, |span| span.get_days())
}

/// When the day on which work would begin at a node is over.
pub fn end_of_day(catalogue: &Catalogue, node: NodeIndex, at: WallTime) -> Option<Timestamp> {
    let origin = of_node(catalogue, node).origin;
    let next = origin.begins_on(instant(at))?.saturating_add(1.days());
    origin.zone.to_ambiguous_timestamp(next.at(0, 0, 0, 0)).compatible().ok()
}

impl Engine {
    /// What a start knows of the work of nodes: reads files of orders that left memory.
    pub(super) fn know_workloads(&self, network: &Network, known: Vec<(NodeIndex, Workload)>, now: WallTime) {
        // A zone may be a day behind.
        let first = utc_day(now).saturating_sub(1);
        for (node, work) in known {
            let is_work = |day: i32, shipment: FulfillmentKey| {
                // Nobody asks about days that are over, so no file is read for them.
                let order = self.order_in_memory(shipment.order);
                let order = order.or_else(|| (day >= first).then(|| self.order_by_key(shipment.order)).flatten());
                order.is_none_or(|order| order.is_work_of(shipment.number, node))
            };
            network.workloads.know(node, &work, is_work);
        }
    }

    /// Shipments that a node has on a day.
    #[cfg(test)]
    pub(crate) fn work_on(&self, node: &str, day: i32) -> u32 {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        network.workloads.used(network.catalogue.node_index(node).expect("a known node"), day)
    }
}
