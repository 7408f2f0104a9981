//! Laws of the work of nodes, from the records alone: what is entered of each day and still is work is what memory counts,
//! before a restart as after it; every shipment that counts is entered with the record that makes it; nobody who minds is
//! promised a day that is used up; and nobody waits beside units of a node with room.
//!
//! The last is asked where every rule set of a world bounds nothing but what nodes can handle: elsewhere others may keep
//! units from who waits. What is *not* here: days that are over, which memory may have forgotten.

use std::collections::BTreeMap;

use super::{Judge, Lawful, law};
use crate::domain::decision::Decision;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::evidence::Ruled;
use crate::domain::fulfillment::FulfillmentStep;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::order::{Allocation, Order, OrderEvent};
use crate::domain::record::Record;
use crate::domain::rules::{Fence, RuleTerms};
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;
use crate::domain::workload::{WorkloadEvent, oldest_kept, utc_day};
use crate::engine::Engine;

/// What nodes have to do, by the records.
#[derive(Debug, Default)]
pub(super) struct Works {
    /// Number, node and day of each order's shipments that are work.
    of: BTreeMap<OrderKey, Vec<(u16, NodeIndex, i32)>>,
    /// How many that are, by node and day.
    counts: BTreeMap<(NodeIndex, i32), u32>,
    /// Days before this one are not looked at.
    since: i32,
    /// What the wall clock shows, and the latest it has shown since the start.
    wall: WallTime,
    latest: WallTime,
    has_begun: bool,
}

impl Works {
    fn add(&mut self, FulfillmentKey { order, number }: FulfillmentKey, node: NodeIndex, day: i32) {
        self.of.entry(order).or_default().push((number, node, day));
        *self.counts.entry((node, day)).or_default() += 1;
    }

    /// Leaves of an order what is work still.
    fn keep(&mut self, order: OrderKey, is_work: impl Fn(u16, NodeIndex) -> bool) {
        let Some(own) = self.of.get_mut(&order) else { return };
        own.retain(|(number, node, day)| {
            let stays = is_work(*number, *node);
            if !stays {
                *self.counts.get_mut(&(*node, *day)).expect("it was counted") -= 1;
            }
            stays
        });
    }

    fn has(&self, order: OrderKey, number: u16, node: NodeIndex) -> bool {
        self.of.get(&order).is_some_and(|own| own.iter().any(|known| (known.0, known.1) == (number, node)))
    }

    fn count(&self, node: NodeIndex, day: i32) -> u32 {
        self.counts.get(&(node, day)).copied().unwrap_or(0)
    }
}

impl Judge {
    /// What the wall clock shows now.
    pub fn wall_shows(&mut self, wall: WallTime) {
        let works = &mut self.works;
        // A start does not read files for days that are over.
        let since = if works.has_begun { oldest_kept(wall) } else { utc_day(wall) - 1 };
        works.latest = if works.has_begun { works.latest.max(wall) } else { wall };
        (works.since, works.wall, works.has_begun) = (works.since.max(since), wall, true);
    }

    /// What the wall clock showed last.
    pub(super) fn wall(&self) -> WallTime {
        self.works.wall
    }

    /// Reads the work anew off what is left after a start.
    pub(super) fn read_works(&mut self) {
        let before = std::mem::take(&mut self.works);
        self.works = Works { since: before.since, wall: before.wall, ..Works::default() };
        let entered = self.appended.iter().filter_map(|(key, entity)| match (key, entity) {
            (EntityKey::Workload(node), Entity::Workload(work)) => Some((node, work)),
            _ => None,
        });
        let mut left = Vec::new();
        for (node, work) in entered {
            for (day, shipments) in &work.days {
                let is_work = |own: &&FulfillmentKey| match self.order(own.order) {
                    Some(order) => order.is_work_of(own.number, node),
                    None => before.has(own.order, own.number, node),
                };
                left.extend(shipments.iter().filter(is_work).map(|own| (*own, node, *day)));
            }
        }
        left.into_iter().for_each(|(own, node, day)| self.works.add(own, node, day));
    }

    fn order(&self, key: OrderKey) -> Option<&Order> {
        match self.appended.entity(&EntityKey::Order(key)) {
            Some(Entity::Order(order)) => Some(order),
            _ => None,
        }
    }

    fn capacity(&self, node: NodeIndex) -> Option<u32> {
        match self.appended.entity(&EntityKey::Node(node)) {
            Some(Entity::Node(node)) => node.capacity_per_day,
            _ => None,
        }
    }

    /// Whether every version that made a decision minds what nodes can handle.
    fn all_mind(&self, made: &Decision) -> bool {
        let of_groups = |ruled: &Ruled| self.minds(&ruled.rule_set, ruled.version);
        self.minds(&made.rule_set, made.rule_set_version) && made.evidence.ruled.iter().all(of_groups)
    }

    /// Whether a version was put that minds what nodes can handle.
    fn minds(&self, name: &Text, version: u32) -> bool {
        match self.appended.entity(&EntityKey::RuleVersions(name.clone())) {
            Some(Entity::RuleVersions(known)) => known.terms(version).is_some_and(|terms| minds(terms)),
            _ => false,
        }
    }

    /// The active version of each name of which one was put; none where it is that of the founding.
    fn active_terms(&self) -> impl Iterator<Item = Option<&RuleTerms>> {
        self.appended.rule_versions().map(|(_, known)| known.terms(known.active?).map(|terms| &**terms))
    }

    /// A record enters what it makes work of, and promises no more than there is room for.
    pub(super) fn works_kept(&mut self, record: &Record) -> Lawful {
        let is_optimised = record.events.iter().any(|event| matches!(event, Event::OptimisationApplied(_)));
        let had = if is_optimised { self.works.counts.clone() } else { BTreeMap::new() };
        let mut taken = Vec::new();
        for event in &record.events {
            let Event::WorkloadChanged(changed) = event else { continue };
            match &changed.event {
                WorkloadEvent::Taken { day, shipments } => {
                    shipments.iter().for_each(|own| self.works.add(*own, changed.node, *day));
                    taken.push((changed.node, *day));
                }
                WorkloadEvent::Given { shipments, .. } => {
                    for own in shipments {
                        let is_other = |number, node| (number, node) != (own.number, changed.node);
                        self.works.keep(own.order, is_other);
                    }
                }
            }
        }
        if self.appended.rule_versions().next().is_none() {
            return Ok(());
        }
        for event in &record.events {
            let Event::OrderChanged(changed) = event else { continue };
            let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(changed.key)) else { continue };
            self.works.keep(changed.key, |number, node| order.is_work_of(number, node));
            self.entered(changed.key, &changed.event)?;
        }
        for day in taken.iter().filter(|_| is_optimised) {
            let (count, most) = (self.works.count(day.0, day.1), self.capacity(day.0));
            let most = most.map(|most| most.max(had.get(day).copied().unwrap_or(0)));
            law!(most.is_none_or(|most| count <= most), "{day:?} has {count}, of {most:?} at most: {record:?}");
        }
        if self.is_promise(record) {
            for (node, day) in taken {
                let (count, most) = (self.works.count(node, day), self.capacity(node));
                law!(
                    most.is_none_or(|most| count <= most),
                    "{node:?} has {count} of {most:?} on day {day}: {record:?}"
                );
            }
        }
        Ok(())
    }

    /// What an event makes work of a node is entered, where work is counted.
    fn entered(&self, key: OrderKey, event: &OrderEvent) -> Lawful {
        if !self.active_terms().flatten().any(minds) {
            return Ok(());
        }
        let Some(order) = self.order(key) else { return Ok(()) };
        for number in made(event) {
            let Some(own) = order.fulfillment(number).filter(|own| order.is_work_of(number, own.node)) else {
                continue;
            };
            let is_stocked = own.lines.iter().any(|line| order.lines[usize::from(line.line)].placed.stocked);
            let counts = is_stocked && self.capacity(own.node).is_some();
            let has = self.works.has(key, number, own.node);
            law!(!counts || has, "{key}-{number} is no work of {:?}: {event:?}", own.node);
        }
        Ok(())
    }

    /// Whether all shipments that a record makes were sourced by rules that mind what nodes can handle.
    fn is_promise(&self, record: &Record) -> bool {
        let is_promised = |event: &Event| {
            let Event::OrderChanged(changed) = event else { return true };
            match &changed.event {
                OrderEvent::Placed { decision: Some(made), .. } | OrderEvent::Sourced { decision: Some(made), .. } => {
                    self.all_mind(made)
                }
                // By the version of now, unless the order keeps to one without fences.
                OrderEvent::Filled { .. } | OrderEvent::Edited { .. } => {
                    let made = self.order(changed.key).and_then(|order| order.decision.as_deref());
                    let minded = made.is_some_and(|made| self.all_mind(made));
                    minded && self.active_terms().all(|terms| terms.is_some_and(minds))
                }
                other => made(other).is_empty(),
            }
        };
        record.events.iter().all(is_promised)
    }

    /// Memory counts what the records say.
    pub(super) fn works_counted(&self, engine: &Engine) -> Lawful {
        for ((node, day), count) in self.works.counts.iter().filter(|((_, day), _)| *day >= self.works.since) {
            let id = engine.catalogue(|catalogue| catalogue.node(*node).id.clone());
            let there = engine.work_on(&id, *day);
            law!(there == *count, "{id} has {there} shipments on day {day} in memory, {count} by the records");
        }
        Ok(())
    }

    /// After a tick nobody waits beside units of a node that has room on his day.
    pub(super) fn room_is_used(&self) -> Lawful {
        let limits = |terms: &RuleTerms| terms.is_plain() && terms.fences.iter().all(|fence| *fence == Fence::Capacity);
        let mut all = self.appended.rule_versions().flat_map(|(_, known)| &known.versions);
        // A wall clock that went back shows a day for which nobody waits.
        let is_asked = all.all(|terms| limits(terms)) && self.works.wall >= self.works.latest;
        if !is_asked || self.channels().next().is_some() {
            return Ok(());
        }
        for order in self.waiting.iter().filter_map(|key| self.order(*key)) {
            let made = order.decision.as_deref();
            let minded = made.is_some_and(|made| self.all_mind(made));
            let is_tried = minded && order.deferral.is_none() && !order.awaits_customer && !order.is_spent();
            if !is_tried || !order.fenced.is_empty() {
                continue;
            }
            let at = order.release_at.map_or(self.works.wall, |release| release.wall.max(self.works.wall));
            for line in order.lines.iter().filter(|line| line.backordered > 0 && line.preordered == 0) {
                let placed = &line.placed;
                let is_plain = placed.stocked && placed.components.is_empty();
                // Who comes to a node, or is brought it from one, is supplied by nobody else.
                let only = order.collected_at(placed.group);
                let room = is_plain.then(|| self.room_for(placed.sku, utc_day(at), only)).flatten();
                law!(room.is_none(), "{} of {} waits, and {room:?} has both units and room", placed.id, order.key);
            }
        }
        Ok(())
    }

    fn room_for(&self, sku: SkuIndex, day: i32, only: Option<NodeIndex>) -> Option<NodeIndex> {
        let has_units = |node: NodeIndex| self.appended.level(CellKey { sku, node }).available > 0;
        let has_room = |node: NodeIndex| self.capacity(node).is_none_or(|most| self.works.count(node, day) < most);
        let mut asked = self.supplying.iter().copied().filter(|node| only.is_none_or(|only| only == *node));
        asked.find(|node| has_units(*node) && has_room(*node))
    }
}

fn minds(terms: &RuleTerms) -> bool {
    terms.fences.contains(&Fence::Capacity)
}

/// Numbers of the shipments that an event makes, or makes work of another node.
fn made(event: &OrderEvent) -> Vec<u16> {
    let all = |allocations: &[Allocation]| allocations.iter().map(|made| made.number).collect();
    match event {
        OrderEvent::Placed { allocations, .. }
        | OrderEvent::Sourced { allocations, .. }
        | OrderEvent::Filled { allocations }
        | OrderEvent::Edited { allocations, .. } => all(allocations),
        OrderEvent::Merged { merged } => all(&merged.allocations),
        OrderEvent::Fulfillment { number, step: FulfillmentStep::Moved { .. } } => vec![*number],
        OrderEvent::Fulfillment { step: FulfillmentStep::Split { into, .. }, .. } => vec![*into],
        _ => Vec::new(),
    }
}
