//! Records and entities as bytes. With `frame`, `mark` and `snapshot` all of the format; the only
//! file that names bincode.
//!
//! ```text
//! body of a record                            entry of a snapshot
//!   u16  version of the header, 1               u16  kind of the entity
//!   u32  length of the header                   u16  version of its encoding
//!    …   header                                 u32  length
//!   u32  number of parts                         …   key and entity
//!   per part: u8 type · u8 version · u16 length · bytes
//! ```
//! A part is an event, or a crowd of them (type 9, `crowd`).
//!
//! Sequence number, times, epoch and partition of a record are not in its body: they lie in the
//! frame around it, where the append can still set them.
//!
//! Promises: bincode with variable-length integers, from slices only, with a byte limit, refusing
//! trailing bytes. An unknown type or version is an error, never skipped. What a version means is
//! frozen: golden bytes hold it for ever, and a change of shape is a new version with an upcast.
//!
//! Bounds: a body is at most [`RECORD_BYTES_MAX`], an entity at most [`ENTITY_BYTES_MAX`].

mod crowd;
mod input;
mod returned;

use std::sync::Arc;

use bincode::Options as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::crowd::{crowd_in, get_crowd, put_crowd};
use self::input::Input;
use super::frame::{Head, Slice, array};
use super::upcast::{InboundV1, ItemPutV1, ItemV1, OrderV1, OrderV2, OrderV3, announced, plain};
use crate::domain::archive::Archiving;
use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::{ShippingKey, ShippingTerms};
use crate::domain::collection::Collection;
use crate::domain::decision::Decision;
use crate::domain::delivery::Way;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Event, KeyUsed};
use crate::domain::ids::{FulfillmentKey, OrderKey, Text};
use crate::domain::limits::RECORD_BYTES_MAX;
use crate::domain::order::Order;
use crate::domain::order_returns::OrderReturn;
use crate::domain::record::{Draft, Encoded, Header, Record, RecordTooLarge};
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::transfer::Transfer;

/// Largest entity of a snapshot, in bytes: an order with a long life.
pub const ENTITY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of an entry of a snapshot before key and entity.
pub(super) const ENTRY_HEAD_BYTES: usize = 8;

const HEADER_VERSION: u16 = 1;
/// Version of every event that is written, but of those that put an item with a release date or that is tracked, of those
/// of an order that tell of a decision by the kernel in full, and of those that tell of one for several destinations, of those
/// that tell of one that minded orders to come, and of those whose groups went by different rules.
const EVENT_VERSION: u8 = 1;
const ITEM_PUT_VERSION: u8 = 2;
const WEIGHED_VERSION: u8 = 2;
const SEVERAL_VERSION: u8 = 3;
const AHEAD_VERSION: u8 = 4;
const RULED_VERSION: u8 = 5;
/// Version of a carrier of which a service says what greenhouse gas its parcels make, as an event and in a snapshot: with what
/// each says behind it.
const CARBON_VERSION: u8 = 2;
/// Version of the use of a key by a step: with the entity it changed behind it, as in a snapshot.
const STEP_KEYED_VERSION: u8 = 2;
/// Version of the entries of a snapshot, and of those of orders.
const ENTITY_VERSION: u16 = 1;
/// Versions in which an order is written: without returns, with some beside it, and the same of one with a decision by the
/// kernel in full, of one with a decision for several destinations, of one with ways of its groups, beside it too, and the last
/// two of one with a decision that minded orders to come, and of one whose groups went by different rules.
const ORDER_VERSION: u16 = 4;
const ORDER_WITH_RETURNS_VERSION: u16 = 5;
const ORDER_WEIGHED_VERSION: u16 = 6;
const ORDER_SEVERAL_VERSION: u16 = 7;
const ORDER_WITH_WAYS_VERSION: u16 = 8;
const ORDER_AHEAD_VERSION: u16 = 9;
const ORDER_RULED_VERSION: u16 = 10;
/// Version of the entry of an item with a release date or that is tracked.
const ITEM_VERSION: u16 = 2;
/// Version of the entry of a document of supply that was bought.
const INBOUND_VERSION: u16 = 2;
/// Version of the entry of a transfer that is a draft.
const DRAFT_VERSION: u16 = 2;
/// Version of the entry of who comes for a fulfilment order, after other codes were handed in.
const COLLECTION_VERSION: u16 = 2;
/// Kind of an order.
const ORDER: u16 = 7;
/// How an order and the archive met, in events of type 18.
const LEFT: u8 = 0;
const BACK: u8 = 1;
const IMPORTED: u8 = 2;
/// Type of a crowd of reservations, and the version that is written.
const CROWD: u16 = 9;
const CROWD_VERSION: u8 = 1;

/// Why bytes whose checksum was good still mean nothing to this program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// Written by a newer program, or by none.
    #[error("{what} of type {code}, version {version} is unknown to this program")]
    Unknown {
        /// "event", "header" or "entity".
        what: &'static str,
        /// Type or kind.
        code: u16,
        /// Version of its encoding.
        version: u16,
    },
    /// The bytes do not form the shape that their type and version promise.
    #[error("{what} does not decode: {why}")]
    Shape {
        /// "event", "header", "entity" or "record".
        what: &'static str,
        /// What the decoder says.
        why: String,
    },
}

/// Header of a record, version 1.
#[derive(Serialize, Deserialize)]
struct HeaderV1 {
    decided_at: JournalTime,
    catalogue_seq: u64,
    actor: Text,
    source: Text,
    request_id: Text,
}

/// The body of a draft.
pub fn encode(draft: &Draft) -> Result<Encoded, RecordTooLarge> {
    let header = HeaderV1 {
        decided_at: draft.decided_at,
        catalogue_seq: draft.catalogue_seq,
        actor: draft.actor.clone(),
        source: draft.source.clone(),
        request_id: draft.request_id.clone(),
    };
    // A few bytes for each of many, more for each of few.
    let mut bytes = Vec::with_capacity((256 + 24 * draft.events.len()).min(RECORD_BYTES_MAX));
    bytes.extend_from_slice(&HEADER_VERSION.to_le_bytes());
    put_sized(&mut bytes, &header);
    let parts_at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let (mut parts, mut rest) = (0, draft.events.as_slice());
    while let Some(first) = rest.first() {
        let crowd = crowd_in(rest);
        let together = if crowd > 1 {
            put_crowd(&mut bytes, &rest[..crowd]);
            crowd
        } else {
            put_event(&mut bytes, first);
            1
        };
        rest = &rest[together..];
        parts += 1;
    }
    bytes[parts_at..parts_at + 4].copy_from_slice(&count(parts).to_le_bytes());
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordTooLarge { bytes: bytes.len(), max: RECORD_BYTES_MAX });
    }
    Ok(Encoded(bytes))
}

/// Bytes of the body of a record.
pub fn bytes_of(record: &Record) -> usize {
    let Record { header, events } = record;
    let draft = Draft {
        decided_at: header.decided_at,
        catalogue_seq: header.catalogue_seq,
        actor: header.actor.clone(),
        source: header.source.clone(),
        request_id: header.request_id.clone(),
        events: events.clone(),
    };
    encode(&draft).map_or_else(|large| large.bytes, |encoded| encoded.0.len())
}

/// The record that lies in a frame with this head.
pub(super) fn decode(head: &Head, slice: &Slice<'_>) -> Result<Record, Undecodable> {
    let mut input = Input { what: "record", rest: slice.body };
    let version = input.u16()?;
    if version != HEADER_VERSION {
        return Err(Undecodable::Unknown { what: "header", code: 0, version });
    }
    let header: HeaderV1 = get("header", input.sized()?, RECORD_BYTES_MAX)?;
    let events = input.u32()?;
    // Not reserved ahead: the count comes from disk, the events themselves bound the memory.
    let mut record = Record { header: header.complete(head, slice), events: Vec::new() };
    for _ in 0..events {
        let (code, version) = (u16::from(input.u8()?), u16::from(input.u8()?));
        let bytes = input.short()?;
        match code {
            CROWD => get_crowd(version, bytes, &mut record.events)?,
            _ => record.events.push(get_event(code, version, bytes)?),
        }
    }
    input.end()?;
    Ok(record)
}

impl HeaderV1 {
    fn complete(self, head: &Head, slice: &Slice<'_>) -> Header {
        Header {
            seq: slice.seq,
            time: JournalTime(slice.time),
            wall: WallTime(slice.wall),
            decided_at: self.decided_at,
            actor: self.actor,
            source: self.source,
            request_id: self.request_id,
            catalogue_seq: self.catalogue_seq,
            epoch: head.origin.epoch,
            partition: head.origin.partition,
        }
    }
}

/// Versions that are written. Reading knows these and all before.
fn put_event(bytes: &mut Vec<u8>, event: &Event) {
    let version = match event {
        Event::ItemPut(put) if plain(&put.item).is_none() => ITEM_PUT_VERSION,
        Event::OrderChanged(changed) => match changed.event.decision() {
            Some(decision) if decision.is_ruled_by_group() => RULED_VERSION,
            Some(decision) if decision.minds_orders_ahead() => AHEAD_VERSION,
            Some(decision) if decision.is_of_several() => SEVERAL_VERSION,
            Some(decision) if decision.is_weighed() => WEIGHED_VERSION,
            _ => EVENT_VERSION,
        },
        Event::KeyUsed(used) if used.before.is_some() => STEP_KEYED_VERSION,
        Event::ReturnChanged(changed) => changed.event.since(),
        Event::ShippingPut(terms) if terms.carbon().is_some() => CARBON_VERSION,
        _ => EVENT_VERSION,
    };
    let at = put_part_head(bytes, event.type_code(), version);
    match event {
        Event::DirectoryFounded(event) => put(bytes, event),
        Event::NodePut(event) => put(bytes, event),
        Event::ItemPut(event) => match plain(&event.item) {
            Some(item) => put(bytes, &ItemPutV1 { index: event.index, item }),
            None => put(bytes, event),
        },
        Event::RuleSetPut(event) => put(bytes, event),
        Event::StockMoved(event) => put(bytes, event),
        Event::ReservationChanged(event) => put(bytes, event),
        Event::OrderChanged(event) => put(bytes, event),
        Event::KeyUsed(event) => put_key_used(bytes, event),
        Event::InboundChanged(event) => put(bytes, event),
        Event::ChannelChanged(event) => put(bytes, event),
        Event::TransferChanged(event) => put(bytes, event),
        Event::CountNoted(event) => put(bytes, event),
        Event::SubscriptionChanged(event) => put(bytes, event),
        Event::Archiving(event) => put_archiving(bytes, event),
        Event::SlotsChanged(event) => put(bytes, event),
        Event::AddressFormatPut(event) => put(bytes, event),
        Event::LotsChanged(event) => put(bytes, event),
        Event::CycleCountChanged(event) => put(bytes, event),
        Event::ReturnChanged(event) => put(bytes, event),
        Event::WorkloadChanged(event) => put(bytes, event),
        Event::WaveChanged(event) => put(bytes, event),
        Event::BinPut(event) => put(bytes, event),
        Event::PickedNoted(event) => put(bytes, event),
        Event::TransitNoted(event) => put(bytes, event),
        Event::CollectionChanged(event) => put(bytes, event),
        Event::LockersChanged(event) => put(bytes, event),
        Event::DispatchChanged(event) => put(bytes, event),
        Event::DraftChanged(event) => put(bytes, event),
        Event::OptimisationApplied(event) => put(bytes, event),
        Event::OpportunityPut(event) => put(bytes, event),
        Event::ExceptionChanged(event) => put(bytes, event),
        Event::PolicyPut(event) => put(bytes, event),
        Event::ShippingPut(event) => match event.carbon() {
            Some(carbon) => put(bytes, &(event, carbon)),
            None => put(bytes, event),
        },
        Event::CartonPut(event) => put(bytes, event),
        Event::RuleSetChanged(event) => put(bytes, event),
    };
    put_part_length(bytes, at);
}

/// Begins a part; answers where its length goes.
fn put_part_head(bytes: &mut Vec<u8>, code: u16, version: u8) -> usize {
    let code = u8::try_from(code).expect("types of parts are numbered below 256");
    bytes.extend_from_slice(&[code, version, 0, 0]);
    bytes.len() - 2
}

/// Ends a part. One too long for its length makes its record too large anyway.
fn put_part_length(bytes: &mut [u8], at: usize) {
    const { assert!(RECORD_BYTES_MAX <= u16::MAX as usize, "the length of a part fits its field") }
    let length = u16::try_from(bytes.len() - at - 2).unwrap_or(u16::MAX);
    bytes[at..at + 2].copy_from_slice(&length.to_le_bytes());
}

fn get_event(code: u16, version: u16, bytes: &[u8]) -> Result<Event, Undecodable> {
    const LIMIT: usize = RECORD_BYTES_MAX;
    match (code, version) {
        (1, 1) => get("event", bytes, LIMIT).map(Event::DirectoryFounded),
        (2, 1) => get("event", bytes, LIMIT).map(Event::NodePut),
        (3, 1) => get("event", bytes, LIMIT).map(|old: ItemPutV1| Event::ItemPut(old.into())),
        (3, 2) => get("event", bytes, LIMIT).map(Event::ItemPut),
        (4, 1) => get("event", bytes, LIMIT).map(Event::RuleSetPut),
        (5, 1) => get("event", bytes, LIMIT).map(Event::StockMoved),
        (6, 1) => get("event", bytes, LIMIT).map(Event::ReservationChanged),
        (7, 1..=5) => get("event", bytes, LIMIT).map(Event::OrderChanged),
        (8, 1) => get("event", bytes, LIMIT).map(Event::KeyUsed),
        (8, 2) => get_step_keyed(bytes).map(Event::KeyUsed),
        (10, 1) => get("event", bytes, LIMIT).map(Event::InboundChanged),
        (11, 1) => get("event", bytes, LIMIT).map(Event::ChannelChanged),
        (12, 1) => get("event", bytes, LIMIT).map(Event::TransferChanged),
        (13, 1) => get("event", bytes, LIMIT).map(Event::CountNoted),
        (15, 1) => get("event", bytes, LIMIT).map(Event::SubscriptionChanged),
        (18, 1) => get_archiving(bytes).map(Event::Archiving),
        (16, 1) => get("event", bytes, LIMIT).map(Event::SlotsChanged),
        (24, 1) => get("event", bytes, LIMIT).map(Event::AddressFormatPut),
        (17, 1) => get("event", bytes, LIMIT).map(Event::LotsChanged),
        (21, 1) => get("event", bytes, LIMIT).map(Event::CycleCountChanged),
        // What came with the second: money that went to what replaces it, and what carriers told of its parcels; with the
        // third: kits that were taken apart.
        (29, 1..=3) => get("event", bytes, LIMIT).map(Event::ReturnChanged),
        (30, 1) => get("event", bytes, LIMIT).map(Event::WorkloadChanged),
        (32, 1) => get("event", bytes, LIMIT).map(Event::WaveChanged),
        (33, 1) => get("event", bytes, LIMIT).map(Event::BinPut),
        (34, 1) => get("event", bytes, LIMIT).map(Event::PickedNoted),
        (35, 1) => get("event", bytes, LIMIT).map(Event::CollectionChanged),
        (37, 1) => get("event", bytes, LIMIT).map(Event::DraftChanged),
        (38, 1) => get("event", bytes, LIMIT).map(Event::LockersChanged),
        (31, 1) => get("event", bytes, LIMIT).map(Event::OpportunityPut),
        (36, 1) => get("event", bytes, LIMIT).map(Event::OptimisationApplied),
        (39, 1) => get("event", bytes, LIMIT).map(Event::DispatchChanged),
        (42, 1) => get("event", bytes, LIMIT).map(Event::TransitNoted),
        (14, 1) => get("event", bytes, LIMIT).map(Event::ExceptionChanged),
        (20, 1) => get("event", bytes, LIMIT).map(Event::PolicyPut),
        (22, 1) => get("event", bytes, LIMIT).map(Event::ShippingPut),
        (22, 2) => {
            let (terms, carbon): (ShippingTerms, Vec<Option<Carbon>>) = get("event", bytes, LIMIT)?;
            Ok(Event::ShippingPut(Box::new(terms.with_carbon(carbon))))
        }
        (23, 1) => get("event", bytes, LIMIT).map(Event::CartonPut),
        (27, 1) => get("event", bytes, LIMIT).map(Event::RuleSetChanged),
        (code, version) => Err(Undecodable::Unknown { what: "event", code, version }),
    }
}

/// A step's key is followed by the entry that a snapshot would have of what it changed, so that what a snapshot can read of
/// old ones this can too.
fn put_key_used(bytes: &mut Vec<u8>, used: &KeyUsed) -> usize {
    let Some(before) = &used.before else { return put(bytes, used) };
    let at = bytes.len();
    put_sized(bytes, used);
    put_entity(bytes, &before.0, &before.1);
    bytes.len() - at
}

fn get_step_keyed(bytes: &[u8]) -> Result<KeyUsed, Undecodable> {
    let mut input = Input { what: "event", rest: bytes };
    let used: KeyUsed = get("event", input.sized()?, RECORD_BYTES_MAX)?;
    let (kind, version) = (input.u16()?, input.u16()?);
    let before = get_entity(kind, version, input.sized()?)?;
    input.end()?;
    Ok(KeyUsed { before: Some(Box::new(before)), ..used })
}

/// Orders lie in these events as they lie in a snapshot, so that what a snapshot can read of old ones these can too.
fn put_archiving(bytes: &mut Vec<u8>, event: &Archiving) -> usize {
    let at = bytes.len();
    match event {
        Archiving::Left(key) => {
            bytes.push(LEFT);
            put(bytes, key);
        }
        Archiving::Back(order) => put_order(bytes, BACK, order),
        Archiving::Imported(order) => put_order(bytes, IMPORTED, order),
    }
    bytes.len() - at
}

fn put_order(bytes: &mut Vec<u8>, how: u8, order: &Order) {
    bytes.push(how);
    bytes.extend_from_slice(&order_version(order).to_le_bytes());
    match order_version(order) {
        ORDER_VERSION => put(bytes, &(order.key, order)),
        ORDER_WITH_WAYS_VERSION | ORDER_AHEAD_VERSION | ORDER_RULED_VERSION => {
            put(bytes, &(order.key, order, &order.returns, &order.ways))
        }
        _ => put(bytes, &(order.key, order, &order.returns)),
    };
}

fn put_order_sized(bytes: &mut Vec<u8>, key: OrderKey, order: &Order) {
    match order_version(order) {
        ORDER_VERSION => put_sized(bytes, &(key, order)),
        ORDER_WITH_WAYS_VERSION | ORDER_AHEAD_VERSION | ORDER_RULED_VERSION => {
            put_sized(bytes, &(key, order, &order.returns, &order.ways))
        }
        _ => put_sized(bytes, &(key, order, &order.returns)),
    }
}

fn order_version(order: &Order) -> u16 {
    match order.returns.is_empty() {
        _ if order.decisions().any(Decision::is_ruled_by_group) => ORDER_RULED_VERSION,
        _ if order.decisions().any(Decision::minds_orders_ahead) => ORDER_AHEAD_VERSION,
        _ if !order.ways.is_empty() => ORDER_WITH_WAYS_VERSION,
        _ if order.decisions().any(Decision::is_of_several) => ORDER_SEVERAL_VERSION,
        _ if order.decisions().any(Decision::is_weighed) => ORDER_WEIGHED_VERSION,
        true => ORDER_VERSION,
        false => ORDER_WITH_RETURNS_VERSION,
    }
}

fn get_archiving(bytes: &[u8]) -> Result<Archiving, Undecodable> {
    let mut input = Input { what: "event", rest: bytes };
    let how = input.u8()?;
    if how == LEFT {
        return get("event", input.rest, RECORD_BYTES_MAX).map(Archiving::Left);
    }
    let version = input.u16()?;
    match (how, get_entity(ORDER, version, input.rest)?) {
        (BACK, (_, Entity::Order(order))) => Ok(Archiving::Back(Box::new(Arc::unwrap_or_clone(order)))),
        (IMPORTED, (_, Entity::Order(order))) => Ok(Archiving::Imported(Box::new(Arc::unwrap_or_clone(order)))),
        _ => Err(Undecodable::Unknown { what: "event", code: 18, version: u16::from(how) }),
    }
}

/// An order as the archive holds it: the bytes of a snapshot's entry.
pub(super) fn put_archived(bytes: &mut Vec<u8>, order: &Order) {
    bytes.extend_from_slice(&ORDER.to_le_bytes());
    bytes.extend_from_slice(&order_version(order).to_le_bytes());
    put_order_sized(bytes, order.key, order);
}

/// Bytes of a value that lies in a file of its own, checksum and all.
pub(super) fn put_value(bytes: &mut Vec<u8>, value: &impl Serialize) {
    put(bytes, value);
}

/// The value of such bytes.
pub(super) fn get_value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
    get("value", bytes, bytes.len())
}

/// Appends the entry of an entity in a snapshot.
pub(super) fn put_entity(bytes: &mut Vec<u8>, key: &EntityKey, entity: &Entity) {
    bytes.extend_from_slice(&key.kind().to_le_bytes());
    let version = match entity {
        Entity::Order(order) => order_version(order),
        Entity::Item(item) if plain(item).is_none() => ITEM_VERSION,
        Entity::Inbound(inbound) if inbound.bought_at.is_some() => INBOUND_VERSION,
        Entity::Transfer(transfer) if transfer.is_draft => DRAFT_VERSION,
        Entity::Collection(known) if known.tries > 0 => COLLECTION_VERSION,
        Entity::Return(known) => returned::version(known),
        Entity::Shipping(terms) if terms.carbon().is_some() => CARBON_VERSION.into(),
        _ => ENTITY_VERSION,
    };
    bytes.extend_from_slice(&version.to_le_bytes());
    match (key, entity) {
        (EntityKey::Directory, Entity::Directory(entity)) => put_sized(bytes, &((), entity)),
        (EntityKey::Node(key), Entity::Node(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Item(key), Entity::Item(entity)) => match plain(entity) {
            Some(item) => put_sized(bytes, &(key, item)),
            None => put_sized(bytes, &(key, entity)),
        },
        (EntityKey::RuleSet(key), Entity::RuleSet(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Cell(key), Entity::Cell(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Reservation(key), Entity::Reservation(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Order(key), Entity::Order(order)) => put_order_sized(bytes, *key, order),
        (EntityKey::Key(key), Entity::Key(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Inbound(key), Entity::Inbound(entity)) => match announced(entity) {
            Some(inbound) => put_sized(bytes, &(key, inbound)),
            None => put_sized(bytes, &(key, entity)),
        },
        (EntityKey::Channel(key), Entity::Channel(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Transfer(key), Entity::Transfer(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Count(key), Entity::Count(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Minute(key), Entity::Minute(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Subscription(key), Entity::Subscription(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Slots(key), Entity::Slots(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::AddressFormat(key), Entity::AddressFormat(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Lots(key), Entity::Lots(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::CycleCount(key), Entity::CycleCount(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Return(key), Entity::Return(known)) => returned::put(bytes, *key, known),
        (EntityKey::Workload(key), Entity::Workload(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Wave(key), Entity::Wave(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Bin(key), Entity::Bin(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Picked(key), Entity::Picked(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Collection(key), Entity::Collection(known)) => match known.tries {
            0 => put_sized(bytes, &(key, known)),
            tries => put_sized(bytes, &(key, known, tries)),
        },
        (EntityKey::Draft(key), Entity::Draft(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Lockers(key), Entity::Lockers(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Opportunity(key), Entity::Opportunity(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Optimisation(key), Entity::Optimisation(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Dispatch(key), Entity::Dispatch(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::ShortPicks(key), Entity::ShortPicks(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Transit(key), Entity::Transit(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Velocity(key), Entity::Velocity(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Exception(key), Entity::Exception(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Policy(key), Entity::Policy(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Shipping(key), Entity::Shipping(entity)) => match entity.carbon() {
            Some(carbon) => put_sized(bytes, &(key, entity, carbon)),
            None => put_sized(bytes, &(key, entity)),
        },
        (EntityKey::Carton(key), Entity::Carton(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::RuleVersions(key), Entity::RuleVersions(entity)) => put_sized(bytes, &(key, entity)),
        (key, entity) => panic!("an entity lies under a key of its own kind, not {entity:?} under {key:?}"),
    }
}

/// The entity of an entry whose head was split off.
pub(super) fn get_entity(kind: u16, version: u16, bytes: &[u8]) -> Result<(EntityKey, Entity), Undecodable> {
    fn pair<K: DeserializeOwned, E: DeserializeOwned>(
        bytes: &[u8],
        key: impl FnOnce(K) -> EntityKey,
        entity: impl FnOnce(E) -> Entity,
    ) -> Result<(EntityKey, Entity), Undecodable> {
        let (id, value) = get("entity", bytes, ENTITY_BYTES_MAX)?;
        Ok((key(id), entity(value)))
    }
    match (kind, version) {
        (1, 1) => pair(bytes, |()| EntityKey::Directory, Entity::Directory),
        (2, 1) => pair(bytes, EntityKey::Node, Entity::Node),
        (3, 1) => pair(bytes, EntityKey::Item, |old: ItemV1| Entity::Item(Box::new(old.into()))),
        (3, 2) => pair(bytes, EntityKey::Item, Entity::Item),
        (4, 1) => pair(bytes, EntityKey::RuleSet, Entity::RuleSet),
        (5, 1) => pair(bytes, EntityKey::Cell, Entity::Cell),
        (6, 1) => pair(bytes, EntityKey::Reservation, Entity::Reservation),
        (7, 1) => pair(bytes, EntityKey::Order, |old: OrderV1| Entity::Order(Arc::new(old.into()))),
        (7, 2) => pair(bytes, EntityKey::Order, |old: OrderV2| Entity::Order(Arc::new(old.into()))),
        (7, 3) => pair(bytes, EntityKey::Order, |old: OrderV3| Entity::Order(Arc::new(old.into()))),
        (7, 4) => pair(bytes, EntityKey::Order, Entity::Order),
        (7, 5..=7) => {
            let (key, order, returns): (OrderKey, Box<Order>, Vec<OrderReturn>) =
                get("entity", bytes, ENTITY_BYTES_MAX)?;
            Ok((EntityKey::Order(key), Entity::Order(Arc::new(Order { returns, ..*order }))))
        }
        (7, 8..=10) => {
            let (key, order, returns, ways): (OrderKey, Box<Order>, Vec<OrderReturn>, Vec<Way>) =
                get("entity", bytes, ENTITY_BYTES_MAX)?;
            Ok((EntityKey::Order(key), Entity::Order(Arc::new(Order { returns, ways, ..*order }))))
        }
        (8, 1) => pair(bytes, EntityKey::Key, Entity::Key),
        (9, 1) => pair(bytes, EntityKey::Inbound, |old: InboundV1| Entity::Inbound(Box::new(old.into()))),
        (9, 2) => pair(bytes, EntityKey::Inbound, Entity::Inbound),
        (10, 1) => pair(bytes, EntityKey::Channel, Entity::Channel),
        (11, 1) => pair(bytes, EntityKey::Transfer, Entity::Transfer),
        (11, 2) => pair(bytes, EntityKey::Transfer, |draft: Box<Transfer>| {
            Entity::Transfer(Box::new(Transfer { is_draft: true, ..*draft }))
        }),
        (12, 1) => pair(bytes, EntityKey::Count, Entity::Count),
        (19, 1) => pair(bytes, EntityKey::Minute, Entity::Minute),
        (14, 1) => pair(bytes, EntityKey::Subscription, Entity::Subscription),
        (15, 1) => pair(bytes, EntityKey::Slots, Entity::Slots),
        (24, 1) => pair(bytes, EntityKey::AddressFormat, Entity::AddressFormat),
        (16, 1) => pair(bytes, EntityKey::Lots, Entity::Lots),
        (21, 1) => pair(bytes, EntityKey::CycleCount, Entity::CycleCount),
        (29, version) => returned::take(version, bytes),
        (30, 1) => pair(bytes, EntityKey::Workload, Entity::Workload),
        (32, 1) => pair(bytes, EntityKey::Wave, Entity::Wave),
        (33, 1) => pair(bytes, EntityKey::Bin, Entity::Bin),
        (34, 1) => pair(bytes, EntityKey::Picked, Entity::Picked),
        (35, 1) => pair(bytes, EntityKey::Collection, Entity::Collection),
        (35, 2) => {
            let (key, known, tries): (FulfillmentKey, Box<Collection>, u8) = get("entity", bytes, ENTITY_BYTES_MAX)?;
            Ok((EntityKey::Collection(key), Entity::Collection(Box::new(Collection { tries, ..*known }))))
        }
        (37, 1) => pair(bytes, EntityKey::Draft, Entity::Draft),
        (38, 1) => pair(bytes, EntityKey::Lockers, Entity::Lockers),
        (31, 1) => pair(bytes, EntityKey::Opportunity, Entity::Opportunity),
        (36, 1) => pair(bytes, EntityKey::Optimisation, Entity::Optimisation),
        (39, 1) => pair(bytes, EntityKey::Dispatch, Entity::Dispatch),
        (40, 1) => pair(bytes, EntityKey::ShortPicks, Entity::ShortPicks),
        (42, 1) => pair(bytes, EntityKey::Transit, Entity::Transit),
        (43, 1) => pair(bytes, EntityKey::Velocity, Entity::Velocity),
        (13, 1) => pair(bytes, EntityKey::Exception, Entity::Exception),
        (20, 1) => pair(bytes, EntityKey::Policy, Entity::Policy),
        (22, 1) => pair(bytes, EntityKey::Shipping, Entity::Shipping),
        (22, 2) => {
            let (key, terms, carbon): (ShippingKey, ShippingTerms, Vec<Option<Carbon>>) =
                get("entity", bytes, ENTITY_BYTES_MAX)?;
            Ok((EntityKey::Shipping(key), Entity::Shipping(Box::new(terms.with_carbon(carbon)))))
        }
        (23, 1) => pair(bytes, EntityKey::Carton, Entity::Carton),
        (27, 1) => pair(bytes, EntityKey::RuleVersions, Entity::RuleVersions),
        (code, version) => Err(Undecodable::Unknown { what: "entity", code, version }),
    }
}

/// The key alone of an entry whose head was split off: it stands before the entity.
pub(super) fn get_key(kind: u16, version: u16, bytes: &[u8]) -> Result<EntityKey, Undecodable> {
    fn first<K: DeserializeOwned>(bytes: &[u8]) -> Result<K, Undecodable> {
        let options = bincode::DefaultOptions::new().with_limit(ENTITY_BYTES_MAX as u64).allow_trailing_bytes();
        options.deserialize(bytes).map_err(|error| Undecodable::Shape { what: "entity", why: error.to_string() })
    }
    match (kind, version) {
        (1, 1) => Ok(EntityKey::Directory),
        (2, 1) => first(bytes).map(EntityKey::Node),
        (3, 1 | 2) => first(bytes).map(EntityKey::Item),
        (4, 1) => first(bytes).map(EntityKey::RuleSet),
        (5, 1) => first(bytes).map(EntityKey::Cell),
        (6, 1) => first(bytes).map(EntityKey::Reservation),
        (7, 1..=10) => first(bytes).map(EntityKey::Order),
        (8, 1) => first(bytes).map(EntityKey::Key),
        (9, 1 | 2) => first(bytes).map(EntityKey::Inbound),
        (10, 1) => first(bytes).map(EntityKey::Channel),
        (11, 1 | 2) => first(bytes).map(EntityKey::Transfer),
        (12, 1) => first(bytes).map(EntityKey::Count),
        (19, 1) => first(bytes).map(EntityKey::Minute),
        (14, 1) => first(bytes).map(EntityKey::Subscription),
        (15, 1) => first(bytes).map(EntityKey::Slots),
        (24, 1) => first(bytes).map(EntityKey::AddressFormat),
        (16, 1) => first(bytes).map(EntityKey::Lots),
        (21, 1) => first(bytes).map(EntityKey::CycleCount),
        (29, 1..=4) => first(bytes).map(EntityKey::Return),
        (30, 1) => first(bytes).map(EntityKey::Workload),
        (32, 1) => first(bytes).map(EntityKey::Wave),
        (33, 1) => first(bytes).map(EntityKey::Bin),
        (34, 1) => first(bytes).map(EntityKey::Picked),
        (35, 1 | 2) => first(bytes).map(EntityKey::Collection),
        (37, 1) => first(bytes).map(EntityKey::Draft),
        (38, 1) => first(bytes).map(EntityKey::Lockers),
        (31, 1) => first(bytes).map(EntityKey::Opportunity),
        (36, 1) => first(bytes).map(EntityKey::Optimisation),
        (39, 1) => first(bytes).map(EntityKey::Dispatch),
        (40, 1) => first(bytes).map(EntityKey::ShortPicks),
        (42, 1) => first(bytes).map(EntityKey::Transit),
        (43, 1) => first(bytes).map(EntityKey::Velocity),
        (13, 1) => first(bytes).map(EntityKey::Exception),
        (20, 1) => first(bytes).map(EntityKey::Policy),
        (22, 1 | 2) => first(bytes).map(EntityKey::Shipping),
        (23, 1) => first(bytes).map(EntityKey::Carton),
        (27, 1) => first(bytes).map(EntityKey::RuleVersions),
        (code, version) => Err(Undecodable::Unknown { what: "entity", code, version }),
    }
}

/// Splits the head of an entry: kind, version, length of what follows.
pub(super) fn entry_head(head: &[u8; ENTRY_HEAD_BYTES]) -> (u16, u16, usize) {
    let length = u32::from_le_bytes(array(head, 4)) as usize;
    (u16::from_le_bytes(array(head, 0)), u16::from_le_bytes(array(head, 2)), length)
}

fn put_sized(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let length = count(put(bytes, value));
    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

fn put(bytes: &mut Vec<u8>, value: &impl Serialize) -> usize {
    let at = bytes.len();
    bincode::DefaultOptions::new()
        .serialize_into(&mut *bytes, value)
        .expect("values of the domain hold nothing that bincode cannot write to memory");
    bytes.len() - at
}

fn get<T: DeserializeOwned>(what: &'static str, bytes: &[u8], limit: usize) -> Result<T, Undecodable> {
    bincode::DefaultOptions::new()
        .with_limit(limit as u64)
        .reject_trailing_bytes()
        .deserialize(bytes)
        .map_err(|error| Undecodable::Shape { what, why: error.to_string() })
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a draft or an entity is far below 4 GiB")
}
