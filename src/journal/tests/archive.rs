//! The archive: what left is there, whatever dies and whatever is damaged, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::archive::{Archive as _, Archiving, OrderName, OrderRow};
use crate::domain::delivery::Way;
use crate::domain::event::OrderChanged;
use crate::domain::ids::OrderKey;
use crate::domain::order::{CancelFrom, CancelledPart, Order, OrderEvent, OrderFacts, OrderType, PlacedLine, Sealed};
use crate::domain::payment::PaymentMark;
use crate::domain::time::WallTime;
use crate::journal::archive::{Archive, MANIFEST};
use crate::journal::segment::{self, Output, Segment};

const DIRECTORY: u128 = 77;

fn events(n: u64) -> Vec<OrderEvent> {
    let facts = OrderFacts {
        id: n.is_multiple_of(2).then(|| format!("order-{n}").into()),
        fingerprint: n,
        kind: OrderType::Standard,
        channel: if n.is_multiple_of(3) { "web".into() } else { "shop".into() },
        channel_order_id: format!("W-{n}").into(),
        customer: format!("customer-{}", n / 10).into(),
        personal: Sealed { key_id: 0, bytes: vec![n as u8; n as usize % 90] },
        currency: Currency::USD,
        destinations: Vec::new(),
        delivery_method: "ship".into(),
        payment: None,
        total: None,
        rule_set: None,
        reservation: None,
        placed_at: WallTime(n as i64 * 1_000),
    };
    let line = PlacedLine {
        id: "1".into(),
        sku: SkuIndex(n as u32 % 50),
        quantity: 2,
        unit_price: 100,
        group: 0,
        stocked: true,
        components: Vec::new(),
    };
    let (allocations, backordered, decision) = (Vec::new(), Vec::new(), None);
    let parts = vec![CancelledPart { line: 0, quantity: 2, from: CancelFrom::Unallocated }];
    vec![
        OrderEvent::Placed { facts: facts.into(), lines: vec![line], allocations, backordered, decision },
        OrderEvent::Cancelled { parts, reason: "changed my mind".into() },
    ]
}

/// A record of this world, with these events.
fn draft_of(events: Vec<Event>) -> Draft {
    Draft { events, ..draft(2) }
}

fn changed(n: u64, version: u32, event: OrderEvent) -> Event {
    Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(n), version, event }))
}

/// An order that has ended.
fn ended(n: u64) -> Order {
    let header = record(2).header;
    let fold = |before, (version, event)| Order::fold(before, OrderKey(n), version, &header, &event).map(Some);
    (1..).zip(events(n)).try_fold(None, fold).unwrap().unwrap()
}

fn paid(n: u64, times: u32) -> Order {
    let header = record(3).header;
    let event = OrderEvent::PaymentReported { mark: PaymentMark::Failed, amount: 5 };
    (0..times).fold(ended(n), |order, _| {
        let version = order.version + 1;
        Order::fold(Some(order), OrderKey(n), version, &header, &event).unwrap()
    })
}

fn segment(disk: &Simulated, number: u64, orders: impl Iterator<Item = Order>) -> Segment {
    let mut output = Output::new(disk, DIRECTORY, number).unwrap();
    orders.for_each(|order| output.push(&order).unwrap());
    output.finish().unwrap();
    Segment::open(disk, DIRECTORY, number).unwrap()
}

#[test]
fn what_is_in_a_segment_is_found_and_nothing_else() {
    let disk = Simulated::new(1);
    let segment = segment(&disk, 1, (1..=600).map(|n| ended(n * 2)));
    segment.verify(&disk).unwrap();
    assert_eq!((segment.count, segment.highest), (600, 1_200));
    let mut mistaken = 0;
    for n in 0..=1_300 {
        let (key, there) = (OrderKey(n), n > 0 && n <= 1_200 && n.is_multiple_of(2));
        let found = segment.order(&disk, key).unwrap();
        assert_eq!(found, there.then(|| ended(n)), "order {n}");
        assert!(segment.may_hold(key) || !there, "order {n}");
        mistaken += u32::from(segment.may_hold(key) && !there);
        let other = ended(n);
        for name in OrderName::of(&other) {
            let keys = segment.named(&disk, name.hash()).unwrap();
            assert_eq!(keys, if there { vec![key] } else { vec![] }, "{name:?}");
            assert!(segment.may_know(name.hash()) || !there, "{name:?}");
        }
    }
    assert!(mistaken < 20, "the filter lets {mistaken} of 700 pass that are not there");
    let rows: Vec<OrderRow> =
        segment.rows_places().iter().flat_map(|place| segment.rows(&disk, place).unwrap()).collect();
    assert_eq!(rows, (1..=600).map(|n| OrderRow::of(&ended(n * 2))).collect::<Vec<_>>());
}

#[test]
fn every_damaged_byte_and_every_cut_of_a_segment_is_noticed() {
    let disk = Simulated::new(1);
    segment(&disk, 1, [3, 4, 9, 12].into_iter().map(ended)).verify(&disk).unwrap();
    let path = segment::path(1);
    let whole = store::read_file(&disk, &path).unwrap().unwrap();
    let is_good = || Segment::open(&disk, DIRECTORY, 1).is_ok_and(|segment| segment.verify(&disk).is_ok());
    for at in 0..whole.len() {
        disk.corrupt_file(&path, |bytes| bytes[at] ^= 1 << (at % 8));
        assert!(!is_good(), "byte {at} of {}", whole.len());
        disk.corrupt_file(&path, |bytes| bytes[at] ^= 1 << (at % 8));
    }
    for length in (0..whole.len()).step_by(7) {
        disk.corrupt_file(&path, |bytes| bytes.truncate(length));
        assert!(!is_good(), "cut to {length}");
        disk.corrupt_file(&path, |bytes| bytes.clone_from(&whole));
    }
    disk.corrupt_file(&path, |bytes| bytes.push(0));
    assert!(!is_good(), "bytes follow its end");
    disk.corrupt_file(&path, |bytes| bytes.clone_from(&whole));
    assert!(is_good());
    assert!(Segment::open(&disk, DIRECTORY + 1, 1).is_err(), "it is of another directory");
}

/// Orders go in and come again in a hundred rounds; the archive always has of each what left last.
#[test]
fn the_newest_that_left_is_the_right_one_however_segments_are_joined() {
    let disk = Simulated::new(1);
    let archive = Archive::open(Arc::new(disk.clone()), DIRECTORY, false).unwrap();
    let mut random = 0x5eed_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut model: BTreeMap<u64, u32> = BTreeMap::new();
    for round in 1..=100 {
        let some: BTreeSet<u64> = (0..next(40)).map(|_| 1 + next(400)).collect();
        let mut arriving = archive.arriving();
        for n in some {
            let times = model.get(&n).map_or(0, |times| times + 1);
            model.insert(n, times);
            arriving.push(&paid(n, times)).unwrap();
        }
        arriving.finish(round).unwrap();
        archive.join_many(|| true).unwrap();
        assert!(archive.paths().len() <= 9, "few segments and the manifest");
    }
    let look = |archive: &Archive| {
        assert!(archive.verify().is_empty());
        for n in 1..=400 {
            let found = archive.order(OrderKey(n)).unwrap();
            assert!(found.as_ref().is_none_or(Order::is_archived));
            let wanted = model.get(&n).map(|times| paid(n, *times));
            assert_eq!(found.map(|order| Order { left_at: 0, ..order }), wanted, "order {n}");
            let order = ended(n);
            for name in OrderName::of(&order) {
                let named = archive.named(name).unwrap().map(|order| order.key);
                assert_eq!(named, model.contains_key(&n).then_some(OrderKey(n)), "{name:?}");
            }
        }
        for below in [u64::MAX, 250, 1] {
            let mut rows = Vec::new();
            let all = |row| {
                rows.push(row);
                true
            };
            archive.search(&Asked::default(), OrderKey(below), all).unwrap();
            let wanted = model.range(..below).rev().map(|(n, times)| OrderRow::of(&paid(*n, *times)));
            assert_eq!(rows, wanted.collect::<Vec<_>>(), "each once, newest first, below {below}");
        }
        let (customer, mut found) = ("customer-7", Vec::new());
        let asked = Asked { customer: Some(customer), ..Asked::default() };
        let fits = |row: OrderRow| {
            found.extend((&*row.customer == customer).then_some(row.key.0));
            true
        };
        archive.search(&asked, OrderKey(u64::MAX), fits).unwrap();
        assert_eq!(found, model.range(70..80).rev().map(|(n, _)| *n).collect::<Vec<_>>());
    };
    look(&archive);
    archive.sweep().unwrap();
    look(&Archive::open(Arc::new(disk.clone()), DIRECTORY, true).unwrap());
    assert_eq!(archive.covered(), 100);
    assert_eq!(disk.files("archive").unwrap().len(), archive.paths().len(), "nothing else lies there");
}

/// Appends the life of orders `from` to `upto`: each is placed, cancelled and leaves.
fn append_lives(journal: &Journal, from: u64, upto: u64) -> Result<u64, OutcomeUnknown> {
    let append = |events| journal.append(journal.encode(&draft_of(events)).unwrap()).seq;
    for n in from..=upto {
        append((1..).zip(events(n)).map(|(version, event)| changed(n, version, event)).collect());
    }
    let last = append((from..=upto).map(|n| Event::Archiving(Archiving::Left(OrderKey(n)))).collect());
    journal.durable_blocking(last, last).map(Durable::into_inner)
}

/// The order comes back with a payment that failed, and leaves again.
fn append_return(journal: &Journal, order: Order) -> Result<u64, OutcomeUnknown> {
    let (n, version) = (order.key.0, order.version + 1);
    let back = Event::Archiving(Archiving::Back(Box::new(order)));
    let event = OrderEvent::PaymentReported { mark: PaymentMark::Failed, amount: 5 };
    let left = Event::Archiving(Archiving::Left(OrderKey(n)));
    let events = vec![back, changed(n, version, event), left];
    let seq = journal.append(journal.encode(&draft_of(events)).unwrap()).seq;
    journal.durable_blocking(seq, seq).map(Durable::into_inner)
}

/// Where an order is after a start: in the state, or in the archive.
fn wherever(journal: &Journal, state: &State, n: u64) -> Option<Order> {
    let here = state.orders().find(|order| order.key.0 == n).map(|order| (**order).clone());
    here.or_else(|| journal.archive().order(OrderKey(n)).unwrap())
}

/// Founds, lets orders leave, one of them come back and leave again, snapshots between. What was acknowledged: the highest
/// order, and how often order 1 has come back.
fn work(disk: &Simulated) -> (u64, u32) {
    let (mut upto, mut times) = (0, 0);
    let mut work = || -> Option<()> {
        for round in 0..4 {
            let (journal, state) = open(disk).ok()?;
            if journal.last_seq() == 0 {
                append_durably(&journal, 1).ok()?;
            }
            for _ in 0..3 {
                append_lives(&journal, upto + 1, upto + 2).ok()?;
                upto += 2;
                let _ = journal.snapshot_now();
            }
            if round > 0 {
                append_return(&journal, wherever(&journal, &state, 1)?).ok()?;
                times += 1;
                let _ = journal.snapshot_now();
            }
            journal.close().ok()?;
        }
        Some(())
    };
    let _ = work();
    (upto, times)
}

#[test]
fn what_left_is_there_once_and_whole_at_whatever_step_power_goes() {
    let mut finished = false;
    let mut stop = 1;
    while !finished {
        let disk = Simulated::new(stop);
        disk.stop_after(stop);
        let (upto, times) = work(&disk);
        finished = !disk.has_stopped();
        disk.crash();
        let context = format!("stopped at step and seed {stop}");
        disk.stop_after(2 + stop % 7);
        drop(open(&disk));
        disk.crash();
        let (journal, state) = open(&disk).unwrap_or_else(|failure| panic!("{context}: {failure}"));
        for n in 1..=upto {
            let found = wherever(&journal, &state, n).unwrap_or_else(|| panic!("{context}: order {n} is gone"));
            let least = ended(n).version + if n == 1 { times } else { 0 };
            assert!(found.version >= least, "{context}: order {n} is at {}", found.version);
            assert_eq!(found.payments.len() as u32, found.version - 2, "{context}: order {n}");
        }
        journal.snapshot_now().unwrap();
        drop((journal, state));
        let report = check::check_copy(&disk).unwrap();
        assert_eq!(report.findings, Vec::<String>::new(), "{context}");
        if finished {
            assert!(report.archived >= upto, "{report:?}");
        }
        // Every third step: the others differ from their neighbours in what stands on the same disks.
        stop += 3;
    }
    assert!(stop > 100, "the work was long enough to see many steps: {stop}");
}

/// A directory from which ten orders left.
fn directory() -> Simulated {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 1).unwrap();
    append_lives(&journal, 1, 10).unwrap();
    journal.snapshot_now().unwrap();
    journal.close().unwrap();
    disk
}

#[test]
fn an_archive_that_is_missing_or_damaged_is_refused_by_name() {
    let refused = |disk: &Simulated, path: &str| {
        let Err(Failure::Damaged { place, what, .. }) = open(disk) else { panic!("{path} is damaged") };
        assert_eq!(place, path, "{what}");
        let report = check::check_copy(disk).unwrap();
        assert!(report.findings.iter().any(|finding| finding.starts_with(path)), "{:?}", report.findings);
    };
    let path = segment::path(1);
    let disk = directory();
    assert!(open(&disk).is_ok());
    disk.remove_file(&path).unwrap();
    refused(&disk, &path);

    let disk = directory();
    disk.remove_file(MANIFEST).unwrap();
    refused(&disk, MANIFEST);

    let disk = directory();
    disk.corrupt_file(MANIFEST, |bytes| bytes[50] ^= 1);
    refused(&disk, MANIFEST);

    let disk = directory();
    let index = |bytes: &mut Vec<u8>| {
        let at = bytes.len() - 60;
        bytes[at] ^= 1;
    };
    disk.corrupt_file(&path, index);
    refused(&disk, &path);

    // A manifest of before the snapshot.
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 1).unwrap();
    let before = store::read_file(&disk, MANIFEST).unwrap().unwrap();
    append_lives(&journal, 1, 10).unwrap();
    journal.snapshot_now().unwrap();
    drop(journal);
    disk.corrupt_file(MANIFEST, |bytes| *bytes = before);
    refused(&disk, MANIFEST);
}

#[test]
fn a_damaged_block_is_told_when_it_is_read_and_by_check() {
    let disk = directory();
    disk.corrupt_file(&segment::path(1), |bytes| bytes[70] ^= 1);
    let (journal, state) = open(&disk).unwrap();
    assert!(state.orders().next().is_none());
    let told = journal.archive().order(OrderKey(3)).unwrap_err().to_string();
    assert!(told.contains(&segment::path(1)) && told.contains("checksum"), "{told}");
    drop(journal);
    let findings = check::check_copy(&disk).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.starts_with(&segment::path(1))), "{findings:?}");
}

#[test]
fn a_backup_holds_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, place) = (folder.path().join("origin"), folder.path().join("restored"));
    let (journal, _) = Unrecovered::open(&origin, options()).unwrap().recover().unwrap();
    append_durably(&journal, 1).unwrap();
    append_lives(&journal, 1, 5).unwrap();
    journal.snapshot_now().unwrap();
    append_lives(&journal, 6, 9).unwrap();
    let mut bytes = Vec::new();
    journal.backup(false, &mut bytes).unwrap();
    let report = restore(&mut &bytes[..], &place, StoreKind::Plain, None).unwrap();
    assert_eq!(report.archived, 9);
    let (journal, state) = Unrecovered::open(&place, options()).unwrap().recover().unwrap();
    for n in 1..=9 {
        assert!(
            wherever(&journal, &state, n).is_some_and(|order| order.is_same_as(&Order { left_at: 9, ..order.clone() }))
        );
        assert_eq!(
            wherever(&journal, &state, n).map(|order| order.facts.channel_order_id.to_string()),
            Some(format!("W-{n}"))
        );
    }
}

#[test]
fn a_directory_without_an_archive_gets_one() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 5).unwrap();
    journal.snapshot_now().unwrap();
    journal.close().unwrap();
    drop(journal);
    disk.remove_file(MANIFEST).unwrap();
    disk.corrupt_file("FORMAT", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("format 4\nreader 4", "format 2\nreader 2").into_bytes();
    });
    let (journal, state) = open(&disk).unwrap();
    assert_state(&state, "of an older program");
    assert!(journal.archive().is_empty());
    append_lives(&journal, 1, 3).unwrap();
    journal.close().unwrap();
    drop(journal);
    let (journal, state) = open(&disk).unwrap();
    assert_eq!((state.orders().count(), journal.archive().count()), (3, 0), "they left, and no snapshot was cut yet");
    journal.snapshot_now().unwrap();
    drop(journal);
    let (journal, state) = open(&disk).unwrap();
    assert_eq!((state.orders().count(), journal.archive().count()), (0, 3));
}

#[test]
fn events_of_the_archive_have_these_bytes_for_ever() {
    let imported = Order { left_at: 0, seq: 0, ..ended(2) };
    let events =
        [Archiving::Left(OrderKey(300)), Archiving::Back(Box::new(ended(4))), Archiving::Imported(Box::new(imported))];
    let golden: Vec<&str> = include_str!("golden_archive.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let read = |body: &[u8]| {
        let origin = Origin { directory: 1, partition: 0, epoch: 5 };
        let mut builder = frame::Builder::new(origin, Link::START);
        builder.push(frame::Slice { seq: 1, time: 10, wall: 20, body });
        let frame = builder.finish(0);
        let slice = frame.records().next().unwrap();
        codec::decode(&frame.head(), &slice).unwrap().events
    };
    let bare = codec::encode(&draft_of(vec![])).unwrap().0;
    assert_eq!(golden.len(), events.len());
    for (event, part) in events.into_iter().zip(golden) {
        let body = codec::encode(&draft_of(vec![Event::Archiving(event.clone())])).unwrap().0;
        assert_eq!(read(&body), [Event::Archiving(event.clone())]);
        // Orders lie there at the version of their time; a number is a number for ever.
        let part: Vec<u8> =
            (0..part.len()).step_by(2).map(|at| u8::from_str_radix(&part[at..at + 2], 16).unwrap()).collect();
        assert!(!matches!(event, Archiving::Left(_)) || body[bare.len()..] == part);
        let body = [&bare[..bare.len() - 4], &1u32.to_le_bytes(), &part].concat();
        assert_eq!(read(&body), [Event::Archiving(event)]);
    }
}

#[test]
fn an_order_that_comes_back_knows_how_its_groups_reach_the_customer() {
    let ways = vec![Way { group: 1, method: "pickup".into(), node: Some(NodeIndex(2)) }];
    let back = Archiving::Back(Box::new(Order { ways, ..ended(5) }));
    let body = codec::encode(&draft_of(vec![Event::Archiving(back.clone())])).unwrap().0;
    let mut builder = frame::Builder::new(Origin { directory: 1, partition: 0, epoch: 5 }, Link::START);
    builder.push(frame::Slice { seq: 1, time: 10, wall: 20, body: &body });
    let frame = builder.finish(0);
    let slice = frame.records().next().unwrap();
    assert_eq!(codec::decode(&frame.head(), &slice).unwrap().events, [Event::Archiving(back)]);
}
