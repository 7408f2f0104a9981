//! What follows a give: the queue's pool goes to the orders that wait, then those that let newcomers pass are tried
//! again. Every step is a transaction of its own, made at once in the same call with no other entity held.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::allocate::{Decided, Order as Allocating, Stop};
use super::cell::Word;
use super::change::{Change, Place};
use super::ledger::Waiting;
use super::limits::Counting;
use super::network::Network;
use super::place::{positions_of, preordered, rules_of};
use super::routing::Wanted;
use super::table::Locked;
use super::turn::{Turn, order_event, order_events};
use super::withdrawal::{Patience, Withdrawal};
use crate::domain::channel::Whose;
use crate::domain::decision::LineUnits;
use crate::domain::event::{Answer, Event};
use crate::domain::exception::ExceptionKind;
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::{Allocation, Order, OrderEvent, PlacedLine};
use crate::domain::policy::{FillPolicy, Standing};
use crate::domain::rejection::Rejection;
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
        while let Some(sku) = todo.pop_first() {
            while let Some(more) = self.drain_one(turn, network, sku) {
                todo.extend(more);
            }
            for (order, line) in self.loose_by_rank(network, sku) {
                todo.extend(self.refill(turn, network, order, line));
            }
            self.keep_purchases(turn, network, sku);
        }
    }

    /// Who waits for a sku without a right, in the order in which they are tried: by the fill policy, then first come first.
    fn loose_by_rank(&self, network: &Network, sku: SkuIndex) -> Vec<Waiting> {
        let mut loose: Vec<Waiting> = network.sku(sku).ledger.lock().loose().iter().copied().collect();
        let policy = network.catalogue.policies().fill();
        let rank = |(key, line): &Waiting| {
            let slot = self.orders.lock(*key)?;
            let order = slot.as_ref()?;
            let own = &order.lines[usize::from(*line)];
            Some(Standing::of(policy, order).rank(&own.placed, own.cancelled, own.waiting()))
        };
        if policy != FillPolicy::FirstCome && loose.len() > 1 {
            loose.sort_by_cached_key(rank);
        }
        loose
    }

    /// Gives pooled units of a sku to the first line that waits; `None` when there is nothing to do.
    fn drain_one(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> Option<BTreeSet<SkuIndex>> {
        let first = {
            let ledger = network.sku(sku).ledger.lock();
            if ledger.pooled() == 0 {
                return None;
            }
            ledger.first()
        };
        match first {
            Some((key, line)) => self.drain_to(turn, network, sku, key, line),
            None => self.free_pool(turn, network, sku),
        }
    }

    fn drain_to(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        sku: SkuIndex,
        key: OrderKey,
        line: u16,
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
            ledger.wait_loosely((key, line));
            return Some(BTreeSet::new());
        }
        let standing = Standing::of(network.catalogue.policies().fill(), order);
        let (came, all_wait) = (ledger.pooled(), ledger.wanted());
        let at_once = standing.policy.portion(came, wanted, all_wait);
        let mut cells: Vec<_> = network.sku(sku).cells.iter().map(|cell| (cell.node, cell.position)).collect();
        let preferred = order.preferred_node();
        cells.sort_by_key(|(node, _)| preferred != Some(*node));
        let (mut left, mut allocations) = (at_once, Vec::new());
        let mut drained = Vec::new();
        for (node, position) in cells {
            let units = change.ledger(sku).at(position).pool.min(left);
            if units > 0 && drained.len() < DRAINED_CELLS_MAX {
                left -= units;
                drained.push((CellKey { sku, node }, units));
                allocations.push(Allocation {
                    number: order.next_number() + allocations.len() as u16,
                    node,
                    group: order.lines[usize::from(line)].placed.group,
                    lines: vec![LineUnits { line, quantity: units }],
                    cost: 0,
                });
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
        let by_suppliers = dropship(network, order, &allocations, turn);
        let told = std::iter::once(OrderEvent::Filled { allocations }).chain(by_suppliers).collect();
        let mut events: Vec<Event> = order_events(order, told).collect();
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, None).ok()?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_order(&mut slot);
        self.watch_new_windows(network, &slot);
        Some(logged.done())
    }

    /// The queue is empty but still owns units: they become free.
    fn free_pool(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex) -> Option<BTreeSet<SkuIndex>> {
        let mut change = Change::lock(network, &BTreeSet::from([sku]));
        if !change.ledger(sku).queue().is_empty() {
            return Some(BTreeSet::new());
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
            change.give(cell, pool, MovementKind::Released, |delta, n| {
                delta.pool -= n;
                delta.reserved -= n;
            });
        }
        let events: Vec<Event> = change.events().collect();
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None).ok()?;
        Some(turn.log(self, sealed, change, Withdrawal::nothing()).done())
    }

    /// Tries a line that lets newcomers pass. Stock that is contended too long is left to the clock.
    pub(super) fn refill(&self, turn: &Turn<'_>, network: &Network, key: OrderKey, line: u16) -> BTreeSet<SkuIndex> {
        let mut patience = Patience::default();
        let mut halvings = 0;
        loop {
            match self.try_refill(turn, network, key, line, halvings, &mut patience) {
                Ok(touched) => return touched,
                Err(Stop::Again) => {}
                Err(Stop::Rejected(Rejection::TooLarge(_))) if halvings < HALVINGS_MAX => halvings += 1,
                Err(Stop::Rejected(Rejection::Contended)) => {
                    self.left_over.push(key);
                    return BTreeSet::new();
                }
                Err(Stop::NeedLedgers(_) | Stop::Rejected(_)) => return BTreeSet::new(),
            }
        }
    }

    fn try_refill(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: OrderKey,
        line: u16,
        halvings: u32,
        patience: &mut Patience,
    ) -> Result<BTreeSet<SkuIndex>, Stop> {
        let Some(mut slot) = self.orders.lock(key) else { return Ok(BTreeSet::new()) };
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let waiting = order.lines[usize::from(line)].waiting();
        if waiting == 0 || order.is_spent() {
            return Ok(BTreeSet::new());
        }
        let lines: Vec<PlacedLine> = order.lines.iter().map(|l| l.placed.clone()).collect();
        let units = portion(vec![LineUnits { line, quantity: waiting }], halvings);
        let allocating = Allocating {
            key,
            next_number: order.next_number(),
            waiting: &[],
            cancelled: &[],
            wanted: Wanted {
                lines: &lines,
                units: &units,
                destinations: &positions_of(order),
                to: &order.facts.destinations,
                placed_at: order.facts.placed_at,
                at: turn.log.now().wall,
                fenced: &order.fenced,
                preferred: order.preferred_node(),
                bookings: order.bookings(),
                own: &BTreeMap::new(),
                counts: Word::free,
                counting: Counting::Now,
                whose: network.whose_order(order),
                own_whose: Whose::Nobody,
                rules: &rules_of(network, order, turn.log.now().wall),
            },
            places: &[],
            claimed: None,
            fills: true,
            standing: Standing::of(network.catalogue.policies().fill(), order),
            raises: None,
        };
        let record =
            |decided: Decided| vec![order_event(order, OrderEvent::Filled { allocations: decided.allocations })];
        let logged = self.attempt(turn, network, &allocating, &BTreeSet::new(), now, patience, record, None)?;
        let Some(logged) = logged else { return Ok(BTreeSet::new()) };
        logged.fold_order(&mut slot);
        let left = slot.as_ref().map_or(0, |order| order.lines[usize::from(line)].waiting());
        self.watch_new_windows(network, &slot);
        let mut touched = logged.done();
        if left == 0 {
            forget_loose(network, &lines[usize::from(line)], (key, line));
        } else if halvings > 0 {
            // Only a portion was asked for: the rest is tried as if units had come.
            touched.extend(lines[usize::from(line)].stock(1).into_iter().map(|(sku, _)| sku));
        }
        Ok(touched)
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
        for _ in 0..self.left_over.len() {
            let Some(key) = self.left_over.pop() else { return };
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.resource(turn, &network, key);
            let lines = match self.orders.lock(key).as_deref() {
                Some(Some(order)) => order.lines.iter().map(|line| line.placed.clone()).collect(),
                _ => Vec::new(),
            };
            for (line, placed) in (0..).zip(&lines) {
                let waits_loose =
                    |(sku, _): &(SkuIndex, u32)| network.sku(*sku).ledger.lock().loose().contains(&(key, line));
                if placed.stock(1).first().is_some_and(waits_loose) {
                    let touched = self.refill(turn, &network, key, line);
                    self.follow_up(turn, &network, touched);
                }
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
        let units = portion(if order.deferral.is_some() { Vec::new() } else { unallocated(order) }, halvings);
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
        slot: &mut Locked<Order>,
        units: &[LineUnits],
        held: &BTreeSet<SkuIndex>,
        patience: &mut Patience,
        answer: Option<Answer>,
    ) -> Result<BTreeSet<SkuIndex>, Stop> {
        let now = turn.log.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let key = order.key;
        let lines: Vec<PlacedLine> = order.lines.iter().map(|l| l.placed.clone()).collect();
        let waiting: Vec<u32> = order.lines.iter().map(|l| l.waiting()).collect();
        let cancelled: Vec<u32> = order.lines.iter().map(|l| l.cancelled).collect();
        let allocating = Allocating {
            key,
            next_number: order.next_number(),
            waiting: &waiting,
            cancelled: &cancelled,
            wanted: Wanted {
                lines: &lines,
                units,
                destinations: &positions_of(order),
                to: &order.facts.destinations,
                placed_at: order.facts.placed_at,
                at: turn.log.now().wall,
                fenced: &order.fenced,
                preferred: order.preferred_node(),
                bookings: order.bookings(),
                own: &BTreeMap::new(),
                counts: Word::free,
                counting: Counting::Now,
                whose: network.whose_order(order),
                own_whose: Whose::Nobody,
                rules: &rules_of(network, order, turn.log.now().wall),
            },
            places: &[],
            claimed: None,
            fills: false,
            standing: Standing::of(network.catalogue.policies().fill(), order),
            raises: Some(if order.fulfillment_orders.is_empty() {
                ExceptionKind::StockOut
            } else {
                ExceptionKind::Unroutable
            }),
        };
        let record = |decided: Decided| {
            let Decided { allocations, backordered, decision } = decided;
            let preordered = preordered(&network.catalogue, order.facts.kind, &lines, &backordered, now.wall);
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

pub(super) fn unallocated(order: &Order) -> Vec<LineUnits> {
    let lines = (0..).zip(&order.lines).filter(|(_, line)| line.unallocated > 0);
    lines.map(|(line, l)| LineUnits { line, quantity: l.unallocated }).collect()
}

fn forget_loose(network: &Network, line: &PlacedLine, waiting: super::ledger::Waiting) {
    for (sku, _) in line.stock(1) {
        network.sku(sku).ledger.lock().leave(&waiting);
    }
}
