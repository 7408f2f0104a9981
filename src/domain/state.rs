//! The fold of a journal: every entity, one fold each, and the laws that hold at every position.
//!
//! Recovery, the snapshot folder, `check` and tests call the same folds. A fold never looks up another entity. What is
//! *not* asserted here: that waiting demand leaves no free unit, since a legal prefix may show both; the start pays it.
//!
//! Long because every kind of entity has its line in each table of kinds.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::address::AddressFormat;
use super::carrier::{ShippingKey, ShippingTerms};
use super::carton::Carton;
use super::channel::Channel;
use super::count::{CountMark, Minute, MinuteKey};
use super::cycle_count::CycleCount;
use super::event::{DirectoryFounded, Event, KeyUsed};
use super::exception::{Exception, ExceptionKey};
use super::ids::{
    ChannelIndex, CycleCountKey, InboundKey, NodeIndex, OrderKey, ReservationKey, SkuIndex, SubscriptionKey, Text,
    TransferKey,
};
use super::inbound::Inbound;
use super::item::Item;
use super::limits::KEY_WINDOW_MS;
use super::lots::SkuLots;
use super::node::Node;
use super::order::Order;
use super::policy::{Policy, PolicyKey};
use super::record::{Header, Record};
use super::reservation::{Reservation, ReservationState};
use super::rule_set::RuleSet;
use super::slots::Slots;
use super::stock::{CellKey, LawBroken, Level};
use super::subscription::Subscription;
use super::time::JournalTime;
use super::transfer::Transfer;

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
    /// A document of inbound supply.
    Inbound(InboundKey),
    /// A channel.
    Channel(ChannelIndex),
    /// A transfer.
    Transfer(TransferKey),
    /// What counts of a cell have told.
    Count(CellKey),
    /// An exception.
    Exception(ExceptionKey),
    /// A subscription.
    Subscription(SubscriptionKey),
    /// The slots of a node.
    Slots(NodeIndex),
    /// The lots or serial numbers of a sku.
    Lots(SkuIndex),
    /// What changed on hand in a minute.
    Minute(MinuteKey),
    /// A policy.
    Policy(PolicyKey),
    /// A cycle count.
    CycleCount(CycleCountKey),
    /// A carrier, a calendar or a chart of zones.
    Shipping(ShippingKey),
    /// A carton.
    Carton(Text),
    /// How addresses of a country are written.
    AddressFormat(Text),
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

/// An entity at a position of the journal. There are many more cells than anything else, so what is larger lies in a
/// box.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entity {
    /// The data directory.
    Directory(DirectoryFounded),
    /// A node.
    Node(Box<Node>),
    /// An item.
    Item(Box<Item>),
    /// A rule set.
    RuleSet(Box<RuleSet>),
    /// A cell.
    Cell(Level),
    /// A reservation.
    Reservation(Box<Reservation>),
    /// An order.
    Order(Box<Order>),
    /// An idempotency key.
    Key(KeyEntry),
    /// A document of inbound supply.
    Inbound(Box<Inbound>),
    /// A channel.
    Channel(Box<Channel>),
    /// A transfer.
    Transfer(Box<Transfer>),
    /// What counts of a cell have told.
    Count(Box<CountMark>),
    /// A subscription.
    Subscription(Box<Subscription>),
    /// The slots of a node.
    Slots(Box<Slots>),
    /// What changed on hand in a minute.
    Minute(Box<Minute>),
    /// The lots or serial numbers of a sku.
    Lots(Box<SkuLots>),
    /// A cycle count.
    CycleCount(Box<CycleCount>),
    /// A carrier, a calendar or a chart of zones.
    Shipping(Box<ShippingTerms>),
    /// How addresses of a country are written.
    AddressFormat(Box<AddressFormat>),
    /// An exception.
    Exception(Box<Exception>),
    /// A policy.
    Policy(Policy),
    /// A carton.
    Carton(Box<Carton>),
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
            Self::Inbound(_) => 9,
            Self::Channel(_) => 10,
            Self::Transfer(_) => 11,
            Self::Count(_) => 12,
            Self::Subscription(_) => 14,
            Self::Slots(_) => 15,
            Self::Minute(_) => 19,
            Self::Lots(_) => 16,
            Self::CycleCount(_) => 21,
            Self::Shipping(_) => 22,
            Self::Carton(_) => 23,
            Self::AddressFormat(_) => 24,
            Self::Exception(_) => 13,
            Self::Policy(_) => 20,
        }
    }
}

impl Entity {
    /// The next state of the entity that `event` touches.
    pub fn fold(before: Option<Self>, header: &Header, event: &Event) -> Result<Self, LawBroken> {
        match (before, event) {
            (None, Event::DirectoryFounded(founded)) => Ok(Self::Directory(founded.clone())),
            (None | Some(Self::Node(_)), Event::NodePut(put)) => Ok(Self::Node(put.node.clone().into())),
            (None | Some(Self::Item(_)), Event::ItemPut(put)) => Ok(Self::Item(put.item.clone().into())),
            (None | Some(Self::RuleSet(_)), Event::RuleSetPut(put)) => Ok(Self::RuleSet(put.clone().into())),
            (None, Event::SlotsChanged(e)) => Slots::fold(None, &e.event).map(|slots| Self::Slots(Box::new(slots))),
            (Some(Self::Slots(before)), Event::SlotsChanged(e)) => {
                Slots::fold(Some(*before), &e.event).map(|slots| Self::Slots(Box::new(slots)))
            }
            (None | Some(Self::AddressFormat(_)), Event::AddressFormatPut(put)) => Ok(Self::AddressFormat(put.clone())),
            (None | Some(Self::Carton(_)), Event::CartonPut(put)) => Ok(Self::Carton(put.clone())),
            (None, Event::StockMoved(moved)) => moved.delta.apply(&Level::default()).map(Self::Cell),
            (Some(Self::Cell(level)), Event::StockMoved(moved)) => moved.delta.apply(&level).map(Self::Cell),
            (None, Event::ReservationChanged(e)) => {
                Reservation::fold(None, e.key, e.version, header, &e.event).map(|r| Self::Reservation(Box::new(r)))
            }
            (Some(Self::Reservation(before)), Event::ReservationChanged(e)) => {
                Reservation::fold(Some(*before), e.key, e.version, header, &e.event)
                    .map(|r| Self::Reservation(Box::new(r)))
            }
            (None, Event::OrderChanged(e)) => {
                Order::fold(None, e.key, e.version, header, &e.event).map(|o| Self::Order(Box::new(o)))
            }
            (Some(Self::Order(before)), Event::OrderChanged(e)) => {
                Order::fold(Some(*before), e.key, e.version, header, &e.event).map(|o| Self::Order(Box::new(o)))
            }
            (None, Event::InboundChanged(e)) => {
                Inbound::fold(None, e.key, e.version, header, &e.event).map(|i| Self::Inbound(Box::new(i)))
            }
            (Some(Self::Inbound(before)), Event::InboundChanged(e)) => {
                Inbound::fold(Some(*before), e.key, e.version, header, &e.event).map(|i| Self::Inbound(Box::new(i)))
            }
            (None, Event::ChannelChanged(e)) => {
                Channel::fold(None, &e.event).map(|channel| Self::Channel(Box::new(channel)))
            }
            (Some(Self::Channel(before)), Event::ChannelChanged(e)) => {
                Channel::fold(Some(*before), &e.event).map(|channel| Self::Channel(Box::new(channel)))
            }
            (None, Event::TransferChanged(e)) => {
                Transfer::fold(None, e.key, e.version, header, &e.event).map(|t| Self::Transfer(Box::new(t)))
            }
            (Some(Self::Transfer(before)), Event::TransferChanged(e)) => {
                Transfer::fold(Some(*before), e.key, e.version, header, &e.event).map(|t| Self::Transfer(Box::new(t)))
            }
            (None, Event::CountNoted(e)) => CountMark::fold(None, e).map(|mark| Self::Count(Box::new(mark))),
            (Some(Self::Count(before)), Event::CountNoted(e)) => {
                CountMark::fold(Some(*before), e).map(|mark| Self::Count(Box::new(mark)))
            }
            (None, Event::SubscriptionChanged(e)) => {
                Subscription::fold(None, e.key, e.version, header, &e.event).map(|s| Self::Subscription(Box::new(s)))
            }
            (Some(Self::Subscription(before)), Event::SubscriptionChanged(e)) => {
                Subscription::fold(Some(*before), e.key, e.version, header, &e.event)
                    .map(|s| Self::Subscription(Box::new(s)))
            }
            (None, Event::Archiving(e)) => Order::archive(None, header, e).map(|o| Self::Order(Box::new(o))),
            (Some(Self::Order(before)), Event::Archiving(e)) => {
                Order::archive(Some(*before), header, e).map(|o| Self::Order(Box::new(o)))
            }
            (None, Event::LotsChanged(e)) => {
                SkuLots::fold(None, e.tracking, &e.changes).map(|lots| Self::Lots(Box::new(lots)))
            }
            (Some(Self::Lots(before)), Event::LotsChanged(e)) => {
                SkuLots::fold(Some(*before), e.tracking, &e.changes).map(|lots| Self::Lots(Box::new(lots)))
            }
            (None, Event::CycleCountChanged(e)) => {
                CycleCount::fold(None, e.key, e.version, header, &e.event).map(|c| Self::CycleCount(Box::new(c)))
            }
            (Some(Self::CycleCount(before)), Event::CycleCountChanged(e)) => {
                let count = CycleCount::fold(Some(*before), e.key, e.version, header, &e.event);
                count.map(|c| Self::CycleCount(Box::new(c)))
            }
            (None, Event::ExceptionChanged(e)) => {
                Exception::fold(None, e.key, e.version, header, &e.event).map(|x| Self::Exception(Box::new(x)))
            }
            (Some(Self::Exception(before)), Event::ExceptionChanged(e)) => {
                Exception::fold(Some(*before), e.key, e.version, header, &e.event).map(|x| Self::Exception(Box::new(x)))
            }
            (None | Some(Self::Policy(_)), Event::PolicyPut(put)) => Ok(Self::Policy(put.policy.clone())),
            (None | Some(Self::Shipping(_)), Event::ShippingPut(terms)) => Ok(Self::Shipping(terms.clone())),
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

    /// Whether it left for the archive: no snapshot holds it, and no state hash counts it.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Order(order) if order.is_archived())
    }

    /// Whether nothing needs to know of it any more at `now`; only reservations, keys,
    /// inbound supply, transfers, counts and minutes come to that, and lots that are all gone. Snapshots and memory leave such entities out.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        match self {
            Self::Reservation(reservation) => reservation.is_forgotten_at(now),
            Self::Key(entry) => now.0 - entry.at.0 > KEY_WINDOW_MS,
            Self::Inbound(inbound) => inbound.is_forgotten_at(now),
            Self::Transfer(transfer) => transfer.is_forgotten_at(now),
            Self::Count(mark) => mark.is_forgotten_at(now),
            Self::Minute(minute) => minute.is_forgotten_at(now),
            Self::Lots(lots) => lots.is_empty(),
            Self::CycleCount(count) => count.is_forgotten_at(now),
            Self::Exception(exception) => exception.is_forgotten_at(now),
            _ => false,
        }
    }
}

/// The cells of one sku, ascending by node.
type Row = Vec<(NodeIndex, Entity)>;

/// All entities at one position, each kind in the shape that suits its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    seq: u64,
    time: JournalTime,
    catalogue_seq: u64,
    directory: Option<Entity>,
    nodes: BTreeMap<NodeIndex, Entity>,
    items: BTreeMap<SkuIndex, Entity>,
    rule_sets: BTreeMap<Text, Entity>,
    cells: BTreeMap<SkuIndex, Row>,
    reservations: BTreeMap<ReservationKey, Entity>,
    orders: BTreeMap<OrderKey, Entity>,
    keys: BTreeMap<u128, Entity>,
    inbound: BTreeMap<InboundKey, Entity>,
    channels: BTreeMap<ChannelIndex, Entity>,
    transfers: BTreeMap<TransferKey, Entity>,
    counts: BTreeMap<CellKey, Entity>,
    minutes: BTreeMap<MinuteKey, Entity>,
    subscriptions: BTreeMap<SubscriptionKey, Entity>,
    slots: BTreeMap<NodeIndex, Entity>,
    address_formats: BTreeMap<Text, Entity>,
    lots: BTreeMap<SkuIndex, Entity>,
    cycle_counts: BTreeMap<CycleCountKey, Entity>,
    exceptions: BTreeMap<ExceptionKey, Entity>,
    policies: BTreeMap<PolicyKey, Entity>,
    shipping: BTreeMap<ShippingKey, Entity>,
    cartons: BTreeMap<Text, Entity>,
}

impl State {
    /// A state at a position, to be filled with [`State::insert`].
    pub fn at(seq: u64, time: JournalTime, catalogue_seq: u64) -> Self {
        Self { seq, time, catalogue_seq, ..Self::default() }
    }

    /// Puts an entity. [`Filling`] is better where many ascend.
    pub fn insert(&mut self, key: EntityKey, entity: Entity) {
        match key {
            EntityKey::Directory => self.directory = Some(entity),
            EntityKey::Node(key) => drop(self.nodes.insert(key, entity)),
            EntityKey::Item(key) => drop(self.items.insert(key, entity)),
            EntityKey::RuleSet(key) => drop(self.rule_sets.insert(key, entity)),
            EntityKey::Cell(key) => self.insert_cell(key, entity),
            EntityKey::Reservation(key) => drop(self.reservations.insert(key, entity)),
            EntityKey::Order(key) => drop(self.orders.insert(key, entity)),
            EntityKey::Key(key) => drop(self.keys.insert(key, entity)),
            EntityKey::Inbound(key) => drop(self.inbound.insert(key, entity)),
            EntityKey::Channel(key) => drop(self.channels.insert(key, entity)),
            EntityKey::Transfer(key) => drop(self.transfers.insert(key, entity)),
            EntityKey::Count(key) => drop(self.counts.insert(key, entity)),
            EntityKey::Minute(key) => drop(self.minutes.insert(key, entity)),
            EntityKey::Subscription(key) => drop(self.subscriptions.insert(key, entity)),
            EntityKey::Slots(key) => drop(self.slots.insert(key, entity)),
            EntityKey::AddressFormat(key) => drop(self.address_formats.insert(key, entity)),
            EntityKey::Lots(sku) => drop(self.lots.insert(sku, entity)),
            EntityKey::CycleCount(key) => drop(self.cycle_counts.insert(key, entity)),
            EntityKey::Exception(key) => drop(self.exceptions.insert(key, entity)),
            EntityKey::Policy(key) => drop(self.policies.insert(key, entity)),
            EntityKey::Shipping(key) => drop(self.shipping.insert(key, entity)),
            EntityKey::Carton(key) => drop(self.cartons.insert(key, entity)),
        }
    }

    fn insert_cell(&mut self, CellKey { sku, node }: CellKey, entity: Entity) {
        let row = self.cells.entry(sku).or_default();
        match row.last() {
            Some((last, _)) if *last >= node => match row.binary_search_by_key(&node, |(node, _)| *node) {
                Ok(at) => row[at].1 = entity,
                Err(at) => row.insert(at, (node, entity)),
            },
            _ => row.push((node, entity)),
        }
    }

    /// Takes an entity out, to be put back as it will be. A cell may stay where it is: its next level replaces it.
    fn take(&mut self, key: &EntityKey) -> Option<Entity> {
        match key {
            EntityKey::Directory => self.directory.take(),
            EntityKey::Node(key) => self.nodes.remove(key),
            EntityKey::Item(key) => self.items.remove(key),
            EntityKey::RuleSet(key) => self.rule_sets.remove(key),
            EntityKey::Cell(_) => self.entity(key).cloned(),
            EntityKey::Reservation(key) => self.reservations.remove(key),
            EntityKey::Order(key) => self.orders.remove(key),
            EntityKey::Key(key) => self.keys.remove(key),
            EntityKey::Inbound(key) => self.inbound.remove(key),
            EntityKey::Channel(key) => self.channels.remove(key),
            EntityKey::Transfer(key) => self.transfers.remove(key),
            EntityKey::Count(key) => self.counts.remove(key),
            EntityKey::Minute(key) => self.minutes.remove(key),
            EntityKey::Subscription(key) => self.subscriptions.remove(key),
            EntityKey::Slots(key) => self.slots.remove(key),
            EntityKey::AddressFormat(key) => self.address_formats.remove(key),
            EntityKey::Lots(sku) => self.lots.remove(sku),
            EntityKey::CycleCount(key) => self.cycle_counts.remove(key),
            EntityKey::Exception(key) => self.exceptions.remove(key),
            EntityKey::Policy(key) => self.policies.remove(key),
            EntityKey::Shipping(key) => self.shipping.remove(key),
            EntityKey::Carton(key) => self.cartons.remove(key),
        }
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
        let cells: usize = self.cells.values().map(Vec::len).sum();
        let catalogue = self.nodes.len() + self.items.len() + self.rule_sets.len() + self.channels.len();
        let catalogue = catalogue + self.shipping.len() + self.cartons.len();
        let open = self.reservations.len() + self.orders.len() + self.keys.len() + self.inbound.len();
        let open = open + self.transfers.len() + self.counts.len() + self.minutes.len();
        let open = open + self.subscriptions.len() + self.cycle_counts.len() + self.address_formats.len();
        let told = self.exceptions.len() + self.policies.len() + self.lots.len() + self.slots.len();
        usize::from(self.directory.is_some()) + catalogue + cells + open + told
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// One entity.
    pub fn entity(&self, key: &EntityKey) -> Option<&Entity> {
        match key {
            EntityKey::Directory => self.directory.as_ref(),
            EntityKey::Node(key) => self.nodes.get(key),
            EntityKey::Item(key) => self.items.get(key),
            EntityKey::RuleSet(key) => self.rule_sets.get(key),
            EntityKey::Cell(key) => {
                let row = self.cells.get(&key.sku)?;
                let at = row.binary_search_by_key(&key.node, |(node, _)| *node).ok()?;
                Some(&row[at].1)
            }
            EntityKey::Reservation(key) => self.reservations.get(key),
            EntityKey::Order(key) => self.orders.get(key),
            EntityKey::Key(key) => self.keys.get(key),
            EntityKey::Inbound(key) => self.inbound.get(key),
            EntityKey::Channel(key) => self.channels.get(key),
            EntityKey::Transfer(key) => self.transfers.get(key),
            EntityKey::Count(key) => self.counts.get(key),
            EntityKey::Minute(key) => self.minutes.get(key),
            EntityKey::Subscription(key) => self.subscriptions.get(key),
            EntityKey::Slots(key) => self.slots.get(key),
            EntityKey::AddressFormat(key) => self.address_formats.get(key),
            EntityKey::Lots(sku) => self.lots.get(sku),
            EntityKey::CycleCount(key) => self.cycle_counts.get(key),
            EntityKey::Exception(key) => self.exceptions.get(key),
            EntityKey::Policy(key) => self.policies.get(key),
            EntityKey::Shipping(key) => self.shipping.get(key),
            EntityKey::Carton(key) => self.cartons.get(key),
        }
    }

    /// The level of a cell; empty when nothing was ever there.
    pub fn level(&self, cell: CellKey) -> Level {
        match self.entity(&EntityKey::Cell(cell)) {
            Some(Entity::Cell(level)) => *level,
            _ => Level::default(),
        }
    }

    /// All entities, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (EntityKey, &Entity)> {
        let directory = self.directory.iter().map(|entity| (EntityKey::Directory, entity));
        let nodes = self.nodes.iter().map(|(key, entity)| (EntityKey::Node(*key), entity));
        let items = self.items.iter().map(|(key, entity)| (EntityKey::Item(*key), entity));
        let rule_sets = self.rule_sets.iter().map(|(key, entity)| (EntityKey::RuleSet(key.clone()), entity));
        let cells = self.cells.iter().flat_map(|(sku, row)| {
            row.iter().map(|(node, entity)| (EntityKey::Cell(CellKey { sku: *sku, node: *node }), entity))
        });
        let reservations = self.reservations.iter().map(|(key, entity)| (EntityKey::Reservation(*key), entity));
        let orders = self.orders.iter().map(|(key, entity)| (EntityKey::Order(*key), entity));
        let keys = self.keys.iter().map(|(key, entity)| (EntityKey::Key(*key), entity));
        let inbound = self.inbound.iter().map(|(key, entity)| (EntityKey::Inbound(*key), entity));
        let channels = self.channels.iter().map(|(key, entity)| (EntityKey::Channel(*key), entity));
        let transfers = self.transfers.iter().map(|(key, entity)| (EntityKey::Transfer(*key), entity));
        let subscriptions = self.subscriptions.iter().map(|(key, entity)| (EntityKey::Subscription(*key), entity));
        let counts = self.counts.iter().map(|(key, entity)| (EntityKey::Count(*key), entity));
        let slots = self.slots.iter().map(|(key, entity)| (EntityKey::Slots(*key), entity));
        let minutes = self.minutes.iter().map(|(key, entity)| (EntityKey::Minute(*key), entity));
        let formats = self.address_formats.iter().map(|(key, entity)| (EntityKey::AddressFormat(key.clone()), entity));
        let lots = self.lots.iter().map(|(sku, entity)| (EntityKey::Lots(*sku), entity));
        let cycle_counts = self.cycle_counts.iter().map(|(key, entity)| (EntityKey::CycleCount(*key), entity));
        let exceptions = self.exceptions.iter().map(|(key, entity)| (EntityKey::Exception(*key), entity));
        let policies = self.policies.iter().map(|(key, entity)| (EntityKey::Policy(key.clone()), entity));
        let shipping = self.shipping.iter().map(|(key, entity)| (EntityKey::Shipping(key.clone()), entity));
        let cartons = self.cartons.iter().map(|(key, entity)| (EntityKey::Carton(key.clone()), entity));
        let catalogue = directory.chain(nodes).chain(items).chain(rule_sets);
        catalogue
            .chain(cells)
            .chain(reservations)
            .chain(orders)
            .chain(keys)
            .chain(inbound)
            .chain(channels)
            .chain(transfers)
            .chain(counts)
            .chain(exceptions)
            .chain(subscriptions)
            .chain(slots)
            .chain(lots)
            .chain(minutes)
            .chain(policies)
            .chain(cycle_counts)
            .chain(shipping)
            .chain(cartons)
            .chain(formats)
    }

    /// All orders, ascending by key.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter_map(|entity| match entity {
            Entity::Order(order) => Some(&**order),
            _ => None,
        })
    }

    /// All exceptions, ascending by key.
    pub fn exceptions(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions.values().filter_map(|entity| match entity {
            Entity::Exception(case) => Some(&**case),
            _ => None,
        })
    }

    /// All policies.
    pub fn policies(&self) -> impl Iterator<Item = (&PolicyKey, &Policy)> {
        self.policies.iter().filter_map(|(key, entity)| match entity {
            Entity::Policy(policy) => Some((key, policy)),
            _ => None,
        })
    }

    /// All entities by key.
    pub fn entities(&self) -> BTreeMap<EntityKey, &Entity> {
        self.iter().collect()
    }

    /// All entities, ascending by key, handed over one by one.
    pub fn into_entities(self) -> impl Iterator<Item = (EntityKey, Entity)> {
        let directory = self.directory.into_iter().map(|entity| (EntityKey::Directory, entity));
        let nodes = self.nodes.into_iter().map(|(key, entity)| (EntityKey::Node(key), entity));
        let items = self.items.into_iter().map(|(key, entity)| (EntityKey::Item(key), entity));
        let rule_sets = self.rule_sets.into_iter().map(|(key, entity)| (EntityKey::RuleSet(key), entity));
        let cells = self.cells.into_iter().flat_map(|(sku, row)| {
            row.into_iter().map(move |(node, entity)| (EntityKey::Cell(CellKey { sku, node }), entity))
        });
        let reservations = self.reservations.into_iter().map(|(key, entity)| (EntityKey::Reservation(key), entity));
        let orders = self.orders.into_iter().map(|(key, entity)| (EntityKey::Order(key), entity));
        let keys = self.keys.into_iter().map(|(key, entity)| (EntityKey::Key(key), entity));
        let inbound = self.inbound.into_iter().map(|(key, entity)| (EntityKey::Inbound(key), entity));
        let channels = self.channels.into_iter().map(|(key, entity)| (EntityKey::Channel(key), entity));
        let transfers = self.transfers.into_iter().map(|(key, entity)| (EntityKey::Transfer(key), entity));
        let subscriptions = self.subscriptions.into_iter().map(|(key, entity)| (EntityKey::Subscription(key), entity));
        let counts = self.counts.into_iter().map(|(key, entity)| (EntityKey::Count(key), entity));
        let slots = self.slots.into_iter().map(|(key, entity)| (EntityKey::Slots(key), entity));
        let minutes = self.minutes.into_iter().map(|(key, entity)| (EntityKey::Minute(key), entity));
        let formats = self.address_formats.into_iter().map(|(key, entity)| (EntityKey::AddressFormat(key), entity));
        let lots = self.lots.into_iter().map(|(sku, entity)| (EntityKey::Lots(sku), entity));
        let cycle_counts = self.cycle_counts.into_iter().map(|(key, entity)| (EntityKey::CycleCount(key), entity));
        let exceptions = self.exceptions.into_iter().map(|(key, entity)| (EntityKey::Exception(key), entity));
        let policies = self.policies.into_iter().map(|(key, entity)| (EntityKey::Policy(key), entity));
        let shipping = self.shipping.into_iter().map(|(key, entity)| (EntityKey::Shipping(key), entity));
        let cartons = self.cartons.into_iter().map(|(key, entity)| (EntityKey::Carton(key), entity));
        let catalogue = directory.chain(nodes).chain(items).chain(rule_sets);
        catalogue
            .chain(cells)
            .chain(reservations)
            .chain(orders)
            .chain(keys)
            .chain(inbound)
            .chain(channels)
            .chain(transfers)
            .chain(counts)
            .chain(exceptions)
            .chain(subscriptions)
            .chain(slots)
            .chain(lots)
            .chain(minutes)
            .chain(policies)
            .chain(cycle_counts)
            .chain(shipping)
            .chain(cartons)
            .chain(formats)
    }

    /// The highest generated number; 0 when there is none.
    pub fn highest_key(&self) -> u64 {
        let order = self.orders.last_key_value().map_or(0, |(key, _)| key.0);
        let reservation = self.reservations.last_key_value().map_or(0, |(key, _)| key.0);
        let inbound = self.inbound.last_key_value().map_or(0, |(key, _)| key.0);
        let count = self.cycle_counts.last_key_value().map_or(0, |(key, _)| key.0);
        let transfer = self.transfers.last_key_value().map_or(0, |(key, _)| key.0);
        let subscription = self.subscriptions.last_key_value().map_or(0, |(key, _)| key.0);
        order.max(reservation).max(inbound).max(transfer).max(subscription).max(count)
    }

    /// Folds one record in. Refuses a gap in the sequence, a time that runs backwards, and every broken law; a state
    /// that refused is of no further use.
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
            let before = self.take(&key);
            let after = Entity::fold(before, header, event)
                .map_err(|law| LawBroken(format!("record {}: {}", header.seq, law.0)))?;
            if event.is_of_catalogue() {
                self.catalogue_seq = header.seq;
            }
            self.insert(key, after);
            if let Some(moved) = event.moved(header.decided_at) {
                let key = EntityKey::Minute(moved.minute());
                let Some(Entity::Minute(before)) = self.take(&key) else {
                    self.insert(key, Entity::Minute(Box::new(Minute::fold(None, moved))));
                    continue;
                };
                self.insert(key, Entity::Minute(Box::new(Minute::fold(Some(*before), moved))));
            }
        }
        self.seq = header.seq;
        self.time = header.time;
        Ok(())
    }

    /// Drops what nothing needs to know of any more at the state's own time.
    pub fn forget(&mut self) {
        let now = self.time;
        self.reservations.retain(|_, entity| !entity.is_forgotten_at(now));
        self.keys.retain(|_, entity| !entity.is_forgotten_at(now));
        self.inbound.retain(|_, entity| !entity.is_forgotten_at(now));
        self.transfers.retain(|_, entity| !entity.is_forgotten_at(now));
        self.counts.retain(|_, entity| !entity.is_forgotten_at(now));
        self.minutes.retain(|_, entity| !entity.is_forgotten_at(now));
        self.lots.retain(|_, entity| !entity.is_forgotten_at(now));
        self.cycle_counts.retain(|_, entity| !entity.is_forgotten_at(now));
        self.exceptions.retain(|_, entity| !entity.is_forgotten_at(now));
    }

    /// Drops the orders that left for the archive, as snapshots do.
    #[cfg(test)]
    pub(crate) fn forget_archived(&mut self) {
        self.orders.retain(|_, entity| !entity.is_archived());
    }

    /// Checks the laws that span entities: every committed and reserved unit has an owner, no owner holds more, and no lots
    /// hold more than is on hand.
    pub fn check_ownership(&self) -> Result<(), LawBroken> {
        let mut owned: HashMap<CellKey, (u64, u64)> = HashMap::new();
        for (_, entity) in self.iter() {
            match entity {
                Entity::Order(order) => {
                    for (cell, units) in committed_by(order) {
                        owned.entry(cell).or_default().0 += units;
                    }
                }
                Entity::Transfer(transfer) => {
                    for (cell, units) in transfer.committed() {
                        owned.entry(cell).or_default().0 += u64::from(units);
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
        for (key, entity) in self.iter() {
            if let (EntityKey::Lots(sku), Entity::Lots(lots)) = (&key, entity) {
                for node in lots.nodes() {
                    lots.check(node, self.level(CellKey { sku: *sku, node }).on_hand)?;
                }
            }
            let (EntityKey::Cell(cell), Entity::Cell(level)) = (key, entity) else { continue };
            level.check()?;
            let (committed, reserved) = owned.remove(&cell).unwrap_or_default();
            if u64::from(level.committed) != committed || u64::from(level.reserved - level.pool) != reserved {
                return Err(LawBroken(format!(
                    "cell {cell:?}: orders and transfers own {committed}, reservations {reserved}, but the level is {level:?}"
                )));
            }
        }
        match owned.into_iter().find(|(_, (committed, reserved))| committed + reserved > 0) {
            None => Ok(()),
            Some((cell, owners)) => Err(LawBroken(format!("cell {cell:?} is empty, but {owners:?} units are owned"))),
        }
    }
}

/// A state that is filled with entities in ascending order, as a snapshot has them. It lies in memory of just its size:
/// what is freed when it is handed over leaves no holes.
#[derive(Debug, Default)]
pub struct Filling {
    state: State,
    sku: Option<SkuIndex>,
    /// Cells of `sku` so far.
    row: Row,
}

impl Filling {
    /// Fills a state at a position.
    pub fn of(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// Puts an entity behind those before.
    pub fn push(&mut self, key: EntityKey, entity: Entity) {
        let sku = if let EntityKey::Cell(cell) = &key { Some(cell.sku) } else { None };
        if sku != self.sku {
            self.end_row();
            self.sku = sku;
        }
        match key {
            EntityKey::Cell(cell) => self.row.push((cell.node, entity)),
            key => self.state.insert(key, entity),
        }
    }

    fn end_row(&mut self) {
        if let Some(sku) = self.sku {
            let row: Row = self.row.drain(..).collect();
            assert!(row.is_sorted_by(|a, b| a.0 < b.0), "the cells of a sku ascend by node");
            self.state.cells.insert(sku, row);
        }
    }

    /// The state.
    pub fn filled(mut self) -> State {
        self.end_row();
        self.state
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
