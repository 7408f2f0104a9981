//! Open orders planned again together: who takes part, what they share, and what would be better.
//!
//! Of every order the units take part that nobody has begun to work on and of which everything has stock, as long as nobody
//! chose their node or edits the order; and units that wait without a right to what comes, at what their rules say that it costs
//! to leave them (`waiting`). All of that, with what is free, is the batch's to divide; nothing of it may be
//! left. Each order is planned by its own rules, and never so that it would arrive later than it was promised, unless that is
//! allowed: shipments that were promised for different days are planned apart, each by nodes and services alone that come in time.
//! What cannot come in time any more comes no later than it would as it is. No day of a
//! node gets more shipments than it can handle, whatever the rules of an order say; orders that are kept back until another
//! day stay where they are while days are counted.
//!
//! Nothing is taken and nothing held while it is computed: the catalogue's guard is taken order by order, and what is proposed
//! is applied only while all is as it was (`replan`). A proposal is one that fits into one record: of more orders those that
//! save most are planned again alone, and the rest is for the next time. Proposals are kept in memory, the last
//! [`KEPT_MAX`] of them; that one was applied is known for a day, over restarts too.
//!
//! Bounds: [`MEMBERS_MAX`] orders of those asked for, the oldest first, [`OPTIMISED_MAX`] where nobody asked (`replanning`), and
//! fewer where what they ask takes [`BYTES_MAX`]: all others count as aside; the time that is asked for, and no more rounds than
//! are asked for, of prices [`PRICE_ROUNDS_MAX`]; one optimisation, or look ahead (`opportunity`), at a time.
//!
//! What is *not* here: the optimiser (`domain::sourcing::batch`), stock and records (`replan`).

mod asking;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use self::asking::{Asking, waiting};
use super::Engine;
use super::network::Network;
use super::order_rules::{rules_of, rules_to_fill};
use super::routing::Stated;
use super::step_stock::cells_of;
use super::workload::{free_on_day, places_of, work_at};
use crate::domain::catalogue::Catalogue;
use crate::domain::decision::LineUnits;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::limits::{OPTIMISED_MAX, RECORD_BYTES_MAX};
use crate::domain::node::NodeKind;
use crate::domain::optimisation::{
    Applied, Figures, Movable, Optimisation, Optimise, Planned, Replanned, movable, stays,
};
use crate::domain::order::{Order, OrderLine, PlacedLine};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::replanning::Occasion;
use crate::domain::sourcing::batch::{Batch, Choice, Found, Member, Optimiser, Taken};
use crate::domain::stock::CellKey;
use crate::domain::time::{JournalTime, Now, WallTime};

/// Proposals that are kept.
const KEPT_MAX: usize = 16;
/// Most orders, and parts of them, that are planned together.
const MEMBERS_MAX: usize = 5_000;
/// Bytes of what all of them ask; planned it takes as many again.
const BYTES_MAX: usize = 192 * 1_024 * 1_024;
/// Rounds of prices.
const PRICE_ROUNDS_MAX: u32 = 120;
/// Cells that are told to be scarce.
const SCARCE_MAX: usize = 20;
/// Rounds after which the time is looked at.
const AT_ONCE: u32 = 8;
/// Bytes of a record that orders may take that go elsewhere.
const ROOM: usize = RECORD_BYTES_MAX / 4 * 3;

/// Proposals, the oldest first, and what was applied of the last day.
#[derive(Debug, Default)]
pub struct Optimisations {
    proposed: Mutex<VecDeque<Proposal>>,
    count: AtomicU64,
    applied: Mutex<BTreeMap<Text, Applied>>,
}

/// A proposal; locked as long as it is applied.
pub(super) type Proposal = Arc<Mutex<Optimisation>>;

/// What was named: a node, a sku, and orders.
type Named = (Option<NodeIndex>, Option<SkuIndex>, BTreeSet<OrderKey>);

/// An order, and what of it may move.
type Open = (Arc<Order>, Vec<Movable>);

/// A part of an order in the batch.
struct Part {
    /// Its place among the orders.
    order: usize,
    group: u16,
    /// Numbers of its fulfilment orders, ascending.
    of: Vec<u16>,
    nodes: Vec<NodeIndex>,
    /// The order's line of each of the problem's.
    lines: Vec<u16>,
    is_exact: bool,
}

/// The batch as it is built. Its first node is none: shipments that no day counts are sent from there.
struct Building {
    batch: Batch,
    parts: Vec<Part>,
    cells: HashMap<CellKey, u32>,
    keys: Vec<CellKey>,
    /// Of what is asked.
    bytes: usize,
}

/// Place of shipments that no day counts.
const UNCOUNTED: u32 = 0;

impl Engine {
    /// Plans open orders again together; a proposal.
    pub fn optimise(&self, now: Now, asked: &Optimise) -> Result<Optimisation, Rejection> {
        let _turn = self.looking.lock();
        let until = Instant::now() + asked.within;
        let catalogue_seq = self.catalogue(Catalogue::plans_seq);
        let (orders, mut aside) = self.open_orders(now.wall, asked)?;
        let held = held(&orders);
        let mut building = Building::default();
        for (at, (order, own)) in orders.iter().enumerate() {
            // A guard for each: a change of the catalogue, which refuses the proposal later, waits for one order alone.
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let is_full = building.parts.len() >= MEMBERS_MAX || building.bytes >= BYTES_MAX;
            aside += u32::from(is_full || !building.add(&network, (at, order, own), &held, now, asked));
        }
        {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            building.count(&network, &orders, &held, now.wall);
        }
        let (found, prices) = solve(&building.batch, until, asked.rounds);
        let found = building.within_a_record(&orders, found, until, asked.rounds);
        let replanned: Vec<Replanned> = building.replanned(&orders, &found).into_iter().map(|(own, _)| own).collect();
        let looked_at: BTreeSet<usize> = building.parts.iter().map(|part| part.order).collect();
        let is_exact = building.parts.iter().all(|part| part.is_exact);
        let figures = Figures {
            looked_at: looked_at.len() as u32,
            aside,
            changed: replanned.len() as u32,
            cost_before: found.cost_before,
            cost: found.cost,
            lower_bound: found
                .lower_bound
                .filter(|_| is_exact)
                .unwrap_or_else(|| building.batch.floor().min(found.cost)),
        };
        let id = self.optimisations.name(&asked.occasion, self.position(), now.journal);
        let scarce = building.scarce(&prices);
        let occasion = asked.occasion.clone();
        let (orders, may_be_later) = (replanned, asked.may_be_later);
        let optimisation =
            Optimisation { id, occasion, figures, orders, scarce, catalogue_seq, may_be_later, applied_at: None };
        if figures.changed > 0 || asked.occasion == Occasion::Asked {
            self.optimisations.put(optimisation.clone());
        }
        Ok(optimisation)
    }

    /// A proposal that is kept, or one that was applied within a day.
    pub fn optimisation(&self, id: &Text) -> Result<Optimisation, Rejection> {
        if let Some(proposal) = self.optimisations.find(id) {
            return Ok(proposal.lock().clone());
        }
        let applied = self.applied_optimisation(id).map(|applied| Optimisation::applied(id.clone(), &applied));
        applied.ok_or_else(|| Rejection::not_found("optimisation", &**id))
    }

    /// The proposals that are kept, the newest first, and behind them what was applied of the last day.
    pub fn optimisations(&self) -> Vec<Optimisation> {
        let kept: Vec<Proposal> = self.optimisations.proposed.lock().iter().rev().cloned().collect();
        let mut all: Vec<Optimisation> = kept.into_iter().map(|proposal| proposal.lock().clone()).collect();
        let applied = self.optimisations.applied.lock();
        let mut others: Vec<_> = applied.iter().filter(|(id, _)| all.iter().all(|own| own.id != **id)).collect();
        others.sort_by_key(|(_, applied)| Reverse(applied.at));
        all.extend(others.into_iter().map(|(id, applied)| Optimisation::applied(id.clone(), applied)));
        all
    }

    /// What was applied under that id within a day.
    pub fn applied_optimisation(&self, id: &Text) -> Option<Applied> {
        self.optimisations.applied.lock().get(id).copied()
    }

    /// Knows what was applied before the start.
    pub(super) fn hold_optimisation(&self, id: Text, applied: Applied) {
        self.optimisations.applied.lock().insert(id, applied);
    }

    /// Forgets what was applied long ago.
    pub(super) fn forget_optimisations(&self, now: JournalTime) {
        self.optimisations.applied.lock().retain(|_, applied| !applied.is_forgotten_at(now));
    }

    /// The orders asked for of which something may move, the oldest first, and how many others were looked at.
    fn open_orders(&self, now: WallTime, asked: &Optimise) -> Result<(Vec<Open>, u32), Rejection> {
        let (node, sku, keys) = self.named(asked)?;
        let most = if asked.occasion == Occasion::Asked { MEMBERS_MAX } else { OPTIMISED_MAX };
        let (mut orders, mut aside) = (Vec::new(), 0);
        for key in keys {
            if orders.len() == most {
                break;
            }
            let Some((order, own)) = self.open_order(key, (node, sku), &asked.occasion) else { continue };
            if self.may_move(&order, &own, now) {
                orders.push((order, own));
            } else {
                aside += 1;
            }
        }
        Ok((orders, aside))
    }

    /// An order of which something may move that was asked for.
    fn open_order(
        &self,
        key: OrderKey,
        (node, sku): (Option<NodeIndex>, Option<SkuIndex>),
        occasion: &Occasion,
    ) -> Option<Open> {
        let slot = self.orders.lock(key)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let own = movable(order);
        let at_node = node.is_none_or(|node| own.iter().any(|own| own.node == node));
        let wants = |u: &LineUnits| order.stock_of(*u).iter().any(|(own, _)| Some(*own) == sku);
        let wants = sku.is_none() || own.iter().flat_map(|own| &own.units).any(wants);
        let is_touched = !own.is_empty() && at_node && wants && touches(occasion, order, &own);
        let waits = *occasion == Occasion::Asked && node.is_none() && waits_for(order, sku);
        (is_touched || waits).then(|| (order.clone(), own))
    }

    /// What was named, with all faults.
    fn named(&self, asked: &Optimise) -> Result<Named, Rejection> {
        let mut faults = Vec::new();
        let mut keys = BTreeSet::new();
        for (at, id) in asked.orders.iter().flatten().enumerate() {
            match self.find_order(id).filter(|key| self.orders.has(*key)) {
                Some(key) => drop(keys.insert(key)),
                None => {
                    let detail = format!("there is no open order {id:?}");
                    faults.push(Fault::new(format!("orders[{at}]"), "unknown_order", detail));
                }
            }
        }
        if asked.orders.is_none() {
            keys.extend(self.orders.keys());
        }
        let (node, sku) = self.catalogue(|catalogue| {
            let node = asked.node.as_ref().map(|id| (id, catalogue.node_index(id)));
            (node, asked.sku.as_ref().map(|sku| (sku, catalogue.sku_index(sku))))
        });
        if let Some((id, None)) = node {
            faults.push(Fault::new("node", "unknown_node", format!("there is no node {id:?}")));
        }
        if let Some((sku, None)) = sku {
            faults.push(Fault::new("sku", "unknown_sku", format!("there is no item {sku:?}")));
        }
        if faults.is_empty() {
            Ok((node.and_then(|(_, node)| node), sku.and_then(|(_, sku)| sku), keys))
        } else {
            Err(Rejection::Invalid(faults))
        }
    }

    /// Whether an order's units may go elsewhere.
    fn may_move(&self, order: &Order, own: &[Movable], now: WallTime) -> bool {
        let rests = order.release_at.is_some_and(|release| release.wall > now);
        let is_kept = self.catalogue(|catalogue| {
            let by_supplier = own.iter().any(|own| catalogue.node(own.node).kind == NodeKind::Supplier);
            by_supplier || rests && catalogue.rules().counts_work()
        });
        // Whatever it found a compartment at keeps it.
        !is_kept && !order.seeks_locker() && stays(order).is_none()
    }
}

/// Whether an order waits for stock, of that sku if one is named.
fn waits_for(order: &Order, sku: Option<SkuIndex>) -> bool {
    let wants = |line: &OrderLine| sku.is_none_or(|sku| line.placed.stock(1).iter().any(|(own, _)| *own == sku));
    !order.is_spent() && order.lines.iter().any(|line| line.backordered > 0 && wants(line))
}

/// Whether it is one of the orders that an occasion is about.
fn touches(occasion: &Occasion, order: &Order, own: &[Movable]) -> bool {
    match occasion {
        Occasion::Asked | Occasion::Outage(None) => true,
        Occasion::Receipt(skus) => {
            let wants = |u: &LineUnits| order.stock_of(*u).iter().any(|(sku, _)| skus.contains(sku));
            own.iter().flat_map(|own| &own.units).any(wants)
        }
        Occasion::Outage(Some(node)) => order.fulfillment_orders.iter().any(|own| own.node == *node),
    }
}

/// Prices, plans and repairs, until the time is over or nothing better is left to be found: the plans, and the price of each
/// cell.
fn solve(batch: &Batch, until: Instant, most: u32) -> (Found, Vec<i64>) {
    let begun = Instant::now();
    let priced_until = begun + until.saturating_duration_since(begun).mul_f64(0.4);
    let mut optimiser = Optimiser::new(batch);
    let mut rounds = 0;
    while rounds < most.min(PRICE_ROUNDS_MAX)
        && !optimiser.is_proven()
        && (rounds == 0 || Instant::now() < priced_until)
    {
        optimiser.price(AT_ONCE);
        rounds += AT_ONCE;
    }
    if !optimiser.is_proven() {
        optimiser.plan_anew();
    }
    let most = most.saturating_mul(batch.members.len() as u32);
    let mut repairs = 0;
    while repairs < most && !optimiser.is_proven() && Instant::now() < until {
        optimiser.improve(AT_ONCE);
        repairs += AT_ONCE;
    }
    (optimiser.found(), optimiser.prices().0.to_vec())
}

/// Units that the orders have, by cell.
fn held(orders: &[Open]) -> BTreeMap<CellKey, u32> {
    let mut held = BTreeMap::new();
    for (order, own) in orders {
        for own in own {
            for (cell, units) in cells_of(order, own.node, &own.units) {
                *held.entry(cell).or_default() += units;
            }
        }
    }
    held
}

impl Default for Building {
    fn default() -> Self {
        let batch = Batch { sends: vec![None], ..Batch::default() };
        Self { batch, parts: Vec::new(), cells: HashMap::new(), keys: Vec::new(), bytes: 0 }
    }
}

impl Building {
    /// Adds an order with all its destinations, or nothing of it where that cannot be said.
    fn add(
        &mut self,
        network: &Network,
        (at, order, own): (usize, &Order, &[Movable]),
        held: &BTreeMap<CellKey, u32>,
        now: Now,
        asked: &Optimise,
    ) -> bool {
        let mut groups: Vec<u16> = own.iter().map(|own| own.group).collect();
        groups.sort_unstable();
        groups.dedup();
        let rules = rules_of(network, order, now.wall);
        let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
        let numbers = own.iter().map(|own| own.number);
        let counted = places_of(network, order, numbers, work_at(order, now.wall));
        let mut made = Vec::new();
        for group in groups {
            let own: Vec<&Movable> = own.iter().filter(|own| own.group == group).collect();
            let asking = Asking { network, order, lines: &lines, rules: rules.of(group), held, now };
            for (day, own) in asking.by_day(&own, asked.may_be_later) {
                let Some((stated, units, has)) = asking.stated(group, &own, day) else { return false };
                let of = own.iter().map(|own| own.number).collect();
                let (part, member) = self.part_of((at, group, of), stated, &units, has);
                if !member.stands() {
                    return false;
                }
                let is_own = |node: &NodeIndex| own.iter().any(|own| own.node == *node);
                let uncounted = |node: &NodeIndex| is_own(node) && !counted.contains(node);
                let place = |node: &NodeIndex| if uncounted(node) { UNCOUNTED } else { node.0 + 1 };
                let nodes = part.nodes.iter().map(place).collect();
                made.push((part, Member { nodes, ..member }));
            }
        }
        if asked.occasion == Occasion::Asked {
            let waiting = waiting(network, order, &rules_to_fill(network, order, now.wall), &lines);
            for (group, units, rules) in waiting {
                let asking = Asking { network, order, lines: &lines, rules: &rules, held, now };
                let Some(stated) = asking.waiting(group, &units) else { continue };
                let (part, member) = self.part_of((at, group, Vec::new()), stated, &units, Vec::new());
                let nodes = part.nodes.iter().map(|node| node.0 + 1).collect();
                made.push((part, Member { nodes, ..member }));
            }
        }
        if made.is_empty() {
            return false;
        }
        for (part, member) in made {
            self.parts.push(part);
            self.bytes += member.bytes();
            self.batch.members.push(Arc::new(member));
        }
        true
    }

    /// A part of an order, and what is asked of it.
    fn part_of(
        &mut self,
        (order, group, of): (usize, u16, Vec<u16>),
        stated: Stated,
        units: &[LineUnits],
        now: Vec<Taken>,
    ) -> (Part, Member) {
        let Stated { problem, nodes, slots, is_exact } = stated;
        let mut cells = Vec::with_capacity(nodes.len() * slots.len());
        for node in &nodes {
            for sku in &slots {
                let key = CellKey { sku: *sku, node: *node };
                let next = self.keys.len() as u32;
                let cell = *self.cells.entry(key).or_insert(next);
                if cell == next {
                    self.keys.push(key);
                }
                cells.push(cell);
            }
        }
        let lines = units.iter().map(|u| u.line).collect();
        (Part { order, group, of, nodes, lines, is_exact }, Member { problem, cells, nodes: Vec::new(), now })
    }

    /// Counts what there is of each cell, and what nodes can handle.
    fn count(&mut self, network: &Network, orders: &[Open], held: &BTreeMap<CellKey, u32>, now: WallTime) {
        // What orders that were left aside have is not the batch's.
        let takes_part: BTreeSet<usize> = self.parts.iter().map(|part| part.order).collect();
        let mut others: BTreeMap<CellKey, u32> = BTreeMap::new();
        for (_, (order, own)) in orders.iter().enumerate().filter(|(at, _)| !takes_part.contains(at)) {
            for own in own {
                for (cell, units) in cells_of(order, own.node, &own.units) {
                    *others.entry(cell).or_default() += units;
                }
            }
        }
        let of = |cells: &BTreeMap<CellKey, u32>, key: &CellKey| cells.get(key).copied().unwrap_or(0);
        let units = |key: &CellKey| {
            let free = network.cell(*key).map_or(0, |cell| cell.word.free());
            free + of(held, key) - of(&others, key)
        };
        self.batch.stock = self.keys.iter().map(units).collect();
        let mut own = vec![0; network.catalogue.nodes().len() + 1];
        for member in &self.batch.members {
            let sends: BTreeSet<u32> = member.now.iter().map(|taken| member.nodes[taken.candidate as usize]).collect();
            sends.into_iter().for_each(|node| own[node as usize] += 1);
        }
        self.batch.sends = vec![None; own.len()];
        for (at, own) in own.into_iter().enumerate().skip(1) {
            let free = free_on_day(network, NodeIndex(at as u32 - 1), now);
            self.batch.sends[at] = free.map(|free| free + own);
        }
    }

    /// The cells with the highest prices.
    fn scarce(&self, prices: &[i64]) -> Vec<(CellKey, i64)> {
        let mut scarce: Vec<(CellKey, i64)> =
            self.keys.iter().zip(prices).filter(|(_, price)| **price > 0).map(|(key, price)| (*key, *price)).collect();
        scarce.sort_by_key(|(key, price)| (Reverse(*price), *key));
        scarce.truncate(SCARCE_MAX);
        scarce
    }

    /// Plans that one record holds: of more orders those that save most for their bytes are planned again while all others stay
    /// as they are.
    fn within_a_record(&self, orders: &[Open], mut found: Found, until: Instant, rounds: u32) -> Found {
        let mut room = ROOM;
        while let Some(parts) = self.that_fit(orders, &found, room) {
            let alone = self.batch.part(&parts, &found.before);
            let (own, _) = solve(&alone, until, rounds);
            let mut choices = found.before.clone();
            for (at, choice) in parts.iter().zip(own.choices) {
                choices[*at] = choice;
            }
            found = Found { cost: found.cost_before - own.cost_before + own.cost, choices, ..found };
            room /= 2;
        }
        found
    }

    /// Parts of the orders that save most and fit; `None` when all that change do.
    fn that_fit(&self, orders: &[Open], found: &Found, room: usize) -> Option<Vec<usize>> {
        let mut changed = self.replanned(orders, found);
        if changed.iter().map(|(_, bytes)| bytes).sum::<usize>() <= ROOM {
            return None;
        }
        let saves = |own: &Replanned, bytes: usize| (own.cost_before - own.cost) * 1_024 / bytes as i64;
        changed.sort_by_key(|(own, bytes)| (Reverse(saves(own, *bytes)), own.order));
        let mut used = 0;
        let fits = changed.iter().take_while(|(_, bytes)| {
            used += bytes;
            used <= room
        });
        let fits: BTreeSet<OrderKey> = fits.map(|(own, _)| own.order).collect();
        let parts = (0..self.parts.len()).filter(|part| fits.contains(&orders[self.parts[*part].order].0.key));
        Some(parts.collect())
    }

    /// The orders with other shipments, each with about how many bytes of a record it takes.
    fn replanned(&self, orders: &[Open], found: &Found) -> Vec<(Replanned, usize)> {
        let mut parts_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, part) in self.parts.iter().enumerate() {
            parts_of.entry(part.order).or_default().push(at);
        }
        let changes = |part: &usize| found.choices[*part].taken != found.before[*part].taken;
        let changed = parts_of.into_iter().filter(|(_, parts)| parts.iter().any(changes));
        let replanned = changed.map(|(at, parts)| {
            let (order, own) = &orders[at];
            let sum = |choices: &[Choice]| parts.iter().map(|part| choices[*part].cost).sum();
            let replanned = Replanned {
                order: order.key,
                name: order.name(),
                lines: order.lines.iter().map(|line| line.placed.id.clone()).collect(),
                before: own.clone(),
                after: parts.iter().flat_map(|part| self.planned(*part, &found.choices[*part])).collect(),
                cost_before: sum(&found.before),
                cost: sum(&found.choices),
            };
            // One that would have too many fulfilment orders fits nowhere.
            let bytes = replanned.told(order).map_or(ROOM + 1, |_| bytes_of(order, &replanned));
            (replanned, bytes)
        });
        replanned.collect()
    }

    fn planned(&self, part: usize, choice: &Choice) -> Vec<Planned> {
        let own = &self.parts[part];
        let planned = choice.sent.iter().map(|sent| Planned {
            node: own.nodes[sent.candidate as usize],
            group: own.group,
            of: own.of.clone(),
            units: choice
                .taken
                .iter()
                .filter(|taken| taken.candidate == sent.candidate)
                .map(|taken| LineUnits { line: own.lines[taken.line as usize], quantity: taken.units })
                .collect(),
            cost: sent.cost,
        });
        planned.collect()
    }
}

/// Bytes of a record that an order takes when it goes elsewhere, rather more than less: a step for each of its fulfilment
/// orders, a split, a move and its work for each shipment that shall be, and a movement for each cell of both.
fn bytes_of(order: &Order, own: &Replanned) -> usize {
    let of = |node: NodeIndex, units: &[LineUnits]| 80 + 8 * units.len() + 40 * cells_of(order, node, units).len();
    let before = own.before.iter().map(|own| of(own.node, &own.units));
    before.chain(own.after.iter().map(|own| of(own.node, &own.units))).sum()
}

impl Optimisations {
    /// A name for the next proposal that none had before it, nor was applied before the start.
    fn name(&self, occasion: &Occasion, position: u64, now: JournalTime) -> Text {
        format!("{}{position}-{}-{}", occasion.prefix(), now.0, self.count.fetch_add(1, Ordering::Relaxed) + 1).into()
    }

    fn put(&self, optimisation: Optimisation) {
        let mut kept = self.proposed.lock();
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Arc::new(Mutex::new(optimisation)));
    }

    /// A proposal that is kept.
    pub(super) fn find(&self, id: &Text) -> Option<Proposal> {
        let kept: Vec<Proposal> = self.proposed.lock().iter().cloned().collect();
        kept.into_iter().find(|proposal| proposal.lock().id == *id)
    }

    /// Remembers that a proposal was applied.
    pub(super) fn note_applied(&self, own: &Optimisation) {
        if let Some(at) = own.applied_at {
            self.applied.lock().insert(own.id.clone(), Applied { figures: own.figures, at });
        }
    }
}
