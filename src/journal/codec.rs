//! Records and entities as bytes. With `frame`, `mark` and `snapshot` all of the format; the only
//! file that names bincode.
//!
//! ```text
//! body of a record                            entry of a snapshot
//!   u16  version of the header, 1               u16  kind of the entity
//!   u32  length of the header                   u16  version of its encoding
//!    …   header                                 u32  length
//!   u32  number of events                        …   key and entity
//!   per event: u8 type · u8 version · u16 length · bytes
//! ```
//! Sequence number, times, epoch and partition of a record are not in its body: they lie in the
//! frame around it, where the append can still set them.
//!
//! Promises: bincode with variable-length integers, from slices only, with a byte limit, refusing
//! trailing bytes. An unknown type or version is an error, never skipped. What a version means is
//! frozen: golden bytes hold it for ever, and a change of shape is a new version with an upcast.
//!
//! Bounds: a body is at most [`RECORD_BYTES_MAX`], an entity at most [`ENTITY_BYTES_MAX`].

use bincode::Options as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::frame::{Head, Slice, array};
use crate::domain::event::Event;
use crate::domain::ids::Text;
use crate::domain::limits::RECORD_BYTES_MAX;
use crate::domain::record::{Draft, Encoded, Header, Record, RecordTooLarge};
use crate::domain::state::{Entity, EntityKey};
use crate::domain::time::{JournalTime, WallTime};

/// Largest entity of a snapshot, in bytes: an order with a long life.
pub const ENTITY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of an entry of a snapshot before key and entity.
pub(super) const ENTRY_HEAD_BYTES: usize = 8;

const HEADER_VERSION: u16 = 1;
/// Version of every event that is written.
const EVENT_VERSION: u8 = 1;

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
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&HEADER_VERSION.to_le_bytes());
    put_sized(&mut bytes, &header);
    bytes.extend_from_slice(&count(draft.events.len()).to_le_bytes());
    for event in &draft.events {
        put_event(&mut bytes, event);
    }
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordTooLarge { bytes: bytes.len(), max: RECORD_BYTES_MAX });
    }
    Ok(Encoded(bytes))
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
        record.events.push(get_event(code, version, input.short()?)?);
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
    let code = u8::try_from(event.type_code()).expect("types of events are numbered below 256");
    bytes.extend_from_slice(&[code, EVENT_VERSION]);
    match event {
        Event::DirectoryFounded(event) => put_short(bytes, event),
        Event::NodePut(event) => put_short(bytes, event),
        Event::ItemPut(event) => put_short(bytes, event),
        Event::RuleSetPut(event) => put_short(bytes, event),
        Event::StockMoved(event) => put_short(bytes, event),
        Event::ReservationChanged(event) => put_short(bytes, event),
        Event::OrderChanged(event) => put_short(bytes, event),
        Event::KeyUsed(event) => put_short(bytes, event),
    }
}

fn get_event(code: u16, version: u16, bytes: &[u8]) -> Result<Event, Undecodable> {
    const LIMIT: usize = RECORD_BYTES_MAX;
    match (code, version) {
        (1, 1) => get("event", bytes, LIMIT).map(Event::DirectoryFounded),
        (2, 1) => get("event", bytes, LIMIT).map(Event::NodePut),
        (3, 1) => get("event", bytes, LIMIT).map(Event::ItemPut),
        (4, 1) => get("event", bytes, LIMIT).map(Event::RuleSetPut),
        (5, 1) => get("event", bytes, LIMIT).map(Event::StockMoved),
        (6, 1) => get("event", bytes, LIMIT).map(Event::ReservationChanged),
        (7, 1) => get("event", bytes, LIMIT).map(Event::OrderChanged),
        (8, 1) => get("event", bytes, LIMIT).map(Event::KeyUsed),
        (code, version) => Err(Undecodable::Unknown { what: "event", code, version }),
    }
}

/// Appends the entry of an entity in a snapshot.
pub(super) fn put_entity(bytes: &mut Vec<u8>, key: &EntityKey, entity: &Entity) {
    bytes.extend_from_slice(&key.kind().to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    match (key, entity) {
        (EntityKey::Directory, Entity::Directory(entity)) => put_sized(bytes, &((), entity)),
        (EntityKey::Node(key), Entity::Node(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Item(key), Entity::Item(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::RuleSet(key), Entity::RuleSet(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Cell(key), Entity::Cell(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Reservation(key), Entity::Reservation(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Order(key), Entity::Order(entity)) => put_sized(bytes, &(key, entity)),
        (EntityKey::Key(key), Entity::Key(entity)) => put_sized(bytes, &(key, entity)),
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
        (3, 1) => pair(bytes, EntityKey::Item, Entity::Item),
        (4, 1) => pair(bytes, EntityKey::RuleSet, Entity::RuleSet),
        (5, 1) => pair(bytes, EntityKey::Cell, Entity::Cell),
        (6, 1) => pair(bytes, EntityKey::Reservation, Entity::Reservation),
        (7, 1) => pair(bytes, EntityKey::Order, Entity::Order),
        (8, 1) => pair(bytes, EntityKey::Key, Entity::Key),
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
        (3, 1) => first(bytes).map(EntityKey::Item),
        (4, 1) => first(bytes).map(EntityKey::RuleSet),
        (5, 1) => first(bytes).map(EntityKey::Cell),
        (6, 1) => first(bytes).map(EntityKey::Reservation),
        (7, 1) => first(bytes).map(EntityKey::Order),
        (8, 1) => first(bytes).map(EntityKey::Key),
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

/// As [`put_sized`], with a length of two bytes. An event too long for it makes its record too large anyway.
fn put_short(bytes: &mut Vec<u8>, value: &impl Serialize) {
    const { assert!(RECORD_BYTES_MAX <= u16::MAX as usize, "the length of an event fits its field") }
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 2]);
    let length = u16::try_from(put(bytes, value)).unwrap_or(u16::MAX);
    bytes[at..at + 2].copy_from_slice(&length.to_le_bytes());
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

/// Bytes that are consumed from the front.
struct Input<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Undecodable> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.bad("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Undecodable> {
        self.take(2).map(|bytes| u16::from_le_bytes(array(bytes, 0)))
    }

    fn u32(&mut self) -> Result<u32, Undecodable> {
        self.take(4).map(|bytes| u32::from_le_bytes(array(bytes, 0)))
    }

    fn u8(&mut self) -> Result<u8, Undecodable> {
        Ok(self.take(1)?[0])
    }

    fn short(&mut self) -> Result<&'a [u8], Undecodable> {
        let length = usize::from(self.u16()?);
        self.take(length)
    }

    fn sized(&mut self) -> Result<&'a [u8], Undecodable> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    fn end(&self) -> Result<(), Undecodable> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("bytes are left over")) }
    }

    fn bad(&self, why: &str) -> Undecodable {
        Undecodable::Shape { what: self.what, why: why.to_owned() }
    }
}
