//! Entities: what a journal is about, each with the fold of its events.
//!
//! The engine's replay, the snapshot folder, `check` and tests call the same folds. A fold never looks up another entity.
//! Not here: all entities at a position (`state`).
//!
//! Long because every kind has its line in each table of kinds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::address::AddressFormat;
use super::carrier::{ShippingKey, ShippingTerms};
use super::carton::Carton;
use super::channel::Channel;
use super::collection::Collection;
use super::count::{CountMark, Minute, MinuteKey};
use super::cycle_count::CycleCount;
use super::dispatch::{Dispatch, DispatchKey};
use super::draft::Draft;
use super::event::{DirectoryFounded, Event, KeyUsed};
use super::exception::{Exception, ExceptionKey};
use super::ids::{
    ChannelIndex, CycleCountKey, DraftKey, FulfillmentKey, InboundKey, NodeIndex, OrderKey, ReservationKey, ReturnKey,
    SkuIndex, SubscriptionKey, Text, TransferKey, WaveKey,
};
use super::inbound::Inbound;
use super::item::Item;
use super::limits::KEY_WINDOW_MS;
use super::lockers::Lockers;
use super::lots::SkuLots;
use super::node::Node;
use super::opportunity::Opportunity;
use super::optimisation::Applied;
use super::order::Order;
use super::picked::{PickedDay, PickedKey};
use super::picking::BinPlace;
use super::policy::{Policy, PolicyKey};
use super::record::Header;
use super::reservation::Reservation;
use super::returns::Return;
use super::rule_set::RuleSet;
use super::rules::versions::RuleVersions;
use super::short_pick::ShortPicks;
use super::slots::Slots;
use super::stock::{CellKey, LawBroken, Level};
use super::subscription::Subscription;
use super::time::JournalTime;
use super::transfer::Transfer;
use super::transit::{Transit, TransitKey};
use super::velocity::Velocity;
use super::wave::Wave;
use super::workload::Workload;

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
    /// The versions of a rule set.
    RuleVersions(Text),
    /// A return.
    Return(ReturnKey),
    /// The work of a node.
    Workload(NodeIndex),
    /// What stock and shipments are worth to orders to come: there is one.
    Opportunity(()),
    /// A wave.
    Wave(WaveKey),
    /// Where a sku lies at a node.
    Bin(CellKey),
    /// What was picked on a day.
    Picked(PickedKey),
    /// Who comes for a fulfilment order.
    Collection(FulfillmentKey),
    /// An optimisation that was applied.
    Optimisation(Text),
    /// A draft.
    Draft(DraftKey),
    /// The lockers of a node.
    Lockers(NodeIndex),
    /// Numbers of parcels, parcels, or a manifest.
    Dispatch(DispatchKey),
    /// How often units were not found at a node.
    ShortPicks(NodeIndex),
    /// How long parcels of a service are on the way.
    Transit(TransitKey),
    /// How fast a sku leaves a node.
    Velocity(CellKey),
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
    Order(Arc<Order>),
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
    /// The versions of a rule set.
    RuleVersions(Box<RuleVersions>),
    /// A return.
    Return(Box<Return>),
    /// The work of a node.
    Workload(Box<Workload>),
    /// A wave.
    Wave(Box<Wave>),
    /// Where a sku lies at a node; nowhere any more when `None`.
    Bin(Option<Box<BinPlace>>),
    /// What was picked on a day.
    Picked(Box<PickedDay>),
    /// Who comes for a fulfilment order.
    Collection(Box<Collection>),
    /// A draft.
    Draft(Box<Draft>),
    /// The lockers of a node.
    Lockers(Box<Lockers>),
    /// An optimisation that was applied.
    Optimisation(Box<Applied>),
    /// Numbers of parcels, parcels, or a manifest.
    Dispatch(Box<Dispatch>),
    /// How often units were not found at a node: beside the cells whose movements tell it.
    ShortPicks(Box<ShortPicks>),
    /// What stock and shipments are worth to orders to come.
    Opportunity(Box<Opportunity>),
    /// How long parcels of a service were on the way in a zone.
    Transit(Box<Transit>),
    /// How fast a sku left a node: beside the cell whose movements tell it.
    Velocity(Box<Velocity>),
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
            Self::RuleVersions(_) => 27,
            Self::Return(_) => 29,
            Self::Workload(_) => 30,
            Self::Opportunity(_) => 31,
            Self::Wave(_) => 32,
            Self::Bin(_) => 33,
            Self::Picked(_) => 34,
            Self::Collection(_) => 35,
            Self::Draft(_) => 37,
            Self::Lockers(_) => 38,
            Self::Optimisation(_) => 36,
            Self::Dispatch(_) => 39,
            Self::ShortPicks(_) => 40,
            Self::Transit(_) => 42,
            Self::Velocity(_) => 43,
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
            (None | Some(Self::Opportunity(_)), Event::OpportunityPut(put)) => {
                put.check()?;
                Ok(Self::Opportunity(put.clone()))
            }
            (None | Some(Self::Node(_)), Event::NodePut(put)) => Ok(Self::Node(put.node.clone().into())),
            (None | Some(Self::Item(_)), Event::ItemPut(put)) => Ok(Self::Item(put.item.clone().into())),
            (None | Some(Self::RuleSet(_)), Event::RuleSetPut(put)) => Ok(Self::RuleSet(put.clone().into())),
            (None, Event::SlotsChanged(e)) => Slots::fold(None, &e.event).map(|slots| Self::Slots(Box::new(slots))),
            (Some(Self::Slots(before)), Event::SlotsChanged(e)) => {
                Slots::fold(Some(*before), &e.event).map(|slots| Self::Slots(Box::new(slots)))
            }
            (None, Event::LockersChanged(e)) => Lockers::fold(None, &e.event).map(|own| Self::Lockers(Box::new(own))),
            (Some(Self::Lockers(before)), Event::LockersChanged(e)) => {
                Lockers::fold(Some(*before), &e.event).map(|own| Self::Lockers(Box::new(own)))
            }
            (None, Event::WorkloadChanged(e)) => {
                Workload::fold(None, e.node, header.wall, &e.event).map(|work| Self::Workload(Box::new(work)))
            }
            (Some(Self::Workload(before)), Event::WorkloadChanged(e)) => {
                Workload::fold(Some(*before), e.node, header.wall, &e.event).map(|work| Self::Workload(Box::new(work)))
            }
            (None | Some(Self::AddressFormat(_)), Event::AddressFormatPut(put)) => Ok(Self::AddressFormat(put.clone())),
            (None | Some(Self::Carton(_)), Event::CartonPut(put)) => Ok(Self::Carton(put.clone())),
            (None, Event::RuleSetChanged(e)) => {
                RuleVersions::fold(None, &e.name, header.seq, &e.event).map(|v| Self::RuleVersions(Box::new(v)))
            }
            (Some(Self::RuleVersions(before)), Event::RuleSetChanged(e)) => {
                let versions = RuleVersions::fold(Some(*before), &e.name, header.seq, &e.event);
                versions.map(|v| Self::RuleVersions(Box::new(v)))
            }
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
                Order::fold(None, e.key, e.version, header, &e.event).map(|o| Self::Order(Arc::new(o)))
            }
            (Some(Self::Order(before)), Event::OrderChanged(e)) => {
                Order::fold(Some(Arc::unwrap_or_clone(before)), e.key, e.version, header, &e.event)
                    .map(|o| Self::Order(Arc::new(o)))
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
            (None, Event::Archiving(e)) => Order::archive(None, header, e).map(|o| Self::Order(Arc::new(o))),
            (Some(Self::Order(before)), Event::Archiving(e)) => {
                Order::archive(Some(Arc::unwrap_or_clone(before)), header, e).map(|o| Self::Order(Arc::new(o)))
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
            (None, Event::ReturnChanged(e)) => {
                Return::fold(None, e.key, e.version, header, &e.event).map(|r| Self::Return(Box::new(r)))
            }
            (Some(Self::Return(before)), Event::ReturnChanged(e)) => {
                Return::fold(Some(*before), e.key, e.version, header, &e.event).map(|r| Self::Return(Box::new(r)))
            }
            (None, Event::WaveChanged(e)) => {
                Wave::fold(None, e.key, e.version, header, &e.event).map(|w| Self::Wave(Box::new(w)))
            }
            (Some(Self::Wave(before)), Event::WaveChanged(e)) => {
                Wave::fold(Some(*before), e.key, e.version, header, &e.event).map(|w| Self::Wave(Box::new(w)))
            }
            (None, Event::CollectionChanged(e)) => {
                Collection::fold(None, &e.event).map(|known| Self::Collection(Box::new(known)))
            }
            (Some(Self::Collection(before)), Event::CollectionChanged(e)) => {
                Collection::fold(Some(*before), &e.event).map(|known| Self::Collection(Box::new(known)))
            }
            (None, Event::OptimisationApplied(e)) => {
                Ok(Self::Optimisation(Box::new(Applied { figures: e.figures, at: header.time })))
            }
            (None, Event::DispatchChanged(e)) => {
                Dispatch::fold(None, &e.key, header.time, &e.event).map(|known| Self::Dispatch(Box::new(known)))
            }
            (Some(Self::Dispatch(before)), Event::DispatchChanged(e)) => {
                Dispatch::fold(Some(*before), &e.key, header.time, &e.event)
                    .map(|known| Self::Dispatch(Box::new(known)))
            }
            (None, Event::DraftChanged(e)) => {
                Draft::fold(None, e.key, e.version, header, &e.event).map(|d| Self::Draft(Box::new(d)))
            }
            (Some(Self::Draft(before)), Event::DraftChanged(e)) => {
                Draft::fold(Some(*before), e.key, e.version, header, &e.event).map(|d| Self::Draft(Box::new(d)))
            }
            (None | Some(Self::Bin(_)), Event::BinPut(put)) => Ok(Self::Bin(put.place.clone().map(Box::new))),
            (None, Event::PickedNoted(noted)) => Ok(Self::Picked(Box::new(PickedDay::of(noted)))),
            (Some(Self::Picked(before)), Event::PickedNoted(noted)) => Ok(Self::Picked(Box::new(before.plus(noted)))),
            (None, Event::ExceptionChanged(e)) => {
                Exception::fold(None, e.key, e.version, header, &e.event).map(|x| Self::Exception(Box::new(x)))
            }
            (Some(Self::Exception(before)), Event::ExceptionChanged(e)) => {
                Exception::fold(Some(*before), e.key, e.version, header, &e.event).map(|x| Self::Exception(Box::new(x)))
            }
            (None, Event::TransitNoted(e)) => {
                let mut transit = Transit::default();
                transit.note(e.arrived);
                Ok(Self::Transit(Box::new(transit)))
            }
            (Some(Self::Transit(mut transit)), Event::TransitNoted(e)) => {
                transit.note(e.arrived);
                Ok(Self::Transit(transit))
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

    /// Whether nothing needs to know of it any more at `now`. Snapshots and memory leave such entities out.
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
            Self::Return(known) => known.is_forgotten_at(now),
            Self::Wave(wave) => wave.is_forgotten_at(now),
            Self::Draft(draft) => draft.is_forgotten_at(now),
            Self::Bin(place) => place.is_none(),
            Self::Picked(day) => day.is_forgotten_at(now),
            Self::Collection(known) => known.over,
            Self::Optimisation(applied) => applied.is_forgotten_at(now),
            Self::Dispatch(known) => known.is_forgotten_at(now),
            Self::Velocity(known) => known.is_forgotten_at(now),
            _ => false,
        }
    }
}
