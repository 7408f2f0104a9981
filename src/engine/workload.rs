//! What nodes have to do, day by day: counted like stock and taken in the commit that allocates, so that no day is
//! promised to more shipments than its node can handle.
//!
//! Nothing is counted unless an active rule set has the fence `capacity` and the node says how much it can handle. Then
//! every shipment of stock counts that sourcing sends there, whoever ordered it, on the day on which its work begins; who is sourced
//! by rules with the fence finds the node out of reach once the day is used up. A shipment that is refused, cancelled,
//! moved or joined to another gives its place back with the fold of its order.
//!
//! **How.** A number for each node and day, raised by compare-and-swap after everything else of a commit has succeeded and
//! just before it is logged: what is taken is logged, so nothing rolls back but where an order takes from several nodes
//! and finds the second full. Whoever comes too late is routed again and sees the day as full as it is. Waiting orders are
//! tried again when the day is over.
//!
//! What is *not* here: what an edit adds, the calendar of a node (`domain::promise`), capacity by hour or by unit.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use dashmap::DashMap;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use parking_lot::Mutex;

use super::Engine;
use super::network::Network;
use super::routing::{Route, Wanted};
use super::shipping::{instant, of_node};
use super::turn::Turn;
use crate::domain::catalogue::Catalogue;
use crate::domain::decision::{FenceReason, LineUnits};
use crate::domain::event::{Event, WorkloadChanged};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex};
use crate::domain::order::{Allocation, Order, PlacedLine};
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::workload::{Workload, WorkloadEvent};

/// Skus that are tried again in one go; of more the clock sees.
const TRIED_MAX: usize = 1_024;

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
    /// By order what of it counts.
    of: DashMap<OrderKey, Vec<Counted>>,
}

/// Skus of which units wait for a day to be over, the soonest first; each once for an instant, however many wait.
#[derive(Debug, Default)]
pub struct DaysAwaited(Mutex<BTreeSet<(WallTime, SkuIndex)>>);

impl DaysAwaited {
    fn extend(&self, awaited: impl IntoIterator<Item = (WallTime, SkuIndex)>) {
        self.0.lock().extend(awaited);
    }

    /// Takes out what is due, at most so many.
    fn take_due(&self, now: WallTime, most: usize) -> BTreeSet<SkuIndex> {
        let mut awaited = self.0.lock();
        let mut due = BTreeSet::new();
        while due.len() < most
            && let Some((at, sku)) = awaited.first().copied()
            && at <= now
        {
            awaited.pop_first();
            due.insert(sku);
        }
        due
    }

    fn next(&self) -> Option<WallTime> {
        self.0.lock().first().map(|(at, _)| *at)
    }
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

impl Workloads {
    /// Shipments that a node has on a day.
    pub fn used(&self, node: NodeIndex, day: i32) -> u32 {
        self.used.get(&(node, day)).map_or(0, |used| used.load(Acquire))
    }

    /// Takes all of it, or nothing where some day has no room.
    pub fn take(&self, works: &[Work]) -> bool {
        for (at, work) in works.iter().enumerate() {
            if !self.take_one(work) {
                works[..at].iter().for_each(|taken| self.give(taken.node, taken.day, taken.shipments.len() as u32));
                return false;
            }
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

    /// Gives back what of an order is no work any more.
    pub fn look_at(&self, order: &Order) {
        if self.of.is_empty() {
            return;
        }
        let Some(mut counted) = self.of.get_mut(&order.key) else { return };
        counted.retain(|own| {
            let stays = order.is_work_of(own.number, own.node);
            if !stays {
                self.give(own.node, own.day, 1);
            }
            stays
        });
    }

    /// Knows what was entered of a node, the shipments that are no work any more aside.
    pub fn know(&self, node: NodeIndex, work: &Workload, is_work: impl Fn(FulfillmentKey) -> bool) {
        for (day, shipments) in &work.days {
            for shipment in shipments.iter().filter(|shipment| is_work(**shipment)) {
                self.take(&[Work { node, day: *day, most: None, shipments: vec![*shipment] }]);
            }
        }
    }
}

impl Work {
    /// That it is taken.
    pub fn event(&self) -> Event {
        let event = WorkloadEvent::Taken { day: self.day, shipments: self.shipments.clone() };
        Event::WorkloadChanged(Box::new(WorkloadChanged { node: self.node, event }))
    }
}

/// What the shipments of a route add to the work of their nodes; nothing where nobody minds.
pub fn works_of(network: &Network, wanted: &Wanted<'_>, (key, first): (OrderKey, u16), route: &Route) -> Vec<Work> {
    if !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    let is_stocked = |lines: &[LineUnits]| lines.iter().any(|u| wanted.lines[usize::from(u.line)].stocked);
    let shipments = (first..).zip(&route.shipments).filter(|(_, shipment)| is_stocked(&shipment.assignment.lines));
    let shipments =
        shipments.map(|(number, shipment)| (FulfillmentKey { order: key, number }, shipment.assignment.node));
    works(network, shipments, wanted.rules.minds_capacity(), wanted.at)
}

/// The same of units that are given to those who waited for them with a right: they may go to any node.
pub fn works_of_fill(network: &Network, key: OrderKey, allocations: &[Allocation], at: WallTime) -> Vec<Work> {
    if !network.catalogue.rules().counts_work() {
        return Vec::new();
    }
    let of = |a: &Allocation| (FulfillmentKey { order: key, number: a.number }, a.node);
    works(network, allocations.iter().map(of), false, at)
}

fn works(
    network: &Network,
    shipments: impl Iterator<Item = (FulfillmentKey, NodeIndex)>,
    is_bound: bool,
    at: WallTime,
) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for (shipment, node) in shipments {
        let Some(capacity) = network.catalogue.node(node).capacity_per_day else { continue };
        let Some(day) = day_of_work(&network.catalogue, node, at) else { continue };
        match works.iter_mut().find(|work| work.node == node) {
            Some(work) => work.shipments.push(shipment),
            None => works.push(Work { node, day, most: is_bound.then_some(capacity), shipments: vec![shipment] }),
        }
    }
    works
}

/// Whether a node can handle no further shipment on the day on which work would begin, `own` of the same order aside.
pub fn is_full(network: &Network, node: NodeIndex, own: u32, at: WallTime) -> bool {
    let Some(capacity) = network.catalogue.node(node).capacity_per_day else { return false };
    let Some(day) = day_of_work(&network.catalogue, node, at) else { return false };
    network.workloads.used(node, day).saturating_add(own) >= capacity
}

/// The day on which work begins at a node: days since 1970.
fn day_of_work(catalogue: &Catalogue, node: NodeIndex, at: WallTime) -> Option<i32> {
    let begins = of_node(catalogue, node).origin.begins_on(instant(at))?;
    Some(days_since_1970(begins))
}

fn days_since_1970(day: Date) -> i32 {
    Date::constant(1970, 1, 1).until(day).map_or(0, |span| span.get_days())
}

/// When the day on which work would begin at a node is over.
fn end_of_day(catalogue: &Catalogue, node: NodeIndex, at: WallTime) -> Option<Timestamp> {
    let origin = of_node(catalogue, node).origin;
    let next = origin.begins_on(instant(at))?.saturating_add(1.days());
    origin.zone.to_ambiguous_timestamp(next.at(0, 0, 0, 0)).compatible().ok()
}

impl Engine {
    /// Remembers that units wait for another day, if they do: they are tried again when the soonest of those days that
    /// are full is over.
    pub(super) fn await_day(&self, turn: &Turn<'_>, network: &Network, lines: &[PlacedLine], route: &Route) {
        let fenced = &route.decision.evidence.fenced;
        let full = fenced.iter().filter(|(_, reason)| *reason == FenceReason::AtCapacity).map(|(node, _)| *node);
        if route.unfilled.is_empty() {
            return;
        }
        let now = turn.clocks();
        let ends = full.filter_map(|node| end_of_day(&network.catalogue, node, now.wall));
        let Some(end) = ends.min() else { return };
        let at = WallTime(end.as_millisecond());
        let skus: BTreeSet<SkuIndex> =
            route.unfilled.iter().flat_map(|u| lines[usize::from(u.line)].stock(1)).map(|(sku, _)| sku).collect();
        self.days_awaited.extend(skus.into_iter().map(|sku| (at, sku)));
    }

    /// Tries again what waited for a day to be over; answers when the clock should come again.
    pub(super) fn days_come(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.clocks();
        let due = self.days_awaited.take_due(now.wall, TRIED_MAX);
        if !due.is_empty() {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.follow_up(turn, &network, due);
        }
        let next = self.days_awaited.next()?;
        Some(JournalTime(now.journal.0.saturating_add((next.0 - now.wall.0).max(0))))
    }

    /// What a start knows of the work of nodes.
    pub(super) fn know_workloads(&self, known: Vec<(NodeIndex, Workload)>) {
        let network = self.network.read().expect("nobody else knows the engine yet");
        for (node, work) in known {
            let is_work = |shipment: FulfillmentKey| {
                // Who left memory went through the node.
                self.order_in_memory(shipment.order).is_none_or(|order| order.is_work_of(shipment.number, node))
            };
            network.workloads.know(node, &work, is_work);
        }
    }

    /// A start tries what may wait for another day when the clock first comes.
    pub(super) fn watch_days(&self, order: &Order) {
        let Some(decision) = order.decision.as_deref() else { return };
        if decision.evidence.fenced.iter().any(|(_, reason)| *reason == FenceReason::AtCapacity) {
            let waits = order.lines.iter().filter(|line| line.waiting() > 0);
            let skus = waits.flat_map(|line| line.placed.stock(1)).map(|(sku, _)| (WallTime(0), sku));
            self.days_awaited.extend(skus);
        }
    }
}
