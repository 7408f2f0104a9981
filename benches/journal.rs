//! The journal alone: what a record costs as bytes, what a sync costs by the size of its group, reading back, recovery.
//!
//! `cargo bench --bench journal` measures; `-- --size small` (what `cargo test --benches` runs) only keeps it alive. Each
//! line: events, nanoseconds per event and bytes per event of the record's body, or of the frames; groups are told with
//! the median and the longest of the times that a group waits for the disk, on both stores. The last column counts what
//! was read back, the same on every machine for the same size. No upkeep runs beside it.

/// The same as the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::path::Path;
use std::time::{Duration, Instant};

use ordain::domain::event::{Event, ReservationChanged, StockMoved};
use ordain::domain::ids::{NodeIndex, ReservationKey, SkuIndex, Text};
use ordain::domain::record::{Draft, Log};
use ordain::domain::reservation::{Held, HeldLines, ReservationEvent};
use ordain::domain::stock::{CellKey, LevelDelta, MovementKind};
use ordain::domain::time::JournalTime;
use ordain::journal::{Journal, Options, Priority, StoreKind, Unrecovered, Workers};

const CELL: CellKey = CellKey { sku: SkuIndex(7), node: NodeIndex(3) };
/// Reservations of a record of many.
const CROWD: u64 = 1_000;

struct Size {
    encoded: u64,
    groups: u64,
    records: u64,
}

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let size = if small {
        Size { encoded: 2_000, groups: 4, records: 200 }
    } else {
        Size { encoded: 2_000_000, groups: 400, records: 200_000 }
    };
    println!("{:<52} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "events", "ns/event", "bytes", "p50 us", "max us");
    encoding(&size);
    for store in [StoreKind::Sled, StoreKind::Plain] {
        for group in [1, 8, 64, 512, 4_096] {
            groups(store, group, &size);
        }
    }
    for crowd in [1, CROWD] {
        read_back(crowd, &size);
    }
}

fn open(dir: &Path, store: StoreKind) -> Journal {
    // Without upkeep: it would fold a snapshot, and the groups repeat one record, which no law allows.
    let options = Options { store, recent_bytes: 0, workers: Workers::WriterThread, ..Options::default() };
    Unrecovered::open(dir, options).expect("a directory").recover().expect("a good log").0
}

fn draft(events: Vec<Event>) -> Draft {
    let text = |word: &str| Text::from(word);
    Draft {
        decided_at: JournalTime(1_800_000_000_000),
        catalogue_seq: 3,
        actor: text("anonymous"),
        source: text("library"),
        request_id: text(""),
        events,
    }
}

/// The record of so many reservations of one unit, numbered from `first` on.
fn made(first: u64, count: u64, owner: &Text) -> Draft {
    let held = HeldLines::One(Held { sku: CELL.sku, node: CELL.node, quantity: 1 });
    let one = |n| {
        let event = ReservationEvent::Held {
            id: None,
            fingerprint: 0,
            owner: owner.clone(),
            channel: None,
            customer: None,
            expires_at: JournalTime(1_800_003_600_000),
            lines: held.clone(),
        };
        Event::ReservationChanged(ReservationChanged { key: ReservationKey(first + n), version: 1, event })
    };
    let units = count as i32;
    let delta = LevelDelta { available: -units, reserved: units, ..LevelDelta::default() };
    let mut events: Vec<Event> = (0..count).map(one).collect();
    events.push(Event::StockMoved(StockMoved { cell: CELL, kind: MovementKind::Reserved, delta }));
    draft(events)
}

fn line(name: &str, events: u64, took: Duration, bytes: f64, waits: Option<&mut Vec<Duration>>, result: u64) {
    let each = took.as_nanos() / u128::from(events.max(1));
    let (median, longest) = waits.map_or((0, 0), |waits| {
        waits.sort_unstable();
        (waits[waits.len() / 2].as_micros(), waits[waits.len() - 1].as_micros())
    });
    println!("{name:<52} {events:>9} {each:>9} {bytes:>9.1} {median:>9} {longest:>9}  {result}");
}

fn encoding(size: &Size) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let journal = open(dir.path(), StoreKind::Plain);
    let owner = Text::from("cart");
    for crowd in [1, CROWD] {
        let draft = made(1 << 40, crowd, &owner);
        let (started, rounds) = (Instant::now(), size.encoded / crowd);
        let bytes: usize = (0..rounds).map(|_| journal.encode(&draft).expect("it fits").0.len()).sum();
        let per_event = bytes as f64 / (rounds * crowd) as f64;
        let name = format!("encode a record of {crowd}");
        line(&name, rounds * crowd, started.elapsed(), per_event, None, (bytes as u64 / rounds) * crowd);
    }
}

/// Groups of so many records of one reservation each, one group after the other.
fn groups(store: StoreKind, group: u64, size: &Size) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let journal = open(dir.path(), store);
    let body = journal.encode(&made(1 << 40, 1, &Text::from("cart"))).expect("it fits");
    let before = journal.counted();
    let started = Instant::now();
    let mut waits: Vec<Duration> = (0..size.groups)
        .map(|_| {
            let _seat = journal.seat(Priority::Normal).expect("room");
            let asked = Instant::now();
            let last = (0..group).map(|_| journal.append(body.clone()).seq).last().expect("one at least");
            journal.durable_blocking(last, ()).expect("a disk that works");
            asked.elapsed()
        })
        .collect();
    let (took, after) = (started.elapsed(), journal.counted());
    let records = after.records - before.records;
    let bytes = (after.bytes - before.bytes) as f64 / records as f64;
    line(&format!("{store:?}, groups of {group}"), records, took, bytes, Some(&mut waits), records);
}

/// Reads what was written through a tail, then recovers it.
fn read_back(crowd: u64, size: &Size) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let journal = open(dir.path(), StoreKind::Sled);
    let (owner, events) = (Text::from("cart"), size.records.max(crowd));
    let received = LevelDelta { on_hand: 500_000_000, available: 500_000_000, ..LevelDelta::default() };
    let received = StockMoved { cell: CELL, kind: MovementKind::Received, delta: received };
    let mut last = append(&journal, &draft(vec![Event::StockMoved(received)]));
    for first in (0..events).step_by(crowd as usize) {
        last = append(&journal, &made((1 << 40) + first, crowd, &owner));
        if last.is_multiple_of(1_000) {
            journal.durable_blocking(last, ()).expect("a disk that works");
        }
    }
    journal.durable_blocking(last, ()).expect("a disk that works");
    let bytes = journal.counted().bytes as f64 / events as f64;
    let started = Instant::now();
    let mut tail = journal.tail(0);
    let mut read = 0;
    while let Some(record) = tail.try_next().expect("it can be read") {
        read += record.events.len() as u64;
    }
    line(&format!("read records of {crowd} and decode them"), events, started.elapsed(), bytes, None, read);
    drop(tail);
    journal.close().expect("in order");
    drop(journal);
    let started = Instant::now();
    let recovered = Unrecovered::open(dir.path(), Options::default()).expect("a directory").recover();
    let (journal, state) = recovered.expect("a good log");
    line(&format!("recover records of {crowd}"), events, started.elapsed(), bytes, None, state.len() as u64);
    drop(journal);
}

fn append(journal: &Journal, draft: &Draft) -> u64 {
    let _seat = journal.seat(Priority::Normal).expect("room");
    let body = journal.encode(draft).expect("it fits");
    journal.append(body).seq
}
