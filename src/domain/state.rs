//! The fold of a journal: every entity, one fold each, and the laws that hold at every position.
//!
//! Recovery, the snapshot folder, `check` and tests call the same folds. A fold never looks up another entity. What is
//! *not* asserted here: that waiting demand leaves no free unit, since a legal prefix may show both; the start pays it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::event::{DirectoryFounded, Event, KeyUsed};
use super::ids::{NodeIndex, OrderKey, ReservationKey, SkuIndex, Text};
use super::item::Item;
use super::limits::KEY_WINDOW_MS;
use super::node::Node;
use super::order::Order;
use super::record::{Header, Record};
use super::reservation::{Reservation, ReservationState};
use super::rule_set::RuleSet;
use super::stock::{CellKey, LawBroken, Level};
use super::time::JournalTime;

/// Names an entity; ordered by kind, then id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum EntityKey {
    /// The data directory itself.
    Directory,
    /// A node.
    Node(NodeIndex),
    /// An item.
    Item(SkuIndex),
    /// The active version of a rule set.
    RuleSet(Text),
    /// A cell.
    Cell(CellKey),
    /// A reservation.
    Reservation(ReservationKey),
    /// An order.
    Order(OrderKey),
    /// An idempotency key.
    Key(u128),
}

/// A remembered idempotency key: 32 bytes and its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Fingerprint of the body.
    pub fingerprint: u64,
    /// Record that holds the answer.
    pub seq: u64,
    /// When it was used.
    pub at: JournalTime,
}

/// An entity at a position of the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entity {
    /// The data directory.
    Directory(DirectoryFounded),
    /// A node.
    Node(Node),
    /// An item.
    Item(Item),
    /// A rule set.
    RuleSet(RuleSet),
    /// A cell.
    Cell(Level),
    /// A reservation.
    Reservation(Reservation),
    /// An order.
    Order(Box<Order>),
    /// An idempotency key.
    Key(KeyEntry),
}

impl EntityKey {
    /// Stable code of the kind in snapshots; ascending as the keys are.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Directory => 1,
            Self::Node(_) => 2,
            Self::Item(_) => 3,
            Self::RuleSet(_) => 4,
            Self::Cell(_) => 5,
            Self::Reservation(_) => 6,
            Self::Order(_) => 7,
            Self::Key(_) => 8,
        }
    }
}

impl Entity {
    /// The next state of the entity that `event` touches.
    pub fn fold(before: Option<Self>, header: &Header, event: &Event) -> Result<Self, LawBroken> {
        match (before, event) {
            (None, Event::DirectoryFounded(founded)) => Ok(Self::Directory(founded.clone())),
            (None | Some(Self::Node(_)), Event::NodePut(put)) => Ok(Self::Node(put.node.clone())),
            (None | Some(Self::Item(_)), Event::ItemPut(put)) => Ok(Self::Item(put.item.clone())),
            (None | Some(Self::RuleSet(_)), Event::RuleSetPut(put)) => Ok(Self::RuleSet(put.clone())),
            (None, Event::StockMoved(moved)) => moved.delta.apply(&Level::default()).map(Self::Cell),
            (Some(Self::Cell(level)), Event::StockMoved(moved)) => moved.delta.apply(&level).map(Self::Cell),
            (None, Event::ReservationChanged(e)) => {
                Reservation::fold(None, e.key, e.version, header, &e.event).map(Self::Reservation)
            }
            (Some(Self::Reservation(before)), Event::ReservationChanged(e)) => {
                Reservation::fold(Some(before), e.key, e.version, header, &e.event).map(Self::Reservation)
            }
            (None, Event::OrderChanged(e)) => {
                Order::fold(None, e.key, e.version, header, &e.event).map(|o| Self::Order(Box::new(o)))
            }
            (Some(Self::Order(before)), Event::OrderChanged(e)) => {
                Order::fold(Some(*before), e.key, e.version, header, &e.event).map(|o| Self::Order(Box::new(o)))
            }
            (before, Event::KeyUsed(used)) => Self::use_key(before, header, used),
            (before, event) => Err(LawBroken(format!("{event:?} does not follow {before:?}"))),
        }
    }

    fn use_key(before: Option<Self>, header: &Header, used: &KeyUsed) -> Result<Self, LawBroken> {
        if let Some(Self::Key(entry)) = before
            && header.time.0 - entry.at.0 <= KEY_WINDOW_MS
        {
            return Err(LawBroken(format!("idempotency key of record {} is used again", entry.seq)));
        }
        Ok(Self::Key(KeyEntry { fingerprint: used.fingerprint, seq: header.seq, at: header.time }))
    }

    /// Whether nothing needs to know of it any more at `now`. Snapshots and memory leave such entities out.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        match self {
            Self::Reservation(reservation) => reservation.is_forgotten_at(now),
            Self::Key(entry) => now.0 - entry.at.0 > KEY_WINDOW_MS,
            _ => false,
        }
    }
}

/// All entities at one position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    seq: u64,
    time: JournalTime,
    catalogue_seq: u64,
    entities: HashMap<EntityKey, Entity>,
}

impl State {
    /// A state at a position, to be filled with [`State::insert`].
    pub fn at(seq: u64, time: JournalTime, catalogue_seq: u64) -> Self {
        Self { seq, time, catalogue_seq, entities: HashMap::new() }
    }

    /// Puts an entity of a snapshot.
    pub fn insert(&mut self, key: EntityKey, entity: Entity) {
        self.entities.insert(key, entity);
    }

    /// Sequence of the last record folded in; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Journal time of the last record folded in.
    pub fn time(&self) -> JournalTime {
        self.time
    }

    /// Sequence of the last record that changed the catalogue.
    pub fn catalogue_seq(&self) -> u64 {
        self.catalogue_seq
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// One entity.
    pub fn entity(&self, key: &EntityKey) -> Option<&Entity> {
        self.entities.get(key)
    }

    /// The level of a cell; empty when nothing was ever there.
    pub fn level(&self, cell: CellKey) -> Level {
        match self.entities.get(&EntityKey::Cell(cell)) {
            Some(Entity::Cell(level)) => *level,
            _ => Level::default(),
        }
    }

    /// All entities, ascending by key.
    pub fn entities(&self) -> BTreeMap<&EntityKey, &Entity> {
        self.entities.iter().collect()
    }

    /// All entities in no order, handed over.
    pub fn into_entities(self) -> impl Iterator<Item = (EntityKey, Entity)> {
        self.entities.into_iter()
    }

    /// The highest generated number of an order or reservation; 0 when there is none.
    pub fn highest_key(&self) -> u64 {
        let keys = self.entities.keys().filter_map(|key| match key {
            EntityKey::Order(key) => Some(key.0),
            EntityKey::Reservation(key) => Some(key.0),
            _ => None,
        });
        keys.max().unwrap_or(0)
    }

    /// Folds one record in. Refuses a gap in the sequence, a time that runs backwards, and every broken law.
    pub fn apply(&mut self, record: &Record) -> Result<(), LawBroken> {
        let header = &record.header;
        if header.seq != self.seq + 1 {
            return Err(LawBroken(format!("record {} follows {}", header.seq, self.seq)));
        }
        if header.time < self.time || header.decided_at > header.time {
            return Err(LawBroken(format!("record {}: time runs backwards", header.seq)));
        }
        for event in &record.events {
            let key = event.entity();
            let before = self.entities.remove(&key);
            let after = Entity::fold(before, header, event)
                .map_err(|law| LawBroken(format!("record {}: {}", header.seq, law.0)))?;
            if matches!(key, EntityKey::Node(_) | EntityKey::Item(_) | EntityKey::RuleSet(_) | EntityKey::Directory) {
                self.catalogue_seq = header.seq;
            }
            self.entities.insert(key, after);
        }
        self.seq = header.seq;
        self.time = header.time;
        Ok(())
    }

    /// Drops what nothing needs to know of any more at the state's own time.
    pub fn forget(&mut self) {
        let now = self.time;
        self.entities.retain(|_, entity| !entity.is_forgotten_at(now));
    }

    /// Checks the laws that span entities: every committed and reserved unit has an owner, and no owner holds more.
    pub fn check_ownership(&self) -> Result<(), LawBroken> {
        let mut owned: HashMap<CellKey, (u64, u64)> = HashMap::new();
        for entity in self.entities.values() {
            match entity {
                Entity::Order(order) => {
                    for (cell, units) in committed_by(order) {
                        owned.entry(cell).or_default().0 += units;
                    }
                }
                Entity::Reservation(r) if r.state == ReservationState::Held => {
                    for held in &r.lines {
                        let cell = CellKey { sku: held.sku, node: held.node };
                        owned.entry(cell).or_default().1 += u64::from(held.quantity);
                    }
                }
                _ => {}
            }
        }
        for (key, entity) in &self.entities {
            let (EntityKey::Cell(cell), Entity::Cell(level)) = (key, entity) else { continue };
            level.check()?;
            let (committed, reserved) = owned.remove(cell).unwrap_or_default();
            if u64::from(level.committed) != committed || u64::from(level.reserved - level.pool) != reserved {
                return Err(LawBroken(format!(
                    "cell {cell:?}: orders own {committed}, reservations {reserved}, but the level is {level:?}"
                )));
            }
        }
        match owned.into_iter().find(|(_, (committed, reserved))| committed + reserved > 0) {
            None => Ok(()),
            Some((cell, owners)) => Err(LawBroken(format!("cell {cell:?} is empty, but {owners:?} units are owned"))),
        }
    }
}

/// Units an order has committed in cells: everything in a live fulfilment order that has not left yet.
pub fn committed_by(order: &Order) -> Vec<(CellKey, u64)> {
    use super::fulfillment::FulfillmentStatus::{Delivered, Shipped};
    let holding =
        order.fulfillment_orders.iter().filter(|f| f.status.is_live() && !matches!(f.status, Shipped | Delivered));
    let mut cells = Vec::new();
    for fulfillment in holding {
        for units in fulfillment.line_units() {
            for (sku, quantity) in order.stock_of(units) {
                cells.push((CellKey { sku, node: fulfillment.node }, u64::from(quantity)));
            }
        }
    }
    cells
}
