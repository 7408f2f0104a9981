//! Catalogue and stock of the supposed world.
//!
//! A word holds what is free of its cell here: what the journal's state has there and what is otherwise, at least nothing.
//! Nobody takes from it: it is set after every record. Carriers stand here as supposed, and beside them as they were.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::decide::{Leg, claimed};
use super::other::Held;
use super::suppose::{Scene, Suppose};
use crate::domain::carrier::Shipping;
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::ChannelEvent;
use crate::domain::decision::Evidence;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::ids::{FulfillmentKey, NodeIndex, SkuIndex};
use crate::domain::limits::LEVEL_MAX;
use crate::domain::money::Currency;
use crate::domain::node::Node;
use crate::domain::order::Order;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::{JournalTime, WallTime};
use crate::engine::cell::{CellWord, Cells};
use crate::engine::learned::Learned;
use crate::engine::limits::Limits;
use crate::engine::network::Network;
use crate::engine::past::Minutes;
use crate::engine::slots::Calendar;
use crate::engine::stock::Stock;
use crate::engine::workload::{Workloads, day_of_work};

/// One, in millionths.
pub const WHOLE: u64 = 1_000_000;

/// See the module.
pub struct World {
    /// What routing reads.
    pub network: Network,
    /// Carriers, calendars and zones as they were.
    pub then: Shipping,
    /// The journal's time at which the record was decided that is read.
    pub now: JournalTime,
    /// Units that are free here beyond those of the journal's state; fewer below nothing.
    otherwise: HashMap<CellKey, i64>,
    /// Skus of which units became free here.
    pub touched: BTreeSet<SkuIndex>,
    is_supplied: bool,
}

impl Default for World {
    fn default() -> Self {
        let network = Network {
            catalogue: Catalogue::new(Currency::USD),
            stock: Stock::default(),
            minutes: Minutes::default(),
            limits: Limits::default(),
            calendar: Calendar::default(),
            workloads: Workloads::default(),
            learned: Learned::default(),
        };
        let (then, otherwise, touched) = (Shipping::default(), HashMap::new(), BTreeSet::new());
        Self { network, then, now: JournalTime(0), otherwise, touched, is_supplied: false }
    }
}

impl World {
    /// Takes over what a state knows.
    pub fn begin(&mut self, state: &State, suppose: &Suppose) {
        for (key, entity) in state.iter() {
            let catalogue = &mut self.network.catalogue;
            match (key, entity) {
                (_, Entity::Directory(founded)) => catalogue.base_currency = founded.base_currency,
                (EntityKey::Node(index), Entity::Node(node)) => self.put_node(index, node, suppose),
                (EntityKey::Item(index), Entity::Item(item)) => {
                    catalogue.put_item(index, item.clone());
                    self.network.stock.push(&item.sku, item.kind, Cells::default());
                }
                (_, Entity::RuleSet(rules)) => catalogue.rules_mut().found(rules),
                (EntityKey::RuleVersions(name), Entity::RuleVersions(known)) => {
                    catalogue.rules_mut().put(name, (**known).clone());
                }
                (EntityKey::Policy(key), Entity::Policy(policy)) => catalogue.put_policy(key, policy.clone()),
                (_, Entity::Opportunity(known)) => catalogue.put_opportunity((**known).clone()),
                (EntityKey::Channel(index), Entity::Channel(channel)) => {
                    catalogue.put_channel(index, channel.terms.clone());
                }
                (_, Entity::Shipping(terms)) => self.put_shipping(terms, suppose),
                (EntityKey::Cell(cell), Entity::Cell(_)) => self.refresh(cell, state),
                (EntityKey::ShortPicks(node), Entity::ShortPicks(picks)) => {
                    self.network.learned.hold(node, (**picks).clone());
                }
                (EntityKey::Transit(key), Entity::Transit(transit)) => {
                    self.network.learned.transits.hold(key, (**transit).clone());
                }
                (EntityKey::Velocity(cell), Entity::Velocity(told)) => self.network.learned.hold_velocity(cell, **told),
                _ => {}
            }
        }
        self.network.catalogue.seq = state.catalogue_seq();
        self.touched.clear();
        self.put_supposed(suppose);
    }

    /// Takes in what changes the catalogue.
    pub fn learn(&mut self, event: &Event, seq: u64, suppose: &Suppose) {
        let catalogue = &mut self.network.catalogue;
        match event {
            Event::DirectoryFounded(founded) => {
                catalogue.base_currency = founded.base_currency;
                self.put_supposed(suppose);
            }
            Event::NodePut(put) => self.put_node(put.index, &put.node, suppose),
            Event::ItemPut(put) => {
                catalogue.put_item(put.index, put.item.clone());
                if put.index.at() == self.network.stock.len() {
                    self.network.stock.push(&put.item.sku, put.item.kind, Cells::default());
                }
            }
            Event::RuleSetPut(rules) => catalogue.rules_mut().found(rules),
            Event::RuleSetChanged(changed) => {
                let folded = catalogue.rules_mut().change(&changed.name, seq, &changed.event);
                folded.expect("the state has taken the same record");
            }
            Event::PolicyPut(put) => catalogue.put_policy(put.key.clone(), put.policy.clone()),
            Event::OpportunityPut(put) => catalogue.put_opportunity((**put).clone()),
            Event::ChannelChanged(changed) => match &changed.event {
                ChannelEvent::Put(terms) => catalogue.put_channel(changed.index, terms.clone()),
                ChannelEvent::Shipped(_) => return,
            },
            Event::ShippingPut(terms) => self.put_shipping(terms, suppose),
            Event::TransitNoted(noted) => return self.network.learned.transits.note(noted),
            _ => return,
        }
        self.network.catalogue.seq = seq;
    }

    /// Whether it was known then what stock and shipments are worth to orders to come.
    pub fn knows_prices(&self) -> bool {
        self.network.catalogue.opportunity().is_known()
    }

    fn put_node(&mut self, index: NodeIndex, node: &Node, suppose: &Suppose) {
        let active = node.active && !suppose.out.contains(&node.id);
        self.network.catalogue.put_node(index, Node { active, ..node.clone() });
    }

    fn put_shipping(&mut self, terms: &crate::domain::carrier::ShippingTerms, suppose: &Suppose) {
        self.then.put(terms.clone());
        if suppose.shipping.iter().all(|supposed| supposed.key() != terms.key()) {
            self.network.catalogue.put_shipping(terms.clone());
        }
    }

    fn put_supposed(&mut self, suppose: &Suppose) {
        suppose.shipping.iter().for_each(|terms| self.network.catalogue.put_shipping(terms.clone()));
    }

    /// What free stock there is at the first plan that is made again, as supposed.
    pub(super) fn supply(&mut self, record: &Record, state: &State, suppose: &Suppose, scene: &Scene) {
        if std::mem::replace(&mut self.is_supplied, true) || !(suppose.changes_stock() || scene.cuts_stock()) {
            return;
        }
        let mut free: BTreeMap<CellKey, i64> = BTreeMap::new();
        for (key, entity) in state.iter() {
            if let (EntityKey::Cell(cell), Entity::Cell(level)) = (key, entity) {
                free.insert(cell, i64::from(level.available) - moved(record, cell));
            }
        }
        let mut more: BTreeMap<CellKey, i64> = BTreeMap::new();
        for (cell, units) in &free {
            *more.entry(*cell).or_default() += scaled(*units, suppose.stock_ppm);
        }
        for (cell, units) in scene.cuts(&free) {
            *more.entry(cell).or_default() -= units;
        }
        let catalogue = &self.network.catalogue;
        for own in &suppose.stock {
            // What the journal does not know by now is told as a fault before anything is read.
            let cell = catalogue.sku_index(&own.sku).zip(catalogue.node_index(&own.node));
            if let Some((sku, node)) = cell {
                *more.entry(CellKey { sku, node }).or_default() += own.units;
            }
        }
        for (cell, units) in more.into_iter().filter(|(_, units)| *units != 0) {
            *self.otherwise.entry(cell).or_default() += units;
            let free = free.get(&cell).copied().unwrap_or(0) + self.beyond(cell);
            self.set(cell, free);
        }
    }

    /// Lets the stock of a record move as it did.
    pub fn move_stock(&mut self, record: &Record, state: &State, suppose: &Suppose) {
        for event in &record.events {
            let Event::StockMoved(moved) = event else { continue };
            if let Some(Entity::ShortPicks(picks)) =
                event.teaches().and_then(|cell| state.entity(&EntityKey::ShortPicks(cell.node)))
            {
                self.network.learned.hold(moved.cell.node, (**picks).clone());
            }
            if let Some(Entity::Velocity(told)) =
                event.empties().and_then(|cell| state.entity(&EntityKey::Velocity(cell)))
            {
                self.network.learned.hold_velocity(moved.cell, **told);
            }
            let came = moved.kind == MovementKind::Received && moved.delta.on_hand > 0;
            if came && self.is_supplied && suppose.stock_ppm != WHOLE {
                let more = scaled(i64::from(moved.delta.on_hand), suppose.stock_ppm);
                *self.otherwise.entry(moved.cell).or_default() += more;
            }
            if moved.delta.available != 0 || came {
                self.refresh(moved.cell, state);
            }
        }
    }

    /// Sets what nodes had to do on the day of an order whose work may begin then, this record's own shipments aside.
    pub fn load(&self, record: &Record, state: &State, work_at: WallTime) {
        let Network { catalogue, workloads, .. } = &self.network;
        let is_own = |day: i32, shipment: &FulfillmentKey| {
            let taken = |event: &Event| match event {
                Event::WorkloadChanged(changed) => changed.event.takes(day, *shipment),
                _ => false,
            };
            record.events.iter().any(taken)
        };
        let is_work = |node: NodeIndex, shipment: &FulfillmentKey| match state.entity(&EntityKey::Order(shipment.order))
        {
            Some(Entity::Order(order)) => order.is_work_of(shipment.number, node),
            _ => true,
        };
        // Where no capacity is set nothing is weighed by what there is to do.
        let weighed = |node: &NodeIndex| catalogue.node(*node).capacity_per_day.is_some();
        for node in (0..catalogue.nodes().len() as u32).map(NodeIndex).filter(weighed) {
            let Some(Entity::Workload(work)) = state.entity(&EntityKey::Workload(node)) else { continue };
            let Some(day) = day_of_work(catalogue, node, work_at) else { continue };
            let shipments = work.days.get(&day).into_iter().flatten();
            let counts = shipments.filter(|shipment| !is_own(day, shipment) && is_work(node, shipment)).count();
            workloads.set(node, day, counts as u32);
        }
    }

    /// Units that a reservation had for the order of this record, as far as they are there in this world.
    pub fn own_units(&self, record: &Record, state: &State) -> BTreeMap<CellKey, u32> {
        let mut own = claimed(record);
        for (cell, units) in &mut own {
            let free = i64::from(state.level(*cell).available) - moved(record, *cell) + self.beyond(*cell);
            *units = at_least_nothing(i64::from(*units) + free.min(0));
        }
        own.retain(|_, units| *units > 0);
        own
    }

    /// Sets what a solver saw, plus what is otherwise; answers what stood there. `own` counts as free beside it.
    pub fn show(&self, slots: &[SkuIndex], seen: &Evidence, own: &BTreeMap<CellKey, u32>) -> Vec<(CellKey, u32)> {
        let mut undone = Vec::new();
        if seen.sight.slots() != slots.len() {
            return undone;
        }
        for (slot, sku) in slots.iter().enumerate() {
            for cell in self.network.sku(*sku).cells.iter() {
                let key = CellKey { sku: *sku, node: cell.node };
                let units = match seen.sight.find(cell.node) {
                    Ok(at) => seen.sight.has(at)[slot],
                    Err(_) if seen.truncated || seen.fenced.iter().any(|(node, _)| *node == cell.node) => continue,
                    Err(_) => 0,
                };
                let held = own.get(&key).copied().unwrap_or(0);
                let units = at_least_nothing(i64::from(units) + self.beyond(key)).saturating_sub(held);
                let stood = cell.word.free();
                if stood != units {
                    set_word(cell.word, units);
                    undone.push((key, stood));
                }
            }
        }
        undone
    }

    /// Sets back what stood there.
    pub fn hide(&self, undone: Vec<(CellKey, u32)>) {
        for (cell, units) in undone {
            let cell = self.network.cell(cell).expect("it was shown");
            set_word(cell.word, units);
        }
    }

    /// Gives an order's units back (1) or takes them (-1), beyond what the journal does.
    pub fn shift_all(&mut self, order: &Order, held: &Held, sign: i64, state: &State) {
        for (node, line, units) in held.iter() {
            for (sku, units) in order.lines[usize::from(line)].placed.stock(units) {
                let cell = CellKey { sku, node };
                *self.otherwise.entry(cell).or_default() += sign * i64::from(units);
                self.refresh(cell, state);
            }
        }
    }

    /// Whether what the journal just gave to an order is there in this world too.
    pub fn can_give(&self, order: &Order, legs: &[Leg], state: &State) -> bool {
        legs.iter().all(|leg| {
            let is_stocked = |line: u16| order.lines[usize::from(line)].placed.stocked;
            let cells =
                leg.lines.iter().flat_map(|u| order.stock_of(*u)).map(|(sku, _)| CellKey { sku, node: leg.node });
            let supplies = self.network.supplies(leg.node) || !leg.lines.iter().any(|u| is_stocked(u.line));
            let has = |cell: CellKey| i64::from(state.level(cell).available) + self.beyond(cell) >= 0;
            supplies && cells.into_iter().all(|cell| self.beyond(cell) >= 0 || has(cell))
        })
    }

    /// Whether some node that supplies has a free unit of a sku.
    pub fn has_free(&self, sku: SkuIndex) -> bool {
        self.network.sku(sku).cells.iter().any(|cell| cell.word.free() > 0 && self.network.supplies(cell.node))
    }

    /// Whether channels have limits.
    pub fn has_limits(&self) -> bool {
        self.network.catalogue.channels().iter().any(|channel| !channel.limits.is_empty())
    }

    /// Units that are owed at the end: taken as they were although they were not there.
    pub fn owed(&self, state: &State) -> u64 {
        let owed = |(cell, beyond): (&CellKey, &i64)| -(i64::from(state.level(*cell).available) + beyond).min(0);
        self.otherwise.iter().map(owed).map(i64::unsigned_abs).sum()
    }

    fn beyond(&self, cell: CellKey) -> i64 {
        self.otherwise.get(&cell).copied().unwrap_or(0)
    }

    /// The word of a cell says what is free there now.
    fn refresh(&mut self, cell: CellKey, state: &State) {
        self.set(cell, i64::from(state.level(cell).available) + self.beyond(cell));
    }

    fn set(&mut self, key: CellKey, units: i64) {
        let stock = self.network.sku(key.sku);
        if stock.cells.of(key.node).is_none() {
            stock.position(&mut stock.ledger.lock(), key.node);
        }
        let cell = stock.cells.of(key.node).expect("just made");
        let units = at_least_nothing(units);
        if units > cell.word.free() {
            self.touched.insert(key.sku);
        }
        set_word(cell.word, units);
    }
}

fn set_word(word: CellWord<'_>, units: u32) {
    let free = word.free();
    if units >= free {
        word.give(units - free);
    } else {
        word.take(free - units, false).expect("nobody else takes in a world of its own");
    }
}

/// By how many units a record changed what is free in a cell.
fn moved(record: &Record, cell: CellKey) -> i64 {
    let of = |event: &Event| match event {
        Event::StockMoved(moved) if moved.cell == cell => Some(i64::from(moved.delta.available)),
        _ => None,
    };
    record.events.iter().filter_map(of).sum()
}

/// By how many units so many become more at a scale in millionths, rounded down.
fn scaled(units: i64, ppm: u64) -> i64 {
    let scaled = i128::from(units) * i128::from(ppm) / i128::from(WHOLE);
    i64::try_from(scaled - i128::from(units)).unwrap_or(0)
}

fn at_least_nothing(units: i64) -> u32 {
    units.clamp(0, i64::from(LEVEL_MAX)) as u32
}
