//! Bytes that are on disks out there: every version of every record and entry reads for ever.
//!
//! A change here is never right. A new shape is a new version with lines of its own.

mod collection;
mod dispatch;
mod drafts;
mod lockers;
mod opportunity;
mod orders;
mod picking;
mod policies;
mod returns;
mod samples;
mod shipping;
mod steps;
mod supply;
mod transit;
mod weighed;
mod worth;

use self::orders::*;
use self::samples::*;
use super::*;
use crate::domain::channel::PaymentBefore;
use crate::domain::count::{Minute, Moved};
use crate::domain::entity::{Entity, EntityKey, KeyEntry};
use crate::domain::event::*;
use crate::domain::ids::{InboundKey, OrderKey, ReservationKey, TransferKey};
use crate::domain::inbound::InboundEvent;
use crate::domain::item::Tracking;
use crate::domain::lots::LotChange;
use crate::domain::node::NodeKind;
use crate::domain::order::*;
use crate::domain::payment::PaymentMark;
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::redating::Redated;
use crate::domain::reservation::{Held, ReservationEvent};
use crate::domain::short_pick::{Looked, Seen, Shelf, ShortPicks};
use crate::domain::time::WallTime;
use crate::domain::velocity::{Left, Velocity};
use crate::journal::frame::{Builder, Slice};

const CELL: CellKey = CellKey { sku: SkuIndex(3), node: NodeIndex(300) };

fn draft_of(events: Vec<Event>) -> Draft {
    Draft {
        decided_at: JournalTime(1_700_000_000_000),
        catalogue_seq: 7,
        actor: "anonymous".into(),
        source: "http".into(),
        request_id: "r".into(),
        events,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_event_has_these_bytes_for_ever() {
    let golden: Vec<&str> = include_str!("golden_events.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    assert_eq!(hex(&bare), golden[0], "a header without events");
    let events = events();
    assert_eq!(golden.len(), events.len() + 1);
    for (event, expected) in events.iter().zip(&golden[1..]) {
        let bytes = codec::encode(&draft_of(vec![event.clone()])).unwrap().0;
        assert_eq!(hex(&bytes[bare.len()..]), *expected, "{event:?}");
    }
    let codes: std::collections::BTreeSet<u16> = events.iter().map(Event::type_code).collect();
    let all = [
        1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38, 39, 42,
    ];
    assert_eq!(codes, all.into(), "a sample of every type");
}

#[test]
fn what_an_order_is_promised_and_by_when_it_is_wanted_has_these_bytes_for_ever() {
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    let promised = collection::promised(92);
    for (event, expected) in promised.iter().zip(["070107005c022701fbcc99", "070106005c0328fbd499"]) {
        let bytes = codec::encode(&draft_of(vec![event.clone()])).unwrap().0;
        assert_eq!(hex(&bytes[bare.len()..]), expected, "{event:?}");
    }
}

/// Reservations made by one record: two of an owner, one of another, and one that ends at another time.
fn crowd() -> Vec<Event> {
    let made = |number, owner: &str, customer: Option<&str>, end, lines: &[(u32, u32)]| {
        Event::ReservationChanged(ReservationChanged {
            key: ReservationKey(number),
            version: 1,
            event: ReservationEvent::Held {
                id: None,
                fingerprint: number % 2,
                owner: owner.into(),
                channel: None,
                customer: customer.map(Into::into),
                expires_at: JournalTime(end),
                lines: lines.iter().map(|(sku, quantity)| held(*sku, *quantity)).collect(),
            },
        })
    };
    let held_until = 1_700_000_900_000;
    vec![
        made(1 << 40, "cart", None, held_until, &[(3, 2)]),
        made((1 << 40) + 1, "cart", None, held_until, &[(3, 1), (4, 300)]),
        made((1 << 40) + 5, "cart-2", Some("c-1"), held_until, &[(70_000, 1)]),
        made((1 << 40) + 6, "cart-2", Some("c-1"), held_until + 1, &[(3, 1)]),
        events()[4].clone(),
    ]
}

fn held(sku: u32, quantity: u32) -> Held {
    Held { sku: SkuIndex(sku), node: NodeIndex(1), quantity }
}

#[test]
fn a_crowd_has_these_bytes_for_ever_and_reads_back_as_its_events() {
    let golden: Vec<&str> = include_str!("golden_crowds.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    let body = codec::encode(&draft_of(crowd())).unwrap().0;
    assert_eq!(body[bare.len() - 4..][..4], [3, 0, 0, 0], "a crowd and two events");
    assert_eq!(hex(&body[bare.len()..]), golden[0]);

    let frame = |body: &[u8]| {
        let mut builder = Builder::new(Origin { directory: 1, partition: 0, epoch: 5 }, Link::START);
        builder.push(Slice { seq: 1, time: 10, wall: 20, body });
        builder.finish(0)
    };
    let read = |body: &[u8]| {
        let frame = frame(body);
        codec::decode(&frame.head(), &frame.records().next().unwrap()).map(|record| record.events)
    };
    assert_eq!(read(&body), Ok(crowd()));
    for length in bare.len()..body.len() {
        assert!(read(&body[..length]).is_err(), "cut to {length}");
    }
    // Nothing of it is believed unchecked: another version, a first without an owner, numbers that end.
    let changed = |at: usize, byte: u8| {
        let mut body = body.clone();
        body[bare.len() + at] = byte;
        read(&body)
    };
    assert!(changed(1, 2).is_err());
    let out_of_order: Vec<Event> = crowd().into_iter().take(3).rev().collect();
    let body = codec::encode(&draft_of(out_of_order.clone())).unwrap().0;
    assert_eq!(read(&body), Ok(out_of_order), "numbers that fall make no crowd");
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let draft = draft_of(events());
    let body = codec::encode(&draft).unwrap();
    let origin = Origin { directory: 1, partition: 0, epoch: 5 };
    let mut builder = Builder::new(origin, Link::START);
    builder.push(Slice { seq: 1, time: 10, wall: 20, body: &body.0 });
    let frame = builder.finish(0);
    let slice = frame.records().next().unwrap();
    let record = codec::decode(&frame.head(), &slice).unwrap();
    assert_eq!(record.events, draft.events);
    let header = &record.header;
    assert_eq!((header.seq, header.time.0, header.wall.0, header.epoch), (1, 10, 20, 5));
    assert_eq!((&header.actor, &header.source, &header.request_id), (&draft.actor, &draft.source, &draft.request_id));

    // No prefix, no longer body and no other count is taken for a record.
    for length in 0..body.0.len() {
        let short = Slice { body: &body.0[..length], ..slice };
        assert!(codec::decode(&frame.head(), &short).is_err(), "cut to {length}");
    }
    let longer = [body.0.as_slice(), &[0]].concat();
    assert!(codec::decode(&frame.head(), &Slice { body: &longer, ..slice }).is_err());
}

#[test]
fn every_entity_has_these_bytes_for_ever_and_reads_back() {
    let mut state = State::default();
    let stamp = Stamp { seq: 1, time: JournalTime(1_700_000_000_000), wall: WallTime(0) };
    let draft = draft_of(vec![]);
    let header = stamp.header(&draft);
    for event in events() {
        let event = match event {
            // Of these the bytes of an event are all there is to hold.
            Event::StockMoved(StockMoved {
                kind:
                    MovementKind::TransferredOut
                    | MovementKind::TransferredIn
                    | MovementKind::ReturnedToVendor
                    | MovementKind::Liquidated
                    | MovementKind::Donated
                    | MovementKind::Destroyed,
                ..
            }) => {
                continue;
            }
            Event::TransferChanged(changed) if changed.key == TransferKey(11) => continue,
            Event::StockMoved(moved) => Event::StockMoved(StockMoved {
                delta: LevelDelta { on_hand: 9, available: 9, ..LevelDelta::default() },
                ..moved
            }),
            Event::ReservationChanged(changed) => {
                Event::ReservationChanged(ReservationChanged { version: changed.version - 1, ..changed })
            }
            Event::KeyUsed(used) if used.hash < 10 => continue,
            other => other,
        };
        let key = event.entity();
        let before = state.entity(&key).cloned();
        state.insert(key, Entity::fold(before, &header, &event).unwrap());
    }
    let moved = Moved { at: stamp.time, cell: CELL, on_hand: -3, counted: true };
    state.insert(EntityKey::Minute(moved.minute()), Entity::Minute(Box::new(Minute::fold(None, moved))));
    let mut picks = ShortPicks::default();
    picks.note(&Seen { day: 19_675, shelf: Shelf::Few, looked: Looked { found: 7, short: 300 } });
    state.insert(EntityKey::ShortPicks(NodeIndex(300)), Entity::ShortPicks(Box::new(picks)));
    let mut velocity = Velocity::begun(Left { day: 19_675, units: 300 });
    velocity.note(Left { day: 19_677, units: 2 });
    state.insert(EntityKey::Velocity(CELL), Entity::Velocity(Box::new(velocity)));
    assert_eq!(state.len(), 103, "a sample of every kind, other orders, and what version 1 of some has not");
    assert_eq!(
        state.entity(&EntityKey::Key(1 << 100)),
        Some(&Entity::Key(KeyEntry { fingerprint: 42, seq: 1, at: stamp.time }))
    );
    let ascends = |keys: Vec<EntityKey>| keys.is_sorted() && keys.iter().map(EntityKey::kind).is_sorted();
    assert!(ascends(state.iter().map(|(key, _)| key).collect()), "snapshots are merged by key");
    assert!(ascends(state.clone().into_entities().map(|(key, _)| key).collect()), "and filled by key");
    let golden: Vec<&str> = include_str!("golden_entities.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(golden.len(), state.len());
    for ((key, entity), expected) in state.entities().into_iter().zip(golden) {
        let mut entry = Vec::new();
        codec::put_entity(&mut entry, &key, entity);
        assert_eq!(hex(&entry), expected, "{key:?}");
        let (kind, version, length) = codec::entry_head(entry[..8].try_into().unwrap());
        assert_eq!((kind, length), (key.kind(), entry.len() - 8));
        let (read_key, read) = codec::get_entity(kind, version, &entry[8..]).unwrap();
        assert_eq!((&read_key, &read), (&key, entity));
        assert_eq!(codec::get_key(kind, version, &entry[8..]).unwrap(), key, "the key alone");
        assert!(codec::get_entity(kind, 99, &entry[8..]).is_err(), "an unknown version is refused");
        assert!(codec::get_key(kind, 99, &entry[8..]).is_err(), "also where only the key is wanted");
        assert!(codec::get_entity(kind, version, &entry[8..entry.len() - 1]).is_err());
    }
}

/// What snapshots held before holds and payments, before edits, and before carriers told of shipments.
#[test]
fn an_order_of_an_older_version_is_what_its_events_make_today() {
    let of_version_3 = include_str!("golden_order_3.txt").lines().map(|golden| (3, golden, usize::MAX));
    let older = [(1, include_str!("golden_order_1.txt"), 3), (2, include_str!("golden_order_2.txt"), 7)];
    for (version, golden, events_of_it) in older.into_iter().chain(of_version_3) {
        let golden = golden.trim();
        let entry: Vec<u8> =
            (0..golden.len()).step_by(2).map(|at| u8::from_str_radix(&golden[at..at + 2], 16).unwrap()).collect();
        let (kind, written, length) = codec::entry_head(entry[..8].try_into().unwrap());
        assert_eq!((kind, written, length), (7, version, entry.len() - 8));
        let (key, read) = codec::get_entity(kind, written, &entry[8..]).unwrap();
        assert_eq!(codec::get_key(kind, written, &entry[8..]).unwrap(), key);
        let stamp = Stamp { seq: 1, time: JournalTime(1_700_000_000_000), wall: WallTime(0) };
        let header = stamp.header(&draft_of(vec![]));
        let first = events().into_iter().filter(|event| event.entity() == key).take(events_of_it);
        let folded = first.fold(None, |before, event| Some(Entity::fold(before, &header, &event).unwrap()));
        assert_eq!(Some(read), folded, "version {version}");
    }
}

#[test]
fn a_record_too_large_is_refused_before_it_is_appended() {
    let many = |count| draft_of(vec![events()[7].clone(); count]);
    assert!(codec::encode(&many(100)).is_ok());
    let refused = codec::encode(&many(1_000)).unwrap_err();
    assert!(refused.bytes > refused.max && refused.max == 60 * 1024);
}
