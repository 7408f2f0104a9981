//! What follows a give: the queue's pool goes to the orders that wait, and those that may not have units of any node are
//! tried in their turn. Every step is a transaction of its own, made at once in the same call with no other entity held.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::Engine;
use super::allocate::{Decided, Order as Allocating, Stop};
use super::arriving::delivery_promised_of_waiting;
use super::change::{Change, Place};
use super::ledger::Waiting;
use super::loose::Loose;
use super::network::Network;
use super::order_rules::{rules_of, rules_to_fill};
use super::place::preordered;
use super::readiness::promised_of_waiting;
use super::routing::{Asked, Wanted, shipment_cost};
use super::table::Locked;
use super::turn::{Turn, order_event, order_events};
use super::withdrawal::{Patience, Withdrawal};
use super::workload::{Work, work_at, works_of_fill};
use crate::domain::decision::LineUnits;
use crate::domain::event::{Answer, Event};
use crate::domain::exception::ExceptionKind;
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::{Allocation, Order, OrderEvent, OrderType, PlacedLine};
use crate::domain::policy::{FillPolicy, Standing};
use crate::domain::rejection::Rejection;
use crate::domain::rules::groups::is_same;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::supply::after;
use crate::sabotage::{Bug, planted};

/// How often a demand is halved because its record is too large: down to one unit of one line.
pub(super) const HALVINGS_MAX: u32 = 41;
/// Most cells whose pool goes to a line in one record; what is left follows in further ones.
const DRAINED_CELLS_MAX: usize = 500;

impl Engine {
    /// Serves the queues of skus that got units. The caller holds no entity and no ledger.
    pub(super) fn follow_up(&self, turn: &Turn<'_>, network: &Network, touched: BTreeSet<SkuIndex>) {
        let mut todo = if planted(Bug::LostFollowUp) { BTreeSet::new() } else { touched };
        loop {
            while !todo.is_empty() {
                let skus = std::mem::take(&mut todo);
                todo = self.serve(turn, network, &skus, &|| true);
                for sku in self.with_parts(network, skus) {
                    self.keep_purchases(turn, network, sku);
                }
            }
            let Some(room) = self.room_came(network) else { return };
            todo = self.fill_room(turn, network, &room);
        }
    }

    /// Serves all who wait for any of these skus, in the one order that the fill policy gives them: who has a right gets of
    /// the pool, who has none is tried with what the pool has by then. What nobody can use becomes free. Ends early where
    /// `goes_on` says so. Answers other skus whose queues have something to do.
    pub(super) fn serve(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        skus: &BTreeSet<SkuIndex>,
        goes_on: &dyn Fn() -> bool,
    ) -> BTreeSet<SkuIndex> {
        let next_of = |sku: SkuIndex, from| {
            let (rank, waiting) = network.sku(sku).ledger.lock().next(from, || has_units(network, sku))?;
            Some((rank, waiting, sku))
        };
        let mut next: BTreeSet<_> = skus.iter().filter_map(|sku| next_of(*sku, Bound::Unbounded)).collect();
        let (mut more, mut tried) = (BTreeSet::new(), None);
        while let Some((rank, waiting, sku)) = next.pop_first()
            && goes_on()
        {
            let place = (rank, waiting);
            let by_right = network.sku(sku).ledger.lock().queue().contains_key(&waiting);
            let drained = if by_right { self.drain_to(turn, network, sku, waiting) } else { None };
            // A kit stands in the queues of several skus.
            if !by_right && tried != Some(place) {
                tried = Some(place);
                more.extend(self.refill(turn, network, waiting, skus));
            }
            let from = if drained.is_some() { Bound::Included(place) } else { Bound::Excluded(place) };
            more.extend(drained.into_iter().flatten());
            next.extend(next_of(sku, from));
        }
        // What is left of a pool when it ended early is of whoever brought it.
        let mut freed = BTreeSet::new();
        for sku in skus.iter().filter(|_| goes_on()) {
            while let Some(touched) = self.free_pool(turn, network, *sku) {
                more.extend(touched);
                freed.insert(*sku);
            }
        }
        more.retain(|sku| !skus.contains(sku));
        // Units of a pool that lie where he may not have them let a buyer have others beside what channels keep, once they are
        // free.
        more.extend(freed.into_iter().filter(|sku| network.limits.of(*sku).is_some()));
        more
    }

    fn drain_to(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        sku: SkuIndex,
        (key, line): Waiting,
    ) -> Option<BTreeSet<SkuIndex>> {
        let mut slot = self.orders.lock(key)?;
        let now = turn.now();
        let mut change = Change::lock(network, &BTreeSet::from([sku]));
        let ledger = change.ledger(sku);
        let Some(wanted) = ledger.queue().get(&(key, line)).copied() else { return Some(BTreeSet::new()) };
        let order = slot.as_ref().expect("a locked entity is there");
        if order.is_spent() {
            // It lets others pass from now on; a start reads the same off the order, so nothing is logged.
            ledger.leave(&(key, line));
            ledger.wait_loosely((key, line), Loose::default(), 0);
            return Some(BTreeSet::new());
        }
        let standing = Standing::of(network.catalogue.policies().fill(), order);
        let all_wait = || ledger.wanted() + ledger.wanted_loosely();
        let at_once = standing.policy.portion(ledger.pooled(), wanted, all_wait);
        let mut cells: Vec<_> = network.sku(sku).cells.iter().map(|cell| (cell.node, cell.position)).collect();
        let preferred = order.preferred_node();
        cells.sort_by_key(|(node, _)| preferred != Some(*node));
        let (mut left, mut allocations) = (at_once, Vec::new());
        let mut drained = Vec::new();
        let rules = rules_of(network, order, turn.log.now().wall);
        for (node, position) in cells {
            let units = change.ledger(sku).at(position).pool.min(left);
            if units > 0 && drained.len() < DRAINED_CELLS_MAX {
                left -= units;
                drained.push((CellKey { sku, node }, units));
                let lines = vec![LineUnits { line, quantity: units }];
                let group = order.lines[usize::from(line)].placed.group;
                let cost = shipment_cost(network, rules.of(group), order, node, &lines);
                let number = order.next_number() + allocations.len() as u16;
                allocations.push(Allocation { number, node, group, lines, cost });
            }
        }
        if allocations.is_empty() {
            return None;
        }
        let left = wanted - (at_once - left);
        change.place(sku, (key, line), if left == 0 { Place::Gone } else { Place::Queued(left) });
        let own = &order.lines[usize::from(line)];
        change.rank(sku, (key, line), standing.rank(&own.placed, own.cancelled, left));
        for (cell, units) in drained {
            let n = units as i32;
            let delta = LevelDelta { pool: -n, reserved: -n, committed: n, ..LevelDelta::default() };
            change.shift(cell, MovementKind::Drained, delta);
        }
        let works = works_of_fill(network, key, &allocations, work_at(order, turn.log.now().wall));
        let by_suppliers = dropship(network, order, &allocations, turn);
        let promised = promised_of_waiting(network, order, &allocations, turn.log.now().wall);
        let dated = delivery_promised_of_waiting(network, order, &allocations, turn.log.now().wall);
        let filled = std::iter::once(OrderEvent::Filled { allocations });
        let told = filled.chain(by_suppliers).chain(promised).chain(dated).collect();
        let mut events: Vec<Event> = order_events(order, told).collect();
        events.extend(change.events());
        events.extend(works.iter().map(Work::event));
        let sealed = turn.seal(now, network.catalogue.seq, events, None).ok()?;
        network.workloads.take(&works);
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_order(&mut slot);
        self.watch_new_windows(network, &slot);
        Some(logged.done())
    }

    /// Nobody waits with a right but the queue still owns units: they become free. `None` when there are none.
    fn free_pool(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> Option<BTreeSet<SkuIndex>> {
        let mut change = Change::lock(network, &BTreeSet::from([sku]));
        if !change.ledger(sku).queue().is_empty() || change.ledger(sku).pooled() == 0 {
            return None;
        }
        let pools: Vec<_> = network
            .sku(sku)
            .cells
            .iter()
            .map(|cell| (CellKey { sku, node: cell.node }, change.ledger(sku).at(cell.position).pool))
            .filter(|(_, pool)| *pool > 0)
            .take(DRAINED_CELLS_MAX)
            .collect();
        if pools.is_empty() {
            return None;
        }
        for (cell, pool) in pools {
            change.free(cell, pool, MovementKind::Released, |delta, n| {
                delta.pool -= n;
                delta.reserved -= n;
            });
        }
        let events: Vec<Event> = change.events().collect();
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None).ok()?;
        Some(turn.log(self, sealed, change, Withdrawal::nothing()).done())
    }

    /// Tries a line that waits without a right, with what is free and what the pools of the skus being served have. Stock
    /// that is contended too long is left to the clock.
    pub(super) fn refill(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (key, line): Waiting,
        served: &BTreeSet<SkuIndex>,
    ) -> BTreeSet<SkuIndex> {
        let mut patience = Patience::default();
        let (mut halvings, mut all) = (0, BTreeSet::new());
        loop {
            match self.try_refill(turn, network, (key, line), served, halvings, &mut patience) {
                Ok(Refilled { touched, again }) => {
                    all.extend(touched);
                    if !again {
                        return all;
                    }
                }
                Err(Stop::Again) => {}
                Err(Stop::Rejected(Rejection::TooLarge(_))) if halvings < HALVINGS_MAX => halvings += 1,
                Err(Stop::Rejected(Rejection::Contended)) => {
                    self.left_over.push(key);
                    return all;
                }
                Err(Stop::NeedLedgers(_) | Stop::Rejected(_)) => return all,
            }
        }
    }

    fn try_refill(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (key, line): Waiting,
        served: &BTreeSet<SkuIndex>,
        halvings: u32,
        patience: &mut Patience,
    ) -> Result<Refilled, Stop> {
        let Some(mut slot) = self.orders.lock(key) else { return Ok(Refilled::default()) };
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let waiting = order.lines[usize::from(line)].waiting();
        if waiting == 0 || order.is_spent() || order.is_asked_for(order.lines[usize::from(line)].placed.group) {
            return Ok(Refilled::default());
        }
        let standing = Standing::of(network.catalogue.policies().fill(), order);
        let rules = rules_to_fill(network, order, turn.log.now().wall);
        let asked = Asked::of(network, order, &rules, turn.clocks());
        let lines = &asked.lines;
        let own_rules = rules.of(lines[usize::from(line)].group);
        let joint = own_rules.weights.as_ref().is_some_and(|weights| weights.is_joint());
        if joint && halvings > 0 {
            // What ships together is tried together, or not at all.
            return Ok(Refilled::default());
        }
        let (units, own) = if joint {
            let mut units = all_waiting(order);
            units.retain(|u| !order.is_asked_for(lines[usize::from(u.line)].group));
            units.retain(|u| is_same(rules.of(lines[usize::from(u.line)].group), own_rules));
            let own = units.iter().flat_map(|u| pools(network, &lines[usize::from(u.line)], served)).collect();
            (units, own)
        } else {
            let own = pools(network, &lines[usize::from(line)], served);
            let at_once = share(network, standing.policy, &lines[usize::from(line)], &own, waiting);
            (portion(vec![LineUnits { line, quantity: at_once }], halvings), own)
        };
        let held = own.keys().map(|cell| cell.sku).collect();
        let allocating = Allocating {
            key,
            next_number: order.next_number(),
            waiting: &[],
            cancelled: &[],
            wanted: Wanted { own: &own, ..asked.wanted(&units) },
            places: &[],
            parcels: &[],
            seeks_locker: Some(&**order).filter(|order| order.seeks_locker()),
            claimed: None,
            fills: true,
            standing,
            raises: None,
        };
        let record =
            |decided: Decided| vec![order_event(order, OrderEvent::Filled { allocations: decided.allocations })];
        let logged = self.attempt(turn, network, &allocating, &held, now, patience, record, None)?;
        let Some(logged) = logged else { return Ok(Refilled::default()) };
        logged.fold_order(&mut slot);
        self.watch_new_windows(network, &slot);
        let touched = logged.done();
        let left = slot.as_ref().map_or(0, |order| {
            units.iter().for_each(|u| still_wants(network, order, u.line, standing));
            order.lines[usize::from(line)].waiting()
        });
        // Where only a portion was asked for the rest is tried at once.
        Ok(Refilled { touched, again: left > 0 && halvings > 0 })
    }

    /// Sources the units of an order that nobody has been found for, in as many records as it takes; they wait when
    /// nobody is found. The caller holds nothing. What cannot be sourced now stays unallocated: the clock looks again
    /// when stock was contended.
    pub(super) fn resource(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let mut held = BTreeSet::new();
        let mut patience = Patience::default();
        let mut halvings = 0;
        loop {
            match self.try_resource(turn, network, key, halvings, &held, &mut patience) {
                Ok(None) => return,
                Ok(Some(touched)) => {
                    held = BTreeSet::new();
                    self.follow_up(turn, network, touched);
                }
                // More than one record holds: less at a time.
                Err(Stop::Rejected(Rejection::TooLarge(_))) if halvings < HALVINGS_MAX => halvings += 1,
                Err(Stop::Again) => {}
                Err(Stop::NeedLedgers(skus)) => {
                    let expired = self.expire_in(turn, network, &skus);
                    held = if expired { BTreeSet::new() } else { skus };
                }
                Err(Stop::Rejected(Rejection::Contended)) => return self.left_over.push(key),
                Err(Stop::Rejected(_)) => return,
            }
        }
    }

    /// Looks again for units of orders that were left over, each once. The caller holds nothing.
    pub(super) fn look_again(&self, turn: &Turn<'_>) {
        self.lockers_freed().into_iter().for_each(|key| self.left_over.push(key));
        for _ in 0..self.left_over.len() {
            let Some(key) = self.left_over.pop() else { return };
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.resource(turn, &network, key);
            self.try_waiting(turn, &network, key);
        }
    }

    /// Tries the lines of an order that wait without a right, with what is free: it was changed, so less of it may not be too
    /// dear, or its customer was asked and that is his answer. The caller holds nothing.
    pub(super) fn try_waiting(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let lines = match self.orders.lock(key).as_deref() {
            Some(Some(order)) => order.lines.iter().map(|line| line.placed.clone()).collect(),
            _ => Vec::new(),
        };
        for (line, placed) in (0..).zip(&lines) {
            let waits_loose =
                |(sku, _): &(SkuIndex, u32)| network.sku(*sku).ledger.lock().loose().contains_key(&(key, line));
            if placed.stock(1).first().is_some_and(waits_loose) {
                let touched = self.refill(turn, network, (key, line), &BTreeSet::new());
                self.follow_up(turn, network, touched);
            }
        }
    }

    fn try_resource(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: OrderKey,
        halvings: u32,
        held: &BTreeSet<SkuIndex>,
        patience: &mut Patience,
    ) -> Result<Option<BTreeSet<SkuIndex>>, Stop> {
        let Some(mut slot) = self.orders.lock(key) else { return Ok(None) };
        let order = slot.as_ref().expect("a locked entity is there");
        let units = if order.deferral.is_some() { Vec::new() } else { unallocated(order) };
        let units = portion(for_lockers_first(order, units), halvings);
        if units.is_empty() || order.awaits_customer {
            return Ok(None);
        }
        self.source(turn, network, &mut slot, &units, held, patience, None).map(Some)
    }

    /// Sources units of a locked order that nobody has been found for, in one record; what is not found waits.
    #[allow(clippy::too_many_arguments, reason = "the parts of one transaction")]
    pub(super) fn source(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        units: &[LineUnits],
        held: &BTreeSet<SkuIndex>,
        patience: &mut Patience,
        answer: Option<Answer>,
    ) -> Result<BTreeSet<SkuIndex>, Stop> {
        let now = turn.log.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let key = order.key;
        let waiting: Vec<u32> = order.lines.iter().map(|l| l.waiting()).collect();
        let cancelled: Vec<u32> = order.lines.iter().map(|l| l.cancelled).collect();
        let rules = rules_of(network, order, now.wall);
        let asked = Asked::of(network, order, &rules, turn.clocks());
        let allocating = Allocating {
            key,
            next_number: order.next_number(),
            waiting: &waiting,
            cancelled: &cancelled,
            wanted: asked.wanted(units),
            places: &[],
            parcels: &[],
            seeks_locker: Some(&**order).filter(|order| order.seeks_locker()),
            claimed: None,
            fills: false,
            standing: Standing::of(network.catalogue.policies().fill(), order),
            raises: match order.fulfillment_orders.is_empty() {
                true => (order.facts.kind == OrderType::Standard).then_some(ExceptionKind::StockOut),
                false => Some(ExceptionKind::Unroutable),
            },
        };
        let record = |decided: Decided| {
            let Decided { allocations, backordered, decision } = decided;
            let preordered = preordered(&network.catalogue, order.facts.kind, &asked.lines, &backordered, now.wall);
            let sourced = OrderEvent::Sourced { allocations, backordered, decision: Some(Box::new(decision)) };
            let told = std::iter::once(sourced).chain(preordered).collect();
            order_events(order, told).collect()
        };
        let logged = self.attempt(turn, network, &allocating, held, now.journal, patience, record, answer)?;
        let logged = logged.expect("only an attempt that fills can find nothing");
        logged.fold_order(slot);
        self.watch_new_windows(network, slot);
        Ok(logged.done())
    }
}

/// What of these allocations suppliers ship themselves, and by when.
fn dropship(network: &Network, order: &Order, allocations: &[Allocation], turn: &Turn<'_>) -> Vec<OrderEvent> {
    let policies = network.catalogue.policies();
    if !policies.has_supply() {
        return Vec::new();
    }
    let now = turn.log.now().wall;
    let of = |allocation: &Allocation| {
        let skus = allocation.lines.iter().flat_map(|units| order.stock_of(*units));
        let lead_s = skus.filter_map(|(sku, _)| policies.dropship_lead_s(sku, allocation.node)).max()?;
        Some(OrderEvent::Dropshipped { number: allocation.number, ready_at: after(now, lead_s) })
    };
    allocations.iter().filter_map(of).collect()
}

/// So much of a demand that its record may fit: half as many lines each time, and of a single line half as many units.
pub(super) fn portion(mut units: Vec<LineUnits>, halvings: u32) -> Vec<LineUnits> {
    for _ in 0..halvings {
        match units.as_mut_slice() {
            [] => {}
            [one] => one.quantity = (one.quantity / 2).max(1),
            many => {
                let half = many.len() / 2;
                units.truncate(half);
            }
        }
    }
    units
}

/// Whether a node that supplies has units of a sku, or would have if all in flight rolled back.
fn has_units(network: &Network, sku: SkuIndex) -> bool {
    network.sku(sku).cells.iter().any(|cell| cell.word.free_or_flying() > 0 && network.supplies(cell.node))
}

fn all_waiting(order: &Order) -> Vec<LineUnits> {
    let lines = (0..).zip(&order.lines).filter(|(_, line)| line.waiting() > 0);
    lines.map(|(line, l)| LineUnits { line, quantity: l.waiting() }).collect()
}

pub(super) fn unallocated(order: &Order) -> Vec<LineUnits> {
    let lines = (0..).zip(&order.lines).filter(|(_, line)| line.unallocated > 0);
    lines.map(|(line, l)| LineUnits { line, quantity: l.unallocated }).collect()
}

/// What seeks compartments alone, where some of an order does: a node that has none may still do the rest.
fn for_lockers_first(order: &Order, units: Vec<LineUnits>) -> Vec<LineUnits> {
    let seeks = |u: &&LineUnits| order.seeks_locker_for(order.lines[usize::from(u.line)].placed.group);
    let first: Vec<LineUnits> = units.iter().filter(seeks).copied().collect();
    if first.is_empty() { units } else { first }
}

/// What trying a line came to.
#[derive(Default)]
struct Refilled {
    /// Skus whose queues have something to do.
    touched: BTreeSet<SkuIndex>,
    /// Whether there is more to be tried.
    again: bool,
}

/// What the pools have of what a line wants, among skus that are being served: all who come before it have had theirs.
fn pools(network: &Network, line: &PlacedLine, served: &BTreeSet<SkuIndex>) -> BTreeMap<CellKey, u32> {
    let mut own = BTreeMap::new();
    for (sku, _) in line.stock(1).into_iter().filter(|(sku, _)| served.contains(sku)) {
        let stock = network.sku(sku);
        let ledger = stock.ledger.lock();
        if ledger.pooled() > 0 {
            let pools =
                stock.cells.iter().map(|cell| (CellKey { sku, node: cell.node }, ledger.at(cell.position).pool));
            own.extend(pools.filter(|(_, pool)| *pool > 0));
        }
    }
    own
}

/// Units of a line that are asked for at once: of one sku its share of what came, where shares are fair.
fn share(network: &Network, policy: FillPolicy, line: &PlacedLine, own: &BTreeMap<CellKey, u32>, waiting: u32) -> u32 {
    if own.is_empty() || !line.components.is_empty() {
        return waiting;
    }
    let ledger = network.sku(line.sku).ledger.lock();
    policy.portion(ledger.pooled(), waiting, || ledger.wanted() + ledger.wanted_loosely())
}

/// A line that was tried wants what it still waits for, or nothing.
pub(super) fn still_wants(network: &Network, order: &Order, line: u16, standing: Standing) {
    let own = &order.lines[usize::from(line)];
    let (waiting, left) = ((order.key, line), own.waiting());
    for (sku, units) in own.placed.stock(left) {
        let mut ledger = network.sku(sku).ledger.lock();
        match left {
            0 => ledger.leave(&waiting),
            _ => ledger.want_loosely(waiting, units, standing.rank(&own.placed, own.cancelled, left)),
        }
    }
}
